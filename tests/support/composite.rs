//! Larger images put together from patients' CT and soft tissue: pieces mirrored, turned upside down, set elsewhere.

#![allow(dead_code)] // Each test binary uses its own part.

use corticalysis::volume::{Grid, NO_DATA, Volume};
use nalgebra::{Matrix3, Point3, Vector3};

/// HU of muscle and of air.
const SOFT_HU: i16 = 45;
const AIR_HU: i16 = -1000;
const LUNG_HU: i16 = -820;

/// How a piece is laid into a larger image.
#[derive(Debug, Clone, Copy)]
pub struct Laid {
    /// Left for right.
    pub mirrored: bool,
    /// Turned by 180° about the axis from right to left: as an arm that is raised.
    pub upside_down: bool,
    /// Where its middle comes to lie, patient mm.
    pub at_mm: [f64; 3],
    /// Size as a share of what it is.
    pub scale: f64,
}

impl Laid {
    pub fn at(at_mm: [f64; 3]) -> Laid {
        Laid { mirrored: false, upside_down: false, at_mm, scale: 1.0 }
    }

    /// The place of the piece, from its middle, that comes to lie at a place of the whole.
    fn back(&self, whole: Point3<f64>) -> Vector3<f64> {
        let mut from = (whole - Point3::from(self.at_mm)) / self.scale;
        if self.mirrored {
            from.x = -from.x;
        }
        if self.upside_down {
            (from.y, from.z) = (-from.y, -from.z);
        }
        from
    }
}

/// An image of air, of this size (mm) about the frame's origin.
pub fn air(size_mm: [f64; 3], spacing_mm: Vector3<f64>) -> Volume<i16> {
    let size: [usize; 3] = std::array::from_fn(|a| (size_mm[a] / spacing_mm[a]) as usize);
    let origin_mm = Point3::from(Vector3::from_fn(|a, _| -0.5 * (size[a] - 1) as f64 * spacing_mm[a]));
    let grid = Grid { size, origin_mm, directions: Matrix3::identity(), spacing_mm };
    Volume { voxels: vec![AIR_HU; grid.len()].into(), grid }
}

/// Adds an elliptic column of soft tissue: middle, half axes, all mm.
pub fn add_soft(whole: &mut Volume<i16>, middle_mm: [f64; 3], half_mm: [f64; 3]) {
    change_near(whole, middle_mm, half_mm, |at, hu| {
        let off = at - Point3::from(middle_mm);
        if (off.x / half_mm[0]).hypot(off.y / half_mm[1]) <= 1.0 && off.z.abs() <= half_mm[2] {
            *hu = SOFT_HU;
        }
    });
}

/// Goes through the voxels of a box about a place, patient mm, in an image whose axes are the patient's.
fn change_near(
    whole: &mut Volume<i16>,
    middle_mm: [f64; 3],
    half_mm: [f64; 3],
    mut change: impl FnMut(Point3<f64>, &mut i16),
) {
    let grid = whole.grid.clone();
    let end = |a: usize, sign: f64| {
        let at = (middle_mm[a] + sign * half_mm[a] - grid.origin_mm[a]) / grid.spacing_mm[a];
        (at + sign).clamp(0.0, grid.size[a] as f64 - 1.0) as usize
    };
    let [columns, rows, _] = grid.size;
    for k in end(2, -1.0)..=end(2, 1.0) {
        for j in end(1, -1.0)..=end(1, 1.0) {
            for i in end(0, -1.0)..=end(0, 1.0) {
                let at = grid.to_patient(Vector3::new(i as f64, j as f64, k as f64));
                change(at, &mut whole.voxels[(k * rows + j) * columns + i]);
            }
        }
    }
}

/// Lays a piece into the image; only what is not air is copied.
pub fn lay(whole: &mut Volume<i16>, piece: &Volume<i16>, laid: Laid) {
    let last = piece.grid.size.map(|n| n as f64 - 1.0);
    let middle = piece.grid.to_patient(Vector3::from(last) * 0.5);
    let [columns, rows, _] = piece.grid.size;
    let reach = std::array::from_fn(|a| 0.5 * laid.scale * piece.grid.size[a] as f64 * piece.grid.spacing_mm[a]);
    change_near(whole, laid.at_mm, reach, |place, hu| {
        let at = piece.grid.to_index(middle + laid.back(place)).map(f64::round);
        if (0..3).any(|a| at[a] < 0.0 || at[a] > last[a]) {
            return;
        }
        let found = piece.voxels[(at.z as usize * rows + at.y as usize) * columns + at.x as usize];
        if found != NO_DATA && found > -300 {
            *hu = found;
        }
    });
}

/// The same patient in an image whose axes run the other way, as feet first or prone: columns, rows, slices.
pub fn flipped(volume: &Volume<i16>, axes: [bool; 3]) -> Volume<i16> {
    let grid = &volume.grid;
    let from = |index: [usize; 3]| -> [usize; 3] {
        std::array::from_fn(|a| if axes[a] { grid.size[a] - 1 - index[a] } else { index[a] })
    };
    let [columns, rows, slices] = grid.size;
    let mut voxels = Vec::with_capacity(grid.len());
    for k in 0..slices {
        for j in 0..rows {
            for i in 0..columns {
                let [i, j, k] = from([i, j, k]);
                voxels.push(volume.voxels[(k * rows + j) * columns + i]);
            }
        }
    }
    let mut new = grid.clone();
    new.origin_mm = grid.to_patient(Vector3::from(from([0, 0, 0]).map(|v| v as f64)));
    (0..3).filter(|a| axes[*a]).for_each(|a| {
        let turned = -new.directions.column(a);
        new.directions.set_column(a, &turned);
    });
    Volume { grid: new, voxels: voxels.into() }
}

/// Some slices of an image, from and to as shares of their number.
pub fn slab(volume: &Volume<i16>, [from, to]: [f64; 2]) -> Volume<i16> {
    let grid = &volume.grid;
    let [columns, rows, slices] = grid.size;
    let at = |share: f64| ((share * slices as f64).round() as usize).min(slices);
    let (from, to) = (at(from), at(to));
    let mut new = grid.clone();
    new.size[2] = to - from;
    new.origin_mm = grid.to_patient(Vector3::new(0.0, 0.0, from as f64));
    let voxels = volume.voxels[from * columns * rows..to * columns * rows].to_vec();
    Volume { grid: new, voxels: voxels.into() }
}

/// Adds lungs: an elliptic column of them, middle and half axes, all mm.
pub fn add_lung(whole: &mut Volume<i16>, middle_mm: [f64; 3], half_mm: [f64; 3]) {
    change_near(whole, middle_mm, half_mm, |at, hu| {
        let off = at - Point3::from(middle_mm);
        if (off.x / half_mm[0]).hypot(off.y / half_mm[1]) <= 1.0 && off.z.abs() <= half_mm[2] {
            *hu = LUNG_HU;
        }
    });
}

/// The patient's mirror image: left for right, in the same order of voxels.
pub fn mirrored(volume: &Volume<i16>) -> Volume<i16> {
    let mut made = volume.clone();
    made.grid.origin_mm.x = -made.grid.origin_mm.x;
    for a in 0..3 {
        made.grid.directions[(0, a)] = -made.grid.directions[(0, a)];
    }
    made
}
