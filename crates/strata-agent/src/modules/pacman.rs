//! `pacman`: packages of Arch Linux and its kin.
//!
//! `pacman` itself is asked what a transaction would do (`--print-format`), so that check mode names what comes and goes
//! with it. Where the lists of packages are to be renewed first, that question comes too early, and what changed is
//! seen by comparing what was installed before and after.

use std::collections::BTreeMap;

use serde_json::json;

use super::programs::{attempt, checked, failed, plain, required, results, words};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::{Diff, Task};
use crate::system::Output;

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
    check: bool,
}

/// What is installed, and what is to be done with which packages.
pub(super) struct Found {
    installed: BTreeMap<String, String>,
    /// What the repositories had before their lists were renewed.
    had: Option<Vec<String>>,
    /// What comes from the repositories, and what from files and addresses.
    names: Vec<String>,
    files: Vec<String>,
    /// Packages that are to be there for another reason.
    marked: Vec<String>,
    gone: Vec<String>,
    /// What pacman says the transaction is about: names with their versions.
    transaction: Vec<(String, String)>,
    upgrades: Vec<(String, String, String)>,
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

    fn new(arguments: &Arguments, task: &Task) -> Result<Pacman, ModuleError> {
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
            check: task.check,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        required(host, &self.program)?;
        let had = match self.update_cache && !self.force && !self.check {
            true => Some(self.repositories(host)?),
            false => None,
        };
        let mut found = Found {
            installed: self.installed(host)?,
            had,
            names: Vec::new(),
            files: Vec::new(),
            marked: Vec::new(),
            gone: Vec::new(),
            transaction: Vec::new(),
            upgrades: Vec::new(),
        };
        if self.upgrade || self.state == "latest" {
            found.upgrades = self.upgrades(host)?;
        }
        if !self.names.is_empty() {
            let packages = self.packages(host, &found)?;
            match self.state.as_str() {
                "absent" => self.find_gone(host, packages, &mut found)?,
                _ => self.find_missing(host, packages, &mut found)?,
            }
        }
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.update_cache {
            let mut argv = vec!["--sync", "--refresh"];
            argv.extend(self.update_extra.iter().map(String::as_str));
            argv.extend(self.force.then_some("--refresh"));
            changes.push(self.step(&argv, &[], "could not update package db"));
        }
        if self.upgrade && (self.refreshes() || !found.upgrades.is_empty()) {
            let argv = ["--sync", "--sysupgrade", "--quiet", "--noconfirm"];
            changes.push(self.step(&argv, &self.upgrade_extra, "Could not upgrade"));
        }
        let install = "Failed to install package(s)";
        for (verb, packages) in [("--sync", &found.names), ("--upgrade", &found.files)] {
            if !packages.is_empty() {
                changes.push(attempt(plain(self.install(&[verb], packages)), install));
            }
        }
        if let (Some(reason), false) = (&self.reason, found.marked.is_empty()) {
            let flag = match reason.as_str() {
                "dependency" => "--asdeps",
                _ => "--asexplicit",
            };
            let argv = ["--noconfirm", "--database", flag];
            changes.push(self.step(&argv, &found.marked, install));
        }
        if !found.gone.is_empty() {
            let nosave: &[&str] = if self.remove_nosave {
                &["--nosave"]
            } else {
                &[]
            };
            let argv = self.removal(nosave, &found.gone);
            changes.push(attempt(plain(argv), "failed to remove package(s)"));
        }
        changes
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let mut report = values(said(&outcome.outputs));
        let mut msgs = Vec::new();
        let mut changed = false;
        if self.update_cache {
            let is_new = match &found.had {
                Some(had) => *had != self.repositories(host)?,
                None => true,
            };
            changed |= is_new;
            report.insert("cache_updated".to_owned(), is_new.into());
            msgs.push(match self.check {
                true => "Would have updated the package db".to_owned(),
                false => "Updated package db".to_owned(),
            });
        }
        let transaction = self.made(host, found)?;
        let diff = self.diff(found, &transaction);
        let mut packages: Vec<String> = match self.state.as_str() {
            "absent" => transaction
                .iter()
                .map(|(name, version)| format!("{name}-{version}"))
                .collect(),
            _ => transaction.iter().map(|(name, _)| name.clone()).collect(),
        };
        if self.upgrade {
            changed |= !packages.is_empty();
            msgs.push(self.told_of_upgrade(packages.len()));
            if !packages.is_empty() {
                report.insert("packages".to_owned(), json!(packages));
            }
        } else if !self.names.is_empty() {
            let new = |name: &&String| !packages.contains(name);
            let marked: Vec<String> = found.marked.iter().filter(new).cloned().collect();
            packages.extend(marked);
            if self.state != "absent" {
                packages.sort();
            }
            changed |= !packages.is_empty();
            msgs.push(self.told(packages.len()));
            report.insert("packages".to_owned(), json!(packages));
        } else if !self.update_cache {
            msgs.push("Nothing to do".to_owned());
        }
        Ok(Report {
            msg: msgs.join("\n"),
            values: report,
            changed: Some(changed),
            diff,
            ..Report::default()
        })
    }
}

