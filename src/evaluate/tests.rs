//! Bones and slices that are matched, and the errors that come of it, against values by hand.

use super::fixture::{bone, report, ring, slice, true_bone, truth};
use super::*;
use crate::report::model::ByDepth;

/// Five slices 2 mm apart; the fourth is not measured.
fn small() -> Case {
    let mut closed = slice(6.0, 0.0, 0.0);
    closed.measured = false;
    closed.not_measured_because = Some(crate::language::Sentence::english_only("metal disturbs the image"));
    let slices = [slice(0.0, 0.0, 0.0), slice(2.0, 12.0, 20.0), slice(4.0, 39.0, 66.0), closed, slice(8.0, 3.0, 4.0)];
    let mut open = ring(8.0, 99.0, 99.0);
    open.ring = false;
    let rings = [
        ring(0.0, 0.0, 0.0),
        ring(2.0, 10.0, 21.0),
        ring(4.9, 40.0, 60.0),
        ring(6.1, 50.0, 70.0),
        open,
        ring(10.0, 0.0, 0.0),
    ];
    Case::compare("small", &report(vec![bone("femur", "left", &slices)]), &truth(vec![true_bone(None, None, &rings)]))
        .unwrap()
}

#[test]
fn a_small_case_by_hand() {
    let case = small();
    let summary = case.summary();
    let counts = &summary.sections;
    assert_eq!((counts.rings, counts.measured, counts.lysed, counts.lysed_measured), (5, 3, 3, 2));
    assert_eq!((counts.no_rings, counts.no_rings_measured), (1, 1));
    let reasons: Vec<_> = counts.not_measured.iter().map(|(reason, n)| (reason.as_str(), *n)).collect();
    assert_eq!(reasons, [("metal disturbs the image", 1), ("outside of the bone as it was found", 1)]);
    // Axial errors 0, 2, −1; circumferential 0, −1, 6, of which the last interval (64 to 68) misses 60.
    let (axial, around) = (summary.of(Quantity::Axial), summary.of(Quantity::Circumferential));
    assert_eq!((axial.all.stats.n, axial.all.stats.bias, axial.lysed.stats.bias), (3, Some(1.0 / 3.0), Some(0.5)));
    assert_eq!((around.lysed.stats.mean_absolute, around.lysed.stats.largest_absolute), (Some(3.5), Some(6.0)));
    assert_eq!((axial.lysed.interval.covered, around.lysed.interval.covered, around.lysed.interval.n), (2, 1, 2));
    assert_eq!(around.all.interval.mean_width, Some(4.0));
    // At z 4.9 flagged and true, at z 6.1 missed for want of a measurement: 50 / 70 is 20 points above both.
    assert_eq!(summary.flags_decided, FlagCounts { sections: 5, truly_flagged: 2, false_flags: 0, missed_flags: 1 });
    assert_eq!(summary.of(Quantity::MeanThickness).all.stats.n, 0);
}

#[test]
fn a_flag_near_a_threshold_is_not_decided() {
    let flag = |axial: f64, around: f64, measured: [f64; 2]| {
        let report = report(vec![bone("femur", "left", &[slice(0.0, measured[0], measured[1])])]);
        let truth = truth(vec![true_bone(None, None, &[ring(0.0, axial, around)])]);
        Case::compare("flag", &report, &truth).unwrap().bones[0].sections[0].flag.unwrap()
    };
    assert_eq!(flag(34.0, 80.0, [29.0, 80.0]), Flag { truth: true, found: false, decided: false });
    assert_eq!(flag(36.0, 80.0, [29.0, 80.0]), Flag { truth: true, found: false, decided: true });
    // Whatever the axial loss: 44 % around is decided.
    assert_eq!(flag(31.0, 44.0, [31.0, 51.0]), Flag { truth: false, found: true, decided: true });
}

