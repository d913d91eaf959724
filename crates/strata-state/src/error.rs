//! What can go wrong with a state.

use std::{io, path::PathBuf};

use crate::lock::LockInfo;

/// Why a state could not be read, locked or written.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file system refuses.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// What was to be done.
        action: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is no state of a version we read.
    #[error("`{}` is not a state file that can be read: {reason}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Somebody else works with the state.
    #[error("the state is locked: {0}")]
    Locked(Box<LockInfo>),
    /// A lock was to be broken that is not there.
    #[error("there is no lock with the id `{0}`")]
    NoSuchLock(String),
    /// The file is not as it was when it was read.
    #[error("`{}` was changed by somebody else since it was read", .0.display())]
    Changed(PathBuf),
    /// The journal was written on top of another state than the one that is there.
    #[error("`{}` holds unfinished work on another state than the one beside it", .0.display())]
    JournalOfOtherState(PathBuf),
    /// The journal of an earlier run has not been folded into the state.
    #[error("`{}` of an earlier run is still there", .0.display())]
    JournalLeft(PathBuf),
    /// A line before the last one is damaged.
    #[error("`{}` is damaged in line {line}", path.display())]
    JournalDamaged {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// A line is whole, but says what this version does not know, or is encrypted with another key.
    #[error("`{}` cannot be understood in line {line}: a later version of Strata wrote it, or it is encrypted otherwise", path.display())]
    JournalForeign {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
    },
    /// A backend's server refuses, or does not answer.
    #[error("cannot {action} `{place}`: {reason}")]
    Remote {
        /// What was to be done.
        action: &'static str,
        /// With which object or address.
        place: String,
        /// Why not.
        reason: String,
    },
    /// A backend's arguments are wrong.
    #[error("{0}")]
    Backend(String),
    /// A state cannot be encrypted or decrypted.
    #[error("{0}")]
    Encryption(String),
    /// A state that is not in a file is none of a version we read.
    #[error("`{place}` does not hold a state that can be read: {reason}")]
    RemoteFormat {
        /// Where it is.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl StateError {
    pub(crate) fn io(
        action: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(io::Error) -> Self {
        move |source| StateError::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}
