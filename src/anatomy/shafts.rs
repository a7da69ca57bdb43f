//! Shafts without a seed: closed dense sections, followed from slice to slice.
//!
//! A long bone's shaft is the one structure of the body that shows, over many slices in a row, a compact dense ring
//! around marrow that moves little from one slice to the next. Pelvis, vertebrae and ribs break at least one of
//! these conditions; the table and calcifications break all.

use super::foreign::Metal;
use super::fractures::join_fragments;
use super::stretches::{Stretch, look_over};
use crate::smoothing::{median, penalty, smooth_robust};
use crate::volume::{Attached, Detached, Section, Volume, sections_detached};
use rayon::prelude::*;

/// HU above which a voxel may belong to a bone's wall: below any cortex a scanner resolves, above contrast-free tissue.
pub(super) const BONE_HU: i16 = 300;
/// Smallest filled section of a shaft (a thin fibula is about 100 mm²).
pub(super) const MIN_SECTION_MM2: f64 = 60.0;
/// Largest filled section of a shaft, across its axis. Condyles and trochanters are larger.
const MAX_SECTION_MM2: f64 = 1600.0;
/// A ring with a smaller share of its convex hull is open, or fused with a neighbour.
const MIN_SOLIDITY: f64 = 0.88;
/// What may hang on a ring: a vessel full of contrast, a calcification. A ring may have crests, which are as dense as its wall.
const ATTACHED: Attached = Attached { disc_mm: 4.5, most_mm2: 120.0, least_disc_mm: 1.8, wall_share: 0.5 };
/// Over at least this much along the body, mm: spongy bone of a joint may look like it in a slice.
const ATTACHED_MM: f64 = 15.0;
/// 75th percentile of the wall that tells cortex from the pelvis' shell; also holds for a 2 mm osteoporotic shaft.
const MIN_WALL_HU: f64 = 700.0;
/// The same for a ring that a lesion has opened, and the least share of its hull that is left of it.
const OPENED_WALL_HU: f64 = MIN_WALL_HU + 200.0;
const OPENED_SOLIDITY: f64 = 0.4;
/// The same near a joint, where the wall is a thin shell around much marrow.
const OPENED_STUB_SOLIDITY: f64 = 0.3;
/// Part of its hull that a whole ring near a joint fills.
const RING_OF_HULL: f64 = 0.94;
/// The same for a bone that the border cuts everywhere, whose ring cannot speak for it: the pelvis stays below.
const MIN_CUT_WALL_HU: f64 = 1000.0;
/// Rings along the bone that make a shaft.
pub(super) const MIN_LENGTH_MM: f64 = 40.0;
/// Shortest run of rings that may be the stump of a bone at the image's end, and its smallest section.
const MIN_STUB_MM: f64 = 6.0;
const MIN_STUB_MM2: f64 = 250.0;
/// Longest stretch without a ring within such a stump, mm.
const STUB_GAP_MM: f64 = 2.9;
/// Longest stretch without a ring that is bridged when both ends point at each other.
const MAX_GAP_MM: f64 = 160.0;

/// A chain of ring sections that belong to one bone.
#[derive(Debug, Clone)]
pub struct Shaft {
    /// Rings in order of slice index; slices without a ring are absent.
    pub rings: Vec<Section>,
    /// The border cuts every section: nothing of it can be measured.
    pub cut_everywhere: bool,
    /// First and last slice beyond which the bone is not followed, where a mask says so.
    pub within: Option<(usize, usize)>,
    /// Too few rings are seen for a shaft, see [`find_shafts_and_stubs`].
    pub stub: bool,
    /// What is not bone as it grew. No ring lies within a fracture.
    pub stretches: Vec<Stretch>,
}

impl Shaft {
    /// First and last slice that shows a ring.
    pub fn span(&self) -> (usize, usize) {
        (self.rings[0].k, self.rings[self.rings.len() - 1].k)
    }

    /// Its ring in a slice, if that shows one.
    pub(super) fn ring_at(&self, k: usize) -> Option<&Section> {
        self.rings.binary_search_by_key(&k, |ring| ring.k).ok().map(|n| &self.rings[n])
    }

