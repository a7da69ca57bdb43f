use proptest::prelude::*;

use super::*;

/// Every row of table 4 as the recommendation prints it, with its points; typed in anew from the text, not from the code.
fn rows_of<T: FromStr<Err = BadValue> + Factor>(rows: &[(&str, u8)]) {
    for (label, points) in rows {
        let level: T = label.parse().unwrap_or_else(|e: BadValue| panic!("{e}: {}", e.hint()));
        assert_eq!(level.points(), *points, "{label}");
        // Whatever the case and the accents.
        for spelling in [label.to_uppercase(), label.to_lowercase().replace('é', "e")] {
            let again = spelling.parse().unwrap_or_else(|e: BadValue| panic!("{e}"));
            assert_eq!(T::points(again), *points, "{spelling}");
        }
    }
}

#[test]
fn every_row_of_the_primary_tumour() {
    rows_of::<Primary>(&[
        ("Sein", 8),
        ("Prostate", 7),
        ("Myélome / lymphome", 9),
        ("CBNPC", 5),
        ("CBPC", 6),
        ("Cancer de primitif inconnu", 5),
        ("Rein", 6),
        ("Colorectal", 6),
        ("Autre", 6),
    ]);
    rows_of::<Primary>(&[
        ("breast", 8),
        ("prostate", 7),
        ("myeloma-lymphoma", 9),
        ("nsclc", 5),
        ("sclc", 6),
        ("unknown-primary", 5),
        ("kidney", 6),
        ("colorectal", 6),
        ("other", 6),
    ]);
    assert_eq!(Primary::WORDS.len(), 9);
}

#[test]
fn every_row_of_the_interval_and_its_border() {
    rows_of::<Interval>(&[("≤ 15 mois", 6), ("> 15 mois", 8), ("<=15", 6), (">15", 8)]);
    rows_of::<Interval>(&[("0", 6), ("15", 6), ("15 mois", 6), ("16", 8), ("16 months", 8), ("120", 8)]);
    for bad in ["15.5", "-1", "12 days", "12 jours", "100000", "", "soon", "<15", ">=15"] {
        let error = bad.parse::<Interval>().expect_err(bad);
        assert_eq!(error.given, bad);
        assert!(error.hint().contains("a whole number of months from 0, '<=15' or '>15'"), "{}", error.hint());
    }
}

#[test]
fn every_row_of_visceral_metastases() {
    rows_of::<Visceral>(&[("Oui", 5), ("Non", 8), ("yes", 5), ("no", 8)]);
    assert!("maybe".parse::<Visceral>().is_err());
}

#[test]
fn every_row_of_motor_function() {
    rows_of::<MotorFunction>(&[
        ("Ambulatoire, sans aide", 10),
        ("Ambulatoire, avec aide", 9),
        ("Non ambulatoire", 3),
        ("Paraplégique", 1),
    ]);
    rows_of::<MotorFunction>(&[
        ("ambulatory-without-aid", 10),
        ("ambulatory-with-aid", 9),
        ("not ambulatory", 3),
        ("paraplegic", 1),
    ]);
    // With or without aid is a point's difference and is not guessed.
    assert!("ambulatory".parse::<MotorFunction>().is_err());
    assert!("ambulatoire".parse::<MotorFunction>().is_err());
}

#[test]
fn every_row_of_the_time_to_deficit_and_its_borders() {
    rows_of::<DeficitTime>(&[("1-7 jours", 4), ("8-14 jours", 7), ("> 14 jours", 9), ("1–7", 4), (">14 days", 9)]);
    rows_of::<DeficitTime>(&[("1", 4), ("7", 4), ("8", 7), ("14 jours", 7), ("15", 9), ("60 days", 9)]);
    for bad in ["0", "7.5", "-3", "2 months", "1-14", "100000", ""] {
        let error = bad.parse::<DeficitTime>().expect_err(bad);
        assert!(error.hint().contains("a whole number of days from 1, '1-7', '8-14' or '>14'"), "{}", error.hint());
    }
}

