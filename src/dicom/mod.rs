//! The outside world in: files to series, headers to typed values, stored pixels to HU.
//!
//! ```no_run
//! # fn main() -> Result<(), corticalysis::dicom::DicomError> {
//! let found = corticalysis::dicom::discover(&["study".into()], &|_done, _of| {})?;
//! let volume = found.series[0].load(&|_done, _of| {})?; // HU on a grid in patient millimetres
//! # Ok(()) }
//! ```
//!
//! What is read and what is refused, with the test behind each: `docs/dicom.md`. In short: CT and enhanced CT images in
//! every transfer syntax of CT archives, as files, in zip archives or by a DICOMDIR; sheared stacks are straightened and
//! sagittal ones reordered; a CT may also be one NIfTI file. RTSTRUCT and SEG objects and NIfTI masks give regions on the
//! grid of a series ([`find_region`], [`read_mask`]); other objects are counted. No patient name or
//! identifier is kept ([`Series::identity`] reads them when asked). The way back out is [`mod@write`].

mod choice;
mod codecs;
mod discover;
mod elements;
mod encapsulated;
mod error;
mod functional_groups;
mod header;
mod hu_scale;
mod identity;
mod inputs;
mod kernel;
mod load;
mod media_directory;
mod native;
mod nested;
mod nifti_series;
#[cfg(test)]
mod odd_files;
mod problems;
mod regions;
mod rtstruct;
mod seg;
mod series;
mod source;
mod stack;
pub mod write;

pub use choice::choose;
pub use discover::{Discovery, SetAside, SetAsideReason, discover};
pub use error::DicomError;
pub use identity::PatientIdentity;
pub use kernel::blur_of_kernel_mm;
pub use nifti_series::is_named_so as is_nifti_name;
pub use problems::{SeriesFault, SeriesWarning};
pub use regions::{PlacedRegion, RegionFile, RegionKind, RegionName, find_region, read_mask};
pub use series::{Layout, PixelPlace, Series, SeriesHeader, SliceSource, StoredPixels};
pub use source::PackedMember;
