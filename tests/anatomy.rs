//! Which bone, which side, where on it: on real CT, where it is present.

mod support {
    pub mod neck;
    pub mod program;
    pub mod real_ct;
}

use corticalysis::analysis::{MeasuredBone, Settings, analyze};
use corticalysis::anatomy::{Bone, BoneName, Side, WholeBone, find_shafts_and_stubs, name_bones, whole_bones};
use corticalysis::masks::bone_masks;
use corticalysis::volume::{Region, Volume};
use std::path::Path;
use support::neck::cut_ball;
use support::program::shared_data;
use support::real_ct::{dice, volume_of};

/// A case: its name, its bones with their sides, the landmarks of each.
type Case = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

/// Name, side, and the landmarks that must be there and those that must not: read off the images by eye.
const SEEN: &[Case] = &[
    ("STS_001", &[("femur", "left")], &["lesser_trochanter"]),
    ("STS_006", &[("femur", "left")], &[]),
    ("STS_008", &[("humerus", "left")], &["humeral_head_centre", "surgical_neck"]),
    ("STS_010", &[("tibia", "left")], &[]),
    (
        "STS_012",
        &[("femur", "right")],
        &["femoral_head_centre", "femoral_neck_centre", "greater_trochanter", "lesser_trochanter"],
    ),
    ("STS_013", &[("femur", "left")], &["lateral_condyle", "medial_condyle"]),
    ("STS_017", &[("femur", "left")], &["lateral_condyle"]),
    ("STS_024", &[("femur", "left")], &[]),
    ("STS_028", &[("tibia", "left")], &[]),
    ("STS_029", &[("femur", "left")], &["femoral_head_centre", "femoral_neck_centre", "lesser_trochanter"]),
    ("STS_030", &[("femur", "right")], &[]),
    ("STS_043", &[("femur", "left")], &[]),
    ("STS_045", &[("femur", "left")], &[]),
    (
        "STS_046",
        &[("femur", "right")],
        &["femoral_head_centre", "femoral_neck_centre", "greater_trochanter", "lesser_trochanter"],
    ),
    ("TCGA-09-2043-hips", &[("femur", "left"), ("femur", "right")], &["femoral_head_centre", "femoral_neck_centre"]),
];

#[test]
fn bones_sides_and_landmarks_are_those_that_are_seen() {
    let Some(ct) = shared_data().map(|data| data.join("ct")) else { return };
    for (case, bones, landmarks) in SEEN {
        let found = analyze(&volume_of(&ct.join(case)), &Settings::default());
        let mut names: Vec<(String, String)> =
            found.iter().map(|b| (b.bone.name.to_string(), b.bone.side.to_string())).collect();
        names.sort();
        let expected: Vec<(String, String)> = bones.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect();
        assert_eq!(names, expected, "{case}");
        for bone in &found {
            let seen: Vec<&str> = bone.whole.landmarks.points_mm.keys().copied().collect();
            assert_eq!(&seen, landmarks, "{case}");
            if let Some(radius) = bone.whole.landmarks.head_radius_mm {
                assert!((19.0..27.0).contains(&radius), "{case}: {radius}");
            }
            if let Some(angle) = bone.whole.landmarks.neck_shaft_angle_deg {
                assert!((112.0..145.0).contains(&angle), "{case}: {angle}");
            }
        }
    }
}

/// The head is the bone's and the socket is not: sampled along the neck's axis and opposite to it.
#[test]
fn hips_come_apart_from_the_pelvis() {
    let Some(ct) = shared_data().map(|data| data.join("ct")) else { return };
    for case in ["TCGA-09-2043-hips", "STS_012", "STS_029", "STS_046"] {
        let volume = volume_of(&ct.join(case));
        for bone in analyze(&volume, &Settings::default()) {
            let landmarks = &bone.whole.landmarks;
            let (head, neck) = (landmarks.points_mm["femoral_head_centre"], landmarks.points_mm["femoral_neck_centre"]);
            let radius = landmarks.head_radius_mm.expect("a head");
            let axis = (neck - head).normalize();
            let holds = |at: nalgebra::Point3<f64>| {
                let index = volume.grid.to_index(at).map(|v| v.round());
                let inside = (0..3).all(|a| index[a] >= 0.0 && index[a] < volume.grid.size[a] as f64);
                inside.then(|| bone.whole.ends.contains([index.x as usize, index.y as usize, index.z as usize]))
            };
            assert_eq!(holds(head), Some(true), "{case}");
            assert_eq!(holds(neck), Some(true), "{case}");
            // Within 60° of the pole, well inside the head and well outside the joint space.
            let (mut within, mut beyond, mut n) = (0, 0, 0);
            for i in 0..200 {
                let z = 1.0 - (2.0 * f64::from(i) + 1.0) / 200.0;
                let (sin, cos) = (2.399_963 * f64::from(i)).sin_cos();
                let u = nalgebra::Vector3::new((1.0 - z * z).sqrt() * cos, (1.0 - z * z).sqrt() * sin, z);
                if u.dot(&axis) > -0.5 {
                    continue;
                }
                if let (Some(inner), Some(outer)) = (holds(head + u * (radius - 4.0)), holds(head + u * (radius + 5.0)))
                {
                    n += 1;
                    within += i32::from(inner);
                    beyond += i32::from(outer);
                }
            }
            assert!(n > 10 && within * 100 >= n * 97 && beyond * 100 <= n * 3, "{case}: {within} and {beyond} of {n}");
        }
    }
}

