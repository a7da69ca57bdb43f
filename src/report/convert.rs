//! From the measurement's types to the report's.

use super::model::*;
use crate::cortex::{Cortex, NotMeasured};
use crate::dicom::Series;
use crate::estimate::Estimate;
use crate::language::{Sentence, Text};
use crate::lysis::{Lesion, Lysis, Reference, ReferenceKind, SliceLysis};

/// The 95 % interval of an estimate.
pub fn interval(estimate: Estimate) -> [f64; 2] {
    [estimate.low, estimate.high]
}

/// Why a section has no numbers, as a clause that completes "not measured because …".
pub fn not_measured_text(reason: NotMeasured) -> Text {
    match reason {
        NotMeasured::CutByBorder => Text::new("the border of the image cuts the bone", "le bord de l’image coupe l’os"),
        NotMeasured::NoRing => Text::new(
            "the section is no ring of cortex (joint, condyle, trochanter or fused neighbour)",
            "la section n’est pas un anneau de corticale (articulation, condyle, trochanter ou voisin fusionné)",
        ),
        NotMeasured::WallTooThin => Text::new(
            "the wall is thinner than the scanner resolves",
            "la paroi est plus mince que ce que le scanner résout",
        ),
        NotMeasured::TooOblique => {
            Text::new("the bone runs too obliquely through the slice", "l’os traverse la coupe trop obliquement")
        }
        NotMeasured::Metal => Text::new("metal disturbs the image", "du métal perturbe l’image"),
        NotMeasured::CanalFilled => Text::new(
            "the canal is filled with something as dense as the wall (cement or dense sclerosis)",
            "le canal est rempli par un matériau aussi dense que la paroi (ciment ou sclérose dense)",
        ),
        NotMeasured::Fracture => Text::new(
            "a fracture runs through the section or close by",
            "une fracture traverse la section ou passe tout près",
        ),
        NotMeasured::BoneEnds => Text::new(
            "the bone ends here without a joint (amputation, resection or fracture)",
            "l’os se termine ici sans articulation (amputation, résection ou fracture)",
        ),
        NotMeasured::SliceMissing => Text::new("the slice is missing from the series", "la coupe manque dans la série"),
    }
}

/// Identity, scanner and geometry of the series; warnings included.
pub fn series_report(series: &Series) -> SeriesReport {
    let (header, grid) = (&series.header, &series.grid);
    SeriesReport {
        study_instance_uid: header.study_instance_uid.clone(),
        series_instance_uid: header.series_instance_uid.clone(),
        frame_of_reference_uid: header.frame_of_reference_uid.clone(),
        manufacturer: header.manufacturer.clone(),
        kernel: header.kernel.clone(),
        kvp: header.kvp,
        rows: grid.size[1],
        columns: grid.size[0],
        slices: grid.size[2],
        // DICOM order: distance between rows first. A swap here would be silent on square pixels.
        pixel_spacing_mm: [grid.spacing_mm.y, grid.spacing_mm.x],
        slice_spacing_mm: grid.spacing_mm.z,
        // What reading has to say is not translated: it names tags and files.
        warnings: series.warnings.iter().map(|warning| Sentence::english_only(warning.to_string())).collect(),
        patient: None,
    }
}

/// Name and ID of the patient, read anew from the images; for reports that were asked to carry them.
pub fn patient_report(series: &Series) -> Option<PatientReport> {
    series.identity().map(|patient| PatientReport { name: patient.name, id: patient.id })
}

/// Kind and note of the reference.
pub fn reference_report(reference: &Reference) -> ReferenceReport {
    let kind = match reference.kind {
        ReferenceKind::Ipsilateral => "ipsilateral",
        ReferenceKind::Contralateral => "contralateral",
    };
    ReferenceReport { kind: kind.into(), note: reference.note.clone() }
}

/// One row per slice of `cortex`, in its order. `flagged` says of a measured slice whether `guideline-30-50` holds
/// in it. Without `lysis` (no reference could be made) no slice has numbers, and `without_lysis` says why.
pub fn slice_reports(
    series: &Series,
    cortex: &Cortex,
    lysis: Option<&Lysis>,
    without_lysis: &Sentence,
    flagged: impl Fn(&SliceLysis) -> bool,
) -> Vec<SliceReport> {
    let rows = cortex.slices.iter().enumerate().map(|(row, section)| {
        let source = series.slices.get(section.slice_index).and_then(Option::as_ref);
        let empty = SliceReport {
            instance_number: source.and_then(|source| source.instance_number),
            sop_instance_uid: source.map(|source| source.sop_instance_uid.clone()).filter(|uid| !uid.is_empty()),
            z_mm: section.z_mm,
            centre_mm: Some(section.centre_mm),
            ..SliceReport::default()
        };
        let numbers = lysis.and_then(|lysis| lysis.slices.get(row)).and_then(Option::as_ref);
        match (section.not_measured, numbers) {
            (None, Some(numbers)) => SliceReport {
                measured: true,
                axial_lysis_percent: Some(numbers.axial_percent.value),
                axial_lysis_ci95: Some(interval(numbers.axial_percent)),
                circumferential_lysis_percent: Some(numbers.circumferential_percent.value),
                circumferential_lysis_ci95: Some(interval(numbers.circumferential_percent)),
                circumferential_by_depth: Some(ByDepth {
                    d30: numbers.circumferential_by_depth[0],
                    d50: numbers.circumferential_by_depth[1],
                    d99: numbers.circumferential_by_depth[2],
                }),
                cortical_area_mm2: Some(numbers.cortical_area_mm2),
                reference_area_mm2: Some(numbers.reference_area_mm2),
                mean_thickness_mm: Some(numbers.mean_thickness_mm),
                reference_thickness_mm: Some(numbers.reference_thickness_mm),
                flagged: flagged(numbers),
                ..empty
            },
            (reason, _) => {
                let because = reason.map_or_else(|| without_lysis.clone(), |reason| not_measured_text(reason).into());
                SliceReport { not_measured_because: Some(because), ..empty }
            }
        }
    });
    rows.collect()
}

/// One lesion.
pub fn lesion_report(lesion: &Lesion) -> LesionReport {
    LesionReport {
        id: lesion.id,
        z_range_mm: lesion.z_range_mm,
        axial_extent_mm: Some(lesion.axial_extent_mm.value),
        axial_extent_ci95: Some(interval(lesion.axial_extent_mm)),
        height_mm: Some(lesion.height_mm.value),
        height_ci95: Some(interval(lesion.height_mm)),
        through_the_wall: lesion.through_the_wall,
        max_axial_lysis_percent: Some(lesion.max_axial_lysis_percent.value),
        max_axial_lysis_ci95: Some(interval(lesion.max_axial_lysis_percent)),
        max_circumferential_lysis_percent: Some(lesion.max_circumferential_lysis_percent.value),
        max_circumferential_lysis_ci95: Some(interval(lesion.max_circumferential_lysis_percent)),
        kind: lesion.kind.to_string(),
        size_fraction_of_cortex: Some(lesion.size_fraction_of_cortex),
        size_fraction_of_diameter: Some(lesion.size_fraction_of_diameter),
        location: None,
        region: lesion.region.clone(),
        review: None,
    }
}
