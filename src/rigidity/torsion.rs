//! Torsion of a section that need be neither round nor closed: Saint-Venant's problem with a shear modulus that varies.
//!
//! A bar twisted by one radian per mm warps along its axis by `w`; the warping that costs least energy is the true one, and twice that
//! energy is the rigidity: `GJ = min ∫ G [(∂w/∂r)² + (∂w/r∂θ + r)²] dA`. On a polar grid this is a sum over the faces between
//! cells, a face beside an empty cell carries nothing, and holes, slots and pieces apart need no condition of their own. A
//! round closed ring does not warp, and the sum is its polar integral to the last digit; opened by a slot it warps freely and
//! keeps a few percent of it.
//!
//! The grid is fine around the bone and coarse through the wall (cells of [`CELL_MM`]), so a rigidity is told as its share of
//! the polar integral on the same grid.
//!
//! Source: Timoshenko and Goodier, *Theory of Elasticity*, torsion of straight bars; checked against the package
//! sectionproperties in `tests/fixtures/sections.csv`.

use std::f64::consts::PI;

/// Size of a cell along the radius.
pub const CELL_MM: f64 = 0.75;
/// A cell less stiff than this share of the stiffest is empty.
const EMPTY: f64 = 0.01;
/// Holds the one warping that costs nothing (all of a piece moved along the bone), as a share of a cell's own stiffness.
const HOLD: f64 = 1e-9;

/// Stiffness over a section in cells around an origin inside it.
#[derive(Debug, Clone)]
pub struct PolarField {
    /// Relative stiffness per sector, from the innermost cell outwards; cell `i` is centred at `(i + ½)·CELL_MM`.
    pub sectors: Vec<Vec<f64>>,
}

impl PolarField {
    /// Sector `s` of `count` filled with `stiffness` between radii; a cell that is partly covered has its share.
    pub fn fill(sector: &mut Vec<f64>, stiffness: f64, [from_mm, to_mm]: [f64; 2]) {
        if !(to_mm > from_mm && from_mm >= 0.0 && to_mm < 1e4) {
            return;
        }
        let (first, last) = ((from_mm / CELL_MM) as usize, (to_mm / CELL_MM) as usize);
        if sector.len() <= last {
            sector.resize(last + 1, 0.0);
        }
        for (i, cell) in sector.iter_mut().enumerate().take(last + 1).skip(first) {
            let (low, high) = (i as f64 * CELL_MM, (i + 1) as f64 * CELL_MM);
            // The share of its area, not of its depth: a thin wall must not gain.
            let area = |a: f64, b: f64| b * b - a * a;
            *cell += stiffness * area(from_mm.max(low), to_mm.min(high)).max(0.0) / area(low, high);
        }
    }

    /// Saint-Venant's rigidity over the polar integral about the section's own centroid: 1 for a round closed ring, a few
    /// percent for one that a slot opens. `None` for an empty section.
    pub fn share_of_polar(&self) -> Option<f64> {
        let step = 2.0 * PI / self.sectors.len() as f64;
        let polar = self.polar(step);
        if !(polar > 0.0) {
            return None;
        }
        Some((Warping::of(self, step)?.rigidity() / polar).clamp(0.0, 1.0))
    }

    /// ∫ G ρ² dA about the centroid weighted by stiffness.
    fn polar(&self, step: f64) -> f64 {
        let (mut sum, mut x, mut y, mut square) = (0.0, 0.0, 0.0, 0.0);
        for (s, sector) in self.sectors.iter().enumerate() {
            let (sin, cos) = (step * (s as f64 + 0.5)).sin_cos();
            for (i, stiffness) in sector.iter().enumerate() {
                let r = (i as f64 + 0.5) * CELL_MM;
                let element = stiffness * r * CELL_MM * step;
                sum += element;
                x += element * r * cos;
                y += element * r * sin;
                square += element * r * r;
            }
        }
        square - (x * x + y * y) / sum
    }
}

/// One face between two cells: how stiff it is, and how far it slides where nothing warps.
struct Face {
    cells: [usize; 2],
    stiffness: f64,
    slide: f64,
}

/// The system for the warping of all filled cells, numbered sector by sector.
struct Warping {
    faces: Vec<Face>,
    cells: usize,
}

