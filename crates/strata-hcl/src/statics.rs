//! What an expression says without being evaluated: references, keywords, lists.

use std::sync::Arc;

use strata_core::{Diagnostics, Source, Value};

use crate::{
    scope::{EmptyScope, evaluate},
    syntax::{
        ByteRange, Expression, Name,
        node::{For, Node, NodeKind, Step as SyntaxStep, StepKind, TemplatePart},
    },
    traversal::{Step, Traversal, TraversalStep},
};

impl Expression {
    /// What it refers to: free variables only, not those of a `for` or a template; in source order, with repetition.
    pub fn references(&self) -> Vec<Traversal> {
        let mut collector = Collector {
            source: self.source(),
            bound: Vec::new(),
            found: Vec::new(),
        };
        collector.node(self.node());
        collector.found
    }

    /// The names of the functions it calls, with their places.
    pub fn calls(&self) -> Vec<Name> {
        let mut names = Vec::new();
        calls(self.node(), &mut names);
        names
    }

    /// The expression as a reference with constant keys, as for `provider = incus.east`; none if it is anything else.
    pub fn as_traversal(&self) -> Option<Traversal> {
        let (root, steps) = match &self.node().kind {
            NodeKind::Variable(root) => (root, &[][..]),
            NodeKind::Access(of, steps) => match &of.kind {
                NodeKind::Variable(root) => (root, steps.as_slice()),
                _ => return None,
            },
            _ => return None,
        };
        let traversal = traversal(self.source(), root, steps, self.node().range);
        let computed = traversal
            .steps
            .iter()
            .any(|step| matches!(step.kind, TraversalStep::Computed));
        (!computed).then_some(traversal)
    }

    /// A reference with a key that need not be constant, as in `provider = incus.by_host[each.key]`: both parts.
    pub fn as_indexed(&self) -> Option<(Traversal, Expression)> {
        let NodeKind::Access(of, steps) = &self.node().kind else {
            return None;
        };
        let (NodeKind::Variable(root), Some((last, before))) = (&of.kind, steps.split_last())
        else {
            return None;
        };
        let StepKind::Index(key) = &last.kind else {
            return None;
        };
        let end = before.last().map_or(of.range, |step| step.range);
        let range = self.node().range.to(end);
        let of = traversal(self.source(), root, before, range);
        let computed = |step: &Step| !matches!(step.kind, TraversalStep::Attribute(_));
        (!of.steps.iter().any(computed)).then(|| (of, self.part(key)))
    }

    /// The expression as a bare word: `all`, `string`.
    pub fn as_keyword(&self) -> Option<&str> {
        match &self.node().kind {
            NodeKind::Variable(name) => Some(name),
            NodeKind::Literal(Value::Bool(_) | Value::Null(_)) => Some(self.text()),
            _ => None,
        }
    }

    /// The items of a tuple written out, as for `depends_on`.
    pub fn as_list(&self) -> Option<Vec<Expression>> {
        match &self.node().kind {
            NodeKind::Tuple(items) => Some(items.iter().map(|item| self.part(item)).collect()),
            _ => None,
        }
    }

    /// The keys and values of an object written out, as for `providers = { a = b.c }`; a bare key is a keyword's text.
    pub fn as_map(&self) -> Option<Vec<(Expression, Expression)>> {
        match &self.node().kind {
            NodeKind::Object(items) => Some(
                items
                    .iter()
                    .map(|item| (self.part(&item.key), self.part(&item.value)))
                    .collect(),
            ),
            _ => None,
        }
    }

    /// The name and arguments of a call, as in type expressions.
    pub fn as_call(&self) -> Option<(&str, Vec<Expression>)> {
        match &self.node().kind {
            NodeKind::Call(call) => {
                let arguments = call.arguments.iter().map(|node| self.part(node)).collect();
                Some((&call.name.text, arguments))
            }
            _ => None,
        }
    }

