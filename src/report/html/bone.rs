//! All that is known of one bone: figures, lesions, rules, Mirels, reference, what was not measured.

use super::super::rule_words::{Quantity, quantities};
use super::*;
use crate::scores::rule_table::rule_named;

/// One section; without figures the tables stand alone. A bone of which nothing was measured has its card, no section.
pub(super) fn section(language: Language, index: usize, bone: &BoneReport, drawn: Option<&DrawnBone>) -> Markup {
    let id = format!("bone-{index}");
    let heading = format!("{id}-h");
    html! {
        section .bone id=(id) aria-labelledby=(heading) {
            h2 id=(heading) { (words::bone_title(language, bone)) }
            @if let Some(drawn) = drawn { (pictures(language, bone, drawn)) }
            h3 { "Lesions" }
            @if bone.lesions.is_empty() { p { (words::no_lesion(language, bone)) } } @else { (lesions(language, &bone.lesions)) }
            @if !bone.rules.is_empty() { h3 { "Rules" } (rules(language, bone)) }
            (rigidity::section(language, bone, drawn))
            @if let Some(mirels) = &bone.mirels { h3 { "Mirels’ score" } (score(language, mirels)) }
            @if let Some(advice) = &bone.recommendation { (quotes(language, advice)) }
            @if let Some(reference) = &bone.reference {
                h3 { "Reference" }
                p { strong { (words::capitalised(&reference.kind)) } ": " (reference.note.of(language)) "." }
            }
            h3 { "Not measured" }
            (not_measured(language, bone))
            @if bone.visible_fraction.is_some() || !bone.landmarks.is_empty() { h3 { "Anatomy" } (anatomy(language, bone)) }
        }
    }
}

/// What is seen of the bone, and its landmarks.
fn anatomy(language: Language, bone: &BoneReport) -> Markup {
    let coordinates = |at: &[f64; 3]| at.map(|v| words::number(language, Some(v), 1)).join(", ");
    html! {
        @if let Some(fraction) = bone.visible_fraction {
            p { "Seen of the bone: about " (words::number(language, Some(100.0 * fraction), 0)) " %, against the length of an adult's bone where not both ends are seen." }
        }
        @if let Some(proximal) = &bone.proximal {
            p {
                "Head of " (words::number(language, proximal.head_radius_mm, 1)) " mm radius"
                @if proximal.neck_shaft_angle_deg.is_some() { "; neck and shaft at " (words::number(language, proximal.neck_shaft_angle_deg, 0)) "°" }
                @if proximal.lesser_trochanter_edge_z_mm.is_some() {
                    "; lower edge of the lesser trochanter, where the trochanteric region ends, at z " (words::number(language, proximal.lesser_trochanter_edge_z_mm, 1)) " mm"
                }
                "."
            }
        }
        @if !bone.landmarks.is_empty() {
            (scrolling("Landmarks", html! {
                table {
                    thead { tr { th scope="col" { "Landmark" } th scope="col" { "Patient x, y, z, mm" } } }
                    tbody { @for (name, at) in &bone.landmarks {
                        tr { th scope="row" { (words::capitalised(&name.replace('_', " "))) } td .nowrap { (coordinates(at)) } }
                    } }
                }
            }))
        }
    }
}

fn pictures(_language: Language, bone: &BoneReport, drawn: &DrawnBone) -> Markup {
    html! {
        div .pair {
            figure {
                (PreEscaped(&drawn.map))
                figcaption { "The cortex unrolled: light is intact, dark is gone. Compared with the reference, sector by sector." }
            }
            figure {
                (PreEscaped(&drawn.profile))
                figcaption { "Both percentages along the bone. The red bar with the flag marks slices above both thresholds." }
            }
        }
        @if !drawn.pictures.is_empty() {
            h3 { @if bone.lesions.is_empty() { "A slice for comparison" } @else { "Worst slices" } }
            div .pictures { @for (_, picture) in &drawn.pictures { figure { (PreEscaped(picture)) } } }
        }
    }
}

/// Each sentence once, in English and in its own words.
fn quotes(language: Language, advice: &RecommendationReport) -> Markup {
    let categories = words::quoted_categories([advice]);
    html! {
        @if !categories.is_empty() {
            h3 { "What the recommendation says" }
            div .quotes { @for category in categories {
                @if let Some(quote) = category.quote() {
                    blockquote {
                        p { strong { (words::category_headline(language, category)) } }
                        p { "“" (quote.english) "”" }
                        p .source lang="fr" { "« " (quote.original) " »" }
                    }
                }
            } }
            p .source { "Quoted from: " cite { (advice.source.of(language)) } ". The English is a translation." }
        }
    }
}

