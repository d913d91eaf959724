//! Data sources: objects that are there, read by name.
//!
//! [`table`] lists those that one call reads, with what each tells; [`image`] and [`cluster`] ask more.

mod cluster;
mod image;
mod table;

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value as Json};
use strata_core::{
    Diagnostic, Diagnostics, Type, Value,
    schema::{Attribute, Presence, Resource},
};

use self::table::{SOURCES, Shape, Source};
use super::{
    attributes::{self, Attributes, Texts},
    config::MARKER_KEY,
    devices::{self, Devices},
    schemas::{computed, defaulted, optional, place, required, resource},
    session::Session,
    unknown_type,
};
use crate::client::{Answer, ApiPath};

/// The schemas of all data sources.
pub(crate) fn schemas() -> BTreeMap<Arc<str>, Resource> {
    let told = SOURCES
        .iter()
        .map(|source| (source.type_name, source.schema()));
    let more = [
        (image::TYPE, image::schema()),
        (cluster::TYPE, cluster::schema()),
    ];
    told.chain(more)
        .map(|(name, schema)| (name.into(), schema))
        .collect()
}

impl Source {
    fn schema(&self) -> Resource {
        let keys = self.keys.iter().map(|(name, text)| required(name, text));
        let told = self.fields.iter().map(|field| match field.shape {
            Shape::Config => computed(field.name, field.shape.ty(), field.description),
            shape => defaulted(field.name, shape.ty(), field.description),
        });
        let place = place().into_iter().skip(usize::from(!self.in_project));
        let target = optional("target", "The cluster member to ask.");
        let target = self.on_member.then_some(target);
        let device = ("device", devices::schema(Presence::Computed));
        let device = self.has_devices.then_some(device);
        let attributes = keys.chain(told).chain(place).chain(target);
        resource(self.description, attributes, device)
    }

    fn path(&self, config: Attributes<'_>, project: &str) -> ApiPath {
        let segments = self
            .path
            .iter()
            .map(|segment| match segment.strip_prefix(':') {
                Some(key) => config.text(key).unwrap_or_default(),
                None => segment,
            });
        let path = ApiPath::new(&segments.collect::<Vec<_>>());
        let path = match self.in_project {
            true => path.project(project),
            false => path,
        };
        match config.some_text("target") {
            Some(member) => path.query("target", member),
            None => path,
        }
    }

    fn value(&self, config: &Value, server: &Map<String, Json>) -> Value {
        let fields = self.fields.iter();
        let told = fields.map(|field| (field.name, field.shape.value(server.get(field.name))));
        let devices = self.has_devices.then(|| {
            let found = server.get("devices").cloned().unwrap_or_default();
            let found: Devices = serde_json::from_value(found).unwrap_or_default();
            ("device", devices::value(&found))
        });
        attributes::with(config, told.chain(devices))
    }
}

impl Shape {
    fn ty(self) -> Type {
        match self {
            Self::Text => Type::String,
            Self::Flag => Type::Bool,
            Self::Texts => Type::list(Type::String),
            Self::Config => Type::map(Type::String),
            Self::Rows(columns) => Type::list(row_type(columns)),
        }
    }

    fn value(self, found: Option<&Json>) -> Value {
        let items = || found.and_then(Json::as_array).into_iter().flatten();
        match self {
            Self::Text => Value::from(found.and_then(Json::as_str).unwrap_or_default()),
            Self::Flag => Value::from(found.and_then(Json::as_bool).unwrap_or_default()),
            Self::Texts => attributes::list(items().filter_map(Json::as_str)),
            Self::Config => {
                let keys = found.cloned().unwrap_or_default();
                let mut keys: Texts = serde_json::from_value(keys).unwrap_or_default();
                keys.remove(MARKER_KEY);
                attributes::map(&keys)
            }
            Self::Rows(columns) => {
                let rows = items().map(|row| {
                    let cells = columns.iter();
                    Value::object(cells.map(|(name, shape)| (*name, shape.value(row.get(*name)))))
                });
                Value::list(row_type(columns), rows.collect())
            }
        }
    }
}

fn row_type(columns: &[(&'static str, Shape)]) -> Type {
    Type::object(columns.iter().map(|(name, shape)| (*name, shape.ty())))
}

/// Checks a data source's configuration beyond what the schema says.
pub(crate) fn validate(type_name: &str, config: Attributes<'_>, diags: &mut Diagnostics) {
    let Some(schema) = schemas().remove(type_name) else {
        diags.push(unknown_type(type_name));
        return;
    };
    if type_name == image::TYPE {
        image::validate(config, diags);
        return;
    }
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
    match type_name {
        image::TYPE => return image::read(&client, &config).await,
        cluster::TYPE => return cluster::read(&client, &config).await,
        _ => {}
    }
    let mut sources = SOURCES.iter();
    let source = sources.find(|source| source.type_name == type_name);
    let source = source.ok_or_else(|| unknown_type(type_name))?;
    let project = object.text("project").unwrap_or(&client.remote().project);
    let read = client.get(&source.path(object, project)).await;
    let server: Answer<Map<String, Json>> = read.map_err(|error| {
        let (key, _) = source.keys[source.keys.len() - 1];
        let name = object.text(key).unwrap_or_default();
        error.diagnostic(format!(
            "cannot read data source `{type_name}` of the {} `{name}`",
            key.replace('_', " ")
        ))
    })?;
    Ok(source.value(&config, &server.value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_server_tells_is_of_the_schemas_type_also_if_it_tells_nothing() {
        let full = json!({
            "description": "d", "config": { "a": "b" }, "managed": true, "projects": ["p"],
            "ports": [{ "listen_port": "80", "target_backend": ["b"] }],
            "devices": { "root": { "type": "disk", "path": "/" } },
        });
        for source in &SOURCES {
            let schema = source.schema().block;
            for server in [&full, &json!({})] {
                let server = server.as_object().unwrap();
                let value = source.value(&schema.empty_value(), server);
                assert_eq!(value.ty(), schema.implied_type(), "{}", source.type_name);
            }
        }
    }
}
