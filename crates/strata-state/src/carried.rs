//! Objects that move to an address of another type: what they are there.
//!
//! Only `null_resource` becomes something else, `terraform_data`, as Terraform does it since 1.9. It stands here because
//! a state that is read, one that is planned and one that is replayed from a journal must all come to the same.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use strata_core::{
    AttributePath, PathStep,
    addr::{Resource, ResourceMode},
};

use crate::state::{Instance, StoredObject};

/// The provider of what becomes `terraform_data`, on whichever host.
const NULL: &str = "/hashicorp/null\"]";
/// The provider of `terraform_data`, as state has it.
const BUILT_IN: &str = "provider[\"terraform.io/builtin/terraform\"]";

/// True if objects of one type may move to another, being what they are.
pub fn carries_over(from: &Resource, to: &Resource) -> bool {
    let both = [from, to].map(|one| (one.mode, &*one.type_name));
    from.type_name == to.type_name && from.mode == to.mode
        || both
            == [
                (ResourceMode::Managed, "null_resource"),
                (ResourceMode::Managed, "terraform_data"),
            ]
}

/// True if objects that this provider made may do so.
pub fn is_carried_from(provider: &str) -> bool {
    provider.contains(NULL)
}

/// What an instance is at an address of another type, and the provider that it is of there.
pub(crate) fn carried(
    from: &Resource,
    to: &Resource,
    (provider, mut instance): (Arc<str>, Instance),
) -> (Arc<str>, Instance) {
    if from.type_name == to.type_name || !carries_over(from, to) {
        return (provider, instance);
    }
    instance.provider_instance = None;
    let objects = instance.current.iter_mut();
    objects
        .chain(instance.deposed.values_mut())
        .for_each(become_data);
    (BUILT_IN.into(), instance)
}

fn become_data(object: &mut StoredObject) {
    let attributes: Json = serde_json::from_str(&object.attributes).unwrap_or_default();
    // What stands in a `moved` block mostly gives an object for what was a map.
    let triggers = match attributes["triggers"].as_object() {
        None => Json::Null,
        Some(triggers) => {
            let names = triggers.keys().cloned();
            let types: Map<String, Json> = names.map(|name| (name, json!("string"))).collect();
            json!({ "type": ["object", types], "value": triggers })
        }
    };
    let data = json!({
        "id": attributes["id"],
        "input": null,
        "output": null,
        "triggers_replace": triggers,
    });
    object.attributes = data.to_string().into();
    object.schema_version = 0;
    object.private = Arc::new([]);
    let is_of_triggers = |path: &AttributePath| matches!(path.0.first(), Some(PathStep::Attribute(name)) if &**name == "triggers");
    object.sensitive = match object.sensitive.iter().any(is_of_triggers) {
        true => vec![AttributePath::attribute("triggers_replace")],
        false => Vec::new(),
    };
}
