//! Thickness of walls from half a millimetre up, whatever the scanner did to them.

mod support;

use corticalysis::analysis::{Settings, analyze};
use corticalysis::phantom::presets;
use corticalysis::phantom::spec::cortical_hu_at;
use support::wedge::{Ray, Scan, bias_and_sd, rays};

/// Worst bias and standard deviation over the bins of one scan: walls below a millimetre, and from there up.
fn worst(scan: Scan) -> [(f64, f64); 2] {
    let all = rays(scan);
    let mut out = [(0.0f64, 0.0f64); 2];
    for bin in 0..8 {
        let within: Vec<&Ray> = all.iter().filter(|r| r.true_mm as usize == bin).collect();
        assert!(within.len() > 100, "{scan:?}: {} rays of {bin} mm", within.len());
        let (bias, sd) = bias_and_sd(&within, |r| r.model_mm);
        let slot = &mut out[usize::from(bin > 0)];
        *slot = (slot.0.max(bias.abs()), slot.1.max(sd));
    }
    out
}

#[test]
fn a_wall_is_as_thick_as_it_is() {
    for scan in [
        Scan { fwhm_mm: 1.0, slice_mm: 1.0, noise_hu: 10.0, tilt_deg: 0.0 },
        Scan { fwhm_mm: 1.4, slice_mm: 2.0, noise_hu: 25.0, tilt_deg: 15.0 },
        Scan { fwhm_mm: 1.8, slice_mm: 3.0, noise_hu: 40.0, tilt_deg: 30.0 },
    ] {
        let [thin, thick] = worst(scan);
        println!("{scan:?}: bias and SD below 1 mm {thin:.3?}, above {thick:.3?}");
        assert!(thin.0 <= 0.15 && thin.1 <= 0.35, "{scan:?} {thin:?}");
        assert!(thick.0 <= 0.05 && thick.1 <= 0.25, "{scan:?} {thick:?}");
    }
}

#[test]
fn what_the_image_says_of_itself_is_what_it_was_made_with() {
    for (spec, overshoot) in
        [(presets::healthy_femur(), 0.0), (presets::sharp_kernel(), 0.4), (presets::low_kvp(), 0.0)]
    {
        let found = analyze(&spec.build().volume, &Settings::default());
        let image = found[0].cortex.scanner.expect("clear walls");
        let cortical_hu = spec.bones[0].cortical_hu.unwrap_or_else(|| cortical_hu_at(spec.scanner.kvp));
        assert!((image.cortical_hu / cortical_hu - 1.0).abs() < 0.01, "{image:?} {cortical_hu}");
        // Going between pixels in a straight line adds a sixth of a pixel's square to the variance.
        let pixel = spec.image.spacing_mm[0];
        let seen = spec.scanner.fwhm_mm.hypot(2.3548 * pixel / 6f64.sqrt());
        assert!((image.fwhm_mm() / seen - 1.0).abs() < 0.05, "{image:?} {seen}");
        assert!((image.overshoot - overshoot).abs() < 0.05, "{image:?} {overshoot}");
        // The same averages pixels that share with their neighbours: per axis 2/3 of the variance and a third of what is shared.
        let weight = spec.scanner.noise_neighbour;
        let alike = 2.0 * weight / (1.0 + 2.0 * weight * weight);
        let noise_hu = spec.scanner.noise_hu * (2.0 + alike) / 3.0;
        assert!((image.noise_hu / noise_hu - 1.0).abs() < 0.05, "{image:?} {noise_hu}");
    }
}
