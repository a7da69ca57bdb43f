//! The neck of a femur in the structured report: its sections across its own axis, and its losses, which no rule counts.
//!
//! What is not measured has no number: an evaluation says so by code, and a sentence gives the reason.

use super::findings::{EN, NO, REVIEW, THROUGH, YES, highest, measurement};
use crate::dicom::write::{Code, Measurement, codes};
use crate::language::Sentence;
use crate::report::neck::{NeckLesionReport, NeckReport, NeckSectionReport};
use crate::report::words;

/// PS3.16 lists no code for it.
pub(super) const NECK: Code = Code::private("femoral-neck", "Neck of femur, in sections across its own axis");
const AXIAL: Code = Code::private("neck-lysis", "Cortical lysis of the neck: share of a section's cortex");
const AROUND: Code = Code::private("neck-circ-lysis", "Circumferential lysis of the neck: share of the contour");
const AT_MOST: Code = Code::private("neck-at-most", "Share of a section's cortex that could be lost unseen");
const SMALLEST_CORTEX: Code = Code::private("neck-cortex-min", "Smallest cortical area of a section of the neck");
const SMALLEST_WALL: Code = Code::private("neck-wall-min", "Smallest mean wall thickness of a section of the neck");
const FROM_HEAD_LOW: Code = Code::private("neck-from-head", "Begins, along the neck from the centre of the head");
const FROM_HEAD_HIGH: Code = Code::private("neck-to-head", "Ends, along the neck from the centre of the head");
const MEASURED: Code = Code::private("neck-measured", "Sections across the neck measured");
const NOT_MEASURED: Code = Code::private("neck-left-out", "Sections across the neck not measured");
const LOSS: Code = Code::private("neck-loss", "Loss of the neck's cortex");
pub(super) const FOUND: Code = Code::private("loss-found", "Found");
const REJECTED: Code = Code::private("loss-rejected", "Found, rejected by the reviewer");
pub(super) const NONE_FOUND: Code = Code::private("loss-none", "None found");
pub(super) const LOSS_NOT_MEASURED: Code = Code::private("loss-unmeasured", "Not measured");
const WALL: Code = Code::private("neck-wall", "Wall of the neck");
pub(super) const WALLS: [(&str, Code); 4] = [
    ("upper", Code::private("wall-upper", "Upper wall")),
    ("lower", Code::private("wall-lower", "Lower wall")),
    ("front", Code::private("wall-front", "Front wall")),
    ("back", Code::private("wall-back", "Back wall")),
];
const SENTENCE: Code = Code::private("neck", "The neck in words");
const MM2: Code = Code::ucum("mm2", "mm2");

/// All codes of this program's own, for the test that tells them apart.
#[cfg(test)]
pub(super) const CODES: [Code; 21] = [
    NECK,
    AXIAL,
    AROUND,
    AT_MOST,
    SMALLEST_CORTEX,
    SMALLEST_WALL,
    FROM_HEAD_LOW,
    FROM_HEAD_HIGH,
    MEASURED,
    NOT_MEASURED,
    LOSS,
    FOUND,
    REJECTED,
    NONE_FOUND,
    LOSS_NOT_MEASURED,
    WALL,
    WALLS[0].1,
    WALLS[1].1,
    WALLS[2].1,
    WALLS[3].1,
    SENTENCE,
];

