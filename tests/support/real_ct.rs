//! Real CT, read as the program reads it.

#![allow(dead_code)] // Each test binary uses its own part.

use corticalysis::dicom::{Series, discover};
use corticalysis::volume::{Region, Volume};
use std::path::Path;

/// The series of a folder that has the most slices.
pub fn longest_series(folder: &Path) -> Series {
    let found = discover(&[folder.to_path_buf()], &|_, _| {}).expect("a readable folder");
    found.series.into_iter().max_by_key(|series| series.slices.len()).expect("a series")
}

/// Its voxels.
pub fn volume_of(folder: &Path) -> Volume<i16> {
    longest_series(folder).load(&|_, _| {}).expect("a sound series")
}

/// The folders of a folder of series, by name.
pub fn case_names(ct: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(ct).expect("a readable folder");
    let mut names: Vec<String> =
        entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Dice of two masks.
pub fn dice(a: &Region, b: &Region) -> f64 {
    let common = a.len() - a.without(&[b]).len();
    2.0 * common as f64 / (a.len() + b.len()) as f64
}
