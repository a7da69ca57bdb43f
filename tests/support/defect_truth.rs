//! Reports held against the truth of the defects that were cut into real bones, and the bounds they must keep.

#![allow(dead_code)] // Each test binary uses its own part.

use corticalysis::evaluate::{Case, Quantity, Summary, read_truth, wrong_flags};
use corticalysis::report::Report;
use serde_json::Value;
use std::path::Path;

/// Largest mean absolute errors, in points.
pub const AXIAL_BOUND: f64 = 2.5;
pub const CIRCUMFERENTIAL_BOUND: f64 = 2.0;

/// A report as it was printed, compared with a truth file.
pub fn compared(case: &str, report: &Value, truth: &Path) -> Case {
    let report: Report = serde_json::from_value(report.clone()).expect("a report");
    let truth = read_truth(truth).unwrap_or_else(|error| panic!("{error}")).truth;
    Case::compare(case, &report, &truth).unwrap_or_else(|error| panic!("{case}: {error}"))
}

/// What misses the bounds, in words. Empty when all is well.
pub fn failures(name: &str, cases: &[Case], summary: &Summary) -> Vec<String> {
    let mut failures = wrong_flags(cases);
    for (quantity, bound) in [(Quantity::Axial, AXIAL_BOUND), (Quantity::Circumferential, CIRCUMFERENTIAL_BOUND)] {
        // None, of a bone without a measured section, fails too.
        match summary.of(quantity).all.stats.mean_absolute {
            Some(error) if error <= bound => {}
            error => failures.push(format!("{} error {error:.2?} points", quantity.title())),
        }
    }
    let sections = &summary.sections;
    if sections.measured * 10 < sections.rings * 8 {
        failures.push(format!("only {} of {} sections measured", sections.measured, sections.rings));
    }
    failures.iter().map(|failure| format!("{name}: {failure}")).collect()
}

/// One line a summary: sections measured, then axial and circumferential mean absolute error of all and of lysed sections.
pub fn row(name: &str, summary: &Summary) -> String {
    let errors = [Quantity::Axial, Quantity::Circumferential].map(|quantity| {
        let errors = summary.of(quantity);
        [&errors.all, &errors.lysed].map(|subset| subset.stats.mean_absolute.unwrap_or(f64::NAN))
    });
    format!("{name:8} {}/{} measured, all and lysed: {errors:.2?}", summary.sections.measured, summary.sections.rings)
}
