//! Synthetic DICOM CT images, flawed in the ways that real ones are where a test asks for it.

#![allow(dead_code)] // Each test binary uses its own part.

use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use std::path::Path;

/// One CT image of the series 2.25.2.
#[derive(Clone)]
pub struct Image {
    pub number: i64,
    /// Centre of the first pixel, patient mm.
    pub position: [f64; 3],
    pub orientation: &'static str,
    pub rows: usize,
    pub columns: usize,
    /// Distance between rows, then between columns, mm.
    pub pixel_spacing: [f64; 2],
    pub signed: bool,
    /// Stored values, row by row; of each the lower 16 bits are written.
    pub stored: Vec<i32>,
    pub rescale: Option<(&'static str, &'static str)>,
    pub extra: Vec<(Tag, VR, &'static str)>,
    pub syntax: &'static str,
}

impl Image {
    /// An axial image of 4 rows and 5 columns whose stored values count up from a hundred times its number.
    pub fn at(number: i64, z: f64) -> Image {
        let image = Image {
            number,
            position: [-10.0, -20.0, z],
            orientation: r"1\0\0\0\1\0",
            rows: 4,
            columns: 5,
            pixel_spacing: [2.0, 0.5],
            signed: true,
            stored: Vec::new(),
            rescale: Some(("1", "0")),
            extra: Vec::new(),
            syntax: uids::EXPLICIT_VR_LITTLE_ENDIAN,
        };
        image.counting_from(100 * number as i32)
    }

    /// The same with stored values that count up from `base`.
    pub fn counting_from(self, base: i32) -> Image {
        Image { stored: (base..).take(self.rows * self.columns).collect(), ..self }
    }

    /// The data set without meta information.
    pub fn object(&self) -> InMemDicomObject {
        let [x, y, z] = self.position;
        let [between_rows, between_columns] = self.pixel_spacing;
        let mut object = InMemDicomObject::new_empty();
        let mut text = |tag, vr, value: &str| {
            object.put(DataElement::new(tag, vr, PrimitiveValue::from(value)));
        };
        text(tags::SOP_CLASS_UID, VR::UI, uids::CT_IMAGE_STORAGE);
        text(tags::SOP_INSTANCE_UID, VR::UI, &format!("2.25.77.{}", self.number));
        text(tags::STUDY_INSTANCE_UID, VR::UI, "2.25.1");
        text(tags::SERIES_INSTANCE_UID, VR::UI, "2.25.2");
        text(tags::FRAME_OF_REFERENCE_UID, VR::UI, "2.25.3");
        text(tags::MODALITY, VR::CS, "CT");
        text(tags::IMAGE_TYPE, VR::CS, r"ORIGINAL\PRIMARY\AXIAL");
        text(tags::INSTANCE_NUMBER, VR::IS, &self.number.to_string());
        // More digits than DS allows, as real exporters write them.
        text(tags::IMAGE_POSITION_PATIENT, VR::DS, &format!(r" {x:.16}\{y:.16}\{z:.16} "));
        text(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, self.orientation);
        text(tags::PIXEL_SPACING, VR::DS, &format!(r"{between_rows}\{between_columns}"));
        text(tags::SLICE_THICKNESS, VR::DS, "99");
        text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2");
        if let Some((slope, intercept)) = self.rescale {
            text(tags::RESCALE_SLOPE, VR::DS, slope);
            text(tags::RESCALE_INTERCEPT, VR::DS, intercept);
        }
        for (tag, vr, value) in &self.extra {
            text(*tag, *vr, value);
        }
        let mut number = |tag, value: u16| {
            object.put(DataElement::new(tag, VR::US, PrimitiveValue::from(value)));
        };
        number(tags::SAMPLES_PER_PIXEL, 1);
        number(tags::ROWS, self.rows as u16);
        number(tags::COLUMNS, self.columns as u16);
        number(tags::BITS_ALLOCATED, 16);
        number(tags::BITS_STORED, 16);
        number(tags::HIGH_BIT, 15);
        number(tags::PIXEL_REPRESENTATION, u16::from(self.signed));
        let pixels: Vec<u16> = self.stored.iter().map(|value| *value as u16).collect();
        object.put(DataElement::new(tags::PIXEL_DATA, VR::OW, PrimitiveValue::U16(pixels.into())));
        object
    }

