//! The scanner: a slab of the slice thickness, a Gaussian in-plane blur, a kernel's overshoot, noise.

use super::bone::PlacedBone;
use super::noise::{blur, correlated_noise, gaussian, sigma_of, slice_seed};
use super::spec::{PhantomSpec, cortical_hu_at};
use crate::volume::{Grid, Volume};
use nalgebra::{Matrix3, Point3, Vector3};
use rayon::prelude::*;

/// Samples per pixel along a row and a column, odd so that one lies at the pixel's centre.
const FINE: usize = 3;
/// What a scanner stores: below it is no tissue and no air.
const HU_RANGE: [f64; 2] = [-1024.0, 3071.0];

/// The grid of the image: axial, its middle where the specification says.
pub fn grid(spec: &PhantomSpec) -> Grid {
    let spacing_mm = Vector3::from(spec.image.spacing_mm);
    let half = Vector3::from(spec.image.size.map(|n| (n as f64 - 1.0) / 2.0)).component_mul(&spacing_mm);
    Grid {
        size: spec.image.size,
        origin_mm: Point3::from(spec.image.middle_mm) - half,
        directions: Matrix3::identity(),
        spacing_mm,
    }
}

/// Renders every slice.
pub fn scan(spec: &PhantomSpec, bones: &[PlacedBone]) -> Volume<i16> {
    let grid = grid(spec);
    let pixels = grid.size[0] * grid.size[1];
    let mut voxels = vec![0i16; grid.len()];
    voxels.par_chunks_mut(pixels.max(1)).enumerate().for_each(|(k, out)| {
        let noise_seed = slice_seed(spec.seed, k);
        let mut hu = without_noise(spec, &grid, bones, k);
        if spec.scanner.noise_hu > 0.0 {
            let noise = correlated_noise(grid.size[0], grid.size[1], spec.scanner.noise_neighbour, noise_seed);
            hu.iter_mut().zip(noise).for_each(|(hu, noise)| *hu += noise * spec.scanner.noise_hu);
        }
        out.iter_mut().zip(hu).for_each(|(out, hu)| *out = hu.round().clamp(HU_RANGE[0], HU_RANGE[1]) as i16);
    });
    Volume { grid, voxels: voxels.into() }
}

/// HU of slice `k`, row by row, before noise and rounding.
pub fn without_noise(spec: &PhantomSpec, grid: &Grid, bones: &[PlacedBone], k: usize) -> Vec<f64> {
    let z = grid.origin_mm.z + k as f64 * grid.spacing_mm.z;
    let mut hu = background(spec, grid, bones, z);
    for bone in bones {
        add_bone(spec, grid, bone, z, &mut hu);
    }
    if spec.scanner.overshoot > 0.0 {
        let mut wide = hu.clone();
        let sigma = sigma_of(spec.scanner.overshoot_fwhm_mm);
        blur(&mut wide, grid.size[0], [sigma / grid.spacing_mm.x, sigma / grid.spacing_mm.y]);
        hu.iter_mut().zip(wide).for_each(|(hu, wide)| *hu += spec.scanner.overshoot * (*hu - wide));
    }
    hu
}

/// Everything but the bones.
fn background(spec: &PhantomSpec, grid: &Grid, bones: &[PlacedBone], z: f64) -> Vec<f64> {
    let body = &spec.body;
    let Some(limb) = &body.limb else {
        return vec![body.soft_tissue_hu; grid.size[0] * grid.size[1]];
    };
    let centres: Vec<[f64; 2]> = bones.iter().map(|bone| bone.axis_at(z)).collect();
    let mut hu = Vec::with_capacity(grid.size[0] * grid.size[1]);
    // Edges a pixel wide.
    let edge = |inside_mm: f64, pixel_mm: f64| (inside_mm / pixel_mm + 0.5).clamp(0.0, 1.0);
    for j in 0..grid.size[1] {
        let y = grid.origin_mm.y + j as f64 * grid.spacing_mm.y;
        let outside = body.table.as_ref().map_or(body.air_hu, |table| {
            let depth = y - table.top_y_mm;
            let within =
                |from: f64, to: f64| edge(depth - from, grid.spacing_mm.y) * edge(to - depth, grid.spacing_mm.y);
            let core = within(table.skin_mm, table.thickness_mm - table.skin_mm);
            let skins = (within(0.0, table.thickness_mm) - core).max(0.0);
            body.air_hu + (table.core_hu - body.air_hu) * core + (table.skin_hu - body.air_hu) * skins
        });
        for i in 0..grid.size[0] {
            let x = grid.origin_mm.x + i as f64 * grid.spacing_mm.x;
            let nearest = centres.iter().map(|c| (x - c[0]).hypot(y - c[1])).fold(f64::INFINITY, f64::min);
            let within = |radius: f64| edge(radius - nearest, grid.spacing_mm.x);
            let skin = within(limb.skin_radius_mm);
            hu.push(
                outside
                    + (body.fat_hu - outside) * skin
                    + (body.soft_tissue_hu - body.fat_hu) * within(limb.muscle_radius_mm),
            );
        }
    }
    hu
}

