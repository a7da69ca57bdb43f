//! Objects, containers and series as planning systems, archives and media hold them, each made here in miniature.

mod support;

use corticalysis::dicom::{Discovery, Layout, Series, SeriesFault, SeriesWarning, SetAsideReason, choose, discover};
use corticalysis::volume::NO_DATA;
use dicom_core::value::DataSetSequence;
use dicom_core::{DataElement, PrimitiveValue, VR};
use dicom_dictionary_std::{tags, uids};
use dicom_object::{FileMetaTableBuilder, InMemDicomObject};
use nalgebra::Vector3;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use support::dicom_image::{Image, write_enhanced};
use support::program::corticalysis;
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

fn find(path: &Path) -> Discovery {
    discover(&[path.to_path_buf()], &|_, _| {}).expect("discovered")
}

fn only_series(path: &Path) -> Series {
    let mut found = find(path);
    assert_eq!(found.series.len(), 1);
    found.series.remove(0)
}

fn stack_of(zs: &[f64]) -> Vec<Image> {
    zs.iter().enumerate().map(|(i, z)| Image::at(i as i64 + 1, *z)).collect()
}

fn write_all(images: &[Image], folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    images.iter().enumerate().for_each(|(i, image)| image.write(&folder.join(format!("{i}.dcm"))));
}

#[test]
fn an_enhanced_ct_is_read_like_the_same_images_one_by_one() {
    let mut images = stack_of(&[4.0, 0.0, 2.0]);
    images[1].rescale = Some(("2", "-50"));
    for syntax in
        [uids::EXPLICIT_VR_LITTLE_ENDIAN, uids::IMPLICIT_VR_LITTLE_ENDIAN, uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN]
    {
        images.iter_mut().for_each(|image| image.syntax = syntax);
        let dir = TempDir::new().unwrap();
        write_all(&images, &dir.path().join("single"));
        fs::create_dir(dir.path().join("multi")).unwrap();
        write_enhanced(&images, &dir.path().join("multi/enhanced.dcm"));
        let (single, multi) = (only_series(&dir.path().join("single")), only_series(&dir.path().join("multi")));
        assert_eq!((multi.warnings.clone(), multi.faults.clone()), (vec![], vec![]), "{syntax}");
        assert_eq!(multi.grid, single.grid);
        let (single, multi) = (single.load(&|_, _| {}).unwrap(), multi.load(&|_, _| {}).unwrap());
        assert_eq!(multi.voxels, single.voxels, "{syntax}");
        assert_eq!(multi.slice(0)[..2], [350, 352]);
    }
}

#[test]
fn a_truncated_enhanced_ct_is_refused_naming_the_frame() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("enhanced.dcm");
    write_enhanced(&stack_of(&[0.0, 2.0, 4.0]), &path);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 6]).unwrap();
    let error = only_series(dir.path()).load(&|_, _| {}).unwrap_err().to_string();
    assert!(error.contains("slice 2 (z = 4.0 mm)") && error.contains("34 of 40 bytes"), "{error}");
}

/// Slices of a gantry tilted by 16.3 degrees (cosine 0.96, sine 0.28), stacked along the body.
#[test]
fn a_tilted_stack_is_straightened_and_said_to_be() {
    let mut images = stack_of(&[0.0, 5.0, 10.0]);
    images.iter_mut().for_each(|image| {
        image.orientation = r"1\0\0\0\0.96\-0.28";
        image.pixel_spacing = [1.4, 0.5];
    });
    let dir = TempDir::new().unwrap();
    write_all(&images, dir.path());
    let series = only_series(dir.path());
    assert!(matches!(series.warnings[..], [SeriesWarning::GantryTilt { degrees }] if (degrees - 16.26).abs() < 0.01));
    assert_eq!(series.faults, []);
    // 5 mm along the body are 4.8 along the normal and one row of 1.4 mm across it.
    assert_eq!(series.grid.size, [5, 6, 3]);
    assert!((series.grid.spacing_mm - Vector3::new(0.5, 1.4, 4.8)).amax() < 1e-9);
    let volume = series.load(&|_, _| {}).unwrap();
    assert_eq!(volume.grid, series.grid);
    let columns: Vec<Vec<i16>> = (0..3).map(|k| volume.slice(k).iter().step_by(5).copied().collect()).collect();
    assert_eq!(columns[0], [NO_DATA, NO_DATA, 100, 105, 110, 115]);
    assert_eq!(columns[1], [NO_DATA, 200, 205, 210, 215, NO_DATA]);
    assert_eq!(columns[2], [300, 305, 310, 315, NO_DATA, NO_DATA]);
}

