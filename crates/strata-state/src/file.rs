//! The state file, version 4: twin types at the edge.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::{Value as Json, value::RawValue};
use strata_core::addr::{self, InstanceKey, ModuleInstance, ResourceMode};

use crate::{
    address::{Step, config_resource, path_from_json, path_to_json},
    error::StateError,
    json,
    state::{Instance, Output, Resource, State, StoredObject, split_provider},
};

#[derive(Deserialize)]
struct Version {
    version: Option<u64>,
    encrypted_data: Option<Json>,
}

#[derive(Serialize, Deserialize)]
struct FileV4 {
    version: u64,
    terraform_version: Arc<str>,
    serial: u64,
    lineage: Arc<str>,
    #[serde(default)]
    outputs: BTreeMap<Arc<str>, OutputV4>,
    #[serde(default)]
    resources: Vec<ResourceV4>,
    #[serde(default)]
    check_results: Option<Box<RawValue>>,
    #[serde(default, skip_serializing)]
    encrypted_data: Option<IgnoredAny>,
}

#[derive(Serialize, Deserialize)]
struct OutputV4 {
    value: Box<RawValue>,
    #[serde(rename = "type")]
    ty: Json,
    #[serde(default, skip_serializing_if = "is_false")]
    sensitive: bool,
}

#[derive(Serialize, Deserialize)]
struct ResourceV4 {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    module: String,
    mode: String,
    #[serde(rename = "type")]
    type_name: Arc<str>,
    name: Arc<str>,
    /// Not there where each instance has its own (OpenTofu 1.9).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider: Option<Arc<str>>,
    instances: Vec<InstanceV4>,
}

#[derive(Serialize, Deserialize)]
struct InstanceV4 {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    index_key: Option<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deposed: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    schema_version: u64,
    attributes: Option<Box<RawValue>>,
    #[serde(default)]
    sensitive_attributes: Vec<Vec<Step>>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    private: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dependencies: Vec<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    create_before_destroy: bool,
}

fn is_false(truth: &bool) -> bool {
    !truth
}

/// One object alone, as the journal has it: the same fields as an instance in the state file.
pub(crate) fn object_to_text(object: &StoredObject) -> Result<Box<RawValue>, String> {
    let instance = instance_to_file(None, None, object).map_err(|reason| reason.to_string())?;
    serde_json::value::to_raw_value(&instance).map_err(|error| error.to_string())
}

/// Reads what [`object_to_text`] wrote.
pub(crate) fn object_from_text(text: &str) -> Result<StoredObject, String> {
    let instance: InstanceV4 = serde_json::from_str(text).map_err(|error| error.to_string())?;
    instance_from_file(instance).map(|(_, _, object)| object)
}

/// Reads a state file's text; `path` says where it is from.
pub(crate) fn parse(text: &str, path: &Path) -> Result<State, StateError> {
    parse_text(text).map_err(|reason| StateError::Format {
        path: path.to_owned(),
        reason,
    })
}

pub(crate) fn parse_text(text: &str) -> Result<State, String> {
    // One pass over a text that may be large; a second one only to say what is wrong with it.
    let file: Result<FileV4, _> = serde_json::from_str(text);
    match file {
        Ok(file) if file.version == 4 && file.encrypted_data.is_none() => from_file(file),
        file => {
            refuse_others(text)?;
            from_file(file.map_err(|error| error.to_string())?)
        }
    }
}

/// Says what the text is if it is no plain state of the format's version 4.
pub(crate) fn refuse_others(text: &str) -> Result<(), String> {
    let version: Version = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if version.encrypted_data.is_some() {
        return Err(
            "it is encrypted, and the configuration has no `encryption` block that says how"
                .to_owned(),
        );
    }
    match version.version {
        Some(4) => Ok(()),
        Some(version) => Err(format!(
            "its format has version {version}, only version 4 is supported"
        )),
        None => Err("it has no `version`".to_owned()),
    }
}

