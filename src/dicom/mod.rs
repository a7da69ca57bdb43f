//! The outside world in: files to series, headers to typed values, stored pixels to HU.
//!
//! ```no_run
//! # fn main() -> Result<(), corticalysis::dicom::DicomError> {
//! let found = corticalysis::dicom::discover(&["study".into()], &|_done, _of| {})?;
//! let volume = found.series[0].load(&|_done, _of| {})?; // HU on a grid in patient millimetres
//! # Ok(()) }
//! ```
//!
//! What is read:
//!
//! | stored as | |
//! |---|---|
//! | CT Image Storage, little endian, 8 or 16 bits, signed or not | by hand, in parallel |
//! | big endian, deflated, RLE, JPEG (8 bit and lossless), JPEG 2000 | through the codecs of dicom-rs |
//! | JPEG-LS, JPEG with 12 bits, progressive JPEG | refused, with what to do |
//! | Enhanced (multi-frame) CT | set aside: not supported yet |
//! | RTSTRUCT, SEG and other objects | counted and listed, not read here |

mod codecs;
mod discover;
mod encapsulated;
mod error;
mod functional_groups;
mod header;
mod load;
mod native;
#[cfg(test)]
mod odd_files;
mod series;
mod source;
mod stack;

pub use discover::{Discovery, SetAside, SetAsideReason, discover};
pub use error::DicomError;
pub use series::{Series, SeriesHeader, SeriesWarning, SliceSource, StoredPixels};
pub use source::PackedMember;
