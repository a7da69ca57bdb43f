//! Small reports and truths for the tests.

use crate::phantom::truth::{BoneTruth, SliceTruth, Truth};
use crate::report::Report;
use crate::report::model::{BoneReport, SeriesReport, SliceReport};
use std::collections::BTreeMap;

/// A bone without lesions.
pub fn bone(name: &str, side: &str, slices: &[SliceReport]) -> BoneReport {
    BoneReport {
        bone: name.into(),
        side: side.into(),
        confidence: 1.0,
        z_range_mm: [0.0, 100.0],
        length_mm: None,
        landmarks: BTreeMap::new(),
        visible_fraction: None,
        proximal: None,
        image: None,
        reference: None,
        slices: slices.to_vec(),
        not_measured_slices: 0,
        lesions: Vec::new(),
        neck: None,
        ends: Vec::new(),
        stiffness: None,
        weakest_section: None,
        mirels: None,
        rules: Vec::new(),
        recommendation: None,
        warnings: Vec::new(),
        restricted_to: None,
    }
}

/// A measured slice with intervals of ± 2 points.
pub fn slice(z_mm: f64, axial: f64, circumferential: f64) -> SliceReport {
    SliceReport {
        z_mm,
        measured: true,
        axial_lysis_percent: Some(axial),
        axial_lysis_ci95: Some([axial - 2.0, axial + 2.0]),
        circumferential_lysis_percent: Some(circumferential),
        circumferential_lysis_ci95: Some([circumferential - 2.0, circumferential + 2.0]),
        flagged: axial > 30.0 && circumferential > 50.0,
        ..SliceReport::default()
    }
}

/// A report of slices 2 mm apart.
pub fn report(bones: Vec<BoneReport>) -> Report {
    let series = SeriesReport { series_instance_uid: "1.2.3".into(), slice_spacing_mm: 2.0, ..SeriesReport::default() };
    let mut report = Report::new(series, BTreeMap::from([("depth".into(), 0.30.into())]));
    report.bones = bones;
    report
}

/// A true ring.
pub fn ring(z: f64, axial: f64, circ30: f64) -> SliceTruth {
    SliceTruth { z, ring: true, axial, circ30, ..SliceTruth::default() }
}

/// A bone of the truth.
pub fn true_bone(bone: Option<&str>, side: Option<&str>, slices: &[SliceTruth]) -> BoneTruth {
    BoneTruth { bone: bone.map(Into::into), side: side.map(Into::into), slices: slices.to_vec(), lesions: Vec::new() }
}

/// A truth that does not tell its series.
pub fn truth(bones: Vec<BoneTruth>) -> Truth {
    Truth {
        schema: String::new(),
        name: String::new(),
        source: String::new(),
        series_instance_uid: None,
        specification: None,
        bones,
    }
}
