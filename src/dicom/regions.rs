//! Regions that others drew, from RTSTRUCT, SEG and NIfTI masks, laid on the grid of a CT.
//!
//! What fits is taken, what differs by less than [`TOLERANCE_MM`] is taken and said, the rest is refused with both
//! geometries. A mask is placed by its coordinates alone: the order and direction in which its axes are stored do not
//! matter.

use super::error::DicomError;
use super::header::{DataSet, data_set};
use super::nested::{Part, character_set};
use super::nifti_series::header_of;
use super::rtstruct::{self, Roi};
use super::seg::{Misplaced, Seg};
use super::series::Series;
use super::source::{PackedMember, open, read_all};
use super::{SetAsideReason, nifti_series};
use crate::nifti;
use crate::volume::{Grid, Region, Run, towards};
use crate::words::nearest_word;
use dicom_dictionary_std::{tags, uids};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Largest distance (mm) of a voxel of a mask from the CT's voxel of the same index: half a voxel of a usual CT, and
/// what rounded headers and another convention of a voxel's centre can do. More is another grid.
pub const TOLERANCE_MM: f64 = 0.5;
/// A difference worth a word, mm: below it is the rounding of headers.
const SAID_MM: f64 = 0.02;
/// More different values than any atlas has labels: that is an image.
const MOST_LABELS: usize = 1024;

/// An object among the inputs that holds named regions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionFile {
    /// The file; for a member of a zip archive the archive's path and the member's name.
    pub path: PathBuf,
    /// Where it lies in a zip archive.
    pub packed: Option<PackedMember>,
    /// What it is.
    pub kind: RegionKind,
}

/// Kind of an object that holds regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegionKind {
    /// Contours.
    RtStruct,
    /// Masks.
    Seg,
}

impl RegionKind {
    pub(crate) fn of(reason: &SetAsideReason) -> Option<RegionKind> {
        match reason {
            SetAsideReason::RtStruct => Some(RegionKind::RtStruct),
            SetAsideReason::Segmentation => Some(RegionKind::Seg),
            _ => None,
        }
    }
}

/// What a file calls one of its regions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionName {
    /// ROI or segment number.
    pub number: i64,
    /// ROI name or segment label.
    pub name: String,
    /// RT ROI Interpreted Type (`GTV`, `ORGAN`, …); empty for segments, and where it does not say.
    pub interpreted_type: String,
    /// Closed contours, or frames.
    pub pieces: usize,
}

/// A region laid on a CT.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedRegion {
    /// Its name; of a mask in NIfTI `label 3`, or `mask` where there is one label only.
    pub name: String,
    /// Its voxels, on [`Series::grid`].
    pub region: Region,
    /// What the user should know of how it was placed.
    pub notes: Vec<String>,
}

impl RegionFile {
    /// The names of its regions, in its order.
    ///
    /// # Errors
    /// [`DicomError::Regions`] where it cannot be read.
    pub fn names(&self) -> Result<Vec<RegionName>, DicomError> {
        let data = self.data()?;
        match self.kind {
            RegionKind::RtStruct => {
                let rois = rtstruct::read(&data, |_| true).map_err(|why| broken(&self.path, why))?;
                Ok(rois.iter().map(name_of).collect())
            }
            RegionKind::Seg => {
                let seg = Seg::read(data).map_err(|why| broken(&self.path, why))?;
                let name = |segment: &super::seg::Segment| RegionName {
                    number: segment.number,
                    name: segment.label.clone(),
                    interpreted_type: String::new(),
                    pieces: seg.frames_of(segment.number),
                };
                Ok(seg.segments.iter().map(name).collect())
            }
        }
    }

    fn data(&self) -> Result<DataSet, DicomError> {
        read_data(&self.path, self.packed.as_ref())
    }