    /// A constant's value; none if it refers to anything or is mistaken.
    pub fn as_literal(&self) -> Option<Value> {
        if let NodeKind::Literal(value) = &self.node().kind {
            return Some(value.clone());
        }
        if !self.references().is_empty() {
            return None;
        }
        let mut diags = Diagnostics::new();
        let value = evaluate(self, &EmptyScope, &mut diags);
        (!diags.has_errors() && value.is_wholly_known()).then_some(value)
    }
}

/// Makes a traversal of a root and steps.
pub(crate) fn traversal(
    source: &Arc<Source>,
    root: &Arc<str>,
    steps: &[SyntaxStep],
    range: ByteRange,
) -> Traversal {
    let steps = steps.iter().map(|step| Step {
        kind: match &step.kind {
            StepKind::Attribute(name) => TraversalStep::Attribute(name.clone()),
            StepKind::Index(Node {
                kind: NodeKind::Literal(key),
                ..
            }) => TraversalStep::Index(key.clone()),
            StepKind::Index(_) => TraversalStep::Computed,
            StepKind::Splat | StepKind::AttributeSplat => TraversalStep::Splat,
        },
        range: step.range,
    });
    Traversal {
        root: root.clone(),
        steps: steps.collect(),
        range,
        source: source.clone(),
    }
}

struct Collector<'a> {
    source: &'a Arc<Source>,
    bound: Vec<Arc<str>>,
    found: Vec<Traversal>,
}

impl Collector<'_> {
    fn node(&mut self, node: &Node) {
        match &node.kind {
            NodeKind::Variable(root) => self.reference(root, &[], node.range),
            NodeKind::Access(of, steps) => {
                match &of.kind {
                    NodeKind::Variable(root) => self.reference(root, steps, node.range),
                    _ => self.node(of),
                }
                self.keys(steps);
            }
            NodeKind::For(inner) => self.for_expression(inner),
            NodeKind::Template(parts) => self.parts(parts),
            _ => children(node).for_each(|child| self.node(child)),
        }
    }

    fn reference(&mut self, root: &Arc<str>, steps: &[SyntaxStep], range: ByteRange) {
        if !self.bound.contains(root) {
            self.found.push(traversal(self.source, root, steps, range));
        }
    }

    fn keys(&mut self, steps: &[SyntaxStep]) {
        for step in steps {
            if let StepKind::Index(key) = &step.kind {
                self.node(key);
            }
        }
    }

    fn for_expression(&mut self, inner: &For) {
        self.node(&inner.collection);
        self.with(&inner.key_name, &inner.value_name, |collector| {
            for node in [&inner.key, &inner.condition].into_iter().flatten() {
                collector.node(node);
            }
            collector.node(&inner.value);
        });
    }

    fn with(&mut self, key: &Option<Name>, value: &Name, visit: impl FnOnce(&mut Self)) {
        let before = self.bound.len();
        let names = key.iter().chain([value]).map(|name| name.text.clone());
        self.bound.extend(names);
        visit(self);
        self.bound.truncate(before);
    }

    fn parts(&mut self, parts: &[TemplatePart]) {
        for part in parts {
            match part {
                TemplatePart::Text(_) => {}
                TemplatePart::Interpolation(node) => self.node(node),
                TemplatePart::If(part) => {
                    self.node(&part.condition);
                    self.parts(&part.then);
                    self.parts(&part.otherwise);
                }
                TemplatePart::For(part) => {
                    self.node(&part.collection);
                    self.with(&part.key_name, &part.value_name, |collector| {
                        collector.parts(&part.body);
                    });
                }
            }
        }
    }
}

