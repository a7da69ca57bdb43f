//! A volume written as CT Image Storage files, explicit little endian, 16 bits signed, HU stored as they are.

use super::spec::PhantomSpec;
use crate::dicom::SeriesHeader;
use crate::dicom::write::item::{decimal, decimals};
use crate::dicom::write::uid::Content;
use crate::volume::{NO_DATA, Volume};
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use nalgebra::Vector3;
use rayon::prelude::*;
use std::io;
use std::path::Path;

/// Stored where the volume has no data: below all that is read as HU.
const FILL: i16 = -2048;

/// A series to write.
#[derive(Debug, Clone)]
pub struct NewSeries<'a> {
    pub volume: &'a Volume<i16>,
    /// UIDs, scanner, kernel and tube voltage for the headers.
    pub header: SeriesHeader,
    /// Stands in the patient's name and identifier, the study and the series description.
    pub name: String,
    /// How the image came about.
    pub derivation: String,
    /// What the UIDs follow from.
    content: Content,
}

impl<'a> NewSeries<'a> {
    /// A phantom's image.
    pub fn of_phantom(spec: &PhantomSpec, volume: &'a Volume<i16>) -> Self {
        let header = SeriesHeader {
            manufacturer: "corticalysis".into(),
            model: "synthetic scanner".into(),
            kernel: spec.scanner.kernel.clone(),
            kvp: Some(spec.scanner.kvp),
            patient_position: "HFS".into(),
            body_part: "LEG".into(),
            slice_thickness_mm: Some(spec.scanner.slice_thickness_mm),
            ..SeriesHeader::default()
        };
        // Both come from numbers and words alone, which have a JSON form.
        let text = serde_json::to_string(spec).unwrap_or_default();
        Self::new(volume, header, &spec.name, "synthetic image of a mathematical phantom; no patient", &text)
    }

    /// An image made of another one, with new UIDs that follow from `origin` (a text that says what it was made from)
    /// and the voxels.
    pub fn new(volume: &'a Volume<i16>, header: SeriesHeader, name: &str, derivation: &str, origin: &str) -> Self {
        let content = Content::default().and(origin.bytes()).and_voxels(&volume.voxels);
        let header = SeriesHeader {
            study_instance_uid: content.uid("study"),
            series_instance_uid: content.uid("series"),
            frame_of_reference_uid: content.uid("frame of reference"),
            ..header
        };
        NewSeries { volume, header, name: name.into(), derivation: derivation.into(), content }
    }

    /// SOP Instance UID of slice `k`.
    pub fn sop_instance_uid(&self, k: usize) -> String {
        self.content.uid(&format!("slice {k}"))
    }

