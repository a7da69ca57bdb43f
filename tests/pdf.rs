//! `analyze --pdf` read by programs of others: Poppler and qpdf. `.ci/run` installs them; where one is missing its test says
//! so and passes.

mod support;

use corticalysis::phantom::dicom_out::NewSeries;
use corticalysis::phantom::presets;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::program::corticalysis;
use tempfile::TempDir;

/// Standard output of a program that must succeed; `None`, said past the capture of a passing test, where it is missing.
fn ran(name: &str, package: &str, args: &[&std::ffi::OsStr]) -> Option<String> {
    let Ok(output) = Command::new(name).args(args).output() else {
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED: {name}: not installed (Debian package {package}; .ci/run installs it)"
        );
        return None;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.trim().is_empty(), "{name}: {said}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn pdf(ct: &Path, out: &Path, more: &[&str]) -> PathBuf {
    let mut args: Vec<&std::ffi::OsStr> = vec!["analyze".as_ref(), ct.as_os_str(), "-o".as_ref(), out.as_os_str()];
    args.push("--pdf".as_ref());
    args.extend(more.iter().map(std::ffi::OsStr::new));
    let run = corticalysis(args);
    assert_eq!(run.status, 0, "{}", run.stderr);
    out.join("report.pdf")
}

fn text(pdf: &Path) -> Option<String> {
    let text = ran("pdftotext", "poppler-utils", &["-layout".as_ref(), pdf.as_os_str(), "-".as_ref()])?;
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn two_legs() -> (TempDir, PathBuf) {
    let dir = TempDir::new().expect("a temporary folder");
    let ct = dir.path().join("ct");
    fs::create_dir(&ct).expect("made");
    let spec = presets::two_legs();
    NewSeries::of_phantom(&spec, &spec.build().volume).write(&ct).expect("written");
    (dir, ct)
}

#[test]
fn two_pages_that_say_what_the_report_says() {
    let (dir, ct) = two_legs();
    let out = dir.path().join("out");
    let file = pdf(&ct, &out, &["--pain", "moderate"]);
    let report: serde_json::Value =
        serde_json::from_slice(&fs::read(out.join("report.json")).expect("read")).expect("JSON");
    if let Some(info) = ran("pdfinfo", "poppler-utils", &[file.as_os_str()]) {
        let says = |line: &str| info.lines().any(|of| of.split_whitespace().collect::<Vec<_>>().join(" ") == line);
        assert!(says("Pages: 2") && says("Title: Cortical osteolysis on CT") && info.contains("A4"), "{info}");
        assert!(!info.contains("Date"), "no day gets in: {info}");
    }
    ran("qpdf", "qpdf", &["--check".as_ref(), file.as_os_str()]);
    if let Some(fonts) = ran("pdffonts", "poppler-utils", &[file.as_os_str()]) {
        let fonts: Vec<&str> = fonts.lines().skip(2).collect();
        assert!(
            fonts.len() == 2 && fonts.iter().all(|font| font.contains("yes yes yes")),
            "embedded, in part, readable: {fonts:?}"
        );
    }
    if let Some(text) = text(&file) {
        let uid = report["series"]["series_instance_uid"].as_str().expect("a UID");
        for part in
            ["Left femur", "Right femur", "Guideline 30/50", "van der Linden", "Source", "Research use only", uid]
        {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
        for bone in report["bones"].as_array().expect("bones") {
            for lesion in bone["lesions"].as_array().expect("lesions") {
                let percent = lesion["max_axial_lysis_percent"].as_f64().expect("a number");
                assert!(text.contains(&format!("{percent:.1} (")), "{percent} is missing in:\n{text}");
            }
        }
        assert!(text.contains("page 1 of 2") && text.contains("page 2 of 2"));
    }
    // Both pages are drawn without a complaint and hold ink.
    let picture = dir.path().join("page");
    let args: [&std::ffi::OsStr; 5] =
        ["-r".as_ref(), "50".as_ref(), "-png".as_ref(), file.as_os_str(), picture.as_os_str()];
    if ran("pdftoppm", "poppler-utils", &args).is_some() {
        for page in ["page-1.png", "page-2.png"] {
            let drawn = image::open(dir.path().join(page)).expect("a picture").to_luma8();
            let dark = drawn.pixels().filter(|pixel| pixel.0[0] < 128).count();
            assert!(dark > 500, "{page}: {dark} dark pixels");
        }
    }
}

#[test]
fn french_with_its_letters_and_the_same_bytes_each_time() {
    let (dir, ct) = two_legs();
    let file = pdf(&ct, &dir.path().join("a"), &["--lang", "fr", "--threads", "1"]);
    let again = pdf(&ct, &dir.path().join("b"), &["--lang", "fr", "--threads", "2"]);
    assert!(fs::read(&file).expect("read") == fs::read(again).expect("read"));
    if let Some(text) = text(&file) {
        for part in ["Fémur gauche", "Ostéolyse corticale", "≥", "relus par un médecin", "page 1 sur 2", "Référence"]
        {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
        assert!(!text.contains('□'), "every letter is there:\n{text}");
    }
}

#[test]
fn the_patient_is_named_only_when_asked_for() {
    let (dir, ct) = two_legs();
    let report = |more: &[&str]| {
        let out = dir.path().join(more.len().to_string());
        let file = pdf(&ct, &out, more);
        let json: serde_json::Value =
            serde_json::from_slice(&fs::read(out.join("report.json")).expect("read")).expect("JSON");
        (text(&file), json)
    };
    let (named, json) = report(&["--identify"]);
    let name = json["series"]["patient"]["name"].as_str().expect("a name").to_owned();
    let (unnamed, _) = report(&[]);
    if let (Some(named), Some(unnamed)) = (named, unnamed) {
        assert!(!name.is_empty() && named.contains(&name), "{name}: {named}");
        assert!(!unnamed.contains(&name) && !unnamed.contains("Patient ID"), "{unnamed}");
    }
}

#[test]
fn without_a_folder_there_is_no_pdf() {
    let run = corticalysis(["analyze", "ct", "--json", "--pdf"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("--output"), "{}", run.stderr);
}
