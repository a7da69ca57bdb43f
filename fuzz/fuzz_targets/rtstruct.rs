//! An RTSTRUCT: its names, and its regions laid on a CT.

#![no_main]

use corticalysis::dicom::{RegionFile, RegionKind, find_region};
use corticalysis_fuzz::{ct, file_of, has_hint, run};
use libfuzzer_sys::fuzz_target;

/// More of them make an input slower, not better.
const MOST_REGIONS: usize = 4;

fuzz_target!(|input: &[u8]| {
    run(|| {
        let path = file_of(input, "regions.dcm");
        let file = RegionFile { path, packed: None, kind: RegionKind::RtStruct };
        let names = file.names().unwrap_or_else(|e| {
            has_hint(&e);
            Vec::new()
        });
        for region in names.iter().take(MOST_REGIONS) {
            if let Err(e) = find_region(std::slice::from_ref(&file), &region.name, ct()) {
                has_hint(&e);
            }
        }
    });
});
