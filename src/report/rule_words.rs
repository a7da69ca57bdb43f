//! The quantities behind a rule as a reader wants them: short names, one line a fact, in reading order.

use super::model::*;
use super::words;
use crate::language::Language;

/// One quantity of a rule, ready to print.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Quantity {
    language: Language,
    /// "axial", "slices met", "total".
    pub name: String,
    /// "60.4 %", "9 of 84, 3 indeterminate", "8 to 10"; `None` where not measured.
    pub value: Option<String>,
    /// "58.3 to 62.5".
    pub ci95: Option<String>,
    /// "> 30 %".
    pub threshold: Option<String>,
    /// A yes or a no, which its name alone tells.
    answer: Option<bool>,
    /// It describes the one slice that decides the rule, which is named apart from the rules.
    of_deciding_slice: bool,
}

impl Quantity {
    /// "axial 60.4 %"; `None` where not measured.
    fn text(&self) -> Option<String> {
        let value = self.value.as_deref()?;
        match self.answer {
            Some(true) => Some(self.name.clone()),
            Some(false) => Some(format!("{} {}", self.language.pick("not", "non"), self.name)),
            None => Some(format!("{} {value}", self.name)),
        }
    }

    /// "axial 60.4 % (58.3 to 62.5), threshold > 30 %"; `None` where not measured.
    pub fn whole_text(&self) -> Option<String> {
        let threshold = self
            .threshold
            .as_ref()
            .map_or_else(String::new, |t| format!(", {} {t}", self.language.pick("threshold", "seuil")));
        Some(self.text_with_interval()? + &threshold)
    }

    /// "axial 60.4 % (58.3 to 62.5)"; `None` where not measured.
    fn text_with_interval(&self) -> Option<String> {
        let interval = self.ci95.as_ref().map_or_else(String::new, |ci95| format!(" ({ci95})"));
        Some(self.text()? + &interval)
    }
}

/// Facts that several values of the report make together, told as one.
const PARTS: [&str; 4] = ["slices_evaluated", "slices_indeterminate", "lowest_total", "highest_total"];

/// What a line about the rule says beside its verdict. The deciding slice's own numbers are left out: they stand above
/// all rules. An interval is told where it is the reason for the verdict.
pub(super) fn details(language: Language, bone: &BoneReport, rule: &RuleReport) -> Vec<String> {
    let text = if rule.met == Verdict::Indeterminate { Quantity::text_with_interval } else { Quantity::text };
    quantities(language, bone, rule).iter().filter(|quantity| !quantity.of_deciding_slice).filter_map(text).collect()
}

/// The quantities of a rule of `bone`, the measurements first, the counts last.
pub(super) fn quantities(language: Language, bone: &BoneReport, rule: &RuleReport) -> Vec<Quantity> {
    let mut found: Vec<(&String, &RuleValue)> =
        rule.values.iter().filter(|(name, _)| !PARTS.contains(&name.as_str())).collect();
    found.sort_by_key(|(name, _)| (name.starts_with("slices"), name.ends_with("_z_mm")));
    let mut quantities: Vec<Quantity> =
        found.into_iter().map(|(name, value)| quantity(language, rule, name, value)).collect();
    // A breach has no number of its own, but alone it may decide the rule.
    if rule.name == "tatar-planning-ct" && words::standing(bone).next().is_some() {
        let through = words::standing(bone).any(|lesion| lesion.through_the_wall);
        quantities.push(Quantity {
            language,
            name: language.pick("through the wall", "toute l’épaisseur").into(),
            value: Some(yes_or_no(language, through).into()),
            ci95: None,
            threshold: None,
            answer: Some(through),
            of_deciding_slice: false,
        });
    }
    quantities
}

/// "yes" or "no".
pub(super) fn yes_or_no(language: Language, answer: bool) -> &'static str {
    if answer { language.pick("yes", "oui") } else { language.pick("no", "non") }
}

/// The name of a quantity, its prefix and unit taken off.
fn name_of(language: Language, short: &str) -> String {
    let french = match short {
        "z" => return language.pick("z of that slice", "z de cette coupe").into(),
        "axial" => "plan axial",
        "circumferential" => "circonférence",
        "slices_met" => "coupes remplissant le critère",
        "total" => "total",
        "axial_extent" => "longueur le long de l’os",
        "height" => "hauteur",
        "axial_rigidity_reduction" => "perte de rigidité axiale",
        "bending_rigidity_reduction" => "perte de rigidité en flexion",
        "torsional_rigidity_reduction" => "perte de rigidité en torsion",
        "weakest_section_z" => "z de la section la plus faible",
        // A name of another version.
        other => return words::plain(other),
    };
    language.pick(words::plain(short), french.into())
}

