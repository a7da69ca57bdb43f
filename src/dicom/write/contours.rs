//! Outlines of voxels, exact for whoever asks of a voxel's centre on which side it lies.
//!
//! An outline runs half way between centres that are in and centres that are out (marching squares at the half level): a
//! reader that takes the voxels whose centres it encloses gets the same voxels back. Holes are joined to the outline around
//! them by a seam (a keyhole), because a structure set knows no inner contours: the seam runs along a row, through voxels
//! that are in, from corner to corner.

use crate::volume::Run;
use std::collections::BTreeMap;

/// A corner in halves of a voxel: column and row, twice the index.
type Corner = [i32; 2];

/// The closed outlines of one slice's voxels: their corners as column and row index of voxel centres, four or more each.
/// Voxels that touch at a corner hang together.
pub(crate) fn outlines(runs: &[Run]) -> Vec<Vec<[f64; 2]>> {
    let mut next = segments(runs);
    let (mut outer, mut holes) = (Vec::new(), Vec::new());
    // In order of their first corner: the same voxels give the same outlines.
    while let Some((start, mut at)) = next.pop_first() {
        let mut ring = vec![start];
        while at != start {
            ring.push(at);
            // Every corner has a successor: each border between voxels is left by one of the two cells it is part of.
            let Some(following) = next.remove(&at) else { break };
            at = following;
        }
        if doubled_area(&ring) > 0 { outer.push(ring) } else { holes.push(ring) }
    }
    join(&mut outer, holes);
    let half = |corner: Corner| corner.map(|v| 0.5 * f64::from(v));
    outer.into_iter().map(|ring| without_straight(&ring).into_iter().map(half).collect()).collect()
}

/// From each corner the next one, what is in at the right hand (rows grow downwards).
fn segments(runs: &[Run]) -> BTreeMap<Corner, Corner> {
    let mut next = BTreeMap::new();
    let Some(window) = Window::of(runs) else { return next };
    for j in -1..window.rows {
        for i in -1..window.columns {
            let around = [[0, 0], [1, 0], [1, 1], [0, 1]];
            let inside = around.map(|[di, dj]| window.at(i + di, j + dj));
            if inside == [true; 4] || inside == [false; 4] {
                continue;
            }
            // Middles of the four edges, each before the corner of the same number.
            let middle = |n: usize| {
                let ([ai, aj], [bi, bj]) = (around[(n + 3) % 4], around[n]);
                [2 * (i + window.column) + ai + bi, 2 * (j + window.row) + aj + bj]
            };
            let enters = |n: &usize| inside[*n] && !inside[(*n + 3) % 4];
            let leaves = |n: &usize| !inside[*n] && inside[(*n + 3) % 4];
            for n in (0..4).filter(enters) {
                // The last edge before this one where it was left: what is out lies between, what is in stays together.
                if let Some(from) = (1..4).map(|back| (n + 4 - back) % 4).find(leaves) {
                    next.insert(middle(from), middle(n));
                }
            }
        }
    }
    next
}

/// The voxels of some runs in the smallest window around them.
struct Window {
    column: i32,
    row: i32,
    columns: i32,
    rows: i32,
    inside: Vec<bool>,
}

impl Window {
    fn of(runs: &[Run]) -> Option<Self> {
        let (column, row) = (runs.iter().map(|r| r.first).min()?, runs.iter().map(|r| r.j).min()?);
        let columns = runs.iter().map(|r| r.last).max()? + 1 - column;
        let rows = runs.iter().map(|r| r.j).max()? + 1 - row;
        let mut inside = vec![false; columns * rows];
        for run in runs {
            let start = (run.j - row) * columns;
            inside[start + run.first - column..=start + run.last - column].fill(true);
        }
        // A side of an image has at most 65535 voxels.
        Some(Self { column: column as i32, row: row as i32, columns: columns as i32, rows: rows as i32, inside })
    }

    fn at(&self, i: i32, j: i32) -> bool {
        let within = (0..self.columns).contains(&i) && (0..self.rows).contains(&j);
        within && self.inside[(j * self.columns + i) as usize]
    }
}

/// Twice the signed area in half voxels, positive where the ring runs around what is in.
fn doubled_area(ring: &[Corner]) -> i64 {
    let edges = ring.iter().zip(ring.iter().cycle().skip(1));
    edges.map(|(a, b)| i64::from(a[0]) * i64::from(b[1]) - i64::from(b[0]) * i64::from(a[1])).sum()
}

