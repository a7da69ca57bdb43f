//! Prisms of known section, measured, beside the truth: analytic, and for slots that of the package sectionproperties
//! (`tests/fixtures/sections.csv`).

#![allow(dead_code)] // Each test binary uses its own part.

use super::prism::{COMPACT_HU, MIDDLE_MM, Scan, scan};
use corticalysis::analysis::{MeasuredBone, Settings, analyze};
use corticalysis::estimate::Estimate;
use corticalysis::rigidity::{Calibration, CalibrationChoice, DensityKind, RigiditySettings, SliceRigidity};
use corticalysis::volume::Volume;
use std::f64::consts::PI;

/// One value beside the truth.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub section: String,
    /// `EA`, `EI max`, `EI min` or `GJ`.
    pub quantity: &'static str,
    pub found: f64,
    pub truth: f64,
    /// Most that it may be off, percent.
    pub bar: f64,
}

impl Row {
    pub fn off_percent(&self) -> f64 {
        100.0 * (self.found / self.truth - 1.0)
    }
}

/// A reduction beside the truth, percent.
#[derive(Debug, Clone)]
pub struct Reduction {
    pub section: String,
    pub quantity: &'static str,
    pub found: Estimate,
    pub truth: f64,
}

/// The bone, with a calibration that leaves nothing to chance: 1400 HU are 1.2 g/cm³ of hydroxyapatite.
fn measured(volume: &Volume<i16>) -> MeasuredBone {
    let line = Calibration::linear("linear", DensityKind::Hydroxyapatite, 1.2 / COMPACT_HU, 0.0).expect("a line");
    let rigidity = RigiditySettings { calibration: CalibrationChoice::Given(line), ..RigiditySettings::default() };
    let mut bones = analyze(volume, &Settings { rigidity: Some(rigidity), ..Settings::default() });
    assert_eq!(bones.len(), 1);
    bones.remove(0)
}

fn middle(volume: &Volume<i16>) -> SliceRigidity {
    let bone = measured(volume);
    let rows = &bone.rigidity.as_ref().expect("rigidity").slices;
    rows[rows.len() / 2].expect("the middle is measured")
}

/// Modulus of compact bone by the default law: (1.2 + 0.09)/1.14/0.598 g/cm³ apparent.
fn compact_mpa() -> f64 {
    1000.0 * (21.91 * (1.2 + 0.09) / 1.14 / 0.598 - 23.50)
}

const FINE: Scan = Scan { pixel_mm: 0.5, slice_mm: 2.0, tilt_deg: 0.0, fwhm_mm: 1.1, noise_hu: 8.0 };
const COARSE: Scan = Scan { pixel_mm: 1.0, slice_mm: 3.0, tilt_deg: 0.0, fwhm_mm: 1.4, noise_hu: 8.0 };

/// Both pixel sizes, with how much EA and EI may be off.
const SCANS: [(&str, Scan, f64); 2] = [("0.5 mm", FINE, 1.0), ("1 mm", COARSE, 3.0)];

fn ring(x: f64, y: f64) -> f64 {
    f64::from(u8::from((8.0..14.0).contains(&x.hypot(y))))
}

fn hole(x: f64, y: f64) -> bool {
    x.hypot(y) < 8.0
}

fn rows(section: &str, found: &SliceRigidity, truth: [f64; 4], bars: [f64; 2]) -> Vec<Row> {
    let found = &found.actual;
    let values = [found.ea_n, found.ei_max_nmm2, found.ei_min_nmm2, found.gj_nmm2];
    let row = |n: usize| Row {
        section: section.into(),
        quantity: ["EA", "EI max", "EI min", "GJ"][n],
        found: values[n],
        truth: truth[n],
        bar: bars[usize::from(n == 3)],
    };
    (0..4).map(row).collect()
}

/// The upright ring, measured as these settings say.
pub fn ring_with(rigidity: RigiditySettings) -> MeasuredBone {
    let volume = scan(COARSE, hole, |x, y, _| ring(x, y));
    analyze(&volume, &Settings { rigidity: Some(rigidity), ..Settings::default() }).remove(0)
}

