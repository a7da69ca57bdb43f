//! Walls that are as wide as ever and have lost density: permeation.
//!
//! A wall that thins keeps its density, of which a patient's compact bone has little more than one; a permeated wall keeps
//! its width. So where a wall is wide enough for its middle to be seen, its own width tells what it weighed when it was
//! whole, and no other part of the bone is needed to say so. Without this, an even loss that reaches the end of what is seen
//! looks like a bone that is thin there.
//!
//! Walls of healthy ends are less dense too, little by little; those are told by where they lie and by having no edge. The edge of a hole
//! beside them is not theirs: nothing is looked for in its blur.

use super::patches::{Patches, STEP_MM, cells, label, mean_around, slices_in, slope_per_mm, steepness};
use crate::cortex::SECTORS;
use crate::cortex::contour::Map;
use crate::smoothing::{median, penalty, quantile, smooth};

/// Density, as a share of that of the bone's dense walls, below which a wall is permeated.
const LOW: f64 = 0.78;
/// The dense walls of a bone: this quantile of all, and the least that it can be.
const DENSE: f64 = 0.75;
const LEAST_DENSE: f64 = 0.88;
/// Smallest permeated area, mm² of the bone's surface; and without an edge.
const MIN_AREA_MM2: f64 = 150.0;
const MIN_AREA_WITHOUT_EDGE_MM2: f64 = 300.0;
/// Change of density along the bone that is an edge, per mm.
const EDGE_PER_MM: f64 = 0.025;
/// The same where a place begins that runs out of what is measured: healthy ends lose their density faster and faster.
const BEGINNING_PER_MM: f64 = 0.03;
/// Towards the end of what is measured a wall loses density by nature, over less than this, mm.
const END_MM: f64 = 25.0;
/// Share of a permeated place that is a lesion already when the place is known without this.
const FOUND: f64 = 0.3;
/// Slices that are not measured are bridged where they are no more than this, mm.
const GAP_MM: f64 = 13.0;
/// A healthy wall's density along the bone, mm.
const COURSE_MM: f64 = 60.0;
/// Share of the circumference that must be healthy to tell it.
const TELLING: f64 = 0.2;

/// Where a bone's wall is permeated, and how much.
#[derive(Debug, Clone)]
pub struct Permeation {
    /// Natural logarithm of the density that is left, as a share of what is healthy there; 0 where the wall is not permeated.
    pub log_share: Map,
}

impl Permeation {
    /// No permeated wall in `slices` slices.
    pub fn none(slices: usize) -> Self {
        Self { log_share: vec![vec![0.0; SECTORS]; slices] }
    }

    /// Is the wall permeated here?
    pub fn is(&self, k: usize, s: usize) -> bool {
        self.log_share[k][s] < 0.0
    }

    /// Is there any?
    pub fn is_any(&self) -> bool {
        self.log_share.iter().flatten().any(|v| *v < 0.0)
    }

    /// What of it the bone's own surface has not told: places that are for the most part no lesion yet. Where a lesion is seen
    /// from its healthy surroundings they tell better what was there; a wall that is eaten from within is less wide
    /// than it was, and its blurred floor looks less dense.
    pub fn unseen_by(&self, patches: &Patches, arc_mm: &Map) -> Self {
        let n = self.log_share.len();
        let places = label(&cells(n, |k, s| self.is(k, s)));
        let (mut all, mut found) = (vec![0.0; places.count + 1], vec![0.0; places.count + 1]);
        for k in 0..n {
            for s in 0..SECTORS {
                all[places.label[k][s]] += arc_mm[k][s];
                found[places.label[k][s]] += if patches.label[k][s] > 0 { arc_mm[k][s] } else { 0.0 };
            }
        }
        let unseen = |k: usize, s: usize| found[places.label[k][s]] < FOUND * all[places.label[k][s]];
        let kept = |k: usize, s: usize| if unseen(k, s) { self.log_share[k][s] } else { 0.0 };
        Self { log_share: (0..n).map(|k| (0..SECTORS).map(|s| kept(k, s)).collect()).collect() }
    }

