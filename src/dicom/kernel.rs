//! What the name of a reconstruction kernel tells of the image's blur.

/// Blur of a kernel in the slice plane without the pixel's own, full width at half maximum of a Gaussian, mm.
///
/// Only kernels whose transfer functions are published: Siemens B40 and D45 and Philips D as tabulated by CortidQCT after Ohkubo
/// (2009, doi 10.1118/1.3123762), Siemens B30 from the model of a CTP404 phantom by Nelson and Zeng; the mean of what half and a tenth
/// of the modulation give. Of bone kernels (B70) no Gaussian is true; the fit of the image's own edges deals with those.
const PUBLISHED: [(&str, &str, f64); 6] = [
    ("siemens", "B30", 1.31),
    ("siemens", "B31", 1.31),
    ("siemens", "B40", 1.07),
    ("siemens", "B41", 1.07),
    ("siemens", "D45", 0.83),
    ("philips", "D", 0.88),
];

/// Full width at half maximum of a Gaussian as narrow as the standard deviation of a pixel's box, per pixel.
const FWHM_PER_PIXEL: f64 = 2.354_820_045 / 3.464_101_615;

/// A first guess of the blur of an image in its slice plane, full width at half maximum, mm: the kernel's and the pixel's. `None` for kernels
/// of which nothing is published; the image's own edges have the last word either way.
pub fn blur_of_kernel_mm(manufacturer: &str, kernel: &str, pixel_mm: f64) -> Option<f64> {
    // Siemens adds a letter for the rotation time (B30f, B30s), and newer systems write "Br40f\3": another kernel, not in the table.
    let name = kernel.split('\\').next().unwrap_or_default().trim();
    let is = |published: &str| {
        let rest = name.strip_prefix(published);
        rest.is_some_and(|rest| ["", "f", "s"].iter().any(|letter| rest.eq_ignore_ascii_case(letter)))
    };
    let maker = manufacturer.to_ascii_lowercase();
    let found = PUBLISHED.iter().find(|(by, published, _)| maker.contains(by) && is(published));
    let (_, _, kernel_mm) = found.filter(|_| pixel_mm.is_finite() && pixel_mm > 0.0)?;
    Some(kernel_mm.hypot(FWHM_PER_PIXEL * pixel_mm))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_kernels_are_known_by_maker_and_name() {
        let blur = |maker: &str, kernel: &str| blur_of_kernel_mm(maker, kernel, 0.98);
        let b30 = blur("SIEMENS", "B30f").unwrap();
        assert!((b30 - 1.31f64.hypot(0.666)).abs() < 1e-3, "{b30}");
        assert!(blur("Siemens Healthineers", "B40s").unwrap() < b30);
        assert!(blur("Philips", "D").is_some());
        for (maker, kernel) in [
            ("SIEMENS", "B70s"),
            ("SIEMENS", "Br40f\\3"),
            ("Philips", "B"),
            ("GE MEDICAL SYSTEMS", "D"),
            ("SIEMENS", ""),
        ] {
            assert_eq!(blur(maker, kernel), None, "{maker} {kernel}");
        }
        assert_eq!(blur_of_kernel_mm("SIEMENS", "B30f", f64::NAN), None);
    }
}
