//! The intact cortex of a bone, from the bone itself.
//!
//! On the unrolled map (slice × sector) the logarithm of the cortical depth of a healthy bone is smooth: every sector
//! has its own slow course (linea aspera, crest), all sectors share one course along the bone (the wall thins towards
//! the metaphysis), and little is left over. So the surface is fitted as
//! `course(z) + shape(sector, z) + remainder(sector, z)`, each by penalised least squares along the bone, from stiff to
//! soft; what dips below it in a patch with a border is taken out, and the fit is repeated without it. Inside the patch
//! the remainder is pulled to nothing: a long defect cannot drag the surface down.

use super::patches::{Patches, cells, find_patches, slices_in};
use super::permeation::Permeation;
use crate::cortex::SECTORS;
use crate::cortex::contour::Map;
use crate::cortex::unroll::{fill_between_sectors, smooth_along};
use crate::smoothing::{level_off, level_off_columns, median, penalty, quantile, smooth};

/// Slow shape of one sector along the bone, mm.
const SHAPE_MM: f64 = 250.0;
/// Course that all sectors share along the bone, mm.
const COURSE_MM: f64 = 50.0;
/// What is left over, mm.
const REMAINDER_MM: f64 = 60.0;
/// Stretch over which the slope of a carried course or shape dies away, mm.
const FADE_MM: f64 = 20.0;
/// Healthy cells that a sector needs to have a shape of its own.
const HELD_CELLS: f64 = 3.0;
/// Weight that pulls the remainder to nothing where no healthy wall stands.
const PULL: f64 = 0.02;
/// Cells whose wall does not reach this share of compact cortex are not believed in the first fit.
const STANDING: f64 = 0.6;

/// The unrolled depth of a bone, as the fit wants it.
pub struct Depths<'a> {
    /// Natural logarithm of the cortical depth (mass over arc, mm); anything where `known` is false.
    pub log_depth: &'a Map,
    /// Cells that were measured.
    pub known: &'a [Vec<bool>],
    /// Length of the contour in each cell, mm.
    pub arc_mm: &'a Map,
    /// Highest HU of the wall over that of compact cortex.
    pub peak_share: &'a Map,
    /// Where the wall keeps its width and has lost density.
    pub permeation: &'a Permeation,
    /// Slice spacing, mm.
    pub dz_mm: f64,
}

impl Depths<'_> {
    /// Natural logarithm of the depth that the intact surface is fitted to: as it is, or, where the wall is permeated, as it was.
    pub(super) fn fitted(&self, k: usize, s: usize) -> f64 {
        self.log_depth[k][s] - self.permeation.log_share[k][s]
    }

    /// Cells that are known and not `lost`, or whose loss the density tells.
    pub(super) fn healthy(&self, lost: &[Vec<bool>]) -> Vec<Vec<bool>> {
        cells(lost.len(), |k, s| self.known[k][s] && (!lost[k][s] || self.permeation.is(k, s)))
    }
}

/// The intact surface and what dips below it.
#[derive(Debug, Clone)]
pub struct Surface {
    /// Natural logarithm of the intact depth.
    pub log_depth: Map,
    /// Observed over intact depth, less one; 0 where not measured.
    pub deviation: Map,
    /// Patches of loss.
    pub patches: Patches,
    /// Robust spread of the deviation where the wall is intact.
    pub spread: f64,
}

/// Fits the intact surface to one bone. `None` when fewer than five slices are known.
pub fn fit(depths: &Depths) -> Option<Surface> {
    let n = depths.log_depth.len();
    let rows: Vec<bool> = depths.known.iter().map(|r| r.iter().any(|k| *k)).collect();
    if rows.iter().filter(|r| **r).count() < 5 {
        return None;
    }
    let (course, dips) = first_course(depths, &rows);
    let mut shape = first_shape(depths, &course, &dips);
    let mut log_ref = add_course(&shape, &course);
    let mut deviation = deviation_from(depths, &log_ref);
    let mut course = course;
    let mut healthy_spread = 0.02;
    let first = find_patches(&deviation, depths);
    for _ in 0..4 {
        let patches = find_patches(&deviation, depths).held_near(&first, depths.dz_mm);
        let healthy = depths.healthy(&patches.around(&deviation, depths));
        refine(depths, &rows, &healthy, &mut course, &mut shape);
        let base = add_course(&shape, &course);
        let (remainder, spread) = remainder(depths, &healthy, &base);
        healthy_spread = spread;
        log_ref = (0..n).map(|k| (0..SECTORS).map(|s| base[k][s] + remainder[k][s]).collect()).collect();
        deviation = deviation_from(depths, &log_ref);
    }
    let patches = find_patches(&deviation, depths).held_near(&first, depths.dz_mm);
    Some(Surface { log_depth: log_ref, deviation, patches, spread: healthy_spread })
}

