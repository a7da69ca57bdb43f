//! The summary for the terminal: sentences a person can read aloud, 80 columns at most. Colour adds to words, it never stands
//! for one.

use super::model::*;
use super::rule_words::details;
use super::summary_marks::{Mark, marked, styled, unmarked};
use super::words;
use crate::language::{Language, Sentence, Text};
use crate::scores::DISCLAIMER_TEXT;
use unicode_width::UnicodeWidthChar;

/// Widest line.
const COLUMNS: usize = 80;
/// Lesions of a bone that are told; the report has them all.
const LESIONS: usize = 4;
/// Stretches of flagged slices that are told.
const RUNS: usize = 4;

/// What was found, per bone, with the disclaimer; ends with a newline. Sentences that are quoted stand once at the end.
pub fn summary(report: &Report, language: Language) -> String {
    unmarked(&marked_summary(report, language))
}

/// [`summary`] with the escape sequences of a terminal: the same words in the same places.
pub fn summary_for_terminal(report: &Report, language: Language) -> String {
    styled(&marked_summary(report, language))
}

fn marked_summary(report: &Report, language: Language) -> String {
    let report = report.rounded();
    let mut out = Lines::default();
    for warning in &report.series.warnings {
        say_warning(0, language, warning, &mut out);
    }
    if let Some(reviewed) = words::reviewed_by(language, &report) {
        out.paragraph(0, &reviewed);
        let notes = report.review.iter().flat_map(|review| &review.notes);
        notes.for_each(|note| say_warning(0, language, note, &mut out));
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
    let title = marked(Mark::Title, &words::bone_title(language, bone).to_uppercase());
    out.paragraph(0, &format!("{title} (z {z} mm), {covered}"));
    if measured == 0 {
        // The warning gives the reason in a sentence already.
        if bone.warnings.is_empty() {
            not_measured(language, bone, out);
        }
        neck(language, bone, out);
        ends(language, bone, out);
        warnings(language, bone, out);
        return;
    }
    recommendation(language, bone, out);
    if words::standing(bone).next().is_none() {
        no_lesion(language, bone, out)
    } else {
        findings(language, bone, out)
    }
    lesions(language, bone, out);
    for rule in &bone.rules {
        let title = words::rule_title(language, &rule.name);
        let mut line = format!("{title}: {}", verdict(language, rule.met));
        for detail in details(language, bone, rule) {
            line += &format!(", {detail}");
        }
        let open = rule.name == "mirels" && bone.mirels.as_ref().is_some_and(|mirels| mirels.pain.is_none());
        if open {
            line += language.pick(" (pain not given)", " (douleur non donnée)");
        }
        out.say(2, language, &format!("{line}."), &format!("{}.", line.replacen(':', " :", 1)));
    }
    if let Some(reference) = &bone.reference {
        let words = words::reference_words(language, &reference.kind);
        out.say(2, language, &format!("Reference: {words}."), &format!("Référence : {words}."));
    }
    not_measured(language, bone, out);
    neck(language, bone, out);
    ends(language, bone, out);
    warnings(language, bone, out);
}

/// What the sections across the neck showed.
fn neck(language: Language, bone: &BoneReport, out: &mut Lines) {
    let Some(neck) = &bone.neck else { return };
    out.paragraph(2, &neck.sentence(language));
    for lesion in &neck.lesions {
        let Some(remark) = words::remark(language, lesion.review.as_ref()) else { continue };
        out.paragraph(
            2,
            &language.pick(
                format!("Neck lesion {}: {remark}.", lesion.id),
                format!("Lésion {} du col : {remark}.", lesion.id),
            ),
        );
    }
}

/// What the slices beyond the shaft showed against the other side.
fn ends(language: Language, bone: &BoneReport, out: &mut Lines) {
    bone.ends.iter().for_each(|end| out.paragraph(2, &end.sentence(language)));
}

/// The verdict in words, marked.
fn verdict(language: Language, met: Verdict) -> String {
    let mark = match met {
        Verdict::Met => Mark::Alarm,
        Verdict::Indeterminate => Mark::Caution,
        Verdict::NotMet => Mark::Calm,
        Verdict::NotEvaluated => Mark::Faint,
    };
    marked(mark, words::verdict_word(language, met))
}

fn warnings(language: Language, bone: &BoneReport, out: &mut Lines) {
    for warning in &bone.warnings {
        say_warning(2, language, warning, out);
    }
}

fn say_warning(indent: usize, language: Language, warning: &Sentence, out: &mut Lines) {
    let word = marked(Mark::Caution, language.pick("Warning", "Attention"));
    out.say(indent, language, &format!("{word}: {}", warning.english()), &format!("{word} : {}", warning.of(language)));
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
        let percent = |value, ci95| words::percent_with_ci(language, value, ci95);
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
        let runs: Vec<_> = flagged.iter().take(RUNS).map(|run| run.text(language)).collect();
        let mut runs = runs.join(", ");
        if let Some(more) = flagged.len().checked_sub(RUNS).filter(|more| *more > 0) {
            runs += &language.pick(format!(" and {more} more"), format!(" et {more} de plus"));
        }
        out.say(2, language, &format!("Above 30 % and 50 %: {runs}."), &format!("Au-dessus de 30 % et 50 % : {runs}."));
    }
    let rejected = words::rejected_runs(bone);
    if !rejected.is_empty() {
        let runs = words::short_runs(language, &rejected);
        out.say(
            2,
            language,
            &format!("Flags rejected by the reviewer: {runs}."),
            &format!("Signalements rejetés par le relecteur : {runs}."),
        );
    }
}

/// The lesions one by one, those too that a reviewer rejected.
fn lesions(language: Language, bone: &BoneReport, out: &mut Lines) {
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
        let remark =
            words::remark(language, lesion.review.as_ref()).map_or_else(String::new, |text| format!(", {text}"));
        out.say(
            2,
            language,
            &format!("Lesion {name}: {kind}{wall}{place}, {extent} mm long, z {z} mm{remark}."),
            &format!("Lésion {name} : {kind}{wall}{place}, {extent} mm de long, z {z} mm{remark}."),
        );
    }
    if let Some(more) = bone.lesions.len().checked_sub(LESIONS).filter(|more| *more > 0) {
        let count = words::count(language, more, Text::new("lesion", "lésion"), Text::new("lesions", "lésions"));
        out.say(2, language, &format!("{count} more in the report."), &format!("{count} de plus dans le rapport."));
    }
}

/// First, because it is what is looked for: the headline, and what pain would change.
fn recommendation(language: Language, bone: &BoneReport, out: &mut Lines) {
    let (Some(advice), Some(headline)) = (&bone.recommendation, words::headline(language, bone)) else { return };
    if advice.category == Category::NoLesion {
        return;
    }
    let headline = marked(Mark::Title, headline);
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
            // A name out of a file may hold anything, also what commands a terminal.
            let word: String = word.replace('\u{a0}', " ").chars().filter(|c| !c.is_control()).collect();
            if filled && columns(&line) + 1 + columns(&word) > COLUMNS {
                self.push_line(&mut line, indent);
                filled = false;
            }
            if filled {
                line.push(' ');
            }
            for letter in word.chars() {
                if columns(&line) + letter_columns(letter) > COLUMNS {
                    self.push_line(&mut line, indent);
                }
                line.push(letter);
            }
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

/// Columns of a terminal that a text takes.
fn columns(text: &str) -> usize {
    text.chars().map(letter_columns).sum()
}

fn letter_columns(letter: char) -> usize {
    if Mark::of(letter).is_some() { 0 } else { letter.width().unwrap_or(0) }
}
