//! The Mirels score: four items of 1 to 3 points, total 4 to 12, as a range when an item is uncertain or unknown.
//!
//! The French recommendation prints "3 à 12"; four items of at least one point cannot make 3.
//!
//! References:
//! - Mirels H. Metastatic disease in long bones. Clin Orthop Relat Res 1989;(249):256-64.
//! - Upper limb cut-off: cohort of 188 patients with humeral metastases, 2023, PMC10132712; Evans 2008.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

use super::verdict::Verdict;
use crate::estimate::Estimate;
use crate::language::Text;
use crate::words::{BadValue, parse_number, parse_word_or};

/// Highest total for which observation or radiotherapy is proposed (Mirels 1989).
pub const OBSERVATION_MAX_TOTAL: u8 = 7;
/// Lowest total for which prophylactic fixation is proposed (Mirels 1989).
pub const FIXATION_MIN_TOTAL: u8 = 9;
/// Lowest total that predicts fracture in the humerus (cohort of 188 patients, 2023, PMC10132712).
pub const HUMERUS_MIN_TOTAL: u8 = 8;
/// A lesion smaller than this fraction scores 1 for size (Mirels 1989).
pub const SIZE_LOWER_FRACTION: f64 = 1.0 / 3.0;
/// A lesion larger than this fraction scores 3 for size (Mirels 1989).
pub const SIZE_UPPER_FRACTION: f64 = 2.0 / 3.0;

/// What the score's items have in common: three levels, worth 1, 2 and 3 points in rising order.
pub trait Level: Copy + Ord + fmt::Display {
    /// The levels in the order of their points.
    const LEVELS: [Self; 3];

    /// 1, 2 or 3.
    fn points(self) -> u8;

    /// The level as a reader knows it, in French as in the recommendation's table 3.
    fn text(self) -> Text;
}

/// Writes an item's enum with its points and its one name, so that text, JSON and command line cannot drift apart.
macro_rules! level {
    ($(#[$doc:meta])* $name:ident {
        $($(#[$variant_doc:meta])* $variant:ident = $word:literal ($told:literal, $dit:literal) [$($french:literal),+]),+ $(,)?
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every level with its word, in the order of its points.
            pub const WORDS: &'static [(&'static str, Self)] = &[$(($word, Self::$variant)),+];

            /// The levels as French readers write them, first as in the recommendation's table 3; accepted beside
            /// [`Self::WORDS`].
            pub const FRENCH: &'static [(&'static str, Self)] = &[$($(($french, Self::$variant)),+),+];
        }

        impl Level for $name {
            const LEVELS: [Self; 3] = [$(Self::$variant),+];

            fn points(self) -> u8 {
                // The discriminants are 0, 1, 2 in the order of the table.
                self as u8 + 1
            }

            fn text(self) -> Text {
                match self { $(Self::$variant => Text::new($told, $dit)),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(match self { $(Self::$variant => $word),+ })
            }
        }
    };
}

level! {
    /// Where the lesion lies.
    Site {
        /// 1 point.
        UpperLimb = "upper-limb" ("upper limb", "membre supérieur") ["membre-supérieur"],
        /// 2 points.
        LowerLimb = "lower-limb" ("lower limb", "membre inférieur") ["membre-inférieur"],
        /// 3 points: from the tip of the greater trochanter to the lower edge of the lesser trochanter.
        Trochanteric = "trochanteric" ("trochanteric", "région trochantérienne") ["région-trochantérienne", "trochantérienne"],
    }
}

level! {
    /// How large the lesion is, as a fraction of the cortex or of the bone's diameter (sources differ: say which was used).
    Size {
        /// 1 point: below 1/3.
        LessThanOneThird = "less-than-one-third" ("less than one third", "< 1/3 de la corticale") ["moins-d-un-tiers"],
        /// 2 points: from 1/3 to 2/3, both included.
        OneToTwoThirds = "one-to-two-thirds" ("one to two thirds", "1/3 à 2/3 de la corticale") ["un-à-deux-tiers"],
        /// 3 points: above 2/3.
        MoreThanTwoThirds = "more-than-two-thirds" ("more than two thirds", "> 2/3 de la corticale") ["plus-de-deux-tiers"],
    }
}