/// Places that were read off the images, patient mm: in the bone, and in its neighbours.
type Places = &'static [[f64; 3]];
const NEIGHBOURS: &[(&str, Places, Places)] = &[
    // Lateral plateau; the head of the fibula, below and at the joint that joins both broadly.
    ("STS_028", &[[70.3, -54.7, 543.9]], &[[99.6, -35.2, 537.4], [99.6, -33.2, 547.2]]),
    // Metaphysis, medial malleolus; dome of the talus, one slice deeper and one above, lateral malleolus.
    (
        "STS_049",
        &[[-44.9, 4.9, 214.4], [-21.5, 1.0, 201.4]],
        &[[-37.1, 3.9, 194.8], [-37.1, 3.9, 198.1], [-69.3, 16.6, 194.8]],
    ),
];

#[test]
fn a_tibia_is_apart_from_fibula_and_talus() {
    let Some(ct) = shared_data().map(|data| data.join("ct")) else { return };
    for (case, own, others) in NEIGHBOURS {
        let volume = volume_of(&ct.join(case));
        let found = analyze(&volume, &Settings::default());
        let tibia = found.iter().find(|b| b.bone.name.to_string() == "tibia").expect("a tibia");
        let mask = bone_masks(&volume.grid, tibia).bone;
        let holds = |at: &[f64; 3]| {
            let index = volume.grid.to_index(nalgebra::Point3::from(*at));
            mask.contains([index.x.round() as usize, index.y.round() as usize, index.z.round() as usize])
        };
        own.iter().for_each(|at| assert!(holds(at), "{case}: {at:?} is the tibia's"));
        others.iter().for_each(|at| assert!(!holds(at), "{case}: {at:?} is a neighbour's"));
    }
}

/// The tibia shows no shaft in this image, only its plateau, which touches the condyles here and there: it is not the femur's. Places and level
/// were read off the images: condyles begin at z 557 mm, between them the eminence of the tibia still shows there.
#[test]
fn a_femur_ends_above_the_plateau_of_its_knee() {
    let Some(ct) = shared_data().map(|data| data.join("ct")) else { return };
    let volume = volume_of(&ct.join("STS_013"));
    let found = analyze(&volume, &Settings::default());
    let mask = bone_masks(&volume.grid, &found[0]).bone;
    let z = |k: usize| volume.grid.to_patient(nalgebra::Vector3::new(0.0, 0.0, k as f64)).z;
    let below = (0..volume.grid.size[2]).filter(|k| z(*k) < 555.5);
    let voxels: usize = below.flat_map(|k| mask.runs(k)).map(|run| run.last + 1 - run.first).sum();
    assert_eq!(voxels, 0, "voxels of the plateau");
    let holds = |at: [f64; 3]| {
        let index = volume.grid.to_index(nalgebra::Point3::from(at)).map(f64::round);
        mask.contains([index.x as usize, index.y as usize, index.z as usize])
    };
    for condyle in [[35.2, 59.6, 563.7], [77.1, 46.9, 563.7], [82.0, 53.7, 557.2]] {
        assert!(holds(condyle), "{condyle:?} is the femur's");
    }
    for tibia in [[58.6, 57.6, 557.2], [54.7, 54.7, 560.5], [41.0, 48.8, 550.7], [75.2, 48.8, 550.7]] {
        assert!(!holds(tibia), "{tibia:?} is the tibia's");
    }
}

/// The bones of a volume with what their ends show, nothing measured.
fn anatomy(volume: &Volume<i16>) -> Vec<(Bone, WholeBone)> {
    let (shafts, stubs) = find_shafts_and_stubs(volume);
    whole_bones(volume, name_bones(volume, shafts.into_iter().chain(stubs).collect()), |_| true)
}

