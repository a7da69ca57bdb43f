//! SEG: masks as DICOM (PS3.3, A.51 and C.8.20), to runs of voxels on the grid of a CT.
//!
//! Frames are placed by their position and orientation, never by their order: empty ones are often left out. Binary
//! masks are packed to bits across frames, fractional ones count from half of their maximum, label maps hold the number
//! of the segment in every voxel.

use super::codecs::{self, Codec, FrameSize};
use super::encapsulated::{frames, joined};
use super::functional_groups::{self, FrameGroups};
use super::header::{DataSet, in_plane, unit_vectors};
use super::load::unsupported;
use super::native::{Form, PixelBytes, find_pixels};
use super::nested::{Part, character_set};
use crate::volume::{Grid, Region, Run, runs_of_row, towards};
use dicom_dictionary_std::tags;
use nalgebra::{Matrix3, Point3, Vector3};
use std::collections::BTreeMap;

/// One segment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Segment {
    pub number: i64,
    pub label: String,
}

/// How the voxels are stored.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// One bit a voxel, packed across frames.
    Bits,
    /// One byte a voxel, inside from this value.
    From(u16),
    /// The segment's number.
    Labels,
}

/// A segmentation object in memory, its pixels not yet looked at.
pub(crate) struct Seg {
    data: DataSet,
    pub segments: Vec<Segment>,
    /// Empty where it does not say.
    pub frame_of_reference_uid: String,
    kind: Kind,
    rows: usize,
    columns: usize,
    bits_allocated: u16,
    groups: Vec<FrameGroups>,
}

/// Where one frame lies.
struct Place {
    /// Unit vectors along increasing column and row index.
    axes: [Vector3<f64>; 2],
    /// Distance between columns, then between rows.
    spacing_mm: [f64; 2],
    /// Centre of the first voxel.
    origin_mm: Point3<f64>,
}

impl Place {
    fn of(groups: &FrameGroups) -> Option<Place> {
        Some(Place {
            axes: unit_vectors(groups.orientation.clone())?,
            spacing_mm: in_plane(groups.pixel_spacing.clone())?,
            origin_mm: <[f64; 3]>::try_from(groups.position.clone()).ok()?.into(),
        })
    }
}

/// Why a segmentation does not lie on the CT.
pub(crate) enum Misplaced {
    /// Its frames are not the CT's slices: its grid, as far as it has one, and how far off (mm; infinite where sizes differ).
    Elsewhere(Box<Grid>, f64),
    /// It cannot be read after all.
    Broken(String),
}

impl Seg {
    /// # Errors
    /// Where it breaks off, or is stored as no segmentation may be.
    pub fn read(data: DataSet) -> Result<Seg, String> {
        let text_in = character_set(&data);
        let whole = Part::whole(&data, &text_in);
        let segments: Vec<Segment> = whole
            .items(tags::SEGMENT_SEQUENCE)?
            .iter()
            .map(|item| Segment {
                number: item.binary(tags::SEGMENT_NUMBER).unwrap_or(-1),
                label: item.text(tags::SEGMENT_LABEL),
            })
            .collect();
        let bits_allocated = whole.binary(tags::BITS_ALLOCATED).unwrap_or(0).clamp(0, 64) as u16;
        let kind = match (whole.text(tags::SEGMENTATION_TYPE).to_uppercase().as_str(), bits_allocated) {
            ("BINARY", 1) => Kind::Bits,
            // Packed to a byte a voxel, which some writers do.
            ("BINARY", 8) => Kind::From(1),
            ("FRACTIONAL", 8) => {
                let highest = whole.binary(tags::MAXIMUM_FRACTIONAL_VALUE).unwrap_or(255).clamp(1, 255);
                // Half of it, rounded up: one of 255 in 128.
                Kind::From((highest as u16).div_ceil(2))
            }
            ("LABELMAP", 8 | 16) => Kind::Labels,
            (kind, bits) => {
                return Err(format!("a segmentation of type {kind:?} with {bits} bits a voxel is not read"));
            }
        };
        // Label maps may list what is outside as their segment 0.
        let segments: Vec<Segment> = segments.into_iter().filter(|s| kind != Kind::Labels || s.number != 0).collect();
        if segments.is_empty() {
            return Err("a segmentation without segments".into());
        }
        let size = |tag| usize::try_from(whole.binary(tag).unwrap_or(0)).unwrap_or(0).min(65535);
        let (rows, columns) = (size(tags::ROWS), size(tags::COLUMNS));
        let said = usize::try_from(whole.integer(tags::NUMBER_OF_FRAMES).unwrap_or(1)).unwrap_or(0);
        let frame_of_reference_uid = whole.text(tags::FRAME_OF_REFERENCE_UID);
        let groups = functional_groups::read(&data.bytes[data.start.min(data.bytes.len())..], data.form, false)?;
        if rows == 0 || columns == 0 || groups.is_empty() || groups.len() != said {
            return Err(format!("{said} frames of {columns} × {rows} voxels, {} of them described", groups.len()));
        }
        Ok(Seg { segments, frame_of_reference_uid, kind, rows, columns, bits_allocated, groups, data })
    }