    /// Looks for it. `density_share`: density of the wall over that of compact cortex, NaN where it cannot be told; `gone`: where no wall
    /// stands at all, with the rim that its blur covers.
    pub fn find(density_share: &Map, known: &[Vec<bool>], gone: &[Vec<bool>], arc_mm: &Map, dz_mm: f64) -> Self {
        let n = density_share.len();
        let mut all: Vec<f64> = density_share.iter().flatten().copied().filter(|v| v.is_finite()).collect();
        let dense = quantile(&mut all, DENSE).unwrap_or(1.0).max(LEAST_DENSE);
        let seen = cells(n, |k, s| known[k][s] && density_share[k][s].is_finite());
        let share: Map = (0..n)
            .map(|k| (0..SECTORS).map(|s| if seen[k][s] { density_share[k][s] / dense } else { 0.0 }).collect())
            .collect();
        let (share, seen) = bridged(&share, &seen, slices_in(GAP_MM, dz_mm));
        let seen = cells(n, |k, s| seen[k][s] && !gone[k][s]);
        let quiet = mean_around(&share, &seen, 2, dz_mm);
        let low = cells(n, |k, s| seen[k][s] && quiet[k][s] < LOW);
        let patches = label(&low);
        let keep: Vec<bool> = (0..=patches.count)
            .map(|l| l > 0 && is_permeation(&patches, l, &quiet, &seen, known, arc_mm, dz_mm))
            .collect();
        let inside = |k: usize, s: usize| keep[patches.label[k][s]];
        let healthy = course(&quiet, |k, s| seen[k][s] && known[k][s] && !inside(k, s), dz_mm);
        // Without a healthy wall nothing tells what this one was.
        let Some(healthy) = healthy else { return Self::none(n) };
        let log_share = (0..n)
            .map(|k| {
                (0..SECTORS)
                    .map(|s| if inside(k, s) && known[k][s] { (quiet[k][s] / healthy[k]).ln().min(0.0) } else { 0.0 })
                    .collect()
            })
            .collect();
        Self { log_share }
    }
}

/// The map with gaps of up to `gap` slices filled in a straight line, and where it then says something.
fn bridged(map: &Map, seen: &[Vec<bool>], gap: usize) -> (Map, Vec<Vec<bool>>) {
    let (mut map, mut filled) = (map.clone(), seen.to_vec());
    for s in 0..SECTORS {
        let held: Vec<usize> = (0..map.len()).filter(|k| seen[*k][s]).collect();
        for pair in held.windows(2).filter(|pair| (2..=gap + 1).contains(&(pair[1] - pair[0]))) {
            for k in pair[0] + 1..pair[1] {
                let f = (k - pair[0]) as f64 / (pair[1] - pair[0]) as f64;
                map[k][s] = map[pair[0]][s] * (1.0 - f) + map[pair[1]][s] * f;
                filled[k][s] = true;
            }
        }
    }
    (map, filled)
}

