//! Stored pixels to HU, slice by slice in parallel, straight into the one buffer of the volume.

use super::codecs::{self, Codec, FrameSize};
use super::encapsulated::{frames, joined};
use super::error::DicomError;
use super::header::BIG_ENDIAN;
use super::native::{Form, PixelBytes, after_meta, find_pixels};
use super::series::{Layout, Series, SliceSource, StoredPixels};
use super::source::{inflated, read_all};
use crate::volume::{NO_DATA, Volume};
use dicom_dictionary_std::uids;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
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
    /// become [`NO_DATA`]. Peak memory is the volume and one file per thread; multi-frame objects are held whole.
    ///
    /// # Errors
    /// [`DicomError::Unusable`] where the series has faults; [`DicomError::Slice`] for the lowest slice that
    /// cannot be read: file gone, truncated, in a compression there is no codec for.
    pub fn load(&self, progress: &(dyn Fn(usize, usize) + Sync)) -> Result<Volume<i16>, DicomError> {
        let unusable = |why| DicomError::Unusable { series: self.header.series_instance_uid.clone(), why };
        if let Some(why) = self.unusable() {
            return Err(unusable(why));
        }
        let (grid, images) = (self.stored_grid(), self.images());
        let pixels = grid.size[0] * grid.size[1];
        if pixels == 0 || images.len() != grid.size[2] {
            return Err(unusable("no pixels\nhint: export the series again".to_string()));
        }
        let shared = self.multi_frame_objects()?;
        let mut voxels = Vec::new();
        if voxels.try_reserve_exact(grid.len()).is_err() {
            let why = format!("not enough memory for {} voxels\nhint: give only the part with the bone", grid.len());
            return Err(unusable(why));
        }
        voxels.resize(grid.len(), 0i16);
        let done = AtomicUsize::new(0);
        let results: Vec<Result<(), DicomError>> = voxels
            .par_chunks_mut(pixels)
            .zip(images.par_iter())
            .enumerate()
            .map_init(Workspace::default, |space, (k, (out, slice))| {
                match slice {
                    Some(source) => {
                        let object = shared.get(source.path.as_path());
                        let read = space.read(source, object, grid.size[0], out);
                        read.map_err(|problem| self.slice_error(k, source, problem))?;
                    }
                    None => out.fill(NO_DATA),
                }
                progress(done.fetch_add(1, Ordering::Relaxed) + 1, images.len());
                Ok(())
            })
            .collect();
        // The lowest slice at fault, not the first to fail: the message must not depend on the threads.
        results.into_iter().collect::<Result<Vec<()>, _>>()?;
        let mut volume = Volume { grid: grid.clone(), voxels };
        if let Layout::Rearranged { straighten, turn, .. } = self.layout {
            if straighten {
                volume = crate::volume::straighten(&volume);
            }
            if turn {
                volume = crate::volume::turn_axial(&volume);
            }
        }
        Ok(volume)
    }

    /// Objects of several frames are read once, not once a frame.
    fn multi_frame_objects(&self) -> Result<BTreeMap<&Path, Object>, DicomError> {
        let mut objects = BTreeMap::new();
        for (k, source) in self.images().iter().enumerate().filter_map(|(k, source)| Some((k, source.as_ref()?))) {
            if source.frames > 1 && !objects.contains_key(source.path.as_path()) {
                let object =
                    Object::read(source, Vec::new()).map_err(|problem| self.slice_error(k, source, problem))?;
                objects.insert(source.path.as_path(), object);
            }
        }
        Ok(objects)
    }

    fn slice_error(&self, k: usize, source: &SliceSource, problem: Problem) -> DicomError {
        let Problem { why, hint } = problem;
        let z_mm = self.stored_grid().to_patient(nalgebra::Vector3::new(0.0, 0.0, k as f64)).z;
        DicomError::Slice { path: source.path.clone(), slice: k, z_mm, why, hint: hint.to_string() }
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
    let plain = [
        uids::IMPLICIT_VR_LITTLE_ENDIAN,
        uids::EXPLICIT_VR_LITTLE_ENDIAN,
        uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
        BIG_ENDIAN,
    ];
    if plain.contains(&transfer_syntax) || Codec::of(transfer_syntax).is_some() {
        return None;
    }
    Some(format!("its transfer syntax {transfer_syntax:?} cannot be decoded here\nhint: {DECOMPRESS}"))
}

/// One object in memory, and where its frames lie.
struct Object {
    bytes: Vec<u8>,
    pixels: Pixels,
}

enum Pixels {
    /// Frame after frame, little endian.
    Native(Range<usize>),
    /// By frame, its fragments.
    Encapsulated(Codec, Vec<Vec<Range<usize>>>),
}

