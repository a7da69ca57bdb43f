//! What a scanner makes of a sharp edge.
//!
//! In plane the blur is a Gaussian, as standard kernels are (Nickoloff and Riley, Med Phys 12:437, 1985); a sharp
//! kernel subtracts part of a wider one, which makes it overshoot. Along the bone a slice averages over a box, and a wall that
//! runs obliquely through the slice is smeared by that box over `box_mm` along the ray.

use std::sync::LazyLock;

/// How much wider than the narrow Gaussian the one is that a sharp kernel subtracts.
pub const WIDER: f64 = 2.2;
/// Table of the normal distribution: from −REACH to REACH; what lies beyond (3e-5) is a twentieth of one HU of the densest wall.
const REACH: f64 = 4.0;
const PER_UNIT: f64 = 128.0;
/// A box narrower than this, in standard deviations of the Gaussian, is a Gaussian of its own variance for all that can be seen.
const NARROW_BOX: f64 = 0.7;

/// The answer to a unit step along one ray.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Edge {
    narrow: Blur,
    /// The wider blur that is subtracted; `None` for a smooth kernel.
    wide: Option<Blur>,
    overshoot: f64,
}

impl Edge {
    /// `sigma_mm`: standard deviation of the Gaussian along the ray. `box_mm`: full width of the box along the ray.
    /// `overshoot`: weight of the wider Gaussian that is subtracted; 0 for a smooth kernel.
    pub fn new(sigma_mm: f64, box_mm: f64, overshoot: f64) -> Self {
        let wide = (overshoot != 0.0).then(|| Blur::new(WIDER * sigma_mm, box_mm));
        Self { narrow: Blur::new(sigma_mm, box_mm), wide, overshoot }
    }

    /// Value (0 far before, 1 far behind) and slope per mm at `x` mm behind the edge.
    #[inline]
    pub fn answer(&self, x: f64) -> (f64, f64) {
        let (value, slope) = self.narrow.answer(x);
        let Some(wide) = &self.wide else { return (value, slope) };
        let (wide, wide_slope) = wide.answer(x);
        let a = self.overshoot;
        ((1.0 + a) * value - a * wide, (1.0 + a) * slope - a * wide_slope)
    }
}

/// A Gaussian and a box, with what every sample needs of them.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Blur {
    table: &'static Table,
    per_sigma: f64,
    /// Half of the box, and σ over its width; `None` where the box is narrow enough to be part of the Gaussian.
    half_box_mm: Option<(f64, f64)>,
    per_box: f64,
    /// Farther from the edge nothing of it is left.
    reach_mm: f64,
}

impl Blur {
    fn new(sigma: f64, width: f64) -> Self {
        // Once for an edge: asking for it at each sample is a tenth of the time.
        let table: &'static Table = &TABLE;
        if width < NARROW_BOX * sigma {
            let sigma = (sigma * sigma + width * width / 12.0).sqrt();
            Self { table, per_sigma: 1.0 / sigma, half_box_mm: None, per_box: 0.0, reach_mm: REACH * sigma }
        } else {
            Self {
                table,
                per_sigma: 1.0 / sigma,
                half_box_mm: Some((0.5 * width, sigma / width)),
                per_box: 1.0 / width,
                reach_mm: REACH * sigma + 0.5 * width,
            }
        }
    }

    /// A step blurred by both: value and slope.
    #[inline]
    fn answer(&self, x: f64) -> (f64, f64) {
        if x <= -self.reach_mm {
            return (0.0, 0.0);
        }
        if x >= self.reach_mm {
            return (1.0, 0.0);
        }
        let Some((half, sigma_per_box)) = self.half_box_mm else {
            let (cdf, pdf) = normal(self.table, x * self.per_sigma);
            return (cdf, pdf * self.per_sigma);
        };
        let (a, b) = ((x - half) * self.per_sigma, (x + half) * self.per_sigma);
        let ((cdf_a, pdf_a), (cdf_b, pdf_b)) = (normal(self.table, a), normal(self.table, b));
        let integral = |y: f64, cdf: f64, pdf: f64| y * cdf + pdf;
        (sigma_per_box * (integral(b, cdf_b, pdf_b) - integral(a, cdf_a, pdf_a)), (cdf_b - cdf_a) * self.per_box)
    }
}

const ENTRIES: usize = (2.0 * REACH * PER_UNIT) as usize + 2;

/// Distribution and density of the standard normal.
type Table = [(f64, f64); ENTRIES];

static TABLE: LazyLock<Box<Table>> = LazyLock::new(|| {
    Box::new(std::array::from_fn(|i| {
        let y = i as f64 / PER_UNIT - REACH;
        let density = (-0.5 * y * y).exp() / (2.0 * std::f64::consts::PI).sqrt();
        (0.5 * libm::erfc(-y / std::f64::consts::SQRT_2), density)
    }))
});

/// Distribution and density of the standard normal, from a table (good to 1e-6).
#[inline]
fn normal(table: &Table, y: f64) -> (f64, f64) {
    if y <= -REACH {
        return (0.0, 0.0);
    }
    if y >= REACH {
        return (1.0, 0.0);
    }
    let at = (y + REACH) * PER_UNIT;
    let i = at as usize;
    let f = at - i as f64;
    let ((c0, p0), (c1, p1)) = (table[i], table[i + 1]);
    (c0 + f * (c1 - c0), p0 + f * (p1 - p0))
}
