//! Stored pixels to HU, slice by slice in parallel, straight into the one buffer of the volume.

use super::error::DicomError;
use super::header::{Extent, Parsed, parse, reasons};
use super::native::find_pixels;
use super::series::{Series, SliceSource, StoredPixels};
use crate::volume::{NO_DATA, Volume};
use dicom_dictionary_std::{tags, uids};
use dicom_encoding::transfer_syntax::TransferSyntaxIndex;
use dicom_pixeldata::PixelDecoder;
use dicom_transfer_syntax_registry::TransferSyntaxRegistry;
use rayon::prelude::*;
use std::fs::File;
use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Lowest HU a voxel with data can have: air of a scale that ends at -1024.
const LOWEST_HU: f64 = -1024.0;
/// At or below this a value is no measurement but a fill (-2000, -2048, -3024 outside the reconstruction circle),
/// tagged as padding or not.
const FILL_HU: f64 = -1500.0;

impl Series {
    /// Reads the pixels as HU on [`Series::grid`].
    ///
    /// `progress` is called from several threads with the slices done and their number. Values are
    /// `slope · stored + intercept`, rounded, not below −1024; padding, values of −1500 HU and less and missing slices
    /// become [`NO_DATA`]. Peak memory is the volume and one file per thread.
    ///
    /// # Errors
    /// [`DicomError::Unusable`] where [`Series::unusable`] says so; [`DicomError::Slice`] for the lowest slice that
    /// cannot be read: file gone, truncated, in a compression there is no codec for.
    pub fn load(&self, progress: &(dyn Fn(usize, usize) + Sync)) -> Result<Volume<i16>, DicomError> {
        if let Some(why) = &self.unusable {
            return Err(DicomError::Unusable { series: self.header.series_instance_uid.clone(), why: why.clone() });
        }
        let pixels = self.grid.size[0] * self.grid.size[1];
        if pixels == 0 || self.slices.len() != self.grid.size[2] {
            let why = "no pixels\nhint: export the series again".to_string();
            return Err(DicomError::Unusable { series: self.header.series_instance_uid.clone(), why });
        }
        let mut voxels = vec![0i16; self.grid.len()];
        let done = AtomicUsize::new(0);
        let results: Vec<Result<(), DicomError>> = voxels
            .par_chunks_mut(pixels)
            .zip(self.slices.par_iter())
            .enumerate()
            .map_init(Workspace::default, |space, (k, (out, slice))| {
                match slice {
                    Some(source) => space.read(source, out).map_err(|p| self.slice_error(k, source, p))?,
                    None => out.fill(NO_DATA),
                }
                progress(done.fetch_add(1, Ordering::Relaxed) + 1, self.slices.len());
                Ok(())
            })
            .collect();
        // The lowest slice at fault, not the first to fail: the message must not depend on the threads.
        results.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(Volume { grid: self.grid.clone(), voxels })
    }

    fn slice_error(&self, k: usize, source: &SliceSource, problem: Problem) -> DicomError {
        let Problem { why, hint } = problem;
        DicomError::Slice { path: source.path.clone(), slice: k, z_mm: self.z_mm(k), why, hint: hint.to_string() }
    }
}

/// Why one image cannot be read, and what to do.
#[derive(Debug)]
struct Problem {
    why: String,
    hint: &'static str,
}

const EXPORT_AGAIN: &str = "copy or export this file again";
const DECOMPRESS: &str =
    "convert the series to uncompressed DICOM first, for example with `gdcmconv --raw`, or export it uncompressed";

/// Why pixels in this transfer syntax cannot be decoded, if so.
pub(crate) fn unsupported(transfer_syntax: &str) -> Option<String> {
    let known = TransferSyntaxRegistry.get(transfer_syntax);
    match known {
        Some(syntax) if syntax.can_decode_all() => None,
        Some(syntax) => {
            Some(format!("compressed as {}, which cannot be decoded here\nhint: {DECOMPRESS}", syntax.name()))
        }
        None => Some(format!("in the unknown transfer syntax {transfer_syntax:?}\nhint: {DECOMPRESS}")),
    }
}

/// What one thread keeps from slice to slice.
#[derive(Default)]
struct Workspace {
    file: Vec<u8>,
    table: Option<(StoredPixels, Vec<i16>)>,
}

