//! A round bone whose wall grows from nothing to nine millimetres along it: thickness against truth on every ray.

#![allow(dead_code)] // Each test binary uses its own part.

use corticalysis::analysis::{Settings, analyze};
use corticalysis::cortex::{Acquisition, SECTORS, polar::sector_angle};
use corticalysis::phantom::{BoneSpec, Phantom, PhantomSpec, RidgeSpec, WallSpec, presets};
use corticalysis::volume::Volume;

const MEAN_MM: f64 = 4.25;
const PER_MM: f64 = -0.0146;
const RADIUS_MM: f64 = 15.0;
/// Level of the fixed-threshold method.
const THRESHOLD_HU: f64 = 600.0;

/// How the wedge was scanned.
#[derive(Debug, Clone, Copy)]
pub struct Scan {
    pub fwhm_mm: f64,
    pub slice_mm: f64,
    pub noise_hu: f64,
    pub tilt_deg: f64,
}

/// All combinations of the ends and the middle that matter: 3 blurs × 3 slices × 3 noises × 3 tilts, every third.
pub fn scans() -> Vec<Scan> {
    let mut out = Vec::new();
    for (i, fwhm_mm) in [1.0, 1.4, 1.8].into_iter().enumerate() {
        for (j, slice_mm) in [1.0, 2.0, 3.0].into_iter().enumerate() {
            for (k, tilt_deg) in [0.0, 15.0, 30.0].into_iter().enumerate() {
                // A Latin square: every noise meets every blur, slice and tilt.
                let noise_hu = [10.0, 25.0, 40.0][(i + j + k) % 3];
                out.push(Scan { fwhm_mm, slice_mm, noise_hu, tilt_deg });
            }
        }
    }
    out
}

/// One ray: true thickness, and what three methods made of it; NaN where a method found no wall.
#[derive(Debug, Clone, Copy)]
pub struct Ray {
    pub true_mm: f64,
    pub model_mm: f64,
    pub half_maximum_mm: f64,
    pub threshold_mm: f64,
}

/// Measures the wedge.
pub fn rays(scan: Scan) -> Vec<Ray> {
    let bone = BoneSpec {
        semi_axes_mm: [RADIUS_MM; 2],
        ridge: RidgeSpec::NONE,
        wall: WallSpec { thickness_mm: MEAN_MM, posterior_mm: 0.0, thinning_per_mm: PER_MM, transition_mm: 0.0 },
        tilt_deg: [scan.tilt_deg, 0.0],
        bow_radius_mm: None,
        marrow_hu: -60.0,
        ..presets::femur()
    };
    let mut spec: PhantomSpec = presets::one_bone(bone);
    spec.scanner.fwhm_mm = scan.fwhm_mm;
    spec.scanner.slice_thickness_mm = scan.slice_mm;
    spec.image.spacing_mm[2] = scan.slice_mm;
    spec.image.size = [160, 160, (120.0 / scan.slice_mm) as usize];
    spec.scanner.noise_hu = scan.noise_hu;
    let built: Phantom = spec.build();
    let acquisition = Acquisition { slice_thickness_mm: Some(scan.slice_mm), blur_fwhm_mm: None };
    let found = analyze(&built.volume, &Settings { acquisition, ..Settings::default() });
    assert_eq!(found.len(), 1, "{scan:?}");
    let (sin, cos) = scan.tilt_deg.to_radians().sin_cos();
    let mut out = Vec::new();
    for slice in found[0].cortex.slices.iter().filter(|s| !s.thickness_mm.is_empty()) {
        for s in 0..SECTORS {
            let (b, a) = sector_angle(s).sin_cos();
            let r = f64::from(slice.periosteal_radius_mm[s]);
            let from_axis = |x: f64, y: f64| {
                let d = [
                    x - spec.bones[0].centre_mm[0],
                    y - spec.bones[0].centre_mm[1],
                    slice.z_mm - spec.image.middle_mm[2],
                ];
                [d[0], d[1] * cos + d[2] * sin, -d[1] * sin + d[2] * cos]
            };
            let own = from_axis(slice.centre_mm[0] + r * a, slice.centre_mm[1] + r * b);
            let true_mm = MEAN_MM * (1.0 + PER_MM * own[2]);
            if !(0.5..=8.0).contains(&true_mm) {
                continue;
            }
            // The others are given the true direction of the wall; obliquity is taken out of their lengths as well.
            let wall = profile(&built.volume, slice.centre_mm, [a, b], slice.slice_index, r);
            let across = from_axis(slice.centre_mm[0] + (r + 1.0) * a, slice.centre_mm[1] + (r + 1.0) * b);
            let cosine = across[0].hypot(across[1]) - own[0].hypot(own[1]);
            out.push(Ray {
                true_mm,
                model_mm: f64::from(slice.thickness_mm[s]),
                half_maximum_mm: cosine * half_maximum(&wall),
                threshold_mm: cosine * width_above(&wall, THRESHOLD_HU),
            });
        }
    }
    out
}

const STEP_MM: f64 = 0.1;

/// HU from 12 mm inside the periosteum to 4 mm outside.
fn profile(volume: &Volume<i16>, centre: [f64; 2], direction: [f64; 2], k: usize, radius: f64) -> Vec<f64> {
    let [columns, ..] = volume.grid.size;
    let pixels = volume.slice(k);
    (0..160)
        .map(|n| {
            let r = (radius - 12.0 + n as f64 * STEP_MM).max(0.0);
            let x = (centre[0] + r * direction[0] - volume.grid.origin_mm.x) / volume.grid.spacing_mm.x;
            let y = (centre[1] + r * direction[1] - volume.grid.origin_mm.y) / volume.grid.spacing_mm.y;
            let (i, j, fx, fy) = (x as usize, y as usize, x.fract(), y.fract());
            let at = |i: usize, j: usize| f64::from(pixels[j * columns + i]);
            (at(i, j) * (1.0 - fx) + at(i + 1, j) * fx) * (1.0 - fy)
                + (at(i, j + 1) * (1.0 - fx) + at(i + 1, j + 1) * fx) * fy
        })
        .collect()
}

/// Between the two places where the wall falls to half of its own maximum above each side.
fn half_maximum(wall: &[f64]) -> f64 {
    let top = (80..wall.len()).max_by(|a, b| wall[*a].total_cmp(&wall[*b])).unwrap_or(120);
    let (inside, outside) = (wall[..20].iter().sum::<f64>() / 20.0, wall[145..].iter().sum::<f64>() / 15.0);
    let low = 0.5 * (wall[top] + inside);
    let high = 0.5 * (wall[top] + outside);
    let from = (0..top).rev().find(|n| wall[*n] < low).unwrap_or(0);
    let to = (top..wall.len()).find(|n| wall[*n] < high).unwrap_or(wall.len());
    (to - from - 1) as f64 * STEP_MM
}

/// Length above a level.
fn width_above(wall: &[f64], level: f64) -> f64 {
    wall.iter().filter(|v| **v >= level).count() as f64 * STEP_MM
}

/// Mean and standard deviation of an error over rays; rays without a value are left out.
pub fn bias_and_sd(rays: &[&Ray], value: fn(&Ray) -> f64) -> (f64, f64) {
    let errors: Vec<f64> = rays.iter().map(|r| value(r) - r.true_mm).filter(|e| e.is_finite()).collect();
    let n = errors.len().max(1) as f64;
    let mean = errors.iter().sum::<f64>() / n;
    (mean, (errors.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / n).sqrt())
}
