//! One compressed frame to stored pixel words.
//!
//! | transfer syntax | decoder |
//! |---|---|
//! | RLE (.5) | here |
//! | JPEG baseline and extended, 8 or 12 bits (.50, .51), progressive (.53, .55) | here |
//! | JPEG lossless (.57, .70) | `jpeg-decoder` |
//! | JPEG-LS (.80, .81) | here |
//! | JPEG 2000 (.90, .91) | `jpeg2k` on `openjp2` |
//!
//! The size a codestream claims is compared with the header's before room is made for it: a damaged or hostile file
//! costs no more memory than a sound one.

mod dct;
mod huffman;
mod jpeg_ls;
mod jpeg_ls_bits;
mod rle;

use std::panic::{AssertUnwindSafe, catch_unwind};

/// The compressions that can be undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Codec {
    Rle,
    JpegDct,
    JpegLossless,
    JpegLs,
    Jpeg2000,
}

impl Codec {
    /// The codec of a transfer syntax; `None` where it is not compressed, or not by one of these.
    pub fn of(transfer_syntax: &str) -> Option<Codec> {
        match transfer_syntax.strip_prefix("1.2.840.10008.1.2.")? {
            "5" => Some(Codec::Rle),
            "4.50" | "4.51" | "4.53" | "4.55" => Some(Codec::JpegDct),
            "4.57" | "4.70" => Some(Codec::JpegLossless),
            "4.80" | "4.81" => Some(Codec::JpegLs),
            "4.90" | "4.91" => Some(Codec::Jpeg2000),
            _ => None,
        }
    }
}

/// What the header says of the frame to be decoded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FrameSize {
    pub rows: usize,
    pub columns: usize,
    /// 8 or 16.
    pub bits_allocated: u16,
}

impl FrameSize {
    pub fn pixels(self) -> usize {
        self.rows * self.columns
    }

    /// The same size in the codestream, or what is wrong.
    fn check(self, rows: usize, columns: usize) -> Result<(), String> {
        if (rows, columns) == (self.rows, self.columns) {
            return Ok(());
        }
        Err(format!("the image is {columns} × {rows} pixels, the header says {} × {}", self.columns, self.rows))
    }
}

/// Decodes one frame of one sample a pixel; signed values come as two's complement of the bits they are stored in.
///
/// # Errors
/// What is wrong with the codestream. Panics of the decoders are caught: one damaged file must not end a batch.
pub(crate) fn decode(codec: Codec, frame: &[u8], size: FrameSize) -> Result<Vec<u16>, String> {
    let decoded = catch_unwind(AssertUnwindSafe(|| match codec {
        Codec::Rle => rle::decode(frame, size),
        Codec::JpegDct | Codec::JpegLossless => jpeg(frame, size),
        Codec::JpegLs => jpeg_ls::decode(frame, size),
        Codec::Jpeg2000 => jpeg_2000(frame, size),
    }));
    let words = decoded.unwrap_or_else(|_| Err("the codec failed".into()))?;
    if words.len() != size.pixels() {
        return Err(format!("{} of {} pixels", words.len(), size.pixels()));
    }
    Ok(words)
}

/// By the kind of frame the stream says it is: exporters mislabel one process as another.
fn jpeg(frame: &[u8], size: FrameSize) -> Result<Vec<u16>, String> {
    if dct::is_dct(frame) {
        return dct::decode(frame, size);
    }
    let mut decoder = jpeg_decoder::Decoder::new(frame);
    decoder.set_max_decoding_buffer_size(4 * size.pixels());
    decoder.read_info().map_err(|e| e.to_string())?;
    let info = decoder.info().ok_or("no frame header")?;
    size.check(usize::from(info.height), usize::from(info.width))?;
    let bytes = decoder.decode().map_err(|e| e.to_string())?;
    match info.pixel_format {
        jpeg_decoder::PixelFormat::L8 => Ok(bytes.into_iter().map(u16::from).collect()),
        jpeg_decoder::PixelFormat::L16 => {
            Ok(bytes.chunks_exact(2).map(|pair| u16::from_ne_bytes([pair[0], pair[1]])).collect())
        }
        _ => Err("colour".into()),
    }
}

fn jpeg_2000(frame: &[u8], size: FrameSize) -> Result<Vec<u16>, String> {
    // Start of codestream and size marker; in a JP2 file they stand behind some boxes.
    const START: [u8; 4] = [0xFF, 0x4F, 0xFF, 0x51];
    let head = &frame[..frame.len().min(4096)];
    let at = head.windows(4).position(|four| four == START).ok_or("no JPEG 2000 codestream")?;
    let long = |offset: usize| {
        let bytes = frame.get(at + offset..at + offset + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?) as usize)
    };
    let side = |far: usize, near: usize| long(far)?.checked_sub(long(near)?);
    let (Some(columns), Some(rows)) = (side(8, 16), side(12, 20)) else {
        return Err("its codestream has no size".into());
    };
    size.check(rows, columns)?;
    let image = jpeg2k::Image::from_bytes(frame).map_err(|e| e.to_string())?;
    let [component] = image.components() else { return Err("colour".into()) };
    size.check(component.height() as usize, component.width() as usize)?;
    Ok(component.data().iter().map(|value| *value as u16).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: FrameSize = FrameSize { rows: 2, columns: 2, bits_allocated: 16 };

    #[test]
    fn every_codec_refuses_nonsense_without_a_panic() {
        for codec in [Codec::Rle, Codec::JpegDct, Codec::JpegLossless, Codec::JpegLs, Codec::Jpeg2000] {
            for bytes in [&b""[..], &b"\xff"[..], &[0xFF; 300], &[0; 300], b"\xff\xd8\xff\xc1\0\x0b\x0c"] {
                assert!(decode(codec, bytes, SIZE).is_err(), "{codec:?}");
            }
        }
    }

    #[test]
    fn a_codestream_of_another_size_is_refused_before_room_is_made_for_it() {
        let mut huge = vec![0xFF, 0x4F, 0xFF, 0x51, 0, 41, 0, 0];
        huge.extend([0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0, 0, 0]);
        let error = decode(Codec::Jpeg2000, &huge, SIZE).unwrap_err();
        assert!(error.contains("the header says 2 × 2"), "{error}");
    }
}
