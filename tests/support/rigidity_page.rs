//! The section on rigidity of docs/validation.md.

#![allow(dead_code)] // Each test binary uses its own part.

use super::prism_cases::{Row, closed, slotted, tilted};
use super::program::{analyzed, bones, corticalysis};
use super::real_ct::{case_names, longest_series};
use super::rigidity_truth::{Pair, Reading, by_law, compare};
use corticalysis::analysis::{Settings, analyze};
use corticalysis::cortex::Acquisition;
use corticalysis::phantom::presets::PRESETS;
use corticalysis::rigidity::internal::{Around, peaks};
use corticalysis::rigidity::tissue::{Tissue, hu_per_hydroxyapatite};
use corticalysis::rigidity::{RigiditySettings, measure};
use corticalysis::volume::{NO_DATA, Volume};
use std::fmt::Write;
use std::path::Path;
use std::time::Instant;

/// All of it.
pub fn rigidity(page: &mut String, data: &Path) {
    page.push_str("\n## Rigidity\n\nMethod and sources: docs/rigidity.md.\n");
    sections(page);
    reductions(page, data);
    calibration(page, data);
    voltages(page, data);
    cost(page, data);
}

fn line(page: &mut String, text: std::fmt::Arguments) {
    writeln!(page, "{text}").expect("a string takes all");
}

fn sections(page: &mut String) {
    page.push_str(
        "\n### Sections from CT\n\nPrisms of compact bone (1400 HU in soft tissue, FWHM 1.1 mm at 0.5 mm pixels and 1.4 mm at 1 mm, noise, 2 and 3 mm slices), found and measured \
         like any series, calibration given. Off by, percent of the truth: analytic, and for torsion of all but the ring that of the package sectionproperties.\n\n\
         | section | EA | EI max | EI min | GJ |\n|---|---|---|---|---|\n",
    );
    let (slots, reductions) = slotted();
    let all: Vec<Row> = closed().into_iter().chain(slots).chain(tilted()).collect();
    for rows in all.chunks(4) {
        let off: Vec<String> = rows.iter().map(|row| format!("{:+.2}", row.off_percent())).collect();
        line(page, format_args!("| {} | {} |", rows[0].section, off.join(" | ")));
    }
    let worst = reductions.iter().map(|r| (r.found.value - r.truth).abs()).fold(0.0, f64::max);
    let held = reductions.iter().filter(|r| r.found.low <= r.truth && r.truth <= r.found.high).count();
    line(
        page,
        format_args!(
            "\nReductions of the slotted rings against the closed one (EA, EI, GJ): off by {worst:.2} points at most; the interval holds the truth in {held} of {}.",
            reductions.len()
        ),
    );
}

fn volume_of(path: &Path) -> (Volume<i16>, Option<f64>) {
    let series = longest_series(path);
    (series.load(&|_, _| {}).expect("a sound series"), series.header.slice_thickness_mm)
}

fn row(page: &mut String, name: &str, pairs: &[Pair]) {
    if pairs.is_empty() {
        return;
    }
    let n = pairs.len() as f64;
    let errors = |q: usize| pairs.iter().map(move |p| (p.found[q] - p.truth[q]).abs());
    let mean = |q: usize| errors(q).sum::<f64>() / n;
    let most = |q: usize| errors(q).fold(0.0, f64::max);
    let held = |q: usize| pairs.iter().filter(|p| p.ci95[q][0] <= p.truth[q] && p.truth[q] <= p.ci95[q][1]).count();
    let top = |of: &dyn Fn(&Pair) -> f64| pairs.iter().map(of).fold(0.0, f64::max);
    line(
        page,
        format_args!(
            "| {name} | {} | {:.2} / {:.2} | {:.2} / {:.2} | {:.1} of {:.1} / {:.1} of {:.1} | {} and {} |",
            pairs.len(),
            mean(0),
            mean(1),
            most(0),
            most(1),
            top(&|p| p.found[0]),
            top(&|p| p.truth[0]),
            top(&|p| p.found[1]),
            top(&|p| p.truth[1]),
            held(0),
            held(1)
        ),
    );
}

const HEAD: &str = "| case | sections that a lesion touches | mean abs. error | largest error | largest reduction found, of true | 95 % interval holds the truth |\n|---|---|---|---|---|---|\n";

