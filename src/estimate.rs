//! A measured value with its 95 % interval: the one way numbers travel from the measurement to scores and report.

/// A value with its 95 % interval, in the unit that the field holding it names.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Estimate {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

impl Estimate {
    /// A value known without error.
    pub fn exact(value: f64) -> Self {
        Self { value, low: value, high: value }
    }

    /// Widens the interval to hold a larger value.
    pub fn reach(&mut self, high: f64) {
        self.high = self.high.max(high);
    }
}
