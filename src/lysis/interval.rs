//! 95 % intervals of both percentages.
//!
//! Where they come from, all but the last two measured on the bone itself:
//! - how far its healthy walls stray from the reference over a quarter of the circumference, and cell by cell;
//! - how much its own anatomy changes along the bone, for the distance over which the reference had to be carried;
//! - the disagreement of the two references, where there are two;
//! - the noise of the image, below which the first is never taken;
//! - what a dense filling of the lesion may hide;
//! - what the model itself does not see (borders of a loss, window of the wall).
//!
//! The factors between these and the error were set on defects cut into real bone and on phantoms, so that about 95 of
//! 100 intervals hold the truth in each kind; docs/validation.md counts them, and on random defects
//! in the same patients that were not used for it, where they hold it less often.

use super::assess::{Losses, percent};
use super::circumference::Circumference;
use super::patches::Patches;
use super::surface::mean_over_quarters;
use crate::cortex::SECTORS;
use crate::cortex::contour::Map;
use crate::estimate::Estimate;

/// A reference is less certain than the healthy walls that made it stray from it: they were fitted, what is lost was not.
const REFERENCE: f64 = 1.6;
/// What the wall may change per mm between two healthy stretches that hold the reference, in units of what the bone's own
/// anatomy changes from its slow course.
const BETWEEN_PER_MM: f64 = 1.3 / 30.0;
/// What it may change beyond the last healthy wall, where nothing holds the reference on the other side, as a share of its
/// depth: metaphyses thin in their own way.
const BEYOND_PER_MM: f64 = 0.0038;
/// Never more than this.
const MOST_BEYOND: f64 = 0.3;
/// A healthy stretch shorter than this, beside a loss, does not hold the reference, mm.
const HOLDING_MM: f64 = 12.0;
/// Share of the disagreement of two references that either may be wrong by.
const DISAGREEMENT: f64 = 0.6;
/// Neighbouring cells stray together: so many of them tell as much as one.
const CELLS_TOGETHER: f64 = 12.0;
/// What the rim of a loss adds, in units of the healthy walls' own spread: a bone of even walls is modelled better than one
/// that is all ridges and pores.
const RIM: f64 = 0.42;
/// What even the smoothest bone is not known better than, percentage points.
const LEAST_POINTS: f64 = 0.075;

/// How well the loss of a cell is known whatever the image: two ways of counting the same wall differ by this.
const LOSS_SD: f64 = 0.045;
/// Part of the reference's error that moves the border of a loss; the rest moves what is well inside it.
const AT_BORDER: f64 = 0.354;
/// How near its loss must be to the depth for a sector to have a say in that.
const NEAR_DEPTH: f64 = 0.15;
/// What the outline changes along the bone, in units of what the depth of its wall may change.
const CONTOUR: f64 = 0.5;
/// How well a border is found, in units of the blur on the contour.
const BORDER_SIGMAS: f64 = 0.13;
/// How far a cell's own error moves it, in cells' spread.
const BORDER_CELLS: f64 = 2.0;
/// The gentlest slope of loss along the contour that still makes a border, per mm.
const LEAST_SLOPE: f64 = 0.02;
/// What may go unseen in a section without any loss, sectors.
const UNSEEN_SECTORS: f64 = 1.1;
/// 95 % of a normal distribution lie within so many standard deviations.
const SDS: f64 = 1.96;

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
    /// Read off the healthy cells of the bone. `noise`: what the image's noise does to one cell, `anatomy`: what the bone's
    /// walls change from their slow course, both as a share of depth.
    pub fn of(
        known: &[Vec<bool>],
        deviation: &Map,
        patches: &Patches,
        log_ref: &Map,
        other: Option<&Map>,
        dz_mm: f64,
        (noise, anatomy): (f64, f64),
    ) -> Self {
        let n = known.len();
        let healthy = |k: usize, s: usize| known[k][s] && patches.label[k][s] == 0;
        let cells: Vec<f64> =
            (0..n).flat_map(|k| (0..SECTORS).filter(move |s| healthy(k, *s)).map(move |s| deviation[k][s])).collect();
        let quarters = mean_over_quarters(deviation, healthy);
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
                out.carried[k][s] = if far.is_finite() {
                    anatomy * BETWEEN_PER_MM * near
                } else {
                    (BEYOND_PER_MM * near).min(MOST_BEYOND)
                };
            }
        }
        out
    }

    /// How far the losses in slice `k` may be off together where they are near the depth, 95 %, as a share of the wall.
    pub fn shift(&self, k: usize, weight: impl Fn(usize) -> f64) -> f64 {
        SDS * LOSS_SD.hypot(AT_BORDER * self.reference(k, weight))
    }

    /// Standard deviation of the length of the lost arc of slice `k`, as a share of it: where no wall stands the contour is
    /// carried along the bone like the reference, and over the same distance.
    fn contour(&self, k: usize, arc_mm: impl Fn(usize) -> f64) -> f64 {
        let total: f64 = (0..SECTORS).map(&arc_mm).sum();
        let carried: f64 = (0..SECTORS).map(|s| arc_mm(s) * self.carried[k][s]).sum();
        if total > 0.0 { CONTOUR * carried / total } else { 0.0 }
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
        let parts = [REFERENCE * self.quarter, carried / total, DISAGREEMENT * differ / total];
        parts.iter().map(|part| part * part).sum::<f64>().sqrt()
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
        return percent(value, 0.0, 100.0 * (0.5 * shortfall.max(0.0) + 0.5 * SDS * spread.quarter));
    }
    let cells = (0..SECTORS).filter(|s| losses.loss[k][*s] > 0.0).count() as f64;
    let parts = [
        // A = 1 − M/M₀ over the lost arc: an error ε of its reference moves A by ε · share · (1 − A).
        100.0 * spread.reference(k, in_loss) * share * (1.0 - value / 100.0),
        100.0 * spread.cell * share * (CELLS_TOGETHER / cells).sqrt(),
        100.0 * share * losses.fill_share(k),
        100.0 * RIM * spread.quarter * (cells / SECTORS as f64).sqrt(),
        LEAST_POINTS,
    ];
    let sd = parts.iter().map(|part| part * part).sum::<f64>().sqrt();
    percent(value, value - SDS * sd, value + SDS * sd)
}

