//! What programs and plugins say of hosts: the JSON that an inventory program prints for `--list`.

use std::path::Path;

use serde_json::{Map, Value as Json};
use strata_core::{Diagnostic, Diagnostics};

use super::build::Builder;

/// Asks programs and plugins, which this crate must not do by itself.
pub trait Fetch {
    /// What the program at `path` says; none if it is no program. Complete: with the variables of each host.
    fn program(&self, path: &Path) -> Option<Result<Json, String>>;

    /// What a plugin says, configured by the file at `path`; none if there is no plugin of this name.
    ///
    /// Beside what a program says, `_meta` may have the lists `constructed` of hosts to which the rules of the
    /// settings (`compose`, `groups`, `keyed_groups`) are applied, and `composed` of those that only get variables.
    fn plugin(&self, name: &str, settings: &Json, path: &Path) -> Option<Result<Json, String>>;

    /// What the state of an infrastructure says, if the text at `path` is one.
    fn state(&self, text: &str, path: &Path) -> Option<Result<Json, String>>;

    /// Whether the settings say that what has this name in an inventory folder is no inventory; none: the usual.
    fn ignores(&self, _name: &str) -> Option<bool> {
        None
    }
}

/// Has neither programs nor plugins.
pub struct NoFetch;

impl Fetch for NoFetch {
    fn program(&self, _path: &Path) -> Option<Result<Json, String>> {
        None
    }

    fn plugin(&self, _name: &str, _settings: &Json, _path: &Path) -> Option<Result<Json, String>> {
        None
    }

    fn state(&self, _text: &str, _path: &Path) -> Option<Result<Json, String>> {
        None
    }
}

/// Adds what was said.
pub(super) fn add(
    said: &Result<Json, String>,
    path: &Path,
    builder: &mut Builder,
    diags: &mut Diagnostics,
) {
    let problem = match said {
        Ok(Json::Object(groups)) => {
            let mut problems = Vec::new();
            for (name, group) in groups.iter().filter(|(name, _)| *name != "_meta") {
                problems.extend(add_group(name, group, path, builder).err());
            }
            add_hostvars(groups, path, builder);
            problems.into_iter().next()
        }
        Ok(other) => Some(format!("it must print a mapping of groups, not `{other}`")),
        Err(reason) => Some(reason.clone()),
    };
    if let Some(problem) = problem {
        let message = format!("the inventory `{}` cannot be used", path.display());
        diags.push(Diagnostic::error("inventory", message).detail(problem));
    }
}

/// The hosts of a plugin that its rules are applied to, and those that only get variables by them.
pub(super) fn constructed(said: &Result<Json, String>) -> (Vec<String>, Vec<String>) {
    let names = |key: &str| -> Vec<String> {
        let list = said
            .as_ref()
            .ok()
            .and_then(|said| said["_meta"][key].as_array());
        let names = list.into_iter().flatten().filter_map(Json::as_str);
        names.map(str::to_owned).collect()
    };
    (names("constructed"), names("composed"))
}

/// A group: a mapping with `hosts`, `vars` and `children`, or the list of its hosts.
fn add_group(name: &str, group: &Json, path: &Path, builder: &mut Builder) -> Result<(), String> {
    builder.group(name);
    let names = |value: &Json| -> Result<Vec<String>, String> {
        match value {
            Json::Array(items) => items
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect::<Option<_>>(),
            Json::Null => Some(Vec::new()),
            _ => None,
        }
        .ok_or_else(|| format!("`{name}` must have lists of names"))
    };
    let map = match group {
        Json::Array(_) => Map::from_iter([("hosts".to_owned(), group.clone())]),
        Json::Object(map) => map.clone(),
        other => {
            return Err(format!(
                "the group `{name}` must be a mapping or a list, not `{other}`"
            ));
        }
    };
    let known = map
        .keys()
        .any(|key| matches!(key.as_str(), "hosts" | "children" | "vars"));
    if !known && !map.is_empty() {
        // The oldest form: a host by itself with its variables.
        builder.host(name, Some(path)).vars.extend(map);
        return Ok(());
    }
    for host in map.get("hosts").map(names).transpose()?.unwrap_or_default() {
        builder.host(&host, Some(path));
        builder.add_host(name, &host);
    }
    for child in map
        .get("children")
        .map(names)
        .transpose()?
        .unwrap_or_default()
    {
        builder.add_child(name, &child);
    }
    if let Some(Json::Object(vars)) = map.get("vars") {
        builder.group(name).vars.extend(vars.clone());
    }
    Ok(())
}

fn add_hostvars(groups: &Map<String, Json>, path: &Path, builder: &mut Builder) {
    let hosts = groups.get("_meta").and_then(|meta| meta.get("hostvars"));
    for (host, vars) in hosts.and_then(Json::as_object).into_iter().flatten() {
        if let Json::Object(vars) = vars {
            builder.host(host, Some(path)).vars.extend(vars.clone());
        }
    }
}
