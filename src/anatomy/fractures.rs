//! A bone in two pieces: fragments found as one, the step or the gap between them.
//!
//! A fracture moves one piece against the other, so that the axis jumps while the section stays as it is, or leaves a gap as wide all
//! around. Lysis does neither: it takes the wall away here more and there less, along the bone further than a gap is wide, and moves nothing.

use super::peaks::{AROUND, Peaks, SOFT_HU};
use super::shafts::{Shaft, course_mm, distance, extrapolate, filled, is_long_bone, median_of};
use super::stretches::{Finding, Stretch};
use crate::smoothing::median;
use crate::volume::{EXTENT_DIRECTIONS, Section};

/// Fragments may stand side by side, or apart, by this much along the bone, mm.
const OVERLAP_MM: f64 = 30.0;
const APART_MM: f64 = 30.0;
/// Shortest fragment, mm.
const FRAGMENT_MM: f64 = 18.0;
/// Sideways one lies beside the other by no more than this, in diameters.
const BESIDE: f64 = 1.4;
/// Largest difference of their directions, as a slope.
const BENT: f64 = 0.6;
/// Share of its usual wall that the end of a fragment still has; towards a joint walls thin out.
const END_WALL: f64 = 0.7;
/// Smallest step that is one, mm, and how much more than the courses beside it scatter.
const STEP_MM: f64 = 3.5;
const OVER_SCATTER: f64 = 6.0;
/// One curve through both courses is off by this much more than each scatters about its own line.
const OVER_BOW: f64 = 1.5;
/// Share of the step by which both sides of the outline, ahead and behind, move with it.
const BOTH_SIDES: f64 = 0.5;
/// The courses beside a step are straight lines over this, mm, from these distances of it on.
const COURSE_MM: f64 = 30.0;
const GUARDS_MM: [f64; 4] = [4.0, 8.0, 14.0, 24.0];
/// Seen from the widest of them, the step is the same but for this share.
const STAYS: f64 = 0.5;
/// A ring this near to its fragment's course belongs to it, mm.
const ON_COURSE_MM: f64 = 1.2;
/// What is left out beside a break, mm.
const MARGIN_MM: f64 = 3.0;
/// How far from its middle a gap may reach along the bone (oblique ones), mm; and beyond that, where the wall must stand.
const GAP_REACH_MM: f64 = 16.0;
const BESIDE_GAP_MM: f64 = 10.0;
/// Width of a gap, mm: the sum along the bone of what is missing.
const GAP_MM: [f64; 2] = [1.2, 11.0];
/// Share of the circumference in which all this holds.
const ALL_AROUND: f64 = 0.9;
/// The wall drops at least by this share where it is broken.
const DROP: f64 = 0.25;
/// The broken surface is flat to this, mm.
const FLAT_MM: f64 = 2.5;

/// The rings of one bone, and the fractures between those that were fragments.
pub(super) type Joined = (Vec<Section>, Vec<Stretch>);

/// Chains of rings that are parts of one bone, joined: over a fracture, or over rings that a lesion opened.
pub(super) fn join_fragments(mut chains: Vec<Vec<Section>>, dz: f64) -> Vec<Joined> {
    chains.sort_by_key(|c| c[0].k);
    let mut bones: Vec<Joined> = chains.into_iter().map(|chain| (chain, Vec::new())).collect();
    loop {
        let mut best: Option<(Offset, usize, usize)> = None;
        for a in 0..bones.len() {
            for b in (0..bones.len()).filter(|b| *b != a) {
                if let Some(offset) = fragment_offset(&bones[a].0, &bones[b].0, dz)
                    && best.as_ref().is_none_or(|(least, ..)| offset.mm < least.mm)
                {
                    best = Some((offset, a, b));
                }
            }
        }
        let Some((offset, a, b)) = best else { return bones };
        let (mut upper, breaks) = bones[b].clone();
        let (lower, own) = &mut bones[a];
        let (top, foot) = (lower[lower.len() - 1].k, upper[0].k);
        // Slices that show both belong to neither.
        upper.retain(|ring| ring.k > top);
        lower.retain(|ring| ring.k < foot);
        let margin = (MARGIN_MM / dz).ceil() as usize;
        let (first, last) = (lower[lower.len() - 1].k + 1, upper[0].k.saturating_sub(1));
        own.extend(breaks);
        if offset.is_step {
            own.push(Stretch {
                finding: Finding::Step { mm: offset.mm },
                first: first.saturating_sub(margin).max(lower[0].k + 1),
                last: (last + margin).min(upper[upper.len() - 1].k - 1),
            });
        }
        lower.extend(upper);
        bones.remove(b);
    }
}

