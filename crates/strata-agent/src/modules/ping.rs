//! `ping`: shows that tasks can run on the host.

use serde_json::json;

use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct Ping {
    data: String,
}

impl Module for Ping {
    const SPEC: Spec = Spec::new("ping", &[Field::str("data").default("pong")]);
    type Current = ();

    fn new(arguments: &Arguments, _task: &Task) -> Result<Ping, ModuleError> {
        Ok(Ping {
            data: arguments.text("data"),
        })
    }

    fn observe(&self, _host: &dyn Host) -> Result<(), ModuleError> {
        // Ansible's way to try out what a failing task looks like.
        if self.data == "crash" {
            return Err(ModuleError::new("boom"));
        }
        Ok(())
    }

    fn decide(&self, _current: &()) -> Vec<Change> {
        Vec::new()
    }

    fn report(&self, _: &dyn Host, _: &(), _: &Outcome) -> Result<Report, ModuleError> {
        Ok(Report::of(values(json!({ "ping": self.data }))))
    }
}
