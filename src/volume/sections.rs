//! Connected pieces of one slice above a threshold, with their holes filled.
//!
//! Works on runs of a row, not on a label image: memory and time scale with the bone, not with the air around it.

use super::detached::{Filled, kept};
use super::{Region, Run, Volume, highest, runs_of_row};
use std::f64::consts::TAU;

/// Directions in which the extent of a section is known, evenly around.
pub const EXTENT_DIRECTIONS: usize = 16;

/// One connected piece (4-neighbours) of a slice at or above the threshold.
///
/// Positions are *in-plane millimetres*: column index × column spacing, row index × row spacing.
#[derive(Debug, Clone)]
pub struct Section {
    /// Slice index.
    pub k: usize,
    /// Centroid of the filled piece.
    pub centroid_mm: [f64; 2],
    /// Area at or above the threshold.
    pub area_mm2: f64,
    /// Area with holes filled.
    pub filled_area_mm2: f64,
    /// Filled area over the area of the convex hull, 0..1.
    pub solidity: f64,
    /// Long and short axis of the ellipse with the same second moments.
    pub axes_mm: [f64; 2],
    /// How far the piece reaches in each of [`EXTENT_DIRECTIONS`] from the centroid, mm: the support function of its convex hull, direction `d` at
    /// the angle `TAU * d / EXTENT_DIRECTIONS` from the column axis. Where a wall is gone on one side, that of the other side stays where it was.
    pub extent_mm: [f64; EXTENT_DIRECTIONS],
    /// 75th percentile of the HU at or above the threshold.
    pub wall_hu: f64,
    /// Mean HU of the holes; NaN where there is none.
    pub hole_hu: f64,
    /// The piece touches the image border or voxels without data.
    pub cut: bool,
    /// Something that hung on the piece was taken off it: what is dense beyond it there is no part of it.
    pub detached: bool,
}

impl Section {
    /// How far a ray from `from_mm` along `direction` (a unit vector) stays within the convex polygon that the extents outline, in-plane mm; 0 from
    /// outside of it.
    pub fn reach_mm(&self, from_mm: [f64; 2], direction: [f64; 2]) -> f64 {
        let to_side = |(d, extent_mm): (usize, &f64)| {
            let (sin, cos) = (TAU * d as f64 / EXTENT_DIRECTIONS as f64).sin_cos();
            let ahead = direction[0] * cos + direction[1] * sin;
            let room = extent_mm - (from_mm[0] - self.centroid_mm[0]) * cos - (from_mm[1] - self.centroid_mm[1]) * sin;
            if ahead > 1e-9 { room / ahead } else { f64::INFINITY }
        };
        self.extent_mm.iter().enumerate().map(to_side).fold(f64::INFINITY, f64::min).max(0.0)
    }
}

impl Section {
    /// The piece as it was before a side of it was lost: its convex hull, outlined by the extents. What it is made of stays as it is.
    pub fn completed(&self) -> Section {
        let direction = |d: usize| (TAU * d as f64 / EXTENT_DIRECTIONS as f64).sin_cos();
        // The corner between the lines that touch the hull in neighbouring directions.
        let (sin, cos) = direction(1);
        let corners = (0..EXTENT_DIRECTIONS).map(|d| {
            let (along, next) = (self.extent_mm[d], self.extent_mm[(d + 1) % EXTENT_DIRECTIONS]);
            let across = (next - along * cos) / sin;
            let (s, c) = direction(d);
            [along * c - across * s, along * s + across * c]
        });
        let corners: Vec<[f64; 2]> = corners.collect();
        // Moments of the triangles between the centroid and each side.
        let (mut area, mut first, mut second) = (0.0, [0.0; 2], [0.0; 3]);
        for (n, a) in corners.iter().enumerate() {
            let b = corners[(n + 1) % corners.len()];
            let twice = a[0] * b[1] - a[1] * b[0];
            let pair = |i: usize, j: usize| a[i] * a[j] + b[i] * b[j] + 0.5 * (a[i] * b[j] + b[i] * a[j]);
            area += 0.5 * twice;
            first = [0, 1].map(|i| first[i] + twice * (a[i] + b[i]) / 6.0);
            let more = [pair(0, 0), pair(0, 1), pair(1, 1)];
            second = [0, 1, 2].map(|i| second[i] + twice * more[i] / 12.0);
        }
        let middle = first.map(|v| v / area);
        let spread = [[0, 0], [0, 1], [1, 1]].map(|[i, j]| middle[i] * middle[j]);
        let [xx, xy, yy] = [0, 1, 2].map(|n| second[n] / area - spread[n]);
        let extent_mm = std::array::from_fn(|d| {
            let (s, c) = direction(d);
            self.extent_mm[d] - middle[0] * c - middle[1] * s
        });
        Section {
            centroid_mm: [0, 1].map(|i| self.centroid_mm[i] + middle[i]),
            filled_area_mm2: area,
            solidity: 1.0,
            axes_mm: ellipse_axes_mm(xx, xy, yy),
            extent_mm,
            ..self.clone()
        }
    }
}

