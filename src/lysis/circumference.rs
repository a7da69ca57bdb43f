//! How much of the circumference lost more than a given share: from sector to sector, with the scanner's blur taken back.
//!
//! A sharp border of a hole is shown as a slope as wide as the blur. Where the depth asked for is less than half of the
//! step, the slope passes it outside the true border, and the arc comes out too long on both ends. The slope is taken for a
//! normal distribution of standard deviation `s`; the true border has `√(s² − blur²)`, and the crossing moves
//! accordingly. A border that is gentle in truth hardly moves.

use crate::cortex::SECTORS;

/// Steepest slope that noise may pretend, as a share of what the blur allows.
const LEAST_SIGMA: f64 = 0.8;
/// How far from the crossing the two plateaus are looked for, in standard deviations of the blur.
const PLATEAU_SIGMAS: f64 = 2.5;

/// Loss (0..1) and contour length (mm) of the sectors of one slice, closed around the bone.
pub struct Circumference<'a> {
    pub loss: &'a dyn Fn(usize) -> f64,
    pub arc_mm: &'a dyn Fn(usize) -> f64,
    /// Standard deviation of the blur along the contour, mm; 0 leaves the crossings where they are.
    pub blur_mm: f64,
}

impl Circumference<'_> {
    /// Length of the contour whose loss exceeds `depth`, mm.
    pub fn above_mm(&self, depth: f64) -> f64 {
        let total: f64 = (0..SECTORS).map(self.arc_mm).sum();
        let above = |s: usize| (self.loss)(s % SECTORS) > depth;
        if (0..SECTORS).all(above) {
            return total;
        }
        // Each stretch between two sector middles counts as far as the straight line between them lies above.
        let (mut length, mut moved) = (0.0, 0.0);
        for s in 0..SECTORS {
            let run = 0.5 * ((self.arc_mm)(s) + (self.arc_mm)((s + 1) % SECTORS));
            let (a, b) = ((self.loss)(s), (self.loss)((s + 1) % SECTORS));
            match (above(s), above(s + 1)) {
                (true, true) => length += run,
                (false, false) => {}
                _ => {
                    length += run * (a.max(b) - depth) / (a - b).abs();
                    moved += self.inward_mm(s, b > a, depth);
                }
            }
        }
        (length - moved).clamp(0.0, total)
    }

    /// Slope of the loss, per mm of contour, at every border of what lost more than `depth`.
    pub fn slopes_at(&self, depth: f64) -> Vec<f64> {
        (0..SECTORS)
            .filter_map(|s| {
                let (a, b) = ((self.loss)(s), (self.loss)((s + 1) % SECTORS));
                let run = 0.5 * ((self.arc_mm)(s) + (self.arc_mm)((s + 1) % SECTORS));
                ((a > depth) != (b > depth)).then(|| (a - b).abs() / run.max(1e-9))
            })
            .collect()
    }

    /// How far inside the crossing between sectors `s` and `s + 1` the true border lies, mm. `rising`: the loss grows with `s`.
    fn inward_mm(&self, s: usize, rising: bool, depth: f64) -> f64 {
        if self.blur_mm <= 0.0 {
            return 0.0;
        }
        let spacing = (self.arc_mm)(s).max(0.05);
        let reach = ((PLATEAU_SIGMAS * self.blur_mm / spacing).ceil() as usize).clamp(1, SECTORS / 8);
        let at = |d: isize| (self.loss)((s as isize + d).rem_euclid(SECTORS as isize) as usize);
        let reach = reach as isize;
        let (before, behind) = ((-reach..=0).map(at), (1..=reach + 1).map(at));
        let (low, high) = if rising {
            (before.fold(1.0, f64::min), behind.fold(0.0, f64::max))
        } else {
            (behind.fold(1.0, f64::min), before.fold(0.0, f64::max))
        };
        let step = high - low;
        let steepest = (-1..=1).map(|d| (at(d + 1) - at(d)).abs() / spacing).fold(0.0, f64::max);
        if step <= 0.0 || steepest <= 0.0 {
            return 0.0;
        }
        // A slope over a whole sector is a little gentler than the steepest there is.
        let over_sector = step / (steepest * (2.0 * std::f64::consts::PI).sqrt());
        let seen = (over_sector.powi(2) - spacing * spacing / 12.0).max(0.0).sqrt().max(LEAST_SIGMA * self.blur_mm);
        let share = ((depth - low) / step).clamp(0.05, 0.95);
        let true_sigma = (seen * seen - self.blur_mm * self.blur_mm).max(0.0).sqrt();
        -quantile_of_normal(share) * (seen.min(2.0 * self.blur_mm) - true_sigma).max(0.0)
    }
}

/// Where the standard normal distribution reaches `share`, by bisection: eight calls a slice do not need more.
fn quantile_of_normal(share: f64) -> f64 {
    let (mut low, mut high) = (-3.0, 3.0);
    for _ in 0..30 {
        let middle = 0.5 * (low + high);
        if 0.5 * libm::erfc(-middle / std::f64::consts::SQRT_2) < share { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARC_MM: f64 = 0.75;

    /// A window from 20 mm to 50 mm along the contour, its borders of standard deviation `sigma`.
    fn measured(true_sigma: f64, blur: f64, told: f64) -> f64 {
        let sigma = (true_sigma * true_sigma + blur * blur).sqrt();
        let cdf = |x: f64| 0.5 * libm::erfc(-x / sigma / std::f64::consts::SQRT_2);
        let loss = |s: usize| {
            let x = s as f64 * ARC_MM;
            cdf(x - 20.0) - cdf(x - 50.0)
        };
        Circumference { loss: &loss, arc_mm: &|_| ARC_MM, blur_mm: told }.above_mm(0.30)
    }

    #[test]
    fn a_sharp_border_is_found_where_it_is_although_the_scanner_blurs_it() {
        let (left_alone, corrected) = (measured(1e-3, 0.8, 0.0), measured(1e-3, 0.8, 0.8));
        assert!(left_alone > 30.7, "{left_alone}");
        assert!((corrected - 30.0).abs() < 0.25, "{corrected}");
    }

    #[test]
    fn a_gentle_border_hardly_moves() {
        let truth = measured(4.0, 1e-3, 0.0);
        let corrected = measured(4.0, 0.8, 0.8);
        assert!((corrected - truth).abs() < 0.15, "{corrected} {truth}");
    }

    #[test]
    fn all_or_nothing_is_all_or_nothing() {
        let of = |loss: f64| Circumference { loss: &|_| loss, arc_mm: &|_| ARC_MM, blur_mm: 0.8 }.above_mm(0.3);
        assert_eq!((of(0.9), of(0.1)), (SECTORS as f64 * ARC_MM, 0.0));
    }

    #[test]
    fn the_quantile_is_that_of_the_normal_distribution() {
        assert!((quantile_of_normal(0.3) + 0.524_400_5).abs() < 1e-6);
    }
}
