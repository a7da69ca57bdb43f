//! Regions against what other programs make of them (tests/fixtures/make_region_references.py): polygons by shapely on
//! real RTSTRUCTs, segmentations written by highdicom, a mask written by nibabel, one made by SimpleITK on a real CT.

mod support;

use corticalysis::dicom::{Discovery, Series, discover, find_region, read_mask};
use corticalysis::volume::{Grid, Region};
use nalgebra::Vector3;
use serde_json::Value;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use support::program::{analyzed, bones, corticalysis, shared_data, slices};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn discovered(paths: &[PathBuf]) -> Discovery {
    discover(paths, &|_, _| {}).unwrap_or_else(|e| panic!("{e}"))
}

/// Mean position of the voxels, patient mm.
fn centre(region: &Region, grid: &Grid) -> Vector3<f64> {
    let mut sum = Vector3::zeros();
    for k in 0..grid.size[2] {
        for run in region.runs(k) {
            let n = (run.last - run.first + 1) as f64;
            let middle = Vector3::new(0.5 * (run.first + run.last) as f64, run.j as f64, k as f64);
            sum += grid.to_patient(middle).coords * n;
        }
    }
    sum / region.len() as f64
}

#[test]
fn tumours_drawn_on_real_ct_are_the_voxels_that_another_program_finds() {
    let Some(data) = shared_data() else { return };
    let mut reader = csv::Reader::from_path(fixtures().join("sts_gtv.csv")).unwrap();
    let mut cases = 0;
    for row in reader.records() {
        let row = row.unwrap();
        let case = &row[0];
        let [polygons_ml, surface_mm2, voxels, x, y, z] = [1, 2, 3, 4, 5, 6].map(|n| row[n].parse::<f64>().unwrap());
        let folder = data.join("ct").join(case);
        let found = discovered(&[folder.join("image"), folder.join("mask")]);
        let series = &found.series[0];
        let placed = find_region(&found.regions, "GTV_Mass_CT", series).unwrap_or_else(|e| panic!("{case}: {e}"));
        let ml = placed.region.volume_mm3(&series.grid) / 1000.0;
        let off = (centre(&placed.region, &series.grid) - Vector3::new(x, y, z)).norm();
        println!(
            "{case}: {ml:.2} ml for {polygons_ml:.2} of the polygons, {} voxels for {voxels}, centre {off:.3} mm off",
            placed.region.len()
        );
        // Only centres that lie on a contour may be counted otherwise.
        assert!((placed.region.len() as f64 - voxels).abs() <= 1e-4 * voxels + 2.0, "{case}");
        assert!(off < 0.02, "{case}: {off} mm");
        // Half a voxel along the surface is the most that voxels can be off the polygons.
        assert!((ml - polygons_ml).abs() < 0.5 * series.grid.spacing_mm.x * surface_mm2 / 1000.0, "{case}");
        assert!((ml / polygons_ml - 1.0).abs() < 0.005, "{case}: and they even out");
        cases += 1;
    }
    assert_eq!(cases, 18);
}

#[test]
fn each_real_rtstruct_restricts_the_report() {
    let Some(data) = shared_data() else { return };
    for case in ["STS_001", "STS_013", "STS_030", "STS_045", "STS_046"] {
        let folder = data.join("ct").join(case);
        let (image, mask) = (folder.join("image"), folder.join("mask"));
        let args = [
            "analyze".as_ref(),
            image.as_os_str(),
            mask.as_os_str(),
            "--roi".as_ref(),
            "GTV_Mass_CT".as_ref(),
            "--json".as_ref(),
        ];
        let run = corticalysis::<&OsStr>(args);
        assert_eq!(run.status, 0, "{case}: {}", run.stderr);
        assert!(run.stderr.contains("name images that are not in this series"), "{case}: {}", run.stderr);
        // Soft-tissue tumours: no lesion of the bone.
        let report = run.json();
        assert!(bones(&report).iter().all(|bone| bone["lesions"] == Value::Array(Vec::new())), "{case}");
        assert!(bones(&report).iter().all(|bone| bone["restricted_to"][0] == "GTV_Mass_CT"), "{case}");
        let listed = corticalysis(["series".as_ref(), folder.as_os_str()]).stdout;
        assert!(listed.contains("RTSTRUCT  ROI ") && listed.contains("\"GTV_Mass_CT\""), "{listed}");
    }
}

