//! The report as a whole: format, tables, page, summary, and what stands on the disk afterwards.

use super::model::*;
use super::*;
use crate::language::{Language, Sentence};
use std::fs;
use std::path::Path;

const EN: Language = Language::En;

fn schema_file() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/report.schema.json")
}

/// `UPDATE_SCHEMA=1 cargo test schema` writes the file anew.
#[test]
fn the_shipped_schema_is_current() {
    let text = format!("{}\n", serde_json::to_string_pretty(&json_schema()).expect("a schema is JSON"));
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        fs::write(schema_file(), &text).expect("docs is writable");
    }
    let shipped = fs::read_to_string(schema_file()).expect("docs/report.schema.json is shipped");
    assert_eq!(shipped, text, "run UPDATE_SCHEMA=1 cargo test schema");
}

#[test]
fn a_report_keeps_the_schema_and_the_names_of_the_contract() {
    let report = fixture::bone().report();
    let text = to_json(&report).expect("JSON");
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let schema = jsonschema::validator_for(&json_schema()).expect("a valid schema");
    let errors: Vec<_> =
        schema.iter_errors(&value).map(|error| format!("{error} at {}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:?}");

    assert_eq!(value["schema"], "corticalysis/report/v1");
    let bone = &value["bones"][0];
    for name in [
        "bone",
        "side",
        "confidence",
        "z_range_mm",
        "reference",
        "slices",
        "lesions",
        "mirels",
        "rules",
        "recommendation",
    ] {
        assert!(bone.get(name).is_some(), "{name}");
    }
    let slice = &bone["slices"][42];
    for depth in ["0.30", "0.50", "0.99"] {
        assert!(slice["circumferential_by_depth"][depth].is_number(), "{depth}");
    }
    assert_eq!(bone["slices"][0]["axial_lysis_percent"], serde_json::Value::Null);
    assert_eq!(bone["slices"][0]["not_measured_because"], "the wall is thinner than the scanner resolves");
    assert_eq!(bone["lesions"][0]["type"], "lytic");
    assert_eq!(bone["mirels"]["pain"], serde_json::Value::Null);
    let met: Vec<_> = bone["rules"].as_array().expect("rules").iter().map(|rule| rule["met"].clone()).collect();
    assert_eq!(met, ["indeterminate".into(), "indeterminate".into(), true.into(), serde_json::Value::Bool(true)]);
    assert_eq!(bone["recommendation"]["category"], "depends-on-pain");

    let back: Report = serde_json::from_str(&text).expect("the types read what they wrote");
    assert_eq!(back, report.rounded());
}

#[test]
fn a_wrong_verdict_is_refused_by_the_schema_and_by_the_types() {
    let mut value = serde_json::to_value(fixture::bone().report().rounded()).expect("JSON");
    value["bones"][0]["rules"][0]["met"] = "perhaps".into();
    assert!(!jsonschema::validator_for(&json_schema()).expect("schema").is_valid(&value));
    assert!(serde_json::from_value::<Report>(value).is_err());
}

#[test]
fn numbers_are_rounded_and_what_is_not_finite_is_null() {
    let mut report = fixture::bone().report();
    let slice = &mut report.bones[0].slices[42];
    (slice.axial_lysis_percent, slice.mean_thickness_mm, slice.z_mm) = (Some(36.4499), Some(f64::NAN), -0.001);
    let slice = &report.rounded().bones[0].slices[42];
    assert_eq!((slice.axial_lysis_percent, slice.mean_thickness_mm), (Some(36.4), None));
    assert!(slice.z_mm == 0.0 && slice.z_mm.is_sign_positive());
}

#[test]
fn the_tables_have_one_row_a_slice_and_one_a_bone() {
    let report = fixture::bone().report();
    let rows = |bytes: Vec<u8>| -> Vec<std::collections::HashMap<String, String>> {
        ::csv::Reader::from_reader(bytes.as_slice()).deserialize().collect::<Result<_, _>>().expect("a sound table")
    };
    let slices = rows(csv::slices_csv(&report).expect("CSV"));
    assert_eq!(slices.len(), report.bones.iter().map(|bone| bone.slices.len()).sum::<usize>());
    assert_eq!((slices[0]["measured"].as_str(), slices[0]["axial_lysis_percent"].as_str()), ("false", ""));
    assert_eq!(slices[42]["instance_number"], "38");
    let bones = rows(csv::bones_csv(&report).expect("CSV"));
    assert_eq!(bones.len(), 3);
    assert_eq!(bones[0]["rules_met"], "van-der-linden; tatar-planning-ct");
    assert_eq!(
        (bones[0]["mirels_low"].as_str(), bones[0]["mirels_high"].as_str(), bones[0]["mirels_total"].as_str()),
        ("8", "10", "")
    );
    assert_eq!((bones[1]["lesions"].as_str(), bones[1]["category"].as_str()), ("0", "no-lesion"));
    assert_eq!(bones[2]["max_axial_lysis_percent"], "");
}

#[test]
fn the_page_needs_nothing_from_outside_and_says_what_it_is() {
    let bone = fixture::bone();
    let (report, figures) = (bone.report(), bone.figures(0));
    let drawn = DrawnBone::draw(&report, &figures, EN).expect("bone 0");
    let page = page(&report, std::slice::from_ref(&drawn), EN);
    assert_eq!(page.matches(DISCLAIMER).count(), 2, "at the top and at the bottom");
    assert_eq!(page.matches("<script").count(), 2, "the data and the script that reads it");
    assert_eq!(page.matches("<script>").count(), 1, "the policy knows one script");
    for outside in [" src=", "<link", "@import", "href=\"http", "url(http"] {
        assert!(!page.contains(outside), "{outside}");
    }
    let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let unique: std::collections::HashSet<_> = ids.iter().collect();
    assert_eq!(ids.len(), unique.len(), "ids are unique");
    for reference in page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(ids.contains(&reference), "{reference}");
    }
    assert!(page.len() < 3_000_000, "{}", page.len());
}

