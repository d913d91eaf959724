//! `unarchive`: what is in an archive, below a folder.
//!
//! Archives of tar are read by the host's `tar`, as Ansible does; zip by its `unzip`.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::programs;
use crate::arguments::{Arguments, Field, FieldKind, Spec};
use crate::attributes::{Attributes, Wanted};
use crate::change::{Change, Outcome};
use crate::host::{Host, Kind, Metadata};
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::Command;
use handler::Handler;

mod handler;
mod tar;
mod zip;

pub(super) struct Unarchive {
    src: String,
    dest: PathBuf,
    creates: Option<PathBuf>,
    list_files: bool,
    choice: Choice,
    verify: bool,
    attributes: Attributes,
}

/// Which of an archive, and how.
pub(super) struct Choice {
    options: Vec<String>,
    exclude: Vec<String>,
    include: Vec<String>,
    keep_newer: bool,
    owner: Option<String>,
    group: Option<String>,
    has_mode: bool,
}

/// What an archive holds beside what is there.
pub(super) struct Found {
    created: Option<PathBuf>,
    src: PathBuf,
    handler: &'static str,
    extract: Option<Command>,
    files: Vec<String>,
    /// Attributes of what is there already.
    attributes: Vec<Change>,
    wanted: Wanted,
    /// A folder of ours that goes in the end.
    fetched: Option<PathBuf>,
}

