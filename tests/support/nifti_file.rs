//! A NIfTI-1 writer of its own, field by field, so that what is read is not what the reader wrote.

#![allow(dead_code)] // Each test binary uses its own part.

use corticalysis::volume::{Grid, Volume};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::path::Path;

/// How the values are stored: NIfTI's number of the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    U8 = 2,
    I16 = 4,
    I32 = 8,
    F32 = 16,
    F64 = 64,
    I8 = 256,
    U16 = 512,
    U32 = 768,
    I64 = 1024,
    U64 = 1280,
}

/// What stands in the header besides size and values.
#[derive(Debug, Clone)]
pub struct Nifti {
    pub stored: Stored,
    pub big_endian: bool,
    /// Codes of qform and sform; 0: none.
    pub forms: [i16; 2],
    pub slope: f32,
    pub intercept: f32,
    /// `xyzt_units`.
    pub units: u8,
    /// Sizes behind the third.
    pub more: Vec<i16>,
    /// Bytes of extension between header and values, a multiple of 16.
    pub extension: usize,
}

impl Default for Nifti {
    fn default() -> Self {
        Nifti {
            stored: Stored::I16,
            big_endian: false,
            forms: [0, 1],
            slope: 0.0,
            intercept: 0.0,
            units: 2,
            more: Vec::new(),
            extension: 0,
        }
    }
}

impl Nifti {
    /// The whole file; `values` are what is stored, before slope and intercept.
    pub fn bytes(&self, grid: &Grid, values: &[f64]) -> Vec<u8> {
        let short = |v: i16| if self.big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
        let float = |v: f32| if self.big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
        let mut header = vec![0u8; 352 + self.extension];
        header[..4].copy_from_slice(&if self.big_endian { 348i32.to_be_bytes() } else { 348i32.to_le_bytes() });
        let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
        put(40, &short(3 + self.more.len() as i16));
        for n in 0..7 {
            let size = if n < 3 { grid.size[n] as i16 } else { self.more.get(n - 3).copied().unwrap_or(1) };
            put(42 + 2 * n, &short(size));
        }
        put(70, &short(self.stored as i16));
        put(72, &short(8 * self.one(0.0).len() as i16));
        // Steps in NIfTI's axes: right, anterior, superior.
        let ras = |a: usize, c: usize| {
            let sign = if a < 2 { -1.0 } else { 1.0 };
            sign * grid.directions[(a, c)]
        };
        let origin = [-grid.origin_mm.x, -grid.origin_mm.y, grid.origin_mm.z];
        let turn = nalgebra::Matrix3::from_fn(ras);
        let handed = turn.determinant().signum();
        put(76, &float(handed as f32));
        for axis in 0..3 {
            put(80 + 4 * axis, &float(grid.spacing_mm[axis] as f32));
        }
        put(108, &float((352 + self.extension) as f32));
        put(112, &float(self.slope));
        put(116, &float(self.intercept));
        put(123, &[self.units]);
        put(252, &short(self.forms[0]));
        put(254, &short(self.forms[1]));
        let mut proper = turn;
        proper.column_mut(2).scale_mut(handed);
        let quaternion =
            nalgebra::UnitQuaternion::from_rotation_matrix(&nalgebra::Rotation3::from_matrix_unchecked(proper));
        let sign = if quaternion.w < 0.0 { -1.0 } else { 1.0 };
        for (n, part) in [quaternion.i, quaternion.j, quaternion.k].into_iter().enumerate() {
            put(256 + 4 * n, &float((sign * part) as f32));
        }
        for (n, at) in origin.into_iter().enumerate() {
            put(268 + 4 * n, &float(at as f32));
            for c in 0..3 {
                put(280 + 16 * n + 4 * c, &float((turn[(n, c)] * grid.spacing_mm[c]) as f32));
            }
            put(292 + 16 * n, &float(at as f32));
        }
        put(344, b"n+1\0");
        for value in values {
            header.extend(self.one(*value));
        }
        header
    }

    fn one(&self, value: f64) -> Vec<u8> {
        macro_rules! of {
            ($type:ty) => {{
                let v = value as $type;
                (if self.big_endian { v.to_be_bytes() } else { v.to_le_bytes() }).to_vec()
            }};
        }
        match self.stored {
            Stored::U8 => of!(u8),
            Stored::I8 => of!(i8),
            Stored::U16 => of!(u16),
            Stored::I16 => of!(i16),
            Stored::U32 => of!(u32),
            Stored::I32 => of!(i32),
            Stored::U64 => of!(u64),
            Stored::I64 => of!(i64),
            Stored::F32 => of!(f32),
            Stored::F64 => of!(f64),
        }
    }

    /// Writes a volume, packed where the name ends in `.gz`.
    pub fn write<T: bytemuck::Pod + Into<f64>>(&self, volume: &Volume<T>, path: &Path) {
        let values: Vec<f64> = volume.voxels.iter().map(|v| (*v).into()).collect();
        write_bytes(&self.bytes(&volume.grid, &values), path);
    }
}

/// Packed where the name ends in `.gz`.
pub fn write_bytes(bytes: &[u8], path: &Path) {
    let mut file = std::fs::File::create(path).expect("a writable folder");
    if path.extension().is_some_and(|e| e == "gz") {
        let mut packed = GzEncoder::new(file, Compression::fast());
        packed.write_all(bytes).and_then(|()| packed.finish().map(drop)).expect("write");
    } else {
        file.write_all(bytes).expect("write");
    }
}
