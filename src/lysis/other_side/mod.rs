//! A wall that is no shaft's, held against the same wall of the other side.
//!
//! Necks and the bone beyond the shaft have no course of their own that would tell what a wall was before; the other side has. It is laid
//! on this one by those who know their shape (`neck`, `end`). What follows is the same for both: its level is brought to this bone's (`level`),
//! and sector by sector the wall's area is held against it. Only connected dips that are deep and large count, so that a healthy section reads exactly 0.
//! The interval comes from how far healthy walls stray from the reference over a quarter of the circumference; its upper end holds all
//! of the wall that is too thin for a loss of it to be told, as the upper wall of most necks is on thick slices.

mod level;

use super::circumference::Circumference;
use super::patches::{Patches, label};
use crate::cortex::SECTORS;
use crate::estimate::Estimate;
pub(super) use level::level;

/// A value by section and sector.
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
/// Quarters of sections that must be whole for the other side to be laid on this one.
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

/// Why there is no loss of a wall that was measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NoOtherSide {
    /// The other side was not measured.
    NotMeasured,
    /// It could not be laid on this one.
    NotRegistered,
    /// Healthy walls differ too much: by this share of the mean thickness.
    TooUnlike(f64),
}

/// The other side as a reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OtherSide {
    /// How far it had to be turned about the axis across the sections and shifted along it.
    pub turn_deg: f64,
    pub shift_mm: f64,
    /// How far healthy walls stray from it over a quarter of the circumference, as a share of the mean thickness.
    pub stray: f64,
}

/// The loss of one section.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WallLoss {
    /// Share of the section's cortical area that is gone, percent.
    pub axial_percent: Estimate,
    /// Share of the contour that lost more than the chosen depth, percent.
    pub circumferential_percent: Estimate,
    /// Cortical area when intact.
    pub reference_area_mm2: f64,
}

/// The wall of a section, sector by sector.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct WallRow {
    /// Across the wall, in space; NaN where what stands there is no wall that could be fitted.
    pub thickness_mm: Vec<f64>,
    /// Where something dense stands that is no wall: the compact cortex that it stands for. NaN elsewhere.
    pub unfitted_mm: Vec<f64>,
    /// Length of the contour.
    pub arc_mm: Vec<f64>,
    /// How much wider than thick the wall is in the section.
    pub lean: Vec<f64>,
    /// Radius of the contour's bend, positive where it bulges.
    pub bend_mm: Vec<f64>,
    /// How far the scanner spreads things along the contour, standard deviation.
    pub blur_along_mm: Vec<f64>,
}

impl WallRow {
    /// Area of wall that a thickness makes in a sector, mm²; the inside of a bend is shorter than its outside.
    fn area_mm2(&self, s: usize, thickness_mm: f64) -> f64 {
        let width_mm = thickness_mm * self.lean[s];
        self.arc_mm[s] * width_mm * (1.0 - 0.5 * (width_mm / self.bend_mm[s]).clamp(-1.0, 1.0))
    }

    /// Length of the contour, mm.
    fn perimeter_mm(&self) -> f64 {
        self.arc_mm.iter().sum()
    }
}

/// What sectors of a row have lost.
#[derive(Debug, Clone, Copy)]
struct Share {
    /// Of the row's wall.
    axial_percent: f64,
    /// Part of the known contour that lost anything.
    lost: f64,
    /// Area of the row's intact wall and length of its contour, as far as both sides are known.
    intact_mm2: f64,
    contour_mm: f64,
}

/// Walls beside their reference.
pub(super) struct Compared {
    rows: Vec<WallRow>,
    /// Intact thickness by row and sector, mm; NaN where the other side tells none.
    intact_mm: Rows,
    /// Distance between rows, mm.
    step_mm: f64,
    patches: Patches,
    /// How far healthy walls stray over a quarter of the circumference, as a share of the mean thickness.
    stray: f64,
    /// Loss (0..1) from which a sector counts as involved.
    depth: f64,
}

impl Compared {
    /// Finds what is lost of `rows` against `intact_mm`. The stray where both differ too much to tell.
    pub fn new(rows: Vec<WallRow>, intact_mm: Rows, step_mm: f64, depth: f64) -> Result<Self, f64> {
        let patches = Patches { label: vec![vec![0; SECTORS]; rows.len()], count: 0 };
        let mut compared = Self { rows, intact_mm, step_mm, patches, stray: 0.0, depth };
        // What healthy walls stray by decides which dips count, and those which walls are healthy: first every dip is left out.
        compared.patches = compared.dips();
        for _ in 0..2 {
            compared.stray = compared.stray_of_healthy();
            compared.patches = compared.dips();
        }
        compared.stray = compared.stray_of_healthy();
        if compared.stray > MOST_STRAY {
            return Err(compared.stray);
        }
        compared.keep_what_is_sure();
        Ok(compared)
    }

