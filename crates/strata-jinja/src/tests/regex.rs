//! `match`, `search` and `regex`.

use minijinja::{Environment, Error, ErrorKind, Value, value::Kwargs};

use super::add;
use crate::{
    python,
    python_regex::{self, Flags},
};

pub(super) fn register(environment: &mut Environment<'static>) {
    add(
        environment,
        "match",
        |value: &Value,
         pattern: String,
         ignore_case: Option<bool>,
         multi_line: Option<bool>,
         options: Kwargs| {
            matches(
                value,
                &format!("^(?:{pattern})"),
                ignore_case,
                multi_line,
                &options,
                true,
            )
        },
    );
    add(
        environment,
        "search",
        |value: &Value,
         pattern: String,
         ignore_case: Option<bool>,
         multi_line: Option<bool>,
         options: Kwargs| {
            matches(value, &pattern, ignore_case, multi_line, &options, false)
        },
    );
    add(
        environment,
        "regex",
        |value: &Value,
         pattern: String,
         ignore_case: Option<bool>,
         multi_line: Option<bool>,
         options: Kwargs| {
            matches(value, &pattern, ignore_case, multi_line, &options, false)
        },
    );
}

fn matches(
    value: &Value,
    pattern: &str,
    ignore_case: Option<bool>,
    multi_line: Option<bool>,
    options: &Kwargs,
    at_start: bool,
) -> Result<bool, Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    let named =
        |name: &str| -> Result<bool, Error> { Ok(options.has(name) && options.get::<bool>(name)?) };
    let flags = Flags {
        ignore_case: named("ignorecase")? || ignore_case == Some(true),
        multi_line: named("multiline")? || multi_line == Some(true),
        dot_all: false,
    };
    if options.has("match_type") {
        let kind: String = options.get("match_type")?;
        if kind != "search" {
            return Err(Error::new(
                ErrorKind::InvalidOperation,
                format!("the match type `{kind}` is not supported"),
            ));
        }
    }
    options.assert_all_used()?;
    let text = python::text(value);
    let regex = python_regex::compile(pattern, flags)?;
    let start = regex.start(&text)?;
    Ok(start.is_some_and(|start| !at_start || start == 0))
}