#[test]
fn a_near_miss_suggests_the_nearest_word_in_either_language() {
    assert_eq!("brest".parse::<Primary>().unwrap_err().nearest.as_deref(), Some("breast"));
    assert_eq!("mielome".parse::<Primary>().unwrap_err().nearest.as_deref(), Some("myélome"));
    assert_eq!("paraplegik".parse::<MotorFunction>().unwrap_err().nearest.as_deref(), Some("paraplegic"));
    assert_eq!("spleen".parse::<Primary>().unwrap_err().nearest, None);
}

fn every_patient() -> impl Iterator<Item = RadesFactors> {
    let (primaries, intervals, answers) = (Primary::WORDS, Interval::WORDS, Visceral::WORDS);
    primaries.iter().flat_map(move |(_, primary)| {
        intervals.iter().flat_map(move |(_, interval)| {
            answers.iter().flat_map(move |(_, visceral)| {
                MotorFunction::WORDS.iter().flat_map(move |(_, motor)| {
                    DeficitTime::WORDS.iter().map(move |(_, deficit)| RadesFactors {
                        primary: *primary,
                        interval: *interval,
                        visceral_metastases: *visceral,
                        motor_function: *motor,
                        time_to_deficit: *deficit,
                    })
                })
            })
        })
    })
}

#[test]
fn all_432_patients_total_21_to_44_and_have_the_group_of_their_total() {
    let patients: Vec<_> = every_patient().collect();
    assert_eq!(patients.len(), 9 * 2 * 2 * 4 * 3);
    for patient in &patients {
        let total = patient.total();
        let group = match total {
            21..=28 => Group::I,
            29..=37 => Group::II,
            38..=44 => Group::III,
            other => panic!("{patient:?}: {other}"),
        };
        assert_eq!(patient.group(), group, "{patient:?}");
        assert_eq!(Group::of(total), Some(group));
        assert!((group.totals()[0]..=group.totals()[1]).contains(&total));
    }
    let totals = || patients.iter().map(RadesFactors::total);
    assert_eq!((totals().min(), totals().max()), (Some(21), Some(44)));
}

#[test]
fn no_patient_has_a_total_outside_the_table() {
    for impossible in [0, 20, 45, u8::MAX] {
        assert_eq!(Group::of(impossible), None);
    }
    // The groups follow one another without gap or overlap.
    assert_eq!(Group::ALL.map(Group::totals), [[21, 28], [29, 37], [38, 44]]);
}

#[test]
fn ambulatory_rates_of_the_validation() {
    // Rades 2011, abstract: 10.6 % (21-28 points), 70.9 % (29-37), 98.5 % (38-44).
    assert_eq!(Group::ALL.map(Group::ambulatory_percent), [10.6, 70.9, 98.5]);
}

#[test]
fn a_worse_factor_never_raises_the_group() {
    for patient in every_patient() {
        let worse = RadesFactors { motor_function: MotorFunction::Paraplegic, ..patient };
        assert!(worse.group() <= patient.group());
        let worse = RadesFactors { visceral_metastases: Visceral::Present, ..patient };
        assert!(worse.group() <= patient.group());
    }
}

proptest! {
    #[test]
    fn no_text_makes_reading_panic(text in ".{0,30}") {
        let _ = (text.parse::<Primary>(), text.parse::<Interval>(), text.parse::<Visceral>());
        let _ = (text.parse::<MotorFunction>(), text.parse::<DeficitTime>());
    }

    #[test]
    fn a_number_falls_into_the_row_that_holds_it(number in 1_u32..=1200) {
        let (months, days) = (format!("{number} mois").parse::<Interval>(), number.to_string().parse::<DeficitTime>());
        prop_assert_eq!(months.map(Factor::points), Ok(if number > 15 { 8 } else { 6 }));
        let points = match number { 1..=7 => 4, 8..=14 => 7, _ => 9 };
        prop_assert_eq!(days.map(Factor::points), Ok(points));
    }
}
