//! Necks across their own axis: a synthetic neck of known wall, healthy necks of patients, and holes cut into them.

mod support {
    pub mod neck;
    pub mod program;
    pub mod real_ct;
}

use corticalysis::analysis::{MeasuredBone, Settings, analyze};
use corticalysis::cortex::neck::{NeckPlace, NeckSection, measure_neck};
use corticalysis::cortex::scanner::Scanner;
use support::neck::{SyntheticNeck, cut_ball, lost_in_section, sigma_between_pixels_mm};
use support::program::shared_data;
use support::real_ct::volume_of;

const SECTORS: usize = 120;

/// Errors of one synthetic neck: of cortical area and area inside (as shares), of thickness by sector (mean, standard deviation, mm).
fn errors(neck: &SyntheticNeck) -> [f64; 4] {
    let volume = neck.volume();
    let bone = neck.region(&volume.grid);
    let place = NeckPlace {
        bone: &bone,
        frame: neck.frame(),
        head_radius_mm: neck.head_radius_mm,
        scanner: Scanner {
            cortical_hu: neck.cortical_hu,
            sigma_mm: sigma_between_pixels_mm(neck.sigma_mm),
            overshoot: 0.0,
            noise_hu: neck.noise_hu,
        },
        slice_thickness_mm: neck.slice_mm,
    };
    let seen = measure_neck(&volume, &place).expect("a neck");
    let (mut areas, mut insides, mut offs) = (Vec::new(), Vec::new(), Vec::new());
    // Ball and block end sharply, and their edges reach some millimetres into the tube; a real neck flares.
    let tube = |s: &&NeckSection| s.not_measured.is_none() && (23.0..33.0).contains(&s.from_head_mm);
    for section in seen.sections.iter().filter(tube) {
        areas.push(section.cortical_area_mm2() / neck.cortical_area_mm2() - 1.0);
        insides.push(section.area_inside_mm2() / neck.area_inside_mm2() - 1.0);
        for s in 0..SECTORS {
            if section.thickness_mm[s].is_finite() {
                offs.push(section.thickness_mm[s] - neck.thickness_mm(&seen.frame, section, s));
            }
        }
    }
    assert!(areas.len() >= 6, "only {} sections measured", areas.len());
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let bias = mean(&offs);
    let sd = (offs.iter().map(|o| (o - bias).powi(2)).sum::<f64>() / offs.len() as f64).sqrt();
    [mean(&areas), mean(&insides), bias, sd]
}

#[test]
fn a_synthetic_neck_has_its_wall_told_at_any_angle_and_slice_thickness() {
    for slice_mm in [1.0, 2.0, 3.0] {
        for angle_deg in [115.0, 127.0, 140.0] {
            let neck = SyntheticNeck { slice_mm, neck_shaft_angle_deg: angle_deg, ..SyntheticNeck::default() };
            let [area, inside, bias, sd] = errors(&neck);
            println!(
                "slices {slice_mm} mm, {angle_deg}°: cortical area {:+.1} %, inside {:+.1} %, thickness {bias:+.2} ± {sd:.2} mm",
                100.0 * area,
                100.0 * inside
            );
            let place = format!("{slice_mm} mm, {angle_deg}°");
            assert!(area.abs() < 0.06 && inside.abs() < 0.02, "{place}: {area:.3} {inside:.3}");
            assert!(bias.abs() < 0.10 && sd < if slice_mm > 2.0 { 0.25 } else { 0.15 }, "{place}: {bias:.2} {sd:.2}");
        }
    }
}

/// The bones of a case that have a neck.
fn necks(case: &str) -> Vec<MeasuredBone> {
    let ct = shared_data().expect("the shared data").join("ct");
    analyze(&volume_of(&ct.join(case)), &Settings::default()).into_iter().filter(|b| b.neck.is_some()).collect()
}

#[test]
fn healthy_necks_of_patients_show_no_loss_and_without_the_other_side_none_is_told() {
    if shared_data().is_none() {
        return;
    }
    for (case, sides) in [("STS_046", 1), ("STS_029", 1), ("STS_012", 1), ("STS_008", 0), ("TCGA-09-2043-hips", 2)] {
        let bones = necks(case);
        assert_eq!(bones.len(), sides, "{case}");
        for bone in &bones {
            let neck = bone.neck.as_ref().expect("a neck");
            let measured = neck.neck.sections.iter().filter(|s| s.not_measured.is_none());
            println!("{case} {}: {} measured, {:?}", bone.bone.side, measured.clone().count(), neck.lysis.reference);
            assert!(measured.clone().count() >= 6, "{case}");
            assert!(neck.lysis.lesions.is_empty(), "{case}: {:?}", neck.lysis.lesions);
            assert_eq!(neck.lysis.reference.is_ok(), sides == 2, "{case}: {:?}", neck.lysis.reference);
            let told = neck.lysis.sections.iter().flatten();
            assert!(told.clone().all(|loss| loss.axial_percent.value == 0.0), "{case}");
            if sides == 2 {
                assert!(told.count() >= 5, "{case}");
            }
            // What anatomy books and CT studies of necks give: some hundred mm² inside, walls of about a millimetre.
            for section in measured {
                let [mean, _] = section.mean_and_low_thickness_mm();
                assert!((300.0..1300.0).contains(&section.area_inside_mm2()), "{case}: {}", section.area_inside_mm2());
                assert!((0.5..3.0).contains(&mean), "{case}: {mean}");
            }
        }
    }
}

