//! One measured bone as the report tells it: scores, rules and the quoted recommendation included.

use std::collections::BTreeMap;

use super::convert::{lesion_report, reference_report, slice_reports};
use super::end::{END_LOST, TOLD_BY_OTHER_SIDE, end_reports};
use super::model::*;
use super::neck::{NECK_LOST, NeckReport, neck_report};
use super::reviewed::BoneDecisions;
use super::rigidity::{rigidity_report, stiffness_report, weakest_report};
use crate::analysis::{MeasuredBone, MeasuredNeck};
use crate::anatomy::{BoneName, Landmarks, SUBTROCHANTERIC_MM, Side};
use crate::cortex::NotMeasured;
use crate::dicom::Series;
use crate::estimate::Estimate;
use crate::language::{Language, Sentence, Text};
use crate::lysis::{Lesion, Lysis, SliceLysis};
use crate::scores::mirels::{Basis, Item, LesionType, Level, MirelsScore, Pain, Site, Size};
use crate::scores::recommendation::{Recommendation, all_rejected, with_lesion, without_lesion};
use crate::scores::rigidity::{self as rigidity_score, SectionLoss};
use crate::scores::rules::{
    self, GUIDELINE_AXIAL_PERCENT, GUIDELINE_CIRCUMFERENTIAL_PERCENT, LesionExtent, RuleResult, SliceLoss,
};

const NO_REFERENCE: Text = Text::new("no reference could be made", "aucune référence n’a pu être établie");

/// Items of Mirels' score that the user gives instead of the images.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct GivenItems {
    pub site: Option<Site>,
    pub size: Option<Size>,
    pub lesion_type: Option<LesionType>,
    pub pain: Option<Pain>,
}

/// Everything the report says of one bone.
pub fn bone_report(series: &Series, measured: &MeasuredBone, given: &GivenItems) -> BoneReport {
    reviewed_bone_report(series, measured, given, &BoneDecisions::default())
}

