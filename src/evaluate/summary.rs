//! The figures of one case and of all cases together.

use super::compare::{Case, Section};
use super::lesions::{LesionSummary, Lesions};
use super::quantity::{Pair, Quantity};
use super::statistics::{CaseMeans, Coverage, ErrorStats, percent, short};
use serde::Serialize;
use std::collections::BTreeMap;

/// What the comparison came to. Only closed ring sections are counted, unless said otherwise.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    pub sections: SectionCounts,
    /// Errors of each quantity.
    pub errors: BTreeMap<Quantity, Errors>,
    /// The 30/50 flag in the sections whose truth is more than five points from the other answer.
    pub flags_decided: FlagCounts,
    /// The same in all sections.
    pub flags_all: FlagCounts,
    pub lesions: LesionSummary,
}

/// How many sections there are, and how many of them have numbers.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SectionCounts {
    /// Ring sections of the truth.
    pub rings: usize,
    /// Of them: measured.
    pub measured: usize,
    /// Share of them, percent.
    #[serde(serialize_with = "short")]
    pub measured_percent: Option<f64>,
    /// Ring sections that lost something.
    pub lysed: usize,
    /// Of them: measured.
    pub lysed_measured: usize,
    /// Ring sections that were not measured, by the reason.
    pub not_measured: BTreeMap<String, usize>,
    /// Sections of the truth that are no ring: not compared.
    pub no_rings: usize,
    /// Of them: measured all the same.
    pub no_rings_measured: usize,
}

/// Errors over all measured sections, and over the lysed ones alone, which intact ones cannot dilute.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Errors {
    pub all: Subset,
    pub lysed: Subset,
}

/// Errors and intervals of a set of sections.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Subset {
    #[serde(flatten)]
    pub stats: ErrorStats,
    /// How often the 95 % intervals hold the truth; n is 0 for what has no interval.
    pub interval: Coverage,
}

/// Errors with every case counted the same, over all measured sections and over the lysed ones.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ErrorsOfCases {
    pub all: CaseMeans,
    pub lysed: CaseMeans,
}

impl Subset {
    fn of(pairs: &[Pair]) -> Self {
        let errors: Vec<f64> = pairs.iter().map(Pair::error).collect();
        Self { stats: ErrorStats::of(&errors), interval: Coverage::of(pairs) }
    }
}

/// How often the 30/50 flag is right. What was not measured is not flagged, which is wrong where the truth is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct FlagCounts {
    pub sections: usize,
    /// Sections that the truth flags.
    pub truly_flagged: usize,
    /// Flagged by the report, not by the truth.
    pub false_flags: usize,
    /// Flagged by the truth, not by the report.
    pub missed_flags: usize,
}

impl FlagCounts {
    fn of<'a>(sections: impl Iterator<Item = &'a Section>, decided_only: bool) -> Self {
        let mut counts = Self::default();
        for flag in sections.filter_map(|section| section.flag).filter(|flag| flag.decided || !decided_only) {
            counts.sections += 1;
            counts.truly_flagged += usize::from(flag.truth);
            counts.false_flags += usize::from(flag.found && !flag.truth);
            counts.missed_flags += usize::from(flag.truth && !flag.found);
        }
        counts
    }

    /// Flags that contradict the truth.
    pub fn wrong(&self) -> usize {
        self.false_flags + self.missed_flags
    }
}

impl Summary {
    /// The errors of one quantity.
    pub fn of(&self, quantity: Quantity) -> &Errors {
        // Every summary is built with all of them.
        &self.errors[&quantity]
    }
}

/// All sections of all cases as one set: a case counts as much as it has sections.
pub fn pooled(cases: &[Case]) -> Summary {
    let errors = Quantity::ALL.map(|quantity| {
        let pairs = |lysed_only: bool| -> Vec<Pair> {
            cases.iter().flat_map(|case| pairs_of(case, quantity, lysed_only)).collect()
        };
        (quantity, Errors { all: Subset::of(&pairs(false)), lysed: Subset::of(&pairs(true)) })
    });
    let rings = || cases.iter().flat_map(Case::sections).filter(|section| section.ring);
    let lesions = cases.iter().flat_map(|case| case.bones.iter().map(|bone| (&bone.lesions, case.slice_spacing_mm)));
    let lesions: Vec<(&Lesions, f64)> = lesions.collect();
    Summary {
        sections: count_sections(cases),
        errors: BTreeMap::from(errors),
        flags_decided: FlagCounts::of(rings(), true),
        flags_all: FlagCounts::of(rings(), false),
        lesions: LesionSummary::of(lesions.iter().copied()),
    }
}

/// The figures of each quantity with every case counted the same: over all sections, and over the lysed ones.
pub fn mean_of_cases(cases: &[Case]) -> BTreeMap<Quantity, ErrorsOfCases> {
    let means = |quantity: Quantity, lysed_only: bool| {
        let errors = |case: &Case| pairs_of(case, quantity, lysed_only).map(|pair| pair.error()).collect();
        CaseMeans::of(&cases.iter().map(errors).collect::<Vec<_>>())
    };
    let both = |quantity| ErrorsOfCases { all: means(quantity, false), lysed: means(quantity, true) };
    Quantity::ALL.into_iter().map(|quantity| (quantity, both(quantity))).collect()
}

fn pairs_of(case: &Case, quantity: Quantity, lysed_only: bool) -> impl Iterator<Item = Pair> {
    case.pairs(quantity).filter(move |(section, _)| section.is_lysed() || !lysed_only).map(|(_, pair)| pair)
}

fn count_sections(cases: &[Case]) -> SectionCounts {
    let mut counts = SectionCounts::default();
    for section in cases.iter().flat_map(Case::sections) {
        let measured = usize::from(section.measured);
        if !section.ring {
            counts.no_rings += 1;
            counts.no_rings_measured += measured;
            continue;
        }
        counts.rings += 1;
        counts.measured += measured;
        if section.is_lysed() {
            counts.lysed += 1;
            counts.lysed_measured += measured;
        }
        if let Some(reason) = &section.not_measured_because {
            *counts.not_measured.entry(reason.clone()).or_default() += 1;
        }
    }
    counts.measured_percent = percent(counts.measured, counts.rings);
    counts
}
