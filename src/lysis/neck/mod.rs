//! What is missing of a neck's wall, section by section, against the neck of the other side.
//!
//! The neck's own course along its axis is no reference: a neck that is its own has eight to thirteen millimetres, and a loss as long as
//! that is followed by any course that also follows the anatomy (thinning to nothing towards the head, a ridge below). Without
//! the other side contour, area and thickness are told and the loss is not.
//!
//! Where it is told: sector by sector the wall's area against that of the other neck, laid on this one by outline and thickness and brought to
//! its level (`twin`). Only connected dips that are deep and large count, so that a healthy section reads exactly 0.
//! The interval comes from how far healthy walls stray from the reference over a quarter of the circumference; its upper end holds all
//! of the wall that is too thin for a loss of it to be told, as the upper wall of most necks is on thick slices.

mod outline;
mod twin;

use super::circumference::Circumference;
use super::patches::{Patches, label};
use crate::cortex::SECTORS;
use crate::cortex::neck::{Neck, NeckSection, SECTION_MM};
use crate::estimate::Estimate;
use nalgebra::Point3;
use outline::outline_through;
use twin::{NeckTwin, lay_on};

/// A value by measured section and sector.
pub(super) type Rows = Vec<Vec<f64>>;

/// A dip is at least this deep, mm and as a share of the reference …
const DIP_MM: f64 = 0.5;
const DIP_SHARE: f64 = 0.4;
/// … and this large, mm² of the neck's surface.
const LEAST_AREA_MM2: f64 = 25.0;
/// Its mean depth is so many times what healthy walls stray from the reference over a quarter of the circumference.
const SIGNIFICANT: f64 = 3.0;
/// A wall of less than this many times that depth can go without being told.
const THIN: f64 = 1.25;
/// Its rim lies where the wall is thinner by this.
const RIM_MM: f64 = 0.2;
const RIM_SHARE: f64 = 0.15;
/// Steps by which it may grow, each a section and two sectors.
const RIM_STEPS: usize = 2;
/// Healthy walls that stray further than this, as a share of the mean thickness, make no reference.
const MOST_STRAY: f64 = 0.2;
/// Quarters of sections that must be whole for the other neck to be laid on this one.
const LEAST_QUARTERS: f64 = 12.0;
/// What walls of two healthy sides stray by, as a share of the mean thickness, and how many quarters that weighs as much as.
const SIDES_STRAY: f64 = 0.12;
const BEFORE: f64 = 24.0;
/// A reference is less certain than the healthy walls that were laid on it.
const REFERENCE: f64 = 1.6;
/// What is not known better even where both necks agree, percentage points.
const LEAST_POINTS: f64 = 0.5;
/// How far a border of a loss may lie from where it is found, in units of the blur along the contour.
const BORDER_SIGMAS: f64 = 1.0;
/// Widest blur for which the border of a hole is still taken back, as on the shaft.
const SHARP: f64 = 1.2;
/// Part of the contour in which a loss may go unseen although the wall is thick.
const LEAST_ARC: f64 = 0.05;
/// Length of contour in which a hole may go unseen, mm: the side of the smallest dip.
const UNSEEN_MM: f64 = 5.0;
const SDS: f64 = 1.96;

/// Why there is no loss of a measured neck.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NoNeckReference {
    /// The neck of the other side was not measured.
    NoTwin,
    /// It could not be laid on this one.
    NotRegistered,
    /// Healthy walls differ too much: by this share of the mean thickness.
    TooUnlike(f64),
}

/// The other neck as a reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NeckReference {
    /// How far it had to be turned about the neck and shifted along it.
    pub turn_deg: f64,
    pub shift_mm: f64,
    /// How far healthy walls stray from it over a quarter of the circumference, as a share of the mean thickness.
    pub stray: f64,
}

