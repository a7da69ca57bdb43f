//! `corticalysis phantom` as a user meets it, and what the rest of the program makes of its files.

mod support;

use serde_json::Value;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;
use support::program::{Run, analyzed, bones, corticalysis, files_below, measured, slices};
use tempfile::TempDir;

fn phantom(folder: &Path, line: &str) -> Run {
    let mut args: Vec<OsString> = vec!["phantom".into(), "-o".into(), folder.into()];
    args.extend(line.split_whitespace().map(OsString::from));
    corticalysis(args)
}

fn written(folder: &Path, line: &str) -> Value {
    let run = phantom(folder, line);
    assert_eq!(run.status, 0, "{line}: {}", run.stderr);
    serde_json::from_slice(&fs::read(folder.join("truth.json")).unwrap()).unwrap()
}

/// Exit status, and every part on standard error.
fn refused(folder: &Path, line: &str, status: i32, parts: &[&str]) {
    let run = phantom(folder, line);
    assert_eq!(run.status, status, "{line}\n{}", run.stderr);
    assert!(run.stdout.is_empty() && run.stderr.starts_with("error: "), "{line}\n{}", run.stderr);
    for part in parts {
        assert!(run.stderr.contains(part), "{line}\nmissing: {part}\n{}", run.stderr);
    }
}

fn contents(folder: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    files_below(folder).into_iter().map(|path| (path.clone(), fs::read(folder.join(&path)).unwrap())).collect()
}

#[test]
fn a_phantom_is_listed_measured_and_found_to_be_what_its_truth_says() {
    let home = TempDir::new().unwrap();
    let folder = home.path().join("a/new/folder");
    let truth = written(&folder, "--preset eccentric-ball");
    assert_eq!(truth["schema"], "corticalysis/truth/v1");
    assert_eq!(truth["source"], "geometry");
    let listed = corticalysis([OsString::from("series"), folder.clone().into()]);
    assert_eq!(listed.status, 0);
    assert!(listed.stdout.contains(truth["series_instance_uid"].as_str().unwrap()), "{}", listed.stdout);
    assert!(!listed.stdout.to_lowercase().contains("warning"), "{}", listed.stdout);
    let report = analyzed(&folder);
    assert_eq!(report["series"]["series_instance_uid"], truth["series_instance_uid"]);
    assert_eq!(report["series"]["warnings"].as_array().unwrap().len(), 0);
    let bone = &bones(&report)[0];
    assert!(measured(bone) > 60);
    let (mut errors, mut n) = ([0.0; 2], 0);
    for slice in slices(bone).iter().filter(|slice| slice["measured"] == true) {
        let same = |t: &&Value| t["sop_instance_uid"] == slice["sop_instance_uid"];
        let t = truth["bones"][0]["slices"].as_array().unwrap().iter().find(same).expect("the same image");
        let off = |found: &str, is: &str| (slice[found].as_f64().unwrap() - t[is].as_f64().unwrap()).abs();
        errors[0] += off("axial_lysis_percent", "axial");
        errors[1] += off("circumferential_lysis_percent", "circ30");
        n += 1;
    }
    let mean = errors.map(|error| error / f64::from(n));
    assert!(mean[0] < 1.5 && mean[1] < 2.0, "{mean:?}");
}

#[test]
fn the_same_specification_gives_the_same_bytes_whatever_the_threads() {
    let home = TempDir::new().unwrap();
    let [one, two, three, other] = ["one", "two", "three", "other"].map(|name| home.path().join(name));
    written(&one, "--preset planning-ct --seed 7");
    let mut alone = Command::new(assert_cmd::cargo::cargo_bin!("corticalysis"));
    let alone = alone.args(["phantom", "--preset", "planning-ct", "--seed", "7", "-o"]).arg(&two);
    assert!(alone.env("RAYON_NUM_THREADS", "1").status().unwrap().success());
    let first = contents(&one);
    assert_eq!(first.len(), 42);
    assert_eq!(first, contents(&two));
    // The specification as built makes it again.
    let spec = one.join("phantom.toml");
    let again = written(&three, &format!("--spec {}", spec.display()));
    assert_eq!(first, contents(&three));
    let changed = written(&other, "--preset planning-ct --seed 8");
    assert_ne!(again["series_instance_uid"], changed["series_instance_uid"]);
    assert_eq!(again["bones"][0]["slices"][20]["axial"], changed["bones"][0]["slices"][20]["axial"]);
}

#[test]
fn only_an_earlier_phantom_is_replaced() {
    let home = TempDir::new().unwrap();
    let folder = home.path().join("phantom");
    fs::create_dir(&folder).unwrap();
    written(&folder, "--preset planning-ct --seed 1");
    let before = contents(&folder);
    written(&folder, "--preset planning-ct --seed 2");
    assert_eq!(before.len(), files_below(&folder).len());
    assert_ne!(before, contents(&folder));
    fs::write(folder.join("CT/notes.txt"), "mine").unwrap();
    let before = contents(&folder);
    refused(&folder, "--preset planning-ct", 2, &["not of an earlier phantom", "hint: choose with -o"]);
    assert_eq!(before, contents(&folder));
    refused(&folder.join("truth.json"), "--preset planning-ct", 2, &["it is a file"]);
    // Nothing is left beside it.
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
}

