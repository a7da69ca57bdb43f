//! The head of a femur or humerus: the one ball of bone in the body.

use super::window::{Window, blur};
use nalgebra::{Matrix4, Vector3, Vector4};
use rayon::prelude::*;

/// Radii of heads, children's and the largest adults' included, mm.
pub(super) const RADII_MM: [f64; 2] = [17.0, 30.0];
/// HU between which edges count.
const LEVELS_HU: [f32; 2] = [0.0, 500.0];
/// Sharpening that opens the joint space beside a head, gain and blur in mm, and the blur before edges are read, mm.
const SHARPEN: (f32, f64) = (2.5, 1.2);
const SIGMA_MM: f64 = 0.7;
/// Rise of HU that makes an edge, HU per mm.
pub(super) const EDGE_HU_PER_MM: f64 = 25.0;
/// Side of the cells in which centres are counted, mm.
const CELL_MM: f64 = 4.0;
/// How far outside the window a centre may lie.
const MARGIN_MM: f64 = 16.0;
/// Directions in which a ball is looked at.
const RAYS: usize = 400;
/// Fall of HU outwards, over 2 mm, that shows its surface.
const FALL_HU: f64 = 60.0;
/// Stands for a fall that the image does not show.
const UNSEEN: f64 = f64::NEG_INFINITY;
/// An inner fall of this share of the greatest is taken before it.
const INNER: f64 = 0.45;
/// How near the surface must lie to that of the ball, mm.
const NEAR_MM: f64 = 1.5;
/// How far from the ball it is looked for, and how far inside and outside the image must show it, mm.
const REACH_MM: f64 = 3.0;
const NEEDED_MM: f64 = 2.5;
/// Share of the directions in which it does; a condyle shows less.
const MIN_SHARE: f64 = 0.2;
/// Candidates that are looked at closely.
const CANDIDATES: usize = 12;

/// A ball of bone in a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ball {
    /// Centre, mm along the axes of the window.
    pub centre_mm: Vector3<f64>,
    pub radius_mm: f64,
    /// Share of the directions in which the surface of bone lies on the ball.
    pub share: f64,
}

/// Looks for balls in a window.
pub struct Balls<'a> {
    pub(super) window: &'a Window,
    /// HU where edges count, blurred.
    pub(super) field: Vec<f32>,
}

impl Balls<'_> {
    pub fn new(window: &Window) -> Balls<'_> {
        let sharp = window.sharpened(SHARPEN.0, SHARPEN.1);
        let clipped: Vec<f32> = sharp.iter().map(|v| v.clamp(LEVELS_HU[0], LEVELS_HU[1])).collect();
        Balls { window, field: blur(&clipped, window.size, window.spacing_mm, SIGMA_MM) }
    }

    /// All that look like one, the most complete first.
    pub fn find(&self) -> Vec<Ball> {
        let mut found: Vec<Ball> = votes(self.window, &self.field)
            .into_par_iter()
            .filter_map(|centre| fit(self.window, &self.field, centre))
            .filter(|ball| ball.share >= MIN_SHARE)
            .collect();
        found.sort_by(|a, b| b.share.total_cmp(&a.share));
        found
    }

    /// Distance of the surface in a direction, mm; `None` where what the image shows has none within `reach` of the ball.
    pub fn surface_seen(&self, ball: &Ball, direction: Vector3<f64>, reach: f64) -> Option<f64> {
        surface(self.window, &self.field, ball, direction, reach, true)
    }

    /// Of `rays` directions over the sphere those for which `of` holds and that the image shows: the share in which the surface lies on the ball, and
    /// which share of the sphere they are.
    pub fn share_seen(&self, ball: &Ball, rays: usize, of: impl Fn(Vector3<f64>) -> bool) -> [f64; 2] {
        let (mut seen, mut on) = (0usize, 0usize);
        for u in directions(rays).filter(|u| of(*u)) {
            let at = |off: f64| sample(self.window, &self.field, ball.centre_mm + u * (ball.radius_mm + off));
            if at(-NEEDED_MM).and(at(NEEDED_MM)).is_some() {
                seen += 1;
                let on_ball = |r: f64| (r - ball.radius_mm).abs() <= NEAR_MM;
                on += usize::from(self.surface_seen(ball, u, REACH_MM).is_some_and(on_ball));
            }
        }
        [on as f64 / seen.max(1) as f64, seen as f64 / rays as f64]
    }

    /// Share of the directions within 90° of `towards` in which the ball shows its surface, of those that the image shows;
    /// `None` when it shows too few.
    pub fn cap_share(&self, ball: &Ball, towards: Vector3<f64>) -> Option<f64> {
        let (mut seen, mut on) = (0u16, 0u16);
        for u in directions(RAYS).filter(|u| u.dot(&towards) > 0.0) {
            if sample(self.window, &self.field, ball.centre_mm + u * (ball.radius_mm + 4.0)).is_some() {
                seen += 1;
                on += u16::from(shows(self.window, &self.field, ball, u));
            }
        }
        (usize::from(seen) >= RAYS / 8).then(|| f64::from(on) / f64::from(seen))
    }
}