/// The image without its slices from `slices` on.
fn below(volume: &Volume<i16>, slices: usize) -> Volume<i16> {
    let mut grid = volume.grid.clone();
    grid.size[2] = slices;
    Volume { voxels: volume.voxels[..slices * grid.size[0] * grid.size[1]].to_vec().into(), grid }
}

/// In this image the border leaves the lowest 15 mm of a head. Places were read off it: within its shell, and in the wall of the socket beside them.
#[test]
fn the_lowest_part_of_a_head_is_apart_from_its_socket() {
    let Some(ct) = shared_data().map(|data| data.join("ct")) else { return };
    let volume = volume_of(&ct.join("STS_001"));
    let found = anatomy(&volume);
    let (bone, whole) = &found[0];
    assert_eq!((bone.name, bone.side, whole.fused), (BoneName::Femur, Side::Left, [false; 2]));
    assert!(whole.head_cut, "neither its centre nor its radius is told");
    let holds = |at: [f64; 3]| {
        let index = volume.grid.to_index(nalgebra::Point3::from(at)).map(f64::round);
        whole.ends.contains([index.x as usize, index.y as usize, index.z as usize])
    };
    for head in [[76.9, 51.4, -691.7], [75.2, 41.3, -691.7], [82.7, 60.7, -691.7], [76.7, 49.8, -694.9]] {
        assert!(holds(head), "{head:?} is the femur's");
    }
    for socket in [[78.5, 61.5, -691.7], [69.3, 51.4, -691.7], [64.3, 40.4, -691.7], [80.6, 64.0, -694.9]] {
        assert!(!holds(socket), "{socket:?} is the pelvis'");
    }
}

/// Heads of which the border leaves three quarters, half, a quarter: below it they are those of the whole image, told apart as there. The centre is told where about half
/// of the head is seen.
#[test]
fn heads_that_the_border_cuts_are_those_of_the_whole_image() {
    let Some(ct) = shared_data().map(|data| data.join("ct")) else { return };
    // The last slice that is left, and whether the centre is told.
    let cases: [(&str, &[(usize, bool)]); 3] = [
        ("STS_012", &[(52, true), (49, true), (46, false)]),
        ("STS_029", &[(57, true), (55, false)]),
        ("TCGA-09-2043-hips", &[(18, false)]),
    ];
    for (case, crops) in cases {
        let volume = volume_of(&ct.join(case));
        let whole = anatomy(&volume);
        for (slices, told) in crops {
            let found = anatomy(&below(&volume, *slices));
            assert_eq!(found.len(), whole.len(), "{case}, {slices} slices");
            for ((bone, cut), (same, all)) in found.iter().zip(&whole) {
                let where_it_is = format!("{case}, {slices} slices, {} {}", bone.name, bone.side);
                assert_eq!((bone.name, bone.side, cut.fused), (same.name, same.side, [false; 2]), "{where_it_is}");
                let seen = |ends: &Region| {
                    let runs = |k: usize| if k < *slices { ends.runs(k).to_vec() } else { vec![] };
                    Region::from_runs(volume.grid.size, (0..volume.grid.size[2]).map(runs).collect())
                };
                let same = dice(&seen(&all.ends), &seen(&cut.ends));
                let centre = |whole: &WholeBone| whole.landmarks.points_mm.get("femoral_head_centre").copied();
                let off_mm = centre(cut).map(|at| (at - centre(all).expect("a head")).norm());
                println!("{where_it_is}: Dice {same:.4}, centre {off_mm:.1?} mm off");
                assert!(same >= 0.99, "{where_it_is}: {same}");
                assert!(off_mm.is_none_or(|off| off <= 2.0), "{where_it_is}: {off_mm:?}");
                assert!(off_mm.is_some() || cut.head_cut, "{where_it_is}: said that it is not told");
                assert!(!told || off_mm.is_some(), "{where_it_is}: about half of it is seen");
            }
        }
    }
}

/// A defect cut into a bone does not take it out of the bone's mask.
#[test]
fn the_bone_with_a_defect_is_the_bone_without() {
    let Some(data) = shared_data() else { return };
    let (ct, defects) = (data.join("ct"), data.join("defect"));
    for (defect, intact) in [("d1", "STS_013"), ("d2", "STS_030"), ("d3", "STS_045"), ("d4", "STS_046")] {
        let mask = |path: &Path| {
            let volume = volume_of(path);
            let found: Vec<MeasuredBone> = analyze(&volume, &Settings::default());
            assert_eq!(found.len(), 1, "{defect}");
            bone_masks(&volume.grid, &found[0]).bone
        };
        let same = dice(&mask(&defects.join(defect)), &mask(&ct.join(intact)));
        println!("{defect}: Dice {same:.4}");
        assert!(same >= 0.99, "{defect}: {same}");
    }
}

