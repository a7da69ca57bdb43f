//! Stiffness along the bone against the intact bone, and the weakest section with its principal axes.

use super::picture::{Frame, PANEL, decorate, raster};
use super::svg::{Svg, n, polyline};
use super::{BoneFigures, SliceCrop, ZAxis};
use crate::language::{Language, Text};
use crate::report::words;
use crate::rigidity::{BoneRigidity, Rigidities, SliceRigidity};

const LEFT: f64 = 62.0;
const WIDTH: f64 = 150.0;
const BETWEEN: f64 = 36.0;
const BELOW: f64 = 62.0;

/// One of the three.
struct Quantity {
    name: Text,
    unit: &'static str,
    of: fn(&Rigidities) -> f64,
}

const QUANTITIES: [Quantity; 3] = [
    Quantity { name: Text::new("axial EA", "EA axiale"), unit: "MN", of: |r| r.ea_n / 1e6 },
    Quantity {
        name: Text::new("bending EI, smallest", "EI flexion, minimale"),
        unit: "N·m²",
        of: |r| r.ei_min_nmm2 / 1e6,
    },
    Quantity { name: Text::new("torsion GJ", "GJ torsion"), unit: "N·m²", of: |r| r.gj_nmm2 / 1e6 },
];

/// Axial, smallest bending and torsional rigidity against patient z, with those of the intact bone dashed and the weakest section marked.
/// `title` names the bone; `id` must be unique in a page.
pub fn rigidity_profile(
    figures: &BoneFigures,
    rigidity: &BoneRigidity,
    language: Language,
    title: &str,
    id: &str,
) -> String {
    let axis = ZAxis::new(figures.cortex);
    let size = [LEFT + 3.0 * WIDTH + 2.0 * BETWEEN + 16.0, axis.bottom() + BELOW];
    let description = "Rigidities along the bone, three panels: axial, smallest bending, torsion. Vertical: patient z, head up. Solid: as it is. \
                       Dashed: with the lost wall put back.";
    let french = "Rigidités le long de l’os, trois panneaux : axiale, flexion minimale, torsion. Verticalement : z du patient, tête en \
                  haut. Trait plein : telle quelle. Tirets : avec la paroi perdue remise.";
    let name = language.say(format!("{title}: rigidity along the bone"), format!("{title} : rigidité le long de l’os"));
    let mut svg = Svg::new(size, id, &name, &language.say(description, french));
    let weakest = rigidity.weakest(figures.lysis).map(|(row, _)| row);
    for (panel, quantity) in QUANTITIES.iter().enumerate() {
        let left = LEFT + panel as f64 * (WIDTH + BETWEEN);
        let values = |of: &dyn Fn(&SliceRigidity) -> f64| -> Vec<Option<f64>> {
            rigidity.slices.iter().map(|slice| slice.as_ref().map(of).filter(|v| v.is_finite())).collect()
        };
        let actual = values(&|slice| (quantity.of)(&slice.actual));
        let intact = values(&|slice| (quantity.of)(&slice.intact));
        let largest = actual.iter().chain(&intact).flatten().fold(0.0f64, |a, v| a.max(*v));
        let step = super::nice_step((largest / 3.0).max(1e-6));
        let end = (largest / step).ceil().max(1.0) * step;
        let x = |value: f64| left + WIDTH * (value / end).clamp(0.0, 1.0);
        for tick in 0..=(end / step).round() as usize {
            let value = tick as f64 * step;
            svg.line([x(value), axis.top], [x(value), axis.bottom()], "cx-grid");
            let decimals = if step < 1.0 { 1 } else { 0 };
            svg.text(
                [x(value), axis.bottom() + 17.0],
                "cx-label cx-mid",
                &words::number(language, Some(value), decimals),
            );
        }
        if let Some([low, high]) = weakest.and_then(|row| axis.rows_mm.get(row)) {
            let (top, bottom) = (axis.y(*high), axis.y(*low));
            svg.rect([left, top], [WIDTH, (bottom - top).max(1.5)], "cx-weakest");
        }
        let line = |values: &[Option<f64>]| {
            let points = values.iter().zip(&figures.cortex.slices);
            polyline(points.map(|(value, slice)| Some([x((*value)?), axis.y(slice.z_mm)])))
        };
        svg.path(&line(&intact), "cx-around");
        svg.path(&line(&actual), "cx-axial");
        svg.rect([left, axis.top], [WIDTH, axis.height], "cx-frame");
        svg.text([left + WIDTH / 2.0, axis.top - 10.0], "cx-strong cx-mid", &quantity.name.of(language));
        svg.text([left + WIDTH / 2.0, axis.bottom() + 34.0], "cx-label cx-mid", quantity.unit);
    }
    axis.draw(language, &mut svg, LEFT);
    let y = axis.bottom() + 52.0;
    svg.line([LEFT, y - 4.0], [LEFT + 28.0, y - 4.0], "cx-axial");
    svg.text([LEFT + 34.0, y], "cx-axial-text", language.pick("as it is", "actuelle"));
    svg.line([LEFT + 106.0, y - 4.0], [LEFT + 134.0, y - 4.0], "cx-around");
    svg.text([LEFT + 140.0, y], "cx-around-text", language.pick("intact", "intacte"));
    if weakest.is_some() {
        svg.rect([LEFT + 206.0, y - 9.0], [20.0, 9.0], "cx-weakest");
        svg.text([LEFT + 232.0, y], "cx-label", language.pick("weakest section", "section la plus faible"));
    }
    svg.finish()
}

