//! The outside of a bone where its wall has fallen half way to what lies outside.
//!
//! A cut between voxels finds which side of a joint space is whose; where exactly the wall ends it knows only as well as its costs
//! follow the edge. What a voxel holds more than half of is bone: its HU lie above the mean of wall and outside. Both are taken within a few
//! millimetres of the place, since a shell under cartilage is a third as dense as the shaft.

use super::window::{Window, blur};
use crate::volume::squared_distance_mm2;

/// The surface moves out by no more than this, or by one voxel where those are larger, mm; inwards by one voxel.
const OUT_MM: f64 = 2.0;
/// What was added needs this many of its eight neighbours in the slice, looked at this many times: less is noise.
const NEIGHBOURS: usize = 4;
const LOOKS: usize = 3;
/// A crevice narrower than twice this is noise between trabeculae, mm.
const CREVICE_MM: f64 = 2.0;
/// Wall and outside are looked for within this, mm.
const LOCAL_MM: f64 = 2.5;
/// What may lie outside: fat, muscle, cartilage, the darkest place of a narrow joint space, HU.
const OUTSIDE_HU: [f32; 2] = [-100.0, 250.0];
/// Nothing below this is bone: muscle lies below it, HU.
const LEAST_LEVEL_HU: f32 = 100.0;
/// Where no wall shows this, HU, there is no edge to go by.
const LEAST_WALL_HU: f32 = 200.0;
/// A wall rises by this from one voxel to the next, HU.
const RISE_HU: f32 = 100.0;
/// The level changes over this, mm.
const SIGMA_MM: f64 = 1.0;

/// `inside` with its surface moved to half height, where a wall is seen. Never into `others`.
///
/// `sharp` is the sharpened image, which keeps the space towards the others open; one value a voxel of the window, as all of them.
pub fn to_half_height(window: &Window, sharp: &[f32], inside: &[bool], others: &[bool]) -> Vec<bool> {
    let hu = |n: usize| window.hu[n];
    let seen = |keep: &dyn Fn(usize) -> bool, otherwise: f32| -> Vec<f32> {
        (0..inside.len()).map(|n| if keep(n) && !hu(n).is_nan() { hu(n) } else { otherwise }).collect()
    };
    let wall = around(window, seen(&|n| inside[n], f32::NEG_INFINITY), f32::max);
    let outside = around(window, seen(&|n| !inside[n] && !others[n], f32::INFINITY), f32::min);
    let level: Vec<f32> = wall
        .iter()
        .zip(&outside)
        .map(|(wall, outside)| (0.5 * (wall + outside.clamp(OUTSIDE_HU[0], OUTSIDE_HU[1]))).max(LEAST_LEVEL_HU))
        .map(|level| if level.is_finite() { level } else { LEAST_LEVEL_HU })
        .collect();
    let level = blur(&level, window.size, window.spacing_mm, SIGMA_MM);
    // Distances in bands, so that one voxel is near however thick the slices are.
    let steps = |band: f64| window.spacing_mm.map(|s| s / band.max(1.01 * s));
    let beyond = squared_distance_mm2(&not(inside), window.size, steps(OUT_MM));
    let depth = squared_distance_mm2(inside, window.size, steps(0.0));
    let to_others = squared_distance_mm2(&not(others), window.size, steps(OUT_MM));
    let is_bone = |n: usize| {
        let shown = if to_others[n] <= 4.0 { hu(n).min(sharp[n]) } else { hu(n) };
        shown >= level[n]
    };
    let all = |keep: &dyn Fn(usize) -> bool| (0..inside.len()).filter(|n| keep(*n)).collect::<Vec<usize>>();
    let movable = |n: usize| wall[n] >= LEAST_WALL_HU && !hu(n).is_nan();
    // First the joint space is opened: what lies beyond it is not reached any more.
    let gone = window.reached_along(all(&|n| !inside[n]), |n, inwards| {
        depth[n] <= 1.0
            && movable(n)
            && !is_bone(n)
            && (hu(n) < LEAST_WALL_HU || wall_behind(window, &level, n, inwards))
    });
    let kept: Vec<bool> = inside.iter().zip(&gone).map(|(inside, gone)| *inside && !gone).collect();
    let mut grown =
        window.reached(all(&|n| kept[n]), |n| !inside[n] && !others[n] && beyond[n] <= 1.0 && movable(n) && is_bone(n));
    for _ in 0..LOOKS {
        let lonely = all(&|n| grown[n] && !kept[n] && neighbours_in_slice(window, n, &grown) < NEIGHBOURS);
        lonely.into_iter().for_each(|n| grown[n] = false);
    }
    without_crevices(window, grown, others)
}

