//! The neck on the first page: a sentence, and a table of what is missing of it.

use super::flow::{Cell, Column, Flow, Type};
use crate::language::Language;
use crate::report::model::BoneReport;
use crate::report::neck::wall_word;
use crate::report::rule_words::yes_or_no;
use crate::report::words;

/// Nothing where the bone has no neck.
pub(super) fn neck(flow: &mut Flow, bone: &BoneReport, language: Language) {
    let Some(neck) = &bone.neck else { return };
    flow.gap(3.0);
    let counted = language.say("No rule and no score counts the neck.", "Aucun critère ni score ne compte le col.");
    flow.paragraph(Type::BODY, &format!("{} {counted}", neck.sentence(language).replace('\u{a0}', " ")));
    if neck.lesions.is_empty() {
        return;
    }
    let columns = [
        Column::text(language.pick("Neck, wall", "Col, paroi"), 1.0),
        Column::text(language.pick("From the head's centre, mm", "Du centre de la tête, mm"), 1.5),
        Column::numbers(language.pick("Of the section, %", "De la section, %"), 1.25),
        Column::numbers(language.pick("Of the circumference, %", "De la circonférence, %"), 1.35),
        Column::text(language.pick("Through the wall", "Toute l’épaisseur"), 0.9),
    ];
    let percent = |value, ci95| super::with_ci(language, Some(value), Some(ci95));
    let rows: Vec<Vec<Cell>> = neck
        .lesions
        .iter()
        .map(|lesion| {
            vec![
                Cell::strong(match words::remark(language, lesion.review.as_ref()) {
                    Some(remark) => format!("{} ({remark})", words::capitalised(&wall_word(language, &lesion.wall))),
                    None => words::capitalised(&wall_word(language, &lesion.wall)),
                }),
                Cell::new(words::range_text(language, lesion.from_head_range_mm, 1)),
                percent(lesion.max_axial_lysis_percent, lesion.max_axial_lysis_ci95),
                percent(lesion.max_circumferential_lysis_percent, lesion.max_circumferential_lysis_ci95),
                Cell::new(yes_or_no(language, lesion.through_the_wall)),
            ]
        })
        .collect();
    flow.gap(3.0);
    flow.table(&columns, &rows);
}
