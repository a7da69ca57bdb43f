//! `analyze --review`: what a reviewer said of a report, taken in again.

mod support;

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use support::program::{Run, corticalysis};
use tempfile::TempDir;

fn defect() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/defect")
}

fn analyzed(review: Option<&Path>, more: &[&str]) -> Run {
    let series = defect();
    let mut args: Vec<&std::ffi::OsStr> = vec!["analyze".as_ref(), series.as_os_str()];
    if let Some(review) = review {
        args.extend(["--review".as_ref(), review.as_os_str()]);
    }
    args.extend(more.iter().map(std::ffi::OsStr::new));
    corticalysis(args)
}

/// A review of this report that decides on its one lesion.
fn review_of(report: &Value, decision: Value, pain: Value) -> Value {
    let bone = &report["bones"][0];
    let lesion = &bone["lesions"][0];
    json!({
        "schema": "corticalysis/review/v1",
        "tool": report["tool"],
        "series_instance_uid": report["series"]["series_instance_uid"],
        "date": "2026-11-24T20:24:49Z",
        "reviewer": "Dr Éluard",
        "bones": [{
            "bone": bone["bone"], "side": bone["side"], "z_range_mm": bone["z_range_mm"], "pain": pain,
            "lesions": [{"id": lesion["id"], "z_range_mm": lesion["z_range_mm"], "decision": decision, "comment": "a vessel\n groove"}],
            "slices": []
        }]
    })
}

struct Case {
    dir: TempDir,
    report: Value,
}

impl Case {
    fn new() -> Self {
        let run = analyzed(None, &["--json"]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        Self { dir: TempDir::new().expect("a temporary folder"), report: run.json() }
    }

    fn file(&self, review: &Value) -> PathBuf {
        let path = self.dir.path().join("review.json");
        std::fs::write(&path, review.to_string()).expect("written");
        path
    }

    /// The report after this review.
    fn after(&self, review: &Value, more: &[&str]) -> Value {
        let run = analyzed(Some(&self.file(review)), &[&["--json"], more].concat());
        assert_eq!(run.status, 0, "{}", run.stderr);
        run.json()
    }

    /// Exit status of a review that is refused, with these words on standard error and nothing on standard output.
    fn refused(&self, status: i32, review: &Value, more: &[&str], words: &[&str]) {
        let run = analyzed(Some(&self.file(review)), &[&["--json"], more].concat());
        assert_eq!(run.status, status, "{}", run.stderr);
        assert!(run.stdout.is_empty());
        for word in words {
            assert!(run.stderr.contains(word), "{word} is missing in: {}", run.stderr);
        }
    }
}

fn verdict<'a>(report: &'a Value, rule: &str) -> Option<&'a Value> {
    report["bones"][0]["rules"].as_array()?.iter().find(|of| of["name"] == rule).map(|of| &of["met"])
}

#[test]
fn a_rejected_lesion_is_listed_and_counts_nowhere() {
    let case = Case::new();
    assert_eq!(verdict(&case.report, "guideline-30-50"), Some(&json!(true)), "the sample is flagged");
    let review = review_of(&case.report, json!("rejected"), json!("moderate"));
    let after = case.after(&review, &[]);
    let (before, bone) = (&case.report["bones"][0], &after["bones"][0]);
    assert_eq!(bone["lesions"].as_array().map(Vec::len), before["lesions"].as_array().map(Vec::len));
    assert_eq!(bone["lesions"][0]["review"], json!({"decision": "rejected", "comment": "a vessel groove"}));
    assert_eq!(bone["lesions"][0]["max_axial_lysis_percent"], before["lesions"][0]["max_axial_lysis_percent"]);
    assert_eq!((&bone["mirels"], &bone["weakest_section"]), (&Value::Null, &Value::Null));
    for rule in ["guideline-30-50", "van-der-linden", "tatar-planning-ct", "rigidity"] {
        assert_ne!(verdict(&after, rule), Some(&json!(true)), "{rule}");
    }
    assert_eq!(bone["recommendation"]["category"], "no-lesion");
    assert!(bone["recommendation"]["text"].as_str().is_some_and(|text| text.contains("rejected by the reviewer")));
    // What was measured stays: only its flags no longer count.
    let slices = |report: &Value| report["bones"][0]["slices"].as_array().expect("slices").clone();
    for (then, now) in slices(&case.report).iter().zip(&slices(&after)) {
        assert_eq!((&then["flagged"], &then["axial_lysis_percent"]), (&now["flagged"], &now["axial_lysis_percent"]));
        if now["flagged"] == true {
            assert_eq!(now["review"], json!({"decision": "rejected", "comment": "with lesion 1"}));
        }
    }
    assert_eq!(after["review"]["reviewer"], "Dr Éluard");
    assert_eq!((&after["review"]["date"], &after["review"]["notes"]), (&json!("2026-11-24T20:24:49Z"), &json!([])));
    // The schema that is shipped describes it.
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/report.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(schema).expect("shipped")).expect("JSON");
    assert!(jsonschema::validator_for(&schema).expect("a schema").is_valid(&after));
}

