//! Disks, CD drives and cloud-init drives, in either of telmate's ways to write them.

use serde_json::{Value as Json, json};

use super::schema::BUSES;
use crate::provider::{
    guest::{all, first, text},
    value, vm,
};

/// What is in the slots of a machine, in our words.
#[derive(Debug, Default)]
pub(super) struct Slots {
    pub(super) disks: Vec<Json>,
    pub(super) cdrom: Json,
    /// Slot and storage of the cloud-init drive.
    pub(super) cloudinit: Option<(String, String)>,
}

impl Slots {
    /// Reads the block `disks` and the blocks `disk`.
    pub(super) fn of(object: &Json) -> Self {
        let mut slots = Self::default();
        let tree = first(object, "disks");
        for (bus, count) in BUSES {
            let bus_block = first(tree, bus);
            for number in 0..count {
                let name = format!("{bus}{number}");
                let slot = first(bus_block, &name);
                for kind in ["disk", "cdrom", "cloudinit"] {
                    let inner = first(slot, kind);
                    if !inner.is_null() {
                        slots.add(&name, kind, inner);
                    }
                }
            }
        }
        let disks = all(object, "disk");
        for (at, disk) in disks.iter().enumerate() {
            let (slot, kind) = place(&disks[..at], disk);
            slots.add(&slot, &kind, &with_both_speeds(disk));
        }
        slots
    }

    fn add(&mut self, slot: &str, kind: &str, inner: &Json) {
        match kind {
            "cdrom" => {
                // The drive of the node itself has a name of its own.
                let file = match inner["passthrough"] == true {
                    true => "cdrom",
                    false => text(inner, "iso").unwrap_or("none"),
                };
                self.cdrom = json!([{ "enabled": true, "interface": slot, "file_id": file }]);
            }
            "cloudinit" => {
                let storage = text(inner, "storage").unwrap_or("local-lvm");
                self.cloudinit = Some((slot.to_owned(), storage.to_owned()));
            }
            _ => self.disks.push(disk(slot, inner)),
        }
    }
}

/// The sizes of disks that are none. What a drive for CDs or cloud-init says of its own counts for nothing.
pub(super) fn wrong_sizes(object: &Json) -> Vec<&str> {
    let blocks = all(object, "disk");
    let flat = (0..blocks.len())
        .filter(|at| place(&blocks[..*at], &blocks[*at]).1 == "disk")
        .map(|at| &blocks[at]);
    let tree = first(object, "disks");
    let slots = BUSES.iter().flat_map(|(bus, _)| {
        let slots = value::members(first(tree, bus)).values();
        slots.map(|slot| first(slot.get(0).unwrap_or(&Json::Null), "disk"))
    });
    flat.chain(slots)
        .filter_map(|disk| text(disk, "size"))
        .filter(|size| kibibytes(size).is_none())
        .collect()
}

/// Where a block `disk` is, and what: in 3.0 `slot = "scsi0"` and `type = "disk"`, in 2.9 `type = "scsi"`
/// and a number, or the next one if there is none.
fn place(before: &[Json], disk: &Json) -> (String, String) {
    let slot = text(disk, "slot").unwrap_or_default();
    let kind = text(disk, "type").unwrap_or("disk");
    if !BUSES.iter().any(|(bus, _)| *bus == kind) {
        return (slot.to_owned(), kind.to_owned());
    }
    let number = match slot.is_empty() {
        true => before
            .iter()
            .filter(|other| other["type"] == kind)
            .count()
            .to_string(),
        false => slot.to_owned(),
    };
    let kind_of = match text(disk, "media") {
        Some("cdrom") => "cdrom",
        _ => "disk",
    };
    (format!("{kind}{number}"), kind_of.to_owned())
}

/// 2.9 has one limit for reading and writing, too.
fn with_both_speeds(disk: &Json) -> Json {
    let mut disk = disk.clone();
    for (both, names) in [
        ("mbps", ["mbps_r_concurrent", "mbps_wr_concurrent"]),
        ("iops", ["iops_r_concurrent", "iops_wr_concurrent"]),
        ("iops_max", ["iops_r_burst", "iops_wr_burst"]),
        (
            "iops_max_length",
            ["iops_r_burst_length", "iops_wr_burst_length"],
        ),
    ] {
        let limit = disk[both].clone();
        for name in names {
            if value::number(&limit).is_some_and(|limit| limit > 0)
                && value::number(&disk[name]).unwrap_or(0) == 0
            {
                disk[name] = limit.clone();
            }
        }
    }
    disk
}

/// A size in KiB: `32G`, `512M`, `528K`, `2T`; a number alone is GiB.
pub(super) fn kibibytes(text: &str) -> Option<i64> {
    let text = text.trim();
    let (number, factor) = match text.char_indices().last()? {
        (at, 'K' | 'k') => (&text[..at], 1),
        (at, 'M' | 'm') => (&text[..at], 1 << 10),
        (at, 'G' | 'g') => (&text[..at], 1 << 20),
        (at, 'T' | 't') => (&text[..at], 1 << 30),
        _ => (text, 1 << 20),
    };
    let number: i64 = number.parse().ok()?;
    number.checked_mul(factor).filter(|size| *size > 0)
}

