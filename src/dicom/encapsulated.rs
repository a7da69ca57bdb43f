//! Compressed pixel data: which fragments make which frame (PS3.5, annex A.4).

use super::native::{PixelBytes, element_at};
use std::ops::Range;

const ITEM: (u16, u16) = (0xFFFE, 0xE000);
const SEQUENCE_END: (u16, u16) = (0xFFFE, 0xE0DD);

/// The compressed frames of one object, each as the places of its fragments within the file's bytes.
///
/// In this order: one frame takes all fragments; as many fragments as frames are one each; the offset table says; a
/// frame ends with the fragment that holds the end of its codestream.
///
/// # Errors
/// Where the fragments break off, or cannot be shared out among the frames.
pub(crate) fn frames(bytes: &[u8], pixels: PixelBytes, count: usize) -> Result<Vec<Vec<Range<usize>>>, String> {
    let (table, fragments) = fragments(bytes, pixels.start)?;
    if fragments.len() < count {
        return Err(format!("truncated pixel data: {} fragments for {count} frames", fragments.len()));
    }
    if count == 1 {
        return Ok(vec![fragments]);
    }
    if fragments.len() == count {
        return Ok(fragments.into_iter().map(|fragment| vec![fragment]).collect());
    }
    by_offsets(&table, &fragments, count)
        .or_else(|| by_ends(bytes, &fragments, count))
        .ok_or_else(|| format!("{} fragments cannot be shared out among {count} frames", fragments.len()))
}

/// The bytes of one frame in one piece.
pub(crate) fn joined<'a>(bytes: &'a [u8], frame: &[Range<usize>], room: &'a mut Vec<u8>) -> &'a [u8] {
    if let [only] = frame {
        return &bytes[only.clone()];
    }
    room.clear();
    for fragment in frame {
        room.extend_from_slice(&bytes[fragment.clone()]);
    }
    room
}

/// The offset table, and the fragments behind it.
fn fragments(bytes: &[u8], start: usize) -> Result<(Vec<usize>, Vec<Range<usize>>), String> {
    let mut items = Vec::new();
    let mut at = start;
    // A file may end without the delimiter; what was cut off then shows in the frames.
    while let Some(item) = element_at(bytes, at) {
        if item.tag == SEQUENCE_END {
            break;
        }
        let end = item.length.and_then(|length| item.value.checked_add(length));
        let (ITEM, Some(end)) = (item.tag, end) else {
            return Err("damaged pixel data: no fragment where one must be".into());
        };
        if end > bytes.len() {
            let (there, said) = (bytes.len() - item.value.min(bytes.len()), end - item.value);
            return Err(format!("truncated pixel data: {there} of {said} bytes of fragment {}", items.len()));
        }
        items.push(item.value..end);
        at = end;
    }
    if items.is_empty() {
        return Err("it holds no pixel data".into());
    }
    let table = bytes[items.remove(0)].chunks_exact(4);
    let table = table.map(|long| u32::from_le_bytes([long[0], long[1], long[2], long[3]]) as usize).collect();
    Ok((table, items))
}

fn by_offsets(table: &[usize], fragments: &[Range<usize>], count: usize) -> Option<Vec<Vec<Range<usize>>>> {
    // Offsets count from the first fragment's item tag, 8 bytes before its value.
    let first = fragments.first()?.start;
    let starts: Option<Vec<usize>> =
        table.iter().map(|offset| fragments.iter().position(|f| f.start - first == *offset)).collect();
    let starts = starts.filter(|s| s.len() == count && s[0] == 0 && s.is_sorted_by(|a, b| a < b))?;
    let ends = starts.iter().skip(1).copied().chain([fragments.len()]);
    Some(starts.iter().zip(ends).map(|(start, end)| fragments[*start..end].to_vec()).collect())
}

fn by_ends(bytes: &[u8], fragments: &[Range<usize>], count: usize) -> Option<Vec<Vec<Range<usize>>>> {
    let mut frames = vec![Vec::new()];
    for fragment in fragments {
        frames.last_mut()?.push(fragment.clone());
        // The end marker of JPEG, JPEG-LS and JPEG 2000 alike; behind it at most some padding.
        let tail = &bytes[fragment.end.saturating_sub(10).max(fragment.start)..fragment.end];
        if tail.windows(2).any(|pair| pair == [0xFF, 0xD9]) {
            frames.push(Vec::new());
        }
    }
    frames.retain(|frame| !frame.is_empty());
    (frames.len() == count).then_some(frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(value: &[u8]) -> Vec<u8> {
        [&[0xFE, 0xFF, 0x00, 0xE0][..], &(value.len() as u32).to_le_bytes(), value].concat()
    }

    fn framed(parts: &[&[u8]], count: usize) -> Result<Vec<Vec<u8>>, String> {
        let bytes = parts.iter().flat_map(|part| item(part)).collect::<Vec<_>>();
        let found = frames(&bytes, PixelBytes { start: 0, claimed: None }, count)?;
        Ok(found.iter().map(|frame| joined(&bytes, frame, &mut Vec::new()).to_vec()).collect())
    }

    #[test]
    fn fragments_are_shared_out_by_number_table_or_end_marker() {
        assert_eq!(framed(&[b"", b"ab", b"cd"], 1).unwrap(), [b"abcd"]);
        assert_eq!(framed(&[b"", b"ab", b"cd"], 2).unwrap(), [b"ab", b"cd"]);
        let table = [0u32.to_le_bytes(), 20u32.to_le_bytes()].concat();
        assert_eq!(framed(&[&table, b"ab", b"cd", b"ef"], 2).unwrap(), [&b"abcd"[..], b"ef"]);
        let ended: [&[u8]; 4] = [b"", b"ab", b"\xff\xd9", b"\x01\xff\xd9\x00"];
        assert_eq!(framed(&ended, 2).unwrap(), [&b"ab\xff\xd9"[..], b"\x01\xff\xd9\x00"]);
    }

    #[test]
    fn what_cannot_be_shared_out_is_refused() {
        assert!(framed(&[b"", b"ab", b"cd", b"ef"], 2).unwrap_err().contains("cannot be shared out"));
        assert!(framed(&[b"", b"ab"], 2).unwrap_err().contains("1 fragments for 2 frames"));
        assert!(framed(&[], 1).is_err());
        let cut = [item(b""), item(b"abcd")].concat();
        let error = frames(&cut[..cut.len() - 1], PixelBytes { start: 0, claimed: None }, 1).unwrap_err();
        assert!(error.contains("3 of 4 bytes"), "{error}");
    }
}