/// The loss of one section.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NeckLoss {
    /// Share of the section's cortical area that is gone, percent.
    pub axial_percent: Estimate,
    /// Share of the contour that lost more than the chosen depth, percent.
    pub circumferential_percent: Estimate,
    /// Cortical area when intact.
    pub reference_area_mm2: f64,
}

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
    pub reference: Result<NeckReference, NoNeckReference>,
    /// By section of the neck; `None` where it was not measured or the other neck does not reach.
    pub sections: Vec<Option<NeckLoss>>,
    pub lesions: Vec<NeckLesion>,
}

/// Measures the loss of a neck against the other side's. `depth`: loss (0..1) from which a sector counts as involved.
pub fn assess_neck(neck: &Neck, other: Option<&Neck>, depth: f64) -> NeckLysis {
    let none = |why| NeckLysis { reference: Err(why), sections: vec![None; neck.sections.len()], lesions: Vec::new() };
    let measured: Vec<usize> = (0..neck.sections.len()).filter(|k| neck.sections[*k].not_measured.is_none()).collect();
    let Some(other) = other.filter(|other| other.sections.iter().any(|s| s.not_measured.is_none())) else {
        return none(NoNeckReference::NoTwin);
    };
    let Some(twin) = lay_on(neck, &measured, other) else { return none(NoNeckReference::NotRegistered) };
    let mut compared = Compared::new(neck, measured, twin, depth);
    if compared.stray > MOST_STRAY {
        return none(NoNeckReference::TooUnlike(compared.stray));
    }
    compared.keep_what_is_sure();
    let sections = compared.sections();
    let lesions = (1..=compared.patches.count).map(|n| compared.lesion(n, &sections)).collect();
    let NeckTwin { turn_deg, shift_mm, .. } = compared.twin;
    NeckLysis { reference: Ok(NeckReference { turn_deg, shift_mm, stray: compared.stray }), sections, lesions }
}

/// A neck beside its reference.
struct Compared<'a> {
    neck: &'a Neck,
    /// Sections of the neck that are measured: the rows of all that follows.
    measured: Vec<usize>,
    twin: NeckTwin,
    patches: Patches,
    /// How far healthy walls stray over a quarter of the circumference, as a share of the mean thickness.
    stray: f64,
    depth: f64,
}

impl<'a> Compared<'a> {
    fn new(neck: &'a Neck, measured: Vec<usize>, twin: NeckTwin, depth: f64) -> Self {
        let patches = Patches { label: vec![vec![0; SECTORS]; measured.len()], count: 0 };
        let mut compared = Self { neck, measured, twin, patches, stray: 0.0, depth };
        // What healthy walls stray by decides which dips count, and those which walls are healthy: first every dip is left out.
        compared.patches = compared.dips();
        for _ in 0..2 {
            compared.stray = compared.stray_of_healthy();
            compared.patches = compared.dips();
        }
        compared.stray = compared.stray_of_healthy();
        compared
    }

    /// Takes back the losses that may be none: those whose interval begins at nothing in every section. A hole in one neck bends its
    /// outline, and the whole neck that is held against it would show dips of a few percent.
    fn keep_what_is_sure(&mut self) {
        let sections = self.sections();
        let sure = |n: usize| n > 0 && self.lesion(n, &sections).max_axial_percent.low > 0.0;
        let keep: Vec<bool> = (0..=self.patches.count).map(sure).collect();
        let kept = |row: &Vec<usize>| row.iter().map(|n| keep[*n]).collect::<Vec<bool>>();
        self.patches = label(&self.patches.label.iter().map(kept).collect::<Vec<_>>());
    }

    /// The losses by section of the neck.
    fn sections(&self) -> Vec<Option<NeckLoss>> {
        let mut sections = vec![None; self.neck.sections.len()];
        (0..self.rows()).for_each(|row| sections[self.measured[row]] = self.section(row));
        sections
    }

    fn rows(&self) -> usize {
        self.measured.len()
    }

    fn of(&self, row: usize) -> &NeckSection {
        &self.neck.sections[self.measured[row]]
    }

    /// Thickness and that of the reference; `None` where either is not known.
    fn pair(&self, row: usize, s: usize) -> Option<(f64, f64)> {
        let (seen, intact) = (self.of(row).thickness_mm[s], self.twin.thickness_mm[row][s]);
        (seen.is_finite() && intact.is_finite()).then_some((seen, intact))
    }

