//! Interfaces and addresses, out of `/proc/net` and `/sys/class/net`: no program is run for them.
//!
//! The kernel's routing table says which networks are behind which interface; its own addresses
//! are the leaves marked LOCAL of the table's trie.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;

use serde_json::{Map, Value, json};

use super::put;
use crate::host::Host;

/// One line of `/proc/net/route`.
struct Route {
    interface: String,
    network: u32,
    mask: u32,
    gateway: Ipv4Addr,
    metric: u32,
}

/// One address of an interface.
struct Address {
    address: Ipv4Addr,
    mask: u32,
}

pub(super) fn gather(host: &dyn Host, facts: &mut Map<String, Value>) {
    let read = |path: &str| host.read_text(Path::new(path)).unwrap_or_default();
    let routes = routes(&read("/proc/net/route"));
    let addresses = assign(&local_addresses(&read("/proc/net/fib_trie")), &routes);
    let addresses6 = addresses6(&read("/proc/net/if_inet6"));
    let interfaces: Vec<String> = host.list(Path::new("/sys/class/net")).unwrap_or_default();
    for name in &interfaces {
        let fact = interface(host, name, addresses.get(name), addresses6.get(name));
        // Names of facts are names of variables.
        put(facts, &name.replace(['-', ':', '.'], "_"), fact);
    }
    let outside = addresses.iter().filter(|(name, _)| *name != "lo");
    let all: Vec<String> = outside
        .flat_map(|(_, addresses)| addresses.iter().map(|one| one.address.to_string()))
        .collect();
    let outside6 = addresses6.iter().filter(|(name, _)| *name != "lo");
    let all6: Vec<Value> = outside6
        .flat_map(|(_, list)| list.iter().map(|one| one["address"].clone()))
        .collect();
    let mut reachable: Vec<String> = addresses
        .values()
        .flat_map(|list| list.iter().map(|one| one.address.to_string()))
        .collect();
    if addresses.contains_key("lo") {
        reachable.push("127.0.0.0/8".to_owned());
    }
    reachable.sort();
    let mut reachable6: Vec<Value> = addresses6
        .values()
        .flat_map(|list| list.iter().map(|one| one["address"].clone()))
        .collect();
    reachable6.sort_by_key(Value::to_string);
    put(
        facts,
        "locally_reachable_ips",
        json!({"ipv4": reachable, "ipv6": reachable6}),
    );
    put(facts, "all_ipv4_addresses", all);
    put(facts, "all_ipv6_addresses", all6);
    put(facts, "interfaces", interfaces);
    put(
        facts,
        "default_ipv4",
        default_route(host, &routes, &addresses),
    );
    put(
        facts,
        "default_ipv6",
        default_route6(&read("/proc/net/ipv6_route"), &addresses6),
    );
}

fn routes(text: &str) -> Vec<Route> {
    let lines = text.lines().skip(1).filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [interface, network, gateway, _, _, _, metric, mask, ..] = words[..] else {
            return None;
        };
        // Numbers in the order of the machine's bytes.
        let number = |text: &str| u32::from_str_radix(text, 16).ok().map(u32::swap_bytes);
        Some(Route {
            interface: interface.to_owned(),
            network: number(network)?,
            mask: number(mask)?,
            gateway: Ipv4Addr::from(number(gateway)?),
            metric: metric.parse().ok()?,
        })
    });
    lines.collect()
}

/// The host's own addresses: each `/32 host LOCAL` names the address on the line before it.
fn local_addresses(trie: &str) -> BTreeSet<Ipv4Addr> {
    let mut found = BTreeSet::new();
    let mut last: Option<Ipv4Addr> = None;
    for line in trie.lines() {
        let line = line.trim();
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.parse().ok();
        } else if line == "/32 host LOCAL" {
            found.extend(last);
        }
    }
    found
}

/// Finds the interface of each address: the one with the narrowest network around it.
fn assign(addresses: &BTreeSet<Ipv4Addr>, routes: &[Route]) -> BTreeMap<String, Vec<Address>> {
    let mut assigned: BTreeMap<String, Vec<Address>> = BTreeMap::new();
    for &address in addresses {
        let bits = u32::from(address);
        let around = routes
            .iter()
            .filter(|route| route.mask != 0 && bits & route.mask == route.network)
            .max_by_key(|route| route.mask);
        let (name, mask) = match around {
            Some(route) => (route.interface.clone(), route.mask),
            None if address.is_loopback() => ("lo".to_owned(), 0xff00_0000),
            None => continue,
        };
        assigned
            .entry(name)
            .or_default()
            .push(Address { address, mask });
    }
    assigned
}

fn addresses6(text: &str) -> BTreeMap<String, Vec<Value>> {
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [address, _, prefix, scope, _, name] = words[..] else {
            continue;
        };
        let (Ok(bits), Ok(prefix)) = (
            u128::from_str_radix(address, 16),
            u32::from_str_radix(prefix, 16),
        ) else {
            continue;
        };
        let scope = match scope {
            "00" => "global",
            "10" => "host",
            "20" => "link",
            _ => "site",
        };
        found.entry(name.to_owned()).or_default().push(json!({
            "address": Ipv6Addr::from(bits).to_string(),
            "prefix": prefix.to_string(),
            "scope": scope,
        }));
    }
    found
}

