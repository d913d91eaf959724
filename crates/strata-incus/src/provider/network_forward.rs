//! `incus_network_forward`: an address of the server whose ports lead to instances.

use serde_json::{Value as Json, json};
use strata_core::{Diagnostics, Type, Value, schema::Resource};

use super::{
    attributes::{Attributes, Texts, map},
    config::IsComputed,
    lifecycle::{Entity, ServerObject},
    schemas::{config, defaulted, place, required, resource},
    table::{Column, Table},
};
use crate::client::ApiPath;

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

    fn defaults(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("description", Value::from("")),
            ("config", map(&Texts::new())),
        ]
    }

    fn tables(&self) -> &'static [Table] {
        &[PORTS]
    }

    fn replacing(&self) -> &'static [&'static str] {
        &["network", "listen_address", "project", "remote"]
    }

    fn refused(&self) -> &'static [&'static str] {
        &[]
    }

    fn validate(&self, _: Attributes<'_>, _: &mut Diagnostics) {}

    fn collection(&self, object: Attributes<'_>, project: &str) -> ApiPath {
        let network = object.text("network").unwrap_or_default();
        ApiPath::new(&["networks", network, "forwards"]).project(project)
    }

    fn path(&self, object: Attributes<'_>, project: &str) -> ApiPath {
        let network = object.text("network").unwrap_or_default();
        let address = object.text("listen_address").unwrap_or_default();
        ApiPath::new(&["networks", network, "forwards", address]).project(project)
    }

    fn is_computed(&self) -> IsComputed {
        |_| false
    }

    fn create_fields(&self, object: Attributes<'_>) -> Vec<(&'static str, Json)> {
        let address = object.text("listen_address").unwrap_or_default();
        vec![("listen_address", json!(address))]
    }

    fn read_fields(&self, _: Attributes<'_>, _: &ServerObject) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    fn import_parts(&self) -> usize {
        2
    }

    fn import(&self, id: &str) -> Result<Vec<(&'static str, Value)>, String> {
        let (network, address) = id
            .split_once('/')
            .ok_or("`NETWORK/LISTEN_ADDRESS` is wanted")?;
        Ok(vec![
            ("network", Value::from(network)),
            ("listen_address", Value::from(address)),
        ])
    }
}