#[test]
fn text_from_the_images_cannot_become_markup() {
    let mut report = fixture::bone().report();
    report.series.kernel = "<script>alert(1)</script>".into();
    report.series.series_instance_uid = "</script><script>alert(2)</script>".into();
    report.bones[0].bone = "<b>".into();
    let drawn = DrawnBone::draw(&report, &fixture::bone().figures(0), EN).expect("bone 0");
    let page = page(&report, std::slice::from_ref(&drawn), EN);
    assert!(!page.contains("<script>alert") && !page.contains("<b>"));
}

#[test]
fn the_french_page_is_french() {
    let bone = fixture::bone();
    let report = bone.report();
    let drawn = DrawnBone::draw(&report, &bone.figures(0), Language::Fr).expect("bone 0");
    let page = page(&report, std::slice::from_ref(&drawn), Language::Fr);
    let shown = page.split("<script").next().expect("the page before its scripts");
    for said in [
        "<html lang=\"fr\">",
        "Ostéolyse corticale dans le plan axial",
        "Fémur gauche",
        "Score de Mirels",
        "Coupes signalées",
        "Décision de RCP",
        "chirurgie prophylactique première",
        "la paroi est plus mince que ce que le scanner résout",
        "autour de l’os\u{a0}: G gauche",
        "47,2\u{a0}%",
        "Réservé à la recherche",
        "n’est pas",
    ] {
        assert!(shown.to_lowercase().contains(&said.to_lowercase()), "{said}");
    }
    // What the fixture says stands in English, and is marked as that; a style or a picture may spell anything.
    let body = shown.split_once("<body>").expect("a body").1;
    let own: String = body
        .split("<span lang=\"en\">")
        .enumerate()
        .map(|(n, part)| if n == 0 { part } else { part.split_once("</span>").map_or("", |(_, rest)| rest) })
        .collect();
    for english in [
        "Summary",
        "Lesions",
        "Rules",
        "Worst slice",
        "Not measured",
        "not met",
        "Left femur",
        "Flagged",
        "How to read",
        "Settings",
        "patient z",
        "through the wall",
        "lower limb",
        " to ",
        "Research use",
    ] {
        assert!(!own.contains(english), "{english}");
    }
    let json = to_json(&report).expect("JSON");
    assert!(json.contains("not_measured_because\": \"the wall is thinner"), "JSON stays English");
}