fn quantity(language: Language, rule: &RuleReport, name: &str, value: &RuleValue) -> Quantity {
    let of_deciding_slice = name.starts_with("deciding_slice_");
    let short = name.trim_start_matches("deciding_slice_").trim_end_matches("_percent").trim_end_matches("_mm");
    let with_unit = |text: String| match value.unit.as_str() {
        // A score's points are told by its name.
        "" | "points" => text,
        unit => format!("{text}\u{a0}{unit}"),
    };
    let number = |value: f64| words::number(language, Some(value), decimals(short));
    let indeterminate =
        |n: &str| language.pick("indeterminate", if n == "1" { "indéterminée" } else { "indéterminées" });
    let part = |name: &str| rule.values.get(name).and_then(|value| value.value).map(|value| format!("{value:.0}"));
    let text = match short {
        "slices_met" => value.value.map(|met| {
            let of = part("slices_evaluated")
                .map_or_else(String::new, |all| format!(" {} {all}", language.pick("of", "sur")));
            let open = part("slices_indeterminate").filter(|open| open != "0");
            format!("{}{of}{}", number(met), open.map_or_else(String::new, |n| format!(", {n} {}", indeterminate(&n))))
        }),
        "total" => value.value.map(number).or_else(|| {
            Some(format!("{} {} {}", part("lowest_total")?, language.pick("to", "à"), part("highest_total")?))
        }),
        _ => value.value.filter(|v| v.is_finite()).map(number).map(with_unit),
    };
    Quantity {
        language,
        name: name_of(language, short),
        value: text,
        ci95: value.ci95.map(|ci95| words::interval(language, Some(ci95), decimals(short))),
        threshold: value.threshold.map(|t| with_unit(format!("{} {t}", comparison_sign(value)))),
        answer: None,
        of_deciding_slice,
    }
}

fn decimals(short: &str) -> usize {
    if short.starts_with("slices") || short.ends_with("total") { 0 } else { 1 }
}

/// The comparison as printed in mathematics.
fn comparison_sign(value: &RuleValue) -> &str {
    match value.comparison.as_deref() {
        Some(">=") => "≥",
        Some("<=") => "≤",
        Some(other) => other,
        None => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Sentence;

    fn rule(values: &[(&str, Option<f64>, &str)]) -> RuleReport {
        let value = |value: Option<f64>, unit: &str| RuleValue { value, unit: unit.into(), ..RuleValue::default() };
        RuleReport {
            name: "mirels".into(),
            met: Verdict::Indeterminate,
            criterion: Sentence::english_only(""),
            values: values.iter().map(|(name, v, unit)| (name.to_string(), value(*v, unit))).collect(),
            source: Sentence::english_only(""),
            notes: vec![],
        }
    }

    fn texts(rule: &RuleReport) -> Vec<Option<String>> {
        let bone = &crate::report::fixture::bone().report().bones[0];
        quantities(Language::En, bone, rule).iter().map(|q| q.text().map(|text| text.replace('\u{a0}', " "))).collect()
    }

    #[test]
    fn units_stand_once_and_counts_are_whole() {
        let rule = rule(&[
            ("deciding_slice_axial_percent", Some(60.44), "%"),
            ("deciding_slice_z_mm", Some(746.92), "mm"),
            ("slices_evaluated", Some(84.0), ""),
            ("slices_indeterminate", Some(3.0), ""),
            ("slices_met", Some(9.0), ""),
        ]);
        let expected = ["axial 60.4 %", "z of that slice 746.9 mm", "slices met 9 of 84, 3 indeterminate"];
        assert_eq!(texts(&rule), expected.map(|text| Some(text.to_owned())));
    }

    #[test]
    fn an_open_total_is_a_range_and_a_known_one_a_number() {
        let range = [("lowest_total", Some(8.0), "points"), ("highest_total", Some(10.0), "points")];
        let total = |value| rule(&[range[0], range[1], ("total", value, "points")]);
        assert_eq!(texts(&total(None)), [Some("total 8 to 10".to_owned())]);
        assert_eq!(texts(&total(Some(9.0))), [Some("total 9".to_owned())]);
    }

    #[test]
    fn a_breach_is_named_because_it_may_decide_alone() {
        let tatar = RuleReport { name: "tatar-planning-ct".into(), ..rule(&[("height_mm", Some(29.8), "mm")]) };
        assert_eq!(texts(&tatar), ["height 29.8 mm", "through the wall"].map(|text| Some(text.to_owned())));
    }

    #[test]
    fn what_was_not_measured_is_not_printed_as_a_number() {
        assert_eq!(texts(&rule(&[("height_mm", None, "mm")])), [None]);
    }
}
