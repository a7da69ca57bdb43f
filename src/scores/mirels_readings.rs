//! What a Mirels total means beside its class: the fracture rates published for it, and what each unknown item would make
//! of it.

use schemars::JsonSchema;
use serde::Serialize;

use super::mirels::{Item, Level, MirelsClass, MirelsScore, OBSERVATION_MAX_TOTAL};

/// How often a lesion of one total fractured, as published.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct FractureRate {
    /// The total that the rate was published for (4 to 12).
    pub total: u8,
    /// Lowest and highest published rate in percent; the same twice where one number was published. `None` where no figure
    /// for this total could be confirmed.
    pub percent: Option<[f64; 2]>,
    /// Which of the two columns of the published table the rate is from.
    pub column: RateColumn,
}

/// The columns of the published table of fracture rates, which sources mix up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RateColumn {
    /// The rate that the author's model gives to a total. The observed rates of the same table are others; no
    /// source of theirs could be confirmed, so they are not here.
    Modelled,
}

/// What must be said with every [`FractureRate`].
pub const FRACTURE_RATE_NOTE: &str = "These are the rates of Mirels' model within 6 months of irradiation, not the observed \
    ones of the same table, as secondary sources quote them (the paper of 1989 was not read). Sources mix the two columns; \
    the observed one and the rate at 11 could not be confirmed and are not printed.";

/// The published fracture rate of a total.
///
/// Source: modelled column of Mirels 1989 as quoted by secondary sources: up to 7, 0 to 4 %; 8, 15 %; 9, 33 %; 10, 72 %;
/// 12, 100 %.
pub fn fracture_rate(total: u8) -> FractureRate {
    let percent = match total {
        ..=OBSERVATION_MAX_TOTAL => Some([0.0, 4.0]),
        8 => Some([15.0; 2]),
        9 => Some([33.0; 2]),
        10 => Some([72.0; 2]),
        // Between those of 10 and 12 by any model, but no figure is printed that nobody could be seen to have published.
        11 => None,
        12.. => Some([100.0; 2]),
    };
    FractureRate { total, percent, column: RateColumn::Modelled }
}

/// One item of the score that is unknown or uncertain, and what each level of it would make of the total.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OpenItem {
    /// `site`, `size`, `type` or `pain`.
    pub item: &'static str,
    /// Every level still possible, in the order of points.
    pub levels: Vec<OpenLevel>,
}

/// The total if an open item had this level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct OpenLevel {
    /// The level's name.
    pub value: String,
    /// Its points, 1 to 3.
    pub points: u8,
    /// Lowest and highest possible total; they differ where another item is open too.
    pub range: [u8; 2],
    /// The class, where every total of the range falls into the same one.
    pub class: Option<MirelsClass>,
}

/// Every item of the score that leaves the total open, in the order of the score.
pub fn open_items(score: &MirelsScore) -> Vec<OpenItem> {
    let range = score.range;
    [
        open_item("site", score.site, range),
        open_item("size", score.size, range),
        open_item("type", score.lesion_type, range),
        open_item("pain", score.pain, range),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn open_item<T: Level>(name: &'static str, item: Option<Item<T>>, [lowest, highest]: [u8; 2]) -> Option<OpenItem> {
    let possible: Vec<T> = item.map_or(T::LEVELS.to_vec(), |item| item.readings().collect());
    let (first, last) = (possible.first()?.points(), possible.last()?.points());
    let levels = possible.iter().map(|level| {
        let points = level.points();
        let range = [lowest - first + points, highest - last + points];
        OpenLevel { value: level.to_string(), points, range, class: MirelsClass::of_range(range) }
    });
    (first < last).then(|| OpenItem { item: name, levels: levels.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scores::mirels::{LesionType, Pain, Site, Size};

    #[test]
    fn the_confirmed_rates_and_no_other() {
        let rate = |total| fracture_rate(total).percent;
        for total in 4..=7 {
            assert_eq!(rate(total), Some([0.0, 4.0]));
        }
        assert_eq!([8, 9, 10, 12].map(rate), [15.0, 33.0, 72.0, 100.0].map(|percent| Some([percent; 2])));
        assert_eq!(rate(11), None);
        assert!((4..=12).all(|total| fracture_rate(total).column == RateColumn::Modelled));
    }

    #[test]
    fn a_known_score_has_nothing_open() {
        let score = MirelsScore::new(
            Some(Item::given(Site::LowerLimb)),
            Some(Item::given(Size::OneToTwoThirds)),
            Some(Item::given(LesionType::Lytic)),
            Some(Item::given(Pain::Mild)),
        );
        assert_eq!(open_items(&score), []);
    }

    #[test]
    fn one_open_item_gives_one_total_a_level() {
        let score = MirelsScore::new(
            Some(Item::given(Site::LowerLimb)),
            None,
            Some(Item::given(LesionType::Lytic)),
            Some(Item::given(Pain::Mild)),
        );
        let open = open_items(&score);
        assert_eq!(open.len(), 1);
        assert_eq!(open[0].item, "size");
        let totals: Vec<_> = open[0].levels.iter().map(|level| (level.value.as_str(), level.range)).collect();
        assert_eq!(
            totals,
            [("less-than-one-third", [7, 7]), ("one-to-two-thirds", [8, 8]), ("more-than-two-thirds", [9, 9])]
        );
        assert_eq!(open[0].levels[1].class, Some(MirelsClass::MultidisciplinaryDecision));
    }

    #[test]
    fn two_open_items_leave_ranges_and_an_uncertain_one_only_its_readings() {
        let site = Some(Item::measured_between(Site::LowerLimb, Site::Trochanteric));
        let score =
            MirelsScore::new(site, Some(Item::given(Size::OneToTwoThirds)), Some(Item::given(LesionType::Lytic)), None);
        let open = open_items(&score);
        assert_eq!(open.iter().map(|item| item.item).collect::<Vec<_>>(), ["site", "pain"]);
        assert_eq!(open[0].levels.iter().map(|level| level.range).collect::<Vec<_>>(), [[8, 10], [9, 11]]);
        assert_eq!(open[0].levels[0].class, None);
        assert_eq!(open[1].levels.iter().map(|level| level.range).collect::<Vec<_>>(), [[8, 9], [9, 10], [10, 11]]);
    }

    #[test]
    fn the_levels_of_an_open_item_span_the_range_of_the_score() {
        let score = MirelsScore::unknown();
        for item in open_items(&score) {
            let (first, last) = (item.levels.first().unwrap(), item.levels.last().unwrap());
            assert_eq!([first.range[0], last.range[1]], score.range, "{}", item.item);
        }
    }
}
