//! Writes `docs/validation.md` from one run on the phantoms and, where it is present, on the shared data set:
//! `cargo test --release --test validation -- --ignored`

mod support;

use corticalysis::evaluate::{Case, Quantity, Subset, Summary, bland_altman, pooled};
use corticalysis::phantom::presets::PRESETS;
use std::fmt::Write;
use std::path::Path;
use support::cut_defects::{Cut, Draw, cut_and_measure};
use support::defect_truth::compared;
use support::program::{analyzed, bone_and_side, bones, corticalysis, findings, measured, shared_data};
use support::rigidity_page::rigidity;
use support::wedge::{Ray, bias_and_sd, rays, scans};

#[test]
#[ignore = "writes docs/validation.md"]
fn the_page_is_written() {
    let data = shared_data().expect("the shared data set, which CORTICALYSIS_SHARED_DATA names");
    let mut page = String::from(
        "# Validation\n\nWritten by `cargo test --release --test validation -- --ignored`, not by hand. Errors are measured minus true, in \
         percentage points: *axial / circumferential at depth 0.30*. *Lysed*: the slices whose truth is above 0.\n\n",
    );
    defects(&mut page, &data);
    cut_defects(&mut page, &data);
    RANDOM_SETS.iter().for_each(|set| random_defects(&mut page, &data, set));
    healthy(&mut page, &data);
    phantoms(&mut page);
    thickness(&mut page);
    rigidity(&mut page, &data);
    std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/validation.md"), page)
        .expect("docs can be written");
}

