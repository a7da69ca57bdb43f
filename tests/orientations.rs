//! The same phantom, stored along all 48 axis orientations with unequal spacings, gives the same volume and percentages.

mod support;

use corticalysis::analysis::{Settings, analyze};
use corticalysis::dicom::discover;
use corticalysis::phantom::presets;
use corticalysis::volume::Volume;
use nalgebra::Vector3;
use std::path::Path;
use support::dicom_image::Image;
use support::oriented::{orientations, stored};
use tempfile::TempDir;

fn write(volume: &Volume<i16>, folder: &Path) {
    let grid = &volume.grid;
    let [x, y] = [0, 1].map(|axis| grid.directions.column(axis).into_owned());
    let orientation = format!(r"{}\{}\{}\{}\{}\{}", x.x, x.y, x.z, y.x, y.y, y.z);
    let orientation: &'static str = Box::leak(orientation.into_boxed_str());
    for k in 0..grid.size[2] {
        let origin = grid.to_patient(Vector3::new(0.0, 0.0, k as f64));
        let image = Image {
            position: [origin.x, origin.y, origin.z],
            orientation,
            rows: grid.size[1],
            columns: grid.size[0],
            pixel_spacing: [grid.spacing_mm.y, grid.spacing_mm.x],
            stored: volume.slice(k).iter().map(|hu| i32::from(*hu)).collect(),
            ..Image::at(k as i64 + 1, origin.z)
        };
        image.write(&folder.join(format!("{k:04}.dcm")));
    }
}

/// z and the two percentages of every measured slice.
fn percentages(volume: &Volume<i16>) -> Vec<[f64; 3]> {
    let bones = analyze(volume, &Settings::default());
    assert_eq!(bones.len(), 1);
    let lysis = bones[0].lysis.as_ref().expect("measured");
    let rows = bones[0].cortex.slices.iter().zip(&lysis.slices);
    let rows = rows.filter_map(|(section, numbers)| {
        let numbers = numbers.as_ref()?;
        Some([section.z_mm, numbers.axial_percent.value, numbers.circumferential_percent.value])
    });
    rows.collect()
}

#[test]
fn the_same_phantom_stored_in_every_way_gives_the_same_percentages() {
    let mut spec = presets::window_lesion();
    (spec.image.size, spec.image.spacing_mm) = ([96, 80, 60], [0.8, 1.0, 1.5]);
    let volume = spec.build().volume;
    let expected = percentages(&volume);
    assert!(expected.iter().any(|[_, axial, _]| *axial > 10.0), "the lesion is seen");
    for orientation in orientations() {
        let dir = TempDir::new().unwrap();
        write(&stored(&volume, orientation), dir.path());
        let found = discover(&[dir.path().to_path_buf()], &|_, _| {}).expect("a series");
        let loaded = found.series[0].load(&|_, _| {}).unwrap_or_else(|e| panic!("{orientation:?}: {e}"));
        let mut wrong = 0;
        for (n, hu) in loaded.voxels.iter().enumerate().step_by(7) {
            let [a, b, _] = loaded.grid.size;
            let at = Vector3::new((n % a) as f64, (n / a % b) as f64, (n / (a * b)) as f64);
            let [i, j, k] = volume.grid.to_index(loaded.grid.to_patient(at)).map(|i| i.round() as usize).into();
            wrong += usize::from(volume.slice(k)[i + volume.grid.size[0] * j] != *hu);
        }
        assert_eq!(wrong, 0, "{orientation:?}: voxels out of place");
        let measured = percentages(&loaded);
        assert_eq!(measured.len(), expected.len(), "{orientation:?}: slices measured");
        for (a, b) in measured.iter().zip(&expected) {
            let off = (0..3).map(|n| (a[n] - b[n]).abs()).fold(0.0, f64::max);
            assert!(off < 0.05, "{orientation:?}: {a:?} instead of {b:?}");
        }
    }
}