    /// Area of wall that is there and that was, mm²; nothing where the reference is not known. Where something dense is no wall that could
    /// be fitted, at the border of a hole say, it counts within a loss for what it holds, and elsewhere as whole.
    fn areas_mm2(&self, row: usize, s: usize) -> (f64, f64) {
        let (section, intact) = (self.of(row), self.twin.thickness_mm[row][s]);
        if !intact.is_finite() {
            return (0.0, 0.0);
        }
        let seen = match self.pair(row, s) {
            Some((seen, _)) => seen,
            None if self.patches.label[row][s] > 0 => section.unfitted_mm[s].min(intact),
            None => intact,
        };
        (section.area_mm2(s, seen), section.area_mm2(s, intact))
    }

    /// Loss of a sector, 0..1; none outside the patches.
    fn loss(&self, row: usize, s: usize) -> f64 {
        let (seen, intact) = self.areas_mm2(row, s);
        if self.patches.label[row][s] == 0 || intact <= 0.0 { 0.0 } else { (1.0 - seen / intact).clamp(0.0, 1.0) }
    }

    /// Mean thickness of the reference, mm.
    fn mean_mm(&self) -> f64 {
        let cells = (0..self.rows()).flat_map(|row| (0..SECTORS).map(move |s| (row, s)));
        let (mut sum, mut count) = (0.0, 0.0);
        for (_, intact) in cells.filter_map(|(row, s)| self.pair(row, s)) {
            (sum, count) = (sum + intact, count + 1.0);
        }
        sum / f64::max(count, 1.0)
    }

    /// Root mean square, over quarters of the circumference in every section, of the mean difference of healthy walls.
    fn stray_of_healthy(&self) -> f64 {
        let (mut sum, mut count) = (0.0, 0.0);
        for row in 0..self.rows() {
            for first in (0..SECTORS).step_by(SECTORS / 8) {
                let healthy: Vec<f64> = (first..first + SECTORS / 4)
                    .map(|s| s % SECTORS)
                    .filter(|s| self.patches.label[row][*s] == 0)
                    .filter_map(|s| self.pair(row, s).map(|(seen, intact)| seen - intact))
                    .collect();
                if healthy.len() > SECTORS / 8 {
                    sum += (healthy.iter().sum::<f64>() / healthy.len() as f64).powi(2);
                    count += 1.0;
                }
            }
        }
        if count < LEAST_QUARTERS {
            return f64::INFINITY;
        }
        // The fewer are whole, the less they tell, and the more it is what sides differ by anyway.
        let sum = sum / self.mean_mm().max(1e-3).powi(2) + BEFORE * SIDES_STRAY.powi(2);
        (sum / (count + BEFORE)).sqrt()
    }

    fn dips(&self) -> Patches {
        let below = |row: usize, s: usize, mm: f64, share: f64| {
            self.pair(row, s).is_some_and(|(seen, intact)| intact - seen > f64::max(mm, share * intact))
        };
        let map = |inside: &dyn Fn(usize, usize) -> bool| -> Vec<Vec<bool>> {
            (0..self.rows()).map(|row| (0..SECTORS).map(|s| inside(row, s)).collect()).collect()
        };
        let found = label(&map(&|row, s| below(row, s, DIP_MM, DIP_SHARE)));
        let keep: Vec<bool> = (0..=found.count).map(|n| n > 0 && self.is_loss(&found, n)).collect();
        let mut patches = label(&map(&|row, s| keep[found.label[row][s]]));
        for _ in 0..RIM_STEPS {
            let near = patches.dilated(1, 2);
            let label_of = &patches.label;
            // What is not known within a loss does not divide it.
            patches = label(&map(&|row, s| {
                let joins = || self.pair(row, s).is_none() || below(row, s, RIM_MM, RIM_SHARE);
                label_of[row][s] > 0 || (near[row][s] && joins())
            }));
        }
        patches
    }

