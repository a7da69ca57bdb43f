//! Why an input cannot be used, and what to do about it.

use super::problems::count;
use crate::volume::Grid;
use std::path::PathBuf;
use thiserror::Error;

/// An input that cannot be used. The text names the path or the series, says what is wrong and ends with a hint.
#[derive(Debug, Error)]
pub enum DicomError {
    /// A path that was asked for does not exist.
    #[error("{}: no such file or folder\nhint: check the spelling; a path with spaces needs quotes", path.display())]
    PathMissing {
        /// The path as given.
        path: PathBuf,
    },
    /// A path that was asked for exists but cannot be read.
    #[error("{}: cannot be read: {why}\nhint: check the permissions, or copy it to a local folder first", path.display())]
    Unreadable {
        /// The path as given.
        path: PathBuf,
        /// What the operating system said.
        why: String,
    },
    /// The paths given hold no file at all.
    #[error("{}: no files there\nhint: give the folder that holds the DICOM files of the CT", list(paths))]
    Empty {
        /// The paths as given.
        paths: Vec<PathBuf>,
    },
    /// Files were found, but no CT image that can be placed in the patient.
    #[error("{}: no CT series among {}: {found}\nhint: {hint}", list(paths), count(*files, "file"))]
    NoCt {
        /// The paths as given.
        paths: Vec<PathBuf>,
        /// How many files were looked at.
        files: usize,
        /// What they were instead, for example `3 files are not DICOM; 1 is RTSTRUCT`.
        found: String,
        /// What to give instead.
        hint: String,
    },
    /// A CT series that was found but must not be measured.
    #[error("series {series}: {why}")]
    Unusable {
        /// Series Instance UID.
        series: String,
        /// Reason and remedy.
        why: String,
    },
    /// A NIfTI file that cannot be read.
    #[error("{}: {why}\nhint: {hint}", path.display())]
    Nifti {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// What to do.
        hint: String,
    },
    /// A file of regions (RTSTRUCT, SEG, mask) that cannot be read, or holds what cannot be placed.
    #[error("{}: {why}\nhint: {hint}", path.display())]
    Regions {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// What to do.
        hint: String,
    },
    /// A mask whose voxels are not those of the CT.
    #[error(
        "{}: its voxels are not those of the CT: {difference}\n  mask: {mask}\n  CT:   {ct}\n\
         hint: resample it to the CT with the nearest neighbour, or give the CT that it was made on",
        path.display()
    )]
    Geometry {
        /// The file.
        path: PathBuf,
        /// In one clause: what differs, and how much is let pass.
        difference: String,
        /// Grid of the mask.
        mask: Box<Grid>,
        /// Grid of the CT.
        ct: Box<Grid>,
    },
    /// Regions drawn in other patient coordinates.
    #[error(
        "{}: drawn in the frame of reference {of_regions:?}, the CT has {of_ct:?}: the coordinates are not the same\n\
         hint: give the CT that the regions were drawn on, or export them anew on this one",
        path.display()
    )]
    OtherFrame {
        /// The file.
        path: PathBuf,
        /// Frame of Reference UID of the regions.
        of_regions: String,
        /// Frame of Reference UID of the CT.
        of_ct: String,
    },
    /// A region that was asked for by name and is in none of the files.
    #[error("no region {given:?} among the inputs\nhint: {hint}")]
    NoSuchRegion {
        /// The name that was asked for.
        given: String,
        /// The nearest name, and all there are.
        hint: String,
    },
    /// One slice of a series whose pixels cannot be read.
    #[error("{}: slice {slice} (z = {z_mm:.1} mm): {why}\nhint: {hint}", path.display())]
    Slice {
        /// The file.
        path: PathBuf,
        /// Index in the series, counted from 0 at the end nearest the feet.
        slice: usize,
        /// Patient z of the slice's first voxel, mm.
        z_mm: f64,
        /// What is wrong with it.
        why: String,
        /// What to do.
        hint: String,
    },
}

impl DicomError {
    /// Exit status of the program for this error: 3, the input cannot be used.
    pub fn exit_status(&self) -> u8 {
        3
    }
}

/// The first paths by name, the rest by number: a shell glob can give thousands.
fn list(paths: &[PathBuf]) -> String {
    let mut text = paths.iter().take(3).map(|p| p.display().to_string()).collect::<Vec<_>>().join(", ");
    if paths.len() > 3 {
        text.push_str(&format!(" and {} more", paths.len() - 3));
    }
    text
}
