//! From an expression and a scope to a value.
//!
//! [`Evaluator`] walks the tree; each kind of expression has its file here. Every part is evaluated even
//! after a mistake, so that all are reported; where one was, the value is unknown.

mod access;
mod call;
mod conditional;
mod explain;
mod for_expression;
mod for_parts;
mod operators;
mod template;

use std::sync::Arc;

use strata_core::{Diagnostic, Diagnostics, Marks, Source, Span, Text, Type, Value};

use crate::{
    scope::{Reference, Scope},
    syntax::{
        ByteRange, Expression,
        node::{Node, NodeKind, ObjectItem, Step as SyntaxStep, StepKind},
    },
    traversal::{Step, TraversalStep},
};
pub use explain::explain;
pub(crate) use operators::equal;

pub(crate) fn expression(
    expression: &Expression,
    scope: &dyn Scope,
    diags: &mut Diagnostics,
) -> Value {
    let mut found = Diagnostics::new();
    let value = plainly(expression, scope, &mut found);
    if found.has_errors() {
        explain(expression, scope, &mut found);
    }
    diags.append(found);
    value
}

/// Evaluates without saying what the names at mistaken places stand for.
fn plainly(expression: &Expression, scope: &dyn Scope, diags: &mut Diagnostics) -> Value {
    let mut evaluator = Evaluator {
        scope,
        source: expression.source(),
        bound: Vec::new(),
        template_text: String::new(),
        diags,
    };
    evaluator.node(expression.node())
}

pub(crate) struct Evaluator<'a> {
    scope: &'a dyn Scope,
    source: &'a Arc<Source>,
    /// Variables of `for` expressions, the innermost last.
    bound: Vec<(Arc<str>, Value)>,
    /// Memory for the next template, empty: it is used again for each.
    template_text: String,
    diags: &'a mut Diagnostics,
}

/// What stands where a mistake was reported.
fn failed() -> Value {
    Value::unknown(Type::Dynamic)
}

/// The place of a key that could be a reference or a name.
fn ambiguous(key: &Node) -> Option<ByteRange> {
    match &key.kind {
        NodeKind::Access(of, _) if matches!(of.kind, NodeKind::Variable(_)) => Some(key.range),
        _ => None,
    }
}

