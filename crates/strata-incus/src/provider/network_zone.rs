//! `incus_network_zone`: a DNS zone that the server answers for.

use serde_json::Value as Json;
use strata_core::{Diagnostics, Type, Value, schema::Resource};

use super::{
    attributes::{Attributes, Texts, map},
    config::IsComputed,
    lifecycle::{Entity, ServerObject},
    schemas::{config, defaulted, place, required, resource},
};
use crate::client::ApiPath;

pub(crate) struct NetworkZone;

impl Entity for NetworkZone {
    fn type_name(&self) -> &'static str {
        "incus_network_zone"
    }

    fn noun(&self) -> &'static str {
        "network zone"
    }

    fn schema(&self) -> Resource {
        let attributes = [
            required("name", "The zone, such as `lab.example`."),
            defaulted("description", Type::String, "What it is for."),
            config(),
        ];
        resource("A DNS zone.", attributes.into_iter().chain(place()), [])
    }

    fn defaults(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("description", Value::from("")),
            ("config", map(&Texts::new())),
        ]
    }

    fn replacing(&self) -> &'static [&'static str] {
        &["name", "project", "remote"]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[]
    }

    fn validate(&self, _: Attributes<'_>, _: &mut Diagnostics) {}

    fn collection(&self, _: Attributes<'_>, project: &str) -> ApiPath {
        ApiPath::new(&["network-zones"]).project(project)
    }

    fn path(&self, object: Attributes<'_>, project: &str) -> ApiPath {
        ApiPath::new(&["network-zones", object.text("name").unwrap_or_default()]).project(project)
    }

    fn is_computed(&self) -> IsComputed {
        |_| false
    }

    fn create_fields(&self, _: Attributes<'_>) -> Vec<(&'static str, Json)> {
        Vec::new()
    }

    fn read_fields(&self, _: Attributes<'_>, _: &ServerObject) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    fn delete_hint(&self) -> Option<&'static str> {
        Some("networks that name the zone must be changed before it")
    }

    fn import(&self, id: &str) -> Result<Vec<(&'static str, Value)>, String> {
        Ok(vec![("name", Value::from(id))])
    }
}
