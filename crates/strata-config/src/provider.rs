//! What a provider configuration is called in the whole tree, and which one a resource uses.

use std::{collections::BTreeSet, fmt, sync::Arc};

use strata_core::addr;

use crate::module::{Module, ProviderKey, Resource};
use crate::tree::{Config, NodeId};

/// A provider configuration: the module that its block is in (or would be), the provider, and the alias.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderAddress {
    /// The module that configures it.
    pub module: addr::Module,
    /// The full address, such as `registry.terraform.io/lxc/incus`.
    pub source: Arc<str>,
    /// The name it has in that module.
    pub local_name: Arc<str>,
    /// The alias of the block.
    pub alias: Option<Arc<str>>,
    /// Which instance, where the block has `for_each`.
    pub instance: Option<Arc<str>>,
}

impl ProviderAddress {
    /// The block, with all its instances.
    #[must_use]
    pub fn block(&self) -> Self {
        Self {
            instance: None,
            ..self.clone()
        }
    }
}

impl fmt::Display for ProviderAddress {
    /// Writes it as the state file has it: `provider["registry.terraform.io/lxc/incus"].east`, in OpenTofu with
    /// `["key"]` behind it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.module.0.is_empty() {
            write!(f, "{}.", self.module)?;
        }
        write!(f, "provider[{:?}]", self.source)?;
        if let Some(alias) = &self.alias {
            write!(f, ".{alias}")?;
        }
        match &self.instance {
            Some(key) => write!(f, "{}", addr::InstanceKey::String(key.clone())),
            None => Ok(()),
        }
    }
}

/// The configuration a resource asks for, in its own module's words.
pub(crate) fn key_of(resource: &Resource) -> ProviderKey {
    match &resource.provider {
        Some(reference) => reference.key.clone(),
        None => ProviderKey {
            name: implied_name(&resource.key.type_name),
            alias: None,
        },
    }
}

/// A type's provider, where nothing else is said: what stands before the first underscore.
pub(crate) fn implied_name(type_name: &Arc<str>) -> Arc<str> {
    match type_name.split_once('_') {
        Some((name, _)) => name.into(),
        None => type_name.clone(),
    }
}

/// Follows a name through the callers' `providers` arguments to the module that configures it.
pub(crate) fn resolve(config: &Config, mut node: NodeId, key: &ProviderKey) -> ProviderAddress {
    let source = source_of(&config.nodes[node].module, &key.name);
    let mut key = key.clone();
    while let Some(parent) = config.nodes[node].parent {
        if config.nodes[node].module.providers.contains_key(&key) {
            break;
        }
        let call = config.nodes[node].path.0.last();
        let call = call.and_then(|name| config.nodes[parent].module.calls.get(name));
        match call.and_then(|call| call.providers.get(&key)) {
            Some(passed) => key = passed.key.clone(),
            // Only configurations without alias are inherited by themselves, by provider and not by name.
            None => key = inherited(&config.nodes[parent].module, &source, key),
        }
        node = parent;
    }
    ProviderAddress {
        module: config.nodes[node].path.clone(),
        source,
        local_name: key.name,
        alias: key.alias,
        instance: None,
    }
}

/// The name that the calling module has for a provider.
fn inherited(parent: &Module, source: &Arc<str>, key: ProviderKey) -> ProviderKey {
    let mut required = parent.settings.required_providers.iter();
    match required.find(|(_, requirement)| requirement.source == *source) {
        Some((name, _)) => ProviderKey {
            name: name.clone(),
            alias: key.alias,
        },
        None => key,
    }
}

/// The full address of a provider that a module knows by a local name.
pub(crate) fn source_of(module: &Module, name: &str) -> Arc<str> {
    match module.settings.required_providers.get(name) {
        Some(requirement) => requirement.source.clone(),
        None if name == "terraform" => "terraform.io/builtin/terraform".into(),
        None => full_source(name),
    }
}

/// Completes a source address: `incus` and `lxc/incus` name providers of the public registry.
/// Case does not count in it: `Telmate/proxmox` is `telmate/proxmox`.
pub(crate) fn full_source(source: &str) -> Arc<str> {
    let source = source.to_lowercase();
    match source.split('/').count() {
        1 => format!("registry.terraform.io/hashicorp/{source}").into(),
        2 => format!("registry.terraform.io/{source}").into(),
        _ => source.into(),
    }
}

/// All configurations in use or with a block, sorted.
pub(crate) fn all(config: &Config) -> Vec<ProviderAddress> {
    let mut found = BTreeSet::new();
    for (id, node) in config.nodes.iter().enumerate() {
        let resources = node.module.resources.values();
        let used = resources.flat_map(|resource| {
            let played = resource.played.values().map(|name| ProviderKey {
                name: name.clone(),
                alias: None,
            });
            played.chain([key_of(resource)])
        });
        let keys: BTreeSet<_> = used.chain(node.module.providers.keys().cloned()).collect();
        found.extend(keys.iter().map(|key| resolve(config, id, key)));
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::full_source;

    #[test]
    fn case_of_a_source_address_does_not_count() {
        let full = "registry.terraform.io/telmate/proxmox";
        assert_eq!(&*full_source("Telmate/proxmox"), full);
        assert_eq!(&*full_source("Registry.Terraform.io/telmate/Proxmox"), full);
    }
}
