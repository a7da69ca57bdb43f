//! The other side brought to this one's own level.

use super::Rows;
use crate::cortex::SECTORS;
use crate::smoothing::median;
use nalgebra::{Matrix3, Vector3};

/// A wall this much thinner, mm and as a share, says nothing of the level of both sides.
const LOST_MM: f64 = 0.5;
const LOST_SHARE: f64 = 0.4;
/// Rounds of the robust fit of what is left over, and the least spread it weighs by, mm.
const ROUNDS: usize = 12;
const LEAST_SPREAD_MM: f64 = 0.1;
const LEAST_WEIGHT: f64 = 1e-4;

/// Brings `thickness`, of the other side, to the level of what is `seen` of this one: one wall is thicker than the other all along, or more so on one side. The
/// difference is fitted as an even part and one wave around, robustly, so that a loss does not pull it down.
pub fn level(seen: &[&[f64]], thickness: &mut Rows) -> Option<()> {
    let wave = |s: usize| {
        let (sin, cos) = crate::cortex::polar::sector_angle(s).sin_cos();
        Vector3::new(1.0, cos, sin)
    };
    let (mut points, mut weights): (Vec<(Vector3<f64>, f64)>, Vec<f64>) = (Vec::new(), Vec::new());
    for (row, seen) in seen.iter().enumerate() {
        for s in 0..SECTORS {
            let (seen, other) = (seen[s], thickness[row][s]);
            if (seen - other).is_finite() {
                points.push((wave(s), seen - other));
                let lost = other - seen > LOST_MM.max(LOST_SHARE * other);
                weights.push(if lost { LEAST_WEIGHT } else { 1.0 });
            }
        }
    }
    let mut fitted = Vector3::zeros();
    for _ in 0..ROUNDS {
        let (mut normal, mut right) = (Matrix3::identity() * 1e-9, Vector3::zeros());
        for ((at, off), weight) in points.iter().zip(&weights) {
            normal += at * at.transpose() * *weight;
            right += at * (off * weight);
        }
        fitted = normal.cholesky()?.solve(&right);
        let rest: Vec<f64> = points.iter().map(|(at, off)| off - at.dot(&fitted)).collect();
        let spread = 1.4826 * median(&mut rest.iter().map(|r| r.abs()).collect::<Vec<_>>())?;
        let reach = 4.0 * spread.max(LEAST_SPREAD_MM);
        for (weight, rest) in weights.iter_mut().zip(&rest) {
            *weight = if rest.abs() < reach { (1.0 - (rest / reach).powi(2)).powi(2) } else { LEAST_WEIGHT };
        }
    }
    for row in thickness.iter_mut() {
        row.iter_mut().enumerate().for_each(|(s, t)| *t += wave(s).dot(&fitted));
        // Not by `max`, which makes a number of what is not known.
        row.iter_mut().filter(|t| **t < 0.0).for_each(|t| *t = 0.0);
    }
    Some(())
}
