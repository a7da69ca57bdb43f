//! The main job on the series that come with the program, from the files to the report.

mod support;

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use support::defect_truth::{compared, failures, row};
use support::program::{analyzed, bone_and_side, bones, corticalysis, files_below, findings, measured};
use tempfile::TempDir;

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data").join(name)
}

/// `analyze INPUT -o OUTPUT` and more arguments; must succeed.
fn report_into(output: &Path, input: &Path, more: &[&str]) {
    let args = [OsStr::new("analyze"), input.as_os_str(), OsStr::new("-o"), output.as_os_str()];
    let run = corticalysis(args.into_iter().chain(more.iter().map(OsStr::new)));
    assert_eq!(run.status, 0, "{}", run.stderr);
}

#[test]
fn the_defect_is_measured_as_it_was_cut() {
    let case = compared("defect", &analyzed(&sample("defect")), &sample("defect-truth.json"));
    let summary = case.summary();
    println!("{}", row("defect", &summary));
    assert_eq!(failures("defect", &[case], &summary), [""; 0]);
}

#[test]
fn the_healthy_bone_has_no_lesion() {
    let report = analyzed(&sample("healthy"));
    let [bone] = bones(&report) else { panic!("one bone expected") };
    assert!(["femur", "unknown"].contains(&bone["bone"].as_str().unwrap()), "{}", bone_and_side(bone));
    assert!(measured(bone) >= 50, "{} slices measured", measured(bone));
    assert_eq!(findings(bone), [""; 0]);
    assert_eq!(bone["recommendation"]["category"], "no-lesion");
}

#[test]
fn the_json_is_what_the_schema_promises() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/report.schema.json");
    let schema = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).expect("a valid schema");
    for name in ["defect", "healthy"] {
        let report = analyzed(&sample(name));
        let errors: Vec<String> =
            validator.iter_errors(&report).map(|error| format!("{error} at {}", error.instance_path())).collect();
        assert_eq!(errors, [""; 0], "{name}");
    }
}

#[test]
fn the_folder_holds_every_file_of_the_report_whatever_the_number_of_threads() {
    let folder = TempDir::new().unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    report_into(&one, &sample("defect"), &["--threads", "1"]);
    report_into(&two, &sample("defect"), &["--threads", "2"]);

    let files = files_below(&one);
    for name in ["report.json", "slices.csv", "bones.csv", "report.html"] {
        assert!(files.contains(&PathBuf::from(name)), "{name} is missing among {files:?}");
    }
    for ending in ["-map.svg", "-profile.svg"] {
        let is_figure = |file: &&PathBuf| file.starts_with("figures") && file.to_string_lossy().ends_with(ending);
        assert_eq!(files.iter().filter(is_figure).count(), 1, "figures/*{ending} among {files:?}");
    }
    assert!(files.iter().any(|file| file.to_string_lossy().contains("-slice-")), "no picture among {files:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "temporary files are left behind");

    assert_eq!(files, files_below(&two));
    for file in &files {
        let same = fs::read(one.join(file)).unwrap() == fs::read(two.join(file)).unwrap();
        assert!(same, "{} differs between one thread and two", file.display());
    }
}

#[test]
fn the_folder_and_standard_output_hold_the_same_json() {
    let folder = TempDir::new().unwrap();
    let (output, input) = (folder.path().join("out"), sample("healthy"));
    let args = ["analyze".as_ref(), input.as_os_str(), "--json".as_ref(), "-o".as_ref(), output.as_os_str()];
    let run = corticalysis(args);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert_eq!(run.stdout, fs::read_to_string(output.join("report.json")).unwrap());
}

#[test]
fn the_page_opens_offline() {
    let folder = TempDir::new().unwrap();
    report_into(folder.path(), &sample("defect"), &["--quiet"]);
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>"), "{}", &page[..page.len().min(100)]);
    for fetched in ["<script src", "<link rel=\"stylesheet\"", "src=\"http", "url(http", "@import"] {
        assert!(!page.contains(fetched), "the page fetches something: {fetched}");
    }
}

#[test]
fn the_series_is_listed_once_and_the_contours_by_name() {
    let run = corticalysis(["series".as_ref(), sample("healthy").as_os_str()]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let series: Vec<&str> = run.stdout.lines().take_while(|line| !line.starts_with("regions")).collect();
    let [line] = series[..] else { panic!("one series expected:\n{}", run.stdout) };
    assert!(line.contains("184×157×68") && line.contains("0.977×0.977×3.270 mm"), "{line}");
    let region = run.stdout.lines().find(|line| line.contains("ROI 1 \"GTV_Mass_CT\"")).expect("its name, for --roi");
    assert!(region.contains("RTSTRUCT") && region.contains("49 contours"), "{region}");
    let aside = run.stdout.lines().skip_while(|line| *line != "set aside:").nth(1).expect("what was set aside");
    assert!(aside.contains("1 file") && aside.contains("RTSTRUCT"), "{aside}");
}

#[test]
fn names_and_order_of_the_files_do_not_matter() {
    let folder = TempDir::with_prefix("série à lire é ").unwrap();
    let mut names: Vec<PathBuf> = files_below(&sample("healthy"));
    // Any order that is not that of the slices; 31 and 69 have no common divisor.
    let count = names.len();
    assert_eq!(count, 69);
    names.sort();
    for (n, name) in names.iter().enumerate() {
        let place = folder.path().join(format!("dossier {}", n % 3));
        fs::create_dir_all(&place).unwrap();
        fs::copy(sample("healthy").join(name), place.join(format!("{} é", n * 31 % count))).unwrap();
    }
    fs::write(folder.path().join("lisez-moi.txt"), "pas une image").unwrap();
    assert_eq!(analyzed(folder.path()), analyzed(&sample("healthy")));
}