/// A defect in a real femur: found by the program, and marked by another one.
#[test]
fn a_real_femur_marked_by_another_program_gives_the_same_percentages() {
    let Some(data) = shared_data() else { return };
    let ct = data.join("defect/d1");
    let mask = fixtures().join("d1_femur.nii.gz");
    let args = ["analyze".as_ref(), ct.as_os_str(), "--mask".as_ref(), mask.as_os_str(), "--json".as_ref()];
    let run = corticalysis::<&OsStr>(args);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let (found, marked) = (analyzed(&ct), run.json());
    assert_eq!(bones(&marked).len(), 1);
    let rows = |report: &Value| {
        let names = ["z_mm", "axial_lysis_percent", "circumferential_lysis_percent"];
        let measured = slices(&bones(report)[0]).iter().filter(|slice| slice["measured"] == true);
        measured.map(|slice| names.map(|name| slice[name].as_f64().unwrap())).collect::<Vec<[f64; 3]>>()
    };
    let (found, marked) = (rows(&found), rows(&marked));
    let pairs: Vec<_> =
        found.iter().filter_map(|a| Some((a, marked.iter().find(|b| (a[0] - b[0]).abs() < 0.1)?))).collect();
    let apart = pairs.iter().map(|(a, b)| (a[1] - b[1]).abs().max((a[2] - b[2]).abs())).fold(0.0, f64::max);
    println!("{} slices measured, {} with the mask, largest difference {apart:.2} points", found.len(), marked.len());
    assert!(pairs.len() + 3 >= found.len());
    assert!(apart < 1.0, "{apart} points");
}

const SIZE: [usize; 3] = [12, 10, 8];

/// The ellipsoid of the script, and a voxel beside it.
fn ellipsoid() -> Region {
    let square = |v: usize, middle: f64, radius: f64| ((v as f64 - middle) / radius).powi(2);
    Region::from_fn(SIZE, |i, j, k| {
        square(i, 4.2, 3.4) + square(j, 6.1, 2.6) + square(k, 3.3, 2.2) < 1.0 || (i, j, k) == (9, 2, 2)
    })
}

fn small_ct() -> Series {
    discovered(&[fixtures().join("seg_ct")]).series.remove(0)
}

#[test]
fn segmentations_by_highdicom_are_the_voxels_that_were_given_to_it() {
    let series = small_ct();
    assert_eq!(series.grid.size, SIZE);
    for (file, segments) in [("seg_binary.dcm", 2), ("seg_fractional.dcm", 1), ("seg_labelmap.dcm", 2)] {
        let path = fixtures().join(file);
        let all = read_mask(&path, None, &series).unwrap_or_else(|e| panic!("{file}: {e}"));
        assert_eq!(all.len(), segments, "{file}");
        let one = read_mask(&path, Some("fémur GAUCHE"), &series).unwrap_or_else(|e| panic!("{file}: {e}"));
        assert_eq!(one[0].region, ellipsoid(), "{file}");
        assert!(one[0].notes.is_empty(), "{file}: {:?}", one[0].notes);
        // Among the inputs it is found by name as well.
        let found = discovered(&[fixtures().join("seg_ct"), path.clone()]);
        let placed = find_region(&found.regions, "Fémur gauche", &found.series[0]).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(placed.region, ellipsoid(), "{file}");
    }
}

#[test]
fn a_mask_by_nibabel_in_another_order_is_those_voxels_too() {
    let series = small_ct();
    let path = fixtures().join("label.nii.gz");
    let placed = read_mask(&path, Some("1"), &series).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(placed[0].region, ellipsoid());
    let corner = read_mask(&path, Some("2"), &series).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(corner[0].region, Region::from_fn(SIZE, |i, j, _| i >= 9 && j >= 8));
}

/// The collection's own RTSTRUCTs and segmentation that break readers.
#[test]
fn odd_region_files_are_read_or_refused_with_a_reason() {
    let Some(data) = shared_data() else { return };
    let found = discovered(&[data.join("odd")]);
    let mut named = 0;
    for file in &found.regions {
        match file.names() {
            Ok(names) => named += names.len(),
            Err(error) => assert!(error.to_string().contains("hint:"), "{error}"),
        }
    }
    println!("{} files, {named} regions", found.regions.len());
    assert!(found.regions.len() >= 5 && named >= 10);
    // A segmentation by dcmqi on the CT that it was made on.
    let liver = |file: &&corticalysis::dicom::RegionFile| file.path.to_string_lossy().contains("label.seg");
    let file = found.regions.iter().find(liver).expect("the segmentation of dcmqi");
    let placed: Vec<_> = found
        .series
        .iter()
        .filter_map(|series| find_region(std::slice::from_ref(file), "Liver", series).ok())
        .collect();
    assert!(!placed.is_empty() && placed.iter().all(|p| !p.region.is_empty()), "on none of the series");
}