/// How a fragment lies beside the course of the one below it.
struct Offset {
    mm: f64,
    /// Otherwise the rings between were opened by a lesion: one bone, whose course hardly jumps, or whose outline does not.
    is_step: bool,
}

/// How the fragment `b` lies beside the course of the fragment `a` below it; `None` when they are no such fragments.
fn fragment_offset(a: &[Section], b: &[Section], dz: f64) -> Option<Offset> {
    let (end, start) = (&a[a.len() - 1], &b[0]);
    let apart = (start.k as f64 - end.k as f64) * dz;
    let long = |c: &[Section]| course_mm(c, dz) >= FRAGMENT_MM && is_long_bone(c);
    if !(-OVERLAP_MM..=APART_MM).contains(&apart)
        || start.k <= a[0].k
        || b[b.len() - 1].k <= end.k
        || !long(a)
        || !long(b)
    {
        return None;
    }
    let n = ((COURSE_MM / dz).ceil() as usize).max(4);
    let (tail, head) = (&a[a.len().saturating_sub(n)..], &b[..n.min(b.len())]);
    // What is left of each beside the slices that show both.
    let left = |c: &[Section], holds: &dyn Fn(usize) -> bool| c.iter().filter(|r| holds(r.k)).count() as f64 * dz;
    if left(a, &|k| k < start.k) < 0.5 * FRAGMENT_MM || left(b, &|k| k > end.k) < 0.5 * FRAGMENT_MM {
        return None;
    }
    let ratio = median_of(head, filled) / median_of(tail, filled);
    let stands = |c: &[Section], ends: &[Section]| median_of(ends, wall_mm) >= END_WALL * median_of(c, wall_mm);
    let bent = distance(slope(tail, dz), slope(head, dz));
    if !(0.65..=1.54).contains(&ratio)
        || bent > BENT
        || !stands(a, &tail[tail.len().saturating_sub(3)..])
        || !stands(b, &head[..3.min(head.len())])
    {
        return None;
    }
    let middle = 0.5 * (end.k + start.k) as f64;
    let (from, to) = (extrapolate(a, middle, dz), extrapolate(b, middle, dz));
    let mm = distance(from, to);
    if mm > BESIDE * end.axes_mm[0].max(start.axes_mm[0]) {
        return None;
    }
    // What one slice shows beside each other is in two pieces.
    let is_step = apart <= 0.0 || {
        let scatter =
            [tail, head].iter().filter_map(|rings| Course::of(rings, dz)).fold(0.0f64, |s, c| s.max(c.scatter_mm));
        stands_out(tail, head, middle * dz, [0, 1].map(|n| to[n] - from[n]), scatter, dz)
    };
    Some(Offset { mm, is_step })
}

/// Mean thickness of what is dense, mm.
fn wall_mm(section: &Section) -> f64 {
    section.area_mm2 / (0.5 * std::f64::consts::PI * (section.axes_mm[0] + section.axes_mm[1]))
}

/// Sideways run of a course per mm along it.
fn slope(rings: &[Section], dz: f64) -> [f64; 2] {
    Course::of(rings, dz).map_or([0.0; 2], |course| course.slope)
}

