//! A neck in sections across its own axis, as voxels: its wall, and where it is lost.

use crate::analysis::MeasuredNeck;
use crate::cortex::SECTORS;
use crate::cortex::neck::{NeckSection, SECTION_MM};
use crate::cortex::polar::{Direction, inner_radius_mm};
use crate::lysis::neck::NeckLesion;
use crate::volume::{Grid, Region, Run};
use nalgebra::{Point3, Vector3};
use rayon::prelude::*;

/// The wall that stands in the measured sections, and each loss with its number.
pub(super) struct NeckMasks {
    pub cortex: Region,
    pub lesions: Vec<(usize, Region)>,
}

/// How far outside of what is seen of a contour its intact wall may lie, mm, for the voxels that are looked at.
const SUNKEN_MM: f64 = 8.0;

/// A section is a slab of [`SECTION_MM`] across the neck's axis; a voxel belongs to the one that holds its middle.
pub(super) fn neck_masks(grid: &Grid, measured: &MeasuredNeck) -> NeckMasks {
    let slabs: Vec<Option<Slab>> = (0..measured.neck.sections.len()).map(|n| Slab::of(measured, n)).collect();
    let ids = || measured.lysis.lesions.iter().map(|lesion| lesion.id);
    let parts = 1 + ids().count();
    let Some((low, high)) = bounds(grid, measured, &slabs) else {
        return NeckMasks {
            cortex: Region::union(grid.size, []),
            lesions: ids().map(|id| (id, Region::union(grid.size, []))).collect(),
        };
    };
    let mut drawn: Vec<Vec<Vec<Run>>> = (low[2]..=high[2])
        .into_par_iter()
        .map(|k| {
            let mut runs = vec![Vec::new(); parts];
            for j in low[1]..=high[1] {
                for i in low[0]..=high[0] {
                    let at = grid.to_patient(Vector3::new(i as f64, j as f64, k as f64));
                    draw(measured, &slabs, at, |part| super::push(&mut runs[part], i, j));
                }
            }
            runs
        })
        .collect();
    let mut region = |part: usize| {
        let mut slices = vec![Vec::new(); grid.size[2]];
        drawn.iter_mut().enumerate().for_each(|(n, runs)| slices[low[2] + n] = std::mem::take(&mut runs[part]));
        Region::from_runs(grid.size, slices)
    };
    NeckMasks { cortex: region(0), lesions: ids().enumerate().map(|(n, id)| (id, region(1 + n))).collect() }
}

/// A measured section with its radii by sector, mm.
struct Slab<'a> {
    section: &'a NeckSection,
    /// To the inside of the wall that stands.
    standing_mm: Vec<f64>,
    /// By lesion, to the inside and the outside of the intact wall; `None` in sectors that it does not cover.
    lost_mm: Vec<Vec<Option<[f64; 2]>>>,
}

impl<'a> Slab<'a> {
    /// `None` where the section was not measured.
    fn of(measured: &'a MeasuredNeck, index: usize) -> Option<Slab<'a>> {
        let section = &measured.neck.sections[index];
        if section.not_measured.is_some() || section.radius_mm.iter().any(|r| !r.is_finite()) {
            return None;
        }
        // Where no wall was fitted it counts as the others do on average, as in the section's area.
        let [mean_mm, _] = section.mean_and_low_thickness_mm();
        let thickness = |s: usize| if section.thickness_mm[s].is_finite() { section.thickness_mm[s] } else { mean_mm };
        let inside = |s: usize, mm: f64| inner_radius_mm(section.radius_mm[s], section.area_mm2(s, mm.max(0.0)));
        let lost = |lesion: &NeckLesion| {
            let known: Vec<f64> = lesion.cells.iter().map(|cell| cell.intact_mm).filter(|mm| mm.is_finite()).collect();
            let usual_mm = if known.is_empty() { mean_mm } else { known.iter().sum::<f64>() / known.len() as f64 };
            let mut walls = vec![None; SECTORS];
            for cell in lesion.cells.iter().filter(|cell| cell.section == index) {
                let mm = if cell.intact_mm.is_finite() { cell.intact_mm } else { usual_mm };
                walls[cell.sector] = Some([cell.outer_mm - mm, cell.outer_mm]);
            }
            walls
        };
        Some(Slab {
            section,
            standing_mm: (0..SECTORS).map(|s| inside(s, thickness(s))).collect(),
            lost_mm: measured.lysis.lesions.iter().map(lost).collect(),
        })
    }
}

/// Tells which parts hold a place of the patient.
fn draw(measured: &MeasuredNeck, slabs: &[Option<Slab>], at: Point3<f64>, mut hold: impl FnMut(usize)) {
    let neck = &measured.neck;
    let from = at - neck.frame.head_mm;
    let index = ((from.dot(&neck.frame.axis) - neck.sections[0].from_head_mm) / SECTION_MM).round();
    let Some(Some(slab)) = (index >= 0.0).then(|| slabs.get(index as usize)).flatten() else { return };
    let [x, y] = [from.dot(&neck.frame.front), from.dot(&neck.frame.up)];
    let (x, y) = (x - slab.section.centre_mm[0], y - slab.section.centre_mm[1]);
    let (mm, direction) = (x.hypot(y), Direction::new(y.atan2(x)));
    if mm <= direction.radius(&slab.section.radius_mm) && mm > direction.radius(&slab.standing_mm) {
        hold(0);
    }
    for (n, lost_mm) in slab.lost_mm.iter().enumerate() {
        // A sector is lost as a whole: its neighbours' wall does not count.
        if lost_mm[direction.sector].is_some_and(|[inner, outer]| (inner..=outer).contains(&mm)) {
            hold(1 + n);
        }
    }
}

/// First and last voxel along each axis between which the neck lies; `None` where nothing of it was measured or it lies beside the image.
fn bounds(grid: &Grid, measured: &MeasuredNeck, slabs: &[Option<Slab>]) -> Option<([usize; 3], [usize; 3])> {
    let mut low = Vector3::repeat(f64::INFINITY);
    let mut high = Vector3::repeat(f64::NEG_INFINITY);
    for slab in slabs.iter().flatten() {
        let section = slab.section;
        let reach_mm = section.radius_mm.iter().copied().fold(0.0, f64::max) + SUNKEN_MM;
        let middle = grid.to_index(measured.neck.frame.point(section.from_head_mm, section.centre_mm));
        // Of slices that lean against one another a voxel more in every direction is enough.
        let reach = Vector3::from_fn(|a, _| 1.2 * reach_mm / grid.spacing_mm[a] + 1.0);
        (low, high) = (low.inf(&(middle - reach)), high.sup(&(middle + reach)));
    }
    let last = grid.size.map(|n| n as f64 - 1.0);
    let within = (0..3).all(|a| low[a].is_finite() && low[a] <= last[a] && high[a] >= 0.0);
    within.then(|| {
        let clamp = |v: f64, a: usize| v.clamp(0.0, last[a]) as usize;
        (std::array::from_fn(|a| clamp(low[a].floor(), a)), std::array::from_fn(|a| clamp(high[a].ceil(), a)))
    })
}
