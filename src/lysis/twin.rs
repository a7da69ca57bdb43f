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
        match sample(&there, &here, k, placement, 1) {
            Some((depth, _)) => {
                twin_depth[k] = depth;
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
    let mut best: Option<(f64, Placement)> = None;
    let mut consider = |placement: Placement, stride: usize| {
        if let Some(cost) = cost(here, there, placement, stride)
            && best.is_none_or(|(c, _)| cost < c)
        {
            best = Some((cost, placement));
        }
    };
    let stride = here.usable.len().div_ceil(24).max(1);
    for shift in -reach..=reach {
        for turn in (-MAX_TURN..=MAX_TURN).step_by(2) {
            consider(Placement { turn, shift_mm: shift as f64 * step, scale: 1.0 }, stride);
        }
    }
    let (_, coarse) = best?;
    best = None;
    for scale in SCALES {
        for half_steps in -6..=6 {
            for turn in coarse.turn - 2..=coarse.turn + 2 {
                let shift_mm = coarse.shift_mm + f64::from(half_steps) * 0.5 * step;
                let placement = Placement { turn, shift_mm, scale };
                if let Some(cost) = cost(here, there, placement, stride)
                    && best.is_none_or(|(c, _)| cost < c)
                {
                    best = Some((cost, placement));
                }
            }
        }
    }
    best.map(|b| b.1)
}

/// Robust mean difference of outline and depth; mean offsets (one bone larger or denser) do not count.
fn cost(here: &View, there: &View, placement: Placement, stride: usize) -> Option<f64> {
    let (mut offs, mut seen, mut all) = (Vec::new(), 0usize, 0usize);
    for k in (0..here.usable.len()).filter(|k| here.usable[*k]).step_by(stride) {
        all += 1;
        let Some((depth, radius)) = sample(there, here, k, placement, COST_STEP) else { continue };
        seen += 1;
        let here = here.log_depth[k].iter().zip(&here.log_radius[k]).step_by(COST_STEP);
        offs.extend(here.zip(depth.iter().zip(&radius)).map(|(here, there)| (here.0 - there.0, here.1 - there.1)));
    }
    if seen < 4 || (seen as f64) < MIN_COVERED * all as f64 {
        return None;
    }
    let middle = |f: fn(&(f64, f64)) -> f64| crate::smoothing::median(&mut offs.iter().map(f).collect::<Vec<_>>());
    let (d0, r0) = (middle(|o| o.0)?, middle(|o| o.1)?);
    // Outline and depth in the measure of their own anatomy: 5 % of radius tells as much as 15 % of depth.
    let sum: f64 = offs.iter().map(|(d, r)| ((d - d0).abs() / 0.15).min(2.0) + ((r - r0).abs() / 0.05).min(2.0)).sum();
    // The absolute size must not be free either, or any stretch of shaft fits any other.
    Some(
        sum / offs.len() as f64
            + 2.0 * r0.abs() / 0.05 * 0.2
            + 0.2 * d0.abs() / 0.15
            + 0.1 * (1.0 - seen as f64 / all as f64),
    )
}

/// Every other sector tells where the twin lies.
const COST_STEP: usize = 2;

/// Depth and outline of the mirrored, placed twin at row `k` of this bone, in every `step`-th sector.
fn sample(there: &View, here: &View, k: usize, placement: Placement, step: usize) -> Option<(Vec<f64>, Vec<f64>)> {
    let (low, f) = there.at(placement.z_mm(here, k))?;
    let high = (low + 1).min(there.usable.len() - 1);
    let mix = |map: &Map| {
        (0..SECTORS as isize)
            .step_by(step)
            .map(|s| {
                // Left and right change places: θ → π − θ.
                let mirrored = SECTORS as isize / 2 - 1 - (s - placement.turn);
                let m = mirrored.rem_euclid(SECTORS as isize) as usize;
                map[low][m] * (1.0 - f) + map[high][m] * f
            })
            .collect::<Vec<f64>>()
    };
    Some((mix(&there.log_depth), mix(&there.log_radius)))
}
