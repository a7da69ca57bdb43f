//! Where the bone goes beyond its last ring when a lesion has opened it there.
//!
//! A shaft's axis runs through the middles of its rings and straight on beyond the last. Bones bend, and towards a joint they widen: over the
//! length of a lesion the straight line leaves the bone by millimetres, and every sector's edge that is carried along it with it. What still
//! stands of the wall tells where the bone has gone: slice by slice from the last ring on, that ring's outline is laid on it, moved, and wider
//! or narrower, at rates that change little along the bone (an extended Kalman filter of shift and width with constant rates). Half an outline
//! alone does not tell a bone that widens from one that bends; the rates do, and the rings' own trend of width is where they begin.
//!
//! Between two rings the axis is held from both sides and needs no following.

use super::SECTORS;
use super::contour::{Map, Periosteum, edge_near};
use super::limits::BONE_HU;
use super::polar::{Direction, Polar, STEP_MM, sector_angle};
use crate::smoothing::straight_line;
use nalgebra::{Matrix6, Vector3, Vector6};

/// Distance from the outline at which an edge has half the say, mm.
const OFF_MM: f64 = 0.5;
/// Variance that one edge tells against, mm²: outlines change their shape along the bone, and all edges of a slice, and those of the next, are
/// off together.
const EDGE_MM2: f64 = 16.0;
/// Standard deviations at the last ring: shift, mm; its rate, mm per mm; logarithm of the width, and its rate, per mm.
const SHIFT_MM: f64 = 0.1;
const SHIFT_RATE: f64 = 0.05;
const WIDTH: f64 = 0.01;
const WIDTH_RATE: f64 = 0.001;
/// What a millimetre adds to those of the rates (as a random walk: per square root of it).
const SHIFT_RATE_CHANGE: f64 = 0.005;
const WIDTH_RATE_CHANGE: f64 = 0.0008;
/// Share of what an edge is off by that the outline takes over from slice to slice.
const TAKEN_OVER: f64 = 0.4;
/// Rounds in which shift and width of a slice are found.
const ROUNDS: usize = 4;
/// Sectors whose edge must be seen to follow the bone.
const SEEN: usize = SECTORS / 4;
/// Farthest that a middle is moved, mm.
const FARTHEST_MM: f64 = 12.0;
/// Stretch of rings whose trend of width goes on, mm.
const TREND_MM: f64 = 40.0;
/// So near to its last ring a bone is looked at for being open, mm, and it is where of as large a share of its contour no bone stands; over less
/// than the shortest stretch the straight line stays with it.
const NEAR_MM: f64 = 30.0;
const OPEN: f64 = 0.12;
const SHORTEST_MM: f64 = 12.0;
/// No bone stands where none shows so near to the contour, mm.
const NO_BONE_MM: f64 = 6.0;

/// Where an open bone is followed to.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    /// Its middle in each slice, from the centre of the rays, mm left and posterior; nothing up to the last rings.
    pub shift_mm: Vec<[f64; 2]>,
    /// Its outline about that middle, mm per sector; NaN where it is not followed.
    pub outline_mm: Map,
}

impl Course {
    /// A bone that runs along the centres of its rays.
    pub fn straight(slices: usize) -> Self {
        Self { shift_mm: vec![[0.0; 2]; slices], outline_mm: vec![vec![f64::NAN; SECTORS]; slices] }
    }

    /// Follows the bone beyond its first and last ring where it is open there. `surface` is a first outline about the centres of the rays,
    /// `cortical_hu` what its compact wall has.
    pub fn follow(polar: &Polar, surface: &Periosteum, is_ring: &[bool], cortical_hu: f64, dz_mm: f64) -> Self {
        let n = polar.slices();
        let rings: Vec<usize> = (0..n).filter(|k| is_ring[*k]).collect();
        let mut course = Self::straight(n);
        let (Some(first), Some(last)) = (rings.first().copied(), rings.last().copied()) else { return course };
        for (from, beyond) in [(last, (last + 1..n).collect::<Vec<_>>()), (first, (0..first).rev().collect())] {
            if !is_open(polar, surface, &beyond, dz_mm) {
                continue;
            }
            let mut outline = Outline::new(surface.radius_mm[from].clone(), trend(surface, &rings, from, dz_mm));
            for k in beyond {
                // Where too little is seen it waits for the next slice.
                let _ = outline.follow_to(polar, k, cortical_hu, dz_mm);
                course.shift_mm[k] = [outline.state[0], outline.state[1]];
                course.outline_mm[k].clone_from(&outline.radius_mm);
            }
        }
        course
    }
}

