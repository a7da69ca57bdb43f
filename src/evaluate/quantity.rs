//! What is compared in each section, and one comparison of it.

use super::statistics::rounded;
use serde::{Serialize, Serializer};

/// A quantity that both a truth and a report may hold for a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Share of the section's cortical mass that is gone, percent.
    Axial,
    /// Share of the periosteal contour that lost more than 30 %, percent.
    Circumferential,
    /// The same at 50 %.
    #[serde(rename = "circumferential_0.50")]
    Circumferential50,
    /// The same at 99 %: through the wall.
    #[serde(rename = "circumferential_0.99")]
    Circumferential99,
    /// Equivalent area of the cortex that stands, mm².
    CorticalArea,
    /// The same when intact, mm².
    ReferenceArea,
    /// Mean thickness of the wall that stands, mm.
    MeanThickness,
}

impl Quantity {
    /// All of them, in the order of every table.
    pub const ALL: [Self; 7] = [
        Self::Axial,
        Self::Circumferential,
        Self::Circumferential50,
        Self::Circumferential99,
        Self::CorticalArea,
        Self::ReferenceArea,
        Self::MeanThickness,
    ];

    /// The name in `evaluation.json` and in the tables' headings.
    pub fn key(self) -> &'static str {
        match self {
            Self::Axial => "axial",
            Self::Circumferential => "circumferential",
            Self::Circumferential50 => "circumferential_0.50",
            Self::Circumferential99 => "circumferential_0.99",
            Self::CorticalArea => "cortical_area",
            Self::ReferenceArea => "reference_area",
            Self::MeanThickness => "mean_thickness",
        }
    }

    /// In words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Axial => "axial lysis",
            Self::Circumferential => "circumferential lysis at depth 0.30",
            Self::Circumferential50 => "circumferential lysis at depth 0.50",
            Self::Circumferential99 => "circumferential lysis at depth 0.99",
            Self::CorticalArea => "cortical area",
            Self::ReferenceArea => "cortical area when intact",
            Self::MeanThickness => "mean thickness",
        }
    }

    /// The unit of its errors.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Axial | Self::Circumferential | Self::Circumferential50 | Self::Circumferential99 => "points",
            Self::CorticalArea | Self::ReferenceArea => "mm2",
            Self::MeanThickness => "mm",
        }
    }
}

/// A true and a measured value, in the same unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    pub truth: f64,
    pub measured: f64,
    /// The 95 % interval of the measured value, where it has one.
    pub interval: Option<[f64; 2]>,
}

/// A truth this little outside of an interval is inside it: truths are sums of floating point numbers.
const SUMMATION: f64 = 0.01;

impl Pair {
    /// Measured minus true.
    pub fn error(&self) -> f64 {
        self.measured - self.truth
    }

    /// Does the interval hold the truth? `None` without an interval.
    pub fn is_covered(&self) -> Option<bool> {
        self.interval.map(|[low, high]| low - SUMMATION <= self.truth && self.truth <= high + SUMMATION)
    }
}

impl Serialize for Pair {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Printed {
            truth: Option<f64>,
            measured: Option<f64>,
            error: Option<f64>,
            ci95: Option<[Option<f64>; 2]>,
        }
        let ci95 = self.interval.map(|ends| ends.map(rounded));
        let [truth, measured, error] = [self.truth, self.measured, self.error()].map(rounded);
        Printed { truth, measured, error, ci95 }.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_are_what_serde_writes() {
        for quantity in Quantity::ALL {
            assert_eq!(serde_json::to_value(quantity).unwrap(), quantity.key());
        }
    }

    #[test]
    fn an_interval_holds_its_ends() {
        let pair = |truth| Pair { truth, measured: 10.0, interval: Some([8.0, 12.0]) };
        assert_eq!((pair(8.0).is_covered(), pair(12.0).is_covered()), (Some(true), Some(true)));
        assert_eq!((pair(7.9).is_covered(), pair(12.1).is_covered()), (Some(false), Some(false)));
        assert_eq!(Pair { interval: None, ..pair(8.0) }.is_covered(), None);
        assert_eq!(pair(8.0).error(), 2.0);
    }
}
