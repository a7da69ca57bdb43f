//! What can be wrong with a series: what is said of it, and what forbids measuring it.

use std::fmt;

/// A flaw that forbids measuring a series. `Display` gives the sentence for the user, and the remedy as a hint.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum SeriesFault {
    /// The slices are neither axial nor sagittal nor coronal.
    Oblique {
        /// Angle between slice normal and body axis.
        degrees: f64,
    },
    /// Sagittal or coronal slices too far apart to be reordered to axial ones.
    CoarseReformat {
        /// Distance between the slices, mm.
        spacing_mm: f64,
    },
    /// One image.
    SingleSlice,
    /// Several images, all at one position.
    OnePosition {
        /// How many.
        images: usize,
    },
    /// Gaps that are no multiples of the usual one.
    UnevenSpacing {
        /// Patient z below each such gap and the gap, both mm.
        gaps_mm: Vec<(f64, f64)>,
        /// Distance of the other slices, mm.
        usual_mm: f64,
    },
    /// More holes than half the images.
    TooManyMissing {
        /// Images there are.
        images: usize,
        /// Positions they are spread over.
        positions: usize,
        /// Distance of these, mm.
        spacing_mm: f64,
    },
    /// Gaps each close to the usual one that add up to another position.
    DriftingSpacing {
        /// Largest distance from the even position, mm.
        mm: f64,
        /// Where, patient z, mm.
        z_mm: f64,
    },
    /// Slices that are shifted sideways.
    NotInLine {
        /// Largest shift, mm.
        mm: f64,
        /// Where, patient z, mm.
        z_mm: f64,
    },
    /// Slices stacked further off their normal than any gantry tilts.
    SteepTilt {
        /// Angle between stacking direction and slice normal.
        degrees: f64,
    },
    /// Axes of a NIfTI file that are not at right angles, other than by a tilted gantry.
    Sheared,
    /// A compression there is no codec for; what to do comes with it.
    Undecodable {
        /// Sentence and hint.
        why: String,
    },
    /// More voxels than are read, of the series or of one image.
    TooLarge {
        /// How many.
        voxels: u128,
    },
}

impl fmt::Display for SeriesFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Oblique { degrees } => write!(
                f,
                "its slices are {degrees:.0} degrees off the axial plane\nhint: give the axial images of this scan"
            ),
            Self::CoarseReformat { spacing_mm } => write!(
                f,
                "sagittal or coronal slices {spacing_mm:.1} mm apart: too far for axial sections\n\
                 hint: give the axial images of this scan"
            ),
            Self::SingleSlice => {
                f.write_str("a single slice: no bone can be followed\nhint: give the folder with the whole series")
            }
            Self::OnePosition { images } => write!(
                f,
                "all {images} images lie at one position: no bone can be followed\n\
                 hint: give the folder with the whole series"
            ),
            Self::UnevenSpacing { gaps_mm, usual_mm } => {
                let (z, gap) = gaps_mm.first().copied().unwrap_or_default();
                let more = match gaps_mm.len() {
                    0 | 1 => String::new(),
                    n => format!(" (and {} more)", count(n - 1, "such gap")),
                };
                write!(
                    f,
                    "uneven slice spacing: {gap:.2} mm at z = {z:.1} mm{more}, {usual_mm:.2} mm elsewhere\n\
                     hint: reconstruct with an even slice interval, or give only the files of one evenly spaced part"
                )
            }
            Self::TooManyMissing { images, positions, spacing_mm } => write!(
                f,
                "{} in {positions} positions {spacing_mm:.2} mm apart: too many are missing\n\
                 hint: export the whole series again, or give only the files of one unbroken part",
                count(*images, "slice")
            ),
            Self::DriftingSpacing { mm, z_mm } => write!(
                f,
                "slice spacing drifts: {mm:.2} mm off an even spacing at z = {z_mm:.1} mm\n\
                 hint: reconstruct with an even slice interval, or give only the files of one evenly spaced part"
            ),
            Self::NotInLine { mm, z_mm } => write!(
                f,
                "the slices do not lie in one line: {mm:.1} mm to the side at z = {z_mm:.1} mm\n\
                 hint: reconstruct all slices with the same centre, or give only the files of one part"
            ),
            Self::SteepTilt { degrees } => write!(
                f,
                "its slices are stacked {degrees:.0} degrees off their normal, more than a gantry tilts\n\
                 hint: export the series again; its positions or orientations are damaged"
            ),
            Self::Sheared => f.write_str(
                "its axes are not at right angles to one another, and not as a tilted gantry leaves them\n\
                 hint: give the original DICOM images, or resample it to a rectangular grid first",
            ),
            Self::Undecodable { why } => f.write_str(why),
            Self::TooLarge { voxels } => write!(
                f,
                "{voxels} voxels: no more than {} are read, and {} of one image\n\
                 hint: give only the files of the part with the bone",
                super::stack::MOST_VOXELS,
                super::stack::MOST_PIXELS
            ),
        }
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
    /// Slices are stacked at an angle to their normal; resampled along the true normal.
    GantryTilt {
        /// Angle between the stacking direction and the slice normal.
        degrees: f64,
    },
    /// Stored as sagittal or coronal slices; the axes were reordered, no value was changed.
    Turned {
        /// `sagittal` or `coronal`.
        plane: &'static str,
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
    /// Read from NIfTI, which names neither images nor scanner.
    FromNifti {
        /// Placed by the qform, because there is no sform.
        by_qform: bool,
    },
    /// A NIfTI file that does not say in which unit its lengths are.
    NoLengthUnit,
    /// A NIfTI file that says two things about where it lies.
    FormsDiffer {
        /// Largest distance between the two, mm.
        mm: f64,
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
            Self::GantryTilt { degrees } => write!(
                f,
                "gantry tilt: slices are stacked {degrees:.1} degrees off their normal; corrected by resampling along the true normal"
            ),
            Self::Turned { plane } => {
                write!(f, "stored as {plane} slices; reordered to axial ones, no value was changed")
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
            Self::FromNifti { by_qform } => write!(
                f,
                "read from NIfTI (placed by its {}): slices are numbered from the lowest, values are taken as HU, and \
                 there are no UIDs and nothing of the scanner",
                if *by_qform { "qform" } else { "sform" }
            ),
            Self::NoLengthUnit => f.write_str("the NIfTI file names no unit of length: millimetres were taken"),
            Self::FormsDiffer { mm } => write!(
                f,
                "sform and qform of the NIfTI file are up to {mm:.1} mm apart: the sform was taken, check the side"
            ),
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
