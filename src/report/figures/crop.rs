//! A piece of one CT slice around the bone.

use crate::cortex::CortexSlice;
use crate::volume::{NO_DATA, Volume};
use nalgebra::{Matrix2, Vector2, Vector3};

/// CT pixels around the bone in one axial slice, turned as radiologists look at it: columns run to the patient's left,
/// rows to posterior.
#[derive(Debug, Clone)]
pub struct SliceCrop {
    /// Slice index in the volume, as in [`CortexSlice::slice_index`].
    pub slice_index: usize,
    /// DICOM instance number.
    pub instance_number: Option<i64>,
    /// Patient z at the bone's centre.
    pub z_mm: f64,
    /// `width · height` values in HU, row by row; [`NO_DATA`] outside the image.
    pub pixels: Vec<i16>,
    pub width: usize,
    pub height: usize,
    /// Patient x and y of the centre of the first pixel.
    pub origin_mm: [f64; 2],
    /// Distance between columns and between rows.
    pub spacing_mm: [f64; 2],
}

impl SliceCrop {
    /// The square around the bone's section that leaves `margin_mm` outside its contour: [`Self::around`].
    pub fn from_volume(
        volume: &Volume<i16>,
        section: &CortexSlice,
        instance_number: Option<i64>,
        margin_mm: f64,
    ) -> Option<Self> {
        Self::around(volume, section, instance_number, reach_mm(section) + margin_mm.max(0.0))
    }

    /// The square that reaches `half_mm` to either side of the bone's centre. `None` when the section lies outside the
    /// volume or its plane stands upright in the patient.
    ///
    /// On the usual axis-aligned axial grid the pixels are the scanner's own; otherwise they are interpolated linearly.
    pub fn around(
        volume: &Volume<i16>,
        section: &CortexSlice,
        instance_number: Option<i64>,
        half_mm: f64,
    ) -> Option<Self> {
        let grid = &volume.grid;
        let [columns, rows, slices] = grid.size;
        if section.slice_index >= slices || columns == 0 || rows == 0 {
            return None;
        }
        // Within the plane of the slice, x and y alone fix the index: a tilted gantry only moves z.
        let plane = Matrix2::new(
            grid.directions[(0, 0)] * grid.spacing_mm.x,
            grid.directions[(0, 1)] * grid.spacing_mm.y,
            grid.directions[(1, 0)] * grid.spacing_mm.x,
            grid.directions[(1, 1)] * grid.spacing_mm.y,
        );
        let to_pixel = plane.try_inverse()?;
        let corner = grid.to_patient(Vector3::new(0.0, 0.0, section.slice_index as f64)).xy().coords;
        let centre = Vector2::from(section.centre_mm);

        // Columns along x: row and column spacing change places when the image is turned by a quarter.
        let turned = plane[(0, 0)].abs() < plane[(0, 1)].abs();
        let spacing =
            if turned { [grid.spacing_mm.y, grid.spacing_mm.x] } else { [grid.spacing_mm.x, grid.spacing_mm.y] };
        let half = spacing.map(|step| (half_mm / step).ceil().clamp(1.0, 512.0));
        // From a pixel's centre, so that the scanner's own pixels are met exactly.
        let nearest = (to_pixel * (centre - corner)).map(f64::round);
        let origin = plane * nearest + corner - Vector2::new(half[0] * spacing[0], half[1] * spacing[1]);

        let (width, height) = (2 * half[0] as usize + 1, 2 * half[1] as usize + 1);
        let image = volume.slice(section.slice_index);
        let first = to_pixel * (origin - corner);
        let [right, down] = [Vector2::new(spacing[0], 0.0), Vector2::new(0.0, spacing[1])].map(|step| to_pixel * step);
        let places = (0..height).flat_map(|row| (0..width).map(move |column| (column, row)));
        let pixels = match [first, right, down].map(whole) {
            [Some(first), Some([1, 0]), Some([0, 1])] => cut(image, [columns, rows], first, [width, height]),
            [Some(first), Some(right), Some(down)] => places
                .map(|(column, row)| {
                    let [i, j] = [0, 1].map(|axis| first[axis] + column as i64 * right[axis] + row as i64 * down[axis]);
                    let inside = (0..columns as i64).contains(&i) && (0..rows as i64).contains(&j);
                    if inside { image[j as usize * columns + i as usize] } else { NO_DATA }
                })
                .collect(),
            _ => places
                .map(|(column, row)| {
                    let at = first + column as f64 * right + row as f64 * down;
                    sample(image, columns, rows, at)
                })
                .collect(),
        };
        Some(Self {
            slice_index: section.slice_index,
            instance_number,
            z_mm: section.z_mm,
            pixels,
            width,
            height,
            origin_mm: origin.into(),
            spacing_mm: spacing,
        })
    }

    /// Continuous pixel position (column, row) of a patient point.
    pub fn to_pixel(&self, point_mm: [f64; 2]) -> [f64; 2] {
        std::array::from_fn(|axis| (point_mm[axis] - self.origin_mm[axis]) / self.spacing_mm[axis])
    }
}

