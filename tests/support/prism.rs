//! CT of a prism of compact bone whose section is known: sampled finely, tilted, blurred.

#![allow(dead_code)] // Each test binary uses its own part.

use corticalysis::volume::{Grid, Volume};
use nalgebra::{Matrix3, Point3, Vector3};

/// HU of compact bone, of what surrounds it and of the canal.
pub const COMPACT_HU: f64 = 1400.0;
pub const SOFT_HU: f64 = 50.0;
pub const CANAL_HU: f64 = 20.0;

/// Patient place of the middle of the prism.
pub const MIDDLE_MM: Point3<f64> = Point3::new(30.0, -100.0, -300.0);

/// How the prism is scanned.
#[derive(Debug, Clone, Copy)]
pub struct Scan {
    pub pixel_mm: f64,
    pub slice_mm: f64,
    pub tilt_deg: f64,
    /// Full width at half maximum of the blur, mm.
    pub fwhm_mm: f64,
    pub noise_hu: f64,
}

/// Slices of a prism about 110 mm long; `compact(x, y, along)` says how much compact bone is at a place in its own frame, 0 to
/// 1: `x` and `y` across it, `along` from its middle. Tilted in the plane of left and head.
pub fn scan(
    scan: Scan,
    inside_canal: impl Fn(f64, f64) -> bool + Sync,
    compact: impl Fn(f64, f64, f64) -> f64 + Sync,
) -> Volume<i16> {
    let slices = (110.0 / scan.slice_mm) as usize;
    let lean = scan.tilt_deg.to_radians();
    let half_x = 24.0 + 55.0 * lean.tan();
    let size = [(2.0 * half_x / scan.pixel_mm) as usize, (48.0 / scan.pixel_mm) as usize, slices];
    let middle = |a: usize, step: f64| -0.5 * (size[a] - 1) as f64 * step;
    let origin = [middle(0, scan.pixel_mm), middle(1, scan.pixel_mm), middle(2, scan.slice_mm)];
    let grid = Grid {
        size,
        origin_mm: MIDDLE_MM + Vector3::from(origin),
        directions: Matrix3::identity(),
        spacing_mm: Vector3::new(scan.pixel_mm, scan.pixel_mm, scan.slice_mm),
    };
    let sigma = scan.fwhm_mm / 2.354_820_045 / scan.pixel_mm;
    // A pixel blurs by itself: what is sampled finely holds its box already.
    let sigma = (sigma * sigma - 1.0 / 12.0).max(0.01).sqrt();
    let (fine, deep) = (4usize, 3usize);
    let mut voxels = Vec::with_capacity(grid.len());
    for k in 0..slices {
        let mut plane = vec![0.0; size[0] * size[1]];
        for j in 0..size[1] {
            for i in 0..size[0] {
                let mut sum = 0.0;
                for d in 0..deep {
                    let z = origin[2] + scan.slice_mm * (k as f64 + (d as f64 + 0.5) / deep as f64 - 0.5);
                    for a in 0..fine {
                        let x = origin[0] + scan.pixel_mm * (i as f64 + (a as f64 + 0.5) / fine as f64 - 0.5);
                        for b in 0..fine {
                            let y = origin[1] + scan.pixel_mm * (j as f64 + (b as f64 + 0.5) / fine as f64 - 0.5);
                            let (u, along) = (x * lean.cos() - z * lean.sin(), x * lean.sin() + z * lean.cos());
                            let share = compact(u, y, along);
                            let rest = if inside_canal(u, y) { CANAL_HU } else { SOFT_HU };
                            sum += share * COMPACT_HU + (1.0 - share) * rest;
                        }
                    }
                }
                plane[j * size[0] + i] = sum / (fine * fine * deep) as f64;
            }
        }
        let blurred = blur(&plane, size, sigma);
        voxels.extend(blurred.iter().enumerate().map(|(p, hu)| {
            // The same noise each time.
            let n = (p + 7919 * k) as f64;
            let noise = ((12.9898 * n).sin() * 43_758.545).fract()
                + ((78.233 * n).sin() * 12_543.123).fract()
                + ((39.425 * n).sin() * 96_321.77).fract();
            (hu + scan.noise_hu * noise).round() as i16
        }));
    }
    Volume { grid, voxels: voxels.into() }
}

fn blur(plane: &[f64], size: [usize; 2 + 1], sigma: f64) -> Vec<f64> {
    let reach = (4.0 * sigma).ceil() as isize;
    let kernel: Vec<f64> = (-reach..=reach).map(|d| (-0.5 * (d as f64 / sigma).powi(2)).exp()).collect();
    let total: f64 = kernel.iter().sum();
    let along = |plane: &[f64], step: isize, count: usize, index: &dyn Fn(usize) -> usize| -> Vec<f64> {
        (0..plane.len())
            .map(|p| {
                let here = index(p) as isize;
                let sum: f64 = kernel
                    .iter()
                    .enumerate()
                    .map(|(n, weight)| {
                        let d = n as isize - reach;
                        let there = (here + d).clamp(0, count as isize - 1) - here;
                        weight * plane[(p as isize + there * step) as usize]
                    })
                    .sum();
                sum / total
            })
            .collect()
    };
    let rows = along(plane, 1, size[0], &|p| p % size[0]);
    along(&rows, size[0] as isize, size[1], &|p| p / size[0])
}
