//! The end of the other side's bone laid on this one: slices of the same place, mirrored, turned and moved until the outlines meet.
//!
//! A section beyond the shaft is no circle, so that sectors about a middle would not meet the same wall on both sides: here each place of
//! the contour takes the wall of the other contour that lies nearest to it and faces the same way.

use super::Slices;
use crate::cortex::SECTORS;
use crate::cortex::end::{Curve, EndSection};
use crate::lysis::other_side::{Rows, level};
use crate::smoothing::median;
use rayon::prelude::*;

/// Largest shift along the bone beside what landmarks tell, mm, and its steps.
const MAX_SHIFT_MM: f64 = 12.0;
const STEP_MM: f64 = 1.0;
/// What a millimetre of shift must gain.
const PER_MM: f64 = 0.03;
/// Rounds in which an outline is laid on another, and how far (mm) a place of it may lie off to count half.
const ROUNDS: usize = 30;
const OFF_MM: f64 = 1.0;
/// A wall of the other side counts for a place within this, mm, and where it faces the same way within 60°.
const REACH_MM: f64 = 5.0;
const SAME_WAY: f64 = 0.5;
/// Part of the places, those that agree best, that tells where the other side lies: the rest may be lost.
const AGREEING: f64 = 0.65;
/// Units in which thickness and outline (mm) count against each other.
const THICKNESS_MM: f64 = 0.3;
const OUTLINE_MM: f64 = 1.0;
/// Sections of this end that the other must cover, in all and as a share.
const LEAST_COVERED: usize = 4;
const LEAST_SHARE: f64 = 0.5;

/// The other side as this one's intact wall.
#[derive(Debug, Clone, PartialEq)]
pub struct EndTwin {
    /// Intact thickness by section and sector, mm; NaN where the other side tells none.
    pub thickness_mm: Rows,
    /// Length of the intact contour that each sector stands for, mm: that of this side, but for where it sinks into a hole.
    pub arc_mm: Rows,
    /// By section and sector, where the contour has sunk into a hole, the place of the other contour that tells its wall, in-plane millimetres of
    /// this side; NaN elsewhere.
    pub place_mm: Vec<Vec<[f64; 2]>>,
    pub turn_deg: f64,
    /// How much higher the homologous slices of the other side lie.
    pub shift_mm: f64,
}

/// A mirrored section of the other side, laid on one of this side.
struct Laid {
    /// By sector of this side's contour; NaN where nothing of the other is known.
    thickness_mm: Vec<f64>,
    /// How far the other contour lies; NaN where nothing of it lies near.
    off_mm: Vec<f64>,
    /// Length of the other contour that a sector stands for.
    arc_mm: Vec<f64>,
    /// The place of the other contour where nothing of it lies near; NaN elsewhere.
    place_mm: Vec<[f64; 2]>,
    turn: f64,
}

/// Lays the `other` side's sections on these. `None` where they cover too few.
pub(super) fn lay_on(here: &[&EndSection], other: &[&EndSection], slices: &Slices) -> Option<EndTwin> {
    let mirrored: Vec<(Curve, Vec<f64>)> = other.iter().map(|section| mirror(section, slices.left)).collect();
    let reach = (MAX_SHIFT_MM + slices.other_higher_mm.abs()) / slices.spacing_mm + 1.0;
    let laid: Vec<Vec<Option<Laid>>> = here
        .par_iter()
        .map(|section| {
            let near = |other: &EndSection| other.slice_index.abs_diff(section.slice_index) as f64 <= reach;
            let lay = |(there, mirrored): (&&EndSection, &(Curve, Vec<f64>))| {
                near(there).then(|| lay(&section.contour, &mirrored.0, &mirrored.1))
            };
            other.iter().zip(&mirrored).map(lay).collect()
        })
        .collect();
    let steps = (2.0 * MAX_SHIFT_MM / STEP_MM) as usize;
    let shifts = (0..=steps).map(|n| slices.other_higher_mm - MAX_SHIFT_MM + n as f64 * STEP_MM);
    let mut best: Option<(f64, f64, Placed)> = None;
    for shift_mm in shifts {
        let Some(placed) = place(here, other, &laid, shift_mm / slices.spacing_mm) else { continue };
        let moved = PER_MM * (shift_mm - slices.other_higher_mm).abs();
        if let Some(cost) = cost(here, &placed).map(|cost| cost + moved)
            && best.as_ref().is_none_or(|(least, ..)| cost < *least)
        {
            best = Some((cost, shift_mm, placed));
        }
    }
    let (_, shift_mm, Placed { mut thickness_mm, arc_mm, place_mm, turn, .. }) = best?;
    let seen: Vec<&[f64]> = here.iter().map(|section| section.thickness_mm.as_slice()).collect();
    level(&seen, &mut thickness_mm)?;
    Some(EndTwin { thickness_mm, arc_mm, place_mm, turn_deg: turn.to_degrees(), shift_mm })
}

