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
            "proxmox_vm_qemu" => (text(object.get("name")?)?, telmate_address(object)),
            "proxmox_lxc" => {
                let network = object.get("network").and_then(first);
                let address = network.and_then(|network| text(network.get("ip")?));
                (
                    text(object.get("hostname")?)?,
                    address.and_then(|address| without_length(&address)),
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
        let user = user.or_else(|| object.get("ciuser").and_then(text));
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
    without_length(&text(v4.get("address")?)?)
}

/// What the agent told, else what cloud-init was given as `ip=10.0.0.5/24,gw=10.0.0.1`.
fn telmate_address(object: &Value) -> Option<Arc<str>> {
    let told = object.get("default_ipv4_address").and_then(text);
    told.filter(|address| !address.is_empty()).or_else(|| {
        let given = text(object.get("ipconfig0")?)?;
        let address = given.split(',').find_map(|part| part.strip_prefix("ip="))?;
        without_length(address)
    })
}

/// `10.0.0.5` of `10.0.0.5/24`; none of `dhcp`.
fn without_length(address: &str) -> Option<Arc<str>> {
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

    #[test]
    fn guests_of_telmate_are_reached_as_they_are_set_up() {
        let machine = |address: &str| {
            let object = Value::object([
                ("name", Value::from("db")),
                ("ciuser", Value::from("debian")),
                ("ipconfig0", Value::from("ip=10.0.0.6/24,gw=10.0.0.1")),
                ("default_ipv4_address", Value::from(address)),
            ]);
            Inventory.host("proxmox_vm_qemu", &object).unwrap()
        };
        let variables = machine("10.0.0.9").variables;
        assert_eq!(variables["ansible_host"], Value::from("10.0.0.9"));
        assert_eq!(variables["ansible_user"], Value::from("debian"));
        let variables = machine("").variables;
        assert_eq!(variables["ansible_host"], Value::from("10.0.0.6"));

        let container = |ip: &str| {
            let network = Value::tuple(vec![Value::object([("ip", Value::from(ip))])]);
            let object = Value::object([("hostname", Value::from("dns")), ("network", network)]);
            Inventory.host("proxmox_lxc", &object).unwrap().variables
        };
        assert_eq!(
            container("10.0.0.7/24")["ansible_host"],
            Value::from("10.0.0.7")
        );
        assert!(!container("dhcp").contains_key("ansible_host"));
    }
}
