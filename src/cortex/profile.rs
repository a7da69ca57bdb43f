//! What a scanner makes of a sharp edge.
//!
//! In plane the blur is a Gaussian, as standard kernels are (Nickoloff and Riley, Med Phys 12:437, 1985); a sharp
//! kernel subtracts part of a wider one, which makes it overshoot. Along the bone a slice averages over a box, and a wall that
//! runs obliquely through the slice is smeared by that box over `box_mm` along the ray.

use std::sync::OnceLock;

/// How much wider than the narrow Gaussian the one is that a sharp kernel subtracts.
pub const WIDER: f64 = 2.2;
/// Table of the normal distribution: from −REACH to REACH.
const REACH: f64 = 5.0;
const PER_UNIT: f64 = 128.0;

/// The answer to a unit step along one ray.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    /// Standard deviation of the Gaussian along the ray, mm.
    pub sigma_mm: f64,
    /// Full width of the box along the ray, mm.
    pub box_mm: f64,
    /// Weight of the wider Gaussian that is subtracted; 0 for a smooth kernel.
    pub overshoot: f64,
}

impl Edge {
    /// Value (0 far before, 1 far behind) and slope per mm at `x` mm behind the edge.
    pub fn answer(&self, x: f64) -> (f64, f64) {
        let (value, slope) = blurred(x, self.sigma_mm, self.box_mm);
        if self.overshoot == 0.0 {
            return (value, slope);
        }
        let (wide, wide_slope) = blurred(x, WIDER * self.sigma_mm, self.box_mm);
        let a = self.overshoot;
        ((1.0 + a) * value - a * wide, (1.0 + a) * slope - a * wide_slope)
    }
}

/// A step blurred by a Gaussian and a box.
fn blurred(x: f64, sigma: f64, width: f64) -> (f64, f64) {
    if width < 0.7 * sigma {
        // Below, the box is a Gaussian of its own variance for all that can be seen.
        let sigma = (sigma * sigma + width * width / 12.0).sqrt();
        let (cdf, pdf) = normal(x / sigma);
        return (cdf, pdf / sigma);
    }
    let (a, b) = ((x - 0.5 * width) / sigma, (x + 0.5 * width) / sigma);
    let ((cdf_a, pdf_a), (cdf_b, pdf_b)) = (normal(a), normal(b));
    let integral = |y: f64, cdf: f64, pdf: f64| y * cdf + pdf;
    (sigma / width * (integral(b, cdf_b, pdf_b) - integral(a, cdf_a, pdf_a)), (cdf_b - cdf_a) / width)
}

/// Distribution and density of the standard normal, from a table (good to 1e-6).
#[inline]
fn normal(y: f64) -> (f64, f64) {
    if y <= -REACH {
        return (0.0, 0.0);
    }
    if y >= REACH {
        return (1.0, 0.0);
    }
    static TABLE: OnceLock<Vec<(f64, f64)>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        (0..=(2.0 * REACH * PER_UNIT) as usize + 1)
            .map(|i| {
                let y = i as f64 / PER_UNIT - REACH;
                let density = (-0.5 * y * y).exp() / (2.0 * std::f64::consts::PI).sqrt();
                (0.5 * libm::erfc(-y / std::f64::consts::SQRT_2), density)
            })
            .collect()
    });
    let at = (y + REACH) * PER_UNIT;
    let i = at as usize;
    let f = at - i as f64;
    let ((c0, p0), (c1, p1)) = (table[i], table[i + 1]);
    (c0 + f * (c1 - c0), p0 + f * (p1 - p0))
}
