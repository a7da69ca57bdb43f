//! A CT series: its header, its slices in order, what is wrong with it.

use super::source::PackedMember;
use crate::volume::Grid;
use std::fmt;
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
}

/// A CT series whose slices are sorted by position (`slices[k]` is slice `k` of `grid`, increasing towards the head
/// for axial series). `None` marks a position whose slice is missing.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What the headers say, taken from the lowest slice.
    pub header: SeriesHeader,
    /// Where the voxels lie. With a tilted gantry the third direction is not perpendicular to the other two.
    pub grid: Grid,
    /// One entry a position of the grid.
    pub slices: Vec<Option<SliceSource>>,
    /// What is wrong with the series, in words a user can act on.
    pub warnings: Vec<SeriesWarning>,
    /// Why the series must not be measured, with the remedy; [`Series::load`] refuses then.
    pub unusable: Option<String>,
}

impl Series {
    /// Patient z (mm) of the first voxel of slice `k`.
    pub fn z_mm(&self, k: usize) -> f64 {
        self.grid.origin_mm.z + self.grid.directions[(2, 2)] * self.grid.spacing_mm.z * k as f64
    }
}

/// A flaw of a series that does not forbid measuring. `Display` gives the sentence for the user.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum SeriesWarning {
    /// Positions without an image; they are filled with "no data".
    MissingSlices {
        /// Patient z of each missing slice, mm.
        z_mm: Vec<f64>,
    },
    /// Several images at one position; the lowest instance number was kept.
    DuplicatePositions {
        /// How many images were left out.
        dropped: usize,
        /// Patient z of the positions concerned, mm.
        z_mm: Vec<f64>,
    },
    /// The same image stored in more than one file.
    CopiedFiles {
        /// How many files were left out.
        dropped: usize,
    },
    /// The series holds several acquisitions that overlap; this is one of them.
    OneOfSeveralAcquisitions {
        /// Acquisition Number of this part.
        acquisition: i64,
        /// How many parts there are.
        of: usize,
    },
    /// Slices are stacked at an angle to their normal. The geometry accounts for it.
    GantryTilt {
        /// Angle between the stacking direction and the slice normal.
        degrees: f64,
    },
    /// Slice positions jitter about a uniform spacing.
    PositionJitter {
        /// Largest deviation, mm.
        mm: f64,
    },
    /// Slope or intercept missing: 1 and 0 were taken.
    NoRescale {
        /// Number of slices concerned.
        slices: usize,
    },
    /// Rescaled values are not said to be HU.
    NotHounsfield {
        /// Rescale Type as stored.
        unit: String,
    },
    /// The padding value stands for tissue and was not believed.
    PaddingIgnored {
        /// What it would be in HU.
        hu: f64,
    },
    /// Compressed with loss at some time: thin cortex may be blurred.
    LossyCompression,
}

impl fmt::Display for SeriesWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingSlices { z_mm } => {
                write!(f, "{} missing, not measured there: z = {}", count(z_mm.len(), "slice"), places(z_mm))
            }
            Self::DuplicatePositions { dropped, z_mm } => write!(
                f,
                "{} at a position already taken, the lowest instance number was kept: z = {}",
                count(*dropped, "image"),
                places(z_mm)
            ),
            Self::CopiedFiles { dropped } => {
                write!(f, "{} left out: a copy of an image already read", count(*dropped, "file"))
            }
            Self::OneOfSeveralAcquisitions { acquisition, of } => write!(
                f,
                "acquisition {acquisition} of a series that holds {of} overlapping ones, listed apart: choose the right one"
            ),
            Self::GantryTilt { degrees } => {
                write!(f, "gantry tilt: slices are stacked {degrees:.1} degrees off their normal (accounted for)")
            }
            Self::PositionJitter { mm } => write!(f, "slice positions deviate by up to {mm:.2} mm from even spacing"),
            Self::NoRescale { slices } => write!(
                f,
                "no usable rescale slope or intercept in {}: stored values were taken as HU",
                count(*slices, "slice")
            ),
            Self::NotHounsfield { unit } => {
                write!(f, "pixel values are said to be in {unit:?}, not HU: densities may be wrong")
            }
            Self::PaddingIgnored { hu } => {
                write!(f, "the padding value would be {hu:.0} HU, which is tissue: ignored")
            }
            Self::LossyCompression => f.write_str(
                "compressed with loss: thin cortex may be blurred; use the original images if there are any",
            ),
        }
    }
}

/// `1 slice`, `2 slices`.
pub(crate) fn count(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// The first few z positions, with how many more there are.
fn places(z_mm: &[f64]) -> String {
    let mut text = z_mm.iter().take(5).map(|z| format!("{z:.1}")).collect::<Vec<_>>().join(", ");
    if z_mm.len() > 5 {
        text.push_str(&format!(" and {} more", z_mm.len() - 5));
    }
    text + " mm"
}
