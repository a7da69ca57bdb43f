//! The intact surface of a bone from its own walls: the fitted one, and where a loss has taken the wall what all the others tell of it.

use super::kriging::Kriging;
use super::patches::{Patches, cells, find_patches, label, mean_around};
use super::permeation::Permeation;
use super::surface::{Depths, Surface, deviation_from, fit};
use super::tapers::without_tapers;

/// A wall in or beside a loss that falls short of the intact surface by this (mean over three sectors) has no say in what stood there. Towards a
/// joint healthy walls fall short by less, and without them nothing would tell of their taper.
const SILENT: f64 = -0.25;

/// The intact surface of a bone from its own walls.
pub(super) struct Own {
    /// The surface and what dips below it.
    pub surface: Surface,
    /// What dipped below the fitted surface.
    pub fitted: Patches,
    /// Cells whose intact wall the others told; `None` where nothing had to be told, or nothing could.
    pub told: Option<Vec<Vec<bool>>>,
}

/// Fits the intact surface, and has it told anew where a loss has taken the wall. `permeated`: what is lost besides what the fit
/// sees. `None` when fewer than five slices are known.
pub(super) fn own_surface(depths: &Depths, permeated: &Permeation) -> Option<Own> {
    let mut own = fit(depths)?;
    let fitted = own.patches.clone();
    own.patches = without_tapers(&own.patches, &own.deviation, depths);
    let permeated = |k: usize, s: usize| depths.known[k][s] && permeated.is(k, s);
    let seen = own.patches.and(permeated);
    if seen.count == 0 {
        return Some(Own { surface: own, fitted, told: None });
    }
    let near = seen.around(&own.deviation, depths);
    let place = cells(near.len(), |k, s| near[k][s] || permeated(k, s));
    let quiet = mean_around(&own.deviation, depths.known, 1, depths.dz_mm);
    let silent = label(&cells(place.len(), |k, s| place[k][s] && (quiet[k][s] < SILENT || permeated(k, s))));
    let rim = silent.with_rim(depths.dz_mm);
    let lost = cells(place.len(), |k, s| place[k][s] && rim[k][s]);
    let Some(kriging) = Kriging::of(depths, &depths.healthy(&lost)) else {
        return Some(Own { surface: own, fitted, told: None });
    };
    kriging.tell(&place, &mut own.log_depth);
    own.deviation = deviation_from(depths, &own.log_depth);
    // Not beyond, and once: told anew without its surroundings, the taper beside a lesion would sink below what is told, round by round.
    let found = find_patches(&own.deviation, depths).within(&place);
    own.patches = without_tapers(&found, &own.deviation, depths);
    Some(Own { surface: own, fitted, told: Some(place) })
}
