//! The software-defined network: zones, vnets, subnets, controllers, fabrics, and applying them.
//!
//! What is written is there at once; what runs is a copy ([`pending`]) that applying makes.

mod pending;

use serde_json::{Map, Value as Json, json};

use super::super::{
    answer::{Answered, Refusal, Started, data, fail, null, wrong},
    call::{Call, split},
    store::{Store, digest, typed},
};

/// The kinds of object there are.
const KINDS: [&str; 6] = [
    "sdn-zone",
    "sdn-vnet",
    "sdn-subnet",
    "sdn-controller",
    "sdn-fabric",
    "sdn-fabric-node",
];

/// Parameters that say how to do it, not what it is.
const CONTROL: [&str; 5] = ["digest", "delete", "lock-token", "node", "verbose"];

pub(super) fn answer(store: &mut Store, call: &Call) -> Option<Answered> {
    let verb = call.method.verb.as_str();
    if let Some(rest) = call.method.path.strip_prefix("/nodes/{node}/sdn") {
        return pending::on_node(store, call, rest);
    }
    let rest = call.method.path.strip_prefix("/cluster/sdn")?;
    if let Some(answered) = whole(store, call, verb, rest) {
        return Some(answered);
    }
    let (kind, id, one) = kind_of(call, rest)?;
    if verb != "GET"
        && let Err(refusal) = unlocked(store, call, verb, kind)
    {
        return Some(Err(refusal));
    }
    Some(match (verb, one) {
        ("GET", false) => pending::list(store, call, kind),
        ("POST", false) => create(store, call, kind, id),
        ("GET", true) => pending::one(store, call, kind, &id),
        ("PUT", true) => update(store, call, kind, &id),
        ("DELETE", true) => delete(store, kind, &id),
        _ => return None,
    })
}

/// Calls that mean all of it.
fn whole(store: &mut Store, call: &Call, verb: &str, rest: &str) -> Option<Answered> {
    Some(match (verb, rest) {
        ("PUT", "") => {
            let node = store.nodes.keys().next().cloned().unwrap_or_default();
            Started::answer("reloadnetworkall", &node, "", |store, _| {
                pending::run(store);
                Ok(())
            })
        }
        ("POST", "/lock") => lock(store, call),
        ("DELETE", "/lock") => match may_write(store, call) || call.flag("force") {
            true => {
                store.kind("sdn-lock").clear();
                null()
            }
            false => fail("invalid lock token provided!"),
        },
        ("POST", "/rollback") => match may_write(store, call) {
            true => {
                pending::roll_back(store);
                store.kind("sdn-lock").clear();
                null()
            }
            false => fail("invalid lock token provided!"),
        },
        ("GET", "/ipams") => {
            data(json!([{ "ipam": "pve", "type": "pve", "digest": digest(&Json::Null) }]))
        }
        ("GET", "/dns" | "/ipams/{ipam}/status") => data(json!([])),
        ("GET", "/fabrics") => {
            data(json!([{ "subdir": "fabric" }, { "subdir": "node" }, { "subdir": "all" }]))
        }
        _ => return None,
    })
}

fn lock(store: &mut Store, call: &Call) -> Answered {
    let changed = pending::differs(store);
    if !store.kind("sdn-lock").is_empty() {
        return fail("sdn config is already locked");
    }
    if changed && !call.flag("allow-pending") {
        return fail("sdn config has pending changes");
    }
    let token = uuid::Uuid::new_v4().to_string();
    store.kind("sdn-lock").insert(token.clone(), Json::Null);
    data(json!(token))
}

fn may_write(store: &mut Store, call: &Call) -> bool {
    let locks = store.kind("sdn-lock");
    locks.is_empty() || locks.contains_key(call.need("lock-token"))
}

fn unlocked(store: &mut Store, call: &Call, verb: &str, kind: &str) -> Result<(), Refusal> {
    let what = key(kind);
    let doing = match verb {
        "POST" => "create",
        "PUT" => "update",
        _ => "delete",
    };
    match may_write(store, call) {
        true => Ok(()),
        false => fail(format!(
            "{doing} sdn {what} object failed: invalid lock token provided! at /usr/share/perl5/PVE/Network/SDN.pm line 291."
        )),
    }
}

