//! Torsion of a section that need be neither round nor closed: Saint-Venant's problem with a shear modulus that varies.
//!
//! A bar twisted by one radian per mm warps along its axis by `w`; the warping that costs least energy is the true one, and twice that
//! energy is the rigidity: `GJ = min ∫ G [(∂w/∂r)² + (∂w/r∂θ + r)²] dA`. On a polar grid this is a sum over the faces between
//! cells, a face beside an empty cell carries nothing, and holes, slots and pieces apart need no condition of their own. A
//! round closed ring does not warp, and the sum is its polar integral; opened by a slot it warps freely and
//! keeps a few percent of it.
//!
//! Every sector is of one material with borders: cells hold the share of their area that it covers. The grid is fine around
//! the bone and coarse through the wall ([`CELL_MM`]); what shear varies within a cell is added from its slope, or a wall of
//! four cells would lack a sixteenth. A rigidity is told as its share of the polar integral on the same grid.
//!
//! Source: Timoshenko and Goodier, *Theory of Elasticity*, torsion of straight bars; checked against the package
//! sectionproperties in `tests/fixtures/sections.csv`.

use std::f64::consts::PI;

/// Size of a cell along the radius.
pub const CELL_MM: f64 = 0.75;
/// A cell of which less than this share is covered is empty.
const EMPTY: f64 = 0.01;
/// Holds the one warping that costs nothing (all of a piece moved along the bone), as a share of a cell's own stiffness.
const HOLD: f64 = 1e-9;
/// No bone is wider.
const MOST_MM: f64 = 200.0;

/// A section in cells around an origin inside it.
#[derive(Debug, Clone)]
pub struct PolarField {
    pub sectors: Vec<Sector>,
}

/// One sector of it.
#[derive(Debug, Clone, Default)]
pub struct Sector {
    /// Relative stiffness of what covers it.
    pub stiffness: f64,
    /// What of each cell is covered, from the innermost outwards; cell `i` reaches from `i·CELL_MM` to `(i + 1)·CELL_MM`.
    covered: Vec<Covered>,
}

/// The covered part of a cell along the radius: a border must not move a wall's middle, or a thin wall gains by half.
#[derive(Debug, Clone, Copy, Default)]
struct Covered {
    depth_mm: f64,
    middle_mm: f64,
}

impl Covered {
    fn is_filled(&self) -> bool {
        self.depth_mm > EMPTY * CELL_MM
    }
}

impl Sector {
    /// Covered between two radii.
    pub fn between(stiffness: f64, [from_mm, to_mm]: [f64; 2]) -> Self {
        if !(to_mm > from_mm && from_mm >= 0.0 && to_mm < MOST_MM && stiffness > 0.0) {
            return Self::default();
        }
        let covered = (0..=(to_mm / CELL_MM) as usize)
            .map(|i| {
                let (from, to) = (from_mm.max(i as f64 * CELL_MM), to_mm.min((i + 1) as f64 * CELL_MM));
                Covered { depth_mm: (to - from).max(0.0), middle_mm: 0.5 * (from + to) }
            })
            .collect();
        Self { stiffness, covered }
    }
}

impl PolarField {
    /// Saint-Venant's rigidity over the polar integral about the section's own centroid: 1 for a round closed ring, a few
    /// percent for one that a slot opens. `None` for an empty section.
    pub fn share_of_polar(&self) -> Option<f64> {
        let step = 2.0 * PI / self.sectors.len() as f64;
        let polar = self.polar(step);
        if polar.is_nan() || polar <= 0.0 {
            return None;
        }
        Some((Warping::of(self, step)?.rigidity() / polar).clamp(0.0, 1.0))
    }

