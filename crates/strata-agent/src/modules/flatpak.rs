//! `flatpak`: applications of Flatpak are there, the newest, or not there.
//!
//! As `community.general.flatpak` 11.4, for Flatpak 1.2 and later. An application is there if its whole name is; where the
//! original finds it also in that of a part of another, only what is no full name is looked for so.

use serde_json::{Value, json};

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct Flatpak {
    names: Vec<String>,
    program: String,
    method: String,
    remote: String,
    state: State,
    no_dependencies: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Present,
    Latest,
    Absent,
}

/// What is left to run.
pub(super) struct Found {
    commands: Vec<Vec<String>>,
    /// How many of them are sure to change something.
    sure: usize,
}

impl Module for Flatpak {
    const SPEC: Spec = Spec::new(
        "community.general.flatpak",
        &[
            Field::list("name").required(),
            Field::path("executable").default("flatpak"),
            Field::str("method")
                .choices(&["user", "system"])
                .default("system"),
            Field::bool("no_dependencies", false),
            Field::str("remote").default("flathub"),
            Field::str("state")
                .choices(&["absent", "present", "latest"])
                .default("present"),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Flatpak, ModuleError> {
        Ok(Flatpak {
            names: arguments.list("name").unwrap_or_default(),
            program: arguments.text("executable"),
            method: format!("--{}", arguments.text("method")),
            remote: arguments.text("remote"),
            state: match arguments.text("state").as_str() {
                "absent" => State::Absent,
                "latest" => State::Latest,
                _ => State::Present,
            },
            no_dependencies: arguments.bool("no_dependencies"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        programs::required(host, &self.program).map_err(|error| match error.unknown {
            true => error,
            false => ModuleError::new(format!(
                "Executable '{}' was not found on the system.",
                self.program
            )),
        })?;
        let list = [&self.program, "list", &self.method, "--columns=application"];
        let said = programs::checked(host, &plain(list))?;
        let (mut there, mut missing) = (Vec::new(), Vec::new());
        for name in &self.names {
            match installed(name, &said.stdout) {
                Some(known_as) => there.push(known_as),
                None => missing.push(name.clone()),
            }
        }
        let mut found = Found {
            commands: Vec::new(),
            sure: 0,
        };
        match self.state {
            State::Absent if !there.is_empty() => {
                let start = ["uninstall", "--noninteractive", &self.method];
                found.commands.push(self.command(&start, &there));
                found.sure = 1;
            }
            State::Absent => {}
            State::Present | State::Latest => {
                self.install(&missing, &mut found);
                if self.state == State::Latest && !there.is_empty() {
                    let start = self.flags("update");
                    found.commands.push(self.command(&start, &there));
                }
            }
        }
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let run = |argv: &Vec<String>| programs::change(plain(argv.clone()));
        found.commands.iter().map(run).collect()
    }

    fn report(
        &self,
        _: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let mut report = values(json!({"rc": 0}));
        if let Some(command) = found.commands.last() {
            report.insert("command".to_owned(), command.join(" ").into());
        }
        if let Some(output) = outcome.outputs.last() {
            report.insert("stdout".to_owned(), Value::from(output.stdout.as_str()));
            report.insert("stderr".to_owned(), Value::from(output.stderr.as_str()));
        }
        let updated = outcome
            .outputs
            .get(found.sure..)
            .unwrap_or_default()
            .iter()
            .any(|output| !output.stdout.contains("Nothing to do."));
        Ok(Report {
            changed: match outcome.check {
                true => None,
                false => Some(found.sure > 0 || updated),
            },
            ..Report::of(report)
        })
    }
}

impl Flatpak {
    fn command(&self, start: &[&str], names: &[String]) -> Vec<String> {
        let words = start.iter().map(|word| (*word).to_owned());
        let words = std::iter::once(self.program.clone()).chain(words);
        words.chain(names.iter().cloned()).collect()
    }

    fn flags<'a>(&'a self, verb: &'a str) -> Vec<&'a str> {
        let mut start = vec![verb, &self.method, "--noninteractive"];
        start.extend(self.no_dependencies.then_some("--no-deps"));
        start
    }

    /// Addresses and names are installed by a command each.
    fn install(&self, missing: &[String], found: &mut Found) {
        let (addresses, names): (Vec<String>, Vec<String>) =
            missing.iter().cloned().partition(|name| is_address(name));
        let start = self.flags("install");
        if !addresses.is_empty() {
            found.commands.push(self.command(&start, &addresses));
        }
        if !names.is_empty() {
            let from = [start.as_slice(), &[&self.remote]].concat();
            found.commands.push(self.command(&from, &names));
        }
        found.sure = found.commands.len();
    }
}

fn is_address(name: &str) -> bool {
    name.starts_with("http://") || name.starts_with("https://")
}

/// The name of an application that a task names: by an address of a file that is called so, or within a reference.
fn application(name: &str) -> &str {
    if is_address(name) {
        let path = name.split(['?', '#']).next().unwrap_or(name);
        let file = path.rsplit('/').next().unwrap_or(path);
        return file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    }
    name.split('/').find(|part| is_id(part)).unwrap_or(name)
}

/// Whether a word is a name such as `org.gimp.GIMP`.
fn is_id(word: &str) -> bool {
    let Some((first, rest)) = word.split_once('.') else {
        return false;
    };
    let is_word = |part: &str| {
        let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
        !part.is_empty() && part.chars().all(fits)
    };
    let is_small = first.chars().any(char::is_lowercase) && !first.chars().any(char::is_uppercase);
    is_small && rest.split('.').all(is_word)
}

/// What an application that is named is called in the list, if it is there.
fn installed(name: &str, list: &str) -> Option<String> {
    let wanted = application(name).to_lowercase();
    let fits = |row: &&str| {
        let row = row.trim().to_lowercase();
        row == wanted || !is_id(&wanted) && row.contains(&wanted)
    };
    let row = list.lines().filter(|row| !row.trim().is_empty()).find(fits);
    row.map(|row| row.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applications_are_found_by_name_reference_and_address() {
        let list = "org.gnome.gedit.plugin\norg.gimp.GIMP\n";
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(installed(name, list).as_deref(), expected, "{name}");
        };
        check("org.gimp.GIMP", Some("org.gimp.GIMP"));
        check("app/org.gimp.gimp/x86_64/stable", Some("org.gimp.GIMP"));
        check(
            "https://x.org/a/org.gimp.GIMP.flatpakref?b",
            Some("org.gimp.GIMP"),
        );
        check("org.gnome.gedit", None);
        check("gimp", Some("org.gimp.GIMP"));
    }
}
