//! What only reads a state: outputs, and the resources in it.

use std::path::PathBuf;

use strata_core::{
    Diagnostic, Diagnostics, Marks, Value,
    addr::{ResourceInstance, Target, parse_target},
};
use strata_state::Store;

use super::{Settings, trouble::diagnostic, workspace};
use crate::process::Process;

pub use strata_engine::{
    Providers,
    json::{instance_json, state_json as json},
};
pub use strata_state::{
    Instance, Resource, State,
    json::{plain, type_to_json as type_json},
};

/// Reads the state of a folder, without locking it.
pub fn read(settings: &Settings, process: &Process) -> Result<State, Diagnostics> {
    let workspace = workspace::name(settings, &process.environment);
    let file = workspace::state_file(settings, &workspace, None, None);
    read_file(file)
}

/// Reads a state file; there is an empty state where there is no file.
pub fn read_file(file: PathBuf) -> Result<State, Diagnostics> {
    let opened = Store::new(file)
        .open()
        .map_err(|error| diagnostic(&error))?;
    Ok(opened.state)
}

/// The addresses in a state, those of `within` only unless that is empty.
pub fn addresses(state: &State, within: &[String]) -> Result<Vec<String>, Diagnostics> {
    let mut diags = Diagnostics::new();
    let targets: Vec<Target> = within
        .iter()
        .filter_map(|text| target(text, &mut diags))
        .collect();
    if diags.has_errors() {
        return Err(diags);
    }
    let instances = state.instances().map(|(address, _, _)| address);
    let wanted = instances.filter(|address| {
        targets.is_empty() || targets.iter().any(|target| target.covers(address))
    });
    Ok(wanted.map(|address| address.to_string()).collect())
}

/// Reads an address as `-target` takes it.
pub fn target(text: &str, diags: &mut Diagnostics) -> Option<Target> {
    match parse_target(text) {
        Ok(target) => Some(target),
        Err(error) => {
            let diagnostic = Diagnostic::error("invalid-address", format!("`{text}` is no address of a resource or module"))
                .detail(error.to_string())
                .hint("Write it as `strata state list` prints it, such as `module.web[\"a\"].incus_instance.this[0]`.");
            diags.push(diagnostic);
            None
        }
    }
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
