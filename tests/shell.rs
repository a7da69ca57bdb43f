//! Completion scripts in the shells themselves, manual pages in groff. What is not installed is said and left out.

mod support;

use std::path::Path;
use std::process::{Command, Stdio};
use support::program::corticalysis;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Standard output of a program that must succeed without a word on standard error; `None` where it is not installed.
fn silent(program: &str, args: &[&str], input: &str) -> Option<String> {
    use std::io::Write;
    let mut child = match Command::new(program)
        .args(args)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
    {
        Ok(child) => child,
        Err(_) => {
            println!("SKIPPED: {program} is not installed");
            return None;
        }
    };
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_owned();
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("written");
    assert!(output.status.success() && output.stderr.is_empty(), "{program} {args:?}: {}", text(&output.stderr));
    Some(text(&output.stdout))
}

fn printed(args: &[&str]) -> String {
    let run = corticalysis(args);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{args:?}");
    run.stdout
}

/// What bash offers for the last of these words.
fn bash_offers(script: &Path, words: &[&str]) -> Vec<String> {
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let (last, before) = (words[words.len() - 1], words[words.len() - 2]);
    let line = format!(
        "source '{}'; COMP_WORDS=({}); COMP_CWORD={}; _corticalysis corticalysis '{last}' '{before}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        script.display(),
        quoted.join(" "),
        words.len() - 1
    );
    let output = Command::new("bash").args(["--norc", "-c", &line]).output().expect("bash starts");
    assert!(output.stderr.is_empty(), "{}", text(&output.stderr));
    text(&output.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_subcommands_options_and_words() {
    let script = printed(&["completions", "bash"]);
    if silent("bash", &["-n"], &script).is_none() {
        return;
    }
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = dir.path().join("corticalysis.bash");
    std::fs::write(&file, &script).expect("written");
    assert_eq!(bash_offers(&file, &["corticalysis", "ana"]), ["analyze"]);
    assert_eq!(bash_offers(&file, &["corticalysis", "analyze", "--id"]), ["--identify"]);
    assert_eq!(bash_offers(&file, &["corticalysis", "analyze", "--side", ""]), ["left", "right"]);
    assert_eq!(bash_offers(&file, &["corticalysis", "mirels", "--pain", "m"]), ["mild", "moderate"]);
    assert!(bash_offers(&file, &["corticalysis", "rules", "van"]).contains(&"van-der-linden".to_owned()));
}

#[test]
fn the_other_shells_read_their_scripts() {
    let zsh = printed(&["completions", "ZSH"]);
    assert!(zsh.starts_with("#compdef corticalysis"));
    silent("zsh", &["-n"], &zsh);
    let fish = printed(&["completions", "fish"]);
    silent("fish", &["--no-execute"], &fish);
    let dir = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(dir.path().join("corticalysis.fish"), &fish).expect("written");
    let line =
        format!("source '{}/corticalysis.fish'; complete -C 'corticalysis analyze --bone f'", dir.path().display());
    if let Some(offered) = silent("fish", &["--no-config", "-c", &line], "") {
        let words: Vec<&str> = offered.lines().filter_map(|line| line.split('\t').next()).collect();
        assert_eq!(words, ["femur", "fibula"]);
    }
    assert!(printed(&["completions", "powershell"]).contains("Register-ArgumentCompleter"));
    assert!(printed(&["completions", "elvish"]).contains("edit:completion"));
}

#[test]
fn manual_pages_are_set_without_a_warning() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let folder = dir.path().join("man1");
    printed(&["man", "-o", folder.to_str().expect("UTF-8")]);
    let mut pages: Vec<_> = std::fs::read_dir(&folder).expect("written").flatten().map(|entry| entry.path()).collect();
    pages.sort();
    let names: Vec<_> = pages.iter().filter_map(|page| page.file_name()?.to_str()).collect();
    for name in ["corticalysis.1", "corticalysis-analyze.1", "corticalysis-mirels.1", "corticalysis-man.1"] {
        assert!(names.contains(&name), "{name} of {names:?}");
    }
    for page in &pages {
        let path = page.to_str().expect("UTF-8");
        // -k: the pages are UTF-8.
        let Some(set) = silent("groff", &["-k", "-man", "-ww", "-Tutf8", "-P-cbou", path], "") else { return };
        let said = set.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("SYNOPSIS") && said.contains("corticalysis"), "{path}");
        assert!(said.contains("Exit status") || path.ends_with("series.1"), "{path}");
    }
    let analyze = printed(&["man", "analyze"]);
    assert_eq!(analyze, std::fs::read_to_string(folder.join("corticalysis-analyze.1")).expect("written"));
    // Set by `man` itself, with its warnings.
    if let Some(set) = silent("man", &["--warnings", "-l", "-"], &analyze) {
        assert!(set.contains("--reference") && set.contains("corticalysis"), "{set}");
    }
    assert!(printed(&["man"]).contains("corticalysis\\-analyze(1)"));
}

#[test]
fn unknown_shells_and_pages_are_refused_by_name() {
    for (args, parts) in [
        (
            ["completions", "bsah"],
            ["'bsah' is not a shell", "did you mean 'bash'? Accepted: bash, zsh, fish, powershell, elvish"],
        ),
        (["man", "analyse"], ["'analyse' is not a subcommand", "did you mean 'analyze'?"]),
    ] {
        let run = corticalysis(args);
        assert_eq!(run.status, 2, "{args:?}");
        for part in parts {
            assert!(run.stderr.contains(part), "{args:?}: {}", run.stderr);
        }
    }
    let file = tempfile::NamedTempFile::new().expect("a file");
    let run = corticalysis(["man".as_ref(), "-o".as_ref(), file.path().as_os_str()]);
    assert_eq!(run.status, 2, "{}", run.stderr);
}

/// Standard output of `analyze` on a pseudo-terminal, with these variables set.
fn on_a_terminal(variables: &[(&str, &str)]) -> Option<String> {
    let program = assert_cmd::cargo::cargo_bin!("corticalysis");
    let series = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/defect");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let line = format!("'{}' analyze '{}' -o '{}'", program.display(), series.display(), folder.path().display());
    let mut script = Command::new("script");
    script.args(["-qec", &line, "/dev/null"]).stdin(Stdio::null());
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI"] {
        script.env_remove(name);
    }
    script.env("TERM", "xterm-256color").envs(variables.iter().copied());
    let Ok(output) = script.output() else {
        println!("SKIPPED: script is not installed");
        return None;
    };
    assert!(output.status.success(), "{}", text(&output.stdout));
    // Of the last line on; before it stands the progress, which is drawn in escape sequences too.
    let shown = text(&output.stdout).replace('\r', "");
    Some(shown.split_once("LEFT FEMUR").map(|(_, after)| after.to_owned()).expect("the summary"))
}

#[test]
fn colour_is_for_terminals_and_for_those_who_want_it() {
    let Some(coloured) = on_a_terminal(&[]) else { return };
    assert!(coloured.contains("\u{1b}["), "{coloured}");
    for variables in [("NO_COLOR", "1"), ("CLICOLOR", "0"), ("TERM", "dumb")] {
        let plain = on_a_terminal(&[variables]).expect("as before");
        assert!(!plain.contains('\u{1b}'), "{variables:?}: {plain}");
    }
    let series = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/defect");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let piped = corticalysis(["analyze".as_ref(), series.as_os_str(), "-o".as_ref(), folder.path().as_os_str()]);
    assert!(piped.stdout.contains("LEFT FEMUR") && !piped.stdout.contains('\u{1b}'), "{}", piped.stdout);
}
