//! What several integration tests share.

pub mod phantom;
pub mod presets;
