//! Marrow like fat behind a shell that a slice hardly shows.
//!
//! Where a condyle narrows towards its end, its shell lies oblique in the slice and is blurred to a ridge that is little denser than muscle; between it
//! and the spongy bone lies marrow like fat. Neither a fall of HU nor a wall is there to go by. But the marrow is a *pool*: whoever leaves it
//! within the slice crosses the ridge. How high the lowest way out is, a flood from outside tells (as of depressions in a landscape: Barnes, Lehman
//! and Mulla, *Priority-flood*, Computers & Geosciences 62:117, 2014).

use super::window::{Window, blur_each};
use crate::volume::squared_distance_mm2;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The lowest way out of a pool lies this much above it, HU: noise makes shallower ones.
const DEPTH_HU: f32 = 30.0;
/// And at this at least, HU: fat that muscle encloses is no marrow.
const LEAST_WAY_OUT_HU: f32 = 30.0;
/// Marrow is no denser, HU: cartilage and fluid are.
const MARROW_HU: f32 = 50.0;
/// What is denser is no faint shell, HU.
const DENSE_HU: f32 = 200.0;
/// Blur within the slice before the flood, mm.
const SIGMA_MM: f64 = 0.6;
/// Smaller than this it is noise, mm².
const LEAST_MM2: f64 = 8.0;
/// The shell lies within this of its pool, mm.
const SHELL_MM: f64 = 2.5;
/// Nearer to a neighbour than this no pool is looked for, mm.
const JOINT_MM: f64 = 3.0;
/// What is left open beside a pool is filled with this many of its eight neighbours, looked at this many times.
const HELD: usize = 5;
const LOOKS: usize = 6;
/// What lies outside the shell, HU.
const SOFT_HU: f32 = 20.0;

/// `inside` with the pools that lie, within a slice, over or under the bone of the slice before it, and their shells; slice by slice away from the shaft,
/// towards the last one (`upper`) or the first. Never into `others`,
/// nor within [`JOINT_MM`] of them: what two bones enclose is a joint.
pub(super) fn with_pools(window: &Window, mut inside: Vec<bool>, others: &[bool], upper: bool) -> Vec<bool> {
    let [columns, rows, slices] = window.size;
    let plane = columns * rows;
    let hu: Vec<f32> = window.hu.iter().map(|v| if v.is_nan() { -1000.0 } else { *v }).collect();
    let apart: Vec<bool> = others.iter().map(|v| !v).collect();
    let to_others = squared_distance_mm2(&apart, window.size, window.spacing_mm);
    let taken: Vec<bool> = to_others.iter().map(|d| *d <= (JOINT_MM * JOINT_MM) as f32).collect();
    let hu = blur_each(&hu, window.size, window.spacing_mm, [SIGMA_MM, SIGMA_MM, 0.0]);
    for step in 1..slices {
        let (k, before) = if upper { (step, step - 1) } else { (slices - 1 - step, slices - step) };
        let beside: Vec<bool> = inside[before * plane..][..plane].to_vec();
        let range = k * plane..(k + 1) * plane;
        let slice = Slice {
            size: [columns, rows],
            spacing_mm: [window.spacing_mm[0], window.spacing_mm[1]],
            hu: &hu[range.clone()],
            taken: &taken[range.clone()],
        };
        let here = &mut inside[range];
        if here.iter().any(|v| *v) {
            slice.add_pools(here, &beside);
        }
    }
    inside
}

/// One slice; arrays are its voxels, columns first.
struct Slice<'a> {
    size: [usize; 2],
    spacing_mm: [f64; 2],
    hu: &'a [f32],
    /// Another bone, and what is near it.
    taken: &'a [bool],
}

