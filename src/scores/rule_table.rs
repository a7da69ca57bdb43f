//! What the published rules are: one table for everything that is said of them, by the report, the page and the command
//! `rules`. [`rules`](super::rules) holds measurements against it.
//!
//! A figure stands here only if it was read in the abstract or text of its source (`docs/scores.md` says where); what is
//! merely often quoted does not.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::mirels::{FIXATION_MIN_TOTAL, HUMERUS_MIN_TOTAL};

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
/// Loss of axial, bending or torsional rigidity at or above this, in percent of the homologous intact section (Leong 2010).
pub const RIGIDITY_PERCENT: f64 = 35.0;

/// The recommendation that defines the 30/50 criterion and the classes of the Mirels score.
pub const RECOMMENDATION_SOURCE: &str = "French recommendation for bone metastases of lung cancer, local treatment by \
    radiotherapy (\"Traitement local de la métastase osseuse par radiothérapie\"), section 1.2";

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

impl RuleName {
    /// Every rule with its name, in the order in which reports list them.
    pub const WORDS: &'static [(&'static str, Self)] = &[
        ("guideline-30-50", Self::Guideline3050),
        ("mirels", Self::Mirels),
        ("van-der-linden", Self::VanDerLinden),
        ("tatar-planning-ct", Self::TatarPlanningCt),
        ("rigidity", Self::Rigidity),
    ];

    /// All that is known of the rule.
    pub fn rule(self) -> &'static Rule {
        match self {
            Self::Guideline3050 => &GUIDELINE_30_50,
            Self::Mirels => &MIRELS,
            Self::VanDerLinden => &VAN_DER_LINDEN,
            Self::TatarPlanningCt => &TATAR_PLANNING_CT,
            Self::Rigidity => &RIGIDITY,
        }
    }
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

/// The rule of that name, as reports spell it.
pub fn rule_named(name: &str) -> Option<&'static Rule> {
    RuleName::WORDS.iter().find(|(word, _)| *word == name).map(|(_, name)| name.rule())
}

/// One published rule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Rule {
    /// The name in reports.
    pub name: RuleName,
    /// The name as a reader knows it.
    pub title: &'static str,
    /// The criterion in words.
    pub criterion: &'static str,
    /// The thresholds of the criterion.
    pub limits: &'static [Limit],
    /// In whom, and on which images, it was studied.
    pub population: &'static str,
    /// Sensitivity and specificity, one entry a study and cut-off.
    pub accuracy: &'static [Accuracy],
    /// What else must be known of its accuracy.
    pub accuracy_notes: &'static [&'static str],
    /// What a reader should hold against every answer of the rule.
    pub caveats: &'static [&'static str],
    /// Where it was published.
    pub source: &'static str,
}

/// How one value of a rule is held against its threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Limit {
    /// The value's name in reports; it carries the unit.
    pub value: &'static str,
    /// `>` or `>=`.
    pub comparison: &'static str,
    /// In the value's unit.
    pub threshold: f64,
}

/// How well a criterion told fractures in one study. Percentages are as published; `None` where the study's own figure was
/// not read.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Accuracy {
    /// Which criterion, in which bone.
    pub criterion: &'static str,
    /// Share of the fractures that the criterion foretold.
    pub sensitivity_percent: Option<f64>,
    /// Share of the unfractured that it left alone.
    pub specificity_percent: Option<f64>,
    /// How many fractured with the criterion met and without, where that was published.
    pub fractured_with_and_without_percent: Option<[f64; 2]>,
    /// Radiograph or CT.
    pub imaging: &'static str,
    /// How many patients, lesions, fractures and readers.
    pub sample: &'static str,
    /// Where it was published.
    pub source: &'static str,
}

impl fmt::Display for Accuracy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut figures = Vec::new();
        if let Some(percent) = self.sensitivity_percent {
            figures.push(format!("sensitivity {percent}\u{a0}%"));
        }
        if let Some(percent) = self.specificity_percent {
            figures.push(format!("specificity {percent}\u{a0}%"));
        }
        if let Some([with, without]) = self.fractured_with_and_without_percent {
            figures.push(format!("{with}\u{a0}% fractured with it, {without}\u{a0}% without"));
        }
        write!(f, "{}: {} ({}; {}; {})", self.criterion, figures.join(", "), self.imaging, self.sample, self.source)
    }
}

