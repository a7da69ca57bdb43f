//! `corticalysis rules`: what each published rule is and what it is worth and, given numbers, its answer.

use std::io::Write;
use std::str::FromStr;

use clap::Args;
use serde::Serialize;

use super::mirels::MirelsItems;
use super::shell::Listed;
use crate::estimate::Estimate;
use crate::language::{Language, Text};
use crate::report::Lines;
use crate::scores::DISCLAIMER;
use crate::scores::mirels::Site;
use crate::scores::recommendation::{Category, category_of_range, range_in_words, with_lesion};
use crate::scores::rigidity::{SectionLoss, rigidity};
use crate::scores::rule_table::{Rule, RuleName};
use crate::scores::rules::{self, LesionExtent, RuleResult, RuleValue, SliceLoss};
use crate::scores::verdict::Verdict;
use crate::words::{BadValue, parse_number, parse_word, parse_word_or};

pub(super) const HELP: &str = "\
Examples:
  corticalysis rules                                           (every rule)
  corticalysis rules van-der-linden                            (one rule)
  corticalysis rules --axial 36 --circumferential 55 --mirels 9
  corticalysis rules --axial-extent 28-34 --height 41 --through-the-wall no
  corticalysis rules --circumferential 55 --site lower-limb --size 0.5 --type lytic

Given numbers, the rules are answered that these decide, as 'analyze' answers them from the images. A range, as 28-34, is a
95 % interval: a threshold inside it makes a rule indeterminate, and so does a number that is not given but could decide.

Units: percent of the cortex or circumference of one axial slice, 0 to 100; millimetres along the bone.

Exit status:
  0  explained, or answered
  2  the command line is wrong";

/// Longest extent along a bone that is believed, mm: no human bone is longer.
const MAX_EXTENT_MM: f64 = 1000.0;

/// A share of 0 to 100, or the interval it lies in.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Percent(Estimate);

/// A length along the bone, or the interval it lies in, mm.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Millimetres(Estimate);

/// A Mirels total, or the lowest and highest possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Total([u8; 2]);

impl FromStr for Percent {
    type Err = BadValue;

    fn from_str(given: &str) -> Result<Self, BadValue> {
        let accepted = "0 to 100, or an interval as 28-34";
        estimate(given, "%", 100.0).map(Self).ok_or_else(|| refused("a percentage", given, accepted))
    }
}

impl FromStr for Millimetres {
    type Err = BadValue;

    fn from_str(given: &str) -> Result<Self, BadValue> {
        let accepted = "millimetres from 0 to 1000, or an interval as 28-34";
        estimate(given, "mm", MAX_EXTENT_MM).map(Self).ok_or_else(|| refused("an extent", given, accepted))
    }
}

impl FromStr for Total {
    type Err = BadValue;

    fn from_str(given: &str) -> Result<Self, BadValue> {
        let whole = |text: &str| text.trim().parse().ok().filter(|total| (4..=12).contains(total));
        let range = match parts(given) {
            (one, None) => whole(one).map(|total| [total; 2]),
            (low, Some(high)) => whole(low).zip(whole(high)).map(|(low, high)| [low, high]),
        };
        range.filter(|[low, high]| low <= high).map(Self).ok_or_else(|| {
            refused("a Mirels total", given, "a whole number from 4 to 12, or the lowest and highest possible as 8-10")
        })
    }
}

/// "28" or "28-34", with or without the unit, from 0 to `most`.
fn estimate(given: &str, unit: &str, most: f64) -> Option<Estimate> {
    let text = given.trim();
    let text = text.strip_suffix(unit).unwrap_or(text);
    let number = |text: &str| parse_number(text).filter(|number| (0.0..=most).contains(number));
    match parts(text) {
        (one, None) => number(one).map(Estimate::exact),
        (low, Some(high)) => {
            let (low, high) = number(low).zip(number(high))?;
            (low <= high).then(|| Estimate { value: f64::midpoint(low, high), low, high })
        }
    }
}

/// Both ends of an interval; a dash in front is a sign.
fn parts(text: &str) -> (&str, Option<&str>) {
    let dash = text.char_indices().skip(1).find(|(_, letter)| ['-', '–'].contains(letter));
    match dash {
        Some((at, dash)) => (&text[..at], Some(&text[at + dash.len_utf8()..])),
        None => (text, None),
    }
}

