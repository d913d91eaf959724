//! `apk`: packages of Alpine Linux.

use serde_json::json;

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::Command;

pub(super) struct Apk {
    names: Vec<String>,
    state: String,
    options: Vec<String>,
    update_cache: bool,
    upgrade: bool,
    available: bool,
}

/// The packages with which something is to be done; for an upgrade, whether there is any.
pub(super) struct Found {
    packages: Vec<String>,
    upgrades: bool,
}

impl Module for Apk {
    const SPEC: Spec = Spec::new(
        "community.general.apk",
        &[
            Field::list("name"),
            Field::str("state")
                .choices(&["present", "absent", "latest", "installed", "removed"])
                .default("present"),
            Field::list("repository"),
            Field::bool("no_cache", false),
            Field::bool("update_cache", false),
            Field::bool("upgrade", false),
            Field::bool("available", false),
            Field::fixed("world", "/etc/apk/world"),
        ],
    )
    .exclusive(&[&["name", "upgrade"]])
    .one_of(&[&["name", "update_cache", "upgrade"]]);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Apk, ModuleError> {
        let names = arguments.list("name").unwrap_or_default();
        if names
            .iter()
            .any(|name| name.is_empty() || name.starts_with('-'))
        {
            return Err(ModuleError::new("Package name(s) may not be empty"));
        }
        let mut options = Vec::new();
        options.extend(arguments.bool("no_cache").then(|| "--no-cache".to_owned()));
        for repository in arguments.list("repository").unwrap_or_default() {
            options.extend(["--repository".to_owned(), repository]);
        }
        let state = arguments.text("state");
        Ok(Apk {
            names,
            state: match state.as_str() {
                "installed" => "present".to_owned(),
                "removed" => "absent".to_owned(),
                _ => state,
            },
            options,
            update_cache: arguments.bool("update_cache"),
            upgrade: arguments.bool("upgrade"),
            available: arguments.bool("available"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        programs::required(host, "apk")?;
        let mut found = Found {
            packages: Vec::new(),
            upgrades: false,
        };
        for name in &self.names {
            let bare = name.split(['=', '<', '>', '~', '@']).next().unwrap_or(name);
            let is_there = host
                .run(&plain(["apk", "info", "--installed", bare]))?
                .status
                == 0;
            let due = match self.state.as_str() {
                "absent" => is_there,
                "latest" => !is_there || self.is_old(host, bare)?,
                _ => !is_there || bare != name,
            };
            if due {
                found.packages.push(name.clone());
            }
        }
        if self.upgrade {
            let said = programs::checked(host, &self.command(&self.upgrading(true)))?;
            found.upgrades = works(&said.stdout);
        }
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.update_cache {
            changes.push(programs::change(self.command(&["update"])));
        }
        if self.upgrade && found.upgrades {
            changes.push(programs::change(self.command(&self.upgrading(false))));
        }
        if !found.packages.is_empty() {
            let mut words: Vec<&str> = match self.state.as_str() {
                "absent" => vec!["del", "--purge"],
                "latest" => vec!["add", "--upgrade"],
                _ => vec!["add"],
            };
            words.extend(found.packages.iter().map(String::as_str));
            changes.push(programs::change(self.command(&words)));
        }
        changes
    }

    fn report(
        &self,
        _: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let names = found.packages.join(" ");
        let idle = !outcome.changed;
        let msg = match (self.upgrade, self.state.as_str(), idle) {
            (true, _, true) => "packages already upgraded".to_owned(),
            (true, _, false) => "upgraded packages".to_owned(),
            (_, _, false) if self.names.is_empty() => "updated repository indexes".to_owned(),
            (_, "absent", true) => "package(s) already removed".to_owned(),
            (_, "absent", false) => format!("removed {names} package(s)"),
            (_, _, true) => "package(s) already installed".to_owned(),
            (_, _, false) => format!("installed {names} package(s)"),
        };
        let said = outcome.outputs.last();
        let packages = said
            .map(|output| handled(&output.stdout))
            .unwrap_or_default();
        Ok(Report {
            msg,
            values: values(json!({ "packages": packages })),
            ..Report::default()
        })
    }
}

impl Apk {
    fn command(&self, words: &[&str]) -> Command {
        let argv = std::iter::once("apk".to_owned()).chain(self.options.iter().cloned());
        plain(argv.chain(words.iter().map(|word| (*word).to_owned())))
    }

    fn upgrading(&self, simulate: bool) -> Vec<&'static str> {
        let mut words = vec!["upgrade"];
        words.extend(self.available.then_some("--available"));
        words.extend(simulate.then_some("--simulate"));
        words
    }

    fn is_old(&self, host: &dyn Host, name: &str) -> Result<bool, ModuleError> {
        let said = host.run(&self.command(&["version", "--limit", "<", name]))?;
        // The first line is a heading.
        Ok(said
            .stdout
            .lines()
            .skip(1)
            .any(|line| !line.trim().is_empty()))
    }
}

/// Whether a line says that something would be done, as `(1/3) Upgrading musl`.
fn works(said: &str) -> bool {
    said.lines().any(|line| line.starts_with('('))
}

/// The names in lines as `(1/3) Installing nginx (1.24.0-r6)`.
fn handled(said: &str) -> Vec<String> {
    let lines = said.lines().filter(|line| line.starts_with('('));
    let names = lines.filter_map(|line| line.split_whitespace().nth(2));
    names.map(str::to_owned).collect()
}
