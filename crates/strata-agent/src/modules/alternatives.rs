//! `alternatives`: which of several programs a name stands for.

use serde_json::Value;

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, FieldKind, Spec, text};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report};
use crate::protocol::Task;

pub(super) struct Alternatives {
    name: String,
    path: Option<String>,
    family: Option<String>,
    link: Option<String>,
    priority: Option<i64>,
    state: String,
    subcommands: Option<Vec<Subcommand>>,
}

#[derive(Debug, Clone, PartialEq, PartialOrd, Eq, Ord)]
struct Subcommand {
    name: String,
    path: String,
    link: String,
}

/// What `update-alternatives --display` says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Found {
    manual: bool,
    current: Option<String>,
    link: Option<String>,
    choices: Vec<Choice>,
    path_is_there: bool,
}

#[derive(Debug, PartialEq)]
struct Choice {
    path: String,
    family: Option<String>,
    priority: i64,
    subcommands: Vec<Subcommand>,
}

impl Module for Alternatives {
    const SPEC: Spec = Spec::new(
        "community.general.alternatives",
        &[
            Field::str("name").required(),
            Field::path("path"),
            Field::str("family"),
            Field::path("link"),
            Field::int("priority"),
            Field::str("state")
                .choices(&["present", "absent", "selected", "auto"])
                .default("selected"),
            Field::new("subcommands", FieldKind::Raw).alias(&["slaves"]),
        ],
    )
    .one_of(&[&["path", "family"]]);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Alternatives, ModuleError> {
        let subcommands = arguments.raw("subcommands").map(subcommands);
        Ok(Alternatives {
            name: arguments.text("name"),
            path: arguments.string("path"),
            family: arguments.string("family"),
            link: arguments.string("link"),
            priority: arguments.int("priority"),
            state: arguments.text("state"),
            subcommands: subcommands.transpose()?,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        programs::required(host, "update-alternatives")?;
        let said = host.run(&plain(["update-alternatives", "--display", &self.name]))?;
        let mut found = match said.status {
            0 => read(&said.stdout),
            _ => Found::default(),
        };
        if let Some(path) = &self.path {
            found.path_is_there = host.metadata_followed(path.as_ref())?.is_some();
        }
        let installs = self.must_install(&found);
        if let (true, Some(path)) = (installs, &self.path) {
            if !found.path_is_there {
                return Err(ModuleError::new(format!(
                    "Specified path {path} does not exist"
                )));
            }
            if self.link.is_none() && found.link.is_none() {
                return Err(ModuleError::new(
                    "Needed to install the alternative, but unable to do so as we are missing the \
                     link",
                ));
            }
        }
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let run = |words: Vec<String>| {
            let argv = std::iter::once("update-alternatives".to_owned()).chain(words);
            programs::change(plain(argv))
        };
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let path = self.path.as_deref().unwrap_or_default();
        if self.state == "absent" {
            let gone = found.choices.iter().any(|choice| choice.path == path);
            let remove = gone.then(|| run(words(&["--remove", &self.name, path])));
            return remove.into_iter().collect();
        }
        let mut changes = Vec::new();
        if self.must_install(found) {
            changes.push(run(self.install(found, path)));
        }
        if self.state == "selected" && !self.is_selected(found) {
            let what = self.path.as_deref().or(self.family.as_deref());
            changes.push(run(words(&["--set", &self.name, what.unwrap_or_default()])));
        }
        if self.state == "auto" && found.manual {
            changes.push(run(words(&["--auto", &self.name])));
        }
        changes
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let path = self.path.as_deref().unwrap_or_default();
        let name = &self.name;
        let what = self
            .path
            .as_deref()
            .or(self.family.as_deref())
            .unwrap_or_default();
        let told = self
            .decide(found)
            .into_iter()
            .filter_map(|change| match change {
                Change::Run { command, .. } => Some(match command.argv[1].as_str() {
                    "--install" => format!("Install alternative '{path}' for '{name}'."),
                    "--remove" => format!("Remove alternative '{path}' from '{name}'."),
                    "--set" => format!("Set alternative '{what}' for '{name}'."),
                    _ => format!("Set alternative to auto for '{name}'."),
                }),
                _ => None,
            });
        Ok(Report {
            msg: told.collect::<Vec<_>>().join(" "),
            ..Report::default()
        })
    }
}

impl Alternatives {
    fn must_install(&self, found: &Found) -> bool {
        let Some(path) = self.path.as_ref().filter(|_| self.state != "absent") else {
            return false;
        };
        let Some(choice) = found.choices.iter().find(|choice| choice.path == *path) else {
            return true;
        };
        let other_priority = self
            .priority
            .is_some_and(|priority| priority != choice.priority);
        let other_commands = self.subcommands.as_ref().is_some_and(|wanted| {
            let sorted = |commands: &[Subcommand]| {
                let mut commands = commands.to_vec();
                commands.sort();
                commands
            };
            sorted(wanted) != sorted(&choice.subcommands)
        });
        other_priority || other_commands
    }

    fn is_selected(&self, found: &Found) -> bool {
        let Some(current) = &found.current else {
            return false;
        };
        let family = || {
            let choice = found.choices.iter().find(|choice| choice.path == *current);
            choice.is_some_and(|choice| self.family.is_some() && choice.family == self.family)
        };
        self.path.as_ref() == Some(current) || family()
    }

    fn install(&self, found: &Found, path: &str) -> Vec<String> {
        let choice = found.choices.iter().find(|choice| choice.path == path);
        let priority = self.priority.or(choice.map(|choice| choice.priority));
        let link = self.link.as_ref().or(found.link.as_ref());
        let mut words = vec![
            "--install".to_owned(),
            link.cloned().unwrap_or_default(),
            self.name.clone(),
            path.to_owned(),
            priority.unwrap_or(50).to_string(),
        ];
        if let Some(family) = &self.family {
            words.extend(["--family".to_owned(), family.clone()]);
        }
        for subcommand in self.subcommands.iter().flatten() {
            words.extend(["--slave".to_owned(), subcommand.link.clone()]);
            words.extend([subcommand.name.clone(), subcommand.path.clone()]);
        }
        words
    }
}

fn subcommands(given: &Value) -> Result<Vec<Subcommand>, ModuleError> {
    let get = |entry: &Value, name: &str| {
        entry.get(name).and_then(text).ok_or_else(|| {
            ModuleError::new(format!(
                "missing required arguments: {name} found in subcommands"
            ))
        })
    };
    let entries = given.as_array().map(Vec::as_slice).unwrap_or_default();
    let read = entries.iter().map(|entry| {
        Ok(Subcommand {
            name: get(entry, "name")?,
            path: get(entry, "path")?,
            link: get(entry, "link")?,
        })
    });
    read.collect()
}

/// Reads the words of Debian's and Fedora's `update-alternatives`.
fn read(said: &str) -> Found {
    let mut found = Found::default();
    let mut links: Vec<(String, String)> = Vec::new();
    for line in said.lines() {
        let bare = line.trim();
        if line.ends_with("manual mode") || line.ends_with("status is manual.") {
            found.manual = true;
        } else if let Some(path) = bare.strip_prefix("link currently points to ") {
            found.current = Some(path.to_owned());
        } else if let Some((_, path)) = bare
            .strip_prefix("link ")
            .and_then(|rest| rest.split_once(" is "))
        {
            found.link = Some(path.to_owned());
        } else if let Some(rest) = subcommand(bare) {
            match (rest.split_once(" is "), rest.split_once(": ")) {
                (Some((name, link)), _) => links.push((name.to_owned(), link.to_owned())),
                (None, Some((name, path))) if path != "(null)" => {
                    let link = links.iter().find(|(known, _)| known == name);
                    let link = link.map(|(_, link)| link.clone()).unwrap_or_default();
                    if let Some(choice) = found.choices.last_mut() {
                        choice.subcommands.push(Subcommand {
                            name: name.to_owned(),
                            path: path.to_owned(),
                            link,
                        });
                    }
                }
                _ => {}
            }
        } else if let Some((path, rest)) = bare.split_once(" - ").filter(|_| bare.starts_with('/'))
        {
            let words: Vec<&str> = rest.split_whitespace().collect();
            let after = |mark: &str| {
                let at = words.iter().position(|word| *word == mark)?;
                words.get(at + 1).copied()
            };
            found.choices.push(Choice {
                path: path.to_owned(),
                family: after("family").map(str::to_owned),
                priority: after("priority")
                    .and_then(|number| number.parse().ok())
                    .unwrap_or(0),
                subcommands: Vec::new(),
            });
        }
    }
    found
}

fn subcommand(line: &str) -> Option<&str> {
    line.strip_prefix("slave ")
        .or_else(|| line.strip_prefix("follower "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_displayed_is_read() {
        let found = read(
            "editor - manual mode\n  link best version is /bin/nano\n  link currently points to \
             /usr/bin/vim\n  link editor is /usr/bin/editor\n  slave editor.1 is \
             /usr/share/man/editor.1\n/bin/nano - priority 40\n  slave editor.1: /m/nano.1\n\
             /usr/bin/vim - priority 30\n",
        );
        assert!(found.manual);
        assert_eq!(found.current.as_deref(), Some("/usr/bin/vim"));
        assert_eq!(found.link.as_deref(), Some("/usr/bin/editor"));
        assert_eq!(
            found.choices[0].subcommands[0].link,
            "/usr/share/man/editor.1"
        );
        assert_eq!(found.choices[1].priority, 30);
    }
}
