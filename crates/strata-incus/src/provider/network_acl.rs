//! `incus_network_acl`: rules for what may come in to instances and go out of them.

use strata_core::{Type, schema::Resource};

use super::{
    attributes::Attributes,
    entity::Entity,
    schemas::{config, defaulted, place, required, resource},
    table::{Column, Table},
};

pub(crate) struct NetworkAcl;

const COLUMNS: &[Column] = &[
    Column::required("action", "What is done with a packet that fits.").words(&[
        "allow",
        "allow-stateless",
        "reject",
        "drop",
    ]),
    Column::required("state", "Whether the rule counts.").words(&["enabled", "disabled", "logged"]),
    Column::optional("description", "What the rule is for."),
    Column::optional("source", "Networks, addresses or ACLs that it comes from."),
    Column::optional(
        "destination",
        "Networks, addresses or ACLs that it goes to.",
    ),
    Column::optional(
        "protocol",
        "`tcp`, `udp`, `icmp4` or `icmp6`; any if not set.",
    ),
    Column::optional("source_port", "Ports that it comes from."),
    Column::optional("destination_port", "Ports that it goes to."),
    Column::optional("icmp_type", "The type of an ICMP message."),
    Column::optional("icmp_code", "The code of an ICMP message."),
];

const RULES: &[Table] = &[
    Table {
        name: "egress",
        field: "egress",
        columns: COLUMNS,
        description: "Rules for what goes out.",
    },
    Table {
        name: "ingress",
        field: "ingress",
        columns: COLUMNS,
        description: "Rules for what comes in.",
    },
];

impl Entity for NetworkAcl {
    fn type_name(&self) -> &'static str {
        "incus_network_acl"
    }

    fn noun(&self) -> &'static str {
        "network ACL"
    }

    fn schema(&self) -> Resource {
        let attributes = [
            required("name", "Its name."),
            defaulted("description", Type::String, "What it is for."),
            config(),
        ];
        let rules = RULES.iter().map(Table::attribute);
        resource(
            "Rules for the traffic of instances.",
            attributes.into_iter().chain(place()).chain(rules),
            [],
        )
    }

    fn tables(&self) -> &'static [Table] {
        RULES
    }

    fn replacing(&self) -> &'static [&'static str] {
        &["name", "project", "remote"]
    }

    fn segments<'a>(&self, object: Attributes<'a>) -> Vec<&'a str> {
        vec!["network-acls", object.text("name").unwrap_or_default()]
    }

    fn delete_hint(&self) -> Option<&'static str> {
        Some("networks, instances and profiles that name the ACL must be changed before it")
    }
}
