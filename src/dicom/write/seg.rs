//! Segmentation (PS3.3, A.51): one bit a voxel, on the images' own grid, a frame for each slice that a segment reaches.

use super::codes::Code;
use super::item::{Item, file_with_pixels};
use super::segment::{Segment, cielab};
use super::target::{SEG, Target};
use crate::volume::Run;
use dicom_core::VR;
use dicom_dictionary_std::tags;
use nalgebra::Vector3;

const SOURCE_IMAGE: Code = Code::dcm("121322", "Source image for image processing operation");
const SEGMENTATION: Code = Code::dcm("113076", "Segmentation");

/// UID of the object, for those that refer to it.
pub(super) fn instance_uid(target: &Target) -> String {
    target.uid(&format!("{} 1", SEG.aspect))
}

/// The file. `segments` are numbered from one in their order; none of them is empty.
pub(super) fn file(target: &Target, segments: &[Segment]) -> Result<Vec<u8>, String> {
    let [columns, rows, slices] = target.grid().size;
    let regions: Vec<_> = segments.iter().map(|segment| target.on_images(&segment.region)).collect();
    let frames: Vec<(usize, usize, &[Run])> = regions
        .iter()
        .enumerate()
        .flat_map(|(n, region)| (0..slices).map(move |k| (n, k, region.runs(k))))
        .filter(|(_, _, runs)| !runs.is_empty())
        .collect();
    let side = |voxels: usize| u16::try_from(voxels).map_err(|_| format!("{voxels} voxels along a side"));
    let mut used: Vec<usize> = frames.iter().map(|(_, k, _)| *k).collect();
    used.sort_unstable();
    used.dedup();
    let series = Item::new()
        .text(tags::SERIES_INSTANCE_UID, VR::UI, &target.series.header.series_instance_uid)
        .sequence(tags::REFERENCED_INSTANCE_SEQUENCE, target.instances(used));
    let object = target
        .object(SEG, 1)
        .with(|item| target.content_time(item))
        .with(|item| target.frame_of_reference(item))
        .with(Target::coding_scheme)
        .text(tags::IMAGE_TYPE, VR::CS, r"DERIVED\PRIMARY")
        .text(tags::CONTENT_LABEL, VR::CS, "CORTICALYSIS")
        .text(tags::CONTENT_DESCRIPTION, VR::LO, "Bone, cortex and lesions as measured")
        .text(tags::CONTENT_CREATOR_NAME, VR::PN, "")
        .words(tags::SAMPLES_PER_PIXEL, &[1])
        .text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2")
        .integer(tags::NUMBER_OF_FRAMES, frames.len())
        .words(tags::ROWS, &[side(rows)?])
        .words(tags::COLUMNS, &[side(columns)?])
        .words(tags::BITS_ALLOCATED, &[1])
        .words(tags::BITS_STORED, &[1])
        .words(tags::HIGH_BIT, &[0])
        .words(tags::PIXEL_REPRESENTATION, &[0])
        .text(tags::LOSSY_IMAGE_COMPRESSION, VR::CS, "00")
        .text(tags::SEGMENTATION_TYPE, VR::CS, "BINARY")
        // The cortex lies within its bone, and a lesion where the wall was.
        .text(tags::SEGMENTS_OVERLAP, VR::CS, "YES")
        .sequence(tags::SEGMENT_SEQUENCE, segments.iter().enumerate().map(described).collect())
        .with(|item| dimensions(target, item))
        .sequence(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, vec![shared(target)])
        .sequence(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, per_frame(target, &frames))
        .sequence(tags::REFERENCED_SERIES_SEQUENCE, vec![series]);
    let bytes = (frames.len() * columns * rows).div_ceil(8);
    file_with_pixels(object, bytes, |bits| pack(bits, &frames, columns, rows))
}

fn described((n, segment): (usize, &Segment)) -> Item {
    let kind = segment.property.item();
    let kind = match segment.modifier {
        Some(modifier) => kind.code(tags::SEGMENTED_PROPERTY_TYPE_MODIFIER_CODE_SEQUENCE, modifier),
        None => kind,
    };
    let item = Item::new()
        .words(tags::SEGMENT_NUMBER, &[n as u16 + 1])
        .clipped(tags::SEGMENT_LABEL, VR::LO, &segment.label)
        .clipped(tags::SEGMENT_DESCRIPTION, VR::ST, &segment.description)
        .text(tags::SEGMENT_ALGORITHM_TYPE, VR::CS, "AUTOMATIC")
        .text(tags::SEGMENT_ALGORITHM_NAME, VR::LO, concat!("corticalysis ", env!("CARGO_PKG_VERSION")))
        .words(tags::RECOMMENDED_DISPLAY_CIE_LAB_VALUE, &cielab(segment.colour))
        .code(tags::SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE, segment.category)
        .sequence(tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE, vec![kind])
        .clipped(tags::TRACKING_ID, VR::UT, &segment.tracking_id)
        .text(tags::TRACKING_UID, VR::UI, &segment.tracking_uid);
    match segment.site {
        None => item,
        Some((site, side)) => {
            let site = site.item();
            let site = match side {
                Some(side) => site.code(tags::ANATOMIC_REGION_MODIFIER_SEQUENCE, side),
                None => site,
            };
            item.sequence(tags::ANATOMIC_REGION_SEQUENCE, vec![site])
        }
    }
}

