//! `incus_network_lb`: an address of an OVN network that shares its load among instances.

use serde_json::{Value as Json, json};
use strata_core::{Type, schema::Resource};

use super::{
    attributes::Attributes,
    entity::Entity,
    schemas::{config, defaulted, place, required, resource},
    table::{Column, Table},
};

const TABLES: &[Table] = &[
    Table {
        name: "backend",
        field: "backends",
        columns: &[
            Column::required("name", "Its name."),
            Column::default("description", "", "What it is for."),
            Column::required("target_address", "The address that it leads to."),
            Column::optional(
                "target_port",
                "Ports that it leads to; those listened on if not set.",
            ),
        ],
        description: "An instance that takes a share.",
    },
    Table {
        name: "port",
        field: "ports",
        columns: &[
            Column::default("description", "", "What it is for."),
            Column::default("protocol", "tcp", "`tcp` or `udp`.").words(&["tcp", "udp"]),
            Column::required("listen_port", "Ports that are listened on."),
            Column::texts("target_backend", "Names of the backends that share them."),
        ],
        description: "Ports, and who takes them.",
    },
];

/// By the name that every release of the original has.
pub(crate) const TYPE: &str = "incus_network_lb";

/// By the name that only the heading of its documentation has, under which Strata has written states, too.
pub(crate) const LONG: &str = "incus_network_load_balancer";

/// The resource, by one of its names.
pub(crate) struct NetworkLoadBalancer(pub(crate) &'static str);

impl Entity for NetworkLoadBalancer {
    fn type_name(&self) -> &'static str {
        self.0
    }

    fn noun(&self) -> &'static str {
        "network load balancer"
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
        ];
        resource(
            "An address that shares its load among instances.",
            attributes.into_iter().chain(place()),
            TABLES.iter().map(Table::blocks),
        )
    }

    fn tables(&self) -> &'static [Table] {
        TABLES
    }

    fn replacing(&self) -> &'static [&'static str] {
        &["network", "listen_address", "project", "remote"]
    }

    fn segments<'a>(&self, object: Attributes<'a>) -> Vec<&'a str> {
        let text = |name| object.text(name).unwrap_or_default();
        let address = text("listen_address");
        vec!["networks", text("network"), "load-balancers", address]
    }

    fn create_fields(&self, object: Attributes<'_>) -> Vec<(&'static str, Json)> {
        vec![("listen_address", json!(object.text("listen_address")))]
    }

    fn import_names(&self) -> &'static [&'static str] {
        &["network", "listen_address"]
    }
}
