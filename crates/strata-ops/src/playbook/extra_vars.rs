//! `-e`: variables of the command line.

use std::path::Path;

use serde_json::{Map, Value as Json};
use strata_core::{Diagnostic, Diagnostics, Source, files::Files};
use strata_jinja::yaml;

use crate::registry::split;

/// Reads `-e`: `@FILE`, JSON or YAML in braces, or words `NAME=VALUE`.
pub(super) fn read(
    files: &dyn Files,
    arguments: &[String],
    diags: &mut Diagnostics,
) -> Map<String, Json> {
    let mut all = Map::new();
    for argument in arguments {
        let variables = match argument.strip_prefix('@') {
            Some(file) => strata_playbook::load::vars_file(files, Path::new(file), diags),
            None if argument.trim_start().starts_with(['{', '[']) => inline(argument, diags),
            None => words(argument, diags),
        };
        all.extend(variables.unwrap_or_default());
    }
    all
}

fn inline(text: &str, diags: &mut Diagnostics) -> Option<Map<String, Json>> {
    let source = Source::new("--extra-vars", text);
    match yaml::parse(&source, diags)?.to_json() {
        Json::Object(variables) => Some(variables),
        _ => {
            diags.push(Diagnostic::error(
                "extra-vars",
                "`-e` needs a mapping of names to values",
            ));
            None
        }
    }
}

fn words(text: &str, diags: &mut Diagnostics) -> Option<Map<String, Json>> {
    let Some(words) = split(text) else {
        diags.push(Diagnostic::error(
            "extra-vars",
            format!("`-e {text}` has an open quote"),
        ));
        return None;
    };
    let mut variables = Map::new();
    for word in words {
        match word.split_once('=') {
            Some((name, value)) => drop(variables.insert(name.to_owned(), Json::from(value))),
            None => diags.push(
                Diagnostic::error("extra-vars", format!("`-e {word}` has no value"))
                    .hint("Write `-e NAME=VALUE`, `-e '{\"name\": value}'` or `-e @FILE`."),
            ),
        }
    }
    Some(variables)
}
