//! Where the wall thins towards a joint in some sectors before others, and such a finger hangs on a lesion.
//!
//! Towards its end a shaft's wall thins out sector by sector: along a crest that fades, beside a trochanter. Beyond a lesion the reference is
//! carried, and does not know of it. A strip that runs along the bone until nothing more is measured, much narrower than the lesion it hangs on,
//! is that and no part of the lesion, as long as its wall stands.

use super::patches::{GONE, Patches, label};
use super::surface::Depths;
use crate::cortex::SECTORS;

/// Widest finger around the bone, mm: a quarter of a thin femur's circumference.
const FINGER_MM: f64 = 20.0;
/// The lesion that a finger hangs on is wider than it by this factor ...
const HANGS_ON: f64 = 2.0;
/// ... and one that hangs on nothing is smaller than this, mm².
const ALONE_MM2: f64 = 200.0;

/// Sectors of one row that lie next to each other in a patch.
type Run = Vec<usize>;

/// The patches without their fingers that run out of the measured bone.
pub(super) fn without_fingers(patches: &Patches, depths: &Depths) -> Patches {
    let measured = |k: &usize| depths.known[*k].iter().any(|v| *v);
    let rows = 0..depths.known.len();
    let (Some(first), Some(last)) = (rows.clone().find(measured), rows.clone().rev().find(measured)) else {
        return patches.clone();
    };
    let mut inside: Vec<Vec<bool>> = patches.label.iter().map(|r| r.iter().map(|l| *l > 0).collect()).collect();
    let mut narrow = vec![vec![false; SECTORS]; inside.len()];
    let mut patch_mm = vec![0.0f64; patches.count + 1];
    for k in rows.clone() {
        let stands = |s: &usize| depths.peak_share[k][*s] >= GONE && !depths.permeation.is(k, *s);
        for run in runs(&inside[k]) {
            let (mm, patch) = (width_mm(&run, k, depths), patches.label[k][run[0]]);
            patch_mm[patch] = patch_mm[patch].max(mm);
            if mm <= FINGER_MM && run.iter().all(stands) {
                run.iter().for_each(|s| narrow[k][*s] = true);
            }
        }
    }
    let strips = label(&narrow);
    let (mut ends, mut area_mm2, mut hangs) =
        (vec![false; strips.count + 1], vec![0.0; strips.count + 1], vec![true; strips.count + 1]);
    for k in rows.clone() {
        for run in runs(&narrow[k]) {
            let (mm, strip) = (width_mm(&run, k, depths), strips.label[k][run[0]]);
            ends[strip] |= k == first || k == last;
            area_mm2[strip] += mm * depths.dz_mm;
            hangs[strip] &= patch_mm[patches.label[k][run[0]]] >= HANGS_ON * mm;
        }
    }
    let is_finger = |strip: usize| ends[strip] && (hangs[strip] || area_mm2[strip] < ALONE_MM2);
    for k in rows {
        for s in (0..SECTORS).filter(|s| narrow[k][*s] && is_finger(strips.label[k][*s])) {
            inside[k][s] = false;
        }
    }
    label(&inside)
}

/// The runs of a row, closed around the bone.
fn runs(row: &[bool]) -> Vec<Run> {
    let Some(start) = (0..SECTORS).find(|s| row[*s] && !row[(s + SECTORS - 1) % SECTORS]) else {
        // None at all, or all around.
        return if row.first() == Some(&true) { vec![(0..SECTORS).collect()] } else { Vec::new() };
    };
    let mut out: Vec<Run> = Vec::new();
    let mut open = false;
    for s in (start..start + SECTORS).map(|s| s % SECTORS) {
        match (row[s], open, out.last_mut()) {
            (true, true, Some(run)) => run.push(s),
            (true, ..) => out.push(vec![s]),
            _ => {}
        }
        open = row[s];
    }
    out
}

fn width_mm(run: &Run, k: usize, depths: &Depths) -> f64 {
    run.iter().map(|s| depths.arc_mm[k][*s]).sum()
}

#[cfg(test)]
mod tests {
    use super::super::permeation::Permeation;
    use super::*;
    use crate::cortex::contour::Map;

    const SLICES: usize = 40;

    /// What is left of the cells in `inside` on 3 mm slices with 0.75 mm sectors; walls peak at `peak` of compact cortex.
    fn left(inside: impl Fn(usize, usize) -> bool, peak: f64) -> Vec<Vec<bool>> {
        let cells: Vec<Vec<bool>> = (0..SLICES).map(|k| (0..SECTORS).map(|s| inside(k, s)).collect()).collect();
        let known = vec![vec![true; SECTORS]; SLICES];
        let same = |value: f64| -> Map { vec![vec![value; SECTORS]; SLICES] };
        let (arc, zero, peaks) = (same(0.75), same(0.0), same(peak));
        let depths = Depths {
            log_depth: &zero,
            known: &known,
            arc_mm: &arc,
            peak_share: &peaks,
            permeation: &Permeation::none(SLICES),
            dz_mm: 3.0,
        };
        let kept = without_fingers(&label(&cells), &depths);
        kept.label.iter().map(|r| r.iter().map(|l| *l > 0).collect()).collect()
    }

    fn lesion(k: usize, s: usize) -> bool {
        (20..30).contains(&k) && !(20..100).contains(&s)
    }

    #[test]
    fn a_finger_to_the_end_of_the_measured_bone_goes_and_the_lesion_stays() {
        let found = left(|k, s| lesion(k, s) || (k >= 30 && !(4..116).contains(&s)), 0.6);
        for k in 0..SLICES {
            for s in 0..SECTORS {
                assert_eq!(found[k][s], lesion(k, s), "{k} {s}");
            }
        }
    }

    #[test]
    fn a_finger_at_the_other_end_and_two_that_meet_go_too() {
        let twins = |k: usize, s: usize| k < 20 && ((2..5).contains(&s) || (k >= 10 && s == 5) || (6..9).contains(&s));
        let found = left(|k, s| lesion(k, s) || twins(k, s), 0.6);
        assert!((0..20).all(|k| !found[k].contains(&true)) && found[25][0]);
    }

    #[test]
    fn what_ends_within_is_wide_or_has_no_wall_stays() {
        let short = |k: usize, s: usize| (30..36).contains(&k) && s < 5;
        assert!(left(|k, s| lesion(k, s) || short(k, s), 0.6)[35][2]);
        let wide = |k: usize, s: usize| k >= 30 && s < 28;
        assert!(left(|k, s| lesion(k, s) || wide(k, s), 0.6)[39][2]);
        let narrow = |k: usize, s: usize| k >= 30 && s < 5;
        assert!(left(|k, s| lesion(k, s) || narrow(k, s), 0.2)[39][2]);
        assert!(left(|k, _| k > 35, 0.6)[39][60]);
    }
}
