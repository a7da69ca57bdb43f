//! The surroundings of one bone, as large as they need be and no finer: where bones are taken apart.

use crate::volume::{DIRECTIONS, Grid, NO_DATA, Region, Run, Volume};
use nalgebra::{Point3, Vector3};
use rayon::prelude::*;

/// Finest steps that help telling bones apart, mm: in the slice and across slices.
const STEP_MM: [f64; 3] = [1.0, 1.0, 2.0];
/// HU beyond which nothing more is learnt about where a bone ends.
const CLIP_HU: [f32; 2] = [-200.0, 1300.0];
/// No soft tissue without contrast medium is denser, HU.
const SOFT_HU: f32 = 100.0;
/// Of the directions between neighbours those that stay in a slice come first.
pub const IN_SLICE: usize = 4;

/// Least blur of the sharpening, in steps of the window.
const LEAST_SIGMA: f64 = 0.7;

/// A box of a volume, voxels averaged where they are finer than needed.
#[derive(Debug, Clone)]
pub struct Window {
    /// First voxel of the volume along each axis.
    first: [usize; 3],
    /// Voxels of the volume in one of these, along each axis.
    factor: [usize; 3],
    /// Columns, rows and slices.
    pub size: [usize; 3],
    /// Distance between neighbours.
    pub spacing_mm: [f64; 3],
    /// HU; NaN where there is no data.
    pub hu: Vec<f32>,
    grid: Grid,
}

impl Window {
    /// The voxels from `first` to `last` of a volume, both inclusive.
    pub fn of(volume: &Volume<i16>, first: [usize; 3], last: [usize; 3]) -> Window {
        let s = volume.grid.spacing_mm;
        let factor: [usize; 3] = std::array::from_fn(|a| ((STEP_MM[a] / s[a]).round() as usize).max(1));
        let size: [usize; 3] = std::array::from_fn(|a| (last[a] + 1 - first[a]).div_ceil(factor[a]));
        let mut hu = vec![0.0f32; size.iter().product()];
        let plane = size[0] * size[1];
        hu.par_chunks_mut(plane.max(1)).enumerate().for_each(|(k, out)| {
            let slices = first[2] + k * factor[2]..(first[2] + (k + 1) * factor[2]).min(last[2] + 1);
            average(volume, slices, first, last, factor, size, out);
        });
        let spacing_mm = std::array::from_fn(|a| s[a] * factor[a] as f64);
        Window { first, factor, size, spacing_mm, hu, grid: volume.grid.clone() }
    }

    /// The same with everything denser than soft tissue, [`SOFT_HU`], that many times as dense above it.
    pub fn stretched(mut self, factor: f32) -> Window {
        if factor != 1.0 {
            // NaN stays what it is.
            self.hu.iter_mut().filter(|hu| **hu > SOFT_HU).for_each(|hu| *hu = SOFT_HU + factor * (*hu - SOFT_HU));
        }
        self
    }

    /// Patient position of a (continuous) place in the window.
    pub fn to_patient(&self, at: [f64; 3]) -> Point3<f64> {
        let index: Vec<f64> =
            (0..3).map(|a| self.first[a] as f64 + (at[a] + 0.5) * self.factor[a] as f64 - 0.5).collect();
        self.grid.to_patient(Vector3::new(index[0], index[1], index[2]))
    }

    /// Place in the window, in steps of it, of a (continuous) voxel index of the volume.
    pub fn place(&self, index: [f64; 3]) -> [f64; 3] {
        std::array::from_fn(|a| (index[a] - self.first[a] as f64 + 0.5) / self.factor[a] as f64 - 0.5)
    }

    /// Number of the voxel at a place, if it is within.
    pub fn voxel(&self, at: [f64; 3]) -> Option<usize> {
        let mut number = 0;
        for a in [2, 1, 0] {
            let v = at[a].round();
            if !(0.0..self.size[a] as f64).contains(&v) {
                return None;
            }
            number = number * self.size[a] + v as usize;
        }
        Some(number)
    }

    /// Column, row and slice of a voxel of the window.
    pub fn index(&self, voxel: usize) -> [usize; 3] {
        [voxel % self.size[0], voxel / self.size[0] % self.size[1], voxel / (self.size[0] * self.size[1])]
    }

    /// Where a voxel lies, mm from the centre of the first one along the axes.
    pub fn mm(&self, voxel: usize) -> Vector3<f64> {
        let index = self.index(voxel);
        Vector3::from_fn(|a, _| index[a] as f64 * self.spacing_mm[a])
    }

    /// The same of a place.
    pub fn place_mm(&self, at: [f64; 3]) -> Vector3<f64> {
        Vector3::from_fn(|a, _| at[a] * self.spacing_mm[a])
    }

    /// Patient position of what [`Window::mm`] and [`Window::place_mm`] give.
    pub fn patient_of_mm(&self, mm: Vector3<f64>) -> Point3<f64> {
        self.to_patient(std::array::from_fn(|a| mm[a] / self.spacing_mm[a]))
    }

