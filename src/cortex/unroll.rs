//! The unrolled cortex: mass and thickness per sector and slice.
//!
//! Mass is counted as *equivalent full-density cortex*: each sample contributes the share of compact cortex that its HU
//! stands for (soft tissue none, cortex one), over a window that reaches from just outside the periosteal contour to a
//! little deeper than the intact wall. A blurred wall keeps its mass (Treece et al., Med Image Anal 14:276, 2010; 16:952, 2012), while a threshold
//! loses it and a half-maximum width over-reads it.

use super::SECTORS;
use super::contour::Map;
use super::polar::{Polar, STEP_MM, sector_angle};
use super::profile::Edge;
use super::scanner::{Candidate, FWHM_PER_SIGMA, Scanner};
use super::wall::{Samples, fit};
use crate::smoothing::{median, penalty, quantile, smooth_columns, smooth_robust_columns};
use rayon::prelude::*;
use std::sync::LazyLock;

/// Level that counts as no cortex at all: above fat, marrow, muscle and unenhanced tumour.
pub const BASE_HU: f64 = 100.0;
/// From here on all of it counts.
const BONE_HU: f64 = 200.0;
/// What lies between and beside bone: muscle, unenhanced tumour.
const SOFT_TISSUE_HU: f64 = 50.0;
/// How far outside the contour the blur of the scanner carries wall mass, mm.
const OUTSIDE_MM: f64 = 2.0;
/// How far inside the wall the same blur reaches, mm.
const INSIDE_MM: f64 = 1.5;

/// First guess of the HU of this patient's compact cortex, from which [`super::scanner`] searches: what thick walls reach in
/// their middle.
///
/// Upper quartile over all sectors of closed rings whose wall is at least 3 mm thick; where the bone is thin all over,
/// the 95th percentile of all peaks, which the blur lowers a little.
pub fn cortical_hu(polar: &Polar, radius_mm: &Map, is_ring: &[bool]) -> Option<f64> {
    let (mut thick, mut peaks) = (Vec::new(), Vec::new());
    for k in (0..polar.slices()).filter(|k| is_ring[*k]) {
        for s in 0..SECTORS {
            let ray = polar.ray(k, s);
            let outer = ((radius_mm[k][s] / STEP_MM) as usize).min(ray.len() - 1);
            let inner = outer.saturating_sub((8.0 / STEP_MM) as usize);
            let peak = ray[inner..=outer].iter().fold(f32::MIN, |a, v| a.max(*v));
            if !peak.is_finite() || peak < 300.0 {
                continue;
            }
            peaks.push(f64::from(peak));
            let wall: Vec<f32> = ray[inner..=outer]
                .iter()
                .rev()
                .skip_while(|v| **v < 0.5 * peak)
                .take_while(|v| **v >= 0.5 * peak)
                .copied()
                .collect();
            if wall.len() as f64 * STEP_MM >= 3.0 {
                let third = wall.len() / 3;
                let middle = &wall[third..wall.len() - third];
                thick.push(middle.iter().map(|v| f64::from(*v)).sum::<f64>() / middle.len() as f64);
            }
        }
    }
    if thick.len() >= 60 { quantile(&mut thick, 0.75) } else { quantile(&mut peaks, 0.95) }
}

/// What was measured in every sector of every slice.
#[derive(Debug, Clone)]
pub struct Unrolled {
    /// Length of the completed periosteal contour in the sector, mm, in the slice plane.
    pub arc_mm: Map,
    /// Cortical mass: equivalent area of full-density cortex, mm², in the slice plane.
    pub mass_mm2: Map,
    /// Thickness of the fitted wall along the surface normal, mm; where none could be fitted, that of its mass.
    pub thickness_mm: Map,
    /// Depth of the window that was counted, mm along the ray.
    pub depth_mm: Map,
    /// Highest HU of the wall.
    pub peak_hu: Map,
    /// Share of compact cortex in the wall; NaN where the wall is too thin to tell.
    pub density_share: Map,
    /// Area of the fitted wall, mm²; NaN where none could be fitted.
    pub fitted_area_mm2: Map,
}

