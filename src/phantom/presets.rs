//! Phantoms with a name: what the tests measure, and what the command line offers.

use super::spec::{
    BodySpec, BoneSpec, ImageSpec, LESION_HU, LesionSpec, LimbSpec, MIDDLE_MM, MetaphysisSpec, PhantomSpec,
    ScannerSpec, TableSpec, Towards, WallSpec,
};
use crate::anatomy::Side;
use crate::words::{BadValue, parse_word};

/// A thigh bone's shaft, upright, thick wall, linea aspera behind, gently bowed; 1600 HU whatever the tube voltage.
pub fn femur() -> BoneSpec {
    BoneSpec { cortical_hu: Some(1600.0), ..BoneSpec::default() }
}

/// One bone in soft tissue, 120 mm of it visible, as a planning CT with a fairly sharp kernel shows it.
pub fn one_bone(bone: BoneSpec) -> PhantomSpec {
    PhantomSpec {
        name: "one-bone".into(),
        seed: 20_240_229,
        image: ImageSpec::default(),
        scanner: ScannerSpec::default(),
        body: BodySpec::default(),
        bones: vec![bone],
    }
}

fn named(name: &str, spec: PhantomSpec) -> PhantomSpec {
    PhantomSpec { name: name.into(), ..spec }
}

fn with_lesions(lesions: Vec<LesionSpec>) -> PhantomSpec {
    one_bone(BoneSpec { lesions, ..femur() })
}

fn window(half_width_deg: f64, length_mm: f64) -> LesionSpec {
    LesionSpec::Window { angle_deg: 20.0, half_width_deg, along_mm: 4.0, length_mm, hu: LESION_HU }
}

fn ball() -> LesionSpec {
    LesionSpec::Ball {
        offset_mm: 11.0,
        angle_deg: 200.0,
        radius_mm: 11.0,
        along_mm: -6.0,
        length_mm: None,
        hu: LESION_HU,
    }
}

/// Nothing missing.
pub fn healthy_femur() -> PhantomSpec {
    named("healthy-femur", one_bone(femur()))
}

/// A thin wall all around, nothing missing.
pub fn osteoporotic_femur() -> PhantomSpec {
    let wall = WallSpec { thickness_mm: 2.0, posterior_mm: 0.0, thinning_per_mm: 0.0, transition_mm: 0.0 };
    named("osteoporotic-femur", one_bone(BoneSpec { wall, ..femur() }))
}

/// A quarter of the wall gone over 30 mm.
pub fn window_lesion() -> PhantomSpec {
    named("window", with_lesions(vec![window(45.0, 30.0)]))
}

/// A slice of the pie, marrow and all, that narrows towards its ends.
pub fn sector() -> PhantomSpec {
    let sector = LesionSpec::Sector {
        angle_deg: 150.0,
        half_width_deg: 65.0,
        along_mm: -2.0,
        length_mm: 44.0,
        taper_mm: 12.0,
        hu: LESION_HU,
    };
    named("sector", with_lesions(vec![sector]))
}

/// A ball that eats from the canal through the wall.
pub fn eccentric_ball() -> PhantomSpec {
    named("eccentric-ball", with_lesions(vec![ball()]))
}

/// The wall hollowed from within; 1.6 mm stand.
pub fn endosteal_scallop() -> PhantomSpec {
    let scallop = LesionSpec::EndostealScallop {
        angle_deg: 330.0,
        half_width_deg: 70.0,
        along_mm: 0.0,
        length_mm: 36.0,
        remaining_mm: 1.6,
        hu: LESION_HU,
    };
    named("endosteal-scallop", with_lesions(vec![scallop]))
}

fn permeation() -> LesionSpec {
    LesionSpec::Permeative {
        angle_deg: 100.0,
        half_width_deg: 80.0,
        along_mm: 5.0,
        length_mm: 40.0,
        density_loss: 0.55,
        hu: LESION_HU,
    }
}

/// The wall stands but has lost 55 % of its density.
pub fn permeative() -> PhantomSpec {
    named("permeative", with_lesions(vec![permeation()]))
}

fn sclerosis() -> LesionSpec {
    LesionSpec::Blastic {
        offset_mm: 3.0,
        angle_deg: 60.0,
        radius_mm: 9.0,
        along_mm: 0.0,
        length_mm: Some(34.0),
        hu: 700.0,
    }
}

