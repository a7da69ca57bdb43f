//! From the measurement's types to the report's.

use super::model::*;
use crate::cortex::end::{EndSection, EndUnseen};
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

/// Why a section beyond the shaft has no loss: nothing to compare its wall with, or no wall.
fn beyond_text(unseen: Option<EndUnseen>) -> Text {
    match unseen {
        None => Text::new(
            "beyond the shaft: area and thickness of the wall are measured, but nothing tells what the wall was before",
            "au-delà de la diaphyse : la surface et l’épaisseur de la paroi sont mesurées, mais rien ne dit ce que la paroi était avant",
        ),
        Some(EndUnseen::NotOnePiece) => Text::new(
            "beyond the shaft the section is not one piece (condyles, or trochanter and neck apart)",
            "au-delà de la diaphyse, la section n’est pas d’un seul tenant (condyles, ou trochanter et col séparés)",
        ),
        Some(EndUnseen::CutByBorder) => not_measured_text(NotMeasured::CutByBorder),
        Some(EndUnseen::Metal) => not_measured_text(NotMeasured::Metal),
        Some(EndUnseen::Head) => {
            Text::new("the section runs through the head of the bone", "la section passe par la tête de l’os")
        }
        Some(EndUnseen::AlongTheSlice) => Text::new(
            "beyond the shaft the wall runs along the slice on a part of the contour",
            "au-delà de la diaphyse, la paroi court le long de la coupe sur une partie du contour",
        ),
        Some(EndUnseen::WallNotSeen) => Text::new(
            "no wall can be told on a fifth of the contour or more",
            "aucune paroi ne se distingue sur un cinquième du contour ou plus",
        ),
        Some(EndUnseen::WallTooThin) => not_measured_text(NotMeasured::WallTooThin),
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
/// in it. Without `lysis` (no reference could be made) no slice has numbers, and `without_lysis` says why. Slices `beyond` the shaft
/// have area and thickness of their wall where these were told, but no loss.
pub fn slice_reports(
    series: &Series,
    cortex: &Cortex,
    beyond: &[EndSection],
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
            (Some(reason), _) => {
                let beyond = beyond.iter().find(|end| end.slice_index == section.slice_index);
                let because = beyond.map_or_else(|| not_measured_text(reason), |end| beyond_text(end.not_measured));
                let wall = beyond.filter(|end| end.not_measured.is_none());
                SliceReport {
                    not_measured_because: Some(because.into()),
                    cortical_area_mm2: wall.map(EndSection::cortical_area_mm2),
                    mean_thickness_mm: wall.map(EndSection::mean_thickness_mm),
                    ..empty
                }
            }
            (None, None) => SliceReport { not_measured_because: Some(without_lysis.clone()), ..empty },
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cortex::SECTORS;
    use crate::cortex::end::Curve;
    use crate::report::fixture;

    #[test]
    fn a_slice_beyond_the_shaft_has_its_wall_and_no_loss() {
        let bone = fixture::bone();
        let (row, section) = bone
            .cortex
            .slices
            .iter()
            .enumerate()
            .find(|(_, section)| section.not_measured == Some(NotMeasured::NoRing))
            .expect("a slice beyond the shaft");
        let corner = |n: usize| {
            let (sin, cos) = (std::f64::consts::TAU * n as f64 / SECTORS as f64).sin_cos();
            [40.0 + 20.0 * cos, 40.0 + 20.0 * sin]
        };
        let mut end = EndSection {
            slice_index: section.slice_index,
            not_measured: None,
            contour: Curve { points: (0..SECTORS).map(corner).collect() },
            width_mm: vec![2.0; SECTORS],
            thickness_mm: vec![1.5; SECTORS],
            lean: vec![4.0 / 3.0; SECTORS],
            unfitted_mm: vec![f64::NAN; SECTORS],
        };
        let told = |end: &EndSection| {
            let ends = std::slice::from_ref(end);
            slice_reports(
                &bone.series,
                &bone.cortex,
                ends,
                Some(&bone.lysis),
                &Sentence::from(Text::new("", "")),
                |_| true,
            )
        };
        let slice = &told(&end)[row];
        assert!(!slice.measured && !slice.flagged && slice.axial_lysis_percent.is_none());
        // A ring from 18 to 20 mm.
        let ring = std::f64::consts::PI * (400.0 - 324.0);
        assert!((slice.cortical_area_mm2.unwrap() / ring - 1.0).abs() < 1e-3, "{:?}", slice.cortical_area_mm2);
        assert!((slice.mean_thickness_mm.unwrap() - 1.5).abs() < 1e-9 && slice.reference_area_mm2.is_none());
        let why = slice.not_measured_because.as_ref().unwrap();
        assert!(why.english().contains("area and thickness") && why != &not_measured_text(NotMeasured::NoRing).into());
        end.not_measured = Some(EndUnseen::Head);
        let slice = &told(&end)[row];
        assert!(slice.cortical_area_mm2.is_none() && slice.mean_thickness_mm.is_none());
        assert!(slice.not_measured_because.as_ref().unwrap().english().contains("head"));
    }
}