    /// How many frames show a segment; of label maps, how many there are.
    pub fn frames_of(&self, segment: i64) -> usize {
        let shows = |groups: &&FrameGroups| self.kind == Kind::Labels || groups.segment == Some(segment);
        self.groups.iter().filter(shows).count()
    }

    /// The segments that are `wanted`, by number, as runs on a grid whose axes are the frames' and whose slices are the
    /// CT's; that grid; how far (mm) it is off the CT's at most; and how many frames lie beyond the CT.
    pub fn on(&self, ct: &Grid, wanted: &[i64], tolerance_mm: f64) -> Result<OnGrid, Misplaced> {
        let placed: Option<Vec<Place>> = self.groups.iter().map(Place::of).collect();
        let placed =
            placed.ok_or_else(|| Misplaced::Broken("a frame without position, orientation or pixel spacing".into()))?;
        let [x, y] = placed[0].axes;
        let order = towards(ct, &Matrix3::from_columns(&[x, y, x.cross(&y).normalize()]));
        let slices = order.grid(ct);
        let (mut furthest, mut beyond, mut at) = (0.0f64, 0, Vec::with_capacity(placed.len()));
        for frame in &placed {
            let k = slices.to_index(frame.origin_mm).z.round();
            let mut slice = slices.clone();
            (slice.size[2], slice.origin_mm) = (1, slices.to_patient(Vector3::new(0.0, 0.0, k)));
            let own = Grid {
                size: [self.columns, self.rows, 1],
                origin_mm: frame.origin_mm,
                directions: Matrix3::from_columns(&[frame.axes[0], frame.axes[1], slice.directions.column(2).into()]),
                spacing_mm: Vector3::new(frame.spacing_mm[0], frame.spacing_mm[1], slice.spacing_mm.z),
            };
            furthest = furthest.max(own.furthest_apart_mm(&slice));
            let inside = (0.0..slices.size[2] as f64).contains(&k);
            beyond += usize::from(!inside);
            at.push(inside.then_some(k as usize));
        }
        if furthest > tolerance_mm {
            return Err(Misplaced::Elsewhere(Box::new(self.own_grid(&placed)), furthest));
        }
        let regions = self.regions(wanted, &at, slices.size).map_err(Misplaced::Broken)?;
        Ok(OnGrid { regions, grid: slices, furthest_mm: furthest, beyond })
    }

    /// The grid of the frames alone, for a message.
    fn own_grid(&self, placed: &[Place]) -> Grid {
        let Place { axes: [x, y], spacing_mm, origin_mm } = placed[0];
        let normal = x.cross(&y).normalize();
        let mut along: Vec<f64> = placed.iter().map(|frame| normal.dot(&(frame.origin_mm - origin_mm))).collect();
        along.sort_by(f64::total_cmp);
        along.dedup_by(|a, b| (*a - *b).abs() < 1e-3);
        let step = along.windows(2).map(|w| w[1] - w[0]).fold(f64::INFINITY, f64::min);
        Grid {
            size: [self.columns, self.rows, along.len()],
            origin_mm: origin_mm + normal * along[0],
            directions: Matrix3::from_columns(&[x, y, normal]),
            spacing_mm: Vector3::new(spacing_mm[0], spacing_mm[1], if step.is_finite() { step } else { 0.0 }),
        }
    }