fn from_file(file: FileV4) -> Result<State, String> {
    let mut resources: BTreeMap<addr::Resource, Resource> = BTreeMap::new();
    for resource in file.resources {
        let address = resource_address(
            &resource.module,
            &resource.mode,
            resource.type_name.clone(),
            resource.name.clone(),
        )?;
        let provider = provider(&resource)?;
        let into = resources.entry(address).or_insert_with(|| Resource {
            provider,
            instances: BTreeMap::new(),
        });
        for mut instance in resource.instances {
            let own = instance.provider.take();
            let (key, deposed, object) = instance_from_file(instance)?;
            let into: &mut Instance = into.instances.entry(key).or_default();
            into.provider_instance = own.and_then(|own| split_provider(&own).1.map(Arc::from));
            match deposed {
                None => into.current = Some(object),
                Some(key) => {
                    into.deposed.insert(key, object);
                }
            }
        }
    }
    resources.retain(|_, resource| !resource.instances.is_empty());
    let outputs = file
        .outputs
        .into_iter()
        .map(|(name, output)| Ok((name, output_from_file(output)?)));
    Ok(State {
        lineage: file.lineage,
        serial: file.serial,
        terraform_version: file.terraform_version,
        resources,
        outputs: outputs.collect::<Result<_, String>>()?,
        check_results: file
            .check_results
            .map(|raw| json::compact(raw.get()).into())
            .filter(|text: &Arc<str>| &**text != "null"),
    })
}

/// The provider configuration of a resource: its own, or the one that its instances have in common.
fn provider(resource: &ResourceV4) -> Result<Arc<str>, String> {
    let own = resource.instances.iter().map(|one| one.provider.as_ref());
    let mut all = own.flatten().map(|own| split_provider(own).0);
    let Some(first) = all.next() else {
        return resource.provider.clone().ok_or_else(|| {
            format!(
                "the resource `{}.{}` has no provider",
                resource.type_name, resource.name
            )
        });
    };
    match all.all(|other| other == first) {
        true => Ok(first.into()),
        false => Err(format!(
            "the instances of `{}.{}` have different providers, which is not supported",
            resource.type_name, resource.name
        )),
    }
}

/// The address of a resource as a state file has it, in parts.
pub(crate) fn resource_address(
    module: &str,
    mode: &str,
    type_name: Arc<str>,
    name: Arc<str>,
) -> Result<addr::Resource, String> {
    let module: ModuleInstance = addr::parse_module(module).map_err(|error| error.to_string())?;
    let mode = match mode {
        "managed" => ResourceMode::Managed,
        "data" => ResourceMode::Data,
        mode => {
            return Err(format!(
                "a resource has the mode `{mode}`, which is not known"
            ));
        }
    };
    Ok(module.resource(mode, type_name, name))
}

type KeyedObject = (Option<InstanceKey>, Option<Arc<str>>, StoredObject);

/// The key of an instance; none if it has none.
pub(crate) fn index_key(json: Option<&Json>) -> Result<Option<InstanceKey>, String> {
    Ok(match json {
        None => None,
        Some(Json::String(key)) => Some(InstanceKey::String(key.as_str().into())),
        Some(Json::Number(index)) => Some(InstanceKey::Int(
            index.as_i64().ok_or("an index key is not a whole number")?,
        )),
        Some(_) => return Err("an index key is neither a number nor a string".to_owned()),
    })
}

fn instance_from_file(instance: InstanceV4) -> Result<KeyedObject, String> {
    let key = index_key(instance.index_key.as_ref())?;
    let attributes = instance.attributes.ok_or(
        "an instance has its attributes in the flat form of Terraform 0.11, which is not supported",
    )?;
    let private = BASE64
        .decode(&instance.private)
        .map_err(|_| "an instance's `private` is not base64")?;
    let dependencies: Result<Vec<_>, _> = instance
        .dependencies
        .iter()
        .map(|text| config_resource(text))
        .collect();
    let object = StoredObject {
        schema_version: instance.schema_version,
        attributes: json::compact(attributes.get()).into(),
        sensitive: instance
            .sensitive_attributes
            .iter()
            .map(|path| path_from_json(path))
            .collect(),
        private: private.into(),
        tainted: instance.status.as_deref() == Some("tainted"),
        dependencies: dependencies.map_err(|error| error.to_string())?.into(),
        create_before_destroy: instance.create_before_destroy,
    };
    Ok((key, instance.deposed, object))
}

