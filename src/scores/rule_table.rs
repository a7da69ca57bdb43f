//! What the published rules are: one table for everything that is said of them, by the report, the page and the command
//! `rules`. [`rules`](super::rules) holds measurements against it.
//!
//! A figure stands here only if it was read in the abstract or text of its source (`docs/scores.md` says where); what is
//! merely often quoted does not. What the table says in words stands in `rule_texts`.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::rule_texts::{
    GUIDELINE_30_50, HUMERUS_AT_8, HUMERUS_AT_9, MIRELS, RIGIDITY, TATAR_PLANNING_CT, VAN_DER_LINDEN,
};
use crate::language::{Language, Sentence, Text};

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
pub const RECOMMENDATION_SOURCE: Text = Text::new(
    "French recommendation for bone metastases of lung cancer, local treatment by radiotherapy (\"Traitement local de la \
     métastase osseuse par radiothérapie\"), section 1.2",
    "Recommandation française pour les métastases osseuses des cancers bronchiques, « Traitement local de la métastase osseuse \
     par radiothérapie », section 1.2",
);

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
    pub title: Text,
    /// The criterion in words.
    pub criterion: Text,
    /// The thresholds of the criterion.
    pub limits: &'static [Limit],
    /// In whom, and on which images, it was studied.
    pub population: Text,
    /// Sensitivity and specificity, one entry a study and cut-off.
    pub accuracy: &'static [Accuracy],
    /// What else must be known of its accuracy.
    pub accuracy_notes: &'static [Text],
    /// What a reader should hold against every answer of the rule.
    pub caveats: &'static [Text],
    /// Where it was published.
    pub source: Text,
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
    pub criterion: Text,
    /// Share of the fractures that the criterion foretold.
    pub sensitivity_percent: Option<f64>,
    /// Share of the unfractured that it left alone.
    pub specificity_percent: Option<f64>,
    /// How many fractured with the criterion met and without, where that was published.
    pub fractured_with_and_without_percent: Option<[f64; 2]>,
    /// Radiograph or CT.
    pub imaging: Text,
    /// How many patients, lesions, fractures and readers.
    pub sample: Text,
    /// Where it was published.
    pub source: &'static str,
}

impl Accuracy {
    /// The study in one line.
    pub fn line(&self, language: Language) -> String {
        let number = |percent: f64| language.decimal(percent.to_string());
        let mut figures = Vec::new();
        if let Some(percent) = self.sensitivity_percent {
            figures.push(format!("{} {}\u{a0}%", language.pick("sensitivity", "sensibilité"), number(percent)));
        }
        if let Some(percent) = self.specificity_percent {
            figures.push(format!("{} {}\u{a0}%", language.pick("specificity", "spécificité"), number(percent)));
        }
        if let Some([with, without]) = self.fractured_with_and_without_percent.map(|rates| rates.map(number)) {
            figures.push(language.pick(
                format!("{with}\u{a0}% fractured with it, {without}\u{a0}% without"),
                format!("{with}\u{a0}% de fractures avec, {without}\u{a0}% sans"),
            ));
        }
        let [criterion, imaging, sample] = [self.criterion, self.imaging, self.sample].map(|text| text.of(language));
        let text = format!("{criterion}: {} ({imaging}; {sample}; {})", figures.join(", "), self.source);
        let french = || format!("{criterion} : {} ({imaging} ; {sample} ; {})", figures.join(", "), self.source);
        language.say(text.as_str(), french()).into_owned()
    }
}

/// What the reader of an upper limb score must know: the cut-off of 8 and what became of 9 there.
pub fn humerus_note() -> Sentence {
    let both = |language| [HUMERUS_AT_8, HUMERUS_AT_9].map(|study| study.line(language));
    let ([en_8, en_9], [fr_8, fr_9]) = (both(Language::En), both(Language::Fr));
    Sentence::new(format!("{en_8}; {en_9}."), format!("{fr_8} ; {fr_9}."))
}

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
            assert!(
                !rule.caveats.is_empty() && !rule.source.english.is_empty() && !rule.population.english.is_empty(),
                "{word}"
            );
            for study in rule.accuracy {
                assert!(
                    !study.imaging.english.is_empty() && !study.sample.english.is_empty() && !study.source.is_empty(),
                    "{word}"
                );
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
        assert!(TATAR_PLANNING_CT.accuracy_notes[1].english.contains("89, 86 and 59 %"));
    }

    #[test]
    fn a_study_is_one_line() {
        assert_eq!(
            HUMERUS_AT_8.line(Language::En).replace('\u{a0}', " "),
            "Humerus, 8 or more: sensitivity 83.6 %, specificity 79.5 % (radiographs; 188 patients of one institution, 61 \
             fractures, retrospective; Tat 2023, PMC10132712)"
        );
    }
}
