//! What Podman keeps, by its own program: volumes and networks, and files of Quadlet that have systemd make them.
//!
//! As `containers.podman` 1.18, whose modules leave all out in check mode; ours look, and say what they would do.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, text};
use crate::change::{Change, Outcome};
use crate::diff;
use crate::host::Host;
use crate::module::{ModuleError, Report};
use crate::protocol::Diff;
use crate::system::Command;

pub(super) mod network;
mod quadlet;
pub(super) mod volume;

/// What all of them take.
const SHARED: &[Field] = &[
    Field::str("executable").default("podman"),
    Field::bool("debug", false),
    Field::bool("recreate", false),
    Field::path("quadlet_dir"),
    Field::str("quadlet_filename"),
    Field::new("quadlet_file_mode", crate::arguments::FieldKind::Raw),
    Field::list("quadlet_options"),
];

/// A thing of Podman by its kind (`volume`) and name, and the program that keeps it.
struct Thing {
    kind: &'static str,
    name: String,
    executable: String,
    is_verbose: bool,
}

/// Something to be done, and how it is told.
struct Step {
    /// What failed, if it did: `create`.
    verb: &'static str,
    /// `created NAME`; empty where it is only the first half of something.
    told: String,
    argv: Vec<String>,
}

impl Thing {
    fn read(kind: &'static str, arguments: &Arguments) -> Thing {
        Thing {
            kind,
            name: arguments.text("name"),
            executable: arguments.text("executable"),
            is_verbose: arguments.bool("debug"),
        }
    }

    fn command(&self, words: &[String]) -> Command {
        let start = [self.executable.clone(), self.kind.to_owned()];
        plain(start.into_iter().chain(words.iter().cloned()))
    }

    /// What Podman tells of it; nothing where it is not there.
    fn inspect(&self, host: &dyn Host) -> Result<Option<Value>, ModuleError> {
        let said = host.run(&self.command(&["inspect".to_owned(), self.name.clone()]))?;
        let read: Value = serde_json::from_str(&said.stdout).unwrap_or_default();
        let first = read.as_array().and_then(|all| all.first());
        Ok(first.filter(|_| said.status == 0).cloned())
    }

    /// The version, as `4.3.1`.
    fn version(&self, host: &dyn Host) -> Result<String, ModuleError> {
        programs::required(host, &self.executable)?;
        let said = host.run(&plain([self.executable.as_str(), "--version"]))?;
        match said.stdout.split_once("version") {
            Some((_, version)) if said.status == 0 => Ok(version.trim().to_owned()),
            _ => {
                let program = &self.executable;
                Err(ModuleError::new(format!("{program} run failed!")))
            }
        }
    }

    fn step(&self, verb: &'static str, told: &str, words: Vec<String>) -> Step {
        Step {
            verb,
            told: match told {
                "" => String::new(),
                told => format!("{told} {}", self.name),
            },
            argv: words,
        }
    }

    fn changes(&self, steps: &[Step]) -> Vec<Change> {
        let run = |step: &Step| Change::Attempt {
            command: self.command(&step.argv),
            failure: format!("Can't {} {} {}", step.verb, self.kind, self.name),
        };
        steps.iter().map(run).collect()
    }

    /// What all of them return.
    fn report(
        &self,
        host: &dyn Host,
        current: &Current,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let start = format!("{} {}", self.executable, self.kind);
        let lines = current
            .steps
            .iter()
            .map(|step| format!("{start} {}", step.argv.join(" ")));
        let told: Vec<&str> = current
            .steps
            .iter()
            .map(|step| step.told.as_str())
            .filter(|told| !told.is_empty())
            .collect();
        let mut report = crate::module::values(json!({
            "actions": told, "podman_actions": lines.collect::<Vec<_>>(),
        }));
        let info = match (current.goes, outcome.changed && !outcome.check) {
            (true, _) => None,
            (false, true) => self.inspect(host)?,
            (false, false) => current.info.clone(),
        };
        report.insert(self.kind.to_owned(), info.unwrap_or_else(|| json!({})));
        if !current.goes {
            let last = outcome.outputs.last().cloned().unwrap_or_default();
            report.insert("stdout".to_owned(), last.stdout.into());
            report.insert("stderr".to_owned(), last.stderr.into());
            if self.is_verbose {
                report.insert("podman_version".to_owned(), json!(current.version));
            }
        }
        Ok(Report::of(report))
    }
}

/// What there is, and what is left to do.
pub(in crate::modules) struct Current {
    version: String,
    info: Option<Value>,
    steps: Vec<Step>,
    /// It shall not be there.
    goes: bool,
    differences: Differences,
}

/// What is otherwise than asked: name, as it is, as it shall be.
#[derive(Default)]
struct Differences(Vec<(&'static str, Value, Value)>);

impl Differences {
    fn compare(&mut self, name: &'static str, is: Value, wanted: Value) {
        if is != wanted {
            self.0.push((name, is, wanted));
        }
    }

    fn diff(&self, name: &str) -> Option<Diff> {
        let side = |value: fn(&(&'static str, Value, Value)) -> Value| -> Value {
            let pairs = self.0.iter().map(|one| (one.0.to_owned(), value(one)));
            Value::Object(pairs.collect::<Map<_, _>>())
        };
        let (before, after) = (side(|one| one.1.clone()), side(|one| one.2.clone()));
        (!self.0.is_empty()).then(|| diff::of_values(name, &before, &after))
    }
}

/// A map as `KEY=VALUE`.
fn pairs(map: Option<&Value>) -> Vec<String> {
    let map = map.and_then(Value::as_object).into_iter().flatten();
    let pair = |(key, value): (&String, &Value)| Some(format!("{key}={}", text(value)?));
    map.filter_map(pair).collect()
}

/// A flag and each of its values.
fn flags(flag: &str, values: &[String]) -> Vec<String> {
    let both = |value: &String| [flag.to_owned(), value.clone()];
    values.iter().flat_map(both).collect()
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("/")).to_owned()
}