/// CT of the slice in which the bone's axis meets the weakest section, with the section's centroid and principal axes: each as
/// long as the radius of gyration of stiffness along it.
pub fn weakest_picture(crop: &SliceCrop, section: &SliceRigidity, language: Language, title: &str, id: &str) -> String {
    let actual = &section.actual;
    let z = words::number(language, Some(crop.z_mm), 1);
    let name = crop.instance_number.map_or_else(|| format!("z {z} mm"), |n| format!("Instance {n}  ·  z {z} mm"));
    let [ea, ei, gj] = section.reductions_percent.map(|reduction| words::number(language, Some(reduction.value), 1));
    let lost = language.say(
        format!("axial −{ea} %, bending −{ei} %, torsion −{gj} %"),
        format!("axiale −{ea} %, flexion −{ei} %, torsion −{gj} %"),
    );
    let description = language.say(
        format!(
            "CT in a bone window, seen from the feet, left of the patient at the right, with the modulus-weighted centroid and the \
             principal axes of bending. {lost}."
        ),
        format!(
            "Scanner en fenêtre osseuse, vu des pieds, la gauche du patient à droite, avec le centre pondéré par le module et les axes \
             principaux de flexion. {lost}."
        ),
    );
    let heading =
        language.say(format!("{title}: weakest section, {name}"), format!("{title} : section la plus faible, {name}"));
    let mut svg = Svg::new([PANEL + 20.0, PANEL + 44.0], id, &heading, &description);
    let frame = Frame::new(crop);
    let clip = format!("{id}-clip");
    svg.raw(&format!(r#"<defs><clipPath id="{clip}"><rect width="{PANEL}" height="{PANEL}"/></clipPath></defs>"#));
    svg.rect([0.0, 0.0], [PANEL; 2], "cx-ct");
    svg.image(&raster(crop), frame.corner, frame.size, &format!(r#"clip-path="url(#{clip})""#));
    let [x, y, _] = actual.centroid_mm;
    for (axis, rigidity) in [(actual.major_axis, actual.ei_max_nmm2), (actual.minor_axis, actual.ei_min_nmm2)] {
        let reach = (rigidity / actual.ea_n).max(0.0).sqrt();
        let ends = [-reach, reach].map(|r| frame.at(crop, [x + r * axis[0], y + r * axis[1]]));
        let [a, b] = ends.map(|end| end.map(n));
        let line = format!("M{} {}L{} {}", a[0], a[1], b[0], b[1]);
        svg.path(&line, "cx-halo");
        svg.path(&line, "cx-outline");
    }
    let [cx, cy] = frame.at(crop, [x, y]).map(n);
    svg.raw(&format!(r##"<circle cx="{cx}" cy="{cy}" r="3.5" fill="#7fe3ff" stroke="#000"/>"##));
    decorate(language, &mut svg, &frame);
    svg.text([0.0, PANEL + 19.0], "cx-strong", &name);
    svg.text([0.0, PANEL + 38.0], "cx-label", &lost);
    svg.finish()
}
