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
    let kind = network["type"].as_str().unwrap_or_default().to_owned();
    match kind.as_str() {
        "bridge" | "ovn" => {}
        "physical" | "macvlan" | "sriov" => return complete_parented(network, &kind),
        other => return bad_request(format!("Invalid network type {other:?}")),
    }
    if network["name"].as_str().is_some_and(|name| name.len() > 15) {
        return bad_request("Network interface is too long (maximum 15 characters)");
    }
    let taken = store.list(Kind::Network, None);
    let name = network["name"].as_str().unwrap_or_default().to_owned();
    if kind == "ovn" {
        find_uplink(store, network)?;
    }
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

/// A network that is somebody else's: it only names the interface that leads there.
fn complete_parented(network: &Value, kind: &str) -> Result<(), Refusal> {
    let everywhere = || super::cluster::of_every_member(network, "parent");
    match network["config"]["parent"].is_string() || everywhere() {
        true => Ok(()),
        false => bad_request(format!(
            "Invalid value for {kind} network option \"parent\": Required value"
        )),
    }
}

/// An OVN network goes out through another one, which gives it an address.
fn find_uplink(store: &Store, network: &mut Value) -> Result<(), Refusal> {
    let all = store.list(Kind::Network, Some("default"));
    let fits = |network: &Value| matches!(network["type"].as_str(), Some("physical" | "bridge"));
    let wanted = network["config"]["network"].as_str().map(str::to_owned);
    let uplink = all.iter().find(|(name, network)| match &wanted {
        Some(wanted) => name == wanted && fits(network),
        None => fits(network),
    });
    if wanted.as_deref() == Some("none") {
        return Ok(());
    }
    let Some((name, _)) = uplink else {
        return bad_request("No uplink network: set \"network\" to a physical network or a bridge");
    };
    network["config"]["network"] = json!(name);
    if network["config"]["volatile.network.ipv4.address"].is_null() {
        network["config"]["volatile.network.ipv4.address"] = json!("10.99.0.200");
    }
    Ok(())
}

fn ovn(store: &Store, object: &Value, what: &str) -> Result<(), Refusal> {
    let key = object["name_in_store"].as_str().unwrap_or_default();
    let network = key.split('/').next().unwrap_or_default();
    let all = store.list(Kind::Network, None);
    let found = all.iter().find(|(name, _)| *name == network);
    match found.is_some_and(|(_, network)| network["type"] == "ovn") {
        true => Ok(()),
        false => bad_request(format!("Network driver does not support {what}")),
    }
}

pub(super) fn complete_forward(_: &Store, forward: &mut Value) -> Result<(), Refusal> {
    for port in forward["ports"].as_array_mut().into_iter().flatten() {
        if port["description"].is_null() {
            port["description"] = json!("");
        }
    }
    Ok(())
}

pub(super) fn complete_balancer(store: &Store, balancer: &mut Value) -> Result<(), Refusal> {
    ovn(store, balancer, "load balancers")?;
    let backends = balancer["backends"].as_array().cloned().unwrap_or_default();
    let ports = balancer["ports"].as_array().into_iter().flatten();
    let mut used = ports.flat_map(|port| port["target_backend"].as_array().into_iter().flatten());
    match used.find(|name| !backends.iter().any(|backend| backend["name"] == **name)) {
        Some(name) => bad_request(format!(
            "Invalid load balancer port: unknown target backend {name}"
        )),
        None => Ok(()),
    }
}

pub(super) fn complete_peer(store: &Store, peer: &mut Value) -> Result<(), Refusal> {
    ovn(store, peer, "peering")?;
    if peer["target_project"].as_str().is_none_or(str::is_empty) {
        peer["target_project"] = json!("default");
    }
    Ok(())
}

/// Tells all peers whether their other side agrees.
pub(super) fn agree(store: &mut Store, project: &str) {
    let peers = store.list(Kind::Peer, Some(project));
    let sides = peers.iter().map(|(key, peer)| {
        let from = key.split('/').next().unwrap_or_default().to_owned();
        let to = peer["target_network"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        ((*key).to_owned(), from, to)
    });
    let sides: Vec<(String, String, String)> = sides.collect();
    for (key, from, to) in &sides {
        let mutual = sides
            .iter()
            .any(|(_, other, back)| other == to && back == from);
        if let Some(mut peer) = store.get(Kind::Peer, project, key).cloned() {
            peer["status"] = json!(if mutual { "Created" } else { "Pending" });
            store.put(Kind::Peer, project, key, peer);
        }
    }
}

/// Addresses that instances have.
pub(in super::super) fn leases(call: &Call<'_>, name: &str) -> Answered {
    let store = call.shared.store();
    let home = store.home(Kind::Network, &call.project);
    if store.get(Kind::Network, &home, name).is_none() {
        return not_found("Network");
    }
    let mut leases = Vec::new();
    for (instance, object) in store.list(Kind::Instance, None) {
        let project = object["project"].as_str().unwrap_or("default");
        for (device, settings) in store.expanded(project, object, "devices") {
            let address = &object["twin.addresses"][&device];
            if settings["network"] == name && address.is_string() {
                leases.push(json!({ "hostname": instance, "address": address, "type": "dynamic", "location": "none" }));
            }
        }
    }
    Ok(Answer::Sync(json!(leases)))
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

/// The router of networks that are somebody else's, who gives out addresses there; those of RFC 5737 are nobody's.
const OUTSIDE: &str = "198.51.100.1/24";

/// The next address of a network that no instance has.
pub(super) fn lease(store: &Store, network: &Value) -> Option<Ipv4Addr> {
    let router = match network["type"].as_str() {
        Some("physical" | "macvlan" | "sriov") => OUTSIDE,
        _ => network["config"]["ipv4.address"].as_str()?,
    };
    let (bridge, length) = parse(router)?;
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