    /// ∫ ρ² dA about the centroid.
    fn polar(&self, step: f64) -> f64 {
        let (mut sum, mut x, mut y, mut square) = (0.0, 0.0, 0.0, 0.0);
        for (s, sector) in self.sectors.iter().enumerate() {
            let (sin, cos) = (step * (s as f64 + 0.5)).sin_cos();
            for Covered { depth_mm, middle_mm: r } in &sector.covered {
                let element = sector.stiffness * r * depth_mm * step;
                sum += element;
                x += element * r * cos;
                y += element * r * sin;
                square += element * (r * r + depth_mm * depth_mm / 12.0);
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

/// Faces between two sectors, by the place of their cell along the radius, with the area they stand for.
struct Across {
    face: usize,
    cell: usize,
    sector: usize,
    /// Stiffness times area.
    stiffness_mm2: f64,
    arc_mm: f64,
    middle_mm: f64,
    depth_mm: f64,
}

/// The system for the warping of all filled cells, numbered sector by sector.
struct Warping {
    faces: Vec<Face>,
    across: Vec<Across>,
    cells: usize,
}

impl Warping {
    fn of(field: &PolarField, step: f64) -> Option<Self> {
        let mut cells = 0;
        let number: Vec<Vec<Option<usize>>> = field
            .sectors
            .iter()
            .map(|sector| {
                sector
                    .covered
                    .iter()
                    .map(|part| {
                        let filled = part.is_filled();
                        cells += usize::from(filled);
                        filled.then(|| cells - 1)
                    })
                    .collect()
            })
            .collect();
        let count = field.sectors.len();
        let (mut faces, mut across) = (Vec::new(), Vec::new());
        for s in 0..count {
            let (sector, next) = (&field.sectors[s], &field.sectors[(s + 1) % count]);
            let (here, next) = ((&sector.covered, sector.stiffness), (&next.covered, next.stiffness));
            // Two halves of a cell each, in series.
            let stiff = 2.0 * here.1 * next.1 / (here.1 + next.1);
            for (i, part) in here.0.iter().enumerate() {
                let Some(cell) = number[s][i] else { continue };
                if let (Some(Some(outer)), Some(other)) = (number[s].get(i + 1), here.0.get(i + 1)) {
                    let r = (i + 1) as f64 * CELL_MM;
                    let apart = other.middle_mm - part.middle_mm;
                    faces.push(Face { cells: [cell, *outer], stiffness: here.1 * r * step / apart, slide: 0.0 });
                }
                if let (Some(Some(beside)), Some(other)) = (number[(s + 1) % count].get(i), next.0.get(i)) {
                    let (r, deep) = (0.5 * (part.middle_mm + other.middle_mm), 0.5 * (part.depth_mm + other.depth_mm));
                    let stiffness = stiff * deep / (r * step);
                    across.push(Across {
                        face: faces.len(),
                        cell: i,
                        sector: s,
                        stiffness_mm2: stiff * deep * r * step,
                        arc_mm: r * step,
                        middle_mm: r,
                        depth_mm: deep,
                    });
                    faces.push(Face { cells: [cell, *beside], stiffness, slide: r * r * step });
                }
            }
        }
        (cells > 0).then_some(Self { faces, across, cells })
    }

    /// Least energy, twice: ∫ (…) dA at the warping that solves it.
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
        let slides = |face: &Face| face.slide + warping[face.cells[1]] - warping[face.cells[0]];
        let between_cells: f64 = self.faces.iter().map(|face| face.stiffness * face.slide * slides(face)).sum();
        between_cells + self.within_cells(|face| slides(face))
    }

    /// What the shear across a cell varies within it: the square of its slope along the radius, over a cell.
    fn within_cells(&self, slides: impl Fn(&Face) -> f64) -> f64 {
        let shear = |at: &Across| slides(&self.faces[at.face]) / at.arc_mm;
        let slope = |low: &Across, high: &Across| (shear(high) - shear(low)) / (high.middle_mm - low.middle_mm);
        let neighbours = |a: &Across, b: &Across| a.sector == b.sector && a.cell + 1 == b.cell;
        (0..self.across.len())
            .map(|n| {
                let at = &self.across[n];
                let before = n.checked_sub(1).map(|m| &self.across[m]).filter(|b| neighbours(b, at));
                let after = self.across.get(n + 1).filter(|a| neighbours(at, a));
                let slope = match (before, after) {
                    (None, None) => 0.0,
                    (before, after) => slope(before.unwrap_or(at), after.unwrap_or(at)),
                };
                at.stiffness_mm2 * (slope * at.depth_mm).powi(2) / 12.0
            })
            .sum()
    }
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
            let radii = filled(360.0 * (s as f64 + 0.5) / sectors as f64);
            radii.map_or_else(Sector::default, |radii| Sector::between(1.0, radii))
        });
        PolarField { sectors: field.collect() }
    }

    #[test]
    fn a_round_closed_ring_has_its_polar_integral() {
        let share = ring(120, |_| Some([8.0, 14.0])).share_of_polar().unwrap();
        assert!((share - 1.0).abs() < 1e-6, "{share}");
    }

    #[test]
    fn a_full_ellipse_has_less() {
        // Full ellipse 15 by 10 mm: π a³ b³ / (a² + b²) over π/4 · a b (a² + b²).
        let (a, b) = (15.0f64, 10.0f64);
        let radius = |deg: f64| {
            let (sin, cos) = deg.to_radians().sin_cos();
            Some([0.0, a * b / (b * cos).hypot(a * sin)])
        };
        let share = ring(120, radius).share_of_polar().unwrap();
        let want = 4.0 * (a * b).powi(2) / (a * a + b * b).powi(2);
        assert!((share / want - 1.0).abs() < 0.005, "{share} {want}");
    }

    #[test]
    fn a_hollow_ellipse_has_as_much_less_as_a_full_one() {
        let (a, b) = (15.0f64, 10.0f64);
        let radius = |deg: f64| {
            let (sin, cos) = deg.to_radians().sin_cos();
            let outer = a * b / (b * cos).hypot(a * sin);
            Some([0.6 * outer, outer])
        };
        let share = ring(120, radius).share_of_polar().unwrap();
        let want = 4.0 * (a * b).powi(2) / (a * a + b * b).powi(2);
        assert!((share / want - 1.0).abs() < 0.005, "{share} {want}");
    }

    #[test]
    fn a_thin_open_ring_has_a_third_of_length_times_thickness_cubed() {
        let share = ring(120, |deg| (deg > 3.0).then_some([12.0, 15.0])).share_of_polar().unwrap();
        // One sector missing: length 2π·13.5·119/120, thickness 3; polar of the rest about its centroid.
        let length = 2.0 * PI * 13.5 * 119.0 / 120.0;
        let polar = PI / 2.0 * (15f64.powi(4) - 12f64.powi(4)) * 119.0 / 120.0;
        // Its ends, which twist less, take 0.63 thicknesses of the length.
        let want = (length - 0.63 * 3.0) * 27.0 / 3.0 / polar;
        assert!((share / want - 1.0).abs() < 0.02, "{share} {want}");
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
                    .map(|s| Sector::between(1.0, [14.0 - widths[(s + turn) % 24], 14.0]))
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