/// The pixels around one bone in one slice, finely sampled. It may reach over the border of the image.
struct Patch {
    /// First pixel.
    first: [i64; 2],
    /// Pixels.
    count: [usize; 2],
    /// Samples.
    fine: [usize; 2],
    /// What the bone adds to soft tissue.
    samples: Vec<f64>,
}

/// Samples the bone finely, blurs, and adds the value at the pixel centres.
fn add_bone(spec: &PhantomSpec, grid: &Grid, bone: &PlacedBone, z: f64, hu: &mut [f64]) {
    let sigma = sigma_of(spec.scanner.fwhm_mm);
    let pixel = [grid.spacing_mm.x, grid.spacing_mm.y];
    let kernels = pixel.map(|p| gaussian(sigma / p * FINE as f64));
    let patch = sample(spec, grid, bone, z, 4.0 * sigma + pixel[0].max(pixel[1]));
    let (count, fine) = (patch.count, patch.fine);
    // Along the rows at pixel columns only, then along the columns at pixel rows only.
    let tap = |values: &dyn Fn(usize) -> f64, kernel: &[f64], n: usize, p: usize| -> f64 {
        let (middle, half) = ((p * FINE + FINE / 2) as i64, (kernel.len() / 2) as i64);
        let taps = kernel.iter().zip(middle - half..).filter(|(_, f)| *f >= 0 && (*f as usize) < n);
        taps.map(|(w, f)| w * values(f as usize)).sum()
    };
    let mut rows = vec![0.0; count[0] * fine[1]];
    for fy in 0..fine[1] {
        let line = &patch.samples[fy * fine[0]..(fy + 1) * fine[0]];
        for px in 0..count[0] {
            rows[fy * count[0] + px] = tap(&|f| line[f], &kernels[0], fine[0], px);
        }
    }
    for py in 0..count[1] {
        for px in 0..count[0] {
            let (i, j) = (patch.first[0] + px as i64, patch.first[1] + py as i64);
            if i >= 0 && j >= 0 && (i as usize) < grid.size[0] && (j as usize) < grid.size[1] {
                hu[j as usize * grid.size[0] + i as usize] +=
                    tap(&|f| rows[f * count[0] + px], &kernels[1], fine[1], py);
            }
        }
    }
}

