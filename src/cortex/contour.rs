//! The periosteal contour as it was before lysis: observed where the wall stands, carried along the bone where not.

use super::SECTORS;
use super::polar::{Polar, STEP_MM};
use super::unroll::{fill_between_sectors, where_finite};
use crate::smoothing::{level_off_columns, penalty, smooth, smooth_robust_columns};
use rayon::prelude::*;

/// A value per slice and sector; NaN where unknown.
pub type Map = Vec<Vec<f64>>;

/// HU of the soft tissue around a bone, the level that edges rise from.
const SOFT_TISSUE_HU: f64 = 50.0;
/// How far outside its ring a wall's edge may lie, mm: the ring is what is denser than a fixed level.
const BEYOND_RING_MM: f64 = 3.0;
/// How far from its prediction an edge is looked for, mm.
const WINDOW_MM: f64 = 3.0;
/// Shape of a bone's outside: nothing shorter than this along the bone is believed, mm.
const WAVELENGTH_MM: f64 = 45.0;
/// Stretch over which the slope of a sector's edge dies away beyond the last that was observed, mm.
const FADE_MM: f64 = 20.0;
/// Distance from an observed edge at which its sector's course is trusted half as much, mm.
const HALF_TRUST_MM: f64 = 15.0;
/// Trust in a course that is carried beyond its last observed edge, and in a sector without any.
const TRUST_BEYOND: f64 = 0.05;
const TRUST_IN_NONE: f64 = 1e-4;
/// Weight of a carried outline where no edge was observed.
const TRUST_IN_CARRIED: f64 = 0.1;
/// Shape of the contour around the bone: of what is fully trusted nothing shorter than this is smoothed away.
const AROUND_SECTORS: f64 = 4.0;

/// The periosteal surface of a bone.
#[derive(Debug, Clone)]
pub struct Periosteum {
    /// Observed edge, mm from the centre; NaN where no edge stands near its predicted place.
    pub observed_mm: Map,
    /// Completed surface, mm from the centre.
    pub radius_mm: Map,
}

/// Finds the outer surface, starting from slices that are closed rings, refining everywhere.
///
/// `farthest_mm`: how far from the centre each ring reaches in each sector, empty where there is no ring; `cortical_hu` is a first guess
/// of compact cortex; `carried_mm` what an outline that was carried there tells of an open ring, NaN elsewhere; `dz_mm` the slice spacing.
pub fn periosteum(polar: &Polar, farthest_mm: &Map, cortical_hu: f64, carried_mm: &Map, dz_mm: f64) -> Periosteum {
    let n = polar.slices();
    let is_ring: Vec<bool> = farthest_mm.iter().map(|row| !row.is_empty()).collect();
    let exit = |k: usize, s: usize| {
        let far = farthest_mm[k].get(s)?;
        Some(first_wall_exit(polar.ray(k, s), far + BEYOND_RING_MM, cortical_hu))
    };
    let mut observed: Map = (0..n).map(|k| (0..SECTORS).map(|s| exit(k, s).unwrap_or(f64::NAN)).collect()).collect();
    let mut radius = complete(&observed, carried_mm, dz_mm);
    for _ in 0..3 {
        observed = (0..n)
            .into_par_iter()
            .map(|k| (0..SECTORS).map(|s| edge_near(polar.ray(k, s), radius[k][s], cortical_hu)).collect())
            .collect();
        anchor(&mut observed, &is_ring);
        radius = complete(&observed, carried_mm, dz_mm);
    }
    Periosteum { observed_mm: observed, radius_mm: radius }
}

/// Beyond the rings an edge only counts while it hangs together with the rings: the contour is followed outward slice
/// by slice and given up where less than a quarter of it is seen (a joint, a fracture, the end of the bone).
fn anchor(observed: &mut Map, is_ring: &[bool]) {
    let seen = |row: &[f64]| row.iter().filter(|r| r.is_finite()).count();
    let first = is_ring.iter().position(|r| *r).unwrap_or(0);
    let last = is_ring.iter().rposition(|r| *r).unwrap_or(0);
    let mut lost = false;
    for row in observed[last + 1..].iter_mut() {
        lost |= seen(row) < SECTORS / 4;
        if lost {
            row.fill(f64::NAN);
        }
    }
    lost = false;
    for row in observed[..first].iter_mut().rev() {
        lost |= seen(row) < SECTORS / 4;
        if lost {
            row.fill(f64::NAN);
        }
    }
}

