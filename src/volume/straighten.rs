//! A volume sheared by a tilted gantry, resampled so that its slices are stacked along their normal.
//!
//! Every slice stays in its plane and is shifted within it, by one vector for the whole slice: only the position within
//! the plane is interpolated (cubic convolution), never between slices. The grid grows so that nothing is cut off; what
//! no slice covers is [`NO_DATA`].
//!
//! # References
//! Keys R (1981), *Cubic convolution interpolation for digital image processing*, IEEE Trans Acoust 29:1153–1160.

use super::{Grid, NO_DATA, Volume};
use nalgebra::{Matrix3, Vector3};
use rayon::prelude::*;

/// Lowest HU: overshoot beside an edge must not fall below the scale.
const LOWEST_HU: f32 = -1024.0;

/// How far the slices are shifted from one to the next, in columns and rows, and the normal they are stacked along.
struct Shear {
    columns: f64,
    rows: f64,
    normal: Vector3<f64>,
    along_mm: f64,
}

fn shear(grid: &Grid) -> Shear {
    let [x, y, step] = [0, 1, 2].map(|axis| grid.directions.column(axis).into_owned());
    let step = step * grid.spacing_mm.z;
    let normal = x.cross(&y).normalize();
    let normal = if normal.dot(&step) < 0.0 { -normal } else { normal };
    Shear {
        columns: step.dot(&x) / grid.spacing_mm.x,
        rows: step.dot(&y) / grid.spacing_mm.y,
        normal,
        along_mm: step.dot(&normal),
    }
}

/// The grid of [`straighten`]: third direction along the slices' normal, wide enough for all slices.
pub fn straightened_grid(grid: &Grid) -> Grid {
    let shear = shear(grid);
    let steps = grid.size[2].saturating_sub(1) as f64;
    // A shift of a millionth of a pixel is a rounding error, not a column more.
    let room = |per_slice: f64| ((per_slice * steps).abs() - 1e-6).ceil().max(0.0) as usize;
    let back = |per_slice: f64| (per_slice * steps).min(0.0);
    let index = Vector3::new(back(shear.columns), back(shear.rows), 0.0);
    Grid {
        size: [grid.size[0] + room(shear.columns), grid.size[1] + room(shear.rows), grid.size[2]],
        origin_mm: grid.to_patient(index),
        directions: Matrix3::from_columns(&[
            grid.directions.column(0).into_owned(),
            grid.directions.column(1).into_owned(),
            shear.normal,
        ]),
        spacing_mm: Vector3::new(grid.spacing_mm.x, grid.spacing_mm.y, shear.along_mm),
    }
}

/// Resamples a volume whose slices are sheared onto [`straightened_grid`].
pub fn straighten(volume: &Volume<i16>) -> Volume<i16> {
    let (from, to) = (&volume.grid, straightened_grid(&volume.grid));
    let shear = shear(from);
    let steps = from.size[2].saturating_sub(1) as f64;
    let offset = |per_slice: f64, k: usize| per_slice * k as f64 - (per_slice * steps).min(0.0);
    let mut voxels = vec![NO_DATA; to.len()];
    let (columns, rows) = (to.size[0], to.size[1]);
    voxels.par_chunks_mut((columns * rows).max(1)).enumerate().for_each(|(k, out)| {
        let (right, down) = (Shift::new(offset(shear.columns, k)), Shift::new(offset(shear.rows, k)));
        let [width, height, _] = from.size;
        let source = volume.slice(k);
        // Along the rows first; NaN stands for no data.
        let mut wide = vec![f32::NAN; columns * height];
        for j in 0..height {
            let row = &source[j * width..(j + 1) * width];
            let value = |i: isize| match usize::try_from(i).ok().and_then(|i| row.get(i)) {
                Some(&hu) if hu != NO_DATA => f32::from(hu),
                _ => f32::NAN,
            };
            for i in 0..columns {
                wide[j * columns + i] = right.at(i, value);
            }
        }
        for j in 0..rows {
            for i in 0..columns {
                let value = |j: isize| match usize::try_from(j) {
                    Ok(j) if j < height => wide[j * columns + i],
                    _ => f32::NAN,
                };
                let hu = down.at(j, value);
                if !hu.is_nan() {
                    out[j * columns + i] = hu.round().clamp(LOWEST_HU, f32::from(i16::MAX)) as i16;
                }
            }
        }
    });
    Volume { grid: to, voxels: voxels.into() }
}

