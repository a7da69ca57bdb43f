//! Where a wall tapers towards a joint beside a lesion, and the taper is no part of it.
//!
//! A lesion has an edge. What runs out of the measured bone and began without one is how this bone ends, however large the lesion that it
//! touches: beyond a lesion the reference is carried, and does not know of it.

use super::patches::{EDGE_PER_MM, GONE, Patches, STEP_MM, cells, label, mean_around, slices_in, slope_per_mm};
use super::surface::Depths;
use crate::cortex::SECTORS;
use crate::cortex::contour::Map;

/// Sectors to either side that have a say in whether one tapers.
const NEIGHBOURS: usize = 3;

/// A column of lost cells that runs out of the measured bone.
#[derive(Clone, Copy)]
struct Column {
    /// Its rows, from the end of the measured bone inwards.
    rows: usize,
    /// Its wall stands, and nowhere near its beginning does it fall off as at an edge.
    is_taper: bool,
}

/// The patches of `deviation`, numbered anew, without the tapers towards a joint that they touch.
pub(super) fn without_tapers(patches: &Patches, deviation: &Map, depths: &Depths) -> Patches {
    let quiet = mean_around(deviation, depths.known, 2, depths.dz_mm);
    label(&without_columns(cells(patches.label.len(), |k, s| patches.label[k][s] > 0), &quiet, depths))
}

/// The cells that are `lost`, without the columns that reach either end of the measured bone and began without an edge. `quiet`: the deviation, smoothed.
fn without_columns(mut lost: Vec<Vec<bool>>, quiet: &Map, depths: &Depths) -> Vec<Vec<bool>> {
    let mut rows: Vec<usize> = (0..lost.len()).filter(|k| depths.known[*k].contains(&true)).collect();
    for _ in 0..2 {
        let columns: Vec<Option<Column>> = (0..SECTORS).map(|s| column(&rows, s, &lost, quiet, depths)).collect();
        for (s, column) in columns.iter().enumerate() {
            let Some(column) = column else { continue };
            let near = (0..=2 * NEIGHBOURS).filter_map(|d| columns[(s + SECTORS + d - NEIGHBOURS) % SECTORS]);
            let (tapers, all) = near.fold((0, 0), |(tapers, all), near| (tapers + usize::from(near.is_taper), all + 1));
            if 2 * tapers > all {
                rows[..column.rows].iter().for_each(|k| lost[*k][s] = false);
            }
        }
        rows.reverse();
    }
    lost
}

/// What is lost in sector `s` from the first of the `rows` on. `None` where nothing is, or all: that began nowhere.
fn column(rows: &[usize], s: usize, lost: &[Vec<bool>], quiet: &Map, depths: &Depths) -> Option<Column> {
    let length = rows.iter().take_while(|k| lost[**k][s]).count();
    if length == 0 || length == rows.len() {
        return None;
    }
    let step = slices_in(STEP_MM, depths.dz_mm);
    let slope = |n: usize| {
        let around = [*rows.get(n.checked_sub(step)?)?, *rows.get(n + step)?];
        slope_per_mm(quiet, depths.known, around, s, depths.dz_mm)
    };
    let edge_per_mm = (length.saturating_sub(2 * step)..=length + step).filter_map(slope).fold(0.0, f64::max);
    let stands = |k: &usize| depths.peak_share[*k][s] >= GONE && !depths.permeation.is(*k, s);
    Some(Column { rows: length, is_taper: edge_per_mm < EDGE_PER_MM && rows[..length].iter().all(stands) })
}

#[cfg(test)]
mod tests {
    use super::super::permeation::Permeation;
    use super::*;

    const SLICES: usize = 40;

    /// What is left of all that deviates by more than 15 %, on 3 mm slices with 0.75 mm sectors; walls peak at `peak` of compact cortex.
    fn left(deviation: impl Fn(usize, usize) -> f64, peak: f64) -> Vec<Vec<bool>> {
        let quiet: Map = (0..SLICES).map(|k| (0..SECTORS).map(|s| deviation(k, s)).collect()).collect();
        let lost = quiet.iter().map(|row| row.iter().map(|v| *v < -0.15).collect()).collect();
        let same = |value: f64| -> Map { vec![vec![value; SECTORS]; SLICES] };
        let (zero, arc_mm, peak_share, known) = (same(0.0), same(0.75), same(peak), vec![vec![true; SECTORS]; SLICES]);
        let depths = Depths {
            log_depth: &zero,
            known: &known,
            arc_mm: &arc_mm,
            peak_share: &peak_share,
            permeation: &Permeation::none(SLICES),
            dz_mm: 3.0,
        };
        without_columns(lost, &quiet, &depths)
    }

    /// From whole at slice 25 to a third at the end, 2 % a millimetre.
    fn taper(k: usize, s: usize) -> f64 {
        if s < 50 { -0.02 * 3.0 * (k as f64 - 25.0).max(0.0) } else { 0.0 }
    }

    /// A hole beside it, which it touches.
    fn hole(k: usize, s: usize) -> bool {
        (22..32).contains(&k) && (48..70).contains(&s)
    }

    #[test]
    fn a_taper_that_touches_a_lesion_goes_and_the_lesion_stays() {
        let found = left(|k, s| if hole(k, s) { -0.9 } else { taper(k, s) }, 0.6);
        assert!((0..SLICES).all(|k| !found[k][20] && found[k][60] == hole(k, 60)));
        // The same at the other end.
        let found = left(|k, s| if hole(SLICES - 1 - k, s) { -0.9 } else { taper(SLICES - 1 - k, s) }, 0.6);
        assert!((0..SLICES).all(|k| !found[k][20] && found[k][60] == hole(SLICES - 1 - k, 60)));
    }

    #[test]
    fn what_has_an_edge_ends_within_or_has_no_wall_stays() {
        let with_edge = left(|k, s| if k >= 30 && s < 50 { -0.4 } else { 0.0 }, 0.6);
        assert!(with_edge[39][20] && with_edge[31][20]);
        let within = left(|k, s| if k < 38 { taper(k, s) } else { 0.0 }, 0.6);
        assert!(within[36][20]);
        assert!(left(taper, 0.2)[39][20]);
        let everywhere = left(|_, s| if s < 50 { -0.4 } else { 0.0 }, 0.6);
        assert!((0..SLICES).all(|k| everywhere[k][20]));
    }

    #[test]
    fn a_sector_goes_with_its_neighbours() {
        // A single column of a lesion begins gently: noise.
        let found = left(
            |k, s| {
                if s == 20 {
                    taper(k, s)
                } else if k >= 27 && s < 50 {
                    -0.5
                } else {
                    0.0
                }
            },
            0.6,
        );
        assert!(found[39][20] && found[39][21]);
    }
}
