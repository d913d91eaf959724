//! `lvg_rename`: a volume group gets another name.
//!
//! As `community.general.lvg_rename` 11.4; what names the group elsewhere (`fstab`, the boot loader) stays as it is.

use serde_json::json;

use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::diff;
use crate::host::Host;
use crate::module::{Module, ModuleError, Report};
use crate::modules::programs::{self, plain};
use crate::protocol::Task;

pub(in crate::modules) struct LvgRename {
    vg: String,
    vg_new: String,
    diff: bool,
}

/// Whether the group still has its old name.
pub(in crate::modules) struct Found {
    is_old: bool,
}

impl Module for LvgRename {
    const SPEC: Spec = Spec::new(
        "community.general.lvg_rename",
        &[Field::str("vg").required(), Field::str("vg_new").required()],
    );
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<LvgRename, ModuleError> {
        Ok(LvgRename {
            vg: arguments.text("vg"),
            vg_new: arguments.text("vg_new"),
            diff: task.diff,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        programs::required(host, "vgs")?;
        let words = ["--noheadings", "--separator", ";", "-o", "vg_name,vg_uuid"];
        let list = plain(std::iter::once("vgs").chain(words));
        let said = programs::checked(host, &list)?;
        let names: Vec<&str> = said
            .stdout
            .lines()
            .flat_map(|line| line.trim().split(';'))
            .collect();
        let is_there = |vg: &str| names.contains(&vg.strip_prefix("/dev/").unwrap_or(vg));
        let (vg, new) = (&self.vg, &self.vg_new);
        match (is_there(vg), is_there(new)) {
            (true, true) => Err(ModuleError::new(format!(
                "The new VG name ({new}) is already in use."
            ))),
            (false, false) => Err(ModuleError::new(format!(
                "Both current ({vg}) and new ({new}) VG are missing."
            ))),
            (is_old, _) => Ok(Found { is_old }),
        }
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let rename = ["vgrename", &self.vg, &self.vg_new];
        let change = found.is_old.then(|| programs::change(plain(rename)));
        change.into_iter().collect()
    }

    fn report(
        &self,
        _: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let (vg, new) = (&self.vg, &self.vg_new);
        let msg = match (found.is_old, outcome.outputs.first()) {
            (false, _) => format!("The new VG ({new}) already exists, nothing to do."),
            (true, Some(output)) => output.stdout.clone(),
            (true, None) => {
                format!("Running in check mode. The module would rename VG {vg} to {new}.")
            }
        };
        let sides = (self.diff && found.is_old)
            .then(|| diff::of_values(vg, &json!({"vg": vg}), &json!({"vg": new})));
        Ok(Report {
            msg,
            diff: sides.into_iter().collect(),
            ..Report::default()
        })
    }
}
