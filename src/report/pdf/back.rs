//! The second page: map, profile and slices of each bone, then what was not measured, settings and versions.

use super::document::Plots;
use super::flow::{Flow, LEFT, Type, WIDTH};
use super::front::{semicolon, warning};
use crate::language::Language;
use crate::report::figures::plain::{Anchor, Palette, draw_map, draw_profile};
use crate::report::figures::{BoneFigures, SliceCrop, capture};
use crate::report::model::*;
use crate::report::words;
use crate::scores::DISCLAIMER_TEXT;

const GUTTER: f64 = 10.0;

/// Everything that belongs onto the second page; what does not fit goes on.
pub(super) fn pages(flow: &mut Flow, report: &Report, figures: &[BoneFigures], language: Language) {
    for drawn in figures {
        if let Some(bone) = report.bones.get(drawn.bone_index).filter(|bone| words::is_measured(bone)) {
            pictures(flow, bone, drawn, figures.len(), language);
        }
    }
    for bone in &report.bones {
        limits(flow, bone, report.bones.len() > 1, language);
    }
    settings(flow, report, language);
    flow.gap(4.0);
    flow.paragraph(Type::SMALL, &DISCLAIMER_TEXT.of(language));
    if flow.document.lacks_letters() {
        let text = language.say(
            "□ stands for a letter that the font of this document does not have; report.json has the text as it is.",
            "□ remplace une lettre absente de la police de ce document ; report.json contient le texte tel quel.",
        );
        flow.paragraph(Type::SMALL, &text);
    }
}

/// Map, profile and the worst slice side by side; of a single bone more slices below.
fn pictures(flow: &mut Flow, bone: &BoneReport, figures: &BoneFigures, bones: usize, language: Language) {
    let height = match bones {
        0 | 1 => 292.0,
        2 => 196.0,
        _ => 160.0,
    };
    let side = 0.27 * WIDTH;
    let room = WIDTH - side - 2.0 * GUTTER;
    let (map, profile) = (0.53 * room, 0.47 * room);
    flow.section(&words::bone_title(language, bone), height + 34.0);
    let top = flow.y + 2.0;
    let flagged: Vec<bool> = bone.slices.iter().map(SliceReport::flag_stands).collect();
    let mut canvas = Plots(&mut flow.document);
    draw_map(&mut canvas, figures, [LEFT, top], [map, height], &Palette::PAPER, language);
    let beside = [LEFT + map + GUTTER, top];
    draw_profile(&mut canvas, figures, &flagged, (beside, [profile, height]), &Palette::PAPER, language);
    let depth = words::number(language, Some(100.0 * figures.depth), 0);
    let captions = [
        (
            LEFT,
            map,
            language.say(
                format!("Cortex unrolled: mass left of the reference. Outlined: loss above {depth} %. Hatched: not measured. L left, P posterior, R right, A anterior."),
                format!("Corticale déroulée : masse restante par rapport à la référence. Contour : perte de plus de {depth} %. Hachuré : non mesuré. L gauche, P postérieur, R droit, A antérieur."),
            ),
        ),
        (
            beside[0],
            profile,
            language.say(
                "Percent lost along the bone with 95 % intervals. Solid: axial, threshold 30 %. Dashed: circumferential, threshold 50 %. Bar at the right: flagged slices.",
                "Pourcentage perdu le long de l’os, avec intervalles à 95 %. Trait plein : plan axial, seuil 30 %. Tirets : circonférence, seuil 50 %. Barre à droite : coupes signalées.",
            ),
        ),
    ];
    let mut lowest = top + height;
    for (left, width, text) in captions {
        flow.y = top + height;
        flow.block(Type::SMALL, left, width, &text);
        lowest = lowest.max(flow.y);
    }
    let column = LEFT + WIDTH - side;
    if let Some(crop) = figures.crops.first() {
        let both = height >= 2.0 * side + 4.0;
        let panels = capture::panels(figures, crop);
        let shown: Vec<_> = panels.iter().flatten().skip(usize::from(!both)).collect();
        for (n, panel) in shown.iter().enumerate() {
            slice_panel(flow, panel, [column, top + n as f64 * (side + 4.0)], side);
        }
        flow.y = top + shown.len() as f64 * (side + 4.0) - 2.0;
        flow.block(Type::SMALL, column, side, &slice_caption(bone, crop, language));
        flow.block(Type::SMALL, column, side, &legend(&depth, language));
        lowest = lowest.max(flow.y);
    }
    flow.y = lowest + 4.0;
    if bones < 2 && figures.crops.len() > 1 {
        more_slices(flow, bone, figures, language);
    }
}

/// The next of the worst slices in a row.
fn more_slices(flow: &mut Flow, bone: &BoneReport, figures: &BoneFigures, language: Language) {
    const MOST: usize = 3;
    let side = (WIDTH - 2.0 * GUTTER) / MOST as f64 * 0.86;
    flow.need(side + 24.0);
    let top = flow.y;
    let mut lowest = top;
    for (n, crop) in figures.crops.iter().skip(1).take(MOST).enumerate() {
        let left = LEFT + n as f64 * (WIDTH + GUTTER) / MOST as f64;
        if let Some([_, marked]) = capture::panels(figures, crop) {
            slice_panel(flow, &marked, [left, top], side);
            flow.y = top + side;
            flow.block(Type::SMALL, left, side, &slice_caption(bone, crop, language));
            lowest = lowest.max(flow.y);
        }
    }
    flow.y = lowest + 4.0;
}

