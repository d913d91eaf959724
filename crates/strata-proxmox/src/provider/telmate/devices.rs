//! Devices of the node that a machine is given, USB and PCI, in each of telmate's ways to write them.
//!
//! Blocks `usb`, `hostpci` and `pci` have a device each; `usbs` and `pcis` have a slot each, and in it what kind of
//! device it is. [`usb`] and [`pci`] say where in an object each stands and which member is which of ours; from that
//! come both our words for it ([`our_usb`], [`our_pci`]) and what became of it ([`tell`]).

use serde_json::{Value as Json, json};

use super::told::{is_nothing, put};
use crate::provider::{
    guest::{all, first, text},
    value,
};

/// Telmate's name of a member and ours.
type Pair = (&'static str, &'static str);

/// How many slots `usbs` and `pcis` have.
pub(super) const SLOTS: [(&str, &str, usize); 2] = [("usbs", "usb", 5), ("pcis", "pci", 16)];

const HOST: &[Pair] = &[("host", "host"), ("usb3", "usb3")];
const DEVICE: &[Pair] = &[("device_id", "host"), ("usb3", "usb3")];
const PORT: &[Pair] = &[("port_id", "host"), ("usb3", "usb3")];
const MAPPING: &[Pair] = &[("mapping_id", "mapping"), ("usb3", "usb3")];
const SPICE: &[Pair] = &[("usb3", "usb3")];

/// The kinds of USB devices: the block in `usbs`, and the member that says so in `usb`.
const USB_KINDS: [(&str, &str, &[Pair]); 5] = [
    ("device", "device_id", DEVICE),
    ("port", "port_id", PORT),
    ("mapping", "mapping_id", MAPPING),
    ("host", "host", HOST),
    ("spice", "", SPICE),
];

const OLDER_PCI: &[Pair] = &[("host", "id"), ("rombar", "rombar"), ("pcie", "pcie")];
const PCI: &[Pair] = &[
    ("raw_id", "id"),
    ("mapping_id", "mapping"),
    ("mdev", "mdev"),
    ("rombar", "rombar"),
    ("pcie", "pcie"),
    ("primary_gpu", "xvga"),
    ("device_id", "(device_id)"),
    ("vendor_id", "(vendor_id)"),
    ("sub_device_id", "(sub_device_id)"),
    ("sub_vendor_id", "(sub_vendor_id)"),
];

/// A device, by the block that says it.
pub(super) struct Device {
    /// Where the block stands.
    place: String,
    /// The number of the slot.
    number: i64,
    members: &'static [Pair],
}

/// The USB devices of a machine, by their numbers.
pub(super) fn usb(object: &Json) -> Vec<Device> {
    let kind = |block: &Json| {
        let mut kinds = USB_KINDS.iter();
        kinds.find(|(_, member, _)| member.is_empty() || text(block, member).is_some())
    };
    let flat = blocks(object, "usb", |block| {
        kind(block).map_or(SPICE, |(_, _, members)| members)
    });
    sorted(flat.chain(in_slots(object, SLOTS[0], &USB_KINDS)))
}

/// The PCI devices of a machine, by their numbers.
pub(super) fn pci(object: &Json) -> Vec<Device> {
    let older = blocks(object, "hostpci", |_| OLDER_PCI);
    let flat = blocks(object, "pci", |_| PCI);
    let kinds = [("mapping", "", PCI), ("raw", "", PCI)];
    sorted(older.chain(flat).chain(in_slots(object, SLOTS[1], &kinds)))
}

fn sorted(devices: impl Iterator<Item = Device>) -> Vec<Device> {
    let mut devices: Vec<Device> = devices.collect();
    devices.sort_by_key(|device| device.number);
    devices
}

/// Devices with a block each.
fn blocks<'a>(
    object: &'a Json,
    name: &'static str,
    members: impl Fn(&Json) -> &'static [Pair] + 'a,
) -> impl Iterator<Item = Device> + 'a {
    all(object, name)
        .iter()
        .enumerate()
        .map(move |(at, block)| Device {
            place: format!("/{name}/{at}"),
            number: value::number(&block["id"]).unwrap_or(at as i64),
            members: members(block),
        })
}

