//! `lvg`: a volume group on its devices.

use serde_json::json;

use super::{bytes, listed};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::modules::programs::{self, plain};
use crate::protocol::Task;

pub(in crate::modules) struct Lvg {
    name: String,
    devices: Option<Vec<String>>,
    extent: String,
    of_device: Vec<String>,
    of_group: Vec<String>,
    state: String,
    force: bool,
    resizes: bool,
    removes_extra: bool,
    new_device_id: bool,
    new_group_id: bool,
}

/// What is to be run.
pub(in crate::modules) struct Found(Vec<Vec<String>>);

impl Module for Lvg {
    const SPEC: Spec = Spec::new(
        "community.general.lvg",
        &[
            Field::str("vg").required(),
            Field::bool("force", false),
            Field::str("pesize").default("4"),
            Field::str("pv_options").default(""),
            Field::bool("pvresize", false),
            Field::list("pvs"),
            Field::bool("remove_extra_pvs", true),
            Field::bool("reset_pv_uuid", false),
            Field::bool("reset_vg_uuid", false),
            Field::str("state")
                .choices(&["absent", "present", "active", "inactive"])
                .default("present"),
            Field::str("vg_options").default(""),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Lvg, ModuleError> {
        let extent = arguments.text("pesize");
        let size = bytes(&extent, 'm');
        if size.is_none_or(|size| size == 0) {
            return Err(ModuleError::new(
                "pesize must be a number with an optional unit, as 4 or 128K",
            ));
        }
        Ok(Lvg {
            name: arguments.text("vg"),
            devices: arguments.list("pvs"),
            extent,
            of_device: programs::words(&arguments.text("pv_options"))?,
            of_group: programs::words(&arguments.text("vg_options"))?,
            state: arguments.text("state"),
            force: arguments.bool("force"),
            resizes: arguments.bool("pvresize"),
            removes_extra: arguments.bool("remove_extra_pvs"),
            new_device_id: arguments.bool("reset_pv_uuid"),
            new_group_id: arguments.bool("reset_vg_uuid"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let groups = listed(host, "vgs", "vg_name,pv_count,lv_count", &[])?;
        let there = groups.iter().find(|row| row.first() == Some(&self.name));
        match (there, self.state.as_str()) {
            (None, "absent") => Ok(Found(Vec::new())),
            (Some(group), "absent") => self.remove(group),
            (None, "inactive") => Err(ModuleError::new(format!(
                "Volume group {} does not exist.",
                self.name
            ))),
            (None, _) => self.create(host),
            (Some(_), _) => self.change(host),
        }
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let run = found.0.iter().cloned();
        run.map(|argv| programs::change(plain(argv))).collect()
    }

    fn report(&self, _: &dyn Host, _: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        Ok(Report::of(values(json!({}))))
    }
}

impl Lvg {
    fn remove(&self, group: &[String]) -> Result<Found, ModuleError> {
        let volumes = group.get(2).map(String::as_str).unwrap_or("0");
        if volumes != "0" && !self.force {
            return Err(ModuleError::new(format!(
                "Refuse to remove non-empty volume group {} without force=true",
                self.name
            )));
        }
        Ok(Found(vec![words(&["vgremove", "--force", &self.name])]))
    }

    /// The devices by the paths that LVM has for them.
    fn resolved(&self, host: &dyn Host) -> Result<Vec<String>, ModuleError> {
        let mut paths = Vec::new();
        for device in self.devices.iter().flatten() {
            let end = host
                .resolve(device.as_ref())
                .map_err(|_| ModuleError::new(format!("Device {device} not found.")))?;
            let end = end.to_string_lossy().into_owned();
            // The mapper's names, not the numbers of its devices.
            paths.push(match end.starts_with("/dev/dm-") {
                true => device.clone(),
                false => end,
            });
        }
        Ok(paths)
    }

    fn create(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let wanted = self.resolved(host)?;
        if wanted.is_empty() {
            return Err(ModuleError::new("No physical volumes given."));
        }
        let mut commands = Vec::new();
        self.prepare(host, &wanted, &mut commands)?;
        let mut create = words(&["vgcreate", "-s", &self.size()]);
        create.extend(self.of_group.iter().cloned());
        create.push(self.name.clone());
        create.extend(wanted);
        commands.push(create);
        if self.state == "inactive" {
            commands.push(words(&["vgchange", "--activate", "n", &self.name]));
        }
        Ok(Found(commands))
    }

    /// An extent's size in the unit that `vgcreate` takes.
    fn size(&self) -> String {
        match self.extent.ends_with(|c: char| c.is_ascii_digit()) {
            true => format!("{}m", self.extent),
            false => self.extent.clone(),
        }
    }

    /// Makes physical volumes of the devices that are none.
    fn prepare(
        &self,
        host: &dyn Host,
        devices: &[String],
        commands: &mut Vec<Vec<String>>,
    ) -> Result<(), ModuleError> {
        let known = listed(host, "pvs", "pv_name,vg_name", &[])?;
        for device in devices {
            let there = known.iter().find(|row| row.first() == Some(device));
            match there.and_then(|row| row.get(1)).map(String::as_str) {
                Some(group) if !group.is_empty() && group != self.name => {
                    return Err(ModuleError::new(format!(
                        "{device} is already in {group} volume group."
                    )));
                }
                Some(_) => {}
                None => {
                    let mut create = words(&["pvcreate"]);
                    create.extend(self.of_device.iter().cloned());
                    create.extend(words(&["-f", device]));
                    commands.push(create);
                }
            }
        }
        Ok(())
    }

    fn change(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let mut commands = Vec::new();
        let all = listed(host, "pvs", "pv_name,vg_name,dev_size,pv_size", &[])?;
        let ours: Vec<&Vec<String>> = all
            .iter()
            .filter(|row| row.get(1) == Some(&self.name))
            .collect();
        if self.devices.is_some() {
            let wanted = self.resolved(host)?;
            let there = |device: &&String| ours.iter().any(|row| row.first() == Some(*device));
            let missing: Vec<String> = wanted
                .iter()
                .filter(|device| !there(device))
                .cloned()
                .collect();
            self.prepare(host, &missing, &mut commands)?;
            if !missing.is_empty() {
                commands.push([words(&["vgextend", &self.name]), missing].concat());
            }
            let surplus: Vec<String> = ours
                .iter()
                .filter_map(|row| row.first())
                .filter(|device| !wanted.contains(device))
                .cloned()
                .collect();
            if self.removes_extra && !surplus.is_empty() {
                commands.push([words(&["vgreduce", "--force", &self.name]), surplus].concat());
            }
        }
        if self.resizes {
            commands.extend(ours.iter().filter_map(|row| grown(row)));
        }
        if self.new_device_id {
            let devices = ours.iter().filter_map(|row| row.first());
            commands.extend(devices.map(|device| words(&["pvchange", "-u", device])));
        }
        if self.new_group_id {
            commands.push(words(&["vgchange", "-u", &self.name]));
        }
        commands.extend(self.activation(host)?);
        Ok(Found(commands))
    }

    fn activation(&self, host: &dyn Host) -> Result<Option<Vec<String>>, ModuleError> {
        let volumes = listed(host, "lvs", "lv_active", &[&self.name])?;
        let active = |row: &Vec<String>| row.first().is_some_and(|state| state == "active");
        Ok(match self.state.as_str() {
            "active" if !volumes.iter().all(active) => {
                Some(words(&["vgchange", "--activate", "y", &self.name]))
            }
            "inactive" if volumes.iter().any(active) => {
                Some(words(&["vgchange", "--activate", "n", &self.name]))
            }
            _ => None,
        })
    }
}

/// Takes the rest of a device that grew: more than an extent and the head of it.
fn grown(row: &[String]) -> Option<Vec<String>> {
    let size = |at: usize| row.get(at)?.parse::<u64>().ok();
    let (device, used) = (size(2)?, size(3)?);
    (device.saturating_sub(used) > 8 << 20).then(|| words(&["pvresize", &row[0]]))
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}
