//! A CT series: its header, its slices in order, and how to load its voxels.
use crate::volume::{Grid, Volume};
use std::path::PathBuf;

/// What the rest of the program needs to know of a series' headers. No patient name or identifier is kept here.
#[derive(Debug, Clone, Default)]
pub struct SeriesHeader {
    pub study_instance_uid: String,
    pub series_instance_uid: String,
    pub frame_of_reference_uid: String,
    pub manufacturer: String,
    pub model: String,
    pub kernel: String,
    pub kvp: Option<f64>,
    pub patient_position: String,
    pub series_description: String,
    pub body_part: String,
    pub slice_thickness_mm: Option<f64>,
}

/// One stored image and where it belongs.
#[derive(Debug, Clone)]
pub struct SliceSource {
    pub path: PathBuf,
    pub sop_instance_uid: String,
    pub instance_number: Option<i64>,
}

/// A CT series whose slices are sorted by position (`slices[k]` is slice `k` of `grid`, increasing towards the head
/// for axial series). `None` marks a position whose slice is missing.
#[derive(Debug, Clone)]
pub struct Series {
    pub header: SeriesHeader,
    pub grid: Grid,
    pub slices: Vec<Option<SliceSource>>,
    /// What is wrong with the series, in words a user can act on.
    pub warnings: Vec<String>,
}

impl Series {
    /// Reads the pixels as HU.
    pub fn load(&self) -> anyhow::Result<Volume<i16>> {
        todo!()
    }
}
