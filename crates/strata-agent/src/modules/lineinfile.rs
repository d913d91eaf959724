//! `lineinfile`: one line of a file is there, or is not.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::edit;
use super::file::{fresh, missing_folders};
use crate::arguments::{Arguments, Field, Spec};
use crate::attributes::{Attributes, Wanted};
use crate::change::{Change, FileContent, FileWrite, Heading, Outcome};
use crate::encoding::{self, Encoding};
use crate::host::{Host, Kind, Metadata};
use crate::module::{Module, ModuleError, Report, values};
use crate::pattern::{self, Pattern};
use crate::protocol::{Notice, Task};
use crate::replacement::Replacement;

pub(super) struct Lineinfile {
    path: PathBuf,
    rule: Rule,
    create: bool,
    backup: bool,
    validate: Option<String>,
    encoding: Encoding,
    attributes: Attributes,
}

/// What shall be in the file.
struct Rule {
    present: bool,
    regexp: Option<Pattern>,
    search: Option<String>,
    line: String,
    backrefs: bool,
    after: Option<Place>,
    before: Option<Place>,
    first: bool,
}

/// Where a new line goes.
enum Place {
    Edge,
    Beside(Pattern),
}

/// The file before, and what becomes of it.
pub(super) struct Found {
    path: PathBuf,
    there: Option<Metadata>,
    missing: Vec<PathBuf>,
    wanted: Wanted,
    edit: Edit,
    /// The edit's text, encoded.
    bytes: Option<Vec<u8>>,
}

/// A text after a rule was applied.
#[derive(Debug, PartialEq)]
struct Edit {
    text: Option<String>,
    msg: String,
    found: Option<usize>,
}

