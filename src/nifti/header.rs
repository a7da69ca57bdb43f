//! The 348 bytes in front of the values.

use super::{CONVERT, COPY_AGAIN, NiftiError};
use crate::volume::Grid;
use flate2::read::MultiGzDecoder;
use nalgebra::{Matrix3, Point3, Vector3};
use std::io::{self, BufReader, Read};

/// Bytes of a NIfTI-1 header.
const HEADER: usize = 348;
pub(super) const HEADER_BYTES: u64 = HEADER as u64;
/// Bytes of a NIfTI-2 header.
const HEADER_2: i32 = 540;
/// More than any CT of one patient; a damaged or hostile header must not exhaust the memory.
const MOST_VOXELS: u128 = 1 << 31;
/// Extensions between header and values larger than this are no extensions.
const LONGEST_EXTENSION: f64 = 64.0 * 1024.0 * 1024.0;

/// How a value is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Datatype {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F32,
    F64,
}

impl Datatype {
    /// By NIfTI's number.
    fn of(code: i16) -> Result<Datatype, NiftiError> {
        let other = match code {
            2 => return Ok(Datatype::U8),
            4 => return Ok(Datatype::I16),
            8 => return Ok(Datatype::I32),
            16 => return Ok(Datatype::F32),
            64 => return Ok(Datatype::F64),
            256 => return Ok(Datatype::I8),
            512 => return Ok(Datatype::U16),
            768 => return Ok(Datatype::U32),
            1024 => return Ok(Datatype::I64),
            1280 => return Ok(Datatype::U64),
            1 => "single bits",
            32 | 1792 | 2048 => "complex numbers",
            128 | 2304 => "colours",
            1536 => "128-bit floats",
            _ => return Err(NiftiError::new(format!("its data type {code} is none of NIfTI's"), COPY_AGAIN)),
        };
        Err(NiftiError::new(format!("its values are {other}"), "save it with integers or floats as values"))
    }

    /// Bytes a value takes.
    pub fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }
}

/// Which of NIfTI's two transforms gave the place in the patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Affine {
    /// Three rows of an affine matrix: preferred.
    Sform,
    /// Quaternion, offset and voxel size.
    Qform,
}

/// What a NIfTI file says of itself, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// Where the voxels lie, LPS, in the order in which they are stored.
    pub grid: Grid,
    /// How each value is stored.
    pub datatype: Datatype,
    /// Stored with the most significant byte first.
    pub big_endian: bool,
    /// Bytes between the header and the values.
    pub(super) skip: u64,
    /// Value of one stored unit.
    pub slope: f64,
    /// Value of a stored 0.
    pub intercept: f64,
    /// Where the place in the patient came from.
    pub affine: Affine,
    /// Largest distance (mm) between where sform and qform put a voxel, where there are both.
    pub forms_apart_mm: Option<f64>,
    /// The file does not say in which unit its lengths are; millimetres were taken.
    pub unit_missing: bool,
}

/// The bytes of a NIfTI file, unpacked where they are packed: by the first two bytes, whatever the name says.
pub(super) fn unpacked<'a>(from: impl Read + 'a) -> io::Result<Box<dyn Read + 'a>> {
    let mut from = BufReader::with_capacity(1 << 16, from);
    let mut start = Vec::with_capacity(2);
    from.by_ref().take(2).read_to_end(&mut start)?;
    let packed = start == [0x1F, 0x8B];
    let whole = io::Cursor::new(start).chain(from);
    Ok(if packed { Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(whole))) } else { Box::new(whole) })
}

/// Reads and checks the header. `None`: no NIfTI by its first bytes.
///
/// # Errors
/// Where it breaks off; NIfTI-2, header and values in two files, more than three dimensions, other units, values that
/// are no numbers, no place in the patient, or sizes that cannot be.
pub fn read_header(from: impl Read) -> Result<Option<Header>, NiftiError> {
    let mut bytes = Vec::with_capacity(HEADER);
    let read = unpacked(from).and_then(|from| from.take(HEADER as u64).read_to_end(&mut bytes));
    if bytes.len() < 4 {
        // An error of the packing, too, is only worth a word where the file is NIfTI.
        return match read {
            Ok(_) => Ok(None),
            Err(e) => Err(NiftiError::new(format!("cannot be read: {e}"), COPY_AGAIN)),
        };
    }
    let length = [bytes[0], bytes[1], bytes[2], bytes[3]];
    let big_endian = match (i32::from_le_bytes(length), i32::from_be_bytes(length)) {
        (348, _) => false,
        (_, 348) => true,
        (HEADER_2, _) | (_, HEADER_2) => {
            return Err(NiftiError::new("it is NIfTI-2, which is not read", CONVERT));
        }
        _ => return Ok(None),
    };
    if bytes.len() < HEADER {
        return Err(NiftiError::new("truncated within its header", COPY_AGAIN));
    }
    Fields { bytes: &bytes, big_endian }.header().map(Some)
}

