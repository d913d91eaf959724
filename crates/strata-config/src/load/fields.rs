//! Reading the arguments of one block: what is known, what is missing, what is constant.

use std::sync::Arc;

use strata_core::{Diagnostic, Diagnostics, Source, Span, Type, Value};
use strata_hcl::{
    Attribute, Block, Body, EmptyScope, Expression, Traversal, evaluate, parse_expression,
};

use crate::{module::Check, suggest};

/// Reports every argument and block that is not in these lists.
pub(crate) fn only(body: &Body, attributes: &[&str], blocks: &[&str], diags: &mut Diagnostics) {
    for attribute in &body.attributes {
        if !attributes.contains(&&*attribute.name.text) {
            let is_block = blocks.contains(&&*attribute.name.text);
            let known = attributes.iter().copied();
            diags.push(unsupported_argument(
                &attribute.name.text,
                attribute.name_span(),
                is_block,
                known,
            ));
        }
    }
    for block in &body.blocks {
        if !blocks.contains(&&*block.kind.text) {
            let is_argument = attributes.contains(&&*block.kind.text);
            let known = blocks.iter().copied();
            diags.push(unsupported_block(
                &block.kind.text,
                block.kind_span(),
                is_argument,
                known,
            ));
        }
    }
}

/// An argument that nothing expects.
pub(crate) fn unsupported_argument<'a>(
    name: &str,
    span: Span,
    is_block: bool,
    known: impl IntoIterator<Item = &'a str>,
) -> Diagnostic {
    // In JSON nobody can tell what it was meant to be.
    if span.file.ends_with(".json") {
        let found = Diagnostic::error("unsupported-argument", "Extraneous JSON object property")
            .detail(format!("No argument or block type is named `{name}`."))
            .at(span);
        return with_hint(found, suggest::hint(name, known));
    }
    let found = Diagnostic::error("unsupported-argument", "Unsupported argument")
        .detail(format!("An argument named `{name}` is not expected here."))
        .at(span);
    if is_block {
        return found.hint(format!(
            "Did you mean to define a block of type `{name}`? Then write it without the equals sign."
        ));
    }
    with_hint(found, suggest::hint(name, known))
}

/// A block that nothing expects.
pub(crate) fn unsupported_block<'a>(
    kind: &str,
    span: Span,
    is_argument: bool,
    known: impl IntoIterator<Item = &'a str>,
) -> Diagnostic {
    let found = Diagnostic::error("unsupported-block", "Unsupported block type")
        .detail(format!("Blocks of type `{kind}` are not expected here."))
        .at(span);
    if is_argument {
        return found.hint(format!(
            "Did you mean to define argument `{kind}`? Then use the equals sign to assign it a value."
        ));
    }
    with_hint(found, suggest::hint(kind, known))
}

fn with_hint(diagnostic: Diagnostic, hint: Option<String>) -> Diagnostic {
    match hint {
        Some(hint) => diagnostic.hint(hint),
        None => diagnostic,
    }
}

/// An argument that should be there.
pub(crate) fn missing_argument(name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("missing-argument", "Missing required argument")
        .detail(format!(
            "The argument `{name}` is required, but no definition was found."
        ))
        .at(span)
}

/// An argument that must be there; its absence is reported.
pub(crate) fn required<'b>(
    block: &'b Block,
    name: &str,
    diags: &mut Diagnostics,
) -> Option<&'b Attribute> {
    let found = block.body.attribute(name);
    if found.is_none() {
        diags.push(missing_argument(name, block.header_span()));
    }
    found
}

/// A value that must not depend on anything; unknown after a mistake.
pub(crate) fn constant(expression: &Expression, diags: &mut Diagnostics) -> Value {
    if let Some(value) = expression.json_value() {
        return value;
    }
    if let Some(reference) = expression.references().first() {
        diags.push(
            Diagnostic::error("variables-not-allowed", "Variables not allowed")
                .detail("Variables may not be used here.")
                .at(reference.span()),
        );
        return Value::unknown(Type::Dynamic);
    }
    if !expression.calls().is_empty() {
        diags.push(
            Diagnostic::error("functions-not-allowed", "Function calls not allowed")
                .detail("Functions may not be called here.")
                .at(expression.span())
                .hint("Name the result in `locals`, and use that instead."),
        );
        return Value::unknown(Type::Dynamic);
    }
    evaluate(expression, &EmptyScope, diags)
}

/// A constant of a type; none if it is absent, null or mistaken.
fn typed(body: &Body, name: &str, ty: &Type, diags: &mut Diagnostics) -> Option<Value> {
    let attribute = body.attribute(name)?;
    let before = diags.len();
    let value = constant(&attribute.expression, diags);
    let is_reported = diags.len() > before && !attribute.expression.is_error();
    let why = match value.convert(ty) {
        Ok(value) if value.is_known() && !value.is_null() => return Some(value),
        // Terraform says this besides why it is not known.
        Ok(value) if !value.is_known() && is_reported => "value must be known".to_owned(),
        Ok(_) => return None,
        Err(error) => error.to_string(),
    };
    diags.push(
        Diagnostic::error("unsuitable-value", "Unsuitable value type")
            .detail(format!("Unsuitable value: {why}."))
            .at(attribute.expression.span()),
    );
    None
}

/// A constant text.
pub(crate) fn text(body: &Body, name: &str, diags: &mut Diagnostics) -> Option<Arc<str>> {
    let value = typed(body, name, &Type::String, diags)?;
    value.as_str().map(Arc::from)
}

