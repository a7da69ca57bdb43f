//! Biologically effective dose and its equivalent in 2 Gy fractions, by the linear-quadratic model.
//!
//! # Assumptions
//! Full repair between fractions and, for a sum of courses, none of the recovery that months between them may bring; no term for
//! overall time; the same point of the body receives every course.
//!
//! # Units
//! Doses and α/β in gray; BED and EQD2 in gray too, though they are no absorbed doses.
//!
//! # Formula
//! BED = D (1 + d / (α/β)) and EQD2 = D (d + α/β) / (2 + α/β), with D the total dose and d = D / n the dose per fraction. Both
//! add up over courses.
//!
//! Check: 60 Gy in 30 fractions is 60 Gy in EQD2 at any α/β, and 100 Gy in BED at α/β = 3 Gy.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Serialize;

use crate::words::{BadValue, parse_number, parse_word_or};

/// Largest total dose of a course that is believed, Gy. Above it the number is more likely in centigray.
pub const MAX_DOSE_GY: f64 = 200.0;
/// Largest number of fractions of a course that is believed.
pub const MAX_FRACTIONS: u32 = 100;
/// Largest α/β that is believed, Gy.
pub const MAX_ALPHA_BETA_GY: f64 = 100.0;
/// Most courses that one plan may sum up.
pub const MAX_COURSES: usize = 20;

/// The spinal cord's α/β in the recommendation, Gy (section 2.1).
pub const CORD_ALPHA_BETA_GY: f64 = 0.87;
/// The α/β by convention taken for tumours, Gy.
pub const TUMOUR_ALPHA_BETA_GY: f64 = 10.0;
/// The α/β by convention taken for late effects, Gy.
pub const LATE_ALPHA_BETA_GY: f64 = 3.0;

/// Where schedules and the cord's α/β stand.
pub const EQD2_SOURCE: &str = "French recommendation for bone metastases of lung cancer, local treatment by radiotherapy, \
    section 2.1: schedules 30 Gy in 10 fractions, 24 in 6, 20 in 5, 8 in 1; α/β of 0.87 Gy for the spinal cord (it cites \
    Schultheiss 2008, Int J Radiat Oncol Biol Phys 71:1455-9)";
/// What the usual ratios of tumour and late effects are.
pub const EQD2_CONVENTIONS: &str =
    "α/β of 10 Gy for tumours and of 3 Gy for late effects are conventions, not from the recommendation.";
/// What limits all numbers.
pub const EQD2_NOTES: [&str; 2] = [
    "Every column takes the tissue to receive the prescribed dose: for the cord give the dose that the cord receives.",
    "The linear-quadratic model knows neither overall time nor recovery between courses: a sum counts every course in full.",
];

/// One course of radiotherapy in equal fractions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Course {
    /// Total dose in gray.
    pub dose_gy: f64,
    /// Number of fractions.
    pub fractions: u32,
}

impl Course {
    /// `None` unless the dose is above 0 and at most [`MAX_DOSE_GY`] and there are 1 to [`MAX_FRACTIONS`] fractions.
    pub fn new(dose_gy: f64, fractions: u32) -> Option<Self> {
        let possible = dose_gy > 0.0 && dose_gy <= MAX_DOSE_GY && (1..=MAX_FRACTIONS).contains(&fractions);
        possible.then_some(Self { dose_gy, fractions })
    }

    /// Dose per fraction, Gy.
    pub fn dose_per_fraction_gy(self) -> f64 {
        self.dose_gy / f64::from(self.fractions)
    }

    /// Biologically effective dose, Gy.
    pub fn bed_gy(self, AlphaBeta(alpha_beta_gy): AlphaBeta) -> f64 {
        self.dose_gy * (1.0 + self.dose_per_fraction_gy() / alpha_beta_gy)
    }

    /// Equivalent dose in 2 Gy fractions, Gy.
    pub fn eqd2_gy(self, AlphaBeta(alpha_beta_gy): AlphaBeta) -> f64 {
        self.dose_gy * (self.dose_per_fraction_gy() + alpha_beta_gy) / (2.0 + alpha_beta_gy)
    }
}

impl fmt::Display for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} Gy in {}", self.dose_gy, self.fractions)
    }
}

impl FromStr for Course {
    type Err = BadValue;

    /// `30/10`, `30 Gy in 10`, `30 Gy en 10 fractions`: total dose in gray, then the number of fractions.
    fn from_str(given: &str) -> Result<Self, BadValue> {
        let refused = || BadValue {
            what: "a course of radiotherapy",
            given: given.to_owned(),
            accepted: format!(
                "total dose in Gy (above 0, at most {MAX_DOSE_GY}), a stroke and the number of fractions (1 to \
                 {MAX_FRACTIONS}), for example 30/10 or '30 Gy in 10'; courses to be summed are joined by '+', as in 30/10+8/1"
            ),
            nearest: None,
        };
        let text = given.to_lowercase();
        let (dose, fractions) = text
            .split_once('/')
            .or_else(|| text.split_once(" in "))
            .or_else(|| text.split_once(" en "))
            .ok_or_else(refused)?;
        let dose = without_suffix(dose, &["gy"]);
        let fractions = without_suffix(fractions, &["fractions", "fraction", "séances", "séance", "seances", "seance"]);
        let (dose_gy, fractions) = parse_number(dose).zip(fractions.parse().ok()).ok_or_else(refused)?;
        Self::new(dose_gy, fractions).ok_or_else(refused)
    }
}

