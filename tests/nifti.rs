//! A CT as NIfTI: the same volume and the same numbers as from DICOM, however it is stored; what is refused, by name.

mod support;

use corticalysis::analysis::{Settings, analyze};
use corticalysis::dicom::{SeriesFault, SetAsideReason, discover};
use corticalysis::phantom::dicom_out::NewSeries;
use corticalysis::phantom::{PhantomSpec, presets};
use corticalysis::volume::{NO_DATA, Volume};
use std::fs;
use std::path::Path;
use support::nifti_file::{Nifti, Stored, write_bytes};
use support::oriented::{orientations, stored};
use support::program::{bones, corticalysis};
use tempfile::TempDir;

fn spec() -> PhantomSpec {
    let mut spec = presets::window_lesion();
    (spec.image.size, spec.image.spacing_mm) = ([96, 80, 60], [0.8, 1.0, 1.5]);
    spec
}

/// What the series of a file loads.
fn loaded(path: &Path) -> Volume<i16> {
    let found = discover(&[path.to_path_buf()], &|_, _| {}).unwrap_or_else(|e| panic!("{e}"));
    found.series[0].load(&|_, _| {}).unwrap_or_else(|e| panic!("{e}"))
}

fn assert_same(found: &Volume<i16>, wanted: &Volume<i16>, what: &str) {
    assert!(found.grid.furthest_apart_mm(&wanted.grid) < 1e-3, "{what}: {} for {}", found.grid, wanted.grid);
    let wrong = found.voxels.iter().zip(&wanted.voxels).filter(|(a, b)| a != b).count();
    assert_eq!(wrong, 0, "{what}: voxels that differ");
}

#[test]
fn stored_in_all_48_ways_it_is_the_volume_of_the_dicom_images() {
    let spec = spec();
    let built = spec.build().volume;
    let dir = TempDir::new().unwrap();
    NewSeries::of_phantom(&spec, &built).write(dir.path()).unwrap();
    let from_dicom = loaded(dir.path());
    for orientation in orientations() {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("ct.nii.gz");
        Nifti::default().write(&stored(&built, orientation), &path);
        assert_same(&loaded(&path), &from_dicom, &format!("{orientation:?}"));
    }
}

#[test]
fn it_gives_the_percentages_of_the_dicom_images() {
    let spec = spec();
    let built = spec.build().volume;
    let dir = TempDir::new().unwrap();
    let dicom = dir.path().join("dicom");
    fs::create_dir(&dicom).unwrap();
    NewSeries::of_phantom(&spec, &built).write(&dicom).unwrap();
    let nifti = dir.path().join("ct.nii.gz");
    Nifti { forms: [1, 0], ..Nifti::default() }.write(&stored(&built, ([2, 0, 1], [true, false, true])), &nifti);
    let of_dicom = corticalysis(["analyze".as_ref(), dicom.as_os_str(), "--json".as_ref()]);
    let of_nifti = corticalysis(["analyze".as_ref(), nifti.as_os_str(), "--json".as_ref()]);
    assert_eq!((of_dicom.status, of_nifti.status), (0, 0), "{}", of_nifti.stderr);
    let (a, b) = (of_dicom.json(), of_nifti.json());
    let numbers = |report: &serde_json::Value| {
        let slices = bones(report)[0]["slices"].as_array().unwrap().clone();
        let of = |s: &serde_json::Value, name: &str| s[name].as_f64().unwrap_or(-1.0);
        let names = ["z_mm", "axial_lysis_percent", "circumferential_lysis_percent"];
        slices.iter().map(|s| names.map(|name| of(s, name))).collect::<Vec<_>>()
    };
    assert_eq!(bones(&b).len(), 1);
    let (a, b_numbers) = (numbers(&a), numbers(&b));
    assert_eq!(a.len(), b_numbers.len());
    assert!(a.iter().any(|row| row[1] > 10.0), "the lesion is seen");
    for (x, y) in a.iter().zip(&b_numbers) {
        // The phantom's header tells the slice thickness, NIfTI does not: the same here, as slices do not overlap.
        assert!(x.iter().zip(y).all(|(x, y)| (x - y).abs() < 0.11), "{x:?} and {y:?}");
    }
    assert_eq!(b["series"]["series_instance_uid"], "");
    assert!(b["series"]["warnings"].to_string().contains("read from NIfTI (placed by its qform)"));
    let first = &bones(&b)[0]["slices"][0];
    assert_eq!(first["sop_instance_uid"], serde_json::Value::Null);
    assert!(first["instance_number"].as_i64().is_some_and(|n| n >= 1));
}