/// Long and short axis of the ellipse with these second moments about its middle, each over its area.
fn ellipse_axes_mm(xx: f64, xy: f64, yy: f64) -> [f64; 2] {
    let spread = ((0.5 * (xx - yy)).powi(2) + xy * xy).sqrt();
    [0.5 * (xx + yy) + spread, 0.5 * (xx + yy) - spread].map(|v| 4.0 * v.max(0.0).sqrt())
}

/// The pieces of slice `k` at or above `threshold_hu` whose filled area is at least `min_area_mm2`.
pub fn sections(volume: &Volume<i16>, k: usize, threshold_hu: i16, min_area_mm2: f64) -> Vec<Section> {
    let [columns, rows, _] = volume.grid.size;
    let (runs, row_starts) = runs_of(volume.slice(k), columns, rows, threshold_hu);
    pieces(volume, k, threshold_hu, min_area_mm2, &runs, &row_starts).into_iter().map(|(section, _)| section).collect()
}

/// What may hang on a piece without being part of it.
#[derive(Debug, Clone, Copy)]
pub struct Attached {
    /// It is narrower than a disc of this radius, mm.
    pub disc_mm: f64,
    /// It is no larger than this, mm².
    pub most_mm2: f64,
    /// It holds a disc of this radius, mm: what is thinner is a corner of the piece.
    pub least_disc_mm: f64,
    /// Of a piece that is whole with it, it is no denser than this share of the piece's wall.
    pub wall_share: f64,
}

/// A piece without what hangs on it.
#[derive(Debug, Clone)]
pub struct Detached {
    pub section: Section,
    /// The middle of what fell off.
    pub attached_mm: [f64; 2],
}

