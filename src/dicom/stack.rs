//! Slices to a stack: sorted by position along their normal, checked for what would bend or tear the bone.

use super::header::Header;
use super::series::{Series, SeriesWarning, SliceSource, count};
use crate::volume::Grid;
use nalgebra::{Matrix3, Point3, Vector3};

/// Slices nearer to one another than this (mm) lie at one position. Well below the thinnest CT reconstruction.
const SAME_POSITION_MM: f64 = 0.02;
/// Largest deviation of a gap from a whole number of spacings, in spacings.
const UNEVEN: f64 = 0.15;
/// Deviation from even spacing worth a word, in spacings.
const JITTER: f64 = 0.05;
/// Angle (degrees) between stacking direction and normal from which on we speak of a tilt.
const TILT_DEGREES: f64 = 0.5;
/// Angle (degrees) between slice normal and body axis up to which a series counts as axial.
const AXIAL_DEGREES: f64 = 25.0;

/// The slice normal that points to the head.
pub(crate) fn normal_to_head(orientation: &[Vector3<f64>; 2]) -> Vector3<f64> {
    let normal = orientation[0].cross(&orientation[1]).normalize();
    if normal.z < 0.0 { -normal } else { normal }
}

/// Angle between the slice normal and the body axis, degrees, 0 to 90.
pub(crate) fn degrees_off_axial(orientation: &[Vector3<f64>; 2]) -> f64 {
    normal_to_head(orientation).z.min(1.0).acos().to_degrees()
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
    let normal = normal_to_head(&orientation);
    let mut along: Vec<f64> = headers.iter().filter_map(|h| Some(normal.dot(&h.position?))).collect();
    along.sort_by(f64::total_cmp);
    along.windows(2).any(|w| w[1] - w[0] < SAME_POSITION_MM)
}

/// Sorts and checks the images of one group. They share orientation, spacing and size, and all have a position;
/// `None` if there is none of these.
pub(crate) fn stack(headers: &[Header]) -> Option<Series> {
    let first = headers.first()?;
    let (orientation, spacing) = (first.orientation?, first.spacing?);
    let normal = normal_to_head(&orientation);
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
    let mut unusable = (degrees_off_axial(&orientation) > AXIAL_DEGREES).then(|| {
        format!(
            "its slices are {:.0} degrees off the axial plane\nhint: give the axial images of this scan",
            degrees_off_axial(&orientation)
        )
    });
    let indices = if gaps.is_empty() {
        let why = if given > 1 { format!("all {given} images lie at one position") } else { "a single slice".into() };
        unusable.get_or_insert(format!("{why}: no bone can be followed\nhint: give the folder with the whole series"));
        vec![0]
    } else {
        match place(&images, &gaps) {
            Ok(indices) => indices,
            Err(why) => {
                unusable.get_or_insert(why);
                (0..images.len()).collect()
            }
        }
    };

    let last = &images[images.len() - 1];
    let size = indices[indices.len() - 1] + 1;
    let step = match size {
        1 => normal * first.series.slice_thickness_mm.filter(|t| *t > 0.0).unwrap_or(1.0),
        n => (last.position - lowest.position) / (n - 1) as f64,
    };
    if unusable.is_none() {
        unusable = check_line(&images, &indices, step, normal, spacing, &mut warnings);
    }

    let grid = Grid {
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
    Some(Series { header: lowest.header.series.clone(), grid, slices, warnings, unusable })
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

/// Slice index of each image, leaving holes where slices are missing. The reason where the spacing is uneven.
fn place(images: &[Placed], gaps: &[f64]) -> Result<Vec<usize>, String> {
    let mut sorted = gaps.to_vec();
    sorted.sort_by(f64::total_cmp);
    // The lower median: of one true gap and one doubled gap, the true one.
    let usual = sorted[(sorted.len() - 1) / 2];
    let mut indices = vec![0];
    let mut at = 0.0;
    for (i, gap) in gaps.iter().enumerate() {
        let steps = (gap / usual).round();
        if steps < 1.0 || (gap / usual - steps).abs() > UNEVEN {
            return Err(format!(
                "uneven slice spacing: {gap:.2} mm at z = {:.1} mm, {usual:.2} mm elsewhere\n\
                 hint: reconstruct with an even slice interval, or give only the files of one evenly spaced part",
                images[i].position.z
            ));
        }
        at += steps;
        // More holes than half the images is not a series with missing slices but two series or a selection of one.
        if at + 1.0 > 1.5 * images.len() as f64 {
            return Err(format!(
                "{} in {:.0} positions {usual:.2} mm apart: too many are missing\n\
                 hint: export the whole series again, or give only the files of one unbroken part",
                count(images.len(), "slice"),
                ((images[images.len() - 1].along - images[0].along) / usual).round() + 1.0
            ));
        }
        indices.push(at as usize);
    }
    Ok(indices)
}

/// Checks that the slices lie on one straight, evenly spaced line; warns of tilt and jitter.
fn check_line(
    images: &[Placed],
    indices: &[usize],
    step: Vector3<f64>,
    normal: Vector3<f64>,
    spacing: [f64; 2],
    warnings: &mut Vec<SeriesWarning>,
) -> Option<String> {
    let step_along = step.dot(&normal);
    let mut jitter: f64 = 0.0;
    for (image, k) in images.iter().zip(indices) {
        let off = image.position - (images[0].position + step * *k as f64);
        let along = off.dot(&normal);
        let sideways = (off - normal * along).norm();
        let z = image.position.z;
        if along.abs() > UNEVEN * step_along {
            return Some(format!(
                "slice spacing drifts: {:.2} mm off an even spacing at z = {z:.1} mm\n\
                 hint: reconstruct with an even slice interval, or give only the files of one evenly spaced part",
                along.abs()
            ));
        }
        if sideways > spacing[0].max(spacing[1]) {
            return Some(format!(
                "the slices do not lie in one line: {sideways:.1} mm to the side at z = {z:.1} mm\n\
                 hint: reconstruct all slices with the same centre, or give only the files of one part"
            ));
        }
        jitter = jitter.max(along.abs());
    }
    let degrees = (step_along / step.norm()).clamp(-1.0, 1.0).acos().to_degrees();
    if degrees > TILT_DEGREES {
        warnings.push(SeriesWarning::GantryTilt { degrees });
    }
    if jitter > JITTER * step_along {
        warnings.push(SeriesWarning::PositionJitter { mm: jitter });
    }
    None
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
