//! One benchmark a stage, on a generated series of two legs: 120 slices of 512 × 512, one lesion. See `README.md`.

use corticalysis::analysis::{MeasuredBone, Settings, analyze};
use corticalysis::anatomy::{Bone, find_shafts, name_bones};
use corticalysis::cortex::{Acquisition, Cortex, measure};
use corticalysis::dicom::{Series, discover};
use corticalysis::lysis::{ReferenceChoice, assess, prepare};
use corticalysis::phantom::dicom_out;
use corticalysis::phantom::presets::two_legs_planning_ct;
use corticalysis::report::{BoneFigures, GivenItems, Report, bone_report, convert, write_all};
use corticalysis::volume::Volume;
use divan::Bencher;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use tempfile::TempDir;

fn main() {
    divan::main();
}

/// The folder of the series: `CORTICALYSIS_BENCH_SERIES`, which is kept, or a temporary one.
static FOLDER: LazyLock<(PathBuf, Option<TempDir>)> = LazyLock::new(|| {
    let (path, temporary) = match std::env::var_os("CORTICALYSIS_BENCH_SERIES") {
        Some(kept) => (PathBuf::from(kept), None),
        None => {
            let folder = TempDir::new().expect("a temporary folder");
            (folder.path().to_path_buf(), Some(folder))
        }
    };
    std::fs::create_dir_all(&path).expect("the folder of the series");
    let spec = two_legs_planning_ct();
    let volume = spec.build().volume;
    let series = dicom_out::NewSeries::of_phantom(&spec, &volume);
    series.write(&path).expect("the series is written");
    (path, temporary)
});

/// What each stage hands to the next.
struct Ready {
    series: Series,
    volume: Volume<i16>,
    bones: Vec<Bone>,
    cortices: Vec<Cortex>,
    measured: Vec<MeasuredBone>,
}

static READY: LazyLock<Ready> = LazyLock::new(|| {
    let series = find(&FOLDER.0);
    let volume = series.load(&|_, _| {}).expect("the series loads");
    let bones = name_bones(&volume, find_shafts(&volume));
    let cortices = unrolled(&volume, &bones);
    let measured = analyze(&volume, &Settings::default());
    assert_eq!(measured.len(), 2, "both legs");
    assert!(measured.iter().any(|bone| bone.lysis.as_ref().is_some_and(|lysis| !lysis.lesions.is_empty())));
    Ready { series, volume, bones, cortices, measured }
});

fn find(folder: &Path) -> Series {
    discover(&[folder.to_path_buf()], &|_, _| {}).expect("a series").series.remove(0)
}

fn unrolled(volume: &Volume<i16>, bones: &[Bone]) -> Vec<Cortex> {
    bones.par_iter().filter_map(|bone| measure(volume, &bone.shaft, &Acquisition::default())).collect()
}

#[divan::bench]
fn a_discover(bencher: Bencher) {
    let folder = &FOLDER.0;
    bencher.bench(|| find(folder));
}

#[divan::bench]
fn b_load(bencher: Bencher) {
    let series = &READY.series;
    bencher.bench(|| series.load(&|_, _| {}));
}

#[divan::bench]
fn c_find_shafts(bencher: Bencher) {
    let volume = &READY.volume;
    bencher.bench(|| find_shafts(volume));
}

#[divan::bench]
fn d_measure_cortex(bencher: Bencher) {
    let Ready { volume, bones, .. } = &*READY;
    bencher.bench(|| unrolled(volume, bones));
}

#[divan::bench]
fn e_assess_lysis(bencher: Bencher) {
    let cortices = &READY.cortices;
    bencher.bench(|| {
        let prepared: Vec<_> = cortices.par_iter().map(prepare).collect();
        let both = |n: usize| Some((&cortices[n], prepared[n].as_ref()?));
        let assessed = (0..cortices.len()).into_par_iter().filter_map(|n| {
            let (cortex, own) = both(n)?;
            let twin = both((n + 1) % cortices.len());
            Some(assess(cortex, own, twin, ReferenceChoice::Auto, 0.30))
        });
        assessed.collect::<Vec<_>>()
    });
}

#[divan::bench]
fn f_write_report(bencher: Bencher) {
    let Ready { series, volume, measured, .. } = &*READY;
    let folder = TempDir::new().expect("a temporary folder");
    let output = folder.path().join("report");
    bencher.bench(|| {
        let mut report = Report::new(convert::series_report(series), BTreeMap::new());
        report.bones = measured.iter().map(|bone| bone_report(series, bone, &GivenItems::default())).collect();
        let figures = |(index, bone): (usize, &'static MeasuredBone)| {
            let lysis = bone.lysis.as_ref()?;
            Some(BoneFigures::of_worst_slices(index, (&bone.cortex, lysis), volume, 0.30, 4, |k| Some(k as i64)))
        };
        let figures: Vec<BoneFigures> = measured.iter().enumerate().filter_map(figures).collect();
        write_all(&output, &report, &figures, Default::default()).expect("written");
    });
}

/// Finding, measuring and assessing as the program does them: stages c to e.
#[divan::bench]
fn g_analyze_volume(bencher: Bencher) {
    let volume = &READY.volume;
    bencher.bench(|| analyze(volume, &Settings::default()));
}