impl Module for Lineinfile {
    const SPEC: Spec = Spec::new(
        "lineinfile",
        &[
            Field::path("path")
                .alias(&["dest", "destfile", "name"])
                .required(),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::str("regexp").alias(&["regex"]),
            Field::str("search_string"),
            Field::str("line").alias(&["value"]),
            Field::bool("backrefs", false),
            Field::str("insertafter"),
            Field::str("insertbefore"),
            Field::bool("create", false),
            Field::bool("backup", false),
            Field::bool("firstmatch", false),
            Field::str("validate"),
            Field::str("encoding").default("utf-8"),
        ],
    )
    .with_file_attributes()
    .exclusive(&[
        &["insertbefore", "insertafter"],
        &["regexp", "search_string"],
        &["backrefs", "search_string"],
    ]);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Lineinfile, ModuleError> {
        Ok(Lineinfile {
            path: arguments.path("path").unwrap_or_default(),
            rule: Rule::read(arguments)?,
            create: arguments.bool("create"),
            backup: arguments.bool("backup"),
            validate: arguments.filled("validate"),
            encoding: encoding::read(arguments, "encoding")?,
            attributes: Attributes::read(arguments)?,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let path = edit::through_links(host, &self.path)?;
        let shown = self.path.display();
        let there = host.metadata(&path)?;
        let mut missing = Vec::new();
        match &there {
            Some(found) if found.kind == Kind::Directory => {
                let error = ModuleError::new(format!("Path {shown} is a directory !"));
                return Err(error.with(json!({"rc": 256})));
            }
            None if self.rule.present && !self.create => {
                let error = ModuleError::new(format!("Destination {shown} does not exist !"));
                return Err(error.with(json!({"rc": 257})));
            }
            None if self.rule.present => {
                missing = missing_folders(host, path.parent().unwrap_or(Path::new("/")))?;
            }
            _ => {}
        }
        let before = if there.is_some() {
            host.read(&path)?
        } else {
            Vec::new()
        };
        let before = edit::text(self.encoding, &before, &self.path)?;
        let edit = match &there {
            None if !self.rule.present => Edit {
                text: None,
                msg: "file not present".to_owned(),
                found: None,
            },
            _ => self.rule.apply(&before)?,
        };
        let bytes = match &edit.text {
            Some(text) => Some(edit::bytes(self.encoding, text, &self.path)?),
            None => None,
        };
        Ok(Found {
            path,
            there,
            missing,
            wanted: self.attributes.resolve(host)?,
            edit,
            bytes,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let mut changes: Vec<Change> = Vec::new();
        for path in &found.missing {
            changes.push(Change::CreateDirectory {
                path: path.clone(),
                mode: 0o755,
            });
        }
        if let Some(bytes) = &found.bytes {
            changes.push(Change::Write(FileWrite {
                path: found.path.clone(),
                content: FileContent::Bytes(bytes.clone()),
                permissions: found.wanted.for_write(found.there.as_ref(), 0o644),
                backup: self.backup,
                validate: self.validate.clone(),
                heading: Heading::Aspect,
            }));
        } else if let Some(there) = &found.there {
            let change = found.wanted.change(&found.path, there, true);
            changes.extend(change.map(Change::as_aspect));
        }
        changes
    }

    fn report(
        &self,
        _: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        if found.there.is_none() && !self.rule.present {
            return Ok(Report {
                msg: found.edit.msg.clone(),
                ..Report::default()
            });
        }
        let backup = outcome.backup_file.clone().unwrap_or_default();
        let mut values = values(json!({ "backup": backup, "msg": "" }));
        if let Some(count) = found.edit.found {
            values.insert("found".to_owned(), count.into());
        }
        let mut msg = found.edit.msg.clone();
        let current = found
            .there
            .clone()
            .unwrap_or_else(|| fresh(Kind::File, 0o644));
        // Of a file that is only rehearsed, nobody knows attributes yet.
        let is_known = found.there.is_some() || !outcome.check;
        if is_known && found.wanted.change(&found.path, &current, true).is_some() {
            let and = if msg.is_empty() { "" } else { " and " };
            msg = format!("{msg}{and}ownership, perms or SE linux context changed");
        }
        Ok(Report {
            msg,
            values,
            notices: self
                .rule
                .warning()
                .map(Notice::Warning)
                .into_iter()
                .collect(),
            ..Report::default()
        })
    }
}

impl Rule {
    fn read(arguments: &Arguments) -> Result<Rule, ModuleError> {
        let present = arguments.text("state") == "present";
        // An empty one is in every line, as in Ansible.
        let regexp = arguments.string("regexp");
        let search = arguments.string("search_string");
        let line = arguments.string("line");
        let backrefs = arguments.bool("backrefs");
        let fail = |msg: &str| Err(ModuleError::new(msg));
        if present && backrefs && regexp.is_none() {
            return fail("regexp is required with backrefs=true");
        }
        if present && line.is_none() {
            return fail("line is required with state=present");
        }
        if !present && regexp.is_none() && search.is_none() && line.is_none() {
            return fail("one of line, search_string, or regexp is required with state=absent");
        }
        let place = |name: &str, edge: &str| match arguments.string(name) {
            None => Ok(None),
            Some(text) if text == edge => Ok(Some(Place::Edge)),
            Some(text) => pattern::python(name, &text).map(|regex| Some(Place::Beside(regex))),
        };
        Ok(Rule {
            present,
            regexp: regexp
                .map(|text| pattern::python("regexp", &text))
                .transpose()?,
            search,
            line: line.unwrap_or_default(),
            backrefs,
            after: place("insertafter", "EOF")?,
            before: place("insertbefore", "BOF")?,
            first: arguments.bool("firstmatch"),
        })
    }

    /// What is said of a pattern that is in every line.
    fn warning(&self) -> Option<String> {
        let is_empty = self
            .regexp
            .as_ref()
            .is_some_and(|regexp| regexp.as_str().is_empty());
        let (name, hint) = match is_empty {
            true => (
                "regular expression",
                " If this is desired, use '^' to match every line in the file and avoid this \
                 warning.",
            ),
            false if self.search.as_deref() == Some("") => ("search string", ""),
            false => return None,
        };
        Some(format!(
            "The {name} is an empty string, which will match every line in the file. This may have \
             unintended consequences, such as replacing the last line in the file rather than \
             appending.{hint}"
        ))
    }

    fn apply(&self, text: &str) -> Result<Edit, ModuleError> {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        match self.present {
            true => self.make_present(&lines),
            false => Ok(self.make_absent(&lines)),
        }
    }

    fn matches(&self, line: &str) -> bool {
        let bare = line.trim_end_matches(['\r', '\n']);
        match (&self.regexp, &self.search) {
            (Some(regexp), _) => regexp.is_match(bare),
            (None, Some(search)) => bare.contains(search.as_str()),
            (None, None) => bare == self.line.trim_end_matches(['\r', '\n']),
        }
    }

    fn make_absent(&self, lines: &[&str]) -> Edit {
        let kept: Vec<&str> = lines
            .iter()
            .copied()
            .filter(|line| !self.matches(line))
            .collect();
        let removed = lines.len() - kept.len();
        let changed = removed > 0;
        Edit {
            text: changed.then(|| kept.concat()),
            msg: if changed {
                format!("{removed} line(s) removed")
            } else {
                String::new()
            },
            found: Some(removed),
        }
    }

    fn make_present(&self, lines: &[&str]) -> Result<Edit, ModuleError> {
        let mut matching = lines
            .iter()
            .enumerate()
            .filter(|(_, line)| self.matches(line));
        let found = if self.first {
            matching.next()
        } else {
            matching.next_back()
        };
        match found {
            Some((at, line)) => self.replace(lines, at, line),
            None => match self.exact(lines) {
                // It is there already, although no pattern finds it.
                Some(at) if lines[at].ends_with('\n') => Ok(unchanged()),
                Some(at) => self.replace(lines, at, lines[at]),
                // Nothing to refer back to.
                None if self.backrefs => Ok(unchanged()),
                None => Ok(self.insert(lines)),
            },
        }
    }

    /// The last line that is the wanted one; what comes behind the first match of a place does not count.
    fn exact(&self, lines: &[&str]) -> Option<usize> {
        let bare = |line: &str| line.trim_end_matches(['\r', '\n']).to_owned();
        let place = match (&self.after, &self.before) {
            (Some(Place::Beside(regex)), _) | (_, Some(Place::Beside(regex))) => Some(regex),
            _ => None,
        };
        let mut found = None;
        for (at, line) in lines.iter().enumerate() {
            let line = bare(line);
            if line == self.line {
                found = Some(at);
            } else if self.first && place.is_some_and(|place| place.is_match(&line)) {
                break;
            }
        }
        found
    }

    fn replace(&self, lines: &[&str], at: usize, line: &str) -> Result<Edit, ModuleError> {
        let bare = line.trim_end_matches(['\r', '\n']);
        let mut new = match &self.regexp {
            Some(regexp) if self.backrefs => self.referring_back(regexp, bare)?,
            _ => self.line.clone(),
        };
        if !new.ends_with('\n') {
            new.push('\n');
        }
        // A last line without its end is the same line.
        if line == new || (self.regexp.is_none() && self.search.is_none()) {
            return Ok(unchanged());
        }
        let mut text: Vec<&str> = lines.to_vec();
        text[at] = &new;
        Ok(Edit {
            text: Some(text.concat()),
            msg: "line replaced".to_owned(),
            found: None,
        })
    }

    /// The new line, with what the pattern's groups match in the old one.
    fn referring_back(&self, regexp: &Pattern, line: &str) -> Result<String, ModuleError> {
        let matches = regexp.all(line);
        let Some((_, _, groups)) = matches.first() else {
            return Ok(self.line.clone());
        };
        let replacement = Replacement::read(&self.line, regexp).map_err(|mistake| {
            let words = mistake.words();
            ModuleError::new(format!("Task failed: Module failed: {words}"))
        })?;
        Ok(replacement.fill(groups))
    }

    fn insert(&self, lines: &[&str]) -> Edit {
        let at = match (&self.after, &self.before) {
            (_, Some(Place::Edge)) => 0,
            (Some(Place::Beside(regex)), _) if regex.as_str() == "BOF" => 0,
            (Some(Place::Beside(regex)), _) => match self.beside(lines, regex) {
                Some(at) => at + 1,
                None => lines.len(),
            },
            (_, Some(Place::Beside(regex))) => self.beside(lines, regex).unwrap_or(lines.len()),
            _ => lines.len(),
        };
        // The line may stand at its place already, where only the pattern missed it.
        let there = lines
            .get(at)
            .is_some_and(|line| line.trim_end_matches(['\r', '\n']) == self.line);
        if there && self.after.is_some() {
            return unchanged();
        }
        let (head, tail) = lines.split_at(at);
        let mut text = head.concat();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(&self.line);
        if !text.ends_with('\n') || self.line.is_empty() {
            text.push('\n');
        }
        text.push_str(&tail.concat());
        Edit {
            text: Some(text),
            msg: "line added".to_owned(),
            found: None,
        }
    }

    /// The line that a pattern means: the last, or the first if so asked.
    fn beside(&self, lines: &[&str], regex: &Pattern) -> Option<usize> {
        let is_match = |line: &&str| regex.is_match(line.trim_end_matches(['\r', '\n']));
        if self.first {
            lines.iter().position(is_match)
        } else {
            lines.iter().rposition(is_match)
        }
    }
}

fn unchanged() -> Edit {
    Edit {
        text: None,
        msg: String::new(),
        found: None,
    }
}
