//! The published rules, each evaluated by name with its own source. None is silently merged with another.
//!
//! A threshold inside a 95 % interval makes a rule indeterminate. See [`explain`] for where each rule was studied.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use super::mirels::{FIXATION_MIN_TOTAL, HUMERUS_NOTE, MirelsScore};
use super::verdict::Verdict;
use crate::estimate::Estimate;

/// Axial cortical lysis must exceed this, in percent of the slice's cortex (French recommendation, section 1.2).
pub const GUIDELINE_AXIAL_PERCENT: f64 = 30.0;
/// Circumferential lysis must exceed this in the same slice, in percent (French recommendation, section 1.2).
pub const GUIDELINE_CIRCUMFERENTIAL_PERCENT: f64 = 50.0;
/// Axial cortical involvement must exceed this, in millimetres along the bone (van der Linden 2004).
pub const VAN_DER_LINDEN_AXIAL_MM: f64 = 30.0;
/// Circumferential involvement must exceed this, in percent (van der Linden 2004).
pub const VAN_DER_LINDEN_CIRCUMFERENTIAL_PERCENT: f64 = 50.0;
/// Circumferential involvement at or above this, in percent (Tatar 2014).
pub const TATAR_CIRCUMFERENTIAL_PERCENT: f64 = 30.0;
/// Craniocaudal height at or above this, in millimetres (Tatar 2014).
pub const TATAR_HEIGHT_MM: f64 = 45.0;

/// The recommendation that defines the 30/50 criterion and the classes of the Mirels score.
pub const RECOMMENDATION_SOURCE: &str = "French recommendation for bone metastases of lung cancer, local treatment by \
    radiotherapy (\"Traitement local de la métastase osseuse par radiothérapie\"), section 1.2";
const MIRELS_SOURCE: &str = "Mirels H. Clin Orthop Relat Res 1989;(249):256-64";
const VAN_DER_LINDEN_SOURCE: &str =
    "van der Linden YM et al. Radiother Oncol 2003;69:21-31; J Bone Joint Surg Br 2004;86:566";
const TATAR_SOURCE: &str = "Tatar 2014, Radiation Oncology 9:227, doi 10.1186/s13014-014-0227-1";

const GUIDELINE_CRITERION: &str =
    "axial cortical lysis > 30 % and circumferential lysis > 50 % in the same axial slice";
const MIRELS_CRITERION: &str = "Mirels total of 9 or more";
const VAN_DER_LINDEN_CRITERION: &str = "axial cortical involvement > 30 mm, or circumferential involvement > 50 %";
const TATAR_CRITERION: &str = "circumferential involvement >= 30 %, or height >= 45 mm, or through the whole wall";

const GUIDELINE_NOTE: &str = "This answers the image criterion alone. The recommendation applies it to a patient with a \
    Mirels score of 9 or more; the two are put together in the recommendation.";
const GUIDELINE_ORIGIN: &str = "The recommendation cites van der Linden, whose criterion is 30 mm along the bone, not 30 % \
    of the axial plane: a likely slip of transcription. Its own reading is kept; the length is reported by van-der-linden.";
const VAN_DER_LINDEN_NOTE: &str = "Studied only on plain radiographs of the proximal femur: a length measured on CT, or in \
    another bone, is an extrapolation.";
const TATAR_NOTE: &str = "Derived from 47 lesions with 10 fractures, without external validation.";

/// One number or answer behind a rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RuleValue {
    /// A measured value with its 95 % interval.
    Estimate(Estimate),
    /// A value known without error.
    Number(f64),
    /// How many.
    Count(usize),
    /// The answer of a sub-criterion.
    Verdict(Verdict),
    /// Not measured.
    Missing,
}

impl From<Option<Estimate>> for RuleValue {
    fn from(estimate: Option<Estimate>) -> Self {
        estimate.map_or(Self::Missing, Self::Estimate)
    }
}

impl Serialize for RuleValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Interval {
            value: f64,
            low: f64,
            high: f64,
        }
        match *self {
            Self::Estimate(Estimate { value, low, high }) => Interval { value, low, high }.serialize(serializer),
            Self::Number(number) => serializer.serialize_f64(number),
            Self::Count(count) => count.serialize(serializer),
            Self::Verdict(verdict) => verdict.serialize(serializer),
            Self::Missing => serializer.serialize_none(),
        }
    }
}

impl JsonSchema for RuleValue {
    fn schema_name() -> Cow<'static, str> {
        "RuleValue".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // NaN is written as null, so every number may be null.
        json_schema!({
            "description": "a number, a number with its 95 % interval, the answer of a sub-criterion, or null where not measured",
            "anyOf": [
                {"type": ["number", "boolean", "null"]},
                {"const": "indeterminate"},
                {"type": "object", "required": ["value", "low", "high"], "additionalProperties": false, "properties": {
                    "value": {"type": ["number", "null"]},
                    "low": {"type": ["number", "null"]},
                    "high": {"type": ["number", "null"]}
                }}
            ]
        })
    }
}

