//! A state in memory.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use strata_core::{AttributePath, Value, addr};

use crate::{carried::carried, instances::Instances};

/// Everything that is known of one root module's objects.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Stays the same through all versions of one state.
    pub lineage: Arc<str>,
    /// Grows with each version.
    pub serial: u64,
    /// Which version of Terraform's format and rules wrote it.
    pub terraform_version: Arc<str>,
    /// All resources that have an instance. Copies of a state share them until one is changed.
    pub resources: Arc<BTreeMap<addr::Resource, Resource>>,
    /// Outputs of the root module.
    pub outputs: BTreeMap<Arc<str>, Output>,
    /// Results of checks, as JSON text; kept as it was read.
    pub check_results: Option<Arc<str>>,
}

/// One resource's instances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The provider configuration, as `provider["registry.terraform.io/lxc/incus"].alias`, without instance.
    pub provider: Arc<str>,
    /// The instances by key.
    pub instances: Instances,
}

/// One instance's objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    /// Which instance of the provider configuration it is made with, as `["key"]` (OpenTofu); none if that has one.
    pub provider_instance: Option<Arc<str>>,
    /// The object that the instance stands for.
    pub current: Option<StoredObject>,
    /// Objects that are replaced and wait to be deleted.
    pub deposed: BTreeMap<Arc<str>, StoredObject>,
}

impl Resource {
    /// The provider configuration of one of its instances, with the instance of that configuration.
    pub fn provider_of(&self, instance: &Instance) -> Arc<str> {
        match &instance.provider_instance {
            None => self.provider.clone(),
            Some(key) => format!("{}{key}", self.provider).into(),
        }
    }
}

/// Splits what names a provider into its configuration and the instance of that: `provider["…"].alias` and `["key"]`.
pub(crate) fn split_provider(text: &str) -> (&str, Option<&str>) {
    let address = text.find("provider[\"").unwrap_or(0);
    let end = text[address..]
        .find("\"]")
        .map_or(text.len(), |at| address + at + 2);
    match text[end..].find("[\"") {
        Some(at) => (&text[..end + at], Some(&text[end + at..])),
        None => (text, None),
    }
}

/// One object as state keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObject {
    /// Version of the schema that `attributes` follow.
    pub schema_version: u64,
    /// Attributes as compact JSON text; [`crate::json::decode`] reads them.
    pub attributes: Arc<str>,
    /// What inside `attributes` must not be shown.
    pub sensitive: Vec<AttributePath>,
    /// What the provider wants to remember.
    pub private: Arc<[u8]>,
    /// True if it is to be replaced because its creation failed or a user said so.
    pub tainted: bool,
    /// What must go after it, when it is deleted.
    pub dependencies: Arc<[addr::ConfigResource]>,
    /// True if it is replaced before it is deleted.
    pub create_before_destroy: bool,
}

/// A value of an output.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The value, without marks.
    pub value: Value,
    /// True if it must not be shown.
    pub sensitive: bool,
}

/// The version of Terraform whose format and rules we follow, for readers that compare it with theirs.
const TERRAFORM_VERSION: &str = "1.11.4";

impl Default for State {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    /// An empty state with a lineage of its own.
    pub fn new() -> Self {
        Self {
            lineage: uuid::Uuid::new_v4().to_string().into(),
            serial: 0,
            terraform_version: TERRAFORM_VERSION.into(),
            resources: Arc::default(),
            outputs: BTreeMap::new(),
            check_results: None,
        }
    }

    /// Reads the text of a state file; `path` names it where it is wrong.
    pub fn parse(text: &str, path: &std::path::Path) -> Result<Self, crate::StateError> {
        crate::file::parse(text, path)
    }

    /// The text of the state file.
    pub fn print(&self) -> String {
        crate::file::print(self).unwrap_or_default()
    }