impl Evaluator<'_> {
    fn node(&mut self, node: &Node) -> Value {
        match &node.kind {
            NodeKind::Literal(value) => value.clone(),
            NodeKind::Variable(name) => self.reference(name, &[], node.range),
            NodeKind::Access(of, steps) => self.access(of, steps, node.range),
            NodeKind::Template(parts) => self.template(parts),
            NodeKind::Tuple(items) => {
                Value::tuple(items.iter().map(|item| self.node(item)).collect())
            }
            NodeKind::Object(items) => self.object(items),
            NodeKind::For(inner) => self.for_expression(inner),
            NodeKind::Conditional(inner) => self.conditional(inner),
            NodeKind::Binary(first, operations) => self.binary(first, operations),
            NodeKind::Unary(operator, operand) => self.unary(*operator, operand),
            NodeKind::Call(call) => self.call(call, node.range),
            NodeKind::Parentheses(inner) => self.node(inner),
            NodeKind::Error => failed(),
        }
    }

    fn bound(&self, name: &str) -> Option<&Value> {
        let found = self.bound.iter().rev().find(|(bound, _)| &**bound == name);
        found.map(|(_, value)| value)
    }

    fn access(&mut self, of: &Node, steps: &[SyntaxStep], range: ByteRange) -> Value {
        if let NodeKind::Variable(name) = &of.kind {
            return self.reference(name, steps, range);
        }
        let value = self.node(of);
        self.steps(value, steps)
    }

    fn reference(&mut self, root: &str, steps: &[SyntaxStep], range: ByteRange) -> Value {
        if let Some(value) = self.bound(root) {
            let value = value.clone();
            return self.steps(value, steps);
        }
        let known = self.keys(steps);
        let source = self.source;
        let within = || range.span(source);
        let reference = Reference {
            root,
            steps: &known,
            within: &within,
        };
        let Some(found) = self.scope.resolve(&reference, self.diags) else {
            return self.undefined(root, range);
        };
        if found.steps == usize::MAX {
            return found.value;
        }
        let mut value = found.value;
        for step in known.iter().skip(found.steps) {
            value = match &step.kind {
                TraversalStep::Attribute(name) => self.attribute(&value, name, step.range),
                TraversalStep::Index(key) => self.index(&value, key, step.range),
                TraversalStep::Computed | TraversalStep::Splat => failed(),
            };
        }
        self.steps(value, &steps[known.len()..])
    }

    /// The steps up to the first splat, their keys evaluated.
    fn keys(&mut self, steps: &[SyntaxStep]) -> Vec<Step> {
        let mut known = Vec::with_capacity(steps.len());
        for step in steps {
            let kind = match &step.kind {
                StepKind::Attribute(name) => TraversalStep::Attribute(name.clone()),
                StepKind::Index(key) => TraversalStep::Index(self.node(key)),
                StepKind::Splat | StepKind::AttributeSplat => break,
            };
            known.push(Step {
                kind,
                range: step.range,
            });
        }
        known
    }

    fn undefined(&mut self, root: &str, range: ByteRange) -> Value {
        let span = ByteRange {
            start: range.start,
            end: range.start + root.len() as u32,
        };
        let mut diagnostic = Diagnostic::error(
            "undefined-variable",
            format!("There is no variable `{root}`"),
        )
        .detail(format!("`{root}` is nothing that can be referred to here."))
        .at(self.span(span));
        let bound = self.bound.iter().map(|(name, _)| name.to_string());
        let names: Vec<String> = bound.chain(self.scope.roots()).collect();
        if !names.is_empty() {
            diagnostic = diagnostic.hint(format!("the names here are: {}", names.join(", ")));
        }
        self.diags.push(diagnostic);
        failed()
    }

    fn object(&mut self, items: &[ObjectItem]) -> Value {
        // Of items with one key the last counts.
        let mut entries = Vec::with_capacity(items.len());
        let mut marks = Marks::NONE;
        let mut known = true;
        for item in items {
            if let Some(key) = ambiguous(&item.key) {
                self.ambiguous_key(key);
                known = false;
                continue;
            }
            let key = self.node(&item.key);
            let value = self.node(&item.value);
            match self.object_key(key, item.key.range, &mut marks, false) {
                Some(key) => entries.push((key, value)),
                None => known = false,
            }
        }
        if !known {
            return failed().with_marks(marks);
        }
        Value::Object(Arc::new(entries.into())).with_marks(marks)
    }

    /// As in `providers = { incus.east = … }`, which is read without being evaluated.
    fn ambiguous_key(&mut self, range: ByteRange) {
        self.report(
            range,
            "ambiguous-object-key",
            "Ambiguous attribute key",
            "If this expression is intended to be a reference, wrap it in parentheses. If it's instead intended as a \
             literal name containing periods, wrap it in quotes to create a string literal.",
        );
    }

    /// The text of an object key; none if it is unknown or mistaken.
    fn object_key(
        &mut self,
        key: Value,
        range: ByteRange,
        marks: &mut Marks,
        in_for: bool,
    ) -> Option<Text> {
        if let Value::String(text) = key {
            return Some(text);
        }
        *marks |= key.marks();
        let (summary, detail) = match key.unmarked() {
            Value::String(text) => return Some(text.clone()),
            Value::Unknown(_) => return None,
            Value::Null(_) if in_for => (
                "Invalid object key",
                "Key expression in 'for' expression must not produce a null value.".to_owned(),
            ),
            Value::Null(_) => (
                "Null value as key",
                "Can't use a null value as a key.".to_owned(),
            ),
            key => match key.convert(&Type::String) {
                Ok(Value::String(text)) => return Some(text),
                Ok(_) => return None,
                Err(error) if in_for => (
                    "Invalid object key",
                    format!("The key expression produced an invalid result: {error}."),
                ),
                Err(error) => (
                    "Incorrect key type",
                    format!("Can't use this value as a key: {error}."),
                ),
            },
        };
        self.report(range, "invalid-object-key", summary, detail);
        None
    }

    fn span(&self, range: ByteRange) -> Span {
        range.span(self.source)
    }

    fn report(
        &mut self,
        range: ByteRange,
        code: &'static str,
        summary: &str,
        detail: impl Into<String>,
    ) -> Value {
        let span = self.span(range);
        self.diags
            .push(Diagnostic::error(code, summary).detail(detail).at(span));
        failed()
    }

    /// Runs `evaluate` with diagnostics of its own and gives both.
    fn apart<R>(&mut self, evaluate: impl FnOnce(&mut Self) -> R) -> (R, Diagnostics) {
        let before = std::mem::take(self.diags);
        let result = evaluate(self);
        (result, std::mem::replace(self.diags, before))
    }
}
