//! Any mixture of files and folders to CT series, and what was set aside with the reason.

use super::error::DicomError;
use super::header::{Header, Look, look};
use super::inputs::inputs_under;
use super::load::unsupported;
use super::nifti_series::{self, NoSeries, is_named_so};
use super::problems::{SeriesFault, SeriesWarning};
use super::regions::{RegionFile, RegionKind};
use super::series::Series;
use super::stack::{degrees_off_axial, overlaps, stack};
use dicom_dictionary_std::uids;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// What was found under the paths given.
#[derive(Debug, Clone)]
pub struct Discovery {
    /// CT series, also those that must not be measured ([`Series::faults`]), ordered by study, series UID and place;
    /// those from NIfTI last, by path.
    pub series: Vec<Series>,
    /// RTSTRUCT and SEG objects, by path; they are set aside, too, because they are no part of a series.
    pub regions: Vec<RegionFile>,
    /// Everything else, one entry a reason.
    pub set_aside: Vec<SetAside>,
}

/// Files that are no part of any series, for one reason.
#[derive(Debug, Clone, PartialEq)]
pub struct SetAside {
    /// The files, sorted.
    pub paths: Vec<PathBuf>,
    /// Why.
    pub reason: SetAsideReason,
}

/// Why files were set aside. `Display` completes "3 files: ...".
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SetAsideReason {
    /// Not DICOM by the first bytes.
    NotDicom,
    /// A zip archive within a zip archive.
    NestedArchive,
    /// A member of an archive that cannot be unpacked; why.
    NotUnpacked(String),
    /// Named by a DICOMDIR but not there.
    MissingFromDirectory,
    /// Cannot be opened or breaks off within the header; what the reader said.
    Unreadable(String),
    /// RTSTRUCT: contours.
    RtStruct,
    /// Segmentation object: masks.
    Segmentation,
    /// NIfTI whose values are no HU: a mask, most often. What they are.
    NotHounsfield(String),
    /// DICOM of another kind: its modality, or its class where it has none.
    OtherObject(String),
    /// Overview image for planning the scan.
    Localizer,
    /// Screen capture, colour, or not 8 or 16 bits a pixel.
    NotGrayscale(String),
    /// Calculated from the images and not in HU (perfusion maps, projections), by the image type.
    Calculated(String),
    /// Sagittal or coronal.
    NotAxial,
    /// Position, orientation, pixel spacing or size is missing or senseless.
    NoGeometry,
}

impl fmt::Display for SetAsideReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotDicom => f.write_str("not DICOM"),
            Self::NestedArchive => f.write_str("zip archive within a zip archive, not opened: unpack it first"),
            Self::NotUnpacked(why) => write!(f, "not unpacked from its archive ({why})"),
            Self::MissingFromDirectory => f.write_str("named by the DICOMDIR but not there: copy the whole medium"),
            Self::Unreadable(why) => write!(f, "cannot be read ({why})"),
            Self::RtStruct => f.write_str("RTSTRUCT"),
            Self::Segmentation => f.write_str("SEG"),
            Self::NotHounsfield(what) => {
                write!(f, "NIfTI, but no CT in HU ({what}, nothing as low as fat); a mask is given with --mask")
            }
            Self::OtherObject(what) => f.write_str(what),
            Self::Localizer => f.write_str("localizer (scout)"),
            Self::NotGrayscale(what) => write!(f, "no CT image values ({what})"),
            Self::Calculated(what) => write!(f, "calculated from the images, not HU ({what})"),
            Self::NotAxial => f.write_str("sagittal or coronal reformat"),
            Self::NoGeometry => f.write_str("CT without usable position, orientation or pixel spacing"),
        }
    }
}