#[test]
fn the_summary_fits_a_terminal_and_says_all() {
    let report = fixture::bone().report();
    let text = summary(&report, EN);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let flowing = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        "LEFT FEMUR",
        "Worst slice: instance",
        "95 % intervals",
        "Guideline 30/50: indeterminate, axial lysis 47.2 % (42.6 to 51.8)",
        "van der Linden: met, axial extent 61.0 mm, circumferential lysis 52.5 %",
        "Moderate pain, Mirels 9: Prophylactic fixation",
        "No lesion was found",
        "not measured Not measured: instances 1–80, the border of the image cuts the bone.",
        "Research use only.",
    ] {
        assert!(flowing.contains(said), "{said} is missing in:\n{text}");
    }
    assert_eq!(text.matches("prophylactic surgery first").count(), 1, "each sentence is quoted once:\n{text}");
    assert!(!text.contains("chirurgie") && !text.contains(".0 points"), "{text}");
    let lines = text.split("\n\n").find(|part| part.starts_with("LEFT FEMUR")).map_or(0, |part| part.lines().count());
    // A bone with a warning and three stretches that were not measured; most bones need fewer.
    assert!((8..=22).contains(&lines), "{lines} lines:\n{text}");
    let mut endless = report;
    endless.bones[0].warnings = vec![Sentence::english_only("x".repeat(500))];
    assert!(summary(&endless, EN).lines().all(|line| line.chars().count() <= 80));
    endless.bones.clear();
    assert!(summary(&endless, EN).contains("No long bone was found"));
}

/// Names, comments and numbers of lesions as no one would wish them.
fn unwieldy() -> Report {
    let mut report = fixture::bone().report();
    let bone = &mut report.bones[0];
    let lesion = bone.lesions[0].clone();
    bone.lesions = (1..=30)
        .map(|id| LesionReport {
            id,
            region: Some(match id {
                1 => "GTV_".repeat(60),
                2 => "骨转移病灶".repeat(20),
                _ => "a\u{1b}[31mred\u{7}".into(),
            }),
            location: Some("proximal-metaphysis".into()),
            review: Some(RemarkReport {
                decision: Some(Decision::Accepted),
                comment: "seen on the MRI too; ".repeat(12),
            }),
            ..lesion.clone()
        })
        .collect();
    bone.slices.iter_mut().enumerate().for_each(|(n, slice)| slice.flagged = slice.measured && n % 3 == 0);
    bone.warnings.push(Sentence::english_only("word ".repeat(300)));
    report.review = Some(ReviewReport {
        reviewer: "Dr Éléonore de La Rochefoucauld-Montmorency ".repeat(4),
        date: "2026-11-24T20:00:00Z".into(),
        tool: report.tool.clone(),
        notes: vec![Sentence::english_only("n".repeat(300))],
    });
    report
}

#[test]
fn no_line_of_the_summary_is_wider_than_a_terminal_whatever_is_in_it() {
    for language in [EN, Language::Fr] {
        let text = summary(&unwieldy(), language);
        for line in text.lines() {
            assert!(unicode_width::UnicodeWidthStr::width(line) <= 80, "{line}");
        }
        assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "what commands a terminal is left out");
        let flowing = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            flowing.contains(language.pick("26 lesions more in the report", "26 lésions de plus dans le rapport")),
            "{text}"
        );
        assert!(
            flowing.contains(language.pick(" more. Lesion 1", " de plus. Lésion 1")),
            "not every stretch of flags is told: {text}"
        );
    }
}

#[test]
fn a_terminal_shows_the_same_words_with_colour_added() {
    for (report, language) in [(fixture::bone().report(), EN), (unwieldy(), Language::Fr)] {
        let (plain, styled) = (summary(&report, language), summary_for_terminal(&report, language));
        assert!(!plain.contains('\u{1b}') && styled.contains('\u{1b}'));
        assert_eq!(anstream::adapter::strip_str(&styled).to_string(), plain);
        assert!(!plain.chars().any(|c| ('\u{e000}'..='\u{f8ff}').contains(&c)), "no mark is left");
    }
}

#[test]
fn the_headline_comes_first() {
    let text = summary(&fixture::bone().report(), EN);
    let lines: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("LEFT FEMUR")).collect();
    assert_eq!(lines[1], "  Recommendation: Depends on the patient’s pain.", "{text}");
}

fn pages(file: &[u8]) -> usize {
    let text = String::from_utf8_lossy(file);
    text.matches("/Type /Page\n").count()
}

