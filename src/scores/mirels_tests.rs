use proptest::prelude::*;

use super::*;

fn score(site: Site, size: Size, lesion_type: LesionType, pain: Pain) -> MirelsScore {
    let (site, size) = (Item::given(site), Item::given(size));
    MirelsScore::new(Some(site), Some(size), Some(Item::given(lesion_type)), Some(Item::given(pain)))
}

fn interval(low: f64, high: f64) -> Estimate {
    Estimate { value: f64::midpoint(low, high), low, high }
}

#[test]
fn the_lowest_total_is_4_and_the_highest_12() {
    let low = score(Site::UpperLimb, Size::LessThanOneThird, LesionType::Blastic, Pain::Mild);
    let high = score(Site::Trochanteric, Size::MoreThanTwoThirds, LesionType::Lytic, Pain::Functional);
    assert_eq!((low.total, high.total), (Some(4), Some(12)));
    assert_eq!(MirelsScore::unknown().range, [4, 12]);
    assert_eq!(MirelsScore::unknown().total, None);
}

#[test]
fn a_total_of_7_is_observation() {
    assert_eq!(MirelsClass::of(7), MirelsClass::ObservationOrRadiotherapy);
}

#[test]
fn a_total_of_8_is_multidisciplinary() {
    assert_eq!(MirelsClass::of(8), MirelsClass::MultidisciplinaryDecision);
}

#[test]
fn a_total_of_9_is_fixation() {
    assert_eq!(MirelsClass::of(9), MirelsClass::ProphylacticFixation);
}

#[test]
fn a_lytic_trochanteric_lesion_cannot_score_below_8() {
    let score = score(Site::Trochanteric, Size::LessThanOneThird, LesionType::Lytic, Pain::Mild);
    assert_eq!(score.total, Some(8));
}

#[test]
fn size_at_one_third() {
    let third = 1.0_f64 / 3.0;
    assert_eq!(Size::from_fraction(third.next_down()), Some(Size::LessThanOneThird));
    assert_eq!(Size::from_fraction(third), Some(Size::OneToTwoThirds));
}

#[test]
fn size_at_two_thirds() {
    let two_thirds = 2.0_f64 / 3.0;
    assert_eq!(Size::from_fraction(two_thirds), Some(Size::OneToTwoThirds));
    assert_eq!(Size::from_fraction(two_thirds.next_up()), Some(Size::MoreThanTwoThirds));
}

#[test]
fn size_at_the_ends_and_beyond() {
    assert_eq!(Size::from_fraction(0.0), Some(Size::LessThanOneThird));
    assert_eq!(Size::from_fraction(1.0), Some(Size::MoreThanTwoThirds));
    for impossible in [-0.01, 1.01, f64::NAN, f64::INFINITY] {
        assert_eq!(Size::from_fraction(impossible), None);
    }
}

#[test]
fn a_fraction_whose_interval_crosses_a_third_is_uncertain() {
    let item = Item::from_fraction(interval(0.30, 0.36)).unwrap();
    assert_eq!((item.value(), item.points_range()), (None, [1, 2]));
    let certain = Item::from_fraction(interval(0.40, 0.60)).unwrap();
    assert_eq!(certain.value(), Some(Size::OneToTwoThirds));
    let wide = Item::from_fraction(interval(-0.1, 1.2)).unwrap();
    assert_eq!(wide.points_range(), [1, 3]);
    assert_eq!(Item::from_fraction(Estimate::exact(f64::NAN)), None);
}

#[test]
fn subtrochanteric_gives_both_totals() {
    let site = Item::measured_between(Site::Trochanteric, Site::LowerLimb);
    let size = Item::measured(Size::OneToTwoThirds);
    let lesion_type = Item::measured(LesionType::Lytic);
    let score = MirelsScore::new(Some(site), Some(size), Some(lesion_type), Some(Item::given(Pain::Mild)));
    assert_eq!((score.total, score.range), (None, [8, 9]));
    assert_eq!(score.at_least(9), Verdict::Indeterminate);
    assert_eq!(score.class(), None);
}

#[test]
fn unknown_pain_gives_a_range_and_one_answer_a_level() {
    let (site, size) = (Item::given(Site::LowerLimb), Item::given(Size::OneToTwoThirds));
    let score = MirelsScore::new(Some(site), Some(size), lytic(), None);
    assert_eq!((score.total, score.range), (None, [8, 10]));
    assert_eq!(score.by_pain, ByPain { mild: [8, 8], moderate: [9, 9], functional: [10, 10] });
}

fn lytic() -> Option<Item<LesionType>> {
    Some(Item::given(LesionType::Lytic))
}

#[test]
fn at_least_9_at_8_and_9() {
    let eight = score(Site::LowerLimb, Size::OneToTwoThirds, LesionType::Lytic, Pain::Mild);
    let nine = score(Site::LowerLimb, Size::OneToTwoThirds, LesionType::Lytic, Pain::Moderate);
    assert_eq!(eight.at_least(9), Verdict::NotMet);
    assert_eq!(nine.at_least(9), Verdict::Met);
}

#[test]
fn the_humerus_has_its_own_cutoff() {
    let seven = score(Site::UpperLimb, Size::OneToTwoThirds, LesionType::Lytic, Pain::Mild);
    let eight = score(Site::UpperLimb, Size::OneToTwoThirds, LesionType::Lytic, Pain::Moderate);
    let leg = score(Site::LowerLimb, Size::OneToTwoThirds, LesionType::Lytic, Pain::Moderate);
    assert_eq!(seven.humerus_cutoff(), Some(Verdict::NotMet));
    assert_eq!(eight.humerus_cutoff(), Some(Verdict::Met));
    assert_eq!(leg.humerus_cutoff(), None);
}

