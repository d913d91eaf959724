//! `authorized_key`: public keys that may log in as a user.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::download;
use super::edit::Existing;
use super::file::missing_folders;
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, FileWrite, Heading, Outcome};
use crate::host::{Host, Permissions};
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct AuthorizedKey {
    user: String,
    given: String,
    options: Option<String>,
    comment: Option<String>,
    validate_certs: bool,
    follow: bool,
    present: bool,
    exclusive: bool,
    path: Option<PathBuf>,
    manage_dir: bool,
    check: bool,
}

/// One line of the file, taken apart.
#[derive(Debug, Clone, PartialEq)]
struct Key {
    options: String,
    kind: String,
    body: String,
    comment: String,
}

/// The file, what it becomes, and what else is missing.
pub(super) struct Found {
    file: Existing,
    text: String,
    /// The folders that are to be made: the last one alone where it is managed.
    missing: Vec<PathBuf>,
    owner: Option<(u32, u32)>,
}

impl Module for AuthorizedKey {
    const SPEC: Spec = Spec::new(
        "ansible.posix.authorized_key",
        &[
            Field::str("user").required(),
            Field::str("key").required(),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::path("path"),
            Field::bool("manage_dir", true),
            Field::str("key_options"),
            Field::str("comment"),
            Field::bool("exclusive", false),
            Field::bool("validate_certs", true),
            // A link is written through anyway: what it means is what changes.
            Field::bool("follow", false),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<AuthorizedKey, ModuleError> {
        Ok(AuthorizedKey {
            user: arguments.text("user"),
            given: arguments.text("key"),
            options: arguments.string("key_options"),
            comment: arguments.string("comment"),
            validate_certs: arguments.bool("validate_certs"),
            follow: arguments.bool("follow"),
            present: arguments.text("state") == "present",
            exclusive: arguments.bool("exclusive"),
            path: arguments.path("path"),
            manage_dir: arguments.bool("manage_dir"),
            check: task.check,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let users = host.users()?;
        let user = match users.into_iter().find(|user| user.name == self.user) {
            Some(user) => Some(user),
            None => host.find_user(&self.user)?,
        };
        let path = match (&self.path, &user) {
            (Some(path), Some(_)) => path.clone(),
            // As in Ansible, a check asks for nobody: a task before it may be to make the user.
            (Some(path), None) if self.check => path.clone(),
            (None, Some(user)) => Path::new(&user.home).join(".ssh/authorized_keys"),
            (_, None) => {
                let name = &self.user;
                return Err(ModuleError::new(format!(
                    "Failed to lookup user {name}: the host has no such user"
                )));
            }
        };
        let file = Existing::read(host, &path)?;
        let mut missing = match path.parent() {
            Some(folder) => missing_folders(host, folder)?,
            None => Vec::new(),
        };
        if self.manage_dir {
            missing.drain(..missing.len().saturating_sub(1));
        }
        Ok(Found {
            text: self.edit(&file.text, &self.keys(host)?),
            missing,
            owner: user.map(|user| (user.uid, user.gid)),
            file,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let mut changes = Vec::new();
        if found.text == found.file.text {
            return changes;
        }
        let of_user = |mode| Permissions {
            mode: Some(mode),
            uid: found.owner.map(|(uid, _)| uid),
            gid: found.owner.map(|(_, gid)| gid),
        };
        for path in &found.missing {
            let path = path.clone();
            let mode = if self.manage_dir { 0o700 } else { 0o755 };
            changes.push(Change::CreateDirectory { path, mode });
        }
        if let Some(folder) = found.file.path.parent().filter(|_| self.manage_dir) {
            changes.push(Change::Permissions {
                path: folder.to_owned(),
                permissions: of_user(0o700),
                follow: true,
                heading: Heading::File,
            });
        }
        // Whoever owned the file before: `sshd` heeds none that others may write.
        changes.push(Change::Write(FileWrite {
            permissions: of_user(0o600),
            ..FileWrite::new(&found.file.path, found.file.bytes(found.text.clone()))
        }));
        changes
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        Ok(Report::of(values(json!({
            "user": self.user,
            "key": self.given,
            "state": if self.present { "present" } else { "absent" },
            "exclusive": self.exclusive,
            "manage_dir": self.manage_dir,
            "comment": self.comment,
            "key_options": self.options,
            "validate_certs": self.validate_certs,
            "follow": self.follow,
            "path": self.path.as_ref().map(|path| path.to_string_lossy()),
            "keyfile": found.file.path.to_string_lossy(),
        }))))
    }
}

impl AuthorizedKey {
    /// The keys that are meant: those given, or those at the address that is given.
    fn keys(&self, host: &dyn Host) -> Result<Vec<Key>, ModuleError> {
        let given = match download::is_address(&self.given) {
            true => {
                let fetched = download::fetch(host, &self.given, self.validate_certs)?;
                String::from_utf8_lossy(&fetched).into_owned()
            }
            false => self.given.clone(),
        };
        let lines = given.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let keys = lines.map(|line| {
            let key = Key::read(line)
                .ok_or_else(|| ModuleError::new(format!("invalid key specified: {line}")))?;
            Ok(Key {
                options: self.options.clone().unwrap_or(key.options),
                comment: self.comment.clone().unwrap_or(key.comment),
                ..key
            })
        });
        keys.collect()
    }

    fn edit(&self, text: &str, keys: &[Key]) -> String {
        let mut lines: Vec<String> = Vec::new();
        let mut open: Vec<&Key> = keys.iter().collect();
        for line in text.lines() {
            let key = Key::read(line.trim()).filter(|_| !line.trim_start().starts_with('#'));
            let asked = key
                .as_ref()
                .and_then(|key| keys.iter().find(|asked| asked.is_same(key)));
            match (key, asked) {
                (Some(_), Some(_)) if !self.present => {}
                (Some(key), Some(asked)) => {
                    open.retain(|one| !one.is_same(asked));
                    let differs = key.options != asked.options || key.comment != asked.comment;
                    lines.push(if differs {
                        asked.line()
                    } else {
                        line.to_owned()
                    });
                }
                // An exclusive key leaves no remarks either.
                (_, None) if self.exclusive && self.present => {}
                _ => lines.push(line.to_owned()),
            }
        }
        if self.present {
            lines.extend(open.into_iter().map(Key::line));
        }
        let new: String = lines.iter().map(|line| format!("{line}\n")).collect();
        // A last line without its end is no reason to write.
        if new.trim_end() == text.trim_end() {
            return text.to_owned();
        }
        new
    }
}

impl Key {
    /// Takes `[options] kind body [comment]` apart.
    fn read(line: &str) -> Option<Key> {
        let kind_at = kind_at(line)?;
        let mut words = line[kind_at..].splitn(3, char::is_whitespace);
        let kind = words.next()?.to_owned();
        let body = words.next().filter(|body| !body.is_empty())?.to_owned();
        Some(Key {
            options: line[..kind_at].trim().to_owned(),
            kind,
            body,
            comment: words.next().unwrap_or_default().trim().to_owned(),
        })
    }

    fn is_same(&self, other: &Key) -> bool {
        self.body == other.body && self.kind == other.kind
    }

    fn line(&self) -> String {
        let words = [&self.options, &self.kind, &self.body, &self.comment];
        let words = words.into_iter().filter(|word| !word.is_empty());
        words.map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// Where the kind of the key begins: the first word outside quotes that names one.
fn kind_at(line: &str) -> Option<usize> {
    let mut quoted = false;
    let mut begins = true;
    for (at, c) in line.char_indices() {
        if begins && !quoted && is_kind(line[at..].split(char::is_whitespace).next()?) {
            return Some(at);
        }
        quoted ^= c == '"';
        begins = c.is_whitespace();
    }
    None
}

fn is_kind(word: &str) -> bool {
    const STARTS: &[&str] = &[
        "ssh-ed25519",
        "ssh-rsa",
        "ssh-dss",
        "ecdsa-sha2-",
        "sk-ecdsa-sha2-",
        "sk-ssh-ed25519",
    ];
    STARTS.iter().any(|start| word.starts_with(start))
}
