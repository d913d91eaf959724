//! Keys, requests and certificates, made by the host's own `openssl`.
//!
//! What is made comes over standard output or out of a folder of our own and is written in one
//! step, so that no half of a key is ever there. A passphrase travels in the environment of
//! `openssl`, which only the same user can see, never among its arguments. To find out whether
//! something still fits, it is made anew and compared, which costs milliseconds and misses nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::arguments::{Arguments, Field};
use crate::attributes::{Attributes, Wanted};
use crate::base64;
use crate::change::{Change, FileContent, FileWrite};
use crate::digest;
use crate::host::{Host, Kind, Metadata};
use crate::module::ModuleError;
use crate::modules::programs;
use crate::modules::scratch::Scratch;
use crate::system::{Command, Output};

pub(super) mod certificate;
pub(super) mod certificate_pipe;
pub(super) mod dhparam;
pub(super) mod info;
pub(super) mod pkcs12;
pub(super) mod privatekey;
pub(super) mod publickey;
pub(super) mod request;
pub(super) mod request_pipe;
pub(super) mod ssh;

/// The variable in which `openssl` finds the passphrase.
const PASSPHRASE: &str = "STRATA_PASSPHRASE";

/// A run of `openssl`.
fn openssl(words: &[&str], passphrase: Option<&str>, input: Option<&str>) -> Command {
    let mut command = programs::plain(std::iter::once("openssl").chain(words.iter().copied()));
    // Never empty: `openssl` would ask a terminal for what it lacks.
    let passphrase = passphrase.unwrap_or("none").to_owned();
    command
        .environment
        .insert(PASSPHRASE.to_owned(), passphrase);
    command.stdin = input.map(str::to_owned);
    command
}

/// Runs `openssl`, which must succeed; `what` names the attempt.
fn made(host: &dyn Host, command: &Command, what: &str) -> Result<String, ModuleError> {
    programs::required(host, "openssl")?;
    let output = host.run(command)?;
    match output.status {
        0 => Ok(output.stdout),
        _ => Err(ModuleError::new(format!("{what}: {}", complaint(&output)))),
    }
}

/// The lines of a complaint that are for people.
fn complaint(output: &Output) -> String {
    let lines = output.stderr.lines().filter(|line| !line.trim().is_empty());
    lines.take(3).collect::<Vec<_>>().join("; ")
}

/// A private key by its file or by its content.
#[derive(Debug, Clone)]
struct KeySource {
    path: Option<PathBuf>,
    content: Option<String>,
    passphrase: Option<String>,
}

impl KeySource {
    fn read(arguments: &Arguments, prefix: &str) -> KeySource {
        KeySource {
            path: arguments.path(&format!("{prefix}privatekey_path")),
            content: arguments.string(&format!("{prefix}privatekey_content")),
            passphrase: arguments.string(&format!("{prefix}privatekey_passphrase")),
        }
    }

    fn is_given(&self) -> bool {
        self.path.is_some() || self.content.is_some()
    }

    /// The key without its passphrase, in PEM.
    fn load(&self, host: &dyn Host) -> Result<String, ModuleError> {
        let words = ["pkey", "-passin", "env:STRATA_PASSPHRASE"];
        let text = match (&self.content, &self.path) {
            (Some(content), _) => content.clone(),
            (None, Some(path)) => existing(host, path, "private key")?,
            (None, None) => return Err(ModuleError::new("a private key must be given")),
        };
        let command = openssl(&words, self.passphrase.as_deref(), Some(&text));
        made(host, &command, "The private key cannot be read")
    }
}

/// A text of a file that must be there.
fn existing(host: &dyn Host, path: &Path, what: &str) -> Result<String, ModuleError> {
    host.read_text(path).ok_or_else(|| {
        let shown = path.display();
        ModuleError::new(match what {
            "private key" => format!("[Errno 2] No such file or directory: '{shown}'"),
            what => format!("The {what} file {shown} does not exist"),
        })
    })
}

/// Digests of a key's public half, each as pairs of digits between colons.
fn fingerprint(host: &dyn Host, key: &str) -> Result<Value, ModuleError> {
    let public = made(
        host,
        &openssl(&["pkey", "-pubout"], None, Some(key)),
        "The public key cannot be derived",
    )?;
    Ok(Value::Object(digests(&unwrapped(&public))))
}

/// Digests of bytes by name, each as pairs of digits between colons.
fn digests(bytes: &[u8]) -> Map<String, Value> {
    let names = ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"];
    let digests = names.iter().filter_map(|name| {
        let digest = digest::of_stream(name, &mut &*bytes).ok()??;
        Some(((*name).to_owned(), Value::from(colons(&digest))))
    });
    digests.collect()
}

/// The bytes between the lines of PEM.
fn unwrapped(pem: &str) -> Vec<u8> {
    let lines = pem.lines().filter(|line| !line.starts_with("-----"));
    base64::decode(&lines.collect::<String>()).unwrap_or_default()
}