impl Slice<'_> {
    fn add_pools(&self, inside: &mut [bool], beside: &[bool]) {
        let covered = |n: usize| !inside[n] && beside[n] && !self.taken[n];
        if !(0..inside.len()).any(covered) {
            return;
        }
        let way_out = self.ways_out(inside, covered);
        let pool = |n: usize| {
            covered(n)
                && self.hu[n] <= MARROW_HU
                && way_out[n] - self.hu[n] >= DEPTH_HU
                && way_out[n] >= LEAST_WAY_OUT_HU
        };
        let mut seen = vec![false; inside.len()];
        let mut added = Vec::new();
        for start in (0..inside.len()).filter(|n| pool(*n)) {
            if seen[start] {
                continue;
            }
            let piece = self.piece(start, &mut seen, pool);
            if piece.len() as f64 * self.spacing_mm[0] * self.spacing_mm[1] >= LEAST_MM2 {
                added.extend(self.shell(&piece, way_out[start], inside));
                added.extend(piece);
            }
        }
        for n in &added {
            inside[*n] = true;
        }
        self.close(&added, inside, beside);
    }

    /// Takes in what is left open around the places `added`: between the pool and the bone, and between its trabeculae.
    fn close(&self, added: &[usize], inside: &mut [bool], beside: &[bool]) {
        let mut rim: Vec<usize> = added.iter().flat_map(|n| self.around(*n)).collect();
        for _ in 0..LOOKS {
            rim.retain(|n| !inside[*n] && beside[*n] && !self.taken[*n]);
            rim.sort_unstable();
            rim.dedup();
            let filled: Vec<usize> = rim.iter().copied().filter(|n| self.held_around(*n, inside) >= HELD).collect();
            rim.extend(filled.iter().flat_map(|n| self.around(*n)));
            filled.into_iter().for_each(|n| inside[n] = true);
        }
    }

    /// How many of the eight voxels around one are in a set.
    fn held_around(&self, n: usize, set: &[bool]) -> usize {
        let beside = |n: usize| {
            let i = n % self.size[0];
            let left = usize::from(i > 0 && set[n - 1]);
            left + usize::from(i + 1 < self.size[0] && set[n + 1])
        };
        let above = n.checked_sub(self.size[0]);
        let below = Some(n + self.size[0]).filter(|m| *m < set.len());
        beside(n) + above.into_iter().chain(below).map(|m| usize::from(set[m]) + beside(m)).sum::<usize>()
    }

    /// For each voxel outside the bone the lowest HU that a way from it to where no bone lies beside the slice must cross.
    fn ways_out(&self, inside: &[bool], covered: impl Fn(usize) -> bool) -> Vec<f32> {
        let mut way_out = vec![f32::INFINITY; inside.len()];
        let mut queue = BinaryHeap::new();
        // Tenths of HU, so that the order is one of whole numbers.
        let height = |hu: f32| (hu * 10.0) as i32;
        for n in (0..inside.len()).filter(|n| !inside[*n] && !covered(*n)) {
            way_out[n] = if self.is_open(n) { f32::MIN } else { self.hu[n] };
            if self.around(n).any(&covered) {
                queue.push(Reverse((height(way_out[n]), n)));
            }
        }
        while let Some(Reverse((_, n))) = queue.pop() {
            for other in self.around(n) {
                if !inside[other] && way_out[other] == f32::INFINITY {
                    way_out[other] = self.hu[other].max(way_out[n]);
                    queue.push(Reverse((height(way_out[other]), other)));
                }
            }
        }
        way_out
    }

    /// Another bone, or as dense as one: what it encloses is a joint.
    fn is_open(&self, n: usize) -> bool {
        self.taken[n] || self.hu[n] >= DENSE_HU
    }

    fn piece(&self, start: usize, seen: &mut [bool], within: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut piece = vec![start];
        seen[start] = true;
        let mut next = 0;
        while next < piece.len() {
            for other in self.around(piece[next]) {
                if within(other) && !seen[other] {
                    seen[other] = true;
                    piece.push(other);
                }
            }
            next += 1;
        }
        piece
    }

    /// The voxels around a pool up to where its shell has fallen half way.
    fn shell(&self, pool: &[usize], way_out_hu: f32, inside: &[bool]) -> Vec<usize> {
        let level = 0.5 * (way_out_hu + SOFT_HU);
        let reach: [isize; 2] = self.spacing_mm.map(|s| (SHELL_MM / s).ceil() as isize);
        let mut found = Vec::new();
        for n in pool {
            let at = [(n % self.size[0]) as isize, (n / self.size[0]) as isize];
            for dj in -reach[1]..=reach[1] {
                for di in -reach[0]..=reach[0] {
                    let away = (di as f64 * self.spacing_mm[0]).hypot(dj as f64 * self.spacing_mm[1]);
                    let (i, j) = (at[0] + di, at[1] + dj);
                    let within = i >= 0 && j >= 0 && i < self.size[0] as isize && j < self.size[1] as isize;
                    if away <= SHELL_MM && within {
                        let other = i as usize + self.size[0] * j as usize;
                        if !inside[other] && !self.taken[other] && self.hu[other] >= level {
                            found.push(other);
                        }
                    }
                }
            }
        }
        found
    }

    /// The four neighbours within the slice.
    fn around(&self, n: usize) -> impl Iterator<Item = usize> {
        let (i, j) = (n % self.size[0], n / self.size[0]);
        let [columns, rows] = self.size;
        [
            (i > 0).then(|| n - 1),
            (i + 1 < columns).then(|| n + 1),
            (j > 0).then(|| n - columns),
            (j + 1 < rows).then(|| n + columns),
        ]
        .into_iter()
        .flatten()
    }
}