    /// The region of this number.
    fn region(&self, number: i64, series: &Series) -> Result<PlacedRegion, DicomError> {
        let data = self.data()?;
        let refuse = |why: String| broken(&self.path, why);
        match self.kind {
            RegionKind::RtStruct => {
                let rois = rtstruct::read(&data, |roi| roi.number == number).map_err(refuse)?;
                let roi =
                    rois.into_iter().find(|roi| roi.number == number).ok_or_else(|| refuse("it changed".into()))?;
                let mut notes = frame_note(&self.path, &roi.frame_of_reference_uid, &roi.listed_frames, series)?;
                let images = series.images().iter().flatten().map(|image| image.sop_instance_uid.as_str());
                let images: BTreeSet<&str> = images.filter(|uid| !uid.is_empty()).collect();
                // Straightened slices keep their planes; only those of a sagittal stack are others than the grid's.
                let drawn = rtstruct::draw(&roi, &series.grid, &images).or_else(|why| {
                    let stored = series.stored_grid();
                    let drawn = rtstruct::draw(&roi, stored, &images).map_err(|_| why)?;
                    Ok(rtstruct::Drawn { region: drawn.region.resampled(stored, &series.grid), ..drawn })
                });
                let drawn = drawn.map_err(refuse)?;
                notes.extend(drawn.notes);
                Ok(placed(roi.name, drawn.region, notes))
            }
            RegionKind::Seg => {
                let seg = Seg::read(data).map_err(refuse)?;
                let mut regions = segments(&self.path, &seg, &[number], series)?;
                Ok(regions.remove(0))
            }
        }
    }
}

fn name_of(roi: &Roi) -> RegionName {
    RegionName {
        number: roi.number,
        name: roi.name.clone(),
        interpreted_type: roi.interpreted_type.clone(),
        pieces: roi.contours.len(),
    }
}

/// Notes get the name of the region in front; not that of its file, which may be named after the patient: they stand in
/// the report.
fn placed(name: String, region: Region, notes: Vec<String>) -> PlacedRegion {
    let notes = notes.into_iter().map(|note| format!("region {name:?}: {note}")).collect();
    PlacedRegion { name, region, notes }
}

fn broken(path: &Path, why: String) -> DicomError {
    // Some reasons bring their own remedy.
    let (why, hint) = match why.split_once("\nhint: ") {
        Some((why, hint)) => (why.to_string(), hint.to_string()),
        None => (why, "export the regions again, on the CT that is given".to_string()),
    };
    DicomError::Regions { path: path.to_path_buf(), why, hint }
}

fn read_data(path: &Path, packed: Option<&PackedMember>) -> Result<DataSet, DicomError> {
    let mut bytes = Vec::new();
    read_all(path, packed, &mut bytes).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => DicomError::PathMissing { path: path.to_path_buf() },
        _ => DicomError::Unreadable { path: path.to_path_buf(), why: e.to_string() },
    })?;
    data_set(bytes).map_err(|why| broken(path, why))
}

/// Nothing to say where both frames of reference are the same, a word where one is not known. `listed` are those that
/// the object says it is about: real ones name another one in a region, which then is a slip.
///
/// # Errors
/// [`DicomError::OtherFrame`] where they differ.
fn frame_note(path: &Path, of_regions: &str, listed: &[String], series: &Series) -> Result<Vec<String>, DicomError> {
    let lists = |wanted: &str| listed.iter().any(|uid| uid == wanted);
    let of_ct = series.header.frame_of_reference_uid.as_str();
    match (of_regions, of_ct) {
        (a, b) if a == b && !a.is_empty() => Ok(Vec::new()),
        ("", _) => Ok(vec!["it names no frame of reference: taken to be the CT's".into()]),
        (_, "") => Ok(vec!["the CT names no frame of reference: taken to be the region's".into()]),
        (of_regions, of_ct) if lists(of_ct) && !lists(of_regions) => Ok(vec![
            "it names a frame of reference that its file does not list; taken is the CT's, which is listed".into(),
        ]),
        (of_regions, of_ct) => {
            Err(DicomError::OtherFrame { path: path.to_path_buf(), of_regions: of_regions.into(), of_ct: of_ct.into() })
        }
    }
}

