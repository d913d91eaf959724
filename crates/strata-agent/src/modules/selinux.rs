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
    /// `None` where the kernel has SELinux switched off.
    now: Option<String>,
    policy: String,
    commands: Vec<Vec<String>>,
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
        if state != "disabled" && policy.is_none() {
            return Err(ModuleError::new(
                "Policy is required if state is not 'disabled'",
            ));
        }
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
        if let Some(policy) = &self.policy {
            let folder = PathBuf::from(format!("/etc/selinux/{policy}"));
            if host.metadata_followed(&folder)?.is_none() {
                return Err(ModuleError::new(format!(
                    "Policy {policy} does not exist in /etc/selinux/"
                )));
            }
        }
        let enforce = host.read_text("/sys/fs/selinux/enforce".as_ref());
        let now = enforce.map(|text| match text.trim() {
            "1" => "enforcing".to_owned(),
            _ => "permissive".to_owned(),
        });
        let policy = value(&file.text, "SELINUXTYPE").unwrap_or_default();
        let text = self.edited(&file.text);
        let mut found = Found {
            text: (text != file.text).then_some(text),
            file,
            policy,
            commands: Vec::new(),
            reboot: false,
            now,
        };
        self.switch(host, &mut found)?;
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
        let mut msgs = Vec::new();
        let policy = self.policy.clone().unwrap_or_else(|| found.policy.clone());
        if policy != found.policy {
            msgs.push(format!(
                "SELinux policy configuration in '{}' changed from '{}' to '{policy}'",
                self.file.display(),
                found.policy
            ));
        }
        let now = found.now.clone().unwrap_or_else(|| "disabled".to_owned());
        if now != self.state && !found.reboot {
            msgs.push(format!(
                "SELinux state changed from '{now}' to '{}'",
                self.state
            ));
        }
        if let Some(before) =
            value(&found.file.text, "SELINUX").filter(|before| *before != self.state)
        {
            msgs.push(format!(
                "Config SELinux state changed from '{before}' to '{}'",
                self.state
            ));
        }
        let notices = match found.reboot {
            true => vec![Notice::Warning(
                "Reboot is required to set SELinux state to ".to_owned()
                    + &format!("'{}'", self.state),
            )],
            false => Vec::new(),
        };
        Ok(Report {
            msg: msgs.join(", "),
            notices,
            ..Report::of(values(json!({
                "policy": policy, "state": self.state, "configfile": self.file.to_string_lossy(),
                "reboot_required": found.reboot,
            })))
        })
    }
}

impl Selinux {
    fn edited(&self, text: &str) -> String {
        let mut edited = with(text, "SELINUX", &self.state);
        if let Some(policy) = &self.policy {
            edited = with(&edited, "SELINUXTYPE", policy);
        }
        edited
    }

    /// What is done to the kernel now, and whether the rest waits for the next start.
    fn switch(&self, host: &dyn Host, found: &mut Found) -> Result<(), ModuleError> {
        match (&found.now, self.state.as_str()) {
            (None, "disabled") => {}
            (None, _) => found.reboot = true,
            (Some(now), "disabled") => {
                found.reboot = true;
                if now == "enforcing" {
                    found
                        .commands
                        .push(["setenforce", "0"].map(str::to_owned).to_vec());
                }
            }
            (Some(now), state) if now != state => {
                let number = if state == "enforcing" { "1" } else { "0" };
                found
                    .commands
                    .push(["setenforce", number].map(str::to_owned).to_vec());
            }
            _ => {}
        }
        if self.of_kernel {
            programs::required(host, "grubby")?;
            let said = programs::checked(host, &programs::plain(["grubby", "--info=ALL"]))?;
            let is_off = said.stdout.contains("selinux=0");
            let switch = match self.state == "disabled" {
                true if !is_off => Some("--args=selinux=0"),
                false if is_off => Some("--remove-args=selinux"),
                _ => None,
            };
            if let Some(switch) = switch {
                let argv = ["grubby", "--update-kernel=ALL", switch];
                found.commands.push(argv.map(str::to_owned).to_vec());
                found.reboot = true;
            }
        }
        Ok(())
    }
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
