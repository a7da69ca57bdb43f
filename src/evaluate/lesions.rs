//! Lesions of a report against those of the truth.

use super::quantity::Pair;
use super::statistics::{Coverage, ErrorStats};
use crate::phantom::truth::BoneTruth;
use crate::report::model::BoneReport;
use serde::Serialize;

/// A true lesion and the one of the report that is compared with it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LesionPair {
    /// From lowest to highest z of the true lesion, mm.
    pub z_range_mm: [f64; 2],
    /// The lesion's number in the report.
    pub found_id: usize,
    /// Longest run along the bone's axis at one sector, mm.
    pub axial_extent_mm: Option<Pair>,
    /// Extent along the bone's axis over all sectors, mm.
    pub height_mm: Option<Pair>,
    /// Through the wall: truth, then report.
    pub through_the_wall: [bool; 2],
    /// Lytic, mixed or blastic: truth, then report.
    pub types: [String; 2],
}

/// What the lesions of one bone came to. Ranges are the lowest and highest z, mm.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Lesions {
    /// Does the truth tell of lesions, and not only of sections?
    pub told: bool,
    pub pairs: Vec<LesionPair>,
    /// True lesions at whose height the report has none.
    pub missed: Vec<[f64; 2]>,
    /// True lesions that the report took for a part of another.
    pub merged: Vec<[f64; 2]>,
    /// True lesions that nowhere took more than 30 % of the wall: nothing to be found.
    pub too_shallow: usize,
    /// Lesions of the report where the truth lost nothing.
    pub false_lesions: Vec<[f64; 2]>,
    /// Lesions of the report that are a further piece of a true one.
    pub split: Vec<[f64; 2]>,
}

/// Compares by height along the patient's axis: the pairs that overlap most belong together. Extents are compared only
/// with `same_depth`, when the report, too, counts as lost what lost more than 30 %.
pub(super) fn compare_lesions(
    truth: &BoneTruth,
    bone: Option<&BoneReport>,
    spacing_mm: f64,
    same_depth: bool,
) -> Lesions {
    let mut lesions = Lesions { told: !truth.lesions.is_empty(), ..Lesions::default() };
    let found = bone.map_or(&[][..], |bone| &bone.lesions);
    let ranges: Vec<Option<[f64; 2]>> = truth.lesions.iter().map(|lesion| lesion.z_range_mm).collect();
    // Ranges join the middles of slices: each end reaches half a slice further.
    let overlap = |a: [f64; 2], b: [f64; 2]| a[1].min(b[1]) - a[0].max(b[0]) + spacing_mm;
    let mut candidates: Vec<(f64, usize, usize)> = Vec::new();
    for (n, range) in ranges.iter().enumerate().filter_map(|(n, range)| Some((n, (*range)?))) {
        for (k, found) in found.iter().enumerate() {
            let shared = overlap(range, found.z_range_mm);
            if shared > 0.0 {
                candidates.push((shared, n, k));
            }
        }
    }
    candidates.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut true_taken, mut found_taken) = (vec![false; ranges.len()], vec![false; found.len()]);
    for (_, n, k) in &candidates {
        if true_taken[*n] || found_taken[*k] {
            continue;
        }
        (true_taken[*n], found_taken[*k]) = (true, true);
        let (truth, found) = (&truth.lesions[*n], &found[*k]);
        let pair = |truth: f64, measured: Option<f64>, interval: Option<[f64; 2]>| {
            measured.filter(|_| same_depth).map(|measured| Pair { truth, measured, interval })
        };
        lesions.pairs.push(LesionPair {
            z_range_mm: ranges[*n].unwrap_or(found.z_range_mm),
            found_id: found.id,
            axial_extent_mm: pair(truth.axial_extent_mm, found.axial_extent_mm, found.axial_extent_ci95),
            height_mm: pair(truth.height_mm, found.height_mm, found.height_ci95),
            through_the_wall: [truth.through_the_wall, found.through_the_wall],
            types: [truth.type_.clone(), found.kind.clone()],
        });
    }
    for (n, range) in ranges.iter().enumerate().filter(|(n, _)| !true_taken[*n]) {
        match range {
            None => lesions.too_shallow += 1,
            Some(range) if candidates.iter().any(|candidate| candidate.1 == n) => lesions.merged.push(*range),
            Some(range) => lesions.missed.push(*range),
        }
    }
    for (k, found) in found.iter().enumerate().filter(|(k, _)| !found_taken[*k]) {
        let z = found.z_range_mm;
        // Where a wall lost something, less deep than a lesion is, the report is not wrong to see it.
        let lost = truth.slices.iter().any(|slice| slice.axial > 0.0 && slice.ring && overlap([slice.z; 2], z) > 0.0);
        let seen = truth.slices.iter().any(|slice| slice.ring && overlap([slice.z; 2], z) > 0.0);
        if candidates.iter().any(|candidate| candidate.2 == k) {
            lesions.split.push(z);
        } else if seen && !lost {
            lesions.false_lesions.push(z);
        }
    }
    lesions
}

