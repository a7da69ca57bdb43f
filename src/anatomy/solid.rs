//! Bones as solids: where bone ends and soft tissue begins, the marrow counted in.
//!
//! The outside of a bone is the surface across which HU *fall* outwards. A minimum cut finds the closed surface that does so as
//! well as possible: crossing such an edge is nearly free, any other surface costs its area. A shell that is thin, or open
//! over a few millimetres, is closed by the smallest lid, and the inside needs no density of its own. A threshold has none
//! of this: marrow reads like fat, osteoporotic shells like muscle. Directed costs: Boykov and Funka-Lea, *Graph cuts and efficient
//! N-D image segmentation*, IJCV 70:109, 2006; on bones: Krčah 2011 (see [`super::window::Window::sharpened`]).

use super::window::Window;
use crate::volume::{CutGraph, DIRECTIONS, NO_NODE, squared_distance_mm2};
use rayon::prelude::*;

/// Cost of a surface element across which HU fall clearly, as a share of one across which they do not.
const EDGE_COST: f64 = 0.03;
/// Fall over one step at which most of the cost is gone, HU.
const FALL_HU: f64 = 90.0;
/// Between these HU it matters whether they fall: fat beside muscle is no edge of a bone, nor are two kinds of cortex.
const LEVELS_HU: [f32; 2] = [100.0, 450.0];
/// Surely bone, and probably bone, HU of the sharpened image; what it costs to leave it out, per mm³ in units of one mm².
const BONE: [(f32, f64); 2] = [(300.0, 1.0), (200.0, 0.2)];
/// Share of the sharpening with which spongy bone is told from marrow.
const MILD: f32 = 0.4;
/// A joint space is darker than both its sides, marrow only than its wall: from this many HU of what sharpening takes away
/// on, and what each costs to take in, per mm³ in units of one mm².
const DARKER: (f32, f64) = (60.0, 0.0004);
/// Marrow lies within this of something dense, mm.
const REACH_MM: f64 = 14.0;
/// What [`REACH_MM`] is counted from, HU.
const DENSE_HU: f32 = 250.0;
/// Or, deep in a weak bone whose spongy part shows nothing dense, within this of something that may be a shell, as seen along a row or a column of its
/// slice, mm: half of the width of condyles.
const WITHIN_MM: f64 = 45.0;
/// A thin shell, blurred, HU: above muscle.
const SHELL_HU: f32 = 150.0;
/// What sees something dense within [`WITHIN_MM`] in so many of the eight directions of its slice, and lies at least so far from it, mm, is surrounded by a
/// wall, however large the hole in that; what it costs to leave it out, per mm³ in units of one mm². A joint space is narrower.
const SURROUNDED: (u8, f64) = (7, 3.0);
/// What that is counted from: denser than spongy bone, HU.
const WALL_HU: f32 = 450.0;
const MARROW: f64 = 0.05;
/// Below this is air or fat, never marrow, HU.
const AIR_HU: f32 = -250.0;
/// Integer costs per mm².
pub(super) const UNITS: f64 = 1000.0;

/// The holes that lesions may have eaten into a bone's wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holes {
    /// The smallest lid closes one where that is cheaper than to leave the marrow out.
    Small,
    /// One may be nearly as wide as the bone: marrow is told by the walls that it sees around it, too.
    Large,
}

