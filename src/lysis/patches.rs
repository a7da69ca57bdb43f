//! Which dips of the unrolled cortex are lesions: a patch with a border, not a slow thinning.
//!
//! A wall that thins towards the joint, or a crest that fades, dips slowly along the bone and has no floor. A lesion
//! has an edge (millimetres, not centimetres) and a floor. Both are asked of every patch before it counts as loss.

use super::fingers::without_fingers;
use super::surface::Depths;
use crate::cortex::SECTORS;
use crate::cortex::contour::Map;

/// A cell belongs to a dip below this deviation (mean over five sectors).
const DIP: f64 = -0.15;
/// A dip must reach this deviation somewhere, and its floor is counted from here.
const FLOOR: f64 = -0.30;
/// Final border of a lesion (mean over three sectors).
const BORDER: f64 = -0.07;
/// Smallest dip, mm² of the bone's surface: a nutrient foramen is smaller.
const MIN_AREA_MM2: f64 = 25.0;
/// Steepness along the bone that tells an edge from a taper, per mm, when most of the dip is floor.
pub(super) const EDGE_PER_MM: f64 = 0.035;
/// The same when the floor is a small part of the dip.
const STEEP_EDGE_PER_MM: f64 = 0.06;
/// Stretch along the bone over which an edge is judged and a patch grows in one step, mm.
pub(super) const STEP_MM: f64 = 3.3;
/// How far a patch may spread along the bone beyond where it was first seen, mm, and around it, sectors.
const CREEP_MM: f64 = 7.0;
const CREEP_SECTORS: usize = 6;
/// Steps by which a lesion's rim lies outside its floor.
const RIM_STEPS: usize = 2;
/// A wall whose peak stays below this share of compact cortex does not stand at all.
pub(super) const GONE: f64 = 0.35;
/// Area without any standing wall that needs no edge to be a lesion, mm²; no healthy shaft has it.
const MIN_GONE_MM2: f64 = 100.0;
/// A dip that ends before the measured bone does, on both sides and by this much (mm), is no taper towards a joint ...
const INSIDE_MM: f64 = 10.0;
/// ... and counts without an edge when it reaches this deviation.
const DEEP: f64 = -0.5;
/// Permeated part of a dip that makes it a lesion, mm²: its density has been judged already.
const MIN_PERMEATED_MM2: f64 = 100.0;
/// Share of a dip that is floor.
const FLOOR_SHARE: f64 = 0.4;
/// Smallest floor beside a steep edge, mm².
const MIN_FLOOR_MM2: f64 = 100.0;

/// Patches of loss on the unrolled map.
#[derive(Debug, Clone)]
pub struct Patches {
    /// 0, or the number of the patch (from 1) of each slice and sector.
    pub label: Vec<Vec<usize>>,
    /// Number of patches.
    pub count: usize,
}

impl Patches {
    /// Is the cell within `slices` slices and `sectors` sectors of a patch?
    pub fn dilated(&self, slices: usize, sectors: usize) -> Vec<Vec<bool>> {
        let n = self.label.len();
        let mut out = vec![vec![false; SECTORS]; n];
        for k in 0..n {
            for s in (0..SECTORS).filter(|s| self.label[k][*s] > 0) {
                for row in out.iter_mut().take((k + slices + 1).min(n)).skip(k.saturating_sub(slices)) {
                    for d in 0..=2 * sectors {
                        row[(s + SECTORS + d - sectors) % SECTORS] = true;
                    }
                }
            }
        }
        out
    }

    /// These patches as far as they lie in a place, numbered anew.
    pub fn within(&self, place: &[Vec<bool>]) -> Patches {
        self.where_any(|is_lost, k, s| is_lost && place[k][s])
    }

    /// These patches and what else is `inside`, numbered anew.
    pub fn and(&self, inside: impl Fn(usize, usize) -> bool) -> Patches {
        self.where_any(|is_lost, k, s| is_lost || inside(k, s))
    }

    /// Those of these patches that share a cell with `others`, numbered anew.
    pub fn touching(&self, others: &Patches) -> Patches {
        let mut touches = vec![false; self.count + 1];
        for (row, other) in self.label.iter().zip(&others.label) {
            row.iter().zip(other).filter(|(_, other)| **other > 0).for_each(|(own, _)| touches[*own] = true);
        }
        self.where_any(|is_lost, k, s| is_lost && touches[self.label[k][s]])
    }

    fn where_any(&self, keep: impl Fn(bool, usize, usize) -> bool) -> Patches {
        let cell = |k: usize, s: usize| keep(self.label[k][s] > 0, k, s);
        label(&cells(self.label.len(), cell))
    }

