//! Both percentages along the bone, with their 95 % bands and the 30 and 50 % lines, on the z axis of the map.

use super::svg::{n, polyline};
use super::{BoneFigures, ZAxis, svg};
use crate::estimate::Estimate;
use crate::language::Language;
use crate::lysis::SliceLysis;

pub(super) const LEFT: f64 = 62.0;
// As wide as the map, so that side by side their z axes are level.
pub(super) const WIDTH: f64 = 426.0;
const RIGHT: f64 = 30.0;
const BELOW: f64 = 62.0;

/// Axial and circumferential lysis against patient z. `flagged` is per slice of the cortex; `title` names the bone;
/// `id` must be unique in a page.
pub fn profile(figures: &BoneFigures, language: Language, flagged: &[bool], title: &str, id: &str) -> String {
    let axis = ZAxis::new(figures.cortex);
    let size = [LEFT + WIDTH + RIGHT, axis.bottom() + BELOW];
    let description = "Profile along the bone. Vertical: patient z, head up. Horizontal: percent lost, 0 to 100. Solid line: axial lysis, \
                       with its threshold at 30 percent. Dashed line: circumferential lysis, with its threshold at 50 percent. \
                       Shaded: 95 percent intervals.";
    let french = "Profil le long de l’os. Verticalement : z du patient, tête en haut. Horizontalement : pourcentage perdu, de 0 à 100. \
                  Trait plein : ostéolyse dans le plan axial, seuil à 30 pour cent. Tirets : ostéolyse dans la circonférence, seuil à 50 \
                  pour cent. Ombré : intervalles à 95 pour cent.";
    let name = language.say(format!("{title}: lysis along the bone"), format!("{title} : ostéolyse le long de l’os"));
    let mut svg = svg::Svg::new(size, id, &name, &language.say(description, french));
    let no = format!("{id}-no");
    svg.raw(&format!(
        r#"<defs><pattern id="{no}" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="cx-void" width="7" height="7"/><line class="cx-hatch" x1="0" y1="0" x2="0" y2="7"/></pattern></defs>"#
    ));
    for percent in [0.0, 20.0, 40.0, 60.0, 80.0, 100.0] {
        svg.line([x(percent), axis.top], [x(percent), axis.bottom()], "cx-grid");
        svg.text([x(percent), axis.bottom() + 17.0], "cx-label cx-mid", &format!("{percent:.0}"));
    }
    for z in axis.ticks() {
        svg.line([LEFT, axis.y(z)], [LEFT + WIDTH, axis.y(z)], "cx-grid");
    }
    for (row, [low, high]) in axis.rows_mm.iter().enumerate() {
        if slice(figures, row).is_none() {
            let [x, y, width, height] = [LEFT, axis.y(*high), WIDTH, axis.y(*low) - axis.y(*high)].map(n);
            svg.raw(&format!(r#"<rect fill="url(#{no})" x="{x}" y="{y}" width="{width}" height="{height}"/>"#));
        }
    }
    for (percent, word, series) in [(30.0, "30 %", "axial"), (50.0, "50 %", "around")] {
        svg.line([x(percent), axis.top - 4.0], [x(percent), axis.bottom()], &format!("cx-{series}-limit"));
        svg.text([x(percent), axis.top - 10.0], &format!("cx-{series}-text cx-mid"), word);
    }
    curve(figures, &axis, &mut svg, "around", |slice| slice.circumferential_percent);
    curve(figures, &axis, &mut svg, "axial", |slice| slice.axial_percent);
    // One bar a run: between bars that only touch, a screen shows seams.
    let mut row = 0;
    while let Some(first) = (row..axis.rows_mm.len()).find(|row| flagged.get(*row) == Some(&true)) {
        row = (first..axis.rows_mm.len()).find(|row| flagged.get(*row) != Some(&true)).unwrap_or(axis.rows_mm.len());
        let (top, bottom) = (axis.y(axis.rows_mm[row - 1][1]), axis.y(axis.rows_mm[first][0]));
        svg.rect([LEFT + WIDTH + 5.0, top], [8.0, bottom - top], "cx-flag");
    }
    if flagged.contains(&true) {
        svg.text([LEFT + WIDTH + 9.0, axis.top - 10.0], "cx-mid", "⚑");
    }
    svg.rect([LEFT, axis.top], [WIDTH, axis.height], "cx-frame");
    axis.draw(language, &mut svg, LEFT);
    let legend = language.say("percent lost (shaded: 95 % interval)", "pourcentage perdu (ombré : intervalle à 95 %)");
    svg.text([LEFT + WIDTH / 2.0, axis.bottom() + 34.0], "cx-label cx-mid", &legend);
    let y = axis.bottom() + 52.0;
    svg.line([LEFT + 84.0, y - 4.0], [LEFT + 112.0, y - 4.0], "cx-axial");
    svg.text([LEFT + 118.0, y], "cx-axial-text", language.pick("axial", "plan axial"));
    svg.line([LEFT + 190.0, y - 4.0], [LEFT + 218.0, y - 4.0], "cx-around");
    svg.text([LEFT + 224.0, y], "cx-around-text", language.pick("circumferential", "circonférence"));
    svg.finish()
}

fn x(percent: f64) -> f64 {
    LEFT + WIDTH * percent.clamp(0.0, 100.0) / 100.0
}

pub(super) fn slice<'a>(figures: &'a BoneFigures, row: usize) -> Option<&'a SliceLysis> {
    figures.cortex.slices.get(row).filter(|slice| slice.not_measured.is_none())?;
    figures.lysis.slices.get(row)?.as_ref()
}

fn curve(figures: &BoneFigures, axis: &ZAxis, svg: &mut svg::Svg, series: &str, of: impl Fn(&SliceLysis) -> Estimate) {
    let points: Vec<Option<(f64, Estimate)>> = (0..axis.rows_mm.len())
        .map(|row| Some((axis.y(figures.cortex.slices.get(row)?.z_mm), of(slice(figures, row)?))))
        .collect();
    let finite =
        |estimate: &Estimate| estimate.value.is_finite() && estimate.low.is_finite() && estimate.high.is_finite();
    // A band per unbroken stretch: where nothing was measured nothing is shaded.
    for stretch in points.split(|point| !point.as_ref().is_some_and(|(_, estimate)| finite(estimate))) {
        let stretch: Vec<_> = stretch.iter().flatten().collect();
        if stretch.is_empty() {
            continue;
        }
        let lower = stretch.iter().map(|(y, estimate)| Some([x(estimate.low), *y]));
        let upper = stretch.iter().rev().map(|(y, estimate)| Some([x(estimate.high), *y]));
        svg.path(&format!("{}Z", polyline(lower.chain(upper))), &format!("cx-{series}-band"));
    }
    let line =
        points.iter().map(|point| point.as_ref().filter(|(_, e)| e.value.is_finite()).map(|(y, e)| [x(e.value), *y]));
    svg.path(&polyline(line), &format!("cx-{series}"));
}
