//! The command line: raw arguments to validated settings to library calls. No measuring here.
//!
//! Standard output carries the result and nothing else; progress, warnings and errors go to standard error.
//! The exit statuses are documented in [`exit_status`].

pub mod analyze;
pub mod calibration;
pub mod eqd2;
pub mod evaluate;
pub mod exit_status;
mod given_regions;
pub mod mirels;
pub mod phantom;
pub mod rades;
mod review;
pub mod rules;
pub mod run_analysis;
pub mod series;
pub mod shell;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Parser, Subcommand};

use crate::words::BadValue;
use exit_status::ExitError;

const EXIT_STATUS_HELP: &str = "\
Exit status:
  0  analysed, whatever was found
  1  something else failed, for example the report could not be written
  2  the command line is wrong
  3  the input cannot be used (said which file or series, and why)
  4  the series is sound but holds no long bone that can be measured

Research use only. Not a medical device. Every result is to be reviewed by a qualified physician.";

/// Measures cortical osteolysis of long bones on CT
///
/// Slice by slice: how much of the cortex is gone, over how much of the circumference, each with its 95 % interval; then
/// the Mirels score and the published fracture-risk rules, each by its name and with its source. Distances are
/// millimetres in the DICOM patient frame (LPS), densities Hounsfield units, percentages 0 to 100.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_STATUS_HELP, propagate_version = true, subcommand_required = true)]
pub struct Cli {
    /// The job to do.
    #[command(subcommand)]
    pub command: Command,
}

/// One job each.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the CT series found, one line each, with the geometry and what is wrong with it, and the regions drawn on them
    #[command(after_help = "Example:\n  corticalysis series ~/export\n\nLengths are millimetres.")]
    Series(SeriesArgs),
    /// Find the long bones, measure, score, and write the report
    ///
    /// Reads one CT series (DICOM, or NIfTI in HU), finds the long bones, measures the cortical lysis of every axial slice against the intact
    /// bone (the opposite side, or the same bone above and below the lesion), scores Mirels and applies the published
    /// rules. Writes report.json, slices.csv, bones.csv, figures and report.html into the output folder, and prints a
    /// summary.
    #[command(after_help = ANALYZE_HELP)]
    Analyze(Box<analyze::AnalyzeArgs>),
    /// The Mirels score alone, from its four items
    ///
    /// Adds the four items of 1 to 3 points (total 4 to 12), quotes what the recommendation says for the total, and gives
    /// the fracture rates published for it. An item that is left out is unknown: the total is a range, and is given for each
    /// level of that item.
    #[command(after_help = mirels::HELP)]
    Mirels(mirels::MirelsArgs),
    /// The Rades score of spinal cord compression: who walks after radiotherapy
    ///
    /// Adds the five factors of the recommendation's table 4 (total 21 to 44), and gives the group, what the recommendation
    /// says of it, the ambulatory rate of the score's validation, and the recommendation's own reserve about lung cancer.
    #[command(after_help = rades::HELP)]
    Rades(rades::RadesArgs),
    /// BED and EQD2 of fractionation schedules, side by side and summed
    ///
    /// For tumour, late effects and the spinal cord at the recommendation's α/β of 0.87 Gy, or at any α/β. Without a schedule,
    /// those of the recommendation.
    #[command(after_help = eqd2::HELP)]
    Eqd2(eqd2::Eqd2Args),
    /// Explain the published rules: criterion, source, population, accuracy; or answer them from numbers
    ///
    /// What is printed comes from the same table as the rules of a report of 'analyze'.
    #[command(after_help = rules::HELP)]
    Rules(Box<rules::RulesArgs>),
    /// Hold reports against what is true: errors per case and pooled
    ///
    /// Compares the sections, flags and lesions of reports with truths: those of phantoms and defects made by this
    /// program, or files of someone else. Prints tables of errors (measured minus true) and writes them, with two
    /// figures, into the output folder. Every truth must find its report and every report its truth: by the series
    /// where the truth tells it, else by name (d1.truth.json for d1/report.json), else one truth for all, else in order.
    #[command(after_help = EVALUATE_HELP)]
    Evaluate(evaluate::EvaluateArgs),
    /// Write a synthetic CT with known lysis, or cut a defect into a real one
    ///
    /// The truth, per slice and lesion, is written beside it: from the geometry before the scanner blurred it, or for a
    /// defect in a real CT from the cortical mass of the intact image.
    #[command(after_help = phantom::HELP)]
    Phantom(Box<phantom::PhantomArgs>),
    /// Print the completion script of a shell
    #[command(after_help = shell::COMPLETIONS_HELP)]
    Completions(shell::CompletionsArgs),
    /// Print a manual page, or write all of them
    #[command(after_help = shell::MAN_HELP)]
    Man(shell::ManArgs),
}

const ANALYZE_HELP: &str = "\
Examples:
  corticalysis analyze ~/export/planning-ct -o report --bone femur --side left --pain moderate

  corticalysis analyze ct.nii.gz -o report --mask femur.nii.gz --bone femur --side left
  corticalysis analyze ~/export/ct ~/export/RS.dcm -o report --roi GTV
  corticalysis analyze ~/export/ct -o report --review review.json --pdf --lang fr

Units: positions in millimetres of the DICOM patient frame (x to the left, y to the back, z to the head).
Words are read in English or French, whatever their case and accents.

