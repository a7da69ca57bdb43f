//! The neck in sections across its own axis: what was found, and a table of the sections.

use super::super::neck::{NeckReport, NeckSectionReport, wall_word};
use super::super::rule_words::yes_or_no;
use super::*;

/// Nothing where the bone has no neck.
pub(super) fn part(language: Language, bone: &BoneReport) -> Markup {
    let Some(neck) = &bone.neck else { return html! {} };
    html! {
        h3 { (language.say("Neck, across its own axis", "Col, perpendiculairement à son axe")) }
        p { (language.say(
            "Sections across the axis from the head's centre to the middle of the neck, one a millimetre. Thick slices blur the upper and lower \
             wall. No rule and no score counts the neck.",
            "Sections perpendiculaires à l’axe qui va du centre de la tête au milieu du col, une par millimètre. Les coupes épaisses rendent floues \
             les parois supérieure et inférieure. Aucun critère ni score ne compte le col.",
        )) }
        @if let Some(why) = &neck.lysis_not_measured_because {
            p { (language.say("Loss not measured: ", "Perte non mesurée : ")) (sentence(language, why)) "." }
        }
        @if let Some(reference) = &neck.reference {
            p { (language.say("Reference: ", "Référence : ")) (sentence(language, &reference.note)) "." }
            @if neck.lesions.is_empty() {
                @let high = words::number(language, Some(neck.at_most_percent()), 0);
                p { (language.pick(
                    format!("No loss of the neck's cortex was found; up to {high}\u{a0}% of a section's cortex could go unseen."),
                    format!("Aucune perte de la corticale du col n’a été trouvée ; jusqu’à {high}\u{a0}% de la corticale d’une section pourrait échapper."),
                )) }
            } @else { (lesions(language, neck)) }
        }
        (sections(language, neck))
    }
}

/// The neck of a bone of which no native slice was measured.
pub(super) fn alone(language: Language, index: usize, bone: &BoneReport) -> Markup {
    let heading = format!("neck-{index}-h");
    html! {
        section .bone id=(format!("neck-{index}")) aria-labelledby=(heading) {
            h2 id=(heading) { (words::bone_title(language, bone)) }
            (part(language, bone))
        }
    }
}

fn lesions(language: Language, neck: &NeckReport) -> Markup {
    scrolling(
        &language.say("Losses of the neck", "Pertes du col"),
        html! {
            table .narrow {
                thead { tr {
                    th scope="col" { (language.say("Wall", "Paroi")) }
                    th scope="col" .num { (language.say("From the head's centre, mm", "Du centre de la tête, mm")) }
                    th scope="col" { (language.say("Through the wall", "Toute l’épaisseur")) }
                    th scope="col" .num { (language.say("Largest share of the section, %", "Part de la section, au plus, %")) }
                    th scope="col" .num { (language.say("Largest share of the circumference, %", "Part de la circonférence, au plus, %")) }
                } }
                tbody { @for lesion in &neck.lesions { tr data-necklesion=(lesion.id) {
                    th scope="row" {
                        (words::capitalised(&wall_word(language, &lesion.wall)))
                        @if let Some(remark) = words::remark(language, lesion.review.as_ref()) { span .detail { " " (remark) } }
                    }
                    td .num .nowrap { (words::range_text(language, lesion.from_head_range_mm, 1)) }
                    td { (yes_or_no(language, lesion.through_the_wall)) }
                    td .num .nowrap { (with_ci(language, Some(lesion.max_axial_lysis_percent), Some(lesion.max_axial_lysis_ci95))) }
                    td .num .nowrap { (with_ci(
                        language,
                        Some(lesion.max_circumferential_lysis_percent),
                        Some(lesion.max_circumferential_lysis_ci95),
                    )) }
                } } }
            }
        },
    )
}

fn sections(language: Language, neck: &NeckReport) -> Markup {
    let told = neck.reference.is_some();
    let row = |run: &[NeckSectionReport]| {
        let (first, last) = (&run[0], &run[run.len() - 1]);
        let place = if run.len() > 1 {
            words::range_text(language, [first.from_head_mm, last.from_head_mm], 1)
        } else {
            words::number(language, Some(first.from_head_mm), 1)
        };
        html! { tr {
            th scope="row" .num .nowrap { (place) }
            @if let Some(why) = &first.not_measured_because {
                td colspan=(if told { "6" } else { "4" }) { (language.say("not measured: ", "non mesurée : ")) (sentence(language, why)) }
            } @else {
                td .num { (words::number(language, first.area_inside_mm2, 0)) }
                td .num { (words::number(language, first.cortical_area_mm2, 0)) }
                td .num { (words::number(language, first.mean_thickness_mm, 1)) }
                td .num { (words::number(language, first.thin_tenth_mm, 1)) }
                @if told {
                    td .num .nowrap { (with_ci(language, first.axial_lysis_percent, first.axial_lysis_ci95)) }
                    td .num .nowrap { (with_ci(language, first.circumferential_lysis_percent, first.circumferential_lysis_ci95)) }
                }
            }
        } }
    };
    // What is not measured for one reason stands in one row.
    let together = |a: &NeckSectionReport, b: &NeckSectionReport| {
        a.not_measured_because.is_some() && a.not_measured_because == b.not_measured_because
    };
    html! {
        div .scroll .tall role="region" aria-label=(language.say("Sections of the neck", "Sections du col")) tabindex="0" {
            table {
                thead { tr {
                    th scope="col" .num { (language.say("From the head's centre, mm", "Du centre de la tête, mm")) }
                    th scope="col" .num { (language.say("Area inside, mm²", "Surface totale, mm²")) }
                    th scope="col" .num { (language.say("Cortex, mm²", "Corticale, mm²")) }
                    th scope="col" .num { (language.say("Mean wall, mm", "Paroi moyenne, mm")) }
                    th scope="col" .num { (language.say("Thinnest tenth below, mm", "Dixième le plus mince, sous, mm")) }
                    @if told {
                        th scope="col" .num { (language.say("Cortex lost, %", "Corticale perdue, %")) }
                        th scope="col" .num { (language.say("Circumference, %", "Circonférence, %")) }
                    }
                } }
                tbody { @for run in neck.sections.chunk_by(together) { (row(run)) } }
            }
        }
    }
}