/// A shift by whole steps and the weights of the four samples around what is left.
struct Shift {
    whole: isize,
    weights: Option<[f32; 4]>,
}

impl Shift {
    fn new(by: f64) -> Shift {
        // The sample at index i comes from i - by = i - whole - 1 + fraction.
        let back = (by - 1e-6).ceil();
        let t = back - by;
        if t.abs() < 2e-6 {
            return Shift { whole: back as isize, weights: None };
        }
        let near = |d: f64| ((1.5 * d - 2.5) * d * d + 1.0) as f32;
        let far = |d: f64| (((-0.5 * d + 2.5) * d - 4.0) * d + 2.0) as f32;
        Shift { whole: back as isize, weights: Some([far(1.0 + t), near(t), near(1.0 - t), far(2.0 - t)]) }
    }

    /// Beside missing samples the nearest one stands for all: a border is neither smeared nor lost.
    fn at(&self, index: usize, value: impl Fn(isize) -> f32) -> f32 {
        let base = index as isize - self.whole;
        let Some(w) = self.weights else { return value(base) };
        let sum = (0..4).map(|n| w[n as usize] * value(base - 1 + n)).sum::<f32>();
        if !sum.is_nan() {
            return sum;
        }
        value(if w[1] >= w[2] { base } else { base + 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::Point3;

    /// A rod that runs along z through slices tilted by an angle, and the radius found in each straightened slice.
    fn tilted(degrees: f64) -> Volume<i16> {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let grid = Grid {
            size: [60, 80, 30],
            origin_mm: Point3::new(-30.0, -40.0, 5.0),
            directions: Matrix3::from_columns(&[Vector3::x(), Vector3::new(0.0, cos, -sin), Vector3::z()]),
            spacing_mm: Vector3::new(1.0, 0.9, 2.0),
        };
        let voxels = (0..grid.len()).map(|n| {
            let index = Vector3::new((n % 60) as f64, (n / 60 % 80) as f64, (n / 4800) as f64);
            let p = grid.to_patient(index);
            (1000.0 / (1.0 + ((p.x.hypot(p.y) - 12.0) / 0.8).exp())) as i16
        });
        let voxels = voxels.collect();
        Volume { grid, voxels }
    }

    #[test]
    fn voxels_keep_their_place_in_the_patient() {
        for degrees in [14.0, -22.0] {
            let straight = straighten(&tilted(degrees));
            let third = straight.grid.directions.column(2).into_owned();
            assert!(third.dot(&straight.grid.directions.column(1).into_owned()).abs() < 1e-12);
            assert!((straight.grid.spacing_mm.z - 2.0 * degrees.to_radians().cos()).abs() < 1e-12);
            let [columns, rows, slices] = straight.grid.size;
            let mut seen = 0;
            for (n, hu) in straight.voxels.iter().enumerate().filter(|(_, hu)| **hu != NO_DATA) {
                let at = [n % columns, n / columns % rows, n / (columns * rows)].map(|i| i as f64);
                let p = straight.grid.to_patient(Vector3::from(at));
                let expected = 1000.0 / (1.0 + ((p.x.hypot(p.y) - 12.0) / 0.8).exp());
                assert!((f64::from(*hu) - expected).abs() < 40.0, "{p}: {hu} instead of {expected}");
                seen += 1;
            }
            assert!(seen >= 60 * 79 * slices, "{seen}");
        }
    }

    #[test]
    fn what_is_not_sheared_stays_as_it_is() {
        let straight = tilted(0.0);
        let again = straighten(&straight);
        assert_eq!((again.grid.size, again.voxels), (straight.grid.size, straight.voxels));
    }

    #[test]
    fn missing_data_stays_missing_and_does_not_spread() {
        let mut volume = tilted(14.0);
        let slice = 60 * 80;
        volume.voxels[5 * slice..6 * slice].fill(NO_DATA);
        let straight = straighten(&volume);
        assert!(straight.slice(5).iter().all(|hu| *hu == NO_DATA));
        assert!(straight.slice(6).iter().filter(|hu| **hu != NO_DATA).count() >= 60 * 79);
    }
}
