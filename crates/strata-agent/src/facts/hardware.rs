//! Memory, processors, mounts, and how long the host is up.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value, json};

use super::put;
use crate::host::Host;

pub(super) fn gather(host: &dyn Host, facts: &mut Map<String, Value>) {
    if let Some(text) = host.read_text(Path::new("/proc/meminfo")) {
        memory(&text, facts);
    }
    put(facts, "form_factor", form_factor(host));
    if let Some(text) = host.read_text(Path::new("/proc/cpuinfo")) {
        processors(&text, facts);
    }
    if let Some(text) = host.read_text(Path::new("/proc/mounts")) {
        put(facts, "mounts", mounts(host, &text));
    }
    let first = |path: &str| {
        let text = host.read_text(Path::new(path))?;
        Some(
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        )
    };
    if let Some(words) = first("/proc/uptime") {
        let seconds = words.first().and_then(|word| word.parse::<f64>().ok());
        put(facts, "uptime_seconds", seconds.unwrap_or_default() as u64);
    }
    if let Some(words) = first("/proc/loadavg") {
        let load = |at: usize| words.get(at).and_then(|word| word.parse::<f64>().ok());
        put(
            facts,
            "loadavg",
            json!({ "1m": load(0), "5m": load(1), "15m": load(2) }),
        );
    }
    for (name, file) in [
        ("product_name", "product_name"),
        ("product_serial", "product_serial"),
        ("product_uuid", "product_uuid"),
        ("product_version", "product_version"),
        ("system_vendor", "sys_vendor"),
        ("bios_version", "bios_version"),
        ("bios_date", "bios_date"),
        ("bios_vendor", "bios_vendor"),
        ("board_name", "board_name"),
        ("board_vendor", "board_vendor"),
        ("board_asset_tag", "board_asset_tag"),
        ("board_serial", "board_serial"),
        ("board_version", "board_version"),
        ("chassis_asset_tag", "chassis_asset_tag"),
        ("chassis_serial", "chassis_serial"),
        ("chassis_vendor", "chassis_vendor"),
        ("chassis_version", "chassis_version"),
    ] {
        let text = host.read_text(&Path::new("/sys/class/dmi/id").join(file));
        put(
            facts,
            name,
            text.map_or("NA".to_owned(), |text| text.trim().to_owned()),
        );
    }
}

/// What kind of case it is in (SMBIOS, 7.4.1).
fn form_factor(host: &dyn Host) -> String {
    const KINDS: &[&str] = &[
        "Unknown",
        "Other",
        "Unknown",
        "Desktop",
        "Low Profile Desktop",
        "Pizza Box",
        "Mini Tower",
        "Tower",
        "Portable",
        "Laptop",
        "Notebook",
        "Hand Held",
        "Docking Station",
        "All In One",
        "Sub Notebook",
        "Space-saving",
        "Lunch Box",
        "Main Server Chassis",
        "Expansion Chassis",
        "Sub Chassis",
        "Bus Expansion Chassis",
        "Peripheral Chassis",
        "RAID Chassis",
        "Rack Mount Chassis",
        "Sealed-case PC",
        "Multi-system",
        "CompactPCI",
        "AdvancedTCA",
        "Blade",
        "Blade Enclosure",
        "Tablet",
        "Convertible",
        "Detachable",
        "IoT Gateway",
        "Embedded PC",
        "Mini PC",
        "Stick PC",
    ];
    let text = host.read_text(Path::new("/sys/class/dmi/id/chassis_type"));
    let Some(text) = text else {
        return "NA".to_owned();
    };
    let number = text.trim().parse::<usize>().ok();
    let name = number.and_then(|number| KINDS.get(number));
    name.map_or_else(|| "unknown".to_owned(), |name| (*name).to_owned())
}

fn memory(text: &str, facts: &mut Map<String, Value>) {
    let kibibytes: BTreeMap<&str, u64> = text
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.split_once(':')?;
            Some((name, rest.split_whitespace().next()?.parse().ok()?))
        })
        .collect();
    let megabytes = |name: &str| kibibytes.get(name).copied().unwrap_or(0) / 1024;
    let (total, free) = (megabytes("MemTotal"), megabytes("MemFree"));
    let (swap, swap_free) = (megabytes("SwapTotal"), megabytes("SwapFree"));
    let spare = free + megabytes("Cached") + megabytes("Buffers");
    put(facts, "memtotal_mb", total);
    put(facts, "memfree_mb", free);
    put(facts, "swaptotal_mb", swap);
    put(facts, "swapfree_mb", swap_free);
    put(
        facts,
        "memory_mb",
        json!({
            "real": { "total": total, "free": free, "used": total.saturating_sub(free) },
            "nocache": { "free": spare, "used": total.saturating_sub(spare) },
            "swap": {
                "total": swap, "free": swap_free, "used": swap.saturating_sub(swap_free),
                "cached": megabytes("SwapCached"),
            },
        }),
    );
}