/// The text without blanks around it and without the first of the suffixes that it ends with.
fn without_suffix<'a>(text: &'a str, suffixes: &[&str]) -> &'a str {
    let text = text.trim();
    suffixes.iter().find_map(|suffix| text.strip_suffix(suffix)).unwrap_or(text).trim()
}

/// One or more courses, whose effects add up.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Schedule {
    /// The courses in the order given, at least one.
    courses: Vec<Course>,
}

impl Schedule {
    /// The schedules that the recommendation names, in its order: 30 Gy in 10 fractions, 24 in 6, 20 in 5 and 8 in 1.
    pub fn of_the_recommendation() -> Vec<Self> {
        [(30.0, 10), (24.0, 6), (20.0, 5), (8.0, 1)]
            .map(|(dose_gy, fractions)| Self { courses: vec![Course { dose_gy, fractions }] })
            .into()
    }

    /// The courses in the order given.
    pub fn courses(&self) -> &[Course] {
        &self.courses
    }

    /// Sum of the total doses, Gy.
    pub fn dose_gy(&self) -> f64 {
        self.courses.iter().map(|course| course.dose_gy).sum()
    }

    /// Sum of the biologically effective doses, Gy.
    pub fn bed_gy(&self, alpha_beta: AlphaBeta) -> f64 {
        self.courses.iter().map(|course| course.bed_gy(alpha_beta)).sum()
    }

    /// Sum of the equivalent doses in 2 Gy fractions, Gy.
    pub fn eqd2_gy(&self, alpha_beta: AlphaBeta) -> f64 {
        self.courses.iter().map(|course| course.eqd2_gy(alpha_beta)).sum()
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let courses: Vec<String> = self.courses.iter().map(ToString::to_string).collect();
        f.pad(&courses.join(" + "))
    }
}

impl FromStr for Schedule {
    type Err = BadValue;

    /// Courses joined by `+`.
    fn from_str(given: &str) -> Result<Self, BadValue> {
        let courses: Vec<Course> = given.split('+').map(str::parse).collect::<Result<_, _>>()?;
        if courses.len() > MAX_COURSES {
            return Err(BadValue {
                what: "a sum of courses",
                given: given.to_owned(),
                accepted: format!("at most {MAX_COURSES} courses"),
                nearest: None,
            });
        }
        Ok(Self { courses })
    }
}

/// An α/β ratio in gray: above 0, at most [`MAX_ALPHA_BETA_GY`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct AlphaBeta(f64);

impl AlphaBeta {
    /// `None` unless above 0 and at most [`MAX_ALPHA_BETA_GY`].
    pub fn new(alpha_beta_gy: f64) -> Option<Self> {
        (alpha_beta_gy > 0.0 && alpha_beta_gy <= MAX_ALPHA_BETA_GY).then_some(Self(alpha_beta_gy))
    }

    /// In gray.
    pub fn gy(self) -> f64 {
        self.0
    }
}

/// A tissue with its α/β: one column of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Tissue {
    /// `tumour`, `late effects`, `spinal cord`, or as given.
    pub name: String,
    /// Its α/β in gray.
    pub alpha_beta_gy: AlphaBeta,
}

const TISSUES: &[(&str, (&str, f64))] = &[
    ("tumour", ("tumour", TUMOUR_ALPHA_BETA_GY)),
    ("late", ("late effects", LATE_ALPHA_BETA_GY)),
    ("cord", ("spinal cord", CORD_ALPHA_BETA_GY)),
];
const TISSUES_FRENCH: &[(&str, (&str, f64))] = &[
    ("tumeur", ("tumour", TUMOUR_ALPHA_BETA_GY)),
    ("tardif", ("late effects", LATE_ALPHA_BETA_GY)),
    ("moelle", ("spinal cord", CORD_ALPHA_BETA_GY)),
];

impl Tissue {
    /// Tumour, late effects and spinal cord with their usual α/β.
    pub fn usual() -> Vec<Self> {
        TISSUES.iter().map(|(_, (name, gy))| Self { name: (*name).to_owned(), alpha_beta_gy: AlphaBeta(*gy) }).collect()
    }
}

impl FromStr for Tissue {
    type Err = BadValue;

    /// A usual tissue (`cord`), a number (`2.5`), or a name with a number (`prostate=1.5`).
    fn from_str(given: &str) -> Result<Self, BadValue> {
        let number = |text: &str| parse_number(text).and_then(AlphaBeta::new);
        if let Some(alpha_beta_gy) = number(given) {
            return Ok(Self { name: "as given".to_owned(), alpha_beta_gy });
        }
        if let Some((name, alpha_beta_gy)) =
            given.split_once('=').and_then(|(name, text)| Some((name.trim(), number(text)?)))
        {
            let plain = !name.is_empty() && name.chars().count() <= 16 && !name.chars().any(char::is_control);
            if plain {
                // A usual tissue keeps its name with another number.
                let name = parse_word_or("", name, TISSUES, TISSUES_FRENCH).map_or(name, |(usual, _)| usual);
                return Ok(Self { name: name.to_owned(), alpha_beta_gy });
            }
        }
        match parse_word_or("an α/β ratio", given, TISSUES, TISSUES_FRENCH) {
            Ok((name, gy)) => Ok(Self { name: name.to_owned(), alpha_beta_gy: AlphaBeta(gy) }),
            Err(mut error) => {
                error.accepted = format!(
                    "a number of Gy above 0, at most {MAX_ALPHA_BETA_GY}, with or without a name of up to 16 letters, for \
                     example 2.5 or prostate=1.5; or {}",
                    error.accepted
                );
                Err(error)
            }
        }
    }
}

#[cfg(test)]
#[path = "eqd2_tests.rs"]
mod tests;
