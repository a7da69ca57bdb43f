//! What does not belong to a bone: metal in it or near it, what fills its canal, a cast around the limb.

use super::shafts::Shaft;
use super::stretches::{Finding, Stretch};
use crate::smoothing::median;
use crate::volume::{NO_DATA, Volume, highest};
use rayon::prelude::*;
use std::borrow::Cow;

/// No bone reaches this; 12-bit scanners saturate at 3071.
const METAL_HU: i16 = 2500;
/// Metal, and the bright rim that the scanner's blur lays around it, mm.
const RIM_MM: f64 = 1.6;
/// Metal this near to the wall spoils the slice, whatever its streaks, mm.
const NEAR_MM: f64 = 15.0;
/// Slices this near to metal along the bone are asked for streaks, mm.
const ALONG_MM: f64 = 10.0;
/// Around the wall, where streaks are looked for, mm from it, and the HU that soft tissue without them has.
const TISSUE_MM: [f64; 2] = [3.0, 18.0];
const TISSUE_HU: f64 = 45.0;
/// Soft tissue this much rougher than in the bone's slices without metal is streaked: a factor, and HU.
const ROUGHER: (f64, f64) = (1.5, 8.0);
/// Share of the short half axis that is canal in any bone.
const CANAL: f64 = 0.3;
/// A narrower canal is blurred by its walls, mm.
const LEAST_CANAL_MM: f64 = 2.5;
/// HU of the canal from which it is called filled, and the share of the wall's HU from which the wall does not stand out from it.
const FILLED_HU: f64 = 500.0;
const LIKE_WALL: f64 = 0.7;
/// Compact cortex where no wall can tell its HU.
const CORTEX_HU: f64 = 1300.0;
/// Shortest filling that is told, mm, and the slices between two that are one.
const FILLING_MM: f64 = 6.0;

/// Metal of a volume.
pub(super) struct Metal {
    /// Columns and rows of its voxels, per slice.
    at: Vec<Vec<[usize; 2]>>,
}

impl Metal {
    pub fn of(volume: &Volume<i16>) -> Metal {
        let columns = volume.grid.size[0];
        let at = (0..volume.grid.size[2])
            .into_par_iter()
            .map(|k| {
                let pixels = volume.slice(k);
                // By far most slices hold none.
                if highest(pixels) < METAL_HU {
                    return Vec::new();
                }
                let pixels = pixels.iter().enumerate();
                pixels.filter(|(_, hu)| **hu >= METAL_HU).map(|(n, _)| [n % columns, n / columns]).collect()
            })
            .collect();
        Metal { at }
    }

    fn is_none(&self) -> bool {
        self.at.iter().all(Vec::is_empty)
    }

    /// The volume with soft tissue in the place of metal, for finding what is bone.
    pub fn taken_out<'a>(&self, volume: &'a Volume<i16>) -> Cow<'a, Volume<i16>> {
        if self.is_none() {
            return Cow::Borrowed(volume);
        }
        let [columns, rows, _] = volume.grid.size;
        let s = volume.grid.spacing_mm;
        let reach = [(RIM_MM / s.x) as usize, (RIM_MM / s.y) as usize];
        let mut out = volume.clone();
        for (k, slice) in out.voxels.chunks_mut(columns * rows).enumerate() {
            for [i, j] in &self.at[k] {
                for b in j.saturating_sub(reach[1])..(j + reach[1] + 1).min(rows) {
                    for a in i.saturating_sub(reach[0])..(i + reach[0] + 1).min(columns) {
                        let off = (a.abs_diff(*i) as f64 * s.x).hypot(b.abs_diff(*j) as f64 * s.y);
                        if off <= RIM_MM && slice[b * columns + a] != NO_DATA {
                            slice[b * columns + a] = 0;
                        }
                    }
                }
            }
        }
        Cow::Owned(out)
    }
}

/// The slices of a shaft, and beyond it as far as its end may be followed, that metal spoils.
pub(super) fn metal_stretches(volume: &Volume<i16>, metal: &Metal, shaft: &Shaft) -> Vec<Stretch> {
    if metal.is_none() {
        return Vec::new();
    }
    let n = volume.grid.size[2];
    let s = volume.grid.spacing_mm;
    let axis = shaft.axis(volume);
    let radius = 0.5 * shaft.diameter_mm(volume);
    let away = |k: usize| {
        let off = |[i, j]: &[usize; 2]| (*i as f64 * s.x - axis[k][0]).hypot(*j as f64 * s.y - axis[k][1]) - radius;
        metal.at[k].iter().map(off).fold(f64::INFINITY, f64::min)
    };
    let near: Vec<bool> = (0..n).map(|k| away(k) <= NEAR_MM).collect();
    let rough: Vec<f64> = (0..n).into_par_iter().map(|k| roughness_hu(volume, k, axis[k], radius)).collect();
    let along = (ALONG_MM / s.z).ceil() as usize;
    let beside = |k: usize| (k.saturating_sub(along)..(k + along + 1).min(n)).any(|k| !metal.at[k].is_empty());
    let (first, last) = shaft.span();
    let mut clear: Vec<f64> =
        (first..=last).filter(|k| !beside(*k)).map(|k| rough[k]).filter(|v| v.is_finite()).collect();
    let usual = median(&mut clear).unwrap_or(TISSUE_HU / ROUGHER.0);
    let streaked = |k: usize| beside(k) && rough[k] > ROUGHER.0 * usual + ROUGHER.1;
    stretches((0..n).map(|k| near[k] || streaked(k)), 0, Finding::Metal)
}

