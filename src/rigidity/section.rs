//! Mechanics of one section: axial and bending rigidity of an area whose stiffness varies.
//!
//! `EA = ∫ E dA`; centroid weighted by modulus; `EI = ∫ E (x − x̄)(x − x̄)ᵀ dA` as a tensor, its principal values the bending
//! rigidities; `∫ G r² dA` about the same centroid the polar form of torsion, which only a round closed ring has
//! ([`super::torsion`] has the others).

use super::modulus::POISSON;
use nalgebra::{Matrix2, SymmetricEigen, Vector2};
use std::ops::Add;

/// Sums over an area: zeroth, first and second moments of the modulus about the origin of the coordinates.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Moments {
    /// ∫ E dA, N.
    pub zeroth: f64,
    /// ∫ E (x, y) dA, N·mm.
    pub first: [f64; 2],
    /// ∫ E (x², y², xy) dA, N·mm².
    pub second: [f64; 3],
}

impl Moments {
    /// Adds an element of stiffness `young_mpa · area_mm2` at a place.
    #[inline]
    pub fn add_element(&mut self, stiffness_n: f64, [x, y]: [f64; 2]) {
        self.zeroth += stiffness_n;
        self.first[0] += stiffness_n * x;
        self.first[1] += stiffness_n * y;
        self.second[0] += stiffness_n * x * x;
        self.second[1] += stiffness_n * y * y;
        self.second[2] += stiffness_n * x * y;
    }

    /// Adds a ray: integrals of stiffness times r⁰, r¹, r² over its area, `direction` being what one millimetre of it is.
    pub fn add_ray(&mut self, [zeroth, first, second]: [f64; 3], [x, y]: [f64; 2]) {
        self.zeroth += zeroth;
        self.first[0] += first * x;
        self.first[1] += first * y;
        self.second[0] += second * x * x;
        self.second[1] += second * y * y;
        self.second[2] += second * x * y;
    }

    /// Takes back what a blur of these variances (mm², along x, y and mixed) adds to the second moments. Exact where modulus is
    /// linear in HU: a blur keeps an area's zeroth and first moments.
    pub fn without_blur(mut self, variance_mm2: [f64; 3]) -> Self {
        for (second, variance) in self.second.iter_mut().zip(variance_mm2) {
            *second -= self.zeroth * variance;
        }
        self
    }

    /// `None` where nothing stiff is left.
    pub fn rigidity(&self) -> Option<SectionRigidity> {
        if self.zeroth.is_nan() || self.zeroth <= 0.0 {
            return None;
        }
        let centroid_mm = self.first.map(|m| m / self.zeroth);
        let [x, y] = centroid_mm;
        let (xx, yy) = (self.second[0] - self.zeroth * x * x, self.second[1] - self.zeroth * y * y);
        let xy = self.second[2] - self.zeroth * x * y;
        let tensor = Matrix2::new(xx, xy, xy, yy);
        tensor.iter().all(|v| v.is_finite()).then_some(SectionRigidity { ea_n: self.zeroth, centroid_mm, tensor })
    }
}

impl Add for Moments {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            zeroth: self.zeroth + other.zeroth,
            first: [0, 1].map(|n| self.first[n] + other.first[n]),
            second: [0, 1, 2].map(|n| self.second[n] + other.second[n]),
        }
    }
}

/// Rigidities of a section about its modulus-weighted centroid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SectionRigidity {
    /// Axial rigidity, N.
    pub ea_n: f64,
    /// Modulus-weighted centroid in the section's own coordinates.
    pub centroid_mm: [f64; 2],
    /// ∫ E (x − x̄)(x − x̄)ᵀ dA, N·mm².
    tensor: Matrix2<f64>,
}

impl SectionRigidity {
    /// Largest and smallest bending rigidity, N·mm², and the direction in which the section reaches furthest (that of the
    /// largest), degrees from the section's first axis, 0 to 180.
    pub fn bending(&self) -> Bending {
        let eigen = SymmetricEigen::new(self.tensor);
        let (large, small) = if eigen.eigenvalues[0] >= eigen.eigenvalues[1] { (0, 1) } else { (1, 0) };
        let along = eigen.eigenvectors.column(large);
        let angle = along[1].atan2(along[0]).to_degrees().rem_euclid(180.0);
        Bending {
            max_nmm2: eigen.eigenvalues[large],
            min_nmm2: eigen.eigenvalues[small],
            major_axis_deg: if angle >= 180.0 { 0.0 } else { angle },
        }
    }

    /// ∫ G r² dA about the centroid, N·mm²: torsion of a round closed ring, an upper bound of any other.
    pub fn polar_nmm2(&self) -> f64 {
        self.tensor.trace() / (2.0 * (1.0 + POISSON))
    }

    /// Bending rigidity left of `intact` in the direction of bending that lost most, as a share. (The lower generalised
    /// eigenvalue of both tensors; the ratio of the smallest rigidities alone would miss a loss along the longer axis.)
    pub fn bending_share_of(&self, intact: &SectionRigidity) -> Option<f64> {
        let factor = intact.tensor.cholesky()?.l().try_inverse()?;
        let relative = factor * self.tensor * factor.transpose();
        Some(SymmetricEigen::new(relative).eigenvalues.min())
    }
}

/// Principal bending rigidities.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bending {
    pub max_nmm2: f64,
    pub min_nmm2: f64,
    pub major_axis_deg: f64,
}

