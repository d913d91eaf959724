//! `docker_volume`: a volume with its driver, options and labels.

use serde_json::{Map, Value, json};

use super::{Differences, ENGINE, Engine, Work, encode, labels, reported, texts};
use crate::arguments::{Arguments, Field, FieldKind, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report};
use crate::protocol::Task;

pub(in crate::modules) struct DockerVolume {
    engine: Engine,
    name: String,
    driver: String,
    options: Map<String, Value>,
    labels: Option<Map<String, Value>>,
    recreate: String,
    present: bool,
}

/// The volume as it is, and what is to be done.
pub(in crate::modules) struct Found {
    volume: Option<Value>,
    differences: Differences,
    work: Work,
}

impl Module for DockerVolume {
    const SPEC: Spec = Spec::new(
        "community.docker.docker_volume",
        &[
            Field::str("volume_name").alias(&["name"]).required(),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::str("driver").default("local"),
            Field::new("driver_options", FieldKind::Dict),
            Field::new("labels", FieldKind::Dict),
            Field::str("recreate")
                .choices(&["always", "never", "options-changed"])
                .default("never"),
        ],
    )
    .with(ENGINE);
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<DockerVolume, ModuleError> {
        Ok(DockerVolume {
            engine: Engine::read(arguments, task.check)?,
            name: arguments.text("volume_name"),
            driver: arguments.text("driver"),
            options: texts(arguments.raw("driver_options")).unwrap_or_default(),
            labels: labels(arguments, "labels")?,
            recreate: arguments.text("recreate"),
            present: arguments.text("state") == "present",
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let volume = self.engine.get(host, &self.path())?;
        let differences = volume.as_ref().map(|volume| self.compare(volume));
        let differences = differences.unwrap_or_default();
        let work = self.work(host, volume.as_ref(), &differences)?;
        Ok(Found {
            volume,
            differences,
            work,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        found.work.changes.clone()
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let after = match self.present && outcome.changed && !outcome.check {
            true => self.engine.get(host, &self.path())?,
            false => found.volume.clone(),
        };
        let is_there = found.volume.is_some();
        let mut differences = found.differences.clone();
        differences.add("exists", json!(is_there), json!(self.present));
        let shown = self.present.then(|| ("volume", after.unwrap_or_default()));
        Ok(reported(
            &self.engine,
            &self.name,
            shown,
            &found.work,
            &differences,
        ))
    }
}

impl DockerVolume {
    fn path(&self) -> String {
        format!("/volumes/{}", encode(&self.name))
    }

    fn compare(&self, volume: &Value) -> Differences {
        let mut differences = Differences::default();
        if volume["Driver"] != self.driver.as_str() {
            differences.add("driver", volume["Driver"].clone(), json!(self.driver));
        }
        for (key, value) in &self.options {
            let active = &volume["Options"][key];
            if active != value {
                differences.add(
                    format!("driver_options.{key}"),
                    active.clone(),
                    value.clone(),
                );
            }
        }
        for (key, value) in self.labels.iter().flatten() {
            let active = &volume["Labels"][key];
            if active != value {
                differences.add(format!("labels.{key}"), active.clone(), value.clone());
            }
        }
        differences
    }

    fn work(
        &self,
        host: &dyn Host,
        volume: Option<&Value>,
        differences: &Differences,
    ) -> Result<Work, ModuleError> {
        let mut work = Work::default();
        let name = &self.name;
        let anew = match self.recreate.as_str() {
            "always" => true,
            "options-changed" => !differences.is_empty(),
            _ => false,
        };
        if volume.is_some() && (anew || !self.present) {
            let remove = self.engine.call(host, "DELETE", &self.path(), None)?;
            work.act(format!("Removed volume {name}"), remove);
        }
        if self.present && (anew || volume.is_none()) {
            let mut body = json!({
                "Name": name, "Driver": self.driver, "DriverOpts": self.options,
            });
            if let Some(labels) = &self.labels {
                body["Labels"] = json!(labels);
            }
            let create = self
                .engine
                .call(host, "POST", "/volumes/create", Some(&body))?;
            let driver = &self.driver;
            work.act(
                format!("Created volume {name} with driver {driver}"),
                create,
            );
        }
        Ok(work)
    }
}