impl Pacman {
    /// Whether the lists that pacman has now are not those that will count.
    fn refreshes(&self) -> bool {
        self.update_cache && !self.check
    }

    fn query(&self, host: &dyn Host, words: &[&str]) -> Result<Output, ModuleError> {
        let argv = std::iter::once(self.program.as_str()).chain(words.iter().copied());
        Ok(host.run(&plain(argv))?)
    }

    fn step(&self, words: &[&str], more: &[String], failure: &str) -> Change {
        let words = words.iter().copied().chain(more.iter().map(String::as_str));
        let argv = std::iter::once(self.program.as_str()).chain(words);
        attempt(plain(argv), failure)
    }

    fn install(&self, words: &[&str], packages: &[String]) -> Vec<String> {
        let mut argv = vec![self.program.clone()];
        argv.extend(["--noconfirm", "--noprogressbar", "--needed"].map(str::to_owned));
        argv.extend(self.extra.iter().cloned());
        argv.extend(words.iter().map(|word| (*word).to_owned()));
        argv.extend(packages.iter().cloned());
        argv
    }

    fn removal(&self, words: &[&str], packages: &[String]) -> Vec<String> {
        let mut argv = vec![self.program.clone()];
        argv.extend(["--remove", "--noconfirm", "--noprogressbar"].map(str::to_owned));
        argv.extend(self.extra.iter().cloned());
        let force = ["--nodeps", "--nodeps"].map(str::to_owned);
        argv.extend(force.into_iter().filter(|_| self.force));
        argv.extend(words.iter().map(|word| (*word).to_owned()));
        argv.extend(packages.iter().cloned());
        argv
    }

    fn installed(&self, host: &dyn Host) -> Result<BTreeMap<String, String>, ModuleError> {
        let listed = checked(host, &plain([self.program.as_str(), "--query"]))?;
        let lines = listed.stdout.lines();
        let pairs = lines.filter_map(|line| line.split_once(' '));
        Ok(pairs
            .map(|(name, version)| (name.to_owned(), version.trim().to_owned()))
            .collect())
    }

    fn repositories(&self, host: &dyn Host) -> Result<Vec<String>, ModuleError> {
        let listed = checked(host, &plain([self.program.as_str(), "--sync", "--list"]))?;
        let lines = listed.stdout.lines();
        // What is installed stands behind a package, and is no matter of the repository.
        let words = lines.map(|line| {
            line.split_whitespace()
                .take(3)
                .collect::<Vec<_>>()
                .join(" ")
        });
        let mut words: Vec<String> = words.collect();
        words.sort();
        Ok(words)
    }

    /// Lines as `strace 5.14-1 -> 5.15-1`; nothing to upgrade is its status 1.
    fn upgrades(&self, host: &dyn Host) -> Result<Vec<(String, String, String)>, ModuleError> {
        let said = self.query(host, &["--query", "--upgrades"])?;
        if said.status > 1 {
            return Err(failed(&said));
        }
        let rows = said
            .stdout
            .lines()
            .map(|line| line.split_whitespace().collect());
        let rows = rows.filter_map(|words: Vec<&str>| match words[..] {
            [name, now, "->", next] => Some((name.to_owned(), now.to_owned(), next.to_owned())),
            _ => None,
        });
        Ok(rows.collect())
    }

