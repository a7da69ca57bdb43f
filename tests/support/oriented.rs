//! A volume as other systems would store it: its axes in all 48 orders and directions.

#![allow(dead_code)] // Each test binary uses its own part.

use corticalysis::volume::{Grid, Volume};
use nalgebra::{Matrix3, Vector3};

/// Which volume axis each stored axis (column, row, slice) runs along, and whether backwards.
pub type Orientation = ([usize; 3], [bool; 3]);

/// All 48.
pub fn orientations() -> Vec<Orientation> {
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let signs = |order: [usize; 3]| (0..8).map(move |bits| (order, [0, 1, 2].map(|b| bits >> b & 1 == 1)));
    orders.into_iter().flat_map(signs).collect()
}

/// The volume in that order; every voxel keeps its place in the patient.
pub fn stored<T: bytemuck::Pod>(volume: &Volume<T>, (axes, backwards): Orientation) -> Volume<T> {
    let from = &volume.grid;
    let columns: [Vector3<f64>; 3] = [0, 1, 2].map(|to| {
        let direction = from.directions.column(axes[to]).into_owned();
        if backwards[to] { -direction } else { direction }
    });
    let size = axes.map(|axis| from.size[axis]);
    let index = |at: [usize; 3]| {
        let mut voxel = [0; 3];
        for to in 0..3 {
            voxel[axes[to]] = if backwards[to] { size[to] - 1 - at[to] } else { at[to] };
        }
        voxel
    };
    let first = index([0, 0, 0]).map(|i| i as f64);
    let grid = Grid {
        size,
        origin_mm: from.to_patient(Vector3::from(first)),
        directions: Matrix3::from_columns(&columns),
        spacing_mm: Vector3::from(axes.map(|axis| from.spacing_mm[axis])),
    };
    let voxels = (0..grid.len()).map(|n| {
        let [i, j, k] = index([n % size[0], n / size[0] % size[1], n / (size[0] * size[1])]);
        volume.voxels[i + from.size[0] * (j + from.size[1] * k)]
    });
    let voxels = voxels.collect();
    Volume { grid, voxels }
}