/// A straight course through rings.
#[derive(Clone)]
struct Course {
    z_mm: f64,
    at_mm: [f64; 2],
    slope: [f64; 2],
    /// Root mean square of the distance of the rings from it.
    scatter_mm: f64,
}

impl Course {
    fn of(rings: &[Section], dz: f64) -> Option<Course> {
        Course::through(rings, dz, |r| r.centroid_mm)
    }

    /// Through a place of each ring.
    fn through(rings: &[Section], dz: f64, place_mm: impl Fn(&Section) -> [f64; 2]) -> Option<Course> {
        let n = rings.len() as f64;
        let z = |r: &Section| r.k as f64 * dz;
        let z_mm = rings.iter().map(z).sum::<f64>() / n;
        let spread: f64 = rings.iter().map(|r| (z(r) - z_mm).powi(2)).sum();
        if rings.len() < 3 || spread <= 0.0 {
            return None;
        }
        let at_mm = [0, 1].map(|a| rings.iter().map(|r| place_mm(r)[a]).sum::<f64>() / n);
        let slope =
            [0, 1].map(|a| rings.iter().map(|r| (z(r) - z_mm) * (place_mm(r)[a] - at_mm[a])).sum::<f64>() / spread);
        let mut course = Course { z_mm, at_mm, slope, scatter_mm: 0.0 };
        let off: f64 = rings.iter().map(|r| distance(course.at(z(r)), place_mm(r)).powi(2)).sum();
        course.scatter_mm = (off / n).sqrt();
        Some(course)
    }

    fn at(&self, z_mm: f64) -> [f64; 2] {
        [0, 1].map(|a| self.at_mm[a] + self.slope[a] * (z_mm - self.z_mm))
    }
}

/// Where the axis jumps.
pub(super) fn steps(shaft: &Shaft, dz: f64) -> Vec<Stretch> {
    let rings: Vec<Section> = shaft
        .rings
        .iter()
        .filter(|r| !shaft.stretches.iter().any(|s| s.finding == Finding::Metal && s.contains(r.k)))
        .cloned()
        .collect();
    let mut found: Vec<Step> = (1..rings.len()).filter_map(|i| step_at(&rings, i, dz)).collect();
    found.sort_by(|a, b| b.mm.total_cmp(&a.mm).then(a.middle_mm.total_cmp(&b.middle_mm)));
    let mut kept: Vec<Step> = Vec::new();
    for step in found {
        if kept.iter().all(|other| (other.middle_mm - step.middle_mm).abs() > COURSE_MM) {
            kept.push(step);
        }
    }
    kept.iter().map(|step| step.stretch(&rings, shaft, dz)).collect()
}

/// Fractures whose slices meet are one; in order of their slices.
pub(super) fn united(mut fractures: Vec<Stretch>) -> Vec<Stretch> {
    fractures.sort_by_key(|s| (s.first, s.last));
    let mut out: Vec<Stretch> = Vec::new();
    for next in fractures {
        match out.last_mut() {
            Some(last) if next.first <= last.last + 1 => {
                if let (Finding::Step { mm: a }, Finding::Step { mm: b }) = (last.finding, next.finding) {
                    last.finding = Finding::Step { mm: a.max(b) };
                }
                last.last = last.last.max(next.last);
            }
            _ => out.push(next),
        }
    }
    out
}

struct Step {
    middle_mm: f64,
    mm: f64,
    below: Course,
    above: Course,
}

/// Does the course jump between two rings?
fn step_at(rings: &[Section], i: usize, dz: f64) -> Option<Step> {
    let z = |r: &Section| r.k as f64 * dz;
    let (low, high) = (z(&rings[i - 1]), z(&rings[i]));
    if high - low > APART_MM {
        return None;
    }
    let middle_mm = 0.5 * (low + high);
    let seen: Vec<Jump> = GUARDS_MM.iter().filter_map(|guard| jump(rings, middle_mm, *guard, dz)).collect();
    let first = seen.iter().position(|jump| jump.is_clear)?;
    let Jump { off_mm, below, above, .. } = &seen[first];
    let mm = off_mm[0].hypot(off_mm[1]);
    // A lesion bends the courses near it; seen from further away it moves nothing.
    let stays = |other: &Jump| distance(other.off_mm, *off_mm) <= STAYS * mm;
    let sure = match seen.last() {
        Some(widest) if first + 1 < seen.len() => stays(widest),
        _ => mm >= 2.0 * STEP_MM,
    };
    sure.then(|| Step { middle_mm, mm, below: below.clone(), above: above.clone() })
}

