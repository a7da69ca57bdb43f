//! The first screen: per bone what, where, which rule, how sure, and what the quoted recommendation says.

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
    html! {
        article class=(tone) aria-labelledby=(format!("card-{index}")) {
            h3 id=(format!("card-{index}")) { a href=(format!("#bone-{index}")) { (words::bone_title(bone)) } }
            p .where { "z " (low) " to " (high) "\u{a0}mm · measured in " (measured) " of " (words::count(bone.slices.len(), "slice", "slices")) }
            @if let Some(advice) = &bone.recommendation { p .headline { (words::category_headline(advice.category)) } }
            @else if measured == 0 { p .headline { "Not measured" } }
            @if measured == 0 { (why_not(bone)) } @else { (figures_of_worst(bone)) (where_found(bone)) }
            @if !bone.rules.is_empty() {
                ul .rules aria-label="Rules" {
                    @for rule in &bone.rules { li { span { (words::rule_title(&rule.name)) } (verdict(rule.met)) } }
                }
            }
            @if let Some(advice) = &bone.recommendation { (recommendation(advice)) }
            (warnings(&bone.warnings))
        }
    }
}

fn why_not(bone: &BoneReport) -> Markup {
    html! {
        @for (reason, run) in words::not_measured_runs(bone) { p { (words::capitalised(&run.text())) ": " (reason) "." } }
    }
}

/// The two percentages of the slice to look at first, large.
fn figures_of_worst(bone: &BoneReport) -> Markup {
    let Some(slice) = words::worst_slice(bone) else { return html! {} };
    let number = |name: &str, limit: &str, value: Option<f64>, ci95: Option<[f64; 2]>| {
        html! {
            div .number {
                span .name { (name) }
                span .value { (words::number(value, 1)) span .unit { "\u{a0}%" } }
                span .ci { "95 % interval " (words::interval(ci95, 1)) }
                span .ci { "threshold " (limit) " %" }
            }
        }
    };
    html! {
        p .caption { "Worst slice: " strong { (words::slice_name(slice)) } }
        div .numbers {
            (number("Axial lysis", "30", slice.axial_lysis_percent, slice.axial_lysis_ci95))
            (number("Circumferential lysis", "50", slice.circumferential_lysis_percent, slice.circumferential_lysis_ci95))
        }
    }
}

fn where_found(bone: &BoneReport) -> Markup {
    let flagged: Vec<_> = words::flagged_runs(bone).iter().map(words::Run::text).collect();
    html! {
        dl .facts {
            dt { "Flagged slices" }
            dd { @if flagged.is_empty() { "none" } @else { (flagged.join("; ")) } }
            dt { "Lesions" }
            dd {
                @if bone.lesions.is_empty() { "none in the measured slices" }
                @for lesion in &bone.lesions {
                    @let z = lesion.z_range_mm.map(|z| words::number(Some(z), 1));
                    div {
                        (lesion.id) ": " (lesion.kind) ", z " (z[0]) " to " (z[1]) "\u{a0}mm, " (words::number(lesion.axial_extent_mm, 1)) "\u{a0}mm along the bone"
                        @if lesion.through_the_wall { ", through the wall" }
                    }
                }
            }
            @if let Some(mirels) = &bone.mirels { dt { "Mirels" } dd { (words::mirels_total(mirels)) } }
            @if let Some(reference) = &bone.reference { dt { "Reference" } dd { (reference.kind) } }
        }
    }
}

/// The quoted text with its source, and what pain would change.
pub(super) fn recommendation(advice: &RecommendationReport) -> Markup {
    html! {
        blockquote {
            p { (advice.text) }
            @if let Some(by_pain) = &advice.by_pain {
                dl .facts {
                    @for (pain, outcome) in [("mild", &by_pain.mild), ("moderate", &by_pain.moderate), ("functional", &by_pain.functional)] {
                        dt { "Pain " (pain) }
                        dd {
                            @if let Some(total) = outcome.mirels_total { "Mirels " (total) ": " }
                            (words::category_headline(outcome.category))
                        }
                    }
                }
            }
            footer { "Source: " cite { (advice.source) } }
        }
    }
}
