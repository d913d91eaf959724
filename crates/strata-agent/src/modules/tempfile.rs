//! `tempfile`: a new file or folder with a name of its own.

use std::path::PathBuf;

use serde_json::json;

use crate::arguments::{Arguments, Field, Spec};
use crate::attributes;
use crate::change::{Change, FileWrite, Outcome};
use crate::host::{Host, Permissions};
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct Tempfile {
    folder: Option<PathBuf>,
    prefix: String,
    suffix: String,
    is_directory: bool,
}

impl Module for Tempfile {
    const SPEC: Spec = Spec::new(
        "tempfile",
        &[
            Field::path("path"),
            Field::str("prefix").default("ansible."),
            Field::str("suffix").default(""),
            Field::str("state")
                .choices(&["directory", "file"])
                .default("file"),
        ],
    );
    /// The name, which is free.
    type Current = PathBuf;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Tempfile, ModuleError> {
        Ok(Tempfile {
            folder: arguments.filled_path("path"),
            prefix: arguments.text("prefix"),
            suffix: arguments.text("suffix"),
            is_directory: arguments.text("state") == "directory",
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<PathBuf, ModuleError> {
        let default = || {
            host.environment()
                .get("TMPDIR")
                .map_or("/tmp".into(), PathBuf::from)
        };
        let folder = self.folder.clone().unwrap_or_else(default);
        if host.metadata_followed(&folder)?.is_none() {
            let shown = folder.display();
            return Err(ModuleError::new(format!(
                "No such file or directory: {shown}"
            )));
        }
        let seed = (host.now() * 1e9) as u64;
        for attempt in 0..100_u64 {
            let name = format!(
                "{}{}{}",
                self.prefix,
                letters(seed.wrapping_add(attempt)),
                self.suffix
            );
            let path = folder.join(name);
            if host.metadata(&path)?.is_none() {
                return Ok(path);
            }
        }
        Err(ModuleError::new(format!(
            "no free name in {}",
            folder.display()
        )))
    }

    fn decide(&self, path: &PathBuf) -> Vec<Change> {
        if self.is_directory {
            return vec![Change::CreateDirectory {
                path: path.clone(),
                mode: 0o700,
            }];
        }
        let permissions = Permissions {
            mode: Some(0o600),
            ..Permissions::default()
        };
        vec![Change::Write(FileWrite {
            permissions,
            ..FileWrite::new(path, "")
        })]
    }

    fn report(&self, host: &dyn Host, path: &PathBuf, _: &Outcome) -> Result<Report, ModuleError> {
        let mut values = values(json!({ "path": path.to_string_lossy() }));
        values.extend(attributes::describe(host, path)?);
        Ok(Report::of(values))
    }
}

/// Eight letters out of a number, neighbours far apart.
fn letters(seed: u64) -> String {
    let mut number =
        (seed ^ u64::from(std::process::id()) << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut text = String::new();
    for _ in 0..8 {
        let digit = (number >> 59) as u8;
        text.push(char::from(if digit < 26 {
            b'a' + digit
        } else {
            b'0' + digit - 26
        }));
        number = number.wrapping_mul(0xbf58_476d_1ce4_e5b9).rotate_left(17);
    }
    text
}