/// Does the surface of bone lie on the ball in this direction?
fn shows(window: &Window, field: &[f32], ball: &Ball, u: Vector3<f64>) -> bool {
    surface(window, field, ball, u, REACH_MM, false).is_some_and(|r| (r - ball.radius_mm).abs() <= NEAR_MM)
}

/// Centres that many edges point at (Hough), the best first.
fn votes(window: &Window, field: &[f32]) -> Vec<Vector3<f64>> {
    let s = window.spacing_mm;
    // The centre may lie outside the image.
    let cells: [usize; 3] =
        std::array::from_fn(|a| ((window.size[a] as f64 * s[a] + 2.0 * MARGIN_MM) / CELL_MM).ceil() as usize + 1);
    let mut count = vec![0u32; cells.iter().product()];
    let plane = window.size[0] * window.size[1];
    let stride = [1, window.size[0], plane];
    for voxel in 0..field.len() {
        let at = window.index(voxel);
        if (0..3).any(|a| at[a] == 0 || at[a] + 1 >= window.size[a]) {
            continue;
        }
        let rise =
            Vector3::from_fn(|a, _| f64::from(field[voxel + stride[a]] - field[voxel - stride[a]]) / (2.0 * s[a]));
        let steep = rise.norm();
        if steep < EDGE_HU_PER_MM {
            continue;
        }
        let place = window.mm(voxel);
        let mut radius = RADII_MM[0];
        while radius <= RADII_MM[1] {
            let centre = place + rise * (radius / steep);
            let cell: [f64; 3] = std::array::from_fn(|a| ((centre[a] + MARGIN_MM) / CELL_MM).round());
            if (0..3).all(|a| (0.0..cells[a] as f64).contains(&cell[a])) {
                count[cell[0] as usize + cells[0] * (cell[1] as usize + cells[1] * cell[2] as usize)] += 1;
            }
            radius += 0.5 * CELL_MM;
        }
    }
    let near = |cell: usize| {
        let at = [cell % cells[0], cell / cells[0] % cells[1], cell / (cells[0] * cells[1])];
        let mut sum = 0;
        for k in at[2].saturating_sub(1)..(at[2] + 2).min(cells[2]) {
            for j in at[1].saturating_sub(1)..(at[1] + 2).min(cells[1]) {
                for i in at[0].saturating_sub(1)..(at[0] + 2).min(cells[0]) {
                    sum += count[i + cells[0] * (j + cells[1] * k)];
                }
            }
        }
        sum
    };
    let mut ranked: Vec<(u32, usize)> = (0..count.len()).filter(|c| count[*c] > 0).map(|c| (near(c), c)).collect();
    ranked.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut centres: Vec<Vector3<f64>> = Vec::new();
    for (_, cell) in ranked {
        let at = [cell % cells[0], cell / cells[0] % cells[1], cell / (cells[0] * cells[1])];
        let centre = Vector3::from_fn(|a, _| at[a] as f64 * CELL_MM - MARGIN_MM);
        if centres.iter().all(|other| (other - centre).norm() > 3.0 * CELL_MM) {
            centres.push(centre);
            if centres.len() == CANDIDATES {
                break;
            }
        }
    }
    centres
}

/// Directions spread evenly over the sphere (golden spiral).
pub(super) fn directions(n: usize) -> impl Iterator<Item = Vector3<f64>> {
    let golden = std::f64::consts::PI * (3.0 - 5f64.sqrt());
    (0..n).map(move |i| {
        let z = 1.0 - (2.0 * i as f64 + 1.0) / n as f64;
        let r = (1.0 - z * z).sqrt();
        Vector3::new(r * (golden * i as f64).cos(), r * (golden * i as f64).sin(), z)
    })
}