impl Unrolled {
    /// Brings the mass to the scale of the fitted walls: counting loses what the blur smears below the base level, the same
    /// share of every wall of a bone, which no ratio shows but an area does.
    pub fn calibrate(&mut self, usable: &[bool]) {
        let mut ratios: Vec<f64> = Vec::new();
        for k in (0..usable.len()).filter(|k| usable[*k]) {
            let both = self.fitted_area_mm2[k].iter().zip(&self.mass_mm2[k]);
            ratios.extend(both.map(|(fitted, mass)| fitted / mass).filter(|r| r.is_finite()));
        }
        let Some(ratio) = median(&mut ratios) else { return };
        let ratio = ratio.clamp(0.8, 1.25);
        self.mass_mm2.iter_mut().flatten().for_each(|mass| *mass *= ratio);
    }
}

/// Counts the wall between the periosteal surface and the depth of the intact wall.
pub fn unroll(polar: &Polar, radius_mm: &Map, depth_mm: Map, scanner: &Scanner, slices: &Slices) -> Unrolled {
    let n = polar.slices();
    let step = 2.0 * std::f64::consts::PI / SECTORS as f64;
    let rows: Vec<[Vec<f64>; 6]> = (0..n)
        .into_par_iter()
        .map(|k| {
            let mut row: [Vec<f64>; 6] = std::array::from_fn(|_| vec![0.0; SECTORS]);
            for s in 0..SECTORS {
                let (ray, outer_mm) = (polar.ray(k, s), radius_mm[k][s]);
                let wall = count(ray, outer_mm, depth_mm[k][s], scanner.cortical_hu);
                let geometry = Surface::at(&polar.centres_mm, radius_mm, k, s, slices.spacing_mm);
                let edge = geometry.edge(scanner, slices);
                let fitted = Samples::around(ray, STEP_MM, polar.stride, outer_mm, depth_mm[k][s])
                    .and_then(|samples| fit(&samples, &edge, scanner.cortical_hu, outer_mm, wall.length_mm));
                // Where no wall can be fitted (a hole, a joint) what is left of it is its mass.
                let width_mm = fitted.map_or(wall.length_mm, |w| w.width_mm);
                row[0][s] = geometry.arc_per_radian_mm * step;
                row[1][s] = wall.moment_mm2 * step;
                row[2][s] = width_mm * geometry.cosine;
                row[3][s] = wall.peak_hu;
                row[5][s] = density_share(ray, &wall, scanner, geometry.in_plane_cosine);
                row[4][s] = fitted.map_or(f64::NAN, |w| (w.outer_mm - 0.5 * w.width_mm) * w.width_mm * step);
            }
            row
        })
        .collect();
    let column = |c: usize| rows.iter().map(|r| r[c].clone()).collect::<Map>();
    Unrolled {
        arc_mm: column(0),
        mass_mm2: column(1),
        thickness_mm: column(2),
        peak_hu: column(3),
        fitted_area_mm2: column(4),
        density_share: column(5),
        depth_mm,
    }
}

/// The wall along one ray.
struct Wall {
    /// ∫ f dr.
    length_mm: f64,
    /// ∫ f r dr: times the sector's angle, an area.
    moment_mm2: f64,
    peak_hu: f64,
    /// Samples that were counted.
    counted: std::ops::Range<usize>,
}

/// Share of compact cortex that a sample holds. What is not bone is soft tissue, so that half the density reads as half;
/// but soft tissue itself, its noise and a tumour somewhat above it read as none: the ramp sees to that.
pub(super) fn share(hu: f64, cortical_hu: f64) -> f64 {
    let ramp = ((hu - BASE_HU) / (BONE_HU - BASE_HU)).clamp(0.0, 1.0);
    ramp * ((hu - SOFT_TISSUE_HU) / (cortical_hu - SOFT_TISSUE_HU)).max(0.0)
}

