//! What Podman keeps, by its own program: containers, images, volumes and networks, and files of Quadlet that have systemd
//! make them.
//!
//! As `containers.podman` 1.18. Its modules for volumes and networks leave all out in check mode; ours look, and say what
//! they would do.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::programs::{self, attempt, plain};
use crate::arguments::{Arguments, Field, FieldKind, text};
use crate::change::Change;
use crate::diff;
use crate::host::Host;
use crate::module::ModuleError;
use crate::protocol::Diff;
use crate::system::Command;

pub(super) mod container;
pub(super) mod image;
mod kept;
pub(super) mod network;
mod quadlet;
mod systemd;
pub(super) mod volume;

/// What all of them take.
const SHARED: &[Field] = &[
    Field::str("executable").default("podman"),
    Field::path("quadlet_dir"),
    Field::str("quadlet_filename"),
    Field::new("quadlet_file_mode", FieldKind::Raw),
    Field::list("quadlet_options"),
];

/// What those take that have settings to be compared.
const COMPARED: &[Field] = &[Field::bool("debug", false), Field::bool("recreate", false)];

/// A thing of Podman by its kind (`volume`) and name, and the program that keeps it.
struct Thing {
    kind: &'static str,
    name: String,
    executable: String,
    is_verbose: bool,
}

/// Something to be done, and how it is told.
struct Step {
    /// The whole command.
    argv: Vec<String>,
    /// `created NAME`; empty where it is only the first half of something.
    told: String,
    /// The command as it is told; empty where it is not.
    shown: String,
    /// What is said if it fails, as [`Change::Attempt`] has it.
    failure: String,
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

    /// Podman with these words.
    fn podman<S: Into<String>>(&self, words: impl IntoIterator<Item = S>) -> Command {
        let start = [self.executable.clone()].into_iter();
        plain(start.chain(words.into_iter().map(Into::into)))
    }

    /// What Podman tells of it; nothing where it is not there.
    fn inspect(&self, host: &dyn Host) -> Result<Option<Value>, ModuleError> {
        self.inspect_other(host, self.kind, &self.name)
    }

    /// What Podman tells of a thing of another kind, or of another name.
    fn inspect_other(
        &self,
        host: &dyn Host,
        kind: &str,
        name: &str,
    ) -> Result<Option<Value>, ModuleError> {
        let said = host.run(&self.podman([kind, "inspect", name]))?;
        let read: Value = serde_json::from_str(&said.stdout).unwrap_or_default();
        let first = read.as_array().and_then(|all| all.first());
        Ok(first.filter(|_| said.status == 0).cloned())
    }

    /// The version, as `4.3.1`.
    fn version(&self, host: &dyn Host) -> Result<String, ModuleError> {
        programs::required(host, &self.executable)?;
        let said = host.run(&self.podman(["--version"]))?;
        match said.stdout.split_once("version") {
            Some((_, version)) if said.status == 0 => Ok(version.trim().to_owned()),
            _ => {
                let program = &self.executable;
                Err(ModuleError::new(format!("{program} run failed!")))
            }
        }
    }
}

/// Whether a version is of Podman 4 or later.
fn is_of_four(version: &str) -> bool {
    let major = version.split('.').next().unwrap_or_default();
    major.parse().is_ok_and(|major: u64| major >= 4)
}

fn changes(steps: &[Step]) -> Vec<Change> {
    let run = |step: &Step| attempt(plain(step.argv.iter().cloned()), step.failure.clone());
    steps.iter().map(run).collect()
}

/// What was done, as `actions` and `podman_actions` tell it.
fn told(steps: &[Step]) -> (Vec<&str>, Vec<&str>) {
    let filled = |part: fn(&Step) -> &str| {
        let all = steps.iter().map(part);
        all.filter(|told| !told.is_empty()).collect()
    };
    (filled(|step| &step.told), filled(|step| &step.shown))
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
    joined(map, "=")
}

/// A map as texts of key and value with something in between.
fn joined(map: Option<&Value>, between: &str) -> Vec<String> {
    let map = map.and_then(Value::as_object).into_iter().flatten();
    let pair = |(key, value): (&String, &Value)| Some(format!("{key}{between}{}", text(value)?));
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
