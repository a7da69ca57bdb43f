//! The truth file: what is really missing from each section of each bone. Written beside a phantom and beside a defect put
//! into a real CT, read by `evaluate`; others can write it too.
//!
//! Lengths are mm in the DICOM patient frame, percentages 0 to 100. Everything is defined on the bone before the scanner
//! blurred it, in the plane of the native slice. A file with `slices` at the top and no `bones` describes one bone whose
//! name is not told.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Name and version of the format.
pub const SCHEMA: &str = "corticalysis/truth/v1";

/// What is true of one CT series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Truth {
    /// [`SCHEMA`].
    #[serde(default)]
    pub schema: String,
    /// Name of the case.
    #[serde(default)]
    pub name: String,
    /// `geometry` when it comes from the shape before the scanner, `image` when it is cortical mass of an intact CT.
    #[serde(default)]
    pub source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series_instance_uid: Option<String>,
    /// What the CT was made from, so that it can be made again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub specification: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bones: Vec<BoneTruth>,
}

/// What is true of one bone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BoneTruth {
    /// `femur`, `humerus`, …; none where the maker did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bone: Option<String>,
    /// `left` or `right`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<String>,
    pub slices: Vec<SliceTruth>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lesions: Vec<LesionTruth>,
}

/// What is true of one native slice of one bone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SliceTruth {
    /// Patient z of the slice where the bone's axis crosses it, mm.
    pub z: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sop_instance_uid: Option<String>,
    /// Is the section a closed ring, so that the percentages mean something.
    #[serde(default = "yes")]
    pub ring: bool,
    /// Share of the section's cortical mass that is gone, percent.
    pub axial: f64,
    /// Share of the periosteal contour whose wall lost more than 30 %, percent.
    pub circ30: f64,
    /// The same at 50 %.
    pub circ50: f64,
    /// The same at 90 %.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub circ90: Option<f64>,
    /// The same at 99 %: through the wall.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub circ99: Option<f64>,
    /// Patient x and y where the bone's axis crosses the slice, mm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub centre_mm: Option<[f64; 2]>,
    /// Cortical area of the intact section in the slice plane, mm².
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intact_area_mm2: Option<f64>,
    /// Mean thickness of the wall that stands, along the surface normal, over the periosteal contour, mm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_thickness_mm: Option<f64>,
}

fn yes() -> bool {
    true
}

/// What is true of one lesion.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LesionTruth {
    /// Its shape, in the words of the specification.
    pub kind: String,
    /// `lytic`, `mixed` or `blastic`.
    #[serde(rename = "type")]
    pub type_: String,
    /// From lowest to highest z of the slices in which a sector lost more than 30 %, mm. None when there is none.
    pub z_range_mm: Option<[f64; 2]>,
    /// Longest run along the bone's axis of wall that lost more than 30 % at one sector, mm.
    pub axial_extent_mm: f64,
    /// Extent along the bone's axis over all sectors, mm.
    pub height_mm: f64,
    /// Is any of the wall gone to 99 %.
    pub through_the_wall: bool,
    pub max_axial_lysis_percent: f64,
    pub max_circumferential_lysis_percent: f64,
}