/// A constant truth value.
pub(crate) fn flag(body: &Body, name: &str, diags: &mut Diagnostics) -> Option<bool> {
    typed(body, name, &Type::Bool, diags)?.as_bool()
}

/// The items of a list written out.
pub(crate) fn list(expression: &Expression, diags: &mut Diagnostics) -> Vec<Expression> {
    let items = expression.as_list();
    if items.is_none() && !expression.is_error() {
        diags.push(
            Diagnostic::error("static-list-required", "Invalid expression")
                .detail("A static list expression is required.")
                .at(expression.span()),
        );
    }
    items.unwrap_or_default()
}

/// The references in `depends_on`.
pub(crate) fn depends_on(body: &Body, diags: &mut Diagnostics) -> Vec<Traversal> {
    let Some(attribute) = body.attribute("depends_on") else {
        return Vec::new();
    };
    let items = list(&attribute.expression, diags);
    let read = |item: &Expression| {
        let quoted = item.quoted().and_then(|quoted| quoted.as_traversal());
        if quoted.is_some() {
            diags.push(quoted_reference(item));
            return quoted;
        }
        reference(item, diags)
    };
    items.iter().filter_map(read).collect()
}

/// An expression that must be a plain reference.
pub(crate) fn reference(expression: &Expression, diags: &mut Diagnostics) -> Option<Traversal> {
    let found = expression.plain().as_traversal();
    if found.is_none() && !expression.is_error() {
        diags.push(
            Diagnostic::error("static-reference-required", "Invalid expression")
                .detail(
                    "A single static variable reference is required: only attribute access and indexing with constant \
                     keys. No calculations, function calls, template expressions, etc are allowed here.",
                )
                .at(expression.span()),
        );
    }
    found
}

/// Before 0.12 references stood in quotes.
pub(crate) fn quoted_reference(expression: &Expression) -> Diagnostic {
    Diagnostic::warning("quoted-reference", "Quoted references are deprecated")
        .detail("References are written without quotes.")
        .at(expression.span())
        .hint("Remove the quotes.")
}

/// What a text of JSON says where a reference, a type or a bare word is expected; anything else as it is.
pub(crate) fn plain(expression: &Expression) -> Expression {
    expression.plain()
}

/// A bare word; one in quotes is an old habit, of which the user is told.
pub(crate) fn keyword(expression: &Expression, diags: &mut Diagnostics) -> Option<Arc<str>> {
    let plain = expression.plain();
    if let Some(word) = plain.as_keyword() {
        return Some(word.into());
    }
    if let Some(word) = plain.as_literal().as_ref().and_then(Value::as_str) {
        diags.push(
            Diagnostic::warning("quoted-keyword", "Quoted keywords are deprecated")
                .detail("Keywords are written without quotes.")
                .at(expression.span())
                .hint("Remove the quotes."),
        );
        return Some(word.into());
    }
    if !expression.is_error() {
        diags.push(
            Diagnostic::error("invalid-expression", "Invalid expression")
                .detail("A single keyword is expected.")
                .at(expression.span()),
        );
    }
    None
}

/// The one label of a block; another number of labels is reported.
pub(crate) fn only_label(block: &Block, what: &str, diags: &mut Diagnostics) -> Option<Arc<str>> {
    super::folder::has_labels(block, &[what], diags).then(|| block.labels[0].text.clone())
}

/// All condition blocks of one type.
pub(crate) fn checks(body: &Body, kind: &str, diags: &mut Diagnostics) -> Vec<Check> {
    let blocks = body.blocks_of(kind);
    blocks.filter_map(|block| check(block, diags)).collect()
}

fn check(block: &Block, diags: &mut Diagnostics) -> Option<Check> {
    only(&block.body, &["condition", "error_message"], &[], diags);
    let condition = required(block, "condition", diags);
    let error_message = required(block, "error_message", diags);
    Some(Check {
        condition: condition?.expression.clone(),
        // The condition is looked at all the same.
        error_message: error_message.map_or_else(nothing, |found| found.expression.clone()),
        span: block.header_span(),
    })
}

/// What stands for an expression that should be there; its absence has been reported.
pub(crate) fn nothing() -> Expression {
    let source = Arc::new(Source::new("<absent>", "null"));
    parse_expression(&source, &mut Diagnostics::new())
}

/// True for a name that a block may have; anything else is reported under this summary.
pub(crate) fn valid_name(
    name: &str,
    span: Option<Span>,
    summary: &str,
    diags: &mut Diagnostics,
) -> bool {
    let mut characters = name.chars();
    let start = |c: char| c.is_alphabetic() || c == '_';
    let valid = characters.next().is_some_and(start)
        && characters.all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if !valid {
        let found = Diagnostic::error("invalid-name", summary).detail(
            "A name must start with a letter or underscore and may contain only letters, digits, underscores, and \
             dashes.",
        );
        diags.push(match span {
            Some(span) => found.at(span),
            None => found,
        });
    }
    valid
}

/// The body without some arguments and blocks.
pub(crate) fn without(body: &Body, attributes: &[&str], blocks: &[&str]) -> Arc<Body> {
    let mut rest = body.clone();
    rest.attributes
        .retain(|attribute| !attributes.contains(&&*attribute.name.text));
    rest.blocks
        .retain(|block| !blocks.contains(&&*block.kind.text));
    Arc::new(rest)
}

/// Reports every block in a body that may hold arguments only.
pub(crate) fn only_attributes(body: &Body, diags: &mut Diagnostics) {
    for block in &body.blocks {
        diags.push(unsupported_block(
            &block.kind.text,
            block.kind_span(),
            false,
            [],
        ));
    }
}
