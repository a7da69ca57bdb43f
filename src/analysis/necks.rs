//! The necks of the bones of a series: measured across their own axis, each beside that of the other side.

use crate::anatomy::{Bone, BoneName, WholeBone};
use crate::cortex::neck::{Neck, NeckFrame, NeckPlace, measure_neck};
use crate::cortex::scanner::Scanner;
use crate::cortex::{Acquisition, Cortex, first_scanner, measure, slice_thickness_mm};
use crate::lysis::neck::NeckLysis;
use crate::volume::Volume;

/// A neck with what is missing of it.
#[derive(Debug, Clone)]
pub struct MeasuredNeck {
    pub neck: Neck,
    pub lysis: NeckLysis,
}

/// The neck of a bone, where head and neck were found; of femurs only: a humerus' neck runs along its shaft and is measured with it.
pub fn neck_of(
    volume: &Volume<i16>,
    (bone, whole): (&Bone, &WholeBone),
    scanner: Scanner,
    acquisition: &Acquisition,
) -> Option<Neck> {
    if bone.name != BoneName::Femur {
        return None;
    }
    let seen = &whole.landmarks;
    let point = |name: &str| seen.points_mm.get(name).copied();
    let place = NeckPlace {
        bone: &whole.ends,
        frame: NeckFrame::new(point("femoral_head_centre")?, point("femoral_neck_centre")?)?,
        head_radius_mm: seen.head_radius_mm?,
        scanner,
        slice_thickness_mm: slice_thickness_mm(acquisition, volume.grid.spacing_mm.z),
    };
    measure_neck(volume, &place)
}

/// What the rings of the bone tell of blur and density; of a stub, too short for a shaft, its few rings.
pub fn scanner(volume: &Volume<i16>, bone: &Bone, cortex: &Cortex, acquisition: &Acquisition) -> Option<Scanner> {
    if bone.shaft.cut_everywhere {
        return None;
    }
    if cortex.slices.iter().any(|slice| slice.not_measured.is_none()) {
        return first_scanner(cortex, acquisition);
    }
    first_scanner(&measure(volume, &bone.shaft, acquisition)?, acquisition)
}
