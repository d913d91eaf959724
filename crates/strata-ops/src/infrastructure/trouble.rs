//! Trouble with a state, with what to do about it.

use std::{
    io::{self, ErrorKind},
    path::Path,
};

use strata_core::Diagnostic;
use strata_state::StateError;

fn format(path: &Path) -> Diagnostic {
    let diagnostic = Diagnostic::error("state-format", "Unsupported state file format");
    let mut before = path.as_os_str().to_owned();
    before.push(".backup");
    match Path::new(&before).exists() {
        true => diagnostic.hint(format!(
            "The version before is beside it, as `{}`.",
            before.display()
        )),
        false => diagnostic,
    }
}

/// Adds what to do about a file that cannot be read or written.
pub(super) fn with_way_out(diagnostic: Diagnostic, path: &Path, error: &io::Error) -> Diagnostic {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder.display(),
        _ => Path::new(".").display(),
    };
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => diagnostic
            .hint(format!("Run this as a user who may write to `{folder}`."))
            .hint("To look only: `plan -lock=false`, `show`, `output` and `state list` write nothing."),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => diagnostic.hint(format!(
            "Make room on the disk of `{folder}`, and run this again: what was done is kept."
        )),
        _ => diagnostic,
    }
}

/// Says what went wrong with a state, and what to do.
pub(super) fn diagnostic(error: &StateError) -> Diagnostic {
    match error {
        StateError::Locked(info) if info.id.is_empty() => Diagnostic::error("state-locked", "The state is locked")
            .detail("The lock file beside the state says nothing that can be read: who holds the lock is not known.")
            .hint("If you are sure that nobody works with the state, remove that file: `.terraform.tfstate.lock.info` where the state has its usual name."),
        StateError::Locked(info) => Diagnostic::error("state-locked", "The state is locked")
            .detail(info.to_string())
            .hint("Wait until the other run is over, or wait in this run: `-lock-timeout=5m`.")
            .hint(format!("If you are sure that nobody works with it: `strata force-unlock {}`.", info.id)),
        StateError::Io { path, source, .. } => {
            let diagnostic = Diagnostic::error("state-file", "The state cannot be read or written").detail(error.to_string());
            with_way_out(diagnostic, path, source)
        }
        StateError::Format { path, .. } => format(path).detail(error.to_string()),
        StateError::Remote { .. } => Diagnostic::error("state-backend", "The backend does not do what is asked of it").detail(error.to_string()),
        StateError::Backend(_) => Diagnostic::error("backend-argument", "Invalid backend configuration").detail(error.to_string()),
        StateError::Encryption(_) => Diagnostic::error("state-encryption", "The state cannot be encrypted or decrypted").detail(error.to_string()),
        StateError::RemoteFormat { .. } => Diagnostic::error("state-format", "The state cannot be read").detail(error.to_string()),
        StateError::NoSuchLock(_) => Diagnostic::error("state-lock", "There is no such lock").detail(error.to_string()),
        StateError::Changed(_) => Diagnostic::error("state-changed", "The state was changed by somebody else")
            .detail(error.to_string())
            .hint("Run the command again: it then plans on the new state."),
        StateError::JournalOfOtherState(path) | StateError::JournalLeft(path) => {
            Diagnostic::error("state-journal", "Unfinished work does not belong to this state")
                .detail(error.to_string())
                .hint("If that run left an `errored.tfstate`, it is the state with all that was done: `strata state push errored.tfstate`.")
                .hint("Otherwise put back the state that the run began with: the next run then goes on from the journal.")
                .hint(format!("Moving `{}` away loses track of what that run was doing.", path.display()))
        }
        StateError::JournalForeign { .. } => Diagnostic::error("state-journal", "The journal of a killed run cannot be understood")
            .detail(error.to_string())
            .hint("Run the same command with the version of Strata that was killed, and with its `encryption` settings: it finishes what is in the journal."),
        StateError::JournalDamaged { .. } => Diagnostic::error("state-journal", "The journal of a killed run is damaged")
            .detail(error.to_string())
            .hint("Compare what it says with the platform, then move it away."),
    }
}
