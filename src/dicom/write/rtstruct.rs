//! RT Structure Set (PS3.3, A.19): the same parts as outlines on the images, in implicit VR, which every planning system
//! reads and which has no limit of 64 kB on a contour.

use super::contours::outlines;
use super::item::{Item, push_coordinate};
use super::segment::Segment;
use super::target::{MANUFACTURER, RTSTRUCT, Target};
use dicom_core::VR;
use dicom_dictionary_std::{tags, uids};
use nalgebra::Vector3;
use rayon::prelude::*;

/// Retired, and still what a structure set's study is referred to by.
const STUDY_CLASS: &str = "1.2.840.10008.3.1.2.3.1";

/// The file. None of the segments is empty.
pub(super) fn file(target: &Target, segments: &[Segment]) -> Result<Vec<u8>, String> {
    let [day, time] = &target.source.when;
    let header = &target.series.header;
    let series = Item::new()
        .text(tags::SERIES_INSTANCE_UID, VR::UI, &header.series_instance_uid)
        .sequence(tags::CONTOUR_IMAGE_SEQUENCE, target.instances(target.all_images()));
    let study = Item::new()
        .text(tags::REFERENCED_SOP_CLASS_UID, VR::UI, STUDY_CLASS)
        .text(tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, &header.study_instance_uid)
        .sequence(tags::RT_REFERENCED_SERIES_SEQUENCE, vec![series]);
    let frame = Item::new()
        .text(tags::FRAME_OF_REFERENCE_UID, VR::UI, &header.frame_of_reference_uid)
        .sequence(tags::RT_REFERENCED_STUDY_SEQUENCE, vec![study]);
    let numbered = || segments.iter().enumerate().map(|(n, segment)| (n + 1, segment));
    target
        .object(RTSTRUCT, 1)
        .with(|item| target.frame_of_reference(item))
        .with(Target::coding_scheme)
        .text(tags::OPERATORS_NAME, VR::PN, "")
        .text(tags::STRUCTURE_SET_LABEL, VR::SH, MANUFACTURER)
        .text(tags::STRUCTURE_SET_DESCRIPTION, VR::ST, "Aids for outlining, made by a program, reviewed by nobody")
        .text(tags::STRUCTURE_SET_DATE, VR::DA, day)
        .text(tags::STRUCTURE_SET_TIME, VR::TM, time)
        .sequence(tags::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE, vec![frame])
        .sequence(tags::STRUCTURE_SET_ROI_SEQUENCE, numbered().map(|part| named(target, part)).collect())
        .sequence(tags::ROI_CONTOUR_SEQUENCE, numbered().map(|part| drawn(target, part)).collect())
        .sequence(tags::RTROI_OBSERVATIONS_SEQUENCE, numbered().map(observed).collect())
        .text(tags::APPROVAL_STATUS, VR::CS, "UNAPPROVED")
        .file(uids::IMPLICIT_VR_LITTLE_ENDIAN)
}

fn named(target: &Target, (number, segment): (usize, &Segment)) -> Item {
    Item::new()
        .integer(tags::ROI_NUMBER, number)
        .text(tags::REFERENCED_FRAME_OF_REFERENCE_UID, VR::UI, &target.series.header.frame_of_reference_uid)
        .clipped(tags::ROI_NAME, VR::LO, &segment.label)
        .clipped(tags::ROI_DESCRIPTION, VR::ST, &segment.description)
        .text(tags::ROI_GENERATION_ALGORITHM, VR::CS, "AUTOMATIC")
}

fn drawn(target: &Target, (number, segment): (usize, &Segment)) -> Item {
    let region = target.on_images(&segment.region);
    let by_slice: Vec<Vec<Item>> = (0..region.size()[2])
        .into_par_iter()
        .map(|k| outlines(region.runs(k)).iter().map(|outline| contour(target, k, outline)).collect())
        .collect();
    Item::new()
        .text(tags::ROI_DISPLAY_COLOR, VR::IS, &segment.colour.map(|c| c.to_string()).join("\\"))
        .integer(tags::REFERENCED_ROI_NUMBER, number)
        .sequence(tags::CONTOUR_SEQUENCE, by_slice.into_iter().flatten().collect())
}

fn contour(target: &Target, k: usize, outline: &[[f64; 2]]) -> Item {
    let mut data = String::with_capacity(outline.len() * 30);
    for [i, j] in outline {
        for mm in target.grid().to_patient(Vector3::new(*i, *j, k as f64)).iter() {
            if !data.is_empty() {
                data.push('\\');
            }
            push_coordinate(&mut data, *mm);
        }
    }
    let item = match target.image(k) {
        Some(image) => Item::new().sequence(tags::CONTOUR_IMAGE_SEQUENCE, vec![image]),
        None => Item::new(),
    };
    item.text(tags::CONTOUR_GEOMETRIC_TYPE, VR::CS, "CLOSED_PLANAR")
        .integer(tags::NUMBER_OF_CONTOUR_POINTS, outline.len())
        .text(tags::CONTOUR_DATA, VR::DS, &data)
}

fn observed((number, segment): (usize, &Segment)) -> Item {
    Item::new()
        .integer(tags::OBSERVATION_NUMBER, number)
        .integer(tags::REFERENCED_ROI_NUMBER, number)
        .code(tags::RTROI_IDENTIFICATION_CODE_SEQUENCE, segment.property)
        .text(tags::RTROI_INTERPRETED_TYPE, VR::CS, segment.interpreted_type)
        .text(tags::ROI_INTERPRETER, VR::PN, "")
}
