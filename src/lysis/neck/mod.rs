//! What is missing of a neck's wall, section by section, against the neck of the other side.
//!
//! The neck's own course along its axis is no reference: a neck that is its own has eight to thirteen millimetres, and a loss as long as
//! that is followed by any course that also follows the anatomy (thinning to nothing towards the head, a ridge below). Without
//! the other side contour, area and thickness are told and the loss is not. Where it is told: [`super::other_side`], the other neck laid
//! on this one by outline and thickness (`twin`).

mod outline;
mod twin;

use super::other_side::{Compared, NoOtherSide, OtherSide, Rows, WallLoss, WallRow};
use crate::cortex::SECTORS;
use crate::cortex::neck::{Neck, NeckSection, SECTION_MM};
use crate::estimate::Estimate;
use nalgebra::Point3;
use outline::outline_through;
use twin::{NeckTwin, lay_on};

/// A connected patch of lost wall.
#[derive(Debug, Clone, PartialEq)]
pub struct NeckLesion {
    /// 1, 2, … within the neck.
    pub id: usize,
    /// From the head's centre along the neck, mm.
    pub from_head_mm: [f64; 2],
    /// Its middle on the contour, patient mm.
    pub centre_mm: Point3<f64>,
    /// The sector of its middle: 0 front, a quarter of [`SECTORS`] up, a half back.
    pub sector: usize,
    pub through_the_wall: bool,
    pub max_axial_percent: Estimate,
    pub max_circumferential_percent: Estimate,
    /// The places that it covers, in order of section and sector.
    pub cells: Vec<NeckCell>,
}

/// A place of a neck's wall that is lost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NeckCell {
    /// Index of the neck's section.
    pub section: usize,
    pub sector: usize,
    /// Thickness of the wall when intact; NaN where the reference tells none.
    pub intact_mm: f64,
    /// From the middle of the section to where the outside of the intact wall would be: what is seen of the contour sinks into a hole.
    pub outer_mm: f64,
}

/// All that is known of the loss in one neck.
#[derive(Debug, Clone, PartialEq)]
pub struct NeckLysis {
    pub reference: Result<OtherSide, NoOtherSide>,
    /// By section of the neck; `None` where it was not measured or the other neck does not reach.
    pub sections: Vec<Option<WallLoss>>,
    pub lesions: Vec<NeckLesion>,
}

/// Measures the loss of a neck against the other side's. `depth`: loss (0..1) from which a sector counts as involved.
pub fn assess_neck(neck: &Neck, other: Option<&Neck>, depth: f64) -> NeckLysis {
    let none = |why| NeckLysis { reference: Err(why), sections: vec![None; neck.sections.len()], lesions: Vec::new() };
    let measured: Vec<usize> = (0..neck.sections.len()).filter(|k| neck.sections[*k].not_measured.is_none()).collect();
    let Some(other) = other.filter(|other| other.sections.iter().any(|s| s.not_measured.is_none())) else {
        return none(NoOtherSide::NotMeasured);
    };
    let Some(twin) = lay_on(neck, &measured, other) else { return none(NoOtherSide::NotRegistered) };
    let NeckTwin { thickness_mm, radius_mm, turn_deg, shift_mm } = twin;
    let rows = measured.iter().map(|k| wall_row(&neck.sections[*k])).collect();
    let compared = match Compared::new(rows, thickness_mm, SECTION_MM, depth) {
        Ok(compared) => Beside { neck, measured, radius_mm, compared },
        Err(stray) => return none(NoOtherSide::TooUnlike(stray)),
    };
    let losses = compared.compared.losses();
    let lesions = (1..=compared.compared.count()).map(|n| compared.lesion(n, &losses)).collect();
    let mut sections = vec![None; neck.sections.len()];
    compared.measured.iter().zip(losses).for_each(|(k, loss)| sections[*k] = loss);
    NeckLysis { reference: Ok(OtherSide { turn_deg, shift_mm, stray: compared.compared.stray() }), sections, lesions }
}

/// A section across the neck as it is compared.
fn wall_row(section: &NeckSection) -> WallRow {
    WallRow {
        thickness_mm: section.thickness_mm.clone(),
        unfitted_mm: section.unfitted_mm.clone(),
        arc_mm: section.arc_mm.clone(),
        lean: vec![1.0; SECTORS],
        bend_mm: section.radius_mm.iter().map(|radius| radius.max(1e-3)).collect(),
        blur_along_mm: section.blur_along_mm.clone(),
    }
}

/// A neck beside its reference.
struct Beside<'a> {
    neck: &'a Neck,
    /// Sections of the neck that are measured: the rows of what is compared.
    measured: Vec<usize>,
    /// The other neck's outline by row.
    radius_mm: Rows,
    compared: Compared,
}

impl Beside<'_> {
    fn of(&self, row: usize) -> &NeckSection {
        &self.neck.sections[self.measured[row]]
    }

    /// The cells, in order of their rows, as places of the neck.
    fn places(&self, cells: &[(usize, usize)]) -> Vec<NeckCell> {
        let in_row = |cells: &[(usize, usize)]| {
            let row = cells[0].0;
            let healthy: Vec<bool> = (0..SECTORS).map(|s| self.compared.is_healthy(row, s)).collect();
            let outline = outline_through(&self.of(row).radius_mm, &self.radius_mm[row], &healthy);
            let cell = |(_, sector): &(usize, usize)| NeckCell {
                section: self.measured[row],
                sector: *sector,
                intact_mm: self.compared.intact_mm(row, *sector),
                outer_mm: outline[*sector],
            };
            cells.iter().map(cell).collect::<Vec<_>>()
        };
        cells.chunk_by(|a, b| a.0 == b.0).flat_map(in_row).collect()
    }

    fn lesion(&self, n: usize, losses: &[Option<WallLoss>]) -> NeckLesion {
        let cells = self.compared.cells(n);
        let along = |row: usize| self.of(row).from_head_mm;
        let (first, last) = (cells.first().map_or(0, |c| c.0), cells.last().map_or(0, |c| c.0));
        let sector = self.compared.middle_sector(&cells);
        let section = self.of((first + last) / 2);
        let (sin, cos) = crate::cortex::polar::sector_angle(sector).sin_cos();
        let off = [cos, sin].map(|v| v * section.radius_mm[sector]);
        let worst = |of| self.compared.worst(n, losses, of);
        NeckLesion {
            id: n,
            from_head_mm: [along(first) - 0.5 * SECTION_MM, along(last) + 0.5 * SECTION_MM],
            centre_mm: self
                .neck
                .frame
                .point(section.from_head_mm, [section.centre_mm[0] + off[0], section.centre_mm[1] + off[1]]),
            sector,
            through_the_wall: cells.iter().any(|(row, s)| self.compared.loss(*row, *s) >= 0.99),
            max_axial_percent: worst(|loss| loss.axial_percent),
            max_circumferential_percent: worst(|loss| loss.circumferential_percent),
            cells: self.places(&cells),
        }
    }
}
