//! Editing a text file as a whole: what `replace`, `blockinfile` and `sysctl` share.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::file::fresh;
use crate::attributes::Wanted;
use crate::change::{Change, FileContent, FileWrite, Heading};
use crate::host::{Host, Kind, Metadata};
use crate::module::ModuleError;

/// A file as it is, or its absence.
pub(super) struct Existing {
    /// Where it is, links followed.
    pub(super) path: PathBuf,
    pub(super) there: Option<Metadata>,
    /// Whether the path that was given is a link to it.
    pub(super) is_linked: bool,
    pub(super) text: String,
}

/// What a file becomes.
pub(super) struct Edited {
    pub(super) text: String,
    pub(super) backup: bool,
    pub(super) validate: Option<String>,
    /// What stands above the sides of its diff.
    pub(super) heading: Heading,
}

impl Existing {
    /// Reads a file that may be missing.
    pub(super) fn read(host: &dyn Host, path: &Path) -> Result<Existing, ModuleError> {
        // An edit goes through a link to the file that it means.
        let end = host.resolve(path).unwrap_or_else(|_| path.to_owned());
        let shown = path.display();
        let there = host.metadata(&end)?;
        if there
            .as_ref()
            .is_some_and(|found| found.kind == Kind::Directory)
        {
            let error = ModuleError::new(format!("Path {shown} is a directory !"));
            return Err(error.with(json!({"rc": 256})));
        }
        let bytes = match there {
            Some(_) => host.read(&end)?,
            None => Vec::new(),
        };
        let text = String::from_utf8(bytes).map_err(|_| {
            ModuleError::new(format!(
                "{shown} is not UTF-8, which Strata does not support here"
            ))
        })?;
        Ok(Existing {
            is_linked: end != path && is_link(host, path)?,
            path: end,
            there,
            text,
        })
    }

    /// The write, or else the attributes that differ.
    pub(super) fn changes(&self, edited: Option<Edited>, wanted: &Wanted) -> Vec<Change> {
        if let Some(edited) = edited {
            return vec![Change::Write(FileWrite {
                path: self.path.clone(),
                content: FileContent::Bytes(edited.text.into_bytes()),
                permissions: wanted.for_write(self.there.as_ref(), 0o644),
                backup: edited.backup,
                validate: edited.validate,
                heading: edited.heading,
            })];
        }
        // Attributes alone would be the link's own, which has none.
        let there = self.there.as_ref().filter(|_| !self.is_linked);
        there
            .and_then(|there| wanted.change(&self.path, there, true))
            .into_iter()
            .collect()
    }

    /// The message with Ansible's words for attributes that differ.
    pub(super) fn message(&self, msg: &str, wanted: &Wanted) -> String {
        let current = self
            .there
            .clone()
            .unwrap_or_else(|| fresh(Kind::File, 0o644));
        let unwritten_link = self.is_linked && msg.is_empty();
        if unwritten_link || wanted.change(&self.path, &current, true).is_none() {
            return msg.to_owned();
        }
        let and = if msg.is_empty() { "" } else { " and " };
        format!("{msg}{and}ownership, perms or SE linux context changed")
    }
}

fn is_link(host: &dyn Host, path: &Path) -> Result<bool, ModuleError> {
    let found = host.metadata(path)?;
    Ok(found.is_some_and(|found| found.kind == Kind::Symlink))
}
