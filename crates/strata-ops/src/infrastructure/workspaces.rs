//! The `workspace` commands: several states of one configuration, one of them selected.

use std::{collections::BTreeSet, fs, io, path::Path, sync::Arc};

use strata_core::{Diagnostic, Diagnostics, Events};
use strata_state::{State, Store};

use super::{
    Settings,
    edit::Edited,
    lock::lock,
    places::{self, DEFAULT, Places},
    session::create_folder,
    trouble::{diagnostic, with_way_out},
};
use crate::process::Process;

/// The workspaces of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspaces {
    /// All there are; `default` is always there.
    pub all: BTreeSet<Arc<str>>,
    /// The one that commands work with.
    pub current: Arc<str>,
    /// True if that is only because `TF_WORKSPACE` says so.
    pub overridden: bool,
}

/// The workspace that commands work with.
///
/// # Errors
///
/// `TF_WORKSPACE` may say what is no name of a workspace.
pub fn current(settings: &Settings, process: &Process) -> Result<Arc<str>, Diagnostics> {
    places::check_overridden(process)?;
    Ok(places::workspace(settings, process))
}

/// All workspaces of a folder.
pub fn list(settings: &Settings, process: &Process) -> Result<Workspaces, Diagnostics> {
    let places = Places::find(settings, process)?;
    Ok(Workspaces {
        all: all(&places)?,
        current: current(settings, process)?,
        overridden: places::overridden(process).is_some(),
    })
}

pub(crate) fn all(places: &Places) -> Result<BTreeSet<Arc<str>>, Diagnostics> {
    if let Some(remote) = places.remote() {
        let all = remote.workspaces().map_err(|error| diagnostic(&error))?;
        return Ok(all.into_iter().map(Arc::from).collect());
    }
    let mut all = BTreeSet::from([Arc::from(DEFAULT)]);
    let entries = match fs::read_dir(places.workspaces()) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(all),
        Err(error) => return Err(cannot("read", &places.workspaces(), &error).into()),
    };
    for entry in entries.filter_map(Result::ok) {
        if entry.path().is_dir() {
            all.insert(entry.file_name().to_string_lossy().into());
        }
    }
    Ok(all)
}

/// Makes a workspace, with a copy of the state in a file if one is given, and selects it.
pub async fn create(
    name: &str,
    from: Option<&Path>,
    settings: &Settings,
    process: &Process,
    events: &Events,
) -> Result<(), Diagnostics> {
    check_not_overridden(process, "You cannot make another one meanwhile.")?;
    check_name(name)?;
    let places = Places::find(settings, process)?;
    check_supported(&places)?;
    if all(&places)?.contains(name) {
        let summary = format!("Workspace \"{name}\" already exists");
        return Err(Diagnostic::error("workspace-exists", summary)
            .hint(format!("`strata workspace select {name}` switches to it."))
            .into());
    }
    let store = places.store(name)?;
    let is_new = match store.is_remote() {
        // There it is the state that makes the workspace.
        true => store.create().map_err(|error| diagnostic(&error))?,
        false => {
            create_folder(&places.workspaces())?;
            let folder = places.workspaces().join(name);
            let is_new = !folder.exists();
            create_folder(&folder)?;
            is_new
        }
    };
    let done = async {
        if let Some(from) = from {
            let held = match settings.lock {
                true => Some(lock(&store, settings, "workspace-new", process, events).await?),
                false => None,
            };
            copy_state(from, &store)?;
            drop(held);
        }
        write_selection(&places, name)
    };
    let done = done.await;
    // What another run made in the meantime is not ours to take.
    if is_new && done.is_err() {
        take_back(&places, name, &store);
    }
    done
}

/// Takes a workspace away that could not be finished, so that the same command can be run again.
fn take_back(places: &Places, name: &str, store: &Store) {
    // Why it could not be finished is told already, and may well be why this fails, too.
    match store.is_remote() {
        true => drop(store.delete()),
        false => drop(fs::remove_dir_all(places.workspaces().join(name))),
    }
}

fn copy_state(from: &Path, store: &Store) -> Result<(), Diagnostics> {
    let text = fs::read_to_string(from).map_err(|error| cannot("read", from, &error))?;
    let mut state = State::parse(&text, from).map_err(|error| diagnostic(&error))?;
    // It is a state of its own from now on.
    (state.lineage, state.serial) = (State::new().lineage, 0);
    let opened = store.open().map_err(|error| diagnostic(&error))?;
    store
        .write(&mut state, &opened.base)
        .map_err(|error| diagnostic(&error))?;
    Ok(())
}

