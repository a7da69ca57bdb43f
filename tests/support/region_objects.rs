//! RTSTRUCT and SEG objects, as small as their readers let them be.

#![allow(dead_code)] // Each test binary uses its own part.

use corticalysis::volume::{Grid, Region};
use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use nalgebra::Vector3;
use std::path::Path;

type Item = InMemDicomObject;

fn text(tag: Tag, vr: VR, value: &str) -> DataElement<Item> {
    DataElement::new(tag, vr, PrimitiveValue::from(value))
}

fn number(tag: Tag, value: u16) -> DataElement<Item> {
    DataElement::new(tag, VR::US, PrimitiveValue::from(value))
}

fn sequence(tag: Tag, items: Vec<Item>) -> DataElement<Item> {
    DataElement::new(tag, VR::SQ, DataSetSequence::from(items))
}

fn item<const N: usize>(elements: [DataElement<Item>; N]) -> Item {
    Item::from_element_iter(elements)
}

fn write(object: Item, class: &str, syntax: &str, path: &Path) {
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax(syntax)
        .media_storage_sop_class_uid(class)
        .media_storage_sop_instance_uid("2.25.88");
    object.with_meta(meta).expect("meta").write_to_file(path).expect("write");
}

/// One ROI: name, interpreted type, contours by their corners in patient mm.
pub struct Roi<'a> {
    pub name: &'a str,
    pub of_type: &'a str,
    pub contours: Vec<Vec<[f64; 3]>>,
}

/// Writes an RTSTRUCT in the frame of reference of [`super::dicom_image::Image`], or another.
pub fn write_rtstruct(rois: &[Roi], frame_of_reference: &str, path: &Path) {
    let contour = |points: &Vec<[f64; 3]>| {
        let data = points.iter().flatten().map(|v| format!("{v:.4}")).collect::<Vec<_>>().join("\\");
        let image = item([
            text(tags::REFERENCED_SOP_CLASS_UID, VR::UI, uids::CT_IMAGE_STORAGE),
            text(tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, "2.25.404"),
        ]);
        item([
            sequence(tags::CONTOUR_IMAGE_SEQUENCE, vec![image]),
            text(tags::CONTOUR_GEOMETRIC_TYPE, VR::CS, if points.len() > 1 { "CLOSED_PLANAR" } else { "POINT" }),
            text(tags::NUMBER_OF_CONTOUR_POINTS, VR::IS, &points.len().to_string()),
            text(tags::CONTOUR_DATA, VR::DS, &data),
        ])
    };
    let numbered = || rois.iter().enumerate().map(|(n, roi)| ((n + 1).to_string(), roi));
    let object = item([
        text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192"),
        text(tags::SOP_CLASS_UID, VR::UI, uids::RT_STRUCTURE_SET_STORAGE),
        text(tags::SOP_INSTANCE_UID, VR::UI, "2.25.88"),
        text(tags::MODALITY, VR::CS, "RTSTRUCT"),
        sequence(
            tags::STRUCTURE_SET_ROI_SEQUENCE,
            numbered()
                .map(|(n, roi)| {
                    item([
                        text(tags::ROI_NUMBER, VR::IS, &n),
                        text(tags::REFERENCED_FRAME_OF_REFERENCE_UID, VR::UI, frame_of_reference),
                        text(tags::ROI_NAME, VR::LO, roi.name),
                    ])
                })
                .collect(),
        ),
        sequence(
            tags::ROI_CONTOUR_SEQUENCE,
            numbered()
                .map(|(n, roi)| {
                    item([
                        sequence(tags::CONTOUR_SEQUENCE, roi.contours.iter().map(contour).collect()),
                        text(tags::REFERENCED_ROI_NUMBER, VR::IS, &n),
                    ])
                })
                .collect(),
        ),
        sequence(
            tags::RTROI_OBSERVATIONS_SEQUENCE,
            numbered()
                .map(|(n, roi)| {
                    item([
                        text(tags::REFERENCED_ROI_NUMBER, VR::IS, &n),
                        text(tags::RTROI_INTERPRETED_TYPE, VR::CS, roi.of_type),
                    ])
                })
                .collect(),
        ),
    ]);
    write(object, uids::RT_STRUCTURE_SET_STORAGE, uids::IMPLICIT_VR_LITTLE_ENDIAN, path);
}

/// How a segmentation stores its voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SegKind {
    Binary,
    Fractional,
    LabelMap,
}

