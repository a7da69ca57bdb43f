//! Measurements as a structured report (Comprehensive SR; PS3.16, TID 1500).
//!
//! A group of measurements refers to a segment of the SEG that is written beside it (TID 1411), or, where none is, to the
//! images alone (TID 1501).

use super::codes::{self, Code};
use super::document::{Content, Relation};
use super::item::Item;
use super::seg;
use super::target::{SEG, SR, Target, instance};
use dicom_core::VR;
use dicom_dictionary_std::{tags, uids};

/// What is said of one thing: a lesion, a bone.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The same as the segment's, where one shows it.
    pub tracking_id: String,
    pub tracking_uid: String,
    pub finding: Code,
    /// Bone and side.
    pub site: Option<(Code, Option<Code>)>,
    /// Its place among the segments, from zero.
    pub segment: Option<usize>,
    pub measurements: Vec<Measurement>,
    /// Words by concept.
    pub evaluations: Vec<(Code, Code)>,
}

/// One number with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measurement {
    pub concept: Code,
    pub value: f64,
    /// 95 %.
    pub interval: Option<[f64; 2]>,
    pub unit: Code,
    /// The highest of several, of slices for example.
    pub maximum: bool,
}

/// All that a report says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Findings {
    pub groups: Vec<Group>,
    /// Sentences by concept: rules, what was not measured.
    pub statements: Vec<(Code, String)>,
    /// Stored images that were measured.
    pub slices: Vec<usize>,
}

const REPORT: Code = Code::dcm("126000", "Imaging Measurement Report");
const LANGUAGE: Code = Code::dcm("121049", "Language of Content Item and Descendants");
const ENGLISH: Code = Code { value: "en", scheme: "RFC5646", meaning: "English" };
const PROCEDURE: Code = Code::dcm("121058", "Procedure Reported");
const CT: Code = Code { value: "25045-6", scheme: "LN", meaning: "CT unspecified body region" };
const IMAGE_LIBRARY: Code = Code::dcm("111028", "Image Library");
const IMAGE_LIBRARY_GROUP: Code = Code::dcm("126200", "Image Library Group");
const MODALITY: Code = Code::dcm("121139", "Modality");
const MODALITY_CT: Code = Code::dcm("CT", "Computed Tomography");
const FRAME_OF_REFERENCE: Code = Code::dcm("112227", "Frame of Reference UID");
const MEASUREMENTS: Code = Code::dcm("126010", "Imaging Measurements");
const GROUP: Code = Code::dcm("125007", "Measurement Group");
const EVALUATIONS: Code = Code { value: "C0034375", scheme: "UMLS", meaning: "Qualitative Evaluations" };
const TRACKING_ID: Code = Code::dcm("112039", "Tracking Identifier");
const TRACKING_UID: Code = Code::dcm("112040", "Tracking Unique Identifier");
const FINDING: Code = Code::dcm("121071", "Finding");
const SEGMENT: Code = Code::dcm("121191", "Referenced Segment");
const SOURCE_SERIES: Code = Code::dcm("121232", "Source series for segmentation");
const DERIVATION: Code = Code::dcm("121401", "Derivation");
/// PS3.16 has none for the ends of an interval of confidence.
const LOW: Code = Code::private("ci95-low", "Lower end of the 95 % interval");
const HIGH: Code = Code::private("ci95-high", "Upper end of the 95 % interval");

