//! `corticalysis completions` and `corticalysis man`: what a shell and a manual want to know of the command line.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use clap::builder::{PossibleValue, TypedValueParser};
use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use super::Cli;
use super::exit_status::ExitError;
use super::run_analysis::output_error;
use crate::report::write_files;
use crate::words::{BadValue, parse_word};

pub(super) const COMPLETIONS_HELP: &str = "\
Examples:
  source <(corticalysis completions bash)            (this shell only)
  corticalysis completions bash > ~/.local/share/bash-completion/completions/corticalysis
  corticalysis completions zsh > ~/.zfunc/_corticalysis      (~/.zfunc in fpath before compinit)
  corticalysis completions fish > ~/.config/fish/completions/corticalysis.fish

Exit status:
  0  printed
  2  the command line is wrong";

pub(super) const MAN_HELP: &str = "\
Examples:
  corticalysis man | man -l -
  corticalysis man analyze | man -l -
  corticalysis man -o ~/.local/share/man/man1

Exit status:
  0  printed or written
  1  something else failed
  2  the command line is wrong, or names an output that cannot be written";

const SHELLS: &[(&str, Shell)] = &[
    ("bash", Shell::Bash),
    ("zsh", Shell::Zsh),
    ("fish", Shell::Fish),
    ("powershell", Shell::PowerShell),
    ("elvish", Shell::Elvish),
];

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// bash, zsh, fish, powershell or elvish
    #[arg(value_name = "SHELL", value_parser = Listed::new(shell, SHELLS), hide_possible_values = true)]
    shell: Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// The page of this subcommand; without it the page of the program
    #[arg(value_name = "COMMAND", conflicts_with = "output", value_parser = subcommand)]
    command: Option<String>,
    /// Write all pages into this folder, made if needed: corticalysis.1 and corticalysis-COMMAND.1
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

fn shell(given: &str) -> Result<Shell, BadValue> {
    parse_word("a shell", given, SHELLS)
}

fn subcommand(given: &str) -> Result<String, BadValue> {
    let program = Cli::command();
    let names: Vec<(&str, &str)> =
        program.get_subcommands().map(|command| (command.get_name(), command.get_name())).collect();
    parse_word("a subcommand", given, &names).map(str::to_owned)
}

/// Prints the script of the shell on `out`.
pub fn completions(args: &CompletionsArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut command = Cli::command();
    let name = command.get_name().to_owned();
    // The generator ends the program where it cannot write: not on a closed pipe.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    out.write_all(&script).context("standard output")
}

/// Prints one page on `out`, or writes all of them.
pub fn man(args: &ManArgs, out: &mut dyn Write) -> anyhow::Result<()> {
    let pages = pages()?;
    match &args.output {
        Some(dir) => write_files(dir, &pages, "corticalysis.1", || Ok(())).map_err(output_error),
        None => {
            let name =
                args.command.as_ref().map_or_else(|| "corticalysis.1".into(), |of| format!("corticalysis-{of}.1"));
            let page = pages.get(&name).ok_or_else(|| ExitError::usage(anyhow::anyhow!("there is no page {name}")))?;
            out.write_all(page).context("standard output")
        }
    }
}

/// Every page by the name of its file.
fn pages() -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut program = Cli::command().disable_help_subcommand(true);
    program.build();
    let subcommands: Vec<Command> = program.get_subcommands().cloned().collect();
    let mut pages = BTreeMap::new();
    for command in subcommands.into_iter().chain([program]) {
        let man = Man::new(command).manual("corticalysis");
        let mut page = Vec::new();
        man.render(&mut page)?;
        pages.insert(man.get_filename(), page);
    }
    Ok(pages)
}

/// Reads a value as `parser` does, and tells shells which words there are. Help has them in its own sentences.
#[derive(Clone)]
pub(super) struct Listed<T> {
    parser: fn(&str) -> Result<T, BadValue>,
    words: Vec<&'static str>,
}

impl<T> Listed<T> {
    /// The words of a vocabulary, as [`parse_word`] takes it.
    pub fn new<M>(parser: fn(&str) -> Result<T, BadValue>, vocabulary: &[(&'static str, M)]) -> Self {
        Self { parser, words: vocabulary.iter().map(|(word, _)| *word).collect() }
    }
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Listed<T> {
    type Value = T;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<T, clap::Error> {
        self.parser.parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.words.iter().map(PossibleValue::new)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::error::ErrorKind;

    #[test]
    fn every_subcommand_has_a_page() {
        let pages = pages().unwrap();
        let commands: Vec<String> =
            Cli::command().get_subcommands().map(|c| format!("corticalysis-{}.1", c.get_name())).collect();
        assert!(commands.len() > 8);
        for name in commands.iter().map(String::as_str).chain(["corticalysis.1"]) {
            assert!(pages[name].len() > 400, "{name}");
        }
        assert_eq!(pages.len(), commands.len() + 1);
    }

    /// What a shell offers is accepted, or it would be a trap.
    #[test]
    fn every_word_that_is_offered_is_read() {
        let mut program = Cli::command();
        program.build();
        let mut offered = 0;
        for command in program.get_subcommands() {
            for argument in command.get_arguments() {
                for value in argument.get_possible_values() {
                    offered += 1;
                    let (name, option) = (command.get_name(), argument.get_long().map(|long| format!("--{long}")));
                    let line = ["corticalysis", name].into_iter().chain(option.as_deref()).chain([value.get_name()]);
                    // Other arguments are missing, which is refused only after what is there was read.
                    let refused = Cli::command().try_get_matches_from(line).err().map(|error| error.kind());
                    let unread = [Some(ErrorKind::ValueValidation), Some(ErrorKind::InvalidValue)].contains(&refused);
                    assert!(!unread, "{name} {argument} {}", value.get_name());
                }
            }
        }
        assert!(offered > 40, "{offered}");
    }
}
