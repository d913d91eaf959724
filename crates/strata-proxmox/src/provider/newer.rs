//! Machines by the names of the provider's newer types: `proxmox_vm` and `proxmox_cloned_vm`.
//!
//! They are said in the words of [`Vm`], which makes, reads, changes and removes them, and what came of
//! it is told in theirs. Of a clone only what its configuration names is managed: devices are maps by
//! their interface, and options that nobody speaks of stay as the template has them.

use serde_json::{Map, Value as Json, json};
use strata_core::{BoxFuture, Diagnostics};

use super::{
    PRIVATE,
    guest::{self, all, first, id_of, tags_of, text, texts},
    kind::{Doing, Kind, Outcome, Planned, Work},
    value,
    vm::{Vm, import_id, patience},
};
use crate::client::Params;

/// A machine of a newer type.
struct Newer {
    name: &'static str,
    /// True if it is made from another.
    clones: bool,
}

pub(crate) static ALL: [&dyn Kind; 2] = [
    &Newer {
        name: "proxmox_vm",
        clones: false,
    },
    &Newer {
        name: "proxmox_cloned_vm",
        clones: true,
    },
];

/// A member: its name there, its name here, and the value that says nothing.
type Member = (&'static str, &'static str, &'static str);

/// Nested attributes and our blocks, with their members.
const MEMBERS: [(&str, &str, &[Member]); 4] = [
    (
        "cpu",
        "cpu",
        &[
            ("cores", "cores", "1"),
            ("sockets", "sockets", "1"),
            ("type", "type", "\"qemu64\""),
            ("flags", "flags", "[]"),
            ("limit", "limit", "0"),
            ("numa", "numa", "false"),
            ("units", "units", "1024"),
            ("vcpus", "hotplugged", "0"),
            ("affinity", "affinity", "null"),
            ("architecture", "architecture", "null"),
        ],
    ),
    (
        "memory",
        "memory",
        &[
            ("size", "dedicated", "512"),
            ("balloon", "floating", "0"),
            ("shares", "shares", "null"),
            ("hugepages", "hugepages", "null"),
            ("keep_hugepages", "keep_hugepages", "false"),
        ],
    ),
    (
        "vga",
        "vga",
        &[
            ("type", "type", "\"std\""),
            ("memory", "memory", "null"),
            ("clipboard", "clipboard", "null"),
        ],
    ),
    (
        "rng",
        "rng",
        &[
            ("source", "source", "null"),
            ("max_bytes", "max_bytes", "null"),
            ("period", "period", "null"),
        ],
    ),
];

/// Members of a disk: theirs and ours.
const DISK: [(&str, &str); 12] = [
    ("aio", "aio"),
    ("backup", "backup"),
    ("cache", "cache"),
    ("datastore_id", "datastore_id"),
    ("discard", "discard"),
    ("format", "file_format"),
    ("import_from", "import_from"),
    ("iothread", "iothread"),
    ("replicate", "replicate"),
    ("serial", "serial"),
    ("size_gb", "size"),
    ("ssd", "ssd"),
];

/// Members of a network device: theirs and ours.
const NETWORK: [(&str, &str); 9] = [
    ("bridge", "bridge"),
    ("firewall", "firewall"),
    ("link_down", "disconnected"),
    ("mac_address", "mac_address"),
    ("model", "model"),
    ("mtu", "mtu"),
    ("queues", "queues"),
    ("rate_limit", "rate_limit"),
    ("tag", "vlan_id"),
];

/// A nested attribute as our block.
fn block(nested: &Json, members: &[(&str, &str, &str)]) -> Json {
    if nested.is_null() {
        return json!([]);
    }
    let block: Map<String, Json> = members
        .iter()
        .map(|(theirs, ours, _)| ((*ours).to_owned(), nested[*theirs].clone()))
        .collect();
    json!([block])
}

fn renamed(from: &Json, members: &[(&str, &str)]) -> Json {
    let block: Map<String, Json> = members
        .iter()
        .map(|(theirs, ours)| ((*ours).to_owned(), from[*theirs].clone()))
        .collect();
    Json::Object(block)
}

/// The disks, and the drives that hold no disk.
fn drives(object: &Json) -> (Vec<Json>, Vec<Json>) {
    let (mut disks, mut cdroms) = (Vec::new(), Vec::new());
    for (interface, disk) in value::members(&object["disk"]) {
        if disk["media"] == "cdrom" {
            cdroms.push(json!({ "interface": interface, "file_id": disk["file"] }));
            continue;
        }
        let mut ours = renamed(disk, &DISK);
        ours["interface"] = json!(interface);
        ours["(inherits)"] = json!(true);
        ours["(volume)"] = disk["file"].clone();
        disks.push(ours);
    }
    for (interface, cdrom) in value::members(&object["cdrom"]) {
        cdroms.push(json!({ "interface": interface, "file_id": cdrom["file_id"] }));
    }
    (disks, cdroms)
}

/// The number of a network device: 2 of `net2`.
fn number_of(interface: &str) -> Option<usize> {
    interface
        .strip_prefix("net")?
        .parse()
        .ok()
        .filter(|number| *number < 32)
}

fn networks(object: &Json) -> Vec<Json> {
    let mut devices = Vec::new();
    for (interface, device) in value::members(&object["network"]) {
        let Some(at) = number_of(interface) else {
            continue;
        };
        if devices.len() <= at {
            devices.resize(at + 1, json!({ "enabled": false }));
        }
        let mut ours = renamed(device, &NETWORK);
        let trunks = all(device, "trunks").iter().filter_map(value::text);
        let trunks: Vec<String> = trunks.collect();
        ours["trunks"] = json!(trunks.join(";"));
        ours["enabled"] = json!(true);
        devices[at] = ours;
    }
    devices
}

impl Newer {
    /// The machine in our words.
    fn ours(&self, object: &Json) -> Json {
        let (disks, cdroms) = drives(object);
        let seconds =
            |name: &str| text(&object["timeouts"], name).map(|text| patience(text).as_secs());
        let mut ours = json!({
            "node_name": object["node_name"], "vm_id": object["id"], "id": value::text(&object["id"]),
            "name": object["name"], "description": object["description"], "tags": texts(object, "tags"),
            "template": object["template"] == true, "migrate": !self.clones,
            "started": self.clones && object["started"] != false, "reboot_after_update": true,
            "stop_on_destroy": object["stop_on_destroy"] == true,
            "purge_on_destroy": object["purge_on_destroy"] != false,
            "delete_unreferenced_disks_on_destroy": object["delete_unreferenced_disks_on_destroy"] == true,
            "acpi": true, "tablet_device": true, "on_boot": null, "cdrom": cdroms, "disk": disks,
            "network_device": networks(object), "timeout_create": seconds("create"),
            "timeout_clone": seconds("create"), "timeout_move_disk": seconds("update"),
            "timeout_shutdown_vm": seconds("delete"),
        });
        for (theirs, name, members) in MEMBERS {
            ours[name] = block(&object[theirs], members);
        }
        if self.clones {
            let clone = &object["clone"];
            ours["clone"] = json!([{
                "vm_id": clone["source_vm_id"], "node_name": clone["source_node_name"],
                "full": clone["full"] != false, "datastore_id": clone["target_datastore"],
                "format": clone["target_format"], "snapshot_name": clone["snapshot_name"],
                "bandwidth_limit": clone["bandwidth_limit"], "retries": clone["retries"],
            }]);
            ours["pool_id"] = clone["pool_id"].clone();
            ours["(gone)"] = json!(unwanted(object));
        }
        ours[PRIVATE] = object[PRIVATE].clone();
        ours
    }

    /// Tells in their words what is there.
    fn tell(&self, before: &Json, ours: &mut Json, object: &mut Json) {
        for name in ["name", "description", "node_name", "template", "started"] {
            let theirs = object.get(name).is_some() && (name != "started" || self.clones);
            if theirs && before[name] != ours[name] && !ours[name].is_null() {
                object[name] = ours[name].clone();
            }
        }
        if tags_of(before) != tags_of(ours) {
            object["tags"] = json!(tags_of(ours));
        }
        for (theirs, name, members) in MEMBERS {
            if object[theirs].is_object() {
                tell_members(
                    first(before, name),
                    first(ours, name),
                    &mut object[theirs],
                    members,
                );
            }
        }
        tell_disks(before, ours, object);
        tell_networks(before, ours, object);
        tell_cdroms(before, ours, object);
        object["id"] = json!(id_of(ours));
        object[PRIVATE] = ours[PRIVATE].take();
    }
}

/// The device of a kind that is at an interface.
fn at<'a>(machine: &'a Json, kind: &str, interface: &str) -> Option<&'a Json> {
    let mut devices = all(machine, kind).iter();
    devices.find(|device| device["interface"] == interface)
}

