//! The DICOM objects of `analyze --dicom`: read back by this program, chosen one by one, the same bytes every time, and what
//! they say of the patient. What other programs make of them: `dicom_write_reference.rs`.

mod support;

use corticalysis::analysis::{Settings, analyze};
use corticalysis::cortex::Acquisition;
use corticalysis::dicom::{Series, discover, find_region, read_mask};
use corticalysis::masks::bone_masks;
use corticalysis::phantom::dicom_out::NewSeries;
use corticalysis::phantom::presets;
use corticalysis::volume::{Region, Volume};
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::{DefaultDicomObject, open_file};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use support::dicom_image::{Image, write_enhanced};
use support::oriented::stored;
use support::program::{Run, corticalysis, files_below};
use tempfile::TempDir;

/// A leg whose lesion is flagged in many slices.
fn flagged() -> (Volume<i16>, corticalysis::phantom::PhantomSpec) {
    let spec = presets::half_length_lesion();
    (spec.build().volume, spec)
}

fn written(volume: &Volume<i16>, spec: &corticalysis::phantom::PhantomSpec, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    NewSeries::of_phantom(spec, volume).write(folder).unwrap();
}

/// The volume as original images; `orientation` is that of its columns and rows.
fn images(volume: &Volume<i16>, orientation: &'static str) -> Vec<Image> {
    let grid = &volume.grid;
    let image = |k: usize| {
        let corner = grid.to_patient(nalgebra::Vector3::new(0.0, 0.0, k as f64));
        Image {
            position: [corner.x, corner.y, corner.z],
            orientation,
            rows: grid.size[1],
            columns: grid.size[0],
            pixel_spacing: [grid.spacing_mm.y, grid.spacing_mm.x],
            stored: volume.slice(k).iter().map(|hu| i32::from(*hu)).collect(),
            ..Image::at(k as i64 + 1, 0.0)
        }
    };
    (0..grid.size[2]).map(image).collect()
}

fn run(ct: &Path, out: &Path, more: &[&str]) -> Run {
    let mut args: Vec<OsString> = ["analyze".into(), ct.into(), "-o".into(), out.into()].into();
    args.extend(more.iter().map(OsString::from));
    corticalysis(args)
}

fn succeeded(ct: &Path, out: &Path, more: &[&str]) {
    let run = run(ct, out, more);
    assert_eq!(run.status, 0, "{}", run.stderr);
}

fn series_of(paths: &[PathBuf]) -> (Series, Vec<corticalysis::dicom::RegionFile>) {
    let mut found = discover(paths, &|_, _| {}).unwrap();
    assert_eq!(found.series.len(), 1);
    (found.series.remove(0), found.regions)
}

/// The masks that the program must have written, by label.
fn masks(series: &Series) -> BTreeMap<String, Region> {
    let volume = series.load(&|_, _| {}).unwrap();
    let acquisition = Acquisition { slice_thickness_mm: series.header.slice_thickness_mm, blur_fwhm_mm: None };
    let bones = analyze(&volume, &Settings { acquisition, ..Settings::default() });
    let mut all = BTreeMap::new();
    for measured in &bones {
        let masks = bone_masks(&volume.grid, measured);
        let title = match measured.bone.side {
            corticalysis::anatomy::Side::Left => "Left femur",
            corticalysis::anatomy::Side::Right => "Right femur",
            corticalysis::anatomy::Side::Unknown => "Femur, side unknown",
        };
        let part = if masks.whole { "" } else { ", measured part" };
        all.insert(format!("{title}{part}"), masks.bone);
        all.insert(format!("{title}, cortex"), masks.cortex);
        all.extend(masks.lesions.into_iter().map(|(id, region)| (format!("{title}, lesion {id}"), region)));
    }
    all.retain(|_, region| !region.is_empty());
    all
}

/// Both ways back: SEG and RTSTRUCT against the masks, on the grid that was measured.
fn assert_read_back(ct: &Path, out: &Path) -> usize {
    let objects = out.join("dicom");
    let (series, regions) = series_of(&[ct.to_path_buf(), objects.join("rtstruct.dcm")]);
    let masks = masks(&series);
    let read: BTreeMap<String, Region> = read_mask(&objects.join("seg.dcm"), None, &series)
        .unwrap_or_else(|e| panic!("{e}"))
        .into_iter()
        .map(|placed| {
            assert_eq!(placed.notes, Vec::<String>::new());
            (placed.name, placed.region)
        })
        .collect();
    assert_eq!(read.keys().collect::<Vec<_>>(), masks.keys().collect::<Vec<_>>());
    for (label, mask) in &masks {
        assert!(mask.len() > 100 && read[label] == *mask, "{label}: {} and {} voxels", mask.len(), read[label].len());
        let drawn = find_region(&regions, label, &series).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(drawn.notes, Vec::<String>::new());
        // Outlines run half way between voxels: not one may change sides.
        assert!(drawn.region == *mask, "{label}: {} and {} voxels", mask.len(), drawn.region.len());
    }
    masks.len()
}