#[test]
fn holes_cut_into_a_neck_are_measured_against_the_other_side() {
    let Some(shared) = shared_data() else { return };
    let volume = volume_of(&shared.join("ct/TCGA-09-2043-hips"));
    let intact = analyze(&volume, &Settings::default());
    // Of sections in which a loss was told, and of all others, whose interval alone can be right.
    let (mut axial, mut around, mut held, mut sections) = (Vec::new(), Vec::new(), [0usize; 2], 0);
    let (mut found, mut all) = ([0; 2], [0; 2]);
    let mut missed = Vec::new();
    for (n, bone) in intact.iter().enumerate() {
        let neck = &bone.neck.as_ref().expect("a neck").neck;
        let measured: Vec<usize> =
            (0..neck.sections.len()).filter(|k| neck.sections[*k].not_measured.is_none()).collect();
        let middle = &neck.sections[measured[measured.len() / 2]];
        for sector in [0, 30, 60, 90, 108] {
            for radius_mm in [5.0, 8.0, 11.0] {
                let angle = std::f64::consts::TAU * (sector as f64 + 0.5) / SECTORS as f64;
                let r = middle.radius_mm[sector] - 1.0;
                let off = [middle.centre_mm[0] + r * angle.cos(), middle.centre_mm[1] + r * angle.sin()];
                let centre = neck.frame.point(middle.from_head_mm, off);
                let cut = cut_ball(&volume, centre, radius_mm);
                let after = analyze(&cut, &Settings::default());
                let name = format!("{} sector {sector} radius {radius_mm}", bone.bone.side);
                let seen = after.iter().find(|b| b.bone.side == bone.bone.side).and_then(|b| b.neck.as_ref());
                let Some(seen) = seen else {
                    missed.push(format!("{name}: no neck"));
                    continue;
                };
                if let Err(why) = seen.lysis.reference {
                    missed.push(format!("{name}: {why:?}"));
                    continue;
                }
                let (mut largest, mut told) = (0.0f64, 0.0f64);
                for (section, loss) in seen.neck.sections.iter().zip(&seen.lysis.sections) {
                    let Some(loss) = loss else { continue };
                    let truth = lost_in_section(&volume, &cut, &neck.frame, &seen.neck.frame, neck, section);
                    let Some([share, circumference]) = truth else { continue };
                    largest = largest.max(share);
                    told = told.max(loss.axial_percent.value);
                    sections += 1;
                    if loss.axial_percent.value > 0.0 {
                        axial.push(loss.axial_percent.value - share);
                        around.push(loss.circumferential_percent.value - circumference);
                    }
                    let holds = |e: &corticalysis::estimate::Estimate, v: f64| e.low - 0.05 <= v && v <= e.high + 0.05;
                    held[0] += usize::from(holds(&loss.axial_percent, share));
                    held[1] += usize::from(holds(&loss.circumferential_percent, circumference));
                }
                // Sectors 30 and 60 are the upper and back wall, thin in this patient.
                let thick = usize::from(![30, 60].contains(&sector));
                all[thick] += 1;
                found[thick] += usize::from(!seen.lysis.lesions.is_empty());
                println!(
                    "{name}: truth up to {largest:.1}, told up to {told:.1} %, {} lesions",
                    seen.lysis.lesions.len()
                );
                let other = after.iter().find(|b| b.bone.side != bone.bone.side).and_then(|b| b.neck.as_ref());
                if other.is_some_and(|o| !o.lysis.lesions.is_empty()) {
                    missed.push(format!("{name}: a lesion in the healthy neck {n}"));
                }
            }
        }
    }
    let report = |name: &str, errors: &mut Vec<f64>, held: usize| {
        let n = errors.len();
        let bias = errors.iter().sum::<f64>() / n as f64;
        let mut sizes: Vec<f64> = errors.iter().map(|e| e.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        let mean = sizes.iter().sum::<f64>() / n as f64;
        println!(
            "{name}: {n} sections with a loss, mean absolute error {mean:.1}, bias {bias:+.1}, 95 % within {:.1} points; of all \
             {sections} the interval holds {:.1} %",
            sizes[n * 95 / 100],
            100.0 * held as f64 / sections as f64
        );
        (mean, held as f64 / sections as f64)
    };
    println!("found {} of {} in thick walls, {} of {} in thin ones; {missed:#?}", found[1], all[1], found[0], all[0]);
    let (axial, axial_held) = report("axial", &mut axial, held[0]);
    let (around, around_held) = report("circumferential", &mut around, held[1]);
    assert!(axial < 10.0 && around < 6.0, "{axial:.1} {around:.1}");
    assert!(axial_held > 0.85 && around_held > 0.85, "{axial_held:.2} {around_held:.2}");
    assert!(found[1] == all[1], "{found:?} of {all:?}");
    assert!(!missed.iter().any(|m| m.contains("healthy")), "{missed:#?}");
}