fn tell_disks(before: &Json, ours: &Json, object: &mut Json) {
    for disk in all(ours, "disk") {
        let interface = disk["interface"].as_str().unwrap_or_default();
        let was = at(before, "disk", interface).unwrap_or(&Json::Null);
        tell_device(was, disk, &mut object["disk"][interface], &DISK);
    }
    // A disk that is gone is to be made again.
    if let Some(disks) = object["disk"].as_object_mut() {
        let is_there = |name: &str| at(ours, "disk", name).is_some();
        disks.retain(|name, disk| disk["media"] == "cdrom" || is_there(name));
    }
}

fn tell_networks(before: &Json, ours: &Json, object: &mut Json) {
    let Some(devices) = object["network"].as_object_mut() else {
        return;
    };
    let number = |interface: &str| number_of(interface).unwrap_or(usize::MAX);
    let of = |machine: &Json, interface: &str| {
        let device = all(machine, "network_device").get(number(interface));
        device.cloned().unwrap_or_default()
    };
    devices.retain(|interface, _| of(ours, interface)["enabled"] != false);
    for (interface, device) in devices {
        let (was, is) = (of(before, interface), of(ours, interface));
        let trunks = |device: &Json| device["trunks"].as_str().unwrap_or_default().to_owned();
        let now = trunks(&is);
        if !was.is_null() && trunks(&was) != now {
            let numbers = now
                .split(';')
                .filter_map(|number| number.parse::<i64>().ok());
            device["trunks"] = numbers.map(|number| json!(number)).collect();
        }
        tell_device(&was, &is, device, &NETWORK);
    }
}

