//! Lesions: connected patches whose loss passes the chosen depth, with their extents.

use super::assess::MostLost;
use super::patches::Patches;
use super::{Lesion, LesionType, SliceLysis};
use crate::cortex::polar::sector_angle;
use crate::cortex::{Cortex, SECTORS};
use crate::estimate::Estimate;
use std::collections::BTreeSet;

/// Mean HU of what fills a lesion: below, lytic; between, mixed. (80 patients: lytic 116 ± 40, sclerotic 444 ± 87 HU;
/// Clin Exp Metastasis 2007. The limits between them are this project's.)
const LYTIC_BELOW_HU: f64 = 200.0;
/// Above, blastic.
const BLASTIC_ABOVE_HU: f64 = 400.0;
/// Loss at which a sector counts as gone through the whole wall.
const THROUGH: f32 = 0.99;

/// Slice and sector.
type Cell = (usize, usize);

/// What a bone has lost, slice by sector, and how surely.
pub struct Lost<'a> {
    /// Loss of each cell, 0 to 1.
    pub loss: &'a [Vec<f32>],
    pub patches: &'a Patches,
    /// How far the loss of a cell may be off, 95 %.
    pub shift: &'a dyn Fn(usize, usize) -> f64,
    /// What is lost if lesions near an end of the measured bone run out of it.
    pub most: Option<&'a MostLost>,
}

impl Lost<'_> {
    /// Cells of a patch that lost more than the depth, were all of their losses off by `off` times what they may be.
    fn involved(&self, label: usize, depth: f64, off: f64) -> Vec<Cell> {
        let is_lost = |(k, s): &Cell| {
            let shift = off * (self.shift)(*k, *s);
            self.patches.label[*k][*s] == label && f64::from(self.loss[*k][*s]) + shift > depth
        };
        all_cells(self.loss.len()).filter(is_lost).collect()
    }

    /// Cells that lost more than the depth if a lesion of these cells runs out of the measured bone; none where it does not.
    fn running_out(&self, cells: &[Cell], depth: f64) -> Vec<Cell> {
        let Some(most) = self.most else { return Vec::new() };
        let labels: BTreeSet<usize> =
            cells.iter().map(|(k, s)| most.patches.label[*k][*s]).filter(|l| *l > 0).collect();
        let is_lost =
            |(k, s): &Cell| labels.contains(&most.patches.label[*k][*s]) && f64::from(most.loss[*k][*s]) > depth;
        all_cells(most.loss.len()).filter(is_lost).collect()
    }
}

/// Every slice and sector, in order.
fn all_cells(slices: usize) -> impl Iterator<Item = Cell> {
    (0..slices).flat_map(|k| (0..SECTORS).map(move |s| (k, s)))
}

/// The lesions of a bone, from the lowest slice upwards.
pub fn lesions(cortex: &Cortex, lost: &Lost, slices: &[Option<SliceLysis>], depth: f64) -> Vec<Lesion> {
    let mut out = Vec::new();
    for label in 1..=lost.patches.count {
        let cells = lost.involved(label, depth, 0.0);
        if !cells.is_empty() {
            let [least, most] = [-1.0, 1.0].map(|off| lost.involved(label, depth, off));
            let running_out = lost.running_out(&cells, depth);
            let most: BTreeSet<Cell> = most.into_iter().chain(running_out.iter().copied()).collect();
            let found = Found { cells, least, most: most.into_iter().collect(), running_out };
            out.push(found.describe(out.len() + 1, cortex, lost.loss, slices));
        }
    }
    out
}

/// The cells of a lesion, in order.
struct Found {
    cells: Vec<Cell>,
    /// Those that it has at least, and those that it may have.
    least: Vec<Cell>,
    most: Vec<Cell>,
    /// Those that it has if it runs out of the measured bone; empty where it surely does not.
    running_out: Vec<Cell>,
}

