//! Reproducible noise with the grain of a scanner's.

use std::f64::consts::PI;

/// Gaussian noise of unit variance; a pixel shares with its neighbours, each of which has `neighbour` times its weight.
pub fn correlated_noise(nx: usize, ny: usize, neighbour: f64, seed: u64) -> Vec<f64> {
    let mut random = SplitMix64(seed);
    let width = nx + 2;
    let white: Vec<f64> = (0..width * (ny + 2)).map(|_| random.normal()).collect();
    let along = |n: usize, step: usize| white[n] + neighbour * (white[n - step] + white[n + step]);
    let norm = 1.0 + 2.0 * neighbour * neighbour;
    let at = |i: usize, j: usize| {
        let n = (j + 1) * width + i + 1;
        (along(n, 1) + neighbour * (along(n - width, 1) + along(n + width, 1))) / norm
    };
    (0..ny).flat_map(|j| (0..nx).map(move |i| (i, j))).map(|(i, j)| at(i, j)).collect()
}

/// The seed of one slice: neighbours share nothing.
pub fn slice_seed(seed: u64, k: usize) -> u64 {
    seed ^ ((k as u64 + 1) << 32)
}

/// Steele, Lea and Flood's SplitMix64 (OOPSLA 2014).
struct SplitMix64(u64);

impl SplitMix64 {
    /// Uniform in (0, 1].
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (((z ^ (z >> 31)) >> 11) as f64 + 1.0) / (1u64 << 53) as f64
    }

    /// Standard normal, by Box and Muller.
    fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (2.0 * PI * self.uniform()).cos()
    }
}

/// Normalised Gaussian weights, an odd number of them.
pub fn gaussian(sigma: f64) -> Vec<f64> {
    let half = (4.0 * sigma).ceil() as i64;
    let weights: Vec<f64> = (-half..=half).map(|n| (-0.5 * (n as f64 / sigma.max(1e-6)).powi(2)).exp()).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|w| w / sum).collect()
}

/// Standard deviation of a Gaussian of this full width at half maximum.
pub fn sigma_of(fwhm: f64) -> f64 {
    fwhm / (8.0 * 2f64.ln()).sqrt()
}

/// Blurs an image in place with a Gaussian whose standard deviations along rows and columns are in pixels; the border is
/// continued.
pub fn blur(image: &mut [f64], nx: usize, sigma: [f64; 2]) {
    let ny = image.len() / nx;
    let mut pass = |n: usize, lines: usize, step: usize, next: usize, sigma: f64| {
        let kernel = gaussian(sigma);
        let half = kernel.len() / 2;
        let mut line = vec![0.0; n + 2 * half];
        for l in 0..lines {
            let at = |i: usize| l * next + i * step;
            for (f, value) in line.iter_mut().enumerate() {
                *value = image[at(f.saturating_sub(half).min(n - 1))];
            }
            for i in 0..n {
                image[at(i)] = kernel.iter().zip(&line[i..]).map(|(w, v)| w * v).sum();
            }
        }
    };
    pass(nx, ny, 1, nx, sigma[0]);
    pass(ny, nx, nx, 1, sigma[1]);
}