/// The voxels of the window that are bone or enclosed by bone. `is_weak`: the bone has lost of its density, and its spongy part may show nothing dense.
pub fn solid(window: &Window, sharp: &[f32], gain_of_sharpening: f32, is_weak: bool, holes: Holes) -> Vec<bool> {
    // Sharpening makes bone of noise, and none of a gap that its neighbours blur over: what both images show is bone.
    let sure: Vec<f32> = sharp.iter().zip(&window.hu).map(|(sharp, hu)| sharp.min(*hu)).collect();
    let soft: Vec<bool> = sure.iter().map(|v| *v < DENSE_HU).collect();
    let away = squared_distance_mm2(&soft, window.size, window.spacing_mm);
    let near = (REACH_MM * REACH_MM) as f32;
    let sees = if is_weak { sees_bone(window, &sure) } else { Vec::new() };
    let surrounded = if holes == Holes::Large { surrounded(window, &sure) } else { Vec::new() };
    let is_surrounded = |n: usize| surrounded.get(n).is_some_and(|is| *is);
    let may_be_bone = |n: usize| (away[n] <= near || (is_weak && sees[n]) || is_surrounded(n)) && window.hu[n] > AIR_HU;
    let candidate: Vec<bool> = (0..sharp.len()).map(may_be_bone).collect();
    let volume = window.spacing_mm.iter().product::<f64>() * UNITS;
    let inside = cut_out(window, sharp, &candidate, |n| {
        let v = sharp[n];
        // Trabeculae that the blur has nearly levelled still stand out a little.
        let shown = [sure[n], (window.hu[n] + MILD * (v - window.hu[n])).min(v)];
        let gain = BONE.iter().zip(shown).find(|((level, _), shown)| shown > level).map_or(0.0, |((_, gain), _)| *gain);
        let gain = if is_surrounded(n) { MARROW.max(gain) } else { gain };
        let darker = f64::from(((window.hu[n] - v) / gain_of_sharpening - DARKER.0).max(0.0));
        let loss = darker * DARKER.1;
        [(gain * volume) as i64, (loss * volume) as i64]
    });
    fill_holes(window, inside)
}

/// Does a voxel see, along its row or its column, something of [`SHELL_HU`] within [`WITHIN_MM`]?
fn sees_bone(window: &Window, hu: &[f32]) -> Vec<bool> {
    let [columns, rows, slices] = window.size;
    let mut sees = vec![false; hu.len()];
    let mut look = |line: &mut dyn Iterator<Item = usize>, reach: usize| {
        let mut since = None;
        for n in line {
            since = if hu[n] < SHELL_HU { since.map(|s: usize| s + 1) } else { Some(0) };
            sees[n] |= since.is_some_and(|s| s <= reach);
        }
    };
    let reach: [usize; 2] = std::array::from_fn(|a| (WITHIN_MM / window.spacing_mm[a]) as usize);
    for row in (0..rows * slices).map(|row| row * columns) {
        look(&mut (row..row + columns), reach[0]);
        look(&mut (row..row + columns).rev(), reach[0]);
    }
    for first in (0..slices).flat_map(|k| (0..columns).map(move |i| k * columns * rows + i)) {
        let column = (0..rows).map(|j| first + j * columns);
        look(&mut column.clone(), reach[1]);
        look(&mut column.rev(), reach[1]);
    }
    sees
}

