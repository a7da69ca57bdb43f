//! Rigidity as a user gets it: in the report, with calibrations given, saved and refused.

mod support;

use serde_json::Value;
use std::path::Path;
use support::program::{bones, corticalysis};

fn phantom(folder: &Path) {
    let run =
        corticalysis(["phantom".as_ref(), "-o".as_ref(), folder.as_os_str(), "--preset".as_ref(), "window".as_ref()]);
    assert_eq!(run.status, 0, "{}", run.stderr);
}

/// The report of a run that succeeds.
fn report(ct: &Path, more: &[&str]) -> Value {
    let mut args = vec!["analyze".to_owned(), ct.display().to_string(), "--json".to_owned()];
    args.extend(more.iter().map(|arg| (*arg).to_owned()));
    let run = corticalysis(&args);
    assert_eq!(run.status, 0, "{}", run.stderr);
    run.json()
}

#[test]
fn rigidity_is_in_the_report_and_a_calibration_can_be_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let (ct, saved, out) = (folder.path().join("ct"), folder.path().join("c.json"), folder.path().join("out"));
    phantom(&ct);
    let first = report(&ct, &["--save-calibration", &saved.display().to_string(), "-o", &out.display().to_string()]);
    let bone = &bones(&first)[0];
    let weakest = &bone["weakest_section"];
    let (reduction, z) = (weakest["reduction_percent"].as_f64().unwrap(), &weakest["z_mm"]);
    let slice = bone["slices"].as_array().unwrap().iter().find(|s| s["z_mm"] == *z).unwrap();
    let rigidity = &slice["rigidity"];
    for name in ["ea_n", "ei_max_nmm2", "ei_min_nmm2", "gj_nmm2"] {
        assert!(rigidity[name].as_f64().unwrap() > 0.0, "{name}");
    }
    let all = ["ea", "ei", "gj"].map(|n| rigidity[format!("{n}_reduction_percent")].as_f64().unwrap());
    assert!(all.contains(&reduction) && all.iter().all(|r| *r <= reduction) && reduction > 35.0, "{all:?} {reduction}");
    let rule = bone["rules"].as_array().unwrap().iter().find(|rule| rule["name"] == "rigidity").unwrap();
    assert_eq!(rule["met"], true);
    // A healthy slice has lost nothing, and its interval begins there.
    let healthy = &bone["slices"][5]["rigidity"];
    assert_eq!((&healthy["ea_reduction_percent"], &healthy["ea_reduction_ci95"][0]), (&0.0.into(), &0.0.into()));
    for figure in ["-rigidity.svg", "-weakest.svg"] {
        let mut figures = std::fs::read_dir(out.join("figures")).unwrap();
        assert!(figures.any(|f| f.unwrap().file_name().to_string_lossy().ends_with(figure)), "{figure}");
    }
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("Structural rigidity") && page.contains("Weakest section"));
    // Used again it gives the same.
    let again = report(&ct, &["--calibration", &format!("saved:{}", saved.display())]);
    assert_eq!(bones(&again)[0]["slices"], bone["slices"]);
    assert_eq!(again["settings"]["calibration"], "saved");
}

#[test]
fn laws_and_calibrations_change_stiffness_but_hardly_reductions() {
    let folder = tempfile::tempdir().unwrap();
    let ct = folder.path().join("ct");
    phantom(&ct);
    let table = folder.path().join("table.csv");
    std::fs::write(&table, "HU;Density\n-1000;0,001\n0;1,0\n1600;1,96\n").unwrap();
    let table = format!("table:{}", table.display());
    let worst = |more: &[&str]| {
        let report = report(&ct, more);
        let weakest = &bones(&report)[0]["weakest_section"];
        let stiffness = &bones(&report)[0]["stiffness"];
        (weakest["reduction_percent"].as_f64().unwrap(), stiffness["cortical_modulus_mpa"].as_f64().unwrap())
    };
    let (plain, plain_mpa) = worst(&[]);
    for more in [["--calibration", "default"], ["--calibration", &table], ["--modulus", "keyak"]] {
        let (reduction, mpa) = worst(&more);
        assert!((reduction - plain).abs() < 1.0, "{more:?}: {reduction} for {plain}");
        assert!((8_000.0..25_000.0).contains(&mpa) && mpa != plain_mpa, "{more:?}: {mpa}");
    }
}

#[test]
fn what_cannot_calibrate_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let ct = folder.path().join("ct");
    phantom(&ct);
    let bad = folder.path().join("bad.csv");
    std::fs::write(&bad, "HU,Density\n0,1.0\n1000,dense\n").unwrap();
    for (calibration, status, told) in [
        ("phantom".to_owned(), 2, "is not a calibration"),
        (format!("table:{}", bad.display()), 3, "line 3"),
        (format!("saved:{}", bad.display()), 3, "the calibration in"),
        ("rods:none.csv".to_owned(), 3, "cannot read none.csv"),
    ] {
        let run = corticalysis(["analyze", &ct.display().to_string(), "--json", "--calibration", &calibration]);
        assert_eq!(run.status, status, "{calibration}: {}", run.stderr);
        assert!(run.stderr.contains(told), "{calibration}: {}", run.stderr);
        assert!(run.stdout.is_empty());
    }
}
