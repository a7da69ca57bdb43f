use proptest::prelude::*;

use super::Verdict::{Indeterminate, Met, NotEvaluated, NotMet};
use super::*;
use crate::scores::mirels::{Item, LesionType, Pain, Site, Size};

fn interval(low: f64, high: f64) -> Estimate {
    Estimate { value: f64::midpoint(low, high), low, high }
}

fn slice(axial: Estimate, circumferential: Estimate) -> SliceLoss {
    SliceLoss { z_mm: 0.0, axial_percent: axial, circumferential_percent: circumferential }
}

fn exact_slice(axial: f64, circumferential: f64) -> SliceLoss {
    slice(Estimate::exact(axial), Estimate::exact(circumferential))
}

const SMALL: LesionExtent = LesionExtent {
    axial_extent_mm: Some(Estimate { value: 10.0, low: 9.0, high: 11.0 }),
    height_mm: Some(Estimate { value: 12.0, low: 11.0, high: 13.0 }),
    max_circumferential_percent: Some(Estimate { value: 15.0, low: 13.0, high: 17.0 }),
    through_the_wall: NotMet,
};

#[test]
fn guideline_at_30_percent_axial() {
    assert_eq!(exact_slice(30.0, 60.0).flagged(), NotMet);
    assert_eq!(exact_slice(30.0_f64.next_up(), 60.0).flagged(), Met);
}

#[test]
fn guideline_at_50_percent_circumferential() {
    assert_eq!(exact_slice(40.0, 50.0).flagged(), NotMet);
    assert_eq!(exact_slice(40.0, 50.0_f64.next_up()).flagged(), Met);
}

#[test]
fn guideline_with_an_interval_across_a_threshold() {
    assert_eq!(slice(interval(28.0, 34.0), interval(55.0, 60.0)).flagged(), Indeterminate);
    assert_eq!(slice(interval(35.0, 40.0), interval(48.0, 60.0)).flagged(), Indeterminate);
    // One certain no decides, whatever the doubt about the other percentage.
    assert_eq!(slice(interval(28.0, 34.0), interval(40.0, 45.0)).flagged(), NotMet);
}

#[test]
fn guideline_needs_both_in_the_same_slice() {
    let apart = [exact_slice(45.0, 20.0), exact_slice(10.0, 70.0)];
    assert_eq!(guideline_30_50(&apart, 0).met, NotMet);
    let together = [exact_slice(45.0, 20.0), exact_slice(31.0, 51.0)];
    assert_eq!(guideline_30_50(&together, 0).met, Met);
}

#[test]
fn guideline_over_slices_is_a_kleene_or() {
    let doubtful = slice(interval(28.0, 34.0), interval(55.0, 60.0));
    assert_eq!(guideline_30_50(&[exact_slice(0.0, 0.0), doubtful], 0).met, Indeterminate);
    assert_eq!(guideline_30_50(&[exact_slice(60.0, 60.0), doubtful], 0).met, Met);
    assert_eq!(guideline_30_50(&[], 3).met, NotEvaluated);
}

#[test]
fn guideline_shows_the_slice_that_decides() {
    let mut flagged = exact_slice(31.0, 51.0);
    flagged.z_mm = -390.0;
    // Its middle lies further above both thresholds, but it is not certain.
    let doubtful = slice(interval(10.0, 90.0), interval(20.0, 100.0));
    let result = guideline_30_50(&[doubtful, flagged, exact_slice(0.0, 0.0)], 2);
    assert_eq!(result.values.get("deciding_slice_z_mm"), Some(RuleValue::Number(-390.0)));
    assert_eq!(result.values.get("slices_met"), Some(RuleValue::Count(1)));
    assert_eq!(result.values.get("slices_indeterminate"), Some(RuleValue::Count(1)));
    assert_eq!(result.values.get("slices_evaluated"), Some(RuleValue::Count(3)));
    assert!(result.notes[0].english().contains("Mirels score of 9 or more"));
    assert!(result.notes[2].english().starts_with("2 slices"));
}