fn refused(what: &'static str, given: &str, accepted: &str) -> BadValue {
    BadValue { what, given: given.to_owned(), accepted: accepted.to_owned(), nearest: None }
}

fn rule_name(given: &str) -> Result<RuleName, BadValue> {
    parse_word("a rule", given, RuleName::WORDS)
}

fn yes_or_no(given: &str) -> Result<bool, BadValue> {
    parse_word_or("an answer", given, &[("yes", true), ("no", false)], &[("oui", true), ("non", false)])
}

/// Arguments of `rules`.
#[derive(Debug, Args)]
pub struct RulesArgs {
    /// Only these rules: guideline-30-50, mirels, van-der-linden, tatar-planning-ct, rigidity
    #[arg(value_name = "RULE", value_parser = Listed::new(rule_name, RuleName::WORDS), hide_possible_values = true)]
    names: Vec<RuleName>,
    /// Axial cortical lysis of the slice, percent of its cortex
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true)]
    axial: Option<Percent>,
    /// Circumferential lysis, percent: of that slice, and the largest of the lesion
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true)]
    circumferential: Option<Percent>,
    /// Axial cortical involvement, millimetres along the bone at one place of the circumference
    #[arg(long, value_name = "MM", allow_hyphen_values = true)]
    axial_extent: Option<Millimetres>,
    /// Craniocaudal height of the lesion over the whole circumference, millimetres
    #[arg(long, value_name = "MM", allow_hyphen_values = true)]
    height: Option<Millimetres>,
    /// Is the wall gone through its whole thickness somewhere: yes or no
    #[arg(long, value_name = "YES/NO", value_parser = yes_or_no)]
    through_the_wall: Option<bool>,
    /// Loss of axial rigidity at the weakest section, percent
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true)]
    axial_rigidity: Option<Percent>,
    /// Loss of bending rigidity there, percent
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true)]
    bending_rigidity: Option<Percent>,
    /// Loss of torsional rigidity there, percent
    #[arg(long, value_name = "PERCENT", allow_hyphen_values = true)]
    torsional_rigidity: Option<Percent>,
    /// Mirels total from 4 to 12, or a range as 8-10, instead of its items; with --site upper-limb also held against 8
    #[arg(long, value_name = "TOTAL", allow_hyphen_values = true, conflicts_with_all = ["size", "lesion_type", "pain"])]
    mirels: Option<Total>,
    #[command(flatten)]
    items: Option<MirelsItems>,
    /// Print rules and answers as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct RulesOutput<'a> {
    schema: &'static str,
    disclaimer: &'static str,
    rules: &'a [&'static Rule],
    results: &'a [RuleResult],
    recommendation: Option<Advice>,
}

/// What the recommendation says of the numbers together.
#[derive(Serialize)]
struct Advice {
    category: Category,
    text: String,
    source: Text,
}

/// Explains, or answers, and prints on `out`.
pub fn run(args: &RulesArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let wanted = |name: RuleName| args.names.is_empty() || args.names.contains(&name);
    let rules: Vec<&'static Rule> =
        RuleName::WORDS.iter().filter(|(_, name)| wanted(*name)).map(|(_, name)| name.rule()).collect();
    let all = answers(args);
    let recommendation = advice(args, &all);
    let results: Vec<RuleResult> = all.into_iter().filter(|result| wanted(result.name)).collect();
    if args.json {
        let output = RulesOutput {
            schema: "corticalysis/rules/v1",
            disclaimer: DISCLAIMER,
            rules: &rules,
            results: &results,
            recommendation,
        };
        serde_json::to_writer_pretty(&mut *out, &output)?;
        writeln!(out)?;
    } else {
        let mut lines = Lines::default();
        if results.is_empty() {
            rules.iter().for_each(|rule| explain(rule, &mut lines));
        } else {
            results.iter().for_each(|result| answer(result, &mut lines));
            let names: Vec<String> = results.iter().map(|result| result.name.to_string()).collect();
            let how_well =
                format!("In whom they were studied, and how well they did: corticalysis rules {}", names.join(" "));
            lines.paragraph(0, &how_well);
            lines.blank();
        }
        if let Some(Advice { category, text, source }) = recommendation {
            lines.paragraph(0, &format!("Recommendation [{category}]: {text}"));
            lines.paragraph(0, &format!("Source: {}.", source.english));
            lines.blank();
        }
        lines.paragraph(0, DISCLAIMER);
        out.write_all(lines.text.as_bytes())?;
    }
    Ok(())
}

