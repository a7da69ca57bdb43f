//! The wanted elements of one object, as text and numbers.
//!
//! Two ways lead to them. Most files are plain: each wanted element once, in order, in the representation the standard
//! gives it, in ASCII; of these the values are taken where they stand. Whatever is otherwise goes to the parser of
//! dicom-rs, which knows the other cases and takes ten times as long.

use super::native::{Form, PIXELS, element, end_of, select, word};
use super::series::PixelPlace;
use super::source::inflated;
use super::write::source::{STUDY, study_and_patient};
use dicom_core::{Tag, VR, value::PrimitiveValue};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{DefaultDicomObject, FileMetaTableBuilder, OpenFileOptions, file::ReadPreamble};
use std::io::{Cursor, Read};
use std::ops::Range;

/// How much of an object to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// What [`super::header::Header`] holds.
    Header,
    /// Name and identifier of the patient alone.
    Identity,
    /// What every object of the study repeats, without the patient.
    Study,
    /// The same with the patient and the order.
    StudyAndPatient,
}

/// What kind of value the standard gives an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// CS, LO, SH or UI.
    Text,
    /// DS or IS.
    Number,
    /// US or SS.
    Word,
}

/// The elements that are read of an image besides its pixels, sorted.
pub(super) const WANTED: [(Tag, Kind); 37] = [
    (tags::SPECIFIC_CHARACTER_SET, Kind::Text),
    (tags::IMAGE_TYPE, Kind::Text),
    (tags::SOP_CLASS_UID, Kind::Text),
    (tags::SOP_INSTANCE_UID, Kind::Text),
    (tags::MODALITY, Kind::Text),
    (tags::MANUFACTURER, Kind::Text),
    (tags::SERIES_DESCRIPTION, Kind::Text),
    (tags::MANUFACTURER_MODEL_NAME, Kind::Text),
    (tags::BODY_PART_EXAMINED, Kind::Text),
    (tags::SLICE_THICKNESS, Kind::Number),
    (tags::KVP, Kind::Number),
    (tags::CONVOLUTION_KERNEL, Kind::Text),
    (tags::PATIENT_POSITION, Kind::Text),
    (tags::STUDY_INSTANCE_UID, Kind::Text),
    (tags::SERIES_INSTANCE_UID, Kind::Text),
    (tags::ACQUISITION_NUMBER, Kind::Number),
    (tags::INSTANCE_NUMBER, Kind::Number),
    (tags::IMAGE_POSITION_PATIENT, Kind::Number),
    (tags::IMAGE_ORIENTATION_PATIENT, Kind::Number),
    (tags::FRAME_OF_REFERENCE_UID, Kind::Text),
    (tags::SAMPLES_PER_PIXEL, Kind::Word),
    (tags::PHOTOMETRIC_INTERPRETATION, Kind::Text),
    (tags::PLANAR_CONFIGURATION, Kind::Word),
    (tags::NUMBER_OF_FRAMES, Kind::Number),
    (tags::ROWS, Kind::Word),
    (tags::COLUMNS, Kind::Word),
    (tags::PIXEL_SPACING, Kind::Number),
    (tags::BITS_ALLOCATED, Kind::Word),
    (tags::BITS_STORED, Kind::Word),
    (tags::HIGH_BIT, Kind::Word),
    (tags::PIXEL_REPRESENTATION, Kind::Word),
    (tags::PIXEL_PADDING_VALUE, Kind::Word),
    (tags::PIXEL_PADDING_RANGE_LIMIT, Kind::Word),
    (tags::RESCALE_INTERCEPT, Kind::Number),
    (tags::RESCALE_SLOPE, Kind::Number),
    (tags::RESCALE_TYPE, Kind::Text),
    (tags::LOSSY_IMAGE_COMPRESSION, Kind::Text),
];

/// The wanted elements of one object.
pub(crate) enum Elements {
    /// Taken where they stand.
    Plain(Plain, Vec<u8>),
    /// By the parser.
    Parsed(DefaultDicomObject),
}

/// Where the values of a plain object stand.
pub(crate) struct Plain {
    found: Vec<(Tag, Value)>,
    /// The walk came as far as the pixels.
    pub pixels_seen: bool,
    pixels: Option<PixelPlace>,
}

enum Value {
    /// Text without its padding, and not empty.
    Text(Range<usize>),
    Word(i64),
}

impl Elements {
    /// Text without the padding; `None` where absent or empty. Reads through VR UN.
    pub fn text(&self, tag: Tag) -> Option<String> {
        match self {
            Elements::Plain(plain, bytes) => match plain.value(tag)? {
                Value::Text(range) => Some(String::from_utf8_lossy(&bytes[range.clone()]).into_owned()),
                Value::Word(word) => Some(word.to_string()),
            },
            Elements::Parsed(object) => {
                let element = object.get(tag)?;
                let raw = match element.value().primitive()? {
                    PrimitiveValue::U8(bytes) if element.vr() == VR::UN => String::from_utf8_lossy(bytes).into_owned(),
                    value => value.to_str().into_owned(),
                };
                let trimmed = raw.trim_matches(|c: char| c.is_whitespace() || c == '\0');
                (!trimmed.is_empty()).then(|| trimmed.to_string())
            }
        }
    }

