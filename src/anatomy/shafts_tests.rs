use super::*;
use crate::volume::Grid;
use nalgebra::{Matrix3, Point3, Vector3};

/// Tubes of 1200 HU in muscle: each has a centre in mm for every z in mm, an outer and an inner radius, and may be open
/// (towards +x) over a range of z.
struct Tube {
    centre: fn(f64) -> [f64; 2],
    outer: f64,
    inner: f64,
    open: std::ops::Range<f64>,
}

fn volume_of(tubes: &[Tube]) -> Volume<i16> {
    let (size, spacing) = ([160usize, 120, 60], [1.0, 1.0, 3.0]);
    let mut voxels = vec![40i16; size.iter().product()];
    for k in 0..size[2] {
        for j in 0..size[1] {
            for i in 0..size[0] {
                let z = k as f64 * spacing[2];
                for tube in tubes {
                    let c = (tube.centre)(z);
                    let (dx, dy) = (i as f64 - c[0], j as f64 - c[1]);
                    let r = dx.hypot(dy);
                    let gone = tube.open.contains(&z) && dx > -0.3 * tube.outer;
                    if r < tube.outer && !gone {
                        voxels[(k * size[1] + j) * size[0] + i] = if r >= tube.inner { 1200 } else { -60 };
                    }
                }
            }
        }
    }
    let grid = Grid {
        size,
        origin_mm: Point3::new(-80.0, -60.0, -300.0),
        directions: Matrix3::identity(),
        spacing_mm: Vector3::from(spacing),
    };
    Volume { grid, voxels: voxels.into() }
}

const NOWHERE: std::ops::Range<f64> = 0.0..0.0;

#[test]
fn an_oblique_shaft_is_followed_and_its_axis_found() {
    let tube = Tube { centre: |z| [40.0 + 0.45 * z, 60.0], outer: 14.0, inner: 8.0, open: NOWHERE };
    let volume = volume_of(&[tube]);
    let found = find_shafts(&volume);
    assert_eq!(found.len(), 1);
    assert!(found[0].rings.len() >= 55, "{}", found[0].rings.len());
    let axis = found[0].axis(&volume);
    assert!((axis[30][0] - (40.0 + 0.45 * 90.0)).abs() < 0.3, "{:?}", axis[30]);
}

#[test]
fn a_shaft_opened_in_its_middle_stays_one() {
    let tube = Tube { centre: |_| [80.0, 60.0], outer: 14.0, inner: 8.0, open: 60.0..120.0 };
    let volume = volume_of(&[tube]);
    let found = find_shafts(&volume);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].span(), (0, 59));
    let axis = found[0].axis(&volume);
    assert!((axis[30][0] - 80.0).abs() < 0.3, "the axis must not run away from the hole: {:?}", axis[30]);
}

#[test]
fn neighbours_are_told_apart() {
    let tibia = Tube { centre: |_| [60.0, 60.0], outer: 14.0, inner: 9.0, open: NOWHERE };
    let fibula = Tube { centre: |z| [95.0 + 0.05 * z, 70.0], outer: 7.0, inner: 3.0, open: NOWHERE };
    let found = find_shafts(&volume_of(&[tibia, fibula]));
    assert_eq!(found.len(), 2);
    assert!(found[0].rings[0].filled_area_mm2 > found[1].rings[0].filled_area_mm2);
}

#[test]
fn a_bone_that_the_border_cuts_everywhere_is_found_as_such() {
    let tube = Tube { centre: |_| [4.0, 60.0], outer: 14.0, inner: 8.0, open: NOWHERE };
    let found = find_shafts(&volume_of(&[tube]));
    assert_eq!(found.len(), 1);
    assert!(found[0].cut_everywhere);
}

#[test]
fn a_short_stump_and_a_plate_are_no_shafts() {
    let plate = volume_of(&[]);
    let mut voxels = plate.voxels.clone();
    for k in 0..60 {
        for i in 20..140 {
            for j in 58..62 {
                voxels[(k * 120 + j) * 160 + i] = 1200;
            }
        }
    }
    assert!(find_shafts(&Volume { grid: plate.grid, voxels }).is_empty());
}

/// A thin stack interpolated from a thick one: the ring of a short stump at the first slice is closed only near the slices there were.
#[test]
fn a_stump_whose_ring_is_open_between_slices_is_one() {
    let ring = |k: usize| Section {
        k,
        centroid_mm: [60.0 + 0.1 * k as f64, 60.0],
        area_mm2: 400.0,
        filled_area_mm2: 1000.0,
        solidity: 0.95,
        axes_mm: [38.0, 34.0],
        extent_mm: [18.0; crate::volume::EXTENT_DIRECTIONS],
        wall_hu: 950.0,
        hole_hu: 100.0,
        cut: false,
        detached: false,
    };
    let all: Vec<Vec<Section>> = (0..60).map(|k| if k % 6 < 3 { vec![ring(k)] } else { Vec::new() }).collect();
    let thin = |dz: f64| {
        let mut volume = volume_of(&[]);
        volume.grid.spacing_mm.z = dz;
        stubs_of(&volume, &all, &[])
    };
    assert_eq!(thin(0.5).iter().map(Shaft::span).collect::<Vec<_>>(), [(0, 56)]);
    // Thick slices without a ring are no matter of interpolation.
    assert_eq!(thin(3.0).iter().map(Shaft::span).collect::<Vec<_>>(), [(0, 2)]);
}

/// Names and sides come from the patient frame: how the patient lies in the scanner turns the voxels, not them.
#[test]
fn two_legs_have_their_sides_however_the_patient_lies() {
    // Column and slice direction of a supine patient head first, prone, feet first, and both.
    for (x, z) in [(1.0, 1.0), (-1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)] {
        let legs = [30.0, 130.0].map(|x| (x, 14.5));
        let tubes: Vec<Tube> = legs
            .iter()
            .map(|(at, outer)| Tube {
                centre: if *at < 80.0 { |_| [30.0, 60.0] } else { |_| [130.0, 60.0] },
                outer: *outer,
                inner: 8.0,
                open: NOWHERE,
            })
            .collect();
        let mut volume = volume_of(&tubes);
        volume.grid.directions = Matrix3::from_diagonal(&Vector3::new(x, x * z, z));
        volume.grid.origin_mm = Point3::new(-80.0 * x, -60.0, -300.0 * z);
        let bones = super::super::name_bones(&volume, find_shafts(&volume));
        assert_eq!(bones.len(), 2);
        for bone in bones {
            let left = (bone.shaft.rings[0].centroid_mm[0] - 80.0) * x > 0.0;
            let side = if left { super::super::Side::Left } else { super::super::Side::Right };
            assert_eq!((bone.name, bone.side), (super::super::BoneName::Femur, side), "{x} {z}");
        }
    }
}

/// A forearm is no leg: two shafts of one thickness, neither named for want of what tells them apart.
#[test]
fn a_forearm_is_not_guessed() {
    let radius = Tube { centre: |_| [60.0, 60.0], outer: 7.5, inner: 3.5, open: NOWHERE };
    let ulna = Tube { centre: |_| [85.0, 62.0], outer: 7.0, inner: 3.0, open: NOWHERE };
    let volume = volume_of(&[radius, ulna]);
    let bones = super::super::name_bones(&volume, find_shafts(&volume));
    assert_eq!(bones.len(), 2);
    assert!(bones.iter().all(|bone| bone.name == super::super::BoneName::Unknown && bone.confidence <= 0.5));
}
