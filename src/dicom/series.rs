//! A CT series: its header, its slices in order.

use super::nifti_series::file_name;
use super::problems::{SeriesFault, SeriesWarning};
use super::source::PackedMember;
use crate::nifti;
use crate::volume::Grid;
use std::path::PathBuf;

/// What the rest of the program needs to know of a series' headers. No patient name or identifier is kept here.
///
/// Text is empty where the file does not say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SeriesHeader {
    /// Study Instance UID.
    pub study_instance_uid: String,
    /// Series Instance UID.
    pub series_instance_uid: String,
    /// Frame of Reference UID: two objects with the same one share patient coordinates.
    pub frame_of_reference_uid: String,
    /// Maker of the scanner.
    pub manufacturer: String,
    /// Model of the scanner.
    pub model: String,
    /// Convolution kernel of the reconstruction.
    pub kernel: String,
    /// Tube voltage, kV.
    pub kvp: Option<f64>,
    /// Patient position on the table, for example `HFS`, `FFP`. Coordinates are the patient's whatever it says.
    pub patient_position: String,
    /// Series description as typed at the scanner.
    pub series_description: String,
    /// Body part examined, as the scanner's protocol says: often wrong.
    pub body_part: String,
    /// Nominal slice thickness, mm. Not the distance between slices: that is `grid.spacing_mm.z`.
    pub slice_thickness_mm: Option<f64>,
    /// The headers name a contrast agent.
    pub has_contrast: bool,
}

/// How the pixels of one image are stored and how they become HU.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredPixels {
    /// Transfer Syntax UID.
    pub transfer_syntax: String,
    /// Bits a pixel takes in the file: 8 or 16.
    pub bits_allocated: u16,
    /// Bits of these that carry the value.
    pub bits_stored: u16,
    /// Index of the highest bit that carries the value.
    pub high_bit: u16,
    /// Whether the value is two's complement.
    pub signed: bool,
    /// Rescale slope, HU per stored unit.
    pub slope: f64,
    /// Rescale intercept, HU.
    pub intercept: f64,
    /// First and last stored value (as raw bits) that mean "no data", where the file names them credibly.
    pub padding: Option<(u16, u16)>,
}

impl Default for StoredPixels {
    fn default() -> Self {
        StoredPixels {
            transfer_syntax: String::new(),
            bits_allocated: 16,
            bits_stored: 16,
            high_bit: 15,
            signed: true,
            slope: 1.0,
            intercept: 0.0,
            padding: None,
        }
    }
}

/// One stored image and where it belongs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SliceSource {
    /// The file; for a member of a zip archive the archive's path and the member's name.
    pub path: PathBuf,
    /// Where it lies in a zip archive.
    pub packed: Option<PackedMember>,
    /// Index of its frame in a multi-frame object; 0 in others.
    pub frame: usize,
    /// Number of frames of the object; 0 and 1 mean a single image.
    pub frames: usize,
    /// SOP Instance UID: what other objects (RTSTRUCT, SR) call this image.
    pub sop_instance_uid: String,
    /// Instance Number; never used for ordering.
    pub instance_number: Option<i64>,
    /// How its pixels are stored.
    pub stored: StoredPixels,
    /// Where its pixels were seen, if they are a plain part of a file; elsewhere they are looked for when they are read.
    pub pixels: Option<PixelPlace>,
}

/// Uncompressed little-endian pixels within a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PixelPlace {
    /// Offset of the first byte in the file.
    pub start: u64,
    /// Bytes the element says it has.
    pub length: u64,
    /// The element stands in explicit VR: 12 bytes before the first pixel, not 8.
    pub explicit: bool,
}

/// A CT series whose slices are sorted by position (`slices[k]` is slice `k` of `grid`, increasing towards the head
/// for axial series). `None` marks a position whose slice is missing.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What the headers say, taken from the lowest slice.
    pub header: SeriesHeader,
    /// Where the voxels of the loaded volume lie; its directions are perpendicular to one another.
    pub grid: Grid,
    /// One entry a position of the grid. All `None` where the grid's slices are not stored as images (sagittal stacks).
    pub slices: Vec<Option<SliceSource>>,
    /// How the stored images become the grid.
    pub layout: Layout,
    /// What is wrong with the series, in words a user can act on.
    pub warnings: Vec<SeriesWarning>,
    /// Everything that forbids measuring the series; [`Series::load`] refuses where there is anything.
    pub faults: Vec<SeriesFault>,
}

/// How the stored images of a series become the volume on its grid.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Layout {
    /// Image by image, as they are.
    #[default]
    Stacked,
    /// Rearranged by [`Series::load`].
    Rearranged {
        /// Where the voxels lie as they are stored.
        stored: Grid,
        /// One entry a stored slice. [`Series::slices`] holds the same where the slices of the grid are the stored ones.
        images: Vec<Option<SliceSource>>,
        /// The slices are sheared by a tilted gantry, and resampled on load along their true normal.
        straighten: bool,
        /// The slices are sagittal or coronal; the axes are reordered on load, which changes no value.
        turn: bool,
    },
    /// One NIfTI file; its axes are put in order on load, which changes no value.
    Nifti {
        /// What the file says of itself.
        header: Box<nifti::Header>,
        /// As above.
        straighten: bool,
    },
}

impl Series {
    /// Why the series must not be measured, with the remedies; `None` where it may be.
    pub fn unusable(&self) -> Option<String> {
        let all: Vec<String> = self.faults.iter().map(ToString::to_string).collect();
        (!all.is_empty()).then(|| all.join("\n"))
    }

    /// The stored images in the order of their positions.
    pub fn images(&self) -> &[Option<SliceSource>] {
        match &self.layout {
            Layout::Stacked | Layout::Nifti { .. } => &self.slices,
            Layout::Rearranged { images, .. } => images,
        }
    }

    /// The grid of the stored images.
    pub(crate) fn stored_grid(&self) -> &Grid {
        match &self.layout {
            Layout::Stacked => &self.grid,
            Layout::Rearranged { stored, .. } => stored,
            Layout::Nifti { header, .. } => &header.grid,
        }
    }

    /// What to call the series in a message: its UID, or the name of the file where there is none.
    pub fn label(&self) -> String {
        let file = || self.images().iter().flatten().next().map(|image| file_name(&image.path));
        match self.header.series_instance_uid.as_str() {
            "" => file().unwrap_or_default(),
            uid => uid.to_string(),
        }
    }

    /// Patient z (mm) of the first voxel of slice `k`.
    pub fn z_mm(&self, k: usize) -> f64 {
        self.grid.origin_mm.z + self.grid.directions[(2, 2)] * self.grid.spacing_mm.z * k as f64
    }
}
