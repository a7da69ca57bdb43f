//! The first screen: per bone which slices, which rule, how sure; the sentences behind it stand in the bone's own section.

use super::super::rule_words::details;
use super::*;

/// One card a bone.
pub(super) fn section(language: Language, report: &Report) -> Markup {
    html! {
        section aria-labelledby="summary" {
            h2 id="summary" { (language.say("Summary", "Synthèse")) }
            @if report.bones.is_empty() {
                p { (language.say("No long bone was found in the series.", "Aucun os long n’a été trouvé dans la série.")) }
            }
            (warnings(language, &report.series.warnings))
            div .cards { @for (index, bone) in report.bones.iter().enumerate() { (card(language, index, bone)) } }
        }
    }
}

fn card(language: Language, index: usize, bone: &BoneReport) -> Markup {
    let measured = bone.slices.iter().filter(|slice| slice.measured).count();
    let tone = match bone.recommendation.as_ref().map(|advice| advice.category) {
        Some(Category::ConsolidationCandidate | Category::FixationByMirels) => "card high",
        Some(Category::Multidisciplinary | Category::DependsOnPain) => "card middle",
        Some(Category::ObservationOrRadiotherapy | Category::NoLesion) => "card low",
        // Nothing measured is neither good news nor bad.
        None => "card unknown",
    };
    let name = words::bone_title(language, bone);
    html! {
        article class=(tone) aria-labelledby=(format!("card-{index}")) {
            h3 id=(format!("card-{index}")) { @if measured == 0 { (name) } @else { a href=(format!("#bone-{index}")) { (name) } } }
            p .where { (whereabouts(language, bone, measured)) }
            @if measured == 0 {
                p .headline { (language.say("Not measured", "Non mesuré")) }
                @if bone.warnings.is_empty() { (why_not(language, bone)) }
            } @else {
                @if let Some(headline) = words::headline(language, bone) { p .headline { (headline) } }
                @if let Some(advice) = &bone.recommendation {
                    (by_pain(language, advice))
                }
                div .halves {
                    div {
                        @if bone.lesions.is_empty() { (no_lesion(language, bone)) } @else { (worst(language, bone)) }
                        (facts(language, bone))
                    }
                    (rules(language, bone))
                }
            }
            (warnings(language, &bone.warnings))
        }
    }
}

/// "z −501 to −261 mm · measured in 68 of 80 slices".
fn whereabouts(language: Language, bone: &BoneReport, measured: usize) -> String {
    let z = words::range_text(language, bone.z_range_mm, 0);
    let all = bone.slices.len();
    let mut text = format!("z {z}\u{a0}mm · ");
    text += &match measured {
        0 => words::slices(language, all),
        _ => language.pick(
            format!("measured in {measured} of {}", words::slices(language, all)),
            format!("mesuré dans {measured} coupes sur {all}"),
        ),
    };
    // A nameless bone says so in its title.
    if bone.confidence < 0.9 && bone.bone != "unknown" && bone.side != "unknown" {
        let sure = words::number(language, Some(100.0 * bone.confidence), 0);
        text += &language.pick(format!(" · name {sure}\u{a0}% sure"), format!(" · nom sûr à {sure}\u{a0}%"));
    }
    text
}

fn why_not(language: Language, bone: &BoneReport) -> Markup {
    html! {
        @for (reason, runs) in words::not_measured_by_reason(bone) {
            p {
                (spoken(language, &reason, &words::capitalised(&reason.of(language))))
                " (" (words::short_runs(language, &runs)) ")."
            }
        }
    }
}

/// The names of the two percentages.
pub(super) const AXIAL: Text = Text::new("Axial lysis", "Ostéolyse, plan axial");
pub(super) const AROUND: Text = Text::new("Circumferential lysis", "Ostéolyse, circonférence");

/// One percentage, large, with what it must be read with.
fn figure(language: Language, name: Text, value: Option<f64>, notes: [String; 2]) -> Markup {
    html! {
        div .number {
            span .name { (name.of(language)) }
            span .value { (words::number(language, value, 1)) span .unit { "\u{a0}%" } }
            @for note in notes { span .ci { (note) } }
        }
    }
}

/// The two percentages of the slice to look at first.
fn worst(language: Language, bone: &BoneReport) -> Markup {
    let Some(slice) = words::worst_slice(bone) else { return html! {} };
    let notes = |ci95, limit: &str| {
        let interval = words::interval(language, ci95, 1);
        [
            language.pick(format!("95 % interval {interval}"), format!("intervalle à 95\u{a0}% {interval}")),
            language.pick(format!("threshold {limit} %"), format!("seuil {limit}\u{a0}%")),
        ]
    };
    html! {
        p .caption {
            (language.say("Worst slice: ", "Coupe la plus atteinte : "))
            strong { (words::slice_name(language, slice)) }
        }
        div .numbers {
            (figure(language, AXIAL, slice.axial_lysis_percent, notes(slice.axial_lysis_ci95, "30")))
            (figure(language, AROUND, slice.circumferential_lysis_percent, notes(slice.circumferential_lysis_ci95, "50")))
        }
    }
}

