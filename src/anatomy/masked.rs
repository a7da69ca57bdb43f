//! Shafts within a mask: the mask says which voxels are the bone, their density where it is a ring.

use super::foreign::Metal;
use super::shafts::{BONE_HU, MIN_LENGTH_MM, MIN_SECTION_MM2, Shaft, bridge, chains, course_mm, filled, is_ring};
use super::stretches::look_over;
use crate::volume::{Region, Section, Volume, sections_within};
use rayon::prelude::*;

/// Fewest rings that an intact surface can be made of.
const FEWEST_RINGS: usize = 5;

/// The shafts of the bones that a mask marks, lowest slice first; none where it shows no closed ring of cortex in enough
/// slices.
///
/// What [`super::find_shafts`] asks of a bone to tell it from others (density, thickness of the wall) is not asked: the
/// mask says that it is one. A mask of several bones gives several shafts; rings at the ends of one (a femoral head) that
/// are too few for a shaft are left out where there is a longer one. A lesion may have opened the ring, in the image or
/// in the mask: the shaft goes on beyond it as it does without a mask. Nothing beyond the mask's slices is followed.
pub fn shafts_within(volume: &Volume<i16>, mask: &Region) -> Vec<Shaft> {
    let dz = volume.grid.spacing_mm.z;
    let all: Vec<Vec<Section>> = (0..volume.grid.size[2])
        .into_par_iter()
        .map(|k| sections_within(volume, mask, k, BONE_HU, MIN_SECTION_MM2))
        .collect();
    let within = mask.span();
    let metal = Metal::of(volume);
    let shaft = |rings, cut_everywhere| {
        let shaft = Shaft { rings, cut_everywhere, within, stub: false, stretches: Vec::new() };
        look_over(volume, &metal, shaft)
    };
    let rings = bridge(chains(&all, |s: &Section| is_ring(s) && !s.cut, filled, dz), dz);
    let mut found: Vec<Vec<Section>> = rings.into_iter().filter(|rings| rings.len() >= FEWEST_RINGS).collect();
    let longest = found.iter().map(|rings| course_mm(rings, dz)).fold(0.0, f64::max);
    found.retain(|rings| course_mm(rings, dz) >= longest.min(MIN_LENGTH_MM));
    if !found.is_empty() {
        return found.into_iter().map(|rings| shaft(rings, false)).collect();
    }
    let cut = chains(&all, |s: &Section| s.cut, filled, dz).into_iter();
    cut.filter(|pieces| pieces.len() >= FEWEST_RINGS && course_mm(pieces, dz) >= MIN_LENGTH_MM)
        .map(|pieces| shaft(pieces, true))
        .collect()
}
