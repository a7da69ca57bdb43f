//! JPEG-LS of one component, lossless and near-lossless.
//!
//! Decoded here because the decoders there are in Rust take several times as long as those in C that other readers use.
//!
//! # References
//! ITU-T T.87 (1998), *Lossless and near-lossless compression of continuous-tone still images*; the letters of its
//! variables are kept.

use super::FrameSize;
use super::jpeg_ls_bits::Bits;

/// How many pixels a bit of a run stands for, as a power of two, by run index (T.87, A.2.1).
const J: [u32; 32] =
    [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15];
/// Bounds of the correction that a context learns.
const MIN_C: i32 = -128;
const MAX_C: i32 = 127;
/// Contexts are 365; a power of two spares the check of the index.
const CONTEXTS: usize = 512;
/// Sums of a context stay far below the end of 32 bits.
const LARGEST_SUM: i64 = 1 << 28;

const DAMAGED: &str = "the JPEG-LS stream is damaged";

/// What the markers say of the scan.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Coding {
    max_value: i32,
    near: i32,
    thresholds: [i32; 3],
    reset: i32,
}

/// Decodes a frame of one component.
///
/// # Errors
/// Another size than the header's, before room is made for it; several components, mapping tables and restart intervals,
/// which no CT has; a stream that is damaged or breaks off.
pub(super) fn decode(frame: &[u8], size: FrameSize) -> Result<Vec<u16>, String> {
    let (coding, start) = read_markers(frame, size)?;
    let bits = Bits::new(frame, start);
    let words = if coding.near == 0 {
        Decoder::<true>::new(coding, bits).image(size)
    } else {
        Decoder::<false>::new(coding, bits).image(size)
    };
    words.ok_or_else(|| DAMAGED.to_string())
}

/// The markers up to the scan, and where its bits begin.
fn read_markers(frame: &[u8], size: FrameSize) -> Result<(Coding, usize), String> {
    const SOF55: u8 = 0xF7;
    const LSE: u8 = 0xF8;
    const DRI: u8 = 0xDD;
    const SOS: u8 = 0xDA;
    if !frame.starts_with(&[0xFF, 0xD8]) {
        return Err("no JPEG-LS stream".into());
    }
    let broken = || "its JPEG-LS markers break off".to_string();
    let mut at = 2;
    let mut precision = None;
    // Maximum and three thresholds where not zero; statistics are halved after so many samples.
    let mut preset = [0i32, 0, 0, 0, 64];
    loop {
        let marker = match frame.get(at..at + 2).ok_or_else(broken)? {
            // Fill bytes may stand before a marker.
            [0xFF, 0xFF] => {
                at += 1;
                continue;
            }
            [0xFF, marker] => *marker,
            _ => return Err("no JPEG-LS marker where one must be".into()),
        };
        let length = frame.get(at + 2..at + 4).map(|b| usize::from(b[0]) << 8 | usize::from(b[1]));
        let end = at + 2 + length.filter(|length| *length >= 2).ok_or_else(broken)?;
        let body = frame.get(at + 4..end).ok_or_else(broken)?;
        let word = |index: usize| body.get(index..index + 2).map(|b| i32::from(b[0]) << 8 | i32::from(b[1]));
        match marker {
            SOF55 => {
                let (Some(bits), Some(rows), Some(columns)) = (body.first(), word(1), word(3)) else {
                    return Err(broken());
                };
                size.check(rows as usize, columns as usize)?;
                if body.get(5) != Some(&1) {
                    return Err("colour".into());
                }
                if !(2..=16).contains(bits) {
                    return Err(format!("{bits} bits a pixel"));
                }
                precision = Some(u32::from(*bits));
            }
            LSE if body.first() == Some(&1) => {
                for (n, value) in preset.iter_mut().enumerate() {
                    *value = word(1 + 2 * n).ok_or_else(broken)?;
                }
            }
            LSE => return Err("JPEG-LS mapping tables are not supported".into()),
            DRI => return Err("JPEG-LS restart intervals are not supported".into()),
            SOS => {
                let [1, _, _, near, interleave, _] = *body else {
                    return Err("not one component in the JPEG-LS scan".into());
                };
                if interleave != 0 {
                    return Err("an interleaved JPEG-LS scan".into());
                }
                let bits = precision.ok_or("no size before the JPEG-LS scan")?;
                return Ok((coding(bits, i32::from(near), preset)?, end));
            }
            _ => {}
        }
        at = end;
    }
}

