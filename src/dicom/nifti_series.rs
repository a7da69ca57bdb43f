//! A CT as NIfTI, as public collections ship it: the same [`Series`] as from DICOM, without what NIfTI does not carry.
//!
//! The volume comes out with columns to the left, rows to the back and slices to the head, however it was stored, so
//! that it is voxel for voxel the one that the DICOM images give.

use super::error::DicomError;
use super::problems::{SeriesFault, SeriesWarning};
use super::series::{Layout, Series, SeriesHeader, SliceSource};
use super::source::{PackedMember, open};
use super::stack::{AXIAL_DEGREES, STEEPEST_TILT_DEGREES, TILT_DEGREES, TURNED_SPACING_MM};
use crate::nifti::{self, Affine, NiftiError};
use crate::volume::{Grid, NO_DATA, Volume, straighten, straightened_grid, towards, turn};
use nalgebra::Matrix3;
use std::path::Path;

/// Values looked at to tell a CT from a mask or a photograph: several slices of any CT.
const SAMPLED_VALUES: usize = 1 << 22;
/// Any CT in HU shows fat (about -100 HU), and nearly all air; a mask, a photograph or stored values without their
/// intercept go down to 0 only.
const CT_BELOW_HU: f64 = -50.0;
/// Distance (mm) between what sform and qform say from which it is worth a word.
const FORMS_APART_MM: f64 = 0.5;
/// As for DICOM: below this a value is fill.
const FILL_HU: f64 = -1500.0;
/// Lowest HU a voxel with data can have.
const LOWEST_HU: f64 = -1024.0;

/// Why a NIfTI file is no CT series.
pub(crate) enum NoSeries {
    /// Not to be read; why.
    Unreadable(String),
    /// Sound, but its values are not HU.
    NotHounsfield(String),
}

/// Is a file NIfTI by its name? By the name alone: its first bytes are no signature that other formats could not begin with.
pub fn is_named_so(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    name.ends_with(".nii") || name.ends_with(".nii.gz")
}

/// The header of a NIfTI file, with the reason in the words of this module's errors.
pub(crate) fn header_of(path: &Path, packed: Option<&PackedMember>) -> Result<nifti::Header, NiftiError> {
    let not = |why: String| NiftiError { why, hint: "give a NIfTI-1 file (.nii or .nii.gz)" };
    let file = open(path, packed).map_err(|e| not(format!("cannot be read: {e}")))?;
    nifti::read_header(file)?.ok_or_else(|| not("not NIfTI".into()))
}

/// A CT series of one NIfTI file.
pub(crate) fn series_of(path: &Path, packed: Option<&PackedMember>) -> Result<Series, NoSeries> {
    let unreadable = |e: NiftiError| NoSeries::Unreadable(e.why);
    let header = header_of(path, packed).map_err(unreadable)?;
    let file = open(path, packed).map_err(|e| NoSeries::Unreadable(e.to_string()))?;
    let range = nifti::first_values(&header, file, SAMPLED_VALUES, CT_BELOW_HU).map_err(unreadable)?;
    match range {
        Some([low, _]) if low < CT_BELOW_HU => {}
        Some([low, high]) => return Err(NoSeries::NotHounsfield(format!("values from {low} to {high}"))),
        None => return Err(NoSeries::NotHounsfield("no values at all".into())),
    }
    Ok(series(path, packed, header))
}

