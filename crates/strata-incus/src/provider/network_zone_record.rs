//! `incus_network_zone_record`: names in a DNS zone beside those of instances.

use strata_core::{Type, schema::Resource};

use super::{
    attributes::Attributes,
    entity::Entity,
    schemas::{config, defaulted, place, required, resource},
    table::{Column, Table},
};

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

    fn tables(&self) -> &'static [Table] {
        &[ENTRIES]
    }

    fn replacing(&self) -> &'static [&'static str] {
        &["name", "zone", "project", "remote"]
    }

    fn segments<'a>(&self, object: Attributes<'a>) -> Vec<&'a str> {
        let text = |name| object.text(name).unwrap_or_default();
        vec!["network-zones", text("zone"), "records", text("name")]
    }

    fn import_names(&self) -> &'static [&'static str] {
        &["zone", "name"]
    }
}
