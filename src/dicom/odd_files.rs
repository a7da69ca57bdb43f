//! Single real files that break readers: each must be read right or refused with the reason.

use super::discover;
use super::elements::{Elements, Extent, WANTED, parsed, plain};
use super::header::{Look, look};
use super::load::image_of;
use super::native::meta_of;
use super::stack::source_of;
use crate::volume::NO_DATA;
use dicom_dictionary_std::tags;
use std::path::{Path, PathBuf};

fn shared(folder: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let root = std::env::var_os("CORTICALYSIS_SHARED_DATA").map_or_else(beside, PathBuf::from);
    let there = Some(root.join(folder)).filter(|p| p.is_dir());
    if there.is_none() {
        println!("skipped: shared data not present");
    }
    there
}

/// The HU of every image in a file, also where it is set aside or its series cannot be used.
fn images(path: &Path) -> Result<Vec<Vec<i16>>, String> {
    match look(path, None) {
        Look::NotDicom => Err("not DICOM".into()),
        Look::Unreadable(why) => Err(why),
        Look::Dicom(frames) => frames.iter().map(|h| image_of(&source_of(h), h.columns, h.rows)).collect(),
    }
}

fn pixels(path: &Path) -> Result<Vec<i16>, String> {
    images(path).map(|mut images| images.remove(0))
}

#[test]
fn the_short_way_through_a_header_reads_what_the_parser_does() {
    let Some(odd) = shared("odd") else { return };
    let mut short = 0;
    for entry in std::fs::read_dir(odd).expect("listing").flatten() {
        let bytes = std::fs::read(entry.path()).expect("reading");
        let Some((at, syntax)) = meta_of(&bytes) else { continue };
        let Some(found) = plain(&bytes, at, &syntax, true) else { continue };
        let long = parsed(&bytes, at, &syntax, true, Extent::Header).expect("complete").expect("sound");
        let (found, long) = (Elements::Plain(found, bytes), Elements::Parsed(long));
        for (tag, _) in WANTED {
            // Of implicit padding the parser knows the sign; bits are what is compared later.
            if matches!(tag, tags::PIXEL_PADDING_VALUE | tags::PIXEL_PADDING_RANGE_LIMIT) {
                let bits = [&found, &long].map(|elements| elements.integer(tag).map(|value| value as u16));
                assert_eq!(bits[0], bits[1], "{tag} of {}", entry.path().display());
                continue;
            }
            let both =
                [&found, &long].map(|elements| (elements.text(tag), elements.numbers(tag), elements.integer(tag)));
            assert_eq!(both[0], both[1], "{tag} of {}", entry.path().display());
        }
        short += 1;
    }
    assert!(short > 20, "only {short} files are plain");
}

#[test]
fn lossless_transfer_syntaxes_give_identical_hu() {
    let Some(odd) = shared("odd") else { return };
    let variant = |end: &str| {
        let name = "cornerstonejs+cornerstoneWADOImageLoader__examples__test-images__CTImage.dcm";
        odd.join(format!("{name}{end}"))
    };
    let plain = pixels(&variant("")).expect("the uncompressed file is read");
    assert!(plain.iter().any(|hu| *hu > 300) && plain.contains(&NO_DATA));
    for end in [
        "_BigEndianExplicitTransferSyntax_1.2.840.10008.1.2.2.dcm",
        "_DeflatedExplicitVRLittleEndianTransferSyntax_1.2.840.10008.1.2.1.99.dcm",
        "_JPEG2000LosslessOnlyTransferSyntax_1.2.840.10008.1.2.4.90.dcm",
        "_JPEGProcess14SV1TransferSyntax_1.2.840.10008.1.2.4.70.dcm",
        "_JPEGProcess14TransferSyntax_1.2.840.10008.1.2.4.57.dcm",
        "_LittleEndianExplicitTransferSyntax_1.2.840.10008.1.2.1.dcm",
        "_LittleEndianImplicitTransferSyntax_1.2.840.10008.1.2.dcm",
        "_RLELosslessTransferSyntax_1.2.840.10008.1.2.5.dcm",
    ] {
        match pixels(&variant(end)) {
            Ok(hu) => {
                assert!(hu == plain, "{end}: {} pixels differ", hu.iter().zip(&plain).filter(|(a, b)| a != b).count())
            }
            Err(e) => panic!("{end}: {e}"),
        }
    }
}

