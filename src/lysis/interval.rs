//! 95 % intervals of both percentages.
//!
//! Four sources: the spread of healthy walls about the reference over arcs as wide as the loss (measured on this
//! bone), its growth with the distance over which the reference had to be carried, the disagreement with the other
//! reference where there are two, and what a dense filling of the lesion may hide. Noise of the image is part of the
//! first, which is never below what the noise in the muscle around the bone makes of it.

use super::assess::{Losses, percent};
use super::patches::Patches;
use crate::cortex::SECTORS;
use crate::cortex::contour::Map;
use crate::estimate::Estimate;

/// What a healthy wall may change per mm between two healthy stretches that hold the reference, as a share of its depth.
/// This project's estimate from healthy shafts, not literature.
const BETWEEN_PER_MM: f64 = 0.0016;
/// The same beyond the last healthy wall, where nothing holds the reference on the other side.
const BEYOND_PER_MM: f64 = 0.0035;
/// A healthy stretch shorter than this, beside a loss, does not hold the reference, mm.
const HOLDING_MM: f64 = 12.0;
/// What the model itself does not see (blur at the border of a loss, window of the wall), in units of the healthy walls'
/// own spread: a bone of even walls is modelled better than one that is all ridges and pores.
const MODEL_SHARE: f64 = 0.6;

/// How well the two ends of a lost arc are known together, sectors.
const ENDS_SECTORS: f64 = 1.1;

/// How far healthy walls stray from the reference.
#[derive(Debug, Clone)]
pub struct Spread {
    /// Standard deviation of the deviation of one cell.
    pub cell: f64,
    /// Standard deviation of the mean deviation over a quarter of the circumference.
    pub quarter: f64,
    /// What the reference may have changed since the nearest healthy cells of the same sector, as a share of depth.
    pub carried: Map,
    /// Difference of the two references, as a share of depth, where both exist.
    pub disagreement: Option<Map>,
}

impl Spread {
    /// Read off the healthy cells of the bone. `noise`: what the image's noise does to one cell, as a share of its depth.
    pub fn of(
        known: &[Vec<bool>],
        deviation: &Map,
        patches: &Patches,
        log_ref: &Map,
        other: Option<&Map>,
        dz_mm: f64,
        noise: f64,
    ) -> Self {
        let n = known.len();
        let healthy = |k: usize, s: usize| known[k][s] && patches.label[k][s] == 0;
        let (mut cells, mut quarters) = (Vec::new(), Vec::new());
        let quarter = SECTORS / 4;
        for k in 0..n {
            for s in 0..SECTORS {
                if healthy(k, s) {
                    cells.push(deviation[k][s]);
                }
            }
            for q in 0..4 {
                let arc = q * quarter..(q + 1) * quarter;
                if arc.clone().all(|s| healthy(k, s)) {
                    quarters.push(arc.map(|s| deviation[k][s]).sum::<f64>() / quarter as f64);
                }
            }
        }
        let rms = |v: &[f64]| (v.iter().map(|x| x * x).sum::<f64>() / v.len().max(1) as f64).sqrt();
        let carried = vec![vec![0.0; SECTORS]; n];
        let mut out = Self {
            // Where few healthy cells are left to show it, the noise of the image is still known.
            cell: rms(&cells).max(noise).max(0.005),
            quarter: if quarters.len() >= 8 { rms(&quarters).max(0.002) } else { 0.02 },
            carried,
            disagreement: other.map(|o| {
                (0..n)
                    .map(|k| (0..SECTORS).map(|s| ((o[k][s] - log_ref[k][s]).exp() - 1.0).abs().min(1.0)).collect())
                    .collect()
            }),
        };
        for s in 0..SECTORS {
            let held =
                long_runs(&(0..n).map(|k| healthy(k, s)).collect::<Vec<_>>(), (HOLDING_MM / dz_mm).ceil() as usize);
            let carry = |order: &mut dyn Iterator<Item = usize>| {
                let mut distance = f64::INFINITY;
                let mut out = vec![f64::INFINITY; n];
                for k in order {
                    distance = if held[k] { 0.0 } else { distance + dz_mm };
                    out[k] = distance;
                }
                out
            };
            let (below, above) = (carry(&mut (0..n)), carry(&mut (0..n).rev()));
            for k in 0..n {
                // Between two healthy walls the reference is interpolated; beyond the last one it is extrapolated.
                let (near, far) = (below[k].min(above[k]), below[k].max(above[k]));
                out.carried[k][s] =
                    if far.is_finite() { BETWEEN_PER_MM * near } else { (BEYOND_PER_MM * near).min(0.3) };
            }
        }
        out
    }

    /// Standard deviation of the reference over the lost arc of slice `k`, as a share of depth.
    fn reference(&self, k: usize, weight: impl Fn(usize) -> f64) -> f64 {
        let (mut carried, mut differ, mut total) = (0.0, 0.0, 0.0);
        for s in 0..SECTORS {
            let w = weight(s);
            if w > 0.0 {
                // A sector without any healthy cell has its reference from its neighbours and the common course.
                carried += w * self.carried[k][s];
                differ += w * self.disagreement.as_ref().map_or(0.0, |d| d[k][s]);
                total += w;
            }
        }
        if total <= 0.0 {
            return self.quarter;
        }
        (self.quarter.powi(2) + (carried / total).powi(2) + (0.5 * differ / total).powi(2)).sqrt()
    }
}

