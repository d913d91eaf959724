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
    text: Option<String>,
    msg: String,
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
        let (text, msg) = self.apply(&file.text);
        file.must_hold(text.as_deref().unwrap_or_default())?;
        Ok(Found {
            wanted: self.attributes.resolve(host)?,
            file,
            text,
            msg,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let write = found.text.clone().map(|text| edit::Edited {
            heading: Heading::File,
            text,
            backup: self.backup,
            validate: self.validate.clone(),
        });
        found.file.changes(write, &found.wanted)
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        Ok(Report {
            msg: found.file.message(&found.msg, &found.wanted),
            values: values(json!({"rc": 0})),
            ..Report::default()
        })
    }
}

impl Replace {
    /// The new text, if it differs, and the message.
    fn apply(&self, text: &str) -> (Option<String>, String) {
        let Some((start, end)) = self.section(text) else {
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
            let msg =
                format!("Pattern for before/after params did not match the given file: {pattern}");
            return (None, msg);
        };
        let section = &text[start..end];
        let found = self.regexp.all(section);
        let count = found.len();
        let (mut new, mut end_before) = (String::with_capacity(section.len()), 0);
        for (from, to, groups) in &found {
            new.push_str(&section[end_before..*from]);
            new.push_str(&pattern::expand(groups, &self.replacement));
            end_before = *to;
        }
        new.push_str(&section[end_before..]);
        if count == 0 || new == section {
            return (None, String::new());
        }
        let whole = [&text[..start], &new, &text[end..]].concat();
        (Some(whole), format!("{count} replacements made"))
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