/// Has the bone lost so much of its wall in these slices, in order away from its last ring, that it must be followed?
fn is_open(polar: &Polar, surface: &Periosteum, slices: &[usize], dz_mm: f64) -> bool {
    let seen = |k: &usize| surface.observed_mm[*k].iter().filter(|r| r.is_finite()).count();
    let near = slices.iter().take(((NEAR_MM / dz_mm) as usize).max(1)).take_while(|k| seen(k) >= SEEN);
    let gone = |k: usize| (0..SECTORS).filter(|s| is_gone(polar.ray(k, *s), surface.radius_mm[k][*s])).count();
    let (gone, slices) = near.fold((0, 0), |(sum, slices), k| (sum + gone(*k), slices + 1));
    slices as f64 * dz_mm >= SHORTEST_MM && gone as f64 > OPEN * (slices * SECTORS) as f64
}

/// Does no bone stand at the contour, nor near it?
fn is_gone(ray: &[f32], radius_mm: f64) -> bool {
    let at = |mm: f64| ((mm / STEP_MM).max(0.0) as usize).min(ray.len() - 1);
    ray[at(radius_mm - NO_BONE_MM)..=at(radius_mm + NO_BONE_MM)].iter().all(|hu| *hu < BONE_HU)
}

/// Change of the logarithm of the width per mm away from ring `from`, over the rings near it.
fn trend(surface: &Periosteum, rings: &[usize], from: usize, dz_mm: f64) -> f64 {
    let away = |k: usize| k.abs_diff(from) as f64 * dz_mm;
    let log_width = |k: usize| surface.radius_mm[k].iter().map(|r| r.ln()).sum::<f64>() / SECTORS as f64;
    let near: Vec<(f64, f64)> =
        rings.iter().filter(|k| away(**k) <= TREND_MM).map(|k| (away(*k), log_width(*k))).collect();
    // The rings lie behind, where it goes on is ahead.
    -straight_line(&near).1
}

/// A closed outline that is laid on what stands, slice by slice.
struct Outline {
    radius_mm: Vec<f64>,
    /// Shift, mm left and posterior, and logarithm of the width against `radius_mm`; then the same per mm.
    state: Vector6<f64>,
    /// Covariance of the state.
    doubt: Matrix6<f64>,
}

/// An edge seen in one sector: where it lies from the middle of the outline.
struct Edge {
    direction: Direction,
    /// Off the outline and across it, outwards, mm.
    off_mm: f64,
    /// Change of `off_mm` with shift and width.
    slope: Vector3<f64>,
    weight: f64,
}

impl Outline {
    fn new(radius_mm: Vec<f64>, width_rate: f64) -> Self {
        let spread = [SHIFT_MM, SHIFT_MM, WIDTH, SHIFT_RATE, SHIFT_RATE, WIDTH_RATE];
        let doubt = Matrix6::from_diagonal(&Vector6::from(spread.map(|s| s * s)));
        Self { radius_mm, state: Vector6::new(0.0, 0.0, 0.0, 0.0, 0.0, width_rate), doubt }
    }

