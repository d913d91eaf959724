//! The functions of the provider `terraform`: `.tfvars` files and expressions as values, and back.

use std::sync::Arc;

use strata_core::{Diagnostics, Source, Span, Value};

use super::{Context, Function, FunctionError, Given, Kind, Parameter, Result_, Returns, text};
use crate::{EmptyScope, evaluate, format};

/// Named without the `provider::terraform::` before them.
pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "decode_tfvars",
        &[Parameter::new("src", Kind::String)],
        Returns::Dynamic,
        "Reads the text of a `.tfvars` file.",
        decode_tfvars,
    ),
    Function::new(
        "encode_expr",
        &[Parameter::new("value", Kind::Any)],
        Returns::String,
        "Writes a value as an expression.",
        |given, _| Ok(Value::from(expression(&given[0]))),
    ),
    Function::new(
        "encode_tfvars",
        &[Parameter::new("value", Kind::Any)],
        Returns::String,
        "Writes an object as the text of a `.tfvars` file.",
        encode_tfvars,
    ),
];

fn encode_tfvars(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let Some(entries) = given[0].as_entries() else {
        return Err(FunctionError::new(
            "invalid value to encode: must be an object whose attribute names will become the encoded variable names",
        ));
    };
    let mut out = String::new();
    for (name, value) in entries {
        if !crate::parser::is_identifier(name) {
            return Err(FunctionError::new(format!(
                "invalid variable name {name:?}: must be a valid identifier, per Terraform's rules for input variable declarations"
            )));
        }
        out.push_str(name);
        out.push_str(" = ");
        write(value, &mut out);
        out.push('\n');
    }
    Ok(Value::from(tidy(&out)))
}

fn expression(value: &Value) -> String {
    let mut out = "x = ".to_owned();
    write(value, &mut out);
    let tidy = tidy(&out);
    tidy.strip_prefix("x = ").unwrap_or(&tidy).to_owned()
}

/// The text as `fmt` leaves it.
fn tidy(text: &str) -> String {
    let source = Arc::new(Source::new("<encoded>", text));
    // Text that nests deeper than is read stays as it is.
    format(&source).unwrap_or_else(|_| text.to_owned())
}

/// Writes a value; sequences on one line, each entry of an object on its own.
fn write(value: &Value, out: &mut String) {
    match value.unmarked() {
        Value::String(text) => write_text(text, out),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::List(_, items) | Value::Set(_, items) | Value::Tuple(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                write(item, out);
            }
            out.push(']');
        }
        value => match value.as_entries() {
            Some(entries) if entries.is_empty() => out.push_str("{}"),
            Some(entries) => write_entries(entries, out),
            None => out.push_str("null"),
        },
    }
}

fn write_entries(entries: &strata_core::value::Entries, out: &mut String) {
    out.push_str("{\n");
    for (key, item) in entries {
        if crate::parser::is_identifier(key) {
            out.push_str(key);
        } else {
            write_text(key, out);
        }
        out.push_str(" = ");
        write(item, out);
        out.push('\n');
    }
    out.push('}');
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    out.push_str(&crate::format::quoted(text));
    out.push('"');
}

fn decode_tfvars(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let source = Arc::new(Source::new("<decode_tfvars argument>", text(given, 0)));
    let mut diags = Diagnostics::new();
    let body = crate::parse(&source, &mut diags);
    fails("invalid tfvars syntax", &diags)?;
    if let Some(block) = body.blocks.first() {
        let kind = &block.kind.text;
        return Err(FunctionError::new(format!(
            "invalid tfvars content: {}Unexpected {kind:?} block; Blocks are not allowed here..",
            place(&block.kind_span())
        )));
    }
    let mut values = Vec::with_capacity(body.attributes.len());
    for attribute in &body.attributes {
        let name = &attribute.name.text;
        let what = format!("invalid expression for variable {name:?}");
        if let Some(reference) = attribute.expression.references().first() {
            let mut root = reference.span();
            root.end.column = root.start.column + reference.root.chars().count() as u32;
            return Err(FunctionError::new(format!(
                "{what}: {}Variables not allowed; Variables may not be used here..",
                place(&root)
            )));
        }
        if !attribute.expression.calls().is_empty() {
            return Err(FunctionError::new(format!(
                "{what}: {}Function calls not allowed; Functions may not be called here..",
                place(&attribute.expression.span())
            )));
        }
        values.push((
            name.clone(),
            evaluate(&attribute.expression, &EmptyScope, &mut diags),
        ));
        fails(&what, &diags)?;
    }
    Ok(Value::object(values))
}

/// A place as the messages name it.
fn place(span: &Span) -> String {
    let (start, end) = (span.start, span.end);
    let end = match start.line == end.line {
        true => end.column.to_string(),
        false => format!("{},{}", end.line, end.column),
    };
    format!(
        "<decode_tfvars argument>:{},{}-{end}: ",
        start.line, start.column
    )
}

fn fails(what: &str, diags: &Diagnostics) -> Result<(), FunctionError> {
    let Some(first) = diags.iter().find(|diagnostic| diagnostic.is_error()) else {
        return Ok(());
    };
    let place = first.labels.first().map(|label| place(&label.span));
    Err(FunctionError::new(format!(
        "{what}: {}{}; {}.",
        place.unwrap_or_default(),
        first.summary,
        first.detail
    )))
}