/// What the lesions of a case, or of all, came to. Errors are measured minus true.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct LesionSummary {
    /// Lesions of the truth that took more than 30 % of the wall somewhere.
    pub true_lesions: usize,
    /// Of them: compared with a lesion of the report.
    pub matched: usize,
    /// Of them: the report has none at their height.
    pub missed: usize,
    /// Of them: a part of another lesion in the report.
    pub merged: usize,
    /// Lesions of the report where the truth lost nothing.
    pub false_lesions: usize,
    /// Lesions of the report that are a further piece of a true one.
    pub split: usize,
    /// Longest run along the bone's axis at one sector.
    pub axial_extent_mm: ErrorStats,
    /// The same in slices.
    pub axial_extent_slices: ErrorStats,
    pub axial_extent_interval: Coverage,
    /// Extent along the bone's axis over all sectors.
    pub height_mm: ErrorStats,
    /// The same in slices.
    pub height_slices: ErrorStats,
    pub height_interval: Coverage,
    /// Matched lesions of which the report says rightly whether they go through the wall.
    pub through_the_wall_agrees: usize,
    /// Matched lesions of which the report says rightly whether they are lytic, mixed or blastic.
    pub type_agrees: usize,
}

impl LesionSummary {
    /// Of the lesions of bones, each with the slice spacing (mm) of its series.
    pub(super) fn of<'a>(bones: impl Iterator<Item = (&'a Lesions, f64)> + Clone) -> Self {
        let count = |size: fn(&Lesions) -> usize| bones.clone().map(|(lesions, _)| size(lesions)).sum::<usize>();
        let pairs: Vec<(&LesionPair, f64)> = bones
            .clone()
            .flat_map(|(lesions, spacing)| lesions.pairs.iter().map(move |pair| (pair, spacing)))
            .collect();
        let extents = |of: fn(&LesionPair) -> Option<Pair>| {
            let found: Vec<(Pair, f64)> =
                pairs.iter().filter_map(|(pair, spacing)| Some((of(pair)?, *spacing))).collect();
            let errors: Vec<f64> = found.iter().map(|(pair, _)| pair.error()).collect();
            let in_slices: Vec<f64> = found.iter().map(|(pair, spacing)| pair.error() / spacing).collect();
            let coverage = Coverage::of(found.iter().map(|(pair, _)| pair));
            (ErrorStats::of(&errors), ErrorStats::of(&in_slices), coverage)
        };
        let (axial_extent_mm, axial_extent_slices, axial_extent_interval) = extents(|pair| pair.axial_extent_mm);
        let (height_mm, height_slices, height_interval) = extents(|pair| pair.height_mm);
        let agree = |agrees: fn(&LesionPair) -> bool| pairs.iter().filter(|(pair, _)| agrees(pair)).count();
        let (missed, merged) = (count(|lesions| lesions.missed.len()), count(|lesions| lesions.merged.len()));
        Self {
            true_lesions: pairs.len() + missed + merged,
            matched: pairs.len(),
            missed,
            merged,
            false_lesions: count(|lesions| lesions.false_lesions.len()),
            split: count(|lesions| lesions.split.len()),
            axial_extent_mm,
            axial_extent_slices,
            axial_extent_interval,
            height_mm,
            height_slices,
            height_interval,
            through_the_wall_agrees: agree(|pair| pair.through_the_wall[0] == pair.through_the_wall[1]),
            type_agrees: agree(|pair| pair.types[0] == pair.types[1]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phantom::truth::{LesionTruth, SliceTruth};
    use crate::report::model::LesionReport;

    fn truth(ranges: &[Option<[f64; 2]>], lost: std::ops::Range<u32>) -> BoneTruth {
        let lesion = |range: &Option<[f64; 2]>| LesionTruth {
            type_: "lytic".into(),
            z_range_mm: *range,
            axial_extent_mm: 20.0,
            height_mm: 25.0,
            ..LesionTruth::default()
        };
        let slice = |z: u32| SliceTruth {
            z: z.into(),
            ring: true,
            axial: if lost.contains(&z) { 20.0 } else { 0.0 },
            ..SliceTruth::default()
        };
        BoneTruth {
            slices: (0..100).map(slice).collect(),
            lesions: ranges.iter().map(lesion).collect(),
            ..BoneTruth::default()
        }
    }

    fn bone(ranges: &[[f64; 2]]) -> BoneReport {
        let mut bone = super::super::fixture::bone("femur", "left", &[]);
        bone.lesions = ranges
            .iter()
            .enumerate()
            .map(|(n, range)| LesionReport {
                id: n + 1,
                z_range_mm: *range,
                axial_extent_mm: Some(22.0),
                axial_extent_ci95: Some([19.0, 24.0]),
                height_mm: Some(24.0),
                kind: "mixed".into(),
                through_the_wall: true,
                ..LesionReport::default()
            })
            .collect();
        bone
    }

    #[test]
    fn lesions_that_overlap_most_belong_together_and_the_rest_is_named() {
        let truth = truth(&[Some([20.0, 30.0]), Some([31.0, 33.0]), Some([50.0, 60.0]), None], 20..61);
        let found = bone(&[[19.0, 34.0], [70.0, 72.0]]);
        let lesions = compare_lesions(&truth, Some(&found), 1.0, true);
        assert_eq!(lesions.pairs.len(), 1);
        assert_eq!((lesions.pairs[0].found_id, lesions.pairs[0].z_range_mm), (1, [20.0, 30.0]));
        assert_eq!((lesions.merged, lesions.missed), (vec![[31.0, 33.0]], vec![[50.0, 60.0]]));
        assert_eq!((lesions.false_lesions, lesions.too_shallow), (vec![[70.0, 72.0]], 1));
    }

    #[test]
    fn a_lesion_in_pieces_is_split_and_not_false() {
        let lesions = compare_lesions(
            &truth(&[Some([20.0, 40.0])], 20..41),
            Some(&bone(&[[20.0, 25.0], [28.0, 40.0]])),
            1.0,
            true,
        );
        assert_eq!((lesions.pairs[0].found_id, lesions.split.len(), lesions.false_lesions.len()), (2, 1, 0));
    }

    #[test]
    fn without_lesions_in_the_truth_the_sections_tell_which_are_false() {
        let found = bone(&[[25.0, 30.0], [70.0, 80.0], [300.0, 310.0]]);
        let lesions = compare_lesions(&truth(&[], 20..41), Some(&found), 1.0, true);
        // At 300 mm the truth says nothing.
        assert_eq!((lesions.told, lesions.false_lesions), (false, vec![[70.0, 80.0]]));
    }

    #[test]
    fn extents_are_in_mm_and_in_slices_and_only_at_the_depth_of_the_truth() {
        let truth = truth(&[Some([20.0, 40.0])], 20..41);
        let lesions = compare_lesions(&truth, Some(&bone(&[[20.0, 40.0]])), 2.0, true);
        let summary = LesionSummary::of([(&lesions, 2.0)].into_iter());
        assert_eq!((summary.axial_extent_mm.bias, summary.axial_extent_slices.bias), (Some(2.0), Some(1.0)));
        assert_eq!((summary.height_mm.bias, summary.height_interval.n), (Some(-1.0), 0));
        assert_eq!(
            (summary.axial_extent_interval.covered, summary.type_agrees, summary.through_the_wall_agrees),
            (1, 0, 0)
        );
        let other = compare_lesions(&truth, Some(&bone(&[[20.0, 40.0]])), 2.0, false);
        assert_eq!(other.pairs[0].axial_extent_mm, None);
    }
}
