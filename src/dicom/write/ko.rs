//! Key Object Selection (PS3.3, A.35.4; PS3.16, TID 2010): the slices that a reader should look at.

use super::codes::Code;
use super::document::{Content, Relation};
use super::item::Item;
use super::target::{KO, Target};
use dicom_dictionary_std::{tags, uids};

const OF_INTEREST: Code = Code::dcm("113000", "Of Interest");
const DESCRIPTION: Code = Code::dcm("113012", "Key Object Description");

/// The file, or `None` where no image is left to select. `slices` are those of the stored images, `why` a sentence.
pub(super) fn file(target: &Target, slices: &[usize], why: &str) -> Result<Option<Vec<u8>>, String> {
    let images: Vec<Content> =
        slices.iter().filter_map(|k| target.image(*k)).map(|image| Content::image(None, image)).collect();
    if images.is_empty() {
        return Ok(None);
    }
    let root = Content::container(OF_INTEREST, Some("2010"))
        .observed_by(target)
        .and(Relation::Contains, Content::text(DESCRIPTION, why))
        .and_all(Relation::Contains, images);
    let ct = target.series.header.series_instance_uid.clone();
    let document = target
        .object(KO, 1)
        .with(|item| target.content_time(item))
        .sequence(tags::REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE, Vec::<Item>::new())
        .sequence(
            tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE,
            vec![target.evidence(vec![(ct, target.instances(slices.iter().copied()))])],
        );
    root.into_document(document).file(uids::EXPLICIT_VR_LITTLE_ENDIAN).map(Some)
}
