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

/// A wall in one row.
struct Known {
    row: usize,
    weight: f64,
    outer_mm: f64,
    intact_mm2: f64,
    canal_hu: f64,
}

impl Rows<'_> {
    /// Is anything measured in that row?
    pub fn is_measured(&self, row: usize) -> bool {
        self.lysis.slices[row].is_some() && self.cortex.slices[row].not_measured.is_none()
    }

    /// The wall of sector `s` on the plane named after `row`; `None` where that row does not know it.
    pub fn wall(&self, plane: &Plane, row: usize, s: usize) -> Option<WallPlace> {
        let met = self.met(plane, row, s)?;
        let total: f64 = met.iter().map(|known| known.weight).sum();
        let mean = |of: fn(&Known) -> f64| met.iter().map(|known| known.weight * of(known)).sum::<f64>() / total;
        let lost = met.iter().filter(|known| self.lysis.loss[known.row][s] > 0.0).map(|known| known.weight);
        let is_lost = lost.sum::<f64>() >= LOST_WEIGHT * total;
        Some(WallPlace::new(mean(|k| k.outer_mm), mean(|k| k.intact_mm2), is_lost, mean(|k| k.canal_hu)))
    }

    /// `axial_percent` with an interval at least as wide, to either side, as in the rows where sector `s` meets the plane.
    pub fn widened(&self, axial_percent: Estimate, plane: &Plane, row: usize, s: usize) -> Estimate {
        let rows = self.met(plane, row, s).into_iter().flatten();
        let there = rows.filter_map(|known| self.lysis.slices[known.row]).map(|slice| slice.axial_percent);
        there.fold(axial_percent, |Estimate { value, low, high }, other| Estimate {
            value,
            low: low.min(value - (other.value - other.low)),
            high: high.max(value + (other.high - other.value)),
        })
    }

    /// The rows between which sector `s` meets the plane, as far as they know its wall; else the plane's own.
    fn met(&self, plane: &Plane, row: usize, s: usize) -> Option<Vec<Known>> {
        let own = self.known(row, s)?;
        let wall = WallPlace::new(own.outer_mm, own.intact_mm2, false, own.canal_hu);
        let place = row as f64 + 0.5 * (wall.inner_mm + wall.outer_mm) * plane.slices_per_mm[s];
        let (first, part) = (place.floor(), place - place.floor());
        let at = |row: f64, weight: f64| {
            let inside = weight > 0.0 && row >= 0.0 && row < self.cortex.slices.len() as f64;
            let known = inside.then(|| self.known(row as usize, s)).flatten()?;
            Some(Known { weight, ..known })
        };
        let met: Vec<Known> = at(first, 1.0 - part).into_iter().chain(at(first + 1.0, part)).collect();
        Some(if met.is_empty() { vec![own] } else { met })
    }

    fn known(&self, row: usize, s: usize) -> Option<Known> {
        let slice = &self.cortex.slices[row];
        let outer_mm = f64::from(*slice.periosteal_radius_mm.get(s)?);
        let intact_mm2 = f64::from(*self.lysis.reference.mass_mm2[row].get(s)?);
        let canal_hu = slice.canal_hu.get(s).map_or(f64::NAN, |v| f64::from(*v));
        let is_known = self.is_measured(row) && outer_mm > 1.0 && intact_mm2 > 0.0;
        is_known.then_some(Known { row, weight: 1.0, outer_mm, intact_mm2, canal_hu })
    }
}
