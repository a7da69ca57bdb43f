//! Slices beyond the shaft as voxels: their wall, and where it is lost.

use crate::analysis::MeasuredBone;
use crate::cortex::end::{Curve, EndSection};
use crate::volume::{Grid, Region, Run};
use rayon::prelude::*;

/// A loss beyond the shaft.
#[derive(Debug, Clone, PartialEq)]
pub struct EndLesionMask {
    /// Whether it lies above the shaft.
    pub is_upper: bool,
    /// The lesion's number within the end.
    pub id: usize,
    pub region: Region,
}

/// The wall that stands in the measured slices, and each loss.
pub(super) struct EndMasks {
    pub cortex: Region,
    pub lesions: Vec<EndLesionMask>,
}

/// The walls of all slices beyond the shaft, and the losses of those that the other side tells.
pub(super) fn end_masks(grid: &Grid, measured: &MeasuredBone) -> EndMasks {
    let lesions: Vec<(usize, usize)> = (0..measured.ends.len())
        .flat_map(|end| (0..measured.ends[end].lysis.lesions.len()).map(move |n| (end, n)))
        .collect();
    let drawn: Vec<(usize, Vec<Vec<Run>>)> = (0..measured.beyond.len())
        .into_par_iter()
        .filter_map(|row| {
            let section = Band::of(measured, row, &lesions)?;
            (section.of.slice_index < grid.size[2]).then(|| (section.of.slice_index, section.parts(grid)))
        })
        .collect();
    let region = |part: usize| {
        let mut slices = vec![Vec::new(); grid.size[2]];
        drawn.iter().for_each(|(k, parts)| slices[*k].clone_from(&parts[part]));
        Region::from_runs(grid.size, slices)
    };
    let mask = |(n, (end, lesion)): (usize, &(usize, usize))| EndLesionMask {
        is_upper: measured.ends[*end].is_upper,
        id: measured.ends[*end].lysis.lesions[*lesion].id,
        region: region(1 + n),
    };
    EndMasks { cortex: region(0), lesions: lesions.iter().enumerate().map(mask).collect() }
}

/// A measured slice with its walls.
struct Band<'a> {
    of: &'a EndSection,
    standing: Layer,
    /// Intact, by lesion; 0 wide at points that it does not cover.
    lost: Vec<Layer>,
}

/// A wall under an outline, by point of it as wide, mm.
struct Layer {
    outline: Curve,
    width_mm: Vec<f64>,
}

impl Layer {
    fn holds(&self, at: [f64; 2]) -> bool {
        let near = self.outline.nearest(at);
        near.is_some_and(|(point, off_mm)| off_mm <= 0.0 && -off_mm < self.width_mm[point])
    }
}

impl<'a> Band<'a> {
    /// `None` where the slice was not measured. `lesions`: indices of end and lesion.
    fn of(measured: &'a MeasuredBone, row: usize, lesions: &[(usize, usize)]) -> Option<Band<'a>> {
        let of = &measured.beyond[row];
        if of.not_measured.is_some() {
            return None;
        }
        let count = of.width_mm.len();
        let mut is_lost = vec![false; count];
        let lost = |(end, lesion): &(usize, usize)| {
            let end = &measured.ends[*end];
            let (cells, first) = (&end.lysis.lesions[*lesion].cells, end.sections.start);
            let usual_mm = mean(cells.iter().map(|cell| cell.intact_mm));
            let mut layer = Layer { outline: of.contour.clone(), width_mm: vec![0.0; count] };
            for cell in cells.iter().filter(|cell| first + cell.section == row) {
                is_lost[cell.sector] = true;
                layer.outline.points[cell.sector] = cell.outer_mm;
                layer.width_mm[cell.sector] = if cell.intact_mm.is_finite() { cell.intact_mm } else { usual_mm };
            }
            layer
        };
        let lost: Vec<Layer> = lesions.iter().map(lost).collect();
        // Where no wall was fitted it counts as the others do on average, as in the section's area; in a loss as what stands there.
        let mean_mm = mean(of.width_mm.iter().copied());
        let standing = |n: usize| match (of.width_mm[n].is_finite(), is_lost[n]) {
            (true, _) => of.width_mm[n],
            (false, false) => mean_mm,
            (false, true) => of.unfitted_mm[n].max(0.0),
        };
        let standing = Layer { outline: of.contour.clone(), width_mm: (0..count).map(standing).collect() };
        Some(Band { of, standing, lost })
    }

    /// The voxels of the wall and of each lesion.
    fn parts(&self, grid: &Grid) -> Vec<Vec<Run>> {
        let spacing = [grid.spacing_mm.x, grid.spacing_mm.y];
        let layers: Vec<&Layer> = std::iter::once(&self.standing).chain(&self.lost).collect();
        let window = |axis: usize| {
            let places = layers.iter().flat_map(|layer| &layer.outline.points).map(|point| point[axis] / spacing[axis]);
            let (low, high) = places.fold((f64::INFINITY, 0.0), |(low, high), at| (low.min(at), at.max(high)));
            low.max(0.0).floor() as usize..(high.ceil() as usize + 1).min(grid.size[axis])
        };
        let (columns, mut parts) = (window(0), vec![Vec::new(); layers.len()]);
        for j in window(1) {
            for i in columns.clone() {
                let at = [i as f64 * spacing[0], j as f64 * spacing[1]];
                for (part, _) in layers.iter().enumerate().filter(|(_, layer)| layer.holds(at)) {
                    super::push(&mut parts[part], i, j);
                }
            }
        }
        parts
    }
}

/// Mean of what is known; NaN where nothing is.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) =
        values.filter(|v| v.is_finite()).fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}
