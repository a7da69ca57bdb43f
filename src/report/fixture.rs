//! A made-up femur with a made-up hole, for the tests of the report.

use super::convert;
use super::figures::{BoneFigures, SliceCrop};
use super::model::*;
use crate::cortex::{Cortex, CortexSlice, NotMeasured, SECTORS};
use crate::dicom::{Layout, Series, SeriesHeader, SeriesWarning, SliceSource};
use crate::estimate::Estimate;
use crate::language::Sentence;
use crate::lysis::{Lesion, LesionType, Lysis, Reference, ReferenceKind, SliceLysis};
use crate::volume::{Grid, Volume};
use nalgebra::{Matrix3, Point3, Vector3};
use std::collections::BTreeMap;
use std::f64::consts::TAU;

const SLICES: usize = 80;
const SPACING_MM: f64 = 3.0;
const LOWEST_MM: f64 = -500.0;
pub const DEPTH: f64 = 0.30;

/// The bone with the image it was "measured" on.
pub struct FakeBone {
    pub cortex: Cortex,
    pub lysis: Lysis,
    pub volume: Volume<i16>,
    pub series: Series,
}

fn angle(sector: usize) -> f64 {
    TAU * (sector as f64 + 0.5) / SECTORS as f64
}

fn radius(theta: f64) -> f64 {
    // Not a circle: a ridge at the back, like the linea aspera.
    13.5 + 0.8 * (2.0 * theta).cos() + 1.6 * (-((theta - 1.57) / 0.3).powi(2)).exp()
}

fn thickness(theta: f64, z: f64) -> f64 {
    5.0 + 0.6 * theta.cos() - 0.012 * (z + 380.0).abs()
}

/// A hole centred at the back and right, 66 mm high.
fn loss(theta: f64, z: f64) -> f64 {
    let turn = (theta - 2.5 + 0.004 * (z + 372.0)).rem_euclid(TAU);
    let across = turn.min(TAU - turn) / (1.6 + 0.2 * (z * 0.4).sin());
    let along = (z + 372.0) / 33.0;
    let inside: f64 = 1.0 - across.powi(2) - along.powi(2);
    (2.0 * inside).clamp(0.0, 1.0) + 0.03 * ((17.0 * theta).sin() * (z * 0.7).cos()).abs()
}

fn not_measured(row: usize) -> Option<NotMeasured> {
    match row {
        0..6 => Some(NotMeasured::WallTooThin),
        60 => Some(NotMeasured::SliceMissing),
        74.. => Some(NotMeasured::NoRing),
        _ => None,
    }
}

