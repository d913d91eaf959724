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
    let rules = Rules {
        settings,
        strict: settings.get("strict") == Some(&Json::Bool(true)),
        path,
        engine: Engine::new(),
    };
    for host in builder.host_names() {
        rules.host(&host, builder, diags);
    }
}

impl Rules<'_> {
    fn host(&self, host: &str, builder: &mut Builder, diags: &mut Diagnostics) {
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
        for (group, condition) in self
            .settings
            .get("groups")
            .and_then(Json::as_object)
            .into_iter()
            .flatten()
        {
            if self
                .evaluate(condition, &vars, diags)
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
            self.keyed(rule, host, &vars, builder, diags);
        }
    }

    /// A template without braces; what cannot be evaluated is left out unless `strict` says otherwise.
    fn evaluate(&self, template: &Json, vars: &JsonMap, diags: &mut Diagnostics) -> Option<Json> {
        let Json::String(expression) = template else {
            return Some(template.clone());
        };
        let variables: BTreeMap<String, Variable> = vars
            .iter()
            .map(|(name, value)| (name.clone(), Variable::Template(Arc::new(value.clone()))))
            .collect();
        let templar = Templar::new(
            &self.engine,
            Arc::new(variables),
            Arc::new(NoSurroundings::default()),
        );
        match templar.expression(expression) {
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
        let value = match self.evaluate(key, vars, diags) {
            Some(value) if truthy(&value) => value,
            _ => match text("default_value") {
                Some(value) => value.into(),
                None => return,
            },
        };
        let prefix = text("prefix").unwrap_or_default();
        let separator = text("separator").unwrap_or_else(|| "_".to_owned());
        let names: Vec<String> = match &value {
            Json::Array(items) => items.iter().map(plain).collect(),
            Json::Object(map) => map
                .iter()
                .map(|(name, value)| format!("{name}{separator}{}", plain(value)))
                .collect(),
            Json::String(name) => vec![name.clone()],
            other => {
                // Ansible makes no groups of numbers either.
                if self.strict {
                    let message = format!(
                        "`{}`: a key of `keyed_groups` must be a text, a list or a mapping, not `{other}`",
                        self.path.display()
                    );
                    diags.push(Diagnostic::error("inventory", message));
                }
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
            if let Some(parent) = text("parent_group") {
                builder.add_child(&valid(&parent), &group);
            }
        }
    }
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
