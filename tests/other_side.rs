//! Walls beyond the shaft against those of the other side, on a patient's two hips: healthy ones, and with holes cut into them.

mod support {
    pub mod neck;
    pub mod program;
    pub mod real_ct;
}

use corticalysis::analysis::{MeasuredBone, MeasuredEnd, Settings, analyze};
use corticalysis::cortex::end::EndSection;
use corticalysis::estimate::Estimate;
use corticalysis::masks::bone_masks;
use corticalysis::volume::Region;
use corticalysis::volume::Volume;
use nalgebra::{Point3, Vector3};
use support::neck::{cut_ball, place_in_end, taken};
use support::program::shared_data;
use support::real_ct::volume_of;

const HIPS: &str = "ct/TCGA-09-2043-hips";

fn hips() -> Option<Volume<i16>> {
    Some(volume_of(&shared_data()?.join(HIPS)))
}

/// The upper end of a hip, with its sections.
fn upper(bone: &MeasuredBone) -> (&MeasuredEnd, &[EndSection]) {
    let end = bone.ends.last().expect("an end");
    (end, &bone.beyond[end.sections.clone()])
}

#[test]
fn healthy_hips_show_no_loss_beyond_the_shaft_and_without_the_other_side_none_is_told() {
    let Some(volume) = hips() else { return };
    for bone in &analyze(&volume, &Settings::default()) {
        let (end, _) = upper(bone);
        let told: Vec<_> = end.lysis.sections.iter().flatten().collect();
        println!("{}: {} sections, {:?}", bone.bone.side, told.len(), end.lysis.reference);
        assert!(end.lysis.reference.is_ok() && told.len() >= 6 && end.lysis.lesions.is_empty());
        assert!(told.iter().all(|loss| loss.axial_percent.value == 0.0));
    }
    let alone = volume_of(&shared_data().expect("there").join("ct/STS_046"));
    for end in analyze(&alone, &Settings::default()).iter().flat_map(|bone| &bone.ends) {
        assert!(end.lysis.reference.is_err() && end.lysis.lesions.is_empty());
    }
}

/// What was told of sections, and whether the intervals held.
#[derive(Default)]
struct Told {
    /// Errors where a loss was told.
    errors: Vec<f64>,
    held: usize,
    sections: usize,
}

impl Told {
    fn add(&mut self, told: Estimate, truth: f64) {
        self.sections += 1;
        if told.value > 0.0 {
            self.errors.push(told.value - truth);
        }
        self.held += usize::from(told.low - 0.05 <= truth && truth <= told.high + 0.05);
    }

    /// Mean absolute error, and share of the intervals that hold.
    fn tell(&mut self, name: &str) -> [f64; 2] {
        self.errors.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
        let n = self.errors.len();
        let mean = self.errors.iter().map(|e| e.abs()).sum::<f64>() / n as f64;
        let held = self.held as f64 / self.sections as f64;
        println!(
            "{name}: {n} sections with a loss, mean absolute error {mean:.1}, bias {:+.1}, 95 % within {:.1} points; the interval holds \
             {:.1} % of {}",
            self.errors.iter().sum::<f64>() / n as f64,
            self.errors[n * 95 / 100].abs(),
            100.0 * held,
            self.sections
        );
        [mean, held]
    }
}