#[test]
fn every_way_to_store_a_value_gives_the_same_hu() {
    let mut volume = spec().build().volume;
    volume.voxels[5] = NO_DATA;
    volume.voxels[6] = -1024;
    let dir = TempDir::new().unwrap();
    let scaled = |slope: f32, intercept: f32, stored, big_endian| Nifti {
        stored,
        big_endian,
        slope,
        intercept,
        ..Nifti::default()
    };
    let ways = [
        scaled(0.0, 0.0, Stored::I16, true),
        scaled(1.0, 0.0, Stored::I32, false),
        scaled(f32::NAN, 0.0, Stored::F32, false),
        scaled(1.0, 0.0, Stored::F64, true),
        scaled(1.0, 0.0, Stored::I64, false),
        // Shifted so that nothing is below 0.
        scaled(1.0, -3024.0, Stored::U16, false),
        scaled(1.0, -3024.0, Stored::U32, true),
        scaled(1.0, -3024.0, Stored::U64, false),
        scaled(0.5, -2000.0, Stored::I32, false),
    ];
    for (n, way) in ways.into_iter().enumerate() {
        let path = dir.path().join(format!("{n}.nii"));
        let value = |hu: i16| {
            let hu = if hu == NO_DATA { -3000.0 } else { f64::from(hu) };
            let (slope, intercept) = if way.slope > 0.0 { (way.slope, way.intercept) } else { (1.0, 0.0) };
            (hu - f64::from(intercept)) / f64::from(slope)
        };
        let values: Vec<f64> = volume.voxels.iter().map(|hu| value(*hu)).collect();
        let way = Nifti { extension: 16 * (n % 3), ..way };
        write_bytes(&way.bytes(&volume.grid, &values), &path);
        assert_same(&loaded(&path), &volume, &format!("{:?}", way.stored));
    }
}

/// A volume that begins with air, as every CT does.
fn small() -> Volume<i16> {
    let mut volume = spec().build().volume;
    volume.voxels[0] = -1000;
    volume
}

fn why_not(bytes: &[u8]) -> String {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("ct.nii");
    fs::write(&path, bytes).unwrap();
    match discover(std::slice::from_ref(&path), &|_, _| {}) {
        Err(error) => error.to_string(),
        Ok(found) => match found.series[0].load(&|_, _| {}) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("it was read"),
        },
    }
}

#[test]
fn what_is_not_read_is_refused_by_its_name() {
    let volume = small();
    let values: Vec<f64> = volume.voxels.iter().map(|hu| f64::from(*hu)).collect();
    let with = |change: fn(&mut Nifti)| {
        let mut way = Nifti::default();
        change(&mut way);
        way.bytes(&volume.grid, &values)
    };
    let patched = |at: usize, new: &[u8]| {
        let mut bytes = with(|_| ());
        bytes[at..at + new.len()].copy_from_slice(new);
        bytes
    };
    for (bytes, said) in [
        (with(|way| way.more = vec![2]), "4 dimensions (96 × 80 × 60 × 2)"),
        (with(|way| way.units = 1), "metres"),
        (with(|way| way.units = 3), "micrometres"),
        (with(|way| way.forms = [0, 0]), "neither sform nor qform"),
        (patched(70, &32i16.to_le_bytes()), "complex numbers"),
        (patched(70, &128i16.to_le_bytes()), "colours"),
        (patched(344, b"ni1\0"), "two files (.hdr and .img)"),
        (patched(0, &540i32.to_le_bytes()), "NIfTI-2"),
        (patched(344, b"\0\0\0\0"), "ANALYZE"),
        (patched(42, &(-1i16).to_le_bytes()), "a size of -1"),
        (patched(42, &[0xFF, 0x7F, 0xFF, 0x7F, 0xFF, 0x7F]), "more than"),
        (patched(108, &1e9f32.to_le_bytes()), "begin at byte"),
        (patched(280, &[0; 48]), "no place in a patient"),
        (patched(280, &f32::NAN.to_le_bytes()), "no place in a patient"),
    ] {
        let error = why_not(&bytes);
        assert!(error.contains(said) && error.contains("hint:"), "{said}: {error}");
    }
    let whole = with(|_| ());
    let error = why_not(&whole[..whole.len() - 1]);
    assert!(error.contains("truncated at row 79 of slice 59 of 60"), "{error}");
    assert!(why_not(&whole[..200]).contains("truncated within its header"));
}

#[test]
fn a_fourth_dimension_of_one_and_no_unit_are_read() {
    let volume = small();
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("CT.NII.GZ");
    let way = Nifti { more: vec![1], units: 0, ..Nifti::default() };
    let values: Vec<f64> = volume.voxels.iter().map(|hu| f64::from(*hu)).collect();
    // Packed, whatever case its name is in.
    let packed = dir.path().join("x.gz");
    write_bytes(&way.bytes(&volume.grid, &values), &packed);
    fs::rename(packed, &path).unwrap();
    assert_same(&loaded(&path), &volume, "read");
    let found = discover(&[path], &|_, _| {}).unwrap();
    let warnings: Vec<String> = found.series[0].warnings.iter().map(ToString::to_string).collect();
    assert!(warnings.iter().any(|w| w.contains("no unit of length")), "{warnings:?}");
}

