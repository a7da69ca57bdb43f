//! Parse, dispatch, print, exit status: everything else is in the library.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    corticalysis::cli::main()
}
