//! The unrolled cortex: dark where it is gone, the lost area outlined, what was not measured hatched.

use super::super::map::{loss, measured, share};
use super::super::{BoneFigures, colour};
use super::{Anchor, Canvas, Palette, Plot, stretches};
use crate::cortex::SECTORS;
use crate::language::Language;
use image::{Rgb, RgbImage};

/// Draws the map into a rectangle of the canvas.
pub(crate) fn draw_map(
    canvas: &mut dyn Canvas,
    figures: &BoneFigures,
    corner: [f64; 2],
    size: [f64; 2],
    palette: &Palette,
    language: Language,
) {
    let em = canvas.em();
    let scale_width = canvas.text_width("100 %") + 2.0 * em;
    let plot = Plot::new(canvas, figures.cortex, corner, size, scale_width);
    let x = |sector: usize| plot.left + plot.width * sector as f64 / SECTORS as f64;
    canvas.rect([plot.left, plot.axis.top], [plot.width, plot.axis.height], palette.void);
    canvas.image(&cells(figures, &plot, palette), [plot.left, plot.axis.top], [plot.width, plot.axis.height]);
    for stretch in stretches(&plot.axis, |row| !measured(figures, row)) {
        plot.hatch(canvas, palette, stretch);
    }
    let outline = outline(figures, &plot, x);
    for (width, colour) in [(0.32, [0, 0, 0]), (0.14, [255, 255, 255])] {
        outline.iter().for_each(|piece| canvas.line(piece, width * em, colour, false));
    }
    plot.frame(canvas, palette, language);
    for (quarter, letter) in ["L", "P", "R", "A", "L"].into_iter().enumerate() {
        let at = x(quarter * SECTORS / 4);
        canvas.line(&[[at, plot.bottom()], [at, plot.bottom() + 0.35 * em]], 0.09 * em, palette.soft, false);
        canvas.text([at, plot.bottom() + 1.4 * em], Anchor::Middle, palette.ink, letter);
    }
    colour_scale(canvas, &plot, palette, language);
}

/// One pixel a sector, rows as fine as the plot's slices need.
fn cells(figures: &BoneFigures, plot: &Plot, palette: &Palette) -> RgbImage {
    let axis = &plot.axis;
    // Slices may lie unevenly; a raster of a few rows a slice holds all of them.
    let height = (3 * axis.rows_mm.len()).clamp(64, 1200) as u32;
    let mut raster = RgbImage::from_pixel(SECTORS as u32, height, Rgb(palette.void));
    let row_of =
        |z_mm: f64| ((axis.high_mm - z_mm) / (axis.high_mm - axis.low_mm) * f64::from(height)).round().max(0.0) as u32;
    for (row, [low, high]) in axis.rows_mm.iter().enumerate() {
        for sector in 0..SECTORS {
            let Some(share) = share(figures, row, sector) else { continue };
            let pixel = Rgb(colour::of_share(share));
            for y in row_of(*high)..row_of(*low).min(height) {
                raster.put_pixel(sector as u32, y, pixel);
            }
        }
    }
    raster
}

/// The border of all that lost more than the chosen depth, side by side of its cells.
fn outline(figures: &BoneFigures, plot: &Plot, x: impl Fn(usize) -> f64) -> Vec<[[f64; 2]; 2]> {
    let axis = &plot.axis;
    let lost = |row: usize, sector: usize| {
        loss(figures, row, sector % SECTORS).is_some_and(|loss| f64::from(loss) > figures.depth)
    };
    let mut pieces = Vec::new();
    let rows = axis.rows_mm.len();
    for row in 0..rows {
        let [low, high] = axis.rows_mm[row].map(|z| axis.y(z));
        let mut side = |y: f64, other: Option<usize>| {
            let border = |sector: usize| lost(row, sector) && !other.is_some_and(|other| lost(other, sector));
            let mut sector = 0;
            while let Some(first) = (sector..SECTORS).find(|s| border(*s)) {
                sector = (first..SECTORS).find(|s| !border(*s)).unwrap_or(SECTORS);
                pieces.push([[x(first), y], [x(sector), y]]);
            }
        };
        side(low, row.checked_sub(1));
        side(high, Some(row + 1).filter(|above| *above < rows));
        for sector in 0..SECTORS {
            // A cylinder: the first sector has the last one as its neighbour, drawn at the left edge.
            if lost(row, sector) != lost(row, sector + SECTORS - 1) {
                pieces.push([[x(sector), low], [x(sector), high]]);
            }
        }
    }
    pieces
}

fn colour_scale(canvas: &mut dyn Canvas, plot: &Plot, palette: &Palette, language: Language) {
    let em = canvas.em();
    let steps = 110;
    let bar = RgbImage::from_fn(1, steps, |_, y| {
        Rgb(colour::of_share(colour::TOP * (f64::from(steps - 1 - y) + 0.5) / f64::from(steps)))
    });
    let (x, height) = (plot.left + plot.width + 0.7 * em, plot.axis.height.min(14.0 * em));
    canvas.image(&bar, [x, plot.axis.top], [0.8 * em, height]);
    for percent in [0.0, 50.0, 100.0] {
        let y = plot.axis.top + height * (1.0 - percent / 100.0 / colour::TOP);
        let label = language.say(format!("{percent:.0} %"), format!("{percent:.0} %")).replace('\u{a0}', " ");
        canvas.text([x + 1.1 * em, y + 0.35 * em], Anchor::Start, palette.soft, &label);
    }
}
