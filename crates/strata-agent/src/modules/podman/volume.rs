//! `podman_volume`: a volume is there, mounted, or gone, or is described for systemd.
//!
//! As `containers.podman.podman_volume` 1.18: one that is otherwise than asked is made anew, empty.

use serde_json::{Value, json};

use super::quadlet::{self, Quadlet};
use super::{Current, Differences, SHARED, Thing, flags, pairs};
use crate::arguments::{Arguments, Field, FieldKind, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(in crate::modules) struct PodmanVolume {
    thing: Thing,
    state: String,
    labels: Vec<String>,
    driver: Option<String>,
    options: Vec<String>,
    recreates: bool,
    quadlet: Quadlet,
    diff: bool,
}

pub(in crate::modules) enum Found {
    Volume(Box<Here>),
    Quadlet(quadlet::Found),
}

/// A volume, and whether only Podman's own user namespace shows where it is mounted.
pub(in crate::modules) struct Here {
    current: Current,
    unshares: bool,
}

impl Module for PodmanVolume {
    const SPEC: Spec = Spec::new(
        "containers.podman.podman_volume",
        &[
            Field::str("state")
                .choices(&["present", "absent", "mounted", "unmounted", "quadlet"])
                .default("present"),
            Field::str("name").required(),
            Field::new("label", FieldKind::Dict),
            Field::str("driver"),
            Field::list("options"),
        ],
    )
    .with(SHARED);
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<PodmanVolume, ModuleError> {
        let thing = Thing::read("volume", arguments);
        let labels = pairs(arguments.raw("label"));
        let driver = arguments.string("driver");
        let options = arguments.list("options").unwrap_or_default();
        let debug = thing.is_verbose.then(|| "--log-level debug".to_owned());
        let arguments_of = |option: &String| format!("--opt {option}");
        let lines = vec![
            ("VolumeName", vec![thing.name.clone()]),
            ("Driver", driver.iter().cloned().collect()),
            ("Label", labels.clone()),
            ("GlobalArgs", debug.into_iter().collect()),
            ("PodmanArgs", options.iter().map(arguments_of).collect()),
        ];
        Ok(PodmanVolume {
            quadlet: Quadlet::read(arguments, "volume", "Volume", lines)?,
            state: arguments.text("state"),
            thing,
            labels,
            driver,
            options,
            recreates: arguments.bool("recreate"),
            diff: task.diff,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        if self.state == "quadlet" {
            return self.quadlet.observe(host).map(Found::Quadlet);
        }
        let version = self.thing.version(host)?;
        let info = self.thing.inspect(host)?;
        let mut current = Current {
            version,
            steps: Vec::new(),
            goes: self.state == "absent",
            differences: Differences::default(),
            info: info.filter(|info| info["Name"] == self.thing.name.as_str()),
        };
        self.decide_steps(&mut current)?;
        Ok(Found::Volume(Box::new(Here {
            current,
            unshares: host.user_id() != 0,
        })))
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let here = match found {
            Found::Quadlet(found) => return self.quadlet.changes(found),
            Found::Volume(here) => here,
        };
        let mut changes = self.thing.changes(&here.current.steps);
        let mounts = here.current.steps.last();
        let mounts = mounts.is_some_and(|step| step.verb == "mount") && here.unshares;
        if let (true, Some(Change::Attempt { command, .. })) = (mounts, changes.last_mut()) {
            let start = [self.thing.executable.clone(), "unshare".to_owned()];
            command.argv.splice(0..0, start);
        }
        changes
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let current = match found {
            Found::Quadlet(_) => return Ok(Report::of(values(Quadlet::values("volume")))),
            Found::Volume(here) => &here.current,
        };
        let mut report = self.thing.report(host, current, outcome)?;
        let mounts = current.steps.last().filter(|step| step.verb == "mount");
        if let (Some(_), Some(output)) = (mounts, outcome.outputs.last()) {
            let point = output.stdout.trim();
            report
                .values
                .insert("mount_point".to_owned(), point.to_owned().into());
        }
        let diff = current.differences.diff(&self.thing.name);
        report.diff.extend(diff.filter(|_| self.diff));
        Ok(report)
    }
}

impl PodmanVolume {
    fn decide_steps(&self, current: &mut Current) -> Result<(), ModuleError> {
        let thing = &self.thing;
        let simple = |verb: &str| vec![verb.to_owned(), thing.name.clone()];
        let remove = vec!["rm".to_owned(), "-f".to_owned(), thing.name.clone()];
        let create = |told| thing.step("create", told, self.create());
        let is_there = current.info.is_some();
        let steps = &mut current.steps;
        match self.state.as_str() {
            "absent" if is_there => steps.push(thing.step("delete", "deleted", remove)),
            "absent" => {}
            "unmounted" if is_there => {
                steps.push(thing.step("unmount", "unmounted", simple("unmount")));
            }
            "unmounted" => {
                let name = &thing.name;
                return Err(ModuleError::new(format!("Volume {name} does not exist!")));
            }
            "mounted" => {
                if !is_there {
                    steps.push(create("created"));
                }
                steps.push(thing.step("mount", "mounted", simple("mount")));
            }
            _ => match &current.info {
                None => steps.push(create("created")),
                Some(info) => {
                    current.differences = self.differences(info);
                    if self.recreates || !current.differences.0.is_empty() {
                        steps.push(thing.step("delete", "", remove));
                        steps.push(create("recreated"));
                    }
                }
            },
        }
        Ok(())
    }

    fn create(&self) -> Vec<String> {
        let mut argv = vec!["create".to_owned(), self.thing.name.clone()];
        argv.extend(flags("--label", &self.labels));
        if let Some(driver) = &self.driver {
            argv.extend(["--driver".to_owned(), driver.clone()]);
        }
        argv.extend(flags("--opt", &self.options));
        argv
    }

    fn differences(&self, info: &Value) -> Differences {
        let sorted = |mut texts: Vec<String>| {
            texts.sort();
            texts.dedup();
            json!(texts)
        };
        let mut found = Differences::default();
        found.compare(
            "driver",
            info["Driver"].clone(),
            json!(self.driver.as_deref().unwrap_or("local")),
        );
        let labels = pairs(info.get("Labels"));
        found.compare("label", sorted(labels), sorted(self.labels.clone()));
        // Podman keeps the owner elsewhere.
        let mut options = pairs(info.get("Options"));
        options.retain(|option| !matches!(option.split_once('='), Some(("UID" | "GID", _))));
        found.compare("options", sorted(options), sorted(self.options.clone()));
        found
    }
}
