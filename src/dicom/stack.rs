//! Slices to a stack: sorted by position along their normal, checked for what would bend or tear the bone.

use super::header::Header;
use super::problems::{SeriesFault, SeriesWarning};
use super::series::{Layout, Series, SliceSource};
use crate::volume::{Grid, axial_order, straightened_grid};
use nalgebra::{Matrix3, Point3, Vector3};

/// Slices nearer to one another than this (mm) lie at one position. Well below the thinnest CT reconstruction.
const SAME_POSITION_MM: f64 = 0.02;
/// Largest deviation of a gap from a whole number of spacings, in spacings.
const UNEVEN: f64 = 0.15;
/// Deviation from even spacing worth a word, in spacings.
const JITTER: f64 = 0.05;
/// Angle (degrees) between stacking direction and normal from which on we speak of a tilt.
pub(crate) const TILT_DEGREES: f64 = 0.5;
/// Steeper than any gantry.
pub(crate) const STEEPEST_TILT_DEGREES: f64 = 40.0;
/// Angle (degrees) between slice normal and body axis up to which a series counts as axial.
pub(crate) const AXIAL_DEGREES: f64 = 25.0;

/// Distance (mm) of sagittal or coronal slices up to which they are reordered to axial ones: it becomes the size of
/// their pixels.
pub(crate) const TURNED_SPACING_MM: f64 = 2.5;
/// More than any CT of one patient: 4 GiB as loaded. A damaged or hostile header must not exhaust the memory.
pub(crate) const MOST_VOXELS: u128 = 1 << 31;
/// Of one image: scanners make 512 × 512 to 4096 × 4096. A compressed frame of a hundred bytes could claim any number,
/// and room would be made for it.
pub(crate) const MOST_PIXELS: usize = 1 << 26;

/// The slice normal that points to the head; of sagittal and coronal slices to the left and to the back.
pub(crate) fn stacking_normal(orientation: &[Vector3<f64>; 2]) -> Vector3<f64> {
    let normal = orientation[0].cross(&orientation[1]).normalize();
    if normal[normal.iamax()] < 0.0 { -normal } else { normal }
}

/// Angle between the slice normal and the body axis, degrees, 0 to 90.
pub(crate) fn degrees_off_axial(orientation: &[Vector3<f64>; 2]) -> f64 {
    stacking_normal(orientation).z.abs().min(1.0).acos().to_degrees()
}

/// An image with what the stacking needs of it.
struct Placed<'a> {
    header: &'a Header,
    position: Vector3<f64>,
    /// Distance along the normal, mm.
    along: f64,
}

/// True where two of the images lie at one position.
pub(crate) fn overlaps(headers: &[Header]) -> bool {
    let Some(orientation) = headers.first().and_then(|h| h.orientation) else { return false };
    let normal = stacking_normal(&orientation);
    let mut along: Vec<f64> = headers.iter().filter_map(|h| Some(normal.dot(&h.position?))).collect();
    along.sort_by(f64::total_cmp);
    along.windows(2).any(|w| w[1] - w[0] < SAME_POSITION_MM)
}