impl Workspace {
    fn read(&mut self, source: &SliceSource, out: &mut [i16]) -> Result<(), Problem> {
        self.file.clear();
        File::open(&source.path)
            .and_then(|mut f| f.read_to_end(&mut self.file))
            .map_err(|e| Problem { why: format!("cannot be read: {e}"), hint: "check that the file is still there" })?;
        let stored = &source.stored;
        if self.table.as_ref().is_none_or(|(of, _)| of != stored) {
            self.table = Some((stored.clone(), hu_table(stored)));
        }
        let table = self.table.as_ref().map_or(&[][..], |(_, table)| table);
        let explicit = match stored.transfer_syntax.as_str() {
            uids::IMPLICIT_VR_LITTLE_ENDIAN => Some(false),
            uids::EXPLICIT_VR_LITTLE_ENDIAN => Some(true),
            _ => None,
        };
        if let Some(found) = explicit.and_then(|explicit| find_pixels(&self.file, explicit)) {
            let rest = &self.file[found.start.min(self.file.len())..];
            return convert(&rest[..found.claimed.min(rest.len())], stored.bits_allocated, table, out);
        }
        let (bytes, bits) = decode(&self.file, stored)?;
        convert(&bytes, bits, table, out)
    }
}

/// Native pixel bytes of one image, little endian, and the bits a pixel takes, by the parser and codecs of dicom-rs.
fn decode(file: &[u8], stored: &StoredPixels) -> Result<(Vec<u8>, u16), Problem> {
    if let Some(why) = unsupported(&stored.transfer_syntax) {
        return Err(Problem { why: why.lines().next().unwrap_or_default().to_string(), hint: DECOMPRESS });
    }
    let broken = |why: String| Problem { why, hint: EXPORT_AGAIN };
    let Parsed { object, .. } =
        parse(file, Extent::Pixels).map_err(broken)?.ok_or_else(|| broken("is no DICOM file any more".into()))?;
    let Some(pixels) = object.get(tags::PIXEL_DATA) else { return Err(broken("holds no pixel data".into())) };
    if let Some(value) = pixels.value().primitive() {
        return Ok((value.to_bytes().into_owned(), stored.bits_allocated));
    }
    // Codecs are other people's code on other people's bytes: a panic there must not end a batch of studies.
    let decoded = catch_unwind(AssertUnwindSafe(|| {
        object.decode_pixel_data().map(|d| (d.bits_allocated(), d.samples_per_pixel(), d.into_data()))
    }));
    let refused = |why: String| Problem { why: format!("its pixels cannot be decompressed: {why}"), hint: DECOMPRESS };
    match decoded {
        Ok(Ok((bits, 1, bytes))) => Ok((bytes, bits)),
        Ok(Ok((_, samples, _))) => Err(refused(format!("{samples} samples a pixel"))),
        Ok(Err(e)) => Err(refused(reasons(&e))),
        Err(_) => Err(refused("the codec failed".into())),
    }
}

/// Looks every pixel up in the table. More bytes than needed are padding; fewer are an error.
fn convert(bytes: &[u8], bits: u16, table: &[i16], out: &mut [i16]) -> Result<(), Problem> {
    let width = usize::from(bits / 8);
    let needed = out.len() * width;
    if bytes.len() < needed || !matches!(bits, 8 | 16) {
        let why = format!("truncated pixel data: {} of {needed} bytes", bytes.len());
        return Err(Problem { why, hint: EXPORT_AGAIN });
    }
    let Ok(table) = <&[i16; 65536]>::try_from(table) else {
        return Err(Problem { why: "no HU scale".into(), hint: EXPORT_AGAIN });
    };
    if width == 1 {
        out.iter_mut().zip(bytes).for_each(|(hu, b)| *hu = table[usize::from(*b)]);
    } else {
        for (hu, b) in out.iter_mut().zip(bytes.chunks_exact(2)) {
            *hu = table[usize::from(u16::from_le_bytes([b[0], b[1]]))];
        }
    }
    Ok(())
}

