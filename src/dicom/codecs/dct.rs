//! JPEG with DCT, sequential or progressive, 8 or 12 bits, one component (ITU-T T.81).
//!
//! The decoders on hand read 8 bits only, and CT is stored with 12. Coefficients of the whole image are kept, since a
//! progressive stream refines them scan by scan; the transform is computed in floating point, so that no step of an
//! integer approximation is added to what the compression lost.

use super::FrameSize;
use super::huffman::{Bits, Table};

/// Position in the block of the coefficients in the order of the stream.
const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
];

/// More than any encoder makes; ends hostile streams that go over the same image for ever.
const MOST_SCANS: usize = 200;

/// True where the first frame header is one of those read here.
pub(super) fn is_dct(stream: &[u8]) -> bool {
    let mut at = 0;
    while let Some((marker, body)) = next_segment(stream, &mut at) {
        match marker {
            0xC0..=0xC2 => return true,
            0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF | 0xDA => return false,
            _ => at += body.len(),
        }
    }
    false
}

/// The marker at or behind `at` and what its segment holds; `at` stands at the segment's first byte then.
fn next_segment<'a>(stream: &'a [u8], at: &mut usize) -> Option<(u8, &'a [u8])> {
    loop {
        let byte = *stream.get(*at)?;
        *at += 1;
        let marker = *stream.get(*at)?;
        if byte != 0xFF || matches!(marker, 0 | 0xFF) {
            continue;
        }
        *at += 1;
        if matches!(marker, 0x01 | 0xD0..=0xD9) {
            if marker == 0xD9 {
                return Some((marker, &[]));
            }
            continue;
        }
        let length = usize::from(u16::from_be_bytes([*stream.get(*at)?, *stream.get(*at + 1)?]));
        let body = stream.get(*at + 2..*at + length)?;
        *at += 2;
        return Some((marker, body));
    }
}

/// Frame header and coefficients.
struct Image {
    progressive: bool,
    precision: u32,
    /// Index of the quantisation table.
    quantisation: usize,
    /// Blocks in a row and in a column.
    blocks: [usize; 2],
    coefficients: Vec<[i16; 64]>,
}

/// Tables and settings that hold until they are replaced.
#[derive(Default)]
struct State {
    quantisation: [Option<[u16; 64]>; 4],
    /// Tables of DC, then of AC coefficients.
    huffman: [[Option<Table>; 4]; 2],
    restart_interval: usize,
}

/// One scan's part of the coefficients.
struct Scan {
    first: usize,
    last: usize,
    /// Bit position of the previous scan over these, 0 for the first.
    high: u32,
    low: u32,
    dc: usize,
    ac: usize,
}

pub(super) fn decode(stream: &[u8], size: FrameSize) -> Result<Vec<u16>, String> {
    let (mut state, mut image) = (State::default(), None::<Image>);
    let (mut at, mut scans) = (0, 0);
    while let Some((marker, body)) = next_segment(stream, &mut at) {
        let after = at + body.len();
        match marker {
            0xC0..=0xC2 => image = Some(frame_header(body, marker == 0xC2, size)?),
            0xC4 => state.huffman_tables(body).ok_or("a damaged Huffman table")?,
            0xDB => state.quantisation_tables(body).ok_or("a damaged quantisation table")?,
            0xDD => state.restart_interval = usize::from(u16::from_be_bytes(body.try_into().unwrap_or_default())),
            0xD9 => break,
            0xDA => {
                let image = image.as_mut().ok_or("a scan before the frame header")?;
                scans += 1;
                if scans > MOST_SCANS {
                    return Err("too many scans".into());
                }
                at = state.scan(image, scan_header(body, image)?, stream, after)?;
                if !image.progressive {
                    break;
                }
                continue;
            }
            0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => return Err("a JPEG process that is not read here".into()),
            _ => {}
        }
        at = after;
    }
    let image = image.filter(|_| scans > 0).ok_or("no scan")?;
    let table = state.quantisation[image.quantisation].ok_or("no quantisation table")?;
    Ok(image.pixels(&table, size))
}

fn frame_header(body: &[u8], progressive: bool, size: FrameSize) -> Result<Image, String> {
    let [precision, y1, y0, x1, x0, components, rest @ ..] = body else { return Err("a damaged frame header".into()) };
    let (rows, columns) = (u16::from_be_bytes([*y1, *y0]), u16::from_be_bytes([*x1, *x0]));
    size.check(usize::from(rows), usize::from(columns))?;
    if !matches!(precision, 8 | 12) {
        return Err(format!("{precision} bits with DCT"));
    }
    let (1, [_, _, quantisation @ 0..=3, ..]) = (*components, rest) else { return Err("colour".into()) };
    let blocks = [size.columns.div_ceil(8), size.rows.div_ceil(8)];
    Ok(Image {
        progressive,
        precision: u32::from(*precision),
        quantisation: usize::from(*quantisation),
        blocks,
        coefficients: vec![[0; 64]; blocks[0] * blocks[1]],
    })
}