impl Object {
    fn read(source: &SliceSource, mut bytes: Vec<u8>) -> Result<Object, Problem> {
        let broken = |why: String| Problem { why, hint: EXPORT_AGAIN };
        let gone = |e| Problem { why: format!("cannot be read: {e}"), hint: "check that the file is still there" };
        read_all(&source.path, source.packed.as_ref(), &mut bytes).map_err(gone)?;
        let syntax = source.stored.transfer_syntax.as_str();
        if let Some(why) = unsupported(syntax) {
            return Err(Problem { why: why.lines().next().unwrap_or_default().to_string(), hint: DECOMPRESS });
        }
        if syntax == uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN {
            bytes = after_meta(&bytes).map(|start| inflated(&bytes[start..])).unwrap_or_default();
        }
        let found = find_pixels(&bytes, Form::of(syntax));
        let found = found.ok_or_else(|| broken("truncated or damaged: no pixel data in it".into()))?;
        let pixels = match (found, Codec::of(syntax)) {
            // Pixels of a stated length are not compressed, whatever the transfer syntax says.
            (PixelBytes { start, claimed: Some(claimed) }, _) => {
                let start = start.min(bytes.len());
                let end = bytes.len().min(start.saturating_add(claimed));
                if syntax == BIG_ENDIAN && source.stored.bits_allocated == 16 {
                    bytes[start..end].chunks_exact_mut(2).for_each(|word| word.swap(0, 1));
                }
                Pixels::Native(start..end)
            }
            (_, None) => return Err(broken("its pixel data has no length".into())),
            (_, Some(codec)) => {
                Pixels::Encapsulated(codec, frames(&bytes, found, source.frames.max(1)).map_err(broken)?)
            }
        };
        Ok(Object { bytes, pixels })
    }

    /// The stored values of one frame as HU.
    fn convert(
        &self,
        source: &SliceSource,
        columns: usize,
        table: &[i16],
        space: &mut Vec<u8>,
        out: &mut [i16],
    ) -> Result<(), Problem> {
        let bits_allocated = source.stored.bits_allocated;
        match &self.pixels {
            Pixels::Native(range) => {
                let frame = out.len() * usize::from(bits_allocated / 8);
                let start = range.start.saturating_add(source.frame.saturating_mul(frame)).min(range.end);
                convert(&self.bytes[start..range.end], bits_allocated, table, out)
            }
            Pixels::Encapsulated(codec, frames) => {
                let size = FrameSize { rows: out.len() / columns.max(1), columns, bits_allocated };
                let fragments = frames.get(source.frame).map_or(&[][..], Vec::as_slice);
                let decoded = codecs::decode(*codec, joined(&self.bytes, fragments, space), size);
                let why = |why| Problem { why: format!("its pixels cannot be decompressed: {why}"), hint: DECOMPRESS };
                let words = decoded.map_err(why)?;
                out.iter_mut().zip(words).for_each(|(hu, word)| *hu = table[usize::from(word)]);
                Ok(())
            }
        }
    }
}

/// A few stored slices, spread evenly over the series; those that cannot be read are left out.
pub(crate) fn sampled_slices(series: &Series, wanted: usize) -> Vec<Vec<i16>> {
    let (grid, images) = (series.stored_grid(), series.images());
    let shared = series.multi_frame_objects().unwrap_or_default();
    let mut space = Workspace::default();
    let take = wanted.min(images.len());
    let picked = (0..take).filter_map(|n| images[(2 * n + 1) * images.len() / (2 * take)].as_ref());
    let read = picked.filter_map(|source| {
        let mut out = vec![0; grid.size[0] * grid.size[1]];
        space.read(source, shared.get(source.path.as_path()), grid.size[0], &mut out).ok()?;
        Some(out)
    });
    read.collect()
}

/// What one thread keeps from slice to slice.
#[derive(Default)]
struct Workspace {
    file: Vec<u8>,
    frame: Vec<u8>,
    table: Option<(StoredPixels, Vec<i16>)>,
}

impl Workspace {
    /// `shared` is the object where it holds more than one frame and is kept for all of them.
    fn read(
        &mut self,
        source: &SliceSource,
        shared: Option<&Object>,
        columns: usize,
        out: &mut [i16],
    ) -> Result<(), Problem> {
        let stored = &source.stored;
        if self.table.as_ref().is_none_or(|(of, _)| of != stored) {
            self.table = Some((stored.clone(), hu_table(stored)));
        }
        let table = self.table.as_ref().map_or(&[][..], |(_, table)| table);
        if let Some(object) = shared {
            return object.convert(source, columns, table, &mut self.frame, out);
        }
        let object = Object::read(source, std::mem::take(&mut self.file))?;
        let result = object.convert(source, columns, table, &mut self.frame, out);
        self.file = object.bytes;
        result
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

/// The HU of one image, whatever becomes of it: single files are what tests of codecs have.
#[cfg(test)]
pub(crate) fn image_of(source: &SliceSource, columns: usize, rows: usize) -> Result<Vec<i16>, String> {
    let mut out = vec![0; columns * rows];
    let read = Workspace::default().read(source, None, columns, &mut out);
    read.map(|()| out).map_err(|p| format!("{}\nhint: {}", p.why, p.hint))
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
