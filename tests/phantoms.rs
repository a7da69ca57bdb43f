//! The phantoms themselves: what they claim to be true is checked against closed forms and against their own voxels.

mod support;

use corticalysis::volume::Volume;
use std::f64::consts::PI;
use std::time::Instant;
use support::phantom::{BoneSpec, LesionSpec, MIDDLE_MM, PhantomSpec};
use support::presets::{all, femur, healthy_femur, one_bone, tilted, two_legs, two_legs_same_level};

/// An upright elliptical tube without ridge, bow or noise.
fn plain(semi_axes_mm: [f64; 2], thickness_mm: f64, lesions: Vec<LesionSpec>) -> PhantomSpec {
    let bone = BoneSpec {
        semi_axes_mm,
        thickness_mm,
        ridge: [0.0, 10.0, 90.0],
        posterior_mm: 0.0,
        thinning_per_mm: 0.0,
        bow_radius_mm: None,
        lesions,
        ..femur()
    };
    PhantomSpec { size: [100, 100, 30], noise_hu: 0.0, ..one_bone(bone) }
}

fn ring_area([a, b]: [f64; 2], t: f64) -> f64 {
    PI * (a * b - (a - t) * (b - t))
}

/// Area-weighted HU of slice `k` above the soft tissue.
fn excess(volume: &Volume<i16>, k: usize, soft_tissue_hu: f64) -> f64 {
    let pixel = volume.grid.spacing_mm.x * volume.grid.spacing_mm.y;
    volume.slice(k).iter().map(|hu| f64::from(*hu) - soft_tissue_hu).sum::<f64>() * pixel
}

fn assert_near(value: f64, expected: f64, tolerance: f64, what: &str) {
    assert!((value - expected).abs() <= tolerance, "{what}: {value} is not within {tolerance} of {expected}");
}

#[test]
fn the_area_of_an_intact_ring_is_that_of_two_ellipses() {
    for (axes, thickness) in [([12.0, 12.0], 5.0), ([13.0, 16.0], 2.0), ([15.0, 11.0], 6.0)] {
        let truth = plain(axes, thickness, Vec::new()).build().truth.remove(0);
        let area = ring_area(axes, thickness);
        assert!(truth.iter().all(|slice| slice.axial_percent == 0.0 && slice.circumferential_percent == [0.0; 3]));
        assert_near(truth[15].intact_area_mm2, area, 1e-3 * area, "wall area");
    }
}

#[test]
fn an_oblique_section_is_larger_by_the_cosine_whatever_the_roll_and_the_size() {
    let mut spec = plain([13.0, 15.0], 4.0, Vec::new());
    for (tilt, cosine) in [([0.0, 35.0], 35f64.to_radians().cos()), ([40.0, 0.0], 40f64.to_radians().cos())] {
        let bone = &mut spec.bones[0];
        (bone.tilt_deg, bone.rotation_deg, bone.scale, bone.mirrored) = (tilt, 33.0, 0.97, true);
        let area = ring_area([13.0, 15.0], 4.0) * 0.97 * 0.97 / cosine;
        assert_near(spec.build().truth[0][4].intact_area_mm2, area, 2e-3 * area, "oblique wall area");
    }
}

#[test]
fn the_voxels_hold_the_mass_that_the_truth_claims() {
    let (axes, thickness) = ([13.0, 16.0], 2.0);
    for tilt in [[0.0, 0.0], [25.0, -20.0], [0.0, 35.0]] {
        let mut spec = plain(axes, thickness, Vec::new());
        spec.bones[0].tilt_deg = tilt;
        let built = spec.build();
        let wall = built.truth[0][12].intact_area_mm2;
        let canal = wall / ring_area(axes, thickness) * PI * (axes[0] - thickness) * (axes[1] - thickness);
        let expected = wall * (spec.cortical_hu - 50.0) + canal * (-80.0 - 50.0);
        assert_near(excess(&built.volume, 12, 50.0), expected, 4e-3 * expected, "HU over the slice");
    }
}