#[test]
fn lossy_variants_are_close_or_refused_with_a_hint() {
    let Some(odd) = shared("odd") else { return };
    let name = "cornerstonejs+cornerstoneWADOImageLoader__examples__test-images__CTImage.dcm";
    let plain = pixels(&odd.join(name)).expect("the uncompressed file is read");
    for end in [
        "_JPEG2000TransferSyntax_1.2.840.10008.1.2.4.91.dcm",
        "_JPEGLSLosslessTransferSyntax_1.2.840.10008.1.2.4.80.dcm",
        "_JPEGLSLossyTransferSyntax_1.2.840.10008.1.2.4.81.dcm",
        "_JPEGProcess1TransferSyntax_1.2.840.10008.1.2.4.50.dcm",
        "_JPEGProcess2_4TransferSyntax_1.2.840.10008.1.2.4.51.dcm",
        "_JPEGProcess6_8TransferSyntax_1.2.840.10008.1.2.4.53.dcm",
        "_JPEGProcess10_12TransferSyntax_1.2.840.10008.1.2.4.55.dcm",
    ] {
        match pixels(&odd.join(format!("{name}{end}"))) {
            Err(e) => {
                println!("{end}: {e}");
                assert!(e.contains("hint:"), "{end}: {e}");
            }
            Ok(hu) => {
                let body = hu.iter().zip(&plain).filter(|(a, b)| **a > -500 && **b > -500);
                let (sum, n) = body.fold((0.0, 0.0), |(s, n), (a, b)| (s + f64::from((a - b).abs()), n + 1.0));
                println!("{end}: mean difference {:.1} HU over {n} pixels", sum / n);
                // The 8-bit variant has steps of 32 HU.
                assert!(sum / n < 32.0, "{end}: {} HU off", sum / n);
            }
        }
    }
}

#[test]
fn codec_and_plain_copies_of_a_14_bit_image_agree() {
    let Some(odd) = shared("odd") else { return };
    let read = |name: &str| pixels(&odd.join(format!("pydicom+pydicom-data__data_store__data__{name}"))).expect(name);
    assert!(read("693_J2KR.dcm") == read("693_UNCR.dcm"));
}

#[test]
fn no_file_panics_and_every_refusal_says_what_to_do() {
    let Some(odd) = shared("odd") else { return };
    for entry in std::fs::read_dir(odd).expect("listing").flatten() {
        match discover(&[entry.path()], &|_, _| {}) {
            Err(e) => assert!(e.to_string().contains("hint:") && e.exit_status() == 3, "{e}"),
            Ok(found) => {
                for series in &found.series {
                    // Only a multi-frame object is a series by itself.
                    match series.load(&|_, _| {}) {
                        Ok(volume) => assert!(volume.grid.size[2] > 1),
                        Err(e) => assert!(e.to_string().contains("hint:"), "{e}"),
                    }
                }
            }
        }
    }
}

