//! A NIfTI file, packed or not: as a CT, and as a mask laid on one.

#![no_main]

use corticalysis::dicom::{discover, read_mask};
use corticalysis_fuzz::{ct, file_of, has_hint, run};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    run(|| {
        let packed = input.starts_with(&[0x1F, 0x8B]);
        let path = file_of(input, if packed { "input.nii.gz" } else { "input.nii" });
        match discover(std::slice::from_ref(&path), &|_, _| {}) {
            Ok(found) => {
                for series in &found.series {
                    match series.load(&|_, _| {}) {
                        Ok(volume) => assert_eq!(volume.voxels.len(), volume.grid.len()),
                        Err(e) => has_hint(&e),
                    }
                }
            }
            Err(e) => has_hint(&e),
        }
        for label in [None, Some("1")] {
            if let Err(e) = read_mask(&path, label, ct()) {
                has_hint(&e);
            }
        }
    });
});
