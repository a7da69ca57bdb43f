//! The types of `report.json`, schema `corticalysis/report/v1`.
//!
//! Units: millimetres in the DICOM patient frame (LPS), percent as 0–100, `null` where not measured. Others rely on
//! these names: fields may be added, never renamed or given another meaning.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::language::Sentence;

pub use super::end::{EndLesionReport, EndReport, EndSliceReport};
pub use super::neck::{NeckLesionReport, NeckReport, NeckSectionReport};
pub use super::review::Decision;
pub use super::rigidity::{RigidityReport, StiffnessReport, WeakestSectionReport};
pub use crate::scores::recommendation::Category;
pub use crate::scores::verdict::Verdict;

/// Name and version of the report's format.
pub const SCHEMA: &str = "corticalysis/report/v1";

pub use crate::scores::DISCLAIMER;

/// Everything one run has to say about one CT series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Always `corticalysis/report/v1`.
    pub schema: String,
    /// The program that wrote the report.
    pub tool: Tool,
    /// What the numbers may be used for.
    pub disclaimer: String,
    /// The CT series that was measured.
    pub series: SeriesReport,
    /// Settings of the run, as the user gave them or as they were by default.
    pub settings: BTreeMap<String, serde_json::Value>,
    /// The review that was taken into account (`--review`); absent where none was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<ReviewReport>,
    /// The long bones found, also those of which nothing could be measured.
    pub bones: Vec<BoneReport>,
}

impl Report {
    /// A report of this version of the program, without bones yet.
    pub fn new(series: SeriesReport, settings: BTreeMap<String, serde_json::Value>) -> Self {
        Self {
            schema: SCHEMA.into(),
            tool: Tool { name: env!("CARGO_PKG_NAME").into(), version: env!("CARGO_PKG_VERSION").into() },
            disclaimer: DISCLAIMER.into(),
            series,
            settings,
            review: None,
            bones: Vec::new(),
        }
    }
}

/// Whose review was taken into account. What it says stands with each lesion and slice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReviewReport {
    /// As they want to be called; may be empty.
    pub reviewer: String,
    /// When the review was saved, ISO 8601.
    pub date: String,
    /// The program that wrote the report that was reviewed.
    pub tool: Tool,
    /// What has changed since: another version of the program, a lesion of another number or extent.
    pub notes: Vec<Sentence>,
}

/// What a reviewer says of one finding.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RemarkReport {
    /// `accepted`: confirmed. `rejected`: listed, but counted in no rule and no score. `null`: only commented.
    pub decision: Option<Decision>,
    /// Free text; may be empty.
    pub comment: String,
}

/// Name and version of a program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    pub name: String,
    pub version: String,
}

/// The CT series: identity, scanner, geometry. Nothing that names the patient.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeriesReport {
    pub study_instance_uid: String,
    pub series_instance_uid: String,
    pub frame_of_reference_uid: String,
    pub manufacturer: String,
    /// Convolution kernel as the scanner names it.
    pub kernel: String,
    /// Tube voltage, kV.
    pub kvp: Option<f64>,
    pub rows: usize,
    pub columns: usize,
    pub slices: usize,
    /// Distance between the centres of neighbouring rows, then columns, as in DICOM.
    pub pixel_spacing_mm: [f64; 2],
    /// Distance between slice centres, from their positions.
    pub slice_spacing_mm: f64,
    /// What is wrong with the series, in words a user can act on.
    pub warnings: Vec<Sentence>,
    /// Only where it was asked for (`--identify`): a report carries no identity otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient: Option<PatientReport>,
}

/// Who the patient is, as the images say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PatientReport {
    /// Name, its components with spaces between.
    pub name: String,
    pub id: String,
}

/// One long bone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BoneReport {
    /// `femur`, `tibia`, `fibula`, `humerus`, `radius`, `ulna` or `unknown`.
    pub bone: String,
    /// `left`, `right` or `unknown`.
    pub side: String,
    /// How sure the name is, 0 to 1.
    pub confidence: f64,
    /// Lowest and highest patient z of the bone in the series.
    pub z_range_mm: [f64; 2],
    /// Length of the bone seen in the series, along its axis.
    pub length_mm: Option<f64>,
    /// Landmarks that the series shows, patient x, y and z in mm: `femoral_head_centre`, `femoral_neck_centre`,
    /// `greater_trochanter`, `lesser_trochanter`, `medial_condyle`, `lateral_condyle`, `humeral_head_centre`, `surgical_neck`.
    #[serde(default)]
    pub landmarks: BTreeMap<String, [f64; 3]>,
    /// Length seen over that of an adult's bone, which is assumed where not both ends are seen; 0 to 1.
    #[serde(default)]
    pub visible_fraction: Option<f64>,
    /// What the ends of the bone show beside the landmarks; `null` where no head is seen.
    #[serde(default)]
    pub proximal: Option<ProximalReport>,
    /// What the image's own walls told about the scanner and this patient; `null` when nothing was measured.
    pub image: Option<ImageReport>,
    /// Where the intact cortex was taken from; `null` when nothing was measured.
    pub reference: Option<ReferenceReport>,
    /// One entry per axial slice of the bone, in order of increasing z.
    pub slices: Vec<SliceReport>,
    /// How many of `slices` have no numbers.
    pub not_measured_slices: usize,
    pub lesions: Vec<LesionReport>,
    /// The neck in sections across its own axis; absent where no head and neck were found. No rule and no score counts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neck: Option<NeckReport>,
    /// Its slices beyond the shaft against those of the other side; absent where there is none. No rule and no score counts them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ends: Vec<EndReport>,
    /// How stiffness was told from HU; `null` where it was not.
    pub stiffness: Option<StiffnessReport>,
    /// The section that a lesion touches and that lost most of any rigidity; `null` without a lesion.
    pub weakest_section: Option<WeakestSectionReport>,
    /// `null` when there is no lesion to score.
    pub mirels: Option<MirelsReport>,
    pub rules: Vec<RuleReport>,
    pub recommendation: Option<RecommendationReport>,
    /// What a reader should know before trusting this bone's numbers.
    pub warnings: Vec<Sentence>,
    /// Outlined regions (`--roi`) that lesions and rules are restricted to; absent where none were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restricted_to: Option<Vec<String>>,
}

