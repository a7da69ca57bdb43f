//! A mask out: NIfTI-1, gzipped, zeros and ones on the grid of the CT.

use crate::volume::{Grid, Region};
use flate2::{Compression, GzBuilder};
use nalgebra::{Matrix3, Vector3};
use std::io::{self, Write};

/// Bytes of the header and of the empty extension behind it.
const HEADER: usize = 352;

/// The region as a single compressed NIfTI-1 file (`.nii.gz`): one byte a voxel, 1 within it. The same region gives the same bytes.
///
/// The place in the patient is written as sform (NIfTI's axes point right, forward and up, this program's left, back and up).
///
/// # Errors
/// More than 32767 columns, rows or slices, which the format cannot hold; those of the compressor.
pub fn mask_bytes(grid: &Grid, region: &Region) -> io::Result<Vec<u8>> {
    if grid.size.iter().any(|n| i16::try_from(*n).is_err()) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("NIfTI-1 holds no mask of {:?} voxels", grid.size),
        ));
    }
    let mut out = GzBuilder::new().mtime(0).write(Vec::new(), Compression::fast());
    out.write_all(&header(grid))?;
    let [columns, rows, slices] = grid.size;
    let mut slice = vec![0u8; columns * rows];
    for k in 0..slices {
        slice.fill(0);
        for run in region.runs(k) {
            slice[run.j * columns + run.first..=run.j * columns + run.last].fill(1);
        }
        out.write_all(&slice)?;
    }
    out.finish()
}

fn header(grid: &Grid) -> [u8; HEADER] {
    let mut bytes = [0u8; HEADER];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, &348i32.to_le_bytes());
    let size = grid.size.map(|n| n as i16);
    for (n, value) in [3, size[0], size[1], size[2], 1, 1, 1, 1].iter().enumerate() {
        put(40 + 2 * n, &value.to_le_bytes());
    }
    // One unsigned byte a voxel.
    put(70, &2i16.to_le_bytes());
    put(72, &8i16.to_le_bytes());
    let s = grid.spacing_mm;
    for (n, value) in [1.0, s.x, s.y, s.z, 0.0, 0.0, 0.0, 0.0].iter().enumerate() {
        put(76 + 4 * n, &(*value as f32).to_le_bytes());
    }
    put(108, &(HEADER as f32).to_le_bytes());
    put(112, &1f32.to_le_bytes());
    // Millimetres.
    put(123, &[2]);
    put(148, b"corticalysis mask");
    // Scanner coordinates, by the sform.
    put(254, &1i16.to_le_bytes());
    let to_ras = Matrix3::from_diagonal(&Vector3::new(-1.0, -1.0, 1.0));
    let step = to_ras * grid.directions * Matrix3::from_diagonal(&s);
    let origin = to_ras * grid.origin_mm.coords;
    for row in 0..3 {
        for column in 0..4 {
            let value = if column < 3 { step[(row, column)] } else { origin[row] };
            put(280 + 16 * row + 4 * column, &(value as f32).to_le_bytes());
        }
    }
    put(344, b"n+1\0");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nifti::{for_each_row, read_header};
    use nalgebra::Point3;

    #[test]
    fn what_is_written_is_read_back_in_its_place() {
        let grid = Grid {
            size: [7, 5, 3],
            origin_mm: Point3::new(-12.5, 40.0, -300.0),
            directions: Matrix3::from_columns(&[Vector3::x(), -Vector3::y(), -Vector3::z()]),
            spacing_mm: Vector3::new(0.9, 0.9, 2.5),
        };
        let region = Region::from_fn(grid.size, |i, j, k| (i * 3 + j * 5 + k) % 4 == 0);
        let bytes = mask_bytes(&grid, &region).expect("compressed");
        let read = read_header(&bytes[..]).expect("readable").expect("a header");
        assert!(read.grid.furthest_apart_mm(&grid) < 1e-3, "{} and {grid}", read.grid);
        let mut inside = Vec::new();
        for_each_row(&read, &bytes[..], |_, _, values| inside.extend(values.iter().map(|v| *v != 0.0)))
            .expect("values");
        let expected: Vec<bool> = (0..105).map(|n| region.contains([n % 7, n / 7 % 5, n / 35])).collect();
        assert_eq!(inside, expected);
    }
}
