//! The reference's names on the command line.

use super::ReferenceChoice;
use crate::words::{BadValue, parse_word};
use std::fmt;
use std::str::FromStr;

impl ReferenceChoice {
    /// Every choice with its word.
    pub const WORDS: &'static [(&'static str, Self)] = REFERENCES;
}

const REFERENCES: &[(&str, ReferenceChoice)] = &[
    ("auto", ReferenceChoice::Auto),
    ("contralateral", ReferenceChoice::Contralateral),
    ("ipsilateral", ReferenceChoice::Ipsilateral),
];

impl FromStr for ReferenceChoice {
    type Err = BadValue;

    fn from_str(given: &str) -> Result<Self, BadValue> {
        parse_word("a reference", given, REFERENCES)
    }
}

impl fmt::Display for ReferenceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Auto => "auto",
            Self::Contralateral => "contralateral",
            Self::Ipsilateral => "ipsilateral",
        })
    }
}