/// Devices that stand in slots.
fn in_slots(
    object: &Json,
    (tree, prefix, count): (&str, &str, usize),
    kinds: &[(&str, &str, &'static [Pair])],
) -> Vec<Device> {
    let slots = first(object, tree);
    let in_slot = |number: usize| {
        let slot = format!("{prefix}{number}");
        let found = kinds
            .iter()
            .find(|(kind, ..)| !first(first(slots, &slot), kind).is_null());
        let (kind, _, members) = found?;
        Some(Device {
            place: format!("/{tree}/0/{slot}/0/{kind}/0"),
            number: number as i64,
            members,
        })
    };
    (0..count).filter_map(in_slot).collect()
}

impl Device {
    fn ours(&self, object: &Json) -> Json {
        let block = object.pointer(&self.place).unwrap_or(&Json::Null);
        let mut ours = json!({});
        for (theirs, name) in self.members {
            ours[*name] = match *name {
                "rombar" | "pcie" | "xvga" => json!(value::truth(&block[*theirs])),
                _ => block[*theirs].clone(),
            };
        }
        ours
    }
}

/// USB devices in our words. They are numbered as they stand there.
pub(super) fn our_usb(object: &Json) -> Json {
    usb(object)
        .iter()
        .map(|device| device.ours(object))
        .collect()
}

/// PCI devices in our words.
pub(super) fn our_pci(object: &Json) -> Json {
    let devices = pci(object);
    let devices = devices.iter().map(|device| {
        let mut ours = device.ours(object);
        ours["device"] = json!(format!("hostpci{}", device.number));
        ours
    });
    devices.collect()
}

/// What is wrong with the numbers of devices.
pub(super) fn wrong_numbers(object: &Json) -> Option<String> {
    let numbers: Vec<i64> = usb(object).iter().map(|device| device.number).collect();
    let gap = (0..).zip(&numbers).any(|(at, number)| at != *number);
    if gap {
        return Some(format!(
            "USB devices are numbered from 0 on without gaps, and these are {numbers:?}"
        ));
    }
    let numbers: Vec<i64> = pci(object).iter().map(|device| device.number).collect();
    numbers
        .windows(2)
        .find(|pair| pair[0] == pair[1])
        .map(|pair| format!("there are two PCI devices with the number {}", pair[0]))
}

/// Tells what became of devices: those that are gone leave their places.
pub(super) fn tell(before: &Json, ours: &Json, object: &mut Json) {
    for (at, device) in usb(object).iter().enumerate() {
        let find = |whole: &Json| all(whole, "usb").get(at).cloned();
        device.tell(find(before).as_ref(), find(ours).as_ref(), object);
    }
    for device in pci(object) {
        let name = format!("hostpci{}", device.number);
        let find = |whole: &Json| {
            let mut devices = all(whole, "hostpci").iter();
            devices.find(|one| one["device"] == name.as_str()).cloned()
        };
        device.tell(find(before).as_ref(), find(ours).as_ref(), object);
    }
    for name in ["usb", "pci", "hostpci"] {
        if let Some(blocks) = object.get_mut(name).and_then(Json::as_array_mut) {
            blocks.retain(|block| !block.is_null());
        }
    }
}

impl Device {
    fn tell(&self, was: Option<&Json>, is: Option<&Json>, object: &mut Json) {
        let Some(is) = is else {
            return self.remove(object);
        };
        for (theirs, name) in self.members {
            let was = was.map_or(&Json::Null, |was| &was[*name]);
            let is = &is[*name];
            if was == is || (is_nothing(was) && is_nothing(is)) {
                continue;
            }
            let place = format!("{}/{theirs}", self.place);
            // 2.9 has truths as numbers.
            let is_number = object.pointer(&place).is_some_and(Json::is_number);
            let now = match is.as_bool().filter(|_| is_number) {
                Some(truth) => json!(u8::from(truth)),
                None => is.clone(),
            };
            put(object, &place, now);
        }
    }

    /// Takes a device away; a block of a list becomes null until all are told.
    fn remove(&self, object: &mut Json) {
        let slot = self.place.rsplit_once('/').map_or("", |(slot, _)| slot);
        match slot.matches('/').count() {
            1 => {
                if let Some(block) = object.pointer_mut(&self.place) {
                    *block = Json::Null;
                }
            }
            _ => {
                if let Some(kind) = object.pointer_mut(slot) {
                    *kind = json!([]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_way() -> [Json; 2] {
        let flat = json!({
            "usb": [{ "id": 1, "mapping_id": "stick", "usb3": true }, { "id": 0, "device_id": "1234:5678" }],
            "pci": [{ "id": 2, "raw_id": "0000:01:00.0", "pcie": true }],
        });
        let slots = json!({
            "usbs": [{
                "usb0": [{ "device": [{ "device_id": "1234:5678" }] }],
                "usb1": [{ "mapping": [{ "mapping_id": "stick", "usb3": true }] }],
            }],
            "pcis": [{ "pci2": [{ "raw": [{ "raw_id": "0000:01:00.0", "pcie": true }] }] }],
        });
        [flat, slots]
    }

    #[test]
    fn each_way_to_write_a_device_says_the_same() {
        for object in every_way() {
            let usb = our_usb(&object);
            assert_eq!(usb[0]["host"], "1234:5678");
            assert_eq!(
                (&usb[1]["mapping"], &usb[1]["usb3"]),
                (&json!("stick"), &json!(true))
            );
            let pci = our_pci(&object);
            assert_eq!(
                (&pci[0]["device"], &pci[0]["id"]),
                (&json!("hostpci2"), &json!("0000:01:00.0"))
            );
        }
        let spice = json!({ "usbs": [{ "usb0": [{ "spice": [{ "usb3": false }] }] }] });
        assert_eq!(our_usb(&spice), json!([{ "usb3": false }]));
    }

    #[test]
    fn what_changed_is_told_where_it_stands_and_what_is_gone_leaves() {
        for mut object in every_way() {
            let before = json!({ "usb": our_usb(&object), "hostpci": our_pci(&object) });
            let mut now = before.clone();
            now["usb"][0]["host"] = json!("1234:0001");
            now["hostpci"] = json!([]);
            tell(&before, &now, &mut object);
            assert_eq!(our_usb(&object)[0]["host"], "1234:0001");
            assert_eq!(our_pci(&object), json!([]));
        }
    }

    #[test]
    fn numbers_of_devices_are_checked() {
        let wrong = |object: Json| wrong_numbers(&object);
        assert_eq!(
            wrong(json!({ "usb": [{ "host": "1-1" }, { "host": "1-2" }] })),
            None
        );
        assert!(wrong(json!({ "usbs": [{ "usb1": [{ "spice": [{}] }] }] })).is_some());
        assert!(
            wrong(json!({ "pci": [{ "id": 1, "raw_id": "a" }, { "id": 1, "raw_id": "b" }] }))
                .is_some()
        );
    }
}
