//! Cloud-init user-data, wherever it stands.
//!
//! A file, a heredoc or a text in YAML that begins with `#cloud-config`, and `yamlencode` beside
//! such a text. Templates are read as the YAML that they will become.

use std::sync::Arc;

use strata_core::{Source, Span, Value};
use strata_hcl::syntax::{
    ByteRange,
    node::{Node as Hcl, NodeKind as HclKind, TemplatePart},
};
use strata_jinja::yaml::{Entry, Node, NodeKind, ScalarStyle};

use super::{hcl, mask};

const HEADER: &str = "#cloud-config";

/// The user-data that a whole file is; none if it is something else.
pub(crate) fn of_file(source: &Source) -> Option<Node> {
    let head = source.text.lines().take(3).any(is_header);
    if !head {
        return None;
    }
    mask::parse(source, 0, source.text.len())
}

/// The user-data inside an expression.
pub(crate) fn of_expression(expression: &strata_hcl::Expression) -> Vec<Node> {
    let mut found = Vec::new();
    let source = expression.source();
    let mut headed = false;
    hcl::nodes(expression.node(), &mut |node| {
        if begins_with_header(node) {
            headed = true;
            found.extend(of_text(source, node));
        }
    });
    if headed {
        hcl::nodes(expression.node(), &mut |node| {
            found.extend(encoded(source, node));
        });
    }
    found.retain(|node| node.entries().is_some());
    found
}

/// The user-data in texts of a YAML tree.
pub(crate) fn of_yaml(node: &Node, found: &mut Vec<Node>) {
    match &node.kind {
        NodeKind::Scalar { text, .. } if is_header(text) => {
            found.extend(of_plain(text, &node.span));
        }
        NodeKind::Scalar { .. } => {}
        NodeKind::Sequence(items) => items.iter().for_each(|item| of_yaml(item, found)),
        NodeKind::Mapping(entries) => {
            entries
                .iter()
                .for_each(|entry| of_yaml(&entry.value, found));
        }
    }
}

fn is_header(line: &str) -> bool {
    line.trim_start_matches('\u{feff}')
        .trim_start()
        .starts_with(HEADER)
}

fn begins_with_header(node: &Hcl) -> bool {
    match &node.kind {
        HclKind::Literal(value) => value.as_str().is_some_and(is_header),
        HclKind::Template(parts) => {
            matches!(parts.first(), Some(TemplatePart::Text(text)) if is_header(text))
        }
        _ => false,
    }
}

/// A heredoc keeps its places; a quoted text has none of its own.
fn of_text(source: &Arc<Source>, node: &Hcl) -> Option<Node> {
    let written = node.range.text(source);
    if written.starts_with("<<") {
        let start = node.range.start as usize + written.find('\n')? + 1;
        let end = node.range.start as usize + written.trim_end().rfind('\n')? + 1;
        return mask::parse(source, start, end);
    }
    match &node.kind {
        HclKind::Literal(value) => of_plain(value.as_str()?, &node.range.span(source)),
        _ => None,
    }
}

fn of_plain(text: &str, span: &Span) -> Option<Node> {
    let source = Source::new(span.file.clone(), text);
    let mut node = mask::parse(&source, 0, text.len())?;
    mask::place(&mut node, span);
    Some(node)
}

/// The argument of `yamlencode` as a tree.
fn encoded(source: &Arc<Source>, node: &Hcl) -> Option<Node> {
    match &node.kind {
        HclKind::Call(call) if matches!(&*call.name.text, "yamlencode" | "jsonencode") => {
            Some(tree(source, call.arguments.first()?))
        }
        _ => None,
    }
}

fn tree(source: &Arc<Source>, node: &Hcl) -> Node {
    let kind = match &node.kind {
        HclKind::Tuple(items) => {
            NodeKind::Sequence(items.iter().map(|item| tree(source, item)).collect())
        }
        HclKind::Object(items) => NodeKind::Mapping(
            items
                .iter()
                .map(|item| Entry {
                    key: tree(source, &item.key),
                    value: tree(source, &item.value),
                })
                .collect(),
        ),
        HclKind::Parentheses(inner) => return tree(source, inner),
        HclKind::Literal(value) => scalar(literal(value)),
        _ => scalar(format!("${{{}}}", node.range.text(source))),
    };
    let span = ByteRange::span(node.range, source);
    Node {
        kind,
        span,
        tag: None,
    }
}

fn literal(value: &Value) -> String {
    let text = value.convert(&strata_core::Type::String).ok();
    text.as_ref()
        .and_then(Value::as_str)
        .unwrap_or("null")
        .to_owned()
}

fn scalar(text: String) -> NodeKind {
    let style = match text.as_str() {
        "true" | "false" | "null" => ScalarStyle::Plain,
        _ => ScalarStyle::Quoted,
    };
    NodeKind::Scalar { text, style }
}
