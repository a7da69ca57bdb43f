//! A walk over the elements of a file that builds no object and copies nothing it is not asked for.
//!
//! The parser of dicom-rs copies the pixels, refuses a file for a stray byte at its end or a flaw in a sequence nobody
//! needs, and makes room for whatever length a damaged element claims, gigabytes if it says so. So it is given only
//! the few elements that are needed, after this walk has checked that they lie within the file.

use std::ops::Range;

/// How the elements of a data set are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Little endian without value representations.
    Implicit,
    /// Little endian with them.
    Explicit,
    /// Big endian with them: retired.
    BigEndian,
}

impl Form {
    /// The form of an object's data set by its transfer syntax, inflated where it is deflated.
    pub fn of(transfer_syntax: &str) -> Form {
        match transfer_syntax {
            "1.2.840.10008.1.2" => Form::Implicit,
            "1.2.840.10008.1.2.2" => Form::BigEndian,
            // Compressed objects have headers in explicit little endian (PS3.5, A.4), unknown ones too as far as known.
            _ => Form::Explicit,
        }
    }
}

/// Value of PixelData within the bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PixelBytes {
    /// Offset of the first byte.
    pub start: usize,
    /// Length the element claims; the file may end before. `None`: encapsulated.
    pub claimed: Option<usize>,
}

/// One element's tag and where its value lies.
#[derive(Debug, Clone)]
pub(crate) struct Element {
    pub tag: (u16, u16),
    /// Offset of the value's first byte.
    pub value: usize,
    /// `None`: undefined.
    pub length: Option<usize>,
    /// Undefined-length UN holds implicit VR whatever the file is in (PS3.5, 6.2.2).
    pub inside: Form,
    /// A sequence, by its representation or its undefined length.
    pub nested: bool,
    /// Its representation; zeros where the form has none.
    pub vr: [u8; 2],
}

pub(crate) const PIXELS: (u16, u16) = (0x7FE0, 0x0010);

const UNDEFINED: u32 = u32::MAX;
const ITEM: (u16, u16) = (0xFFFE, 0xE000);
const ITEM_END: (u16, u16) = (0xFFFE, 0xE00D);
const SEQUENCE_END: (u16, u16) = (0xFFFE, 0xE0DD);
/// Deeper nesting than any sane file has; bounds the recursion on hostile ones.
const DEPTH: usize = 24;

/// Finds PixelData in a whole file.
pub(crate) fn find_pixels(bytes: &[u8], form: Form) -> Option<PixelBytes> {
    let mut at = after_magic(bytes);
    loop {
        // Meta information is in explicit VR whatever follows it.
        let form = if word(bytes, at, Form::Explicit)? == 2 { Form::Explicit } else { form };
        let element = element(bytes, at, form)?;
        match element.tag {
            PIXELS => return Some(PixelBytes { start: element.value, claimed: element.length }),
            (group, _) if group > 0x7FE0 => return None,
            _ => at = end_of(bytes, &element, 0)?,
        }
    }
}

/// Copies the elements `wanted` (of the top level, as they stand in the file) out of a data set that begins at `at`.
///
/// Sequences only where asked for: what lengths they hold inside is not checked. Stops behind the group of the last
/// wanted tag; `wanted` is sorted. `None` where the bytes end before, unless they
/// are the `whole` file and end between two elements.
pub(crate) fn select(
    bytes: &[u8],
    mut at: usize,
    form: Form,
    whole: bool,
    wanted: &[(u16, u16)],
    sequences: bool,
) -> Option<Vec<u8>> {
    let last_group = wanted.last()?.0;
    let mut selected = Vec::new();
    loop {
        if at == bytes.len() && whole {
            return Some(selected);
        }
        if word(bytes, at, form)? > last_group {
            return Some(selected);
        }
        let element = element(bytes, at, form)?;
        let end = end_of(bytes, &element, 0)?;
        if wanted.binary_search(&element.tag).is_ok() {
            if sequences || !element.nested {
                selected.extend_from_slice(&bytes[at..end]);
            }
            if wanted.last() == Some(&element.tag) {
                return Some(selected);
            }
        }
        at = end;
    }
}

