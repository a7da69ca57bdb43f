//! The truth of a defect in a real CT: cortical mass along 360 rays of the intact image, and what of it the defect takes.
//!
//! Mass is HU above that of soft tissue (50), not below zero, over the wall of the *intact* image: samples above 400 HU within
//! the outer surface and a pixel around them. So a wall that keeps half of its density has lost half of its mass. The defect's borders are sharp here, as they are in the bone; only the image that is
//! written shows them through the scanner's blur. Good to about two points: the intact image is blurred already, and a wall's
//! trabecular lining counts or not by one threshold.

use super::cutting::Cutter;
use super::guide::{Guide, GuideSlice, RAY_STEP_MM, RAYS, image_along};
use crate::phantom::spec::LesionSpec;
use crate::phantom::truth::{LesionTruth, SliceTruth};
use crate::volume::Volume;
use rayon::prelude::*;
use std::f64::consts::TAU;

/// HU of what lies around the wall: muscle. A higher level would make an even loss of density read as more than it is.
const SOFT_HU: f64 = 50.0;
/// Wall in the intact image.
const WALL_HU: f64 = 400.0;
/// Loss from which a ray is involved, and that counts as through the wall.
const INVOLVED: f64 = 0.30;
const THROUGH: f64 = 0.99;

/// One slice of the bone along its rays.
#[derive(Debug, Clone)]
pub struct SliceLoss {
    intact: Vec<f64>,
    lost: Vec<f64>,
    arc_mm: Vec<f64>,
    ring: bool,
}

impl SliceLoss {
    fn axial(&self) -> f64 {
        let intact: f64 = self.intact.iter().sum();
        if self.ring && intact > 0.0 { 100.0 * self.lost.iter().fold(0.0, |a, b| a + b) / intact } else { 0.0 }
    }

    fn loss(&self, ray: usize) -> f64 {
        if self.ring && self.intact[ray] > 0.0 { self.lost[ray] / self.intact[ray] } else { 0.0 }
    }

    fn circumferential(&self, depth: f64) -> f64 {
        let involved = (0..RAYS).filter(|n| self.loss(*n) > depth).fold(0.0, |sum, n| sum + self.arc_mm[n]);
        100.0 * involved / self.arc_mm.iter().sum::<f64>()
    }
}

/// What the lesions take in every slice of the bone.
pub fn losses(cutter: &Cutter, lesions: &[LesionSpec]) -> Vec<SliceLoss> {
    cutter.guide.slices.par_iter().map(|slice| slice_loss(cutter, slice, lesions)).collect()
}

fn slice_loss(cutter: &Cutter, slice: &GuideSlice, lesions: &[LesionSpec]) -> SliceLoss {
    let volume = cutter.volume;
    let (mut intact, mut lost) = (vec![0.0; RAYS], vec![0.0; RAYS]);
    let mut radius = vec![0.0; RAYS];
    let grid = &volume.grid;
    let pixel = grid.spacing_mm.x.max(grid.spacing_mm.y);
    let wide = (pixel / RAY_STEP_MM).round() as usize;
    for ray in 0..RAYS {
        let before = image_along(volume, slice, ray);
        let (sin, cos) = super::guide::angle_of(ray).sin_cos();
        let outer = slice.outer_towards(cos, sin);
        radius[ray] = outer;
        let dense: Vec<bool> = (before.iter().enumerate())
            .map(|(n, hu)| hu.is_some_and(|hu| hu > WALL_HU) && n as f64 * RAY_STEP_MM <= outer + 1.5)
            .collect();
        let is_wall = |n: usize| dense[n.saturating_sub(wide)..(n + wide + 1).min(dense.len())].contains(&true);
        for (n, point) in slice.ray(volume, ray).enumerate().filter(|(n, _)| is_wall(*n)) {
            let Some(hu) = before[n] else { continue };
            let area = n as f64 * RAY_STEP_MM * RAY_STEP_MM * TAU / RAYS as f64;
            let mass = (hu - SOFT_HU).max(0.0);
            intact[ray] += mass * area;
            let after = cutter.sharp_hu(slice, lesions, point, hu);
            // What is added is no bone of the wall.
            lost[ray] += (mass - (after - SOFT_HU).max(0.0)).max(0.0) * area;
        }
    }
    let step = |n: usize| {
        let [a, b] = [n % RAYS, (n + 1) % RAYS].map(|n| (radius[n], super::guide::angle_of(n)));
        (a.0 * a.1.cos() - b.0 * b.1.cos()).hypot(a.0 * a.1.sin() - b.0 * b.1.sin())
    };
    let arc_mm = (0..RAYS).map(|n| (step(n + RAYS - 1) + step(n)) / 2.0).collect();
    SliceLoss { intact, lost, arc_mm, ring: slice.ring }
}

fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

/// One entry a slice of the image; where the bone is not, or is no ring, `ring` is false.
pub fn slice_truths(volume: &Volume<i16>, guide: &Guide, losses: &[SliceLoss]) -> Vec<SliceTruth> {
    let mut slices: Vec<SliceTruth> = (0..volume.grid.size[2])
        .map(|k| {
            let [nx, ny, _] = volume.grid.size;
            let middle = nalgebra::Vector3::new(nx as f64 / 2.0, ny as f64 / 2.0, k as f64);
            SliceTruth {
                z: rounded(volume.grid.to_patient(middle).z),
                ring: false,
                circ90: Some(0.0),
                circ99: Some(0.0),
                ..SliceTruth::default()
            }
        })
        .collect();
    for (slice, loss) in guide.slices.iter().zip(losses) {
        let circ = |depth: f64| rounded(loss.circumferential(depth));
        slices[slice.k] = SliceTruth {
            z: rounded(slice.centre_mm.z),
            ring: slice.ring,
            axial: rounded(loss.axial()),
            circ30: circ(INVOLVED),
            circ50: circ(0.50),
            circ90: Some(circ(0.90)),
            circ99: Some(circ(THROUGH)),
            centre_mm: Some([rounded(slice.centre_mm.x), rounded(slice.centre_mm.y)]),
            ..SliceTruth::default()
        };
    }
    slices
}

/// One lesion from the losses that it alone makes.
pub fn lesion_truth(guide: &Guide, lesion: &LesionSpec, losses: &[SliceLoss]) -> LesionTruth {
    let step = |n: usize| guide.spacing_mm / guide.slices[n].cosine;
    let involved: Vec<usize> = (0..losses.len()).filter(|n| losses[*n].circumferential(INVOLVED) > 0.0).collect();
    let mut longest = 0.0f64;
    for ray in 0..RAYS {
        let mut run = 0.0;
        for (n, loss) in losses.iter().enumerate() {
            run = if loss.loss(ray) > INVOLVED { run + step(n) } else { 0.0 };
            longest = longest.max(run);
        }
    }
    let ends = involved.first().zip(involved.last());
    let most = |percent: &dyn Fn(&SliceLoss) -> f64| rounded(losses.iter().map(percent).fold(0.0, f64::max));
    LesionTruth {
        kind: lesion.kind().into(),
        type_: lesion.lesion_type().into(),
        z_range_mm: ends.map(|(a, b)| [rounded(guide.slices[*a].centre_mm.z), rounded(guide.slices[*b].centre_mm.z)]),
        axial_extent_mm: rounded(longest),
        height_mm: rounded(ends.map_or(0.0, |(a, b)| (*a..=*b).map(step).sum())),
        through_the_wall: losses.iter().any(|loss| (0..RAYS).any(|n| loss.loss(n) >= THROUGH)),
        max_axial_lysis_percent: most(&|loss| loss.axial()),
        max_circumferential_lysis_percent: most(&|loss| loss.circumferential(INVOLVED)),
    }
}