level! {
    /// What the lesion does to the bone.
    LesionType {
        /// 1 point.
        Blastic = "blastic" ("blastic", "condensante") ["condensante", "condensant"],
        /// 2 points.
        Mixed = "mixed" ("mixed", "mixte") ["mixte"],
        /// 3 points.
        Lytic = "lytic" ("lytic", "lytique") ["lytique"],
    }
}

level! {
    /// How much it hurts. Clinical: no image tells it.
    Pain {
        /// 1 point.
        Mild = "mild" ("mild", "légère") ["légère", "léger"],
        /// 2 points.
        Moderate = "moderate" ("moderate", "modérée") ["modérée", "modéré"],
        /// 3 points: severe, or aggravated by using the limb.
        Functional = "functional" ("functional", "handicapante") ["handicapante", "fonctionnelle"],
    }
}

impl Size {
    /// The level of a measured fraction; `None` unless it is a number from 0 to 1.
    pub fn from_fraction(fraction: f64) -> Option<Self> {
        if !(0.0..=1.0).contains(&fraction) {
            None
        } else if fraction < SIZE_LOWER_FRACTION {
            Some(Self::LessThanOneThird)
        } else if fraction <= SIZE_UPPER_FRACTION {
            Some(Self::OneToTwoThirds)
        } else {
            Some(Self::MoreThanTwoThirds)
        }
    }
}

impl FromStr for Site {
    type Err = BadValue;

    fn from_str(given: &str) -> Result<Self, BadValue> {
        parse_word_or("a site", given, Self::WORDS, Self::FRENCH)
    }
}

impl FromStr for LesionType {
    type Err = BadValue;

    fn from_str(given: &str) -> Result<Self, BadValue> {
        parse_word_or("a lesion type", given, Self::WORDS, Self::FRENCH)
    }
}

impl FromStr for Pain {
    type Err = BadValue;

    fn from_str(given: &str) -> Result<Self, BadValue> {
        parse_word_or("a pain level", given, Self::WORDS, Self::FRENCH)
    }
}

impl FromStr for Size {
    type Err = BadValue;

    /// A word, a comparison with the thirds, the fraction itself, or a percentage with its sign.
    fn from_str(given: &str) -> Result<Self, BadValue> {
        // "< 1/3 de la corticale", as the table has it, is "<1/3".
        let squeezed: String = given.to_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
        let comparison = squeezed.trim_end_matches("delacorticale").replace('–', "-");
        match comparison.as_str() {
            "<1/3" => return Ok(Self::LessThanOneThird),
            "1/3-2/3" | "1/3to2/3" | "1/3à2/3" | "1/3a2/3" => return Ok(Self::OneToTwoThirds),
            ">2/3" => return Ok(Self::MoreThanTwoThirds),
            _ => {}
        }
        let fraction = match squeezed.strip_suffix('%') {
            Some(percent) => parse_number(percent).map(|percent| percent / 100.0),
            None => parse_number(&squeezed),
        };
        if let Some(size) = fraction.and_then(Self::from_fraction) {
            return Ok(size);
        }
        parse_word_or("a lesion size", given, Self::WORDS, Self::FRENCH).map_err(|mut error| {
            error.accepted.push_str("; '<1/3', '1/3-2/3', '>2/3'; a fraction from 0 to 1 or a percentage as '40%'");
            error
        })
    }
}

/// Where an item's level comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// Measured on the images.
    Measured,
    /// Given by the user.
    Given,
}

/// One item of the score: its level, or the lowest and highest level still possible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item<T> {
    low: T,
    high: T,
    basis: Basis,
}

impl<T: Level> Item<T> {
    /// Stated by the user.
    pub fn given(level: T) -> Self {
        Self { low: level, high: level, basis: Basis::Given }
    }

