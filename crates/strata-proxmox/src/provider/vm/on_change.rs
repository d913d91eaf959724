//! What an edit of the settings for cloud-init does to a machine that is there: each resource may choose.
//!
//! PVE writes them onto a drive, which the guest reads when it boots; whether it then does all of it again is
//! cloud-init's decision. `initialization.on_change` is an argument of our own: the original reboots, or not.

use serde_json::Value as Json;
use strata_core::{Diagnostic, Diagnostics};

use crate::provider::{
    guest::{first, text},
    kind::Planned,
};

/// What is done when the settings for cloud-init change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnChange {
    /// Nobody said: the drive is written anew, and other files with settings make the machine anew.
    Unsaid,
    /// The drive is written anew, and read at the next boot.
    Drive,
    /// The drive is written anew, and the machine reboots to read it.
    Reboot,
    /// As that, and cloud-init forgets that it ran: all of it runs again, as at the first boot.
    Rerun,
    /// The machine is made anew.
    Replace,
}

/// Attributes of the block that name files with settings, and how they are given.
const FILES: [&str; 5] = [
    "user_data_file_id",
    "vendor_data_file_id",
    "network_data_file_id",
    "meta_data_file_id",
    "type",
];

/// True if what the guest reads from the drive is to differ.
pub(super) fn differs(prior: &Json, object: &Json) -> bool {
    let read = |object: &Json| {
        let mut init = first(object, "initialization").clone();
        if let Some(members) = init.as_object_mut() {
            for name in ["on_change", "datastore_id", "interface", "file_format"] {
                members.remove(name);
            }
        }
        init
    };
    read(prior) != read(object)
}

impl OnChange {
    /// As a machine's configuration has it.
    pub(super) fn of(object: &Json) -> Self {
        match text(first(object, "initialization"), "on_change") {
            Some("drive") => Self::Drive,
            Some("reboot") => Self::Reboot,
            Some("rerun") => Self::Rerun,
            Some("replace") => Self::Replace,
            _ => Self::Unsaid,
        }
    }

    pub(super) fn validate(config: &Json, diags: &mut Diagnostics) {
        let Some(given) = text(first(config, "initialization"), "on_change") else {
            return;
        };
        if Self::of(config) == Self::Unsaid {
            diags.push(
                Diagnostic::error(
                    "proxmox-invalid-value",
                    format!("`initialization.on_change` cannot be `{given}`"),
                )
                .detail("it is `drive`, `reboot`, `rerun` or `replace`"),
            );
        }
        let agent = first(config, "agent");
        if Self::of(config) == Self::Rerun && (agent.is_null() || agent["enabled"] == false) {
            diags.push(
                Diagnostic::error("proxmox-invalid-value", "`initialization.on_change = \"rerun\"` needs the guest agent")
                    .detail("cloud-init is told to begin again by the agent: set `agent { enabled = true }`, or choose `reboot`"),
            );
        }
    }

    /// True if the machine reboots for it.
    pub(super) fn reboots(self) -> bool {
        matches!(self, Self::Reboot | Self::Rerun)
    }

    /// What a plan says of it, for a machine that runs and stays on, or for one that does not.
    pub(super) fn reason(self, stays_on: bool) -> &'static str {
        match self {
            Self::Replace => {
                "the settings for cloud-init are for the first boot: the VM is made anew"
            }
            Self::Reboot if stays_on => {
                "the cloud-init drive is written anew, and the VM reboots to read it"
            }
            Self::Rerun if stays_on => {
                "the cloud-init drive is written anew, and the VM reboots and runs all of cloud-init again"
            }
            _ => "the cloud-init drive is written anew; the guest reads it at its next boot",
        }
    }

    /// Decides whether an edit makes the machine anew.
    pub(super) fn plan(self, planned: &mut Planned<'_>, prior: &Json) {
        let (was, is) = (
            first(prior, "initialization"),
            first(planned.planned, "initialization"),
        );
        if self == Self::Replace && differs(prior, planned.planned) {
            planned.replace.push("initialization");
        }
        if self != Self::Unsaid && FILES.iter().any(|name| was[*name] != is[*name]) {
            // The facts would have the machine made anew; the user says otherwise.
            planned.keep.push("initialization");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn where_the_drive_is_is_not_what_it_says() {
        let object = |init: Json| json!({ "initialization": [init] });
        let before = object(json!({ "datastore_id": "a", "user_account": [{ "username": "u" }] }));
        let moved = json!({ "datastore_id": "b", "on_change": "reboot", "user_account": [{ "username": "u" }] });
        assert!(!differs(&before, &object(moved)));
        let other = json!({ "datastore_id": "a", "user_account": [{ "username": "v" }] });
        assert!(differs(&before, &object(other)));
    }

    #[test]
    fn a_choice_that_is_none_is_refused() {
        let said = |choice: &str, agent: bool| {
            let config = json!({ "initialization": [{ "on_change": choice }], "agent": [{ "enabled": agent }] });
            let mut diags = Diagnostics::new();
            OnChange::validate(&config, &mut diags);
            format!("{diags:?}")
        };
        assert!(said("restart", true).contains("it is `drive`, `reboot`"));
        assert!(said("rerun", false).contains("needs the guest agent"));
        assert!(!said("rerun", true).contains("on_change"));
    }
}