    /// A direction along the axes of the window as one of the patient.
    pub fn direction_of(&self, along_axes: Vector3<f64>) -> Vector3<f64> {
        self.grid.directions * along_axes
    }

    /// A direction of the patient along the axes of the window.
    pub fn axes_of(&self, direction: Vector3<f64>) -> Vector3<f64> {
        self.grid.directions.transpose() * direction
    }

    /// The neighbour of a voxel in one of six directions (towards lower and higher column, row, slice).
    pub fn neighbour(&self, voxel: usize, direction: usize) -> Option<usize> {
        let axis = direction / 2;
        let stride = self.strides()[axis];
        self.next_to(voxel, voxel / stride % self.size[axis], direction)
    }

    /// All six, in the order of the directions.
    pub fn neighbours(&self, voxel: usize) -> [Option<usize>; DIRECTIONS] {
        let at = self.index(voxel);
        std::array::from_fn(|d| self.next_to(voxel, at[d / 2], d))
    }

    fn strides(&self) -> [usize; 3] {
        [1, self.size[0], self.size[0] * self.size[1]]
    }

    /// The neighbour of a voxel that lies `at` along the axis of a direction.
    fn next_to(&self, voxel: usize, at: usize, direction: usize) -> Option<usize> {
        let axis = direction / 2;
        let stride = self.strides()[axis];
        if direction % 2 == 1 {
            (at + 1 < self.size[axis]).then_some(voxel + stride)
        } else {
            (at > 0).then(|| voxel - stride)
        }
    }

    /// The voxels that hang together with those of `start` through voxels for which `through` holds.
    pub fn reached(&self, start: Vec<usize>, through: impl Fn(usize) -> bool) -> Vec<bool> {
        self.reached_along(start, |voxel, _| through(voxel))
    }

    /// The same where it matters from which side a voxel is entered: `through` is asked for the voxel and the direction that leads into it.
    pub fn reached_along(&self, start: Vec<usize>, through: impl Fn(usize, usize) -> bool) -> Vec<bool> {
        let mut reached = vec![false; self.hu.len()];
        start.iter().for_each(|voxel| reached[*voxel] = true);
        let mut stack = start;
        while let Some(voxel) = stack.pop() {
            for (direction, other) in self.neighbours(voxel).into_iter().enumerate() {
                if let Some(other) = other.filter(|other| !reached[*other] && through(*other, direction)) {
                    reached[other] = true;
                    stack.push(other);
                }
            }
        }
        reached
    }

    /// The voxels of `start`, and all that `take` takes of those that hang together with them along the first so many directions. A voxel that was taken
    /// must not be taken again.
    pub fn piece(&self, start: Vec<usize>, directions: usize, mut take: impl FnMut(usize) -> bool) -> Vec<usize> {
        let mut piece = start;
        let mut next = 0;
        while next < piece.len() {
            let beside = self.neighbours(piece[next]).into_iter().take(directions).flatten();
            piece.extend(beside.filter(|other| take(*other)));
            next += 1;
        }
        piece
    }

    /// Does the voxel lie in the first or last slice, or at an edge, of the *volume*?
    pub fn at_edge_of_image(&self, voxel: usize, axis: usize) -> bool {
        let at = self.index(voxel)[axis];
        let low = self.first[axis] == 0 && at == 0;
        low || (at + 1 == self.size[axis]
            && self.first[axis] + self.size[axis] * self.factor[axis] >= self.grid.size[axis])
    }

    /// Its last slice in a direction, and whether the *volume* ends there, too.
    pub fn last_slice(&self, upper: bool) -> (usize, bool) {
        let slice = if upper { self.size[2] - 1 } else { 0 };
        (slice, self.at_edge_of_image(slice * self.size[0] * self.size[1], 2))
    }

    /// The image with small dark gaps deepened: HU plus `gain` times what a blur of `sigma_mm` takes away.
    ///
    /// Krčah, Székely, Blanc: *Fully automatic and fast segmentation of the femur bone from 3D-CT images with no shape prior*,
    /// ISBI 2011, sharpen so before they cut, to keep narrow joint spaces open.
    pub fn sharpened(&self, gain: f32, sigma_mm: f64) -> Vec<f32> {
        let clipped: Vec<f32> =
            self.hu.iter().map(|v| if v.is_nan() { CLIP_HU[0] } else { v.clamp(CLIP_HU[0], CLIP_HU[1]) }).collect();
        // Across thick slices a gap is one sample deep: a blur narrower than the sampling would take nothing away.
        let sigmas = self.spacing_mm.map(|s| sigma_mm.max(LEAST_SIGMA * s));
        let blurred = blur_each(&clipped, self.size, self.spacing_mm, sigmas);
        let sharp = |n: usize| {
            let v = self.hu[n];
            if v.is_nan() { CLIP_HU[0] } else { v + gain * (clipped[n] - blurred[n]) }
        };
        (0..self.hu.len()).into_par_iter().map(sharp).collect()
    }

