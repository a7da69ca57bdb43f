//! The command line as a user meets it.

use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::cargo_bin;

fn corticalysis(line: &str) -> Output {
    Command::new(cargo_bin!("corticalysis")).args(line.split_whitespace()).output().expect("the program starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("standard output is UTF-8")
}

/// Standard output without its line breaks: where a line is wrapped is not what is tested.
fn flat(output: &Output) -> String {
    stdout(output).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("standard error is UTF-8")
}

/// Exit status 2, nothing on standard output, and every part on standard error.
fn refused(line: &str, parts: &[&str]) {
    let output = corticalysis(line);
    let message = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{line}\n{message}");
    assert!(message.starts_with("error: "), "{line}\n{message}");
    assert!(output.stdout.is_empty(), "{line}");
    for part in parts {
        assert!(message.contains(part), "{line}\nmissing: {part}\n{message}");
    }
}

#[test]
fn help_teaches() {
    let output = corticalysis("--help");
    assert!(output.status.success());
    for part in [
        "series",
        "analyze",
        "mirels",
        "rades",
        "eqd2",
        "rules",
        "evaluate",
        "phantom",
        "millimetres",
        "Exit status",
        "Research use only",
    ] {
        assert!(stdout(&output).contains(part), "{part}");
    }
    for (command, parts) in [
        ("series --help", vec!["Example:", "PATH"]),
        (
            "analyze --help",
            vec!["Examples:", "Units:", "Exit status:", "--depth", "--reference", "0.05 to 0.95", "--mask", "--roi"],
        ),
        ("mirels --help", vec!["Examples:", "Exit status:", "trochanteric (3)", "French"]),
        ("rades --help", vec!["Examples:", "Exit status:", "myeloma-lymphoma 9", "21 to 28", "French"]),
        ("eqd2 --help", vec!["Examples:", "Exit status:", "EQD2 = D (d + α/β) / (2 + α/β)", "0.87"]),
        ("rules --help", vec!["Examples:", "Exit status:", "Units:", "guideline-30-50"]),
    ] {
        let output = corticalysis(command);
        assert!(output.status.success(), "{command}");
        for part in parts {
            assert!(stdout(&output).contains(part), "{command}: {part}");
        }
    }
}

#[test]
fn version_is_on_standard_output() {
    let output = corticalysis("--version");
    assert!(output.status.success());
    assert!(stdout(&output).starts_with("corticalysis "));
}

#[test]
fn mirels_says_total_class_and_quote() {
    let output = corticalysis("mirels --site lower-limb --size 0.5 --type lytic --pain moderate");
    let text = flat(&output);
    assert!(output.status.success());
    assert!(output.stderr.is_empty());
    for part in [
        "Mirels score 9 of 12: site 2 (lower-limb), size 2 (one-to-two-thirds), type 3 (lytic), pain 2 (moderate).",
        "class 9 or more: prophylactic fixation [fixation-by-mirels]",
        "la chirurgie prophylactique première",
        "In English: \"prophylactic surgery first",
        "section 1.2",
        "Research use only",
    ] {
        assert!(text.contains(part), "missing: {part}\n{text}");
    }
    assert!(!text.contains("umerus"));
    assert!(text.contains("Published fracture rate: total 9, 33 %. These are the rates of Mirels' model"), "{text}");
}

#[test]
fn mirels_without_pain_answers_for_each_level() {
    let text = flat(&corticalysis("mirels --site lower-limb --size <1/3 --type lytic"));
    for part in [
        "Mirels score 7 to 9 of 12",
        "pain not given (1 to 3)",
        "total up to 7, 0 to 4 %; total 8, 15 %; total 9, 33 %",
        "mild pain: total 7, class 7 or less: observation, radiotherapy [observation-or-radiotherapy]",
        "moderate pain: total 8, class 8: multidisciplinary decision [multidisciplinary]",
        "functional pain: total 9, class 9 or more: prophylactic fixation [fixation-by-mirels]",
    ] {
        assert!(text.contains(part), "missing: {part}\n{text}");
    }
}

#[test]
fn mirels_of_the_arm_tells_the_cutoff_of_the_humerus() {
    let text = flat(&corticalysis("mirels --site upper-limb --size 0.5 --type lytic --pain moderate"));
    assert!(text.contains("Total of 8 or more, the cut-off of the humerus: yes. Humerus, 8 or more:"), "{text}");
    assert!(text.contains("sensitivity 83.6 %, specificity 79.5 %"), "{text}");
}

#[test]
fn mirels_in_french_is_the_same_score() {
    let english = corticalysis("mirels --site trochanteric --size 0.5 --type mixed --pain functional");
    let french = corticalysis("mirels --site Région-Trochantérienne --size 0,5 --type MIXTE --pain handicapante");
    assert_eq!(stdout(&english), stdout(&french));
    assert!(french.status.success());
}

#[test]
fn mirels_says_what_every_unknown_item_would_make_of_the_total() {
    let text = flat(&corticalysis("mirels --site lower-limb --type lytic --pain mild"));
    for part in [
        "size not given (1 to 3)",
        "size less-than-one-third: total 7, class 7 or less: observation, radiotherapy [observation-or-radiotherapy]",
        "size one-to-two-thirds: total 8, class 8: multidisciplinary decision [multidisciplinary]",
        "size more-than-two-thirds: total 9, class 9 or more: prophylactic fixation [fixation-by-mirels]",
    ] {
        assert!(text.contains(part), "missing: {part}\n{text}");
    }
    let text = flat(&corticalysis("mirels --type lytic --pain functional"));
    for part in [
        "Mirels score 8 to 12 of 12",
        "total 8 to 12, class open [multidisciplinary]",
        "site upper-limb: total 8 to 10, class open [multidisciplinary]",
        "size more-than-two-thirds: total 10 to 12, class 9 or more: prophylactic fixation [fixation-by-mirels]",
        "total 11, no confirmed figure; total 12, 100 %",
    ] {
        assert!(text.contains(part), "missing: {part}\n{text}");
    }
}

#[test]
fn mirels_as_json() {
    let output = corticalysis("mirels --site trochanteric --size >2/3 --type lytic --json");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON and nothing else");
    assert_eq!(json["schema"], "corticalysis/mirels/v1");
    assert_eq!(
        json["mirels"]["site"],
        serde_json::json!({"points": 3, "value": "trochanteric", "basis": "given",
        "points_range": [3, 3], "readings": ["trochanteric"]})
    );
    assert_eq!(json["mirels"]["total"], serde_json::Value::Null);
    assert_eq!(json["mirels"]["range"], serde_json::json!([10, 12]));
    assert_eq!(json["mirels"]["by_pain"]["functional"], serde_json::json!([12, 12]));
    assert_eq!(json["class"], "prophylactic-fixation");
    assert_eq!(json["recommendation"]["category"], "fixation-by-mirels");
    assert_eq!(json["open_items"][0]["item"], "pain");
    assert_eq!(json["open_items"][0]["levels"][1]["range"], serde_json::json!([11, 11]));
    assert_eq!(
        json["fracture_rates"],
        serde_json::json!([
            {"total": 10, "percent": [72.0, 72.0], "column": "modelled"},
            {"total": 11, "percent": null, "column": "modelled"},
            {"total": 12, "percent": [100.0, 100.0], "column": "modelled"}
        ])
    );
    assert!(json["sentence"].as_str().expect("a sentence").starts_with("Mirels score 10 to 12 of 12: site 3"));
    assert!(json["disclaimer"].as_str().expect("a sentence").contains("Not a medical device"));
}

#[test]
fn bad_values_are_refused_by_name_with_what_is_accepted() {
    refused("mirels --site leg --size 0.5 --type lytic", &["--site", "'leg'", "hint: ", "upper-limb, lower-limb"]);
    refused("mirels --site lower-limb --size 50 --type lytic", &["--size", "'50'", "a fraction from 0 to 1"]);
    refused("mirels --site lower-limb --size -1 --type lytic", &["--size", "'-1'", "a fraction from 0 to 1"]);
    refused("mirels --site lower-limb --size 0.5 --type lytik", &["--type", "did you mean 'lytic'?", "blastic"]);
    refused("analyze ct -o out --bone femru", &["--bone", "'femru'", "did you mean 'femur'?", "tibia", "ulna"]);
    refused("analyze ct -o out --side lft", &["--side", "'lft'", "did you mean 'left'?", "right"]);
    refused("analyze ct -o out --pain severe", &["--pain", "'severe'", "mild, moderate, functional"]);
    refused("analyze ct -o out --reference other", &["--reference", "'other'", "auto, contralateral, ipsilateral"]);
    refused("analyze ct -o out --depth 30", &["--depth", "'30'", "0.05 to 0.95"]);
    refused("analyze ct -o out --seed -1,2", &["--seed", "'-1,2'", "X,Y,Z"]);
    refused("analyze ct -o out --threads 0", &["--threads", "'0'", "a whole number from 1"]);
    refused("analyze ct -o out --series abc", &["--series", "'abc'", "digits and dots"]);
}

#[test]
fn missing_and_unknown_words_are_refused() {
    refused("analyze ct", &["--output"]);
    refused("analyze -o out", &["PATH"]);
    refused("mirels", &["--site", "--size", "--type", "--pain"]);
    refused("analyse ct -o out", &["analyse", "analyze"]);
    refused("analyze ct -o out --sied left", &["--sied", "--side"]);
}

#[test]
fn a_closed_pipe_is_not_a_failure() {
    let mut child = Command::new(cargo_bin!("corticalysis"))
        .args(["mirels", "--site", "lower-limb", "--size", "0.5", "--type", "lytic"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // The reading end is closed before (or while) the program writes; both ways it must end in silence.
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stderr(&output), "");
}
