//! `systemd` (`systemd_service`) and `service`: whether a unit runs, and whether it starts at boot.

use serde_json::{Map, Value, json};

use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::{Notice, Task};
use crate::system::{self, UnitChange, UnitScope, UnitVerb};

/// What both modules come to.
pub(super) struct Unit {
    name: Option<String>,
    state: Option<String>,
    enabled: Option<bool>,
    masked: Option<bool>,
    daemon_reload: bool,
    daemon_reexec: bool,
    scope: UnitScope,
    no_block: bool,
    force: bool,
    unused: Vec<&'static str>,
}

pub(super) struct Systemd(Unit);
pub(super) struct SystemdService(Unit);
pub(super) struct Service(Unit);

const SYSTEMD: &[Field] = &[
    Field::str("name").alias(&["service", "unit"]),
    Field::str("state").choices(&["reloaded", "restarted", "started", "stopped"]),
    Field::maybe("enabled"),
    Field::maybe("masked"),
    Field::bool("daemon_reload", false).alias(&["daemon-reload"]),
    Field::bool("daemon_reexec", false).alias(&["daemon-reexec"]),
    Field::str("scope")
        .choices(&["system", "user", "global"])
        .default("system"),
    Field::bool("no_block", false),
    Field::bool("force", false),
];

pub(super) const SERVICE: &[Field] = &[
    Field::str("name").required(),
    Field::str("state").choices(&["reloaded", "restarted", "started", "stopped"]),
    Field::maybe("enabled"),
    // Ansible hands these on to whatever service manager it finds; systemd takes the first two.
    Field::bool("daemon_reload", false),
    Field::maybe("masked"),
    Field::str("use")
        .choices(&["auto", "systemd", "service"])
        .default("auto"),
    // What other service managers want; systemd has no use for it, which is said.
    Field::str("pattern"),
    Field::int("sleep"),
    Field::str("arguments").alias(&["args"]),
    Field::str("runlevel"),
];

/// Arguments of `service` that mean nothing to systemd.
const UNUSED: &[&str] = &["pattern", "runlevel", "sleep", "arguments"];

/// The three modules differ in their arguments only.
macro_rules! unit_module {
    ($type:ident, $name:literal, $fields:ident) => {
        impl Module for $type {
            const SPEC: Spec = Spec::new($name, $fields);
            type Current = Option<system::Unit>;

            fn new(arguments: &Arguments, _task: &Task) -> Result<$type, ModuleError> {
                Unit::read(arguments).map($type)
            }

            fn observe(&self, host: &dyn Host) -> Result<Option<system::Unit>, ModuleError> {
                self.0.observe(host)
            }

            fn decide(&self, current: &Option<system::Unit>) -> Vec<Change> {
                self.0.decide(current.as_ref())
            }

            fn report(
                &self,
                _: &dyn Host,
                current: &Option<system::Unit>,
                _: &Outcome,
            ) -> Result<Report, ModuleError> {
                Ok(self.0.report(current.as_ref()))
            }
        }
    };
}

unit_module!(Systemd, "systemd", SYSTEMD);
unit_module!(SystemdService, "systemd_service", SYSTEMD);
unit_module!(Service, "service", SERVICE);