    /// Lays the outline on what stands in the next slice, `k`. `None`, and stays where it is, where too little is seen.
    fn follow_to(&mut self, polar: &Polar, k: usize, cortical_hu: f64, dz_mm: f64) -> Option<()> {
        let mut ahead = Matrix6::identity();
        (0..3).for_each(|a| ahead[(a, a + 3)] = dz_mm);
        let predicted = ahead * self.state;
        let change = [0.0, 0.0, 0.0, SHIFT_RATE_CHANGE, SHIFT_RATE_CHANGE, WIDTH_RATE_CHANGE];
        let walk = Matrix6::from_diagonal(&Vector6::from(change.map(|c| c * c * dz_mm)));
        let prior = (ahead * self.doubt * ahead.transpose() + walk).try_inverse()?;
        let (mut state, mut information) = (predicted, prior);
        for _ in 0..ROUNDS {
            let edges = self.edges(polar, k, cortical_hu, &state);
            if edges.len() < SEEN {
                return None;
            }
            information = prior;
            let mut right = prior * (predicted - state);
            for edge in &edges {
                let telling = edge.weight / EDGE_MM2;
                let mut block = information.fixed_view_mut::<3, 3>(0, 0);
                block += edge.slope * edge.slope.transpose() * telling;
                let mut top = right.fixed_rows_mut::<3>(0);
                top -= edge.slope * (edge.off_mm * telling);
            }
            state += information.cholesky()?.solve(&right);
            if state[0].hypot(state[1]) > FARTHEST_MM {
                return None;
            }
        }
        self.doubt = information.try_inverse()?;
        let edges = self.edges(polar, k, cortical_hu, &state);
        let wider = state[2].exp();
        self.radius_mm.iter_mut().for_each(|r| *r *= wider);
        state[2] = 0.0;
        self.state = state;
        for edge in edges {
            self.radius_mm[edge.direction.sector] += TAKEN_OVER * edge.weight * edge.off_mm;
        }
        Some(())
    }