fn is_permeation(
    patches: &Patches,
    l: usize,
    quiet: &Map,
    seen: &[Vec<bool>],
    known: &[Vec<bool>],
    arc_mm: &Map,
    dz_mm: f64,
) -> bool {
    let n = quiet.len();
    let rows: Vec<usize> = (0..n).filter(|k| patches.label[*k].contains(&l)).collect();
    let cells =
        rows.iter().flat_map(|k| (0..SECTORS).map(move |s| (*k, s))).filter(|(k, s)| patches.label[*k][*s] == l);
    let area_mm2 = cells.map(|(k, s)| arc_mm[k][s] * dz_mm).sum::<f64>();
    let measured: Vec<usize> = (0..n).filter(|k| known[*k].iter().any(|v| *v)).collect();
    let (Some(first), Some(last), Some(low), Some(high)) =
        (rows.first(), rows.last(), measured.first(), measured.last())
    else {
        return false;
    };
    let margin = slices_in(END_MM, dz_mm);
    // The part of it that lies farther from both ends than a healthy end reaches.
    let within = (low + margin..(high + 1).saturating_sub(margin)).filter(|k| (first..=last).contains(&k)).count();
    if within == 0 || area_mm2 < MIN_AREA_MM2 {
        return false;
    }
    let ends = (first <= low, last >= high);
    match ends {
        (true, false) | (false, true) => beginning(patches, l, quiet, seen, dz_mm, ends.0) >= BEGINNING_PER_MM,
        (false, false) if area_mm2 >= MIN_AREA_WITHOUT_EDGE_MM2 => true,
        _ => steepness(patches, l, quiet, seen, dz_mm) >= EDGE_PER_MM,
    }
}

/// Change of density along the bone, per mm, where a place begins that runs out of what is measured (at the first row, if `at_low_end`): the
/// median over its sectors of the steepest about their innermost cell.
fn beginning(patches: &Patches, l: usize, quiet: &Map, seen: &[Vec<bool>], dz_mm: f64, at_low_end: bool) -> f64 {
    let n = quiet.len();
    let step = slices_in(STEP_MM, dz_mm);
    let slope = |k: usize, s: usize| {
        let rows = [k.checked_sub(step)?, k + step];
        (rows[1] < n).then(|| slope_per_mm(quiet, seen, rows, s, dz_mm))?
    };
    let of_sector = |s: usize| {
        let mut rows = (0..n).filter(|k| patches.label[*k][s] == l);
        // Its blur reaches farther into the place than out of it: what is out of it is denser than permeated.
        let near = if at_low_end {
            let innermost = rows.next_back()?;
            innermost.saturating_sub(2 * step)..=innermost + step
        } else {
            let innermost = rows.next()?;
            innermost.saturating_sub(step)..=innermost + 2 * step
        };
        near.filter_map(|k| slope(k, s)).reduce(f64::max)
    };
    median(&mut (0..SECTORS).filter_map(of_sector).collect::<Vec<f64>>()).unwrap_or(0.0)
}

