//! The head of a femur of which the border of the image leaves only the part next to the shaft.
//!
//! A whole ball tells its centre and radius by itself ([`super::ball`]). A cap, cut off across its axis, tells where that axis runs, and how deep the
//! centre lies behind the border the worse the less of the cap is seen. The fit therefore counts only what the image shows and the neck leaves free,
//! holds the radius near that of adults and the depth near where it started, and starts at several depths. The best one is a head where the surface lies on it nearly
//! everywhere, where bone fills it, and where it looks from the shaft to the middle of the body: trochanters and the root of a neck are round, too.

use super::Side;
use super::ball::{Ball, Balls, EDGE_HU_PER_MM, RADII_MM, directions};
use super::head::{GRIPPED_MM, Head};
use super::window::Window;
use nalgebra::{Matrix4, Vector3, Vector4};
use rayon::prelude::*;

/// Radius of an adult's femoral head, mm: about this, and how much it differs (one standard deviation, women and men together).
const ADULT_MM: [f64; 2] = [23.5, 2.0];
/// Depths behind the border at which the centre is first looked for, mm, and how far from there it may lie (one standard deviation).
const DEPTHS_MM: [f64; 4] = [-2.0, 3.0, 8.0, 13.0];
const DEPTH_MM: f64 = 4.0;
/// No fit moves the centre by more than this, mm.
const MOVED_MM: f64 = 15.0;
/// Slices this near the border tell where the axis may run, mm; radii of its sections there, and side of the cells in which axes are counted, mm.
const NEAR_BORDER_MM: f64 = 10.0;
const SECTION_MM: [f64; 2] = [10.0, 28.0];
const CELL_MM: f64 = 2.0;
/// Axes that are looked at, and how far they lie apart, mm.
const AXES: usize = 8;
const APART_MM: f64 = 8.0;
/// Directions over the sphere in which it is looked at; only a small share of them shows it.
const RAYS: usize = 1600;
/// The neck, and what lies beside it, is within this angle of its axis.
const NECK_DEG: f64 = 75.0;
/// How well one direction places the surface, mm: it sees the same voxels as those beside it, so that each counts for little. What lies further off than
/// [`OFF_MM`] counts less.
const SURFACE_MM: f64 = 4.0;
const OFF_MM: f64 = 2.0;
/// Share of what is seen of the surface away from the neck that must lie on the ball, and the least share of the sphere that this must be.
const SHARE: f64 = 0.75;
const LEAST_SEEN: f64 = 0.03;
/// Share of what is seen of the ball that must be bone: solid, or denser than muscle, HU.
const BONE_SHARE: f64 = 0.8;
const SPONGY_HU: f32 = 100.0;
/// Share of the way from the axis to the head that must lead to the middle of the body: where the side is known, and where it is not.
const INWARDS: [f64; 2] = [0.35, 0.5];
/// Up to here beyond the border the centre is told, mm.
const TOLD_MM: f64 = 3.5;

/// The slice at which the image cuts what lies beyond the shaft towards the patient's head.
struct Border {
    slice: usize,
    mm: f64,
    /// Along the slices of the window, out of the image.
    outwards: f64,
}

impl Border {
    fn of(window: &Window, upper: bool) -> Option<Border> {
        let outwards = if upper { 1.0 } else { -1.0 };
        let cranial = window.direction_of(Vector3::z()).z * outwards > 0.0;
        let (slice, at_edge) = window.last_slice(upper);
        (cranial && at_edge).then(|| Border { slice, mm: slice as f64 * window.spacing_mm[2], outwards })
    }

    fn beyond_mm(&self, place: Vector3<f64>) -> f64 {
        (place.z - self.mm) * self.outwards
    }
}

