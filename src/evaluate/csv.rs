//! The two tables: `errors.csv` (one row a section of a truth) and `cases.csv` (one row a case, and one pooled).
//!
//! An empty field is not known.

use super::compare::{Case, ComparedBone, Section};
use super::quantity::{Pair, Quantity};
use super::statistics::rounded;
use super::summary::{Subset, Summary, pooled};
use std::fmt::Display;

fn field(value: Option<impl Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn number(value: Option<f64>) -> String {
    field(value.and_then(rounded))
}

fn table(header: Vec<String>, rows: impl Iterator<Item = Vec<String>>) -> csv::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header)?;
    for row in rows {
        writer.write_record(row)?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

/// One row per section of the truths, rings or not, measured or not.
pub(super) fn errors_csv(cases: &[Case]) -> csv::Result<Vec<u8>> {
    let mut header: Vec<String> = [
        "case",
        "true_bone",
        "found_bone",
        "z_mm",
        "instance_number",
        "sop_instance_uid",
        "ring",
        "lysed",
        "measured",
        "not_measured_because",
        "flag_truth",
        "flag_found",
        "flag_decided",
    ]
    .map(String::from)
    .into();
    for quantity in Quantity::ALL {
        header.extend(["true", "measured", "error"].map(|what| format!("{}_{what}", quantity.key())));
        if has_interval(quantity) {
            header.extend(["ci95_low", "ci95_high", "covered"].map(|what| format!("{}_{what}", quantity.key())));
        }
    }
    let rows = cases.iter().flat_map(|case| {
        case.bones.iter().flat_map(move |bone| bone.sections.iter().map(move |section| row(case, bone, section)))
    });
    table(header, rows)
}

fn has_interval(quantity: Quantity) -> bool {
    matches!(quantity, Quantity::Axial | Quantity::Circumferential)
}

fn row(case: &Case, bone: &ComparedBone, section: &Section) -> Vec<String> {
    let mut row = vec![
        case.name.clone(),
        bone.truth_name.clone(),
        field(bone.found_name.as_ref()),
        number(Some(section.z_mm)),
        field(section.instance_number),
        field(section.sop_instance_uid.as_ref()),
        section.ring.to_string(),
        section.is_lysed().to_string(),
        section.measured.to_string(),
        field(section.not_measured_because.as_ref()),
        field(section.flag.map(|flag| flag.truth)),
        field(section.flag.map(|flag| flag.found)),
        field(section.flag.map(|flag| flag.decided)),
    ];
    for quantity in Quantity::ALL {
        // Where there is no ring the truth's numbers mean nothing.
        let pair = section.pair(quantity).filter(|_| section.ring);
        row.extend([pair.map(|p| p.truth), pair.map(|p| p.measured), pair.map(|p| p.error())].map(number));
        if has_interval(quantity) {
            let interval = pair.and_then(|pair| pair.interval);
            row.extend([number(interval.map(|ends| ends[0])), number(interval.map(|ends| ends[1]))]);
            row.push(field(pair.as_ref().and_then(Pair::is_covered)));
        }
    }
    row
}

/// One row per case, and `pooled` over all their sections. Of each quantity the errors of all measured sections and of
/// the lysed ones.
pub(super) fn cases_csv(cases: &[Case]) -> csv::Result<Vec<u8>> {
    let mut header: Vec<String> = [
        "case",
        "bones",
        "depth",
        "slice_spacing_mm",
        "rings",
        "rings_measured",
        "lysed",
        "lysed_measured",
        "no_rings",
        "no_rings_measured",
        "flags_decided_sections",
        "flags_decided_true",
        "flags_decided_false",
        "flags_decided_missed",
        "flags_all_sections",
        "flags_all_true",
        "flags_all_false",
        "flags_all_missed",
        "lesions_true",
        "lesions_matched",
        "lesions_missed",
        "lesions_merged",
        "lesions_false",
        "lesions_split",
        "lesions_through_the_wall_agrees",
        "lesions_type_agrees",
        "axial_extent_bias_mm",
        "axial_extent_mean_absolute_mm",
        "axial_extent_bias_slices",
        "height_bias_mm",
        "height_mean_absolute_mm",
        "height_bias_slices",
    ]
    .map(String::from)
    .into();
    for quantity in Quantity::ALL {
        for subset in ["all", "lysed"] {
            header.extend(STATISTICS.map(|what| format!("{}_{subset}_{what}", quantity.key())));
            if has_interval(quantity) {
                header.extend(INTERVALS.map(|what| format!("{}_{subset}_{what}", quantity.key())));
            }
        }
    }
    let of_case = |case: &Case| {
        let bones: Vec<&str> = case.bones.iter().filter_map(|bone| bone.found_name.as_deref()).collect();
        let depth = number(Some(case.depth));
        case_row([case.name.clone(), bones.join("; "), depth, number(Some(case.slice_spacing_mm))], &case.summary())
    };
    let all = case_row(["pooled".into(), String::new(), String::new(), String::new()], &pooled(cases));
    table(header, cases.iter().map(of_case).chain([all]))
}

const STATISTICS: [&str; 9] =
    ["n", "bias", "sd", "mean_absolute", "median", "p95_absolute", "largest_absolute", "limit_low", "limit_high"];
const INTERVALS: [&str; 4] = ["intervals", "covered", "covered_percent", "mean_width"];

fn case_row(beginning: [String; 4], summary: &Summary) -> Vec<String> {
    let mut row = Vec::from(beginning);
    let (counts, lesions) = (&summary.sections, &summary.lesions);
    let sections = [counts.rings, counts.measured, counts.lysed, counts.lysed_measured, counts.no_rings];
    row.extend(sections.iter().chain([&counts.no_rings_measured]).map(usize::to_string));
    for flags in [summary.flags_decided, summary.flags_all] {
        let counts = [flags.sections, flags.truly_flagged, flags.false_flags, flags.missed_flags];
        row.extend(counts.iter().map(usize::to_string));
    }
    let found = [lesions.true_lesions, lesions.matched, lesions.missed, lesions.merged, lesions.false_lesions];
    let agree = [lesions.split, lesions.through_the_wall_agrees, lesions.type_agrees];
    row.extend(found.iter().chain(&agree).map(usize::to_string));
    for (mm, slices) in
        [(lesions.axial_extent_mm, lesions.axial_extent_slices), (lesions.height_mm, lesions.height_slices)]
    {
        row.extend([mm.bias, mm.mean_absolute, slices.bias].map(number));
    }
    for quantity in Quantity::ALL {
        let errors = summary.of(quantity);
        for subset in [&errors.all, &errors.lysed] {
            row.extend(statistics(subset));
            if has_interval(quantity) {
                let interval = subset.interval;
                row.extend([interval.n.to_string(), interval.covered.to_string()]);
                row.extend([interval.percent, interval.mean_width].map(number));
            }
        }
    }
    row
}

fn statistics(subset: &Subset) -> Vec<String> {
    let stats = &subset.stats;
    let limits = [0, 1].map(|end| stats.limits.map(|limits| limits[end]));
    let numbers = [stats.bias, stats.sd, stats.mean_absolute, stats.median, stats.p95_absolute, stats.largest_absolute];
    [stats.n.to_string()].into_iter().chain(numbers.into_iter().chain(limits).map(number)).collect()
}