#[test]
fn every_word_is_read_back_and_is_the_json_name() {
    fn check<T: Level + FromStr<Err = BadValue> + Serialize + fmt::Debug>() {
        for (index, level) in T::LEVELS.into_iter().enumerate() {
            let word = level.to_string();
            assert_eq!(word.parse::<T>().unwrap(), level);
            assert_eq!(serde_json::to_value(level).unwrap(), serde_json::json!(word));
            assert_eq!(usize::from(level.points()), index + 1);
        }
    }
    check::<Site>();
    check::<Size>();
    check::<LesionType>();
    check::<Pain>();
}

#[test]
fn sizes_are_read_as_words_comparisons_and_numbers() {
    for (text, size) in [
        ("<1/3", Size::LessThanOneThird),
        ("< 1/3", Size::LessThanOneThird),
        ("0.2", Size::LessThanOneThird),
        ("1/3-2/3", Size::OneToTwoThirds),
        ("1/3 to 2/3", Size::OneToTwoThirds),
        ("0.5", Size::OneToTwoThirds),
        (">2/3", Size::MoreThanTwoThirds),
        ("1", Size::MoreThanTwoThirds),
        ("0,5", Size::OneToTwoThirds),
        ("50 %", Size::OneToTwoThirds),
        ("1/3–2/3", Size::OneToTwoThirds),
        ("1/3 à 2/3", Size::OneToTwoThirds),
    ] {
        assert_eq!(text.parse(), Ok(size), "{text}");
    }
    for text in ["40", "-0.1", "nan", "", "2/3", "101%", "%"] {
        let error = text.parse::<Size>().unwrap_err();
        assert_eq!(error.given, text);
        assert!(error.hint().contains("a fraction from 0 to 1"), "{text}");
    }
}

/// The cells of the recommendation's table 3, typed in anew from its text.
#[test]
fn every_cell_of_the_table_in_french() {
    fn column<T: Level + FromStr<Err = BadValue> + fmt::Debug>(cells: [&str; 3]) {
        for (points, cell) in (1..).zip(cells) {
            for spelling in [cell.to_owned(), cell.to_uppercase(), cell.replace(['é', 'è'], "e")] {
                assert_eq!(spelling.parse::<T>().map(Level::points), Ok(points), "{spelling}");
            }
        }
    }
    column::<Site>(["Membre supérieur", "Membre inférieur", "Région trochantérienne"]);
    column::<Size>(["< 1/3 de la corticale", "1/3 à 2/3 de la corticale", "> 2/3 de la corticale"]);
    column::<LesionType>(["Condensante", "Mixte", "Lytique"]);
    column::<Pain>(["Légère", "Modérée", "Handicapante"]);
}

#[test]
fn bad_words_name_themselves_and_the_nearest() {
    let error = "lytik".parse::<LesionType>().unwrap_err();
    assert_eq!(error.to_string(), "'lytik' is not a lesion type");
    assert_eq!(
        error.hint(),
        "did you mean 'lytic'? Accepted: blastic, mixed, lytic; in French: condensante, condensant, mixte, lytique"
    );
    let hint = "agony".parse::<Pain>().unwrap_err().hint();
    assert!(hint.starts_with("accepted: mild, moderate, functional; in French: légère, "), "{hint}");
}

#[test]
fn json_follows_the_report() {
    let score = MirelsScore::new(
        Some(Item::measured(Site::LowerLimb)),
        Some(Item::measured_between(Size::LessThanOneThird, Size::OneToTwoThirds)),
        lytic(),
        None,
    );
    let json = serde_json::to_value(score).unwrap();
    assert_eq!(json["site"]["points"], 2);
    assert_eq!(json["site"]["value"], "lower-limb");
    assert_eq!(json["site"]["basis"], "measured");
    assert_eq!(json["size"]["points"], serde_json::Value::Null);
    assert_eq!(json["size"]["points_range"], serde_json::json!([1, 2]));
    assert_eq!(json["type"]["basis"], "given");
    assert_eq!(json["pain"], serde_json::Value::Null);
    assert_eq!(json["total"], serde_json::Value::Null);
    assert_eq!(json["range"], serde_json::json!([7, 10]));
}

fn level<T: Level>(points: u8) -> T {
    T::LEVELS[usize::from(points - 1)]
}

proptest! {
    #[test]
    fn more_points_never_lower_the_class(total in 4_u8..=12, more in 0_u8..=8) {
        prop_assert!(MirelsClass::of(total + more) >= MirelsClass::of(total));
    }

    #[test]
    fn raising_one_item_never_lowers_total_or_class(points in [1_u8..=3, 1..=3, 1..=3, 1..=3], item in 0_usize..4) {
        let build = |p: [u8; 4]| score(level(p[0]), level(p[1]), level(p[2]), level(p[3]));
        let mut raised = points;
        raised[item] = (raised[item] + 1).min(3);
        let (before, after) = (build(points), build(raised));
        prop_assert!(after.total >= before.total);
        prop_assert!(after.class() >= before.class());
    }

    #[test]
    fn a_larger_fraction_never_scores_less(a in 0.0_f64..=1.0, b in 0.0_f64..=1.0) {
        prop_assert!(Size::from_fraction(a.max(b)) >= Size::from_fraction(a.min(b)));
    }
}
