//! Which truth belongs to which report.

use super::error::InputError;
use super::read_reports::ReportFile;
use super::read_truth::TruthFile;
use serde::Serialize;
use std::collections::HashMap;

/// How a report found its truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PairedBy {
    /// Both tell the same series.
    SeriesUid,
    /// Both have the same name.
    Name,
    /// There is one truth for all reports.
    OnlyTruth,
    /// As many of one as of the other: in the order in which they were given.
    Order,
}

impl PairedBy {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Self::SeriesUid => "series UID",
            Self::Name => "name",
            Self::OnlyTruth => "only truth",
            Self::Order => "order given",
        }
    }
}

/// Per report the index of its truth. Every report must have one, and every truth a report: a case left out in silence
/// would flatter.
///
/// By the series where the truth tells it; else by name (folder or file of the report, file of the truth or the name
/// in it). When not a single one is paired so: one truth alone is that of all reports, and as many truths as reports
/// are paired in order.
pub fn pair_up(truths: &[TruthFile], reports: &[ReportFile]) -> Result<Vec<(usize, PairedBy)>, InputError> {
    let mut pairs: Vec<Option<(usize, PairedBy)>> = Vec::with_capacity(reports.len());
    for report in reports {
        pairs.push(by_series(truths, report)?.or_else(|| by_name(truths, report)));
    }
    if pairs.iter().all(Option::is_none) {
        let told = truths.iter().any(|file| file.truth.series_instance_uid.is_some());
        pairs = match truths.len() {
            1 => vec![Some((0, PairedBy::OnlyTruth)); reports.len()],
            n if n == reports.len() && !told => (0..n).map(|n| Some((n, PairedBy::Order))).collect(),
            _ => pairs,
        };
    }
    let truths_left = truths.iter().enumerate().filter(|(n, _)| !pairs.iter().flatten().any(|(used, _)| used == n));
    let truths_left: Vec<String> = truths_left.map(|(_, file)| describe(&file.name, &file.path)).collect();
    let reports_left = reports.iter().zip(&pairs).filter(|(_, pair)| pair.is_none());
    let reports_left: Vec<String> = reports_left.map(|(file, _)| describe(&file.name, &file.path)).collect();
    if truths_left.is_empty() && reports_left.is_empty() {
        return Ok(pairs.into_iter().flatten().collect());
    }
    let list = |names: Vec<String>| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    Err(InputError::new(
        "truths and reports do not pair up",
        format!("truths without a report: {}; reports without a truth: {}", list(truths_left), list(reports_left)),
        "name a truth file like the report's folder (d1.truth.json for d1/report.json), or write series_instance_uid into \
         it; leave out what is not to be compared",
    ))
}

/// The names of the cases: those of the reports, numbered where two are the same.
pub fn case_names(reports: &[ReportFile]) -> Vec<String> {
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let numbered = reports.iter().map(|report| {
        let count = seen.entry(&report.name).or_default();
        *count += 1;
        if *count == 1 { report.name.clone() } else { format!("{} ({count})", report.name) }
    });
    numbered.collect()
}

fn describe(name: &str, path: &std::path::Path) -> String {
    format!("{name} ({})", path.display())
}

fn by_series(truths: &[TruthFile], report: &ReportFile) -> Result<Option<(usize, PairedBy)>, InputError> {
    let uid = &report.report.series.series_instance_uid;
    let same = |file: &&TruthFile| !uid.is_empty() && file.truth.series_instance_uid.as_ref() == Some(uid);
    let found: Vec<&TruthFile> = truths.iter().filter(same).collect();
    if let [first, second, ..] = found[..] {
        let reason =
            format!("{} and {} both tell the truth of its series", first.path.display(), second.path.display());
        return Err(InputError::new(report.path.display(), reason, "leave one of them out"));
    }
    Ok(truths.iter().position(|file| same(&file)).map(|n| (n, PairedBy::SeriesUid)))
}

/// A truth of another series is taken too, for the comparison to say so.
fn by_name(truths: &[TruthFile], report: &ReportFile) -> Option<(usize, PairedBy)> {
    let of_file = truths.iter().position(|file| file.name == report.name);
    let of_name = || truths.iter().position(|file| !file.truth.name.is_empty() && file.truth.name == report.name);
    of_file.or_else(of_name).map(|n| (n, PairedBy::Name))
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    fn truth(name: &str, uid: Option<&str>) -> TruthFile {
        let mut truth = fixture::truth(Vec::new());
        truth.series_instance_uid = uid.map(Into::into);
        TruthFile { path: format!("{name}.truth.json").into(), name: name.into(), truth }
    }

    fn report(name: &str, uid: &str) -> ReportFile {
        let mut report = fixture::report(Vec::new());
        report.series.series_instance_uid = uid.into();
        ReportFile { path: format!("{name}/report.json").into(), name: name.into(), report }
    }

    #[test]
    fn the_series_decides_before_the_name_and_the_name_before_the_order() {
        let truths = [truth("a", Some("2")), truth("b", Some("1")), truth("c", None)];
        let reports = [report("a", "1"), report("c", "3"), report("b", "2")];
        let paired = pair_up(&truths, &reports).unwrap();
        assert_eq!(paired, [(1, PairedBy::SeriesUid), (2, PairedBy::Name), (0, PairedBy::SeriesUid)]);
        let reports = [report("x", "1"), report("y", "3")];
        assert_eq!(pair_up(&truths[2..], &reports).unwrap(), [(0, PairedBy::OnlyTruth), (0, PairedBy::OnlyTruth)]);
        let ordered = pair_up(&[truth("p", None), truth("q", None)], &reports).unwrap();
        assert_eq!(ordered, [(0, PairedBy::Order), (1, PairedBy::Order)]);
    }

    #[test]
    fn what_is_left_over_is_an_error_that_lists_both_sides() {
        let truths = [truth("a", None), truth("b", None)];
        let error = pair_up(&truths, &[report("a", "1"), report("x", "2")]).unwrap_err().to_string();
        assert!(error.contains("truths without a report: b (b.truth.json)"), "{error}");
        assert!(error.contains("reports without a truth: x (x/report.json)"), "{error}");
        let error = pair_up(&truths, &[report("a", "1")]).unwrap_err().to_string();
        assert!(error.contains("reports without a truth: none"), "{error}");
        let twice = [truth("a", Some("1")), truth("b", Some("1"))];
        assert!(pair_up(&twice, &[report("x", "1")]).unwrap_err().to_string().contains("both tell the truth"));
    }

    #[test]
    fn two_reports_of_one_name_stay_apart() {
        assert_eq!(case_names(&[report("a", "1"), report("b", "2"), report("a", "3")]), ["a", "b", "a (2)"]);
    }
}