/// The same; beside those that are `wanted`, the piece without what hangs on it, where that makes a piece `whole` that is not, or where what hangs on a
/// whole one is clearly less dense.
pub fn sections_detached(
    volume: &Volume<i16>,
    k: usize,
    (threshold_hu, min_area_mm2): (i16, f64),
    attached: Attached,
    wanted: impl Fn(&Section) -> bool,
    whole: impl Fn(&Section) -> bool,
) -> Vec<(Section, Option<Detached>)> {
    let [columns, rows, _] = volume.grid.size;
    let (runs, row_starts) = runs_of(volume.slice(k), columns, rows, threshold_hu);
    let detached = |section: &Section, members: &[Run]| {
        if section.cut || !wanted(section) {
            return None;
        }
        let (first, [width, height]) = bounds(members);
        let inside: Vec<bool> =
            filled_mask(members, first[0], first[1], width, height).iter().map(|v| *v != OUTSIDE).collect();
        let spacing_mm = [volume.grid.spacing_mm.x, volume.grid.spacing_mm.y];
        let left = Filled { inside: &inside, size: [width, height], spacing_mm }.opened(attached.disc_mm);
        let stays = kept(members, &left, first, width);
        if stays.is_empty() {
            return None;
        }
        let pixels = volume.slice(k);
        let without = measure(volume, pixels, k, threshold_hu, &stays);
        let off_mm2 = section.filled_area_mm2 - without.filled_area_mm2;
        let fell_off = || {
            let places = members.iter().flat_map(|run| (run.first..=run.last).map(move |i| [i, run.j]));
            places.filter(|[i, j]| !left[(j - first[1]) * width + i - first[0]]).map(|[i, j]| pixels[j * columns + i])
        };
        let is_no_bone = || {
            let mut hu: Vec<i16> = fell_off().collect();
            let middle = hu.len() / 2;
            !hu.is_empty() && f64::from(*hu.select_nth_unstable(middle).1) <= attached.wall_share * section.wall_hu
        };
        let is_compact = || {
            let off: Vec<bool> = inside.iter().zip(&left).map(|(inside, left)| *inside && !left).collect();
            let size = [width, height];
            Filled { inside: &off, size, spacing_mm }.holds_disc(attached.least_disc_mm)
        };
        let is_attached =
            off_mm2 <= attached.most_mm2 && whole(&without) && is_compact() && (!whole(section) || is_no_bone());
        let at = |a: usize| {
            let moment = |section: &Section| section.filled_area_mm2 * section.centroid_mm[a];
            (moment(section) - moment(&without)) / off_mm2
        };
        let attached_mm = [at(0), at(1)];
        is_attached.then_some(Detached { section: Section { detached: true, ..without }, attached_mm })
    };
    let both = |(section, members): (Section, Vec<Run>)| {
        let without = detached(&section, &members);
        (section, without)
    };
    pieces(volume, k, threshold_hu, min_area_mm2, &runs, &row_starts).into_iter().map(both).collect()
}

/// The same of the voxels of a region alone; what touches it from outside does not count.
pub fn sections_within(
    volume: &Volume<i16>,
    region: &Region,
    k: usize,
    threshold_hu: i16,
    min_area_mm2: f64,
) -> Vec<Section> {
    let [columns, rows, _] = volume.grid.size;
    let pixels = volume.slice(k);
    let mut runs = Vec::new();
    let mut row_starts = vec![0];
    for outlined in region.runs(k) {
        row_starts.resize(outlined.j + 1, runs.len());
        let row = &pixels[outlined.j * columns..(outlined.j + 1) * columns];
        runs.extend(runs_of_row(outlined.last + 1, outlined.j, |i| i >= outlined.first && row[i] >= threshold_hu));
    }
    row_starts.resize(rows + 1, runs.len());
    pieces(volume, k, threshold_hu, min_area_mm2, &runs, &row_starts).into_iter().map(|(section, _)| section).collect()
}

/// The connected pieces of some runs, filled and measured, each with its own runs.
fn pieces(
    volume: &Volume<i16>,
    k: usize,
    threshold_hu: i16,
    min_area_mm2: f64,
    runs: &[Run],
    row_starts: &[usize],
) -> Vec<(Section, Vec<Run>)> {
    let pixels = volume.slice(k);
    let pixel_mm2 = volume.grid.spacing_mm.x * volume.grid.spacing_mm.y;
    groups_of(runs, row_starts)
        .into_iter()
        // A piece of fewer voxels than a quarter of the wanted area cannot enclose that area as a wall.
        .filter(|group| {
            let n: usize = group.iter().map(|&r| runs[r].last - runs[r].first + 1).sum();
            n as f64 * pixel_mm2 >= 0.25 * min_area_mm2
        })
        .map(|group| {
            let members: Vec<Run> = group.into_iter().map(|r| runs[r]).collect();
            (measure(volume, pixels, k, threshold_hu, &members), members)
        })
        .filter(|(section, _)| section.filled_area_mm2 >= min_area_mm2)
        .collect()
}

