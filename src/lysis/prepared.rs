//! A bone's unrolled cortex and the intact surface that its own healthy parts make.

use super::intact::{Own, own_surface};
use super::patches::{GONE, Patches, cells};
use super::permeation::Permeation;
use super::running_out::{RunningOut, running_out};
use super::surface::{Depths, Surface};
use crate::cortex::contour::Map;
use crate::cortex::{Cortex, SECTORS};
use crate::smoothing::median;

/// A wall thinner than this, on average over a fifth of the circumference, cannot be told from its own blur.
const THIN_WALL_MM: f64 = 1.5;
/// Depth that stands for an empty cell, mm: far below one percent of any wall.
const MIN_DEPTH_MM: f64 = 0.002;
/// Share of the circumference that may be thinner.
const THIN_SHARE: f64 = 0.2;

/// The unrolled cortex as the fit wants it, slice by sector.
#[derive(Debug, Clone)]
struct Maps {
    log_depth: Map,
    arc_mm: Map,
    peak_share: Map,
    density_share: Map,
    known: Vec<Vec<bool>>,
    dz_mm: f64,
}

/// A bone's unrolled cortex and the intact surface that its own healthy parts make.
#[derive(Debug, Clone)]
pub struct Prepared {
    maps: Maps,
    permeation: Permeation,
    pub(super) own: Surface,
    /// What is lost if lesions near an end of the measured bone run out of it.
    pub(super) running_out: Option<RunningOut>,
    /// Slices refused because the intact wall is too thin there.
    pub(super) refused: Vec<usize>,
}

impl Prepared {
    /// Rows of the cortex that are refused because the intact wall is too thin there.
    pub fn refused(&self) -> &[usize] {
        &self.refused
    }

    pub(super) fn depths(&self) -> Depths<'_> {
        self.maps.depths(&self.maps.known, &self.permeation)
    }

    /// Logarithm of the depth with every lesion healed from the bone itself; the twin's view of this bone.
    pub(super) fn healed(&self) -> Map {
        let near = self.own.patches.dilated(1, 2);
        let healed = |k: usize, s: usize| {
            let seen = self.maps.known[k][s] && !near[k][s];
            if seen { self.maps.log_depth[k][s] } else { self.own.log_depth[k][s] }
        };
        (0..near.len()).map(|k| (0..SECTORS).map(|s| healed(k, s)).collect()).collect()
    }

    pub(super) fn known(&self) -> &[Vec<bool>] {
        &self.maps.known
    }

    pub(super) fn own_log_depth(&self) -> &Map {
        &self.own.log_depth
    }

    /// Length of the contour in each cell, mm.
    pub(super) fn arc_mm(&self) -> &Map {
        &self.maps.arc_mm
    }
}

/// Fits the bone's own intact surface. `None` when fewer than five slices can be used.
pub fn prepare(cortex: &Cortex) -> Option<Prepared> {
    let mut maps = Maps::of(cortex);
    let mut permeation = Permeation::none(cortex.slices.len());
    let mut fitted = maps.fit(cortex, &permeation, &permeation)?;
    // Not where the wall is too thin: its density falls there by nature.
    let no_wall = cells(maps.known.len(), |k, s| maps.peak_share[k][s] < GONE);
    let gone = fitted.seen.within(&no_wall).with_rim(maps.dz_mm);
    let found = Permeation::find(&maps.density_share, &fitted.known, &gone, &maps.arc_mm, maps.dz_mm);
    if found.is_any() {
        permeation = found.unseen_by(&fitted.seen, &maps.arc_mm);
        fitted = maps.fit(cortex, &permeation, &found)?;
    }
    let Fitted { own, told, known, refused, .. } = fitted;
    maps.known = known;
    let running_out = told.and_then(|told| running_out(&maps.depths(&maps.known, &permeation), &own, &told));
    Some(Prepared { maps, permeation, own, running_out, refused })
}

/// An intact surface, the cells that it can be asked for, and the slices where it is too thin to be.
struct Fitted {
    own: Surface,
    /// What dipped below the surface before it was told anew: wider than a lesion where walls taper.
    seen: Patches,
    /// Cells whose intact wall the others told.
    told: Option<Vec<Vec<bool>>>,
    known: Vec<Vec<bool>>,
    refused: Vec<usize>,
}

