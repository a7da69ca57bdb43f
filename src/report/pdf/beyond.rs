//! Slices beyond the shaft on the first page: a sentence an end, and a table of what is missing of them.

use super::flow::{Cell, Column, Flow, Type};
use crate::language::Language;
use crate::report::end::{end_word, wall_word};
use crate::report::model::BoneReport;
use crate::report::rule_words::yes_or_no;
use crate::report::words;

/// Nothing where no end of the bone was held against the other side's.
pub(super) fn beyond(flow: &mut Flow, bone: &BoneReport, language: Language) {
    if bone.ends.is_empty() {
        return;
    }
    flow.gap(3.0);
    let counted = language.say("No rule and no score counts it.", "Aucun critère ni score ne la compte.");
    for end in &bone.ends {
        flow.paragraph(Type::BODY, &format!("{} {counted}", end.sentence(language).replace('\u{a0}', " ")));
    }
    let lesions = bone.ends.iter().flat_map(|end| end.lesions.iter().map(move |lesion| (end, lesion)));
    let percent = |value, ci95| super::with_ci(language, Some(value), Some(ci95));
    let rows: Vec<Vec<Cell>> = lesions
        .map(|(end, lesion)| {
            let place = format!("{}, {}", end_word(language, &end.end), wall_word(language, &lesion.wall));
            vec![
                Cell::strong(words::capitalised(&place)),
                Cell::new(words::range_text(language, lesion.z_range_mm, 1)),
                percent(lesion.max_axial_lysis_percent, lesion.max_axial_lysis_ci95),
                percent(lesion.max_circumferential_lysis_percent, lesion.max_circumferential_lysis_ci95),
                Cell::new(yes_or_no(language, lesion.through_the_wall)),
            ]
        })
        .collect();
    if rows.is_empty() {
        return;
    }
    let columns = [
        Column::text(language.pick("Beyond the shaft: end, wall", "Au-delà de la diaphyse : extrémité, paroi"), 1.4),
        Column::text("z, mm", 1.1),
        Column::numbers(language.pick("Of the slice, %", "De la coupe, %"), 1.25),
        Column::numbers(language.pick("Of the circumference, %", "De la circonférence, %"), 1.35),
        Column::text(language.pick("Through the wall", "Toute l’épaisseur"), 0.9),
    ];
    flow.gap(3.0);
    flow.table(&columns, &rows);
}
