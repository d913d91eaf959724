//! Changing a state by hand, without configuration: read under its lock, changed, written.

use strata_core::{Diagnostic, Diagnostics, Events};
use strata_state::{Backup, Lock, Opened, State, Store};

use super::{
    Settings,
    lock::lock,
    places::{self, Places},
    trouble::diagnostic,
};
use crate::process::Process;

/// A state that nobody else works with now.
pub(super) struct Edited {
    pub(super) store: Store,
    pub(super) opened: Opened,
    _lock: Option<Lock>,
}

impl Edited {
    /// Reads the state of a folder.
    pub(super) async fn open(
        settings: &Settings,
        operation: &str,
        process: &Process,
        events: &Events,
    ) -> Result<Self, Diagnostics> {
        let places = Places::find(settings, process)?;
        let store = places.store(&places::workspace(settings, process))?;
        Self::open_store(store, settings, operation, process, events).await
    }

    /// Reads a state.
    pub(super) async fn open_store(
        store: Store,
        settings: &Settings,
        operation: &str,
        process: &Process,
        events: &Events,
    ) -> Result<Self, Diagnostics> {
        let store = store.with_backup(backup(settings));
        let lock = match settings.lock {
            true => Some(lock(&store, settings, operation, process, events).await?),
            false => None,
        };
        let opened = store.open().map_err(|error| diagnostic(&error))?;
        if !opened.in_flight.is_empty() {
            return Err(unfinished(&opened).into());
        }
        Ok(Self {
            store,
            opened,
            _lock: lock,
        })
    }

    /// The state, to be changed.
    pub(super) fn state(&mut self) -> &mut State {
        &mut self.opened.state
    }

    /// The state as it is.
    pub(super) fn state_ref(&self) -> &State {
        &self.opened.state
    }

    /// Writes the state, with the next serial if it was changed.
    pub(super) fn write(mut self) -> Result<(), Diagnostics> {
        self.store
            .write(&mut self.opened.state, &self.opened.base)
            .map_err(|error| diagnostic(&error))?;
        Ok(())
    }
}

/// What `-backup` means: a file, or with `-` that none is wanted.
pub(super) fn backup(settings: &Settings) -> Backup {
    match &settings.backup {
        None => Backup::Beside,
        Some(path) if path.as_os_str() == "-" => Backup::Nowhere,
        Some(path) => Backup::At(path.clone()),
    }
}

fn unfinished(opened: &Opened) -> Diagnostic {
    let calls: Vec<_> = opened
        .in_flight
        .iter()
        .map(|call| format!("`{}`", call.begin.address))
        .collect();
    Diagnostic::error(
        "interrupted-run",
        "An earlier run was cut off, and what became of its calls is not known yet",
    )
    .detail(format!("It was working on {}.", calls.join(", ")))
    .hint("Run `strata plan` or `strata apply` first: they look what is there.")
}
