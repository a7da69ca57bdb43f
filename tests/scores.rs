//! The commands of the recommendation's tables: `rades`, `eqd2` and `rules`, and the tables themselves where their text is at
//! hand.

mod support;

use serde_json::{Value, json};
use support::program::{Run, corticalysis};

/// Runs a line whose arguments stand between bars: some have blanks.
fn run(line: &str) -> Run {
    corticalysis(line.split('|').map(str::trim))
}

/// Standard output without its line breaks.
fn flat(run: &Run) -> String {
    run.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn says(line: &str, parts: &[&str]) {
    let run = run(line);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{line}");
    for part in parts {
        assert!(flat(&run).contains(part), "{line}\nmissing: {part}\n{}", run.stdout);
    }
    assert!(run.stdout.lines().all(|text| text.chars().count() <= 80), "{line}\n{}", run.stdout);
}

fn refused(line: &str, parts: &[&str]) {
    let run = run(line);
    assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{line}\n{}", run.stderr);
    for part in parts {
        assert!(run.stderr.contains(part), "{line}\nmissing: {part}\n{}", run.stderr);
    }
}

const GOOD: &str = "rades|--primary|breast|--interval|24|--visceral|no|--motor|ambulatory-with-aid|--deficit|10";

#[test]
fn rades_says_total_group_rates_and_the_reserve() {
    says(
        GOOD,
        &[
            "Rades score 40 of 44: group III (38 to 44 points); 98.5 % of such patients could walk after radiotherapy alone.",
            "primary breast 8",
            "time to deficit 8-14-days 7",
            "fort taux de maintien ambulatoire, excellent résultat sans chirurgie",
            "I 10.6 %, II 70.9 %, III 98.5 % (Rades 2011",
            "L'attribution d'un score unique de 5 points au CBNPC est dépassé",
            "Giving a single score of 5 points to non-small-cell lung cancer is outdated",
            "section 1.3, table 4",
            "Research use only",
        ],
    );
    let json = run(&format!("{GOOD}|--json")).json();
    assert_eq!(
        (&json["schema"], &json["total"], &json["group"]),
        (&json!("corticalysis/rades/v1"), &json!(40), &json!("III"))
    );
    assert_eq!(json["ambulatory_after_radiotherapy_percent"], 98.5);
    assert_eq!(json["factors"][3], json!({"factor": "motor_function", "value": "ambulatory-with-aid", "points": 9}));
    assert!(json["caveat"]["original"].as_str().expect("a quote").contains("ces scores sont à revoir"));
}

#[test]
fn rades_of_the_french_table_at_both_ends() {
    says(
        "rades|--primary|Cancer de primitif inconnu|--interval|≤ 15 mois|--visceral|OUI|--motor|Paraplégique|--deficit|1-7 jours",
        &["Rades score 21 of 44: group I (21 to 28 points); 10.6 %", "privilégier l'hypofractionnement"],
    );
    says(
        "rades|--primary|myelome|--interval|> 15 mois|--visceral|non|--motor|Ambulatoire, sans aide|--deficit|> 14 jours",
        &["Rades score 44 of 44: group III"],
    );
}

#[test]
fn rades_refuses_what_is_no_row_and_what_is_no_patient() {
    for (good, bad, parts) in [
        ("breast", "brest", ["--primary", "did you mean 'breast'?", "in French: sein"]),
        ("|24|", "|soon|", ["--interval", "'soon'", "whole number of months"]),
        ("|24|", "|-3|", ["--interval", "'-3'", "whole number of months"]),
        ("|24|", "|10 days|", ["--interval", "'10 days'", "whole number of months"]),
        ("|no|", "|maybe|", ["--visceral", "'maybe'", "yes, no"]),
        ("ambulatory-with-aid", "ambulatory", ["--motor", "'ambulatory'", "paraplegic"]),
        ("|10", "|0", ["--deficit", "'0'", "whole number of days from 1"]),
        ("|10", "|7.5", ["--deficit", "'7.5'", "whole number of days from 1"]),
    ] {
        refused(&GOOD.replacen(good, bad, 1), &parts);
    }
    // A total with a gap is none, and a factor is one thing only.
    let words: Vec<&str> = GOOD.split('|').collect();
    for pair in words[1..].chunks(2) {
        let without: Vec<&str> = words.iter().copied().filter(|word| !pair.contains(word)).collect();
        refused(&without.join("|"), &[pair[0]]);
        refused(&format!("{GOOD}|{}", pair.join("|")), &[pair[0], "multiple times"]);
    }
    refused(&format!("{GOOD}|--motor-function|paraplegic"), &["--motor"]);
    refused(&format!("{GOOD}|--pain|mild"), &["--pain"]);
}

#[test]
fn eqd2_lays_the_four_schedules_side_by_side() {
    says(
        "eqd2",
        &[
            "Gy tumour late effects spinal cord α/β 10 α/β 3 α/β 0.87 BED EQD2 BED EQD2 BED EQD2",
            "30 Gy in 10 39.0 32.5 60.0 36.0 133.4 40.5",
            "24 Gy in 6 33.6 28.0 56.0 33.6 134.3 40.7",
            "20 Gy in 5 28.0 23.3 46.7 28.0 112.0 33.9",
            "8 Gy in 1 14.4 12.0 29.3 17.6 81.6 24.7",
            "for spinal cord (α/β 0.87) 24 Gy in 6 (EQD2 40.7 Gy)",
            "are conventions, not from the recommendation",
            "section 2.1",
        ],
    );
}

#[test]
fn eqd2_sums_courses_and_takes_any_ratio() {
    says(
        "eqd2|30/10+8/1|--alpha-beta|2",
        &["30 Gy in 10 + 8 Gy in 1: EQD2 57.5 Gy for as given (α/β 2).", "30 Gy in 10 + 8 Gy in 1 115.0 57.5"],
    );
    let json = run("eqd2|60 Gy en 30 fractions|37,5/15|--alpha-beta|tardif|--alpha-beta|prostate=1,5|--json").json();
    let tissue = &json["schedules"][0]["tissues"][0];
    assert_eq!((&tissue["tissue"], &tissue["alpha_beta_gy"]), (&json!("late effects"), &json!(3.0)));
    for (name, gy) in [("bed_gy", 100.0), ("eqd2_gy", 60.0)] {
        assert!((tissue[name].as_f64().expect("a dose") - gy).abs() < 1e-9, "{tissue}");
    }
    assert_eq!(
        json["schedules"][1]["courses"],
        json!([{"dose_gy": 37.5, "fractions": 15, "dose_per_fraction_gy": 2.5}])
    );
}

#[test]
fn eqd2_refuses_what_cannot_be_given() {
    for bad in ["30", "0/10", "30/0", "3000/10", "30/2.5", "10x3"] {
        refused(&format!("eqd2|{bad}"), &["SCHEDULE: ", bad, "for example 30/10"]);
    }
    refused("eqd2|30/10|--alpha-beta|0", &["--alpha-beta", "'0'", "tumour, late, cord"]);
    refused("eqd2|--alpha-beta|-3", &["--alpha-beta", "'-3'", "above 0"]);
    refused("eqd2|--alpha-beta|tumor", &["did you mean 'tumour'?"]);
}

#[test]
fn rules_explains_every_rule() {
    says(
        "rules",
        &[
            "GUIDELINE 30/50 [guideline-30-50] Criterion: axial cortical lysis > 30 % and circumferential lysis > 50 %",
            "No study of the criterion as the recommendation words it was found.",
            "MIRELS [mirels]",
            "Femur: sensitivity 67 %, specificity 48 %",
            "Humerus, 8 or more: sensitivity 83.6 %, specificity 79.5 % (radiographs; 188 patients",
            "VAN DER LINDEN [van-der-linden]",
            "sensitivity 86 %, specificity 50 % (radiographs; 100 patients, 14 fractures",
            "TATAR, PLANNING CT [tatar-planning-ct]",
            "71 % fractured with it, 0 % without (planning CT; 47 irradiated lesions, 10 fractures; Tatar 2014)",
            "doi 10.1186/s13014-014-0227-1",
            "STRUCTURAL RIGIDITY [rigidity]",
        ],
    );
    let one = run("rules|Tatar_Planning_CT");
    assert!(one.stdout.starts_with("TATAR, PLANNING CT") && !one.stdout.contains("[mirels]"));
    let json = run("rules|--json").json();
    assert_eq!(json["schema"], "corticalysis/rules/v1");
    assert_eq!(json["rules"].as_array().map(Vec::len), Some(5));
    assert_eq!(json["rules"][2]["accuracy"][0]["sensitivity_percent"], 86.0);
    assert_eq!(json["results"], json!([]));
}

#[test]
fn rules_answers_from_numbers() {
    says(
        "rules|--axial|36|--circumferential|55 %|--mirels|9",
        &[
            "Met: axial cortical lysis > 30 % and circumferential lysis > 50 % in the same axial slice (axial 36 %, threshold > \
             30 %; circumferential 55 %, threshold > 50 %).",
            "Met: Mirels total of 9 or more (total 9, threshold >= 9).",
            "axial extent not given, threshold > 30 mm",
            "through the wall not given",
            "Recommendation [consolidation-candidate]: Mirels score 9; 30/50 criterion met.",
            "corticalysis rules guideline-30-50 mirels van-der-linden tatar-planning-ct",
        ],
    );
    // A threshold inside the interval decides nothing; nor does what was not given.
    says("rules|--axial-extent|28-34|--circumferential|40", &["Indeterminate: axial cortical involvement > 30 mm"]);
    says("rules|--axial-extent|20", &["Indeterminate: axial cortical involvement > 30 mm"]);
    says("rules|--axial-extent|20|--circumferential|50", &["Not met: axial cortical involvement > 30 mm"]);
    says("rules|--axial|20", &["Not met: axial cortical lysis > 30 %"]);
    says(
        "rules|--height|41|--through-the-wall|oui",
        &["Met: circumferential involvement >= 30 %", "through the wall yes"],
    );
    says(
        "rules|--circumferential|55|--site|membre supérieur|--size|0,5|--type|lytique",
        &[
            "total 7 to 9, threshold >= 9; at least 8 for the humerus indeterminate",
            "criterion was not evaluated",
            "[depends-on-pain]",
        ],
    );
    says(
        "rules|--mirels|8|--site|upper-limb",
        &["Not met: Mirels total of 9 or more", "at least 8 for the humerus yes"],
    );
    let json = run("rules|--mirels|8-10|--json").json();
    assert_eq!(json["results"][0]["met"], "indeterminate");
    assert_eq!(json["recommendation"]["category"], "multidisciplinary");
}

#[test]
fn rules_refuses_impossible_numbers() {
    refused("rules|mirel", &["RULE: ", "did you mean 'mirels'?", "tatar-planning-ct"]);
    refused("rules|--axial|130", &["--axial", "'130'", "0 to 100"]);
    refused("rules|--axial|-5", &["--axial", "'-5'", "0 to 100"]);
    refused("rules|--circumferential|34-28", &["--circumferential", "'34-28'"]);
    refused("rules|--height|5000", &["--height", "'5000'", "0 to 1000"]);
    refused("rules|--mirels|3", &["--mirels", "'3'", "4 to 12"]);
    refused("rules|--mirels|9|--pain|mild", &["--mirels", "--pain"]);
    refused("rules|--through-the-wall|perhaps", &["--through-the-wall", "yes, no"]);
}

/// What a report of `analyze` says of a rule is what `rules` says.
#[test]
fn analyze_says_of_the_rules_what_rules_says() {
    let sample = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/defect");
    let report = support::program::analyzed(&sample);
    let table = run("rules|--json").json();
    let table = table["rules"].as_array().expect("rules");
    let mut seen = 0;
    for rule in support::program::bones(&report).iter().flat_map(|bone| bone["rules"].as_array().expect("rules")) {
        let known = table.iter().find(|known| known["name"] == rule["name"]).expect("a rule of the table");
        assert_eq!((&rule["criterion"], &rule["source"]), (&known["criterion"], &known["source"]));
        let notes = rule["notes"].as_array().expect("notes");
        assert!(known["caveats"].as_array().expect("caveats").iter().all(|caveat| notes.contains(caveat)), "{rule}");
        for limit in known["limits"].as_array().expect("limits") {
            let value = &rule["values"][limit["value"].as_str().expect("a name")];
            assert_eq!(
                (&value["threshold"], &value["comparison"]),
                (&limit["threshold"], &limit["comparison"]),
                "{rule}"
            );
        }
        seen += 1;
    }
    assert!(seen >= 4, "{seen}");
}

/// Tables 3 and 4 as the recommendation prints them, read from its text where that is at hand: every label is a word that the
/// commands take, worth the points beside it.
#[test]
fn tables_of_the_recommendation_word_for_word() {
    let Some(text) = recommendation() else { return };
    let options = ["--primary", "--interval", "--visceral", "--motor", "--deficit"];
    let headings =
        ["Type de primitif", "Intervalle entre", "Métastases viscérales", "Fonction motrice", "Délai de survenue"];
    let (mut option, mut rows) = (None, 0);
    let table =
        text.split_once("\tScore\t\n").and_then(|(_, rest)| rest.split_once("21-28 points")).expect("table 4").0;
    for line in table.lines() {
        let cells: Vec<&str> = line.split('\t').map(str::trim).filter(|cell| !cell.is_empty()).collect();
        if let Some(found) = headings.iter().position(|heading| line.starts_with(heading)) {
            option = Some(options[found]);
        }
        let [.., label, points] = cells[..] else { panic!("{line}") };
        let option = option.expect("a heading first");
        let words: Vec<&str> = GOOD.split('|').collect();
        let at = words.iter().position(|word| *word == option).expect("an option") + 1;
        let mut words = words;
        words[at] = label;
        let json = run(&format!("{}|--json", words.join("|"))).json();
        let factor = options.iter().position(|known| *known == option).expect("an option");
        assert_eq!(json["factors"][factor]["points"], points.parse::<u64>().expect("points"), "{label}");
        rows += 1;
    }
    assert_eq!(rows, 9 + 2 + 2 + 4 + 3);

    let columns = [("--site", "site"), ("--size", "size"), ("--type", "type"), ("--pain", "pain")];
    for points in 1..=3_u64 {
        let line = text.lines().find(|line| line.starts_with(&format!("{points}\t"))).expect("a row of table 3");
        for ((option, item), cell) in columns.iter().zip(line.split('\t').skip(1)) {
            let json: Value = run(&format!("mirels|{option}|{}|--json", cell.replace('$', ""))).json();
            assert_eq!(json["mirels"][item]["points"], points, "{cell}");
        }
    }

    // What is quoted as the recommendation's own stands in it.
    let plain: String = text.replace(['*', '$'], "").split_whitespace().collect::<Vec<_>>().join(" ");
    let caveat = run(&format!("{GOOD}|--json")).json();
    let quote = caveat["caveat"]["original"].as_str().expect("a quote").trim_end_matches('.').to_owned();
    assert!(plain.contains(&quote), "{quote}");
    let group = caveat["quote"]["original"].as_str().expect("a quote");
    assert!(plain.contains(group), "{group}");
    assert!(plain.contains("(\\alpha/\\beta=0,87)"));
}

/// The text beside the repository, if it is there.
fn recommendation() -> Option<String> {
    let beside = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/recommendation.txt");
    let text = std::fs::read_to_string(beside).ok();
    if text.is_none() {
        println!("skipped: the recommendation's text is not present");
    }
    text
}
