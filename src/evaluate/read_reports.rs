//! Reports as `analyze` writes them.

use super::error::InputError;
use super::read_truth::{case_name, parse, read_text};
use crate::report::{Report, SCHEMA};
use std::path::{Path, PathBuf};

/// A report and where it was read.
#[derive(Debug, Clone)]
pub struct ReportFile {
    pub path: PathBuf,
    /// The name of its folder, or of the file where that is not called `report.json`.
    pub name: String,
    pub report: Report,
}

/// Reads reports: files, folders that hold a `report.json`, and folders of such folders, these in the order of their names.
pub fn read_reports(paths: &[PathBuf]) -> Result<Vec<ReportFile>, InputError> {
    let mut files = Vec::new();
    for path in paths {
        let direct = path.join("report.json");
        if !path.is_dir() {
            files.push(path.clone());
        } else if direct.exists() {
            files.push(direct);
        } else {
            let below: Vec<PathBuf> = walkdir::WalkDir::new(path)
                .sort_by_file_name()
                .into_iter()
                .filter_map(Result::ok)
                .filter(|entry| entry.file_type().is_file() && entry.file_name() == "report.json")
                .map(walkdir::DirEntry::into_path)
                .collect();
            if below.is_empty() {
                let hint = "name the folder that 'corticalysis analyze -o' wrote, or a report.json";
                return Err(InputError::new(path.display(), "no report.json in this folder", hint));
            }
            files.extend(below);
        }
    }
    let mut reports: Vec<ReportFile> = Vec::with_capacity(files.len());
    for path in &files {
        reports.push(read_report(path)?);
    }
    Ok(reports)
}

/// Reads one report.
pub fn read_report(path: &Path) -> Result<ReportFile, InputError> {
    let hint = "name a report.json that 'corticalysis analyze' wrote";
    let bad = |reason: String| InputError::new(path.display(), reason, hint);
    let value = parse(&read_text(path)?).map_err(bad)?;
    match value.get("schema").and_then(serde_json::Value::as_str) {
        Some(SCHEMA) => {}
        Some(schema) => return Err(bad(format!("is a {schema}, not a {SCHEMA}"))),
        None => return Err(bad(format!("no report: it does not say that its schema is {SCHEMA}"))),
    }
    let report = serde_json::from_value(value).map_err(|error| bad(format!("not a whole report: {error}")))?;
    Ok(ReportFile { path: path.to_path_buf(), name: case_name(path, &["report"]), report })
}
