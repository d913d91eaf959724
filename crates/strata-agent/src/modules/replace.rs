//! `replace`: every match of a pattern in a file becomes something else.

use std::path::PathBuf;

use serde_json::json;

use super::edit::{self, Existing};
use crate::arguments::{Arguments, Field, Spec};
use crate::attributes::{Attributes, Wanted};
use crate::change::{Change, Heading, Outcome};
use crate::encoding::{self, Encoding};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::pattern::{self, Pattern};
use crate::protocol::Task;
use crate::replacement::{Mistake, Replacement};

pub(super) struct Replace {
    path: PathBuf,
    regexp: Pattern,
    replacement: String,
    after: Option<Pattern>,
    before: Option<Pattern>,
    backup: bool,
    validate: Option<String>,
    encoding: Encoding,
    attributes: Attributes,
}

/// The file, what it becomes, and how many matches there were.
pub(super) struct Found {
    file: Existing,
    wanted: Wanted,
    becomes: Becomes,
}

/// What becomes of a text.
#[derive(Debug, PartialEq)]
enum Becomes {
    /// Another one, with so many matches replaced.
    Other(String, usize),
    /// What it is.
    Same,
    /// What it is, since the place to look at is not there; then attributes are left alone, too, as in Ansible.
    NoPlace(String),
}

impl Module for Replace {
    const SPEC: Spec = Spec::new(
        "replace",
        &[
            Field::path("path")
                .alias(&["dest", "destfile", "name"])
                .required(),
            Field::str("regexp").required(),
            Field::str("replace").default(""),
            Field::str("after"),
            Field::str("before"),
            Field::bool("backup", false),
            Field::str("validate"),
            Field::str("encoding").default("utf-8"),
        ],
    )
    .with_file_attributes();
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Replace, ModuleError> {
        let beside = |name: &str, text: String| {
            arguments
                .filled(name)
                .map(|_| pattern::python(name, &text))
                .transpose()
        };
        // Python's DOTALL: these two may span lines.
        Ok(Replace {
            path: arguments.path("path").unwrap_or_default(),
            regexp: pattern::python("regexp", &format!("(?m){}", arguments.text("regexp")))?,
            replacement: arguments.text("replace"),
            after: beside("after", format!("(?s){}", arguments.text("after")))?,
            before: beside("before", format!("(?s){}", arguments.text("before")))?,
            backup: arguments.bool("backup"),
            validate: arguments.filled("validate"),
            encoding: encoding::read(arguments, "encoding")?,
            attributes: Attributes::read(arguments)?,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let file = Existing::read_as(host, &self.path, self.encoding)?;
        if file.there.is_none() {
            let shown = self.path.display();
            let error = ModuleError::new(format!("Path {shown} does not exist !"));
            return Err(error.with(json!({"rc": 257})));
        }
        let becomes = self.apply(&file.text)?;
        if let Becomes::Other(text, _) = &becomes {
            file.must_hold(text)?;
        }
        Ok(Found {
            wanted: self.attributes.resolve(host)?,
            file,
            becomes,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let write = match &found.becomes {
            Becomes::NoPlace(_) => return Vec::new(),
            Becomes::Same => None,
            Becomes::Other(text, _) => Some(edit::Edited {
                heading: Heading::File,
                text: text.clone(),
                backup: self.backup,
                validate: self.validate.clone(),
            }),
        };
        found.file.changes(write, &found.wanted)
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let msg = match &found.becomes {
            Becomes::NoPlace(msg) => msg.clone(),
            Becomes::Same => found.file.message("", &found.wanted),
            Becomes::Other(_, count) => {
                let msg = format!("{count} replacements made");
                found.file.message(&msg, &found.wanted)
            }
        };
        Ok(Report {
            values: values(json!({"rc": 0, "msg": ""})),
            msg,
            ..Report::default()
        })
    }
}

impl Replace {
    fn apply(&self, text: &str) -> Result<Becomes, ModuleError> {
        let Some((start, end)) = self.section(text) else {
            return Ok(Becomes::NoPlace(self.no_place()));
        };
        let section = &text[start..end];
        let read = Replacement::read(&self.replacement, &self.regexp);
        let replacement = read.map_err(|mistake| {
            ModuleError::new(match &mistake {
                Mistake::Syntax(words) => {
                    format!("Unable to process replace due to error: {words}")
                }
                Mistake::Name(words) => format!("Task failed: Module failed: {words}"),
            })
        })?;
        let found = self.regexp.all(section);
        let count = found.len();
        let (mut new, mut end_before) = (String::with_capacity(section.len()), 0);
        for (from, to, groups) in &found {
            new.push_str(&section[end_before..*from]);
            new.push_str(&replacement.fill(groups));
            end_before = *to;
        }
        new.push_str(&section[end_before..]);
        if count == 0 || new == section {
            return Ok(Becomes::Same);
        }
        let whole = [&text[..start], &new, &text[end..]].concat();
        Ok(Becomes::Other(whole, count))
    }

    /// What is said where `after` or `before` matches nothing.
    fn no_place(&self) -> String {
        let shown = |regex: &Option<Pattern>| {
            let text = regex.as_ref().map_or("", Pattern::as_str);
            text.trim_start_matches("(?s)").to_owned()
        };
        let pattern = match (&self.after, &self.before) {
            (Some(_), Some(_)) => format!(
                "{}(?P<subsection>.*?){}",
                shown(&self.after),
                shown(&self.before)
            ),
            (Some(_), None) => format!("{}(?P<subsection>.*)", shown(&self.after)),
            _ => format!("(?P<subsection>.*){}", shown(&self.before)),
        };
        format!("Pattern for before/after params did not match the given file: {pattern}")
    }

    /// The part of the text between `after` and `before`.
    fn section(&self, text: &str) -> Option<(usize, usize)> {
        let start = match &self.after {
            Some(after) => after.find(text)?.1,
            None => 0,
        };
        let end = match (&self.before, &self.after) {
            (Some(before), Some(_)) => start + before.find(&text[start..])?.0,
            // Alone, it means its last place, for what precedes it is matched greedily.
            (Some(before), None) => before.all(text).last()?.0,
            (None, _) => text.len(),
        };
        Some((start, end))
    }
}
