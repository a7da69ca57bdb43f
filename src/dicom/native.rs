//! Where the pixels begin in an uncompressed little-endian file, without building an object of it.
//!
//! The parser of dicom-rs copies the pixels and refuses a file for a stray byte at its end; this walks over the
//! elements and touches none. It gives up (`None`) on anything unusual, and the parser then has the word.

/// Value of PixelData within the bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PixelBytes {
    /// Offset of the first byte.
    pub start: usize,
    /// Length the element claims; the file may end before.
    pub claimed: usize,
}

/// One element's tag and where its value lies.
struct Element {
    tag: (u16, u16),
    value: usize,
    /// `None`: undefined.
    length: Option<usize>,
    /// Undefined-length UN holds implicit VR whatever the file is in (PS3.5, 6.2.2).
    explicit_inside: bool,
}

const UNDEFINED: u32 = u32::MAX;
const ITEM: (u16, u16) = (0xFFFE, 0xE000);
const ITEM_END: (u16, u16) = (0xFFFE, 0xE00D);
const SEQUENCE_END: (u16, u16) = (0xFFFE, 0xE0DD);
/// Deeper nesting than any sane file has; bounds the recursion on hostile ones.
const DEPTH: usize = 24;

/// Finds PixelData in a whole file that is little endian and not compressed.
pub(crate) fn find_pixels(bytes: &[u8], explicit: bool) -> Option<PixelBytes> {
    let mut at = after_magic(bytes);
    loop {
        // Meta information is in explicit VR whatever follows it.
        let explicit = explicit || word(bytes, at)? == 2;
        let element = element(bytes, at, explicit)?;
        match element.tag {
            (0x7FE0, 0x0010) => return Some(PixelBytes { start: element.value, claimed: element.length? }),
            (group, _) if group > 0x7FE0 => return None,
            _ => at = end_of(bytes, &element, 0)?,
        }
    }
}

/// Offset of the data set behind the meta information, and the transfer syntax named there.
///
/// Goes by the group numbers of the elements: the group length is wrong in real files.
pub(crate) fn meta_of(bytes: &[u8]) -> Option<(usize, String)> {
    let mut at = after_magic(bytes);
    let mut syntax = None;
    while word(bytes, at) == Some(2) {
        let element = element(bytes, at, true)?;
        let end = end_of(bytes, &element, 0)?;
        if element.tag == (2, 0x10) {
            let text = String::from_utf8_lossy(bytes.get(element.value..end)?);
            syntax = Some(text.trim_matches(|c: char| c == '\0' || c.is_whitespace()).to_string());
        }
        at = end;
    }
    Some((at, syntax.filter(|s| !s.is_empty())?))
}

fn after_magic(bytes: &[u8]) -> usize {
    match bytes {
        _ if bytes.get(128..132) == Some(b"DICM") => 132,
        _ if bytes.starts_with(b"DICM") => 4,
        _ => 0,
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn element(bytes: &[u8], at: usize, explicit: bool) -> Option<Element> {
    let tag = (word(bytes, at)?, word(bytes, at + 2)?);
    let (value, length, vr) = if !explicit || tag.0 == 0xFFFE {
        (at + 8, long(bytes, at + 4)?, [0, 0])
    } else {
        let vr: [u8; 2] = bytes.get(at + 4..at + 6)?.try_into().ok()?;
        match &vr {
            b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN" | b"UR" | b"UT" | b"UV" => {
                (at + 12, long(bytes, at + 8)?, vr)
            }
            [a, b] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => (at + 8, u32::from(word(bytes, at + 6)?), vr),
            _ => return None,
        }
    };
    let undefined = length == UNDEFINED;
    Some(Element {
        tag,
        value,
        length: (!undefined).then_some(length as usize),
        explicit_inside: explicit && !(undefined && &vr == b"UN"),
    })
}

/// Offset behind an element.
fn end_of(bytes: &[u8], element: &Element, depth: usize) -> Option<usize> {
    if let Some(length) = element.length {
        return element.value.checked_add(length).filter(|end| *end <= bytes.len());
    }
    if depth > DEPTH {
        return None;
    }
    let mut at = element.value;
    loop {
        let item = self::element(bytes, at, element.explicit_inside)?;
        at = match (item.tag, item.length) {
            (SEQUENCE_END, _) => return Some(item.value),
            (ITEM, Some(length)) => item.value.checked_add(length)?,
            (ITEM, None) => end_of_item(bytes, item.value, element.explicit_inside, depth + 1)?,
            _ => return None,
        };
    }
}

fn end_of_item(bytes: &[u8], mut at: usize, explicit: bool, depth: usize) -> Option<usize> {
    loop {
        let inner = element(bytes, at, explicit)?;
        if inner.tag == ITEM_END {
            return Some(inner.value);
        }
        at = end_of(bytes, &inner, depth)?;
    }
}