#[test]
fn every_output_says_what_was_rejected() {
    let case = Case::new();
    let review = case.file(&review_of(&case.report, json!("rejected"), Value::Null));
    let out = case.dir.path().join("out");
    let folder = out.to_str().expect("UTF-8");
    let run = analyzed(Some(&review), &["-o", folder, "--dicom", "--save-masks", "--pdf"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let said = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in
        ["Reviewed by Dr Éluard on 2026-11-24.", "rejected by the reviewer (a vessel groove)", "none is counted"]
    {
        assert!(said.contains(part), "{part} is missing in:\n{}", run.stdout);
    }
    let row = |name: &str| -> std::collections::HashMap<String, String> {
        let mut table = csv::Reader::from_path(out.join(name)).expect("a table");
        table.deserialize().next().expect("a row").expect("a sound row")
    };
    let bone = row("bones.csv");
    assert_eq!(
        (bone["lesions"].as_str(), bone["flagged_slices"].as_str(), bone["rejected_lesions"].as_str()),
        ("0", "0", "1")
    );
    // No object shows as found what is none.
    assert!(!out.join("dicom/ko.dcm").exists(), "no flag stands");
    let holds = |name: &str, text: &str| {
        let bytes = std::fs::read(out.join(name)).expect("written");
        bytes.windows(text.len()).any(|part| part == text.as_bytes())
    };
    assert!(!holds("dicom/seg.dcm", "lesion 1"), "a segment of the rejected lesion");
    assert!(holds("dicom/sr.dcm", "lesion 1: rejected by the reviewer (a vessel groove)"));
    // And in French.
    let run = analyzed(Some(&review), &["-o", folder, "--lang", "fr"]);
    let said = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in ["Relu par Dr Éluard le 2026-11-24.", "rejetée par le relecteur (a vessel groove)"] {
        assert!(said.contains(part), "{part} is missing in:\n{}", run.stdout);
    }
    assert!(!out.join("report.pdf").exists(), "the PDF of the report before was not asked for again");
}

#[test]
fn an_accepted_lesion_is_confirmed_and_the_pain_is_taken() {
    let case = Case::new();
    assert_eq!(case.report["bones"][0]["recommendation"]["category"], "depends-on-pain");
    let after = case.after(&review_of(&case.report, json!("accepted"), json!("functional")), &[]);
    let bone = &after["bones"][0];
    assert_eq!(bone["lesions"][0]["review"]["decision"], "accepted");
    let pain = &bone["mirels"]["pain"];
    assert_eq!([&pain["points"], &pain["points_range"]], [&json!(3), &json!([3, 3])]);
    assert_eq!([&pain["value"], &pain["basis"]], ["functional", "given by the reviewer"]);
    assert_eq!(bone["recommendation"]["category"], "consolidation-candidate");
    // As with the same pain on the command line, but for what is said of the review.
    let given = analyzed(None, &["--json", "--pain", "functional"]).json();
    for field in ["rules", "recommendation", "weakest_section", "slices"] {
        assert_eq!(bone[field], given["bones"][0][field], "{field}");
    }
    // Both say the same: nothing to quarrel about.
    case.after(&review_of(&case.report, Value::Null, json!("mild")), &["--pain", "mild"]);
    // A comment alone changes no number.
    let commented = case.after(&review_of(&case.report, Value::Null, Value::Null), &[]);
    assert_eq!(commented["bones"][0]["rules"], case.report["bones"][0]["rules"]);
}

#[test]
fn a_rejected_flag_leaves_its_slice_out() {
    let case = Case::new();
    let slices = case.report["bones"][0]["slices"].as_array().expect("slices");
    let flagged: Vec<&Value> = slices.iter().filter(|slice| slice["flagged"] == true).collect();
    assert!(flagged.len() > 3);
    let mut review = review_of(&case.report, json!("accepted"), Value::Null);
    review["bones"][0]["slices"] = flagged
        .iter()
        .map(|slice| {
            json!({"sop_instance_uid": slice["sop_instance_uid"], "instance_number": slice["instance_number"],
                   "z_mm": slice["z_mm"], "decision": "rejected", "comment": ""})
        })
        .collect();
    let after = case.after(&review, &[]);
    assert_ne!(verdict(&after, "guideline-30-50"), Some(&json!(true)));
    assert_eq!(verdict(&after, "van-der-linden"), Some(&json!(true)), "the lesion itself stands");
    let notes = &after["bones"][0]["rules"][0]["notes"];
    assert!(notes.to_string().contains(&format!("rejected are left out: {}", flagged.len())), "{notes}");
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let case = Case::new();
    let sound = review_of(&case.report, json!("rejected"), json!("mild"));
    let with = |change: &dyn Fn(&mut Value)| {
        let mut review = sound.clone();
        change(&mut review);
        review
    };
    case.refused(
        2,
        &sound,
        &["--pain", "functional"],
        &["--pain functional contradicts the review, which says mild", "left femur"],
    );
    let other = with(&|r| r["series_instance_uid"] = json!("1.2.3"));
    case.refused(3, &other, &[], &["review.json", "made of the series 1.2.3", "--series"]);
    let nifti = with(&|r| r["series_instance_uid"] = json!(""));
    case.refused(3, &nifti, &[], &["a series without a UID"]);
    let right = with(&|r| r["bones"][0]["side"] = json!("right"));
    case.refused(3, &right, &[], &["it names a right femur", "found: left femur"]);
    let lesion = with(&|r| r["bones"][0]["lesions"][0]["z_range_mm"] = json!([-900.0, -880.0]));
    case.refused(
        3,
        &lesion,
        &[],
        &["it names lesion 1 of the left femur (z -900.0 to -880.0 mm)", "it has lesion 1 (z "],
    );
    let slice = with(&|r| {
        r["bones"][0]["slices"] =
            json!([{"sop_instance_uid": "1.9.9", "instance_number": 5, "z_mm": 700.0, "decision": "rejected"}]);
    });
    case.refused(3, &slice, &[], &["the slice instance 5, z 700.0 mm of the left femur"]);
    let version = with(&|r| {
        r["tool"]["version"] = json!("0.0.1");
        r["bones"][0]["side"] = json!("right");
    });
    case.refused(3, &version, &[], &["version 0.0.1", "review the new report"]);
    let twice = with(&|r| {
        let lesion = r["bones"][0]["lesions"][0].clone();
        r["bones"][0]["lesions"].as_array_mut().expect("lesions").push(lesion);
    });
    case.refused(3, &twice, &[], &["speaks twice of lesion 1 of the left femur"]);
    case.refused(3, &with(&|r| r["bones"][0]["pain"] = json!("awful")), &[], &["it is no review", "awful", "mild"]);
    case.refused(3, &case.report, &[], &["its schema is 'corticalysis/report/v1', not 'corticalysis/review/v1'"]);
    let missing = analyzed(Some(&case.dir.path().join("none.json")), &["--json"]);
    assert!(missing.status == 3 && missing.stderr.contains("none.json"), "{}", missing.stderr);
}

#[test]
fn what_has_changed_since_is_said_and_bones_that_were_left_out_are_no_error() {
    let case = Case::new();
    let mut review = review_of(&case.report, json!("accepted"), Value::Null);
    review["tool"]["version"] = json!("0.0.1");
    let shifted = |value: &Value| value.as_f64().expect("mm") + 2.0;
    let range = &case.report["bones"][0]["lesions"][0]["z_range_mm"];
    review["bones"][0]["lesions"][0]["z_range_mm"] = json!([shifted(&range[0]), shifted(&range[1])]);
    review["bones"][0]["lesions"][0]["id"] = json!(7);
    let other = json!({"bone": "tibia", "side": "right", "z_range_mm": [0.0, 100.0]});
    review["bones"].as_array_mut().expect("bones").push(other);
    let run = analyzed(Some(&case.file(&review)), &["--json", "--bone", "femur"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let report = run.json();
    assert_eq!(report["bones"][0]["lesions"][0]["review"]["decision"], "accepted");
    let notes = report["review"]["notes"].to_string();
    for part in ["version 0.0.1", "Lesion 7 of the review", "a right tibia"] {
        assert!(notes.contains(part) && run.stderr.contains(part), "{part}: {notes}\n{}", run.stderr);
    }
}
