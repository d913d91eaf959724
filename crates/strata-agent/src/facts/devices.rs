//! Block devices, the names that lead to them, and what LVM makes of them.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::put;
use crate::host::Host;
use crate::system::Command;

/// Names by device, for each way to name one.
type Links = BTreeMap<&'static str, BTreeMap<String, Vec<String>>>;

pub(super) fn gather(host: &dyn Host, facts: &mut Map<String, Value>) {
    let links = links(host);
    let folder = Path::new("/sys/block");
    let names = host.list(folder).unwrap_or_default();
    let devices: Map<String, Value> = names
        .into_iter()
        .map(|name| {
            let device = device(host, &name, &links);
            (name, device)
        })
        .collect();
    put(facts, "devices", devices);
    put(facts, "device_links", json!(links));
    put(facts, "lvm", lvm(host));
}

fn links(host: &dyn Host) -> Links {
    let mut links = Links::new();
    for (kind, folder) in [
        ("ids", "/dev/disk/by-id"),
        ("uuids", "/dev/disk/by-uuid"),
        ("labels", "/dev/disk/by-label"),
    ] {
        let found = links.entry(kind).or_default();
        let folder = Path::new(folder);
        for name in host.list(folder).unwrap_or_default() {
            let target = host.link_target(&folder.join(&name)).ok();
            let device = target.and_then(|target| {
                let name = target.file_name()?;
                Some(name.to_string_lossy().into_owned())
            });
            if let Some(device) = device {
                found.entry(device).or_default().push(name);
            }
        }
    }
    let masters = links.entry("masters").or_default();
    let block = Path::new("/sys/block");
    for name in host.list(block).unwrap_or_default() {
        for slave in host
            .list(&block.join(&name).join("slaves"))
            .unwrap_or_default()
        {
            masters.entry(slave).or_default().push(name.clone());
        }
    }
    links
}

fn links_of(links: &Links, device: &str) -> Value {
    let of = |kind: &str| {
        let names = links.get(kind).and_then(|devices| devices.get(device));
        names.cloned().unwrap_or_default()
    };
    json!({"ids": of("ids"), "uuids": of("uuids"), "labels": of("labels"), "masters": of("masters")})
}

fn device(host: &dyn Host, name: &str, links: &Links) -> Value {
    let folder = Path::new("/sys/block").join(name);
    let read = |file: &str| {
        let text = host.read_text(&folder.join(file))?;
        Some(text.trim().to_owned())
    };
    let sectors: u64 = read("size").and_then(|size| size.parse().ok()).unwrap_or(0);
    let sector_size = read("queue/logical_block_size").unwrap_or_else(|| "512".to_owned());
    let target = host.link_target(&folder).ok();
    let is_virtual = target.is_some_and(|path| path.to_string_lossy().contains("virtual"));
    let scheduler = read("queue/scheduler").unwrap_or_default();
    let scheduler = match scheduler.split(['[', ']']).nth(1) {
        Some(chosen) => chosen.to_owned(),
        None => scheduler,
    };
    json!({
        "virtual": u8::from(is_virtual), "links": links_of(links, name),
        "vendor": read("device/vendor"), "model": read("device/model"),
        "sas_address": read("device/sas_address"),
        "sas_device_handle": read("device/sas_device_handle"),
        "removable": read("removable").unwrap_or_default(),
        "support_discard": read("queue/discard_granularity").unwrap_or_else(|| "0".to_owned()),
        "partitions": partitions(host, &folder, name, links),
        "rotational": read("queue/rotational").unwrap_or_default(),
        "scheduler_mode": scheduler, "sectorsize": sector_size, "sectors": sectors,
        // The kernel always counts sectors of 512 bytes.
        "size": size(sectors * 512), "host": "", "holders": holders(host, &folder),
    })
}

fn partitions(host: &dyn Host, folder: &Path, device: &str, links: &Links) -> Value {
    let mut partitions = Map::new();
    for name in host.list(folder).unwrap_or_default() {
        let path = folder.join(&name);
        let is_part = name.starts_with(device) && host.read_text(&path.join("partition")).is_some();
        if !is_part {
            continue;
        }
        let read = |file: &str| {
            let text = host.read_text(&path.join(file));
            text.map_or_else(|| "0".to_owned(), |text| text.trim().to_owned())
        };
        let sectors: u64 = read("size").parse().unwrap_or(0);
        let named = links_of(links, &name);
        let uuid = named["uuids"][0].clone();
        partitions.insert(
            name,
            json!({
                "links": named, "start": read("start"), "sectors": sectors, "sectorsize": 512,
                "size": size(sectors * 512), "uuid": uuid, "holders": holders(host, &path),
            }),
        );
    }
    partitions.into()
}

fn holders(host: &dyn Host, folder: &Path) -> Vec<String> {
    host.list(&folder.join("holders")).unwrap_or_default()
}

/// A size with the unit that people use.
fn size(bytes: u64) -> String {
    const UNITS: &[(&str, u64)] = &[
        ("TB", 1 << 40),
        ("GB", 1 << 30),
        ("MB", 1 << 20),
        ("KB", 1 << 10),
    ];
    let unit = UNITS.iter().find(|(_, factor)| bytes >= *factor);
    match unit {
        Some((unit, factor)) => format!("{:.2} {unit}", bytes as f64 / *factor as f64),
        None => format!("{:.2} Bytes", bytes as f64),
    }
}

/// Volume groups, logical and physical volumes, where LVM is there and may be asked.
fn lvm(host: &dyn Host) -> Value {
    if host.user_id() != 0 || host.find_program("vgs").is_none() {
        return "N/A".into();
    }
    let ask = |program: &str, fields: &str| -> Vec<Vec<String>> {
        let argv = [
            program,
            "--noheadings",
            "--nosuffix",
            "--units",
            "g",
            "--separator",
            ",",
            "-o",
            fields,
        ];
        let said = host.run(&Command::new(argv)).map(|said| said.stdout);
        let lines = said.unwrap_or_default();
        let rows = lines
            .lines()
            .map(|line| line.trim().split(',').map(str::to_owned).collect());
        rows.collect()
    };
    let groups = ask("vgs", "vg_name,lv_count,pv_count,vg_size,vg_free");
    let groups = groups.iter().filter_map(|row| match &row[..] {
        [name, lvs, pvs, size, free] => Some((
            name.clone(),
            json!({"size_g": size, "free_g": free, "num_lvs": lvs, "num_pvs": pvs}),
        )),
        _ => None,
    });
    let groups: Map<String, Value> = groups.collect();
    let volumes = ask("lvs", "lv_name,vg_name,lv_size");
    let volumes = volumes.iter().filter_map(|row| match &row[..] {
        [name, group, size] => Some((name.clone(), json!({"size_g": size, "vg": group}))),
        _ => None,
    });
    let volumes: Map<String, Value> = volumes.collect();
    let disks = ask("pvs", "pv_name,vg_name,pv_size,pv_free");
    let disks = disks.iter().filter_map(|row| match &row[..] {
        [name, group, size, free] => Some((
            name.clone(),
            json!({"vg": group, "size_g": size, "free_g": free}),
        )),
        _ => None,
    });
    let disks: Map<String, Value> = disks.collect();
    json!({"vgs": groups, "lvs": volumes, "pvs": disks})
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_told_in_units() {
        assert_eq!(size(0), "0.00 Bytes");
        assert_eq!(size(270_553_174_016), "251.97 GB");
    }
}
