//! How the bone runs through the image: what is needed to place a defect, and to look along rays.

use crate::cortex::{Cortex, SECTORS};
use crate::volume::{NO_DATA, Volume};
use nalgebra::{Point3, Vector3};
use std::f64::consts::{PI, TAU};

/// HU above which a voxel may be wall.
const BONE_HU: f64 = 300.0;
/// Rays around the bone.
pub const RAYS: usize = 360;
/// Distance between samples along a ray.
pub const RAY_STEP_MM: f64 = 0.2;
/// How far beyond the outer surface rays go.
pub const BEYOND_MM: f64 = 5.0;

/// One native slice of the bone.
pub struct GuideSlice {
    pub k: usize,
    pub centre_mm: Point3<f64>,
    /// Cosine of the angle between the bone's axis and the slice's normal.
    pub cosine: f64,
    /// Distance from the centre to the outer and to the inner surface, per sector.
    outer_mm: Vec<f64>,
    inner_mm: Vec<f64>,
    /// Is the intact section a closed ring around a hollow, wholly inside the image.
    pub ring: bool,
}

/// The bone's slices, lowest first.
pub struct Guide {
    pub slices: Vec<GuideSlice>,
    pub spacing_mm: f64,
}

impl Guide {
    /// `None` when no section is a closed ring.
    pub fn new(volume: &Volume<i16>, cortex: &Cortex) -> Option<Self> {
        let mut all: Vec<f64> =
            cortex.slices.iter().flat_map(|s| &s.thickness_mm).map(|t| f64::from(*t)).filter(|t| *t > 0.2).collect();
        let usual = crate::smoothing::median(&mut all)?;
        let mut slices: Vec<GuideSlice> = cortex
            .slices
            .iter()
            .filter(|s| s.periosteal_radius_mm.len() == SECTORS)
            .map(|s| {
                let outer_mm: Vec<f64> = s.periosteal_radius_mm.iter().map(|r| f64::from(*r)).collect();
                let wall =
                    |n: usize| s.thickness_mm.get(n).map(|t| f64::from(*t)).filter(|t| *t > 0.2).unwrap_or(usual);
                let inner_mm = outer_mm.iter().enumerate().map(|(n, r)| (r - wall(n)).max(0.0)).collect();
                let centre_mm = Point3::new(s.centre_mm[0], s.centre_mm[1], s.z_mm);
                let cosine = s.tilt_deg.to_radians().cos().max(0.5);
                GuideSlice { k: s.slice_index, centre_mm, cosine, outer_mm, inner_mm, ring: false }
            })
            .collect();
        slices.sort_by(|a, b| a.centre_mm.z.total_cmp(&b.centre_mm.z));
        for slice in &mut slices {
            slice.ring = is_ring(volume, slice);
        }
        let guide = Guide { slices, spacing_mm: volume.grid.spacing_mm.z };
        guide.slices.iter().any(|s| s.ring).then_some(guide)
    }

    /// z of the lowest and the highest closed ring.
    pub fn rings_mm(&self) -> [f64; 2] {
        let rings = || self.slices.iter().filter(|s| s.ring).map(|s| s.centre_mm.z);
        [rings().fold(f64::INFINITY, f64::min), rings().fold(f64::NEG_INFINITY, f64::max)]
    }

    /// Patient x and y of the axis at a height, straight between the slices.
    pub fn axis_at(&self, z: f64) -> [f64; 2] {
        let after = self.slices.partition_point(|s| s.centre_mm.z < z).clamp(1, self.slices.len().max(2) - 1);
        let (a, b) = match (self.slices.get(after - 1), self.slices.get(after)) {
            (Some(a), Some(b)) => (a.centre_mm, b.centre_mm),
            (Some(a), None) => return [a.centre_mm.x, a.centre_mm.y],
            _ => return [0.0, 0.0],
        };
        let t = (z - a.z) / (b.z - a.z);
        [a.x + t * (b.x - a.x), a.y + t * (b.y - a.y)]
    }
}

impl GuideSlice {
    /// Distance to the outer surface in the direction of a vector from the centre.
    pub fn outer_towards(&self, x: f64, y: f64) -> f64 {
        at_angle(&self.outer_mm, y.atan2(x))
    }