    /// Measured, without doubt about the level.
    pub fn measured(level: T) -> Self {
        Self::measured_between(level, level)
    }

    /// Measured, but any level between the two (in either order) is possible. A subtrochanteric lesion, for example, is
    /// read as lower limb by some and as trochanteric by others.
    pub fn measured_between(a: T, b: T) -> Self {
        Self { low: a.min(b), high: a.max(b), basis: Basis::Measured }
    }

    /// The level, when only one is possible.
    pub fn value(&self) -> Option<T> {
        (self.low == self.high).then_some(self.low)
    }

    /// Measured or given.
    pub fn basis(&self) -> Basis {
        self.basis
    }

    /// Fewest and most points.
    pub fn points_range(&self) -> [u8; 2] {
        [self.low.points(), self.high.points()]
    }

    /// Every level still possible, in the order of points.
    pub fn readings(&self) -> impl Iterator<Item = T> + '_ {
        T::LEVELS.into_iter().filter(|level| (self.low..=self.high).contains(level))
    }

    /// The item as it stands in the report.
    pub fn record(&self) -> ItemRecord {
        ItemRecord {
            points: self.value().map(Level::points),
            value: self.value().map(|level| level.to_string()),
            basis: self.basis,
            points_range: self.points_range(),
            readings: self.readings().map(|level| level.to_string()).collect(),
        }
    }
}

impl Item<Size> {
    /// The size item of a measured fraction (0 to 1): uncertain when a third lies inside the 95 % interval.
    ///
    /// `None` when the estimate is not a number. Bounds outside 0 to 1 are brought back to it, since an interval may
    /// reach past what is possible.
    pub fn from_fraction(fraction: Estimate) -> Option<Self> {
        let low = Size::from_fraction(fraction.low.clamp(0.0, 1.0))?;
        let high = Size::from_fraction(fraction.high.clamp(0.0, 1.0))?;
        Some(Self::measured_between(low, high))
    }
}

/// An [`Item`] as JSON: `points` and `value` are null when more than one level is possible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ItemRecord {
    /// 1 to 3, if certain.
    pub points: Option<u8>,
    /// The level's name, if certain.
    pub value: Option<String>,
    /// Measured on the images or given by the user.
    pub basis: Basis,
    /// Fewest and most points.
    pub points_range: [u8; 2],
    /// Every level still possible.
    pub readings: Vec<String>,
}

impl<T: Level> Serialize for Item<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.record().serialize(serializer)
    }
}

impl<T> JsonSchema for Item<T> {
    fn schema_name() -> Cow<'static, str> {
        "MirelsItem".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        ItemRecord::json_schema(generator)
    }
}

/// One answer for each pain level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ByPain<T> {
    /// If the pain is mild.
    pub mild: T,
    /// If the pain is moderate.
    pub moderate: T,
    /// If the pain is functional.
    pub functional: T,
}

impl<T> ByPain<T> {
    /// Asks `answer` for each level.
    pub fn new(mut answer: impl FnMut(Pain) -> T) -> Self {
        Self { mild: answer(Pain::Mild), moderate: answer(Pain::Moderate), functional: answer(Pain::Functional) }
    }

    /// The answer for one level.
    pub fn get(&self, pain: Pain) -> &T {
        match pain {
            Pain::Mild => &self.mild,
            Pain::Moderate => &self.moderate,
            Pain::Functional => &self.functional,
        }
    }

    /// Each level with its answer, in the order of points.
    pub fn iter(&self) -> impl Iterator<Item = (Pain, &T)> {
        Pain::LEVELS.into_iter().map(|pain| (pain, self.get(pain)))
    }
}

/// What Mirels proposed for a total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MirelsClass {
    /// 7 or less.
    ObservationOrRadiotherapy,
    /// 8.
    MultidisciplinaryDecision,
    /// 9 or more.
    ProphylacticFixation,
}

