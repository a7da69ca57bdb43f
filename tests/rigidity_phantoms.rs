//! Rigidities of prisms whose section is known, from their CT: analytic rings, slots against the package sectionproperties,
//! reductions against the closed ring.

mod support;

use corticalysis::rigidity::{Calibration, CalibrationChoice, RigiditySettings};
use support::prism_cases::{Row, closed, ring_with, slotted, tilted, tilted_slot};

fn check(rows: &[Row]) {
    for row in rows {
        let off = row.off_percent();
        println!("{:40} {:7} {:12.5e} {:12.5e} {off:+6.2} %", row.section, row.quantity, row.found, row.truth);
        assert!(off.abs() <= row.bar, "{row:?}: {off:+.2} %");
    }
}

#[test]
fn closed_sections() {
    check(&closed());
}

#[test]
fn tilt_changes_nothing() {
    check(&tilted());
}

#[test]
fn a_slot_in_a_leaning_bone_ends_where_it_ends() {
    // The share of a closed ring's area that 88° of it have.
    let truth = 100.0 * 88.0 / 360.0;
    for tilt_deg in [15.0, 30.0] {
        let sections = tilted_slot(tilt_deg);
        let inside = sections.iter().filter(|(along, _)| along.abs() < 18.0).count();
        assert!(inside > 8 && sections.len() - inside > 8, "{tilt_deg}: {sections:?}");
        for (along, reduction) in &sections {
            // At its very ends a slice holds both.
            let truth = if along.abs() < 18.0 { truth } else { 0.0 };
            if (along.abs() - 18.0).abs() > 3.0 {
                assert!(
                    (reduction - truth).abs() < 3.0,
                    "{tilt_deg}°, {along:.1} mm: {reduction:.1} % of {truth:.1} %"
                );
            }
        }
    }
}

#[test]
fn a_slot_opens_the_ring() {
    let (rows, reductions) = slotted();
    check(&rows);
    for r in reductions {
        assert!((r.found.value - r.truth).abs() < 3.0, "{r:?}");
        assert!(r.found.low <= r.truth && r.truth <= r.found.high, "{r:?}");
    }
}

#[test]
fn a_direct_density_reconstruction_is_measured_only_with_a_calibration_that_is_given() {
    let direct = RigiditySettings { direct_density: true, ..RigiditySettings::default() };
    let refused = ring_with(direct.clone());
    assert!(refused.rigidity.is_none() && refused.lysis.is_some());
    assert!(
        refused.warnings.iter().any(|warning| warning.english().contains("direct density")),
        "{:?}",
        refused.warnings
    );
    let given = RigiditySettings { calibration: CalibrationChoice::Given(Calibration::fallback()), ..direct };
    assert!(ring_with(given).rigidity.is_some());
}

#[test]
fn an_image_without_air_says_that_it_took_it_as_read() {
    // A prism in soft tissue that fills the image.
    let calibration = ring_with(RigiditySettings::default()).rigidity.expect("rigidity").calibration;
    assert_eq!(calibration.method, "internal");
    assert!(calibration.warnings.iter().any(|warning| warning.contains("No air")), "{:?}", calibration.warnings);
}