/// Names with their values, in the order in which they are to be read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RuleValues(Vec<(&'static str, RuleValue)>);

impl RuleValues {
    /// These, in this order.
    pub(super) fn of(values: Vec<(&'static str, RuleValue)>) -> Self {
        Self(values)
    }

    /// The value of that name.
    pub fn get(&self, name: &str) -> Option<RuleValue> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Every name with its value, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, RuleValue)> + '_ {
        self.0.iter().copied()
    }
}

impl Serialize for RuleValues {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl JsonSchema for RuleValues {
    fn schema_name() -> Cow<'static, str> {
        "RuleValues".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<RuleValue>();
        json_schema!({"type": "object", "additionalProperties": value})
    }
}

/// The names by which reports and scripts know the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub enum RuleName {
    /// The 30 % / 50 % criterion of the recommendation.
    #[serde(rename = "guideline-30-50")]
    Guideline3050,
    /// A total of 9 or more.
    #[serde(rename = "mirels")]
    Mirels,
    /// Length and circumference on radiographs.
    #[serde(rename = "van-der-linden")]
    VanDerLinden,
    /// Circumference, height and breach on planning CT.
    #[serde(rename = "tatar-planning-ct")]
    TatarPlanningCt,
    /// Loss of axial, bending or torsional rigidity on CT.
    #[serde(rename = "rigidity")]
    Rigidity,
}

impl fmt::Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Guideline3050 => "guideline-30-50",
            Self::Mirels => "mirels",
            Self::VanDerLinden => "van-der-linden",
            Self::TatarPlanningCt => "tatar-planning-ct",
            Self::Rigidity => "rigidity",
        })
    }
}

/// One rule applied to one bone.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RuleResult {
    /// The rule.
    pub name: RuleName,
    /// Its answer.
    pub met: Verdict,
    /// What it was answered from; names carry their units.
    pub values: RuleValues,
    /// The criterion in words.
    pub criterion: &'static str,
    /// Where the criterion was published.
    pub source: &'static str,
    /// What limits the answer.
    pub notes: Vec<String>,
}

/// The two percentages of one measured axial slice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SliceLoss {
    /// Position of the slice in the patient frame, in millimetres.
    pub z_mm: f64,
    /// Share of the slice's cortex that is gone, 0 to 100.
    pub axial_percent: Estimate,
    /// Share of the slice's circumference with a deep loss, 0 to 100.
    pub circumferential_percent: Estimate,
}

impl SliceLoss {
    /// Does this slice alone fulfil the 30/50 criterion? This is a slice's flag in the report.
    pub fn flagged(&self) -> Verdict {
        Verdict::all([
            Verdict::above(self.axial_percent, GUIDELINE_AXIAL_PERCENT),
            Verdict::above(self.circumferential_percent, GUIDELINE_CIRCUMFERENTIAL_PERCENT),
        ])
    }

    /// How far the weaker of the two percentages lies above its threshold (negative: below), in percentage points.
    fn margin(&self) -> f64 {
        (self.axial_percent.value - GUIDELINE_AXIAL_PERCENT)
            .min(self.circumferential_percent.value - GUIDELINE_CIRCUMFERENTIAL_PERCENT)
    }

    /// Which of two slices rather decides the 30/50 criterion (the greater does): flagged before doubtful before clear, then
    /// the one further above both thresholds; of equals, as where the wall is gone all around, the one that lost more.
    pub fn cmp_deciding(&self, other: &Self) -> std::cmp::Ordering {
        let rank = |slice: &Self| match slice.flagged() {
            Verdict::Met => 2,
            Verdict::Indeterminate => 1,
            Verdict::NotMet | Verdict::NotEvaluated => 0,
        };
        rank(self)
            .cmp(&rank(other))
            .then(self.margin().total_cmp(&other.margin()))
            .then(self.axial_percent.value.total_cmp(&other.axial_percent.value))
    }
}

/// What the rules of extent need to know of one lesion; `None` where it was not measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LesionExtent {
    /// Longest run of involved cortex along the bone's axis at one place of the circumference, in millimetres.
    pub axial_extent_mm: Option<Estimate>,
    /// Craniocaudal extent over the whole circumference, in millimetres.
    pub height_mm: Option<Estimate>,
    /// Greatest circumferential lysis of any slice of the lesion, 0 to 100.
    pub max_circumferential_percent: Option<Estimate>,
    /// Is the wall gone through its whole thickness somewhere?
    pub through_the_wall: Verdict,
}