impl MirelsClass {
    /// The class of a total.
    pub fn of(total: u8) -> Self {
        match total {
            ..=OBSERVATION_MAX_TOTAL => Self::ObservationOrRadiotherapy,
            FIXATION_MIN_TOTAL.. => Self::ProphylacticFixation,
            _ => Self::MultidisciplinaryDecision,
        }
    }

    /// The class that every total of the range falls into, if it is the same one.
    pub fn of_range(range: [u8; 2]) -> Option<Self> {
        let [low, high] = range.map(Self::of);
        (low == high).then_some(low)
    }
}

impl fmt::Display for MirelsClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ObservationOrRadiotherapy => "7 or less: observation, radiotherapy",
            Self::MultidisciplinaryDecision => "8: multidisciplinary decision",
            Self::ProphylacticFixation => "9 or more: prophylactic fixation",
        })
    }
}

/// The Mirels score of one lesion-bearing bone. An item that is `None` is unknown and may be worth 1 to 3 points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MirelsScore {
    /// Where the lesion lies.
    pub site: Option<Item<Site>>,
    /// How large it is.
    pub size: Option<Item<Size>>,
    /// What it does to the bone.
    #[serde(rename = "type")]
    pub lesion_type: Option<Item<LesionType>>,
    /// How much it hurts.
    pub pain: Option<Item<Pain>>,
    /// The total (4 to 12), when every item is certain.
    pub total: Option<u8>,
    /// Lowest and highest possible total.
    pub range: [u8; 2],
    /// Lowest and highest possible total if the pain were mild, moderate or functional.
    pub by_pain: ByPain<[u8; 2]>,
}

impl MirelsScore {
    /// Adds the items up.
    pub fn new(
        site: Option<Item<Site>>,
        size: Option<Item<Size>>,
        lesion_type: Option<Item<LesionType>>,
        pain: Option<Item<Pain>>,
    ) -> Self {
        let [site_low, site_high] = points_range(site);
        let [size_low, size_high] = points_range(size);
        let [type_low, type_high] = points_range(lesion_type);
        let [pain_low, pain_high] = points_range(pain);
        let painless = [site_low + size_low + type_low, site_high + size_high + type_high];
        let range = [painless[0] + pain_low, painless[1] + pain_high];
        Self {
            site,
            size,
            lesion_type,
            pain,
            total: (range[0] == range[1]).then_some(range[0]),
            range,
            by_pain: ByPain::new(|pain| painless.map(|points| points + pain.points())),
        }
    }

    /// The score of a lesion about which nothing is known: 4 to 12.
    pub fn unknown() -> Self {
        Self::new(None, None, None, None)
    }

    /// The class, when every possible total falls into the same one.
    pub fn class(&self) -> Option<MirelsClass> {
        MirelsClass::of_range(self.range)
    }

    /// Is the total at least `threshold`?
    pub fn at_least(&self, threshold: u8) -> Verdict {
        range_at_least(self.range, threshold)
    }

    /// May the lesion be in an upper limb, where 9 is not the cut-off?
    pub fn is_upper_limb(&self) -> bool {
        self.site.is_some_and(|site| site.readings().any(|level| level == Site::UpperLimb))
    }

    /// For a lesion of the upper limb, whether the total reaches the cut-off of the humerus; `None` for other sites.
    pub fn humerus_cutoff(&self) -> Option<Verdict> {
        self.is_upper_limb().then(|| self.at_least(HUMERUS_MIN_TOTAL))
    }
}

/// Is a total, of which the lowest and highest possible are known, at least `threshold`?
pub fn range_at_least(range: [u8; 2], threshold: u8) -> Verdict {
    let [low, high] = range.map(f64::from);
    Verdict::at_least(Estimate { value: f64::midpoint(low, high), low, high }, f64::from(threshold))
}

fn points_range<T: Level>(item: Option<Item<T>>) -> [u8; 2] {
    item.map_or([1, 3], |item| item.points_range())
}

#[cfg(test)]
#[path = "mirels_tests.rs"]
mod tests;
