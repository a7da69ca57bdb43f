//! Reading HU out of a slice: between its pixels, and the highest of many.

use super::NO_DATA;

/// HU at the place `(column + right, row + down)`, `right` and `down` from 0 to 1, on straight lines between the four pixels around it; NaN where
/// one of them has no data. `pixels`: a slice of so many `columns`, that holds the pixel to the right and below.
#[inline]
pub fn between_pixels(pixels: &[i16], columns: usize, [column, row]: [usize; 2], [right, down]: [f32; 2]) -> f32 {
    let at = row * columns + column;
    let (above, below) = (&pixels[at..at + 2], &pixels[at + columns..at + columns + 2]);
    let (a, b, c, d) = (above[0], above[1], below[0], below[1]);
    if a.min(b).min(c.min(d)) == NO_DATA {
        return f32::NAN;
    }
    let [a, b, c, d] = [a, b, c, d].map(f32::from);
    (a * (1.0 - right) + b * right) * (1.0 - down) + (c * (1.0 - right) + d * right) * down
}

/// The highest value, seen many at a time: most of an image holds nothing that is looked for.
#[inline]
pub fn highest(pixels: &[i16]) -> i16 {
    pixels.iter().fold(i16::MIN, |highest, hu| highest.max(*hu))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_four_pixels_lines_are_straight_and_no_data_is_no_number() {
        let pixels = [0, 100, 9, 200, 500, 9];
        assert_eq!(between_pixels(&pixels, 3, [0, 0], [0.0, 0.0]), 0.0);
        assert_eq!(between_pixels(&pixels, 3, [0, 0], [0.5, 0.0]), 50.0);
        assert_eq!(between_pixels(&pixels, 3, [0, 0], [0.25, 0.5]), 0.5 * 25.0 + 0.5 * 275.0);
        assert!(between_pixels(&[0, 1, 2, NO_DATA], 2, [0, 0], [0.0, 0.0]).is_nan());
        assert_eq!((highest(&pixels), highest(&[])), (500, i16::MIN));
    }
}
