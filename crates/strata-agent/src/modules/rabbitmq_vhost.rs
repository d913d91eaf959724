//! `rabbitmq_vhost`: a virtual host of RabbitMQ is there, traced or not, or is not there.
//!
//! As `community.rabbitmq.rabbitmq_vhost` 1.6 by `rabbitmqctl`.

use serde_json::json;

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, Spec, boolean};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::Command;

pub(super) struct RabbitmqVhost {
    name: String,
    traces: bool,
    present: bool,
    node: String,
}

impl Module for RabbitmqVhost {
    const SPEC: Spec = Spec::new(
        "community.rabbitmq.rabbitmq_vhost",
        &[
            Field::str("name").alias(&["vhost"]).required(),
            Field::bool("tracing", false).alias(&["trace"]),
            Field::str("state")
                .choices(&["present", "absent"])
                .default("present"),
            Field::str("node").default("rabbit"),
            Field::unsupported("login_user"),
            Field::unsupported("login_password"),
            Field::unsupported("login_host"),
            Field::fixed("login_port", "15672"),
            Field::fixed("login_protocol", "http"),
            Field::unsupported("ca_cert"),
            Field::unsupported("client_cert"),
            Field::unsupported("client_key"),
        ],
    );
    /// Whether it is traced, where it is there.
    type Current = Option<bool>;

    fn new(arguments: &Arguments, _task: &Task) -> Result<RabbitmqVhost, ModuleError> {
        Ok(RabbitmqVhost {
            name: arguments.text("name"),
            traces: arguments.bool("tracing"),
            present: arguments.text("state") == "present",
            node: arguments.text("node"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Option<bool>, ModuleError> {
        programs::required(host, "rabbitmqctl")?;
        let said = programs::checked(host, &self.command(&["list_vhosts", "name", "tracing"]))?;
        let mut vhosts = said.stdout.lines().filter_map(|line| line.split_once('\t'));
        let found = vhosts.find(|(name, _)| *name == self.name);
        Ok(found.map(|(_, traced)| boolean(&json!(traced.trim())).unwrap_or(false)))
    }

    fn decide(&self, current: &Option<bool>) -> Vec<Change> {
        let mut commands = Vec::new();
        match (current, self.present) {
            (Some(_), false) => commands.push(self.command(&["delete_vhost", &self.name])),
            (None, true) => commands.push(self.command(&["add_vhost", &self.name])),
            _ => {}
        }
        if self.present && current.unwrap_or(false) != self.traces {
            let verb = if self.traces { "trace_on" } else { "trace_off" };
            commands.push(self.command(&[verb, "-p", &self.name]));
        }
        commands.into_iter().map(programs::change).collect()
    }

    fn report(&self, _: &dyn Host, _: &Option<bool>, _: &Outcome) -> Result<Report, ModuleError> {
        let state = if self.present { "present" } else { "absent" };
        Ok(Report::of(values(
            json!({"name": self.name, "state": state}),
        )))
    }
}

impl RabbitmqVhost {
    fn command(&self, words: &[&str]) -> Command {
        let start = ["rabbitmqctl", "-q", "-n", &self.node].into_iter();
        plain(start.chain(words.iter().copied()))
    }
}
