//! Edge, seeds and what lies beyond a joint, on small volumes whose surfaces are known.

use super::beyond::beyond_joint;
use super::divide::divide;
use super::edge::to_half_height;
use super::pools::with_pools;
use super::seeds::{NEIGHBOUR, OWN, seeds};
use super::solid::fill_bone;
use super::window::Window;
use super::{find_shafts, name_bones};
use crate::volume::{DIRECTIONS, Grid, Volume};
use nalgebra::{Matrix3, Point3, Vector3};

/// Columns, rows and slices of 1 × 1 × 2 mm, the steps of a window.
const SIZE: [usize; 3] = [64, 48, 28];
const SPACING_MM: [f64; 3] = [1.0, 1.0, 2.0];
const MUSCLE_HU: f64 = 50.0;
const WALL_HU: f64 = 800.0;

pub(super) fn window_of(size: [usize; 3], hu: impl Fn(Vector3<f64>) -> f64) -> (Volume<i16>, Window) {
    let place = |n: usize| [n % size[0], n / size[0] % size[1], n / (size[0] * size[1])];
    let mm = |n: usize| Vector3::from_fn(|a, _| place(n)[a] as f64 * SPACING_MM[a]);
    let voxels: Vec<i16> = (0..size.iter().product()).map(|n| hu(mm(n)).round() as i16).collect();
    let grid = Grid {
        size,
        origin_mm: Point3::origin(),
        directions: Matrix3::identity(),
        spacing_mm: Vector3::from(SPACING_MM),
    };
    let volume = Volume { grid, voxels: voxels.into() };
    let window = Window::of(&volume, [0; 3], size.map(|n| n - 1));
    assert_eq!(window.size, size);
    (volume, window)
}

fn set(window: &Window, inside: impl Fn(Vector3<f64>) -> bool) -> Vec<bool> {
    (0..window.hu.len()).map(|n| inside(window.mm(n))).collect()
}

/// HU at a distance (mm) outside the surface of bone that a scanner blurs by 0.8 mm: a logistic that falls like it.
fn blurred(outside_mm: f64) -> f64 {
    MUSCLE_HU + (WALL_HU - MUSCLE_HU) / (1.0 + (1.702 * outside_mm / 0.8).exp())
}

/// A ball of bone: centre and radius, mm.
struct Ball(Vector3<f64>, f64);

impl Ball {
    fn outside_mm(&self, place: Vector3<f64>) -> f64 {
        (place - self.0).norm() - self.1
    }
}

/// Signed mean distance of the found surface from the ball's, mm: that of the ball of the same volume.
fn off_mm(inside: &[bool], ball: &Ball) -> f64 {
    let voxels = inside.iter().filter(|v| **v).count() as f64;
    (voxels * SPACING_MM.iter().product::<f64>() * 0.75 / std::f64::consts::PI).cbrt() - ball.1
}

/// The furthest that the found surface lies from the ball's, mm, of places half way between voxels in and out.
fn worst_mm(window: &Window, inside: &[bool], ball: &Ball) -> f64 {
    let pairs = (0..inside.len()).filter(|n| inside[*n]).flat_map(|n| {
        let others = (0..DIRECTIONS).filter_map(move |d| window.neighbour(n, d));
        others.filter(|o| !inside[*o]).map(move |o| 0.5 * (window.mm(n) + window.mm(o)))
    });
    pairs.map(|place| ball.outside_mm(place).abs()).fold(0.0, f64::max)
}

#[test]
fn the_surface_moves_to_half_height_from_either_side() {
    let ball = Ball(Vector3::new(31.3, 23.6, 27.1), 14.2);
    let (_, window) = window_of(SIZE, |place| blurred(ball.outside_mm(place)));
    let sharp = window.sharpened(3.5, 1.2);
    let nobody = vec![false; window.hu.len()];
    for wrong_mm in [-0.9, -0.4, 0.0, 0.7, 0.9] {
        let start = set(&window, |place| ball.outside_mm(place) <= wrong_mm);
        let found = to_half_height(&window, &sharp, &start, &nobody);
        let off = off_mm(&found, &ball);
        assert!(off.abs() <= 0.15, "from {wrong_mm} mm: {off:.2} mm off");
        let worst = worst_mm(&window, &found, &ball);
        assert!(worst <= 1.2, "from {wrong_mm} mm: {worst:.2} mm off somewhere");
    }
}

