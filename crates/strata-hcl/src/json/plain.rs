//! Strings of JSON where native syntax has a reference, a type or a bare word; and values without templates.

use std::sync::Arc;

use strata_core::{Diagnostics, Value};

use super::nodes::content;
use crate::{
    parser::parse_expression_within,
    syntax::{
        ByteRange, Expression,
        body::Body,
        node::{Node, NodeKind},
    },
};

impl Expression {
    /// True if it stands in a file in JSON syntax.
    pub fn is_json(&self) -> bool {
        self.source().name.ends_with(".json")
    }

    /// The expression that a string of JSON holds, as `"aws_instance.web"` in `depends_on`; any other as it is.
    #[must_use]
    pub fn plain(&self) -> Expression {
        if !self.is_json() || !self.is_quoted() {
            return self.clone();
        }
        let range = self.node().range;
        let inner = ByteRange {
            start: range.start + 1,
            end: range.end - 1,
        };
        let mut diags = Diagnostics::new();
        let parsed = parse_expression_within(self.source(), inner, &mut diags);
        match diags.has_errors() {
            true => self.clone(),
            false => parsed,
        }
    }

    /// The reference that a quoted text of native syntax holds, as `depends_on` had them before Terraform 0.12.
    pub fn quoted(&self) -> Option<Expression> {
        let is_text = matches!(self.node().kind, NodeKind::Literal(strata_core::Value::String(_)));
        if self.is_json() || !is_text || !self.is_quoted() {
            return None;
        }
        let range = self.node().range;
        let inner = ByteRange {
            start: range.start + 1,
            end: range.end - 1,
        };
        let mut diags = Diagnostics::new();
        let parsed = parse_expression_within(self.source(), inner, &mut diags);
        (!diags.has_errors() && parsed.text().len() == (inner.end - inner.start) as usize)
            .then_some(parsed)
    }

    /// The value that JSON gives without reading templates, where nothing may be computed; none in native syntax.
    pub fn json_value(&self) -> Option<Value> {
        self.is_json().then(|| value(self, self.node()))
    }

    fn is_quoted(&self) -> bool {
        self.text().starts_with('"')
    }
}

impl Body {
    /// True if it stands in a file in JSON syntax.
    pub fn is_json(&self) -> bool {
        self.source.name.ends_with(".json")
    }
}

fn value(within: &Expression, node: &Node) -> Value {
    match &node.kind {
        NodeKind::Tuple(items) => {
            Value::tuple(items.iter().map(|item| value(within, item)).collect())
        }
        NodeKind::Object(items) => Value::object(
            items
                .iter()
                .map(|item| (key(within, &item.key), value(within, &item.value))),
        ),
        NodeKind::Literal(literal) if !matches!(literal, Value::String(_)) => literal.clone(),
        _ => Value::from(content(within.source(), node.range)),
    }
}

/// The text of a string, templates as they stand.
pub(super) fn key(within: &Expression, node: &Node) -> Arc<str> {
    content(within.source(), node.range).into()
}
