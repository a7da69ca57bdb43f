//! From stored pixel words to HU: masking, sign, padding, rescale, rounding, the ends of the scale.

use super::series::StoredPixels;
use crate::volume::NO_DATA;

/// Lowest HU a voxel with data can have: air of a scale that ends at -1024.
const LOWEST_HU: f64 = -1024.0;
/// At or below this a value is no measurement but a fill (-2000, -2048, -3024 outside the reconstruction circle),
/// tagged as padding or not.
const FILL_HU: f64 = -1500.0;

/// The way from a stored word to HU.
pub(crate) enum HuScale {
    /// Slope 1 and a whole intercept, as almost all CT has it: arithmetic on 16 bits, which every processor does on
    /// eight pixels at once.
    Offset {
        /// Bits above those that carry the value.
        unused: u32,
        signed: bool,
        /// HU of a stored 0.
        intercept: i16,
        /// Lowest and highest stored value that mean "no data"; the first above the last where none does.
        padding: (i32, i32),
    },
    /// Everything else: HU of each word. At 128 kB it costs a fraction of a slice to build.
    Table(Vec<i16>),
}

impl HuScale {
    pub fn new(stored: &StoredPixels) -> HuScale {
        let bits = u32::from(stored.bits_stored.clamp(1, 16));
        let plain = stored.bits_allocated == 16 && u32::from(stored.high_bit) + 1 == bits && stored.slope == 1.0;
        let whole = stored.intercept.fract() == 0.0 && stored.intercept.abs() < 32768.0;
        // Sixteen unsigned bits do not fit the arithmetic.
        if !(plain && whole && (stored.signed || bits < 16)) {
            return HuScale::Table(table(stored));
        }
        HuScale::Offset {
            unused: 16 - bits,
            signed: stored.signed,
            intercept: stored.intercept as i16,
            padding: limits(stored).unwrap_or((i32::MAX, i32::MIN)),
        }
    }

    /// HU of one word.
    #[cfg(test)]
    fn hu(&self, raw: u16) -> i16 {
        let mut word = [raw as i16];
        self.convert(&mut word);
        word[0]
    }

    /// Stored words to HU, where they lie.
    pub fn convert(&self, words: &mut [i16]) {
        // The signs apart, and without padding, so that the loops hold no branch and no more than they need. Fill is sometimes written across the unused high bits, so
        // the whole word is compared too.
        match *self {
            HuScale::Offset { unused, signed: true, intercept, padding: (low, high) } if low > high => {
                words.iter_mut().for_each(|word| *word = offset((*word << unused) >> unused, false, intercept));
            }
            HuScale::Offset { unused, signed: false, intercept, padding: (low, high) } if low > high => {
                words.iter_mut().for_each(|word| {
                    *word = offset(((*word as u16) << unused >> unused) as i16, false, intercept);
                });
            }
            HuScale::Offset { unused, signed: true, intercept, padding: (low, high) } => {
                let (low, high) = (low as i16, high as i16);
                words.iter_mut().for_each(|word| {
                    let (value, whole) = ((*word << unused) >> unused, *word);
                    let padded = ((value >= low) & (value <= high)) | ((whole >= low) & (whole <= high));
                    *word = offset(value, padded, intercept);
                });
            }
            HuScale::Offset { unused, signed: false, intercept, padding: (low, high) } => {
                let (low, high) = (low as u16, high as u16);
                words.iter_mut().for_each(|word| {
                    let (value, whole) = ((*word as u16) << unused >> unused, *word as u16);
                    let padded = ((value >= low) & (value <= high)) | ((whole >= low) & (whole <= high));
                    *word = offset(value as i16, padded, intercept);
                });
            }
            HuScale::Table(ref table) => words.iter_mut().for_each(|word| *word = table[usize::from(*word as u16)]),
        }
    }
}

fn offset(value: i16, padded: bool, intercept: i16) -> i16 {
    let hu = value.saturating_add(intercept);
    if padded | (hu <= FILL_HU as i16) { NO_DATA } else { hu.max(LOWEST_HU as i16) }
}

/// Padding limits as the pixels' own type; the range may be given upside down.
fn limits(stored: &StoredPixels) -> Option<(i32, i32)> {
    let number = |v: u16| if stored.signed { i32::from(v as i16) } else { i32::from(v) };
    stored.padding.map(|(a, b)| (number(a).min(number(b)), number(a).max(number(b))))
}

