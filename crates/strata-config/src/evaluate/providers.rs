//! Provider configurations: which one, and which instance of it, an instance of a resource uses, and their arguments.

use std::sync::Arc;

use strata_core::{Diagnostic, Diagnostics, Span, Type, Value, addr, schema};
use strata_hcl::{Expression, evaluate};

use super::{
    Evaluator, Expansion, Mode,
    expansion::expand,
    scope::InModule,
    state::{ModuleState, Repetition, StateId},
};
use crate::{
    decode, graph,
    module::{ProviderBlock, ProviderKey, ProviderReference, Repeat},
    provider::{self, ProviderAddress},
};

impl Evaluator {
    /// The arguments of a provider configuration; all null if it has no block.
    pub fn provider_config(
        &self,
        provider: &ProviderAddress,
        schema: &schema::Block,
        diags: &mut Diagnostics,
    ) -> Value {
        let block = self.config.provider_block(provider);
        let value = match (block, self.find_module(&keyless(&provider.module))) {
            (Some(block), Some(module)) => {
                let repetition = self.provider_instance(block, &module, provider, diags);
                let scope = self.scope(&module, &repetition, None);
                decode::block(&block.body, &block.span, schema, &scope, diags)
            }
            _ => schema.empty_value(),
        };
        self.report(diags);
        value
    }

    /// The provider configuration that an instance of a resource uses; none if there is no such resource, or it does
    /// not say which instance of the configuration it means, which is reported.
    pub fn provider_of(
        &self,
        instance: &addr::ResourceInstance,
        diags: &mut Diagnostics,
    ) -> Option<ProviderAddress> {
        if let Some(played) = self.config.played(instance) {
            return Some(played);
        }
        let address = self.config.provider_of(&instance.resource.config())?;
        let block = self.config.provider_block(&address);
        if block.is_none_or(|block| block.for_each.is_none()) {
            return Some(address);
        }
        let key = self.in_instance(instance, None, diags, |resource, scope, diags| {
            let key = provider::key_of(resource);
            match &resource.provider {
                Some(ProviderReference {
                    instance: Some(key),
                    span,
                    ..
                }) => key_text(key, span, scope, diags),
                _ => self.passed_instance(scope.module, key, diags),
            }
        });
        self.report(diags);
        Some(ProviderAddress {
            instance: Some(key.flatten()?),
            ..address
        })
    }

    /// The instance that one of the callers chose in the `providers` argument.
    fn passed_instance(
        &self,
        module: &Arc<ModuleState>,
        mut key: ProviderKey,
        diags: &mut Diagnostics,
    ) -> Option<Arc<str>> {
        let mut module = module.clone();
        loop {
            let parent: Option<StateId> = module.parent;
            let parent = self.state(parent?);
            let call = graph::call_of(&self.config, module.node)?;
            match call.providers.get(&key) {
                Some(ProviderReference {
                    instance: Some(key),
                    span,
                    ..
                }) => {
                    let scope = self.scope(&parent, &module.repetition, None);
                    return key_text(key, span, &scope, diags);
                }
                Some(passed) => key = passed.key.clone(),
                // Only what has no alias is inherited, and what has `for_each` has one.
                None => return None,
            }
            module = parent;
        }
    }

    /// What `each` gives in the block of an instance.
    fn provider_instance(
        &self,
        block: &ProviderBlock,
        module: &Arc<ModuleState>,
        provider: &ProviderAddress,
        diags: &mut Diagnostics,
    ) -> Repetition {
        let Some(for_each) = &block.for_each else {
            return Repetition::Once;
        };
        let repeat = Repeat::ForEach(for_each.clone());
        let scope = self.scope(module, &Repetition::Once, None);
        let expansion = expand(&repeat, self.counting(), &scope, diags);
        let key = provider.instance.clone().map(addr::InstanceKey::String);
        let found = match (&expansion, &provider.instance) {
            (Expansion::ForEach(entries), Some(key)) => entries.contains_key(key),
            (Expansion::ForEach(_), None) => false,
            _ => return Repetition::unknown(&repeat),
        };
        if !found && self.options.mode == Mode::Run {
            diags.push(
                Diagnostic::error("missing-provider-instance", "Provider instance not present")
                    .detail(format!(
                        "`{provider}` is needed, and `for_each` of its block does not have that key. What was made \
                         with an instance can only be destroyed with it."
                    ))
                    .at(for_each.span()),
            );
            return Repetition::unknown(&repeat);
        }
        Repetition::of(&expansion, key.as_ref())
    }
}

/// A module as the instance that provider configurations are in: modules with several have none.
fn keyless(module: &addr::Module) -> addr::ModuleInstance {
    let names = module.0.iter();
    names.fold(addr::ModuleInstance::root(), |at, name| {
        at.child(name.clone(), None)
    })
}

/// The key of an instance as text; none if it is not known or no text, which is reported.
fn key_text(
    key: &Expression,
    span: &Span,
    scope: &InModule<'_>,
    diags: &mut Diagnostics,
) -> Option<Arc<str>> {
    let before = diags.len();
    let value = evaluate(key, scope, diags);
    let text = value.unmarked().convert(&Type::String);
    if let Some(text) = text.ok().as_ref().and_then(Value::as_str)
        && value.marks().is_none()
    {
        return Some(text.into());
    }
    if diags.len() == before && scope.evaluator.options.mode == Mode::Run {
        diags.push(
            Diagnostic::error("provider-instance", "Invalid provider instance key")
                .detail("The key of a provider's instance must be a text that is known, and not secret.")
                .at(span.clone()),
        );
    }
    None
}