/// Density of the healthy walls along the bone; `None` where no slice shows enough of them.
fn course(map: &Map, healthy: impl Fn(usize, usize) -> bool, dz_mm: f64) -> Option<Vec<f64>> {
    let (mut values, mut weights) = (Vec::new(), Vec::new());
    for (k, row) in map.iter().enumerate() {
        let mut here: Vec<f64> = (0..SECTORS).filter(|s| healthy(k, *s)).map(|s| row[s]).collect();
        let share = here.len() as f64 / SECTORS as f64;
        values.push(quantile(&mut here, 0.5).unwrap_or(0.0));
        weights.push(if share > TELLING { share } else { 0.0 });
    }
    weights.iter().any(|w| *w > 0.0).then(|| {
        let course = smooth(&values, &weights, penalty(COURSE_MM / dz_mm));
        course.into_iter().map(|v| v.clamp(LOW, 1.2)).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLICES: usize = 50;
    const DZ_MM: f64 = 3.0;

    /// Permeation of a map of densities on cells of 3 × 0.75 mm, all of them measured.
    fn found(density: impl Fn(usize, usize) -> f64) -> Permeation {
        found_beside(|_, _| false, density)
    }

    /// The same beside walls that are gone.
    fn found_beside(gone: impl Fn(usize, usize) -> bool, density: impl Fn(usize, usize) -> f64) -> Permeation {
        let map: Map = (0..SLICES).map(|k| (0..SECTORS).map(|s| density(k, s)).collect()).collect();
        let (known, arc_mm) = (vec![vec![true; SECTORS]; SLICES], vec![vec![0.75; SECTORS]; SLICES]);
        Permeation::find(&map, &known, &cells(SLICES, gone), &arc_mm, DZ_MM)
    }

    #[test]
    fn an_even_loss_with_an_edge_is_found_also_where_it_reaches_the_end() {
        let inside = |k: usize, s: usize| k >= 35 && (30..70).contains(&s);
        let permeation = found(|k, s| if inside(k, s) { 0.6 } else { 0.95 });
        for (k, s) in [(37, 50), (49, 33), (42, 66)] {
            assert!((permeation.log_share[k][s].exp() - 0.6 / 0.95).abs() < 0.02, "{k} {s}");
        }
        assert!(!permeation.is(30, 50) && !permeation.is(45, 10));
    }

    #[test]
    fn an_end_that_loses_density_little_by_little_or_only_there_is_healthy() {
        assert!(!found(|k, _| 0.97 - 0.012 * (k as f64 - 15.0).max(0.0)).is_any());
        assert!(!found(|k, _| if k >= 43 { 0.5 } else { 0.97 }).is_any());
    }

    #[test]
    fn the_edge_of_a_hole_is_not_that_of_the_end_beside_it() {
        // An end that loses density little by little, and a hole in it whose blur looks like little density.
        let hole = |k: usize, s: usize| (34..42).contains(&k) && s < 40;
        let end = |k: usize, s: usize| if s < 60 { 0.97 - 0.016 * (k as f64 - 20.0).max(0.0) } else { 0.97 };
        let density = |k: usize, s: usize| if hole(k, s) { 0.1 } else { end(k, s) };
        assert!(found(density).is(45, 50), "without a word about the hole its edge lets the end pass");
        assert!(!found_beside(hole, density).is_any());
    }

    #[test]
    fn slices_that_are_not_measured_do_not_hide_an_edge() {
        let density: Map = (0..SLICES).map(|k| vec![if k >= 30 { 0.5 } else { 0.95 }; SECTORS]).collect();
        let mut known = vec![vec![true; SECTORS]; SLICES];
        known[29..32].fill(vec![false; SECTORS]);
        let gone = cells(SLICES, |_, _| false);
        let permeation = Permeation::find(&density, &known, &gone, &vec![vec![0.75; SECTORS]; SLICES], DZ_MM);
        assert!(permeation.is(40, 5) && !permeation.is(20, 5) && !permeation.is(30, 5));
    }

    #[test]
    fn where_no_density_is_told_nothing_is_permeated() {
        assert!(!found(|_, _| f64::NAN).is_any());
        // A third of the wall too thin to tell: the rest is judged by itself.
        let permeation = found(|k, s| {
            if s < 40 {
                f64::NAN
            } else if (20..32).contains(&k) && s < 80 {
                0.6
            } else {
                0.9
            }
        });
        assert!(permeation.is(25, 60) && !permeation.is(25, 20) && !permeation.is(25, 100));
    }

    #[test]
    fn without_a_healthy_wall_nothing_is_told() {
        assert!(!found(|k, _| if k < 3 { 0.95 } else { f64::NAN }).is_any());
        assert!(
            !found(|k, s| if (5..45).contains(&k) {
                0.5
            } else if s < 10 {
                0.95
            } else {
                f64::NAN
            })
            .is_any()
        );
    }

    #[test]
    fn what_is_a_lesion_already_is_left_to_its_surroundings() {
        let permeation = found(|k, s| if k >= 35 && s < 60 { 0.6 } else { 0.95 });
        let cover = |rows: std::ops::Range<usize>| {
            label(&(0..SLICES).map(|k| vec![rows.contains(&k); SECTORS]).collect::<Vec<Vec<bool>>>())
        };
        let arc_mm = vec![vec![0.75; SECTORS]; SLICES];
        assert!(!permeation.unseen_by(&cover(35..45), &arc_mm).is_any());
        assert!(permeation.unseen_by(&cover(35..38), &arc_mm).is_any());
    }
}