/// The head at the end of a femur that the image's border cuts; `None` where none is seen, and where the border is not in the window.
///
/// `solid` is what is bone in the window; `end` the last point of the shaft's axis and its direction, out of the shaft, along the axes of the window.
pub(super) fn cut_head(
    finder: &Balls,
    solid: &[bool],
    end: [Vector3<f64>; 2],
    upper: bool,
    side: Side,
) -> Option<Head> {
    let window = finder.window;
    let border = Border::of(window, upper)?;
    let axes = axes_at_border(finder, border.slice, |voxel| {
        let from = window.mm(voxel) - end[0];
        solid[voxel] && (from - end[1] * from.dot(&end[1])).norm() >= 0.7 * GRIPPED_MM
    });
    let starts = axes.iter().flat_map(|axis| DEPTHS_MM.map(|mm| axis + Vector3::z() * (border.outwards * mm)));
    let found: Vec<Head> = starts
        .collect::<Vec<_>>()
        .into_par_iter()
        .filter_map(|start| fit(finder, start, end))
        .filter_map(|ball| accepted(finder, solid, Head::placed(ball, end[0], end[1])?, side))
        .collect();
    let best = found.into_iter().max_by(|a, b| a.share.total_cmp(&b.share))?;
    Some(Head { cut: true, told: border.beyond_mm(best.ball.centre_mm) <= TOLD_MM, ..best })
}

/// Is a ball a head?
fn accepted(finder: &Balls, solid: &[bool], head: Head, side: Side) -> Option<Head> {
    let free = |u: Vector3<f64>| u.dot(&head.neck) < NECK_DEG.to_radians().cos();
    let [share, seen] = finder.share_seen(&head.ball, RAYS, free);
    let is_head = head.beside_mm >= GRIPPED_MM
        && looks_inwards(&head, finder.window, side)
        && share >= SHARE
        && seen >= LEAST_SEEN
        && bone_share(finder.window, solid, &head.ball) >= BONE_SHARE;
    is_head.then_some(Head { share, ..head })
}

/// Does the head look towards the middle of the body, and to that of the side that is known?
fn looks_inwards(head: &Head, window: &Window, side: Side) -> bool {
    let left = head.leftwards(window);
    match side {
        Side::Left => -left >= INWARDS[0],
        Side::Right => left >= INWARDS[0],
        Side::Unknown => left.abs() >= INWARDS[1],
    }
}

/// Share of the voxels well inside the ball that are bone.
fn bone_share(window: &Window, solid: &[bool], ball: &Ball) -> f64 {
    let within = |n: &usize| (window.mm(*n) - ball.centre_mm).norm() <= ball.radius_mm - 2.0;
    let (mut all, mut bone) = (0usize, 0usize);
    for n in (0..solid.len()).filter(within) {
        all += 1;
        bone += usize::from(solid[n] || window.hu[n] >= SPONGY_HU);
    }
    bone as f64 / all.max(1) as f64
}

/// Places in the slice at the border, of those for which `may` holds, through which the axis of a ball may run, the likeliest first. The sections of a ball
/// are circles around it: the edges of all slices near the border point at it.
fn axes_at_border(finder: &Balls, slice: usize, may: impl Fn(usize) -> bool) -> Vec<Vector3<f64>> {
    let window = finder.window;
    let s = window.spacing_mm;
    let cells = [0, 1].map(|a| (window.size[a] as f64 * s[a] / CELL_MM).ceil() as usize + 1);
    let near = ((NEAR_BORDER_MM / s[2]).round() as usize).max(1);
    let mut count = vec![0u32; cells[0] * cells[1]];
    for k in (0..window.size[2]).filter(|k| k.abs_diff(slice) <= near) {
        vote(finder, k, cells, &mut count);
    }
    let around = |cell: usize| -> u32 {
        let (x, y) = (cell % cells[0], cell / cells[0]);
        let columns = x.saturating_sub(1)..(x + 2).min(cells[0]);
        let rows = y.saturating_sub(1)..(y + 2).min(cells[1]);
        rows.map(|y| columns.clone().map(|x| count[x + cells[0] * y]).sum::<u32>()).sum()
    };
    let mut ranked: Vec<(u32, usize)> = (0..count.len()).map(|cell| (around(cell), cell)).collect();
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut axes: Vec<Vector3<f64>> = Vec::new();
    for (_, cell) in ranked {
        let at = [(cell % cells[0]) as f64 * CELL_MM, (cell / cells[0]) as f64 * CELL_MM];
        let place = Vector3::new(at[0], at[1], slice as f64 * s[2]);
        let voxel = window.voxel([at[0] / s[0], at[1] / s[1], slice as f64]);
        if voxel.is_some_and(&may) && axes.iter().all(|other| (other - place).norm() > APART_MM) {
            axes.push(place);
            if axes.len() == AXES {
                break;
            }
        }
    }
    axes
}