    /// Cells that these patches, grown, and their rim cover: no healthy wall is looked for there.
    pub fn around(&self, deviation: &Map, depths: &Depths) -> Vec<Vec<bool>> {
        self.grown(deviation, depths).with_rim(depths.dz_mm)
    }

    /// Cells that these patches and their rim cover.
    pub fn with_rim(&self, dz_mm: f64) -> Vec<Vec<bool>> {
        self.dilated(slices_in(STEP_MM, dz_mm), 2)
    }

    /// These patches, without the cells that have crept away from what `first` showed: where the reference is carried
    /// further with every round, healthy bone beside a lesion would sink below it round by round. Patches that `first` did
    /// not know at all are kept.
    pub fn held_near(&self, first: &Patches, dz_mm: f64) -> Patches {
        let near = first.dilated(slices_in(CREEP_MM, dz_mm), CREEP_SECTORS);
        let mut known = vec![false; self.count + 1];
        for (row, old) in self.label.iter().zip(&first.label) {
            row.iter().zip(old).filter(|(_, o)| **o > 0).for_each(|(l, _)| known[*l] = true);
        }
        let keep = |k: usize, s: usize| {
            let l = self.label[k][s];
            l > 0 && (!known[l] || near[k][s])
        };
        label(&cells(self.label.len(), keep))
    }

    /// The patches grown to where the wall is whole again, without fingers towards a joint, and numbered anew where they have met.
    pub fn grown(&self, deviation: &Map, depths: &Depths) -> Patches {
        let (known, dz_mm) = (depths.known, depths.dz_mm);
        let quiet = mean_around(deviation, known, 1, dz_mm);
        let step = slices_in(STEP_MM, dz_mm);
        let n = self.label.len();
        // From the floor outwards, a few millimetres: a slow taper beside the lesion is not part of it.
        let mut inside = cells(n, |k, s| self.label[k][s] > 0 && (quiet[k][s] < FLOOR || depths.permeation.is(k, s)));
        for _ in 0..RIM_STEPS {
            let before = inside.clone();
            for k in 0..n {
                for s in (0..SECTORS).filter(|s| known[k][*s] && quiet[k][*s] < BORDER) {
                    // Outwards the wall becomes whole: what is deeper again than all that it is reached from is another dip.
                    let near = neighbours(k, s, step, n).filter(|(j, t)| before[*j][*t]);
                    inside[k][s] |= near.map(|(j, t)| quiet[j][t]).fold(f64::INFINITY, f64::min) <= quiet[k][s];
                }
            }
        }
        let grown = label(&inside);
        let mut area = vec![0.0; grown.count + 1];
        for k in 0..n {
            for s in 0..SECTORS {
                area[grown.label[k][s]] += depths.arc_mm[k][s] * dz_mm;
            }
        }
        // A floor may come in pieces; crumbs beside the lesion are no lesions of their own.
        let keep = |l: usize| l > 0 && area[l] >= MIN_AREA_MM2;
        let kept = label(&cells(n, |k, s| keep(grown.label[k][s])));
        without_fingers(&kept, depths)
    }
}

/// Cells within `slices` slices and two sectors of one, of `n` slices.
fn neighbours(k: usize, s: usize, slices: usize, n: usize) -> impl Iterator<Item = (usize, usize)> {
    let rows = k.saturating_sub(slices)..(k + slices + 1).min(n);
    rows.flat_map(move |j| (0..5).map(move |d| (j, (s + SECTORS + d - 2) % SECTORS)))
}

/// A map of the cells that are `inside`.
pub(super) fn cells(rows: usize, inside: impl Fn(usize, usize) -> bool) -> Vec<Vec<bool>> {
    (0..rows).map(|k| (0..SECTORS).map(|s| inside(k, s)).collect()).collect()
}

/// The dips of `deviation` that have the edge and the floor of a lesion.
pub fn find_patches(deviation: &Map, depths: &Depths) -> Patches {
    let (dips, quiet) = dips(deviation, depths);
    let keep: Vec<bool> = (0..=dips.count).map(|l| l > 0 && is_lesion(&dips, l, &quiet, depths)).collect();
    label(&cells(quiet.len(), |k, s| keep[dips.label[k][s]]))
}

/// All dips of `deviation`, and what it is smoothed.
pub(super) fn dips(deviation: &Map, depths: &Depths) -> (Patches, Map) {
    let quiet = mean_around(deviation, depths.known, 2, depths.dz_mm);
    (label(&cells(quiet.len(), |k, s| depths.known[k][s] && quiet[k][s] < DIP)), quiet)
}

