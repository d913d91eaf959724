//! A node's network interfaces: staged, applied, taken back.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::super::{
    answer::{Answer, Answered, Refusal, Started, data, fail, null, wrong},
    api,
    call::{Call, split},
    store::{Settings, Store, typed},
};

type Interfaces = BTreeMap<String, Settings>;

pub(super) fn answer(store: &mut Store, call: &Call) -> Option<Answered> {
    let rest = call.method.path.strip_prefix("/nodes/{node}/network")?;
    Some(match (call.method.verb.as_str(), rest) {
        ("GET", "") => list(store, call),
        ("POST", "") => create(store, call),
        ("PUT", "") => {
            let name = call.node().to_owned();
            Started::answer("srvreload", call.node(), "networking", move |store, _| {
                if let Some(node) = store.nodes.get_mut(&name)
                    && let Some(mut staged) = node.staged.take()
                {
                    staged.values_mut().for_each(|settings| {
                        drop(settings.insert("active".to_owned(), "1".to_owned()))
                    });
                    node.network = staged;
                }
                Ok(())
            })
        }
        ("DELETE", "") => {
            if let Some(node) = store.nodes.get_mut(call.node()) {
                node.staged = None;
            }
            null()
        }
        ("GET", "/{iface}") => one(store, call),
        ("PUT", "/{iface}") => update(store, call),
        ("DELETE", "/{iface}") => delete(store, call),
        _ => return None,
    })
}

fn shown(name: &str, settings: &Settings) -> Json {
    let mut shown = typed(api::parameters("POST", "/nodes/{node}/network"), settings);
    // The tag of a VLAN is told as a text, as it stands in the file.
    if let Some(tag) = settings.get("vlan-id").filter(|_| name_of_tag(settings)) {
        shown.insert("vlan-id".to_owned(), json!(tag));
        shown.insert("exists".to_owned(), Json::Null);
    }
    for flag in ["active", "exists", "priority"] {
        if let Some(number) = settings.get(flag).and_then(|text| text.parse::<u32>().ok()) {
            shown.insert(flag.to_owned(), json!(number));
        }
    }
    let six = settings
        .keys()
        .any(|name| name.ends_with('6') && name != "method6");
    let families = if six {
        json!(["inet", "inet6"])
    } else {
        json!(["inet"])
    };
    shown.remove("named");
    shown.insert("families".to_owned(), families);
    for method in ["method", "method6"] {
        shown
            .entry(method.to_owned())
            .or_insert_with(|| json!("manual"));
    }
    shown.insert("iface".to_owned(), json!(name));
    Json::Object(shown)
}

/// True if a VLAN's tag is in its name, not among its settings.
fn name_of_tag(settings: &Settings) -> bool {
    settings.contains_key("named")
}

fn current<'a>(store: &'a mut Store, call: &Call) -> &'a mut Interfaces {
    let node = store.nodes.entry(call.node().to_owned()).or_default();
    let network = &node.network;
    node.staged.get_or_insert_with(|| network.clone())
}

fn list(store: &mut Store, call: &Call) -> Answered {
    let Some(node) = store.nodes.get(call.node()) else {
        return data(json!([]));
    };
    let interfaces = node.staged.as_ref().unwrap_or(&node.network);
    let wanted = |settings: &Settings| match call.text("type") {
        None => true,
        Some(kind @ ("any_bridge" | "any_local_bridge" | "include_sdn")) => {
            kind == "include_sdn"
                || settings
                    .get("type")
                    .is_some_and(|own| own.contains("ridge"))
        }
        Some(kind) => settings.get("type").is_some_and(|own| own == kind),
    };
    let rows = interfaces.iter().filter(|(_, settings)| wanted(settings));
    let rows = rows.map(|(name, settings)| shown(name, settings)).collect();
    match &node.staged {
        Some(staged) if *staged != node.network => Ok(Answer::With(
            rows,
            vec![(
                "changes",
                json!("--- /etc/network/interfaces\n+++ /etc/network/interfaces.new\n"),
            )],
        )),
        _ => data(rows),
    }
}

/// Completes what a call says of an interface.
fn settings(call: &Call) -> Settings {
    let mut settings = call.rest(&["node", "iface", "delete"]);
    if let Some((address, length)) = settings.get("cidr").and_then(|cidr| cidr.split_once('/')) {
        let (address, length) = (address.to_owned(), length.to_owned());
        settings.insert("address".to_owned(), address);
        settings.insert("netmask".to_owned(), length);
    }
    if let Some((address, length)) = settings.get("cidr6").and_then(|cidr| cidr.split_once('/')) {
        let (address, length) = (address.to_owned(), length.to_owned());
        settings.insert("address6".to_owned(), address);
        settings.insert("netmask6".to_owned(), length);
    }
    let mut fixed = |method: &str, key: &str| {
        let value = if settings.contains_key(key) {
            "static"
        } else {
            "manual"
        };
        settings.insert(method.to_owned(), value.to_owned());
    };
    fixed("method", "address");
    fixed("method6", "address6");
    if settings.get("type").is_some_and(|kind| kind == "bridge") {
        settings.entry("bridge_ports".to_owned()).or_default();
        settings.insert("bridge_stp".to_owned(), "off".to_owned());
        settings.insert("bridge_fd".to_owned(), "0".to_owned());
    }
    if settings.get("type").is_some_and(|kind| kind == "vlan")
        && let Some((device, tag)) = call.need("iface").rsplit_once('.')
    {
        settings.insert("named".to_owned(), "1".to_owned());
        settings.insert("vlan-raw-device".to_owned(), device.to_owned());
        settings.insert("vlan-id".to_owned(), tag.to_owned());
    }
    for comment in ["comments", "comments6"] {
        if let Some(text) = settings
            .get_mut(comment)
            .filter(|text| !text.ends_with('\n'))
        {
            text.push('\n');
        }
    }
    settings.retain(|name, text| name != "autostart" || text == "1");
    if settings
        .get("bridge_vlan_aware")
        .is_some_and(|text| text == "1")
    {
        settings
            .entry("bridge_vids".to_owned())
            .or_insert_with(|| "2-4094".to_owned());
    }
    settings
}