/// `guideline-30-50`: more than 30 % axial and more than 50 % circumferential lysis in the same slice, in any slice.
///
/// `slices` are the measured slices of one bone; `slices_not_measured` says how many more the bone has. The latter do not
/// make the rule indeterminate (every bone has ends that cannot be measured) but are named in the notes.
pub fn guideline_30_50(slices: &[SliceLoss], slices_not_measured: usize) -> RuleResult {
    let flags: Vec<Verdict> = slices.iter().map(SliceLoss::flagged).collect();
    let count = |wanted| RuleValue::Count(flags.iter().filter(|flag| **flag == wanted).count());
    let worst = slices.iter().max_by(|a, b| a.cmp_deciding(b));
    let mut notes = vec![GUIDELINE_NOTE.to_owned(), GUIDELINE_ORIGIN.to_owned()];
    match slices_not_measured {
        0 => {}
        1 => notes.push("1 slice could not be measured and is not covered by this answer.".to_owned()),
        n => notes.push(format!("{n} slices could not be measured and are not covered by this answer.")),
    }
    RuleResult {
        name: RuleName::Guideline3050,
        met: Verdict::any(flags.iter().copied()),
        values: RuleValues(vec![
            ("slices_met", count(Verdict::Met)),
            ("slices_indeterminate", count(Verdict::Indeterminate)),
            ("slices_evaluated", RuleValue::Count(slices.len())),
            ("deciding_slice_z_mm", worst.map_or(RuleValue::Missing, |slice| RuleValue::Number(slice.z_mm))),
            ("deciding_slice_axial_percent", worst.map(|slice| slice.axial_percent).into()),
            ("deciding_slice_circumferential_percent", worst.map(|slice| slice.circumferential_percent).into()),
        ]),
        criterion: GUIDELINE_CRITERION,
        source: RECOMMENDATION_SOURCE,
        notes,
    }
}

/// `mirels`: a total of 9 or more. Indeterminate when the possible totals lie on both sides.
pub fn mirels(score: &MirelsScore) -> RuleResult {
    let [low, high] = score.range;
    let mut values = vec![
        ("total", score.total.map_or(RuleValue::Missing, |total| RuleValue::Count(total.into()))),
        ("lowest_total", RuleValue::Count(low.into())),
        ("highest_total", RuleValue::Count(high.into())),
    ];
    let mut notes = Vec::new();
    if score.pain.is_none() {
        notes.push("Pain is clinical and was not given: it is worth 1 to 3 points.".to_owned());
    }
    if let Some(verdict) = score.humerus_cutoff() {
        values.push(("at_least_8_for_the_humerus", RuleValue::Verdict(verdict)));
        notes.push(HUMERUS_NOTE.to_owned());
    }
    RuleResult {
        name: RuleName::Mirels,
        met: score.at_least(FIXATION_MIN_TOTAL),
        values: RuleValues(values),
        criterion: MIRELS_CRITERION,
        source: MIRELS_SOURCE,
        notes,
    }
}

/// `van-der-linden`: more than 30 mm along the bone, or more than 50 % of the circumference, in any lesion.
///
/// Without any lesion the rule is not met.
pub fn van_der_linden(lesions: &[LesionExtent]) -> RuleResult {
    let axial = over_lesions(lesions, |lesion| {
        lesion.axial_extent_mm.map(|extent| Verdict::above(extent, VAN_DER_LINDEN_AXIAL_MM))
    });
    let circumferential = over_lesions(lesions, |lesion| {
        lesion.max_circumferential_percent.map(|share| Verdict::above(share, VAN_DER_LINDEN_CIRCUMFERENTIAL_PERCENT))
    });
    RuleResult {
        name: RuleName::VanDerLinden,
        met: Verdict::any([axial, circumferential]),
        values: RuleValues(vec![
            ("axial_extent_mm", largest(lesions, |lesion| lesion.axial_extent_mm).into()),
            ("axial_extent_above_30_mm", RuleValue::Verdict(axial)),
            ("circumferential_percent", largest(lesions, |lesion| lesion.max_circumferential_percent).into()),
            ("circumferential_above_50_percent", RuleValue::Verdict(circumferential)),
        ]),
        criterion: VAN_DER_LINDEN_CRITERION,
        source: VAN_DER_LINDEN_SOURCE,
        notes: notes_on_extent(VAN_DER_LINDEN_NOTE, lesions),
    }
}