fn tell_cdroms(before: &Json, ours: &Json, object: &mut Json) {
    for cdrom in all(ours, "cdrom") {
        let interface = cdrom["interface"].as_str().unwrap_or_default();
        let was = at(before, "cdrom", interface);
        let is_other = was.is_some_and(|was| was["file_id"] != cdrom["file_id"]);
        if object["cdrom"][interface].is_object() && is_other {
            object["cdrom"][interface]["file_id"] = cdrom["file_id"].clone();
        }
    }
}

/// What the template has and the clone is not to have.
fn unwanted(object: &Json) -> Vec<String> {
    let gone = &object["delete"];
    let mut names = texts(gone, "disk");
    names.extend(texts(gone, "network"));
    names
}

fn tell_members(before: &Json, ours: &Json, object: &mut Json, members: &[(&str, &str, &str)]) {
    for (theirs, name, _) in members {
        let said = !object[*theirs].is_null();
        if said && before[*name] != ours[*name] {
            object[*theirs] = ours[*name].clone();
        }
    }
}

fn tell_device(before: &Json, ours: &Json, object: &mut Json, members: &[(&str, &str)]) {
    for (theirs, name) in members {
        // What nobody speaks of stays unsaid.
        if !object[*theirs].is_null() && before[*name] != ours[*name] {
            object[*theirs] = ours[*name].clone();
        }
    }
}

/// Nested attributes of an imported machine: those of which something is not as usual.
fn imported(ours: &Json, object: &mut Json) {
    for (theirs, name, members) in MEMBERS {
        let block = first(ours, name);
        let unusual = |(_, ours, usual): &(&str, &str, &str)| {
            let usual: Json = serde_json::from_str(usual).unwrap_or_default();
            !block[*ours].is_null() && block[*ours] != usual
        };
        if members.iter().any(unusual) {
            let nested = members
                .iter()
                .map(|(theirs, ours, _)| ((*theirs).to_owned(), block[*ours].clone()));
            object[theirs] = Json::Object(nested.collect());
        }
    }
}

/// Reads a machine for the data source of the same name.
pub(crate) async fn data(work: &Work<'_>, object: &mut Json) -> Outcome<bool> {
    let newer = Newer {
        name: "proxmox_vm",
        clones: false,
    };
    object["(imported)"] = json!(true);
    let there = newer.read(work, object).await?;
    let found = guest::locate(work.session, "qemu", object).await;
    let found = found.doing(|| "The guests of the cluster cannot be listed".to_owned())?;
    if let Some((place, row)) = found {
        object["status"] = row["status"].clone();
        let config = work.session.client.get(&place.path(&["config"])).await;
        let config = config.doing(|| format!("The VM {} cannot be read", place.id))?;
        let cdroms = value::members(&config)
            .iter()
            .filter_map(|(name, setting)| {
                let setting = setting.as_str()?;
                let file = setting.split(',').next().unwrap_or_default();
                (setting.contains("media=cdrom") && !setting.contains("cloudinit"))
                    .then(|| (name.clone(), json!({ "file_id": file })))
            });
        object["cdrom"] = Json::Object(cdroms.collect());
    }
    Ok(there)
}

