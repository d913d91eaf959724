//! `lvol`: a logical volume with its size, or a snapshot or thin volume.
//!
//! In check mode the tools themselves are asked with `--test`. A size that is no whole number of extents is there once
//! the volume has the next larger one.

use serde_json::json;

use super::{Amount, listed};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::modules::programs::{self, plain};
use crate::protocol::Task;
use crate::system::Output;

pub(in crate::modules) struct Lvol {
    group: String,
    name: Option<String>,
    size: Option<Amount>,
    options: Vec<String>,
    devices: Vec<String>,
    snapshot: Option<String>,
    pool: Option<String>,
    present: bool,
    active: bool,
    force: bool,
    shrinks: bool,
    resizes: bool,
    check: bool,
}

/// A volume that is there: its size in the unit that the task speaks in, and its attributes.
struct Volume {
    name: String,
    size: f64,
    attributes: String,
}

/// The group: its size, what is free of it, and an extent, in the same unit.
struct Group {
    size: f64,
    free: f64,
    extent: f64,
}

/// What is to be run, and the volume before that.
pub(in crate::modules) struct Found {
    has_group: bool,
    there: Option<Volume>,
    work: Option<(Vec<String>, String)>,
    /// In check mode, what the tool says with `--test`.
    tested: Option<Output>,
    activation: Option<Vec<String>>,
}

