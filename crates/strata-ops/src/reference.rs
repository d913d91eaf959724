//! What there is to write into configuration: the types of all providers.

use std::sync::Arc;

use strata_core::{provider::ObjectKind, schema::Block};

use crate::registry::Platforms;

/// One resource type, data source or ephemeral resource.
pub struct Documented {
    /// The provider's name in configuration.
    pub provider: &'static str,
    /// The provider's address.
    pub source: &'static str,
    /// Whether it is a resource, a data source or an ephemeral resource.
    pub kind: ObjectKind,
    /// Its name.
    pub name: Arc<str>,
    /// What it takes and gives.
    pub block: Block,
}

/// All types, by provider; resources before data sources before ephemeral resources, each in the order of their names.
pub fn all(platforms: &Platforms) -> Vec<Documented> {
    let providers = platforms.providers();
    let mut all = Vec::new();
    for provider in providers.all() {
        let schema = provider.schema();
        let families = [
            (ObjectKind::Resource, &schema.resources),
            (ObjectKind::DataSource, &schema.data_sources),
            (ObjectKind::Ephemeral, &schema.ephemerals),
        ];
        for (kind, types) in families {
            all.extend(types.iter().map(|(name, resource)| Documented {
                provider: provider.name(),
                source: provider.source(),
                kind,
                name: name.clone(),
                block: resource.block.clone(),
            }));
        }
    }
    all.sort_by_key(|documented| documented.provider);
    all
}

/// The types that a user means: a provider's, those of this name, or the one of `data.NAME` or `ephemeral.NAME`.
pub fn find(platforms: &Platforms, name: &str) -> Vec<Documented> {
    let only = [
        ("data.", ObjectKind::DataSource),
        ("ephemeral.", ObjectKind::Ephemeral),
    ];
    let prefixed = only
        .into_iter()
        .find_map(|(prefix, kind)| Some((name.strip_prefix(prefix)?, kind)));
    let type_name = prefixed.map_or(name, |(rest, _)| rest);
    let mut found = all(platforms);
    found.retain(|documented| {
        let kind = prefixed.is_none_or(|(_, kind)| documented.kind == kind);
        (documented.provider == name || &*documented.name == type_name) && kind
    });
    found
}
