//! The other side as reference: mirrored, registered on the unrolled cortex, and corrected for what is left.

use super::patches::Patches;
use super::prepared::Prepared;
use super::surface::{Depths, fit};
use crate::cortex::contour::Map;
use crate::cortex::{Cortex, SECTORS};

/// Largest turn of one leg against the other that is looked for, sectors (3° each).
const MAX_TURN: isize = 10;
/// Largest shift along the bone, mm.
const MAX_SHIFT_MM: f64 = 80.0;
/// Sizes of one bone against the other along its length.
const SCALES: [f64; 5] = [0.95, 0.975, 1.0, 1.025, 1.05];
/// Share of this bone's slices that the twin must cover.
const MIN_COVERED: f64 = 0.5;

/// A registered twin.
#[derive(Debug, Clone)]
pub struct Twin {
    /// Logarithm of the intact depth, on this bone's rows; this bone's own surface where the twin does not reach.
    pub log_depth: Map,
    /// Dips below it.
    pub patches: Patches,
    /// Robust spread of this bone's healthy cells about it.
    pub spread: f64,
    /// How far the mirrored twin had to be turned, degrees.
    pub rotation_deg: f64,
    /// And shifted along the patient's z, mm.
    pub shift_mm: f64,
    /// And stretched along its length.
    pub scale: f64,
    /// Share of this bone's measured slices that the twin covers.
    pub covered: f64,
    /// Patient z in the twin that each row of this bone was laid on, mm; also beyond the twin's ends.
    pub z_mm: Vec<f64>,
}

/// One bone as the registration sees it.
struct View<'a> {
    cortex: &'a Cortex,
    log_depth: Map,
    log_radius: Map,
    usable: Vec<bool>,
}

impl<'a> View<'a> {
    fn of(cortex: &'a Cortex, prepared: &Prepared) -> Self {
        let usable: Vec<bool> = prepared.known().iter().map(|r| r.iter().all(|k| *k)).collect();
        let log_radius = cortex
            .slices
            .iter()
            .map(|s| {
                (0..SECTORS)
                    .map(|i| s.periosteal_radius_mm.get(i).map_or(0.0, |r| f64::from(r.max(1.0)).ln()))
                    .collect()
            })
            .collect();
        Self { cortex, log_depth: prepared.healed(), log_radius, usable }
    }

    fn z_mm(&self, k: usize) -> f64 {
        self.cortex.slices[k].z_mm
    }

    /// Row of this bone at height `z_mm`, between two usable slices.
    fn at(&self, z_mm: f64) -> Option<(usize, f64)> {
        let k = self.cortex.slices.partition_point(|s| s.z_mm <= z_mm);
        let (low, high) = (k.checked_sub(1)?, k.min(self.usable.len() - 1));
        if !self.usable[low] || !self.usable[high] {
            return None;
        }
        let run = self.z_mm(high) - self.z_mm(low);
        if run <= 0.0 {
            // Beyond the last slice by less than half a spacing: that slice itself.
            return (z_mm - self.z_mm(low) < 0.5 * self.cortex.slice_spacing_mm).then_some((low, 0.0));
        }
        Some((low, (z_mm - self.z_mm(low)) / run))
    }
}

/// Placement of the twin on this bone.
#[derive(Debug, Clone, Copy)]
struct Placement {
    turn: isize,
    shift_mm: f64,
    scale: f64,
}

impl Placement {
    /// Patient z in the twin of row `k` of this bone.
    fn z_mm(self, here: &View, k: usize) -> f64 {
        let middle = 0.5 * (here.z_mm(0) + here.z_mm(here.usable.len() - 1));
        middle + (here.z_mm(k) - middle) / self.scale + self.shift_mm
    }
}

/// Lays the mirrored twin on this bone and makes a reference of it. `None` when it covers too little.
pub fn mirror_and_register(this: (&Cortex, &Prepared), other: (&Cortex, &Prepared)) -> Option<Twin> {
    let (here, there) = (View::of(this.0, this.1), View::of(other.0, other.1));
    let placement = best_placement(&here, &there)?;
    let n = here.usable.len();
    let mut twin_depth: Map = this.1.own_log_depth().clone();
    let mut known = this.1.known().to_vec();
    let mut covered = 0usize;
    for k in 0..n {
        match TwinRow::at(&there, &here, k, placement) {
            Some(twin) => {
                twin_depth[k] = (0..SECTORS).map(|s| twin.value(&there.log_depth, s)).collect();
                covered += usize::from(here.usable[k]);
            }
            None => known[k] = vec![false; SECTORS],
        }
    }
    let measured = here.usable.iter().filter(|u| **u).count().max(1);
    let covered = covered as f64 / measured as f64;
    if covered < MIN_COVERED {
        return None;
    }
    // What the placement leaves over (a bone a little thicker all along, a crest turned by half a sector) is smooth, and
    // is fitted like a bone's own surface; what is not smooth is loss.
    let own = this.1.depths();
    let rest: Map = (0..n).map(|k| (0..SECTORS).map(|s| own.log_depth[k][s] - twin_depth[k][s]).collect()).collect();
    let depths = Depths { log_depth: &rest, known: &known, ..own };
    let surface = fit(&depths)?;
    let mut log_depth = this.1.own_log_depth().clone();
    for k in (0..n).filter(|k| known[*k].iter().any(|v| *v)) {
        for s in 0..SECTORS {
            log_depth[k][s] = twin_depth[k][s] + surface.log_depth[k][s];
        }
    }
    Some(Twin {
        log_depth,
        patches: surface.patches,
        spread: surface.spread,
        rotation_deg: placement.turn as f64 * 360.0 / SECTORS as f64,
        shift_mm: placement.shift_mm,
        scale: placement.scale,
        covered,
        z_mm: (0..n).map(|k| placement.z_mm(&here, k)).collect(),
    })
}

