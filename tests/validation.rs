//! Writes `docs/validation.md` from one run on the phantoms and, where it is present, on the shared data set:
//! `cargo test --release --test validation -- --ignored`

mod support;

use corticalysis::evaluate::{Case, Quantity, Subset, Summary, pooled};
use corticalysis::phantom::presets::PRESETS;
use std::fmt::Write;
use std::path::Path;
use support::defect_truth::compared;
use support::phantom_comparison::{compare, is_lysed};
use support::program::{analyzed, bone_and_side, bones, corticalysis, findings, measured, shared_data};
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
    healthy(&mut page, &data);
    phantoms(&mut page);
    thickness(&mut page);
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
}

fn defect(page: &mut String, name: &str, bone: &str, summary: &Summary) {
    let [axial, around] = [Quantity::Axial, Quantity::Circumferential].map(|quantity| summary.of(quantity));
    let pair = |of: fn(&Subset) -> Option<f64>, a: &Subset, b: &Subset| {
        format!("{:.2} / {:.2}", of(a).unwrap_or(f64::NAN), of(b).unwrap_or(f64::NAN))
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
        "\n## Synthetic bone\n\nElliptic shafts with a linea aspera, blurred in plane and through the slice, with noise; truth from the geometry before the blur. \
         The wall is smooth and of one density, which flatters: real bone is above.\n\n\
         | phantom | bone | slices measured | lesions found | reference | mean abs. error, all | mean abs. error, lysed | 95 % interval holds the truth, lysed |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for preset in PRESETS {
        let name = preset.name;
        for (n, c) in compare(name, &(preset.spec)()).iter().enumerate() {
            let pair = |e: [f64; 5]| format!("{:.2} / {:.2}", e[0], e[1]);
            let lysed = c.pairs.iter().any(|(_, truth)| is_lysed(truth));
            let (error, cover) = if lysed {
                let [a, b] = c.coverage(is_lysed);
                (pair(c.errors(is_lysed)), format!("{a:.0} % and {b:.0} %"))
            } else {
                ("–".to_owned(), "–".to_owned())
            };
            let reference = c.reference.map_or("none".to_owned(), |r| format!("{r:?}").to_lowercase());
            let row = format!(
                "| {name} | {} | {} of {} | {} | {reference} | {} | {error} | {cover} |",
                n + 1,
                c.pairs.len(),
                c.slices,
                c.lesions,
                pair(c.errors(|_| true)),
            );
            writeln!(page, "{row}").expect("a string takes all");
        }
    }
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
