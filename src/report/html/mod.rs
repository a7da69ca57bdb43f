//! `report.html`: one page that opens offline, needs no script, reads in light, dark and print.

mod bone;
mod review;
mod rigidity;
mod summary;

use super::figures;
use super::model::*;
use super::words;
use super::write::DrawnBone;
use crate::language::{Language, Sentence};
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("page.css");

/// The whole page. Bones without figures are shown by their tables alone.
pub fn page(report: &Report, drawn: &[DrawnBone], language: Language) -> String {
    let report = &report.rounded();
    let title = "Cortical osteolysis on CT";
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // Nothing may be fetched: a clinic's workstation is often offline, and a report must not phone home.
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:";
                title { (title) " · " (report.tool.name) }
                style { (PreEscaped(STYLE)) (PreEscaped(figures::STYLE)) }
            }
            body {
                header {
                    p .brand { (report.tool.name) " " (report.tool.version) }
                    h1 { (title) }
                    p .disclaimer role="note" { (report.disclaimer) }
                }
                main {
                    (summary::section(language, report))
                    (review::section(report, language))
                    @for (index, bone) in report.bones.iter().enumerate().filter(|(_, bone)| words::is_measured(bone)) {
                        (bone::section(language, index, bone, drawn.iter().find(|drawn| drawn.bone_index == index)))
                    }
                    (reading())
                    (series(language, &report.series))
                    (run(report))
                }
                footer { p .disclaimer role="note" { (report.disclaimer) } }
            }
        }
    };
    page.into_string()
}

/// A table that scrolls by itself on a narrow screen; the tab stop lets a keyboard scroll it too.
fn scrolling(label: &str, table: Markup) -> Markup {
    html! { div .scroll role="region" aria-label=(label) tabindex="0" { (table) } }
}

/// A verdict as a sign with its word: never colour alone.
fn verdict(language: Language, met: Verdict) -> Markup {
    let (class, sign) = match met {
        Verdict::Met => ("met", "●"),
        Verdict::NotMet => ("not-met", "○"),
        Verdict::Indeterminate => ("indeterminate", "◐"),
        Verdict::NotEvaluated => ("not-evaluated", "–"),
    };
    html! { span class=(format!("verdict {class}")) { span aria-hidden="true" { (sign) } " " (words::verdict_word(language, met)) } }
}

fn reading() -> Markup {
    html! {
        section aria-labelledby="reading" {
            h2 id="reading" { "How to read this page" }
            dl .terms {
                dt { "Axial lysis" } dd { "Share of the cortex of one axial slice that is gone, by mass, against the intact reference." }
                dt { "Circumferential lysis" } dd { "Share of the outer contour of one axial slice along which the cortex has lost more than the chosen depth." }
                dt { "95 % interval" } dd { "Where the true value is expected to lie. A threshold inside it makes a rule indeterminate, never a silent yes or no." }
                dt { "Flagged slice" } dd { "The measured axial lysis is above 30 % and the measured circumferential lysis above 50 % in the same slice. A rule asks the whole intervals, so it may count fewer slices." }
                dt { "Extent, height" } dd { "Extent: the longest run of lost cortex along the bone at one place of its circumference. Height: from the lowest to the highest end of the lesion along the bone." }
                dt { "Not measured" } dd { "No number is invented: where the bone cannot be measured, the reason is given instead." }
            }
        }
    }
}

fn series(language: Language, series: &SeriesReport) -> Markup {
    let spacing = series.pixel_spacing_mm.map(|mm| words::number(language, Some(mm), 3));
    let rows = [
        ("Scanner", series.manufacturer.clone()),
        ("Kernel", series.kernel.clone()),
        ("Tube voltage", series.kvp.map(|kvp| format!("{kvp} kV")).unwrap_or_default()),
        ("Images", format!("{} of {} × {}", series.slices, series.rows, series.columns)),
        (
            "Pixel, slice spacing",
            format!(
                "{} × {} mm, {} mm",
                spacing[0],
                spacing[1],
                words::number(language, Some(series.slice_spacing_mm), 3)
            ),
        ),
        ("Study instance UID", series.study_instance_uid.clone()),
        ("Series instance UID", series.series_instance_uid.clone()),
        ("Frame of reference UID", series.frame_of_reference_uid.clone()),
    ];
    html! {
        section aria-labelledby="series" {
            h2 id="series" { "CT series" }
            (warnings(language, &series.warnings))
            dl .facts {
                @for (name, value) in rows {
                    dt { (name) } dd { @if value.is_empty() { "not given in the images" } @else { (value) } }
                }
            }
        }
    }
}

fn warnings(language: Language, warnings: &[Sentence]) -> Markup {
    html! {
        @if !warnings.is_empty() {
            ul .warnings { @for warning in warnings { li { strong { "Warning: " } (warning.of(language)) } } }
        }
    }
}

fn run(report: &Report) -> Markup {
    html! {
        section aria-labelledby="run" {
            h2 id="run" { "Settings and versions" }
            dl .facts {
                dt { "Program" } dd { (report.tool.name) " " (report.tool.version) }
                dt { "Format" } dd { (report.schema) }
                @for (name, value) in &report.settings {
                    dt { (words::plain(name)) }
                    dd { @match value { serde_json::Value::String(text) => (text), serde_json::Value::Null => "not given", other => (other.to_string()) } }
                }
            }
        }
    }
}
