//! Closed curves in the plane of a slice: lengths, normals, distances, smoothing.

use crate::smoothing::{penalty, smooth_closed};

/// A closed curve, its points in order; in-plane millimetres, with the inside on the side that makes [`Curve::area_mm2`] positive.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Curve {
    pub points: Vec<[f64; 2]>,
}

impl Curve {
    fn at(&self, n: isize) -> [f64; 2] {
        self.points[n.rem_euclid(self.points.len() as isize) as usize]
    }

    /// The place between the points before and behind a fractional index.
    pub fn between(&self, n: f64) -> [f64; 2] {
        let (a, b, part) = (self.at(n.floor() as isize), self.at(n.floor() as isize + 1), n - n.floor());
        [0, 1].map(|axis| a[axis] * (1.0 - part) + b[axis] * part)
    }

    /// Area within, mm²; negative where the points run the other way round.
    pub fn area_mm2(&self) -> f64 {
        let cross = |n: usize| {
            let (a, b) = (self.points[n], self.at(n as isize + 1));
            a[0] * b[1] - a[1] * b[0]
        };
        0.5 * (0..self.points.len()).map(cross).sum::<f64>()
    }

    /// Mean of the points.
    pub fn middle(&self) -> [f64; 2] {
        [0, 1].map(|a| self.points.iter().map(|p| p[a]).sum::<f64>() / self.points.len().max(1) as f64)
    }

    /// Distances from each point to the next.
    fn steps_mm(&self) -> Vec<f64> {
        (0..self.points.len()).map(|n| away(self.points[n], self.at(n as isize + 1))).collect()
    }

    /// Length of curve that each point stands for: half of the way to both neighbours.
    pub fn arcs_mm(&self) -> Vec<f64> {
        let steps = self.steps_mm();
        (0..steps.len()).map(|n| 0.5 * (steps[n] + steps[(n + steps.len() - 1) % steps.len()])).collect()
    }

    /// The same points, evenly spaced, `count` of them.
    pub fn resampled(&self, count: usize) -> Curve {
        let steps = self.steps_mm();
        let length: f64 = steps.iter().sum();
        let (mut n, mut before) = (0, 0.0);
        let points = (0..count).map(|i| {
            let place = length * i as f64 / count as f64;
            while n + 1 < steps.len() && before + steps[n] < place {
                before += steps[n];
                n += 1;
            }
            let part = if steps[n] > 0.0 { ((place - before) / steps[n]).clamp(0.0, 1.0) } else { 0.0 };
            let (a, b) = (self.points[n], self.at(n as isize + 1));
            [0, 1].map(|axis| a[axis] * (1.0 - part) + b[axis] * part)
        });
        Curve { points: points.collect() }
    }

    /// Without what is shorter than `wavelength_mm`; the points are taken as evenly spaced.
    pub fn smoothed(&self, wavelength_mm: f64) -> Curve {
        let count = self.points.len();
        let step_mm = self.steps_mm().iter().sum::<f64>() / count.max(1) as f64;
        let of = |axis: usize| -> Vec<f64> {
            let values: Vec<f64> = self.points.iter().map(|p| p[axis]).collect();
            smooth_closed(&values, &vec![1.0; count], penalty(wavelength_mm / step_mm.max(1e-9)))
        };
        let (x, y) = (of(0), of(1));
        Curve { points: x.into_iter().zip(y).map(|(x, y)| [x, y]).collect() }
    }

    /// Unit vectors out of the curve, across the line between both neighbours of each point.
    pub fn normals(&self) -> Vec<[f64; 2]> {
        let normal = |n: isize| {
            let (a, b) = (self.at(n - 1), self.at(n + 1));
            let along = [b[0] - a[0], b[1] - a[1]];
            let length = along[0].hypot(along[1]).max(1e-9);
            [along[1] / length, -along[0] / length]
        };
        (0..self.points.len() as isize).map(normal).collect()
    }

    /// How far the curve turns at each point, radians; all of them make a whole turn.
    pub fn turns(&self) -> Vec<f64> {
        let turn = |n: isize| {
            let (a, b, c) = (self.at(n - 1), self.at(n), self.at(n + 1));
            let (u, v) = ([b[0] - a[0], b[1] - a[1]], [c[0] - b[0], c[1] - b[1]]);
            (u[0] * v[1] - u[1] * v[0]).atan2(u[0] * v[0] + u[1] * v[1])
        };
        (0..self.points.len() as isize).map(turn).collect()
    }

