//! A module's name and arguments, rendered.

use serde_json::Value as Json;
use strata_jinja::{Templar, TemplateError};

use super::Job;
use crate::{JsonMap, outcome, session::TaskError};

/// A module's name may be a template.
pub(super) fn module_name(templar: &Templar, name: &str) -> Result<String, TaskError> {
    if !name.contains("{{") {
        return Ok(name.to_owned());
    }
    let rendered = outcome::text(&templar.render_text(name)?);
    let builtin = rendered.strip_prefix("ansible.builtin.");
    let legacy = rendered.strip_prefix("ansible.legacy.");
    Ok(builtin.or(legacy).unwrap_or(&rendered).to_owned())
}

/// The arguments with the module's defaults below them, rendered.
pub(super) fn arguments_of(
    job: &Job,
    templar: &Templar,
    module: &str,
    arguments: &Json,
) -> Result<JsonMap, TaskError> {
    let mut all = JsonMap::new();
    for defaults in &job.task.keywords.module_defaults {
        if defaults.module != module {
            continue;
        }
        match templar.render(&defaults.arguments.value)? {
            Json::Object(map) => all.extend(map),
            _ => {
                return Err(TaskError::Failed(format!(
                    "the `module_defaults` of `{module}` need a mapping"
                )));
            }
        }
    }
    match templar
        .render(arguments)
        .map_err(|error| of_argument(error, arguments, templar))?
    {
        Json::Object(map) => {
            // What is omitted is not given at all, not even by the defaults.
            let named = arguments.as_object().into_iter().flatten();
            for (name, _) in named.filter(|(name, _)| !map.contains_key(*name)) {
                all.remove(name);
            }
            all.extend(map);
        }
        Json::Null => {}
        other => {
            return Err(TaskError::Failed(format!(
                "the arguments of `{module}` need a mapping, not `{other}`"
            )));
        }
    }
    Ok(all)
}

/// Names the argument in which a template went wrong.
fn of_argument(error: TemplateError, arguments: &Json, templar: &Templar) -> TaskError {
    let Json::Object(map) = arguments else {
        return error.into();
    };
    // What looks something up is not asked again: that may take long, or do something.
    let (asking, plain): (Vec<_>, Vec<_>) = map.iter().partition(|(_, value)| looks_up(value));
    let wrong = plain
        .into_iter()
        .find(|(_, value)| templar.render(value).is_err());
    let wrong = wrong.or(match asking.as_slice() {
        [only] => Some(*only),
        _ => None,
    });
    match (wrong, TaskError::from(error)) {
        (Some((name, _)), TaskError::Failed(reason)) => TaskError::Failed(format!(
            "the argument `{name}` cannot be rendered: {reason}"
        )),
        (_, error) => error,
    }
}

/// True if a lookup is called somewhere in some arguments.
pub(crate) fn looks_up(arguments: &Json) -> bool {
    match arguments {
        Json::String(text) => ["lookup(", "query(", "q("]
            .iter()
            .any(|call| text.contains(call)),
        Json::Array(items) => items.iter().any(looks_up),
        Json::Object(entries) => entries.values().any(looks_up),
        _ => false,
    }
}
