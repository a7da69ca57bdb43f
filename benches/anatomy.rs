//! Bones found, named and taken apart at their joints in a series of 512 × 512 × 400 voxels, without anything measured. See `README.md`.

use corticalysis::anatomy::{find_shafts_and_stubs, name_bones, whole_bones};
use corticalysis::dicom::discover;
use corticalysis::phantom::presets::two_legs_planning_ct;
use corticalysis::volume::{Grid, NO_DATA, Volume};
use divan::Bencher;
use nalgebra::Vector3;
use std::path::PathBuf;
use std::sync::LazyLock;

const SIZE: [usize; 3] = [512, 512, 400];

fn main() {
    divan::main();
}

/// The series in the folder `CORTICALYSIS_BENCH_CT`, which should show joints; without it generated legs, which have none.
static VOLUME: LazyLock<Volume<i16>> = LazyLock::new(|| {
    let volume = match std::env::var_os("CORTICALYSIS_BENCH_CT") {
        Some(folder) => {
            let found = discover(&[PathBuf::from(folder)], &|_, _| {}).expect("a series").series.remove(0);
            found.load(&|_, _| {}).expect("the series loads")
        }
        None => two_legs_planning_ct().build().volume,
    };
    resampled(&volume)
});

/// The same box in [`SIZE`] voxels, on straight lines between the centres of the old ones.
fn resampled(volume: &Volume<i16>) -> Volume<i16> {
    let old = &volume.grid;
    let step = Vector3::from_fn(|a, _| (old.size[a] as f64 - 1.0) / (SIZE[a] as f64 - 1.0));
    let grid = Grid { size: SIZE, spacing_mm: old.spacing_mm.component_mul(&step), ..old.clone() };
    let places = |a: usize| -> Vec<(usize, usize, f64)> {
        let place = |n: usize| {
            let at = (n as f64 * step[a]).min(old.size[a] as f64 - 1.0);
            (at as usize, (at as usize + 1).min(old.size[a] - 1), at.fract())
        };
        (0..SIZE[a]).map(place).collect()
    };
    let (columns, rows, slices) = (places(0), places(1), places(2));
    let mut voxels = Vec::with_capacity(grid.len());
    for (k, above, z) in slices {
        for (j, below, y) in &rows {
            for (i, right, x) in &columns {
                let hu = |i: usize, j: usize, k: usize| f64::from(volume.slice(k)[j * old.size[0] + i].max(-1024));
                let row = |j: usize, k: usize| (1.0 - x) * hu(*i, j, k) + x * hu(*right, j, k);
                let slice = |k: usize| (1.0 - y) * row(*j, k) + y * row(*below, k);
                let missing = volume.slice(k)[j * old.size[0] + i] == NO_DATA;
                let value = (1.0 - z) * slice(k) + z * slice(above);
                voxels.push(if missing { NO_DATA } else { value.round() as i16 });
            }
        }
    }
    Volume { grid, voxels: voxels.into() }
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn anatomy(bencher: Bencher) {
    let volume = &*VOLUME;
    bencher.bench(|| {
        let (shafts, stubs) = find_shafts_and_stubs(volume);
        whole_bones(volume, name_bones(volume, shafts.into_iter().chain(stubs).collect()), |_| true)
    });
}
