//! `nmcli`: a connection of NetworkManager is there as asked, or gone, or is brought up or down.
//!
//! As `community.general.nmcli` 11, but for wireless networks (`type: wifi`). Secrets go to `nmcli` on standard input, and no
//! diff shows them.

use serde_json::{Value, json};

use super::programs::{self, attempt, plain};
use crate::arguments::{Arguments, Spec};
use crate::change::{Change, Outcome};
use crate::diff;
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::{Diff, Notice, Task};
use crate::system::{Command, Output};
use profile::{Profile, Side};
use settings::{Settings, is_secret};

mod fields;
mod profile;
mod settings;

pub(super) struct Nmcli {
    name: String,
    state: String,
    settings: Settings,
    reloads: bool,
    diff: bool,
}

/// What there is, and what is left to do.
pub(super) struct Current {
    is_there: bool,
    kind: Option<String>,
    sides: Vec<Side>,
    commands: Vec<Command>,
    warnings: Vec<&'static str>,
}

impl Module for Nmcli {
    const SPEC: Spec = Spec::new("community.general.nmcli", fields::FIELDS).exclusive(&[
        &["never_default4", "gw4"],
        &["routes4_extended", "routes4"],
        &["routes6_extended", "routes6"],
    ]);
    type Current = Current;

    fn new(arguments: &Arguments, task: &Task) -> Result<Nmcli, ModuleError> {
        Ok(Nmcli {
            name: arguments.text("conn_name"),
            state: arguments.text("state"),
            settings: Settings::read(arguments)?,
            reloads: arguments.bool("conn_reload"),
            diff: task.diff,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Current, ModuleError> {
        programs::required(host, "nmcli")?;
        let listed = ["nmcli", "--fields", "name", "--terse", "con", "show"];
        let listed = programs::checked(host, &plain(listed))?;
        let mut current = Current {
            is_there: listed
                .stdout
                .lines()
                .any(|name| unescaped(name) == self.name),
            kind: self.settings.kind.clone(),
            sides: Vec::new(),
            commands: Vec::new(),
            warnings: Vec::new(),
        };
        match self.state.as_str() {
            "present" if current.is_there => self.compare(host, &mut current)?,
            "present" => self.create(&mut current)?,
            _ if !current.is_there => {}
            "absent" => current.commands.push(self.nmcli("del")),
            verb => {
                current.commands.extend(self.reload());
                current.commands.push(self.nmcli(verb));
            }
        }
        Ok(current)
    }

    fn decide(&self, current: &Current) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.state == "absent" && !current.commands.is_empty() {
            // One that is down already cannot go down.
            changes.push(Change::Run {
                command: self.nmcli("down"),
                may_fail: true,
            });
        }
        let all = current.commands.iter();
        changes.extend(all.map(|command| match command.stdin {
            // The editor repeats the secrets that it is told: no failure may show what it printed.
            Some(_) => Change::Run {
                command: command.clone(),
                may_fail: true,
            },
            None => attempt(command.clone(), "{stderr}"),
        }));
        changes
    }

    fn report(
        &self,
        _host: &dyn Host,
        current: &Current,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let mut report = values(json!({"conn_name": self.name, "state": self.state}));
        if self.state == "present" {
            let (name, kind) = (&self.name, current.kind.as_deref().unwrap_or("None"));
            let (key, told) = match (current.is_there, current.commands.is_empty()) {
                (false, _) => (
                    "Connection",
                    format!("Connection {name} of Type {kind} is being added"),
                ),
                (true, false) => (
                    "Exists",
                    "Connections do exist so we are modifying them".to_owned(),
                ),
                (true, true) => (
                    "Exists",
                    "Connections already exist and no changes made".to_owned(),
                ),
            };
            report.insert(key.to_owned(), told.into());
        }
        let outputs = outcome.outputs.iter().zip(&current.commands);
        for (output, command) in outputs {
            if let Some(told) = &command.stdin {
                refuse_unsaved(output, told)?;
            }
        }
        let is_edit = |at: usize| {
            let command = current.commands.get(at);
            command.is_some_and(|command| command.stdin.is_some())
        };
        let mut told = outcome.outputs.iter().enumerate();
        if let Some((_, last)) = told.rfind(|(at, _)| !is_edit(*at)) {
            for (key, text) in [("stdout", &last.stdout), ("stderr", &last.stderr)] {
                if !text.is_empty() {
                    report.insert(key.to_owned(), text.clone().into());
                }
            }
        }
        let warnings = current.warnings.iter();
        Ok(Report {
            diff: self.shown(current).into_iter().collect(),
            notices: warnings
                .map(|text| Notice::Warning((*text).to_owned()))
                .collect(),
            ..Report::of(report)
        })
    }
}

/// A name out of a terse list, where a backslash stands before colons and backslashes.
fn unescaped(name: &str) -> String {
    name.replace("\\:", ":").replace("\\\\", "\\")
}

/// The editor of `nmcli` ends well even where it could not save, and repeats in its complaint what it was `told`.
fn refuse_unsaved(output: &Output, told: &str) -> Result<(), ModuleError> {
    let mut lines = output.stdout.lines().chain(output.stderr.lines());
    let error = match lines.find(|line| line.starts_with("Error: ")) {
        None if output.status == 0 => return Ok(()),
        None => output.stderr.trim(),
        Some(error) => error,
    };
    Err(ModuleError::new(without_secrets(error, told)))
}

/// A complaint without the values that the editor was told, whole or in part.
fn without_secrets(error: &str, told: &str) -> String {
    // The reason behind the name of a setting is about its value, which it may quote in any way.
    if let Some((start, _)) = error.split_once(" property: ")
        && start.starts_with("Error: failed to set")
    {
        return format!("{start} property");
    }
    let values = told
        .lines()
        .filter_map(|line| line.strip_prefix("set ")?.split_once(' '));
    let mut shown = error.to_owned();
    for (_, value) in values {
        let parts = value.split([',', '=']).map(str::trim);
        for part in std::iter::once(value).chain(parts) {
            // One or two characters tell nothing, and stand everywhere.
            if part.len() > 2 {
                shown = shown.replace(part, HIDDEN);
            }
        }
    }
    shown
}

/// Stands for a secret.
const HIDDEN: &str = "********";

impl Nmcli {
    /// `nmcli con VERB NAME`.
    fn nmcli(&self, verb: &str) -> Command {
        plain(["nmcli", "con", verb, &self.name])
    }

    fn reload(&self) -> Option<Command> {
        let reload = || plain(["nmcli", "con", "reload"]);
        self.reloads.then(reload)
    }

    /// A connection that is there shall be as asked; one of which no type is said keeps its own.
    fn compare(&self, host: &dyn Host, current: &mut Current) -> Result<(), ModuleError> {
        let show = ["nmcli", "--show-secrets", "con", "show", &self.name];
        let profile = Profile::read(&programs::checked(host, &plain(show))?.stdout);
        if current.kind.is_none() {
            current.kind = profile.kind();
        }
        let kind = current.kind.as_deref().unwrap_or_default();
        let mut options = self.settings.options(kind, &mut current.warnings)?;
        // A size of packets that nobody asks for is for NetworkManager to choose again.
        for (key, value) in &mut options {
            if value.is_null() && settings::is_mtu(key) && profile.has(key) {
                *value = json!(0);
            }
        }
        current.sides = profile.compare(&options);
        if current.sides.iter().all(|side| side.is_same) {
            return Ok(());
        }
        let mut modify = self.nmcli("modify");
        modify.argv.extend(settings::words(&options));
        current.commands.push(modify);
        current.commands.extend(self.edit(&options));
        current.commands.extend(self.reload());
        Ok(())
    }

    fn create(&self, current: &mut Current) -> Result<(), ModuleError> {
        let Some(kind) = current.kind.clone() else {
            let name = &self.name;
            return Err(ModuleError::new(format!(
                "there is no connection {name}, and without `type` none can be added"
            )));
        };
        let mut options = self.settings.options(&kind, &mut current.warnings)?;
        // It is for the interface of its own name unless another is said.
        if let Some((_, value)) = options
            .iter_mut()
            .find(|(key, _)| key == settings::INTERFACE)
            && value.is_null()
        {
            *value = json!(self.name);
        }
        let of_nmcli = match kind.as_str() {
            "gre" | "ipip" | "sit" => "ip-tunnel",
            kind => kind,
        };
        let add = [
            "nmcli", "con", "add", "type", of_nmcli, "con-name", &self.name,
        ];
        let mut add = plain(add);
        add.argv.extend(settings::words(&options));
        current.commands.push(add);
        current.commands.extend(self.edit(&options));
        if self.settings.comes_up(&kind) {
            current.commands.push(self.nmcli("up"));
        }
        Ok(())
    }

    /// Tells the secrets, which others could read among the arguments of a program.
    fn edit(&self, options: &[(String, Value)]) -> Option<Command> {
        let secrets = options
            .iter()
            .filter(|(key, value)| is_secret(key) && !value.is_null());
        let lines: Vec<String> = secrets
            .map(|(key, value)| format!("set {key} {}\n", settings::text_of(value)))
            .collect();
        (!lines.is_empty()).then(|| Command {
            stdin: Some(format!("{}save\nquit\n", lines.concat())),
            ..self.nmcli("edit")
        })
    }

    fn shown(&self, current: &Current) -> Option<Diff> {
        let sides = || current.sides.iter().filter(|side| !is_secret(&side.key));
        let side = |value: fn(&Side) -> Value| -> Value {
            let pairs = sides().map(|side| (side.key.clone(), value(side)));
            Value::Object(pairs.collect())
        };
        let (before, after) = (
            side(|side| side.is.clone()),
            side(|side| side.wanted.clone()),
        );
        let is_shown = self.diff && before != after;
        is_shown.then(|| diff::of_values(&self.name, &before, &after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_of_the_editor_does_not_tell_what_it_was_told() {
        let said = |stdout: &str, status: i32| Output {
            stdout: stdout.to_owned(),
            status,
            ..Output::default()
        };
        let told = "set gsm.pin 12ab\nset vpn.data user=joe, key=hush\nsave\nquit\n";
        let complaint = |stdout: &str| {
            let error = refuse_unsaved(&said(stdout, 0), told).unwrap_err();
            error.msg
        };
        assert!(refuse_unsaved(&said("nmcli> set gsm.pin 12ab\n", 0), told).is_ok());
        assert_eq!(
            complaint("Error: failed to set 'pin' property: '12ab' is not a number.\n"),
            "Error: failed to set 'pin' property"
        );
        assert_eq!(
            complaint("Error: Failed to save 'lan': 'hush' is wrong, and so is 12ab\n"),
            "Error: Failed to save 'lan': '********' is wrong, and so is ********"
        );
        assert!(refuse_unsaved(&said("", 1), told).is_err());
    }
}
