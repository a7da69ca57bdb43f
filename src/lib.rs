//! corticalysis measures cortical osteolysis of long bones on CT.
#![forbid(unsafe_code)]

pub mod analysis;
pub mod anatomy;
pub mod cli;
pub mod cortex;
pub mod dicom;
pub mod estimate;
pub mod evaluate;
pub mod language;
pub mod lysis;
pub mod masks;
pub mod nifti;
pub mod phantom;
pub mod report;
pub mod rigidity;
pub mod scores;
pub mod smoothing;
pub mod volume;
pub mod words;