impl Kind for Newer {
    fn name(&self) -> &'static str {
        self.name
    }

    fn noun(&self) -> &'static str {
        "VM"
    }

    fn validate(&self, config: &Json, diags: &mut Diagnostics) {
        for name in value::members(&config["network"]).keys() {
            if number_of(name).is_none() {
                diags.push(strata_core::Diagnostic::error(
                    "proxmox-invalid-value",
                    format!("`{name}` is no network device: it is `net0` to `net31`"),
                ));
            }
        }
        let mut ours = self.ours(config);
        ours["started"] = json!(false);
        Vm.validate(&ours, diags);
    }

    fn plan<'a>(&'a self, planned: &'a mut Planned<'_>) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let (ours, prior) = (
                self.ours(planned.planned),
                planned.prior.map(|prior| self.ours(prior)),
            );
            let mut look = Planned::new(planned.session, prior.as_ref(), &ours, planned.directory);
            Vm.plan(&mut look).await?;
            planned.replace.extend(look.replace);
            planned.effects.extend(look.effects);
            planned.warnings.extend(look.warnings);
            // What is made from another is made anew if that is another.
            if let Some(prior) = planned.prior.filter(|_| self.clones)
                && prior["clone"]["source_vm_id"] != planned.planned["clone"]["source_vm_id"]
            {
                planned.replace.push("clone");
            }
            Ok(())
        })
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let mut ours = self.ours(object);
            let before = ours.clone();
            let made = Vm.create(work, &mut ours).await;
            if made.is_ok() || made.as_ref().is_err_and(|failure| failure.made) {
                self.tell(&before, &mut ours, object);
            }
            made
        })
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        Box::pin(async move {
            let mut ours = self.ours(object);
            let is_import = object["(imported)"] == true;
            if is_import {
                ours["(imported)"] = json!(true);
            }
            let before = ours.clone();
            let there = Vm.read(work, &mut ours).await?;
            if there && is_import {
                imported(&ours, object);
            }
            if there {
                self.tell(&before, &mut ours, object);
            }
            Ok(there)
        })
    }

    fn update<'a>(
        &'a self,
        work: &'a Work<'a>,
        prior: &'a Json,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let before = self.ours(prior);
            let mut ours = self.ours(object);
            ours["vm_id"] = before["vm_id"].clone();
            ours["id"] = before["id"].clone();
            let mut names = unwanted(object);
            names.retain(|name| !unwanted(prior).contains(name));
            if !names.is_empty() {
                let place = guest::place(work, "qemu", &before).await?;
                let params = Params::new().with("delete", names.join(","));
                let gone = work.post(&place.path(&["config"]), &params).await;
                gone.doing(|| {
                    format!(
                        "The devices that VM {} is not to have were not removed",
                        place.id
                    )
                })?;
            }
            let wanted = ours.clone();
            Vm.update(work, &before, &mut ours).await?;
            self.tell(&wanted, &mut ours, object);
            Ok(())
        })
    }

    fn continues(&self) -> bool {
        true
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move { Vm.delete(work, &self.ours(object)).await })
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        if self.clones {
            return Err(
                "what it was made from is told nowhere: import it as `proxmox_vm`".to_owned(),
            );
        }
        let mut object = import_id(id)?;
        object["id"] = object["vm_id"].take();
        Ok(object)
    }

    fn find<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<Option<bool>>> {
        Box::pin(async move {
            let mut ours = self.ours(object);
            let before = ours.clone();
            let found = Vm.find(work, &mut ours).await?;
            if found == Some(true) {
                self.tell(&before, &mut ours, object);
            }
            Ok(found)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_by_interface_become_devices_by_number() {
        let object =
            json!({ "network": { "net2": { "bridge": "vmbr1", "tag": 5, "trunks": [5, 6] } } });
        let devices = networks(&object);
        assert_eq!(devices.len(), 3);
        assert_eq!(devices[0], json!({ "enabled": false }));
        assert_eq!(devices[2]["vlan_id"], 5);
        assert_eq!(devices[2]["trunks"], "5;6");
    }

    #[test]
    fn a_clone_is_said_in_our_words() {
        let newer = Newer {
            name: "proxmox_cloned_vm",
            clones: true,
        };
        let ours = newer.ours(&json!({
            "clone": { "source_vm_id": 900, "snapshot_name": "s" }, "node_name": "pve",
            "disk": { "scsi0": { "size_gb": 20 }, "ide2": { "media": "cdrom", "file": "local:iso/a.iso" } },
            "delete": { "network": ["net1"] }, "timeouts": { "create": "5m" },
        }));
        assert_eq!(ours["clone"][0]["vm_id"], 900);
        assert_eq!(ours["disk"][0]["size"], 20);
        assert_eq!(
            ours["cdrom"],
            json!([{ "interface": "ide2", "file_id": "local:iso/a.iso" }])
        );
        assert_eq!(ours["(gone)"], json!(["net1"]));
        assert_eq!(ours["timeout_clone"], 300);
    }
}
