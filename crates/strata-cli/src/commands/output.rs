//! `output`: the outputs in state.

use std::path::PathBuf;

use anstream::println;
use serde_json::Value as Json;
use strata_core::{Diagnostic, Diagnostics, Type};
use strata_ops::infrastructure::{Settings, stored};

use super::{Exit, complain, process};
use crate::{args, render::value::long};

pub(super) fn run(arguments: &args::Output) -> Result<Exit, Diagnostics> {
    check(arguments)?;
    let settings = Settings {
        state: arguments.state.clone(),
        ..Settings::of(PathBuf::from("."))
    };
    let state = stored::read(&settings, &process()?)?;
    let Some(name) = &arguments.name else {
        all(&state, arguments.json);
        return Ok(0);
    };
    // As text alone that is no mistake; with `-raw` a script would take nothing for the value.
    if state.outputs.is_empty() && !arguments.json && !arguments.raw {
        complain(&no_outputs().into());
        return Ok(0);
    }
    let Some(output) = state.outputs.get(name.as_str()) else {
        let diagnostic = Diagnostic::error("no-output", format!("Output {name:?} not found"))
            .detail("The output variable requested could not be found in the state file.")
            .hint("If it was added to the configuration just now, run `strata apply` first.");
        return Err(diagnostic.into());
    };
    match (arguments.json, arguments.raw) {
        (true, _) => println!("{}", stored::exact_json(&output.value)),
        (false, true) => print_raw(name, &output.value)?,
        (false, false) => println!("{}", long(&output.value, 0)),
    }
    Ok(0)
}

/// Refuses forms that do not go together.
fn check(arguments: &args::Output) -> Result<(), Diagnostic> {
    let (summary, detail) = match arguments {
        args::Output {
            raw: true,
            json: true,
            ..
        } => (
            "Invalid output format",
            "The -raw and -json options are mutually-exclusive.",
        ),
        args::Output {
            raw: true,
            name: None,
            ..
        } => (
            "Output name required",
            "With `-raw` the name of the output must be given, of which the value is wanted.",
        ),
        args::Output { names, .. } if !names.is_empty() => (
            "Unexpected argument",
            "The output command expects exactly one argument with the name of an output variable or no arguments to show all outputs.",
        ),
        _ => return Ok(()),
    };
    Err(Diagnostic::error("options", summary).detail(detail))
}

fn no_outputs() -> Diagnostic {
    Diagnostic::warning("no-outputs", "No outputs found")
        .detail("The state has no outputs.")
        .hint("Declare them in `output` blocks, and run `strata apply` or `strata refresh`.")
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
        let outputs = state.outputs.iter().map(|(name, output)| {
            let (name, ty) = (Json::from(&**name), stored::type_of(&output.value));
            let value = stored::exact_json(&output.value);
            let sensitive = output.sensitive;
            format!(r#"{name}:{{"sensitive":{sensitive},"type":{ty},"value":{value}}}"#)
        });
        let outputs: Vec<String> = outputs.collect();
        println!("{}", indented(&format!("{{{}}}", outputs.join(","))));
        return;
    }
    if state.outputs.is_empty() {
        complain(&no_outputs().into());
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

/// Compact JSON with a line for each item. The text is kept, since numbers would lose digits as values.
fn indented(json: &str) -> String {
    let mut out = String::new();
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    let mut rest = json.chars().peekable();
    while let Some(c) = rest.next() {
        let line = |depth: usize| format!("\n{}", "  ".repeat(depth));
        match c {
            _ if in_text => {
                out.push(c);
                in_text = escaped || c != '"';
                escaped = c == '\\' && !escaped;
            }
            '{' | '[' => {
                out.push(c);
                match rest.next_if(|next| matches!(next, '}' | ']')) {
                    Some(close) => out.push(close),
                    None => {
                        depth += 1;
                        out.push_str(&line(depth));
                    }
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                out.push_str(&line(depth));
                out.push(c);
            }
            ',' => {
                out.push(c);
                out.push_str(&line(depth));
            }
            ':' => out.push_str(": "),
            c => {
                in_text = c == '"';
                out.push(c);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_json_gets_lines_and_keeps_its_digits() {
        let json = r#"{"a":{"x":[12345678901234567890123,{},[]],"y":"{[\",: \\"},"b":null}"#;
        let expected = expect_test::expect![[r#"
            {
              "a": {
                "x": [
                  12345678901234567890123,
                  {},
                  []
                ],
                "y": "{[\",: \\"
              },
              "b": null
            }"#]];
        expected.assert_eq(&indented(json));
    }
}