/// What a bone without lesion may still hide.
fn no_lesion(language: Language, bone: &BoneReport) -> Markup {
    let notes = |high| {
        let high = words::number(language, high, 1);
        [
            language
                .pick(format!("95 % interval up to {high} %"), format!("intervalle à 95\u{a0}% jusqu’à {high}\u{a0}%")),
            language.pick("in any slice", "dans toute coupe").to_owned(),
        ]
    };
    let (axial, axial_high) = words::largest(bone, |s| s.axial_lysis_percent, |s| s.axial_lysis_ci95);
    let (around, around_high) =
        words::largest(bone, |s| s.circumferential_lysis_percent, |s| s.circumferential_lysis_ci95);
    html! {
        p .caption {
            (language.say("Largest values of all ", "Plus grandes valeurs de toutes les "))
            strong { (language.say("measured slices", "coupes mesurées")) }
        }
        div .numbers {
            (figure(language, AXIAL, axial, notes(axial_high)))
            (figure(language, AROUND, around, notes(around_high)))
        }
    }
}

fn facts(language: Language, bone: &BoneReport) -> Markup {
    let flagged = words::flagged_runs(bone);
    html! {
        dl .facts {
            dt { (language.say("Above 30 and 50 %", "Au-dessus de 30 et 50 %")) }
            dd {
                @if flagged.is_empty() { (language.say("no slice", "aucune coupe")) }
                @for run in &flagged {
                    div {
                        strong { (words::short_runs(language, std::slice::from_ref(run))) }
                        // Some images have no instance numbers.
                        @if run.instances.is_some() { ", " (run.z_text(language)) }
                    }
                }
            }
            dt { (language.say("Lesions", "Lésions")) }
            dd {
                @if bone.lesions.is_empty() { (words::no_lesion(language, bone)) }
                @for lesion in &bone.lesions { div { (told(language, lesion)) } }
            }
            @if let Some(mirels) = &bone.mirels { dt { "Mirels" } dd { (words::mirels_total(language, mirels)) } }
            @if let Some(reference) = &bone.reference {
                dt { (language.say("Reference", "Référence")) } dd { (words::reference_words(language, &reference.kind)) }
            }
        }
    }
}

/// "1: lytic, through the wall, 42.1 mm long, z 727.2 to 759.9 mm".
fn told(language: Language, lesion: &LesionReport) -> String {
    let wall = match lesion.through_the_wall {
        true => language.pick(", through the wall", ", toute l’épaisseur"),
        false => "",
    };
    let (name, kind) = (words::region_of(lesion), words::level_word(language, &lesion.kind));
    let extent = words::number(language, lesion.axial_extent_mm, 1);
    let z = words::range_text(language, lesion.z_range_mm, 1);
    let remark =
        words::remark(language, lesion.review.as_ref()).map_or_else(String::new, |remark| format!("; {remark}"));
    language.pick(
        format!("{}{name}: {kind}{wall}, {extent}\u{a0}mm long, z\u{a0}{z}\u{a0}mm{remark}", lesion.id),
        format!("{}{name}\u{a0}: {kind}{wall}, {extent}\u{a0}mm de long, z\u{a0}{z}\u{a0}mm{remark}", lesion.id),
    )
}

fn rules(language: Language, bone: &BoneReport) -> Markup {
    html! {
        @if !bone.rules.is_empty() {
            ul .rules aria-label=(language.say("Rules", "Critères")) {
                @for rule in &bone.rules {
                    @let details = details(language, bone, rule);
                    li {
                        span {
                            (words::rule_title(language, &rule.name))
                            @if !details.is_empty() { span .detail { (details.join(", ")) } }
                        }
                        (verdict(language, rule.met))
                    }
                }
            }
        }
    }
}

/// What pain would change.
fn by_pain(language: Language, advice: &RecommendationReport) -> Markup {
    let asked = advice.by_pain.as_ref().filter(|_| advice.category == Category::DependsOnPain);
    html! {
        @if let Some(levels) = asked {
            dl .facts .pain {
                @for (pain, outcome) in words::pain_levels(levels) {
                    dt {
                        (words::capitalised(&words::pain_words(language, pain)))
                        @if let Some(total) = outcome.mirels_total { ", Mirels " (total) }
                    }
                    dd { (words::category_headline(language, outcome.category)) }
                }
            }
        }
    }
}
