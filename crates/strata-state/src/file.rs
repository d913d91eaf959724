//! The state file, version 4: twin types at the edge.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet},
    fmt,
    path::Path,
    sync::Arc,
};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, IgnoredAny, SeqAccess, Visitor},
};
use serde_json::{Value as Json, value::RawValue};
use strata_core::addr::{self, InstanceKey, ModuleInstance, ResourceMode};

use crate::{
    address::{Step, config_resource, path_from_json, path_to_json},
    error::StateError,
    instances::Instances,
    json,
    state::{Instance, Output, Resource, State, StoredObject, split_provider},
};

#[derive(Deserialize)]
struct Version {
    version: Option<u64>,
    encrypted_data: Option<Json>,
}

#[derive(Serialize)]
struct FileV4<'a> {
    version: u64,
    terraform_version: Arc<str>,
    serial: u64,
    lineage: Arc<str>,
    #[serde(default)]
    outputs: BTreeMap<Arc<str>, OutputV4>,
    resources: Vec<ResourceV4<'a>>,
    check_results: Option<Box<RawValue>>,
}

/// The same as it is read. As with Terraform what is null or not there is empty.
#[derive(Deserialize)]
struct ReadV4 {
    version: u64,
    #[serde(default, deserialize_with = "or_empty")]
    terraform_version: Arc<str>,
    #[serde(default, deserialize_with = "or_empty")]
    serial: u64,
    #[serde(default, deserialize_with = "or_empty")]
    lineage: Arc<str>,
    #[serde(default, deserialize_with = "or_empty")]
    outputs: BTreeMap<Arc<str>, OutputV4>,
    #[serde(default, deserialize_with = "or_empty")]
    resources: Resources,
    #[serde(default)]
    check_results: Option<Box<RawValue>>,
    #[serde(default)]
    encrypted_data: Option<IgnoredAny>,
}

/// Reads null as what is empty.
pub(crate) fn or_empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    json: D,
) -> Result<T, D::Error> {
    Option::deserialize(json).map(Option::unwrap_or_default)
}

/// Resources that are taken in one by one: as the file has them, all together would be as much again.
#[derive(Default)]
struct Resources(Vec<(addr::Resource, Resource)>);

impl<'de> Deserialize<'de> for Resources {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_seq(EachResource)
    }
}

struct EachResource;

impl<'de> Visitor<'de> for EachResource {
    type Value = Resources;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of resources")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Resources, A::Error> {
        let (mut found, mut texts) = (Vec::new(), Texts::default());
        while let Some(resource) = items.next_element::<ResourceV4<'de>>()? {
            let resource = resource_from_file(resource, &mut texts).map_err(A::Error::custom)?;
            found.extend(resource);
        }
        Ok(Resources(found))
    }
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
struct ResourceV4<'a> {
    #[serde(default, borrow, skip_serializing_if = "str::is_empty")]
    module: Cow<'a, str>,
    #[serde(borrow)]
    mode: Cow<'a, str>,
    #[serde(rename = "type", borrow)]
    type_name: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    /// Not there where each instance has its own (OpenTofu 1.9).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider: Option<Arc<str>>,
    #[serde(borrow)]
    instances: Vec<InstanceV4<'a>>,
}

#[derive(Serialize, Deserialize)]
struct InstanceV4<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    index_key: Option<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deposed: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    provider: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    schema_version: u64,
    #[serde(borrow)]
    attributes: Option<&'a RawValue>,
    #[serde(default)]
    sensitive_attributes: Vec<Vec<Step>>,
    #[serde(default, borrow, skip_serializing_if = "str::is_empty")]
    private: Cow<'a, str>,
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
    let instance: InstanceV4<'_> = serde_json::from_str(text).map_err(|error| error.to_string())?;
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
    let file: Result<ReadV4, _> = serde_json::from_str(text);
    match file {
        Ok(file) if file.version == 4 && file.encrypted_data.is_none() => from_file(file),
        file => {
            refuse_others(text)?;
            from_file(file.map_err(|error| error.to_string())?)
        }
    }
}

const WITHOUT_VERSION: &str = "it has no `version`";

/// Says what the text is if it is no plain state of the format's version 4.
pub(crate) fn refuse_others(text: &str) -> Result<(), String> {
    let json: Json = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if !json.is_object() {
        return Err(WITHOUT_VERSION.to_owned());
    }
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
        None => Err(WITHOUT_VERSION.to_owned()),
    }
}