    /// Writes one file a slice, `0001.dcm` the lowest, into a folder that exists.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let slices: Vec<io::Result<()>> = (0..self.volume.grid.size[2])
            .into_par_iter()
            .map(|k| self.write_slice(k, &folder.join(format!("{:04}.dcm", k + 1))))
            .collect();
        slices.into_iter().collect()
    }

    fn write_slice(&self, k: usize, path: &Path) -> io::Result<()> {
        let meta = FileMetaTableBuilder::new()
            .transfer_syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN)
            .media_storage_sop_class_uid(uids::CT_IMAGE_STORAGE)
            .media_storage_sop_instance_uid(self.sop_instance_uid(k));
        let object = self.object(k).with_meta(meta).map_err(io::Error::other)?;
        let mut bytes = Vec::new();
        object.write_all(&mut bytes).map_err(io::Error::other)?;
        std::fs::write(path, bytes)
    }

    /// The data set of slice `k`.
    fn object(&self, k: usize) -> InMemDicomObject {
        let grid = &self.volume.grid;
        let header = &self.header;
        let mut object = InMemDicomObject::new_empty();
        let mut text = |tag: Tag, vr: VR, value: &str| {
            object.put(DataElement::new(tag, vr, PrimitiveValue::from(value)));
        };
        text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192");
        text(tags::IMAGE_TYPE, VR::CS, r"DERIVED\PRIMARY\AXIAL");
        text(tags::SOP_CLASS_UID, VR::UI, uids::CT_IMAGE_STORAGE);
        text(tags::SOP_INSTANCE_UID, VR::UI, &self.sop_instance_uid(k));
        for empty in [tags::STUDY_DATE, tags::PATIENT_BIRTH_DATE] {
            text(empty, VR::DA, "");
        }
        text(tags::STUDY_TIME, VR::TM, "");
        text(tags::ACCESSION_NUMBER, VR::SH, "");
        text(tags::MODALITY, VR::CS, "CT");
        text(tags::MANUFACTURER, VR::LO, &header.manufacturer);
        text(tags::MANUFACTURER_MODEL_NAME, VR::LO, &header.model);
        text(tags::SOFTWARE_VERSIONS, VR::LO, concat!("corticalysis ", env!("CARGO_PKG_VERSION")));
        text(tags::REFERRING_PHYSICIAN_NAME, VR::PN, "");
        text(tags::STUDY_DESCRIPTION, VR::LO, &self.name);
        text(tags::SERIES_DESCRIPTION, VR::LO, &self.name);
        text(tags::DERIVATION_DESCRIPTION, VR::ST, &self.derivation);
        text(tags::PATIENT_NAME, VR::PN, &format!("PHANTOM^{}", self.name.to_uppercase()));
        text(tags::PATIENT_ID, VR::LO, &format!("PHANTOM-{}", self.name));
        text(tags::PATIENT_SEX, VR::CS, "");
        text(tags::BODY_PART_EXAMINED, VR::CS, &header.body_part);
        text(tags::KVP, VR::DS, &header.kvp.map_or_else(String::new, decimal));
        text(tags::SLICE_THICKNESS, VR::DS, &header.slice_thickness_mm.map_or_else(String::new, decimal));
        text(tags::CONVOLUTION_KERNEL, VR::SH, &header.kernel);
        text(tags::PATIENT_POSITION, VR::CS, &header.patient_position);
        text(tags::STUDY_INSTANCE_UID, VR::UI, &header.study_instance_uid);
        text(tags::SERIES_INSTANCE_UID, VR::UI, &header.series_instance_uid);
        text(tags::STUDY_ID, VR::SH, "1");
        text(tags::SERIES_NUMBER, VR::IS, "1");
        text(tags::ACQUISITION_NUMBER, VR::IS, "1");
        text(tags::INSTANCE_NUMBER, VR::IS, &(k + 1).to_string());
        let corner = grid.to_patient(Vector3::new(0.0, 0.0, k as f64));
        text(tags::IMAGE_POSITION_PATIENT, VR::DS, &decimals([corner.x, corner.y, corner.z]));
        let axes = grid.directions.fixed_columns::<2>(0);
        text(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, &decimals(axes.iter().copied()));
        text(tags::FRAME_OF_REFERENCE_UID, VR::UI, &header.frame_of_reference_uid);
        text(tags::POSITION_REFERENCE_INDICATOR, VR::LO, "");
        text(tags::SLICE_LOCATION, VR::DS, &decimal(corner.z));
        text(tags::IMAGE_COMMENTS, VR::LT, "Made for testing, not for diagnosis");
        text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2");
        text(tags::PIXEL_SPACING, VR::DS, &decimals([grid.spacing_mm.y, grid.spacing_mm.x]));
        text(tags::BURNED_IN_ANNOTATION, VR::CS, "NO");
        text(tags::WINDOW_CENTER, VR::DS, "400");
        text(tags::WINDOW_WIDTH, VR::DS, "2000");
        text(tags::RESCALE_INTERCEPT, VR::DS, "0");
        text(tags::RESCALE_SLOPE, VR::DS, "1");
        text(tags::RESCALE_TYPE, VR::LO, "HU");
        text(tags::LOSSY_IMAGE_COMPRESSION, VR::CS, "00");
        let mut number = |tag: Tag, value: u16| {
            object.put(DataElement::new(tag, VR::US, PrimitiveValue::from(value)));
        };
        number(tags::SAMPLES_PER_PIXEL, 1);
        number(tags::ROWS, grid.size[1] as u16);
        number(tags::COLUMNS, grid.size[0] as u16);
        number(tags::BITS_ALLOCATED, 16);
        number(tags::BITS_STORED, 16);
        number(tags::HIGH_BIT, 15);
        number(tags::PIXEL_REPRESENTATION, 1);
        let stored = |hu: &i16| if *hu == NO_DATA { FILL as u16 } else { *hu as u16 };
        let pixels: Vec<u16> = self.volume.slice(k).iter().map(stored).collect();
        object.put(DataElement::new(tags::PIXEL_DATA, VR::OW, PrimitiveValue::U16(pixels.into())));
        object
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dicom::discover;
    use crate::phantom::presets;

    #[test]
    fn what_is_written_is_read_back() {
        let mut spec = presets::two_legs();
        spec.image.size = [90, 70, 6];
        let mut volume = spec.build().volume;
        volume.voxels[17] = NO_DATA;
        let series = NewSeries::of_phantom(&spec, &volume);
        let folder = tempfile::TempDir::new().unwrap();
        series.write(folder.path()).unwrap();
        let found = discover(&[folder.path().into()], &|_, _| {}).unwrap().series.remove(0);
        assert_eq!((found.warnings.as_slice(), found.faults.as_slice()), (&[][..], &[][..]));
        let read = found.load(&|_, _| {}).unwrap();
        assert_eq!(read.voxels, volume.voxels);
        assert!((read.grid.origin_mm - volume.grid.origin_mm).norm() < 1e-6);
        assert!((read.grid.spacing_mm - volume.grid.spacing_mm).norm() < 1e-9);
        assert_eq!(found.header.series_instance_uid, series.header.series_instance_uid);
        assert_eq!(found.header.kvp, Some(120.0));
        let uid = &found.slices[3].as_ref().unwrap().sop_instance_uid;
        assert_eq!(*uid, series.sop_instance_uid(3));
    }
}
