//! What an object repeats of the CT that it belongs to: its study, when it was taken and, where that is asked for, whom.

use crate::dicom::Series;
use crate::dicom::elements::{Elements, Extent};
use crate::dicom::header::parse;
use crate::dicom::source::open;
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

/// Stands where the images name no date: a date must be there, and today's would make other bytes of the same input.
const NO_DATE: &str = "19000101";
const NO_TIME: &str = "000000";

/// Elements that stand in every object as they stand in the images.
const WHO: [(Tag, VR); 10] = [
    (tags::ACCESSION_NUMBER, VR::SH),
    (tags::REFERRING_PHYSICIAN_NAME, VR::PN),
    (tags::STUDY_DESCRIPTION, VR::LO),
    (tags::PATIENT_NAME, VR::PN),
    (tags::PATIENT_ID, VR::LO),
    (tags::ISSUER_OF_PATIENT_ID, VR::LO),
    (tags::PATIENT_BIRTH_DATE, VR::DA),
    (tags::PATIENT_SEX, VR::CS),
    (tags::PATIENT_AGE, VR::AS),
    (tags::STUDY_ID, VR::SH),
];

/// When a series was taken, by day and time of day.
const WHEN: [(Tag, Tag); 4] = [
    (tags::SERIES_DATE, tags::SERIES_TIME),
    (tags::ACQUISITION_DATE, tags::ACQUISITION_TIME),
    (tags::CONTENT_DATE, tags::CONTENT_TIME),
    (tags::STUDY_DATE, tags::STUDY_TIME),
];

/// What is read with the dates, and what only where the patient is asked for, sorted by tag.
pub(in crate::dicom) const STUDY: [Tag; 10] = [
    tags::SPECIFIC_CHARACTER_SET,
    tags::SOP_CLASS_UID,
    tags::STUDY_DATE,
    tags::SERIES_DATE,
    tags::ACQUISITION_DATE,
    tags::CONTENT_DATE,
    tags::STUDY_TIME,
    tags::SERIES_TIME,
    tags::ACQUISITION_TIME,
    tags::CONTENT_TIME,
];

/// [`STUDY`] and [`WHO`], sorted by tag as the reader wants them.
pub(in crate::dicom) fn study_and_patient() -> Vec<Tag> {
    let mut all: Vec<Tag> = STUDY.into_iter().chain(WHO.map(|(tag, _)| tag)).collect();
    all.sort();
    all
}

/// Read from the lowest image of the series.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Source {
    /// SOP Class of the images.
    pub sop_class_uid: String,
    /// Study date and time as they stand in the images, perhaps empty.
    pub study: [String; 2],
    /// Day and time that the objects carry as theirs: the series'.
    pub when: [String; 2],
    /// Patient and order; `None` where they were not asked for.
    pub who: Option<Vec<(Tag, VR, String)>>,
}

impl Source {
    /// `identify`: with name and identifiers of the patient. `None` where no image can be read.
    pub fn of(series: &Series, identify: bool) -> Option<Self> {
        let image = series.images().iter().flatten().next()?;
        let extent = if identify { Extent::StudyAndPatient } else { Extent::Study };
        let (elements, _) = parse(open(&image.path, image.packed.as_ref()).ok()?, extent).ok()??;
        Some(Self::from(&elements, identify))
    }

    fn from(elements: &Elements, identify: bool) -> Self {
        let text = |tag| elements.text(tag).unwrap_or_default();
        let date = |tag| Some(text(tag)).filter(|day: &String| is_digits(day, 8));
        // Of a time of day its digits to the second: fractions and colons of old files help nobody.
        let time = |tag| text(tag).split('.').next().filter(|time| is_digits(time, 6)).map(str::to_owned);
        let when = WHEN.iter().find_map(|(day, hour)| Some([date(*day)?, time(*hour).unwrap_or(NO_TIME.into())]));
        let who = identify.then(|| WHO.map(|(tag, vr)| (tag, vr, text(tag))).into());
        Self {
            sop_class_uid: text(tags::SOP_CLASS_UID),
            study: [date(tags::STUDY_DATE).unwrap_or_default(), time(tags::STUDY_TIME).unwrap_or_default()],
            when: when.unwrap_or([NO_DATE.into(), NO_TIME.into()]),
            who,
        }
    }
}

fn is_digits(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())
}
