//! What the program says of input that it cannot use: the exit status, a sentence that names the file or the option,
//! and never half a report.

mod support;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use support::dicom_image::Image;
use support::program::{Run, corticalysis, files_below};
use tempfile::TempDir;

fn healthy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/healthy")
}

fn analyze(input: &Path, output: &Path) -> Run {
    corticalysis(["analyze".as_ref(), input.as_os_str(), OsStr::new("-o"), output.as_os_str()])
}

/// The exit status, every part on standard error, nothing on standard output.
fn assert_refused(run: &Run, status: i32, parts: &[&str]) {
    assert_eq!(run.status, status, "{}", run.stderr);
    assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
    assert!(run.stdout.is_empty(), "{}", run.stdout);
    for part in parts {
        assert!(run.stderr.contains(part), "missing: {part}\n{}", run.stderr);
    }
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
}

/// Input that `analyze` and `series` must refuse with status 3, and that must leave no output folder.
fn assert_unusable(input: &Path, parts: &[&str]) {
    let folder = TempDir::new().unwrap();
    let output = folder.path().join("out");
    assert_refused(&analyze(input, &output), 3, parts);
    assert!(!output.exists(), "an output folder was made");
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(OsStr::to_str).expect("a name")
}

#[test]
fn an_empty_folder() {
    let input = TempDir::new().unwrap();
    assert_unusable(input.path(), &[name(input.path()), "no files there", "hint: "]);
}

#[test]
fn a_folder_of_text() {
    let input = TempDir::new().unwrap();
    for file in ["notes.txt", "a.dcm", "empty"] {
        fs::write(input.path().join(file), if file == "empty" { "" } else { "not an image" }).unwrap();
    }
    assert_unusable(input.path(), &[name(input.path()), "no CT series among 3 files", "not DICOM", "hint: "]);
}

#[test]
fn a_text_file() {
    let input = TempDir::new().unwrap();
    let file = input.path().join("notes.txt");
    fs::write(&file, "not an image").unwrap();
    assert_unusable(&file, &["notes.txt", "not DICOM", "hint: "]);
}

#[test]
fn contours_without_their_ct() {
    assert_unusable(&healthy().join("rtstruct"), &["rtstruct", "1 is RTSTRUCT", "hint: "]);
}

#[test]
fn a_path_that_does_not_exist() {
    let input = TempDir::new().unwrap();
    assert_unusable(&input.path().join("nowhere"), &["nowhere", "no such file or folder", "hint: "]);
}

/// Not the files that do exist: what was asked for is not what would be measured.
#[test]
fn a_missing_path_beside_a_good_one() {
    let folder = TempDir::new().unwrap();
    let (output, input) = (folder.path().join("out"), healthy());
    let args = ["analyze".as_ref(), input.as_os_str(), "nowhere".as_ref(), "-o".as_ref(), output.as_os_str()];
    assert_refused(&corticalysis(args), 3, &["nowhere", "no such file or folder"]);
    assert!(!output.exists());
}

#[test]
fn one_slice() {
    assert_unusable(&healthy().join("000030.dcm"), &["series 1.3.6.1.4.1.14519", "a single slice", "hint: "]);
}

#[test]
fn a_slice_cut_off_in_the_middle() {
    let input = TempDir::new().unwrap();
    for file in files_below(&healthy()).iter().filter(|file| !file.starts_with("rtstruct")) {
        fs::copy(healthy().join(file), input.path().join(file)).unwrap();
    }
    let cut = input.path().join("000030.dcm");
    let bytes = fs::read(&cut).unwrap();
    fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    assert_unusable(input.path(), &["000030.dcm", "bytes", "hint: "]);
}

#[test]
fn a_sound_series_without_bone() {
    let input = TempDir::new().unwrap();
    for k in 0..20 {
        Image::at(k + 1, 3.0 * k as f64).counting_from(0).write(&input.path().join(format!("{k}.dcm")));
    }
    let folder = TempDir::new().unwrap();
    let output = folder.path().join("out");
    assert_refused(&analyze(input.path(), &output), 4, &["no long bone", "hint: "]);
    assert!(!output.exists());
}

