//! The words that the page and the terminal summary share, so that the two never disagree.

use super::model::*;
use crate::scores::rule_table::rule_named;

/// "Left femur", "Femur, side unknown", "Long bone, left".
pub(super) fn bone_title(bone: &BoneReport) -> String {
    let title = match (bone.side.as_str(), bone.bone.as_str()) {
        ("unknown", "unknown") => "long bone, name and side unknown".into(),
        ("unknown", name) => format!("{name}, side unknown"),
        (side, "unknown") => format!("{side} long bone, name unknown"),
        (side, name) => format!("{side} {name}"),
    };
    capitalised(&title)
}

/// The text with its first letter in upper case.
pub(super) fn capitalised(text: &str) -> String {
    // A symbol stays as it is: z is the axis, Z is nothing.
    if text.starts_with("z ") {
        return text.into();
    }
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Has the bone any numbers?
pub(super) fn is_measured(bone: &BoneReport) -> bool {
    bone.slices.iter().any(|slice| slice.measured)
}

/// The category as a headline. A recommendation is quoted, nothing is ordered.
pub(super) fn category_headline(category: Category) -> &'static str {
    match category {
        Category::ConsolidationCandidate => "Consolidation surgery first, to be discussed",
        Category::FixationByMirels => "Prophylactic fixation, by Mirels’ score alone",
        Category::Multidisciplinary => "Multidisciplinary decision",
        Category::ObservationOrRadiotherapy => "Observation or radiotherapy",
        Category::DependsOnPain => "Depends on the patient’s pain",
        Category::NoLesion => "No lesion found",
    }
}

/// The category as in `report.json`.
pub(super) fn category_code(category: Category) -> &'static str {
    match category {
        Category::ConsolidationCandidate => "consolidation-candidate",
        Category::FixationByMirels => "fixation-by-mirels",
        Category::Multidisciplinary => "multidisciplinary",
        Category::ObservationOrRadiotherapy => "observation-or-radiotherapy",
        Category::DependsOnPain => "depends-on-pain",
        Category::NoLesion => "no-lesion",
    }
}

/// The verdict in words.
pub(super) fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Met => "met",
        Verdict::NotMet => "not met",
        Verdict::Indeterminate => "indeterminate",
        Verdict::NotEvaluated => "not evaluated",
    }
}

/// A rule's name as a reader knows it; as it stands where it is none of this program's rules.
pub(super) fn rule_title(name: &str) -> &str {
    rule_named(name).map_or(name, |rule| rule.title)
}

/// An identifier as words: `max_axial_lysis` becomes "max axial lysis".
pub(super) fn plain(identifier: &str) -> String {
    identifier.replace(['_', '-'], " ")
}

/// A number with `decimals` decimals and a true minus sign; a dash where nothing was measured.
pub(super) fn number(value: Option<f64>, decimals: usize) -> String {
    match value.filter(|value| value.is_finite()) {
        Some(value) => format!("{:.decimals$}", super::round::to_decimals(value, decimals as i32)).replace('-', "−"),
        None => "–".into(),
    }
}

/// "33.1 to 39.9".
pub(super) fn interval(ci95: Option<[f64; 2]>, decimals: usize) -> String {
    ci95.map_or_else(
        || "–".into(),
        |[low, high]| format!("{} to {}", number(Some(low), decimals), number(Some(high), decimals)),
    )
}

/// A stretch of neighbouring slices of one bone.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    /// Lowest and highest patient z.
    pub z_range_mm: [f64; 2],
    /// Lowest and highest instance number, where the images have them.
    pub instances: Option<[i64; 2]>,
    /// Number of slices.
    pub count: usize,
}

impl Run {
    /// "instances 41–47 (z −390.0 to −371.0 mm)".
    pub fn text(&self) -> String {
        let [low, high] = self.z_range_mm.map(|z| number(Some(z), 1));
        let z = if self.count == 1 { format!("z {low}\u{a0}mm") } else { format!("z {low} to {high}\u{a0}mm") };
        match self.instances {
            Some([first, last]) if first == last => format!("instance {first} ({z})"),
            Some([first, last]) => format!("instances {first}–{last} ({z})"),
            None => z,
        }
    }
}

