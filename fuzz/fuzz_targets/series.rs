//! Files to series to volumes: what `corticalysis series` and the first step of `analyze` do.

#![no_main]

use corticalysis::dicom::discover;
use corticalysis_fuzz::{folder_of, has_hint, run};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    run(|| {
        let found = match discover(&[folder_of(input)], &|_, _| {}) {
            Ok(found) => found,
            Err(e) => return has_hint(&e),
        };
        for series in &found.series {
            let _ = (series.identity(), series.unusable());
            match series.load(&|_, _| {}) {
                Ok(volume) => assert_eq!(volume.voxels.len(), volume.grid.len()),
                Err(e) => has_hint(&e),
            }
        }
    });
});
