//! RTSTRUCT: outlines drawn on the slices of a CT (PS3.3, A.19 and C.8.8.6), to voxels.
//!
//! # What a voxel belongs to
//! Of each plane, a voxel is inside where its centre is inside an odd number of that plane's closed contours: several
//! pieces, holes as inner contours and keyholes (a contour that runs in along a seam and out again) all come out right.
//! A contour that stands twice counts once.
//!
//! Each drawn plane stands for half the distance to its neighbours, so that contours on every second slice, or drawn
//! on another reconstruction, make no gaps. Where planes lie more than one and a half times their usual distance apart
//! nothing was drawn between them, and nothing is filled.
//!
//! Which images the contours name does not matter: the frame of reference and the coordinates say where they lie.

use super::header::DataSet;
use super::nested::{Part, character_set};
use crate::smoothing::median;
use crate::volume::{Grid, Region, Run};
use dicom_dictionary_std::tags;
use nalgebra::{Point3, Vector3};
use std::collections::BTreeSet;

/// A contour may leave its plane by this much, mm.
const OUT_OF_PLANE_MM: f64 = 0.5;
/// Contours nearer to one another than this along the normal lie in one plane, mm.
const ONE_PLANE_MM: f64 = 0.05;
/// Planes this much further apart than usual have nothing between them.
const GAP: f64 = 1.5;
/// Nobody outlines a bone or a tumour in steps longer than this, mm: planes further apart stand for their slice alone.
const LONGEST_STEP_MM: f64 = 20.0;

/// One region of an RTSTRUCT.
#[derive(Debug, Clone, Default)]
pub(crate) struct Roi {
    pub number: i64,
    pub name: String,
    /// RT ROI Interpreted Type: `GTV`, `ORGAN`, …; empty where it does not say.
    pub interpreted_type: String,
    /// Empty where it does not say.
    pub frame_of_reference_uid: String,
    /// Frames of reference that the object lists, of which that one must be.
    pub listed_frames: Vec<String>,
    pub contours: Vec<Contour>,
    /// Points and open lines, which enclose nothing.
    pub open: usize,
}

/// A closed contour.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Contour {
    /// Corners, patient mm.
    pub points_mm: Vec<[f64; 3]>,
    /// The image it was drawn on; empty where it does not say.
    pub image_uid: String,
}

/// All regions of a file, in its order; without `contours` their names alone.
///
/// # Errors
/// Where it breaks off, or holds what is no contour.
pub(crate) fn read(data: &DataSet, contours: impl Fn(&Roi) -> bool) -> Result<Vec<Roi>, String> {
    let text_in = character_set(data);
    let whole = Part::whole(data, &text_in);
    let listed = whole.items(tags::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE)?;
    let listed: Vec<String> = listed.iter().map(|item| item.text(tags::FRAME_OF_REFERENCE_UID)).collect();
    let mut rois: Vec<Roi> = whole
        .items(tags::STRUCTURE_SET_ROI_SEQUENCE)?
        .iter()
        .map(|item| Roi {
            number: item.integer(tags::ROI_NUMBER).unwrap_or(-1),
            name: item.text(tags::ROI_NAME),
            frame_of_reference_uid: item.text(tags::REFERENCED_FRAME_OF_REFERENCE_UID),
            listed_frames: listed.clone(),
            ..Roi::default()
        })
        .collect();
    for item in whole.items(tags::RTROI_OBSERVATIONS_SEQUENCE)? {
        let number = item.integer(tags::REFERENCED_ROI_NUMBER);
        if let Some(roi) = rois.iter_mut().find(|roi| Some(roi.number) == number) {
            roi.interpreted_type = item.text(tags::RTROI_INTERPRETED_TYPE);
        }
    }
    for item in whole.items(tags::ROI_CONTOUR_SEQUENCE)? {
        let number = item.integer(tags::REFERENCED_ROI_NUMBER);
        let wanted = rois.iter_mut().find(|roi| Some(roi.number) == number).filter(|roi| contours(roi));
        let Some(roi) = wanted else { continue };
        for contour in item.items(tags::CONTOUR_SEQUENCE)? {
            match contour.text(tags::CONTOUR_GEOMETRIC_TYPE).to_uppercase().as_str() {
                // XOR says of itself what is done with all.
                "CLOSED_PLANAR" | "CLOSEDPLANAR_XOR" => roi.contours.push(Contour {
                    points_mm: points(&contour.text(tags::CONTOUR_DATA))
                        .map_err(|why| format!("contour {} of {:?}: {why}", roi.contours.len() + 1, roi.name))?,
                    image_uid: contour
                        .items(tags::CONTOUR_IMAGE_SEQUENCE)?
                        .first()
                        .map_or(String::new(), |image| image.text(tags::REFERENCED_SOP_INSTANCE_UID)),
                }),
                _ => roi.open += 1,
            }
        }
    }
    Ok(rois)
}

