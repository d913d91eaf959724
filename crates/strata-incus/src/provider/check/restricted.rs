//! What a restricted project forbids.
//!
//! Keys and defaults as Incus 7.3 has them (`internal/server/project/permissions.go`): in a project with
//! `restricted = true` all is blocked that no key allows. What keys list is in [`super::listed`].

use std::collections::BTreeMap;

use serde_json::Value as Json;
use strata_core::{Diagnostic, Diagnostics};

use super::{Planned, instance, listed, tally::ProjectState};
use crate::provider::{devices, network_load_balancer};

/// Types of devices that a key of its own allows, and what it says by default.
const DEVICES: [(&str, &str); 10] = [
    ("disk", "managed"),
    ("gpu", "block"),
    ("infiniband", "block"),
    ("nic", "managed"),
    ("pci", "block"),
    ("proxy", "block"),
    ("unix-block", "block"),
    ("unix-char", "block"),
    ("unix-hotplug", "block"),
    ("usb", "block"),
];

/// Fails for what the project of an object forbids.
pub(super) async fn check(object: &Planned<'_>, project: &ProjectState, found: &mut Diagnostics) {
    let rules = Rules(&project.config);
    if rules.key("restricted") != Some("true") {
        return;
    }
    let attributes = object.attributes();
    let mut forbid = |what: &str, key: &str| found.push(forbidden(object, what, key));
    match object.type_name {
        instance::TYPE => {
            let is_machine = attributes.text("type") == Some("virtual-machine");
            keys(&rules, &attributes.map("config"), is_machine, &mut forbid);
            self::devices(&rules, object, &mut forbid);
            if let Some(target) = attributes.some_text("target") {
                if !rules.allows("cluster.target", "block") {
                    forbid("`target`", "restricted.cluster.target");
                }
                listed::target(&rules, object, target, &mut forbid).await;
            }
            listed::image(&rules, object, &mut forbid);
        }
        "incus_profile" => {
            keys(&rules, &attributes.map("config"), false, &mut forbid);
            self::devices(&rules, object, &mut forbid);
        }
        "incus_instance_snapshot" if !rules.allows("snapshots", "block") => {
            forbid("a snapshot", "restricted.snapshots");
        }
        "incus_network" => listed::network(&rules, attributes, &mut forbid),
        "incus_network_zone" => listed::zone(&rules, attributes, &mut forbid),
        "incus_network_forward" | network_load_balancer::TYPE | network_load_balancer::LONG => {
            listed::listener(&rules, attributes, &mut forbid);
        }
        _ => {}
    }
}

/// A project's keys.
pub(super) struct Rules<'a>(pub(super) &'a Json);

impl<'a> Rules<'a> {
    /// The items of a key that lists what is allowed; none if it does not, which allows all.
    pub(super) fn list(&self, name: &str) -> Option<Vec<&'a str>> {
        let items = self.key(&format!("restricted.{name}"))?.split(',');
        Some(
            items
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .collect(),
        )
    }

    fn key(&self, name: &str) -> Option<&'a str> {
        self.0[name].as_str().filter(|text| !text.is_empty())
    }

    fn rule(&self, name: &str, default: &'a str) -> &'a str {
        self.key(&format!("restricted.{name}")).unwrap_or(default)
    }

    pub(super) fn allows(&self, name: &str, default: &'a str) -> bool {
        self.rule(name, default) == "allow"
    }
}

/// Keys of containers that reach below them, by prefix.
const LOW_LEVEL: [&str; 14] = [
    "boot.host_shutdown_action",
    "boot.host_shutdown_timeout",
    "limits.memory.oom_priority",
    "limits.memory.swap",
    "linux.kernel_modules",
    "raw.apparmor",
    "raw.lxc",
    "raw.seccomp",
    "security.bpffs",
    "security.guestapi.images",
    "security.idmap.base",
    "security.idmap.size",
    "security.selinux.",
    "security.syscalls.intercept",
];

/// Keys of virtual machines that reach below them, by prefix.
const LOW_LEVEL_OF_VM: [&str; 7] = [
    "boot.host_shutdown_action",
    "boot.host_shutdown_timeout",
    "limits.memory.hugepages",
    "limits.memory.oom_priority",
    "raw.apparmor",
    "raw.qemu",
    "security.selinux.",
];

/// Keys of interception that a key of their own allows.
const INTERCEPTED: [&str; 7] = [
    "security.syscalls.intercept.bpf",
    "security.syscalls.intercept.bpf.devices",
    "security.syscalls.intercept.mknod",
    "security.syscalls.intercept.mount",
    "security.syscalls.intercept.mount.fuse",
    "security.syscalls.intercept.setxattr",
    "security.syscalls.intercept.sysinfo",
];