/// A square picture with the letters of the patient's sides.
fn slice_panel(flow: &mut Flow, panel: &image::RgbImage, [x, y]: [f64; 2], side: f64) {
    flow.document.image(panel, [x, y], [side; 2]);
    let kind = Type { colour: [235; 3], ..Type::SMALL };
    let middle = side / 2.0;
    for (letter, at, anchor) in [
        ("R", [x + 3.0, y + middle + 2.5], Anchor::Start),
        ("L", [x + side - 3.0, y + middle + 2.5], Anchor::End),
        ("A", [x + middle, y + 8.0], Anchor::Middle),
        ("P", [x + middle, y + side - 3.0], Anchor::Middle),
    ] {
        flow.set(at, anchor, kind, letter);
    }
}

fn slice_caption(bone: &BoneReport, crop: &SliceCrop, language: Language) -> String {
    let slice = bone.slices.iter().find(|slice| (slice.z_mm - crop.z_mm).abs() < 0.02);
    let Some(slice) = slice else { return String::new() };
    let [axial, around] = [slice.axial_lysis_percent, slice.circumferential_lysis_percent]
        .map(|percent| words::number(language, percent, 1));
    let name = words::capitalised(&words::slice_name(language, slice));
    let text = language.say(
        format!("{name}: axial {axial} %, circumferential {around} %."),
        format!("{name} : axial {axial} %, circonférence {around} %."),
    );
    text.into_owned()
}

fn legend(depth: &str, language: Language) -> String {
    let text = language.say(
        format!("Blue: outer contour. Bands outside it, broader as more is lost: yellow above {depth} %, orange above 50 %, red through the wall."),
        format!("Bleu : contour externe. Bandes à l’extérieur, d’autant plus larges que la perte est grande : jaune plus de {depth} %, orange plus de 50 %, rouge toute l’épaisseur."),
    );
    text.into_owned()
}

/// Reference, what was not measured, warnings.
fn limits(flow: &mut Flow, bone: &BoneReport, several: bool, language: Language) {
    if !words::is_measured(bone) && bone.warnings.is_empty() {
        // The first page has the reason already.
        return;
    }
    let title = language.say("Reference and limits", "Référence et limites").into_owned();
    let title = match several {
        true => {
            let (bone, title) = (words::bone_title(language, bone), title.to_lowercase());
            language.say(format!("{bone}: {title}"), format!("{bone} : {title}")).into_owned()
        }
        false => title,
    };
    flow.section(&title, 20.0);
    if let Some(reference) = &bone.reference {
        let note = reference.note.of(language);
        let note = note.trim_end_matches('.');
        flow.paragraph(Type::CELL, &language.say(format!("Reference: {note}."), format!("Référence : {note}.")));
    }
    if words::is_measured(bone) {
        let reasons: Vec<String> = words::not_measured_by_reason(bone)
            .iter()
            .map(|(reason, runs)| format!("{}, {}", words::short_runs(language, runs), reason.of(language)))
            .collect();
        let text = match reasons.is_empty() {
            true => {
                language.say("Every slice of the bone was measured.", "Toutes les coupes de l’os ont été mesurées.")
            }
            false => {
                let reasons = reasons.join(semicolon(language));
                language.say(format!("Not measured: {reasons}."), format!("Non mesuré : {reasons}."))
            }
        };
        flow.paragraph(Type::CELL, &text);
    }
    for said in &bone.warnings {
        warning(flow, language, &said.of(language));
    }
}

fn settings(flow: &mut Flow, report: &Report, language: Language) {
    flow.section(&language.say("Settings and versions", "Réglages et versions"), 20.0);
    let value = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let all: Vec<String> = report
        .settings
        .iter()
        .filter(|(_, given)| !given.is_null())
        .map(|(name, given)| format!("{} {}", setting_word(language, name), value(given)))
        .collect();
    let text =
        format!("{} {}, {}. {}.", report.tool.name, report.tool.version, report.schema, all.join(semicolon(language)));
    flow.paragraph(Type::CELL, &text);
    for stiffness in report.bones.iter().filter_map(|bone| bone.stiffness.as_ref()).take(1) {
        let method = &stiffness.calibration.method;
        let text = language.say(
            format!("Rigidity: calibration {method}, law {}.", stiffness.law),
            format!("Rigidité : étalonnage {method}, loi {}.", stiffness.law),
        );
        flow.paragraph(Type::CELL, &text);
    }
}

/// The name of a setting; as it stands in `report.json` where it has no other.
fn setting_word(language: Language, name: &str) -> String {
    let french = match name {
        "bone" => "os",
        "side" => "côté",
        "seed_mm" => "point, mm",
        "reference" => "référence",
        "depth" => "profondeur",
        "calibration" => "étalonnage",
        "modulus" => "loi de module",
        "pain" => "douleur",
        "size" => "taille",
        "mask" => "masque",
        "mask_label" => "étiquette du masque",
        "bone_roi" => "région de l’os",
        "roi" => "région",
        other => return words::plain(other),
    };
    language.pick(words::plain(name), french.to_owned())
}
