//! Two ways to the same truth: a lesion built into a phantom, whose truth is geometry, and the same lesion cut into the
//! intact phantom's image, whose truth is mass.

use corticalysis::phantom::into::{IntoSpec, Position, cut};
use corticalysis::phantom::presets;
use corticalysis::phantom::spec::{LesionSpec, MIDDLE_MM, PhantomSpec};

/// The lesions of a preset, cut into the preset without them.
fn cut_instead_of_built(spec: &PhantomSpec) -> [f64; 2] {
    let built = spec.build();
    let mut intact = spec.clone();
    let lesions = std::mem::take(&mut intact.bones[0].lesions);
    let volume = intact.build().volume;
    let into = IntoSpec {
        name: spec.name.clone(),
        seed: 3,
        bone: None,
        side: None,
        at: Position::ZMm(MIDDLE_MM[2]),
        fwhm_mm: None,
        noise_hu: None,
        lesions,
    };
    let made = cut(&volume, &into).expect("a bone");
    let (fwhm, noise) = (made.spec.fwhm_mm.unwrap(), made.spec.noise_hu.unwrap());
    assert!((fwhm / spec.scanner.fwhm_mm - 1.0).abs() < 0.2, "{}: blur {fwhm}", spec.name);
    assert!((noise / spec.scanner.noise_hu - 1.0).abs() < 0.25, "{}: noise {noise}", spec.name);
    let mut mean = [0.0; 2];
    let mut lysed = 0;
    for (geometry, mass) in built.truth[0].slices.iter().zip(&made.truth.slices) {
        assert!(mass.ring && (geometry.z - mass.z).abs() < 1e-3, "{}: {mass:?}", spec.name);
        let error = [mass.axial - geometry.axial, mass.circ30 - geometry.circ30];
        if geometry.axial > 0.0 || mass.axial > 0.05 {
            mean = [0, 1].map(|n| mean[n] + error[n].abs());
            lysed += 1;
        }
    }
    let mean = mean.map(|sum| sum / f64::from(lysed.max(1)));
    for (a, b) in built.truth[0].lesions.iter().zip(&made.truth.lesions) {
        assert_eq!((&a.kind, &a.type_, a.through_the_wall), (&b.kind, &b.type_, b.through_the_wall), "{}", spec.name);
        let slices = 2.0 * spec.image.spacing_mm[2];
        assert!((a.axial_extent_mm - b.axial_extent_mm).abs() <= slices + 1e-9, "{}: {a:?} {b:?}", spec.name);
        assert!((a.height_mm - b.height_mm).abs() <= slices + 1e-9, "{}: {a:?} {b:?}", spec.name);
    }
    println!("{:20} blur {fwhm:.2} noise {noise:.1} mean abs {mean:.2?} over {lysed} slices", spec.name);
    mean
}

#[test]
fn mass_of_a_cut_image_agrees_with_the_geometry() {
    for (spec, bound) in [
        (presets::window_lesion(), 1.5),
        (presets::sector(), 1.5),
        (presets::eccentric_ball(), 1.5),
        (presets::endosteal_scallop(), 2.5),
        (presets::permeative(), 2.5),
        (presets::mixed(), 1.5),
        (presets::several_lesions(), 1.5),
    ] {
        let mean = cut_instead_of_built(&spec);
        assert!(mean[0] < bound && mean[1] < 2.0 * bound, "{}: {mean:?}", spec.name);
    }
}

#[test]
fn dense_bone_in_the_canal_takes_nothing() {
    assert_eq!(cut_instead_of_built(&presets::blastic()), [0.0, 0.0]);
}

#[test]
fn only_the_defect_changes_and_the_same_seed_changes_it_alike() {
    let spec = presets::healthy_femur();
    let volume = spec.build().volume;
    let ball =
        LesionSpec::Ball { offset_mm: 9.0, angle_deg: 0.0, radius_mm: 10.0, along_mm: 0.0, length_mm: None, hu: 45.0 };
    let into: IntoSpec = toml::from_str("at = \"50%\"\nlesions = []\n").unwrap();
    let into = IntoSpec { lesions: vec![ball], ..into };
    let made = cut(&volume, &into).unwrap();
    assert_eq!(made.volume.voxels, cut(&volume, &into).unwrap().volume.voxels);
    let [nx, ny, nz] = volume.grid.size;
    let changed: Vec<usize> = (0..nz).filter(|k| made.volume.slice(*k) != volume.slice(*k)).collect();
    // 20 mm of 1.5 mm slices, and not one more than a slice at each end.
    assert!((13..=16).contains(&changed.len()), "{changed:?}");
    assert_eq!(made.volume.slice(40)[..nx], volume.slice(40)[..nx]);
    assert_eq!(made.volume.slice(40)[(ny - 1) * nx..], volume.slice(40)[(ny - 1) * nx..]);
}
