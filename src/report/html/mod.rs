//! `report.html`: one page that opens offline, reads in light, dark and print, and needs no script; with scripts it is a
//! viewer of the measured slices and takes a review.

mod beyond;
mod bone;
mod mirels;
mod neck;
mod review;
mod review_form;
mod rigidity;
mod rules;
mod summary;
mod viewer;

use super::figures;
use super::model::*;
use super::words;
use super::write::DrawnBone;
use crate::language::{Language, Sentence, Text};
use crate::scores::DISCLAIMER_TEXT;
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("page.css");

/// The whole page. Bones without figures are shown by their tables alone.
pub fn page(report: &Report, drawn: &[DrawnBone], language: Language) -> String {
    let report = &report.rounded();
    let title = language.say("Cortical osteolysis on CT", "Ostéolyse corticale au scanner");
    // Nothing may be fetched: a clinic's workstation is often offline, and a report must not phone home. One script runs,
    // the page's own; data: is for the pictures.
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src '{}'; base-uri 'none'; form-action 'none'",
        viewer::SCRIPT_HASH
    );
    let measured: Vec<(usize, &BoneReport, Option<&DrawnBone>)> = report
        .bones
        .iter()
        .enumerate()
        .filter(|(_, bone)| words::is_measured(bone))
        .map(|(index, bone)| (index, bone, drawn.iter().find(|drawn| drawn.bone_index == index)))
        .collect();
    let page = html! {
        (DOCTYPE)
        html lang=(language.code()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy" content=(policy);
                title { (title) " · " (report.tool.name) }
                style { (PreEscaped(STYLE)) (PreEscaped(viewer::STYLE)) (PreEscaped(figures::STYLE)) }
            }
            body {
                header {
                    p .brand { (report.tool.name) " " (report.tool.version) }
                    h1 { (title) }
                    (disclaimer(language, report))
                }
                main {
                    (summary::section(language, report))
                    (review::section(report, language))
                    @for (index, bone, drawn) in &measured { (bone::section(language, report, *index, bone, *drawn)) }
                    @for (index, bone) in report.bones.iter().enumerate() {
                        @if !words::is_measured(bone) {
                            @if bone.neck.is_some() { (neck::alone(language, index, bone)) }
                            (beyond::alone(language, index, bone))
                        }
                    }
                    (review_form::section(language))
                    (reading(language))
                    (series(language, &report.series))
                    (run(language, report))
                }
                footer { (disclaimer(language, report)) }
                (viewer::script(language, report, drawn))
            }
        }
    };
    page.into_string()
}

fn disclaimer(language: Language, report: &Report) -> Markup {
    html! { p .disclaimer role="note" { (language.say(report.disclaimer.as_str(), DISCLAIMER_TEXT.french)) } }
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
    let word = words::verdict_word(language, met);
    html! { span class=(format!("verdict {class}")) { span aria-hidden="true" { (sign) } " " (word) } }
}

/// A sentence; marked as English where it was not translated, for screen readers.
fn sentence(language: Language, sentence: &Sentence) -> Markup {
    spoken(language, sentence, &sentence.of(language))
}

/// What was made of a sentence, marked as that is.
fn spoken(language: Language, sentence: &Sentence, text: &str) -> Markup {
    match sentence.language(language) {
        same if same == language => html! { (text) },
        other => html! { span lang=(other.code()) { (text) } },
    }
}

fn warnings(language: Language, warnings: &[Sentence]) -> Markup {
    html! {
        @if !warnings.is_empty() {
            ul .warnings { @for warning in warnings {
                li { strong { (language.say("Warning: ", "Attention : ")) } (sentence(language, warning)) }
            } }
        }
    }
}

/// Sentences of rooms that speak English only.
fn english(sentences: &[String]) -> Vec<Sentence> {
    sentences.iter().cloned().map(Sentence::english_only).collect()
}

