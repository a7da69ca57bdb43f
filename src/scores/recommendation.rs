//! Which passage of the recommendation applies to a bone, quoted with its source. It orders nothing.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::mirels::{ByPain, FIXATION_MIN_TOTAL, MirelsScore, OBSERVATION_MAX_TOTAL, Pain};
use super::rules::RECOMMENDATION_SOURCE;
use super::verdict::Verdict;
use crate::language::Text;

/// What the recommendation says about a bone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// 30/50 met and Mirels 9 or more: consolidation surgery first is to be discussed.
    ConsolidationCandidate,
    /// Mirels 9 or more, without 30/50 being met.
    FixationByMirels,
    /// Mirels 8, or 30/50 met below 9, or an uncertainty that would change the answer.
    Multidisciplinary,
    /// Mirels 7 or less.
    ObservationOrRadiotherapy,
    /// The pain is not known and changes the answer: see the answer for each level.
    DependsOnPain,
    /// No lesion was found.
    NoLesion,
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ConsolidationCandidate => "consolidation-candidate",
            Self::FixationByMirels => "fixation-by-mirels",
            Self::Multidisciplinary => "multidisciplinary",
            Self::ObservationOrRadiotherapy => "observation-or-radiotherapy",
            Self::DependsOnPain => "depends-on-pain",
            Self::NoLesion => "no-lesion",
        })
    }
}

/// A sentence of the recommendation, in its own language and in English.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Quote {
    /// The French original.
    pub original: &'static str,
    /// Our translation.
    pub english: &'static str,
}

const CONSOLIDATION: Quote = Quote {
    original: "En pratique, sur les images du scanner diagnostique ou lors du scanner dosimétrique, la constatation d'une \
        ostéolyse corticale > 30 % dans le plan axial et > 50 % dans la circonférence, chez un patient ayant un score de \
        Mirels ≥ 9, doit faire discuter une chirurgie de consolidation première.",
    english: "In practice, on the images of the diagnostic CT or at the planning CT, the finding of cortical osteolysis \
        > 30 % in the axial plane and > 50 % of the circumference, in a patient with a Mirels score ≥ 9, should prompt \
        discussion of consolidation surgery first.",
};

const FIXATION: Quote = Quote {
    original: "la chirurgie prophylactique première – la radiothérapie post-opératoire sera de toute façon indiquée \
        (cf 1.4)- (score de Mirels ≥ 9)",
    english: "prophylactic surgery first – postoperative radiotherapy will be indicated in any case (see 1.4) – (Mirels \
        score ≥ 9)",
};

const MULTIDISCIPLINARY: Quote = Quote {
    original: "Pour les scores de Mirels à 8 ou en cas de doute, discuter de la conduite à tenir en RCP-OOS (avec si \
        possible chirurgien, radiologue interventionnel, rhumatologue et radiothérapeute)",
    english: "For Mirels scores of 8 or in case of doubt, discuss what to do in a multidisciplinary bone oncology meeting \
        (if possible with surgeon, interventional radiologist, rheumatologist and radiation oncologist)",
};

const OBSERVATION: Quote =
    Quote { original: "≤ 7 : Observation, radiothérapie", english: "≤ 7: observation, radiotherapy (table 3)" };

impl Category {
    /// The sentence of the recommendation behind the category, if there is one.
    pub fn quote(self) -> Option<Quote> {
        match self {
            Self::ConsolidationCandidate => Some(CONSOLIDATION),
            Self::FixationByMirels => Some(FIXATION),
            Self::Multidisciplinary => Some(MULTIDISCIPLINARY),
            Self::ObservationOrRadiotherapy => Some(OBSERVATION),
            Self::DependsOnPain | Self::NoLesion => None,
        }
    }
}

/// The recommendation for one bone.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Recommendation {
    /// What it says.
    pub category: Category,
    /// What it would say for each pain level; only when the pain is not known and there is a lesion.
    pub by_pain: Option<ByPain<Category>>,
    /// The measurement, then the quoted sentence (French and English).
    pub text: String,
    /// Where the sentences stand.
    pub source: Text,
}

/// The recommendation for a bone without lesion.
pub fn without_lesion() -> Recommendation {
    Recommendation {
        category: Category::NoLesion,
        by_pain: None,
        text: "No cortical lysis was found in the slices that could be measured.".to_owned(),
        source: RECOMMENDATION_SOURCE,
    }
}

