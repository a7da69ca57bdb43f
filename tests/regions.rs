//! Masks and outlined lesions that the user gives: placed by their coordinates, refused where they are another grid, and
//! what they do to the report.

mod support;

use corticalysis::dicom::{RegionFile, RegionKind, Series, discover, find_region, read_mask};
use corticalysis::phantom::dicom_out::NewSeries;
use corticalysis::phantom::{BoneSpec, LesionSpec, PhantomSpec, presets};
use corticalysis::volume::{Grid, Region, Volume};
use nalgebra::{Point3, Vector3};
use proptest::prelude::*;
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use support::nifti_file::{Nifti, Stored};
use support::oriented::{orientations, stored};
use support::program::{Run, bone_and_side, bones, corticalysis, slices};
use support::region_objects::{Roi, SegKind, write_rtstruct, write_seg};
use tempfile::TempDir;

/// A phantom as DICOM, and the voxels within the periosteum of each of its bones, lesions included.
struct Study {
    dir: TempDir,
    series: Series,
    grid: Grid,
    bones: Vec<Region>,
}

impl Study {
    fn of(spec: &PhantomSpec) -> Study {
        let volume = spec.build().volume;
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("ct")).unwrap();
        NewSeries::of_phantom(spec, &volume).write(&dir.path().join("ct")).unwrap();
        let series = discover(&[dir.path().to_path_buf()], &|_, _| {}).unwrap().series.remove(0);
        let grid = volume.grid;
        let inside = |bone: &corticalysis::phantom::PlacedBone, at: [usize; 3]| {
            let own = bone.to_own(grid.to_patient(Vector3::from(at.map(|v| v as f64))));
            own.x.hypot(own.y) <= bone.wall_at(own).outer_mm
        };
        let placed = spec.placed_bones();
        let bones = placed.iter().map(|b| Region::from_fn(grid.size, |i, j, k| inside(b, [i, j, k]))).collect();
        Study { dir, series, grid, bones }
    }

    fn ct(&self) -> PathBuf {
        self.dir.path().join("ct")
    }

    fn frame(&self) -> &str {
        &self.series.header.frame_of_reference_uid
    }

    /// Labels by bone, 0 outside.
    fn labels(&self, of: &[i16]) -> Volume<i16> {
        let [columns, rows, _] = self.grid.size;
        let label = |n: usize| {
            let at = [n % columns, n / columns % rows, n / (columns * rows)];
            self.bones.iter().zip(of).find(|(bone, _)| bone.contains(at)).map_or(0, |(_, label)| *label)
        };
        Volume { grid: self.grid.clone(), voxels: (0..self.grid.len()).map(label).collect() }
    }

    /// Squares around the axis of a bone on the slices between two heights.
    fn squares(&self, centre: [f64; 2], half_mm: f64, z_mm: [f64; 2]) -> Vec<Vec<[f64; 3]>> {
        let height = |k: usize| self.grid.to_patient(Vector3::new(0.0, 0.0, k as f64)).z;
        let heights = (0..self.grid.size[2]).map(height).filter(|z| (z_mm[0]..=z_mm[1]).contains(z));
        let corners = [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]];
        heights.map(|z| corners.map(|c| [centre[0] + half_mm * c[0], centre[1] + half_mm * c[1], z]).to_vec()).collect()
    }

    fn analyzed(&self, more: &[&OsStr]) -> Run {
        let ct = self.ct();
        let mut args: Vec<&OsStr> = vec!["analyze".as_ref(), ct.as_os_str(), "--json".as_ref(), "--quiet".as_ref()];
        args.extend(more);
        corticalysis(args)
    }
}

/// The middle of the phantoms' images.
const MIDDLE: [f64; 3] = corticalysis::phantom::spec::MIDDLE_MM;

fn window(along_mm: f64) -> LesionSpec {
    LesionSpec::Window { angle_deg: 20.0, half_width_deg: 50.0, along_mm, length_mm: 24.0, hu: 45.0 }
}

