//! Everything an evaluation has to say, and the files that say it.

use super::compare::Case;
use super::error::InputError;
use super::lesions::Lesions;
use super::pairing::{PairedBy, case_names, pair_up};
use super::quantity::Quantity;
use super::read_reports::ReportFile;
use super::read_truth::TruthFile;
use super::summary::{ErrorsOfCases, Summary, mean_of_cases, pooled};
use super::{csv, figures};
use crate::report::model::Tool;
use crate::report::{ReportError, write_files};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Name and version of the format of `evaluation.json`.
pub const EVALUATION_SCHEMA: &str = "corticalysis/evaluation/v1";

/// What limits of agreement over sections do not say.
pub const CLUSTER_NOTE: &str = "Neighbouring sections of a bone share their errors: pooled over sections, the limits of \
     agreement and the SD describe these sections, not what to expect of a new patient. The mean of cases counts every case \
     once; its limits add the variance between cases.";

/// Reports compared with their truths.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    pub cases: Vec<Case>,
    /// Per case: the truth's file name, and how the two were paired.
    pub truths: Vec<(String, PairedBy)>,
}

impl Evaluation {
    /// Pairs reports with truths and compares them.
    pub fn new(truths: &[TruthFile], reports: &[ReportFile]) -> Result<Self, InputError> {
        let pairs = pair_up(truths, reports)?;
        let mut evaluation = Self { cases: Vec::new(), truths: Vec::new() };
        for ((report, name), (truth, paired_by)) in reports.iter().zip(case_names(reports)).zip(pairs) {
            let truth = &truths[truth];
            let case = Case::compare(&name, &report.report, &truth.truth).map_err(|mismatch| {
                let both = format!("{} and {}", report.path.display(), truth.path.display());
                let how = format!("{mismatch} (paired by {})", paired_by.words());
                InputError::new(both, how, "give each report the truth of its own CT series")
            })?;
            evaluation.cases.push(case);
            let file = truth.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            evaluation.truths.push((file, paired_by));
        }
        Ok(evaluation)
    }

    /// `evaluation.json`: the same input gives the same bytes.
    pub fn to_json(&self) -> Result<String, ReportError> {
        let mut text = serde_json::to_string_pretty(&self.printed())
            .map_err(|error| ReportError::Format { format: "JSON", reason: error.to_string() })?;
        text.push('\n');
        Ok(text)
    }

    /// Writes `errors.csv`, `cases.csv`, `bland-altman.svg`, `true-against-measured.svg` and `evaluation.json` into
    /// `dir`, which is made if it does not exist: all of them or none.
    pub fn write(&self, dir: &Path) -> Result<(), ReportError> {
        let table = |error: ::csv::Error| ReportError::Format { format: "CSV", reason: error.to_string() };
        let json = "evaluation.json";
        let files = BTreeMap::from([
            ("errors.csv".to_owned(), csv::errors_csv(&self.cases).map_err(table)?),
            ("cases.csv".to_owned(), csv::cases_csv(&self.cases).map_err(table)?),
            ("bland-altman.svg".to_owned(), figures::bland_altman(&self.cases).into_bytes()),
            ("true-against-measured.svg".to_owned(), figures::true_against_measured(&self.cases).into_bytes()),
            (json.to_owned(), self.to_json()?.into_bytes()),
        ]);
        write_files(dir, &files, json, || Ok(()))
    }

    fn printed(&self) -> Printed<'_> {
        let cases = self.cases.iter().zip(&self.truths).map(|(case, (truth, paired_by))| PrintedCase {
            name: &case.name,
            truth,
            paired_by: *paired_by,
            depth: case.depth,
            slice_spacing_mm: case.slice_spacing_mm,
            summary: case.summary(),
            bones: case.bones.iter().map(PrintedBone::of).collect(),
            bones_without_truth: &case.without_truth,
        });
        Printed {
            schema: EVALUATION_SCHEMA,
            tool: Tool { name: env!("CARGO_PKG_NAME").into(), version: env!("CARGO_PKG_VERSION").into() },
            note: CLUSTER_NOTE,
            pooled: pooled(&self.cases),
            mean_of_cases: mean_of_cases(&self.cases),
            cases: cases.collect(),
        }
    }
}

#[derive(Serialize)]
struct Printed<'a> {
    schema: &'static str,
    tool: Tool,
    note: &'static str,
    pooled: Summary,
    mean_of_cases: BTreeMap<Quantity, ErrorsOfCases>,
    cases: Vec<PrintedCase<'a>>,
}

#[derive(Serialize)]
struct PrintedCase<'a> {
    name: &'a str,
    truth: &'a str,
    paired_by: PairedBy,
    depth: f64,
    slice_spacing_mm: f64,
    summary: Summary,
    bones: Vec<PrintedBone<'a>>,
    bones_without_truth: &'a [String],
}

#[derive(Serialize)]
struct PrintedBone<'a> {
    truth: &'a str,
    found: Option<&'a str>,
    misnamed: bool,
    /// z of the sections that are no ring and were measured all the same.
    no_rings_measured_at_mm: Vec<f64>,
    lesions: &'a Lesions,
}

impl<'a> PrintedBone<'a> {
    fn of(bone: &'a super::compare::ComparedBone) -> Self {
        Self {
            truth: &bone.truth_name,
            found: bone.found_name.as_deref(),
            misnamed: bone.misnamed,
            no_rings_measured_at_mm: bone.no_rings_measured_at_mm(),
            lesions: &bone.lesions,
        }
    }
}