fn is_lesion(dips: &Patches, l: usize, quiet: &Map, depths: &Depths) -> bool {
    let n = quiet.len();
    let (mut area, mut floor, mut gone, mut permeated, mut deepest) = (0.0, 0.0, 0.0, 0.0, 0.0f64);
    let (mut first, mut last) = (n, 0);
    for k in 0..n {
        for s in (0..SECTORS).filter(|s| dips.label[k][*s] == l) {
            let cell = depths.arc_mm[k][s] * depths.dz_mm;
            (first, last) = (first.min(k), last.max(k));
            area += cell;
            deepest = deepest.min(quiet[k][s]);
            if quiet[k][s] < FLOOR {
                floor += cell;
            }
            if depths.permeation.is(k, s) {
                permeated += cell;
            }
            if depths.peak_share[k][s] < GONE {
                gone += cell;
            }
        }
    }
    if permeated >= MIN_PERMEATED_MM2 {
        return true;
    }
    if area < MIN_AREA_MM2 || deepest > FLOOR {
        return false;
    }
    let margin = slices_in(INSIDE_MM, depths.dz_mm);
    let row_known = |k: usize| depths.known[k].iter().any(|v| *v);
    let inside = first >= margin && row_known(first - margin) && last + margin < n && row_known(last + margin);
    if gone >= MIN_GONE_MM2 || (inside && deepest <= DEEP && floor >= MIN_FLOOR_MM2) {
        return true;
    }
    let edge = steepness(dips, l, quiet, depths.known, depths.dz_mm);
    (edge >= EDGE_PER_MM && floor >= FLOOR_SHARE * area) || (edge >= STEEP_EDGE_PER_MM && floor >= MIN_FLOOR_MM2)
}

/// 90th percentile of the change along the bone, per mm, over the patch and its rim, where both neighbours are known.
pub(super) fn steepness(dips: &Patches, l: usize, quiet: &Map, known: &[Vec<bool>], dz_mm: f64) -> f64 {
    let n = quiet.len();
    let only = Patches {
        label: dips.label.iter().map(|r| r.iter().map(|v| usize::from(*v == l)).collect()).collect(),
        count: 1,
    };
    // The same stretch of bone whatever the slice spacing: a thin slice must not turn noise into an edge.
    let h = slices_in(STEP_MM, dz_mm);
    let rim = only.dilated(h, 1);
    let mut slopes: Vec<f64> = Vec::new();
    for k in h..n.saturating_sub(h) {
        for s in (0..SECTORS).filter(|s| rim[k][*s]) {
            if known[k][s] {
                slopes.extend(slope_per_mm(quiet, known, [k - h, k + h], s, dz_mm));
            }
        }
    }
    crate::smoothing::quantile(&mut slopes, 0.9).unwrap_or(0.0)
}

/// How much sector `s` changes between two rows, per mm along the bone; `None` where either is not known.
pub(super) fn slope_per_mm(map: &Map, known: &[Vec<bool>], rows: [usize; 2], s: usize, dz_mm: f64) -> Option<f64> {
    let [a, b] = rows;
    (known[a][s] && known[b][s]).then(|| (map[b][s] - map[a][s]).abs() / (a.abs_diff(b) as f64 * dz_mm))
}

/// Whole slices in a stretch along the bone, at least one.
pub fn slices_in(mm: f64, dz_mm: f64) -> usize {
    ((mm / dz_mm).round() as usize).max(1)
}

/// Mean over `2·half + 1` neighbouring sectors and, in thin slices, over about 3 mm along the bone, of the cells that are known; 0 where
/// none is.
pub(super) fn mean_around(map: &Map, known: &[Vec<bool>], half: usize, dz_mm: f64) -> Map {
    let n = map.len();
    let across: Map = (0..n)
        .map(|k| {
            let around = |s: usize| (s + SECTORS - half..=s + SECTORS + half).map(|near| near % SECTORS);
            (0..SECTORS).map(|s| mean_of_known(around(s).map(|s| (known[k][s], map[k][s])))).collect()
        })
        .collect();
    let reach = (0.5 * STEP_MM / dz_mm) as usize;
    if reach == 0 {
        return across;
    }
    let along = |k: usize| k.saturating_sub(reach)..(k + reach + 1).min(n);
    (0..n)
        .map(|k| (0..SECTORS).map(|s| mean_of_known(along(k).map(|k| (known[k][s], across[k][s])))).collect())
        .collect()
}

/// Mean of the cells that are known; 0 where none is.
fn mean_of_known(cells: impl Iterator<Item = (bool, f64)>) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for (known, value) in cells {
        if known {
            sum += value;
            count += 1.0;
        }
    }
    if count > 0.0 { sum / count } else { 0.0 }
}

