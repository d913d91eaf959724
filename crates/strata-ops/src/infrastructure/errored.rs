//! `errored.tfstate`: a state that could not be written where it is kept.

use std::path::Path;

use strata_core::{Diagnostic, Diagnostics};
use strata_state::{State, StateError, Store};

/// Keeps the state in the folder, under the name that Terraform uses, and says what to do.
pub(super) fn keep(
    state: &State,
    store: &Store,
    directory: &Path,
    error: &StateError,
) -> Diagnostics {
    let path = directory.join("errored.tfstate");
    let mut diags = Diagnostics::new();
    diags.push(
        Diagnostic::error("state-not-saved", "Failed to save state").detail(format!(
            "Error saving state to `{}`: {error}.",
            store.place()
        )),
    );
    match store.write_copy(state, &path) {
        Ok(()) if matches!(error, StateError::Changed(_)) => diags.push(beside(&path)),
        Ok(()) => diags.push(kept(&path)),
        Err(error) => diags.push(
            Diagnostic::error("state-not-saved", "Failed to create local state file")
                .detail(format!("{error}. The journal has all that was done.")),
        ),
    }
    diags
}

fn kept(path: &Path) -> Diagnostic {
    Diagnostic::error("state-not-saved", "Failed to persist state to backend")
        .detail(format!(
            "What was done is in `{}` and in the journal, so that nothing is lost.",
            path.display()
        ))
        .hint("On this machine: once the backend is there again, any command that plans or applies goes on from the journal.")
        .hint("From elsewhere, or where the data folder does not stay: `strata state push errored.tfstate`.")
}

/// What to do where somebody else wrote another state meanwhile.
fn beside(path: &Path) -> Diagnostic {
    Diagnostic::error("state-changed", "The state was changed by somebody else while this run worked")
        .detail(format!(
            "It is left as they wrote it. `{}` is the whole state after this run, without their change. Until one of the two \
             is chosen no command goes on, so that nothing is made twice.",
            path.display()
        ))
        .hint("Compare the two. If their change is to stay, put it into `errored.tfstate`.")
        .hint("Then `strata state push errored.tfstate` makes it the state (`-force` if theirs has another lineage).")
}
