//! How `helm` is to install, upgrade or take away a release, and with which values.

use serde_json::{Map, Value};

use super::Helm;
use crate::arguments::{Arguments, text};
use crate::host::Host;
use crate::module::ModuleError;

/// The values of the release.
pub(super) struct Given {
    pub(super) values: Map<String, Value>,
    pub(super) files: Vec<String>,
    pub(super) set: Vec<(String, String)>,
}

/// How it is installed, upgraded or taken away.
pub(super) struct Options {
    pub(super) reuse: Option<bool>,
    pub(super) reset: bool,
    pub(super) reset_then_reuse: bool,
    pub(super) no_hooks: bool,
    pub(super) force: bool,
    pub(super) wait: bool,
    pub(super) wait_timeout: Option<String>,
    pub(super) timeout: Option<String>,
    pub(super) atomic: bool,
    pub(super) create_namespace: bool,
    pub(super) post_renderer: Option<String>,
    pub(super) replace: bool,
    pub(super) skip_crds: bool,
    pub(super) history_max: Option<i64>,
    pub(super) take_ownership: bool,
    pub(super) skip_schema: bool,
}

impl Given {
    pub(super) fn read(arguments: &Arguments) -> Result<Given, ModuleError> {
        let values = arguments.raw("release_values").and_then(Value::as_object);
        let list = match arguments.raw("set_values") {
            None => Vec::new(),
            Some(Value::Array(list)) => list.clone(),
            Some(one) => vec![one.clone()],
        };
        let mut set = Vec::new();
        for one in &list {
            let kind = match &one["value_type"] {
                Value::Null => Some("raw".to_owned()),
                kind => text(kind)
                    .filter(|kind| ["raw", "string", "json", "file"].contains(&kind.as_str())),
            };
            let (Some(kind), Some(value)) = (kind, text(&one["value"])) else {
                return Err(ModuleError::new(
                    "set_values: each item is a map with a `value` and a `value_type` that is raw, string, json or file",
                ));
            };
            set.push((kind, value));
        }
        Ok(Given {
            values: values.cloned().unwrap_or_default(),
            files: arguments.list("values_files").unwrap_or_default(),
            set,
        })
    }

    pub(super) fn set_words(&self, helm: &Helm, host: &dyn Host) -> Result<String, ModuleError> {
        if self.set.iter().any(|(kind, _)| kind == "json") && !helm.is_at_least(host, "3.10.0")? {
            let version = helm.version(host)?;
            return Err(ModuleError::new(format!(
                "This module requires helm >= 3.10.0, to use set_values parameter with value type set to 'json'. \
                 current version is {version}"
            )));
        }
        let word = |(kind, value): &(String, String)| match kind.as_str() {
            "raw" => format!(" --set {value}"),
            kind => format!(" --set-{kind} '{value}'"),
        };
        Ok(self.set.iter().map(word).collect())
    }
}

impl Options {
    pub(super) fn read(arguments: &Arguments) -> Options {
        Options {
            reuse: arguments.maybe("reuse_values"),
            reset: arguments.bool("reset_values"),
            reset_then_reuse: arguments.bool("reset_then_reuse_values"),
            no_hooks: arguments.bool("disable_hook"),
            force: arguments.bool("force"),
            wait: arguments.bool("wait"),
            wait_timeout: arguments.string("wait_timeout"),
            timeout: arguments.string("timeout"),
            atomic: arguments.bool("atomic"),
            create_namespace: arguments.bool("create_namespace"),
            post_renderer: arguments.filled("post_renderer"),
            replace: arguments.bool("replace"),
            skip_crds: arguments.bool("skip_crds"),
            history_max: arguments.int("history_max"),
            take_ownership: arguments.bool("take_ownership"),
            skip_schema: arguments.bool("skip_schema_validation"),
        }
    }
}