/// The nodes directly inside one, where names mean the same as outside; not for templates and `for`.
pub(crate) fn children(node: &Node) -> Box<dyn Iterator<Item = &Node> + '_> {
    match &node.kind {
        NodeKind::Tuple(items) => Box::new(items.iter()),
        NodeKind::Object(items) => Box::new(items.iter().flat_map(|item| [&item.key, &item.value])),
        NodeKind::Conditional(inner) => {
            Box::new([&inner.condition, &inner.then, &inner.otherwise].into_iter())
        }
        NodeKind::Binary(first, rest) => {
            Box::new(std::iter::once(&**first).chain(rest.iter().map(|operation| &operation.right)))
        }
        NodeKind::Unary(_, inner) | NodeKind::Parentheses(inner) => {
            Box::new(std::iter::once(&**inner))
        }
        NodeKind::Call(call) => Box::new(call.arguments.iter()),
        NodeKind::Access(of, steps) => {
            let keys = steps.iter().filter_map(|step| match &step.kind {
                StepKind::Index(key) => Some(key),
                _ => None,
            });
            Box::new(std::iter::once(&**of).chain(keys))
        }
        NodeKind::For(inner) => Box::new(
            [
                Some(&inner.collection),
                inner.key.as_ref(),
                Some(&inner.value),
                inner.condition.as_ref(),
            ]
            .into_iter()
            .flatten(),
        ),
        _ => Box::new(std::iter::empty()),
    }
}

fn calls(node: &Node, names: &mut Vec<Name>) {
    if let NodeKind::Call(call) = &node.kind {
        names.push(call.name.clone());
    }
    if let NodeKind::Template(parts) = &node.kind {
        calls_in_parts(parts, names);
    }
    children(node).for_each(|child| calls(child, names));
}

fn calls_in_parts(parts: &[TemplatePart], names: &mut Vec<Name>) {
    for part in parts {
        match part {
            TemplatePart::Text(_) => {}
            TemplatePart::Interpolation(node) => calls(node, names),
            TemplatePart::If(part) => {
                calls(&part.condition, names);
                calls_in_parts(&part.then, names);
                calls_in_parts(&part.otherwise, names);
            }
            TemplatePart::For(part) => {
                calls(&part.collection, names);
                calls_in_parts(&part.body, names);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::parse_expression;

    fn expression(text: &str) -> Expression {
        let mut diags = Diagnostics::new();
        let source = Arc::new(Source::new("test.tf", text));
        let expression = parse_expression(&source, &mut diags);
        assert!(diags.is_empty(), "{diags:?}");
        expression
    }

    fn check(text: &str, expected: Expect) {
        let found = expression(text).references();
        let lines: Vec<_> = found.iter().map(Traversal::to_string).collect();
        expected.assert_eq(&lines.join("\n"));
    }

    #[test]
    fn free_variables_are_references_and_bound_ones_are_not() {
        check(
            "[for i, x in var.list : \"${x}${local.y}${i}\" if x != each.key]",
            expect![[r#"
                var.list
                each.key
                local.y"#]],
        );
        check(
            "\"%{for x in a.b}${x.c}${d}%{endfor}${x}\"",
            expect![[r#"
                a.b
                d
                x"#]],
        );
    }

    #[test]
    fn keys_are_references_too_and_bare_object_keys_are_not() {
        check(
            "{ a = aws_x.y[var.k].z, (b) = c[0][\"k\"].*.d }",
            expect![[r#"
                aws_x.y[var.k].z
                var.k
                b
                c[0]["k"].*.d"#]],
        );
    }

    #[test]
    fn a_traversal_has_constant_keys() {
        let traversal = expression("aws_x.y[0][\"k\"].z").as_traversal().unwrap();
        assert_eq!(traversal.attribute(0), Some("y"));
        assert_eq!(traversal.index(2), Some(&Value::from("k")));
        assert_eq!(traversal.span_to(1).end.column, 8);
        assert!(expression("a[b]").as_traversal().is_none());
        assert!(expression("a + b").as_traversal().is_none());
        assert_eq!(expression("all").as_keyword(), Some("all"));
    }
}
