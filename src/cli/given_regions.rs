//! `--mask`, `--bone-roi` and `--roi`: files and names to regions on the grid of the CT.

use super::analyze::AnalyzeSettings;
use crate::dicom::{DicomError, Discovery, PlacedRegion, Series, find_region, read_mask};
use crate::volume::NamedRegion;

/// Words in the name of a region that make it sound like a bone.
const BONES: [&str; 6] = ["femur", "tibia", "humerus", "fibula", "bone", "fémur"];
/// Words that tell a tumour or a target in it, whatever bone is named beside.
const TARGETS: [&str; 7] = ["gtv", "ctv", "ptv", "itv", "lesion", "met", "tum"];

/// The regions that the user gave, placed.
#[derive(Debug, Default)]
pub(super) struct GivenRegions {
    /// Masks of bones.
    pub bones: Vec<NamedRegion>,
    /// Outlines of lesions.
    pub lesions: Vec<NamedRegion>,
    /// How they were placed, and what looks odd.
    pub notes: Vec<String>,
}

/// Reads all of them; nothing where none was given.
pub(super) fn given_regions(
    settings: &AnalyzeSettings,
    discovery: &Discovery,
    series: &Series,
) -> Result<GivenRegions, DicomError> {
    let mut given = GivenRegions::default();
    if let Some(path) = &settings.mask {
        for placed in read_mask(path, settings.mask_label.as_deref(), series)? {
            given.bones.push(take(placed, &mut given.notes));
        }
    }
    for name in &settings.bone_roi {
        given.bones.push(take(find_region(&discovery.regions, name, series)?, &mut given.notes));
    }
    for name in &settings.roi {
        let named = take(find_region(&discovery.regions, name, series)?, &mut given.notes);
        if sounds_like_bone(&named.name) {
            given.notes.push(format!(
                "region {:?} sounds like a bone; it is taken for a lesion to which the report is restricted (--bone-roi takes it for the bone)",
                named.name
            ));
        }
        given.lesions.push(named);
    }
    // Several segments of one file have the same to say.
    let mut seen = std::collections::BTreeSet::new();
    given.notes.retain(|note| seen.insert(note.clone()));
    Ok(given)
}

fn take(placed: PlacedRegion, notes: &mut Vec<String>) -> NamedRegion {
    notes.extend(placed.notes);
    if placed.region.is_empty() {
        notes.push(format!("region {:?} holds no voxel of this CT", placed.name));
    }
    NamedRegion { name: placed.name, region: placed.region }
}

fn sounds_like_bone(name: &str) -> bool {
    let name = name.to_lowercase();
    BONES.iter().any(|word| name.contains(word)) && !TARGETS.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sounds_like_a_bone() {
        for bone in ["Femur_L", "BONE", "humerus right"] {
            assert!(sounds_like_bone(bone), "{bone}");
        }
        for other in ["GTV_femur", "Lesion bone", "GTV_Mass_CT", "Bladder"] {
            assert!(!sounds_like_bone(other), "{other}");
        }
    }
}
