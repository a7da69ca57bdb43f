//! Necks across their own axis: a synthetic neck of known wall, healthy necks of patients, and holes cut into them.

mod support {
    pub mod neck;
    pub mod program;
    pub mod real_ct;
}

use corticalysis::analysis::{MeasuredBone, Settings, analyze};
use corticalysis::cortex::neck::{NeckPlace, NeckSection, measure_neck};
use corticalysis::cortex::scanner::Scanner;
use corticalysis::dicom::SeriesHeader;
use corticalysis::masks::bone_masks;
use corticalysis::nifti::{for_each_row, read_header};
use corticalysis::phantom::dicom_out::NewSeries;
use corticalysis::volume::Region;
use nalgebra::{Point3, Vector3};
use serde_json::{Value, json};
use std::path::Path;
use support::neck::{SyntheticNeck, cut_ball, lost_in_section, place_in_wall, sigma_between_pixels_mm};
use support::program::{corticalysis, shared_data};
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
    assert!(axial < 5.0 && around < 3.0, "{axial:.1} {around:.1}");
    assert!(axial_held > 0.85 && around_held > 0.85, "{axial_held:.2} {around_held:.2}");
    assert!(found[1] == all[1], "{found:?} of {all:?}");
    assert!(!missed.iter().any(|m| m.contains("healthy")), "{missed:#?}");
}

/// The middles of a region's voxels, patient mm.
fn voxels(volume: &corticalysis::volume::Volume<i16>, region: &Region) -> Vec<Point3<f64>> {
    let all = (0..volume.grid.size[2]).flat_map(|k| region.runs(k).iter().map(move |run| (k, *run)));
    all.flat_map(|(k, run)| (run.first..=run.last).map(move |i| [i, run.j, k]))
        .map(|at| volume.grid.to_patient(Vector3::from(at.map(|v| v as f64))))
        .collect()
}

/// A ball on the front wall of the first neck of the hips, where walls are thick.
fn ball_in(bone: &MeasuredBone, sector: usize) -> Point3<f64> {
    place_in_wall(&bone.neck.as_ref().expect("a neck").neck, sector)
}

/// The wall of the neck is in the mask of the cortex as large as it was measured; a hole cut into it is out of it, and in the lesion's mask
/// where it was cut.
#[test]
fn a_lost_wall_of_the_neck_is_in_the_masks_where_it_was_cut() {
    let Some(shared) = shared_data() else { return };
    let volume = volume_of(&shared.join("ct/TCGA-09-2043-hips"));
    let voxel_mm3 = volume.grid.spacing_mm.product();
    let intact = analyze(&volume, &Settings::default());
    for bone in &intact {
        let masks = bone_masks(&volume.grid, bone);
        assert!(masks.neck_lesions.is_empty() && masks.lost().is_empty());
        let neck = &bone.neck.as_ref().expect("a neck").neck;
        let told: f64 =
            neck.sections.iter().filter(|s| s.not_measured.is_none()).map(NeckSection::cortical_area_mm2).sum();
        // What lies between the planes of the measured sections; the shaft of these hips has no measured ring there.
        let range = |at: &Point3<f64>| {
            let index = ((at - neck.frame.head_mm).dot(&neck.frame.axis) - neck.sections[0].from_head_mm).round();
            index >= 0.0 && neck.sections.get(index as usize).is_some_and(|s| s.not_measured.is_none())
        };
        // The neck's own wall: slices beyond the shaft draw theirs, too.
        let alone = MeasuredBone { beyond: Vec::new(), ends: Vec::new(), ..bone.clone() };
        let wall = bone_masks(&volume.grid, &alone).cortex;
        let drawn = voxels(&volume, &wall).iter().filter(|at| range(at)).count() as f64 * voxel_mm3;
        println!("{}: wall of the neck {told:.0} mm³ measured, {drawn:.0} mm³ drawn", bone.bone.side);
        assert!((drawn / told - 1.0).abs() < 0.03, "{drawn} of {told}");
        for sector in [0, 90, 108] {
            for radius_mm in [8.0, 11.0] {
                let centre = ball_in(bone, sector);
                let cut = cut_ball(&volume, centre, radius_mm);
                let after = analyze(&cut, &Settings::default());
                let seen = after.iter().find(|b| b.bone.side == bone.bone.side).expect("the same bone");
                if seen.neck.as_ref().is_none_or(|neck| neck.lysis.reference.is_err()) {
                    continue;
                }
                let name = format!("{} sector {sector}, {radius_mm} mm", bone.bone.side);
                let found = bone_masks(&volume.grid, seen);
                assert_eq!(found.neck_lesions.len(), seen.neck.as_ref().expect("a neck").lysis.lesions.len(), "{name}");
                let lost = voxels(&volume, &found.lost());
                let within = |at: &Point3<f64>, more: f64| (at - centre).norm() <= radius_mm + more;
                let near = lost.iter().filter(|at| within(at, 2.5)).count();
                // The wall that the ball took all of: of the intact mask, well within it.
                let taken: Vec<Point3<f64>> =
                    voxels(&volume, &masks.cortex).into_iter().filter(|at| range(at) && within(at, -2.0)).collect();
                let drawn: Vec<Point3<f64>> = voxels(&volume, &found.cortex);
                let holds = |set: &[Point3<f64>], at: &Point3<f64>| set.iter().any(|other| (other - at).norm() < 0.1);
                let covered = taken.iter().filter(|at| holds(&lost, at)).count();
                let standing = taken.iter().filter(|at| holds(&drawn, at)).count();
                println!(
                    "{name}: {near} of {} lost voxels at the ball; of {} taken {covered} in the lesion, {standing} in the cortex",
                    lost.len(),
                    taken.len()
                );
                let middle = lost.iter().map(|at| at - centre).sum::<Vector3<f64>>() / lost.len().max(1) as f64;
                println!("{name}: middle of the mask {:.1} mm from that of the ball", middle.norm());
                // The ball reaches further in than the wall that is lost, and a large one into what is not told: the middle of the mask is not its middle.
                let (far_mm, part) = if sector == 90 { (4.0, 0.5) } else { (8.0, 0.25) };
                assert!(!lost.is_empty() && middle.norm() < far_mm, "{name}: {:.1} mm", middle.norm());
                assert!(covered as f64 >= part * taken.len() as f64, "{name}: {covered} of {}", taken.len());
                assert!(standing * 10 <= taken.len() * 3, "{name}: {standing} of {}", taken.len());
            }
        }
    }
}