    /// The edges that stand near the outline in slice `k`, in the given state.
    fn edges(&self, polar: &Polar, k: usize, cortical_hu: f64, state: &Vector6<f64>) -> Vec<Edge> {
        let width = state[2].exp();
        let radius = |direction: Direction| width * direction.radius(&self.radius_mm);
        let step = std::f64::consts::TAU / SECTORS as f64;
        (0..SECTORS)
            .filter_map(|s| {
                let (sin, cos) = sector_angle(s).sin_cos();
                let from_middle = |r: f64| {
                    let at = [r * cos - state[0], r * sin - state[1]];
                    (at[0].hypot(at[1]), at[1].atan2(at[0]))
                };
                // Where the ray meets the outline, whose middle is not its own.
                let mut predicted_mm = radius(Direction::new(sector_angle(s)));
                for _ in 0..5 {
                    let (away, angle) = from_middle(predicted_mm);
                    predicted_mm += radius(Direction::new(angle)) - away;
                }
                let observed_mm = edge_near(polar.ray(k, s), predicted_mm, cortical_hu);
                let (away, angle) = from_middle(observed_mm);
                if !away.is_finite() {
                    return None;
                }
                let direction = Direction::new(angle);
                let here = radius(direction);
                let slope =
                    (radius(Direction::new(angle + step)) - radius(Direction::new(angle - step))) / (2.0 * step);
                let across = (1.0 + (slope / here).powi(2)).sqrt().recip();
                let off_mm = across * (away - here);
                let (sin, cos) = angle.sin_cos();
                Some(Edge {
                    direction,
                    off_mm,
                    slope: across * Vector3::new(-cos - slope / away * sin, -sin + slope / away * cos, -here),
                    weight: (1.0 + (off_mm / OFF_MM).powi(2)).recip(),
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::contour::periosteum;
    use super::super::polar::directions;
    use super::*;
    use crate::volume::tests::{slice_of, stack_of};
    use crate::volume::{Volume, sections};

    const SLICES: usize = 40;
    const DZ_MM: f64 = 2.0;
    const AXIS_MM: [f64; 2] = [25.0, 25.0];
    const LAST_RING: usize = 19;
    /// Sectors that look at the two faces where the wall breaks off.
    const FACES: usize = 4;

    /// A tube of 1400 HU and 4 mm whose middle and radius are those of `shape` in each slice; beyond the last ring all that lies in front is gone,
    /// if it is `open`.
    fn tube(shape: impl Fn(usize) -> ([f64; 2], f64), open: bool) -> Volume<i16> {
        let slice = |k: usize| {
            let (middle, radius) = shape(k);
            slice_of([120, 120], [0.5, 0.5], |x, y| {
                let (dx, dy) = (x - middle[0], y - middle[1]);
                let gone = open && k > LAST_RING && dx.atan2(-dy).abs() < 1.5;
                if (radius - 4.0..radius).contains(&dx.hypot(dy)) && !gone { 1400 } else { 40 }
            })
        };
        stack_of(SLICES, slice)
    }

    fn followed(volume: &Volume<i16>) -> Course {
        let polar = Polar::cast(volume, &[AXIS_MM; SLICES], 0, SLICES - 1, 40.0);
        let reach_of = |k: usize| {
            let ring = sections(volume, k, 300, 300.0).remove(0);
            directions(&volume.grid).iter().map(|d| ring.reach_mm(AXIS_MM, *d)).collect()
        };
        let farthest_mm: Map = (0..SLICES).map(|k| if k <= LAST_RING { reach_of(k) } else { Vec::new() }).collect();
        let is_ring: Vec<bool> = (0..SLICES).map(|k| k <= LAST_RING).collect();
        let surface = periosteum(&polar, &farthest_mm, 1400.0, &Course::straight(SLICES).outline_mm, DZ_MM);
        Course::follow(&polar, &surface, &is_ring, 1400.0, DZ_MM)
    }

    /// Sectors whose outline is off by more than `limit_mm`.
    fn sectors_off(course: &Course, k: usize, radius_mm: f64, limit_mm: f64) -> usize {
        course.outline_mm[k].iter().filter(|r| (*r - radius_mm).abs() > limit_mm).count()
    }

    /// How far a slice lies beyond the last ring, mm.
    fn beyond_mm(k: usize) -> f64 {
        DZ_MM * k.saturating_sub(LAST_RING) as f64
    }

    #[test]
    fn a_bone_that_bends_away_beyond_its_last_ring_is_followed() {
        let bend = |k: usize| 0.1 * beyond_mm(k);
        let course = followed(&tube(|k| ([AXIS_MM[0] + bend(k), AXIS_MM[1]], 13.0), true));
        for k in LAST_RING + 1..SLICES {
            let [left, back] = course.shift_mm[k];
            // A kink, which no bone has, is followed with delay: half an outline is not believed more than that bones go on as they were.
            let limit_mm = 0.5 + 0.4 * bend(k);
            assert!((left - bend(k)).abs() < limit_mm && back.abs() < 0.7, "{k}: {left} {back} for {}", bend(k));
            assert!(sectors_off(&course, k, 13.0, 2.0) <= FACES, "{k}: {:?}", course.outline_mm[k]);
        }
        assert!(course.shift_mm[..=LAST_RING].iter().all(|shift| *shift == [0.0; 2]));
        assert!(course.outline_mm[..=LAST_RING].iter().flatten().all(|r| r.is_nan()));
    }

    #[test]
    fn a_bone_that_widens_is_not_taken_for_one_that_bends() {
        // Its rings widen already, as they do before a metaphysis.
        let radius = |k: usize| 11.0 * (0.004 * DZ_MM * k as f64).exp();
        let course = followed(&tube(|k| (AXIS_MM, radius(k)), true));
        for k in LAST_RING + 1..SLICES {
            let [left, back] = course.shift_mm[k];
            assert!(left.hypot(back) < 0.7, "{k}: {left} {back}");
            assert!(sectors_off(&course, k, radius(k), 0.7) <= FACES, "{k}: {:?}", course.outline_mm[k]);
        }
    }

    #[test]
    fn a_closed_bone_is_left_to_its_edges() {
        let course = followed(&tube(|k| ([AXIS_MM[0] + 0.1 * beyond_mm(k), AXIS_MM[1]], 13.0), false));
        assert!(course.shift_mm.iter().all(|shift| *shift == [0.0; 2]));
        assert!(course.outline_mm.iter().flatten().all(|r| r.is_nan()));
    }
}
