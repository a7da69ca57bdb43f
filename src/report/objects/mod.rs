//! What the DICOM objects of a report say: its bones, cortices and lesions as segments, its numbers as findings, its flagged
//! slices and its pictures. The objects themselves are made in [`crate::dicom::write`].

mod end;
mod findings;
mod neck;

use super::figures::{BoneFigures, SliceCrop, capture};
use super::model::{BoneReport, Report, SliceReport};
use super::{to_json, words};
use crate::analysis::MeasuredBone;
use crate::anatomy::{BoneName, Side};
use crate::dicom::Series;
use crate::dicom::write::{Code, Contents, NoTarget, ObjectKind, Picture, Segment, Target, codes};
use crate::language::Language;
use crate::masks::{BoneMasks, EndLesionMask, bone_masks};
use crate::volume::{Grid, Region};
use findings::{Part, Tracked, findings};
use image::RgbImage;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const BONE_COLOUR: [u8; 3] = [241, 214, 145];
const CORTEX_COLOUR: [u8; 3] = [0, 158, 115];
const LESION_COLOUR: [u8; 3] = [213, 0, 50];

/// A bone that goes into objects, as voxels of the volume's grid; its numbers stand in the report.
#[derive(Debug, Clone)]
pub struct ExportBone {
    pub name: BoneName,
    pub side: Side,
    pub masks: BoneMasks,
    /// Indices of the slices that are flagged.
    pub flagged: Vec<usize>,
}

impl ExportBone {
    /// Of a measured bone, and what the report says of it.
    pub fn of(grid: &Grid, measured: &MeasuredBone, report: &BoneReport) -> Self {
        let rows = measured.cortex.slices.iter().zip(&report.slices);
        Self {
            name: measured.bone.name,
            side: measured.bone.side,
            masks: bone_masks(grid, measured),
            flagged: rows.filter(|(_, row)| row.flag_stands()).map(|(section, _)| section.slice_index).collect(),
        }
    }

    fn code(&self) -> Code {
        match self.name {
            BoneName::Femur => codes::FEMUR,
            BoneName::Tibia => codes::TIBIA,
            BoneName::Fibula => codes::FIBULA,
            BoneName::Humerus => codes::HUMERUS,
            BoneName::Radius => codes::RADIUS,
            BoneName::Ulna => codes::ULNA,
            BoneName::Unknown => codes::BONE,
        }
    }

    fn side_code(&self) -> Option<Code> {
        match self.side {
            Side::Left => Some(codes::LEFT),
            Side::Right => Some(codes::RIGHT),
            Side::Unknown => None,
        }
    }
}

/// The files of the wanted kinds by name, and what a kind has no file for, in words.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReportObjects {
    pub files: BTreeMap<String, Vec<u8>>,
    pub left_out: Vec<String>,
}

/// Why there are no objects.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    #[error(transparent)]
    NoTarget(#[from] NoTarget),
    /// The report could not be put into DICOM: a fault of the program, or an image beyond DICOM's sizes.
    #[error("cannot put the report into DICOM: {0}")]
    Format(String),
}