impl Warping {
    fn of(field: &PolarField, step: f64) -> Option<Self> {
        let stiffest = field.sectors.iter().flatten().fold(0.0f64, |a, g| a.max(*g));
        let empty = EMPTY * stiffest;
        let mut cells = 0;
        let number: Vec<Vec<Option<usize>>> = field
            .sectors
            .iter()
            .map(|sector| {
                sector
                    .iter()
                    .map(|g| {
                        let filled = *g > empty;
                        cells += usize::from(filled);
                        filled.then(|| cells - 1)
                    })
                    .collect()
            })
            .collect();
        let count = field.sectors.len();
        let mut faces = Vec::new();
        for s in 0..count {
            let (here, next) = (&field.sectors[s], &field.sectors[(s + 1) % count]);
            for (i, g) in here.iter().enumerate() {
                let Some(cell) = number[s][i] else { continue };
                if let (Some(Some(outer)), Some(other)) = (number[s].get(i + 1), here.get(i + 1)) {
                    let r = (i + 1) as f64 * CELL_MM;
                    faces.push(Face { cells: [cell, *outer], stiffness: between(*g, *other) * r * step / CELL_MM, slide: 0.0 });
                }
                if let (Some(Some(beside)), Some(other)) = (number[(s + 1) % count].get(i), next.get(i)) {
                    let r = (i as f64 + 0.5) * CELL_MM;
                    let stiffness = between(*g, *other) * CELL_MM / (r * step);
                    faces.push(Face { cells: [cell, *beside], stiffness, slide: r * r * step });
                }
            }
        }
        (cells > 0).then_some(Self { faces, cells })
    }

    /// Least energy, twice: ∫ G (…) dA at the warping that solves it.
    fn rigidity(&self) -> f64 {
        let n = self.cells;
        let mut first: Vec<usize> = (0..n).collect();
        for face in &self.faces {
            let [a, b] = face.cells;
            let (low, high) = (a.min(b), a.max(b));
            first[high] = first[high].min(low);
        }
        let mut matrix = Envelope::new(first);
        let mut right = vec![0.0; n];
        for Face { cells: [a, b], stiffness, slide } in &self.faces {
            *matrix.at(*a, *a) += stiffness;
            *matrix.at(*b, *b) += stiffness;
            *matrix.at((*a).max(*b), (*a).min(*b)) -= stiffness;
            right[*a] += stiffness * slide;
            right[*b] -= stiffness * slide;
        }
        for i in 0..n {
            let own = *matrix.at(i, i);
            *matrix.at(i, i) += HOLD * own + f64::MIN_POSITIVE.sqrt();
        }
        let warping = matrix.solve(right);
        self.faces
            .iter()
            .map(|face| face.stiffness * face.slide * (face.slide + warping[face.cells[1]] - warping[face.cells[0]]))
            .sum()
    }
}

/// Stiffness of a face between two cells: in series.
fn between(a: f64, b: f64) -> f64 {
    2.0 * a * b / (a + b)
}

/// A symmetric matrix that keeps, of each row, what lies between its first entry and its diagonal. Cholesky's factor fills no
/// more than that.
struct Envelope {
    first: Vec<usize>,
    start: Vec<usize>,
    values: Vec<f64>,
}

impl Envelope {
    fn new(first: Vec<usize>) -> Self {
        let mut start = Vec::with_capacity(first.len() + 1);
        let mut length = 0;
        for (row, first) in first.iter().enumerate() {
            start.push(length);
            length += row + 1 - first;
        }
        start.push(length);
        Self { first, start, values: vec![0.0; length] }
    }

    /// Entry at or below the diagonal.
    fn at(&mut self, row: usize, column: usize) -> &mut f64 {
        &mut self.values[self.start[row] + column - self.first[row]]
    }