    /// Smoothed centre of the bone in every slice of the volume, in-plane mm, straight beyond the rings. Fragments have each
    /// their own; between them it changes in the middle of the fracture.
    pub fn axis(&self, volume: &Volume<i16>) -> Vec<[f64; 2]> {
        let mut axis = Vec::new();
        for (_, last, rings) in self.fragments(volume.grid.size[2]) {
            let own = axis_of(rings, volume);
            axis.extend_from_slice(&own[axis.len()..=last]);
        }
        axis
    }

    /// The pieces of the bone: first and last slice of the volume that are nearest to each, and its rings. One piece where nothing is
    /// broken.
    pub fn fragments(&self, slices: usize) -> Vec<(usize, usize, &[Section])> {
        let mut pieces = Vec::new();
        let (mut from, mut ring) = (0, 0);
        for fracture in self.stretches.iter().filter(|s| s.is_fracture()) {
            let next = self.rings.partition_point(|r| r.k < fracture.first);
            let middle = (fracture.first + fracture.last) / 2;
            // A piece without rings is none.
            if next > ring && next < self.rings.len() {
                pieces.push((from, middle, &self.rings[ring..next]));
                (from, ring) = (middle + 1, next);
            }
        }
        pieces.push((from, slices - 1, &self.rings[ring..]));
        pieces
    }

    /// Notes fractures, in order of their slices, and drops what seemed rings within them.
    pub(super) fn break_at(&mut self, fractures: Vec<Stretch>) {
        for fracture in fractures {
            let left: Vec<Section> = self.rings.iter().filter(|r| !fracture.contains(r.k)).cloned().collect();
            if left.len() >= 3 {
                self.rings = left;
                self.stretches.push(fracture);
            }
        }
        self.stretches.sort_by_key(|s| (s.first, s.last));
    }

    /// Distance between the first and the last ring, mm.
    pub fn length_mm(&self, volume: &Volume<i16>) -> f64 {
        let (a, b) = (&self.rings[0], &self.rings[self.rings.len() - 1]);
        let run = (b.k - a.k) as f64 * volume.grid.spacing_mm.z;
        run.hypot(distance(a.centroid_mm, b.centroid_mm))
    }

    /// Median equivalent diameter of the rings across the bone's axis, mm.
    pub fn diameter_mm(&self, volume: &Volume<i16>) -> f64 {
        let (a, b) = (&self.rings[0], &self.rings[self.rings.len() - 1]);
        let run = (b.k - a.k).max(1) as f64 * volume.grid.spacing_mm.z;
        let cosine = run / run.hypot(distance(a.centroid_mm, b.centroid_mm));
        let mut d: Vec<f64> =
            self.rings.iter().map(|r| 2.0 * (r.filled_area_mm2 * cosine / std::f64::consts::PI).sqrt()).collect();
        median(&mut d).unwrap_or(0.0)
    }
}

/// The smoothed course of some rings.
fn axis_of(rings: &[Section], volume: &Volume<i16>) -> Vec<[f64; 2]> {
    let n = volume.grid.size[2];
    let mut weights = vec![0.0; n];
    let (mut x, mut y) = (vec![f64::NAN; n], vec![f64::NAN; n]);
    for ring in rings {
        (x[ring.k], y[ring.k], weights[ring.k]) = (ring.centroid_mm[0], ring.centroid_mm[1], 1.0);
    }
    // Stiff enough that a lysed slice, whose centroid runs away from the hole, does not bend it.
    let lambda = penalty(90.0 / volume.grid.spacing_mm.z);
    let (x, y) = (smooth_robust(&x, &weights, lambda, 0.15), smooth_robust(&y, &weights, lambda, 0.15));
    x.into_iter().zip(y).map(|(x, y)| [x, y]).collect()
}

/// All shafts of the volume, largest first. Deterministic.
pub fn find_shafts(volume: &Volume<i16>) -> Vec<Shaft> {
    let metal = Metal::of(volume);
    let seen = metal.taken_out(volume);
    let shafts = shafts_of(&seen, &dense_sections(&seen));
    shafts.into_iter().map(|shaft| look_over(volume, &metal, shaft)).collect()
}

/// [`find_shafts`], and rings too few for a shaft that run out of the first or last slice: a bone of which the image shows little more
/// than one end.
///
/// The same as such stubs is seen of ischium and ribs: only an end that looks like a long bone's makes a bone of them.
pub fn find_shafts_and_stubs(volume: &Volume<i16>) -> (Vec<Shaft>, Vec<Shaft>) {
    let metal = Metal::of(volume);
    let seen = metal.taken_out(volume);
    let all = dense_sections(&seen);
    let shafts = shafts_of(&seen, &all);
    let stubs = stubs_of(&seen, &all, &shafts);
    let look = |shafts: Vec<Shaft>| shafts.into_iter().map(|shaft| look_over(volume, &metal, shaft)).collect();
    (look(shafts), look(stubs))
}