A mask must have the voxels of the CT, in any order of its axes; up to 0.5 mm apart is accepted and said. The contours of
an RTSTRUCT are placed by their coordinates. With --roi, lesions and rules are those of the region; the percentages of
each slice stay those of the whole slice.

Exit status:
  0  analysed, whatever was found
  1  something else failed, for example the report could not be written
  2  the command line is wrong
  3  the input cannot be used (said which file or series, and why)
  4  the series is sound but holds no long bone that can be measured";

const EVALUATE_HELP: &str = "\
Example:
  corticalysis analyze ct/d1 -o reports/d1
  corticalysis evaluate --truth truths/d1.truth.json reports/d1 -o evaluation

A truth file of someone else needs at least:
  {\"slices\": [{\"z\": -412.5, \"axial\": 36.5, \"circ30\": 41.0, \"circ50\": 33.0}, ...]}
z is the patient z of the section in millimetres, the rest are percentages 0 to 100 (docs/evaluate.md has all fields).

Units: percentage points for lysis, mm2 for areas, mm for thickness and extents.

Exit status:
  0  evaluated, however large the errors
  1  something else failed
  2  the command line is wrong, or names an output that cannot be written
  3  a truth or a report cannot be used (said which file, and why)";

/// Arguments of `series`.
#[derive(Debug, Args)]
pub struct SeriesArgs {
    /// Files and folders, in any mixture and order
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// Also print the patient's name and ID; without it only UIDs are shown
    #[arg(long)]
    pub identify: bool,
}

/// Runs the command line of this process and returns its exit status.
pub fn main() -> ExitCode {
    let outcome = Cli::try_parse().map_err(anyhow::Error::from).and_then(|cli| run(cli, &mut io::stdout().lock()));
    match outcome {
        Ok(()) => ExitCode::from(exit_status::ANALYSED),
        Err(error) => fail(&error),
    }
}

/// Dispatches to the subcommand; the result goes to `out`.
pub fn run(cli: Cli, out: &mut dyn Write) -> anyhow::Result<()> {
    match cli.command {
        Command::Series(args) => series::run(&args.paths, args.identify, out)?,
        Command::Analyze(args) => run_analysis::run(&analyze::AnalyzeSettings::from(*args), out)?,
        Command::Mirels(args) => mirels::run(&args, out)?,
        Command::Rades(args) => rades::run(&args, out)?,
        Command::Eqd2(args) => eqd2::run(&args, out)?,
        Command::Rules(args) => rules::run(&args, out)?,
        Command::Evaluate(args) => evaluate::run(&args, out)?,
        Command::Phantom(args) => phantom::run(&args, out)?,
        Command::Completions(args) => shell::completions(&args, out)?,
        Command::Man(args) => shell::man(&args, out)?,
    }
    // A buffered write fails only here; left to the drop it would be lost in silence.
    Ok(out.flush()?)
}

/// Prints the error as `error: ...` and `hint: ...`, and gives its exit status.
fn fail(error: &anyhow::Error) -> ExitCode {
    // A reader that closes the pipe (`| head`) has what it wanted: neither a failure nor worth a word.
    if is_broken_pipe(error) {
        return ExitCode::from(exit_status::ANALYSED);
    }
    let status = exit_status::of(error);
    // Standard error may be closed too, and there is nowhere left to say so.
    let _ = match error.downcast_ref::<clap::Error>() {
        Some(usage) => report_usage(usage),
        None => report_failure(error),
    };
    ExitCode::from(status)
}

fn report_failure(error: &anyhow::Error) -> io::Result<()> {
    let mut stderr = io::stderr().lock();
    writeln!(stderr, "error: {error:#}")?;
    match error.chain().find_map(|cause| cause.downcast_ref::<ExitError>()).and_then(ExitError::hint) {
        Some(hint) => writeln!(stderr, "hint: {hint}"),
        None => Ok(()),
    }
}

/// Refused values are worded by us, so that every refusal names the option, the value and what is accepted; the rest
/// (help, version, unknown or missing options) is worded by clap.
fn report_usage(usage: &clap::Error) -> io::Result<()> {
    let source = std::error::Error::source(usage).and_then(|source| source.downcast_ref::<BadValue>());
    match (usage.kind(), usage.get(ContextKind::InvalidArg), source) {
        (ErrorKind::ValueValidation, Some(ContextValue::String(option)), Some(bad)) => {
            let mut stderr = io::stderr().lock();
            // A positional argument is named "[SCHEDULE]..." by clap.
            let option = option.trim_matches(['[', ']', '.']);
            writeln!(stderr, "error: {option}: {bad}")?;
            writeln!(stderr, "hint: {}", bad.hint())
        }
        _ => usage.print(),
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let kind = match cause.downcast_ref::<serde_json::Error>() {
            Some(json) => json.io_error_kind(),
            None => cause.downcast_ref::<io::Error>().map(io::Error::kind),
        };
        kind == Some(io::ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_closed_pipe_is_recognised_through_its_wrappings() {
        let closed = || io::Error::from(io::ErrorKind::BrokenPipe);
        assert!(is_broken_pipe(&anyhow::Error::from(closed()).context("writing the report")));
        assert!(is_broken_pipe(&serde_json::Error::io(closed()).into()));
        assert!(!is_broken_pipe(&io::Error::from(io::ErrorKind::NotFound).into()));
    }
}
