//! `selinux`: whether and how SELinux is enforced, now and at the next start.

use std::path::PathBuf;

use serde_json::json;

use super::edit::{Edited, Existing};
use super::programs;
use crate::arguments::{Arguments, Field, Spec};
use crate::attributes::Wanted;
use crate::change::{Change, Heading, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::{Notice, Task};

pub(super) struct Selinux {
    state: String,
    policy: Option<String>,
    file: PathBuf,
    of_kernel: bool,
}

/// The configuration and the kernel as they are.
pub(super) struct Found {
    file: Existing,
    text: Option<String>,
    commands: Vec<Vec<String>>,
    /// What changes, in words.
    msgs: Vec<String>,
    policy: String,
    changed: bool,
    warning: Option<String>,
    reboot: bool,
}

impl Module for Selinux {
    const SPEC: Spec = Spec::new(
        "ansible.posix.selinux",
        &[
            Field::str("state")
                .choices(&["disabled", "enforcing", "permissive"])
                .required(),
            Field::str("policy"),
            Field::path("configfile")
                .alias(&["conf", "file"])
                .default("/etc/selinux/config"),
            Field::bool("update_kernel_param", false),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Selinux, ModuleError> {
        let (state, policy) = (arguments.text("state"), arguments.string("policy"));
        Ok(Selinux {
            state,
            policy,
            file: arguments.path("configfile").unwrap_or_default(),
            of_kernel: arguments.bool("update_kernel_param"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let file = Existing::read(host, &self.file)?;
        if file.there.is_none() {
            return Err(ModuleError::new(format!(
                "Unable to find file {}",
                self.file.display()
            )));
        }
        let kernels = match self.of_kernel {
            true => Some(kernels(host)?),
            false => None,
        };
        let configured = value(&file.text, "SELINUXTYPE");
        let policy = self.policy.clone().filter(|policy| !policy.is_empty());
        let policy = match (policy, &configured) {
            (Some(policy), _) => policy,
            (None, Some(configured)) if self.state == "disabled" => configured.clone(),
            (None, _) if self.state == "disabled" => String::new(),
            _ => {
                return Err(ModuleError::new(
                    "Policy is required if state is not 'disabled'",
                ));
            }
        };
        let mut found = Found {
            text: None,
            commands: Vec::new(),
            msgs: Vec::new(),
            policy,
            changed: false,
            warning: None,
            reboot: false,
            file,
        };
        self.compare_policies(host, configured.as_deref(), &mut found)?;
        self.compare_states(host, &mut found);
        self.compare_kernels(kernels, &mut found);
        let text = self.edited(&found);
        found.text = (text != found.file.text).then_some(text);
        found.changed |= !found.msgs.is_empty();
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let run = found.commands.iter();
        let mut changes: Vec<Change> = run
            .map(|argv| programs::change(programs::plain(argv.clone())))
            .collect();
        let edited = found.text.clone().map(|text| Edited {
            heading: Heading::File,
            text,
            backup: false,
            validate: None,
        });
        changes.extend(found.file.changes(edited, &Wanted::default()));
        changes
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let notices = found.warning.clone().map(Notice::Warning);
        Ok(Report {
            msg: found.msgs.join(", "),
            notices: notices.into_iter().collect(),
            changed: Some(found.changed),
            ..Report::of(values(json!({
                "policy": found.policy, "state": self.state, "configfile": self.file.to_string_lossy(),
                "reboot_required": found.reboot,
            })))
        })
    }
}

impl Selinux {
    fn edited(&self, found: &Found) -> String {
        let policy = value(&found.file.text, "SELINUXTYPE");
        let text = match policy.as_deref() == Some(&found.policy) || found.policy.is_empty() {
            true => found.file.text.clone(),
            false => with(&found.file.text, "SELINUXTYPE", &found.policy),
        };
        match value(&text, "SELINUX").as_deref() == Some(&self.state) {
            true => text,
            false => with(&text, "SELINUX", &self.state),
        }
    }

    fn compare_policies(
        &self,
        host: &dyn Host,
        configured: Option<&str>,
        found: &mut Found,
    ) -> Result<(), ModuleError> {
        let policy = found.policy.clone();
        // The kernel's policy is the one of the system's own file.
        let running = host.read_text(CONFIGURATION.as_ref());
        let running = running.and_then(|text| value(&text, "SELINUXTYPE"));
        let running = running.unwrap_or_else(|| "targeted".to_owned());
        if policy != running {
            found.msgs.push(format!(
                "Running SELinux policy changed from '{running}' to '{policy}'"
            ));
        }
        if configured == Some(&policy) || policy.is_empty() {
            return Ok(());
        }
        let folder = PathBuf::from(format!("/etc/selinux/{policy}/policy"));
        if host.metadata_followed(&folder)?.is_none() {
            return Err(ModuleError::new(format!(
                "Policy {policy} does not exist in /etc/selinux/"
            )));
        }
        found.msgs.push(format!(
            "SELinux policy configuration in '{}' changed from '{}' to '{policy}'",
            self.file.display(),
            configured.unwrap_or("None")
        ));
        Ok(())
    }

    /// What is done to the kernel now, and whether the rest waits for the next start.
    fn compare_states(&self, host: &dyn Host, found: &mut Found) {
        let enforce = host.read_text("/sys/fs/selinux/enforce".as_ref());
        let now = enforce.map(|text| match text.trim() {
            "1" => "enforcing",
            _ => "permissive",
        });
        let state = self.state.as_str();
        let switch = |number: &str| ["setenforce", number].map(str::to_owned).to_vec();
        match now {
            Some(now) if now == state => {}
            Some("enforcing") if state == "disabled" => {
                found.commands.push(switch("0"));
                found.changed = true;
                found.reboot = true;
                found.warning = Some(
                    "SELinux state temporarily changed from 'enforcing' to 'permissive'. State \
                     change will take effect next reboot."
                        .to_owned(),
                );
            }
            Some(_) if state == "disabled" => {
                found.reboot = true;
                let warning = "SELinux state change will take effect next reboot";
                found.warning = Some(warning.to_owned());
            }
            Some(now) => {
                let number = if state == "enforcing" { "1" } else { "0" };
                found.commands.push(switch(number));
                let msg = format!("SELinux state changed from '{now}' to '{state}'");
                found.msgs.push(msg);
            }
            None if state != "disabled" => {
                found.reboot = true;
                let warning = format!("Reboot is required to set SELinux state to '{state}'");
                found.warning = Some(warning);
            }
            None => {}
        }
        let kept = value(&found.file.text, "SELINUX");
        if kept.as_deref() != Some(state) {
            found.msgs.push(format!(
                "Config SELinux state changed from '{}' to '{state}'",
                kept.as_deref().unwrap_or("None")
            ));
        }
    }

    /// `kernels` says whether all of them are to start with SELinux, or none, or some.
    fn compare_kernels(&self, kernels: Option<Option<bool>>, found: &mut Found) {
        let wanted = self.state != "disabled";
        let Some(now) = kernels.filter(|now| *now != Some(wanted)) else {
            return;
        };
        let flag = if wanted { "--remove-args" } else { "--args" };
        let argv = ["grubby", "--update-kernel=ALL", flag, "selinux=0"];
        found.commands.push(argv.map(str::to_owned).to_vec());
        let word = |is: bool| if is { "enabled" } else { "disabled" };
        found.msgs.push(format!(
            "Kernel SELinux state changed from '{}' to '{}'",
            now.map_or("<inconsistent>", word),
            word(wanted)
        ));
    }
}

/// The file that the kernel's own state follows.
const CONFIGURATION: &str = "/etc/selinux/config";

/// Whether all kernels start with SELinux, or none do; none of both where they differ.
fn kernels(host: &dyn Host) -> Result<Option<bool>, ModuleError> {
    if host.find_program("grubby").is_none() {
        return Err(ModuleError::new("'grubby' command not found on host"));
    }
    let said = host.run(&programs::plain(["grubby", "--info=ALL"]))?;
    if said.status != 0 {
        return Err(ModuleError::new("unable to run grubby"));
    }
    let lines = said.stdout.lines();
    let arguments = lines.filter_map(|line| line.strip_prefix("args=\"")?.strip_suffix('"'));
    let switches: Vec<bool> = arguments
        .map(|arguments| !arguments.split(' ').any(|one| one == "selinux=0"))
        .collect();
    let first = switches.first().copied();
    Ok(first.filter(|first| switches.iter().all(|one| one == first)))
}

/// The value of a line `NAME=value`.
fn value(text: &str, name: &str) -> Option<String> {
    let mut lines = text.lines().filter_map(|line| line.split_once('='));
    lines
        .find(|(key, _)| key.trim() == name)
        .map(|(_, value)| value.trim().to_owned())
}

fn with(text: &str, name: &str, wanted: &str) -> String {
    let mut is_set = false;
    let mut edited = String::new();
    for line in text.lines() {
        match line.split_once('=') {
            Some((key, _)) if key.trim() == name => {
                is_set = true;
                edited.push_str(&format!("{name}={wanted}\n"));
            }
            _ => edited.push_str(&format!("{line}\n")),
        }
    }
    if !is_set {
        edited.push_str(&format!("{name}={wanted}\n"));
    }
    edited
}