impl Module for Lvol {
    const SPEC: Spec = Spec::new(
        "community.general.lvol",
        &[
            Field::str("vg").required(),
            Field::bool("active", true),
            Field::bool("force", false),
            Field::str("lv"),
            Field::str("opts").default(""),
            Field::list("pvs"),
            Field::bool("resizefs", false),
            Field::bool("shrink", true),
            Field::str("size"),
            Field::str("snapshot"),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::str("thinpool"),
        ],
    )
    .one_of(&[&["lv", "thinpool"]]);
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<Lvol, ModuleError> {
        let snapshot = arguments.string("snapshot");
        let size = arguments.string("size").filter(|size| !size.is_empty());
        let size = size.map(|size| Amount::read(&size)).transpose()?;
        let of_origin = |size: &Amount| size.of.as_deref() == Some("ORIGIN");
        if snapshot.is_none() && size.as_ref().is_some_and(of_origin) {
            return Err(ModuleError::new(
                "Percentage of ORIGIN supported only for snapshot volumes",
            ));
        }
        Ok(Lvol {
            group: arguments.text("vg"),
            name: arguments.string("lv"),
            size,
            options: programs::words(&arguments.text("opts"))?,
            devices: arguments.list("pvs").unwrap_or_default(),
            snapshot,
            pool: arguments.string("thinpool"),
            present: arguments.text("state") == "present",
            active: arguments.bool("active"),
            force: arguments.bool("force"),
            shrinks: arguments.bool("shrink"),
            resizes: arguments.bool("resizefs"),
            check: task.check,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let mut found = Found {
            has_group: false,
            there: None,
            work: None,
            tested: None,
            activation: None,
        };
        let Some(group) = self.read_group(host)? else {
            return match self.present {
                true => Err(ModuleError::new(format!(
                    "Volume group {} does not exist.",
                    self.group
                ))),
                false => Ok(found),
            };
        };
        found.has_group = true;
        let mut volumes = self.read_volumes(host)?;
        let target = self.target(&volumes)?;
        let bare = target.rsplit('/').next().unwrap_or_default().to_owned();
        let at = volumes
            .iter()
            .position(|one| one.name == target || one.name == bare);
        match (at.map(|at| volumes.swap_remove(at)), self.present) {
            (None, false) => {}
            (None, true) => found.work = Some(self.create(&volumes)?),
            (Some(volume), false) => found.work = Some(self.remove(&volume)?),
            (Some(volume), true) => {
                found.work = self.resize(&volume, &group)?;
                found.activation = self.activation(&volume);
                found.there = Some(volume);
            }
        }
        if let (Some((argv, failure)), true) = (&found.work, self.check) {
            let mut argv = argv.clone();
            argv.insert(1, "--test".to_owned());
            let said = host.run(&plain(argv))?;
            judge(&said, failure)?;
            found.tested = Some(said);
        }
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let mut changes = Vec::new();
        if let Some((argv, _)) = &found.work {
            changes.push(Change::Run {
                command: plain(argv.clone()),
                may_fail: true,
            });
        }
        if let Some(argv) = &found.activation {
            let word = if self.active {
                "activate"
            } else {
                "deactivate"
            };
            let name = self.name.clone().unwrap_or_default();
            let failure = format!("Failed to {word} logical volume {name}");
            changes.push(programs::attempt(plain(argv.clone()), failure));
        }
        changes
    }

    fn report(
        &self,
        _: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        if !found.has_group {
            let stdout = format!("Volume group {} does not exist.", self.group);
            return Ok(Report::of(values(json!({ "stdout": stdout }))));
        }
        let said = found.tested.as_ref().or(outcome.outputs.first());
        let mut changed = found.activation.is_some();
        if let (Some((_, failure)), Some(said)) = (&found.work, said) {
            changed |= judge(said, failure)?;
        }
        let report = match &found.there {
            Some(volume) => json!({
                "vg": self.group, "lv": volume.name, "size": volume.size,
            }),
            None => json!({}),
        };
        Ok(Report {
            changed: Some(changed),
            ..Report::of(values(report))
        })
    }
}

impl Lvol {
    fn rows(
        &self,
        host: &dyn Host,
        program: &str,
        fields: &str,
        more: &[&str],
    ) -> Result<Vec<Vec<String>>, ModuleError> {
        // The size's own unit, so that what LVM rounds compares with it.
        let unit = self.size.as_ref().map_or('m', |size| size.unit);
        let more: Vec<&str> = more.iter().copied().chain([self.group.as_str()]).collect();
        listed(host, program, unit, fields, &more)
    }

    fn read_group(&self, host: &dyn Host) -> Result<Option<Group>, ModuleError> {
        let fields = "vg_name,vg_size,vg_free,vg_extent_size";
        let rows = self.rows(host, "vgs", fields, &[])?;
        Ok(rows.first().map(|row| Group {
            size: number(row, 1),
            free: number(row, 2),
            extent: number(row, 3),
        }))
    }

    fn read_volumes(&self, host: &dyn Host) -> Result<Vec<Volume>, ModuleError> {
        let rows = self.rows(host, "lvs", "lv_name,lv_size,lv_attr", &["-a"])?;
        let volumes = rows.iter().filter_map(|row| {
            Some(Volume {
                name: row.first()?.replace(['[', ']'], ""),
                size: number(row, 1),
                attributes: row.get(2).cloned().unwrap_or_default(),
            })
        });
        Ok(volumes.collect())
    }

    /// The volume that is meant: the snapshot, the volume, or the pool.
    fn target(&self, volumes: &[Volume]) -> Result<String, ModuleError> {
        let named =
            |name: &Option<String>| volumes.iter().any(|one| Some(&one.name) == name.as_ref());
        if let Some(snapshot) = &self.snapshot {
            self.must_have_origin(volumes)?;
            return Ok(snapshot.clone());
        }
        match (&self.name, &self.pool) {
            (Some(_), Some(pool)) if !named(&self.pool) => Err(ModuleError::new(format!(
                "Thin pool LV {pool} does not exist in volume group {}.",
                self.group
            ))),
            (name, pool) => Ok(name.clone().or(pool.clone()).unwrap_or_default()),
        }
    }

    fn must_have_origin(&self, volumes: &[Volume]) -> Result<(), ModuleError> {
        let names = [&self.name, &self.pool];
        let mut origins = volumes
            .iter()
            .filter(|one| names.contains(&&Some(one.name.clone())));
        match origins.next() {
            None => Err(ModuleError::new(format!(
                "Snapshot origin LV {} does not exist in volume group {}.",
                self.name.as_deref().unwrap_or("None"),
                self.group
            ))),
            Some(origin) if origin.attributes.starts_with('t') || self.pool.is_some() => Err(
                ModuleError::new("Snapshots of thin pool LVs are not supported."),
            ),
            Some(_) => Ok(()),
        }
    }

    fn create(&self, volumes: &[Volume]) -> Result<(Vec<String>, String), ModuleError> {
        if let Some(size) = &self.size
            && (size.sign == Some('-') || size.sign.is_some() && size.of.is_none())
        {
            return Err(ModuleError::new(format!(
                "Bad size specification of '{}' for creating LV",
                size.shown()
            )));
        }
        let is_thin =
            |one: &Volume| Some(&one.name) == self.name.as_ref() && one.attributes.starts_with('V');
        if self.size.is_none() && !(self.snapshot.is_some() && volumes.iter().any(is_thin)) {
            return Err(ModuleError::new("No size given."));
        }
        let mut create = words(&["lvcreate", "--yes"]);
        let size: Vec<String> = self.size.iter().flat_map(Amount::whole).collect();
        let of = |name: &str| format!("{}/{name}", self.group);
        match (&self.snapshot, &self.pool, &self.name) {
            (Some(snapshot), _, Some(origin)) => {
                create.extend(size);
                create.extend(words(&["-s", "-n", snapshot]));
                create.extend(self.options.iter().cloned());
                create.push(of(origin));
            }
            (None, Some(pool), Some(name)) => {
                if size.first().is_some_and(|flag| flag == "-l") {
                    return Err(ModuleError::new(
                        "Thin volume sizing with percentage not supported.",
                    ));
                }
                create.extend(words(&["-n", name, "-V"]));
                create.extend(size.into_iter().skip(1));
                create.extend(self.options.iter().cloned());
                create.extend(words(&["-T", &of(pool)]));
            }
            (_, Some(pool), None) => {
                create.extend(size);
                create.extend(self.options.iter().cloned());
                create.extend(words(&["-T", &of(pool)]));
            }
            (_, _, name) => {
                create.extend(words(&["-n", name.as_deref().unwrap_or_default()]));
                create.extend(size);
                create.extend(self.options.iter().cloned());
                create.push(self.group.clone());
                create.extend(self.devices.iter().cloned());
            }
        }
        let name = self.name.as_deref().unwrap_or("None");
        Ok((create, format!("Creating logical volume '{name}' failed")))
    }

    fn remove(&self, volume: &Volume) -> Result<(Vec<String>, String), ModuleError> {
        if !self.force {
            return Err(ModuleError::new(format!(
                "Sorry, no removal of logical volume {} without force=true.",
                volume.name
            )));
        }
        let path = format!("{}/{}", self.group, volume.name);
        let name = self.name.as_deref().unwrap_or("None");
        Ok((
            words(&["lvremove", "--force", &path]),
            format!("Failed to remove logical volume {name}"),
        ))
    }

    fn resize(
        &self,
        volume: &Volume,
        group: &Group,
    ) -> Result<Option<(Vec<String>, String)>, ModuleError> {
        let Some(size) = &self.size else {
            return Ok(None);
        };
        let tool = match size.of.as_deref() {
            Some("ORIGIN") => None,
            Some(of) => self.tool_for_percent(size, of, volume, group)?,
            None => self.tool(size, volume, group)?,
        };
        let Some(mut argv) = tool else {
            return Ok(None);
        };
        argv.extend(self.resizes.then(|| "--resizefs".to_owned()));
        argv.extend(size.words());
        argv.push(format!("{}/{}", self.group, volume.name));
        argv.extend(self.devices.iter().cloned());
        let name = self.name.as_deref().unwrap_or("None");
        let failure = format!("Unable to resize {name} to {}", size.unsigned());
        Ok(Some((argv, failure)))
    }

    fn tool(
        &self,
        size: &Amount,
        volume: &Volume,
        group: &Group,
    ) -> Result<Option<Vec<String>>, ModuleError> {
        let is_smaller = self.shrinks && size.number < volume.size;
        // Extents are whole: the next larger number of them is what the tools make of a size.
        let steps = (size.number / group.extent).ceil() * group.extent;
        if size.sign.is_none() && (steps - volume.size).abs() < 0.01 {
            return Ok(None);
        }
        if size.number > volume.size && size.sign != Some('-') || size.sign == Some('+') {
            return Ok(Some(words(&["lvextend"])));
        }
        if !is_smaller && size.sign != Some('-') {
            return Ok(None);
        }
        if size.number == 0.0 {
            return Err(self.no_shrinking(volume, " to 0 permitted."));
        }
        if !self.force {
            return Err(self.no_shrinking(volume, " without force=true."));
        }
        Ok(Some(words(&["lvreduce", "--force"])))
    }

    fn tool_for_percent(
        &self,
        size: &Amount,
        of: &str,
        volume: &Volume,
        group: &Group,
    ) -> Result<Option<Vec<String>>, ModuleError> {
        let whole = if of == "FREE" { group.free } else { group.size };
        let part = size.number * whole / 100.0;
        let wanted = match size.sign {
            Some('+') => volume.size + part,
            Some(_) => volume.size - part,
            None => part,
        };
        // All tools round down.
        let wanted = wanted - wanted.rem_euclid(group.extent);
        if volume.size < wanted {
            let more = wanted - volume.size;
            if group.free > 0.0 && group.free >= more {
                return Ok(Some(words(&["lvextend"])));
            }
            return Err(ModuleError::new(format!(
                "Logical Volume {} could not be extended. Not enough free space left ({more:?}m \
                 required / {:?}m available)",
                volume.name, group.free
            )));
        }
        if !self.shrinks || volume.size <= wanted + group.extent {
            return Ok(None);
        }
        if wanted < 1.0 {
            return Err(self.no_shrinking(volume, " to 0 permitted."));
        }
        if !self.force {
            return Err(self.no_shrinking(volume, " without force=true"));
        }
        Ok(Some(words(&["lvreduce", "--force"])))
    }

    fn no_shrinking(&self, volume: &Volume, why: &str) -> ModuleError {
        ModuleError::new(format!("Sorry, no shrinking of {}{why}", volume.name))
    }

    fn activation(&self, volume: &Volume) -> Option<Vec<String>> {
        let is_active = volume.attributes.chars().nth(4) == Some('a');
        let flag = if self.active { "-ay" } else { "-an" };
        let path = format!("{}/{}", self.group, volume.name);
        (is_active != self.active).then(|| words(&["lvchange", flag, &path]))
    }
}

/// Whether a tool did something; that there was nothing to do is no mistake.
fn judge(said: &Output, failure: &str) -> Result<bool, ModuleError> {
    if said.status == 0 {
        return Ok(true);
    }
    let idle = ["matches existing size", "not larger than existing size"];
    let mentions = |text: &str| idle.iter().any(|words| text.contains(words));
    if mentions(&said.stderr) || mentions(&said.stdout) {
        return Ok(false);
    }
    Err(ModuleError {
        kept: true,
        ..ModuleError::new(failure).with(json!({"rc": said.status, "err": said.stderr}))
    })
}

fn number(row: &[String], at: usize) -> f64 {
    let number = row.get(at).and_then(|text| text.parse().ok());
    number.unwrap_or_default()
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|word| (*word).to_owned()).collect()
}