/// Observed over intact, less one.
pub fn deviation_from(depths: &Depths, log_ref: &Map) -> Map {
    let n = log_ref.len();
    (0..n)
        .map(|k| {
            (0..SECTORS)
                .map(|s| {
                    if depths.known[k][s] {
                        (depths.log_depth[k][s] - log_ref[k][s]).clamp(-9.0, 1.0).exp() - 1.0
                    } else {
                        0.0
                    }
                })
                .collect()
        })
        .collect()
}

/// The common course: upper part of all sectors, with what dips between two higher stretches bridged. A healthy shaft
/// is thickest somewhere and thins towards both ends; a dip inside is loss all around.
fn first_course(depths: &Depths, rows: &[bool]) -> (Vec<f64>, Vec<bool>) {
    let n = rows.len();
    let upper: Vec<f64> = (0..n)
        .map(|k| {
            let mut row: Vec<f64> = (0..SECTORS).filter(|s| depths.known[k][*s]).map(|s| depths.fitted(k, s)).collect();
            quantile(&mut row, 0.7).unwrap_or(0.0)
        })
        .collect();
    let weights: Vec<f64> = rows.iter().map(|r| f64::from(u8::from(*r))).collect();
    let quiet = smooth(&upper, &weights, penalty(15.0 / depths.dz_mm));
    let inside: Vec<usize> = (0..n).filter(|k| rows[*k]).collect();
    let running = |order: &mut dyn Iterator<Item = &usize>| {
        let mut top = f64::MIN;
        let mut out = vec![f64::MIN; n];
        for k in order {
            top = top.max(quiet[*k]);
            out[*k] = top;
        }
        out
    };
    let (up, down) = (running(&mut inside.iter()), running(&mut inside.iter().rev()));
    let dip: Vec<bool> = (0..n).map(|k| rows[k] && quiet[k] < up[k].min(down[k]) - 0.1).collect();
    let reach = slices_in(10.0, depths.dz_mm);
    let near: Vec<bool> =
        (0..n).map(|k| dip[k.saturating_sub(reach)..(k + reach + 1).min(n)].contains(&true)).collect();
    let weights: Vec<f64> = (0..n).map(|k| if rows[k] && !near[k] { 1.0 } else { 0.0 }).collect();
    (smooth(&upper, &weights, penalty(COURSE_MM / depths.dz_mm)), near)
}

/// Shape of each sector, leaning on what stands highest: loss pulls down, health does not push up.
fn first_shape(depths: &Depths, course: &[f64], dips: &[bool]) -> Map {
    let n = course.len();
    let rest: Map = (0..n).map(|k| (0..SECTORS).map(|s| depths.fitted(k, s) - course[k]).collect()).collect();
    let trusted: Map = (0..n)
        .map(|k| {
            (0..SECTORS)
                .map(|s| {
                    let stands = depths.peak_share[k][s] > STANDING || depths.permeation.is(k, s);
                    let stands = depths.known[k][s] && stands;
                    if stands { if dips[k] { 0.02 } else { 1.0 } } else { 0.0 }
                })
                .collect()
        })
        .collect();
    let mut weights = trusted.clone();
    let mut shape = rest.clone();
    for _ in 0..12 {
        shape = around(&smooth_along(&rest, &weights, SHAPE_MM, depths.dz_mm));
        for k in 0..n {
            for s in 0..SECTORS {
                let off = if depths.known[k][s] { rest[k][s] - shape[k][s] } else { 0.0 };
                let below = ((-off - 0.03).max(0.0) / 0.12).powi(2);
                let above = ((off - 0.03).max(0.0) / 0.36).powi(2);
                weights[k][s] = trusted[k][s] * (-below - above).exp().max(1e-4);
            }
        }
    }
    shape
}

