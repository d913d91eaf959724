//! `rabbitmq_plugin`: plugins of RabbitMQ are enabled or disabled, by `rabbitmq-plugins`.
//!
//! As `community.rabbitmq.rabbitmq_plugin` 1.6.

use std::path::Path;

use serde_json::json;

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct RabbitmqPlugin {
    names: Vec<String>,
    /// Plugins that are not named are left alone.
    new_only: bool,
    enables: bool,
    broker: String,
    prefix: Option<String>,
}

/// Which are enabled, and the program that told it.
pub(super) struct Current {
    enabled: Vec<String>,
    program: String,
}

impl Module for RabbitmqPlugin {
    const SPEC: Spec = Spec::new(
        "community.rabbitmq.rabbitmq_plugin",
        &[
            Field::str("names").alias(&["name"]).required(),
            Field::bool("new_only", false),
            Field::str("state")
                .choices(&["enabled", "disabled"])
                .default("enabled"),
            Field::str("broker_state")
                .choices(&["online", "offline"])
                .default("online"),
            Field::str("prefix"),
        ],
    );
    type Current = Current;

    fn new(arguments: &Arguments, _task: &Task) -> Result<RabbitmqPlugin, ModuleError> {
        let names = arguments.text("names");
        Ok(RabbitmqPlugin {
            names: names
                .split(',')
                .map(|name| name.trim().to_owned())
                .collect(),
            new_only: arguments.bool("new_only"),
            enables: arguments.text("state") == "enabled",
            broker: format!("--{}", arguments.text("broker_state")),
            prefix: arguments.filled("prefix"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Current, ModuleError> {
        let program = self.program(host)?;
        let said = programs::checked(host, &plain([program.as_str(), "list", "-E", "-m"]))?;
        let names = said.stdout.lines().take_while(|line| !line.is_empty());
        Ok(Current {
            enabled: names.map(str::to_owned).collect(),
            program,
        })
    }

    fn decide(&self, current: &Current) -> Vec<Change> {
        let (enabled, disabled) = self.due(current);
        let run = |verb: &str, name: &String| {
            programs::change(plain([current.program.as_str(), verb, &self.broker, name]))
        };
        let disabled = disabled.iter().map(|name| run("disable", name));
        let enabled = enabled.iter().map(|name| run("enable", name));
        disabled.chain(enabled).collect()
    }

    fn report(&self, _: &dyn Host, current: &Current, _: &Outcome) -> Result<Report, ModuleError> {
        let (enabled, disabled) = self.due(current);
        Ok(Report::of(values(
            json!({"enabled": enabled, "disabled": disabled}),
        )))
    }
}

impl RabbitmqPlugin {
    fn program(&self, host: &dyn Host) -> Result<String, ModuleError> {
        let Some(prefix) = &self.prefix else {
            programs::required(host, "rabbitmq-plugins")?;
            return Ok("rabbitmq-plugins".to_owned());
        };
        for name in ["bin", "sbin"] {
            let folder = Path::new(prefix).join(name);
            if host.metadata_followed(&folder)?.is_some() {
                return Ok(folder
                    .join("rabbitmq-plugins")
                    .to_string_lossy()
                    .into_owned());
            }
        }
        Err(ModuleError::new(format!(
            "No binary folder in prefix {prefix}"
        )))
    }

    /// Those that are to be enabled, and those that are to be disabled.
    fn due(&self, current: &Current) -> (Vec<String>, Vec<String>) {
        let is_named = |name: &&String| self.names.contains(name);
        let there = current.enabled.iter();
        if !self.enables {
            return (Vec::new(), there.filter(is_named).cloned().collect());
        }
        // A line with a blank in it is no plugin.
        let others = there.filter(|name| !self.new_only && !name.contains(' ') && !is_named(name));
        let missing = self.names.iter();
        let missing = missing.filter(|name| !current.enabled.contains(name));
        (missing.cloned().collect(), others.cloned().collect())
    }
}
