//! The summary for the terminal: sentences a person can read aloud, 80 columns at most.

use super::model::*;
use super::rule_words::details;
use super::words;
use crate::language::{Language, Text};
use crate::scores::DISCLAIMER_TEXT;

/// Widest line.
const COLUMNS: usize = 80;
/// Lesions of a bone that are told; the report has them all.
const LESIONS: usize = 4;

/// What was found, per bone, with the disclaimer; ends with a newline. Sentences that are quoted stand once at the end.
pub fn summary(report: &Report, language: Language) -> String {
    let report = report.rounded();
    let mut out = Lines::default();
    for warning in &report.series.warnings {
        out.say(
            0,
            language,
            &format!("Warning: {}", warning.english()),
            &format!("Attention : {}", warning.of(language)),
        );
    }
    if report.bones.is_empty() {
        out.say(0, language, "No long bone was found in the series.", "Aucun os long n’a été trouvé dans la série.");
    }
    for bone in &report.bones {
        out.blank();
        bone_summary(language, bone, &mut out);
    }
    quotes(language, &report, &mut out);
    out.blank();
    if report.bones.iter().any(words::is_measured) {
        out.say(0, language, "In brackets: 95 % intervals.", "Entre parenthèses : intervalles à 95 %.");
    }
    out.say(0, language, &report.disclaimer, DISCLAIMER_TEXT.french);
    out.text
}

fn bone_summary(language: Language, bone: &BoneReport, out: &mut Lines) {
    let z = words::range_text(language, bone.z_range_mm, 0);
    let (measured, all) = (bone.slices.iter().filter(|slice| slice.measured).count(), bone.slices.len());
    let covered = match measured {
        0 => language.pick("not measured".to_owned(), "non mesuré".to_owned()),
        _ => language
            .pick(format!("{measured} of {all} slices measured"), format!("{measured} coupes mesurées sur {all}")),
    };
    out.paragraph(0, &format!("{} (z {z} mm), {covered}", words::bone_title(language, bone).to_uppercase()));
    if measured == 0 {
        // The warning gives the reason in a sentence already.
        if bone.warnings.is_empty() {
            not_measured(language, bone, out);
        }
        warnings(language, bone, out);
        return;
    }
    if bone.lesions.is_empty() {
        no_lesion(language, bone, out)
    } else {
        findings(language, bone, out)
    }
    for rule in &bone.rules {
        let title = words::rule_title(language, &rule.name);
        let mut line = format!("{title}: {}", words::verdict_word(language, rule.met));
        for detail in details(language, bone, rule) {
            line += &format!(", {detail}");
        }
        let open = rule.name == "mirels" && bone.mirels.as_ref().is_some_and(|mirels| mirels.pain.is_none());
        if open {
            line += language.pick(" (pain not given)", " (douleur non donnée)");
        }
        out.say(2, language, &format!("{line}."), &format!("{}.", line.replacen(':', " :", 1)));
    }
    recommendation(language, bone, out);
    if let Some(reference) = &bone.reference {
        let words = words::reference_words(language, &reference.kind);
        out.say(2, language, &format!("Reference: {words}."), &format!("Référence : {words}."));
    }
    not_measured(language, bone, out);
    warnings(language, bone, out);
}

fn warnings(language: Language, bone: &BoneReport, out: &mut Lines) {
    for warning in &bone.warnings {
        out.say(
            2,
            language,
            &format!("Warning: {}", warning.english()),
            &format!("Attention : {}", warning.of(language)),
        );
    }
}

/// What is in brackets in the report's reason is left to the page.
fn not_measured(language: Language, bone: &BoneReport, out: &mut Lines) {
    let short = |reason: &str| reason.split(" (").next().unwrap_or_default().to_owned();
    let reasons: Vec<String> = words::not_measured_by_reason(bone)
        .iter()
        .map(|(reason, runs)| format!("{}, {}", words::short_runs(language, runs), short(&reason.of(language))))
        .collect();
    if !reasons.is_empty() {
        let english = format!("Not measured: {}.", reasons.join("; "));
        out.say(2, language, &english, &format!("Non mesuré : {}.", reasons.join(" ; ")));
    }
}

fn no_lesion(language: Language, bone: &BoneReport, out: &mut Lines) {
    out.paragraph(2, &words::no_lesion(language, bone));
    let text = |(value, high)| {
        let [value, high] = [value, high].map(|percent| words::number(language, percent, 1));
        format!("{value}\u{a0}% ({} {high})", language.pick("up to", "jusqu’à"))
    };
    let axial = text(words::largest(bone, |s| s.axial_lysis_percent, |s| s.axial_lysis_ci95));
    let around = text(words::largest(bone, |s| s.circumferential_lysis_percent, |s| s.circumferential_lysis_ci95));
    out.say(
        2,
        language,
        &format!("Largest values: axial {axial}, circumferential {around}."),
        &format!("Valeurs les plus grandes : axiale {axial}, circonférence {around}."),
    );
}

