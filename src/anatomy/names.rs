//! How bones and sides are written and read.

use std::fmt;
use std::str::FromStr;

use super::{BoneName, Side};
use crate::words::{BadValue, parse_word};

impl BoneName {
    /// Every bone with its word.
    pub const WORDS: &'static [(&'static str, Self)] = BONES;
}

impl Side {
    /// Both sides with their words.
    pub const WORDS: &'static [(&'static str, Self)] = SIDES;
}

const BONES: &[(&str, BoneName)] = &[
    ("femur", BoneName::Femur),
    ("tibia", BoneName::Tibia),
    ("fibula", BoneName::Fibula),
    ("humerus", BoneName::Humerus),
    ("radius", BoneName::Radius),
    ("ulna", BoneName::Ulna),
];

const SIDES: &[(&str, Side)] = &[("left", Side::Left), ("right", Side::Right)];

impl FromStr for BoneName {
    type Err = BadValue;

    /// `unknown` is an answer of the analysis, never a question: it is refused.
    fn from_str(given: &str) -> Result<Self, BadValue> {
        parse_word("a long bone", given, BONES)
    }
}

impl fmt::Display for BoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(word(BONES, *self))
    }
}

impl FromStr for Side {
    type Err = BadValue;

    /// `unknown` is an answer of the analysis, never a question: it is refused.
    fn from_str(given: &str) -> Result<Self, BadValue> {
        parse_word("a side", given, SIDES)
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(word(SIDES, *self))
    }
}

fn word<T: PartialEq>(words: &[(&'static str, T)], meaning: T) -> &'static str {
    words.iter().find(|(_, known)| *known == meaning).map_or("unknown", |(word, _)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back() {
        for (word, bone) in BONES {
            assert_eq!(word.parse(), Ok(*bone));
            assert_eq!(bone.to_string(), *word);
        }
        for (word, side) in SIDES {
            assert_eq!(word.parse(), Ok(*side));
            assert_eq!(side.to_string(), *word);
        }
    }

    #[test]
    fn unknown_is_written_but_not_read() {
        assert_eq!(BoneName::Unknown.to_string(), "unknown");
        assert_eq!(Side::Unknown.to_string(), "unknown");
        assert!("unknown".parse::<BoneName>().is_err());
        assert_eq!("femru".parse::<BoneName>().unwrap_err().nearest.as_deref(), Some("femur"));
    }
}
