//! Stiffness of the bone, section by section: density from HU, modulus from density, rigidities from sections, and what a
//! lesion took of them.
//!
//! Method after CT-based structural rigidity analysis (Leong 2010, PMC2909715; Damron 2016): sections across the bone's axis,
//! about their modulus-weighted centroid, each compared with the homologous section when intact. docs/rigidity.md has the
//! formulas, their sources and what was measured of them.

mod across;
mod bone;
mod calibration;
mod density;
mod given;
pub mod internal;
mod lean;
mod modulus;
mod open_ring;
mod plane;
mod reduction;
pub mod section;
pub mod tissue;
pub mod torsion;
mod wall;

pub use bone::{bone_rigidity, measure};
pub use calibration::{Calibration, CalibrationError, CurvePoint, FitPoint, is_direct_density};
pub use density::{Apparent, Ash, DensityKind, Hydroxyapatite, K2hpo4, Physical};
pub use given::{Rod, from_rods, from_table, rods};
pub use modulus::{ModulusLaw, POISSON};

use crate::estimate::Estimate;
use crate::lysis::Lysis;

/// Rigidities of one section.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rigidities {
    /// Axial, N.
    pub ea_n: f64,
    /// Bending, largest and smallest, N·mm².
    pub ei_max_nmm2: f64,
    pub ei_min_nmm2: f64,
    /// Torsion by Saint-Venant, N·mm².
    pub gj_nmm2: f64,
    /// Torsion by the polar form, N·mm²: right for a round closed ring, an upper bound of any other.
    pub gj_polar_nmm2: f64,
    /// Direction in which the section reaches furthest, degrees from the patient's left towards the back in the plane across the
    /// bone, 0 to 180.
    pub major_axis_deg: f64,
    /// The same as a unit vector of the patient frame.
    pub major_axis: [f64; 3],
    /// At right angles to it, within the section.
    pub minor_axis: [f64; 3],
    /// Modulus-weighted centroid, patient mm.
    pub centroid_mm: [f64; 3],
}

impl Rigidities {
    /// Nothing left of it, at the same place.
    fn gone(self) -> Self {
        Self { ea_n: 0.0, ei_max_nmm2: 0.0, ei_min_nmm2: 0.0, gj_nmm2: 0.0, gj_polar_nmm2: 0.0, ..self }
    }
}

/// One section across the bone's axis, where that meets a native slice.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SliceRigidity {
    pub actual: Rigidities,
    /// With the lost wall put back from the reference.
    pub intact: Rigidities,
    /// Of axial, bending (in the direction that lost most) and torsional rigidity, percent.
    pub reductions_percent: [Estimate; 3],
    /// A gap through the wall opens the ring.
    pub is_open: bool,
    /// Some of the wall is lost here.
    pub any_lost: bool,
}

impl SliceRigidity {
    /// The largest of the three reductions: 0 axial, 1 bending, 2 torsion, and its value.
    pub fn worst(&self) -> (usize, Estimate) {
        let mut worst = (0, self.reductions_percent[0]);
        for n in 1..3 {
            if self.reductions_percent[n].value > worst.1.value {
                worst = (n, self.reductions_percent[n]);
            }
        }
        worst
    }
}

/// All that is known of the stiffness of one bone.
#[derive(Debug, Clone, PartialEq)]
pub struct BoneRigidity {
    pub calibration: Calibration,
    pub law: ModulusLaw,
    /// HU of compact bone, blur taken out.
    pub cortical_hu: f64,
    /// Density of compact bone, of the calibration's own kind, g/cm³.
    pub cortical_density_g_cm3: f64,
    /// Its Young's modulus, MPa.
    pub cortical_mpa: f64,
    /// Per slice of the cortex; `None` where not measured.
    pub slices: Vec<Option<SliceRigidity>>,
}

impl BoneRigidity {
    /// Rows that a lesion touches.
    pub fn touched<'a>(&'a self, lysis: &'a Lysis) -> impl Iterator<Item = (usize, &'a SliceRigidity)> {
        let rows = self.slices.iter().enumerate().filter_map(|(row, slice)| Some((row, slice.as_ref()?)));
        rows.filter(|(row, _)| lysis.lesions.iter().any(|lesion| lesion.cells.iter().any(|cell| cell.0 == *row)))
    }

    /// The section that a lesion touches and that lost most of any rigidity; of equals the lowest. Bone ends are weak by nature:
    /// the ratio to the same section when intact is compared, not the rigidity.
    pub fn weakest<'a>(&'a self, lysis: &'a Lysis) -> Option<(usize, &'a SliceRigidity)> {
        self.touched(lysis).reduce(|a, b| if b.1.worst().1.value > a.1.worst().1.value { b } else { a })
    }
}

/// How HU are to become density.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum CalibrationChoice {
    /// From the image's own air, fat and muscle; where these are not found the documented default, with a warning.
    #[default]
    Internal,
    /// The documented default.
    Default,
    /// Given: rods, a table, a line, one that was saved.
    Given(Calibration),
}

/// What the user may choose, and what the headers say.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RigiditySettings {
    pub calibration: CalibrationChoice,
    pub law: ModulusLaw,
    /// The headers tell of contrast in the vessels.
    pub contrast: bool,
    /// HU were made proportional to density: no tissue table holds, see [`is_direct_density`].
    pub direct_density: bool,
}
