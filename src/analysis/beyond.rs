//! The native slices beyond the shaft of each bone, measured within the bone's own mask.

use crate::anatomy::{Bone, WholeBone};
use crate::cortex::end::{EndPlace, EndSection, measure_end};
use crate::cortex::scanner::Scanner;
use crate::cortex::{Acquisition, Cortex, CortexSlice, NotMeasured, not_measured, slice_thickness_mm};
use crate::volume::{Region, Volume};
use nalgebra::Vector3;

/// The record of a stub, too short for a shaft: its rings and the slices of its end, none of which is measured as a shaft.
pub fn rows_of_stub(volume: &Volume<i16>, bone: &Bone, whole: &WholeBone) -> Cortex {
    let mut cortex = not_measured(volume, &bone.shaft.rings, |_| NotMeasured::NoRing);
    let ring_of = |k: usize| cortex.slices.iter().any(|slice| slice.slice_index == k);
    let (first, last) = whole.ends.span().map_or((1, 0), |span| span);
    let more: Vec<CortexSlice> =
        (first..=last).filter(|k| !ring_of(*k)).filter_map(|k| row_of_end(volume, &whole.ends, k)).collect();
    cortex.slices.extend(more);
    cortex.slices.sort_by_key(|slice| slice.slice_index);
    cortex
}

/// A slice of an end about the middle of its voxels; `None` where there are none.
fn row_of_end(volume: &Volume<i16>, end: &Region, slice_index: usize) -> Option<CortexSlice> {
    let (mut count, mut sum) = (0.0, [0.0; 2]);
    for run in end.runs(slice_index) {
        let voxels = (run.last - run.first + 1) as f64;
        count += voxels;
        sum = [sum[0] + voxels * 0.5 * (run.first + run.last) as f64, sum[1] + voxels * run.j as f64];
    }
    let at = (count > 0.0)
        .then(|| volume.grid.to_patient(Vector3::new(sum[0] / count, sum[1] / count, slice_index as f64)))?;
    Some(CortexSlice {
        slice_index,
        z_mm: at.z,
        centre_mm: [at.x, at.y],
        not_measured: Some(NotMeasured::NoRing),
        ..CortexSlice::default()
    })
}

/// The slices of `cortex` beyond those of the shaft that are measured, `refused` rows not counted (their wall is too thin for a loss to be
/// told), as far as they show the bone's end apart from its neighbours.
pub fn beyond_the_shaft(
    volume: &Volume<i16>,
    (whole, cortex): (&WholeBone, &Cortex),
    refused: &[usize],
    scanner: Scanner,
    acquisition: &Acquisition,
) -> Vec<EndSection> {
    let measured = |row: &usize| cortex.slices[*row].not_measured.is_none() && !refused.contains(row);
    let rows = 0..cortex.slices.len();
    let (first, last) = (rows.clone().find(measured), rows.clone().rev().find(measured));
    // Where the shaft's course, which leads on straight, is cut by the border, the bone need not be.
    let beyond = |row: usize| first.is_none_or(|first| row < first) || last.is_none_or(|last| row > last);
    let wanted: Vec<usize> = rows
        .filter(|row| match cortex.slices[*row].not_measured {
            Some(NotMeasured::NoRing) => true,
            Some(NotMeasured::CutByBorder) => beyond(*row),
            Some(_) => false,
            None => refused.contains(row),
        })
        .map(|row| cortex.slices[row].slice_index)
        .filter(|k| !whole.ends.runs(*k).is_empty())
        .collect();
    let seen = &whole.landmarks;
    let centre =
        ["femoral_head_centre", "humeral_head_centre"].iter().find_map(|name| seen.points_mm.get(name).copied());
    let place = EndPlace {
        bone: &whole.ends,
        scanner,
        slice_thickness_mm: slice_thickness_mm(acquisition, volume.grid.spacing_mm.z),
        head: centre.zip(seen.head_radius_mm),
    };
    measure_end(volume, &place, &wanted)
}
