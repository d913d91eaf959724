//! `apk`: packages of Alpine Linux.
//!
//! What is asked for stands in `/etc/apk/world`; what only came with something else does not, and is asked for by being
//! put there. In check mode `apk --simulate` says what would be done.

use serde_json::json;

use super::programs::{attempt, list_of, plain, required, results};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::{Command, Output};

pub(super) struct Apk {
    names: Vec<String>,
    state: String,
    options: Vec<String>,
    world: String,
    update_cache: bool,
    upgrade: bool,
    available: bool,
    check: bool,
}

/// The packages with which something is to be done, and in check mode what that would be.
pub(super) struct Found {
    packages: Vec<String>,
    upgrades: bool,
    simulated: Option<Output>,
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
            Field::str("world").default("/etc/apk/world"),
        ],
    )
    .exclusive(&[&["name", "upgrade"]])
    .one_of(&[&["name", "update_cache", "upgrade"]]);
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<Apk, ModuleError> {
        let names = arguments.list("name").unwrap_or_default();
        if names.iter().any(|name| name.trim().is_empty()) {
            return Err(ModuleError::new(
                "Package name(s) cannot be empty or whitespace-only",
            ));
        }
        if let Some(name) = names.iter().find(|name| name.starts_with('-')) {
            return Err(ModuleError::new(format!(
                "`{name}` cannot be the name of a package"
            )));
        }
        let mut options = Vec::new();
        options.extend(arguments.bool("no_cache").then(|| "--no-cache".to_owned()));
        for repository in arguments.list("repository").unwrap_or_default() {
            options.extend(["--repository".to_owned(), repository]);
            options.extend(["--repositories-file", "/dev/null"].map(str::to_owned));
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
            world: arguments.text("world"),
            update_cache: arguments.bool("update_cache"),
            upgrade: arguments.bool("upgrade"),
            available: arguments.bool("available"),
            check: task.check,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        required(host, "apk")?;
        let mut found = Found {
            packages: Vec::new(),
            upgrades: false,
            simulated: None,
        };
        match self.state.as_str() {
            "absent" => self.find_there(host, &mut found)?,
            _ => self.find_missing(host, &mut found)?,
        }
        if let (Some((words, failure)), true) = (self.work(&found), self.check) {
            let words: Vec<String> = words.into_iter().chain(["--simulate".to_owned()]).collect();
            let said = host.run(&self.command(&words))?;
            if said.status != 0 {
                return Err(ModuleError::new(failure).with(results(&said)));
            }
            found.simulated = Some(said);
        }
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.update_cache {
            let update = self.command(&["update".to_owned()]);
            changes.push(attempt(update, "could not update package db"));
        }
        if let Some((words, failure)) = self.work(found) {
            changes.push(attempt(self.command(&words), failure));
        }
        changes
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let is_idle = self.work(found).is_none();
        let said = match is_idle && !self.names.is_empty() {
            // The lists that were renewed say nothing about packages.
            true => None,
            false => found.simulated.as_ref().or(outcome.outputs.last()),
        };
        let mut report = values(said.map(results).unwrap_or_else(|| json!({})));
        report.remove("rc");
        let handled = said.map(|said| handled(&said.stdout)).unwrap_or_default();
        if self.state == "absent" && !self.check {
            self.must_be_gone(host, found)?;
        }
        let names = list_of(&found.packages);
        let does = said.is_some_and(|said| !said.stdout.starts_with("OK"));
        let (changed, msg) = match self.state.as_str() {
            _ if self.upgrade && does => (true, "upgraded packages".to_owned()),
            _ if self.upgrade => (false, "packages already upgraded".to_owned()),
            _ if self.names.is_empty() => (true, "updated repository indexes".to_owned()),
            "absent" if is_idle => (false, "package(s) already removed".to_owned()),
            "absent" => (true, format!("removed {names} package(s)")),
            _ if is_idle || self.judges_later() && !does => {
                (false, "package(s) already installed".to_owned())
            }
            _ => (true, format!("installed {names} package(s)")),
        };
        if !is_idle {
            report.insert("packages".to_owned(), json!(handled));
        }
        Ok(Report {
            msg,
            values: report,
            changed: Some(changed),
            ..Report::default()
        })
    }
}

impl Apk {
    fn command(&self, words: &[String]) -> Command {
        let argv = std::iter::once("apk".to_owned()).chain(self.options.iter().cloned());
        plain(argv.chain(words.iter().cloned()))
    }