fn scan_header(body: &[u8], image: &Image) -> Result<Scan, String> {
    let [1, _, tables, first, last, bits] = body else { return Err("a damaged scan header".into()) };
    let scan = Scan {
        first: usize::from(*first),
        last: usize::from(*last),
        high: u32::from(bits >> 4),
        low: u32::from(bits & 15),
        dc: usize::from(tables >> 4 & 3),
        ac: usize::from(tables & 3),
    };
    if !image.progressive {
        return Ok(Scan { first: 0, last: 63, high: 0, low: 0, ..scan });
    }
    let sound = scan.first <= scan.last && scan.last < 64 && scan.low < 14 && (scan.first > 0 || scan.last == 0);
    if sound { Ok(scan) } else { Err("a damaged scan header".into()) }
}

impl State {
    fn quantisation_tables(&mut self, mut body: &[u8]) -> Option<()> {
        while let [kind, rest @ ..] = body {
            let wide = kind >> 4 != 0;
            let bytes = rest.get(..if wide { 128 } else { 64 })?;
            let mut table = [0; 64];
            for (i, place) in ZIGZAG.iter().enumerate() {
                table[usize::from(*place)] =
                    if wide { u16::from_be_bytes([bytes[2 * i], bytes[2 * i + 1]]) } else { u16::from(bytes[i]) };
            }
            *self.quantisation.get_mut(usize::from(kind & 15))? = Some(table);
            body = &rest[bytes.len()..];
        }
        Some(())
    }

    fn huffman_tables(&mut self, mut body: &[u8]) -> Option<()> {
        while let [kind, rest @ ..] = body {
            let counts: [u8; 16] = rest.get(..16)?.try_into().ok()?;
            let symbols = rest.get(16..16 + counts.iter().map(|n| usize::from(*n)).sum::<usize>())?;
            let slot = self.huffman.get_mut(usize::from(kind >> 4))?.get_mut(usize::from(kind & 15))?;
            *slot = Some(Table::new(&counts, symbols)?);
            body = &rest[16 + symbols.len()..];
        }
        Some(())
    }

    /// Decodes one scan and gives the offset behind it.
    fn scan(&self, image: &mut Image, scan: Scan, stream: &[u8], at: usize) -> Result<usize, String> {
        // A table that the scan does not need may be missing.
        let needed = |class: usize, index: usize, used: bool| match &self.huffman[class][index] {
            Some(table) => Ok(Some(table)),
            None if used => Err("a Huffman table is missing".to_string()),
            None => Ok(None),
        };
        let dc = needed(0, scan.dc, scan.first == 0 && scan.high == 0)?;
        let ac = needed(1, scan.ac, scan.last > 0)?;
        let mut bits = Bits::new(stream, at);
        let (mut previous, mut end_of_band) = (0i32, 0usize);
        for (index, block) in image.coefficients.iter_mut().enumerate() {
            if self.restart_interval > 0 && index > 0 && index % self.restart_interval == 0 {
                if !bits.restart() {
                    return Err("a restart marker is missing".into());
                }
                (previous, end_of_band) = (0, 0);
            }
            let read = match (dc, ac) {
                _ if !image.progressive => sequential(&mut bits, block, dc, ac, &mut previous),
                _ if scan.first == 0 && scan.high == 0 => first_dc(&mut bits, block, dc, &mut previous, scan.low),
                _ if scan.first == 0 => {
                    block[0] |= (bits.take(1) as i16) << scan.low;
                    Some(())
                }
                (_, Some(ac)) if scan.high == 0 => first_ac(&mut bits, block, ac, &scan, &mut end_of_band),
                (_, Some(ac)) => refine_ac(&mut bits, block, ac, &scan, &mut end_of_band),
                _ => None,
            };
            if read.is_none() || bits.exhausted() {
                return Err(format!("it is damaged or breaks off in block {index}"));
            }
        }
        Ok(bits.end())
    }
}

fn first_dc(bits: &mut Bits, block: &mut [i16; 64], dc: Option<&Table>, previous: &mut i32, low: u32) -> Option<()> {
    let size = u32::from(bits.symbol(dc?)?);
    *previous = previous.wrapping_add(bits.signed((size <= 16).then_some(size)?));
    block[0] = (*previous << low) as i16;
    Some(())
}