/// The dense pieces of every slice, without what hangs on them over some slices.
fn dense_sections(volume: &Volume<i16>) -> Vec<Vec<Section>> {
    let found: Vec<Vec<(Section, Option<Detached>)>> = (0..volume.grid.size[2])
        .into_par_iter()
        .map(|k| {
            let what = (BONE_HU, MIN_SECTION_MM2);
            let all = sections_detached(volume, k, what, ATTACHED, may_be_shaft, is_ring);
            all.into_iter().filter(|(section, _)| is_dense(section)).collect()
        })
        .collect();
    let dz = volume.grid.spacing_mm.z;
    let chosen = |k: usize, (section, without): &(Section, Option<Detached>)| match without {
        Some(without) if attached_over_mm(&found, k, without, dz) >= ATTACHED_MM => without.section.clone(),
        _ => section.clone(),
    };
    (0..found.len()).map(|k| found[k].iter().map(|both| chosen(k, both)).collect()).collect()
}

/// Over how much along the body something hangs on pieces of slice `k` and those beside it, at nearly the same place, mm.
fn attached_over_mm(found: &[Vec<(Section, Option<Detached>)>], k: usize, of: &Detached, dz: f64) -> f64 {
    let next = |k: usize, from: [f64; 2]| {
        let here = found.get(k)?.iter().filter_map(|(_, without)| without.as_ref());
        here.map(|other| other.attached_mm).find(|at| distance(*at, from) <= ATTACHED.disc_mm + dz)
    };
    let run = |step: isize| {
        let (mut k, mut at, mut count) = (k, of.attached_mm, 0);
        while let Some(beside) = k.checked_add_signed(step)
            && let Some(place) = next(beside, at)
        {
            (k, at, count) = (beside, place, count + 1);
        }
        count
    };
    (1 + run(1) + run(-1)) as f64 * dz
}

fn shafts_of(volume: &Volume<i16>, all: &[Vec<Section>]) -> Vec<Shaft> {
    let dz = volume.grid.spacing_mm.z;
    let whole = |s: &Section| is_ring(s) && !s.cut;
    let mut shafts: Vec<Shaft> = join_fragments(bridge(chains(all, whole, filled, dz), dz), dz)
        .into_iter()
        // A lesion may have opened most of the rings: the course counts from the first to the last.
        .filter(|(rings, _)| {
            rings.len() as f64 * dz >= 0.5 * MIN_LENGTH_MM && rings.len() >= 5 && course_mm(rings, dz) >= MIN_LENGTH_MM
        })
        .filter(|(rings, _)| is_long_bone(rings))
        .map(|(rings, stretches)| Shaft { rings, cut_everywhere: false, within: None, stub: false, stretches })
        .collect();
    let opened = opened(all, dz, &shafts);
    shafts.extend(opened);
    let found = shafts.clone();
    let cut = |s: &Section| s.cut && s.filled_area_mm2 <= 2.0 * MAX_SECTION_MM2;
    let cut = rejoin(chains(all, cut, filled, dz), 2)
        .into_iter()
        .filter(|pieces| pieces.len() as f64 * dz >= MIN_LENGTH_MM && pieces.len() >= 5 && is_long_bone(pieces))
        .filter(|pieces| median_of(pieces, |s| s.wall_hu) >= MIN_CUT_WALL_HU)
        .filter(|pieces| !found.iter().any(|shaft| continues(volume, shaft, pieces)));
    shafts.extend(cut.map(|rings| Shaft {
        rings,
        cut_everywhere: true,
        within: None,
        stub: false,
        stretches: Vec::new(),
    }));
    shafts.sort_by(|a, b| {
        let weight = |s: &Shaft| s.rings.iter().map(|r| r.filled_area_mm2).sum::<f64>();
        weight(b).total_cmp(&weight(a))
    });
    shafts
}

