//! The one error of these tools: a sentence for the person at the terminal.

use std::fmt;
use std::path::Path;

/// Says what went wrong and, where it helps, what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure(String);

impl Failure {
    /// Makes a failure from a sentence.
    pub(crate) fn new(message: impl Into<String>) -> Failure {
        Failure(message.into())
    }

    /// Makes a failure from what the file system answered about a path.
    pub(crate) fn file(path: &Path, error: &std::io::Error) -> Failure {
        Failure(format!("`{}`: {error}", path.display()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
