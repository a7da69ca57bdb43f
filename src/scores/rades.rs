//! The Rades score of metastatic spinal cord compression: five factors, total 21 to 44, three groups of who walks after
//! radiotherapy alone.
//!
//! Points and groups: table 4 of the French recommendation. The score was made from 2096 patients (Rades 2008) and the three
//! groups come from its validation in 653 (Rades 2011); a factor's points are a tenth of the post-radiotherapy ambulatory rate
//! with it, in percent.
//!
//! References:
//! - Rades D et al. A score predicting posttreatment ambulatory status in patients irradiated for metastatic spinal cord
//!   compression. Int J Radiat Oncol Biol Phys 2008;72:905-8.
//! - Rades D et al. Validation of a score predicting post-treatment ambulatory status after radiotherapy for metastatic spinal
//!   cord compression. Int J Radiat Oncol Biol Phys 2011;79:1503-6.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Serialize;

use super::recommendation::Quote;
use crate::words::{BadValue, parse_word_or};

/// Lowest total: the fewest points of every factor.
pub const MIN_TOTAL: u8 = 21;
/// Highest total: the most points of every factor.
pub const MAX_TOTAL: u8 = 44;
/// Highest total of group I.
pub const GROUP_I_MAX_TOTAL: u8 = 28;
/// Highest total of group II.
pub const GROUP_II_MAX_TOTAL: u8 = 37;
/// Up to here, in months, an interval between diagnosis and compression scores 6; beyond, 8.
pub const SHORT_INTERVAL_MAX_MONTHS: u32 = 15;
/// Up to here, in days, a motor deficit developed fast (4 points).
pub const FAST_DEFICIT_MAX_DAYS: u32 = 7;
/// Up to here, in days, it developed at the middle pace (7 points); beyond, slowly (9 points).
pub const MIDDLE_DEFICIT_MAX_DAYS: u32 = 14;
/// Longest interval or time that is believed, in months or days: a hundred years is a slip of the keyboard.
const LONGEST: u32 = 1200;

/// Where points and groups stand.
pub const RADES_SOURCE: &str = "French recommendation for bone metastases of lung cancer, local treatment by radiotherapy, \
    section 1.3, table 4";
/// Where the ambulatory rates stand.
pub const RADES_RATES_SOURCE: &str = "Rades 2011, Int J Radiat Oncol Biol Phys 79:1503-6: validation in 653 prospectively \
    followed patients after radiotherapy alone, three groups";
/// The recommendation's own reserve, to be printed with every score.
pub const RADES_CAVEAT: Quote = Quote {
    original: "Il existe un bémol à l'utilisation actuelle du score de Rades en raison des bouleversements pronostiques \
        induits par l'arrivée dans le cancer du poumon des thérapeutiques ciblées et de l'immunothérapie. L'attribution d'un \
        score unique de 5 points au CBNPC est dépassé et le clinicien doit savoir adapter sa décision en fonction du profil \
        moléculaire tumoral et du pronostique global du patient. A l'heure du profil moléculaire et de la médecine \
        personnalisée, ces scores sont à revoir.",
    english: "There is a reservation about using the Rades score today, because targeted therapies and immunotherapy have \
        upset the prognosis of lung cancer. Giving a single score of 5 points to non-small-cell lung cancer is outdated, and \
        the clinician must adapt the decision to the molecular profile of the tumour and the overall prognosis of the patient. \
        In the age of molecular profiles and personalised medicine these scores are to be revised.",
};

/// What the factors have in common: closed lists of levels with points.
pub trait Factor: Copy + fmt::Display {
    /// The points of table 4.
    fn points(self) -> u8;
}

/// Writes a factor's enum as its rows of table 4: name, points, and the row's French label first among its other spellings.
macro_rules! factor {
    ($(#[$doc:meta])* $name:ident, $what:literal {
        $($(#[$variant_doc:meta])* $variant:ident = $word:literal, $points:literal [$($french:literal),+ $(,)?]),+ $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every level with its word, in the order of the table.
            pub const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$variant)),+];
            /// The levels in French: the table's own label, then other spellings.
            pub const FRENCH: &'static [(&'static str, Self)] = &[$($(($french, Self::$variant)),+),+];

            fn from_word(given: &str) -> Result<Self, BadValue> {
                parse_word_or($what, given, Self::WORDS, Self::FRENCH)
            }
        }

        impl Factor for $name {
            fn points(self) -> u8 {
                match self { $(Self::$variant => $points),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self { $(Self::$variant => $word),+ })
            }
        }
    };
}