pub fn bone() -> FakeBone {
    let sectors = |of: &dyn Fn(f64) -> f64| (0..SECTORS).map(|s| of(angle(s)) as f32).collect::<Vec<f32>>();
    let mut slices = Vec::new();
    let mut reference = Reference {
        kind: ReferenceKind::Ipsilateral,
        note: said("Built from the same bone above and below the lesion; 34 intact slices on either side carry it."),
        mass_mm2: vec![],
        thickness_mm: vec![],
        homologous_z_mm: None,
    };
    let (mut losses, mut percentages) = (Vec::new(), Vec::new());
    for row in 0..SLICES {
        let z = LOWEST_MM + SPACING_MM * row as f64;
        let arc = |theta: f64| radius(theta) * TAU / SECTORS as f64;
        let intact = sectors(&|theta| arc(theta) * thickness(theta, z));
        let lost = sectors(&|theta| loss(theta, z));
        let measured = not_measured(row).is_none();
        slices.push(CortexSlice {
            slice_index: row,
            z_mm: z,
            centre_mm: [96.0 + 0.03 * row as f64, 22.0],
            tilt_deg: 4.0,
            not_measured: not_measured(row),
            periosteal_radius_mm: sectors(&radius),
            arc_mm: sectors(&arc),
            mass_mm2: intact.iter().zip(&lost).map(|(mass, loss)| mass * (1.0 - loss)).collect(),
            thickness_mm: sectors(&|theta| thickness(theta, z) * (1.0 - loss(theta, z))),
            ..CortexSlice::default()
        });
        let share = |limit: f32| 100.0 * lost.iter().filter(|loss| **loss > limit).count() as f64 / SECTORS as f64;
        let area: f32 = intact.iter().sum();
        let gone: f32 = intact.iter().zip(&lost).map(|(mass, loss)| mass * loss).sum();
        let axial = 100.0 * f64::from(gone / area);
        let around =
            |value: f64, half: f64| Estimate { value, low: (value - half).max(0.0), high: (value + half).min(100.0) };
        percentages.push(measured.then(|| SliceLysis {
            axial_percent: around(axial, 2.2 + 0.05 * axial),
            circumferential_percent: around(share(0.30), 1.5 + 0.06 * share(0.30)),
            circumferential_by_depth: [share(0.30), share(0.50), share(0.99)],
            cortical_area_mm2: f64::from(area - gone),
            reference_area_mm2: f64::from(area),
            mean_thickness_mm: 4.4,
            reference_thickness_mm: 5.0,
        }));
        losses.push(if measured { lost } else { vec![f32::NAN; SECTORS] });
        reference.thickness_mm.push(sectors(&|theta| thickness(theta, z)));
        reference.mass_mm2.push(intact);
    }
    let lost = |row: usize, sector: usize| f64::from(losses[row][sector]) > DEPTH;
    let cells = (0..SLICES)
        .flat_map(|row| (0..SECTORS).map(move |sector| (row, sector)))
        .filter(|(r, s)| lost(*r, *s))
        .collect();
    let lesion = Lesion {
        id: 1,
        z_range_mm: [-402.5, -341.5],
        axial_extent_mm: Estimate { value: 61.0, low: 57.2, high: 64.8 },
        height_mm: Estimate { value: 62.0, low: 58.0, high: 66.0 },
        through_the_wall: true,
        max_axial_lysis_percent: Estimate { value: 47.2, low: 42.6, high: 51.8 },
        max_circumferential_lysis_percent: Estimate { value: 52.5, low: 47.9, high: 57.2 },
        kind: LesionType::Lytic,
        size_fraction_of_cortex: 0.472,
        size_fraction_of_diameter: 0.91,
        region: None,
        cells,
    };
    FakeBone {
        cortex: Cortex { cortical_hu: 1500.0, scanner: None, slice_spacing_mm: SPACING_MM, slices },
        lysis: Lysis { reference, loss: losses, slices: percentages, lesions: vec![lesion] },
        volume: volume(),
        series: series(),
    }
}

fn grid() -> Grid {
    Grid {
        size: [90, 90, SLICES],
        origin_mm: Point3::new(52.0, -22.0, LOWEST_MM),
        directions: Matrix3::identity(),
        spacing_mm: Vector3::new(0.98, 0.98, SPACING_MM),
    }
}

/// Cortex at 1500 HU in muscle, with a blur and a little noise.
fn volume() -> Volume<i16> {
    let grid = grid();
    let mut voxels = Vec::with_capacity(grid.len());
    let mut noise = 1u32;
    for k in 0..SLICES {
        for j in 0..90 {
            for i in 0..90 {
                let p = grid.to_patient(Vector3::new(f64::from(i), f64::from(j), k as f64));
                let (dx, dy) = (p.x - 96.0 - 0.03 * k as f64, p.y - 22.0);
                let theta = f64::atan2(dy, dx).rem_euclid(TAU);
                let (r, z) = (dx.hypot(dy), p.z);
                let edge = |d: f64| 1.0 / (1.0 + (-d / 0.45).exp());
                let bone = edge(radius(theta) - r) * (1.0 - edge(radius(theta) - thickness(theta, z) - r));
                let marrow = edge(radius(theta) - thickness(theta, z) - r);
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let grain = f64::from(noise >> 16) / 65536.0 - 0.5;
                let left = 1.0 - loss(theta, z).min(1.0);
                voxels.push((50.0 + 1450.0 * bone * left - 110.0 * marrow + 60.0 * grain) as i16);
            }
        }
    }
    Volume { grid, voxels: voxels.into() }
}

fn series() -> Series {
    let header = SeriesHeader {
        study_instance_uid: "1.2.826.0.1.3680043.8.498.1".into(),
        series_instance_uid: "1.2.826.0.1.3680043.8.498.2".into(),
        frame_of_reference_uid: "1.2.826.0.1.3680043.8.498.3".into(),
        manufacturer: "GE MEDICAL SYSTEMS".into(),
        kernel: "STANDARD".into(),
        kvp: Some(140.0),
        ..SeriesHeader::default()
    };
    let slice = |row: usize| SliceSource {
        path: format!("image/{row}.dcm").into(),
        sop_instance_uid: format!("1.2.826.0.1.3680043.8.498.4.{row}"),
        instance_number: Some((SLICES - row) as i64),
        ..SliceSource::default()
    };
    let slices = (0..SLICES).map(|row| (not_measured(row) != Some(NotMeasured::SliceMissing)).then(|| slice(row)));
    let warnings = vec![SeriesWarning::MissingSlices { z_mm: vec![-320.0] }];
    Series { header, grid: grid(), slices: slices.collect(), warnings, layout: Layout::Stacked, faults: Vec::new() }
}