/// Dense bone in the canal, nothing missing.
pub fn blastic() -> PhantomSpec {
    named("blastic", with_lesions(vec![sclerosis()]))
}

/// Wall gone, and the canal behind it half dense.
pub fn mixed() -> PhantomSpec {
    let mixed = LesionSpec::Mixed {
        offset_mm: 9.0,
        angle_deg: 290.0,
        radius_mm: 12.0,
        along_mm: 3.0,
        length_mm: Some(36.0),
        hu: LESION_HU,
        canal_hu: 300.0,
    };
    named("mixed", with_lesions(vec![mixed]))
}

/// A window below, a ball above, dense bone between.
pub fn several_lesions() -> PhantomSpec {
    let lower =
        LesionSpec::Window { angle_deg: 20.0, half_width_deg: 50.0, along_mm: -32.0, length_mm: 18.0, hu: LESION_HU };
    let middle = LesionSpec::Blastic {
        offset_mm: 2.0,
        angle_deg: 60.0,
        radius_mm: 7.0,
        along_mm: -4.0,
        length_mm: None,
        hu: 700.0,
    };
    let upper = LesionSpec::Ball {
        offset_mm: 11.0,
        angle_deg: 200.0,
        radius_mm: 10.0,
        along_mm: 28.0,
        length_mm: None,
        hu: LESION_HU,
    };
    named("several-lesions", with_lesions(vec![lower, middle, upper]))
}

/// A femur that widens towards the knee: the wall thins to a shell, trabecular bone fills the canal; the endosteal
/// surface is graded. Nothing missing.
pub fn metaphysis() -> PhantomSpec {
    let knee = MetaphysisSpec {
        towards: Towards::Feet,
        start_mm: 5.0,
        growth_per_mm: [0.42, 0.16],
        length_mm: 50.0,
        shell_mm: 1.2,
        trabecular_hu: 190.0,
    };
    let wall = WallSpec { transition_mm: 1.5, ..WallSpec::default() };
    let image = ImageSpec { size: [160, 140, 90], ..ImageSpec::default() };
    let spec = one_bone(BoneSpec { wall, metaphyses: vec![knee], ..femur() });
    named("metaphysis", PhantomSpec { image, ..spec })
}

/// How the left leg differs from the right one's mirror image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unlike {
    pub rotation_deg: f64,
    pub along_mm: f64,
    pub posterior_mm: f64,
    pub scale: f64,
}

/// A left and a right thigh in air. The right leg carries `right`'s lesions, the left leg `left`'s; neither is quite
/// upright.
pub fn unlike_legs(unlike: Unlike, right: Vec<LesionSpec>, left: Vec<LesionSpec>) -> PhantomSpec {
    let [x, y, _] = MIDDLE_MM;
    let right =
        BoneSpec { side: Some(Side::Right), centre_mm: [x - 66.0, y], tilt_deg: [2.0, 5.0], lesions: right, ..femur() };
    let left = BoneSpec {
        side: Some(Side::Left),
        centre_mm: [x + 66.0, y + unlike.posterior_mm],
        tilt_deg: [-1.0, -4.0],
        rotation_deg: unlike.rotation_deg,
        scale: unlike.scale,
        mirrored: true,
        along_mm: unlike.along_mm,
        lesions: left,
        ..femur()
    };
    let limb = Some(LimbSpec { muscle_radius_mm: 52.0, skin_radius_mm: 62.0 });
    PhantomSpec {
        name: "legs".into(),
        image: ImageSpec { size: [300, 170, 80], spacing_mm: [0.9, 0.9, 1.5], ..ImageSpec::default() },
        body: BodySpec { limb, ..BodySpec::default() },
        bones: vec![right, left],
        ..healthy_femur()
    }
}

/// Legs that differ by 12° of rotation, 15 mm along the bone, 6 mm to the back, and a size 3 % smaller.
pub fn legs(right: Vec<LesionSpec>, left: Vec<LesionSpec>) -> PhantomSpec {
    let unlike = Unlike { rotation_deg: 12.0, along_mm: 15.0, posterior_mm: 6.0, scale: 0.97 };
    unlike_legs(unlike, right, left)
}