/// Spread of the HU of soft tissue around a shaft: its median absolute deviation, as a standard deviation.
fn roughness_hu(volume: &Volume<i16>, k: usize, centre_mm: [f64; 2], radius_mm: f64) -> f64 {
    let [columns, rows, _] = volume.grid.size;
    let s = volume.grid.spacing_mm;
    let pixels = volume.slice(k);
    let mut steps = Vec::new();
    let reach = radius_mm + TISSUE_MM[1];
    let window = |a: usize, size: usize| {
        let first = ((centre_mm[a] - reach) / s[a]).max(0.0) as usize;
        first..(((centre_mm[a] + reach) / s[a]).max(0.0) as usize + 1).min(size.saturating_sub(1))
    };
    for j in window(1, rows) {
        for i in window(0, columns) {
            let off = (i as f64 * s.x - centre_mm[0]).hypot(j as f64 * s.y - centre_mm[1]) - radius_mm;
            let [here, beside, below] = [0, 1, columns].map(|d| f64::from(pixels[j * columns + i + d]));
            if (TISSUE_MM[0]..=TISSUE_MM[1]).contains(&off) && [here, beside, below].iter().all(|v| v.abs() < 600.0) {
                steps.push((here - beside).abs());
                steps.push((here - below).abs());
            }
        }
    }
    // The difference of two has the variance of both.
    median(&mut steps).map_or(f64::NAN, |m| 1.4826 * m / 2f64.sqrt())
}

/// Runs of slices for which it holds, those apart by no more than `between` slices joined.
fn stretches(holds: impl Iterator<Item = bool>, between: usize, finding: Finding) -> Vec<Stretch> {
    let mut found: Vec<Stretch> = Vec::new();
    for (k, _) in holds.enumerate().filter(|(_, holds)| *holds) {
        match found.last_mut() {
            Some(last) if k <= last.last + 1 + between => last.last = k,
            _ => found.push(Stretch { finding, first: k, last: k }),
        }
    }
    found
}

/// Stretches over which the canal is filled with something dense that is no metal.
pub(super) fn fillings(volume: &Volume<i16>, shaft: &Shaft) -> Vec<Stretch> {
    let dz = volume.grid.spacing_mm.z;
    let metal = |k: usize| shaft.stretches.iter().any(|s| s.finding == Finding::Metal && s.contains(k));
    let canal: Vec<(usize, f64, f64)> = shaft
        .rings
        .iter()
        .filter(|ring| !metal(ring.k) && CANAL * 0.5 * ring.axes_mm[1] >= LEAST_CANAL_MM)
        .filter_map(|ring| {
            Some((ring.k, core_hu(volume, ring.k, ring.centroid_mm, CANAL * 0.5 * ring.axes_mm[1])?, ring.wall_hu))
        })
        .collect();
    let mut open: Vec<f64> = canal.iter().filter(|(_, hu, _)| *hu < FILLED_HU).map(|(.., wall)| *wall).collect();
    let wall_hu = if open.len() >= 5 { median(&mut open).unwrap_or(CORTEX_HU) } else { CORTEX_HU };
    let n = volume.grid.size[2];
    let mut hu = vec![f64::NAN; n];
    canal.iter().for_each(|(k, v, _)| hu[*k] = *v);
    let level = |finding, holds: &dyn Fn(f64) -> bool| {
        let runs = stretches(hu.iter().map(|v| holds(*v)), 2, finding).into_iter();
        runs.filter(|run| (run.last - run.first + 1) as f64 * dz >= FILLING_MM)
            .map(|mut run| {
                let mut inside: Vec<f64> = (run.first..=run.last).map(|k| hu[k]).filter(|v| v.is_finite()).collect();
                let hu = median(&mut inside).unwrap_or(f64::NAN);
                if let Finding::Filling { measurable, .. } = run.finding {
                    run.finding = Finding::Filling { hu, measurable };
                }
                run
            })
            .collect::<Vec<_>>()
    };
    let blank = |measurable| Finding::Filling { hu: f64::NAN, measurable };
    let mut dense = level(blank(false), &|v| v >= LIKE_WALL * wall_hu);
    // The last slice that holds some of it holds less.
    for run in &mut dense {
        (run.first, run.last) = (run.first.saturating_sub(1), (run.last + 1).min(n - 1));
    }
    let within = |run: &Stretch| dense.iter().any(|d| d.first <= run.last && run.first <= d.last);
    let light: Vec<Stretch> = level(blank(true), &|v| v >= FILLED_HU).into_iter().filter(|run| !within(run)).collect();
    dense.extend(light);
    dense
}

