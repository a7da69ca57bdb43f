//! Why reports and truths could not be compared.

/// A truth or a report that cannot be used: which one, what is wrong with it, and what to do.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{what}: {reason}")]
pub struct InputError {
    /// The file, or both sides where they do not fit together.
    pub what: String,
    /// What is wrong with it.
    pub reason: String,
    /// What to do next.
    pub hint: String,
}

impl InputError {
    pub(super) fn new(what: impl ToString, reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.to_string(), reason: reason.into(), hint: hint.into() }
    }
}

/// A truth and a report that are not of the same CT, in words.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct Mismatch(pub(super) String);