fn findings(language: Language, bone: &BoneReport, out: &mut Lines) {
    if let Some(slice) = words::worst_slice(bone) {
        let name = words::slice_name(language, slice);
        out.say(2, language, &format!("Worst slice: {name}."), &format!("Coupe la plus atteinte : {name}."));
        let percent = |value, ci95| {
            format!("{}\u{a0}% ({})", words::number(language, value, 1), words::interval(language, ci95, 1))
        };
        let axial = percent(slice.axial_lysis_percent, slice.axial_lysis_ci95);
        let around = percent(slice.circumferential_lysis_percent, slice.circumferential_lysis_ci95);
        out.say(
            4,
            language,
            &format!("Axial lysis {axial}, circumferential {around}."),
            &format!("Ostéolyse corticale dans le plan axial {axial}, dans la circonférence {around}."),
        );
    }
    let flagged = words::flagged_runs(bone);
    if !flagged.is_empty() {
        let runs: Vec<_> = flagged.iter().map(|run| run.text(language)).collect();
        let runs = runs.join(", ");
        out.say(2, language, &format!("Above 30 % and 50 %: {runs}."), &format!("Au-dessus de 30 % et 50 % : {runs}."));
    }
    for lesion in bone.lesions.iter().take(LESIONS) {
        let z = words::range_text(language, lesion.z_range_mm, 1);
        let wall = if lesion.through_the_wall {
            language.pick(", through the wall", ", toute l’épaisseur de la corticale")
        } else {
            ""
        };
        let extent = words::number(language, lesion.axial_extent_mm, 1);
        let name = format!("{}{}", lesion.id, words::region_of(lesion));
        let place = lesion
            .location
            .as_deref()
            .map_or_else(String::new, |place| format!(", {}", words::place_word(language, place)));
        let kind = words::level_word(language, &lesion.kind);
        out.say(
            2,
            language,
            &format!("Lesion {name}: {kind}{wall}{place}, {extent} mm long, z {z} mm."),
            &format!("Lésion {name} : {kind}{wall}{place}, {extent} mm de long, z {z} mm."),
        );
    }
    if let Some(more) = bone.lesions.len().checked_sub(LESIONS).filter(|more| *more > 0) {
        let count = words::count(language, more, Text::new("lesion", "lésion"), Text::new("lesions", "lésions"));
        out.say(2, language, &format!("{count} more in the report."), &format!("{count} de plus dans le rapport."));
    }
}

fn recommendation(language: Language, bone: &BoneReport, out: &mut Lines) {
    let Some(advice) = bone.recommendation.as_ref().filter(|advice| advice.category != Category::NoLesion) else {
        return;
    };
    let headline = words::category_headline(language, advice.category);
    out.say(2, language, &format!("Recommendation: {headline}."), &format!("Recommandation : {headline}."));
    let by_pain = advice.by_pain.as_ref().filter(|_| advice.category == Category::DependsOnPain);
    for (pain, outcome) in by_pain.into_iter().flat_map(words::pain_levels) {
        let total = outcome.mirels_total.map_or_else(String::new, |total| format!(", Mirels {total}"));
        let headline = words::category_headline(language, outcome.category);
        let pain = words::capitalised(&words::pain_words(language, pain));
        out.say(4, language, &format!("{pain}{total}: {headline}."), &format!("{pain}{total} : {headline}."));
    }
}

/// The sentences behind the categories, in the reader's language; both stand on the page and in the JSON.
fn quotes(language: Language, report: &Report, out: &mut Lines) {
    let advice = || report.bones.iter().filter_map(|bone| bone.recommendation.as_ref());
    let categories = words::quoted_categories(advice());
    if categories.is_empty() {
        return;
    }
    out.blank();
    for category in categories {
        if let Some(quote) = category.quote() {
            let headline = words::category_headline(language, category);
            out.say(
                0,
                language,
                &format!("{headline}: \"{}\"", quote.english),
                &format!("{headline} : « {} »", quote.original),
            );
        }
    }
    let mut sources: Vec<_> = advice().map(|advice| advice.source.of(language)).collect();
    sources.dedup();
    // Its title in its own language stands on the page.
    let short = |source: &str| match source.split_once(" (\"") {
        Some((before, rest)) => before.to_owned() + rest.split_once("\")").map_or("", |(_, after)| after),
        None => source.to_owned(),
    };
    let sources: Vec<String> = sources.iter().map(|source| short(source)).collect();
    out.say(0, language, &format!("Source: {}.", sources.join("; ")), &format!("Source : {}.", sources.join(" ; ")));
}

/// Text wrapped to [`COLUMNS`].
#[derive(Default)]
pub(crate) struct Lines {
    pub text: String,
}

impl Lines {
    /// An empty line, except at the beginning.
    pub fn blank(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// A paragraph in the reader's language.
    fn say(&mut self, indent: usize, language: Language, english: &str, french: &str) {
        self.paragraph(indent, &language.say(english, french));
    }

    /// Wraps at spaces; what follows the first line of an item hangs two columns in. A longer word is broken, never cut off.
    pub fn paragraph(&mut self, indent: usize, text: &str) {
        let mut line = " ".repeat(indent);
        let mut filled = false;
        // Not at the space between a number and its unit, which is printed as a plain one.
        for word in text.split([' ', '\n', '\t']).filter(|word| !word.is_empty()) {
            let mut word: Vec<char> = word.replace('\u{a0}', " ").chars().collect();
            if filled && line.chars().count() + 1 + word.len() > COLUMNS {
                self.push_line(&mut line, indent);
                filled = false;
            }
            if filled {
                line.push(' ');
            }
            while line.chars().count() + word.len() > COLUMNS {
                let rest = word.split_off(COLUMNS - line.chars().count());
                line.extend(word);
                self.push_line(&mut line, indent);
                word = rest;
            }
            line.extend(word);
            filled = true;
        }
        if filled {
            self.push_line(&mut line, indent);
        }
    }

    fn push_line(&mut self, line: &mut String, indent: usize) {
        self.text.push_str(line);
        self.text.push('\n');
        // What stands at the margin is plain text; what is set in belongs to a list.
        *line = " ".repeat(if indent == 0 { 0 } else { indent + 2 });
    }
}
