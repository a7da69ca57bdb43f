//! `corticalysis mirels`: the score alone, from the items that are known.

use std::io::Write;
use std::str::FromStr;

use clap::{ArgGroup, Args};
use serde::Serialize;

use super::shell::Listed;
use crate::language::Sentence;
use crate::report::Lines;
use crate::scores::DISCLAIMER;
use crate::scores::mirels::{
    HUMERUS_MIN_TOTAL, Item, LesionType, Level, MirelsClass, MirelsScore, OBSERVATION_MAX_TOTAL, Pain, Site, Size,
};
use crate::scores::mirels_readings::{
    FRACTURE_RATE_NOTE, FractureRate, OpenItem, OpenLevel, fracture_rate, open_items,
};
use crate::scores::recommendation::{Category, Recommendation, category_of_range, range_in_words, with_lesion};
use crate::scores::rule_table::{RuleName, humerus_note};
use crate::scores::verdict::Verdict;

pub(super) const HELP: &str = "\
Examples:
  corticalysis mirels --site lower-limb --size 0.5 --type lytic --pain moderate
  corticalysis mirels --site 'membre inférieur' --size '<1/3' --type lytique --pain légère
  corticalysis mirels --type lytic --pain functional     (what the other two would make of it)

Words are read in English or French, whatever their case and accents.

Exit status:
  0  scored
  2  the command line is wrong";

/// What the size is a share of: the sources disagree.
const SIZE_BASIS: &str = "Size is counted as the share of the cortex, as in the recommendation's table 3; other sources count \
    the share of the bone's diameter.";

/// The items of the score as arguments; what is left out is unknown.
#[derive(Debug, Args)]
pub struct MirelsItems {
    /// Where the lesion lies: upper-limb (1 point), lower-limb (2) or trochanteric (3)
    #[arg(long, value_name = "SITE", value_parser = Listed::new(Site::from_str, Site::WORDS), hide_possible_values = true)]
    pub site: Option<Site>,
    /// Share of the cortex: '<1/3' (1 point), '1/3-2/3' (2), '>2/3' (3), or a fraction from 0 to 1, or '40%'
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    pub size: Option<Size>,
    /// What it does to the bone: blastic (1 point), mixed (2) or lytic (3)
    #[arg(long = "type", value_name = "TYPE", value_parser = Listed::new(LesionType::from_str, LesionType::WORDS), hide_possible_values = true)]
    pub lesion_type: Option<LesionType>,
    /// Pain: mild (1 point), moderate (2) or functional (3: severe, or aggravated by using the limb)
    #[arg(long, value_name = "PAIN", value_parser = Listed::new(Pain::from_str, Pain::WORDS), hide_possible_values = true)]
    pub pain: Option<Pain>,
}

impl MirelsItems {
    /// The score of the items that were given.
    pub fn score(&self) -> MirelsScore {
        MirelsScore::new(
            self.site.map(Item::given),
            self.size.map(Item::given),
            self.lesion_type.map(Item::given),
            self.pain.map(Item::given),
        )
    }
}

/// Arguments of `mirels`: at least one item, since a score of nothing says nothing.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("known").args(["site", "size", "lesion_type", "pain"]).required(true).multiple(true))]
pub struct MirelsArgs {
    #[command(flatten)]
    items: MirelsItems,
    /// Print the score as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct MirelsOutput<'a> {
    schema: &'static str,
    disclaimer: &'static str,
    sentence: String,
    mirels: &'a MirelsScore,
    class: Option<MirelsClass>,
    open_items: Vec<OpenItem>,
    fracture_rates: Vec<FractureRate>,
    fracture_rate_note: &'static str,
    humerus: Option<Humerus>,
    recommendation: &'a Recommendation,
    notes: Vec<&'static str>,
    source: &'static str,
}

/// What holds in the upper limb instead of the cut-off of 9.
#[derive(Serialize)]
struct Humerus {
    cutoff: u8,
    reached: Verdict,
    note: Sentence,
}

/// Scores and prints on `out`.
pub fn run(args: &MirelsArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let score = args.items.score();
    let recommendation = with_lesion(Verdict::NotEvaluated, &score);
    if args.json {
        let [low, high] = score.range;
        let output = MirelsOutput {
            schema: "corticalysis/mirels/v1",
            disclaimer: DISCLAIMER,
            sentence: sentence(&score),
            mirels: &score,
            class: score.class(),
            open_items: open_items(&score),
            fracture_rates: (low..=high).map(fracture_rate).collect(),
            fracture_rate_note: FRACTURE_RATE_NOTE,
            humerus: score.humerus_cutoff().map(|reached| Humerus {
                cutoff: HUMERUS_MIN_TOTAL,
                reached,
                note: humerus_note(),
            }),
            recommendation: &recommendation,
            notes: std::iter::once(SIZE_BASIS)
                .chain(RuleName::Mirels.rule().caveats.iter().map(|caveat| caveat.english))
                .collect(),
            source: RuleName::Mirels.rule().source.english,
        };
        serde_json::to_writer_pretty(&mut *out, &output)?;
        writeln!(out)?;
    } else {
        out.write_all(text(&score, &recommendation).as_bytes())?;
    }
    Ok(())
}

