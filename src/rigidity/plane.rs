//! HU across the bone's axis: rays in the plane at right angles to it, one bundle per native slice.
//!
//! Each ray answers to one sector of the unrolled cortex. Sectors and radii are counted in the native slice; a place there is
//! carried along the bone's axis into the plane across it. A prism has the same section in both, shortened in the direction of
//! the tilt, so that contour and reference of the unrolled cortex hold sector by sector, while what is sampled lies across
//! the bone.

use crate::cortex::polar::sector_angle;
use crate::cortex::{Cortex, SECTORS};
use crate::volume::{Grid, Volume, between_pixels};
use nalgebra::{Point3, Vector3};

/// Distance between samples along a ray, mm of native radius: the blur of any scanner passes nothing finer.
pub const STEP_MM: f64 = 0.5;

/// The axis is taken over this much of the bone on both sides, mm.
const REACH_MM: f64 = 5.0;

/// The plane across the bone at one native slice.
#[derive(Debug, Clone)]
pub struct Plane {
    /// Where the axis meets it, patient mm.
    pub centre_mm: Point3<f64>,
    /// Its own axes: towards the patient's left, and at right angles to that, towards the back.
    pub axes: [Vector3<f64>; 2],
    /// Area in the plane over area in the native slice.
    pub area_per_native: f64,
    /// Per sector: one millimetre of radius in the native slice.
    pub native: Vec<Vector3<f64>>,
    /// Per sector: what that is in the plane.
    pub directions: Vec<Vector3<f64>>,
    /// Per sector: slices that the ray passes in one millimetre of native radius, upwards in slice index.
    pub slices_per_mm: Vec<f64>,
}

impl Plane {
    /// The plane at row `row` of `cortex`; `None` where too few slices tell the axis.
    pub fn at(grid: &Grid, cortex: &Cortex, row: usize) -> Option<Self> {
        let centre = |row: usize| centre_of(cortex, row);
        let reach = (REACH_MM / cortex.slice_spacing_mm).ceil().max(1.0) as usize;
        let (a, b) = (row.saturating_sub(reach), (row + reach).min(cortex.slices.len() - 1));
        let run = centre(b) - centre(a);
        if run.norm().is_nan() || run.norm() <= 1e-6 {
            return None;
        }
        let axis = if run.z < 0.0 { -run.normalize() } else { run.normalize() };
        let normal = grid.directions.column(0).cross(&grid.directions.column(1)).normalize();
        // As the sectors are defined: patient left and back, laid into the slice.
        let left = (Vector3::x() - normal * normal.x).normalize();
        let mut back = normal.cross(&left);
        if back.y < 0.0 {
            back = -back;
        }
        let across = |v: Vector3<f64>| v - axis * axis.dot(&v);
        let first = across(Vector3::x()).try_normalize(1e-6)?;
        let mut second = axis.cross(&first);
        if second.y < 0.0 {
            second = -second;
        }
        let in_slice = |s: usize| {
            let (sin, cos) = sector_angle(s).sin_cos();
            left * cos + back * sin
        };
        let native: Vec<Vector3<f64>> = (0..SECTORS).map(in_slice).collect();
        let directions: Vec<Vector3<f64>> = native.iter().map(|direction| across(*direction)).collect();
        let centre_mm = centre(row);
        let slice_of = |point: Point3<f64>| grid.to_index(point).z;
        let slices_per_mm = directions.iter().map(|d| slice_of(centre_mm + d) - slice_of(centre_mm)).collect();
        Some(Self {
            centre_mm,
            axes: [first, second],
            area_per_native: axis.dot(&normal).abs(),
            native,
            directions,
            slices_per_mm,
        })
    }

    /// One millimetre of native radius in sector `s`, along the plane's own axes.
    pub fn in_plane(&self, s: usize) -> [f64; 2] {
        self.axes.map(|axis| axis.dot(&self.directions[s]))
    }

    /// Variance that the scanner's blur adds along the plane's axes (x, y, mixed), mm²: `in_plane_mm2` within the slice, `along_mm2`
    /// across it.
    pub fn blur(&self, grid: &Grid, in_plane_mm2: f64, along_mm2: f64) -> [f64; 3] {
        let normal = grid.directions.column(0).cross(&grid.directions.column(1)).normalize();
        let spread = |a: Vector3<f64>, b: Vector3<f64>| {
            in_plane_mm2 * a.dot(&b) + (along_mm2 - in_plane_mm2) * a.dot(&normal) * b.dot(&normal)
        };
        let [first, second] = self.axes;
        [spread(first, first), spread(second, second), spread(first, second)]
    }
}

/// Where the bone's axis meets the slice of a row, patient mm.
pub fn centre_of(cortex: &Cortex, row: usize) -> Point3<f64> {
    let slice = &cortex.slices[row];
    Point3::new(slice.centre_mm[0], slice.centre_mm[1], slice.z_mm)
}

/// HU along a ray from `centre_mm`, every [`STEP_MM`] of native radius, between voxels; NaN outside the image or where there is no data.
/// `per_mm`: one millimetre of native radius.
pub fn cast(volume: &Volume<i16>, centre_mm: Point3<f64>, per_mm: Vector3<f64>, samples: usize, out: &mut Vec<f32>) {
    let grid = &volume.grid;
    let start = grid.to_index(centre_mm);
    let step = (grid.to_index(centre_mm + per_mm) - start) * STEP_MM;
    out.clear();
    out.extend((0..samples).map(|n| at(volume, start + step * n as f64)));
}

/// HU between the eight voxels around a continuous index. Up to one slice beyond the ends the last slice counts: a plane that
/// leans out of the image there by a millimetre is still the bone's.
fn at(volume: &Volume<i16>, index: Vector3<f64>) -> f32 {
    let [columns, rows, slices] = volume.grid.size;
    let (x, y, z) = (index.x, index.y, index.z);
    let last = (slices - 1) as f64;
    if !(x >= 0.0 && y >= 0.0 && x < (columns - 1) as f64 && y < (rows - 1) as f64 && z > -1.0 && z < last + 1.0) {
        return f32::NAN;
    }
    let z = z.clamp(0.0, last);
    let (i, j, k) = (x as u32, y as u32, z as u32);
    let (fx, fy, fz) = ((x - f64::from(i)) as f32, (y - f64::from(j)) as f32, (z - f64::from(k)) as f32);
    let (i, j, k) = (i as usize, j as usize, k as usize);
    let in_slice = |k: usize| between_pixels(volume.slice(k), columns, [i, j], [fx, fy]);
    let low = in_slice(k);
    if fz == 0.0 { low } else { low * (1.0 - fz) + in_slice((k + 1).min(slices - 1)) * fz }
}
