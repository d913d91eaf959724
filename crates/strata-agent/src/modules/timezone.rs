//! `timezone`: the host's time zone, and which time its hardware clock keeps.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::programs::{self, checked, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::diff::sorted_json;
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::{Diff, Task};

pub(super) struct Timezone {
    name: Option<String>,
    hwclock: Option<String>,
    diff: bool,
}

/// What the host has, and whether systemd is there to be told.
pub(super) struct Found {
    name: String,
    hwclock: Option<String>,
    systemd: bool,
    /// Whether `/etc/timezone`, as Debian keeps it, says something else.
    file_differs: bool,
}

const ZONES: &str = "/usr/share/zoneinfo";

impl Module for Timezone {
    const SPEC: Spec = Spec::new(
        "community.general.timezone",
        &[
            Field::str("name"),
            Field::str("hwclock")
                .alias(&["rtc"])
                .choices(&["local", "UTC"]),
        ],
    )
    .one_of(&[&["hwclock", "name"]]);
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<Timezone, ModuleError> {
        let name = arguments.string("name");
        if let Some(name) = name.as_ref().filter(|name| name.contains("..")) {
            return Err(unavailable(name));
        }
        Ok(Timezone {
            name,
            hwclock: arguments.string("hwclock"),
            diff: task.diff,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        if let Some(name) = &self.name
            && host.metadata_followed(&zone(name))?.is_none()
        {
            return Err(unavailable(name));
        }
        let local = Path::new("/etc/localtime");
        let link = match host.metadata(local)? {
            Some(_) => host.link_target(local).ok(),
            None => None,
        };
        let link = link.map(|link| link.to_string_lossy().into_owned());
        let name = link.and_then(|link| {
            let (_, name) = link.split_once("zoneinfo/")?;
            Some(name.to_owned())
        });
        let file = host.read_text(Path::new("/etc/timezone"));
        let systemd = host.find_program("timedatectl").is_some();
        let hwclock = match &self.hwclock {
            None => None,
            Some(_) => Some(self.observe_clock(host, systemd)?),
        };
        let named = file.map(|text| text.trim().to_owned());
        let wanted = self.name.as_deref();
        Ok(Found {
            file_differs: !systemd && named.as_deref().is_some_and(|now| Some(now) != wanted),
            name: name.or(named).unwrap_or_else(|| "Etc/UTC".to_owned()),
            hwclock,
            systemd,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let mut changes = Vec::new();
        if let Some(name) = self.name.as_ref().filter(|name| **name != found.name) {
            if found.systemd {
                changes.push(programs::change(plain([
                    "timedatectl",
                    "set-timezone",
                    name,
                ])));
            } else {
                changes.push(Change::Symlink {
                    path: PathBuf::from("/etc/localtime"),
                    target: zone(name),
                });
                if found.file_differs {
                    changes.push(Change::write("/etc/timezone", format!("{name}\n")));
                }
            }
        }
        if let Some(clock) = self
            .hwclock
            .as_ref()
            .filter(|clock| Some(*clock) != found.hwclock.as_ref())
        {
            let is_local = clock == "local";
            let argv: &[&str] = match (found.systemd, is_local) {
                (true, true) => &["timedatectl", "set-local-rtc", "yes"],
                (true, false) => &["timedatectl", "set-local-rtc", "no"],
                (false, true) => &["hwclock", "--systohc", "--localtime"],
                (false, false) => &["hwclock", "--systohc", "--utc"],
            };
            changes.push(programs::change(plain(argv.iter().copied())));
        }
        changes
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let lines = self
            .decide(found)
            .into_iter()
            .filter_map(|change| match change {
                Change::Run { command, .. } => Some(in_full(host, command.argv)),
                _ => None,
            });
        let told: Vec<String> = lines.map(|line| format!("executed `{line}`")).collect();
        let shown = |name: &str, clock: Option<&String>| {
            let mut values = values(json!({}));
            if self.name.is_some() {
                values.insert("name".to_owned(), name.into());
            }
            if let Some(clock) = clock {
                values.insert("hwclock".to_owned(), clock.as_str().into());
            }
            sorted_json(values)
        };
        let after = self.name.as_deref().unwrap_or(&found.name);
        let diff = (self.diff && outcome.changed).then(|| Diff {
            path: "/etc/localtime".to_owned(),
            before: shown(&found.name, found.hwclock.as_ref()),
            after: shown(after, self.hwclock.as_ref()),
            ..Diff::default()
        });
        Ok(Report {
            msg: if outcome.check {
                String::new()
            } else {
                told.join("\n")
            },
            diff: diff.into_iter().collect(),
            ..Report::default()
        })
    }
}

impl Timezone {
    fn observe_clock(&self, host: &dyn Host, systemd: bool) -> Result<String, ModuleError> {
        let is_local = if systemd {
            let said = checked(host, &plain(["timedatectl", "show", "-p", "LocalRTC"]))?;
            said.stdout.trim() == "LocalRTC=yes"
        } else {
            let text = host
                .read_text(Path::new("/etc/adjtime"))
                .unwrap_or_default();
            text.lines().any(|line| line.trim() == "LOCAL")
        };
        Ok(if is_local { "local" } else { "UTC" }.to_owned())
    }
}

fn zone(name: &str) -> PathBuf {
    Path::new(ZONES).join(name.trim_start_matches('/'))
}

fn unavailable(name: &str) -> ModuleError {
    ModuleError::new(format!(
        "Error message:\ngiven timezone \"{name}\" is not available"
    ))
}

/// The words of a run with the path of its program, as it is told.
fn in_full(host: &dyn Host, mut argv: Vec<String>) -> String {
    let program = argv.first_mut();
    if let Some((word, path)) = program.and_then(|word| Some((host.find_program(word)?, word))) {
        *path = word.display().to_string();
    }
    argv.join(" ")
}
