//! Bridges.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use super::{
    super::{
        answer::{Answer, Answered, Refusal, bad_request, not_found},
        route::Call,
        store::{Kind, Store},
    },
    uses_device,
};

pub(super) fn defaults(name: &str) -> Value {
    json!({ "name": name, "description": "", "type": "bridge", "managed": true, "status": "Created", "locations": ["none"], "config": {} })
}

pub(super) fn complete(store: &Store, network: &mut Value) -> Result<(), Refusal> {
    if network["type"] != "bridge" {
        return bad_request("the twin has only bridge networks");
    }
    if network["name"].as_str().is_some_and(|name| name.len() > 15) {
        return bad_request("Network interface is too long (maximum 15 characters)");
    }
    let taken = store.list(Kind::Network, None);
    let name = network["name"].as_str().unwrap_or_default().to_owned();
    let config = &mut network["config"];
    for (family, value) in [
        ("ipv4.address", free_network(taken.len())),
        ("ipv6.address", "none".to_owned()),
    ] {
        if config[family].is_null() || config[family] == "auto" {
            config[family] = json!(value);
        }
    }
    if let Some(address) = config["ipv4.address"]
        .as_str()
        .filter(|address| *address != "none")
        && parse(address).is_none()
    {
        return bad_request(format!(
            "Invalid value for network \"{name}\" option \"ipv4.address\": invalid CIDR address: {address}"
        ));
    }
    Ok(())
}

fn free_network(taken: usize) -> String {
    format!("10.{}.{}.1/24", 100 + taken / 256 % 100, taken % 256)
}

/// Address and length of a network.
fn parse(address: &str) -> Option<(Ipv4Addr, u32)> {
    let (address, length) = address.split_once('/')?;
    let length: u32 = length.parse().ok().filter(|length| *length <= 32)?;
    Some((address.parse().ok()?, length))
}

pub(super) fn in_use(store: &Store, project: &str, name: &str) -> Option<String> {
    let uses = |device: &Value| device["network"] == name || device["parent"] == name;
    uses_device(store, Kind::Network, project, &uses)
        .then(|| "The network is currently in use".to_owned())
}

pub(in super::super) fn state(call: &Call<'_>, name: &str) -> Answered {
    let store = call.shared.store();
    let home = store.home(Kind::Network, &call.project);
    let Some(network) = store.get(Kind::Network, &home, name) else {
        return not_found("Network");
    };
    let address = network["config"]["ipv4.address"].as_str().and_then(parse);
    let addresses = address.map(|(address, length)| json!({ "family": "inet", "address": address.to_string(), "netmask": length.to_string(), "scope": "global" }));
    Ok(Answer::Sync(
        json!({ "addresses": Vec::from_iter(addresses), "hwaddr": "10:66:6a:00:00:01", "mtu": 1500, "state": "up", "type": "broadcast" }),
    ))
}

/// The next address of a network's bridge that no instance has.
pub(super) fn lease(store: &Store, network: &Value) -> Option<Ipv4Addr> {
    let (bridge, length) = parse(network["config"]["ipv4.address"].as_str()?)?;
    let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
    let base = bridge.to_bits() & mask;
    let taken: Vec<String> = store
        .list(Kind::Instance, None)
        .iter()
        .flat_map(|(_, instance)| {
            instance["twin.addresses"]
                .as_object()
                .cloned()
                .unwrap_or_default()
        })
        .filter_map(|(_, address)| address.as_str().map(str::to_owned))
        .collect();
    let hosts = (base + 1..base | !mask).map(Ipv4Addr::from_bits);
    hosts
        .filter(|address| *address != bridge)
        .find(|address| !taken.contains(&address.to_string()))
}
