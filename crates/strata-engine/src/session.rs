//! What planning and applying share: the evaluator, and providers that are configured when first needed.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use strata_config::{Chance, Evaluator, ProviderAddress};
use strata_core::{
    Diagnostic, Diagnostics, Events, Subject, Value,
    addr::{self, Module, ResourceMode},
    provider::{ConfiguredProvider, Provider},
};
use strata_state::{State, StoredObject};

use crate::{
    chance::SystemChance, checks::within, environment::Environment, ephemeral::Ephemerals,
    objects::Kind, plan::about, providers::Providers,
};

/// A provider's address, and a type of it.
type KindKey = (Arc<str>, ResourceMode, Arc<str>);

/// One run over one configuration.
pub(crate) struct Session<'a> {
    pub(crate) environment: &'a Environment,
    pub(crate) evaluator: Evaluator,
    pub(crate) providers: &'a Providers,
    pub(crate) events: &'a Events,
    configured: Mutex<BTreeMap<ProviderAddress, Option<Arc<dyn ConfiguredProvider>>>>,
    kinds: Mutex<BTreeMap<KindKey, Option<Kind>>>,
    pub(crate) ephemerals: Ephemerals,
    /// What the data sources of `check` blocks failed with, by the addresses of the blocks.
    unreadable: Mutex<BTreeMap<String, String>>,
}

impl<'a> Session<'a> {
    /// A run in which clock and chance have no results yet.
    pub(crate) fn planning(
        environment: &'a Environment,
        providers: &'a Providers,
        events: &'a Events,
    ) -> Self {
        Self::new(environment, providers, events, None)
    }

    /// A run in which everything gets its value.
    pub(crate) fn applying(
        environment: &'a Environment,
        providers: &'a Providers,
        events: &'a Events,
    ) -> Self {
        Self::new(environment, providers, events, Some(Arc::new(SystemChance)))
    }

    fn new(
        environment: &'a Environment,
        providers: &'a Providers,
        events: &'a Events,
        chance: Option<Arc<dyn Chance + Send + Sync>>,
    ) -> Self {
        Self {
            environment,
            evaluator: environment.evaluator(providers.schemas(), chance),
            providers,
            events,
            configured: Mutex::default(),
            kinds: Mutex::default(),
            ephemerals: Ephemerals::new(environment),
            unreadable: Mutex::default(),
        }
    }

    /// Notes how the data source of a `check` block failed; nothing if these are no errors.
    pub(crate) fn note_unreadable(
        &self,
        data: &addr::ResourceInstance,
        check: &str,
        found: &Diagnostics,
    ) {
        let errors = found.iter().find(|found| found.is_error());
        if let Some(error) = errors {
            let message = match error.detail.is_empty() {
                true => error.summary.clone(),
                false => format!("{}: {}", error.summary, error.detail),
            };
            let check = within(&data.resource.module.to_string(), &format!("check.{check}"));
            unpoisoned(self.unreadable.lock()).insert(check, message);
        }
    }

    /// How the data source of a `check` block failed.
    pub(crate) fn unreadable(&self, check: &str) -> Option<String> {
        unpoisoned(self.unreadable.lock()).get(check).cloned()
    }

    /// The schema of a resource type; a mistake is reported with the instance.
    pub(crate) fn kind(
        &self,
        provider: &ProviderAddress,
        address: &addr::ResourceInstance,
        diags: &mut Diagnostics,
    ) -> Option<Kind> {
        let resource = &address.resource;
        let key = (
            provider.source.clone(),
            resource.mode,
            resource.type_name.clone(),
        );
        let kind = || {
            let schemas = self.providers.schemas();
            let schema = schemas.resource(&provider.source, resource.mode, &resource.type_name);
            schema.map(Kind::new)
        };
        let kind = unpoisoned(self.kinds.lock())
            .entry(key)
            .or_insert_with(kind)
            .clone();
        if kind.is_none() {
            diags.push(self.unknown_type(provider, address));
        }
        kind
    }

    fn unknown_type(
        &self,
        provider: &ProviderAddress,
        address: &addr::ResourceInstance,
    ) -> Diagnostic {
        let diagnostic = match self.providers.get(&provider.source) {
            None => unknown_provider(provider),
            Some(_) => Diagnostic::error(
                "unknown-resource-type",
                format!(
                    "the provider `{}` has no type `{}`",
                    provider.source, address.resource.type_name
                ),
            ),
        };
        diagnostic.subject(Subject::Resource(address.clone()))
    }

    /// A provider that can work; none if that cannot be, which is reported once.
    pub(crate) fn configured(
        &self,
        address: &ProviderAddress,
        diags: &mut Diagnostics,
    ) -> Option<Arc<dyn ConfiguredProvider>> {
        if let Some(configured) = unpoisoned(self.configured.lock()).get(address) {
            return configured.clone();
        }
        let configured = self.configure(address, diags);
        unpoisoned(self.configured.lock()).insert(address.clone(), configured.clone());
        configured
    }

