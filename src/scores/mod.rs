//! Scores, the published rules and the recommendation: pure functions of numbers, no images. Where every number comes from
//! is told in `docs/scores.md`.
//!
//! | module | answers |
//! |---|---|
//! | [`mirels`] | how many points, or which range of points when an item is uncertain or unknown |
//! | [`mirels_readings`] | which fracture rates were published for a total, what an unknown item would make of it |
//! | [`rades`] | how many points, which group, and who walked after radiotherapy in it |
//! | [`eqd2`] | BED and EQD2 of fractionation schedules and their sums |
//! | [`rule_table`] | what each published rule is: criterion, limits, source, population, published accuracy |
//! | [`rules`] | whether each published criterion is met, is not, or cannot be told from the measurement |
//! | [`rigidity`] | the rule of structural rigidity |
//! | [`recommendation`] | which passage of the recommendation applies, quoted with its source |
//! | [`verdict`] | met, not met, indeterminate, not evaluated, and how they combine |

pub mod eqd2;
pub mod mirels;
pub mod mirels_readings;
pub mod rades;
pub mod recommendation;
pub mod rigidity;
pub mod rule_table;
mod rule_texts;
pub mod rules;
pub mod verdict;

use crate::language::Text;

/// Carried by every output of this tool.
pub const DISCLAIMER: &str = DISCLAIMER_TEXT.english;

/// The same in the reader's language.
pub const DISCLAIMER_TEXT: Text = Text::new(
    "Research use only. Not a medical device; not for diagnosis or treatment decisions. Results require review by a \
     qualified physician.",
    "Réservé à la recherche. N’est pas un dispositif médical ; ne pas utiliser pour le diagnostic ni pour décider d’un \
     traitement. Les résultats doivent être relus par un médecin qualifié.",
);
