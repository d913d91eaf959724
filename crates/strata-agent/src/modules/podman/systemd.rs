//! `generate_systemd`: units of systemd for a container, as Podman writes them.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::quadlet::without_comments;
use super::{Thing, is_of_four};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::Change;
use crate::host::{Host, Kind};
use crate::module::ModuleError;
use crate::modules::file::missing_folders;
use crate::modules::programs::attempt;
use crate::system::Command;

/// What is asked of the units.
pub(super) struct Units {
    /// Nothing was asked: they are only told, where Podman can.
    is_asked: bool,
    /// The units make their containers anew.
    pub(super) makes_anew: bool,
    path: Option<PathBuf>,
    /// Words for every version of Podman.
    words: Vec<String>,
    stop_timeout: Option<String>,
    /// An argument that only Podman 4 understands.
    of_four: Option<&'static str>,
}

const SPEC: Spec = Spec::new(
    "containers.podman.podman_container: generate_systemd",
    &[
        Field::path("path"),
        Field::str("restart_policy").choices(&[
            "no",
            "on-success",
            "on-failure",
            "on-abnormal",
            "on-watchdog",
            "on-abort",
            "always",
        ]),
        Field::int("restart_sec"),
        Field::int("start_timeout"),
        Field::int("stop_timeout").alias(&["time"]),
        Field::bool("no_header", false),
        Field::bool("names", true),
        Field::str("container_prefix"),
        Field::str("pod_prefix"),
        Field::str("separator"),
        Field::bool("new", false),
        Field::list("after"),
        Field::list("wants"),
        Field::list("requires"),
    ],
);

impl Units {
    pub(super) fn read(arguments: &Arguments) -> Result<Units, ModuleError> {
        let given = arguments.raw("generate_systemd").and_then(Value::as_object);
        let given = given.cloned().unwrap_or_default();
        let read = SPEC.read(&given, &Default::default())?;
        let mut words = Vec::new();
        let value = |name: &str| read.raw(name).and_then(crate::arguments::text);
        words.extend(value("restart_policy").map(|policy| format!("--restart-policy={policy}")));
        words.extend(value("restart_sec").map(|seconds| format!("--restart-sec={seconds}")));
        words.extend(value("start_timeout").map(|seconds| format!("--start-timeout={seconds}")));
        for (name, flag) in [
            ("no_header", "--no-header"),
            ("names", "--name"),
            ("new", "--new"),
        ] {
            words.extend(read.bool(name).then(|| flag.to_owned()));
        }
        for (name, flag) in [
            ("container_prefix", "--container-prefix"),
            ("pod_prefix", "--pod-prefix"),
            ("separator", "--separator"),
        ] {
            words.extend(value(name).map(|value| format!("{flag}={value}")));
        }
        let mut of_four = None;
        for name in ["after", "wants", "requires"] {
            let units = read.list(name);
            of_four = of_four.or(units.as_ref().map(|_| name));
            let units = units.into_iter().flatten();
            words.extend(units.map(|unit| format!("--{name}={unit}")));
        }
        Ok(Units {
            is_asked: !given.is_empty(),
            makes_anew: read.bool("new"),
            path: read.filled_path("path"),
            words,
            stop_timeout: value("stop_timeout"),
            of_four,
        })
    }

    /// `podman generate systemd` for a container.
    fn command(&self, thing: &Thing, version: &str, more: &[&str]) -> Result<Command, ModuleError> {
        let is_four = is_of_four(version);
        if let Some(name) = self.of_four.filter(|_| !is_four) {
            return Err(ModuleError::new(format!(
                "Systemd parameter '{name}' is supported from podman version 4 only! Current version is {version}"
            )));
        }
        let flag = if is_four { "stop-timeout" } else { "time" };
        let timeout = self.stop_timeout.iter();
        let timeout = timeout.map(|seconds| format!("--{flag}={seconds}"));
        let start = ["generate", "systemd", &thing.name].into_iter();
        let start = start.chain(more.iter().copied()).map(str::to_owned);
        Ok(thing.podman(start.chain(timeout).chain(self.words.iter().cloned())))
    }

