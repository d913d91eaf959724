//! `incus_network_integration`: a way to the networks of other clusters.

use serde_json::{Value as Json, json};
use strata_core::{Diagnostics, Type, Value, schema::Resource};

use super::{
    attributes::Attributes,
    entity::{Entity, ServerObject},
    schemas::{config, defaulted, place, required, resource},
    validate,
};

pub(crate) struct NetworkIntegration;

impl Entity for NetworkIntegration {
    fn type_name(&self) -> &'static str {
        "incus_network_integration"
    }

    fn noun(&self) -> &'static str {
        "network integration"
    }

    fn schema(&self) -> Resource {
        let attributes = [
            required("name", "Its name."),
            required("type", "`ovn`, the only type there is."),
            defaulted("description", Type::String, "What it is for."),
            config(),
        ];
        resource(
            "A way to the networks of other clusters.",
            attributes.into_iter().chain(place()),
            [],
        )
    }

    fn replacing(&self) -> &'static [&'static str] {
        &["name", "type", "project", "remote"]
    }

    fn validate(&self, config: Attributes<'_>, diags: &mut Diagnostics) {
        validate::one_of(config, "type", &["ovn"], diags);
    }

    fn segments<'a>(&self, object: Attributes<'a>) -> Vec<&'a str> {
        let name = object.text("name").unwrap_or_default();
        vec!["network-integrations", name]
    }

    fn create_fields(&self, object: Attributes<'_>) -> Vec<(&'static str, Json)> {
        vec![("type", json!(object.text("type")))]
    }

    fn read_fields(&self, _: Attributes<'_>, server: &ServerObject) -> Vec<(&'static str, Value)> {
        vec![("type", Value::from(server.kind.as_str()))]
    }

    fn delete_hint(&self) -> Option<&'static str> {
        Some("peers that go through an integration must be removed before it")
    }
}