fn series(path: &Path, packed: Option<&PackedMember>, header: nifti::Header) -> Series {
    let stored = &header.grid;
    let (mut warnings, mut faults) = (Vec::new(), Vec::new());
    let tilt = degrees_off_normal(stored);
    let [x, y] = [0, 1].map(|axis| stored.directions.column(axis));
    // Only slices sheared against one another are a tilted gantry; anything else is no scan.
    if x.dot(&y).abs() > 0.02 || tilt > STEEPEST_TILT_DEGREES {
        faults.push(SeriesFault::Sheared);
    }
    let straighten = tilt > TILT_DEGREES && faults.is_empty();
    if straighten {
        warnings.push(SeriesWarning::GantryTilt { degrees: tilt });
    }
    let upright = if straighten { straightened_grid(stored) } else { stored.clone() };
    let grid = towards(&upright, &Matrix3::identity()).grid(&upright);
    let off_axial = grid.directions[(2, 2)].clamp(-1.0, 1.0).acos().to_degrees();
    if off_axial > AXIAL_DEGREES {
        faults.push(SeriesFault::Oblique { degrees: off_axial });
    }
    let widest = grid.spacing_mm.x.max(grid.spacing_mm.y);
    if widest > TURNED_SPACING_MM {
        faults.push(SeriesFault::CoarseReformat { spacing_mm: widest });
    }
    if grid.size[2] < 2 {
        faults.push(SeriesFault::SingleSlice);
    }
    warnings.push(SeriesWarning::FromNifti { by_qform: header.affine == Affine::Qform });
    if header.unit_missing {
        warnings.push(SeriesWarning::NoLengthUnit);
    }
    if let Some(mm) = header.forms_apart_mm.filter(|mm| *mm > FORMS_APART_MM) {
        warnings.push(SeriesWarning::FormsDiffer { mm });
    }
    let slice = |k: usize| SliceSource {
        path: path.to_path_buf(),
        packed: packed.cloned(),
        // There is none: the lowest slice is the first.
        instance_number: Some(k as i64 + 1),
        ..SliceSource::default()
    };
    let slices = (0..grid.size[2]).map(|k| Some(slice(k))).collect();
    Series {
        header: SeriesHeader { series_description: file_name(path), ..SeriesHeader::default() },
        grid,
        slices,
        layout: Layout::Nifti { header: Box::new(header), straighten },
        warnings,
        faults,
    }
}

pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Angle between the third direction and the normal of the first two, degrees.
fn degrees_off_normal(grid: &Grid) -> f64 {
    let [x, y, z] = [0, 1, 2].map(|axis| grid.directions.column(axis).into_owned());
    x.cross(&y).normalize().dot(&z).abs().min(1.0).acos().to_degrees()
}

/// Reads the volume of a series that [`series_of`] gave.
pub(crate) fn load(
    source: &SliceSource,
    header: &nifti::Header,
    straightened: bool,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Volume<i16>, DicomError> {
    let path = &source.path;
    let refuse = |error: NiftiError| DicomError::Nifti { path: path.clone(), why: error.why, hint: error.hint.into() };
    let memory = |_| refuse(NiftiError { why: "not enough memory".into(), hint: "give only the part with the bone" });
    let file = open(path, source.packed.as_ref())
        .map_err(|e| refuse(NiftiError { why: e.to_string(), hint: "check that the file is still there" }))?;
    let mut voxels: Vec<i16> = Vec::new();
    // Room is asked for, not touched: a file that breaks off early costs what it holds.
    voxels.try_reserve_exact(header.grid.len()).map_err(memory)?;
    let slices = header.grid.size[2];
    nifti::for_each_row(header, file, |j, k, row| {
        voxels.extend(row.iter().map(|value| hu(*value)));
        if j + 1 == header.grid.size[1] {
            progress(k + 1, slices);
        }
    })
    .map_err(refuse)?;
    let mut volume = Volume { grid: header.grid.clone(), voxels: voxels.into() };
    if straightened {
        volume = straighten(&volume);
    }
    let order = towards(&volume.grid, &Matrix3::identity());
    Ok(if order.axes == [0, 1, 2] && order.reversed == [false; 3] { volume } else { turn(&volume, order) })
}

/// Rounded as the values of DICOM are, with the same ends of the scale.
fn hu(value: f64) -> i16 {
    if value.is_nan() || value <= FILL_HU {
        NO_DATA
    } else {
        value.round().clamp(LOWEST_HU, f64::from(i16::MAX)) as i16
    }
}
