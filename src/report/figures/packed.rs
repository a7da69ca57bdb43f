//! HU of a piece of a slice, small enough to lie in the page and exact: a window is the reader's choice, not the report's.
//!
//! Not PNG: of 16 bits browsers keep eight, and two channels of eight read back from a canvas are altered where a browser
//! protects its user against fingerprinting. What is here is taken apart by the page's own script, with the inflater
//! that every browser since 2023 has.

use super::SliceCrop;
use crate::report::zlib::zlib;
use base64::Engine as _;
use flate2::Compression;

/// The pixels as base64 of a zlib stream: what the median predictor of JPEG-LS leaves of each, negative and positive folded
/// together so that small numbers stay small; first all low bytes, then all high ones.
pub(super) fn packed(crop: &SliceCrop) -> String {
    let rest = residuals(&crop.pixels, crop.width);
    let low = rest.iter().map(|rest| *rest as u8);
    let high = rest.iter().map(|rest| (rest >> 8) as u8);
    let bytes: Vec<u8> = low.chain(high).collect();
    // What is left is noise: looking longer for repetitions finds none.
    base64::engine::general_purpose::STANDARD.encode(zlib(&bytes, Compression::fast()))
}

fn residuals(pixels: &[i16], width: usize) -> Vec<u16> {
    let width = width.max(1);
    let mut residuals = Vec::with_capacity(pixels.len());
    let mut above: &[i16] = &[];
    for row in pixels.chunks(width) {
        // Nothing is above the first row, and nothing beside the first pixel of a row.
        let first = above.first().copied().unwrap_or(0);
        residuals.push(folded(row[0], i32::from(first)));
        if above.is_empty() {
            residuals.extend(row.windows(2).map(|pair| folded(pair[1], i32::from(pair[0]))));
        } else {
            residuals.extend(row.windows(2).zip(above.windows(2)).map(|(here, over)| {
                folded(here[1], median(i32::from(here[0]), i32::from(over[1]), i32::from(over[0])))
            }));
        }
        above = row;
    }
    residuals
}

/// What is left of a pixel, signs folded. Wraps around as the script does: nothing is lost.
fn folded(pixel: i16, expected: i32) -> u16 {
    let rest = (i32::from(pixel) - expected) as i16;
    ((rest << 1) ^ (rest >> 15)) as u16
}

/// The value that an edge or a plane through the three neighbours (left, above, between) leads to expect.
fn median(left: i32, above: i32, corner: i32) -> i32 {
    let (low, high) = (left.min(above), left.max(above));
    if corner >= high {
        low
    } else if corner <= low {
        high
    } else {
        left + above - corner
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::NO_DATA;
    use proptest::prelude::*;
    use std::io::Read;

    /// As the page's script does it.
    fn unpacked(text: &str, width: usize) -> Vec<i16> {
        let packed = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
        let mut bytes = Vec::new();
        flate2::read::ZlibDecoder::new(packed.as_slice()).read_to_end(&mut bytes).unwrap();
        let (low, high) = bytes.split_at(bytes.len() / 2);
        let mut pixels: Vec<i16> = Vec::new();
        for n in 0..low.len() {
            let folded = u16::from(low[n]) | u16::from(high[n]) << 8;
            let rest = (folded >> 1) as i16 ^ -((folded & 1) as i16);
            let at = |n: usize| i32::from(pixels[n]);
            let expected = match (n % width, n / width) {
                (0, 0) => 0,
                (_, 0) => at(n - 1),
                (0, _) => at(n - width),
                _ => median(at(n - 1), at(n - width), at(n - width - 1)),
            };
            pixels.push((expected + i32::from(rest)) as i16);
        }
        pixels
    }

    fn crop(pixels: Vec<i16>, width: usize) -> SliceCrop {
        SliceCrop {
            slice_index: 0,
            instance_number: None,
            z_mm: 0.0,
            height: pixels.len() / width,
            width,
            pixels,
            origin_mm: [0.0; 2],
            spacing_mm: [1.0; 2],
        }
    }

    proptest! {
        #[test]
        fn every_pixel_comes_back(width in 1usize..9, rows in 1usize..9, seed in prop::collection::vec(any::<i16>(), 81)) {
            let pixels: Vec<i16> = seed[..width * rows].to_vec();
            prop_assert_eq!(unpacked(&packed(&crop(pixels.clone(), width)), width), pixels);
        }
    }

    #[test]
    fn missing_data_and_metal_come_back_too() {
        let pixels = vec![NO_DATA, i16::MAX, 0, NO_DATA, -1024, 3071];
        assert_eq!(unpacked(&packed(&crop(pixels.clone(), 3)), 3), pixels);
    }
}