/// `tatar-planning-ct`: at least 30 % of the circumference, at least 45 mm high, or through the wall, in any lesion.
///
/// Without any lesion the rule is not met.
pub fn tatar_planning_ct(lesions: &[LesionExtent]) -> RuleResult {
    let circumferential = over_lesions(lesions, |lesion| {
        lesion.max_circumferential_percent.map(|share| Verdict::at_least(share, TATAR_CIRCUMFERENTIAL_PERCENT))
    });
    let height =
        over_lesions(lesions, |lesion| lesion.height_mm.map(|height| Verdict::at_least(height, TATAR_HEIGHT_MM)));
    let through = over_lesions(lesions, |lesion| Some(lesion.through_the_wall));
    RuleResult {
        name: RuleName::TatarPlanningCt,
        met: Verdict::any([circumferential, height, through]),
        values: RuleValues(vec![
            ("circumferential_percent", largest(lesions, |lesion| lesion.max_circumferential_percent).into()),
            ("circumferential_at_least_30_percent", RuleValue::Verdict(circumferential)),
            ("height_mm", largest(lesions, |lesion| lesion.height_mm).into()),
            ("height_at_least_45_mm", RuleValue::Verdict(height)),
            ("through_the_wall", RuleValue::Verdict(through)),
        ]),
        criterion: TATAR_CRITERION,
        source: TATAR_SOURCE,
        notes: notes_on_extent(TATAR_NOTE, lesions),
    }
}

/// "Or" over the lesions; a bone without lesion does not fulfil a criterion about lesions.
fn over_lesions(lesions: &[LesionExtent], verdict: impl Fn(&LesionExtent) -> Option<Verdict>) -> Verdict {
    if lesions.is_empty() {
        return Verdict::NotMet;
    }
    Verdict::any(lesions.iter().map(|lesion| verdict(lesion).unwrap_or(Verdict::NotEvaluated)))
}

/// The estimate with the largest value; `None` if nothing was measured.
fn largest(lesions: &[LesionExtent], quantity: impl Fn(&LesionExtent) -> Option<Estimate>) -> Option<Estimate> {
    lesions.iter().filter_map(quantity).max_by(|a, b| a.value.total_cmp(&b.value))
}

fn notes_on_extent(note: &str, lesions: &[LesionExtent]) -> Vec<String> {
    let mut notes = vec![note.to_owned()];
    match lesions.len() {
        0 => notes.push("No lesion was found.".to_owned()),
        1 => {}
        n => notes.push(format!("{n} lesions: the largest value of each quantity is shown.")),
    }
    notes
}

/// Where a rule comes from and how well it did there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RuleExplanation {
    /// The rule.
    pub name: RuleName,
    /// The criterion in words.
    pub criterion: &'static str,
    /// In whom, and on which images, it was studied.
    pub population: &'static str,
    /// Sensitivity and specificity as published.
    pub accuracy: &'static str,
    /// What a reader should hold against it.
    pub caveat: &'static str,
    /// Where it was published.
    pub source: &'static str,
}

/// Every rule with its population and its published accuracy.
pub fn explain() -> &'static [RuleExplanation] {
    &[
        RuleExplanation {
            name: RuleName::Guideline3050,
            criterion: GUIDELINE_CRITERION,
            population: "Recommendation for patients with bone metastases of lung cancer, on diagnostic or planning CT, \
                with a Mirels score of 9 or more.",
            accuracy: "No study of this reading of the criterion was found.",
            caveat: GUIDELINE_ORIGIN,
            source: RECOMMENDATION_SOURCE,
        },
        RuleExplanation {
            name: RuleName::Mirels,
            criterion: MIRELS_CRITERION,
            population: "Metastases of long bones on plain radiographs (Mirels 1989).",
            accuracy: "Femur: sensitivity 91 %, specificity 35 % (Damron 2003); 67 % and 48 % (Damron 2016). \
                Humerus, 8 or more: 84 % and 80 % (PMC10132712); 9 or more: sensitivity 15 % (Evans 2008).",
            caveat: "The Dutch guideline advises against it (low predictive value, overtreatment).",
            source: MIRELS_SOURCE,
        },
        RuleExplanation {
            name: RuleName::VanDerLinden,
            criterion: VAN_DER_LINDEN_CRITERION,
            population: "110 femoral lesions in 102 patients, 14 fractures, plain radiographs (2004).",
            accuracy: "Axial involvement of 30 mm or more: sensitivity 86 %, specificity 50 % \
                (validation in 100 patients, van der Wal 2020, Radiother Oncol 144:59).",
            caveat: VAN_DER_LINDEN_NOTE,
            source: VAN_DER_LINDEN_SOURCE,
        },
        RuleExplanation {
            name: RuleName::TatarPlanningCt,
            criterion: TATAR_CRITERION,
            population: "47 lesions on radiotherapy planning CT (28 femur, 17 humerus, 2 tibia), 10 fractures.",
            accuracy: "Fracture rate with and without: circumference of 30 % or more, 71 and 0 %; height of 45 mm or more, \
                67 and 0 %; through the wall, 40 and 0 %. Only the circumference remained in multivariate analysis.",
            caveat: TATAR_NOTE,
            source: TATAR_SOURCE,
        },
        super::rigidity::EXPLANATION,
    ]
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