/// The file. `with_segments`: the SEG is written too, so that groups may refer to it.
pub(super) fn file(target: &Target, findings: &Findings, with_segments: bool) -> Result<Vec<u8>, String> {
    let series_uid = &target.series.header.series_instance_uid;
    let groups = findings.groups.iter().map(|group| measured(target, group, with_segments));
    let mut root = Content::container(REPORT, Some("1500"))
        .and(Relation::HasConceptModifier, Content::code(LANGUAGE, ENGLISH))
        .observed_by(target)
        .and(Relation::HasConceptModifier, Content::code(PROCEDURE, CT))
        .and(Relation::Contains, library(target, &findings.slices))
        .and(Relation::Contains, Content::container(MEASUREMENTS, None).and_all(Relation::Contains, groups));
    if !findings.statements.is_empty() {
        let said = findings.statements.iter().map(|(concept, text)| Content::text(*concept, text));
        root = root.and(Relation::Contains, Content::container(EVALUATIONS, None).and_all(Relation::Contains, said));
    }
    let mut evidence = vec![(series_uid.clone(), target.instances(findings.slices.iter().copied()))];
    if with_segments && findings.groups.iter().any(|group| group.segment.is_some()) {
        let object = instance(SEG.class, &seg::instance_uid(target));
        evidence.push((target.uid(&format!("series {}", SEG.aspect)), vec![object]));
    }
    // Another text without the references: another object.
    let instance_number = if with_segments { 1 } else { 2 };
    let mut document = target
        .object(SR, instance_number)
        .with(|item| target.content_time(item))
        .with(Target::coding_scheme)
        .sequence(tags::REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE, Vec::<Item>::new())
        .sequence(tags::PERFORMED_PROCEDURE_CODE_SEQUENCE, Vec::<Item>::new())
        .text(tags::COMPLETION_FLAG, VR::CS, "COMPLETE")
        .text(tags::VERIFICATION_FLAG, VR::CS, "UNVERIFIED");
    if evidence.iter().any(|(_, objects)| !objects.is_empty()) {
        document =
            document.sequence(tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE, vec![target.evidence(evidence)]);
    }
    root.into_document(document).file(uids::EXPLICIT_VR_LITTLE_ENDIAN)
}

/// The images that were measured (TID 1600).
fn library(target: &Target, slices: &[usize]) -> Content {
    let images = slices.iter().filter_map(|k| target.image(*k)).map(|image| Content::image(None, image));
    let group = Content::container(IMAGE_LIBRARY_GROUP, None)
        .and(Relation::HasAcquisitionContext, Content::code(MODALITY, MODALITY_CT))
        .and(
            Relation::HasAcquisitionContext,
            Content::uid(FRAME_OF_REFERENCE, &target.series.header.frame_of_reference_uid),
        )
        .and_all(Relation::Contains, images);
    Content::container(IMAGE_LIBRARY, Some("1600")).and(Relation::Contains, group)
}

fn measured(target: &Target, group: &Group, with_segments: bool) -> Content {
    let segment = group.segment.filter(|_| with_segments);
    let mut content = Content::container(GROUP, Some(if segment.is_some() { "1411" } else { "1501" }))
        .and(Relation::HasObservationContext, Content::text(TRACKING_ID, &group.tracking_id))
        .and(Relation::HasObservationContext, Content::uid(TRACKING_UID, &group.tracking_uid))
        .and(Relation::Contains, Content::code(FINDING, group.finding));
    if let Some((bone, side)) = group.site {
        let mut site = Content::code(codes::FINDING_SITE, bone);
        if let Some(side) = side {
            site = site.and(Relation::HasConceptModifier, Content::code(codes::LATERALITY, side));
        }
        content = content.and(Relation::HasConceptModifier, site);
    }
    if let Some(segment) = segment {
        let reference = instance(SEG.class, &seg::instance_uid(target))
            .words(tags::REFERENCED_SEGMENT_NUMBER, &[segment as u16 + 1]);
        content = content
            .and(Relation::Contains, Content::image(Some(SEGMENT), reference))
            .and(Relation::Contains, Content::uid(SOURCE_SERIES, &target.series.header.series_instance_uid));
    }
    let evaluations = group.evaluations.iter().map(|(concept, value)| Content::code(*concept, *value));
    content.and_all(Relation::Contains, group.measurements.iter().map(number)).and_all(Relation::Contains, evaluations)
}

fn number(measurement: &Measurement) -> Content {
    let Measurement { concept, value, interval, unit, maximum } = *measurement;
    let mut content = Content::number(concept, value, unit);
    if maximum {
        content = content.and(Relation::HasConceptModifier, Content::code(DERIVATION, codes::MAXIMUM));
    }
    if let Some([low, high]) = interval {
        content = content
            .and(Relation::HasProperties, Content::number(LOW, low, unit))
            .and(Relation::HasProperties, Content::number(HIGH, high, unit));
    }
    content
}