/// Makes the objects of a report, whose bones these are, in its order. `identify`: with name and identifiers of the patient, as in the images.
///
/// # Errors
/// A series that no object can refer to.
pub fn objects(
    series: &Series,
    report: &Report,
    bones: &[ExportBone],
    figures: &[BoneFigures],
    kinds: &[ObjectKind],
    identify: bool,
) -> Result<ReportObjects, ObjectsError> {
    let report = &report.rounded();
    let text = to_json(report).map_err(|e| ObjectsError::Format(e.to_string()))?;
    let target = Target::new(series, identify, text.as_bytes())?;
    let titles = titles(report);
    let segments = segments(&target, bones, &titles);
    let contents = Contents {
        findings: findings(&target, report, bones, &titles, &segments),
        key_slices: key_slices(series, bones),
        key_reason: format!(
            "Slices that corticalysis flagged: both percentages exceed the thresholds of guideline-30-50. {}",
            report.disclaimer
        ),
        pictures: if kinds.contains(&ObjectKind::Sc) { pictures(series, report, figures, &titles) } else { Vec::new() },
        segments: segments.into_iter().map(|tracked| tracked.segment).collect(),
    };
    let files = crate::dicom::write::objects(&target, &contents, kinds).map_err(ObjectsError::Format)?;
    let missing = |kind: &&ObjectKind| !files.keys().any(|name| name.starts_with(kind.word()));
    let any_flagged = bones.iter().any(|bone| !bone.flagged.is_empty());
    let left_out = kinds.iter().filter(missing).map(|kind| match kind {
        ObjectKind::Ko if any_flagged => {
            "the flagged slices are not stored as images: no Key Object Selection is written"
        }
        ObjectKind::Ko => "no slice is flagged: no Key Object Selection is written",
        ObjectKind::Sc => "there is no picture: no Secondary Capture is written",
        ObjectKind::Seg => "nothing was measured: no SEG is written",
        ObjectKind::RtStruct => "nothing was measured: no RTSTRUCT is written",
        ObjectKind::Sr => "no SR is written",
    });
    let left_out = left_out.map(str::to_owned).collect();
    Ok(ReportObjects { files, left_out })
}

/// What to call each bone; numbered where two would share a title.
fn titles(report: &Report) -> Vec<String> {
    let plain: Vec<String> = report.bones.iter().map(|bone| words::bone_title(Language::En, bone)).collect();
    let numbered = |(n, title): (usize, &String)| match plain[..n].iter().filter(|other| *other == title).count() {
        0 => title.clone(),
        before => format!("{title} {}", before + 1),
    };
    plain.iter().enumerate().map(numbered).collect()
}

/// What a loss of a neck is called, the same in every object.
fn neck_lesion_title(title: &str, id: usize) -> String {
    format!("{title}, neck lesion {id}")
}

/// What a loss beyond the shaft is called, the same in every object. `end`: `lower` or `upper`.
fn end_lesion_title(title: &str, end: &str, id: usize) -> String {
    format!("{title}, {end} end lesion {id}")
}

/// Bone, cortex and lesions of every bone, those that hold a voxel.
fn segments(target: &Target, bones: &[ExportBone], titles: &[String]) -> Vec<Tracked> {
    let mut segments = Vec::new();
    for (index, (bone, title)) in bones.iter().zip(titles).enumerate() {
        let part = |label: String, description: &str, kind: [Code; 2], colour, region: &Region| Segment {
            tracking_uid: target.uid(&format!("tracking {label}")),
            tracking_id: label.clone(),
            label,
            description: description.into(),
            category: kind[0],
            property: kind[1],
            modifier: None,
            site: Some((bone.code(), bone.side_code())),
            interpreted_type: "ORGAN",
            colour,
            region: region.clone(),
        };
        let (label, description) = if bone.masks.whole {
            (title.clone(), "The whole bone that the series shows. Surgical material is not part of it.")
        } else {
            (
                format!("{title}, measured part"),
                "What the outer contour encloses in the slices that were measured: not the whole bone. Surgical material is \
                 not part of it.",
            )
        };
        let whole = part(label, description, [codes::ANATOMICAL_STRUCTURE, bone.code()], BONE_COLOUR, &bone.masks.bone);
        segments.push((index, Part::Bone, Segment { modifier: bone.side_code(), site: None, ..whole }));
        let cortex = part(
            format!("{title}, cortex"),
            "The wall that stands, as thick as its mass of compact cortex; of a femoral neck and beyond the shaft, its fitted wall.",
            [codes::TISSUE, codes::CORTICAL_BONE],
            CORTEX_COLOUR,
            &bone.masks.cortex,
        );
        segments.push((index, Part::Cortex, cortex));
        for (id, region) in &bone.masks.lesions {
            let lesion = part(
                format!("{title}, lesion {id}"),
                "Where the intact wall would be in the sectors that lost more than the chosen depth. Not a target volume.",
                [codes::MORPHOLOGICALLY_ABNORMAL, codes::LESION],
                LESION_COLOUR,
                region,
            );
            // What a lesion is to the plan is not this program's to say.
            segments.push((index, Part::Lesion(*id), Segment { interpreted_type: "", ..lesion }));
        }
        for (id, region) in &bone.masks.neck_lesions {
            let lesion = part(
                neck_lesion_title(title, *id),
                "Where the intact wall of the neck would be in the sectors that lost it, in sections across the neck. No rule counts \
                 it. Not a target volume.",
                [codes::MORPHOLOGICALLY_ABNORMAL, codes::LESION],
                LESION_COLOUR,
                region,
            );
            segments.push((index, Part::NeckLesion(*id), Segment { interpreted_type: "", ..lesion }));
        }
        for EndLesionMask { is_upper, id, region } in &bone.masks.end_lesions {
            let lesion = part(
                end_lesion_title(title, if *is_upper { "upper" } else { "lower" }, *id),
                "Where the intact wall beyond the shaft would be, told by the other side, in the sectors that lost it. No rule counts it. \
                 Not a target volume.",
                [codes::MORPHOLOGICALLY_ABNORMAL, codes::LESION],
                LESION_COLOUR,
                region,
            );
            let of = Part::EndLesion { is_upper: *is_upper, id: *id };
            segments.push((index, of, Segment { interpreted_type: "", ..lesion }));
        }
    }
    let held = segments.into_iter().filter(|(_, _, segment)| !segment.region.is_empty());
    held.map(|(bone, part, segment)| Tracked { bone, part, segment }).collect()
}

