//! Rigidities of prisms whose section is known, from their CT: analytic rings, slots against the package sectionproperties,
//! reductions against the closed ring.

mod support;

use support::prism_cases::{Row, closed, slotted, tilted};

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
fn a_slot_opens_the_ring() {
    let (rows, reductions) = slotted();
    check(&rows);
    for r in reductions {
        assert!((r.found.value - r.truth).abs() < 3.0, "{r:?}");
        assert!(r.found.low <= r.truth && r.truth <= r.found.high, "{r:?}");
    }
}
