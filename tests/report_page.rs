//! The report's page in a real headless browser (`tests/validators/browse.py`): keys, wheel, finger, clicks in map and profile,
//! windows, flagged slices, the review that is saved; without scripts, in print, in light and dark; in English and French.
//! `.ci/run` installs Chromium and Playwright; where one is missing the test says so and passes.

mod support;

use corticalysis::phantom::dicom_out::NewSeries;
use corticalysis::phantom::{PhantomSpec, presets};
use corticalysis::report::review::{Review, json_schema};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::program::{corticalysis, shared_data};
use support::validators::{program, python_with, shown, skipped};
use tempfile::TempDir;

/// Chromium and a Python that drives it.
fn browser() -> Option<(PathBuf, OsString)> {
    let chromium = program("chromium", "chromium")?;
    Some((chromium, python_with(&["playwright"], "the page in a browser")?))
}

/// Runs the script on a page; `false` where the browser does not start here.
fn browse(page: &Path, more: &[&OsStr]) -> bool {
    let Some((chromium, python)) = browser() else { return false };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/validators/browse.py");
    let output = Command::new(python).arg(script).arg(chromium).arg(page).args(more).output().unwrap();
    println!("{}", shown(&output));
    if output.status.code() == Some(2) {
        skipped("the page in a browser", "Chromium does not start here");
        return false;
    }
    assert!(output.status.success(), "{}", shown(&output));
    true
}

fn analyzed(ct: &Path, out: &Path, more: &[&str]) -> serde_json::Value {
    let args: [&OsStr; 4] = ["analyze".as_ref(), ct.as_ref(), "-o".as_ref(), out.as_ref()];
    let run = corticalysis(args.into_iter().chain(more.iter().map(|arg| arg.as_ref())));
    assert_eq!(run.status, 0, "{}", run.stderr);
    serde_json::from_slice(&fs::read(out.join("report.json")).unwrap()).unwrap()
}

fn flagged(bone: &serde_json::Value) -> usize {
    bone["slices"].as_array().unwrap().iter().filter(|slice| slice["flagged"] == true).count()
}

fn images(spec: &PhantomSpec, dir: &Path) -> PathBuf {
    let ct = dir.join("ct");
    fs::create_dir(&ct).unwrap();
    NewSeries::of_phantom(spec, &spec.build().volume).write(&ct).unwrap();
    ct
}

#[test]
fn a_reader_scrolls_through_the_slices_and_saves_a_review() {
    if browser().is_none() {
        return;
    }
    let dir = TempDir::new().unwrap();
    let ct = images(&presets::half_length_lesion(), dir.path());
    for language in ["en", "fr"] {
        let (out, kept) = (dir.path().join(language), dir.path().join(format!("{language}.json")));
        let report = analyzed(&ct, &out, &["--lang", language]);
        let count = flagged(&report["bones"][0]);
        assert!(count > 2, "the phantom has flagged slices");
        let count = count.to_string();
        let args: [&OsStr; 6] = ["--lang", language, "--flagged", &count, "--review", ""].map(OsStr::new);
        let args = [&args[..5], &[kept.as_os_str()]].concat();
        if !browse(&out.join("report.html"), &args) {
            return;
        }
        let saved = fs::read_to_string(&kept).unwrap();
        let value: serde_json::Value = serde_json::from_str(&saved).unwrap();
        let schema = jsonschema::validator_for(&json_schema()).unwrap();
        let errors: Vec<String> = schema.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        let review: Review = serde_json::from_str(&saved).unwrap();
        assert_eq!(review.series_instance_uid, report["series"]["series_instance_uid"]);
        let bone = &report["bones"][0];
        let of_report = |n: i64| bone["slices"].as_array().unwrap().iter().find(|slice| slice["instance_number"] == n);
        for slice in &review.bones[0].slices {
            let slice_of_report = of_report(slice.instance_number.unwrap()).unwrap();
            assert_eq!(slice_of_report["z_mm"], slice.z_mm);
            assert_eq!(slice_of_report["sop_instance_uid"], slice.sop_instance_uid.clone().unwrap());
            assert_eq!(slice_of_report["flagged"], true);
        }
    }
}

#[test]
fn the_other_side_is_shown_beside() {
    if browser().is_none() {
        return;
    }
    let dir = TempDir::new().unwrap();
    let (ct, out) = (images(&presets::two_legs(), dir.path()), dir.path().join("out"));
    let report = analyzed(&ct, &out, &[]);
    let bones = report["bones"].as_array().unwrap();
    assert_eq!(bones.len(), 2);
    let count = flagged(&bones[0]).to_string();
    browse(&out.join("report.html"), &["--twin", "--flagged", &count].map(OsStr::new));
}

/// 512 × 512 × 120 with two legs, every slice in the page.
#[test]
fn the_page_of_a_study_of_120_slices_stays_small() {
    let dir = TempDir::new().unwrap();
    let (ct, out) = (images(&presets::two_legs_planning_ct(), dir.path()), dir.path().join("out"));
    let report = analyzed(&ct, &out, &[]);
    let measured = |bone: &serde_json::Value| {
        bone["slices"].as_array().unwrap().iter().filter(|slice| slice["measured"] == true).count()
    };
    let slices: usize = report["bones"].as_array().unwrap().iter().map(measured).sum();
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    let pictured = page.matches("\"pixels\":").count();
    println!("{pictured} slices in {} bytes", page.len());
    assert!(slices > 200 && pictured == slices, "{pictured} of {slices}");
    assert!(page.len() < 15_000_000, "{}", page.len());
}

/// `cargo test --release --test report_page -- --ignored` writes the pictures of the README.
#[test]
#[ignore = "writes docs/figures; needs the shared data and a browser"]
fn screenshots() {
    let data = shared_data().expect("the shared data");
    let figures = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/figures");
    let dir = TempDir::new().unwrap();
    for (language, name) in [("en", "report-d1"), ("fr", "report-d1-fr")] {
        let out = dir.path().join(language);
        analyzed(&data.join("defect/d1"), &out, &["--lang", language]);
        assert!(browse(
            &out.join("report.html"),
            &["--lang".as_ref(), language.as_ref(), "--shots".as_ref(), figures.as_os_str(), name.as_ref()]
        ));
    }
}
