//! Reading of tiny synthetic CT series with the flaws that real ones have, and of real ones where they are present.

mod support;

use corticalysis::dicom::{DicomError, Discovery, Series, SeriesWarning, SetAsideReason, discover};
use corticalysis::volume::NO_DATA;
use dicom_core::VR;
use dicom_dictionary_std::{tags, uids};
use nalgebra::{Point3, Vector3};
use std::fs;
use std::path::{Path, PathBuf};
use support::dicom_image::Image;
use tempfile::TempDir;

const COLUMNS: usize = 5;

/// Writes the images under names whose order is not theirs.
fn folder(images: &[Image]) -> TempDir {
    let dir = TempDir::with_prefix("ct ä").expect("temporary folder");
    for (i, image) in images.iter().enumerate() {
        image.write(&dir.path().join(format!("Schnitt {} ü.dcm", (i * 7 + 3) % 11 + 100 * (i % 2))));
    }
    dir
}

fn find(path: &Path) -> Result<Discovery, DicomError> {
    discover(&[path.to_path_buf()], &|_, _| {})
}

fn only_series(path: &Path) -> Series {
    let mut found = find(path).expect("discovered");
    assert_eq!(found.series.len(), 1);
    found.series.remove(0)
}

fn stack_of(zs: &[f64]) -> Vec<Image> {
    zs.iter().enumerate().map(|(i, z)| Image::at(i as i64 + 1, *z)).collect()
}

#[test]
fn slices_are_ordered_towards_the_head_whatever_their_numbers_and_names() {
    let dir = folder(&stack_of(&[9.0, 3.0, 6.0, 0.0]));
    let series = only_series(dir.path());
    assert_eq!(series.warnings, []);
    assert_eq!(series.grid.size, [COLUMNS, 4, 4]);
    // PixelSpacing is row\column; slice spacing comes from the positions, not from the thickness.
    assert_eq!(series.grid.spacing_mm, Vector3::new(0.5, 2.0, 3.0));
    assert_eq!(series.grid.origin_mm, Point3::new(-10.0, -20.0, 0.0));
    assert_eq!(series.grid.to_patient(Vector3::new(2.0, 1.0, 3.0)), Point3::new(-9.0, -18.0, 9.0));
    let volume = series.load(&|_, _| {}).expect("loaded");
    let firsts: Vec<i16> = (0..4).map(|k| volume.slice(k)[0]).collect();
    assert_eq!(firsts, [400, 200, 300, 100]);
    assert_eq!(volume.slice(0)[COLUMNS + 2], 400 + COLUMNS as i16 + 2);
}

#[test]
fn a_normal_towards_the_feet_still_stacks_towards_the_head() {
    let mut images = stack_of(&[0.0, 3.0, 6.0]);
    images.iter_mut().for_each(|i| i.orientation = r"-1\0\0\0\1\0");
    let series = only_series(folder(&images).path());
    assert_eq!(series.faults, []);
    assert_eq!(series.grid.to_patient(Vector3::new(2.0, 0.0, 2.0)), Point3::new(-11.0, -20.0, 6.0));
}

#[test]
fn prone_and_feet_first_need_nothing_special() {
    let mut images = stack_of(&[0.0, 3.0, 6.0]);
    for image in &mut images {
        image.orientation = r"-1\0\0\0\-1\0";
        image.extra.push((tags::PATIENT_POSITION, VR::CS, "FFP"));
    }
    let series = only_series(folder(&images).path());
    assert_eq!((series.unusable().as_deref(), series.header.patient_position.as_str()), (None, "FFP"));
    assert_eq!(series.grid.to_patient(Vector3::new(2.0, 1.0, 1.0)), Point3::new(-11.0, -22.0, 3.0));
}

#[test]
fn order_of_paths_and_number_of_threads_do_not_matter() {
    let dir = folder(&stack_of(&[9.0, 3.0, 6.0, 0.0]));
    let mut files: Vec<PathBuf> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let forward = discover(&files, &|_, _| {}).unwrap();
    files.reverse();
    files.push(dir.path().to_path_buf());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    let backward = pool.install(|| discover(&files, &|_, _| {}).unwrap());
    assert_eq!(forward.series, backward.series);
    assert_eq!(forward.set_aside, backward.set_aside);
}

