//! Part of a grid: a bone, a tumour, whatever someone outlined.
//!
//! Kept as runs of rows, slice by slice: a femur in a CT of two hundred million voxels takes a few hundred kilobytes.

use super::Grid;
use nalgebra::{Matrix3, Point3, Vector3};
use rayon::prelude::*;

/// A horizontal run of voxels: row `j`, columns `first..=last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    pub j: usize,
    pub first: usize,
    pub last: usize,
}

/// A set of voxels of a grid of this size. Where the grid lies the region does not know: who holds it holds the grid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    size: [usize; 3],
    /// By slice, in order of row and column; runs do not touch.
    slices: Vec<Vec<Run>>,
}

/// A region and what it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedRegion {
    pub name: String,
    pub region: Region,
}

impl Region {
    /// No voxel of a grid of this size.
    pub fn empty(size: [usize; 3]) -> Region {
        Region { size, slices: vec![Vec::new(); size[2]] }
    }

    /// These runs, one list a slice in any order; they may overlap. What lies outside the grid is left out.
    pub fn from_runs(size: [usize; 3], mut slices: Vec<Vec<Run>>) -> Region {
        slices.resize(size[2], Vec::new());
        slices.par_iter_mut().for_each(|runs| tidy(runs, size));
        Region { size, slices }
    }

    /// The voxels for which `inside(i, j, k)` holds.
    pub fn from_fn(size: [usize; 3], inside: impl Fn(usize, usize, usize) -> bool + Sync) -> Region {
        let row = |j: usize, k: usize| runs_of_row(size[0], j, |i| inside(i, j, k));
        let slices = (0..size[2]).into_par_iter().map(|k| (0..size[1]).flat_map(|j| row(j, k)).collect()).collect();
        Region { size, slices }
    }