    /// Factorises in place and solves.
    fn solve(mut self, mut right: Vec<f64>) -> Vec<f64> {
        let n = self.first.len();
        for i in 0..n {
            let (earlier, row) = self.values.split_at_mut(self.start[i]);
            let row = &mut row[..i + 1 - self.first[i]];
            let first = self.first[i];
            for j in first..i {
                let from = first.max(self.first[j]);
                let other = &earlier[self.start[j] + from - self.first[j]..self.start[j] + j - self.first[j]];
                let sum: f64 = row[from - first..j - first].iter().zip(other).map(|(a, b)| a * b).sum();
                row[j - first] = (row[j - first] - sum) / earlier[self.start[j + 1] - 1];
            }
            let square: f64 = row[..i - first].iter().map(|v| v * v).sum();
            row[i - first] = (row[i - first] - square).max(f64::MIN_POSITIVE).sqrt();
            let sum: f64 = row[..i - first].iter().zip(&right[first..i]).map(|(a, b)| a * b).sum();
            right[i] = (right[i] - sum) / row[i - first];
        }
        for i in (0..n).rev() {
            let row = &self.values[self.start[i]..self.start[i + 1]];
            right[i] /= row[i - self.first[i]];
            let value = right[i];
            for (target, entry) in right[self.first[i]..i].iter_mut().zip(row) {
                *target -= entry * value;
            }
        }
        right
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ring(sectors: usize, filled: impl Fn(f64) -> Option<[f64; 2]>) -> PolarField {
        let field = (0..sectors).map(|s| {
            let mut sector = Vec::new();
            if let Some(radii) = filled(360.0 * (s as f64 + 0.5) / sectors as f64) {
                PolarField::fill(&mut sector, 1.0, radii);
            }
            sector
        });
        PolarField { sectors: field.collect() }
    }

    #[test]
    fn a_round_closed_ring_has_its_polar_integral() {
        let share = ring(120, |_| Some([8.0, 14.0])).share_of_polar().unwrap();
        assert!((share - 1.0).abs() < 1e-6, "{share}");
    }

    #[test]
    fn a_closed_ellipse_has_less() {
        // Full ellipse 15 by 10 mm: π a³ b³ / (a² + b²) over π/4 · a b (a² + b²).
        let (a, b) = (15.0f64, 10.0f64);
        let radius = |deg: f64| {
            let (sin, cos) = deg.to_radians().sin_cos();
            Some([0.0, a * b / (b * cos).hypot(a * sin)])
        };
        let share = ring(120, radius).share_of_polar().unwrap();
        let want = 4.0 * (a * b).powi(2) / (a * a + b * b).powi(2);
        assert!((share / want - 1.0).abs() < 0.01, "{share} {want}");
    }

    #[test]
    fn a_thin_open_ring_has_a_third_of_length_times_thickness_cubed() {
        let share = ring(120, |deg| (deg > 3.0).then_some([12.0, 15.0])).share_of_polar().unwrap();
        // One sector missing: length 2π·13.5·119/120, thickness 3; polar of the rest about its centroid.
        let length = 2.0 * PI * 13.5 * 119.0 / 120.0;
        let polar = PI / 2.0 * (15f64.powi(4) - 12f64.powi(4)) * 119.0 / 120.0;
        let want = length * 27.0 / 3.0 / polar;
        assert!((share / want - 1.0).abs() < 0.07, "{share} {want}");
    }

    #[test]
    fn pieces_apart_and_nothing_are_no_trouble() {
        let halves = ring(120, |deg| (deg.rem_euclid(180.0) > 20.0).then_some([8.0, 14.0])).share_of_polar().unwrap();
        assert!((0.0..0.3).contains(&halves), "{halves}");
        assert_eq!(ring(120, |_| None).share_of_polar(), None);
        assert_eq!(PolarField { sectors: vec![] }.share_of_polar(), None);
    }

    proptest! {
        #[test]
        fn never_more_than_the_polar_integral_and_unmoved_by_a_turn(
            widths in prop::collection::vec(0.0f64..6.0, 24),
            turn in 0usize..24,
        ) {
            let field = |turn: usize| PolarField {
                sectors: (0..24)
                    .map(|s| {
                        let mut sector = Vec::new();
                        PolarField::fill(&mut sector, 1.0, [14.0 - widths[(s + turn) % 24], 14.0]);
                        sector
                    })
                    .collect(),
            };
            let (still, turned) = (field(0).share_of_polar(), field(turn).share_of_polar());
            prop_assert_eq!(still.is_some(), turned.is_some());
            if let (Some(still), Some(turned)) = (still, turned) {
                prop_assert!((0.0..=1.0).contains(&still));
                prop_assert!((still - turned).abs() < 1e-5);
            }
        }
    }
}