    /// The packages that the names stand for: each with what pacman is to be given, and whether that is a file.
    fn packages(
        &self,
        host: &dyn Host,
        found: &Found,
    ) -> Result<Vec<(String, String, bool)>, ModuleError> {
        let known = self.repositories(host)?;
        let known = |name: &str| {
            let mut names = known.iter().filter_map(|line| line.split(' ').nth(1));
            found.installed.contains_key(name) || names.any(|one| one == name)
        };
        let groups = self.query(host, &["--sync", "--groups", "--groups"])?;
        let mut packages = Vec::new();
        for name in &self.names {
            let members: Vec<&str> = groups
                .stdout
                .lines()
                .filter_map(|line| line.trim().split_once(' '))
                .filter(|(group, _)| group == name)
                .map(|(_, member)| member.trim())
                .collect();
            if !members.is_empty() {
                let members = members.into_iter();
                packages.extend(members.map(|one| (one.to_owned(), one.to_owned(), false)));
            } else if known(name) {
                packages.push((name.clone(), name.clone(), false));
            } else {
                packages.extend(self.looked_up(host, name)?);
            }
        }
        Ok(packages)
    }

    /// What only pacman can tell: `repository/package`, a file or an address.
    fn looked_up(
        &self,
        host: &dyn Host,
        name: &str,
    ) -> Result<Option<(String, String, bool)>, ModuleError> {
        let said = self.query(host, &["--sync", "--print-format", "%n", name])?;
        if said.status == 0 {
            return Ok(last_line(&said).map(|found| (found, name.to_owned(), false)));
        }
        let said = self.query(host, &["--upgrade", "--print-format", "%n", name])?;
        if said.status == 0 {
            return Ok(last_line(&said).map(|found| (found, name.to_owned(), true)));
        }
        if self.state == "absent" {
            return Ok(None);
        }
        if self.refreshes() && !name.contains("://") {
            // The new lists may have it.
            return Ok(Some((name.to_owned(), name.to_owned(), false)));
        }
        Err(ModuleError::new(format!("Failed to list package {name}")).with(results(&said)))
    }

    fn find_missing(
        &self,
        host: &dyn Host,
        packages: Vec<(String, String, bool)>,
        found: &mut Found,
    ) -> Result<(), ModuleError> {
        let otherwise = self.otherwise(host)?;
        for (name, source, is_file) in packages {
            let is_there = found.installed.contains_key(&name);
            let is_marked = !is_there || self.reason_for_all && otherwise.contains(&name);
            if self.reason.is_some() && is_marked {
                found.marked.push(name.clone());
            }
            let is_old = self.state == "latest"
                && (self.refreshes() || found.upgrades.iter().any(|(old, ..)| *old == name));
            match is_file {
                true => found.files.push(source),
                false if !is_there || is_old => found.names.push(source),
                false => {}
            }
        }
        if self.refreshes() {
            return Ok(());
        }
        for (verb, packages) in [("--sync", &found.names), ("--upgrade", &found.files)] {
            if packages.is_empty() {
                continue;
            }
            let words = [verb, "--print-format", "%n %v"];
            let said = host.run(&plain(self.install(&words, packages)))?;
            if said.status != 0 {
                let failure = ModuleError::new("Failed to list package(s) to install");
                return Err(failure.with(results(&said)));
            }
            let lines = said.stdout.lines().filter(|line| !is_talk(line));
            let pairs = lines.filter_map(|line| line.trim().split_once(' '));
            let pairs = pairs.map(|(name, version)| (name.to_owned(), version.to_owned()));
            found.transaction.extend(pairs);
        }
        if found.transaction.is_empty() && found.marked.is_empty() {
            found.names.clear();
            found.files.clear();
        }
        Ok(())
    }

