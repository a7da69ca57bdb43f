//! Which bones are here, where they begin and end, their side and their axis.

mod ball;
mod beyond;
mod bones;
mod cap;
#[cfg(test)]
mod cap_tests;
mod divide;
mod edge;
mod ends;
#[cfg(test)]
mod ends_tests;
mod forearm;
mod foreign;
mod fractures;
mod head;
mod landmarks;
mod masked;
mod names;
mod parts;
mod peaks;
mod pools;
mod seeds;
mod shafts;
mod skin;
mod solid;
mod stretches;
mod stump;
mod whole;
mod window;
mod zones;

pub use bones::{Bone, name_bones};
pub use landmarks::Landmarks;
pub use masked::shafts_within;
pub use shafts::{Shaft, find_shafts, find_shafts_and_stubs};
pub use stretches::{Finding, Stretch, sentences};
pub use whole::{WholeBone, whole_bones};
pub use zones::{SUBTROCHANTERIC_MM, Zone};

/// The long bones this tool knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BoneName {
    Femur,
    Tibia,
    Fibula,
    Humerus,
    Radius,
    Ulna,
    Unknown,
}

/// Side of the patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    Left,
    Right,
    Unknown,
}