/// The rules for which at least one number was given, in the order of the table.
fn answers(args: &RulesArgs) -> Vec<RuleResult> {
    let percent = |given: Option<Percent>| given.map(|Percent(estimate)| estimate);
    let millimetres = |given: Option<Millimetres>| given.map(|Millimetres(estimate)| estimate);
    let (axial, around) = (percent(args.axial), percent(args.circumferential));
    let lesion = LesionExtent {
        axial_extent_mm: millimetres(args.axial_extent),
        height_mm: millimetres(args.height),
        max_circumferential_percent: around,
        through_the_wall: args.through_the_wall.map_or(Verdict::NotEvaluated, Verdict::from_bool),
    };
    // What was not given may be anything; it has no middle.
    let open = Estimate { value: f64::NAN, low: 0.0, high: 100.0 };
    let mut results = Vec::new();
    if axial.is_some() || around.is_some() {
        let slice = SliceLoss {
            z_mm: f64::NAN,
            axial_percent: axial.unwrap_or(open),
            circumferential_percent: around.unwrap_or(open),
        };
        results.push(rules::guideline_30_50(&[slice], 0));
    }
    if let Some(score) = args.items.as_ref().filter(|_| args.mirels.is_none()).map(MirelsItems::score) {
        results.push(rules::mirels(&score));
    } else if let Some(Total(range)) = args.mirels {
        let site = args.items.as_ref().and_then(|items| items.site);
        results.push(rules::mirels_of_total(range, site == Some(Site::UpperLimb)));
    }
    if lesion.axial_extent_mm.is_some() || around.is_some() {
        results.push(rules::van_der_linden(&[lesion]));
    }
    if lesion.height_mm.is_some() || around.is_some() || args.through_the_wall.is_some() {
        results.push(rules::tatar_planning_ct(&[lesion]));
    }
    let reductions = [args.axial_rigidity, args.bending_rigidity, args.torsional_rigidity].map(percent);
    if reductions.iter().any(Option::is_some) {
        let section = SectionLoss { z_mm: f64::NAN, reductions_percent: reductions.map(|given| given.unwrap_or(open)) };
        results.push(rigidity(Some(&[section]), true));
    }
    results
}

/// What the recommendation says, where the score is known: it decides nothing without it.
fn advice(args: &RulesArgs, results: &[RuleResult]) -> Option<Advice> {
    let of = |name| results.iter().find(|result| result.name == name);
    of(RuleName::Mirels)?;
    let guideline = match of(RuleName::Guideline3050).map_or(Verdict::NotEvaluated, |result| result.met) {
        // A criterion left open by a number that nobody gave was not asked; that is no doubt about a measurement.
        Verdict::Indeterminate if args.axial.is_none() || args.circumferential.is_none() => Verdict::NotEvaluated,
        answered => answered,
    };
    let source = rules::RECOMMENDATION_SOURCE;
    match (args.mirels, &args.items) {
        (Some(Total(range)), _) => {
            let category = category_of_range(guideline, range);
            let quote = category.quote().map_or_else(String::new, |quote| {
                format!(" The recommendation reads: « {} » (in English: \"{}\").", quote.original, quote.english)
            });
            let text = format!("Mirels score {}; 30/50 criterion {guideline}.{quote}", range_in_words(range));
            Some(Advice { category, text, source })
        }
        (None, Some(items)) => {
            let recommendation = with_lesion(guideline, &items.score());
            Some(Advice { category: recommendation.category, text: recommendation.text, source })
        }
        (None, None) => None,
    }
}

fn heading(rule: &Rule, lines: &mut Lines) {
    lines.paragraph(0, &format!("{} [{}]", rule.title.english.to_uppercase(), rule.name));
}

fn explain(rule: &Rule, lines: &mut Lines) {
    heading(rule, lines);
    lines.paragraph(2, &format!("Criterion: {}.", rule.criterion.english));
    lines.paragraph(2, &format!("Population: {}", rule.population.english));
    for study in rule.accuracy {
        lines.paragraph(2, &format!("Published: {}.", study.line(Language::En)));
    }
    for note in rule.accuracy_notes {
        lines.paragraph(2, &format!("Note: {}", note.english));
    }
    for caveat in rule.caveats {
        lines.paragraph(2, &format!("Caveat: {}", caveat.english));
    }
    lines.paragraph(2, &format!("Source: {}.", rule.source.english));
    lines.blank();
}