impl Module for Unarchive {
    const SPEC: Spec = Spec::new(
        "unarchive",
        &[
            Field::str("src").required(),
            Field::path("dest").required(),
            Field::bool("remote_src", false),
            Field::path("creates"),
            Field::bool("list_files", false),
            Field::bool("keep_newer", false),
            Field::list("exclude"),
            Field::list("include"),
            Field::new("extra_opts", FieldKind::Raw),
            Field::bool("validate_certs", true),
            Field::int("io_buffer_size"),
            Field::maybe("copy"),
            Field::bool("decrypt", true),
        ],
    )
    .with_file_attributes()
    .exclusive(&[&["include", "exclude"]]);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Unarchive, ModuleError> {
        let attributes = Attributes::read(arguments)?;
        let list = |name| arguments.list(name).unwrap_or_default();
        Ok(Unarchive {
            src: arguments.text("src"),
            dest: arguments.path("dest").unwrap_or_default(),
            creates: arguments.path("creates"),
            list_files: arguments.bool("list_files"),
            choice: Choice {
                options: options(arguments.raw("extra_opts")),
                exclude: list("exclude"),
                include: list("include"),
                keep_newer: arguments.bool("keep_newer"),
                owner: attributes.owner.clone(),
                group: attributes.group.clone(),
                has_mode: attributes.mode.is_some(),
            },
            verify: arguments.bool("validate_certs"),
            attributes,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let mut found = Found {
            created: None,
            src: PathBuf::from(&self.src),
            handler: "",
            extract: None,
            files: Vec::new(),
            attributes: Vec::new(),
            wanted: Wanted::default(),
            fetched: None,
        };
        if let Some(path) = &self.creates
            && host.metadata_followed(path)?.is_some()
        {
            found.created = Some(path.clone());
            return Ok(found);
        }
        found.wanted = self.attributes.resolve(host)?;
        let dest = host.metadata_followed(&self.dest)?;
        if dest.is_none_or(|dest| dest.kind != Kind::Directory) {
            let shown = self.dest.display();
            return Err(ModuleError::new(format!(
                "dest '{shown}' must be an existing dir"
            )));
        }
        if self.src.contains("://") {
            let (folder, file) = handler::fetch(host, &self.src, self.verify)?;
            found.fetched = Some(folder);
            found.src = file;
        }
        let observed = self.observe_archive(host, &mut found);
        if let (Err(_), Some(folder)) = (&observed, &found.fetched) {
            host.remove(folder)?;
        }
        observed.map(|()| found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let mut changes: Vec<Change> = found
            .extract
            .iter()
            .map(|command| programs::change(command.clone()))
            .collect();
        changes.extend(found.attributes.iter().cloned());
        changes
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        if let Some(path) = &found.created {
            return Ok(Report {
                msg: format!("skipped, since {} exists", path.display()),
                skipped: true,
                ..Report::default()
            });
        }
        let mut changed = outcome.changed;
        if !outcome.check && found.extract.is_some() {
            changed |= self.settle(host, found)?;
        }
        if let Some(folder) = &found.fetched {
            host.remove(folder)?;
        }
        let mut values = values(json!({
            "dest": self.dest.to_string_lossy(), "src": found.src.to_string_lossy(),
            "handler": found.handler,
        }));
        if let (Some(output), Some(command)) = (outcome.outputs.first(), &found.extract) {
            values.insert(
                "extract_results".to_owned(),
                json!({
                    "cmd": command.argv, "rc": output.status,
                    "out": output.stdout, "err": output.stderr,
                }),
            );
        }
        if self.list_files {
            values.insert("files".to_owned(), found.files.clone().into());
        }
        Ok(Report {
            values,
            changed: Some(changed),
            ..Report::default()
        })
    }
}

impl Unarchive {
    fn observe_archive(&self, host: &dyn Host, found: &mut Found) -> Result<(), ModuleError> {
        let there = host.metadata_followed(&found.src)?;
        let shown = found.src.display().to_string();
        match there {
            None => {
                return Err(ModuleError::new(format!(
                    "Source '{shown}' failed to transfer or is not there"
                )));
            }
            Some(there) if there.size == 0 => {
                return Err(ModuleError::new(format!(
                    "Invalid archive '{shown}', the file is 0 bytes"
                )));
            }
            Some(_) => {}
        }
        let mut handler = Handler::pick(host, &found.src, &self.dest, &self.choice)?;
        found.handler = handler.name();
        found.files = handler.files();
        if handler.differs(host)? {
            found.extract = Some(handler.extract());
        } else {
            found.attributes = self.attribute_changes(host, found)?;
        }
        Ok(())
    }

    /// Owner, group and mode of all that the archive holds, and of the folders it begins with.
    fn attribute_changes(
        &self,
        host: &dyn Host,
        found: &Found,
    ) -> Result<Vec<Change>, ModuleError> {
        let mut changes = Vec::new();
        if found.wanted == Wanted::default() {
            return Ok(changes);
        }
        for path in self.paths(&found.files) {
            let there: Option<Metadata> = host.metadata(&path)?;
            let change = there.and_then(|there| found.wanted.change(&path, &there, false));
            changes.extend(change);
        }
        Ok(changes)
    }

    fn paths(&self, files: &[String]) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = Vec::new();
        let mut tops: Vec<&str> = Vec::new();
        for file in files {
            paths.push(self.dest.join(file.trim_start_matches('/')));
            let top = file.split_once('/').map(|(top, _)| top);
            if let Some(top) = top.filter(|top| !top.is_empty() && !tops.contains(top)) {
                tops.push(top);
            }
        }
        paths.extend(tops.iter().map(|top| self.dest.join(top)));
        paths
    }

    /// Sets on what was just extracted what the task says; true if that was not so yet.
    fn settle(&self, host: &dyn Host, found: &Found) -> Result<bool, ModuleError> {
        let changes = self.attribute_changes(host, found)?;
        for change in &changes {
            if let Change::Permissions {
                path,
                permissions,
                follow,
                ..
            } = change
            {
                crate::change::set_permissions(host, path, *permissions, *follow)?;
            }
        }
        Ok(!changes.is_empty())
    }
}

/// `extra_opts`: a list, of which none is split.
fn options(given: Option<&Value>) -> Vec<String> {
    match given {
        Some(Value::Array(items)) => items.iter().filter_map(crate::arguments::text).collect(),
        Some(one) => crate::arguments::text(one)
            .filter(|text| !text.is_empty())
            .into_iter()
            .collect(),
        None => Vec::new(),
    }
}

/// Whether a name in the archive is one that a list of patterns leaves out or takes.
fn is_listed(name: &str, patterns: &[String]) -> bool {
    patterns.iter().any(|pattern| {
        let pattern = pattern.trim_end_matches('/');
        crate::glob::compile(pattern).is_some_and(|pattern| pattern.is_match(name))
    })
}

/// A path as an argument for programs.
fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