factor! {
    /// The primary tumour.
    Primary, "a primary tumour" {
        Breast = "breast", 8 ["sein"],
        Prostate = "prostate", 7 ["prostate"],
        MyelomaLymphoma = "myeloma-lymphoma", 9 ["myélome / lymphome", "myélome", "lymphome"],
        /// Non-small-cell lung cancer.
        NonSmallCellLung = "nsclc", 5 ["CBNPC"],
        /// Small-cell lung cancer.
        SmallCellLung = "sclc", 6 ["CBPC"],
        /// Cancer of unknown primary.
        UnknownPrimary = "unknown-primary", 5 ["cancer de primitif inconnu", "primitif inconnu"],
        Kidney = "kidney", 6 ["rein"],
        Colorectal = "colorectal", 6 ["colorectal"],
        /// Any other solid tumour.
        Other = "other", 6 ["autre"],
    }
}

factor! {
    /// Time between the diagnosis of the tumour and the compression.
    Interval, "an interval from diagnosis to compression" {
        UpTo15Months = "15-months-or-less", 6 ["≤ 15 mois"],
        Over15Months = "over-15-months", 8 ["> 15 mois"],
    }
}

factor! {
    /// Visceral metastases at the time of radiotherapy.
    Visceral, "an answer about visceral metastases" {
        Present = "yes", 5 ["oui"],
        Absent = "no", 8 ["non"],
    }
}

factor! {
    /// Motor function before radiotherapy.
    MotorFunction, "a motor function" {
        AmbulatoryWithoutAid = "ambulatory-without-aid", 10 ["ambulatoire, sans aide"],
        AmbulatoryWithAid = "ambulatory-with-aid", 9 ["ambulatoire, avec aide"],
        NotAmbulatory = "not-ambulatory", 3 ["non ambulatoire"],
        Paraplegic = "paraplegic", 1 ["paraplégique"],
    }
}

factor! {
    /// Time over which the motor deficit developed before radiotherapy.
    DeficitTime, "a time to motor deficit" {
        OneToSevenDays = "1-7-days", 4 ["1-7 jours"],
        EightToFourteenDays = "8-14-days", 7 ["8-14 jours"],
        Over14Days = "over-14-days", 9 ["> 14 jours"],
    }
}

impl FromStr for Primary {
    type Err = BadValue;

    fn from_str(given: &str) -> Result<Self, BadValue> {
        Self::from_word(given)
    }
}

impl FromStr for Visceral {
    type Err = BadValue;

    fn from_str(given: &str) -> Result<Self, BadValue> {
        Self::from_word(given)
    }
}

impl FromStr for MotorFunction {
    type Err = BadValue;

    fn from_str(given: &str) -> Result<Self, BadValue> {
        Self::from_word(given)
    }
}

impl Interval {
    /// The row of an interval in whole months, from 0 (compression was what led to the diagnosis).
    fn from_months(months: u32) -> Self {
        if months <= SHORT_INTERVAL_MAX_MONTHS { Self::UpTo15Months } else { Self::Over15Months }
    }
}

impl FromStr for Interval {
    type Err = BadValue;

    /// Whole months, or a row of the table.
    fn from_str(given: &str) -> Result<Self, BadValue> {
        let text = without_unit(given, MONTHS);
        match text.as_str() {
            "<=15" | "≤15" => return Ok(Self::UpTo15Months),
            ">15" => return Ok(Self::Over15Months),
            _ => {}
        }
        match text.parse() {
            Ok(months) if months <= LONGEST => Ok(Self::from_months(months)),
            _ => Self::from_word(given).map_err(|mut error| {
                error.accepted = format!("a whole number of months from 0, '<=15' or '>15'; also {}", error.accepted);
                error
            }),
        }
    }
}

impl DeficitTime {
    /// The row of a time in whole days, from 1: the table has no row for 0.
    fn from_days(days: u32) -> Self {
        if days <= FAST_DEFICIT_MAX_DAYS {
            Self::OneToSevenDays
        } else if days <= MIDDLE_DEFICIT_MAX_DAYS {
            Self::EightToFourteenDays
        } else {
            Self::Over14Days
        }
    }
}

impl FromStr for DeficitTime {
    type Err = BadValue;

