//! The first screen: per bone which slices, which rule, how sure; the sentences behind it stand in the bone's own section.

use super::super::rule_words::details;
use super::*;

/// One card a bone.
pub(super) fn section(language: Language, report: &Report) -> Markup {
    html! {
        section aria-labelledby="summary" {
            h2 id="summary" { "Summary" }
            @if report.bones.is_empty() { p { "No long bone was found in the series." } }
            (warnings(language, &report.series.warnings))
            div .cards { @for (index, bone) in report.bones.iter().enumerate() { (card(language, index, bone)) } }
        }
    }
}

fn card(language: Language, index: usize, bone: &BoneReport) -> Markup {
    let measured = bone.slices.iter().filter(|slice| slice.measured).count();
    let [low, high] = bone.z_range_mm.map(|z| words::number(language, Some(z), 0));
    let tone = match bone.recommendation.as_ref().map(|advice| advice.category) {
        Some(Category::ConsolidationCandidate | Category::FixationByMirels) => "card high",
        Some(Category::Multidisciplinary | Category::DependsOnPain) => "card middle",
        Some(Category::ObservationOrRadiotherapy | Category::NoLesion) => "card low",
        // Nothing measured is neither good news nor bad.
        None => "card unknown",
    };
    let name = words::bone_title(language, bone);
    // A nameless bone says so in its title.
    let sure = words::number(language, Some(100.0 * bone.confidence), 0);
    let unsure = bone.confidence < 0.9 && bone.bone != "unknown" && bone.side != "unknown";
    html! {
        article class=(tone) aria-labelledby=(format!("card-{index}")) {
            h3 id=(format!("card-{index}")) { @if measured == 0 { (name) } @else { a href=(format!("#bone-{index}")) { (name) } } }
            p .where {
                "z " (low) " to " (high) "\u{a0}mm · "
                @if measured > 0 { "measured in " (measured) " of " }
                (words::slices(language, bone.slices.len()))
                @if unsure { " · name " (sure) "\u{a0}% sure" }
            }
            @if measured == 0 {
                p .headline { "Not measured" }
                @if bone.warnings.is_empty() { (why_not(language, bone)) }
            } @else {
                @if let Some(advice) = &bone.recommendation { p .headline { (words::category_headline(language, advice.category)) } (by_pain(language, advice)) }
                div .halves {
                    div { @if bone.lesions.is_empty() { (no_lesion(language, bone)) } @else { (worst(language, bone)) } (facts(language, bone)) }
                    (rules(language, bone))
                }
            }
            (warnings(language, &bone.warnings))
        }
    }
}

fn why_not(language: Language, bone: &BoneReport) -> Markup {
    html! {
        @for (reason, runs) in words::not_measured_by_reason(bone) {
            p { (words::capitalised(&reason.of(language))) " (" (words::short_runs(language, &runs)) ")." }
        }
    }
}

/// One percentage, large, with what it must be read with.
fn figure(language: Language, name: &str, value: Option<f64>, notes: [String; 2]) -> Markup {
    html! {
        div .number {
            span .name { (name) }
            span .value { (words::number(language, value, 1)) span .unit { "\u{a0}%" } }
            @for note in notes { span .ci { (note) } }
        }
    }
}

/// The two percentages of the slice to look at first.
fn worst(language: Language, bone: &BoneReport) -> Markup {
    let Some(slice) = words::worst_slice(bone) else { return html! {} };
    let notes = |ci95, limit: &str| {
        [format!("95 % interval {}", words::interval(language, ci95, 1)), format!("threshold {limit} %")]
    };
    html! {
        p .caption { "Worst slice: " strong { (words::slice_name(language, slice)) } }
        div .numbers {
            (figure(language, "Axial lysis", slice.axial_lysis_percent, notes(slice.axial_lysis_ci95, "30")))
            (figure(language, "Circumferential lysis", slice.circumferential_lysis_percent, notes(slice.circumferential_lysis_ci95, "50")))
        }
    }
}

/// What a bone without lesion may still hide.
fn no_lesion(language: Language, bone: &BoneReport) -> Markup {
    let notes = |high| [format!("95 % interval up to {} %", words::number(language, high, 1)), "in any slice".into()];
    let (axial, axial_high) = words::largest(bone, |s| s.axial_lysis_percent, |s| s.axial_lysis_ci95);
    let (around, around_high) =
        words::largest(bone, |s| s.circumferential_lysis_percent, |s| s.circumferential_lysis_ci95);
    html! {
        p .caption { "Largest values of all " strong { "measured slices" } }
        div .numbers {
            (figure(language, "Axial lysis", axial, notes(axial_high)))
            (figure(language, "Circumferential lysis", around, notes(around_high)))
        }
    }
}

fn facts(language: Language, bone: &BoneReport) -> Markup {
    let flagged = words::flagged_runs(bone);
    html! {
        dl .facts {
            dt { "Above 30 and 50 %" }
            dd {
                @if flagged.is_empty() { "no slice" }
                @for run in &flagged { div { strong { (words::short_runs(language, std::slice::from_ref(run))) } (z_of(language, run)) } }
            }
            dt { "Lesions" }
            dd {
                @if bone.lesions.is_empty() { (words::no_lesion(language, bone)) }
                @for lesion in &bone.lesions {
                    @let z = lesion.z_range_mm.map(|z| words::number(language, Some(z), 1));
                    div {
                        (lesion.id) (words::region_of(lesion)) ": " (lesion.kind) @if lesion.through_the_wall { ", through the wall" }
                        ", " (words::number(language, lesion.axial_extent_mm, 1)) "\u{a0}mm long, z\u{a0}" (z[0]) " to " (z[1]) "\u{a0}mm"
                    }
                }
            }
            @if let Some(mirels) = &bone.mirels { dt { "Mirels" } dd { (words::mirels_total(language, mirels)) } }
            @if let Some(reference) = &bone.reference { dt { "Reference" } dd { (words::reference_words(language, &reference.kind)) } }
        }
    }
}

/// ", z 727.2 to 759.9 mm": beside instance numbers, which some images do not have.
fn z_of(language: Language, run: &words::Run) -> Markup {
    let [low, high] = run.z_range_mm.map(|z| words::number(language, Some(z), 1));
    html! {
        @if run.instances.is_some() {
            ", z " (low) @if run.count > 1 { " to " (high) } "\u{a0}mm"
        }
    }
}

fn rules(language: Language, bone: &BoneReport) -> Markup {
    html! {
        @if !bone.rules.is_empty() {
            ul .rules aria-label="Rules" {
                @for rule in &bone.rules {
                    @let details = details(language, bone, rule);
                    li {
                        span { (words::rule_title(language, &rule.name)) @if !details.is_empty() { span .detail { (details.join(", ")) } } }
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
                    dt { (words::capitalised(&words::pain_words(language, pain))) @if let Some(total) = outcome.mirels_total { ", Mirels " (total) } }
                    dd { (words::category_headline(language, outcome.category)) }
                }
            }
        }
    }
}