/// HU of each of the 65536 raw pixel words.
///
/// One table covers masking, sign extension, padding, rescale, rounding and clamping; at 128 kB it costs a fraction
/// of a slice to build, and CT touches few of its lines.
fn hu_table(stored: &StoredPixels) -> Vec<i16> {
    let bits = u32::from(stored.bits_stored.clamp(1, 16));
    let shift = (u32::from(stored.high_bit) + 1).saturating_sub(bits).min(15);
    let value_of = |raw: u16| {
        let value = i32::from(raw >> shift) & ((1 << bits) - 1);
        if stored.signed && value >> (bits - 1) & 1 == 1 { value - (1 << bits) } else { value }
    };
    let padding = stored.padding.map(|(a, b)| {
        // Limits as the pixels' own type; the range may be given upside down.
        let number = |v: u16| if stored.signed { i32::from(v as i16) } else { i32::from(v) };
        (number(a).min(number(b)), number(a).max(number(b)))
    });
    (0..=u16::MAX)
        .map(|raw| {
            let value = value_of(raw);
            let whole = if stored.signed { i32::from(raw as i16) } else { i32::from(raw) };
            // Fill is sometimes written across the unused high bits, so the whole word is compared too.
            if padding.is_some_and(|(low, high)| (low..=high).contains(&value) || (low..=high).contains(&whole)) {
                return NO_DATA;
            }
            let hu = (stored.slope * f64::from(value) + stored.intercept).round();
            if hu <= FILL_HU { NO_DATA } else { hu.clamp(LOWEST_HU, f64::from(i16::MAX)) as i16 }
        })
        .collect()
}

/// The pixels of the first slice of a series, usable or not: single files are what tests of codecs have.
#[cfg(test)]
pub(crate) fn first_slice(series: &Series) -> Result<Vec<i16>, String> {
    let source = series.slices.iter().flatten().next().ok_or("no slice")?;
    let mut out = vec![0; series.grid.size[0] * series.grid.size[1]];
    Workspace::default().read(source, &mut out).map_err(|p| format!("{}\nhint: {}", p.why, p.hint))?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hu(stored: StoredPixels, raw: u16) -> i16 {
        hu_table(&stored)[usize::from(raw)]
    }

    #[test]
    fn sign_extends_twelve_stored_bits_and_ignores_the_rest() {
        let twelve = StoredPixels { bits_stored: 12, high_bit: 11, ..Default::default() };
        assert_eq!(hu(twelve.clone(), 0x0FFF), -1);
        assert_eq!(hu(twelve.clone(), 0xF001), 1);
        assert_eq!(hu(StoredPixels { signed: false, intercept: -1024.0, ..twelve }, 0x0FFF), 3071);
    }

    #[test]
    fn honours_a_high_bit_that_is_not_the_last_of_the_stored_bits() {
        let high = StoredPixels { bits_stored: 12, high_bit: 15, ..Default::default() };
        assert_eq!(hu(high.clone(), 0x0010), 1);
        assert_eq!(hu(high, 0xFFF0), -1);
    }

    #[test]
    fn air_is_floored_and_fill_becomes_no_data() {
        let plain = StoredPixels::default();
        assert_eq!(hu(plain.clone(), -1100i16 as u16), -1024);
        assert_eq!(hu(plain.clone(), -1499i16 as u16), -1024);
        assert_eq!(hu(plain.clone(), -1500i16 as u16), NO_DATA);
        assert_eq!(hu(plain, -2048i16 as u16), NO_DATA);
    }

    #[test]
    fn padding_is_compared_before_the_rescale_also_across_unused_bits() {
        let siemens = StoredPixels {
            signed: false,
            bits_stored: 12,
            high_bit: 11,
            intercept: -1024.0,
            padding: Some((0, 0)),
            ..Default::default()
        };
        assert_eq!(hu(siemens.clone(), 0), NO_DATA);
        assert_eq!(hu(siemens, 1), -1023);
        let ge = StoredPixels { bits_stored: 12, high_bit: 11, padding: Some((63536, 63536)), ..Default::default() };
        assert_eq!(hu(ge, 63536), NO_DATA);
    }

    #[test]
    fn large_values_stop_at_the_end_of_the_scale() {
        let steep = StoredPixels { slope: 32.0, ..Default::default() };
        assert_eq!(hu(steep, 30000), i16::MAX);
        assert_eq!(hu(StoredPixels { slope: 0.5, intercept: 0.2, ..Default::default() }, 3), 2);
    }
}
