//! Taking states along where the backend changes.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use strata_core::{Diagnostic, Diagnostics};
use strata_state::{Lock, LockRequest, State, StateError, Store};

use super::Options;
use crate::{
    infrastructure::{LOCK_PAUSE, initial, places::Places, workspaces},
    process::Process,
};

/// Asks a question that has `yes` for an answer, or has not.
pub type Ask<'a> = &'a mut dyn FnMut(&str) -> bool;

/// A workspace, and what it becomes.
type Renamed = (Arc<str>, Arc<str>);

/// A state that goes from one place to another.
struct Copy {
    from: Store,
    to: Store,
    state: State,
    overwrites: bool,
}

/// Asks a backend for its workspaces, so that wrong keys and names are found at `init` and not later.
pub(super) fn check_reachable(places: &Places) -> Result<(), Diagnostics> {
    match places.remote() {
        Some(_) => workspaces::all(places).map(drop),
        None => Ok(()),
    }
}

/// Copies the states of all workspaces to where they will be looked for; what is there already is asked about.
///
/// The old ones stay where they are.
pub(super) fn migrate(
    options: &Options,
    from: &Places,
    to: &Places,
    process: &Process,
    ask: Ask<'_>,
) -> Result<(), Diagnostics> {
    let copies = copies(options, from, to, process)?;
    if copies.is_empty() || !is_wanted(options, &copies, ask)? {
        return Ok(());
    }
    for copy in copies {
        carry_out(&copy, options, process)
            .map_err(|error| failed(&copy.from, error.to_string()))?;
    }
    Ok(())
}

fn copies(
    options: &Options,
    from: &Places,
    to: &Places,
    process: &Process,
) -> Result<Vec<Copy>, Diagnostics> {
    let mut copies = Vec::new();
    for (old, new) in names(options, from, to, process)? {
        let (old, new) = (from.store(&old)?, to.store(&new)?);
        if old.place() == new.place() && old.is_remote() == new.is_remote() {
            continue;
        }
        let Some(state) = open(&old)? else {
            continue;
        };
        let at_goal = open(&new)?;
        if at_goal.as_ref() != Some(&state) {
            copies.push(Copy {
                from: old,
                to: new,
                state,
                overwrites: at_goal.is_some(),
            });
        }
    }
    Ok(copies)
}

/// Which workspace becomes which; only the selected one where there can be no others.
fn names(
    options: &Options,
    from: &Places,
    to: &Places,
    process: &Process,
) -> Result<Vec<Renamed>, Diagnostics> {
    let all = workspaces::all(from)?;
    if to.remote().is_none_or(|remote| remote.has_workspaces()) {
        return Ok(all.into_iter().map(|name| (name.clone(), name)).collect());
    }
    let selected = initial::workspace(&options.settings, process);
    match &*selected {
        "default" => Ok(vec![(selected.clone(), selected)]),
        name => {
            let summary = "The backend keeps the state of one workspace";
            Err(Diagnostic::error("backend-migration", summary)
                .detail(format!("The workspace `{name}` is selected, and only `default` can be taken along."))
                .hint("Select `default` before, or take the state of the other by `strata state pull` and `push`.")
                .into())
        }
    }
}

/// A state with something in it; none if there is none.
fn open(store: &Store) -> Result<Option<State>, Diagnostics> {
    let opened = store
        .open()
        .map_err(|error| failed(store, error.to_string()))?;
    if opened.has_journal {
        let why = "A run on it was killed; plan or apply there first.";
        return Err(failed(store, why.to_owned()));
    }
    Ok((opened.base.is_there() && !opened.state.is_empty()).then_some(opened.state))
}

fn is_wanted(options: &Options, copies: &[Copy], ask: Ask<'_>) -> Result<bool, Diagnostics> {
    if options.force_copy {
        return Ok(true);
    }
    if !options.input {
        let summary = "Can't ask approval for state migration when interactive input is disabled.";
        return Err(Diagnostic::error("backend-changed", summary)
            .hint("Remove `-input=false`, or say `-force-copy` or `-reconfigure`.")
            .into());
    }
    let question = match copies.iter().any(|copy| copy.overwrites) {
        false => {
            "Do you want to copy existing state to the new backend?\n  There is state where the backend has kept \
             it so far, and none where it is to be kept now."
        }
        true => {
            "Do you want to copy existing state to the new backend?\n  There is state in both places; what is \
             in the new one would be overwritten."
        }
    };
    Ok(ask(question))
}

fn carry_out(copy: &Copy, options: &Options, process: &Process) -> Result<(), StateError> {
    let request = LockRequest {
        operation: "migration destination state".to_owned(),
        who: format!("{}@{}", process.user(), process.host),
        host: process.host.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    copy.to.make_folder()?;
    let lock = options.settings.lock;
    let locks: Vec<Lock> = [&copy.from, &copy.to]
        .into_iter()
        .filter(|_| lock)
        .map(|store| lock_in_time(store, &request, options.settings.lock_timeout))
        .collect::<Result<_, _>>()?;
    let opened = copy.to.open()?;
    copy.to.overwrite(&copy.state, &opened)?;
    locks.into_iter().try_for_each(Lock::release)
}

/// Takes a lock, waiting for who has it as long as the settings say.
fn lock_in_time(
    store: &Store,
    request: &LockRequest,
    timeout: Duration,
) -> Result<Lock, StateError> {
    let end = Instant::now() + timeout;
    loop {
        match store.lock(request) {
            Err(StateError::Locked(_)) if Instant::now() + LOCK_PAUSE < end => {
                thread::sleep(LOCK_PAUSE);
            }
            taken => return taken,
        }
    }
}

fn failed(store: &Store, why: String) -> Diagnostics {
    let summary = format!("The state `{}` cannot be copied", store.place());
    Diagnostic::error("backend-migration", summary)
        .detail(why)
        .into()
}
