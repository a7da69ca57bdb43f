//! 95 % intervals of both percentages.
//!
//! Where they come from, all but the last two measured on the bone itself:
//! - how far its healthy walls stray from the reference over a quarter of the circumference, and cell by cell;
//! - how well healthy walls tell of those that are lost, by their distance along the bone and around it (kriging);
//! - the disagreement of the two references, where there are two;
//! - the noise of the image, below which the first is never taken;
//! - what a dense filling of the lesion may hide;
//! - what the model itself does not see (borders of a loss, window of the wall).
//!
//! The factors between these and the error were set on defects cut into real bone, on phantoms and, that of kriging, on maps of healthy
//! walls with pieces taken out, so that about 95 of 100 intervals hold the truth in each kind; docs/validation.md counts them, and on random defects
//! in the same patients that were not used for it, where they hold it less often.

use super::assess::{Losses, percent};
use super::circumference::Circumference;
use super::kriging::{Doubt, Kriging};
use super::patches::Patches;
use super::surface::{Depths, mean_over_quarters};
use crate::cortex::SECTORS;
use crate::cortex::contour::Map;
use crate::estimate::Estimate;
use rayon::prelude::*;

/// What is told of a lost wall is less certain than the covariance of healthy ones says: their blocks are no perfect Gaussian process.
const TOLD: f64 = 1.3;
/// Never less certain than this, as a share of depth.
const MOST_DOUBT: f64 = 0.3;
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
pub struct Spread {
    /// Standard deviation of the deviation of one cell.
    pub cell: f64,
    /// Standard deviation of the mean deviation over a quarter of the circumference.
    pub quarter: f64,
    /// How little the healthy walls tell of those slices that have lost some.
    pub doubt: Vec<Option<Doubt>>,
    /// Difference of the two references, as a share of depth, where both exist.
    pub disagreement: Option<Map>,
}

impl Spread {
    /// Read off the healthy cells of the bone. `other`: the other reference, where there are two; `noise`: what the image's noise
    /// does to one cell, as a share of depth.
    pub fn of(
        depths: &Depths,
        deviation: &Map,
        patches: &Patches,
        log_ref: &Map,
        other: Option<&Map>,
        noise: f64,
    ) -> Self {
        let n = deviation.len();
        let healthy = |k: usize, s: usize| depths.known[k][s] && patches.label[k][s] == 0;
        let cells: Vec<f64> =
            (0..n).flat_map(|k| (0..SECTORS).filter(move |s| healthy(k, *s)).map(move |s| deviation[k][s])).collect();
        let quarters = mean_over_quarters(deviation, healthy);
        let rms = |v: &[f64]| (v.iter().map(|x| x * x).sum::<f64>() / v.len().max(1) as f64).sqrt();
        let differ = |k: usize, s: usize, other: &Map| ((other[k][s] - log_ref[k][s]).exp() - 1.0).abs().min(1.0);
        Self {
            // Where few healthy cells are left to show it, the noise of the image is still known.
            cell: rms(&cells).max(noise).max(0.005),
            quarter: if quarters.len() >= 8 { rms(&quarters).max(0.002) } else { 0.02 },
            doubt: doubt(depths, patches),
            disagreement: other
                .map(|other| (0..n).map(|k| (0..SECTORS).map(|s| differ(k, s, other)).collect()).collect()),
        }
    }

    /// Standard deviation of the reference in slice `k`, as a share of depth, as far as healthy walls tell it: `of` its mean or a sector.
    fn told(&self, k: usize, of: impl Fn(&Doubt) -> f64) -> f64 {
        self.doubt[k].as_ref().map_or(MOST_DOUBT, |doubt| (TOLD * of(doubt)).min(MOST_DOUBT))
    }

    /// How far the losses in slice `k` may be off together where they are near the depth, 95 %, as a share of the wall.
    pub fn shift(&self, k: usize, weight: impl Fn(usize) -> f64) -> f64 {
        SDS * LOSS_SD.hypot(AT_BORDER * self.reference(k, weight))
    }

