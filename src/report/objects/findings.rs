//! The report's numbers, scores and rules as the structured report tells them.

use super::{ExportBone, end, end_lesion_title, neck, neck_lesion_title};
use crate::dicom::write::{Code, Findings, Group, Measurement, Segment, Target, codes};
use crate::language::Language;
use crate::report::model::*;
use crate::report::{rule_words, words};

/// A segment and what it is part of.
#[derive(Debug, Clone)]
pub(super) struct Tracked {
    /// Which of the bones.
    pub bone: usize,
    pub part: Part,
    pub segment: Segment,
}

/// What a segment shows of its bone; lesions by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Bone,
    Cortex,
    Lesion(usize),
    NeckLesion(usize),
    EndLesion { is_upper: bool, id: usize },
}

/// Objects are read by programs, and filed for readers of any language.
pub(super) const EN: Language = Language::En;
const AXIAL: Code = Code::private("axial-lysis", "Axial cortical lysis: share of the cortical mass lost");
const AROUND: Code = Code::private("circ-lysis", "Circumferential cortical lysis: share of the contour");
const EXTENT: Code = Code::private("axial-extent", "Longest extent along the bone at one sector");
const HEIGHT: Code = Code::private("height", "Extent along the bone over all sectors");
const THICKNESS: Code = Code::private("thickness", "Mean wall thickness in the slice of highest axial lysis");
const INTACT_THICKNESS: Code = Code::private("thickness-intact", "The same of the intact wall, expected");
const SHARE_OF_CORTEX: Code = Code::private("size-cortex", "Lesion size over the cortex");
const SHARE_OF_DIAMETER: Code = Code::private("size-diameter", "Lesion size over the bone's diameter");
const EA: Code = Code::private("ea", "Axial rigidity EA of the weakest section");
const EI: Code = Code::private("ei-min", "Smallest bending rigidity EI of the weakest section");
const EI_MAX: Code = Code::private("ei-max", "Largest bending rigidity EI of the weakest section");
const GJ: Code = Code::private("gj", "Torsional rigidity GJ of the weakest section");
const EA_LOST: Code = Code::private("ea-lost", "Reduction of EA in the weakest section");
const EI_LOST: Code = Code::private("ei-lost", "Reduction of EI in the weakest section");
const GJ_LOST: Code = Code::private("gj-lost", "Reduction of GJ in the weakest section");
const SECTION_Z: Code = Code::private("section-z", "Patient z of the weakest section");
pub(super) const THROUGH: Code = Code::private("through-wall", "Gone through the whole wall");
const LESION_TYPE: Code = Code::private("lesion-type", "Lesion type");
const FLAGGED: Code = Code::private("slices-flagged", "Slices flagged by guideline-30-50");
const MEASURED: Code = Code::private("slices-measured", "Slices measured");
const NOT_MEASURED: Code = Code::private("slices-left-out", "Slices not measured");
const MIRELS_TOTAL: Code = Code::private("mirels-total", "Mirels' score, total");
const MIRELS_LOW: Code = Code::private("mirels-low", "Mirels' score, lowest possible total");
const MIRELS_HIGH: Code = Code::private("mirels-high", "Mirels' score, highest possible total");
const MIRELS_ITEM: [Code; 4] = [
    Code::private("mirels-site", "Mirels' score, site"),
    Code::private("mirels-size", "Mirels' score, size"),
    Code::private("mirels-type", "Mirels' score, type"),
    Code::private("mirels-pain", "Mirels' score, pain"),
];
const MIRELS: Code = Code::private("mirels", "Mirels' score in words");
const RULE: Code = Code::private("rule", "Published rule");
const RECOMMENDATION: Code = Code::private("recommendation", "Recommendation quoted");
pub(super) const REVIEW: Code = Code::private("review", "What a reviewer said");
const WARNING: Code = Code::private("warning", "What to know before trusting the numbers");
const DISCLAIMER: Code = Code::private("disclaimer", "What the numbers may be used for");

const NEWTON: Code = Code::ucum("N", "N");
const NEWTON_MM2: Code = Code::ucum("N.mm2", "N.mm2");
const POINTS: Code = Code::ucum("{points}", "points");
pub(super) const YES: Code = Code::sct("373066001", "Yes");
pub(super) const NO: Code = Code::sct("373067005", "No");