/// Writes segments, given by label and region on `grid`, one frame a slice and segment, empty ones left out.
pub fn write_seg(segments: &[(&str, &Region)], grid: &Grid, kind: SegKind, frame_of_reference: &str, path: &Path) {
    let [columns, rows, slices] = grid.size;
    let decimals = |values: &[f64]| values.iter().map(|v| format!("{v:.6}")).collect::<Vec<_>>().join("\\");
    let group = |tag, elements: Item| sequence(tag, vec![elements]);
    let mut frames = Vec::new();
    // By frame, by voxel.
    let mut values: Vec<Vec<u8>> = Vec::new();
    for k in 0..slices {
        let position = grid.to_patient(Vector3::new(0.0, 0.0, k as f64));
        let mut frame = |numbers: &[usize], pixels: Vec<u8>| {
            if pixels.iter().all(|v| *v == 0) {
                return;
            }
            let place =
                item([text(tags::IMAGE_POSITION_PATIENT, VR::DS, &decimals(&[position.x, position.y, position.z]))]);
            let mut groups = item([group(tags::PLANE_POSITION_SEQUENCE, place)]);
            if let [only] = numbers {
                let which = item([number(tags::REFERENCED_SEGMENT_NUMBER, *only as u16)]);
                groups.put(group(tags::SEGMENT_IDENTIFICATION_SEQUENCE, which));
            }
            frames.push(groups);
            values.push(pixels);
        };
        let inside = |region: &Region, p: usize| region.contains([p % columns, p / columns, k]);
        if kind == SegKind::LabelMap {
            let label = |p| segments.iter().rposition(|(_, region)| inside(region, p)).map_or(0, |n| n as u8 + 1);
            frame(&[], (0..rows * columns).map(label).collect());
        } else {
            for (n, (_, region)) in segments.iter().enumerate() {
                let value = |p| match (kind, inside(region, p)) {
                    (SegKind::Fractional, true) => 60,
                    (SegKind::Fractional, false) if region.runs(k).is_empty() => 0,
                    // Below half of 100: outside.
                    (SegKind::Fractional, false) => 49,
                    (_, inside) => u8::from(inside),
                };
                frame(&[n + 1], (0..rows * columns).map(value).collect());
            }
        }
    }
    let axes = grid.directions;
    let orientation = decimals(&[axes[(0, 0)], axes[(1, 0)], axes[(2, 0)], axes[(0, 1)], axes[(1, 1)], axes[(2, 1)]]);
    let spacing = decimals(&[grid.spacing_mm.y, grid.spacing_mm.x]);
    let shared = item([
        group(tags::PIXEL_MEASURES_SEQUENCE, item([text(tags::PIXEL_SPACING, VR::DS, &spacing)])),
        group(tags::PLANE_ORIENTATION_SEQUENCE, item([text(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, &orientation)])),
    ]);
    let class =
        if kind == SegKind::LabelMap { uids::LABEL_MAP_SEGMENTATION_STORAGE } else { uids::SEGMENTATION_STORAGE };
    let bits = if kind == SegKind::Binary { 1 } else { 8 };
    let flat: Vec<u8> = values.into_iter().flatten().collect();
    let mut pixels: Vec<u8> = match kind {
        SegKind::Binary => {
            flat.chunks(8).map(|bits| bits.iter().enumerate().fold(0, |byte, (n, bit)| byte | (bit << n))).collect()
        }
        _ => flat,
    };
    pixels.resize(pixels.len().next_multiple_of(2), 0);
    let named = segments.iter().enumerate().map(|(n, (label, _))| {
        item([number(tags::SEGMENT_NUMBER, n as u16 + 1), text(tags::SEGMENT_LABEL, VR::LO, label)])
    });
    let object = item([
        text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192"),
        text(tags::SOP_CLASS_UID, VR::UI, class),
        text(tags::SOP_INSTANCE_UID, VR::UI, "2.25.88"),
        text(tags::MODALITY, VR::CS, "SEG"),
        text(tags::FRAME_OF_REFERENCE_UID, VR::UI, frame_of_reference),
        text(tags::NUMBER_OF_FRAMES, VR::IS, &frames.len().to_string()),
        number(tags::SAMPLES_PER_PIXEL, 1),
        number(tags::ROWS, rows as u16),
        number(tags::COLUMNS, columns as u16),
        number(tags::BITS_ALLOCATED, bits),
        number(tags::BITS_STORED, bits),
        number(tags::HIGH_BIT, bits - 1),
        number(tags::PIXEL_REPRESENTATION, 0),
        text(
            tags::SEGMENTATION_TYPE,
            VR::CS,
            match kind {
                SegKind::Binary => "BINARY",
                SegKind::Fractional => "FRACTIONAL",
                SegKind::LabelMap => "LABELMAP",
            },
        ),
        number(tags::MAXIMUM_FRACTIONAL_VALUE, 100),
        sequence(tags::SEGMENT_SEQUENCE, named.collect()),
        sequence(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, vec![shared]),
        sequence(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, frames),
        DataElement::new(tags::PIXEL_DATA, VR::OB, PrimitiveValue::U8(pixels.into())),
    ]);
    write(object, class, uids::EXPLICIT_VR_LITTLE_ENDIAN, path);
}
