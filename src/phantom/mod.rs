//! Synthetic CT with known truth, defects put into real CT, and reports compared with what is true.

pub mod truth;
