//! Stiffness of the bone, section by section: density from HU, modulus from density, rigidities from sections, and what a
//! lesion took of them.

mod density;
mod modulus;
pub mod section;
pub mod torsion;

pub use density::{Apparent, Ash, DensityKind, Hydroxyapatite, K2hpo4, Physical};
pub use modulus::{ModulusLaw, POISSON};
