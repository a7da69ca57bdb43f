//! One file's header as typed values, tolerant of what real files do to them.

use super::functional_groups::{self, FrameGroups};
use super::native::{Form, meta_of, select};
use super::series::{SeriesHeader, StoredPixels};
use super::source::{PackedMember, inflated, open};
use dicom_core::{Tag, VR, value::PrimitiveValue};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{DefaultDicomObject, FileMetaTableBuilder, InMemDicomObject, OpenFileOptions, file::ReadPreamble};
use nalgebra::Vector3;
use std::io::{Cursor, Read};
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
    Meta { data_set: u64, syntax: String },
    /// The data set at once.
    BareDataSet { explicit: bool },
    /// The magic code, but nothing sensible behind it.
    Broken,
    /// Something else.
    Foreign,
}

/// Meta information is a few hundred bytes; more than this is private data nobody needs for reading.
const HEAD: u64 = 64 * 1024;

fn start_of(head: &[u8]) -> Start {
    let magic = head.get(128..132) == Some(b"DICM") || head.starts_with(b"DICM");
    if let Some((data_set, syntax)) = meta_of(head) {
        return Start::Meta { data_set: data_set as u64, syntax };
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

/// The meta information a file should have begun with. The parser wants some; the UIDs in it are never used.
fn meta_for(syntax: &str) -> Vec<u8> {
    let mut bytes = b"DICM".to_vec();
    let table = FileMetaTableBuilder::new()
        .transfer_syntax(syntax)
        .media_storage_sop_class_uid(uids::CT_IMAGE_STORAGE)
        .media_storage_sop_instance_uid("2.25.1")
        .build();
    if let Ok(table) = table {
        // Writing into memory cannot fail; if it did the parser would say so.
        let _ = table.write(&mut bytes);
    }
    bytes
}

/// An object and the transfer syntax its file is in.
pub(crate) struct Parsed {
    pub object: DefaultDicomObject,
    pub syntax: String,
}

/// The elements that are read of an image besides its pixels, sorted.
const WANTED: [Tag; 37] = [
    tags::SPECIFIC_CHARACTER_SET,
    tags::IMAGE_TYPE,
    tags::SOP_CLASS_UID,
    tags::SOP_INSTANCE_UID,
    tags::MODALITY,
    tags::MANUFACTURER,
    tags::SERIES_DESCRIPTION,
    tags::MANUFACTURER_MODEL_NAME,
    tags::BODY_PART_EXAMINED,
    tags::SLICE_THICKNESS,
    tags::KVP,
    tags::CONVOLUTION_KERNEL,
    tags::PATIENT_POSITION,
    tags::STUDY_INSTANCE_UID,
    tags::SERIES_INSTANCE_UID,
    tags::ACQUISITION_NUMBER,
    tags::INSTANCE_NUMBER,
    tags::IMAGE_POSITION_PATIENT,
    tags::IMAGE_ORIENTATION_PATIENT,
    tags::FRAME_OF_REFERENCE_UID,
    tags::SAMPLES_PER_PIXEL,
    tags::PHOTOMETRIC_INTERPRETATION,
    tags::PLANAR_CONFIGURATION,
    tags::NUMBER_OF_FRAMES,
    tags::ROWS,
    tags::COLUMNS,
    tags::PIXEL_SPACING,
    tags::BITS_ALLOCATED,
    tags::BITS_STORED,
    tags::HIGH_BIT,
    tags::PIXEL_REPRESENTATION,
    tags::PIXEL_PADDING_VALUE,
    tags::PIXEL_PADDING_RANGE_LIMIT,
    tags::RESCALE_INTERCEPT,
    tags::RESCALE_SLOPE,
    tags::RESCALE_TYPE,
    tags::LOSSY_IMAGE_COMPRESSION,
];

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
        Start::Meta { data_set, syntax } => (data_set as usize, syntax),
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

/// How much of an object to parse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// What [`Header`] holds.
    Header,
    /// Name and identifier of the patient alone.
    Identity,
}

/// Parses the needed part of a DICOM object, with or without preamble and meta information.
/// `None`: not DICOM by its first bytes.
///
/// The file's own meta information is replaced by a clean one: real files hold wrong group lengths there, over which
/// the parser stumbles, and nothing in it is needed but the transfer syntax.
pub(crate) fn parse<R: Read>(mut from: R, extent: Extent) -> Result<Option<Parsed>, String> {
    let mut bytes = Vec::new();
    let mut read_to = |bytes: &mut Vec<u8>, length: u64| {
        let rest = length.saturating_sub(bytes.len() as u64);
        from.by_ref().take(rest).read_to_end(bytes).map_err(|e| e.to_string())
    };
    // In steps, so that a folder of other things is not read 64 kB a file, nor whole images for their headers.
    read_to(&mut bytes, 132)?;
    if matches!(start_of(&bytes), Start::Foreign) && !bytes.starts_with(&[2, 0]) {
        return Ok(None);
    }
    read_to(&mut bytes, HEAD)?;
    let (data_set, syntax, other) = match start_of(&bytes) {
        Start::Foreign => return Ok(None),
        Start::Broken => return Err("its meta information names no transfer syntax".into()),
        Start::Meta { data_set, syntax } => (data_set, syntax, None),
        // A first element in implicit VR can look explicit by chance, so the other reading is the second guess.
        Start::BareDataSet { explicit: true } => {
            (0, uids::EXPLICIT_VR_LITTLE_ENDIAN.to_string(), Some(uids::IMPLICIT_VR_LITTLE_ENDIAN))
        }
        Start::BareDataSet { explicit: false } => {
            (0, uids::IMPLICIT_VR_LITTLE_ENDIAN.to_string(), Some(uids::EXPLICIT_VR_LITTLE_ENDIAN))
        }
    };
    let mut whole = (bytes.len() as u64) < HEAD;
    loop {
        let guesses = [Some(syntax.as_str()), other];
        let read = guesses.into_iter().flatten().find_map(|guess| {
            let object = parse_part(&bytes, data_set as usize, guess, whole, extent)?;
            Some(object.map(|object| Parsed { object, syntax: guess.to_string() }))
        });
        match read {
            Some(result) => return result.map(Some),
            None if whole => return Err("truncated or damaged: an element runs past the end of the file".into()),
            None => whole = true,
        }
        // A long header.
        read_to(&mut bytes, u64::MAX)?;
    }
}

/// `None` if more bytes than these are needed.
fn parse_part(
    bytes: &[u8],
    data_set: usize,
    syntax: &str,
    whole: bool,
    extent: Extent,
) -> Option<Result<DefaultDicomObject, String>> {
    let read = |meta_syntax: &str, data: &[u8]| {
        let options = OpenFileOptions::new().read_preamble(ReadPreamble::Never).read_until(tags::PIXEL_DATA);
        options.from_reader(Cursor::new(meta_for(meta_syntax)).chain(data)).map_err(|e| reasons(&e))
    };
    let unpacked;
    let (bytes, data_set) = if syntax == uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN {
        unpacked = inflated(&bytes[data_set..]);
        (&unpacked[..], 0)
    } else {
        (bytes, data_set)
    };
    let form = Form::of(syntax);
    let wanted: Vec<(u16, u16)> = match extent {
        Extent::Identity => vec![tags::SPECIFIC_CHARACTER_SET, tags::PATIENT_NAME, tags::PATIENT_ID],
        Extent::Header => WANTED.to_vec(),
    }
    .into_iter()
    .map(|tag| (tag.0, tag.1))
    .collect();
    let part = select(bytes, data_set, form, whole, &wanted, false)?;
    let syntax = match form {
        Form::Implicit => uids::IMPLICIT_VR_LITTLE_ENDIAN,
        Form::Explicit => uids::EXPLICIT_VR_LITTLE_ENDIAN,
        Form::BigEndian => BIG_ENDIAN,
    };
    Some(read(syntax, &part))
}

/// An error with its causes in one line.
pub(crate) fn reasons(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        cause = inner.source();
    }
    text
}