#[test]
fn sagittal_slices_are_reordered_reformats_set_aside_and_coarse_ones_refused() {
    let sagittal = |distance: f64| {
        let images = (0..3).map(|i| {
            let mut image = Image::at(i + 1, 50.0);
            image.position[0] = distance * i as f64;
            image.orientation = r"0\1\0\0\0\-1";
            image
        });
        images.collect::<Vec<_>>()
    };
    let dir = TempDir::new().unwrap();
    write_all(&sagittal(1.0), dir.path());
    let series = only_series(dir.path());
    assert_eq!(
        (&series.warnings[..], &series.faults[..]),
        (&[SeriesWarning::Turned { plane: "sagittal" }][..], &[][..])
    );
    // Stored: 5 columns to the back, 4 rows downwards, 3 slices to the left.
    assert_eq!((series.grid.size, series.grid.spacing_mm), ([5, 3, 4], Vector3::new(0.5, 1.0, 2.0)));
    assert!(
        series.slices.iter().all(Option::is_none) && matches!(series.layout, Layout::Rearranged { turn: true, .. })
    );
    let volume = series.load(&|_, _| {}).unwrap();
    // The highest axial slice is the first row of each sagittal one.
    assert_eq!(volume.slice(3)[..6], [100, 101, 102, 103, 104, 200]);

    let coarse = TempDir::new().unwrap();
    write_all(&sagittal(5.0), coarse.path());
    assert_eq!(only_series(coarse.path()).faults, [SeriesFault::CoarseReformat { spacing_mm: 5.0 }]);

    let reformats = TempDir::new().unwrap();
    let mut images = sagittal(1.0);
    images.iter_mut().for_each(|i| i.extra.push((tags::IMAGE_TYPE, VR::CS, r"DERIVED\SECONDARY\REFORMATTED")));
    write_all(&images, reformats.path());
    write_all(&stack_of(&[0.0, 1.0]), &reformats.path().join("axial"));
    let found = find(reformats.path());
    assert_eq!((found.series.len(), found.set_aside[0].paths.len()), (1, 3));
    assert_eq!(found.set_aside[0].reason, SetAsideReason::NotAxial);
}

#[test]
fn all_faults_and_warnings_of_a_series_are_shown_at_once() {
    let mut images = stack_of(&[0.0, 2.0, 4.0, 7.0, 9.5]);
    for image in &mut images {
        image.orientation = r"1\0\0\0\0.8\-0.6";
        image.rescale = None;
        image.extra.push((tags::LOSSY_IMAGE_COMPRESSION, VR::CS, "01"));
    }
    let dir = TempDir::new().unwrap();
    write_all(&images, dir.path());
    let series = only_series(dir.path());
    assert!(
        matches!(&series.faults[..], [SeriesFault::UnevenSpacing { gaps_mm, .. }, SeriesFault::Oblique { .. }] if gaps_mm.len() == 2)
    );
    assert_eq!(series.warnings, [SeriesWarning::NoRescale { slices: 5 }, SeriesWarning::LossyCompression]);
    let error = series.load(&|_, _| {}).unwrap_err().to_string();
    assert!(error.contains("uneven slice spacing") && error.contains("off the axial plane"), "{error}");
}

