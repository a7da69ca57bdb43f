//! 95 % intervals of both percentages.
//!
//! Three sources: the spread of healthy walls about the reference over arcs as wide as the loss (measured on this
//! bone), its growth with the distance over which the reference had to be carried, and the disagreement with the other
//! reference where there are two. Noise of the image enters through the first.

use super::Reference;
use super::assess::percent;
use super::patches::Patches;
use crate::cortex::contour::Map;
use crate::cortex::{CortexSlice, SECTORS};
use crate::estimate::Estimate;

/// Distance after which a carried reference is as uncertain again as where it left the healthy wall, mm.
const CARRY_MM: f64 = 25.0;
/// What the model itself does not see (blur at the border of a loss, window of the wall), percentage points.
const MODEL_POINTS: f64 = 0.5;

/// How far healthy walls stray from the reference.
#[derive(Debug, Clone)]
pub struct Spread {
    /// Standard deviation of the deviation of one cell.
    pub cell: f64,
    /// Standard deviation of the mean deviation over a quarter of the circumference.
    pub quarter: f64,
    /// Distance along the bone to the nearest healthy cell of the same sector, mm.
    pub carried_mm: Map,
    /// Difference of the two references, as a share of depth, where both exist.
    pub disagreement: Option<Map>,
}

impl Spread {
    /// Read off the healthy cells of the bone.
    pub fn of(
        known: &[Vec<bool>],
        deviation: &Map,
        patches: &Patches,
        log_ref: &Map,
        other: Option<&Map>,
        dz_mm: f64,
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
        let carried_mm = (0..n).map(|_| vec![f64::INFINITY; SECTORS]).collect::<Map>();
        let mut out = Self {
            cell: rms(&cells).max(0.01),
            quarter: if quarters.len() >= 8 { rms(&quarters).max(0.004) } else { 0.02 },
            carried_mm,
            disagreement: other.map(|o| {
                (0..n)
                    .map(|k| (0..SECTORS).map(|s| ((o[k][s] - log_ref[k][s]).exp() - 1.0).abs().min(1.0)).collect())
                    .collect()
            }),
        };
        for s in 0..SECTORS {
            let mut carry = |order: &mut dyn Iterator<Item = usize>| {
                let mut distance = f64::INFINITY;
                for k in order {
                    distance = if healthy(k, s) { 0.0 } else { distance + dz_mm };
                    out.carried_mm[k][s] = out.carried_mm[k][s].min(distance);
                }
            };
            carry(&mut (0..n));
            carry(&mut (0..n).rev());
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
                carried += w * self.carried_mm[k][s].min(100.0);
                differ += w * self.disagreement.as_ref().map_or(0.0, |d| d[k][s]);
                total += w;
            }
        }
        if total <= 0.0 {
            return self.quarter;
        }
        let growth = 1.0 + (carried / total / CARRY_MM).powi(2);
        (self.quarter.powi(2) * growth + (0.5 * differ / total).powi(2)).sqrt()
    }
}

/// Interval of the axial percentage of slice `k`.
pub fn axial_interval(
    value: f64,
    k: usize,
    reference: &Reference,
    loss: &[Vec<f32>],
    deviation: &Map,
    spread: &Spread,
    known: &[Vec<bool>],
) -> Estimate {
    let mass = |s: usize| if known[k][s] { f64::from(reference.mass_mm2[k][s]) } else { 0.0 };
    let total: f64 = (0..SECTORS).map(mass).sum();
    let in_loss = |s: usize| if loss[k][s] > 0.0 { mass(s) } else { 0.0 };
    let share: f64 = (0..SECTORS).map(in_loss).sum::<f64>() / total;
    if share <= 0.0 {
        // Nothing was called lost: what an unrecognised loss could hide is the shortfall of this slice and its spread.
        let shortfall: f64 = (0..SECTORS).map(|s| mass(s) * (-deviation[k][s]).max(0.0)).sum::<f64>() / total;
        let excess: f64 = (0..SECTORS).map(|s| mass(s) * deviation[k][s].max(0.0)).sum::<f64>() / total;
        return percent(value, 0.0, 100.0 * (0.5 * (shortfall - excess).max(0.0) + 1.96 * 0.5 * spread.quarter));
    }
    // A = 1 − M/M₀ over the lost arc: an error ε of its reference moves A by ε · share · (1 − A).
    let from_reference = 100.0 * spread.reference(k, in_loss) * share * (1.0 - value / 100.0);
    let cells = (0..SECTORS).filter(|s| loss[k][*s] > 0.0).count() as f64;
    let from_cells = 100.0 * spread.cell * share / cells.sqrt();
    let sd = (from_reference.powi(2) + from_cells.powi(2) + MODEL_POINTS.powi(2)).sqrt();
    percent(value, value - 1.96 * sd, value + 1.96 * sd)
}

/// Interval of the circumferential percentage of slice `k`: cells whose loss is within its own uncertainty of the
/// depth may or may not count, and the two ends of the arc are known to half a sector.
pub fn circumferential_interval(
    value: f64,
    k: usize,
    depth: f64,
    slice: &CortexSlice,
    loss: &[Vec<f32>],
    patches: &Patches,
    spread: &Spread,
) -> Estimate {
    let arc = |s: usize| f64::from(slice.arc_mm[s]);
    let total: f64 = (0..SECTORS).map(arc).sum();
    let near = |s: &usize| (0..5).any(|d| patches.label[k][(s + SECTORS + d - 2) % SECTORS] > 0);
    if !(0..SECTORS).any(|s| near(&s)) {
        return percent(value, 0.0, 100.0 * 1.0 / SECTORS as f64);
    }
    let sd = |s: usize| {
        let reference = spread.reference(k, |t| if t == s { 1.0 } else { 0.0 }) * (1.0 - f64::from(loss[k][s]));
        spread.cell.hypot(reference)
    };
    let share = |sign: f64| {
        let counted = |s: &usize| near(s) && f64::from(loss[k][*s]) + sign * 1.96 * sd(*s) > depth;
        100.0 * (0..SECTORS).filter(counted).map(arc).sum::<f64>() / total
    };
    let ends = 100.0 / SECTORS as f64;
    percent(value, share(-1.0) - ends, share(1.0) + ends)
}
