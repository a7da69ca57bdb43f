//! The words that the page and the terminal summary share, so that the two never disagree.

use super::model::*;
use crate::language::{Language, Sentence, Text};
use crate::scores::mirels::{LesionType, Level, Pain, Site, Size};
use crate::scores::rule_table::rule_named;
use std::borrow::Cow;

/// "Left femur", "Femur, side unknown", "Long bone, left".
pub(super) fn bone_title(language: Language, bone: &BoneReport) -> String {
    let title = match (bone.side.as_str(), bone.bone.as_str()) {
        ("unknown", "unknown") => {
            language.pick("long bone, name and side unknown", "os long, nom et côté inconnus").to_owned()
        }
        ("unknown", name) => {
            let name = bone_word(language, name);
            language.pick(format!("{name}, side unknown"), format!("{name}, côté inconnu"))
        }
        (side, "unknown") => language.pick(
            format!("{side} long bone, name unknown"),
            format!("os long {}, nom inconnu", side_word(Language::Fr, side, "")),
        ),
        (side, name) => language.pick(
            format!("{side} {name}"),
            format!("{} {}", bone_word(Language::Fr, name), side_word(Language::Fr, side, name)),
        ),
    };
    capitalised(&title)
}

/// The bone's name in a language.
pub(super) fn bone_word(language: Language, name: &str) -> &str {
    let french = match name {
        "femur" => "fémur",
        "humerus" => "humérus",
        "unknown" => "os long",
        // Tibia, fibula, radius and ulna.
        same => same,
    };
    language.pick(name, french)
}

/// The side in a language, of the gender of `bone`.
fn side_word<'a>(language: Language, side: &'a str, bone: &str) -> &'a str {
    let french = match (side, bone) {
        ("left", _) => "gauche",
        ("right", "fibula" | "ulna") => "droite",
        ("right", _) => "droit",
        (other, _) => other,
    };
    language.pick(side, french)
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
pub(super) fn category_headline(language: Language, category: Category) -> &'static str {
    let text = match category {
        Category::ConsolidationCandidate => {
            Text::new("Consolidation surgery first, to be discussed", "Chirurgie de consolidation première, à discuter")
        }
        Category::FixationByMirels => Text::new(
            "Prophylactic fixation, by Mirels’ score alone",
            "Fixation prophylactique, selon le seul score de Mirels",
        ),
        Category::Multidisciplinary => Text::new("Multidisciplinary decision", "Décision de RCP"),
        Category::ObservationOrRadiotherapy => Text::new("Observation or radiotherapy", "Observation ou radiothérapie"),
        Category::DependsOnPain => Text::new("Depends on the patient’s pain", "Dépend de la douleur du patient"),
        Category::NoLesion => Text::new("No lesion found", "Aucune lésion trouvée"),
    };
    language.pick(text.english, text.french)
}

/// What the recommendation says of a bone as a headline; `None` where nothing was measured.
pub(super) fn headline(language: Language, bone: &BoneReport) -> Option<&'static str> {
    let category = bone.recommendation.as_ref()?.category;
    Some(match category {
        Category::NoLesion if !bone.lesions.is_empty() => {
            language.pick("No lesion left after review", "Aucune lésion retenue après relecture")
        }
        category => category_headline(language, category),
    })
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
pub(super) fn verdict_word(language: Language, verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Met => language.pick("met", "rempli"),
        Verdict::NotMet => language.pick("not met", "non rempli"),
        Verdict::Indeterminate => language.pick("indeterminate", "indéterminé"),
        Verdict::NotEvaluated => language.pick("not evaluated", "non évalué"),
    }
}

/// A rule's name as a reader knows it; as it stands where it is none of this program's rules.
pub(super) fn rule_title(language: Language, name: &str) -> &str {
    rule_named(name).map_or(name, |rule| language.pick(rule.title.english, rule.title.french))
}

/// The level of an item of Mirels' score, as `report.json` spells it, in words.
pub(super) fn level_word(language: Language, word: &str) -> Cow<'static, str> {
    fn text<T: Level>(words: &[(&str, T)], word: &str) -> Option<Text> {
        words.iter().find(|(known, _)| *known == word).map(|(_, level)| level.text())
    }
    text(Site::WORDS, word)
        .or_else(|| text(Size::WORDS, word))
        .or_else(|| text(LesionType::WORDS, word))
        .or_else(|| text(Pain::WORDS, word))
        .map_or_else(|| plain(word).into(), |text| text.of(language))
}