/// Which voxels lie off all walls and have something dense around them in their slice.
fn surrounded(window: &Window, hu: &[f32]) -> Vec<bool> {
    let no_wall: Vec<bool> = hu.iter().map(|v| *v < WALL_HU).collect();
    let away = squared_distance_mm2(&no_wall, window.size, window.spacing_mm);
    let [columns, rows, slices] = window.size;
    let (plane, [dx, dy, _]) = (columns * rows, window.spacing_mm);
    let least = (SURROUNDED.1 * SURROUNDED.1) as f32;
    let sees = |k: usize, [i, j]: [usize; 2], [a, b]: [isize; 2]| {
        let step_mm = (a as f64 * dx).hypot(b as f64 * dy);
        (1..=(WITHIN_MM / step_mm) as isize)
            .map_while(|n| Some([i.checked_add_signed(n * a)?, j.checked_add_signed(n * b)?]))
            .take_while(|[i, j]| *i < columns && *j < rows)
            .any(|[i, j]| hu[k * plane + j * columns + i] >= DENSE_HU)
    };
    let around = [[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [1, -1], [-1, 1], [-1, -1]];
    let is_surrounded = |n: usize| {
        let (k, at) = (n / plane, [n % columns, n % plane / columns]);
        away[n] >= least && around.iter().filter(|way| sees(k, at, **way)).count() >= usize::from(SURROUNDED.0)
    };
    (0..plane * slices).into_par_iter().map(is_surrounded).collect()
}

/// The part of the `candidate` voxels inside the cheapest surface; what is no candidate is outside.
///
/// `cost(voxel)` tells what it costs to leave the voxel outside, and to take it in.
pub fn cut_out(window: &Window, sharp: &[f32], candidate: &[bool], cost: impl Fn(usize) -> [i64; 2]) -> Vec<bool> {
    let voxels: Vec<u32> = (0..candidate.len() as u32).filter(|n| candidate[*n as usize]).collect();
    let mut node = vec![NO_NODE; candidate.len()];
    for (n, voxel) in voxels.iter().enumerate() {
        node[*voxel as usize] = n as u32;
    }
    let neighbours: Vec<[u32; DIRECTIONS]> = voxels
        .par_iter()
        .map(|v| window.neighbours(*v as usize).map(|other| other.map_or(NO_NODE, |other| node[other])))
        .collect();
    let mut graph = CutGraph::new(neighbours);
    let surface = SurfaceCost::new(window);
    for (n, voxel) in voxels.iter().enumerate() {
        let v = *voxel as usize;
        let [if_outside, mut if_inside] = cost(v);
        for (d, other) in window.neighbours(v).into_iter().enumerate() {
            let Some(other) = other else { continue };
            let price = surface.between(d, sharp[v], sharp[other]);
            if node[other] == NO_NODE {
                if_inside += i64::from(price);
            } else {
                graph.cost_between(n as u32, d, price);
            }
        }
        graph.cost_of(n as u32, if_outside, if_inside);
    }
    let mut inside = vec![false; candidate.len()];
    for (voxel, taken) in voxels.iter().zip(graph.cut()) {
        inside[*voxel as usize] = taken;
    }
    inside
}

/// Price of a surface element by the fall of HU across it.
struct SurfaceCost {
    /// By axis and fall in whole HU.
    table: [Vec<i32>; 3],
}

impl SurfaceCost {
    fn new(window: &Window) -> SurfaceCost {
        let s = window.spacing_mm;
        let area = [s[1] * s[2], s[0] * s[2], s[0] * s[1]];
        let most = (LEVELS_HU[1] - LEVELS_HU[0]) as usize;
        let share = |fall: usize| EDGE_COST + (1.0 - EDGE_COST) * (-(fall as f64 / FALL_HU).powi(2)).exp();
        SurfaceCost {
            table: std::array::from_fn(|a| (0..=most).map(|f| (area[a] * share(f) * UNITS).round() as i32).collect()),
        }
    }

    /// Between a voxel inside and its neighbour outside in direction `d`.
    fn between(&self, d: usize, inside_hu: f32, outside_hu: f32) -> i32 {
        let clip = |v: f32| v.clamp(LEVELS_HU[0], LEVELS_HU[1]);
        self.table[d / 2][(clip(inside_hu) - clip(outside_hu)).max(0.0) as usize]
    }
}

/// Fills what is enclosed in three dimensions, and what is enclosed within a first or last slice of the window: the canal
/// of a bone that runs out of it.
pub fn fill_holes(window: &Window, inside: Vec<bool>) -> Vec<bool> {
    let border = borders(window).into_iter().flatten().collect();
    fill_from(window, inside, border)
}

/// The same of a single bone: what lies between two pieces of its wall on another border is canal, too.
pub fn fill_bone(window: &Window, inside: Vec<bool>) -> Vec<bool> {
    let beside_bone = |line: Vec<usize>| {
        let wall = |v: &usize| inside[*v];
        let first = line.iter().position(wall).unwrap_or(line.len());
        let last = line.iter().rposition(wall).map_or(line.len(), |last| last + 1);
        [&line[..first], &line[last..]].concat()
    };
    let start = borders(window).into_iter().flat_map(beside_bone).collect();
    fill_from(window, inside, start)
}

/// The four border lines of each slice of the window.
fn borders(window: &Window) -> Vec<Vec<usize>> {
    let [columns, rows, slices] = window.size;
    let voxel = |i: usize, j: usize, k: usize| i + columns * (j + rows * k);
    let lines = |k: usize| {
        let beside = [0, columns - 1].map(|i| (0..rows).map(|j| voxel(i, j, k)).collect());
        let ahead = [0, rows - 1].map(|j| (0..columns).map(|i| voxel(i, j, k)).collect());
        beside.into_iter().chain(ahead)
    };
    (0..slices).flat_map(lines).collect()
}

/// All that is not reached from outside.
fn fill_from(window: &Window, mut inside: Vec<bool>, mut start: Vec<usize>) -> Vec<bool> {
    start.retain(|v| !inside[*v]);
    let outside = window.reached(start, |voxel| !inside[voxel]);
    inside.iter_mut().zip(outside).for_each(|(inside, outside)| *inside = !outside);
    inside
}
