//! The user's own key for ssh, made by `ssh-keygen`.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::arguments::Arguments;
use crate::change::Change;
use crate::host::Host;
use crate::module::ModuleError;
use crate::modules::programs::{self, plain};
use crate::system::{Dialogue, Question};

pub(super) struct Key {
    user: String,
    kind: String,
    bits: Option<i64>,
    file: Option<PathBuf>,
    comment: Option<String>,
    passphrase: Option<String>,
}

/// Where the key is, or will be.
#[derive(Default)]
pub(in crate::modules) struct Found {
    path: PathBuf,
    is_there: bool,
    has_folder: bool,
}

impl Key {
    pub(super) fn read(arguments: &Arguments, user: &str) -> Option<Key> {
        arguments.bool("generate_ssh_key").then(|| Key {
            user: user.to_owned(),
            kind: arguments.text("ssh_key_type"),
            bits: arguments.int("ssh_key_bits").filter(|bits| *bits > 0),
            file: arguments.path("ssh_key_file"),
            comment: arguments.string("ssh_key_comment"),
            passphrase: arguments.string("ssh_key_passphrase"),
        })
    }

    pub(super) fn observe(
        &self,
        host: &dyn Host,
        home: Option<String>,
    ) -> Result<Found, ModuleError> {
        let home = home.unwrap_or_else(|| format!("/home/{}", self.user));
        let name = format!(".ssh/id_{}", self.kind);
        let path = PathBuf::from(home).join(self.file.clone().unwrap_or_else(|| name.into()));
        let folder = path.parent().map(|folder| host.metadata_followed(folder));
        Ok(Found {
            is_there: host.metadata_followed(&path)?.is_some(),
            has_folder: folder.transpose()?.flatten().is_some(),
            path,
        })
    }

    /// Makes the pair, which then belongs to the user.
    pub(super) fn changes(&self, found: &Found) -> Vec<Change> {
        if found.is_there {
            return Vec::new();
        }
        let (path, owner) = (
            found.path.to_string_lossy().into_owned(),
            format!("{}:", self.user),
        );
        let mut changes = Vec::new();
        if let (false, Some(folder)) = (found.has_folder, found.path.parent()) {
            let folder = folder.to_string_lossy().into_owned();
            changes.push(Change::run(&["install", "-d", "-m", "0700", &folder]));
            changes.push(Change::run(&["chown", &owner, &folder]));
        }
        changes.push(self.generation(&path));
        changes.push(Change::run(&[
            "chown",
            &owner,
            &path,
            &format!("{path}.pub"),
        ]));
        changes
    }

    fn generation(&self, path: &str) -> Change {
        let mut argv = vec!["ssh-keygen", "-q", "-t", &self.kind, "-f", path];
        let bits = self.bits.map(|bits| bits.to_string());
        argv.extend(bits.iter().flat_map(|bits| ["-b", bits.as_str()]));
        let comment = self.comment.as_deref();
        argv.extend(["-C", comment.unwrap_or("ansible-generated")]);
        let Some(passphrase) = &self.passphrase else {
            argv.extend(["-N", ""]);
            return programs::change(plain(argv));
        };
        // Asked for on a terminal: an argument would be for every user to see.
        let mut command = plain(argv);
        command.timeout = Some(Duration::from_secs(60));
        Change::Converse {
            command,
            dialogue: Dialogue {
                questions: vec![Question {
                    pattern: "passphrase[^\\n]*: ?$".to_owned(),
                    answers: vec![passphrase.clone()],
                    repeats: true,
                }],
                echo: false,
            },
        }
    }

    pub(super) fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        check: bool,
    ) -> Result<Map<String, Value>, ModuleError> {
        let mut report = Map::new();
        let path = found.path.to_string_lossy().into_owned();
        report.insert("ssh_key_file".to_owned(), path.clone().into());
        if check && !found.is_there {
            return Ok(report);
        }
        let said = host.run(&plain(["ssh-keygen", "-l", "-f", &path]))?;
        let said = said.stdout.trim().to_owned();
        report.insert("ssh_fingerprint".to_owned(), said.into());
        let public = host.read_text(format!("{path}.pub").as_ref());
        let public = public.map(|text| text.trim().to_owned());
        report.insert("ssh_public_key".to_owned(), public.into());
        Ok(report)
    }
}