/// The region of a bone, as `report.json` spells it, in words.
pub(super) fn place_word(language: Language, place: &str) -> Cow<'static, str> {
    let french = match place {
        "head-or-neck" => "tête ou col",
        "intertrochanteric" => "intertrochantérienne",
        "subtrochanteric" => "sous-trochantérienne",
        "proximal-metaphysis" => "métaphyse proximale",
        "proximal-shaft" => "diaphyse proximale",
        "middle-shaft" => "diaphyse moyenne",
        "distal-shaft" => "diaphyse distale",
        "distal-metaphysis" => "métaphyse distale",
        "shaft" => "diaphyse",
        other => return plain(other).into(),
    };
    language.say(plain(place), french)
}

/// An identifier as words: `max_axial_lysis` becomes "max axial lysis".
pub(super) fn plain(identifier: &str) -> String {
    identifier.replace(['_', '-'], " ")
}

/// A number with `decimals` decimals and a true minus sign, a decimal comma in French; a dash where nothing was measured.
pub(super) fn number(language: Language, value: Option<f64>, decimals: usize) -> String {
    match value.filter(|value| value.is_finite()) {
        Some(value) => {
            let text = format!("{:.decimals$}", super::round::to_decimals(value, decimals as i32)).replace('-', "−");
            language.decimal(text)
        }
        None => "–".into(),
    }
}

/// "33.1 to 39.9".
pub(super) fn interval(language: Language, ci95: Option<[f64; 2]>, decimals: usize) -> String {
    ci95.map_or_else(|| "–".into(), |range| range_text(language, range, decimals))
}

/// A whole number, and never "-0".
pub(super) fn whole(value: f64) -> String {
    format!("{:.0}", value.round_ties_even() + 0.0)
}

/// "36.5 % (33.1 to 39.9)".
pub(super) fn percent_with_ci(language: Language, value: Option<f64>, ci95: Option<[f64; 2]>) -> String {
    format!("{}\u{a0}% ({})", number(language, value, 1), interval(language, ci95, 1))
}