#[test]
fn a_series_that_is_not_there() {
    let folder = TempDir::new().unwrap();
    let (output, input) = (folder.path().join("out"), healthy());
    let args = ["analyze".as_ref(), input.as_os_str(), "--series".as_ref(), "1.2.3".as_ref(), "-o".as_ref()];
    let run = corticalysis(args.into_iter().chain([output.as_os_str()]));
    assert_refused(&run, 3, &["1.2.3", "hint: the inputs hold: 1.3.6.1.4.1.14519"]);
}

#[test]
fn unknown_values_and_options() {
    for (option, value, parts) in [
        ("--bone", "femru", ["--bone", "'femru'", "femur"]),
        ("--side", "both", ["--side", "'both'", "left"]),
        ("--pain", "severe", ["--pain", "'severe'", "functional"]),
        ("--site", "leg", ["--site", "'leg'", "lower-limb"]),
        ("--type", "lysis", ["--type", "'lysis'", "lytic"]),
        ("--size", "7", ["--size", "'7'", "fraction"]),
        ("--reference", "twin", ["--reference", "'twin'", "contralateral"]),
        ("--depth", "1.5", ["--depth", "'1.5'", "0.05 to 0.95"]),
        ("--seed", "1,2", ["--seed", "'1,2'", "X,Y,Z"]),
        ("--threads", "none", ["--threads", "'none'", "whole number"]),
        ("--series", "x", ["--series", "'x'", "digits and dots"]),
        ("--sharpen", "1", ["--sharpen", "analyze", "--help"]),
    ] {
        let folder = TempDir::new().unwrap();
        let (output, input) = (folder.path().join("out"), healthy());
        let args = ["analyze".as_ref(), input.as_os_str(), option.as_ref(), value.as_ref(), "-o".as_ref()];
        let run = corticalysis(args.into_iter().chain([output.as_os_str()]));
        assert_refused(&run, 2, &parts);
        assert!(!output.exists(), "{option}");
    }
}

#[test]
fn an_output_that_is_a_file() {
    let folder = TempDir::new().unwrap();
    let output = folder.path().join("report");
    fs::write(&output, "precious").unwrap();
    assert_refused(&analyze(&healthy(), &output), 2, &["report", "it is a file", "hint: "]);
    assert_eq!(fs::read_to_string(&output).unwrap(), "precious");
    assert_eq!(files_below(folder.path()), [Path::new("report")], "something was left behind");
}

#[test]
fn an_output_below_a_file() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "precious").unwrap();
    let output = folder.path().join("file").join("report");
    assert_refused(&analyze(&healthy(), &output), 2, &["cannot write the report", "report", "hint: "]);
    assert_eq!(fs::read_to_string(folder.path().join("file")).unwrap(), "precious");
    assert_eq!(files_below(folder.path()), [Path::new("file")], "something was left behind");
}

/// Whatever stands in the way, the report that was there stays as it was, and whole.
#[test]
fn a_failed_write_leaves_the_old_report() {
    for in_the_way in ["figures", "slices.csv", "report.html", "report.json"] {
        let folder = TempDir::new().unwrap();
        let output = folder.path().join("out");
        assert_eq!(analyze(&healthy(), &output).status, 0);
        // A file where a folder must be, or a folder where a file must be.
        let obstacle = output.join(in_the_way);
        if in_the_way == "figures" {
            fs::remove_dir_all(&obstacle).unwrap();
            fs::write(&obstacle, "precious").unwrap();
        } else {
            fs::remove_file(&obstacle).unwrap();
            fs::create_dir(&obstacle).unwrap();
        }
        let content = || -> Vec<(PathBuf, Vec<u8>)> {
            let files = files_below(folder.path()).into_iter();
            files.map(|file| (file.clone(), fs::read(folder.path().join(file)).unwrap())).collect()
        };
        let before = content();
        // Another depth, so that the new report would not be the old one.
        let input = healthy();
        let args = ["analyze".as_ref(), input.as_os_str(), "--depth".as_ref(), "0.5".as_ref(), "-o".as_ref()];
        let run = corticalysis(args.into_iter().chain([output.as_os_str()]));
        assert_refused(&run, 2, &["cannot write the report", "out"]);
        assert!(content() == before, "{in_the_way}: the old report was touched");
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["out"], "{in_the_way}: something was left behind");
    }
}
