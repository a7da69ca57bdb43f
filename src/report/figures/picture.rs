//! A slice as a picture: the plain CT beside the same with contour and lost sectors.

use super::svg::{Svg, n, png_grey, polyline};
use super::{BoneFigures, SliceCrop};
use crate::cortex::polar::inner_radius_mm;
use crate::cortex::{CortexSlice, SECTORS};
use crate::language::Language;
use crate::report::words;
use crate::volume::NO_DATA;
use image::{ImageBuffer, Luma, imageops};

/// Bone window.
const WINDOW_LEVEL: f32 = 500.0;
const WINDOW_WIDTH: f32 = 2000.0;
/// Side of a panel in the drawing, and of its raster (finer, for print and dense screens).
pub(super) const PANEL: f64 = 270.0;
pub(super) const RASTER: u32 = 432;
const GAP: f64 = 8.0;
const BELOW: f64 = 46.0;
/// Loss beyond which a sector takes the next colour. The first class begins at the chosen depth.
const CLASSES: [f64; 2] = [0.50, 0.99];

/// CT and overlay of one slice. `title` names the bone; `id` must be unique in a page.
pub fn slice_picture(figures: &BoneFigures, crop: &SliceCrop, language: Language, title: &str, id: &str) -> String {
    let row = figures.cortex.slices.iter().position(|slice| slice.slice_index == crop.slice_index);
    let section = row.and_then(|row| figures.cortex.slices.get(row));
    let numbers = row.and_then(|row| figures.lysis.slices.get(row)).and_then(Option::as_ref);
    let z = words::number(language, Some(crop.z_mm), 1);
    let name = crop.instance_number.map_or_else(|| format!("z {z} mm"), |n| format!("Instance {n}  ·  z {z} mm"));
    let percent = numbers.map_or_else(
        || language.pick("not measured", "non mesurée").to_owned(),
        |slice| {
            let [axial, around] = [slice.axial_percent.value, slice.circumferential_percent.value]
                .map(|v| words::number(language, Some(v), 1));
            language.pick(
                format!("axial {axial} %  ·  circumferential {around} %"),
                format!("plan axial {axial}\u{a0}%  ·  circonférence {around}\u{a0}%"),
            )
        },
    );
    let description = language.say(
        format!(
            "CT in a bone window, seen from the feet, left of the patient at the right. Second panel: the same with the periosteal contour \
             and the lost sectors marked. {percent}."
        ),
        format!(
            "Scanner en fenêtre osseuse, vu des pieds, la gauche du patient à droite. Second panneau : le même avec le contour périosté et \
             les secteurs perdus. {percent}."
        ),
    );
    let heading = language.say(format!("{title}: {name}"), format!("{title} : {name}"));
    let mut svg = Svg::new([2.0 * PANEL + GAP, PANEL + BELOW], id, &heading, &description);
    let frame = Frame::new(crop);
    let clip = format!("{id}-clip");
    svg.raw(&format!(r#"<defs><clipPath id="{clip}"><rect width="{PANEL}" height="{PANEL}"/></clipPath></defs>"#));
    svg.rect([0.0, 0.0], [PANEL; 2], "cx-ct");
    let [width, height] = frame.size;
    svg.image(&raster(crop), frame.corner, [width, height], &format!(r#"id="{id}-ct" clip-path="url(#{clip})""#));
    decorate(language, &mut svg, &frame);
    let second = n(PANEL + GAP);
    svg.raw(&format!(r#"<g transform="translate({second} 0)">"#));
    svg.rect([0.0, 0.0], [PANEL; 2], "cx-ct");
    svg.raw(&format!(r##"<use href="#{id}-ct"/><g clip-path="url(#{clip})">"##));
    if let (Some(row), Some(section), Some(_)) = (row, section, numbers) {
        overlay(figures, crop, row, section, &frame, &mut svg);
    }
    svg.raw("</g>");
    decorate(language, &mut svg, &frame);
    svg.raw("</g>");
    svg.text([0.0, PANEL + 19.0], "cx-strong", &name);
    svg.text([2.0 * PANEL + GAP, PANEL + 19.0], "cx-end", &percent);
    legend(language, figures.depth, &mut svg);
    svg.finish()
}

/// How the crop lies in its panel.
pub(super) struct Frame {
    /// Drawing pixels a millimetre.
    scale: f64,
    pub(super) corner: [f64; 2],
    pub(super) size: [f64; 2],
}

impl Frame {
    pub(super) fn new(crop: &SliceCrop) -> Self {
        let size_mm =
            [crop.width as f64 * crop.spacing_mm[0], crop.height as f64 * crop.spacing_mm[1]].map(|side| side.max(1.0));
        let scale = PANEL / size_mm[0].max(size_mm[1]);
        let size = size_mm.map(|side| side * scale);
        Self { scale, corner: size.map(|side| (PANEL - side) / 2.0), size }
    }

    /// Drawing position of a patient point. A pixel's centre is half a pixel inside its border.
    pub(super) fn at(&self, crop: &SliceCrop, point_mm: [f64; 2]) -> [f64; 2] {
        let pixel = crop.to_pixel(point_mm);
        std::array::from_fn(|axis| self.corner[axis] + (pixel[axis] + 0.5) * crop.spacing_mm[axis] * self.scale)
    }
}

/// The crop in the bone window, magnified smoothly: HU are interpolated first and windowed after, else the window's
/// corners would show.
pub(super) fn raster(crop: &SliceCrop) -> Vec<u8> {
    windowed(crop).map_or_else(Vec::new, png_grey)
}

/// The same as pixels, the longer side [`RASTER`] of them; `None` where the crop is empty.
pub(super) fn windowed(crop: &SliceCrop) -> Option<image::GrayImage> {
    // The resampler clamps floating-point pixels to 0..1.
    let to_unit = |hu: f32| (hu + 1024.0) / 8192.0;
    let unit: Vec<f32> =
        crop.pixels.iter().map(|hu| to_unit(if *hu == NO_DATA { -1024.0 } else { f32::from(*hu) })).collect();
    let image = ImageBuffer::<Luma<f32>, _>::from_raw(crop.width as u32, crop.height as u32, unit)?;
    let longest = image.width().max(image.height()).max(1);
    let [width, height] = [image.width(), image.height()].map(|side| (side * RASTER / longest).max(1));
    let large = imageops::resize(&image, width, height, imageops::FilterType::CatmullRom);
    Some(image::GrayImage::from_fn(width, height, |x, y| {
        let hu = large.get_pixel(x, y)[0] * 8192.0 - 1024.0;
        let share = (hu - (WINDOW_LEVEL - WINDOW_WIDTH / 2.0)) / WINDOW_WIDTH;
        Luma([(255.0 * share).round().clamp(0.0, 255.0) as u8])
    }))
}

/// Orientation letters and the scale bar.
pub(super) fn decorate(language: Language, svg: &mut Svg, frame: &Frame) {
    let middle = PANEL / 2.0;
    // Radiological convention: the patient's right is at the viewer's left.
    for (at, letter) in [
        ([12.0, middle + 5.0], language.pick("R", "D")),
        ([PANEL - 12.0, middle + 5.0], language.pick("L", "G")),
        ([middle, 18.0], "A"),
        ([middle, PANEL - 9.0], "P"),
    ] {
        svg.text(at, "cx-onct cx-mid", letter);
    }
    let (x, y, length) = (12.0, PANEL - 12.0, 10.0 * frame.scale);
    let [left, right, top, bottom, y_text] = [x, x + length, y - 4.0, y + 4.0, y].map(n);
    let bar = format!("M{left} {top}V{bottom}M{left} {y_text}H{right}M{right} {top}V{bottom}");
    svg.raw(&format!(r##"<path d="{bar}" stroke="#000" stroke-width="3.6" fill="none"/><path d="{bar}" stroke="#fff" stroke-width="1.6" fill="none"/>"##));
    svg.text([x, y - 9.0], "cx-onct", "10 mm");
}

/// Class of a loss: 0 intact, 1 above the chosen depth, 2 above half, 3 through the wall.
pub(super) fn class(loss: f32, depth: f64) -> usize {
    let loss = f64::from(loss);
    if loss.is_nan() || loss <= depth { 0 } else { 1 + CLASSES.iter().filter(|limit| loss > **limit).count() }
}

/// Where the intact wall would end inside, in the slice plane: the reference's mass is an area of the sector between this
/// and the contour. The reference's thickness would not do: it is measured along the surface's normal, which on an oblique
/// bone is shorter than what the slice shows.
pub(super) fn intact_inner_radius_mm(figures: &BoneFigures, row: usize, sector: usize) -> Option<f64> {
    let sector = sector % SECTORS;
    let outer = f64::from(*figures.cortex.slices.get(row)?.periosteal_radius_mm.get(sector)?);
    let area = f64::from(*figures.lysis.reference.mass_mm2.get(row)?.get(sector)?);
    (outer.is_finite() && area.is_finite() && area > 0.0).then(|| inner_radius_mm(outer, area))
}

fn overlay(figures: &BoneFigures, crop: &SliceCrop, row: usize, section: &CortexSlice, frame: &Frame, svg: &mut Svg) {
    let radius = |sector: usize| {
        section.periosteal_radius_mm.get(sector % SECTORS).map(|r| f64::from(*r)).filter(|r| r.is_finite())
    };
    let at = |radius: f64, sector: f64| {
        let angle = std::f64::consts::TAU * sector / SECTORS as f64;
        frame.at(crop, [section.centre_mm[0] + radius * angle.cos(), section.centre_mm[1] + radius * angle.sin()])
    };
    let inner = |sector: usize| intact_inner_radius_mm(figures, row, sector);
    // Radii hold at the middle of a sector; its borders lie half-way between neighbours.
    let border = |of: &dyn Fn(usize) -> Option<f64>, sector: usize| match (of(sector + SECTORS - 1), of(sector)) {
        (Some(a), Some(b)) => Some((a + b) / 2.0),
        (a, b) => a.or(b),
    };
    let loss = figures.lysis.loss.get(row);
    let mut wall: [String; 4] = Default::default();
    let mut band: [String; 4] = Default::default();
    for sector in 0..SECTORS {
        let class = loss.and_then(|row| row.get(sector)).map_or(0, |loss| class(*loss, figures.depth));
        let (Some(first), Some(last)) = (border(&radius, sector), border(&radius, sector + 1)) else { continue };
        if class == 0 {
            continue;
        }
        let piece = |inner: [f64; 2], outer: [f64; 2]| {
            let (from, to) = (sector as f64, sector as f64 + 1.0);
            let corners =
                [at(outer[0], from), at(outer[1], to), at(inner[1].max(0.0), to), at(inner[0].max(0.0), from)];
            polyline(corners.into_iter().map(Some)) + "Z"
        };
        if let (Some(from), Some(to)) = (border(&inner, sector), border(&inner, sector + 1)) {
            wall[class] += &piece([from, to], [first, last]);
        }
        // Outside the bone, where it hides nothing; the deeper the loss the broader, so that colour is not needed.
        let (near, far) = (4.0 / frame.scale, (6.5 + 2.5 * class as f64) / frame.scale);
        band[class] += &piece([first + near, last + near], [first + far, last + far]);
    }
    for class in 1..=3 {
        svg.path(&wall[class], &format!("cx-wall cx-lost{class}"));
        svg.path(&band[class], &format!("cx-lost{class}"));
    }
    let contour = (0..SECTORS).map(|sector| radius(sector).map(|radius| at(radius, sector as f64 + 0.5)));
    let whole = (0..SECTORS).all(|sector| radius(sector).is_some());
    svg.path(&format!("{}{}", polyline(contour), if whole { "Z" } else { "" }), "cx-contour");
}

fn legend(language: Language, depth: f64, svg: &mut Svg) {
    let y = PANEL + 40.0;
    let percent = format!("{:.0}", 100.0 * depth);
    let words = [
        language.say(format!("lost above {percent} %"), format!("perte > {percent} %")),
        language.say("above 50 %", "perte > 50 %"),
        language.say("through the wall", "toute l’épaisseur"),
    ];
    let mut x = 0.0;
    for (class, word) in (1..).zip(words) {
        let height = 2.5 + 2.5 * f64::from(class);
        svg.rect([x, y - 4.0 - height / 2.0], [16.0, height], &format!("cx-lost{class}"));
        svg.text([x + 21.0, y], "cx-label", &word);
        x += 38.0 + 6.6 * word.chars().count() as f64;
    }
    svg.line([x, y - 4.0], [x + 16.0, y - 4.0], "cx-contour-key");
    svg.text([x + 21.0, y], "cx-label", language.pick("outer contour", "contour externe"));
}
