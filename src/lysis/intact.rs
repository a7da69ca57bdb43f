//! The intact surface of a bone from its own walls: the fitted one, and where a loss has taken the wall what all the others tell of it.

use super::kriging::Kriging;
use super::patches::{Patches, cells, find_patches, label, mean_around};
use super::permeation::Permeation;
use super::running_out::{RunningOut, running_out};
use super::surface::{Depths, Surface, deviation_from, fit};
use super::tapers::without_tapers;
use crate::cortex::SECTORS;

/// A wall in or beside a loss that falls short of the intact surface by this (mean over three sectors) has no say in what stood there. Towards a
/// joint healthy walls fall short by less, and without them nothing would tell of their taper.
const SILENT: f64 = -0.25;

/// The intact surface of a bone from its own walls.
pub(super) struct Own {
    /// The surface and what dips below it.
    pub surface: Surface,
    /// What dipped below the fitted surface.
    pub fitted: Patches,
    /// The same if lesions near an end of the measured bone run out of it.
    pub running_out: Option<RunningOut>,
}

/// The intact surface and what dips below it, and what dipped below the fitted one. `permeated`: what is lost besides what the fit
/// sees. `None` when fewer than five slices are known.
pub(super) fn own_surface(depths: &Depths, permeated: &Permeation) -> Option<Own> {
    let mut own = fit(depths)?;
    let fitted = own.patches.clone();
    own.patches = without_tapers(&own.patches, &own.deviation, depths);
    let permeated = |k: usize, s: usize| depths.known[k][s] && permeated.is(k, s);
    let seen = own.patches.and(permeated);
    if seen.count == 0 {
        return Some(Own { surface: own, fitted, running_out: None });
    }
    let near = seen.around(&own.deviation, depths);
    let place = cells(near.len(), |k, s| near[k][s] || permeated(k, s));
    let quiet = mean_around(&own.deviation, depths.known, 1, depths.dz_mm);
    let silent = label(&cells(place.len(), |k, s| place[k][s] && (quiet[k][s] < SILENT || permeated(k, s))));
    let rim = silent.with_rim(depths.dz_mm);
    let lost = cells(place.len(), |k, s| place[k][s] && rim[k][s]);
    let Some(kriging) = Kriging::of(depths, &depths.healthy(&lost)) else {
        return Some(Own { surface: own, fitted, running_out: None });
    };
    for (k, row) in place.iter().enumerate() {
        let sectors: Vec<usize> = (0..SECTORS).filter(|s| row[*s]).collect();
        let told = kriging.log_depths(k, &sectors);
        sectors.iter().zip(told).for_each(|(s, log_depth)| own.log_depth[k][*s] = log_depth);
    }
    own.deviation = deviation_from(depths, &own.log_depth);
    // Not beyond, and once: told anew without its surroundings, the taper beside a lesion would sink below what is told, round by round.
    let found = find_patches(&own.deviation, depths).within(&place);
    own.patches = without_tapers(&found, &own.deviation, depths);
    let running_out = running_out(depths, &own, &place);
    Some(Own { surface: own, fitted, running_out })
}