/// The upper end of a femur or humerus.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProximalReport {
    pub head_radius_mm: Option<f64>,
    /// Between the axes of neck and shaft of a femur, on the inner side.
    pub neck_shaft_angle_deg: Option<f64>,
    /// Patient z at which the axis is level with the lower edge of the lesser trochanter: where the trochanteric region ends.
    pub lesser_trochanter_edge_z_mm: Option<f64>,
}

/// What was estimated from the image before anything was measured with it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ImageReport {
    /// HU of compact cortex in this patient.
    pub cortical_hu: Option<f64>,
    /// Full width at half maximum of the in-plane blur, sampling between pixels included.
    pub blur_fwhm_mm: Option<f64>,
    /// Overshoot of a sharp kernel: 0 for a smooth one.
    pub overshoot: Option<f64>,
    /// Standard deviation of the noise in the muscle around the bone, HU, between pixels: a little lower than that of the
    /// pixels.
    pub noise_hu: Option<f64>,
}

/// Where the intact cortex was taken from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReferenceReport {
    /// `contralateral` or `ipsilateral`.
    pub kind: String,
    /// What it is made of and whether it can be trusted.
    pub note: Sentence,
}

/// One axial slice of one bone. All measurements are `null` when `measured` is false, but for `cortical_area_mm2` and
/// `mean_thickness_mm` of slices beyond the shaft (trochanters, metaphyses): there the wall is measured where it can be told, and its loss
/// is not, unless the other side tells what it was before (`ends` of the bone). Rules and flags look at measured slices only.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SliceReport {
    /// DICOM instance number: what to look for on the viewing station.
    pub instance_number: Option<i64>,
    pub sop_instance_uid: Option<String>,
    /// Patient z at the bone's centre.
    pub z_mm: f64,
    /// Patient x and y of the bone's centre; `null` in reports of earlier versions.
    pub centre_mm: Option<[f64; 2]>,
    pub measured: bool,
    /// The reason when `measured` is false.
    pub not_measured_because: Option<Sentence>,
    /// Share of the slice's cortical mass that is gone, percent.
    pub axial_lysis_percent: Option<f64>,
    /// Its 95 % interval, percent.
    pub axial_lysis_ci95: Option<[f64; 2]>,
    /// Share of the periosteal contour that lost more than the chosen depth, percent.
    pub circumferential_lysis_percent: Option<f64>,
    /// Its 95 % interval, percent.
    pub circumferential_lysis_ci95: Option<[f64; 2]>,
    /// The same at fixed depths, percent.
    pub circumferential_by_depth: Option<ByDepth>,
    /// Equivalent area of full-density cortex; beyond the shaft, area of the fitted wall.
    pub cortical_area_mm2: Option<f64>,
    /// The same when intact.
    pub reference_area_mm2: Option<f64>,
    pub mean_thickness_mm: Option<f64>,
    pub reference_thickness_mm: Option<f64>,
    /// Rigidities of the section across the bone's axis; `null` where not measured.
    pub rigidity: Option<RigidityReport>,
    /// Both percentages exceed the thresholds of `guideline-30-50` in this slice, as measured.
    pub flagged: bool,
    /// What the reviewer says of the flag; `rejected` also where only rejected lesions reach the slice, which no rule then
    /// counts. Absent where nothing was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<RemarkReport>,
}

impl SliceReport {
    /// Was the flag rejected by a reviewer?
    pub fn is_rejected(&self) -> bool {
        decision(&self.review) == Some(Decision::Rejected)
    }

    /// Does its flag count?
    pub fn flag_stands(&self) -> bool {
        self.flagged && !self.is_rejected()
    }
}

pub(super) fn decision(review: &Option<RemarkReport>) -> Option<Decision> {
    review.as_ref()?.decision
}

