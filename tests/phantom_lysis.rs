//! End to end on phantoms: how far the percentages lie from the truth, and whether their intervals cover it.

mod support;

use corticalysis::analysis::{Settings, analyze};
use corticalysis::lysis::ReferenceKind;
use corticalysis::phantom::{PhantomSpec, presets};
use corticalysis::volume::Volume;
use nalgebra::Vector3;
use support::phantom_comparison::{Comparison, compare, is_lysed, print_row};

/// Largest mean absolute errors, in points, and smallest share of the slices that must be measured.
struct Bounds {
    axial: f64,
    circumferential: f64,
    measured: f64,
}

const BOUNDS: Bounds = Bounds { axial: 1.5, circumferential: 2.0, measured: 0.8 };

/// Asserts the bounds: over all measured slices, and twice as much over the lysed ones alone, which healthy slices
/// cannot dilute.
fn check(name: &str, c: &Comparison, bounds: &Bounds) {
    let share = c.pairs.len() as f64 / c.slices as f64;
    assert!(share >= bounds.measured, "{name}: only {} of {} slices measured", c.pairs.len(), c.slices);
    let ([axial, circ, ..], [lysed_axial, lysed_circ, ..]) = (c.errors(|_| true), c.errors(is_lysed));
    assert!(axial <= bounds.axial, "{name}: axial error {axial:.2} points");
    assert!(circ <= bounds.circumferential, "{name}: circumferential error {circ:.2} points");
    assert!(lysed_axial <= 2.0 * bounds.axial, "{name}: axial error {lysed_axial:.2} points in the lesion");
    assert!(lysed_circ <= 2.0 * bounds.circumferential, "{name}: circumferential {lysed_circ:.2} in the lesion");
}

/// One bone, one lesion.
fn check_single(name: &str, spec: &PhantomSpec) {
    let found = compare(name, spec);
    check(name, &found[0], &BOUNDS);
    assert_eq!(found[0].lesions, 1, "{name}: lesions");
}

#[test]
fn a_healthy_bone_has_no_lesion() {
    for (name, spec) in [("healthy", presets::healthy_femur()), ("osteoporotic", presets::osteoporotic_femur())] {
        let found = compare(name, &spec);
        assert_eq!(found[0].lesions, 0, "{name}: lesions");
        check(name, &found[0], &BOUNDS);
    }
}

#[test]
fn two_healthy_legs_that_differ_have_no_lesion() {
    for found in compare("two healthy legs", &presets::legs(Vec::new(), Vec::new())) {
        assert_eq!(found.lesions, 0);
        check("two healthy legs", &found, &BOUNDS);
    }
}

#[test]
fn a_window_is_measured() {
    check_single("window", &presets::window_lesion());
}

#[test]
fn an_eccentric_ball_is_measured() {
    check_single("eccentric ball", &presets::eccentric_ball());
}

#[test]
fn an_endosteal_scallop_is_measured_and_not_called_through_the_wall() {
    let found = compare("endosteal scallop", &presets::endosteal_scallop());
    check("endosteal scallop", &found[0], &BOUNDS);
    let through = found[0].pairs.iter().map(|(f, _)| f.circumferential_by_depth[2]).fold(0.0, f64::max);
    assert!(through <= 2.0, "{through:.1} % of the contour called gone at depth 0.99");
}

#[test]
fn the_other_leg_serves_although_it_is_no_mirror_image() {
    let found = compare("two legs", &presets::two_legs());
    found.iter().for_each(|bone| check("two legs", bone, &BOUNDS));
    assert_eq!(found[0].reference, Some(ReferenceKind::Contralateral));
    assert_eq!((found[0].lesions, found[1].lesions), (1, 0), "lesions of the ill leg, of the other");
}

#[test]
fn two_ill_legs_do_not_hide_each_other() {
    let found = compare("two legs, same level", &presets::two_legs_same_level());
    found.iter().for_each(|bone| check("two legs, same level", bone, &BOUNDS));
    assert_eq!((found[0].lesions, found[1].lesions), (1, 1));
}

#[test]
fn a_lesion_as_long_as_half_of_what_is_seen_is_measured() {
    check_single("half-length lesion", &presets::half_length_lesion());
}