/// Groups neighbouring slices to which `key` gives the same value; slices with `None` are left out.
pub(super) fn runs<K: PartialEq>(slices: &[SliceReport], key: impl Fn(&SliceReport) -> Option<K>) -> Vec<(K, Run)> {
    let mut found: Vec<(K, Run)> = Vec::new();
    let mut open = false;
    for slice in slices {
        let Some(value) = key(slice) else {
            open = false;
            continue;
        };
        let instance = slice.instance_number;
        match found.last_mut() {
            Some((same, run)) if open && *same == value => {
                run.z_range_mm[1] = slice.z_mm;
                run.count += 1;
                // Instance numbers may fall with z; the smaller one is always printed first.
                run.instances = match (run.instances, instance) {
                    (Some([low, high]), Some(n)) => Some([low.min(n), high.max(n)]),
                    (known, n) => known.or(n.map(|n| [n, n])),
                };
            }
            _ => {
                let run = Run { z_range_mm: [slice.z_mm; 2], instances: instance.map(|n| [n, n]), count: 1 };
                found.push((value, run));
            }
        }
        open = true;
    }
    found
}

/// The slices in which the flag of the guideline stands.
pub(super) fn flagged_runs(bone: &BoneReport) -> Vec<Run> {
    runs(&bone.slices, |slice| slice.flagged.then_some(())).into_iter().map(|(_, run)| run).collect()
}

/// What was not measured, with the reason.
pub(super) fn not_measured_runs(bone: &BoneReport) -> Vec<(String, Run)> {
    runs(&bone.slices, |slice| {
        (!slice.measured).then(|| slice.not_measured_because.clone().unwrap_or_else(|| "unknown".into()))
    })
}

/// The slice with the largest value of `percent`; of equals the one nearest the feet.
pub(super) fn worst_by(bone: &BoneReport, percent: impl Fn(&SliceReport) -> Option<f64>) -> Option<&SliceReport> {
    let mut worst: Option<(&SliceReport, f64)> = None;
    for slice in &bone.slices {
        if let Some(value) = percent(slice).filter(|value| value.is_finite())
            && worst.is_none_or(|(_, largest)| value > largest)
        {
            worst = Some((slice, value));
        }
    }
    worst.map(|(slice, _)| slice)
}

/// The slice to look at first: the one that decides the guideline's rule, so that no two slices are named; without the
/// rule, where the two percentages come nearest to (or farthest beyond) 30 and 50 together.
pub(super) fn worst_slice(bone: &BoneReport) -> Option<&SliceReport> {
    let z = bone.rules.iter().find_map(|rule| rule.values.get("deciding_slice_z_mm")?.value);
    if let Some(slice) =
        z.and_then(|z| bone.slices.iter().find(|slice| slice.measured && (slice.z_mm - z).abs() < 0.02))
    {
        return Some(slice);
    }
    worst_by(bone, |slice| Some((slice.axial_lysis_percent? / 30.0).min(slice.circumferential_lysis_percent? / 50.0)))
        .filter(|slice| slice.circumferential_lysis_percent > Some(0.0))
        .or_else(|| worst_by(bone, |slice| slice.axial_lysis_percent))
}

/// "instance 57, z −390.0 mm", or only z where the image has no number.
pub(super) fn slice_name(slice: &SliceReport) -> String {
    let z = number(Some(slice.z_mm), 1);
    slice.instance_number.map_or_else(|| format!("z {z}\u{a0}mm"), |n| format!("instance {n}, z {z}\u{a0}mm"))
}

/// "1 lesion", "2 lesions".
pub(super) fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// Mirels in a few words: "9", "7 to 9 (pain not given)".
pub(super) fn mirels_total(mirels: &MirelsReport) -> String {
    match (mirels.total, mirels.range) {
        (Some(total), _) => total.to_string(),
        (None, [low, high]) if mirels.pain.is_none() => format!("{low} to {high} (pain not given)"),
        (None, [low, high]) => format!("{low} to {high}"),
    }
}