/// What the reader of an upper limb score must know: the cut-off of 8 and what became of 9 there.
pub fn humerus_note() -> String {
    format!("{}; {}.", HUMERUS_AT_8, HUMERUS_AT_9)
}

/// One study and cut-off with its sensitivity and specificity.
const fn accuracy(
    criterion: &'static str,
    [sensitivity, specificity]: [f64; 2],
    imaging: &'static str,
    sample: &'static str,
    source: &'static str,
) -> Accuracy {
    Accuracy {
        criterion,
        sensitivity_percent: Some(sensitivity),
        specificity_percent: Some(specificity),
        fractured_with_and_without_percent: None,
        imaging,
        sample,
        source,
    }
}

/// One criterion of Tatar 2014: how many fractured with it; none did without.
const fn tatar(criterion: &'static str, fractured_percent: f64) -> Accuracy {
    Accuracy {
        criterion,
        sensitivity_percent: None,
        specificity_percent: None,
        fractured_with_and_without_percent: Some([fractured_percent, 0.0]),
        imaging: "planning CT",
        sample: "47 irradiated lesions, 10 fractures",
        source: "Tatar 2014",
    }
}

const GUIDELINE_30_50: Rule = Rule {
    name: RuleName::Guideline3050,
    title: "Guideline 30/50",
    criterion: "axial cortical lysis > 30 % and circumferential lysis > 50 % in the same axial slice",
    limits: &[
        Limit { value: "deciding_slice_axial_percent", comparison: ">", threshold: GUIDELINE_AXIAL_PERCENT },
        Limit {
            value: "deciding_slice_circumferential_percent",
            comparison: ">",
            threshold: GUIDELINE_CIRCUMFERENTIAL_PERCENT,
        },
    ],
    population: "Recommendation for patients with bone metastases of lung cancer, on diagnostic or planning CT, with a Mirels \
        score of 9 or more.",
    accuracy: &[],
    accuracy_notes: &["No study of the criterion as the recommendation words it was found."],
    caveats: &[
        "This answers the image criterion alone. The recommendation applies it to a patient with a Mirels score of 9 or more; \
         the two are put together in the recommendation.",
        "The recommendation cites van der Linden, whose criterion is 30 mm along the bone, not 30 % of the axial plane: a likely \
         slip of transcription. Its own reading is kept; the length is reported by van-der-linden.",
    ],
    source: RECOMMENDATION_SOURCE,
};

const HUMERUS_AT_8: Accuracy = accuracy(
    "Humerus, 8 or more",
    [83.6, 79.5],
    "radiographs",
    "188 patients of one institution, 61 fractures, retrospective",
    "Tat 2023, PMC10132712",
);
const HUMERUS_AT_9: Accuracy = accuracy(
    "Humerus, 9 or more",
    [14.5, 82.9],
    "radiographs",
    "39 readers; outcome known in 12 patients, 3 fractures",
    "Evans 2008, PMC2384025",
);

const MIRELS: Rule = Rule {
    name: RuleName::Mirels,
    title: "Mirels",
    criterion: "Mirels total of 9 or more",
    limits: &[Limit { value: "total", comparison: ">=", threshold: FIXATION_MIN_TOTAL as f64 }],
    population: "Metastases of long bones on plain radiographs, irradiated (Mirels 1989).",
    accuracy: &[
        accuracy(
            "Femur",
            [91.0, 35.0],
            "radiographs",
            "53 readers of 12 patients, 7 of them without prophylactic fixation",
            "Damron 2003, PubMed 14600611",
        ),
        accuracy(
            "Femur",
            [67.0, 48.0],
            "imaging of the score not told",
            "as the recommendation quotes it, without numbers",
            "Damron 2016, Clin Orthop Relat Res 474:643-51",
        ),
        accuracy(
            "Femur",
            [88.0, 38.0],
            "study on CT; imaging of the score not told",
            "9 fractured and 24 unfractured patients",
            "Sternheim 2020, Bone Joint J 102-B(5), doi 10.1302/0301-620X.102B5.BJJ-2019-1328.R2",
        ),
        HUMERUS_AT_8,
        HUMERUS_AT_9,
        accuracy(
            "Humerus, 7 or more",
            [81.0, 32.0],
            "radiographs",
            "39 readers; outcome known in 12 patients, 3 fractures",
            "Evans 2008, PMC2384025",
        ),
        accuracy(
            "Upper limb, 9 or more",
            [14.0, 73.0],
            "radiographs",
            "6 readers; 46 lesions of which 76 % fractured, a selected series",
            "Hoban 2022, JSES Int 6:675-81",
        ),
        accuracy(
            "Upper limb, 7 or more",
            [63.0, 55.0],
            "radiographs",
            "6 readers; 46 lesions of which 76 % fractured, a selected series",
            "Hoban 2022, JSES Int 6:675-81",
        ),
        tatar("Long bones, 9 or more", 42.0),
    ],
    accuracy_notes: &[
        "In 110 femoral lesions on radiographs the score did not predict fracture (p = 0.36; van der Linden 2004).",
        "Site did not independently predict fracture in Mirels' own data (Jawad and Scully 2010).",
    ],
    caveats: &["The Dutch guideline advises against Mirels' score (low predictive value, overtreatment)."],
    source: "Mirels H. Clin Orthop Relat Res 1989;(249):256-64",
};