/// Median HU within a circle of a slice.
fn core_hu(volume: &Volume<i16>, k: usize, centre_mm: [f64; 2], radius_mm: f64) -> Option<f64> {
    let [columns, rows, _] = volume.grid.size;
    let s = volume.grid.spacing_mm;
    let pixels = volume.slice(k);
    let window = |a: usize, size: usize| {
        let first = ((centre_mm[a] - radius_mm) / s[a]).round().max(0.0) as usize;
        first..=(((centre_mm[a] + radius_mm) / s[a]).round().max(0.0) as usize).min(size - 1)
    };
    let mut values = Vec::new();
    for j in window(1, rows) {
        for i in window(0, columns) {
            if (i as f64 * s.x - centre_mm[0]).hypot(j as f64 * s.y - centre_mm[1]) <= radius_mm.max(s.x) {
                values.push(f64::from(pixels[j * columns + i]));
            }
        }
    }
    median(&mut values)
}

/// A shell directly under the air all around, HU and share of the directions that reach air.
const CAST_HU: i16 = 180;
const CAST_SHARE: f64 = 0.5;
/// Least thickness of a cast, mm; the least way from the wall to it; and how far skin may lie inside it.
const CAST_MM: f64 = 2.0;
const PADDING_MM: f64 = 25.0;
const REACH_MM: usize = 160;
const AIR_HU: i16 = -400;

/// Does a shell of plaster or plastic lie around the limb of this shaft?
pub(super) fn in_a_cast(volume: &Volume<i16>, shaft: &Shaft) -> bool {
    let stride = (shaft.rings.len() / 12).max(1);
    let (mut in_cast, mut looked_at) = (0, 0);
    for ring in shaft.rings.iter().step_by(stride) {
        let seen: Vec<bool> =
            (0..36).filter_map(|n| shell(volume, ring.k, ring.centroid_mm, 0.5 * ring.axes_mm[0], n)).collect();
        if seen.len() >= 8 {
            looked_at += 1;
            let shells = seen.iter().filter(|shell| **shell).count();
            in_cast += usize::from(shells as f64 >= CAST_SHARE * seen.len() as f64);
        }
    }
    in_cast >= 2 && 2 * in_cast >= looked_at
}

/// Is the last thing before open air in this direction a dense shell? `None` where no air is reached.
fn shell(volume: &Volume<i16>, k: usize, centre_mm: [f64; 2], radius_mm: f64, direction: usize) -> Option<bool> {
    let [columns, rows, _] = volume.grid.size;
    let s = volume.grid.spacing_mm;
    let pixels = volume.slice(k);
    let (sin, cos) = (std::f64::consts::TAU * direction as f64 / 36.0).sin_cos();
    let (mut dense_mm, mut air_mm) = (0.0, 0.0);
    let mut air_seen = false;
    for step in 0..2 * REACH_MM {
        let r = radius_mm + 3.0 + 0.5 * step as f64;
        let (x, y) = ((centre_mm[0] + r * cos) / s.x, (centre_mm[1] + r * sin) / s.y);
        if x < 0.0 || y < 0.0 || x >= columns as f64 - 0.5 || y >= rows as f64 - 0.5 {
            break;
        }
        let hu = pixels[y.round() as usize * columns + x.round() as usize];
        match hu {
            hu if hu >= CAST_HU => (dense_mm, air_mm) = (dense_mm + 0.5, 0.0),
            hu if hu < AIR_HU => {
                // A dense run that ends in air, with next to nothing between.
                if dense_mm >= CAST_MM {
                    return Some(true);
                }
                air_seen = true;
                (dense_mm, air_mm) = (0.0, air_mm + 0.5);
            }
            // The edge of a shell is as soft as the image.
            _ if air_mm == 0.0 && dense_mm >= CAST_MM && hu > AIR_HU => dense_mm -= 0.5,
            _ => dense_mm = 0.0,
        }
        if air_mm > PADDING_MM {
            break;
        }
    }
    air_seen.then_some(false)
}
