//! What is missing of the wall beyond the shaft, slice by slice, against the same end of the other side's bone.
//!
//! Through trochanters and metaphyses walls thin and bulge within millimetres: what a wall was before is told by no neighbour of it. The other
//! side tells it, where the series shows both: its slices are mirrored and laid on these (`twin`), and held against them
//! ([`super::other_side`]).

mod twin;

use super::other_side::{Compared, NoOtherSide, OtherSide, WallLoss, WallRow};
use crate::cortex::SECTORS;
use crate::cortex::end::EndSection;
use crate::estimate::Estimate;
use twin::{EndTwin, lay_on};

/// No wall that was fitted is wider in the slice than this many times its thickness.
const MOST_LEAN: f64 = 2.0;

/// How the slices of both sides lie.
#[derive(Debug, Clone, Copy)]
pub struct Slices {
    /// Distance between slices, mm.
    pub spacing_mm: f64,
    /// The patient's left and back in the plane of the slice, unit vectors.
    pub left: [f64; 2],
    pub back: [f64; 2],
    /// By how much the landmarks of the other side lie higher, mm; 0 where there are none.
    pub other_higher_mm: f64,
    /// How far the scanner spreads things in the slice, standard deviation, mm.
    pub blur_mm: f64,
}

/// A connected patch of lost wall.
#[derive(Debug, Clone, PartialEq)]
pub struct EndLesion {
    /// 1, 2, … within the end, from below.
    pub id: usize,
    /// First and last of the slices.
    pub slices: [usize; 2],
    /// From the middle of the section to its own middle: to the patient's left and back, mm.
    pub towards_mm: [f64; 2],
    pub through_the_wall: bool,
    pub max_axial_percent: Estimate,
    pub max_circumferential_percent: Estimate,
    /// The places that it covers, in order of section and sector.
    pub cells: Vec<EndCell>,
}

/// A place of the wall that is lost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EndCell {
    /// Index of the section.
    pub section: usize,
    pub sector: usize,
    /// Width of the wall in the slice when intact, mm; NaN where the other side tells none.
    pub intact_mm: f64,
    /// The outside of the intact wall, in-plane millimetres: the contour, or the other side's outline where the contour has sunk into a hole.
    pub outer_mm: [f64; 2],
}

/// All that is known of the loss in one end of a bone.
#[derive(Debug, Clone, PartialEq)]
pub struct EndLysis {
    pub reference: Result<OtherSide, NoOtherSide>,
    /// By section; `None` where it was not measured or the other side does not reach.
    pub sections: Vec<Option<WallLoss>>,
    pub lesions: Vec<EndLesion>,
}

/// Measures the loss in the sections of one end against those of the other side's. `depth`: loss (0..1) from which a sector counts as
/// involved.
pub fn assess_end(sections: &[EndSection], other: Option<&[EndSection]>, slices: &Slices, depth: f64) -> EndLysis {
    let none = |why| EndLysis { reference: Err(why), sections: vec![None; sections.len()], lesions: Vec::new() };
    let is_measured = |section: &&EndSection| section.not_measured.is_none();
    let measured: Vec<usize> = (0..sections.len()).filter(|n| is_measured(&&sections[*n])).collect();
    let here: Vec<&EndSection> = measured.iter().map(|n| &sections[*n]).collect();
    let there: Vec<&EndSection> = other.unwrap_or_default().iter().filter(is_measured).collect();
    if there.is_empty() {
        return none(NoOtherSide::NotMeasured);
    }
    let Some(EndTwin { thickness_mm, arc_mm, place_mm, turn_deg, shift_mm }) = lay_on(&here, &there, slices) else {
        return none(NoOtherSide::NotRegistered);
    };
    let rows = here.iter().zip(arc_mm).map(|(section, arc_mm)| wall_row(section, arc_mm, slices.blur_mm)).collect();
    let compared = match Compared::new(rows, thickness_mm, slices.spacing_mm, depth) {
        Ok(compared) => compared,
        Err(stray) => return none(NoOtherSide::TooUnlike(stray)),
    };
    let losses = compared.losses();
    let seen = Seen { measured: &measured, here: &here, place_mm: &place_mm };
    let lesions = (1..=compared.count()).map(|n| lesion(n, &compared, &losses, &seen, slices)).collect();
    let mut of_sections = vec![None; sections.len()];
    measured.iter().zip(losses).for_each(|(n, loss)| of_sections[*n] = loss);
    EndLysis {
        reference: Ok(OtherSide { turn_deg, shift_mm, stray: compared.stray() }),
        sections: of_sections,
        lesions,
    }
}