/// Runs at or above the threshold, and for each row the index of its first run (one extra entry closes the last row).
fn runs_of(pixels: &[i16], columns: usize, rows: usize, threshold_hu: i16) -> (Vec<Run>, Vec<usize>) {
    let mut runs = Vec::new();
    let mut starts = Vec::with_capacity(rows + 1);
    for j in 0..rows {
        starts.push(runs.len());
        let row = &pixels[j * columns..(j + 1) * columns];
        // Most rows hold no bone.
        if highest(row) >= threshold_hu {
            runs.extend(runs_of_row(columns, j, |i| row[i] >= threshold_hu));
        }
    }
    starts.push(runs.len());
    (runs, starts)
}

/// Groups of runs that touch each other across rows.
fn groups_of(runs: &[Run], row_starts: &[usize]) -> Vec<Vec<usize>> {
    let mut parent: Vec<usize> = (0..runs.len()).collect();
    fn root(parent: &mut [usize], mut a: usize) -> usize {
        while parent[a] != a {
            parent[a] = parent[parent[a]];
            a = parent[a];
        }
        a
    }
    for j in 1..row_starts.len().saturating_sub(1) {
        let (mut above, above_end) = (row_starts[j - 1], row_starts[j]);
        let (mut here, here_end) = (row_starts[j], row_starts[j + 1]);
        while above < above_end && here < here_end {
            let (a, b) = (runs[above], runs[here]);
            if a.first <= b.last && b.first <= a.last {
                let (ra, rb) = (root(&mut parent, above), root(&mut parent, here));
                parent[ra.max(rb)] = ra.min(rb);
            }
            if a.last < b.last {
                above += 1;
            } else {
                here += 1;
            }
        }
    }
    let mut slot = vec![usize::MAX; runs.len()];
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for r in 0..runs.len() {
        let top = root(&mut parent, r);
        if slot[top] == usize::MAX {
            slot[top] = groups.len();
            groups.push(Vec::new());
        }
        groups[slot[top]].push(r);
    }
    groups
}

/// Fills the holes of one piece and measures it.
fn measure(volume: &Volume<i16>, pixels: &[i16], k: usize, threshold_hu: i16, members: &[Run]) -> Section {
    let [columns, rows, _] = volume.grid.size;
    let (sx, sy) = (volume.grid.spacing_mm.x, volume.grid.spacing_mm.y);
    let ([i0, j0], [width, height]) = bounds(members);
    let mask = filled_mask(members, i0, j0, width, height);
    let mut cut = i0 == 0 || j0 == 0 || i0 + width == columns || j0 + height == rows;
    let (mut n, mut sum, mut square) = (0.0, [0.0; 2], [0.0; 3]);
    let (mut wall, mut hole_sum, mut hole_n) = (Vec::new(), 0.0, 0usize);
    for dj in 0..height {
        for di in 0..width {
            if mask[dj * width + di] == OUTSIDE {
                continue;
            }
            let (i, j) = (i0 + di, j0 + dj);
            // Second moments are taken about the corner of the box: less cancellation than about the image's origin.
            let (x, y) = (di as f64 * sx, dj as f64 * sy);
            n += 1.0;
            sum = [sum[0] + x, sum[1] + y];
            square = [square[0] + x * x, square[1] + x * y, square[2] + y * y];
            let hu = pixels[j * columns + i];
            if mask[dj * width + di] == WALL {
                wall.push(hu);
                if !cut {
                    cut = [(i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)]
                        .iter()
                        .any(|&(a, b)| pixels[b * columns + a] == super::NO_DATA);
                }
            } else {
                hole_sum += f64::from(hu);
                hole_n += 1;
            }
        }
    }
    debug_assert!(wall.iter().all(|&hu| hu >= threshold_hu));
    let mean = [sum[0] / n, sum[1] / n];
    let (xx, xy, yy) =
        (square[0] / n - mean[0] * mean[0], square[1] / n - mean[0] * mean[1], square[2] / n - mean[1] * mean[1]);
    let axes_mm = ellipse_axes_mm(xx, xy, yy);
    let rank = (wall.len() * 3 / 4).min(wall.len() - 1);
    let wall_hu = f64::from(*wall.select_nth_unstable(rank).1);
    let hull = hull(members, sx, sy);
    let centroid_mm = [i0 as f64 * sx + mean[0], j0 as f64 * sy + mean[1]];
    Section {
        k,
        centroid_mm,
        area_mm2: wall.len() as f64 * sx * sy,
        filled_area_mm2: n * sx * sy,
        solidity: (n * sx * sy / area_mm2(&hull)).min(1.0),
        axes_mm,
        extent_mm: std::array::from_fn(|d| {
            let (sin, cos) = (TAU * d as f64 / EXTENT_DIRECTIONS as f64).sin_cos();
            let along = |p: &[f64; 2]| (p[0] - centroid_mm[0]) * cos + (p[1] - centroid_mm[1]) * sin;
            hull.iter().map(along).fold(0.0, f64::max)
        }),
        wall_hu,
        hole_hu: if hole_n > 0 { hole_sum / hole_n as f64 } else { f64::NAN },
        cut,
        detached: false,
    }
}