#[test]
fn unsigned_values_and_a_large_rescale() {
    let mut images = stack_of(&[0.0, 1.0]);
    for image in &mut images {
        *image = image.clone().counting_from(40000);
        (image.signed, image.rescale) = (false, Some(("0.5000000000000000000", "-20000.0")));
    }
    let volume = only_series(folder(&images).path()).load(&|_, _| {}).expect("loaded");
    // Halves are rounded away from zero.
    assert_eq!(volume.slice(0)[..4], [0, 1, 1, 2]);
}

#[test]
fn implicit_big_endian_and_deflated_give_the_same_values() {
    const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
    for syntax in [uids::IMPLICIT_VR_LITTLE_ENDIAN, BIG_ENDIAN, uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN] {
        let image = |image: Image| Image { syntax, ..image.counting_from(-300) };
        let images: Vec<Image> = stack_of(&[0.0, 1.0]).into_iter().map(image).collect();
        let volume = only_series(folder(&images).path()).load(&|_, _| {}).expect(syntax);
        assert_eq!(volume.slice(1)[..3], [-300, -299, -298], "{syntax}");
    }
}

#[test]
fn a_data_set_without_preamble_and_meta_is_read() {
    for syntax in [uids::IMPLICIT_VR_LITTLE_ENDIAN, uids::EXPLICIT_VR_LITTLE_ENDIAN] {
        let mut images = stack_of(&[0.0, 1.0]);
        images.iter_mut().for_each(|i| i.syntax = syntax);
        let dir = folder(&images);
        for entry in fs::read_dir(dir.path()).unwrap() {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            // The group length counts from behind its own element: 132 + 12 + length.
            let length = u32::from_le_bytes(bytes[140..144].try_into().unwrap()) as usize;
            fs::write(&path, &bytes[144 + length..]).unwrap();
        }
        assert_eq!(only_series(dir.path()).load(&|_, _| {}).expect(syntax).slice(1)[0], 200);
    }
}

#[test]
fn a_missing_slice_leaves_a_hole_that_is_named() {
    let dir = folder(&stack_of(&[0.0, 2.0, 6.0, 8.0]));
    let series = only_series(dir.path());
    assert_eq!(series.warnings, [SeriesWarning::MissingSlices { z_mm: vec![4.0] }]);
    assert!(series.slices[2].is_none());
    let volume = series.load(&|_, _| {}).expect("loaded");
    assert!(volume.slice(2).iter().all(|v| *v == NO_DATA));
    assert_eq!(volume.slice(3)[0], 300);
}

#[test]
fn of_duplicates_the_lowest_instance_number_is_kept() {
    let series = only_series(folder(&stack_of(&[0.0, 2.0, 4.0, 2.0])).path());
    assert_eq!(series.warnings, [SeriesWarning::DuplicatePositions { dropped: 1, z_mm: vec![2.0] }]);
    assert_eq!(series.slices[1].as_ref().unwrap().instance_number, Some(2));
}

#[test]
fn overlapping_acquisitions_are_listed_apart() {
    let mut images = stack_of(&[0.0, 2.0, 4.0, 0.0, 2.0, 4.0]);
    for (i, image) in images.iter_mut().enumerate() {
        image.extra.push((tags::ACQUISITION_NUMBER, VR::IS, if i < 3 { "1" } else { "2" }));
    }
    let found = find(folder(&images).path()).unwrap();
    assert_eq!(found.series.len(), 2);
    assert!(found.series.iter().all(|s| s.slices.len() == 3 && s.warnings.len() == 1));
}

