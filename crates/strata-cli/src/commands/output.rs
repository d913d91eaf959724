//! `output`: the outputs in state.

use std::path::PathBuf;

use anstream::println;
use serde_json::{Map, json};
use strata_core::{Diagnostic, Diagnostics, Type};
use strata_ops::infrastructure::{Settings, stored};

use super::{Exit, process};
use crate::{args, render::value::long};

pub(super) fn run(arguments: &args::Output) -> Result<Exit, Diagnostics> {
    let settings = Settings {
        state: arguments.state.clone(),
        ..Settings::of(PathBuf::from("."))
    };
    let state = stored::read(&settings, &process()?)?;
    let Some(name) = &arguments.name else {
        all(&state, arguments.json);
        return Ok(0);
    };
    let Some(output) = state.outputs.get(name.as_str()) else {
        let diagnostic = Diagnostic::error("no-output", format!("Output {name:?} not found"))
            .detail("The output variable requested could not be found in the state file.")
            .hint("If it was added to the configuration just now, run `strata apply` first.");
        return Err(diagnostic.into());
    };
    match (arguments.json, arguments.raw) {
        (true, _) => println!("{}", stored::plain(&output.value)),
        (false, true) => print_raw(name, &output.value)?,
        (false, false) => println!("{}", long(&output.value, 0)),
    }
    Ok(0)
}

fn print_raw(name: &str, value: &strata_core::Value) -> Result<(), Diagnostics> {
    let text = value
        .convert(&Type::String)
        .ok()
        .filter(|text| !text.is_null());
    match text.as_ref().and_then(|text| text.as_str()) {
        Some(text) => {
            anstream::print!("{text}");
            Ok(())
        }
        None => {
            let diagnostic = Diagnostic::error("raw-output", "Unsupported value for raw output");
            Err(diagnostic
                .detail(format!(
                    "Output `{name}` has no raw text: only strings, numbers and bools have."
                ))
                .hint("Use `-json`.")
                .into())
        }
    }
}

fn all(state: &stored::State, as_json: bool) {
    if as_json {
        let outputs: Map<_, _> = state.outputs.iter().map(|(name, output)| {
            let value = json!({ "sensitive": output.sensitive, "type": stored::type_of(&output.value), "value": stored::plain(&output.value) });
            (name.to_string(), value)
        }).collect();
        println!("{:#}", serde_json::Value::Object(outputs));
        return;
    }
    if state.outputs.is_empty() {
        anstream::eprintln!("There are no outputs in the state.");
    }
    for (name, output) in &state.outputs {
        let text = if output.sensitive {
            "<sensitive>".to_owned()
        } else {
            long(&output.value, 0)
        };
        println!("{name} = {text}");
    }
}
