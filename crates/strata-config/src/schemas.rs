//! The schemas of all providers in use, as data.

use std::{collections::BTreeMap, sync::Arc};

use strata_core::{
    addr::ResourceMode,
    schema::{ProviderSchema, Resource},
};

/// Provider schemas by full address, such as `registry.terraform.io/lxc/incus`.
#[derive(Clone, Debug, Default)]
pub struct Schemas(BTreeMap<Arc<str>, Arc<ProviderSchema>>);

/// The registries that hold the same providers under the same names.
const REGISTRIES: [&str; 2] = ["registry.terraform.io/", "registry.opentofu.org/"];

impl Schemas {
    /// Takes schemas by source address.
    pub fn new<S: Into<Arc<str>>>(
        schemas: impl IntoIterator<Item = (S, Arc<ProviderSchema>)>,
    ) -> Self {
        let entry = |(source, schema): (S, Arc<ProviderSchema>)| {
            let source: Arc<str> = source.into();
            (plain(&source).into(), schema)
        };
        Self(schemas.into_iter().map(entry).collect())
    }

    /// The schema of a provider; which of the public registries its address names does not matter.
    pub fn provider(&self, source: &str) -> Option<&Arc<ProviderSchema>> {
        self.0.get(plain(source))
    }

    /// The schema of a resource or data source.
    pub fn resource(&self, source: &str, mode: ResourceMode, type_name: &str) -> Option<&Resource> {
        let provider = self.provider(source)?;
        match mode {
            ResourceMode::Managed => provider.resources.get(type_name),
            ResourceMode::Data => provider.data_sources.get(type_name),
        }
    }
}

fn plain(source: &str) -> &str {
    let strip = |registry: &&str| source.strip_prefix(*registry);
    REGISTRIES.iter().find_map(strip).unwrap_or(source)
}