/// One leg ill, the other whole.
pub fn two_legs() -> PhantomSpec {
    named("two-legs", legs(vec![ball()], Vec::new()))
}

/// Both legs ill at the same patient z, at different angles: neither may serve the other there.
pub fn two_legs_same_level() -> PhantomSpec {
    let left =
        LesionSpec::Window { angle_deg: 300.0, half_width_deg: 50.0, along_mm: 10.0, length_mm: 28.0, hu: LESION_HU };
    named("two-legs-same-level", legs(vec![ball()], vec![left]))
}

/// The left leg turned 20° outwards, 25 mm higher, 5 % smaller; nothing missing.
pub fn two_legs_unlike() -> PhantomSpec {
    let unlike = Unlike { rotation_deg: 20.0, along_mm: 25.0, posterior_mm: 10.0, scale: 0.95 };
    named("two-legs-unlike", unlike_legs(unlike, Vec::new(), Vec::new()))
}

/// The left leg turned 20° inwards, 25 mm lower, 5 % larger; the right one ill.
pub fn two_legs_unlike_lesion() -> PhantomSpec {
    let unlike = Unlike { rotation_deg: -20.0, along_mm: -25.0, posterior_mm: -8.0, scale: 1.05 };
    named("two-legs-unlike-lesion", unlike_legs(unlike, vec![ball()], Vec::new()))
}

/// A lesion as long as half of what is visible, around 220°.
pub fn half_length_lesion() -> PhantomSpec {
    named("half-length-lesion", with_lesions(vec![window(110.0, 60.0)]))
}

/// The window in a bone that runs obliquely through the slices.
pub fn tilted(tilt_deg: f64) -> PhantomSpec {
    let bone = BoneSpec { tilt_deg: [0.0, tilt_deg], lesions: vec![window(45.0, 30.0)], ..femur() };
    let image = ImageSpec { size: [220, 128, 80], ..ImageSpec::default() };
    named(&format!("tilted-{tilt_deg}"), PhantomSpec { image, ..one_bone(bone) })
}

fn tilted_30() -> PhantomSpec {
    tilted(30.0)
}

fn tilted_35() -> PhantomSpec {
    tilted(35.0)
}

/// The window at low tube voltage.
pub fn low_kvp() -> PhantomSpec {
    let bone = BoneSpec { cortical_hu: None, lesions: vec![window(45.0, 30.0)], ..femur() };
    let scanner = ScannerSpec { kvp: 80.0, ..ScannerSpec::default() };
    named("low-kvp", PhantomSpec { scanner, ..one_bone(bone) })
}

/// The ball and a thin wall on a planning CT: coarse pixels, thick slices, soft kernel, more noise.
pub fn planning_ct() -> PhantomSpec {
    let wall = WallSpec { thickness_mm: 3.2, posterior_mm: 0.5, ..WallSpec::default() };
    let image = ImageSpec { size: [110, 110, 40], spacing_mm: [0.98, 0.98, 3.0], ..ImageSpec::default() };
    let scanner = ScannerSpec {
        slice_thickness_mm: 3.0,
        fwhm_mm: 1.8,
        noise_hu: 30.0,
        kernel: "SOFT".into(),
        ..Default::default()
    };
    let spec = one_bone(BoneSpec { wall, lesions: vec![ball()], ..femur() });
    named("planning-ct", PhantomSpec { image, scanner, ..spec })
}

/// The ball in slices 3 mm thick, everything else as it was.
pub fn thick_slices() -> PhantomSpec {
    let image = ImageSpec { size: [128, 128, 40], spacing_mm: [0.8, 0.8, 3.0], ..ImageSpec::default() };
    let scanner = ScannerSpec { slice_thickness_mm: 3.0, ..ScannerSpec::default() };
    named("thick-slices", PhantomSpec { image, scanner, ..eccentric_ball() })
}

/// The ball under a bone kernel: a narrow blur, edges exaggerated, fine-grained noise.
pub fn sharp_kernel() -> PhantomSpec {
    let scanner = ScannerSpec {
        kernel: "BONE".into(),
        fwhm_mm: 0.9,
        overshoot: 0.4,
        overshoot_fwhm_mm: 2.0,
        noise_hu: 35.0,
        noise_neighbour: -0.1,
        ..ScannerSpec::default()
    };
    let image = ImageSpec { size: [180, 180, 80], spacing_mm: [0.55, 0.55, 1.5], ..ImageSpec::default() };
    named("sharp-kernel", PhantomSpec { image, scanner, ..eccentric_ball() })
}

