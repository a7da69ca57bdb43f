//! The wall where a plane across the bone meets it: between the rows of the unrolled cortex that its rays reach.
//!
//! The unrolled cortex speaks of native slices. Across a bone that leans by 20° the plane meets one wall two slices above the slice
//! that it is named after, and the opposite one two below: what is known of a wall, and whether a lesion took it, is read there.

use super::plane::Plane;
use super::wall::WallPlace;
use crate::cortex::Cortex;
use crate::estimate::Estimate;
use crate::lysis::Lysis;

/// A ray counts as lost where rows with a loss in its sector have this much of its weight: its HU are a mixture then.
const LOST_WEIGHT: f64 = 0.1;

/// Rows of the unrolled cortex with their loss.
pub struct Rows<'a> {
    pub cortex: &'a Cortex,
    pub lysis: &'a Lysis,
}

/// The wall of one sector where the plane meets it.
pub struct Met {
    /// Between the rows.
    pub place: WallPlace,
    /// The rows, their weights, which add up to 1, and the wall in each.
    pub rows: Vec<(usize, f64, WallPlace)>,
}

impl Rows<'_> {
    /// Is anything measured in that row?
    pub fn is_measured(&self, row: usize) -> bool {
        self.lysis.slices[row].is_some() && self.cortex.slices[row].not_measured.is_none()
    }

    /// The wall of sector `s` on the plane named after `row`: between the rows around it, as far as they know their wall, else in the
    /// plane's own. `None` where that one does not know it.
    pub fn wall(&self, plane: &Plane, row: usize, s: usize) -> Option<Met> {
        let own = self.known(row, s)?;
        let at = row as f64 + 0.5 * (own.inner_mm + own.outer_mm) * plane.slices_per_mm[s];
        let (first, part) = (at.floor(), at - at.floor());
        let near = [(first, 1.0 - part), (first + 1.0, part)];
        let inside =
            near.into_iter().filter(|(row, w)| *w > 0.0 && (0.0..self.cortex.slices.len() as f64).contains(row));
        let mut rows: Vec<(usize, f64, WallPlace)> =
            inside.filter_map(|(row, w)| Some((row as usize, w, self.known(row as usize, s)?))).collect();
        if rows.is_empty() {
            rows.push((row, 1.0, own));
        }
        let total: f64 = rows.iter().map(|(_, weight, _)| weight).sum();
        rows.iter_mut().for_each(|(_, weight, _)| *weight /= total);
        let lost: f64 = rows.iter().filter(|(.., wall)| wall.lost).map(|(_, weight, _)| weight).sum();
        let place = mean(&rows, lost >= LOST_WEIGHT);
        Some(Met { place, rows })
    }

    /// `axial_percent` with an interval at least as wide, to either side, as in these rows.
    pub fn widened(&self, axial_percent: Estimate, rows: &[(usize, f64, WallPlace)]) -> Estimate {
        let there = rows.iter().filter_map(|(row, ..)| self.lysis.slices[*row]).map(|slice| slice.axial_percent);
        there.fold(axial_percent, |Estimate { value, low, high }, other| Estimate {
            value,
            low: low.min(value - (other.value - other.low)),
            high: high.max(value + (other.high - other.value)),
        })
    }

    /// The wall in one row.
    fn known(&self, row: usize, s: usize) -> Option<WallPlace> {
        let slice = &self.cortex.slices[row];
        let outer_mm = f64::from(*slice.periosteal_radius_mm.get(s)?);
        let intact_mm2 = f64::from(*self.lysis.reference.mass_mm2[row].get(s)?);
        let canal_hu = slice.canal_hu.get(s).map_or(f64::NAN, |v| f64::from(*v));
        let is_known = self.is_measured(row) && outer_mm > 1.0 && intact_mm2 > 0.0;
        is_known.then(|| WallPlace::new(outer_mm, intact_mm2, self.lysis.loss[row][s] > 0.0, canal_hu))
    }
}

/// A wall between walls. `rows` are not empty, their weights add up to 1.
pub fn mean(rows: &[(usize, f64, WallPlace)], lost: bool) -> WallPlace {
    let mean = |of: fn(&WallPlace) -> f64| rows.iter().map(|(_, weight, wall)| weight * of(wall)).sum::<f64>();
    WallPlace::new(mean(|w| w.outer_mm), mean(|w| w.intact_mm2), lost, mean(|w| w.canal_hu))
}