/// The parameters of the scan, with the defaults of T.87, C.2.4.1.1.1, where the stream gives none.
fn coding(bits: u32, near: i32, [max, t1, t2, t3, reset]: [i32; 5]) -> Result<Coding, String> {
    let highest = (1 << bits) - 1;
    let max_value = if max == 0 { highest } else { max };
    let within = |value: i32, low: i32| if value > max_value || value < low { low } else { value };
    let usual = if max_value >= 128 {
        let factor = (max_value.min(4095) + 128) / 256;
        [factor + 2, 4 * factor + 3, 17 * factor + 4]
    } else {
        let factor = 256 / (max_value + 1);
        [3 / factor, 7 / factor, 21 / factor]
    };
    let mut thresholds = [t1, t2, t3];
    let mut low = near + 1;
    for n in 0..3 {
        if thresholds[n] == 0 {
            let usual = usual[n] + (2 * n as i32 + 3) * near;
            let least = if max_value >= 128 { 0 } else { 2 + n as i32 };
            thresholds[n] = within(usual.max(least), low);
        }
        low = thresholds[n];
    }
    let range = (max_value + 2 * near) / (2 * near + 1) + 1;
    let sound = max_value <= highest
        && near <= (max_value / 2).min(255)
        && near < thresholds[0]
        && thresholds.is_sorted()
        && thresholds[2] <= max_value
        && reset >= 3
        && i64::from(reset) * i64::from(range) <= LARGEST_SUM;
    if !sound {
        return Err("senseless JPEG-LS parameters".into());
    }
    Ok(Coding { max_value, near, thresholds, reset })
}

/// What was learnt of the samples in one surrounding.
#[derive(Clone, Copy)]
struct Context {
    a: i32,
    b: i32,
    c: i32,
    n: i32,
}

/// The same of the samples that end a run.
#[derive(Clone, Copy)]
struct RunContext {
    a: i32,
    n: i32,
    negative: i32,
}

struct Decoder<'a, const LOSSLESS: bool> {
    bits: Bits<'a>,
    coding: Coding,
    range: i32,
    /// Bits of an error that is written as it is.
    qbpp: u32,
    /// Zeros before such an error, for a sample in no run.
    limit: u32,
    /// By difference of neighbours, from minus to plus the highest threshold: -4 to 4.
    quantised: Vec<i8>,
    contexts: Box<[Context; CONTEXTS]>,
    run_contexts: [RunContext; 2],
    run_index: usize,
}

impl<'a, const LOSSLESS: bool> Decoder<'a, LOSSLESS> {
    fn new(coding: Coding, bits: Bits<'a>) -> Self {
        let Coding { max_value, near, thresholds: [t1, t2, t3], .. } = coding;
        let range = (max_value + 2 * near) / (2 * near + 1) + 1;
        let up = |value: i32| 32 - (value - 1).leading_zeros();
        let (qbpp, bpp) = (up(range), up(max_value + 1).max(2));
        let a = ((range + 32) / 64).max(2);
        let step = |d: i32| {
            let steps = [near + 1, t1, t2, t3].iter().filter(|from| d.abs() >= **from).count() as i8;
            if d < 0 { -steps } else { steps }
        };
        Decoder {
            bits,
            coding,
            range,
            qbpp,
            limit: 2 * (bpp + bpp.max(8)) - qbpp - 1,
            quantised: (-t3..=t3).map(step).collect(),
            contexts: Box::new([Context { a, b: 0, c: 0, n: 1 }; CONTEXTS]),
            run_contexts: [RunContext { a, n: 1, negative: 0 }; 2],
            run_index: 0,
        }
    }

    /// `None` where the stream is damaged or breaks off.
    fn image(mut self, size: FrameSize) -> Option<Vec<u16>> {
        let mut words = Vec::with_capacity(size.pixels());
        // One sample more on the left and on the right of each line.
        let (mut above, mut line) = (vec![0; size.columns + 2], vec![0; size.columns + 2]);
        for _ in 0..size.rows {
            above[size.columns + 1] = above[size.columns];
            line[0] = above[1];
            self.line(&above, &mut line)?;
            if self.bits.exhausted() {
                return None;
            }
            words.extend(line[1..=size.columns].iter().map(|value| *value as u16));
            std::mem::swap(&mut above, &mut line);
        }
        Some(words)
    }