/// The levels of pain with their outcomes, from mild to functional.
pub(super) fn pain_levels(by_pain: &ByPain) -> [(&'static str, &PainOutcome); 3] {
    [("mild", &by_pain.mild), ("moderate", &by_pain.moderate), ("functional", &by_pain.functional)]
}

/// The categories whose sentences are to be quoted, each once, in the order of the bones and of pain.
pub(super) fn quoted_categories<'a>(advice: impl IntoIterator<Item = &'a RecommendationReport>) -> Vec<Category> {
    let mut found = Vec::new();
    for advice in advice {
        let by_pain = advice.by_pain.iter().flat_map(pain_levels).map(|(_, outcome)| outcome.category);
        for category in std::iter::once(advice.category).chain(by_pain) {
            if category.quote().is_some() && !found.contains(&category) {
                found.push(category);
            }
        }
    }
    found
}

/// What the intact cortex is, in a few words.
pub(super) fn reference_words(kind: &str) -> String {
    match kind {
        "ipsilateral" => "the same bone above and below (ipsilateral)".into(),
        "contralateral" => "the same bone of the other side, mirrored (contralateral)".into(),
        other => other.into(),
    }
}

/// Every reason for which slices were not measured, with its runs, in order of first appearance.
pub(super) fn not_measured_by_reason(bone: &BoneReport) -> Vec<(String, Vec<Run>)> {
    let mut grouped: Vec<(String, Vec<Run>)> = Vec::new();
    for (reason, run) in not_measured_runs(bone) {
        match grouped.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, runs)) => runs.push(run),
            None => grouped.push((reason, vec![run])),
        }
    }
    grouped
}

/// "instances 22–29, 88–92" or, where the images have no numbers, the z ranges; at most three runs are named.
pub(super) fn short_runs(runs: &[Run]) -> String {
    const NAMED: usize = 3;
    let numbers: Option<Vec<String>> = runs
        .iter()
        .map(|run| run.instances.map(|[low, high]| if low == high { low.to_string() } else { format!("{low}–{high}") }))
        .collect();
    let one = runs.iter().map(|run| run.count).sum::<usize>() == 1;
    let word = if one { "instance" } else { "instances" };
    let named = |texts: &[String]| texts[..texts.len().min(NAMED)].join(", ");
    let text = match numbers {
        Some(numbers) => format!("{word} {}", named(&numbers)),
        None => named(&runs.iter().map(Run::text).collect::<Vec<_>>()),
    };
    if runs.len() > NAMED { format!("{text} and {} more", runs.len() - NAMED) } else { text }
}

/// The largest value of any slice, and the highest upper end of any interval: what a bone without lesion may still hide.
pub(super) fn largest(
    bone: &BoneReport,
    percent: impl Fn(&SliceReport) -> Option<f64>,
    ci95: impl Fn(&SliceReport) -> Option<[f64; 2]>,
) -> (Option<f64>, Option<f64>) {
    let top = |values: &mut dyn Iterator<Item = f64>| values.reduce(f64::max);
    (
        top(&mut bone.slices.iter().filter_map(percent)),
        top(&mut bone.slices.iter().filter_map(ci95).map(|[_, high]| high)),
    )
}

/// That there is no lesion, and where it was looked for.
pub(super) fn no_lesion(bone: &BoneReport) -> String {
    match &bone.restricted_to {
        None => "No lesion was found in the measured slices.".to_owned(),
        Some(regions) => format!("No lesion was found at {}; lesions elsewhere are not counted.", regions.join(", ")),
    }
}

/// The name of a lesion's region in brackets behind its number; nothing where it has none.
pub(super) fn region_of(lesion: &LesionReport) -> String {
    lesion.region.as_ref().map_or_else(String::new, |name| format!(" ({name})"))
}
