//! The DICOM objects of `analyze --dicom` against programs of others: dciodvfy, dsrdump, pydicom and highdicom, plastimatch,
//! rt-utils, and a real Orthanc on the loopback. `.ci/run` installs them; where one is missing its test says so and passes.
//!
//! `CORTICALYSIS_VALIDATORS`: a Python with pydicom, highdicom and rt-utils; by default the one that `.ci/run` makes.

mod support;

use corticalysis::analysis::{Settings, analyze};
use corticalysis::cortex::Acquisition;
use corticalysis::dicom::{SeriesHeader, discover};
use corticalysis::masks::bone_masks;
use corticalysis::phantom::dicom_out::NewSeries;
use corticalysis::phantom::{ImageSpec, PhantomSpec, presets};
use corticalysis::volume::Region;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::neck::{cut_ball, place_in_end, place_in_wall};
use support::program::{corticalysis, files_below, shared_data};
use support::real_ct::volume_of;
use support::validators::{program, python_with, shown, skipped};
use tempfile::TempDir;

/// A Python that has what `read_back.py` imports.
fn python() -> Option<OsString> {
    python_with(&["pydicom", "highdicom"], "reading back by pydicom and highdicom")
}

/// Study with its objects, as a folder each.
struct Made {
    _dir: TempDir,
    ct: PathBuf,
    out: PathBuf,
}

fn made(spec: &PhantomSpec, more: &[&str]) -> Made {
    let dir = TempDir::new().unwrap();
    let (ct, out) = (dir.path().join("ct"), dir.path().join("out"));
    fs::create_dir(&ct).unwrap();
    NewSeries::of_phantom(spec, &spec.build().volume).write(&ct).unwrap();
    let mut args: Vec<&OsStr> = ["analyze".as_ref(), ct.as_os_str(), "-o".as_ref(), out.as_os_str()].into();
    args.extend(more.iter().map(OsStr::new));
    let run = corticalysis(args);
    assert_eq!(run.status, 0, "{}", run.stderr);
    Made { _dir: dir, ct, out }
}

/// A phantom with flagged slices, on square images: rt-utils reads no others.
fn square() -> PhantomSpec {
    let spec = presets::half_length_lesion();
    let side = spec.image.size[0].max(spec.image.size[1]);
    PhantomSpec { image: ImageSpec { size: [side, side, spec.image.size[2]], ..spec.image.clone() }, ..spec }
}

fn objects(out: &Path) -> Vec<PathBuf> {
    files_below(&out.join("dicom")).into_iter().map(|name| out.join("dicom").join(name)).collect()
}

/// With and without the patient; a leg with flagged slices, and two legs of which one is healthy.
fn cases() -> Vec<Made> {
    vec![made(&square(), &["--dicom", "--identify"]), made(&presets::two_legs(), &["--dicom"])]
}

#[test]
fn dciodvfy_finds_no_error() {
    let Some(dciodvfy) = program("dciodvfy", "dicom3tools") else { return };
    for made in cases() {
        for object in objects(&made.out) {
            let output = Command::new(&dciodvfy).arg(&object).output().unwrap();
            let said = shown(&output);
            println!("dciodvfy {}\n{said}", object.file_name().unwrap().display());
            assert!(output.status.success() && !said.lines().any(|line| line.starts_with("Error")), "{said}");
            // Whatever it recognises it names; without that it has checked nothing.
            let names = ["Segmentation", "RTStructureSet", "ComprehensiveSR", "KeyObjectSelectionDocument", "SCImage"];
            assert!(said.lines().any(|line| names.contains(&line.trim())), "{said}");
        }
    }
}

#[test]
fn dsrdump_reads_both_documents() {
    let Some(dsrdump) = program("dsrdump", "dcmtk") else { return };
    let made = made(&square(), &["--dicom=seg,sr,ko"]);
    for (name, wanted) in [("sr.dcm", "Imaging Measurement Report"), ("ko.dcm", "Of Interest")] {
        // Unknown relations and value types are errors to it.
        let output = Command::new(&dsrdump).arg(made.out.join("dicom").join(name)).output().unwrap();
        let said = shown(&output);
        println!("dsrdump {name}\n{said}");
        assert!(output.status.success() && said.contains(wanted), "{said}");
        assert!(!said.lines().any(|line| line.starts_with("E:")), "{said}");
    }
}

/// A byte a voxel for each mask that the program must have written, made without any DICOM object.
fn write_masks(ct: &Path, folder: &Path) {
    let series = discover(&[ct.to_path_buf()], &|_, _| {}).unwrap().series.remove(0);
    let volume = series.load(&|_, _| {}).unwrap();
    let acquisition = Acquisition { slice_thickness_mm: series.header.slice_thickness_mm, blur_fwhm_mm: None };
    let size = volume.grid.size;
    let mut names = serde_json::Map::new();
    let mut write = |label: String, region: &Region| {
        if !region.is_empty() {
            let name = format!("{}.raw", names.len());
            let voxel = |n: usize| region.contains([n % size[0], n / size[0] % size[1], n / (size[0] * size[1])]);
            let bytes: Vec<u8> = (0..volume.grid.len()).map(|n| u8::from(voxel(n))).collect();
            fs::write(folder.join(&name), bytes).unwrap();
            names.insert(label, name.into());
        }
    };
    for measured in analyze(&volume, &Settings { acquisition, ..Settings::default() }) {
        let masks = bone_masks(&volume.grid, &measured);
        let title = match measured.bone.side {
            corticalysis::anatomy::Side::Left => "Left femur",
            corticalysis::anatomy::Side::Right => "Right femur",
            corticalysis::anatomy::Side::Unknown => "Femur, side unknown",
        };
        let part = if masks.whole { "" } else { ", measured part" };
        write(format!("{title}{part}"), &masks.bone);
        write(format!("{title}, cortex"), &masks.cortex);
        for (id, region) in &masks.lesions {
            write(format!("{title}, lesion {id}"), region);
        }
        for (id, region) in &masks.neck_lesions {
            write(format!("{title}, neck lesion {id}"), region);
        }
        for lesion in &masks.end_lesions {
            let end = if lesion.is_upper { "upper" } else { "lower" };
            write(format!("{title}, {end} end lesion {}", lesion.id), &lesion.region);
        }
    }
    let listed = serde_json::json!({ "size": size, "masks": names });
    fs::write(folder.join("masks.json"), listed.to_string()).unwrap();
}