/// CRC-32 of the HU (16 bits, little endian, frame after frame) that pydicom 3 with its codec plugins reads, after the
/// rules of [`super::Series::load`] for fill and air. JPEG-LS and JPEG 2000 with loss are exact too: their decoders are
/// bound to the bit, those of the DCT are not.
const BY_PYDICOM: &[(&str, u32)] = &[
    ("QIICR+dcmqi__data__segmentations__23x38x3__image__IMG0001.dcm", 0xc1639373),
    ("QIICR+dcmqi__data__segmentations__23x38x3__image__IMG0002.dcm", 0x321352df),
    ("QIICR+dcmqi__data__segmentations__23x38x3__image__IMG0003.dcm", 0xc1639373),
    ("QIICR+dcmqi__data__segmentations__23x38x3__multiframe__mf.dcm", 0x87a1f1ab),
    ("QIICR+dcmqi__data__segmentations__ct-3slice__01.dcm", 0x21e318ca),
    ("QIICR+dcmqi__data__segmentations__ct-3slice__02.dcm", 0x92156b7a),
    ("QIICR+dcmqi__data__segmentations__ct-3slice__03.dcm", 0x4f6149f0),
    ("cornerstonejs+cornerstoneWADOImageLoader__examples__test-images__CTImage.dcm", 0xd14eda22),
    (
        "cornerstonejs+cornerstoneWADOImageLoader__examples__test-images__CTImage.dcm_BigEndianExplicitTransferSyntax_1.2.840.10008.1.2.2.dcm",
        0xd14eda22,
    ),
    (
        "cornerstonejs+cornerstoneWADOImageLoader__examples__test-images__CTImage.dcm_DeflatedExplicitVRLittleEndianTransferSyntax_1.2.840.10008.1.2.1.99.dcm",
        0xd14eda22,
    ),
    (
        "cornerstonejs+cornerstoneWADOImageLoader__examples__test-images__CTImage.dcm_JPEG2000LosslessOnlyTransferSyntax_1.2.840.10008.1.2.4.90.dcm",
        0xd14eda22,
    ),
    (
        "cornerstonejs+cornerstoneWADOImageLoader__examples__test-images__CTImage.dcm_JPEG2000TransferSyntax_1.2.840.10008.1.2.4.91.dcm",
        0xdf386313,
    ),
    (
        "cornerstonejs+cornerstoneWADOImageLoader__examples__test-images__CTImage.dcm_JPEGLSLosslessTransferSyntax_1.2.840.10008.1.2.4.80.dcm",
        0xd14eda22,
    ),
    (
        "cornerstonejs+cornerstoneWADOImageLoader__examples__test-images__CTImage.dcm_JPEGLSLossyTransferSyntax_1.2.840.10008.1.2.4.81.dcm",
        0x67dd12e8,
    ),
    (
        "cornerstonejs+cornerstoneWADOImageLoader__examples__test-images__CTImage.dcm_JPEGProcess14SV1TransferSyntax_1.2.840.10008.1.2.4.70.dcm",
        0xd14eda22,
    ),
    (
        "cornerstonejs+cornerstoneWADOImageLoader__examples__test-images__CTImage.dcm_JPEGProcess14TransferSyntax_1.2.840.10008.1.2.4.57.dcm",
        0xd14eda22,
    ),
    (
        "cornerstonejs+cornerstoneWADOImageLoader__examples__test-images__CTImage.dcm_LittleEndianExplicitTransferSyntax_1.2.840.10008.1.2.1.dcm",
        0xd14eda22,
    ),
    (
        "cornerstonejs+cornerstoneWADOImageLoader__examples__test-images__CTImage.dcm_LittleEndianImplicitTransferSyntax_1.2.840.10008.1.2.dcm",
        0xd14eda22,
    ),
    (
        "cornerstonejs+cornerstoneWADOImageLoader__examples__test-images__CTImage.dcm_RLELosslessTransferSyntax_1.2.840.10008.1.2.5.dcm",
        0xd14eda22,
    ),
    ("cornerstonejs+dicomParser__testImages__CT1_UNC.explicit_big_endian.dcm", 0xdb832068),
    ("cornerstonejs+dicomParser__testImages__CT1_UNC.explicit_little_endian.dcm", 0xdb832068),
    ("cornerstonejs+dicomParser__testImages__CT1_UNC.implicit_little_endian.dcm", 0xdb832068),
    (
        "cornerstonejs+dicomParser__testImages__encapsulated__multi-frame__CT0012.fragmented_no_bot_jpeg_lossless.57.dcm",
        0xbc6a7333,
    ),
    (
        "cornerstonejs+dicomParser__testImages__encapsulated__multi-frame__CT0012.fragmented_no_bot_jpeg_lossless.70.dcm",
        0xbc6a7333,
    ),
    (
        "cornerstonejs+dicomParser__testImages__encapsulated__multi-frame__CT0012.fragmented_no_bot_jpeg_ls.80.dcm",
        0xbc6a7333,
    ),
    (
        "cornerstonejs+dicomParser__testImages__encapsulated__multi-frame__CT0012.fragmented_no_bot_jpeg_ls.81.dcm",
        0xd57af7d3,
    ),
    (
        "cornerstonejs+dicomParser__testImages__encapsulated__multi-frame__CT0012.not_fragmented_bot_jpeg_ls.80.dcm",
        0xbc6a7333,
    ),
    ("cornerstonejs+dicomParser__testImages__encapsulated__multi-frame__CT0012.not_fragmented_bot_rle.dcm", 0xbc6a7333),
    (
        "cornerstonejs+dicomParser__testImages__encapsulated__multi-frame__CT0012.not_fragmented_no_bot_jpeg_ls.80.dcm",
        0xbc6a7333,
    ),
    (
        "cornerstonejs+dicomParser__testImages__encapsulated__multi-frame__CT0012.not_fragmented_no_bot_rle.dcm",
        0xbc6a7333,
    ),
    (
        "cornerstonejs+dicomParser__testImages__encapsulated__single-frame__CT1_UNC.fragmented_bot_jpeg_ls.80.dcm",
        0xdb832068,
    ),
    (
        "cornerstonejs+dicomParser__testImages__encapsulated__single-frame__CT1_UNC.fragmented_no_bot_jpeg_ls.80.dcm",
        0xdb832068,
    ),
    (
        "cornerstonejs+dicomParser__testImages__encapsulated__single-frame__CT1_UNC.not_fragmented_bot_jpeg_ls.80.dcm",
        0xdb832068,
    ),
    ("icometrix+dicom2nifti__tests__data__failing__gantrytilting__001__IM-0001-0001.dcm", 0x013e9318),
    ("icometrix+dicom2nifti__tests__data__failing__gantrytilting__001__IM-0001-0002.dcm", 0x49d7e33c),
    ("icometrix+dicom2nifti__tests__data__failing__gantrytilting__001__IM-0001-0003.dcm", 0x476d6419),
    ("icometrix+dicom2nifti__tests__data__failing__gantrytilting__001__IM-0001-0004.dcm", 0xbdbb3bc6),
    ("icometrix+dicom2nifti__tests__data__failing__notavolume__001__001.dcm", 0x829525b1),
    ("icometrix+dicom2nifti__tests__data__failing__notavolume__001__002.dcm", 0x1c9863a6),
    ("icometrix+dicom2nifti__tests__data__failing__notavolume__001__003.dcm", 0x33185f69),
    ("icometrix+dicom2nifti__tests__data__failing__notavolume__001__004.dcm", 0x4b623c77),
    ("icometrix+dicom2nifti__tests__data__failing__sliceincrement__001__IM-0001-0007-0001.dcm", 0xea06107e),
    ("icometrix+dicom2nifti__tests__data__failing__sliceincrement__001__IM-0001-0008-0001.dcm", 0xb249f4cb),
    ("icometrix+dicom2nifti__tests__data__failing__sliceincrement__001__IM-0001-0009-0001.dcm", 0xf2ead361),
    ("icometrix+dicom2nifti__tests__data__failing__sliceincrement__001__IM-0001-0010-0001.dcm", 0x604fe537),
    ("icometrix+dicom2nifti__tests__data__failing__sliceincrement__002__IM-0001-0001.dcm", 0xc63700a2),
    ("icometrix+dicom2nifti__tests__data__failing__sliceincrement__002__IM-0001-0002.dcm", 0xd4477ebb),
    ("icometrix+dicom2nifti__tests__data__failing__sliceincrement__002__IM-0001-0003.dcm", 0x79aa0d76),
    ("icometrix+dicom2nifti__tests__data__failing__sliceincrement__002__IM-0001-0005.dcm", 0x18daecfe),
    ("pydicom+pydicom-data__data_store__data__693_J2KR.dcm", 0x120a9e47),
    ("pydicom+pydicom-data__data_store__data__693_UNCI.dcm", 0x575cd0a7),
    ("pydicom+pydicom-data__data_store__data__693_UNCR.dcm", 0x120a9e47),
    ("pydicom+pydicom-data__data_store__data__bad_sequence.dcm", 0xd50dc68f),
    ("pydicom+pydicom-data__data_store__data__eCT_Supplemental.dcm", 0xbc6a7333),
    ("pydicom+pydicom-data__data_store__data__explicit_VR-UN.dcm", 0xec341625),
    ("pydicom+pydicom__src__pydicom__data__test_files__CT_small.dcm", 0x452beccd),
    ("pydicom+pydicom__src__pydicom__data__test_files__J2K_pixelrep_mismatch.dcm", 0x4eb321c0),
    ("qurit+rt-utils__tests__oriented_data__1.dcm", 0x2a8493ce),
    ("qurit+rt-utils__tests__oriented_data__2.dcm", 0x8710ebf5),
];

