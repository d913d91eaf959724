//! Resources in a tree of modules, as states and planned values show them.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};
use strata_core::{
    Value,
    addr::{InstanceKey, ModuleInstance, ResourceInstance},
};
use strata_state::{
    Instance, State, StoredObject,
    json::{exact, type_to_json},
};

use super::changes::sensitive;
use crate::{checks, objects::Kind, providers::Providers};

/// A state, as `terraform show -json` gives it.
pub fn state_json(state: &State, providers: &Providers) -> Json {
    let mut json = json!({ "format_version": "1.0" });
    if state.is_empty() {
        return json;
    }
    json["terraform_version"] = json!(&*state.terraform_version);
    json["values"] = values_json(state, providers);
    let checks = checks::from_state(state.check_results.as_deref());
    if !checks.is_empty() {
        json["checks"] = checks::to_json(&checks);
    }
    json
}

/// What a state holds, without its versions.
pub(crate) fn values_json(state: &State, providers: &Providers) -> Json {
    let outputs: Map<_, _> = state
        .outputs
        .iter()
        .map(|(name, output)| {
            let json = json!({
                "sensitive": output.sensitive,
                "value": exact(&output.value),
                "type": type_to_json(&output.value.ty()),
            });
            (name.to_string(), json)
        })
        .collect();
    let mut tree = Tree::default();
    for (address, resource, instance) in state.instances() {
        let source = source(&resource.provider);
        if let Some(json) = instance
            .current
            .as_ref()
            .and_then(|object| object_json(&address, source, object, providers))
        {
            tree.add(&address.resource.module, json);
        }
        for (key, object) in &instance.deposed {
            if let Some(mut json) = object_json(&address, source, object, providers) {
                json["deposed_key"] = json!(&**key);
                tree.add(&address.resource.module, json);
            }
        }
    }
    let mut json = json!({});
    if !outputs.is_empty() {
        json["outputs"] = Json::Object(outputs);
    }
    json["root_module"] = tree.into_json(&ModuleInstance::root());
    json
}

/// One instance of a state; null if nothing of it can be shown.
pub fn instance_json(
    address: &ResourceInstance,
    instance: &Instance,
    providers: &Providers,
) -> Json {
    let source = providers.source_of(address.resource.mode, &address.resource.type_name);
    let object = instance.current.as_ref();
    object
        .and_then(|object| object_json(address, source.unwrap_or_default(), object, providers))
        .unwrap_or_default()
}

fn object_json(
    address: &ResourceInstance,
    source: &str,
    object: &StoredObject,
    providers: &Providers,
) -> Option<Json> {
    let schema =
        providers
            .schemas()
            .resource(source, address.resource.mode, &address.resource.type_name)?;
    let kind = Kind::new(schema);
    let value = kind.decode(object).ok()?.value;
    let marked = kind.mark_stored(&value, object);
    let mut json = head(address, source);
    json["schema_version"] = json!(object.schema_version);
    json["values"] = exact(&value);
    json["sensitive_values"] = sensitive(&marked);
    if !object.dependencies.is_empty() {
        json["depends_on"] = object
            .dependencies
            .iter()
            .map(ToString::to_string)
            .collect();
    }
    if object.tainted {
        json["tainted"] = json!(true);
    }
    Some(json)
}

/// What every description of an instance begins with.
pub(crate) fn head(address: &ResourceInstance, source: &str) -> Json {
    let resource = &address.resource;
    let mut json = json!({
        "address": address.to_string(),
        "mode": resource.mode.name(),
        "type": &*resource.type_name,
        "name": &*resource.name,
    });
    match &address.key {
        None => {}
        Some(InstanceKey::Int(index)) => json["index"] = json!(index),
        Some(InstanceKey::String(key)) => json["index"] = json!(&**key),
    }
    json["provider_name"] = json!(source);
    json
}

/// What an object looks like among planned values; what is to be forgotten has none.
pub(crate) fn planned_json(
    address: &ResourceInstance,
    source: &str,
    version: u64,
    after: Option<&Value>,
) -> Json {
    let mut json = head(address, source);
    json["schema_version"] = json!(version);
    let known = after.map(super::changes::known);
    if let Some(known) =
        known.filter(|known| known.as_object().is_none_or(|known| !known.is_empty()))
    {
        json["values"] = known;
    }
    json["sensitive_values"] = after.map_or(json!(false), sensitive);
    json
}

/// The provider's address in the text that a state has for its configuration.
fn source(provider: &str) -> &str {
    provider.split('"').nth(1).unwrap_or(provider)
}

/// Descriptions by module instance.
#[derive(Default)]
pub(crate) struct Tree(BTreeMap<ModuleInstance, Vec<Json>>);

impl Tree {
    pub(crate) fn add(&mut self, module: &ModuleInstance, json: Json) {
        self.0.entry(module.clone()).or_default().push(json);
        // Modules on the way are shown even if they have no resources of their own.
        for length in 0..module.0.len() {
            self.0
                .entry(ModuleInstance(module.0[..length].to_vec()))
                .or_default();
        }
    }

    /// Puts the descriptions of each module into the order of their addresses as texts: `a-b` before `a[0]`.
    pub(crate) fn sort(&mut self) {
        let address = |json: &Json| json["address"].as_str().unwrap_or_default().to_owned();
        for resources in self.0.values_mut() {
            resources.sort_by_cached_key(address);
        }
    }

    /// One module with all inside, the modules in it in the order of their addresses as texts.
    pub(crate) fn into_json(mut self, module: &ModuleInstance) -> Json {
        self.module_json(module)
    }

    fn module_json(&mut self, module: &ModuleInstance) -> Json {
        let resources = self.0.remove(module).unwrap_or_default();
        let depth = module.0.len() + 1;
        let inside =
            |other: &&ModuleInstance| other.0.len() == depth && other.0.starts_with(&module.0);
        let mut children: Vec<ModuleInstance> = self.0.keys().filter(inside).cloned().collect();
        children.sort_by_cached_key(ToString::to_string);
        let children: Vec<Json> = children
            .iter()
            .map(|child| self.module_json(child))
            .collect();
        let mut json = json!({});
        if !resources.is_empty() {
            json["resources"] = Json::Array(resources);
        }
        if !module.0.is_empty() {
            json["address"] = json!(module.to_string());
        }
        if !children.is_empty() {
            json["child_modules"] = Json::Array(children);
        }
        json
    }
}
