//! Huffman codes and the bits of an entropy-coded JPEG segment (ITU-T T.81, annexes C and F).

/// Codes up to this length are found in one look-up.
const FAST_BITS: u32 = 9;

/// One Huffman table.
#[derive(Clone)]
pub(super) struct Table {
    /// By the next bits: length and symbol; length 0 where the code is longer.
    fast: Vec<(u8, u8)>,
    /// By code length: first code beyond those of this length, left-aligned to 16 bits.
    beyond: [u32; 17],
    /// By code length: what to add to a code to get the index of its symbol.
    shift: [i32; 17],
    symbols: Vec<u8>,
}

impl Table {
    /// From the number of codes of each length and their symbols; `None` where these are no prefix code.
    pub fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Table> {
        let mut fast = vec![(0, 0); 1 << FAST_BITS];
        let (mut beyond, mut shift) = ([0; 17], [0; 17]);
        let (mut code, mut index) = (0u32, 0usize);
        for length in 1..=16u32 {
            shift[length as usize] = index as i32 - code as i32;
            for _ in 0..counts[length as usize - 1] {
                let symbol = *symbols.get(index)?;
                if code >> length != 0 {
                    return None;
                }
                if length <= FAST_BITS {
                    let first = (code << (FAST_BITS - length)) as usize;
                    fast[first..first + (1 << (FAST_BITS - length))].fill((length as u8, symbol));
                }
                code += 1;
                index += 1;
            }
            beyond[length as usize] = code << (16 - length);
            code <<= 1;
        }
        Some(Table { fast, beyond, shift, symbols: symbols.to_vec() })
    }
}

/// The bits of one scan up to the next marker. Behind the end come zeros, as other decoders take them; how many is
/// counted, so that a truncated scan is noticed.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    window: u64,
    held: u32,
    /// Bits handed out that the scan does not hold.
    pub missing: usize,
}

impl<'a> Bits<'a> {
    pub fn new(bytes: &'a [u8], at: usize) -> Self {
        Bits { bytes, at, window: 0, held: 0, missing: 0 }
    }

    fn fill(&mut self) {
        while self.held <= 48 {
            let byte = match (self.bytes.get(self.at), self.bytes.get(self.at + 1)) {
                (Some(0xFF), Some(0)) => {
                    self.at += 2;
                    0xFF
                }
                (Some(0xFF), _) | (None, _) => {
                    self.missing += 8;
                    0
                }
                (Some(byte), _) => {
                    self.at += 1;
                    *byte
                }
            };
            self.window = self.window << 8 | u64::from(byte);
            self.held += 8;
        }
    }

    fn peek(&mut self, count: u32) -> u32 {
        if self.held < count {
            self.fill();
        }
        (self.window >> (self.held - count)) as u32 & ((1 << count) - 1)
    }

    /// The next bits as a number, at most 16.
    pub fn take(&mut self, count: u32) -> u32 {
        if count == 0 {
            return 0;
        }
        let value = self.peek(count);
        self.held -= count;
        value
    }

    /// The next code's symbol; `None` where no code fits.
    pub fn symbol(&mut self, table: &Table) -> Option<u8> {
        let ahead = self.peek(16);
        let (length, symbol) = table.fast[(ahead >> (16 - FAST_BITS)) as usize];
        if length > 0 {
            self.held -= u32::from(length);
            return Some(symbol);
        }
        let length = (FAST_BITS + 1..=16).find(|length| ahead < table.beyond[*length as usize])?;
        self.held -= length;
        let index = (ahead >> (16 - length)) as i32 + table.shift[length as usize];
        table.symbols.get(usize::try_from(index).ok()?).copied()
    }

    /// A signed value of `size` bits (T.81, F.2.2.1).
    pub fn signed(&mut self, size: u32) -> i32 {
        let value = self.take(size) as i32;
        if size > 0 && value < 1 << (size - 1) { value - (1 << size) + 1 } else { value }
    }

    /// True where more was handed out than the scan holds and could be padding.
    pub fn exhausted(&self) -> bool {
        self.missing > self.held as usize
    }

    /// Drops what is left before a marker and gives the offset to go on from.
    pub fn end(mut self) -> usize {
        while self.at < self.bytes.len() {
            if self.bytes[self.at] == 0xFF && self.bytes.get(self.at + 1).is_some_and(|next| *next != 0) {
                break;
            }
            self.at += 1;
        }
        self.at
    }

    /// Passes over a restart marker; false where there is none.
    pub fn restart(&mut self) -> bool {
        (self.window, self.held, self.missing) = (0, 0, 0);
        // Fill bytes may stand before it.
        while self.bytes.get(self.at..self.at + 2) == Some(&[0xFF, 0xFF]) {
            self.at += 1;
        }
        let there = matches!(self.bytes.get(self.at..self.at + 2), Some([0xFF, 0xD0..=0xD7]));
        if there {
            self.at += 2;
        }
        there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_codes() {
        // Codes 0, 10, 110 and one of 12 bits: 111000000000.
        let mut counts = [0u8; 16];
        (counts[0], counts[1], counts[2], counts[11]) = (1, 1, 1, 1);
        let table = Table::new(&counts, &[5, 6, 7, 8]).expect("a prefix code");
        let mut bits = Bits::new(&[0b0101_1011, 0b1000_0000, 0b0000_0000], 0);
        let read: Vec<_> = (0..4).map(|_| bits.symbol(&table)).collect();
        assert_eq!(read, [Some(5), Some(6), Some(7), Some(8)]);
        let mut bits = Bits::new(&[0b1110_0000, 0b0000_0000], 0);
        assert_eq!(bits.symbol(&table), Some(8));
        assert!(Table::new(&[3; 16], &[0; 48]).is_none());
    }

    #[test]
    fn stuffed_bytes_signed_values_and_the_end() {
        let mut bits = Bits::new(&[0xFF, 0x00, 0x0F, 0xFF, 0xD9], 0);
        assert_eq!(bits.take(12), 0xFF0);
        assert_eq!(bits.signed(4), 15);
        assert!(!bits.exhausted());
        bits.take(9);
        assert!(bits.exhausted());
        assert_eq!(Bits::new(&[0x12, 0xFF, 0xD9], 0).end(), 1);
    }
}
