//! Reordering the axes of a volume so that its slices follow one another towards the head. No value is changed.

use super::{Grid, Volume};
use rayon::prelude::*;

/// Which stored axes become column, row and slice, and whether the slices come in reverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AxisOrder {
    /// Stored axis of the new column, row and slice index.
    pub axes: [usize; 3],
    /// The new slice index counts the stored axis backwards.
    pub reversed: bool,
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
    AxisOrder { axes: [column, row, slice], reversed: z(slice) < 0.0 }
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
        if self.reversed {
            let up = grid.directions.column(2).into_owned();
            grid.origin_mm += up * (grid.spacing_mm.z * grid.size[2].saturating_sub(1) as f64);
            grid.directions.set_column(2, &-up);
        }
        grid
    }
}

/// The volume in [`axial_order`].
pub fn turn_axial(volume: &Volume<i16>) -> Volume<i16> {
    let order = axial_order(&volume.grid);
    let grid = order.grid(&volume.grid);
    let stored = volume.grid.size;
    let strides = [1, stored[0], stored[0] * stored[1]];
    let [right, down, up] = order.axes.map(|axis| strides[axis]);
    let (from, mut voxels) = (&volume.voxels[..], vec![0; grid.len()]);
    voxels.par_chunks_mut((grid.size[0] * grid.size[1]).max(1)).enumerate().for_each(|(k, out)| {
        let k = if order.reversed { grid.size[2] - 1 - k } else { k };
        for (j, row) in out.chunks_mut(grid.size[0].max(1)).enumerate() {
            for (i, voxel) in row.iter_mut().enumerate() {
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
            let turned = turn_axial(&volume);
            assert!(turned.grid.directions[(2, 2)] > 0.99);
            for (n, value) in turned.voxels.iter().enumerate() {
                let [a, b, _] = turned.grid.size;
                let at = Vector3::new((n % a) as f64, (n / a % b) as f64, (n / (a * b)) as f64);
                let back = volume.grid.to_index(turned.grid.to_patient(at)).map(f64::round);
                assert_eq!(f64::from(*value), back.x + 2.0 * back.y + 6.0 * back.z);
            }
        }
    }
}