fn answer(result: &RuleResult, lines: &mut Lines) {
    heading(result.name.rule(), lines);
    let values: Vec<String> =
        result.values.iter().filter_map(|(name, value)| value_in_words(result, name, value)).collect();
    let verdict = match result.met {
        Verdict::Met => "Met",
        Verdict::NotMet => "Not met",
        Verdict::Indeterminate => "Indeterminate",
        Verdict::NotEvaluated => "Not evaluated",
    };
    lines.paragraph(2, &format!("{verdict}: {} ({}).", result.criterion.english, values.join("; ")));
    for note in &result.notes {
        lines.paragraph(2, note.english());
    }
    lines.paragraph(2, &format!("Source: {}.", result.source.english));
    lines.blank();
}

/// "axial 36 %, threshold > 30 %"; `None` for what only counts slices, repeats a range or follows from value and threshold.
fn value_in_words(result: &RuleResult, name: &str, value: RuleValue) -> Option<String> {
    let short = name.trim_start_matches("deciding_slice_");
    let (short, unit) = match short.strip_suffix("_percent") {
        Some(short) => (short, "\u{a0}%"),
        None => short.strip_suffix("_mm").map_or((short, ""), |short| (short, "\u{a0}mm")),
    };
    let text = match (short, value) {
        ("z" | "lowest_total" | "highest_total", _) => return None,
        (slices, _) if slices.starts_with("slices_") => return None,
        ("through_the_wall", RuleValue::Verdict(Verdict::NotEvaluated)) => "not given".to_owned(),
        ("through_the_wall" | "at_least_8_for_the_humerus", RuleValue::Verdict(verdict)) => match verdict {
            Verdict::Met => "yes".to_owned(),
            Verdict::NotMet => "no".to_owned(),
            other => other.to_string(),
        },
        (_, RuleValue::Verdict(_)) => return None,
        ("total", RuleValue::Missing) => match ["lowest_total", "highest_total"].map(|end| result.values.get(end)) {
            [Some(RuleValue::Count(low)), Some(RuleValue::Count(high))] => format!("{low} to {high}"),
            _ => "not given".to_owned(),
        },
        (_, RuleValue::Missing) => "not given".to_owned(),
        (_, RuleValue::Estimate(estimate)) if estimate.value.is_nan() => "not given".to_owned(),
        (_, RuleValue::Estimate(Estimate { low, high, .. })) if low < high => format!("{low} to {high}{unit}"),
        (_, RuleValue::Estimate(Estimate { value, .. }) | RuleValue::Number(value)) => format!("{value}{unit}"),
        (_, RuleValue::Count(count)) => count.to_string(),
    };
    let limit = result.name.rule().limits.iter().find(|limit| limit.value == name);
    let threshold =
        limit.map_or_else(String::new, |limit| format!(", threshold {} {}{unit}", limit.comparison, limit.threshold));
    Some(format!("{} {text}{threshold}", short.replace('_', " ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_or_an_interval() {
        let read = |text: &str| text.parse::<Percent>().map(|Percent(e)| (e.low, e.high));
        assert_eq!(read("36"), Ok((36.0, 36.0)));
        assert_eq!(read("36,5 %"), Ok((36.5, 36.5)));
        assert_eq!(read("28-34%"), Ok((28.0, 34.0)));
        assert_eq!(read("28 – 34"), Ok((28.0, 34.0)));
        for bad in ["-1", "101", "34-28", "28-", "-", "", "a", "nan", "1-2-3", "0--5", "–"] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert!("1001".parse::<Millimetres>().is_err() && "38 mm".parse::<Millimetres>().is_ok());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_reading_panic(text in ".{0,30}") {
            let _ = (text.parse::<Percent>(), text.parse::<Millimetres>(), text.parse::<Total>());
        }

        #[test]
        fn an_interval_is_read_as_it_is_written(low in 0.0_f64..=50.0, more in 0.0_f64..=50.0) {
            let Percent(read) = format!("{low}-{} %", low + more).parse().expect("an interval");
            proptest::prop_assert_eq!((read.low, read.high), (low, low + more));
        }
    }

    #[test]
    fn totals_are_possible_ones() {
        let read = |text: &str| text.parse::<Total>().map(|Total(range)| range);
        assert_eq!((read("9"), read("8-10")), (Ok([9, 9]), Ok([8, 10])));
        for bad in ["3", "13", "10-8", "8.5", "-9", ""] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