/// Everything the report says that has a place in TID 1500.
pub(super) fn findings(
    target: &Target,
    report: &Report,
    bones: &[ExportBone],
    titles: &[String],
    segments: &[Tracked],
) -> Findings {
    let mut found = Findings { statements: vec![(DISCLAIMER, report.disclaimer.clone())], ..Findings::default() };
    if let Some(reviewed) = words::reviewed_by(Language::En, report) {
        found.statements.push((REVIEW, reviewed));
    }
    for (index, ((bone, title), numbers)) in bones.iter().zip(titles).zip(&report.bones).enumerate() {
        let segment_of = |part: Part| segments.iter().position(|s| s.bone == index && s.part == part);
        let group = |label: String, finding: Code, segment: Option<usize>| {
            let tracked = segment.map(|n| &segments[n].segment);
            Group {
                tracking_id: tracked.map_or_else(|| label.clone(), |s| s.tracking_id.clone()),
                tracking_uid: tracked
                    .map_or_else(|| target.uid(&format!("tracking {label}")), |s| s.tracking_uid.clone()),
                finding,
                site: Some((bone.code(), bone.side_code())),
                segment,
                measurements: Vec::new(),
                evaluations: Vec::new(),
            }
        };
        let whole = group(title.clone(), bone.code(), segment_of(Part::Bone));
        found.groups.push(Group { measurements: of_whole_bone(numbers), ..whole });
        for lesion in words::standing(numbers) {
            found.groups.push(Group {
                measurements: of_lesion(numbers, lesion),
                evaluations: evaluations(lesion),
                ..group(format!("{title}, lesion {}", lesion.id), codes::LESION, segment_of(Part::Lesion(lesion.id)))
            });
        }
        if let Some(neck) = &numbers.neck {
            found.groups.push(Group {
                measurements: neck::of_neck(neck),
                evaluations: neck::evaluations(neck),
                ..group(format!("{title}, neck"), neck::NECK, None)
            });
            for lesion in neck.standing() {
                let segment = segment_of(Part::NeckLesion(lesion.id));
                found.groups.push(Group {
                    measurements: neck::of_lesion(lesion),
                    evaluations: neck::evaluations_of_lesion(lesion),
                    ..group(neck_lesion_title(title, lesion.id), codes::LESION, segment)
                });
            }
            found.statements.extend(neck::statements(neck, title));
        }
        for of in &numbers.ends {
            found.groups.push(Group {
                measurements: end::of_end(of),
                evaluations: end::evaluations(of),
                ..group(format!("{title}, {} end", of.end), end::END, None)
            });
            for lesion in &of.lesions {
                let segment = segment_of(Part::EndLesion { is_upper: of.end == "upper", id: lesion.id });
                found.groups.push(Group {
                    measurements: end::of_lesion(lesion),
                    evaluations: end::evaluations_of_lesion(lesion),
                    ..group(end_lesion_title(title, &of.end, lesion.id), codes::LESION, segment)
                });
            }
            found.statements.extend(end::statements(of, title));
        }
        found.statements.extend(statements(numbers, title));
    }
    let mut slices: Vec<usize> = Vec::new();
    for tracked in segments.iter().filter(|s| !matches!(s.part, Part::Lesion(_))) {
        let region = target.on_images(&tracked.segment.region);
        slices.extend((0..region.size()[2]).filter(|k| !region.runs(*k).is_empty()));
    }
    slices.sort_unstable();
    slices.dedup();
    found.slices = slices;
    found
}

pub(super) fn measurement(
    concept: Code,
    value: Option<f64>,
    interval: Option<[f64; 2]>,
    unit: Code,
) -> Option<Measurement> {
    let value = value.filter(|v| v.is_finite())?;
    let interval = interval.filter(|ends| ends.iter().all(|v| v.is_finite()));
    Some(Measurement { concept, value, interval, unit, maximum: false })
}

/// The largest of a percentage.
pub(super) fn highest(concept: Code, value: Option<f64>, interval: Option<[f64; 2]>) -> Option<Measurement> {
    measurement(concept, value, interval, codes::PERCENT).map(|m| Measurement { maximum: true, ..m })
}

fn of_lesion(bone: &BoneReport, lesion: &LesionReport) -> Vec<Measurement> {
    let [low, high] = lesion.z_range_mm;
    let within = bone.slices.iter().filter(|s| s.measured && s.z_mm >= low - 1e-6 && s.z_mm <= high + 1e-6);
    let worst = within
        .max_by(|a, b| a.axial_lysis_percent.unwrap_or(f64::MIN).total_cmp(&b.axial_lysis_percent.unwrap_or(f64::MIN)));
    [
        highest(AXIAL, lesion.max_axial_lysis_percent, lesion.max_axial_lysis_ci95),
        highest(AROUND, lesion.max_circumferential_lysis_percent, lesion.max_circumferential_lysis_ci95),
        measurement(EXTENT, lesion.axial_extent_mm, lesion.axial_extent_ci95, codes::MILLIMETRE),
        measurement(HEIGHT, lesion.height_mm, lesion.height_ci95, codes::MILLIMETRE),
        measurement(THICKNESS, worst.and_then(|s| s.mean_thickness_mm), None, codes::MILLIMETRE),
        measurement(INTACT_THICKNESS, worst.and_then(|s| s.reference_thickness_mm), None, codes::MILLIMETRE),
        measurement(SHARE_OF_CORTEX, lesion.size_fraction_of_cortex, None, codes::UNITLESS),
        measurement(SHARE_OF_DIAMETER, lesion.size_fraction_of_diameter, None, codes::UNITLESS),
    ]
    .into_iter()
    .chain(rigidity(bone, lesion))
    .flatten()
    .collect()
}