#[test]
fn a_bad_specification_is_refused_by_the_name_of_the_field() {
    let home = TempDir::new().unwrap();
    let folder = home.path().join("phantom");
    let sound = corticalysis(["phantom", "--preset", "window", "--print-spec"]);
    assert_eq!(sound.status, 0, "{}", sound.stderr);
    let spec = home.path().join("spec.toml");
    for (from, to, parts) in [
        ("fwhm_mm = 1.2", "fwhm = 1.2", ["fwhm", "unknown field"]),
        ("fwhm_mm = 1.2", "fwhm_mm = -1.2", ["scanner.fwhm_mm: -1.2", "between 0.1 and 10"]),
        ("half_width_deg = 45.0", "half_width_deg = 900.0", ["bones[0].lesions[0].half_width_deg", "0.1 and 180"]),
        ("kind = \"window\"", "kind = \"door\"", ["door", "endosteal-scallop"]),
        ("bone = \"femur\"", "bone = \"rib\"", ["'rib' is not a long bone", "humerus"]),
    ] {
        assert!(sound.stdout.contains(from), "{from}\n{}", sound.stdout);
        fs::write(&spec, sound.stdout.replacen(from, to, 1)).unwrap();
        refused(&folder, &format!("--spec {}", spec.display()), 2, &parts);
    }
    assert!(!folder.exists());
    refused(&folder, "--preset eccentrc-ball", 2, &["--preset", "did you mean 'eccentric-ball'"]);
    refused(&folder, &format!("--spec {}", home.path().join("spec.yaml").display()), 2, &["spec.yaml"]);
    refused(&folder, "", 2, &["--preset"]);
}

#[test]
fn the_presets_are_listed() {
    let run = corticalysis(["phantom", "--list-presets"]);
    assert_eq!((run.status, run.stdout.lines().count()), (0, 24));
    assert!(run.stdout.contains("two-legs-same-level"));
    let help = corticalysis(["phantom", "--help"]).stdout;
    for part in ["Examples:", "--into", "Exit status:", "truth.json", "--density-loss"] {
        assert!(help.contains(part), "{part}");
    }
}

#[test]
fn a_defect_goes_into_an_existing_series() {
    let home = TempDir::new().unwrap();
    let (healthy, folder) = (home.path().join("healthy"), home.path().join("defect"));
    let source = written(&healthy, "--preset healthy-femur");
    let before = contents(&healthy);
    let into = format!("--into {}", healthy.join("CT").display());
    let truth = written(&folder, &format!("{into} --lesion window --at -420 --angle 30 --half-width 50 --length 24"));
    assert_eq!(before, contents(&healthy));
    assert_eq!(truth["source"], "image");
    assert_ne!(truth["series_instance_uid"], source["series_instance_uid"]);
    assert_eq!(truth["specification"]["into_series_instance_uid"], source["series_instance_uid"]);
    let report = analyzed(&folder);
    let bone = &bones(&report)[0];
    assert_eq!(bone["lesions"].as_array().unwrap().len(), 1);
    let worst = |truth: &Value, name: &str| {
        let slices = truth["slices"].as_array().unwrap().iter();
        slices.filter_map(|slice| slice[name].as_f64()).fold(0.0, f64::max)
    };
    let (found, is) = (worst(bone, "axial_lysis_percent"), worst(&truth["bones"][0], "axial"));
    assert!((found - is).abs() < 3.0, "{found} for {is}");
    // A share of the shaft is a place, too, and what was measured is written down.
    let share = written(&folder, &format!("{into} --lesion ball --at 60% --radius 9"));
    assert!(share["specification"]["fwhm_mm"].as_f64().unwrap() > 0.8);
    refused(&folder, &format!("{into} --lesion ball --at 900"), 2, &["z = 900.0 mm is not on the bone", "--at"]);
    refused(&folder, &format!("{into} --lesion ball --at 120%"), 2, &["--at", "55%"]);
    refused(&folder, &format!("{into} --lesion window --radius 9"), 2, &["--radius", "--half-width"]);
    refused(&folder, &format!("{into} --lesion ball --radius=-9"), 2, &["lesions[0].radius_mm: -9"]);
    refused(&folder, &format!("{into} --lesion permeativ"), 2, &["did you mean 'permeative'"]);
    refused(&folder, &into, 2, &["--lesion"]);
    refused(&folder, &format!("{into} --lesion ball --side left"), 3, &["no long bone", "hint:"]);
    let nothing = home.path().join("nothing");
    fs::create_dir(&nothing).unwrap();
    refused(&folder, &format!("--into {} --lesion ball", nothing.display()), 3, &["error"]);
}
