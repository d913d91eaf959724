//! `incus_network_zone`: a DNS zone that the server answers for.

use strata_core::{Type, schema::Resource};

use super::{
    attributes::Attributes,
    entity::Entity,
    schemas::{config, defaulted, place, required, resource},
};

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

    fn replacing(&self) -> &'static [&'static str] {
        &["name", "project", "remote"]
    }

    fn segments<'a>(&self, object: Attributes<'a>) -> Vec<&'a str> {
        vec!["network-zones", object.text("name").unwrap_or_default()]
    }

    fn delete_hint(&self) -> Option<&'static str> {
        Some("networks that name the zone must be changed before it")
    }
}
