//! Single real files that break readers: each must be read right or refused with the reason.

use super::load::first_slice;
use super::{DicomError, discover};
use crate::volume::NO_DATA;
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

fn pixels(path: &Path) -> Result<Vec<i16>, String> {
    let found = discover(&[path.to_path_buf()], &|_, _| {}).map_err(|e| e.to_string())?;
    first_slice(&found.series[0])
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
                    let loaded = series.load(&|_, _| {});
                    assert!(matches!(&loaded, Err(e @ DicomError::Unusable { .. }) if e.to_string().contains("hint:")));
                    if let Err(e) = first_slice(series) {
                        assert!(e.contains("hint:"), "{}: {e}", entry.path().display());
                        println!("{}: {e}", entry.file_name().to_string_lossy());
                    }
                }
            }
        }
    }
}
