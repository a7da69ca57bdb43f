//! The main job on every real CT of the shared data set, where it is present: it is too large to come with the program.
//! `CORTICALYSIS_SHARED_DATA` names its folder. `--nocapture` shows the tables.

mod support;

use corticalysis::evaluate::{Quantity, pooled};
use std::ffi::OsStr;
use std::path::Path;
use support::defect_truth::{compared, failures, row};
use support::program::{Run, analyzed, bone_and_side, bones, corticalysis, findings, measured, shared_data};
use tempfile::TempDir;

/// What is expected of a series: the bones that may be named in it, and the side where it is certain.
struct Expected {
    case: &'static str,
    bones: &'static [&'static str],
    side: Option<&'static str>,
}

const fn healthy(case: &'static str, bones: &'static [&'static str], side: Option<&'static str>) -> Expected {
    Expected { case, bones, side }
}

const FEMUR: &[&str] = &["femur"];

/// Those of which something can be measured; no bone in them was seen to be lysed.
const HEALTHY: &[Expected] = &[
    healthy("STS_001", FEMUR, Some("left")),
    healthy("STS_006", FEMUR, None),
    healthy("STS_008", &["humerus"], Some("left")),
    healthy("STS_010", &["tibia", "fibula"], None),
    healthy("STS_012", FEMUR, None),
    healthy("STS_013", FEMUR, None),
    healthy("STS_017", FEMUR, None),
    healthy("STS_024", FEMUR, None),
    healthy("STS_028", &["tibia", "fibula", "femur"], None),
    healthy("STS_029", FEMUR, None),
    healthy("STS_030", FEMUR, None),
    healthy("STS_043", FEMUR, None),
    healthy("STS_045", FEMUR, None),
    healthy("STS_046", FEMUR, None),
    healthy("STS_049", &["tibia", "fibula"], None),
];

/// Those whose bone the image border cuts in every slice.
const CUT: &[&str] = &["STS_025", "STS_041"];

/// `analyze PATH --json -o OUTPUT`, whatever comes of it.
fn run_on(path: &Path, output: &Path) -> Run {
    corticalysis(["analyze".as_ref(), path.as_os_str(), "--json".as_ref(), "-o".as_ref(), output.as_os_str()])
}

#[test]
fn healthy_bones_are_named_and_have_no_lesion() {
    let Some(data) = shared_data() else { return };
    let mut failures = Vec::new();
    for Expected { case, bones: names, side } in HEALTHY {
        let run = corticalysis(["analyze".as_ref(), data.join("ct").join(case).as_os_str(), OsStr::new("--json")]);
        let mut fail = |what: String| failures.push(format!("{case}: {what}"));
        if run.status != 0 {
            println!("{case}: exit {}", run.status);
            fail(format!("exit status {}: {}", run.status, run.stderr));
            continue;
        }
        let report = run.json();
        for bone in bones(&report) {
            let (name, found) = (bone_and_side(bone), findings(bone));
            println!("{case}: {name}, {} slices measured, {}", measured(bone), found.len());
            if !names.iter().chain(&["unknown"]).any(|allowed| bone["bone"] == *allowed) {
                fail(format!("called {name}"));
            }
            if side.is_some_and(|side| bone["side"] != side && bone["side"] != "unknown") {
                fail(format!("called {name}"));
            }
            found.iter().for_each(|what| fail(format!("{name}: {what}")));
        }
        if bones(&report).iter().all(|bone| measured(bone) == 0) {
            fail("nothing measured".into());
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_pelvis_is_no_long_bone() {
    let Some(data) = shared_data() else { return };
    let folder = TempDir::new().unwrap();
    let output = folder.path().join("out");
    let run = run_on(&data.join("ct/STS_018"), &output);
    assert_eq!(run.status, 4, "{}", run.stderr);
    assert!(run.stderr.contains("no long bone"), "{}", run.stderr);
    assert!(run.stdout.is_empty() && !output.exists());
}

#[test]
fn a_bone_cut_by_the_border_everywhere_is_said_to_be_and_not_called_lysed() {
    let Some(data) = shared_data() else { return };
    for case in CUT {
        let folder = TempDir::new().unwrap();
        let output = folder.path().join("out");
        let run = run_on(&data.join("ct").join(case), &output);
        let report = run.json();
        let found: Vec<String> = bones(&report).iter().flat_map(findings).collect();
        assert_eq!(found, [""; 0], "{case}");
        let nothing = bones(&report).iter().all(|bone| measured(bone) == 0);
        assert_eq!(run.status, if nothing { 4 } else { 0 }, "{case}: {}", run.stderr);
        let warned = bones(&report).iter().any(|bone| bone["warnings"].to_string().contains("image border cuts"));
        assert!(warned, "{case}: no warning of the border: {}", report["bones"]);
        assert!(output.join("report.html").is_file(), "{case}: no report");
    }
}

/// Both hips end just below the trochanters: there may be too little shaft to measure, but nothing to flag.
#[test]
fn osteoarthritic_hips_are_not_flagged() {
    let Some(data) = shared_data() else { return };
    let run = corticalysis(["analyze".as_ref(), data.join("ct/TCGA-09-2043-hips").as_os_str(), OsStr::new("--json")]);
    assert!([0, 4].contains(&run.status), "exit status {}: {}", run.status, run.stderr);
    if run.stdout.is_empty() {
        println!("TCGA-09-2043-hips: {}", run.stderr);
        return;
    }
    let report = run.json();
    for bone in bones(&report) {
        println!("TCGA-09-2043-hips: {}, {} slices measured", bone_and_side(bone), measured(bone));
        assert!(findings(bone).iter().all(|what| !what.contains("flagged")), "{:?}", findings(bone));
    }
}

#[test]
fn defects_are_measured_as_they_were_cut() {
    let Some(data) = shared_data() else { return };
    let mut cases = Vec::new();
    let mut found = Vec::new();
    for name in ["d1", "d2", "d3", "d4"] {
        let folder = data.join("defect");
        let case = compared(name, &analyzed(&folder.join(name)), &folder.join(format!("{name}.truth.json")));
        let summary = case.summary();
        println!("{}", row(name, &summary));
        found.extend(failures(name, std::slice::from_ref(&case), &summary));
        cases.push(case);
    }
    let summary = pooled(&cases);
    println!("{}", row("pooled", &summary));
    found.extend(failures("pooled", &cases, &summary));
    assert_eq!(found, [""; 0]);
    assert_eq!(summary.sections.rings, 291);
    // What docs/validation.md tells, which is written from the same figures.
    for (quantity, [all, lysed]) in [(Quantity::Axial, [0.21, 0.86]), (Quantity::Circumferential, [0.51, 2.06])] {
        let errors = summary.of(quantity);
        for (stats, wanted) in [(&errors.all.stats, all), (&errors.lysed.stats, lysed)] {
            let error = stats.mean_absolute.expect("sections");
            assert!(error < wanted + 0.1, "{}: {error:.2} where {wanted} was validated", quantity.title());
        }
    }
}