/// The volume with slices this far apart, linear between those it has, from the first on.
fn resampled(volume: &Volume<i16>, dz: f64, slices: usize) -> Volume<i16> {
    let mut grid = volume.grid.clone();
    let step = dz / grid.spacing_mm.z;
    let count = slices.min(((grid.size[2] - 1) as f64 / step) as usize + 1);
    let plane = grid.size[0] * grid.size[1];
    let mut voxels = Vec::with_capacity(count * plane);
    for k in 0..count {
        let at = k as f64 * step;
        let (low, share) = (at as usize, at.fract());
        let (a, b) = (volume.slice(low), volume.slice((low + 1).min(grid.size[2] - 1)));
        // What is no data stays so.
        let mix = |(a, b): (&i16, &i16)| match *a.min(b) {
            i16::MIN => i16::MIN,
            _ => (f64::from(*a) * (1.0 - share) + f64::from(*b) * share).round() as i16,
        };
        voxels.extend(a.iter().zip(b).map(mix));
    }
    (grid.size[2], grid.spacing_mm.z) = (count, dz);
    Volume { grid, voxels: voxels.into() }
}

/// Thin slices show the same two hips, and how long finding them and taking them apart takes on 512 × 512 × 400.
#[test]
fn thin_slices_show_the_same_hips() {
    let Some(ct) = shared_data().map(|data| data.join("ct")) else { return };
    let thin = resampled(&volume_of(&ct.join("TCGA-09-2043-hips")), 0.4, 400);
    assert!(thin.grid.size[2] > 390, "{:?}", thin.grid.size);
    let start = std::time::Instant::now();
    let whole = anatomy(&thin);
    println!("anatomy of {:?}: {:.2} s", thin.grid.size, start.elapsed().as_secs_f64());
    let mut names: Vec<String> = whole.iter().map(|(bone, _)| format!("{} {}", bone.name, bone.side)).collect();
    names.sort();
    assert_eq!(names, ["femur left", "femur right"]);
}

/// A ball of 22 mm cut through the wall of an end: neither does the marrow go with it, nor the bone beyond.
#[test]
fn a_hole_nearly_as_wide_as_the_bone_does_not_empty_it() {
    let Some(ct) = shared_data().map(|data| data.join("ct")) else { return };
    for (case, slice, angle_deg) in [
        ("STS_008", 24, 359.9f64),
        ("STS_010", 42, 235.0),
        ("STS_010", 46, 84.0),
        ("STS_013", 20, 290.0),
        ("STS_046", 69, 138.0),
        ("STS_012", 45, 147.0),
    ] {
        let volume = volume_of(&ct.join(case));
        let mask = |volume: &Volume<i16>| {
            let found = analyze(volume, &Settings::default());
            assert_eq!((found.len(), found[0].whole.fused), (1, [false; 2]), "{case}");
            bone_masks(&volume.grid, &found[0]).bone
        };
        let bone = mask(&volume);
        let centre = in_the_wall(&volume, &bone, slice, angle_deg.to_radians());
        let same = dice(&bone, &mask(&cut_ball(&volume, centre, 11.0)));
        println!("{case}, slice {slice}, {angle_deg}°: Dice {same:.4}");
        assert!(same >= 0.99, "{case}, slice {slice}: {same}");
    }
}

/// A place 4 mm under the outside of a bone, as seen from its middle in a slice at an angle from the columns' direction.
fn in_the_wall(volume: &Volume<i16>, bone: &Region, slice: usize, angle: f64) -> nalgebra::Point3<f64> {
    let spacing = volume.grid.spacing_mm;
    let voxels =
        || bone.runs(slice).iter().flat_map(|run| (run.first..=run.last).map(move |i| [i as f64, run.j as f64]));
    let count = voxels().count() as f64;
    let middle = voxels().fold([0.0; 2], |sum, at| [0, 1].map(|a| sum[a] + at[a] / count));
    let (sin, cos) = angle.sin_cos();
    let at = |mm: f64| [middle[0] + mm * cos / spacing.x, middle[1] + mm * sin / spacing.y];
    let holds = |mm: &f64| bone.contains([at(*mm)[0].round() as usize, at(*mm)[1].round() as usize, slice]);
    let outside_mm = (0..600).map(|n| 0.2 * f64::from(n)).filter(holds).fold(0.0, f64::max);
    let [i, j] = at(outside_mm - 4.4);
    volume.grid.to_patient(nalgebra::Vector3::new(i, j, slice as f64))
}