/// A contour and its thicknesses as a mirror shows them, in an order that has the inside on the same side again.
fn mirror(section: &EndSection, left: [f64; 2]) -> (Curve, Vec<f64>) {
    let reflect = |p: &[f64; 2]| {
        let along = p[0] * left[0] + p[1] * left[1];
        [0, 1].map(|a| p[a] - 2.0 * along * left[a])
    };
    let points = section.contour.points.iter().rev().map(reflect).collect();
    (Curve { points }, section.thickness_mm.iter().rev().copied().collect())
}

/// Lays a curve on another: turned and moved in the plane, by what of it lies near.
fn lay(on: &Curve, curve: &Curve, thickness_mm: &[f64]) -> Laid {
    let (middle, own) = (on.middle(), curve.middle());
    let mut moved = Curve { points: curve.points.iter().map(|p| [0, 1].map(|a| p[a] - own[a] + middle[a])).collect() };
    let mut turned = 0.0;
    for _ in 0..ROUNDS {
        let normals = moved.normals();
        let pairs = on.points.iter().zip(on.normals()).filter_map(|(at, normal)| {
            let (n, off) = nearest(&moved, &normals, *at, normal)?;
            Some((moved.points[n], *at, 1.0 / (1.0 + (off / OFF_MM).powi(2))))
        });
        let Some(motion) = Motion::best(pairs) else { break };
        turned += motion.turn;
        moved.points.iter_mut().for_each(|p| *p = motion.of(*p));
    }
    let normals = moved.normals();
    let near: Vec<Option<(usize, f64)>> = (on.points.iter().zip(on.normals()))
        .map(|(at, normal)| nearest(&moved, &normals, *at, normal).filter(|(_, off)| *off <= REACH_MM))
        .collect();
    let off_mm = near.iter().map(|near| near.map_or(f64::NAN, |(_, off)| off)).collect();
    let met: Vec<Option<f64>> = near.iter().map(|near| near.map(|(n, _)| n as f64)).collect();
    let (places, points) = across_gaps(&met, moved.points.len());
    let thickness_at =
        |place: &Option<f64>| place.map_or(f64::NAN, |n| thickness_mm[n.round() as usize % thickness_mm.len()]);
    let (step_mm, own) = (mean(&moved.arcs_mm()), on.arcs_mm());
    let arc = |s: usize| points[s].map_or(own[s], |points| points * step_mm);
    Laid {
        thickness_mm: places.iter().map(thickness_at).collect(),
        off_mm,
        arc_mm: (0..own.len()).map(arc).collect(),
        place_mm: (met.iter().zip(&places))
            .map(|(met, place)| place.filter(|_| met.is_none()).map_or([f64::NAN; 2], |n| moved.between(n)))
            .collect(),
        turn: turned,
    }
}

