//! `sysctl`: a kernel parameter in a file that is read at boot, and in the running kernel.

use std::path::PathBuf;

use serde_json::json;

use super::edit::{Edited, Existing};
use crate::arguments::{Arguments, Field, Spec};
use crate::attributes::Wanted;
use crate::change::{Change, Heading, Outcome};
use crate::host::{Host, HostError};
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::Command;

pub(super) struct Sysctl {
    name: String,
    /// With one space between its words, as it is compared.
    value: String,
    /// As it is written.
    given: String,
    present: bool,
    file: PathBuf,
    reload: bool,
    set: bool,
    ignore_errors: bool,
}

/// The file, what it becomes, and what the kernel has where that is asked for.
pub(super) struct Found {
    file: Existing,
    text: Option<String>,
    kernel: Option<String>,
}

impl Module for Sysctl {
    const SPEC: Spec = Spec::new(
        "ansible.posix.sysctl",
        &[
            Field::str("name").alias(&["key"]).required(),
            Field::str("value").alias(&["val"]),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::path("sysctl_file").default("/etc/sysctl.conf"),
            Field::bool("reload", true),
            Field::bool("sysctl_set", false),
            Field::bool("ignoreerrors", false),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Sysctl, ModuleError> {
        let name = arguments.text("name").trim().to_owned();
        let present = arguments.text("state") == "present";
        let given = boolean_as_number(arguments.text("value").trim());
        let value = one_line(&given);
        if name.is_empty() || name.starts_with('-') || name.contains(['=', '\n']) {
            return Err(ModuleError::new(format!(
                "`{name}` cannot be the name of a kernel parameter"
            )));
        }
        if present && arguments.string("value").is_none() {
            return Err(ModuleError::new(
                "state is present but all of the following are missing: value",
            ));
        }
        if present && value.is_empty() {
            return Err(ModuleError::new("value cannot be blank"));
        }
        Ok(Sysctl {
            name,
            value,
            given,
            present,
            file: arguments.path("sysctl_file").unwrap_or_default(),
            reload: arguments.bool("reload"),
            set: arguments.bool("sysctl_set"),
            ignore_errors: arguments.bool("ignoreerrors"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let file = Existing::read(host, &self.file)?;
        let text = self.edit(&file.text).filter(|text| *text != file.text);
        let kernel = self.kernel_that_decides(host, text.is_none())?;
        Ok(Found { file, text, kernel })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let mut changes = Vec::new();
        let differs = found.kernel.as_ref().is_some_and(|now| *now != self.value);
        if differs && self.set {
            let pair = format!("{}={}", self.name, self.value);
            changes.push(self.run(&["-w", &pair]));
        }
        if let Some(text) = found.text.clone() {
            let write = Edited {
                heading: Heading::File,
                text,
                backup: false,
                validate: None,
            };
            changes.extend(found.file.changes(Some(write), &Wanted::default()));
        }
        if self.reload && (differs || found.text.is_some()) {
            changes.push(self.run(&["-p", &self.file.to_string_lossy()]));
        }
        changes
    }

    fn report(&self, _: &dyn Host, _: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        Ok(Report::of(values(json!({}))))
    }
}

impl Sysctl {
    fn run(&self, words: &[&str]) -> Change {
        let mut argv = vec!["sysctl"];
        // Parameters that this kernel does not have are passed over.
        argv.extend(self.ignore_errors.then_some("-e"));
        argv.extend(words);
        Change::run(&argv)
    }

    /// What the kernel has, where it is to be set, or to be what the file says already: `reload` puts back what
    /// somebody changed meanwhile.
    fn kernel_that_decides(
        &self,
        host: &dyn Host,
        file_is_right: bool,
    ) -> Result<Option<String>, HostError> {
        if !self.present || !(self.set || self.reload && file_is_right) {
            return Ok(None);
        }
        match self.in_kernel(host) {
            // Where no program runs, the kernel is taken to have what its file says.
            Err(HostError::Unknown(_)) if !self.set => Ok(None),
            found => found.map(Some),
        }
    }

    fn in_kernel(&self, host: &dyn Host) -> Result<String, HostError> {
        let said = host.run(&Command::new(["sysctl", "-e", "-n", &self.name]))?;
        Ok(one_line(&said.stdout))
    }

    /// The file's text with the parameter once, or without it; `None` when nothing is to be done.
    fn edit(&self, text: &str) -> Option<String> {
        let line = format!("{}={}\n", self.name, self.given);
        let mut new = String::new();
        let mut written = false;
        for old in text.split_inclusive('\n') {
            match self.value_of(old) {
                None => new.push_str(old),
                Some(_) if !self.present || written => {}
                Some(value) => {
                    new.push_str(if value == self.value { old } else { &line });
                    written = true;
                }
            }
        }
        if self.present && !written {
            if !new.is_empty() && !new.ends_with('\n') {
                new.push('\n');
            }
            new.push_str(&line);
        }
        (new != text).then_some(new)
    }

    /// The value, where a line is about the parameter.
    fn value_of(&self, line: &str) -> Option<String> {
        let line = line.trim();
        if line.starts_with(['#', ';']) {
            return None;
        }
        let (name, value) = line.split_once('=')?;
        (name.trim() == self.name).then(|| one_line(value))
    }
}

/// Values of several numbers are compared without regard to the space between.
fn one_line(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// YAML's booleans mean numbers to the kernel.
fn boolean_as_number(value: &str) -> String {
    match value.to_lowercase().as_str() {
        "y" | "yes" | "on" | "true" | "t" => "1".to_owned(),
        "n" | "no" | "off" | "false" | "f" => "0".to_owned(),
        _ => value.to_owned(),
    }
}
