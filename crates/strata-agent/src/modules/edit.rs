//! Editing a text file as a whole: what `replace`, `blockinfile` and `sysctl` share.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::file::fresh;
use crate::attributes::Wanted;
use crate::change::{Change, FileContent, FileWrite, Heading};
use crate::encoding::Encoding;
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
    pub(super) encoding: Encoding,
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
        Existing::read_as(host, path, Encoding::Utf8)
    }

    /// Reads a file that may be missing, by its encoding.
    pub(super) fn read_as(
        host: &dyn Host,
        path: &Path,
        encoding: Encoding,
    ) -> Result<Existing, ModuleError> {
        let end = through_links(host, path)?;
        let shown = path.display();
        let there = host.metadata(&end)?;
        if there
            .as_ref()
            .is_some_and(|found| found.kind == Kind::Directory)
        {
            let error = ModuleError::new(format!("Path {shown} is a directory !"));
            return Err(error.with(json!({"rc": 256})));
        }
        let text = match there {
            Some(_) => text(encoding, &host.read(&end)?, path)?,
            None => String::new(),
        };
        Ok(Existing {
            is_linked: end != path && is_link(host, path)?,
            path: end,
            there,
            text,
            encoding,
        })
    }

    /// Fails where the file's encoding lacks a character of a new text.
    pub(super) fn must_hold(&self, text: &str) -> Result<(), ModuleError> {
        bytes(self.encoding, text, &self.path).map(drop)
    }

    /// A new text as bytes; UTF-8 has all characters, and for the others [`must_hold`](Existing::must_hold) was asked.
    pub(super) fn bytes(&self, text: String) -> Vec<u8> {
        let bytes = self.encoding.encode(&text);
        bytes.unwrap_or_else(|| text.into_bytes())
    }

    /// The write, or else the attributes that differ.
    pub(super) fn changes(&self, edited: Option<Edited>, wanted: &Wanted) -> Vec<Change> {
        if let Some(edited) = edited {
            return vec![Change::Write(FileWrite {
                path: self.path.clone(),
                content: FileContent::Bytes(self.bytes(edited.text)),
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

/// The text of a file's bytes.
pub(super) fn text(encoding: Encoding, bytes: &[u8], path: &Path) -> Result<String, ModuleError> {
    encoding.decode(bytes).ok_or_else(|| {
        let shown = path.display();
        ModuleError::new(format!(
            "{shown} is not encoded as it should be ({encoding:?})"
        ))
    })
}

/// The bytes of a file's text.
pub(super) fn bytes(encoding: Encoding, text: &str, path: &Path) -> Result<Vec<u8>, ModuleError> {
    encoding.encode(text).ok_or_else(|| {
        let shown = path.display();
        ModuleError::new(format!(
            "{shown}: its encoding ({encoding:?}) lacks a character of the new text"
        ))
    })
}

/// The file that an edit means: links lead to it, whether it is there or not.
pub(super) fn through_links(host: &dyn Host, path: &Path) -> Result<PathBuf, ModuleError> {
    if let Ok(end) = host.resolve(path) {
        return Ok(end);
    }
    let mut end = path.to_owned();
    // As many as Linux follows.
    for _ in 0..40 {
        if !is_link(host, &end)? {
            break;
        }
        let target = host.link_target(&end)?;
        end = end.parent().unwrap_or(Path::new("/")).join(target);
    }
    Ok(end)
}

fn is_link(host: &dyn Host, path: &Path) -> Result<bool, ModuleError> {
    let found = host.metadata(path)?;
    Ok(found.is_some_and(|found| found.kind == Kind::Symlink))
}
