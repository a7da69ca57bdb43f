//! RLE Lossless (PS3.5, annex G): one byte plane a segment, most significant first.

use super::FrameSize;

const HEADER: usize = 64;

pub(super) fn decode(frame: &[u8], size: FrameSize) -> Result<Vec<u16>, String> {
    let long = |index: usize| -> Result<usize, String> {
        let bytes = frame.get(4 * index..4 * index + 4).and_then(|b| <[u8; 4]>::try_from(b).ok());
        Ok(u32::from_le_bytes(bytes.ok_or("no RLE header")?) as usize)
    };
    let segments = long(0)?;
    let planes = usize::from(size.bits_allocated / 8);
    if segments != planes {
        return Err(format!("{segments} RLE segments where {planes} were expected"));
    }
    let mut words = vec![0u16; size.pixels()];
    for plane in 0..planes {
        let start = long(1 + plane)?;
        let end = if plane + 1 < planes { long(2 + plane)? } else { frame.len() };
        let packed = frame.get(start.max(HEADER)..end).ok_or("an RLE segment lies outside the frame")?;
        let done = unpack(packed, words.len(), |at, byte| words[at] = words[at] << 8 | u16::from(byte));
        if done < words.len() {
            return Err(format!("an RLE segment ends after {done} of {} pixels", words.len()));
        }
    }
    Ok(words)
}

/// PackBits: hands out at most `wanted` bytes with their index and returns how many there were.
fn unpack(packed: &[u8], wanted: usize, mut put: impl FnMut(usize, u8)) -> usize {
    let (mut at, mut done) = (0, 0);
    while done < wanted && at < packed.len() {
        let control = packed[at] as i8;
        at += 1;
        match control {
            0.. => {
                let length = (control as usize + 1).min(wanted - done).min(packed.len() - at);
                for byte in &packed[at..at + length] {
                    put(done, *byte);
                    done += 1;
                }
                at += length;
            }
            -128 => {}
            _ => {
                let Some(byte) = packed.get(at) else { break };
                let length = (1 - i32::from(control)) as usize;
                for _ in 0..length.min(wanted - done) {
                    put(done, *byte);
                    done += 1;
                }
                at += 1;
            }
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_literals_of_two_planes() {
        let mut frame = vec![0u8; HEADER];
        (frame[0], frame[4], frame[8]) = (2, 64, 66);
        frame.extend([0xFD, 0x01]); // four times 1
        frame.extend([0x80, 0x01, 7, 8, 0xFF, 9]); // nothing, 7 8, twice 9
        let size = FrameSize { rows: 2, columns: 2, bits_allocated: 16 };
        assert_eq!(decode(&frame, size), Ok(vec![0x107, 0x108, 0x109, 0x109]));
        assert!(decode(&frame[..frame.len() - 2], size).is_err());
    }
}
