//! Voxels and where they lie: one affine grid type in DICOM patient coordinates (LPS, millimetres).
//!
//! Everything downstream speaks patient millimetres; only this module turns them into indices.

mod detached;
mod distance;
mod min_cut;
mod reading;
mod region;
mod sections;
mod straighten;
mod turn;
mod voxels;

pub use distance::squared_distance_mm2;
pub use min_cut::{CutGraph, DIRECTIONS, NO_NODE};
pub use reading::{between_pixels, highest};
pub(crate) use region::runs_of_row;
pub use region::{NamedRegion, Region, Run};
pub use sections::{Attached, Detached, EXTENT_DIRECTIONS, Section, sections, sections_detached, sections_within};
pub use straighten::{straighten, straightened_grid};
pub use turn::{AxisOrder, axial_order, towards, turn, turn_axial};
pub use voxels::Voxels;

use bytemuck::Pod;
use nalgebra::{Matrix3, Point3, Vector3};
use std::fmt;

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

    /// Largest distance (mm) of a voxel from the voxel of the same index in another grid; infinite where the sizes differ.
    pub fn furthest_apart_mm(&self, other: &Grid) -> f64 {
        if self.size != other.size {
            return f64::INFINITY;
        }
        // Both are affine, so it is furthest at one of the corners.
        let corner = |bits: usize| {
            let at =
                Vector3::from_fn(|a, _| if bits >> a & 1 == 1 { self.size[a].saturating_sub(1) as f64 } else { 0.0 });
            (self.to_patient(at) - other.to_patient(at)).norm()
        };
        (0..8).map(corner).fold(0.0, f64::max)
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

/// For a message: size, spacing, origin and directions.
impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No minus before a zero that only rounding left of the origin.
        let tidy = |v: f64, digits: i32| (v * 10f64.powi(digits)).round() / 10f64.powi(digits) + 0.0;
        let direction = |a: usize| {
            let d = self.directions.column(a);
            format!("({} {} {})", tidy(d.x, 3), tidy(d.y, 3), tidy(d.z, 3))
        };
        let (n, s, o) = (self.size, self.spacing_mm, self.origin_mm);
        write!(f, "{} × {} × {} voxels of {:.4} × {:.4} × {:.4} mm, ", n[0], n[1], n[2], s.x, s.y, s.z)?;
        write!(f, "first at ({:.2}, {:.2}, {:.2}) mm, ", tidy(o.x, 2), tidy(o.y, 2), tidy(o.z, 2))?;
        write!(f, "directions {} {} {}", direction(0), direction(1), direction(2))
    }
}

/// Voxels on a [`Grid`], column index fastest, then row, then slice.
#[derive(Debug, Clone)]
pub struct Volume<T: Pod> {
    /// Geometry.
    pub grid: Grid,
    /// `grid.len()` values; HU for CT, [`NO_DATA`] where there is none.
    pub voxels: Voxels<T>,
}

impl<T: Pod> Volume<T> {
    /// The voxels of slice `k`, row by row.
    pub fn slice(&self, k: usize) -> &[T] {
        let n = self.grid.size[0] * self.grid.size[1];
        &self.voxels[k * n..(k + 1) * n]
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One axial slice, HU from in-plane millimetres.
    pub fn slice_of(size: [usize; 2], spacing_mm: [f64; 2], hu: impl Fn(f64, f64) -> i16) -> Volume<i16> {
        let grid = Grid {
            size: [size[0], size[1], 1],
            origin_mm: Point3::origin(),
            directions: Matrix3::identity(),
            spacing_mm: Vector3::new(spacing_mm[0], spacing_mm[1], 1.0),
        };
        let voxels = (0..size[0] * size[1])
            .map(|p| hu((p % size[0]) as f64 * spacing_mm[0], (p / size[0]) as f64 * spacing_mm[1]))
            .collect();
        Volume { grid, voxels }
    }

    /// Slices on top of each other, 1 mm apart.
    pub fn stack_of(slices: usize, slice: impl Fn(usize) -> Volume<i16>) -> Volume<i16> {
        let mut grid = slice(0).grid;
        grid.size[2] = slices;
        Volume { grid, voxels: (0..slices).flat_map(|k| slice(k).voxels.to_vec()).collect() }
    }

    /// All 48 ways to lay the three axes along the patient's, either way round.
    pub fn orientations() -> Vec<Matrix3<f64>> {
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        let axis = |a: usize, sign: f64| Vector3::from_fn(|r, _| if r == a { sign } else { 0.0 });
        orders
            .iter()
            .flat_map(|o| {
                (0..8).map(move |bits| {
                    let sign = |b: usize| if bits >> b & 1 == 1 { -1.0 } else { 1.0 };
                    Matrix3::from_columns(&[axis(o[0], sign(0)), axis(o[1], sign(1)), axis(o[2], sign(2))])
                })
            })
            .collect()
    }

    proptest! {
        #[test]
        fn index_and_patient_position_undo_each_other(
            which in 0usize..48,
            spacing in prop::array::uniform3(0.2f64..6.0),
            origin in prop::array::uniform3(-900.0f64..900.0),
            index in prop::array::uniform3(-20.0f64..600.0),
            shear in -0.3f64..0.3,
        ) {
            let mut directions = orientations()[which];
            // Gantry tilt: the stacking direction is not the slices' normal.
            let tilted = (directions.column(2) + shear * directions.column(1)).normalize();
            directions.set_column(2, &tilted);
            let grid = Grid {
                size: [10, 10, 10],
                origin_mm: Point3::from(origin),
                directions,
                spacing_mm: Vector3::from(spacing),
            };
            let back = grid.to_index(grid.to_patient(Vector3::from(index)));
            prop_assert!((back - Vector3::from(index)).norm() < 1e-6);
        }
    }
}
