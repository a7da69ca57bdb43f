//! The outline of a bone's mask in one slice.

use super::curve::Curve;
use crate::volume::{Region, Volume, squared_distance_mm2};

/// Step between points of the outline before it is smoothed, mm.
const STEP_MM: f64 = 0.5;
/// Pixels are no shape: what is shorter than this is smoothed off, mm.
const SMOOTH_MM: f64 = 8.0;
/// What is thinner than twice this sticks out of a bone and is none of its shape, a spur of the mask: whatever it is, and where it is
/// soft tissue, mm.
const SPUR_MM: f64 = 2.0;
const SOFT_SPUR_MM: f64 = 3.5;
/// Soft tissue beside a bone, HU.
const SOFT_HU: i16 = 150;
/// Of a section that is one piece at least this share lies in its largest piece.
const ONE_PIECE: f64 = 0.95;
/// Smaller than this, a section is the tip of something, mm².
const LEAST_MM2: f64 = 100.0;

/// The outline of `bone` in slice `k`. `None` where it is not one piece, or next to nothing.
pub fn outline(volume: &Volume<i16>, bone: &Region, k: usize) -> Option<Curve> {
    let grid = &volume.grid;
    let pixels = Pixels::of(volume, bone, k)?;
    let (start, share) = pixels.largest()?;
    let spacing = [grid.spacing_mm.x, grid.spacing_mm.y];
    let corners = pixels.around(start);
    let points = corners.iter().map(|p| [0, 1].map(|a| (p[a] + pixels.corner[a] as f64 - PAD as f64) * spacing[a]));
    let curve = Curve { points: points.collect() };
    if share < ONE_PIECE || curve.area_mm2() < LEAST_MM2 {
        return None;
    }
    let length: f64 = curve.arcs_mm().iter().sum();
    Some(curve.resampled((length / STEP_MM).ceil() as usize).smoothed(SMOOTH_MM))
}

/// The voxels of one slice in a box of their own, [`PAD`] wider on all sides than they are.
struct Pixels {
    /// Column and row of the first one.
    corner: [usize; 2],
    size: [usize; 2],
    /// Number of the connected piece, from 1; 0 outside.
    piece: Vec<u32>,
    /// Number of voxels and the first voxel, by piece.
    pieces: Vec<(usize, [usize; 2])>,
}

const PAD: usize = 1;

impl Pixels {
    /// Without spurs.
    fn of(volume: &Volume<i16>, bone: &Region, k: usize) -> Option<Self> {
        let runs = bone.runs(k);
        let first = runs.iter().map(|run| run.first).min()?;
        let last = runs.iter().map(|run| run.last).max()?;
        let (top, bottom) = (runs.first()?.j, runs.last()?.j);
        let size = [last - first + 1 + 2 * PAD, bottom - top + 1 + 2 * PAD];
        let mut inside = vec![false; size[0] * size[1]];
        for run in runs {
            let row = (run.j - top + PAD) * size[0] + PAD;
            inside[row + run.first - first..=row + run.last - first].fill(true);
        }
        let (narrow_off, soft_off) =
            (opened(&inside, size, volume, SPUR_MM), opened(&inside, size, volume, SOFT_SPUR_MM));
        let (pixels, columns) = (volume.slice(k), volume.grid.size[0]);
        for (n, inside) in inside.iter_mut().enumerate().filter(|(_, inside)| **inside) {
            let at = (n / size[0] + top - PAD) * columns + n % size[0] + first - PAD;
            *inside = soft_off[n] || (narrow_off[n] && pixels[at] >= SOFT_HU);
        }
        Some(Self::numbered([first, top], size, &inside))
    }

    fn numbered(corner: [usize; 2], size: [usize; 2], inside: &[bool]) -> Self {
        let (mut piece, mut pieces) = (vec![0u32; inside.len()], Vec::new());
        for start in 0..inside.len() {
            if !inside[start] || piece[start] > 0 {
                continue;
            }
            let (number, mut count) = (pieces.len() as u32 + 1, 0);
            let mut open = vec![start];
            piece[start] = number;
            while let Some(n) = open.pop() {
                count += 1;
                let (i, j) = (n % size[0], n / size[0]);
                let beside = [
                    (i > 0).then(|| n - 1),
                    (i + 1 < size[0]).then_some(n + 1),
                    (j > 0).then(|| n - size[0]),
                    (j + 1 < size[1]).then_some(n + size[0]),
                ];
                for next in beside.into_iter().flatten() {
                    if inside[next] && piece[next] == 0 {
                        piece[next] = number;
                        open.push(next);
                    }
                }
            }
            pieces.push((count, [start % size[0], start / size[0]]));
        }
        Self { corner, size, piece, pieces }
    }

    /// The first voxel of the largest piece, and its share of all voxels.
    fn largest(&self) -> Option<([usize; 2], f64)> {
        let all: usize = self.pieces.iter().map(|(count, _)| count).sum();
        let (count, start) = self.pieces.iter().max_by_key(|(count, _)| *count)?;
        Some((*start, *count as f64 / all as f64))
    }