/// The bone's own samples, averaged through the slice. Pixels far from any surface are sampled once.
fn sample(spec: &PhantomSpec, grid: &Grid, bone: &PlacedBone, z: f64, margin: f64) -> Patch {
    let thickness = spec.scanner.slice_thickness_mm;
    let (reach, centre) = (bone.reach_mm(z, thickness), bone.axis_at(z));
    let pixel = [grid.spacing_mm.x, grid.spacing_mm.y];
    let origin = [grid.origin_mm.x, grid.origin_mm.y];
    let margin = reach + margin;
    let first: [i64; 2] = [0, 1].map(|a| ((centre[a] - margin - origin[a]) / pixel[a]).floor() as i64);
    let count: [usize; 2] = pixel.map(|p| (2.0 * margin / p).ceil() as usize + 1);
    let fine = count.map(|n| n * FINE);
    let position =
        |a: usize, f: usize| origin[a] + pixel[a] * (first[a] as f64 + (f as f64 - (FINE / 2) as f64) / FINE as f64);
    // Planes half a millimetre apart through the slice, at least three.
    let planes = ((thickness / 0.5).ceil() as usize).clamp(3, 9);
    let heights: Vec<f64> = (0..planes).map(|n| z + thickness * ((n as f64 + 0.5) / planes as f64 - 0.5)).collect();
    let scale = bone.spec.scale;
    let step = pixel[0] / FINE as f64 / scale;
    let matter = Matter::of(spec, bone, step);
    // Within a pixel and a slice a surface moves no further than this against a point at rest: obliquity and flare
    // through the slice, and half a pixel's diagonal along a surface that a ridge makes steep.
    let oblique = (1.0 - bone.cosine().powi(2)).sqrt() / bone.cosine() + 0.1 + bone.steepest();
    let near = (1.5 * pixel[0].hypot(pixel[1]) + 0.5 * thickness * oblique) / (scale * bone.cosine()) + 2.0 * step;
    let mut samples = vec![0.0; fine[0] * fine[1]];
    for py in 0..count[1] {
        for px in 0..count[0] {
            let [x, y] = [position(0, px * FINE + FINE / 2), position(1, py * FINE + FINE / 2)];
            if (x - centre[0]).hypot(y - centre[1]) > reach + pixel[0].hypot(pixel[1]) {
                continue;
            }
            let q = bone.to_own(Point3::new(x, y, z));
            let (r, wall) = (q.x.hypot(q.y), bone.wall_at(q));
            let along = near + thickness;
            let near_surface = (r - wall.outer_mm).abs() < near
                || (r > wall.inner_from_mm - near && r < wall.inner_to_mm + near)
                || bone.is_touched(q.z - along, q.z + along);
            let once = if near_surface { None } else { Some(matter.added_hu(Point3::new(x, y, z))) };
            for fy in py * FINE..(py + 1) * FINE {
                for fx in px * FINE..(px + 1) * FINE {
                    let [x, y] = [position(0, fx), position(1, fy)];
                    samples[fy * fine[0] + fx] = once.unwrap_or_else(|| {
                        if (x - centre[0]).hypot(y - centre[1]) > reach {
                            return 0.0;
                        }
                        heights.iter().map(|z| matter.added_hu(Point3::new(x, y, *z))).sum::<f64>() / planes as f64
                    });
                }
            }
        }
    }
    Patch { first, count, fine, samples }
}

/// What a bone is made of, for samples of one size.
struct Matter<'a, 'b> {
    bone: &'a PlacedBone<'b>,
    soft_tissue_hu: f64,
    cortical_hu: f64,
    /// Width of a sample before scale.
    step_mm: f64,
}

impl<'a, 'b> Matter<'a, 'b> {
    fn of(spec: &PhantomSpec, bone: &'a PlacedBone<'b>, step_mm: f64) -> Self {
        let cortical_hu = bone.spec.cortical_hu.unwrap_or_else(|| cortical_hu_at(spec.scanner.kvp));
        Matter { bone, soft_tissue_hu: spec.body.soft_tissue_hu, cortical_hu, step_mm }
    }

    /// What the bone adds to soft tissue at a sample, before any blur.
    fn added_hu(&self, point: Point3<f64>) -> f64 {
        let q = self.bone.to_own(point);
        let wall = self.bone.wall_at(q);
        let (r, step) = (q.x.hypot(q.y), self.step_mm);
        // Both surfaces a sample wide: hard ones would make a thin wall up to 1 % too heavy or too light.
        let inside = ((wall.outer_mm - r) / step + 0.5).clamp(0.0, 1.0);
        let ramp = wall.inner_to_mm - wall.inner_from_mm + step;
        let canal = ((wall.inner_to_mm + step / 2.0 - r) / ramp).clamp(0.0, 1.0);
        let mut hu = (1.0 - inside) * self.soft_tissue_hu;
        if inside > canal {
            hu += (inside - canal) * self.bone.wall_hu(self.cortical_hu, q);
        }
        if canal > 0.0 {
            hu += canal * self.bone.canal_content_hu(q);
        }
        hu - self.soft_tissue_hu
    }
}