fn lesions(language: Language, lesions: &[LesionReport]) -> Markup {
    let with_ci = |value, ci95| html! { (words::number(language, value, 1)) br; span .ci .nowrap { (words::interval(language, ci95, 1)) } };
    let share = |fraction: Option<f64>| words::number(language, fraction.map(|f| 100.0 * f), 0);
    scrolling(
        "Lesions",
        html! {
            table {
                thead { tr {
                    th scope="col" { "No." } th scope="col" { "Type" } th scope="col" { "z, mm" }
                    th scope="col" .num { "Extent along the bone, mm" } th scope="col" .num { "Height, mm" } th scope="col" { "Through the wall" }
                    th scope="col" .num { "Largest axial lysis, %" } th scope="col" .num { "Largest circumf. lysis, %" }
                    th scope="col" .num { "Of the cortex, %" } th scope="col" .num { "Of the diameter, %" }
                } }
                tbody { @for lesion in lesions {
                    @let z = lesion.z_range_mm.map(|z| words::number(language, Some(z), 1));
                    tr {
                        th scope="row" { (lesion.id) (words::region_of(lesion)) } td { (lesion.kind) } td .nowrap { (z[0]) " to " (z[1]) }
                        td .num { (with_ci(lesion.axial_extent_mm, lesion.axial_extent_ci95)) }
                        td .num { (with_ci(lesion.height_mm, lesion.height_ci95)) }
                        td { @if lesion.through_the_wall { "yes" } @else { "no" } }
                        td .num { (with_ci(lesion.max_axial_lysis_percent, lesion.max_axial_lysis_ci95)) }
                        td .num { (with_ci(lesion.max_circumferential_lysis_percent, lesion.max_circumferential_lysis_ci95)) }
                        td .num { (share(lesion.size_fraction_of_cortex)) } td .num { (share(lesion.size_fraction_of_diameter)) }
                    }
                } }
            }
        },
    )
}

/// One body of rows a rule: a row a quantity, then what the rule is and where it comes from over the whole width.
fn rules(language: Language, bone: &BoneReport) -> Markup {
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".into());
    let cells = |quantity: &Quantity| {
        html! {
            td { (words::capitalised(&quantity.name)) }
            td .num .nowrap { (or_dash(&quantity.value)) }
            td .num .nowrap { (or_dash(&quantity.ci95)) }
            td .num .nowrap { (or_dash(&quantity.threshold)) }
        }
    };
    let no_cells = || html! { td { "–" } td .num { "–" } td .num { "–" } td .num { "–" } };
    scrolling(
        "Rules",
        html! {
            table {
                thead { tr {
                    th scope="col" { "Rule" } th scope="col" { "Quantity" } th scope="col" .num { "Value" } th scope="col" .num { "95 % interval" }
                    th scope="col" .num { "Threshold" } th scope="col" .verdicts { "Verdict" }
                } }
                @for rule in &bone.rules {
                    @let quantities = quantities(language, bone, rule);
                    @let height = quantities.len().max(1);
                    tbody {
                        tr {
                            th scope="rowgroup" rowspan=(height + 1) { (words::rule_title(language, &rule.name)) }
                            @match quantities.first() { Some(quantity) => (cells(quantity)), None => (no_cells()) }
                            td .verdicts rowspan=(height) { (verdict(language, rule.met)) }
                        }
                        @for quantity in quantities.iter().skip(1) { tr { (cells(quantity)) } }
                        tr { td .prose colspan="5" {
                            p { (words::capitalised(&rule.criterion.of(language).replace(">=", "≥"))) "." }
                            @for note in &rule.notes { p .source { (note.of(language)) } }
                            p .source { "Source: " cite { (rule.source.of(language)) } }
                            (published(language, &rule.name))
                        } }
                    }
                }
            }
        },
    )
}

/// How well the rule did where it was studied, folded away; nothing for a rule of another version of the program.
fn published(language: Language, rule: &str) -> Markup {
    let Some(rule) = rule_named(rule) else { return html! {} };
    html! {
        details {
            summary { "In whom it was studied, and how well it did" }
            p .source { (rule.population.of(language)) }
            @for study in rule.accuracy { p .source { (study.line(language)) "." } }
            @for note in rule.accuracy_notes { p .source { (note.of(language)) } }
        }
    }
}

fn score(language: Language, mirels: &MirelsReport) -> Markup {
    let items = [("Site", &mirels.site), ("Size", &mirels.size), ("Type", &mirels.kind), ("Pain", &mirels.pain)];
    scrolling(
        "Mirels’ score",
        html! {
            table .narrow {
                thead { tr { th scope="col" { "Item" } th scope="col" { "Finding" } th scope="col" { "Basis" } th scope="col" .num { "Points" } } }
                tbody {
                    @for (name, item) in items { tr {
                        th scope="row" { (name) }
                        @match item {
                            Some(item) => {
                                td { (item.value.as_deref().map_or_else(|| "unknown".into(), |word| words::level_word(language, word).into_owned())) }
                                td { (item.basis.of(language)) }
                                td .num { (item.points.map_or_else(|| "–".into(), |points| points.to_string())) }
                            }
                            None => { td { "not given" } td { "clinical" } td .num { "1 to 3" } }
                        }
                    } }
                }
                tfoot { tr { th scope="row" colspan="3" { "Total" } td .num { (words::mirels_total(language, mirels)) } } }
            }
        },
    )
}

fn not_measured(language: Language, bone: &BoneReport) -> Markup {
    let runs = words::not_measured_runs(bone);
    html! {
        @if runs.is_empty() { p { "Every slice of the bone was measured." } }
        @else {
            ul { @for (reason, run) in runs {
                li { (words::capitalised(&run.text(language))) ", " (words::slices(language, run.count)) ": " (reason.of(language)) "." }
            } }
        }
    }
}
