use super::*;
use nalgebra::Matrix3;
use proptest::prelude::*;

/// Slices 3 mm apart, the first at z 0; voxels of 1 × 1 mm with centres at whole millimetres.
fn grid(slices: usize) -> Grid {
    Grid {
        size: [40, 30, slices],
        origin_mm: Point3::origin(),
        directions: Matrix3::identity(),
        spacing_mm: Vector3::new(1.0, 1.0, 3.0),
    }
}

fn contour(corners: &[[f64; 2]], z: f64) -> Contour {
    Contour { points_mm: corners.iter().map(|c| [c[0], c[1], z]).collect(), image_uid: String::new() }
}

fn square(low: f64, high: f64, z: f64) -> Contour {
    contour(&[[low, low], [high, low], [high, high], [low, high]], z)
}

fn roi(contours: Vec<Contour>) -> Roi {
    Roi { name: "GTV".into(), contours, ..Roi::default() }
}

fn drawn(contours: Vec<Contour>, slices: usize) -> Drawn {
    draw(&roi(contours), &grid(slices), &BTreeSet::new()).expect("a region")
}

/// Voxels of each slice.
fn counts(region: &Region) -> Vec<usize> {
    (0..region.size()[2]).map(|k| region.runs(k).iter().map(|r| r.last - r.first + 1).sum()).collect()
}

#[test]
fn a_square_holds_the_voxels_whose_centres_lie_in_it() {
    let region = drawn(vec![square(4.5, 9.5, 3.0)], 3).region;
    assert_eq!(counts(&region), [0, 25, 0]);
    assert!(region.contains([5, 9, 1]) && !region.contains([4, 5, 1]) && !region.contains([5, 10, 1]));
}

#[test]
fn an_inner_contour_is_a_hole_and_another_beside_it_a_second_piece() {
    let region = drawn(vec![square(0.5, 10.5, 0.0), square(3.5, 6.5, 0.0), square(20.5, 22.5, 0.0)], 1).region;
    assert_eq!(counts(&region), [100 - 9 + 4]);
    assert!(!region.contains([5, 5, 0]) && region.contains([2, 5, 0]) && region.contains([21, 21, 0]));
}

#[test]
fn a_keyhole_is_a_hole_whatever_way_its_seam_runs() {
    let outer = [[0.5, 0.5], [10.5, 0.5], [10.5, 10.5], [0.5, 10.5]];
    let inner = [[3.5, 3.5], [3.5, 6.5], [6.5, 6.5], [6.5, 3.5]];
    // In along a seam from a corner of the outer to one of the inner, around, and out again.
    for (from, to) in [(0, 0), (1, 3), (2, 2), (3, 1)] {
        let around = |ring: &[[f64; 2]; 4], first: usize| (0..=4).map(|n| ring[(first + n) % 4]).collect::<Vec<_>>();
        let corners = [around(&outer, from), around(&inner, to)].concat();
        let region = drawn(vec![contour(&corners, 0.0)], 1).region;
        assert_eq!(counts(&region), [91], "seam from corner {from}");
        assert!(!region.contains([5, 5, 0]));
    }
    // A seam along a row of voxels' centres.
    let corners = [
        [0.5, 5.0],
        [0.5, 0.5],
        [10.5, 0.5],
        [10.5, 10.5],
        [0.5, 10.5],
        [0.5, 5.0],
        [3.5, 5.0],
        [3.5, 6.5],
        [6.5, 6.5],
        [6.5, 3.5],
        [3.5, 3.5],
        [3.5, 5.0],
    ];
    assert_eq!(counts(&drawn(vec![contour(&corners, 0.0)], 1).region), [91]);
}

#[test]
fn a_contour_that_stands_twice_counts_once() {
    let found = drawn(vec![square(0.5, 4.5, 0.0), square(0.5, 4.5, 0.0)], 1);
    assert_eq!(counts(&found.region), [16]);
    assert!(found.notes[0].contains("stand twice"), "{:?}", found.notes);
}

#[test]
fn contours_on_every_second_slice_leave_no_gap_and_keep_the_volume() {
    let every_second = (1..5).map(|n| square(0.5, 4.5, 6.0 * f64::from(n))).collect();
    let found = drawn(every_second, 12);
    assert_eq!(counts(&found.region), [0, 16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0]);
    assert!(found.notes[0].contains("every 6.0 mm"), "{:?}", found.notes);
}

