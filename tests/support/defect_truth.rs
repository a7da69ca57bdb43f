//! Reports held against the truth of the defects that were cut into real bones.

#![allow(dead_code)] // Each test binary uses its own part.

use super::program::{bone_and_side, bones, slices};
use serde_json::Value;
use std::path::Path;

/// Largest mean absolute errors, in points.
pub const AXIAL_BOUND: f64 = 2.5;
pub const CIRCUMFERENTIAL_BOUND: f64 = 2.0;
/// Slices of a bone report are those of the truth when their z differs by less, mm.
const SAME_SLICE_MM: f64 = 0.1;
/// A flag must be right where the truth is further than this from the thresholds, in points: the truth itself is good
/// to about two.
const DECIDED_POINTS: f64 = 5.0;

/// What was removed from one section.
#[derive(Debug, Clone, Copy)]
pub struct TrueSlice {
    pub z_mm: f64,
    /// Percent of the section's cortical mass.
    pub axial: f64,
    /// Percent of the circumference that lost more than 30 % of its cortex.
    pub circumferential: f64,
}

impl TrueSlice {
    /// Whether the slice must carry the 30/50 flag; `None` where the truth is too near to a threshold to say.
    fn flagged(&self) -> Option<bool> {
        let margin = (self.axial - 30.0).min(self.circumferential - 50.0);
        (margin.abs() > DECIDED_POINTS).then_some(margin > 0.0)
    }
}

/// The sections of a truth file that are closed rings.
pub fn read_rings(path: &Path) -> Vec<TrueSlice> {
    let text = std::fs::read_to_string(path).expect("the truth can be read");
    let truth: Value = serde_json::from_str(&text).expect("the truth is JSON");
    let number = |slice: &Value, name: &str| slice[name].as_f64().expect("a number");
    let rings = truth["slices"].as_array().expect("slices").iter().filter(|slice| slice["ring"] == true);
    rings
        .map(|slice| TrueSlice {
            z_mm: number(slice, "z"),
            axial: number(slice, "axial"),
            circumferential: number(slice, "circ30"),
        })
        .collect()
}

/// The bone of a report that holds the most sections of the truth, compared with it.
pub struct Comparison {
    pub case: String,
    /// Name and side.
    pub bone: String,
    /// Sections of the truth, measured or not.
    pub rings: usize,
    /// Measured minus true percent, axial and circumferential, of every measured section.
    pub errors: Vec<[f64; 2]>,
    /// Those of the sections that lost something, which intact ones cannot dilute.
    pub lysed: Vec<[f64; 2]>,
    /// How many 95 % intervals of the lysed sections hold the truth, axial and circumferential.
    pub covered: [usize; 2],
    /// Flags that contradict the truth, in words.
    pub wrong_flags: Vec<String>,
}

impl Comparison {
    pub fn new(case: &str, report: &Value, truth: &[TrueSlice]) -> Self {
        let bone = bones(report).iter().max_by_key(|bone| truth.iter().filter(|t| slice_at(bone, t).is_some()).count());
        let bone = bone.expect("a bone");
        let mut comparison = Comparison {
            case: case.to_owned(),
            bone: bone_and_side(bone),
            rings: truth.len(),
            errors: Vec::new(),
            lysed: Vec::new(),
            covered: [0, 0],
            wrong_flags: Vec::new(),
        };
        for truth in truth {
            let slice = slice_at(bone, truth);
            let percent = |name: &str| slice.and_then(|slice| slice[name].as_f64());
            let found = percent("axial_lysis_percent").zip(percent("circumferential_lysis_percent"));
            if let Some((axial, circ)) = found {
                let error = [axial - truth.axial, circ - truth.circumferential];
                comparison.errors.push(error);
                comparison.lysed.extend((truth.axial > 0.0).then_some(error));
                for (n, (name, value)) in
                    [("axial_lysis_ci95", truth.axial), ("circumferential_lysis_ci95", truth.circumferential)]
                        .iter()
                        .enumerate()
                {
                    let bound = |end: usize| slice.and_then(|s| s[*name][end].as_f64()).unwrap_or(f64::NAN);
                    let holds = bound(0) <= *value && *value <= bound(1);
                    comparison.covered[n] += usize::from(truth.axial > 0.0 && holds);
                }
            }
            // A section that was not measured is not flagged, which is wrong where the truth is.
            let flagged = slice.is_some_and(|slice| slice["flagged"] == true);
            if truth.flagged().is_some_and(|wanted| wanted != flagged) {
                comparison.wrong_flags.push(format!("flagged {flagged}, measured {found:.1?}, {truth:.1?}"));
            }
        }
        comparison
    }

