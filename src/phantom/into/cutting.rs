//! The defect laid over the image: its shape finely sampled, blurred as the scanner blurs, filled.

use super::guide::{Guide, GuideSlice};
use crate::phantom::noise::{blur, correlated_noise, sigma_of, slice_seed};
use crate::phantom::spec::LesionSpec;
use crate::volume::{NO_DATA, Volume};
use nalgebra::{Point3, Vector3};
use rayon::prelude::*;

/// Samples per pixel along rows and columns, and planes through a slice.
const FINE: usize = 3;
const PLANES: usize = 5;
/// How far outside the bone a window or scallop still takes what is dense: the blurred edge of the wall.
const RIM_MM: f64 = 3.0;

/// What is needed to cut.
pub struct Cutter<'a> {
    pub volume: &'a Volume<i16>,
    pub guide: &'a Guide,
    /// Where the lesions' `along_mm` is 0.
    pub z_mm: f64,
    pub fwhm_mm: f64,
}

/// The noise that a defect is filled with.
pub struct Grain {
    pub noise_hu: f64,
    pub neighbour: f64,
    pub seed: u64,
}

/// The changed part of one slice.
pub struct CutSlice {
    pub k: usize,
    /// First column and row, and how many.
    pub first: [usize; 2],
    pub count: [usize; 2],
    /// HU without noise in the defect.
    pub hu: Vec<f64>,
    /// Share of a pixel that is defect and has no noise of its own.
    fresh: Vec<f64>,
}

/// How a lesion changes what it covers.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// Takes the place of everything: a mass that grows.
    Replace,
    /// Takes what is denser than its fill: the wall goes, the marrow stays.
    Lower,
    /// Adds where the canal is less dense.
    Raise,
}

fn way(lesion: &LesionSpec) -> Way {
    match lesion {
        LesionSpec::Sector { .. } | LesionSpec::Ball { .. } | LesionSpec::Mixed { .. } => Way::Replace,
        LesionSpec::Window { .. } | LesionSpec::EndostealScallop { .. } | LesionSpec::Permeative { .. } => Way::Lower,
        LesionSpec::Blastic { .. } => Way::Raise,
    }
}

impl Cutter<'_> {
    /// Every slice that the lesions touch, in the order of the bone's.
    pub fn cut(&self, lesions: &[LesionSpec]) -> Vec<CutSlice> {
        self.guide.slices.par_iter().filter_map(|slice| self.cut_slice(slice, lesions)).collect()
    }

    fn cut_slice(&self, slice: &GuideSlice, lesions: &[LesionSpec]) -> Option<CutSlice> {
        let grid = &self.volume.grid;
        let along = slice.centre_mm.z - self.z_mm;
        let touched: Vec<&LesionSpec> =
            lesions.iter().filter(|l| l.spans(along - self.guide.spacing_mm, along + self.guide.spacing_mm)).collect();
        if touched.is_empty() {
            return None;
        }
        let centre = grid.to_index(slice.centre_mm);
        let farthest =
            touched.iter().map(|lesion| reach(lesion)).fold(slice.widest_mm(), f64::max) + 4.0 * self.fwhm_mm + 2.0;
        let first = [0, 1].map(|a| ((centre[a] - farthest / grid.spacing_mm[a]).floor().max(0.0)) as usize);
        let last = [0, 1].map(|a| ((centre[a] + farthest / grid.spacing_mm[a]).ceil()).max(0.0) as usize);
        let count = [0, 1].map(|a| (last[a] + 1).min(grid.size[a]).saturating_sub(first[a]));
        if count[0] == 0 || count[1] == 0 {
            return None;
        }
        let pixels = self.volume.slice(slice.k);
        let place = |n: usize| (first[0] + n % count[0], first[1] + n / count[0]);
        let mut hu: Vec<f64> = (0..count[0] * count[1])
            .map(|n| {
                let (i, j) = place(n);
                f64::from(pixels[j * grid.size[0] + i])
            })
            .collect();
        let mut fresh = vec![0.0; hu.len()];
        let sigma = sigma_of(self.fwhm_mm);
        for lesion in touched {
            let mut share = vec![0.0; hu.len()];
            let mut filled = vec![0.0; hu.len()];
            for n in 0..hu.len() {
                let (i, j) = place(n);
                (share[n], filled[n]) = self.covered(slice, lesion, i, j);
            }
            for map in [&mut share, &mut filled] {
                blur(map, count[0], [sigma / grid.spacing_mm.x, sigma / grid.spacing_mm.y]);
            }
            for n in 0..hu.len() {
                if let Some(changed) = mixed(lesion, hu[n], share[n], filled[n]) {
                    hu[n] = changed;
                    fresh[n] = (fresh[n] * (1.0 - share[n]) + share[n]).min(1.0);
                }
            }
        }
        // No data stays no data.
        for n in 0..hu.len() {
            let (i, j) = place(n);
            if pixels[j * grid.size[0] + i] == NO_DATA {
                (hu[n], fresh[n]) = (f64::from(NO_DATA), 0.0);
            }
        }
        Some(CutSlice { k: slice.k, first, count, hu, fresh })
    }

    /// HU at a point of a slice where the intact image has `hu`, with the lesions' borders as sharp as they are in the bone: what
    /// the truth is counted from. The blur of the scanner belongs to the image alone.
    pub fn sharp_hu(&self, slice: &GuideSlice, lesions: &[LesionSpec], point: Point3<f64>, hu: f64) -> f64 {
        let normal = self.normal();
        lesions.iter().fold(hu, |hu, lesion| {
            let (mut share, mut filled) = (0.0, 0.0);
            for plane in 0..PLANES {
                let (loss, fill) = self.effect_at(slice, lesion, point + self.plane_mm(plane) * normal);
                share += loss / PLANES as f64;
                filled += loss * fill / PLANES as f64;
            }
            mixed(lesion, hu, share, filled).unwrap_or(hu)
        })
    }

    fn normal(&self) -> Vector3<f64> {
        let grid = &self.volume.grid;
        grid.directions.column(0).cross(&grid.directions.column(1))
    }

    /// Height of one of the planes through a slice above its middle.
    fn plane_mm(&self, plane: usize) -> f64 {
        part(plane, PLANES) * self.guide.spacing_mm
    }

    fn effect_at(&self, slice: &GuideSlice, lesion: &LesionSpec, p: Point3<f64>) -> (f64, f64) {
        let [x, y] = self.guide.axis_at(p.z);
        effect(slice, lesion, Vector3::new(p.x - x, p.y - y, p.z - self.z_mm))
    }

    /// Share of a pixel that a lesion covers, and that share times the HU it puts there.
    fn covered(&self, slice: &GuideSlice, lesion: &LesionSpec, i: usize, j: usize) -> (f64, f64) {
        let grid = &self.volume.grid;
        let normal = self.normal();
        let (mut share, mut filled) = (0.0, 0.0);
        for plane in 0..PLANES {
            for fine in 0..FINE * FINE {
                let index = Vector3::new(
                    i as f64 + part(fine % FINE, FINE),
                    j as f64 + part(fine / FINE, FINE),
                    slice.k as f64,
                );
                let p = grid.to_patient(index) + self.plane_mm(plane) * normal;
                let (loss, hu) = self.effect_at(slice, lesion, p);
                share += loss;
                filled += loss * hu;
            }
        }
        let samples = (PLANES * FINE * FINE) as f64;
        (share / samples, filled / samples)
    }
}

