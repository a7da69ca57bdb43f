//! One file's header as typed values, tolerant of what real files do to them.

use super::elements::{Elements, Extent, parsed, plain};
use super::functional_groups::{self, FrameGroups};
use super::native::{Form, meta_of};
use super::series::{PixelPlace, SeriesHeader, StoredPixels};
use super::source::{PackedMember, fill, inflated, open};
use dicom_dictionary_std::{tags, uids};
use nalgebra::Vector3;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What a look at one file gave.
#[derive(Debug)]
pub(crate) enum Look {
    /// Not DICOM by its first bytes.
    NotDicom,
    /// Cannot be opened, or breaks off within the header.
    Unreadable(String),
    /// A DICOM object of any kind; of an enhanced CT one header a frame.
    Dicom(Vec<Header>),
}

/// The header of one object, before any judgement.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    pub path: PathBuf,
    pub packed: Option<PackedMember>,
    /// Index of the frame.
    pub frame: usize,
    pub sop_class: String,
    pub modality: String,
    pub image_type: Vec<String>,
    pub series: SeriesHeader,
    pub sop_instance_uid: String,
    pub instance_number: Option<i64>,
    pub acquisition_number: Option<i64>,
    /// Frames of the object.
    pub frames: i64,
    pub samples: i64,
    pub photometric: String,
    pub rows: usize,
    pub columns: usize,
    /// Unit vectors along increasing column and row index.
    pub orientation: Option<[Vector3<f64>; 2]>,
    /// Centre of the first voxel, mm.
    pub position: Option<Vector3<f64>>,
    /// Distance between columns and between rows, mm (PixelSpacing turned round: it is row\column).
    pub spacing: Option<[f64; 2]>,
    pub stored: StoredPixels,
    /// Where the pixels lie in the file, where that was seen.
    pub pixels: Option<PixelPlace>,
    pub rescale_missing: bool,
    pub rescale_type: String,
    /// First and last padding value as the file gives them, believed or not.
    pub raw_padding: Option<(u16, u16)>,
    pub padding_ignored_hu: Option<f64>,
    pub lossy: bool,
}

/// Transfer syntaxes that lose information, whatever the header says.
const LOSSY: [&str; 5] = [
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.53",
    "1.2.840.10008.1.2.4.55",
    "1.2.840.10008.1.2.4.81",
];

/// Retired, but read.
pub(crate) const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";

/// How a file begins: where its data set starts and in which transfer syntax it is.
enum Start {
    /// Meta information, with or without preamble and magic code before it.
    Meta { data_set: usize, syntax: String },
    /// The data set at once.
    BareDataSet { explicit: bool },
    /// The magic code, but nothing sensible behind it.
    Broken,
    /// Something else.
    Foreign,
}

/// Meta information is a few hundred bytes; more than this is private data nobody needs for reading.
const HEAD: usize = 64 * 1024;
/// Holds the header of most CT images, and the place of their pixels.
const FIRST: usize = 8 * 1024;

fn start_of(head: &[u8]) -> Start {
    let magic = head.get(128..132) == Some(b"DICM") || head.starts_with(b"DICM");
    if let Some((data_set, syntax)) = meta_of(head) {
        return Start::Meta { data_set, syntax };
    }
    match head {
        _ if magic => Start::Broken,
        // A data set without meta information begins in group 0008 in all but made-up files.
        [8, 0, 0..=0x18, 0, vr1, vr2, _, _, _, ..] => {
            Start::BareDataSet { explicit: vr1.is_ascii_uppercase() && vr2.is_ascii_uppercase() }
        }
        _ => Start::Foreign,
    }
}

/// A whole object in memory: where its data set begins, and in which form.
pub(crate) struct DataSet {
    pub bytes: Vec<u8>,
    pub start: usize,
    pub form: Form,
    pub syntax: String,
}

