//! What a state file holds, by address only: a large one is listed without taking its attributes in.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, de::IgnoredAny};
use strata_core::addr::{Resource, ResourceInstance};

use crate::file::{appears_twice, index_key, or_empty, refuse_others, resource_address};

#[derive(Deserialize)]
struct File<'a> {
    version: u64,
    #[serde(default)]
    encrypted_data: Option<IgnoredAny>,
    #[serde(default, borrow, deserialize_with = "or_empty")]
    resources: Vec<Listed<'a>>,
}

#[derive(Deserialize)]
struct Listed<'a> {
    #[serde(default, borrow)]
    module: Cow<'a, str>,
    #[serde(borrow)]
    mode: Cow<'a, str>,
    #[serde(rename = "type", borrow)]
    type_name: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    instances: Vec<Instance>,
}

/// Of an instance only its key is taken in; a number or a text.
#[derive(Deserialize)]
struct Instance {
    #[serde(default)]
    index_key: Option<serde_json::Value>,
    #[serde(default)]
    deposed: Option<String>,
}

/// The instances in a state file's text, in the order of their addresses; or why there is no telling.
pub(crate) fn instances(text: &str) -> Result<Vec<ResourceInstance>, String> {
    let file: File<'_> = match serde_json::from_str::<File<'_>>(text) {
        Ok(file) if file.version == 4 && file.encrypted_data.is_none() => file,
        file => {
            refuse_others(text)?;
            file.map_err(|error| error.to_string())?
        }
    };
    let mut found: BTreeMap<Resource, Vec<_>> = BTreeMap::new();
    for resource in file.resources {
        let address = resource_address(
            &resource.module,
            &resource.mode,
            (&*resource.type_name).into(),
            (&*resource.name).into(),
        )?;
        let objects = found.entry(address).or_default();
        for instance in resource.instances {
            objects.push((index_key(instance.index_key.as_ref())?, instance.deposed));
        }
    }
    for (address, objects) in &mut found {
        objects.sort();
        if objects.windows(2).any(|two| two[0] == two[1]) {
            return Err(appears_twice(address));
        }
        // An object that is set aside stands beside the current one.
        objects.dedup_by(|one, other| one.0 == other.0);
    }
    let instances = found.into_iter().flat_map(|(resource, objects)| {
        let instance = move |(key, _)| resource.instance(key);
        objects.into_iter().map(instance)
    });
    Ok(instances.collect())
}