/// Shafts whose rings are too few to find each other, because a lesion has opened most of what is visible: rings that
/// an unbroken chain of dense pieces connects.
fn opened(all: &[Vec<Section>], dz: f64, found: &[Shaft]) -> Vec<Shaft> {
    let piece = |s: &Section| {
        !s.cut
            && s.wall_hu >= OPENED_WALL_HU
            && s.filled_area_mm2 <= 2.0 * MAX_SECTION_MM2
            && s.solidity >= OPENED_SOLIDITY
    };
    let taken = |r: &Section| {
        found.iter().flat_map(|f| &f.rings).any(|o| o.k == r.k && distance(o.centroid_mm, r.centroid_mm) < 1.0)
    };
    chains(all, piece, |s| s.area_mm2, dz)
        .into_iter()
        .map(|chain| chain.into_iter().filter(is_ring).collect::<Vec<_>>())
        .filter(|rings| rings.len() >= 5 && course_mm(rings, dz) >= 1.5 * MIN_LENGTH_MM && is_long_bone(rings))
        .filter(|rings| !rings.iter().any(taken))
        .map(|rings| Shaft { rings, cut_everywhere: false, within: None, stub: false, stretches: Vec::new() })
        .collect()
}

fn stubs_of(volume: &Volume<i16>, all: &[Vec<Section>], found: &[Shaft]) -> Vec<Shaft> {
    let mut stubs = stubs_among(volume, all, |s| is_ring(s) && !s.cut, found);
    // A lesion may have opened the few rings that there are: pieces of wall, each as its hull shows it.
    let whole: Vec<Vec<Section>> = all.iter().map(|here| here.iter().filter_map(ring_or_opened).collect()).collect();
    let found: Vec<Shaft> = found.iter().chain(&stubs).cloned().collect();
    stubs.extend(stubs_among(volume, &whole, |_| true, &found));
    stubs
}

/// A ring, or the ring that an opened piece of a wall was.
fn ring_or_opened(section: &Section) -> Option<Section> {
    if is_ring(section) {
        return (!section.cut).then(|| section.clone());
    }
    let opened = |s: &&Section| !s.cut && s.solidity >= OPENED_STUB_SOLIDITY;
    let whole = Some(section).filter(opened)?.completed();
    // A whole ring does not fill its hull; and what was in it is not known.
    let ring = Section {
        filled_area_mm2: RING_OF_HULL * whole.filled_area_mm2,
        axes_mm: whole.axes_mm.map(|axis| RING_OF_HULL.sqrt() * axis),
        ..whole
    };
    is_ring(&Section { hole_hu: 0.0, ..ring.clone() }).then_some(ring)
}

/// Chains of the sections to `keep` that run out of the first or last slice, and belong to no bone that was `found`.
fn stubs_among(
    volume: &Volume<i16>,
    all: &[Vec<Section>],
    keep: impl Fn(&Section) -> bool,
    found: &[Shaft],
) -> Vec<Shaft> {
    let (last, dz) = (volume.grid.size[2] - 1, volume.grid.spacing_mm.z);
    let near = |k: usize| (k.min(last - k) as f64) * dz <= MIN_LENGTH_MM;
    let rings = chains(all, |s| near(s.k) && s.filled_area_mm2 >= MIN_STUB_MM2 && keep(s), filled, dz);
    // Between the slices of a thick stack thin slices are interpolated, and a thin shell is open there.
    let apart = (STUB_GAP_MM / dz) as usize + 1;
    let rings = if apart > 1 { rejoin(rings, apart) } else { rings };
    rings
        .into_iter()
        .filter(|rings| rings.len() >= 3 && course_mm(rings, dz) >= MIN_STUB_MM && is_long_bone(rings))
        .filter(|rings| rings[0].k == 0 || rings[rings.len() - 1].k == last)
        .filter(|rings| {
            let on_shaft = |r: &Section| {
                let same = |o: &Section| o.k == r.k && distance(o.centroid_mm, r.centroid_mm) < 0.5 * r.axes_mm[0];
                found.iter().flat_map(|shaft| &shaft.rings).any(same)
            };
            !rings.iter().any(on_shaft)
        })
        .map(|rings| Shaft { rings, cut_everywhere: false, within: None, stub: true, stretches: Vec::new() })
        .collect()
}

/// Distance from the first to the last ring of a chain, mm.
pub(super) fn course_mm(rings: &[Section], dz: f64) -> f64 {
    (rings[rings.len() - 1].k - rings[0].k + 1) as f64 * dz
}