/// Circumferential lysis at fixed depths of loss, percent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ByDepth {
    /// Contour that lost more than 30 % of its cortex.
    #[serde(rename = "0.30")]
    pub d30: f64,
    /// Contour that lost more than half of its cortex.
    #[serde(rename = "0.50")]
    pub d50: f64,
    /// Contour that is gone through the wall.
    #[serde(rename = "0.99")]
    pub d99: f64,
}

/// A connected patch of lost cortex.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LesionReport {
    /// 1, 2, … within the bone.
    pub id: usize,
    pub z_range_mm: [f64; 2],
    /// Longest run along the bone's axis at one sector.
    pub axial_extent_mm: Option<f64>,
    pub axial_extent_ci95: Option<[f64; 2]>,
    /// Extent along the bone's axis over all sectors.
    pub height_mm: Option<f64>,
    pub height_ci95: Option<[f64; 2]>,
    pub through_the_wall: bool,
    pub max_axial_lysis_percent: Option<f64>,
    pub max_axial_lysis_ci95: Option<[f64; 2]>,
    pub max_circumferential_lysis_percent: Option<f64>,
    pub max_circumferential_lysis_ci95: Option<[f64; 2]>,
    /// `lytic`, `mixed` or `blastic`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Largest share of the cortex of a slice, 0 to 1.
    pub size_fraction_of_cortex: Option<f64>,
    /// Size over the bone's diameter, 0 to 1.
    pub size_fraction_of_diameter: Option<f64>,
    /// Where on the bone its middle lies: `intertrochanteric`, `subtrochanteric`, `proximal-shaft`, …; `shaft` where the
    /// landmarks do not tell which third.
    #[serde(default)]
    pub location: Option<String>,
    /// Name of the outlined region that it belongs to; absent where no region was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// What the reviewer says of it; absent where nothing was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<RemarkReport>,
}

impl LesionReport {
    /// Was it rejected by a reviewer? Then no rule and no score counts it.
    pub fn is_rejected(&self) -> bool {
        decision(&self.review) == Some(Decision::Rejected)
    }

    /// Was it confirmed by a reviewer?
    pub fn is_confirmed(&self) -> bool {
        decision(&self.review) == Some(Decision::Accepted)
    }
}

/// Mirels' score: four items of 1 to 3 points.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MirelsReport {
    pub site: Option<MirelsItem>,
    pub size: Option<MirelsItem>,
    #[serde(rename = "type")]
    pub kind: Option<MirelsItem>,
    /// Clinical: `null` unless it was given.
    pub pain: Option<MirelsItem>,
    /// `null` while an item is unknown.
    pub total: Option<u8>,
    /// Lowest and highest possible total.
    pub range: [u8; 2],
}

/// One item of Mirels' score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MirelsItem {
    /// 1 to 3; `null` when it cannot be told.
    pub points: Option<u8>,
    /// `lower-limb`, `lytic`, ….
    pub value: Option<String>,
    /// `measured`, `given`, or why it is not known.
    pub basis: Sentence,
    /// Fewest and most points that are possible.
    #[serde(default = "any_points")]
    pub points_range: [u8; 2],
}

/// Of an item in a report of an earlier version.
fn any_points() -> [u8; 2] {
    [1, 3]
}

/// One published rule, evaluated on one bone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleReport {
    /// `guideline-30-50`, `mirels`, `van-der-linden`, `tatar-planning-ct`, `rigidity`, ….
    pub name: String,
    pub met: Verdict,
    /// The criterion in words.
    pub criterion: Sentence,
    /// The quantities the rule looks at, by name.
    pub values: BTreeMap<String, RuleValue>,
    pub source: Sentence,
    /// What a reader must know about the rule's reach.
    pub notes: Vec<Sentence>,
}

/// One quantity of a rule.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RuleValue {
    pub value: Option<f64>,
    pub ci95: Option<[f64; 2]>,
    /// The published threshold.
    pub threshold: Option<f64>,
    /// `>`, `>=`, `<` or `<=`: how the value is held against the threshold.
    pub comparison: Option<String>,
    /// `%`, `mm`, `points`, or empty.
    pub unit: String,
}

/// What the quoted recommendation says of a bone like this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RecommendationReport {
    pub category: Category,
    /// In a sentence.
    pub text: String,
    pub source: Sentence,
    /// The answer for each level of pain, when pain was not given and matters.
    pub by_pain: Option<ByPain>,
}

/// The recommendation for each level of pain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ByPain {
    pub mild: PainOutcome,
    pub moderate: PainOutcome,
    pub functional: PainOutcome,
}

/// What follows from one level of pain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PainOutcome {
    /// Mirels' total at this level; `null` when another item is unknown.
    pub mirels_total: Option<u8>,
    pub category: Category,
    pub text: String,
}

/// The JSON Schema of [`Report`], as shipped in `docs/report.schema.json`.
pub fn json_schema() -> serde_json::Value {
    // The contract of what is written: every field is always there, `null` where not measured.
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<Report>();
    schema.insert("$id".into(), SCHEMA.into());
    schema.insert("title".into(), "corticalysis report".into());
    schema.to_value()
}