fn interface(
    host: &dyn Host,
    name: &str,
    addresses: Option<&Vec<Address>>,
    addresses6: Option<&Vec<Value>>,
) -> Value {
    let file = |file: &str| {
        let text = host.read_text(&Path::new("/sys/class/net").join(name).join(file));
        text.map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
    };
    let state = file("operstate").unwrap_or_default();
    let mut fact = json!({
        "device": name,
        "active": state == "up" || (state == "unknown" && addresses.is_some()),
        "type": kind(host, name, file("type").as_deref()),
        "mtu": file("mtu").and_then(|text| text.parse::<u64>().ok()),
        "promisc": false,
    });
    if let Some(address) = file("address").filter(|_| name != "lo") {
        fact["macaddress"] = address.into();
    }
    let mut described = addresses.into_iter().flatten().map(describe);
    if let Some(first) = described.next() {
        fact["ipv4"] = first;
    }
    let others: Vec<Value> = described.collect();
    if !others.is_empty() {
        fact["ipv4_secondaries"] = others.into();
    }
    if let Some(addresses6) = addresses6 {
        fact["ipv6"] = addresses6.clone().into();
    }
    fact
}

fn kind(host: &dyn Host, name: &str, number: Option<&str>) -> &'static str {
    let has = |file: &str| {
        let path = Path::new("/sys/class/net").join(name).join(file);
        host.metadata(&path).ok().flatten().is_some()
    };
    match number {
        _ if has("bridge") => "bridge",
        _ if has("bonding") => "bonding",
        Some("1") => "ether",
        Some("772") => "loopback",
        Some("65534") => "tunnel",
        _ => "unknown",
    }
}

fn describe(address: &Address) -> Value {
    let bits = u32::from(address.address);
    json!({
        "address": address.address.to_string(),
        "netmask": Ipv4Addr::from(address.mask).to_string(),
        "network": Ipv4Addr::from(bits & address.mask).to_string(),
        "broadcast": Ipv4Addr::from(bits | !address.mask).to_string(),
        "prefix": address.mask.count_ones().to_string(),
    })
}

fn default_route(
    host: &dyn Host,
    routes: &[Route],
    addresses: &BTreeMap<String, Vec<Address>>,
) -> Value {
    let outward = routes
        .iter()
        .filter(|route| route.mask == 0 && route.network == 0);
    let Some(route) = outward.min_by_key(|route| route.metric) else {
        return json!({});
    };
    let list = addresses.get(&route.interface);
    // The address on the gateway's network, should there be several.
    let near =
        |one: &&Address| u32::from(one.address) & one.mask == u32::from(route.gateway) & one.mask;
    let address = list.and_then(|list| list.iter().find(near).or_else(|| list.first()));
    let Some(address) = address else {
        return json!({});
    };
    let mut fact = interface(host, &route.interface, None, None);
    if let (Some(fact), Value::Object(described)) = (fact.as_object_mut(), describe(address)) {
        for name in ["active", "device", "promisc"] {
            fact.remove(name);
        }
        fact.extend(described);
        fact.insert("gateway".to_owned(), route.gateway.to_string().into());
        fact.insert("interface".to_owned(), route.interface.clone().into());
        fact.insert("alias".to_owned(), route.interface.clone().into());
    }
    fact
}

fn default_route6(text: &str, addresses6: &BTreeMap<String, Vec<Value>>) -> Value {
    let outward = text.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [network, prefix, _, _, gateway, _, _, _, _, name] = words[..] else {
            return None;
        };
        let is_default = prefix == "00" && network.bytes().all(|byte| byte == b'0');
        let gateway = u128::from_str_radix(gateway, 16).ok()?;
        (is_default && gateway != 0).then(|| (name.to_owned(), Ipv6Addr::from(gateway)))
    });
    let Some((name, gateway)) = outward else {
        return json!({});
    };
    let global = addresses6
        .get(&name)
        .and_then(|list| list.iter().find(|one| one["scope"] == "global"));
    let mut fact = global.cloned().unwrap_or_else(|| json!({}));
    fact["gateway"] = gateway.to_string().into();
    fact["interface"] = name.into();
    fact
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Model;

    const ROUTE: &str = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n\
        eth0 00000000 010200C0 0003 0 0 0 00000000 0 0 0\n\
        br0 00004D0A 00000000 0001 0 0 0 00FFFFFF 0 0 0\n\
        eth0 000200C0 00000000 0001 0 0 0 00FFFFFF 0 0 0\n";

    const TRIE: &str = "Main:\n  |-- 10.77.0.1\n     /32 host LOCAL\n  |-- 10.77.0.255\n     /32 link BROADCAST\n  \
        |-- 127.0.0.1\n     /32 host LOCAL\n  |-- 192.0.2.2\n     /32 host LOCAL\n";

    #[test]
    fn addresses_are_found_with_their_interfaces_and_networks() {
        let model = Model::empty();
        model.file("/proc/net/route", ROUTE);
        model.file("/proc/net/fib_trie", TRIE);
        model.file("/sys/class/net/eth0/address", "02:fc:00:00:00:01\n");
        model.file("/sys/class/net/eth0/operstate", "up\n");
        model.file("/sys/class/net/eth0/type", "1\n");
        model.file("/sys/class/net/eth0/mtu", "1400\n");
        let mut facts = Map::new();
        gather(&model, &mut facts);
        assert_eq!(
            facts["all_ipv4_addresses"],
            json!(["10.77.0.1", "192.0.2.2"])
        );
        // As the real setup module told on the machine where the tables are from.
        assert_eq!(
            facts["default_ipv4"],
            json!({
                "address": "192.0.2.2", "alias": "eth0", "broadcast": "192.0.2.255",
                "gateway": "192.0.2.1", "interface": "eth0", "macaddress": "02:fc:00:00:00:01",
                "mtu": 1400, "netmask": "255.255.255.0", "network": "192.0.2.0", "prefix": "24",
                "type": "ether",
            })
        );
        assert_eq!(facts["eth0"]["ipv4"]["address"], "192.0.2.2");
    }
}
