//! The command line as a user meets it.

use std::process::{Command, Output, Stdio};

use assert_cmd::cargo::cargo_bin;

fn corticalysis(line: &str) -> Output {
    Command::new(cargo_bin!("corticalysis")).args(line.split_whitespace()).output().expect("the program starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("standard output is UTF-8")
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
    for part in
        ["series", "analyze", "mirels", "evaluate", "phantom", "millimetres", "Exit status", "Research use only"]
    {
        assert!(stdout(&output).contains(part), "{part}");
    }
    for (command, parts) in [
        ("series --help", vec!["Example:", "PATH"]),
        (
            "analyze --help",
            vec!["Examples:", "Units:", "Exit status:", "--depth", "--reference", "0.05 to 0.95", "--mask", "--roi"],
        ),
        ("mirels --help", vec!["Example:", "Exit status:", "trochanteric (3)"]),
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
    let text = stdout(&output);
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
    assert!(!text.contains("humerus"));
}

#[test]
fn mirels_without_pain_answers_for_each_level() {
    let text = stdout(&corticalysis("mirels --site lower-limb --size <1/3 --type lytic"));
    for part in [
        "Mirels score 7 to 9 of 12",
        "pain not given (1 to 3)",
        "mild pain: total 7, class 7 or less: observation, radiotherapy [observation-or-radiotherapy]",
        "moderate pain: total 8, class 8: multidisciplinary decision [multidisciplinary]",
        "functional pain: total 9, class 9 or more: prophylactic fixation [fixation-by-mirels]",
    ] {
        assert!(text.contains(part), "missing: {part}\n{text}");
    }
}

#[test]
fn mirels_of_the_arm_tells_the_cutoff_of_the_humerus() {
    let text = stdout(&corticalysis("mirels --site upper-limb --size 0.5 --type lytic --pain moderate"));
    assert!(text.contains("Total of 8 or more: yes. In the humerus"), "{text}");
    assert!(text.contains("sensitivity 84 % and specificity 80 %"), "{text}");
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
    refused("mirels --site lower-limb --size 0.5", &["--type"]);
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
