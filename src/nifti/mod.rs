//! NIfTI-1 in: one file (`.nii`, `.nii.gz`) to a header with its grid, and its values row by row; and masks out.
//!
//! # Assumptions
//! Three dimensions, millimetres. The place in the patient is the sform's where there is one, else the qform's; NIfTI's
//! patient axes (RAS) are turned into those of this program (LPS). Values are `scl_slope · stored + scl_inter`.
//!
//! Read here rather than by a crate: whatever a header claims is checked before room is made for it, nothing panics, and
//! no more than one row is held, so that a mask costs no copy of the volume.
//!
//! # Source
//! `nifti1.h` (R. W. Cox, NIfTI Data Format Working Group), and its notes on methods 2 and 3 of orientation.

mod header;
mod values;
mod write;

pub use header::{Affine, Datatype, Header, read_header};
pub use values::{first_values, for_each_row};
pub use write::mask_bytes;

use std::fmt;

/// Why a NIfTI file cannot be used, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NiftiError {
    /// What is wrong.
    pub why: String,
    /// The remedy.
    pub hint: &'static str,
}

impl NiftiError {
    fn new(why: impl Into<String>, hint: &'static str) -> Self {
        Self { why: why.into(), hint }
    }
}

impl fmt::Display for NiftiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\nhint: {}", self.why, self.hint)
    }
}

impl std::error::Error for NiftiError {}

const COPY_AGAIN: &str = "copy or export this file again";
const CONVERT: &str = "save it as a single three-dimensional NIfTI-1 file in millimetres (.nii or .nii.gz)";