fn reductions(page: &mut String, data: &Path) {
    page.push_str(
        "\n### Reductions\n\nPercentage points, axial / bending in the direction that lost most, in the slices of the lesions and in those whose plane across the bone meets one. Truth: direct integration across the axis of the intact image \
         and of the one with the defect, by code of its own, modulus in a straight line with HU between soft tissue and compact bone, within 1 mm of the intact outline (what is denser than 0.4 of compact bone, filled, opened by 4 mm: an ossification in \
         the muscle beside d1 touches the bone in some sections, which a first look at these figures showed).\n\n",
    );
    page.push_str(HEAD);
    let originals = [("d1", "STS_013"), ("d2", "STS_030"), ("d3", "STS_045"), ("d4", "STS_046")];
    let (mut all, mut all_by_law) = (Vec::new(), Vec::new());
    for (defect, original) in originals {
        let report = analyzed(&data.join("defect").join(defect));
        let intact = volume_of(&data.join("ct").join(original)).0;
        let with = volume_of(&data.join("defect").join(defect)).0;
        for bone in bones(&report) {
            let pairs = compare(bone, &intact, &with, |_| Reading::Mixture);
            row(page, &format!("{defect} (real femur, ball)"), &pairs);
            all.extend(pairs);
            all_by_law.extend(compare(bone, &intact, &with, by_law));
        }
    }
    row(page, "real, pooled", &all);
    row(page, "real, pooled; truth by the default law pixel by pixel", &all_by_law);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut all = Vec::new();
    for name in [
        "window",
        "sector",
        "eccentric-ball",
        "endosteal-scallop",
        "permeative",
        "several-lesions",
        "half-length-lesion",
        "planning-ct",
        "noisy",
        "two-legs",
        "tilted-30",
    ] {
        let preset = PRESETS.iter().find(|preset| preset.name == name).expect("a preset of that name");
        let out = folder.path().join(name);
        let run =
            corticalysis(["phantom".as_ref(), "-o".as_ref(), out.as_os_str(), "--preset".as_ref(), name.as_ref()]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        let report = analyzed(&out);
        let with = (preset.spec)();
        let mut intact = with.clone();
        intact.bones.iter_mut().for_each(|bone| bone.lesions.clear());
        let (with, intact) = (with.build().volume, intact.build().volume);
        let pairs: Vec<Pair> =
            bones(&report).iter().flat_map(|bone| compare(bone, &intact, &with, |_| Reading::Mixture)).collect();
        row(page, &format!("phantom {name}"), &pairs);
        all.extend(pairs);
    }
    row(page, "phantoms, pooled", &all);
}

fn calibration(page: &mut String, data: &Path) {
    page.push_str(
        "\n### Internal calibration\n\nPeaks of air, fat and muscle found in each series, HU (where no bone was measured, around the middle of the image); the effective energy that fits; what is left over; compact bone: its HU with the blur taken out, its density in \
         g/cm³ of hydroxyapatite and apparent, its modulus. Compact bone takes part in the calibration (docs/rigidity.md), so that its density varies less here than it does in nature.\n\n\
         | series | bone | air | fat | muscle | keV | residual, HU | compact bone, HU | g/cm³ hydroxyapatite | modulus, GPa |\n|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for name in case_names(&data.join("ct")) {
        let run = corticalysis(["analyze".as_ref(), data.join("ct").join(&name).as_os_str(), "--json".as_ref()]);
        if run.stdout.is_empty() {
            let [air, fat, muscle] = found_anyway(data, &name);
            line(page, format_args!("| {name} | nothing measured | {air} | {fat} | {muscle} | | | | | |"));
            continue;
        }
        let report = run.json();
        for bone in bones(&report) {
            let stiffness = &bone["stiffness"];
            if stiffness.is_null() {
                let side = bone["side"].as_str().unwrap_or_default();
                let bone = bone["bone"].as_str().unwrap_or_default();
                let [air, fat, muscle] = found_anyway(data, &name);
                line(
                    page,
                    format_args!("| {name} | {bone} {side}: nothing measured | {air} | {fat} | {muscle} | | | | | |"),
                );
                continue;
            }
            let calibration = &stiffness["calibration"];
            let of = |tissue: &str| {
                let points = calibration["points"].as_array().expect("points");
                let point = points.iter().find(|p| p["name"] == tissue);
                point.and_then(|p| p["measured_hu"].as_f64()).map_or("not found".into(), |hu| format!("{hu:.1}"))
            };
            let number = |value: &serde_json::Value| value.as_f64().unwrap_or(f64::NAN);
            line(
                page,
                format_args!(
                    "| {name} | {} {} | {} | {} | {} | {:.1} | {:.1} | {:.0} | {:.3} | {:.1} |",
                    bone["bone"].as_str().unwrap_or_default(),
                    bone["side"].as_str().unwrap_or_default(),
                    of("air"),
                    of("fat"),
                    of("muscle"),
                    number(&calibration["effective_energy_kev"]),
                    number(&calibration["residual_hu"]),
                    number(&stiffness["cortical_hu"]),
                    number(&stiffness["cortical_density_g_cm3"]),
                    number(&stiffness["cortical_modulus_mpa"]) / 1000.0
                ),
            );
        }
    }
}

/// Peaks where no bone was measured, around the middle of the image.
fn found_anyway(data: &Path, name: &str) -> [String; 3] {
    let (volume, _) = volume_of(&data.join("ct").join(name));
    let (grid, size) = (&volume.grid, volume.grid.size);
    let centre_mm = [0.5 * size[0] as f64 * grid.spacing_mm.x, 0.5 * size[1] as f64 * grid.spacing_mm.y];
    let around: Vec<Around> = (0..size[2]).map(|slice_index| Around { slice_index, centre_mm }).collect();
    let found = peaks(&volume, &around);
    [found.air, found.fat, found.muscle].map(|hu| hu.map_or("not found".into(), |hu| format!("{hu:.1}")))
}

/// Density of compact bone of the first bone, g/cm³.
fn density(volume: &Volume<i16>, slice_thickness_mm: Option<f64>) -> Option<f64> {
    let acquisition = Acquisition { slice_thickness_mm, blur_fwhm_mm: None };
    let bones = analyze(volume, &Settings { acquisition, ..Settings::default() });
    bones.iter().find_map(|bone| bone.rigidity.as_ref()).map(|rigidity| rigidity.cortical_density_g_cm3)
}

/// The image as a beam of another energy would show it, by the tables: soft tissue as its own tissue changes, what is denser
/// than muscle as hydroxyapatite does.
fn at_energy(hu: f64, from_kev: f64, to_kev: f64) -> f64 {
    let nodes = [Tissue::Air, Tissue::Adipose, Tissue::Muscle].map(|t| (t.hu(from_kev), t.hu(to_kev)));
    let muscle = nodes[2];
    if hu > muscle.0 {
        return muscle.1 + (hu - muscle.0) * hu_per_hydroxyapatite(to_kev) / hu_per_hydroxyapatite(from_kev);
    }
    let pair = if hu < nodes[1].0 { [nodes[0], nodes[1]] } else { [nodes[1], nodes[2]] };
    pair[0].1 + (hu - pair[0].0) * (pair[1].1 - pair[0].1) / (pair[1].0 - pair[0].0)
}

fn voltages(page: &mut String, data: &Path) {
    page.push_str(
        "\n### The same patient at another tube voltage\n\nEach series rescaled, density of compact bone against that of the series as it is, percent. *Energy*: soft tissue and bone changed as the tables say, from a beam of \
         76 keV. *Straight*: all HU on another line.\n\n\
         | series | energy 66 keV | energy 86 keV | 1.1 HU + 15 | 0.9 HU − 15 |\n|---|---|---|---|---|\n",
    );
    type Change = fn(f64) -> f64;
    let changes: [Change; 4] =
        [|hu| at_energy(hu, 76.0, 66.0), |hu| at_energy(hu, 76.0, 86.0), |hu| 1.1 * hu + 15.0, |hu| 0.9 * hu - 15.0];
    let mut worst = 0.0f64;
    for name in ["STS_006", "STS_008", "STS_010", "STS_013", "STS_030", "STS_046", "STS_049"] {
        let (volume, thickness) = volume_of(&data.join("ct").join(name));
        let plain = density(&volume, thickness).expect("a measured bone");
        let off: Vec<String> = changes
            .iter()
            .map(|change| {
                let voxels: Vec<i16> = volume
                    .voxels
                    .iter()
                    .map(|hu| {
                        if *hu == NO_DATA {
                            NO_DATA
                        } else {
                            change(f64::from(*hu)).round().clamp(-2000.0, 4000.0) as i16
                        }
                    })
                    .collect();
                let other = Volume { grid: volume.grid.clone(), voxels: voxels.into() };
                let off = density(&other, thickness).map_or(f64::NAN, |d| 100.0 * (d / plain - 1.0));
                worst = worst.max(off.abs());
                format!("{off:+.2}")
            })
            .collect();
        line(page, format_args!("| {name} | {} |", off.join(" | ")));
    }
    line(page, format_args!("\nLargest change: {worst:.2} %."));
}

fn cost(page: &mut String, data: &Path) {
    let mut shares = Vec::new();
    for name in ["STS_006", "STS_013", "STS_030", "STS_046"] {
        let (volume, slice_thickness_mm) = volume_of(&data.join("ct").join(name));
        let acquisition = Acquisition { slice_thickness_mm, blur_fwhm_mm: None };
        let settings = Settings { acquisition, rigidity: None, ..Settings::default() };
        // The fastest of several, turn and turn about: what else the machine does only adds.
        let (mut without, mut rigidity) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..15 {
            let start = Instant::now();
            let bones = analyze(&volume, &settings);
            without = without.min(start.elapsed().as_secs_f64());
            let start = Instant::now();
            for bone in &bones {
                let lysis = bone.lysis.as_ref().expect("a measured femur");
                let asked = RigiditySettings::default();
                assert!(measure(&volume, &bone.cortex, lysis, &asked, slice_thickness_mm).is_ok());
            }
            rigidity = rigidity.min(start.elapsed().as_secs_f64());
        }
        shares.push(100.0 * rigidity / without);
    }
    let (least, most) = shares.iter().fold((f64::INFINITY, 0.0f64), |(a, b), v| (a.min(*v), b.max(*v)));
    line(
        page,
        format_args!(
            "\n### Cost\n\nRigidity adds {least:.0} to {most:.0} % to the measuring of four femora (reading and writing, which it leaves alone, not counted)."
        ),
    );
}
