//! How long it takes to find and to read the CT series of a folder: `cargo run --release --example time_reading FOLDER`.
//!
//! Prints the seconds of the fastest of five runs each, for comparison with other readers (`benches/compare_readers.py`).

use corticalysis::dicom::discover;
use std::time::Instant;

fn fastest<T>(mut run: impl FnMut() -> T) -> (f64, T) {
    let mut timed = || {
        let began = Instant::now();
        let result = run();
        (began.elapsed().as_secs_f64(), result)
    };
    let first = timed();
    (0..4).fold(first, |best, _| {
        let next = timed();
        if next.0 < best.0 { next } else { best }
    })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder: std::path::PathBuf = std::env::args_os().nth(1).ok_or("the folder of a series is missing")?.into();
    let (discover_s, found) = fastest(|| discover(std::slice::from_ref(&folder), &|_, _| {}));
    let found = found?;
    let series = &found.series[0];
    let (load_s, volume) = fastest(|| series.load(&|_, _| {}));
    let sum: i64 = volume?.voxels.iter().map(|hu| i64::from(*hu)).sum();
    println!(
        "{{\"discover_s\": {discover_s:.4}, \"load_s\": {load_s:.4}, \"slices\": {}, \"sum\": {sum}}}",
        series.slices.len()
    );
    Ok(())
}