/// What a reviewer said of the first loss of the neck of the first bone that has one.
fn review_of(report: &Value, id: usize, decision: &str) -> Value {
    let lost = |bone: &&Value| bone["neck"]["lesions"].as_array().is_some_and(|lesions| !lesions.is_empty());
    let bone = report["bones"].as_array().expect("bones").iter().find(lost).expect("a lost neck");
    json!({
        "schema": "corticalysis/review/v1",
        "tool": report["tool"],
        "series_instance_uid": report["series"]["series_instance_uid"],
        "date": "2026-11-28T10:00:00Z",
        "reviewer": "Dr Éluard",
        "bones": [{
            "bone": bone["bone"], "side": bone["side"], "z_range_mm": bone["z_range_mm"],
            "neck_lesions": [{
                "id": id,
                "from_head_range_mm": bone["neck"]["lesions"][0]["from_head_range_mm"],
                "decision": decision,
                "comment": "a vessel\n groove"
            }]
        }]
    })
}

/// From files to files: a loss of the neck is a segment, a mask, a group of the structured report and a row of the summary for the record; a reviewer
/// rejects it, and it is listed with the remark and shown nowhere.
#[test]
fn a_lost_wall_of_the_neck_is_in_every_file() {
    let Some(shared) = shared_data() else { return };
    let volume = volume_of(&shared.join("ct/TCGA-09-2043-hips"));
    let bone = analyze(&volume, &Settings::default()).swap_remove(0);
    let cut = cut_ball(&volume, ball_in(&bone, 0), 11.0);
    let folder = tempfile::tempdir().expect("a folder");
    let (ct, out) = (folder.path().join("ct"), folder.path().join("out"));
    let header = SeriesHeader { slice_thickness_mm: Some(volume.grid.spacing_mm.z), ..SeriesHeader::default() };
    std::fs::create_dir(&ct).expect("made");
    NewSeries::new(&cut, header, "neck", "test", "a hole in a neck").write(&ct).expect("written");
    let run = corticalysis([
        "analyze".as_ref(),
        ct.as_os_str(),
        "-o".as_ref(),
        out.as_os_str(),
        "--save-masks".as_ref(),
        "--dicom".as_ref(),
        "--pdf".as_ref(),
        "--quiet".as_ref(),
    ]);
    // Neither hip has a measured shaft: the report is written all the same.
    assert_eq!(run.status, 4, "{}", run.stderr);
    let seg = std::fs::read_dir(out.join("dicom")).expect("objects").map(|e| e.expect("an entry").path());
    let seg = seg.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().contains("seg")));
    let bytes: Vec<u8> = seg.flat_map(|path| std::fs::read(path).expect("a file")).collect();
    let label = b"neck lesion 1";
    assert!(bytes.windows(label.len()).any(|window| window == label), "no segment of the neck's lesion");
    let holds = |out: &Path, name: &str, text: &str| {
        let bytes = std::fs::read(out.join("dicom").join(name)).expect("written");
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    };
    for said in ["neck lesion 1", "femoral-neck", "loss-found", "wall-front", "No rule and no score counts the neck"] {
        assert!(holds(&out, "sr.dcm", said), "{said}");
    }
    let report = std::fs::read_to_string(out.join("report.json")).expect("a report");
    let report: Value = serde_json::from_str(&report).expect("JSON");
    let page = std::fs::read_to_string(out.join("report.html")).expect("a page");
    assert!(
        page.contains("data-necklesion=\"1\"") && page.contains("\"neck_lesions\":[{\"id\":1,"),
        "no row to review"
    );
    let reviewed = |name: &str, review: &Value| {
        let file = folder.path().join("review.json");
        std::fs::write(&file, review.to_string()).expect("written");
        let out = folder.path().join(name);
        let run = corticalysis([
            "analyze".as_ref(),
            ct.as_os_str(),
            "-o".as_ref(),
            out.as_os_str(),
            "--dicom".as_ref(),
            "--review".as_ref(),
            file.as_os_str(),
        ]);
        (run, out)
    };
    let (run, rejected) = reviewed("rejected", &review_of(&report, 1, "rejected"));
    assert_eq!(run.status, 4, "{}", run.stderr);
    let said = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("every loss found was rejected by the reviewer"), "{said}");
    assert!(!said.contains("Cortex is missing in the neck"), "{said}");
    assert!(said.contains("Neck lesion 1: rejected by the reviewer (a vessel groove)."), "{said}");
    assert!(!holds(&rejected, "seg.dcm", "neck lesion 1"), "a segment of what is none");
    assert!(holds(&rejected, "sr.dcm", "neck lesion 1: rejected by the reviewer (a vessel groove)"));
    assert!(holds(&rejected, "sr.dcm", "loss-rejected") && !holds(&rejected, "sr.dcm", "wall-front"));
    // Confirmed it stays; what is not there is refused.
    let (run, accepted) = reviewed("accepted", &review_of(&report, 1, "accepted"));
    assert_eq!(run.status, 4, "{}", run.stderr);
    assert!(holds(&accepted, "seg.dcm", "neck lesion 1"));
    assert!(holds(&accepted, "sr.dcm", "neck lesion 1: confirmed by the reviewer (a vessel groove)"));
    let mut elsewhere = review_of(&report, 1, "rejected");
    elsewhere["bones"][0]["neck_lesions"][0]["from_head_range_mm"] = json!([70.0, 75.0]);
    let (run, _) = reviewed("elsewhere", &elsewhere);
    assert_eq!(run.status, 3, "{}", run.stderr);
    assert!(run.stderr.contains("it names neck lesion 1 of the"), "{}", run.stderr);
    // Under another number it is found by where it lies, and that is said.
    let (run, _) = reviewed("renumbered", &review_of(&report, 7, "rejected"));
    assert_eq!(run.status, 4, "{}", run.stderr);
    assert!(
        run.stdout.contains("Neck lesion 7") || run.stderr.contains("Neck lesion 7"),
        "{} {}",
        run.stdout,
        run.stderr
    );
    let mask = out.join(format!("masks/femur-{}-lesion.nii.gz", bone.bone.side));
    let bytes = std::fs::read(mask).expect("a mask of the lesion");
    let header = read_header(&bytes[..]).expect("sound").expect("NIfTI");
    let mut lost = 0;
    let count = |_, _, values: &[f64]| lost += values.iter().filter(|v| **v != 0.0).count();
    for_each_row(&header, &bytes[..], count).expect("rows");
    assert!(lost > 20, "{lost} voxels");
    assert!(out.join("report.pdf").exists());
}
