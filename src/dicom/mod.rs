//! The outside world in: files to series, headers to typed values, stored pixels to HU.

mod series;
pub use series::*;
