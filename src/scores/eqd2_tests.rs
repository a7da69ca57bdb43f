use proptest::prelude::*;

use super::*;

fn course(text: &str) -> Course {
    text.parse().unwrap_or_else(|error: BadValue| panic!("{error}"))
}

fn alpha_beta(gy: f64) -> AlphaBeta {
    AlphaBeta::new(gy).expect("a possible ratio")
}

/// Rounded to a tenth, as the hand-made tables are.
fn tenths(gy: f64) -> f64 {
    (gy * 10.0).round() / 10.0
}

#[test]
fn schedules_of_the_recommendation_by_hand() {
    // Worked out by hand: BED at 10, EQD2 at 10, 2, 3 and 0.87 Gy.
    let expected = [
        ("30/10", [39.0, 32.5, 37.5, 36.0, 40.5]),
        ("24/6", [33.6, 28.0, 36.0, 33.6, 40.7]),
        ("20/5", [28.0, 23.3, 30.0, 28.0, 33.9]),
        ("8/1", [14.4, 12.0, 20.0, 17.6, 24.7]),
    ];
    let schedules = Schedule::of_the_recommendation();
    assert_eq!(schedules.len(), expected.len());
    for (schedule, (text, numbers)) in schedules.iter().zip(expected) {
        assert_eq!(schedule.courses(), [course(text)]);
        let found = [
            schedule.bed_gy(alpha_beta(10.0)),
            schedule.eqd2_gy(alpha_beta(10.0)),
            schedule.eqd2_gy(alpha_beta(2.0)),
            schedule.eqd2_gy(alpha_beta(3.0)),
            schedule.eqd2_gy(alpha_beta(CORD_ALPHA_BETA_GY)),
        ];
        assert_eq!(found.map(tenths), numbers, "{text}");
    }
}

#[test]
fn sixty_gray_in_thirty_is_the_check_of_other_programs() {
    let conventional = course("60/30");
    assert_eq!(tenths(conventional.bed_gy(alpha_beta(3.0))), 100.0);
    for gy in [0.87, 3.0, 10.0] {
        assert!((conventional.eqd2_gy(alpha_beta(gy)) - 60.0).abs() < 1e-12);
    }
}

#[test]
fn courses_add_up() {
    let sum: Schedule = "30/10 + 8/1".parse().unwrap();
    assert_eq!(sum.courses().len(), 2);
    assert_eq!(sum.dose_gy(), 38.0);
    assert_eq!(tenths(sum.bed_gy(alpha_beta(10.0))), 39.0 + 14.4);
    assert_eq!(tenths(sum.eqd2_gy(alpha_beta(2.0))), 57.5);
    assert_eq!(sum.to_string(), "30 Gy in 10 + 8 Gy in 1");
}

#[test]
fn courses_are_read_in_the_ways_they_are_written() {
    for text in
        ["30/10", " 30 / 10 ", "30Gy/10", "30 Gy in 10", "30 gy IN 10 fractions", "30 Gy en 10 fractions", "30,0/10"]
    {
        assert_eq!(course(text), Course { dose_gy: 30.0, fractions: 10 }, "{text}");
    }
    assert_eq!(course("8 Gy en 1 séance"), Course { dose_gy: 8.0, fractions: 1 });
    assert_eq!(course("37,5/15").dose_gy, 37.5);
}

#[test]
fn impossible_courses_are_refused_with_an_example() {
    for bad in [
        "",
        "30",
        "30/",
        "/10",
        "30/0",
        "0/10",
        "-30/10",
        "30/-1",
        "30/2.5",
        "3000/10",
        "30/101",
        "nan/10",
        "inf/1",
        "10x3",
        "30/10/2",
        "30/10s",
        "30gygy/10",
        "30/10+",
        "+",
    ] {
        let error = bad.parse::<Schedule>().expect_err(bad);
        assert!(error.hint().contains("for example 30/10"), "{bad}: {}", error.hint());
    }
    let many = vec!["8/1"; MAX_COURSES + 1].join("+");
    assert!(many.parse::<Schedule>().unwrap_err().hint().contains("at most 20 courses"));
}

#[test]
fn tissues_are_read_by_name_number_or_both() {
    let tissue = |text: &str| text.parse::<Tissue>().map(|tissue| (tissue.name, tissue.alpha_beta_gy.gy()));
    assert_eq!(tissue("cord"), Ok(("spinal cord".into(), 0.87)));
    assert_eq!(tissue("Moelle"), Ok(("spinal cord".into(), 0.87)));
    assert_eq!(tissue("tumeur=8"), Ok(("tumour".into(), 8.0)));
    assert_eq!(tissue("prostate=1,5"), Ok(("prostate".into(), 1.5)));
    assert_eq!(tissue("2"), Ok(("as given".into(), 2.0)));
    for bad in ["0", "-3", "101", "nan", "", "=3", "prostate=", "prostate=0", "a=b=3", "lung"] {
        assert!(tissue(bad).is_err(), "{bad}");
    }
    assert_eq!(tissue("tumor").unwrap_err().nearest.as_deref(), Some("tumour"));
    assert_eq!(Tissue::usual().iter().map(|tissue| tissue.alpha_beta_gy.gy()).collect::<Vec<_>>(), [10.0, 3.0, 0.87]);
}

fn any_course() -> impl Strategy<Value = Course> {
    (0.1_f64..200.0, 1_u32..=100).prop_map(|(dose_gy, fractions)| Course { dose_gy, fractions })
}

proptest! {
    /// The definition itself: as many cells survive EQD2 in fractions of 2 Gy as survive the course. Survival is that of the
    /// linear-quadratic model, exp(-αD - βdD), counted here fraction by fraction.
    #[test]
    fn eqd2_in_2_gy_fractions_kills_as_many(course in any_course(), ratio in 0.5_f64..20.0) {
        let beta = 0.01;
        let log_kill = |dose: f64, fraction: f64| -> f64 { (ratio * beta) * dose + beta * fraction * dose };
        let one_by_one: f64 = (0..course.fractions)
            .map(|_| log_kill(course.dose_per_fraction_gy(), course.dose_per_fraction_gy()))
            .sum();
        let eqd2 = course.eqd2_gy(AlphaBeta(ratio));
        prop_assert!((log_kill(eqd2, 2.0) - one_by_one).abs() <= 1e-9 * one_by_one);
        // And BED is the dose that does so in infinitely small fractions.
        prop_assert!((log_kill(course.bed_gy(AlphaBeta(ratio)), 0.0) - one_by_one).abs() <= 1e-9 * one_by_one);
    }

    #[test]
    fn fewer_fractions_of_the_same_dose_never_weigh_less(course in any_course(), ratio in 0.1_f64..100.0) {
        prop_assume!(course.fractions > 1);
        let fewer = Course { fractions: course.fractions - 1, ..course };
        prop_assert!(fewer.eqd2_gy(AlphaBeta(ratio)) >= course.eqd2_gy(AlphaBeta(ratio)));
    }

    #[test]
    fn a_course_is_read_back_as_it_is_written(course in any_course()) {
        prop_assert_eq!(course.to_string().parse::<Course>(), Ok(course));
    }

    #[test]
    fn no_text_makes_reading_panic(text in ".{0,40}") {
        let _ = text.parse::<Schedule>();
        let _ = text.parse::<Tissue>();
    }
}