impl Unit {
    fn read(arguments: &Arguments) -> Result<Unit, ModuleError> {
        let given = arguments.string("name");
        let about_unit = ["state", "enabled", "masked"];
        if let (None, Some(about)) = (
            &given,
            about_unit
                .iter()
                .find(|about| arguments.raw(about).is_some()),
        ) {
            return Err(ModuleError::new(format!(
                "{about} is given, but the name of the unit is missing"
            )));
        }
        // A role's `default('')` asks nothing of a unit.
        let name = arguments.filled("name");
        if name
            .as_ref()
            .is_some_and(|name| name.starts_with('-') || name.contains(['*', '?', '[']))
        {
            return Err(ModuleError::new(
                "This module does not currently support using glob patterns or options as names",
            ));
        }
        Ok(Unit {
            name,
            state: arguments.string("state"),
            enabled: arguments.maybe("enabled"),
            masked: arguments.maybe("masked"),
            daemon_reload: arguments.bool("daemon_reload"),
            daemon_reexec: arguments.bool("daemon_reexec"),
            scope: match arguments.string("scope").as_deref() {
                Some("user") => UnitScope::User,
                Some("global") => UnitScope::Global,
                _ => UnitScope::System,
            },
            no_block: arguments.bool("no_block"),
            force: arguments.bool("force"),
            unused: UNUSED
                .iter()
                .copied()
                .filter(|name| arguments.raw(name).is_some())
                .collect(),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Option<system::Unit>, ModuleError> {
        let Some(name) = &self.name else {
            return Ok(None);
        };
        let unit = host.unit(name, self.scope)?;
        // A unit file that was written just now is there only after the reload.
        let may_come = self.daemon_reload || self.masked == Some(true);
        let wanted = self.state.is_some() || self.enabled.is_some();
        if !unit.exists() && wanted && !may_come {
            let msg = format!("Could not find the requested service {name}: host");
            return Err(ModuleError::new(msg));
        }
        Ok(Some(unit))
    }

    fn decide(&self, current: Option<&system::Unit>) -> Vec<Change> {
        let mut verbs = Vec::new();
        if self.daemon_reload {
            verbs.push(UnitVerb::DaemonReload);
        }
        if self.daemon_reexec {
            verbs.push(UnitVerb::DaemonReexec);
        }
        if let Some(unit) = current {
            verbs.extend(self.decide_mask(unit));
            verbs.extend(self.decide_boot(unit));
            verbs.extend(self.decide_state(unit));
        }
        verbs
            .into_iter()
            .map(|verb| Change::Unit(self.change(verb)))
            .collect()
    }

    fn change(&self, verb: UnitVerb) -> UnitChange {
        let global = matches!(verb, UnitVerb::DaemonReload | UnitVerb::DaemonReexec);
        let name = self.name.clone().filter(|_| !global).unwrap_or_default();
        let acts = matches!(
            verb,
            UnitVerb::Start | UnitVerb::Stop | UnitVerb::Restart | UnitVerb::Reload
        );
        UnitChange {
            verb,
            name,
            scope: self.scope,
            no_block: self.no_block && acts,
            force: self.force && !acts && !global,
        }
    }

    fn decide_mask(&self, unit: &system::Unit) -> Option<UnitVerb> {
        let masked = unit.property("LoadState") == "masked" || unit.enabled.starts_with("masked");
        match self.masked {
            Some(true) if !masked => Some(UnitVerb::Mask),
            Some(false) if masked => Some(UnitVerb::Unmask),
            _ => None,
        }
    }

    fn decide_boot(&self, unit: &system::Unit) -> Option<UnitVerb> {
        // `static` and the like start with others and cannot be enabled; Ansible leaves them too. What is enabled
        // until the next boot, or by another's name, is not enabled for it.
        let enabled = !matches!(
            unit.enabled.as_str(),
            "" | "disabled"
                | "masked"
                | "masked-runtime"
                | "not-found"
                | "bad"
                | "linked"
                | "linked-runtime"
                | "indirect"
                | "alias"
                | "enabled-runtime"
        );
        match self.enabled {
            Some(true) if !enabled => Some(UnitVerb::Enable),
            Some(false) if unit.enabled == "enabled" => Some(UnitVerb::Disable),
            _ => None,
        }
    }

    fn decide_state(&self, unit: &system::Unit) -> Option<UnitVerb> {
        let active = matches!(
            unit.property("ActiveState"),
            "active" | "activating" | "reloading"
        );
        let stopping = unit.property("ActiveState") == "deactivating";
        match self.state.as_deref() {
            Some("started") if !active => Some(UnitVerb::Start),
            Some("stopped") if active || stopping => Some(UnitVerb::Stop),
            Some("restarted") => Some(UnitVerb::Restart),
            // What does not run cannot read its files again: it is started.
            Some("reloaded") if !active => Some(UnitVerb::Start),
            Some("reloaded") => Some(UnitVerb::Reload),
            _ => None,
        }
    }

    fn report(&self, current: Option<&system::Unit>) -> Report {
        let mut values = values(json!({ "name": self.name }));
        if let Some(enabled) = self.enabled {
            values.insert("enabled".to_owned(), enabled.into());
        }
        if let Some(state) = &self.state {
            let state = match state.as_str() {
                "stopped" => "stopped",
                _ => "started",
            };
            values.insert("state".to_owned(), state.into());
        }
        // `daemon_reload` alone changes nothing that one could see: Ansible says so too.
        let changed = current.is_some_and(|unit| {
            self.decide_mask(unit).is_some()
                || self.decide_boot(unit).is_some()
                || self.decide_state(unit).is_some()
        });
        // As it was before, as in Ansible.
        let properties = current.into_iter().flat_map(|unit| &unit.properties);
        let status: Map<String, Value> = properties
            .map(|(name, value)| (name.clone(), value.as_str().into()))
            .collect();
        values.insert("status".to_owned(), status.into());
        let notices = self.unused.iter().map(|name| {
            Notice::Warning(format!(
                "Ignoring \"{name}\" as it is not used in \"systemd\""
            ))
        });
        Report {
            values,
            changed: Some(changed),
            notices: notices.collect(),
            ..Report::default()
        }
    }
}