fn defects(page: &mut String, data: &Path) {
    page.push_str(
        "## Real bone with a known defect\n\nA ball of soft tissue was cut into four real femora (Soft-tissue-Sarcoma collection, 0.98 × 0.98 × \
         3.27 mm, 140 kVp). Truth: cortical mass removed, by another program on the intact image, good to about 2 points. \
         Sections that are no closed ring are left out.\n\n\
         | case | bone | sections measured | mean abs. error, all | mean abs. error, lysed | 95th percentile, all | wrong flags | 95 % interval holds the truth, lysed |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    let folder = data.join("defect");
    let compared =
        |case: &&str| compared(case, &analyzed(&folder.join(case)), &folder.join(format!("{case}.truth.json")));
    let cases: Vec<Case> = ["d1", "d2", "d3", "d4"].iter().map(compared).collect();
    for case in &cases {
        let bones: Vec<&str> = case.bones.iter().filter_map(|bone| bone.found_name.as_deref()).collect();
        defect(page, &case.name, &bones.join(", "), &case.summary());
    }
    defect(page, "pooled", "", &pooled(&cases));
    coverage(page, &pooled(&cases));
}

const TABLE_HEAD: &str = "| defect | bone | sections measured | mean abs. error, all | mean abs. error, lysed | 95th percentile, all | wrong flags | 95 % interval holds the truth, lysed |\n\
                          |---|---|---|---|---|---|---|---|\n";

/// Bones of `ct/` that are no source of d1 to d4, and how far up and around their defects lie.
const OTHERS: [&str; 10] =
    ["STS_001", "STS_006", "STS_008", "STS_010", "STS_012", "STS_017", "STS_024", "STS_028", "STS_029", "STS_049"];

fn cut_defects(page: &mut String, data: &Path) {
    page.push_str(
        "\n## Defects cut into other patients\n\nFive defects each (window, ball, endosteal scallop, permeation, sector), at places that follow from the case's number alone, cut by \
         `corticalysis phantom --into` into ten bones that d1 to d4 do not come from; edges as soft as the image, noise as its own. Truth: cortical mass of \
         the intact image, counted by code of its own along rays of its own; where the bone lies and where its outer surface runs are the \
         program's own finding, so an error in these would not show here (it would on the phantoms and d1 to d4). Only the widths of the intervals were set with this table in sight.\n\n",
    );
    page.push_str(TABLE_HEAD);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let kinds: [(&str, &[&str]); 5] = [
        ("window", &["--half-width", "50", "--length", "30"]),
        ("ball", &["--radius", "13", "--offset", "9"]),
        ("endosteal-scallop", &["--half-width", "80", "--length", "40"]),
        ("permeative", &["--half-width", "70", "--length", "35", "--density-loss", "0.6"]),
        ("sector", &["--half-width", "90", "--length", "50", "--taper", "10"]),
    ];
    let (mut all, mut left_out) = (Vec::new(), Vec::new());
    for (kind, (lesion, parameters)) in kinds.iter().enumerate() {
        let mut cases = Vec::new();
        for (number, series) in OTHERS.iter().enumerate() {
            let cut = Cut {
                series,
                lesion,
                at_percent: 30 + 4 * ((7 * number + 3 * kind) % 10),
                angle_deg: (97 * number + 61 * kind) % 360,
                parameters: parameters.iter().map(|p| (*p).to_owned()).collect(),
            };
            match cut_and_measure(&data.join("ct"), folder.path(), &format!("{series} {lesion}"), &cut) {
                Ok(case) => cases.push(case),
                Err(why) => left_out.push(why),
            }
        }
        defect(page, lesion, &format!("{} bones", cases.len()), &pooled(&cases));
        all.extend(cases);
    }
    finish(page, &all, &left_out);
    figure(
        page,
        "defects-bland-altman.svg",
        "Errors of the defects cut into other patients, by Bland and Altman",
        &all,
    );
}

/// Series whose bones take the random defects: all that show a long bone that the border does not cut everywhere.
const BONES: [&str; 15] = [
    "STS_001", "STS_006", "STS_008", "STS_010", "STS_012", "STS_013", "STS_017", "STS_024", "STS_028", "STS_029",
    "STS_030", "STS_043", "STS_045", "STS_046", "STS_049",
];
/// Random defects of each kind.
const RANDOM_EACH: usize = 16;

/// A draw of random defects: heading, seed, and what has been seen of it.
struct RandomSet {
    heading: &'static str,
    seed: u64,
    seen: &'static str,
}

const RANDOM_SETS: [RandomSet; 8] = [
    RandomSet {
        heading: "Random defects",
        seed: 20_261_124,
        seen: "Two rules, for strips at the end of the measured bone and for fractures, were mended after a look at one false and one missed lesion among them, no other constant was set on \
            them; an earlier look showed that the truth of sharp borders was wrong, which was mended before this table.",
    },
    RandomSet {
        heading: "A second draw",
        seed: 20_261_128,
        seen: "Its intervals were too narrow (the axial one held the truth in 90 %) and six sections wrongly flagged by the method of then; kriging was chosen for that, and the width of its \
            intervals set on maps of healthy walls from which pieces were taken.",
    },
    RandomSet {
        heading: "A third draw",
        seed: 20_261_129,
        seen: "Measured once when kriging was set, and its three worst lesions looked at. In two of them, permeated walls of tibiae, the contour had been drawn through the \
            wall to the fibula behind it, before and after kriging; it now stays at the ring (15 to 23 points became 1 to 2). The third lies near a metaphysis, whose taper passed for permeation by the edge of the hole beside it; see the fourth draw.",
    },
    RandomSet {
        heading: "A fourth draw",
        seed: 20_261_130,
        seen: "Measured once when the contour was mended (1.11 and 1.55 points in lysed sections), then looked at. Three rules were found in it and the draws before: tapers beside a lesion are no part of it, \
            a place that runs out of the measured bone is permeated only where it begins with an edge, and an open bone is followed beyond its last ring. Their constants were set with these four draws in view.",
    },
    RandomSet {
        heading: "A fifth draw",
        seed: 20_261_201,
        seen: "Drawn when all that was set, and measured once; nothing was set on it (the method before those rules gives 0.81 and 0.94 points in its lysed sections, and one wrong flag). The bones are those whose healthy walls gave kriging its \
            covariance (fitted to every other patient it does as well on the rest). Later a lesion's rim was made to end before another dip, tried on these five draws.",
    },
    RandomSet {
        heading: "A sixth draw",
        seed: 20_261_202,
        seen: "Drawn when that was set, and measured once: 1.09 and 1.67 points in lysed sections, intervals that hold 95.0 and 97.0 %. Then its worst lesion was looked at: a loss that runs out of the \
            measured bone, told as healthy there. No percentage changed for it; the intervals near an end now reach what is lost if a lesion there runs on.",
    },
    RandomSet {
        heading: "A seventh draw",
        seed: 20_261_203,
        seen: "Drawn when that was set, and measured once: 1.15 and 1.24 points in lysed sections, intervals that hold 95.3 and 98.5 %. Then its worst lesion was looked at: a loss over the last \
            60 mm of the measured bone, half of which the reference follows. No percentage changed for it; walls between the parts of a loss near an end have no say in how much may be lost there.",
    },
    RandomSet {
        heading: "An eighth draw",
        seed: 20_261_204,
        seen: "Drawn when that was set, and measured once; nothing was set on it.",
    },
];

fn random_defects(page: &mut String, data: &Path, set: &RandomSet) {
    write!(
        page,
        "\n## {}\n\n{RANDOM_EACH} of each kind, bone, place, angle, size and density drawn at random (the same ones each time), cut as above. {} \
         Lesions that reach the end of what is seen, or that lose a third of the density without an edge, are among them.\n\n{TABLE_HEAD}",
        set.heading, set.seen
    )
    .expect("a string takes all");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut draw = Draw::new(set.seed);
    let (mut all, mut left_out) = (Vec::new(), Vec::new());
    for lesion in ["window", "ball", "endosteal-scallop", "permeative", "sector"] {
        let mut cases = Vec::new();
        for number in 0..RANDOM_EACH {
            let cut = Cut {
                series: BONES[draw.within(0, BONES.len() - 1)],
                lesion,
                at_percent: draw.within(15, 85),
                angle_deg: draw.within(0, 359),
                parameters: draw.parameters(lesion),
            };
            let name = format!("{} {lesion} {number}", cut.series);
            match cut_and_measure(&data.join("ct"), folder.path(), &name, &cut) {
                Ok(case) => cases.push(case),
                Err(why) => left_out.push(why),
            }
        }
        defect(page, lesion, &format!("{} cases", cases.len()), &pooled(&cases));
        all.extend(cases);
    }
    finish(page, &all, &left_out);
}

/// The pooled row and what the table does not show.
fn finish(page: &mut String, all: &[Case], left_out: &[String]) {
    defect(page, "pooled", "", &pooled(all));
    coverage(page, &pooled(all));
    let mut worst: Vec<(f64, String)> = all
        .iter()
        .flat_map(|case| {
            case.pairs(Quantity::Axial)
                .map(|(s, pair)| (pair.error().abs(), format!("{} at z {:.0}", case.name, s.z_mm)))
        })
        .collect();
    worst.sort_by(|a, b| b.0.total_cmp(&a.0));
    let worst: Vec<String> = worst.iter().take(3).map(|(e, name)| format!("{name} ({e:.1})")).collect();
    writeln!(page, "\nLargest axial errors, points: {}.", worst.join(", ")).expect("a string takes all");
    if !left_out.is_empty() {
        writeln!(page, "\nNothing measured, or nothing cut: {}.", left_out.join("; ")).expect("a string takes all");
    }
    lesion_extents(page, &pooled(all));
}

/// How often the intervals hold the truth, and how wide they are.
fn coverage(page: &mut String, summary: &Summary) {
    let [axial, around] = [Quantity::Axial, Quantity::Circumferential].map(|quantity| summary.of(quantity));
    let share = |subset: &Subset| 100.0 * subset.interval.covered as f64 / subset.interval.n.max(1) as f64;
    let width = |subset: &Subset| subset.interval.mean_width.unwrap_or(f64::NAN);
    writeln!(
        page,
        "\nIntervals of lysed sections hold the truth in {:.1} % / {:.1} %, mean width {:.1} / {:.1} points; of all sections in {:.1} % / {:.1} % (a \
         healthy one reads 0, and its interval begins there).",
        share(&axial.lysed),
        share(&around.lysed),
        width(&axial.lysed),
        width(&around.lysed),
        share(&axial.all),
        share(&around.all)
    )
    .expect("a string takes all");
}

/// How long lesions are found to be.
fn lesion_extents(page: &mut String, summary: &Summary) {
    let l = &summary.lesions;
    let number = |v: Option<f64>| v.unwrap_or(f64::NAN);
    writeln!(
        page,
        "\nLesions: {} true, {} matched, {} missed, {} false; extent along the bone wrong by {:.1} mm ({:.2} slices) on average, height by {:.1} mm; \
         through the wall right in {}, type in {} of {}.",
        l.true_lesions,
        l.matched,
        l.missed,
        l.false_lesions,
        number(l.axial_extent_mm.mean_absolute),
        number(l.axial_extent_slices.mean_absolute),
        number(l.height_mm.mean_absolute),
        l.through_the_wall_agrees,
        l.type_agrees,
        l.matched
    )
    .expect("a string takes all");
}

fn figure(page: &mut String, file: &str, caption: &str, cases: &[Case]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/figures");
    std::fs::write(folder.join(file), bland_altman(cases)).expect("docs can be written");
    writeln!(page, "\n![{caption}](figures/{file})").expect("a string takes all");
}

fn defect(page: &mut String, name: &str, bone: &str, summary: &Summary) {
    let [axial, around] = [Quantity::Axial, Quantity::Circumferential].map(|quantity| summary.of(quantity));
    let pair = |of: fn(&Subset) -> Option<f64>, a: &Subset, b: &Subset| {
        of(a).zip(of(b)).map_or("–".to_owned(), |(a, b)| format!("{a:.2} / {b:.2}"))
    };
    writeln!(
        page,
        "| {name} | {bone} | {} of {} | {} | {} | {} | {} | {} and {} of {} |",
        summary.sections.measured,
        summary.sections.rings,
        pair(|subset| subset.stats.mean_absolute, &axial.all, &around.all),
        pair(|subset| subset.stats.mean_absolute, &axial.lysed, &around.lysed),
        pair(|subset| subset.stats.p95_absolute, &axial.all, &around.all),
        summary.flags_decided.wrong(),
        axial.lysed.interval.covered,
        around.lysed.interval.covered,
        axial.lysed.interval.n
    )
    .expect("a string takes all");
}

fn healthy(page: &mut String, data: &Path) {
    page.push_str(
        "\n## Real bone without a lesion\n\nNo bone in these series was seen to be lysed: what they should give is *no lesion*, or *not measured*.\n\n\
         | series | exit status | what was found |\n|---|---|---|\n",
    );
    let mut names: Vec<String> = std::fs::read_dir(data.join("ct"))
        .expect("a readable folder")
        .map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    for name in names {
        let run = corticalysis(["analyze".as_ref(), data.join("ct").join(&name).as_os_str(), "--json".as_ref()]);
        let found = if run.stdout.is_empty() {
            "no long bone that can be measured".to_owned()
        } else {
            let report = run.json();
            let words: Vec<String> = bones(&report)
                .iter()
                .map(|bone| {
                    let all = bone["slices"].as_array().map_or(0, Vec::len);
                    let lesions = findings(bone);
                    let what = if measured(bone) == 0 {
                        "cut by the image border".to_owned()
                    } else if lesions.is_empty() {
                        "no lesion".to_owned()
                    } else {
                        lesions.join("; ")
                    };
                    format!("{}: {} of {all} slices measured, {what}", bone_and_side(bone), measured(bone))
                })
                .collect();
            words.join("; ")
        };
        writeln!(page, "| {name} | {} | {found} |", run.status).expect("a string takes all");
    }
}

fn phantoms(page: &mut String) {
    page.push_str(
        "\n## Synthetic bone\n\nThe presets of `corticalysis phantom` (docs/phantom.md), written as DICOM and analysed like any series; truth from the geometry before the blur. \
         The wall is smooth and of one density, which flatters: real bone is above.\n\n\
         | phantom | bone | sections measured | mean abs. error, all | mean abs. error, lysed | 95th percentile, all | wrong flags | 95 % interval holds the truth, lysed |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut cases = Vec::new();
    for preset in PRESETS {
        let out = folder.path().join(preset.name);
        let run = corticalysis([
            "phantom".as_ref(),
            "-o".as_ref(),
            out.as_os_str(),
            "--preset".as_ref(),
            preset.name.as_ref(),
        ]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        let report = analyzed(&out);
        let references: Vec<&str> = bones(&report).iter().filter_map(|b| b["reference"]["kind"].as_str()).collect();
        let case = compared(preset.name, &report, &out.join("truth.json"));
        defect(page, preset.name, &references.join(", "), &case.summary());
        cases.push(case);
    }
    let summary = pooled(&cases);
    defect(page, "pooled", "", &summary);
    coverage(page, &summary);
    lesion_extents(page, &summary);
}

/// What one method made of a ray.
type Method = fn(&Ray) -> f64;

fn thickness(page: &mut String) {
    page.push_str(
        "\n## Thickness\n\nA round bone whose wall grows along it from nothing to 9 mm, in 27 scans: every blur (FWHM 1.0, 1.4, 1.8 mm) with every \
         slice thickness (1, 2, 3 mm) and tilt (0, 15, 30°), noise of 10, 25 and 40 HU spread over them, 0.8 mm pixels. Bias ± standard deviation in mm, over rays; \
         the blur and the density of compact cortex are not told, they are estimated from each image. *Half maximum* and *600 HU* \
         measure the same rays, with the true obliquity taken out.\n\n\
         | true thickness | rays | fitted wall | half maximum | above 600 HU | largest bias of any scan | largest SD of any scan |\n|---|---|---|---|---|---|---|\n",
    );
    let all: Vec<Vec<Ray>> = scans().into_iter().map(rays).collect();
    let bins = [(0.5, 0.75), (0.75, 1.0), (1.0, 1.5), (1.5, 2.0), (2.0, 3.0), (3.0, 4.0), (4.0, 6.0), (6.0, 8.0)];
    for (from, to) in bins {
        let within =
            |rays: &'_ [Ray]| rays.iter().filter(|r| (from..to).contains(&r.true_mm)).copied().collect::<Vec<Ray>>();
        let per_scan: Vec<Vec<Ray>> = all.iter().map(|rays| within(rays)).collect();
        let of = |rays: &[Ray], method: Method| bias_and_sd(&rays.iter().collect::<Vec<_>>(), method);
        let pooled: Vec<Ray> = per_scan.concat();
        let word = |method: Method| {
            let (bias, sd) = of(&pooled, method);
            format!("{bias:+.2} ± {sd:.2}")
        };
        let worst = per_scan
            .iter()
            .map(|rays| of(rays, |r| r.model_mm))
            .fold((0.0f64, 0.0f64), |a, b| (a.0.max(b.0.abs()), a.1.max(b.1)));
        let (model, half, fixed) = (word(|r| r.model_mm), word(|r| r.half_maximum_mm), word(|r| r.threshold_mm));
        writeln!(
            page,
            "| {from} to {to} mm | {} | {model} | {half} | {fixed} | {:.3} | {:.3} |",
            pooled.len(),
            worst.0,
            worst.1
        )
        .expect("a string takes all");
    }
}

/// The section on rigidity alone, which is the last: the whole page takes long.
#[test]
#[ignore = "writes a section of docs/validation.md"]
fn the_section_on_rigidity_is_written() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/validation.md");
    let page = std::fs::read_to_string(&path).expect("docs/validation.md");
    let mut page = page.split("\n## Rigidity\n").next().unwrap_or_default().to_owned();
    rigidity(&mut page, &shared_data().expect("the shared data set"));
    std::fs::write(path, page).expect("docs can be written");
}
