//! Why an input cannot be used, and what to do about it.

use super::problems::count;
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