/// The recommendation for a bone whose lesions a reviewer has all rejected.
pub fn all_rejected() -> Recommendation {
    Recommendation {
        text: "Every lesion that was found was rejected by the reviewer; none is counted.".to_owned(),
        ..without_lesion()
    }
}

/// The recommendation for a bone with a lesion, from the 30/50 image criterion and the score.
///
/// Where the possible totals lead to different categories for a reason other than pain, the answer is
/// [`Category::Multidisciplinary`]: the recommendation sends doubt to the meeting.
pub fn with_lesion(guideline: Verdict, score: &MirelsScore) -> Recommendation {
    let (category, by_pain) = if score.pain.is_some() {
        (category_of_range(guideline, score.range), None)
    } else {
        let answers = ByPain::new(|pain| category_of_range(guideline, *score.by_pain.get(pain)));
        let same = answers.iter().all(|(_, answer)| *answer == answers.mild);
        (if same { answers.mild } else { Category::DependsOnPain }, Some(answers))
    };
    let text = text(guideline, score, category, by_pain.as_ref());
    Recommendation { category, by_pain, text, source: RECOMMENDATION_SOURCE }
}

/// The category that every total of the range leads to, or the meeting if they lead to several.
pub fn category_of_range(guideline: Verdict, [low, high]: [u8; 2]) -> Category {
    let first = category_of_total(guideline, low);
    let same = (low..=high).all(|total| category_of_total(guideline, total) == first);
    if same { first } else { Category::Multidisciplinary }
}

fn category_of_total(guideline: Verdict, total: u8) -> Category {
    match (total, guideline) {
        (FIXATION_MIN_TOTAL.., Verdict::Met) => Category::ConsolidationCandidate,
        // Without an image criterion the score speaks alone: nothing was measured that could be in doubt.
        (FIXATION_MIN_TOTAL.., Verdict::NotMet | Verdict::NotEvaluated) => Category::FixationByMirels,
        (..=OBSERVATION_MAX_TOTAL, Verdict::NotMet | Verdict::NotEvaluated) => Category::ObservationOrRadiotherapy,
        _ => Category::Multidisciplinary,
    }
}

fn text(guideline: Verdict, score: &MirelsScore, category: Category, by_pain: Option<&ByPain<Category>>) -> String {
    let criterion = match guideline {
        Verdict::Met => "Axial lysis above 30 % and circumferential lysis above 50 % were measured in the same slice.",
        Verdict::NotMet => "No slice has both axial lysis above 30 % and circumferential lysis above 50 %.",
        Verdict::Indeterminate => {
            "Whether a slice has both axial lysis above 30 % and circumferential lysis above 50 % lies within the \
             uncertainty of the measurement."
        }
        Verdict::NotEvaluated => "The 30 % / 50 % criterion was not evaluated.",
    };
    let mut text = format!("Mirels score {}. {criterion}", range_in_words(score.range));
    match (category, by_pain) {
        (Category::DependsOnPain, Some(answers)) => {
            text.push_str(" The recommendation depends on the pain, which was not given:");
            for (pain, answer) in answers.iter() {
                text.push_str(&format!(" {}", answer_in_words(pain, score, *answer)));
            }
        }
        _ => push_quote(&mut text, category),
    }
    text
}

/// "mild pain, Mirels 8: multidisciplinary, « ... » (...);"
fn answer_in_words(pain: Pain, score: &MirelsScore, answer: Category) -> String {
    let total = range_in_words(*score.by_pain.get(pain));
    let mut words = format!("{pain} pain, Mirels {total}: {answer}.");
    push_quote(&mut words, answer);
    words
}

fn push_quote(text: &mut String, category: Category) {
    if let Some(Quote { original, english }) = category.quote() {
        text.push_str(&format!(" The recommendation reads: « {original} » (in English: \"{english}\")."));
    }
}

/// "9" or "8 to 10".
pub fn range_in_words([low, high]: [u8; 2]) -> String {
    if low == high { low.to_string() } else { format!("{low} to {high}") }
}

#[cfg(test)]
#[path = "recommendation_tests.rs"]
mod tests;
