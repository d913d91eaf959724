//! The tree of modules: the root, what it calls, and so on, each place once.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use strata_core::{Source, addr, hash::HashMap};
use strata_hcl::Expression;

use crate::load::MissingModule;
use crate::module::{
    Module, PlayedInstances, ProviderBlock, ProviderKey, ProviderReference, ProviderRequirement,
    Repeat, Resource, ResourceKey,
};
use crate::provider::ProviderAddress;

/// A whole configuration.
#[derive(Clone, Debug, Default)]
pub struct Config {
    pub(crate) nodes: Vec<Node>,
    pub(crate) places: HashMap<addr::Module, NodeId>,
    pub(crate) sources: BTreeMap<Arc<str>, Arc<Source>>,
    pub(crate) missing: Vec<MissingModule>,
    /// Modules that stand for single instances of others.
    pub(crate) stand_ins: BTreeMap<addr::ModuleInstance, Arc<Module>>,
}

/// Which place in the tree; the root is 0, and a caller comes before what it calls.
pub(crate) type NodeId = usize;

/// A place in the tree. Modules that are called twice from one folder share their [`Module`].
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) path: addr::Module,
    pub(crate) module: Arc<Module>,
    pub(crate) parent: Option<NodeId>,
    pub(crate) children: BTreeMap<Arc<str>, NodeId>,
}

impl Config {
    /// The root module.
    pub fn root(&self) -> &Module {
        &self.nodes[0].module
    }

    /// The module at a place.
    pub fn module(&self, path: &addr::Module) -> Option<&Module> {
        self.node(path).map(|node| &*node.module)
    }

    /// All modules, callers before what they call.
    pub fn modules(&self) -> impl Iterator<Item = (&addr::Module, &Module)> {
        self.nodes.iter().map(|node| (&node.path, &*node.module))
    }

    /// All resources and data sources of all modules.
    pub fn resources(&self) -> impl Iterator<Item = (addr::ConfigResource, &Resource)> {
        self.nodes.iter().flat_map(|node| {
            let address = |key: &ResourceKey| node.resource_address(key);
            let resources = node.module.resources.iter();
            resources.map(move |(key, resource)| (address(key), resource))
        })
    }

    /// One resource or data source.
    pub fn resource(&self, address: &addr::ConfigResource) -> Option<&Resource> {
        let key = ResourceKey {
            mode: address.mode,
            type_name: address.type_name.clone(),
            name: address.name.clone(),
        };
        self.module(&address.module)?.resources.get(&key)
    }

    /// The provider configuration that a resource uses; none if there is no such resource.
    pub fn provider_of(&self, address: &addr::ConfigResource) -> Option<ProviderAddress> {
        let node = *self.places.get(&address.module)?;
        let key = crate::provider::key_of(self.resource(address)?);
        Some(crate::provider::resolve(self, node, &key))
    }

    /// True if instances of a resource may use different provider configurations; its own is `provider`.
    pub fn chooses_by_instance(
        &self,
        address: &addr::ConfigResource,
        provider: &ProviderAddress,
    ) -> bool {
        let block = self.provider_block(provider);
        let played = self.resource(address).map(|resource| &resource.played);
        block.is_some_and(|block| block.for_each.is_some())
            || played.is_some_and(|played| !played.is_empty())
    }

    /// The provider that plays an instance of a resource, if one does.
    pub(crate) fn played(&self, instance: &addr::ResourceInstance) -> Option<ProviderAddress> {
        let address = instance.resource.config();
        let played = &self.resource(&address)?.played;
        let of = |key| PlayedInstances {
            module: instance.resource.module.clone(),
            instance: key,
        };
        let one = played.get(&of(Some(instance.key.clone())));
        let name = one.or_else(|| played.get(&of(None)))?;
        let key = ProviderKey {
            name: name.clone(),
            alias: None,
        };
        let node = *self.places.get(&address.module)?;
        Some(crate::provider::resolve(self, node, &key))
    }

    /// All provider configurations that resources use, or that have a block.
    pub fn providers(&self) -> Vec<ProviderAddress> {
        crate::provider::all(self)
    }

    /// The block of a provider configuration; none if it is used without one.
    pub fn provider_block(&self, address: &ProviderAddress) -> Option<&ProviderBlock> {
        let key = ProviderKey {
            name: address.local_name.clone(),
            alias: address.alias.clone(),
        };
        self.module(&address.module)?.providers.get(&key)
    }

    /// True if a module may have several instances, or one that it is in.
    pub fn is_repeated(&self, path: &addr::Module) -> bool {
        (0..path.0.len()).any(|depth| {
            let (caller, name) = (addr::Module(path.0[..depth].to_vec()), &path.0[depth]);
            let call = self
                .module(&caller)
                .and_then(|module| module.calls.get(name));
            call.is_some_and(|call| matches!(call.repeat, Repeat::Count(_) | Repeat::ForEach(_)))
        })
    }

    /// The modules that are called and not installed, or not as they are asked for.
    pub fn missing_modules(&self) -> &[MissingModule] {
        &self.missing
    }

    /// The folders of all modules, each once.
    pub fn folders(&self) -> Vec<PathBuf> {
        let mut folders: Vec<_> = self.nodes.iter().map(|n| n.module.folder.clone()).collect();
        folders.sort();
        folders.dedup();
        folders
    }

    /// The root module's folder.
    pub fn folder(&self) -> &Path {
        &self.root().folder
    }