#[test]
fn holes_cut_into_trochanters_are_measured_against_the_other_side() {
    let Some(volume) = hips() else { return };
    let (mut axial, mut around) = (Told::default(), Told::default());
    let (mut found, mut all, mut wrong) = (0, 0, Vec::new());
    for bone in &analyze(&volume, &Settings::default()) {
        let (end, sections) = upper(bone);
        let told: Vec<usize> = (0..sections.len()).filter(|n| end.lysis.sections[*n].is_some()).collect();
        // Half of the holes in the lowest slices, where they open most of the rings that there are, half in the middle.
        let (low, middle) = (told[1], told[told.len() / 2]);
        let holes = [
            (low, [(10, 11.0), (40, 7.0), (70, 9.0), (100, 7.0)]),
            (middle, [(10, 7.0), (40, 11.0), (70, 9.0), (100, 11.0)]),
        ];
        for (n, holes) in holes {
            for (point, radius_mm) in holes {
                let middle = &sections[n];
                let cut = cut_ball(&volume, place_in_end(&volume, middle, point), radius_mm);
                let name = format!("{} slice {} point {point} radius {radius_mm}", bone.bone.side, middle.slice_index);
                let after = analyze(&cut, &Settings::default());
                let Some(seen) = after.iter().find(|b| b.bone.side == bone.bone.side) else {
                    wrong.push(format!("{name}: no bone"));
                    continue;
                };
                let (seen_end, seen_sections) = upper(seen);
                if let Err(why) = seen_end.lysis.reference {
                    wrong.push(format!("{name}: {why:?}"));
                    continue;
                }
                let mut largest = [0.0f64; 2];
                for before in sections {
                    let Some(now) = seen_sections.iter().position(|s| s.slice_index == before.slice_index) else {
                        continue;
                    };
                    let Some(loss) = seen_end.lysis.sections[now].filter(|_| before.not_measured.is_none()) else {
                        continue;
                    };
                    let truth = taken(&volume, &cut, before);
                    largest = [largest[0].max(truth[0]), largest[1].max(loss.axial_percent.value)];
                    axial.add(loss.axial_percent, truth[0]);
                    around.add(loss.circumferential_percent, truth[1]);
                }
                // A loss lies where it was told, and in no slice that the other side does not reach.
                let mut cells = seen_end.lysis.lesions.iter().flat_map(|lesion| &lesion.cells);
                if !cells.all(|cell| seen_end.lysis.sections[cell.section].is_some()) {
                    wrong.push(format!("{name}: a loss in a slice whose loss is not told"));
                }
                all += 1;
                found += usize::from(!seen_end.lysis.lesions.is_empty());
                println!(
                    "{name}: truth up to {:.1}, told up to {:.1} %, {} lesions",
                    largest[0],
                    largest[1],
                    seen_end.lysis.lesions.len()
                );
                for other in after.iter().filter(|other| other.bone.side != bone.bone.side) {
                    if !upper(other).0.lysis.lesions.is_empty() {
                        wrong.push(format!("{name}: a lesion in the other hip"));
                    }
                }
            }
        }
    }
    println!("found {found} of {all}; {wrong:#?}");
    let ([axial, axial_held], [around, around_held]) = (axial.tell("axial"), around.tell("circumferential"));
    assert!(axial < 10.0 && around < 8.0, "{axial:.1} {around:.1}");
    assert!(axial_held > 0.85 && around_held > 0.85, "{axial_held:.2} {around_held:.2}");
    // A hip is not lost for a hole in it, nor is the other one told to have one.
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The middles of a region's voxels in one slice, patient mm.
fn voxels(volume: &Volume<i16>, region: &Region, k: usize) -> Vec<Point3<f64>> {
    let runs = region.runs(k).iter().flat_map(|run| (run.first..=run.last).map(move |i| [i, run.j, k]));
    runs.map(|at| volume.grid.to_patient(Vector3::from(at.map(|v| v as f64)))).collect()
}

/// The wall beyond the shaft is in the mask of the cortex as large as it was measured; a hole cut into it is out of it, and in the lesion's mask
/// where it was cut.
#[test]
fn a_wall_lost_beyond_the_shaft_is_in_the_masks_where_it_was_cut() {
    let Some(volume) = hips() else { return };
    let voxel_mm2 = volume.grid.spacing_mm.x * volume.grid.spacing_mm.y;
    for bone in &analyze(&volume, &Settings::default()) {
        let (end, sections) = upper(bone);
        let intact = bone_masks(&volume.grid, bone);
        assert!(intact.end_lesions.is_empty() && intact.lost().is_empty());
        // Where the neck's sections cross a slice their wall is in the mask too.
        let neck_from =
            bone.whole.landmarks.points_mm.get("femoral_neck_centre").map(|at| volume.grid.to_index(*at).z - 10.0);
        let alone = |section: &&EndSection| {
            section.not_measured.is_none() && neck_from.is_none_or(|from| (section.slice_index as f64) < from)
        };
        for section in sections.iter().filter(alone) {
            let drawn = voxels(&volume, &intact.cortex, section.slice_index).len() as f64 * voxel_mm2;
            let told = section.cortical_area_mm2();
            println!("{} slice {}: {told:.0} mm² measured, {drawn:.0} drawn", bone.bone.side, section.slice_index);
            assert!((drawn / told - 1.0).abs() < 0.1, "{drawn} of {told}");
        }
        let told: Vec<usize> = (0..sections.len()).filter(|n| end.lysis.sections[*n].is_some()).collect();
        let hole = &sections[told[told.len() / 2]];
        let centre = place_in_end(&volume, hole, 100);
        let after = analyze(&cut_ball(&volume, centre, 11.0), &Settings::default());
        let seen = after.iter().find(|b| b.bone.side == bone.bone.side).expect("the same bone");
        let masks = bone_masks(&volume.grid, seen);
        assert_eq!(masks.end_lesions.len(), upper(seen).0.lysis.lesions.len());
        assert!(masks.end_lesions.iter().all(|lesion| lesion.is_upper) && !masks.lost().is_empty());
        let k = hole.slice_index;
        let away = |at: &Point3<f64>| (at - centre).norm();
        let (lost, standing) = (voxels(&volume, &masks.lost(), k), voxels(&volume, &masks.cortex, k));
        let middle = lost.iter().map(|at| at - centre).sum::<Vector3<f64>>() / lost.len() as f64;
        let far = lost.iter().filter(|at| away(at) > 13.0).count();
        let still = standing.iter().filter(|at| away(at) < 9.0).count();
        println!(
            "{} slice {k}: {} voxels lost, {far} of them far from the hole, their middle {:.1} mm from its; {still} in the cortex",
            bone.bone.side,
            lost.len(),
            middle.norm()
        );
        assert!(lost.len() > 30 && middle.norm() < 6.0 && far * 5 <= lost.len() && still == 0);
    }
}
