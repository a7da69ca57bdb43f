//! The phantoms that the tests measure.

#![allow(dead_code)] // Each test binary uses its own part.

use super::phantom::{BoneSpec, LesionSpec, MIDDLE_MM, PhantomSpec};

/// A thigh bone's shaft, upright, thick wall, linea aspera behind, gently bowed.
pub fn femur() -> BoneSpec {
    BoneSpec {
        centre_mm: [MIDDLE_MM[0] + 3.0, MIDDLE_MM[1] - 2.0],
        tilt_deg: [0.0, 0.0],
        semi_axes_mm: [13.5, 14.5],
        ridge: [2.5, 10.0, 97.0],
        thickness_mm: 5.0,
        posterior_mm: 0.8,
        thinning_per_mm: -0.002,
        marrow_hu: -80.0,
        rotation_deg: 0.0,
        scale: 1.0,
        mirrored: false,
        along_mm: 0.0,
        bow_radius_mm: Some(1100.0),
        lesions: Vec::new(),
    }
}

/// One bone in soft tissue, 120 mm of it visible, as a planning CT with a fairly sharp kernel shows it.
pub fn one_bone(bone: BoneSpec) -> PhantomSpec {
    PhantomSpec {
        size: [128, 128, 80],
        spacing_mm: [0.8, 0.8, 1.5],
        middle_mm: MIDDLE_MM,
        bones: vec![bone],
        fwhm_mm: 1.2,
        slice_thickness_mm: 1.5,
        noise_hu: 15.0,
        soft_tissue_hu: 50.0,
        limb_radii_mm: None,
        cortical_hu: 1600.0,
        lesion_hu: 45.0,
        seed: 20_240_229,
    }
}

fn window(half_width_deg: f64, length_mm: f64) -> LesionSpec {
    LesionSpec::Window { angle_deg: 20.0, half_width_deg, along_mm: 4.0, length_mm }
}

fn ball() -> LesionSpec {
    LesionSpec::Ball { offset_mm: 11.0, angle_deg: 200.0, radius_mm: 11.0, along_mm: -6.0 }
}

/// Nothing missing.
pub fn healthy_femur() -> PhantomSpec {
    one_bone(femur())
}

/// A thin wall all around, nothing missing.
pub fn osteoporotic_femur() -> PhantomSpec {
    one_bone(BoneSpec { thickness_mm: 2.0, posterior_mm: 0.0, thinning_per_mm: 0.0, ..femur() })
}

/// A quarter of the wall gone over 30 mm.
pub fn window_lesion() -> PhantomSpec {
    one_bone(BoneSpec { lesions: vec![window(45.0, 30.0)], ..femur() })
}

/// A ball that eats from the canal through the wall.
pub fn eccentric_ball() -> PhantomSpec {
    one_bone(BoneSpec { lesions: vec![ball()], ..femur() })
}

/// The wall hollowed from within; 1.6 mm stand.
pub fn endosteal_scallop() -> PhantomSpec {
    let scallop = LesionSpec::EndostealScallop {
        angle_deg: 330.0,
        half_width_deg: 70.0,
        along_mm: 0.0,
        length_mm: 36.0,
        remaining_mm: 1.6,
    };
    one_bone(BoneSpec { lesions: vec![scallop], ..femur() })
}

/// A left and a right thigh in air. The right leg carries `right`'s lesions, the left leg `left`'s, and is the other's
/// mirror image but for 12° of rotation, 15 mm along the bone, 6 mm to the back, and a size 3 % smaller.
pub fn legs(right: Vec<LesionSpec>, left: Vec<LesionSpec>) -> PhantomSpec {
    let [x, y, _] = MIDDLE_MM;
    let right = BoneSpec { centre_mm: [x - 66.0, y], tilt_deg: [2.0, 5.0], lesions: right, ..femur() };
    let left = BoneSpec {
        centre_mm: [x + 66.0, y + 6.0],
        tilt_deg: [-1.0, -4.0],
        rotation_deg: 12.0,
        scale: 0.97,
        mirrored: true,
        along_mm: 15.0,
        lesions: left,
        ..femur()
    };
    PhantomSpec {
        size: [300, 170, 80],
        spacing_mm: [0.9, 0.9, 1.5],
        bones: vec![right, left],
        limb_radii_mm: Some([52.0, 62.0]),
        ..healthy_femur()
    }
}

/// One leg ill, the other whole.
pub fn two_legs() -> PhantomSpec {
    legs(vec![ball()], Vec::new())
}

/// Both legs ill at the same patient z, at different angles: neither may serve the other there.
pub fn two_legs_same_level() -> PhantomSpec {
    let left = LesionSpec::Window { angle_deg: 300.0, half_width_deg: 50.0, along_mm: 10.0, length_mm: 28.0 };
    legs(vec![ball()], vec![left])
}

/// A lesion as long as half of what is visible, around 220°.
pub fn half_length_lesion() -> PhantomSpec {
    one_bone(BoneSpec { lesions: vec![window(110.0, 60.0)], ..femur() })
}

/// The window in a bone that runs obliquely through the slices.
pub fn tilted(tilt_deg: f64) -> PhantomSpec {
    let bone = BoneSpec { tilt_deg: [0.0, tilt_deg], lesions: vec![window(45.0, 30.0)], ..femur() };
    PhantomSpec { size: [220, 128, 80], ..one_bone(bone) }
}

/// The window at low tube voltage.
pub fn low_kvp() -> PhantomSpec {
    PhantomSpec { cortical_hu: 1900.0, ..window_lesion() }
}

/// The ball and a thin wall on a planning CT: coarse pixels, thick slices, soft kernel, more noise.
pub fn planning_ct() -> PhantomSpec {
    let bone = BoneSpec { thickness_mm: 3.2, posterior_mm: 0.5, lesions: vec![ball()], ..femur() };
    PhantomSpec {
        size: [110, 110, 40],
        spacing_mm: [0.98, 0.98, 3.0],
        slice_thickness_mm: 3.0,
        fwhm_mm: 1.8,
        noise_hu: 30.0,
        ..one_bone(bone)
    }
}

/// The two legs as a planning CT of a whole field of view shows them: as many voxels as in practice, for timing.
pub fn two_legs_planning_ct() -> PhantomSpec {
    PhantomSpec { size: [512, 512, 100], spacing_mm: [0.98, 0.98, 2.0], slice_thickness_mm: 2.0, ..two_legs() }
}

/// Every preset with its name.
pub fn all() -> Vec<(&'static str, PhantomSpec)> {
    vec![
        ("healthy femur", healthy_femur()),
        ("osteoporotic femur", osteoporotic_femur()),
        ("window", window_lesion()),
        ("eccentric ball", eccentric_ball()),
        ("endosteal scallop", endosteal_scallop()),
        ("two legs", two_legs()),
        ("two legs, same level", two_legs_same_level()),
        ("half-length lesion", half_length_lesion()),
        ("tilted 35°", tilted(35.0)),
        ("low kVp", low_kvp()),
        ("planning CT", planning_ct()),
    ]
}
