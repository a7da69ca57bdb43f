//! The report: `report.json`, two tables, the figures, the page a person opens first, and the terminal's summary.
//!
//! Nothing is measured here. [`Report`] mirrors the published format; [`convert`] fills it from the measurement's
//! types; [`write_all`] puts everything into a folder, all of it or nothing.

mod bone;
pub mod convert;
pub mod csv;
pub mod end;
pub mod figures;
mod html;
pub mod model;
pub mod neck;
pub mod objects;
mod pdf;
pub mod review;
pub mod reviewed;
pub mod rigidity;
mod round;
mod rule_words;
mod summary;
mod summary_marks;
mod words;
mod write;
mod zlib;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

pub use bone::{GivenItems, bone_report, reviewed_bone_report};
pub use figures::{BoneFigures, ShownSlice, SliceCrop, stack_pixels};
pub use html::page;
pub use model::{DISCLAIMER, Report, SCHEMA, json_schema};
pub use pdf::pdf;
pub(crate) use summary::Lines;
pub use summary::{summary, summary_for_terminal};
pub(crate) use write::write_files;
pub use write::{DrawnBone, ReportError, contents, to_json, write_all, write_report};