fn keys(
    rules: &Rules<'_>,
    config: &BTreeMap<String, String>,
    is_machine: bool,
    forbid: &mut impl FnMut(&str, &str),
) {
    let is_on = |key: &str| {
        let value = config.get(key).map(String::as_str);
        matches!(value, Some("true" | "1" | "yes" | "on"))
    };
    let (low, kind) = match is_machine {
        true => (&LOW_LEVEL_OF_VM[..], "virtual-machines"),
        false => (&LOW_LEVEL[..], "containers"),
    };
    for (key, value) in config {
        if key == "raw.idmap" {
            listed::ids(rules, kind, value, forbid);
            continue;
        }
        let rule = match INTERCEPTED.contains(&key.as_str()) && !is_machine {
            true => "containers.interception".to_owned(),
            false => format!("{kind}.lowlevel"),
        };
        if low.iter().any(|prefix| key.starts_with(prefix)) && rules.rule(&rule, "block") == "block"
        {
            forbid(&format!("`{key}`"), &format!("restricted.{rule}"));
        }
    }
    let default = if is_machine { "allow" } else { "block" };
    let nesting = format!("{kind}.nesting");
    if is_on("security.nesting") && !rules.allows(&nesting, default) {
        forbid("`security.nesting`", &format!("restricted.{nesting}"));
    }
    let privilege = rules.rule("containers.privilege", "unprivileged");
    if !is_machine && is_on("security.privileged") && privilege != "allow" {
        forbid("`security.privileged`", "restricted.containers.privilege");
    }
    let is_shared =
        config.contains_key("security.idmap.isolated") && !is_on("security.idmap.isolated");
    if !is_machine && is_shared && privilege == "isolated" {
        forbid(
            "`security.idmap.isolated`",
            "restricted.containers.privilege",
        );
    }
}

fn devices(rules: &Rules<'_>, object: &Planned<'_>, forbid: &mut impl FnMut(&str, &str)) {
    for (name, device) in devices::of(object.value) {
        let text = |key: &str| device.get(key).map(String::as_str);
        let kind = text("type").unwrap_or_default();
        let Some((_, default)) = DEVICES.iter().find(|(known, _)| *known == kind) else {
            continue;
        };
        let rule = rules.rule(&format!("devices.{kind}"), default);
        // The disk that an instance starts from is no matter of these rules.
        let is_root = kind == "disk" && text("path") == Some("/");
        let is_managed = match kind {
            "disk" => text("pool").is_some(),
            _ => text("network").is_some(),
        };
        let allowed = is_root || rule == "allow" || (rule == "managed" && is_managed);
        if !allowed {
            let what = format!("device `{name}` of the type `{kind}`");
            forbid(&what, &format!("restricted.devices.{kind}"));
        }
        if kind == "disk" && rule == "allow" && !is_managed && !is_root {
            listed::path(rules, text("source").unwrap_or_default(), forbid);
        }
        for (property, of) in [("network", "networks"), ("pool", "storage-pools")] {
            let key = format!("restricted.{of}.access");
            if let (Some(all), Some(one)) = (rules.key(&key), text(property))
                && !all.split(',').any(|name| name.trim() == one)
            {
                forbid(&format!("{property} `{one}`"), &key);
            }
        }
    }
}

fn forbidden(object: &Planned<'_>, what: &str, key: &str) -> Diagnostic {
    let summary = format!("project `{}` forbids {what}", object.project);
    let detail = format!(
        "{} has it, and `{key}` of the project does not allow it.",
        object.name()
    );
    Diagnostic::error("incus-restricted", summary).detail(detail)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(project: &Json, config: &[(&str, &str)]) -> Vec<String> {
        let config = config
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let mut told = Vec::new();
        keys(
            &Rules(project),
            &config.collect(),
            false,
            &mut |what, key| {
                told.push(format!("{what} {key}"));
            },
        );
        told
    }

    #[test]
    fn what_no_key_allows_is_forbidden() {
        let all = [
            ("security.nesting", "true"),
            ("security.privileged", "true"),
            ("raw.lxc", "x"),
            ("limits.cpu", "1"),
        ];
        assert_eq!(
            check(&json!({}), &all),
            [
                "`raw.lxc` restricted.containers.lowlevel",
                "`security.nesting` restricted.containers.nesting",
                "`security.privileged` restricted.containers.privilege"
            ]
        );
        let open = json!({
            "restricted.containers.lowlevel": "allow", "restricted.containers.nesting": "allow", "restricted.containers.privilege": "allow",
        });
        assert_eq!(check(&open, &all), [""; 0]);
    }
}
