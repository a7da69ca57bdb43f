//! The phantoms themselves: what they claim to be true is checked against closed forms and against their own voxels.

use corticalysis::phantom::presets::{PRESETS, femur, healthy_femur, one_bone, tilted, two_legs_same_level};
use corticalysis::phantom::spec::MIDDLE_MM;
use corticalysis::phantom::truth::SliceTruth;
use corticalysis::phantom::{
    BoneSpec, ImageSpec, LesionSpec, MetaphysisSpec, PhantomSpec, PlacedBone, RidgeSpec, ScannerSpec, Towards, WallSpec,
};
use corticalysis::volume::Volume;
use std::f64::consts::PI;
use std::time::Instant;

const NOT_LYSED: [f64; 4] = [0.0; 4];

/// Circumferential percent at 30, 50, 90 and 99 %.
fn circumferential(slice: &SliceTruth) -> [f64; 4] {
    [slice.circ30, slice.circ50, slice.circ90.unwrap(), slice.circ99.unwrap()]
}

fn area(slice: &SliceTruth) -> f64 {
    slice.intact_area_mm2.unwrap()
}

/// An upright elliptical tube without ridge, bow or noise.
fn plain(semi_axes_mm: [f64; 2], thickness_mm: f64, lesions: Vec<LesionSpec>) -> PhantomSpec {
    let bone = BoneSpec {
        semi_axes_mm,
        ridge: RidgeSpec::NONE,
        wall: WallSpec { thickness_mm, posterior_mm: 0.0, thinning_per_mm: 0.0, transition_mm: 0.0 },
        bow_radius_mm: None,
        lesions,
        ..femur()
    };
    PhantomSpec {
        image: ImageSpec { size: [100, 100, 30], ..ImageSpec::default() },
        scanner: ScannerSpec { noise_hu: 0.0, ..ScannerSpec::default() },
        ..one_bone(bone)
    }
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
        let expected = ring_area(axes, thickness);
        assert!(truth.slices.iter().all(|slice| slice.axial == 0.0 && circumferential(slice) == NOT_LYSED));
        assert_near(area(&truth.slices[15]), expected, 1e-3 * expected, "wall area");
    }
}

#[test]
fn an_oblique_section_is_larger_by_the_cosine_whatever_the_roll_and_the_size() {
    let mut spec = plain([13.0, 15.0], 4.0, Vec::new());
    for (tilt, cosine) in [([0.0, 35.0], 35f64.to_radians().cos()), ([40.0, 0.0], 40f64.to_radians().cos())] {
        let bone = &mut spec.bones[0];
        (bone.tilt_deg, bone.rotation_deg, bone.scale, bone.mirrored) = (tilt, 33.0, 0.97, true);
        let expected = ring_area([13.0, 15.0], 4.0) * 0.97 * 0.97 / cosine;
        assert_near(area(&spec.build().truth[0].slices[4]), expected, 2e-3 * expected, "oblique wall area");
    }
}

#[test]
fn the_voxels_hold_the_mass_that_the_truth_claims() {
    let (axes, thickness) = ([13.0, 16.0], 2.0);
    for tilt in [[0.0, 0.0], [25.0, -20.0], [0.0, 35.0]] {
        let mut spec = plain(axes, thickness, Vec::new());
        spec.bones[0].tilt_deg = tilt;
        let built = spec.build();
        let wall = area(&built.truth[0].slices[12]);
        let canal = wall / ring_area(axes, thickness) * PI * (axes[0] - thickness) * (axes[1] - thickness);
        let expected = wall * (1600.0 - 50.0) + canal * (-80.0 - 50.0);
        assert_near(excess(&built.volume, 12, 50.0), expected, 4e-3 * expected, "HU over the slice");
    }
}

#[test]
fn a_thick_wall_reads_the_cortical_value_and_the_canal_marrow() {
    let mut spec = plain([14.0, 14.0], 6.0, Vec::new());
    spec.scanner.noise_hu = 15.0;
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
        spec.scanner.fwhm_mm = fwhm;
        (spec.image.spacing_mm, spec.image.size) = ([0.1, 0.1, 1.5], [400, 400, 1]);
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
        let window = LesionSpec::Window { angle_deg: 75.0, half_width_deg, along_mm: 0.0, length_mm: 15.0, hu: 45.0 };
        let spec = plain([13.0, 13.0], 4.0, vec![window]);
        let built = spec.build();
        let (slice, share) = (&built.truth[0].slices[15], half_width_deg / 180.0);
        assert_near(slice.axial, 100.0 * share, 0.3, "axial");
        for circumferential in circumferential(slice) {
            assert_near(circumferential, 100.0 * share, 0.3, "circumferential");
        }
        assert_eq!(built.truth[0].slices[2].axial, 0.0, "beyond the window's end");
        let lesion = &built.truth[0].lesions[0];
        assert_near(lesion.axial_extent_mm, 15.0, 0.01, "axial extent");
        assert_near(lesion.height_mm, 15.0, 0.01, "height");
        assert!(lesion.through_the_wall);
        assert_eq!((lesion.kind.as_str(), lesion.type_.as_str()), ("window", "lytic"));
        let healthy = plain([13.0, 13.0], 4.0, Vec::new()).build();
        let missing = excess(&healthy.volume, 15, 50.0) - excess(&built.volume, 15, 50.0);
        let expected = slice.axial / 100.0 * area(slice) * (1600.0 - 45.0);
        assert_near(missing, expected, 0.01 * expected, "HU missing from the voxels");
    }
}

