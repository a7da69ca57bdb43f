//! Voxels that surely belong to one bone or another: where the division of what touches begins.

use super::Bone;
use super::shafts::Shaft;
use super::window::{IN_SLICE, Window};
use crate::volume::{Volume, squared_distance_mm2};
use std::collections::HashSet;

/// The seed of the bone whose end is looked at; others have their own numbers from here on.
pub(super) const OWN: u8 = 1;
/// What lies around a head, or beyond a joint, without a shaft of its own.
pub(super) const NEIGHBOUR: u8 = u8::MAX;
/// Core of a ring, as a share of its short half axis, that surely is this bone.
const CORE: f64 = 0.5;
/// Two shafts that share slices over this are companions, mm.
const BESIDE_MM: f64 = 30.0;
/// A companion is followed beyond its rings no further than this, mm.
const FOLLOWED_MM: f64 = 45.0;
/// From one slice to the next a section that stands alone grows by no more than this, and never falls below this share of its largest.
const GROWS: usize = 2;
const SHRINKS: f64 = 0.5;
/// Where it touches another bone, its side leans by no more than this beyond the slice before, as a share of the way from slice to slice.
const LEANS: f64 = 0.5;

/// Which bone each voxel surely belongs to: `bones[which]` ([`OWN`]), another one with a shaft, or 0.
///
/// A companion (a fibula beside its tibia) is followed through `solid` beyond its last ring as long as its sections stand alone, or touch the
/// other bone where they lie over the one before: its head is thinner in the wall than a ring may be, and touches the other bone more broadly
/// than its own neck is thick.
pub(super) fn seeds(window: &Window, volume: &Volume<i16>, bones: &[Bone], which: usize, solid: &[bool]) -> Vec<u8> {
    let mut seeds = vec![0u8; window.hu.len()];
    for (n, bone) in bones.iter().enumerate() {
        mark_rings(window, volume, &bone.shaft, number(n, which), &mut seeds);
    }
    let own = &bones[which].shaft;
    for (n, bone) in bones.iter().enumerate().filter(|(n, _)| *n != which) {
        if shared_mm(volume, own, &bone.shaft) >= BESIDE_MM {
            follow(window, solid, number(n, which), &mut seeds);
        }
    }
    seeds
}

fn number(bone: usize, which: usize) -> u8 {
    if bone == which { OWN } else { (2 + bone).min(usize::from(NEIGHBOUR) - 1) as u8 }
}

fn mark_rings(window: &Window, volume: &Volume<i16>, shaft: &Shaft, seed: u8, seeds: &mut [u8]) {
    let s = volume.grid.spacing_mm;
    for ring in &shaft.rings {
        let centre = window.place([ring.centroid_mm[0] / s.x, ring.centroid_mm[1] / s.y, ring.k as f64]);
        let radius = CORE * 0.5 * ring.axes_mm[1];
        let reach: [i64; 2] = std::array::from_fn(|a| (radius / window.spacing_mm[a]).ceil() as i64);
        for dj in -reach[1]..=reach[1] {
            for di in -reach[0]..=reach[0] {
                let off = [di as f64 * window.spacing_mm[0], dj as f64 * window.spacing_mm[1]];
                let at = [centre[0] + di as f64, centre[1] + dj as f64, centre[2]];
                if off[0].hypot(off[1]) <= radius
                    && let Some(voxel) = window.voxel(at)
                {
                    seeds[voxel] = seed;
                }
            }
        }
    }
}

/// Over how many millimetres both shafts lie in the same slices.
fn shared_mm(volume: &Volume<i16>, a: &Shaft, b: &Shaft) -> f64 {
    let (from, to) = (a.span().0.max(b.span().0), a.span().1.min(b.span().1));
    (to + 1).saturating_sub(from) as f64 * volume.grid.spacing_mm.z
}

/// Carries a seed on from its first and its last slice, also where it touches another bone: as far as its own side may lean.
fn follow(window: &Window, solid: &[bool], seed: u8, seeds: &mut [u8]) {
    let plane = window.size[0] * window.size[1];
    let marked: Vec<usize> = (0..seeds.len()).filter(|n| seeds[*n] == seed).collect();
    let (Some(first), Some(last)) = (marked.first(), marked.last()) else { return };
    for (k, up) in [(first / plane, false), (last / plane, true)] {
        let core = marked.iter().copied().filter(|n| n / plane == k).collect();
        follow_one_way(window, solid, seed, seeds, k, core, up);
    }
}

fn follow_one_way(
    window: &Window,
    solid: &[bool],
    seed: u8,
    seeds: &mut [u8],
    mut k: usize,
    mut core: Vec<usize>,
    up: bool,
) {
    let plane = window.size[0] * window.size[1];
    let Some(mut before) = section(window, solid, &core) else { return };
    let mut largest = before.len();
    for _ in 0..(FOLLOWED_MM / window.spacing_mm[2]) as usize {
        let Some(next) = (if up { (k + 1 < window.size[2]).then_some(k + 1) } else { k.checked_sub(1) }) else {
            return;
        };
        let above: Vec<usize> = core.iter().map(|n| n % plane + next * plane).collect();
        let Some(mut here) = section(window, solid, &above) else { return };
        let strange = |n: &usize| seeds[*n] != 0 && seeds[*n] != seed;
        if here.len() > GROWS * before.len() || here.iter().any(strange) {
            here = near(window, here, &before);
        }
        if here.len() > GROWS * before.len()
            || (here.len() as f64) < SHRINKS * largest as f64
            || here.iter().any(strange)
        {
            return;
        }
        core = middle_of(window, &here, next);
        core.iter().for_each(|n| seeds[*n] = seed);
        largest = largest.max(here.len());
        (k, before) = (next, here);
    }
}

/// The part of a section that may be the bone whose section in the slice beside it is `before`, where it touches another one.
fn near(window: &Window, section: Vec<usize>, before: &[usize]) -> Vec<usize> {
    let plane = window.size[0] * window.size[1];
    let mut away = vec![true; plane];
    before.iter().for_each(|n| away[n % plane] = false);
    let distance = squared_distance_mm2(&away, [window.size[0], window.size[1], 1], window.spacing_mm);
    let reach = (LEANS * window.spacing_mm[2]).max(1.5 * window.spacing_mm[0]);
    section.into_iter().filter(|n| f64::from(distance[n % plane]) <= reach * reach).collect()
}

/// The section of `solid`, within one slice, that hangs together with `start`.
fn section(window: &Window, solid: &[bool], start: &[usize]) -> Option<Vec<usize>> {
    let start: Vec<usize> = start.iter().copied().filter(|n| solid[*n]).collect();
    let mut seen: HashSet<usize> = start.iter().copied().collect();
    let found = window.piece(start, IN_SLICE, |n| solid[n] && seen.insert(n));
    (!found.is_empty()).then_some(found)
}

/// The part of a section that lies deep within it.
fn middle_of(window: &Window, section: &[usize], k: usize) -> Vec<usize> {
    let plane = window.size[0] * window.size[1];
    let mut inside = vec![false; plane];
    section.iter().for_each(|n| inside[n - k * plane] = true);
    let depth = squared_distance_mm2(&inside, [window.size[0], window.size[1], 1], window.spacing_mm);
    let most = section.iter().map(|n| depth[n - k * plane]).fold(0.0, f32::max);
    // Squared: half as deep as the deepest place.
    section.iter().copied().filter(|n| depth[n - k * plane] >= 0.25 * most).collect()
}