#[test]
fn the_space_between_two_balls_is_neither_ones() {
    let own = Ball(Vector3::new(20.3, 23.6, 27.1), 12.0);
    for space_mm in [2.0, 3.0] {
        let other = Ball(own.0 + Vector3::new(24.0 + space_mm, 0.0, 0.0), 12.0);
        let hu = |place| blurred(own.outside_mm(place)) + blurred(other.outside_mm(place)) - MUSCLE_HU;
        let (_, window) = window_of(SIZE, hu);
        let sharp = window.sharpened(3.5, 1.2);
        let others = set(&window, |place| other.outside_mm(place) <= 0.0);
        // What a cut may leave: a part of the space taken in.
        let start = set(&window, |place| own.outside_mm(place) <= 0.9 && other.outside_mm(place) > 0.0);
        let found = to_half_height(&window, &sharp, &start, &others);
        assert!(found.iter().zip(&others).all(|(found, other)| !(*found && *other)));
        let off = off_mm(&found, &own);
        assert!(off.abs() <= 0.2, "{space_mm} mm apart: {off:.2} mm off");
        let worst = worst_mm(&window, &found, &own);
        assert!(worst <= 1.5, "{space_mm} mm apart: {worst:.2} mm off somewhere");
    }
}

#[test]
fn what_shows_no_wall_stays_as_it_was_cut() {
    let ball = Ball(Vector3::new(31.3, 23.6, 27.1), 14.2);
    let (_, window) = window_of(SIZE, |place| if ball.outside_mm(place) < 0.0 { 150.0 } else { MUSCLE_HU });
    let sharp = window.sharpened(3.5, 1.2);
    let start = set(&window, |place| ball.outside_mm(place) <= -2.0);
    assert_eq!(to_half_height(&window, &sharp, &start, &vec![false; start.len()]), start);
}

/// Spongy bone over a hollow that is open downwards, beside a wall three times as dense: half of the wall's density says nothing of where the
/// hollow's roof is.
#[test]
fn spongy_bone_over_a_hollow_stays_though_a_wall_beside_it_is_dense() {
    let bone = |place: Vector3<f64>| {
        let block = (10.0..50.0).contains(&place.x) && (8.0..40.0).contains(&place.y);
        block && !(place.z < 20.0 && (24.0..34.0).contains(&place.x) && (16.0..32.0).contains(&place.y))
    };
    let hu = |place: Vector3<f64>| match () {
        () if !bone(place) => MUSCLE_HU,
        () if (20.0..24.0).contains(&place.x) => 1000.0,
        () => 280.0,
    };
    let (_, window) = window_of(SIZE, hu);
    let sharp = window.sharpened(3.5, 1.2);
    let start = set(&window, bone);
    let found = to_half_height(&window, &sharp, &start, &vec![false; start.len()]);
    let roof = |n: &usize| {
        let place = window.mm(*n);
        (20.0..22.0).contains(&place.z) && (24.0..34.0).contains(&place.x) && (16.0..32.0).contains(&place.y)
    };
    let lost = (0..found.len()).filter(roof).filter(|n| !found[*n]).count();
    assert_eq!(lost, 0, "voxels of the roof lost");
}

/// A tube as wide as a tibia along the slices at (22, 24), one like a fibula at (50, 24) whose rings end at 60 mm; what of it goes on
/// above is of `head_mm` radius and too soft for a ring. HU, and the solids.
fn tibia_and_fibula(head_mm: f64) -> (Volume<i16>, Window, Vec<bool>) {
    let size = [80, 48, 50];
    let radius = |place: Vector3<f64>, x: f64| (place.x - x).hypot(place.y - 24.0);
    let hu = |place: Vector3<f64>| {
        let (tibia, fibula) = (radius(place, 22.0), radius(place, 50.0));
        match () {
            () if tibia <= 13.0 => {
                if tibia >= 8.0 {
                    1200.0
                } else {
                    -50.0
                }
            }
            () if fibula <= 9.0 && place.z <= 60.0 => {
                if fibula >= 5.0 {
                    1200.0
                } else {
                    -50.0
                }
            }
            () if fibula <= head_mm => 230.0,
            () => MUSCLE_HU,
        }
    };
    let (volume, window) = window_of(size, hu);
    let solid = set(&window, |place| {
        let fibula = if place.z <= 60.0 { 9.0 } else { head_mm };
        radius(place, 22.0) <= 13.0 || radius(place, 50.0) <= fibula
    });
    (volume, window, solid)
}

fn seeds_of_the_tibia(head_mm: f64) -> (Window, Vec<u8>) {
    let (volume, window, solid) = tibia_and_fibula(head_mm);
    let bones = name_bones(&volume, find_shafts(&volume));
    assert_eq!(bones.len(), 2);
    let which = (0..2).max_by(|a, b| bones[*a].diameter_mm.total_cmp(&bones[*b].diameter_mm)).expect("two");
    let found = seeds(&window, &volume, &bones, which, &solid);
    (window, found)
}

fn seed_at(window: &Window, seeds: &[u8], mm: [f64; 3]) -> u8 {
    let at = std::array::from_fn(|a| mm[a] / window.spacing_mm[a]);
    seeds[window.voxel(at).expect("within the window")]
}

