//! Elements within the sequences of an object in memory, found by the bounded walk of [`super::native`].

use super::header::DataSet;
use super::native::{Form, find, whole_items};
use dicom_core::Tag;
use dicom_encoding::text::{SpecificCharacterSet, TextCodec};
use std::ops::Range;

/// A part of an object: the whole data set, or an item of a sequence.
#[derive(Clone)]
pub(crate) struct Part<'a> {
    bytes: &'a [u8],
    range: Range<usize>,
    form: Form,
    text_in: &'a SpecificCharacterSet,
}

/// The character set of an object. Of several the first that is known and more than ASCII; code extensions by escape
/// sequences, which names of regions do not need, are not followed.
pub(crate) fn character_set(data: &DataSet) -> SpecificCharacterSet {
    let plain = SpecificCharacterSet::default();
    let whole = Part { bytes: &data.bytes, range: data.start..data.bytes.len(), form: data.form, text_in: &plain };
    let named = whole.text(dicom_dictionary_std::tags::SPECIFIC_CHARACTER_SET);
    let mut known = named.split('\\').filter_map(SpecificCharacterSet::from_code);
    known.find(|set| *set != plain).unwrap_or(plain)
}

impl<'a> Part<'a> {
    /// The whole data set.
    pub fn whole(data: &'a DataSet, text_in: &'a SpecificCharacterSet) -> Part<'a> {
        Part { bytes: &data.bytes, range: data.start..data.bytes.len(), form: data.form, text_in }
    }

    /// The bytes of an element; `None` where it is absent or runs past the end.
    pub fn value(&self, tag: Tag) -> Option<&'a [u8]> {
        let element = find(self.bytes, self.range.clone(), self.form, (tag.0, tag.1))?;
        self.bytes.get(element.value..element.value.checked_add(element.length?)?)
    }

    /// Its text without padding; empty where it is absent.
    pub fn text(&self, tag: Tag) -> String {
        let value = self.value(tag).unwrap_or_default();
        let told = *self.text_in != SpecificCharacterSet::default();
        let text = match std::str::from_utf8(value) {
            // Without a character set only ASCII is allowed; what is written all the same is UTF-8 or Latin-1.
            Ok(text) if !told => text.to_string(),
            Err(_) if !told => value.iter().map(|byte| char::from(*byte)).collect(),
            _ => self.text_in.decode(value).unwrap_or_else(|_| String::from_utf8_lossy(value).into_owned()),
        };
        text.trim_matches(|c: char| c.is_whitespace() || c == '\0').to_string()
    }

    /// A whole number: binary of two or four bytes by its representation, or text.
    pub fn binary(&self, tag: Tag) -> Option<i64> {
        let value = self.value(tag)?;
        let join = |whole: i64, byte: &u8| whole << 8 | i64::from(*byte);
        match (value.len(), self.form) {
            (2 | 4, Form::BigEndian) => Some(value.iter().fold(0, join)),
            (2 | 4, _) => Some(value.iter().rev().fold(0, join)),
            _ => None,
        }
    }

    /// A whole number written as text.
    pub fn integer(&self, tag: Tag) -> Option<i64> {
        self.text(tag).split('\\').next()?.trim().parse().ok()
    }

    /// The items of a sequence; none where it is absent.
    ///
    /// # Errors
    /// Where it breaks off: what is left of it must not stand for all.
    pub fn items(&self, tag: Tag) -> Result<Vec<Part<'a>>, String> {
        let Some(sequence) = find(self.bytes, self.range.clone(), self.form, (tag.0, tag.1)) else {
            return Ok(Vec::new());
        };
        let broken = || format!("truncated or damaged within the sequence ({:04X},{:04X})", tag.0, tag.1);
        let items = whole_items(self.bytes, &sequence).ok_or_else(broken)?;
        let part = |range| Part { range, form: sequence.inside, ..self.clone() };
        Ok(items.into_iter().map(part).collect())
    }
}