/// Interval of the circumferential percentage of slice `k`. An error that all sectors share (reference, way of counting)
/// moves the depth at which the loss is cut; each border is known as well as blur and cells allow.
pub(super) fn circumferential_interval(
    value: f64,
    around: &Circumference,
    losses: &Losses,
    k: usize,
    depth: f64,
    spread: &Spread,
) -> Estimate {
    let total: f64 = (0..SECTORS).map(|s| losses.arc_mm(k, s)).sum();
    if (0..SECTORS).all(|s| losses.patches.label[k][s] == 0) {
        return percent(value, 0.0, 100.0 * UNSEEN_SECTORS / SECTORS as f64);
    }
    let loss = |s: usize| f64::from(losses.loss[k][s]);
    let says = |s: usize| {
        let off = (loss(s) - depth) / NEAR_DEPTH;
        // A little for every lost sector: where none is near the depth, all of them speak.
        if loss(s) > 0.0 { (-0.5 * off * off).exp() + 1e-6 } else { 0.0 }
    };
    let shift = spread.shift(k, says);
    let percent_at = |depth: f64| 100.0 * around.above_mm(depth) / total;
    let (more, less) = (percent_at((depth - shift).max(0.01)), percent_at((depth + shift).min(0.999)));
    let slopes = around.slopes_at(depth);
    let by_cells =
        slopes.iter().map(|slope| (BORDER_CELLS * spread.cell / slope.max(LEAST_SLOPE)).powi(2)).sum::<f64>();
    // The blur is the same at every border: what is wrong with it moves all of them outwards, or all inwards.
    let by_blur = BORDER_SIGMAS * around.blur_mm * slopes.len() as f64;
    let lost = |s: usize| if loss(s) > depth { losses.arc_mm(k, s) } else { 0.0 };
    let parts =
        [by_cells.sqrt() / total, by_blur / total, spread.contour(k, lost) * value / 100.0 * (1.0 - value / 100.0)];
    let rest = 100.0 * SDS * parts.iter().map(|part| part * part).sum::<f64>().sqrt();
    percent(value, value - (value - less).max(0.0).hypot(rest), value + (more - value).max(0.0).hypot(rest))
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
            Spread::of(&known, &zero, &Patches { label, count: 1 }, &zero, None, 3.0, (0.0, 0.02))
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
        let alone = Spread::of(&known, &zero, &none, &zero, None, 3.0, (0.0, 0.02));
        let two = Spread::of(&known, &zero, &none, &zero, Some(&other), 3.0, (0.0, 0.02));
        assert!(two.reference(5, |_| 1.0) > alone.reference(5, |_| 1.0) + 0.05);
    }
}
