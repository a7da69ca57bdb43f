//! `corticalysis mirels`: the score alone, from its four items.

use std::io::Write;

use clap::Args;
use serde::Serialize;

use crate::scores::DISCLAIMER;
use crate::scores::mirels::{HUMERUS_NOTE, Item, LesionType, Level, MirelsClass, MirelsScore, Pain, Site, Size};
use crate::scores::recommendation::{Category, Recommendation, range_in_words, with_lesion};
use crate::scores::verdict::Verdict;

/// Arguments of `mirels`.
#[derive(Debug, Args)]
pub struct MirelsArgs {
    /// Where the lesion lies: upper-limb (1 point), lower-limb (2) or trochanteric (3)
    #[arg(long, value_name = "SITE")]
    site: Site,
    /// Share of the cortex: '<1/3' (1 point), '1/3-2/3' (2), '>2/3' (3), or a fraction from 0 to 1
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    size: Size,
    /// What it does to the bone: blastic (1 point), mixed (2) or lytic (3)
    #[arg(long = "type", value_name = "TYPE")]
    lesion_type: LesionType,
    /// Pain: mild (1 point), moderate (2) or functional (3: severe, or aggravated by using the limb)
    #[arg(long, value_name = "PAIN")]
    pain: Option<Pain>,
    /// Print the score as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct MirelsOutput<'a> {
    schema: &'static str,
    disclaimer: &'static str,
    mirels: &'a MirelsScore,
    class: Option<MirelsClass>,
    recommendation: &'a Recommendation,
}

/// Scores and prints on `out`.
pub fn run(args: &MirelsArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let score = MirelsScore::new(
        Some(Item::given(args.site)),
        Some(Item::given(args.size)),
        Some(Item::given(args.lesion_type)),
        args.pain.map(Item::given),
    );
    let recommendation = with_lesion(Verdict::NotEvaluated, &score);
    if args.json {
        let output = MirelsOutput {
            schema: "corticalysis/mirels/v1",
            disclaimer: DISCLAIMER,
            mirels: &score,
            class: score.class(),
            recommendation: &recommendation,
        };
        serde_json::to_writer_pretty(&mut *out, &output)?;
        writeln!(out)?;
    } else {
        print(args, &score, &recommendation, out)?;
    }
    Ok(())
}

fn print(
    args: &MirelsArgs,
    score: &MirelsScore,
    recommendation: &Recommendation,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let pain = args.pain.map_or("pain not given (1 to 3)".to_owned(), |pain| item("pain", pain));
    writeln!(
        out,
        "Mirels score {} of 12: {}, {}, {}, {pain}.",
        range_in_words(score.range),
        item("site", args.site),
        item("size", args.size),
        item("type", args.lesion_type),
    )?;
    match &recommendation.by_pain {
        None => answer(out, "", recommendation.category, score.range)?,
        Some(answers) => {
            for (pain, category) in answers.iter() {
                answer(out, &format!("{pain} pain: "), *category, *score.by_pain.get(pain))?;
            }
        }
    }
    if let Some(verdict) = score.humerus_cutoff() {
        let reached = match verdict {
            Verdict::Met => "Total of 8 or more: yes",
            Verdict::NotMet => "Total of 8 or more: no",
            _ => "Total of 8 or more: depends on the pain",
        };
        writeln!(out, "\n{reached}. {HUMERUS_NOTE}")?;
    }
    writeln!(out, "\nSource: {}; Mirels 1989.", recommendation.source)?;
    writeln!(out, "{DISCLAIMER}")
}

/// "site 2 (lower-limb)"
fn item(name: &str, level: impl Level) -> String {
    format!("{name} {} ({level})", level.points())
}

/// The class of a total that is certain once the pain is, and the sentence behind it.
fn answer(out: &mut dyn Write, heading: &str, category: Category, [total, _]: [u8; 2]) -> std::io::Result<()> {
    writeln!(out, "\n{heading}total {total}, class {} [{category}]", MirelsClass::of(total))?;
    if let Some(quote) = category.quote() {
        writeln!(out, "  « {} »", quote.original)?;
        writeln!(out, "  In English: \"{}\"", quote.english)?;
    }
    Ok(())
}
