//! Guests as hosts: their address over ssh.

use std::{collections::BTreeMap, sync::Arc};

use strata_core::{
    Value,
    inventory::{InventoryHost, InventorySource},
};

/// Makes hosts of virtual machines and containers.
pub(crate) struct Inventory;

impl InventorySource for Inventory {
    fn host(&self, type_name: &str, object: &Value) -> Option<InventoryHost> {
        let (name, address) = match type_name {
            "proxmox_virtual_environment_vm" if !is_true(object, "template") => {
                (text(object.get("name")?)?, machine_address(object))
            }
            "proxmox_virtual_environment_container" if !is_true(object, "template") => {
                let init = first(object.get("initialization")?)?;
                (
                    text(init.get("hostname")?)?,
                    container_address(object).or_else(|| configured(init)),
                )
            }
            _ => return None,
        };
        let mut variables = BTreeMap::new();
        variables.insert("ansible_connection".into(), Value::from("ssh"));
        if let Some(address) = address {
            variables.insert("ansible_host".into(), Value::from(&*address));
        }
        let init = object.get("initialization").and_then(first);
        let user = init.and_then(|init| text(first(init.get("user_account")?)?.get("username")?));
        if let Some(user) = user {
            variables.insert("ansible_user".into(), Value::from(&*user));
        }
        Some(InventoryHost { name, variables })
    }
}

fn is_true(object: &Value, name: &str) -> bool {
    object.get(name).and_then(Value::as_bool) == Some(true)
}

fn text(value: &Value) -> Option<Arc<str>> {
    value.as_str().map(Into::into)
}

fn first(value: &Value) -> Option<&Value> {
    value.as_sequence()?.first()
}

/// What the agent told, else what cloud-init was given.
fn machine_address(object: &Value) -> Option<Arc<str>> {
    let lists = object
        .get("ipv4_addresses")
        .and_then(Value::as_sequence)
        .unwrap_or_default();
    let mut told = lists
        .iter()
        .filter_map(Value::as_sequence)
        .flatten()
        .filter_map(text);
    let usable =
        |address: &Arc<str>| !address.starts_with("127.") && !address.starts_with("169.254.");
    told.find(usable)
        .or_else(|| configured(first(object.get("initialization")?)?))
}

fn container_address(object: &Value) -> Option<Arc<str>> {
    let mut known = object.get("ipv4")?.as_entries()?.values().filter_map(text);
    known.find(|address| !address.starts_with("127."))
}

/// The fixed address that cloud-init gives, without its length.
fn configured(init: &Value) -> Option<Arc<str>> {
    let v4 = first(first(init.get("ip_config")?)?.get("ipv4")?)?;
    let address = text(v4.get("address")?)?;
    let (address, _) = address.split_once('/')?;
    Some(address.into())
}

#[cfg(test)]
mod tests {
    use strata_core::Type;

    use super::*;

    #[test]
    fn a_machine_is_reached_at_the_address_its_agent_tells() {
        let list = |items: &[&str]| {
            Value::list(
                Type::String,
                items.iter().map(|item| Value::from(*item)).collect(),
            )
        };
        let addresses = Value::list(
            Type::list(Type::String),
            vec![list(&["127.0.0.1"]), list(&["10.0.0.5"])],
        );
        let object = Value::object([("name", Value::from("web")), ("ipv4_addresses", addresses)]);
        let host = Inventory
            .host("proxmox_virtual_environment_vm", &object)
            .unwrap();
        assert_eq!(host.variables["ansible_host"], Value::from("10.0.0.5"));
        assert_eq!(&*host.name, "web");
        assert_eq!(
            Inventory.host("proxmox_virtual_environment_pool", &object),
            None
        );
    }
}