fn from_file(file: ReadV4) -> Result<State, String> {
    let resources = in_order(file.resources.0)?;
    let outputs = file
        .outputs
        .into_iter()
        .map(|(name, output)| Ok((name, output_from_file(output)?)));
    Ok(State {
        lineage: file.lineage,
        serial: file.serial,
        terraform_version: file.terraform_version,
        resources: Arc::new(resources),
        outputs: outputs.collect::<Result<_, String>>()?,
        check_results: file
            .check_results
            .map(|raw| json::compact(raw.get()).into())
            .filter(|text: &Arc<str>| &**text != "null"),
    })
}

/// One resource; none if it has no instances.
fn resource_from_file(
    resource: ResourceV4<'_>,
    texts: &mut Texts,
) -> Result<Option<(addr::Resource, Resource)>, String> {
    let module = texts.module(&resource.module)?;
    let mode = mode(&resource.mode)?;
    let (type_name, name) = (
        texts.shared(&resource.type_name),
        texts.shared(&resource.name),
    );
    let address = addr::Resource {
        module,
        mode,
        type_name,
        name,
    };
    let mut found = Resource {
        provider: texts.shared(&provider(&resource)?),
        instances: Instances::default(),
    };
    for mut instance in resource.instances {
        let own = instance.provider.take();
        let (key, deposed, object) = instance_from_file(instance)?;
        let into: &mut Instance = found.instances.get_or_default(key);
        into.provider_instance = own.and_then(|own| split_provider(&own).1.map(Arc::from));
        let twice = match deposed {
            None => into.current.replace(object),
            Some(key) => into.deposed.insert(key, object),
        };
        if twice.is_some() {
            return Err(appears_twice(&address));
        }
    }
    let is_there = !found.instances.is_empty();
    Ok(is_there.then_some((address, found)))
}

/// Resources by address. As we write them they are in order already, and a tree of what is in order takes the least room.
fn in_order(
    resources: Vec<(addr::Resource, Resource)>,
) -> Result<BTreeMap<addr::Resource, Resource>, String> {
    if resources.is_sorted_by(|left, right| left.0 < right.0) {
        return Ok(resources.into_iter().collect());
    }
    let mut all: BTreeMap<addr::Resource, Resource> = BTreeMap::new();
    for (address, resource) in resources {
        let Some(found) = all.get_mut(&address) else {
            all.insert(address, resource);
            continue;
        };
        for (key, instance) in resource.instances {
            let into = found.instances.get_or_default(key);
            let is_known = |key| into.deposed.contains_key(key);
            if (into.current.is_some() && instance.current.is_some())
                || instance.deposed.keys().any(is_known)
            {
                return Err(appears_twice(&address));
            }
            into.provider_instance = instance.provider_instance;
            into.current = instance.current.or(into.current.take());
            into.deposed.extend(instance.deposed);
        }
    }
    Ok(all)
}

/// Of two objects under one address, one would be lost.
pub(crate) fn appears_twice(address: &addr::Resource) -> String {
    format!("an instance of `{address}` appears more than once")
}

/// Texts that many resources have in common, each once.
#[derive(Default)]
struct Texts {
    known: HashSet<Arc<str>>,
    /// The module of the last resource, as the file has it, and what that is.
    module: (String, ModuleInstance),
}

impl Texts {
    fn shared(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.known.get(text) {
            return known.clone();
        }
        let new: Arc<str> = text.into();
        self.known.insert(new.clone());
        new
    }

    fn module(&mut self, text: &str) -> Result<ModuleInstance, String> {
        if self.module.0 != text {
            let module = addr::parse_module(text).map_err(|error| error.to_string())?;
            self.module = (text.to_owned(), module);
        }
        Ok(self.module.1.clone())
    }
}

