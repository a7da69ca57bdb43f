//! Thickness of walls from half a millimetre up, whatever the scanner did to them.

mod support;

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