/// Offset of the data set behind the meta information, and the transfer syntax named there.
///
/// Goes by the group numbers of the elements: the group length is wrong in real files.
pub(crate) fn meta_of(bytes: &[u8]) -> Option<(usize, String)> {
    let mut at = after_magic(bytes);
    let mut syntax = None;
    while word(bytes, at, Form::Explicit) == Some(2) {
        let element = element(bytes, at, Form::Explicit)?;
        let end = end_of(bytes, &element, 0)?;
        if element.tag == (2, 0x10) {
            let text = String::from_utf8_lossy(bytes.get(element.value..end)?);
            syntax = Some(text.trim_matches(|c: char| c == '\0' || c.is_whitespace()).to_string());
        }
        at = end;
    }
    Some((at, syntax.filter(|s| !s.is_empty())?))
}

/// Offset of the data set, with or without meta information before it; `None` where that breaks off.
pub(crate) fn after_meta(bytes: &[u8]) -> Option<usize> {
    let mut at = after_magic(bytes);
    while word(bytes, at, Form::Explicit) == Some(2) {
        at = end_of(bytes, &element(bytes, at, Form::Explicit)?, 0)?;
    }
    Some(at)
}

/// The item or delimiter at an offset.
pub(crate) fn element_at(bytes: &[u8], at: usize) -> Option<Element> {
    element(bytes, at, Form::Implicit)
}

/// The first element of a tag between two offsets, not within its sequences.
pub(crate) fn find(bytes: &[u8], range: Range<usize>, form: Form, tag: (u16, u16)) -> Option<Element> {
    let bytes = bytes.get(..range.end)?;
    let mut at = range.start;
    loop {
        let element = element(bytes, at, form)?;
        if element.tag == tag {
            return Some(element);
        }
        at = end_of(bytes, &element, 0)?;
    }
}

/// The items of a sequence, each as the place of its elements. A damaged sequence ends with its last sound item.
pub(crate) fn items(bytes: &[u8], sequence: &Element) -> Vec<Range<usize>> {
    items_and_end(bytes, sequence).0
}

/// The items of a sequence; `None` where it breaks off or is damaged, so that what is left must not stand for all.
pub(crate) fn whole_items(bytes: &[u8], sequence: &Element) -> Option<Vec<Range<usize>>> {
    let (found, end) = items_and_end(bytes, sequence);
    let ends_well = match sequence.length {
        Some(length) => sequence.value.checked_add(length) == Some(end),
        None => element(bytes, end, sequence.inside).is_some_and(|last| last.tag == SEQUENCE_END),
    };
    ends_well.then_some(found)
}

/// The sound items of a sequence, and the offset behind the last.
fn items_and_end(bytes: &[u8], sequence: &Element) -> (Vec<Range<usize>>, usize) {
    let mut found = Vec::new();
    let mut at = sequence.value;
    let end = sequence.length.map_or(bytes.len(), |length| bytes.len().min(at.saturating_add(length)));
    while at < end {
        let Some(item) = element(bytes, at, sequence.inside).filter(|item| item.tag == ITEM) else { break };
        let after = match item.length {
            Some(length) => item.value.checked_add(length).filter(|after| *after <= end),
            None => end_of_item(bytes, item.value, sequence.inside, 0),
        };
        let Some(after) = after else { break };
        // The delimiter of an item of undefined length is no element of it.
        found.push(item.value..if item.length.is_some() { after } else { after - 8 });
        at = after;
    }
    (found, at)
}

fn after_magic(bytes: &[u8]) -> usize {
    match bytes {
        _ if bytes.get(128..132) == Some(b"DICM") => 132,
        _ if bytes.starts_with(b"DICM") => 4,
        _ => 0,
    }
}

pub(crate) fn word(bytes: &[u8], at: usize, form: Form) -> Option<u16> {
    let two = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
    Some(if form == Form::BigEndian { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) })
}

fn long(bytes: &[u8], at: usize, form: Form) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
    Some(if form == Form::BigEndian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
}

