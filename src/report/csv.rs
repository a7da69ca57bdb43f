//! The tables: `slices.csv` (one row a bone and slice), `bones.csv` (one row a bone), `neck.csv` (one row a section across a neck) and
//! `ends.csv` (one row a slice beyond the shaft whose loss the other side tells).
//!
//! An empty field was not measured. Lists within a field are joined by "; ".

use super::model::*;
use super::words;
use crate::language::Sentence;
use std::fmt::Display;

fn field(value: Option<impl Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn at(ci95: Option<[f64; 2]>, end: usize) -> String {
    field(ci95.map(|ci95| ci95[end]))
}

fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> csv::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header)?;
    for row in rows {
        writer.write_record(row)?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// One row per bone and slice, in the report's order.
pub fn slices_csv(report: &Report) -> csv::Result<Vec<u8>> {
    let header = [
        "bone_index",
        "bone",
        "side",
        "instance_number",
        "sop_instance_uid",
        "z_mm",
        "measured",
        "not_measured_because",
        "axial_lysis_percent",
        "axial_lysis_ci95_low",
        "axial_lysis_ci95_high",
        "circumferential_lysis_percent",
        "circumferential_lysis_ci95_low",
        "circumferential_lysis_ci95_high",
        "circumferential_0.30_percent",
        "circumferential_0.50_percent",
        "circumferential_0.99_percent",
        "cortical_area_mm2",
        "reference_area_mm2",
        "mean_thickness_mm",
        "reference_thickness_mm",
        "flagged",
        "ea_n",
        "ei_max_nmm2",
        "ei_min_nmm2",
        "gj_nmm2",
        "ea_reduction_percent",
        "ei_reduction_percent",
        "gj_reduction_percent",
        "review",
        "review_comment",
    ];
    let report = report.rounded();
    let rows = report.bones.iter().enumerate().flat_map(|(index, bone)| {
        bone.slices.iter().map(move |slice| {
            let depth = slice.circumferential_by_depth;
            let stiff = |of: fn(&RigidityReport) -> f64| field(slice.rigidity.as_ref().map(of));
            vec![
                (index + 1).to_string(),
                bone.bone.clone(),
                bone.side.clone(),
                field(slice.instance_number),
                slice.sop_instance_uid.clone().unwrap_or_default(),
                slice.z_mm.to_string(),
                slice.measured.to_string(),
                slice.not_measured_because.as_ref().map_or_else(String::new, |why| why.english().to_owned()),
                field(slice.axial_lysis_percent),
                at(slice.axial_lysis_ci95, 0),
                at(slice.axial_lysis_ci95, 1),
                field(slice.circumferential_lysis_percent),
                at(slice.circumferential_lysis_ci95, 0),
                at(slice.circumferential_lysis_ci95, 1),
                field(depth.map(|depth| depth.d30)),
                field(depth.map(|depth| depth.d50)),
                field(depth.map(|depth| depth.d99)),
                field(slice.cortical_area_mm2),
                field(slice.reference_area_mm2),
                field(slice.mean_thickness_mm),
                field(slice.reference_thickness_mm),
                slice.flagged.to_string(),
                stiff(|r| r.ea_n),
                stiff(|r| r.ei_max_nmm2),
                stiff(|r| r.ei_min_nmm2),
                stiff(|r| r.gj_nmm2),
                stiff(|r| r.ea_reduction_percent),
                stiff(|r| r.ei_reduction_percent),
                stiff(|r| r.gj_reduction_percent),
                slice.review.as_ref().and_then(|remark| remark.decision).map(decision_word).unwrap_or_default().into(),
                slice.review.as_ref().map(|remark| remark.comment.clone()).unwrap_or_default(),
            ]
        })
    });
    table(&header, rows)
}

/// One row per section across the neck of a bone; `None` where no bone has one.
pub fn neck_csv(report: &Report) -> Option<csv::Result<Vec<u8>>> {
    let header = [
        "bone_index",
        "bone",
        "side",
        "from_head_mm",
        "x_mm",
        "y_mm",
        "z_mm",
        "measured",
        "not_measured_because",
        "area_inside_mm2",
        "cortical_area_mm2",
        "mean_thickness_mm",
        "thin_tenth_mm",
        "reference_area_mm2",
        "axial_lysis_percent",
        "axial_lysis_ci95_low",
        "axial_lysis_ci95_high",
        "circumferential_lysis_percent",
        "circumferential_lysis_ci95_low",
        "circumferential_lysis_ci95_high",
    ];
    let report = report.rounded();
    report.bones.iter().any(|bone| bone.neck.is_some()).then(|| {
        let necks =
            report.bones.iter().enumerate().filter_map(|(index, bone)| Some((index, bone, bone.neck.as_ref()?)));
        let rows = necks.flat_map(|(index, bone, neck)| {
            neck.sections.iter().map(move |s| {
                let [x, y, z] = s.centre_mm;
                vec![
                    (index + 1).to_string(),
                    bone.bone.clone(),
                    bone.side.clone(),
                    s.from_head_mm.to_string(),
                    x.to_string(),
                    y.to_string(),
                    z.to_string(),
                    s.measured.to_string(),
                    s.not_measured_because.as_ref().map_or_else(String::new, |why| why.english().to_owned()),
                    field(s.area_inside_mm2),
                    field(s.cortical_area_mm2),
                    field(s.mean_thickness_mm),
                    field(s.thin_tenth_mm),
                    field(s.reference_area_mm2),
                    field(s.axial_lysis_percent),
                    at(s.axial_lysis_ci95, 0),
                    at(s.axial_lysis_ci95, 1),
                    field(s.circumferential_lysis_percent),
                    at(s.circumferential_lysis_ci95, 0),
                    at(s.circumferential_lysis_ci95, 1),
                ]
            })
        });
        table(&header, rows)
    })
}

/// One row per slice beyond the shaft whose loss the other side tells; `None` where there is none.
pub fn ends_csv(report: &Report) -> Option<csv::Result<Vec<u8>>> {
    let header = [
        "bone_index",
        "bone",
        "side",
        "end",
        "instance_number",
        "z_mm",
        "cortical_area_mm2",
        "reference_area_mm2",
        "axial_lysis_percent",
        "axial_lysis_ci95_low",
        "axial_lysis_ci95_high",
        "circumferential_lysis_percent",
        "circumferential_lysis_ci95_low",
        "circumferential_lysis_ci95_high",
    ];
    let report = report.rounded();
    let ends = report.bones.iter().enumerate().flat_map(|(n, bone)| bone.ends.iter().map(move |end| (n, bone, end)));
    let rows: Vec<Vec<String>> = ends
        .flat_map(|(index, bone, end)| {
            end.slices.iter().map(move |s| {
                let mut row = vec![(index + 1).to_string(), bone.bone.clone(), bone.side.clone(), end.end.clone()];
                row.push(field(s.instance_number));
                let [axial, around] = [s.axial_lysis_ci95, s.circumferential_lysis_ci95];
                let numbers = [
                    [s.z_mm, s.cortical_area_mm2, s.reference_area_mm2],
                    [s.axial_lysis_percent, axial[0], axial[1]],
                    [s.circumferential_lysis_percent, around[0], around[1]],
                ];
                row.extend(numbers.iter().flatten().map(f64::to_string));
                row
            })
        })
        .collect();
    (!rows.is_empty()).then(|| table(&header, rows.into_iter()))
}

/// As in `report.json`.
fn decision_word(decision: Decision) -> &'static str {
    match decision {
        Decision::Accepted => "accepted",
        Decision::Rejected => "rejected",
    }
}