fn said(text: &str) -> Sentence {
    Sentence::english_only(text.to_owned())
}

impl FakeBone {
    pub fn crops(&self) -> Vec<SliceCrop> {
        self.figures(0).crops
    }

    pub fn figures(&self, bone_index: usize) -> BoneFigures<'_> {
        let instance_number = |slice_index: usize| self.series.slices.get(slice_index)?.as_ref()?.instance_number;
        BoneFigures::of_worst_slices(bone_index, (&self.cortex, &self.lysis), &self.volume, DEPTH, 4, instance_number)
            .with_stack(&self.volume, 1, |_| false, instance_number)
    }

    /// Three bones: this one, a healthy one, and one that could not be measured.
    pub fn report(&self) -> Report {
        let settings = BTreeMap::from([
            ("depth".into(), DEPTH.into()),
            ("reference".into(), "auto".into()),
            ("pain".into(), serde_json::Value::Null),
        ]);
        let mut report = Report::new(convert::series_report(&self.series), settings);
        report.tool.version = "0.1.0".into();
        report.bones = vec![self.lysed(), self.healthy(), self.cut()];
        report
    }

    fn lysed(&self) -> BoneReport {
        let flagged =
            |slice: &SliceLysis| slice.axial_percent.value > 30.0 && slice.circumferential_percent.value > 50.0;
        let slices = convert::slice_reports(&self.series, &self.cortex, &[], Some(&self.lysis), &said(""), flagged);
        BoneReport {
            bone: "femur".into(),
            side: "left".into(),
            confidence: 0.97,
            z_range_mm: [-501.5, -261.5],
            length_mm: Some(238.4),
            landmarks: BTreeMap::new(),
            visible_fraction: Some(0.53),
            proximal: None,
            image: Some(ImageReport {
                cortical_hu: Some(1500.0),
                blur_fwhm_mm: Some(1.2),
                overshoot: Some(0.0),
                noise_hu: Some(14.0),
            }),
            reference: Some(convert::reference_report(&self.lysis.reference)),
            not_measured_slices: slices.iter().filter(|slice| !slice.measured).count(),
            slices,
            lesions: self.lysis.lesions.iter().map(convert::lesion_report).collect(),
            neck: None,
            ends: Vec::new(),
            stiffness: None,
            weakest_section: None,
            mirels: Some(mirels()),
            rules: rules(),
            recommendation: Some(depends_on_pain()),
            warnings: vec![said(
                "The lesion is longer than half of the intact bone beside it: its reference is extrapolated.",
            )],
            restricted_to: None,
        }
    }

    fn healthy(&self) -> BoneReport {
        let mut bone = self.lysed();
        for slice in bone.slices.iter_mut().filter(|slice| slice.measured) {
            slice.axial_lysis_percent = Some(0.4);
            slice.axial_lysis_ci95 = Some([0.0, 2.6]);
            slice.circumferential_lysis_percent = Some(0.0);
            slice.circumferential_lysis_ci95 = Some([0.0, 1.5]);
            slice.circumferential_by_depth = Some(ByDepth::default());
            slice.flagged = false;
        }
        let mut rules = rules();
        for rule in &mut rules {
            rule.met = Verdict::NotMet;
            rule.values.clear();
        }
        let recommendation = RecommendationReport {
            category: Category::NoLesion,
            text: "No loss of cortex above the measuring error was found in the measured slices.".into(),
            source: said("Measurement."),
            by_pain: None,
        };
        BoneReport {
            side: "right".into(),
            lesions: vec![],
            stiffness: None,
            weakest_section: None,
            mirels: None,
            rules,
            recommendation: Some(recommendation),
            warnings: vec![],
            ..bone
        }
    }

    fn cut(&self) -> BoneReport {
        let mut cortex = self.cortex.clone();
        cortex.slices.iter_mut().for_each(|slice| slice.not_measured = Some(NotMeasured::CutByBorder));
        let slices =
            convert::slice_reports(&self.series, &cortex, &[], None, &said("no reference could be made"), |_| false);
        BoneReport {
            bone: "tibia".into(),
            side: "unknown".into(),
            confidence: 0.6,
            z_range_mm: [-501.5, -261.5],
            length_mm: None,
            landmarks: BTreeMap::new(),
            visible_fraction: None,
            proximal: None,
            image: None,
            reference: None,
            not_measured_slices: slices.len(),
            slices,
            lesions: vec![],
            neck: None,
            ends: Vec::new(),
            stiffness: None,
            weakest_section: None,
            mirels: None,
            rules: vec![],
            recommendation: None,
            warnings: vec![],
            restricted_to: None,
        }
    }
}