fn processors(text: &str, facts: &mut Map<String, Value>) {
    let mut described: Vec<Value> = Vec::new();
    let mut sockets: BTreeSet<String> = BTreeSet::new();
    let mut flags: Vec<String> = Vec::new();
    let (mut count, mut cores, mut siblings) = (0_u64, 1_u64, 1_u64);
    for (name, value) in text.lines().filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        match name.trim() {
            "processor" => {
                count += 1;
                described.push(value.into());
            }
            "vendor_id" | "model name" => described.push(value.into()),
            "physical id" => {
                sockets.insert(value.to_owned());
            }
            "cpu cores" => cores = value.parse().unwrap_or(1),
            "flags" | "Features" if flags.is_empty() => {
                flags = value.split_whitespace().map(str::to_owned).collect();
            }
            "siblings" => siblings = value.parse().unwrap_or(1),
            _ => {}
        }
    }
    put(facts, "flags", flags);
    let count = count.max(1);
    // Without sockets (ARM, some guests) each processor is one.
    let known = !sockets.is_empty();
    let sockets = if known { sockets.len() as u64 } else { count };
    let threads = if known {
        (siblings / cores.max(1)).max(1)
    } else {
        1
    };
    put(facts, "processor", described);
    put(facts, "processor_count", sockets);
    put(facts, "processor_cores", if known { cores } else { 1 });
    put(facts, "processor_threads_per_core", threads);
    put(
        facts,
        "processor_vcpus",
        if known {
            sockets * cores * threads
        } else {
            count
        },
    );
    put(facts, "processor_nproc", count);
}

fn mounts(host: &dyn Host, text: &str) -> Value {
    let mut mounts = Vec::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [device, mount, kind, options, ..] = words[..] else {
            continue;
        };
        // Devices, network file systems and pools; not what the kernel makes up.
        let real =
            device.starts_with('/') || device.contains(":/") || matches!(kind, "zfs" | "btrfs");
        if !real || kind == "none" {
            continue;
        }
        let mount = mount.replace("\\040", " ");
        let mut described = json!({
            "device": device, "mount": mount, "fstype": kind, "options": options,
            "dump": 0, "passno": 0, "uuid": "N/A",
        });
        if let Ok(size) = host.filesystem(Path::new(&mount)) {
            let used = size.blocks.saturating_sub(size.blocks_available);
            described["block_size"] = size.block_size.into();
            described["block_total"] = size.blocks.into();
            described["block_available"] = size.blocks_available.into();
            described["block_used"] = used.into();
            described["inode_total"] = size.inodes.into();
            described["inode_available"] = size.inodes_available.into();
            described["inode_used"] = size.inodes.saturating_sub(size.inodes_available).into();
            described["size_total"] = (size.blocks * size.block_size).into();
            described["size_available"] = (size.blocks_available * size.block_size).into();
        }
        mounts.push(described);
    }
    mounts.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processors_are_counted_by_socket_core_and_thread() {
        let one =
            "processor\t: 0\nmodel name\t: X\nphysical id\t: 0\nsiblings\t: 4\ncpu cores\t: 2\n\n";
        let mut facts = Map::new();
        processors(&one.repeat(4), &mut facts);
        let number = |name: &str| facts[name].as_u64().unwrap_or_default();
        assert_eq!(number("processor_count"), 1);
        assert_eq!(number("processor_cores"), 2);
        assert_eq!(number("processor_threads_per_core"), 2);
        assert_eq!(number("processor_vcpus"), 4);
    }

    #[test]
    fn memory_is_told_in_mebibytes() {
        let mut facts = Map::new();
        memory(
            "MemTotal: 2097152 kB\nMemFree: 1048576 kB\nSwapTotal: 0 kB\n",
            &mut facts,
        );
        assert_eq!(facts["memtotal_mb"], 2048);
        assert_eq!(facts["memory_mb"]["real"]["used"], 1024);
    }
}