/// How far apart the courses on both sides of a place run there.
struct Jump {
    off_mm: [f64; 2],
    /// More than they scatter, between sections of one size.
    is_clear: bool,
    below: Course,
    above: Course,
}

/// The courses from `guard_mm` on; `None` where too few rings tell them.
fn jump(rings: &[Section], middle_mm: f64, guard_mm: f64, dz: f64) -> Option<Jump> {
    let part = |side: f64| -> Vec<Section> {
        let along = |r: &&Section| (r.k as f64 * dz - middle_mm) * side;
        rings.iter().filter(|r| (guard_mm..guard_mm + COURSE_MM).contains(&along(r))).cloned().collect()
    };
    let (lower, upper) = (part(-1.0), part(1.0));
    if lower.len().min(upper.len()) < 4 || course_mm(&lower, dz).min(course_mm(&upper, dz)) < 9.0 {
        return None;
    }
    let (below, above) = (Course::of(&lower, dz)?, Course::of(&upper, dz)?);
    let off_mm = [0, 1].map(|a| above.at(middle_mm)[a] - below.at(middle_mm)[a]);
    let ratio = median_of(&upper, filled) / median_of(&lower, filled);
    let scatter_mm = below.scatter_mm.max(above.scatter_mm);
    let is_clear = stands_out(&lower, &upper, middle_mm, off_mm, scatter_mm, dz)
        && (0.7..=1.43).contains(&ratio)
        && distance(below.slope, above.slope) <= BENT
        && bow_mm(&lower, &upper, dz)? >= OVER_BOW * scatter_mm;
    Some(Jump { off_mm, is_clear, below, above })
}

/// Is a jump of the course larger than a step must be and than the courses scatter, and does the outline move with it?
fn stands_out(
    lower: &[Section],
    upper: &[Section],
    middle_mm: f64,
    off_mm: [f64; 2],
    scatter_mm: f64,
    dz: f64,
) -> bool {
    off_mm[0].hypot(off_mm[1]) >= STEP_MM.max(OVER_SCATTER * scatter_mm)
        && outline_moves(lower, upper, middle_mm, off_mm, dz)
}

/// Root mean square distance of the rings on both sides from one curve of the third degree through all of them, mm: a bone that bows at a slant to
/// the slices runs on a curve, one that is broken does not.
fn bow_mm(lower: &[Section], upper: &[Section], dz: f64) -> Option<f64> {
    let rings: Vec<&Section> = lower.iter().chain(upper).collect();
    let (first, last) = (rings.first()?.k as f64 * dz, rings.last()?.k as f64 * dz);
    let powers = |r: &Section| {
        let t = 2.0 * (r.k as f64 * dz - first) / (last - first) - 1.0;
        nalgebra::Vector4::new(1.0, t, t * t, t * t * t)
    };
    let normal = rings.iter().fold(nalgebra::Matrix4::zeros(), |sum, r| sum + powers(r) * powers(r).transpose());
    let solved = normal.cholesky()?;
    let square = |a: usize| {
        let right = rings.iter().fold(nalgebra::Vector4::zeros(), |sum, r| sum + powers(r) * r.centroid_mm[a]);
        let curve = solved.solve(&right);
        rings.iter().map(|r| (r.centroid_mm[a] - curve.dot(&powers(r))).powi(2)).sum::<f64>()
    };
    Some(((square(0) + square(1)) / rings.len() as f64).sqrt())
}