    fn line(&mut self, above: &[i32], line: &mut [i32]) -> Option<()> {
        let t3 = self.coding.thresholds[2];
        let step = |table: &[i8], d: i32| i32::from(table[(d.clamp(-t3, t3) + t3) as usize]);
        let last = line.len() - 2;
        let (mut rc, mut rb, mut ra) = (above[0], above[1], line[0]);
        let mut above_right = step(&self.quantised, rb - rc);
        // A copy of its own stays in registers.
        let mut bits = self.bits;
        let mut x = 1;
        while x <= last {
            let rd = above[x + 1];
            let next = step(&self.quantised, rd - rb);
            let q = (next * 9 + above_right) * 9 + step(&self.quantised, rc - ra);
            if q == 0 {
                x = self.run(&mut bits, x, above, line)?;
                if x <= last {
                    (rc, rb) = (above[x - 1], above[x]);
                    above_right = step(&self.quantised, rb - rc);
                }
                ra = line[x - 1];
                continue;
            }
            // The median of three, as the edge-detecting predictor is (T.87, A.4.1).
            let predicted = (ra + rb - rc).clamp(ra.min(rb), ra.max(rb));
            ra = self.sample(&mut bits, q, predicted)?;
            line[x] = ra;
            (rc, rb, above_right) = (rb, rd, next);
            x += 1;
        }
        self.bits = bits;
        Some(())
    }

    /// A sample outside of runs, from its surrounding and what its neighbours predict (T.87, A.4 to A.6).
    #[inline(always)]
    fn sample(&mut self, bits: &mut Bits, q: i32, predicted: i32) -> Option<i32> {
        // All ones where the surrounding is the mirror image of the one that is counted.
        let mirror = q >> 31;
        let context = &mut self.contexts[((q ^ mirror) - mirror) as usize & (CONTEXTS - 1)];
        let predicted = (predicted + ((context.c ^ mirror) - mirror)).clamp(0, self.coding.max_value);
        let k = bits_of(context.n, context.a);
        let mapped = bits.golomb(k, self.limit, self.qbpp)?;
        let mut error = (mapped >> 1) as i32 ^ -((mapped & 1) as i32);
        if LOSSLESS && k == 0 && 2 * context.b <= -context.n {
            error = !error;
        }
        if error.unsigned_abs() > self.range as u32 {
            return None;
        }
        context.a += error.abs();
        context.b += if LOSSLESS { error } else { error * (2 * self.coding.near + 1) };
        if context.n == self.coding.reset {
            context.a >>= 1;
            context.b >>= 1;
            context.n >>= 1;
        }
        context.n += 1;
        // Without branches: which way it goes cannot be foretold.
        let up = i32::from(context.b > 0) - i32::from(context.b <= -context.n);
        context.b = (context.b - up * context.n).clamp(1 - context.n, 0);
        context.c = (context.c + up).clamp(MIN_C, MAX_C);
        Some(self.reconstructed(predicted, (error ^ mirror) - mirror))
    }

    /// The sample an error away from its prediction, modulo the range.
    #[inline(always)]
    fn reconstructed(&self, predicted: i32, error: i32) -> i32 {
        let Coding { max_value, near, .. } = self.coding;
        if LOSSLESS {
            let value = predicted + error;
            let value = if value < 0 { value + self.range } else { value };
            return if value > max_value { value - self.range } else { value };
        }
        let step = 2 * near + 1;
        let value = predicted + error * step;
        let value = if value < -near {
            value + self.range * step
        } else if value > max_value + near {
            value - self.range * step
        } else {
            value
        };
        value.clamp(0, max_value)
    }

    /// Samples equal to the one before them, and the one that ends them (T.87, A.7); gives where to go on.
    fn run(&mut self, bits: &mut Bits, start: usize, above: &[i32], line: &mut [i32]) -> Option<usize> {
        let ra = line[start - 1];
        let end = line.len() - 1;
        let mut x = start;
        loop {
            let block = 1usize << J[self.run_index];
            if bits.take(1) == 0 {
                break;
            }
            let filled = block.min(end - x);
            line[x..x + filled].fill(ra);
            x += filled;
            if filled == block {
                self.run_index = (self.run_index + 1).min(31);
            }
            if x == end {
                return Some(end);
            }
            if bits.exhausted() {
                return None;
            }
        }
        let rest = bits.take(J[self.run_index]) as usize;
        if rest >= end - x {
            return None;
        }
        line[x..x + rest].fill(ra);
        x += rest;
        line[x] = self.end_of_run(bits, ra, above[x])?;
        self.run_index = self.run_index.saturating_sub(1);
        Some(x + 1)
    }

