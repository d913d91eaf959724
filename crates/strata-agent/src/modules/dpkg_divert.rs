//! `dpkg_divert`: a file of a package goes elsewhere, so that another can stand in its place.
//!
//! As `community.general.dpkg_divert` 11.4: `dpkg-divert` does the work, and where it cannot (another holder or target of
//! what is diverted already, a renaming that is forced) it is helped.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct DpkgDivert {
    path: String,
    wanted: Diversion,
    rename: bool,
    force: bool,
    holder: Option<String>,
    divert: Option<String>,
}

/// Where a file goes, and for whose sake.
#[derive(Debug, Clone, PartialEq)]
struct Diversion {
    path: String,
    is_present: bool,
    divert: Option<String>,
    holder: Option<String>,
}

/// The diversion that is there, and what has to be done.
pub(super) struct Found {
    before: Diversion,
    changes: Vec<Change>,
    /// The commands as they are told.
    commands: Vec<String>,
    /// What the program says that it would do.
    said: String,
}

impl Module for DpkgDivert {
    const SPEC: Spec = Spec::new(
        "community.general.dpkg_divert",
        &[
            Field::path("path").required(),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::str("holder"),
            Field::path("divert"),
            Field::bool("rename", false),
            Field::bool("force", false),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<DpkgDivert, ModuleError> {
        let path = arguments.text("path");
        let is_present = arguments.text("state") == "present";
        let holder = arguments
            .filled("holder")
            .filter(|holder| holder != "LOCAL");
        let divert = arguments.filled("divert");
        let usual = format!("{path}.distrib");
        Ok(DpkgDivert {
            wanted: Diversion {
                path: path.clone(),
                is_present,
                divert: is_present.then(|| divert.clone().unwrap_or(usual)),
                holder: is_present.then(|| holder.clone().unwrap_or("LOCAL".to_owned())),
            },
            path,
            rename: arguments.bool("rename"),
            force: arguments.bool("force"),
            holder,
            divert,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        programs::required(host, "dpkg-divert")?;
        let before = self.there(host)?;
        let command = self.command(host, self.rename);
        let mut test = command.clone();
        test.insert(1, "--test".to_owned());
        let tried = host.run(&plain(test))?;
        let mut found = Found {
            commands: vec![command.join(" ")],
            changes: Vec::new(),
            said: tried.stdout.trim_end().to_owned(),
            before,
        };
        if found.before == self.wanted {
            return Ok(found);
        }
        if found.before.is_present && self.wanted.is_present {
            self.replace(host, &mut found)?;
            return Ok(found);
        }
        if tried.status != 0 {
            let in_the_way = self.in_the_way(host, &found.before)?;
            let Some(path) = in_the_way.filter(|_| self.rename) else {
                let msg = "Unexpected error while changing state of the diversion.";
                return Err(ModuleError::new(msg).with(programs::results(&tried)));
            };
            if !self.force {
                let msg = "Set 'force' param to True to force renaming of files.";
                return Err(ModuleError::new(msg).with(programs::results(&tried)));
            }
            found.changes.push(Change::Remove { path });
        }
        found.changes.push(programs::change(plain(command)));
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        found.changes.clone()
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let after = match outcome.check || found.changes.is_empty() {
            true => self.wanted.clone(),
            false => self.there(host)?,
        };
        if after != self.wanted {
            return Err(ModuleError::new(
                "Unexpected error: see stdout and stderr for details.",
            ));
        }
        let outputs = outcome.outputs.iter().take(found.commands.len());
        let mut said: Vec<&str> = outputs.map(|output| output.stdout.trim_end()).collect();
        if said.is_empty() {
            said.push(&found.said);
        }
        Ok(Report::of(values(json!({
            "diversion": after.shown(), "commands": found.commands, "messages": said,
        }))))
    }
}

impl Diversion {
    fn shown(&self) -> Value {
        let state = if self.is_present { "present" } else { "absent" };
        json!({"path": self.path, "state": state, "divert": self.divert, "holder": self.holder})
    }
}

/// Where the program is, as it is told.
fn program(host: &dyn Host) -> String {
    let path = host.find_program("dpkg-divert");
    path.map_or("dpkg-divert".to_owned(), |path| {
        path.to_string_lossy().into_owned()
    })
}

impl DpkgDivert {
    /// The diversion of the path as it is.
    fn there(&self, host: &dyn Host) -> Result<Diversion, ModuleError> {
        let ask = |question: &str| -> Result<Option<String>, ModuleError> {
            let said = programs::checked(host, &plain(["dpkg-divert", question, &self.path]))?;
            let said = said.stdout.trim_end();
            Ok((!said.is_empty()).then(|| said.to_owned()))
        };
        let holder = ask("--listpackage")?;
        Ok(Diversion {
            path: self.path.clone(),
            is_present: holder.is_some(),
            divert: match holder {
                Some(_) => ask("--truename")?,
                None => None,
            },
            holder,
        })
    }

    fn command(&self, host: &dyn Host, rename: bool) -> Vec<String> {
        let mut argv = vec![program(host)];
        argv.push(if rename { "--rename" } else { "--no-rename" }.to_owned());
        if !self.wanted.is_present {
            argv.extend(["--remove".to_owned(), self.path.clone()]);
            return argv;
        }
        match &self.holder {
            Some(holder) => argv.extend(["--package".to_owned(), holder.clone()]),
            None => argv.push("--local".to_owned()),
        }
        if let Some(divert) = &self.divert {
            argv.extend(["--divert".to_owned(), divert.clone()]);
        }
        argv.extend(["--add".to_owned(), self.path.clone()]);
        argv
    }

    /// Takes a diversion back and makes it anew for another holder or to another place.
    fn replace(&self, host: &dyn Host, found: &mut Found) -> Result<(), ModuleError> {
        let program = program(host);
        let gone = [program.as_str(), "--no-rename", "--remove", &self.path].map(str::to_owned);
        let anew = self.command(host, false);
        found.commands = vec![gone.join(" "), anew.join(" ")];
        found.changes.push(programs::change(plain(gone)));
        found.changes.push(programs::change(plain(anew)));
        let (Some(old), Some(new)) = (&found.before.divert, &self.wanted.divert) else {
            return Ok(());
        };
        let is_there = |path: &str| {
            host.metadata_followed(Path::new(path))
                .map(|there| there.is_some())
        };
        if old != new && is_there(old)? && !is_there(new)? {
            // What was put aside comes along, so that it is not forgotten.
            found.changes.push(Change::run(&["mv", "-T", old, new]));
        }
        Ok(())
    }

    /// The file at the place to which another is to be renamed.
    fn in_the_way(
        &self,
        host: &dyn Host,
        before: &Diversion,
    ) -> Result<Option<PathBuf>, ModuleError> {
        let path = Path::new(&self.path);
        let other = self.wanted.divert.as_ref().or(before.divert.as_ref());
        let Some(other) = other.map(PathBuf::from) else {
            return Ok(None);
        };
        let both =
            host.metadata_followed(path)?.is_some() && host.metadata_followed(&other)?.is_some();
        let target = if self.wanted.is_present {
            other
        } else {
            path.to_owned()
        };
        Ok(both.then_some(target))
    }
}
