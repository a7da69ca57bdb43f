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

/// An [`Edge`] that also tells what its answer owes to the scanner.
pub struct KnownEdge {
    narrow: Blur,
    wide: Blur,
    overshoot: f64,
}

/// The answer to a unit step, its slope per mm, and its slopes by σ (per mm) and by overshoot.
pub struct Answer {
    pub value: f64,
    pub slope: f64,
    pub by_sigma: f64,
    pub by_overshoot: f64,
}

impl KnownEdge {
    /// As [`Edge::new`].
    pub fn new(sigma_mm: f64, box_mm: f64, overshoot: f64) -> Self {
        Self { narrow: Blur::new(sigma_mm, box_mm), wide: Blur::new(WIDER * sigma_mm, box_mm), overshoot }
    }

    /// At `x` mm behind the edge.
    pub fn answer(&self, x: f64) -> Answer {
        let (narrow, narrow_slope) = self.narrow.answer(x);
        let (wide, wide_slope) = self.wide.answer(x);
        let (plus, minus) = (1.0 + self.overshoot, self.overshoot);
        Answer {
            value: plus * narrow - minus * wide,
            slope: plus * narrow_slope - minus * wide_slope,
            by_sigma: plus * self.narrow.by_sigma(x) - minus * WIDER * self.wide.by_sigma(x),
            by_overshoot: narrow - wide,
        }
    }
}

/// A Gaussian and a box, with what every sample needs of them.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Blur {
    table: &'static Table,
    per_sigma: f64,
    /// Change of the Gaussian's σ with that of the scanner: less than one where a narrow box is part of it.
    sigma_by_sigma: f64,
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
            let whole = (sigma * sigma + width * width / 12.0).sqrt();
            Self {
                table,
                per_sigma: 1.0 / whole,
                sigma_by_sigma: sigma / whole,
                half_box_mm: None,
                per_box: 0.0,
                reach_mm: REACH * whole,
            }
        } else {
            Self {
                table,
                per_sigma: 1.0 / sigma,
                sigma_by_sigma: 1.0,
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

    /// Slope of a blurred step's value by the scanner's σ, per mm.
    ///
    /// Of Φ(x/σ) it is −x φ(x/σ)/σ². With a box of width w the value is (σ/w) [G(b) − G(a)], G(y) = y Φ(y) + φ(y), a and b = (x ∓ w/2)/σ; as
    /// G' = Φ, its slope by σ is [φ(b) − φ(a)]/w.
    fn by_sigma(&self, x: f64) -> f64 {
        if x.abs() >= self.reach_mm {
            return 0.0;
        }
        let density = |y: f64| normal(self.table, y).1;
        match self.half_box_mm {
            None => {
                let y = x * self.per_sigma;
                -y * density(y) * self.per_sigma * self.sigma_by_sigma
            }
            Some((half, _)) => {
                (density((x + half) * self.per_sigma) - density((x - half) * self.per_sigma)) * self.per_box
            }
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_by_blur_and_overshoot_are_those_of_small_differences() {
        // Without a box, with one that is part of the Gaussian, and with one of its own.
        for (sigma, width, overshoot) in [(0.6, 0.0, 0.0), (0.6, 0.3, 0.2), (0.5, 1.4, 0.0), (0.45, 2.0, 0.3)] {
            let known = KnownEdge::new(sigma, width, overshoot);
            let value = |sigma: f64, overshoot: f64, x: f64| Edge::new(sigma, width, overshoot).answer(x);
            for n in -30..=30 {
                let x = 0.1 * f64::from(n);
                let answer = known.answer(x);
                let (want, slope) = value(sigma, overshoot, x);
                assert!((answer.value - want).abs() < 1e-12 && (answer.slope - slope).abs() < 1e-12);
                let h = 5e-3;
                let by_sigma = (value(sigma + h, overshoot, x).0 - value(sigma - h, overshoot, x).0) / (2.0 * h);
                let by_overshoot = (value(sigma, overshoot + h, x).0 - want) / h;
                assert!((answer.by_sigma - by_sigma).abs() < 4e-3, "{x}: {} {by_sigma}", answer.by_sigma);
                assert!((answer.by_overshoot - by_overshoot).abs() < 1e-9, "{x}");
            }
        }
    }
}