/// Reads the header of one object, up to its pixels.
pub(crate) fn look(path: &Path, packed: Option<&PackedMember>) -> Look {
    let opened = open(path, packed).map_err(|e| e.to_string());
    let parsed = match opened.and_then(|file| parse(file, Extent::Header)) {
        Ok(None) => return Look::NotDicom,
        Ok(Some(parsed)) => parsed,
        Err(why) => return Look::Unreadable(why),
    };
    let mut whole = header(path, &parsed.object, parsed.syntax);
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

fn header(path: &Path, object: &DefaultDicomObject, syntax: String) -> Header {
    let text = |tag| text(object, tag).unwrap_or_default();
    let number = |tag| numbers(object, tag).first().copied();
    let integer = |tag| integer(object, tag);

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
        },
        sop_instance_uid: text(tags::SOP_INSTANCE_UID),
        instance_number: integer(tags::INSTANCE_NUMBER),
        acquisition_number: integer(tags::ACQUISITION_NUMBER),
        frames: integer(tags::NUMBER_OF_FRAMES).unwrap_or(1),
        samples: integer(tags::SAMPLES_PER_PIXEL).unwrap_or(1),
        rows: integer(tags::ROWS).unwrap_or(0).clamp(0, 65535) as usize,
        columns: integer(tags::COLUMNS).unwrap_or(0).clamp(0, 65535) as usize,
        photometric: text(tags::PHOTOMETRIC_INTERPRETATION),
        orientation: unit_vectors(numbers(object, tags::IMAGE_ORIENTATION_PATIENT)),
        position: <[f64; 3]>::try_from(numbers(object, tags::IMAGE_POSITION_PATIENT)).ok().map(Vector3::from),
        spacing: in_plane(numbers(object, tags::PIXEL_SPACING)),
        rescale_missing: false,
        rescale_type: text(tags::RESCALE_TYPE),
        raw_padding: padding,
        stored,
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

/// Text without the padding; `None` where absent or empty. Reads through VR UN.
pub(crate) fn text(object: &InMemDicomObject, tag: Tag) -> Option<String> {
    let element = object.get(tag)?;
    let raw = match element.value().primitive()? {
        PrimitiveValue::U8(bytes) if element.vr() == VR::UN => String::from_utf8_lossy(bytes).into_owned(),
        value => value.to_str().into_owned(),
    };
    let trimmed = raw.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (!trimmed.is_empty()).then(|| trimmed.to_string())
}

/// All numbers of an element. Parsed here from text: DS longer than the 16 characters allowed are common.
/// Empty where absent or where any of them is no finite number.
fn numbers(object: &InMemDicomObject, tag: Tag) -> Vec<f64> {
    let Some(text) = text(object, tag) else { return Vec::new() };
    let parsed: Option<Vec<f64>> =
        text.split('\\').map(|part| part.trim().parse().ok().filter(|v: &f64| v.is_finite())).collect();
    parsed.unwrap_or_default()
}

/// The first integer of a binary or a text element.
fn integer(object: &InMemDicomObject, tag: Tag) -> Option<i64> {
    let element = object.get(tag)?;
    match element.value().primitive()? {
        PrimitiveValue::U8(bytes) if element.vr() == VR::UN && bytes.len() == 2 && bytes[1] < b' ' => {
            Some(i64::from(u16::from_le_bytes([bytes[0], bytes[1]])))
        }
        _ => numbers(object, tag).first().map(|v| v.round() as i64),
    }
}

#[cfg(test)]
#[test]
fn wanted_elements_are_sorted_as_the_search_for_them_needs() {
    assert!(WANTED.is_sorted());
}