fn points(text: &str) -> Result<Vec<[f64; 3]>, String> {
    let number = |part: &str| part.trim().parse().ok().filter(|v: &f64| v.is_finite() && v.abs() < 1e5);
    let numbers: Option<Vec<f64>> = text.split('\\').filter(|part| !part.trim().is_empty()).map(number).collect();
    let numbers = numbers.ok_or("its coordinates are no numbers")?;
    if numbers.len() % 3 != 0 {
        return Err(format!("{} numbers are no points of three coordinates", numbers.len()));
    }
    Ok(numbers.chunks_exact(3).map(|p| [p[0], p[1], p[2]]).collect())
}

/// What became of contours.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Drawn {
    pub region: Region,
    /// What the user should know, as clauses.
    pub notes: Vec<String>,
}

/// The contours of one plane.
struct Plane<'a> {
    /// Place along the slices, as a continuous slice index.
    k: f64,
    contours: Vec<&'a Contour>,
}

/// The voxels within the contours of a region, on the slices of a CT as they are stored. `images` are the UIDs of its
/// slices.
///
/// # Errors
/// No closed contour; contours that do not lie in the planes of the slices.
pub(crate) fn draw(roi: &Roi, grid: &Grid, images: &BTreeSet<&str>) -> Result<Drawn, String> {
    let mut notes = Vec::new();
    if roi.open > 0 {
        notes.push(format!("{} points or open lines in it enclose nothing and were left out", roi.open));
    }
    let mut contours: Vec<&Contour> = roi.contours.iter().filter(|contour| contour.points_mm.len() >= 3).collect();
    let drawn = contours.len();
    if drawn == 0 {
        return Err(format!("{:?} has no closed contour", roi.name));
    }
    // Exporters repeat contours; twice the same would cancel out.
    let mut seen = BTreeSet::new();
    contours.retain(|c| seen.insert(c.points_mm.iter().flatten().map(|v| v.to_bits()).collect::<Vec<u64>>()));
    if contours.len() < drawn {
        notes.push(format!("{} contours that stand twice were counted once", drawn - contours.len()));
    }
    let foreign = contours.iter().filter(|c| !c.image_uid.is_empty() && !images.contains(c.image_uid.as_str())).count();
    if foreign > 0 && !images.is_empty() {
        notes.push(format!(
            "{foreign} of {} contours name images that are not in this series; placed by their coordinates",
            contours.len()
        ));
    }
    let planes = planes(&contours, grid).map_err(|mm| {
        format!("the contours of {:?} do not lie in the slices of the CT: up to {mm:.1} mm off their plane", roi.name)
    })?;
    let along_mm = slice_step_mm(grid);
    let [lowest, highest] = [planes[0].k, planes[planes.len() - 1].k];
    if highest < -0.5 || lowest > grid.size[2] as f64 - 0.5 {
        notes.push("all of it lies beyond the slices of the CT".into());
    } else if lowest < -0.5 || highest > grid.size[2] as f64 - 0.5 {
        notes.push("part of it lies beyond the slices of the CT".into());
    }
    let mut gaps: Vec<f64> = planes.windows(2).map(|w| w[1].k - w[0].k).collect();
    let usual = median(&mut gaps).filter(|gap| gap * along_mm <= LONGEST_STEP_MM).unwrap_or(1.0);
    if usual > 1.1 {
        notes.push(format!(
            "drawn every {:.1} mm, the slices are {along_mm:.1} mm apart: each contour stands for the slices nearest to it",
            usual * along_mm
        ));
    }
    let mut slices = vec![Vec::new(); grid.size[2]];
    for (k, runs) in slices.iter_mut().enumerate() {
        if let Some(plane) = plane_of(&planes, k as f64, usual) {
            *runs = fill(&plane.contours, grid);
        }
    }
    Ok(Drawn { region: Region::from_runs(grid.size, slices), notes })
}

