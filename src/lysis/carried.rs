//! How far the reference had to be carried, and what it may have changed on the way.

use crate::cortex::SECTORS;
use crate::cortex::contour::Map;

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

/// What the reference may have changed since the nearest `healthy` cells of the same sector, one standard deviation, as a share of
/// depth. `anatomy`: what the bone's walls change from their slow course, likewise.
pub fn carried(healthy: &[Vec<bool>], dz_mm: f64, anatomy: f64) -> Map {
    let n = healthy.len();
    let mut out = vec![vec![0.0; SECTORS]; n];
    for s in 0..SECTORS {
        let held =
            long_runs(&healthy.iter().map(|row| row[s]).collect::<Vec<_>>(), (HOLDING_MM / dz_mm).ceil() as usize);
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
            out[k][s] =
                if far.is_finite() { anatomy * BETWEEN_PER_MM * near } else { (BEYOND_PER_MM * near).min(MOST_BEYOND) };
        }
    }
    out
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_long_healthy_runs_hold_the_reference() {
        let cells = [true, true, false, true, true, true, false, true];
        assert_eq!(long_runs(&cells, 3), [false, false, false, true, true, true, false, false]);
    }

    #[test]
    fn between_two_healthy_stretches_it_changes_with_the_anatomy_beyond_the_last_with_the_distance() {
        let healthy: Vec<Vec<bool>> = (0..40).map(|k| vec![!(15..25).contains(&k) && k < 34; SECTORS]).collect();
        let out = carried(&healthy, 3.0, 0.02);
        assert_eq!(out[10][0], 0.0);
        assert!((out[19][7] - 0.02 * BETWEEN_PER_MM * 15.0).abs() < 1e-12);
        assert!((out[39][7] - BEYOND_PER_MM * 18.0).abs() < 1e-12);
    }
}
