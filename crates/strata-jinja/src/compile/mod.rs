//! From a template's text to its value.
//!
//! The syntax tree is minijinja's; before it is compiled, [`rewrite`] replaces the operations whose meaning
//! in Ansible is another: an attribute of something undefined is undefined (so that `default` can follow), texts
//! are joined and formatted as Python does.

mod inline;
mod macros;
mod rewrite;
mod tags;

pub(crate) use macros::{CATCHING, catching};
pub(crate) use rewrite::{
    ADD, ATTEMPT, ATTEMPT_CALL, ATTEMPT_CHOICE, ATTEMPT_NAME, ATTRIBUTE, CALL, CAPTURE, CAPTURED,
    CHANGING, CONCATENATE, CONTAINED, DEFINED, EQUAL, GREATER, GREATER_OR_EQUAL, INCLUDE, ITEM,
    ITERABLE, LESS, LESS_OR_EQUAL, MULTIPLY, NEGATE, REMAINDER, RENDER, SLICE, SUBTRACT, TEST,
};

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::{
    AutoEscape, Error, Value,
    machinery::{CodeGenerator, Instructions, ast, eval, make_string_output, parse, parse_expr},
    syntax::SyntaxConfig,
};

use crate::{
    changing, convert, escape, python,
    run::{Emitted, Run},
};

/// True if a text has anything that may be a template.
pub(crate) fn may_be_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("{#")
}

/// Renders a text from a YAML file; a single value keeps its type.
pub(crate) fn render(run: &Arc<Run>, template: &str) -> Result<Value, Error> {
    let source = escape::backslashes(template);
    let value = render_source(run, "<template>", &source, &run.templar.engine.syntax)?;
    Ok(match value.as_str() {
        Some(text) => keep_line_breaks(template, text),
        None => value,
    })
}

/// The line breaks at the end of a template stay, however many blocks have eaten.
fn keep_line_breaks(template: &str, text: &str) -> Value {
    let wanted = trailing_line_breaks(template);
    let present = trailing_line_breaks(text);
    Value::from(format!(
        "{text}{}",
        "\n".repeat(wanted.saturating_sub(present))
    ))
}

/// How long the tag, or the comment, is that a text begins with; one byte where it begins with none.
fn tag_length(opening: &str) -> usize {
    let close = match opening.get(..2) {
        Some("{{") => return escape::expression_length(opening),
        Some("{%") => "%}",
        Some("{#") => "#}",
        _ => return 1,
    };
    opening.find(close).map_or(opening.len(), |at| at + 2)
}

/// The source with every line break as a line feed, as Jinja reads it; none if it has no others.
fn with_line_feeds(source: &str) -> Option<String> {
    let has_others = source.contains('\r');
    has_others.then(|| source.replace("\r\n", "\n").replace('\r', "\n"))
}

/// Whether a tag begins a raw block.
fn opens_raw(tag: &str) -> bool {
    let inside = tag
        .strip_prefix("{%")
        .and_then(|rest| rest.strip_suffix("%}"));
    inside.is_some_and(|inside| inside.trim_matches(['-', '+', ' ', '\t', '\n', '\r']) == "raw")
}

/// How much of what follows a tag is literal: what a raw block holds, if the tag begins one.
fn literal_length(tag: &str, after: &str) -> usize {
    match opens_raw(tag) {
        true => after.find("endraw").unwrap_or(after.len()),
        false => 0,
    }
}

