//! The bone seen from its own centre: HU along rays, one bundle per native slice.

use super::SECTORS;
use crate::volume::{Grid, Volume, between_pixels};
use rayon::prelude::*;

/// Distance between samples along a ray, mm. A quarter of a typical pixel: below it nothing new is seen.
pub const STEP_MM: f64 = 0.25;

/// HU along [`SECTORS`] rays in each of a run of native slices.
#[derive(Debug, Clone)]
pub struct Polar {
    /// First slice index of the volume.
    pub first_slice: usize,
    /// Ray origin in each slice, millimetres towards the patient's left and back within the slice plane.
    pub centres_mm: Vec<[f64; 2]>,
    /// Samples per ray.
    pub samples: usize,
    /// Every which of them, half a pixel apart, holds all that a wall's fit can learn from the ray.
    pub stride: usize,
    /// `slices × SECTORS × samples` values; NaN outside the image or where there is no data.
    hu: Vec<f32>,
}

impl Polar {
    /// Casts rays of `reach_mm` from `axis[k]` in slices `first..=last`.
    pub fn cast(volume: &Volume<i16>, axis: &[[f64; 2]], first: usize, last: usize, reach_mm: f64) -> Self {
        let samples = (reach_mm / STEP_MM).ceil() as usize + 1;
        let directions = directions(&volume.grid);
        let mut hu = vec![f32::NAN; (last - first + 1) * SECTORS * samples];
        hu.par_chunks_mut(SECTORS * samples).enumerate().for_each(|(n, slice)| {
            cast_slice(volume, first + n, axis[first + n], &directions, slice);
        });
        let pixel_mm = volume.grid.spacing_mm.x.min(volume.grid.spacing_mm.y);
        let stride = (0.5 * pixel_mm / STEP_MM).round().max(1.0) as usize;
        let centres_mm = axis[first..=last].iter().map(|centre| left_and_back(&volume.grid, *centre)).collect();
        Self { first_slice: first, centres_mm, samples, stride, hu }
    }

    /// Casts the rays of slice `n` (counted from `first_slice`) again, from another centre, in-plane mm.
    pub fn recast(&mut self, volume: &Volume<i16>, n: usize, centre: [f64; 2]) {
        self.centres_mm[n] = left_and_back(&volume.grid, centre);
        let size = SECTORS * self.samples;
        let rays = &mut self.hu[n * size..(n + 1) * size];
        rays.fill(f32::NAN);
        cast_slice(volume, self.first_slice + n, centre, &directions(&volume.grid), rays);
    }

    /// Number of slices.
    pub fn slices(&self) -> usize {
        self.centres_mm.len()
    }

    /// HU at distances `0, STEP_MM, …` from the centre of slice `n` (counted from `first_slice`) in sector `s`.
    pub fn ray(&self, n: usize, s: usize) -> &[f32] {
        let start = (n * SECTORS + s) * self.samples;
        &self.hu[start..start + self.samples]
    }
}

/// Unit vectors of the rays of each sector, in-plane millimetres along columns and rows.
pub fn directions(grid: &Grid) -> Vec<[f64; 2]> {
    let (left, posterior) = in_plane_axes(grid);
    (0..SECTORS)
        .map(|s| {
            let (sin, cos) = sector_angle(s).sin_cos();
            [0, 1].map(|a| cos * left[a] + sin * posterior[a])
        })
        .collect()
}

/// Patient left and posterior, laid into the slice plane, as in-plane millimetres along columns and rows.
pub fn in_plane_axes(grid: &Grid) -> ([f64; 2], [f64; 2]) {
    let d = &grid.directions;
    let normal = d.column(0).cross(&d.column(1)).normalize();
    let left = (nalgebra::Vector3::x() - normal * normal.x).normalize();
    let mut posterior = normal.cross(&left);
    if posterior.y < 0.0 {
        posterior = -posterior;
    }
    let in_plane = |v: nalgebra::Vector3<f64>| [v.dot(&d.column(0)), v.dot(&d.column(1))];
    (in_plane(left), in_plane(posterior))
}

/// An in-plane point, millimetres along columns and rows, as millimetres towards patient left and posterior.
fn left_and_back(grid: &Grid, point: [f64; 2]) -> [f64; 2] {
    let (left, posterior) = in_plane_axes(grid);
    [left, posterior].map(|axis| point[0] * axis[0] + point[1] * axis[1])
}

/// Angle of the middle of a sector, radians from patient left towards posterior.
pub fn sector_angle(s: usize) -> f64 {
    2.0 * std::f64::consts::PI * (s as f64 + 0.5) / SECTORS as f64
}

/// A direction from the bone's centre, between the middles of two sectors.
#[derive(Debug, Clone, Copy)]
pub struct Direction {
    /// The sector it lies in.
    pub sector: usize,
    /// The sectors whose middles are before and behind it.
    between: [usize; 2],
    /// Sines of the angles to them, and of a whole step.
    sines: [f64; 3],
}

