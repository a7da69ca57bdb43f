//! Enhanced and legacy converted CT: what the functional groups say of each frame (PS3.3, C.7.6.16).

use super::native::{Element, Form, after_meta, find, items, select};
use super::source::inflated;
use std::io::Read;
use std::ops::Range;

/// What is read of one frame. Empty where neither the frame nor the shared group says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct FrameGroups {
    pub position: Vec<f64>,
    pub orientation: Vec<f64>,
    /// Distance between rows, then between columns, mm.
    pub pixel_spacing: Vec<f64>,
    pub slice_thickness: Option<f64>,
    pub slope: Option<f64>,
    pub intercept: Option<f64>,
    pub rescale_type: String,
    pub image_type: String,
    pub kernel: String,
    pub kvp: Option<f64>,
    pub acquisition_number: Option<i64>,
    pub temporal_position: Option<i64>,
    /// Of a segmentation: which segment the frame shows.
    pub segment: Option<i64>,
}

type Tag = (u16, u16);

const SHARED: Tag = (0x5200, 0x9229);
const PER_FRAME: Tag = (0x5200, 0x9230);
const PIXEL_MEASURES: Tag = (0x0028, 0x9110);
const PLANE_POSITION: Tag = (0x0020, 0x9113);
const PLANE_ORIENTATION: Tag = (0x0020, 0x9116);
const VALUE_TRANSFORMATION: Tag = (0x0028, 0x9145);
const FRAME_CONTENT: Tag = (0x0020, 0x9111);
const FRAME_TYPE: Tag = (0x0018, 0x9329);
const RECONSTRUCTION: Tag = (0x0018, 0x9314);
const X_RAY_DETAILS: Tag = (0x0018, 0x9325);
const SEGMENT_IDENTIFICATION: Tag = (0x0062, 0x000A);
/// Where legacy converted objects keep what has no group.
const UNASSIGNED: [Tag; 2] = [(0x0020, 0x9171), (0x0020, 0x9170)];

/// Reads the groups of every frame of an object, up to its pixels.
///
/// # Errors
/// Where the object ends before its pixels, or has no groups.
pub(crate) fn read(mut from: impl Read, form: Form, deflated: bool) -> Result<Vec<FrameGroups>, String> {
    let mut bytes = Vec::new();
    // In steps: the groups take a kilobyte a frame, the pixels behind them a thousand times that.
    let mut step: u64 = 1 << 20;
    loop {
        let before = bytes.len() as u64;
        from.by_ref().take(step).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
        let whole = (bytes.len() as u64) < before + step;
        let start = after_meta(&bytes).ok_or("truncated or damaged: its meta information breaks off")?;
        let unpacked;
        let (data, at) = if deflated {
            unpacked = inflated(&bytes[start..]);
            (&unpacked[..], 0)
        } else {
            (&bytes[..], start)
        };
        if let Some(groups) = select(data, at, form, whole, &[SHARED, PER_FRAME], true) {
            return Ok(frames(&groups, form));
        }
        if whole {
            return Err("truncated or damaged: its functional groups break off".into());
        }
        step *= 4;
    }
}

/// `bytes` holds the two sequences and nothing else.
fn frames(bytes: &[u8], form: Form) -> Vec<FrameGroups> {
    let all = 0..bytes.len();
    let shared = find(bytes, all.clone(), form, SHARED).and_then(|s| items(bytes, &s).into_iter().next());
    let shared = shared.unwrap_or(0..0);
    let per_frame = find(bytes, all, form, PER_FRAME).map(|s| items(bytes, &s)).unwrap_or_default();
    per_frame.into_iter().map(|frame| Group { bytes, form, frame, shared: shared.clone() }.read()).collect()
}

struct Group<'a> {
    bytes: &'a [u8],
    form: Form,
    frame: Range<usize>,
    shared: Range<usize>,
}

impl Group<'_> {
    fn read(&self) -> FrameGroups {
        FrameGroups {
            position: self.numbers(PLANE_POSITION, (0x0020, 0x0032)),
            orientation: self.numbers(PLANE_ORIENTATION, (0x0020, 0x0037)),
            pixel_spacing: self.numbers(PIXEL_MEASURES, (0x0028, 0x0030)),
            slice_thickness: self.numbers(PIXEL_MEASURES, (0x0018, 0x0050)).first().copied(),
            slope: self.numbers(VALUE_TRANSFORMATION, (0x0028, 0x1053)).first().copied(),
            intercept: self.numbers(VALUE_TRANSFORMATION, (0x0028, 0x1052)).first().copied(),
            rescale_type: self.text(VALUE_TRANSFORMATION, (0x0028, 0x1054)),
            image_type: self.text(FRAME_TYPE, (0x0008, 0x9007)),
            kernel: self.text(RECONSTRUCTION, (0x0018, 0x1210)),
            kvp: self.numbers(X_RAY_DETAILS, (0x0018, 0x0060)).first().copied(),
            acquisition_number: self.whole(FRAME_CONTENT, (0x0020, 0x9156)),
            temporal_position: self.whole(FRAME_CONTENT, (0x0020, 0x9128)),
            segment: self.whole(SEGMENT_IDENTIFICATION, (0x0062, 0x000B)),
        }
    }

    /// The bytes of an element in the first item of a group: the frame's, or the shared one.
    fn value(&self, group: Tag, tag: Tag) -> Option<&[u8]> {
        let [unassigned_frame, unassigned_shared] = UNASSIGNED;
        let within = |range: &Range<usize>, group: Tag| {
            let sequence = find(self.bytes, range.clone(), self.form, group)?;
            let item = items(self.bytes, &sequence).into_iter().next()?;
            let element: Element = find(self.bytes, item, sequence.inside, tag)?;
            self.bytes.get(element.value..element.value.checked_add(element.length?)?)
        };
        within(&self.frame, group)
            .or_else(|| within(&self.shared, group))
            .or_else(|| within(&self.frame, unassigned_frame))
            .or_else(|| within(&self.shared, unassigned_shared))
    }

    fn text(&self, group: Tag, tag: Tag) -> String {
        let text = String::from_utf8_lossy(self.value(group, tag).unwrap_or_default());
        text.trim_matches(|c: char| c.is_whitespace() || c == '\0').to_string()
    }

    fn numbers(&self, group: Tag, tag: Tag) -> Vec<f64> {
        let text = self.text(group, tag);
        let parsed: Option<Vec<f64>> =
            text.split('\\').map(|part| part.trim().parse().ok().filter(|v: &f64| v.is_finite())).collect();
        parsed.unwrap_or_default()
    }

    fn whole(&self, group: Tag, tag: Tag) -> Option<i64> {
        let value = self.value(group, tag)?;
        if !matches!(value.len(), 2 | 4) {
            return None;
        }
        let join = |whole: i64, byte: &u8| whole << 8 | i64::from(*byte);
        Some(if self.form == Form::BigEndian { value.iter().fold(0, join) } else { value.iter().rev().fold(0, join) })
    }
}
