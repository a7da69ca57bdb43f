//! The values behind the header, row by row.

use super::header::{HEADER_BYTES, unpacked};
use super::{COPY_AGAIN, Datatype, Header, NiftiError};
use std::io::{self, Read};
use std::ops::ControlFlow;

/// Gives every row in stored order: its row and slice index, and its values, scaled.
///
/// # Errors
/// Where the file breaks off or its packing is damaged.
pub fn for_each_row(
    header: &Header,
    from: impl Read,
    mut row: impl FnMut(usize, usize, &[f64]),
) -> Result<(), NiftiError> {
    let each = |j: usize, k: usize, values: &[f64]| {
        row(j, k, values);
        ControlFlow::Continue(())
    };
    walk(header, from, each)
}

/// Lowest and highest of the first values, as many as there are up to `most`, not counting what is no number.
/// Stops as soon as a value is below `enough`. `None` where none is a number.
///
/// # Errors
/// As [`for_each_row`].
pub fn first_values(
    header: &Header,
    from: impl Read,
    most: usize,
    enough: f64,
) -> Result<Option<[f64; 2]>, NiftiError> {
    let (mut seen, mut range) = (0, [f64::INFINITY, f64::NEG_INFINITY]);
    walk(header, from, |_, _, values| {
        seen += values.len();
        // Comparisons with NaN are false, so that these two pass over it.
        range = values.iter().fold(range, |[low, high], v| [low.min(*v), high.max(*v)]);
        if seen >= most || range[0] < enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok((range[0] <= range[1]).then_some(range))
}

fn walk(
    header: &Header,
    from: impl Read,
    mut row: impl FnMut(usize, usize, &[f64]) -> ControlFlow<()>,
) -> Result<(), NiftiError> {
    let [columns, rows, slices] = header.grid.size;
    let broken = |at: Option<(usize, usize)>| {
        move |e: io::Error| {
            let place = at.map_or(String::new(), |(j, k)| format!(" at row {j} of slice {k} of {slices}"));
            let why = match e.kind() {
                io::ErrorKind::UnexpectedEof => format!("truncated{place}: fewer values than its header says"),
                _ => format!("cannot be read{place}: {e}"),
            };
            NiftiError::new(why, COPY_AGAIN)
        }
    };
    let mut from = unpacked(from).map_err(broken(None))?;
    let before = HEADER_BYTES + header.skip;
    let skipped = io::copy(&mut from.by_ref().take(before), &mut io::sink()).map_err(broken(None))?;
    if skipped < before {
        return Err(broken(None)(io::ErrorKind::UnexpectedEof.into()));
    }
    let mut bytes = vec![0; columns * header.datatype.bytes()];
    let mut values = Vec::with_capacity(columns);
    for k in 0..slices {
        for j in 0..rows {
            from.read_exact(&mut bytes).map_err(broken(Some((j, k))))?;
            decode(header, &bytes, &mut values);
            if row(j, k, &values).is_break() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// One row, scaled.
fn decode(header: &Header, bytes: &[u8], values: &mut Vec<f64>) {
    macro_rules! of {
        ($type:ty) => {{
            const N: usize = size_of::<$type>();
            let number = |b: &[u8]| {
                let mut own = [0; N];
                own.copy_from_slice(b);
                (if header.big_endian { <$type>::from_be_bytes(own) } else { <$type>::from_le_bytes(own) }) as f64
            };
            values.extend(bytes.chunks_exact(N).map(|b| number(b) * header.slope + header.intercept))
        }};
    }
    values.clear();
    match header.datatype {
        Datatype::U8 => of!(u8),
        Datatype::I8 => of!(i8),
        Datatype::U16 => of!(u16),
        Datatype::I16 => of!(i16),
        Datatype::U32 => of!(u32),
        Datatype::I32 => of!(i32),
        Datatype::U64 => of!(u64),
        Datatype::I64 => of!(i64),
        Datatype::F32 => of!(f32),
        Datatype::F64 => of!(f64),
    }
}