/// The segments of these numbers on the CT.
fn segments(path: &Path, seg: &Seg, numbers: &[i64], series: &Series) -> Result<Vec<PlacedRegion>, DicomError> {
    let mut notes = frame_note(path, &seg.frame_of_reference_uid, &[], series)?;
    // As the CT is stored, or as it was straightened or turned: a mask may have been made on either.
    let on = seg.on(series.stored_grid(), numbers, TOLERANCE_MM);
    let on = on.or_else(|first| seg.on(&series.grid, numbers, TOLERANCE_MM).map_err(|_| first));
    let on = on.map_err(|why| match why {
        Misplaced::Broken(why) => broken(path, why),
        Misplaced::Elsewhere(grid, mm) => geometry_error(path, *grid, mm, series.stored_grid()),
    })?;
    notes.extend(offset_note(on.furthest_mm));
    if on.beyond > 0 {
        notes.push(format!("{} of its frames lie beyond the slices of the CT", on.beyond));
    }
    let label = |number: i64| {
        let found = seg.segments.iter().find(|segment| segment.number == number);
        found.map(|segment| segment.label.clone()).filter(|l| !l.is_empty()).unwrap_or(format!("segment {number}"))
    };
    let regions = on.regions.into_iter();
    Ok(regions
        .map(|(number, region)| placed(label(number), region.resampled(&on.grid, &series.grid), notes.clone()))
        .collect())
}

fn offset_note(mm: f64) -> Option<String> {
    (mm > SAID_MM)
        .then(|| format!("its voxels are up to {mm:.2} mm off those of the CT: accepted (up to {TOLERANCE_MM} mm)"))
}

fn geometry_error(path: &Path, mask: Grid, mm: f64, ct: &Grid) -> DicomError {
    let difference = match mm.is_finite() {
        true => format!("up to {mm:.2} mm apart, {TOLERANCE_MM} mm are accepted"),
        false => "not as many".to_string(),
    };
    // In the order of the mask's axes, so that the two lines can be compared.
    let ct = Box::new(towards(ct, &mask.directions).grid(ct));
    DicomError::Geometry { path: path.to_path_buf(), difference, mask: Box::new(mask), ct }
}

/// The region of that name (whatever its case), or of that number where no name answers, among several files.
///
/// # Errors
/// No such region, with all names there are; several of that name; and where it cannot be read or placed.
pub fn find_region(files: &[RegionFile], given: &str, series: &Series) -> Result<PlacedRegion, DicomError> {
    let mut named: Vec<(&RegionFile, RegionName)> = Vec::new();
    let mut unread = None;
    for file in files {
        match file.names() {
            Ok(names) => named.extend(names.into_iter().map(|name| (file, name))),
            // Only in the way where the name is in none of the others.
            Err(error) => unread = unread.or(Some(error)),
        }
    }
    let wanted = given.trim().to_lowercase();
    let by_name = |(_, region): &&(&RegionFile, RegionName)| region.name.to_lowercase() == wanted;
    let by_number = |(_, region): &&(&RegionFile, RegionName)| wanted.parse() == Ok(region.number);
    let mut found: Vec<&(&RegionFile, RegionName)> = named.iter().filter(by_name).collect();
    if found.is_empty() {
        found = named.iter().filter(by_number).collect();
    }
    let mut results: Vec<Result<PlacedRegion, DicomError>> =
        found.iter().map(|(file, region)| file.region(region.number, series)).collect();
    // Of several, those of another frame of reference are not meant.
    if results.len() > 1 {
        let others = |r: &Result<PlacedRegion, DicomError>| matches!(r, Err(DicomError::OtherFrame { .. }));
        if !results.iter().all(others) {
            results.retain(|r| !others(r));
        }
    }
    match (results.len(), unread) {
        (0, Some(error)) => Err(error),
        (0, None) => Err(no_such(given, &wanted, &named)),
        (1, _) => results.remove(0),
        (n, _) => Err(DicomError::NoSuchRegion {
            given: given.into(),
            hint: format!(
                "{n} regions have this name, in {}: give the file that is meant alone, or the number of the region",
                found.iter().map(|(file, _)| file.path.display().to_string()).collect::<Vec<_>>().join(", ")
            ),
        }),
    }
}

