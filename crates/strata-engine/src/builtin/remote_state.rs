//! `terraform_remote_state`: the outputs of another root module, out of its state.
//!
//! States are read where the backends `local`, `s3` and `http` keep them. As in Terraform a state that was never written
//! has no outputs to give, and `defaults` stand in for outputs that a state lacks.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use strata_core::{
    Diagnostic, Diagnostics, Type, Value,
    schema::{Attribute, Block, Presence, Resource},
};
use strata_state::{
    State, StateError, Store,
    backend::{Backend, Outside, arguments},
    encryption::Encryption,
    json,
};

/// What is needed of the outside.
#[derive(Clone, Debug, Default)]
pub(crate) struct RemoteStates {
    /// The way to states that are not on the local disk; none if there is none.
    pub(crate) outside: Option<Outside>,
    /// How the states are encrypted.
    pub(crate) encryption: Option<Arc<Encryption>>,
}

/// Its name.
pub(super) const NAME: &str = "terraform_remote_state";

/// What it takes and gives.
pub(super) fn schema() -> Resource {
    let attribute = |name: &str, ty, presence, description| {
        (name.into(), Attribute::new(ty, presence, description))
    };
    let attributes = [
        attribute(
            "backend",
            Type::String,
            Presence::Required,
            "Where the state is kept: `local`, `s3` or `http`.",
        ),
        attribute(
            "config",
            Type::Dynamic,
            Presence::Optional,
            "The backend's arguments, such as `path`; those of the block `backend`.",
        ),
        attribute(
            "defaults",
            Type::Dynamic,
            Presence::Optional,
            "Values for outputs that the state does not have.",
        ),
        attribute(
            "outputs",
            Type::Dynamic,
            Presence::Computed,
            "The outputs of the root module.",
        ),
        attribute(
            "workspace",
            Type::String,
            Presence::Optional,
            "The workspace, `default` without.",
        ),
    ];
    Resource {
        version: 0,
        block: Block {
            attributes: attributes.into_iter().collect(),
            blocks: Default::default(),
            description: "Reads the outputs in another state.",
        },
    }
}

/// Backends that Terraform has and Strata has not, which is said when they are needed.
const OF_TERRAFORM: [&str; 8] = [
    "azurerm",
    "consul",
    "cos",
    "gcs",
    "kubernetes",
    "oss",
    "pg",
    "remote",
];

/// What is wrong with a configuration before anything is read, in Terraform's words.
pub(super) fn validate(config: &Value) -> Diagnostics {
    let mut diags = Diagnostics::new();
    let Some(backend) = text(config, "backend") else {
        return diags;
    };
    let kind = &*backend;
    if kind != "local" && !arguments::is_known(kind) && !OF_TERRAFORM.contains(&kind) {
        diags.push(invalid(&format!(
            "There is no backend type named \"{kind}\", as `backend` says."
        )));
        return diags;
    }
    let given = config
        .get("config")
        .filter(|given| given.is_known() && !given.is_null());
    if given.is_some_and(|given| given.as_entries().is_none()) {
        diags.push(invalid(&format!(
            "The given `config` is not valid for the backend \"{kind}\": an object is required."
        )));
    }
    diags
}

/// Reads the state, and fills in `outputs`.
pub(super) fn read(config: &Value, states: &RemoteStates) -> Result<Value, Diagnostics> {
    let backend = text(config, "backend").unwrap_or_default();
    let store = match &*backend {
        "local" => Store::new(file(config)?),
        kind => remote(kind, config, states.outside.as_ref())?,
    };
    let store = store.with_encryption(states.encryption.clone());
    let Some(state) = state(&store).map_err(|error| not_found(&error.to_string()))? else {
        let why = "No stored state was found for the given workspace in the given backend.";
        return Err(not_found(why)
            .hint(format!("It was looked for in `{}`.", store.place()))
            .into());
    };
    let defaults = config.get("defaults").and_then(Value::as_entries);
    let defaults = defaults.into_iter().flatten();
    let mut outputs: std::collections::BTreeMap<_, _> = defaults
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for (name, output) in state.outputs {
        outputs.insert(name.into(), output.value);
    }
    let outputs = Value::object(outputs);
    Ok(config.map_children(|step, child| match step {
        strata_core::PathStep::Attribute(name) if &*name == "outputs" => outputs.clone(),
        _ => child.clone(),
    }))
}

/// The state, with what a killed run did if it is on this disk; none if there is none.
fn state(store: &Store) -> Result<Option<State>, StateError> {
    if store.is_remote() {
        return store.peek();
    }
    let opened = store.open()?;
    Ok(opened.base.is_there().then_some(opened.state))
}