    /// True without resources and outputs.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.outputs.is_empty()
    }

    /// True if nothing would be lost with it.
    pub(crate) fn holds_nothing(&self) -> bool {
        self.is_empty() && self.check_results.is_none()
    }

    /// All resources, to be changed.
    pub fn resources_mut(&mut self) -> &mut BTreeMap<addr::Resource, Resource> {
        Arc::make_mut(&mut self.resources)
    }

    /// All instances in the order of their addresses.
    pub fn instances(
        &self,
    ) -> impl Iterator<Item = (addr::ResourceInstance, &Resource, &Instance)> {
        self.resources.iter().flat_map(|(address, resource)| {
            let instances = resource.instances.iter();
            instances
                .map(move |(key, instance)| (address.instance(key.clone()), resource, instance))
        })
    }

    /// One instance.
    pub fn instance(&self, address: &addr::ResourceInstance) -> Option<&Instance> {
        let resource = self.resources.get(&address.resource)?;
        resource.instances.get(&address.key)
    }

    /// The object that an instance stands for.
    pub fn current(&self, address: &addr::ResourceInstance) -> Option<&StoredObject> {
        self.instance(address)?.current.as_ref()
    }

    /// An object of an instance, by the key under which it was set aside.
    pub fn object(
        &self,
        address: &addr::ResourceInstance,
        deposed: Option<&str>,
    ) -> Option<&StoredObject> {
        let instance = self.instance(address)?;
        match deposed {
            None => instance.current.as_ref(),
            Some(key) => instance.deposed.get(key),
        }
    }

    /// Records an object; `deposed` names one that is set aside.
    pub fn put(
        &mut self,
        address: &addr::ResourceInstance,
        deposed: Option<&str>,
        provider: &Arc<str>,
        object: StoredObject,
    ) {
        let instance = self.instance_mut(address, provider);
        match deposed {
            None => instance.current = Some(object),
            Some(key) => {
                instance.deposed.insert(key.into(), object);
            }
        }
    }

    /// Takes an object out, and with the last one its instance and resource.
    pub fn remove(
        &mut self,
        address: &addr::ResourceInstance,
        deposed: Option<&str>,
    ) -> Option<StoredObject> {
        self.object(address, deposed)?;
        let resource = self.resources_mut().get_mut(&address.resource)?;
        let instance = resource.instances.get_mut(&address.key)?;
        let object = match deposed {
            None => instance.current.take(),
            Some(key) => instance.deposed.remove(key),
        };
        if instance.current.is_none() && instance.deposed.is_empty() {
            resource.instances.remove(&address.key);
        }
        if resource.instances.is_empty() {
            self.resources_mut().remove(&address.resource);
        }
        object
    }

    /// Gives an instance with all its objects another address, at which nothing may be. Of another type they become
    /// what they are there.
    pub fn rename(&mut self, from: &addr::ResourceInstance, to: &addr::ResourceInstance) {
        if let Some(taken) = self.take(from) {
            let (provider, instance) = carried(&from.resource, &to.resource, taken);
            self.insert(to, &provider, instance);
        }
    }

    /// True if something of a resource is here, in whichever instance of its module.
    pub fn has(&self, resource: &addr::ConfigResource) -> bool {
        let mut all = self.resources.keys();
        all.any(|address| address.config() == *resource)
    }

    /// Lets all that depends on a resource depend on others in its place: on what it is called now, or on what stood
    /// behind it.
    pub fn replace_dependency(&mut self, gone: &addr::ConfigResource, by: &[addr::ConfigResource]) {
        let instances = self
            .resources_mut()
            .values_mut()
            .flat_map(|resource| resource.instances.values_mut());
        for instance in instances {
            for object in instance
                .current
                .iter_mut()
                .chain(instance.deposed.values_mut())
            {
                if object.dependencies.contains(gone) {
                    let kept = object.dependencies.iter().filter(|used| *used != gone);
                    let all: BTreeSet<_> = kept.chain(by).cloned().collect();
                    object.dependencies = all.into_iter().collect();
                }
            }
        }
    }

    /// Takes an instance out, with all its objects and the provider that they are made with.
    pub fn take(&mut self, address: &addr::ResourceInstance) -> Option<(Arc<str>, Instance)> {
        self.instance(address)?;
        let resource = self.resources_mut().get_mut(&address.resource)?;
        let instance = resource.instances.remove(&address.key)?;
        let provider = resource.provider_of(&instance);
        if resource.instances.is_empty() {
            self.resources_mut().remove(&address.resource);
        }
        Some((provider, instance))
    }

    /// Puts an instance where nothing may be.
    pub fn insert(
        &mut self,
        address: &addr::ResourceInstance,
        provider: &Arc<str>,
        instance: Instance,
    ) {
        *self.instance_mut(address, provider) = instance;
    }

    /// Marks an object as to be replaced, or as sound; false if there is none, or nothing to change.
    pub fn set_tainted(&mut self, address: &addr::ResourceInstance, tainted: bool) -> bool {
        let resource = self.resources_mut().get_mut(&address.resource);
        let instance = resource.and_then(|resource| resource.instances.get_mut(&address.key));
        match instance.and_then(|instance| instance.current.as_mut()) {
            Some(object) if object.tainted != tainted => {
                object.tainted = tainted;
                true
            }
            _ => false,
        }
    }

    /// Sets the current object aside, to be deleted when its replacement is made.
    pub fn depose(&mut self, address: &addr::ResourceInstance, key: &str) {
        let resource = self.resources_mut().get_mut(&address.resource);
        let instance = resource.and_then(|resource| resource.instances.get_mut(&address.key));
        if let Some(instance) = instance
            && let Some(object) = instance.current.take()
        {
            instance.deposed.insert(key.into(), object);
        }
    }

    /// Takes back an object that was set aside, where no replacement came to be.
    pub fn restore(&mut self, address: &addr::ResourceInstance, key: &str) {
        let resource = self.resources_mut().get_mut(&address.resource);
        let instance = resource.and_then(|resource| resource.instances.get_mut(&address.key));
        if let Some(instance) = instance
            && instance.current.is_none()
        {
            instance.current = instance.deposed.remove(key);
        }
    }

    fn instance_mut(
        &mut self,
        address: &addr::ResourceInstance,
        provider: &Arc<str>,
    ) -> &mut Instance {
        let (configuration, key) = split_provider(provider);
        let resource = self
            .resources_mut()
            .entry(address.resource.clone())
            .or_insert_with(|| Resource {
                provider: configuration.into(),
                instances: Instances::default(),
            });
        if &*resource.provider != configuration {
            resource.provider = configuration.into();
        }
        let instance = resource.instances.get_or_default(address.key.clone());
        if instance.provider_instance.as_deref() != key {
            instance.provider_instance = key.map(Arc::from);
        }
        instance
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use strata_core::addr::{ConfigResource, parse_resource_instance};

    use super::{State, StoredObject, split_provider};

    fn config(address: &str) -> ConfigResource {
        parse_resource_instance(address).unwrap().resource.config()
    }

    fn put(state: &mut State, address: &str, dependencies: &[&str]) {
        let object = StoredObject {
            schema_version: 0,
            attributes: "{}".into(),
            sensitive: Vec::new(),
            private: [].into(),
            tainted: false,
            dependencies: dependencies.iter().map(|used| config(used)).collect(),
            create_before_destroy: false,
        };
        let address = parse_resource_instance(address).unwrap();
        state.put(&address, None, &Arc::from("p"), object);
    }

    fn dependencies(state: &State, address: &str) -> String {
        let address = parse_resource_instance(address).unwrap();
        let used = &state.current(&address).unwrap().dependencies;
        used.iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    }

    #[test]
    fn what_depended_on_what_is_gone_depends_on_what_stands_in_its_place() {
        let mut state = State::new();
        put(&mut state, "t.a", &[]);
        put(&mut state, "t.b", &["t.a"]);
        put(&mut state, "t.c", &["t.b", "t.d"]);
        assert!(state.has(&config("t.b")) && !state.has(&config("t.d")));
        state.replace_dependency(&config("t.b"), &[config("t.a"), config("t.d")]);
        assert_eq!(dependencies(&state, "t.c"), "t.a, t.d");
    }

    #[test]
    fn the_instance_of_a_provider_is_what_stands_behind_its_alias() {
        let plain = "module.a.provider[\"registry.terraform.io/lxc/incus\"].east";
        assert_eq!(split_provider(plain), (plain, None));
        let keyed = format!("{plain}[\"a\\\"b\"]");
        assert_eq!(split_provider(&keyed), (plain, Some("[\"a\\\"b\"]")));
        assert_eq!(split_provider(""), ("", None));
    }
}
