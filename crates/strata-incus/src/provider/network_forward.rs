//! `incus_network_forward`: an address of the server whose ports lead to instances.

use serde_json::{Value as Json, json};
use strata_core::{Type, schema::Resource};

use super::{
    attributes::Attributes,
    entity::Entity,
    schemas::{config, defaulted, place, required, resource},
    table::{Column, Table},
};

pub(crate) struct NetworkForward;

const PORTS: Table = Table {
    name: "ports",
    field: "ports",
    columns: &[
        Column::optional("description", "What the port is for."),
        Column::default("protocol", "tcp", "`tcp` or `udp`.").words(&["tcp", "udp"]),
        Column::required(
            "listen_port",
            "Ports that are listened on, such as `80,8080-8090`.",
        ),
        Column::required("target_port", "Ports that they lead to."),
        Column::required("target_address", "The address that they lead to."),
    ],
    description: "Which ports lead where.",
};

impl Entity for NetworkForward {
    fn type_name(&self) -> &'static str {
        "incus_network_forward"
    }

    fn noun(&self) -> &'static str {
        "network forward"
    }

    fn name_attribute(&self) -> &'static str {
        "listen_address"
    }

    fn schema(&self) -> Resource {
        let attributes = [
            required("network", "The network that it leads into."),
            required("listen_address", "The address that is listened on."),
            defaulted("description", Type::String, "What it is for."),
            config(),
            PORTS.attribute(),
        ];
        resource(
            "An address whose ports lead to instances.",
            attributes.into_iter().chain(place()),
            [],
        )
    }

    fn tables(&self) -> &'static [Table] {
        &[PORTS]
    }

    fn replacing(&self) -> &'static [&'static str] {
        &["network", "listen_address", "project", "remote"]
    }

    fn segments<'a>(&self, object: Attributes<'a>) -> Vec<&'a str> {
        let text = |name| object.text(name).unwrap_or_default();
        vec![
            "networks",
            text("network"),
            "forwards",
            text("listen_address"),
        ]
    }

    fn create_fields(&self, object: Attributes<'_>) -> Vec<(&'static str, Json)> {
        let address = object.text("listen_address").unwrap_or_default();
        vec![("listen_address", json!(address))]
    }

    fn import_names(&self) -> &'static [&'static str] {
        &["network", "listen_address"]
    }
}