/// Sorts and checks the images of one group. They share orientation, spacing and size, and all have a position;
/// `None` if there is none of these.
pub(crate) fn stack(headers: &[Header]) -> Option<Series> {
    let first = headers.first()?;
    let (orientation, spacing) = (first.orientation?, first.spacing?);
    let normal = stacking_normal(&orientation);
    let mut warnings = Vec::new();

    let mut images: Vec<Placed> = headers
        .iter()
        .filter_map(|header| {
            let position = header.position?;
            Some(Placed { header, position, along: normal.dot(&position) })
        })
        .collect();
    let order = |h: &Header| (h.instance_number.unwrap_or(i64::MAX), h.sop_instance_uid.clone(), h.path.clone());
    images.sort_by(|a, b| a.along.total_cmp(&b.along).then_with(|| order(a.header).cmp(&order(b.header))));
    let given = images.len();
    let images = one_a_position(images, &mut warnings);

    let lowest = images.first()?;
    let gaps: Vec<f64> = images.windows(2).map(|w| w[1].along - w[0].along).collect();
    let mut faults = Vec::new();
    let indices = if gaps.is_empty() {
        faults.push(if given > 1 { SeriesFault::OnePosition { images: given } } else { SeriesFault::SingleSlice });
        vec![0]
    } else {
        place(&images, &gaps).unwrap_or_else(|fault| {
            faults.push(fault);
            (0..images.len()).collect()
        })
    };

    let last = &images[images.len() - 1];
    let size = indices[indices.len() - 1] + 1;
    let step = match size {
        1 => normal * first.series.slice_thickness_mm.filter(|t| *t > 0.0).unwrap_or(1.0),
        n => (last.position - lowest.position) / (n - 1) as f64,
    };
    let tilt = (step.dot(&normal) / step.norm()).clamp(-1.0, 1.0).acos().to_degrees();
    if faults.is_empty() {
        check_line(&images, &indices, step, normal, spacing, &mut warnings, &mut faults);
        if tilt > STEEPEST_TILT_DEGREES {
            faults.push(SeriesFault::SteepTilt { degrees: tilt });
        } else if tilt > TILT_DEGREES {
            warnings.push(SeriesWarning::GantryTilt { degrees: tilt });
        }
    }

    let stored = Grid {
        size: [first.columns, first.rows, size],
        origin_mm: Point3::from(lowest.position),
        directions: Matrix3::from_columns(&[orientation[0], orientation[1], step.normalize()]),
        spacing_mm: Vector3::new(spacing[0], spacing[1], step.norm()),
    };
    let mut slices = vec![None; size];
    for (image, k) in images.iter().zip(&indices) {
        slices[*k] = Some(source_of(image.header));
    }
    let missing: Vec<f64> =
        (0..size).filter(|k| slices[*k].is_none()).map(|k| (lowest.position + step * k as f64).z).collect();
    if !missing.is_empty() {
        warnings.push(SeriesWarning::MissingSlices { z_mm: missing });
    }
    pixel_warnings(&images, &mut warnings);
    let straighten = tilt > TILT_DEGREES && faults.is_empty();
    let turn = lies_across(&orientation, step.norm(), &mut warnings, &mut faults);
    let (mut grid, mut layout, mut sources) = (stored.clone(), Layout::Stacked, slices.clone());
    if straighten {
        grid = straightened_grid(&grid);
    }
    if turn {
        grid = axial_order(&grid).grid(&grid);
        sources = vec![None; grid.size[2]];
    }
    if straighten || turn {
        layout = Layout::Rearranged { stored, images: slices, straighten, turn };
    }
    let voxels = grid.size.iter().map(|n| *n as u128).product();
    if voxels > MOST_VOXELS || lowest.header.rows * lowest.header.columns > MOST_PIXELS {
        faults.push(SeriesFault::TooLarge { voxels });
    }
    Some(Series { header: lowest.header.series.clone(), grid, slices: sources, layout, warnings, faults })
}

/// True where the slices are sagittal or coronal and near enough to one another to be reordered to axial ones.
fn lies_across(
    orientation: &[Vector3<f64>; 2],
    spacing_mm: f64,
    warnings: &mut Vec<SeriesWarning>,
    faults: &mut Vec<SeriesFault>,
) -> bool {
    let degrees = degrees_off_axial(orientation);
    if degrees <= AXIAL_DEGREES {
        return false;
    }
    let along_body = orientation[0].z.abs().max(orientation[1].z.abs());
    if along_body < AXIAL_DEGREES.to_radians().cos() {
        faults.push(SeriesFault::Oblique { degrees });
        return false;
    }
    if spacing_mm > TURNED_SPACING_MM {
        faults.push(SeriesFault::CoarseReformat { spacing_mm });
        return false;
    }
    let plane = if stacking_normal(orientation).iamax() == 0 { "sagittal" } else { "coronal" };
    warnings.push(SeriesWarning::Turned { plane });
    true
}

/// Where the pixels of an image are.
pub(crate) fn source_of(header: &Header) -> SliceSource {
    SliceSource {
        path: header.path.clone(),
        packed: header.packed.clone(),
        frame: header.frame,
        frames: usize::try_from(header.frames).unwrap_or(1),
        sop_instance_uid: header.sop_instance_uid.clone(),
        instance_number: header.instance_number,
        stored: header.stored.clone(),
        pixels: header.pixels,
    }
}

