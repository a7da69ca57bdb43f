//! `corticalysis evaluate`: reports held against what is true.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::exit_status::ExitError;
use super::run_analysis::output_error;
use crate::evaluate::{Evaluation, InputError, read_reports, read_truths, text};

/// Arguments of `evaluate`.
#[derive(Debug, Args)]
pub struct EvaluateArgs {
    /// What is true: a truth file, or a folder of truth.json and *.truth.json; may be given several times
    #[arg(long, value_name = "TRUTH", required = true)]
    truth: Vec<PathBuf>,
    /// Reports: a report.json, the folder that holds it, or a folder of such folders
    #[arg(value_name = "REPORT", required = true)]
    reports: Vec<PathBuf>,
    /// Folder to write errors.csv, cases.csv, evaluation.json and two figures into, created if needed
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Print the evaluation as JSON on standard output, and nothing else there
    #[arg(long)]
    json: bool,
}

/// Compares, writes, and prints on `out`.
pub fn run(args: &EvaluateArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let truths = read_truths(&args.truth).map_err(unusable)?;
    let reports = read_reports(&args.reports).map_err(unusable)?;
    let evaluation = Evaluation::new(&truths, &reports).map_err(unusable)?;
    if let Some(dir) = &args.output {
        evaluation.write(dir).map_err(output_error)?;
    }
    let result = if args.json { evaluation.to_json()? } else { text(&evaluation) };
    out.write_all(result.as_bytes()).context("standard output")
}

fn unusable(error: InputError) -> ExitError {
    let hint = error.hint.clone();
    ExitError::input_unusable(error).with_hint(hint)
}