/// First column and row of some runs, and how many.
fn bounds(members: &[Run]) -> ([usize; 2], [usize; 2]) {
    let low = |of: fn(&Run) -> usize| members.iter().map(of).min().unwrap_or(0);
    let high = |of: fn(&Run) -> usize| members.iter().map(of).max().unwrap_or(0);
    let first = [low(|r| r.first), low(|r| r.j)];
    (first, [high(|r| r.last) + 1 - first[0], high(|r| r.j) + 1 - first[1]])
}

const HOLE: u8 = 0;
const WALL: u8 = 1;
const OUTSIDE: u8 = 2;

/// The piece in its bounding box: [`WALL`], [`HOLE`] (enclosed) or [`OUTSIDE`].
fn filled_mask(members: &[Run], i0: usize, j0: usize, width: usize, height: usize) -> Vec<u8> {
    let mut mask = vec![HOLE; width * height];
    for run in members {
        mask[(run.j - j0) * width + run.first - i0..=(run.j - j0) * width + run.last - i0].fill(WALL);
    }
    let mut stack: Vec<usize> = (0..width)
        .flat_map(|i| [i, (height - 1) * width + i])
        .chain((0..height).flat_map(|j| [j * width, j * width + width - 1]))
        .collect();
    while let Some(p) = stack.pop() {
        if mask[p] != HOLE {
            continue;
        }
        mask[p] = OUTSIDE;
        let (i, j) = (p % width, p / width);
        if i > 0 {
            stack.push(p - 1);
        }
        if i + 1 < width {
            stack.push(p + 1);
        }
        if j > 0 {
            stack.push(p - width);
        }
        if j + 1 < height {
            stack.push(p + width);
        }
    }
    mask
}

/// Convex hull of the voxels' corners (Andrew's monotone chain).
fn hull(members: &[Run], sx: f64, sy: f64) -> Vec<[f64; 2]> {
    let mut points: Vec<[f64; 2]> = members
        .iter()
        .flat_map(|r| {
            let (a, b) = ((r.first as f64 - 0.5) * sx, (r.last as f64 + 0.5) * sx);
            let (c, d) = ((r.j as f64 - 0.5) * sy, (r.j as f64 + 0.5) * sy);
            [[a, c], [a, d], [b, c], [b, d]]
        })
        .collect();
    points.sort_by(|p, q| p[0].total_cmp(&q[0]).then(p[1].total_cmp(&q[1])));
    points.dedup();
    let cross = |o: [f64; 2], a: [f64; 2], b: [f64; 2]| (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]);
    let half = |points: &mut dyn Iterator<Item = [f64; 2]>| {
        let mut chain: Vec<[f64; 2]> = Vec::new();
        for p in points {
            while chain.len() >= 2 && cross(chain[chain.len() - 2], chain[chain.len() - 1], p) <= 0.0 {
                chain.pop();
            }
            chain.push(p);
        }
        chain.pop();
        chain
    };
    let mut hull = half(&mut points.iter().copied());
    hull.extend(half(&mut points.iter().rev().copied()));
    hull
}

