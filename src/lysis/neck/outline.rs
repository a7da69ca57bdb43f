//! The outline of a neck as it was before a hole was in it: the other neck's, laid through what is healthy of this one.

use crate::cortex::SECTORS;
use crate::cortex::polar::sector_angle;
use nalgebra::{Matrix3, Vector3};

/// Fewest healthy sectors that tell where an outline lies.
const FEWEST: usize = SECTORS / 4;

/// Radii by sector of this section (`seen`, mm) where it is not `healthy`: those of the other neck (`other`, mm, NaN where not known), as a share of their size and
/// moved as far in both directions as fits the healthy sectors best. Never within what is seen; what is seen where the other neck tells nothing.
pub(super) fn outline_through(seen: &[f64], other: &[f64], healthy: &[bool]) -> Vec<f64> {
    let known = |s: &usize| seen[*s].is_finite() && other[*s].is_finite();
    let told: Vec<usize> = (0..SECTORS).filter(|s| healthy[*s]).filter(known).collect();
    // Its size, and for small ways the middle's moves: r = size · other + a cos θ + b sin θ.
    let column = |s: usize| {
        let (sin, cos) = sector_angle(s).sin_cos();
        Vector3::new(other[s], cos, sin)
    };
    let (mut normal, mut right) = (Matrix3::zeros(), Vector3::zeros());
    for s in &told {
        normal += column(*s) * column(*s).transpose();
        right += column(*s) * seen[*s];
    }
    let fit = normal.lu().solve(&right).filter(|_| told.len() >= FEWEST);
    let laid = |s: usize| match fit {
        Some(fit) if !healthy[s] && known(&s) => fit.dot(&column(s)).max(seen[s]),
        _ => seen[s],
    };
    (0..SECTORS).map(laid).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outline_that_sank_into_a_hole_is_as_the_other_neck_has_it() {
        let other: Vec<f64> = (0..SECTORS).map(|s| 13.0 + 2.0 * (2.0 * sector_angle(s)).cos()).collect();
        let whole: Vec<f64> =
            (0..SECTORS).map(|s| 1.1 * other[s] + 0.8 * sector_angle(s).cos() - 0.5 * sector_angle(s).sin()).collect();
        let healthy: Vec<bool> = (0..SECTORS).map(|s| !(40..70).contains(&s)).collect();
        let seen: Vec<f64> = (0..SECTORS).map(|s| if healthy[s] { whole[s] } else { whole[s] - 3.0 }).collect();
        let laid = outline_through(&seen, &other, &healthy);
        assert!((0..SECTORS).all(|s| (laid[s] - whole[s]).abs() < 1e-6));
        // What the other neck does not tell, and too little that is healthy, leave what is seen.
        assert_eq!(outline_through(&seen, &vec![f64::NAN; SECTORS], &healthy), seen);
        assert_eq!(outline_through(&seen, &other, &[false; SECTORS]), seen);
    }
}
