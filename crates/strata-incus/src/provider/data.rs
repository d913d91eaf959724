//! Data sources: objects that are there, read by name.

use std::{collections::BTreeMap, sync::Arc};

use strata_core::{
    Diagnostic, Diagnostics, Type, Value,
    schema::{Attribute, Presence, Resource},
};

use super::{
    attributes::{self, Attributes},
    config::MARKER_KEY,
    devices::{self, Devices},
    lifecycle::ServerObject,
    schemas::{Named, computed, defaulted, optional, place, required, resource},
    session::Session,
    unknown_type, validate as checks,
};
use crate::client::{Answer, ApiPath};

/// The schemas of all data sources.
pub(crate) fn schemas() -> BTreeMap<Arc<str>, Resource> {
    [
        ("incus_network", network()),
        ("incus_profile", profile()),
        ("incus_project", project()),
        ("incus_storage_volume", volume()),
    ]
    .map(|(name, schema)| (name.into(), schema))
    .into()
}

fn config() -> Named {
    computed(
        "config",
        Type::map(Type::String),
        "All its configuration keys.",
    )
}

fn target() -> Named {
    optional("target", "The cluster member to ask. Not supported.")
}

fn network() -> Resource {
    let attributes = [
        required("name", "Its name."),
        target(),
        defaulted("description", Type::String, "What it is for."),
        defaulted("status", Type::String, "Its status."),
        defaulted(
            "locations",
            Type::list(Type::String),
            "The cluster members that have it.",
        ),
        defaulted("type", Type::String, "Its type."),
        defaulted("managed", Type::Bool, "Whether the server manages it."),
        config(),
    ];
    resource(
        "A network that is there.",
        attributes.into_iter().chain(place()),
        [],
    )
}

fn profile() -> Resource {
    let attributes = [
        required("name", "Its name."),
        defaulted("description", Type::String, "What it is for."),
        config(),
    ];
    let device = ("device", devices::schema(Presence::Computed));
    resource(
        "A profile that is there.",
        attributes.into_iter().chain(place()),
        [device],
    )
}

fn project() -> Resource {
    let attributes = [
        required("name", "Its name."),
        optional("remote", "The remote that it is on."),
        defaulted("description", Type::String, "What it is for."),
        config(),
    ];
    resource("A project that is there.", attributes, [])
}

fn volume() -> Resource {
    let attributes = [
        required("name", "Its name."),
        required("type", "Its type, such as `custom`."),
        required("storage_pool", "The storage pool that it is in."),
        target(),
        defaulted("description", Type::String, "What it is for."),
        defaulted("location", Type::String, "The cluster member that has it."),
        defaulted("content_type", Type::String, "`filesystem` or `block`."),
        config(),
    ];
    resource(
        "A storage volume that is there.",
        attributes.into_iter().chain(place()),
        [],
    )
}

/// Checks a data source's configuration beyond what the schema says.
pub(crate) fn validate(type_name: &str, config: Attributes<'_>, diags: &mut Diagnostics) {
    let Some(schema) = schemas().remove(type_name) else {
        diags.push(unknown_type(type_name));
        return;
    };
    checks::unsupported(type_name, config, &["target"], diags);
    // These can be written down in the provider that we follow, but they only ever come from the server.
    let told: Vec<&str> = schema
        .block
        .attributes
        .iter()
        .filter(|(_, attribute): &(_, &Attribute)| attribute.presence == Presence::OptionalComputed)
        .map(|(name, _)| &**name)
        .filter(|name| config.is_set(name))
        .collect();
    for name in told {
        let summary = format!("`{name}` of data source `{type_name}` is told by the server");
        diags.push(Diagnostic::error("incus-invalid-value", summary).hint("leave it out"));
    }
}

/// Reads a data source.
pub(crate) async fn read(
    session: &Session,
    type_name: &str,
    config: Value,
) -> Result<Value, Diagnostics> {
    let object = Attributes(&config);
    let client = session.client(object)?;
    let project = object.text("project").unwrap_or(&client.remote().project);
    let name = object.text("name").unwrap_or_default();
    let path = match type_name {
        "incus_network" => ApiPath::new(&["networks", name]).project(project),
        "incus_profile" => ApiPath::new(&["profiles", name]).project(project),
        "incus_project" => ApiPath::new(&["projects", name]),
        "incus_storage_volume" => {
            let text = |name| object.text(name).unwrap_or_default();
            let segments = [
                "storage-pools",
                text("storage_pool"),
                "volumes",
                text("type"),
                name,
            ];
            ApiPath::new(&segments).project(project)
        }
        _ => return Err(unknown_type(type_name).into()),
    };
    let answer: Answer<ServerObject> = client.get(&path).await.map_err(|error| {
        error.diagnostic(format!(
            "cannot read data source `{type_name}` of the name `{name}`"
        ))
    })?;
    Ok(value(&config, &answer.value))
}

fn value(config: &Value, server: &ServerObject) -> Value {
    let mut keys = server.config.clone().unwrap_or_default();
    keys.remove(MARKER_KEY);
    let locations = server.locations.iter().flatten().map(String::as_str);
    let told = [
        ("description", Value::from(server.description.as_str())),
        ("config", attributes::map(&keys)),
        (
            "device",
            devices::value(server.devices.as_ref().unwrap_or(&Devices::new())),
        ),
        ("type", Value::from(server.kind.as_str())),
        ("status", Value::from(server.status.as_str())),
        ("managed", Value::from(server.managed)),
        ("locations", attributes::list(locations)),
        ("location", Value::from(server.location.as_str())),
        ("content_type", Value::from(server.content_type.as_str())),
    ];
    // Each data source has some of these.
    let told = told
        .into_iter()
        .filter(|(name, _)| config.get(name).is_some());
    attributes::with(config, told)
}
