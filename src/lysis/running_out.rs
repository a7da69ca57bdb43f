//! Whether a lesion near the end of the measured bone may run out of it.
//!
//! Where a loss ends shortly before the measured bone does, the few walls beyond it decide that it ends: the intact surface is laid through
//! them. Were they thinned as well, that surface would have followed the loss down, and told it healthy. Where a loss reaches the end, the same
//! holds of walls between its parts. So the bone is asked once more without them. What is lost then is not what is reported: nothing but the
//! few walls tells one from the other. It is within the interval.

use super::kriging::Kriging;
use super::patches::{Patches, cells, dips, label, slices_in};
use super::surface::{Depths, Surface, deviation_from};
use super::tapers::without_tapers;
use crate::cortex::SECTORS;
use crate::cortex::contour::Map;

/// Healthy walls over less than this, between a lesion and the end of the measured bone, may be lost as well, mm.
const FEW_MM: f64 = 30.0;

/// The intact surface and what is lost if lesions run out of the measured bone.
#[derive(Debug, Clone)]
pub struct RunningOut {
    /// Natural logarithm of the intact depth.
    pub log_depth: Map,
    /// Observed over intact depth, less one; 0 where not measured.
    pub deviation: Map,
    /// Patches of loss.
    pub patches: Patches,
}

/// `told`: cells whose intact wall the others tell. `None` where no lesion ends near an end, or where the bone, asked without the walls
/// beyond it, shows none that runs out.
pub(super) fn running_out(depths: &Depths, own: &Surface, told: &[Vec<bool>]) -> Option<RunningOut> {
    let beyond = beyond(&own.patches, depths);
    if !beyond.iter().any(|row| row.contains(&true)) {
        return None;
    }
    let asked = label(&cells(beyond.len(), |k, s| beyond[k][s])).with_rim(depths.dz_mm);
    let place = cells(beyond.len(), |k, s| depths.known[k][s] && (told[k][s] || asked[k][s]));
    let kriging = Kriging::of(depths, &depths.healthy(&place))?;
    let mut log_depth = own.log_depth.clone();
    kriging.tell(&place, &mut log_depth);
    let deviation = deviation_from(depths, &log_depth);
    let found = dips(&deviation, depths).0.within(&place).touching(&own.patches);
    let patches = without_tapers(&found, &deviation, depths);
    let runs_out = (0..beyond.len()).any(|k| (0..SECTORS).any(|s| beyond[k][s] && patches.label[k][s] > 0));
    runs_out.then_some(RunningOut { log_depth, deviation, patches })
}

/// Cells between an end of the measured bone and a lesion that comes near it, in the lesion's own sectors: the walls before it, and those between
/// its parts.
fn beyond(patches: &Patches, depths: &Depths) -> Vec<Vec<bool>> {
    let mut rows: Vec<usize> = (0..patches.label.len()).filter(|k| depths.known[*k].contains(&true)).collect();
    let mut out = cells(patches.label.len(), |_, _| false);
    for _ in 0..2 {
        for lesion in 1..=patches.count {
            let is_lost = |k: usize, s: usize| patches.label[k][s] == lesion;
            let free = rows.iter().take_while(|k| !(0..SECTORS).any(|s| is_lost(**k, s))).count();
            if free > slices_in(FEW_MM, depths.dz_mm) {
                continue;
            }
            for s in 0..SECTORS {
                let far = rows.iter().rposition(|k| is_lost(*k, s)).unwrap_or(0);
                rows[..far].iter().for_each(|k| out[*k][s] |= depths.known[*k][s] && patches.label[*k][s] == 0);
            }
        }
        rows.reverse();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::permeation::Permeation;
    use super::*;

    const SLICES: usize = 60;
    const DZ_MM: f64 = 3.0;
    const LOSS: f64 = 0.45;

    /// A shaft that thins slowly, with a crest.
    fn intact(k: usize, s: usize) -> f64 {
        let crest = 0.3 * (-((s as f64 - 30.0) / 8.0).powi(2)).exp();
        5.0f64.ln() + crest - 0.5 * ((k as f64 - 30.0) / 40.0).powi(2)
    }

    /// What is found where `gone` has lost nearly half, of which what is `seen` was told.
    fn found(gone: impl Fn(usize, usize) -> bool, seen: impl Fn(usize, usize) -> bool) -> Option<RunningOut> {
        let map = |cell: &dyn Fn(usize, usize) -> f64| -> Map {
            (0..SLICES).map(|k| (0..SECTORS).map(|s| cell(k, s)).collect()).collect()
        };
        let log_depth = map(&|k, s| intact(k, s) + if gone(k, s) { (1.0 - LOSS).ln() } else { 0.0 });
        let (known, ones) = (vec![vec![true; SECTORS]; SLICES], map(&|_, _| 1.0));
        let depths = Depths {
            log_depth: &log_depth,
            known: &known,
            arc_mm: &ones,
            peak_share: &ones,
            permeation: &Permeation::none(SLICES),
            dz_mm: DZ_MM,
        };
        let told = cells(SLICES, |k, s| gone(k, s) && seen(k, s));
        let own = Surface {
            log_depth: map(&|k, s| if told[k][s] { intact(k, s) } else { log_depth[k][s] }),
            deviation: map(&|k, s| if told[k][s] { -LOSS } else { 0.0 }),
            patches: label(&told),
            spread: 0.02,
        };
        running_out(&depths, &own, &own.patches.with_rim(DZ_MM))
    }

    fn of_one_side(s: usize) -> bool {
        (10..70).contains(&s)
    }

    #[test]
    fn a_loss_that_goes_on_beyond_what_was_told_is_seen_at_either_end() {
        let low = found(|k, s| k < 16 && of_one_side(s), |k, _| k >= 5).unwrap();
        let high = found(|k, s| k >= 44 && of_one_side(s), |k, _| k < 55).unwrap();
        for (out, row) in [(low, 2), (high, 57)] {
            assert!(out.patches.label[row][40] > 0 && out.patches.label[row][90] == 0);
            assert!((out.deviation[row][40] + LOSS).abs() < 0.05, "{}", out.deviation[row][40]);
        }
    }

    #[test]
    fn walls_between_the_parts_of_a_loss_that_reaches_the_end_are_asked_for() {
        let healthy = |k: usize, s: usize| (2..8).contains(&k) && (30..50).contains(&s);
        let out = found(|k, s| k < 16 && of_one_side(s), |k, s| !healthy(k, s)).unwrap();
        assert!(out.patches.label[5][40] > 0 && (out.deviation[5][40] + LOSS).abs() < 0.05, "{}", out.deviation[5][40]);
        let whole = found(|k, s| k < 16 && of_one_side(s) && !healthy(k, s), |_, _| true);
        assert!(whole.is_none_or(|out| out.patches.label[5][40] == 0));
    }

    #[test]
    fn a_loss_that_ends_or_lies_far_from_the_ends_does_not_run_out() {
        assert!(found(|k, s| (5..20).contains(&k) && of_one_side(s), |_, _| true).is_none());
        assert!(found(|k, s| (20..35).contains(&k) && of_one_side(s), |_, _| true).is_none());
        // Nor where nothing is lost at all.
        assert!(found(|_, _| false, |_, _| true).is_none());
    }
}