/// A direction of the section as a unit vector.
pub fn direction(degrees: f64) -> Vector2<f64> {
    let (sin, cos) = degrees.to_radians().sin_cos();
    Vector2::new(cos, sin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::f64::consts::PI;

    /// Sums of a modulus given over the plane, on squares of 0.1 mm.
    pub fn sums(young_mpa: impl Fn(f64, f64) -> f64) -> Moments {
        let mut moments = Moments::default();
        for i in -200..200 {
            for j in -200..200 {
                let at = [0.1 * (f64::from(i) + 0.5), 0.1 * (f64::from(j) + 0.5)];
                let e = young_mpa(at[0], at[1]);
                if e != 0.0 {
                    moments.add_element(0.01 * e, at);
                }
            }
        }
        moments
    }

    fn close(got: f64, want: f64, share: f64) {
        assert!((got / want - 1.0).abs() < share, "{got} for {want}");
    }

    #[test]
    fn a_ring() {
        let ring = sums(|x, y| if (8.0..14.0).contains(&x.hypot(y)) { 17_000.0 } else { 0.0 }).rigidity().unwrap();
        close(ring.ea_n, 17_000.0 * PI * (14.0f64.powi(2) - 8.0f64.powi(2)), 1e-3);
        let inertia = 17_000.0 * PI / 4.0 * (14.0f64.powi(4) - 8.0f64.powi(4));
        close(ring.bending().max_nmm2, inertia, 2e-3);
        close(ring.bending().min_nmm2, inertia, 2e-3);
        close(ring.polar_nmm2(), 2.0 * inertia / 2.6, 2e-3);
    }

    #[test]
    fn an_ellipse_turned_by_thirty_degrees() {
        let (a, b) = (15.0f64, 10.0f64);
        let (sin, cos) = 30f64.to_radians().sin_cos();
        let inside = |x: f64, y: f64| {
            let (u, v) = (cos * x + sin * y, cos * y - sin * x);
            (u / a).powi(2) + (v / b).powi(2) < 1.0
        };
        let ellipse = sums(|x, y| if inside(x, y) { 1000.0 } else { 0.0 }).rigidity().unwrap();
        let bending = ellipse.bending();
        close(bending.max_nmm2, 1000.0 * PI / 4.0 * a.powi(3) * b, 2e-3);
        close(bending.min_nmm2, 1000.0 * PI / 4.0 * a * b.powi(3), 2e-3);
        assert!((bending.major_axis_deg - 30.0).abs() < 0.1, "{}", bending.major_axis_deg);
    }

    #[test]
    fn an_eccentric_ring_bends_about_its_own_centroid() {
        // Outer radius 14 about the origin, hole of 8 about (2, 0).
        let inside = |x: f64, y: f64| x.hypot(y) < 14.0 && (x - 2.0).hypot(y) >= 8.0;
        let section = sums(|x, y| if inside(x, y) { 1.0 } else { 0.0 }).rigidity().unwrap();
        let (outer, hole) = (PI * 196.0, PI * 64.0);
        let centroid = -2.0 * hole / (outer - hole);
        close(section.centroid_mm[0], centroid, 5e-3);
        let about_origin = PI / 4.0 * 14f64.powi(4) - (PI / 4.0 * 8f64.powi(4) + hole * 4.0);
        let along_x = about_origin - (outer - hole) * centroid * centroid;
        let across = PI / 4.0 * (14f64.powi(4) - 8f64.powi(4));
        close(section.bending().min_nmm2, along_x, 3e-3);
        close(section.bending().max_nmm2, across, 3e-3);
    }

    #[test]
    fn a_loss_along_the_longer_axis_is_not_hidden_by_the_shorter_one() {
        let inside = |x: f64, y: f64| (x / 16.0).powi(2) + (y / 10.0).powi(2) < 1.0;
        let intact = sums(|x, y| if inside(x, y) { 1.0 } else { 0.0 }).rigidity().unwrap();
        let lost = sums(|x, y| if inside(x, y) && x.abs() < 12.0 { 1.0 } else { 0.0 }).rigidity().unwrap();
        let share = lost.bending_share_of(&intact).unwrap();
        close(share, lost.bending().max_nmm2 / intact.bending().max_nmm2, 5e-3);
        assert!(share < lost.bending().min_nmm2 / intact.bending().min_nmm2 - 0.2);
    }

    #[test]
    fn nothing_stiff_has_no_rigidity() {
        assert_eq!(Moments::default().rigidity(), None);
        assert_eq!(Moments { zeroth: f64::NAN, ..Moments::default() }.rigidity(), None);
    }

    proptest! {
        #[test]
        fn neither_shift_nor_turn_changes_a_section(dx in -30.0f64..30.0, dy in -30.0f64..30.0, turn in 0.0f64..180.0) {
            let pieces = [([3.0, 1.0], 5.0), ([-7.0, 2.0], 3.0), ([0.5, -6.0], 4.0), ([4.0, 9.0], 1.0)];
            let sum = |place: &dyn Fn([f64; 2]) -> [f64; 2]| {
                let mut moments = Moments::default();
                pieces.iter().for_each(|(at, e)| moments.add_element(*e, place(*at)));
                moments.rigidity().unwrap()
            };
            let d = direction(turn);
            let still = sum(&|at| at);
            let moved = sum(&|[x, y]| [d.x * x - d.y * y + dx, d.y * x + d.x * y + dy]);
            let (a, b) = (still.bending(), moved.bending());
            prop_assert!((a.max_nmm2 - b.max_nmm2).abs() < 1e-6 * a.max_nmm2);
            prop_assert!((a.min_nmm2 - b.min_nmm2).abs() < 1e-6 * a.max_nmm2);
            let off = (b.major_axis_deg - a.major_axis_deg - turn).rem_euclid(180.0);
            prop_assert!(off.min(180.0 - off) < 1e-4);
            prop_assert!((moved.bending_share_of(&moved).unwrap() - 1.0).abs() < 1e-9);
        }
    }
}