/// A size that is a whole number of GiB.
pub(super) fn gigabytes(text: &str) -> Option<i64> {
    let size = kibibytes(text)?;
    (size % (1 << 20) == 0).then_some(size >> 20)
}

fn disk(slot: &str, inner: &Json) -> Json {
    let flag = |name: &str| inner[name] == true;
    let speeds = [
        ("iops_read", "iops_r_concurrent"),
        ("iops_read_burstable", "iops_r_burst"),
        ("(iops_read_seconds)", "iops_r_burst_length"),
        ("iops_write", "iops_wr_concurrent"),
        ("iops_write_burstable", "iops_wr_burst"),
        ("(iops_write_seconds)", "iops_wr_burst_length"),
        ("read", "mbps_r_concurrent"),
        ("read_burstable", "mbps_r_burst"),
        ("write", "mbps_wr_concurrent"),
        ("write_burstable", "mbps_wr_burst"),
    ];
    let mut speed = json!({});
    for (ours, theirs) in speeds {
        speed[ours] = json!(value::number(&inner[theirs]).unwrap_or(0));
    }
    let size = text(inner, "size").and_then(kibibytes);
    let mut disk = json!({
        "interface": slot,
        "datastore_id": text(inner, "storage").unwrap_or("local-lvm"),
        "size": size.map(vm::in_gigabytes),
        "file_format": inner["format"],
        "aio": text(inner, "asyncio").unwrap_or("io_uring"),
        "backup": inner["backup"] != false,
        "cache": text(inner, "cache").unwrap_or("none"),
        "discard": if flag("discard") { "on" } else { "ignore" },
        "iothread": flag("iothread"), "replicate": flag("replicate"), "ssd": flag("emulatessd"),
        "serial": inner["serial"], "speed": [speed], "(readonly)": flag("readonly"), "(wwn)": inner["wwn"],
    });
    // What is no whole number of GiB is said to the KiB.
    if let Some(size) = size.filter(|size| size % (1 << 20) != 0) {
        disk["(kibibytes)"] = json!(size);
    }
    disk
}

/// Options of a disk: telmate's and ours.
const OPTIONS: [(&str, &str); 20] = [
    ("storage", "datastore_id"),
    ("asyncio", "aio"),
    ("backup", "backup"),
    ("cache", "cache"),
    ("emulatessd", "ssd"),
    ("iothread", "iothread"),
    ("replicate", "replicate"),
    ("readonly", "(readonly)"),
    ("wwn", "(wwn)"),
    ("serial", "serial"),
    ("iops_r_concurrent", "speed/0/iops_read"),
    ("iops_r_burst", "speed/0/iops_read_burstable"),
    ("iops_r_burst_length", "speed/0/(iops_read_seconds)"),
    ("iops_wr_concurrent", "speed/0/iops_write"),
    ("iops_wr_burst", "speed/0/iops_write_burstable"),
    ("iops_wr_burst_length", "speed/0/(iops_write_seconds)"),
    ("mbps_r_concurrent", "speed/0/read"),
    ("mbps_r_burst", "speed/0/read_burstable"),
    ("mbps_wr_concurrent", "speed/0/write"),
    ("mbps_wr_burst", "speed/0/write_burstable"),
];

/// The block of what is in a slot, in either way to write it.
fn in_slot<'a>(object: &'a mut Json, slot: &str, kind: &str) -> Option<&'a mut Json> {
    let disks = all(object, "disk");
    let flat = (0..disks.len()).find(|at| place(&disks[..*at], &disks[*at]).0 == slot);
    match flat {
        Some(at) => object["disk"].get_mut(at),
        None => object.pointer_mut(&format!("{}/{kind}/0", in_tree(slot))),
    }
}

/// Where a slot is in the block `disks`.
fn in_tree(slot: &str) -> String {
    let bus = slot.trim_end_matches(|c: char| c.is_ascii_digit());
    format!("/disks/0/{bus}/0/{slot}/0")
}

/// Tells what became of the drives.
pub(super) fn tell(before: &Json, ours: &Json, object: &mut Json) {
    for was in all(before, "disk") {
        let slot = was["interface"].as_str().unwrap_or_default();
        let is = all(ours, "disk").iter().find(|is| is["interface"] == slot);
        match is {
            None => remove(object, slot),
            Some(is) => {
                if let Some(block) = in_slot(object, slot, "disk") {
                    tell_disk(was, is, block);
                }
            }
        }
    }
    let (was, is) = (first(before, "cdrom"), first(ours, "cdrom"));
    if let Some(file) = is["file_id"]
        .as_str()
        .filter(|_| was["file_id"] != is["file_id"])
        && let Some(block) = in_slot(
            object,
            is["interface"].as_str().unwrap_or_default(),
            "cdrom",
        )
    {
        block["iso"] = json!(Some(file).filter(|file| !matches!(*file, "none" | "cdrom")));
        if file == "cdrom" || block["passthrough"] == true {
            block["passthrough"] = json!(file == "cdrom");
        }
    } else if was["file_id"] != is["file_id"] && object["iso"].is_string() {
        object["iso"] = is["file_id"].clone();
    }
    let (was, is) = (
        first(before, "initialization"),
        first(ours, "initialization"),
    );
    if was["datastore_id"] != is["datastore_id"] && is["datastore_id"].is_string() {
        let slot = is["interface"].as_str().unwrap_or_default().to_owned();
        let named = text(object, "cloudinit_cdrom_storage").is_some();
        match in_slot(object, &slot, "cloudinit") {
            Some(block) => block["storage"] = is["datastore_id"].clone(),
            None if named => object["cloudinit_cdrom_storage"] = is["datastore_id"].clone(),
            None => {}
        }
    }
}

