//! Which bone, which side: named right or `unknown`, never wrong, on synthetic arms and on images put together from patients' CT.

mod support {
    pub mod composite;
    pub mod forearm;
    pub mod program;
    pub mod real_ct;
}

use corticalysis::anatomy::{Bone, BoneName, Side, find_shafts, find_shafts_and_stubs, name_bones, whole_bones};
use corticalysis::volume::{Section, Volume};
use nalgebra::{Point3, Vector3};
use support::composite::{Laid, add_lung, add_soft, air, flipped, lay, mirrored, slab};
use support::forearm::{Arm, ArmBone};
use support::program::shared_data;
use support::real_ct::volume_of;

/// Patient position of the middle of a ring.
fn place(volume: &Volume<i16>, ring: &Section) -> Point3<f64> {
    let s = volume.grid.spacing_mm;
    volume.grid.to_patient(Vector3::new(ring.centroid_mm[0] / s.x, ring.centroid_mm[1] / s.y, ring.k as f64))
}

/// What most rings of a bone lie in.
fn truth(arm: &Arm, volume: &Volume<i16>, bone: &Bone) -> Option<ArmBone> {
    let rings = &bone.shaft.rings;
    let seen: Vec<Option<ArmBone>> = rings.iter().map(|ring| arm.bone_at(place(volume, ring))).collect();
    use ArmBone::{Carpal, Humerus, Metacarpal, Radius, Ulna};
    let most = |what: &ArmBone| 2 * seen.iter().filter(|seen| **seen == Some(*what)).count() > rings.len();
    [Humerus, Radius, Ulna, Carpal, Metacarpal].into_iter().find(most)
}

/// Names the bones of an arm; those that were named right, and what is wrong.
fn check_arm(name: &str, arm: &Arm) -> (Vec<ArmBone>, Vec<String>) {
    let volume = arm.volume();
    let (mut right, mut wrong) = (Vec::new(), Vec::new());
    for bone in name_bones(&volume, find_shafts(&volume)) {
        let is = truth(arm, &volume, &bone);
        let name_of = match is {
            Some(ArmBone::Humerus) => Some(BoneName::Humerus),
            Some(ArmBone::Radius) => Some(BoneName::Radius),
            Some(ArmBone::Ulna) => Some(BoneName::Ulna),
            _ => None,
        };
        let side = if arm.left { Side::Left } else { Side::Right };
        let named = bone.name != BoneName::Unknown;
        if (named && Some(bone.name) != name_of) || (bone.side != side && bone.side != Side::Unknown) {
            wrong.push(format!("{name}: {is:?} is called {} {}, {:?}", bone.name, bone.side, bone.reasons));
        }
        println!("{name}: {is:?} {} {} {:.2} {:?}", bone.name, bone.side, bone.confidence, bone.reasons);
        right.extend(is.filter(|_| named && bone.side == side));
    }
    (right, wrong)
}

/// All ways in which an arm may lie, from its elbow to its hand.
fn arms() -> Vec<(String, Arm)> {
    let mut arms = Vec::new();
    for (left, raised, pronation_deg, turned_deg, flip) in [
        (true, false, 0.0, 0.0, [false; 3]),
        (false, false, 70.0, 0.0, [false, true, true]),
        (true, true, 150.0, 0.0, [false; 3]),
        (false, true, 0.0, 90.0, [true, false, true]),
        (true, false, 150.0, -60.0, [true, true, false]),
        (false, true, 90.0, 180.0, [false, false, true]),
    ] {
        let x_mm = if left { 170.0 } else { -190.0 };
        let name = format!(
            "{} arm {}, {pronation_deg}° pronated, turned {turned_deg}°",
            if left { "left" } else { "right" },
            if raised { "raised" } else { "down" }
        );
        arms.push((name, Arm { left, raised, pronation_deg, turned_deg, x_mm, flipped: flip, ..Arm::default() }));
    }
    arms
}