#[test]
fn segments_and_outlines_are_read_back_voxel_for_voxel() {
    let dir = TempDir::new().unwrap();
    for (name, spec, parts) in [("one", presets::half_length_lesion(), 3), ("two", presets::two_legs(), 5)] {
        let (ct, out) = (dir.path().join(name), dir.path().join(format!("{name}-out")));
        written(&spec.build().volume, &spec, &ct);
        succeeded(&ct, &out, &["--dicom=seg,rtstruct"]);
        assert_eq!(assert_read_back(&ct, &out), parts);
    }
}

#[test]
fn slices_stored_upside_down_sagittal_and_sheared_are_read_back_too() {
    let (volume, spec) = flagged();
    let dir = TempDir::new().unwrap();
    // Rows from the back, columns from the left, lowest slice last: no value moves in the patient.
    let turned = stored(&volume, ([1, 0, 2], [true, false, true]));
    let sagittal = stored(&volume, ([1, 2, 0], [false, true, false]));
    let mut sheared = volume.clone();
    let tilted = (sheared.grid.directions.column(2) + 0.08 * sheared.grid.directions.column(1)).normalize();
    sheared.grid.directions.set_column(2, &tilted);
    for (name, volume) in [("turned", turned), ("sagittal", sagittal), ("sheared", sheared)] {
        let (ct, out) = (dir.path().join(name), dir.path().join(format!("{name}-out")));
        if name == "sagittal" {
            // A derived image would be taken for a reformat.
            fs::create_dir(&ct).unwrap();
            let images = images(&volume, r"0\1\0\0\0\-1");
            images.iter().for_each(|image| image.write(&ct.join(format!("{}.dcm", image.number))));
        } else {
            written(&volume, &spec, &ct);
        }
        let run = run(&ct, &out, &["--dicom"]);
        assert_eq!(run.status, 0, "{name}: {}", run.stderr);
        let written = fs::read_dir(out.join("dicom")).unwrap().count();
        if name != "sheared" {
            assert_read_back(&ct, &out);
        } else {
            // The straightened slices stand between the stored rows: the nearest voxel each way is up to half a voxel off.
            let (series, _) = series_of(std::slice::from_ref(&ct));
            let masks = masks(&series);
            let read = read_mask(&out.join("dicom/seg.dcm"), None, &series).unwrap();
            for placed in read {
                let (found, mask) = (placed.region.len() as f64, masks[&placed.name].len() as f64);
                assert!((found / mask - 1.0).abs() < 0.02, "{}: {found} of {mask}", placed.name);
            }
        }
        let key_objects = out.join("dicom/ko.dcm").exists();
        // Flagged slices of a sagittal stack are no images that could be selected.
        assert_eq!(key_objects, name != "sagittal", "{name}: {written} objects");
        assert_eq!(run.stderr.contains("not stored as images"), name == "sagittal", "{}", run.stderr);
    }
}

#[test]
fn frames_of_an_enhanced_ct_are_referred_to_by_number() {
    let (volume, _) = flagged();
    let images = images(&volume, r"1\0\0\0\1\0");
    let dir = TempDir::new().unwrap();
    let (ct, out) = (dir.path().join("ct"), dir.path().join("out"));
    fs::create_dir(&ct).unwrap();
    write_enhanced(&images, &ct.join("enhanced.dcm"));
    succeeded(&ct, &out, &["--dicom"]);
    assert_eq!(assert_read_back(&ct, &out), 3);
    let key_objects = open_file(out.join("dicom/ko.dcm")).unwrap();
    let content = key_objects.element(tags::CONTENT_SEQUENCE).unwrap().items().unwrap();
    let frames: Vec<String> = content
        .iter()
        .filter_map(|item| {
            item.element(tags::REFERENCED_SOP_SEQUENCE)
                .ok()?
                .items()?
                .first()?
                .element(tags::REFERENCED_FRAME_NUMBER)
                .ok()
        })
        .map(|number| number.to_str().unwrap().trim().to_owned())
        .collect();
    let report: serde_json::Value = serde_json::from_slice(&fs::read(out.join("report.json")).unwrap()).unwrap();
    let slices = report["bones"][0]["slices"].as_array().unwrap();
    let flagged: Vec<String> =
        slices.iter().filter(|s| s["flagged"] == true).map(|s| s["instance_number"].to_string()).collect();
    assert!(!flagged.is_empty());
    assert_eq!(frames, flagged);
}

fn names(out: &Path) -> Vec<String> {
    let kind = |path: &PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        name.split('-').next().unwrap().to_owned()
    };
    let mut names: Vec<String> = files_below(&out.join("dicom")).iter().map(kind).collect();
    names.dedup();
    names
}

