//! Thickness against a wedge whose wall is known everywhere.

mod support;

use corticalysis::analysis::{Settings, analyze};
use corticalysis::cortex::Acquisition;
use support::phantom::BoneSpec;
use support::presets;

#[test]
fn wedge() {
    for (fwhm, thick, noise, tilt) in [(1.0, 1.0, 10.0, 0.0), (1.4, 2.0, 20.0, 15.0), (1.8, 3.0, 40.0, 30.0), (1.2, 3.0, 25.0, 0.0), (1.8,1.0,10.0,0.0)] {
        let bone = BoneSpec {
            semi_axes_mm: [15.0, 15.0], ridge: [0.0, 10.0, 97.0], thickness_mm: 4.25, posterior_mm: 0.0,
            thinning_per_mm: -0.0146, tilt_deg: [tilt, 0.0], bow_radius_mm: None, marrow_hu: -60.0, ..presets::femur()
        };
        let mut spec = presets::one_bone(bone);
        spec.fwhm_mm = fwhm; spec.slice_thickness_mm = thick; spec.spacing_mm[2] = thick; spec.size[2] = (120.0 / thick) as usize; spec.noise_hu = noise;
        spec.size[0] = 160; spec.size[1] = 160;
        let built = spec.build();
        let settings = Settings { acquisition: Acquisition { slice_thickness_mm: Some(thick), blur_fwhm_mm: None }, ..Settings::default() };
        let found = analyze(&built.volume, &settings);
        println!("fwhm {fwhm} slice {thick} noise {noise} tilt {tilt}: bones {}", found.len());
        let Some(b) = found.first() else { continue };
        println!("  {:?}", b.cortex.scanner);
        let mut bins: Vec<Vec<f64>> = vec![vec![]; 9];
        let tilt = tilt.to_radians();
        for slice in &b.cortex.slices {
            for s in 0..corticalysis::cortex::SECTORS {
                let Some(t) = slice.thickness_mm.get(s) else { continue };
                // Periosteal point to the bone's own frame.
                let a = corticalysis::cortex::polar::sector_angle(s);
                let r = f64::from(slice.periosteal_radius_mm[s]);
                let p = [slice.centre_mm[0] + r * a.cos(), slice.centre_mm[1] + r * a.sin(), slice.z_mm];
                let d = [p[0] - spec.bones[0].centre_mm[0], p[1] - spec.bones[0].centre_mm[1], p[2] - spec.middle_mm[2]];
                let along = -d[1] * tilt.sin() + d[2] * tilt.cos();
                let truth = 4.25 * (1.0 - 0.0146 * along);
                if truth < 0.5 || truth > 8.0 { continue; }
                let bin = truth as usize;
                bins[bin].push(f64::from(*t) - truth);
            }
        }
        for (n, b) in bins.iter().enumerate() {
            let m = b.iter().sum::<f64>() / b.len().max(1) as f64;
            let sd = (b.iter().map(|x| (x - m).powi(2)).sum::<f64>() / b.len().max(1) as f64).sqrt();
            println!("  {n}-{} mm: n {:5} bias {m:6.3} sd {sd:.3}", n + 1, b.len());
        }
    }
}
