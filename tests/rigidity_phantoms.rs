//! Rigidities of prisms whose section is known, from their CT: analytic rings, slots against the package sectionproperties
//! (`tests/fixtures/sections.csv`), reductions against direct integration.

mod support;

use corticalysis::analysis::{MeasuredBone, Settings, analyze};
use corticalysis::rigidity::{Calibration, CalibrationChoice, DensityKind, RigiditySettings, SliceRigidity};
use std::f64::consts::PI;
use support::prism::{COMPACT_HU, Scan, scan};

/// The bone, with a calibration that leaves nothing to chance: 1400 HU are 1.2 g/cm³ of hydroxyapatite.
fn measured(volume: &corticalysis::volume::Volume<i16>) -> MeasuredBone {
    let line = Calibration::linear("linear", DensityKind::Hydroxyapatite, 1.2 / COMPACT_HU, 0.0).unwrap();
    let rigidity = RigiditySettings { calibration: CalibrationChoice::Given(line), ..RigiditySettings::default() };
    let mut bones = analyze(volume, &Settings { rigidity: Some(rigidity), ..Settings::default() });
    assert_eq!(bones.len(), 1);
    bones.remove(0)
}

fn middle(bone: &MeasuredBone) -> SliceRigidity {
    let rows = &bone.rigidity.as_ref().unwrap().slices;
    rows[rows.len() / 2].expect("the middle is measured")
}

/// Modulus of compact bone by the default law: (1.2 + 0.09)/1.14/0.598 g/cm³ apparent.
fn compact_mpa() -> f64 {
    1000.0 * (21.91 * (1.2 + 0.09) / 1.14 / 0.598 - 23.50)
}

const FINE: Scan = Scan { pixel_mm: 0.5, slice_mm: 2.0, tilt_deg: 0.0, fwhm_mm: 1.1, noise_hu: 8.0 };
const COARSE: Scan = Scan { pixel_mm: 1.0, slice_mm: 3.0, tilt_deg: 0.0, fwhm_mm: 1.4, noise_hu: 8.0 };

fn ring(x: f64, y: f64) -> f64 {
    f64::from(u8::from((8.0..14.0).contains(&x.hypot(y))))
}

fn hole(x: f64, y: f64) -> bool {
    x.hypot(y) < 8.0
}

/// Per cent by which a value is off.
fn off(what: &str, got: f64, want: f64, most: f64) {
    let off = 100.0 * (got / want - 1.0);
    println!("{what:40} {got:12.5e} {want:12.5e} {off:+6.2} %");
    assert!(off.abs() <= most, "{what}: {off:+.2} %");
}

#[test]
fn closed_sections_upright() {
    let e = compact_mpa();
    for (name, how, bar) in [("0.5 mm", FINE, 1.0), ("1 mm", COARSE, 3.0)] {
        let section = middle(&measured(&scan(how, hole, |x, y, _| ring(x, y)))).actual;
        let inertia = PI / 4.0 * (14f64.powi(4) - 8f64.powi(4));
        off(&format!("ring {name} EA"), section.ea_n, e * PI * (196.0 - 64.0), bar);
        off(&format!("ring {name} EI max"), section.ei_max_nmm2, e * inertia, bar);
        off(&format!("ring {name} EI min"), section.ei_min_nmm2, e * inertia, bar);
        off(&format!("ring {name} GJ"), section.gj_nmm2, e * 2.0 * inertia / 2.6, 2.0f64.max(bar));
        let within = |x: f64, y: f64, a: f64, b: f64| (x / a).powi(2) + (y / b).powi(2) < 1.0;
        let ellipse = |x: f64, y: f64| f64::from(u8::from(within(x, y, 15.0, 12.0) && !within(x, y, 9.0, 7.0)));
        let bone = measured(&scan(how, |x, y| within(x, y, 9.0, 7.0), |x, y, _| ellipse(x, y)));
        let section = middle(&bone).actual;
        let along = PI / 4.0 * (15f64.powi(3) * 12.0 - 9f64.powi(3) * 7.0);
        let across = PI / 4.0 * (15.0 * 12f64.powi(3) - 9.0 * 7f64.powi(3));
        off(&format!("ellipse {name} EA"), section.ea_n, e * PI * (180.0 - 63.0), bar);
        off(&format!("ellipse {name} EI max"), section.ei_max_nmm2, e * along, bar);
        off(&format!("ellipse {name} EI min"), section.ei_min_nmm2, e * across, bar);
        off(&format!("ellipse {name} GJ"), section.gj_nmm2, e / 17_000.0 * 2.84953e8, 2.0f64.max(bar));
        let off_centre = |x: f64, y: f64| (x - 2.0).hypot(y) < 8.0;
        let eccentric = |x: f64, y: f64| f64::from(u8::from(x.hypot(y) < 14.0 && !off_centre(x, y)));
        let section = middle(&measured(&scan(how, off_centre, |x, y, _| eccentric(x, y)))).actual;
        off(&format!("eccentric {name} EA"), section.ea_n, e / 17_000.0 * 7.04837e6, bar);
        off(&format!("eccentric {name} EI max"), section.ei_max_nmm2, e / 17_000.0 * 4.58049e8, bar);
        off(&format!("eccentric {name} EI min"), section.ei_min_nmm2, e / 17_000.0 * 4.3776e8, bar);
        off(&format!("eccentric {name} GJ"), section.gj_nmm2, e / 17_000.0 * 3.36369e8, 2.0f64.max(bar));
    }
}