/// Cells that belong to an unbroken run of at least `shortest`.
fn long_runs(cells: &[bool], shortest: usize) -> Vec<bool> {
    let mut out = vec![false; cells.len()];
    let mut start = 0;
    for end in 0..=cells.len() {
        if end == cells.len() || !cells[end] {
            if end - start >= shortest {
                out[start..end].fill(true);
            }
            start = end + 1;
        }
    }
    out
}

/// Interval of the axial percentage of slice `k`.
pub(super) fn axial_interval(value: f64, losses: &Losses, k: usize, spread: &Spread) -> Estimate {
    let mass = |s: usize| losses.intact_mm2(k, s);
    let total: f64 = (0..SECTORS).map(mass).sum();
    let in_loss = |s: usize| if losses.loss[k][s] > 0.0 { mass(s) } else { 0.0 };
    let share: f64 = (0..SECTORS).map(in_loss).sum::<f64>() / total;
    if share <= 0.0 {
        // Nothing was called lost: what an unrecognised loss could hide is the shortfall of this slice and its spread.
        let shortfall = (0..SECTORS).map(|s| mass(s) * -losses.deviation[k][s]).sum::<f64>() / total;
        return percent(value, 0.0, 100.0 * (0.5 * shortfall.max(0.0) + 1.96 * 0.5 * spread.quarter));
    }
    // A = 1 − M/M₀ over the lost arc: an error ε of its reference moves A by ε · share · (1 − A).
    let from_reference = 100.0 * spread.reference(k, in_loss) * share * (1.0 - value / 100.0);
    let cells = (0..SECTORS).filter(|s| losses.loss[k][*s] > 0.0).count() as f64;
    let from_cells = 100.0 * spread.cell * share / cells.sqrt();
    let from_fill = 100.0 * share * losses.fill_share(k);
    let sd = (from_reference.powi(2)
        + from_cells.powi(2)
        + from_fill.powi(2)
        + (100.0 * MODEL_SHARE * spread.quarter).powi(2))
    .sqrt();
    percent(value, value - 1.96 * sd, value + 1.96 * sd)
}

/// Interval of the circumferential percentage of slice `k`: cells whose loss is within its own uncertainty of the
/// depth may or may not count, and the two ends of the arc are known to about a sector together.
pub(super) fn circumferential_interval(value: f64, losses: &Losses, k: usize, depth: f64, spread: &Spread) -> Estimate {
    let total: f64 = (0..SECTORS).map(|s| losses.arc_mm(k, s)).sum();
    let near = |s: &usize| (0..5).any(|d| losses.patches.label[k][(s + SECTORS + d - 2) % SECTORS] > 0);
    let ends = 100.0 * ENDS_SECTORS / SECTORS as f64;
    if !(0..SECTORS).any(|s| near(&s)) {
        return percent(value, 0.0, ends);
    }
    let loss = |s: usize| f64::from(losses.loss[k][s]);
    let sd = |s: usize| {
        let reference = spread.reference(k, |t| if t == s { 1.0 } else { 0.0 }) * (1.0 - loss(s));
        spread.cell.hypot(reference)
    };
    let share = |sign: f64| {
        let counted = |s: &usize| near(s) && loss(*s) + sign * 1.96 * sd(*s) > depth;
        100.0 * (0..SECTORS).filter(counted).map(|s| losses.arc_mm(k, s)).sum::<f64>() / total
    };
    percent(value, share(-1.0) - ends, share(1.0) + ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_long_healthy_runs_hold_the_reference() {
        let cells = [true, true, false, true, true, true, false, true];
        assert_eq!(long_runs(&cells, 3), [false, false, false, true, true, true, false, false]);
    }

    #[test]
    fn an_extrapolated_reference_is_less_certain_than_one_between_two_healthy_stretches() {
        let n = 40;
        let known = vec![vec![true; SECTORS]; n];
        let zero: Map = vec![vec![0.0; SECTORS]; n];
        let spread_with = |lost: std::ops::Range<usize>| {
            let label = (0..n).map(|k| vec![usize::from(lost.contains(&k)); SECTORS]).collect();
            Spread::of(&known, &zero, &Patches { label, count: 1 }, &zero, None, 3.0, 0.0)
        };
        let (between, beyond) = (spread_with(15..25), spread_with(30..40));
        let sd = |spread: &Spread, k: usize| spread.reference(k, |_| 1.0);
        assert!(sd(&between, 20) > between.quarter);
        assert!(sd(&beyond, 35) > 2.0 * sd(&between, 20));
        assert!(sd(&beyond, 39) > sd(&beyond, 31));
    }

    #[test]
    fn disagreement_of_two_references_widens_the_interval() {
        let n = 20;
        let known = vec![vec![true; SECTORS]; n];
        let zero: Map = vec![vec![0.0; SECTORS]; n];
        let other: Map = vec![vec![0.2; SECTORS]; n];
        let none = Patches { label: vec![vec![0; SECTORS]; n], count: 0 };
        let alone = Spread::of(&known, &zero, &none, &zero, None, 3.0, 0.0);
        let two = Spread::of(&known, &zero, &none, &zero, Some(&other), 3.0, 0.0);
        assert!(two.reference(5, |_| 1.0) > alone.reference(5, |_| 1.0) + 0.05);
    }
}