/// [`bone_report`] after a review: what was rejected is listed with the reviewer's remark, but counts in no rule and no score.
pub fn reviewed_bone_report(
    series: &Series,
    measured: &MeasuredBone,
    given: &GivenItems,
    decisions: &BoneDecisions,
) -> BoneReport {
    let given = &GivenItems { pain: decisions.pain.or(given.pain), ..*given };
    let cortex = &measured.cortex;
    let why_nothing = measured.warnings.first().cloned().unwrap_or(NO_REFERENCE.into());
    let slices = slice_reports(series, cortex, &measured.beyond, measured.lysis.as_ref(), &why_nothing, is_flagged);
    let heights = cortex.slices.iter().map(|s| s.z_mm);
    let z_range_mm = [heights.clone().fold(f64::INFINITY, f64::min), heights.fold(f64::NEG_INFINITY, f64::max)];
    let length = cortex.slices.iter().map(|s| cortex.slice_spacing_mm / s.tilt_deg.to_radians().cos().max(0.3)).sum();
    let mut report = BoneReport {
        bone: measured.bone.name.to_string(),
        side: measured.bone.side.to_string(),
        confidence: measured.bone.confidence,
        z_range_mm,
        length_mm: (!measured.bone.shaft.cut_everywhere).then_some(length),
        landmarks: measured
            .whole
            .landmarks
            .points_mm
            .iter()
            .map(|(name, at)| ((*name).to_owned(), [at.x, at.y, at.z]))
            .collect(),
        visible_fraction: measured.whole.landmarks.visible_fraction,
        proximal: proximal_report(&measured.whole.landmarks),
        image: cortex.scanner.map(|s| ImageReport {
            cortical_hu: Some(s.cortical_hu),
            blur_fwhm_mm: Some(s.fwhm_mm()),
            overshoot: Some(s.overshoot),
            noise_hu: s.noise_hu.is_finite().then_some(s.noise_hu),
        }),
        reference: measured.lysis.as_ref().map(|l| reference_report(&l.reference)),
        not_measured_slices: slices.iter().filter(|s| !s.measured).count(),
        slices,
        lesions: Vec::new(),
        neck: measured.neck.as_ref().map(|neck| reviewed_neck(neck, decisions)),
        ends: end_reports(series, measured),
        stiffness: measured.rigidity.as_ref().map(stiffness_report),
        weakest_section: None,
        mirels: None,
        rules: Vec::new(),
        recommendation: None,
        warnings: measured.warnings.clone(),
        restricted_to: measured.restriction.as_ref().map(|restriction| restriction.regions.clone()),
    };
    if report.neck.as_ref().is_some_and(|neck| neck.standing().next().is_some()) {
        report.warnings.push(NECK_LOST.into());
    }
    for slice in report.slices.iter_mut().filter(|slice| !slice.measured) {
        if report.ends.iter().any(|end| end.slice_at(slice.z_mm).is_some()) {
            slice.not_measured_because = Some(TOLD_BY_OTHER_SIDE.into());
        }
    }
    if report.ends.iter().any(|end| !end.lesions.is_empty()) {
        report.warnings.push(END_LOST.into());
    }
    if measured.bone.name == BoneName::Unknown || measured.bone.side == Side::Unknown {
        let reasons = measured.bone.reasons.join("; ");
        report.warnings.push(Sentence::new(
            format!("Bone or side not known ({reasons})."),
            format!("Os ou côté inconnu (en anglais : {reasons})."),
        ));
    }
    if let Some(rigidity) = &measured.rigidity {
        for (slice, section) in report.slices.iter_mut().zip(&rigidity.slices) {
            slice.rigidity = section.as_ref().filter(|_| slice.measured).map(rigidity_report);
        }
    }
    if let Some(lysis) = &measured.lysis {
        let located = |lesion: &Lesion| LesionReport {
            location: Some(location(measured, lesion).to_owned()),
            ..lesion_report(lesion)
        };
        report.lesions = lysis.lesions.iter().map(located).collect();
        mark(&mut report, lysis, decisions);
        let lesions = lysis.lesions.iter().zip(&report.lesions).filter(|(_, of)| !of.is_rejected());
        let standing = Lysis { lesions: lesions.map(|(lesion, _)| lesion.clone()).collect(), ..lysis.clone() };
        assess(&mut report, measured, &standing, given);
        if let Some(pain) = report.mirels.as_mut().and_then(|mirels| mirels.pain.as_mut())
            && decisions.pain.is_some()
        {
            pain.basis = Sentence::new("given by the reviewer", "donnée par le relecteur");
        }
    }
    report
}

/// The neck with the reviewer's remarks on its lesions.
fn reviewed_neck(measured: &MeasuredNeck, decisions: &BoneDecisions) -> NeckReport {
    let mut report = neck_report(measured);
    for lesion in &mut report.lesions {
        lesion.review = decisions.neck_lesions.get(&lesion.id).cloned();
    }
    report
}

/// The reviewer's remarks on lesions and slices. Where only rejected lesions reach a flagged slice its flag is rejected with them.
fn mark(report: &mut BoneReport, lysis: &Lysis, decisions: &BoneDecisions) {
    for lesion in &mut report.lesions {
        lesion.review = decisions.lesions.get(&lesion.id).cloned();
    }
    let rejected: Vec<bool> = report.lesions.iter().map(LesionReport::is_rejected).collect();
    for (row, slice) in report.slices.iter_mut().enumerate() {
        slice.review = decisions.slices.get(&row).cloned();
        let reaches = |lesion: &&Lesion| lesion.cells.iter().any(|(at, _)| *at == row);
        let reaching: Vec<usize> = (0..rejected.len()).filter(|n| reaches(&&lysis.lesions[*n])).collect();
        let decided = slice.review.as_ref().is_some_and(|remark| remark.decision.is_some());
        if !slice.measured || decided || reaching.is_empty() || !reaching.iter().all(|n| rejected[*n]) {
            continue;
        }
        let remark = slice.review.get_or_insert_default();
        remark.decision = Some(Decision::Rejected);
        if remark.comment.is_empty() {
            let numbers: Vec<String> = reaching.iter().map(|n| lysis.lesions[*n].id.to_string()).collect();
            remark.comment = format!("with lesion {}", numbers.join(", "));
        }
    }
}

