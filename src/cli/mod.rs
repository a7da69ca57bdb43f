//! The command line: raw arguments to validated settings to library calls. No measuring here.

pub mod series;