/// The field between voxels; `None` outside the window.
pub(super) fn sample(window: &Window, field: &[f32], mm: Vector3<f64>) -> Option<f64> {
    let at: [f64; 3] = std::array::from_fn(|a| mm[a] / window.spacing_mm[a]);
    let low: [usize; 3] = std::array::from_fn(|a| at[a].max(0.0) as usize);
    if (0..3).any(|a| at[a] < 0.0 || at[a] > (window.size[a] - 1) as f64) {
        return None;
    }
    let mut sum = 0.0;
    for corner in 0..8usize {
        let (mut weight, mut voxel) = (1.0, 0);
        for a in [2, 1, 0] {
            let up = corner >> a & 1;
            let share = at[a] - low[a] as f64;
            weight *= if up == 1 { share } else { 1.0 - share };
            voxel = voxel * window.size[a] + (low[a] + up).min(window.size[a] - 1);
        }
        sum += weight * f64::from(field[voxel]);
    }
    Some(sum)
}

/// Fits a ball to the falling edges around a centre; `None` where there are too few.
fn fit(window: &Window, field: &[f32], centre: Vector3<f64>) -> Option<Ball> {
    let mut ball = Ball { centre_mm: centre, radius_mm: 0.5 * (RADII_MM[0] + RADII_MM[1]), share: 0.0 };
    // From wide to narrow: how far the surface may lie from the ball.
    for reach in [9.0, 7.0, 5.0, 4.0, 3.0, 3.0] {
        let points: Vec<Vector3<f64>> = directions(RAYS)
            .filter_map(|u| surface(window, field, &ball, u, reach, false).map(|r| ball.centre_mm + u * r))
            .collect();
        let near = |p: &&Vector3<f64>| ((*p - ball.centre_mm).norm() - ball.radius_mm).abs() <= reach;
        let (centre_mm, radius_mm) = sphere(&points.iter().filter(near).copied().collect::<Vec<_>>(), &ball)?;
        if (centre_mm - centre).norm() > 15.0 || !(RADII_MM[0] - 3.0..RADII_MM[1] + 3.0).contains(&radius_mm) {
            return None;
        }
        ball = Ball { centre_mm, radius_mm, share: 0.0 };
    }
    let on = directions(RAYS).filter(|u| shows(window, field, &ball, *u)).count();
    let right_size = (RADII_MM[0]..=RADII_MM[1]).contains(&ball.radius_mm);
    right_size.then_some(Ball { share: on as f64 / RAYS as f64, ..ball })
}

/// Distance of the surface, near the radius of the ball: the innermost place where HU fall about as much as anywhere there.
/// Outside it follow the socket's own surfaces. Where the border of the image lies nearer than `reach`, what is seen counts if `in_part`.
fn surface(
    window: &Window,
    field: &[f32],
    ball: &Ball,
    direction: Vector3<f64>,
    reach: f64,
    in_part: bool,
) -> Option<f64> {
    let at = |r: f64| sample(window, field, ball.centre_mm + direction * r);
    let steps = (2.0 * reach / 0.5) as usize;
    let place = |n: usize| ball.radius_mm - reach + 0.5 * n as f64;
    let fall = |n: usize| match at(place(n) - 1.0).zip(at(place(n) + 1.0)) {
        Some((inner, outer)) => Some(inner - outer),
        None => in_part.then_some(UNSEEN),
    };
    let falls: Vec<f64> = (0..=steps).map(fall).collect::<Option<_>>()?;
    let most = falls.iter().fold(0.0, |a: f64, b| a.max(*b));
    let level = FALL_HU.max(INNER * most);
    let first = falls.iter().position(|fall| *fall >= level)?;
    let end = falls[first..].iter().position(|fall| *fall < level).map_or(falls.len(), |n| first + n);
    let best = (first..end).max_by(|a, b| falls[*a].total_cmp(&falls[*b]))?;
    // Where what is seen ends HU may go on to fall.
    let at_end = [best.checked_sub(1), Some(best + 1)].into_iter().flatten().any(|n| falls.get(n) == Some(&UNSEEN));
    (!at_end).then(|| place(best))
}

/// Sphere through points by least squares, those far off the last one counting less (linear in centre and power).
fn sphere(points: &[Vector3<f64>], last: &Ball) -> Option<(Vector3<f64>, f64)> {
    if points.len() < RAYS / 5 {
        return None;
    }
    let (mut normal, mut right) = (Matrix4::zeros(), Vector4::zeros());
    for p in points {
        let q = p - last.centre_mm;
        let off = (q.norm() - last.radius_mm) / 3.0;
        let weight = 1.0 / (1.0 + off * off);
        let row = Vector4::new(2.0 * q.x, 2.0 * q.y, 2.0 * q.z, 1.0);
        normal += row * row.transpose() * weight;
        right += row * (q.norm_squared() * weight);
    }
    let solved = normal.cholesky()?.solve(&right);
    let shift = Vector3::new(solved.x, solved.y, solved.z);
    let square = solved.w + shift.norm_squared();
    (square > 0.0).then(|| (last.centre_mm + shift, square.sqrt()))
}
