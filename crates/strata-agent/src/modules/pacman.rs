//! `pacman`: packages of Arch Linux and its kin.

use std::collections::BTreeMap;

use serde_json::json;

use super::programs::{self, checked, plain, words};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct Pacman {
    names: Vec<String>,
    state: String,
    program: String,
    force: bool,
    extra: Vec<String>,
    update_cache: bool,
    update_extra: Vec<String>,
    upgrade: bool,
    upgrade_extra: Vec<String>,
    remove_nosave: bool,
    reason: Option<String>,
    reason_for_all: bool,
}

/// What is to be done with which packages.
pub(super) struct Found {
    packages: Vec<String>,
    upgrades: Vec<String>,
    /// Packages that are there for another reason than they shall be.
    otherwise: Vec<String>,
}

impl Module for Pacman {
    const SPEC: Spec = Spec::new(
        "community.general.pacman",
        &[
            Field::list("name").alias(&["package", "pkg"]),
            Field::str("state")
                .choices(&["absent", "installed", "latest", "present", "removed"])
                .default("present"),
            Field::bool("force", false),
            Field::bool("remove_nosave", false),
            Field::str("executable").default("pacman"),
            Field::str("extra_args").default(""),
            Field::bool("update_cache", false),
            Field::str("update_cache_extra_args").default(""),
            Field::bool("upgrade", false),
            Field::str("upgrade_extra_args").default(""),
            Field::str("reason").choices(&["dependency", "explicit"]),
            Field::str("reason_for")
                .choices(&["new", "all"])
                .default("new"),
        ],
    )
    .exclusive(&[&["name", "upgrade"]])
    .one_of(&[&["name", "update_cache", "upgrade"]]);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Pacman, ModuleError> {
        let state = arguments.text("state");
        let names = arguments.list("name").unwrap_or_default();
        if let Some(name) = names.iter().find(|name| name.starts_with('-')) {
            return Err(ModuleError::new(format!(
                "`{name}` cannot be the name of a package"
            )));
        }
        Ok(Pacman {
            names: names.into_iter().filter(|name| !name.is_empty()).collect(),
            state: match state.as_str() {
                "installed" => "present".to_owned(),
                "removed" => "absent".to_owned(),
                _ => state,
            },
            program: arguments.text("executable"),
            force: arguments.bool("force"),
            extra: words(&arguments.text("extra_args"))?,
            update_cache: arguments.bool("update_cache"),
            update_extra: words(&arguments.text("update_cache_extra_args"))?,
            upgrade: arguments.bool("upgrade"),
            upgrade_extra: words(&arguments.text("upgrade_extra_args"))?,
            remove_nosave: arguments.bool("remove_nosave"),
            reason: arguments.string("reason"),
            reason_for_all: arguments.text("reason_for") == "all",
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        programs::required(host, &self.program)?;
        let installed = checked(host, &plain(["pacman", "-Q"]))?;
        let installed = pairs(&installed.stdout);
        let mut found = Found {
            packages: Vec::new(),
            upgrades: Vec::new(),
            otherwise: Vec::new(),
        };
        if self.upgrade || self.state == "latest" {
            // Nothing to upgrade is its status 1.
            let said = host.run(&plain(["pacman", "-Qu"]))?;
            let names = said
                .stdout
                .lines()
                .filter_map(|line| line.split_whitespace().next());
            found.upgrades = names.map(str::to_owned).collect();
        }
        let mut members = Vec::new();
        for name in &self.names {
            for member in self.members(host, name)? {
                let there = installed.contains_key(member.as_str());
                let due = match self.state.as_str() {
                    "absent" => there,
                    "latest" => !there || found.upgrades.contains(&member),
                    // A file or an address is for pacman to judge.
                    _ => !there || member.contains('/'),
                };
                if due {
                    found.packages.push(member);
                } else {
                    members.push(member);
                }
            }
        }
        found.otherwise = self.otherwise(host, members)?;
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let run = |words: &[&str], more: [&[String]; 2]| {
            let mut argv = vec![self.program.clone()];
            argv.extend(words.iter().map(|word| (*word).to_owned()));
            argv.extend(more.iter().flat_map(|more| more.iter().cloned()));
            programs::change(plain(argv))
        };
        let mut changes = Vec::new();
        if self.update_cache {
            let mut words = vec!["--sync", "--refresh"];
            words.extend(self.force.then_some("--refresh"));
            changes.push(run(&words, [&self.update_extra, &[]]));
        }
        if self.upgrade && !found.upgrades.is_empty() {
            let words = ["--sync", "--sysupgrade", "--quiet", "--noconfirm"];
            changes.push(run(&words, [&self.upgrade_extra, &[]]));
        }
        if found.packages.is_empty() {
            changes.extend(self.mark(&found.otherwise));
            return changes;
        }
        if self.state == "absent" {
            let mut words = vec!["--remove", "--noconfirm", "--noprogressbar"];
            words.extend(self.force.then_some("--nodeps"));
            words.extend(self.force.then_some("--nodeps"));
            words.extend(self.remove_nosave.then_some("--nosave"));
            changes.push(run(&words, [&self.extra, &found.packages]));
            return changes;
        }
        let (files, names): (Vec<String>, Vec<String>) = found
            .packages
            .iter()
            .cloned()
            .partition(|name| name.contains('/') && !is_in_repository(name));
        let flags = ["--noconfirm", "--noprogressbar", "--needed"];
        for (verb, packages) in [("--sync", names), ("--upgrade", files)] {
            if !packages.is_empty() {
                let words: Vec<&str> = std::iter::once(verb).chain(flags).collect();
                changes.push(run(&words, [&self.extra, &packages]));
            }
        }
        // Pacman itself marks what is asked for as explicit.
        let mut marked = found.otherwise.clone();
        if self.reason.as_deref() == Some("dependency") {
            let names = found.packages.iter().map(|name| bare(name));
            marked.extend(names.map(str::to_owned));
        }
        changes.extend(self.mark(&marked));
        changes
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let verb = if self.state == "absent" {
            "removed"
        } else {
            "installed"
        };
        let msg = match (self.names.is_empty(), found.packages.len()) {
            (true, _) if self.upgrade && found.upgrades.is_empty() => {
                "Nothing to upgrade".to_owned()
            }
            (true, _) if self.upgrade => "System upgraded".to_owned(),
            (true, _) => "Updated package db".to_owned(),
            (false, 0) if !found.otherwise.is_empty() => {
                format!("marked {} package(s)", found.otherwise.len())
            }
            (false, 0) => format!("package(s) already {verb}"),
            (false, count) => format!("{verb} {count} package(s)"),
        };
        let packages = if self.upgrade {
            &found.upgrades
        } else {
            &found.packages
        };
        let mut values = values(json!({ "packages": packages }));
        if self.update_cache {
            values.insert("cache_updated".to_owned(), true.into());
        }
        Ok(Report {
            msg,
            values,
            ..Report::default()
        })
    }
}

impl Pacman {
    /// Packages of those that are there whose reason is another one, where all are to have the one that is asked for.
    fn otherwise(&self, host: &dyn Host, there: Vec<String>) -> Result<Vec<String>, ModuleError> {
        if !self.reason_for_all || self.state == "absent" {
            return Ok(Vec::new());
        }
        let query = match self.reason.as_deref() {
            Some("dependency") => "-Qeq",
            Some(_) => "-Qdq",
            None => return Ok(Vec::new()),
        };
        // None at all is its status 1.
        let said = host.run(&plain(["pacman", query]))?;
        let is_otherwise = |name: &String| said.stdout.lines().any(|line| line == bare(name));
        Ok(there.into_iter().filter(is_otherwise).collect())
    }

    /// Says why packages are there.
    fn mark(&self, packages: &[String]) -> Option<Change> {
        let flag = match self.reason.as_deref()? {
            "dependency" => "--asdeps",
            _ => "--asexplicit",
        };
        if packages.is_empty() {
            return None;
        }
        let head = [self.program.as_str(), "--database", flag].map(str::to_owned);
        let argv: Vec<String> = head.into_iter().chain(packages.iter().cloned()).collect();
        Some(programs::change(plain(argv)))
    }

    /// The packages that a name stands for; a group is all that are in it.
    fn members(&self, host: &dyn Host, name: &str) -> Result<Vec<String>, ModuleError> {
        if name.contains('/') {
            return Ok(vec![name.to_owned()]);
        }
        let group = host.run(&plain(["pacman", "-Sgq", name]))?;
        let members: Vec<String> = group.stdout.lines().map(str::to_owned).collect();
        Ok(match group.status {
            0 if !members.is_empty() => members,
            _ => vec![name.to_owned()],
        })
    }
}

/// A package without its repository.
fn bare(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Whether a name is `repository/package`, not a file or an address.
fn is_in_repository(name: &str) -> bool {
    !name.starts_with(['/', '.']) && !name.contains("://")
}

fn pairs(listed: &str) -> BTreeMap<&str, &str> {
    listed
        .lines()
        .filter_map(|line| line.split_once(' '))
        .collect()
}