/// Joins each hole to the ring on its left.
fn join(outer: &mut [Vec<Corner>], holes: Vec<Vec<Corner>>) {
    // The leftmost corner of a hole lies on a row: a voxel that is in stands left of it, and further left on this row an
    // outline must come, that of the piece or of another hole further left, which was joined before.
    let mut holes: Vec<(Corner, Vec<Corner>)> =
        holes.into_iter().filter_map(|hole| Some((*hole.iter().min()?, hole))).collect();
    holes.sort();
    for (leftmost, hole) in holes {
        let reach = |corner: &Corner| corner[1] == leftmost[1] && corner[0] < leftmost[0];
        let seam = outer
            .iter()
            .enumerate()
            .flat_map(|(n, ring)| ring.iter().enumerate().map(move |(at, corner)| (*corner, n, at)))
            .filter(|(corner, _, _)| reach(corner))
            .max_by_key(|(corner, n, at)| (corner[0], std::cmp::Reverse((*n, *at))));
        let (Some((corner, n, at)), Some(start)) = (seam, hole.iter().position(|c| *c == leftmost)) else { continue };
        let around = hole[start..].iter().chain(&hole[..=start]).copied();
        let inserted: Vec<Corner> = around.chain([corner]).collect();
        outer[n].splice(at + 1..at + 1, inserted);
    }
}

/// Without corners at which the outline goes straight on. Those at which it turns back (ends of a seam) stay.
fn without_straight(ring: &[Corner]) -> Vec<Corner> {
    let n = ring.len();
    let turns = |at: &usize| {
        let (a, b, c) = (ring[(at + n - 1) % n], ring[*at], ring[(at + 1) % n]);
        let (before, after) = ([b[0] - a[0], b[1] - a[1]], [c[0] - b[0], c[1] - b[1]]);
        let cross = before[0] * after[1] - before[1] * after[0];
        let along = before[0] * after[0] + before[1] * after[1];
        cross != 0 || along < 0
    };
    (0..n).filter(turns).map(|at| ring[at]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Crossings of a leftward ray with an outline, counted as any even-odd reader does.
    fn encloses(outline: &[[f64; 2]], [x, y]: [f64; 2]) -> bool {
        let edges = outline.iter().zip(outline.iter().cycle().skip(1));
        edges.fold(false, |inside, (a, b)| {
            let crosses = (a[1] > y) != (b[1] > y) && x < (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]) + a[0];
            inside != crosses
        })
    }

    fn runs_of(bits: &[bool], columns: usize) -> Vec<Run> {
        let row = |j: usize| crate::volume::runs_of_row(columns, j, |i| bits[j * columns + i]);
        (0..bits.len() / columns).flat_map(row).collect()
    }

    fn area(outline: &[[f64; 2]]) -> f64 {
        let edges = outline.iter().zip(outline.iter().cycle().skip(1));
        0.5 * edges.map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum::<f64>()
    }

    #[test]
    fn one_voxel_is_a_diamond_and_none_is_nothing() {
        let one = outlines(&[Run { j: 4, first: 7, last: 7 }]);
        assert_eq!(one.len(), 1);
        assert_eq!((one[0].len(), area(&one[0])), (4, 0.5));
        assert!(outlines(&[]).is_empty());
    }

    #[test]
    fn a_ring_is_one_outline_with_a_seam() {
        let bits: Vec<bool> =
            (0..81).map(|n| (2..=3).contains(&((n % 9i32 - 4).abs().max((n / 9 - 4).abs())))).collect();
        let rings = outlines(&runs_of(&bits, 9));
        assert_eq!(rings.len(), 1);
        // Outer square of 7 × 7 with its corners cut, less the inner one of 3 × 3, whose corners are rounded the other way.
        assert!((area(&rings[0]) - (49.0 - 0.5 - (9.0 - 0.5))).abs() < 1e-12);
        let seam = rings[0]
            .windows(2)
            .filter(|e| e[0][1] == e[1][1] && rings[0].windows(2).any(|f| [f[1], f[0]] == [e[0], e[1]]));
        assert_eq!(seam.count(), 2);
    }

    proptest! {
        /// Whatever the voxels, holes in holes and pieces that touch at corners included.
        #[test]
        fn centres_that_are_enclosed_are_the_voxels(bits in prop::collection::vec(prop::bool::weighted(0.6), 12 * 11)) {
            let outlines = outlines(&runs_of(&bits, 12));
            for (n, inside) in bits.iter().enumerate() {
                let centre = [(n % 12) as f64, (n / 12) as f64];
                let around = outlines.iter().filter(|outline| encloses(outline, centre)).count();
                // No two outlines enclose the same voxel: readers that join them and readers that cancel them agree.
                prop_assert_eq!(around, usize::from(*inside), "{:?}", centre);
            }
            for outline in &outlines {
                prop_assert!(outline.len() >= 4 && area(outline) > 0.0);
            }
        }
    }
}
