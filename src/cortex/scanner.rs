//! What the image tells about the scanner and the patient: blur, overshoot and the density of compact cortex.
//!
//! All rays share these three, and each ray has its own wall ([`super::wall`]). They are fitted together by Gauss–Newton:
//! each ray's own four unknowns are eliminated (Schur complement), the three shared ones are left. Where walls are thicker
//! than the blur their middle gives the density and their edges the blur; where all walls are thin, walls of unlike thickness
//! still tell them apart, because width grows with mass as the density says. What even that does not tell stays near its
//! first guess.

use super::SECTORS;
use super::contour::Map;
use super::polar::{Polar, STEP_MM};
use super::profile::{Edge, KnownEdge};
use super::unroll::BASE_HU;
use super::wall::{Samples, Wall, fit, refit};
use crate::smoothing::median;
use nalgebra::{Matrix3, Matrix4, Matrix4x3, Vector3, Vector4};
use rayon::prelude::*;

/// Blur and density, the same all over the bone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scanner {
    /// HU of compact cortex.
    pub cortical_hu: f64,
    /// Standard deviation of the in-plane blur, mm, that of sampling between pixels included.
    pub sigma_mm: f64,
    /// Overshoot of a sharp kernel; see [`Edge::new`].
    pub overshoot: f64,
    /// Standard deviation of the noise along a ray, HU: between pixels, so a little lower than that of the pixels. NaN where too
    /// little muscle lies around the bone.
    pub noise_hu: f64,
}

/// HU of muscle and water-like tumour, where the noise is read.
const MUSCLE_HU: std::ops::Range<f32> = -50.0..150.0;
/// How far outside the periosteum it is looked for, mm.
const AROUND_MM: std::ops::Range<usize> = 4..12;
/// Places that are enough.
const MIN_PLACES: usize = 200;

/// Noise of the image: how far muscle around the bone differs from itself one slice above and below. What is anatomy
/// changes little from slice to slice, noise is drawn anew.
pub fn noise_hu(polar: &Polar, radius_mm: &Map) -> f64 {
    let mut differences = Vec::new();
    for k in 1..polar.slices().saturating_sub(1) {
        for s in (0..SECTORS).step_by(3) {
            for away in AROUND_MM.step_by(2) {
                let at = ((radius_mm[k][s] + away as f64) / STEP_MM).max(0.0) as usize;
                let value =
                    |k: usize| polar.ray(k, s).get(at).copied().filter(|v| MUSCLE_HU.contains(v)).map(f64::from);
                if let (Some(below), Some(here), Some(above)) = (value(k - 1), value(k), value(k + 1)) {
                    differences.push((here - 0.5 * (below + above)).abs());
                }
            }
        }
    }
    if differences.len() < MIN_PLACES {
        return f64::NAN;
    }
    // Median absolute deviation; the mean of two others adds half of their variance.
    1.4826 * median(&mut differences).unwrap_or(f64::NAN) / 1.5f64.sqrt()
}

/// A ray is not taken to meet an edge more obliquely than this, in the slice plane.
const LEAST_COSINE: f64 = 0.3;

impl Scanner {
    /// Full width at half maximum of the in-plane blur, mm.
    pub fn fwhm_mm(&self) -> f64 {
        FWHM_PER_SIGMA * self.sigma_mm
    }

    /// What the noise makes of the mass of one wall that is counted over `depth_mm`, as millimetres of compact cortex.
    pub fn noise_mm(&self, depth_mm: f64) -> f64 {
        let noise_hu = if self.noise_hu.is_finite() { self.noise_hu } else { 0.0 };
        // Noise along a ray hangs together over about the blur.
        noise_hu / (self.cortical_hu - BASE_HU) * (depth_mm * self.fwhm_mm()).sqrt()
    }

    /// The answer to an edge that a ray meets obliquely: `cosine` in the slice plane, smeared over `box_mm` by the slice.
    pub fn edge(&self, cosine: f64, box_mm: f64) -> Edge {
        Edge::new(self.sigma_mm / cosine.max(LEAST_COSINE), box_mm, self.overshoot)
    }

    /// [`Self::edge`], with its slopes by blur and overshoot.
    fn known_edge(&self, cosine: f64, box_mm: f64) -> KnownEdge {
        KnownEdge::new(self.sigma_mm / cosine.max(LEAST_COSINE), box_mm, self.overshoot)
    }
}

/// One ray with a wall, as the estimate wants it.
#[derive(Debug, Clone)]
pub struct Candidate {
    pub samples: Samples,
    pub outer_mm: f64,
    pub width_mm: f64,
    /// Cosine between ray and contour normal in the slice plane.
    pub cosine: f64,
    /// Smear of the edge along the ray by the slice, mm.
    pub box_mm: f64,
}

/// How well the first guess is known: density, sigma, overshoot.
const GUESS_SD: [f64; 3] = [300.0, 0.15, 0.15];
const ROUNDS: usize = 12;
/// Ends of what is believed.
const CORTICAL_HU: [f64; 2] = [500.0, 2600.0];
const SIGMA_MM: [f64; 2] = [0.2, 1.5];
/// Full width at half maximum over standard deviation of a Gaussian.
pub const FWHM_PER_SIGMA: f64 = 2.354_820_045;

