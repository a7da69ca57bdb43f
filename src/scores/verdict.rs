//! The answer of a criterion, and how answers combine when a measurement carries an interval.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::estimate::Estimate;

/// Whether a criterion holds. Written in JSON as `true`, `false`, `"indeterminate"` or `null`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// The whole 95 % interval fulfils the criterion.
    Met,
    /// No part of the 95 % interval fulfils the criterion.
    NotMet,
    /// The threshold lies inside the 95 % interval: neither yes nor no may be claimed.
    Indeterminate,
    /// The quantity was not measured, so the criterion was not asked.
    NotEvaluated,
}

impl Verdict {
    /// Is the estimate above the threshold (strictly)?
    pub fn above(estimate: Estimate, threshold: f64) -> Self {
        // Written so that NaN falls through to indeterminate: both comparisons are then false.
        if estimate.low > threshold {
            Self::Met
        } else if estimate.high <= threshold {
            Self::NotMet
        } else {
            Self::Indeterminate
        }
    }

    /// Is the estimate at or above the threshold?
    pub fn at_least(estimate: Estimate, threshold: f64) -> Self {
        if estimate.low >= threshold {
            Self::Met
        } else if estimate.high < threshold {
            Self::NotMet
        } else {
            Self::Indeterminate
        }
    }

    /// The verdict on a fact known without error.
    pub fn from_bool(met: bool) -> Self {
        if met { Self::Met } else { Self::NotMet }
    }

    /// Kleene "and": one certain no decides; otherwise any doubt is kept.
    pub fn all(verdicts: impl IntoIterator<Item = Self>) -> Self {
        Self::combine(verdicts, Self::NotMet, Self::Met)
    }

    /// Kleene "or": one certain yes decides; otherwise any doubt is kept.
    pub fn any(verdicts: impl IntoIterator<Item = Self>) -> Self {
        Self::combine(verdicts, Self::Met, Self::NotMet)
    }

    /// `deciding` wins over everything; unanimity of the other certain answer gives that answer; nothing evaluated at all
    /// stays not evaluated; a mixture of answers and gaps is indeterminate, because a gap might have decided.
    fn combine(verdicts: impl IntoIterator<Item = Self>, deciding: Self, unanimous: Self) -> Self {
        let (mut some, mut doubt, mut gap) = (false, false, false);
        for verdict in verdicts {
            match verdict {
                v if v == deciding => return deciding,
                Self::NotEvaluated => gap = true,
                Self::Indeterminate => (some, doubt) = (true, true),
                _ => some = true,
            }
        }
        match (some, doubt || gap) {
            (false, _) => Self::NotEvaluated,
            (true, true) => Self::Indeterminate,
            (true, false) => unanimous,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Met => "met",
            Self::NotMet => "not met",
            Self::Indeterminate => "indeterminate",
            Self::NotEvaluated => "not evaluated",
        })
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Met => serializer.serialize_bool(true),
            Self::NotMet => serializer.serialize_bool(false),
            Self::Indeterminate => serializer.serialize_str("indeterminate"),
            Self::NotEvaluated => serializer.serialize_none(),
        }
    }
}

impl<'de> Deserialize<'de> for Verdict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Raw {
            Known(bool),
            Word(String),
        }
        match Option::<Raw>::deserialize(deserializer)? {
            None => Ok(Self::NotEvaluated),
            Some(Raw::Known(met)) => Ok(Self::from_bool(met)),
            Some(Raw::Word(word)) if word == "indeterminate" => Ok(Self::Indeterminate),
            Some(Raw::Word(word)) => {
                Err(serde::de::Error::custom(format!("met is \"{word}\", not true, false or \"indeterminate\"")))
            }
        }
    }
}

impl JsonSchema for Verdict {
    fn schema_name() -> Cow<'static, str> {
        "Verdict".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "true: met; false: not met; \"indeterminate\": the threshold lies inside the 95 % interval; null: not evaluated",
            "enum": [true, false, "indeterminate", null]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{Indeterminate, Met, NotEvaluated, NotMet};
    use super::*;

    fn interval(low: f64, high: f64) -> Estimate {
        Estimate { value: (low + high) / 2.0, low, high }
    }

    #[test]
    fn above_is_strict_at_the_threshold() {
        assert_eq!(Verdict::above(Estimate::exact(30.0), 30.0), NotMet);
        assert_eq!(Verdict::above(Estimate::exact(30.0_f64.next_up()), 30.0), Met);
        assert_eq!(Verdict::above(Estimate::exact(30.0_f64.next_down()), 30.0), NotMet);
    }

    #[test]
    fn at_least_includes_the_threshold() {
        assert_eq!(Verdict::at_least(Estimate::exact(45.0), 45.0), Met);
        assert_eq!(Verdict::at_least(Estimate::exact(45.0_f64.next_down()), 45.0), NotMet);
    }

    #[test]
    fn an_interval_around_the_threshold_decides_nothing() {
        assert_eq!(Verdict::above(interval(29.0, 31.0), 30.0), Indeterminate);
        assert_eq!(Verdict::above(interval(30.0, 31.0), 30.0), Indeterminate);
        assert_eq!(Verdict::above(interval(29.0, 30.0), 30.0), NotMet);
        assert_eq!(Verdict::at_least(interval(29.0, 30.0), 30.0), Indeterminate);
        assert_eq!(Verdict::at_least(interval(30.0, 31.0), 30.0), Met);
    }

    #[test]
    fn nan_is_never_a_yes_or_a_no() {
        assert_eq!(Verdict::above(Estimate::exact(f64::NAN), 30.0), Indeterminate);
        assert_eq!(Verdict::at_least(Estimate::exact(f64::NAN), 30.0), Indeterminate);
    }

    #[test]
    fn kleene_tables() {
        assert_eq!(Verdict::any([NotMet, Indeterminate, Met]), Met);
        assert_eq!(Verdict::any([NotMet, Indeterminate]), Indeterminate);
        assert_eq!(Verdict::any([NotMet, NotEvaluated]), Indeterminate);
        assert_eq!(Verdict::any([NotMet, NotMet]), NotMet);
        assert_eq!(Verdict::any([NotEvaluated, NotEvaluated]), NotEvaluated);
        assert_eq!(Verdict::any([]), NotEvaluated);
        assert_eq!(Verdict::all([Met, Indeterminate, NotMet]), NotMet);
        assert_eq!(Verdict::all([Met, Indeterminate]), Indeterminate);
        assert_eq!(Verdict::all([Met, NotEvaluated]), Indeterminate);
        assert_eq!(Verdict::all([Met, Met]), Met);
    }

    #[test]
    fn json_has_four_spellings() {
        let all = [Met, NotMet, Indeterminate, NotEvaluated];
        assert_eq!(serde_json::to_string(&all).unwrap(), r#"[true,false,"indeterminate",null]"#);
    }
}
