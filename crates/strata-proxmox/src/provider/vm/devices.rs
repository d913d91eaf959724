//! Devices and drives of a machine that are no disks, as they are: put into the blocks that the user has.
//!
//! A setting is a property string; a table says which part of it is which attribute. What nobody
//! speaks of and the server does not tell stays unsaid. On import all blocks are made.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::settings::has_video_memory;
use crate::provider::guest::{all, first, parts, text};

/// What an attribute is where a setting does not tell it.
#[derive(Clone, Copy)]
enum Usual {
    Text(&'static str),
    Number(i64),
    Flag(bool),
    /// A text or nothing.
    None,
    /// A number or nothing.
    NoNumber,
    /// A truth or nothing.
    NoFlag,
}

/// An attribute, the part of the setting that tells it, and what it is otherwise.
type Member = (&'static str, &'static str, Usual);

/// A block that is there once: its name, its parameter, which part stands without a name, its members,
/// and whether it can be there and switched off.
struct Single(
    &'static str,
    &'static str,
    &'static str,
    &'static [Member],
    bool,
);

/// Blocks of which there may be several: name, how their parameters begin, the part without a name,
/// members, and the attribute that holds the parameter's name, if one does.
struct Several(
    &'static str,
    &'static str,
    &'static str,
    &'static [Member],
    Option<&'static str>,
);

const SINGLES: [Single; 5] = [
    Single(
        "audio_device",
        "audio0",
        "device",
        &[
            ("device", "device", Usual::Text("intel-hda")),
            ("driver", "driver", Usual::Text("spice")),
        ],
        true,
    ),
    Single(
        "watchdog",
        "watchdog",
        "model",
        &[
            ("model", "model", Usual::Text("i6300esb")),
            ("action", "action", Usual::Text("none")),
        ],
        true,
    ),
    Single(
        "vga",
        "vga",
        "type",
        &[
            ("type", "type", Usual::Text("std")),
            ("memory", "memory", Usual::NoNumber),
            ("clipboard", "clipboard", Usual::None),
        ],
        false,
    ),
    Single(
        "startup",
        "startup",
        "order",
        &[
            ("order", "order", Usual::Number(-1)),
            ("up_delay", "up", Usual::Number(-1)),
            ("down_delay", "down", Usual::Number(-1)),
        ],
        false,
    ),
    Single(
        "rng",
        "rng0",
        "source",
        &[
            ("source", "source", Usual::None),
            ("max_bytes", "max_bytes", Usual::Number(1024)),
            ("period", "period", Usual::Number(1000)),
        ],
        false,
    ),
];

const SEVERAL: [Several; 5] = [
    Several(
        "hostpci",
        "hostpci",
        "id",
        &[
            ("id", "id", Usual::None),
            ("mapping", "mapping", Usual::None),
            ("mdev", "mdev", Usual::None),
            ("rom_file", "romfile", Usual::None),
            ("(device_id)", "device-id", Usual::None),
            ("(vendor_id)", "vendor-id", Usual::None),
            ("(sub_device_id)", "sub-device-id", Usual::None),
            ("(sub_vendor_id)", "sub-vendor-id", Usual::None),
            ("pcie", "pcie", Usual::NoFlag),
            ("rombar", "rombar", Usual::Flag(true)),
            ("xvga", "x-vga", Usual::NoFlag),
        ],
        Some("device"),
    ),
    Several(
        "usb",
        "usb",
        "host",
        &[
            ("host", "host", Usual::None),
            ("mapping", "mapping", Usual::None),
            ("usb3", "usb3", Usual::Flag(false)),
        ],
        None,
    ),
    Several(
        "numa",
        "numa",
        "cpus",
        &[
            ("cpus", "cpus", Usual::None),
            ("memory", "memory", Usual::NoNumber),
            ("hostnodes", "hostnodes", Usual::None),
            ("policy", "policy", Usual::Text("preferred")),
        ],
        Some("device"),
    ),
    Several(
        "serial_device",
        "serial",
        "device",
        &[("device", "device", Usual::Text("socket"))],
        None,
    ),
    Several(
        "virtiofs",
        "virtiofs",
        "mapping",
        &[
            ("mapping", "mapping", Usual::None),
            ("cache", "cache", Usual::Text("auto")),
            ("direct_io", "direct-io", Usual::Flag(false)),
            ("expose_acl", "expose-acl", Usual::Flag(false)),
            ("expose_xattr", "expose-xattr", Usual::Flag(false)),
        ],
        None,
    ),
];

/// Takes a setting apart; what has no name stands under that of its part.
fn told(setting: &str, unnamed: &str) -> BTreeMap<String, String> {
    let mut told = parts(setting);
    if let Some(text) = told.remove("") {
        told.entry(unnamed.to_owned()).or_insert(text);
    }
    told
}

fn fill(block: &mut Json, told: &BTreeMap<String, String>, members: &[Member]) {
    for (attribute, part, usual) in members {
        let text = told.get(*part).map(String::as_str);
        if text.is_none() && block[*attribute].is_null() {
            continue;
        }
        let number = text.and_then(|text| text.parse::<i64>().ok());
        let truth = text.map(|text| text == "1");
        block[*attribute] = match usual {
            Usual::Text(usual) => json!(text.unwrap_or(usual)),
            Usual::Number(usual) => json!(number.unwrap_or(*usual)),
            Usual::Flag(usual) => json!(truth.unwrap_or(*usual)),
            // An empty text says as little as none.
            Usual::None if text.is_none() && block[*attribute] == "" => continue,
            Usual::None => json!(text),
            Usual::NoNumber => json!(number),
            Usual::NoFlag if text.is_none() && block[*attribute] == false => continue,
            Usual::NoFlag => json!(truth),
        };
    }
}

/// A block of an imported machine, with all that can be left out at what it is then.
fn fresh(members: &[Member]) -> Json {
    let mut block = json!({});
    for (attribute, _, usual) in members {
        block[*attribute] = match usual {
            Usual::Text(usual) => json!(usual),
            Usual::Number(usual) => json!(usual),
            Usual::Flag(usual) => json!(usual),
            _ => Json::Null,
        };
    }
    block
}

fn single(
    object: &mut Json,
    config: &Json,
    Single(block, parameter, unnamed, members, switch): &Single,
    imported: bool,
) {
    let setting = config[*parameter].as_str();
    let mut now = match first(object, block) {
        Json::Null if imported && setting.is_some() => fresh(members),
        Json::Null => return,
        known => known.clone(),
    };
    match (setting, switch) {
        (Some(setting), _) => {
            fill(&mut now, &told(setting, unnamed), members);
            if *switch {
                now["enabled"] = json!(true);
            }
        }
        (None, true) => now["enabled"] = json!(false),
        // A graphics card is there, whoever says so; the others are gone.
        (None, false) if *block == "vga" => fill(&mut now, &BTreeMap::new(), members),
        (None, false) if *block == "startup" => fill(&mut now, &BTreeMap::new(), members),
        (None, false) => {
            object[*block] = json!([]);
            return;
        }
    }
    // What no memory is sent for tells none, and what is written of it stays.
    if *block == "vga" && !has_video_memory(text(&now, "type").unwrap_or_default()) {
        now["memory"] = first(object, block)["memory"].clone();
    }
    object[*block] = json!([now]);
}

fn several(
    object: &mut Json,
    config: &Json,
    Several(block, start, unnamed, members, key): &Several,
    imported: bool,
) {
    let known = all(object, block).to_vec();
    if known.is_empty() && !imported {
        return;
    }
    let name = |at: usize| format!("{start}{at}");
    let mut now = Vec::new();
    for (at, mut known) in known.iter().cloned().enumerate() {
        let parameter = key.and_then(|key| known[key].as_str().map(str::to_owned));
        let parameter = parameter.unwrap_or_else(|| name(at));
        if let Some(setting) = config[parameter.as_str()].as_str() {
            fill(&mut known, &told(setting, unnamed), members);
            now.push(known);
        }
    }
    let named = |parameter: &str| match key {
        Some(key) => known.iter().any(|known| known[*key] == parameter),
        None => (0..known.len()).any(|at| name(at) == parameter),
    };
    // What a template brought, and nobody speaks of, is no drift.
    let own = imported || !super::is_clone(object);
    for parameter in (0..32).map(name).filter(|name| own && !named(name)) {
        if let Some(setting) = config[parameter.as_str()].as_str() {
            let mut block = fresh(members);
            fill(&mut block, &told(setting, unnamed), members);
            if let Some(key) = key {
                block[*key] = json!(parameter);
            }
            now.push(block);
        }
    }
    if now != known {
        object[*block] = json!(now);
    }
}

/// Drives of the firmware: their storage, and what is said of them.
fn firmware_drives(object: &mut Json, config: &Json, imported: bool) {
    const DRIVES: [(&str, &str, &[Member]); 2] = [
        (
            "efi_disk",
            "efidisk0",
            &[
                ("type", "efitype", Usual::Text("2m")),
                ("pre_enrolled_keys", "pre-enrolled-keys", Usual::Flag(false)),
            ],
        ),
        (
            "tpm_state",
            "tpmstate0",
            &[("version", "version", Usual::Text("v1.2"))],
        ),
    ];
    for (block, parameter, members) in DRIVES {
        let known = first(object, block).clone();
        match config[parameter].as_str() {
            Some(setting) if !known.is_null() || imported => {
                let mut now = if known.is_null() {
                    fresh(members)
                } else {
                    known
                };
                let told = parts(setting);
                let volume = told.get("").map_or("", String::as_str);
                now["datastore_id"] = json!(volume.split(':').next());
                if block == "efi_disk" && (imported || !now["file_format"].is_null()) {
                    let format = volume.rsplit_once('.').map_or("raw", |(_, format)| format);
                    now["file_format"] = json!(format);
                }
                fill(&mut now, &told, members);
                object[block] = json!([now]);
            }
            None if !known.is_null() => object[block] = json!([]),
            _ => {}
        }
    }
}

/// What lies in the drives for CDs that the user has.
fn cdroms(object: &mut Json, config: &Json) {
    for cdrom in object["cdrom"].as_array_mut().into_iter().flatten() {
        let interface = cdrom["interface"].as_str().unwrap_or("ide3").to_owned();
        let setting = config[interface].as_str().unwrap_or("none");
        let file = setting.split(',').next().unwrap_or_default();
        let known = cdrom["file_id"].as_str().unwrap_or("none");
        if known != file {
            cdrom["file_id"] = json!(file);
        }
    }
}

/// Puts all of them into the object.
pub(super) fn observe(object: &mut Json, config: &Json) {
    let imported = object["(imported)"] == true;
    for block in &SINGLES {
        single(object, config, block, imported);
    }
    for block in &SEVERAL {
        several(object, config, block, imported);
    }
    firmware_drives(object, config, imported);
    cdroms(object, config);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_put_into_the_blocks_that_are_there() {
        let mut object = json!({
            "startup": [{ "order": 1, "up_delay": -1, "down_delay": -1 }],
            "usb": [{ "host": "1234:5678", "mapping": null, "usb3": false }],
            "watchdog": [{ "enabled": true, "model": "i6300esb", "action": "none" }],
        });
        let config = json!({ "startup": "order=2,up=5", "usb0": "mapping=stick,usb3=1", "rng0": "source=/dev/urandom" });
        observe(&mut object, &config);
        assert_eq!(
            object["startup"][0],
            json!({ "order": 2, "up_delay": 5, "down_delay": -1 })
        );
        assert_eq!(
            object["usb"][0],
            json!({ "host": null, "mapping": "stick", "usb3": true })
        );
        assert_eq!(object["watchdog"][0]["enabled"], false);
        assert!(object["rng"].is_null());
    }

    #[test]
    fn an_import_makes_the_blocks() {
        let mut object = json!({ "(imported)": true });
        let config = json!({ "hostpci0": "0000:01:00,pcie=1", "efidisk0": "local:100/vm-100-disk-1.qcow2,efitype=4m,size=528K" });
        observe(&mut object, &config);
        assert_eq!(object["hostpci"][0]["id"], "0000:01:00");
        assert_eq!(object["hostpci"][0]["device"], "hostpci0");
        assert_eq!(
            object["efi_disk"][0],
            json!({ "type": "4m", "pre_enrolled_keys": false, "datastore_id": "local", "file_format": "qcow2" })
        );
    }
}
