//! One report against one truth.

use super::error::Mismatch;
use super::lesions::{Lesions, compare_lesions};
use super::matching::{BoneMatch, match_bones, share_a_slice, slice_spacing_mm};
use super::quantity::{Pair, Quantity};
use super::summary::Summary;
use crate::phantom::truth::{BoneTruth, SliceTruth, Truth};
use crate::report::Report;
use crate::report::model::{BoneReport, SliceReport};
use crate::scores::rules::{GUIDELINE_AXIAL_PERCENT, GUIDELINE_CIRCUMFERENTIAL_PERCENT};

/// The depth at which truths tell the circumferential percentage beside 0.50, and lesions.
const TRUE_DEPTH: f64 = 0.30;
/// A flag is decided where the truth is further than this from changing it, in points: truths made from images are good
/// to about two.
pub const DECIDED_POINTS: f64 = 5.0;

/// One report compared with its truth.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    pub name: String,
    /// Loss of a sector's cortex from which the report counts it as lost, 0 to 1.
    pub depth: f64,
    /// Distance between the slices of the series, mm.
    pub slice_spacing_mm: f64,
    /// The bones of the truth, in its order.
    pub bones: Vec<ComparedBone>,
    /// Bones of the report of which the truth says nothing.
    pub without_truth: Vec<String>,
}

/// A bone of the truth, compared.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparedBone {
    /// `femur left`; `bone 1` where the truth does not say.
    pub truth_name: String,
    /// `femur left`; `None` when the report has no such bone.
    pub found_name: Option<String>,
    /// The report gives it another name or side than the truth.
    pub misnamed: bool,
    /// The sections of the truth, in its order.
    pub sections: Vec<Section>,
    pub lesions: Lesions,
}

/// A section of the truth, compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Patient z as the truth says, mm.
    pub z_mm: f64,
    pub instance_number: Option<i64>,
    pub sop_instance_uid: Option<String>,
    /// Is it a closed ring, so that its percentages mean something?
    pub ring: bool,
    /// Has the report numbers for it?
    pub measured: bool,
    /// The reason when it has none.
    pub not_measured_because: Option<String>,
    /// Truth and measurement, in the order of [`Quantity::ALL`]; none where one of the sides has no number.
    pub pairs: [Option<Pair>; Quantity::ALL.len()],
    /// True percentages, axial and circumferential at 0.30.
    pub truth: [f64; 2],
    /// The 30/50 flag; `None` when the section is no ring or the report used another depth.
    pub flag: Option<Flag>,
}

impl ComparedBone {
    /// Patient z of the sections that are no ring and were measured all the same, mm.
    pub fn no_rings_measured_at_mm(&self) -> Vec<f64> {
        let wrong = self.sections.iter().filter(|section| !section.ring && section.measured);
        wrong.filter_map(|section| super::statistics::rounded(section.z_mm)).collect()
    }
}

impl Section {
    /// Is any of its cortex gone, by the truth?
    pub fn is_lysed(&self) -> bool {
        self.truth[0] > 0.0
    }

    /// Truth and measurement of one quantity.
    pub fn pair(&self, quantity: Quantity) -> Option<Pair> {
        self.pairs[quantity as usize]
    }
}

/// The 30/50 flag of one section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag {
    /// Do both true percentages pass their thresholds?
    pub truth: bool,
    /// Does the report flag the slice? Never where it measured nothing.
    pub found: bool,
    /// Is the truth further than [`DECIDED_POINTS`] from the other answer?
    pub decided: bool,
}

impl Flag {
    fn new([axial, circumferential]: [f64; 2], found: bool) -> Self {
        let margin = (axial - GUIDELINE_AXIAL_PERCENT).min(circumferential - GUIDELINE_CIRCUMFERENTIAL_PERCENT);
        Self { truth: margin > 0.0, found, decided: margin.abs() > DECIDED_POINTS }
    }
}

impl Case {
    /// Compares a report with the truth of the same CT. The report may be one that was read, or one in memory whose
    /// numbers are not rounded.
    ///
    /// # Errors
    /// When the two are of different series, or have no slice in common although the report has slices.
    pub fn compare(name: &str, report: &Report, truth: &Truth) -> Result<Self, Mismatch> {
        let uid = &report.series.series_instance_uid;
        if let Some(other) = truth.series_instance_uid.as_ref().filter(|other| !uid.is_empty() && *other != uid) {
            return Err(Mismatch(format!("the truth is of series {other}, the report of series {uid}")));
        }
        let spacing_mm = slice_spacing_mm(report);
        let reported = || report.bones.iter().flat_map(|bone| &bone.slices).map(|slice| slice.z_mm);
        if reported().next().is_some() && !share_a_slice(truth, report, spacing_mm) {
            let all = truth.bones.iter().flat_map(|bone| &bone.slices).map(|slice| slice.z);
            return Err(Mismatch(format!(
                "no slice in common: the truth tells of z {}, the report of z {}",
                range(all),
                range(reported())
            )));
        }
        let depth = report.settings.get("depth").and_then(serde_json::Value::as_f64).unwrap_or(TRUE_DEPTH);
        let same_depth = (depth - TRUE_DEPTH).abs() < 1e-9;
        let matches = match_bones(truth, report, spacing_mm);
        let without_truth = report.bones.iter().enumerate();
        let without_truth = without_truth.filter(|(k, _)| matches.iter().all(|m| m.bone != Some(*k)));
        let bones = truth.bones.iter().zip(&matches).enumerate().map(|(n, (truth, matched))| {
            let found = matched.bone.map(|k| &report.bones[k]);
            ComparedBone {
                truth_name: true_name(truth, n),
                found_name: found.map(found_name),
                misnamed: matched.misnamed,
                sections: sections(truth, found, matched, same_depth),
                lesions: compare_lesions(truth, found, spacing_mm, same_depth),
            }
        });
        Ok(Self {
            name: name.to_owned(),
            depth,
            slice_spacing_mm: spacing_mm,
            bones: bones.collect(),
            without_truth: without_truth.map(|(_, bone)| found_name(bone)).collect(),
        })
    }