    fn ask(&self, host: &dyn Host, words: &[&str]) -> Result<Output, ModuleError> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Ok(host.run(&self.command(&words))?)
    }

    /// Whether only the renewed lists can tell what is old.
    fn judges_later(&self) -> bool {
        self.update_cache && self.state == "latest" && !self.check
    }

    /// What is to be run for the packages, and what is said if it fails.
    fn work(&self, found: &Found) -> Option<(Vec<String>, String)> {
        let owned = |words: &[&str]| -> Vec<String> {
            words.iter().map(|word| (*word).to_owned()).collect()
        };
        if self.upgrade {
            let mut words = owned(&["upgrade"]);
            words.extend(self.available.then(|| "--available".to_owned()));
            return Some((words, "failed to upgrade packages".to_owned()));
        }
        if found.packages.is_empty() {
            return None;
        }
        let names = list_of(&found.packages);
        let (mut words, failure) = match self.state.as_str() {
            "absent" => (
                owned(&["del", "--purge"]),
                format!("failed to remove {names} package(s)"),
            ),
            _ if found.upgrades => (
                owned(&["add", "--upgrade"]),
                format!("failed to install {names}"),
            ),
            _ => (owned(&["add"]), format!("failed to install {names}")),
        };
        words.extend(found.packages.iter().cloned());
        Some((words, failure))
    }

    fn find_there(&self, host: &dyn Host, found: &mut Found) -> Result<(), ModuleError> {
        for name in &self.names {
            if self.is_installed(host, name)? {
                found.packages.push(name.clone());
            }
        }
        Ok(())
    }

    fn is_installed(&self, host: &dyn Host, name: &str) -> Result<bool, ModuleError> {
        Ok(self.ask(host, &["-v", "info", "--installed", name])?.status == 0)
    }

    fn find_missing(&self, host: &dyn Host, found: &mut Found) -> Result<(), ModuleError> {
        let world = host.read_text(self.world.as_ref()).unwrap_or_default();
        let mut old = Vec::new();
        for name in &self.names {
            let about = self.ask(host, &["-v", "info", "--description", name])?;
            let is_virtual = about
                .stdout
                .starts_with(&format!("{name}: virtual meta package"));
            let asked_for = || world.split_whitespace().any(|word| is_of(word, name));
            let members = match is_virtual {
                true => self.dependencies(host, name)?,
                false if asked_for() => vec![name.clone()],
                false => {
                    found.packages.push(name.clone());
                    continue;
                }
            };
            for member in members {
                if self.state == "latest" && self.is_old(host, &member)? {
                    old.push(member);
                }
            }
        }
        found.upgrades = !old.is_empty();
        found.packages.extend(old);
        Ok(())
    }

    /// `NAME-1.0 depends on:` and the names.
    fn dependencies(&self, host: &dyn Host, name: &str) -> Result<Vec<String>, ModuleError> {
        let said = self.ask(host, &["-v", "info", "--depends", name])?;
        let names = said.stdout.lines().skip(1).flat_map(str::split_whitespace);
        Ok(names.map(str::to_owned).collect())
    }

    /// Whether a line as `vim-8.0-r0  < 9.0-r0` says that there is a newer one.
    fn is_old(&self, host: &dyn Host, name: &str) -> Result<bool, ModuleError> {
        if self.judges_later() {
            return Ok(true);
        }
        let said = self.ask(host, &["version", name])?;
        let start = format!("{name}-");
        Ok(said.stdout.lines().any(|line| {
            let mut words = line.split_whitespace();
            let is_it = words.next().is_some_and(|word| word.starts_with(&start));
            is_it && words.next() == Some("<")
        }))
    }

    /// What others need stays there, and apk is content with that.
    fn must_be_gone(&self, host: &dyn Host, found: &Found) -> Result<(), ModuleError> {
        for name in &found.packages {
            if self.is_installed(host, name)? {
                let names = list_of(&found.packages);
                return Err(ModuleError {
                    kept: true,
                    ..ModuleError::new(format!("failed to remove {names} package(s)"))
                });
            }
        }
        Ok(())
    }
}

/// Whether a word of the world is about a package: its name, with a version or a repository behind it or not.
fn is_of(word: &str, name: &str) -> bool {
    let rest = word.strip_prefix(name);
    rest.is_some_and(|rest| {
        rest.is_empty() || rest.len() > 1 && rest.starts_with(['@', '=', '<', '>', '~'])
    })
}

/// The names in lines as `(1/3) Installing nginx (1.24.0-r6)`.
fn handled(said: &str) -> Vec<String> {
    let lines = said.lines().filter(|line| line.starts_with('('));
    let names = lines.filter_map(|line| line.split_whitespace().nth(2));
    names.map(str::to_owned).collect()
}