/// Dense, and no larger than a shaft with something that hangs on it.
fn may_be_shaft(section: &Section) -> bool {
    is_dense(section) && section.filled_area_mm2 <= 2.0 * MAX_SECTION_MM2 + ATTACHED.most_mm2
}

fn is_dense(section: &Section) -> bool {
    section.wall_hu >= MIN_WALL_HU
}

/// A compact piece whose inside, if any, is clearly less dense than its wall.
pub(super) fn is_ring(section: &Section) -> bool {
    let hollow = section.filled_area_mm2 - section.area_mm2;
    section.solidity >= MIN_SOLIDITY
        // The bone may lie up to 60° oblique to the slice, which doubles the area.
        && section.filled_area_mm2 <= 2.0 * MAX_SECTION_MM2
        && section.axes_mm[1].powi(2) <= 4.0 / std::f64::consts::PI * MAX_SECTION_MM2
        && section.axes_mm[0] <= 3.0 * section.axes_mm[1]
        && (hollow < 0.05 * section.filled_area_mm2 || section.hole_hu < 0.4 * section.wall_hu)
}

pub(super) fn filled(section: &Section) -> f64 {
    section.filled_area_mm2
}

/// Chains of neighbouring sections, each the other's nearest match.
pub(super) fn chains(
    all: &[Vec<Section>],
    keep: impl Fn(&Section) -> bool,
    size: fn(&Section) -> f64,
    dz: f64,
) -> Vec<Vec<Section>> {
    let mut open: Vec<Vec<Section>> = Vec::new();
    let mut done = Vec::new();
    for here in all {
        let here: Vec<&Section> = here.iter().filter(|s| keep(s)).collect();
        let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
        for (c, chain) in open.iter().enumerate() {
            for (s, section) in here.iter().enumerate() {
                if let Some(cost) = step_cost(chain, section, size, dz) {
                    pairs.push((cost, c, s));
                }
            }
        }
        pairs.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
        let mut next: Vec<Option<usize>> = vec![None; open.len()];
        let mut used = vec![false; here.len()];
        for (_, c, s) in pairs {
            if next[c].is_none() && !used[s] {
                (next[c], used[s]) = (Some(s), true);
            }
        }
        let mut still = Vec::new();
        for (c, mut chain) in open.into_iter().enumerate() {
            match next[c] {
                Some(s) => {
                    chain.push(here[s].clone());
                    still.push(chain);
                }
                None => done.push(chain),
            }
        }
        still.extend(here.iter().zip(&used).filter(|(_, u)| !**u).map(|(s, _)| vec![(*s).clone()]));
        open = still;
    }
    done.extend(open);
    done
}

/// How far a section lies from where the chain would go on, mm; `None` when it cannot be its next section.
fn step_cost(chain: &[Section], next: &Section, size: fn(&Section) -> f64, dz: f64) -> Option<f64> {
    let last = chain.last()?;
    let ahead = extrapolate(chain, next.k as f64, dz);
    let off = distance(ahead, next.centroid_mm);
    let diameter = last.axes_mm[1];
    let ratio = size(next) / size(last);
    // A chain of one does not know its direction yet: the bone may run 50° oblique.
    let reach = if chain.len() < 4 { 0.3 * diameter + 1.2 * dz } else { 0.25 * diameter + 0.3 * dz };
    (off <= reach && (0.6..=1.67).contains(&ratio)).then_some(off)
}

/// Where the chain's centroid would be at slice `k`: straight line through its last (or first) 30 mm.
pub(super) fn extrapolate(chain: &[Section], k: f64, dz: f64) -> [f64; 2] {
    let n = ((30.0 / dz).ceil() as usize).clamp(3, 12).min(chain.len());
    let forward = k > chain[chain.len() - 1].k as f64;
    let part = if forward { &chain[chain.len() - n..] } else { &chain[..n] };
    let mean_k = part.iter().map(|s| s.k as f64).sum::<f64>() / n as f64;
    let spread: f64 = part.iter().map(|s| (s.k as f64 - mean_k).powi(2)).sum();
    [0, 1].map(|a| {
        let mean = part.iter().map(|s| s.centroid_mm[a]).sum::<f64>() / n as f64;
        let slope = if spread > 0.0 {
            part.iter().map(|s| (s.k as f64 - mean_k) * (s.centroid_mm[a] - mean)).sum::<f64>() / spread
        } else {
            0.0
        };
        mean + slope * (k - mean_k)
    })
}