const VAN_DER_LINDEN: Rule = Rule {
    name: RuleName::VanDerLinden,
    title: "van der Linden",
    criterion: "axial cortical involvement > 30 mm, or circumferential involvement > 50 %",
    limits: &[
        Limit { value: "axial_extent_mm", comparison: ">", threshold: VAN_DER_LINDEN_AXIAL_MM },
        Limit { value: "circumferential_percent", comparison: ">", threshold: VAN_DER_LINDEN_CIRCUMFERENTIAL_PERCENT },
    ],
    population: "110 femoral lesions in 102 patients of a randomised trial of radiotherapy, 14 fractures, plain radiographs \
        (2004).",
    accuracy: &[accuracy(
        "Femur, axial involvement of 30 mm or more",
        [86.0, 50.0],
        "radiographs",
        "100 patients, 14 fractures; predictive values 20 and 96 %",
        "van der Wal 2020, Radiother Oncol 144:59-64",
    )],
    accuracy_notes: &[
        "In 2004 only these two predicted fracture (p = 0.01 and 0.03); their sensitivity and specificity of then could not be \
         confirmed and are not printed.",
        "The validation of 2020 is of the length alone.",
    ],
    caveats: &[
        "Studied only on plain radiographs of the proximal femur: a length measured on CT, or in another bone, is an \
         extrapolation.",
    ],
    source: "van der Linden YM et al. Radiother Oncol 2003;69:21-31; J Bone Joint Surg Br 2004;86:566",
};

const TATAR_PLANNING_CT: Rule = Rule {
    name: RuleName::TatarPlanningCt,
    title: "Tatar, planning CT",
    criterion: "circumferential involvement >= 30 %, or height >= 45 mm, or through the whole wall",
    limits: &[
        Limit { value: "circumferential_percent", comparison: ">=", threshold: TATAR_CIRCUMFERENTIAL_PERCENT },
        Limit { value: "height_mm", comparison: ">=", threshold: TATAR_HEIGHT_MM },
    ],
    population: "47 lesions on radiotherapy planning CT (28 femur, 17 humerus, 2 tibia), 92 % in the upper third of the bone, \
        10 fractures.",
    accuracy: &[
        tatar("Circumference of 30 % or more", 71.0),
        tatar("Height of 45 mm or more", 67.0),
        tatar("Through the whole wall", 40.0),
    ],
    accuracy_notes: &[
        "Only the circumference remained in multivariate analysis (odds ratio 62, 95 % interval 6.5 to 595).",
        "Worked out from these rates, not published: each criterion had sensitivity 100 % in the series, and specificity about \
         89, 86 and 59 %. Three joined by \"or\" cannot be more specific than the least specific of them.",
    ],
    caveats: &["Derived from 47 lesions with 10 fractures, without external validation."],
    source: "Tatar 2014, Radiation Oncology 9:227, doi 10.1186/s13014-014-0227-1",
};

