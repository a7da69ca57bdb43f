//! The folder that `corticalysis phantom` leaves: `CT/*.dcm`, `truth.json`, and the specification as built.
//!
//! All or nothing: everything is written into a folder beside the target (the same file system, so that renaming is
//! atomic), and only when it is complete does it take the target's place.

use super::dicom_out::NewSeries;
use super::truth::{SCHEMA, Truth};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Folder of the images.
pub const IMAGES: &str = "CT";
/// The truth file.
pub const TRUTH: &str = "truth.json";
/// The specification, complete.
pub const SPECIFICATION: &str = "phantom.toml";

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The target exists and is no folder.
    #[error("cannot write the phantom to {}: it is a file", path.display())]
    NotAFolder { path: PathBuf },
    /// The target holds something that is not an earlier phantom.
    #[error("cannot write the phantom to {}: it holds {found}, which is not of an earlier phantom", path.display())]
    NotOurs { path: PathBuf, found: String },
    /// Nothing can be made beside it.
    #[error("cannot write the phantom to {}", path.display())]
    Unwritable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl FolderError {
    /// What to do next.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotAFolder { .. } => "choose with -o a folder; it is made if it does not exist",
            Self::NotOurs { .. } => {
                "choose with -o an empty or a new folder, or one that holds an earlier phantom only"
            }
            Self::Unwritable { .. } => "choose with -o a folder that you may write to, on a disk with free space",
        }
    }
}

/// Refuses a folder that must not be replaced: one that holds anything but an earlier phantom.
pub fn check_target(folder: &Path) -> Result<(), FolderError> {
    let path = folder.to_path_buf();
    if !folder.exists() {
        return Ok(());
    }
    if !folder.is_dir() {
        return Err(FolderError::NotAFolder { path });
    }
    let unwritable = |source| FolderError::Unwritable { path: folder.to_path_buf(), source };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(unwritable)? {
        names.push(entry.map_err(unwritable)?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    let foreign = names.iter().find(|name| ![IMAGES, TRUTH, SPECIFICATION].contains(&name.as_str()));
    let schema = fs::read_to_string(folder.join(TRUTH)).ok().and_then(|text| serde_json::from_str::<Truth>(&text).ok());
    match foreign {
        Some(found) => Err(FolderError::NotOurs { path, found: found.clone() }),
        None if names.is_empty() => Ok(()),
        None if schema.is_some_and(|truth| truth.schema == SCHEMA) && only_images(&folder.join(IMAGES)) => Ok(()),
        None => Err(FolderError::NotOurs { path, found: names.join(", ") }),
    }
}

/// Does a folder hold nothing but files named as ours are.
fn only_images(folder: &Path) -> bool {
    let Ok(mut entries) = fs::read_dir(folder) else { return false };
    entries.all(|entry| {
        entry.is_ok_and(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let stem = name.strip_suffix(".dcm");
            entry.path().is_file() && stem.is_some_and(|stem| stem.bytes().all(|byte| byte.is_ascii_digit()))
        })
    })
}

/// Writes a phantom; an earlier one at the same place is replaced.
pub fn write(folder: &Path, series: &NewSeries, truth: &Truth, specification: &str) -> Result<(), FolderError> {
    check_target(folder)?;
    let unwritable = |source: io::Error| FolderError::Unwritable { path: folder.to_path_buf(), source };
    fn put(target: &Path, series: &NewSeries, truth: &Truth, specification: &str) -> io::Result<()> {
        // Existing or not, it needs a name and a place beside it: `.` has neither until it is resolved.
        let target = if target.exists() { target.canonicalize()? } else { std::path::absolute(target)? };
        let parent = target.parent().ok_or_else(|| io::Error::other("a root folder cannot be replaced"))?;
        fs::create_dir_all(parent)?;
        let staging = tempfile::Builder::new().prefix(".corticalysis-").tempdir_in(parent)?;
        let new = staging.path().join("new");
        fs::create_dir_all(new.join(IMAGES))?;
        series.write(&new.join(IMAGES))?;
        fs::write(new.join(SPECIFICATION), specification)?;
        let mut text = serde_json::to_string_pretty(truth)?;
        text.push('\n');
        fs::write(new.join(TRUTH), text)?;
        let old = staging.path().join("old");
        let existed = target.exists();
        if existed {
            fs::rename(&target, &old)?;
        }
        fs::rename(&new, &target).inspect_err(|_| {
            // The way back: what was there stays.
            if existed {
                let _ = fs::rename(&old, &target);
            }
        })
    }
    put(folder, series, truth, specification).map_err(unwritable)
}