/// Refuses what the node could not bring up.
fn fits(interfaces: &Interfaces, name: &str, settings: &Settings) -> Result<(), Refusal> {
    let kind = settings.get("type").map_or("", String::as_str);
    for slave in split(settings.get("slaves").map_or("", String::as_str)) {
        let found = interfaces.get(&slave).and_then(|known| known.get("type"));
        let found = found.map_or("", String::as_str);
        if kind == "bond" && !matches!(found, "eth" | "bond") {
            return fail(format!(
                "bond '{name}' - wrong interface type on slave '{slave}' ('{found}' != 'eth or bond')"
            ));
        }
    }
    for port in split(settings.get("bridge_ports").map_or("", String::as_str)) {
        if !interfaces.contains_key(&port) {
            return fail(format!(
                "bridge '{name}' - unable to find bridge port '{port}'"
            ));
        }
    }
    for gateway in ["gateway", "gateway6"] {
        let other = interfaces
            .iter()
            .find(|(other, known)| *other != name && known.contains_key(gateway));
        if let Some((other, _)) = other.filter(|_| settings.contains_key(gateway)) {
            return wrong(
                gateway,
                format!("Default gateway already exists on interface '{other}'."),
            );
        }
    }
    Ok(())
}

/// True for what an interface can be called: `vmbr0`, `eno1.50`, `eth0:1`.
fn is_name(name: &str) -> bool {
    let (stem, number) = match name.split_once(['.', ':']) {
        Some((stem, number)) => (stem, Some(number)),
        None => (name, None),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    stem.starts_with(|c: char| c.is_ascii_alphabetic())
        && (2..=20).contains(&stem.len())
        && stem.chars().all(plain)
        && number.is_none_or(|number| number.parse::<u16>().is_ok())
}

fn create(store: &mut Store, call: &Call) -> Answered {
    let name = call.need("iface").to_owned();
    let settings = settings(call);
    if !is_name(&name) {
        return wrong(
            "iface",
            format!("invalid format - invalid network interface name '{name}'\n"),
        );
    }
    let lenient = store.lenient;
    let interfaces = current(store, call);
    if interfaces.contains_key(&name) {
        return wrong("iface", "interface already exists");
    }
    if !lenient {
        fits(interfaces, &name, &settings)?;
    }
    let priority = interfaces.len() + 3;
    let mut settings = settings;
    settings.insert("priority".to_owned(), priority.to_string());
    interfaces.insert(name, settings);
    null()
}

fn one(store: &mut Store, call: &Call) -> Answered {
    let Some(node) = store.nodes.get(call.node()) else {
        return wrong("iface", "interface does not exist");
    };
    let interfaces = node.staged.as_ref().unwrap_or(&node.network);
    match interfaces.get(call.need("iface")) {
        Some(settings) => {
            let mut shown = shown("", settings);
            shown
                .as_object_mut()
                .expect("an interface is an object")
                .remove("iface");
            data(shown)
        }
        None => wrong("iface", "interface does not exist"),
    }
}

/// What an update that does not send it leaves as it is: all but addresses is.
const KEPT: [&str; 8] = [
    "active",
    "exists",
    "priority",
    "autostart",
    "comments",
    "bridge_vlan_aware",
    "bridge_vids",
    "named",
];

fn update(store: &mut Store, call: &Call) -> Answered {
    let settings = settings(call);
    let gone = call.list("delete");
    let lenient = store.lenient;
    let interfaces = current(store, call);
    if interfaces.contains_key(call.need("iface")) && !lenient {
        fits(interfaces, call.need("iface"), &settings)?;
    }
    let Some(known) = interfaces.get_mut(call.need("iface")) else {
        return wrong("iface", "interface does not exist");
    };
    // All that is not sent is gone, but for what the node itself knows.
    let mut kept: Settings = known
        .iter()
        .filter(|(name, _)| KEPT.contains(&name.as_str()))
        .map(|(name, text)| (name.clone(), text.clone()))
        .collect();
    if call.text("autostart") == Some("0") {
        kept.remove("autostart");
    }
    kept.extend(settings);
    kept.retain(|name, _| !gone.contains(name));
    *known = kept;
    null()
}

fn delete(store: &mut Store, call: &Call) -> Answered {
    match current(store, call).remove(call.need("iface")) {
        Some(_) => null(),
        None => wrong("iface", "interface does not exist"),
    }
}
