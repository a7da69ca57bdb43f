//! Data sets put together element by element, and numbers as DICOM writes them.

use super::codes::Code;
use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};

/// A data set, or an item of a sequence, that grows by value.
#[derive(Debug, Clone)]
pub(crate) struct Item(InMemDicomObject);

impl Item {
    pub fn new() -> Self {
        Item(InMemDicomObject::new_empty())
    }

    /// Text as it is; several values with backslashes between them.
    pub fn text(mut self, tag: Tag, vr: VR, value: &str) -> Self {
        self.0.put(DataElement::new(tag, vr, PrimitiveValue::from(value)));
        self
    }

    /// Text of one value that must not be longer than its representation allows: LO, SH, ST. A backslash would make two
    /// values of it.
    pub fn clipped(self, tag: Tag, vr: VR, value: &str) -> Self {
        let most = match vr {
            VR::SH => 16,
            VR::ST => 1024,
            _ => 64,
        };
        let value: String = value.replace('\\', "/").chars().filter(|c| !c.is_control()).take(most).collect();
        self.text(tag, vr, value.trim())
    }

    /// Integer string.
    pub fn integer(self, tag: Tag, value: usize) -> Self {
        self.text(tag, VR::IS, &value.to_string())
    }

    /// Decimal strings.
    pub fn decimals(self, tag: Tag, values: impl IntoIterator<Item = f64>) -> Self {
        self.text(tag, VR::DS, &decimals(values))
    }

    /// Unsigned short integers.
    pub fn words(mut self, tag: Tag, values: &[u16]) -> Self {
        self.0.put(DataElement::new(tag, VR::US, PrimitiveValue::U16(values.into())));
        self
    }

    /// Unsigned long integers.
    pub fn longs(mut self, tag: Tag, values: &[u32]) -> Self {
        self.0.put(DataElement::new(tag, VR::UL, PrimitiveValue::U32(values.into())));
        self
    }

    /// Tags of other elements.
    pub fn pointer(mut self, tag: Tag, to: Tag) -> Self {
        self.0.put(DataElement::new(tag, VR::AT, PrimitiveValue::Tags(vec![to].into())));
        self
    }

    pub fn sequence(mut self, tag: Tag, items: Vec<Item>) -> Self {
        let items: Vec<InMemDicomObject> = items.into_iter().map(|item| item.0).collect();
        self.0.put(DataElement::new(tag, VR::SQ, DataSetSequence::from(items)));
        self
    }

    /// A sequence of this one code.
    pub fn code(self, tag: Tag, code: Code) -> Self {
        self.sequence(tag, vec![code.item()])
    }

    /// With all elements of another one.
    pub fn merged(mut self, other: Item) -> Self {
        other.0.into_iter().for_each(|element| {
            self.0.put(element);
        });
        self
    }

    /// Whatever `more` adds.
    pub fn with(self, more: impl FnOnce(Self) -> Self) -> Self {
        more(self)
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// What the writer says; it writes into memory, so that only a fault of the program can be the cause.
    pub fn file(self, transfer_syntax: &str) -> Result<Vec<u8>, String> {
        let text = |tag: Tag| {
            let element = self.0.element(tag).map_err(|e| e.to_string())?;
            element.to_str().map(|uid| uid.into_owned()).map_err(|e| e.to_string())
        };
        let meta = FileMetaTableBuilder::new()
            .transfer_syntax(transfer_syntax)
            .media_storage_sop_class_uid(text(tags::SOP_CLASS_UID)?)
            .media_storage_sop_instance_uid(text(tags::SOP_INSTANCE_UID)?);
        let object = self.0.with_meta(meta).map_err(|e| e.to_string())?;
        let mut bytes = Vec::new();
        object.write_all(&mut bytes).map_err(|e| e.to_string())?;
        Ok(bytes)
    }
}

/// The bytes of a file in explicit VR that ends with so many bytes of pixels, zero until `fill` sets them: made in place, since
/// they are most of the file and most of them stay zero in a mask.
///
/// # Errors
/// As [`Item::file`]; pixels beyond what DICOM can count.
pub(crate) fn file_with_pixels(item: Item, length: usize, fill: impl FnOnce(&mut [u8])) -> Result<Vec<u8>, String> {
    let even = length.next_multiple_of(2);
    let told = u32::try_from(even).ok().filter(|n| *n < u32::MAX).ok_or(format!("{length} bytes of pixels"))?;
    let mut head = item.file(uids::EXPLICIT_VR_LITTLE_ENDIAN)?;
    // No element of ours stands behind the pixels (PS3.5, 7.1.2 and A.2: OB has two reserved bytes and a long length).
    head.extend([0xE0, 0x7F, 0x10, 0x00, b'O', b'B', 0, 0]);
    head.extend(told.to_le_bytes());
    let mut bytes = vec![0; head.len() + even];
    bytes[..head.len()].copy_from_slice(&head);
    fill(&mut bytes[head.len()..]);
    Ok(bytes)
}

/// Decimal strings, several values of one element.
pub(crate) fn decimals(values: impl IntoIterator<Item = f64>) -> String {
    values.into_iter().map(decimal).collect::<Vec<_>>().join("\\")
}

/// A number as a decimal string: at most 16 characters (PS3.5, 6.2), as many digits as fit, no zeros behind.
pub(crate) fn decimal(value: f64) -> String {
    // Below a billionth of a millimetre there is nothing to say, and exponents are not everybody's.
    for digits in (0..=9).rev() {
        let text = format!("{value:.digits$}");
        if text.len() <= 16 {
            let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
            return if text == "-0" { "0".into() } else { text.into() };
        }
    }
    format!("{value:.8e}")
}

/// Appends a coordinate in ten-thousandths of a millimetre, without zeros behind: a contour has thousands of them, and
/// what a voxel's border is known to is coarser.
pub(crate) fn push_coordinate(text: &mut String, mm: f64) {
    let scaled = (mm * 1e4).round() as i64;
    if scaled < 0 {
        text.push('-');
    }
    let (whole, mut part) = (scaled.unsigned_abs() / 10_000, scaled.unsigned_abs() % 10_000);
    text.push_str(&whole.to_string());
    if part > 0 {
        text.push('.');
        let mut unit = 1000;
        while part > 0 {
            text.push(char::from(b'0' + (part / unit) as u8));
            part %= unit;
            unit /= 10;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals_are_short_and_keep_what_matters() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (0.98, "0.98"),
            (-471.25, "-471.25"),
            (1.0 / 3.0, "0.333333333"),
            (-12_345.678_901_234_5, "-12345.678901234"),
            (1e20, "1.00000000e20"),
        ] {
            assert_eq!(decimal(value), text);
            assert!(decimal(value).len() <= 16);
        }
    }

    #[test]
    fn text_keeps_to_its_representation() {
        let item = Item::new().clipped(tags::SERIES_DESCRIPTION, VR::LO, &format!(r"a\b{}", "é".repeat(80)));
        let text = item.0.element(tags::SERIES_DESCRIPTION).unwrap().to_str().unwrap().into_owned();
        assert_eq!((text.chars().count(), text.starts_with("a/b")), (64, true));
    }

    proptest! {
        #[test]
        fn coordinates_are_decimal_strings_to_a_tenth_of_a_micrometre(mm in -99_999.0f64..99_999.0) {
            let mut text = String::new();
            push_coordinate(&mut text, mm);
            prop_assert!(text.len() <= 16 && !text.ends_with('.'));
            prop_assert!((text.parse::<f64>().unwrap() - mm).abs() <= 0.5001e-4);
        }
    }
}
