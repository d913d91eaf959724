//! `incus_instance_snapshot`: an instance as it was at one time.

use serde_json::{Value as Json, json};
use strata_core::{Type, Value, schema::Resource};

use super::{
    attributes::Attributes,
    entity::{Entity, ServerObject},
    schemas::{computed, defaulted, place, required, resource},
    time,
};

pub(crate) struct InstanceSnapshot;

impl Entity for InstanceSnapshot {
    fn type_name(&self) -> &'static str {
        "incus_instance_snapshot"
    }

    fn noun(&self) -> &'static str {
        "instance snapshot"
    }

    fn schema(&self) -> Resource {
        let attributes = [
            required("name", "Its name."),
            required("instance", "The instance."),
            defaulted(
                "stateful",
                Type::Bool,
                "Whether it holds the memory of a running instance, too.",
            ),
            computed(
                "created_at",
                Type::Number,
                "When it was made, in Unix time.",
            ),
        ];
        resource(
            "An instance as it was at one time.",
            attributes.into_iter().chain(place()),
            [],
        )
    }

    fn defaults(&self) -> Vec<(&'static str, Value)> {
        vec![("stateful", Value::from(false))]
    }

    fn replacing(&self) -> &'static [&'static str] {
        &["name", "instance", "stateful", "project", "remote"]
    }

    fn has_description(&self) -> bool {
        false
    }

    fn has_config(&self) -> bool {
        false
    }

    fn segments<'a>(&self, object: Attributes<'a>) -> Vec<&'a str> {
        let text = |name| object.text(name).unwrap_or_default();
        vec!["instances", text("instance"), "snapshots", text("name")]
    }

    fn create_fields(&self, object: Attributes<'_>) -> Vec<(&'static str, Json)> {
        vec![("stateful", json!(object.flag("stateful")))]
    }

    fn read_fields(&self, _: Attributes<'_>, server: &ServerObject) -> Vec<(&'static str, Value)> {
        let stateful = server.rest.get("stateful").and_then(Json::as_bool);
        vec![
            ("stateful", Value::from(stateful.unwrap_or_default())),
            (
                "created_at",
                time::unix_value(server.rest.get("created_at")),
            ),
        ]
    }

    fn import_names(&self) -> &'static [&'static str] {
        &["instance", "name"]
    }
}
