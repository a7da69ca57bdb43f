//! The neck's own frame, and the CT seen from it: rays in planes across the neck.

use crate::cortex::SECTORS;
use crate::cortex::polar::{STEP_MM, sector_angle};
use crate::volume::{Volume, between_pixels};
use nalgebra::{Point3, Vector3};
use rayon::prelude::*;

/// A neck nearer to upright than this has no side that looks up.
const LEAST_LEAN: f64 = 0.2;

/// Where a neck lies: from the centre of the head along its axis. All directions are unit vectors of the patient.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NeckFrame {
    /// Centre of the head, patient millimetres.
    pub head_mm: Point3<f64>,
    /// From the head towards the trochanters.
    pub axis: Vector3<f64>,
    /// Across the axis, towards the front: sectors are counted from here …
    pub front: Vector3<f64>,
    /// … towards this side, which looks up. Of both sides of a patient the same sectors are thus the same side of the neck.
    pub up: Vector3<f64>,
}

impl NeckFrame {
    /// `None` where the points fall together or the neck stands upright.
    pub fn new(head_mm: Point3<f64>, neck_mm: Point3<f64>) -> Option<Self> {
        let axis = (neck_mm - head_mm).try_normalize(1e-6)?;
        let up = (Vector3::z() - axis * axis.z).try_normalize(LEAST_LEAN)?;
        let across = axis.cross(&up);
        let front = if across.y > 0.0 { -across } else { across };
        Some(Self { head_mm, axis, front, up })
    }

    /// Patient position of a place `along_mm` from the head's centre and `off_mm` towards front and up.
    pub fn point(&self, along_mm: f64, off_mm: [f64; 2]) -> Point3<f64> {
        self.head_mm + self.axis * along_mm + self.front * off_mm[0] + self.up * off_mm[1]
    }

    /// The patient direction in which the middle of a sector lies.
    pub fn direction(&self, sector: usize) -> Vector3<f64> {
        let (sin, cos) = sector_angle(sector).sin_cos();
        self.front * cos + self.up * sin
    }

    /// A direction given along front, up and axis as one of the patient.
    pub fn to_patient(&self, v: [f64; 3]) -> Vector3<f64> {
        self.front * v[0] + self.up * v[1] + self.axis * v[2]
    }
}

/// HU along [`SECTORS`] rays of `samples` steps of [`STEP_MM`] from each of the `origins`, one after another; NaN without data.
pub fn rays(volume: &Volume<i16>, frame: &NeckFrame, origins: &[Point3<f64>], samples: usize) -> Vec<f32> {
    let mut hu = vec![f32::NAN; origins.len() * SECTORS * samples];
    hu.par_chunks_mut((SECTORS * samples).max(1)).zip(origins).for_each(|(section, origin)| {
        let start = volume.grid.to_index(*origin);
        for (s, ray) in section.chunks_mut(samples).enumerate() {
            let step = volume.grid.to_index(origin + frame.direction(s) * STEP_MM) - start;
            for (n, value) in ray.iter_mut().enumerate() {
                *value = sample(volume, start + step * n as f64);
            }
        }
    });
    hu
}

/// HU at a continuous voxel index, on straight lines between voxels. Across thick slices that blurs as much again as the slice itself
/// ([`sigma_across_slices_mm`]); a cubic between slices blurs less, but its undershoot beside a wall made walls of 1 mm 0.15 mm thinner.
fn sample(volume: &Volume<i16>, at: Vector3<f64>) -> f32 {
    let [columns, rows, slices] = volume.grid.size;
    let within = |v: f64, n: usize| v >= 0.0 && v < n as f64 - 1.0;
    if !within(at.x, columns) || !within(at.y, rows) || !within(at.z, slices) {
        return f32::NAN;
    }
    let (i, j, k) = (at.x as usize, at.y as usize, at.z as usize);
    let [right, down, up] = [at.x - i as f64, at.y - j as f64, at.z - k as f64].map(|v| v as f32);
    let in_slice = |k: usize| between_pixels(volume.slice(k), columns, [i, j], [right, down]);
    let (below, above) = (in_slice(k), in_slice(k + 1));
    below * (1.0 - up) + above * up
}

/// Standard deviation of the blur across slices: a box of the slice's thickness, and the straight lines between slices.
pub fn sigma_across_slices_mm(thickness_mm: f64, spacing_mm: f64) -> f64 {
    ((thickness_mm * thickness_mm + 2.0 * spacing_mm * spacing_mm) / 12.0).sqrt()
}
