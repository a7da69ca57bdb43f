//! Secondary Capture (PS3.3, A.8): a picture of the report as any viewing station shows it.

use super::codes::Code;
use super::item::{Item, file_with_pixels};
use super::target::{SC, Target};
use dicom_core::VR;
use dicom_dictionary_std::tags;

/// A picture in colours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Part of the file's name.
    pub name: String,
    /// What it shows, in a sentence.
    pub description: String,
    /// Side of the patient, `L` or `R`; empty where it is not known.
    pub laterality: &'static str,
    /// Stored image that it is made of; `None` where it is made of many.
    pub slice: Option<usize>,
    pub width: usize,
    pub height: usize,
    /// Red, green and blue of each pixel, row by row.
    pub rgb: Vec<u8>,
}

const SOURCE_IMAGE: Code = Code::dcm("121322", "Source image for image processing operation");

/// The file of picture `number`, counted from one.
pub(super) fn file(target: &Target, picture: &Picture, number: usize) -> Result<Vec<u8>, String> {
    let side = |pixels: usize| u16::try_from(pixels).map_err(|_| format!("{pixels} pixels along a side"));
    let [day, time] = &target.source.when;
    let source = picture.slice.and_then(|k| target.image(k));
    let source = source.map(|image| image.code(tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE, SOURCE_IMAGE));
    let object = target
        .object(SC, number)
        .with(|item| target.content_time(item))
        .text(tags::IMAGE_TYPE, VR::CS, r"DERIVED\SECONDARY")
        .text(tags::LATERALITY, VR::CS, picture.laterality)
        .text(tags::CONVERSION_TYPE, VR::CS, "WSD")
        .text(tags::DATE_OF_SECONDARY_CAPTURE, VR::DA, day)
        .text(tags::TIME_OF_SECONDARY_CAPTURE, VR::TM, time)
        .text(tags::PATIENT_ORIENTATION, VR::CS, if picture.slice.is_some() { r"L\P" } else { "" })
        .clipped(tags::DERIVATION_DESCRIPTION, VR::ST, &picture.description)
        .text(tags::BURNED_IN_ANNOTATION, VR::CS, "NO")
        .text(tags::LOSSY_IMAGE_COMPRESSION, VR::CS, "00")
        .words(tags::SAMPLES_PER_PIXEL, &[3])
        .text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "RGB")
        .words(tags::PLANAR_CONFIGURATION, &[0])
        .words(tags::ROWS, &[side(picture.height)?])
        .words(tags::COLUMNS, &[side(picture.width)?])
        .words(tags::BITS_ALLOCATED, &[8])
        .words(tags::BITS_STORED, &[8])
        .words(tags::HIGH_BIT, &[7])
        .words(tags::PIXEL_REPRESENTATION, &[0]);
    let object: Item = match source {
        Some(source) => object.sequence(tags::SOURCE_IMAGE_SEQUENCE, vec![source]),
        None => object,
    };
    let rgb = &picture.rgb;
    file_with_pixels(object, rgb.len(), |pixels| pixels[..rgb.len()].copy_from_slice(rgb))
}
