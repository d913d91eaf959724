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
    Evaluator, Expansion, expansion,
    scope::InModule,
    state::{ModuleState, Repetition},
};
use crate::module::{Import, ProviderReference, Repeat};

/// One object to import.
#[derive(Clone, Debug)]
pub struct ImportTarget {
    /// What it becomes.
    pub to: addr::ResourceInstance,
    /// By what the provider finds it; unknown if it depends on what is not known yet.
    pub id: Value,
    /// The provider configuration that the block asks for; none for that of the resource.
    pub provider: Option<ProviderReference>,
    /// The place of the address it becomes.
    pub span: Span,
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

    fn import(
        &self,
        root: &Arc<ModuleState>,
        import: &Import,
        targets: &mut Vec<ImportTarget>,
        diags: &mut Diagnostics,
    ) {
        let expansion = match &import.for_each {
            None => Expansion::Single,
            Some(for_each) => {
                let repeat = Repeat::ForEach(for_each.clone());
                let scope = self.scope(root, &Repetition::Once, None);
                expansion::expand(&repeat, self.counting(), &scope, diags)
            }
        };
        for key in expansion.keys() {
            let repetition = Repetition::of(&expansion, key.as_ref());
            let scope = self.scope(root, &repetition, None);
            let to = address(&import.to, &scope, diags);
            let id = identifier(import, &scope, diags);
            let (Some(to), Some(id)) = (to, id) else {
                continue;
            };
            targets.push(ImportTarget {
                to,
                id,
                provider: import.provider.clone(),
                span: import.to.span(),
            });
        }
    }
}

/// The identifier; none if it cannot be one.
fn identifier(import: &Import, scope: &InModule<'_>, diags: &mut Diagnostics) -> Option<Value> {
    let value = evaluate(&import.id, scope, diags);
    let wrong = |why: &str| {
        Diagnostic::error("invalid-import-id", "Invalid import id argument")
            .detail(why)
            .at(import.id.span())
    };
    let why = match value.unmarked().convert(&Type::String) {
        _ if !value.marks().is_none() => "The import ID cannot be sensitive or ephemeral.",
        Err(_) => "The import ID value is unsuitable: a string is required.",
        Ok(id) if id.is_null() => "The import ID cannot be null.",
        Ok(id) if id.as_str() == Some("") => "The import ID value evaluates to an empty string.",
        Ok(id) => return Some(id),
    };
    diags.push(wrong(why));
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
        Value::String(key) => Some(InstanceKey::String(key.clone())),
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