/// Tries all turns, shifts and sizes; coarse along the bone first.
fn best_placement(here: &View, there: &View) -> Option<Placement> {
    let step = here.cortex.slice_spacing_mm.max(2.0);
    let reach = (MAX_SHIFT_MM / step) as isize;
    let stride = here.usable.len().div_ceil(24).max(1);
    let everywhere = (-reach..=reach).flat_map(|shift| {
        let turns = (-MAX_TURN..=MAX_TURN).step_by(2);
        turns.map(move |turn| Placement { turn, shift_mm: shift as f64 * step, scale: 1.0 })
    });
    let coarse = cheapest(everywhere, |placement| cost(here, there, placement, [stride, COARSE_STEP]))?;
    let near = SCALES.into_iter().flat_map(|scale| {
        (-6..=6).flat_map(move |half_steps| {
            let shift_mm = coarse.shift_mm + f64::from(half_steps) * 0.5 * step;
            (coarse.turn - 2..=coarse.turn + 2).map(move |turn| Placement { turn, shift_mm, scale })
        })
    });
    cheapest(near, |placement| cost(here, there, placement, [stride, FINE_STEP]))
}

/// The first of the placements that cost least.
fn cheapest(placements: impl Iterator<Item = Placement>, cost: impl Fn(Placement) -> Option<f64>) -> Option<Placement> {
    let costs = placements.filter_map(|placement| Some((cost(placement)?, placement)));
    costs.min_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, placement)| placement)
}

/// Robust mean difference of outline and depth, every `stride`-th row and every `step`-th sector; mean offsets (one bone larger or
/// denser) do not count.
fn cost(here: &View, there: &View, placement: Placement, [stride, step]: [usize; 2]) -> Option<f64> {
    let (mut seen, mut all) = (0usize, 0usize);
    let (mut depths, mut radii) = (Vec::new(), Vec::new());
    for k in (0..here.usable.len()).filter(|k| here.usable[*k]).step_by(stride) {
        all += 1;
        let Some(twin) = TwinRow::at(there, here, k, placement) else { continue };
        seen += 1;
        for s in (0..SECTORS).step_by(step) {
            depths.push(here.log_depth[k][s] - twin.value(&there.log_depth, s));
            radii.push(here.log_radius[k][s] - twin.value(&there.log_radius, s));
        }
    }
    if seen < 4 || (seen as f64) < MIN_COVERED * all as f64 {
        return None;
    }
    // In the measure of their own anatomy: 5 % of radius tells as much as 15 % of depth.
    let ((d0, depth), (r0, radius)) = (middle_and_spread(&mut depths, 0.15)?, middle_and_spread(&mut radii, 0.05)?);
    // The absolute size must not be free either, or any stretch of shaft fits any other.
    Some(depth + radius + 2.0 * r0.abs() / 0.05 * 0.2 + 0.2 * d0.abs() / 0.15 + 0.1 * (1.0 - seen as f64 / all as f64))
}

/// Median, and the mean distance from it in units of `scale`, none counted as more than two. Reorders its input.
fn middle_and_spread(values: &mut [f64], scale: f64) -> Option<(f64, f64)> {
    let middle = crate::smoothing::median(values)?;
    let sum: f64 = values.iter().map(|v| ((v - middle).abs() / scale).min(2.0)).sum();
    Some((middle, sum / values.len() as f64))
}

/// Sectors between two that tell where the twin lies: coarse, then fine.
const COARSE_STEP: usize = 4;
const FINE_STEP: usize = 2;

/// One row of this bone in the mirrored, placed twin: between two rows of that, from right to left.
struct TwinRow {
    rows: [usize; 2],
    share: f64,
    turn: isize,
}

impl TwinRow {
    fn at(there: &View, here: &View, k: usize, placement: Placement) -> Option<Self> {
        let (low, share) = there.at(placement.z_mm(here, k))?;
        Some(Self { rows: [low, (low + 1).min(there.usable.len() - 1)], share, turn: placement.turn })
    }

    /// The twin's `map` in sector `s` of this bone.
    fn value(&self, map: &Map, s: usize) -> f64 {
        // Left and right change places: θ → π − θ.
        let mirrored = SECTORS as isize / 2 - 1 - (s as isize - self.turn);
        let m = mirrored.rem_euclid(SECTORS as isize) as usize;
        map[self.rows[0]][m] * (1.0 - self.share) + map[self.rows[1]][m] * self.share
    }
}
