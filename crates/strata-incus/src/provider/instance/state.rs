//! What the server tells of an instance, as attributes.

use std::collections::BTreeMap;

use strata_core::{Type, Value};

use crate::{
    instance_state::{Family, FullInstance, Interface},
    provider::{
        attributes::{self, Attributes},
        config, devices,
    },
};

/// Keys that the server puts on every instance.
pub(crate) fn is_computed(key: &str) -> bool {
    key.starts_with("image.") || key.starts_with("volatile.")
}

/// The instance as state has it; `known` brings what the server does not tell.
pub(crate) fn state(known: &Value, instance: &FullInstance) -> Value {
    let config = config::visible(
        &instance.config,
        &Attributes(known).map("config"),
        is_computed,
    );
    let profiles = instance.profiles.iter().flatten().map(String::as_str);
    let mut changes = vec![
        ("name", Value::from(instance.name.as_str())),
        ("description", Value::from(instance.description.as_str())),
        ("type", Value::from(instance.kind.as_str())),
        ("ephemeral", Value::from(instance.ephemeral)),
        ("running", Value::from(instance.is_running())),
        ("architecture", Value::from(instance.architecture.as_str())),
        ("profiles", attributes::list(profiles)),
        (
            "config",
            attributes::map_with_nulls(known.get("config"), &config),
        ),
        ("device", devices::value(&instance.devices)),
        ("status", Value::from(instance.status.as_str())),
    ];
    changes.extend(addresses(instance));
    attributes::with(known, changes)
}

fn addresses(instance: &FullInstance) -> [(&'static str, Value); 4] {
    let main = instance.main_interface();
    let global = |family| attributes::text(main.and_then(|interface| interface.global(family)));
    let hwaddr = main.map(|interface| interface.hwaddr.as_str());
    [
        ("ipv4_address", global(Family::V4)),
        ("ipv6_address", global(Family::V6)),
        ("mac_address", attributes::text(hwaddr)),
        ("interfaces", interfaces(instance)),
    ]
}

/// The names under which interfaces show: that of the device, or the guest's own.
fn device_names(instance: &FullInstance) -> BTreeMap<String, (&str, &Interface)> {
    let all = instance
        .state
        .iter()
        .filter_map(|state| state.network.as_ref())
        .flatten();
    all.filter(|(_, interface)| interface.kind != "loopback")
        .map(|(name, interface)| {
            let shown = instance.device_of(interface).unwrap_or(name);
            (shown.to_owned(), (name.as_str(), interface))
        })
        .collect()
}

fn interfaces(instance: &FullInstance) -> Value {
    let entries = device_names(instance)
        .into_iter()
        .map(|(shown, (name, interface))| {
            let value = Value::object([
                ("name", Value::from(name)),
                ("type", Value::from(interface.kind.as_str())),
                ("state", Value::from(interface.state.as_str())),
                ("ip_addresses", ip_addresses(interface)),
            ]);
            (shown, value)
        });
    Value::map(interface_type(), entries)
}

fn ip_addresses(interface: &Interface) -> Value {
    let addresses = interface.addresses.iter().map(|address| {
        Value::object([
            ("address", Value::from(address.address.as_str())),
            ("family", Value::from(address.family.as_str())),
            ("scope", Value::from(address.scope.as_str())),
        ])
    });
    Value::list(address_type(), addresses.collect())
}

fn address_type() -> Type {
    Type::object(["address", "family", "scope"].map(|name| (name, Type::String)))
}

fn interface_type() -> Type {
    Type::object([
        ("name", Type::String),
        ("type", Type::String),
        ("state", Type::String),
        ("ip_addresses", Type::list(address_type())),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::instance::schema;

    fn server() -> FullInstance {
        serde_json::from_str(
            r#"{"name":"web","status":"Running","type":"container","architecture":"x86_64","profiles":["base"],
                "config":{"image.os":"Debian","volatile.lan.hwaddr":"aa","user.strata.marker":"m","limits.cpu":"2"},
                "devices":{"lan":{"type":"nic","network":"br0"}},
                "expanded_devices":{"lan":{"type":"nic","network":"br0"}},
                "state":{"status":"Running","processes":3,"network":{"eth0":{"hwaddr":"aa","type":"broadcast","state":"up",
                  "addresses":[{"family":"inet","address":"10.0.0.5","scope":"global"}]}}}}"#,
        )
        .unwrap()
    }

    #[test]
    fn state_has_what_the_user_wrote_and_what_the_schema_promises() {
        let known = schema().block.empty_value();
        let value = state(&known, &server());
        assert_eq!(value.ty(), schema().block.implied_type());
        let read = Attributes(&value);
        assert_eq!(
            read.map("config"),
            [("limits.cpu".to_owned(), "2".to_owned())].into()
        );
        assert_eq!(read.text("ipv4_address"), Some("10.0.0.5"));
        assert_eq!(read.flag("running"), Some(true));
        let interface = value.get("interfaces").unwrap().get("lan").unwrap();
        assert_eq!(interface.get("name").unwrap().as_str(), Some("eth0"));
    }

    #[test]
    fn reading_again_changes_nothing() {
        let first = state(&schema().block.empty_value(), &server());
        assert_eq!(state(&first, &server()), first);
    }
}