/// By what the frames are counted: segment, then place.
fn dimensions(target: &Target, item: Item) -> Item {
    let uid = target.uid("dimensions");
    let index = |of, group, label: &str| {
        Item::new()
            .text(tags::DIMENSION_ORGANIZATION_UID, VR::UI, &uid)
            .pointer(tags::DIMENSION_INDEX_POINTER, of)
            .pointer(tags::FUNCTIONAL_GROUP_POINTER, group)
            .text(tags::DIMENSION_DESCRIPTION_LABEL, VR::LO, label)
    };
    let organization = Item::new().text(tags::DIMENSION_ORGANIZATION_UID, VR::UI, &uid);
    item.sequence(tags::DIMENSION_ORGANIZATION_SEQUENCE, vec![organization]).sequence(
        tags::DIMENSION_INDEX_SEQUENCE,
        vec![
            index(tags::REFERENCED_SEGMENT_NUMBER, tags::SEGMENT_IDENTIFICATION_SEQUENCE, "ReferencedSegmentNumber"),
            index(tags::IMAGE_POSITION_PATIENT, tags::PLANE_POSITION_SEQUENCE, "ImagePositionPatient"),
        ],
    )
}

/// What holds of every frame.
fn shared(target: &Target) -> Item {
    let grid = target.grid();
    let axes = grid.directions.fixed_columns::<2>(0);
    let [dx, dy, dz] = grid.spacing_mm.into();
    let measures = Item::new()
        .decimals(tags::SLICE_THICKNESS, [target.series.header.slice_thickness_mm.unwrap_or(dz)])
        .decimals(tags::SPACING_BETWEEN_SLICES, [dz])
        .decimals(tags::PIXEL_SPACING, [dy, dx]);
    let orientation = Item::new().decimals(tags::IMAGE_ORIENTATION_PATIENT, axes.iter().copied());
    Item::new()
        .sequence(tags::PIXEL_MEASURES_SEQUENCE, vec![measures])
        .sequence(tags::PLANE_ORIENTATION_SEQUENCE, vec![orientation])
}

fn per_frame(target: &Target, frames: &[(usize, usize, &[Run])]) -> Vec<Item> {
    let frame = |(n, k, _): &(usize, usize, &[Run])| {
        let corner = target.grid().to_patient(Vector3::new(0.0, 0.0, *k as f64));
        let place = Item::new().decimals(tags::IMAGE_POSITION_PATIENT, corner.iter().copied());
        let number = Item::new().words(tags::REFERENCED_SEGMENT_NUMBER, &[*n as u16 + 1]);
        let content = Item::new().longs(tags::DIMENSION_INDEX_VALUES, &[*n as u32 + 1, *k as u32 + 1]);
        let item = Item::new()
            .sequence(tags::FRAME_CONTENT_SEQUENCE, vec![content])
            .sequence(tags::PLANE_POSITION_SEQUENCE, vec![place])
            .sequence(tags::SEGMENT_IDENTIFICATION_SEQUENCE, vec![number]);
        let derived = |image: Item| {
            let source = image.code(tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE, SOURCE_IMAGE).text(
                tags::SPATIAL_LOCATIONS_PRESERVED,
                VR::CS,
                "YES",
            );
            Item::new()
                .sequence(tags::SOURCE_IMAGE_SEQUENCE, vec![source])
                .code(tags::DERIVATION_CODE_SEQUENCE, SEGMENTATION)
        };
        item.sequence(tags::DERIVATION_IMAGE_SEQUENCE, target.image(*k).map(derived).into_iter().collect())
    };
    frames.iter().map(frame).collect()
}

/// One bit a voxel, frame after frame without a gap, the first voxel in the lowest bit.
fn pack(bits: &mut [u8], frames: &[(usize, usize, &[Run])], columns: usize, rows: usize) {
    for (n, (_, _, runs)) in frames.iter().enumerate() {
        for run in *runs {
            let start = (n * rows + run.j) * columns;
            set(bits, start + run.first, start + run.last);
        }
    }
}

/// Sets the bits from `first` to `last`.
fn set(bits: &mut [u8], first: usize, last: usize) {
    let (from, to) = (first / 8, last / 8);
    let (low, high) = (0xffu8 << (first % 8), 0xffu8 >> (7 - last % 8));
    if from == to {
        bits[from] |= low & high;
        return;
    }
    bits[from] |= low;
    bits[from + 1..to].fill(0xff);
    bits[to] |= high;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bits_from_first_to_last(first in 0usize..90, length in 1usize..70) {
            let mut bits = vec![0u8; 20];
            set(&mut bits, first, first + length - 1);
            for n in 0..160 {
                prop_assert_eq!(bits[n / 8] >> (n % 8) & 1 == 1, (first..first + length).contains(&n));
            }
        }
    }
}
