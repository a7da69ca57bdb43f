//! Both percentages along the bone with their intervals and thresholds, flagged slices beside.

use super::super::BoneFigures;
use super::super::profile::slice;
use super::{Anchor, Canvas, Colour, Palette, Plot, stretches};
use crate::estimate::Estimate;
use crate::language::Language;
use crate::lysis::SliceLysis;
use crate::scores::rules::{GUIDELINE_AXIAL_PERCENT, GUIDELINE_CIRCUMFERENTIAL_PERCENT};

/// Draws the profile into a rectangle of the canvas; `flagged` is per slice of the cortex.
pub(crate) fn draw_profile(
    canvas: &mut dyn Canvas,
    figures: &BoneFigures,
    flagged: &[bool],
    (corner, size): ([f64; 2], [f64; 2]),
    palette: &Palette,
    language: Language,
) {
    let em = canvas.em();
    let plot = Plot::new(canvas, figures.cortex, corner, size, 1.6 * em);
    let x = |percent: f64| plot.left + plot.width * percent.clamp(0.0, 100.0) / 100.0;
    for stretch in stretches(&plot.axis, |row| slice(figures, row).is_none()) {
        plot.hatch(canvas, palette, stretch);
    }
    for percent in [0.0, 25.0, 50.0, 75.0, 100.0] {
        let line = [[x(percent), plot.axis.top], [x(percent), plot.bottom()]];
        canvas.line(&line, 0.07 * em, palette.grid, false);
        canvas.text([x(percent), plot.bottom() + 1.2 * em], Anchor::Middle, palette.soft, &format!("{percent:.0}"));
    }
    let thresholds = [(GUIDELINE_AXIAL_PERCENT, palette.axial), (GUIDELINE_CIRCUMFERENTIAL_PERCENT, palette.around)];
    for (percent, colour) in thresholds {
        canvas.line(&[[x(percent), plot.axis.top], [x(percent), plot.bottom()]], 0.12 * em, colour, true);
        let label = format!("{percent:.0} %");
        canvas.text([x(percent), plot.axis.top - 0.6 * em], Anchor::Middle, colour, &label);
    }
    curve(canvas, figures, &plot, palette.around, true, |slice| slice.circumferential_percent);
    curve(canvas, figures, &plot, palette.axial, false, |slice| slice.axial_percent);
    for [low, high] in stretches(&plot.axis, |row| flagged.get(row) == Some(&true)) {
        let (top, bottom) = (plot.axis.y(high), plot.axis.y(low));
        canvas.rect([plot.left + plot.width + 0.4 * em, top], [0.8 * em, bottom - top], palette.flag);
    }
    plot.frame(canvas, palette, language);
}

fn curve(
    canvas: &mut dyn Canvas,
    figures: &BoneFigures,
    plot: &Plot,
    colour: Colour,
    dashed: bool,
    of: impl Fn(&SliceLysis) -> Estimate,
) {
    let em = canvas.em();
    let x = |percent: f64| plot.left + plot.width * percent.clamp(0.0, 100.0) / 100.0;
    let finite = |e: &Estimate| e.value.is_finite() && e.low.is_finite() && e.high.is_finite();
    let points: Vec<Option<(f64, Estimate)>> = (0..plot.axis.rows_mm.len())
        .map(|row| Some((plot.axis.y(figures.cortex.slices.get(row)?.z_mm), of(slice(figures, row)?))))
        .map(|point| point.filter(|(_, estimate)| finite(estimate)))
        .collect();
    // Where nothing was measured neither line nor band goes on.
    for stretch in points.split(Option::is_none) {
        let stretch: Vec<&(f64, Estimate)> = stretch.iter().flatten().collect();
        if stretch.len() < 2 {
            continue;
        }
        let lower = stretch.iter().map(|(y, e)| [x(e.low), *y]);
        let upper = stretch.iter().rev().map(|(y, e)| [x(e.high), *y]);
        canvas.area(&lower.chain(upper).collect::<Vec<_>>(), colour, 0.22);
        let line: Vec<[f64; 2]> = stretch.iter().map(|(y, e)| [x(e.value), *y]).collect();
        canvas.line(&line, 0.2 * em, colour, dashed);
    }
}