/// A femur with a lesion above the middle and one below.
fn two_lesions() -> &'static Study {
    static STUDY: OnceLock<Study> = OnceLock::new();
    STUDY.get_or_init(|| {
        let mut spec = presets::one_bone(BoneSpec { lesions: vec![window(-45.0), window(45.0)], ..presets::femur() });
        (spec.image.size, spec.image.spacing_mm) = ([90, 90, 96], [0.9, 0.8, 2.0]);
        Study::of(&spec)
    })
}

fn two_legs() -> &'static Study {
    static STUDY: OnceLock<Study> = OnceLock::new();
    STUDY.get_or_init(|| Study::of(&presets::two_legs()))
}

/// z, axial and circumferential of every measured slice.
fn percentages(bone: &Value) -> Vec<[f64; 3]> {
    let names = ["z_mm", "axial_lysis_percent", "circumferential_lysis_percent"];
    let measured = slices(bone).iter().filter(|slice| slice["measured"] == true);
    measured.map(|slice| names.map(|name| slice[name].as_f64().expect("a number"))).collect()
}

/// Largest difference of both percentages, in points, over the slices that both have.
fn largest_difference(a: &[[f64; 3]], b: &[[f64; 3]]) -> f64 {
    let pairs = a.iter().filter_map(|x| Some((x, b.iter().find(|y| (x[0] - y[0]).abs() < 0.1)?)));
    let apart = |(x, y): (&[f64; 3], &[f64; 3])| (x[1] - y[1]).abs().max((x[2] - y[2]).abs());
    pairs.map(apart).fold(0.0, f64::max)
}

fn lesions(bone: &Value) -> &[Value] {
    bone["lesions"].as_array().expect("lesions")
}

#[test]
fn the_same_mask_is_the_same_region_however_it_is_stored() {
    let study = two_legs();
    let labels = study.labels(&[3, 7]);
    let dir = TempDir::new().unwrap();
    for (n, orientation) in orientations().into_iter().enumerate() {
        let path = dir.path().join(if n % 2 == 0 { "mask.nii.gz" } else { "mask.nii" });
        let stored_as = [Stored::U8, Stored::I16, Stored::I32, Stored::F32, Stored::I64, Stored::F64][n % 6];
        let way = Nifti { stored: stored_as, forms: [[0, 1], [1, 0], [1, 1]][n % 3], ..Nifti::default() };
        way.write(&stored(&labels, orientation), &path);
        let placed = read_mask(&path, None, &study.series).unwrap_or_else(|e| panic!("{orientation:?}: {e}"));
        assert_eq!(placed.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["label 3", "label 7"]);
        for (placed, bone) in placed.iter().zip(&study.bones) {
            assert!(placed.region == *bone, "{orientation:?}: {}", placed.name);
            assert!(placed.notes.is_empty(), "{:?}", placed.notes);
        }
    }
}

#[test]
fn segmentations_of_every_kind_are_that_region_too() {
    let study = two_legs();
    let dir = TempDir::new().unwrap();
    let segments = [("Femur right", &study.bones[0]), ("Femur left", &study.bones[1])];
    for kind in [SegKind::Binary, SegKind::Fractional, SegKind::LabelMap] {
        let path = dir.path().join(format!("{kind:?}.dcm"));
        write_seg(&segments, &study.grid, kind, study.frame(), &path);
        let all = read_mask(&path, None, &study.series).unwrap_or_else(|e| panic!("{kind:?}: {e}"));
        for (placed, (name, bone)) in all.iter().zip(&segments) {
            assert!(placed.name == *name && placed.region == **bone && placed.notes.is_empty(), "{kind:?} {name}");
        }
        for label in ["2", "femur LEFT "] {
            let one = read_mask(&path, Some(label), &study.series).unwrap_or_else(|e| panic!("{e}"));
            assert!(one.len() == 1 && one[0].region == study.bones[1], "{kind:?} by {label}");
        }
        let error = read_mask(&path, Some("tibia"), &study.series).unwrap_err().to_string();
        assert!(error.contains("Femur right (1), Femur left (2)"), "{error}");
    }
}

