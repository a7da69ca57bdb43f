//! `evaluate` as a user meets it: good input, and input that it must refuse by name; and as a program calls it.

mod support;

use corticalysis::analysis::{Settings, analyze};
use corticalysis::dicom::{Layout, Series, SeriesHeader};
use corticalysis::evaluate::{Case, Quantity};
use corticalysis::phantom::presets;
use corticalysis::phantom::truth::{BoneTruth, Truth};
use corticalysis::report::{GivenItems, Report, bone_report, convert};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use support::program::{Run, corticalysis, files_below, shared_data};
use tempfile::TempDir;

/// A folder with `d1.truth.json` and `d1/report.json`, of 2 mm slices with errors 0, 2 and −1 axial.
struct Example {
    folder: TempDir,
    truth: Value,
    report: Value,
}

impl Example {
    fn new() -> Self {
        let slice = |z: f64, axial: f64, around: f64| {
            json!({"instance_number": 1, "sop_instance_uid": null, "z_mm": z, "measured": true, "not_measured_because": null,
                "axial_lysis_percent": axial, "axial_lysis_ci95": [axial - 3.0, axial + 3.0], "circumferential_lysis_percent": around,
                "circumferential_lysis_ci95": [around - 3.0, around + 3.0],
                "circumferential_by_depth": {"0.30": around, "0.50": around, "0.99": 0.0}, "cortical_area_mm2": 300.0,
                "reference_area_mm2": 400.0, "mean_thickness_mm": 5.0, "reference_thickness_mm": 5.0, "flagged": axial > 30.0 && around > 50.0})
        };
        let report = json!({"schema": "corticalysis/report/v1", "tool": {"name": "corticalysis", "version": "0"}, "disclaimer": "",
            "series": {"study_instance_uid": "", "series_instance_uid": "1.2.3", "frame_of_reference_uid": "", "manufacturer": "",
                "kernel": "", "kvp": 120.0, "rows": 512, "columns": 512, "slices": 3, "pixel_spacing_mm": [1.0, 1.0],
                "slice_spacing_mm": 2.0, "warnings": []},
            "settings": {"depth": 0.3},
            "bones": [{"bone": "femur", "side": "left", "confidence": 1.0, "z_range_mm": [0.0, 4.0], "length_mm": null,
                "reference": null, "slices": [slice(0.0, 0.0, 0.0), slice(2.0, 12.0, 20.0), slice(4.0, 39.0, 66.0)],
                "not_measured_slices": 0, "lesions": [], "mirels": null, "rules": [], "recommendation": null, "warnings": []}]});
        let ring = |z: f64, axial: f64, around: f64| json!({"z": z, "axial": axial, "circ30": around, "circ50": 0.0, "ring": true});
        let truth =
            json!({"source": "image", "slices": [ring(0.0, 0.0, 0.0), ring(2.0, 10.0, 21.0), ring(4.0, 40.0, 60.0)]});
        Self { folder: TempDir::new().unwrap(), truth, report }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes both as `NAME.truth.json` and `NAME/report.json`.
    fn write_as(&self, name: &str) {
        fs::create_dir_all(self.path(name)).unwrap();
        fs::write(self.path(&format!("{name}.truth.json")), self.truth.to_string()).unwrap();
        fs::write(self.path(name).join("report.json"), self.report.to_string()).unwrap();
    }

    fn run(&self, truth: &str, report: &str, more: &[&OsStr]) -> Run {
        let (truth, report) = (self.path(truth), self.path(report));
        let args = ["evaluate".as_ref(), "--truth".as_ref(), truth.as_os_str(), report.as_os_str()];
        corticalysis(args.into_iter().chain(more.iter().copied()))
    }

    /// Status 3, nothing on standard output, no folder, and every part on standard error.
    fn refused(&self, truth: &str, report: &str, parts: &[&str]) {
        let output = self.path("out");
        let run = self.run(truth, report, &["-o".as_ref(), output.as_os_str()]);
        assert_eq!(run.status, 3, "{}", run.stderr);
        assert!(run.stdout.is_empty() && !output.exists(), "{}", run.stdout);
        for part in parts.iter().chain(&["error: ", "hint: "]) {
            assert!(run.stderr.contains(part), "missing: {part}\n{}", run.stderr);
        }
    }
}

#[test]
fn errors_are_printed_and_written_and_the_same_every_time() {
    let example = Example::new();
    example.write_as("d1");
    let [one, two] = ["one", "two"].map(|name| example.path(name));
    let run = example.run("d1.truth.json", "d1", &["-o".as_ref(), one.as_os_str()]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    for part in [
        "Axial lysis",
        "d1",
        "femur left",
        "3/3",
        "0.33",
        "1.53",
        "limits of agreement",
        "name",
        "Neighbouring sections",
    ] {
        assert!(
            run.stdout.contains(part),
            "missing: {part}
{}",
            run.stdout
        );
    }
    let names = ["bland-altman.svg", "cases.csv", "errors.csv", "evaluation.json", "true-against-measured.svg"];
    assert_eq!(files_below(&one), names.map(PathBuf::from));

    let run = example.run(".", "d1/report.json", &["--json".as_ref(), "-o".as_ref(), two.as_os_str()]);
    assert_eq!(run.stdout, fs::read_to_string(two.join("evaluation.json")).unwrap());
    for name in names {
        assert!(fs::read(one.join(name)).unwrap() == fs::read(two.join(name)).unwrap(), "{name}");
    }
    let json = run.json();
    assert_eq!(json["schema"], "corticalysis/evaluation/v1");
    let axial = &json["pooled"]["errors"]["axial"];
    assert_eq!((axial["all"]["bias"].as_f64(), axial["all"]["sd"].as_f64()), (Some(0.3333), Some(1.5275)));
    assert_eq!((axial["lysed"]["n"].as_u64(), axial["lysed"]["interval"]["covered"].as_u64()), (Some(2), Some(2)));
    assert_eq!(json["pooled"]["errors"]["circumferential"]["lysed"]["interval"]["covered"], 1);
    assert_eq!(
        json["pooled"]["flags_decided"],
        json!({"sections": 3, "truly_flagged": 1, "false_flags": 0, "missed_flags": 0})
    );
    assert_eq!(json["cases"][0]["paired_by"], "name");

    let rows: Vec<std::collections::HashMap<String, String>> =
        csv::Reader::from_path(one.join("errors.csv")).unwrap().deserialize().collect::<Result<_, _>>().unwrap();
    let errors: Vec<&str> = rows.iter().map(|row| row["axial_error"].as_str()).collect();
    assert_eq!(errors, ["0", "2", "-1"]);
    assert_eq!((rows[2]["circumferential_covered"].as_str(), rows[2]["flag_found"].as_str()), ("false", "true"));
    let cases = fs::read_to_string(one.join("cases.csv")).unwrap();
    assert_eq!(cases.lines().map(|line| line.split(',').next().unwrap()).collect::<Vec<_>>(), ["case", "d1", "pooled"]);
    for figure in ["bland-altman.svg", "true-against-measured.svg"] {
        let svg = fs::read_to_string(one.join(figure)).unwrap();
        assert_eq!(svg.matches("ev-mark\"").count(), 7, "{figure}: three sections in two panels and the key");
        assert!(!svg.contains("NaN") && svg.contains("measured"), "{figure}");
    }
}

#[test]
fn many_cases_are_paired_by_name_from_folders() {
    let mut example = Example::new();
    for name in ["a", "b", "c"] {
        let folder = example.path("all");
        fs::create_dir_all(folder.join(name)).unwrap();
        example.report["series"]["series_instance_uid"] = name.into();
        fs::write(folder.join(name).join("report.json"), example.report.to_string()).unwrap();
        fs::write(example.path(&format!("{name}.truth.json")), example.truth.to_string()).unwrap();
    }
    let json = example.run(".", "all", &["--json".as_ref()]).json();
    let names: Vec<&str> = json["cases"].as_array().unwrap().iter().filter_map(|case| case["name"].as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(json["mean_of_cases"]["axial"]["all"]["cases"], 3);
    example.refused("a.truth.json", "nowhere", &["nowhere", "no such file"]);
    fs::remove_file(example.path("c.truth.json")).unwrap();
    example.refused(".", "all", &["do not pair up", "truths without a report: none", "reports without a truth: c ("]);
}

#[test]
fn files_that_are_not_what_they_should_be_are_refused_by_name() {
    let example = Example::new();
    example.write_as("d1");
    let write = |name: &str, text: &str| fs::write(example.path(name), text).unwrap();
    write("text.json", "not JSON");
    write("nan.json", "{\"slices\": [{\"z\": 1.0, \"axial\": NaN}]}");
    write("missing.json", "{\"slices\": [{\"z\": 1.0, \"axial\": 3.0, \"circ50\": 0}]}");
    write("empty.json", "{}");
    example.refused("nowhere.truth.json", "d1", &["nowhere.truth.json", "no such file"]);
    example.refused("text.json", "d1", &["text.json", "not JSON"]);
    example.refused("nan.json", "d1", &["nan.json", "axial is NaN in line 1"]);
    example.refused("missing.json", "d1", &["missing.json", "bone 1: slice 1: circ30 is missing"]);
    example.refused("empty.json", "d1", &["empty.json", "neither `slices` nor `bones`"]);
    example.refused("d1/report.json", "d1", &["is a corticalysis/report/v1, not a corticalysis/truth/v1"]);
    example.refused("d1", "d1", &["no truth.json and no *.truth.json"]);
    example.refused("d1.truth.json", "text.json", &["text.json", "not JSON"]);
    example.refused("d1.truth.json", "empty.json", &["empty.json", "corticalysis/report/v1"]);
    let half = json!({"schema": "corticalysis/report/v1", "bones": []}).to_string();
    write("half.json", &half);
    example.refused("d1.truth.json", "half.json", &["half.json", "not a whole report", "missing field"]);
    fs::create_dir(example.path("bare")).unwrap();
    example.refused("d1.truth.json", "bare", &["no report.json in this folder"]);
}

#[test]
fn a_truth_of_another_ct_is_refused() {
    let mut example = Example::new();
    example.truth["series_instance_uid"] = "9.9".into();
    example.write_as("d1");
    example.refused("d1.truth.json", "d1", &["d1/report.json", "series 9.9", "series 1.2.3"]);
    let mut example = Example::new();
    for slice in example.truth["slices"].as_array_mut().unwrap() {
        slice["z"] = (slice["z"].as_f64().unwrap() + 500.0).into();
    }
    example.write_as("d1");
    example.refused("d1.truth.json", "d1", &["no slice in common", "500.0 to 504.0 mm", "0.0 to 4.0 mm"]);
}

#[test]
fn the_command_line_is_checked() {
    let example = Example::new();
    example.write_as("d1");
    for args in [vec!["evaluate"], vec!["evaluate", "--truth", "x"], vec!["evaluate", "x"]] {
        assert_eq!(corticalysis(&args).status, 2, "{args:?}");
    }
    let file = example.path("d1.truth.json");
    let run = example.run("d1.truth.json", "d1", &["-o".as_ref(), file.as_os_str()]);
    assert_eq!(run.status, 2, "{}", run.stderr);
    assert!(run.stderr.contains("it is a file") && run.stdout.is_empty(), "{}", run.stderr);
    let help = corticalysis(["evaluate", "--help"]).stdout;
    for part in ["Example:", "--truth", "circ30", "Exit status:", "Units:"] {
        assert!(help.contains(part), "{part}");
    }
}

/// From the CT to the figures, with the truth as it comes with the sample.
#[test]
fn the_sample_is_analysed_and_evaluated() {
    let folder = TempDir::new().unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data");
    let (input, report) = (sample.join("defect"), folder.path().join("defect"));
    let run = corticalysis(["analyze".as_ref(), input.as_os_str(), "-o".as_ref(), report.as_os_str()]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let truth = sample.join("defect-truth.json");
    let run = corticalysis([
        "evaluate".as_ref(),
        "--truth".as_ref(),
        truth.as_os_str(),
        report.as_os_str(),
        "--json".as_ref(),
    ]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let json = run.json();
    assert_eq!(json["cases"][0]["paired_by"], "name");
    let error = json["pooled"]["errors"]["axial"]["lysed"]["mean_absolute"].as_f64().unwrap();
    assert!(error < 2.5, "{error}");
    assert_eq!(json["pooled"]["flags_decided"]["missed_flags"], 0);
}

/// The program's own words on the shared defects: every truth is found by its name.
#[test]
fn the_shared_truths_pair_up_with_their_reports() {
    let Some(data) = shared_data() else { return };
    let folder = TempDir::new().unwrap();
    for name in ["d2", "d4"] {
        let (input, output) = (data.join("defect").join(name), folder.path().join(name));
        let run = corticalysis(["analyze".as_ref(), input.as_os_str(), "-o".as_ref(), output.as_os_str()]);
        assert_eq!(run.status, 0, "{}", run.stderr);
    }
    let truths = ["d4", "d2"].map(|name| data.join("defect").join(format!("{name}.truth.json")));
    let [first, second] = truths.each_ref().map(|path| path.as_os_str());
    let reports = folder.path().as_os_str();
    let run = corticalysis([
        "evaluate".as_ref(),
        "--truth".as_ref(),
        first,
        "--truth".as_ref(),
        second,
        reports,
        "--json".as_ref(),
    ]);
    let json = run.json();
    for (n, name) in ["d2", "d4"].iter().enumerate() {
        assert_eq!(
            (json["cases"][n]["name"].as_str(), json["cases"][n]["paired_by"].as_str()),
            (Some(*name), Some("name"))
        );
    }
    assert_eq!(json["pooled"]["sections"]["rings"], 130);
}

/// Without a file: a phantom, measured, as a report in memory. Two nameless bones at one height are told apart by where
/// they lie.
#[test]
fn a_report_in_memory_is_compared_with_a_truth_in_memory() {
    let built = presets::two_legs_same_level().build();
    let grid = built.volume.grid.clone();
    let nameless = |bone: &BoneTruth| BoneTruth { bone: None, side: None, ..bone.clone() };
    let bones = built.truth.iter().rev().map(nameless);
    let empty = json!({"bones": []});
    let truth = Truth { bones: bones.collect(), ..serde_json::from_value(empty).unwrap() };

    let (slices, header) = (vec![None; grid.size[2]], SeriesHeader::default());
    let series = Series { header, grid, slices, layout: Layout::Stacked, warnings: Vec::new(), faults: Vec::new() };
    let mut report = Report::new(convert::series_report(&series), Default::default());
    let found = analyze(&built.volume, &Settings::default());
    report.bones = found.iter().map(|bone| bone_report(&series, bone, &GivenItems::default())).collect();

    let case = Case::compare("two legs", &report, &truth).unwrap();
    let mut names: Vec<&str> = case.bones.iter().filter_map(|bone| bone.found_name.as_deref()).collect();
    names.dedup();
    assert_eq!((names.len(), case.without_truth.len()), (2, 0), "{names:?}");
    let summary = case.summary();
    assert_eq!(summary.sections.measured, summary.sections.rings);
    for quantity in [Quantity::Axial, Quantity::Circumferential, Quantity::Circumferential50] {
        let errors = summary.of(quantity);
        assert!(errors.lysed.stats.n > 20, "{}", errors.lysed.stats.n);
        assert!(errors.lysed.stats.mean_absolute.is_some_and(|error| error < 2.0), "{:?}", errors.lysed.stats);
    }
    let area = summary.of(Quantity::ReferenceArea).all.stats;
    assert!(area.bias.is_some_and(|bias| bias.abs() < 30.0), "{area:?}");
}