/// The section at the lesion that lost most of any rigidity; nothing where none was computed.
fn rigidity(bone: &BoneReport, lesion: &LesionReport) -> Vec<Option<Measurement>> {
    let Some((z_mm, section)) = weakest_at(bone, lesion) else { return Vec::new() };
    let one = |concept, value: f64, unit| measurement(concept, Some(value), None, unit);
    let lost = |concept, value: f64, ends| measurement(concept, Some(value), Some(ends), codes::PERCENT);
    vec![
        one(SECTION_Z, z_mm, codes::MILLIMETRE),
        one(EA, section.ea_n, NEWTON),
        one(EI, section.ei_min_nmm2, NEWTON_MM2),
        one(EI_MAX, section.ei_max_nmm2, NEWTON_MM2),
        one(GJ, section.gj_nmm2, NEWTON_MM2),
        lost(EA_LOST, section.ea_reduction_percent, section.ea_reduction_ci95),
        lost(EI_LOST, section.ei_reduction_percent, section.ei_reduction_ci95),
        lost(GJ_LOST, section.gj_reduction_percent, section.gj_reduction_ci95),
    ]
}

fn weakest_at<'a>(bone: &'a BoneReport, lesion: &LesionReport) -> Option<(f64, &'a RigidityReport)> {
    let [low, high] = lesion.z_range_mm;
    let within = |z_mm: f64| (low - 1e-6..=high + 1e-6).contains(&z_mm);
    // Told of the whole bone already: rounded, several sections may seem to have lost as much.
    if let Some(weakest) = bone.weakest_section.as_ref().filter(|weakest| within(weakest.z_mm)) {
        let slice = bone.slices.iter().find(|slice| slice.z_mm == weakest.z_mm)?;
        return Some((slice.z_mm, slice.rigidity.as_ref()?));
    }
    let most = |r: &RigidityReport| {
        [r.ea_reduction_percent, r.ei_reduction_percent, r.gj_reduction_percent].into_iter().fold(f64::MIN, f64::max)
    };
    bone.slices
        .iter()
        .filter(|slice| slice.measured && within(slice.z_mm))
        .filter_map(|slice| Some((slice.z_mm, slice.rigidity.as_ref()?)))
        // Of equals the lowest, as everywhere.
        .reduce(|a, b| if most(b.1) > most(a.1) { b } else { a })
}

fn evaluations(lesion: &LesionReport) -> Vec<(Code, Code)> {
    let kind = match lesion.kind.as_str() {
        "lytic" => Some(Code::private("lytic", "Lytic")),
        "mixed" => Some(Code::private("mixed", "Mixed")),
        "blastic" => Some(Code::private("blastic", "Blastic")),
        _ => None,
    };
    let through = (THROUGH, if lesion.through_the_wall { YES } else { NO });
    kind.map(|kind| (LESION_TYPE, kind)).into_iter().chain([through]).collect()
}