#[test]
fn a_thick_wall_reads_the_cortical_value_and_the_canal_marrow() {
    let spec = PhantomSpec { noise_hu: 15.0, ..plain([14.0, 14.0], 6.0, Vec::new()) };
    let volume = spec.build().volume;
    let mean = |r: f64| {
        let values = (0..20 * 360).map(|n| {
            let (sin, cos) = f64::from(n % 360).to_radians().sin_cos();
            let [x, y] = [spec.bones[0].centre_mm[0] + r * cos, spec.bones[0].centre_mm[1] + r * sin];
            let z = MIDDLE_MM[2] + 1.5 * (f64::from(n / 360) - 10.0);
            let index = volume.grid.to_index([x, y, z].into()).map(|i| i.round() as usize);
            f64::from(volume.slice(index.z)[index.y * volume.grid.size[0] + index.x])
        });
        values.sum::<f64>() / (20.0 * 360.0)
    };
    assert_near(mean(11.0), 1600.0, 5.0, "wall centre");
    assert_near(mean(4.0), -80.0, 5.0, "marrow");
    assert_near(mean(20.0), 50.0, 5.0, "soft tissue");
}

#[test]
fn the_blur_is_as_wide_as_asked() {
    for fwhm in [0.8, 1.2, 2.0] {
        let mut spec = plain([14.0, 14.0], 6.0, Vec::new());
        (spec.fwhm_mm, spec.spacing_mm, spec.size) = (fwhm, [0.1, 0.1, 1.5], [400, 400, 1]);
        spec.bones[0].centre_mm = [MIDDLE_MM[0], MIDDLE_MM[1]];
        let volume = spec.build().volume;
        // Outwards from the wall along a row: the distance between 90 % and 10 % of a Gaussian edge is 1.088 FWHM.
        let line = &volume.slice(0)[200 * 400 + 200 + 110..201 * 400];
        let crossing = |share: f64| {
            let level = 50.0 + share * 1550.0;
            let n = line.iter().position(|hu| f64::from(*hu) < level).unwrap();
            let (a, b) = (f64::from(line[n - 1]), f64::from(line[n]));
            0.1 * (n as f64 - (level - b) / (a - b))
        };
        assert_near(crossing(0.1) - crossing(0.9), 1.088 * fwhm, 0.06 * fwhm, "edge width");
    }
}

#[test]
fn a_window_takes_its_share_of_a_round_bone() {
    for half_width_deg in [20.0, 45.0, 110.0] {
        let window = LesionSpec::Window { angle_deg: 75.0, half_width_deg, along_mm: 0.0, length_mm: 15.0 };
        let spec = plain([13.0, 13.0], 4.0, vec![window]);
        let built = spec.build();
        let (slice, share) = (built.truth[0][15], half_width_deg / 180.0);
        assert_near(slice.axial_percent, 100.0 * share, 0.3, "axial");
        for circumferential in slice.circumferential_percent {
            assert_near(circumferential, 100.0 * share, 0.3, "circumferential");
        }
        assert_eq!(built.truth[0][2].axial_percent, 0.0, "beyond the window's end");
        let healthy = plain([13.0, 13.0], 4.0, Vec::new()).build();
        let missing = excess(&healthy.volume, 15, 50.0) - excess(&built.volume, 15, 50.0);
        let expected = slice.axial_percent / 100.0 * slice.intact_area_mm2 * (1600.0 - 45.0);
        assert_near(missing, expected, 0.01 * expected, "HU missing from the voxels");
    }
}

#[test]
fn a_ball_takes_its_volume_and_a_scallop_leaves_what_it_should() {
    // A ball wholly inside a very thick wall takes 4/3 π r³.
    let ball = LesionSpec::Ball { offset_mm: 10.0, angle_deg: 140.0, radius_mm: 5.0, along_mm: 1.0 };
    let built = plain([18.0, 18.0], 16.0, vec![ball]).build();
    let lost: f64 = built.truth[0].iter().map(|s| s.axial_percent / 100.0 * s.intact_area_mm2 * 1.5).sum();
    let volume = 4.0 / 3.0 * PI * 125.0;
    assert_near(lost, volume, 0.01 * volume, "volume of the ball");

    let scallop = LesionSpec::EndostealScallop {
        angle_deg: 0.0,
        half_width_deg: 180.0,
        along_mm: 0.0,
        length_mm: 15.0,
        remaining_mm: 1.5,
    };
    let slice = plain([14.0, 12.0], 4.0, vec![scallop]).build().truth[0][15];
    let expected = 100.0 * (1.0 - ring_area([14.0, 12.0], 1.5) / ring_area([14.0, 12.0], 4.0));
    assert_near(slice.axial_percent, expected, 0.6, "scallop, axial");
    assert_eq!(slice.circumferential_percent[2], 0.0, "the wall stands");
    assert_near(slice.circumferential_percent[1], 100.0, 0.01, "but more than half of it is gone");
}