#[test]
fn a_ball_takes_its_volume_and_a_scallop_leaves_what_it_should() {
    // A ball wholly inside a very thick wall takes 4/3 π r³.
    let ball = LesionSpec::Ball {
        offset_mm: 10.0,
        angle_deg: 140.0,
        radius_mm: 5.0,
        along_mm: 1.0,
        length_mm: None,
        hu: 45.0,
    };
    let built = plain([18.0, 18.0], 16.0, vec![ball]).build();
    let lost: f64 = built.truth[0].slices.iter().map(|s| s.axial / 100.0 * area(s) * 1.5).sum();
    let volume = 4.0 / 3.0 * PI * 125.0;
    assert_near(lost, volume, 0.01 * volume, "volume of the ball");

    let scallop = LesionSpec::EndostealScallop {
        angle_deg: 0.0,
        half_width_deg: 180.0,
        along_mm: 0.0,
        length_mm: 15.0,
        remaining_mm: 1.5,
        hu: 45.0,
    };
    let slice = plain([14.0, 12.0], 4.0, vec![scallop]).build().truth[0].slices[15].clone();
    let expected = 100.0 * (1.0 - ring_area([14.0, 12.0], 1.5) / ring_area([14.0, 12.0], 4.0));
    assert_near(slice.axial, expected, 0.6, "scallop, axial");
    assert_eq!(slice.circ99, Some(0.0), "the wall stands");
    assert_near(slice.circ50, 100.0, 0.01, "but more than half of it is gone");
}

#[test]
fn permeation_takes_its_share_of_the_mass_and_nothing_else() {
    let lesion = LesionSpec::Permeative {
        angle_deg: 10.0,
        half_width_deg: 60.0,
        along_mm: 0.0,
        length_mm: 15.0,
        density_loss: 0.45,
        hu: 45.0,
    };
    let spec = plain([13.0, 13.0], 4.0, vec![lesion]);
    let built = spec.build();
    let slice = &built.truth[0].slices[15];
    assert_near(slice.axial, 100.0 * 0.45 / 3.0, 0.1, "axial");
    assert_near(slice.circ30, 100.0 / 3.0, 0.2, "circumferential at 30 %");
    assert_eq!(slice.circ50, 0.0, "nowhere half gone");
    let healthy = plain([13.0, 13.0], 4.0, Vec::new()).build();
    let missing = excess(&healthy.volume, 15, 50.0) - excess(&built.volume, 15, 50.0);
    let expected = slice.axial / 100.0 * area(slice) * (1600.0 - 45.0);
    assert_near(missing, expected, 0.01 * expected, "HU missing from the voxels");
}

#[test]
fn dense_bone_in_the_canal_takes_nothing_and_adds_mass() {
    let lesion = LesionSpec::Blastic {
        offset_mm: 0.0,
        angle_deg: 0.0,
        radius_mm: 20.0,
        along_mm: 0.0,
        length_mm: Some(60.0),
        hu: 700.0,
    };
    let built = plain([13.0, 13.0], 4.0, vec![lesion]).build();
    let (slice, lesion) = (&built.truth[0].slices[15], &built.truth[0].lesions[0]);
    assert_eq!((slice.axial, circumferential(slice)), (0.0, NOT_LYSED));
    assert_eq!((lesion.type_.as_str(), lesion.z_range_mm, lesion.height_mm), ("blastic", None, 0.0));
    let healthy = plain([13.0, 13.0], 4.0, Vec::new()).build();
    let added = excess(&built.volume, 15, 50.0) - excess(&healthy.volume, 15, 50.0);
    let expected = PI * 81.0 * (700.0 + 80.0);
    assert_near(added, expected, 0.01 * expected, "HU added to the canal");
}

#[test]
fn lesions_that_overlap_are_counted_once_in_the_slice_and_each_for_itself() {
    let window = |angle_deg: f64| LesionSpec::Window {
        angle_deg,
        half_width_deg: 45.0,
        along_mm: 0.0,
        length_mm: 12.0,
        hu: 45.0,
    };
    let truth = plain([13.0, 13.0], 4.0, vec![window(0.0), window(45.0)]).build().truth.remove(0);
    assert_near(truth.slices[15].axial, 37.5, 0.3, "both");
    for lesion in truth.lesions {
        assert_near(lesion.max_axial_lysis_percent, 25.0, 0.3, "each");
    }
}