/// From the centre outward to `farthest_mm`: where the first wall that is clearly cortex ends. Behind a wall that has lost its density stand
/// others: a fibula is no part of its tibia.
fn first_wall_exit(ray: &[f32], farthest_mm: f64, cortical_hu: f64) -> f64 {
    let dense = (0.5 * cortical_hu) as f32;
    let ray = &ray[..ray.len().min(((farthest_mm / STEP_MM) as usize).saturating_add(2))];
    let Some(enter) = ray.iter().position(|v| *v >= dense) else { return f64::NAN };
    let peak = ray[enter..].iter().take_while(|v| **v >= dense).fold(0.0f32, |a, v| a.max(*v));
    falling_edge(ray, enter, f64::from(peak).min(cortical_hu))
}

/// First place at or after `start` where the ray falls below half of `peak` above soft tissue.
fn falling_edge(ray: &[f32], start: usize, peak: f64) -> f64 {
    let level = (0.5 * (peak + SOFT_TISSUE_HU)) as f32;
    for i in start..ray.len() - 1 {
        let (a, b) = (ray[i], ray[i + 1]);
        if a.is_nan() || b.is_nan() {
            return f64::NAN;
        }
        if a >= level && b < level {
            return (i as f64 + f64::from((a - level) / (a - b))) * STEP_MM;
        }
    }
    f64::NAN
}

/// The outer edge of a wall near `predicted_mm`, or NaN.
pub(super) fn edge_near(ray: &[f32], predicted_mm: f64, cortical_hu: f64) -> f64 {
    if !predicted_mm.is_finite() {
        return f64::NAN;
    }
    let at = |mm: f64| ((mm / STEP_MM).round().max(0.0) as usize).min(ray.len() - 1);
    let (low, high) = (at(predicted_mm - WINDOW_MM), at(predicted_mm + WINDOW_MM));
    let inner = at(predicted_mm - WINDOW_MM - 2.0);
    let mut best = f64::NAN;
    // An edge falls, and through a level that some wall can have: most samples need no look at the wall behind them.
    let level_of = |peak: f64| (0.5 * (peak.min(cortical_hu) + SOFT_TISSUE_HU)) as f32;
    let (lowest, highest) = (level_of(0.45 * cortical_hu), level_of(cortical_hu));
    for i in low..high {
        let (a, b) = (ray[i], ray[i + 1]);
        if !(a > b && a >= lowest && b < highest) {
            continue;
        }
        // The wall this edge would end: the highest value within 3 mm on the inside of it.
        let back = i.saturating_sub((3.0 / STEP_MM) as usize).max(inner);
        let peak = ray[back..=i].iter().fold(f32::MIN, |a, v| a.max(*v));
        if f64::from(peak) < 0.45 * cortical_hu {
            continue;
        }
        let level = level_of(f64::from(peak));
        if a >= level && b < level {
            let r = (i as f64 + f64::from((a - level) / (a - b))) * STEP_MM;
            if best.is_nan() || (r - predicted_mm).abs() < (best - predicted_mm).abs() {
                best = r;
            }
        }
    }
    best
}

/// Smooth along the bone, sector by sector; what stands off (a hole's edge, a neighbour) loses its weight. Beyond the last edge of
/// a sector its course levels off, and where nothing near holds a sector its neighbours have their say.
fn complete(observed: &Map, carried_mm: &Map, dz_mm: f64) -> Map {
    let weights = where_finite(observed);
    let mut told = observed.clone();
    let mut telling = weights.clone();
    for (k, row) in carried_mm.iter().enumerate() {
        for s in (0..SECTORS).filter(|s| weights[k][*s] == 0.0 && row[*s].is_finite()) {
            (told[k][s], telling[k][s]) = (row[s], TRUST_IN_CARRIED);
        }
    }
    let mut radius = smooth_robust_columns(&told, &telling, penalty(WAVELENGTH_MM / dz_mm), 0.15);
    level_off_columns(&mut radius, &telling, 0.0, FADE_MM / dz_mm);
    fill_between_sectors(&mut radius, &telling, 2.0);
    agree_around(&mut radius, &weights, dz_mm);
    radius
}