/// Do both percentages of a slice pass the thresholds of `guideline-30-50`? The flag is the measured value's; the rule,
/// which looks at all slices, says when the interval leaves it open.
fn is_flagged(slice: &SliceLysis) -> bool {
    slice.axial_percent.value > GUIDELINE_AXIAL_PERCENT
        && slice.circumferential_percent.value > GUIDELINE_CIRCUMFERENTIAL_PERCENT
}

/// Scores, rules and recommendation of a bone that was measured.
fn assess(report: &mut BoneReport, measured: &MeasuredBone, lysis: &Lysis, given: &GivenItems) {
    // With regions only the slices count that these or their lesions reach.
    let reached = |row: usize| measured.restriction.as_ref().is_none_or(|restriction| restriction.reached[row]);
    let rejected: Vec<bool> = report.slices.iter().map(SliceReport::is_rejected).collect();
    let losses: Vec<SliceLoss> = lysis
        .slices
        .iter()
        .zip(&measured.cortex.slices)
        .enumerate()
        .filter_map(|(row, slice)| (reached(row) && !rejected[row]).then_some(slice))
        .filter_map(|(l, s)| l.filter(|_| s.not_measured.is_none()).map(|l| (l, s.z_mm)))
        .map(|(l, z_mm)| SliceLoss {
            z_mm,
            axial_percent: l.axial_percent,
            circumferential_percent: l.circumferential_percent,
        })
        .collect();
    let extents: Vec<LesionExtent> = lysis
        .lesions
        .iter()
        .map(|l| LesionExtent {
            axial_extent_mm: Some(l.axial_extent_mm),
            height_mm: Some(l.height_mm),
            max_circumferential_percent: Some(l.max_circumferential_lysis_percent),
            through_the_wall: Verdict::from_bool(l.through_the_wall),
        })
        .collect();
    let rows = report.slices.iter().enumerate();
    let not_measured = rows.filter(|(row, slice)| reached(*row) && !slice.measured).count();
    let mut guideline = rules::guideline_30_50(&losses, not_measured);
    if let Some(restriction) = &measured.restriction {
        let regions = restriction.regions.join(", ");
        guideline.notes.push(Sentence::new(
            format!("Asked of the slices that {regions} or its lesions reach, not of the whole bone."),
            format!("Posé aux coupes que {regions} ou ses lésions atteignent, et non à tout l’os."),
        ));
    }
    let left_out = rejected.iter().filter(|rejected| **rejected).count();
    if left_out > 0 {
        guideline.notes.push(Sentence::new(
            format!("Slices that the reviewer rejected are left out: {left_out}."),
            format!("Coupes rejetées par le relecteur, non comptées : {left_out}."),
        ));
    }
    // The lesion with the highest possible total speaks for the bone.
    let scored = lysis
        .lesions
        .iter()
        .map(|l| (mirels_of(measured, l, given), l))
        .max_by(|a, b| a.0.range[1].cmp(&b.0.range[1]).then(b.1.id.cmp(&a.1.id)));
    let mut results = vec![guideline];
    let recommendation = match &scored {
        Some((score, lesion)) => {
            let mut rule = rules::mirels(score);
            rule.notes.extend(size_note(lesion, given));
            results.push(rule);
            report.mirels = Some(mirels_report(score));
            with_lesion(results[0].met, score)
        }
        None if !report.lesions.is_empty() => all_rejected(),
        None => without_lesion(),
    };
    results.push(rules::van_der_linden(&extents));
    results.push(rules::tatar_planning_ct(&extents));
    results.push(rigidity_rule(measured, lysis));
    report.weakest_section = measured.rigidity.as_ref().and_then(|rigidity| {
        weakest_report(rigidity, lysis, |row| (report.slices[row].instance_number, report.slices[row].z_mm))
    });
    report.rules = results.iter().map(rule_report).collect();
    report.recommendation = Some(recommendation_report(&recommendation, scored.as_ref().map(|s| &s.0)));
}

