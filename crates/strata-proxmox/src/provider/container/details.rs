//! What a container has besides: console, name servers, start order, devices, and the options of its volumes.

use serde_json::{Value as Json, json};

use super::observe::set;
use crate::provider::{
    guest::{all, first, parts, text, texts},
    value, vm,
};

/// Puts all of it into the object, as far as the user has it or imports it.
pub(super) fn observe(object: &mut Json, config: &Json) {
    let imported = object["(imported)"] == true;
    console(object, config);
    names(object, config, imported);
    startup(object, config, imported);
    devices(object, config, imported);
    limits(object, config);
    volumes(object, config);
    let hook = config["hookscript"].as_str().unwrap_or_default();
    if text(object, "hook_script_file_id").unwrap_or_default() != hook {
        object["hook_script_file_id"] = config["hookscript"].clone();
    }
}

fn console(object: &mut Json, config: &Json) {
    let truth = value::truth(&config["console"]).unwrap_or(true);
    set(object, "console", "enabled", json!(truth));
    let kind = config["cmode"].as_str().unwrap_or("tty");
    set(object, "console", "type", json!(kind));
    let count = value::number(&config["tty"]).unwrap_or(2);
    set(object, "console", "tty_count", json!(count));
}

fn names(object: &mut Json, config: &Json, imported: bool) {
    let told = config["nameserver"].as_str().unwrap_or_default();
    let now: Vec<&str> = told.split_whitespace().collect();
    let domain = config["searchdomain"].as_str();
    let Some(init) = object["initialization"]
        .as_array_mut()
        .and_then(|blocks| blocks.first_mut())
    else {
        return;
    };
    if imported && (!now.is_empty() || domain.is_some()) {
        init["dns"] = json!([{ "servers": [], "domain": null, "server": null }]);
    }
    let Some(dns) = init["dns"]
        .as_array_mut()
        .and_then(|blocks| blocks.first_mut())
    else {
        return;
    };
    let mut known = texts(dns, "servers");
    known.extend(text(dns, "server").map(str::to_owned));
    if known != now {
        dns["servers"] = json!(now);
        if dns["server"].is_string() {
            dns["server"] = Json::Null;
        }
    }
    if text(dns, "domain") != domain {
        dns["domain"] = json!(domain);
    }
}

fn startup(object: &mut Json, config: &Json, imported: bool) {
    let setting = config["startup"].as_str();
    if first(object, "startup").is_null() && !(imported && setting.is_some()) {
        return;
    }
    let told = parts(setting.unwrap_or_default());
    let number = |name: &str| {
        let text = told.get(name)?;
        text.parse::<i64>().ok()
    };
    object["startup"] = json!([{
        "order": number("order").or_else(|| number("")).unwrap_or(-1),
        "up_delay": number("up").unwrap_or(-1), "down_delay": number("down").unwrap_or(-1),
    }]);
}

fn devices(object: &mut Json, config: &Json, imported: bool) {
    if all(object, "device_passthrough").is_empty() && !imported {
        return;
    }
    let settings = (0..256).filter_map(|at| config[format!("dev{at}")].as_str());
    let now: Vec<Json> = settings
        .map(|setting| {
            let told = parts(setting);
            let number = |name: &str| told.get(name).and_then(|text| text.parse::<i64>().ok());
            json!({
                "path": told.get("").or_else(|| told.get("path")), "gid": number("gid"), "uid": number("uid"),
                "deny_write": told.get("deny-write").is_some_and(|text| text == "1"),
                "mode": told.get("mode").map_or("0660", String::as_str),
            })
        })
        .collect();
    if all(object, "device_passthrough") != now {
        object["device_passthrough"] = json!(now);
    }
}

fn limits(object: &mut Json, config: &Json) {
    let limit = value::text(&config["cpulimit"]).and_then(|text| text.parse::<f64>().ok());
    let limit = limit.unwrap_or(0.0);
    let limit = match limit.fract() == 0.0 {
        true => json!(limit as i64),
        false => json!(limit),
    };
    set(object, "cpu", "limit", limit);
    let units = value::number(&config["cpuunits"]).unwrap_or(1024);
    set(object, "cpu", "units", json!(units));
}

/// The flags of volumes: attribute, part, and what they are if nobody says.
const FLAGS: [(&str, &str, bool); 6] = [
    ("acl", "acl", false),
    ("backup", "backup", false),
    ("quota", "quota", false),
    ("read_only", "ro", false),
    ("replicate", "replicate", true),
    ("shared", "shared", false),
];

fn volumes(object: &mut Json, config: &Json) {
    for (at, point) in object["mount_point"]
        .as_array_mut()
        .into_iter()
        .flatten()
        .enumerate()
    {
        if let Some(setting) = config[format!("mp{at}")].as_str() {
            options(point, setting);
            let told = parts(setting);
            if point["(in place)"] == true {
                place(point, setting);
            }
            point["path"] = json!(told.get("mp"));
        }
    }
    // A mount point that was taken off is to be made again.
    let there = |at: usize| !config[format!("mp{at}")].is_null();
    if let Some(points) = object["mount_point"].as_array_mut() {
        let kept = (0..points.len()).take_while(|at| there(*at)).count();
        points.truncate(kept);
    }
    let root = config["rootfs"].as_str().unwrap_or_default();
    if let Some(disk) = object["disk"]
        .as_array_mut()
        .and_then(|blocks| blocks.first_mut())
    {
        options(disk, root);
    }
}

/// The storage and the size of a volume that is moved and grows where it is.
fn place(point: &mut Json, setting: &str) {
    let known = text(point, "volume").unwrap_or_default();
    let storage = setting.split(':').next().unwrap_or_default();
    if !known.contains([':', '/']) && known != storage {
        point["volume"] = json!(storage);
    }
    if let Some(size) = vm::gigabytes(setting).map(|size| format!("{size}G"))
        && text(point, "size").is_some_and(|known| known != size)
    {
        point["size"] = json!(size);
    }
}

fn options(volume: &mut Json, setting: &str) {
    let told = parts(setting);
    for (attribute, part, usual) in FLAGS {
        if volume[attribute].is_null() {
            continue;
        }
        // The root's own switch is off unless it is said.
        let usual = usual && volume["path"].is_string();
        volume[attribute] = json!(told.get(part).map_or(usual, |text| text == "1"));
    }
    let now: Vec<&str> = told
        .get("mountoptions")
        .map_or(Vec::new(), |text| text.split(';').collect());
    if texts(volume, "mount_options") != now {
        volume["mount_options"] = json!(now);
    }
}
