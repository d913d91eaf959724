//! `service` where OpenRC is the service manager, as on Alpine and Gentoo: whether a service runs, and in which runlevel it is.
//!
//! As `service` of ansible-core 2.19, by `rc-service` and `rc-update`.

use serde_json::json;

use super::programs::{self, plain};
use super::systemd::SERVICE;
use super::sysvinit::listed;
use crate::arguments::{Arguments, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::Command;

pub(super) struct OpenrcService {
    name: String,
    state: Option<String>,
    enabled: Option<bool>,
    pattern: Option<String>,
    arguments: Vec<String>,
    runlevel: String,
}

/// The service as it is, as far as it was asked for.
pub(super) struct Found {
    is_enabled: bool,
    runs: bool,
    has_crashed: bool,
}

impl Module for OpenrcService {
    const SPEC: Spec = Spec::new("service", SERVICE).one_of(&[&["state", "enabled"]]);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<OpenrcService, ModuleError> {
        let is_asked = |name: &&str| {
            arguments
                .maybe(name)
                .is_some_and(|value| value || *name == "masked")
        };
        if let Some(name) = ["daemon_reload", "masked"]
            .iter()
            .find(|name| is_asked(name))
        {
            return Err(ModuleError::new(format!(
                "Unsupported parameters for (service) module: {name}. OpenRC, the service manager of this host, has no such thing"
            )));
        }
        let name = arguments.text("name");
        if name.is_empty() || name.starts_with('-') {
            return Err(ModuleError::new(format!(
                "`{name}` cannot be the name of a service"
            )));
        }
        let runlevel = arguments.filled("runlevel");
        Ok(OpenrcService {
            name,
            state: arguments.string("state"),
            enabled: arguments.maybe("enabled"),
            pattern: arguments.filled("pattern"),
            arguments: programs::words(&arguments.text("arguments"))?,
            runlevel: runlevel.unwrap_or_else(|| "default".to_owned()),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let mut found = Found {
            is_enabled: false,
            runs: false,
            has_crashed: false,
        };
        if self.enabled.is_some() {
            let shown = programs::checked(host, &plain(["rc-update", "show"]))?;
            found.is_enabled = is_in(&shown.stdout, &self.name, &self.runlevel);
        }
        match (&self.state, &self.pattern) {
            (None, _) => {}
            (Some(_), Some(pattern)) => found.runs = listed(host, pattern)?,
            (Some(_), None) => {
                let said = host.run(&self.call("status"))?;
                found.runs = said.stdout.contains("started");
                found.has_crashed = said.stderr.contains("crashed");
            }
        }
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let mut changes = Vec::new();
        if let Some(enabled) = self.enabled.filter(|enabled| *enabled != found.is_enabled) {
            let verb = if enabled { "add" } else { "delete" };
            let command = plain(["rc-update", verb, &self.name, &self.runlevel]);
            let name = &self.name;
            let failure = format!("Error when trying to {verb} {name}: rc={{status}} {{stderr}}");
            changes.push(programs::attempt(command, failure));
        }
        if let Some(verb) = self.verb(found) {
            // A service that crashed starts only after it was said to be stopped.
            if verb == "start" && found.has_crashed {
                changes.push(Change::Run {
                    command: plain(["rc-service", &self.name, "zap"]),
                    may_fail: true,
                });
            }
            changes.push(programs::change(self.call(verb)));
        }
        changes
    }

    fn report(
        &self,
        _: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let mut report = values(json!({"name": self.name}));
        if let Some(enabled) = self.enabled {
            report.insert("enabled".to_owned(), enabled.into());
        }
        if let Some(state) = &self.state {
            let state = match state.as_str() {
                "stopped" => "stopped",
                _ => "started",
            };
            report.insert("state".to_owned(), state.into());
        }
        let says = outcome.check && self.verb(found).is_some();
        Ok(Report {
            msg: match says {
                true => "service state changed".to_owned(),
                false => String::new(),
            },
            ..Report::of(report)
        })
    }
}

impl OpenrcService {
    fn call(&self, verb: &str) -> Command {
        let mut command = plain(["rc-service", &self.name, verb]);
        command.argv.extend(self.arguments.iter().cloned());
        command
    }

    /// What brings the service to its state; one that does not run is started instead of being reloaded.
    fn verb(&self, found: &Found) -> Option<&'static str> {
        match (self.state.as_deref(), found.runs) {
            (Some("started" | "reloaded"), false) => Some("start"),
            (Some("stopped"), true) => Some("stop"),
            (Some("reloaded"), true) => Some("reload"),
            (Some("restarted"), _) => Some("restart"),
            _ => None,
        }
    }
}

/// Whether a service stands under a runlevel in what `rc-update show` tells: `sshd | default`.
fn is_in(shown: &str, service: &str, runlevel: &str) -> bool {
    let mut lines = shown.lines().filter_map(|line| line.split_once('|'));
    lines.any(|(name, runlevels)| {
        name.trim() == service && runlevels.split_whitespace().any(|one| one == runlevel)
    })
}