#[test]
fn at_another_depth_the_fixed_depth_is_compared_and_neither_interval_nor_flag() {
    let mut found = slice(0.0, 40.0, 30.0);
    found.circumferential_by_depth = Some(ByDepth { d30: 61.0, d50: 33.0, d99: 4.0 });
    let mut report = report(vec![bone("femur", "left", &[found])]);
    report.settings.insert("depth".into(), 0.6.into());
    let mut wanted = ring(0.0, 40.0, 60.0);
    (wanted.circ50, wanted.circ99, wanted.intact_area_mm2) = (30.0, Some(0.0), Some(400.0));
    let case = Case::compare("deep", &report, &truth(vec![true_bone(None, None, &[wanted])])).unwrap();
    let section = &case.bones[0].sections[0];
    let error = |quantity| section.pair(quantity).map(|pair| pair.error());
    assert_eq!((error(Quantity::Circumferential), error(Quantity::Circumferential50)), (Some(1.0), Some(3.0)));
    assert_eq!((error(Quantity::Circumferential99), error(Quantity::CorticalArea)), (Some(4.0), None));
    assert_eq!((section.pair(Quantity::Circumferential).unwrap().interval, section.flag), (None, None));
    assert!(section.pair(Quantity::Axial).unwrap().interval.is_some());
}

#[test]
fn the_standing_area_of_the_truth_is_what_is_left_of_the_intact_one() {
    let mut found = slice(0.0, 25.0, 30.0);
    (found.cortical_area_mm2, found.reference_area_mm2, found.mean_thickness_mm) =
        (Some(310.0), Some(390.0), Some(5.5));
    let mut wanted = ring(0.0, 25.0, 30.0);
    (wanted.intact_area_mm2, wanted.mean_thickness_mm) = (Some(400.0), Some(5.0));
    let case = Case::compare(
        "area",
        &report(vec![bone("femur", "left", &[found])]),
        &truth(vec![true_bone(None, None, &[wanted])]),
    )
    .unwrap();
    let error = |quantity| case.bones[0].sections[0].pair(quantity).map(|pair| pair.error());
    assert_eq!((error(Quantity::CorticalArea), error(Quantity::ReferenceArea)), (Some(10.0), Some(-10.0)));
    assert_eq!(error(Quantity::MeanThickness), Some(0.5));
}

fn found_names(report: &crate::report::Report, bones: Vec<crate::phantom::truth::BoneTruth>) -> Vec<Option<String>> {
    let case = Case::compare("bones", report, &truth(bones)).unwrap();
    case.bones
        .iter()
        .map(|bone| bone.found_name.clone().map(|name| format!("{name}{}", if bone.misnamed { "!" } else { "" })))
        .collect()
}

#[test]
fn bones_are_matched_by_name_and_side_then_by_overlap() {
    let short = [slice(0.0, 0.0, 0.0)];
    let long = [slice(0.0, 0.0, 0.0), slice(2.0, 0.0, 0.0)];
    let rings = [ring(0.0, 0.0, 0.0), ring(2.0, 0.0, 0.0)];
    let both = report(vec![bone("femur", "left", &short), bone("femur", "right", &long)]);
    let told = |side| true_bone(Some("femur"), Some(side), &rings);
    assert_eq!(
        found_names(&both, vec![told("right"), told("left")]),
        [Some("femur right".into()), Some("femur left".into())]
    );
    assert_eq!(found_names(&both, vec![true_bone(None, None, &rings)]), [Some("femur right".into())]);
    let nameless = report(vec![bone("unknown", "left", &long)]);
    assert_eq!(found_names(&nameless, vec![told("right"), told("left")]), [None, Some("unknown left".into())]);
}

#[test]
fn centres_tell_bones_apart_whatever_they_are_called() {
    let at = |x: f64, side: &str| {
        let mut section = slice(0.0, 0.0, 0.0);
        section.centre_mm = Some([x, 0.0]);
        bone("femur", side, &[section])
    };
    let told = |x: f64, side: Option<&str>| {
        let mut section = ring(0.0, 0.0, 0.0);
        section.centre_mm = Some([x, 0.0]);
        true_bone(side.map(|_| "femur"), side, &[section])
    };
    let swapped = report(vec![at(-90.0, "left"), at(90.0, "right")]);
    assert_eq!(
        found_names(&swapped, vec![told(88.0, Some("left")), told(-90.0, Some("right"))]),
        [Some("femur right!".into()), Some("femur left!".into())]
    );
    assert_eq!(
        found_names(&swapped, vec![told(88.0, None), told(-88.0, None)]),
        [Some("femur right".into()), Some("femur left".into())]
    );
    assert_eq!(found_names(&report(vec![at(-90.0, "left")]), vec![told(90.0, Some("left"))]), [None]);
}