/// Does the outline move with the centroids, ahead as well as behind? A wall that lysis took away moves the centroid, and nothing on the other side.
fn outline_moves(lower: &[Section], upper: &[Section], middle_mm: f64, off_mm: [f64; 2], dz: f64) -> bool {
    let mm = off_mm[0].hypot(off_mm[1]);
    let turn = EXTENT_DIRECTIONS as f64 / std::f64::consts::TAU;
    let ahead = (off_mm[1].atan2(off_mm[0]) * turn).round() as i64;
    [ahead, ahead + EXTENT_DIRECTIONS as i64 / 2].iter().all(|direction| {
        let d = direction.rem_euclid(EXTENT_DIRECTIONS as i64) as usize;
        let (sin, cos) = (d as f64 / turn).sin_cos();
        // One coordinate is enough: how far the outline reaches along the direction, in the image.
        let reach = |r: &Section| [r.centroid_mm[0] * cos + r.centroid_mm[1] * sin + r.extent_mm[d], 0.0];
        let (Some(below), Some(above)) = (Course::through(lower, dz, reach), Course::through(upper, dz, reach)) else {
            return false;
        };
        let expected = off_mm[0] * cos + off_mm[1] * sin;
        (above.at(middle_mm)[0] - below.at(middle_mm)[0]) * expected.signum() >= BOTH_SIDES * mm
    })
}

impl Step {
    /// The slices that belong to neither fragment.
    fn stretch(&self, rings: &[Section], shaft: &Shaft, dz: f64) -> Stretch {
        let on = |course: &Course, r: &Section| distance(course.at(r.k as f64 * dz), r.centroid_mm) <= ON_COURSE_MM;
        let (first_ring, last_ring) = shaft.span();
        let lower = rings.iter().rev().find(|r| (r.k as f64 * dz) < self.middle_mm && on(&self.below, r));
        let upper = rings.iter().find(|r| (r.k as f64 * dz) > self.middle_mm && on(&self.above, r));
        let margin = (MARGIN_MM / dz).ceil() as usize;
        let first = lower.map_or(first_ring, |r| r.k + 1).saturating_sub(margin);
        let last = (upper.map_or(last_ring, |r| r.k.saturating_sub(1)) + margin).min(last_ring);
        Stretch { finding: Finding::Step { mm: self.mm }, first: first.max(first_ring), last: last.max(first) }
    }
}

/// Where the wall is missing all around over a short way, along a plane.
pub(super) fn gaps(peaks: &Peaks, shaft: &Shaft) -> Vec<Stretch> {
    let reach = (GAP_REACH_MM / peaks.dz_mm).ceil() as usize;
    let beside = ((BESIDE_GAP_MM / peaks.dz_mm).ceil() as usize).max(3);
    let (first, last) = shaft.span();
    let taken = |k: usize| {
        shaft.stretches.iter().any(|s| {
            let apart = k.saturating_sub(s.last).max(s.first.saturating_sub(k));
            !matches!(s.finding, Finding::Filling { measurable: true, .. }) && apart <= reach
        })
    };
    let mut best: Vec<(f64, Stretch)> =
        (first..=last).filter(|k| !taken(*k)).filter_map(|k| gap_at(peaks, k - peaks.first, reach, beside)).collect();
    best.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.first.cmp(&b.1.first)));
    let mut kept: Vec<Stretch> = Vec::new();
    for (_, gap) in best {
        if kept.iter().all(|other| other.last + 2 * reach < gap.first || gap.last + 2 * reach < other.first) {
            kept.push(gap);
        }
    }
    kept.sort_by_key(|s| s.first);
    kept
}

