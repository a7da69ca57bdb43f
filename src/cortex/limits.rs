//! Limits that hold wherever a wall is measured: on the shaft, beyond it and across the neck.

/// What shows bone at all, be it thin or spongy.
pub const BONE_HU: f32 = 300.0;
/// No bone reaches this; 12-bit scanners saturate at 3071.
pub const METAL_HU: f32 = 2700.0;
/// How far a fitted edge may lie from the smooth contour and still be this wall, mm.
pub const STRAYS_MM: f64 = 1.5;
/// Part of the contour whose wall may be unknown in a section that is told.
pub const UNSEEN: f64 = 0.2;
/// A head ends this far outside its ball, in its radii.
pub const HEAD_ENDS: f64 = 1.06;
/// Part of the contour that may lie on the head.
pub const ON_HEAD: f64 = 0.05;