    /// Distance to the inner surface.
    pub fn inner_towards(&self, x: f64, y: f64) -> f64 {
        at_angle(&self.inner_mm, y.atan2(x))
    }

    /// Distance that the outer surface nowhere exceeds.
    pub fn widest_mm(&self) -> f64 {
        self.outer_mm.iter().copied().fold(0.0, f64::max)
    }

    /// Samples of ray `n` up to beyond the outer surface: patient points in the plane of the slice.
    pub fn ray(&self, volume: &Volume<i16>, n: usize) -> impl Iterator<Item = Point3<f64>> + use<> {
        let (sin, cos) = angle_of(n).sin_cos();
        let count = ((self.outer_towards(cos, sin) + BEYOND_MM) / RAY_STEP_MM) as usize;
        // In an oblique slice the ray climbs with the plane.
        let normal = volume.grid.directions.column(0).cross(&volume.grid.directions.column(1));
        let climb = -(normal.x * cos + normal.y * sin) / normal.z;
        let centre = self.centre_mm;
        (0..count).map(move |i| centre + i as f64 * RAY_STEP_MM * Vector3::new(cos, sin, climb))
    }
}

/// Direction of a ray, radians from patient left towards posterior.
pub fn angle_of(ray: usize) -> f64 {
    TAU * (ray as f64 + 0.5) / RAYS as f64
}

fn at_angle(values: &[f64], angle: f64) -> f64 {
    let n = values.len();
    let at = (angle.rem_euclid(TAU) / TAU * n as f64 - 0.5).rem_euclid(n as f64);
    let (i, t) = (at as usize % n, at.fract());
    values[i] * (1.0 - t) + values[(i + 1) % n] * t
}

/// HU at continuous column and row, between the four pixels around; `None` at the border and where there is no data.
/// `pixel` gives the HU of a column and row.
pub fn between(size: [usize; 2], x: f64, y: f64, pixel: impl Fn(usize, usize) -> Option<f64>) -> Option<f64> {
    if x < 0.0 || y < 0.0 || x >= (size[0] - 1) as f64 || y >= (size[1] - 1) as f64 {
        return None;
    }
    let (i, j, fx, fy) = (x as usize, y as usize, x.fract(), y.fract());
    let row = |j: usize| Some(pixel(i, j)? * (1.0 - fx) + pixel(i + 1, j)? * fx);
    Some(row(j)? * (1.0 - fy) + row(j + 1)? * fy)
}

/// HU of the image along a ray; `None` outside.
pub fn image_along(volume: &Volume<i16>, slice: &GuideSlice, ray: usize) -> Vec<Option<f64>> {
    let [nx, ny, _] = volume.grid.size;
    let pixels = volume.slice(slice.k);
    let pixel = |i: usize, j: usize| Some(pixels[j * nx + i]).filter(|hu| *hu != NO_DATA).map(f64::from);
    slice
        .ray(volume, ray)
        .map(|p| {
            let index = volume.grid.to_index(p);
            between([nx, ny], index.x, index.y, pixel)
        })
        .collect()
}

/// Closed all around, hollow, of a shaft's size, nothing dense just outside, wholly inside the image.
fn is_ring(volume: &Volume<i16>, slice: &GuideSlice) -> bool {
    let (mut closed, mut beside, mut inside, mut hollow) = (0, 0, 0.0, 0.0);
    for n in 0..RAYS {
        let (sin, cos) = angle_of(n).sin_cos();
        let outer = slice.outer_towards(cos, sin);
        let (mut wall, mut other) = (false, false);
        for (i, hu) in image_along(volume, slice, n).into_iter().enumerate() {
            let Some(hu) = hu else { return false };
            let r = i as f64 * RAY_STEP_MM;
            if r <= outer {
                inside += r;
                hollow += if hu < BONE_HU { r } else { 0.0 };
            }
            wall |= hu > BONE_HU && r <= outer + 1.0;
            other |= hu > 400.0 && r > outer + 2.5;
        }
        closed += usize::from(wall);
        beside += usize::from(other);
    }
    let area_mm2 = inside * RAY_STEP_MM * 2.0 * PI / RAYS as f64;
    closed * 100 >= RAYS * 99 && beside * 10 <= RAYS && (80.0..1600.0).contains(&area_mm2) && hollow > 0.12 * inside
}