#[test]
fn a_segmentation_in_sagittal_frames_of_few_slices_is_placed_by_its_coordinates() {
    let study = two_legs();
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("sagittal.dcm");
    let sagittal = stored(&study.labels(&[1, 0]), ([1, 2, 0], [false, true, true]));
    let [a, b, _] = sagittal.grid.size;
    let region = Region::from_fn(sagittal.grid.size, |i, j, k| sagittal.voxels[i + a * (j + b * k)] != 0);
    write_seg(&[("Femur", &region)], &sagittal.grid, SegKind::Binary, study.frame(), &path);
    let placed = read_mask(&path, None, &study.series).unwrap_or_else(|e| panic!("{e}"));
    assert!(placed[0].region == study.bones[0]);
}

#[test]
fn a_mask_gives_the_numbers_of_the_bone_that_is_found() {
    let study = two_lesions();
    let dir = TempDir::new().unwrap();
    let nifti = dir.path().join("mask.nii.gz");
    Nifti { stored: Stored::U8, ..Nifti::default() }
        .write(&stored(&study.labels(&[1]), ([2, 0, 1], [true, false, true])), &nifti);
    let seg = dir.path().join("mask.dcm");
    write_seg(&[("Bone", &study.bones[0])], &study.grid, SegKind::Binary, study.frame(), &seg);
    let found = study.analyzed(&[]).json();
    let wanted = percentages(&bones(&found)[0]);
    assert!(wanted.len() > 80 && wanted.iter().any(|row| row[1] > 15.0), "{wanted:?}");
    for mask in [&nifti, &seg] {
        let run = study.analyzed(&["--mask".as_ref(), mask.as_os_str()]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        let report = run.json();
        let measured = percentages(&bones(&report)[0]);
        assert_eq!((bones(&report).len(), measured.len()), (1, wanted.len()));
        let apart = largest_difference(&wanted, &measured);
        println!("{}: {apart:.2} points", mask.display());
        assert!(apart < 0.5, "{apart} points");
        assert_eq!(lesions(&bones(&report)[0]).len(), 2);
        let kind = if mask == &nifti { "NIfTI" } else { "SEG" };
        assert_eq!(report["settings"]["mask"], kind);
    }
}

/// The CT is straightened; the mask was made on its slices as they are stored.
#[test]
fn a_mask_on_a_tilted_stack_is_moved_with_its_slices() {
    let study = two_lesions();
    let shear = |volume: &Volume<i16>| {
        let mut sheared = volume.clone();
        let tilted = (sheared.grid.directions.column(2) + 0.1 * sheared.grid.directions.column(1)).normalize();
        sheared.grid.directions.set_column(2, &tilted);
        sheared
    };
    let dir = TempDir::new().unwrap();
    let (ct, mask) = (dir.path().join("ct.nii"), dir.path().join("mask.nii"));
    Nifti::default().write(&shear(&study.series.load(&|_, _| {}).unwrap()), &ct);
    Nifti::default().write(&shear(&study.labels(&[1])), &mask);
    let series = discover(std::slice::from_ref(&ct), &|_, _| {}).unwrap().series.remove(0);
    let placed = read_mask(&mask, None, &series).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(placed[0].region.size(), series.grid.size);
    let (found, stored) = (placed[0].region.len() as f64, study.bones[0].len() as f64);
    assert!((found / stored - 1.0).abs() < 0.01, "{found} of {stored} voxels");
    let args = |more: &[&OsStr]| {
        let mut args: Vec<&OsStr> = vec!["analyze".as_ref(), ct.as_os_str(), "--json".as_ref()];
        args.extend(more);
        percentages(&bones(&corticalysis(args).json())[0])
    };
    let (without, with) = (args(&[]), args(&["--mask".as_ref(), mask.as_os_str()]));
    assert!(without.len() > 70 && largest_difference(&without, &with) < 0.5);
}

/// As someone marks bone by its density: no canal, and no wall where the lesion is.
#[test]
fn a_mask_of_what_is_left_of_the_wall_does_as_well() {
    let study = two_lesions();
    let volume = study.series.load(&|_, _| {}).unwrap();
    let [columns, rows, _] = volume.grid.size;
    let wall: Vec<i16> = (0..volume.voxels.len())
        .map(|n| {
            let at = [n % columns, n / columns % rows, n / (columns * rows)];
            i16::from(study.bones[0].contains(at) && volume.voxels[n] > 350)
        })
        .collect();
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("wall.nii.gz");
    Nifti::default().write(&Volume { grid: volume.grid.clone(), voxels: wall.into() }, &path);
    let wanted = percentages(&bones(&study.analyzed(&[]).json())[0]);
    let run = study.analyzed(&["--mask".as_ref(), path.as_os_str()]);
    let apart = largest_difference(&wanted, &percentages(&bones(&run.json())[0]));
    assert!(apart < 0.5, "{apart} points");
}

#[test]
fn only_the_slices_of_the_mask_are_measured() {
    let study = two_lesions();
    let mut labels = study.labels(&[1]);
    let slice = labels.grid.size[0] * labels.grid.size[1];
    labels.voxels[60 * slice..].fill(0);
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("half.nii");
    Nifti::default().write(&labels, &path);
    let report = study
        .analyzed(&[
            "--mask".as_ref(),
            path.as_os_str(),
            "--bone".as_ref(),
            "tibia".as_ref(),
            "--side".as_ref(),
            "right".as_ref(),
        ])
        .json();
    let bone = &bones(&report)[0];
    assert_eq!(bone_and_side(bone), "tibia right");
    assert_eq!((slices(bone).len(), lesions(bone).len()), (60, 1));
}

#[test]
fn each_label_is_a_bone_and_one_may_be_chosen() {
    let study = two_legs();
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("legs.nii.gz");
    let mut labels = study.labels(&[3, 7]);
    // A label of soft tissue: no shaft in it.
    for k in 10..40 {
        labels.voxels[k * labels.grid.size[0] * labels.grid.size[1]] = 12;
    }
    Nifti::default().write(&labels, &path);
    let mask: [&OsStr; 2] = ["--mask".as_ref(), path.as_os_str()];
    let both = study.analyzed(&mask);
    assert_eq!(bones(&both.json()).len(), 2);
    assert!(both.stderr.contains("in: label 12"), "{}", both.stderr);
    let one = study.analyzed(&[mask[0], mask[1], "--mask-label".as_ref(), "3".as_ref()]).json();
    assert_eq!(bones(&one).len(), 1);
    assert_eq!(bones(&one)[0]["side"], "right");
    // The other leg is not measured, but it still serves as the reference.
    assert_eq!(bones(&one)[0]["reference"]["kind"], "contralateral");
    let none = study.analyzed(&[mask[0], mask[1], "--mask-label".as_ref(), "5".as_ref()]);
    assert_eq!(none.status, 3);
    assert!(none.stderr.contains("no label \"5\"") && none.stderr.contains("3, 7, 12"), "{}", none.stderr);
    let barren = study.analyzed(&[mask[0], mask[1], "--mask-label".as_ref(), "12".as_ref()]);
    assert_eq!(barren.status, 4, "{}", barren.stderr);
    assert!(barren.stderr.contains("no shaft that can be measured in the mask"), "{}", barren.stderr);
}

#[test]
fn another_grid_is_refused_with_both_geometries_and_a_hair_is_accepted() {
    let study = two_lesions();
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("mask.nii");
    let labels = study.labels(&[1]);
    let with = |change: &dyn Fn(&mut Volume<i16>)| {
        let mut changed = labels.clone();
        change(&mut changed);
        Nifti::default().write(&changed, &path);
        study.analyzed(&["--mask".as_ref(), path.as_os_str()])
    };
    type Change<'a> = &'a dyn Fn(&mut Volume<i16>);
    let changes: [(&str, Change); 4] = [
        ("up to 3.00 mm apart, 0.5 mm are accepted", &|m| m.grid.origin_mm.z += 3.0),
        ("not as many", &|m| {
            m.voxels = m.voxels[..m.grid.size[0] * m.grid.size[1] * 95].to_vec().into();
            m.grid.size[2] = 95;
        }),
        ("apart", &|m| m.grid.spacing_mm.x = 0.92),
        ("apart", &|m| m.grid.directions = nalgebra::Rotation3::new(Vector3::new(0.0, 0.0, 0.05)).into_inner()),
    ];
    for (said, change) in changes {
        let run = with(change);
        assert_eq!(run.status, 3, "{}", run.stderr);
        for text in [
            said,
            "\n  mask: ",
            "\n  CT:   90 × 90 × 96 voxels of 0.9000 × 0.8000 × 2.0000 mm",
            "directions",
            "hint: resample",
        ] {
            assert!(run.stderr.contains(text), "{text}: {}", run.stderr);
        }
    }
    let run = with(&|m| m.grid.origin_mm += Vector3::new(0.3, 0.0, -0.2));
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(run.stderr.contains("up to 0.36 mm off those of the CT: accepted"), "{}", run.stderr);
    assert!(run.json()["series"]["warnings"].to_string().contains("0.36 mm"));
    // The same of a segmentation.
    let mut moved = study.grid.clone();
    moved.origin_mm.x += 0.7;
    let seg = dir.path().join("seg.dcm");
    write_seg(&[("Bone", &study.bones[0])], &moved, SegKind::Binary, study.frame(), &seg);
    let error = read_mask(&seg, None, &study.series).unwrap_err().to_string();
    assert!(error.contains("up to 0.70 mm apart") && error.contains("CT:   90 × 90 × 96"), "{error}");
}

#[test]
fn what_is_no_mask_is_refused_by_its_name() {
    let study = two_lesions();
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("mask.nii");
    let volume = study.series.load(&|_, _| {}).unwrap();
    let error = || read_mask(&path, None, &study.series).unwrap_err().to_string();
    let noise = |n: usize| (n * 7919 % 5000) as i16;
    Nifti::default()
        .write(&Volume { grid: volume.grid.clone(), voxels: (0..volume.voxels.len()).map(noise).collect() }, &path);
    assert!(error().contains("an image, not a mask"), "{}", error());
    let halves = volume.voxels.iter().map(|hu| f64::from(*hu > 300) * 0.5).collect();
    Nifti { stored: Stored::F32, ..Nifti::default() }
        .write(&Volume { grid: volume.grid.clone(), voxels: halves }, &path);
    assert!(error().contains("no labels (one is 0.5)"), "{}", error());
    Nifti::default()
        .write(&Volume { grid: volume.grid.clone(), voxels: vec![0i16; volume.voxels.len()].into() }, &path);
    assert!(error().contains("no voxel of the CT is marked"), "{}", error());
    fs::write(&path, b"not NIfTI").unwrap();
    assert!(error().contains("not NIfTI"), "{}", error());
    let structures = dir.path().join("rs.dcm");
    write_rtstruct(&[], study.frame(), &structures);
    let error = read_mask(&structures, None, &study.series).unwrap_err().to_string();
    assert!(error.contains("--bone-roi"), "{error}");
    let missing = read_mask(&dir.path().join("none.nii"), None, &study.series).unwrap_err().to_string();
    assert!(missing.contains("no such file"), "{missing}");
    let ct = fs::read_dir(study.ct()).unwrap().next().unwrap().unwrap().path();
    let error = read_mask(&ct, None, &study.series).unwrap_err().to_string();
    assert!(error.contains("neither NIfTI nor a DICOM segmentation"), "{error}");
}

#[test]
fn an_outlined_lesion_restricts_the_report_and_names_the_lesion() {
    let study = two_lesions();
    let dir = TempDir::new().unwrap();
    // A name that the report must not hold.
    let path = dir.path().join("Doe_Jane.dcm");
    let [x, y, z] = MIDDLE;
    let rois = [
        Roi { name: "GTV_os", of_type: "GTV", contours: study.squares([x, y], 20.0, [z + 35.0, z + 60.0]) },
        Roi { name: "Vessie", of_type: "ORGAN", contours: study.squares([x + 30.0, y], 3.0, [z - 20.0, z + 20.0]) },
        Roi { name: "Middle", of_type: "", contours: study.squares([x, y], 20.0, [z - 8.0, z + 8.0]) },
    ];
    write_rtstruct(&rois, study.frame(), &path);
    let run = study.analyzed(&[path.as_os_str(), "--roi".as_ref(), "gtv_OS".as_ref()]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let report = run.json();
    assert!(!run.stdout.contains("Doe_Jane"), "a file's name in the report");
    let bone = &bones(&report)[0];
    assert_eq!(lesions(bone).len(), 1);
    assert_eq!((&lesions(bone)[0]["region"], &lesions(bone)[0]["id"]), (&"GTV_os".into(), &1.into()));
    assert!(lesions(bone)[0]["z_range_mm"][0].as_f64().unwrap() > z);
    let warnings = bone["warnings"].to_string();
    assert!(warnings.contains("A lesion outside the regions asked for is not reported"), "{warnings}");
    // The slices of the other lesion keep their percentages; the rule does not count them.
    let lower = percentages(bone).into_iter().filter(|row| row[0] < z).fold(0.0f64, |most, row| most.max(row[1]));
    assert!(lower > 15.0, "{lower}");
    let evaluated = bone["rules"][0]["values"]["slices_evaluated"]["value"].as_f64().unwrap();
    assert!((13.0..22.0).contains(&evaluated), "{evaluated}");
    assert!(run.stderr.contains("name images that are not in this series"), "{}", run.stderr);

    let run = study.analyzed(&[path.as_os_str(), "--roi".as_ref(), "Middle".as_ref()]);
    let report = run.json();
    let bone = &bones(&report)[0];
    assert_eq!(lesions(bone).len(), 0);
    assert!(
        bone["warnings"].to_string().contains("No lesion of this bone's cortex was found within 5 mm of the region")
    );
    assert_eq!(bone["recommendation"]["category"], "no-lesion");

    let run = study.analyzed(&[path.as_os_str(), "--roi".as_ref(), "Vessie".as_ref()]);
    let warnings = bones(&run.json())[0]["warnings"].to_string();
    assert!(warnings.contains("does not come within 5 mm of this bone's wall"), "{warnings}");

    // Both regions: the lesion that is met, by its number as well.
    let run = study.analyzed(&[path.as_os_str(), "--roi".as_ref(), "Middle".as_ref(), "--roi".as_ref(), "1".as_ref()]);
    assert_eq!(lesions(&bones(&run.json())[0])[0]["region"], "GTV_os");

    let listed = corticalysis(["series".as_ref(), study.ct().as_os_str(), path.as_os_str()]).stdout;
    assert!(listed.contains("ROI 1 \"GTV_os\"  GTV") && listed.contains("ROI 3 \"Middle\""), "{listed}");
}

#[test]
fn a_region_may_be_the_bone_itself() {
    let study = two_legs();
    let spec = presets::two_legs();
    let placed = spec.placed_bones();
    let heights = (0..study.grid.size[2]).map(|k| study.grid.to_patient(Vector3::new(0.0, 0.0, k as f64)).z);
    let around = |z: f64| {
        (0..72)
            .map(|n| placed[0].periosteal_point_in_slice(5.0 * f64::from(n), z))
            .map(|p: Point3<f64>| [p.x, p.y, z])
            .collect()
    };
    let contours: Vec<Vec<[f64; 3]>> = heights.map(around).collect();
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("rs.dcm");
    write_rtstruct(&[Roi { name: "Femur_R", of_type: "ORGAN", contours }], study.frame(), &path);
    let run = study.analyzed(&[path.as_os_str(), "--bone-roi".as_ref(), "Femur_R".as_ref()]);
    let report = run.json();
    assert_eq!(bones(&report).len(), 1, "{}", run.stderr);
    let all = study.analyzed(&[]).json();
    let wanted = bones(&all).iter().find(|bone| bone["side"] == "right").expect("the right one");
    assert!(largest_difference(&percentages(wanted), &percentages(&bones(&report)[0])) < 0.5);
    // Taken for a lesion it is said to sound like a bone.
    let run = study.analyzed(&[path.as_os_str(), "--roi".as_ref(), "Femur_R".as_ref()]);
    assert!(run.stderr.contains("sounds like a bone"), "{}", run.stderr);
}

#[test]
fn names_that_are_not_there_and_frames_that_are_others_are_refused() {
    let study = two_lesions();
    let dir = TempDir::new().unwrap();
    let roi = |name: &'static str| Roi {
        name,
        of_type: "",
        contours: study.squares([MIDDLE[0], MIDDLE[1]], 20.0, [MIDDLE[2], MIDDLE[2] + 9.0]),
    };
    let path = dir.path().join("rs.dcm");
    write_rtstruct(&[roi("GTV_Mass"), roi("Fémur")], study.frame(), &path);
    let run = study.analyzed(&[path.as_os_str(), "--roi".as_ref(), "GTV_Mas".as_ref()]);
    assert_eq!(run.status, 3);
    assert!(run.stderr.contains("did you mean \"GTV_Mass\"? The inputs hold: GTV_Mass, Fémur"), "{}", run.stderr);
    let run = study.analyzed(&["--roi".as_ref(), "GTV".as_ref()]);
    assert_eq!(run.status, 3);
    assert!(run.stderr.contains("no RTSTRUCT or SEG with regions is among the inputs"), "{}", run.stderr);
    let other = dir.path().join("other.dcm");
    write_rtstruct(&[roi("GTV_Mass")], "2.25.12345", &other);
    let run = study.analyzed(&[other.as_os_str(), "--roi".as_ref(), "GTV_Mass".as_ref()]);
    assert_eq!(run.status, 3);
    assert!(run.stderr.contains("drawn in the frame of reference \"2.25.12345\""), "{}", run.stderr);
    // Of two of the name, the one on this CT is meant.
    let run = study.analyzed(&[dir.path().as_os_str(), "--roi".as_ref(), "GTV_Mass".as_ref()]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let unnamed = dir.path().join("unnamed.dcm");
    write_rtstruct(&[roi("Elsewhere")], "", &unnamed);
    let run = study.analyzed(&[unnamed.as_os_str(), "--roi".as_ref(), "Elsewhere".as_ref()]);
    assert!(run.status == 0 && run.stderr.contains("names no frame of reference"), "{}", run.stderr);
    write_rtstruct(&[roi("GTV_Mass")], study.frame(), &unnamed);
    let run = study.analyzed(&[dir.path().as_os_str(), "--roi".as_ref(), "GTV_Mass".as_ref()]);
    assert!(run.status == 3 && run.stderr.contains("regions have this name"), "{}", run.stderr);
}

/// Small files of every kind that holds regions.
fn originals() -> &'static Vec<(&'static str, Vec<u8>)> {
    static FILES: OnceLock<Vec<(&'static str, Vec<u8>)>> = OnceLock::new();
    FILES.get_or_init(|| {
        let (study, dir) = (two_lesions(), TempDir::new().unwrap());
        let squares = study.squares([MIDDLE[0], MIDDLE[1]], 5.0, [MIDDLE[2], MIDDLE[2] + 6.0]);
        write_rtstruct(
            &[Roi { name: "A", of_type: "GTV", contours: squares }],
            study.frame(),
            &dir.path().join("rs.dcm"),
        );
        let cube = Region::from_fn(study.grid.size, |i, j, k| i > 40 && j > 40 && (50..52).contains(&k));
        for (name, kind) in [("bits.dcm", SegKind::Binary), ("bytes.dcm", SegKind::LabelMap)] {
            write_seg(&[("A", &cube)], &study.grid, kind, study.frame(), &dir.path().join(name));
        }
        Nifti { stored: Stored::U8, ..Nifti::default() }.write(&study.labels(&[1]), &dir.path().join("mask.nii.gz"));
        let mut ct = study.series.load(&|_, _| {}).unwrap();
        ct.voxels = ct.voxels[..90 * 90 * 4].to_vec().into();
        (ct.grid.size[2], ct.voxels[0]) = (4, -1000);
        Nifti::default().write(&ct, &dir.path().join("ct.nii"));
        ["rs.dcm", "bits.dcm", "bytes.dcm", "mask.nii.gz", "ct.nii"]
            .into_iter()
            .map(|name| (name, fs::read(dir.path().join(name)).unwrap()))
            .collect()
    })
}

/// Everything that is done with a file of regions.
fn exercise(path: &Path, kind: RegionKind) {
    let series = &two_lesions().series;
    let refusal = |e: &dyn std::fmt::Display| assert!(e.to_string().contains("hint:"), "{e}");
    let file = RegionFile { path: path.to_path_buf(), packed: None, kind };
    drop(file.names().map_err(|e| refusal(&e)));
    drop(find_region(&[file], "A", series).map_err(|e| refusal(&e)));
    drop(read_mask(path, None, series).map_err(|e| refusal(&e)));
    // As a CT, which only the last is.
    match discover(&[path.to_path_buf()], &|_, _| {}) {
        Ok(found) => found.series.iter().for_each(|series| drop(series.load(&|_, _| {}).map_err(|e| refusal(&e)))),
        Err(e) => refusal(&e),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn damaged_files_are_read_or_refused_and_never_panic(
        which in 0usize..5,
        flips in prop::collection::vec((0.0f64..1.0, 0u8..=255), 0..6),
        fill in prop::option::of((0.0f64..1.0, 1usize..9, prop::sample::select(vec![0u8, 0x7F, 0xFF]))),
        cut in prop::option::of(0.0f64..1.0),
    ) {
        let (name, original) = &originals()[which];
        let mut bytes = original.clone();
        let place = |share: f64, length: usize| (share * share * length as f64) as usize;
        for (share, byte) in flips {
            let at = place(share, bytes.len());
            bytes[at] ^= byte;
        }
        if let Some((share, length, byte)) = fill {
            let at = place(share, bytes.len());
            let end = (at + length).min(bytes.len());
            bytes[at..end].fill(byte);
        }
        if let Some(share) = cut {
            bytes.truncate((share * bytes.len() as f64) as usize);
        }
        let dir = TempDir::new().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, &bytes).unwrap();
        exercise(&path, if which == 0 { RegionKind::RtStruct } else { RegionKind::Seg });
    }
}

/// What is cut off must not be taken for all that there is.
#[test]
fn truncated_files_are_refused() {
    let series = &two_lesions().series;
    let dir = TempDir::new().unwrap();
    for (n, (name, original)) in originals()[..4].iter().enumerate() {
        let path = dir.path().join(name);
        for share in [0.2, 0.5, 0.9] {
            fs::write(&path, &original[..(share * original.len() as f64) as usize]).unwrap();
            let kind = if n == 0 { RegionKind::RtStruct } else { RegionKind::Seg };
            let refused = match name.ends_with("gz") {
                true => read_mask(&path, None, series).is_err(),
                false => find_region(&[RegionFile { path: path.clone(), packed: None, kind }], "A", series).is_err(),
            };
            assert!(refused, "{name} cut at {share}");
        }
    }
}