fn colons(digits: &str) -> String {
    let bytes = digits.as_bytes().chunks(2);
    let pairs: Vec<_> = bytes.map(|pair| String::from_utf8_lossy(pair)).collect();
    pairs.join(":")
}

/// The arguments of every module that keeps a file.
const KEPT: &[Field] = &[
    Field::bool("backup", false),
    Field::bool("force", false),
    Field::bool("return_content", false),
    Field::str("select_crypto_backend")
        // All is made by `openssl` here, whichever is asked for; Ansible has that one for some of them only.
        .choices(&["auto", "cryptography", "openssl"])
        .default("auto"),
    Field::str("state")
        .choices(&["absent", "present"])
        .default("present"),
];

/// The file that a module keeps: what is asked for, and what is there.
#[derive(Debug, Clone)]
struct Kept {
    path: PathBuf,
    attributes: Attributes,
    backup: bool,
    present: bool,
    default_mode: u32,
}

/// What is at the path.
struct There {
    found: Option<Metadata>,
    wanted: Wanted,
    text: Option<String>,
}

impl Kept {
    fn read(arguments: &Arguments, default_mode: u32) -> Result<Kept, ModuleError> {
        Ok(Kept {
            path: arguments.path("path").unwrap_or_default(),
            attributes: Attributes::read(arguments)?,
            backup: arguments.bool("backup"),
            present: arguments.text("state") == "present",
            default_mode,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<There, ModuleError> {
        let found = host.metadata_followed(&self.path)?;
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        let above = host.metadata_followed(folder)?;
        if self.present && above.is_none_or(|above| above.kind != Kind::Directory) {
            return Err(ModuleError::new(format!(
                "The directory {} does not exist or the file is not a directory",
                folder.display()
            )));
        }
        let text = match &found {
            Some(there) if there.kind == Kind::File => host.read_text(&self.path),
            _ => None,
        };
        Ok(There {
            found,
            wanted: self.attributes.resolve(host)?,
            text,
        })
    }

    /// Writes what is new, removes what shall not be, or sets what differs of owner and mode.
    fn changes(&self, there: &There, new: Option<FileContent>) -> Vec<Change> {
        if !self.present {
            let remove = there.found.as_ref().map(|_| Change::Remove {
                path: self.path.clone(),
            });
            return remove.into_iter().collect();
        }
        if let Some(content) = new {
            let mut permissions = there
                .wanted
                .for_write(there.found.as_ref(), self.default_mode);
            if there.found.is_none() && permissions.mode.is_none() {
                permissions.mode = Some(self.default_mode);
            }
            return vec![Change::Write(FileWrite {
                content,
                permissions,
                backup: self.backup && there.found.is_some(),
                ..FileWrite::new(&self.path, Vec::new())
            })];
        }
        let found = there.found.as_ref();
        let change = found.and_then(|found| there.wanted.change(&self.path, found, true));
        change.into_iter().collect()
    }

    fn name(&self) -> Value {
        json!(self.path.to_string_lossy())
    }
}

/// The extensions in what `openssl` prints, by name, each with its lines; of a request or of a
/// certificate.
fn extensions(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut name = None;
    let mut depth = None;
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let bare = line.trim();
        if bare.starts_with("X509v3 extensions:") || bare.starts_with("Requested Extensions:") {
            depth = Some(indent + 4);
            continue;
        }
        let Some(depth) = depth else {
            continue;
        };
        if indent < depth && !bare.is_empty() {
            break;
        }
        if indent == depth {
            let key = bare.split(':').next().unwrap_or(bare).to_owned();
            let key = key.trim_start_matches("X509v3 ").to_owned();
            let lines = found.entry(key.clone()).or_default();
            if bare.ends_with("critical") {
                lines.push("critical".to_owned());
            }
            name = Some(key);
        } else if let Some(lines) = name.as_ref().and_then(|name| found.get_mut(name))
            && !bare.is_empty()
        {
            lines.push(bare.to_owned());
        }
    }
    found
}

/// A value of a line as `subject=CN = x`.
fn after<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let mut lines = text.lines();
    lines
        .find_map(|line| line.trim().strip_prefix(start))
        .map(str::trim)
}

/// Puts the content among the results where it is asked for.
fn content(values: &mut Map<String, Value>, name: &str, is_asked: bool, text: Option<String>) {
    if is_asked {
        values.insert(name.to_owned(), text.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_are_read_by_name() {
        let text = "Certificate:\n    Data:\n        X509v3 extensions:\n            X509v3 Key Usage: critical\n                Digital Signature\n            X509v3 Subject Alternative Name: \n                DNS:a, DNS:b\n    Signature Algorithm: x\n";
        let found = extensions(text);
        assert_eq!(found["Key Usage"], ["critical", "Digital Signature"]);
        assert_eq!(found["Subject Alternative Name"], ["DNS:a, DNS:b"]);
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn pem_is_unwrapped() {
        assert_eq!(
            unwrapped("-----BEGIN X-----\naGk=\n-----END X-----\n"),
            b"hi"
        );
        assert_eq!(colons("a1b2"), "a1:b2");
    }
}
