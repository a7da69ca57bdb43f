//! How dense the wall of a shaft is, slice by slice and all around: the highest HU on the way out of its middle.

use super::Shaft;
use crate::smoothing::median;
use crate::volume::{NO_DATA, Volume};
use rayon::prelude::*;

/// Directions around the bone.
pub(super) const AROUND: usize = 36;
/// How far beyond the shaft's rings is looked, mm.
const BEYOND_MM: f64 = 24.0;
/// How far outside its ring a wall is looked for, mm.
const OUTSIDE_MM: f64 = 2.0;
/// HU of what is there where no bone is.
pub(super) const SOFT_HU: f64 = 50.0;

/// The highest HU per slice and direction.
pub(super) struct Peaks {
    /// First slice of the volume that is looked at.
    pub first: usize,
    pub dz_mm: f64,
    /// Radius of the bone, mm.
    pub radius_mm: f64,
    /// NaN outside the image.
    pub hu: Vec<[f64; AROUND]>,
}

impl Peaks {
    pub fn around(volume: &Volume<i16>, shaft: &Shaft) -> Peaks {
        let dz_mm = volume.grid.spacing_mm.z;
        let (first, last) = shaft.span();
        let beyond = (BEYOND_MM / dz_mm).ceil() as usize;
        let (first, last) = (first.saturating_sub(beyond), (last + beyond).min(volume.grid.size[2] - 1));
        let axis = shaft.axis(volume);
        let mut radii: Vec<f64> = shaft.rings.iter().map(|r| 0.5 * r.axes_mm[0]).collect();
        let radius_mm = median(&mut radii).unwrap_or(0.0);
        let rings = &shaft.rings;
        let reach = |k: usize| {
            let near = rings.partition_point(|r| r.k < k).min(rings.len() - 1);
            0.5 * rings[near].axes_mm[0] + OUTSIDE_MM
        };
        let hu = (first..=last).into_par_iter().map(|k| highest(volume, k, axis[k], reach(k))).collect();
        Peaks { first, dz_mm, radius_mm, hu }
    }

    pub fn slices(&self) -> usize {
        self.hu.len()
    }

    /// Median of a direction's peaks over some slices.
    pub fn median(&self, slices: std::ops::Range<usize>, s: usize) -> Option<f64> {
        let mut values: Vec<f64> =
            slices.filter_map(|k| self.hu.get(k).map(|row| row[s])).filter(|v| !v.is_nan()).collect();
        median(&mut values)
    }
}

fn highest(volume: &Volume<i16>, k: usize, centre_mm: [f64; 2], reach_mm: f64) -> [f64; AROUND] {
    let [columns, rows, _] = volume.grid.size;
    let s = volume.grid.spacing_mm;
    let pixels = volume.slice(k);
    let step = 0.5 * s.x.min(s.y);
    std::array::from_fn(|n| {
        let (sin, cos) = (std::f64::consts::TAU * n as f64 / AROUND as f64).sin_cos();
        let mut most = f64::NAN;
        for d in 0..(reach_mm / step) as usize {
            let r = d as f64 * step;
            let (x, y) = (((centre_mm[0] + r * cos) / s.x).round(), ((centre_mm[1] + r * sin) / s.y).round());
            if x < 0.0 || y < 0.0 || x >= columns as f64 || y >= rows as f64 {
                return f64::NAN;
            }
            let hu = pixels[y as usize * columns + x as usize];
            if hu == NO_DATA {
                return f64::NAN;
            }
            most = most.max(f64::from(hu));
        }
        most
    })
}
