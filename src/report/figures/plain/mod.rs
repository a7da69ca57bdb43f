//! Map and profile drawn with lines, areas and letters alone: for paper (PDF) and for viewing stations that show no SVG.

mod map;
mod profile;
mod raster;

pub(crate) use map::draw_map;
pub(crate) use profile::draw_profile;
pub(crate) use raster::Raster;

use super::ZAxis;
use crate::cortex::Cortex;
use crate::language::Language;
use crate::report::words;
use image::RgbImage;

/// Red, green, blue.
pub(crate) type Colour = [u8; 3];

/// Which point of a line of text is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

/// Something to draw on; y runs downwards, in the canvas' own unit.
pub(crate) trait Canvas {
    /// Size of the letters.
    fn em(&self) -> f64;
    /// How wide a text is.
    fn text_width(&self, text: &str) -> f64;
    /// A line of text; `at` is on its base line.
    fn text(&mut self, at: [f64; 2], anchor: Anchor, colour: Colour, text: &str);
    fn rect(&mut self, corner: [f64; 2], size: [f64; 2], colour: Colour);
    /// A filled outline; `share` of the colour over what is there, 0 to 1.
    fn area(&mut self, outline: &[[f64; 2]], colour: Colour, share: f64);
    /// A line through points, drawn or dashed.
    fn line(&mut self, points: &[[f64; 2]], width: f64, colour: Colour, dashed: bool);
    /// A picture stretched over a rectangle, its pixels as squares.
    fn image(&mut self, picture: &RgbImage, corner: [f64; 2], size: [f64; 2]);
}

/// The colours of a drawing; as in the figures' style.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Palette {
    pub ink: Colour,
    pub soft: Colour,
    pub grid: Colour,
    /// Behind what was not measured, and its hatching.
    pub void: Colour,
    pub hatch: Colour,
    pub axial: Colour,
    pub around: Colour,
    pub flag: Colour,
}

impl Palette {
    /// On white paper.
    pub const PAPER: Self = Self {
        ink: [0x1b, 0x1f, 0x24],
        soft: [0x44, 0x4c, 0x55],
        grid: [0xd8, 0xdd, 0xe3],
        void: [0xdd, 0xe1, 0xe6],
        hatch: [0x99, 0xa1, 0xaa],
        axial: [0x00, 0x60, 0xa0],
        around: [0xb3, 0x47, 0x00],
        flag: [0xb3, 0x26, 0x1e],
    };
    /// On a dark screen.
    pub const SCREEN: Self = Self {
        ink: [0xe8, 0xeb, 0xee],
        soft: [0xa8, 0xb1, 0xbb],
        grid: [0x3a, 0x42, 0x4b],
        void: [0x39, 0x41, 0x4a],
        hatch: [0x5d, 0x67, 0x72],
        axial: [0x6d, 0xb8, 0xf2],
        around: [0xf5, 0xa4, 0x5b],
        flag: [0xff, 0x8a, 0x80],
    };
}

/// A plot's place on the canvas, with patient z upwards.
struct Plot {
    axis: ZAxis,
    left: f64,
    width: f64,
}

impl Plot {
    /// Inside `corner` and `size`, with room for the labels left and below and `right` beside.
    fn new(canvas: &dyn Canvas, cortex: &Cortex, corner: [f64; 2], size: [f64; 2], right: f64) -> Self {
        let em = canvas.em();
        let mut axis = ZAxis::new(cortex);
        axis.top = corner[1] + 1.7 * em;
        axis.height = (size[1] - 3.3 * em).max(em);
        let room = canvas.text_width("−0000") + 0.8 * em;
        Self { axis, left: corner[0] + room, width: (size[0] - room - right).max(em) }
    }

    fn bottom(&self) -> f64 {
        self.axis.top + self.axis.height
    }

    /// Frame, z axis and its labels.
    fn frame(&self, canvas: &mut dyn Canvas, palette: &Palette, language: Language) {
        let (em, right) = (canvas.em(), self.left + self.width);
        let corners =
            [[self.left, self.axis.top], [right, self.axis.top], [right, self.bottom()], [self.left, self.bottom()]];
        canvas.line(&[corners[0], corners[1], corners[2], corners[3], corners[0]], 0.09 * em, palette.soft, false);
        for z in self.axis.ticks() {
            let y = self.axis.y(z);
            canvas.line(&[[self.left - 0.35 * em, y], [self.left, y]], 0.09 * em, palette.soft, false);
            let label = words::number(language, Some(z), 0);
            canvas.text([self.left - 0.5 * em, y + 0.35 * em], Anchor::End, palette.soft, &label);
        }
        let above = [self.left - 0.5 * em, self.axis.top - 0.6 * em];
        canvas.text(above, Anchor::End, palette.soft, "z, mm");
    }

    /// Grey with slanted lines, from one height to another.
    fn hatch(&self, canvas: &mut dyn Canvas, palette: &Palette, [low_mm, high_mm]: [f64; 2]) {
        let (top, bottom) = (self.axis.y(high_mm), self.axis.y(low_mm));
        let em = canvas.em();
        canvas.rect([self.left, top], [self.width, bottom - top], palette.void);
        let (step, right) = (0.8 * em, self.left + self.width);
        // Lines of constant x + y, cut at the four sides; on one raster for all stretches.
        let mut sum = ((self.left + top) / step).ceil() * step;
        while sum < right + bottom {
            let from = if sum - top <= right { [sum - top, top] } else { [right, sum - right] };
            let to = if sum - bottom >= self.left { [sum - bottom, bottom] } else { [self.left, sum - self.left] };
            canvas.line(&[from, to], 0.1 * em, palette.hatch, false);
            sum += step;
        }
    }
}

/// Stretches of rows of which `of` says the same, with their borders in mm: `(rows, low, high)`.
fn stretches(axis: &ZAxis, of: impl Fn(usize) -> bool) -> Vec<[f64; 2]> {
    let mut found: Vec<[f64; 2]> = Vec::new();
    let mut open = false;
    for (row, [low, high]) in axis.rows_mm.iter().enumerate() {
        let inside = of(row);
        match found.last_mut() {
            Some(last) if open && inside => last[1] = *high,
            _ if inside => found.push([*low, *high]),
            _ => {}
        }
        open = inside;
    }
    found
}
