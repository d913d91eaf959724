//! What the commands share that change a state by hand.

use std::path::PathBuf;

use strata_core::{
    Diagnostic, Diagnostics, Events,
    addr::{ResourceInstance, Target, parse_resource_instance},
};
use strata_ops::infrastructure::{Settings, stored};

use super::{block_on, complain};
use crate::args::StateFile;

/// The settings of a command, for the folder it runs in.
pub(super) fn settings(file: &StateFile) -> Settings {
    Settings {
        state: file.state.clone(),
        backup: file.backup.clone(),
        lock: file.held.lock,
        lock_timeout: file.held.lock_timeout,
        ..Settings::of(PathBuf::from("."))
    }
}

/// The settings of a command that only reads.
pub(super) fn reading(state: Option<PathBuf>) -> Settings {
    Settings {
        state,
        ..Settings::of(PathBuf::from("."))
    }
}

/// Does the work; what it warns of goes to standard error.
pub(super) fn work<T>(
    work: impl AsyncFnOnce(&Events) -> Result<T, Diagnostics>,
) -> Result<T, Diagnostics> {
    let events = Events::new(|event| {
        if let strata_core::Event::Diagnostic { diagnostic } = event {
            complain(&(*diagnostic).into());
        }
    });
    block_on(work(&events))?
}

/// Reads addresses of resources, instances or modules.
pub(super) fn targets(texts: &[String]) -> Result<Vec<Target>, Diagnostics> {
    let mut diags = Diagnostics::new();
    let targets: Vec<_> = texts
        .iter()
        .filter_map(|text| stored::target(text, &mut diags))
        .collect();
    diags.into_result(targets)
}

/// Reads the address of a resource instance.
pub(super) fn instance(text: &str) -> Result<ResourceInstance, Diagnostics> {
    parse_resource_instance(text).map_err(|error| {
        Diagnostic::error("invalid-address", "Invalid address")
            .detail(format!(
                "`{text}` is no address of a resource instance: {}.",
                error.reason
            ))
            .into()
    })
}
