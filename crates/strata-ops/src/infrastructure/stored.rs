//! What only reads a state: outputs, and the resources in it.

use std::path::PathBuf;

use strata_core::{
    Diagnostic, Diagnostics, Marks, Value,
    addr::{ResourceInstance, Target, parse_target},
};
use strata_state::Store;

use super::{
    Settings,
    places::{self, Places},
    trouble::diagnostic,
};
use crate::process::Process;

pub use strata_engine::{
    Providers,
    json::{instance_json, state_json as json},
};
pub use strata_state::{
    Instance, Resource, State,
    json::{exact, exact_text, type_to_json as type_json},
};

/// Reads the state of a folder, without locking it; where there is none it is empty.
pub fn read(settings: &Settings, process: &Process) -> Result<State, Diagnostics> {
    Ok(read_if_there(settings, process)?.unwrap_or_default())
}

/// Reads the state of a folder, without locking it; none if nothing was written there yet.
pub fn read_if_there(settings: &Settings, process: &Process) -> Result<Option<State>, Diagnostics> {
    let places = Places::find(settings, process)?;
    read_store(&places.store(&places::workspace(settings, process))?)
}

/// True if a run was cut off, and what became of its calls is not written down yet.
pub(crate) fn is_interrupted(settings: &Settings, process: &Process) -> Result<bool, Diagnostics> {
    let places = Places::find(settings, process)?;
    let store = places.store(&places::workspace(settings, process))?;
    let opened = store.open().map_err(|error| diagnostic(&error))?;
    Ok(opened.has_journal)
}

/// Reads a state file, and what the journal of a killed run adds to it.
pub fn read_file(file: PathBuf) -> Result<Option<State>, Diagnostics> {
    read_store(&Store::new(file))
}

fn read_store(store: &Store) -> Result<Option<State>, Diagnostics> {
    let opened = store.open().map_err(|error| diagnostic(&error))?;
    let is_there = opened.base.is_there() || opened.has_journal;
    Ok(is_there.then_some(opened.state))
}

/// The addresses in the state of a folder: those of `within` only unless that is empty, and those of objects with this
/// id only, if one is given. None if nothing was written there yet.
pub fn list(
    settings: &Settings,
    process: &Process,
    within: &[String],
    id: Option<&str>,
) -> Result<Option<Vec<String>>, Diagnostics> {
    if let Some(id) = id {
        let state = read_if_there(settings, process)?;
        return state.map(|state| with_id(&state, within, id)).transpose();
    }
    let places = Places::find(settings, process)?;
    let store = places.store(&places::workspace(settings, process))?;
    let all = store.list().map_err(|error| diagnostic(&error))?;
    all.map(|all| addresses(all, within)).transpose()
}

fn with_id(state: &State, within: &[String], id: &str) -> Result<Vec<String>, Diagnostics> {
    let listed = addresses(
        state.instances().map(|(address, _, _)| address).collect(),
        within,
    )?;
    let has_id = |instance: &Instance| {
        let current = instance.current.as_ref();
        let json = current.and_then(|object| serde_json::from_str(&object.attributes).ok());
        json.is_some_and(|json: serde_json::Value| json["id"] == id)
    };
    let found: std::collections::BTreeSet<_> = state
        .instances()
        .filter(|(_, _, instance)| has_id(instance))
        .map(|(address, _, _)| address.to_string())
        .collect();
    Ok(listed
        .into_iter()
        .filter(|address| found.contains(address))
        .collect())
}

/// Those of `within` only, unless that is empty.
fn addresses(all: Vec<ResourceInstance>, within: &[String]) -> Result<Vec<String>, Diagnostics> {
    let mut diags = Diagnostics::new();
    let targets: Vec<Target> = within
        .iter()
        .filter_map(|text| target(text, &mut diags))
        .collect();
    if diags.has_errors() {
        return Err(diags);
    }
    if let Some(target) = targets
        .iter()
        .find(|target| !all.iter().any(|address| target.covers(address)))
    {
        return Err(unknown(target).into());
    }
    let instances = all.into_iter();
    let wanted = instances.filter(|address| {
        targets.is_empty() || targets.iter().any(|target| target.covers(address))
    });
    let mut wanted: Vec<ResourceInstance> = wanted.collect();
    // Modules come before all that they call, as in Terraform.
    wanted.sort_by_key(|address| address.resource.module.0.len());
    Ok(wanted.iter().map(ResourceInstance::to_string).collect())
}

fn unknown(target: &Target) -> Diagnostic {
    let (what, address) = match target {
        Target::Module(module) => ("module", module.to_string()),
        Target::Resource(resource) => ("resource", resource.to_string()),
        Target::Instance(instance) => ("resource", instance.to_string()),
    };
    Diagnostic::error("not-in-state", format!("Unknown {what}"))
        .detail(format!("The current state contains no {what} {address}."))
        .hint("If it was added to the configuration just now, apply it first.")
}

/// Reads an address as `-target` takes it.
pub fn target(text: &str, diags: &mut Diagnostics) -> Option<Target> {
    let parsed = match text {
        // Everything is no target.
        "" => Err("an address was expected".to_owned()),
        text => parse_target(text).map_err(|error| error.to_string()),
    };
    match parsed {
        Ok(target) => Some(target),
        Err(reason) => {
            let diagnostic = Diagnostic::error("invalid-address", format!("Invalid target {text:?}"))
                .detail(reason)
                .hint("Write it as `strata state list` prints it, such as `module.web[\"a\"].incus_instance.this[0]`.");
            diags.push(diagnostic);
            None
        }
    }
}

/// A value as JSON text with all digits of its numbers, as the state file has it.
pub fn exact_json(value: &Value) -> String {
    strata_state::json::encode(value, &value.ty())
}

/// The type of a value in the form of the state file.
pub fn type_of(value: &Value) -> serde_json::Value {
    type_json(&value.ty())
}

/// The value of an instance with its sensitive parts marked; none if its provider is not there.
pub fn value(
    address: &ResourceInstance,
    instance: &Instance,
    providers: &Providers,
) -> Option<Value> {
    let schema = providers.resource_type(address.resource.mode, &address.resource.type_name)?;
    let object = instance.current.as_ref()?;
    let value =
        strata_state::json::decode(&object.attributes, &schema.block.implied_type()).ok()?;
    let marks: Vec<_> = object
        .sensitive
        .iter()
        .map(|path| (path.clone(), Marks::SENSITIVE))
        .collect();
    Some(value.mark_paths(&marks))
}