fn of_whole_bone(bone: &BoneReport) -> Vec<Measurement> {
    let worst = |of: fn(&SliceReport) -> Option<f64>| {
        let measured = bone.slices.iter().filter(|s| s.measured && of(s).is_some());
        measured.max_by(|a, b| of(a).unwrap_or(f64::MIN).total_cmp(&of(b).unwrap_or(f64::MIN)))
    };
    let (axial, around) = (worst(|s| s.axial_lysis_percent), worst(|s| s.circumferential_lysis_percent));
    let count = |n: usize| Some(n as f64);
    let measured = bone.slices.iter().filter(|s| s.measured).count();
    let flagged = bone.slices.iter().filter(|s| s.flag_stands()).count();
    let mut all = vec![
        highest(AXIAL, axial.and_then(|s| s.axial_lysis_percent), axial.and_then(|s| s.axial_lysis_ci95)),
        highest(
            AROUND,
            around.and_then(|s| s.circumferential_lysis_percent),
            around.and_then(|s| s.circumferential_lysis_ci95),
        ),
        measurement(MEASURED, count(measured), None, codes::UNITLESS),
        measurement(NOT_MEASURED, count(bone.not_measured_slices), None, codes::UNITLESS),
    ];
    if measured > 0 {
        all.push(measurement(FLAGGED, count(flagged), None, codes::UNITLESS));
    }
    if let Some(mirels) = &bone.mirels {
        let points = |concept, value: Option<u8>| measurement(concept, value.map(f64::from), None, POINTS);
        let items = [&mirels.site, &mirels.size, &mirels.kind, &mirels.pain];
        for (concept, item) in MIRELS_ITEM.into_iter().zip(items) {
            all.push(points(concept, item.as_ref().and_then(|item| item.points)));
        }
        all.push(points(MIRELS_TOTAL, mirels.total));
        all.push(points(MIRELS_LOW, Some(mirels.range[0])));
        all.push(points(MIRELS_HIGH, Some(mirels.range[1])));
    }
    all.into_iter().flatten().collect()
}

/// Rules, score, recommendation and warnings of a bone, a sentence or two each, with the bone's title in front.
fn statements(bone: &BoneReport, title: &str) -> Vec<(Code, String)> {
    let mut said = Vec::new();
    for rule in &bone.rules {
        let facts: Vec<String> =
            rule_words::quantities(EN, bone, rule).iter().filter_map(|quantity| quantity.whole_text()).collect();
        let facts = if facts.is_empty() { String::new() } else { format!(" Values: {}.", facts.join("; ")) };
        let notes = rule.notes.iter().fold(String::new(), |text, note| format!("{text} {}", note.english()));
        said.push((
            RULE,
            format!(
                "{title}: {} ({}): {}. Criterion: {}.{facts} Source: {}.{notes}",
                words::rule_title(EN, &rule.name),
                rule.name,
                words::verdict_word(EN, rule.met),
                rule.criterion.english().trim_end_matches('.'),
                rule.source.english().trim_end_matches('.'),
            ),
        ));
    }
    if let Some(mirels) = &bone.mirels {
        let item = |name: &str, item: &Option<MirelsItem>| match item {
            None => format!("{name} not known"),
            Some(item) => {
                let points = item.points.map_or_else(|| "points open".into(), |points| format!("{points} points"));
                let value = item.value.as_ref().map_or_else(String::new, |value| format!("{value}, "));
                format!("{name} {points} ({value}{})", item.basis.english())
            }
        };
        let total = mirels.total.map_or_else(
            || format!("total {} to {}", mirels.range[0], mirels.range[1]),
            |total| format!("total {total}"),
        );
        let items = [
            item("site", &mirels.site),
            item("size", &mirels.size),
            item("type", &mirels.kind),
            item("pain", &mirels.pain),
        ];
        said.push((MIRELS, format!("{title}: {}; {total}.", items.join(", "))));
    }
    if let Some(recommendation) = &bone.recommendation {
        let text = format!("{title}: {} Source: {}", recommendation.text, recommendation.source.english());
        said.push((RECOMMENDATION, text));
    }
    for lesion in &bone.lesions {
        if let Some(remark) = words::remark(Language::En, lesion.review.as_ref()) {
            said.push((REVIEW, format!("{title}, lesion {}: {remark}.", lesion.id)));
        }
    }
    said.extend(bone.warnings.iter().map(|warning| (WARNING, format!("{title}: {}", warning.english()))));
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_codes_fit_their_elements_and_are_told_apart() {
        let mut all = vec![
            AXIAL,
            AROUND,
            EXTENT,
            HEIGHT,
            THICKNESS,
            INTACT_THICKNESS,
            SHARE_OF_CORTEX,
            SHARE_OF_DIAMETER,
            EA,
            EI,
            EI_MAX,
            GJ,
            EA_LOST,
            EI_LOST,
            GJ_LOST,
            SECTION_Z,
            REVIEW,
            THROUGH,
            LESION_TYPE,
            FLAGGED,
            MEASURED,
            NOT_MEASURED,
            MIRELS_TOTAL,
            MIRELS_LOW,
            MIRELS_HIGH,
            MIRELS,
            RULE,
            RECOMMENDATION,
            WARNING,
            DISCLAIMER,
        ];
        all.extend(MIRELS_ITEM);
        all.extend(neck::CODES);
        all.extend(end::CODES);
        for code in &all {
            assert!(code.value.len() <= 16 && code.meaning.len() <= 64, "{code:?}");
        }
        all.sort_by_key(|code| code.value);
        assert!(all.windows(2).all(|pair| pair[0].value != pair[1].value));
    }
}