    fn find_gone(
        &self,
        host: &dyn Host,
        packages: Vec<(String, String, bool)>,
        found: &mut Found,
    ) -> Result<(), ModuleError> {
        let names = packages.into_iter().map(|(name, ..)| name);
        found.gone = names
            .filter(|name| found.installed.contains_key(name))
            .collect();
        if found.gone.is_empty() {
            return Ok(());
        }
        // Two words for the name and the version: either may have dashes.
        let argv = self.removal(&["--print-format", "%n %v"], &found.gone);
        let said = host.run(&plain(argv))?;
        if said.status != 0 {
            let failure = ModuleError::new("failed to list package(s) to remove");
            return Err(failure.with(results(&said)));
        }
        let pairs = said
            .stdout
            .lines()
            .filter_map(|line| line.trim().split_once(' '));
        found.transaction = pairs
            .map(|(name, version)| (name.to_owned(), version.to_owned()))
            .collect();
        Ok(())
    }

    /// What is installed for another reason than the one that is asked for.
    fn otherwise(&self, host: &dyn Host) -> Result<Vec<String>, ModuleError> {
        let query = match self.reason.as_deref() {
            Some("dependency") => "--explicit",
            Some(_) => "--deps",
            None => return Ok(Vec::new()),
        };
        let said = self.query(host, &["--query", "--quiet", query])?;
        Ok(said.stdout.lines().map(str::to_owned).collect())
    }

    /// What the transaction was about, where nobody could say it before.
    fn made(&self, host: &dyn Host, found: &Found) -> Result<Vec<(String, String)>, ModuleError> {
        if self.upgrade && !self.refreshes() {
            let upgrades = found.upgrades.iter();
            return Ok(upgrades
                .map(|(name, _, next)| (name.clone(), next.clone()))
                .collect());
        }
        if !self.refreshes() || self.state == "absent" {
            return Ok(found.transaction.clone());
        }
        let after = self.installed(host)?;
        let is_new =
            |(name, version): &(&String, &String)| found.installed.get(*name) != Some(*version);
        Ok(after
            .iter()
            .filter(is_new)
            .map(|(name, version)| (name.clone(), version.clone()))
            .collect())
    }

    fn told(&self, count: usize) -> String {
        match (self.state.as_str(), count, self.check) {
            ("absent", 0, _) => "package(s) already absent".to_owned(),
            ("absent", _, true) => format!("Would have removed {count} packages"),
            ("absent", _, false) => format!("Removed {count} package(s)"),
            (_, 0, _) => "package(s) already installed".to_owned(),
            (_, _, true) => format!("Would have installed {count} packages"),
            (_, _, false) => format!("Installed {count} package(s)"),
        }
    }

    fn told_of_upgrade(&self, count: usize) -> String {
        match (count, self.check) {
            (0, _) => "Nothing to upgrade".to_owned(),
            (_, true) => format!("{count} packages would have been upgraded"),
            (_, false) => "System upgraded".to_owned(),
        }
    }

    fn diff(&self, found: &Found, transaction: &[(String, String)]) -> Vec<Diff> {
        let line = |name: &str, version: &str| format!("{name}-{version}\n");
        let mut old: Vec<String> = transaction
            .iter()
            .filter_map(|(name, _)| Some(line(name, found.installed.get(name)?)))
            .collect();
        old.sort();
        let new = transaction.iter().filter(|_| self.state != "absent");
        let mut new: Vec<String> = new.map(|(name, version)| line(name, version)).collect();
        new.sort();
        if old == new {
            return Vec::new();
        }
        vec![Diff {
            path: String::new(),
            before_header: String::new(),
            after_header: String::new(),
            before: old.concat(),
            after: new.concat(),
        }]
    }
}

/// What the steps said, one below the other.
fn said(outputs: &[Output]) -> serde_json::Value {
    let join = |texts: Vec<&str>| -> String {
        let texts: Vec<&str> = texts.into_iter().filter(|text| !text.is_empty()).collect();
        texts.join("\n")
    };
    let stdout = join(
        outputs
            .iter()
            .map(|output| output.stdout.as_str())
            .collect(),
    );
    let stderr = join(
        outputs
            .iter()
            .map(|output| output.stderr.as_str())
            .collect(),
    );
    json!({ "stdout": stdout, "stderr": stderr })
}

fn last_line(said: &Output) -> Option<String> {
    let line = said.stdout.lines().last()?.trim();
    Some(line.to_owned())
}

/// What pacman prints between the packages.
fn is_talk(line: &str) -> bool {
    let talk = [
        "loading packages",
        "there is nothing to do",
        "Avoid running",
    ];
    talk.iter().any(|talk| line.contains(talk))
}
