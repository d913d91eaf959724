//! `dpkg_selections`: what dpkg shall do with a package, as `hold`.

use serde_json::json;

use super::programs::{self, checked, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::Command;

pub(super) struct DpkgSelections {
    name: String,
    selection: String,
}

impl Module for DpkgSelections {
    const SPEC: Spec = Spec::new(
        "dpkg_selections",
        &[
            Field::str("name").required(),
            Field::str("selection")
                .choices(&["install", "hold", "deinstall", "purge"])
                .required(),
        ],
    );
    /// The selection as it is.
    type Current = String;

    fn new(arguments: &Arguments, _task: &Task) -> Result<DpkgSelections, ModuleError> {
        Ok(DpkgSelections {
            name: arguments.text("name"),
            selection: arguments.text("selection"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<String, ModuleError> {
        programs::required(host, "dpkg")?;
        let said = checked(host, &plain(["dpkg", "--get-selections", &self.name]))?;
        if said.stderr.contains("no packages found matching") {
            let (name, selection) = (&self.name, &self.selection);
            return Err(ModuleError::new(format!(
                "Failed to find package '{name}' to perform selection '{selection}'."
            )));
        }
        let word = said.stdout.split_whitespace().nth(1);
        Ok(word.unwrap_or("not present").to_owned())
    }

    fn decide(&self, current: &String) -> Vec<Change> {
        if *current == self.selection {
            return Vec::new();
        }
        vec![programs::change(Command {
            stdin: Some(format!("{} {}", self.name, self.selection)),
            ..plain(["dpkg", "--set-selections"])
        })]
    }

    fn report(&self, _: &dyn Host, current: &String, _: &Outcome) -> Result<Report, ModuleError> {
        Ok(Report::of(values(
            json!({"before": current, "after": self.selection}),
        )))
    }
}
