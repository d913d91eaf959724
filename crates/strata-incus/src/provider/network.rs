//! `incus_network`: a network that the server manages; bridges are made for others to plug into.

use serde_json::{Value as Json, json};
use strata_core::{Diagnostics, Type, Value, schema::Resource};

use super::{
    attributes::Attributes,
    config::IsComputed,
    entity::{Entity, ServerObject},
    schemas::{computed, config, defaulted, optional, place, required, resource},
    validate,
};

pub(crate) struct Network;

impl Entity for Network {
    fn type_name(&self) -> &'static str {
        "incus_network"
    }

    fn noun(&self) -> &'static str {
        "network"
    }

    fn schema(&self) -> Resource {
        let attributes = [
            required("name", "Its name."),
            defaulted("description", Type::String, "What it is for."),
            defaulted(
                "type",
                Type::String,
                "Its type; the server's choice if not set.",
            ),
            optional("target", "The cluster member whose part of it this is."),
            computed("managed", Type::Bool, "Whether the server manages it."),
            config(),
        ];
        resource("A network.", attributes.into_iter().chain(place()), [])
    }

    fn replacing(&self) -> &'static [&'static str] {
        &["name", "type", "project", "remote", "target"]
    }

    fn is_part(&self, object: Attributes<'_>) -> bool {
        object.some_text("target").is_some()
    }

    fn may_be_bridge(&self, object: Attributes<'_>) -> bool {
        !self.is_part(object)
    }

    fn create_hint(&self, object: Attributes<'_>, reason: &str) -> Option<String> {
        held(object.text("name").unwrap_or_default(), reason)
    }

    fn validate(&self, config: Attributes<'_>, diags: &mut Diagnostics) {
        let known = ["bridge", "macvlan", "sriov", "ovn", "physical"];
        validate::one_of(config, "type", &known, diags);
    }

    fn segments<'a>(&self, object: Attributes<'a>) -> Vec<&'a str> {
        vec!["networks", object.text("name").unwrap_or_default()]
    }

    fn is_computed(&self) -> IsComputed {
        is_computed
    }

    fn create_fields(&self, object: Attributes<'_>) -> Vec<(&'static str, Json)> {
        // Left out, the server chooses: a bridge, or OVN in a project with networks of its own.
        let kind = object.some_text("type");
        kind.map(|kind| ("type", json!(kind))).into_iter().collect()
    }

    fn read_fields(&self, _: Attributes<'_>, server: &ServerObject) -> Vec<(&'static str, Value)> {
        vec![
            ("type", Value::from(server.kind.as_str())),
            ("managed", Value::from(server.managed)),
        ]
    }

    fn delete_hint(&self) -> Option<&'static str> {
        Some("instances and profiles that use a network must be removed, or changed, before it")
    }
}

/// What to do when something else has an address that a network is to have.
fn held(name: &str, reason: &str) -> Option<String> {
    let has_words = |words: [&str; 2]| words.iter().any(|words| reason.contains(words));
    has_words(["Address already in use", "address already in use"]).then(|| {
        format!(
            "look on the server which process has the address (`ss -lntup`): a `dnsmasq` with `--interface={name}`, or \
             of another network that is gone, was left behind by the server and may be ended"
        )
    })
}

/// Keys that a server chooses when a bridge, or an OVN network, is made without them.
fn is_computed(key: &str) -> bool {
    key.starts_with("volatile.")
        || matches!(
            key,
            "ipv4.address" | "ipv4.nat" | "ipv6.address" | "ipv6.nat" | "network" | "bridge.mtu"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_something_has_tells_where_to_look() {
        let reason = "The DNS and DHCP service exited prematurely: Process exited with non-zero value 2 (\"dnsmasq: \
                      failed to create listening socket for 10.91.0.1: Address already in use\")";
        let hint = held("br", reason).unwrap();
        assert!(hint.contains("--interface=br`"), "{hint}");
        assert_eq!(held("br", "Network is not valid"), None);
    }
}
