//! Reports held against what is true: errors per section, per case and pooled.
//!
//! A truth ([`crate::phantom::truth`], or the file of someone else) tells per section of a bone what is gone; a report
//! tells what was measured. Errors are measured minus true: percentage points, mm², mm. Only closed ring sections are
//! compared; the others are counted.
//!
//! ```no_run
//! use corticalysis::evaluate::{Case, Quantity, pooled, read_report, read_truth};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let truth = read_truth("d1.truth.json".as_ref())?.truth;
//! let report = read_report("d1/report.json".as_ref())?.report;
//! let case = Case::compare("d1", &report, &truth)?;
//! println!("{:?}", pooled(&[case]).of(Quantity::Axial).lysed.stats.mean_absolute);
//! # Ok(())
//! # }
//! ```
//!
//! The statistics and their definitions are in [`statistics`]; what the words mean is in `docs/evaluate.md`.

mod compare;
mod csv;
mod error;
mod evaluation;
mod figures;
mod lesions;
mod matching;
mod pairing;
mod quantity;
mod read_reports;
mod read_truth;
pub mod statistics;
mod summary;
mod text;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

pub use compare::{Case, ComparedBone, DECIDED_POINTS, Flag, Section};
pub use error::{InputError, Mismatch};
pub use evaluation::{CLUSTER_NOTE, EVALUATION_SCHEMA, Evaluation};
pub use figures::{bland_altman, true_against_measured};
pub use lesions::{LesionPair, LesionSummary, Lesions};
pub use pairing::{PairedBy, case_names, pair_up};
pub use quantity::{Pair, Quantity};
pub use read_reports::{ReportFile, read_report, read_reports};
pub use read_truth::{TruthFile, from_value, read_truth, read_truths};
pub use summary::{Errors, ErrorsOfCases, FlagCounts, SectionCounts, Subset, Summary, mean_of_cases, pooled};
pub use text::{text, wrong_flags};
