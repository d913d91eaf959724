//! What words tell of provider configurations: references to them, what modules are given and what they bring.

use strata_core::{Diagnostic, Span};

use super::{Context, Names};
use crate::{
    module::{Module, ModuleCall, ProviderBlock, ProviderKey, ProviderReference, Repeat},
    provider::{full_source, source_of},
    references::{self, Target},
};

impl Names<'_> {
    /// The arguments of a block, and what makes its instances, which must be known before anything is planned.
    pub(super) fn provider_block(&mut self, block: &ProviderBlock) {
        let context = Context::each(block.for_each.is_some());
        self.all(&references::in_body(&block.body), context);
        let Some(for_each) = &block.for_each else {
            return;
        };
        self.expression(for_each, Context::NOTHING);
        for reference in for_each.references() {
            let found = references::target(&reference);
            if let Ok(Target::Resource(_) | Target::Module(..)) = found {
                self.diags.push(
                    Diagnostic::error("early-value", "Invalid provider for_each argument")
                        .detail(format!(
                            "`{reference}` is not known before planning; the instances of a provider come from \
                             variables and locals alone."
                        ))
                        .at(reference.span()),
                );
            }
        }
        if block.key.alias.is_none() {
            self.diags.push(
                Diagnostic::error("missing-alias", "Alias required when using \"for_each\"")
                    .detail("Several instances of a provider configuration need a name together.")
                    .at(for_each.span())
                    .hint("Add `alias`."),
            );
        }
    }

    /// A configuration with an alias must be there; one without may be left to its defaults. A key must be there
    /// exactly where there are several instances.
    pub(super) fn provider(&mut self, reference: &ProviderReference, context: Context<'_>) {
        let Some(node) = self.config.places.get(&self.node.path) else {
            return;
        };
        if let Some(key) = &reference.instance {
            self.expression(key, context);
        }
        let address = crate::provider::resolve(self.config, *node, &reference.key);
        let block = self.config.provider_block(&address);
        if address.alias.is_some() && block.is_none() {
            self.diags.push(
                Diagnostic::error("undeclared-provider", "Provider configuration not present")
                    .detail(format!(
                        "There is no `provider` block for `{}`, nor is one passed by that name.",
                        reference.key
                    ))
                    .at(reference.span.clone()),
            );
        }
        let several = block.is_some_and(|block| block.for_each.is_some());
        // What a caller passed is one instance already.
        let is_own = address.module == self.node.path;
        match (several && is_own, &reference.instance) {
            (true, None) => self.instance_key(
                "Provider instance key required",
                format!(
                    "`{}` has `for_each`, so one of its instances must be chosen.",
                    reference.key
                ),
                &reference.span,
                format!(
                    "Write `{}[each.key]`, where the keys are the same.",
                    reference.key
                ),
            ),
            (false, Some(key)) if block.is_some() => self.instance_key(
                "Unexpected provider instance key",
                format!(
                    "`{}` has no `for_each`, so it has no instances to choose from.",
                    reference.key
                ),
                &key.span(),
                "Remove the index.".to_owned(),
            ),
            _ => {}
        }
    }

    fn instance_key(&mut self, summary: &str, why: String, span: &Span, hint: String) {
        self.diags.push(
            Diagnostic::error("provider-instance", summary)
                .detail(why)
                .at(span.clone())
                .hint(hint),
        );
    }

    /// Provider blocks in a called module: needless ones, and those that bind the module to one instance.
    pub(super) fn own_providers(&mut self, child: &Module, call: &ModuleCall) {
        for block in child.providers.values() {
            let empty = block.body.attributes.is_empty() && block.body.blocks.is_empty();
            if empty {
                self.diags.push(
                    Diagnostic::warning("redundant-provider", "Redundant empty provider block")
                        .detail(format!(
                            "An empty `provider` block was how modules said that they need `{}`; now `required_providers` \
                             says it.",
                            block.key.name
                        ))
                        .at(block.span.clone()),
                );
            } else if !matches!(call.repeat, Repeat::Once) || !call.depends_on.is_empty() {
                self.diags.push(
                    Diagnostic::error(
                        "provider-in-module",
                        "Module is incompatible with count, for_each, and depends_on",
                    )
                    .detail("The module has a provider configuration of its own, which can be there only once.")
                    .at(call.span.clone())
                    .label(block.span.clone(), "configured here"),
                );
            }
        }
    }

    /// What a called module is given must be known to it, and of the provider that it means by the name.
    pub(super) fn passed_providers(&mut self, child: &Module, name: &str, call: &ModuleCall) {
        for (key, given) in &call.providers {
            let own = &self.config.nodes[self.config.places[&self.node.path]].module;
            let offered = source_of(own, &given.key.name);
            let required = child.settings.required_providers.get(&key.name);
            let meant = match required {
                Some(required) => required.source.clone(),
                None => full_source(&key.name),
            };
            let is_declared = match (required, &key.alias) {
                (_, _) if child.providers.contains_key(key) => true,
                (Some(_), None) => true,
                (Some(required), Some(_)) => required.aliases.iter().any(|one| one.key == *key),
                (None, _) => false,
            };
            if !is_declared {
                self.diags
                    .push(undefined(key, given, name, required.is_some(), &meant));
            }
            if offered != meant {
                self.diags.push(
                    Diagnostic::error("provider-mismatch", "Provider type mismatch")
                        .detail(format!(
                            "`{}` is the provider `{offered}` here, but `{key}` is `{meant}` in the module `{name}`.",
                            given.key
                        ))
                        .at(given.span.clone())
                        .hint("Both modules say in `required_providers` which provider a name means."),
                );
            }
        }
    }

    /// The configurations that a called module says it must be given.
    pub(super) fn aliases(&mut self, child: &Module, name: &str, call: &ModuleCall) {
        let required = child.settings.required_providers.values();
        for alias in required.flat_map(|requirement| &requirement.aliases) {
            if !call.providers.contains_key(&alias.key) {
                self.diags.push(
                    Diagnostic::error("missing-provider", "Missing required provider configuration")
                        .detail(format!(
                            "The module `{name}` requires an additional configuration for the provider `{}`, by the \
                             name `{}`.",
                            alias.key.name, alias.key
                        ))
                        .at(call.span.clone())
                        .label(alias.span.clone(), "required here")
                        .hint(format!("Add it to the `providers` argument: `providers = {{ {} = ... }}`.", alias.key)),
                );
            }
        }
    }
}

/// A configuration that a called module does not declare: a mistake where it knows the provider, and else a warning.
fn undefined(
    key: &ProviderKey,
    given: &ProviderReference,
    module: &str,
    is_known: bool,
    source: &str,
) -> Diagnostic {
    let (code, summary) = ("undefined-provider", "Reference to undefined provider");
    let found = match is_known {
        true => Diagnostic::error(code, summary),
        false => Diagnostic::warning(code, summary),
    };
    let missing = match &key.alias {
        Some(_) => format!("configuration_aliases = [{key}]"),
        None => format!("{key} = {{ source = \"{source}\" }}"),
    };
    found
        .detail(format!(
            "The module `{module}` does not declare the provider `{key}`."
        ))
        .at(given.span.clone())
        .hint(format!(
            "Add `{missing}` to `required_providers` of that module."
        ))
}
