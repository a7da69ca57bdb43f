//! The program as a user starts it, and its report read back.

#![allow(dead_code)] // Each test binary uses its own part.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;

/// What a run left behind.
pub struct Run {
    /// Exit status.
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// Standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}\n{}\n{}", self.stdout, self.stderr))
    }
}

/// Runs `corticalysis` with these arguments to its end.
pub fn corticalysis<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Run {
    let output = Command::new(cargo_bin!("corticalysis")).args(args).output().expect("the program starts");
    let Output { status, stdout, stderr } = output;
    Run {
        status: status.code().expect("the program ends by itself"),
        stdout: String::from_utf8(stdout).expect("standard output is UTF-8"),
        stderr: String::from_utf8(stderr).expect("standard error is UTF-8"),
    }
}

/// `analyze PATH --json`, which must succeed.
pub fn analyzed(path: &Path) -> Value {
    let run = corticalysis([OsStr::new("analyze"), path.as_os_str(), OsStr::new("--json")]);
    assert_eq!(run.status, 0, "{}: {}", path.display(), run.stderr);
    run.json()
}

/// The bones of a report.
pub fn bones(report: &Value) -> &[Value] {
    report["bones"].as_array().expect("bones")
}

/// The slices of one bone of a report.
pub fn slices(bone: &Value) -> &[Value] {
    bone["slices"].as_array().expect("slices")
}

/// How many slices of a bone have numbers.
pub fn measured(bone: &Value) -> usize {
    slices(bone).iter().filter(|slice| slice["measured"] == true).count()
}

/// `femur left`.
pub fn bone_and_side(bone: &Value) -> String {
    let word = |name: &str| bone[name].as_str().expect("a word").to_owned();
    format!("{} {}", word("bone"), word("side"))
}

/// What a healthy bone must not have: flagged slices and lesions, in words. Empty when there is none.
pub fn findings(bone: &Value) -> Vec<String> {
    let z = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    let flagged = slices(bone).iter().filter(|slice| slice["flagged"] == true);
    let flagged = flagged.map(|slice| format!("slice at z {:.1} flagged", z(&slice["z_mm"])));
    let lesions = bone["lesions"].as_array().expect("lesions").iter().map(|lesion| {
        let range = &lesion["z_range_mm"];
        let percent = |name: &str| lesion[name].as_f64().unwrap_or(f64::NAN);
        let (axial, circ) = (percent("max_axial_lysis_percent"), percent("max_circumferential_lysis_percent"));
        format!("lesion at z {:.1} to {:.1}, {axial:.1} / {circ:.1} %", z(&range[0]), z(&range[1]))
    });
    flagged.chain(lesions).collect()
}

/// Every file below a folder by its path within it, in order.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).expect("a readable folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(folder).expect("below the folder").to_path_buf());
            }
        }
    }
    found.sort();
    found
}

/// The folder of the shared data, if it is there.
pub fn shared_data() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = std::env::var_os("CORTICALYSIS_SHARED_DATA").map_or_else(beside, PathBuf::from);
    if folder.join("ct").is_dir() {
        return Some(folder);
    }
    println!("skipped: shared data not present");
    None
}