/// The ball at low dose.
pub fn noisy() -> PhantomSpec {
    let scanner = ScannerSpec { noise_hu: 60.0, ..ScannerSpec::default() };
    named("noisy", PhantomSpec { scanner, ..eccentric_ball() })
}

/// Two legs as a planning CT of a whole field of view shows them, on a table: as many voxels as in practice, for timing.
pub fn two_legs_planning_ct() -> PhantomSpec {
    let spec = two_legs();
    let table =
        TableSpec { top_y_mm: MIDDLE_MM[1] + 74.0, thickness_mm: 50.0, skin_mm: 2.0, skin_hu: -150.0, core_hu: -950.0 };
    let image = ImageSpec { size: [512, 512, 120], spacing_mm: [0.98, 0.98, 2.0], ..ImageSpec::default() };
    let scanner = ScannerSpec { slice_thickness_mm: 2.0, ..ScannerSpec::default() };
    let body = BodySpec { table: Some(table), ..spec.body.clone() };
    named("two-legs-planning-ct", PhantomSpec { image, scanner, body, ..spec })
}

/// A preset and what it shows.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// As written on the command line.
    pub name: &'static str,
    pub about: &'static str,
    pub spec: fn() -> PhantomSpec,
}

macro_rules! presets {
    ($($name:literal $about:literal $spec:expr;)*) => {
        &[$(Preset { name: $name, about: $about, spec: $spec },)*]
    };
}

/// Every preset.
pub const PRESETS: &[Preset] = presets! {
    "healthy-femur" "a thick-walled shaft with nothing missing" healthy_femur;
    "osteoporotic-femur" "a 2 mm wall with nothing missing" osteoporotic_femur;
    "window" "a quarter of the wall gone over 30 mm" window_lesion;
    "sector" "a slice of the pie, marrow and all, narrowing towards its ends" sector;
    "eccentric-ball" "a ball that eats from the canal through the wall" eccentric_ball;
    "endosteal-scallop" "the wall hollowed from within, 1.6 mm stand" endosteal_scallop;
    "permeative" "the wall stands but has lost 55 % of its density" permeative;
    "blastic" "dense bone in the canal, nothing missing" blastic;
    "mixed" "wall gone, the canal behind it half dense" mixed;
    "several-lesions" "a window, dense bone and a ball in one shaft" several_lesions;
    "metaphysis" "the shaft flares towards the knee: shell, trabecular bone, graded inner wall; nothing missing" metaphysis;
    "two-legs" "the right leg ill, the left whole and no mirror image (12°, 15 mm, 3 %)" two_legs;
    "two-legs-same-level" "both legs ill at the same height" two_legs_same_level;
    "two-legs-unlike" "legs 20°, 25 mm and 5 % apart, nothing missing" two_legs_unlike;
    "two-legs-unlike-lesion" "legs -20°, -25 mm and 5 % apart, the right one ill" two_legs_unlike_lesion;
    "half-length-lesion" "220° of the wall gone over half of what is visible" half_length_lesion;
    "tilted-30" "the window in a bone 30° off the slices' normal" tilted_30;
    "tilted-35" "the same at 35°" tilted_35;
    "low-kvp" "the window at 80 kVp" low_kvp;
    "planning-ct" "the ball in a thin wall: coarse pixels, 3 mm slices, soft kernel, noise" planning_ct;
    "thick-slices" "the ball in 3 mm slices" thick_slices;
    "sharp-kernel" "the ball under a bone kernel with overshoot" sharp_kernel;
    "noisy" "the ball at low dose, 60 HU of noise" noisy;
    "two-legs-planning-ct" "512 x 512 x 120 with table, fat and muscle; one leg ill; for timing" two_legs_planning_ct;
};

/// The preset of this name.
pub fn preset(name: &str) -> Result<PhantomSpec, BadValue> {
    let words: Vec<(&str, &Preset)> = PRESETS.iter().map(|preset| (preset.name, preset)).collect();
    parse_word("a preset", name, &words).map(|preset| (preset.spec)())
}
