//! `subversion`: a working copy or an export of a repository, by the host's `svn`.

use std::path::PathBuf;

use serde_json::json;

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::Command;

pub(super) struct Subversion {
    repo: String,
    dest: Option<PathBuf>,
    revision: String,
    program: String,
    user: Option<String>,
    password: Option<String>,
    verifies: bool,
    force: bool,
    in_place: bool,
    exports: bool,
    switches: bool,
    updates: bool,
    checks_out: bool,
}

/// The copy as it is, and what is to be done.
pub(super) struct Found {
    before: Option<Vec<String>>,
    after: Option<Vec<String>>,
    commands: Vec<Command>,
}

impl Module for Subversion {
    const SPEC: Spec = Spec::new(
        "subversion",
        &[
            Field::str("repo").alias(&["name", "repository"]).required(),
            Field::path("dest"),
            Field::str("revision")
                .alias(&["rev", "version"])
                .default("HEAD"),
            Field::path("executable"),
            Field::str("username"),
            Field::str("password"),
            Field::bool("validate_certs", false),
            Field::bool("force", false),
            Field::bool("in_place", false),
            Field::bool("export", false),
            Field::bool("switch", true),
            Field::bool("update", true),
            Field::bool("checkout", true),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Subversion, ModuleError> {
        let (checks_out, updates) = (arguments.bool("checkout"), arguments.bool("update"));
        let exports = arguments.bool("export");
        let dest = arguments.path("dest");
        if dest.is_none() && (checks_out || updates || exports) {
            return Err(ModuleError::new(
                "the destination directory must be specified unless checkout=no, update=no, and \
                 export=no",
            ));
        }
        let (repo, revision) = (arguments.text("repo"), arguments.text("revision"));
        if repo.starts_with('-') || revision.starts_with('-') {
            return Err(ModuleError::new(
                "an address or a revision cannot begin with a dash",
            ));
        }
        Ok(Subversion {
            repo,
            dest,
            revision,
            program: arguments
                .string("executable")
                .unwrap_or_else(|| "svn".to_owned()),
            user: arguments.string("username"),
            password: arguments.string("password"),
            verifies: arguments.bool("validate_certs"),
            force: arguments.bool("force"),
            in_place: arguments.bool("in_place"),
            exports,
            switches: arguments.bool("switch"),
            updates,
            checks_out,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        if !self.program.contains('/') {
            programs::required(host, &self.program)?;
        }
        let mut found = Found {
            before: None,
            after: None,
            commands: Vec::new(),
        };
        let Some(dest) = self.dest.clone() else {
            found.after = Some(self.of_repository(host)?);
            return Ok(found);
        };
        let dest = dest.to_string_lossy().into_owned();
        let there = host.metadata_followed(dest.as_ref())?.is_some();
        let is_copy = self.info(host, &dest)?.is_some();
        let revision = self.revision.as_str();
        if self.exports {
            let mut words = vec!["export"];
            words.extend(self.force.then_some("--force"));
            words.extend(["-r", revision, &self.repo, &dest]);
            found.commands.push(self.svn(&words));
        } else if !there || (!is_copy && self.in_place) {
            if !self.checks_out {
                return Ok(found);
            }
            let mut words = vec!["checkout", "-r", revision];
            words.extend((self.force || self.in_place).then_some("--force"));
            words.extend([self.repo.as_str(), &dest]);
            found.commands.push(self.svn(&words));
        } else if is_copy {
            self.renew(host, &dest, &mut found)?;
        } else {
            return Err(ModuleError::new(format!(
                "ERROR: {dest} folder already exists, but its not a subversion repository."
            )));
        }
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        found
            .commands
            .iter()
            .cloned()
            .map(programs::change)
            .collect()
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let dest = self
            .dest
            .as_ref()
            .map(|dest| dest.to_string_lossy().into_owned());
        let after = match (&found.after, &dest) {
            (Some(after), _) => json!(after),
            (None, Some(dest)) if outcome.changed && !outcome.check && !self.exports => {
                json!(self.info(host, dest)?)
            }
            _ => json!(found.before),
        };
        let mut report = values(json!({"after": after}));
        if found.before.is_some() {
            report.insert("before".to_owned(), json!(found.before));
        }
        let changed = match (self.exports, &found.before) {
            (false, Some(before)) if !outcome.check => {
                let reverted = outcome.outputs.iter().any(|output| {
                    output
                        .stdout
                        .lines()
                        .any(|line| line.starts_with("Reverted "))
                });
                Some(reverted || json!(before) != after)
            }
            _ => None,
        };
        Ok(Report {
            changed,
            ..Report::of(report)
        })
    }
}

impl Subversion {
    fn svn(&self, words: &[&str]) -> Command {
        let mut argv = vec![self.program.clone(), "--non-interactive".to_owned()];
        argv.push("--no-auth-cache".to_owned());
        if !self.verifies {
            let all = "unknown-ca,cn-mismatch,expired,not-yet-valid,other";
            argv.push(format!("--trust-server-cert-failures={all}"));
        }
        if let Some(user) = &self.user {
            argv.extend(["--username".to_owned(), user.clone()]);
        }
        let mut command = plain(Vec::<String>::new());
        if let Some(password) = &self.password {
            // By its input: arguments are for every user to see.
            argv.push("--password-from-stdin".to_owned());
            command.stdin = Some(format!("{password}\n"));
        }
        argv.extend(words.iter().map(|word| (*word).to_owned()));
        command.argv = argv;
        command
    }

    /// The lines with the revision and the address of a copy, if it is one.
    fn info(&self, host: &dyn Host, path: &str) -> Result<Option<Vec<String>>, ModuleError> {
        let said = host.run(&self.svn(&["info", path]))?;
        Ok((said.status == 0).then(|| lines(&said.stdout)))
    }

    fn of_repository(&self, host: &dyn Host) -> Result<Vec<String>, ModuleError> {
        let words = ["info", "-r", &self.revision, &self.repo];
        let said = programs::checked(host, &self.svn(&words))?;
        Ok(lines(&said.stdout))
    }

    /// Brings a copy to the revision.
    fn renew(&self, host: &dyn Host, dest: &str, found: &mut Found) -> Result<(), ModuleError> {
        let before = self.info(host, dest)?.unwrap_or_default();
        found.before = Some(before.clone());
        if !self.updates {
            return Ok(());
        }
        let status = programs::checked(
            host,
            &self.svn(&["status", "--quiet", "--ignore-externals", dest]),
        )?;
        let is_modified = status
            .stdout
            .lines()
            .any(|line| line.starts_with(|c: char| !matches!(c, ' ' | '?' | 'X')));
        if is_modified && !self.force {
            return Err(ModuleError::new(
                "ERROR: modified files exist in the repository.",
            ));
        }
        let wanted = self.of_repository(host)?;
        let elsewhere = before.last() != wanted.last();
        if is_modified {
            found.commands.push(self.svn(&["revert", "-R", dest]));
        }
        if elsewhere && self.switches {
            let words = [
                "switch",
                "--ignore-ancestry",
                "-r",
                &self.revision,
                &self.repo,
                dest,
            ];
            found.commands.push(self.svn(&words));
        }
        if before != wanted {
            found
                .commands
                .push(self.svn(&["update", "-r", &self.revision, dest]));
        }
        Ok(())
    }
}

/// The lines that Ansible returns.
fn lines(info: &str) -> Vec<String> {
    let wanted = |start: &str| {
        info.lines()
            .find(|line| line.starts_with(start))
            .map(str::to_owned)
    };
    ["Revision:", "URL:"]
        .iter()
        .filter_map(|start| wanted(start))
        .collect()
}