#[test]
fn every_odd_ct_has_the_hu_of_pydicom() {
    let Some(odd) = shared("odd") else { return };
    let mut wrong = Vec::new();
    for (name, expected) in BY_PYDICOM {
        match images(&odd.join(name)) {
            Err(e) => wrong.push(format!("{name}: {e}")),
            Ok(images) => {
                let mut crc = flate2::Crc::new();
                images.iter().flatten().for_each(|hu| crc.update(&hu.to_le_bytes()));
                if crc.sum() != *expected {
                    wrong.push(format!("{name}: other HU in {} images", images.len()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Mean, lowest and highest HU of each frame.
const JPEG_12_BITS: [(f64, i32, i32); 2] = [(383.637, -13, 1199), (374.470, -14, 1173)];

/// DCT codecs differ by rounding. The reference is pydicom.
#[test]
fn a_fragmented_multi_frame_jpeg_of_12_bits_is_read() {
    let Some(odd) = shared("odd") else { return };
    let name = "cornerstonejs+cornerstoneWADOImageLoader__examples__test-images__CT0012.fragmented_no_bot_jpeg_baseline.51.dcm";
    let images = images(&odd.join(name)).expect("read");
    for (image, (mean, low, high)) in images.iter().zip(JPEG_12_BITS) {
        let sum: i64 = image.iter().map(|hu| i64::from(*hu)).sum();
        assert!((sum as f64 / image.len() as f64 - mean).abs() < 0.05, "{}", sum as f64 / image.len() as f64);
        let extremes = [image.iter().min(), image.iter().max()].map(|hu| i32::from(*hu.expect("pixels")));
        assert!((extremes[0] - low).abs() <= 1 && (extremes[1] - high).abs() <= 1, "{extremes:?}");
    }
    assert_eq!(images.len(), 2);
}