fn no_such(given: &str, wanted: &str, named: &[(&RegionFile, RegionName)]) -> DicomError {
    let hint = if named.is_empty() {
        "no RTSTRUCT or SEG with regions is among the inputs: give its file or folder beside the CT".to_string()
    } else {
        let names: Vec<String> = named.iter().map(|(_, region)| region.name.clone()).collect();
        let lower: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
        let nearest = nearest_word(wanted, &lower.iter().map(String::as_str).collect::<Vec<_>>())
            .and_then(|near| names.iter().find(|name| name.to_lowercase() == near))
            .map_or(String::new(), |name| format!("did you mean {name:?}? "));
        format!("{nearest}The inputs hold: {}", names.join(", "))
    };
    DicomError::NoSuchRegion { given: given.into(), hint }
}

/// The regions of a mask file, NIfTI or SEG, each of which is to be taken for a bone: the one of `label` (a number, or
/// the name of a segment), or all.
///
/// # Errors
/// What cannot be read or placed; a NIfTI file that holds no labels; a label that is not in it; no voxel at all.
pub fn read_mask(path: &Path, label: Option<&str>, series: &Series) -> Result<Vec<PlacedRegion>, DicomError> {
    let regions = if nifti_series::is_named_so(path) {
        nifti_mask(path, label, series)?
    } else {
        let data = read_data(path, None)?;
        let class = Part::whole(&data, &character_set(&data)).text(tags::SOP_CLASS_UID);
        if class == uids::RT_STRUCTURE_SET_STORAGE {
            let why = "an RTSTRUCT is no mask\nhint: give it among the inputs, and its region with --bone-roi NAME";
            return Err(broken(path, why.into()));
        }
        if class != uids::SEGMENTATION_STORAGE && class != uids::LABEL_MAP_SEGMENTATION_STORAGE {
            return Err(broken(
                path,
                "neither NIfTI nor a DICOM segmentation (SEG)\nhint: give a mask of the bone".into(),
            ));
        }
        let seg = Seg::read(data).map_err(|why| broken(path, why))?;
        let all = || seg.segments.iter();
        let wanted: Vec<i64> = match label {
            None => all().map(|segment| segment.number).collect(),
            Some(given) => {
                let wanted = given.trim().to_lowercase();
                let named = all().find(|segment| segment.label.to_lowercase() == wanted);
                let found = named.or_else(|| all().find(|segment| wanted.parse() == Ok(segment.number)));
                let labels = || all().map(|s| format!("{} ({})", s.label, s.number));
                vec![found.ok_or_else(|| no_label(path, given, labels()))?.number]
            }
        };
        segments(path, &seg, &wanted, series)?
    };
    if regions.iter().all(|placed| placed.region.is_empty()) {
        let hint = "give a mask of a bone that this series shows".to_string();
        return Err(DicomError::Regions { path: path.into(), why: "no voxel of the CT is marked".into(), hint });
    }
    Ok(regions)
}

fn no_label(path: &Path, given: &str, labels: impl Iterator<Item = String>) -> DicomError {
    let all: Vec<String> = labels.collect();
    let hint = format!("it holds: {}", if all.is_empty() { "none".into() } else { all.join(", ") });
    DicomError::Regions { path: path.into(), why: format!("no label {given:?} in it"), hint }
}