#[test]
fn series_studies_frames_and_acquisitions_in_one_folder_are_told_apart() {
    let dir = TempDir::new().unwrap();
    let part = |name: &str, tag, uid: &'static str| {
        let mut images = stack_of(&[0.0, 2.0, 4.0]);
        images.iter_mut().for_each(|image| image.extra.push((tag, VR::UI, uid)));
        write_all(&images, &dir.path().join(name));
    };
    write_all(&stack_of(&[0.0, 2.0, 4.0]), &dir.path().join("plain"));
    part("series", tags::SERIES_INSTANCE_UID, "2.25.20");
    part("study", tags::STUDY_INSTANCE_UID, "2.25.10");
    part("frame", tags::FRAME_OF_REFERENCE_UID, "2.25.30");
    let found = find(dir.path());
    assert_eq!(found.series.iter().map(|s| s.slices.len()).collect::<Vec<_>>(), [3; 4]);
    assert!(found.series.iter().all(|s| s.warnings.is_empty() && s.faults.is_empty()));

    let phases = TempDir::new().unwrap();
    for (number, name) in [("1", "a"), ("2", "b")] {
        let mut images = stack_of(&[0.0, 2.0, 4.0]);
        images.iter_mut().for_each(|image| image.extra.push((tags::ACQUISITION_NUMBER, VR::IS, number)));
        write_all(&images, &phases.path().join(name));
    }
    let found = find(phases.path());
    assert!(matches!(
        found.series[1].warnings[..],
        [SeriesWarning::OneOfSeveralAcquisitions { acquisition: 2, of: 2 }]
    ));
}

