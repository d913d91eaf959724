//! What `podman_network` and `podman_volume` do alike: look, make or make anew or remove, and tell.

use serde_json::{Value, json};

use super::quadlet::{self, Quadlet};
use super::{Differences, Step, Thing, changes, told};
use crate::arguments::Arguments;
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{ModuleError, Report, values};
use crate::protocol::Task;

/// A thing as it shall be, as far as its kind does not matter.
pub(super) struct Kept {
    pub(super) thing: Thing,
    pub(super) state: String,
    recreates: bool,
    quadlet: Quadlet,
    diff: bool,
}

/// The thing, or its file of Quadlet.
pub(super) type Found = quadlet::Found<Current>;

/// What there is, and what is left to do.
pub(in crate::modules) struct Current {
    pub(super) version: String,
    pub(super) info: Option<Value>,
    pub(super) steps: Vec<Step>,
    differences: Differences,
}

impl Kept {
    /// With the lines of its file of Quadlet under `section`.
    pub(super) fn read(
        thing: Thing,
        section: &str,
        lines: Vec<(&str, Vec<String>)>,
        arguments: &Arguments,
        task: &Task,
    ) -> Result<Kept, ModuleError> {
        Ok(Kept {
            state: arguments.text("state"),
            recreates: arguments.bool("recreate"),
            quadlet: Quadlet::read(arguments, thing.kind, section, lines)?,
            diff: task.diff,
            thing,
        })
    }

    /// Looks, and lets `decide` say which steps are left.
    pub(super) fn observe(
        &self,
        host: &dyn Host,
        decide: impl FnOnce(&mut Current) -> Result<(), ModuleError>,
    ) -> Result<Found, ModuleError> {
        if self.state == "quadlet" {
            return self.quadlet.observe(host).map(Found::Quadlet);
        }
        let mut current = Current {
            version: self.thing.version(host)?,
            info: self.thing.inspect(host)?,
            steps: Vec::new(),
            differences: Differences::default(),
        };
        decide(&mut current)?;
        Ok(Found::Thing(Box::new(current)))
    }

    /// `volume create NAME …`, and how it is told.
    pub(super) fn step(&self, verb: &str, told: &str, words: Vec<String>) -> Step {
        let thing = &self.thing;
        let start = [thing.executable.clone(), thing.kind.to_owned()];
        let argv: Vec<String> = start.into_iter().chain(words).collect();
        Step {
            shown: argv.join(" "),
            argv,
            told: match told {
                "" => String::new(),
                told => format!("{told} {}", thing.name),
            },
            failure: format!("Can't {verb} {} {}", thing.kind, thing.name),
        }
    }

    /// Has it made where it is not there, and made anew where it differs.
    pub(super) fn settle(
        &self,
        current: &mut Current,
        differences: impl FnOnce(&Value) -> Differences,
        remove: Vec<String>,
        create: Vec<String>,
    ) {
        let Some(info) = &current.info else {
            current.steps.push(self.step("create", "created", create));
            return;
        };
        current.differences = differences(info);
        if self.recreates || !current.differences.0.is_empty() {
            current.steps.push(self.step("delete", "", remove));
            current.steps.push(self.step("create", "recreated", create));
        }
    }

    pub(super) fn decide(&self, found: &Found) -> Vec<Change> {
        match found {
            Found::Quadlet(found) => self.quadlet.changes(found),
            Found::Thing(current) => changes(&current.steps),
        }
    }

    pub(super) fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let thing = &self.thing;
        let current = match found {
            Found::Quadlet(_) => return Ok(Report::of(values(Quadlet::values(thing.kind)))),
            Found::Thing(current) => current,
        };
        let (actions, commands) = told(&current.steps);
        let mut report = values(json!({"actions": actions, "podman_actions": commands}));
        let goes = self.state == "absent";
        let info = match (goes, outcome.changed && !outcome.check) {
            (true, _) => None,
            (false, true) => thing.inspect(host)?,
            (false, false) => current.info.clone(),
        };
        report.insert(thing.kind.to_owned(), info.unwrap_or_else(|| json!({})));
        if !goes {
            let last = outcome.outputs.last().cloned().unwrap_or_default();
            report.insert("stdout".to_owned(), last.stdout.into());
            report.insert("stderr".to_owned(), last.stderr.into());
            if thing.is_verbose {
                report.insert("podman_version".to_owned(), json!(current.version));
            }
        }
        let diff = current.differences.diff(&thing.name);
        Ok(Report {
            diff: diff.filter(|_| self.diff).into_iter().collect(),
            ..Report::of(report)
        })
    }
}