#[test]
fn tilt_changes_nothing() {
    let of = |tilt_deg: f64| middle(&measured(&scan(Scan { tilt_deg, ..COARSE }, hole, |x, y, _| ring(x, y)))).actual;
    let upright = of(0.0);
    for tilt in [10.0, 20.0, 30.0] {
        let tilted = of(tilt);
        off(&format!("tilt {tilt} EA"), tilted.ea_n, upright.ea_n, 2.0);
        off(&format!("tilt {tilt} EI max"), tilted.ei_max_nmm2, upright.ei_max_nmm2, 2.0);
        off(&format!("tilt {tilt} EI min"), tilted.ei_min_nmm2, upright.ei_min_nmm2, 2.0);
        off(&format!("tilt {tilt} GJ"), tilted.gj_nmm2, upright.gj_nmm2, 2.0);
    }
}

#[test]
fn a_slot_opens_the_ring() {
    let intact_gj = 3.52344e8;
    for (name, half_deg, ea, ei_min, gj) in
        [("slot 40", 20.0, 6.26516e6, 3.48353e8, 2.7248e7), ("slot 88", 44.0, 5.32538e6, 2.15277e8, 2.2889e7)]
    {
        for (pixels, how) in [("0.5 mm", FINE), ("1 mm", COARSE)] {
            // The slot runs over 36 mm of the bone.
            let slotted = |x: f64, y: f64, along: f64| {
                let gone = along.abs() < 18.0 && y.atan2(x).to_degrees().abs() < half_deg;
                if gone { 0.0 } else { ring(x, y) }
            };
            let section = middle(&measured(&scan(how, hole, slotted)));
            let scale = compact_mpa() / 17_000.0;
            let bar = if pixels == "1 mm" { 3.0 } else { 1.0 };
            off(&format!("{name} {pixels} EA"), section.actual.ea_n, scale * ea, bar);
            off(&format!("{name} {pixels} EI min"), section.actual.ei_min_nmm2, scale * ei_min, bar);
            off(&format!("{name} {pixels} GJ"), section.actual.gj_nmm2, scale * gj, 5.0);
            assert!(section.is_open && section.actual.gj_polar_nmm2 > 3.0 * section.actual.gj_nmm2);
            let truth = [1.0 - ea / 7.0483e6, 1.0 - ei_min / 4.58047e8, 1.0 - gj / intact_gj].map(|v| 100.0 * v);
            for (n, truth) in truth.into_iter().enumerate() {
                let found = section.reductions_percent[n];
                println!(
                    "{name} {pixels}: reduction {n} {:.2} ({:.2} to {:.2}), true {truth:.2}",
                    found.value, found.low, found.high
                );
                assert!((found.value - truth).abs() < 3.0, "{name} {pixels}: reduction {n} {found:?}, true {truth}");
                assert!(
                    found.low <= truth && truth <= found.high,
                    "{name} {pixels}: reduction {n} {found:?}, true {truth}"
                );
            }
        }
    }
}