/// The sections that the lesions touch, asked for their loss of rigidity.
fn rigidity_rule(measured: &MeasuredBone, lysis: &Lysis) -> RuleResult {
    let sections: Option<Vec<SectionLoss>> = measured.rigidity.as_ref().map(|rigidity| {
        let touched = rigidity.touched(lysis).map(|(row, section)| SectionLoss {
            z_mm: measured.cortex.slices[row].z_mm,
            reductions_percent: section.reductions_percent,
        });
        touched.collect()
    });
    rigidity_score::rigidity(sections.as_deref(), !lysis.lesions.is_empty())
}

/// Mirels' items of one lesion, measured unless given.
fn mirels_of(measured: &MeasuredBone, lesion: &Lesion, given: &GivenItems) -> MirelsScore {
    let share = lesion.max_axial_lysis_percent;
    let size = Estimate { value: share.value / 100.0, low: share.low / 100.0, high: share.high / 100.0 };
    MirelsScore::new(
        given.site.map(Item::given).or_else(|| site_of(measured, lesion)),
        given.size.map(Item::given).or_else(|| Item::<Size>::from_fraction(size)),
        Some(given.lesion_type.map_or_else(|| Item::measured(lesion.kind), Item::given)),
        given.pain.map(Item::given),
    )
}

/// The region of the bone that the middle of a lesion lies in.
fn location(measured: &MeasuredBone, lesion: &Lesion) -> &'static str {
    let [low, high] = lesion.z_range_mm;
    measured.whole.landmarks.zone(measured.bone.name, 0.5 * (low + high)).word()
}

fn proximal_report(landmarks: &Landmarks) -> Option<ProximalReport> {
    landmarks.head_radius_mm.map(|radius| ProximalReport {
        head_radius_mm: Some(radius),
        neck_shaft_angle_deg: landmarks.neck_shaft_angle_deg,
        lesser_trochanter_edge_z_mm: landmarks.lesser_trochanter_z_mm,
    })
}

/// Upper limb, lower limb, or trochanteric region: from the tip of the greater trochanter to the lower edge of the lesser
/// one. From there to 50 mm below it is subtrochanteric (Fielding), and above it head or neck, where both readings stand.
fn site_of(measured: &MeasuredBone, lesion: &Lesion) -> Option<Item<Site>> {
    match measured.bone.name {
        BoneName::Humerus | BoneName::Radius | BoneName::Ulna => Some(Item::measured(Site::UpperLimb)),
        BoneName::Tibia | BoneName::Fibula => Some(Item::measured(Site::LowerLimb)),
        BoneName::Femur => {
            let landmarks = &measured.whole.landmarks;
            let [low, high] = lesion.z_range_mm;
            let above_tip = landmarks.greater_trochanter_z_mm.is_some_and(|tip| low > tip);
            if landmarks.lesser_trochanter_z_mm.is_some_and(|edge| high > edge) && !above_tip {
                return Some(Item::measured(Site::Trochanteric));
            }
            let edge = landmarks.lesser_trochanter_z_mm.or_else(|| trochanter_z_mm(measured));
            Some(if edge.is_some_and(|z| high > z - SUBTROCHANTERIC_MM) {
                Item::measured_between(Site::LowerLimb, Site::Trochanteric)
            } else {
                Item::measured(Site::LowerLimb)
            })
        }
        BoneName::Unknown => None,
    }
}

/// Where the femur's shaft stops being a ring towards the head: about the lower edge of the lesser trochanter, for a femur
/// whose landmarks are not seen.
fn trochanter_z_mm(measured: &MeasuredBone) -> Option<f64> {
    let slices = &measured.cortex.slices;
    let last = slices.iter().rposition(|s| s.not_measured.is_none())?;
    let above = slices.get(last + 1)?;
    (above.not_measured == Some(NotMeasured::NoRing)).then_some(above.z_mm)
}