    /// Was the circumferential percentage counted at the depth of the truth, 0.30?
    pub fn has_true_depth(&self) -> bool {
        (self.depth - TRUE_DEPTH).abs() < 1e-9
    }

    /// All sections of all bones.
    pub fn sections(&self) -> impl Iterator<Item = &Section> + Clone {
        self.bones.iter().flat_map(|bone| &bone.sections)
    }

    /// Truth and measurement of one quantity in every ring section that has both.
    pub fn pairs(&self, quantity: Quantity) -> impl Iterator<Item = (&Section, Pair)> + Clone {
        let rings = self.sections().filter(|section| section.ring);
        rings.filter_map(move |section| Some((section, section.pair(quantity)?)))
    }

    /// The figures of this case.
    pub fn summary(&self) -> Summary {
        super::summary::pooled(std::slice::from_ref(self))
    }
}

fn range(values: impl Iterator<Item = f64> + Clone) -> String {
    let low = values.clone().fold(f64::INFINITY, f64::min);
    format!("{low:.1} to {:.1} mm", values.fold(f64::NEG_INFINITY, f64::max))
}

fn true_name(bone: &BoneTruth, index: usize) -> String {
    let words: Vec<&str> = [&bone.bone, &bone.side].into_iter().flatten().map(String::as_str).collect();
    if words.is_empty() { format!("bone {}", index + 1) } else { words.join(" ") }
}

fn found_name(bone: &BoneReport) -> String {
    format!("{} {}", bone.bone, bone.side)
}

fn sections(truth: &BoneTruth, bone: Option<&BoneReport>, matched: &BoneMatch, same_depth: bool) -> Vec<Section> {
    let of_bone = |k: &Option<usize>| Some(&bone?.slices[(*k)?]);
    let missing = if bone.is_some() { "outside of the bone as it was found" } else { "the bone was not found" };
    truth.slices.iter().zip(&matched.slices).map(|(truth, k)| section(truth, of_bone(k), missing, same_depth)).collect()
}

fn section(truth: &SliceTruth, slice: Option<&SliceReport>, missing: &str, same_depth: bool) -> Section {
    let numbers = slice.filter(|slice| slice.measured);
    let because = match (slice, numbers) {
        (_, Some(_)) => None,
        (Some(slice), None) => {
            let because = slice.not_measured_because.as_ref();
            Some(because.map_or("no reason given", |because| because.english()).to_owned())
        }
        (None, None) => Some(missing.to_owned()),
    };
    let percentages = [truth.axial, truth.circ30];
    Section {
        z_mm: truth.z,
        instance_number: slice.and_then(|slice| slice.instance_number),
        sop_instance_uid: slice.and_then(|slice| slice.sop_instance_uid.clone()),
        ring: truth.ring,
        measured: numbers.is_some(),
        not_measured_because: because,
        pairs: Quantity::ALL.map(|quantity| pair(quantity, truth, numbers?, same_depth)),
        truth: percentages,
        flag: (truth.ring && same_depth).then(|| Flag::new(percentages, numbers.is_some_and(|slice| slice.flagged))),
    }
}

fn pair(quantity: Quantity, truth: &SliceTruth, slice: &SliceReport, same_depth: bool) -> Option<Pair> {
    let by_depth = slice.circumferential_by_depth;
    let (truth, measured, interval) = match quantity {
        Quantity::Axial => (Some(truth.axial), slice.axial_lysis_percent, slice.axial_lysis_ci95),
        Quantity::Circumferential if same_depth => {
            (Some(truth.circ30), slice.circumferential_lysis_percent, slice.circumferential_lysis_ci95)
        }
        // The interval is that of the other depth.
        Quantity::Circumferential => (Some(truth.circ30), by_depth.map(|depth| depth.d30), None),
        Quantity::Circumferential50 => (Some(truth.circ50), by_depth.map(|depth| depth.d50), None),
        Quantity::Circumferential99 => (truth.circ99, by_depth.map(|depth| depth.d99), None),
        Quantity::CorticalArea => {
            let standing = truth.intact_area_mm2.map(|area| area * (1.0 - truth.axial / 100.0));
            (standing, slice.cortical_area_mm2, None)
        }
        Quantity::ReferenceArea => (truth.intact_area_mm2, slice.reference_area_mm2, None),
        Quantity::MeanThickness => (truth.mean_thickness_mm, slice.mean_thickness_mm, None),
    };
    let finite = |value: &f64| value.is_finite();
    let interval = interval.filter(|ends| ends.iter().all(finite));
    Some(Pair { truth: truth.filter(finite)?, measured: measured.filter(finite)?, interval })
}