#[test]
fn rings_are_seeds_and_a_companion_is_followed_while_it_stands_alone() {
    let (window, seeds) = seeds_of_the_tibia(10.0);
    assert_eq!(seed_at(&window, &seeds, [22.0, 24.0, 40.0]), OWN);
    let fibula = seed_at(&window, &seeds, [50.0, 24.0, 40.0]);
    assert!(fibula != OWN && fibula != 0 && fibula != NEIGHBOUR, "{fibula}");
    // Beyond its rings, as far as it is followed; nothing is marked between the two.
    assert_eq!(seed_at(&window, &seeds, [50.0, 24.0, 80.0]), fibula);
    assert_eq!(seed_at(&window, &seeds, [38.0, 24.0, 80.0]), 0);
}

#[test]
fn a_companion_is_not_followed_into_the_bone_that_it_touches() {
    // So wide above its rings that it reaches the tibia, whose slices hang together with it.
    let (window, seeds) = seeds_of_the_tibia(16.0);
    let fibula = seed_at(&window, &seeds, [50.0, 24.0, 40.0]);
    assert!(fibula != OWN && fibula != 0, "{fibula}");
    assert_eq!(seed_at(&window, &seeds, [50.0, 24.0, 80.0]), fibula);
    assert_eq!(seed_at(&window, &seeds, [35.0, 24.0, 80.0]), 0);
    assert_eq!(seed_at(&window, &seeds, [22.0, 24.0, 80.0]), OWN);
    // Wider than the tibia's whole width away: it is not its own any more.
    let (window, seeds) = seeds_of_the_tibia(40.0);
    assert!([24.0, 30.0, 36.0].iter().all(|x| seed_at(&window, &seeds, [*x, 24.0, 80.0]) != fibula));
}

/// An end of 20 mm radius down to 30 mm, a gap of 4 mm, and a plate of `plate_mm` radius below it that a spur joins to the end.
fn end_over_plate(plate_mm: f64) -> (Window, Vec<bool>) {
    let (_, window) = window_of(SIZE, |_| 0.0);
    let radius = |place: Vector3<f64>| (place.x - 31.0).hypot(place.y - 23.0);
    let solid = set(&window, |place| {
        let end = place.z >= 30.0 && radius(place) <= 20.0;
        let plate = (20.0..26.0).contains(&place.z) && radius(place) <= plate_mm;
        let spur = (26.0..30.0).contains(&place.z) && radius(place) <= 2.0;
        end || plate || spur
    });
    (window, solid)
}

#[test]
fn a_broad_plate_beyond_a_gap_is_the_neighbours() {
    let (window, solid) = end_over_plate(18.0);
    let part: Vec<u8> = solid.iter().map(|solid| if *solid { OWN } else { 0 }).collect();
    let found = beyond_joint(&window, &solid, &part, -Vector3::z(), 500.0);
    let plate = (0..solid.len()).filter(|n| solid[*n] && window.mm(*n).z < 26.0).count();
    // All but what stands under the spur, where no line meets a gap.
    assert!(found.iter().all(|n| window.mm(*n).z < 26.0));
    assert!(found.len() < plate && found.len() as f64 > 0.97 * plate as f64, "{} of {plate}", found.len());
    // The other way there is nothing.
    assert!(beyond_joint(&window, &solid, &part, Vector3::z(), 500.0).iter().all(|n| window.mm(*n).z >= 30.0));
}

#[test]
fn what_is_narrower_than_the_shaft_or_already_another_bone_is_left() {
    let (window, solid) = end_over_plate(8.0);
    let part: Vec<u8> = solid.iter().map(|solid| if *solid { OWN } else { 0 }).collect();
    assert!(beyond_joint(&window, &solid, &part, -Vector3::z(), 500.0).is_empty());
    let (window, solid) = end_over_plate(18.0);
    let part: Vec<u8> = (0..solid.len()).map(|n| if solid[n] && window.mm(n).z >= 26.0 { OWN } else { 0 }).collect();
    assert!(beyond_joint(&window, &solid, &part, -Vector3::z(), 500.0).is_empty());
}

#[test]
fn a_flare_that_overhangs_its_leaning_shaft_is_no_neighbour() {
    // Seen straight down, lines leave the side of the shaft, and enter the end below it again.
    let (_, window) = window_of(SIZE, |_| 0.0);
    let solid = set(&window, |place| {
        let shaft = (place.x - (20.0 + 0.4 * (place.z - 20.0))).hypot(place.y - 23.0) <= 8.0;
        let end = (place - Vector3::new(22.0, 23.0, 14.0)).norm() <= 18.0;
        shaft || end
    });
    let part: Vec<u8> = solid.iter().map(|solid| if *solid { OWN } else { 0 }).collect();
    assert!(beyond_joint(&window, &solid, &part, -Vector3::z(), 50.0).is_empty());
}

