//! The picture of a slice as pixels, for viewing stations that show no SVG.

use super::picture::{RASTER, class, windowed};
use super::plain::{Anchor, Canvas, Palette, Raster, draw_map, draw_profile};
use super::{BoneFigures, SliceCrop};
use crate::cortex::SECTORS;
use crate::cortex::polar::{Direction, inner_radius_mm};
use crate::language::Language;
use crate::report::words;
use image::{Rgb, RgbImage};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster};

const GAP: u32 = 8;
const LINE: u32 = 22;
/// Width and height of a plot.
const PLOT: [u32; 2] = [520, 660];
const CONTOUR: Rgb<u8> = Rgb([0x7f, 0xe3, 0xff]);
/// As in the page's style: lost above the depth, above half, through the wall.
const LOST: [Rgb<u8>; 3] = [Rgb([0xf0, 0xe4, 0x42]), Rgb([0xf2, 0x8e, 0x2b]), Rgb([0xff, 0x3b, 0x5c])];
const PAPER: Rgb<u8> = Rgb([0, 0, 0]);
const INK: Rgb<u8> = Rgb([235, 235, 235]);

/// CT beside the same with outer contour and lost sectors, which slice it is and its numbers below. `title` names the bone.
/// `None` where there is nothing to show.
pub fn slice(figures: &BoneFigures, crop: &SliceCrop, title: &str) -> Option<RgbImage> {
    let row = figures.cortex.slices.iter().position(|slice| slice.slice_index == crop.slice_index)?;
    let mut canvas = RgbImage::from_pixel(2 * RASTER + GAP, RASTER + 3 * LINE, PAPER);
    for (panel, x) in panels(figures, crop)?.iter().zip([0, RASTER + GAP]) {
        image::imageops::replace(&mut canvas, panel, i64::from(x), 0);
    }
    orientation(&mut canvas);
    captions(figures, crop, row, title, &mut canvas);
    Some(canvas)
}

/// The CT alone, and with outer contour and lost sectors: two squares without a word. `None` where there is nothing to show.
pub fn panels(figures: &BoneFigures, crop: &SliceCrop) -> Option<[RgbImage; 2]> {
    let grey = windowed(crop)?;
    let row = figures.cortex.slices.iter().position(|slice| slice.slice_index == crop.slice_index)?;
    let mut plain = RgbImage::from_pixel(RASTER, RASTER, PAPER);
    let corner = [(RASTER - grey.width()) / 2, (RASTER - grey.height()) / 2];
    for (x, y, pixel) in grey.enumerate_pixels() {
        plain.put_pixel(corner[0] + x, corner[1] + y, Rgb([pixel[0]; 3]));
    }
    let mut marked = plain.clone();
    overlay(figures, crop, row, [grey.width(), grey.height()], &mut |x, y, colour, share| {
        let pixel = marked.get_pixel_mut(corner[0] + x, corner[1] + y);
        for (old, new) in pixel.0.iter_mut().zip(colour.0) {
            *old = (f32::from(*old) * (1.0 - share) + f32::from(new) * share) as u8;
        }
    });
    Some([plain, marked])
}

/// The unrolled cortex and, beside it on the same scale of patient z, both percentages along the bone; `flagged` is per slice
/// of the cortex.
pub fn map_and_profile(figures: &BoneFigures, flagged: &[bool], title: &str) -> RgbImage {
    let [width, height] = PLOT;
    let mut raster = Raster::new(2 * width, height + 5 * LINE, PAPER.0);
    let size = [f64::from(width) - 16.0, f64::from(height - LINE)];
    let corner = |column: u32| [f64::from(column * width) + 8.0, f64::from(LINE)];
    draw_map(&mut raster, figures, corner(0), size, &Palette::SCREEN, Language::En);
    draw_profile(&mut raster, figures, flagged, (corner(1), size), &Palette::SCREEN, Language::En);
    let outlined = format!("outlined: loss above {:.0} %; hatched: not measured", 100.0 * figures.depth);
    let captions = [
        ["mass left of the reference", outlined.as_str(), "L left, P posterior, R right, A anterior"],
        [
            "percent lost with 95 % intervals",
            "solid, 30 %: axial; dashed, 50 %: circumferential",
            "bar at the right: flagged slices",
        ],
    ];
    let titles = [format!("{title}: unrolled cortex"), "lysis along the bone".into()];
    for ((lines, title), column) in captions.into_iter().zip(titles).zip(0u32..) {
        let [x, _] = corner(column);
        raster.text([x, 17.0], Anchor::Start, INK.0, &title);
        for (line, n) in lines.into_iter().zip(1u32..) {
            raster.text([x, f64::from(height + LINE * n)], Anchor::Start, INK.0, line);
        }
    }
    raster.image
}

