//! Stored pixels to HU, slice by slice in parallel, straight into the one buffer of the volume.

use super::codecs::{self, Codec, FrameSize};
use super::encapsulated::{frames, joined};
use super::error::DicomError;
use super::header::BIG_ENDIAN;
use super::hu_scale::HuScale;
use super::native::{Form, PIXELS, PixelBytes, after_meta, element, find_pixels};
use super::nifti_series;
use super::series::{Layout, PixelPlace, Series, SliceSource, StoredPixels};
use super::source::{inflated, read_all};
use crate::volume::{NO_DATA, Volume, Voxels};
use dicom_dictionary_std::uids;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

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
        let unusable = |why| DicomError::Unusable { series: self.label(), why };
        if let Some(why) = self.unusable() {
            return Err(unusable(why));
        }
        if let (Layout::Nifti { header, straighten }, Some(Some(source))) = (&self.layout, self.slices.first()) {
            return nifti_series::load(source, header, *straighten, progress);
        }
        let (grid, images) = (self.stored_grid(), self.images());
        let pixels = grid.size[0] * grid.size[1];
        if pixels == 0 || images.len() != grid.size[2] {
            return Err(unusable("no pixels\nhint: export the series again".to_string()));
        }
        let shared = self.multi_frame_objects()?;
        // Zeros that nothing has touched yet: the threads do, in parallel.
        let mut voxels = Voxels::zeroed(grid.len()).ok_or_else(|| {
            unusable(format!("not enough memory for {} voxels\nhint: give only the part with the bone", grid.len()))
        })?;
        let done = AtomicUsize::new(0);
        let results: Vec<Result<(), DicomError>> = voxels
            .par_chunks_mut(pixels)
            .zip(images.par_iter())
            .enumerate()
            .map_init(Workspace::default, |space, (k, (out, slice))| {
                // Missing ones are filled when all others were read: a damaged file shall not cost the memory of a
                // volume first.
                if let Some(source) = slice {
                    let object = shared.get(source.path.as_path());
                    let read = space.read(source, object, grid.size[0], out);
                    read.map_err(|problem| self.slice_error(k, source, problem))?;
                }
                progress(done.fetch_add(1, Ordering::Relaxed) + 1, images.len());
                Ok(())
            })
            .collect();
        // The lowest slice at fault, not the first to fail: the message must not depend on the threads.
        results.into_iter().collect::<Result<Vec<()>, _>>()?;
        let missing = voxels.par_chunks_mut(pixels).zip(images.par_iter()).filter(|(_, slice)| slice.is_none());
        missing.for_each(|(out, _)| out.fill(NO_DATA));
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
        scale: &HuScale,
        space: &mut Vec<u8>,
        out: &mut [i16],
    ) -> Result<(), Problem> {
        let bits_allocated = source.stored.bits_allocated;
        match &self.pixels {
            Pixels::Native(range) => {
                let frame = out.len() * usize::from(bits_allocated / 8);
                let start = range.start.saturating_add(source.frame.saturating_mul(frame)).min(range.end);
                convert(&self.bytes[start..range.end], bits_allocated, scale, out)
            }
            Pixels::Encapsulated(codec, frames) => {
                let size = FrameSize { rows: out.len() / columns.max(1), columns, bits_allocated };
                let fragments = frames.get(source.frame).map_or(&[][..], Vec::as_slice);
                let decoded = codecs::decode(*codec, joined(&self.bytes, fragments, space), size);
                let why = |why| Problem { why: format!("its pixels cannot be decompressed: {why}"), hint: DECOMPRESS };
                let words = decoded.map_err(why)?;
                out.iter_mut().zip(words).for_each(|(hu, word)| *hu = word as i16);
                scale.convert(out);
                Ok(())
            }
        }
    }
}

