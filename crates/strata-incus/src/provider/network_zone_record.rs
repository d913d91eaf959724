//! `incus_network_zone_record`: names in a DNS zone beside those of instances.

use serde_json::Value as Json;
use strata_core::{Diagnostics, Type, Value, schema::Resource};

use super::{
    attributes::{Attributes, Texts, map},
    config::IsComputed,
    lifecycle::{Entity, ServerObject},
    schemas::{config, defaulted, place, required, resource},
    table::{Column, Table},
};
use crate::client::ApiPath;

pub(crate) struct NetworkZoneRecord;

const ENTRIES: Table = Table {
    name: "entry",
    field: "entries",
    columns: &[
        Column::required("type", "The kind of entry.").words(&["A", "AAAA", "CNAME", "TXT"]),
        Column::required("value", "What the name stands for."),
        Column::number("ttl", 300, "How long others may keep it, in seconds."),
    ],
    description: "What the name stands for.",
};

impl Entity for NetworkZoneRecord {
    fn type_name(&self) -> &'static str {
        "incus_network_zone_record"
    }

    fn noun(&self) -> &'static str {
        "network zone record"
    }

    fn schema(&self) -> Resource {
        let attributes = [
            required("name", "The name in the zone."),
            required("zone", "The zone."),
            defaulted("description", Type::String, "What it is for."),
            config(),
        ];
        resource(
            "A name in a DNS zone.",
            attributes.into_iter().chain(place()),
            [ENTRIES.blocks()],
        )
    }

    fn defaults(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("description", Value::from("")),
            ("config", map(&Texts::new())),
        ]
    }

    fn tables(&self) -> &'static [Table] {
        &[ENTRIES]
    }

    fn replacing(&self) -> &'static [&'static str] {
        &["name", "zone", "project", "remote"]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[]
    }

    fn validate(&self, _: Attributes<'_>, _: &mut Diagnostics) {}

    fn collection(&self, object: Attributes<'_>, project: &str) -> ApiPath {
        let zone = object.text("zone").unwrap_or_default();
        ApiPath::new(&["network-zones", zone, "records"]).project(project)
    }

    fn path(&self, object: Attributes<'_>, project: &str) -> ApiPath {
        let zone = object.text("zone").unwrap_or_default();
        let name = object.text("name").unwrap_or_default();
        ApiPath::new(&["network-zones", zone, "records", name]).project(project)
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

    fn import_parts(&self) -> usize {
        2
    }

    fn import(&self, id: &str) -> Result<Vec<(&'static str, Value)>, String> {
        let (zone, name) = id.split_once('/').ok_or("`ZONE/NAME` is wanted")?;
        Ok(vec![
            ("zone", Value::from(zone)),
            ("name", Value::from(name)),
        ])
    }
}