fn mirels() -> MirelsReport {
    let item = |points, value: &str| {
        Some(MirelsItem {
            points: Some(points),
            value: Some(value.into()),
            basis: said("measured"),
            points_range: [points; 2],
        })
    };
    MirelsReport {
        site: item(2, "lower-limb"),
        size: item(2, "one-to-two-thirds"),
        kind: item(3, "lytic"),
        pain: None,
        total: None,
        range: [8, 10],
    }
}

fn rules() -> Vec<RuleReport> {
    let value = |value, half, comparison: &str, threshold, unit: &str| RuleValue {
        value: Some(value),
        ci95: (half > 0.0).then_some([value - half, value + half]),
        threshold: Some(threshold),
        comparison: Some(comparison.into()),
        unit: unit.into(),
    };
    let rule =
        |name: &str, met, criterion: &str, values: Vec<(&str, RuleValue)>, source: &str, notes: &[&str]| RuleReport {
            name: name.into(),
            met,
            criterion: said(criterion),
            values: values.into_iter().map(|(name, value)| (name.to_string(), value)).collect(),
            source: said(source),
            notes: notes.iter().map(|note| said(note)).collect(),
        };
    vec![
        rule(
            "guideline-30-50",
            Verdict::Indeterminate,
            "Axial lysis above 30 % and circumferential lysis above 50 % in the same axial slice.",
            vec![
                ("axial_lysis", value(47.2, 4.6, ">", 30.0, "%")),
                ("circumferential_lysis", value(52.5, 4.6, ">", 50.0, "%")),
            ],
            "French recommendation for bone metastases of lung cancer, §1.2.",
            &[],
        ),
        rule(
            "mirels",
            Verdict::Indeterminate,
            "Score of 9 or more.",
            vec![],
            "Mirels 1989.",
            &["Pain was not given: the total is a range."],
        ),
        rule(
            "van-der-linden",
            Verdict::Met,
            "Axial cortical involvement above 30 mm, or circumferential above 50 %.",
            vec![
                ("axial_extent", value(61.0, 3.8, ">", 30.0, "mm")),
                ("circumferential_lysis", value(52.5, 4.6, ">", 50.0, "%")),
            ],
            "van der Linden 2003, 2004.",
            &["Studied on plain radiographs of the proximal femur: a length on CT is an extrapolation."],
        ),
        rule(
            "tatar-planning-ct",
            Verdict::Met,
            "Circumferential 30 % or more, or height 45 mm or more, or through the wall.",
            vec![
                ("circumferential_lysis", value(52.5, 4.6, ">=", 30.0, "%")),
                ("height", value(62.0, 4.0, ">=", 45.0, "mm")),
            ],
            "Tatar 2014, 47 lesions on planning CT.",
            &[],
        ),
    ]
}

fn depends_on_pain() -> RecommendationReport {
    let outcome = |mirels_total, category, text: &str| PainOutcome {
        mirels_total: Some(mirels_total),
        category,
        text: text.into(),
    };
    RecommendationReport {
        category: Category::DependsOnPain,
        text: "Pain was not given, and the recommendation turns on it.".into(),
        source: said("French recommendation for bone metastases of lung cancer, §1.2 and table 3."),
        by_pain: Some(ByPain {
            mild: outcome(8, Category::Multidisciplinary, "Mirels 8: multidisciplinary decision."),
            moderate: outcome(9, Category::FixationByMirels, "Mirels 9: prophylactic fixation."),
            functional: outcome(10, Category::FixationByMirels, "Mirels 10: prophylactic fixation."),
        }),
    }
}
