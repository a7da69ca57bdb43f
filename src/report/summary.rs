//! The summary for the terminal: sentences a person can read aloud, 80 columns at most.

use super::model::*;
use super::rule_words::details;
use super::words;

/// Widest line.
const COLUMNS: usize = 80;
/// Lesions of a bone that are told; the report has them all.
const LESIONS: usize = 4;

/// What was found, per bone, with the disclaimer; ends with a newline. Sentences that are quoted stand once at the end.
pub fn summary(report: &Report) -> String {
    let report = report.rounded();
    let mut out = Lines::default();
    for warning in &report.series.warnings {
        out.paragraph(0, &format!("Warning: {warning}"));
    }
    if report.bones.is_empty() {
        out.paragraph(0, "No long bone was found in the series.");
    }
    for bone in &report.bones {
        out.blank();
        bone_summary(bone, &mut out);
    }
    quotes(&report, &mut out);
    out.blank();
    if report.bones.iter().any(words::is_measured) {
        out.paragraph(0, "In brackets: 95 % intervals.");
    }
    out.paragraph(0, &report.disclaimer);
    out.text
}

fn bone_summary(bone: &BoneReport, out: &mut Lines) {
    let [low, high] = bone.z_range_mm.map(|z| words::number(Some(z), 0));
    let (measured, all) = (bone.slices.iter().filter(|slice| slice.measured).count(), bone.slices.len());
    let covered = if measured == 0 { "not measured".into() } else { format!("{measured} of {all} slices measured") };
    out.paragraph(0, &format!("{} (z {low} to {high} mm), {covered}", words::bone_title(bone).to_uppercase()));
    if measured == 0 {
        // The warning gives the reason in a sentence already.
        if bone.warnings.is_empty() {
            not_measured(bone, out);
        }
        warnings(bone, out);
        return;
    }
    if bone.lesions.is_empty() {
        no_lesion(bone, out)
    } else {
        findings(bone, out)
    }
    for rule in &bone.rules {
        let mut line = format!("{}: {}", words::rule_title(&rule.name), words::verdict_word(rule.met));
        for detail in details(bone, rule) {
            line += &format!(", {detail}");
        }
        let open = rule.name == "mirels" && bone.mirels.as_ref().is_some_and(|mirels| mirels.pain.is_none());
        out.paragraph(2, &format!("{line}{}.", if open { " (pain not given)" } else { "" }));
    }
    recommendation(bone, out);
    if let Some(reference) = &bone.reference {
        out.paragraph(2, &format!("Reference: {}.", words::reference_words(&reference.kind)));
    }
    not_measured(bone, out);
    warnings(bone, out);
}

fn warnings(bone: &BoneReport, out: &mut Lines) {
    for warning in &bone.warnings {
        out.paragraph(2, &format!("Warning: {warning}"));
    }
}

/// What is in brackets in the report's reason is left to the page.
fn not_measured(bone: &BoneReport, out: &mut Lines) {
    let short = |reason: &str| reason.split(" (").next().unwrap_or_default().to_owned();
    let reasons: Vec<String> = words::not_measured_by_reason(bone)
        .iter()
        .map(|(reason, runs)| format!("{}, {}", words::short_runs(runs), short(reason)))
        .collect();
    if !reasons.is_empty() {
        out.paragraph(2, &format!("Not measured: {}.", reasons.join("; ")));
    }
}

fn no_lesion(bone: &BoneReport, out: &mut Lines) {
    out.paragraph(2, &words::no_lesion(bone));
    let text = |(value, high)| format!("{}\u{a0}% (up to {})", words::number(value, 1), words::number(high, 1));
    let axial = words::largest(bone, |s| s.axial_lysis_percent, |s| s.axial_lysis_ci95);
    let around = words::largest(bone, |s| s.circumferential_lysis_percent, |s| s.circumferential_lysis_ci95);
    out.paragraph(2, &format!("Largest values: axial {}, circumferential {}.", text(axial), text(around)));
}

fn findings(bone: &BoneReport, out: &mut Lines) {
    if let Some(slice) = words::worst_slice(bone) {
        out.paragraph(2, &format!("Worst slice: {}.", words::slice_name(slice)));
        let (axial, around) = (slice.axial_lysis_percent, slice.circumferential_lysis_percent);
        out.paragraph(
            4,
            &format!(
                "Axial lysis {}\u{a0}% ({}), circumferential {}\u{a0}% ({}).",
                words::number(axial, 1),
                words::interval(slice.axial_lysis_ci95, 1),
                words::number(around, 1),
                words::interval(slice.circumferential_lysis_ci95, 1),
            ),
        );
    }
    let flagged = words::flagged_runs(bone);
    if !flagged.is_empty() {
        let runs: Vec<_> = flagged.iter().map(words::Run::text).collect();
        out.paragraph(2, &format!("Above 30 % and 50 %: {}.", runs.join(", ")));
    }
    for lesion in bone.lesions.iter().take(LESIONS) {
        let [low, high] = lesion.z_range_mm.map(|z| words::number(Some(z), 1));
        let wall = if lesion.through_the_wall { ", through the wall" } else { "" };
        let extent = words::number(lesion.axial_extent_mm, 1);
        let name = words::region_of(lesion);
        let place =
            lesion.location.as_deref().map_or_else(String::new, |place| format!(", {}", place.replace('-', " ")));
        let text = format!(
            "Lesion {}{name}: {}{wall}{place}, {extent} mm long, z {low} to {high} mm.",
            lesion.id, lesion.kind
        );
        out.paragraph(2, &text);
    }
    if let Some(more) = bone.lesions.len().checked_sub(LESIONS).filter(|more| *more > 0) {
        out.paragraph(2, &format!("{} more in the report.", words::count(more, "lesion", "lesions")));
    }
}

fn recommendation(bone: &BoneReport, out: &mut Lines) {
    let Some(advice) = bone.recommendation.as_ref().filter(|advice| advice.category != Category::NoLesion) else {
        return;
    };
    out.paragraph(2, &format!("Recommendation: {}.", words::category_headline(advice.category)));
    let by_pain = advice.by_pain.as_ref().filter(|_| advice.category == Category::DependsOnPain);
    for (pain, outcome) in by_pain.into_iter().flat_map(words::pain_levels) {
        let total = outcome.mirels_total.map_or_else(String::new, |total| format!(", Mirels {total}"));
        let headline = words::category_headline(outcome.category);
        out.paragraph(4, &format!("{} pain{total}: {headline}.", words::capitalised(pain)));
    }
}

/// The sentences behind the categories, in English; the original stands on the page and in the JSON.
fn quotes(report: &Report, out: &mut Lines) {
    let advice = || report.bones.iter().filter_map(|bone| bone.recommendation.as_ref());
    let categories = words::quoted_categories(advice());
    if categories.is_empty() {
        return;
    }
    out.blank();
    for category in categories {
        if let Some(quote) = category.quote() {
            out.paragraph(0, &format!("{}: \"{}\"", words::category_headline(category), quote.english));
        }
    }
    let mut sources: Vec<&str> = advice().map(|advice| advice.source.as_str()).collect();
    sources.dedup();
    // Its title in its own language stands on the page.
    let short = |source: &str| match source.split_once(" (\"") {
        Some((before, rest)) => before.to_owned() + rest.split_once("\")").map_or("", |(_, after)| after),
        None => source.to_owned(),
    };
    let sources: Vec<String> = sources.into_iter().map(short).collect();
    out.paragraph(0, &format!("Source: {}.", sources.join("; ")));
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