fn nifti_mask(path: &Path, label: Option<&str>, series: &Series) -> Result<Vec<PlacedRegion>, DicomError> {
    let refuse = |e: nifti::NiftiError| DicomError::Nifti { path: path.into(), why: e.why, hint: e.hint.into() };
    if !path.exists() {
        return Err(DicomError::PathMissing { path: path.into() });
    }
    let header = header_of(path, None).map_err(refuse)?;
    let mask = &header.grid;
    let apart = |ct: &Grid| mask.furthest_apart_mm(&towards(ct, &mask.directions).grid(ct));
    // As the CT is stored, or as it was straightened or turned.
    let furthest = apart(series.stored_grid()).min(apart(&series.grid));
    if furthest > TOLERANCE_MM {
        return Err(geometry_error(path, mask.clone(), furthest, series.stored_grid()));
    }
    let regions = labels(path, &header)?;
    let mut notes: Vec<String> = offset_note(furthest).into_iter().collect();
    if header.unit_missing {
        notes.push("it names no unit of length: millimetres were taken".into());
    }
    if let Some(mm) = header.forms_apart_mm.filter(|mm| *mm > TOLERANCE_MM) {
        notes.push(format!("its sform and qform are up to {mm:.1} mm apart: the sform was taken"));
    }
    let only = regions.len() == 1;
    let wanted = label.map(|given| {
        let number: Option<i64> = given.trim().parse().ok();
        let found = number.filter(|number| regions.contains_key(number));
        found.ok_or_else(|| no_label(path, given, regions.keys().map(ToString::to_string)))
    });
    let wanted = wanted.transpose()?;
    let chosen = regions.iter().filter(|(number, _)| wanted.is_none_or(|wanted| wanted == **number));
    Ok(chosen
        .map(|(number, region)| {
            let name = if only { "mask".to_string() } else { format!("label {number}") };
            placed(name, region.resampled(mask, &series.grid), notes.clone())
        })
        .collect())
}

/// The voxels of every value other than 0, on the mask's own grid.
fn labels(path: &Path, header: &nifti::Header) -> Result<BTreeMap<i64, Region>, DicomError> {
    let refuse = |why: String, hint: &str| DicomError::Nifti { path: path.into(), why, hint: hint.into() };
    let size = header.grid.size;
    let mut runs: BTreeMap<i64, Vec<Vec<Run>>> = BTreeMap::new();
    let (mut fraction, mut too_many) = (None, false);
    let file = open(path, None).map_err(|e| refuse(e.to_string(), "check that the file is still there"))?;
    let read = nifti::for_each_row(header, file, |j, k, row| {
        let mut i = 0;
        while i < row.len() {
            let value = row[i];
            let first = i;
            while i < row.len() && row[i] == value {
                i += 1;
            }
            // What is no number marks nothing; it is also unequal to itself.
            if value.is_nan() {
                i = first + 1;
                continue;
            }
            if value == 0.0 || too_many {
                continue;
            }
            if value.fract() != 0.0 || value.abs() > 1e9 {
                fraction = fraction.or(Some(value));
                continue;
            }
            too_many |= runs.len() >= MOST_LABELS && !runs.contains_key(&(value as i64));
            if !too_many {
                let slices = runs.entry(value as i64).or_insert_with(|| vec![Vec::new(); size[2]]);
                slices[k].push(Run { j, first, last: i - 1 });
            }
        }
    });
    read.map_err(|e| refuse(e.why, e.hint))?;
    let hint = "give a mask: 0 outside, whole numbers inside; threshold probabilities at 0.5 first";
    if let Some(value) = fraction {
        return Err(refuse(format!("its values are no labels (one is {value})"), hint));
    }
    if too_many {
        return Err(refuse(format!("more than {MOST_LABELS} different values: an image, not a mask"), hint));
    }
    Ok(runs.into_iter().map(|(label, slices)| (label, Region::from_runs(size, slices))).collect())
}
