//! The schemas of all providers in use, as data.

use std::{borrow::Cow, collections::BTreeMap, fmt, sync::Arc};

use strata_core::{
    PathStep, Value,
    addr::ResourceMode,
    schema::{Attribute, Block, Nesting, ProviderSchema, Resource},
};

/// Provider schemas by full address, such as `registry.terraform.io/lxc/incus`.
///
/// What answers for a schema may make it when first asked, so that a run pays for the providers it uses.
#[derive(Clone, Default)]
pub struct Schemas(BTreeMap<Arc<str>, Arc<dyn AsRef<ProviderSchema> + Send + Sync>>);

impl fmt::Debug for Schemas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The registries that hold the same providers under the same names.
const REGISTRIES: [&str; 2] = ["registry.terraform.io/", "registry.opentofu.org/"];

impl Schemas {
    /// Takes schemas by source address.
    pub fn new<S, P>(schemas: impl IntoIterator<Item = (S, Arc<P>)>) -> Self
    where
        S: Into<Arc<str>>,
        P: AsRef<ProviderSchema> + Send + Sync + 'static,
    {
        let mut all = Self::default();
        for (source, schema) in schemas {
            let source: Arc<str> = source.into();
            all.0.insert(plain_source(&source).into(), schema);
        }
        all
    }

    /// True if there is such a provider. Its schema is not needed for that.
    pub fn has(&self, source: &str) -> bool {
        self.0.contains_key(&*plain_source(source))
    }

    /// The providers that go by the same name as this one, from whoever, as `required_providers` names them.
    pub fn namesakes(&self, source: &str) -> impl Iterator<Item = &str> {
        let name = source.rsplit('/').next().unwrap_or(source);
        let sources = self.0.keys().map(|known| &**known);
        sources.filter(move |known| known.rsplit('/').next() == Some(name))
    }

    /// The schema of a provider; which of the public registries its address names does not matter.
    pub fn provider(&self, source: &str) -> Option<&ProviderSchema> {
        let found = self.0.get(&*plain_source(source))?;
        Some((**found).as_ref())
    }

    /// The schema of a resource or data source.
    pub fn resource(&self, source: &str, mode: ResourceMode, type_name: &str) -> Option<&Resource> {
        self.provider(source)?.types(mode).get(type_name)
    }
}

/// The name by which a provider is known here, whichever of the public registries its address names. OpenTofu's own builds
/// of HashiCorp's (`opentofu/random`) are those.
pub fn plain_source(source: &str) -> Cow<'_, str> {
    let strip = |registry: &&str| source.strip_prefix(*registry);
    let plain = REGISTRIES.iter().find_map(strip).unwrap_or(source);
    match plain.strip_prefix("opentofu/") {
        Some(name) => Cow::Owned(format!("hashicorp/{name}")),
        None => Cow::Borrowed(plain),
    }
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
        if let Some(attribute) = block.attributes.get(name.as_str()) {
            return mark_attribute(attribute, child);
        }
        match block.blocks.get(name.as_str()) {
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
                    PathStep::Attribute(name) => match nested.attributes.get(name.as_str()) {
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

/// True if a schema calls something sensitive.
pub(crate) fn has_sensitive(block: &Block) -> bool {
    block.attributes.values().any(attribute_has_sensitive)
        || block
            .blocks
            .values()
            .any(|nested| has_sensitive(&nested.block))
}
