//! What the agent inside a machine answers, once it has booted.

use serde_json::{Value as Json, json};

use super::super::super::{
    answer::{Answered, data, fail},
    call::Call,
    store::{Guest, Kind, Store},
};

/// True if the setting switches the agent on.
pub(super) fn is_on(setting: &str) -> bool {
    let mut parts = setting.split(',');
    parts.any(|part| matches!(part, "1" | "enabled=1" | "on" | "yes" | "true"))
}

pub(super) fn answer(store: &mut Store, call: &Call, path: &str) -> Option<Answered> {
    let command = path.strip_prefix("/{vmid}/agent/")?;
    Some(ready(store, call).and_then(|guest| match command {
        "ping" | "fsfreeze-freeze" | "fstrim" | "shutdown" => data(json!({ "result": {} })),
        "info" => data(json!({ "result": { "version": "9.2.0", "supported_commands": [] } })),
        "get-osinfo" => data(json!({ "result": { "id": "debian", "name": "Debian GNU/Linux", "version-id": "13", "machine": "x86_64" } })),
        "get-host-name" => data(json!({ "result": { "host-name": guest.name(call.vmid()) } })),
        "network-get-interfaces" => {
            let mut all = interfaces(guest, call.vmid());
            if let Some(all) = all.as_array_mut().filter(|_| !store.can("addresses")) {
                all.truncate(1);
            }
            data(json!({ "result": all }))
        }
        "exec" => data(json!({ "pid": 4321 })),
        "exec-status" => {
            let said = match store.can("cloud-init") {
                true => "status: done\n",
                false => "status: error\ndetail:\nthe user data is no YAML\n",
            };
            data(json!({ "exited": 1, "exitcode": 0, "out-data": said }))
        }
        _ => fail(format!("the twin's agent has no {command}")),
    }))
}

fn ready<'a>(
    store: &'a Store,
    call: &Call,
) -> Result<&'a Guest, super::super::super::answer::Refusal> {
    let id = call.vmid();
    let guest = store.guest(Kind::Qemu, call.node(), id)?;
    if !guest
        .config
        .get("agent")
        .is_some_and(|setting| is_on(setting))
    {
        return fail("No QEMU guest agent configured");
    }
    if !guest.running {
        return fail(format!("VM {id} is not running"));
    }
    match store.guests_answer {
        true => Ok(guest),
        false => fail("QEMU guest agent is not running"),
    }
}

/// The guest's interfaces: loopback, and one for each network device, with the address that
/// cloud-init gives it or one that DHCP could have given.
fn interfaces(guest: &Guest, id: u32) -> Json {
    let mut all = vec![json!({
        "name": "lo", "hardware-address": "00:00:00:00:00:00",
        "ip-addresses": [{ "ip-address": "127.0.0.1", "ip-address-type": "ipv4", "prefix": 8 }],
    })];
    for number in 0..32 {
        let Some(net) = guest.config.get(&format!("net{number}")) else {
            continue;
        };
        let mac = net
            .split(',')
            .next()
            .and_then(|part| part.split_once('='))
            .map_or("", |(_, mac)| mac);
        let setting = guest
            .on_drive
            .get(&format!("ipconfig{number}"))
            .map_or("", String::as_str);
        all.push(json!({
            "name": format!("eth{number}"),
            "hardware-address": mac.to_lowercase(),
            "ip-addresses": addresses(setting, id, number),
        }));
    }
    Json::Array(all)
}

/// The addresses of one interface.
pub(in super::super) fn addresses(setting: &str, id: u32, number: u32) -> Vec<Json> {
    let mut found = Vec::new();
    let part = |key: &str| {
        setting
            .split(',')
            .find_map(|part| part.strip_prefix(key)?.strip_prefix('='))
    };
    let fixed = |text: Option<&str>| {
        let (address, prefix) = text?.split_once('/')?;
        Some((address.to_owned(), prefix.parse::<u8>().ok()?))
    };
    let dhcp = (
        format!("10.99.{}.{}", number * 64 + id / 250 % 64, id % 250 + 2),
        16,
    );
    let (address, prefix) = fixed(part("ip")).unwrap_or(dhcp);
    found.push(json!({ "ip-address": address, "ip-address-type": "ipv4", "prefix": prefix }));
    if let Some((address, prefix)) = fixed(part("ip6")) {
        found.push(json!({ "ip-address": address, "ip-address-type": "ipv6", "prefix": prefix }));
    }
    found.push(
        json!({ "ip-address": format!("fe80::{id:x}"), "ip-address-type": "ipv6", "prefix": 64 }),
    );
    found
}