/// Where the `n`th of some equal parts lies about the middle, as a share of the whole.
fn part(n: usize, of: usize) -> f64 {
    (n as f64 + 0.5) / of as f64 - 0.5
}

/// HU where a lesion takes a share and puts `filled` (its HU times that share); `None` where it changes nothing.
fn mixed(lesion: &LesionSpec, hu: f64, share: f64, filled: f64) -> Option<f64> {
    let fill = lesion.fill_hu();
    match way(lesion) {
        Way::Replace => Some(hu * (1.0 - share) + filled),
        Way::Lower if hu > fill => Some(hu - share * (hu - fill)),
        Way::Raise if hu < fill => Some(hu + share * (fill - hu)),
        Way::Lower | Way::Raise => None,
    }
}

/// What a lesion does at a point relative to the axis: the share it takes (or gives), and with what.
fn effect(slice: &GuideSlice, lesion: &LesionSpec, q: Vector3<f64>) -> (f64, f64) {
    let r = q.x.hypot(q.y);
    let canal = lesion.canal_fill(q);
    match way(lesion) {
        Way::Replace => match canal {
            // The sector ends with the bone; a ball may grow out of it.
            Some(_) if matches!(lesion, LesionSpec::Sector { .. }) && r > slice.outer_towards(q.x, q.y) + RIM_MM => {
                (0.0, 0.0)
            }
            Some(hu) if r < slice.inner_towards(q.x, q.y) => (1.0, hu),
            Some(_) => (1.0, lesion.fill_hu()),
            None => (0.0, 0.0),
        },
        Way::Lower => {
            let outer = slice.outer_towards(q.x, q.y);
            let loss = lesion.wall_loss(q, |inset| r < outer - inset);
            if r < outer + RIM_MM { (loss, lesion.fill_hu()) } else { (0.0, 0.0) }
        }
        Way::Raise => match canal {
            Some(hu) if r < slice.inner_towards(q.x, q.y) - 1.0 => (1.0, hu),
            _ => (0.0, 0.0),
        },
    }
}

/// Distance from the axis that a lesion nowhere exceeds, beyond the bone's own surface.
fn reach(lesion: &LesionSpec) -> f64 {
    match *lesion {
        LesionSpec::Ball { offset_mm, radius_mm, .. }
        | LesionSpec::Blastic { offset_mm, radius_mm, .. }
        | LesionSpec::Mixed { offset_mm, radius_mm, .. } => offset_mm + radius_mm,
        _ => 0.0,
    }
}

/// The image with the changed parts in it, noise where they have none of their own.
pub fn with_noise(volume: &Volume<i16>, slices: &[CutSlice], grain: &Grain) -> Volume<i16> {
    let [nx, ny, _] = volume.grid.size;
    let mut out = volume.clone();
    for slice in slices {
        let noise = correlated_noise(slice.count[0], slice.count[1], grain.neighbour, slice_seed(grain.seed, slice.k));
        let pixels = &mut out.voxels[slice.k * nx * ny..(slice.k + 1) * nx * ny];
        for (n, noise) in noise.into_iter().enumerate() {
            let (i, j) = (slice.first[0] + n % slice.count[0], slice.first[1] + n / slice.count[0]);
            let pixel = &mut pixels[j * nx + i];
            if *pixel != NO_DATA {
                let hu = slice.hu[n] + slice.fresh[n] * noise * grain.noise_hu;
                *pixel = hu.round().clamp(-1024.0, f64::from(i16::MAX)) as i16;
            }
        }
    }
    out
}