/// The provider configuration of a resource: its own, or the one that its instances have in common.
fn provider<'r>(resource: &'r ResourceV4<'_>) -> Result<Cow<'r, str>, String> {
    let own = resource.instances.iter().map(|one| one.provider.as_ref());
    let mut all = own.flatten().map(|own| split_provider(own).0);
    let Some(first) = all.next() else {
        return resource
            .provider
            .as_deref()
            .map(Cow::Borrowed)
            .ok_or_else(|| {
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
    Ok(module.resource(self::mode(mode)?, type_name, name))
}

fn mode(name: &str) -> Result<ResourceMode, String> {
    match name {
        "managed" => Ok(ResourceMode::Managed),
        "data" => Ok(ResourceMode::Data),
        mode => Err(format!(
            "a resource has the mode `{mode}`, which is not known"
        )),
    }
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

fn instance_from_file(instance: InstanceV4<'_>) -> Result<KeyedObject, String> {
    let key = index_key(instance.index_key.as_ref())?;
    let attributes = instance.attributes.ok_or(
        "an instance has its attributes in the flat form of Terraform 0.11, which is not supported",
    )?;
    let private = BASE64
        .decode(instance.private.as_bytes())
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
    for (address, resource) in state.resources.iter() {
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
    };
    Ok(json::indent(&serde_json::to_string(&file)?))
}

/// The text of a state with this serial, with the next one: laying out all of it again would take as long as before.
pub(crate) fn with_next_serial(text: &str, serial: u64) -> String {
    // Inside of strings there are no line breaks, so that this is found where it stands only.
    let line = |serial: u64| format!("\n  \"serial\": {serial},\n");
    text.replacen(&line(serial), &line(serial + 1), 1)
}

fn resource_to_file<'a>(
    address: &'a addr::Resource,
    resource: &'a Resource,
) -> Result<ResourceV4<'a>, serde_json::Error> {
    let mut instances = Vec::with_capacity(resource.instances.len());
    let mut all = resource.instances.values();
    let keyed = all.any(|instance| instance.provider_instance.is_some());
    for (key, instance) in resource.instances.iter() {
        let provider = keyed.then(|| resource.provider_of(instance));
        let mut add = |deposed, object: &'a StoredObject| {
            let written = instance_to_file(key.as_ref(), deposed, object)?;
            instances.push(InstanceV4 {
                provider: provider.clone(),
                ..written
            });
            Ok::<_, serde_json::Error>(())
        };
        if let Some(object) = &instance.current {
            add(None, object)?;
        }
        for (deposed, object) in &instance.deposed {
            add(Some(deposed), object)?;
        }
    }
    Ok(ResourceV4 {
        module: address.module.to_string().into(),
        mode: address.mode.name().into(),
        type_name: (&*address.type_name).into(),
        name: (&*address.name).into(),
        provider: (!keyed).then(|| resource.provider.clone()),
        instances,
    })
}

fn instance_to_file<'a>(
    key: Option<&InstanceKey>,
    deposed: Option<&Arc<str>>,
    object: &'a StoredObject,
) -> Result<InstanceV4<'a>, serde_json::Error> {
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
        attributes: Some(serde_json::from_str(&object.attributes)?),
        sensitive_attributes: object.sensitive.iter().map(path_to_json).collect(),
        private: BASE64.encode(&object.private).into(),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with these resources, each as its module, name and key.
    fn file(resources: &[(&str, &str, u8)]) -> String {
        let resource = |(module, name, key): &(&str, &str, u8)| {
            format!(
                r#"{{"module":"{module}","mode":"managed","type":"t","name":"{name}","provider":"p","instances":[
                    {{"index_key":{key},"schema_version":0,"attributes":{{ "id" : "{name} {key}" }}}}]}}"#
            )
        };
        let resources: Vec<_> = resources.iter().map(resource).collect();
        format!(
            r#"{{"version":4,"terraform_version":"1.11.4","serial":1,"lineage":"l","resources":[{}]}}"#,
            resources.join(",")
        )
    }

    fn addresses(text: &str) -> Vec<String> {
        let state = parse_text(text).unwrap();
        let text = |(address, _, instance): (addr::ResourceInstance, _, &Instance)| {
            let attributes = &instance.current.as_ref().unwrap().attributes;
            format!("{address} {attributes}")
        };
        state.instances().map(text).collect()
    }

    #[test]
    fn resources_may_come_in_any_order_and_in_parts() {
        let parts = [
            ("module.b", "x", 1),
            ("", "y", 0),
            ("module.a", "x", 0),
            ("module.b", "x", 0),
        ];
        let read = addresses(&file(&parts));
        assert_eq!(
            read,
            [
                r#"t.y[0] {"id":"y 0"}"#,
                r#"module.a.t.x[0] {"id":"x 0"}"#,
                r#"module.b.t.x[0] {"id":"x 0"}"#,
                r#"module.b.t.x[1] {"id":"x 1"}"#,
            ]
        );
        let printed = parse_text(&file(&parts)).unwrap().print();
        assert_eq!(addresses(&printed), read);
    }

    #[test]
    fn what_is_wrong_with_one_resource_is_said_of_the_file() {
        let wrong = |from: &str, to: &str| {
            let text = file(&[("", "y", 0)]).replace(from, to);
            parse_text(&text).unwrap_err()
        };
        assert!(wrong("managed", "wild").contains("the mode `wild`, which is not known"));
        assert!(wrong(r#""provider":"p","#, "").contains("`t.y` has no provider"));
        assert!(wrong(r#""version":4"#, r#""version":5"#).contains("version 5"));
    }
}