impl Direction {
    /// Radians from patient left towards posterior.
    pub fn new(angle: f64) -> Self {
        let step = std::f64::consts::TAU / SECTORS as f64;
        let place = angle.rem_euclid(std::f64::consts::TAU) / step;
        let before = (place - 0.5).floor();
        let part = step * (place - 0.5 - before);
        let s = (before + SECTORS as f64) as usize % SECTORS;
        Self {
            sector: (place as usize).min(SECTORS - 1),
            between: [s, (s + 1) % SECTORS],
            sines: [part.sin(), (step - part).sin(), step.sin()],
        }
    }

    /// Distance from the centre of the polygon that has these radii in the middle of its sectors.
    pub fn radius(&self, radii: &[f64]) -> f64 {
        let (a, b) = (radii[self.between[0]], radii[self.between[1]]);
        // The ray meets the straight line between both corners.
        let across = a * self.sines[0] + b * self.sines[1];
        if across > 0.0 { a * b * self.sines[2] / across } else { 0.0 }
    }
}

/// Radius to which the piece of a ring between it and `outer_mm` fills `area_mm2` of one sector; 0 where there is less room.
pub fn inner_radius_mm(outer_mm: f64, area_mm2: f64) -> f64 {
    let angle = std::f64::consts::TAU / SECTORS as f64;
    (outer_mm.powi(2) - 2.0 * area_mm2 / angle).max(0.0).sqrt()
}

/// The rays of one slice, one after the other, into `rays`, which holds NaN.
fn cast_slice(volume: &Volume<i16>, k: usize, centre: [f64; 2], directions: &[[f64; 2]], rays: &mut [f32]) {
    let samples = rays.len() / SECTORS;
    for (ray, direction) in rays.chunks_mut(samples).zip(directions) {
        cast_ray(volume, k, centre, *direction, ray);
    }
}

/// HU every [`STEP_MM`] from `centre` along `direction` in slice `k` (in-plane millimetres), into `out`, which holds NaN: it stays outside
/// the image.
pub(super) fn cast_ray(volume: &Volume<i16>, k: usize, centre: [f64; 2], direction: [f64; 2], out: &mut [f32]) {
    let [columns, rows, _] = volume.grid.size;
    let pixels = volume.slice(k);
    let spacing = [volume.grid.spacing_mm.x, volume.grid.spacing_mm.y];
    let start = [0, 1].map(|a| centre[a] / spacing[a]);
    let step = [0, 1].map(|a| STEP_MM * direction[a] / spacing[a]);
    let place = |n: usize| [0, 1].map(|a| start[a] + n as f64 * step[a]);
    let inside = |[x, y]: [f64; 2]| x >= 0.0 && y >= 0.0 && x < (columns - 1) as f64 && y < (rows - 1) as f64;
    // A straight line enters the image once and leaves it once.
    let first = (0..out.len()).find(|n| inside(place(*n))).unwrap_or(out.len());
    for (n, value) in out.iter_mut().enumerate().skip(first) {
        let [x, y] = place(n);
        if !inside([x, y]) {
            break;
        }
        let (i, j) = (x as i32, y as i32);
        let (fx, fy) = ((x - f64::from(i)) as f32, (y - f64::from(j)) as f32);
        *value = between_pixels(pixels, columns, [i as usize, j as usize], [fx, fy]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_radius_between_sectors_lies_on_their_chord() {
        let radii: Vec<f64> = (0..SECTORS).map(|s| 10.0 + (s % 7) as f64).collect();
        for s in 0..SECTORS {
            assert!((Direction::new(sector_angle(s)).radius(&radii) - radii[s]).abs() < 1e-9);
            assert_eq!(Direction::new(sector_angle(s)).sector, s);
            let next = (s + 1) % SECTORS;
            let corner = |s: usize| [radii[s] * sector_angle(s).cos(), radii[s] * sector_angle(s).sin()];
            let (a, b) = (corner(s), corner(next));
            let middle = [0.5 * (a[0] + b[0]), 0.5 * (a[1] + b[1])];
            let found = Direction::new(middle[1].atan2(middle[0])).radius(&radii);
            assert!((found - middle[0].hypot(middle[1])).abs() < 1e-9, "{s}");
        }
    }

    #[test]
    fn a_ring_has_its_inner_radius_and_an_area_too_large_reaches_the_centre() {
        let area = std::f64::consts::PI * (14.0 * 14.0 - 9.0 * 9.0) / SECTORS as f64;
        assert!((inner_radius_mm(14.0, area) - 9.0).abs() < 1e-9);
        assert_eq!(inner_radius_mm(14.0, 100.0), 0.0);
    }
}