    /// The voxels of any of them.
    pub fn union<'a>(size: [usize; 3], regions: impl IntoIterator<Item = &'a Region>) -> Region {
        let mut slices = vec![Vec::new(); size[2]];
        for region in regions {
            debug_assert_eq!(region.size, size);
            slices.iter_mut().zip(&region.slices).for_each(|(all, runs)| all.extend_from_slice(runs));
        }
        Region::from_runs(size, slices)
    }

    /// The voxels that none of the others holds.
    pub fn without(&self, others: &[&Region]) -> Region {
        let slice = |k: usize| {
            let mut runs = Vec::new();
            for run in &self.slices[k] {
                let free = |i: usize| i >= run.first && !others.iter().any(|other| other.contains([i, run.j, k]));
                let touched = |other: &&Region| {
                    other.runs(k).iter().any(|o| o.j == run.j && o.first <= run.last && run.first <= o.last)
                };
                if others.iter().any(touched) {
                    runs.extend(runs_of_row(run.last + 1, run.j, free));
                } else {
                    runs.push(*run);
                }
            }
            runs
        };
        Region { size: self.size, slices: (0..self.slices.len()).into_par_iter().map(slice).collect() }
    }

    /// Number of columns, rows and slices of its grid.
    pub fn size(&self) -> [usize; 3] {
        self.size
    }

    /// The runs of slice `k`, in order of row and column.
    pub fn runs(&self, k: usize) -> &[Run] {
        self.slices.get(k).map_or(&[], Vec::as_slice)
    }

    /// Number of voxels.
    pub fn len(&self) -> usize {
        self.slices.iter().flatten().map(|run| run.last - run.first + 1).sum()
    }

    /// True when it holds no voxel.
    pub fn is_empty(&self) -> bool {
        self.slices.iter().all(Vec::is_empty)
    }

    /// Volume on `grid`, mm³.
    pub fn volume_mm3(&self, grid: &Grid) -> f64 {
        // The three steps need not be at right angles (a tilted gantry).
        self.len() as f64 * step_matrix(grid).determinant().abs()
    }

    /// Does it hold voxel `(i, j, k)`?
    pub fn contains(&self, [i, j, k]: [usize; 3]) -> bool {
        let runs = self.runs(k);
        let before = runs.partition_point(|run| (run.j, run.first) <= (j, i));
        before > 0 && runs[before - 1].j == j && i <= runs[before - 1].last
    }

    /// First and last slice that hold any of it.
    pub fn span(&self) -> Option<(usize, usize)> {
        let first = self.slices.iter().position(|runs| !runs.is_empty())?;
        Some((first, self.slices.iter().rposition(|runs| !runs.is_empty())?))
    }

    /// Have both a voxel in common?
    pub fn overlaps(&self, other: &Region) -> bool {
        let meets = |run: &Run, k: usize| {
            other.runs(k).iter().any(|o| o.j == run.j && o.first <= run.last && run.first <= o.last)
        };
        self.slices.iter().enumerate().any(|(k, runs)| runs.iter().any(|run| meets(run, k)))
    }

    /// Does the centre of any of its voxels lie within `mm` of a point? The axes of `grid` are at right angles.
    pub fn comes_within(&self, grid: &Grid, point_mm: Point3<f64>, mm: f64) -> bool {
        let at = grid.to_index(point_mm);
        let s = grid.spacing_mm;
        let (low, high) = ((at.z - mm / s.z).ceil().max(0.0), (at.z + mm / s.z).floor());
        if high < low {
            return false;
        }
        (low as usize..=(high as usize).min(self.size[2].saturating_sub(1))).any(|k| {
            let dz = (k as f64 - at.z) * s.z;
            let lowest_row = (at.y - mm / s.y).ceil().max(0.0) as usize;
            let runs = self.runs(k);
            runs[runs.partition_point(|run| run.j < lowest_row)..]
                .iter()
                .take_while(|run| run.j as f64 <= at.y + mm / s.y)
                .any(|run| {
                    let dy = (run.j as f64 - at.y) * s.y;
                    let dx = (at.x - at.x.clamp(run.first as f64, run.last as f64)) * s.x;
                    dx * dx + dy * dy + dz * dz <= mm * mm
                })
        })
    }

    /// The same part of the patient on another grid: of each voxel there, the nearest one here says.
    pub fn resampled(&self, from: &Grid, to: &Grid) -> Region {
        debug_assert_eq!(self.size, from.size);
        let Some(dense) = Dense::of(self) else { return Region::empty(to.size) };
        // Index there to index here.
        let inverse = step_matrix(from).try_inverse().unwrap_or_else(Matrix3::identity);
        let turn = inverse * step_matrix(to);
        let shift = inverse * (to.origin_mm - from.origin_mm);
        let back = turn.try_inverse().unwrap_or_else(Matrix3::identity);
        let [low, high] = dense.corners().fold([[f64::MAX; 3], [f64::MIN; 3]], |[low, high], corner| {
            let there = back * (corner - shift);
            [[0, 1, 2].map(|a| low[a].min(there[a])), [0, 1, 2].map(|a| high[a].max(there[a]))]
        });
        // A hair wider than the corners: rounding must not shave a row off.
        let within = |a: usize| {
            let end = (high[a] + 1e-6).floor() + 1.0;
            let first = (low[a] - 1e-6).ceil().max(0.0);
            first as usize..(end.max(0.0) as usize).min(to.size[a])
        };
        let columns = within(0);
        let slices = (0..to.size[2])
            .into_par_iter()
            .map(|k| {
                let mut runs = Vec::new();
                if !within(2).contains(&k) {
                    return runs;
                }
                for j in within(1) {
                    let start = turn * Vector3::new(columns.start as f64, j as f64, k as f64) + shift;
                    let step = turn.column(0);
                    let inside = |i: usize| i >= columns.start && dense.at(start + step * (i - columns.start) as f64);
                    runs.extend(runs_of_row(columns.end, j, inside));
                }
                runs
            })
            .collect();
        Region { size: to.size, slices }
    }
}

/// The steps from a voxel to its neighbours along column, row and slice, mm, as the columns of a matrix.
fn step_matrix(grid: &Grid) -> Matrix3<f64> {
    grid.directions * Matrix3::from_diagonal(&grid.spacing_mm)
}

/// The runs of one row.
pub(crate) fn runs_of_row(columns: usize, j: usize, inside: impl Fn(usize) -> bool) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut i = 0;
    while i < columns {
        if !inside(i) {
            i += 1;
            continue;
        }
        let first = i;
        while i < columns && inside(i) {
            i += 1;
        }
        runs.push(Run { j, first, last: i - 1 });
    }
    runs
}

/// Cut to the grid, in order, those that overlap or touch as one.
fn tidy(runs: &mut Vec<Run>, size: [usize; 3]) {
    runs.retain_mut(|run| {
        run.last = run.last.min(size[0].saturating_sub(1));
        run.j < size[1] && run.first <= run.last && size[0] > 0
    });
    runs.sort();
    runs.dedup_by(|next, kept| {
        let joined = next.j == kept.j && next.first <= kept.last + 1;
        if joined {
            kept.last = kept.last.max(next.last);
        }
        joined
    });
}

/// A region as the voxels of its bounding box, for quick questions.
struct Dense {
    first: [usize; 3],
    size: [usize; 3],
    inside: Vec<bool>,
}