fn sequential(
    bits: &mut Bits,
    block: &mut [i16; 64],
    dc: Option<&Table>,
    ac: Option<&Table>,
    previous: &mut i32,
) -> Option<()> {
    first_dc(bits, block, dc, previous, 0)?;
    let ac = ac?;
    let mut k = 1;
    while k < 64 {
        let symbol = bits.symbol(ac)?;
        let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
        if size == 0 {
            if run < 15 {
                break;
            }
            k += 16;
            continue;
        }
        k += run;
        *block.get_mut(usize::from(*ZIGZAG.get(k)?))? = bits.signed(size) as i16;
        k += 1;
    }
    Some(())
}

/// First scan over a band of AC coefficients (T.81, G.1.2.2).
fn first_ac(bits: &mut Bits, block: &mut [i16; 64], ac: &Table, scan: &Scan, end_of_band: &mut usize) -> Option<()> {
    if *end_of_band > 0 {
        *end_of_band -= 1;
        return Some(());
    }
    let mut k = scan.first;
    while k <= scan.last {
        let symbol = bits.symbol(ac)?;
        let (run, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
        if size == 0 {
            if run < 15 {
                *end_of_band = (1 << run) + bits.take(run) as usize - 1;
                break;
            }
            k += 16;
            continue;
        }
        k += run as usize;
        block[usize::from(*ZIGZAG.get(k)?)] = (bits.signed(size) << scan.low) as i16;
        k += 1;
    }
    Some(())
}

/// Refinement of a band by one bit (T.81, G.1.2.3).
fn refine_ac(bits: &mut Bits, block: &mut [i16; 64], ac: &Table, scan: &Scan, end_of_band: &mut usize) -> Option<()> {
    let bit = 1i16 << scan.low;
    let refine = |bits: &mut Bits, value: &mut i16| {
        if bits.take(1) == 1 && *value & bit == 0 {
            *value = value.wrapping_add(if *value >= 0 { bit } else { -bit });
        }
    };
    let mut k = scan.first;
    if *end_of_band == 0 {
        while k <= scan.last {
            let symbol = bits.symbol(ac)?;
            let (mut zeros, size) = (u32::from(symbol >> 4), symbol & 15);
            let mut new = 0;
            match size {
                0 if zeros < 15 => {
                    *end_of_band = (1 << zeros) + bits.take(zeros) as usize;
                    break;
                }
                0 => {}
                1 => new = if bits.take(1) == 1 { bit } else { -bit },
                _ => return None,
            }
            while k <= scan.last {
                let value = &mut block[usize::from(ZIGZAG[k])];
                k += 1;
                if *value != 0 {
                    refine(bits, value);
                } else if zeros == 0 {
                    *value = new;
                    break;
                } else {
                    zeros -= 1;
                }
            }
        }
    }
    if *end_of_band > 0 {
        for k in k..=scan.last {
            let value = &mut block[usize::from(ZIGZAG[k])];
            if *value != 0 {
                refine(bits, value);
            }
        }
        *end_of_band -= 1;
    }
    Some(())
}

impl Image {
    fn pixels(&self, quantisation: &[u16; 64], size: FrameSize) -> Vec<u16> {
        // waves[u][x]: what coefficient u adds to sample x.
        let waves: [[f32; 8]; 8] = std::array::from_fn(|u| {
            let scale = if u == 0 { (0.125f64).sqrt() } else { 0.5 };
            std::array::from_fn(|x| {
                (scale * (std::f64::consts::PI * (2 * x + 1) as f64 * u as f64 / 16.0).cos()) as f32
            })
        });
        let (middle, top) = ((1 << (self.precision - 1)) as f32, ((1 << self.precision) - 1) as f32);
        let mut pixels = vec![0u16; size.pixels()];
        for (index, block) in self.coefficients.iter().enumerate() {
            let (left, upper) = (index % self.blocks[0] * 8, index / self.blocks[0] * 8);
            let mut half = [[0f32; 8]; 8];
            for v in 0..8 {
                for u in 0..8 {
                    let value = f32::from(block[8 * v + u]) * f32::from(quantisation[8 * v + u]);
                    if value != 0.0 {
                        (0..8).for_each(|x| half[v][x] += value * waves[u][x]);
                    }
                }
            }
            for y in 0..8.min(size.rows - upper) {
                let mut line = [0f32; 8];
                for v in 0..8 {
                    (0..8).for_each(|x| line[x] += half[v][x] * waves[v][y]);
                }
                let row = &mut pixels[(upper + y) * size.columns + left..];
                let width = 8.min(size.columns - left);
                for (pixel, value) in row[..width].iter_mut().zip(line) {
                    *pixel = (value + middle).round().clamp(0.0, top) as u16;
                }
            }
        }
        pixels
    }
}