/// Area within a closed polygon.
fn area_mm2(hull: &[[f64; 2]]) -> f64 {
    let twice: f64 = (0..hull.len())
        .map(|a| hull[a][0] * hull[(a + 1) % hull.len()][1] - hull[(a + 1) % hull.len()][0] * hull[a][1])
        .sum();
    0.5 * twice.abs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::tests::slice_of;
    use std::f64::consts::PI;

    /// A ring of 1000 HU between two radii (mm) on 0.5 × 0.5 mm pixels, optionally open over `gap` radians.
    fn ring(inner: f64, outer: f64, gap: f64, centre: [f64; 2]) -> Volume<i16> {
        slice_of([120, 100], [0.5, 0.5], |x, y| {
            let (dx, dy) = (x - centre[0], y - centre[1]);
            let r = dx.hypot(dy);
            if r >= inner && r < outer && dy.atan2(dx).abs() >= 0.5 * gap { 1000 } else { 40 }
        })
    }

    #[test]
    fn a_closed_ring_is_filled_and_measured() {
        let found = sections(&ring(7.0, 12.0, 0.0, [30.0, 25.0]), 0, 300, 60.0);
        assert_eq!(found.len(), 1);
        let s = &found[0];
        assert!((s.area_mm2 / (PI * (144.0 - 49.0)) - 1.0).abs() < 0.02, "{}", s.area_mm2);
        assert!((s.filled_area_mm2 / (PI * 144.0) - 1.0).abs() < 0.02);
        assert!((s.centroid_mm[0] - 30.0).abs() < 0.1 && (s.centroid_mm[1] - 25.0).abs() < 0.1);
        assert!((s.axes_mm[0] - 24.0).abs() < 0.3 && (s.axes_mm[1] - 24.0).abs() < 0.3);
        assert!(s.solidity > 0.95 && !s.cut && s.hole_hu == 40.0 && s.wall_hu == 1000.0);
        assert!(s.extent_mm.iter().all(|mm| (mm - 12.0).abs() < 0.5), "{:?}", s.extent_mm);
    }

    #[test]
    fn a_ray_ends_at_the_outline_wherever_within_it_starts() {
        let s = &sections(&ring(7.0, 12.0, 0.0, [30.0, 25.0]), 0, 300, 60.0)[0];
        for n in 0..24 {
            let (sin, cos) = (TAU * n as f64 / 24.0).sin_cos();
            // From 4 mm to the right of the centre to a circle of 12 mm around it; a polygon of 16 sides is wider by up to 2 %.
            let truth = -4.0 * cos + (144.0 - 16.0 * sin * sin).sqrt();
            let reach = s.reach_mm([34.0, 25.0], [cos, sin]);
            assert!((truth - 0.4..truth + 1.0).contains(&reach), "{n}: {reach} {truth}");
        }
        assert_eq!(s.reach_mm([50.0, 25.0], [1.0, 0.0]), 0.0);
    }

    #[test]
    fn an_open_ring_has_no_hole_and_little_of_its_hull() {
        let found = sections(&ring(7.0, 12.0, 2.0, [30.0, 25.0]), 0, 300, 60.0);
        assert!(found[0].hole_hu.is_nan());
        assert!(found[0].solidity < 0.8, "{}", found[0].solidity);
        // Opened to the right: what stands on the left is where it was, seen from a centroid that moved.
        let (right, left) = (found[0].extent_mm[0], found[0].extent_mm[EXTENT_DIRECTIONS / 2]);
        let moved = 30.0 - found[0].centroid_mm[0];
        assert!(moved > 2.0 && (left + moved - 12.0).abs() < 0.5, "{moved} {left}");
        assert!(right - moved < 11.0, "{right}");
    }

    #[test]
    fn an_open_ring_completed_is_the_ring_that_it_was() {
        let of = |open: f64| sections(&ring(7.0, 12.0, open, [30.0, 25.0]), 0, 300, 60.0).remove(0);
        let (whole, completed) = (of(0.0), of(1.0).completed());
        assert_eq!((completed.solidity, completed.wall_hu), (1.0, whole.wall_hu));
        assert!(
            (completed.filled_area_mm2 / whole.filled_area_mm2 - 1.0).abs() < 0.05,
            "{}",
            completed.filled_area_mm2
        );
        for a in 0..2 {
            assert!((completed.centroid_mm[a] - whole.centroid_mm[a]).abs() < 0.5, "{:?}", completed.centroid_mm);
            assert!((completed.axes_mm[a] / whole.axes_mm[a] - 1.0).abs() < 0.05, "{:?}", completed.axes_mm);
        }
        // Completed once more it stays what it is: both count from its own middle.
        let again = completed.completed();
        assert!((again.filled_area_mm2 / completed.filled_area_mm2 - 1.0).abs() < 1e-9);
        assert!((0..2).all(|a| (again.centroid_mm[a] - completed.centroid_mm[a]).abs() < 1e-9));
    }

    /// A ring of 1000 HU with a disc of `hu` against it, without what hangs on it.
    fn detached(hu: i16, radius: f64, whole: impl Fn(&Section) -> bool) -> Option<Detached> {
        let volume = slice_of([120, 100], [0.5, 0.5], |x, y| {
            let r = (x - 22.0).hypot(y - 25.0);
            let beside = (x - 33.0 - radius).hypot(y - 25.0) < radius;
            if (7.0..12.0).contains(&r) {
                1000
            } else if beside {
                hu
            } else {
                40
            }
        });
        let attached = Attached { disc_mm: 4.5, most_mm2: 120.0, least_disc_mm: 1.8, wall_share: 0.5 };
        sections_detached(&volume, 0, (300, 60.0), attached, |_| true, whole).remove(0).1
    }

    #[test]
    fn a_vessel_falls_off_a_ring_and_a_crest_does_not() {
        let ring = detached(400, 4.0, |_| true).expect("a vessel");
        assert!(ring.section.detached && (ring.section.filled_area_mm2 / (PI * 144.0) - 1.0).abs() < 0.03);
        assert!((ring.section.centroid_mm[0] - 22.0).abs() < 0.3 && (ring.attached_mm[0] - 37.0).abs() < 1.0);
        // As dense as the wall it is its own, unless the piece is no ring with it.
        assert!(detached(1000, 4.0, |_| true).is_none());
        assert!(detached(1000, 4.0, |s| s.extent_mm[0] < 15.0).is_some());
        // Too thin to be more than a corner, and too large.
        assert!(detached(400, 1.5, |_| true).is_none() && detached(400, 6.5, |_| true).is_none());
    }

    #[test]
    fn a_ring_at_the_border_or_beside_missing_data_is_cut() {
        assert!(sections(&ring(7.0, 12.0, 0.0, [8.0, 25.0]), 0, 300, 60.0)[0].cut);
        let mut beside = ring(7.0, 12.0, 0.0, [30.0, 25.0]);
        for i in 84..120 {
            beside.voxels[50 * 120 + i] = crate::volume::NO_DATA;
        }
        assert!(sections(&beside, 0, 300, 60.0)[0].cut);
    }

    #[test]
    fn pieces_that_touch_only_at_a_corner_are_two() {
        let two = slice_of([40, 40], [1.0, 1.0], |x, y| {
            let second = 10.0..20.0;
            if (x < 10.0 && y < 10.0) || (second.contains(&x) && second.contains(&y)) { 900 } else { 0 }
        });
        assert_eq!(sections(&two, 0, 300, 50.0).len(), 2);
    }
}