#[test]
fn contours_between_slices_go_to_the_nearest() {
    let shifted = (1..5).map(|n| square(0.5, 4.5, 3.0 * f64::from(n) + 1.0)).collect();
    assert_eq!(counts(&drawn(shifted, 7).region), [0, 16, 16, 16, 16, 0, 0]);
    // Drawn on slices of 1 mm: one of the three that are nearest stands for a slice.
    let thin = (0..10).map(|n| square(0.5, 4.5 + f64::from(n), f64::from(n))).collect();
    let found = drawn(thin, 5);
    assert_eq!(counts(&found.region), [16, 49, 100, 169, 0]);
}

#[test]
fn what_is_drawn_in_two_parts_stays_two() {
    let parts = [0, 1, 2, 9, 10].map(|n| square(0.5, 4.5, 3.0 * f64::from(n)));
    assert_eq!(counts(&drawn(parts.to_vec(), 12).region), [16, 16, 16, 0, 0, 0, 0, 0, 0, 16, 16, 0]);
    let far = [0, 9].map(|n| square(0.5, 4.5, 3.0 * f64::from(n)));
    assert_eq!(counts(&drawn(far.to_vec(), 12).region), [16, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0]);
}

#[test]
fn contours_beyond_the_ct_are_cut_off_and_said() {
    let found = drawn([-2, -1, 0, 1].map(|n| square(-3.5, 4.5, 3.0 * f64::from(n))).to_vec(), 4);
    assert_eq!(counts(&found.region), [25, 25, 0, 0]);
    assert!(found.notes[0].contains("beyond"), "{:?}", found.notes);
}

#[test]
fn contours_across_the_slices_and_regions_without_any_are_refused() {
    let mut across = square(0.5, 8.5, 3.0);
    across.points_mm[2][2] = 9.0;
    let error = draw(&roi(vec![across]), &grid(4), &BTreeSet::new()).unwrap_err();
    assert!(error.contains("do not lie in the slices"), "{error}");
    let line = contour(&[[1.0, 1.0], [4.0, 1.0]], 0.0);
    assert!(draw(&roi(vec![line]), &grid(4), &BTreeSet::new()).unwrap_err().contains("no closed contour"));
}

#[test]
fn images_that_are_not_there_are_said() {
    let mut one = square(0.5, 4.5, 0.0);
    one.image_uid = "2.25.404".into();
    let found = draw(&roi(vec![one]), &grid(1), &BTreeSet::from(["2.25.1"])).expect("placed by its coordinates");
    assert!(found.notes[0].contains("1 of 1 contours name images"), "{:?}", found.notes);
}

#[test]
fn coordinates_that_are_none_are_refused() {
    assert_eq!(points(r"1\2\3\ 4.5\5e1\-6 ").unwrap(), [[1.0, 2.0, 3.0], [4.5, 50.0, -6.0]]);
    assert_eq!(points("").unwrap().len(), 0);
    for bad in [r"1\2", r"1\2\x", r"1\2\nan", r"1\2\inf", r"1\2\1e300"] {
        assert!(points(bad).is_err(), "{bad}");
    }
}

proptest! {
    /// Against the winding of each voxel's centre, asked one by one.
    #[test]
    fn even_odd_of_any_polygons(
        polygons in prop::collection::vec(prop::collection::vec(prop::array::uniform2(-4.0f64..34.0), 3..9), 1..4),
    ) {
        let found = drawn(polygons.iter().map(|corners| contour(corners, 0.0)).collect(), 1).region;
        for (j, i) in (0..30).flat_map(|j| (0..40).map(move |i| (j, i))) {
            let (x, y) = (i as f64, j as f64);
            let crossings = polygons.iter().flat_map(|p| (0..p.len()).map(move |n| (p[n], p[(n + 1) % p.len()])));
            let right = crossings.filter(|(a, b)| {
                (a[1] > y) != (b[1] > y) && x < a[0] + (y - a[1]) * (b[0] - a[0]) / (b[1] - a[1])
            });
            prop_assert_eq!(found.contains([i, j, 0]), right.count() % 2 == 1, "voxel {} {}", i, j);
        }
    }
}