/// What the image may show of an arm, and whether radius and ulna are to be told then.
const SEEN: [(&str, [f64; 2], bool); 7] = [
    ("elbow to hand", [-110.0, 330.0], true),
    ("elbow", [-110.0, 110.0], true),
    ("hand", [110.0, 330.0], true),
    ("shafts", [50.0, 190.0], false),
    ("upper shafts", [30.0, 110.0], false),
    ("lower shafts", [140.0, 222.0], false),
    ("lower end without a hand", [130.0, 246.0], false),
];

#[test]
fn radius_and_ulna_are_told_by_elbow_and_hand_and_never_mistaken() {
    let (mut wrong, mut missed) = (Vec::new(), Vec::new());
    for (name, arm) in arms() {
        for (part, seen_mm, told) in SEEN {
            let name = format!("{name}, {part}");
            let (right, bad) = check_arm(&name, &Arm { seen_mm, ..arm.clone() });
            wrong.extend(bad);
            // An average humerus, 25 mm across where it flares, is told by the elbow too.
            if seen_mm[0] < 0.0 && !right.contains(&ArmBone::Humerus) {
                missed.push(format!("{name}: humerus not told"));
            }
            let both = [ArmBone::Radius, ArmBone::Ulna].map(|bone| right.contains(&bone));
            if both != [told; 2] {
                missed.push(format!("{name}: radius and ulna told {both:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(missed.is_empty(), "{missed:#?}");
}

/// Small and large, thin-walled, noisy, of thick slices, cut by the border: right or unknown.
#[test]
fn unusual_arms_are_never_mistaken() {
    let base = Arm::default();
    let unusual: Vec<(&str, Arm)> = vec![
        ("small", Arm { scale: 0.85, ..base.clone() }),
        ("large", Arm { scale: 1.15, ..base.clone() }),
        ("thin walls", Arm { wall: 0.55, ..base.clone() }),
        ("noisy", Arm { noise_hu: 60.0, ..base.clone() }),
        ("thick slices", Arm { slice_mm: 5.0, ..base.clone() }),
        ("fine", Arm { pixel_mm: 0.5, slice_mm: 1.0, noise_hu: 40.0, ..base.clone() }),
        ("cut on the radial side", Arm { reach_mm: [16.0, 75.0], ..base.clone() }),
        ("cut on the ulnar side", Arm { reach_mm: [75.0, 5.0], ..base.clone() }),
        ("near the middle", Arm { x_mm: 12.0, ..base.clone() }),
    ];
    let mut wrong = Vec::new();
    for (kind, arm) in unusual {
        for (part, seen_mm, _) in &SEEN[..4] {
            let seen_mm = *seen_mm;
            for (raised, left) in [(false, true), (true, false)] {
                let x_mm = if left { arm.x_mm } else { -arm.x_mm };
                let reach_mm = if left { arm.reach_mm } else { [arm.reach_mm[1], arm.reach_mm[0]] };
                let arm = Arm { seen_mm, raised, left, x_mm, reach_mm, ..arm.clone() };
                wrong.extend(check_arm(&format!("{kind}, {part}, raised {raised}"), &arm).1);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A humerus as wide as a femur (23 mm across the shaft on average; 26 and 28 mm here) of which no head is seen, in slender and in strong arms.
#[test]
fn large_humeri_are_never_called_femora() {
    let seen: [(&str, [f64; 2]); 6] = [
        ("upper arm", [-300.0, -100.0]),
        ("upper arm to elbow", [-250.0, 0.0]),
        ("elbow", [-110.0, 110.0]),
        ("lower end", [-110.0, 10.0]),
        ("shaft", [-300.0, -180.0]),
        ("arm and forearm", [-300.0, 330.0]),
    ];
    let mut wrong = Vec::new();
    for scale in [1.0, 1.15, 1.25] {
        for flesh in [0.75, 1.15, 1.3] {
            for (part, seen_mm) in seen {
                let arm = Arm { scale, flesh, seen_mm, ..Arm::default() };
                wrong.extend(check_arm(&format!("scale {scale}, flesh {flesh}, {part}"), &arm).1);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Bones that meet at elbow and wrist with a joint space of 2 to 3 mm come apart: places of each are in its mask and in no other.
#[test]
fn elbow_and_wrist_come_apart() {
    use ArmBone::{Carpal, Humerus, Radius, Ulna};
    let mut wrong = Vec::new();
    for joint_mm in [2.0, 2.5, 3.0] {
        for (seen_mm, places) in [
            ([-110.0, 110.0], vec![(Humerus, -10.0), (Humerus, -30.0), (Ulna, -12.0), (Ulna, 9.0), (Radius, 6.0)]),
            ([110.0, 300.0], vec![(Ulna, 230.0), (Radius, 232.0), (Radius, 225.0), (Carpal, 251.0)]),
        ] {
            let arm = Arm { seen_mm, joint_mm, slice_mm: 1.0, ..Arm::default() };
            let volume = arm.volume();
            let (shafts, _) = find_shafts_and_stubs(&volume);
            let bones = name_bones(&volume, shafts);
            let whole = whole_bones(&volume, bones, |_| true);
            for (bone, whole) in &whole {
                println!("{joint_mm} {:?} {} fused {:?}", truth(&arm, &volume, bone), bone.name, whole.fused);
            }
            for (what, along) in places {
                let at = volume.grid.to_index(arm.middle_of(what, along)).map(f64::round);
                for (bone, whole) in &whole {
                    let is = truth(&arm, &volume, bone);
                    let held = whole.ends.contains([at.x as usize, at.y as usize, at.z as usize]);
                    if held && is != Some(what) {
                        wrong.push(format!("space {joint_mm}: {what:?} at {along} is in the mask of {is:?}"));
                    }
                    if !held && is == Some(what) {
                        wrong.push(format!("space {joint_mm}: {what:?} at {along} is not in its mask"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The bones of an image by what their ends show, too: name, side, middle.
fn bones_of(volume: &Volume<i16>) -> Vec<(Bone, Point3<f64>)> {
    let (shafts, stubs) = find_shafts_and_stubs(volume);
    let bones = name_bones(volume, shafts.into_iter().chain(stubs).collect());
    let whole = whole_bones(volume, bones, |_| true);
    let middle = |bone: &Bone| place(volume, &bone.shaft.rings[bone.shaft.rings.len() / 2]);
    whole.into_iter().map(|(bone, _)| (middle(&bone), bone)).map(|(at, bone)| (bone, at)).collect()
}

fn words(bones: &[(Bone, Point3<f64>)]) -> Vec<String> {
    bones.iter().map(|(bone, _)| format!("{} {}", bone.name, bone.side)).collect()
}

/// What a patient's image is called as it is, and in others of the same patient.
#[test]
fn names_are_the_same_feet_first_and_prone_and_sides_change_in_the_mirror() {
    let Some(ct) = shared_data().map(|data| data.join("ct")) else { return };
    for (case, expected) in [
        ("STS_008", vec!["humerus left"]),
        ("STS_010", vec!["tibia left", "fibula left"]),
        ("STS_013", vec!["femur left"]),
        ("STS_046", vec!["femur right"]),
        ("STS_049", vec!["tibia right", "fibula right", "unknown left"]),
        ("TCGA-09-2043-hips", vec!["femur left", "femur right"]),
    ] {
        let volume = volume_of(&ct.join(case));
        let mut expected: Vec<String> = expected.into_iter().map(String::from).collect();
        expected.sort();
        let sorted = |volume: &Volume<i16>| {
            let mut found = words(&bones_of(volume));
            found.sort();
            found
        };
        assert_eq!(sorted(&volume), expected, "{case}");
        for axes in [[false, false, true], [true, true, false], [true, false, true]] {
            assert_eq!(sorted(&flipped(&volume, axes)), expected, "{case} {axes:?}");
        }
        let mut other: Vec<String> = expected
            .iter()
            .map(|word| match word.split_once(' ') {
                Some((name, "left")) => format!("{name} right"),
                Some((name, "right")) => format!("{name} left"),
                _ => word.clone(),
            })
            .collect();
        other.sort();
        assert_eq!(sorted(&mirrored(&volume)), other, "{case} mirrored");
    }
}

/// A piece of a larger image: the case, how it lies, its name and side there.
type Piece = (&'static str, Laid, BoneName, Side);

/// Every bone of the image must be that of the piece it lies in, or `unknown`; those named wholly right.
fn check_whole(name: &str, volume: &Volume<i16>, pieces: &[Piece]) -> (usize, Vec<String>) {
    let (mut right, mut wrong) = (0, Vec::new());
    for (bone, at) in bones_of(volume) {
        let near = |piece: &&Piece| (at - Point3::from(piece.1.at_mm)).norm();
        let piece = pieces.iter().min_by(|a, b| near(a).total_cmp(&near(b))).expect("a piece");
        let fibula = bone.name == BoneName::Fibula && piece.2 == BoneName::Tibia;
        let named = bone.name == piece.2 || fibula;
        if !(named || bone.name == BoneName::Unknown) || !(bone.side == piece.3 || bone.side == Side::Unknown) {
            wrong.push(format!("{name}: {} is called {} {}, {:?}", piece.0, bone.name, bone.side, bone.reasons));
        }
        println!("{name}: {} {at:.0} {} {} {:.2} {:?}", piece.0, bone.name, bone.side, bone.confidence, bone.reasons);
        right += usize::from(named && bone.side == piece.3);
    }
    (right, wrong)
}

#[test]
fn raised_arms_and_whole_bodies_have_their_names_and_sides() {
    let Some(ct) = shared_data().map(|data| data.join("ct")) else { return };
    let piece = |case: &str| volume_of(&ct.join(case));
    let (arm, thigh, shin) = (piece("STS_008"), piece("STS_046"), piece("STS_028"));
    let spacing = arm.grid.spacing_mm;
    use BoneName::{Femur, Humerus, Tibia};
    use Side::{Left, Right};
    let up = |x: f64, mirrored: bool| Laid { mirrored, upside_down: true, ..Laid::at([x, 0.0, 60.0]) };
    let mut wrong = Vec::new();
    let mut made = |name: &str, size_mm: [f64; 3], soft: &[([f64; 3], [f64; 3])], pieces: &[Piece], least: usize| {
        let mut whole = air(size_mm, spacing);
        soft.iter().for_each(|(middle, half)| add_soft(&mut whole, *middle, *half));
        for (case, laid, ..) in pieces {
            let volume = match *case {
                "STS_008" => &arm,
                "STS_046" => &thigh,
                _ => &shin,
            };
            lay(&mut whole, volume, *laid);
        }
        for (turned, axes) in [("", [false; 3]), (", feet first", [true, false, true])] {
            let (right, bad) = check_whole(&format!("{name}{turned}"), &flipped(&whole, axes), pieces);
            wrong.extend(bad);
            if right < least {
                wrong.push(format!("{name}{turned}: {right} named of {least}"));
            }
        }
    };
    let head = ([0.0, 0.0, 60.0], [75.0, 95.0, 110.0]);
    let both = [("STS_008", up(170.0, false), Humerus, Left), ("STS_008", up(-170.0, true), Humerus, Right)];
    made("both arms raised", [520.0, 260.0, 400.0], &[head], &both, 2);
    made("left arm raised", [520.0, 260.0, 400.0], &[head], &both[..1], 1);
    made("right arm raised", [520.0, 260.0, 400.0], &[head], &both[1..], 1);
    // The patient lies to the left in the scanner: the right arm is left of its middle.
    let shifted = [("STS_008", up(40.0, true), Humerus, Right)];
    made("right arm of a patient off the middle", [520.0, 260.0, 400.0], &[([160.0, 0.0, 60.0], head.1)], &shifted, 0);
    // One above the other: arm and thigh of one side, the arm as strong as a thigh.
    let strong = Laid { scale: 1.42, ..Laid::at([150.0, 0.0, 300.0]) };
    let one_side = [
        ("STS_008", strong, Humerus, Left),
        ("STS_046", Laid { mirrored: true, ..Laid::at([90.0, 0.0, -160.0]) }, Femur, Left),
    ];
    made(
        "a strong arm above a thigh",
        [520.0, 260.0, 1000.0],
        &[([60.0, 0.0, 0.0], [120.0, 90.0, 490.0])],
        &one_side,
        1,
    );
    let body = [
        ("STS_008", Laid::at([210.0, 0.0, 560.0]), Humerus, Left),
        ("STS_008", Laid { mirrored: true, ..Laid::at([-210.0, 0.0, 560.0]) }, Humerus, Right),
        ("STS_046", Laid::at([-95.0, 0.0, 60.0]), Femur, Right),
        ("STS_046", Laid { mirrored: true, ..Laid::at([95.0, 0.0, 60.0]) }, Femur, Left),
        ("STS_028", Laid::at([90.0, 0.0, -480.0]), Tibia, Left),
        ("STS_028", Laid { mirrored: true, ..Laid::at([-90.0, 0.0, -480.0]) }, Tibia, Right),
    ];
    made("whole body", [620.0, 260.0, 1500.0], &[([0.0, 0.0, 520.0], [150.0, 100.0, 200.0])], &body, 6);
    // A woman's thigh, as slender as an arm.
    let slender = [("STS_046", Laid { scale: 0.85, ..Laid::at([-80.0, 0.0, 0.0]) }, Femur, Right)];
    made("a slender thigh", [420.0, 260.0, 400.0], &[], &slender, 0);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The thighs of the data, and parts of them without head or knee: femora by what lies around them. The arm without its head, made larger: none.
#[test]
fn shafts_without_their_ends_are_told_by_the_limb_around_them() {
    let Some(ct) = shared_data().map(|data| data.join("ct")) else { return };
    let thighs = ["001", "006", "012", "013", "017", "024", "029", "030", "043", "045", "046"];
    let mut wrong = Vec::new();
    let (mut told, mut shown) = (0, 0);
    // How many bones of this name were told, and how many there are.
    let mut check = |what: &str, volume: &Volume<i16>, is: BoneName| {
        let (mut told, mut shown) = (0, 0);
        for (bone, _) in bones_of(volume) {
            println!("{what}: {} {} {:.2} {:?}", bone.name, bone.side, bone.confidence, bone.reasons);
            if bone.name != is && bone.name != BoneName::Unknown {
                wrong.push(format!("{what} is called {}, {:?}", bone.name, bone.reasons));
            }
            (told, shown) = (told + usize::from(bone.name == is), shown + 1);
        }
        (told, shown)
    };
    for case in thighs {
        let case = format!("STS_{case}");
        let volume = volume_of(&ct.join(&case));
        for part in [[0.0, 0.5], [0.25, 0.75], [0.5, 1.0]] {
            let found = check(&format!("{case} {part:?}"), &slab(&volume, part), BoneName::Femur);
            (told, shown) = (told + found.0, shown + found.1);
        }
        for scale in [0.85, 0.9] {
            let size = [0, 1, 2].map(|a| scale * volume.grid.size[a] as f64 * volume.grid.spacing_mm[a]);
            let mut small = air(size, volume.grid.spacing_mm);
            lay(&mut small, &volume, Laid { scale, ..Laid::at([0.0; 3]) });
            check(&format!("{case}, {scale} as large"), &small, BoneName::Femur);
        }
    }
    let arm = slab(&volume_of(&ct.join("STS_008")), [0.0, 0.6]);
    for scale in [1.0, 1.1, 1.2, 1.3] {
        let size = [0, 1, 2].map(|a| scale * arm.grid.size[a] as f64 * arm.grid.spacing_mm[a]);
        let mut large = air(size, arm.grid.spacing_mm);
        lay(&mut large, &arm, Laid { scale, ..Laid::at([0.0; 3]) });
        check(&format!("STS_008, {scale} as large"), &large, BoneName::Humerus);
        // Beside a chest, the fat of a strong man around it.
        let mut chest = air([420.0, 260.0, 200.0], arm.grid.spacing_mm);
        add_soft(&mut chest, [-20.0, 0.0, 0.0], [160.0, 120.0, 110.0]);
        add_lung(&mut chest, [-20.0, 0.0, 0.0], [110.0, 80.0, 110.0]);
        lay(&mut chest, &arm, Laid { scale, ..Laid::at([140.0, 0.0, 0.0]) });
        check(&format!("STS_008, {scale} as large, beside lungs"), &chest, BoneName::Humerus);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    println!("{told} of {shown} parts of femora told");
    assert!(told * 10 >= shown * 9, "{told} of {shown} told");
}