#[test]
fn a_sector_takes_the_marrow_too_and_tapers() {
    let sector = LesionSpec::Sector {
        angle_deg: 0.0,
        half_width_deg: 60.0,
        along_mm: 0.0,
        length_mm: 40.0,
        taper_mm: 20.0,
        hu: 45.0,
    };
    let built = plain([13.0, 13.0], 4.0, vec![sector]).build();
    // At 15.75 mm from the end the sector is 60° · 15.75 / 20 wide to each side.
    let (slice, near) = (&built.truth[0].slices[15], &built.truth[0].slices[12]);
    assert_near(slice.axial, 100.0 / 3.0 * 19.25 / 20.0, 0.3, "middle");
    assert_near(near.axial, 100.0 / 3.0 * 16.25 / 20.0, 0.3, "tapered");
    let lesion = &built.truth[0].lesions[0];
    assert_near(lesion.axial_extent_mm, 40.0, 0.6, "the run at the middle of the sector");
    let at = |x: f64| {
        let index = built.volume.grid.to_index([MIDDLE_MM[0] + 3.0 + x, MIDDLE_MM[1] - 2.0, MIDDLE_MM[2]].into());
        let [i, j, k] = [index.x, index.y, index.z].map(|n| n.round() as usize);
        built.volume.slice(k)[j * 100 + i]
    };
    assert_eq!((at(5.0), at(-5.0)), (45, -80), "lesion and marrow");
}

#[test]
fn the_true_thickness_follows_the_normal() {
    // A tilted, scaled, turned tube: the thickness is that of the tube, not of the oblique cut.
    let mut spec = plain([14.0, 14.0], 5.0, Vec::new());
    let bone = &mut spec.bones[0];
    (bone.tilt_deg, bone.scale, bone.rotation_deg, bone.mirrored) = ([20.0, 30.0], 1.04, 15.0, true);
    let placed = PlacedBone::new(&spec.bones[0], MIDDLE_MM[2]);
    for n in 0..24 {
        let angle = 15.0 * f64::from(n);
        for point in [placed.periosteal_point(angle, 12.0), placed.periosteal_point_in_slice(angle, MIDDLE_MM[2] + 9.0)]
        {
            assert_near(placed.wall_thickness_mm(point).unwrap(), 5.0 * 1.04, 1e-3, "thickness");
        }
        let z = placed.periosteal_point_in_slice(angle, MIDDLE_MM[2] + 9.0).z;
        assert_near(z, MIDDLE_MM[2] + 9.0, 1e-9, "in the slice");
    }
    let truth = spec.build().truth.remove(0);
    assert_near(truth.slices[15].mean_thickness_mm.unwrap(), 5.2, 1e-3, "mean thickness");
}

#[test]
fn towards_its_end_the_bone_widens_the_wall_thins_and_the_canal_fills() {
    let mut spec = plain([13.0, 14.0], 5.0, Vec::new());
    spec.bones[0].metaphyses = vec![MetaphysisSpec {
        towards: Towards::Feet,
        start_mm: 10.0,
        growth_per_mm: [0.4, 0.2],
        length_mm: 20.0,
        shell_mm: 1.0,
        trabecular_hu: 200.0,
    }];
    let placed = PlacedBone::new(&spec.bones[0], MIDDLE_MM[2]);
    let thickness = |along: f64| placed.wall_thickness_mm(placed.periosteal_point(0.0, along)).unwrap();
    assert_near(thickness(20.0), 5.0, 1e-6, "in the shaft");
    // The horizontal millimetre of shell, along the normal of a surface that widens by 0.4 per mm.
    assert_near(thickness(-20.0), 1.0 / 1f64.hypot(0.4), 0.01, "the shell");
    assert_eq!((placed.canal_hu(20.0), placed.canal_hu(-15.0)), (-80.0, 200.0));
    // 30 mm beyond the start: 0.4 · (30 − 10) wider.
    assert_near((placed.periosteal_point(0.0, -20.0).x - spec.bones[0].centre_mm[0]).abs(), 21.0, 1e-6, "wider");
}

