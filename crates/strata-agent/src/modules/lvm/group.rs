//! `lvg`: a volume group on its devices.

use std::path::PathBuf;

use serde_json::json;

use super::listed;
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

/// A program that is to be run, and what is said if it does not succeed.
type Step = (Vec<String>, String);

/// What is to be run.
pub(in crate::modules) struct Found(Vec<Step>);

/// A device as LVM is to be given it, and where its path ends.
struct Device {
    given: String,
    end: PathBuf,
}

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
        if arguments.bool("reset_pv_uuid") && arguments.list("pvs").is_none() {
            return Err(ModuleError::new(
                "reset_pv_uuid is True but all of the following are missing: pvs",
            ));
        }
        Ok(Lvg {
            name: arguments.text("vg"),
            devices: arguments.list("pvs"),
            extent: arguments.text("pesize"),
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
        let groups = listed(host, "vgs", 'b', "vg_name,pv_count,lv_count", &[])?;
        let there = groups.iter().find(|row| row.first() == Some(&self.name));
        match (there, self.state.as_str()) {
            (None, "absent") => Ok(Found(Vec::new())),
            (Some(group), "absent") => self.remove(group),
            (None, _) => self.create(host),
            (Some(_), _) => self.change(host),
        }
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let steps = found.0.iter().cloned();
        steps
            .map(|(argv, failure)| programs::attempt(plain(argv), failure))
            .collect()
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
        Ok(Found(vec![(
            words(&["vgremove", "--force", &self.name]),
            format!("Failed to remove volume group {}", self.name),
        )]))
    }

    fn devices(&self, host: &dyn Host) -> Result<Vec<Device>, ModuleError> {
        let mut found = Vec::new();
        for device in self.devices.iter().flatten() {
            let end = host
                .resolve(device.as_ref())
                .map_err(|_| ModuleError::new(format!("Device {device} not found.")))?;
            // The mapper's names, not the numbers of its devices.
            let given = match end.starts_with("/dev") && end.to_string_lossy().contains("/dm-") {
                true => device.clone(),
                false => end.to_string_lossy().into_owned(),
            };
            found.push(Device { given, end });
        }
        Ok(found)
    }

    /// The physical volumes that LVM knows, with their groups.
    fn known(&self, host: &dyn Host) -> Result<Vec<(Device, String)>, ModuleError> {
        let rows = listed(host, "pvs", 'b', "pv_name,vg_name", &[])?;
        let known = rows.into_iter().filter_map(|row| match &row[..] {
            [given, group] => {
                let end = host
                    .resolve(given.as_ref())
                    .unwrap_or_else(|_| given.into());
                let given = given.clone();
                Some((Device { given, end }, group.clone()))
            }
            _ => None,
        });
        Ok(known.collect())
    }

    fn create(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        if self.devices.iter().flatten().next().is_none() {
            return Err(ModuleError::new("No physical volumes given."));
        }
        let wanted = self.devices(host)?;
        self.must_be_free(&wanted, &self.known(host)?)?;
        let mut steps: Vec<Step> = wanted
            .iter()
            .map(|device| self.initialize(device))
            .collect();
        let mut create = words(&["vgcreate"]);
        create.extend(self.of_group.iter().cloned());
        let is_set = self.of_group.iter().any(|word| word == AUTOACTIVATION);
        let switch = match self.state.as_str() {
            "active" => Some("y"),
            "inactive" => Some("n"),
            _ => None,
        };
        if let (Some(switch), false) = (switch, is_set)
            && has_autoactivation(host, "vgcreate")?
        {
            create.extend(words(&[AUTOACTIVATION, switch]));
        }
        create.extend(words(&["-s", &self.extent, &self.name]));
        create.extend(wanted.into_iter().map(|device| device.given));
        steps.push((
            create,
            format!("Creating volume group '{}' failed", self.name),
        ));
        Ok(Found(steps))
    }

    fn initialize(&self, device: &Device) -> Step {
        let mut create = words(&["pvcreate"]);
        create.extend(self.of_device.iter().cloned());
        create.extend(words(&["-f", &device.given]));
        (
            create,
            format!("Creating physical volume '{}' failed", device.given),
        )
    }

    fn must_be_free(
        &self,
        wanted: &[Device],
        known: &[(Device, String)],
    ) -> Result<(), ModuleError> {
        let is_wanted = |device: &Device| wanted.iter().any(|one| one.end == device.end);
        let is_others = |group: &String| !group.is_empty() && *group != self.name;
        let mut used = known.iter();
        match used.find(|(device, group)| is_wanted(device) && is_others(group)) {
            Some((device, group)) => Err(ModuleError::new(format!(
                "Device {} is already in {group} volume group.",
                device.given
            ))),
            None => Ok(()),
        }
    }

    fn change(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let wanted = self.devices(host)?;
        let known = self.known(host)?;
        self.must_be_free(&wanted, &known)?;
        let mut steps = self.activation(host)?;
        if self.new_group_id {
            let argv = words(&["vgchange", "-u", &self.name]);
            steps.push((argv, format!("Failed to reset the UUID of {}", self.name)));
        }
        if wanted.is_empty() {
            return Ok(Found(steps));
        }
        let ours: Vec<&Device> = known
            .iter()
            .filter(|(_, group)| *group == self.name)
            .map(|(device, _)| device)
            .collect();
        for device in &ours {
            if self.resizes && has_grown(host, &device.given)? {
                let argv = words(&["pvresize", &device.given]);
                steps.push((argv, "Failed executing pvresize command.".to_owned()));
            }
            if self.new_device_id {
                let argv = words(&["pvchange", "-u", &device.given]);
                steps.push((argv, format!("PV ({}) UUID change failed", device.given)));
            }
        }
        steps.extend(self.exchange(&wanted, &ours));
        Ok(Found(steps))
    }

    /// Takes devices into the group, and others out of it.
    fn exchange(&self, wanted: &[Device], ours: &[&Device]) -> Vec<Step> {
        let new = |device: &&Device| !ours.iter().any(|one| one.end == device.end);
        let new: Vec<&Device> = wanted.iter().filter(new).collect();
        let surplus = |device: &&&Device| !wanted.iter().any(|one| one.end == device.end);
        let surplus = ours.iter().filter(surplus);
        let surplus: Vec<String> = surplus.map(|device| device.given.clone()).collect();
        let mut steps: Vec<Step> = new.iter().map(|device| self.initialize(device)).collect();
        let new: Vec<String> = new.iter().map(|device| device.given.clone()).collect();
        for (verb, word, devices) in [
            (words(&["vgextend", &self.name]), "extend", new),
            (
                words(&["vgreduce", "--force", &self.name]),
                "reduce",
                surplus,
            ),
        ] {
            let is_due = word == "extend" || self.removes_extra;
            if is_due && !devices.is_empty() {
                let failure = format!("Unable to {word} {} by {}.", self.name, devices.join(" "));
                steps.push(([verb, devices].concat(), failure));
            }
        }
        steps
    }

    fn activation(&self, host: &dyn Host) -> Result<Vec<Step>, ModuleError> {
        let switch = match self.state.as_str() {
            "active" => "y",
            "inactive" => "n",
            _ => return Ok(Vec::new()),
        };
        let automatic = has_autoactivation(host, "vgchange")?;
        let fields = match automatic {
            true => "lv_attr,autoactivation",
            false => "lv_attr",
        };
        let rows = listed(host, "vgs", 'b', fields, &[&self.name])?;
        let is_active = |row: &Vec<String>| {
            let attributes = row.first().filter(|text| !text.is_empty());
            attributes.map(|text| text.chars().nth(4) == Some('a'))
        };
        let is_automatic = rows
            .iter()
            .any(|row| row.get(1).is_some_and(|is| is == "enabled"));
        let mut steps = Vec::new();
        let failure = format!("Failed to change the activation of {}", self.name);
        if automatic && is_automatic != (switch == "y") {
            let argv = words(&["vgchange", AUTOACTIVATION, switch, &self.name]);
            steps.push((argv, failure.clone()));
        }
        if rows
            .iter()
            .filter_map(is_active)
            .any(|is| is != (switch == "y"))
        {
            let argv = words(&["vgchange", "--activate", switch, &self.name]);
            steps.push((argv, failure));
        }
        Ok(steps)
    }
}

/// The option of LVM 2.03.12 and later, which says whether the start of the system activates a group.
const AUTOACTIVATION: &str = "--setautoactivation";

fn has_autoactivation(host: &dyn Host, program: &str) -> Result<bool, ModuleError> {
    let help = host.run(&plain([program, "--help"]))?;
    Ok(help.stdout.contains(AUTOACTIVATION))
}

/// Whether more than an extent of a device is no part of its physical volume.
fn has_grown(host: &dyn Host, device: &str) -> Result<bool, ModuleError> {
    let fields = "dev_size,pv_size,pe_start,vg_extent_size";
    let rows = listed(host, "pvs", 'b', fields, &[device])?;
    let numbers = rows.first().map(|row| {
        let numbers = row.iter().map(|text| text.parse::<u64>());
        numbers.collect::<Result<Vec<u64>, _>>()
    });
    Ok(match numbers {
        Some(Ok(numbers)) => match numbers[..] {
            [device, used, start, extent] => device.saturating_sub(start + used) > extent,
            _ => false,
        },
        _ => false,
    })
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}
