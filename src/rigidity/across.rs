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
    /// What it lies between; the weights add up to 1.
    pub parts: Vec<Part>,
}

/// The wall in one row.
#[derive(Clone, Copy)]
pub struct Part {
    pub row: usize,
    pub weight: f64,
    pub wall: WallPlace,
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
        let part = |(row, weight): (f64, f64)| {
            let row = row as usize;
            Some(Part { row, weight, wall: self.known(row, s)? })
        };
        let mut parts: Vec<Part> = inside.filter_map(part).collect();
        if parts.is_empty() {
            parts.push(Part { row, weight: 1.0, wall: own });
        }
        let total: f64 = parts.iter().map(|part| part.weight).sum();
        parts.iter_mut().for_each(|part| part.weight /= total);
        let lost: f64 = parts.iter().filter(|part| part.wall.lost).map(|part| part.weight).sum();
        let place = between(&parts, lost >= LOST_WEIGHT);
        Some(Met { place, parts })
    }

    /// `axial_percent` with an interval at least as wide, to either side, as in these rows.
    pub fn widened(&self, axial_percent: Estimate, parts: &[Part]) -> Estimate {
        let there = parts.iter().filter_map(|part| self.lysis.slices[part.row]).map(|slice| slice.axial_percent);
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

/// The wall between the parts, which are not empty: the weighted mean.
pub fn between(parts: &[Part], lost: bool) -> WallPlace {
    let total: f64 = parts.iter().map(|part| part.weight).sum();
    let mean = |of: fn(&WallPlace) -> f64| parts.iter().map(|part| part.weight * of(&part.wall)).sum::<f64>() / total;
    WallPlace::new(mean(|w| w.outer_mm), mean(|w| w.intact_mm2), lost, mean(|w| w.canal_hu))
}