/// Course and shape again, from the healthy cells alone, in turn.
fn refine(depths: &Depths, rows: &[bool], healthy: &[Vec<bool>], course: &mut Vec<f64>, shape: &mut Map) {
    let n = rows.len();
    let mut weights: Map = healthy.iter().map(|r| r.iter().map(|h| f64::from(u8::from(*h))).collect()).collect();
    for _ in 0..4 {
        let (mut mean, mut share) = (vec![0.0; n], vec![0.0; n]);
        for k in 0..n {
            let total: f64 = weights[k].iter().sum();
            if !rows[k] || total <= 0.0 {
                continue;
            }
            mean[k] = (0..SECTORS).map(|s| weights[k][s] * (depths.fitted(k, s) - shape[k][s])).sum::<f64>() / total;
            let arc: f64 = depths.arc_mm[k].iter().sum();
            let seen = (0..SECTORS).map(|s| weights[k][s] * depths.arc_mm[k][s]).sum::<f64>() / arc;
            // Less than a fifth of the circumference does not speak for the whole.
            share[k] = if seen > 0.2 { seen } else { 0.0 };
        }
        *course = smooth(&mean, &share, penalty(COURSE_MM / depths.dz_mm));
        level_off(course, &share, 0.0, FADE_MM / depths.dz_mm);
        let rest: Map = (0..n).map(|k| (0..SECTORS).map(|s| depths.fitted(k, s) - course[k]).collect()).collect();
        *shape = smooth_along(&rest, &weights, SHAPE_MM, depths.dz_mm);
        // Every sector levels off beyond its last healthy wall.
        level_off_columns(shape, &weights, 0.1, FADE_MM / depths.dz_mm);
        // A sector that is lost as far as it is seen must not become its own reference.
        fill_between_sectors(shape, &weights, HELD_CELLS);
        *shape = around(shape);
        let off = |k: usize, s: usize| rest[k][s] - shape[k][s];
        let scale = spread(&weights, off);
        for k in 0..n {
            for s in 0..SECTORS {
                weights[k][s] = if healthy[k][s] { (-(off(k, s) / (4.0 * scale)).powi(2)).exp() } else { 0.0 };
            }
        }
    }
}

/// What course and shape leave over, and the spread of what even that leaves.
fn remainder(depths: &Depths, healthy: &[Vec<bool>], base: &Map) -> (Map, f64) {
    let n = base.len();
    let rest: Map = (0..n)
        .map(|k| (0..SECTORS).map(|s| if healthy[k][s] { depths.fitted(k, s) - base[k][s] } else { 0.0 }).collect())
        .collect();
    let mut weights: Map = healthy.iter().map(|r| r.iter().map(|h| f64::from(u8::from(*h))).collect()).collect();
    let (mut local, mut scale) = (rest.clone(), 0.02);
    for _ in 0..5 {
        let pulled: Map = weights.iter().map(|r| r.iter().map(|w| w + PULL).collect()).collect();
        // Cells that are not healthy hold 0 in `rest`: the pull draws the remainder there to nothing.
        local = smooth_along(&rest, &pulled, REMAINDER_MM, depths.dz_mm);
        let off = |k: usize, s: usize| rest[k][s] - local[k][s];
        scale = spread(&weights, off);
        for k in 0..n {
            for s in 0..SECTORS {
                let u = off(k, s);
                let limit = if u < 0.0 { 3.0 } else { 4.0 };
                weights[k][s] = if healthy[k][s] { (-(u / (limit * scale)).powi(2)).exp() } else { 0.0 };
            }
        }
    }
    (around(&local), scale)
}

/// Means of a map over each quarter of the circumference, where all of it is `wanted`.
pub fn mean_over_quarters(map: &Map, wanted: impl Fn(usize, usize) -> bool) -> Vec<f64> {
    let quarter = SECTORS / 4;
    (0..map.len())
        .flat_map(|k| (0..4).map(move |q| (k, q * quarter..(q + 1) * quarter)))
        .filter(|(k, arc)| arc.clone().all(|s| wanted(*k, s)))
        .map(|(k, arc)| arc.map(|s| map[k][s]).sum::<f64>() / quarter as f64)
        .collect()
}

fn spread(weights: &Map, off: impl Fn(usize, usize) -> f64) -> f64 {
    let mut all: Vec<f64> = Vec::new();
    for (k, row) in weights.iter().enumerate() {
        for (s, w) in row.iter().enumerate() {
            if *w > 0.0 {
                all.push(off(k, s).abs());
            }
        }
    }
    (1.4826 * median(&mut all).unwrap_or(0.01)).max(0.01)
}