#[test]
fn each_kind_can_be_chosen_alone_and_what_was_not_chosen_does_not_stay() {
    let (volume, spec) = flagged();
    let dir = TempDir::new().unwrap();
    let (ct, out) = (dir.path().join("ct"), dir.path().join("out"));
    written(&volume, &spec, &ct);
    succeeded(&ct, &out, &["--dicom"]);
    assert_eq!(names(&out), ["ko", "rtstruct", "sc", "seg", "sr"]);
    // Whoever keeps something of his own there keeps it.
    fs::write(out.join("dicom/plan.dcm"), "mine").unwrap();
    for kind in ["seg", "sr", "rtstruct", "ko", "sc"] {
        succeeded(&ct, &out, &["--dicom", kind]);
        let mut expected = vec!["plan", kind];
        expected.sort();
        assert_eq!(names(&out), expected);
    }
    succeeded(&ct, &out, &[]);
    assert_eq!(names(&out), ["plan"]);
    // Alone, the measurements refer to no segmentation that nobody has.
    succeeded(&ct, &out, &["--dicom=sr"]);
    let bytes = fs::read(out.join("dicom/sr.dcm")).unwrap();
    assert!(!bytes.windows(12).any(|part| part == b"Referenced S"));
}

#[test]
fn the_same_input_gives_the_same_bytes_and_other_findings_other_uids() {
    let (volume, spec) = flagged();
    let dir = TempDir::new().unwrap();
    let ct = dir.path().join("ct");
    written(&volume, &spec, &ct);
    let all = |name: &str, more: &[&str]| -> BTreeMap<PathBuf, Vec<u8>> {
        let out = dir.path().join(name);
        succeeded(&ct, &out, &[&["--dicom=all"], more].concat());
        let dicom = out.join("dicom");
        files_below(&dicom).into_iter().map(|path| (path.clone(), fs::read(dicom.join(path)).unwrap())).collect()
    };
    let first = all("first", &["--threads", "1"]);
    assert!(first.len() >= 6);
    assert!(first == all("second", &["--threads", "2"]), "another number of threads");
    let uid = |files: &BTreeMap<PathBuf, Vec<u8>>, name: &str| {
        let object = dicom_object::from_reader(files[Path::new(name)].as_slice()).unwrap();
        text(&object, tags::SOP_INSTANCE_UID)
    };
    for (name, more) in [("depth", &["--depth", "0.5"]), ("identity", &["--identify", "--quiet"])] {
        let other = all(name, more);
        for object in ["seg.dcm", "sr.dcm", "rtstruct.dcm"] {
            assert_ne!(uid(&first, object), uid(&other, object), "{name}");
        }
    }
}

fn text(object: &DefaultDicomObject, tag: Tag) -> String {
    object
        .element_opt(tag)
        .unwrap()
        .map_or_else(String::new, |e| e.to_str().unwrap().trim_end_matches('\0').trim().into())
}

#[test]
fn the_patient_goes_into_objects_only_when_asked_for() {
    let (volume, spec) = flagged();
    let dir = TempDir::new().unwrap();
    let ct = dir.path().join("ct");
    written(&volume, &spec, &ct);
    let (plain, named) = (dir.path().join("plain"), dir.path().join("named"));
    let said = run(&ct, &plain, &["--dicom"]);
    assert!(said.status == 0 && said.stderr.contains("--identify"), "{}", said.stderr);
    succeeded(&ct, &named, &["--dicom", "--identify"]);
    let source = open_file(ct.join("0001.dcm")).unwrap();
    for name in files_below(&plain.join("dicom")) {
        let bytes = fs::read(plain.join("dicom").join(&name)).unwrap();
        assert!(!bytes.windows(7).any(|part| part == b"PHANTOM"), "{}", name.display());
        let without = open_file(plain.join("dicom").join(&name)).unwrap();
        let with = open_file(named.join("dicom").join(&name)).unwrap();
        assert_eq!(text(&without, tags::PATIENT_IDENTITY_REMOVED), "YES");
        assert_eq!(text(&with, tags::PATIENT_IDENTITY_REMOVED), "");
        for tag in [tags::PATIENT_NAME, tags::PATIENT_ID] {
            assert_eq!(text(&without, tag), "");
            assert_eq!(text(&with, tag), text(&source, tag));
        }
        assert_eq!(text(&without, tags::STUDY_INSTANCE_UID), text(&source, tags::STUDY_INSTANCE_UID));
    }
}

#[test]
fn a_ct_without_a_study_is_refused_before_the_work() {
    let (volume, _) = flagged();
    let dir = TempDir::new().unwrap();
    let (ct, out) = (dir.path().join("ct.nii.gz"), dir.path().join("out"));
    support::nifti_file::Nifti::default().write(&volume, &ct);
    let run = run(&ct, &out, &["--dicom"]);
    assert_eq!(run.status, 3, "{}", run.stderr);
    assert!(run.stderr.contains("belongs to no study") && run.stderr.contains("hint:"), "{}", run.stderr);
    assert!(!out.exists());
}