/// The element at an offset, whose value may run past the end.
pub(crate) fn element(bytes: &[u8], at: usize, form: Form) -> Option<Element> {
    let tag = (word(bytes, at, form)?, word(bytes, at + 2, form)?);
    let (value, length, vr) = if form == Form::Implicit || tag.0 == 0xFFFE {
        (at + 8, long(bytes, at + 4, form)?, [0, 0])
    } else {
        let vr: [u8; 2] = bytes.get(at + 4..at + 6)?.try_into().ok()?;
        match &vr {
            b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN" | b"UR" | b"UT" | b"UV" => {
                (at + 12, long(bytes, at + 8, form)?, vr)
            }
            // Of these only: the parser takes an unknown one to have a length of four bytes, and believes it.
            b"AE" | b"AS" | b"AT" | b"CS" | b"DA" | b"DS" | b"DT" | b"FD" | b"FL" | b"IS" | b"LO" | b"LT" | b"PN"
            | b"SH" | b"SL" | b"SS" | b"ST" | b"TM" | b"UI" | b"UL" | b"US" => {
                (at + 8, u32::from(word(bytes, at + 6, form)?), vr)
            }
            _ => return None,
        }
    };
    let undefined = length == UNDEFINED;
    Some(Element {
        tag,
        value,
        length: (!undefined).then_some(length as usize),
        inside: if undefined && &vr == b"UN" { Form::Implicit } else { form },
        nested: undefined || &vr == b"SQ",
        vr,
    })
}

/// Offset behind an element; `None` where it runs past the end.
pub(crate) fn end_of(bytes: &[u8], element: &Element, depth: usize) -> Option<usize> {
    if let Some(length) = element.length {
        return element.value.checked_add(length).filter(|end| *end <= bytes.len());
    }
    if depth > DEPTH {
        return None;
    }
    let mut at = element.value;
    loop {
        let item = self::element(bytes, at, element.inside)?;
        at = match (item.tag, item.length) {
            (SEQUENCE_END, _) => return Some(item.value),
            (ITEM, Some(length)) => item.value.checked_add(length)?,
            (ITEM, None) => end_of_item(bytes, item.value, element.inside, depth + 1)?,
            _ => return None,
        };
    }
}

fn end_of_item(bytes: &[u8], mut at: usize, form: Form, depth: usize) -> Option<usize> {
    loop {
        let inner = element(bytes, at, form)?;
        if inner.tag == ITEM_END {
            return Some(inner.value);
        }
        at = end_of(bytes, &inner, depth)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Explicit VR: a sequence of undefined length with one item of undefined length, then Rows, then PixelData.
    const NESTED: &[u8] = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\
        \xfe\xff\x00\xe0\xff\xff\xff\xff\
        \x28\x00\x10\x00US\x02\0\x63\0\
        \xfe\xff\x0d\xe0\0\0\0\0\
        \xfe\xff\xdd\xe0\0\0\0\0\
        \x28\x00\x10\x00US\x02\0\x04\0\
        \xe0\x7f\x10\x00OW\0\0\x08\0\0\0ab";

    #[test]
    fn passes_over_nested_sequences_and_tells_where_the_pixels_are() {
        let found = find_pixels(NESTED, Form::Explicit).expect("found");
        assert_eq!((found.claimed, &NESTED[found.start..]), (Some(8), &b"ab"[..]));
    }

    #[test]
    fn finds_within_the_items_of_a_sequence() {
        let sequence = find(NESTED, 0..NESTED.len(), Form::Explicit, (0x08, 0x1140)).expect("the sequence");
        let inside = items(NESTED, &sequence);
        assert_eq!(inside.len(), 1);
        let rows = find(NESTED, inside[0].clone(), Form::Explicit, (0x28, 0x10)).expect("the first Rows");
        assert_eq!(NESTED[rows.value], 0x63);
        assert!(find(NESTED, inside[0].clone(), Form::Explicit, (0x28, 0x11)).is_none());
    }

    #[test]
    fn selects_from_the_top_level_only() {
        let rows = select(NESTED, 0, Form::Explicit, true, &[(0x28, 0x10)], false);
        assert_eq!(rows.as_deref(), Some(&b"\x28\x00\x10\x00US\x02\0\x04\0"[..]));
    }

    #[test]
    fn an_element_that_runs_past_the_end_is_not_selected() {
        assert_eq!(select(NESTED, 0, Form::Explicit, true, &[(0x7FE0, 0x10)], false), None);
        assert_eq!(select(&NESTED[..30], 0, Form::Explicit, true, &[(0x28, 0x10)], false), None);
    }
}
