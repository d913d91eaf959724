//! The plugin `constructed`: groups and variables out of what is known of hosts already.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use serde_json::Value as Json;
use strata_core::{Diagnostic, Diagnostics};
use strata_jinja::{Engine, NoSurroundings, Templar, Variable};

use super::build::Builder;
use crate::play::JsonMap;

const KNOWN: &[&str] = &[
    "plugin",
    "strict",
    "compose",
    "groups",
    "keyed_groups",
    "use_extra_vars",
    "use_vars_plugins",
    "leading_separator",
];

struct Rules<'a> {
    settings: &'a Json,
    strict: bool,
    path: &'a Path,
    engine: Arc<Engine>,
}

/// Applies the rules of a file to all hosts read so far.
pub(super) fn apply(settings: &Json, path: &Path, builder: &mut Builder, diags: &mut Diagnostics) {
    for key in settings
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key)
    {
        if !KNOWN.contains(&key.as_str()) {
            let message = format!(
                "`{}`: the plugin `constructed` has no option `{key}`",
                path.display()
            );
            diags.push(Diagnostic::error("inventory", message));
        }
    }
    let hosts = builder.host_names();
    apply_to(settings, path, (&hosts, &[]), builder, diags);
}

/// Applies the rules of a file to some hosts; to the second ones only those that give variables.
pub(super) fn apply_to(
    settings: &Json,
    path: &Path,
    (whole, composed): (&[String], &[String]),
    builder: &mut Builder,
    diags: &mut Diagnostics,
) {
    let rules = Rules {
        settings,
        strict: settings.get("strict") == Some(&Json::Bool(true)),
        path,
        engine: Engine::new(),
    };
    for host in whole {
        let vars = rules.compose(host, builder, diags);
        rules.groups(host, &vars, builder, diags);
    }
    for host in composed {
        rules.compose(host, builder, diags);
    }
}

impl Rules<'_> {
    /// Gives a host its variables; gives all that are known of it then.
    fn compose(&self, host: &str, builder: &mut Builder, diags: &mut Diagnostics) -> JsonMap {
        let mut vars = builder.known_of(host);
        for (name, template) in self
            .settings
            .get("compose")
            .and_then(Json::as_object)
            .into_iter()
            .flatten()
        {
            let composed = self.evaluate(template, &vars, diags);
            if let Some(value) = composed {
                vars.insert(name.clone(), value.clone());
                builder
                    .host(host, Some(self.path))
                    .vars
                    .insert(name.clone(), value);
            }
        }
        vars
    }

    /// Puts a host into its groups.
    fn groups(&self, host: &str, vars: &JsonMap, builder: &mut Builder, diags: &mut Diagnostics) {
        for (group, condition) in self
            .settings
            .get("groups")
            .and_then(Json::as_object)
            .into_iter()
            .flatten()
        {
            if self
                .evaluate(condition, vars, diags)
                .is_some_and(|value| truthy(&value))
            {
                builder.group(group);
                builder.add_host(&valid(group), host);
            }
        }
        for rule in self
            .settings
            .get("keyed_groups")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
        {
            self.keyed(rule, host, vars, builder, diags);
        }
    }

    /// A text that may hold templates.
    fn rendered(&self, text: &Json, vars: &JsonMap) -> Option<String> {
        let rendered = self.templar(vars).render(text).ok()?;
        Some(plain(&rendered)).filter(|text| !text.is_empty() && !rendered.is_null())
    }

    fn templar(&self, vars: &JsonMap) -> Templar {
        let variables: BTreeMap<String, Variable> = vars
            .iter()
            .map(|(name, value)| (name.clone(), Variable::Template(Arc::new(value.clone()))))
            .collect();
        Templar::new(
            &self.engine,
            Arc::new(variables),
            Arc::new(NoSurroundings::default()),
        )
    }

    /// A template without braces; what cannot be evaluated is left out unless `strict` says otherwise.
    fn evaluate(&self, template: &Json, vars: &JsonMap, diags: &mut Diagnostics) -> Option<Json> {
        let Json::String(expression) = template else {
            return Some(template.clone());
        };
        match self.templar(vars).expression(expression) {
            Ok(value) => Some(value),
            Err(error) if self.strict => {
                let message = format!(
                    "`{}`: `{expression}` cannot be evaluated",
                    self.path.display()
                );
                diags.push(Diagnostic::error("inventory", message).detail(error.to_string()));
                None
            }
            Err(_) => None,
        }
    }

    fn keyed(
        &self,
        rule: &Json,
        host: &str,
        vars: &JsonMap,
        builder: &mut Builder,
        diags: &mut Diagnostics,
    ) {
        let text = |name: &str| rule.get(name).and_then(Json::as_str).map(str::to_owned);
        let Some(key) = rule.get("key") else {
            let message = format!(
                "`{}`: an entry of `keyed_groups` needs a `key`",
                self.path.display()
            );
            diags.push(Diagnostic::error("inventory", message));
            return;
        };
        // What is undefined makes no group, not even the one by default.
        let Some(value) = self.evaluate(key, vars, diags) else {
            return;
        };
        let default = text("default_value");
        let prefix = text("prefix").unwrap_or_default();
        let separator = text("separator").unwrap_or_else(|| "_".to_owned());
        let names: Vec<String> = match &value {
            empty if is_empty(empty) => default.into_iter().collect(),
            falsy if !truthy(falsy) => return,
            Json::Array(items) => items
                .iter()
                .map(|item| match &default {
                    Some(default) if is_empty(item) => default.clone(),
                    _ => plain(item),
                })
                .collect(),
            Json::Object(map) => map
                .iter()
                .map(|(name, value)| match (is_empty(value), &default) {
                    (true, Some(default)) => format!("{name}{separator}{default}"),
                    (true, None) if rule.get("trailing_separator") == Some(&Json::Bool(false)) => {
                        name.clone()
                    }
                    (true, None) => format!("{name}{separator}"),
                    (false, _) => format!("{name}{separator}{}", plain(value)),
                })
                .collect(),
            Json::String(name) => vec![name.clone()],
            // Ansible gives up here with what it made before; the other rules are as good as they were.
            _ if !self.strict => return,
            other => {
                let message = format!(
                    "`{}`: Invalid group name format, expected a string or a list of them or dictionary, got: {other}",
                    self.path.display()
                );
                diags.push(Diagnostic::error("inventory", message));
                return;
            }
        };
        let leading = self.settings.get("leading_separator") != Some(&Json::Bool(false));
        for name in names {
            let head = if prefix.is_empty() && !leading {
                String::new()
            } else {
                format!("{prefix}{separator}")
            };
            let group = valid(&format!("{head}{name}"));
            builder.group(&group);
            builder.add_host(&group, host);
            let parent = rule
                .get("parent_group")
                .and_then(|parent| self.rendered(parent, vars));
            if let Some(parent) = parent {
                builder.add_child(&valid(&parent), &group);
            }
        }
    }
}

/// What a default stands in for.
fn is_empty(value: &Json) -> bool {
    value.is_null() || value.as_str() == Some("")
}

fn plain(value: &Json) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn truthy(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Bool(value) => *value,
        Json::Number(number) => number.as_f64() != Some(0.0),
        Json::String(text) => !text.is_empty(),
        Json::Array(items) => !items.is_empty(),
        Json::Object(map) => !map.is_empty(),
    }
}

/// A group's name may have only letters, digits and `_`.
fn valid(name: &str) -> String {
    name.chars()
        .map(|one| {
            if one.is_ascii_alphanumeric() || one == '_' {
                one
            } else {
                '_'
            }
        })
        .collect()
}