#[test]
fn a_tilted_gantry_keeps_its_true_stacking_direction() {
    // Slices 14 degrees off, stacked along the table.
    let mut images = stack_of(&[0.0, 5.0, 10.0]);
    images.iter_mut().for_each(|i| i.orientation = r"1\0\0\0\0.970295726276\-0.2419218955997");
    let series = only_series(folder(&images).path());
    assert!(matches!(series.warnings[..], [SeriesWarning::GantryTilt { degrees }] if (degrees - 14.0).abs() < 0.01));
    let top = series.grid.to_patient(Vector3::new(0.0, 0.0, 2.0));
    assert!((top - Point3::new(-10.0, -20.0, 10.0)).norm() < 1e-9);
    assert!((series.grid.to_index(top) - Vector3::new(0.0, 0.0, 2.0)).norm() < 1e-9);
}

#[test]
fn series_that_would_mislead_are_refused_with_a_remedy() {
    let mut oblique = stack_of(&[0.0, 5.0, 10.0]);
    oblique.iter_mut().for_each(|i| i.orientation = r"1\0\0\0\0.8\-0.6");
    let mut jump = stack_of(&[0.0, 2.0, 4.0, 6.0]);
    jump[1].position[0] += 12.0;
    for (images, says) in [
        (stack_of(&[0.0, 2.0, 4.0, 7.0]), "uneven slice spacing"),
        (stack_of(&[0.0]), "a single slice"),
        (stack_of(&[5.0, 5.0]), "lie at one position"),
        (stack_of(&[0.0, 1.0, 2.0, 50.0, 51.0]), "too many are missing"),
        (oblique, "degrees off the axial plane"),
        (jump, "do not lie in one line"),
    ] {
        let dir = folder(&images);
        let series = only_series(dir.path());
        assert!(series.unusable().is_some_and(|why| why.contains(says)), "{says}: {:?}", series.faults);
        let error = series.load(&|_, _| {}).unwrap_err();
        assert!(error.to_string().contains("hint:") && error.exit_status() == 3);
        assert_eq!(series.grid.size[2], series.slices.len());
    }
}

#[test]
fn missing_rescale_means_stored_values_and_a_warning() {
    let mut images = stack_of(&[0.0, 1.0]);
    images.iter_mut().for_each(|i| i.rescale = None);
    let dir = folder(&images);
    let series = only_series(dir.path());
    assert_eq!(series.warnings, [SeriesWarning::NoRescale { slices: 2 }]);
    assert_eq!(series.load(&|_, _| {}).unwrap().slice(0)[0], 100);
}

#[test]
fn other_files_beside_are_counted_and_localizers_set_aside() {
    let mut images = stack_of(&[0.0, 1.0, 2.0]);
    images[2].extra.push((tags::IMAGE_TYPE, VR::CS, r"ORIGINAL\PRIMARY\LOCALIZER"));
    let dir = folder(&images);
    fs::write(dir.path().join("notes.txt"), "no image").unwrap();
    fs::write(dir.path().join("empty"), "").unwrap();
    let mut contours = Image::at(9, 0.0);
    contours.extra.push((tags::SOP_CLASS_UID, VR::UI, uids::RT_STRUCTURE_SET_STORAGE));
    fs::create_dir(dir.path().join("mask")).unwrap();
    contours.write(&dir.path().join("mask/RS.dcm"));
    let found = find(dir.path()).unwrap();
    assert_eq!(found.series[0].slices.len(), 2);
    let counts: Vec<_> = found.set_aside.iter().map(|s| (s.reason.clone(), s.paths.len())).collect();
    use SetAsideReason::{Localizer, NotDicom, RtStruct};
    assert_eq!(counts, [(NotDicom, 2), (RtStruct, 1), (Localizer, 1)]);

    let alone = find(&dir.path().join("mask")).unwrap_err().to_string();
    assert!(alone.contains("1 is RTSTRUCT"), "{alone}");
}

