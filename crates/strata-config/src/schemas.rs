//! The schemas of all providers in use, as data.

use std::{collections::BTreeMap, sync::Arc};

use strata_core::{
    PathStep, Value,
    addr::ResourceMode,
    schema::{Attribute, Block, Nesting, ProviderSchema, Resource},
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
        self.provider(source)?.types(mode).get(type_name)
    }
}

fn plain(source: &str) -> &str {
    let strip = |registry: &&str| source.strip_prefix(*registry);
    REGISTRIES.iter().find_map(strip).unwrap_or(source)
}

/// Marks the attributes that a schema calls sensitive.
pub(crate) fn mark_sensitive(block: &Block, value: Value) -> Value {
    if !has_sensitive(block) || value.is_null() || !value.is_known() {
        return value;
    }
    value.map_children(|step, child| {
        let PathStep::Attribute(name) = step else {
            return child.clone();
        };
        if let Some(attribute) = block.attributes.get(&name) {
            return mark_attribute(attribute, child);
        }
        match block.blocks.get(&name) {
            Some(nested) if nested.nesting == Nesting::Single => {
                mark_sensitive(&nested.block, child.clone())
            }
            Some(nested) => {
                child.map_children(|_, item| mark_sensitive(&nested.block, item.clone()))
            }
            None => child.clone(),
        }
    })
}

fn mark_attribute(attribute: &Attribute, value: &Value) -> Value {
    if attribute.sensitive && !value.is_null() {
        return value.clone().sensitive();
    }
    match &attribute.nested {
        Some(nested) if nested.attributes.values().any(attribute_has_sensitive) => {
            let mark = |object: &Value| {
                object.map_children(|step, child| match step {
                    PathStep::Attribute(name) => match nested.attributes.get(&name) {
                        Some(attribute) => mark_attribute(attribute, child),
                        None => child.clone(),
                    },
                    _ => child.clone(),
                })
            };
            match nested.nesting {
                Nesting::Single => mark(value),
                _ => value.map_children(|_, item| mark(item)),
            }
        }
        _ => value.clone(),
    }
}

fn attribute_has_sensitive(attribute: &Attribute) -> bool {
    let inside = attribute.nested.as_ref();
    attribute.sensitive
        || inside.is_some_and(|nested| nested.attributes.values().any(attribute_has_sensitive))
}

fn has_sensitive(block: &Block) -> bool {
    block.attributes.values().any(attribute_has_sensitive)
        || block
            .blocks
            .values()
            .any(|nested| has_sensitive(&nested.block))
}