/// HU of each of the 65536 raw pixel words.
fn table(stored: &StoredPixels) -> Vec<i16> {
    let bits = u32::from(stored.bits_stored.clamp(1, 16));
    let shift = (u32::from(stored.high_bit) + 1).saturating_sub(bits).min(15);
    let value_of = |raw: u16| {
        let value = i32::from(raw >> shift) & ((1 << bits) - 1);
        if stored.signed && value >> (bits - 1) & 1 == 1 { value - (1 << bits) } else { value }
    };
    let padding = limits(stored);
    (0..=u16::MAX)
        .map(|raw| {
            let value = value_of(raw);
            let whole = if stored.signed { i32::from(raw as i16) } else { i32::from(raw) };
            // Fill is sometimes written across the unused high bits, so the whole word is compared too.
            if padding.is_some_and(|(low, high)| (low..=high).contains(&value) || (low..=high).contains(&whole)) {
                return NO_DATA;
            }
            let hu = (stored.slope * f64::from(value) + stored.intercept).round();
            if hu <= FILL_HU { NO_DATA } else { hu.clamp(LOWEST_HU, f64::from(i16::MAX)) as i16 }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hu(stored: StoredPixels, raw: u16) -> i16 {
        HuScale::new(&stored).hu(raw)
    }

    #[test]
    fn sign_extends_twelve_stored_bits_and_ignores_the_rest() {
        let twelve = StoredPixels { bits_stored: 12, high_bit: 11, ..Default::default() };
        assert_eq!(hu(twelve.clone(), 0x0FFF), -1);
        assert_eq!(hu(twelve.clone(), 0xF001), 1);
        assert_eq!(hu(StoredPixels { signed: false, intercept: -1024.0, ..twelve }, 0x0FFF), 3071);
    }

    #[test]
    fn honours_a_high_bit_that_is_not_the_last_of_the_stored_bits() {
        let high = StoredPixels { bits_stored: 12, high_bit: 15, ..Default::default() };
        assert_eq!(hu(high.clone(), 0x0010), 1);
        assert_eq!(hu(high, 0xFFF0), -1);
    }

    #[test]
    fn air_is_floored_and_fill_becomes_no_data() {
        let plain = StoredPixels::default();
        assert_eq!(hu(plain.clone(), -1100i16 as u16), -1024);
        assert_eq!(hu(plain.clone(), -1499i16 as u16), -1024);
        assert_eq!(hu(plain.clone(), -1500i16 as u16), NO_DATA);
        assert_eq!(hu(plain, -2048i16 as u16), NO_DATA);
    }

    #[test]
    fn padding_is_compared_before_the_rescale_also_across_unused_bits() {
        let siemens = StoredPixels {
            signed: false,
            bits_stored: 12,
            high_bit: 11,
            intercept: -1024.0,
            padding: Some((0, 0)),
            ..Default::default()
        };
        assert_eq!(hu(siemens.clone(), 0), NO_DATA);
        assert_eq!(hu(siemens, 1), -1023);
        let ge = StoredPixels { bits_stored: 12, high_bit: 11, padding: Some((63536, 63536)), ..Default::default() };
        assert_eq!(hu(ge, 63536), NO_DATA);
    }

    #[test]
    fn large_values_stop_at_the_end_of_the_scale() {
        let steep = StoredPixels { slope: 32.0, ..Default::default() };
        assert_eq!(hu(steep, 30000), i16::MAX);
        assert_eq!(hu(StoredPixels { slope: 0.5, intercept: 0.2, ..Default::default() }, 3), 2);
    }

    /// The arithmetic of the usual scales and the table say the same of every stored value.
    #[test]
    fn both_ways_agree() {
        let usual = StoredPixels { intercept: -1024.0, ..Default::default() };
        let cases = [
            usual.clone(),
            StoredPixels { bits_stored: 12, high_bit: 11, signed: false, padding: Some((0, 0)), ..usual.clone() },
            StoredPixels { bits_stored: 12, high_bit: 11, padding: Some((63536, 63536)), ..usual.clone() },
            StoredPixels { padding: Some((32768, 40000)), ..usual.clone() },
            StoredPixels { intercept: 32000.0, ..usual.clone() },
            StoredPixels { bits_stored: 15, high_bit: 14, signed: false, ..usual.clone() },
            StoredPixels { bits_stored: 14, high_bit: 13, padding: Some((63536, 63000)), intercept: 3.0, ..usual },
        ];
        let words: Vec<i16> = (0..=u16::MAX).map(|word| word as i16).collect();
        for stored in cases {
            assert!(matches!(HuScale::new(&stored), HuScale::Offset { .. }), "{stored:?}");
            let (mut fast, mut slow) = (words.clone(), words.clone());
            HuScale::new(&stored).convert(&mut fast);
            HuScale::Table(table(&stored)).convert(&mut slow);
            assert!(fast == slow, "{stored:?}");
        }
    }
}