impl Found {
    fn describe(self, id: usize, cortex: &Cortex, loss: &[Vec<f32>], slices: &[Option<SliceLysis>]) -> Lesion {
        let Self { cells, least, most, running_out } = self;
        let (first, last) = (cells[0].0, cells[cells.len() - 1].0);
        // Length along the bone's axis that one slice stands for.
        let step = |k: usize| cortex.slice_spacing_mm / cortex.slices[k].tilt_deg.to_radians().cos().max(0.5);
        let height_of = |cells: &[Cell]| match (cells.first(), cells.last()) {
            (Some(first), Some(last)) => (first.0..=last.0).map(step).sum(),
            _ => 0.0,
        };
        let mean_step = height_of(&cells) / (last - first + 1) as f64;
        // Each end lies somewhere within its slice, and the slices at the ends may or may not belong to it.
        let with_ends = |mm: &dyn Fn(&[Cell]) -> f64| Estimate {
            value: mm(&cells),
            low: (mm(&least) - mean_step).max(0.0),
            high: mm(&most) + mean_step,
        };
        let (axial_extent_mm, height_mm) = (with_ends(&|cells| longest_run(cells, step)), with_ends(&height_of));
        let may_be_worst: BTreeSet<usize> = running_out.iter().map(|(k, _)| *k).collect();
        let worst = |of: fn(&SliceLysis) -> Estimate| {
            let measured = slices[first..=last].iter().flatten().map(of);
            let mut worst = measured.fold(Estimate::default(), |a, b| if b.value > a.value { b } else { a });
            may_be_worst.iter().filter_map(|k| slices[*k].as_ref()).for_each(|slice| worst.reach(of(slice).high));
            worst
        };
        let axial = worst(|s| s.axial_percent);
        Lesion {
            id,
            z_range_mm: [cortex.slices[first].z_mm, cortex.slices[last].z_mm],
            axial_extent_mm,
            height_mm,
            through_the_wall: cells.iter().any(|(k, s)| loss[*k][*s] >= THROUGH),
            max_axial_lysis_percent: axial,
            max_circumferential_lysis_percent: worst(|s| s.circumferential_percent),
            kind: kind(cortex, &cells),
            size_fraction_of_cortex: axial.value / 100.0,
            size_fraction_of_diameter: fraction_of_diameter(cortex, &cells),
            region: None,
            cells,
        }
    }
}

/// Longest unbroken run of lost cells along the bone at one sector, mm.
fn longest_run(cells: &[Cell], step: impl Fn(usize) -> f64) -> f64 {
    let mut best = 0.0f64;
    for s in 0..SECTORS {
        let (mut run, mut previous) = (0.0, None);
        for k in cells.iter().filter(|c| c.1 == s).map(|c| c.0) {
            run = if previous == Some(k.wrapping_sub(1)) { run + step(k) } else { step(k) };
            previous = Some(k);
            best = best.max(run);
        }
    }
    best
}

/// What fills the lesion: the canal behind the lost wall.
fn kind(cortex: &Cortex, cells: &[Cell]) -> LesionType {
    let mut fill: Vec<f64> = cells
        .iter()
        .filter_map(|(k, s)| cortex.slices[*k].canal_hu.get(*s))
        .filter(|v| v.is_finite())
        .map(|v| f64::from(*v))
        .collect();
    match crate::smoothing::median(&mut fill) {
        Some(hu) if hu > BLASTIC_ABOVE_HU => LesionType::Blastic,
        Some(hu) if hu > LYTIC_BELOW_HU => LesionType::Mixed,
        _ => LesionType::Lytic,
    }
}

/// Width of the lesion over the width of the bone, on the worst of twelve views along the bone, as one would measure it
/// on a radiograph.
fn fraction_of_diameter(cortex: &Cortex, cells: &[Cell]) -> f64 {
    let mut worst = 0.0f64;
    let (first, last) = (cells[0].0, cells[cells.len() - 1].0);
    for k in first..=last {
        let radius = &cortex.slices[k].periosteal_radius_mm;
        for view in 0..12 {
            let angle = std::f64::consts::PI * f64::from(view) / 12.0;
            let across = |s: usize| f64::from(radius[s]) * (sector_angle(s) - angle).cos();
            let width = |sectors: &mut dyn Iterator<Item = usize>| {
                let (low, high) = sectors.map(across).fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(v), b.max(v)));
                (high - low).max(0.0)
            };
            let bone = width(&mut (0..SECTORS));
            let lesion = width(&mut cells.iter().filter(|c| c.0 == k).map(|c| c.1));
            if bone > 0.0 && lesion.is_finite() {
                worst = worst.max(lesion / bone);
            }
        }
    }
    worst.min(1.0)
}
