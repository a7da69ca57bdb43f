//! Defects cut into real bones by the program, measured, and laid beside their truth.

#![allow(dead_code)] // Each test binary uses its own part.

use super::defect_truth::compared;
use super::program::corticalysis;
use corticalysis::evaluate::Case;
use std::path::Path;

/// A defect and where it goes.
pub struct Cut<'a> {
    /// Folder of the series.
    pub series: &'a str,
    /// Kind of lesion, as `phantom --lesion` calls it.
    pub lesion: &'a str,
    /// Place along the visible shaft, percent from its lower end.
    pub at_percent: usize,
    pub angle_deg: usize,
    /// What else `phantom --into` is told.
    pub parameters: Vec<String>,
}

/// Cuts a defect into a series of `ct` and measures it. The error says why there is nothing to compare.
pub fn cut_and_measure(ct: &Path, folder: &Path, case: &str, cut: &Cut) -> Result<Case, String> {
    let out = folder.join(case.replace(' ', "-"));
    let mut args: Vec<String> = ["phantom", "--into"].map(String::from).to_vec();
    args.push(ct.join(cut.series).display().to_string());
    args.extend(["-o".into(), out.display().to_string(), "--lesion".into(), cut.lesion.into()]);
    args.extend(["--at".into(), format!("{}%", cut.at_percent), "--angle".into(), cut.angle_deg.to_string()]);
    args.extend(cut.parameters.iter().cloned());
    let run = corticalysis(&args);
    if run.status != 0 {
        return Err(format!("{case}: {}", run.stderr.lines().next().unwrap_or_default()));
    }
    let run = corticalysis(["analyze".as_ref(), out.as_os_str(), "--json".as_ref()]);
    if run.status != 0 {
        return Err(format!("{case}: {}", run.stderr.lines().last().unwrap_or_default().trim_end_matches('.')));
    }
    Ok(compared(case, &run.json(), &out.join("truth.json")))
}

/// Numbers drawn at random, the same each time (xorshift64*, Vigna 2016).
pub struct Draw(u64);

impl Draw {
    pub fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    /// A whole number from `low` to `high`.
    pub fn within(&mut self, low: usize, high: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high_bits = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        low + high_bits as usize % (high - low + 1)
    }

    /// Size and density of a lesion of this kind.
    pub fn parameters(&mut self, lesion: &str) -> Vec<String> {
        let mut told = |name: &str, low, high| [name.to_owned(), self.within(low, high).to_string()];
        if lesion == "ball" {
            return [told("--radius", 8, 18), told("--offset", 4, 14)].concat();
        }
        let mut out = [told("--half-width", 25, 100), told("--length", 18, 70)].concat();
        match lesion {
            "permeative" => out.extend(["--density-loss".to_owned(), format!("0.{}", self.within(30, 80))]),
            "sector" => out.extend(told("--taper", 6, 8)),
            _ => {}
        }
        out
    }
}