    fn is_loss(&self, dips: &Patches, n: usize) -> bool {
        let (mut surface, mut lost_mm, mut cells) = (0.0, 0.0, 0.0);
        for row in 0..self.rows() {
            for s in (0..SECTORS).filter(|s| dips.label[row][*s] == n) {
                let Some((seen, intact)) = self.pair(row, s) else { continue };
                surface += self.of(row).arc_mm[s] * SECTION_MM;
                lost_mm += intact - seen;
                cells += 1.0;
            }
        }
        surface >= LEAST_AREA_MM2 && lost_mm / cells > self.least_mm()
    }

    /// The mean depth that a dip must pass, mm.
    fn least_mm(&self) -> f64 {
        DIP_MM.max(SIGNIFICANT * self.stray * self.mean_mm())
    }

    /// Is the wall of a place outside the losses too thin, or not known, so that its loss would go unseen? Its intact thickness then,
    /// or as much as would go unseen.
    fn unseen_mm(&self, row: usize, s: usize) -> Option<f64> {
        if self.patches.label[row][s] > 0 {
            return None;
        }
        match self.pair(row, s) {
            Some((_, intact)) => (intact < THIN * self.least_mm()).then_some(intact),
            None => Some(self.least_mm()),
        }
    }

    fn section(&self, row: usize) -> Option<NeckLoss> {
        let section = self.of(row);
        let known = |s: &usize| self.twin.thickness_mm[row][*s].is_finite();
        let intact: f64 = (0..SECTORS).map(|s| self.areas_mm2(row, s).1).sum();
        let contour: f64 = (0..SECTORS).filter(known).map(|s| section.arc_mm[s]).sum();
        // As far as sectors are known on both sides they stand for all.
        if contour < 0.5 * section.perimeter_mm() || intact <= 0.0 {
            return None;
        }
        let axial = 100.0 * (0..SECTORS).map(|s| self.areas_mm2(row, s).1 * self.loss(row, s)).sum::<f64>() / intact;
        let lost: f64 =
            (0..SECTORS).filter(|s| self.loss(row, *s) > 0.0).map(|s| section.arc_mm[s]).sum::<f64>() / contour;
        Some(NeckLoss {
            axial_percent: self.axial_interval(row, axial, lost, intact),
            circumferential_percent: self.around(row, contour),
            reference_area_mm2: intact * section.perimeter_mm() / contour,
        })
    }

    /// `lost`: part of the contour that lost anything. What walls stray by over a quarter, an arc of another length strays by in proportion; a
    /// short one more, as the square root. Where the wall is lost its own level is not known either: sides differ by that again.
    fn axial_interval(&self, row: usize, axial: f64, lost: f64, intact_mm2: f64) -> Estimate {
        let over = |stray: f64, arc: f64| 100.0 * stray * arc * (0.25 / arc.max(1e-3)).sqrt().max(1.0);
        let reference = REFERENCE * self.stray.hypot(SIDES_STRAY);
        let sd = LEAST_POINTS.hypot(if lost > 0.0 { over(reference, lost) } else { over(self.stray, LEAST_ARC) });
        let section = self.of(row);
        let thin = (0..SECTORS).filter_map(|s| Some(section.area_mm2(s, self.unseen_mm(row, s)?))).sum::<f64>();
        super::assess::percent(axial, axial - SDS * sd, axial + SDS * sd + 100.0 * thin / intact_mm2)
    }

