//! Where the bone's own mask ends around the neck: the first guess of its contour, free of socket and trochanter.

use super::frame::NeckFrame;
use crate::cortex::SECTORS;
use crate::cortex::contour::Map;
use crate::smoothing::median;
use crate::volume::{Grid, Region};
use nalgebra::Point3;

/// Steps along a ray through the mask, mm.
const STEP_MM: f64 = 0.5;
/// A gap of the mask narrower than this is none, mm.
const GAP_MM: f64 = 1.5;
/// No neck reaches further from its axis, mm.
const REACH_MM: f64 = 40.0;
/// The mask is as coarse as the slices: medians over so many sectors and sections on either side.
const SECTORS_BESIDE: isize = 4;
const SECTIONS_BESIDE: usize = 2;

/// The outline of `bone` in every section, mm from `centres_mm` (front and up), by sector; NaN where the centre is outside.
pub fn outline(bone: &Region, grid: &Grid, frame: &NeckFrame, along_mm: &[f64], centres_mm: &[[f64; 2]]) -> Map {
    let raw: Map = along_mm
        .iter()
        .zip(centres_mm)
        .map(|(along, centre)| {
            let origin = frame.point(*along, *centre);
            (0..SECTORS).map(|s| reach_mm(bone, grid, origin, frame.direction(s))).collect()
        })
        .collect();
    let n = raw.len();
    (0..n)
        .map(|k| {
            (0..SECTORS as isize)
                .map(|s| {
                    let mut near: Vec<f64> = (k.saturating_sub(SECTIONS_BESIDE)..(k + SECTIONS_BESIDE + 1).min(n))
                        .flat_map(|k| (-SECTORS_BESIDE..=SECTORS_BESIDE).map(move |d| (k, s + d)))
                        .map(|(k, s)| raw[k][s.rem_euclid(SECTORS as isize) as usize])
                        .filter(|r| r.is_finite())
                        .collect();
                    median(&mut near).unwrap_or(f64::NAN)
                })
                .collect()
        })
        .collect()
}

fn reach_mm(bone: &Region, grid: &Grid, origin: Point3<f64>, direction: nalgebra::Vector3<f64>) -> f64 {
    let inside = |r: f64| {
        let at = grid.to_index(origin + direction * r);
        let index = [at.x, at.y, at.z].map(f64::round);
        index.iter().all(|v| *v >= 0.0) && bone.contains(index.map(|v| v as usize))
    };
    let mut last = f64::NAN;
    for n in 0..(REACH_MM / STEP_MM) as usize {
        let r = n as f64 * STEP_MM;
        if inside(r) {
            last = r;
        } else if last.is_nan() || r - last > GAP_MM {
            break;
        }
    }
    last + 0.5 * STEP_MM
}

/// Area (mm²) within a contour and its centroid, relative to where its radii start.
pub fn area_and_centroid(radius_mm: &[f64]) -> (f64, [f64; 2]) {
    let corner = |s: usize| {
        let (sin, cos) = crate::cortex::polar::sector_angle(s % SECTORS).sin_cos();
        [radius_mm[s % SECTORS] * cos, radius_mm[s % SECTORS] * sin]
    };
    let (mut twice, mut sum) = (0.0, [0.0; 2]);
    for s in 0..SECTORS {
        let (a, b) = (corner(s), corner(s + 1));
        let cross = a[0] * b[1] - a[1] * b[0];
        twice += cross;
        (0..2).for_each(|i| sum[i] += cross * (a[i] + b[i]));
    }
    (0.5 * twice, sum.map(|v| v / (3.0 * twice)))
}