fn output_from_file(output: OutputV4) -> Result<Output, String> {
    let ty = json::type_from_json(&output.ty).ok_or("an output's type is not known")?;
    Ok(Output {
        value: json::decode(output.value.get(), &ty).map_err(|error| error.to_string())?,
        sensitive: output.sensitive,
    })
}

/// Writes a state file's text.
pub(crate) fn print(state: &State) -> Result<String, serde_json::Error> {
    let mut resources = Vec::with_capacity(state.resources.len());
    for (address, resource) in &state.resources {
        resources.push(resource_to_file(address, resource)?);
    }
    let outputs = state
        .outputs
        .iter()
        .map(|(name, output)| Ok((name.clone(), output_to_file(output)?)));
    let raw = |text: &Arc<str>| RawValue::from_string(text.to_string());
    let file = FileV4 {
        version: 4,
        terraform_version: state.terraform_version.clone(),
        serial: state.serial,
        lineage: state.lineage.clone(),
        outputs: outputs.collect::<Result<_, serde_json::Error>>()?,
        resources,
        check_results: state.check_results.as_ref().map(raw).transpose()?,
        encrypted_data: None,
    };
    Ok(json::indent(&serde_json::to_string(&file)?))
}

/// The text of a state with this serial, with the next one: laying out all of it again would take as long as before.
pub(crate) fn with_next_serial(text: &str, serial: u64) -> String {
    // Inside of strings there are no line breaks, so that this is found where it stands only.
    let line = |serial: u64| format!("\n  \"serial\": {serial},\n");
    text.replacen(&line(serial), &line(serial + 1), 1)
}

fn resource_to_file(
    address: &addr::Resource,
    resource: &Resource,
) -> Result<ResourceV4, serde_json::Error> {
    let mut instances = Vec::with_capacity(resource.instances.len());
    let mut all = resource.instances.values();
    let keyed = all.any(|instance| instance.provider_instance.is_some());
    for (key, instance) in &resource.instances {
        let provider = keyed.then(|| resource.provider_of(instance));
        let mut add = |deposed, object| {
            let written = instance_to_file(key.as_ref(), deposed, object)?;
            instances.push(InstanceV4 {
                provider: provider.clone(),
                ..written
            });
            Ok::<_, serde_json::Error>(())
        };
        for (deposed, object) in &instance.deposed {
            add(Some(deposed), object)?;
        }
        if let Some(object) = &instance.current {
            add(None, object)?;
        }
    }
    Ok(ResourceV4 {
        module: address.module.to_string(),
        mode: address.mode.name().to_owned(),
        type_name: address.type_name.clone(),
        name: address.name.clone(),
        provider: (!keyed).then(|| resource.provider.clone()),
        instances,
    })
}

fn instance_to_file(
    key: Option<&InstanceKey>,
    deposed: Option<&Arc<str>>,
    object: &StoredObject,
) -> Result<InstanceV4, serde_json::Error> {
    let index_key = key.map(|key| match key {
        InstanceKey::Int(index) => Json::from(*index),
        InstanceKey::String(key) => Json::from(&**key),
    });
    Ok(InstanceV4 {
        index_key,
        deposed: deposed.cloned(),
        provider: None,
        status: object.tainted.then(|| "tainted".to_owned()),
        schema_version: object.schema_version,
        attributes: Some(RawValue::from_string(object.attributes.to_string())?),
        sensitive_attributes: object.sensitive.iter().map(path_to_json).collect(),
        private: BASE64.encode(&object.private),
        dependencies: object
            .dependencies
            .iter()
            .map(ToString::to_string)
            .collect(),
        create_before_destroy: object.create_before_destroy,
    })
}

fn output_to_file(output: &Output) -> Result<OutputV4, serde_json::Error> {
    let ty = output.value.ty();
    Ok(OutputV4 {
        value: RawValue::from_string(json::encode(&output.value, &ty))?,
        ty: json::type_to_json(&ty),
        sensitive: output.sensitive,
    })
}