fn count(ray: &[f32], radius_mm: f64, depth_mm: f64, cortical_hu: f64) -> Wall {
    let first = (((radius_mm - depth_mm) / STEP_MM).round().max(0.0)) as usize;
    let last = (((radius_mm + OUTSIDE_MM) / STEP_MM).round().max(0.0) as usize).min(ray.len() - 1);
    let counted = first..last + 1;
    let mut wall = Wall { length_mm: 0.0, moment_mm2: 0.0, peak_hu: f64::MIN, counted: counted.clone() };
    for (i, value) in ray.iter().enumerate().take(last + 1).skip(first) {
        let hu = f64::from(*value);
        if hu.is_nan() {
            return Wall { length_mm: f64::NAN, moment_mm2: f64::NAN, peak_hu: f64::NAN, counted };
        }
        let f = share(hu, cortical_hu);
        wall.length_mm += f * STEP_MM;
        wall.moment_mm2 += f * i as f64 * STEP_MM * STEP_MM;
        wall.peak_hu = wall.peak_hu.max(hu);
    }
    wall
}

/// Widths of the wall, in full widths of the blur, from which on its middle is as dense as it looks.
const RESOLVED: f64 = 1.3;

/// Share of compact cortex that the middle of a wall reaches at least; below it there is none.
const STANDING: f64 = 0.3;

/// Share of compact cortex in the wall that was counted: its mass over its width at half its own height. Both survive the
/// blur where the wall is wider than that; NaN where it is not. A wall that has become thin keeps its density, one that is
/// permeated loses it and keeps its width.
fn density_share(ray: &[f32], wall: &Wall, scanner: &Scanner, cosine: f64) -> f64 {
    let stands = share(wall.peak_hu, scanner.cortical_hu) > STANDING;
    let Some(counted) = ray.get(wall.counted.clone()).filter(|_| stands) else { return f64::NAN };
    let Some(top) = counted.iter().position(|v| f64::from(*v) >= wall.peak_hu) else { return f64::NAN };
    let level = 0.5 * (wall.peak_hu + SOFT_TISSUE_HU);
    // Between the last sample above and the first below.
    let part = |above: f32, below: f32| (f64::from(above) - level) / f64::from(above - below);
    let inner = counted[..top].iter().rposition(|v| f64::from(*v) < level);
    let outer = counted[top..].iter().position(|v| f64::from(*v) < level);
    let (Some(inner), Some(outer)) = (inner, outer.map(|o| o + top)) else { return f64::NAN };
    let samples = (outer - inner - 2) as f64
        + part(counted[inner + 1], counted[inner])
        + part(counted[outer - 1], counted[outer]);
    let width_mm = samples * STEP_MM;
    let blur_mm = scanner.fwhm_mm() / cosine.max(0.3);
    if width_mm < RESOLVED * blur_mm { f64::NAN } else { wall.length_mm / (blur_mm * sharp_width(width_mm / blur_mm)) }
}

/// Width of a slab that is seen `seen` wide at half its height, both in full widths of the blur.
fn sharp_width(seen: f64) -> f64 {
    /// From here on both are the same (to 1e-3).
    const SAME: f64 = 2.5;
    const PER_UNIT: f64 = 64.0;
    static TABLE: LazyLock<Vec<f64>> =
        LazyLock::new(|| (0..=(SAME * PER_UNIT) as usize + 1).map(|n| slab_seen_as(n as f64 / PER_UNIT)).collect());
    if seen >= SAME {
        return seen;
    }
    let at = seen.max(0.0) * PER_UNIT;
    let (n, f) = (at as usize, at.fract());
    TABLE[n] * (1.0 - f) + TABLE[n + 1] * f
}