/// Marks the pixels of the second panel.
fn overlay(
    figures: &BoneFigures,
    crop: &SliceCrop,
    row: usize,
    size: [u32; 2],
    mark: &mut impl FnMut(u32, u32, Rgb<u8>, f32),
) {
    let section = &figures.cortex.slices[row];
    let outer: Vec<f64> = section.periosteal_radius_mm.iter().map(|r| f64::from(*r)).collect();
    if outer.len() != SECTORS || outer.iter().any(|r| !r.is_finite()) {
        return;
    }
    let mass = figures.lysis.reference.mass_mm2.get(row);
    let inner: Vec<f64> = (0..SECTORS)
        .map(|s| {
            let area = mass.and_then(|mass| mass.get(s)).map_or(0.0, |m| f64::from(*m));
            inner_radius_mm(outer[s], if area.is_finite() { area } else { 0.0 })
        })
        .collect();
    let loss = figures.lysis.loss.get(row);
    // Millimetres of one pixel of the picture.
    let step = crop.width as f64 * crop.spacing_mm[0] / f64::from(size[0].max(1));
    let line_mm = 0.9 * step;
    // Outside the bone, where it hides nothing; the deeper the loss the broader, so that colour is not needed.
    let band_mm = |class: usize| [4.0, 6.5 + 2.5 * class as f64].map(|pixels| 1.6 * step * pixels);
    // Chords lie a little inside their corners.
    let nearest_mm = inner.iter().copied().fold(f64::INFINITY, f64::min) * 0.99 - line_mm;
    let furthest_mm = outer.iter().copied().fold(0.0, f64::max) + band_mm(LOST.len())[1];
    for y in 0..size[1] {
        for x in 0..size[0] {
            let place = |at: u32, size: u32, pixels: usize, axis: usize| {
                let pixel = (f64::from(at) + 0.5) * pixels as f64 / f64::from(size) - 0.5;
                crop.origin_mm[axis] + pixel * crop.spacing_mm[axis] - section.centre_mm[axis]
            };
            let (dx, dy) = (place(x, size[0], crop.width, 0), place(y, size[1], crop.height, 1));
            let distance = dx.hypot(dy);
            if distance < nearest_mm || distance > furthest_mm {
                continue;
            }
            let direction = Direction::new(dy.atan2(dx));
            let edge = direction.radius(&outer);
            let class = loss.and_then(|loss| loss.get(direction.sector)).map_or(0, |loss| class(*loss, figures.depth));
            if (distance - edge).abs() <= line_mm {
                mark(x, y, CONTOUR, 0.9);
            } else if class > 0 {
                let band = band_mm(class);
                if distance < edge && distance > direction.radius(&inner) {
                    mark(x, y, LOST[class - 1], 0.38);
                } else if distance - edge >= band[0] && distance - edge <= band[1] {
                    mark(x, y, LOST[class - 1], 1.0);
                }
            }
        }
    }
}

/// Letters of the patient's sides, on both panels: the patient's right is at the viewer's left.
fn orientation(canvas: &mut RgbImage) {
    let middle = RASTER / 2;
    for panel in [0, RASTER + GAP] {
        text(canvas, panel + 6, middle - 8, INK, "R");
        text(canvas, panel + RASTER - 14, middle - 8, INK, "L");
        text(canvas, panel + middle - 4, 4, INK, "A");
        text(canvas, panel + middle - 4, RASTER - 20, INK, "P");
    }
}

fn captions(figures: &BoneFigures, crop: &SliceCrop, row: usize, title: &str, canvas: &mut RgbImage) {
    let z = words::number(Language::En, Some(crop.z_mm), 1);
    let name = crop.instance_number.map_or_else(|| format!("z {z} mm"), |n| format!("instance {n}, z {z} mm"));
    text(canvas, 4, RASTER + 4, INK, &format!("{title}: {name}"));
    let numbers = figures.lysis.slices.get(row).and_then(Option::as_ref);
    let percent = numbers.map_or_else(
        || "not measured".to_owned(),
        |slice| {
            let [axial, around] = [slice.axial_percent, slice.circumferential_percent].map(|percent| {
                let ends = words::interval(Language::En, Some([percent.low, percent.high]), 1);
                format!("{} % ({ends})", words::number(Language::En, Some(percent.value), 1))
            });
            format!("axial lysis {axial}, circumferential {around}")
        },
    );
    text(canvas, 4, RASTER + 4 + LINE, INK, &percent);
    let depth = format!("lost above {:.0} %", 100.0 * figures.depth);
    let mut x = 4;
    for (class, word) in (0u32..).zip([depth.as_str(), "above 50 %", "through the wall"]) {
        let height = 4 + 4 * class;
        for dx in 0..16 {
            for dy in 0..height {
                canvas.put_pixel(x + dx, RASTER + 12 + 2 * LINE - height / 2 + dy, LOST[class as usize]);
            }
        }
        x = text(canvas, x + 22, RASTER + 4 + 2 * LINE, INK, word) + 20;
    }
    text(canvas, x, RASTER + 4 + 2 * LINE, CONTOUR, "outer contour");
}

/// Writes a line; where it ends. What the type has no picture of is left out, what lies beyond the canvas too.
fn text(canvas: &mut RgbImage, mut x: u32, y: u32, colour: Rgb<u8>, words: &str) -> u32 {
    for letter in words.chars() {
        let letter = if letter == '−' { '-' } else { letter };
        let Some(raster) = get_raster(letter, FontWeight::Regular, RasterHeight::Size16) else { continue };
        for (dy, line) in raster.rows().enumerate() {
            for (dx, ink) in line.iter().enumerate() {
                if let Some(pixel) = canvas.get_pixel_mut_checked(x + dx as u32, y + dy as u32) {
                    let share = f32::from(*ink) / 255.0;
                    for (old, new) in pixel.0.iter_mut().zip(colour.0) {
                        *old = (f32::from(*old) * (1.0 - share) + f32::from(new) * share) as u8;
                    }
                }
            }
        }
        x += raster.width() as u32;
    }
    x
}