#[test]
fn the_pdf_has_two_pages_and_more_only_where_two_do_not_hold_it() {
    let bone = fixture::bone();
    for language in [EN, Language::Fr] {
        let file = pdf(&bone.report(), &[bone.figures(0)], language).expect("a PDF");
        assert!(file.starts_with(b"%PDF-1.7") && file.len() < 1_000_000, "{}", file.len());
        assert_eq!(pages(&file), 2);
        assert!(file == pdf(&bone.report(), &[bone.figures(0)], language).expect("a PDF"), "the same bytes");
        assert!(!String::from_utf8_lossy(&file).contains("Date"), "no day");
        let long = pdf(&unwieldy(), &[bone.figures(0)], language).expect("a PDF");
        assert!(pages(&long) > 2, "{}", pages(&long));
    }
    let mut nothing = bone.report();
    nothing.bones.clear();
    assert_eq!(pages(&pdf(&nothing, &[], EN).expect("a PDF")), 2);
    // Figures of a bone that the report does not have are left out.
    pdf(&nothing, &[bone.figures(7)], EN).expect("a PDF");
}

#[test]
fn the_page_tells_what_a_reviewer_said() {
    let page = page(&unwieldy(), &[], EN);
    assert!(page.contains("Reviewed by Dr Éléonore") && page.contains("Confirmed by the reviewer (seen on the MRI"));
    assert!(!super::page(&fixture::bone().report(), &[], EN).contains("id=\"review\""));
}

#[test]
fn everything_is_written_and_other_files_are_kept() {
    let bone = fixture::bone();
    let place = tempfile::tempdir().expect("a temporary folder");
    let dir = place.path().join("deep/out");
    fs::create_dir_all(dir.join("figures")).expect("made");
    fs::write(dir.join("notes.txt"), "mine").expect("written");
    fs::write(dir.join("report.json"), "old").expect("written");
    let old = ["femur-right-map.svg", "femur-left-2-slice-0003.svg", "femur-left-notes.svg"]
        .map(|name| dir.join("figures").join(name));
    old.iter().for_each(|path| fs::write(path, "old").expect("written"));
    write_all(&dir, &bone.report(), &[bone.figures(0)], EN).expect("written");
    assert_eq!(
        old.map(|path| path.exists()),
        [false, false, true],
        "pictures of an earlier report go, other files stay"
    );
    for name in [
        "report.json",
        "slices.csv",
        "bones.csv",
        "report.html",
        "figures/femur-left-map.svg",
        "figures/femur-left-profile.svg",
    ] {
        assert!(fs::metadata(dir.join(name)).expect(name).len() > 200, "{name}");
    }
    assert_eq!(fs::read_to_string(dir.join("notes.txt")).expect("kept"), "mine");
    let beside: Vec<_> =
        fs::read_dir(dir.parent().expect("parent")).expect("listed").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(beside, ["out"], "no temporary folder is left");

    let first = fs::read(dir.join("report.html")).expect("read");
    write_all(&dir, &bone.report(), &[bone.figures(0)], EN).expect("written again");
    assert!(first == fs::read(dir.join("report.html")).expect("read"), "the same input gives the same bytes");
}

#[test]
fn a_failure_leaves_the_old_report_whole_and_names_the_path() {
    let bone = fixture::bone();
    let place = tempfile::tempdir().expect("a temporary folder");
    let file = place.path().join("file");
    fs::write(&file, "x").expect("written");
    let error = write_all(&file, &bone.report(), &[], EN).expect_err("a file is no folder");
    assert!(error.to_string().contains("file") && error.hint().contains("-o"), "{error}");
    let error = write_all(&file.join("below"), &bone.report(), &[], EN).expect_err("below a file");
    assert!(error.to_string().contains("below") && error.hint().contains("-o"), "{error}");

    let dir = place.path().join("out");
    fs::create_dir_all(dir.join("slices.csv")).expect("made");
    fs::write(dir.join("bones.csv"), "old").expect("written");
    write_all(&dir, &bone.report(), &[], EN).expect_err("slices.csv is a folder");
    assert_eq!(fs::read_to_string(dir.join("bones.csv")).expect("kept"), "old");
    assert!(!dir.join("report.json").exists());
}

/// Writes the example into the folder of `REPORT_EXAMPLE`, to be looked at in a browser.
#[test]
#[ignore = "writes files to look at"]
fn example() {
    let dir = std::env::var_os("REPORT_EXAMPLE").expect("REPORT_EXAMPLE names a folder");
    let bone = fixture::bone();
    write_all(Path::new(&dir), &bone.report(), &[bone.figures(0)], EN).expect("written");
    print!("{}", summary(&bone.report(), EN));
}