/// A few stored slices, spread evenly over the series; those that cannot be read are left out.
pub(crate) fn sampled_slices(series: &Series, wanted: usize) -> Vec<Vec<i16>> {
    let (grid, images) = (series.stored_grid(), series.images());
    if matches!(series.layout, Layout::Nifti { .. }) {
        // There is no way to a slice but through all before it.
        let Ok(volume) = series.load(&|_, _| {}) else { return Vec::new() };
        let slices = volume.grid.size[2];
        let take = wanted.min(slices);
        return (0..take).map(|n| volume.slice((2 * n + 1) * slices / (2 * take)).to_vec()).collect();
    }
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
    scale: Option<(StoredPixels, HuScale)>,
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
        let scale = match &mut self.scale {
            Some((of, scale)) if of == stored => scale,
            other => &other.insert((stored.clone(), HuScale::new(stored))).1,
        };
        if let Some(place) = &source.pixels
            && source.frames <= 1
            && stored.bits_allocated == 16
            && read_in_place(&source.path, place, scale, out).is_some()
        {
            return Ok(());
        }
        if let Some(object) = shared {
            return object.convert(source, columns, scale, &mut self.frame, out);
        }
        let object = Object::read(source, std::mem::take(&mut self.file))?;
        let result = object.convert(source, columns, scale, &mut self.frame, out);
        self.file = object.bytes;
        result
    }
}

/// Reads pixels of 16 bits from where they were seen straight into their slice; `None` where the file is no longer as it
/// was seen or has too few of them: then the way over the whole file finds out what is wrong.
fn read_in_place(path: &Path, place: &PixelPlace, scale: &HuScale, out: &mut [i16]) -> Option<()> {
    /// Words that stay in the processor's nearest memory between their arrival and their conversion.
    const PIECE: usize = 16 * 1024;
    let (form, before) = if place.explicit { (Form::Explicit, 12) } else { (Form::Implicit, 8) };
    if place.length < 2 * out.len() as u64 {
        return None;
    }
    let mut file = File::open(path).ok()?;
    file.seek(SeekFrom::Start(place.start.checked_sub(before)?)).ok()?;
    let mut head = [0; 12];
    let head = &mut head[..before as usize];
    file.read_exact(head).ok()?;
    element(head, 0, form)
        .filter(|element| element.tag == PIXELS && element.length.map(|length| length as u64) == Some(place.length))?;
    for piece in out.chunks_mut(PIECE) {
        file.read_exact(bytemuck::cast_slice_mut(piece)).ok()?;
        from_little_endian(piece);
        scale.convert(piece);
    }
    Some(())
}

/// Words whose bytes lie as in the file to words of this machine; on most of them there is nothing to do.
fn from_little_endian(words: &mut [i16]) {
    words.iter_mut().for_each(|word| *word = i16::from_le(*word));
}

/// Stored pixels to HU. More bytes than needed are padding; fewer are an error.
fn convert(bytes: &[u8], bits: u16, scale: &HuScale, out: &mut [i16]) -> Result<(), Problem> {
    let needed = out.len() * usize::from(bits / 8);
    if bytes.len() < needed || !matches!(bits, 8 | 16) {
        let why = format!("truncated pixel data: {} of {needed} bytes", bytes.len());
        return Err(Problem { why, hint: EXPORT_AGAIN });
    }
    if bits == 8 {
        out.iter_mut().zip(bytes).for_each(|(hu, b)| *hu = i16::from(*b));
    } else {
        bytemuck::cast_slice_mut(out).copy_from_slice(&bytes[..needed]);
        from_little_endian(out);
    }
    scale.convert(out);
    Ok(())
}

/// The HU of one image, whatever becomes of it: single files are what tests of codecs have.
#[cfg(test)]
pub(crate) fn image_of(source: &SliceSource, columns: usize, rows: usize) -> Result<Vec<i16>, String> {
    let mut out = vec![0; columns * rows];
    let read = Workspace::default().read(source, None, columns, &mut out);
    read.map(|()| out).map_err(|p| format!("{}\nhint: {}", p.why, p.hint))
}
