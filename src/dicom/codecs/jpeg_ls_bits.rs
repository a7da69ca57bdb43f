//! The bits of a JPEG-LS scan, and the codes of its errors.

/// A scan's bits up to the next marker. Behind the end come zeros; how many is counted.
#[derive(Clone, Copy)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The next bits, the first of them highest; zeros behind the last that is held.
    window: u64,
    held: u32,
    /// The byte before was 0xFF: of the next one the first bit is stuffing (T.87, A.1).
    stuffed: bool,
    missing: u32,
}

impl<'a> Bits<'a> {
    pub fn new(bytes: &'a [u8], at: usize) -> Self {
        Bits { bytes, at, window: 0, held: 0, stuffed: false, missing: 0 }
    }

    /// Holds at least 56 bits afterwards.
    #[inline]
    fn fill(&mut self) {
        if let (false, Some(eight)) = (self.stuffed, self.bytes.get(self.at..self.at + 8)) {
            let next = u64::from_be_bytes(eight.try_into().unwrap_or_default());
            // The usual trick finds a byte of zeros; here one of ones is looked for.
            let ones = (!next).wrapping_sub(0x0101_0101_0101_0101) & next & 0x8080_8080_8080_8080;
            if ones == 0 {
                let taken = (63 - self.held) / 8;
                let held = self.held + 8 * taken;
                self.window = (self.window | next >> self.held) & !(u64::MAX >> held);
                self.held = held;
                self.at += taken as usize;
                return;
            }
        }
        *self = self.filled_bytewise();
    }

    /// By value, as [`Self::long_code`] is: where the hot loop never gives its own copy away, that stays in registers.
    #[cold]
    fn filled_bytewise(mut self) -> Self {
        while self.held < 56 {
            let next = match (self.bytes.get(self.at), self.bytes.get(self.at + 1)) {
                (Some(byte), _) if self.stuffed => Some((*byte << 1, 7)).filter(|_| *byte < 0x80),
                // A marker, not a byte of the scan.
                (Some(0xFF), Some(0x80..)) => None,
                (Some(byte), _) => Some((*byte, 8)),
                (None, _) => None,
            };
            let Some((byte, count)) = next else {
                self.held += 8;
                self.missing = self.missing.saturating_add(8);
                continue;
            };
            self.window |= u64::from(byte) << 56 >> self.held;
            self.held += count;
            self.stuffed = self.bytes[self.at] == 0xFF;
            self.at += 1;
        }
        self
    }

    /// The next bits as a number, at most 32.
    #[inline]
    pub fn take(&mut self, count: u32) -> u32 {
        if self.held < count {
            self.fill();
        }
        let value = (self.window >> 1 >> (63 - count)) as u32;
        self.drop(count);
        value
    }

    #[inline]
    fn drop(&mut self, count: u32) {
        self.window <<= count;
        self.held -= count;
    }

    /// A code of limited length (T.87, A.5.3): zeros and a one, then `k` bits; or `limit` zeros and a one, then the number
    /// less one as it is, in `qbpp` bits. `None` for more zeros than that.
    #[inline(always)]
    pub fn golomb(&mut self, k: u32, limit: u32, qbpp: u32) -> Option<u32> {
        if self.held < 32 {
            self.fill();
        }
        let zeros = self.window.leading_zeros();
        if zeros < limit && zeros + 1 + k <= self.held {
            let value = zeros << k | (self.window << zeros << 1 >> 1 >> (63 - k)) as u32;
            self.drop(zeros + 1 + k);
            return Some(value);
        }
        let (rest, value) = self.long_code(k, limit, qbpp)?;
        *self = rest;
        Some(value)
    }

    #[cold]
    fn long_code(mut self, k: u32, limit: u32, qbpp: u32) -> Option<(Self, u32)> {
        if self.held < 56 {
            self.fill();
        }
        let zeros = self.window.leading_zeros();
        if zeros > limit || zeros >= self.held {
            return None;
        }
        self.drop(zeros + 1);
        let value = if zeros < limit { zeros << k | self.take(k) } else { self.take(qbpp) + 1 };
        Some((self, value))
    }

    /// True where more was handed out than the scan holds.
    pub fn exhausted(&self) -> bool {
        self.missing > self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bit_behind_a_byte_of_ones_is_left_out() {
        let mut bits = Bits::new(&[0x12, 0xFF, 0x7F, 0x80, 0xFF, 0xD9], 0);
        assert_eq!((bits.take(8), bits.take(8), bits.take(7), bits.take(8)), (0x12, 0xFF, 0x7F, 0x80));
        assert!(!bits.exhausted());
        assert_eq!(bits.take(1), 0);
        assert!(bits.exhausted());
    }

    #[test]
    fn codes_short_and_long() {
        // 001 10 is (2, 10b); four zeros and a one are the limit, then 7 in eight bits.
        let mut bits = Bits::new(&[0b0011_0000, 0b0100_0001, 0b1100_0000], 0);
        assert_eq!(bits.golomb(2, 4, 8), Some(0b1010));
        assert_eq!(bits.golomb(2, 4, 8), Some(8));
        assert_eq!(Bits::new(&[0, 0, 1], 0).golomb(0, 4, 8), None);
    }
}