#[test]
fn screens_renderings_colour_and_dose_sheets_are_set_aside_with_the_reason() {
    let dir = TempDir::new().unwrap();
    let mut images = stack_of(&[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    images[2].extra.push((tags::SOP_CLASS_UID, VR::UI, uids::SECONDARY_CAPTURE_IMAGE_STORAGE));
    images[3].extra.push((tags::IMAGE_TYPE, VR::CS, r"DERIVED\SECONDARY\SCREEN SAVE"));
    images[4].extra.push((tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "PALETTE COLOR"));
    images[5].extra.push((tags::SOP_CLASS_UID, VR::UI, uids::X_RAY_RADIATION_DOSE_SR_STORAGE));
    images[5].extra.push((tags::MODALITY, VR::CS, "SR"));
    write_all(&images, dir.path());
    let found = find(dir.path());
    let reasons: Vec<String> = found.set_aside.iter().map(|set| set.reason.to_string()).collect();
    assert_eq!(found.series[0].slices.len(), 2);
    for says in ["SR", "secondary capture", "colour", "screen save"] {
        assert!(reasons.iter().any(|reason| reason.contains(says)), "{says}: {reasons:?}");
    }
}

fn zipped(files: &[(String, Vec<u8>)], method: CompressionMethod, path: &Path) {
    let mut zip = ZipWriter::new(fs::File::create(path).unwrap());
    for (name, bytes) in files {
        zip.start_file(name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}

fn as_files(images: &[Image]) -> Vec<(String, Vec<u8>)> {
    let dir = TempDir::new().unwrap();
    write_all(images, dir.path());
    let name = |i: usize| format!("Bein links/{i}.dcm");
    (0..images.len()).map(|i| (name(i), fs::read(dir.path().join(format!("{i}.dcm"))).unwrap())).collect()
}

#[test]
fn a_zip_archive_is_read_like_its_folder() {
    let images = stack_of(&[0.0, 2.0, 4.0]);
    let folder = TempDir::new().unwrap();
    write_all(&images, folder.path());
    let plain = only_series(folder.path());
    for method in [CompressionMethod::Deflated, CompressionMethod::Stored] {
        let dir = TempDir::with_prefix("zip ö").unwrap();
        let archive = dir.path().join("Export der Klinik.zip");
        zipped(&as_files(&images), method, &archive);
        for path in [archive.as_path(), dir.path()] {
            let series = only_series(path);
            assert_eq!((series.grid.clone(), &series.warnings[..]), (plain.grid.clone(), &[][..]));
            assert_eq!(series.load(&|_, _| {}).unwrap().voxels, plain.load(&|_, _| {}).unwrap().voxels);
            assert!(series.slices[0].as_ref().unwrap().path.ends_with("Export der Klinik.zip/Bein links/0.dcm"));
        }
    }
}

/// A gigabyte of zeros takes a megabyte packed; no more of it is unpacked than it takes to see that it is no DICOM.
#[test]
fn bombs_archives_in_archives_and_damaged_archives_are_set_aside() {
    let dir = TempDir::new().unwrap();
    let mut files = as_files(&stack_of(&[0.0, 2.0]));
    let inner = dir.path().join("inner.zip");
    zipped(&files, CompressionMethod::Deflated, &inner);
    files.push(("inner.zip".into(), fs::read(&inner).unwrap()));
    files.push(("../outside.dcm".into(), files[0].1.clone()));
    files.push(("bomb.dcm".into(), vec![0; 1 << 28]));
    let outer = dir.path().join("outer.zip");
    zipped(&files, CompressionMethod::Deflated, &outer);
    let found = find(&outer);
    let reasons: Vec<_> = found.set_aside.iter().map(|set| (set.reason.clone(), set.paths.len())).collect();
    assert_eq!(reasons, [(SetAsideReason::NotDicom, 1), (SetAsideReason::NestedArchive, 1)]);
    // Members are read where they lie; a name that leads outside leads nowhere.
    assert_eq!(found.series[0].warnings, [SeriesWarning::CopiedFiles { dropped: 1 }]);

    let bytes = fs::read(&outer).unwrap();
    fs::write(&outer, &bytes[..bytes.len() / 2]).unwrap();
    let error = discover(&[outer], &|_, _| {}).unwrap_err().to_string();
    assert!(error.contains("not unpacked from its archive") && error.contains("hint:"), "{error}");
}

fn write_dicomdir(files: &[&str], path: &Path) {
    let item = |id: &&str| {
        let id = DataElement::new(tags::REFERENCED_FILE_ID, VR::CS, PrimitiveValue::from(*id));
        let kind = DataElement::new(tags::DIRECTORY_RECORD_TYPE, VR::CS, PrimitiveValue::from("IMAGE"));
        InMemDicomObject::from_element_iter([kind, id])
    };
    let records = DataSetSequence::from(files.iter().map(item).collect::<Vec<_>>());
    let object = InMemDicomObject::from_element_iter([
        DataElement::new(tags::FILE_SET_ID, VR::CS, PrimitiveValue::from("CD")),
        DataElement::new(tags::DIRECTORY_RECORD_SEQUENCE, VR::SQ, records),
    ]);
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN)
        .media_storage_sop_class_uid(uids::MEDIA_STORAGE_DIRECTORY_STORAGE)
        .media_storage_sop_instance_uid("2.25.78");
    object.with_meta(meta).unwrap().write_to_file(path).unwrap();
}

#[test]
fn a_dicomdir_stands_for_the_files_it_names_whatever_their_case() {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("images")).unwrap();
    for (i, image) in stack_of(&[0.0, 2.0, 4.0]).iter().enumerate() {
        image.write(&dir.path().join(format!("images/im{i}")));
    }
    // Not named: another series that must not be taken up.
    let mut other = Image::at(9, 0.0);
    other.extra.push((tags::SERIES_INSTANCE_UID, VR::UI, "2.25.999"));
    other.write(&dir.path().join("images/other"));
    let directory = dir.path().join("DICOMDIR");
    write_dicomdir(&[r"IMAGES\IM0", r"IMAGES\IM1", r"IMAGES\IM2", r"IMAGES\IM3", r"..\..\etc\passwd"], &directory);
    let found = find(&directory);
    assert_eq!((found.series.len(), found.series[0].slices.len()), (1, 3));
    assert_eq!(found.set_aside[0].reason, SetAsideReason::MissingFromDirectory);
    assert_eq!(found.set_aside[0].paths.len(), 2);
    assert_eq!(find(dir.path()).series.len(), 2, "its folder is everything that lies in it");
}

/// A series apart from others by its UID, with the slices at `zs` and a share of bone in each.
fn candidate(folder: &Path, uid: &'static str, kernel: &'static str, zs: &[f64], bone_pixels: usize) {
    let mut images = stack_of(zs);
    for image in &mut images {
        image.stored = (0..20).map(|p| if p < bone_pixels { 900 } else { 40 }).collect();
        image.extra.push((tags::SERIES_INSTANCE_UID, VR::UI, uid));
        image.extra.push((tags::CONVOLUTION_KERNEL, VR::SH, kernel));
    }
    write_all(&images, &folder.join(uid));
}

#[test]
fn the_series_is_chosen_by_bone_thickness_and_kernel() {
    let (thin, thick) = ([0.0, 1.0, 2.0, 3.0], [0.0, 5.0, 10.0]);
    let chosen = |candidates: &[(&'static str, &'static str, &[f64], usize)]| {
        let dir = TempDir::new().unwrap();
        candidates.iter().for_each(|(uid, kernel, zs, bone)| candidate(dir.path(), uid, kernel, zs, *bone));
        let found = find(dir.path());
        let (series, why) = choose(&found.series).expect("one can be used");
        (series.header.series_instance_uid.clone(), why)
    };
    let is = |uid: &str, why| (uid.to_string(), why);
    assert_eq!(
        chosen(&[("2.25.1", "B30f", &thick, 9), ("2.25.2", "B70f", &thin, 9)]),
        is("2.25.2", "the thinnest slices")
    );
    assert_eq!(
        chosen(&[("2.25.1", "B30f", &thick, 9), ("2.25.2", "B70f", &thin, 0)]),
        is("2.25.1", "the only one that shows bone")
    );
    assert_eq!(
        chosen(&[("2.25.1", "B30f", &thin, 4), ("2.25.2", "B70f", &thin, 9)]),
        is("2.25.2", "the most bone among the thinnest")
    );
    assert_eq!(
        chosen(&[("2.25.1", "B70f", &thin, 9), ("2.25.2", "B30f", &thin, 9)]),
        is("2.25.2", "the soft kernel among equals")
    );
    assert_eq!(
        chosen(&[("2.25.2", "B30f", &thin, 9), ("2.25.1", "B30f", &thin, 9)]),
        is("2.25.1", "the lowest UID among equals")
    );
}

#[test]
fn name_and_id_are_shown_only_when_asked_for() {
    let dir = TempDir::new().unwrap();
    let mut images = stack_of(&[0.0, 2.0, 4.0]);
    for image in &mut images {
        image.extra.push((tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192"));
        image.extra.push((tags::PATIENT_NAME, VR::PN, "Müller^Änne"));
        image.extra.push((tags::PATIENT_ID, VR::LO, "4711"));
    }
    write_all(&images, dir.path());
    let run = |options: &[&str]| {
        let path = dir.path().to_string_lossy().into_owned();
        corticalysis(["series", &path].into_iter().chain(options.iter().copied()))
    };
    let plain = run(&[]);
    assert!(!format!("{}{}", plain.stdout, plain.stderr).contains("ller") && !plain.stdout.contains("4711"));
    let named = run(&["--identify"]).stdout;
    assert!(named.contains("    patient: Müller Änne, ID 4711"), "{named}");
}

#[cfg(unix)]
#[test]
fn a_read_only_folder_of_strange_names_among_thousands_of_other_files() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::with_prefix("Ünïcode λ (1) ").unwrap();
    let images = dir.path().join("Schädel & Bein  [alt]");
    write_all(&stack_of(&[0.0, 2.0, 4.0]), &images);
    for i in 0..5000 {
        fs::write(dir.path().join(format!("notes {i}.xml")), format!("<note>{i}</note>")).unwrap();
    }
    fs::set_permissions(&images, fs::Permissions::from_mode(0o555)).unwrap();
    let found = find(dir.path());
    fs::set_permissions(&images, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!((found.series[0].slices.len(), found.set_aside[0].paths.len()), (3, 5000));
    assert!(found.series[0].load(&|_, _| {}).is_ok());
}

/// The header claims more pixels than any CT has: said before room is made for them.
#[test]
fn a_giant_declared_size_does_not_exhaust_the_memory() {
    let dir = TempDir::new().unwrap();
    let path: PathBuf = dir.path().join("0.dcm");
    write_all(&stack_of(&[0.0, 2.0]), dir.path());
    for name in ["0.dcm", "1.dcm"] {
        let path = dir.path().join(name);
        let mut bytes = fs::read(&path).unwrap();
        for tag in [&b"\x28\0\x10\0US\x02\0"[..], &b"\x28\0\x11\0US\x02\0"[..]] {
            let at = bytes.windows(8).position(|eight| eight == tag).unwrap();
            bytes[at + 8..at + 10].copy_from_slice(&[0xFF, 0xFF]);
        }
        fs::write(&path, bytes).unwrap();
    }
    let series = only_series(dir.path());
    assert!(matches!(series.faults[..], [SeriesFault::TooLarge { .. }]), "{:?}", series.faults);
    assert!(series.load(&|_, _| {}).is_err() && path.exists());
}

#[test]
fn a_report_names_the_patient_only_when_asked_to() {
    let healthy = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/healthy");
    let report = |options: &[&str]| {
        let run = corticalysis(["analyze", &healthy.to_string_lossy(), "--json"].iter().chain(options));
        assert_eq!(run.status, 0, "{}", run.stderr);
        run.json()
    };
    assert!(report(&[])["series"].get("patient").is_none());
    assert!(report(&["--identify"])["series"]["patient"]["id"].is_string());
}

#[test]
fn one_image_of_more_pixels_than_any_scanner_makes_is_refused() {
    let dir = TempDir::new().unwrap();
    write_all(&stack_of(&[0.0, 2.0]), dir.path());
    for name in ["0.dcm", "1.dcm"] {
        let path = dir.path().join(name);
        let mut bytes = fs::read(&path).unwrap();
        for tag in [&b"\x28\0\x10\0US\x02\0"[..], &b"\x28\0\x11\0US\x02\0"[..]] {
            let at = bytes.windows(8).position(|eight| eight == tag).unwrap();
            bytes[at + 8..at + 10].copy_from_slice(&9000u16.to_le_bytes());
        }
        fs::write(&path, bytes).unwrap();
    }
    let series = only_series(dir.path());
    assert!(matches!(series.faults[..], [SeriesFault::TooLarge { .. }]), "{:?}", series.faults);
}

/// Where the pixels lie is seen when a series is found; the files may be others when it is read.
#[test]
fn files_that_change_between_finding_and_reading_are_read_as_they_are_then() {
    let dir = TempDir::new().unwrap();
    let images = stack_of(&[0.0, 2.0, 4.0]);
    write_all(&images, dir.path());
    let series = only_series(dir.path());
    assert!(series.images().iter().flatten().all(|image| image.pixels.is_some()));
    let before = series.load(&|_, _| {}).unwrap();
    // The pixels move.
    let extra = vec![(tags::IMAGE_COMMENTS, VR::LT, "a comment of some length")];
    Image { extra, ..images[1].clone() }.write(&dir.path().join("1.dcm"));
    assert!(series.load(&|_, _| {}).unwrap().voxels == before.voxels);
    // They are in another form.
    Image { syntax: uids::IMPLICIT_VR_LITTLE_ENDIAN, ..images[1].clone() }.write(&dir.path().join("1.dcm"));
    assert!(series.load(&|_, _| {}).is_err());
    // There are fewer of them.
    images[1].write(&dir.path().join("1.dcm"));
    let bytes = fs::read(dir.path().join("1.dcm")).unwrap();
    fs::write(dir.path().join("1.dcm"), &bytes[..bytes.len() - 6]).unwrap();
    let error = series.load(&|_, _| {}).unwrap_err().to_string();
    assert!(error.contains("1.dcm") && error.contains("truncated"), "{error}");
}
