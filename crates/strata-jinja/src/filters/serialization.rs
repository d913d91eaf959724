//! `to_json`, `from_json`, `to_yaml`, `from_yaml` and their nice forms.

use minijinja::{Environment, Error, Value, value::Kwargs};
use serde_json::Value as Json;
use strata_core::{Diagnostics, Source};

use super::{add, option, refuse};
use crate::{convert, python_json, yaml};

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "to_json", to_json);
    add(environment, "tojson", for_scripts);
    add(environment, "to_nice_json", to_nice_json);
    add(environment, "from_json", from_json);
    add(environment, "to_yaml", to_yaml);
    add(environment, "to_nice_yaml", to_nice_yaml);
    add(environment, "from_yaml", from_yaml);
    add(environment, "from_yaml_all", from_yaml_all);
}

/// What both kinds of JSON understand; the rest is refused.
fn json_options(options: &Kwargs, nice: bool) -> Result<python_json::Style, Error> {
    let indent = if nice { Some(4) } else { None };
    let style = python_json::Style {
        indent: option::<usize>(options, "indent")?
            .map(|width| width.min(64))
            .or(indent),
        sort_keys: option::<bool>(options, "sort_keys")?.unwrap_or(nice),
        ascii: option::<bool>(options, "ensure_ascii")?.unwrap_or(true),
        separators: match option::<Vec<String>>(options, "separators")?.as_deref() {
            Some([item, key]) => Some((item.clone(), key.clone())),
            _ => None,
        },
    };
    // These only matter for values that JSON cannot hold, or with vaults.
    for harmless in ["preprocess_unsafe", "vault_to_text", "default", "allow_nan"] {
        let _ = option::<Value>(options, harmless)?;
    }
    options.assert_all_used()?;
    Ok(style)
}

fn to_json(value: &Value, options: Kwargs) -> Result<String, Error> {
    Ok(python_json::dump(
        &convert::to_json(value)?,
        &json_options(&options, false)?,
    ))
}

/// `value | tojson(2)`: Jinja's own, with sorted keys, and without what means something in HTML.
fn for_scripts(value: &Value, indent: Option<usize>, options: Kwargs) -> Result<String, Error> {
    let mut style = json_options(&options, false)?;
    style.sort_keys = true;
    style.indent = indent.map(|width| width.min(64)).or(style.indent);
    let text = python_json::dump(&convert::to_json(value)?, &style);
    let escaped = [
        ('<', "\\u003c"),
        ('>', "\\u003e"),
        ('&', "\\u0026"),
        ('\'', "\\u0027"),
    ];
    Ok(escaped
        .into_iter()
        .fold(text, |text, (sign, code)| text.replace(sign, code)))
}

fn to_nice_json(value: &Value, indent: Option<usize>, options: Kwargs) -> Result<String, Error> {
    let mut style = json_options(&options, true)?;
    style.indent = indent.map(|width| width.min(64)).or(style.indent);
    Ok(python_json::dump(&convert::to_json(value)?, &style))
}

fn from_json(value: &Value) -> Result<Value, Error> {
    let Some(text) = value.as_str() else {
        return match value.is_undefined() {
            true => Err(Error::from(minijinja::ErrorKind::UndefinedError)),
            false => refuse("from_json needs a text"),
        };
    };
    match serde_json::from_str::<Json>(text) {
        Ok(json) => Ok(convert::from_json(&json)),
        Err(error) => refuse(format!("the text is not JSON: {error}")),
    }
}

fn yaml_options(options: &Kwargs, nice: bool) -> Result<yaml::DumpStyle, Error> {
    let style = yaml::DumpStyle {
        indent: option::<usize>(options, "indent")?
            .unwrap_or(if nice { 4 } else { 2 })
            .clamp(1, 16),
        width: option::<usize>(options, "width")?.unwrap_or(80),
        sort_keys: option::<bool>(options, "sort_keys")?.unwrap_or(true),
        flow: match option::<Value>(options, "default_flow_style")? {
            Some(value) if value.is_none() => yaml::Flow::Leaves,
            Some(value) if value.is_true() => yaml::Flow::Always,
            None if !nice => yaml::Flow::Leaves,
            _ => yaml::Flow::Never,
        },
        explicit_start: option::<bool>(options, "explicit_start")?.unwrap_or(false),
        unicode: option::<bool>(options, "allow_unicode")?.unwrap_or(true),
        blocks: false,
    };
    options.assert_all_used()?;
    Ok(style)
}

fn to_yaml(value: &Value, options: Kwargs) -> Result<String, Error> {
    Ok(yaml::dump(
        &convert::to_json(value)?,
        &yaml_options(&options, false)?,
    ))
}

fn to_nice_yaml(value: &Value, indent: Option<usize>, options: Kwargs) -> Result<String, Error> {
    let mut style = yaml_options(&options, true)?;
    style.indent = indent.unwrap_or(style.indent).clamp(1, 16);
    Ok(yaml::dump(&convert::to_json(value)?, &style))
}

fn documents(value: &Value) -> Result<Vec<Json>, Error> {
    let Some(text) = value.as_str() else {
        return match value.is_undefined() {
            true => Err(Error::from(minijinja::ErrorKind::UndefinedError)),
            // It is no text any more.
            false => Ok(vec![convert::to_json(value)?]),
        };
    };
    let mut diags = Diagnostics::new();
    let nodes = yaml::parse_all(&Source::new("<from_yaml>", text), &mut diags);
    match diags.iter().find(|diagnostic| diagnostic.is_error()) {
        Some(error) => refuse(format!(
            "the text is not YAML: {} {}",
            error.summary, error.detail
        )),
        None => Ok(nodes.iter().map(yaml::Node::to_json).collect()),
    }
}

fn from_yaml(value: &Value) -> Result<Value, Error> {
    Ok(documents(value)?
        .first()
        .map_or(Value::from(()), convert::from_json))
}

fn from_yaml_all(value: &Value) -> Result<Value, Error> {
    if value.as_str().is_none() && !value.is_undefined() {
        return Ok(value.clone());
    }
    let documents = documents(value)?;
    Ok(documents.iter().map(convert::from_json).collect())
}
