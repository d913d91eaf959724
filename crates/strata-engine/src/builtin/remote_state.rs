//! `terraform_remote_state`: the outputs of another root module, out of its state.
//!
//! Only states in local files can be read. As in Terraform a state that was never written has no outputs to give,
//! and `defaults` stand in for outputs that a state lacks.

use std::path::{Path, PathBuf};

use strata_core::{
    Diagnostic, Diagnostics, Type, Value,
    schema::{Attribute, Block, Presence, Resource},
};
use strata_state::Store;

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
            "Where the state is kept: `local`.",
        ),
        attribute(
            "config",
            Type::Dynamic,
            Presence::Optional,
            "The backend's arguments: `path`, `workspace_dir`.",
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

/// Reads the state, and fills in `outputs`.
pub(super) fn read(config: &Value) -> Result<Value, Diagnostics> {
    let backend = text(config, "backend").unwrap_or_default();
    if backend != "local" {
        let detail = format!("There is no backend type named \"{backend}\" here, only \"local\".");
        return Err(invalid(&detail).into());
    }
    let file = file(config)?;
    let opened = Store::new(&file).open().map_err(|error| {
        Diagnostic::error("remote-state", "Unable to find remote state").detail(error.to_string())
    })?;
    if !opened.base.is_there() {
        return Err(
            Diagnostic::error("remote-state", "Unable to find remote state")
                .detail("No stored state was found for the given workspace in the given backend.")
                .hint(format!("It was looked for in `{}`.", file.display()))
                .into(),
        );
    }
    let defaults = config.get("defaults").and_then(Value::as_entries);
    let defaults = defaults.into_iter().flatten();
    let mut outputs: std::collections::BTreeMap<_, _> = defaults
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    for (name, output) in opened.state.outputs {
        outputs.insert(name, output.value);
    }
    let outputs = Value::object(outputs);
    Ok(config.map_children(|step, child| match step {
        strata_core::PathStep::Attribute(name) if &*name == "outputs" => outputs.clone(),
        _ => child.clone(),
    }))
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
        let read = read(&config(&[("config", at(&path)), ("defaults", defaults)])).unwrap();
        let outputs = read.get("outputs").unwrap();
        assert_eq!(outputs.get("a"), Some(&Value::string("v")));
        assert_eq!(outputs.get("b"), Some(&Value::string("d")));
        let gone = config(&[("config", at(&folder.path().join("none")))]);
        let error = super::read(&gone).unwrap_err();
        assert_eq!(
            error.iter().next().unwrap().summary,
            "Unable to find remote state"
        );
    }

    #[test]
    fn other_backends_and_arguments_are_refused_by_name() {
        let wrong = |config: &Value| {
            read(config)
                .unwrap_err()
                .iter()
                .next()
                .unwrap()
                .detail
                .clone()
        };
        assert!(wrong(&config(&[("backend", Value::string("http"))])).contains("\"http\""));
        let odd = Value::object([("bucket", Value::string("b"))]);
        assert!(wrong(&config(&[("config", odd)])).contains("\"bucket\""));
    }
}