/// A section as it is compared. `arc_mm`: by sector, length of its intact contour.
fn wall_row(section: &EndSection, arc_mm: Vec<f64>, blur_mm: f64) -> WallRow {
    let (own, turns) = (section.contour.arcs_mm(), section.contour.turns());
    let bend = |(arc, turn): (&f64, f64)| {
        // Straight is a bend of any large radius.
        let turn = if turn.abs() > 1e-6 { turn } else { 1e-6 };
        arc / turn
    };
    WallRow {
        thickness_mm: section.thickness_mm.clone(),
        unfitted_mm: section.unfitted_mm.clone(),
        bend_mm: own.iter().zip(turns).map(bend).collect(),
        // Where the wall runs along the slice, or no slice beside tells, nothing was fitted: what it would hold is a guess.
        lean: section.lean.iter().map(|lean| if lean.is_nan() { 1.0 } else { lean.min(MOST_LEAN) }).collect(),
        blur_along_mm: vec![blur_mm; SECTORS],
        arc_mm,
    }
}

/// Where the outside of the intact wall lies at a sector of a section, of whose other side's outline that is the `place` where the contour has sunk;
/// NaN where that has none.
fn outer_mm(section: &EndSection, sector: usize, place: [f64; 2]) -> [f64; 2] {
    // A contour may bulge beyond the other side's; what lies within it has not sunk.
    let is_told = place.iter().all(|mm| mm.is_finite());
    let is_sunk = is_told && section.contour.signed_distance_mm(place) > 0.0;
    if is_sunk { place } else { section.contour.points[sector] }
}

/// The sections that were compared.
struct Seen<'a> {
    /// Which of the end's sections.
    measured: &'a [usize],
    here: &'a [&'a EndSection],
    /// By section and sector, the other side's outline where the contour has sunk.
    place_mm: &'a [Vec<[f64; 2]>],
}

/// Loss `n` of what was compared.
fn lesion(n: usize, compared: &Compared, losses: &[Option<WallLoss>], seen: &Seen, in_plane: &Slices) -> EndLesion {
    let Seen { measured, here, place_mm } = *seen;
    let cells = compared.cells(n);
    let (first, last) = (cells.first().map_or(0, |c| c.0), cells.last().map_or(0, |c| c.0));
    let off = |(row, sector): &(usize, usize)| {
        let (curve, middle) = (&here[*row].contour, here[*row].contour.middle());
        [0, 1].map(|a| curve.points[*sector][a] - middle[a])
    };
    let mean = [0, 1].map(|a| cells.iter().map(|cell| off(cell)[a]).sum::<f64>() / cells.len() as f64);
    let along = |axis: [f64; 2]| mean[0] * axis[0] + mean[1] * axis[1];
    let cell = |(row, sector): &(usize, usize)| EndCell {
        section: measured[*row],
        sector: *sector,
        intact_mm: compared.intact_mm(*row, *sector) * here[*row].lean[*sector].min(MOST_LEAN),
        outer_mm: outer_mm(here[*row], *sector, place_mm[*row][*sector]),
    };
    EndLesion {
        id: n,
        slices: [here[first].slice_index, here[last].slice_index],
        towards_mm: [along(in_plane.left), along(in_plane.back)],
        through_the_wall: cells.iter().any(|(row, s)| compared.loss(*row, *s) >= 0.99),
        max_axial_percent: compared.worst(n, losses, |loss| loss.axial_percent),
        max_circumferential_percent: compared.worst(n, losses, |loss| loss.circumferential_percent),
        cells: cells.iter().map(cell).collect(),
    }
}
