//! What is known of a bone beyond its shaft: its ends apart from their neighbours, its landmarks, its regions.

use super::ends::{BoneEnd, bone_end};
use super::head::GRIPPED_MM;
use super::landmarks::{Landmarks, landmarks};
use super::{Bone, BoneName, Side};
use crate::volume::{Region, Volume};
use rayon::prelude::*;

/// How sure a name is that a head gives, and a side.
const SURE_BY_HEAD: f64 = 0.97;

/// Where width and head contradict each other.
const UNSURE: f64 = 0.5;

/// A bone's ends and what they show.
#[derive(Debug, Clone)]
pub struct WholeBone {
    /// The ends, marrow included, on the grid of the volume; what lies between them is the shaft's.
    pub ends: Region,
    pub landmarks: Landmarks,
    /// Is there an end that could not be told apart from its surroundings? Lower, then upper.
    pub fused: [bool; 2],
    /// Does the image show so little of the head that neither its centre nor its radius is told?
    pub head_cut: bool,
    /// Is there metal in an end? Nothing is read of it. Lower, then upper.
    pub metal: [bool; 2],
}

/// The ends of the bones for which `wanted` holds, in the order of the bones; names and sides are set by what they show.
///
/// A stub, of which too few rings are seen for a shaft, stays in only with a head of its own.
pub fn whole_bones(
    volume: &Volume<i16>,
    bones: Vec<Bone>,
    wanted: impl Fn(&Bone) -> bool + Sync,
) -> Vec<(Bone, WholeBone)> {
    let tasks: Vec<(usize, bool)> =
        (0..bones.len()).filter(|n| wanted(&bones[*n])).flat_map(|n| [(n, false), (n, true)]).collect();
    let found: Vec<Option<BoneEnd>> = tasks.par_iter().map(|(n, upper)| bone_end(volume, &bones, *n, *upper)).collect();
    let mut ends: Vec<Vec<BoneEnd>> = bones.iter().map(|_| Vec::new()).collect();
    tasks.iter().zip(found).for_each(|((n, _), end)| ends[*n].extend(end));
    let mut whole: Vec<(Bone, WholeBone)> = bones
        .into_iter()
        .zip(ends)
        .filter(|(bone, ends)| !bone.shaft.stub || ends.iter().any(|end| end.head.is_some()))
        .map(|(bone, ends)| finish(volume, bone, ends))
        .collect();
    let shown: Vec<&Region> = whole.iter().map(|(_, whole)| &whole.ends).collect();
    // A voxel that two bones claim is the first one's.
    let claimed: Vec<Region> = (0..whole.len()).map(|n| shown[n].without(&shown[..n])).collect();
    whole.iter_mut().zip(claimed).for_each(|((_, whole), region)| whole.ends = region);
    whole
}

fn finish(volume: &Volume<i16>, mut bone: Bone, ends: Vec<BoneEnd>) -> (Bone, WholeBone) {
    let head = ends.iter().find_map(|end| end.head);
    if let Some(head) = head {
        let (name, place) = match head.beside_mm >= GRIPPED_MM {
            true => (BoneName::Femur, "beside"),
            false => (BoneName::Humerus, "above"),
        };
        // A femur as slender as a humerus shows by its head what it is.
        let slender = (bone.name, name) == (BoneName::Humerus, BoneName::Femur);
        if bone.name == BoneName::Unknown || bone.shaft.stub || slender {
            bone.name = name;
        }
        // One as strong as a femur, with the head of a humerus: either may be wrong.
        if (bone.name, name) == (BoneName::Femur, BoneName::Humerus) {
            bone.name = BoneName::Unknown;
            bone.confidence = UNSURE;
            bone.reasons.push("a head above the shaft, as a humerus has".into());
        }
        if bone.name == name {
            bone.confidence = bone.confidence.max(SURE_BY_HEAD * side_confidence(&bone));
            bone.reasons.push(match head.told {
                true => format!("a head of {:.0} mm radius {place} the shaft", head.ball.radius_mm),
                false => format!("the lower part of a head {place} the shaft"),
            });
        }
    }
    let mut landmarks = landmarks(volume, &bone, &ends);
    if let Some(side) = landmarks.side {
        if bone.side != side {
            bone.confidence = SURE_BY_HEAD * SURE_BY_HEAD;
        }
        bone.side = side;
        bone.reasons.push("side by the head, which looks to the middle of the body".into());
    }
    let (mut fused, mut metal) = ([false; 2], [false; 2]);
    let size = volume.grid.size;
    let regions: Vec<Region> = ends
        .iter()
        .filter(|end| {
            fused[usize::from(end.upper)] |= end.fused && !end.metal;
            metal[usize::from(end.upper)] |= end.metal;
            !end.fused && !end.metal
        })
        .map(|end| end.window.region(&end.inside))
        .collect();
    if bone.side == Side::Unknown {
        landmarks.points_mm.retain(|name, _| !name.ends_with("condyle"));
    }
    (
        bone,
        WholeBone {
            ends: Region::union(size, &regions),
            landmarks,
            fused,
            head_cut: head.is_some_and(|head| !head.told),
            metal,
        },
    )
}

/// The part of the confidence that is the side's.
fn side_confidence(bone: &Bone) -> f64 {
    if bone.side == Side::Unknown { 0.5 } else { 1.0 }
}
