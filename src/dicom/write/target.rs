//! The CT that objects belong to, and what all of them have in common: patient, study, equipment, references.

use super::codes::PRIVATE_SCHEME;
use super::item::Item;
use super::source::Source;
use super::uid::Content;
use crate::dicom::{Layout, Series};
use crate::volume::{Grid, Region};
use dicom_core::VR;
use dicom_dictionary_std::{tags, uids};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The maker's name in every object.
pub(super) const MANUFACTURER: &str = "corticalysis";
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Why nothing can be written for a CT. The text names what is missing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no DICOM objects can be written for series {series}: {why}")]
pub struct NoTarget {
    /// What to call the series.
    pub series: String,
    /// What it lacks.
    pub why: String,
}

/// A CT series as the target of objects.
#[derive(Debug, Clone)]
pub struct Target<'a> {
    pub(super) series: &'a Series,
    pub(super) source: Source,
    content: Content,
}

/// What tells one kind of object from another where the same is said of all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    /// SOP Class UID.
    pub class: &'static str,
    pub modality: &'static str,
    pub series_number: usize,
    pub description: &'static str,
    /// What its UIDs are made from, beside the content.
    pub aspect: &'static str,
}

impl<'a> Target<'a> {
    /// `identify`: the patient's name and identifiers are copied into the objects. `origin`: everything that the objects will
    /// say, in any form; their UIDs follow from it.
    ///
    /// # Errors
    /// A series that no object can refer to: a NIfTI file, images without study, frame of reference or UIDs of their own.
    pub fn new(series: &'a Series, identify: bool, origin: &[u8]) -> Result<Self, NoTarget> {
        let refuse = |why: &str| NoTarget { series: series.label(), why: why.into() };
        if matches!(series.layout, Layout::Nifti { .. }) {
            return Err(refuse("it is a NIfTI file, which belongs to no study"));
        }
        let header = &series.header;
        for (uid, name) in [
            (&header.study_instance_uid, "Study Instance UID"),
            (&header.series_instance_uid, "Series Instance UID"),
            (&header.frame_of_reference_uid, "Frame of Reference UID"),
        ] {
            if uid.is_empty() {
                return Err(refuse(&format!("its images have no {name}")));
            }
        }
        if series.images().iter().flatten().any(|image| image.sop_instance_uid.is_empty()) {
            return Err(refuse("some of its images have no SOP Instance UID"));
        }
        let source = Source::of(series, identify).ok_or_else(|| refuse("its lowest image cannot be read again"))?;
        if source.sop_class_uid.is_empty() {
            return Err(refuse("its images have no SOP Class UID"));
        }
        let mut content = Content::default().and(VERSION.bytes()).and(origin.iter().copied());
        content = content.and([u8::from(identify)]).and(format!("{source:?}").bytes());
        for image in series.images().iter().flatten() {
            content = content.and(image.sop_instance_uid.bytes()).and([0]);
        }
        Ok(Self { series, source, content })
    }

    /// A UID of the objects' content.
    pub fn uid(&self, aspect: &str) -> String {
        self.content.uid(aspect)
    }

    /// What observed: this version of the program, whatever the CT.
    pub(super) fn device_uid(&self) -> String {
        Content::default().and(MANUFACTURER.bytes()).and(VERSION.bytes()).uid("device")
    }

    /// The grid of the images as they are stored, which is that of every object.
    pub(super) fn grid(&self) -> &Grid {
        self.series.stored_grid()
    }