/// `inside` without the voxels at a neighbour that already belong to its wall: HU rise from within through them, and by [`RISE_HU`] more
/// to the neighbour beyond. Where a joint space is narrower than a slice nothing darker than the bone's own marrow shows in it, and a surface of
/// least cost may run through the far side of it.
pub fn without_rising_flank(window: &Window, inside: &[bool], others: &[bool]) -> Vec<bool> {
    let rises = |n: usize| {
        let near = window.neighbours(n);
        (0..near.len()).any(|direction| {
            let within = near[direction ^ 1].filter(|n| inside[*n]).map(|n| window.hu[n]);
            let beyond = near[direction].filter(|n| others[*n] && !inside[*n]).map(|n| window.hu[n]);
            matches!((within, beyond), (Some(a), Some(b)) if a < window.hu[n] && window.hu[n] + RISE_HU < b)
        })
    };
    inside.iter().enumerate().map(|(n, inside)| *inside && !rises(n)).collect()
}

/// Does a wall that reaches the level lie behind a voxel, as seen along a direction, within [`LOCAL_MM`] or one voxel?
fn wall_behind(window: &Window, level: &[f32], voxel: usize, direction: usize) -> bool {
    let reach = ((LOCAL_MM / window.spacing_mm[direction / 2]).round() as usize).max(1);
    let behind = std::iter::successors(window.neighbour(voxel, direction), |n| window.neighbour(*n, direction));
    behind.take(reach).any(|n| window.hu[n] >= level[voxel])
}

/// How many of the eight voxels around one in its slice are in a set.
fn neighbours_in_slice(window: &Window, voxel: usize, set: &[bool]) -> usize {
    let holds = |n: Option<usize>| usize::from(n.is_some_and(|n| set[n]));
    let beside = |n: usize| holds(window.neighbour(n, 0)) + holds(window.neighbour(n, 1));
    let rows = [window.neighbour(voxel, 2), window.neighbour(voxel, 3)];
    beside(voxel) + rows.into_iter().flatten().map(|n| usize::from(set[n]) + beside(n)).sum::<usize>()
}

fn not(set: &[bool]) -> Vec<bool> {
    set.iter().map(|v| !v).collect()
}

/// Closes what is narrower than twice [`CREVICE_MM`], but for what lies in `others`.
fn without_crevices(window: &Window, mut inside: Vec<bool>, others: &[bool]) -> Vec<bool> {
    let reach = (CREVICE_MM * CREVICE_MM) as f32;
    let beyond = squared_distance_mm2(&not(&inside), window.size, window.spacing_mm);
    let thick: Vec<bool> = beyond.iter().map(|d| *d <= reach).collect();
    let depth = squared_distance_mm2(&thick, window.size, window.spacing_mm);
    inside.iter_mut().enumerate().for_each(|(n, inside)| *inside |= depth[n] > reach && !others[n]);
    inside
}

/// For each voxel the most (or least) of what lies within [`LOCAL_MM`] of it along each axis, between voxels by their distance. Infinite values are
/// those of no voxel.
fn around(window: &Window, mut field: Vec<f32>, most: impl Fn(f32, f32) -> f32) -> Vec<f32> {
    let [columns, rows, _] = window.size;
    for (axis, stride) in [1, columns, columns * rows].into_iter().enumerate() {
        let steps = LOCAL_MM / window.spacing_mm[axis];
        let (reach, share) = (steps as usize, steps.fract() as f32);
        let length = window.size[axis];
        let from = field.clone();
        for (n, value) in field.iter_mut().enumerate() {
            let at = n / stride % length;
            let (below, above) = (at.min(reach), (length - 1 - at).min(reach));
            let (first, last) = (n - below * stride, n + above * stride);
            *value = (first..=last).step_by(stride).map(|m| from[m]).fold(*value, &most);
            if at > below {
                *value = most(*value, between(from[first], from[first - stride], share));
            }
            if at + above + 1 < length {
                *value = most(*value, between(from[last], from[last + stride], share));
            }
        }
    }
    field
}

/// The value at a share of the way from one voxel to the next; where one is none, that of the nearer.
fn between(here: f32, next: f32, share: f32) -> f32 {
    match (here.is_finite(), next.is_finite()) {
        (true, true) => here + share * (next - here),
        _ if share >= 0.5 => next,
        _ => here,
    }
}