/// Selects a workspace; true if it was made for that, which `or_create` allows. None if it was selected already.
pub async fn select(
    name: &str,
    or_create: bool,
    settings: &Settings,
    process: &Process,
    events: &Events,
) -> Result<Option<bool>, Diagnostics> {
    check_not_overridden(process, "To select another one, change or unset it.")?;
    let places = Places::find(settings, process)?;
    if *current(settings, process)? == *name {
        return Ok(None);
    }
    if all(&places)?.contains(name) {
        write_selection(&places, name)?;
        return Ok(Some(false));
    }
    if !or_create {
        return Err(no_such(name).into());
    }
    create(name, None, settings, process, events).await?;
    Ok(Some(true))
}

/// Deletes a workspace with its state; true if that still had objects, which only `force` allows.
pub async fn delete(
    name: &str,
    force: bool,
    settings: &Settings,
    process: &Process,
    events: &Events,
) -> Result<bool, Diagnostics> {
    let places = Places::find(settings, process)?;
    if !all(&places)?.contains(name) {
        return Err(no_such(name).into());
    }
    if *current(settings, process)? == *name {
        let summary = format!("Workspace \"{name}\" is your active workspace.");
        return Err(Diagnostic::error("workspace-active", summary)
            .hint("Switch to another one first: `strata workspace select default`.")
            .into());
    }
    if name == DEFAULT {
        return Err(Diagnostic::error(
            "workspace-default",
            "The workspace \"default\" cannot be deleted",
        )
        .into());
    }
    let store = places.store(name)?;
    let edited = Edited::open_store(
        store,
        Store::open,
        settings,
        "workspace-delete",
        process,
        events,
    )
    .await?;
    let has_objects = !edited.state_ref().resources.is_empty();
    if has_objects && !force {
        return Err(not_empty(name, edited.state_ref()).into());
    }
    if places.remote().is_some() {
        edited.store.delete().map_err(|error| diagnostic(&error))?;
        return Ok(has_objects);
    }
    let folder = places.workspaces().join(name);
    fs::remove_dir_all(&folder).map_err(|error| cannot("delete", &folder, &error))?;
    Ok(has_objects)
}

fn not_empty(name: &str, state: &State) -> Diagnostic {
    let listed: Vec<_> = state
        .instances()
        .map(|(address, _, _)| format!("  - {address}"))
        .collect();
    Diagnostic::error("workspace-not-empty", "Workspace is not empty")
        .detail(format!(
            "Workspace \"{name}\" is currently tracking the following resource instances:\n{}",
            listed.join("\n")
        ))
        .hint("Destroy them first. `-force` deletes the workspace and loses track of them.")
}

fn check_supported(places: &Places) -> Result<(), Diagnostic> {
    match places.remote() {
        Some(remote) if !remote.has_workspaces() => Err(Diagnostic::error(
            "workspaces-not-supported",
            "workspaces not supported",
        )
        .detail("The backend keeps one state at one address.")),
        _ => Ok(()),
    }
}

fn check_name(name: &str) -> Result<(), Diagnostic> {
    if places::is_workspace_name(name) {
        return Ok(());
    }
    let summary = format!("The workspace name \"{name}\" is not allowed");
    Err(Diagnostic::error("workspace-name", summary)
        .detail("The name must contain only URL safe characters, and no path separators."))
}

fn check_not_overridden(process: &Process, why: &str) -> Result<(), Diagnostic> {
    match places::overridden(process) {
        None => Ok(()),
        Some(name) => Err(Diagnostic::error(
            "workspace-overridden",
            "The selected workspace is currently overridden using the TF_WORKSPACE environment variable",
        )
        .detail(format!("It says `{name}`. {why}"))),
    }
}

fn no_such(name: &str) -> Diagnostic {
    Diagnostic::error(
        "no-workspace",
        format!("Workspace \"{name}\" doesn't exist."),
    )
    .hint("`strata workspace new` makes one, as does `select` with `-or-create`.")
}

fn write_selection(places: &Places, name: &str) -> Result<(), Diagnostics> {
    let file = places.selection();
    if let Some(folder) = file.parent() {
        create_folder(folder)?;
    }
    fs::write(&file, name).map_err(|error| cannot("write", &file, &error).into())
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Diagnostic {
    let summary = format!("Cannot {what} `{}`", path.display());
    let diagnostic = Diagnostic::error("workspace-file", summary).detail(error.to_string());
    with_way_out(diagnostic, path, error)
}