fn femur(size: Size, pain: Option<Pain>) -> MirelsScore {
    let given = (Some(Item::given(Site::LowerLimb)), Some(Item::given(LesionType::Lytic)));
    MirelsScore::new(given.0, Some(Item::given(size)), given.1, pain.map(Item::given))
}

#[test]
fn mirels_at_8_and_9_and_across() {
    assert_eq!(mirels(&femur(Size::OneToTwoThirds, Some(Pain::Mild))).met, NotMet);
    assert_eq!(mirels(&femur(Size::OneToTwoThirds, Some(Pain::Moderate))).met, Met);
    assert_eq!(mirels(&femur(Size::OneToTwoThirds, None)).met, Indeterminate);
    assert_eq!(mirels(&femur(Size::MoreThanTwoThirds, None)).met, Met);
}

#[test]
fn mirels_of_the_upper_limb_carries_the_humerus_cutoff() {
    let arm = MirelsScore::new(
        Some(Item::given(Site::UpperLimb)),
        Some(Item::given(Size::OneToTwoThirds)),
        Some(Item::given(LesionType::Lytic)),
        Some(Item::given(Pain::Moderate)),
    );
    let result = mirels(&arm);
    assert_eq!(result.met, NotMet);
    assert_eq!(result.values.get("at_least_8_for_the_humerus"), Some(RuleValue::Verdict(Met)));
    assert!(
        result
            .notes
            .iter()
            .any(|note| note.english().contains("sensitivity 83.6\u{a0}%") && note.english().contains("14.5\u{a0}%"))
    );
    assert_eq!(mirels(&femur(Size::OneToTwoThirds, None)).values.get("at_least_8_for_the_humerus"), None);
}

#[test]
fn van_der_linden_at_30_mm() {
    let at = |mm: f64| LesionExtent { axial_extent_mm: Some(Estimate::exact(mm)), ..SMALL };
    assert_eq!(van_der_linden(&[at(30.0)]).met, NotMet);
    assert_eq!(van_der_linden(&[at(30.0_f64.next_up())]).met, Met);
    let across = LesionExtent { axial_extent_mm: Some(interval(28.0, 32.0)), ..SMALL };
    assert_eq!(van_der_linden(&[across]).met, Indeterminate);
}

#[test]
fn van_der_linden_at_50_percent() {
    let at = |percent: f64| LesionExtent { max_circumferential_percent: Some(Estimate::exact(percent)), ..SMALL };
    assert_eq!(van_der_linden(&[at(50.0)]).met, NotMet);
    let result = van_der_linden(&[at(50.0_f64.next_up())]);
    assert_eq!(result.met, Met);
    assert_eq!(result.values.get("axial_extent_above_30_mm"), Some(RuleValue::Verdict(NotMet)));
    assert_eq!(result.values.get("circumferential_above_50_percent"), Some(RuleValue::Verdict(Met)));
}

#[test]
fn tatar_at_30_percent() {
    let at = |percent: f64| LesionExtent { max_circumferential_percent: Some(Estimate::exact(percent)), ..SMALL };
    assert_eq!(tatar_planning_ct(&[at(30.0_f64.next_down())]).met, NotMet);
    assert_eq!(tatar_planning_ct(&[at(30.0)]).met, Met);
}

#[test]
fn tatar_at_45_mm() {
    let at = |mm: f64| LesionExtent { height_mm: Some(Estimate::exact(mm)), ..SMALL };
    assert_eq!(tatar_planning_ct(&[at(45.0_f64.next_down())]).met, NotMet);
    assert_eq!(tatar_planning_ct(&[at(45.0)]).met, Met);
    let across = LesionExtent { height_mm: Some(interval(44.0, 46.0)), ..SMALL };
    assert_eq!(tatar_planning_ct(&[across]).met, Indeterminate);
}

