//! What was measured of a bone, as voxels: the bone, its cortex, its lesions.
//!
//! The bone is what the periosteal contour encloses in the slices that were measured, and its ends where they came apart from
//! their neighbours. The cortex is the wall from that contour inwards, as thick in each sector as its mass of compact cortex fills: where
//! the wall is gone there is none. A lesion is the place of the intact wall, the reference's, in the sectors that it covers. Of a femoral
//! neck the same holds of its sections across its own axis, of slices beyond the shaft along the normals of their contour.

mod end;
mod neck;

pub use end::EndLesionMask;

use crate::analysis::MeasuredBone;
use crate::cortex::polar::{Direction, in_plane_axes, inner_radius_mm};
use crate::cortex::{CortexSlice, SECTORS};
use crate::volume::{Grid, Region, Run};
use nalgebra::Matrix2;
use rayon::prelude::*;
use std::collections::BTreeSet;

/// One bone's parts on the grid of the volume.
#[derive(Debug, Clone, PartialEq)]
pub struct BoneMasks {
    /// Whether `bone` is all of the bone that the series shows, or the measured part of its shaft alone.
    pub whole: bool,
    pub bone: Region,
    pub cortex: Region,
    /// By the lesion's number within the bone.
    pub lesions: Vec<(usize, Region)>,
    /// Losses of the neck with their numbers; no rule counts them.
    pub neck_lesions: Vec<(usize, Region)>,
    /// Losses in slices beyond the shaft; no rule counts them.
    pub end_lesions: Vec<EndLesionMask>,
}

impl BoneMasks {
    /// All that is lost, of shaft, neck and ends.
    pub fn lost(&self) -> Region {
        let numbered = self.lesions.iter().chain(&self.neck_lesions).map(|(_, lesion)| lesion);
        Region::union(self.bone.size(), numbered.chain(self.end_lesions.iter().map(|lesion| &lesion.region)))
    }
}

/// The masks of a measured bone; all empty where nothing of it was measured.
pub fn bone_masks(grid: &Grid, measured: &MeasuredBone) -> BoneMasks {
    let lesions = measured.lysis.as_ref().map_or(&[][..], |lysis| &lysis.lesions);
    let cells: Vec<BTreeSet<(usize, usize)>> =
        lesions.iter().map(|lesion| lesion.cells.iter().copied().collect()).collect();
    // Per slice of the cortex: its index, and the runs of bone, cortex and each lesion.
    let drawn: Vec<(usize, Vec<Vec<Run>>)> = (0..measured.cortex.slices.len())
        .into_par_iter()
        .filter_map(|row| {
            let section = Wall::of(grid, measured, row)?;
            let covers = |cells: &BTreeSet<(usize, usize)>| -> Vec<bool> {
                (0..SECTORS).map(|s| cells.contains(&(row, s))).collect()
            };
            Some((section.k, section.parts(&cells.iter().map(covers).collect::<Vec<_>>())))
        })
        .collect();
    let region = |part: usize| {
        let mut slices = vec![Vec::new(); grid.size[2]];
        for (k, parts) in &drawn {
            slices[*k] = parts[part].clone();
        }
        Region::from_runs(grid.size, slices)
    };
    let whole = &measured.whole;
    let bone = Region::union(grid.size, [&region(0), &whole.ends]);
    // No slice of it is missing: neither an end that stayed fused nor a section that could not be measured.
    let missing = measured.cortex.slices.iter().any(|section| bone.runs(section.slice_index).is_empty());
    let neck = measured.neck.as_ref().map(|neck| neck::neck_masks(grid, neck));
    let ends = end::end_masks(grid, measured);
    let shaft = region(1);
    let walls = [&shaft, &ends.cortex].into_iter().chain(neck.as_ref().map(|neck| &neck.cortex));
    let cortex = Region::union(grid.size, walls);
    BoneMasks {
        whole: measured.mask.is_none() && !missing && whole.fused == [false; 2],
        bone,
        cortex,
        lesions: lesions.iter().enumerate().map(|(n, lesion)| (lesion.id, region(2 + n))).collect(),
        neck_lesions: neck.map_or_else(Vec::new, |neck| neck.lesions),
        end_lesions: ends.lesions,
    }
}

/// One measured section.
struct Wall<'a> {
    k: usize,
    grid: &'a Grid,
    /// Centre as column and row index.
    centre: [f64; 2],
    /// Patient left and back within the slice plane, in-plane millimetres along columns and rows.
    axes: ([f64; 2], [f64; 2]),
    outer_mm: Vec<f64>,
    standing_mm: Vec<f64>,
    intact_mm: Vec<f64>,
}

impl<'a> Wall<'a> {
    /// `None` where the section was not measured.
    fn of(grid: &'a Grid, measured: &MeasuredBone, row: usize) -> Option<Self> {
        let section: &CortexSlice = measured.cortex.slices.get(row)?;
        let known = |values: &[f32]| values.len() == SECTORS && values.iter().all(|v| v.is_finite());
        let complete = known(&section.periosteal_radius_mm) && known(&section.mass_mm2);
        if section.not_measured.is_some() || !complete || section.slice_index >= grid.size[2] {
            return None;
        }
        let outer_mm: Vec<f64> = section.periosteal_radius_mm.iter().map(|r| f64::from(*r)).collect();
        let inner = |mass: &[f32]| -> Vec<f64> {
            outer_mm.iter().zip(mass).map(|(outer, mass)| inner_radius_mm(*outer, f64::from(mass.max(0.0)))).collect()
        };
        let standing_mm = inner(&section.mass_mm2);
        let reference = measured.lysis.as_ref().and_then(|lysis| lysis.reference.mass_mm2.get(row));
        let intact_mm = reference.filter(|mass| known(mass)).map_or_else(|| standing_mm.clone(), |mass| inner(mass));
        let centre = in_plane_index(grid, section)?;
        Some(Self { k: section.slice_index, grid, centre, axes: in_plane_axes(grid), outer_mm, standing_mm, intact_mm })
    }

