//! `podman_volume`: a volume is there, mounted, or gone, or is described for systemd.
//!
//! As `containers.podman.podman_volume` 1.18: one that is otherwise than asked is made anew, empty.

use serde_json::{Value, json};

use super::kept::{Current, Found, Kept};
use super::{COMPARED, Differences, SHARED, Thing, flags, pairs};
use crate::arguments::{Arguments, Field, FieldKind, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report};
use crate::protocol::Task;

pub(in crate::modules) struct PodmanVolume {
    kept: Kept,
    labels: Vec<String>,
    driver: Option<String>,
    options: Vec<String>,
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
    .with(SHARED)
    .and(COMPARED);
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
            kept: Kept::read(thing, "Volume", lines, arguments, task)?,
            labels,
            driver,
            options,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        // Only Podman's own user namespace shows where a user's volume is mounted.
        let unshares = host.user_id() != 0;
        self.kept
            .observe(host, |current| self.decide_steps(current, unshares))
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        self.kept.decide(found)
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let mut report = self.kept.report(host, found, outcome)?;
        let output = outcome.outputs.last();
        if let Some(output) = output.filter(|_| self.kept.state == "mounted") {
            let point = output.stdout.trim().to_owned();
            report.values.insert("mount_point".to_owned(), point.into());
        }
        Ok(report)
    }
}

impl PodmanVolume {
    fn decide_steps(&self, current: &mut Current, unshares: bool) -> Result<(), ModuleError> {
        let kept = &self.kept;
        let name = &kept.thing.name;
        // Podman finds a volume by the beginning of its name, too.
        current.info = current
            .info
            .take()
            .filter(|info| info["Name"] == name.as_str());
        let simple = |verb: &str| vec![verb.to_owned(), name.clone()];
        let remove = vec!["rm".to_owned(), "-f".to_owned(), name.clone()];
        let is_there = current.info.is_some();
        let steps = &mut current.steps;
        match kept.state.as_str() {
            "absent" if is_there => steps.push(kept.step("delete", "deleted", remove)),
            "absent" => {}
            "unmounted" if is_there => {
                steps.push(kept.step("unmount", "unmounted", simple("unmount")));
            }
            "unmounted" => {
                return Err(ModuleError::new(format!("Volume {name} does not exist!")));
            }
            "mounted" => {
                if !is_there {
                    steps.push(kept.step("create", "created", self.create()));
                }
                let mut mount = kept.step("mount", "mounted", simple("mount"));
                if unshares {
                    mount.argv.insert(1, "unshare".to_owned());
                    mount.argv.insert(2, kept.thing.executable.clone());
                }
                steps.push(mount);
            }
            _ => {
                let differences = |info: &Value| self.differences(info);
                kept.settle(current, differences, remove, self.create());
            }
        }
        Ok(())
    }

    fn create(&self) -> Vec<String> {
        let mut argv = vec!["create".to_owned(), self.kept.thing.name.clone()];
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
