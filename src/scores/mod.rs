//! Mirels, the published rules and the recommendation: pure functions of numbers, no images.
//!
//! | module | answers |
//! |---|---|
//! | [`mirels`] | how many points, or which range of points when an item is uncertain or unknown |
//! | [`rules`] | whether each published criterion is met, is not, or cannot be told from the measurement |
//! | [`rigidity`] | the rule of structural rigidity |
//! | [`recommendation`] | which passage of the recommendation applies, quoted with its source |
//! | [`verdict`] | met, not met, indeterminate, not evaluated, and how they combine |

pub mod mirels;
pub mod recommendation;
pub mod rigidity;
pub mod rules;
pub mod verdict;

/// Carried by every output of this tool.
pub const DISCLAIMER: &str = "Research use only. Not a medical device; not for diagnosis or treatment decisions. Results require review by a \
     qualified physician.";
