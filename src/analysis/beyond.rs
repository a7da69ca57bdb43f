//! The native slices beyond the shaft of each bone, measured within the bone's own mask, each end beside that of the other side.

use crate::anatomy::{Bone, WholeBone};
use crate::cortex::end::{EndPlace, EndSection, measure_end};
use crate::cortex::polar::in_plane_axes;
use crate::cortex::scanner::Scanner;
use crate::cortex::{Acquisition, Cortex, CortexSlice, NotMeasured, not_measured, slice_thickness_mm};
use crate::lysis::end::{EndLysis, Slices, assess_end};
use crate::volume::{Grid, Region, Volume};
use nalgebra::{Point3, Vector3};
use std::ops::Range;

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

/// Heads, trochanters and condyles: what tells how high an end lies.
const LANDMARKS: [&str; 5] =
    ["femoral_head_centre", "humeral_head_centre", "lesser_trochanter", "medial_condyle", "lateral_condyle"];

/// The slices beyond one end of the shaft, with what is missing of their wall.
#[derive(Debug, Clone)]
pub struct MeasuredEnd {
    /// Which of the bone's slices beyond the shaft.
    pub sections: Range<usize>,
    /// Above the shaft, towards the head of the patient, or below it.
    pub is_upper: bool,
    /// By section of these.
    pub lysis: EndLysis,
}

/// A bone as its ends are compared.
pub struct EndsOf<'a> {
    pub whole: &'a WholeBone,
    pub cortex: &'a Cortex,
    pub beyond: &'a [EndSection],
}

impl EndsOf<'_> {
    /// The slices below the shaft and those above it. Of a stub, which has none, they lie where its head lies.
    fn parts(&self, grid: &Grid) -> [Range<usize>; 2] {
        let all = self.beyond.len();
        let is_beyond = |k: usize| self.beyond.binary_search_by_key(&k, |section| section.slice_index).is_ok();
        let measured = self.cortex.slices.iter().filter(|slice| slice.not_measured.is_none());
        let shaft: Vec<usize> = measured.map(|slice| slice.slice_index).filter(|k| !is_beyond(*k)).collect();
        if let (Some(first), Some(last)) = (shaft.first(), shaft.last()) {
            let below = self.beyond.partition_point(|section| section.slice_index < *first);
            return [0..below, self.beyond.partition_point(|section| section.slice_index < *last)..all];
        }
        let head = LANDMARKS[..2].iter().find_map(|name| self.whole.landmarks.points_mm.get(*name));
        match (head, self.beyond.get(all / 2)) {
            (Some(head), Some(middle)) if grid.to_index(*head).z >= middle.slice_index as f64 => [0..0, 0..all],
            (Some(_), Some(_)) => [0..all, all..all],
            _ => [0..0, all..all],
        }
    }

    /// The landmark nearest to a slice that both bones show: how much higher the other's lies, mm.
    fn other_higher_mm(&self, other: &Self, z_mm: f64) -> f64 {
        let of = |bone: &Self, name: &str| bone.whole.landmarks.points_mm.get(name).map(|at: &Point3<f64>| at.z);
        let both = LANDMARKS.iter().filter_map(|name| Some((of(self, name)?, of(other, name)?)));
        let nearest = both.min_by(|a, b| (a.0 - z_mm).abs().total_cmp(&(b.0 - z_mm).abs()));
        nearest.map_or(0.0, |(here, there)| there - here)
    }
}

/// What is missing of the ends of a bone of which any wall was measured, against those of the other side.
pub fn measured_ends(
    grid: &Grid,
    this: &EndsOf,
    other: Option<&EndsOf>,
    scanner: Option<Scanner>,
    depth: f64,
) -> Vec<MeasuredEnd> {
    let (left, back) = in_plane_axes(grid);
    let z_mm = |section: &EndSection| grid.to_patient(Vector3::new(0.0, 0.0, section.slice_index as f64)).z;
    let of_part = |(n, part): (usize, Range<usize>)| {
        let sections = &this.beyond[part.clone()];
        let middle = sections.get(sections.len() / 2).filter(|_| sections.iter().any(|s| s.not_measured.is_none()))?;
        let slices = Slices {
            spacing_mm: grid.spacing_mm.z,
            left,
            back,
            other_higher_mm: other.map_or(0.0, |other| this.other_higher_mm(other, z_mm(middle))),
            blur_mm: scanner.map_or(0.0, |scanner| scanner.sigma_mm),
        };
        let there = other.map(|other| &other.beyond[other.parts(grid)[n].clone()]);
        Some(MeasuredEnd { lysis: assess_end(sections, there, &slices, depth), sections: part, is_upper: n == 1 })
    };
    this.parts(grid).into_iter().enumerate().filter_map(of_part).collect()
}
