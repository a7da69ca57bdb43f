//! Marrow like fat behind a shell that a slice hardly shows.
//!
//! Where a condyle narrows towards its end, its shell lies oblique in the slice and is blurred to a ridge that is little denser than muscle; between it
//! and the spongy bone lies marrow like fat. Neither a fall of HU nor a wall is there to go by. But the marrow is a *pool*: whoever leaves it
//! within the slice crosses the ridge. How high the lowest way out is, a flood from outside tells (as of depressions in a landscape: Barnes, Lehman
//! and Mulla, *Priority-flood*, Computers & Geosciences 62:117, 2014).

use super::window::{Window, blur_each};
use crate::smoothing::median;
use crate::volume::squared_distance_mm2;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The lowest way out of a pool lies at least this much above it, HU, and this many times the noise of a voxel: that makes shallower ones,
/// though few that are broad and closed to ways three voxels wide.
const DEPTH_HU: f32 = 12.0;
const DEPTH_OF_NOISE: f32 = 1.0;
/// Noise is read between soft tissue of these HU, this many voxels apart: nearer ones share it.
const SOFT_TISSUE_HU: [f32; 2] = [-50.0, 150.0];
const APART: usize = 3;
/// And denser than muscle by this at least, HU: fat that muscle encloses is no marrow.
const OVER_MUSCLE_HU: f32 = 10.0;
/// Muscle with and without contrast medium lies between these, HU.
const MUSCLE_HU: [f32; 2] = [0.0, 100.0];
/// Marrow is no denser, HU, blurred with the spongy bone and the shell around it as it is.
const MARROW_HU: f32 = 110.0;
/// Behind a pool may lie another one, beyond a trabecula: so often the slice is looked at.
const LAYERS: usize = 3;
/// Spongy bone at the surface is less dense than this, HU; a wall is denser.
const WALL_HU: f64 = 350.0;
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
/// What is left open beside a pool is filled with this many of its eight neighbours, or, where it is as dense as the shell, with one less;
/// looked at this many times.
const HELD: usize = 5;
const LOOKS: usize = 12;
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
    let depth_hu = DEPTH_HU.max(DEPTH_OF_NOISE * noise_hu(columns, &hu));
    let least_hu = muscle_hu(&hu) + OVER_MUSCLE_HU;
    for step in 1..slices {
        let (k, before) = if upper { (step, step - 1) } else { (slices - 1 - step, slices - step) };
        let beside: Vec<bool> = inside[before * plane..][..plane].to_vec();
        let range = k * plane..(k + 1) * plane;
        let slice = Slice {
            size: [columns, rows],
            spacing_mm: [window.spacing_mm[0], window.spacing_mm[1]],
            hu: &hu[range.clone()],
            taken: &taken[range.clone()],
            depth_hu,
            least_hu,
        };
        let here = &mut inside[range];
        if here.iter().any(|v| *v) {
            (0..LAYERS).for_each(|_| slice.add_pools(here, &beside));
        }
    }
    inside
}

/// Noise, HU, one standard deviation, of an image with this many columns: from the median bend between voxels of soft tissue along a row.
fn noise_hu(columns: usize, hu: &[f32]) -> f32 {
    let soft = |v: f32| (SOFT_TISSUE_HU[0]..=SOFT_TISSUE_HU[1]).contains(&v);
    let threes = hu.chunks_exact(columns).flat_map(|row| row.windows(2 * APART + 1));
    let threes = threes.map(|w| [w[0], w[APART], w[2 * APART]]).filter(|three| three.iter().all(|v| soft(*v)));
    let mut bends: Vec<f64> = threes.map(|[a, b, c]| f64::from((a - 2.0 * b + c).abs())).collect();
    // The median size of what is normally distributed is 0.6745 standard deviations; the variance of a bend is six times that of a voxel.
    median(&mut bends).unwrap_or(0.0) as f32 / 0.6745 / 6f32.sqrt()
}

/// The density of muscle, HU: the median of what may be some.
fn muscle_hu(hu: &[f32]) -> f32 {
    let may_be = |v: &&f32| (MUSCLE_HU[0]..=MUSCLE_HU[1]).contains(*v);
    let mut muscle: Vec<f64> = hu.iter().filter(may_be).map(|v| f64::from(*v)).collect();
    median(&mut muscle).unwrap_or(0.0) as f32
}

