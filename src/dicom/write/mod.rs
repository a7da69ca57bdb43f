//! Objects that go back to where the CT came from: SEG, SR, RTSTRUCT, Key Object Selection, Secondary Capture.
//!
//! All of them stand in the study and frame of reference of the CT and refer to its images. The same CT and the same findings
//! give the same bytes: UIDs follow from what the objects say, days and times are those of the CT. Who the patient is goes into
//! them only where it is asked for. What they say comes from outside: this room knows neither bones nor rules.

pub mod codes;
mod contours;
mod document;
pub(crate) mod item;
mod ko;
mod rtstruct;
mod sc;
mod seg;
mod segment;
pub(super) mod source;
mod sr;
mod target;
pub(crate) mod uid;

pub use codes::Code;
pub use sc::Picture;
pub use segment::Segment;
pub use sr::{Findings, Group, Measurement};
pub use target::{NoTarget, Target};

use rayon::prelude::*;
use std::collections::BTreeMap;

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ObjectKind {
    /// Segmentation.
    Seg,
    /// Measurements, TID 1500.
    Sr,
    /// Outlines for planning.
    RtStruct,
    /// Key Object Selection of the flagged slices.
    Ko,
    /// Secondary Capture of the pictures.
    Sc,
}

impl ObjectKind {
    pub const ALL: [ObjectKind; 5] = [Self::Seg, Self::Sr, Self::RtStruct, Self::Ko, Self::Sc];

    /// What it is called on the command line and in the name of its file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Seg => "seg",
            Self::Sr => "sr",
            Self::RtStruct => "rtstruct",
            Self::Ko => "ko",
            Self::Sc => "sc",
        }
    }
}

/// What the objects are to say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Contents {
    /// Parts that hold at least one voxel.
    pub segments: Vec<Segment>,
    pub findings: Findings,
    /// Stored images to look at, and why in a sentence.
    pub key_slices: Vec<usize>,
    pub key_reason: String,
    pub pictures: Vec<Picture>,
}

/// The name and the bytes of a file, where there is something to write.
type NamedFile = Option<(String, Vec<u8>)>;

/// The files of the wanted objects, by name: `seg.dcm`, `sr.dcm`, `rtstruct.dcm`, `ko.dcm`, `sc-NAME.dcm`. A kind that has
/// nothing to say has no file: no segment, no key slice, no picture.
///
/// # Errors
/// An image too large for DICOM; all else is a fault of the program.
pub fn objects(
    target: &Target,
    contents: &Contents,
    kinds: &[ObjectKind],
) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let with_segments = kinds.contains(&ObjectKind::Seg) && !contents.segments.is_empty();
    let mut parts: Vec<(ObjectKind, usize)> = Vec::new();
    for kind in ObjectKind::ALL.into_iter().filter(|kind| kinds.contains(kind)) {
        let files = match kind {
            ObjectKind::Seg | ObjectKind::RtStruct => usize::from(!contents.segments.is_empty()),
            ObjectKind::Sr | ObjectKind::Ko => 1,
            ObjectKind::Sc => contents.pictures.len(),
        };
        parts.extend((0..files).map(|n| (kind, n)));
    }
    // Side by side: none needs another.
    let made = parts.into_par_iter().map(|(kind, n)| {
        let name = format!("{}.dcm", kind.word());
        Ok(match kind {
            ObjectKind::Seg => Some((name, seg::file(target, &contents.segments)?)),
            ObjectKind::RtStruct => Some((name, rtstruct::file(target, &contents.segments)?)),
            ObjectKind::Sr => Some((name, sr::file(target, &contents.findings, with_segments)?)),
            ObjectKind::Ko => ko::file(target, &contents.key_slices, &contents.key_reason)?.map(|bytes| (name, bytes)),
            ObjectKind::Sc => {
                let picture = &contents.pictures[n];
                Some((format!("sc-{}.dcm", picture.name), sc::file(target, picture, n + 1)?))
            }
        })
    });
    let made: Vec<Result<NamedFile, String>> = made.collect();
    let mut files = BTreeMap::new();
    for file in made {
        files.extend(file?);
    }
    Ok(files)
}