    /// Takes back what no section tells and what may be none: of each loss the sections before the first and behind the last whose interval does not
    /// begin at nothing, all of it where there is none, and crumbs. A hole in one side bends its outline, and the whole side that is held against it
    /// would show dips of a few percent; crumbs are what a rim leaves that grew over a place which did not join it.
    fn keep_what_is_sure(&mut self) {
        let told: Vec<bool> = (0..self.rows.len()).map(|row| self.section(row).is_some()).collect();
        self.keep(|_, row| told[row]);
        let sure: Vec<Option<[usize; 2]>> = (0..=self.patches.count)
            .map(|n| {
                let mut rows = (0..self.rows.len()).filter(|row| n > 0 && self.is_sure(*row, n));
                let first = rows.next()?;
                Some([first, rows.next_back().unwrap_or(first)])
            })
            .collect();
        self.keep(|n, row| sure[n].is_some_and(|[first, last]| (first..=last).contains(&row)));
        let large: Vec<bool> =
            (0..=self.patches.count).map(|n| self.surface_mm2(&self.patches, n) >= LEAST_AREA_MM2).collect();
        self.keep(|n, _| large[n]);
    }

    /// Keeps of the losses what is told of a loss and a row.
    fn keep(&mut self, is_kept: impl Fn(usize, usize) -> bool) {
        let kept = |(row, labels): (usize, &Vec<usize>)| labels.iter().map(|n| *n > 0 && is_kept(*n, row)).collect();
        self.patches = label(&self.patches.label.iter().enumerate().map(kept).collect::<Vec<Vec<bool>>>());
    }

    /// Does what a loss alone takes of a row pass what healthy walls stray by there?
    fn is_sure(&self, row: usize, n: usize) -> bool {
        let own = |s: &usize| self.patches.label[row][*s] == n;
        let share = self.share(row, own);
        share.is_some_and(|share| share.lost > 0.0 && self.axial_interval(row, share).low > 0.0)
    }

    /// How far healthy walls stray from the reference over a quarter of the circumference, as a share of the mean thickness.
    pub fn stray(&self) -> f64 {
        self.stray
    }

    /// Numbers of the losses: 1 to this.
    pub fn count(&self) -> usize {
        self.patches.count
    }

    /// Row and sector of the places of a loss, in order.
    pub fn cells(&self, n: usize) -> Vec<(usize, usize)> {
        let all = (0..self.rows.len()).flat_map(|row| (0..SECTORS).map(move |s| (row, s)));
        all.filter(|(row, s)| self.patches.label[*row][*s] == n).collect()
    }

    /// Is a place outside all losses?
    pub fn is_healthy(&self, row: usize, s: usize) -> bool {
        self.patches.label[row][s] == 0
    }

    /// Intact thickness of a place, mm; NaN where the other side tells none.
    pub fn intact_mm(&self, row: usize, s: usize) -> f64 {
        self.intact_mm[row][s]
    }

    /// The losses by row; `None` where the other side does not reach.
    pub fn losses(&self) -> Vec<Option<WallLoss>> {
        (0..self.rows.len()).map(|row| self.section(row)).collect()
    }

    /// The largest of a percentage in the rows that a loss reaches. `losses`: as [`Self::losses`] gives them.
    pub fn worst(&self, n: usize, losses: &[Option<WallLoss>], of: fn(&WallLoss) -> Estimate) -> Estimate {
        let cells = self.cells(n);
        let (first, last) = (cells.first().map_or(0, |c| c.0), cells.last().map_or(0, |c| c.0));
        let reached = losses[first..=last].iter().flatten().map(of);
        reached.max_by(|a, b| a.value.total_cmp(&b.value)).unwrap_or_default()
    }

    /// Direction and size of what is lost, as the sector of its middle: angles have no mean across the first sector.
    pub fn middle_sector(&self, cells: &[(usize, usize)]) -> usize {
        let (mut x, mut y) = (0.0, 0.0);
        for (row, s) in cells {
            let (sin, cos) = crate::cortex::polar::sector_angle(*s).sin_cos();
            let (seen, intact) = self.areas_mm2(*row, *s);
            (x, y) = (x + cos * (intact - seen).max(0.0), y + sin * (intact - seen).max(0.0));
        }
        let turn = f64::atan2(y, x).rem_euclid(std::f64::consts::TAU) / std::f64::consts::TAU;
        ((turn * SECTORS as f64) as usize).min(SECTORS - 1)
    }

    /// Thickness and that of the reference; `None` where either is not known.
    fn pair(&self, row: usize, s: usize) -> Option<(f64, f64)> {
        let (seen, intact) = (self.rows[row].thickness_mm[s], self.intact_mm[row][s]);
        (seen.is_finite() && intact.is_finite()).then_some((seen, intact))
    }