/// [`sharp_width`], by halving.
fn slab_seen_as(seen: f64) -> f64 {
    // Twice the height, at `x` from its middle, of a slab of width `w` that a Gaussian of full width 1 has blurred.
    let per = FWHM_PER_SIGMA / std::f64::consts::SQRT_2;
    let height = |x: f64, w: f64| libm::erf(per * (x + 0.5 * w)) - libm::erf(per * (x - 0.5 * w));
    let (mut low, mut high) = (0.0, seen);
    for _ in 0..40 {
        let w = 0.5 * (low + high);
        if height(0.5 * seen, w) > 0.5 * height(0.0, w) { high = w } else { low = w }
    }
    0.5 * (low + high)
}

/// How deep the intact wall reaches in every sector, plus the blur: observed where a wall stands, carried along the
/// bone where it does not.
pub fn window_depth(polar: &Polar, radius_mm: &Map, cortical_hu: f64, usable: &[bool], dz_mm: f64) -> Map {
    let n = polar.slices();
    let observed: Map = (0..n)
        .into_par_iter()
        .map(|k| {
            let depth =
                |s| if usable[k] { wall_depth(polar.ray(k, s), radius_mm[k][s], cortical_hu) } else { f64::NAN };
            (0..SECTORS).map(depth).collect()
        })
        .collect();
    let carried = smooth_robust_columns(&observed, &where_finite(&observed), penalty(60.0 / dz_mm), 0.3);
    (0..n)
        .map(|k| {
            // A median over a few sectors: a single ray that meets a strut must not open the window.
            (0..SECTORS)
                .map(|s| {
                    let mut near: Vec<f64> = (0..7).map(|d| carried[k][(s + SECTORS + d - 3) % SECTORS]).collect();
                    let depth = quantile(&mut near, 0.5).unwrap_or(0.0);
                    (1.1 * depth + INSIDE_MM).clamp(2.0, 0.95 * radius_mm[k][s].max(2.2))
                })
                .collect()
        })
        .collect()
}

/// Distance from the periosteal contour inwards to where the wall ends; NaN where no wall stands.
pub(super) fn wall_depth(ray: &[f32], radius_mm: f64, cortical_hu: f64) -> f64 {
    let outer = ((radius_mm + 0.5) / STEP_MM).round().max(0.0) as usize;
    if outer >= ray.len() {
        return f64::NAN;
    }
    let back = outer.saturating_sub((3.5 / STEP_MM) as usize);
    let (mut top, mut peak) = (outer, f32::MIN);
    for (i, v) in ray.iter().enumerate().take(outer + 1).skip(back) {
        if *v > peak {
            (top, peak) = (i, *v);
        }
    }
    if !peak.is_finite() || f64::from(peak) < 0.6 * cortical_hu {
        return f64::NAN;
    }
    let level = (0.5 * (f64::from(peak).min(cortical_hu) + BASE_HU)) as f32;
    match ray[..top].iter().rposition(|v| *v < level) {
        Some(i) => radius_mm - i as f64 * STEP_MM,
        None => f64::NAN,
    }
}

/// The completed periosteal surface at one sector.
pub(super) struct Surface {
    /// Cosine between the ray and the surface's normal in space: turns a length along the ray into a thickness.
    pub cosine: f64,
    /// Contour length per radian, in the slice plane.
    pub arc_per_radian_mm: f64,
    /// The surface's normal, of length one: along the plane's two directions and across it.
    pub normal: [f64; 3],
    /// Cosine between the ray and the contour's normal in the slice plane.
    in_plane_cosine: f64,
    /// How far the surface moves along the ray per mm across the slice.
    slope: f64,
}

/// The slices of a series as the wall sees them.
#[derive(Debug, Clone, Copy)]
pub struct Slices {
    /// Distance between neighbouring slices, mm.
    pub spacing_mm: f64,
    /// Length of bone that one slice averages over, mm.
    pub thickness_mm: f64,
}

