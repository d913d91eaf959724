//! `shell`: runs a command line through a shell.

use super::command::{Before, Program};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report};
use crate::protocol::Task;

pub(super) struct Shell(Program);

impl Module for Shell {
    const SPEC: Spec = Spec::new(
        "shell",
        &[
            Field::str("_raw_params").alias(&["cmd"]),
            Field::list("argv"),
            Field::path("executable"),
            Field::path("chdir"),
            Field::path("creates"),
            Field::path("removes"),
            Field::str("stdin"),
            Field::bool("stdin_add_newline", true),
            Field::bool("strip_empty_ends", true),
            Field::maybe("_uses_shell"),
        ],
    );
    type Current = Before;

    fn new(arguments: &Arguments, task: &Task) -> Result<Shell, ModuleError> {
        let line = arguments.text("_raw_params");
        let words = arguments.list("argv").unwrap_or_default();
        let line = match (line.trim().is_empty(), words.is_empty()) {
            (false, true) => line,
            (true, false) => {
                let words = words.iter().map(|word| crate::words::quote(word));
                words.collect::<Vec<_>>().join(" ")
            }
            (false, false) => {
                return Err(ModuleError::new(
                    "only command or argv can be given, not both",
                ));
            }
            (true, true) => {
                let names = "_raw_params, cmd, argv";
                return Err(ModuleError::new(format!(
                    "one of the following is required: {names}"
                )));
            }
        };
        let shell = arguments
            .string("executable")
            .unwrap_or_else(|| "/bin/sh".to_owned());
        let argv = vec![shell, "-c".to_owned(), line.clone()];
        Ok(Shell(Program::read(argv, Some(line), arguments, task)))
    }

    fn observe(&self, host: &dyn Host) -> Result<Before, ModuleError> {
        self.0.observe(host)
    }

    fn decide(&self, current: &Before) -> Vec<Change> {
        self.0.decide(current)
    }

    fn report(
        &self,
        host: &dyn Host,
        current: &Before,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        self.0.report(host, current, outcome)
    }
}