    pub fn write(&self, path: &Path) {
        let meta = FileMetaTableBuilder::new()
            .transfer_syntax(self.syntax)
            .media_storage_sop_class_uid(uids::CT_IMAGE_STORAGE)
            .media_storage_sop_instance_uid("2.25.77");
        self.object().with_meta(meta).expect("meta").write_to_file(path).expect("write");
    }
}

/// Writes the images as the frames of one enhanced CT object, its geometry and scale in the functional groups. Rows,
/// columns and scale of each frame are its image's; orientation and pixel spacing are shared.
pub fn write_enhanced(images: &[Image], path: &Path) {
    let element = |tag, vr, value: &str| DataElement::new(tag, vr, PrimitiveValue::from(value));
    let group = |tag, elements: Vec<DataElement<InMemDicomObject>>| {
        let item = InMemDicomObject::from_element_iter(elements);
        DataElement::new(tag, VR::SQ, DataSetSequence::from(vec![item]))
    };
    let first = &images[0];
    let spacing = format!(r"{}\{}", first.pixel_spacing[0], first.pixel_spacing[1]);
    let shared = InMemDicomObject::from_element_iter([
        group(tags::PIXEL_MEASURES_SEQUENCE, vec![element(tags::PIXEL_SPACING, VR::DS, &spacing)]),
        group(
            tags::PLANE_ORIENTATION_SEQUENCE,
            vec![element(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, first.orientation)],
        ),
    ]);
    let frames: Vec<InMemDicomObject> = images
        .iter()
        .map(|image| {
            let [x, y, z] = image.position;
            let (slope, intercept) = image.rescale.unwrap_or(("1", "0"));
            InMemDicomObject::from_element_iter([
                group(
                    tags::PLANE_POSITION_SEQUENCE,
                    vec![element(tags::IMAGE_POSITION_PATIENT, VR::DS, &format!(r"{x}\{y}\{z}"))],
                ),
                group(
                    tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE,
                    vec![
                        element(tags::RESCALE_INTERCEPT, VR::DS, intercept),
                        element(tags::RESCALE_SLOPE, VR::DS, slope),
                        element(tags::RESCALE_TYPE, VR::LO, "HU"),
                    ],
                ),
            ])
        })
        .collect();
    let mut object = first.object();
    for tag in [tags::IMAGE_POSITION_PATIENT, tags::IMAGE_ORIENTATION_PATIENT, tags::PIXEL_SPACING] {
        object.remove_element(tag);
    }
    for tag in [tags::RESCALE_INTERCEPT, tags::RESCALE_SLOPE, tags::SLICE_THICKNESS] {
        object.remove_element(tag);
    }
    object.put(element(tags::SOP_CLASS_UID, VR::UI, uids::ENHANCED_CT_IMAGE_STORAGE));
    object.put(element(tags::NUMBER_OF_FRAMES, VR::IS, &images.len().to_string()));
    let sequence = |tag, items: Vec<InMemDicomObject>| DataElement::new(tag, VR::SQ, DataSetSequence::from(items));
    object.put(sequence(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, vec![shared]));
    object.put(sequence(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, frames));
    let pixels: Vec<u16> = images.iter().flat_map(|image| image.stored.iter().map(|value| *value as u16)).collect();
    object.put(DataElement::new(tags::PIXEL_DATA, VR::OW, PrimitiveValue::U16(pixels.into())));
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax(first.syntax)
        .media_storage_sop_class_uid(uids::ENHANCED_CT_IMAGE_STORAGE)
        .media_storage_sop_instance_uid("2.25.77");
    object.with_meta(meta).expect("meta").write_to_file(path).expect("write");
}