    /// A set of voxels of the window as voxels of the volume.
    pub fn region(&self, inside: &[bool]) -> Region {
        let mut slices = vec![Vec::new(); self.grid.size[2]];
        for (k, runs) in slices.iter_mut().enumerate().skip(self.first[2]).take(self.size[2] * self.factor[2]) {
            let wk = (k - self.first[2]) / self.factor[2];
            for wj in 0..self.size[1] {
                let row = &inside[self.size[0] * (wj + self.size[1] * wk)..][..self.size[0]];
                let mut i = 0;
                while i < row.len() {
                    if !row[i] {
                        i += 1;
                        continue;
                    }
                    let start = i;
                    while i < row.len() && row[i] {
                        i += 1;
                    }
                    for j in self.first[1] + wj * self.factor[1]
                        ..(self.first[1] + (wj + 1) * self.factor[1]).min(self.grid.size[1])
                    {
                        runs.push(Run {
                            j,
                            first: self.first[0] + start * self.factor[0],
                            last: self.first[0] + i * self.factor[0] - 1,
                        });
                    }
                }
            }
        }
        Region::from_runs(self.grid.size, slices)
    }
}

/// The mean of each block of voxels that hold data, for one slice of the window.
fn average(
    volume: &Volume<i16>,
    slices: std::ops::Range<usize>,
    first: [usize; 3],
    last: [usize; 3],
    factor: [usize; 3],
    size: [usize; 3],
    out: &mut [f32],
) {
    let columns = volume.grid.size[0];
    for wj in 0..size[1] {
        let rows = first[1] + wj * factor[1]..(first[1] + (wj + 1) * factor[1]).min(last[1] + 1);
        for wi in 0..size[0] {
            let cols = first[0] + wi * factor[0]..(first[0] + (wi + 1) * factor[0]).min(last[0] + 1);
            let (mut sum, mut n) = (0i32, 0i32);
            for k in slices.clone() {
                let pixels = volume.slice(k);
                for j in rows.clone() {
                    for v in &pixels[j * columns + cols.start..j * columns + cols.end] {
                        if *v != NO_DATA {
                            sum += i32::from(*v);
                            n += 1;
                        }
                    }
                }
            }
            out[wj * size[0] + wi] = if n > 0 { sum as f32 / n as f32 } else { f32::NAN };
        }
    }
}

/// Gaussian blur of a field, axis by axis; beyond the box the outermost values go on.
pub fn blur(field: &[f32], size: [usize; 3], spacing_mm: [f64; 3], sigma_mm: f64) -> Vec<f32> {
    blur_each(field, size, spacing_mm, [sigma_mm; 3])
}

pub(super) fn blur_each(field: &[f32], size: [usize; 3], spacing_mm: [f64; 3], sigma_mm: [f64; 3]) -> Vec<f32> {
    let kernels: Vec<Vec<f32>> = spacing_mm.iter().zip(sigma_mm).map(|(s, sigma)| kernel(sigma / s)).collect();
    let [columns, rows, slices] = size;
    let plane = columns * rows;
    let mut out = field.to_vec();
    out.par_chunks_mut(plane.max(1)).for_each(|slice| {
        let mut line = Vec::new();
        for row in slice.chunks_mut(columns) {
            filter(row, 0, 1, columns, &kernels[0], &mut line);
        }
        for i in 0..columns {
            filter(slice, i, columns, rows, &kernels[1], &mut line);
        }
    });
    let reach = kernels[2].len() - 1;
    if reach == 0 || slices < 2 {
        return out;
    }
    let flat = out.clone();
    out.par_chunks_mut(plane).enumerate().for_each(|(k, slice)| {
        slice.fill(0.0);
        for step in -(reach as isize)..=reach as isize {
            let from = (k as isize + step).clamp(0, slices as isize - 1) as usize;
            let weight = kernels[2][step.unsigned_abs()];
            for (v, other) in slice.iter_mut().zip(&flat[from * plane..(from + 1) * plane]) {
                *v += weight * other;
            }
        }
    });
    out
}

/// Weights of a Gaussian from its middle outwards; they sum to one over both sides.
fn kernel(sigma: f64) -> Vec<f32> {
    let reach = (3.0 * sigma).ceil() as usize;
    let raw: Vec<f64> =
        (0..=reach).map(|n| if sigma > 0.0 { (-0.5 * (n as f64 / sigma).powi(2)).exp() } else { 1.0 }).collect();
    let sum = raw[0] + 2.0 * raw[1..].iter().sum::<f64>();
    raw.iter().map(|w| (w / sum) as f32).collect()
}

fn filter(data: &mut [f32], start: usize, step: usize, n: usize, kernel: &[f32], line: &mut Vec<f32>) {
    if kernel.len() < 2 {
        return;
    }
    line.clear();
    line.extend((0..n).map(|q| data[start + q * step]));
    for q in 0..n {
        let mut sum = kernel[0] * line[q];
        for (d, weight) in kernel.iter().enumerate().skip(1) {
            sum += weight * (line[q.saturating_sub(d)] + line[(q + d).min(n - 1)]);
        }
        data[start + q * step] = sum;
    }
}
