//! The cloud-init drive: what waits, what is on it, and writing it anew.

use serde_json::{Value as Json, json};

use super::super::super::{
    answer::{Answered, data, fail, null},
    call::Call,
    store::{Guest, Kind, Settings, Store, digest},
};

pub(super) fn answer(store: &mut Store, call: &Call, path: &str) -> Option<Answered> {
    Some(match (call.method.verb.as_str(), path) {
        ("GET", "/{vmid}/cloudinit") => pending(store, call),
        ("PUT", "/{vmid}/cloudinit") => regenerate(store, call),
        ("GET", "/{vmid}/cloudinit/dump") => dump(store, call),
        _ => return None,
    })
}

/// True for a setting that goes onto the drive.
fn is_ours(name: &str) -> bool {
    let ipconfig = name
        .strip_prefix("ipconfig")
        .is_some_and(|number| number.parse::<u8>().is_ok());
    ipconfig
        || matches!(
            name,
            "ciuser"
                | "cipassword"
                | "sshkeys"
                | "nameserver"
                | "searchdomain"
                | "cicustom"
                | "citype"
                | "ciupgrade"
                | "name"
        )
}

fn shown(name: &str, text: &str) -> Json {
    match name {
        "cipassword" => json!("**********"),
        "ciupgrade" => json!(text.parse::<u8>().unwrap_or(1)),
        _ => json!(text),
    }
}

fn pending(store: &Store, call: &Call) -> Answered {
    let guest = store.guest(Kind::Qemu, call.node(), call.vmid())?;
    let coming = guest.coming();
    let mut rows = Vec::new();
    let names = coming.keys().chain(
        guest
            .on_drive
            .keys()
            .filter(|name| !coming.contains_key(*name)),
    );
    for name in names.filter(|name| is_ours(name)) {
        let (old, new) = (guest.on_drive.get(name), coming.get(name));
        let mut row = json!({ "key": name });
        match (old, new) {
            (Some(old), Some(new)) if old == new => row["value"] = shown(name, old),
            (Some(old), Some(new)) => {
                row["value"] = shown(name, old);
                row["pending"] = shown(name, new);
            }
            (None, Some(new)) => row["pending"] = shown(name, new),
            (Some(old), None) => {
                row["value"] = shown(name, old);
                row["delete"] = json!(1);
            }
            (None, None) => continue,
        }
        rows.push(row);
    }
    data(Json::Array(rows))
}

fn regenerate(store: &mut Store, call: &Call) -> Answered {
    let guest = store.guest(Kind::Qemu, call.node(), call.vmid())?;
    let custom = guest.coming().get("cicustom").cloned().unwrap_or_default();
    for file in custom
        .split(',')
        .filter_map(|part| part.split_once('=').map(|(_, file)| file))
    {
        if !store.volumes.contains_key(file) && !store.lenient {
            return fail(format!("volume '{file}' does not exist"));
        }
    }
    let guest = store.guest_mut(Kind::Qemu, call.node(), call.vmid())?;
    guest.on_drive = guest.coming();
    null()
}

fn dump(store: &Store, call: &Call) -> Answered {
    let guest = store.guest(Kind::Qemu, call.node(), call.vmid())?;
    let config = guest.coming();
    data(json!(match call.need("type") {
        "user" => user(guest, &config, call.vmid()),
        "network" => network(&config),
        _ => format!(
            "instance-id: {}\n",
            digest(&json!([user(guest, &config, 0), network(&config)]))
        ),
    }))
}

fn user(guest: &Guest, config: &Settings, id: u32) -> String {
    let name = guest.name(id);
    let mut text = format!("#cloud-config\nhostname: {name}\nmanage_etc_hosts: true\n");
    if let Some(domain) = config.get("searchdomain") {
        text.push_str(&format!("fqdn: {name}.{domain}\n"));
    }
    if let Some(user) = config.get("ciuser") {
        text.push_str(&format!("user: {user}\n"));
    }
    if let Some(password) = config.get("cipassword") {
        text.push_str(&format!("password: {password}\n"));
    }
    if let Some(keys) = config.get("sshkeys") {
        text.push_str("ssh_authorized_keys:\n");
        let keys = crate::client::unpercent(keys, false);
        for key in keys.lines().filter(|line| !line.trim().is_empty()) {
            text.push_str(&format!("  - {key}\n"));
        }
    }
    text.push_str("chpasswd:\n  expire: False\nusers:\n  - default\n");
    if config.get("ciupgrade").is_none_or(|text| text == "1") {
        text.push_str("package_upgrade: true\n");
    }
    text
}

fn network(config: &Settings) -> String {
    let mut text = String::from("version: 1\nconfig:\n");
    for number in 0..32 {
        let Some(net) = config.get(&format!("net{number}")) else {
            continue;
        };
        let mac = net
            .split(',')
            .next()
            .and_then(|part| part.split_once('='))
            .map_or("", |(_, mac)| mac);
        text.push_str(&format!(
            "    - type: physical\n      name: eth{number}\n      mac_address: '{}'\n      subnets:\n",
            mac.to_lowercase()
        ));
        let setting = config
            .get(&format!("ipconfig{number}"))
            .map_or("", String::as_str);
        subnets(setting, &mut text);
    }
    if config.contains_key("nameserver") || config.contains_key("searchdomain") {
        text.push_str("    - type: nameserver\n      address:\n");
        for server in config
            .get("nameserver")
            .map_or("", String::as_str)
            .split_whitespace()
        {
            text.push_str(&format!("      - '{server}'\n"));
        }
        text.push_str("      search:\n");
        if let Some(domain) = config.get("searchdomain") {
            text.push_str(&format!("      - '{domain}'\n"));
        }
    }
    text
}

fn subnets(setting: &str, text: &mut String) {
    let part = |key: &str| {
        setting
            .split(',')
            .find_map(|part| part.strip_prefix(key)?.strip_prefix('='))
    };
    match part("ip") {
        Some("dhcp") => text.push_str("      - type: dhcp4\n"),
        Some(address) => {
            let (address, prefix) = address.split_once('/').unwrap_or((address, "32"));
            let prefix: u32 = prefix.parse().unwrap_or(32);
            let mask = u32::MAX.checked_shl(32 - prefix.min(32)).unwrap_or(0);
            let mask = std::net::Ipv4Addr::from(mask);
            text.push_str(&format!(
                "      - type: static\n        address: '{address}'\n        netmask: '{mask}'\n"
            ));
            if let Some(gateway) = part("gw") {
                text.push_str(&format!("        gateway: '{gateway}'\n"));
            }
        }
        None => {}
    }
    match part("ip6") {
        Some("dhcp") => text.push_str("      - type: dhcp6\n"),
        Some("auto") => text.push_str("      - type: ipv6_slaac\n"),
        Some(address) => {
            text.push_str(&format!(
                "      - type: static6\n        address: '{address}'\n"
            ));
            if let Some(gateway) = part("gw6") {
                text.push_str(&format!("        gateway: '{gateway}'\n"));
            }
        }
        None => {}
    }
}
