//! The wall as the scanner shows it: a slab of compact bone between two backgrounds, blurred.
//!
//! Along a ray that leaves the bone at `outer` and has crossed `width` of wall,
//!
//! `HU(r) = inside + (cortical − inside) E(r − outer + width) + (outside − cortical) E(r − outer)`
//!
//! where `E` is the scanner's answer to a sharp edge. The density of compact cortex is held at the patient's own value and
//! the blur at the image's own (both from [`super::scanner`]), so that a wall thinner than the blur, which a scanner
//! shows wide and faint, still gets its thickness: with density and blur free, width and density cannot be told apart
//! there. `outer`, `width`, `inside` and `outside` are fitted by least squares (Levenberg–Marquardt).
//!
//! Sources: the constant-density wall model of Treece, Gee, Mayhew and Poole, Med Image Anal 14:276 (2010), and Treece,
//! Poole and Gee, Med Image Anal 16:952 (2012). Their slice profile for oblique walls is a box; ours too.

use super::profile::Edge;
use nalgebra::{Matrix4, Vector4};

/// How far inside and outside the wall its backgrounds are looked at, mm.
const BACKGROUND_MM: f64 = 3.5;
/// Rounds of the fit; it settles in four to eight.
const ROUNDS: usize = 14;
/// A step of outer edge and width together that is the last: the fit converges by more than a digit a round, mm.
const SETTLED_MM: f64 = 5e-3;
/// Farthest that the fitted outer edge may lie from where it was expected, mm.
const MAX_MOVE_MM: f64 = 2.5;
/// Weight that keeps a background that is hardly seen at a plausible value: it is guessed to 200 HU, a sample known to 30.
const LEVEL_WEIGHT: f64 = 30.0 * 30.0 / (200.0 * 200.0);

/// A wall fitted along one ray.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wall {
    /// Distance of the periosteal edge from the ray's origin, mm.
    pub outer_mm: f64,
    /// Length of wall along the ray, mm.
    pub width_mm: f64,
    /// HU on the canal's side and outside.
    pub inside_hu: f64,
    pub outside_hu: f64,
    /// Root mean square of what the model leaves over, HU.
    pub residual_hu: f64,
}

/// Samples of one ray that may belong to one wall and its two backgrounds.
#[derive(Debug, Clone)]
pub struct Samples {
    /// Distance from the ray's origin, mm, and HU.
    pub points: Vec<(f64, f64)>,
    /// Samples of the ray that each of them stands for.
    pub stride: usize,
}

impl Samples {
    /// Takes every `stride`-th sample of `ray` (that has one every `step_mm`) around a wall expected from `outer_mm − width_mm` to
    /// `outer_mm`. Outside, the samples end where another bone begins to rise.
    pub fn around(ray: &[f32], step_mm: f64, stride: usize, outer_mm: f64, width_mm: f64) -> Option<Self> {
        let from = ((outer_mm - width_mm - BACKGROUND_MM) / step_mm).max(0.0).ceil() as usize;
        let to = (((outer_mm + BACKGROUND_MM) / step_mm).floor() as usize).min(ray.len().checked_sub(1)?);
        let edge = ((outer_mm / step_mm).max(0.0) as usize).min(to);
        let mut last = edge;
        let mut lowest = f32::INFINITY;
        for (i, v) in ray.iter().enumerate().take(to + 1).skip(edge) {
            if v.is_nan() || *v > lowest + RISE_HU {
                break;
            }
            lowest = lowest.min(*v);
            last = i;
        }
        let seen = (from..=last).step_by(stride).filter(|i| ray[*i].is_finite());
        let points: Vec<(f64, f64)> = seen.map(|i| (i as f64 * step_mm, f64::from(ray[i]))).collect();
        ((points.len() * stride) as f64 * step_mm >= LEAST_MM).then_some(Self { points, stride })
    }

    /// Mean HU of the outermost (`true`) or innermost sixth.
    fn end_hu(&self, outer: bool) -> f64 {
        let n = (self.points.len() / 6).max(2);
        let part = if outer { &self.points[self.points.len() - n..] } else { &self.points[..n] };
        part.iter().map(|p| p.1).sum::<f64>() / n as f64
    }
}

/// Shortest piece of a ray that holds a wall and something of its backgrounds, mm.
const LEAST_MM: f64 = 3.0;

