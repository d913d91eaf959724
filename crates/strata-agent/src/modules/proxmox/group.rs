//! `proxmox_group`: a group of users of Proxmox VE.

use serde_json::json;

use super::{API, Api};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::modules::docker::encode;
use crate::protocol::Task;

pub(in crate::modules) struct ProxmoxGroup {
    api: Api,
    group: String,
    comment: Option<String>,
    present: bool,
}

/// Whether the group is there, and the request that makes it what it shall be.
pub(in crate::modules) struct Found {
    is_there: bool,
    change: Option<Change>,
}

impl Module for ProxmoxGroup {
    const SPEC: Spec = Spec::new(
        "community.proxmox.proxmox_group",
        &[
            Field::str("groupid").alias(&["name"]).required(),
            Field::str("comment"),
            Field::str("state")
                .choices(&["present", "absent"])
                .default("present"),
        ],
    )
    .with(API);
    type Current = Found;

    fn new(arguments: &Arguments, _: &Task) -> Result<ProxmoxGroup, ModuleError> {
        Ok(ProxmoxGroup {
            api: Api::read(arguments),
            group: arguments.text("groupid"),
            comment: arguments.string("comment"),
            present: arguments.text("state") == "present",
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let session = self.api.open(host)?;
        let groups = session.get(host, "/access/groups").map_err(|error| {
            let msg = format!("Unable to retrieve groups: {}", error.msg);
            ModuleError { msg, ..error }
        })?;
        let mut groups = groups.as_array().into_iter().flatten();
        let is_there = groups.any(|group| group["groupid"] == self.group.as_str());
        let change = match (self.present, is_there) {
            (true, false) => {
                let mut form = vec![("groupid", self.group.as_str())];
                form.extend(self.comment.as_deref().map(|comment| ("comment", comment)));
                Some(session.call("POST", "/access/groups", &form))
            }
            (false, true) => {
                let path = format!("/access/groups/{}", encode(&self.group));
                Some(session.call("DELETE", &path, &[]))
            }
            _ => None,
        };
        Ok(Found { is_there, change })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        found.change.iter().cloned().collect()
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let went = match (self.present, found.is_there) {
            (true, true) => "already exists",
            (true, false) => "successfully created",
            (false, true) => "successfully deleted",
            (false, false) => "doesn't exist",
        };
        let mut report = Report::of(values(json!({"groupid": self.group})));
        report.msg = format!("Group {} {went}", self.group);
        Ok(report)
    }
}