/// Both hips of a patient with a hole cut into one neck, and one into the other's trochanter: necks and ends with a loss, and without.
fn hips() -> Option<Made> {
    let volume = volume_of(&shared_data()?.join("ct/TCGA-09-2043-hips"));
    let mut bones = analyze(&volume, &Settings::default());
    let (other, bone) = (bones.pop()?, bones.swap_remove(0));
    let end = other.ends.last()?;
    let told: Vec<usize> =
        end.sections.clone().filter(|n| end.lysis.sections[*n - end.sections.start].is_some()).collect();
    let trochanter = place_in_end(&volume, &other.beyond[told[told.len() / 2]], 100);
    let cut = cut_ball(&cut_ball(&volume, place_in_wall(&bone.neck?.neck, 0), 11.0), trochanter, 11.0);
    let dir = TempDir::new().unwrap();
    let (ct, out) = (dir.path().join("ct"), dir.path().join("out"));
    fs::create_dir(&ct).unwrap();
    let header = SeriesHeader { slice_thickness_mm: Some(volume.grid.spacing_mm.z), ..SeriesHeader::default() };
    NewSeries::new(&cut, header, "hips", "test", "a hole in a neck").write(&ct).unwrap();
    let args = ["analyze".as_ref(), ct.as_os_str(), "-o".as_ref(), out.as_os_str(), "--dicom=seg,sr".as_ref()];
    // No slice of a shaft is measured there: the report is written all the same.
    assert_eq!(corticalysis::<&OsStr>(args).status, 4);
    Some(Made { _dir: dir, ct, out })
}

#[test]
fn a_neck_and_its_loss_are_valid() {
    let (Some(made), Some(dciodvfy)) = (hips(), program("dciodvfy", "dicom3tools")) else { return };
    for object in objects(&made.out) {
        let output = Command::new(&dciodvfy).arg(&object).output().unwrap();
        let said = shown(&output);
        assert!(output.status.success() && !said.lines().any(|line| line.starts_with("Error")), "{said}");
    }
}

#[test]
fn pydicom_highdicom_plastimatch_and_rt_utils_read_back_what_was_measured() {
    let Some(python) = python() else { return };
    for made in cases().into_iter().chain(hips()) {
        let masks = TempDir::new().unwrap();
        write_masks(&made.ct, masks.path());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/validators/read_back.py");
        let output = Command::new(&python)
            .arg(script)
            .args([made.out.join("dicom"), made.ct.clone(), made.out.join("report.json"), masks.path().into()])
            .output()
            .unwrap();
        println!("{}", shown(&output));
        assert!(output.status.success(), "{}", shown(&output));
        for line in shown(&output).lines().filter_map(|line| line.strip_prefix("SKIPPED: ")) {
            skipped("read_back.py", line);
        }
    }
}

#[test]
fn orthanc_keeps_the_objects_in_the_study_of_the_ct_and_gives_them_back() {
    let (Some(orthanc), Some(python)) = (program("Orthanc", "orthanc"), program("python3", "python3")) else { return };
    let made = made(&square(), &["--dicom", "--identify"]);
    let unnamed = made.out.with_file_name("unnamed");
    let args = ["analyze".as_ref(), made.ct.as_os_str(), "-o".as_ref(), unnamed.as_os_str(), "--dicom=seg".as_ref()];
    assert_eq!(corticalysis::<&OsStr>(args).status, 0);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/validators/archive.py");
    let folders = [made.ct.clone(), made.out.join("dicom"), unnamed.join("dicom")];
    let output = Command::new(python).arg(script).arg(orthanc).args(folders).output().unwrap();
    println!("{}", shown(&output));
    if output.status.code() == Some(2) {
        return skipped("Orthanc", "it does not start here");
    }
    assert!(output.status.success(), "{}", shown(&output));
}

/// Real CT: headers as scanners write them, dates, other characters.
#[test]
fn objects_of_real_ct_are_valid() {
    let (Some(data), Some(dciodvfy)) = (shared_data(), program("dciodvfy", "dicom3tools")) else { return };
    let mut errors = Vec::new();
    for case in ["STS_001", "STS_013", "STS_030"] {
        let (ct, out) = (data.join("ct").join(case).join("image"), TempDir::new().unwrap());
        let args = [
            "analyze".as_ref(),
            ct.as_os_str(),
            "-o".as_ref(),
            out.path().as_os_str(),
            "--dicom=seg,sr,rtstruct,ko,sc".as_ref(),
            "--identify".as_ref(),
        ];
        let run = corticalysis::<&OsStr>(args);
        assert_eq!(run.status, 0, "{case}: {}", run.stderr);
        for object in objects(out.path()) {
            let said = shown(&Command::new(&dciodvfy).arg(&object).output().unwrap());
            let found = said.lines().filter(|line| line.starts_with("Error"));
            errors.extend(found.map(|line| format!("{case} {}: {line}", object.file_name().unwrap().display())));
        }
    }
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}
