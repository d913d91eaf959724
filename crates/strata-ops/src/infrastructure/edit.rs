//! Changing a state by hand, without configuration: read under its lock, changed, written.

use std::{
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use strata_core::{Diagnostic, Diagnostics, Events};
use strata_state::{Backup, Lock, Opened, State, StateError, Store};

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
        let store = store_of(settings, process)?;
        Self::open_store(store, Store::open, settings, operation, process, events).await
    }

    /// Reads a state by [`Store::open`], or by [`Store::open_to_replace`] if it is to be replaced.
    pub(super) async fn open_store(
        store: Store,
        read: fn(&Store) -> Result<Opened, StateError>,
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
        let opened = read(&store).map_err(|error| diagnostic(&error))?;
        if !opened.in_flight.is_empty() {
            return Err(unfinished(&opened).into());
        }
        Ok(Self {
            store,
            opened,
            _lock: lock,
        })
    }

    /// The same, with the version before under a name of its own, as Terraform has it: of several edits none is lost.
    ///
    /// With `-backup`, and where a backend keeps the state, it is as said there.
    pub(super) fn keeping_each(self, settings: &Settings) -> Self {
        if settings.backup.is_some() || self.store.is_remote() {
            return self;
        }
        let place = of_now(self.store.path());
        Self {
            store: self.store.with_backup(Backup::At(place)),
            ..self
        }
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

/// The state of a folder, and where it is written.
pub(super) fn store_of(settings: &Settings, process: &Process) -> Result<Store, Diagnostics> {
    let places = Places::find(settings, process)?;
    let store = places.store(&places::workspace(settings, process))?;
    Ok(written(store, settings)?)
}

/// What `-state-out` means: the state is written to another file than it is read from.
pub(super) fn written(store: Store, settings: &Settings) -> Result<Store, Diagnostic> {
    match &settings.state_out {
        None => Ok(store),
        Some(_) if store.is_remote() => {
            let summary = "`-state-out` goes with states in local files only";
            Err(Diagnostic::error("options", summary)
                .detail(format!("The state is kept at `{}`.", store.place()))
                .hint("`strata state pull > FILE` gives a copy of it."))
        }
        Some(path) => Ok(store.written_to(path)),
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

/// A file beside the state that is named by the time, and is not there yet.
fn of_now(state: &Path) -> PathBuf {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let mut seconds = now.map_or(0, |now| now.as_secs());
    loop {
        let mut name = state.as_os_str().to_owned();
        name.push(format!(".{seconds}.backup"));
        if !Path::new(&name).exists() {
            return name.into();
        }
        seconds += 1;
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