    /// All cases as one.
    pub fn pooled(cases: &[Comparison]) -> Self {
        Comparison {
            case: "pooled".into(),
            bone: String::new(),
            rings: cases.iter().map(|case| case.rings).sum(),
            errors: cases.iter().flat_map(|case| case.errors.iter().copied()).collect(),
            lysed: cases.iter().flat_map(|case| case.lysed.iter().copied()).collect(),
            covered: [0, 1].map(|n| cases.iter().map(|case| case.covered[n]).sum()),
            wrong_flags: cases.iter().flat_map(|case| case.wrong_flags.iter().cloned()).collect(),
        }
    }

    /// Mean absolute error over every measured section, axial and circumferential.
    pub fn mean(&self) -> [f64; 2] {
        mean_of(&self.errors)
    }

    /// The absolute error that this share of the sections does not exceed, axial and circumferential.
    pub fn quantile(&self, share: f64) -> [f64; 2] {
        [0, 1].map(|n| {
            let mut errors: Vec<f64> = self.errors.iter().map(|e| e[n].abs()).collect();
            errors.sort_by(f64::total_cmp);
            errors.get(((errors.len() as f64 * share).ceil() as usize).saturating_sub(1)).copied().unwrap_or(f64::NAN)
        })
    }

    /// Axial, then circumferential: mean absolute error of all sections and of the lysed ones, the error that 95 % of
    /// the sections do not exceed, the largest.
    pub const HEADING: &str = "case     bone          measured   MAE all      MAE lysed    p95          worst";

    /// One line below [`Self::HEADING`].
    pub fn row(&self) -> String {
        let measured = format!("{}/{}", self.errors.len(), self.rings);
        let columns = [self.mean(), mean_of(&self.lysed), self.quantile(0.95), self.quantile(1.0)];
        let columns = columns.map(|[axial, circ]| format!("  {axial:5.2} {circ:5.2}"));
        format!("{:8} {:13} {measured:>8}{}", self.case, self.bone, columns.concat())
    }

    /// What misses the bounds, in words. Empty when all is well.
    pub fn failures(&self) -> Vec<String> {
        let [axial, circ] = self.mean();
        let mut failures = self.wrong_flags.clone();
        // NaN, of a bone without a measured section, fails too.
        if axial.is_nan() || axial > AXIAL_BOUND {
            failures.push(format!("axial error {axial:.2} points"));
        }
        if circ.is_nan() || circ > CIRCUMFERENTIAL_BOUND {
            failures.push(format!("circumferential error {circ:.2} points"));
        }
        if self.errors.len() * 10 < self.rings * 8 {
            failures.push(format!("only {} of {} sections measured", self.errors.len(), self.rings));
        }
        failures.iter().map(|failure| format!("{}: {failure}", self.case)).collect()
    }
}

/// Mean absolute error, axial and circumferential.
pub fn mean_of(errors: &[[f64; 2]]) -> [f64; 2] {
    [0, 1].map(|n| errors.iter().map(|e| e[n].abs()).sum::<f64>() / errors.len() as f64)
}

fn slice_at<'a>(bone: &'a Value, truth: &TrueSlice) -> Option<&'a Value> {
    slices(bone).iter().find(|slice| slice["z_mm"].as_f64().is_some_and(|z| (z - truth.z_mm).abs() < SAME_SLICE_MM))
}