/// One row per bone: what a study over many patients needs.
pub fn bones_csv(report: &Report) -> csv::Result<Vec<u8>> {
    let header = [
        "series_instance_uid",
        "bone_index",
        "bone",
        "side",
        "confidence",
        "z_low_mm",
        "z_high_mm",
        "length_mm",
        "reference",
        "slices",
        "not_measured_slices",
        "flagged_slices",
        "flagged_instance_numbers",
        "max_axial_lysis_percent",
        "max_axial_lysis_ci95_low",
        "max_axial_lysis_ci95_high",
        "max_axial_lysis_instance_number",
        "max_circumferential_lysis_percent",
        "max_circumferential_lysis_ci95_low",
        "max_circumferential_lysis_ci95_high",
        "max_circumferential_lysis_instance_number",
        "lesions",
        "max_axial_extent_mm",
        "max_height_mm",
        "through_the_wall",
        "lesion_types",
        "mirels_total",
        "mirels_low",
        "mirels_high",
        "rules_met",
        "rules_indeterminate",
        "rules_not_met",
        "category",
        "warnings",
        "weakest_section_z_mm",
        "weakest_section_rigidity",
        "weakest_section_reduction_percent",
        "rejected_lesions",
        "rejected_slices",
    ];
    let report = report.rounded();
    let rows = report.bones.iter().enumerate().map(|(index, bone)| bone_row(&report, index, bone));
    table(&header, rows)
}

