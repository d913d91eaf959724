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
use crate::module::{Module, ModuleError, Report, values};
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
    After(Landmark),
    Before(Landmark),
}

/// What a new block goes beside.
struct Landmark {
    pattern: Pattern,
    /// Whether it may span lines; then its first match counts, and else the last line that has one.
    in_lines: bool,
}

/// The file before, and what it becomes.
pub(super) struct Found {
    file: Existing,
    missing: Vec<PathBuf>,
    wanted: Wanted,
    text: String,
    /// Whether the file will be made, be it empty.
    is_made: bool,
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
            is_made: file.there.is_none() && self.present,
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
        let differs = found.text != found.file.text || found.is_made;
        let write = differs.then(|| Edited {
            heading: Heading::Aspect,
            text: found.text.clone(),
            backup: self.backup,
            validate: self.validate.clone(),
        });
        let folders: Vec<Change> = folders.filter(|_| differs).collect();
        let changes = found.file.changes(write, &found.wanted).into_iter();
        let changes = changes.map(Change::as_aspect);
        folders.into_iter().chain(changes).collect()
    }

    fn report(
        &self,
        _: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        // Of a file that is only rehearsed, nobody knows attributes yet.
        let is_known = found.file.there.is_some() || self.present && !outcome.check;
        Ok(Report {
            msg: match is_known {
                true => found.file.message(&found.msg, &found.wanted),
                false => found.msg.clone(),
            },
            values: values(json!({"msg": ""})),
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
        let landmark = |name: &str| -> Result<_, ModuleError> {
            Ok(match arguments.string(name) {
                Some(text) if text != "EOF" && text != "BOF" => {
                    let pattern = pattern::python(name, &text)?;
                    let in_lines = has_flag_of_lines(&text);
                    Some(Landmark { pattern, in_lines })
                }
                _ => None,
            })
        };
        let place = match (landmark("insertafter")?, landmark("insertbefore")?) {
            (Some(landmark), _) => Place::After(landmark),
            (_, Some(landmark)) => Place::Before(landmark),
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
        let at = old.unwrap_or_else(|| self.place(&lines));
        if let Some(line) = at.checked_sub(1).and_then(|above| lines.get_mut(above)) {
            *line = ended(line.trim_end_matches('\n'));
        }
        if self.lines.is_empty() {
            // Ansible ends the line above in any case, and calls that a removal.
            let new = lines.concat();
            let msg = match there {
                false => "File created",
                true if new == text => "",
                true => "Block removed",
            };
            return (new, msg.to_owned());
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
            false => "File created",
            true if new == text => "",
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
        match &self.place {
            Place::Start => 0,
            Place::End => lines.len(),
            Place::After(mark) => mark.end(lines).map_or(lines.len(), |at| at + 1),
            Place::Before(mark) => mark.start(lines).unwrap_or(lines.len()),
        }
    }
}

impl Landmark {
    /// The line that it begins in.
    fn start(&self, lines: &[String]) -> Option<usize> {
        self.line(lines, |(start, _)| start)
    }

    /// The line that it ends in.
    fn end(&self, lines: &[String]) -> Option<usize> {
        self.line(lines, |(_, end)| end)
    }

    fn line(&self, lines: &[String], side: fn((usize, usize)) -> usize) -> Option<usize> {
        if !self.in_lines {
            return lines.iter().rposition(|line| self.pattern.is_match(line));
        }
        let text = lines.concat();
        let at = side(self.pattern.find(&text)?);
        Some(text[..at].matches('\n').count())
    }
}

/// Whether a pattern begins with flags of which one is `m`.
fn has_flag_of_lines(pattern: &str) -> bool {
    let flags = pattern
        .strip_prefix("(?")
        .and_then(|rest| rest.split_once(')'));
    flags.is_some_and(|(flags, _)| {
        flags.contains('m') && flags.bytes().all(|flag| flag.is_ascii_alphabetic())
    })
}

/// A line with its end.
fn ended(line: &str) -> String {
    format!("{line}\n")
}