    /// The voxels of bone, cortex and each lesion; of a lesion which sectors it covers.
    fn parts(&self, lesions: &[Vec<bool>]) -> Vec<Vec<Run>> {
        let [columns, rows, _] = self.grid.size;
        let spacing = [self.grid.spacing_mm.x, self.grid.spacing_mm.y];
        let reach_mm = self.outer_mm.iter().copied().fold(0.0, f64::max);
        let window = |axis: usize, size: usize| {
            let half = reach_mm / spacing[axis];
            let first = (self.centre[axis] - half).floor().max(0.0) as usize;
            let end = (self.centre[axis] + half).ceil().max(0.0) as usize + 1;
            first..end.min(size)
        };
        let (left, back) = self.axes;
        let mut parts = vec![Vec::new(); 2 + lesions.len()];
        for j in window(1, rows) {
            for i in window(0, columns) {
                let [u, v] = [(i as f64 - self.centre[0]) * spacing[0], (j as f64 - self.centre[1]) * spacing[1]];
                let (x, y) = (u * left[0] + v * left[1], u * back[0] + v * back[1]);
                let mm = x.hypot(y);
                if mm > reach_mm {
                    continue;
                }
                let direction = Direction::new(y.atan2(x));
                if mm > direction.radius(&self.outer_mm) {
                    continue;
                }
                let mut hold = |part: usize| push(&mut parts[part], i, j);
                hold(0);
                if mm > direction.radius(&self.standing_mm) {
                    hold(1);
                }
                if mm > direction.radius(&self.intact_mm) {
                    (0..lesions.len()).filter(|n| lesions[*n][direction.sector]).for_each(|n| hold(2 + n));
                }
            }
        }
        parts
    }
}

/// One voxel more, behind those before it in order of row and column.
fn push(runs: &mut Vec<Run>, i: usize, j: usize) {
    match runs.last_mut() {
        Some(run) if run.j == j && run.last + 1 == i => run.last = i,
        _ => runs.push(Run { j, first: i, last: i }),
    }
}

/// The bone's centre as continuous column and row index of its slice. Within its plane, x and y alone fix it.
fn in_plane_index(grid: &Grid, section: &CortexSlice) -> Option<[f64; 2]> {
    let step = |row: usize, column: usize| grid.directions[(row, column)] * grid.spacing_mm[column];
    let plane = Matrix2::new(step(0, 0), step(0, 1), step(1, 0), step(1, 1));
    let corner = grid.to_patient(nalgebra::Vector3::new(0.0, 0.0, section.slice_index as f64));
    let [x, y] = section.centre_mm;
    let index = plane.try_inverse()? * nalgebra::Vector2::new(x - corner.x, y - corner.y);
    Some([index.x, index.y]).filter(|at| at.iter().all(|v| v.is_finite()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::{Settings, analyze};
    use crate::phantom::presets;

    /// Areas of the masks against those that were measured without voxels.
    #[test]
    fn masks_have_the_areas_that_were_measured() {
        let volume = presets::two_legs().build().volume;
        let grid = &volume.grid;
        let voxel_mm2 = grid.spacing_mm.x * grid.spacing_mm.y;
        let bones = analyze(&volume, &Settings::default());
        let mut lesions = 0;
        for measured in &bones {
            let masks = bone_masks(grid, measured);
            let lysis = measured.lysis.as_ref().expect("measured");
            for (row, section) in measured.cortex.slices.iter().enumerate() {
                let area = |region: &Region| {
                    let runs = region.runs(section.slice_index).iter();
                    runs.map(|run| run.last - run.first + 1).sum::<usize>() as f64 * voxel_mm2
                };
                let (Some(slice), None) = (&lysis.slices[row], section.not_measured) else {
                    assert_eq!(area(&masks.cortex), 0.0);
                    continue;
                };
                let r: Vec<f64> = section.periosteal_radius_mm.iter().map(|r| f64::from(*r)).collect();
                let sine = (std::f64::consts::TAU / SECTORS as f64).sin();
                let enclosed: f64 = (0..SECTORS).map(|s| 0.5 * r[s] * r[(s + 1) % SECTORS] * sine).sum();
                let beyond = measured.whole.ends.runs(section.slice_index).len();
                assert!(
                    beyond > 0 || (area(&masks.bone) / enclosed - 1.0).abs() < 0.03,
                    "{} {enclosed}",
                    area(&masks.bone)
                );
                // Voxels at the edges: half of them too many or too few at most, in practice they even out.
                let off = area(&masks.cortex) / slice.cortical_area_mm2 - 1.0;
                assert!(off.abs() < 0.08, "{off} of {}", slice.cortical_area_mm2);
            }
            for ((id, region), lesion) in masks.lesions.iter().zip(&lysis.lesions) {
                assert_eq!(*id, lesion.id);
                let wall: f64 =
                    lesion.cells.iter().map(|(k, s)| f64::from(lysis.reference.mass_mm2[*k][*s])).sum::<f64>();
                let volume_mm2 = region.len() as f64 * voxel_mm2;
                assert!((volume_mm2 / wall - 1.0).abs() < 0.1, "{volume_mm2} of {wall}");
                lesions += 1;
            }
        }
        assert!(lesions > 0, "a phantom with a lesion");
    }
}
