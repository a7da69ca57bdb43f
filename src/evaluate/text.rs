//! The evaluation as tables for the terminal.

use super::compare::{Case, DECIDED_POINTS};
use super::evaluation::{CLUSTER_NOTE, Evaluation};
use super::pairing::PairedBy;
use super::quantity::Quantity;
use super::statistics::{CaseMeans, Coverage, ErrorStats};
use super::summary::{Subset, Summary, mean_of_cases, pooled};
use crate::report::Lines;

/// Findings of one kind that are told one by one; the tables have them all.
const EXAMPLES: usize = 8;

/// What was found, for a person to read; ends with a newline.
pub fn text(evaluation: &Evaluation) -> String {
    let cases = &evaluation.cases;
    let summaries: Vec<(&str, Summary)> = cases.iter().map(|case| (case.name.as_str(), case.summary())).collect();
    let pooled = pooled(cases);
    let mut rows: Vec<(&str, &Summary)> = summaries.iter().map(|(name, summary)| (*name, summary)).collect();
    if cases.len() > 1 {
        rows.push(("pooled", &pooled));
    }
    let mut parts = vec![sections_and_flags(evaluation, &rows)];
    for quantity in [Quantity::Axial, Quantity::Circumferential] {
        parts.push(errors(quantity, cases, &rows));
    }
    parts.push(others(&pooled));
    parts.push(lesions(&pooled));
    parts.push(notes(evaluation, &pooled));
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

/// Columns as wide as their widest cell, two blanks apart; the first `left` of them are aligned to the left.
fn table(rows: &[Vec<String>], left: usize) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if column < left { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        text += cells.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    text
}

fn number(value: Option<f64>) -> String {
    match value.filter(|value| value.is_finite()) {
        // Adding zero turns −0 into 0.
        Some(value) => format!("{:.2}", (value * 100.0).round() / 100.0 + 0.0),
        None => "-".into(),
    }
}

fn limits(limits: Option<[f64; 2]>) -> String {
    limits.map_or("-".into(), |[low, high]| format!("{} to {}", number(Some(low)), number(Some(high))))
}

fn coverage(interval: &Coverage) -> [String; 2] {
    match interval.percent {
        Some(percent) => [format!("{}/{} {percent:.0} %", interval.covered, interval.n), number(interval.mean_width)],
        None => ["-".into(), "-".into()],
    }
}

fn header(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

fn sections_and_flags(evaluation: &Evaluation, rows: &[(&str, &Summary)]) -> String {
    let columns = ["case", "bone", "truth by", "rings", "lysed", "no ring", "false flags", "missed flags"];
    let mut lines = vec![header(&columns)];
    for (n, (name, summary)) in rows.iter().enumerate() {
        let case = evaluation.cases.get(n);
        let bones: Vec<&str> = case
            .iter()
            .flat_map(|case| &case.bones)
            .map(|bone| bone.found_name.as_deref().unwrap_or("not found"))
            .collect();
        let (counts, decided, all) = (&summary.sections, summary.flags_decided, summary.flags_all);
        lines.push(vec![
            name.to_string(),
            bones.join(", "),
            evaluation.truths.get(n).map_or("", |(_, paired_by)| PairedBy::words(*paired_by)).into(),
            format!("{}/{}", counts.measured, counts.rings),
            format!("{}/{}", counts.lysed_measured, counts.lysed),
            format!("{}/{}", counts.no_rings_measured, counts.no_rings),
            format!("{} ({})", decided.false_flags, all.false_flags),
            format!("{} ({})", decided.missed_flags, all.missed_flags),
        ]);
    }
    format!(
        "Sections measured of those in the truth, and wrong 30/50 flags: where the truth is more than\n{DECIDED_POINTS} points from the other answer (in brackets: anywhere)\n{}",
        table(&lines, 3)
    )
}

fn errors(quantity: Quantity, cases: &[Case], rows: &[(&str, &Summary)]) -> String {
    let columns = [
        "case",
        "sections",
        "n",
        "bias",
        "SD",
        "MAE",
        "median",
        "95 % below",
        "largest",
        "limits of agreement",
        "intervals holding",
        "width",
    ];
    let mut lines = vec![header(&columns)];
    for (name, summary) in rows {
        let errors = summary.of(quantity);
        for (name, subset, of) in [(*name, "all", &errors.all), ("", "lysed", &errors.lysed)] {
            lines.push(
                [vec![name.into(), subset.into()], statistics(&of.stats), coverage(&of.interval).into()].concat(),
            );
        }
    }
    let title = quantity.title();
    let title = title[..1].to_uppercase() + &title[1..];
    let mut text = format!("{title}, errors in percentage points (measured minus true)\n{}", table(&lines, 2));
    if cases.len() > 1 {
        let means = &mean_of_cases(cases)[&quantity];
        let line = |means: &CaseMeans| {
            let [bias, sd, absolute, worst] =
                [means.bias, means.sd_of_bias, means.mean_absolute, means.worst_mean_absolute].map(number);
            let limits = limits(means.limits);
            format!("bias {bias}, SD between cases {sd}, MAE {absolute} (worst case {worst}), limits {limits}")
        };
        text += &format!("mean of {} cases, all: {}\n", means.all.cases, line(&means.all));
        text += &format!("mean of {} cases, lysed: {}\n", means.lysed.cases, line(&means.lysed));
    }
    text
}

fn statistics(stats: &ErrorStats) -> Vec<String> {
    let numbers = [stats.bias, stats.sd, stats.mean_absolute, stats.median, stats.p95_absolute, stats.largest_absolute];
    let mut cells = vec![stats.n.to_string()];
    cells.extend(numbers.map(number));
    cells.push(limits(stats.limits));
    cells
}

/// The other quantities, as far as the truths tell them.
fn others(pooled: &Summary) -> String {
    let columns =
        ["quantity", "sections", "n", "bias", "SD", "MAE", "median", "95 % below", "largest", "limits of agreement"];
    let mut lines = vec![header(&columns)];
    for quantity in &Quantity::ALL[2..] {
        let errors = pooled.of(*quantity);
        let name = format!("{}, {}", quantity.title(), quantity.unit());
        let both: [(&str, &str, &Subset); 2] = [(&name, "all", &errors.all), ("", "lysed", &errors.lysed)];
        for (name, subset, of) in both.into_iter().filter(|_| errors.all.stats.n > 0) {
            lines.push([vec![name.into(), subset.into()], statistics(&of.stats)].concat());
        }
    }
    if lines.len() == 1 { String::new() } else { format!("Other quantities, pooled\n{}", table(&lines, 2)) }
}

fn lesions(pooled: &Summary) -> String {
    let lesions = &pooled.lesions;
    if lesions.true_lesions + lesions.false_lesions == 0 {
        return String::new();
    }
    let mut text = format!(
        "Lesions: {} true, {} matched, {} missed, {} merged with another; {} false, {} split off\n",
        lesions.true_lesions, lesions.matched, lesions.missed, lesions.merged, lesions.false_lesions, lesions.split
    );
    if lesions.matched > 0 {
        let columns = ["extent", "n", "bias", "SD", "MAE", "median", "95 % below", "largest", "limits of agreement"];
        let rows = [
            ("along the bone, mm", &lesions.axial_extent_mm),
            ("along the bone, slices", &lesions.axial_extent_slices),
            ("height, mm", &lesions.height_mm),
            ("height, slices", &lesions.height_slices),
        ];
        let rows = rows.into_iter().map(|(name, stats)| [vec![name.into()], statistics(stats)].concat());
        text += &table(&[header(&columns)].into_iter().chain(rows).collect::<Vec<_>>(), 1);
        text += &format!(
            "Of {} matched lesions: through the wall right in {}, type right in {}\n",
            lesions.matched, lesions.through_the_wall_agrees, lesions.type_agrees
        );
    }
    text
}

fn notes(evaluation: &Evaluation, pooled: &Summary) -> String {
    let mut notes: Vec<String> = Vec::new();
    let reasons: Vec<String> =
        pooled.sections.not_measured.iter().map(|(reason, n)| format!("{n} because: {reason}")).collect();
    if !reasons.is_empty() {
        notes.push(format!("Ring sections not measured: {}", reasons.join("; ")));
    }
    for case in &evaluation.cases {
        for bone in &case.bones {
            match &bone.found_name {
                Some(found) if bone.misnamed => {
                    notes.push(format!("{}: {} is called {found}", case.name, bone.truth_name))
                }
                None => notes.push(format!("{}: {} was not found", case.name, bone.truth_name)),
                _ => {}
            }
            let open: Vec<String> = bone.no_rings_measured_at_mm().iter().map(|z| format!("{z:.1}")).collect();
            if !open.is_empty() {
                notes.push(format!("{}: measured although no ring, at z {} mm", case.name, shortened(open)));
            }
        }
        if !case.without_truth.is_empty() {
            notes.push(format!("{}: not in the truth: {}", case.name, case.without_truth.join(", ")));
        }
        if !case.has_true_depth() {
            notes.push(format!(
                "{}: counted at depth {}: at 0.30 its fixed-depth value is compared, without interval; flags and lesions are not",
                case.name, case.depth
            ));
        }
    }
    let wrong = wrong_flags(&evaluation.cases);
    if !wrong.is_empty() {
        notes.push(format!("Wrong flags: {}", shortened(wrong)));
    }
    if evaluation.cases.iter().map(|case| case.sections().count()).sum::<usize>() > 1 {
        notes.push(CLUSTER_NOTE.into());
    }
    let mut lines = Lines::default();
    for note in &notes {
        lines.paragraph(0, &format!("{}.", note.trim_end_matches('.')));
    }
    lines.text
}

/// The flags that contradict a truth that is more than [`DECIDED_POINTS`] from the other answer, in words.
pub fn wrong_flags(cases: &[Case]) -> Vec<String> {
    let sections = cases.iter().flat_map(|case| case.sections().map(move |section| (case, section)));
    let wrong =
        sections.filter(|(_, section)| section.flag.is_some_and(|flag| flag.decided && flag.truth != flag.found));
    wrong
        .map(|(case, section)| {
            let [axial, around] = section.truth;
            let kind = if section.measured { "measured" } else { "not measured" };
            let kind = if section.flag.is_some_and(|flag| flag.found) { "flagged" } else { kind };
            format!("{} at z {:.1} mm, true {axial:.1} / {around:.1} %, {kind}", case.name, section.z_mm)
        })
        .collect()
}

fn shortened(mut items: Vec<String>) -> String {
    let more = items.len().saturating_sub(EXAMPLES);
    items.truncate(EXAMPLES);
    items.join("; ") + &if more > 0 { format!("; {more} more") } else { String::new() }
}