fn tell_disk(was: &Json, is: &Json, block: &mut Json) {
    for (theirs, ours) in OPTIONS {
        let place = format!("/{ours}");
        let at = |disk: &Json| disk.pointer(&place).cloned().unwrap_or_default();
        if at(was) != at(is) {
            block[theirs] = at(is);
        }
    }
    if was["discard"] != is["discard"] {
        block["discard"] = json!(is["discard"] == "on");
    }
    let fine = &is["(kibibytes)"];
    match value::number(if fine.is_null() { &is["size"] } else { fine }) {
        Some(size) if !fine.is_null() && was["(kibibytes)"] != *fine => {
            block["size"] = json!(vm::print_size(size));
        }
        Some(size) if fine.is_null() && was["size"] != is["size"] => {
            block["size"] = json!(format!("{size}G"));
        }
        _ => {}
    }
}

/// A disk that is gone is to be made again: nothing is in its slot.
fn remove(object: &mut Json, slot: &str) {
    if let Some(known) = object.pointer_mut(&in_tree(slot)) {
        known["disk"] = json!([]);
    }
    let disks = all(object, "disk").to_vec();
    let kept = (0..disks.len()).filter(|at| place(&disks[..*at], &disks[*at]).0 != slot);
    let kept: Vec<Json> = kept.map(|at| disks[at].clone()).collect();
    if kept.len() < disks.len() {
        object["disk"] = json!(kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_write_a_disk_say_the_same() {
        let old = json!({ "disk": [{ "slot": "scsi0", "type": "disk", "storage": "local", "size": "32G", "iothread": true }] });
        let new = json!({ "disks": [{ "scsi": [{ "scsi0": [{ "disk": [{ "storage": "local", "size": "32G", "iothread": true }] }] }] }] });
        assert_eq!(Slots::of(&old).disks, Slots::of(&new).disks);
        assert_eq!(Slots::of(&old).disks[0]["size"], 32);
    }

    #[test]
    fn the_disks_of_older_versions_are_numbered() {
        let object = json!({ "disk": [
            { "type": "scsi", "size": "8G" }, { "type": "scsi", "size": "9G" }, { "type": "virtio", "slot": "3", "size": "1G" },
        ] });
        let slots = Slots::of(&object);
        let names: Vec<&Json> = slots.disks.iter().map(|disk| &disk["interface"]).collect();
        assert_eq!(names, ["scsi0", "scsi1", "virtio3"]);
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(gigabytes("32G"), Some(32));
        assert_eq!(gigabytes("2T"), Some(2048));
        assert_eq!(gigabytes("4096M"), Some(4));
        assert_eq!(gigabytes("100M"), None);
        assert_eq!(gigabytes("x"), None);
        assert_eq!(kibibytes("528K"), Some(528));
        assert_eq!(kibibytes("0G"), None);
        assert_eq!(kibibytes("99999999999999T"), None);
    }

    #[test]
    fn a_size_below_a_gib_is_told_as_it_is() {
        let mut object = json!({ "disk": [{ "slot": "scsi0", "size": "512M" }] });
        let before = json!({ "disk": Slots::of(&object).disks });
        assert_eq!(before["disk"][0]["size"], 1);
        let mut ours = before.clone();
        ours["disk"][0]["(kibibytes)"] = json!(600 << 10);
        tell(&before, &ours, &mut object);
        assert_eq!(object["disk"][0]["size"], "600M");
    }

    #[test]
    fn what_changed_is_written_where_the_disk_stands_and_what_is_gone_leaves() {
        let tree =
            json!({ "disks": [{ "scsi": [{ "scsi0": [{ "disk": [{ "size": "8G" }] }] }] }] });
        let flat = json!({ "disk": [{ "slot": "scsi0", "size": "8G" }] });
        for mut object in [tree, flat] {
            let before = json!({ "disk": Slots::of(&object).disks });
            let mut ours = before.clone();
            ours["disk"][0]["size"] = json!(16);
            ours["disk"][0]["discard"] = json!("on");
            tell(&before, &ours, &mut object);
            let now = Slots::of(&object).disks;
            assert_eq!(
                (&now[0]["size"], &now[0]["discard"]),
                (&json!(16), &json!("on"))
            );
            tell(&before, &json!({ "disk": [] }), &mut object);
            assert!(Slots::of(&object).disks.is_empty());
        }
    }
}