const RIGIDITY: Rule = Rule {
    name: RuleName::Rigidity,
    title: "Structural rigidity",
    criterion: "axial, bending or torsional rigidity reduced by >= 35 % against the homologous intact section, at the weakest section \
        that a lesion touches",
    limits: &[
        Limit { value: "axial_rigidity_reduction_percent", comparison: ">=", threshold: RIGIDITY_PERCENT },
        Limit { value: "bending_rigidity_reduction_percent", comparison: ">=", threshold: RIGIDITY_PERCENT },
        Limit { value: "torsional_rigidity_reduction_percent", comparison: ">=", threshold: RIGIDITY_PERCENT },
    ],
    population: "Metastases of long bones on CT with the other side for comparison.",
    accuracy: &[accuracy(
        "Long bones, any of the three",
        [100.0, 90.0],
        "calibrated CT",
        "124 patients with 149 lesions, 7 fractures in 4 months among those not fixed; Mirels' score there 71 and 50 %",
        "Nazarian 2015",
    )],
    accuracy_notes: &[
        "Damron 2016 (Clin Orthop Relat Res 474:643-51) is quoted with 100 and 61 %, Mirels' score with 67 and 48 %: counts of 6 \
         fractures and 71 unfractured lesions give these, its text was not read.",
        "False positives and negatives are known (Adv Orthop 2021, doi 10.1155/2021/5591715).",
    ],
    caveats: &[
        "Studied against the bone of the other side on calibrated CT. Left and right differ by nature (strength of 54 pairs of \
         femora: 17 ± 12 %); where the other side is the reference, the interval carries it.",
        "Beam theory does not hold near a joint.",
    ],
    source: "Leong et al. 2010 (PMC2909715); Damron et al. 2016; Nazarian et al. 2015",
};

// The texts name these numbers in words; a change of one without the other does not compile.
const _: () = assert!(FIXATION_MIN_TOTAL == 9 && HUMERUS_MIN_TOTAL == 8);
const _: () = assert!(GUIDELINE_AXIAL_PERCENT == 30.0 && GUIDELINE_CIRCUMFERENTIAL_PERCENT == 50.0);
const _: () = assert!(VAN_DER_LINDEN_AXIAL_MM == 30.0 && VAN_DER_LINDEN_CIRCUMFERENTIAL_PERCENT == 50.0);
const _: () = assert!(RIGIDITY_PERCENT == 35.0);
const _: () = assert!(TATAR_CIRCUMFERENTIAL_PERCENT == 30.0 && TATAR_HEIGHT_MM == 45.0);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_stands_under_its_own_name() {
        let names: Vec<_> = RuleName::WORDS.iter().map(|(word, _)| *word).collect();
        assert_eq!(names, ["guideline-30-50", "mirels", "van-der-linden", "tatar-planning-ct", "rigidity"]);
        for (word, name) in RuleName::WORDS {
            assert_eq!(name.to_string(), *word);
            assert_eq!(name.rule().name, *name);
            assert_eq!(serde_json::to_value(name).unwrap(), *word);
            assert_eq!(rule_named(word), Some(name.rule()));
        }
        assert_eq!(rule_named("harrington"), None);
    }

    #[test]
    fn every_rule_says_what_it_is_worth() {
        for (word, name) in RuleName::WORDS {
            let rule = name.rule();
            assert!(!rule.accuracy.is_empty() || !rule.accuracy_notes.is_empty(), "{word}");
            assert!(!rule.caveats.is_empty() && !rule.source.is_empty() && !rule.population.is_empty(), "{word}");
            for study in rule.accuracy {
                assert!(!study.imaging.is_empty() && !study.sample.is_empty() && !study.source.is_empty(), "{word}");
                let percentages = [study.sensitivity_percent, study.specificity_percent];
                assert!(percentages.iter().flatten().all(|percent| (0.0..=100.0).contains(percent)), "{word}");
            }
        }
    }

    /// The specificities that the note on Tatar's rule tells, from the published rates alone: 10 fractures, 37 without.
    #[test]
    fn what_is_worked_out_from_rates_is_right() {
        let specificity = |fractured_percent: f64| {
            let with_criterion = (10.0 / (fractured_percent / 100.0)).round();
            (100.0 * (37.0 - (with_criterion - 10.0)) / 37.0).round()
        };
        let rates = TATAR_PLANNING_CT.accuracy.iter().map(|study| study.fractured_with_and_without_percent.unwrap());
        assert_eq!(rates.map(|[with, _]| specificity(with)).collect::<Vec<_>>(), [89.0, 86.0, 59.0]);
        assert!(TATAR_PLANNING_CT.accuracy_notes[1].contains("89, 86 and 59 %"));
    }

    #[test]
    fn a_study_is_one_line() {
        assert_eq!(
            HUMERUS_AT_8.to_string().replace('\u{a0}', " "),
            "Humerus, 8 or more: sensitivity 83.6 %, specificity 79.5 % (radiographs; 188 patients of one institution, 61 \
             fractures, retrospective; Tat 2023, PMC10132712)"
        );
    }
}