#[test]
fn a_bone_that_was_not_found_is_not_measured() {
    let rings = [ring(0.0, 10.0, 10.0)];
    let truth = truth(vec![true_bone(Some("femur"), Some("left"), &rings)]);
    for bones in [vec![], vec![bone("femur", "right", &[slice(0.0, 0.0, 0.0)])]] {
        let summary = Case::compare("none", &report(bones), &truth).unwrap().summary();
        assert_eq!((summary.sections.rings, summary.sections.measured), (1, 0));
        assert_eq!(summary.sections.not_measured["the bone was not found"], 1);
    }
}

#[test]
fn the_sop_instance_decides_before_z() {
    let named = |z: f64, uid: &str| {
        let mut section = slice(z, z, 0.0);
        section.sop_instance_uid = Some(uid.into());
        section
    };
    let mut rings = [ring(0.0, 2.0, 0.0), ring(2.0, 0.0, 0.0)];
    rings[0].sop_instance_uid = Some("b".into());
    rings[1].sop_instance_uid = Some("z".into());
    let report = report(vec![bone("femur", "left", &[named(0.0, "a"), named(2.0, "b")])]);
    let case = Case::compare("sop", &report, &truth(vec![true_bone(None, None, &rings)])).unwrap();
    let sections = &case.bones[0].sections;
    assert_eq!(sections[0].pair(Quantity::Axial).map(|pair| pair.error()), Some(0.0));
    // A UID that is of no slice of the report is of another export of the series: z tells, as far as a slice is left.
    assert!(!sections[1].measured);
}

#[test]
fn a_slice_is_used_once_by_the_nearest() {
    let report = report(vec![bone("femur", "left", &[slice(0.0, 5.0, 0.0), slice(2.0, 6.0, 0.0)])]);
    let rings: Vec<_> = [-0.9, 0.1, 2.9, 3.2].map(|z| ring(z, 5.0, 0.0)).to_vec();
    let case = Case::compare("near", &report, &truth(vec![true_bone(None, None, &rings)])).unwrap();
    let measured: Vec<bool> = case.sections().map(|section| section.measured).collect();
    assert_eq!(measured, [false, true, true, false]);
}

#[test]
fn a_truth_of_another_ct_is_refused() {
    let report = report(vec![bone("femur", "left", &[slice(0.0, 5.0, 0.0)])]);
    let mut other = truth(vec![true_bone(None, None, &[ring(0.0, 0.0, 0.0)])]);
    other.series_instance_uid = Some("9.9".into());
    let error = Case::compare("other", &report, &other).unwrap_err().to_string();
    assert_eq!(error, "the truth is of series 9.9, the report of series 1.2.3");
    let far = truth(vec![true_bone(None, None, &[ring(500.0, 0.0, 0.0), ring(502.0, 0.0, 0.0)])]);
    let error = Case::compare("far", &report, &far).unwrap_err().to_string();
    assert_eq!(error, "no slice in common: the truth tells of z 500.0 to 502.0 mm, the report of z 0.0 to 0.0 mm");
}

#[test]
fn pooled_counts_sections_and_the_mean_counts_cases() {
    let case = |name: &str, errors: &[f64]| {
        let slices: Vec<_> =
            errors.iter().enumerate().map(|(n, error)| slice(2.0 * n as f64, 10.0 + error, 0.0)).collect();
        let rings: Vec<_> = (0..errors.len()).map(|n| ring(2.0 * n as f64, 10.0, 0.0)).collect();
        Case::compare(name, &report(vec![bone("femur", "left", &slices)]), &truth(vec![true_bone(None, None, &rings)]))
            .unwrap()
    };
    let cases = [case("a", &[1.0, 1.0, 1.0]), case("b", &[5.0])];
    assert_eq!(pooled(&cases).of(Quantity::Axial).all.stats.bias, Some(2.0));
    let means = mean_of_cases(&cases)[&Quantity::Axial].lysed;
    assert_eq!((means.cases, means.bias, means.worst_mean_absolute), (2, Some(3.0), Some(5.0)));
}