/// Where the places of a closed contour lie on another one of `count` points, of those that were `met` there: between two of these evenly. A contour
/// sinks into a hole, where nothing of the other lies near: what stood there is what the other has between the hole's rims. Beside each place
/// of such a gap, how many points of the other it stands for.
fn across_gaps(met: &[Option<f64>], count: usize) -> (Vec<Option<f64>>, Vec<Option<f64>>) {
    let n = met.len();
    let (mut places, mut points) = (met.to_vec(), vec![None; n]);
    for first in (0..n).filter(|s| met[*s].is_none() && met[(s + n - 1) % n].is_some()) {
        let length = (0..n).take_while(|i| met[(first + i) % n].is_none()).count();
        let (Some(from), Some(to)) = (met[(first + n - 1) % n], met[(first + length) % n]) else { continue };
        let run = (to - from).rem_euclid(count as f64);
        // Backwards, or around most of the bone: the rims are not those of one hole.
        if run > 0.5 * count as f64 {
            continue;
        }
        for i in 0..length {
            let share = (i + 1) as f64 / (length + 1) as f64;
            places[(first + i) % n] = Some((from + share * run).rem_euclid(count as f64));
            points[(first + i) % n] = Some(run / (length + 1) as f64);
        }
    }
    (places, points)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The point of a curve that is nearest to `at` and faces the same way, and how far it is, mm.
fn nearest(curve: &Curve, normals: &[[f64; 2]], at: [f64; 2], normal: [f64; 2]) -> Option<(usize, f64)> {
    let same_way = |n: &usize| normals[*n][0] * normal[0] + normals[*n][1] * normal[1] > SAME_WAY;
    let off = |n: usize| (curve.points[n][0] - at[0]).hypot(curve.points[n][1] - at[1]);
    let all = (0..curve.points.len()).filter(same_way).map(|n| (n, off(n)));
    all.min_by(|a, b| a.1.total_cmp(&b.1))
}

/// A turn about a place, and a move.
struct Motion {
    turn: f64,
    about: [f64; 2],
    to: [f64; 2],
}

impl Motion {
    /// What brings the first of each pair nearest to the second, by weights (least squares).
    fn best(pairs: impl Iterator<Item = ([f64; 2], [f64; 2], f64)>) -> Option<Self> {
        let pairs: Vec<_> = pairs.collect();
        let total: f64 = pairs.iter().map(|pair| pair.2).sum();
        if total <= 0.0 {
            return None;
        }
        let (mut about, mut to) = ([0.0; 2], [0.0; 2]);
        for (from, at, weight) in &pairs {
            about = [0, 1].map(|a| about[a] + weight * from[a] / total);
            to = [0, 1].map(|a| to[a] + weight * at[a] / total);
        }
        let (mut along, mut across) = (0.0, 0.0);
        for (from, at, weight) in &pairs {
            let (u, v) = ([0, 1].map(|a| from[a] - about[a]), [0, 1].map(|a| at[a] - to[a]));
            along += weight * (u[0] * v[0] + u[1] * v[1]);
            across += weight * (u[0] * v[1] - u[1] * v[0]);
        }
        Some(Self { turn: across.atan2(along), about, to })
    }

    fn of(&self, at: [f64; 2]) -> [f64; 2] {
        let (sin, cos) = self.turn.sin_cos();
        let from = [0, 1].map(|a| at[a] - self.about[a]);
        [self.to[0] + cos * from[0] - sin * from[1], self.to[1] + sin * from[0] + cos * from[1]]
    }
}

/// The other side at one shift.
struct Placed {
    thickness_mm: Rows,
    off_mm: Rows,
    arc_mm: Rows,
    place_mm: Vec<Vec<[f64; 2]>>,
    /// Mean turn of the slices laid, radians.
    turn: f64,
}

/// The other side, its slices `shift` slices higher taken for the same place. `None` where it covers too little.
fn place(here: &[&EndSection], other: &[&EndSection], laid: &[Vec<Option<Laid>>], shift: f64) -> Option<Placed> {
    let unknown = || vec![f64::NAN; SECTORS];
    let (mut covered, mut turn) = (0usize, 0.0);
    let (mut thickness_mm, mut off_mm, mut arc_mm, mut place_mm) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (section, laid) in here.iter().zip(laid) {
        let at = section.slice_index as f64 + shift;
        let of_slice = |k: f64| laid[other.iter().position(|o| o.slice_index as f64 == k)?].as_ref();
        let f = at - at.floor();
        let (low, high) = if f < 1e-6 {
            (of_slice(at.floor()), of_slice(at.floor()))
        } else {
            (of_slice(at.floor()), of_slice(at.ceil()))
        };
        let Some((low, high)) = low.zip(high) else {
            thickness_mm.push(unknown());
            off_mm.push(unknown());
            arc_mm.push(section.contour.arcs_mm());
            place_mm.push(vec![[f64::NAN; 2]; SECTORS]);
            continue;
        };
        let mix = |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a * (1.0 - f) + b * f).collect() };
        thickness_mm.push(mix(&low.thickness_mm, &high.thickness_mm));
        off_mm.push(mix(&low.off_mm, &high.off_mm));
        arc_mm.push(mix(&low.arc_mm, &high.arc_mm));
        let between = |(a, b): (&[f64; 2], &[f64; 2])| match (a[0].is_nan(), b[0].is_nan()) {
            (false, false) => [0, 1].map(|axis| a[axis] * (1.0 - f) + b[axis] * f),
            (true, _) => *b,
            (false, true) => *a,
        };
        place_mm.push(low.place_mm.iter().zip(&high.place_mm).map(between).collect());
        turn += low.turn * (1.0 - f) + high.turn * f;
        covered += 1;
    }
    let enough = covered >= LEAST_COVERED && covered as f64 >= LEAST_SHARE * here.len() as f64;
    enough.then(|| Placed { thickness_mm, off_mm, arc_mm, place_mm, turn: turn / covered as f64 })
}