/// Keeps the first image of each position (they come sorted) and says what was left out.
fn one_a_position<'a>(images: Vec<Placed<'a>>, warnings: &mut Vec<SeriesWarning>) -> Vec<Placed<'a>> {
    let mut kept: Vec<Placed> = Vec::with_capacity(images.len());
    let (mut copies, mut dropped, mut z_mm) = (0, 0, Vec::new());
    let mut at = 0;
    while at < images.len() {
        let end = at + images[at..].iter().take_while(|i| i.along - images[at].along < SAME_POSITION_MM).count();
        let Some(best) = (at..end).min_by_key(|i| {
            let h = images[*i].header;
            (h.instance_number.unwrap_or(i64::MAX), h.sop_instance_uid.clone(), h.path.clone())
        }) else {
            break;
        };
        let keep = &images[best];
        let uid = &keep.header.sop_instance_uid;
        let same = (at..end)
            .filter(|i| *i != best && !uid.is_empty() && images[*i].header.sop_instance_uid == *uid)
            // Frames of one object at one position are phases or the like, not copies.
            .filter(|i| images[*i].header.frame == keep.header.frame);
        let same = same.count();
        copies += same;
        if end - at - 1 > same {
            dropped += end - at - 1 - same;
            z_mm.push(keep.position.z);
        }
        kept.push(Placed { header: keep.header, position: keep.position, along: keep.along });
        at = end;
    }
    if copies > 0 {
        warnings.push(SeriesWarning::CopiedFiles { dropped: copies });
    }
    if dropped > 0 {
        warnings.push(SeriesWarning::DuplicatePositions { dropped, z_mm });
    }
    kept
}

/// Slice index of each image, leaving holes where slices are missing. The fault where the spacing is uneven.
fn place(images: &[Placed], gaps: &[f64]) -> Result<Vec<usize>, SeriesFault> {
    let mut sorted = gaps.to_vec();
    sorted.sort_by(f64::total_cmp);
    // The lower median: of one true gap and one doubled gap, the true one.
    let usual_mm = sorted[(sorted.len() - 1) / 2];
    let steps: Vec<f64> = gaps.iter().map(|gap| (gap / usual_mm).round()).collect();
    let uneven = gaps.iter().zip(&steps).zip(images);
    let uneven = uneven.filter(|((gap, steps), _)| **steps < 1.0 || (**gap / usual_mm - **steps).abs() > UNEVEN);
    let gaps_mm: Vec<(f64, f64)> = uneven.map(|((gap, _), image)| (image.position.z, *gap)).collect();
    if !gaps_mm.is_empty() {
        return Err(SeriesFault::UnevenSpacing { gaps_mm, usual_mm });
    }
    let positions = steps.iter().sum::<f64>() + 1.0;
    // More holes than half the images is not a series with missing slices but two series or a selection of one.
    if positions > 1.5 * images.len() as f64 {
        return Err(SeriesFault::TooManyMissing {
            images: images.len(),
            positions: positions as usize,
            spacing_mm: usual_mm,
        });
    }
    let mut at = 0;
    let following = steps.iter().map(|steps| {
        at += *steps as usize;
        at
    });
    Ok([0].into_iter().chain(following).collect())
}

/// Checks that the slices lie on one straight, evenly spaced line; each kind of deviation is said once, at its worst.
fn check_line(
    images: &[Placed],
    indices: &[usize],
    step: Vector3<f64>,
    normal: Vector3<f64>,
    spacing: [f64; 2],
    warnings: &mut Vec<SeriesWarning>,
    faults: &mut Vec<SeriesFault>,
) {
    let step_along = step.dot(&normal);
    let (mut drift, mut shift) = ((0.0, 0.0), (0.0, 0.0));
    for (image, k) in images.iter().zip(indices) {
        let off = image.position - (images[0].position + step * *k as f64);
        let along = off.dot(&normal);
        let sideways = (off - normal * along).norm();
        if along.abs() > drift.0 {
            drift = (along.abs(), image.position.z);
        }
        if sideways > shift.0 {
            shift = (sideways, image.position.z);
        }
    }
    if drift.0 > UNEVEN * step_along {
        faults.push(SeriesFault::DriftingSpacing { mm: drift.0, z_mm: drift.1 });
    } else if drift.0 > JITTER * step_along {
        warnings.push(SeriesWarning::PositionJitter { mm: drift.0 });
    }
    if shift.0 > spacing[0].max(spacing[1]) {
        faults.push(SeriesFault::NotInLine { mm: shift.0, z_mm: shift.1 });
    }
}

/// What the headers say of the pixels that a user should know, each once.
fn pixel_warnings(images: &[Placed], warnings: &mut Vec<SeriesWarning>) {
    let slices = images.iter().filter(|i| i.header.rescale_missing).count();
    if slices > 0 {
        warnings.push(SeriesWarning::NoRescale { slices });
    }
    let unit = images.iter().map(|i| i.header.rescale_type.as_str()).find(|u| !matches!(*u, "" | "HU" | "US"));
    if let Some(unit) = unit {
        warnings.push(SeriesWarning::NotHounsfield { unit: unit.to_string() });
    }
    if let Some(hu) = images.iter().find_map(|i| i.header.padding_ignored_hu) {
        warnings.push(SeriesWarning::PaddingIgnored { hu });
    }
    if images.iter().any(|i| i.header.lossy) {
        warnings.push(SeriesWarning::LossyCompression);
    }
}
