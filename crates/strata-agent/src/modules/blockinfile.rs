//! `blockinfile`: some lines between two markers are there, or are not.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::edit::{Edited, Existing};
use super::file::missing_folders;
use crate::arguments::{Arguments, Field, Spec};
use crate::attributes::{Attributes, Wanted};
use crate::change::{Change, Heading, Outcome};
use crate::encoding::{self, Encoding};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report};
use crate::pattern::{self, Pattern};
use crate::protocol::Task;

pub(super) struct Blockinfile {
    path: PathBuf,
    present: bool,
    block: Block,
    create: bool,
    backup: bool,
    validate: Option<String>,
    encoding: Encoding,
    attributes: Attributes,
}

/// What shall stand in the file, and where.
struct Block {
    begin: String,
    end: String,
    /// Without the markers, each with its line end; empty for a block that shall go.
    lines: Vec<String>,
    place: Place,
    prepend_newline: bool,
    append_newline: bool,
}

/// Where a new block goes.
enum Place {
    Start,
    End,
    After(Pattern),
    Before(Pattern),
}

/// The file before, and what it becomes.
pub(super) struct Found {
    file: Existing,
    missing: Vec<PathBuf>,
    wanted: Wanted,
    text: String,
    msg: String,
}

impl Module for Blockinfile {
    const SPEC: Spec = Spec::new(
        "blockinfile",
        &[
            Field::path("path")
                .alias(&["dest", "destfile", "name"])
                .required(),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::str("marker").default("# {mark} ANSIBLE MANAGED BLOCK"),
            Field::str("marker_begin").default("BEGIN"),
            Field::str("marker_end").default("END"),
            Field::str("block").alias(&["content"]).default(""),
            Field::str("insertafter"),
            Field::str("insertbefore"),
            Field::bool("create", false),
            Field::bool("backup", false),
            Field::bool("append_newline", false),
            Field::bool("prepend_newline", false),
            Field::str("validate"),
            Field::str("encoding").default("utf-8"),
        ],
    )
    .with_file_attributes()
    .exclusive(&[&["insertbefore", "insertafter"]]);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Blockinfile, ModuleError> {
        Ok(Blockinfile {
            path: arguments.path("path").unwrap_or_default(),
            present: arguments.text("state") == "present",
            block: Block::read(arguments)?,
            create: arguments.bool("create"),
            backup: arguments.bool("backup"),
            validate: arguments.filled("validate"),
            encoding: encoding::read(arguments, "encoding")?,
            attributes: Attributes::read(arguments)?,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let file = Existing::read_as(host, &self.path, self.encoding)?;
        let mut missing = Vec::new();
        if file.there.is_none() {
            if !self.create {
                let shown = self.path.display();
                let error = ModuleError::new(format!("Path {shown} does not exist !"));
                return Err(error.with(json!({"rc": 257})));
            }
            missing = missing_folders(host, file.path.parent().unwrap_or(Path::new("/")))?;
        }
        let (text, msg) = match (&file.there, self.present) {
            (None, false) => {
                let msg = format!("File {} not present", self.path.display());
                (String::new(), msg)
            }
            _ => self.block.apply(&file.text, file.there.is_some()),
        };
        file.must_hold(&text)?;
        Ok(Found {
            wanted: self.attributes.resolve(host)?,
            file,
            missing,
            text,
            msg,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let folders = found.missing.iter().map(|path| Change::CreateDirectory {
            path: path.clone(),
            mode: 0o755,
        });
        let differs = found.text != found.file.text;
        let write = differs.then(|| Edited {
            heading: Heading::Content,
            text: found.text.clone(),
            backup: self.backup,
            validate: self.validate.clone(),
        });
        let folders: Vec<Change> = folders.filter(|_| differs).collect();
        let changes = found.file.changes(write, &found.wanted);
        folders.into_iter().chain(changes).collect()
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        Ok(Report {
            msg: found.file.message(&found.msg, &found.wanted),
            ..Report::default()
        })
    }
}

impl Block {
    fn read(arguments: &Arguments) -> Result<Block, ModuleError> {
        let marker = arguments.text("marker");
        let mark = |name: &str| ended(&marker.replace("{mark}", &arguments.text(name)));
        let text = arguments.text("block");
        let present = arguments.text("state") == "present";
        let lines = text.lines().filter(|_| present).map(ended);
        let pattern = |name: &str| match arguments.string(name) {
            Some(text) if text.contains("(?m)") => Err(ModuleError::new(format!(
                "{name}: a pattern over several lines is not supported by Strata yet"
            ))),
            Some(text) if text != "EOF" && text != "BOF" => pattern::python(name, &text).map(Some),
            _ => Ok(None),
        };
        let place = match (pattern("insertafter")?, pattern("insertbefore")?) {
            (Some(regex), _) => Place::After(regex),
            (_, Some(regex)) => Place::Before(regex),
            _ if arguments.text("insertbefore") == "BOF" => Place::Start,
            _ => Place::End,
        };
        Ok(Block {
            begin: mark("marker_begin"),
            end: mark("marker_end"),
            lines: lines.collect(),
            place,
            prepend_newline: arguments.bool("prepend_newline"),
            append_newline: arguments.bool("append_newline"),
        })
    }

    /// The text with the block in it, or without it, and the message.
    fn apply(&self, text: &str, there: bool) -> (String, String) {
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        let old = self.take(&mut lines);
        if self.lines.is_empty() {
            let msg = if old.is_some() { "Block removed" } else { "" };
            return (lines.concat(), msg.to_owned());
        }
        let at = old.unwrap_or_else(|| self.place(&lines));
        if let Some(line) = at.checked_sub(1).and_then(|above| lines.get_mut(above)) {
            *line = ended(line.trim_end_matches('\n'));
        }
        let mut new = vec![self.begin.clone()];
        new.extend(self.lines.iter().cloned());
        new.push(self.end.clone());
        let blank = |line: Option<&String>| line.is_none_or(|line| line == "\n");
        if self.prepend_newline && at > 0 && !blank(lines.get(at - 1)) {
            new.insert(0, "\n".to_owned());
        }
        if self.append_newline && at < lines.len() && !blank(lines.get(at)) {
            new.push("\n".to_owned());
        }
        lines.splice(at..at, new);
        let new = lines.concat();
        let msg = match there {
            _ if new == text => "",
            false => "File created",
            true => "Block inserted",
        };
        (new, msg.to_owned())
    }

    /// Takes the block with its markers out; says where it was.
    fn take(&self, lines: &mut Vec<String>) -> Option<usize> {
        let begin = lines.iter().rposition(|line| *line == self.begin)?;
        let end = lines.iter().rposition(|line| *line == self.end)?;
        if begin <= end {
            lines.drain(begin..=end);
            return Some(begin);
        }
        // The markers stand the wrong way round: what is between them goes with them.
        lines.drain(end..=begin);
        Some(end)
    }

    fn place(&self, lines: &[String]) -> usize {
        let last = |regex: &Pattern| lines.iter().rposition(|line| regex.is_match(line));
        match &self.place {
            Place::Start => 0,
            Place::End => lines.len(),
            Place::After(regex) => last(regex).map_or(lines.len(), |at| at + 1),
            Place::Before(regex) => last(regex).unwrap_or(lines.len()),
        }
    }
}

/// A line with its end.
fn ended(line: &str) -> String {
    format!("{line}\n")
}
