//! `sysvinit`: services of the old kind, by their scripts in `/etc/init.d`.

use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::{Command, Output};

pub(super) struct Sysvinit {
    name: String,
    state: Option<String>,
    enabled: Option<bool>,
    sleep: Duration,
    pattern: Option<String>,
    runlevels: Vec<String>,
    arguments: Vec<String>,
    daemonizes: bool,
}

/// The service as it is.
pub(super) struct Found {
    is_enabled: bool,
    runs: bool,
    status: Map<String, Value>,
}

impl Module for Sysvinit {
    const SPEC: Spec = Spec::new(
        "sysvinit",
        &[
            Field::str("name").alias(&["service"]).required(),
            Field::str("state").choices(&["started", "stopped", "restarted", "reloaded"]),
            Field::maybe("enabled"),
            Field::int("sleep").default("1"),
            Field::str("pattern"),
            Field::list("runlevels"),
            Field::str("arguments").alias(&["args"]),
            Field::bool("daemonize", false),
        ],
    )
    .one_of(&[&["state", "enabled"]]);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Sysvinit, ModuleError> {
        Ok(Sysvinit {
            name: arguments.text("name"),
            state: arguments.string("state"),
            enabled: arguments.maybe("enabled"),
            sleep: Duration::from_secs(arguments.seconds("sleep")),
            pattern: arguments.string("pattern"),
            runlevels: arguments.list("runlevels").unwrap_or_default(),
            arguments: programs::words(&arguments.text("arguments"))?,
            daemonizes: arguments.bool("daemonize"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let script = format!("/etc/init.d/{}", self.name);
        if self.name.contains('/') || host.metadata_followed(Path::new(&script))?.is_none() {
            return Err(ModuleError::new(format!(
                "Could not find the requested service {}: ",
                self.name
            )));
        }
        let mut status = Map::new();
        let is_enabled = self.is_enabled(host, &mut status)?;
        let runs = match (&self.state, &self.pattern) {
            (None, _) => false,
            (_, Some(pattern)) => listed(host, pattern)?,
            (_, None) => self.runs(host)?,
        };
        Ok(Found {
            is_enabled,
            runs,
            status,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let mut changes = Vec::new();
        if let Some(enabled) = self.enabled.filter(|enabled| *enabled != found.is_enabled) {
            changes.extend(self.enabling(enabled).into_iter().map(programs::change));
        }
        let call = |word: &str| programs::change(self.call(word));
        match (self.state.as_deref(), found.runs) {
            (Some("started"), false) => changes.push(call("start")),
            (Some("stopped"), true) => changes.push(call("stop")),
            (Some("restarted"), runs) => {
                if runs {
                    changes.push(call("stop"));
                    let seconds = self.sleep.as_secs().to_string();
                    changes.push(Change::run(&["sleep", &seconds]));
                }
                changes.push(call("start"));
            }
            (Some("reloaded"), true) => changes.push(call("reload")),
            (Some("reloaded"), false) => changes.push(call("start")),
            _ => {}
        }
        changes
    }

    fn report(
        &self,
        _: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let mut status = found.status.clone();
        let after = self.enabled.unwrap_or(found.is_enabled);
        status.insert(
            "enabled".to_owned(),
            json!({
                "changed": self.enabled.is_some_and(|enabled| enabled != found.is_enabled),
                "rc": Value::Null, "stdout": Value::Null, "stderr": Value::Null,
            }),
        );
        if let Some(state) = &self.state {
            let last = outcome.outputs.last();
            let said = |text: fn(&Output) -> &str| last.map(|output| text(output).to_owned());
            status.insert(state.clone(), json!({
                "changed": outcome.changed, "rc": last.map(|output| output.status),
                "stdout": said(|output| &output.stdout), "stderr": said(|output| &output.stderr),
            }));
        }
        let mut report = values(json!({"name": self.name, "status": status}));
        let state = self.state.as_deref().map(|state| match state {
            "stopped" => "stopped",
            _ => "started",
        });
        report.insert("state".to_owned(), json!(state));
        report.insert("enabled".to_owned(), json!(after));
        Ok(Report::of(report))
    }
}

impl Sysvinit {
    fn call(&self, word: &str) -> Command {
        let script = format!("/etc/init.d/{}", self.name);
        let mut argv = vec![script, word.to_owned()];
        argv.extend(self.arguments.iter().cloned());
        if self.daemonizes {
            argv.insert(0, "setsid".to_owned());
        }
        plain(argv)
    }

    /// Whether the links of the run levels start it.
    fn is_enabled(
        &self,
        host: &dyn Host,
        status: &mut Map<String, Value>,
    ) -> Result<bool, ModuleError> {
        let mut any = false;
        for level in ["0", "1", "2", "3", "4", "5", "6", "S"] {
            let folder = format!("/etc/rc{level}.d");
            let names = host.list(Path::new(&folder)).unwrap_or_default();
            let starts = names
                .iter()
                .any(|name| name.starts_with('S') && name.get(3..) == Some(self.name.as_str()));
            let counts = match self.runlevels.is_empty() {
                true => !matches!(level, "0" | "1" | "6" | "S"),
                false => self.runlevels.iter().any(|wanted| wanted == level),
            };
            any |= starts && counts;
            if !self.runlevels.is_empty() && counts {
                let all = status.entry("runlevels").or_insert_with(|| json!({}));
                all[level] = json!({"enabled": starts});
            }
        }
        Ok(any)
    }

    fn runs(&self, host: &dyn Host) -> Result<bool, ModuleError> {
        // Where there is `service` it knows better: another init may look after the script.
        let said = match host.find_program("service") {
            Some(_) => host.run(&plain(["service", &self.name, "status"]))?,
            None => host.run(&plain([&format!("/etc/init.d/{}", self.name), "status"]))?,
        };
        let words = format!("{}{}", said.stdout, said.stderr).to_lowercase();
        let stopped = ["stop", "not running", "is dead", "inactive", "not loaded"];
        if said.status == 0 && !stopped.iter().any(|word| words.contains(word)) {
            return Ok(true);
        }
        // Some scripts know no `status` and say how they are used.
        match said.status {
            1..=4 => Ok(false),
            0 => Ok(false),
            _ => listed(host, &self.name),
        }
    }

    fn enabling(&self, enabled: bool) -> Vec<Command> {
        let name = self.name.as_str();
        let levels = self.runlevels.iter().map(String::as_str);
        let mut commands = Vec::new();
        match (enabled, self.runlevels.is_empty()) {
            (true, true) => {
                commands.push(plain(["update-rc.d", name, "defaults"]));
                commands.push(plain(["update-rc.d", name, "enable"]));
            }
            (true, false) => {
                let words = ["update-rc.d", name, "enable"];
                commands.push(plain(words.into_iter().chain(levels)));
            }
            (false, true) => {
                commands.push(plain(["update-rc.d", name, "disable"]));
            }
            (false, false) => {
                let words = ["update-rc.d", name, "disable"];
                commands.push(plain(words.into_iter().chain(levels)));
            }
        }
        commands
    }
}

/// Whether a program with these words in its line runs.
pub(super) fn listed(host: &dyn Host, pattern: &str) -> Result<bool, ModuleError> {
    let said = host.run(&plain(["ps", "axww", "-o", "args="]))?;
    Ok(said.stdout.lines().any(|line| line.contains(pattern)))
}
