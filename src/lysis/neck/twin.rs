//! The neck of the other side laid on this one: sections of the same place, sectors of the same side, and what is left over.

use super::super::other_side::{Rows, level};
use crate::cortex::SECTORS;
use crate::cortex::neck::Neck;
use crate::smoothing::median;

/// Largest turn of one neck against the other that is looked for, sectors (3° each).
const MAX_TURN: isize = 5;
/// Largest shift along the neck, mm.
const MAX_SHIFT_MM: isize = 4;
/// Frames come from the same landmarks on both sides: what a sector of turn and a millimetre of shift must gain.
const PER_SECTOR: f64 = 0.02;
const PER_MM: f64 = 0.05;
/// Part of the places, those that agree best, that tells where the other neck lies: the rest may be lost.
const AGREEING: f64 = 0.65;
/// What the outline counts for, which stands where a wall is lost, against the thickness.
const BY_OUTLINE: f64 = 1.5;
/// Sections of this neck that the other must cover; no loss is told in those that it does not.
const LEAST_COVERED: usize = 5;
/// Thickness (mm) and outline (as a share) in the measure of what necks of two sides differ by.
const THICKNESS_MM: f64 = 0.3;
const OUTLINE: f64 = 0.05;
/// The other neck as this one's intact wall.
#[derive(Debug, Clone, PartialEq)]
pub struct NeckTwin {
    /// Intact thickness by measured section and sector of this neck, mm; NaN where the other neck tells none.
    pub thickness_mm: Rows,
    /// Its outline there, mm from the other section's own middle: as large as the other neck is.
    pub radius_mm: Rows,
    pub turn_deg: f64,
    pub shift_mm: f64,
}

/// Lays the other neck on this one. Both are seen from their own front and top, so that nothing need be mirrored. `None` where it
/// covers too little.
pub fn lay_on(this: &Neck, measured: &[usize], other: &Neck) -> Option<NeckTwin> {
    let mut best: Option<(f64, isize, isize, Rows, Rows)> = None;
    for shift in -MAX_SHIFT_MM..=MAX_SHIFT_MM {
        let Some((thickness, radius)) = sampled(this, measured, other, shift as f64) else { continue };
        for turn in -MAX_TURN..=MAX_TURN {
            let (thickness, radius) = (turned(&thickness, turn), turned(&radius, turn));
            let moved = PER_SECTOR * turn.abs() as f64 + PER_MM * shift.abs() as f64;
            if let Some(cost) = cost(this, measured, &thickness, &radius).map(|cost| cost + moved)
                && best.as_ref().is_none_or(|(least, ..)| cost < *least)
            {
                best = Some((cost, turn, shift, thickness, radius));
            }
        }
    }
    let (_, turn, shift, mut thickness_mm, radius_mm) = best?;
    let seen: Vec<&[f64]> = measured.iter().map(|k| this.sections[*k].thickness_mm.as_slice()).collect();
    level(&seen, &mut thickness_mm)?;
    Some(NeckTwin { thickness_mm, radius_mm, turn_deg: turn as f64 * 360.0 / SECTORS as f64, shift_mm: shift as f64 })
}

/// Thickness and outline of the other neck at the places of this one's measured sections, counted in radii of the heads.
fn sampled(this: &Neck, measured: &[usize], other: &Neck, shift_mm: f64) -> Option<(Rows, Rows)> {
    let scale = other.head_radius_mm / this.head_radius_mm;
    let mut covered = 0;
    let row = |k: &usize| {
        let at = this.sections[*k].from_head_mm * scale + shift_mm;
        let high = other.sections.partition_point(|s| s.from_head_mm <= at);
        let pair = high.checked_sub(1).and_then(|low| Some((other.sections.get(low)?, other.sections.get(high)?)));
        match pair.filter(|(low, high)| low.not_measured.is_none() && high.not_measured.is_none()) {
            Some((low, high)) => {
                covered += 1;
                let f = (at - low.from_head_mm) / (high.from_head_mm - low.from_head_mm);
                let mix = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * (1.0 - f) + b * f).collect();
                (mix(&low.thickness_mm, &high.thickness_mm), mix(&low.radius_mm, &high.radius_mm))
            }
            None => (vec![f64::NAN; SECTORS], vec![f64::NAN; SECTORS]),
        }
    };
    let rows: (Rows, Rows) = measured.iter().map(row).unzip();
    (covered >= LEAST_COVERED).then_some(rows)
}

fn turned(rows: &Rows, turn: isize) -> Rows {
    let from = |s: isize| (s - turn).rem_euclid(SECTORS as isize) as usize;
    rows.iter().map(|row| (0..SECTORS as isize).map(|s| row[from(s)]).collect()).collect()
}

/// Mean difference of thickness and outline where they agree best; an even difference of either does not count.
fn cost(this: &Neck, measured: &[usize], thickness: &Rows, radius: &Rows) -> Option<f64> {
    let (mut thick, mut round) = (Vec::new(), Vec::new());
    for (row, k) in measured.iter().enumerate() {
        let section = &this.sections[*k];
        for s in 0..SECTORS {
            let off = section.thickness_mm[s] - thickness[row][s];
            if off.is_finite() {
                thick.push(off);
                round.push((section.radius_mm[s] / radius[row][s]).ln());
            }
        }
    }
    let mean = |offs: &[f64], unit: f64| {
        let middle = median(&mut offs.to_vec())?;
        let mut away: Vec<f64> = offs.iter().map(|o| (o - middle).abs() / unit).collect();
        away.sort_by(f64::total_cmp);
        away.truncate(((AGREEING * away.len() as f64) as usize).max(1));
        Some(away.iter().sum::<f64>() / away.len() as f64)
    };
    Some(mean(&thick, THICKNESS_MM)? + BY_OUTLINE * mean(&round, OUTLINE)?)
}
