//! Slices beyond the shaft in the structured report: what is missing of them against the other side, which no rule counts.

use super::findings::{EN, NO, THROUGH, YES, highest, measurement};
use super::neck::{FOUND, LOSS_NOT_MEASURED, NONE_FOUND, WALLS};
use crate::dicom::write::{Code, Measurement, codes};
use crate::report::end::{EndLesionReport, EndReport};

/// PS3.16 lists no code for it.
pub(super) const END: Code =
    Code::private("beyond-shaft", "Slices beyond the shaft, through trochanters or metaphysis");
const AXIAL: Code = Code::private("end-lysis", "Cortical lysis beyond the shaft: share of a slice's cortex");
const AROUND: Code = Code::private("end-circ-lysis", "Circumferential lysis beyond the shaft: of the contour");
const AT_MOST: Code = Code::private("end-at-most", "Share of a slice's cortex that could be lost unseen");
const COMPARED: Code = Code::private("end-compared", "Slices beyond the shaft with a reference");
const Z_LOW: Code = Code::private("end-z-low", "Patient z of the lowest slice");
const Z_HIGH: Code = Code::private("end-z-high", "Patient z of the highest slice");
const LOSS: Code = Code::private("end-loss", "Loss of cortex beyond the shaft");
const WALL: Code = Code::private("end-wall", "Wall beyond the shaft");
/// Those that a neck has not.
const MORE_WALLS: [(&str, Code); 4] = [
    ("medial", Code::private("wall-medial", "Medial wall")),
    ("lateral", Code::private("wall-lateral", "Lateral wall")),
    ("left", Code::private("wall-left", "Left wall")),
    ("right", Code::private("wall-right", "Right wall")),
];
const SENTENCE: Code = Code::private("end", "Slices beyond the shaft in words");

/// All codes of this program's own, for the test that tells them apart.
#[cfg(test)]
pub(super) const CODES: [Code; 14] = [
    END,
    AXIAL,
    AROUND,
    AT_MOST,
    COMPARED,
    Z_LOW,
    Z_HIGH,
    LOSS,
    WALL,
    MORE_WALLS[0].1,
    MORE_WALLS[1].1,
    MORE_WALLS[2].1,
    MORE_WALLS[3].1,
    SENTENCE,
];

/// Numbers of all slices beyond one end of the shaft: of the loss only where it was measured.
pub(super) fn of_end(end: &EndReport) -> Vec<Measurement> {
    let axial = end.slices.iter().max_by(|a, b| a.axial_lysis_percent.total_cmp(&b.axial_lysis_percent));
    let around =
        end.slices.iter().max_by(|a, b| a.circumferential_lysis_percent.total_cmp(&b.circumferential_lysis_percent));
    let unseen = (!end.slices.is_empty() && end.lesions.is_empty()).then(|| end.at_most_percent());
    let compared = Some(end.slices.len() as f64);
    [
        highest(AXIAL, axial.map(|s| s.axial_lysis_percent), axial.map(|s| s.axial_lysis_ci95)),
        highest(AROUND, around.map(|s| s.circumferential_lysis_percent), around.map(|s| s.circumferential_lysis_ci95)),
        measurement(AT_MOST, unseen, None, codes::PERCENT),
        measurement(COMPARED, compared, None, codes::UNITLESS),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Whether a loss was found, by code.
pub(super) fn evaluations(end: &EndReport) -> Vec<(Code, Code)> {
    let said = match (end.slices.is_empty(), end.lesions.is_empty()) {
        (true, _) => LOSS_NOT_MEASURED,
        (false, true) => NONE_FOUND,
        (false, false) => FOUND,
    };
    vec![(LOSS, said)]
}

pub(super) fn of_lesion(lesion: &EndLesionReport) -> Vec<Measurement> {
    let percent = |concept, value, ends| highest(concept, Some(value), Some(ends));
    let [low, high] = lesion.z_range_mm;
    [
        percent(AXIAL, lesion.max_axial_lysis_percent, lesion.max_axial_lysis_ci95),
        percent(AROUND, lesion.max_circumferential_lysis_percent, lesion.max_circumferential_lysis_ci95),
        measurement(Z_LOW, Some(low), None, codes::MILLIMETRE),
        measurement(Z_HIGH, Some(high), None, codes::MILLIMETRE),
    ]
    .into_iter()
    .flatten()
    .collect()
}

pub(super) fn evaluations_of_lesion(lesion: &EndLesionReport) -> Vec<(Code, Code)> {
    let wall = WALLS.iter().chain(&MORE_WALLS).find(|(word, _)| *word == lesion.wall);
    let through = (THROUGH, if lesion.through_the_wall { YES } else { NO });
    wall.map(|(_, code)| (WALL, *code)).into_iter().chain([through]).collect()
}

/// What the slices showed, and why a loss was not measured, with the bone's title in front.
pub(super) fn statements(end: &EndReport, title: &str) -> Vec<(Code, String)> {
    let plain = |text: String| text.replace('\u{a0}', " ");
    let mut said = vec![(SENTENCE, plain(format!("{title}: {} No rule and no score counts it.", end.sentence(EN))))];
    if let Some(why) = &end.lysis_not_measured_because {
        said.push((SENTENCE, plain(format!("{title}: loss beyond the shaft not measured: {}.", why.english()))));
    }
    if let Some(reference) = &end.reference {
        said.push((SENTENCE, plain(format!("{title}: reference beyond the shaft: {}.", reference.note.english()))));
    }
    said
}