/// Connected cells (4 neighbours, closed around the bone), numbered from 1 in reading order.
pub(super) fn label(inside: &[Vec<bool>]) -> Patches {
    let n = inside.len();
    let mut out = vec![vec![0; SECTORS]; n];
    let mut count = 0;
    for k in 0..n {
        for s in 0..SECTORS {
            if !inside[k][s] || out[k][s] > 0 {
                continue;
            }
            count += 1;
            let mut stack = vec![(k, s)];
            while let Some((k, s)) = stack.pop() {
                if !inside[k][s] || out[k][s] > 0 {
                    continue;
                }
                out[k][s] = count;
                stack.push((k, (s + 1) % SECTORS));
                stack.push((k, (s + SECTORS - 1) % SECTORS));
                if k > 0 {
                    stack.push((k - 1, s));
                }
                if k + 1 < n {
                    stack.push((k + 1, s));
                }
            }
        }
    }
    Patches { label: out, count }
}

#[cfg(test)]
mod tests {
    use super::super::permeation::Permeation;
    use super::*;

    const SLICES: usize = 60;

    /// Dips found in a map of deviations on 3 mm slices with 0.75 mm sectors.
    fn dips_of(deviation: impl Fn(usize, usize) -> f64) -> Patches {
        seen_in(deviation, find_patches)
    }

    /// What `look` sees in such a map.
    fn seen_in(deviation: impl Fn(usize, usize) -> f64, look: impl Fn(&Map, &Depths) -> Patches) -> Patches {
        let map: Map = (0..SLICES).map(|k| (0..SECTORS).map(|s| deviation(k, s)).collect()).collect();
        let known = vec![vec![true; SECTORS]; SLICES];
        let arc = vec![vec![0.75; SECTORS]; SLICES];
        let zero = vec![vec![0.0; SECTORS]; SLICES];
        let standing = vec![vec![1.0; SECTORS]; SLICES];
        let depths = Depths {
            log_depth: &zero,
            known: &known,
            arc_mm: &arc,
            peak_share: &standing,
            permeation: &Permeation::none(SLICES),
            dz_mm: 3.0,
        };
        look(&map, &depths)
    }

    #[test]
    fn a_rim_leads_to_whole_walls_and_not_into_another_dip() {
        // A hole with sloping sides, and beyond one of them the taper of the bone's end.
        let hole = |k: usize, s: usize| -> f64 {
            if (50..80).contains(&s) { [-0.9, -0.5, -0.2, 0.0][(k.abs_diff(20) / 3).min(3)] } else { 0.0 }
        };
        let taper = |k: usize, s: usize| if (50..80).contains(&s) && k >= 27 { -0.28 } else { 0.0 };
        let last_row = |beside: fn(usize, usize) -> f64| {
            let grown = seen_in(
                |k, s| hole(k, s).min(beside(k, s)),
                |map, depths| {
                    let found = label(&cells(SLICES, |k, s| (15..=25).contains(&k) && (50..80).contains(&s)));
                    found.grown(map, depths)
                },
            );
            (0..SLICES).rev().find(|k| grown.label[*k][65] > 0)
        };
        assert_eq!((last_row(|_, _| 0.0), last_row(taper)), (Some(27), Some(26)));
    }

    #[test]
    fn a_hole_with_an_edge_is_a_lesion_also_across_the_first_sector() {
        let hole = |k: usize, s: usize| {
            let around = s.min(SECTORS - s);
            if (20..35).contains(&k) && around <= 15 { -0.95 } else { 0.0 }
        };
        let found = dips_of(hole);
        assert_eq!(found.count, 1);
        assert_eq!((found.label[25][0], found.label[25][SECTORS - 10], found.label[25][30]), (1, 1, 0));
    }

    #[test]
    fn a_slow_taper_towards_the_end_is_no_lesion_however_deep() {
        // From whole to 60 % gone over 90 mm: anatomy.
        let taper = |k: usize, _: usize| -0.6 * (k as f64 - 29.0).max(0.0) / 30.0;
        assert_eq!(dips_of(taper).count, 0);
    }

    #[test]
    fn a_pinhole_is_no_lesion() {
        let foramen = |k: usize, s: usize| if k == 30 && (40..46).contains(&s) { -0.6 } else { 0.0 };
        assert_eq!(dips_of(foramen).count, 0);
    }

    #[test]
    fn two_holes_are_two() {
        let holes = |k: usize, s: usize| {
            if ((8..16).contains(&k) || (40..50).contains(&k)) && (50..80).contains(&s) { -0.9 } else { 0.0 }
        };
        assert_eq!(dips_of(holes).count, 2);
    }

    #[test]
    fn dilation_closes_around_the_bone() {
        let mut label = vec![vec![0; SECTORS]; 5];
        label[2][0] = 1;
        let near = Patches { label, count: 1 }.dilated(1, 2);
        assert!(near[1][SECTORS - 2] && near[3][2] && !near[3][3] && !near[0][0] && !near[2][SECTORS - 3]);
    }
}
