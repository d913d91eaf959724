//! The platforms at hand.

use std::{collections::BTreeMap, sync::Arc};

use strata_config::{Schemas, plain_source};
use strata_core::{
    addr::ResourceMode,
    provider::Provider,
    schema::{ProviderSchema, Resource},
};
use strata_state::{backend::Outside, encryption::Encryption};

use crate::builtin::{self, RemoteStates};

/// All providers that can be used, by their address.
#[derive(Clone)]
pub struct Providers {
    providers: BTreeMap<Arc<str>, Arc<dyn Provider>>,
    schemas: Schemas,
}

/// A provider as what it offers, which it need not make before it is asked.
struct Offered(Arc<dyn Provider>);

impl AsRef<ProviderSchema> for Offered {
    fn as_ref(&self) -> &ProviderSchema {
        self.0.schema()
    }
}

impl Providers {
    /// Takes providers; the builtin one is always there.
    pub fn new(providers: impl IntoIterator<Item = Arc<dyn Provider>>) -> Self {
        let builtin: Arc<dyn Provider> = Arc::new(builtin::Terraform::new(RemoteStates::default()));
        let providers: Vec<_> = std::iter::once(builtin).chain(providers).collect();
        let schema =
            |provider: &Arc<dyn Provider>| (provider.source(), Arc::new(Offered(provider.clone())));
        let schemas = Schemas::new(providers.iter().map(schema));
        let entry =
            |provider: Arc<dyn Provider>| (plain_source(provider.source()).into(), provider);
        Self {
            providers: providers.into_iter().map(entry).collect(),
            schemas,
        }
    }

    /// The same, with what states of other root modules need that are not on the local disk, or encrypted.
    #[must_use]
    pub fn with_outside(mut self, outside: Outside, encryption: Option<Arc<Encryption>>) -> Self {
        let builtin: Arc<dyn Provider> = Arc::new(builtin::Terraform::new(RemoteStates {
            outside: Some(outside),
            encryption,
        }));
        self.providers.insert(builtin.source().into(), builtin);
        self
    }

    /// Each of them, in the order of their addresses.
    pub fn all(&self) -> impl Iterator<Item = &Arc<dyn Provider>> {
        self.providers.values()
    }

    /// What they offer.
    pub fn schemas(&self) -> &Schemas {
        &self.schemas
    }

    /// The schema of a type, by whichever provider has it.
    pub fn resource_type(&self, mode: ResourceMode, type_name: &str) -> Option<&Resource> {
        let mut providers = self.providers.values();
        providers.find_map(|provider| provider.schema().types(mode).get(type_name))
    }

    /// The address of the provider that has a type.
    pub fn source_of(&self, mode: ResourceMode, type_name: &str) -> Option<&'static str> {
        let has =
            |provider: &&Arc<dyn Provider>| provider.schema().types(mode).contains_key(type_name);
        self.providers
            .values()
            .find(has)
            .map(|provider| provider.source())
    }

    /// The provider with this address; which public registry it names does not matter.
    pub fn get(&self, source: &str) -> Option<&Arc<dyn Provider>> {
        self.providers.get(&*plain_source(source))
    }
}
