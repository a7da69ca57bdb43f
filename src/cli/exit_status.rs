//! Exit statuses, and the error that carries one to the end of the program.
//!
//! | status | meaning |
//! |---|---|
//! | 0 | analysed, whatever was found |
//! | 1 | something else failed, for example the report could not be written |
//! | 2 | the command line is wrong |
//! | 3 | the input cannot be used |
//! | 4 | the series is sound but holds no long bone that can be measured |
//!
//! The library knows nothing of exit statuses: a command attaches one where it calls the library, with
//! [`OrExit::or_input_unusable`] or [`OrExit::or_no_long_bone`].

use std::error::Error;
use std::fmt;

/// Analysed, whatever was found.
pub const ANALYSED: u8 = 0;
/// A failure that is neither the command line's nor the input's.
pub const OTHER_FAILURE: u8 = 1;
/// The command line is wrong.
pub const USAGE: u8 = 2;
/// The input cannot be used.
pub const INPUT_UNUSABLE: u8 = 3;
/// The series is sound but holds no long bone that can be measured.
pub const NO_LONG_BONE: u8 = 4;

/// An error with the exit status it leads to and, possibly, what to do next.
///
/// It prints as the error it wraps, so it does not add a line to the message.
#[derive(Debug)]
pub struct ExitError {
    status: u8,
    cause: anyhow::Error,
    hint: Option<String>,
}

impl ExitError {
    /// The input cannot be used: the cause says which file or series, and why.
    pub fn input_unusable(cause: impl Into<anyhow::Error>) -> Self {
        Self { status: INPUT_UNUSABLE, cause: cause.into(), hint: None }
    }

    /// The series is sound but holds no long bone that can be measured.
    pub fn no_long_bone(cause: impl Into<anyhow::Error>) -> Self {
        Self { status: NO_LONG_BONE, cause: cause.into(), hint: None }
    }

    /// The command line asks for something that cannot be, for example an output folder that cannot be written.
    pub fn usage(cause: impl Into<anyhow::Error>) -> Self {
        Self { status: USAGE, cause: cause.into(), hint: None }
    }

    /// Adds what to do next.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// What to do next.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for ExitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl Error for ExitError {
    // The wrapped error stands for this one, so the chain goes on with what lies below it.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.source()
    }
}

/// Attaches an exit status to a library error where the library is called.
pub trait OrExit<T> {
    /// Exit status 3.
    fn or_input_unusable(self) -> Result<T, ExitError>;

    /// Exit status 4.
    fn or_no_long_bone(self) -> Result<T, ExitError>;
}

impl<T, E: Into<anyhow::Error>> OrExit<T> for Result<T, E> {
    fn or_input_unusable(self) -> Result<T, ExitError> {
        self.map_err(ExitError::input_unusable)
    }

    fn or_no_long_bone(self) -> Result<T, ExitError> {
        self.map_err(ExitError::no_long_bone)
    }
}

/// The exit status of an error: its own if it carries one, 0 or 2 if it comes from the command line, otherwise 1.
pub fn of(error: &anyhow::Error) -> u8 {
    if let Some(usage) = error.downcast_ref::<clap::Error>() {
        // Asking for the help or the version is not an error.
        return if usage.use_stderr() { USAGE } else { ANALYSED };
    }
    error.chain().find_map(|cause| cause.downcast_ref::<ExitError>()).map_or(OTHER_FAILURE, |error| error.status)
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};

    use super::*;

    #[test]
    fn the_status_survives_context() {
        let failed: Result<(), _> = Err(anyhow!("a.dcm: truncated"));
        let error = failed.or_input_unusable().context("series 1").unwrap_err();
        assert_eq!(of(&error), INPUT_UNUSABLE);
        assert_eq!(format!("{error:#}"), "series 1: a.dcm: truncated");
        assert_eq!(of(&ExitError::no_long_bone(anyhow!("no bone")).into()), NO_LONG_BONE);
    }

    #[test]
    fn the_wrapped_error_is_printed_once() {
        let cause = anyhow!("truncated").context("a.dcm");
        let error = anyhow::Error::from(ExitError::input_unusable(cause).with_hint("export it again"));
        assert_eq!(format!("{error:#}"), "a.dcm: truncated");
    }

    #[test]
    fn anything_else_is_1() {
        assert_eq!(of(&anyhow!("disk full")), OTHER_FAILURE);
    }
}
