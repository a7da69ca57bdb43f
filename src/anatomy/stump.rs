//! Where a shaft ends in soft tissue at its full width: an amputation, a resection, a fragment whose rest is not seen.

use super::peaks::{AROUND, Peaks, SOFT_HU};
use super::shafts::{Shaft, filled, median_of};
use super::stretches::{Finding, Stretch};
use crate::volume::{NO_DATA, Section, Volume};

/// The rings that tell what the shaft is like near its end, mm.
const NEAR_MM: f64 = 50.0;
/// The last rings are no larger than those, and their wall no thinner: as a share.
const NO_LARGER: f64 = 1.25;
const NO_THINNER: f64 = 0.7;
/// From here on beyond the last ring, over this much, there is no bone, mm.
const CLEAR_MM: [f64; 2] = [7.0, 16.0];
/// How much wider than the bone that place is looked at.
const WIDER: f64 = 1.3;
/// What is bone, HU, and the share of it that is none to speak of.
const BONE_HU: i16 = 220;
const FEW: f64 = 0.04;
/// Slices in which this share of any wall is missing belong to the end.
const MISSING: f64 = 0.15;

/// The stumps of a shaft: lower and upper end.
pub(super) fn stumps(volume: &Volume<i16>, peaks: &Peaks, shaft: &Shaft) -> Vec<Stretch> {
    [false, true].into_iter().filter_map(|upper| stump(volume, peaks, shaft, upper)).collect()
}

fn stump(volume: &Volume<i16>, peaks: &Peaks, shaft: &Shaft, upper: bool) -> Option<Stretch> {
    let dz = peaks.dz_mm;
    let rings = &shaft.rings;
    let n = ((NEAR_MM / dz) as usize).max(6);
    let end = ((8.0 / dz).ceil() as usize).max(2);
    if rings.len() < n.min(10) || shaft.within.is_some() {
        return None;
    }
    let (near, last): (&[Section], &[Section]) = match upper {
        true => (&rings[rings.len().saturating_sub(n)..], &rings[rings.len() - end.min(rings.len())..]),
        false => (&rings[..n.min(rings.len())], &rings[..end.min(rings.len())]),
    };
    let wall = |r: &Section| r.area_mm2 / r.axes_mm[0];
    let full = median_of(last, filled) <= NO_LARGER * median_of(near, filled)
        && median_of(last, filled) * NO_LARGER >= median_of(near, filled)
        && median_of(last, wall) >= NO_THINNER * median_of(near, wall);
    let tip = if upper { rings[rings.len() - 1].k } else { rings[0].k };
    let metal = shaft.stretches.iter().any(|s| s.finding == Finding::Metal && s.contains(tip));
    if !full || metal || !is_clear(volume, shaft, tip, upper) {
        return None;
    }
    // From the outermost slice with some of the bone to the innermost with less than all of it.
    let step = |k: usize| if upper { k.checked_sub(1) } else { (k + 1 < peaks.slices()).then_some(k + 1) };
    let mut inner = tip - peaks.first;
    let inside: Vec<f64> = (0..AROUND)
        .map(|s| {
            let (a, b) = if upper {
                (inner.saturating_sub(4 * end), inner.saturating_sub(end))
            } else {
                (inner + end + 1, inner + 4 * end + 1)
            };
            peaks.median(a..b, s)
        })
        .collect::<Option<_>>()?;
    let less = |k: usize| (0..AROUND).any(|s| (peaks.hu[k][s] - SOFT_HU) < (1.0 - MISSING) * (inside[s] - SOFT_HU));
    for _ in 0..2 * end {
        if !less(inner) {
            break;
        }
        inner = step(inner)?;
    }
    let inner = peaks.first + inner;
    let beyond = (CLEAR_MM[0] / dz).ceil() as usize;
    let top = volume.grid.size[2] - 1;
    let (first, last) = if upper {
        (inner + 1, (tip + beyond).min(top))
    } else {
        (tip.saturating_sub(beyond), inner.saturating_sub(1))
    };
    (first <= last).then_some(Stretch { finding: Finding::Stump, first, last })
}

/// Is there nothing of bone beyond the last ring, where the image shows it?
fn is_clear(volume: &Volume<i16>, shaft: &Shaft, tip: usize, upper: bool) -> bool {
    let s = volume.grid.spacing_mm;
    let [columns, rows, slices] = volume.grid.size;
    let axis = shaft.axis(volume);
    let radius = WIDER * 0.5 * shaft.diameter_mm(volume);
    let (near, far) = ((CLEAR_MM[0] / s.z).ceil() as usize, ((CLEAR_MM[1] / s.z).ceil() as usize).max(2));
    let (mut all, mut bone) = (0usize, 0usize);
    for d in near..=far {
        let k = match upper {
            true if tip + d < slices => tip + d,
            false if tip >= d => tip - d,
            _ => return false,
        };
        let pixels = volume.slice(k);
        let window = |a: usize, size: usize| {
            let first = ((axis[k][a] - radius) / s[a]).max(0.0) as usize;
            first..(((axis[k][a] + radius) / s[a]).max(0.0) as usize + 1).min(size)
        };
        for j in window(1, rows) {
            for i in window(0, columns) {
                if (i as f64 * s.x - axis[k][0]).hypot(j as f64 * s.y - axis[k][1]) <= radius {
                    let hu = pixels[j * columns + i];
                    if hu == NO_DATA || hu < -900 {
                        continue;
                    }
                    all += 1;
                    bone += usize::from(hu >= BONE_HU);
                }
            }
        }
    }
    all > 0 && bone as f64 <= FEW * all as f64
}