/// What the size item would be on the other basis, where it differs: sources disagree whether Mirels meant the cortex or the
/// diameter.
fn size_note(lesion: &Lesion, given: &GivenItems) -> Option<Sentence> {
    if given.size.is_some() {
        return None;
    }
    let cortex = Size::from_fraction(lesion.size_fraction_of_cortex)?;
    let diameter = Size::from_fraction(lesion.size_fraction_of_diameter)?;
    let [cortex, diameter] = [cortex, diameter].map(Level::points);
    let [of_cortex, of_diameter] =
        [lesion.size_fraction_of_cortex, lesion.size_fraction_of_diameter].map(|share| format!("{share:.2}"));
    let [en_fr, en_fr_diameter] = [&of_cortex, &of_diameter].map(|share| Language::Fr.decimal(share.clone()));
    Some(Sentence::new(
        format!(
            "Size is counted as the share of the cortex, as in the recommendation's table 3 ({of_cortex}, {cortex} points); as a \
             share of the bone's diameter it would be {of_diameter} ({diameter} points)."
        ),
        format!(
            "La taille est comptée en part de la corticale, comme dans le tableau 3 de la recommandation ({en_fr}, {cortex} \
             points) ; en part du diamètre de l’os, elle serait de {en_fr_diameter} ({diameter} points)."
        ),
    ))
}

fn mirels_report(score: &MirelsScore) -> MirelsReport {
    fn item<T: Level>(item: Option<Item<T>>) -> Option<MirelsItem> {
        let item = item?;
        let record = item.record();
        let open = record.points.is_none();
        let basis = match record.basis {
            Basis::Given => Sentence::new("given", "donné"),
            Basis::Measured if open => Sentence::new(
                format!("measured: {}", record.readings.join(" or ")),
                format!(
                    "mesuré : {}",
                    item.readings().map(|level| level.text().french).collect::<Vec<_>>().join(" ou ")
                ),
            ),
            Basis::Measured => Sentence::new("measured", "mesuré"),
        };
        Some(MirelsItem { points: record.points, value: record.value, basis, points_range: record.points_range })
    }
    MirelsReport {
        site: item(score.site),
        size: item(score.size),
        kind: item(score.lesion_type),
        pain: item(score.pain),
        total: score.total,
        range: score.range,
    }
}

fn rule_report(rule: &RuleResult) -> RuleReport {
    let mut values = BTreeMap::new();
    for (name, value) in rule.values.iter() {
        let (number, ci95) = match value {
            rules::RuleValue::Estimate(e) => (Some(e.value), Some([e.low, e.high])),
            rules::RuleValue::Number(n) => (Some(n), None),
            rules::RuleValue::Count(n) => (Some(n as f64), None),
            rules::RuleValue::Missing => (None, None),
            // Sub-answers follow from value and threshold; the breach is told with every lesion.
            rules::RuleValue::Verdict(_) => continue,
        };
        let limit = rule.name.rule().limits.iter().find(|limit| limit.value == name);
        let unit = if name.ends_with("_percent") {
            "%"
        } else if name.ends_with("_mm") {
            "mm"
        } else if name.ends_with("total") {
            "points"
        } else {
            ""
        };
        values.insert(
            name.to_owned(),
            RuleValue {
                value: number,
                ci95,
                threshold: limit.map(|limit| limit.threshold),
                comparison: limit.map(|limit| limit.comparison.to_owned()),
                unit: unit.into(),
            },
        );
    }
    RuleReport {
        name: rule.name.to_string(),
        met: rule.met,
        criterion: rule.criterion.into(),
        values,
        source: rule.source.into(),
        notes: rule.notes.clone(),
    }
}

fn recommendation_report(recommendation: &Recommendation, score: Option<&MirelsScore>) -> RecommendationReport {
    let by_pain = recommendation.by_pain.zip(score).map(|(answers, score)| {
        let outcome = |pain: Pain| {
            let [low, high] = *score.by_pain.get(pain);
            let category = *answers.get(pain);
            let text = category.quote().map_or_else(String::new, |q| q.english.to_owned());
            PainOutcome { mirels_total: (low == high).then_some(low), category, text }
        };
        ByPain { mild: outcome(Pain::Mild), moderate: outcome(Pain::Moderate), functional: outcome(Pain::Functional) }
    });
    RecommendationReport {
        category: recommendation.category,
        text: recommendation.text.clone(),
        source: recommendation.source.into(),
        by_pain,
    }
}