/// Finds the CT series in any mixture of files and folders, in any order.
///
/// Folders are walked to the bottom, links followed once; zip archives are looked into, and a DICOMDIR that is itself
/// named stands for the files it lists. Headers are read in parallel, up to the pixels; `progress`
/// is called from several threads with the files done and their number. The result depends on the files alone, not on
/// the order of `paths` or the number of threads.
///
/// # Errors
/// A path of `paths` that does not exist or cannot be read; no files at all; no CT image among them.
pub fn discover(paths: &[PathBuf], progress: &(dyn Fn(usize, usize) + Sync)) -> Result<Discovery, DicomError> {
    let mut aside: BTreeMap<SetAsideReason, Vec<PathBuf>> = BTreeMap::new();
    let files = inputs_under(paths, &mut aside)?;
    let done = AtomicUsize::new(0);
    let looks: Vec<Found> = files
        .par_iter()
        .map(|input| {
            let packed = input.packed.as_ref();
            let found = match is_named_so(&input.path) {
                true => Found::Nifti(nifti_series::series_of(&input.path, packed).map(Box::new)),
                false => Found::Dicom(look(&input.path, packed)),
            };
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, files.len());
            found
        })
        .collect();

    let (mut headers, mut from_nifti, mut regions) = (Vec::new(), Vec::new(), Vec::new());
    for (input, found) in files.iter().zip(looks) {
        let path = &input.path;
        let look = match found {
            Found::Dicom(look) => look,
            Found::Nifti(Ok(series)) => {
                from_nifti.push(*series);
                continue;
            }
            Found::Nifti(Err(NoSeries::Unreadable(why))) => Look::Unreadable(why),
            Found::Nifti(Err(NoSeries::NotHounsfield(what))) => {
                aside.entry(SetAsideReason::NotHounsfield(what)).or_default().push(path.clone());
                continue;
            }
        };
        let reason = match look {
            Look::NotDicom => Some(SetAsideReason::NotDicom),
            Look::Unreadable(why) if paths.contains(path) && fs::File::open(path).is_err() => {
                return Err(DicomError::Unreadable { path: path.clone(), why });
            }
            Look::Unreadable(why) => Some(SetAsideReason::Unreadable(why)),
            Look::Dicom(frames) => {
                // Of several frames some may be localizers: the file is named once a reason.
                let mut reasons = BTreeSet::new();
                for frame in frames {
                    match refuse(&frame) {
                        Some(reason) => {
                            regions.extend(RegionKind::of(&reason).map(|kind| RegionFile {
                                path: path.clone(),
                                packed: input.packed.clone(),
                                kind,
                            }));
                            reasons.insert(reason);
                        }
                        None => headers.push(frame),
                    }
                }
                for reason in reasons {
                    aside.entry(reason).or_default().push(path.clone());
                }
                None
            }
        };
        if let Some(reason) = reason {
            aside.entry(reason).or_default().push(path.clone());
        }
    }

    let mut series = series_of(headers);
    series.extend(from_nifti);
    let set_aside: Vec<SetAside> = aside.into_iter().map(|(reason, paths)| SetAside { paths, reason }).collect();
    if series.is_empty() {
        return Err(nothing(paths, files.len(), &set_aside));
    }
    Ok(Discovery { series, regions, set_aside })
}

/// What a look at one file gave, by the kind of file its name says.
enum Found {
    Dicom(Look),
    Nifti(Result<Box<Series>, NoSeries>),
}

/// Why this object is no slice of a CT series; `None` if it may be one.
fn refuse(header: &Header) -> Option<SetAsideReason> {
    use SetAsideReason as Why;
    let says = |word: &str| header.image_type.iter().any(|value| value == word);
    match header.sop_class.as_str() {
        uids::CT_IMAGE_STORAGE if header.frames > 1 => return Some(Why::NoGeometry),
        uids::CT_IMAGE_STORAGE => {}
        uids::ENHANCED_CT_IMAGE_STORAGE | uids::LEGACY_CONVERTED_ENHANCED_CT_IMAGE_STORAGE => {
            if header.position.is_none() {
                return Some(Why::NoGeometry);
            }
        }
        uids::RT_STRUCTURE_SET_STORAGE => return Some(Why::RtStruct),
        uids::SEGMENTATION_STORAGE | uids::LABEL_MAP_SEGMENTATION_STORAGE => return Some(Why::Segmentation),
        class if class.starts_with("1.2.840.10008.5.1.4.1.1.7") => {
            return Some(Why::NotGrayscale("secondary capture".into()));
        }
        uids::MEDIA_STORAGE_DIRECTORY_STORAGE => return Some(Why::OtherObject("DICOMDIR".into())),
        class => {
            let what = match header.modality.as_str() {
                "" if class.is_empty() => "DICOM without a class".to_string(),
                "" => format!("DICOM class {class}"),
                "CT" => "modality CT, but not CT Image Storage".to_string(),
                modality => modality.to_string(),
            };
            return Some(Why::OtherObject(what));
        }
    }
    if says("LOCALIZER") {
        return Some(Why::Localizer);
    }
    if header.samples != 1 || header.photometric.starts_with("PALETTE") {
        return Some(Why::NotGrayscale("colour".into()));
    }
    if !matches!(header.stored.bits_allocated, 8 | 16) {
        return Some(Why::NotGrayscale(format!("{} bits a pixel", header.stored.bits_allocated)));
    }
    const CALCULATED: [&str; 8] =
        ["PERFUSION", "DOSE_INFO", "SCREEN SAVE", "PROJECTION IMAGE", "MIP", "MINIP", "MAX_IP", "MIN_IP"];
    if let Some(word) = CALCULATED.iter().find(|word| says(word)) {
        return Some(Why::Calculated(word.to_lowercase()));
    }
    let Some(orientation) = &header.orientation else { return Some(Why::NoGeometry) };
    if header.position.is_none() || header.spacing.is_none() || header.rows == 0 || header.columns == 0 {
        return Some(Why::NoGeometry);
    }
    // Others are listed as a series, turned or not to be used, so that an oblique or sagittal scan is not overlooked.
    let reformat = degrees_off_axial(orientation) > 60.0 && header.image_type.first().is_some_and(|t| t == "DERIVED");
    reformat.then_some(Why::NotAxial)
}

