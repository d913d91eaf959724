//! `incus_network_address_set`: addresses under one name, for rules of ACLs.

use serde_json::{Value as Json, json};
use strata_core::{
    Type, Value,
    schema::{Attribute, Presence, Resource},
};

use super::{
    attributes::{self, Attributes},
    entity::{Entity, ServerObject},
    schemas::{config, defaulted, place, required, resource},
};

pub(crate) struct NetworkAddressSet;

impl Entity for NetworkAddressSet {
    fn type_name(&self) -> &'static str {
        "incus_network_address_set"
    }

    fn noun(&self) -> &'static str {
        "network address set"
    }

    fn schema(&self) -> Resource {
        let addresses = Type::list(Type::String);
        let addresses = Attribute::new(addresses, Presence::Required, "Addresses and networks.");
        let attributes = [
            required("name", "Its name; a change renames it."),
            defaulted("description", Type::String, "What it is for."),
            ("addresses", addresses),
            config(),
        ];
        resource(
            "Addresses under one name.",
            attributes.into_iter().chain(place()),
            [],
        )
    }

    fn replacing(&self) -> &'static [&'static str] {
        &["project", "remote"]
    }

    fn is_renamed(&self) -> bool {
        true
    }

    fn segments<'a>(&self, object: Attributes<'a>) -> Vec<&'a str> {
        let name = object.text("name").unwrap_or_default();
        vec!["network-address-sets", name]
    }

    fn create_fields(&self, object: Attributes<'_>) -> Vec<(&'static str, Json)> {
        let addresses = object.texts("addresses").unwrap_or_default();
        vec![("addresses", json!(addresses))]
    }

    fn update_fields(&self, object: Attributes<'_>, _: &ServerObject) -> Vec<(&'static str, Json)> {
        self.create_fields(object)
    }

    fn read_fields(
        &self,
        known: Attributes<'_>,
        server: &ServerObject,
    ) -> Vec<(&'static str, Value)> {
        let found = server.texts("addresses");
        vec![(
            "addresses",
            attributes::same_texts(known, "addresses", &found),
        )]
    }

    fn delete_hint(&self) -> Option<&'static str> {
        Some("ACLs whose rules name the address set must be changed before it")
    }
}