/// The gap whose middle lies in this slice of the peaks, and the share of the circumference that has it.
fn gap_at(peaks: &Peaks, k: usize, reach: usize, beside: usize) -> Option<(f64, Stretch)> {
    let n = peaks.slices();
    let (low, high) = (k.checked_sub(reach + beside)?, k + reach + beside);
    if high >= n {
        return None;
    }
    let window = k - reach..k + reach + 1;
    let mut missing = vec![[0.0; AROUND]; window.len()];
    let (mut broken, mut widths) = (0, Vec::new());
    // Middle and width of the gap, per direction; nowhere where there is none.
    let mut spots = [(f64::INFINITY, 0.0); AROUND];
    // x, y and z of the middle of the gap, per direction.
    let mut places: Vec<[f64; 3]> = Vec::new();
    for s in 0..AROUND {
        let below = peaks.median(low..window.start, s)?;
        let above = peaks.median(window.end..high + 1, s)?;
        let (mut width, mut moment, mut drop) = (0.0, 0.0, 0.0f64);
        for (row, at) in window.clone().enumerate() {
            let share = (at - low) as f64 / (high - low) as f64;
            let wall = below + share * (above - below) - SOFT_HU;
            let lost = 1.0 - (peaks.hu[at][s] - SOFT_HU) / wall;
            if lost.is_nan() {
                return None;
            }
            missing[row][s] = lost;
            drop = drop.max(lost);
            // Less is the wall's own unevenness.
            let counted = if lost > 0.12 { lost } else { 0.0 };
            width += counted * peaks.dz_mm;
            moment += counted * peaks.dz_mm * (at as f64 - k as f64) * peaks.dz_mm;
        }
        let flat = [low..window.start, window.end..high + 1].into_iter().flatten().all(|at| {
            let reference = if at < k { below } else { above };
            peaks.hu[at][s] > 0.75 * reference
        });
        if drop >= DROP && (GAP_MM[0]..=GAP_MM[1]).contains(&width) && flat {
            broken += 1;
            widths.push(width);
            spots[s] = (moment / width, width);
            let (sin, cos) = (std::f64::consts::TAU * s as f64 / AROUND as f64).sin_cos();
            places.push([peaks.radius_mm * cos, peaks.radius_mm * sin, moment / width]);
        }
    }
    let share = f64::from(broken) / AROUND as f64;
    if share < ALL_AROUND || off_plane_mm(&places)? > FLAT_MM {
        return None;
    }
    // Centred: the middle of the gap is the middle of the window.
    let middle = places.iter().map(|p| p[2]).sum::<f64>() / places.len() as f64;
    if middle.abs() > peaks.dz_mm {
        return None;
    }
    // What is missing elsewhere is not the gap's.
    let touched = |row: &usize| {
        let z_mm = (*row as f64 - reach as f64) * peaks.dz_mm;
        let near = |(s, (at, width)): (usize, &(f64, f64))| {
            missing[*row][s] > 0.15 && (z_mm - at).abs() <= 0.5 * width + 1.5 * peaks.dz_mm
        };
        spots.iter().enumerate().any(near)
    };
    let rows: Vec<usize> = (0..missing.len()).filter(touched).collect();
    let (first, last) = (rows.first()?, rows.last()?);
    let at = |row: usize| peaks.first + window.start + row;
    let mm = median(&mut widths)?;
    let stretch = Stretch { finding: Finding::Gap { mm }, first: at(*first).saturating_sub(1), last: at(*last) + 1 };
    Some((share - 0.01 * middle.abs(), stretch))
}

/// Root mean square distance along the bone of places from the plane through them, mm.
fn off_plane_mm(places: &[[f64; 3]]) -> Option<f64> {
    let (mut normal, mut right) = (nalgebra::Matrix3::zeros(), nalgebra::Vector3::zeros());
    for p in places {
        let row = nalgebra::Vector3::new(p[0], p[1], 1.0);
        normal += row * row.transpose();
        right += row * p[2];
    }
    let plane = normal.cholesky()?.solve(&right);
    let off = |p: &[f64; 3]| (plane.x * p[0] + plane.y * p[1] + plane.z - p[2]).powi(2);
    Some((places.iter().map(off).sum::<f64>() / places.len() as f64).sqrt())
}
