//! `corticalysis rades`: who walks after radiotherapy of a metastatic spinal cord compression.

use std::io::Write;
use std::str::FromStr;

use clap::Args;
use serde::Serialize;

use super::shell::Listed;
use crate::report::Lines;
use crate::scores::DISCLAIMER;
use crate::scores::rades::{
    DeficitTime, Factor, Group, Interval, MAX_TOTAL, MIN_TOTAL, MotorFunction, Primary, RADES_CAVEAT,
    RADES_RATES_SOURCE, RADES_SOURCE, RadesFactors, Visceral,
};
use crate::scores::recommendation::Quote;

pub(super) const HELP: &str = "\
Table 4 of the recommendation (points):
  --primary    breast 8, prostate 7, myeloma-lymphoma 9, nsclc 5, sclc 6, unknown-primary 5,
               kidney 6, colorectal 6, other 6
  --interval   15 months or less 6, over 15 months 8
  --visceral   yes 5, no 8
  --motor      ambulatory-without-aid 10, ambulatory-with-aid 9, not-ambulatory 3, paraplegic 1
  --deficit    1-7 days 4, 8-14 days 7, over 14 days 9

Groups: I 21 to 28, II 29 to 37, III 38 to 44.

Examples:
  corticalysis rades --primary breast --interval 24 --visceral no \\
    --motor ambulatory-with-aid --deficit 10
  corticalysis rades --primary CBNPC --interval '≤ 15 mois' --visceral oui \\
    --motor 'non ambulatoire' --deficit 1-7

Words are read in English or as the French table has them, whatever their case and accents.

Exit status:
  0  scored
  2  the command line is wrong";

/// Arguments of `rades`: all five factors, since a total with a gap is none.
#[derive(Debug, Args)]
pub struct RadesArgs {
    /// Primary tumour: breast, prostate, myeloma-lymphoma, nsclc, sclc, unknown-primary, kidney, colorectal or other
    #[arg(long, value_name = "TUMOUR", value_parser = Listed::new(Primary::from_str, Primary::WORDS), hide_possible_values = true)]
    primary: Primary,
    /// From the diagnosis of the tumour to the compression: whole months, '<=15' or '>15'
    #[arg(long, value_name = "MONTHS", allow_hyphen_values = true)]
    interval: Interval,
    /// Visceral metastases at the time of radiotherapy: yes or no
    #[arg(long, value_name = "YES/NO", value_parser = Listed::new(Visceral::from_str, Visceral::WORDS), hide_possible_values = true, visible_alias = "visceral-metastases")]
    visceral: Visceral,
    /// Motor function before radiotherapy: ambulatory-without-aid, ambulatory-with-aid, not-ambulatory or paraplegic
    #[arg(long, value_name = "FUNCTION", value_parser = Listed::new(MotorFunction::from_str, MotorFunction::WORDS), hide_possible_values = true, visible_alias = "motor-function")]
    motor: MotorFunction,
    /// Over how long the motor deficit developed: whole days, '1-7', '8-14' or '>14'
    #[arg(long, value_name = "DAYS", visible_alias = "time-to-deficit", allow_hyphen_values = true)]
    deficit: DeficitTime,
    /// Print the score as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct RadesOutput {
    schema: &'static str,
    disclaimer: &'static str,
    sentence: String,
    factors: Vec<FactorOutput>,
    total: u8,
    lowest_possible_total: u8,
    highest_possible_total: u8,
    group: Group,
    group_totals: [u8; 2],
    ambulatory_after_radiotherapy_percent: f64,
    ambulatory_source: &'static str,
    quote: Quote,
    caveat: Quote,
    source: &'static str,
}

#[derive(Serialize)]
struct FactorOutput {
    factor: &'static str,
    value: String,
    points: u8,
}

/// Scores and prints on `out`.
pub fn run(args: &RadesArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let factors = RadesFactors {
        primary: args.primary,
        interval: args.interval,
        visceral_metastases: args.visceral,
        motor_function: args.motor,
        time_to_deficit: args.deficit,
    };
    let output = output(&factors);
    if args.json {
        serde_json::to_writer_pretty(&mut *out, &output)?;
        writeln!(out)?;
    } else {
        out.write_all(text(&output).as_bytes())?;
    }
    Ok(())
}

fn output(factors: &RadesFactors) -> RadesOutput {
    fn row(factor: &'static str, level: impl Factor) -> FactorOutput {
        FactorOutput { factor, value: level.to_string(), points: level.points() }
    }
    let (total, group) = (factors.total(), factors.group());
    let [low, high] = group.totals();
    RadesOutput {
        schema: "corticalysis/rades/v1",
        disclaimer: DISCLAIMER,
        sentence: format!(
            "Rades score {total} of {MAX_TOTAL}: group {group} ({low} to {high} points); {} % of such patients could walk after \
             radiotherapy alone.",
            group.ambulatory_percent()
        ),
        factors: vec![
            row("primary", factors.primary),
            row("interval", factors.interval),
            row("visceral_metastases", factors.visceral_metastases),
            row("motor_function", factors.motor_function),
            row("time_to_deficit", factors.time_to_deficit),
        ],
        total,
        lowest_possible_total: MIN_TOTAL,
        highest_possible_total: MAX_TOTAL,
        group,
        group_totals: group.totals(),
        ambulatory_after_radiotherapy_percent: group.ambulatory_percent(),
        ambulatory_source: RADES_RATES_SOURCE,
        quote: group.quote(),
        caveat: RADES_CAVEAT,
        source: RADES_SOURCE,
    }
}

fn text(output: &RadesOutput) -> String {
    let mut lines = Lines::default();
    lines.paragraph(0, &output.sentence);
    lines.blank();
    for FactorOutput { factor, value, points } in &output.factors {
        lines.text += &format!("  {:<22}{value:<26}{points:>3}\n", factor.replace('_', " "));
    }
    lines.text += &format!("  {:<48}{:>3}\n", format!("total, possible {MIN_TOTAL} to {MAX_TOTAL}"), output.total);
    lines.blank();
    lines.paragraph(0, &format!("Group {}: « {} »", output.group, output.quote.original));
    lines.paragraph(0, &format!("In English: \"{}\"", output.quote.english));
    lines.blank();
    let rates = Group::ALL.map(|group| format!("{group}\u{a0}{}\u{a0}%", group.ambulatory_percent()));
    lines.paragraph(
        0,
        &format!("Able to walk after radiotherapy, by group: {} ({RADES_RATES_SOURCE}).", rates.join(", ")),
    );
    lines.blank();
    lines.paragraph(0, &format!("The recommendation's own reserve: « {} »", output.caveat.original));
    lines.paragraph(0, &format!("In English: \"{}\"", output.caveat.english));
    lines.blank();
    lines.paragraph(0, &format!("Source: {RADES_SOURCE}."));
    lines.paragraph(0, DISCLAIMER);
    lines.text
}