    /// Standard deviation of the length of the lost arc of slice `k`, as a share of it: where no wall stands the contour is
    /// known the less, the less is told of the wall.
    fn contour(&self, k: usize, arc_mm: impl Fn(usize) -> f64) -> f64 {
        let total: f64 = (0..SECTORS).map(&arc_mm).sum();
        let doubted: f64 = (0..SECTORS).map(|s| arc_mm(s) * self.told(k, |doubt| doubt.of_sector(s))).sum();
        if total > 0.0 { CONTOUR * doubted / total } else { 0.0 }
    }

    /// Standard deviation of the reference over the lost arc of slice `k`, as a share of depth.
    fn reference(&self, k: usize, weight: impl Fn(usize) -> f64) -> f64 {
        let (mut differ, mut total) = (0.0, 0.0);
        for s in 0..SECTORS {
            let w = weight(s);
            if w > 0.0 {
                differ += w * self.disagreement.as_ref().map_or(0.0, |d| d[k][s]);
                total += w;
            }
        }
        if total <= 0.0 {
            return self.quarter;
        }
        let parts = [self.quarter, self.told(k, |doubt| doubt.of_mean(&weight)), DISAGREEMENT * differ / total];
        parts.iter().map(|part| part * part).sum::<f64>().sqrt()
    }
}

/// What is told of the slices that have lost some of their wall; `None` for the others, and for all where too little is healthy.
fn doubt(depths: &Depths, patches: &Patches) -> Vec<Option<Doubt>> {
    let is_lost = |k: usize| patches.label[k].iter().any(|l| *l > 0);
    let n = patches.label.len();
    let kriging = (patches.count > 0).then(|| Kriging::of(depths, &depths.healthy(&patches.with_rim(depths.dz_mm))));
    let Some(kriging) = kriging.flatten() else { return (0..n).map(|_| None).collect() };
    (0..n).into_par_iter().map(|k| is_lost(k).then(|| kriging.doubt(k))).collect()
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
    use super::super::permeation::Permeation;
    use super::*;

    /// A bone of `SLICES` slices, 3 mm apart, whose walls are 5 mm deep everywhere.
    fn spread_of(lost: std::ops::Range<usize>, other: Option<&Map>) -> Spread {
        const SLICES: usize = 40;
        let (known, even) = (vec![vec![true; SECTORS]; SLICES], vec![vec![5.0f64.ln(); SECTORS]; SLICES]);
        let (ones, zero) = (vec![vec![1.0; SECTORS]; SLICES], vec![vec![0.0; SECTORS]; SLICES]);
        let depths = Depths {
            log_depth: &even,
            known: &known,
            arc_mm: &ones,
            peak_share: &ones,
            permeation: &Permeation::none(SLICES),
            dz_mm: 3.0,
        };
        let count = usize::from(!lost.is_empty());
        let label = (0..SLICES).map(|k| vec![usize::from(lost.contains(&k)); SECTORS]).collect();
        Spread::of(&depths, &zero, &Patches { label, count }, &even, other, 0.0)
    }

    #[test]
    fn an_extrapolated_reference_is_less_certain_than_one_between_two_healthy_stretches() {
        let (between, beyond) = (spread_of(15..25, None), spread_of(30..40, None));
        let sd = |spread: &Spread, k: usize| spread.reference(k, |_| 1.0);
        assert!(sd(&between, 20) > between.quarter);
        assert!(sd(&beyond, 35) > 2.0 * sd(&between, 20));
        assert!(sd(&beyond, 39) > sd(&beyond, 31));
    }

    #[test]
    fn disagreement_of_two_references_widens_the_interval() {
        let other = vec![vec![5.0f64.ln() + 0.2; SECTORS]; 40];
        let (alone, two) = (spread_of(10..14, None), spread_of(10..14, Some(&other)));
        assert!(two.reference(12, |_| 1.0) > alone.reference(12, |_| 1.0) + 0.05);
    }
}
