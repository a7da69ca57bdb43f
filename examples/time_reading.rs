//! How long it takes to find and to read the CT series of a folder: `cargo run --release --example time_reading FOLDER`.
//!
//! Prints the seconds of one run, for comparison with other readers (`benches/compare_readers.py`).

use corticalysis::dicom::discover;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder: std::path::PathBuf = std::env::args_os().nth(1).ok_or("the folder of a series is missing")?.into();
    let began = Instant::now();
    let found = discover(&[folder], &|_, _| {})?;
    let discover_s = began.elapsed().as_secs_f64();
    let series = &found.series[0];
    let began = Instant::now();
    let volume = series.load(&|_, _| {})?;
    let load_s = began.elapsed().as_secs_f64();
    let sum: i64 = volume.voxels.iter().map(|hu| i64::from(*hu)).sum();
    println!(
        "{{\"discover_s\": {discover_s:.4}, \"load_s\": {load_s:.4}, \"slices\": {}, \"sum\": {sum}}}",
        series.slices.len()
    );
    Ok(())
}
