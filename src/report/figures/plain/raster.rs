//! A canvas of pixels.

use super::{Anchor, Canvas, Colour};
use image::{Rgb, RgbImage};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

const EM: f64 = 16.0;

/// A picture in the making.
pub(crate) struct Raster {
    pub image: RgbImage,
}

impl Raster {
    pub fn new(width: u32, height: u32, paper: Colour) -> Self {
        Self { image: RgbImage::from_pixel(width, height, Rgb(paper)) }
    }

    /// `share` of a colour over what is there; nothing beyond the border.
    fn blend(&mut self, x: i64, y: i64, colour: Colour, share: f64) {
        let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else { return };
        let Some(pixel) = self.image.get_pixel_mut_checked(x, y) else { return };
        for (old, new) in pixel.0.iter_mut().zip(colour) {
            *old = (f64::from(*old) * (1.0 - share) + f64::from(new) * share).round() as u8;
        }
    }

    /// One straight piece; `travelled` is how far the line has come, for its dashes.
    fn piece(&mut self, [a, b]: [[f64; 2]; 2], half: f64, colour: Colour, dashes: Option<f64>) {
        let along = [b[0] - a[0], b[1] - a[1]];
        let length = along[0].hypot(along[1]);
        let reach = half + 1.0;
        let span =
            |axis: usize| (a[axis].min(b[axis]) - reach).floor() as i64..=(a[axis].max(b[axis]) + reach).ceil() as i64;
        for y in span(1) {
            for x in span(0) {
                let from = [x as f64 + 0.5 - a[0], y as f64 + 0.5 - a[1]];
                let at = if length > 0.0 {
                    ((from[0] * along[0] + from[1] * along[1]) / length).clamp(0.0, length)
                } else {
                    0.0
                };
                let unit = if length > 0.0 { [along[0] / length, along[1] / length] } else { [0.0; 2] };
                let distance = (from[0] - at * unit[0]).hypot(from[1] - at * unit[1]);
                let gap = dashes.is_some_and(|travelled| (travelled + at).rem_euclid(10.0) >= 6.0);
                let share = (half + 0.5 - distance).clamp(0.0, 1.0);
                if share > 0.0 && !gap {
                    self.blend(x, y, colour, share);
                }
            }
        }
    }
}

impl Canvas for Raster {
    fn em(&self) -> f64 {
        EM
    }

    fn text_width(&self, text: &str) -> f64 {
        (text.chars().count() * get_raster_width(FontWeight::Regular, RasterHeight::Size16)) as f64
    }

    fn text(&mut self, at: [f64; 2], anchor: Anchor, colour: Colour, text: &str) {
        let shift = match anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => 0.5,
            Anchor::End => 1.0,
        };
        // The type's rasters are as high as its letters with their room; the base line lies at four fifths.
        let mut x = (at[0] - shift * self.text_width(text)).round() as i64;
        let y = (at[1] - 0.8 * EM).round() as i64;
        for letter in text.chars() {
            let letter = match letter {
                '−' | '–' => '-',
                '\u{a0}' => ' ',
                '’' => '\'',
                other => other,
            };
            let Some(raster) = get_raster(letter, FontWeight::Regular, RasterHeight::Size16) else { continue };
            for (dy, line) in raster.rows().enumerate() {
                for (dx, ink) in line.iter().enumerate().filter(|(_, ink)| **ink > 0) {
                    self.blend(x + dx as i64, y + dy as i64, colour, f64::from(*ink) / 255.0);
                }
            }
            x += raster.width() as i64;
        }
    }

    fn rect(&mut self, corner: [f64; 2], size: [f64; 2], colour: Colour) {
        let ends = |axis: usize| corner[axis].round() as i64..(corner[axis] + size[axis]).round() as i64;
        for y in ends(1) {
            for x in ends(0) {
                self.blend(x, y, colour, 1.0);
            }
        }
    }

    fn area(&mut self, outline: &[[f64; 2]], colour: Colour, share: f64) {
        let rows = outline.iter().map(|p| p[1]);
        let (top, bottom) = (rows.clone().fold(f64::INFINITY, f64::min), rows.fold(f64::NEG_INFINITY, f64::max));
        if !(top.is_finite() && bottom.is_finite()) {
            return;
        }
        for y in top.floor() as i64..bottom.ceil() as i64 {
            let middle = y as f64 + 0.5;
            let mut crossings: Vec<f64> = (0..outline.len())
                .filter_map(|n| {
                    let (a, b) = (outline[n], outline[(n + 1) % outline.len()]);
                    ((a[1] <= middle) != (b[1] <= middle))
                        .then(|| a[0] + (middle - a[1]) / (b[1] - a[1]) * (b[0] - a[0]))
                })
                .collect();
            crossings.sort_by(f64::total_cmp);
            for pair in crossings.chunks_exact(2) {
                for x in pair[0].round() as i64..pair[1].round() as i64 {
                    self.blend(x, y, colour, share);
                }
            }
        }
    }

    fn line(&mut self, points: &[[f64; 2]], width: f64, colour: Colour, dashed: bool) {
        let mut travelled = 0.0;
        for pair in points.windows(2) {
            let [a, b] = [pair[0], pair[1]];
            self.piece([a, b], 0.5 * width.max(1.0), colour, dashed.then_some(travelled));
            travelled += (b[0] - a[0]).hypot(b[1] - a[1]);
        }
    }

    fn image(&mut self, picture: &RgbImage, corner: [f64; 2], size: [f64; 2]) {
        let (left, top) = (corner[0].round(), corner[1].round());
        let (width, height) = ((corner[0] + size[0]).round() - left, (corner[1] + size[1]).round() - top);
        if picture.width() == 0 || picture.height() == 0 {
            return;
        }
        for y in 0..height.max(0.0) as i64 {
            for x in 0..width.max(0.0) as i64 {
                let from = |at: i64, of: f64, pixels: u32| {
                    (((at as f64 + 0.5) / of * f64::from(pixels)) as u32).min(pixels - 1)
                };
                let pixel = picture.get_pixel(from(x, width, picture.width()), from(y, height, picture.height()));
                self.blend(left as i64 + x, top as i64 + y, pixel.0, 1.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filled_square_has_its_area_and_nothing_is_drawn_beyond_the_border() {
        let mut raster = Raster::new(40, 30, [0; 3]);
        raster.area(&[[5.0, 5.0], [15.0, 5.0], [15.0, 20.0], [5.0, 20.0]], [255; 3], 1.0);
        let white = |raster: &Raster| raster.image.pixels().filter(|pixel| pixel.0 == [255; 3]).count();
        assert_eq!(white(&raster), 150);
        raster.rect([-10.0, -10.0], [100.0, 100.0], [1, 2, 3]);
        raster.line(&[[-50.0, -50.0], [90.0, 90.0]], 3.0, [255; 3], true);
        raster.text([35.0, 5.0], Anchor::Start, [255; 3], "beyond −é");
        assert_eq!(raster.image.dimensions(), (40, 30));
    }

    #[test]
    fn a_line_is_as_wide_as_asked() {
        let mut raster = Raster::new(20, 20, [0; 3]);
        raster.line(&[[2.0, 10.0], [18.0, 10.0]], 4.0, [255; 3], false);
        let lit: u32 = (0..20).map(|y| u32::from(raster.image.get_pixel(10, y).0[0])).sum();
        assert!((lit as f64 / 255.0 - 4.0).abs() < 0.1, "{lit}");
    }
}