#[test]
fn a_graded_inner_wall_keeps_the_mass_that_the_truth_claims() {
    let mut spec = plain([14.0, 14.0], 5.0, Vec::new());
    spec.bones[0].wall.transition_mm = 3.0;
    spec.bones[0].marrow_hu = 50.0;
    let built = spec.build();
    // Shares rise evenly from 7.5 to 10.5 mm: the ring, less what is missing outside 9 mm, plus what is there within.
    let ramp = |r: f64| r.powi(3) / 9.0 - 7.5 * r * r / 6.0;
    let expected = 2.0 * PI * (ramp(10.5) - ramp(7.5)) + PI * (14f64.powi(2) - 10.5f64.powi(2));
    assert_near(area(&built.truth[0].slices[15]), expected, 1e-3 * expected, "mass");
    assert_near(excess(&built.volume, 15, 50.0), expected * 1550.0, 3e-3 * expected * 1550.0, "HU");
}

#[test]
fn blur_and_overshoot_keep_the_mass() {
    let mass = |fwhm: f64, overshoot: f64| {
        let mut spec = plain([13.0, 15.0], 3.0, Vec::new());
        spec.scanner = ScannerSpec { fwhm_mm: fwhm, overshoot, ..spec.scanner };
        let built = spec.build();
        let wall = area(&built.truth[0].slices[15]) * 1550.0 - PI * 10.0 * 12.0 * 130.0;
        excess(&built.volume, 15, 50.0) / wall
    };
    for (fwhm, overshoot) in [(0.6, 0.0), (1.2, 0.0), (2.5, 0.0), (1.0, 0.5)] {
        assert_near(mass(fwhm, overshoot), 1.0, 0.01, "mass in the voxels over that of the geometry");
    }
    let mut sharp = plain([14.0, 14.0], 6.0, Vec::new());
    sharp.scanner.overshoot = 0.5;
    let volume = sharp.build().volume;
    assert!(volume.slice(15).iter().any(|hu| *hu > 1650), "an edge overshoots");
}

#[test]
fn the_same_seed_gives_the_same_voxels_and_the_noise_asked_for() {
    let image = ImageSpec { size: [128, 128, 8], ..ImageSpec::default() };
    let spec = PhantomSpec { image, ..healthy_femur() };
    let first = spec.build().volume;
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    assert_eq!(first.voxels, alone.install(|| spec.build()).volume.voxels);
    let other = PhantomSpec { seed: 1, ..spec.clone() }.build().volume;
    let mut quiet = spec;
    quiet.scanner.noise_hu = 0.0;
    let quiet = quiet.build().volume;
    let sd = |a: &Volume<i16>, b: &Volume<i16>| {
        let sum: f64 = a.voxels.iter().zip(&b.voxels).map(|(a, b)| f64::from(a - b).powi(2)).sum();
        (sum / a.voxels.len() as f64).sqrt()
    };
    assert_near(sd(&first, &quiet), 15.0, 0.3, "noise");
    assert_near(sd(&first, &other), 15.0 * 2f64.sqrt(), 0.4, "noise of two seeds");
}

#[test]
fn the_presets_are_what_their_names_say() {
    for preset in PRESETS {
        let (name, spec) = (preset.name, (preset.spec)());
        assert_eq!(spec.name, name);
        let start = Instant::now();
        let built = spec.build();
        print!("{name:22} {:4.0} ms", start.elapsed().as_secs_f64() * 1e3);
        for (placed, bone) in spec.placed_bones().iter().zip(&built.truth) {
            let worst = bone.slices.iter().max_by(|a, b| a.axial.total_cmp(&b.axial)).unwrap();
            let involved = bone.slices.iter().filter(|slice| slice.axial > 0.0).count();
            let [c30, c50, c90, c99] = circumferential(worst);
            print!(
                "  | {involved:2} slices, worst {:5.1} % axial, circumferential {c30:5.1} {c50:5.1} {c90:5.1} {c99:5.1}",
                worst.axial
            );
            for lesion in &bone.lesions {
                print!(" [{} {:.1} {:.1} mm]", lesion.kind, lesion.axial_extent_mm, lesion.height_mm);
                // A run of slices cannot be longer than the lesion is high, nor much shorter across the slices.
                assert!(lesion.axial_extent_mm <= lesion.height_mm + 1e-9, "{name}: {lesion:?}");
                if let Some([low, high]) = lesion.z_range_mm {
                    let slices = (high - low) / placed.cosine();
                    let slack = 2.0 * spec.image.spacing_mm[2] + 40.0 * (1.0 - placed.cosine().powi(2)).sqrt();
                    assert!((slices - lesion.height_mm).abs() <= slack, "{name}: {slices} {lesion:?}");
                }
            }
            // The bone lies within the image in every slice, with room around it.
            assert!(bone.slices.iter().all(|slice| slice.ring), "{name}: cut by the border");
        }
        println!();
    }
    let same = two_legs_same_level().build().truth;
    let legs = same[0].slices.iter().zip(&same[1].slices);
    assert!(legs.into_iter().any(|(right, left)| right.axial > 15.0 && left.axial > 15.0));
    assert!(tilted(35.0).build().truth[0].slices.iter().any(|slice| slice.axial > 20.0));
}