/// Joins chains across stretches where the ring is open (a lesion), when each points at the other.
pub(super) fn bridge(mut chains: Vec<Vec<Section>>, dz: f64) -> Vec<Vec<Section>> {
    chains.retain(|c| c.len() >= 3);
    chains.sort_by_key(|c| c[0].k);
    loop {
        let mut best: Option<(f64, usize, usize)> = None;
        for a in 0..chains.len() {
            for b in 0..chains.len() {
                if a != b
                    && let Some(cost) = bridge_cost(&chains[a], &chains[b], dz)
                    && best.is_none_or(|(c, ..)| cost < c)
                {
                    best = Some((cost, a, b));
                }
            }
        }
        let Some((_, a, b)) = best else { return chains };
        let tail = chains[b].clone();
        chains[a].extend(tail);
        chains.remove(b);
    }
}

/// Joins pieces of one bone that are no more than `slices` apart: how much the border leaves of it may change from one slice to the
/// next.
fn rejoin(mut chains: Vec<Vec<Section>>, slices: usize) -> Vec<Vec<Section>> {
    chains.sort_by_key(|c| c[0].k);
    let mut out: Vec<Vec<Section>> = Vec::new();
    for chain in chains {
        let start = &chain[0];
        let end = out.iter_mut().find(|c| {
            let end = &c[c.len() - 1];
            start.k > end.k && start.k <= end.k + slices && distance(start.centroid_mm, end.centroid_mm) < 12.0
        });
        match end {
            Some(before) => before.extend(chain),
            None => out.push(chain),
        }
    }
    out
}

/// How badly chain `b` continues chain `a` above it, mm; `None` when it does not.
fn bridge_cost(a: &[Section], b: &[Section], dz: f64) -> Option<f64> {
    let (end, start) = (a.last()?, b.first()?);
    if start.k <= end.k {
        return None;
    }
    let gap_mm = (start.k - end.k) as f64 * dz;
    if gap_mm > MAX_GAP_MM {
        return None;
    }
    // Both must see each other from the middle of the gap: extrapolating each over half of it is twice as safe.
    let middle = 0.5 * (start.k + end.k) as f64;
    let off = distance(extrapolate(a, middle, dz), extrapolate(b, middle, dz));
    let short = a.len().min(b.len()) as f64 * dz;
    let allowed = 4.0 + 0.08 * gap_mm + if short < 15.0 { 0.15 * gap_mm.min(40.0) } else { 0.0 };
    let middle_area = |c: &[Section]| median(&mut c.iter().map(|s| s.filled_area_mm2).collect::<Vec<_>>());
    let ratio = middle_area(b)? / middle_area(a)?;
    (off <= allowed && (0.4..=2.5).contains(&ratio)).then_some(off + 0.05 * gap_mm)
}

pub(super) fn median_of(sections: &[Section], f: fn(&Section) -> f64) -> f64 {
    median(&mut sections.iter().map(f).collect::<Vec<_>>()).unwrap_or(0.0)
}

/// Straight, dense, long compared with its width, and walled like a shaft.
pub(super) fn is_long_bone(rings: &[Section]) -> bool {
    let area = median_of(rings, filled);
    let wall = median_of(rings, |s| s.wall_hu);
    // Wall area over circumference: mean thickness of what is above the threshold.
    let thickness = median_of(rings, |s| s.area_mm2 / (std::f64::consts::PI * (s.axes_mm[0] + s.axes_mm[1]) / 2.0));
    wall >= MIN_WALL_HU + 50.0 && thickness >= 1.2 && area >= MIN_SECTION_MM2
}

/// Do these cut pieces lie on the course of a shaft that was found whole elsewhere?
fn continues(volume: &Volume<i16>, shaft: &Shaft, pieces: &[Section]) -> bool {
    let dz = volume.grid.spacing_mm.z;
    let (first, last) = shaft.span();
    let near = |s: &Section| {
        let at = extrapolate(&shaft.rings, s.k as f64, dz);
        let beyond = s.k.saturating_sub(last).max(first.saturating_sub(s.k)) as f64 * dz;
        distance(at, s.centroid_mm) < shaft.diameter_mm(volume) + 0.3 * beyond
    };
    pieces.iter().any(near)
}

pub(super) fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

#[cfg(test)]
#[path = "shafts_tests.rs"]
mod tests;
