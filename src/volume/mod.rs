//! Voxels and where they lie: one affine grid type in DICOM patient coordinates (LPS, millimetres).
//!
//! Everything downstream speaks patient millimetres; only this module turns them into indices.

mod sections;

pub use sections::{Section, sections};

use nalgebra::{Matrix3, Point3, Vector3};

/// Value of voxels for which the scanner gave no data (padding, outside the reconstruction circle, a missing slice).
pub const NO_DATA: i16 = i16::MIN;

/// Where the voxels of a volume lie in the patient.
///
/// Patient frame: DICOM LPS, millimetres (`+x` left, `+y` posterior, `+z` head). Voxel `(i, j, k)` is column `i`,
/// row `j`, slice `k`; its *centre* is at `origin_mm + directions * (i·spacing.x, j·spacing.y, k·spacing.z)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    /// Number of columns, rows and slices.
    pub size: [usize; 3],
    /// Patient position of the centre of voxel (0, 0, 0).
    pub origin_mm: Point3<f64>,
    /// Unit vectors along increasing column, row and slice index, as the columns of the matrix.
    pub directions: Matrix3<f64>,
    /// Distance between neighbouring voxel centres along column, row and slice index.
    pub spacing_mm: Vector3<f64>,
}

impl Grid {
    /// Patient position (mm) of a continuous voxel index.
    pub fn to_patient(&self, index: Vector3<f64>) -> Point3<f64> {
        self.origin_mm + self.directions * index.component_mul(&self.spacing_mm)
    }

    /// Continuous voxel index of a patient position (mm).
    pub fn to_index(&self, point_mm: Point3<f64>) -> Vector3<f64> {
        // Rows are not assumed orthogonal to the stacking direction (gantry tilt), hence the inverse.
        let inverse = self.directions.try_inverse().unwrap_or_else(|| self.directions.transpose());
        (inverse * (point_mm - self.origin_mm)).component_div(&self.spacing_mm)
    }

    /// Number of voxels.
    pub fn len(&self) -> usize {
        self.size.iter().product()
    }

    /// True when the grid holds no voxel.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Voxels on a [`Grid`], column index fastest, then row, then slice.
#[derive(Debug, Clone)]
pub struct Volume<T> {
    /// Geometry.
    pub grid: Grid,
    /// `grid.len()` values; HU for CT, [`NO_DATA`] where there is none.
    pub voxels: Vec<T>,
}

impl<T: Copy> Volume<T> {
    /// The voxels of slice `k`, row by row.
    pub fn slice(&self, k: usize) -> &[T] {
        let n = self.grid.size[0] * self.grid.size[1];
        &self.voxels[k * n..(k + 1) * n]
    }
}