    /// The units by their names, as Podman writes them; none where it cannot and nothing was asked.
    pub(super) fn texts(
        &self,
        host: &dyn Host,
        thing: &Thing,
        version: &str,
    ) -> Result<Map<String, Value>, ModuleError> {
        let said = host.run(&self.command(thing, version, &["--format", "json"])?)?;
        let units = serde_json::from_str::<Map<String, Value>>(&said.stdout);
        match (said.status, units) {
            (0, Ok(units)) => Ok(units),
            _ if !self.is_asked => Ok(Map::new()),
            (0, Err(error)) => Err(ModuleError::new(format!("Error writing systemd: {error}"))),
            _ => {
                let why = said.stderr;
                Err(ModuleError::new(format!("Error generating systemd: {why}")))
            }
        }
    }

    /// What brings the files up to these units.
    pub(super) fn changes(
        &self,
        host: &dyn Host,
        texts: &Map<String, Value>,
    ) -> Result<Vec<Change>, ModuleError> {
        let Some(folder) = &self.path else {
            return Ok(Vec::new());
        };
        let mut changes = folders(host, folder)?;
        for (path, text) in files(folder, texts) {
            let there = match host.metadata_followed(&path)? {
                Some(_) => Some(host.read(&path)?),
                None => None,
            };
            let is_same = there.is_some_and(|there| {
                without_comments(&String::from_utf8_lossy(&there)) == without_comments(text)
            });
            changes.extend((!is_same).then(|| Change::write(path, text)));
        }
        Ok(changes)
    }

    /// Has Podman write the files for a container that is made before.
    pub(super) fn files_of_new(
        &self,
        host: &dyn Host,
        thing: &Thing,
        version: &str,
    ) -> Result<Vec<Change>, ModuleError> {
        let Some(folder) = &self.path else {
            return Ok(Vec::new());
        };
        let mut changes = folders(host, folder)?;
        let command = Command {
            directory: Some(folder.clone()),
            ..self.command(thing, version, &["--files"])?
        };
        changes.push(attempt(command, "Error generating systemd: {stderr}"));
        Ok(changes)
    }

    /// What takes the files of a container away that goes.
    pub(super) fn removals(
        &self,
        host: &dyn Host,
        thing: &Thing,
        version: &str,
    ) -> Result<Vec<Change>, ModuleError> {
        let Some(folder) = &self.path else {
            return Ok(Vec::new());
        };
        let texts = self.texts(host, thing, version).unwrap_or_default();
        let mut changes = Vec::new();
        for (path, _) in files(folder, &texts) {
            let is_there = host.metadata(&path)?.is_some();
            changes.extend(is_there.then_some(Change::Remove { path }));
        }
        Ok(changes)
    }
}

/// Where each unit's text belongs.
fn files<'a>(
    folder: &'a Path,
    texts: &'a Map<String, Value>,
) -> impl Iterator<Item = (PathBuf, &'a str)> {
    texts.iter().map(move |(name, text)| {
        let path = folder.join(format!("{name}.service"));
        (path, text.as_str().unwrap_or_default())
    })
}

/// Makes the folder, unless something else stands in its place.
fn folders(host: &dyn Host, folder: &Path) -> Result<Vec<Change>, ModuleError> {
    let there = host.metadata_followed(folder)?;
    if there.is_some_and(|there| there.kind != Kind::Directory) {
        let shown = folder.display();
        return Err(ModuleError::new(format!(
            "Path {shown} is not a directory! Can not save systemd unit files there!"
        )));
    }
    let missing = missing_folders(host, folder)?.into_iter();
    let make = |path| Change::CreateDirectory { path, mode: 0o755 };
    Ok(missing.map(make).collect())
}