/// "Mirels score 9 of 12: site 2 (lower-limb), …".
fn sentence(score: &MirelsScore) -> String {
    format!(
        "Mirels score {} of 12: {}, {}, {}, {}.",
        range_in_words(score.range),
        item("site", score.site),
        item("size", score.size),
        item("type", score.lesion_type),
        item("pain", score.pain),
    )
}

/// "site 2 (lower-limb)".
fn item<T: Level>(name: &str, item: Option<Item<T>>) -> String {
    match item.and_then(|item| item.value()) {
        Some(level) => format!("{name} {} ({level})", level.points()),
        None => format!("{name} not given (1 to 3)"),
    }
}

fn text(score: &MirelsScore, recommendation: &Recommendation) -> String {
    let mut lines = Lines::default();
    lines.paragraph(0, &sentence(score));
    lines.blank();
    let mut quoted: Vec<Category> = Vec::new();
    let mut answer = |lines: &mut Lines, heading: &str, range: [u8; 2], category: Category| {
        let total = range_in_words(range);
        // Two classes side by side are no class: the category says what the doubt leads to.
        let class = MirelsClass::of_range(range).map_or("class open".to_owned(), |class| format!("class {class}"));
        lines.paragraph(2, &format!("{heading}total {total}, {class} [{category}]"));
        if !quoted.contains(&category) {
            quoted.push(category);
        }
    };
    let open = open_items(score);
    if open.len() != 1 {
        answer(&mut lines, "", score.range, recommendation.category);
    }
    for item in &open {
        if open.len() > 1 {
            lines.blank();
        }
        for OpenLevel { value, range, .. } in &item.levels {
            let category = category_of_range(Verdict::NotEvaluated, *range);
            let heading =
                if item.item == "pain" { format!("{value} pain: ") } else { format!("{} {value}: ", item.item) };
            answer(&mut lines, &heading, *range, category);
        }
    }
    for category in quoted {
        if let Some(quote) = category.quote() {
            lines.blank();
            lines.paragraph(0, &format!("[{category}] « {} »", quote.original));
            lines.paragraph(0, &format!("In English: \"{}\"", quote.english));
        }
    }
    lines.blank();
    lines.paragraph(0, &format!("Published fracture rate: {}. {FRACTURE_RATE_NOTE}", rates(score.range)));
    if let Some(verdict) = score.humerus_cutoff() {
        let reached = match verdict {
            Verdict::Met => "yes",
            Verdict::NotMet => "no",
            _ => "depends on what is not given",
        };
        lines.blank();
        lines.paragraph(
            0,
            &format!(
                "Total of {HUMERUS_MIN_TOTAL} or more, the cut-off of the humerus: {reached}. {}",
                humerus_note().english()
            ),
        );
    }
    lines.blank();
    lines.paragraph(0, SIZE_BASIS);
    for caveat in RuleName::Mirels.rule().caveats {
        lines.paragraph(0, caveat.english);
    }
    lines.paragraph(
        0,
        &format!("Sources: {}; {}.", recommendation.source.english, RuleName::Mirels.rule().source.english),
    );
    lines.paragraph(0, DISCLAIMER);
    lines.text
}

/// "total up to 7, 0 to 4 %; total 8, 15 %": one rate was published for all totals up to 7.
fn rates([low, high]: [u8; 2]) -> String {
    let first = low.max(OBSERVATION_MAX_TOTAL.min(high));
    let rates = (first..=high).map(fracture_rate).map(|FractureRate { total, percent, .. }| match percent {
        Some([low, high]) if low < high => format!("total up to {OBSERVATION_MAX_TOTAL}, {low} to {high}\u{a0}%"),
        Some([percent, _]) => format!("total {total}, {percent}\u{a0}%"),
        None => format!("total {total}, no confirmed figure"),
    });
    rates.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_up_to_7_is_told_once() {
        let plain = |range| rates(range).replace('\u{a0}', " ");
        assert_eq!(plain([5, 5]), "total up to 7, 0 to 4 %");
        assert_eq!(plain([4, 6]), "total up to 7, 0 to 4 %");
        assert_eq!(plain([5, 8]), "total up to 7, 0 to 4 %; total 8, 15 %");
        assert_eq!(plain([10, 11]), "total 10, 72 %; total 11, no confirmed figure");
    }
}