    /// All numbers of an element. Parsed here from text: DS longer than the 16 characters allowed are common.
    /// Empty where absent or where any of them is no finite number.
    pub fn numbers(&self, tag: Tag) -> Vec<f64> {
        let Some(text) = self.text(tag) else { return Vec::new() };
        let parsed: Option<Vec<f64>> =
            text.split('\\').map(|part| part.trim().parse().ok().filter(|v: &f64| v.is_finite())).collect();
        parsed.unwrap_or_default()
    }

    /// The first integer of a binary or a text element.
    pub fn integer(&self, tag: Tag) -> Option<i64> {
        match self {
            Elements::Plain(plain, _) => {
                if let Value::Word(word) = plain.value(tag)? {
                    return Some(*word);
                }
            }
            Elements::Parsed(object) => {
                let element = object.get(tag)?;
                if let PrimitiveValue::U8(bytes) = element.value().primitive()?
                    && element.vr() == VR::UN
                    && bytes.len() == 2
                    && bytes[1] < b' '
                {
                    return Some(i64::from(u16::from_le_bytes([bytes[0], bytes[1]])));
                }
            }
        }
        self.numbers(tag).first().map(|v| v.round() as i64)
    }

    /// Where the pixels lie, if they can be taken from there as they are.
    pub fn pixels(&self) -> Option<PixelPlace> {
        match self {
            Elements::Plain(plain, _) => plain.pixels,
            Elements::Parsed(_) => None,
        }
    }
}

impl Plain {
    fn value(&self, tag: Tag) -> Option<&Value> {
        self.found.iter().find(|(of, _)| *of == tag).map(|(_, value)| value)
    }
}

/// The short way; `None` where the object is not plain, or more bytes than these are needed.
pub(crate) fn plain(bytes: &[u8], data_set: usize, syntax: &str, whole: bool) -> Option<Plain> {
    let form = Form::of(syntax);
    if form == Form::BigEndian || syntax == uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN {
        return None;
    }
    let mut found: Vec<(Tag, Value)> = Vec::with_capacity(WANTED.len());
    let mut at = data_set;
    let (mut next, mut before) = (0, Tag(0, 0));
    let last_group = WANTED[WANTED.len() - 1].0.0;
    while !(at == bytes.len() && whole) && word(bytes, at, form)? <= last_group {
        let element = element(bytes, at, form)?;
        at = end_of(bytes, &element, 0)?;
        let tag = Tag(element.tag.0, element.tag.1);
        if tag <= before {
            return None;
        }
        before = tag;
        while next < WANTED.len() && WANTED[next].0 < tag {
            next += 1;
        }
        let Some((_, kind)) = WANTED.get(next).filter(|(wanted, _)| *wanted == tag) else { continue };
        if element.nested {
            continue;
        }
        let usual = match (kind, &element.vr) {
            _ if form == Form::Implicit => true,
            (Kind::Text, b"CS" | b"LO" | b"SH" | b"UI") => true,
            (Kind::Number, b"DS" | b"IS") => true,
            (Kind::Word, b"US" | b"SS") => true,
            _ => false,
        };
        let value = &bytes[element.value..at];
        match (kind, value) {
            _ if !usual => return None,
            (Kind::Word, &[low, high]) if &element.vr == b"SS" => {
                found.push((tag, Value::Word(i64::from(i16::from_le_bytes([low, high])))));
            }
            (Kind::Word, &[low, high]) => {
                found.push((tag, Value::Word(i64::from(u16::from_le_bytes([low, high])))));
            }
            (Kind::Word, _) => return None,
            _ => {
                let text = plain_text(value)?;
                // One character set is not ASCII where it looks so (JIS X 0201 has a yen sign for the backslash).
                if tag == tags::SPECIFIC_CHARACTER_SET && value.windows(5).any(|part| part == b"IR 13") {
                    return None;
                }
                if !text.is_empty() {
                    found.push((tag, Value::Text(element.value + text.start..element.value + text.end)));
                }
            }
        }
    }
    let mut plain = Plain { found, pixels_seen: false, pixels: None };
    while let Some(element) = element(bytes, at, form).filter(|element| element.tag <= PIXELS) {
        if element.tag == PIXELS {
            plain.pixels_seen = true;
            plain.pixels = element.length.map(|length| PixelPlace {
                start: element.value as u64,
                length: length as u64,
                explicit: form == Form::Explicit,
            });
            break;
        }
        let Some(end) = end_of(bytes, &element, 0) else { break };
        at = end;
    }
    Some(plain)
}