/// One slice; arrays are its voxels, columns first.
struct Slice<'a> {
    size: [usize; 2],
    spacing_mm: [f64; 2],
    hu: &'a [f32],
    /// Another bone, and what is near it.
    taken: &'a [bool],
    /// How deep a pool is at least, and how dense its lowest way out, HU.
    depth_hu: f32,
    least_hu: f32,
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
                && way_out[n] - self.hu[n] >= self.depth_hu
                && way_out[n] >= self.least_hu
        };
        let mut seen = vec![false; inside.len()];
        let mut added = Vec::new();
        for start in (0..inside.len()).filter(|n| pool(*n)) {
            if seen[start] {
                continue;
            }
            let mut piece = self.piece(start, &mut seen, pool);
            let large = piece.len() as f64 * self.spacing_mm[0] * self.spacing_mm[1] >= LEAST_MM2;
            // Beside another bone's end, or a vessel, lie pools, too.
            if large && self.lies_within(&piece, inside) {
                let shell_hu = 0.5 * (way_out[start] + SOFT_HU);
                piece.extend(self.shell(&piece, shell_hu, inside));
                added.push((piece, shell_hu));
            }
        }
        for n in added.iter().flat_map(|(piece, _)| piece) {
            inside[*n] = true;
        }
        for (piece, shell_hu) in &added {
            self.close(piece, *shell_hu, inside, beside);
        }
    }

    /// Takes in what is left open around the places `added`, behind a shell of `shell_hu`: between the pool and the bone, and between its trabeculae.
    fn close(&self, added: &[usize], shell_hu: f32, inside: &mut [bool], beside: &[bool]) {
        let mut rim: Vec<usize> = added.iter().flat_map(|n| self.around(*n)).collect();
        for _ in 0..LOOKS {
            rim.retain(|n| !inside[*n] && beside[*n] && !self.taken[*n]);
            rim.sort_unstable();
            rim.dedup();
            let least = |n: usize| if self.hu[n] >= shell_hu { HELD - 1 } else { HELD };
            let filled: Vec<usize> =
                rim.iter().copied().filter(|n| self.held_around(*n, inside) >= least(*n)).collect();
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

    /// For each voxel outside the bone the lowest HU that a way from it to where no bone lies beside the slice must cross, for a way three
    /// voxels wide: through a gap of one or two voxels in a ridge none leads.
    fn ways_out(&self, inside: &[bool], covered: impl Fn(usize) -> bool) -> Vec<f32> {
        let wide = Slice { hu: &self.of_neighbours(self.hu, f32::max), ..*self };
        let way_out = self.of_neighbours(&wide.narrow_ways_out(inside, covered), f32::min);
        way_out
            .iter()
            .zip(self.hu)
            .map(|(way_out, hu)| if *way_out == f32::MIN { *way_out } else { way_out.max(*hu) })
            .collect()
    }

    /// For each voxel the most (or least) of its own value and those of the eight around it.
    fn of_neighbours(&self, field: &[f32], most: impl Fn(f32, f32) -> f32) -> Vec<f32> {
        let columns = self.size[0];
        let beside = |n: usize| {
            let left = if n.is_multiple_of(columns) { field[n] } else { field[n - 1] };
            let right = if n % columns + 1 < columns { field[n + 1] } else { field[n] };
            most(field[n], most(left, right))
        };
        let rows: Vec<f32> = (0..field.len()).map(beside).collect();
        let above = |n: usize| n.checked_sub(columns).map_or(rows[n], |n| rows[n]);
        let below = |n: usize| rows.get(n + columns).copied().unwrap_or(rows[n]);
        (0..rows.len()).map(|n| most(rows[n], most(above(n), below(n)))).collect()
    }

    /// The same for a way one voxel wide.
    fn narrow_ways_out(&self, inside: &[bool], covered: impl Fn(usize) -> bool) -> Vec<f32> {
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
    fn shell(&self, pool: &[usize], shell_hu: f32, inside: &[bool]) -> Vec<usize> {
        let is_shell = |n: &usize| !inside[*n] && !self.taken[*n] && self.hu[*n] >= shell_hu;
        pool.iter().flat_map(|n| self.near(*n)).filter(is_shell).collect()
    }

    /// Does a pool lie on the bone with no wall between? Beyond a wall lies no marrow of this bone: fat between muscles does. Where it lies beside
    /// the bone without touching it, that is as faint as a shell there: a steeper fall is its outside.
    fn lies_within(&self, pool: &[usize], inside: &[bool]) -> bool {
        let touches = |n: &&usize| self.around(**n).any(|other| inside[other]);
        let beside = |n: &&usize| self.near(**n).any(|other| inside[other]);
        match self.wall_hu(pool.iter().filter(touches), inside) {
            Some(wall_hu) => wall_hu < WALL_HU,
            None => self.wall_hu(pool.iter().filter(beside), inside).is_some_and(|hu| hu < f64::from(DENSE_HU)),
        }
    }

    /// The densest that the bone is near each of these places, in the middle one by size.
    fn wall_hu<'a>(&self, places: impl Iterator<Item = &'a usize>, inside: &[bool]) -> Option<f64> {
        let densest = |n: &usize| self.near(*n).filter(|n| inside[*n]).map(|n| self.hu[n]).fold(f32::MIN, f32::max);
        median(&mut places.map(|n| f64::from(densest(n))).collect::<Vec<_>>())
    }

    /// The voxels within [`SHELL_MM`] of one, in its slice.
    fn near(&self, n: usize) -> impl Iterator<Item = usize> {
        let (spacing_mm, [columns, rows]) = (self.spacing_mm, self.size);
        let reach: [isize; 2] = spacing_mm.map(|s| (SHELL_MM / s).ceil() as isize);
        let at = [(n % columns) as isize, (n / columns) as isize];
        let steps = (-reach[1]..=reach[1]).flat_map(move |dj| (-reach[0]..=reach[0]).map(move |di| [di, dj]));
        steps.filter_map(move |[di, dj]| {
            let (i, j) = (at[0] + di, at[1] + dj);
            let within = i >= 0 && j >= 0 && i < columns as isize && j < rows as isize;
            let is_near = (di as f64 * spacing_mm[0]).hypot(dj as f64 * spacing_mm[1]) <= SHELL_MM;
            (within && is_near).then(|| i as usize + columns * j as usize)
        })
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