/// "33.1 to 39.9", or "33,1 à 39,9".
pub(super) fn range_text(language: Language, range: [f64; 2], decimals: usize) -> String {
    let [low, high] = range.map(|end| number(language, Some(end), decimals));
    format!("{low} {} {high}", language.pick("to", "à"))
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
    /// "z −390.0 to −371.0 mm".
    pub fn z_text(&self, language: Language) -> String {
        let z = match self.count {
            1 => number(language, Some(self.z_range_mm[0]), 1),
            _ => range_text(language, self.z_range_mm, 1),
        };
        format!("z {z}\u{a0}mm")
    }

    /// "instances 41–47 (z −390.0 to −371.0 mm)".
    pub fn text(&self, language: Language) -> String {
        let z = self.z_text(language);
        // The same word in both languages.
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
    runs(&bone.slices, |slice| slice.flag_stands().then_some(())).into_iter().map(|(_, run)| run).collect()
}

/// The slices whose flag a reviewer rejected.
pub(super) fn rejected_runs(bone: &BoneReport) -> Vec<Run> {
    let rejected = runs(&bone.slices, |slice| (slice.flagged && slice.is_rejected()).then_some(()));
    rejected.into_iter().map(|(_, run)| run).collect()
}

/// The lesions that count: all but those that a reviewer rejected.
pub(super) fn standing(bone: &BoneReport) -> impl Iterator<Item = &LesionReport> {
    bone.lesions.iter().filter(|lesion| !lesion.is_rejected())
}

/// "rejected by the reviewer (a vessel)", "confirmed by the reviewer"; `None` where nothing was said.
pub(super) fn remark(language: Language, remark: Option<&RemarkReport>) -> Option<String> {
    let remark = remark?;
    let decision = match remark.decision {
        Some(Decision::Accepted) => language.pick("confirmed by the reviewer", "confirmée par le relecteur"),
        Some(Decision::Rejected) => language.pick("rejected by the reviewer", "rejetée par le relecteur"),
        None if remark.comment.is_empty() => return None,
        None => language.pick("reviewer’s comment", "commentaire du relecteur"),
    };
    Some(if remark.comment.is_empty() { decision.into() } else { format!("{decision} ({})", remark.comment) })
}

/// "Reviewed by Dr X on 2026-11-24." `None` without a review.
pub(super) fn reviewed_by(language: Language, report: &Report) -> Option<String> {
    let review = report.review.as_ref()?;
    let by = match review.reviewer.trim() {
        "" => String::new(),
        name => language.pick(format!(" by {name}"), format!(" par {name}")),
    };
    let day = review.date.split('T').next().unwrap_or_default();
    let on = if day.is_empty() { String::new() } else { language.pick(format!(" on {day}"), format!(" le {day}")) };
    Some(language.pick(format!("Reviewed{by}{on}."), format!("Relu{by}{on}.")))
}

/// What was not measured, with the reason.
pub(super) fn not_measured_runs(bone: &BoneReport) -> Vec<(Sentence, Run)> {
    let unknown = || Sentence::new("unknown", "inconnue");
    runs(&bone.slices, |slice| (!slice.measured).then(|| slice.not_measured_because.clone().unwrap_or_else(unknown)))
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
pub(super) fn slice_name(language: Language, slice: &SliceReport) -> String {
    let z = number(language, Some(slice.z_mm), 1);
    slice.instance_number.map_or_else(|| format!("z {z}\u{a0}mm"), |n| format!("instance {n}, z {z}\u{a0}mm"))
}

/// "1 lesion", "2 lesions"; in French 0 is singular.
pub(super) fn count(language: Language, n: usize, one: Text, many: Text) -> String {
    let single = n == 1 || (n == 0 && language == Language::Fr);
    format!("{n} {}", if single { one } else { many }.of(language))
}

/// "12 slices".
pub(super) fn slices(language: Language, n: usize) -> String {
    count(language, n, Text::new("slice", "coupe"), Text::new("slices", "coupes"))
}

/// Mirels in a few words: "9", "7 to 9 (pain not given)".
pub(super) fn mirels_total(language: Language, mirels: &MirelsReport) -> String {
    let range = |[low, high]: [u8; 2]| format!("{low} {} {high}", language.pick("to", "à"));
    match (mirels.total, mirels.range) {
        (Some(total), _) => total.to_string(),
        (None, both) if mirels.pain.is_none() => {
            format!("{} ({})", range(both), language.pick("pain not given", "douleur non donnée"))
        }
        (None, both) => range(both),
    }
}

/// The levels of pain with their outcomes, from mild to functional.
pub(super) fn pain_levels(by_pain: &ByPain) -> [(Pain, &PainOutcome); 3] {
    [(Pain::Mild, &by_pain.mild), (Pain::Moderate, &by_pain.moderate), (Pain::Functional, &by_pain.functional)]
}

/// "mild pain", "douleur légère".
pub(super) fn pain_words(language: Language, pain: Pain) -> String {
    let Text { english, french } = pain.text();
    language.pick(format!("{english} pain"), format!("douleur {french}"))
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
pub(super) fn reference_words(language: Language, kind: &str) -> &str {
    match kind {
        "ipsilateral" => language
            .pick("the same bone above and below (ipsilateral)", "le même os au-dessus et au-dessous (ipsilatéral)"),
        "contralateral" => language.pick(
            "the same bone of the other side, mirrored (contralateral)",
            "le même os du côté opposé, en miroir (controlatéral)",
        ),
        other => other,
    }
}

/// Every reason for which slices were not measured, with its runs, in order of first appearance.
pub(super) fn not_measured_by_reason(bone: &BoneReport) -> Vec<(Sentence, Vec<Run>)> {
    let mut grouped: Vec<(Sentence, Vec<Run>)> = Vec::new();
    for (reason, run) in not_measured_runs(bone) {
        match grouped.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, runs)) => runs.push(run),
            None => grouped.push((reason, vec![run])),
        }
    }
    grouped
}

/// "instances 22–29, 88–92" or, where the images have no numbers, the z ranges; at most three runs are named.
pub(super) fn short_runs(language: Language, runs: &[Run]) -> String {
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
        None => named(&runs.iter().map(|run| run.text(language)).collect::<Vec<_>>()),
    };
    match runs.len().checked_sub(NAMED).filter(|more| *more > 0) {
        Some(more) => language.pick(format!("{text} and {more} more"), format!("{text} et {more} de plus")),
        None => text,
    }
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
pub(super) fn no_lesion(language: Language, bone: &BoneReport) -> String {
    if !bone.lesions.is_empty() {
        return language
            .pick(
                "Every lesion that was found was rejected by the reviewer; none is counted.",
                "Toutes les lésions trouvées ont été rejetées par le relecteur ; aucune n’est comptée.",
            )
            .into();
    }
    match &bone.restricted_to {
        None => language
            .pick(
                "No lesion was found in the measured slices.",
                "Aucune lésion n’a été trouvée dans les coupes mesurées.",
            )
            .to_owned(),
        Some(regions) => {
            let regions = regions.join(", ");
            let text = language.say(
                format!("No lesion was found at {regions}; lesions elsewhere are not counted."),
                format!("Aucune lésion n’a été trouvée à {regions} ; les lésions ailleurs ne sont pas comptées."),
            );
            text.into_owned()
        }
    }
}

/// The name of a lesion's region in brackets behind its number; nothing where it has none.
pub(super) fn region_of(lesion: &LesionReport) -> String {
    lesion.region.as_ref().map_or_else(String::new, |name| format!(" ({name})"))
}