/// The data set of a file's bytes, inflated where it is deflated.
///
/// # Errors
/// Not DICOM by its first bytes, or no transfer syntax behind the magic code.
pub(crate) fn data_set(mut bytes: Vec<u8>) -> Result<DataSet, String> {
    let (start, syntax) = match start_of(&bytes) {
        Start::Foreign => return Err("not DICOM".into()),
        Start::Broken => return Err("its meta information names no transfer syntax".into()),
        Start::Meta { data_set, syntax } => (data_set, syntax),
        Start::BareDataSet { explicit: true } => (0, uids::EXPLICIT_VR_LITTLE_ENDIAN.to_string()),
        Start::BareDataSet { explicit: false } => (0, uids::IMPLICIT_VR_LITTLE_ENDIAN.to_string()),
    };
    let form = Form::of(&syntax);
    if syntax == uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN {
        bytes = inflated(bytes.get(start..).unwrap_or_default());
        return Ok(DataSet { bytes, start: 0, form, syntax });
    }
    Ok(DataSet { bytes, start, form, syntax })
}

/// Reads the needed part of a DICOM object, with or without preamble and meta information, and says in which transfer
/// syntax it is. `None`: not DICOM by its first bytes.
pub(crate) fn parse<R: Read>(mut from: R, extent: Extent) -> Result<Option<(Elements, String)>, String> {
    let mut bytes = Vec::new();
    // In steps, so that a folder of other things is not read 64 kB a file, nor whole images for their headers.
    for step in [FIRST, HEAD, usize::MAX] {
        fill(&mut from, &mut bytes, step).map_err(|e| e.to_string())?;
        let whole = bytes.len() < step;
        let start = start_of(&bytes);
        if matches!(start, Start::Foreign) && !bytes.starts_with(&[2, 0]) {
            return Ok(None);
        }
        if extent == Extent::Header
            && let Start::Meta { data_set, syntax } = &start
            && let Some(plain) = plain(&bytes, *data_set, syntax, whole)
            && (plain.pixels_seen || whole || step > FIRST)
        {
            return Ok(Some((Elements::Plain(plain, bytes), syntax.clone())));
        }
        // The parser is given the long step at once: it starts anew each time.
        if step == FIRST && !whole {
            continue;
        }
        // A first element in implicit VR can look explicit by chance, so the other reading is the second guess.
        let (explicit, implicit) = (uids::EXPLICIT_VR_LITTLE_ENDIAN, uids::IMPLICIT_VR_LITTLE_ENDIAN);
        let (data_set, guesses) = match &start {
            Start::Foreign => return Ok(None),
            Start::Broken => return Err("its meta information names no transfer syntax".into()),
            Start::Meta { data_set, syntax } => (*data_set, vec![syntax.as_str()]),
            Start::BareDataSet { explicit: true } => (0, vec![explicit, implicit]),
            Start::BareDataSet { explicit: false } => (0, vec![implicit, explicit]),
        };
        for guess in guesses {
            if let Some(object) = parsed(&bytes, data_set, guess, whole, extent) {
                return Ok(Some((Elements::Parsed(object?), guess.to_string())));
            }
        }
        if whole {
            break;
        }
    }
    Err("truncated or damaged: an element runs past the end of the file".into())
}
/// Reads the header of one object, up to its pixels.
pub(crate) fn look(path: &Path, packed: Option<&PackedMember>) -> Look {
    let opened = open(path, packed).map_err(|e| e.to_string());
    let parsed = match opened.and_then(|file| parse(file, Extent::Header)) {
        Ok(None) => return Look::NotDicom,
        Ok(Some(parsed)) => parsed,
        Err(why) => return Look::Unreadable(why),
    };
    let mut whole = header(path, &parsed.0, parsed.1);
    whole.pixels = whole.pixels.filter(|_| packed.is_none());
    whole.packed = packed.cloned();
    let enhanced = matches!(
        whole.sop_class.as_str(),
        uids::ENHANCED_CT_IMAGE_STORAGE | uids::LEGACY_CONVERTED_ENHANCED_CT_IMAGE_STORAGE
    );
    if !enhanced {
        return Look::Dicom(vec![whole]);
    }
    let form = Form::of(&whole.stored.transfer_syntax);
    let deflated = whole.stored.transfer_syntax == uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN;
    let opened = open(path, packed).map_err(|e| e.to_string());
    match opened.and_then(|file| functional_groups::read(file, form, deflated)) {
        Err(why) => Look::Unreadable(why),
        Ok(frames) if frames.is_empty() => Look::Dicom(vec![whole]),
        Ok(frames) => {
            let frames = frames.into_iter().take(usize::try_from(whole.frames).unwrap_or(0)).enumerate();
            Look::Dicom(frames.map(|(index, groups)| of_frame(&whole, index, groups)).collect())
        }
    }
}