    fn around(&self, row: usize, contour_mm: f64) -> Estimate {
        let section = self.of(row);
        let blur = section.blur_along_mm.iter().sum::<f64>() / SECTORS as f64;
        let loss = |s: usize| self.loss(row, s);
        let arc = |s: usize| if self.twin.thickness_mm[row][s].is_finite() { section.arc_mm[s] } else { 0.0 };
        let above = |depth: f64, blur_mm: f64| {
            100.0 * Circumference { loss: &loss, arc_mm: &arc, blur_mm }.above_mm(depth) / contour_mm
        };
        let value = above(self.depth, SHARP * blur);
        let borders = Circumference { loss: &loss, arc_mm: &arc, blur_mm: 0.0 }.slopes_at(self.depth).len() as f64;
        let off = SDS * REFERENCE * self.stray.hypot(SIDES_STRAY);
        let border = 100.0 * BORDER_SIGMAS * blur * borders.sqrt() / contour_mm;
        let thin: f64 = (0..SECTORS).filter(|s| self.unseen_mm(row, *s).is_some()).map(|s| section.arc_mm[s]).sum();
        let unseen = 100.0 * (thin / section.perimeter_mm() + if borders > 0.0 { 0.0 } else { UNSEEN_MM / contour_mm });
        let low = above((self.depth + off).min(0.95), 0.0).min(value) - border;
        let high = above((self.depth - off).max(0.02), 0.0).max(value) + border + unseen;
        super::assess::percent(value, low, high)
    }

    /// The cells, in order of their rows, as places of the neck.
    fn places(&self, cells: &[(usize, usize)]) -> Vec<NeckCell> {
        let in_row = |cells: &[(usize, usize)]| {
            let row = cells[0].0;
            let healthy: Vec<bool> = self.patches.label[row].iter().map(|label| *label == 0).collect();
            let outline = outline_through(&self.of(row).radius_mm, &self.twin.radius_mm[row], &healthy);
            let cell = |(_, sector): &(usize, usize)| NeckCell {
                section: self.measured[row],
                sector: *sector,
                intact_mm: self.twin.thickness_mm[row][*sector],
                outer_mm: outline[*sector],
            };
            cells.iter().map(cell).collect::<Vec<_>>()
        };
        cells.chunk_by(|a, b| a.0 == b.0).flat_map(in_row).collect()
    }

    fn lesion(&self, n: usize, sections: &[Option<NeckLoss>]) -> NeckLesion {
        let cells: Vec<(usize, usize)> = (0..self.rows())
            .flat_map(|row| (0..SECTORS).map(move |s| (row, s)))
            .filter(|(row, s)| self.patches.label[*row][*s] == n)
            .collect();
        let along = |row: usize| self.of(row).from_head_mm;
        let (first, last) = (cells.first().map_or(0, |c| c.0), cells.last().map_or(0, |c| c.0));
        // The direction of the mean: angles have no mean across the first sector.
        let (mut x, mut y) = (0.0, 0.0);
        for (row, s) in &cells {
            let (sin, cos) = crate::cortex::polar::sector_angle(*s).sin_cos();
            let (seen, intact) = self.areas_mm2(*row, *s);
            (x, y) = (x + cos * (intact - seen).max(0.0), y + sin * (intact - seen).max(0.0));
        }
        let turn = f64::atan2(y, x).rem_euclid(std::f64::consts::TAU) / std::f64::consts::TAU;
        let sector = ((turn * SECTORS as f64) as usize).min(SECTORS - 1);
        let row = (first + last) / 2;
        let section = self.of(row);
        let (sin, cos) = crate::cortex::polar::sector_angle(sector).sin_cos();
        let off = [cos, sin].map(|v| v * section.radius_mm[sector]);
        let worst = |of: fn(&NeckLoss) -> Estimate| {
            let reached = (first..=last).filter_map(|row| sections[self.measured[row]].as_ref()).map(of);
            reached.max_by(|a, b| a.value.total_cmp(&b.value)).unwrap_or_default()
        };
        NeckLesion {
            id: n,
            from_head_mm: [along(first) - 0.5 * SECTION_MM, along(last) + 0.5 * SECTION_MM],
            centre_mm: self
                .neck
                .frame
                .point(section.from_head_mm, [section.centre_mm[0] + off[0], section.centre_mm[1] + off[1]]),
            sector,
            through_the_wall: cells.iter().any(|(row, s)| self.loss(*row, *s) >= 0.99),
            max_axial_percent: worst(|loss| loss.axial_percent),
            max_circumferential_percent: worst(|loss| loss.circumferential_percent),
            cells: self.places(&cells),
        }
    }
}