    fn end_of_run(&mut self, bits: &mut Bits, ra: i32, rb: i32) -> Option<i32> {
        let equal = (ra - rb).abs() <= self.coding.near;
        let kind = i32::from(equal);
        let context = &mut self.run_contexts[usize::from(equal)];
        let k = bits_of(context.n, if equal { context.a + (context.n >> 1) } else { context.a });
        let limit = self.limit.checked_sub(J[self.run_index] + 1)?;
        let mapped = bits.golomb(k, limit, self.qbpp)?;
        let mapped = i32::try_from(mapped).ok().filter(|mapped| *mapped <= 2 * self.range + 1)?;
        let both = mapped + kind;
        let odd = both & 1;
        let size = (both + odd) / 2;
        let negative = (k != 0 || 2 * context.negative >= context.n) == (odd == 1);
        let error = if negative { -size } else { size };
        context.negative += i32::from(error < 0);
        context.a += (mapped + 1 - kind) >> 1;
        if context.n == self.coding.reset {
            context.a >>= 1;
            context.n >>= 1;
            context.negative >>= 1;
        }
        context.n += 1;
        let (predicted, error) = if equal { (ra, error) } else { (rb, if ra > rb { -error } else { error }) };
        Some(self.reconstructed(predicted, error))
    }
}

/// The least number of bits for which `n` shifted by them is not below `a`.
#[inline(always)]
fn bits_of(n: i32, a: i32) -> u32 {
    let near = n.leading_zeros().saturating_sub(a.leading_zeros());
    near + u32::from(n << near < a)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jpegls::EncodeOptions;
    use proptest::prelude::*;

    fn encoded(words: &[u16], size: FrameSize, near: u8, precision: Option<u8>) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut options = EncodeOptions::default();
        (options.near, options.precision) = (near, precision);
        jpegls::encode_with_options(words, size.columns as u32, size.rows as u32, &options, &mut bytes)
            .expect("encoded");
        bytes
    }

    proptest! {
        /// Another decoder reads the same from every stream, and without loss the image is there again.
        #[test]
        fn reads_what_another_decoder_reads(
            rows in 1usize..24,
            columns in 1usize..40,
            precision in 2u8..=16,
            near in prop_oneof![Just(0u8), 0u8..6],
            // Noise on a ramp, with flat stretches for the runs.
            noise in prop::collection::vec(prop_oneof![Just(0u32), 0u32..65536], 960),
            amplitude in 0u32..17,
        ) {
            let size = FrameSize { rows, columns, bits_allocated: 16 };
            let max = (1u32 << precision) - 1;
            let near = near.min((max / 2) as u8);
            let value = |n: usize| ((n % columns / 7) as u32 * 3 + (noise[n] & ((1 << amplitude) - 1))).min(max) as u16;
            let words: Vec<u16> = (0..rows * columns).map(value).collect();
            let bytes = encoded(&words, size, near, Some(precision));
            let other = jpegls::decode(&bytes, columns as u32, rows as u32).expect("sound").0;
            prop_assert_eq!(decode(&bytes, size), Ok(other.clone()));
            if near == 0 {
                prop_assert_eq!(other, words);
            }
        }

        /// Damage is an error or another image, never a panic.
        #[test]
        fn damage_is_no_panic(at in 0usize..2000, with in 0u8..=255, cut in 0usize..2000) {
            let size = FrameSize { rows: 30, columns: 30, bits_allocated: 16 };
            let words: Vec<u16> = (0..900u32).map(|n| (n * n % 977) as u16 / (1 + (n as u16 / 300) * 50)).collect();
            let mut bytes = encoded(&words, size, 0, Some(12));
            let length = bytes.len();
            bytes[at % length] = with;
            if cut < length {
                bytes.truncate(cut);
            }
            let _ = decode(&bytes, size);
        }
    }

    #[test]
    fn a_truncated_scan_is_refused() {
        let size = FrameSize { rows: 30, columns: 30, bits_allocated: 16 };
        let words: Vec<u16> = (0..900u32).map(|n| (n * n % 977) as u16).collect();
        let bytes = encoded(&words, size, 0, None);
        assert_eq!(decode(&bytes, size), Ok(words));
        for cut in [bytes.len() / 3, bytes.len() - 20] {
            assert!(decode(&bytes[..cut], size).is_err(), "{cut}");
        }
    }

    #[test]
    fn the_usual_thresholds_are_those_of_the_standard() {
        assert_eq!(coding(8, 0, [0, 0, 0, 0, 64]).unwrap().thresholds, [3, 7, 21]);
        assert_eq!(coding(12, 0, [0, 0, 0, 0, 64]).unwrap().thresholds, [18, 67, 276]);
        assert_eq!(coding(16, 0, [0, 0, 0, 0, 64]).unwrap().thresholds, [18, 67, 276]);
        assert!(coding(8, 0, [255, 9, 5, 20, 64]).is_err());
        assert!(coding(16, 0, [0, 0, 0, 0, 65535]).is_err());
    }
}