/// The header of one frame of an enhanced object.
fn of_frame(whole: &Header, index: usize, groups: FrameGroups) -> Header {
    let mut frame = whole.clone();
    frame.frame = index;
    frame.instance_number = Some(index as i64 + 1);
    frame.position = <[f64; 3]>::try_from(groups.position).ok().map(Vector3::from);
    frame.orientation = unit_vectors(groups.orientation);
    frame.spacing = in_plane(groups.pixel_spacing);
    frame.acquisition_number = groups.temporal_position.or(groups.acquisition_number).or(whole.acquisition_number);
    if !groups.image_type.is_empty() {
        frame.image_type = words(&groups.image_type);
    }
    if !groups.kernel.is_empty() {
        frame.series.kernel = groups.kernel;
    }
    frame.series.kvp = groups.kvp.or(frame.series.kvp);
    frame.series.slice_thickness_mm = groups.slice_thickness.or(frame.series.slice_thickness_mm);
    let raw_padding = frame.raw_padding;
    frame.rescale(groups.slope, groups.intercept, raw_padding);
    frame.rescale_type = groups.rescale_type;
    frame
}

fn header(path: &Path, elements: &Elements, syntax: String) -> Header {
    let text = |tag| elements.text(tag).unwrap_or_default();
    let number = |tag| elements.numbers(tag).first().copied();
    let integer = |tag| elements.integer(tag);

    let bits_allocated = integer(tags::BITS_ALLOCATED).unwrap_or(16).clamp(0, 64) as u16;
    let bits_stored = match integer(tags::BITS_STORED) {
        Some(n) if n >= 1 && n <= i64::from(bits_allocated) => n as u16,
        _ => bits_allocated,
    };
    let high_bit = match integer(tags::HIGH_BIT) {
        Some(n) if n + 1 >= i64::from(bits_stored) && n < i64::from(bits_allocated) => n as u16,
        _ => bits_stored.saturating_sub(1),
    };
    let stored = StoredPixels {
        bits_allocated,
        bits_stored,
        high_bit,
        signed: integer(tags::PIXEL_REPRESENTATION) == Some(1),
        slope: 1.0,
        intercept: 0.0,
        padding: None,
        transfer_syntax: syntax,
    };
    let padding = integer(tags::PIXEL_PADDING_VALUE)
        .map(|first| (first as u16, integer(tags::PIXEL_PADDING_RANGE_LIMIT).unwrap_or(first) as u16));
    let lossy = text(tags::LOSSY_IMAGE_COMPRESSION) == "01" || LOSSY.contains(&stored.transfer_syntax.as_str());

    let mut header = Header {
        path: path.to_path_buf(),
        packed: None,
        frame: 0,
        sop_class: text(tags::SOP_CLASS_UID),
        modality: text(tags::MODALITY),
        image_type: words(&text(tags::IMAGE_TYPE)),
        series: SeriesHeader {
            study_instance_uid: text(tags::STUDY_INSTANCE_UID),
            series_instance_uid: text(tags::SERIES_INSTANCE_UID),
            frame_of_reference_uid: text(tags::FRAME_OF_REFERENCE_UID),
            manufacturer: text(tags::MANUFACTURER),
            model: text(tags::MANUFACTURER_MODEL_NAME),
            kernel: text(tags::CONVOLUTION_KERNEL),
            kvp: number(tags::KVP),
            patient_position: text(tags::PATIENT_POSITION),
            series_description: text(tags::SERIES_DESCRIPTION),
            body_part: text(tags::BODY_PART_EXAMINED),
            slice_thickness_mm: number(tags::SLICE_THICKNESS),
            has_contrast: !text(tags::CONTRAST_BOLUS_AGENT).is_empty(),
        },
        sop_instance_uid: text(tags::SOP_INSTANCE_UID),
        instance_number: integer(tags::INSTANCE_NUMBER),
        acquisition_number: integer(tags::ACQUISITION_NUMBER),
        frames: integer(tags::NUMBER_OF_FRAMES).unwrap_or(1),
        samples: integer(tags::SAMPLES_PER_PIXEL).unwrap_or(1),
        rows: integer(tags::ROWS).unwrap_or(0).clamp(0, 65535) as usize,
        columns: integer(tags::COLUMNS).unwrap_or(0).clamp(0, 65535) as usize,
        photometric: text(tags::PHOTOMETRIC_INTERPRETATION),
        orientation: unit_vectors(elements.numbers(tags::IMAGE_ORIENTATION_PATIENT)),
        position: <[f64; 3]>::try_from(elements.numbers(tags::IMAGE_POSITION_PATIENT)).ok().map(Vector3::from),
        spacing: in_plane(elements.numbers(tags::PIXEL_SPACING)),
        rescale_missing: false,
        rescale_type: text(tags::RESCALE_TYPE),
        raw_padding: padding,
        stored,
        pixels: elements.pixels(),
        padding_ignored_hu: None,
        lossy,
    };
    header.rescale(number(tags::RESCALE_SLOPE), number(tags::RESCALE_INTERCEPT), padding);
    header
}