#[test]
fn forms_that_contradict_each_other_are_said_and_the_sform_is_taken() {
    let volume = small();
    let mut bytes = Nifti { forms: [1, 2], ..Nifti::default() }
        .bytes(&volume.grid, &volume.voxels.iter().map(|v| f64::from(*v)).collect::<Vec<_>>());
    let offset = f32::from_le_bytes(bytes[268..272].try_into().unwrap());
    bytes[268..272].copy_from_slice(&(offset + 30.0).to_le_bytes());
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("ct.nii");
    fs::write(&path, bytes).unwrap();
    assert_same(&loaded(&path), &volume, "by the sform");
    let found = discover(&[path], &|_, _| {}).unwrap();
    let warnings: Vec<String> = found.series[0].warnings.iter().map(ToString::to_string).collect();
    assert!(warnings.iter().any(|w| w.contains("up to 30.0 mm apart")), "{warnings:?}");
}

/// A folder as public collections ship it: the CT, and masks beside it that must not be taken for one.
#[test]
fn masks_and_photographs_beside_the_ct_are_set_aside() {
    let volume = small();
    let dir = TempDir::new().unwrap();
    Nifti::default().write(&volume, &dir.path().join("ct.nii.gz"));
    let mask =
        Volume { grid: volume.grid.clone(), voxels: volume.voxels.iter().map(|hu| i16::from(*hu > 300)).collect() };
    Nifti { stored: Stored::U8, ..Nifti::default() }.write(&mask, &dir.path().join("femur.nii.gz"));
    // As some exporters leave it: stored values without their intercept.
    let raw: Vec<f64> = volume.voxels.iter().map(|hu| f64::from(hu.max(&-1024) + 1024)).collect();
    write_bytes(&Nifti::default().bytes(&volume.grid, &raw), &dir.path().join("raw.nii"));
    let found = discover(&[dir.path().to_path_buf()], &|_, _| {}).unwrap();
    assert_eq!(found.series.len(), 1);
    let aside: Vec<String> = found.set_aside.iter().map(|set| set.reason.to_string()).collect();
    assert!(matches!(found.set_aside[0].reason, SetAsideReason::NotHounsfield(_)), "{aside:?}");
    assert!(aside.iter().any(|why| why.contains("values from 0 to 1,")), "{aside:?}");
    let alone = discover(&[dir.path().join("femur.nii.gz")], &|_, _| {}).unwrap_err().to_string();
    assert!(alone.contains("no CT in HU") && alone.contains("--mask"), "{alone}");
}

#[test]
fn a_sheared_stack_is_straightened_like_a_tilted_gantry() {
    let volume = small();
    let mut sheared = volume.clone();
    let tilted = (sheared.grid.directions.column(2) + 0.2 * sheared.grid.directions.column(1)).normalize();
    sheared.grid.directions.set_column(2, &tilted);
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("ct.nii");
    Nifti::default().write(&sheared, &path);
    let read = loaded(&path);
    let wanted = corticalysis::volume::straighten(&sheared);
    assert_eq!(read.grid.size, wanted.grid.size);
    // NIfTI holds its directions in 32 bits: shifts differ by a hair, and noise by as little.
    let close = |(a, b): (&i16, &i16)| (i32::from(*a) - i32::from(*b)).abs() <= 2;
    assert!(read.voxels.iter().zip(&wanted.voxels).all(close));
    // Shear within the slices is no scan.
    let skew = (sheared.grid.directions.column(1) + 0.2 * sheared.grid.directions.column(0)).normalize();
    sheared.grid.directions.set_column(1, &skew);
    Nifti::default().write(&sheared, &path);
    let found = discover(&[path], &|_, _| {}).unwrap();
    assert!(found.series[0].faults.contains(&SeriesFault::Sheared));
}

#[test]
fn an_oblique_volume_is_refused_as_oblique_images_are() {
    let mut volume = small();
    let turn = nalgebra::Rotation3::from_axis_angle(&nalgebra::Vector3::x_axis(), 0.6);
    volume.grid.directions = turn.matrix() * volume.grid.directions;
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("ct.nii");
    Nifti::default().write(&volume, &path);
    let found = discover(&[path], &|_, _| {}).unwrap();
    assert!(matches!(found.series[0].faults[..], [SeriesFault::Oblique { degrees }] if (degrees - 34.4).abs() < 0.1));
}

#[test]
fn a_zip_archive_may_hold_it() {
    let volume = small();
    let dir = TempDir::new().unwrap();
    let plain = dir.path().join("ct.nii.gz");
    Nifti::default().write(&volume, &plain);
    let path = dir.path().join("study.zip");
    let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    zip.start_file("a/ct.nii.gz", zip::write::SimpleFileOptions::default()).unwrap();
    std::io::Write::write_all(&mut zip, &fs::read(&plain).unwrap()).unwrap();
    zip.finish().unwrap();
    assert_same(&loaded(&path), &volume, "in an archive");
    assert_eq!(analyze(&volume, &Settings::default()).len(), 1);
}
