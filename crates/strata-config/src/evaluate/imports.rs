//! `import` blocks, evaluated.

use std::sync::Arc;

use strata_core::{
    Diagnostic, Diagnostics, Span, Type, Value,
    addr::{self, InstanceKey, ModuleInstance, ResourceMode},
};
use strata_hcl::{
    Expression, evaluate,
    syntax::node::{Node, NodeKind, StepKind},
};

use super::{
    Evaluator, expansion,
    scope::InModule,
    state::{ModuleState, Repetition},
};
use crate::module::{Import, ProviderReference, Repeat};

/// One object to import.
#[derive(Clone, Debug)]
pub struct ImportTarget {
    /// What it becomes.
    pub to: addr::ResourceInstance,
    /// By what the provider finds it; unknown if it depends on what is not known yet. Its marks say whether it may be
    /// shown.
    pub id: Value,
    /// The provider configuration that the block asks for; none for that of the resource.
    pub provider: Option<ProviderReference>,
    /// The place of the address it becomes.
    pub span: Span,
    /// The place of the id.
    pub id_span: Span,
}

impl Evaluator {
    /// Everything that the `import` blocks of the root module ask for, in the order in which they stand.
    ///
    /// What is wrong with an address or identifier is reported, and left out.
    pub fn import_targets(&self, diags: &mut Diagnostics) -> Vec<ImportTarget> {
        let mut targets = Vec::new();
        if let Some(root) = self.find_module(&ModuleInstance::root()) {
            for import in &root.module.imports {
                self.import(&root, import, &mut targets, diags);
            }
        }
        self.report(diags);
        targets
    }

    /// The same for one of those blocks.
    pub fn import_targets_of(&self, import: &Import, diags: &mut Diagnostics) -> Vec<ImportTarget> {
        let mut targets = Vec::new();
        if let Some(root) = self.find_module(&ModuleInstance::root()) {
            self.import(&root, import, &mut targets, diags);
        }
        self.report(diags);
        targets
    }

    fn import(
        &self,
        root: &Arc<ModuleState>,
        import: &Import,
        targets: &mut Vec<ImportTarget>,
        diags: &mut Diagnostics,
    ) {
        for repetition in self.repetitions(root, import.for_each.as_ref(), diags) {
            let scope = self.scope(root, &repetition, None);
            let to = address(&import.to, &scope, diags);
            let id = identifier(import, &scope, diags);
            let (Some(to), Some(id)) = (to, id) else {
                continue;
            };
            if let Some(found) = self.wrong_key(&to, import) {
                diags.push(found);
                continue;
            }
            targets.push(ImportTarget {
                to,
                id,
                provider: import.provider.clone(),
                span: import.to.span(),
                id_span: import.id.span(),
            });
        }
    }
}

fn wrong_target(why: &str, import: &Import) -> Diagnostic {
    let summary = "Invalid import 'to' expression";
    Diagnostic::error("invalid-import", summary)
        .detail(format!("The target resource {why}."))
        .at(import.to.span())
}

impl Evaluator {
    /// What is wrong with a key of another kind than the instances of the resource have.
    fn wrong_key(&self, to: &addr::ResourceInstance, import: &Import) -> Option<Diagnostic> {
        let resource = self.config.resource(&to.resource.config());
        let Some(resource) = resource else {
            // Configuration that is generated has one instance.
            return import
                .for_each
                .is_some()
                .then(|| wrong_target("does not use for_each", import));
        };
        let why = match (&to.key, &resource.repeat) {
            (Some(InstanceKey::Int(_)), Repeat::Count(_)) => return None,
            (Some(InstanceKey::String(_)), Repeat::ForEach(_)) => return None,
            (Some(InstanceKey::Int(_)), _) => "does not use count",
            (Some(InstanceKey::String(_)), _) => "does not use for_each",
            (None, Repeat::Count(_)) => "is using count",
            (None, Repeat::ForEach(_)) => "is using for_each",
            (None, _) => return None,
        };
        Some(wrong_target(why, import))
    }

