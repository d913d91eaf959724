//! `hostname`: the name a host gives itself.
//!
//! Two things carry it, the kernel and `/etc/hostname`; each that differs is one change.

use std::path::Path;

use serde_json::json;

use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct Hostname {
    name: String,
}

/// The names that are there.
pub(super) struct Names {
    kernel: String,
    file: String,
}

impl Module for Hostname {
    const SPEC: Spec = Spec::new(
        "hostname",
        &[
            Field::str("name").required(),
            // All of them set the kernel's name and write `/etc/hostname`, as is done here anyway.
            Field::str("use").choices(&["alpine", "debian", "generic", "systemd"]),
        ],
    );
    type Current = Names;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Hostname, ModuleError> {
        Ok(Hostname {
            name: arguments.text("name"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Names, ModuleError> {
        let kernel = host.kernel()?.node;
        let file = host
            .read_text(Path::new("/etc/hostname"))
            .unwrap_or_default();
        Ok(Names {
            kernel,
            file: file.trim().to_owned(),
        })
    }

    fn decide(&self, current: &Names) -> Vec<Change> {
        let mut changes = Vec::new();
        // The file first: were we cut off between the two, the next boot would still be right.
        if current.file != self.name {
            changes.push(Change::write("/etc/hostname", format!("{}\n", self.name)));
        }
        if current.kernel != self.name {
            changes.push(Change::run(&["hostname", &self.name]));
        }
        changes
    }

    fn report(&self, _: &dyn Host, _: &Names, _: &Outcome) -> Result<Report, ModuleError> {
        let short = self.name.split('.').next().unwrap_or_default();
        Ok(Report::of(values(json!({
            "name": self.name,
            "ansible_facts": {
                "ansible_hostname": short,
                "ansible_nodename": self.name,
                "ansible_fqdn": self.name,
                "ansible_domain": self.name.split_once('.').map_or("", |(_, domain)| domain),
            },
        }))))
    }
}