impl Header {
    /// Takes slope and intercept, and the padding where it is credible on that scale.
    fn rescale(&mut self, slope: Option<f64>, intercept: Option<f64>, padding: Option<(u16, u16)>) {
        let slope = slope.filter(|s| *s != 0.0);
        self.rescale_missing = slope.is_none() || intercept.is_none();
        self.stored.slope = slope.unwrap_or(1.0);
        self.stored.intercept = intercept.unwrap_or(0.0);
        (self.stored.padding, self.padding_ignored_hu) = (None, None);
        let Some((first, last)) = padding else { return };
        // The value is US or SS and writers mix them up: compare bits, not numbers.
        let as_number = |bits: u16| if self.stored.signed { f64::from(bits as i16) } else { f64::from(bits) };
        let hu = [first, last].map(|bits| as_number(bits) * self.stored.slope + self.stored.intercept);
        // Exporters that rescale the pixels forget the padding value; 0 would then erase water.
        match hu.into_iter().find(|hu| *hu > -900.0 && *hu < 3500.0) {
            Some(tissue) => self.padding_ignored_hu = Some(tissue),
            None => self.stored.padding = Some((first, last)),
        }
    }
}

/// Unit vectors along increasing column and row index. Tolerates what rounding to a few digits does, not vectors that
/// are no directions.
pub(crate) fn unit_vectors(orientation: Vec<f64>) -> Option<[Vector3<f64>; 2]> {
    let v = <[f64; 6]>::try_from(orientation).ok()?;
    let (row, column) = (Vector3::new(v[0], v[1], v[2]), Vector3::new(v[3], v[4], v[5]));
    let sound = (row.norm() - 1.0).abs() < 0.02 && (column.norm() - 1.0).abs() < 0.02 && row.dot(&column).abs() < 0.02;
    sound.then(|| [row.normalize(), column.normalize()])
}

/// Distance between columns and between rows from PixelSpacing, which is row\column.
pub(crate) fn in_plane(pixel_spacing: Vec<f64>) -> Option<[f64; 2]> {
    let [row, column] = <[f64; 2]>::try_from(pixel_spacing).ok()?;
    Some([column, row]).filter(|s| s.iter().all(|mm| *mm > 0.0 && *mm < 100.0))
}

/// The values of a code string, in capitals.
fn words(text: &str) -> Vec<String> {
    text.split('\\').map(|s| s.trim().to_uppercase()).collect()
}
