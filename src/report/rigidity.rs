//! Stiffness in the report: its types, and from the measurement to them.

use super::convert::interval;
use crate::lysis::Lysis;
use crate::rigidity::{BoneRigidity, Calibration, SliceRigidity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rigidities of the section across the bone's axis where that meets the slice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RigidityReport {
    /// Axial rigidity EA, N.
    pub ea_n: f64,
    /// Largest and smallest bending rigidity EI about the modulus-weighted centroid, N·mm².
    pub ei_max_nmm2: f64,
    pub ei_min_nmm2: f64,
    /// Torsional rigidity GJ by Saint-Venant's solution, N·mm²: also where the ring is open.
    pub gj_nmm2: f64,
    /// The polar form of it, N·mm²: right for a round closed ring, far too large for an open one.
    pub gj_polar_nmm2: f64,
    /// The same with the lost wall put back from the reference.
    pub reference_ea_n: f64,
    pub reference_ei_max_nmm2: f64,
    pub reference_ei_min_nmm2: f64,
    pub reference_gj_nmm2: f64,
    /// Reductions against that, percent, with their 95 % intervals; of bending in the direction that lost most.
    pub ea_reduction_percent: f64,
    pub ea_reduction_ci95: [f64; 2],
    pub ei_reduction_percent: f64,
    pub ei_reduction_ci95: [f64; 2],
    pub gj_reduction_percent: f64,
    pub gj_reduction_ci95: [f64; 2],
    /// Direction in which the section reaches furthest, degrees from the patient's left towards the back in the plane across
    /// the bone, 0 to 180.
    pub major_axis_deg: f64,
    /// Modulus-weighted centroid, patient frame.
    pub centroid_mm: [f64; 3],
    /// A gap through the wall opens the ring.
    pub open_ring: bool,
}

/// How the stiffness of a bone was told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StiffnessReport {
    /// From HU to density, with what it was made from.
    pub calibration: Calibration,
    /// `ctra`, `keyak` or `morgan`.
    pub law: String,
    /// The law in words, with its source.
    pub law_description: String,
    /// HU of compact bone, blur taken out.
    pub cortical_hu: f64,
    /// Density of compact bone, of the calibration's own kind, g/cm³.
    pub cortical_density_g_cm3: f64,
    /// Its Young's modulus, MPa.
    pub cortical_modulus_mpa: f64,
}

/// The section that a lesion touches and that lost most of any rigidity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WeakestSectionReport {
    /// The slice in which the bone's axis meets it.
    pub instance_number: Option<i64>,
    pub z_mm: f64,
    /// `axial`, `bending` or `torsional`: which lost most.
    pub rigidity: String,
    pub reduction_percent: f64,
    pub reduction_ci95: [f64; 2],
    /// A gap through the wall opens the ring.
    pub open_ring: bool,
}

/// Names of the three rigidities, as [`SliceRigidity::reductions_percent`] has them.
pub const NAMES: [&str; 3] = ["axial", "bending", "torsional"];

/// One section.
pub fn rigidity_report(section: &SliceRigidity) -> RigidityReport {
    let (actual, intact, [ea, ei, gj]) = (&section.actual, &section.intact, section.reductions_percent);
    RigidityReport {
        ea_n: actual.ea_n,
        ei_max_nmm2: actual.ei_max_nmm2,
        ei_min_nmm2: actual.ei_min_nmm2,
        gj_nmm2: actual.gj_nmm2,
        gj_polar_nmm2: actual.gj_polar_nmm2,
        reference_ea_n: intact.ea_n,
        reference_ei_max_nmm2: intact.ei_max_nmm2,
        reference_ei_min_nmm2: intact.ei_min_nmm2,
        reference_gj_nmm2: intact.gj_nmm2,
        ea_reduction_percent: ea.value,
        ea_reduction_ci95: interval(ea),
        ei_reduction_percent: ei.value,
        ei_reduction_ci95: interval(ei),
        gj_reduction_percent: gj.value,
        gj_reduction_ci95: interval(gj),
        major_axis_deg: actual.major_axis_deg,
        centroid_mm: actual.centroid_mm,
        open_ring: section.is_open,
    }
}

/// What was used.
pub fn stiffness_report(rigidity: &BoneRigidity) -> StiffnessReport {
    StiffnessReport {
        calibration: rigidity.calibration.clone(),
        law: rigidity.law.to_string(),
        law_description: rigidity.law.description().into(),
        cortical_hu: rigidity.cortical_hu,
        cortical_density_g_cm3: rigidity.cortical_density_g_cm3,
        cortical_modulus_mpa: rigidity.cortical_mpa,
    }
}

/// The weakest section; `place` gives instance number and z of a row. `None` without a lesion.
pub fn weakest_report(
    rigidity: &BoneRigidity,
    lysis: &Lysis,
    place: impl Fn(usize) -> (Option<i64>, f64),
) -> Option<WeakestSectionReport> {
    let (row, section) = rigidity.weakest(lysis)?;
    let (which, reduction) = section.worst();
    let (instance_number, z_mm) = place(row);
    Some(WeakestSectionReport {
        instance_number,
        z_mm,
        rigidity: NAMES[which].into(),
        reduction_percent: reduction.value,
        reduction_ci95: interval(reduction),
        open_ring: section.is_open,
    })
}