/// The kind of object, its name, and whether one is meant.
fn kind_of(call: &Call, rest: &str) -> Option<(&'static str, String, bool)> {
    let name = |parameter: &str| call.need(parameter).to_owned();
    Some(match rest {
        "/zones" => ("sdn-zone", name("zone"), false),
        "/zones/{zone}" => ("sdn-zone", name("zone"), true),
        "/vnets" => ("sdn-vnet", name("vnet"), false),
        "/vnets/{vnet}" => ("sdn-vnet", name("vnet"), true),
        "/vnets/{vnet}/subnets" => ("sdn-subnet", name("subnet"), false),
        "/vnets/{vnet}/subnets/{subnet}" => ("sdn-subnet", name("subnet"), true),
        "/controllers" => ("sdn-controller", name("controller"), false),
        "/controllers/{controller}" => ("sdn-controller", name("controller"), true),
        "/fabrics/fabric" => ("sdn-fabric", name("id"), false),
        "/fabrics/fabric/{id}" => ("sdn-fabric", name("id"), true),
        "/fabrics/node/{fabric_id}" => {
            let id = format!("{}/{}", call.need("fabric_id"), call.need("node_id"));
            ("sdn-fabric-node", id, false)
        }
        "/fabrics/node/{fabric_id}/{node_id}" => {
            let id = format!("{}/{}", call.need("fabric_id"), call.need("node_id"));
            ("sdn-fabric-node", id, true)
        }
        _ => return None,
    })
}

/// What names an object of a kind.
fn key(kind: &str) -> &'static str {
    match kind.trim_start_matches("running-") {
        "sdn-zone" => "zone",
        "sdn-vnet" => "vnet",
        "sdn-controller" => "controller",
        "sdn-fabric" => "id",
        "sdn-fabric-node" => "node_id",
        _ => "subnet",
    }
}

fn all_digest(store: &mut Store, kind: &str) -> String {
    let all = json!(store.kind(kind));
    digest(&all)
}

fn settings(call: &Call) -> Map<String, Json> {
    let mut settings = typed(&call.method.parameters, &call.rest(&CONTROL));
    if let Some(range) = settings.get_mut("dhcp-range") {
        let ranges = range.as_str().unwrap_or_default();
        *range = ranges.split('\0').map(range_of).collect();
    }
    for name in ["interfaces", "route_filter", "redistribute"] {
        if let Some(Json::String(text)) = settings.get(name) {
            let items: Json = text.split('\0').map(|item| json!(item)).collect();
            settings.insert(name.to_owned(), items);
        }
    }
    settings
}

fn range_of(text: &str) -> Json {
    let parts = split(text);
    let parts = parts.iter().filter_map(|part| part.split_once('='));
    let object: Map<String, Json> = parts
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect();
    Json::Object(object)
}

fn create(store: &mut Store, call: &Call, kind: &'static str, id: String) -> Answered {
    let mut object = settings(call);
    let mut id = id;
    match kind {
        "sdn-zone" => zone_fits(&object)?,
        "sdn-vnet" => {
            object.insert("type".to_owned(), json!("vnet"));
        }
        "sdn-subnet" => id = subnet(store, call, &mut object, &id)?,
        _ => {}
    }
    let what = key(kind);
    if store.kind(kind).contains_key(&id) {
        return fail(format!(
            "create sdn {what} object failed: sdn {what} object ID '{id}' already defined"
        ));
    }
    match kind {
        "sdn-zone" => peers_fit(&object)?,
        "sdn-vnet" => vnet_fits(store, &object, "create")?,
        _ => {}
    }
    store.kind(kind).insert(id, Json::Object(object));
    null()
}

/// A refusal of a check that comes after those of the description: its text is all in the message.
fn unfit(doing: &str, name: &str, text: &str) -> Result<(), Refusal> {
    fail(format!(
        "{doing} object failed: 400 Parameter verification failed.\n{name}: {text}"
    ))
}

fn zone_fits(zone: &Map<String, Json>) -> Result<(), Refusal> {
    let needed: &[&str] = match zone.get("type").and_then(Json::as_str) {
        Some("vlan") => &["bridge"],
        Some("qinq") => &["bridge", "tag"],
        Some("evpn") => &["controller", "vrf-vxlan"],
        _ => &[],
    };
    match needed.iter().find(|name| !zone.contains_key(**name)) {
        Some(name) => fail(format!("missing value for required option '{name}'")),
        None => Ok(()),
    }
}

fn peers_fit(zone: &Map<String, Json>) -> Result<(), Refusal> {
    let both = [zone.contains_key("peers"), zone.contains_key("fabric")];
    match zone["type"] == "vxlan" && both[0] == both[1] {
        true => fail(
            "create sdn zone object failed: 400 Parameter verification failed.\nfabric: must have exactly one of peers / fabric defined\npeers: must have exactly one of peers / fabric defined",
        ),
        false => Ok(()),
    }
}