/// Distance from slice to slice along their normal, mm.
fn slice_step_mm(grid: &Grid) -> f64 {
    let normal = grid.directions.column(0).cross(&grid.directions.column(1)).normalize();
    normal.dot(&grid.directions.column(2)).abs() * grid.spacing_mm.z
}

/// The contours by plane, lowest first; never none. How far (mm) a contour leaves its plane where it does by too much.
fn planes<'a>(contours: &[&'a Contour], grid: &Grid) -> Result<Vec<Plane<'a>>, f64> {
    let step_mm = slice_step_mm(grid);
    let mut placed: Vec<(f64, &Contour)> = Vec::new();
    let mut worst = 0.0f64;
    for contour in contours {
        let along = contour.points_mm.iter().map(|p| grid.to_index(Point3::from(*p)).z);
        let (low, high) = along.fold((f64::MAX, f64::MIN), |(low, high), k| (low.min(k), high.max(k)));
        worst = worst.max(0.5 * (high - low) * step_mm);
        placed.push((0.5 * (low + high), contour));
    }
    if worst > OUT_OF_PLANE_MM {
        return Err(worst);
    }
    placed.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut planes: Vec<Plane> = Vec::new();
    for (k, contour) in placed {
        match planes.last_mut() {
            Some(plane) if (k - plane.k) * step_mm < ONE_PLANE_MM => plane.contours.push(contour),
            _ => planes.push(Plane { k, contours: vec![contour] }),
        }
    }
    Ok(planes)
}

/// The plane that stands for slice `k`: the nearest, if the slice lies within half the way to its neighbours. Each
/// stands from the lower half way, included, to the upper, so that no slice counts twice.
fn plane_of<'a, 'b>(planes: &'a [Plane<'b>], k: f64, usual: f64) -> Option<&'a Plane<'b>> {
    // Coordinates are rounded to some digits: a slice on the border must not depend on the last of them.
    let k = k + 1e-3;
    let above = planes.partition_point(|plane| plane.k <= k);
    // At least half a slice: contours drawn closer than the slices still make one.
    let reach = 0.5 * usual.max(1.0);
    let (below, above) = (above.checked_sub(1).map(|n| &planes[n]), planes.get(above));
    match (below, above) {
        (Some(below), Some(above)) => {
            let gap = above.k - below.k;
            let reach = if gap <= GAP * usual { reach.max(0.5 * gap) } else { reach };
            if above.k - k <= reach && above.k - k <= k - below.k {
                Some(above)
            } else {
                (k - below.k < reach).then_some(below)
            }
        }
        (Some(below), None) => (k - below.k < reach).then_some(below),
        (None, Some(above)) => (above.k - k <= reach).then_some(above),
        (None, None) => None,
    }
}

/// The voxels of one slice whose centre lies inside an odd number of contours.
fn fill(contours: &[&Contour], grid: &Grid) -> Vec<Run> {
    let [columns, rows, _] = grid.size;
    let mut crossings: Vec<Vec<f64>> = vec![Vec::new(); rows];
    for contour in contours {
        let corners: Vec<Vector3<f64>> = contour.points_mm.iter().map(|p| grid.to_index(Point3::from(*p))).collect();
        for (n, a) in corners.iter().enumerate() {
            let b = &corners[(n + 1) % corners.len()];
            let (low, high) = if a.y <= b.y { (a, b) } else { (b, a) };
            // Lower end included, upper not: a corner on a row is crossed once by its two edges, or not at all.
            let first = low.y.ceil().max(0.0);
            let mut j = first as usize;
            while j < rows && (j as f64) < high.y {
                crossings[j].push(low.x + (high.x - low.x) * (j as f64 - low.y) / (high.y - low.y));
                j += 1;
            }
        }
    }
    let mut runs = Vec::new();
    for (j, row) in crossings.iter_mut().enumerate() {
        row.sort_by(f64::total_cmp);
        for pair in row.chunks_exact(2) {
            let (first, end) = (pair[0].ceil().max(0.0), pair[1].ceil().min(columns as f64));
            if first < end {
                runs.push(Run { j, first: first as usize, last: end as usize - 1 });
            }
        }
    }
    runs
}

#[cfg(test)]
#[path = "rtstruct_tests.rs"]
mod tests;
