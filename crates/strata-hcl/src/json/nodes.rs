//! From values to expressions: every string is a template.

use std::sync::Arc;

use strata_core::{Diagnostics, Source, Type, Value};

use super::reader::{Json, Kind};
use crate::{
    parser::parse_template_within,
    syntax::{
        ByteRange,
        node::{Node, NodeKind, ObjectItem},
    },
};

/// Makes the tree of a value.
pub(super) fn node(source: &Arc<Source>, json: &Json, diags: &mut Diagnostics) -> Node {
    let kind = match &json.kind {
        Kind::Null => NodeKind::Literal(Value::Null(Type::Dynamic)),
        Kind::Bool(value) => NodeKind::Literal(Value::Bool(*value)),
        Kind::Number(number) => NodeKind::Literal(Value::Number(number.clone())),
        Kind::String => return string(source, json.range, diags),
        Kind::Array(items) => {
            NodeKind::Tuple(items.iter().map(|item| node(source, item, diags)).collect())
        }
        Kind::Object(items) => NodeKind::Object(
            items
                .iter()
                .map(|(key, value)| ObjectItem {
                    key: string(source, key.range, diags),
                    bare: false,
                    value: node(source, value, diags),
                })
                .collect(),
        ),
    };
    Node {
        kind,
        range: json.range,
    }
}

fn string(source: &Arc<Source>, range: ByteRange, diags: &mut Diagnostics) -> Node {
    let text = content(source, range);
    if !text.contains("${") && !text.contains("%{") {
        return Node {
            kind: NodeKind::Literal(Value::from(text)),
            range,
        };
    }
    let inner = ByteRange {
        start: range.start + 1,
        end: range.end - 1,
    };
    let parsed = parse_template_within(source, inner, diags);
    Node { range, ..parsed }
}

/// What a string says, from the shadow.
pub(super) fn content(source: &Source, range: ByteRange) -> &str {
    let inner = range.start as usize + 1..(range.end as usize).saturating_sub(1);
    source.text.get(inner).unwrap_or("")
}