fn vnet_fits(store: &mut Store, vnet: &Map<String, Json>, doing: &str) -> Result<(), Refusal> {
    let zone = vnet["zone"].as_str().unwrap_or_default();
    let Some(zone) = store.kind("sdn-zone").get(zone) else {
        return fail(format!(
            "{doing} sdn vnet object failed: cannot lookup undefined type! at /usr/share/perl5/PVE/API2/Network/SDN/Vnets.pm line 326."
        ));
    };
    let tagged = vnet.contains_key("tag");
    match (zone["type"].as_str().unwrap_or_default(), tagged) {
        ("simple", true) => unfit(
            &format!("{doing} sdn vnet"),
            "tag",
            "vlan tag is not allowed on simple zone",
        ),
        ("vlan" | "qinq" | "vxlan" | "evpn", false) => {
            unfit(&format!("{doing} sdn vnet"), "tag", "missing vlan tag")
        }
        _ => Ok(()),
    }
}

/// Completes a subnet, and gives the name under which it is kept.
fn subnet(
    store: &mut Store,
    call: &Call,
    object: &mut Map<String, Json>,
    cidr: &str,
) -> Result<String, Refusal> {
    let parts = cidr
        .split_once('/')
        .and_then(|(network, mask)| Some((network.parse::<std::net::IpAddr>().ok()?, mask)));
    let Some((network, mask)) = parts else {
        return wrong(
            "subnet",
            "invalid format - value does not look like a valid CIDR network\n",
        );
    };
    let vnet = call.need("vnet");
    let zone = store
        .kind("sdn-vnet")
        .get(vnet)
        .and_then(|vnet| vnet["zone"].as_str().map(str::to_owned));
    let Some(zone) = zone else {
        return fail(format!(
            "create sdn subnet object failed: sdn vnet '{vnet}' does not exist"
        ));
    };
    if let Some(gateway) = object.get("gateway").and_then(Json::as_str)
        && !holds(network, mask, gateway)
    {
        unfit(
            "create sdn subnet",
            "gateway",
            &format!("{gateway} is not in subnet {cidr}"),
        )?;
    }
    let id = format!("{zone}-{}", cidr.replace('/', "-"));
    for (name, value) in [
        ("cidr", cidr),
        ("network", &network.to_string()),
        ("mask", mask),
        ("zone", &zone),
        ("type", "subnet"),
        ("subnet", &id),
        ("id", &id),
    ] {
        object.insert(name.to_owned(), json!(value));
    }
    Ok(id)
}

fn holds(network: std::net::IpAddr, mask: &str, address: &str) -> bool {
    use std::net::IpAddr::{V4, V6};
    let length: u32 = mask.parse().unwrap_or(0);
    match (network, address.parse()) {
        (V4(network), Ok(V4(address))) => {
            let shift = 32_u32.saturating_sub(length);
            let cut = |address: std::net::Ipv4Addr| u32::from(address).checked_shr(shift);
            cut(network) == cut(address)
        }
        (V6(network), Ok(V6(address))) => {
            let shift = 128_u32.saturating_sub(length);
            let cut = |address: std::net::Ipv6Addr| u128::from(address).checked_shr(shift);
            cut(network) == cut(address)
        }
        _ => false,
    }
}

fn update(store: &mut Store, call: &Call, kind: &str, id: &str) -> Answered {
    let changes = settings(call);
    let now = all_digest(store, kind);
    let what = key(kind);
    if call.text("digest").is_some_and(|digest| digest != now) {
        return fail(format!(
            "update sdn {what} object failed: detected modified configuration - file changed by other user? Try again."
        ));
    }
    let Some(object) = store.kind(kind).get_mut(id) else {
        return fail(format!(
            "update sdn {what} object failed: sdn '{id}' does not exist"
        ));
    };
    let members = object.as_object_mut().expect("an object is an object");
    for gone in call.list("delete") {
        members.remove(&gone);
    }
    for (name, value) in changes {
        if name != "subnet" && name != "vnet" {
            members.insert(name, value);
        }
    }
    null()
}

fn delete(store: &mut Store, kind: &str, id: &str) -> Answered {
    let what = key(kind);
    let named = |store: &mut Store, kind: &str, member: &str| {
        let found = store.kind(kind).values().find(|other| other[member] == id);
        found.map(|other| other[key(kind)].as_str().unwrap_or_default().to_owned())
    };
    if kind == "sdn-zone"
        && let Some(vnet) = named(store, "sdn-vnet", "zone")
    {
        return fail(format!(
            "delete sdn zone object failed: zone {id} is used by vnet {vnet} at /usr/share/perl5/PVE/Network/SDN/Zones/Plugin.pm line 149."
        ));
    }
    if kind == "sdn-vnet" && named(store, "sdn-subnet", "vnet").is_some() {
        unfit(
            "delete sdn vnet",
            "vnet",
            "Can't delete vnet if subnets exists",
        )?;
    }
    match store.kind(kind).remove(id) {
        Some(_) => null(),
        None => fail(format!(
            "delete sdn {what} object failed: sdn '{id}' does not exist"
        )),
    }
}
