//! The surface between a bone and its neighbours, moved from where they were first taken apart to the joint space near it.
//!
//! The space is where HU fall. Where an arthritic head lies on its roof over centimetres no fall is left on slices of 3 mm: only a roof of compact
//! bone on spongy bone that is half as dense. What is much denser than the spongy bone of this side costs to take in, by volume: a roof that is
//! thicker than a lid over it is dear goes to the other side.

use super::solid::{UNITS, cut_out};
use super::window::{Window, blur};
use crate::volume::squared_distance_mm2;

/// Sharpening with which joint spaces are looked for: gain and blur, mm.
const SEARCH: (f32, f64) = (3.0, 1.2);
/// How far from the first division the second may find the joint, mm.
const BAND_MM: f64 = 4.0;
/// A cost that no surface reaches.
const SURE: i64 = 1 << 40;
/// The density of a side's own bone is taken over this, mm (sigma of a Gaussian), where it fills at least this share of it.
const OWN_SIGMA_MM: f64 = 5.0;
const OWN_SHARE: f32 = 0.02;
/// What is denser than that by this much, HU, may be the other side's; it surely costs when it is denser by [`DENSER_SPAN_HU`] more.
const DENSER_HU: f32 = 150.0;
const DENSER_SPAN_HU: f32 = 200.0;
/// What it then costs to take in, per mm³ in units of one mm².
const DENSER_COST: f64 = 1.0;

/// Both sides of a joint.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Division {
    /// The voxels of this bone.
    pub own: Vec<bool>,
    /// Those of its neighbours, with what was this bone's before and is too dense for it.
    pub others: Vec<bool>,
}

/// Divides `own` from `others`, as first taken apart; one value a voxel of the window.
pub(super) fn divide(window: &Window, own: &[bool], others: &[bool]) -> Division {
    let near = (BAND_MM * BAND_MM) as f32;
    let not = |set: &[bool]| set.iter().map(|v| !v).collect::<Vec<bool>>();
    let to_own = squared_distance_mm2(&not(own), window.size, window.spacing_mm);
    let to_others = squared_distance_mm2(&not(others), window.size, window.spacing_mm);
    let band = |n: usize| to_own[n] <= near && to_others[n] <= near;
    let candidate: Vec<bool> = (0..own.len()).map(|n| band(n) || (own[n] && to_others[n] <= 4.0 * near)).collect();
    if !candidate.iter().any(|c| *c) {
        return Division { own: own.to_vec(), others: others.to_vec() };
    }
    let dense = density_limit(window, |n| own[n] && to_others[n] > near);
    let sharp = window.sharpened(SEARCH.0, SEARCH.1);
    let volume = window.spacing_mm.iter().product::<f64>() * UNITS;
    let found = cut_out(window, &sharp, &candidate, |n| {
        if own[n] && !band(n) {
            return [SURE, 0];
        }
        let over = ((window.hu[n] - dense[n]) / DENSER_SPAN_HU).clamp(0.0, 1.0);
        [0, (f64::from(over) * DENSER_COST * volume) as i64]
    });
    let inside: Vec<bool> = (0..own.len()).map(|n| if candidate[n] { found[n] } else { own[n] }).collect();
    let cut_off = |n: usize| own[n] && !inside[n] && window.hu[n] > dense[n];
    let others = (0..own.len()).map(|n| others[n] || cut_off(n)).collect();
    Division { own: inside, others }
}

/// The density, HU, up to which bone may be this side's, by that of its `sure` voxels around; without any, infinite.
fn density_limit(window: &Window, sure: impl Fn(usize) -> bool) -> Vec<f32> {
    let sure: Vec<bool> = (0..window.hu.len()).map(|n| !window.hu[n].is_nan() && sure(n)).collect();
    let over = |value: &dyn Fn(usize) -> f32| {
        let field: Vec<f32> = (0..sure.len()).map(|n| if sure[n] { value(n) } else { 0.0 }).collect();
        blur(&field, window.size, window.spacing_mm, OWN_SIGMA_MM)
    };
    let (share, sum) = (over(&|_| 1.0), over(&|n| window.hu[n]));
    let limit = |(share, sum): (&f32, &f32)| if *share > OWN_SHARE { sum / share + DENSER_HU } else { f32::INFINITY };
    share.iter().zip(&sum).map(limit).collect()
}