    /// The text of a file that was loaded, by the name that spans give it.
    pub fn source(&self, file: &str) -> Option<&Arc<Source>> {
        self.sources.get(file)
    }

    /// The same with other provider configurations in the root module, in the place of those of the same name.
    #[must_use]
    pub fn with_providers(mut self, blocks: impl IntoIterator<Item = ProviderBlock>) -> Self {
        if let Some(root) = self.nodes.first_mut() {
            let module = Arc::make_mut(&mut root.module);
            let entries = blocks.into_iter().map(|block| (block.key.clone(), block));
            module.providers.extend(entries);
        }
        self
    }

    /// The same with a resource that another provider makes, known to its module by a name that nothing else has.
    #[must_use]
    pub fn with_provider_of(mut self, address: &addr::ConfigResource, source: Arc<str>) -> Self {
        let by = source.clone();
        self.change_provider(address, source, |resource| {
            let key = ProviderKey {
                name: by,
                alias: None,
            };
            resource.provider = Some(ProviderReference {
                key,
                instance: None,
                span: resource.span.clone(),
            });
        });
        self
    }

    /// The same with some instances of a resource made by another provider, which is called as above.
    #[must_use]
    pub fn with_provider_of_some(
        mut self,
        address: &addr::ConfigResource,
        some: PlayedInstances,
        source: Arc<str>,
    ) -> Self {
        let by = source.clone();
        self.change_provider(address, source, |resource| {
            resource.played.insert(some, by);
        });
        self
    }

    /// Changes a resource, and makes a provider known to its module by its source.
    fn change_provider(
        &mut self,
        address: &addr::ConfigResource,
        source: Arc<str>,
        change: impl FnOnce(&mut Resource),
    ) {
        let Some(node) = self.places.get(&address.module).copied() else {
            return;
        };
        let module = Arc::make_mut(&mut self.nodes[node].module);
        let key = ResourceKey {
            mode: address.mode,
            type_name: address.type_name.clone(),
            name: address.name.clone(),
        };
        let Some(resource) = module.resources.get_mut(&key) else {
            return;
        };
        change(resource);
        let requirement = ProviderRequirement {
            source: source.clone(),
            version: None,
            aliases: Vec::new(),
            span: resource.span.clone(),
        };
        module
            .settings
            .required_providers
            .insert(source, requirement);
    }

    /// The same with a module that is nothing but its outputs, whose values are these expressions; none where it is
    /// not there. Outputs without a value are null.
    #[must_use]
    pub fn with_outputs_of(
        mut self,
        path: &addr::Module,
        values: &BTreeMap<Arc<str>, Expression>,
        null: &Expression,
    ) -> Option<Self> {
        let id = self.places.get(path).copied().filter(|id| *id > 0)?;
        let is_inside =
            |other: &addr::Module| other.0.len() > path.0.len() && other.0.starts_with(&path.0);
        become_outputs(Arc::make_mut(&mut self.nodes[id].module), values, null);
        self.nodes[id].children.clear();
        let mut kept: Vec<Node> = Vec::new();
        let mut places = HashMap::default();
        for mut node in self.nodes {
            if is_inside(&node.path) {
                continue;
            }
            let parent = node.path.0.split_last().map(|(_, around)| around.to_vec());
            node.parent = parent.and_then(|around| places.get(&addr::Module(around)).copied());
            node.children.clear();
            if let (Some(parent), Some(name)) = (node.parent, node.path.0.last()) {
                let (name, id) = (name.clone(), kept.len());
                let above: &mut Node = &mut kept[parent];
                above.children.insert(name, id);
            }
            places.insert(node.path.clone(), kept.len());
            kept.push(node);
        }
        self.nodes = kept;
        self.places = places;
        Some(self)
    }

    /// The same with one instance of a module that is nothing but its outputs, as above; the others are as they were.
    #[must_use]
    pub fn with_outputs_of_one(
        mut self,
        instance: addr::ModuleInstance,
        values: &BTreeMap<Arc<str>, Expression>,
        null: &Expression,
    ) -> Self {
        if let Some(node) = self.node(&instance.module()) {
            let mut module = (*node.module).clone();
            become_outputs(&mut module, values, null);
            self.stand_ins.insert(instance, module.into());
        }
        self
    }

    /// What stands for an instance of a module.
    pub(crate) fn stand_in(&self, instance: &addr::ModuleInstance) -> Option<&Arc<Module>> {
        if self.stand_ins.is_empty() {
            return None;
        }
        self.stand_ins.get(instance)
    }

    pub(crate) fn node(&self, path: &addr::Module) -> Option<&Node> {
        self.places.get(path).map(|id| &self.nodes[*id])
    }
}

impl Node {
    /// The address of a resource of this module.
    pub(crate) fn resource_address(&self, key: &ResourceKey) -> addr::ConfigResource {
        addr::ConfigResource {
            module: self.path.clone(),
            mode: key.mode,
            type_name: key.type_name.clone(),
            name: key.name.clone(),
        }
    }
}

/// Leaves nothing of a module but its outputs, with these values.
fn become_outputs(module: &mut Module, values: &BTreeMap<Arc<str>, Expression>, null: &Expression) {
    module.resources.clear();
    module.calls.clear();
    module.locals.clear();
    module.checks.clear();
    module.imports.clear();
    for (name, output) in &mut module.outputs {
        output.value = values.get(name).unwrap_or(null).clone();
        output.preconditions.clear();
        output.depends_on.clear();
    }
}