/// Rays whose wall is clear enough to tell blur and density, one in three.
pub fn candidates(
    polar: &Polar,
    radius_mm: &Map,
    depth_mm: &Map,
    cortical_hu: f64,
    usable: &[bool],
    slices: &Slices,
) -> Vec<Candidate> {
    let rows: Vec<usize> = (0..polar.slices()).filter(|k| usable[*k]).collect();
    let stride = rows.len().div_ceil(MAX_ROWS).max(1);
    let mut all = Vec::new();
    for k in rows.into_iter().step_by(stride) {
        for s in (k % 3..SECTORS).step_by(3) {
            let (ray, outer_mm) = (polar.ray(k, s), radius_mm[k][s]);
            let wall = count(ray, outer_mm, depth_mm[k][s], cortical_hu);
            let geometry = Surface::at(&polar.centres_mm, radius_mm, k, s, slices.spacing_mm);
            let seen = wall.length_mm * geometry.cosine;
            if seen.is_nan() || seen < 0.8 || wall.peak_hu < 0.5 * cortical_hu {
                continue;
            }
            if let Some(samples) = Samples::around(ray, STEP_MM, polar.stride, outer_mm, depth_mm[k][s]) {
                all.push(Candidate {
                    samples,
                    outer_mm,
                    width_mm: wall.length_mm,
                    cosine: geometry.in_plane_cosine,
                    box_mm: geometry.slope * slices.thickness_mm,
                });
            }
        }
    }
    all
}

/// Slices that are enough to tell blur and density.
const MAX_ROWS: usize = 40;

impl Surface {
    pub fn at(centres_mm: &[[f64; 2]], radius_mm: &Map, k: usize, s: usize, dz_mm: f64) -> Self {
        let n = centres_mm.len();
        let angle = sector_angle(s);
        let (sin, cos) = angle.sin_cos();
        let r = radius_mm[k][s];
        // Over ±2 sectors and ±2 slices: the contour's pixel noise is not its slope.
        let around = (radius_mm[k][(s + 2) % SECTORS] - radius_mm[k][(s + SECTORS - 2) % SECTORS])
            / (4.0 * 2.0 * std::f64::consts::PI / SECTORS as f64);
        let (a, b) = (k.saturating_sub(2), (k + 2).min(n - 1));
        let run = (b - a).max(1) as f64 * dz_mm;
        let along = (radius_mm[b][s] - radius_mm[a][s]) / run;
        let (ca, cb) = (centres_mm[a], centres_mm[b]);
        let shift = [(cb[0] - ca[0]) / run, (cb[1] - ca[1]) / run];
        // Tangents of the surface p(θ, z) = c(z) + r(θ, z) e_r.
        let around_vector = [around * cos - r * sin, around * sin + r * cos, 0.0];
        let along_vector = [shift[0] + along * cos, shift[1] + along * sin, 1.0];
        let normal = [
            around_vector[1] * along_vector[2] - around_vector[2] * along_vector[1],
            around_vector[2] * along_vector[0] - around_vector[0] * along_vector[2],
            around_vector[0] * along_vector[1] - around_vector[1] * along_vector[0],
        ];
        let length = normal.iter().map(|v| v * v).sum::<f64>().sqrt();
        let cosine = if length > 0.0 { ((normal[0] * cos + normal[1] * sin) / length).abs() } else { 1.0 };
        let along_ray = normal[0] * cos + normal[1] * sin;
        Self {
            cosine,
            arc_per_radian_mm: r.hypot(around),
            normal: normal.map(|v| v / length.max(1e-9)),
            in_plane_cosine: r / r.hypot(around).max(1e-9),
            slope: (normal[2] / along_ray).abs().min(3.0),
        }
    }

    /// The answer to the wall's edges along this ray.
    fn edge(&self, scanner: &Scanner, slices: &Slices) -> Edge {
        scanner.edge(self.in_plane_cosine, self.slope * slices.thickness_mm)
    }
}