/// How well the course of each sector along the bone tells where its edge was: 1 where it was observed, less between two observed
/// edges, little beyond the last, next to nothing where there was none.
fn trust(weights: &Map, dz_mm: f64) -> Map {
    let n = weights.len();
    let mut out = vec![vec![TRUST_IN_NONE; SECTORS]; n];
    for s in 0..SECTORS {
        let seen: Vec<usize> = (0..n).filter(|k| weights[*k][s] > 0.0).collect();
        for k in 0..n {
            let above = seen.partition_point(|at| *at < k);
            let away = |at: Option<&usize>| at.map(|at| at.abs_diff(k) as f64 * dz_mm / HALF_TRUST_MM);
            let both = (above.checked_sub(1).and_then(|below| away(seen.get(below))), away(seen.get(above)));
            out[k][s] = match both {
                (_, Some(0.0)) => 1.0,
                (Some(below), Some(above)) => 1.0 / (1.0 + below.min(above)),
                (Some(away), None) | (None, Some(away)) => TRUST_BEYOND / (1.0 + away).powi(2),
                (None, None) => TRUST_IN_NONE,
            };
        }
    }
    out
}

/// Draws what is carried along the bone together around it: a contour is closed and has no spikes. Observed edges stay.
fn agree_around(radius: &mut Map, weights: &Map, dz_mm: f64) {
    let trust = trust(weights, dz_mm);
    let lambda = penalty(AROUND_SECTORS);
    radius.par_iter_mut().zip(&trust).filter(|(_, trust)| trust.iter().any(|t| *t < 1.0)).for_each(|(row, trust)| {
        // Closed: once around, and half of it again on both sides.
        let once_more = |row: &[f64]| (0..2 * SECTORS).map(|s| row[(s + SECTORS / 2) % SECTORS]).collect::<Vec<f64>>();
        let smoothed = smooth(&once_more(row), &once_more(trust), lambda);
        for s in (0..SECTORS).filter(|s| trust[*s] < 1.0) {
            row[s] = smoothed[s + SECTORS / 2];
        }
    });
}

/// Is bone found outside the contour where the wall should end? Either the wall goes on outwards without a gap
/// (a trochanter, a condyle, a joint), or no wall stands at its place and one stands further out.
pub fn is_displaced(ray: &[f32], radius_mm: f64, observed_mm: f64, cortical_hu: f64) -> bool {
    let at = |mm: f64| ((mm / STEP_MM).round().max(0.0) as usize).min(ray.len() - 1);
    let dense = (0.35 * cortical_hu) as f32;
    let (near, far) = (at(radius_mm - 0.5), at(radius_mm + 3.0));
    let goes_on = near < far && ray[near..=far].iter().all(|v| *v >= 0.6 * dense);
    let stands_outside = ray[at(radius_mm + WINDOW_MM)..=at(radius_mm + 10.0)].iter().any(|v| *v >= dense);
    goes_on || (observed_mm.is_nan() && stands_outside)
}

#[cfg(test)]
mod tests {
    use super::super::polar::directions;
    use super::*;
    use crate::volume::tests::{slice_of, stack_of};
    use crate::volume::{Volume, sections};

    const SLICES: usize = 40;
    const OUTER_MM: f64 = 13.0;
    const CENTRE_MM: [f64; 2] = [25.0, 25.0];

    /// A ring of 1400 HU whose wall has lost six tenths of its density towards a thinner bone beside it, in the middle half of the slices.
    fn tibia_and_fibula() -> Volume<i16> {
        let slice = |k: usize| {
            slice_of([140, 100], [0.5, 0.5], |x, y| {
                let (dx, dy) = (x - CENTRE_MM[0], y - CENTRE_MM[1]);
                let permeated = (10..30).contains(&k) && dy.atan2(dx).abs() < 0.8;
                let (own, other) = (dx.hypot(dy), (dx - 24.0).hypot(dy));
                match (own, other) {
                    (8.0..OUTER_MM, _) => 40 + if permeated { 560 } else { 1360 },
                    (_, 2.0..6.0) => 1400,
                    _ => 40,
                }
            })
        };
        stack_of(SLICES, slice)
    }

    #[test]
    fn a_bone_behind_a_wall_that_has_lost_its_density_does_not_draw_the_contour_to_it() {
        let volume = tibia_and_fibula();
        let polar = Polar::cast(&volume, &[CENTRE_MM; SLICES], 0, SLICES - 1, 40.0);
        let reach_of = |k: usize| {
            let ring = sections(&volume, k, 300, 300.0).remove(0);
            directions(&volume.grid).iter().map(|d| ring.reach_mm(CENTRE_MM, *d)).collect()
        };
        let farthest_mm: Map = (0..SLICES).map(reach_of).collect();
        let surface = periosteum(&polar, &farthest_mm, 1400.0, &vec![vec![f64::NAN; SECTORS]; SLICES], 2.0);
        for (k, row) in surface.radius_mm.iter().enumerate() {
            assert!(row.iter().all(|mm| (mm - OUTER_MM).abs() < 0.5), "{k}: {row:?}");
        }
    }
}