    /// Distance of `at` from the curve, mm, negative inside; right near the curve.
    pub fn signed_distance_mm(&self, at: [f64; 2]) -> f64 {
        self.nearest(at).map_or(f64::NAN, |(_, off_mm)| off_mm)
    }

    /// The point of the curve that lies nearest to `at`, and the distance from the curve there, mm, negative inside; `None` of an empty curve.
    pub fn nearest(&self, at: [f64; 2]) -> Option<(usize, f64)> {
        let square = |p: [f64; 2]| (p[0] - at[0]).powi(2) + (p[1] - at[1]).powi(2);
        let nearest =
            (0..self.points.len()).min_by(|a, b| square(self.points[*a]).total_cmp(&square(self.points[*b])))?;
        let (before, here, behind) =
            (self.at(nearest as isize - 1), self.points[nearest], self.at(nearest as isize + 1));
        let mut best = (f64::INFINITY, 0.0);
        for (a, b) in [(before, here), (here, behind)] {
            let along = [b[0] - a[0], b[1] - a[1]];
            let from = [at[0] - a[0], at[1] - a[1]];
            let length = (along[0].powi(2) + along[1].powi(2)).max(1e-12);
            let part = ((from[0] * along[0] + from[1] * along[1]) / length).clamp(0.0, 1.0);
            let off = away(at, [a[0] + part * along[0], a[1] + part * along[1]]);
            let outside = from[0] * along[1] - from[1] * along[0];
            if off < best.0 {
                best = (off, outside);
            }
        }
        Some((nearest, best.0.copysign(best.1)))
    }

    /// The curve with each point moved along its normal.
    pub fn moved(&self, by_mm: &[f64]) -> Curve {
        let normals = self.normals();
        let points = self.points.iter().zip(normals).zip(by_mm);
        Curve { points: points.map(|((p, n), by)| [p[0] + by * n[0], p[1] + by * n[1]]).collect() }
    }

    /// The same curve, beginning where it is farthest along `direction` from its middle.
    pub fn beginning_towards(mut self, direction: [f64; 2]) -> Curve {
        let along = |p: &[f64; 2]| p[0] * direction[0] + p[1] * direction[1];
        let first = (0..self.points.len())
            .max_by(|a, b| along(&self.points[*a]).total_cmp(&along(&self.points[*b])))
            .unwrap_or_default();
        self.points.rotate_left(first);
        self
    }
}

fn away(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::{PI, TAU};

    fn circle(radius: f64, count: usize) -> Curve {
        let point = |n: usize| {
            let (sin, cos) = (TAU * n as f64 / count as f64).sin_cos();
            [40.0 + radius * cos, 30.0 + radius * sin]
        };
        Curve { points: (0..count).map(point).collect() }
    }

    #[test]
    fn a_circle_has_its_area_normals_turns_and_distances() {
        let curve = circle(15.0, 120);
        assert!((curve.area_mm2() / (PI * 225.0) - 1.0).abs() < 1e-3);
        assert!((curve.arcs_mm().iter().sum::<f64>() / (TAU * 15.0) - 1.0).abs() < 1e-3);
        assert!((curve.turns().iter().sum::<f64>() - TAU).abs() < 1e-9);
        let normal = curve.normals()[30];
        assert!(normal[0].abs() < 1e-9 && (normal[1] - 1.0).abs() < 1e-9, "outwards: {normal:?}");
        for r in [12.0, 14.9, 15.1, 18.0] {
            let off = curve.signed_distance_mm([40.0 + r * 0.6, 30.0 + r * 0.8]) - (r - 15.0);
            assert!(off.abs() < 0.01, "{r}: {off}");
        }
        let larger = curve.moved(&[1.0; 120]);
        assert!((larger.area_mm2() / (PI * 256.0) - 1.0).abs() < 1e-3);
    }

    #[test]
    fn smoothing_takes_steps_off_and_keeps_the_size() {
        // Corners of pixels of a millimetre.
        let steps = Curve { points: circle(15.0, 400).points.iter().map(|p| p.map(f64::round)).collect() };
        let smooth = steps.resampled(300).smoothed(8.0);
        assert!((smooth.area_mm2() / (PI * 225.0) - 1.0).abs() < 0.02, "{}", smooth.area_mm2());
        let first = smooth.clone().beginning_towards([0.0, 1.0]);
        assert!((first.points[0][1] - 45.0).abs() < 0.5 && first.points.len() == 300);
    }
}
