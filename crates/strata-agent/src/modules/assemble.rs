//! `assemble`: one file out of the fragments in a folder.

use std::path::PathBuf;

use serde_json::json;

use super::edit::Existing;
use crate::arguments::{Arguments, Field, Spec};
use crate::attributes::{Attributes, Wanted};
use crate::change::{Change, FileContent, FileWrite, Outcome};
use crate::digest;
use crate::encoding::Encoding;
use crate::fragments::{self, Side};
use crate::host::{Host, Kind};
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct Assemble {
    src: PathBuf,
    dest: PathBuf,
    regexp: Option<String>,
    delimiter: Option<String>,
    ignore_hidden: bool,
    backup: bool,
    validate: Option<String>,
    attributes: Attributes,
}

/// The file that is, and what it becomes.
pub(super) struct Found {
    file: Existing,
    before: Option<Vec<u8>>,
    bytes: Vec<u8>,
    wanted: Wanted,
}

impl Module for Assemble {
    const SPEC: Spec = Spec::new(
        "assemble",
        &[
            Field::path("src").required(),
            Field::path("dest").required(),
            Field::str("delimiter"),
            Field::str("regexp"),
            Field::bool("ignore_hidden", false),
            Field::bool("backup", false),
            Field::str("validate"),
        ],
    )
    .with_file_attributes();
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Assemble, ModuleError> {
        Ok(Assemble {
            src: arguments.path("src").unwrap_or_default(),
            dest: arguments.path("dest").unwrap_or_default(),
            regexp: arguments.string("regexp"),
            delimiter: arguments.string("delimiter"),
            ignore_hidden: arguments.bool("ignore_hidden"),
            backup: arguments.bool("backup"),
            validate: arguments.filled("validate"),
            attributes: Attributes::read(arguments)?,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let shown = self.src.display();
        match host.metadata_followed(&self.src)? {
            None => {
                return Err(ModuleError::new(format!("Source ({shown}) does not exist")));
            }
            Some(found) if found.kind != Kind::Directory => {
                return Err(ModuleError::new(format!(
                    "Source ({shown}) is not a directory"
                )));
            }
            Some(_) => {}
        }
        let names = host.list(&self.src)?;
        let chosen = fragments::choose(&names, self.regexp.as_deref(), self.ignore_hidden)?;
        let mut parts = Vec::new();
        for name in chosen {
            let path = self.src.join(name);
            let is_file = host
                .metadata_followed(&path)?
                .is_some_and(|found| found.kind == Kind::File);
            if is_file {
                parts.push(host.read(&path)?);
            }
        }
        let there = host.metadata_followed(&self.dest)?;
        Ok(Found {
            before: match there {
                Some(_) => Some(host.read(&self.dest)?),
                None => None,
            },
            file: Existing {
                path: self.dest.clone(),
                there,
                is_linked: false,
                text: String::new(),
                encoding: Encoding::Utf8,
            },
            bytes: fragments::join(&parts, self.delimiter.as_deref(), Side::Host),
            wanted: self.attributes.resolve(host)?,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        if found.before.as_ref() == Some(&found.bytes) {
            return found.file.changes(None, &found.wanted);
        }
        let permissions = found.wanted.for_write(found.file.there.as_ref(), 0o644);
        vec![Change::Write(FileWrite {
            content: FileContent::Bytes(found.bytes.clone()),
            permissions,
            backup: self.backup,
            validate: self.validate.clone(),
            ..FileWrite::new(&self.dest, Vec::new())
        })]
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let values = values(json!({
            "src": self.src.to_string_lossy(), "dest": self.dest.to_string_lossy(),
            "checksum": digest::sha1(&found.bytes), "md5sum": digest::md5(&found.bytes),
        }));
        Ok(Report {
            msg: "OK".to_owned(),
            values,
            ..Report::default()
        })
    }
}