    /// Whole days, or a row of the table.
    fn from_str(given: &str) -> Result<Self, BadValue> {
        let text = without_unit(given, DAYS);
        match text.as_str() {
            "1-7" => return Ok(Self::OneToSevenDays),
            "8-14" => return Ok(Self::EightToFourteenDays),
            ">14" => return Ok(Self::Over14Days),
            _ => {}
        }
        match text.parse() {
            Ok(days @ 1..=LONGEST) => Ok(Self::from_days(days)),
            _ => Self::from_word(given).map_err(|mut error| {
                error.accepted =
                    format!("a whole number of days from 1, '1-7', '8-14' or '>14'; also {}", error.accepted);
                error
            }),
        }
    }
}

const MONTHS: &[&str] = &["months", "month", "mois"];
const DAYS: &[&str] = &["days", "day", "jours", "jour"];

/// The text without blanks, its unit and long dashes, as comparisons and numbers are read.
fn without_unit(given: &str, units: &[&str]) -> String {
    let text: String = given.to_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
    let text = text.replace(['–', '—'], "-");
    units.iter().find_map(|unit| text.strip_suffix(unit)).unwrap_or(&text).to_owned()
}

/// The three prognostic groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
pub enum Group {
    /// 21 to 28 points.
    #[serde(rename = "I")]
    I,
    /// 29 to 37 points.
    #[serde(rename = "II")]
    II,
    /// 38 to 44 points.
    #[serde(rename = "III")]
    III,
}

impl Group {
    /// The groups in the order of their totals.
    pub const ALL: [Self; 3] = [Self::I, Self::II, Self::III];

    /// The group of a total; `None` where no patient can have it.
    pub fn of(total: u8) -> Option<Self> {
        (MIN_TOTAL..=MAX_TOTAL).contains(&total).then(|| Self::of_possible(total))
    }

    fn of_possible(total: u8) -> Self {
        if total <= GROUP_I_MAX_TOTAL {
            Self::I
        } else if total <= GROUP_II_MAX_TOTAL {
            Self::II
        } else {
            Self::III
        }
    }

    /// Lowest and highest total.
    pub fn totals(self) -> [u8; 2] {
        match self {
            Self::I => [MIN_TOTAL, GROUP_I_MAX_TOTAL],
            Self::II => [GROUP_I_MAX_TOTAL + 1, GROUP_II_MAX_TOTAL],
            Self::III => [GROUP_II_MAX_TOTAL + 1, MAX_TOTAL],
        }
    }

    /// Share of patients able to walk after radiotherapy alone, in percent ([`RADES_RATES_SOURCE`]).
    pub fn ambulatory_percent(self) -> f64 {
        match self {
            Self::I => 10.6,
            Self::II => 70.9,
            Self::III => 98.5,
        }
    }

    /// What table 4 says of the group.
    pub fn quote(self) -> Quote {
        match self {
            Self::I => Quote {
                original: "faible taux de maintien ambulatoire, pas de bénéfice de la chirurgie, privilégier \
                    l'hypofractionnement",
                english: "low rate of remaining ambulatory, no benefit of surgery, hypofractionation to be preferred",
            },
            Self::II => Quote {
                original: "taux de maintien ambulatoire intermédiaire, pas de bénéfice significatif de la laminectomie mais \
                    petit effectif",
                english: "intermediate rate of remaining ambulatory, no significant benefit of laminectomy, but small numbers",
            },
            Self::III => Quote {
                original: "fort taux de maintien ambulatoire, excellent résultat sans chirurgie",
                english: "high rate of remaining ambulatory, excellent result without surgery",
            },
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::I => "I",
            Self::II => "II",
            Self::III => "III",
        })
    }
}

/// The five factors of one patient. All are needed: a total with a gap would be a guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RadesFactors {
    /// The primary tumour.
    pub primary: Primary,
    /// Time between the diagnosis of the tumour and the compression.
    pub interval: Interval,
    /// Visceral metastases at the time of radiotherapy.
    pub visceral_metastases: Visceral,
    /// Motor function before radiotherapy.
    pub motor_function: MotorFunction,
    /// Time over which the motor deficit developed before radiotherapy.
    pub time_to_deficit: DeficitTime,
}

impl RadesFactors {
    /// The five points, in the order of the table.
    pub fn points(&self) -> [u8; 5] {
        [
            self.primary.points(),
            self.interval.points(),
            self.visceral_metastases.points(),
            self.motor_function.points(),
            self.time_to_deficit.points(),
        ]
    }

    /// The total, [`MIN_TOTAL`] to [`MAX_TOTAL`].
    pub fn total(&self) -> u8 {
        self.points().iter().sum()
    }

    /// The group of the total.
    pub fn group(&self) -> Group {
        Group::of_possible(self.total())
    }
}

#[cfg(test)]
#[path = "rades_tests.rs"]
mod tests;