/// Where text lies without its padding; `None` where it is not ASCII, or has padding between its values, which the
/// parser takes away.
fn plain_text(value: &[u8]) -> Option<Range<usize>> {
    let padding = |byte: &u8| matches!(byte, b' ' | 0);
    let end = value.iter().rposition(|byte| !padding(byte)).map_or(0, |last| last + 1);
    let start = value[..end].iter().position(|byte| !padding(byte)).unwrap_or(end);
    let text = &value[start..end];
    let ascii = text.iter().all(|byte| matches!(byte, b' '..=b'~'));
    (ascii && !text.windows(2).any(|pair| pair == b" \\")).then_some(start..end)
}

/// The meta information a file should have begun with. The parser wants some; the UIDs in it are never used.
fn meta_for(syntax: &str) -> Vec<u8> {
    let mut bytes = b"DICM".to_vec();
    let table = FileMetaTableBuilder::new()
        .transfer_syntax(syntax)
        .media_storage_sop_class_uid(uids::CT_IMAGE_STORAGE)
        .media_storage_sop_instance_uid("2.25.1")
        .build();
    if let Ok(table) = table {
        // Writing into memory cannot fail; if it did the parser would say so.
        let _ = table.write(&mut bytes);
    }
    bytes
}

/// The way by the parser; `None` if more bytes than these are needed.
///
/// The file's own meta information is replaced by a clean one: real files hold wrong group lengths there, over which
/// the parser stumbles, and nothing in it is needed but the transfer syntax.
pub(crate) fn parsed(
    bytes: &[u8],
    data_set: usize,
    syntax: &str,
    whole: bool,
    extent: Extent,
) -> Option<Result<DefaultDicomObject, String>> {
    let read = |meta_syntax: &str, data: &[u8]| {
        let options = OpenFileOptions::new().read_preamble(ReadPreamble::Never).read_until(tags::PIXEL_DATA);
        options.from_reader(Cursor::new(meta_for(meta_syntax)).chain(data)).map_err(|e| reasons(&e))
    };
    let unpacked;
    let (bytes, data_set) = if syntax == uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN {
        unpacked = inflated(&bytes[data_set..]);
        (&unpacked[..], 0)
    } else {
        (bytes, data_set)
    };
    let form = Form::of(syntax);
    let wanted: Vec<(u16, u16)> = match extent {
        Extent::Identity => vec![tags::SPECIFIC_CHARACTER_SET, tags::PATIENT_NAME, tags::PATIENT_ID],
        Extent::Header => WANTED.map(|(tag, _)| tag).to_vec(),
        Extent::Study => STUDY.to_vec(),
        Extent::StudyAndPatient => study_and_patient(),
    }
    .into_iter()
    .map(|tag| (tag.0, tag.1))
    .collect();
    let part = select(bytes, data_set, form, whole, &wanted, false)?;
    let syntax = match form {
        Form::Implicit => uids::IMPLICIT_VR_LITTLE_ENDIAN,
        Form::Explicit => uids::EXPLICIT_VR_LITTLE_ENDIAN,
        Form::BigEndian => super::header::BIG_ENDIAN,
    };
    Some(read(syntax, &part))
}

/// An error with its causes in one line.
fn reasons(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wanted_elements_are_sorted_as_the_search_for_them_needs() {
        assert!(WANTED.is_sorted_by_key(|(tag, _)| *tag));
    }

    /// Explicit VR: Manufacturer and Rows.
    fn with_manufacturer(text: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x08\0\x70\0LO".to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text);
        bytes.extend(b"\x28\0\x10\0US\x02\0\x04\x02");
        bytes
    }

    /// What the short way takes is what the parser reads; what it leaves is what it cannot read for sure.
    #[test]
    fn both_ways_agree_where_the_short_one_goes() {
        let syntax = uids::EXPLICIT_VR_LITTLE_ENDIAN;
        for (text, short) in [
            (&b"MAKER "[..], true),
            (b" A\\B ", true),
            (b"", true),
            (b"\0\0", true),
            (b"A \\B", false),
            (b"M\xc3\xbcller", false),
            (b"A\0B ", false),
            (b"A\tB ", false),
        ] {
            let bytes = with_manufacturer(text);
            let object = parsed(&bytes, 0, syntax, true, Extent::Header).expect("complete").expect("sound");
            let long = Elements::Parsed(object);
            let found = plain(&bytes, 0, syntax, true);
            assert_eq!(found.is_some(), short, "{text:?}");
            if let Some(found) = found {
                let found = Elements::Plain(found, bytes);
                assert_eq!(found.text(tags::MANUFACTURER), long.text(tags::MANUFACTURER));
                assert_eq!((found.integer(tags::ROWS), long.integer(tags::ROWS)), (Some(516), Some(516)));
            }
        }
    }
}