/// The flagged slices that are stored as they were measured, each once, in order.
fn key_slices(series: &Series, bones: &[ExportBone]) -> Vec<usize> {
    let flagged: BTreeSet<usize> = bones.iter().flat_map(|bone| bone.flagged.iter().copied()).collect();
    flagged.into_iter().filter(|k| series.slices.get(*k).is_some_and(Option::is_some)).collect()
}

/// What is pictured of a bone.
#[derive(Clone, Copy)]
enum Pictured<'a> {
    Slice(&'a SliceCrop),
    MapAndProfile,
}

/// The worst slices, then map and profile of each bone beside one another.
fn pictures(series: &Series, report: &Report, figures: &[BoneFigures], titles: &[String]) -> Vec<Picture> {
    let slices = figures.iter().flat_map(|bone| bone.crops.iter().map(move |crop| (bone, Pictured::Slice(crop))));
    let plots = figures.iter().map(|bone| (bone, Pictured::MapAndProfile));
    let all: Vec<(&BoneFigures, Pictured)> = slices.chain(plots).collect();
    let drawn = all.par_iter().map(|(bone, pictured)| {
        let (Some(title), Some(of)) = (titles.get(bone.bone_index), report.bones.get(bone.bone_index)) else {
            return None;
        };
        let number = titles[..bone.bone_index].iter().filter(|other| title.starts_with(other.as_str())).count();
        let number = if number == 0 { String::new() } else { format!("-{}", number + 1) };
        let picture = |part: &str, shown: &str, slice: Option<usize>, image: RgbImage| Picture {
            name: format!("{}-{}{number}-{part}", of.bone, of.side),
            description: format!("{title}: {shown}"),
            laterality: match of.side.as_str() {
                "left" => "L",
                "right" => "R",
                _ => "",
            },
            slice: slice.filter(|k| series.slices.get(*k).is_some_and(Option::is_some)),
            width: image.width() as usize,
            height: image.height() as usize,
            rgb: image.into_raw(),
        };
        match *pictured {
            Pictured::Slice(crop) => {
                let part = format!("slice-{:04}", crop.slice_index);
                let shown = "CT in a bone window, and the same with outer contour and lost sectors";
                let drawn = capture::slice(bone, crop, title);
                drawn.map(|image| picture(&part, shown, Some(crop.slice_index), image))
            }
            Pictured::MapAndProfile => {
                let flagged: Vec<bool> = of.slices.iter().map(SliceReport::flag_stands).collect();
                let shown = "unrolled cortex with the mass left of the reference, and lysis along the bone";
                Some(picture("map", shown, None, capture::map_and_profile(bone, &flagged, title)))
            }
        }
    });
    drawn.flatten().collect()
}
