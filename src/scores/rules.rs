//! The published rules, each evaluated by name with its own source. None is silently merged with another.
//!
//! A threshold inside a 95 % interval makes a rule indeterminate. What each rule is, and where it was studied,
//! stands in [`rule_table`](super::rule_table).

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use super::mirels::{FIXATION_MIN_TOTAL, HUMERUS_MIN_TOTAL, MirelsScore, range_at_least};
use super::rule_table::humerus_note;
pub use super::rule_table::{
    GUIDELINE_AXIAL_PERCENT, GUIDELINE_CIRCUMFERENTIAL_PERCENT, RECOMMENDATION_SOURCE, RuleName,
    TATAR_CIRCUMFERENTIAL_PERCENT, TATAR_HEIGHT_MM, VAN_DER_LINDEN_AXIAL_MM, VAN_DER_LINDEN_CIRCUMFERENTIAL_PERCENT,
};
use super::verdict::Verdict;
use crate::estimate::Estimate;
use crate::language::{Sentence, Text};

pub(super) const NO_LESION: Text = Text::new("No lesion was found.", "Aucune lésion n’a été trouvée.");

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
    pub criterion: Text,
    /// Where the criterion was published.
    pub source: Text,
    /// What limits the answer.
    pub notes: Vec<Sentence>,
}

impl RuleResult {
    /// An answer with what the table says of the rule: criterion, source and what must be held against every answer; `notes`
    /// are those of this answer.
    pub(super) fn new(
        name: RuleName,
        met: Verdict,
        values: Vec<(&'static str, RuleValue)>,
        notes: Vec<Sentence>,
    ) -> Self {
        let rule = name.rule();
        Self {
            name,
            met,
            values: RuleValues(values),
            criterion: rule.criterion,
            source: rule.source,
            notes: rule.caveats.iter().map(|caveat| (*caveat).into()).chain(notes).collect(),
        }
    }
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
    let mut notes = Vec::new();
    match slices_not_measured {
        0 => {}
        1 => notes.push(Sentence::new(
            "1 slice could not be measured and is not covered by this answer.",
            "1 coupe n’a pas pu être mesurée et n’entre pas dans cette réponse.",
        )),
        n => notes.push(Sentence::new(
            format!("{n} slices could not be measured and are not covered by this answer."),
            format!("{n} coupes n’ont pas pu être mesurées et n’entrent pas dans cette réponse."),
        )),
    }
    RuleResult::new(
        RuleName::Guideline3050,
        Verdict::any(flags.iter().copied()),
        vec![
            ("slices_met", count(Verdict::Met)),
            ("slices_indeterminate", count(Verdict::Indeterminate)),
            ("slices_evaluated", RuleValue::Count(slices.len())),
            ("deciding_slice_z_mm", worst.map_or(RuleValue::Missing, |slice| RuleValue::Number(slice.z_mm))),
            ("deciding_slice_axial_percent", worst.map(|slice| slice.axial_percent).into()),
            ("deciding_slice_circumferential_percent", worst.map(|slice| slice.circumferential_percent).into()),
        ],
        notes,
    )
}

/// `mirels`: a total of 9 or more. Indeterminate when the possible totals lie on both sides.
pub fn mirels(score: &MirelsScore) -> RuleResult {
    let mut result = mirels_of_total(score.range, score.is_upper_limb());
    if score.pain.is_none() {
        result.notes.push(Sentence::new(
            "Pain is clinical and was not given: it is worth 1 to 3 points.",
            "La douleur est clinique et n’a pas été donnée : elle compte pour 1 à 3 points.",
        ));
    }
    result
}

/// [`mirels`] where only the lowest and highest possible total are known, and whether the lesion may be in an upper limb.
pub fn mirels_of_total(range: [u8; 2], upper_limb: bool) -> RuleResult {
    let [low, high] = range;
    let total = if low == high { RuleValue::Count(low.into()) } else { RuleValue::Missing };
    let mut values = vec![
        ("total", total),
        ("lowest_total", RuleValue::Count(low.into())),
        ("highest_total", RuleValue::Count(high.into())),
    ];
    let mut notes = Vec::new();
    if upper_limb {
        let verdict = range_at_least(range, HUMERUS_MIN_TOTAL);
        values.push(("at_least_8_for_the_humerus", RuleValue::Verdict(verdict)));
        notes.push(humerus_note());
    }
    RuleResult::new(RuleName::Mirels, range_at_least(range, FIXATION_MIN_TOTAL), values, notes)
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
    RuleResult::new(
        RuleName::VanDerLinden,
        Verdict::any([axial, circumferential]),
        vec![
            ("axial_extent_mm", largest(lesions, |lesion| lesion.axial_extent_mm).into()),
            ("axial_extent_above_30_mm", RuleValue::Verdict(axial)),
            ("circumferential_percent", largest(lesions, |lesion| lesion.max_circumferential_percent).into()),
            ("circumferential_above_50_percent", RuleValue::Verdict(circumferential)),
        ],
        notes_on_extent(lesions),
    )
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
    RuleResult::new(
        RuleName::TatarPlanningCt,
        Verdict::any([circumferential, height, through]),
        vec![
            ("circumferential_percent", largest(lesions, |lesion| lesion.max_circumferential_percent).into()),
            ("circumferential_at_least_30_percent", RuleValue::Verdict(circumferential)),
            ("height_mm", largest(lesions, |lesion| lesion.height_mm).into()),
            ("height_at_least_45_mm", RuleValue::Verdict(height)),
            ("through_the_wall", RuleValue::Verdict(through)),
        ],
        notes_on_extent(lesions),
    )
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

fn notes_on_extent(lesions: &[LesionExtent]) -> Vec<Sentence> {
    match lesions.len() {
        0 => vec![NO_LESION.into()],
        1 => Vec::new(),
        n => vec![Sentence::new(
            format!("{n} lesions: the largest value of each quantity is shown."),
            format!("{n} lésions : la plus grande valeur de chaque grandeur est donnée."),
        )],
    }
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
