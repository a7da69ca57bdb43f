//! Programs of others that check what this one wrote. `.ci/run` installs them; a test that lacks one says so and passes.

#![allow(dead_code)] // Each test binary uses its own part.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Past the capture of a passing test's output: whoever runs the tests is to see it.
pub fn skipped(what: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}: {why}");
}

/// A program of the system, where it is installed.
pub fn program(name: &str, of: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&folders).collect();
    folders.push("/usr/sbin".into());
    let found = folders.into_iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        skipped(name, &format!("not installed (Debian package {of}; .ci/run installs it)"));
    }
    found
}

/// A Python that has these modules: the one of `CORTICALYSIS_VALIDATORS`, or that `.ci/run` makes.
pub fn python_with(modules: &[&str], what: &str) -> Option<OsString> {
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/validators/bin/python");
    let python = std::env::var_os("CORTICALYSIS_VALIDATORS").unwrap_or_else(|| made.into());
    let modules = modules.join(", ");
    let has = Command::new(&python).args(["-c", &format!("import {modules}")]).output();
    if has.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    skipped(what, &format!("no Python that has {modules} (.ci/run makes one)"));
    None
}

/// All that a program printed.
pub fn shown(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