    /// Area of wall that is there and that was, mm²; nothing where the reference is not known. Where something dense is no wall that could
    /// be fitted, at the border of a hole say, it counts within a loss for what it holds, and elsewhere as whole.
    fn areas_mm2(&self, row: usize, s: usize) -> (f64, f64) {
        let (section, intact) = (&self.rows[row], self.intact_mm[row][s]);
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
    pub fn loss(&self, row: usize, s: usize) -> f64 {
        let (seen, intact) = self.areas_mm2(row, s);
        if self.patches.label[row][s] == 0 || intact <= 0.0 { 0.0 } else { (1.0 - seen / intact).clamp(0.0, 1.0) }
    }

    /// Mean thickness of the reference, mm.
    fn mean_mm(&self) -> f64 {
        let cells = (0..self.rows.len()).flat_map(|row| (0..SECTORS).map(move |s| (row, s)));
        let (mut sum, mut count) = (0.0, 0.0);
        for (_, intact) in cells.filter_map(|(row, s)| self.pair(row, s)) {
            (sum, count) = (sum + intact, count + 1.0);
        }
        sum / f64::max(count, 1.0)
    }

    /// Root mean square, over quarters of the circumference in every section, of the mean difference of healthy walls.
    fn stray_of_healthy(&self) -> f64 {
        let (mut sum, mut count) = (0.0, 0.0);
        for row in 0..self.rows.len() {
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
            (0..self.rows.len()).map(|row| (0..SECTORS).map(|s| inside(row, s)).collect()).collect()
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
        let (mut lost_mm, mut cells) = (0.0, 0.0);
        for row in 0..self.rows.len() {
            for s in (0..SECTORS).filter(|s| dips.label[row][*s] == n) {
                let Some((seen, intact)) = self.pair(row, s) else { continue };
                lost_mm += intact - seen;
                cells += 1.0;
            }
        }
        self.surface_mm2(dips, n) >= LEAST_AREA_MM2 && lost_mm / cells > self.least_mm()
    }

    /// Surface of the bone that a patch covers, mm².
    fn surface_mm2(&self, patches: &Patches, n: usize) -> f64 {
        let arc = |row: usize| -> f64 {
            (0..SECTORS).filter(|s| patches.label[row][*s] == n).map(|s| self.rows[row].arc_mm[s]).sum()
        };
        (0..self.rows.len()).map(arc).sum::<f64>() * self.step_mm
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

    fn section(&self, row: usize) -> Option<WallLoss> {
        let share = self.share(row, |_| true)?;
        let contour = share.contour_mm;
        Some(WallLoss {
            axial_percent: self.axial_interval(row, share),
            circumferential_percent: self.around(row, contour),
            reference_area_mm2: share.intact_mm2 * self.rows[row].perimeter_mm() / contour,
        })
    }

    /// What the sectors `of` a row have lost of it; `None` where too little of it is known on both sides.
    fn share(&self, row: usize, of: impl Fn(&usize) -> bool) -> Option<Share> {
        let section = &self.rows[row];
        let known = |s: &usize| self.intact_mm[row][*s].is_finite();
        let intact_mm2: f64 = (0..SECTORS).map(|s| self.areas_mm2(row, s).1).sum();
        let contour_mm: f64 = (0..SECTORS).filter(known).map(|s| section.arc_mm[s]).sum();
        // As far as sectors are known on both sides they stand for all.
        if contour_mm < 0.5 * section.perimeter_mm() || intact_mm2 <= 0.0 {
            return None;
        }
        let (mut gone_mm2, mut lost_mm) = (0.0, 0.0);
        for s in (0..SECTORS).filter(of).filter(|s| self.loss(row, *s) > 0.0) {
            gone_mm2 += self.areas_mm2(row, s).1 * self.loss(row, s);
            lost_mm += section.arc_mm[s];
        }
        Some(Share { axial_percent: 100.0 * gone_mm2 / intact_mm2, lost: lost_mm / contour_mm, intact_mm2, contour_mm })
    }

    /// What walls stray by over a quarter, an arc of another length strays by in proportion; a short one more, as the square root. Where the wall is
    /// lost its own level is not known either: sides differ by that again.
    fn axial_interval(&self, row: usize, share: Share) -> Estimate {
        let Share { axial_percent: axial, lost, intact_mm2, .. } = share;
        let over = |stray: f64, arc: f64| 100.0 * stray * arc * (0.25 / arc.max(1e-3)).sqrt().max(1.0);
        let reference = REFERENCE * self.stray.hypot(SIDES_STRAY);
        let sd = LEAST_POINTS.hypot(if lost > 0.0 { over(reference, lost) } else { over(self.stray, LEAST_ARC) });
        let section = &self.rows[row];
        let thin = (0..SECTORS).filter_map(|s| Some(section.area_mm2(s, self.unseen_mm(row, s)?))).sum::<f64>();
        super::assess::percent(axial, axial - SDS * sd, axial + SDS * sd + 100.0 * thin / intact_mm2)
    }

    fn around(&self, row: usize, contour_mm: f64) -> Estimate {
        let section = &self.rows[row];
        let blur = section.blur_along_mm.iter().sum::<f64>() / SECTORS as f64;
        let loss = |s: usize| self.loss(row, s);
        let arc = |s: usize| if self.intact_mm[row][s].is_finite() { section.arc_mm[s] } else { 0.0 };
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
}