/// Groups the images to series and stacks each group.
fn series_of(mut headers: Vec<Header>) -> Vec<Series> {
    // Groups form around their first member, so the order must be a property of the files.
    let order = |h: &Header| {
        let s = &h.series;
        let place = (h.instance_number, h.sop_instance_uid.clone(), h.path.clone(), h.frame);
        (s.study_instance_uid.clone(), s.series_instance_uid.clone(), s.frame_of_reference_uid.clone(), place)
    };
    headers.sort_by_cached_key(order);
    let mut groups: Vec<Vec<Header>> = Vec::new();
    for header in headers {
        match groups.iter_mut().rev().find(|group| belongs(&group[0], &header)) {
            Some(group) => group.push(header),
            None => groups.push(vec![header]),
        }
    }
    groups.into_iter().flat_map(by_acquisition).filter_map(|(group, split)| finish(&group, split)).collect()
}

/// True where two images can be slices of one volume.
fn belongs(a: &Header, b: &Header) -> bool {
    let close = |a: f64, b: f64, tolerance: f64| (a - b).abs() < tolerance;
    let orientation = match (&a.orientation, &b.orientation) {
        (Some(a), Some(b)) => (a[0] - b[0]).amax() < 1e-3 && (a[1] - b[1]).amax() < 1e-3,
        _ => false,
    };
    let spacing = match (a.spacing, b.spacing) {
        (Some(a), Some(b)) => close(a[0], b[0], 1e-4) && close(a[1], b[1], 1e-4),
        _ => false,
    };
    orientation
        && spacing
        && a.series.study_instance_uid == b.series.study_instance_uid
        && a.series.series_instance_uid == b.series.series_instance_uid
        && a.series.frame_of_reference_uid == b.series.frame_of_reference_uid
        && (a.rows, a.columns) == (b.rows, b.columns)
}

/// Splits a group whose positions overlap by acquisition number, if that leaves stacks without overlap.
fn by_acquisition(group: Vec<Header>) -> Vec<(Vec<Header>, Option<SeriesWarning>)> {
    let numbers: BTreeSet<_> = group.iter().filter_map(|h| h.acquisition_number).collect();
    if numbers.len() < 2 || !group.iter().all(|h| h.acquisition_number.is_some()) || !overlaps(&group) {
        return vec![(group, None)];
    }
    let parts: Vec<(i64, Vec<Header>)> = numbers
        .iter()
        .map(|n| (*n, group.iter().filter(|h| h.acquisition_number == Some(*n)).cloned().collect()))
        .collect();
    if parts.iter().any(|(_, part): &(_, Vec<Header>)| part.len() < 2 || overlaps(part)) {
        return vec![(group, None)];
    }
    let of = parts.len();
    parts
        .into_iter()
        .map(|(acquisition, part)| (part, Some(SeriesWarning::OneOfSeveralAcquisitions { acquisition, of })))
        .collect()
}

fn finish(group: &[Header], split: Option<SeriesWarning>) -> Option<Series> {
    let mut series = stack(group)?;
    series.warnings.splice(0..0, split);
    let undecodable = series.images().iter().flatten().find_map(|s| unsupported(&s.stored.transfer_syntax));
    series.faults.extend(undecodable.map(|why| SeriesFault::Undecodable { why }));
    Some(series)
}

/// The error where no CT was found: what the files were instead, and what to give.
fn nothing(paths: &[PathBuf], files: usize, set_aside: &[SetAside]) -> DicomError {
    let parts: Vec<String> = set_aside
        .iter()
        .map(|s| match (&s.reason, s.paths.len()) {
            (SetAsideReason::Unreadable(why), 1) => format!("{} cannot be read ({why})", name(&s.paths[0])),
            (SetAsideReason::Unreadable(why), n) => format!("{n} cannot be read ({why})"),
            (reason, 1) => format!("1 is {reason}"),
            (reason, n) => format!("{n} are {reason}"),
        })
        .collect();
    let hint = "give the folder or files of an axial CT series (CT Image Storage, or NIfTI in HU)";
    DicomError::NoCt { paths: paths.to_vec(), files, found: parts.join("; "), hint: hint.to_string() }
}

fn name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}
