//! The wall of one bone: periosteal contour, thickness and mass per sector, the unrolled cortex.

pub mod contour;
mod course;
pub mod end;
mod limits;
mod measure;
pub mod neck;
pub mod polar;
pub mod profile;
pub mod scanner;
pub mod unroll;
pub mod wall;

pub use measure::{first_scanner, measure, not_measured, slice_thickness_mm};

/// Sectors around the bone. Sector `s` looks from the bone's centre in the patient direction
/// `(cos θ, sin θ, 0)`, `θ = 2π (s + ½) / SECTORS`: 0° is left, 90° posterior, 180° right, 270° anterior.
pub const SECTORS: usize = 120;

/// Why a section of the bone has no numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotMeasured {
    /// The image border (or the edge of the reconstruction circle) cuts the bone here.
    CutByBorder,
    /// The section is no ring: joint, condyles, trochanters, or fused with a neighbour.
    NoRing,
    /// The wall is thinner than the scanner resolves (metaphysis, bone end).
    WallTooThin,
    /// The bone runs too obliquely through the slice.
    TooOblique,
    /// Metal, or its streaks.
    Metal,
    /// The canal is filled with something as dense as the wall (cement, dense sclerosis).
    CanalFilled,
    /// A fracture: the section shows both fragments, or the gap between them.
    Fracture,
    /// The bone ends here without a joint.
    BoneEnds,
    /// The slice is missing from the series.
    SliceMissing,
}

/// One native axial slice of the bone, unrolled.
#[derive(Debug, Clone, Default)]
pub struct CortexSlice {
    /// Slice index in the volume.
    pub slice_index: usize,
    /// Patient z of the slice at the bone's centre.
    pub z_mm: f64,
    /// Bone centre, patient x and y.
    pub centre_mm: [f64; 2],
    /// Angle between the bone's axis and the slice normal.
    pub tilt_deg: f64,
    /// Why the slice has no numbers; `None` when it is measured.
    pub not_measured: Option<NotMeasured>,
    /// In-plane distance from the centre to the (completed) periosteal contour, per sector.
    pub periosteal_radius_mm: Vec<f32>,
    /// Length of the periosteal contour in the sector, in the slice plane.
    pub arc_mm: Vec<f32>,
    /// Cortical mass per sector: equivalent area of full-density cortex in the slice plane, mm².
    pub mass_mm2: Vec<f32>,
    /// Wall thickness along the surface normal (obliquity corrected), mm.
    pub thickness_mm: Vec<f32>,
    /// Highest HU of the wall, per sector.
    pub peak_hu: Vec<f32>,
    /// Share of compact cortex in the wall, per sector; NaN where the wall is too thin to tell.
    pub density_share: Vec<f32>,
    /// Mean HU of what lies between the wall and the middle of the canal, per sector.
    pub canal_hu: Vec<f32>,
}

/// What the headers tell about how the image was made.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Acquisition {
    /// Length along the bone that one slice averages over; the slice spacing where unknown.
    pub slice_thickness_mm: Option<f64>,
    /// Full width at half maximum of the in-plane blur, as a first guess; the image's own edges have the last word.
    pub blur_fwhm_mm: Option<f64>,
}

/// The unrolled cortex of one bone, slices in order of increasing slice index.
#[derive(Debug, Clone)]
pub struct Cortex {
    /// HU of compact cortex in this patient.
    pub cortical_hu: f64,
    /// Blur and density that the image's own walls showed; `None` where nothing was measured.
    pub scanner: Option<scanner::Scanner>,
    /// Distance between neighbouring slices along the bone's axis is this over `cos(tilt_deg)`.
    pub slice_spacing_mm: f64,
    /// Slices of the bone, measured or not.
    pub slices: Vec<CortexSlice>,
}