#[test]
fn tatar_through_the_wall() {
    let through = LesionExtent { through_the_wall: Met, ..SMALL };
    let result = tatar_planning_ct(&[SMALL, through]);
    assert_eq!(result.met, Met);
    assert_eq!(result.values.get("through_the_wall"), Some(RuleValue::Verdict(Met)));
    assert_eq!(result.values.get("height_at_least_45_mm"), Some(RuleValue::Verdict(NotMet)));
}

#[test]
fn a_quantity_not_measured_leaves_doubt_unless_another_decides() {
    let blind = LesionExtent { axial_extent_mm: None, ..SMALL };
    assert_eq!(van_der_linden(&[blind]).met, Indeterminate);
    let decided = LesionExtent { max_circumferential_percent: Some(Estimate::exact(80.0)), ..blind };
    assert_eq!(van_der_linden(&[decided]).met, Met);
    assert_eq!(van_der_linden(&[blind]).values.get("axial_extent_mm"), Some(RuleValue::Missing));
}

#[test]
fn a_bone_without_lesion_meets_no_rule_of_extent() {
    assert_eq!(van_der_linden(&[]).met, NotMet);
    assert_eq!(tatar_planning_ct(&[]).met, NotMet);
}

#[test]
fn json_keeps_the_order_of_values_and_the_name() {
    let json = serde_json::to_string(&van_der_linden(&[SMALL])).unwrap();
    assert!(json.starts_with(
        r#"{"name":"van-der-linden","met":false,"values":{"axial_extent_mm":{"value":10.0,"low":9.0,"high":11.0},"#
    ));
    assert!(json.contains(r#""circumferential_above_50_percent":false"#));
}

#[test]
fn the_schema_accepts_what_is_written() {
    let schema = schemars::schema_for!(RuleResult);
    let validator = jsonschema::validator_for(schema.as_value()).unwrap();
    let doubtful = slice(interval(28.0, 34.0), interval(55.0, 60.0));
    for result in [
        guideline_30_50(&[doubtful], 0),
        guideline_30_50(&[], 0),
        mirels(&MirelsScore::unknown()),
        van_der_linden(&[LesionExtent { axial_extent_mm: None, ..SMALL }]),
        tatar_planning_ct(&[SMALL]),
    ] {
        let json = serde_json::to_value(&result).unwrap();
        assert!(validator.is_valid(&json), "{json}");
    }
}

#[test]
fn an_answer_says_of_its_rule_what_the_table_says() {
    let results = [
        guideline_30_50(&[], 0),
        mirels(&MirelsScore::unknown()),
        van_der_linden(&[SMALL]),
        tatar_planning_ct(&[SMALL, SMALL]),
        crate::scores::rigidity::rigidity(Some(&[]), false),
    ];
    for (result, (_, name)) in results.iter().zip(RuleName::WORDS) {
        let rule = name.rule();
        assert_eq!(result.name, *name);
        assert_eq!((result.criterion, result.source), (rule.criterion, rule.source));
        assert!(result.notes.len() >= rule.caveats.len());
        assert!(result.notes.iter().zip(rule.caveats).all(|(note, caveat)| note.english() == caveat.english), "{name}");
        // Every threshold of the table is one of a value of the answer.
        assert!(rule.limits.iter().all(|limit| result.values.get(limit.value).is_some()), "{name}");
    }
}

fn rank(verdict: Verdict) -> u8 {
    match verdict {
        NotEvaluated | NotMet => 0,
        Indeterminate => 1,
        Met => 2,
    }
}

proptest! {
    #[test]
    fn more_loss_never_unflags_a_slice(
        axial in 0.0_f64..100.0, circumferential in 0.0_f64..100.0, width in 0.0_f64..20.0,
        more_axial in 0.0_f64..50.0, more_circumferential in 0.0_f64..50.0,
    ) {
        let at = |a: f64, c: f64| slice(interval(a - width, a + width), interval(c - width, c + width));
        let before = at(axial, circumferential).flagged();
        let after = at(axial + more_axial, circumferential + more_circumferential).flagged();
        prop_assert!(rank(after) >= rank(before));
    }
}
