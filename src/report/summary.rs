//! The summary for the terminal: sentences a person can read aloud, 80 columns at most.

use super::model::*;
use super::words;

/// Widest line.
const COLUMNS: usize = 80;

/// What was found, per bone, with the disclaimer; ends with a newline.
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
    out.blank();
    out.paragraph(0, &report.disclaimer);
    out.text
}

fn bone_summary(bone: &BoneReport, out: &mut Lines) {
    let [low, high] = bone.z_range_mm.map(|z| words::number(Some(z), 0));
    out.paragraph(0, &format!("{} (z {low} to {high} mm)", words::bone_title(bone).to_uppercase()));
    let measured = bone.slices.iter().filter(|slice| slice.measured).count();
    if measured == 0 {
        out.paragraph(2, "No slice of this bone could be measured.");
    } else {
        out.paragraph(2, &format!("Measured in {measured} of {} slices.", bone.slices.len()));
    }
    for (reason, run) in words::not_measured_runs(bone) {
        out.paragraph(4, &format!("Not measured: {}, because {reason}.", run.text()));
    }
    if let Some(reference) = bone.reference.as_ref().filter(|_| measured > 0) {
        out.paragraph(2, &format!("Reference: {}. {}", reference.kind, reference.note));
    }
    for warning in &bone.warnings {
        out.paragraph(2, &format!("Warning: {warning}"));
    }
    if measured > 0 {
        findings(bone, out);
    }
    if let Some(mirels) = &bone.mirels {
        out.paragraph(2, &format!("Mirels’ score: {}.", words::mirels_total(mirels)));
    }
    for rule in &bone.rules {
        let values: Vec<_> = rule
            .values
            .iter()
            .map(|(name, value)| format!("{} {}", words::plain(name), words::value_text(value)))
            .collect();
        let detail = if values.is_empty() { String::new() } else { format!(": {}", values.join("; ")) };
        out.paragraph(2, &format!("{} is {}{detail}.", words::rule_title(&rule.name), words::verdict_word(rule.met)));
    }
    if let Some(advice) = &bone.recommendation {
        out.paragraph(2, &format!("Recommendation: {}.", words::category_headline(advice.category)));
        out.paragraph(4, &advice.text);
        if let Some(by_pain) = &advice.by_pain {
            for (pain, outcome) in
                [("mild", &by_pain.mild), ("moderate", &by_pain.moderate), ("functional", &by_pain.functional)]
            {
                let total = outcome.mirels_total.map_or_else(String::new, |total| format!(", Mirels {total}"));
                out.paragraph(4, &format!("If pain is {pain}{total}: {}.", words::category_headline(outcome.category)));
            }
        }
        out.paragraph(4, &format!("Source: {}", advice.source));
    }
}

fn findings(bone: &BoneReport, out: &mut Lines) {
    if let Some(slice) = words::worst_slice(bone) {
        out.paragraph(
            2,
            &format!(
                "Worst slice: {}. Axial lysis {} % (95 % interval {}), circumferential lysis {} % ({}).",
                words::slice_name(slice),
                words::number(slice.axial_lysis_percent, 1),
                words::interval(slice.axial_lysis_ci95, 1),
                words::number(slice.circumferential_lysis_percent, 1),
                words::interval(slice.circumferential_lysis_ci95, 1),
            ),
        );
    }
    let flagged = words::flagged_runs(bone);
    if !flagged.is_empty() {
        let runs: Vec<_> = flagged.iter().map(words::Run::text).collect();
        out.paragraph(2, &format!("Above 30 % axial and 50 % circumferential: {}.", runs.join(", ")));
    }
    if bone.lesions.is_empty() {
        out.paragraph(2, "No lesion was found in the measured slices.");
    }
    for lesion in &bone.lesions {
        let [low, high] = lesion.z_range_mm.map(|z| words::number(Some(z), 1));
        let wall = if lesion.through_the_wall { "through the wall" } else { "not through the wall" };
        out.paragraph(
            2,
            &format!(
                "Lesion {}: {}, {wall}, z {low} to {high} mm, {} mm along the bone (95 % interval {}), height {} mm.",
                lesion.id,
                lesion.kind,
                words::number(lesion.axial_extent_mm, 1),
                words::interval(lesion.axial_extent_ci95, 1),
                words::number(lesion.height_mm, 1),
            ),
        );
    }
}

/// Text wrapped to [`COLUMNS`].
#[derive(Default)]
struct Lines {
    text: String,
}

impl Lines {
    fn blank(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// Wraps at spaces; what follows the first line of an item hangs two columns in. A longer word is broken, never cut off.
    fn paragraph(&mut self, indent: usize, text: &str) {
        let mut line = " ".repeat(indent);
        let mut filled = false;
        for word in text.split_whitespace() {
            let mut word: Vec<char> = word.chars().collect();
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