/// Sectors that hold less than `least` weight along the whole bone take their values from the nearest sectors on both
/// sides that hold more. Nothing carried along the bone could tell what was there.
pub fn fill_between_sectors(map: &mut Map, weights: &Map, least: f64) {
    let held: Vec<usize> = (0..SECTORS).filter(|s| weights.iter().map(|row| row[*s]).sum::<f64>() >= least).collect();
    if held.is_empty() {
        return;
    }
    for s in (0..SECTORS).filter(|s| held.binary_search(s).is_err()) {
        let next = held.partition_point(|h| *h < s);
        let (right, left) = (held[next % held.len()], held[(next + held.len() - 1) % held.len()]);
        let (to_right, to_left) = ((right + SECTORS - s) % SECTORS, (s + SECTORS - left) % SECTORS);
        let share = to_left as f64 / (to_left + to_right) as f64;
        for row in map.iter_mut() {
            row[s] = row[left] * (1.0 - share) + row[right] * share;
        }
    }
}

/// Smooths a map along the bone, cells of weight zero being carried over.
pub fn smooth_along(map: &Map, weights: &Map, wavelength_mm: f64, dz_mm: f64) -> Map {
    smooth_columns(map, weights, penalty(wavelength_mm / dz_mm))
}

/// Weight one where a map is known, none where it is NaN.
pub fn where_finite(map: &Map) -> Map {
    map.iter().map(|row| row.iter().map(|v| f64::from(u8::from(v.is_finite()))).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sector_without_any_weight_takes_its_values_from_its_neighbours_across_the_first_one() {
        let mut map: Map = vec![(0..SECTORS).map(|s| if s < 10 { 4.0 } else { 8.0 }).collect(); 3];
        let weights: Map = vec![(0..SECTORS).map(|s| if (5..117).contains(&s) { 1.0 } else { 0.0 }).collect(); 3];
        fill_between_sectors(&mut map, &weights, 2.0);
        // Eight steps from sector 116 (8 mm) to sector 5 (4 mm), over sector 0.
        let step = 4.0 / 9.0;
        assert!((map[1][117] - (8.0 - step)).abs() < 1e-12 && (map[1][4] - (4.0 + step)).abs() < 1e-12);
        assert_eq!((map[1][5], map[1][116]), (4.0, 8.0));
    }

    #[test]
    fn a_blurred_slab_has_its_width_and_density_told_back() {
        let fwhm_mm = 1.2;
        let scanner =
            Scanner { cortical_hu: 1300.0, sigma_mm: fwhm_mm / FWHM_PER_SIGMA, overshoot: 0.0, noise_hu: 0.0 };
        for (width_mm, density) in [(1.6, 1.0), (2.0, 0.6), (3.0, 0.5), (5.0, 0.9), (1.6, 0.7)] {
            let edge = Edge::new(scanner.sigma_mm, 0.0, 0.0);
            let height = (1300.0 - SOFT_TISSUE_HU) * density;
            let ray: Vec<f32> = (0..80)
                .map(|n| {
                    let r = n as f64 * STEP_MM;
                    let inside = edge.answer(r - 14.0 + width_mm).0 - edge.answer(r - 14.0).0;
                    (SOFT_TISSUE_HU + height * inside) as f32
                })
                .collect();
            let wall = count(&ray, 14.0, width_mm + 2.0, scanner.cortical_hu);
            let told = density_share(&ray, &wall, &scanner, 1.0);
            // Counting loses what the ramp above soft tissue takes off the flanks: a few percent.
            assert!((told / density - 1.0).abs() < 0.08, "{width_mm} {density} {told}");
        }
        let thin: Vec<f32> = (0..80).map(|n| if (54..57).contains(&n) { 900.0 } else { 40.0 }).collect();
        let wall = count(&thin, 14.0, 3.0, scanner.cortical_hu);
        assert!(density_share(&thin, &wall, &scanner, 1.0).is_nan());
    }
}