/// The header's fields by their offset.
struct Fields<'a> {
    bytes: &'a [u8],
    big_endian: bool,
}

impl Fields<'_> {
    fn short(&self, at: usize) -> i16 {
        let two = [self.bytes[at], self.bytes[at + 1]];
        if self.big_endian { i16::from_be_bytes(two) } else { i16::from_le_bytes(two) }
    }

    fn float(&self, at: usize) -> f64 {
        let four = [self.bytes[at], self.bytes[at + 1], self.bytes[at + 2], self.bytes[at + 3]];
        f64::from(if self.big_endian { f32::from_be_bytes(four) } else { f32::from_le_bytes(four) })
    }

    fn header(&self) -> Result<Header, NiftiError> {
        match &self.bytes[344..348] {
            b"n+1\0" => {}
            b"ni1\0" => {
                return Err(NiftiError::new("header and values are in two files (.hdr and .img)", CONVERT));
            }
            // ANALYZE 7.5 has the same first bytes, and no place in the patient.
            _ => return Err(NiftiError::new("an ANALYZE header, or a damaged NIfTI one", CONVERT)),
        }
        let size = self.size()?;
        let datatype = Datatype::of(self.short(70))?;
        let unit_missing = match self.bytes[123] & 7 {
            0 => true,
            2 => false,
            1 => return Err(NiftiError::new("its lengths are in metres", CONVERT)),
            3 => return Err(NiftiError::new("its lengths are in micrometres", CONVERT)),
            n => return Err(NiftiError::new(format!("its unit of length {n} is none of NIfTI's"), COPY_AGAIN)),
        };
        let offset = self.float(108);
        if !(HEADER as f64..HEADER as f64 + LONGEST_EXTENSION).contains(&offset) {
            return Err(NiftiError::new(format!("its values are said to begin at byte {offset}"), COPY_AGAIN));
        }
        // A slope of 0 means that there is no scale (nifti1.h); one that is no number is written for the same.
        let (slope, intercept) = match (self.float(112), self.float(116)) {
            (slope, intercept) if slope != 0.0 && slope.is_finite() && intercept.is_finite() => (slope, intercept),
            _ => (1.0, 0.0),
        };
        let sform = (self.short(254) > 0).then(|| self.sform(size)).transpose()?;
        let qform = (self.short(252) > 0).then(|| self.qform(size)).transpose();
        let (grid, affine, forms_apart_mm) = match (sform, qform) {
            // Where there is an sform, a damaged qform is nobody's business.
            (Some(s), Ok(Some(q))) => (s.clone(), Affine::Sform, Some(s.furthest_apart_mm(&q))),
            (Some(s), _) => (s, Affine::Sform, None),
            (None, q) => match q? {
                Some(q) => (q, Affine::Qform, None),
                None => {
                    return Err(NiftiError::new(
                        "neither sform nor qform: it does not say where in the patient its voxels lie",
                        "save it with the orientation of the CT it belongs to",
                    ));
                }
            },
        };
        let skip = offset as u64 - HEADER as u64;
        let big_endian = self.big_endian;
        Ok(Header { grid, datatype, big_endian, skip, slope, intercept, affine, forms_apart_mm, unit_missing })
    }

    /// Columns, rows and slices as stored.
    fn size(&self) -> Result<[usize; 3], NiftiError> {
        let dimensions = self.short(40);
        if !(1..=7).contains(&dimensions) {
            return Err(NiftiError::new(format!("{dimensions} dimensions"), COPY_AGAIN));
        }
        let along = |n: usize| if n <= dimensions as usize { self.short(40 + 2 * n) } else { 1 };
        let all: Vec<i16> = (1..=7).map(along).collect();
        if let Some(n) = all.iter().find(|n| **n < 1) {
            return Err(NiftiError::new(format!("a size of {n} along one of its dimensions"), COPY_AGAIN));
        }
        if all[3..].iter().any(|n| *n > 1) {
            let all = all[..dimensions as usize].iter().map(ToString::to_string).collect::<Vec<_>>().join(" × ");
            return Err(NiftiError::new(
                format!("{dimensions} dimensions ({all}): a series of volumes or of components, not one volume"),
                "save the one volume that is wanted as a three-dimensional file",
            ));
        }
        let size = [all[0] as usize, all[1] as usize, all[2] as usize];
        let voxels: u128 = size.iter().map(|n| *n as u128).product();
        if voxels > MOST_VOXELS {
            let why = format!("{voxels} voxels are more than the {MOST_VOXELS} that are read");
            return Err(NiftiError::new(why, "give only the part with the bone"));
        }
        Ok(size)
    }

    fn sform(&self, size: [usize; 3]) -> Result<Grid, NiftiError> {
        let row = |r: usize| [0, 1, 2, 3].map(|c| self.float(280 + 16 * r + 4 * c));
        let rows = [row(0), row(1), row(2)];
        let steps = Matrix3::from_fn(|r, c| rows[r][c]);
        grid("sform", size, steps, Vector3::new(rows[0][3], rows[1][3], rows[2][3]))
    }

    fn qform(&self, size: [usize; 3]) -> Result<Grid, NiftiError> {
        let [mut b, mut c, mut d] = [256, 260, 264].map(|at| self.float(at));
        let left = 1.0 - (b * b + c * c + d * d);
        if left.is_nan() || left < -1e-3 {
            return Err(NiftiError::new("its qform is no rotation", COPY_AGAIN));
        }
        // What is left is within the rounding of 32 bits: a turn by 180 degrees, as nifti1.h's own code takes it. Its root
        // would tilt the volume by a hundredth of a degree.
        let a = if left < 1e-7 { 0.0 } else { left.sqrt() };
        if a == 0.0 {
            let length = (b * b + c * c + d * d).sqrt();
            [b, c, d] = [b, c, d].map(|part| part / length);
        }
        let turn = Matrix3::new(
            a * a + b * b - c * c - d * d,
            2.0 * (b * c - a * d),
            2.0 * (b * d + a * c),
            2.0 * (b * c + a * d),
            a * a + c * c - b * b - d * d,
            2.0 * (c * d - a * b),
            2.0 * (b * d - a * c),
            2.0 * (c * d + a * b),
            a * a + d * d - c * c - b * b,
        );
        let handed = if self.float(76) < 0.0 { -1.0 } else { 1.0 };
        let spacing = Vector3::new(self.float(80), self.float(84), self.float(88) * handed);
        let offset = Vector3::new(self.float(268), self.float(272), self.float(276));
        grid("qform", size, turn * Matrix3::from_diagonal(&spacing), offset)
    }
}

/// The grid of an affine in NIfTI's axes (right, anterior, superior).
fn grid(name: &str, size: [usize; 3], steps: Matrix3<f64>, offset: Vector3<f64>) -> Result<Grid, NiftiError> {
    let to_lps = Matrix3::from_diagonal(&Vector3::new(-1.0, -1.0, 1.0));
    let (steps, origin) = (to_lps * steps, to_lps * offset);
    let spacing_mm = Vector3::from_fn(|c, _| steps.column(c).norm());
    let sound = spacing_mm.iter().all(|mm| *mm > 1e-3 && *mm < 1e3) && origin.iter().all(|v| v.abs() < 1e6);
    let directions = Matrix3::from_fn(|r, c| steps[(r, c)] / spacing_mm[c]);
    // Axes that nearly fall together have no inverse worth the name.
    if !sound || directions.determinant().abs() < 0.1 {
        let why = format!("its {name} is no place in a patient (voxels of {:?} mm)", spacing_mm.as_slice());
        return Err(NiftiError::new(why, COPY_AGAIN));
    }
    Ok(Grid { size, origin_mm: Point3::from(origin), directions, spacing_mm })
}