    /// The middles of the edges around the piece of a voxel that is the first of its row, and its row the first of the piece: columns
    /// and rows from the box' corner.
    fn around(&self, [i, j]: [usize; 2]) -> Vec<[f64; 2]> {
        let number = self.piece[j * self.size[0] + i];
        let inside = |x: isize, y: isize| {
            let within = x >= 0 && y >= 0 && x < self.size[0] as isize && y < self.size[1] as isize;
            within && self.piece[y as usize * self.size[0] + x as usize] == number
        };
        // From corner to corner between voxels, the inside always on the same hand.
        let start = [i as isize, j as isize];
        let (mut at, mut step) = (start, [1isize, 0isize]);
        let mut points = Vec::new();
        loop {
            points.push([0, 1].map(|a| at[a] as f64 + 0.5 * step[a] as f64 - 0.5));
            at = [at[0] + step[0], at[1] + step[1]];
            // The voxels ahead, on the inner and on the outer hand.
            let hand = [-step[1], step[0]];
            let ahead = |side: isize| {
                let voxel = [0, 1].map(|a| (2 * at[a] + step[a] + side * hand[a] - 1).div_euclid(2));
                inside(voxel[0], voxel[1])
            };
            if !ahead(1) {
                step = hand;
            } else if ahead(-1) {
                step = [-hand[0], -hand[1]];
            }
            if at == start && step == [1, 0] {
                return points;
            }
        }
    }
}

/// What of a plane is within `radius_mm` of a place that lies deeper than that.
fn opened(inside: &[bool], size: [usize; 2], volume: &Volume<i16>, radius_mm: f64) -> Vec<bool> {
    let plane = |set: &[bool]| squared_distance_mm2(set, [size[0], size[1], 1], volume.grid.spacing_mm.into());
    let far = (radius_mm * radius_mm) as f32;
    let outside_the_core: Vec<bool> = plane(inside).iter().map(|depth| *depth < far).collect();
    plane(&outside_the_core).iter().map(|away| *away <= far).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Grid;
    use nalgebra::{Matrix3, Point3, Vector3};

    fn grid() -> Grid {
        Grid {
            size: [60, 60, 1],
            origin_mm: Point3::origin(),
            directions: Matrix3::identity(),
            spacing_mm: Vector3::new(1.0, 0.8, 2.0),
        }
    }

    /// An image that is all bone.
    fn volume() -> Volume<i16> {
        let grid = grid();
        Volume { voxels: vec![400; grid.len()].into(), grid }
    }

    #[test]
    fn a_bean_has_its_outline_and_two_pieces_have_none() {
        let grid = grid();
        let disc = |i: usize, j: usize, at: [f64; 2], r: f64| (i as f64 - at[0]).hypot(0.8 * j as f64 - at[1]) < r;
        let bean = Region::from_fn(grid.size, |i, j, _| {
            (disc(i, j, [24.0, 24.0], 12.0) || disc(i, j, [34.0, 24.0], 9.0)) && !disc(i, j, [32.0, 12.0], 6.0)
        });
        let curve = outline(&volume(), &bean, 0).expect("one piece");
        let area = bean.len() as f64 * 0.8;
        assert!((curve.area_mm2() / area - 1.0).abs() < 0.01, "{} {area}", curve.area_mm2());
        assert!(curve.signed_distance_mm([24.0, 24.0]) < -8.0 && curve.signed_distance_mm([32.0, 14.0]) > 2.0);
        let two = Region::from_fn(grid.size, |i, j, _| disc(i, j, [15.0, 24.0], 9.0) || disc(i, j, [40.0, 24.0], 7.0));
        assert!(outline(&volume(), &two, 0).is_none());
        assert!(outline(&volume(), &Region::empty(grid.size), 0).is_none());
    }

    #[test]
    fn voxels_that_touch_at_a_corner_are_two_pieces() {
        let inside: Vec<bool> = (0..36)
            .map(|n| (n % 6, n / 6))
            .map(|(i, j)| (1..5).contains(&i) && (1..5).contains(&j) && (i < 3) == (j < 3))
            .collect();
        let pixels = Pixels::numbered([0, 0], [6, 6], &inside);
        assert_eq!((pixels.pieces.len(), pixels.around([1, 1]).len(), pixels.around([3, 3]).len()), (2, 8, 8));
    }

    #[test]
    fn a_spur_is_no_part_of_the_outline() {
        let grid = grid();
        let disc = |i: usize, j: usize| (i as f64 - 24.0).hypot(0.8 * j as f64 - 24.0) < 12.0;
        let plain = Region::from_fn(grid.size, |i, j, _| disc(i, j));
        let spurred =
            Region::from_fn(grid.size, |i, j, _| disc(i, j) || ((30..44).contains(&i) && (30..32).contains(&j)));
        let area = |region: &Region| outline(&volume(), region, 0).expect("one piece").area_mm2();
        assert!((area(&spurred) / area(&plain) - 1.0).abs() < 0.01);
    }
}
