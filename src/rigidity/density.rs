//! Kinds of bone density, each a type of its own, and the published ways from one to another.
//!
//! A number in g/cm³ says little until it is known of what: the same femur is 1.2 as hydroxyapatite, 1.1 as ash, 1.9 as
//! apparent density. Laws of stiffness are wrong by half where two kinds are mixed, so mixing them does not compile:
//!
//! ```compile_fail
//! use corticalysis::rigidity::{Apparent, Ash, ModulusLaw};
//! let ash = Ash(1.1);
//! // The law wants an apparent density.
//! ModulusLaw::Ctra.young_mpa(ash);
//! ```
//!
//! ```compile_fail
//! use corticalysis::rigidity::{Hydroxyapatite, K2hpo4};
//! let sum = Hydroxyapatite(0.2).0 < K2hpo4(0.2);
//! ```
//!
//! ```
//! use corticalysis::rigidity::{Apparent, Ash, Hydroxyapatite, ModulusLaw};
//! let ash = Ash::from(Hydroxyapatite(1.2));
//! assert!(ModulusLaw::Ctra.young_mpa(Apparent::from(ash)) > 15_000.0);
//! ```

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Concentration of dipotassium phosphate of the same attenuation, g/cm³: what liquid phantoms measure.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct K2hpo4(pub f64);

/// Concentration of hydroxyapatite of the same attenuation, g/cm³: what solid phantoms measure.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Hydroxyapatite(pub f64);

/// Mass of ash over the volume of bone, pores included, g/cm³.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Ash(pub f64);

/// Mass of wet bone without marrow over the volume of bone, pores included, g/cm³.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Apparent(pub f64);

/// Mass of all that fills the volume, marrow included, g/cm³: what planning systems tabulate.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Physical(pub f64);

/// Hydroxyapatite for dipotassium phosphate, per g/cm³ (Faulkner et al. 1993, as cited by a public material-mapping code).
const HYDROXYAPATITE_PER_K2HPO4: f64 = 1.15;
/// And g/cm³ beside it.
const HYDROXYAPATITE_OFFSET: f64 = -0.00732;
/// Schileo et al. 2008: ash density = (CT density + 0.09) / 1.14.
const ASH_OFFSET: f64 = 0.09;
const ASH_DIVISOR: f64 = 1.14;
/// Schileo et al. 2008: ash over apparent density, cortical 0.598 ± 0.004, small trabecular specimens 0.598 ± 0.036.
const ASH_PER_APPARENT: f64 = 0.598;
/// Compact bone (ICRU-44 cortical bone) and what fills the pores, g/cm³: the ends between which a physical density is
/// taken for a mixture. A derivation of this project, not a published relation.
const COMPACT_PHYSICAL: f64 = 1.92;
const PORE_PHYSICAL: f64 = 1.0;

impl From<K2hpo4> for Hydroxyapatite {
    fn from(density: K2hpo4) -> Self {
        Self(HYDROXYAPATITE_PER_K2HPO4 * density.0 + HYDROXYAPATITE_OFFSET)
    }
}

impl From<Hydroxyapatite> for Ash {
    fn from(density: Hydroxyapatite) -> Self {
        Self((density.0 + ASH_OFFSET) / ASH_DIVISOR)
    }
}

impl From<Ash> for Apparent {
    fn from(density: Ash) -> Self {
        Self(density.0 / ASH_PER_APPARENT)
    }
}

impl From<Apparent> for Ash {
    fn from(density: Apparent) -> Self {
        Self(density.0 * ASH_PER_APPARENT)
    }
}

impl From<Physical> for Apparent {
    /// The voxel is taken for a mixture of compact bone and of what fills its pores.
    fn from(density: Physical) -> Self {
        Self(COMPACT_PHYSICAL * (density.0 - PORE_PHYSICAL) / (COMPACT_PHYSICAL - PORE_PHYSICAL))
    }
}

/// Which kind a calibration gives, where it is read from a file or a command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DensityKind {
    K2hpo4,
    Hydroxyapatite,
    Ash,
    Apparent,
    Physical,
}

impl DensityKind {
    /// A number of this kind as apparent density, by the relations above.
    pub fn apparent(self, g_cm3: f64) -> Apparent {
        match self {
            Self::K2hpo4 => Apparent::from(Ash::from(Hydroxyapatite::from(K2hpo4(g_cm3)))),
            Self::Hydroxyapatite => Apparent::from(Ash::from(Hydroxyapatite(g_cm3))),
            Self::Ash => Apparent::from(Ash(g_cm3)),
            Self::Apparent => Apparent(g_cm3),
            Self::Physical => Apparent::from(Physical(g_cm3)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_relations_at_their_own_numbers() {
        // Faulkner: 100 mg/cm³ of K2HPO4 are 107.68 of hydroxyapatite.
        assert!((Hydroxyapatite::from(K2hpo4(0.1)).0 - 0.10768).abs() < 1e-9);
        // Schileo: the expanded form is 0.877 ρ + 0.0789.
        assert!((Ash::from(Hydroxyapatite(0.0)).0 - 0.0789).abs() < 1e-4);
        assert!((Ash::from(Hydroxyapatite(1.0)).0 - 0.956).abs() < 1e-3);
        assert!((Apparent::from(Ash(0.598)).0 - 1.0).abs() < 1e-12);
        assert!((Ash::from(Apparent(1.3)).0 / 1.3 - 0.598).abs() < 1e-12);
    }

    #[test]
    fn a_physical_density_is_a_mixture_of_compact_bone_and_pores() {
        assert!(Apparent::from(Physical(1.0)).0.abs() < 1e-12);
        assert!((Apparent::from(Physical(1.92)).0 - 1.92).abs() < 1e-12);
        assert_eq!(DensityKind::Physical.apparent(1.46), Apparent::from(Physical(1.46)));
    }
}
