//! `corticalysis series`: lists the CT series found.

use std::io::Write;
use std::path::PathBuf;

/// Lists the CT series under `paths`, one line each, on `out`.
pub fn run(_paths: &[PathBuf], _out: &mut dyn Write) -> anyhow::Result<()> {
    anyhow::bail!("'series' is not built yet")
}