#[test]
fn truncated_pixels_are_refused_naming_file_and_slice_and_trailing_bytes_are_not_minded() {
    let dir = TempDir::new().unwrap();
    for (i, image) in stack_of(&[0.0, 1.0, 2.0]).iter().enumerate() {
        image.write(&dir.path().join(format!("{i}.dcm")));
    }
    let path = dir.path().join("2.dcm");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, [&bytes[..], b"\0\0stray"].concat()).unwrap();
    assert!(only_series(dir.path()).load(&|_, _| {}).is_ok());

    fs::write(&path, &bytes[..bytes.len() - 6]).unwrap();
    let error = only_series(dir.path()).load(&|_, _| {}).unwrap_err();
    assert!(matches!(&error, DicomError::Slice { path: p, slice: 2, .. } if *p == path), "{error}");
    assert!(error.to_string().contains("34 of 40 bytes"), "{error}");
}

/// Also a test of time: a reader that believes a damaged length of gigabytes and makes room for it takes minutes here.
#[test]
fn damaged_files_never_panic() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("0.dcm");
    for (i, image) in stack_of(&[0.0, 1.0]).iter().enumerate() {
        image.write(&dir.path().join(format!("{i}.dcm")));
    }
    let whole = fs::read(&path).unwrap();
    let read_all = || find(dir.path()).map(|f| f.series.iter().filter(|s| s.load(&|_, _| {}).is_ok()).count());
    for at in 0..whole.len() {
        fs::write(&path, &whole[..at]).unwrap();
        let _ = read_all();
        let mut flipped = whole.clone();
        flipped[at] ^= 0xFF;
        fs::write(&path, &flipped).unwrap();
        let _ = read_all();
    }
}

#[test]
fn paths_that_are_missing_or_empty_are_said_to_be() {
    let dir = TempDir::new().unwrap();
    assert!(matches!(find(dir.path()), Err(DicomError::Empty { .. })));
    assert!(matches!(find(&dir.path().join("nowhere")), Err(DicomError::PathMissing { .. })));
    fs::write(dir.path().join("a.txt"), "text").unwrap();
    let error = find(dir.path()).unwrap_err().to_string();
    assert!(error.contains("no CT series among 1 file: 1 is not DICOM"), "{error}");
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_end_and_a_linked_file_counts_once() {
    let dir = folder(&stack_of(&[0.0, 1.0]));
    std::os::unix::fs::symlink(dir.path(), dir.path().join("again")).unwrap();
    let some = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path()).find(|p| p.is_file()).unwrap();
    std::os::unix::fs::symlink(&some, dir.path().join("link.dcm")).unwrap();
    assert_eq!(only_series(dir.path()).warnings, []);
}

#[test]
fn the_listing_is_one_line_a_series_with_its_problems_below() {
    let dir = folder(&stack_of(&[0.0, 2.0, 6.0, 8.0]));
    let mut out = Vec::new();
    corticalysis::cli::series::run(&[dir.path().to_path_buf()], false, &mut out).unwrap();
    let out = String::from_utf8(out).unwrap();
    assert!(out.starts_with("2.25.2  ") && out.contains("5×4×5  0.500×2.000×2.000 mm  z 0.0 to 8.0 mm"), "{out}");
    assert!(out.contains("    warning: 1 slice missing, not measured there: z = 4.0 mm"), "{out}");
}

#[test]
fn real_series_load_without_a_warning() {
    let Some(ct) = support::program::shared_data().map(|data| data.join("ct")) else { return };
    let found = find(&ct).unwrap();
    assert_eq!(found.series.len(), 19);
    for series in &found.series {
        assert_eq!((series.warnings.len(), series.faults.len()), (0, 0), "{}", series.header.series_description);
        let volume = series.load(&|_, _| {}).unwrap();
        assert_eq!(volume.voxels.len(), volume.grid.len());
        assert!(volume.voxels.iter().any(|hu| *hu > 700), "no bone in {}", series.header.series_description);
    }
    let hips = found.series.iter().find(|s| s.header.manufacturer == "TOSHIBA").expect("the uncropped one");
    // Counted by another reader: everything at -1500 HU and below.
    assert_eq!(hips.load(&|_, _| {}).unwrap().voxels.iter().filter(|v| **v == NO_DATA).count(), 4_161_780);
}