/// A state that is not on the local disk.
fn remote(kind: &str, config: &Value, outside: Option<&Outside>) -> Result<Store, Diagnostics> {
    let outside = outside
        .filter(|_| arguments::is_known(kind))
        .ok_or_else(|| {
            let known = "only \"local\", \"s3\" and \"http\"";
            invalid(&format!(
                "There is no backend type named \"{kind}\" here, {known}."
            ))
        })?;
    let given = config.get("config").map(json::plain);
    let given = given
        .as_ref()
        .and_then(serde_json::Value::as_object)
        .cloned();
    let arguments = arguments::check(kind, &given.unwrap_or_default()).map_err(|wrong| {
        let mut diags = Diagnostics::new();
        diags.extend(wrong.into_iter().map(|wrong| {
            let summary = wrong.summary;
            let detail = format!("{summary}: {}", wrong.detail);
            match wrong.hint {
                Some(hint) => invalid(&detail).hint(hint),
                None => invalid(&detail),
            }
        }));
        diags
    })?;
    let workspace = text(config, "workspace").unwrap_or_else(|| "default".to_owned());
    let remote = Backend::open(kind, &arguments, outside)
        .and_then(|backend| backend.state(&workspace))
        .map_err(|error| invalid(&error.to_string()))?;
    Ok(Store::remote(remote, PathBuf::new()))
}

fn not_found(why: &str) -> Diagnostic {
    Diagnostic::error("remote-state", "Unable to find remote state").detail(why)
}

fn file(config: &Value) -> Result<PathBuf, Diagnostics> {
    let nothing = Value::Null(Type::Dynamic);
    let arguments = config.get("config").unwrap_or(&nothing);
    let known = ["path", "workspace_dir"];
    let entries = arguments.as_entries().into_iter().flatten();
    if let Some((name, _)) = entries
        .into_iter()
        .find(|(name, _)| !known.contains(&&***name))
    {
        let detail = format!(
            "The given configuration is not valid for backend \"local\": unexpected attribute {:?}.",
            &**name
        );
        return Err(invalid(&detail).into());
    }
    let workspace = text(config, "workspace").filter(|name| name != "default");
    let path = || text(arguments, "path").unwrap_or_else(|| "terraform.tfstate".to_owned());
    Ok(match workspace {
        None => PathBuf::from(path()),
        Some(workspace) => {
            let folder = text(arguments, "workspace_dir");
            let folder = folder.unwrap_or_else(|| "terraform.tfstate.d".to_owned());
            Path::new(&folder).join(workspace).join("terraform.tfstate")
        }
    })
}

fn text(value: &Value, name: &str) -> Option<String> {
    let text = value.get(name)?.convert(&Type::String).ok()?;
    text.as_str().map(str::to_owned)
}

fn invalid(detail: &str) -> Diagnostic {
    Diagnostic::error("remote-state", "Invalid backend configuration").detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(arguments: &[(&str, Value)]) -> Value {
        let mut all = vec![
            ("backend", Value::string("local")),
            ("config", Value::Null(Type::Dynamic)),
            ("defaults", Value::Null(Type::Dynamic)),
            ("outputs", Value::unknown(Type::Dynamic)),
            ("workspace", Value::Null(Type::String)),
        ];
        for (name, value) in arguments {
            all.retain(|(known, _)| known != name);
            all.push((name, value.clone()));
        }
        Value::object(all)
    }

    #[test]
    fn outputs_are_read_and_defaults_stand_in_for_missing_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.tfstate");
        let state = r#"{"version":4,"terraform_version":"1.11.4","serial":1,"lineage":"l","outputs":{"a":{"value":"v","type":"string"}},"resources":[]}"#;
        std::fs::write(&path, state).unwrap();
        let at = |path: &Path| Value::object([("path", Value::string(path.to_str().unwrap()))]);
        let defaults = Value::object([("a", Value::string("d")), ("b", Value::string("d"))]);
        let read = read(
            &config(&[("config", at(&path)), ("defaults", defaults)]),
            &RemoteStates::default(),
        )
        .unwrap();
        let outputs = read.get("outputs").unwrap();
        assert_eq!(outputs.get("a"), Some(&Value::string("v")));
        assert_eq!(outputs.get("b"), Some(&Value::string("d")));
        let gone = config(&[("config", at(&folder.path().join("none")))]);
        let error = super::read(&gone, &RemoteStates::default()).unwrap_err();
        assert_eq!(
            error.iter().next().unwrap().summary,
            "Unable to find remote state"
        );
    }

    #[test]
    fn other_backends_and_arguments_are_refused_by_name() {
        let wrong = |config: &Value| {
            read(config, &RemoteStates::default())
                .unwrap_err()
                .iter()
                .next()
                .unwrap()
                .detail
                .clone()
        };
        assert!(wrong(&config(&[("backend", Value::string("consul"))])).contains("\"consul\""));
        let odd = Value::object([("bucket", Value::string("b"))]);
        assert!(wrong(&config(&[("config", odd)])).contains("\"bucket\""));
    }
}