fn reading(language: Language) -> Markup {
    let terms = [
        (
            Text::new("Axial lysis", "Ostéolyse corticale dans le plan axial"),
            Text::new(
                "Share of the cortex of one axial slice that is gone, by mass, against the intact reference.",
                "Part de la corticale d’une coupe axiale qui a disparu, en masse, par rapport à la référence intacte.",
            ),
        ),
        (
            Text::new("Circumferential lysis", "Ostéolyse corticale dans la circonférence"),
            Text::new(
                "Share of the outer contour of one axial slice along which the cortex has lost more than the chosen depth.",
                "Part du contour externe d’une coupe axiale le long de laquelle la corticale a perdu plus que la profondeur \
                 choisie.",
            ),
        ),
        (
            Text::new("95 % interval", "Intervalle à 95 %"),
            Text::new(
                "Where the true value is expected to lie. A threshold inside it makes a rule indeterminate, never a silent yes \
                 or no.",
                "Où la vraie valeur est attendue. Un seuil dans l’intervalle rend le critère indéterminé, jamais un oui ou un \
                 non silencieux.",
            ),
        ),
        (
            Text::new("Flagged slice", "Coupe signalée"),
            Text::new(
                "The measured axial lysis is above 30 % and the measured circumferential lysis above 50 % in the same slice. A \
                 rule asks the whole intervals, so it may count fewer slices.",
                "L’ostéolyse mesurée dépasse 30 % dans le plan axial et 50 % dans la circonférence, dans la même coupe. Un \
                 critère interroge les intervalles entiers : il peut compter moins de coupes.",
            ),
        ),
        (
            Text::new("Extent, height", "Longueur, hauteur"),
            Text::new(
                "Extent: the longest run of lost cortex along the bone at one place of its circumference. Height: from the \
                 lowest to the highest end of the lesion along the bone.",
                "Longueur : la plus longue perte de corticale le long de l’os en un point de sa circonférence. Hauteur : de \
                 l’extrémité la plus basse à la plus haute de la lésion, le long de l’os.",
            ),
        ),
        (
            Text::new("Not measured", "Non mesuré"),
            Text::new(
                "No number is invented: where the bone cannot be measured, the reason is given instead.",
                "Aucun chiffre n’est inventé : là où l’os ne peut être mesuré, la raison est donnée à la place.",
            ),
        ),
    ];
    html! {
        section aria-labelledby="reading" {
            h2 id="reading" { (language.say("How to read this page", "Comment lire cette page")) }
            dl .terms { @for (term, meaning) in terms { dt { (term.of(language)) } dd { (meaning.of(language)) } } }
        }
    }
}

fn series(language: Language, series: &SeriesReport) -> Markup {
    let number = |mm: f64| words::number(language, Some(mm), 3);
    let spacing = series.pixel_spacing_mm.map(number);
    let rows = [
        (Text::same("Scanner"), series.manufacturer.clone()),
        (Text::new("Kernel", "Noyau"), series.kernel.clone()),
        (Text::new("Tube voltage", "Tension du tube"), series.kvp.map(|kvp| format!("{kvp} kV")).unwrap_or_default()),
        (
            Text::same("Images"),
            format!("{} {} {} × {}", series.slices, language.pick("of", "de"), series.rows, series.columns),
        ),
        (
            Text::new("Pixel, slice spacing", "Pixel, espacement des coupes"),
            format!("{} × {} mm, {} mm", spacing[0], spacing[1], number(series.slice_spacing_mm)),
        ),
        (Text::same("Study instance UID"), series.study_instance_uid.clone()),
        (Text::same("Series instance UID"), series.series_instance_uid.clone()),
        (Text::same("Frame of reference UID"), series.frame_of_reference_uid.clone()),
    ];
    html! {
        section aria-labelledby="series" {
            h2 id="series" { (language.say("CT series", "Série de scanner")) }
            (warnings(language, &series.warnings))
            dl .facts {
                @for (name, value) in rows {
                    dt { (name.of(language)) }
                    dd {
                        @if value.is_empty() { (language.say("not given in the images", "non indiqué dans les images")) }
                        @else { (value) }
                    }
                }
            }
        }
    }
}

fn run(language: Language, report: &Report) -> Markup {
    let given = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Null => language.pick("not given", "non donné").to_owned(),
        other => other.to_string(),
    };
    html! {
        section aria-labelledby="run" {
            h2 id="run" { (language.say("Settings and versions", "Réglages et versions")) }
            dl .facts {
                dt { (language.say("Program", "Programme")) } dd { (report.tool.name) " " (report.tool.version) }
                dt { "Format" } dd { (report.schema) }
                @for (name, value) in &report.settings { dt { (setting(language, name)) } dd { (given(value)) } }
            }
            @if language != Language::En {
                p .source {
                    "Les réglages sont écrits comme la ligne de commande les prend. Ce que disent la lecture des fichiers et la "
                    "calibration reste en anglais."
                }
            }
        }
    }
}

/// The name of a setting; as the program calls it where it is of another version.
fn setting(language: Language, name: &str) -> String {
    let french = match name {
        "bone" => "os",
        "side" => "côté",
        "seed_mm" => "point désigné, mm",
        "reference" => "référence",
        "depth" => "profondeur",
        "modulus" => "loi de rigidité",
        "pain" => "douleur",
        "size" => "taille",
        "mask" => "masque",
        "mask_label" => "étiquette du masque",
        "bone_roi" => "régions d’os",
        "roi" => "régions de lésions",
        "review" => "relecture",
        // Calibration, site, type.
        same => return words::plain(same),
    };
    language.pick(words::plain(name), french.to_owned())
}

/// A number with its interval beside it.
fn with_ci(language: Language, value: Option<f64>, ci95: Option<[f64; 2]>) -> Markup {
    html! {
        (words::number(language, value, 1))
        @if ci95.is_some() { " " span .ci .nowrap { "(" (words::interval(language, ci95, 1)) ")" } }
    }
}