/// The source with the line break kept that follows the beginning of a raw block: of all tags, Jinja's `trim_blocks`
/// spares this one, and our parser does not. None if there is no such tag.
fn with_raw_line_breaks(source: &str) -> Option<String> {
    if !source.contains("raw") {
        return None;
    }
    let mut out = String::with_capacity(source.len() + 8);
    let mut rest = source;
    while let Some(begin) = rest.find('{') {
        let (before, opening) = rest.split_at(begin);
        out.push_str(before);
        let (tag, after) = opening.split_at(tag_length(opening));
        match tag.strip_suffix("%}") {
            Some(bare) if opens_raw(tag) && !bare.ends_with(['-', '+']) => {
                out.push_str(bare);
                out.push_str("+%}");
            }
            _ => out.push_str(tag),
        }
        let (literal, after) = after.split_at(literal_length(tag, after));
        out.push_str(literal);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

/// How many line breaks a text ends with.
pub(crate) fn trailing_line_breaks(text: &str) -> usize {
    text.len() - text.trim_end_matches('\n').len()
}

/// Renders a template's source.
pub(crate) fn render_source(
    run: &Arc<Run>,
    name: &str,
    source: &str,
    syntax: &SyntaxConfig,
) -> Result<Value, Error> {
    render_with(run, run.root(), name, source, syntax)
}

/// Renders a template's source with a root of names other than the run's own.
pub(crate) fn render_with(
    run: &Arc<Run>,
    root: Value,
    name: &str,
    source: &str,
    syntax: &SyntaxConfig,
) -> Result<Value, Error> {
    let inlined = inline::inlined(run, source)?;
    let source = inlined.as_deref().unwrap_or(source);
    let unified = with_line_feeds(source);
    let source = unified.as_deref().unwrap_or(source);
    if changing::is_changing(source) {
        run.allow_changes();
    }
    let plain = tags::plain(source);
    let source = plain.as_deref().unwrap_or(source);
    let kept = with_raw_line_breaks(source);
    let source = kept.as_deref().unwrap_or(source);
    let tree = rewrite::statement(&parse(source, name, syntax.clone())?);
    if let Some(expression) = only_expression(&tree) {
        return evaluate(run, root, name, source, expression).and_then(defined);
    }
    let mut generator = CodeGenerator::new(name, source);
    generator.compile_stmt(&tree);
    let (instructions, blocks) = generator.finish();
    let begun = run.begin_output();
    let result = run_statements(run, root, &instructions, &blocks);
    let emitted = run.end_output(begun);
    result.map(|text| native(emitted, text))
}

/// What a template, a macro or a block gives: the value that it puts out, if that is all; else the text.
pub(crate) fn native(emitted: Emitted, text: String) -> Value {
    match emitted.first {
        Some(value) if emitted.count == 1 && python::output(&value) == text => value,
        None if text.is_empty() => Value::from(()),
        _ => Value::from(text),
    }
}

fn run_statements<'a>(
    run: &Arc<Run>,
    root: Value,
    instructions: &Instructions<'a>,
    blocks: &BTreeMap<&'a str, Instructions<'a>>,
) -> Result<String, Error> {
    let mut text = String::new();
    let environment = &run.templar.engine.environment;
    let mut output = make_string_output(&mut text);
    eval(
        environment,
        instructions,
        root,
        blocks,
        &mut output,
        AutoEscape::None,
    )?;
    Ok(text)
}

/// Evaluates a bare expression; the value may be undefined.
pub(crate) fn expression(run: &Arc<Run>, source: &str) -> Result<Value, Error> {
    if changing::is_changing(source) {
        run.allow_changes();
    }
    let tree = rewrite::expression(&parse_expr(source)?);
    evaluate(run, run.root(), "<expression>", source, &tree)
}

fn evaluate<'a>(
    run: &Arc<Run>,
    root: Value,
    name: &'a str,
    source: &'a str,
    tree: &ast::Expr<'a>,
) -> Result<Value, Error> {
    let mut generator = CodeGenerator::new(name, source);
    generator.compile_expr(tree);
    let (instructions, _) = generator.finish();
    let mut ignored = String::new();
    let mut output = make_string_output(&mut ignored);
    let (value, _) = eval(
        &run.templar.engine.environment,
        &instructions,
        root,
        &BTreeMap::new(),
        &mut output,
        AutoEscape::None,
    )?;
    Ok(value.unwrap_or_default())
}

fn defined(value: Value) -> Result<Value, Error> {
    if value.is_undefined() {
        return Err(Error::from(minijinja::ErrorKind::UndefinedError));
    }
    if value.kind() == minijinja::value::ValueKind::Invalid {
        return Err(convert::invalid(&value));
    }
    Ok(value)
}

fn only_expression<'a, 'tree>(tree: &'tree ast::Stmt<'a>) -> Option<&'tree ast::Expr<'a>> {
    let ast::Stmt::Template(template) = tree else {
        return None;
    };
    match template.children.as_slice() {
        [ast::Stmt::EmitExpr(only)] => Some(&only.expr),
        _ => None,
    }
}