    /// A region of the measured grid on that of the images: another one where the slices were straightened or turned.
    pub fn on_images<'r>(&self, region: &'r Region) -> Cow<'r, Region> {
        match &self.series.layout {
            Layout::Rearranged { .. } => Cow::Owned(region.resampled(&self.series.grid, self.grid())),
            _ => Cow::Borrowed(region),
        }
    }

    /// SOP Common, Patient, General Study, General Series and Equipment of an object.
    pub(super) fn object(&self, kind: Kind, instance: usize) -> Item {
        let [day, time] = &self.source.when;
        let instance_uid = self.uid(&format!("{} {instance}", kind.aspect));
        Item::new()
            .text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192")
            .text(tags::SOP_CLASS_UID, VR::UI, kind.class)
            .text(tags::SOP_INSTANCE_UID, VR::UI, &instance_uid)
            .with(|item| self.study(item))
            .text(tags::MODALITY, VR::CS, kind.modality)
            .text(tags::SERIES_INSTANCE_UID, VR::UI, &self.uid(&format!("series {}", kind.aspect)))
            .integer(tags::SERIES_NUMBER, kind.series_number)
            .clipped(tags::SERIES_DESCRIPTION, VR::LO, kind.description)
            .integer(tags::INSTANCE_NUMBER, instance)
            .text(tags::SERIES_DATE, VR::DA, day)
            .text(tags::SERIES_TIME, VR::TM, time)
            .text(tags::MANUFACTURER, VR::LO, MANUFACTURER)
            .text(tags::MANUFACTURER_MODEL_NAME, VR::LO, MANUFACTURER)
            .text(tags::DEVICE_SERIAL_NUMBER, VR::LO, VERSION)
            .text(tags::SOFTWARE_VERSIONS, VR::LO, VERSION)
    }

    /// When the content came about: as the images, so that the same input gives the same bytes.
    pub(super) fn content_time(&self, item: Item) -> Item {
        let [day, time] = &self.source.when;
        item.text(tags::CONTENT_DATE, VR::DA, day).text(tags::CONTENT_TIME, VR::TM, time)
    }

    fn study(&self, item: Item) -> Item {
        let [day, time] = &self.source.study;
        let mut item = item
            .text(tags::STUDY_INSTANCE_UID, VR::UI, &self.series.header.study_instance_uid)
            .text(tags::STUDY_DATE, VR::DA, day)
            .text(tags::STUDY_TIME, VR::TM, time);
        // These must be there, if only empty.
        for (tag, vr) in [
            (tags::ACCESSION_NUMBER, VR::SH),
            (tags::REFERRING_PHYSICIAN_NAME, VR::PN),
            (tags::STUDY_ID, VR::SH),
            (tags::PATIENT_NAME, VR::PN),
            (tags::PATIENT_ID, VR::LO),
            (tags::PATIENT_BIRTH_DATE, VR::DA),
            (tags::PATIENT_SEX, VR::CS),
        ] {
            item = item.text(tag, vr, "");
        }
        match &self.source.who {
            Some(who) => who.iter().filter(|(_, _, value)| !value.is_empty()).fold(item, |item, (tag, vr, value)| {
                // What archives find a patient by stays as it is, whatever its length; the rest keeps to what is allowed.
                match *vr {
                    VR::SH => item.clipped(*tag, *vr, value),
                    _ => item.text(*tag, *vr, value),
                }
            }),
            None => item
                .text(tags::PATIENT_IDENTITY_REMOVED, VR::CS, "YES")
                .text(
                    tags::DEIDENTIFICATION_METHOD,
                    VR::LO,
                    "Patient and order not copied; UIDs and dates as in the images",
                )
                .text(tags::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED, VR::CS, "UNMODIFIED"),
        }
    }

    /// The frame of reference of the CT.
    pub(super) fn frame_of_reference(&self, item: Item) -> Item {
        item.text(tags::FRAME_OF_REFERENCE_UID, VR::UI, &self.series.header.frame_of_reference_uid).text(
            tags::POSITION_REFERENCE_INDICATOR,
            VR::LO,
            "",
        )
    }

    /// Says who defines the codes that are this program's own.
    pub(super) fn coding_scheme(item: Item) -> Item {
        let scheme = Item::new()
            .text(tags::CODING_SCHEME_DESIGNATOR, VR::SH, PRIVATE_SCHEME)
            .text(tags::CODING_SCHEME_NAME, VR::ST, "Codes of the program corticalysis")
            .text(tags::CODING_SCHEME_VERSION, VR::SH, VERSION)
            .text(tags::CODING_SCHEME_RESPONSIBLE_ORGANIZATION, VR::ST, MANUFACTURER);
        item.sequence(tags::CODING_SCHEME_IDENTIFICATION_SEQUENCE, vec![scheme])
    }

    /// A reference to the stored image `k`, by frame where an object holds several; `None` where it is missing.
    pub(super) fn image(&self, k: usize) -> Option<Item> {
        let image = self.series.images().get(k)?.as_ref()?;
        let item = instance(&self.source.sop_class_uid, &image.sop_instance_uid);
        Some(if image.frames > 1 { item.integer(tags::REFERENCED_FRAME_NUMBER, image.frame + 1) } else { item })
    }

    /// References to the objects of stored images, each once: frames of one object are not told apart.
    pub(super) fn instances(&self, slices: impl IntoIterator<Item = usize>) -> Vec<Item> {
        let mut seen = BTreeSet::new();
        let images = slices.into_iter().filter_map(|k| self.series.images().get(k)?.as_ref());
        images
            .filter(|image| seen.insert(image.sop_instance_uid.as_str()))
            .map(|image| instance(&self.source.sop_class_uid, &image.sop_instance_uid))
            .collect()
    }

    /// Index of all stored images.
    pub(super) fn all_images(&self) -> std::ops::Range<usize> {
        0..self.series.images().len()
    }

    /// The evidence of a document: the study, its series and their objects.
    pub(super) fn evidence(&self, series: Vec<(String, Vec<Item>)>) -> Item {
        let series = series.into_iter().filter(|(_, objects)| !objects.is_empty()).map(|(uid, objects)| {
            Item::new().text(tags::SERIES_INSTANCE_UID, VR::UI, &uid).sequence(tags::REFERENCED_SOP_SEQUENCE, objects)
        });
        Item::new()
            .text(tags::STUDY_INSTANCE_UID, VR::UI, &self.series.header.study_instance_uid)
            .sequence(tags::REFERENCED_SERIES_SEQUENCE, series.collect())
    }
}

/// A reference to one object.
pub(super) fn instance(class: &str, uid: &str) -> Item {
    Item::new().text(tags::REFERENCED_SOP_CLASS_UID, VR::UI, class).text(tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, uid)
}

pub(super) const SEG: Kind = Kind {
    class: uids::SEGMENTATION_STORAGE,
    modality: "SEG",
    series_number: 9301,
    description: "corticalysis: bone, cortex, lesions",
    aspect: "segmentation",
};
pub(super) const SR: Kind = Kind {
    class: uids::COMPREHENSIVE_SR_STORAGE,
    modality: "SR",
    series_number: 9302,
    description: "corticalysis: measurements",
    aspect: "measurements",
};
pub(super) const RTSTRUCT: Kind = Kind {
    class: uids::RT_STRUCTURE_SET_STORAGE,
    modality: "RTSTRUCT",
    series_number: 9303,
    description: "corticalysis: outlines",
    aspect: "structures",
};
pub(super) const KO: Kind = Kind {
    class: uids::KEY_OBJECT_SELECTION_DOCUMENT_STORAGE,
    modality: "KO",
    series_number: 9304,
    description: "corticalysis: flagged slices",
    aspect: "key objects",
};
pub(super) const SC: Kind = Kind {
    class: uids::SECONDARY_CAPTURE_IMAGE_STORAGE,
    modality: "OT",
    series_number: 9305,
    description: "corticalysis: pictures of the report",
    aspect: "pictures",
};