    /// Once, or for each element. Other than elsewhere a list will do, too: its keys are numbers.
    fn repetitions(
        &self,
        root: &Arc<ModuleState>,
        for_each: Option<&Expression>,
        diags: &mut Diagnostics,
    ) -> Vec<Repetition> {
        let Some(for_each) = for_each else {
            return vec![Repetition::Once];
        };
        let scope = self.scope(root, &Repetition::Once, None);
        let value = evaluate(for_each, &scope, &mut Diagnostics::new());
        if let Value::List(_, items) | Value::Tuple(items) = &value {
            let each = |(at, value): (usize, &Value)| Repetition::Each {
                key: Value::number(at),
                value: value.clone(),
            };
            return items.iter().enumerate().map(each).collect();
        }
        let repeat = Repeat::ForEach(for_each.clone());
        let expansion = expansion::expand(&repeat, self.counting(), &scope, diags);
        let keys = expansion.keys();
        let of = |key: &Option<InstanceKey>| Repetition::of(&expansion, key.as_ref());
        keys.iter().map(of).collect()
    }
}

/// The identifier; none if it cannot be one.
fn identifier(import: &Import, scope: &InModule<'_>, diags: &mut Diagnostics) -> Option<Value> {
    let value = evaluate(&import.id, scope, diags);
    let invalid = "Invalid import id argument";
    let (summary, why) = match value.unmarked().convert(&Type::String) {
        Err(_) => (
            "Incorrect value type",
            "The import ID value is unsuitable: a string is required.",
        ),
        Ok(id) if id.is_null() => (invalid, "The import ID cannot be null."),
        Ok(id) if id.as_str() == Some("") => {
            (invalid, "The import ID value evaluates to an empty string.")
        }
        Ok(id) => return Some(id.with_marks(value.marks())),
    };
    diags.push(
        Diagnostic::error("invalid-import-id", summary)
            .detail(why)
            .at(import.id.span()),
    );
    None
}

/// Evaluates the keys of an address.
fn address(
    expression: &Expression,
    scope: &InModule<'_>,
    diags: &mut Diagnostics,
) -> Option<addr::ResourceInstance> {
    let (root, steps) = match &expression.node().kind {
        NodeKind::Access(root, steps) => (&root.kind, steps.as_slice()),
        _ => return None,
    };
    let NodeKind::Variable(root) = root else {
        return None;
    };
    let mut parts: Vec<(Arc<str>, Option<InstanceKey>)> = vec![(root.clone(), None)];
    for step in steps {
        match &step.kind {
            StepKind::Attribute(name) => parts.push((name.clone(), None)),
            StepKind::Index(node) => {
                let key = key(expression, node, scope, diags)?;
                parts.last_mut()?.1 = Some(key);
            }
            StepKind::Splat | StepKind::AttributeSplat => return None,
        }
    }
    instance(parts)
}

fn instance(parts: Vec<(Arc<str>, Option<InstanceKey>)>) -> Option<addr::ResourceInstance> {
    let mut parts = parts.into_iter().peekable();
    let mut module = ModuleInstance::root();
    while parts.next_if(|(name, _)| &**name == "module").is_some() {
        let (name, key) = parts.next()?;
        module = module.child(name, key);
    }
    parts.next_if(|(name, _)| &**name == "resource");
    let (type_name, _) = parts.next()?;
    let (name, key) = parts.next()?;
    let resource = module.resource(ResourceMode::Managed, type_name, name);
    Some(resource.instance(key))
}

/// The key of one instance; what cannot be one is reported.
fn key(
    within: &Expression,
    node: &Node,
    scope: &InModule<'_>,
    diags: &mut Diagnostics,
) -> Option<InstanceKey> {
    let expression = Expression::new(within.source().clone(), node.clone());
    let value = evaluate(&expression, scope, diags);
    let found = match value.unmarked() {
        Value::Number(at) => at.as_i64().map(InstanceKey::Int),
        Value::String(key) => Some(InstanceKey::String(key.clone().into())),
        _ => None,
    };
    if found.is_none() {
        diags.push(
            Diagnostic::error("invalid-import", "Invalid import `to` expression")
                .detail("A key in the address must be a known string or whole number.")
                .at(expression.span()),
        );
    }
    found
}