/// Each edge of a slice votes for the places that it points at.
fn vote(finder: &Balls, k: usize, cells: [usize; 2], count: &mut [u32]) {
    let [columns, rows, _] = finder.window.size;
    let s = finder.window.spacing_mm;
    for j in 1..rows.saturating_sub(1) {
        for i in 1..columns.saturating_sub(1) {
            let voxel = i + columns * (j + rows * k);
            let step = |stride: usize| f64::from(finder.field[voxel + stride] - finder.field[voxel - stride]);
            let rise = [step(1) / (2.0 * s[0]), step(columns) / (2.0 * s[1])];
            let steep = rise[0].hypot(rise[1]);
            if steep < EDGE_HU_PER_MM {
                continue;
            }
            let mut radius = SECTION_MM[0];
            while radius <= SECTION_MM[1] {
                let at = [i as f64 * s[0] + rise[0] / steep * radius, j as f64 * s[1] + rise[1] / steep * radius];
                let cell = at.map(|v| (v / CELL_MM).round());
                if (0..2).all(|a| (0.0..cells[a] as f64).contains(&cell[a])) {
                    count[cell[0] as usize + cells[0] * cell[1] as usize] += 1;
                }
                radius += CELL_MM;
            }
        }
    }
}

/// Fits a ball to what is seen of it away from its neck; `None` where that is too little.
fn fit(finder: &Balls, start: Vector3<f64>, end: [Vector3<f64>; 2]) -> Option<Ball> {
    let mut ball = Ball { centre_mm: start, radius_mm: ADULT_MM[0], share: 0.0 };
    // From wide to narrow: how far the surface may lie from the ball, and how much the depth is held.
    let steps = [(6.0, 1.0), (5.0, 1.0), (4.0, 1.0), (3.0, 2.0), (3.0, 2.0), (3.0, 2.0), (3.0, 2.0)];
    for (reach, free) in steps {
        let neck = Head::placed(ball, end[0], end[1])?.neck;
        let points: Vec<Vector3<f64>> = directions(RAYS)
            .filter(|u| u.dot(&neck) < NECK_DEG.to_radians().cos())
            .filter_map(|u| finder.surface_seen(&ball, u, reach).map(|r| ball.centre_mm + u * r))
            .collect();
        if (points.len() as f64) < LEAST_SEEN * RAYS as f64 {
            return None;
        }
        ball = closer(&points, &ball, start.z, free * DEPTH_MM)?;
        if (ball.centre_mm - start).norm() > MOVED_MM || !(RADII_MM[0]..=RADII_MM[1]).contains(&ball.radius_mm) {
            return None;
        }
    }
    Some(ball)
}

/// One step (Gauss, Newton) towards the ball nearest to the points, its radius held near that of adults and its depth near `depth_mm`, within `depth_sigma_mm`.
fn closer(points: &[Vector3<f64>], ball: &Ball, depth_mm: f64, depth_sigma_mm: f64) -> Option<Ball> {
    let (mut normal, mut right) = (Matrix4::zeros(), Vector4::zeros());
    for p in points {
        let q = p - ball.centre_mm;
        let off = q.norm() - ball.radius_mm;
        let u = q.normalize();
        let weight = 1.0 / (1.0 + (off / OFF_MM).powi(2)) / SURFACE_MM.powi(2);
        let row = Vector4::new(u.x, u.y, u.z, 1.0);
        normal += row * row.transpose() * weight;
        right += row * (off * weight);
    }
    let held = [(2, depth_mm - ball.centre_mm.z, depth_sigma_mm), (3, ADULT_MM[0] - ball.radius_mm, ADULT_MM[1])];
    for (unknown, off, sigma) in held {
        normal[(unknown, unknown)] += 1.0 / (sigma * sigma);
        right[unknown] += off / (sigma * sigma);
    }
    let step = normal.cholesky()?.solve(&right);
    let centre_mm = ball.centre_mm + Vector3::new(step.x, step.y, step.z);
    Some(Ball { centre_mm, radius_mm: ball.radius_mm + step.w, share: 0.0 })
}