/// Mean difference of thickness and distance of the outlines where they agree best; an even difference of thickness does not count.
fn cost(here: &[&EndSection], placed: &Placed) -> Option<f64> {
    let cells = (0..here.len()).flat_map(|row| (0..SECTORS).map(move |s| (row, s)));
    let (mut thick, mut off): (Vec<f64>, Vec<f64>) = (Vec::new(), Vec::new());
    for (row, s) in cells {
        let difference = here[row].thickness_mm[s] - placed.thickness_mm[row][s];
        let away = placed.off_mm[row][s];
        if difference.is_finite() && away.is_finite() {
            thick.push(difference);
            off.push(away);
        }
    }
    let middle = median(&mut thick.clone())?;
    thick.iter_mut().for_each(|t| *t = (*t - middle).abs());
    Some(agreeing(thick)? / THICKNESS_MM + agreeing(off)? / OUTLINE_MM)
}

/// Mean of the smallest [`AGREEING`] of the values.
fn agreeing(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.truncate((AGREEING * values.len() as f64) as usize);
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPACING_MM: f64 = 3.0;

    /// Slices of an end that widens upwards, with a bulge on its right and a wall that is thick there. `hole`: sectors of the slices 4 and 5
    /// where the wall is gone and the contour has sunk.
    fn end(hole: std::ops::Range<usize>) -> Vec<EndSection> {
        let section = |k: usize| {
            let lost = |s: usize| (4..6).contains(&k) && hole.contains(&s);
            let angle = |s: usize| std::f64::consts::TAU * s as f64 / SECTORS as f64;
            let bulge = |s: usize| (-((angle(s) - std::f64::consts::PI) / 0.5).powi(2)).exp();
            let point = |s: usize| {
                let r = 14.0 + k as f64 + 4.0 * bulge(s) - if lost(s) { 8.0 } else { 0.0 };
                [100.0 + 1.3 * r * angle(s).cos(), 80.0 + r * angle(s).sin()]
            };
            let wall = |s: usize| if lost(s) { 0.0 } else { 4.0 - 0.2 * k as f64 + 1.5 * bulge(s) };
            EndSection {
                slice_index: k,
                not_measured: None,
                contour: Curve { points: (0..SECTORS).map(point).collect() },
                width_mm: (0..SECTORS).map(wall).collect(),
                thickness_mm: (0..SECTORS).map(wall).collect(),
                lean: vec![1.0; SECTORS],
                unfitted_mm: vec![f64::NAN; SECTORS],
            }
        };
        (0..10).map(section).collect()
    }

    /// What the mirrored end, its slices `higher` and moved in the plane, tells of one with a hole.
    fn told(hole: std::ops::Range<usize>, higher: usize) -> (Vec<EndSection>, EndTwin) {
        let left = [1.0, 0.0];
        let other: Vec<EndSection> = end(0..0)
            .into_iter()
            .map(|section| {
                let (curve, thickness_mm) = mirror(&section, left);
                let moved = |p: &[f64; 2]| [p[0] + 400.0, p[1] + 7.0];
                let contour = Curve { points: curve.points.iter().map(moved).collect() };
                EndSection { slice_index: section.slice_index + higher, contour, thickness_mm, ..section }
            })
            .collect();
        let this = end(hole);
        let (here, there): (Vec<&EndSection>, Vec<&EndSection>) = (this.iter().collect(), other.iter().collect());
        let slices = Slices { spacing_mm: SPACING_MM, left, back: [0.0, 1.0], other_higher_mm: 4.0, blur_mm: 0.6 };
        let twin = lay_on(&here, &there, &slices).expect("laid");
        (this, twin)
    }

    #[test]
    fn the_mirrored_other_side_tells_the_wall_at_its_place() {
        let (this, twin) = told(0..0, 2);
        assert!((twin.shift_mm - 2.0 * SPACING_MM).abs() < 1.01, "{}", twin.shift_mm);
        assert!(twin.turn_deg.abs() < 1.0, "{}", twin.turn_deg);
        for (section, told) in this.iter().zip(&twin.thickness_mm).take(7) {
            let off = (0..SECTORS).map(|s| (section.thickness_mm[s] - told[s]).abs()).fold(0.0, f64::max);
            assert!(off < 0.3, "{}: {off}", section.slice_index);
        }
    }

    #[test]
    fn where_the_contour_sinks_into_a_hole_the_wall_between_its_rims_is_told() {
        let (_, twin) = told(20..40, 2);
        let intact = end(0..0);
        for k in 4..6 {
            let off = (20..40).map(|s| (intact[k].thickness_mm[s] - twin.thickness_mm[k][s]).abs()).fold(0.0, f64::max);
            assert!(off < 0.4, "{k}: {off}");
            // The hole is as deep as 8 mm; the outline of the other side lies where the wall stood.
            let sunk: Vec<[f64; 2]> = twin.place_mm[k].iter().copied().filter(|place| place[0].is_finite()).collect();
            let most = sunk.iter().map(|at| intact[k].contour.signed_distance_mm(*at).abs()).fold(0.0, f64::max);
            assert!(sunk.len() >= 12 && most < 1.5, "{k}: {} {most}", sunk.len());
        }
    }

    #[test]
    fn gaps_are_bridged_forwards_and_never_around_most_of_the_bone() {
        let met = |n: usize| if (3..6).contains(&n) { None } else { Some(2.0 * n as f64) };
        let met: Vec<Option<f64>> = (0..10).map(met).collect();
        let (places, points) = across_gaps(&met, 20);
        assert_eq!(places[3..6], [Some(6.0), Some(8.0), Some(10.0)]);
        assert_eq!(points[2..6], [None, Some(2.0), Some(2.0), Some(2.0)]);
        // The other way round the rims follow each other backwards.
        let backwards: Vec<Option<f64>> = met.iter().map(|n| n.map(|n| 18.0 - n)).collect();
        assert_eq!(across_gaps(&backwards, 20).0, backwards);
    }
}
