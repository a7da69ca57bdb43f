//! Stiffness of the bone, section by section: density from HU, modulus from density, rigidities from sections, and what a
//! lesion took of them.

mod calibration;
mod density;
mod given;
pub mod internal;
mod modulus;
pub mod section;
pub mod tissue;
pub mod torsion;

pub use calibration::{Calibration, CalibrationError, CurvePoint, FitPoint, is_direct_density};
pub use density::{Apparent, Ash, DensityKind, Hydroxyapatite, K2hpo4, Physical};
pub use given::{Rod, from_rods, from_table, rods};
pub use modulus::{ModulusLaw, POISSON};
