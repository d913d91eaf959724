//! `interfaces_file`: one option of an interface in ifupdown's file.
//!
//! As `community.general.interfaces_file` 11.4. The options that may stand several times (`up`, `down`, …) are told apart
//! by their values.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::edit::{Edited, Existing};
use crate::arguments::{Arguments, Field, Spec};
use crate::attributes::{Attributes, Wanted};
use crate::change::{Change, Heading, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct InterfacesFile {
    dest: PathBuf,
    wish: Option<Wish>,
    backup: bool,
    attributes: Attributes,
}

/// An option of an interface.
struct Wish {
    iface: String,
    family: Option<String>,
    option: String,
    /// What it shall be; for what shall go, which of several.
    value: Option<String>,
    is_present: bool,
}

/// The file before and after.
pub(super) struct Found {
    file: Existing,
    wanted: Wanted,
    text: Option<String>,
    ifaces: Value,
}

/// A line of the file.
#[derive(Debug, Clone, PartialEq)]
struct Line {
    text: String,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Other,
    /// The head of an interface.
    Iface(Iface),
    /// An option of one, and its value.
    Option(Iface, String, String),
}

#[derive(Debug, Clone, PartialEq)]
struct Iface {
    name: String,
    family: Option<String>,
    method: Option<String>,
}

/// Options that may stand several times.
const REPEATED: &[&str] = &["pre-up", "up", "down", "post-up"];

/// Words that begin something else than an option.
const HEADS: &[&str] = &[
    "source",
    "source-dir",
    "source-directory",
    "auto",
    "no-auto-down",
    "no-scripts",
];

impl Module for InterfacesFile {
    const SPEC: Spec = Spec::new(
        "community.general.interfaces_file",
        &[
            Field::path("dest").default("/etc/network/interfaces"),
            Field::str("iface"),
            Field::str("address_family"),
            Field::str("option"),
            Field::str("value"),
            Field::bool("backup", false),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
        ],
    )
    .with_file_attributes();
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<InterfacesFile, ModuleError> {
        let is_present = arguments.text("state") == "present";
        let value = arguments.string("value");
        let wish = match (arguments.string("option"), arguments.string("iface")) {
            (Some(_), None) => {
                return Err(ModuleError::new(
                    "missing parameter(s) required by 'option': iface",
                ));
            }
            (Some(_), Some(_)) if is_present && value.is_none() => {
                return Err(ModuleError::new(
                    "Value must be set if option is defined and state is 'present'",
                ));
            }
            (Some(option), Some(iface)) => Some(Wish {
                iface,
                family: arguments.string("address_family"),
                option,
                value,
                is_present,
            }),
            (None, _) => None,
        };
        Ok(InterfacesFile {
            dest: arguments.path("dest").unwrap_or_default(),
            wish,
            backup: arguments.bool("backup"),
            attributes: Attributes::read(arguments)?,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let file = Existing::read(host, &self.dest)?;
        if file.there.is_none() {
            let shown = self.dest.display();
            return Err(ModuleError::new(format!(
                "[Errno 2] No such file or directory: '{shown}'"
            )));
        }
        let before = read(&file.text)?;
        let after = match &self.wish {
            Some(wish) => wish.apply(before.clone())?,
            None => before.clone(),
        };
        let text: String = after.iter().map(|line| line.text.as_str()).collect();
        Ok(Found {
            ifaces: described(&read(&text)?),
            text: (text != file.text).then_some(text),
            wanted: self.attributes.resolve(host)?,
            file,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let edited = found.text.clone().map(|text| Edited {
            text,
            backup: self.backup,
            validate: None,
            heading: Heading::File,
        });
        found.file.changes(edited, &found.wanted)
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let dest = self.dest.to_string_lossy();
        Ok(Report::of(values(
            json!({"dest": dest, "ifaces": found.ifaces}),
        )))
    }
}

fn read(text: &str) -> Result<Vec<Line>, ModuleError> {
    let mut lines = Vec::new();
    let mut iface: Option<Iface> = None;
    let mut is_begun = false;
    for (at, text) in text.split_inclusive('\n').enumerate() {
        let words: Vec<&str> = text.split_whitespace().collect();
        let kind = match words.first() {
            None => Kind::Other,
            Some(word) if word.starts_with('#') => Kind::Other,
            Some(&"iface") => {
                let word = |at: usize| words.get(at).map(|word| (*word).to_owned());
                let head = Iface {
                    name: word(1).unwrap_or_default(),
                    family: word(2),
                    method: word(3),
                };
                iface = Some(head.clone());
                is_begun = true;
                Kind::Iface(head)
            }
            Some(&"mapping") => {
                iface = None;
                is_begun = true;
                Kind::Other
            }
            Some(word) if HEADS.contains(word) || word.starts_with("allow-") => {
                iface = None;
                is_begun = true;
                Kind::Other
            }
            Some(option) => match &iface {
                Some(iface) => {
                    let value = text.trim().strip_prefix(*option).unwrap_or_default().trim();
                    Kind::Option(iface.clone(), (*option).to_owned(), value.to_owned())
                }
                None if is_begun => Kind::Other,
                None => {
                    let line = at + 1;
                    return Err(ModuleError::new(format!(
                        "misplaced option {text} in line {line}"
                    )));
                }
            },
        };
        lines.push(Line {
            text: text.to_owned(),
            kind,
        });
    }
    Ok(lines)
}

fn repeats(option: &str) -> bool {
    REPEATED.contains(&option)
}

/// The interfaces by their names, with their options.
fn described(lines: &[Line]) -> Value {
    let mut all = Map::new();
    for line in lines {
        match &line.kind {
            Kind::Other => {}
            Kind::Iface(iface) => {
                let about = json!({
                    "pre-up": [], "up": [], "down": [], "post-up": [],
                    "address_family": iface.family, "method": iface.method,
                });
                all.insert(iface.name.clone(), about);
            }
            Kind::Option(iface, option, value) => {
                let about = &mut all[&iface.name];
                if let (true, Value::Array(several)) = (repeats(option), &mut about[option]) {
                    several.push(value.as_str().into());
                } else {
                    about[option] = value.as_str().into();
                }
            }
        }
    }
    Value::Object(all)
}

impl Wish {
    fn apply(&self, mut lines: Vec<Line>) -> Result<Vec<Line>, ModuleError> {
        let ours: Vec<usize> = (0..lines.len())
            .filter(|at| self.is_about(&lines[*at]))
            .collect();
        let Some(last) = ours.last().copied() else {
            return Err(ModuleError::new(format!(
                "Error: interface {} not found",
                self.iface
            )));
        };
        let same: Vec<usize> = ours
            .iter()
            .copied()
            .filter(|at| self.is_option(&lines[*at]))
            .collect();
        let value = self.value.clone().unwrap_or_default();
        let repeats = repeats(&self.option);
        let has = |at: &usize, value: &str| matches!(&lines[*at].kind, Kind::Option(_, _, is) if is == value);
        if !self.is_present {
            let goes: Vec<usize> = match &self.value {
                Some(value) if repeats => same.into_iter().filter(|at| has(at, value)).collect(),
                _ => same,
            };
            let kept = lines
                .into_iter()
                .enumerate()
                .filter(|(at, _)| !goes.contains(at));
            return Ok(kept.map(|(_, line)| line).collect());
        }
        match same.last().copied() {
            None if self.option == "method" => {
                for at in ours {
                    change_method(&mut lines[at], &value);
                }
            }
            None => self.insert(&mut lines, last, &value, ours.len() == 1),
            Some(_) if repeats && same.iter().any(|at| has(at, &value)) => {}
            Some(at) if repeats => self.insert(&mut lines, at, &value, false),
            Some(at) => replace_value(&mut lines[at], &value),
        }
        Ok(lines)
    }

    fn is_about(&self, line: &Line) -> bool {
        let iface = match &line.kind {
            Kind::Other => return false,
            Kind::Iface(iface) | Kind::Option(iface, ..) => iface,
        };
        iface.name == self.iface && (self.family.is_none() || iface.family == self.family)
    }

    fn is_option(&self, line: &Line) -> bool {
        matches!(&line.kind, Kind::Option(_, option, _) if *option == self.option)
    }

    /// Puts the option after a line, as far from the edge as that, or further below the head.
    fn insert(&self, lines: &mut Vec<Line>, after: usize, value: &str, is_first: bool) {
        let before = &lines[after].text;
        let indent = &before[..before.len() - before.trim_start().len()];
        let end = &before[before.trim_end().len()..];
        let more = if is_first { "    " } else { "" };
        let text = format!("{indent}{more}{} {value}{end}", self.option);
        let line = Line {
            text,
            kind: Kind::Other,
        };
        lines.insert(after + 1, line);
    }
}

/// Another value where the old one stands, with what is around it.
fn replace_value(line: &mut Line, value: &str) {
    let Kind::Option(_, option, old) = &line.kind else {
        return;
    };
    let start = line
        .text
        .find(option.as_str())
        .map_or(0, |at| at + option.len());
    let (head, rest) = line.text.split_at(start);
    let at = rest.find(old.as_str()).unwrap_or(0);
    let text = format!("{head}{}{value}{}", &rest[..at], &rest[at + old.len()..]);
    line.text = text;
}

/// Another method at the end of an interface's head.
fn change_method(line: &mut Line, value: &str) {
    if let Kind::Iface(iface) = &line.kind
        && let Some(method) = &iface.method
        && method != value
    {
        let bare = line.text.trim_end();
        let end = &line.text[bare.len()..];
        // What stands behind a method is no method, and stays as it is.
        if let Some(start) = bare.strip_suffix(method.as_str()) {
            line.text = format!("{start}{value}{end}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# note\nauto eth0\niface eth0 inet static\n    address 10.0.0.5/24\n    up  one  two\n\
                        iface eth0 inet6 auto\niface eth1 inet dhcp\n";

    fn check(option: &str, value: Option<&str>, is_present: bool, from: &str, to: &str) {
        let wish = Wish {
            iface: "eth0".to_owned(),
            family: Some("inet".to_owned()),
            option: option.to_owned(),
            value: value.map(str::to_owned),
            is_present,
        };
        let after = wish.apply(read(TEXT).unwrap()).unwrap();
        let text: String = after.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(text, TEXT.replace(from, to), "{option}");
    }

    #[test]
    fn options_are_added_changed_and_removed() {
        check(
            "gateway",
            Some("10.0.0.1"),
            true,
            "one  two\n",
            "one  two\n    gateway 10.0.0.1\n",
        );
        check("address", Some("10.0.0.6/24"), true, "10.0.0.5", "10.0.0.6");
        check("address", None, false, "    address 10.0.0.5/24\n", "");
        check(
            "up",
            Some("three"),
            true,
            "one  two\n",
            "one  two\n    up three\n",
        );
        check("up", Some("one  two"), false, "    up  one  two\n", "");
        check("up", Some("three"), false, "", "");
        check("method", Some("manual"), true, "inet static", "inet manual");
    }

    #[test]
    fn what_stands_before_any_head_is_a_mistake() {
        assert!(read("address 1\n").is_err());
        assert!(read("auto lo\nrubbish\n").is_ok());
    }
}
