//! The unrolled cortex: around the bone from left to right, along the patient's z from bottom to top.

use super::{BoneFigures, ZAxis, colour, svg};
use crate::cortex::SECTORS;
use crate::language::Language;
use std::collections::HashMap;

pub(super) const LEFT: f64 = 62.0;
pub(super) const WIDTH: f64 = 372.0;
const RIGHT: f64 = 84.0;
const BELOW: f64 = 62.0;
/// Pixels of the raster a sector: viewers that insist on smoothing blur less of it.
const PIXELS_A_SECTOR: usize = 4;
/// Loss that counts as through the wall.
const THROUGH: f32 = 0.99;

/// Cortical mass relative to the reference per sector and slice, with the lost area outlined, what is through the
/// wall hatched, what was not measured grey. `title` names the bone; `id` must be unique in a page.
pub fn unrolled_map(figures: &BoneFigures, language: Language, title: &str, id: &str) -> String {
    let axis = ZAxis::new(figures.cortex);
    let size = [LEFT + WIDTH + RIGHT, axis.bottom() + BELOW];
    let depth = 100.0 * figures.depth;
    let description = language.say(
        format!(
            "Unrolled cortex. Horizontal: around the bone, from left through posterior, right and anterior back to left. Vertical: patient z, \
             head up. Colour: cortical mass as a share of the reference, dark where cortex is gone. Outlined: loss above {depth:.0} percent."
        ),
        format!(
            "Corticale déroulée. Horizontalement : autour de l’os, de la gauche par l’arrière, la droite et l’avant jusqu’à la gauche. \
             Verticalement : z du patient, tête en haut. Couleur : masse corticale en part de la référence, sombre où la corticale a disparu. \
             Entouré : perte de plus de {depth:.0} pour cent."
        ),
    );
    let name =
        language.say(format!("{title}: unrolled cortex map"), format!("{title} : carte de la corticale déroulée"));
    let mut svg = svg::Svg::new(size, id, &name, &description);
    svg.raw(&format!(
        r#"<defs><pattern id="{id}-no" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="cx-void" width="7" height="7"/><line class="cx-hatch" x1="0" y1="0" x2="0" y2="7"/></pattern><pattern id="{id}-wall" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)"><line x1="0" y1="0" x2="0" y2="6" stroke="white" stroke-width="1.1" stroke-opacity=".75"/></pattern></defs>"#
    ));
    cells(figures, &axis, &mut svg);
    for (row, [low, high]) in axis.rows_mm.iter().enumerate() {
        if !measured(figures, row) {
            let (y, height) = (axis.y(*high), axis.y(*low) - axis.y(*high));
            let [x, y, width, height] = [LEFT, y, WIDTH, height].map(svg::n);
            svg.raw(&format!(r#"<rect fill="url(#{id}-no)" x="{x}" y="{y}" width="{width}" height="{height}"/>"#));
        }
    }
    let through = areas(figures, &axis, THROUGH);
    if !through.is_empty() {
        svg.raw(&format!(r#"<path fill="url(#{id}-wall)" d="{through}"/>"#));
    }
    let outline = outline(figures, &axis);
    svg.path(&outline, "cx-halo");
    svg.path(&outline, "cx-outline");
    svg.rect([LEFT, axis.top], [WIDTH, axis.height], "cx-frame");
    lesion_numbers(figures, &axis, &mut svg);
    axis.draw(language, &mut svg, LEFT);
    let letters = language.pick(["L", "P", "R", "A", "L"], ["G", "P", "D", "A", "G"]);
    for (quarter, letter) in letters.into_iter().enumerate() {
        let x = LEFT + WIDTH * quarter as f64 / 4.0;
        svg.line([x, axis.top - 5.0], [x, axis.top], "cx-axis");
        svg.line([x, axis.bottom()], [x, axis.bottom() + 5.0], "cx-axis");
        svg.text([x, axis.top - 10.0], "cx-strong cx-mid", letter);
        svg.text([x, axis.bottom() + 19.0], "cx-strong cx-mid", letter);
    }
    svg.text(
        [size[0] / 2.0, axis.bottom() + 36.0],
        "cx-label cx-mid",
        &language.say(
            "around the bone: L left, P posterior, R right, A anterior of the patient",
            "autour de l’os : G gauche, P postérieur, D droite, A antérieur du patient",
        ),
    );
    svg.text(
        [size[0] / 2.0, axis.bottom() + 53.0],
        "cx-label cx-mid",
        &language.say(
            format!("outlined: loss above {depth:.0} %  ·  white hatch: through the wall  ·  grey hatch: not measured"),
            format!("entouré : perte > {depth:.0} %  ·  hachures blanches : toute l’épaisseur  ·  grises : non mesuré"),
        ),
    );
    colour_bar(language, &axis, &mut svg);
    svg.finish()
}

pub(super) fn measured(figures: &BoneFigures, row: usize) -> bool {
    figures.cortex.slices.get(row).is_some_and(|slice| slice.not_measured.is_none())
        && figures.lysis.slices.get(row).is_some_and(Option::is_some)
}

/// Loss of one cell; `None` where not measured.
pub(super) fn loss(figures: &BoneFigures, row: usize, sector: usize) -> Option<f32> {
    let loss = *figures.lysis.loss.get(row)?.get(sector)?;
    (measured(figures, row) && loss.is_finite()).then_some(loss)
}

/// Mass over reference mass; where the reference is no number, what the loss says.
pub(super) fn share(figures: &BoneFigures, row: usize, sector: usize) -> Option<f64> {
    let loss = loss(figures, row, sector)?;
    let mass = figures.cortex.slices.get(row).and_then(|slice| slice.mass_mm2.get(sector)).copied();
    let reference = figures.lysis.reference.mass_mm2.get(row).and_then(|row| row.get(sector)).copied();
    match (mass, reference) {
        (Some(mass), Some(reference)) if mass.is_finite() && reference > 0.0 => Some(f64::from(mass / reference)),
        _ => Some(1.0 - f64::from(loss)),
    }
}

fn cells(figures: &BoneFigures, axis: &ZAxis, svg: &mut svg::Svg) {
    // One raster row per pixel of the plot: slices may lie unevenly.
    let (width, height) = (SECTORS * PIXELS_A_SECTOR, axis.height.round() as usize);
    let mut rgba = vec![0; 4 * width * height];
    for (row, [low, high]) in axis.rows_mm.iter().enumerate() {
        let first = (axis.y(*high) - axis.top).round().max(0.0) as usize;
        let last = ((axis.y(*low) - axis.top).round() as usize).min(height);
        for sector in 0..SECTORS {
            let Some(share) = share(figures, row, sector) else { continue };
            let [r, g, b] = colour::of_share(share);
            for y in first..last {
                let start = 4 * (y * width + sector * PIXELS_A_SECTOR);
                rgba[start..start + 4 * PIXELS_A_SECTOR].copy_from_slice(&[r, g, b, 255].repeat(PIXELS_A_SECTOR));
            }
        }
    }
    svg.rect([LEFT, axis.top], [WIDTH, axis.height], "cx-void");
    let png = svg::png(width as u32, height as u32, rgba);
    svg.image(&png, [LEFT, axis.top], [WIDTH, axis.height], r#"style="image-rendering:pixelated""#);
}

fn x(sector: usize) -> f64 {
    LEFT + WIDTH * sector as f64 / SECTORS as f64
}

/// The cells that lost at least `level`, as rectangles: one a run of sectors in a slice.
fn areas(figures: &BoneFigures, axis: &ZAxis, level: f32) -> String {
    let mut d = String::new();
    for (row, [low, high]) in axis.rows_mm.iter().enumerate() {
        let lost: Vec<bool> = (0..SECTORS).map(|s| loss(figures, row, s).is_some_and(|loss| loss >= level)).collect();
        let mut sector = 0;
        while sector < SECTORS {
            let end = (sector..SECTORS).find(|s| !lost[*s]).unwrap_or(SECTORS);
            if end > sector {
                let [a, b, top, bottom] = [x(sector), x(end), axis.y(*high), axis.y(*low)].map(svg::n);
                d += &format!("M{a} {top}H{b}V{bottom}H{a}Z");
            }
            sector = end.max(sector) + 1;
        }
    }
    d
}

/// The border of all that lost more than the chosen depth.
fn outline(figures: &BoneFigures, axis: &ZAxis) -> String {
    let rows = axis.rows_mm.len();
    let lost = |row: Option<usize>, sector: usize| {
        row.and_then(|row| loss(figures, row, sector % SECTORS)).is_some_and(|loss| f64::from(loss) > figures.depth)
    };
    let mut d = String::new();
    for row in 0..=rows {
        // Between row − 1 and row: a line wherever only one of the two is lost. Runs are merged.
        let (below, above) = (row.checked_sub(1), (row < rows).then_some(row));
        let z = above.map(|row| axis.rows_mm[row][0]).or(below.map(|row| axis.rows_mm[row][1]));
        let Some(z) = z else { continue };
        let border: Vec<bool> = (0..SECTORS).map(|s| lost(below, s) != lost(above, s)).collect();
        let mut sector = 0;
        while sector < SECTORS {
            let end = (sector..SECTORS).find(|s| !border[*s]).unwrap_or(SECTORS);
            if end > sector {
                d += &format!("M{} {}H{}", svg::n(x(sector)), svg::n(axis.y(z)), svg::n(x(end)));
            }
            sector = end.max(sector) + 1;
        }
        let Some(row) = above else { continue };
        let [low, high] = axis.rows_mm[row];
        for sector in 0..SECTORS {
            // The map is a cylinder: sector 0 has the last one as its neighbour, drawn at the left edge.
            if lost(Some(row), sector) != lost(Some(row), sector + SECTORS - 1) {
                d += &format!("M{} {}V{}", svg::n(x(sector)), svg::n(axis.y(low)), svg::n(axis.y(high)));
            }
        }
    }
    d
}

fn lesion_numbers(figures: &BoneFigures, axis: &ZAxis, svg: &mut svg::Svg) {
    for lesion in &figures.lysis.lesions {
        let mut rows: HashMap<usize, usize> = HashMap::new();
        let (mut cosine, mut sine) = (0.0, 0.0);
        for (row, sector) in &lesion.cells {
            *rows.entry(*row).or_default() += 1;
            let angle = std::f64::consts::TAU * (*sector as f64 + 0.5) / SECTORS as f64;
            cosine += angle.cos();
            sine += angle.sin();
        }
        let z = (lesion.z_range_mm[0] + lesion.z_range_mm[1]) / 2.0;
        // The mean direction, because sectors 119 and 1 are neighbours.
        let turn = f64::atan2(sine, cosine).rem_euclid(std::f64::consts::TAU) / std::f64::consts::TAU;
        let x = (LEFT + WIDTH * turn).clamp(LEFT + 8.0, LEFT + WIDTH - 8.0);
        if !rows.is_empty() {
            svg.text([x, axis.y(z) + 5.0], "cx-onmap", &lesion.id.to_string());
        }
    }
}

fn colour_bar(language: Language, axis: &ZAxis, svg: &mut svg::Svg) {
    let (x, width, steps) = (LEFT + WIDTH + 20.0, 14.0, 110);
    let height = axis.height.min(260.0);
    let rgba: Vec<u8> = (0..steps)
        .rev()
        .flat_map(|step| {
            let [r, g, b] = colour::of_share(colour::TOP * (step as f64 + 0.5) / steps as f64);
            [r, g, b, 255]
        })
        .collect();
    svg.image(&svg::png(1, steps as u32, rgba), [x, axis.top], [width, height], "");
    svg.rect([x, axis.top], [width, height], "cx-frame");
    for percent in [0.0, 25.0, 50.0, 75.0, 100.0] {
        let y = axis.top + height * (1.0 - percent / 100.0 / colour::TOP);
        svg.line([x + width, y], [x + width + 4.0, y], "cx-axis");
        svg.text([x + width + 7.0, y + 4.0], "cx-label", &format!("{percent:.0} %"));
    }
    svg.text([x + width / 2.0 + 22.0, axis.top - 10.0], "cx-label cx-mid", language.pick("mass left", "reste"));
}