/// Mean over three neighbouring sectors.
fn around(map: &Map) -> Map {
    map.iter()
        .map(|row| {
            (0..SECTORS).map(|s| (row[(s + SECTORS - 1) % SECTORS] + row[s] + row[(s + 1) % SECTORS]) / 3.0).collect()
        })
        .collect()
}

fn add_course(shape: &Map, course: &[f64]) -> Map {
    shape.iter().zip(course).map(|(row, c)| row.iter().map(|v| v + c).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLICES: usize = 60;
    const DZ_MM: f64 = 3.0;

    /// A shaft with a crest, a taper towards both ends and 2 % of texture.
    fn healthy(k: usize, s: usize) -> f64 {
        let theta = 2.0 * std::f64::consts::PI * s as f64 / SECTORS as f64;
        let crest = 0.6 * (-((s as f64 - 30.0) / 4.0).powi(2)).exp();
        let taper = -0.5 * ((k as f64 - 30.0) / 30.0).powi(2);
        let texture = 0.02 * (0.9 * k as f64 + 2.3 * s as f64).sin();
        (5.0f64 + 0.8 * theta.cos()).ln() + crest + taper + texture
    }

    fn fitted(hole: impl Fn(usize, usize) -> f64) -> Surface {
        let log_depth: Map = (0..SLICES)
            .map(|k| (0..SECTORS).map(|s| healthy(k, s) + (1.0 - hole(k, s)).max(0.002).ln()).collect())
            .collect();
        let known = vec![vec![true; SECTORS]; SLICES];
        let arc = vec![vec![0.75; SECTORS]; SLICES];
        let peak: Map = (0..SLICES).map(|k| (0..SECTORS).map(|s| 1.0 - hole(k, s)).collect()).collect();
        let depths = Depths {
            log_depth: &log_depth,
            known: &known,
            arc_mm: &arc,
            peak_share: &peak,
            permeation: &Permeation::none(SLICES),
            dz_mm: DZ_MM,
        };
        fit(&depths).unwrap()
    }

    /// Mean error of the intact depth inside the hole, as a share.
    fn error_inside(surface: &Surface, hole: impl Fn(usize, usize) -> bool) -> f64 {
        let (mut sum, mut n) = (0.0, 0.0);
        for k in 0..SLICES {
            for s in (0..SECTORS).filter(|s| hole(k, *s)) {
                sum += (surface.log_depth[k][s] - healthy(k, s)).abs();
                n += 1.0;
            }
        }
        sum / n
    }

    #[test]
    fn health_with_crest_and_taper_shows_no_patch() {
        let surface = fitted(|_, _| 0.0);
        assert_eq!(surface.patches.count, 0);
        assert!(surface.spread < 0.03, "{}", surface.spread);
    }

    #[test]
    fn a_window_is_healed_to_what_was_there() {
        let inside = |k: usize, s: usize| (22..40).contains(&k) && (20..70).contains(&s);
        let surface = fitted(|k, s| if inside(k, s) { 1.0 } else { 0.0 });
        assert_eq!(surface.patches.count, 1);
        assert!(error_inside(&surface, inside) < 0.03, "{}", error_inside(&surface, inside));
    }

    #[test]
    fn loss_all_around_over_half_the_length_is_not_taken_for_a_thin_bone() {
        let inside = |k: usize, _: usize| (15..45).contains(&k);
        let surface = fitted(|k, s| if inside(k, s) { 0.6 } else { 0.0 });
        assert!(surface.patches.count >= 1);
        assert!(error_inside(&surface, inside) < 0.12, "{}", error_inside(&surface, inside));
    }

    #[test]
    fn sectors_that_are_gone_as_far_as_the_bone_is_seen_are_still_lost() {
        let inside = |_: usize, s: usize| (60..85).contains(&s);
        let surface = fitted(|k, s| if inside(k, s) { 1.0 } else { 0.0 });
        assert!(surface.patches.count >= 1);
        assert!(surface.deviation[30][72] < -0.95, "{}", surface.deviation[30][72]);
        assert!(error_inside(&surface, inside) < 0.15, "{}", error_inside(&surface, inside));
    }

    #[test]
    fn too_few_slices_give_no_surface() {
        let map = vec![vec![1.0; SECTORS]; 4];
        let known = vec![vec![true; SECTORS]; 4];
        let depths = Depths {
            log_depth: &map,
            known: &known,
            arc_mm: &map,
            peak_share: &map,
            permeation: &Permeation::none(4),
            dz_mm: 3.0,
        };
        assert!(fit(&depths).is_none());
    }
}