    /// Reads the pixels; `at` gives the slice of each frame.
    fn regions(&self, wanted: &[i64], at: &[Option<usize>], size: [usize; 3]) -> Result<BTreeMap<i64, Region>, String> {
        let mut runs: BTreeMap<i64, Vec<Vec<Run>>> = wanted.iter().map(|n| (*n, vec![Vec::new(); size[2]])).collect();
        let pixels = Pixels::of(self)?;
        let mut space = Vec::new();
        for (index, k) in at.iter().enumerate() {
            let segment = self.groups[index].segment;
            let needed = match self.kind {
                Kind::Labels => true,
                _ => segment.is_some_and(|segment| runs.contains_key(&segment)),
            };
            let (Some(k), true) = (*k, needed) else { continue };
            let values = pixels.frame(self, index, &mut space)?;
            for (segment, slices) in &mut runs {
                let inside = |p: usize| match self.kind {
                    Kind::Labels => i64::from(values[p]) == *segment,
                    Kind::From(low) => values[p] >= low,
                    Kind::Bits => values[p] > 0,
                };
                if self.kind == Kind::Labels || self.groups[index].segment == Some(*segment) {
                    let row = |j| runs_of_row(self.columns, j, |i| inside(j * self.columns + i));
                    slices[k].extend((0..self.rows).flat_map(row));
                }
            }
        }
        Ok(runs.into_iter().map(|(segment, slices)| (segment, Region::from_runs(size, slices))).collect())
    }
}

/// Segments laid on the slices of a CT.
pub(crate) struct OnGrid {
    pub regions: BTreeMap<i64, Region>,
    pub grid: Grid,
    pub furthest_mm: f64,
    pub beyond: usize,
}

/// Where the frames' values are.
enum Pixels {
    Native(std::ops::Range<usize>),
    Packed(Codec, Vec<Vec<std::ops::Range<usize>>>),
}

impl Pixels {
    fn of(seg: &Seg) -> Result<Pixels, String> {
        let (bytes, syntax) = (&seg.data.bytes, seg.data.syntax.as_str());
        let found = find_pixels(bytes, Form::of(syntax)).ok_or("truncated or damaged: no pixel data in it")?;
        match (found, Codec::of(syntax)) {
            (PixelBytes { start, claimed: Some(claimed) }, _) => {
                let start = start.min(bytes.len());
                let bits = usize::from(seg.bits_allocated) * seg.rows * seg.columns;
                // Frames of bits follow one another without a gap, so that only the whole is a number of bytes.
                let needed = bits.checked_mul(seg.groups.len()).ok_or("more voxels than can be")?.div_ceil(8);
                let end = bytes.len().min(start.saturating_add(claimed));
                if end - start < needed {
                    return Err(format!("truncated pixel data: {} of {needed} bytes", end - start));
                }
                Ok(Pixels::Native(start..end))
            }
            (_, Some(codec)) if seg.kind != Kind::Bits => {
                Ok(Pixels::Packed(codec, frames(bytes, found, seg.groups.len())?))
            }
            _ => Err(unsupported(syntax).unwrap_or_else(|| "its bits are compressed, which is not read".into())),
        }
    }

    /// The values of one frame.
    fn frame(&self, seg: &Seg, index: usize, space: &mut Vec<u8>) -> Result<Vec<u16>, String> {
        let voxels = seg.rows * seg.columns;
        match self {
            Pixels::Native(range) => {
                let bytes = &seg.data.bytes[range.clone()];
                Ok(match seg.bits_allocated {
                    1 => {
                        let bit = |n: usize| u16::from(bytes[n / 8] >> (n % 8) & 1);
                        (index * voxels..(index + 1) * voxels).map(bit).collect()
                    }
                    8 => bytes[index * voxels..(index + 1) * voxels].iter().map(|b| u16::from(*b)).collect(),
                    _ => bytes[2 * index * voxels..2 * (index + 1) * voxels]
                        .chunks_exact(2)
                        .map(|b| match seg.data.form {
                            Form::BigEndian => u16::from_be_bytes([b[0], b[1]]),
                            _ => u16::from_le_bytes([b[0], b[1]]),
                        })
                        .collect(),
                })
            }
            Pixels::Packed(codec, frames) => {
                let size = FrameSize { rows: seg.rows, columns: seg.columns, bits_allocated: seg.bits_allocated };
                let fragments = frames.get(index).map_or(&[][..], Vec::as_slice);
                codecs::decode(*codec, joined(&seg.data.bytes, fragments, space), size)
                    .map_err(|why| format!("frame {} cannot be decompressed: {why}", index + 1))
            }
        }
    }
}