    fn configure(
        &self,
        address: &ProviderAddress,
        diags: &mut Diagnostics,
    ) -> Option<Arc<dyn ConfiguredProvider>> {
        let Some(provider) = self.providers.get(&address.source) else {
            diags.push(unknown_provider(address));
            return None;
        };
        let value = self.provider_value(provider, address, diags)?;
        match provider.configure(value) {
            Ok(configured) => Some(configured),
            Err(errors) => {
                diags.append(errors);
                None
            }
        }
    }

    fn provider_value(
        &self,
        provider: &Arc<dyn Provider>,
        address: &ProviderAddress,
        diags: &mut Diagnostics,
    ) -> Option<Value> {
        let schema = &provider.schema().provider;
        if self.environment.config.module(&address.module).is_none() {
            return Some(schema.empty_value());
        }
        let mut found = Diagnostics::new();
        let value = self.evaluator.provider_config(address, schema, &mut found);
        let failed = found.has_errors();
        diags.append(found);
        (!failed).then(|| value.unmark_paths().0)
    }

    /// The provider configuration that an object in state belongs to: that of its block, or the one it was made with.
    pub(crate) fn provider_of(
        &self,
        instance: &addr::ResourceInstance,
        stored: Option<&str>,
    ) -> Result<ProviderAddress, Diagnostics> {
        let config = &self.environment.config;
        let resource = &instance.resource;
        let stored = stored.unwrap_or_default();
        let (base, key) = instance_of(stored);
        if let Some(address) = config.provider_of(&resource.config()) {
            if !config.chooses_by_instance(&resource.config(), &address) {
                return Ok(address);
            }
            if key.is_some() && address.to_string() == base {
                return Ok(ProviderAddress {
                    instance: key,
                    ..address
                });
            }
            let mut diags = Diagnostics::new();
            let found = self.evaluator.provider_of(instance, &mut diags);
            return found.ok_or(diags);
        }
        let known = config.providers().into_iter();
        if let Some(address) = known
            .into_iter()
            .find(|address| address.to_string() == base)
        {
            return Ok(ProviderAddress {
                instance: key,
                ..address
            });
        }
        default_provider(stored).ok_or_else(|| {
            Diagnostic::error(
                "missing-provider-configuration",
                format!("the provider configuration of `{resource}` is not there any more"),
            )
            .detail(format!(
                "It was made with `{stored}`. What is made with a provider configuration can only be destroyed with it."
            ))
            .hint("put the `provider` block back, apply, and remove it then")
            .into()
        })
    }

    /// Hands an object out of state to the evaluator.
    pub(crate) fn set_stored(
        &self,
        address: &addr::ResourceInstance,
        provider: &ProviderAddress,
        stored: &StoredObject,
        diags: &mut Diagnostics,
    ) {
        if let Some(kind) = self.kind(provider, address, diags)
            && let Ok(object) = kind.decode(stored)
        {
            self.evaluator
                .set_instance(address, kind.mark_stored(&object.value, stored));
        }
    }

    /// Hands all objects of a state to the evaluator.
    pub(crate) fn set_state(&self, state: &State, diags: &mut Diagnostics) {
        for (address, resource, instance) in state.instances() {
            if let Some(stored) = &instance.current {
                match self.provider_of(&address, Some(&resource.provider_of(instance))) {
                    Ok(provider) => self.set_stored(&address, &provider, stored, diags),
                    Err(errors) => diags.append(about(errors, &address)),
                }
            }
        }
    }
}

/// The root module's configuration without alias of the provider that a state's text names.
fn default_provider(stored: &str) -> Option<ProviderAddress> {
    let source = stored.strip_prefix("provider[\"")?.strip_suffix("\"]")?;
    Some(ProviderAddress {
        module: Module::root(),
        source: source.into(),
        local_name: source.rsplit('/').next().unwrap_or(source).into(),
        alias: None,
        instance: None,
    })
}

/// Splits the key of an instance off what names a provider in state.
fn instance_of(stored: &str) -> (&str, Option<Arc<str>>) {
    let Some((base, _)) = stored
        .rsplit_once("[\"")
        .filter(|(base, _)| base.contains("\"]"))
    else {
        return (stored, None);
    };
    // The key is written as in an address.
    let key = addr::parse_resource_instance(&format!("a.b{}", &stored[base.len()..])).ok();
    match key.and_then(|address| address.key) {
        Some(addr::InstanceKey::String(key)) => (base, Some(key)),
        _ => (stored, None),
    }
}

/// A lock is only held for a moment, and what it guards is whole after each step.
fn unpoisoned<'m, T>(
    lock: Result<MutexGuard<'m, T>, PoisonError<MutexGuard<'m, T>>>,
) -> MutexGuard<'m, T> {
    lock.unwrap_or_else(PoisonError::into_inner)
}

/// State has objects of a provider that there is not: the configuration that needs it is refused before.
fn unknown_provider(address: &ProviderAddress) -> Diagnostic {
    Diagnostic::error("unknown-provider", "Provider not available")
        .detail(format!(
            "The state has objects of the provider `{}`, and Strata does not have it.",
            address.source
        ))
        .hint("Leave them to Terraform: `strata state rm` takes them out of this state, and out of nothing else.")
}