/// Rise of HU outside the wall from which on another bone is near.
const RISE_HU: f32 = 150.0;

/// Fits the wall. `None` when the samples hold no such wall (the fit runs away or leaves the expected place).
pub fn fit(samples: &Samples, edge: &Edge, cortical_hu: f64, outer_mm: f64, width_mm: f64) -> Option<Wall> {
    let start = Wall {
        outer_mm,
        width_mm: width_mm.max(0.1),
        inside_hu: samples.end_hu(false),
        outside_hu: samples.end_hu(true),
        residual_hu: f64::NAN,
    };
    refit(samples, edge, cortical_hu, outer_mm, &start)
}

/// As [`fit`], from a wall that is nearly right: one fitted with a blur and a density that have changed a little since.
pub fn refit(samples: &Samples, edge: &Edge, cortical_hu: f64, outer_mm: f64, start: &Wall) -> Option<Wall> {
    let guess = [samples.end_hu(false), samples.end_hu(true)];
    let mut at = Vector4::new(start.outer_mm, start.width_mm, start.inside_hu, start.outside_hu);
    let mut damping = 1e-3;
    let mut current = system(samples, edge, cortical_hu, &at, guess);
    for _ in 0..ROUNDS {
        let mut damped = current.normal;
        for d in 0..4 {
            damped[(d, d)] *= 1.0 + damping;
        }
        let step = damped.cholesky()?.solve(&current.gradient);
        let mut next = at + step;
        next[1] = next[1].max(0.0);
        let small = step[0].abs() + step[1].abs() < SETTLED_MM;
        let trial = system(samples, edge, cortical_hu, &next, guess);
        if trial.cost <= current.cost {
            (at, current) = (next, trial);
            damping = (damping * 0.2).max(1e-9);
            if small {
                break;
            }
        } else {
            damping = damping.max(1e-4) * 8.0;
            if damping > 1e6 {
                break;
            }
        }
    }
    let held = (at[0] - outer_mm).abs() <= MAX_MOVE_MM && at.iter().all(|v| v.is_finite());
    held.then(|| Wall {
        outer_mm: at[0],
        width_mm: at[1],
        inside_hu: at[2],
        outside_hu: at[3],
        residual_hu: (current.cost / samples.points.len() as f64).sqrt(),
    })
}

/// Normal equations of one round.
struct System {
    normal: Matrix4<f64>,
    gradient: Vector4<f64>,
    cost: f64,
}

fn system(samples: &Samples, edge: &Edge, cortical_hu: f64, at: &Vector4<f64>, guess: [f64; 2]) -> System {
    // The lower triangle, row by row, in plain numbers: this is where the program spends its time.
    let mut normal = [0.0; 10];
    let (mut gradient, mut cost) = (Vector4::zeros(), 0.0);
    let [outer, width, inside, outside] = [at[0], at[1], at[2], at[3]];
    let (to_bone, to_soft) = (cortical_hu - inside, outside - cortical_hu);
    for (r, hu) in &samples.points {
        let (beyond_outer, slope_outer) = edge.answer(r - outer);
        let (beyond_inner, slope_inner) = edge.answer(r - outer + width);
        let off = hu - (inside + to_bone * beyond_inner + to_soft * beyond_outer);
        // Slopes of the model with regard to outer, width, inside and outside.
        let by_width = to_bone * slope_inner;
        let [a, b, c, d] = [-by_width - to_soft * slope_outer, by_width, 1.0 - beyond_inner, beyond_outer];
        for (sum, product) in
            normal.iter_mut().zip([a * a, b * a, b * b, c * a, c * b, c * c, d * a, d * b, d * c, d * d])
        {
            *sum += product;
        }
        gradient += Vector4::new(a, b, c, d) * off;
        cost += off * off;
    }
    let mut out = System { normal: Matrix4::zeros(), gradient, cost };
    let mut sums = normal.iter();
    for i in 0..4 {
        for j in 0..=i {
            let sum = *sums.next().expect("ten of them");
            (out.normal[(i, j)], out.normal[(j, i)]) = (sum, sum);
        }
    }
    let weight = LEVEL_WEIGHT / samples.stride as f64;
    for (n, guess) in [(2, guess[0]), (3, guess[1])] {
        let off = guess - at[n];
        out.normal[(n, n)] += weight;
        out.gradient[n] += weight * off;
        out.cost += weight * off * off;
    }
    out
}
