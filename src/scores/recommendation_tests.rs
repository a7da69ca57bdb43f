use proptest::prelude::*;

use super::Category::{
    ConsolidationCandidate, DependsOnPain, FixationByMirels, Multidisciplinary, NoLesion, ObservationOrRadiotherapy,
};
use super::Verdict::{Indeterminate, Met, NotEvaluated, NotMet};
use super::*;
use crate::scores::mirels::{Item, LesionType, Site, Size};

fn femur(size: Size, lesion_type: LesionType, pain: Option<Pain>) -> MirelsScore {
    let items = (Item::given(Site::LowerLimb), Item::given(size), Item::given(lesion_type));
    MirelsScore::new(Some(items.0), Some(items.1), Some(items.2), pain.map(Item::given))
}

#[test]
fn every_cell_of_the_table() {
    for (total, guideline, category) in [
        (7, Met, Multidisciplinary),
        (7, NotMet, ObservationOrRadiotherapy),
        (7, Indeterminate, Multidisciplinary),
        (7, NotEvaluated, ObservationOrRadiotherapy),
        (8, Met, Multidisciplinary),
        (8, NotMet, Multidisciplinary),
        (8, Indeterminate, Multidisciplinary),
        (8, NotEvaluated, Multidisciplinary),
        (9, Met, ConsolidationCandidate),
        (9, NotMet, FixationByMirels),
        (9, Indeterminate, Multidisciplinary),
        (9, NotEvaluated, FixationByMirels),
    ] {
        assert_eq!(category_of_total(guideline, total), category, "{total} {guideline}");
    }
    assert_eq!(category_of_total(NotMet, 4), ObservationOrRadiotherapy);
    assert_eq!(category_of_total(Met, 12), ConsolidationCandidate);
}

#[test]
fn a_range_of_totals_that_matters_goes_to_the_meeting() {
    assert_eq!(category_of_range(NotMet, [6, 7]), ObservationOrRadiotherapy);
    assert_eq!(category_of_range(NotMet, [7, 8]), Multidisciplinary);
    assert_eq!(category_of_range(NotMet, [7, 9]), Multidisciplinary);
    assert_eq!(category_of_range(NotMet, [8, 9]), Multidisciplinary);
    assert_eq!(category_of_range(Met, [9, 12]), ConsolidationCandidate);
    assert_eq!(category_of_range(Met, [7, 8]), Multidisciplinary);
}

#[test]
fn no_lesion_says_so() {
    assert_eq!(without_lesion().category, NoLesion);
    assert!(without_lesion().text.contains("could be measured"));
}

#[test]
fn known_pain_gives_one_answer_with_its_quote() {
    let recommendation = with_lesion(Met, &femur(Size::OneToTwoThirds, LesionType::Lytic, Some(Pain::Moderate)));
    assert_eq!((recommendation.category, recommendation.by_pain), (ConsolidationCandidate, None));
    assert!(recommendation.text.starts_with("Mirels score 9. "));
    assert!(recommendation.text.contains("doit faire discuter une chirurgie de consolidation première"));
    assert!(recommendation.text.contains("should prompt discussion of consolidation surgery first"));
    assert!(recommendation.source.english.contains("section 1.2"));
}

#[test]
fn unknown_pain_that_changes_the_answer_gives_one_a_level() {
    let recommendation = with_lesion(NotMet, &femur(Size::LessThanOneThird, LesionType::Lytic, None));
    assert_eq!(recommendation.category, DependsOnPain);
    let answers = ByPain { mild: ObservationOrRadiotherapy, moderate: Multidisciplinary, functional: FixationByMirels };
    assert_eq!(recommendation.by_pain, Some(answers));
    for part in ["mild pain, Mirels 7:", "moderate pain, Mirels 8:", "functional pain, Mirels 9:"] {
        assert!(recommendation.text.contains(part), "{}", recommendation.text);
    }
}

#[test]
fn unknown_pain_that_changes_nothing_gives_the_answer() {
    let recommendation = with_lesion(Met, &femur(Size::MoreThanTwoThirds, LesionType::Lytic, None));
    assert_eq!(recommendation.category, ConsolidationCandidate);
    assert!(recommendation.by_pain.is_some());
    assert!(recommendation.text.starts_with("Mirels score 9 to 11. "));
}

#[test]
fn an_indeterminate_criterion_goes_to_the_meeting_whatever_the_pain() {
    let recommendation = with_lesion(Indeterminate, &MirelsScore::unknown());
    assert_eq!(recommendation.category, Multidisciplinary);
    assert!(recommendation.text.contains("within the uncertainty"));
}

#[test]
fn json_uses_the_names_of_the_report() {
    for category in [
        ConsolidationCandidate,
        FixationByMirels,
        Multidisciplinary,
        ObservationOrRadiotherapy,
        DependsOnPain,
        NoLesion,
    ] {
        assert_eq!(serde_json::to_value(category).unwrap(), category.to_string());
    }
}

/// How much the category weighs towards surgery.
fn weight(category: Category) -> u8 {
    match category {
        NoLesion | DependsOnPain => 0,
        ObservationOrRadiotherapy => 1,
        Multidisciplinary => 2,
        FixationByMirels => 3,
        ConsolidationCandidate => 4,
    }
}

proptest! {
    #[test]
    fn more_points_never_weigh_less(
        low in 4_u8..=12, width in 0_u8..=8, more in 0_u8..=8,
        guideline in prop::sample::select(vec![Met, NotMet, Indeterminate, NotEvaluated]),
    ) {
        let before = category_of_range(guideline, [low, low + width]);
        let after = category_of_range(guideline, [low + more, low + width + more]);
        prop_assert!(weight(after) >= weight(before));
    }
}
