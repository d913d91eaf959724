//! `replace_triggered_by`: what to watch.

use strata_core::{
    AttributePath, Diagnostic, Diagnostics, PathStep, Value,
    addr::{self, InstanceKey},
};
use strata_hcl::{
    Expression, evaluate,
    syntax::node::{Node, NodeKind, StepKind},
};

use super::{ReplaceTrigger, scope::InModule};
use crate::references::{self, Target};

/// Reads one entry: a resource, perhaps an instance, perhaps an attribute.
pub(super) fn read(
    expression: &Expression,
    module: &addr::ModuleInstance,
    scope: &InModule<'_>,
    diags: &mut Diagnostics,
) -> Option<ReplaceTrigger> {
    let references = expression.references();
    // References inside keys come too; the one that begins first is the entry itself.
    let outer = references
        .iter()
        .min_by_key(|reference| reference.range.start);
    let target = outer.and_then(|reference| references::target(reference).ok());
    let (Some(Target::Resource(key)), NodeKind::Access(_, steps)) =
        (target, &expression.node().kind)
    else {
        let wrong = |summary: &str, why: &str| {
            Diagnostic::error("invalid-trigger", summary)
                .detail(why)
                .at(expression.span())
        };
        let summary = "Invalid replace_triggered_by expression";
        diags.push(wrong(
            summary,
            "Missing resource reference in replace_triggered_by expression.",
        ));
        if outer.is_some() {
            let summary = "Invalid reference in replace_triggered_by expression";
            let why = "Each entry names a managed resource, one of its instances, or an attribute of one.";
            diags.push(wrong(summary, why));
        }
        return None;
    };
    let named = if outer.is_some_and(|reference| &*reference.root == "resource") {
        2
    } else {
        1
    };
    let mut steps = steps.iter().skip(named).peekable();
    let mut instance = None;
    if let Some(StepKind::Index(node)) = steps.peek().map(|step| &step.kind) {
        instance = instance_key(&key_value(expression, node, scope, diags));
        steps.next();
    }
    let mut path = AttributePath::root();
    for step in steps {
        path.0.push(match &step.kind {
            StepKind::Attribute(name) => PathStep::Attribute(name.clone().into()),
            StepKind::Index(node) => match key_value(expression, node, scope, diags).unmarked() {
                Value::Number(at) => PathStep::Index(at.clone()),
                Value::String(key) => PathStep::Key(key.clone()),
                _ => break,
            },
            StepKind::Splat | StepKind::AttributeSplat => break,
        });
    }
    Some(ReplaceTrigger {
        resource: module.resource(key.mode, key.type_name, key.name),
        key: instance,
        path,
    })
}

fn key_value(
    within: &Expression,
    node: &Node,
    scope: &InModule<'_>,
    diags: &mut Diagnostics,
) -> Value {
    let key = Expression::new(within.source().clone(), node.clone());
    evaluate(&key, scope, diags)
}

fn instance_key(value: &Value) -> Option<InstanceKey> {
    match value.unmarked() {
        Value::Number(at) => at.as_i64().map(InstanceKey::Int),
        Value::String(key) => Some(InstanceKey::String(key.clone().into())),
        _ => None,
    }
}