/// A head of spongy bone in its shell, and a roof of compact bone that it lies on without a space from `roof_mm` on; first taken apart by a plane
/// at 36 mm.
fn divided(roof_mm: f64) -> (Window, Vec<bool>, Vec<bool>) {
    let hu = |place: Vector3<f64>| match place.x {
        x if x < 6.0 => MUSCLE_HU,
        x if x < roof_mm => 350.0,
        x if x < 52.0 => WALL_HU,
        _ => MUSCLE_HU,
    };
    let (_, window) = window_of(SIZE, hu);
    let own = set(&window, |place| (6.0..36.0).contains(&place.x));
    let others = set(&window, |place| (36.0..52.0).contains(&place.x));
    let division = divide(&window, &own, &others);
    (window, division.own, division.others)
}

#[test]
fn a_thick_dense_roof_on_spongy_bone_is_the_neighbours() {
    let (window, own, others) = divided(33.0);
    let at = |x: f64| (0..own.len()).find(|n| window.mm(*n) == Vector3::new(x, 24.0, 28.0)).expect("a voxel");
    assert!(own[at(31.0)] && !own[at(34.0)], "the roof begins at 33 mm");
    assert!(others[at(34.0)], "and nothing grows into it again");
}

/// [`beside`] spongy bone.
fn narrowing(ridge_hu: f64, gap: f64) -> [bool; 2] {
    beside(300.0, ridge_hu, gap, 30.0)
}

/// A condyle that narrows downwards: bone of `bone_hu` to 30 mm, and in the lowest slice beside it marrow like fat to 38 mm behind a ridge of
/// `ridge_hu`, open over `gap` rows; that slice's bone was cut at `rim_mm`. What of the marrow and the ridge is the bone's.
fn beside(bone_hu: f64, ridge_hu: f64, gap: f64, rim_mm: f64) -> [bool; 2] {
    let hu = |place: Vector3<f64>| match place.x {
        _ if !(8.0..40.0).contains(&place.y) => 20.0,
        x if !(10.0..40.0).contains(&x) => 20.0,
        x if x < 30.0 => bone_hu,
        _ if (10.0..38.0).contains(&place.y) && place.x < 38.0 => -30.0,
        _ if (20.0..20.0 + gap).contains(&place.y) => -30.0,
        _ => ridge_hu,
    };
    let (_, window) = window_of(SIZE, hu);
    let inside = set(&window, |place| {
        let rim = if place.z > 1.0 { 40.0 } else { rim_mm };
        (10.0..rim).contains(&place.x) && (8.0..40.0).contains(&place.y)
    });
    let found = with_pools(&window, inside, &vec![false; window.hu.len()], false);
    let at = |x: f64| (0..found.len()).find(|n| window.mm(*n) == Vector3::new(x, 14.0, 0.0)).expect("a voxel");
    [found[at(34.0)], found[at(38.0)]]
}

#[test]
fn marrow_behind_a_faint_shell_is_bone_and_so_is_the_shell() {
    assert_eq!(narrowing(90.0, 0.0), [true, true]);
    assert_eq!(narrowing(90.0, 2.0), [true, true], "through a gap of two voxels no way three voxels wide leads");
}

#[test]
fn what_lies_open_or_behind_nothing_is_left() {
    assert_eq!(narrowing(90.0, 6.0), [false, false], "the way out is through the gap");
    assert_eq!(narrowing(-20.0, 0.0), [false, false], "fat, and no shell");
    assert_eq!(beside(800.0, 90.0, 0.0, 30.0), [false, false], "fat between a muscle and the wall of a bone");
}

#[test]
fn marrow_that_does_not_touch_the_bone_is_its_own_beside_faint_bone_only() {
    assert_eq!(beside(160.0, 90.0, 0.0, 29.0), [true, true]);
    assert_eq!(beside(300.0, 90.0, 0.0, 29.0), [false, false], "beyond a steep fall");
    assert_eq!(beside(160.0, 90.0, 0.0, 26.0), [false, false], "further away than a shell is thick");
}

#[test]
fn the_canal_of_a_bone_that_the_border_cuts_lengthwise_is_bone() {
    // Leaves the image slantwise through the side at which rows begin.
    let (_, window) = window_of(SIZE, |_| MUSCLE_HU);
    let axis_mm = |place: Vector3<f64>| (place.x - 32.0).hypot(place.y - (0.5 * place.z - 8.0));
    let wall = set(&window, |place| (6.0..10.0).contains(&axis_mm(place)));
    let filled = fill_bone(&window, wall);
    assert_eq!(filled, set(&window, |place| axis_mm(place) < 10.0));
}