#[test]
fn an_oblique_bone_is_measured_or_refused_but_not_misread() {
    let found = compare("tilted 35°", &presets::tilted(35.0));
    // Too oblique is an answer; a wrong number is none.
    check("tilted 35°", &found[0], &Bounds { measured: 0.0, ..BOUNDS });
    let found = compare("tilted 15°", &presets::tilted(15.0));
    check("tilted 15°", &found[0], &BOUNDS);
}

#[test]
fn low_tube_voltage_changes_nothing() {
    check_single("low kVp", &presets::low_kvp());
}

#[test]
fn a_coarse_soft_noisy_planning_ct_is_measured() {
    check_single("planning CT", &presets::planning_ct());
}

/// Noise alone exceeds a hundredth of a wall: a bare threshold of 0.99 on the measured loss does not see a hole.
#[test]
fn a_hole_through_the_wall_reads_as_one() {
    for (name, spec) in [("window", presets::window_lesion()), ("half-length lesion", presets::half_length_lesion())] {
        let error = compare(name, &spec)[0].errors(is_lysed)[4];
        assert!(error <= 4.0, "{name}: circumferential at depth 0.99 is off by {error:.1} points");
    }
}

/// The intervals, pooled over every preset and a few seeds. Printed; a bound comes when there are figures.
#[test]
#[ignore = "slow, and prints only"]
fn intervals_cover_the_truth() {
    let mut pairs = Vec::new();
    for seed in 1..=3 {
        for preset in presets::PRESETS {
            for bone in compare(preset.name, &PhantomSpec { seed, ..(preset.spec)() }) {
                pairs.extend(bone.pairs);
            }
        }
    }
    let pooled = Comparison { slices: pairs.len(), pairs, lesions: 0, reference: None };
    print_row("all phantoms", &pooled);
}

/// The same voxels stored from the other side, or with rows and columns exchanged.
fn stored_otherwise(volume: &Volume<i16>, flip: [bool; 2], transpose: bool) -> Volume<i16> {
    let [nx, ny, nz] = volume.grid.size;
    let size = if transpose { [ny, nx, nz] } else { [nx, ny, nz] };
    let source = |i: usize, j: usize| {
        let (a, b) = if transpose { (j, i) } else { (i, j) };
        [if flip[0] { nx - 1 - a } else { a }, if flip[1] { ny - 1 - b } else { b }]
    };
    let mut voxels = Vec::with_capacity(volume.voxels.len());
    for k in 0..nz {
        for j in 0..size[1] {
            for i in 0..size[0] {
                let [a, b] = source(i, j);
                voxels.push(volume.voxels[(k * ny + b) * nx + a]);
            }
        }
    }
    let mut grid = volume.grid.clone();
    let [a, b] = source(0, 0);
    grid.origin_mm = volume.grid.to_patient(Vector3::new(a as f64, b as f64, 0.0));
    for axis in (0..2).filter(|axis| flip[*axis]) {
        grid.directions.column_mut(axis).neg_mut();
    }
    if transpose {
        grid.directions.swap_columns(0, 1);
        grid.spacing_mm.swap_rows(0, 1);
        grid.size = size;
    }
    Volume { grid, voxels: voxels.into() }
}

#[test]
fn the_way_the_image_is_stored_does_not_matter() {
    let volume = presets::tilted(35.0).build().volume;
    let percentages = |volume: &Volume<i16>| -> Vec<(f64, f64, f64)> {
        let bones = analyze(volume, &Settings::default());
        let lysis = bones[0].lysis.as_ref().expect("measured");
        lysis
            .slices
            .iter()
            .flatten()
            .map(|s| (s.axial_percent.value, s.circumferential_percent.value, s.mean_thickness_mm))
            .collect()
    };
    let plain = percentages(&volume);
    for flip in [[false, false], [true, false], [false, true], [true, true]] {
        for transpose in [false, true] {
            let other = percentages(&stored_otherwise(&volume, flip, transpose));
            assert_eq!(plain.len(), other.len());
            for (a, b) in plain.iter().zip(&other) {
                let off = (a.0 - b.0).abs().max((a.1 - b.1).abs()).max((a.2 - b.2).abs());
                assert!(off < 0.05, "{flip:?} {transpose}: {a:?} {b:?}");
            }
        }
    }
}