impl Dense {
    fn of(region: &Region) -> Option<Dense> {
        let (k0, k1) = region.span()?;
        let runs = || region.slices[k0..=k1].iter().flatten();
        let (j0, j1) = (runs().map(|r| r.j).min()?, runs().map(|r| r.j).max()?);
        let (i0, i1) = (runs().map(|r| r.first).min()?, runs().map(|r| r.last).max()?);
        let (first, size) = ([i0, j0, k0], [i1 - i0 + 1, j1 - j0 + 1, k1 - k0 + 1]);
        let mut inside = vec![false; size.iter().product()];
        for (k, slice) in region.slices[k0..=k1].iter().enumerate() {
            for run in slice {
                let row = size[0] * (run.j - j0 + size[1] * k);
                inside[row + run.first - i0..=row + run.last - i0].fill(true);
            }
        }
        Some(Dense { first, size, inside })
    }

    /// The corners of its outermost voxels, as indices of the grid.
    fn corners(&self) -> impl Iterator<Item = Vector3<f64>> + '_ {
        (0..8).map(|bits| {
            Vector3::from_fn(|a, _| {
                let end = if bits >> a & 1 == 1 { self.size[a] as f64 - 0.5 } else { -0.5 };
                self.first[a] as f64 + end
            })
        })
    }

    /// The voxel nearest to a continuous index of the grid.
    fn at(&self, index: Vector3<f64>) -> bool {
        let mut place = 0;
        for a in [2, 1, 0] {
            // Half way counts to the higher voxel, also where rounding left it a hair below.
            let v = (index[a] + 0.5 + 1e-9).floor() - self.first[a] as f64;
            if !(0.0..self.size[a] as f64).contains(&v) {
                return false;
            }
            place = place * self.size[a] + v as usize;
        }
        self.inside[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::tests::orientations;
    use crate::volume::towards;
    use proptest::prelude::*;

    fn grid(size: [usize; 3], directions: Matrix3<f64>) -> Grid {
        Grid { size, origin_mm: Point3::new(-3.0, 40.0, 7.0), directions, spacing_mm: Vector3::new(0.7, 0.9, 2.0) }
    }

    #[test]
    fn runs_are_put_in_order_joined_and_cut_to_the_grid() {
        let run = |j, first, last| Run { j, first, last };
        let messy = vec![run(1, 2, 3), run(0, 4, 99), run(1, 0, 1), run(7, 0, 0), run(1, 3, 3), run(0, 0, 1)];
        let region = Region::from_runs([6, 2, 2], vec![messy]);
        assert_eq!(region.runs(0), [run(0, 0, 1), run(0, 4, 5), run(1, 0, 3)]);
        assert_eq!((region.len(), region.runs(1).len(), region.span()), (8, 0, Some((0, 0))));
        assert!(region.contains([4, 0, 0]) && !region.contains([3, 0, 0]) && !region.contains([4, 1, 0]));
    }

    #[test]
    fn the_same_part_of_the_patient_in_all_48_orientations() {
        let home = grid([5, 6, 4], Matrix3::identity());
        let inside = |i: usize, j: usize, k: usize| (i * 31 + j * 17 + k * 7) % 5 < 2;
        let region = Region::from_fn(home.size, inside);
        for directions in orientations() {
            let there = towards(&home, &directions).grid(&home);
            let moved = region.resampled(&home, &there);
            assert_eq!(moved.len(), region.len());
            assert!((moved.volume_mm3(&there) - region.volume_mm3(&home)).abs() < 1e-9);
            assert_eq!(moved.resampled(&there, &home), region);
        }
    }

    #[test]
    fn a_shift_of_less_than_half_a_voxel_moves_nothing() {
        let home = grid([8, 8, 3], Matrix3::identity());
        let region = Region::from_fn(home.size, |i, j, _| i > 2 && j < 6);
        let mut there = home.clone();
        there.origin_mm += Vector3::new(0.3, -0.4, 0.9);
        assert_eq!(region.resampled(&home, &there), region);
        there.origin_mm.x = home.origin_mm.x + 0.7;
        assert!(!region.resampled(&home, &there).contains([7, 0, 0]));
    }

    proptest! {
        #[test]
        fn nearness_is_that_of_the_nearest_voxel(
            bits in prop::collection::vec(prop::bool::weighted(0.1), 60),
            point in prop::array::uniform3(-6.0f64..10.0),
            mm in 0.1f64..6.0,
        ) {
            let grid = Grid { origin_mm: Point3::origin(), ..grid([5, 4, 3], Matrix3::identity()) };
            let region = Region::from_fn(grid.size, |i, j, k| bits[i + 5 * (j + 4 * k)]);
            let point = Point3::from(point);
            let nearest = (0..60).filter(|n| bits[*n]).map(|n| {
                let at = Vector3::new((n % 5) as f64, (n / 5 % 4) as f64, (n / 20) as f64);
                (grid.to_patient(at) - point).norm()
            }).fold(f64::INFINITY, f64::min);
            prop_assume!((nearest - mm).abs() > 1e-9);
            prop_assert_eq!(region.comes_within(&grid, point, mm), nearest <= mm);
        }
    }
}
