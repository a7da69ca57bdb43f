//! Where in its wall the stiffness lies.
//!
//! A lost wall is given back as an even one of compact bone. A real one is less dense towards the canal, towards the bone's ends and on the outside of
//! the linea aspera, so that its moments are smaller than those of an even wall of the same stiffness. By how much is read off the walls that
//! stand: those of the same place around the bone above and below, and where these are far those all around.

use super::wall::{Wall, blurred_wall};
use crate::cortex::SECTORS;
use crate::cortex::polar::inner_radius_mm;

/// Walls this far along the bone, mm, and around it, sectors, speak with 0.6 of the weight of the nearest (standard deviations).
const ALONG_MM: f64 = 20.0;
const AROUND_SECTORS: f64 = 6.0;
/// Walls all around within this, mm, are heard too, with the weight of so many of the nearest.
const ALL_AROUND_MM: f64 = 10.0;
const ALL_AROUND: f64 = 2.0;
/// How much a wall's moments may differ from those of an even one.
const BELIEVED: [f64; 2] = [0.8, 1.1];

/// Moments of healthy walls, and those of even walls of the intact thickness.
#[derive(Clone, Copy, Default)]
struct WallSums {
    seen: [f64; 3],
    even: [f64; 3],
    weight: f64,
}

impl WallSums {
    fn add(&mut self, other: &Self, weight: f64) {
        for n in 0..3 {
            self.seen[n] += weight * other.seen[n];
            self.even[n] += weight * other.even[n];
        }
        self.weight += weight * other.weight;
    }

    /// First and second moment over those of an even wall of the same stiffness.
    fn lean(&self) -> [f64; 3] {
        let ratio = |n: usize| self.seen[n] / self.even[n];
        let lean = |n: usize| {
            let lean = ratio(n) / ratio(0);
            if lean.is_finite() { lean.clamp(BELIEVED[0], BELIEVED[1]) } else { 1.0 }
        };
        [1.0, lean(1), lean(2)]
    }
}

/// What the moments of a wall given back are multiplied by, per row and sector; nothing for rows without a lost wall. `rows`: walls of each section, `None` where it
/// is not measured; `scale`: stiffness counted over that of the reference; `variance_mm2` of the blur along a ray.
pub fn leans(rows: &[Option<&[Wall]>], scale: f64, variance_mm2: f64, slice_spacing_mm: f64) -> Vec<Vec<[f64; 3]>> {
    let healthy = |Wall { place, sums, lost }: &Wall| {
        if lost.is_some() {
            return WallSums::default();
        }
        let inner_mm = inner_radius_mm(place.outer_mm, scale * place.intact_mm2);
        WallSums { seen: sums.wall, even: blurred_wall(inner_mm, place.outer_mm, variance_mm2), weight: 1.0 }
    };
    let walls: Vec<Vec<WallSums>> =
        rows.iter().map(|row| row.iter().copied().flatten().map(healthy).collect()).collect();
    let any_lost = |k: usize| rows[k].is_some_and(|row| row.iter().any(|wall| wall.lost.is_some()));
    let around: Vec<f64> = (0..=SECTORS / 2).map(|d| weight(d as f64 / AROUND_SECTORS)).collect();
    let of_row = |k: usize| {
        if !any_lost(k) {
            return Vec::new();
        }
        let (mut along, mut all) = (vec![WallSums::default(); SECTORS], WallSums::default());
        for (j, row) in walls.iter().enumerate() {
            let away_mm = j.abs_diff(k) as f64 * slice_spacing_mm;
            let here = weight(away_mm / ALONG_MM);
            along.iter_mut().zip(row).for_each(|(sum, wall)| sum.add(wall, here));
            if away_mm <= ALL_AROUND_MM {
                row.iter().for_each(|wall| all.add(wall, 1.0));
            }
        }
        let of_sector = |s: usize| {
            let mut sum = WallSums::default();
            for (t, other) in along.iter().enumerate() {
                let d = s.abs_diff(t);
                sum.add(other, around[d.min(SECTORS - d)]);
            }
            sum.add(&all, ALL_AROUND / all.weight.max(1.0));
            sum.lean()
        };
        (0..SECTORS).map(of_sector).collect()
    };
    (0..rows.len()).map(of_row).collect()
}

/// A normal distribution's, 1 in its middle.
fn weight(standard_deviations: f64) -> f64 {
    (-0.5 * standard_deviations * standard_deviations).exp()
}

#[cfg(test)]
mod tests {
    use super::super::wall::{Lost, RaySums, WallPlace, sum_wall};
    use super::*;

    const MPA: f64 = 18_000.0;
    const ROWS: usize = 30;

    /// Walls from 9 to 14 mm, unblurred, whose outermost millimetre is empty in the sectors that are `porous`.
    fn rows(porous: impl Fn(usize) -> bool, lost: impl Fn(usize, usize) -> bool) -> Vec<Vec<Wall>> {
        let wall = |k: usize, s: usize| {
            let whole = sum_wall(9.0, 14.0, MPA);
            let place = WallPlace::new(14.0, whole[0] / MPA, lost(k, s), 50.0);
            let wall = if lost(k, s) {
                [0.0; 3]
            } else if porous(s) {
                sum_wall(9.0, 13.0, MPA)
            } else {
                whole
            };
            let gone = lost(k, s).then_some(Lost { share: 1.0, place, standing: [0.0; 3] });
            Wall { place, sums: RaySums { wall, ..RaySums::default() }, lost: gone }
        };
        (0..ROWS).map(|k| (0..SECTORS).map(|s| wall(k, s)).collect()).collect()
    }

    fn leans_of(rows: &[Vec<Wall>]) -> Vec<Vec<[f64; 3]>> {
        let rows: Vec<Option<&[_]>> = rows.iter().map(|row| Some(row.as_slice())).collect();
        leans(&rows, 1.0, 0.0, 3.0)
    }

    #[test]
    fn even_walls_lean_nowhere_and_rows_without_loss_are_not_asked() {
        let found = leans_of(&rows(|_| false, |k, s| (10..14).contains(&k) && s < 40));
        assert!(found[9].is_empty() && found[14].is_empty());
        for lean in &found[11] {
            assert!(lean.iter().all(|v| (v - 1.0).abs() < 1e-9), "{lean:?}");
        }
    }

    #[test]
    fn a_crest_that_is_porous_outside_is_given_back_as_such() {
        let whole = sum_wall(9.0, 14.0, MPA);
        let porous = sum_wall(9.0, 13.0, MPA);
        let want = [1, 2].map(|n| porous[n] / whole[n] * whole[0] / porous[0]);
        let found = leans_of(&rows(|s| (20..50).contains(&s), |k, s| (13..16).contains(&k) && s < 60));
        let (crest, beside) = (found[14][35], found[14][0]);
        for n in 0..2 {
            assert!((crest[n + 1] / want[n] - 1.0).abs() < 0.012, "{crest:?} {want:?}");
            assert!((beside[n + 1] - 1.0).abs() < 0.012, "{beside:?}");
        }
    }

    #[test]
    fn with_nothing_left_to_read_it_off_a_wall_is_even() {
        let found = leans_of(&rows(|_| false, |_, _| true));
        assert!(found[3].iter().all(|lean| *lean == [1.0; 3]));
    }
}
