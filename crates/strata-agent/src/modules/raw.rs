//! `raw`: hands a command line to the login shell, with nothing around it.
//!
//! Where Ansible needs it because no module can run yet, here it is only `shell` with fewer
//! arguments and fewer values: the agent is there in any case.

use serde_json::json;

use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::Command;

pub(super) struct Raw {
    line: String,
    shell: String,
}

impl Module for Raw {
    const SPEC: Spec = Spec::new(
        "raw",
        &[
            Field::str("_raw_params").alias(&["cmd"]),
            Field::path("executable"),
        ],
    );
    type Current = ();

    fn new(arguments: &Arguments, _task: &Task) -> Result<Raw, ModuleError> {
        let line = arguments.text("_raw_params");
        if line.trim().is_empty() {
            return Err(ModuleError::new("no command given").with(json!({"rc": 256})));
        }
        let shell = arguments
            .string("executable")
            .unwrap_or_else(|| "/bin/sh".to_owned());
        Ok(Raw { line, shell })
    }

    fn observe(&self, _host: &dyn Host) -> Result<(), ModuleError> {
        Ok(())
    }

    fn decide(&self, _current: &()) -> Vec<Change> {
        let command = Command::new([self.shell.as_str(), "-c", &self.line]);
        vec![Change::Run {
            command,
            may_fail: true,
        }]
    }

    fn report(&self, _: &dyn Host, _: &(), outcome: &Outcome) -> Result<Report, ModuleError> {
        let Some(output) = outcome.outputs.first() else {
            return Ok(Report {
                skipped: true,
                changed: Some(false),
                ..Report::default()
            });
        };
        let found = json!({
            "rc": output.status, "stdout": output.stdout, "stderr": output.stderr,
        });
        if output.status != 0 {
            let error = ModuleError::new("non-zero return code").with(found);
            return Err(ModuleError {
                changed: true,
                ..error
            });
        }
        Ok(Report::of(values(found)))
    }
}
