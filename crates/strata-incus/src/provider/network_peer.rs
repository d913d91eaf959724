//! `incus_network_peer`: a way between two OVN networks.

use serde_json::{Value as Json, json};
use strata_core::{Diagnostics, Type, Value, schema::Resource};

use super::{
    attributes::{Attributes, Texts, map},
    entity::{Entity, ServerObject},
    schemas::{computed, config, defaulted, optional, place, required, resource},
    validate,
};

/// What says where it leads; fixed once it is made.
const TARGETS: [&str; 4] = [
    "type",
    "target_network",
    "target_project",
    "target_integration",
];

pub(crate) struct NetworkPeer;

impl Entity for NetworkPeer {
    fn type_name(&self) -> &'static str {
        "incus_network_peer"
    }

    fn noun(&self) -> &'static str {
        "network peer"
    }

    fn schema(&self) -> Resource {
        let told = |name, description| defaulted(name, Type::String, description);
        let attributes = [
            required("name", "Its name."),
            optional("network", "The network that it begins in."),
            told("description", "What it is for."),
            told("target_network", "The network that it leads to."),
            told("target_project", "The project of that network."),
            told(
                "target_integration",
                "The integration that it goes through.",
            ),
            told("type", "`local`, or `remote` through an integration."),
            computed("status", Type::String, "Whether both sides agree."),
            config(),
        ];
        resource(
            "A way between two networks.",
            attributes.into_iter().chain(place()),
            [],
        )
    }

    fn replacing(&self) -> &'static [&'static str] {
        &[
            "name",
            "network",
            "target_network",
            "target_project",
            "target_integration",
            "type",
            "project",
            "remote",
        ]
    }

    fn defaults(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("description", Value::from("")),
            ("type", Value::from("local")),
            ("config", map(&Texts::new())),
        ]
    }

    fn validate(&self, config: Attributes<'_>, diags: &mut Diagnostics) {
        validate::one_of(config, "type", &["local", "remote"], diags);
        validate::present(config, "network", diags);
        match config.text("type") {
            Some("remote") => validate::present(config, "target_integration", diags),
            _ => validate::present(config, "target_network", diags),
        }
    }

    fn segments<'a>(&self, object: Attributes<'a>) -> Vec<&'a str> {
        let text = |name| object.text(name).unwrap_or_default();
        vec!["networks", text("network"), "peers", text("name")]
    }

    fn create_fields(&self, object: Attributes<'_>) -> Vec<(&'static str, Json)> {
        let text = |name| json!(object.text(name).unwrap_or_default());
        TARGETS.map(|name| (name, text(name))).into()
    }

    fn read_fields(
        &self,
        known: Attributes<'_>,
        server: &ServerObject,
    ) -> Vec<(&'static str, Value)> {
        // Of a peer whose other side is missing the server tells no target.
        let target = |name: &'static str| {
            let found = server.rest.get(name).and_then(Json::as_str);
            let text = found.filter(|text| !text.is_empty()).or(known.text(name));
            (name, Value::from(text.unwrap_or_default()))
        };
        let targets = TARGETS.iter().filter(|name| **name != "type");
        let status = ("status", Value::from(server.status.as_str()));
        let kind = match server.kind.as_str() {
            "" => "local",
            kind => kind,
        };
        let told = [status, ("type", Value::from(kind))];
        told.into_iter()
            .chain(targets.map(|name| target(name)))
            .collect()
    }

    fn import_names(&self) -> &'static [&'static str] {
        &["network", "name"]
    }
}
