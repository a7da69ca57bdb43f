//! Reordering the axes of a volume so that its slices follow one another towards the head. No value is changed.

use super::{Grid, Volume};
use nalgebra::Matrix3;
use rayon::prelude::*;

/// Which stored axes become column, row and slice, and which of them come in reverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AxisOrder {
    /// Stored axis of the new column, row and slice index.
    pub axes: [usize; 3],
    /// The new column, row and slice index counts its stored axis backwards.
    pub reversed: [bool; 3],
}

/// The order that makes the axis nearest to the body's the last, upwards; the other two keep theirs.
pub fn axial_order(grid: &Grid) -> AxisOrder {
    let z = |axis: usize| grid.directions[(2, axis)];
    // Of equals the later axis: an axial volume stays as it is.
    let slice = [2, 1, 0].into_iter().fold(2, |best, axis| if z(axis).abs() > z(best).abs() { axis } else { best });
    let [column, row] = match slice {
        0 => [1, 2],
        1 => [0, 2],
        _ => [0, 1],
    };
    AxisOrder { axes: [column, row, slice], reversed: [false, false, z(slice) < 0.0] }
}

/// The order in which column, row and slice run along the columns of `directions` as nearly as any order lets them.
pub fn towards(grid: &Grid, directions: &Matrix3<f64>) -> AxisOrder {
    const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let along = |stored: usize, wanted: usize| grid.directions.column(stored).dot(&directions.column(wanted));
    let agreement = |axes: &[usize; 3]| (0..3).map(|to| along(axes[to], to).abs()).sum::<f64>();
    // Of equals the first: axes that lie right stay as they are.
    let first = ORDERS[0];
    let best = |best: [usize; 3], axes: [usize; 3]| if agreement(&axes) > agreement(&best) { axes } else { best };
    let axes = ORDERS.into_iter().fold(first, best);
    AxisOrder { axes, reversed: [0, 1, 2].map(|to| along(axes[to], to) < 0.0) }
}

impl AxisOrder {
    /// The grid of the reordered voxels: every voxel keeps its place in the patient.
    pub fn grid(self, stored: &Grid) -> Grid {
        let mut grid = Grid {
            size: self.axes.map(|axis| stored.size[axis]),
            origin_mm: stored.origin_mm,
            directions: stored.directions,
            spacing_mm: stored.spacing_mm,
        };
        for (to, from) in self.axes.into_iter().enumerate() {
            grid.directions.set_column(to, &stored.directions.column(from));
            grid.spacing_mm[to] = stored.spacing_mm[from];
        }
        for axis in (0..3).filter(|axis| self.reversed[*axis]) {
            let along = grid.directions.column(axis).into_owned();
            grid.origin_mm += along * (grid.spacing_mm[axis] * grid.size[axis].saturating_sub(1) as f64);
            grid.directions.set_column(axis, &-along);
        }
        grid
    }
}

/// The volume in [`axial_order`].
pub fn turn_axial(volume: &Volume<i16>) -> Volume<i16> {
    turn(volume, axial_order(&volume.grid))
}

/// The volume with its axes in this order.
pub fn turn(volume: &Volume<i16>, order: AxisOrder) -> Volume<i16> {
    let grid = order.grid(&volume.grid);
    let stored = volume.grid.size;
    let strides = [1, stored[0], stored[0] * stored[1]];
    let [right, down, up] = order.axes.map(|axis| strides[axis]);
    let (from, mut voxels) = (&volume.voxels[..], vec![0; grid.len()]);
    voxels.par_chunks_mut((grid.size[0] * grid.size[1]).max(1)).enumerate().for_each(|(k, out)| {
        let counted = |axis: usize, n: usize| if order.reversed[axis] { grid.size[axis] - 1 - n } else { n };
        let k = counted(2, k);
        for (j, row) in out.chunks_mut(grid.size[0].max(1)).enumerate() {
            let j = counted(1, j);
            for (i, voxel) in row.iter_mut().enumerate() {
                let i = counted(0, i);
                *voxel = from[i * right + j * down + k * up];
            }
        }
    });
    Volume { grid, voxels: voxels.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::tests::orientations;
    use nalgebra::{Point3, Vector3};

    #[test]
    fn every_voxel_keeps_its_place_in_all_48_orientations() {
        for directions in orientations() {
            let grid = Grid {
                size: [2, 3, 4],
                origin_mm: Point3::new(5.0, -7.0, 11.0),
                directions,
                spacing_mm: Vector3::new(0.5, 0.75, 2.0),
            };
            let volume = Volume { voxels: (0..24).collect(), grid };
            let axial = turn_axial(&volume);
            assert!(axial.grid.directions[(2, 2)] > 0.99);
            let upright = turn(&volume, towards(&volume.grid, &Matrix3::identity()));
            assert!((upright.grid.directions - Matrix3::identity()).amax() < 1e-12);
            for turned in [axial, upright] {
                for (n, value) in turned.voxels.iter().enumerate() {
                    let [a, b, _] = turned.grid.size;
                    let at = Vector3::new((n % a) as f64, (n / a % b) as f64, (n / (a * b)) as f64);
                    let back = volume.grid.to_index(turned.grid.to_patient(at)).map(f64::round);
                    assert_eq!(f64::from(*value), back.x + 2.0 * back.y + 6.0 * back.z);
                }
            }
        }
    }
}
