//! Walls beyond the shaft against those of the other side, on a patient's two hips: healthy ones, and with holes cut into them.

mod support {
    pub mod neck;
    pub mod program;
    pub mod real_ct;
}

use corticalysis::analysis::{MeasuredBone, MeasuredEnd, Settings, analyze};
use corticalysis::cortex::end::EndSection;
use corticalysis::estimate::Estimate;
use corticalysis::volume::Volume;
use nalgebra::{Point3, Vector3};
use support::neck::{cut_ball, taken};
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
                let normal = middle.contour.normals()[point];
                let at = [0, 1].map(|a| middle.contour.points[point][a] - 2.0 * normal[a]);
                let spacing = volume.grid.spacing_mm;
                let index = Vector3::new(at[0] / spacing.x, at[1] / spacing.y, middle.slice_index as f64);
                let centre: Point3<f64> = volume.grid.to_patient(index);
                let cut = cut_ball(&volume, centre, radius_mm);
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