fn bone_row(report: &Report, index: usize, bone: &BoneReport) -> Vec<String> {
    let flagged: Vec<_> = bone.slices.iter().filter(|slice| slice.flag_stands()).collect();
    let axial = words::worst_by(bone, |slice| slice.axial_lysis_percent);
    let around = words::worst_by(bone, |slice| slice.circumferential_lysis_percent);
    let largest = |of: fn(&LesionReport) -> Option<f64>| field(words::standing(bone).filter_map(of).reduce(f64::max));
    let rules = |met: Verdict| {
        let names: Vec<_> = bone.rules.iter().filter(|rule| rule.met == met).map(|rule| rule.name.as_str()).collect();
        names.join("; ")
    };
    let flagged_instances: Vec<_> =
        flagged.iter().filter_map(|slice| slice.instance_number).map(|n| n.to_string()).collect();
    let types: Vec<_> = words::standing(bone).map(|lesion| lesion.kind.as_str()).collect();
    vec![
        report.series.series_instance_uid.clone(),
        (index + 1).to_string(),
        bone.bone.clone(),
        bone.side.clone(),
        bone.confidence.to_string(),
        bone.z_range_mm[0].to_string(),
        bone.z_range_mm[1].to_string(),
        field(bone.length_mm),
        field(bone.reference.as_ref().map(|reference| reference.kind.as_str())),
        bone.slices.len().to_string(),
        bone.not_measured_slices.to_string(),
        flagged.len().to_string(),
        flagged_instances.join("; "),
        field(axial.and_then(|slice| slice.axial_lysis_percent)),
        at(axial.and_then(|slice| slice.axial_lysis_ci95), 0),
        at(axial.and_then(|slice| slice.axial_lysis_ci95), 1),
        field(axial.and_then(|slice| slice.instance_number)),
        field(around.and_then(|slice| slice.circumferential_lysis_percent)),
        at(around.and_then(|slice| slice.circumferential_lysis_ci95), 0),
        at(around.and_then(|slice| slice.circumferential_lysis_ci95), 1),
        field(around.and_then(|slice| slice.instance_number)),
        words::standing(bone).count().to_string(),
        largest(|lesion| lesion.axial_extent_mm),
        largest(|lesion| lesion.height_mm),
        words::standing(bone).any(|lesion| lesion.through_the_wall).to_string(),
        types.join("; "),
        field(bone.mirels.as_ref().and_then(|mirels| mirels.total)),
        field(bone.mirels.as_ref().map(|mirels| mirels.range[0])),
        field(bone.mirels.as_ref().map(|mirels| mirels.range[1])),
        rules(Verdict::Met),
        rules(Verdict::Indeterminate),
        rules(Verdict::NotMet),
        bone.recommendation
            .as_ref()
            .map(|advice| words::category_code(advice.category).to_string())
            .unwrap_or_default(),
        bone.warnings.iter().map(Sentence::english).collect::<Vec<_>>().join("; "),
        field(bone.weakest_section.as_ref().map(|w| w.z_mm)),
        bone.weakest_section.as_ref().map(|w| w.rigidity.clone()).unwrap_or_default(),
        field(bone.weakest_section.as_ref().map(|w| w.reduction_percent)),
        bone.lesions.iter().filter(|lesion| lesion.is_rejected()).count().to_string(),
        bone.slices.iter().filter(|slice| slice.flagged && slice.is_rejected()).count().to_string(),
    ]
}
