//! What is missing: reference, loss per sector, lesions, percentages with intervals.

mod assess;
mod circumference;
pub mod end;
mod fingers;
mod intact;
mod interval;
mod kriging;
mod lesions;
mod named;
pub mod neck;
pub mod other_side;
mod patches;
mod permeation;
mod prepared;
mod running_out;
mod surface;
mod tapers;
mod twin;
mod words;

use crate::estimate::Estimate;
use crate::language::Sentence;

pub use crate::scores::mirels::LesionType;
pub use assess::{Assessed, assess};
pub use named::{REGION_MARGIN_MM, Restriction, restrict};
pub use prepared::prepare;

/// Which intact bone the loss is measured against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReferenceChoice {
    /// The contralateral bone if it can be trusted, otherwise the same bone.
    #[default]
    Auto,
    /// The same bone of the other side, mirrored and registered.
    Contralateral,
    /// The same bone above and below the lesion.
    Ipsilateral,
}

/// Where the intact cortex is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferenceKind {
    /// The same bone: its healthy walls above, below and beside what is lost.
    Ipsilateral,
    /// The mirrored, registered bone of the other side.
    Contralateral,
}

/// The intact cortex, per slice and sector, on the same layout as [`crate::cortex::Cortex::slices`].
#[derive(Debug, Clone)]
pub struct Reference {
    pub kind: ReferenceKind,
    /// In words: what it is made of and whether it can be trusted.
    pub note: Sentence,
    /// Expected mass per sector, mm².
    pub mass_mm2: Vec<Vec<f32>>,
    /// Expected wall thickness, mm.
    pub thickness_mm: Vec<Vec<f32>>,
    /// Patient z in the bone of the other side of the place that is homologous to each slice, mm; `None` where the two were
    /// not registered. Registered is not believed: `kind` tells which bone is the reference.
    pub homologous_z_mm: Option<Vec<f64>>,
}

/// Both percentages of one measured slice.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SliceLysis {
    /// Share of the slice's cortical mass that is gone, percent.
    pub axial_percent: Estimate,
    /// Share of the periosteal contour that lost more than the chosen depth, percent.
    pub circumferential_percent: Estimate,
    /// The same at the fixed depths 0.30, 0.50 and 0.99, percent.
    pub circumferential_by_depth: [f64; 3],
    pub cortical_area_mm2: f64,
    pub reference_area_mm2: f64,
    pub mean_thickness_mm: f64,
    pub reference_thickness_mm: f64,
}

/// A connected patch of lost (or added) cortex on the unrolled map.
#[derive(Debug, Clone)]
pub struct Lesion {
    pub id: usize,
    pub z_range_mm: [f64; 2],
    /// Longest run along the bone's axis at one sector.
    pub axial_extent_mm: Estimate,
    /// Extent along the bone's axis over all sectors.
    pub height_mm: Estimate,
    pub through_the_wall: bool,
    pub max_axial_lysis_percent: Estimate,
    pub max_circumferential_lysis_percent: Estimate,
    /// What fills the lesion.
    pub kind: LesionType,
    pub size_fraction_of_cortex: f64,
    pub size_fraction_of_diameter: f64,
    /// Name of the outlined region that it belongs to, where regions were given.
    pub region: Option<String>,
    /// Per slice of the cortex, per sector: does the lesion cover it.
    pub cells: Vec<(usize, usize)>,
}

/// All that is known of the loss in one bone.
#[derive(Debug, Clone)]
pub struct Lysis {
    pub reference: Reference,
    /// Loss 0..1 per slice and sector; NaN where not measured.
    pub loss: Vec<Vec<f32>>,
    /// Per slice of the cortex; `None` where not measured.
    pub slices: Vec<Option<SliceLysis>>,
    pub lesions: Vec<Lesion>,
}