impl Maps {
    fn of(cortex: &Cortex) -> Self {
        let n = cortex.slices.len();
        let get = |row: &[f32], s: usize| row.get(s).map_or(f64::NAN, |v| f64::from(*v));
        let empty = |value: f64| vec![vec![value; SECTORS]; n];
        let mut out = Self {
            log_depth: empty(0.0),
            arc_mm: empty(0.0),
            peak_share: empty(0.0),
            density_share: empty(f64::NAN),
            known: vec![vec![false; SECTORS]; n],
            dz_mm: cortex.slice_spacing_mm,
        };
        for (k, slice) in cortex.slices.iter().enumerate().filter(|(_, slice)| slice.not_measured.is_none()) {
            for s in 0..SECTORS {
                let (mass, arc) = (get(&slice.mass_mm2, s), get(&slice.arc_mm, s));
                if mass.is_finite() && arc > 0.0 {
                    out.known[k][s] = true;
                    out.log_depth[k][s] = (mass / arc).max(MIN_DEPTH_MM).ln();
                    out.arc_mm[k][s] = arc;
                    out.peak_share[k][s] = get(&slice.peak_hu, s) / cortex.cortical_hu;
                    out.density_share[k][s] = get(&slice.density_share, s);
                }
            }
        }
        out
    }

    fn depths<'a>(&'a self, known: &'a [Vec<bool>], permeation: &'a Permeation) -> Depths<'a> {
        Depths {
            log_depth: &self.log_depth,
            known,
            arc_mm: &self.arc_mm,
            peak_share: &self.peak_share,
            permeation,
            dz_mm: self.dz_mm,
        }
    }

    /// Thin ends are recognised by a first fit and taken out before the second, and once more. `found`: what is permeated, whether the fit
    /// is to be told or sees it by itself.
    fn fit(&self, cortex: &Cortex, permeation: &Permeation, found: &Permeation) -> Option<Fitted> {
        let (mut known, mut refused) = (self.known.clone(), Vec::new());
        for _ in 0..2 {
            let Own { surface: own, fitted: seen, told } = own_surface(&self.depths(&known, permeation), found)?;
            let thickness = reference_thickness(cortex, &own.log_depth, &known, &own.patches);
            let is_thin = |k: &usize| {
                let thin = (0..SECTORS).filter(|s| thickness[*k][*s] < THIN_WALL_MM).count();
                known[*k].iter().any(|v| *v) && thin as f64 > THIN_SHARE * SECTORS as f64
            };
            let thin: Vec<usize> = (0..known.len()).filter(is_thin).collect();
            if thin.is_empty() {
                return Some(Fitted { own, seen, told, known, refused });
            }
            thin.iter().for_each(|k| known[*k] = vec![false; SECTORS]);
            refused.extend(thin);
        }
        let Own { surface: own, fitted: seen, told } = own_surface(&self.depths(&known, permeation), found)?;
        Some(Fitted { own, seen, told, known, refused })
    }
}

/// The intact thickness: intact depth times what this sector's healthy cells have of thickness per depth.
pub(super) fn reference_thickness(cortex: &Cortex, log_ref: &Map, known: &[Vec<bool>], patches: &Patches) -> Map {
    let n = log_ref.len();
    let ratio: Vec<f64> = (0..SECTORS)
        .map(|s| {
            let mut ratios: Vec<f64> = (0..n)
                .filter(|k| known[*k][s] && patches.label[*k][s] == 0)
                .map(|k| {
                    let slice = &cortex.slices[k];
                    f64::from(slice.thickness_mm[s]) * f64::from(slice.arc_mm[s])
                        / f64::from(slice.mass_mm2[s]).max(1e-6)
                })
                .filter(|r| r.is_finite())
                .collect();
            median(&mut ratios).unwrap_or(1.0)
        })
        .collect();
    (0..n).map(|k| (0..SECTORS).map(|s| log_ref[k][s].exp() * ratio[s]).collect()).collect()
}