#[test]
fn the_same_seed_gives_the_same_voxels_and_the_noise_asked_for() {
    let spec = PhantomSpec { size: [128, 128, 8], ..healthy_femur() };
    let first = spec.build().volume;
    assert_eq!(first.voxels, spec.build().volume.voxels);
    let other = PhantomSpec { seed: 1, ..spec.clone() }.build().volume;
    let quiet = PhantomSpec { noise_hu: 0.0, ..spec }.build().volume;
    let sd = |a: &Volume<i16>, b: &Volume<i16>| {
        let sum: f64 = a.voxels.iter().zip(&b.voxels).map(|(a, b)| f64::from(a - b).powi(2)).sum();
        (sum / a.voxels.len() as f64).sqrt()
    };
    assert_near(sd(&first, &quiet), 15.0, 0.3, "noise");
    assert_near(sd(&first, &other), 15.0 * 2f64.sqrt(), 0.4, "noise of two seeds");
}

#[test]
fn the_presets_are_what_their_names_say() {
    for (name, spec) in all() {
        let start = Instant::now();
        let built = spec.build();
        print!("{name:22} {:4.0} ms", start.elapsed().as_secs_f64() * 1e3);
        for bone in &built.truth {
            let worst = bone.iter().max_by(|a, b| a.axial_percent.total_cmp(&b.axial_percent)).unwrap();
            let involved = bone.iter().filter(|slice| slice.axial_percent > 0.0).count();
            let [c30, c50, c99] = worst.circumferential_percent;
            print!(
                "  | {involved:2} slices, worst {:5.1} % axial, circumferential {c30:5.1} {c50:5.1} {c99:5.1}",
                worst.axial_percent
            );
            // The bone lies within the image in every slice, with room around it.
            for slice in bone {
                let (dx, dy) = (slice.centre_mm[0] - MIDDLE_MM[0], slice.centre_mm[1] - MIDDLE_MM[1]);
                assert!(dx.abs() + 22.0 < spec.size[0] as f64 * spec.spacing_mm[0] / 2.0, "{name}: {dx} cut");
                assert!(dy.abs() + 22.0 < spec.size[1] as f64 * spec.spacing_mm[1] / 2.0, "{name}: {dy} cut");
            }
        }
        println!();
    }
    let same = two_legs_same_level().build().truth;
    assert!((0..same[0].len()).any(|k| same[0][k].axial_percent > 15.0 && same[1][k].axial_percent > 15.0));
    assert!(tilted(35.0).build().truth[0].iter().any(|slice| slice.axial_percent > 20.0));
}

/// Writes a middle slice and a coronal section of the two legs, to look at.
#[test]
#[ignore = "writes pictures to the temporary directory"]
fn pictures() {
    let built = two_legs().build();
    let [nx, ny, nz] = built.volume.grid.size;
    let grey = |hu: i16| ((f64::from(hu) + 300.0) / 2000.0 * 255.0).clamp(0.0, 255.0) as u8;
    let save = |name: &str, w: usize, h: usize, at: &dyn Fn(usize, usize) -> i16| {
        let pixels = (0..h).flat_map(|y| (0..w).map(move |x| (x, y))).map(|(x, y)| grey(at(x, y))).collect();
        let path = std::env::temp_dir().join(format!("corticalysis-phantom-{name}.png"));
        image::GrayImage::from_raw(w as u32, h as u32, pixels).unwrap().save(&path).unwrap();
        println!("{}", path.display());
    };
    save("axial", nx, ny, &|x, y| built.volume.slice(nz / 2 - 4)[y * nx + x]);
    // Head up, 1.5 mm slices shown at about their height.
    save("coronal", nx, nz * 5 / 3, &|x, y| built.volume.slice(nz - 1 - y * 3 / 5)[(ny / 2) * nx + x]);
}