/// The pixels of an image from `first` on (column, row; outside it there is no data), row by row.
fn cut(image: &[i16], [columns, rows]: [usize; 2], first: [i64; 2], [width, height]: [usize; 2]) -> Vec<i16> {
    let mut pixels = vec![NO_DATA; width * height];
    let clip = |n: i64, limit: usize| n.clamp(0, limit as i64) as usize;
    let (from, to) = (clip(first[0], columns), clip(first[0] + width as i64, columns));
    let skipped = (from as i64 - first[0]).max(0) as usize;
    for (row, out) in pixels.chunks_mut(width).enumerate() {
        let j = first[1] + row as i64;
        if from < to && (0..rows as i64).contains(&j) {
            let line = &image[j as usize * columns..];
            out[skipped..skipped + to - from].copy_from_slice(&line[from..to]);
        }
    }
    pixels
}

/// How far the contour of a section reaches from its centre, mm; that of a usual shaft where it has none.
pub(super) fn reach_mm(section: &CortexSlice) -> f64 {
    let finite = section.periosteal_radius_mm.iter().copied().filter(|radius| radius.is_finite());
    let radius = f64::from(finite.fold(0.0f32, f32::max));
    if radius > 0.0 { radius } else { 20.0 }
}

/// Both numbers as whole ones, if they are: then pixels are copied, which is many times faster than interpolation.
fn whole(numbers: Vector2<f64>) -> Option<[i64; 2]> {
    // A thousand steps of this are still the same pixel.
    const EXACT: f64 = 1e-5;
    let whole = |v: f64| ((v - v.round()).abs() < EXACT).then_some(v.round() as i64);
    Some([whole(numbers.x)?, whole(numbers.y)?])
}

/// Linear interpolation; [`NO_DATA`] outside or next to a voxel without data.
fn sample(image: &[i16], columns: usize, rows: usize, at: Vector2<f64>) -> i16 {
    const EXACT: f64 = 1e-4;
    let [i, j] = [at.x, at.y].map(|v| if (v - v.round()).abs() < EXACT { v.round() } else { v });
    if !(i >= 0.0 && j >= 0.0 && i <= (columns - 1) as f64 && j <= (rows - 1) as f64) {
        return NO_DATA;
    }
    let (mut sum, mut first) = (0.0, [i.floor() as usize, j.floor() as usize]);
    first[0] = first[0].min(columns - 1);
    first[1] = first[1].min(rows - 1);
    for (di, dj) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
        let (part_i, part_j) = (i - first[0] as f64, j - first[1] as f64);
        let weight = if di == 1 { part_i } else { 1.0 - part_i } * if dj == 1 { part_j } else { 1.0 - part_j };
        if weight > 0.0 {
            match image.get((first[1] + dj) * columns + first[0] + di) {
                Some(value) if *value != NO_DATA => sum += weight * f64::from(*value),
                _ => return NO_DATA,
            }
        }
    }
    sum.round() as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Grid;
    use nalgebra::{Matrix3, Point3};

    /// A 5 × 4 × 2 volume whose value tells where it lies: 10 x + 100 y (mm).
    fn volume(directions: Matrix3<f64>, origin_mm: Point3<f64>) -> Volume<i16> {
        let grid = Grid { size: [5, 4, 2], origin_mm, directions, spacing_mm: Vector3::new(1.0, 2.0, 3.0) };
        let mut voxels = Vec::new();
        for k in 0..2 {
            for j in 0..4 {
                for i in 0..5 {
                    let p = grid.to_patient(Vector3::new(f64::from(i), f64::from(j), f64::from(k)));
                    voxels.push((10.0 * p.x + 100.0 * p.y) as i16);
                }
            }
        }
        Volume { grid, voxels: voxels.into() }
    }

    fn section(centre_mm: [f64; 2]) -> CortexSlice {
        CortexSlice { slice_index: 1, centre_mm, periosteal_radius_mm: vec![1.0], ..CortexSlice::default() }
    }

    #[test]
    fn every_orientation_gives_the_same_view() {
        let turns = [
            (Matrix3::identity(), Point3::new(0.0, 0.0, 0.0)),
            // Columns to the right, rows to anterior; then a quarter turn.
            (Matrix3::from_diagonal(&Vector3::new(-1.0, -1.0, 1.0)), Point3::new(4.0, 6.0, 0.0)),
            (Matrix3::new(0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0), Point3::new(0.0, 0.0, 0.0)),
        ];
        for (directions, origin) in turns {
            let volume = volume(directions, origin);
            let crop = SliceCrop::from_volume(&volume, &section([2.0, 2.0]), Some(7), 0.0).expect("inside");
            for row in 0..crop.height {
                for column in 0..crop.width {
                    let value = crop.pixels[row * crop.width + column];
                    let x = crop.origin_mm[0] + column as f64 * crop.spacing_mm[0];
                    let y = crop.origin_mm[1] + row as f64 * crop.spacing_mm[1];
                    assert!(value == NO_DATA || (f64::from(value) - 10.0 * x - 100.0 * y).abs() < 1.0, "{directions}");
                }
            }
            let [i, j] = crop.to_pixel([2.0, 2.0]);
            let value = crop.pixels[j.round() as usize * crop.width + i.round() as usize];
            assert_eq!(value, 220, "{directions}");
        }
    }

    #[test]
    fn outside_is_no_data_and_a_missing_slice_is_none() {
        let volume = volume(Matrix3::identity(), Point3::origin());
        let crop = SliceCrop::from_volume(&volume, &section([0.0, 0.0]), None, 2.0).expect("partly inside");
        assert_eq!(crop.pixels[0], NO_DATA);
        let beyond = CortexSlice { slice_index: 9, ..section([0.0, 0.0]) };
        assert!(SliceCrop::from_volume(&volume, &beyond, None, 2.0).is_none());
    }
}