/// Closed sections, upright, at both pixel sizes.
pub fn closed() -> Vec<Row> {
    let e = compact_mpa();
    let mut out = Vec::new();
    for (pixels, how, bar) in SCANS {
        let bars = [bar, 2.0];
        let inertia = PI / 4.0 * (14f64.powi(4) - 8f64.powi(4));
        let truth = [PI * (196.0 - 64.0), inertia, inertia, 2.0 * inertia / 2.6].map(|v| e * v);
        let found = middle(&scan(how, hole, |x, y, _| ring(x, y)));
        out.extend(rows(&format!("ring, {pixels} pixels"), &found, truth, bars));
        let within = |x: f64, y: f64, a: f64, b: f64| (x / a).powi(2) + (y / b).powi(2) < 1.0;
        let ellipse = |x: f64, y: f64| f64::from(u8::from(within(x, y, 15.0, 12.0) && !within(x, y, 9.0, 7.0)));
        let along = PI / 4.0 * (15f64.powi(3) * 12.0 - 9f64.powi(3) * 7.0);
        let across = PI / 4.0 * (15.0 * 12f64.powi(3) - 9.0 * 7f64.powi(3));
        let truth = [PI * (180.0 - 63.0), along, across, 2.84953e8 / 17_000.0].map(|v| e * v);
        let found = middle(&scan(how, |x, y| within(x, y, 9.0, 7.0), |x, y, _| ellipse(x, y)));
        out.extend(rows(&format!("ellipse, {pixels} pixels"), &found, truth, bars));
        let off_centre = |x: f64, y: f64| (x - 2.0).hypot(y) < 8.0;
        let eccentric = |x: f64, y: f64| f64::from(u8::from(x.hypot(y) < 14.0 && !off_centre(x, y)));
        let truth = [7.04837e6, 4.58049e8, 4.3776e8, 3.36369e8].map(|v| e / 17_000.0 * v);
        let found = middle(&scan(how, off_centre, |x, y, _| eccentric(x, y)));
        out.extend(rows(&format!("eccentric ring, {pixels} pixels"), &found, truth, bars));
    }
    out
}

/// A ring at several tilts against the same one upright.
pub fn tilted() -> Vec<Row> {
    let of = |tilt_deg: f64| middle(&scan(Scan { tilt_deg, ..COARSE }, hole, |x, y, _| ring(x, y)));
    let upright = of(0.0).actual;
    let truth = [upright.ea_n, upright.ei_max_nmm2, upright.ei_min_nmm2, upright.gj_nmm2];
    let at =
        |tilt: f64| rows(&format!("ring, 1 mm pixels, tilt {tilt:.0}° against upright"), &of(tilt), truth, [2.0; 2]);
    [10.0, 20.0, 30.0].into_iter().flat_map(at).collect()
}

/// Middle of the section along the prism from its own middle, mm, and its reduction of axial rigidity: a slot of 88°, 36 mm long, in a
/// ring that leans by `tilt_deg`.
pub fn tilted_slot(tilt_deg: f64) -> Vec<(f64, f64)> {
    let slotted = |x: f64, y: f64, along: f64| {
        let gone = along.abs() < 18.0 && y.atan2(x).to_degrees().abs() < 44.0;
        if gone { 0.0 } else { ring(x, y) }
    };
    let volume = scan(Scan { tilt_deg, ..COARSE }, hole, slotted);
    let bone = measured(&volume);
    let (sin, cos) = tilt_deg.to_radians().sin_cos();
    let [x0, z0] = [MIDDLE_MM.x, MIDDLE_MM.z];
    let place = |section: &SliceRigidity| {
        let [x, _, z] = section.intact.centroid_mm;
        ((x - x0) * sin + (z - z0) * cos, section.reductions_percent[0].value)
    };
    bone.rigidity.as_ref().expect("rigidity").slices.iter().flatten().map(place).collect()
}

/// Rings that a slot opens over 36 mm of their length: sections, and reductions against the closed ring.
pub fn slotted() -> (Vec<Row>, Vec<Reduction>) {
    let (mut out, mut reductions) = (Vec::new(), Vec::new());
    let closed = [7.0483e6, 4.58047e8, 3.52344e8];
    for (name, half_deg, truth) in [
        ("slot of 40°", 20.0, [6.26516e6, 4.54012e8, 3.48353e8, 2.7248e7]),
        ("slot of 88°", 44.0, [5.32538e6, 4.18936e8, 2.15277e8, 2.2889e7]),
    ] {
        for (pixels, how, bar) in SCANS {
            let slotted = |x: f64, y: f64, along: f64| {
                let gone = along.abs() < 18.0 && y.atan2(x).to_degrees().abs() < half_deg;
                if gone { 0.0 } else { ring(x, y) }
            };
            let found = middle(&scan(how, hole, slotted));
            assert!(found.is_open && found.actual.gj_polar_nmm2 > 3.0 * found.actual.gj_nmm2);
            let section = format!("{name}, {pixels} pixels");
            out.extend(rows(&section, &found, truth.map(|v| compact_mpa() / 17_000.0 * v), [bar, 5.0]));
            for (n, quantity, left) in [(0, "EA", truth[0]), (1, "EI", truth[2]), (2, "GJ", truth[3])] {
                let truth = 100.0 * (1.0 - left / closed[n]);
                let found = found.reductions_percent[n];
                reductions.push(Reduction { section: section.clone(), quantity, found, truth });
            }
        }
    }
    (out, reductions)
}
