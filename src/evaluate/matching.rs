//! Which slice of a report is which slice of the truth, and which bone is which.

use crate::phantom::truth::{BoneTruth, Truth};
use crate::report::Report;
use crate::report::model::BoneReport;
use std::collections::HashSet;

/// A bone whose centres lie further than this from the true ones, on the mean over the slices that both have, is
/// another bone: the legs of a patient are more than 100 mm apart, tibia and fibula some 30 mm.
const SAME_BONE_MM: f64 = 15.0;

/// A bone of the truth and the bone of the report that is compared with it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BoneMatch {
    /// Index into the report's bones; `None` when no bone was found there.
    pub bone: Option<usize>,
    /// Per slice of the truth the index into that bone's slices.
    pub slices: Vec<Option<usize>>,
    /// The report gives the bone another name or side than the truth.
    pub misnamed: bool,
}

/// Distance between slices, mm: as the series says, else the usual distance between the slices of its bones.
pub(super) fn slice_spacing_mm(report: &Report) -> f64 {
    let told = report.series.slice_spacing_mm;
    if told > 0.0 {
        return told;
    }
    let gaps =
        report.bones.iter().flat_map(|bone| bone.slices.windows(2)).map(|pair| (pair[1].z_mm - pair[0].z_mm).abs());
    let gaps: Vec<f64> = gaps.filter(|gap| *gap > 0.0).collect();
    super::statistics::median(&gaps).unwrap_or(1.0)
}

/// One match for each bone of the truth, in its order. No bone of the report is used twice.
///
/// Slices are the same when they have the same SOP instance; where the truth does not tell it, when they are nearest
/// in z and within half the slice spacing. Bones are the same when name and side agree; where one of them does not tell,
/// the nearest in the plane, else the one with the most slices in common. A bone of another name or side is taken only
/// where centres show that it is the same.
pub(super) fn match_bones(truth: &Truth, report: &Report, spacing_mm: f64) -> Vec<BoneMatch> {
    let instances: HashSet<&str> = report
        .bones
        .iter()
        .flat_map(|bone| &bone.slices)
        .filter_map(|slice| slice.sop_instance_uid.as_deref())
        .collect();
    struct Candidate {
        of_truth: usize,
        of_report: usize,
        naming: Naming,
        distance_mm: f64,
        slices: Vec<Option<usize>>,
        shared: usize,
    }
    let mut candidates = Vec::new();
    for (of_truth, true_bone) in truth.bones.iter().enumerate() {
        for (of_report, bone) in report.bones.iter().enumerate() {
            let slices = match_slices(true_bone, bone, spacing_mm, &instances);
            let shared = slices.iter().flatten().count();
            let naming = Naming::of(true_bone, bone);
            let distance_mm = distance_mm(true_bone, bone, &slices);
            let same = distance_mm.map_or(naming != Naming::Contradicts, |distance| distance <= SAME_BONE_MM);
            if shared > 0 && same {
                let distance_mm = distance_mm.unwrap_or(f64::INFINITY);
                candidates.push(Candidate { of_truth, of_report, naming, distance_mm, slices, shared });
            }
        }
    }
    candidates.sort_by(|a, b| {
        a.naming.cmp(&b.naming).then(a.distance_mm.total_cmp(&b.distance_mm)).then(b.shared.cmp(&a.shared))
    });
    let mut matches: Vec<BoneMatch> = truth
        .bones
        .iter()
        .map(|bone| BoneMatch { bone: None, slices: vec![None; bone.slices.len()], misnamed: false })
        .collect();
    let mut taken = vec![false; report.bones.len()];
    for candidate in candidates {
        let slot = &mut matches[candidate.of_truth];
        if slot.bone.is_none() && !taken[candidate.of_report] {
            taken[candidate.of_report] = true;
            let misnamed = candidate.naming == Naming::Contradicts;
            *slot = BoneMatch { bone: Some(candidate.of_report), slices: candidate.slices, misnamed };
        }
    }
    matches
}

/// Is any slice of the truth a slice of the report, whatever the bone?
pub(super) fn share_a_slice(truth: &Truth, report: &Report, spacing_mm: f64) -> bool {
    let apart = |a: f64, b: f64| (a - b).abs() <= spacing_mm / 2.0;
    let sections = || report.bones.iter().flat_map(|bone| &bone.slices);
    truth.bones.iter().flat_map(|bone| &bone.slices).any(|truth| {
        sections().any(|slice| {
            let same = truth.sop_instance_uid.is_some() && truth.sop_instance_uid == slice.sop_instance_uid;
            same || apart(truth.z, slice.z_mm)
        })
    })
}

/// How well name and side agree; the better the lower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Naming {
    /// Both are told on both sides, and the same.
    Agrees,
    /// What is told on both sides is the same.
    Open,
    Contradicts,
}

impl Naming {
    fn of(truth: &BoneTruth, bone: &BoneReport) -> Self {
        let agree = |told: Option<&str>, found: &str| match told {
            Some(told) if told != "unknown" && found != "unknown" => Some(told.eq_ignore_ascii_case(found)),
            _ => None,
        };
        match (agree(truth.bone.as_deref(), &bone.bone), agree(truth.side.as_deref(), &bone.side)) {
            (Some(true), Some(true)) => Self::Agrees,
            (Some(false), _) | (_, Some(false)) => Self::Contradicts,
            _ => Self::Open,
        }
    }
}

/// Mean distance in the plane between the centres of the slices that are the same; `None` where one side tells none.
fn distance_mm(truth: &BoneTruth, bone: &BoneReport, slices: &[Option<usize>]) -> Option<f64> {
    let distances: Vec<f64> = truth
        .slices
        .iter()
        .zip(slices)
        .filter_map(|(truth, slice)| {
            let ([x, y], [u, v]) = (truth.centre_mm?, bone.slices[(*slice)?].centre_mm?);
            Some((x - u).hypot(y - v))
        })
        .collect();
    super::statistics::mean(&distances)
}

/// Per slice of the truth the slice of the bone. No slice of the bone is used twice.
fn match_slices(
    truth: &BoneTruth,
    bone: &BoneReport,
    spacing_mm: f64,
    instances: &HashSet<&str>,
) -> Vec<Option<usize>> {
    let mut matches = vec![None; truth.slices.len()];
    let mut taken = vec![false; bone.slices.len()];
    // Told, and of this series: then z must not guess.
    let told = |n: usize| truth.slices[n].sop_instance_uid.as_deref().filter(|uid| instances.contains(uid));
    for n in 0..matches.len() {
        let Some(uid) = told(n) else { continue };
        matches[n] = bone.slices.iter().position(|slice| slice.sop_instance_uid.as_deref() == Some(uid));
        matches[n].into_iter().for_each(|k: usize| taken[k] = true);
    }
    let mut near: Vec<(f64, usize, usize)> = Vec::new();
    for (n, true_slice) in truth.slices.iter().enumerate().filter(|(n, _)| told(*n).is_none()) {
        for (k, slice) in bone.slices.iter().enumerate() {
            let apart = (slice.z_mm - true_slice.z).abs();
            if apart <= spacing_mm / 2.0 {
                near.push((apart, n, k));
            }
        }
    }
    near.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (_, n, k) in near {
        if matches[n].is_none() && !taken[k] {
            (matches[n], taken[k]) = (Some(k), true);
        }
    }
    matches
}
