//! `sudoers`: a file of one rule for `sudo`, checked by `visudo`.

use std::path::PathBuf;

use serde_json::json;

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, FileWrite, Outcome};
use crate::host::{Host, Permissions};
use crate::module::{Module, ModuleError, Report};
use crate::protocol::Task;
use crate::system::Command;

/// Who else may read a rule may not write it.
const MODE: u32 = 0o440;

pub(super) struct Sudoers {
    path: PathBuf,
    /// The rule; none where there shall be none.
    rule: Option<String>,
    validation: String,
}

/// How the file stands to the rule.
#[derive(PartialEq)]
pub(super) enum Found {
    Missing,
    Other,
    Same,
}

impl Module for Sudoers {
    const SPEC: Spec = Spec::new(
        "community.general.sudoers",
        &[
            Field::list("commands"),
            Field::str("group"),
            Field::str("host").default("ALL"),
            Field::str("name").required(),
            Field::bool("noexec", false),
            Field::bool("nopassword", true),
            Field::str("runas"),
            Field::bool("setenv", false),
            Field::str("state")
                .choices(&["present", "absent"])
                .default("present"),
            Field::path("sudoers_path").default("/etc/sudoers.d"),
            Field::str("user"),
            Field::str("validation")
                .choices(&["absent", "detect", "required"])
                .default("detect"),
        ],
    )
    .exclusive(&[&["user", "group"]]);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Sudoers, ModuleError> {
        let name = arguments.text("name");
        let folder = arguments.path("sudoers_path").unwrap_or_default();
        let rule = match arguments.text("state").as_str() {
            "absent" => None,
            _ => Some(rule(arguments)?),
        };
        Ok(Sudoers {
            path: folder.join(name),
            rule,
            validation: arguments.text("validation"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        if let Some(rule) = &self.rule {
            self.validate(host, rule)?;
        }
        let Some(there) = host.metadata_followed(&self.path)? else {
            return Ok(Found::Missing);
        };
        let is_same = match &self.rule {
            Some(rule) => host.read(&self.path)? == rule.as_bytes() && there.mode == MODE,
            None => false,
        };
        Ok(if is_same { Found::Same } else { Found::Other })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let path = self.path.clone();
        match (&self.rule, found) {
            (_, Found::Same) | (None, Found::Missing) => Vec::new(),
            (None, _) => vec![Change::Remove { path }],
            (Some(rule), _) => vec![Change::Write(FileWrite {
                permissions: Permissions {
                    mode: Some(MODE),
                    ..Permissions::default()
                },
                ..FileWrite::new(path, rule.as_bytes())
            })],
        }
    }

    fn report(&self, _: &dyn Host, _: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        Ok(Report::default())
    }
}

impl Sudoers {
    fn validate(&self, host: &dyn Host, rule: &str) -> Result<(), ModuleError> {
        if self.validation == "absent" {
            return Ok(());
        }
        if host.find_program("visudo").is_none() {
            return match self.validation.as_str() {
                "required" => programs::required(host, "visudo"),
                _ => Ok(()),
            };
        }
        let output = host.run(&Command {
            stdin: Some(rule.to_owned()),
            ..plain(["visudo", "-c", "-f", "-"])
        })?;
        if output.status == 0 {
            return Ok(());
        }
        let said = match output.stdout.is_empty() {
            true => &output.stderr,
            false => &output.stdout,
        };
        let failure = ModuleError::new(format!("Failed to validate sudoers rule:\n{said}"));
        Err(failure.with(json!({ "stdout": output.stdout, "stderr": output.stderr })))
    }
}

/// The line of the file.
fn rule(arguments: &Arguments) -> Result<String, ModuleError> {
    let commands = arguments.list("commands").ok_or_else(|| {
        ModuleError::new("state is present but all of the following are missing: commands")
    })?;
    let group = arguments.string("group").map(|group| format!("%{group}"));
    let owner = arguments
        .string("user")
        .or(group)
        .ok_or_else(|| ModuleError::new("one of the following is required: user, group"))?;
    let runas = arguments.string("runas");
    let runas = runas.map_or(String::new(), |runas| format!("({runas})"));
    let flag = |name: &str, word: &'static str| if arguments.bool(name) { word } else { "" };
    Ok(format!(
        "{owner} {}={runas}{}{}{} {}\n",
        arguments.text("host"),
        flag("noexec", "NOEXEC:"),
        flag("nopassword", "NOPASSWD:"),
        flag("setenv", "SETENV:"),
        commands.join(", ")
    ))
}
