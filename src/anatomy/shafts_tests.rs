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
