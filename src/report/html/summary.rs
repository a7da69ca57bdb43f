//! The first screen: per bone which slices, which rule, how sure; the sentences behind it stand in the bone's own section.

use super::super::rule_words::details;
use super::*;

/// One card a bone.
pub(super) fn section(report: &Report) -> Markup {
    html! {
        section aria-labelledby="summary" {
            h2 id="summary" { "Summary" }
            @if report.bones.is_empty() { p { "No long bone was found in the series." } }
            (warnings(&report.series.warnings))
            div .cards { @for (index, bone) in report.bones.iter().enumerate() { (card(index, bone)) } }
        }
    }
}

fn card(index: usize, bone: &BoneReport) -> Markup {
    let measured = bone.slices.iter().filter(|slice| slice.measured).count();
    let [low, high] = bone.z_range_mm.map(|z| words::number(Some(z), 0));
    let tone = match bone.recommendation.as_ref().map(|advice| advice.category) {
        Some(Category::ConsolidationCandidate | Category::FixationByMirels) => "card high",
        Some(Category::Multidisciplinary | Category::DependsOnPain) => "card middle",
        Some(Category::ObservationOrRadiotherapy | Category::NoLesion) => "card low",
        // Nothing measured is neither good news nor bad.
        None => "card unknown",
    };
    let name = words::bone_title(bone);
    // A nameless bone says so in its title.
    let sure = words::number(Some(100.0 * bone.confidence), 0);
    let unsure = bone.confidence < 0.9 && bone.bone != "unknown" && bone.side != "unknown";
    html! {
        article class=(tone) aria-labelledby=(format!("card-{index}")) {
            h3 id=(format!("card-{index}")) { @if measured == 0 { (name) } @else { a href=(format!("#bone-{index}")) { (name) } } }
            p .where {
                "z " (low) " to " (high) "\u{a0}mm · "
                @if measured > 0 { "measured in " (measured) " of " }
                (words::count(bone.slices.len(), "slice", "slices"))
                @if unsure { " · name " (sure) "\u{a0}% sure" }
            }
            @if measured == 0 {
                p .headline { "Not measured" }
                @if bone.warnings.is_empty() { (why_not(bone)) }
            } @else {
                @if let Some(advice) = &bone.recommendation { p .headline { (words::category_headline(advice.category)) } (by_pain(advice)) }
                div .halves {
                    div { @if bone.lesions.is_empty() { (no_lesion(bone)) } @else { (worst(bone)) } (facts(bone)) }
                    (rules(bone))
                }
            }
            (warnings(&bone.warnings))
        }
    }
}

fn why_not(bone: &BoneReport) -> Markup {
    html! {
        @for (reason, runs) in words::not_measured_by_reason(bone) {
            p { (words::capitalised(&reason)) " (" (words::short_runs(&runs)) ")." }
        }
    }
}

/// One percentage, large, with what it must be read with.
fn figure(name: &str, value: Option<f64>, notes: [String; 2]) -> Markup {
    html! {
        div .number {
            span .name { (name) }
            span .value { (words::number(value, 1)) span .unit { "\u{a0}%" } }
            @for note in notes { span .ci { (note) } }
        }
    }
}

/// The two percentages of the slice to look at first.
fn worst(bone: &BoneReport) -> Markup {
    let Some(slice) = words::worst_slice(bone) else { return html! {} };
    let notes =
        |ci95, limit: &str| [format!("95 % interval {}", words::interval(ci95, 1)), format!("threshold {limit} %")];
    html! {
        p .caption { "Worst slice: " strong { (words::slice_name(slice)) } }
        div .numbers {
            (figure("Axial lysis", slice.axial_lysis_percent, notes(slice.axial_lysis_ci95, "30")))
            (figure("Circumferential lysis", slice.circumferential_lysis_percent, notes(slice.circumferential_lysis_ci95, "50")))
        }
    }
}

/// What a bone without lesion may still hide.
fn no_lesion(bone: &BoneReport) -> Markup {
    let notes = |high| [format!("95 % interval up to {} %", words::number(high, 1)), "in any slice".into()];
    let (axial, axial_high) = words::largest(bone, |s| s.axial_lysis_percent, |s| s.axial_lysis_ci95);
    let (around, around_high) =
        words::largest(bone, |s| s.circumferential_lysis_percent, |s| s.circumferential_lysis_ci95);
    html! {
        p .caption { "Largest values of all " strong { "measured slices" } }
        div .numbers {
            (figure("Axial lysis", axial, notes(axial_high)))
            (figure("Circumferential lysis", around, notes(around_high)))
        }
    }
}

fn facts(bone: &BoneReport) -> Markup {
    let flagged = words::flagged_runs(bone);
    html! {
        dl .facts {
            dt { "Above 30 and 50 %" }
            dd {
                @if flagged.is_empty() { "no slice" }
                @for run in &flagged { div { strong { (words::short_runs(std::slice::from_ref(run))) } (z_of(run)) } }
            }
            dt { "Lesions" }
            dd {
                @if bone.lesions.is_empty() { (words::no_lesion(bone)) }
                @for lesion in &bone.lesions {
                    @let z = lesion.z_range_mm.map(|z| words::number(Some(z), 1));
                    div {
                        (lesion.id) (words::region_of(lesion)) ": " (lesion.kind) @if lesion.through_the_wall { ", through the wall" }
                        ", " (words::number(lesion.axial_extent_mm, 1)) "\u{a0}mm long, z\u{a0}" (z[0]) " to " (z[1]) "\u{a0}mm"
                    }
                }
            }
            @if let Some(mirels) = &bone.mirels { dt { "Mirels" } dd { (words::mirels_total(mirels)) } }
            @if let Some(reference) = &bone.reference { dt { "Reference" } dd { (words::reference_words(&reference.kind)) } }
        }
    }
}

/// ", z 727.2 to 759.9 mm": beside instance numbers, which some images do not have.
fn z_of(run: &words::Run) -> Markup {
    let [low, high] = run.z_range_mm.map(|z| words::number(Some(z), 1));
    html! {
        @if run.instances.is_some() {
            ", z " (low) @if run.count > 1 { " to " (high) } "\u{a0}mm"
        }
    }
}

fn rules(bone: &BoneReport) -> Markup {
    html! {
        @if !bone.rules.is_empty() {
            ul .rules aria-label="Rules" {
                @for rule in &bone.rules {
                    @let details = details(bone, rule);
                    li {
                        span { (words::rule_title(&rule.name)) @if !details.is_empty() { span .detail { (details.join(", ")) } } }
                        (verdict(rule.met))
                    }
                }
            }
        }
    }
}

/// What pain would change.
fn by_pain(advice: &RecommendationReport) -> Markup {
    let asked = advice.by_pain.as_ref().filter(|_| advice.category == Category::DependsOnPain);
    html! {
        @if let Some(levels) = asked {
            dl .facts .pain {
                @for (pain, outcome) in words::pain_levels(levels) {
                    dt { (words::capitalised(pain)) " pain" @if let Some(total) = outcome.mirels_total { ", Mirels " (total) } }
                    dd { (words::category_headline(outcome.category)) }
                }
            }
        }
    }
}
