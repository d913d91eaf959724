//! `crypttab`: a line of `/etc/crypttab`, or some of its options.
//!
//! As `community.general.crypttab` 11.4: lines that are entries are written anew with single spaces between; in check mode
//! a file that is missing stays so.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::edit::{Edited, Existing};
use super::file::missing_folders;
use crate::arguments::{Arguments, Field, Spec};
use crate::attributes::Wanted;
use crate::change::{Change, Heading, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct Crypttab {
    path: PathBuf,
    name: String,
    state: State,
    wish: Wish,
    /// The arguments, which are returned, too.
    told: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Present,
    Absent,
    OptsPresent,
    OptsAbsent,
}

/// What a line shall hold; what is not said stays.
#[derive(Debug, Default)]
struct Wish {
    device: Option<String>,
    password: Option<String>,
    options: Option<Vec<Opt>>,
}

/// An option and its value.
type Opt = (String, Option<String>);

/// A line of the file.
enum Line {
    Other(String),
    Entry(Entry),
}

#[derive(Debug, Clone, PartialEq)]
struct Entry {
    name: String,
    device: String,
    password: Option<String>,
    options: Vec<Opt>,
}

/// The file, and what becomes of it.
pub(super) struct Found {
    file: Existing,
    text: String,
    /// What is told of the change; none where there is none.
    reason: Option<&'static str>,
    /// What is told where there is none.
    otherwise: &'static str,
    /// Folders that are not there yet, the outermost first.
    missing: Vec<PathBuf>,
}

impl Module for Crypttab {
    const SPEC: Spec = Spec::new(
        "community.general.crypttab",
        &[
            Field::str("name").required(),
            Field::str("state")
                .choices(&["absent", "opts_absent", "opts_present", "present"])
                .required(),
            Field::str("backing_device"),
            Field::path("password"),
            Field::str("opts"),
            Field::path("path").default("/etc/crypttab"),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Crypttab, ModuleError> {
        let given = arguments.text("name");
        let name = given.strip_prefix("/dev/mapper/").unwrap_or(&given);
        let texts = ["backing_device", "password", "opts"].map(|name| arguments.string(name));
        let [device, password, opts] = texts.clone();
        let state_name = arguments.text("state");
        let state = match state_name.as_str() {
            "present" => State::Present,
            "opts_present" => State::OptsPresent,
            "opts_absent" => State::OptsAbsent,
            _ => State::Absent,
        };
        if state != State::Absent && texts.iter().all(Option::is_none) {
            return Err(ModuleError::new(
                "expected one or more of 'backing_device', 'password' or 'opts'",
            ));
        }
        let of_options = matches!(state, State::OptsPresent | State::OptsAbsent);
        if of_options && (device.is_some() || password.is_some()) {
            return Err(ModuleError::new(format!(
                "cannot update 'backing_device' or 'password' when state={state_name}"
            )));
        }
        let all = [
            ("name", Some(name)),
            ("backing_device", device.as_deref()),
            ("password", password.as_deref()),
            ("opts", opts.as_deref()),
        ];
        let wrong = all.iter().find(|(_, text)| {
            text.is_some_and(|text| text.is_empty() || text.contains([' ', '\t', '\n']))
        });
        if let Some((which, _)) = wrong {
            return Err(ModuleError::new(format!(
                "invalid '{which}': contains white space or is empty"
            )));
        }
        let path = arguments.text("path");
        Ok(Crypttab {
            name: name.to_owned(),
            told: json!({
                "name": given, "state": state_name, "path": path, "backing_device": device,
                "password": password, "opts": opts,
            }),
            path: PathBuf::from(path),
            state,
            wish: Wish {
                device,
                password,
                options: opts.as_deref().map(options),
            },
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let file = Existing::read(host, &self.path)?;
        let mut lines: Vec<Line> = file.text.lines().map(read).collect();
        let (reason, otherwise) = self.apply(&mut lines)?;
        let mut text: String = lines.iter().map(|line| shown(line) + "\n").collect();
        if text.is_empty() {
            text.push('\n');
        }
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        let missing = match file.there {
            Some(_) => Vec::new(),
            None => missing_folders(host, folder)?,
        };
        Ok(Found {
            missing,
            file,
            text,
            reason,
            otherwise,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let edited = found.reason.map(|_| Edited {
            text: found.text.clone(),
            backup: false,
            validate: None,
            heading: Heading::File,
        });
        let folders = found.missing.iter().filter(|_| edited.is_some());
        let folders = folders.map(|path| Change::CreateDirectory {
            path: path.clone(),
            mode: 0o755,
        });
        let mut changes: Vec<Change> = folders.collect();
        changes.extend(found.file.changes(edited, &Wanted::default()));
        changes
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let msg = found.reason.unwrap_or(found.otherwise);
        Ok(Report {
            msg: msg.to_owned(),
            ..Report::of(values(self.told.clone()))
        })
    }
}

impl Crypttab {
    /// Makes the lines as they shall be; says what changed, and what is said if nothing did.
    fn apply(
        &self,
        lines: &mut Vec<Line>,
    ) -> Result<(Option<&'static str>, &'static str), ModuleError> {
        let at = lines
            .iter()
            .position(|line| matches!(line, Line::Entry(entry) if entry.name == self.name));
        let is_wanted = matches!(self.state, State::Present | State::OptsPresent);
        let Some(at) = at else {
            return match (&self.wish.device, is_wanted) {
                (_, false) => Ok((None, "?")),
                (None, true) => Err(ModuleError::new(
                    "'backing_device' required to add a new entry",
                )),
                (Some(device), true) => {
                    lines.push(Line::Entry(Entry {
                        name: self.name.clone(),
                        device: device.clone(),
                        password: self.wish.password.clone(),
                        options: self.wish.options.clone().unwrap_or_default(),
                    }));
                    Ok((Some("added line"), "?"))
                }
            };
        };
        if self.state == State::Absent {
            // As in the original, where it stood stays an empty line.
            lines[at] = Line::Other(String::new());
            return Ok((Some("removed line"), "?"));
        }
        let Line::Entry(entry) = &mut lines[at] else {
            return Ok((None, "?"));
        };
        let before = entry.clone();
        let given = self.wish.options.as_deref().unwrap_or_default();
        let reason = match self.state {
            State::OptsPresent => {
                entry.add(given);
                "updated options"
            }
            State::OptsAbsent => {
                let goes = |name: &String| given.iter().any(|(given, _)| given == name);
                entry.options.retain(|(name, _)| !goes(name));
                "removed options"
            }
            _ => {
                entry.set(&self.wish);
                "updated line"
            }
        };
        Ok(((*entry != before).then_some(reason), reason))
    }
}

impl Entry {
    fn set(&mut self, wish: &Wish) {
        if let Some(device) = &wish.device {
            self.device = device.clone();
        }
        if wish.password.is_some() {
            self.password = wish.password.clone();
        }
        let sorted = |options: &[Opt]| {
            let mut options = options.to_vec();
            options.sort();
            options
        };
        if let Some(options) = &wish.options
            && sorted(options) != sorted(&self.options)
        {
            self.options = options.clone();
        }
    }

    fn add(&mut self, more: &[Opt]) {
        for (name, value) in more {
            match self.options.iter_mut().find(|(there, _)| there == name) {
                Some(option) => option.1 = value.clone(),
                None => self.options.push((name.clone(), value.clone())),
            }
        }
    }
}

/// Options with commas between, each name once.
fn options(text: &str) -> Vec<Opt> {
    let mut options: Vec<Opt> = Vec::new();
    for option in text.split(',') {
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (option, None),
        };
        match options.iter_mut().find(|(there, _)| there == name) {
            Some(there) => there.1 = value,
            None => options.push((name.to_owned(), value)),
        }
    }
    options
}

fn read(line: &str) -> Line {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words[..] {
        [name, device, ref more @ ..] if more.len() <= 2 && !line.starts_with('#') => {
            Line::Entry(Entry {
                name: name.to_owned(),
                device: device.to_owned(),
                password: more.first().map(|word| (*word).to_owned()),
                options: more.get(1).map(|word| options(word)).unwrap_or_default(),
            })
        }
        _ => Line::Other(line.to_owned()),
    }
}

fn shown(line: &Line) -> String {
    let entry = match line {
        Line::Other(text) => return text.clone(),
        Line::Entry(entry) => entry,
    };
    let mut words = vec![entry.name.clone(), entry.device.clone()];
    if entry.password.is_some() || !entry.options.is_empty() {
        words.push(entry.password.clone().unwrap_or_else(|| "none".to_owned()));
    }
    if !entry.options.is_empty() {
        let options = entry.options.iter().map(|(name, value)| match value {
            Some(value) => format!("{name}={value}"),
            None => name.clone(),
        });
        words.push(options.collect::<Vec<_>>().join(","));
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_written() {
        let check = |text: &str, expected: &str| assert_eq!(shown(&read(text)), expected);
        check("a  /dev/b", "a /dev/b");
        check("a /dev/b none luks,x=1,luks", "a /dev/b none luks,x=1");
        check("a /dev/b\t/key", "a /dev/b /key");
        check("# a  b", "# a  b");
        check("one", "one");
        check("1 2 3 4  5", "1 2 3 4  5");
    }
}
