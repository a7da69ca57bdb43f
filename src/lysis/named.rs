//! Lesions held against regions that someone outlined: which of them are meant, and what they are called.
//!
//! A tumour is outlined on what is seen of it, often a few millimetres beside the cortex that it ate; so a lesion is
//! meant where any of it comes within [`REGION_MARGIN_MM`] of the region. What was measured of a slice stays as it is:
//! its percentages are the slice's, whichever lesion made them.

use super::{Lesion, Lysis};
use crate::cortex::polar::sector_angle;
use crate::cortex::{Cortex, CortexSlice, SECTORS};
use crate::volume::{Grid, NamedRegion};
use nalgebra::Point3;

/// How near a region must come to a lesion's wall for the lesion to be meant, mm.
pub const REGION_MARGIN_MM: f64 = 5.0;
/// Depths below the periosteal contour at which a wall is held against a region, mm.
const DEPTHS_MM: [f64; 3] = [0.0, 2.0, 4.0];

/// What a restriction to regions left of a bone's lesions.
#[derive(Debug, Clone, Default)]
pub struct Restriction {
    /// Names of the regions, as they were given.
    pub regions: Vec<String>,
    /// Which of them come near this bone's wall.
    pub near: Vec<bool>,
    /// Per slice of the cortex: is it one that a meant lesion or a region reaches.
    pub reached: Vec<bool>,
    /// Lesions that no region comes near; they are not among [`Lysis::lesions`] any more.
    pub left_out: Vec<Lesion>,
}

/// Keeps the lesions that one of `regions` comes near, named by the one that covers most of them, and numbers them anew.
pub fn restrict(lysis: &mut Lysis, cortex: &Cortex, grid: &Grid, regions: &[NamedRegion]) -> Restriction {
    // By region, by slice, by sector.
    let touched: Vec<Vec<Vec<bool>>> = regions
        .iter()
        .map(|named| {
            let near = |slice: &CortexSlice, s: usize| {
                wall(slice, s).is_some_and(|mut at| at.any(|p| named.region.comes_within(grid, p, REGION_MARGIN_MM)))
            };
            cortex.slices.iter().map(|slice| (0..SECTORS).map(|s| near(slice, s)).collect()).collect()
        })
        .collect();
    let any = |rows: &Vec<Vec<bool>>, k: usize| rows[k].iter().any(|near| *near);
    let mut reached: Vec<bool> = (0..cortex.slices.len()).map(|k| touched.iter().any(|rows| any(rows, k))).collect();
    let near = touched.iter().map(|rows| (0..rows.len()).any(|k| any(rows, k))).collect();
    let mut left_out = Vec::new();
    let mut kept: Vec<Lesion> = Vec::new();
    for mut lesion in std::mem::take(&mut lysis.lesions) {
        let shared = |rows: &Vec<Vec<bool>>| lesion.cells.iter().filter(|(k, s)| rows[*k][*s]).count();
        let most = touched.iter().map(shared).enumerate().filter(|(_, n)| *n > 0);
        // Of equals the first given.
        match most.max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0))) {
            Some((region, _)) => {
                lesion.region = Some(regions[region].name.clone());
                lesion.id = kept.len() + 1;
                lesion.cells.iter().for_each(|(k, _)| reached[*k] = true);
                kept.push(lesion);
            }
            None => left_out.push(lesion),
        }
    }
    lysis.lesions = kept;
    // Slices between two that are reached belong to what was asked for, measured or not.
    if let (Some(first), Some(last)) = (reached.iter().position(|r| *r), reached.iter().rposition(|r| *r)) {
        reached[first..=last].fill(true);
    }
    Restriction { regions: regions.iter().map(|named| named.name.clone()).collect(), near, reached, left_out }
}

/// Points in the wall of one sector, patient mm; `None` where the slice has no contour.
fn wall(slice: &CortexSlice, sector: usize) -> Option<impl Iterator<Item = Point3<f64>>> {
    let radius = f64::from(*slice.periosteal_radius_mm.get(sector)?);
    let ([x, y], z, (sin, cos)) = (slice.centre_mm, slice.z_mm, sector_angle(sector).sin_cos());
    let at = move |depth: f64| {
        let r = (radius - depth).max(0.0);
        Point3::new(x + r * cos, y + r * sin, z)
    };
    radius.is_finite().then(|| DEPTHS_MM.into_iter().map(at))
}