/// Fits the shared three to `candidates`, from the first guess `start`. `None` where nothing tells them, or where they run to
/// the end of what a scanner and a bone can be: a guess must not be told as a measurement.
pub fn estimate(candidates: &[Candidate], start: Scanner) -> Option<Scanner> {
    let mut now = start;
    // The samples of a ray hang together: of a ray as it is cast, ten of them tell as much as one.
    let hang_together = 10.0 / candidates.first()?.samples.stride as f64;
    let prior = [start.cortical_hu, start.sigma_mm, start.overshoot];
    let mut kept: Vec<&Candidate> = candidates.iter().collect();
    // Every round's walls start from those of the round before: blur and density change little from one to the next.
    let mut walls: Vec<Option<Wall>> = vec![None; kept.len()];
    for round in 0..ROUNDS {
        walls = kept
            .par_iter()
            .zip(&walls)
            .map(|(c, before)| {
                let edge = now.edge(c.cosine, c.box_mm);
                match before {
                    Some(wall) => refit(&c.samples, &edge, now.cortical_hu, c.outer_mm, wall),
                    None => fit(&c.samples, &edge, now.cortical_hu, c.outer_mm, c.width_mm),
                }
            })
            .collect();
        // A ray that meets a foramen, a strut or a hole does not look like a wall.
        let mut residuals: Vec<f64> = walls.iter().flatten().map(|w| w.residual_hu).collect();
        let typical = median(&mut residuals)?;
        let pairs: Vec<(&Candidate, Wall)> = kept
            .iter()
            .zip(&walls)
            .filter_map(|(c, w)| w.filter(|w| w.residual_hu < 2.0 * typical).map(|w| (*c, w)))
            .collect();
        let parts: Vec<(Matrix3<f64>, Vector3<f64>)> = pairs.par_iter().map(|(c, w)| reduced(c, w, &now)).collect();
        let (mut normal, mut gradient) = (Matrix3::zeros(), Vector3::zeros());
        // In order: the same bytes whatever the number of threads.
        for (n, g) in &parts {
            normal += n;
            gradient += g;
        }
        let variance = typical * typical;
        let at = [now.cortical_hu, now.sigma_mm, now.overshoot];
        for d in 0..3 {
            let weight = hang_together * variance / GUESS_SD[d].powi(2);
            normal[(d, d)] += weight;
            gradient[d] += weight * (prior[d] - at[d]);
        }
        let step = normal.cholesky()?.solve(&gradient);
        now = Scanner {
            cortical_hu: (now.cortical_hu + step[0].clamp(-200.0, 200.0)).clamp(CORTICAL_HU[0], CORTICAL_HU[1]),
            sigma_mm: (now.sigma_mm + step[1].clamp(-0.1, 0.1)).clamp(SIGMA_MM[0], SIGMA_MM[1]),
            overshoot: (now.overshoot + step[2].clamp(-0.1, 0.1)).clamp(0.0, 0.8),
            ..now
        };
        if round > 2 && step[0].abs() < 1.0 && step[1].abs() < 1e-3 && step[2].abs() < 2e-3 {
            break;
        }
        if round == 2 {
            let clear: Vec<(&Candidate, Option<Wall>)> = pairs.iter().map(|(c, w)| (*c, Some(*w))).collect();
            (kept, walls) = clear.into_iter().unzip();
        }
    }
    // So little overshoot is none, and a smooth kernel costs half the time.
    if now.overshoot < LEAST_OVERSHOOT {
        now.overshoot = 0.0;
    }
    let told = !CORTICAL_HU.contains(&now.cortical_hu) && !SIGMA_MM.contains(&now.sigma_mm);
    told.then_some(now)
}

/// Overshoot that cannot be told from a smooth kernel.
const LEAST_OVERSHOOT: f64 = 0.03;

/// What one ray tells about the shared three once its own four are eliminated.
fn reduced(candidate: &Candidate, wall: &Wall, scanner: &Scanner) -> (Matrix3<f64>, Vector3<f64>) {
    let edge = scanner.known_edge(candidate.cosine, candidate.box_mm);
    // σ along the ray over σ across the edge.
    let along_ray = 1.0 / candidate.cosine.max(LEAST_COSINE);
    let (to_bone, to_soft) = (scanner.cortical_hu - wall.inside_hu, wall.outside_hu - scanner.cortical_hu);
    let (mut own, mut cross, mut shared) = (Matrix4::zeros(), Matrix4x3::zeros(), Matrix3::zeros());
    let (mut own_gradient, mut shared_gradient) = (Vector4::zeros(), Vector3::zeros());
    for (r, hu) in &candidate.samples.points {
        let outer = edge.answer(r - wall.outer_mm);
        let inner = edge.answer(r - wall.outer_mm + wall.width_mm);
        let off = hu - (wall.inside_hu + to_bone * inner.value + to_soft * outer.value);
        let by_width = to_bone * inner.slope;
        let own_slopes = Vector4::new(-by_width - to_soft * outer.slope, by_width, 1.0 - inner.value, outer.value);
        let slopes = Vector3::new(
            inner.value - outer.value,
            (to_bone * inner.by_sigma + to_soft * outer.by_sigma) * along_ray,
            to_bone * inner.by_overshoot + to_soft * outer.by_overshoot,
        );
        own += own_slopes * own_slopes.transpose();
        cross += own_slopes * slopes.transpose();
        shared += slopes * slopes.transpose();
        own_gradient += own_slopes * off;
        shared_gradient += slopes * off;
    }
    for d in 0..4 {
        own[(d, d)] += 1e-6 * (1.0 + own[(d, d)]);
    }
    let Some(factor) = own.cholesky() else { return (Matrix3::zeros(), Vector3::zeros()) };
    let solved = factor.solve(&cross);
    (shared - cross.transpose() * solved, shared_gradient - solved.transpose() * own_gradient)
}