/// Numbers of the whole neck: of the loss only where it was measured.
pub(super) fn of_neck(neck: &NeckReport) -> Vec<Measurement> {
    let (axial, around) = (neck.worst(), neck.worst_of(|s| s.circumferential_lysis_percent));
    let smallest = |of: fn(&NeckSectionReport) -> Option<f64>| neck.measured().filter_map(of).reduce(f64::min);
    let measured = neck.measured().count();
    let unseen = axial.filter(|_| neck.lesions.is_empty()).map(|_| neck.at_most_percent());
    [
        highest(AXIAL, axial.and_then(|s| s.axial_lysis_percent), axial.and_then(|s| s.axial_lysis_ci95)),
        highest(
            AROUND,
            around.and_then(|s| s.circumferential_lysis_percent),
            around.and_then(|s| s.circumferential_lysis_ci95),
        ),
        measurement(AT_MOST, unseen, None, codes::PERCENT),
        measurement(SMALLEST_CORTEX, smallest(|s| s.cortical_area_mm2), None, MM2),
        measurement(SMALLEST_WALL, smallest(|s| s.mean_thickness_mm), None, codes::MILLIMETRE),
        measurement(MEASURED, Some(measured as f64), None, codes::UNITLESS),
        measurement(NOT_MEASURED, Some((neck.sections.len() - measured) as f64), None, codes::UNITLESS),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Whether a loss was found, by code.
pub(super) fn evaluations(neck: &NeckReport) -> Vec<(Code, Code)> {
    let said = if neck.worst().is_none() {
        LOSS_NOT_MEASURED
    } else if neck.standing().next().is_some() {
        FOUND
    } else if neck.lesions.is_empty() {
        NONE_FOUND
    } else {
        REJECTED
    };
    vec![(LOSS, said)]
}

pub(super) fn of_lesion(lesion: &NeckLesionReport) -> Vec<Measurement> {
    let percent = |concept, value, ends| highest(concept, Some(value), Some(ends));
    let [from, to] = lesion.from_head_range_mm;
    [
        percent(AXIAL, lesion.max_axial_lysis_percent, lesion.max_axial_lysis_ci95),
        percent(AROUND, lesion.max_circumferential_lysis_percent, lesion.max_circumferential_lysis_ci95),
        measurement(FROM_HEAD_LOW, Some(from), None, codes::MILLIMETRE),
        measurement(FROM_HEAD_HIGH, Some(to), None, codes::MILLIMETRE),
    ]
    .into_iter()
    .flatten()
    .collect()
}

pub(super) fn evaluations_of_lesion(lesion: &NeckLesionReport) -> Vec<(Code, Code)> {
    let wall = WALLS.iter().find(|(word, _)| *word == lesion.wall).map(|(_, code)| (WALL, *code));
    let through = (THROUGH, if lesion.through_the_wall { YES } else { NO });
    wall.into_iter().chain([through]).collect()
}

/// What the sections showed, why a loss or a section was not measured, and what a reviewer said, with the bone's title in front.
pub(super) fn statements(neck: &NeckReport, title: &str) -> Vec<(Code, String)> {
    let plain = |text: String| text.replace('\u{a0}', " ");
    let mut said =
        vec![(SENTENCE, plain(format!("{title}: {} No rule and no score counts the neck.", neck.sentence(EN))))];
    if let Some(why) = &neck.lysis_not_measured_because {
        said.push((SENTENCE, plain(format!("{title}: loss of the neck not measured: {}.", why.english()))));
    }
    if let Some(reference) = &neck.reference {
        said.push((SENTENCE, plain(format!("{title}: reference of the neck: {}.", reference.note.english()))));
    }
    let together = |a: &NeckSectionReport, b: &NeckSectionReport| a.not_measured_because == b.not_measured_because;
    for run in neck.sections.chunk_by(together) {
        let Some(why) = run[0].not_measured_because.as_ref().map(Sentence::english) else { continue };
        let place = words::range_text(EN, [run[0].from_head_mm, run[run.len() - 1].from_head_mm], 1);
        said.push((
            SENTENCE,
            plain(format!("{title}: neck not measured, {place} mm from the centre of the head: {why}.")),
        ));
    }
    for lesion in &neck.lesions {
        if let Some(remark) = words::remark(EN, lesion.review.as_ref()) {
            said.push((REVIEW, format!("{}: {remark}.", super::neck_lesion_title(title, lesion.id))));
        }
    }
    said
}
