//! Where the bone's own mask ends around the neck: the first guess of its contour, free of socket and trochanter.

use super::frame::NeckFrame;
use crate::cortex::SECTORS;
use crate::cortex::contour::Map;
use crate::smoothing::median;
use crate::volume::{Grid, Region};
use nalgebra::Point3;

/// Steps along a ray through the mask, mm.
const STEP_MM: f64 = 0.5;
/// A gap of the mask narrower than this is none, mm.
const GAP_MM: f64 = 1.5;
/// No neck reaches further from its axis, mm.
const REACH_MM: f64 = 40.0;
/// What stands behind a gap is the neck's as far out as this, in medians of where rays first leave it: beyond are the trochanters.
const BEHIND_A_GAP: f64 = 1.35;
/// Sectors on either side over which a hollow is bridged.
const BRIDGED: usize = 26;
/// The mask is as coarse as the slices: medians over so many sectors and sections on either side.
const SECTORS_BESIDE: isize = 4;
const SECTIONS_BESIDE: usize = 2;

/// The outline of `bone` in every section, mm from `centres_mm` (front and up), by sector; NaN where nothing of it is near the centre.
///
/// What a lesion has eaten is bridged: what stands behind a gap still is the outside, and where nothing stands the outline is the straight line
/// between what does. Necks are round enough for that.
pub fn outline(bone: &Region, grid: &Grid, frame: &NeckFrame, along_mm: &[f64], centres_mm: &[[f64; 2]]) -> Map {
    let raw: Map = along_mm
        .iter()
        .zip(centres_mm)
        .map(|(along, centre)| {
            let origin = frame.point(*along, *centre);
            let rays: Vec<Ends> = (0..SECTORS).map(|s| ends(bone, grid, origin, frame.direction(s))).collect();
            let mut first: Vec<f64> = rays.iter().map(|ends| ends.first_mm).filter(|r| r.is_finite()).collect();
            let most = BEHIND_A_GAP * median(&mut first).unwrap_or(0.0);
            rays.iter().map(|ends| ends.last_within(most)).collect()
        })
        .collect();
    let n = raw.len();
    (0..n)
        .map(|k| {
            let smooth: Vec<f64> = (0..SECTORS as isize)
                .map(|s| {
                    let mut near: Vec<f64> = (k.saturating_sub(SECTIONS_BESIDE)..(k + SECTIONS_BESIDE + 1).min(n))
                        .flat_map(|k| (-SECTORS_BESIDE..=SECTORS_BESIDE).map(move |d| (k, s + d)))
                        .map(|(k, s)| raw[k][s.rem_euclid(SECTORS as isize) as usize])
                        .filter(|r| r.is_finite())
                        .collect();
                    median(&mut near).unwrap_or(f64::NAN)
                })
                .collect();
            bridged(&smooth)
        })
        .collect()
}

/// Where the bone ends along a ray.
struct Ends {
    /// Before the first gap; NaN where the ray begins outside.
    first_mm: f64,
    /// Before every gap, from the centre outwards.
    all_mm: Vec<f64>,
}

impl Ends {
    fn last_within(&self, most_mm: f64) -> f64 {
        self.all_mm.iter().copied().filter(|r| *r <= most_mm).fold(self.first_mm, |a, b| if a > b { a } else { b })
    }
}

fn ends(bone: &Region, grid: &Grid, origin: Point3<f64>, direction: nalgebra::Vector3<f64>) -> Ends {
    // A straight line is one in voxels too: the grid is asked twice, not at each step.
    let start = grid.to_index(origin);
    let step = grid.to_index(origin + direction) - start;
    let inside = |r: f64| {
        let at = start + step * r;
        let index = [at.x, at.y, at.z].map(f64::round);
        index.iter().all(|v| *v >= 0.0) && bone.contains(index.map(|v| v as usize))
    };
    let (mut all_mm, mut last) = (Vec::new(), f64::NAN);
    for n in 0..=(REACH_MM / STEP_MM) as usize {
        let r = n as f64 * STEP_MM;
        if inside(r) {
            last = r;
        } else if r - last > GAP_MM {
            all_mm.push(last + 0.5 * STEP_MM);
            last = f64::NAN;
        }
    }
    let first_mm = if inside(0.0) { all_mm.first().copied().unwrap_or(f64::NAN) } else { f64::NAN };
    Ends { first_mm, all_mm }
}

/// The outline with its hollows bridged by straight lines, over less than half of the circumference.
fn bridged(radius_mm: &[f64]) -> Vec<f64> {
    let angle = |steps: usize| std::f64::consts::TAU * steps as f64 / SECTORS as f64;
    let at = |s: isize| radius_mm[s.rem_euclid(SECTORS as isize) as usize];
    (0..SECTORS as isize)
        .map(|s| {
            let mut best = at(s);
            for before in 1..BRIDGED {
                let a = at(s - before as isize);
                for behind in (1..BRIDGED).filter(|_| a.is_finite()) {
                    let b = at(s + behind as isize);
                    // Where the ray meets the straight line between both.
                    let (alpha, beta) = (angle(before), angle(behind));
                    let chord = a * b * (alpha + beta).sin() / (a * alpha.sin() + b * beta.sin());
                    if chord.is_finite() && (best.is_nan() || chord > best) {
                        best = chord;
                    }
                }
            }
            best
        })
        .collect()
}

/// Area (mm²) within a contour and its centroid, relative to where its radii start.
pub fn area_and_centroid(radius_mm: &[f64]) -> (f64, [f64; 2]) {
    let corner = |s: usize| {
        let (sin, cos) = crate::cortex::polar::sector_angle(s % SECTORS).sin_cos();
        [radius_mm[s % SECTORS] * cos, radius_mm[s % SECTORS] * sin]
    };
    let (mut twice, mut sum) = (0.0, [0.0; 2]);
    for s in 0..SECTORS {
        let (a, b) = (corner(s), corner(s + 1));
        let cross = a[0] * b[1] - a[1] * b[0];
        twice += cross;
        (0..2).for_each(|i| sum[i] += cross * (a[i] + b[i]));
    }
    (0.5 * twice, sum.map(|v| v / (3.0 * twice)))
}
