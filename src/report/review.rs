//! `review.json`, schema `corticalysis/review/v1`: what a person who checked a report says of it. The page saves it, and
//! `analyze --review FILE` takes it in again.
//!
//! A review holds for one series and one version of the measurement. What it is about is named by what does not change when
//! the same series is analysed again: bones by name and side, lesions by their number and extent, slices by their UID and
//! position. A reader of the file must hold these against the new report, and say what it could not place.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Name and version of the format.
pub const SCHEMA: &str = "corticalysis/review/v1";

/// What one reviewer says of one report. Nothing in it names the patient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// Always `corticalysis/review/v1`.
    pub schema: String,
    /// The program that wrote the report that was reviewed.
    pub tool: super::model::Tool,
    /// The series that the report is about; empty where its files have no UID (NIfTI).
    pub series_instance_uid: String,
    /// When the review was saved, ISO 8601 (`2026-11-24T20:24:49Z`).
    pub date: String,
    /// Who reviewed, as they want to be called; may be empty.
    #[serde(default)]
    pub reviewer: String,
    /// Only the bones of which something was said, each once.
    pub bones: Vec<BoneReview>,
}

/// What was said of one bone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BoneReview {
    /// As in the report: `femur`, …, `unknown`.
    pub bone: String,
    /// As in the report: `left`, `right` or `unknown`.
    pub side: String,
    /// Lowest and highest patient z of the bone: tells apart two bones of one name.
    pub z_range_mm: [f64; 2],
    /// The pain at this bone; `null` where nothing was said.
    #[serde(default)]
    pub pain: Option<PainLevel>,
    /// Lesions that were decided on or commented.
    #[serde(default)]
    pub lesions: Vec<LesionReview>,
    /// Flagged slices that were decided on or commented.
    #[serde(default)]
    pub slices: Vec<SliceReview>,
    /// Losses of the neck, measured across its own axis, that were decided on or commented.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub neck_lesions: Vec<NeckLesionReview>,
}

/// The words of Mirels' item of pain, as [`Pain`](crate::scores::mirels::Pain) spells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PainLevel {
    /// 1 point.
    Mild,
    /// 2 points.
    Moderate,
    /// 3 points.
    Functional,
}

impl From<PainLevel> for crate::scores::mirels::Pain {
    fn from(level: PainLevel) -> Self {
        match level {
            PainLevel::Mild => Self::Mild,
            PainLevel::Moderate => Self::Moderate,
            PainLevel::Functional => Self::Functional,
        }
    }
}

/// A reviewer's decision. No decision is `null`: a comment alone changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// The finding stands.
    Accepted,
    /// The finding is none: it must not count in a rule, and is listed as rejected.
    Rejected,
}

/// What was said of one lesion of the report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LesionReview {
    /// Its number in the report that was reviewed.
    pub id: usize,
    /// Its lowest and highest patient z there: by these it is found again, should the numbers have changed.
    pub z_range_mm: [f64; 2],
    pub decision: Option<Decision>,
    /// Free text; may be empty.
    #[serde(default)]
    pub comment: String,
}

/// What was said of one loss of a neck.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NeckLesionReview {
    /// Its number in the report that was reviewed.
    pub id: usize,
    /// Where it lay there, from the head's centre along the neck: by this it is found again, should the numbers have changed.
    pub from_head_range_mm: [f64; 2],
    pub decision: Option<Decision>,
    /// Free text; may be empty.
    #[serde(default)]
    pub comment: String,
}

/// What was said of one flagged slice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SliceReview {
    /// `null` where the image has none.
    pub sop_instance_uid: Option<String>,
    /// `null` where the image has none.
    pub instance_number: Option<i64>,
    /// Patient z of the slice at the bone's centre.
    pub z_mm: f64,
    pub decision: Option<Decision>,
    /// Free text; may be empty.
    #[serde(default)]
    pub comment: String,
}

/// The JSON Schema of [`Review`], as shipped in `docs/review.schema.json`.
pub fn json_schema() -> serde_json::Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_deserialize();
    let mut schema = settings.into_generator().into_root_schema_for::<Review>();
    schema.insert("$id".into(), SCHEMA.into());
    schema.insert("title".into(), "corticalysis review".into());
    schema.to_value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scores::mirels::{Level, Pain};
    use std::path::Path;

    /// `UPDATE_SCHEMA=1 cargo test schema` writes the file anew.
    #[test]
    fn the_shipped_review_schema_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/review.schema.json");
        let text = format!("{}\n", serde_json::to_string_pretty(&json_schema()).unwrap());
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), text, "run UPDATE_SCHEMA=1 cargo test schema");
    }

    #[test]
    fn a_review_with_little_in_it_is_read_and_a_slip_is_refused() {
        let little = r#"{"schema": "corticalysis/review/v1", "tool": {"name": "corticalysis", "version": "0.1.0"},
            "series_instance_uid": "1.2", "date": "2026-11-24T20:00:00Z", "bones": [{"bone": "femur", "side": "left",
            "z_range_mm": [0, 100], "pain": "functional",
            "lesions": [{"id": 1, "z_range_mm": [10, 20], "decision": "rejected"}]}]}"#;
        let review: Review = serde_json::from_str(little).unwrap();
        assert_eq!(review.bones[0].lesions[0].decision, Some(Decision::Rejected));
        assert_eq!(review.bones[0].pain.map(Pain::from), Some(Pain::Functional));
        let slip = little.replace("\"pain\"", "\"pane\"");
        assert!(serde_json::from_str::<Review>(&slip).is_err());
        let validator = jsonschema::validator_for(&json_schema()).unwrap();
        assert!(validator.is_valid(&serde_json::from_str(little).unwrap()));
        assert!(!validator.is_valid(&serde_json::from_str(&slip).unwrap()));
    }

    #[test]
    fn pain_is_spelt_as_in_the_score() {
        for (level, pain) in [PainLevel::Mild, PainLevel::Moderate, PainLevel::Functional].into_iter().zip(Pain::LEVELS)
        {
            assert_eq!(Pain::from(level), pain);
            assert_eq!(serde_json::to_value(level).unwrap(), pain.to_string());
        }
    }
}
