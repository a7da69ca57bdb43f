//! The CT on which the regions of an input are laid: the small phantom from which `make_seeds.py` makes its seeds.

use corticalysis::dicom::{Series, discover};
use corticalysis::phantom::dicom_out::NewSeries;
use corticalysis::phantom::presets::preset;
use std::sync::OnceLock;

/// Made at the first call.
pub fn ct() -> &'static Series {
    static CT: OnceLock<Series> = OnceLock::new();
    CT.get_or_init(|| {
        let mut spec = preset("eccentric-ball").expect("a preset");
        spec.image.size = [34, 33, 13];
        spec.image.spacing_mm = [2.0, 2.0, 9.0];
        let folder = crate::new_folder();
        NewSeries::of_phantom(&spec, &spec.build().volume).write(folder.path()).expect("written");
        let found = discover(&[folder.path().to_path_buf()], &|_, _| {}).expect("a series");
        found.series.into_iter().next().expect("a series")
    })
}
