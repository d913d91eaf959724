//! `htpasswd`: who may enter, in a file of a web server.

use std::io::Read;
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};
use serde_json::json;

use super::edit::{Edited, Existing};
use super::file::missing_folders;
use super::programs;
use crate::arguments::{Arguments, Field, Spec};
use crate::attributes::{Attributes, Wanted};
use crate::base64::encode as base64;
use crate::change::{Change, Heading, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;
use crate::system::Command;

pub(super) struct Htpasswd {
    path: PathBuf,
    name: String,
    password: Option<String>,
    scheme: String,
    present: bool,
    create: bool,
    check: bool,
    attributes: Attributes,
}

/// The file, and what becomes of it.
pub(super) struct Found {
    file: Existing,
    wanted: Wanted,
    text: Option<String>,
    msg: String,
    /// The folders that a new file needs.
    missing: Vec<PathBuf>,
}

const SCHEMES: &[&str] = &[
    "apr_md5_crypt",
    "bcrypt",
    "ldap_sha1",
    "md5_crypt",
    "plaintext",
    "sha256_crypt",
    "sha512_crypt",
];

/// How much work a hash of bcrypt is: two to the power of it, as passlib has it.
const BCRYPT_COST: u32 = 12;

impl Module for Htpasswd {
    const SPEC: Spec = Spec::new(
        "community.general.htpasswd",
        &[
            Field::path("path").alias(&["dest", "destfile"]).required(),
            Field::str("name").alias(&["username"]).required(),
            Field::str("password"),
            Field::str("hash_scheme")
                .alias(&["crypt_scheme"])
                .default("apr_md5_crypt"),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::bool("create", true),
        ],
    )
    .with_file_attributes();
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<Htpasswd, ModuleError> {
        let present = arguments.text("state") == "present";
        let scheme = arguments.text("hash_scheme");
        if !SCHEMES.contains(&scheme.as_str()) {
            return Err(ModuleError::new(format!(
                "`hash_scheme: {scheme}` of `community.general.htpasswd` is not supported by \
                 Strata yet"
            )));
        }
        let password = arguments.string("password");
        if present && password.is_none() {
            return Err(ModuleError::new(
                "state is present but all of the following are missing: password",
            ));
        }
        let name = arguments.text("name");
        if name.contains([':', '\n']) {
            return Err(ModuleError::new(format!(
                "`{name}` cannot be a user's name"
            )));
        }
        Ok(Htpasswd {
            path: arguments.path("path").unwrap_or_default(),
            name,
            password,
            scheme,
            present,
            create: arguments.bool("create"),
            check: task.check,
            attributes: Attributes::read(arguments)?,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let file = Existing::read(host, &self.path)?;
        let shown = self.path.display();
        let name = &self.name;
        let line = entry(&file.text, name);
        let (text, msg) = match (&self.password, file.there.is_some()) {
            (_, false) if !self.present => {
                return Err(ModuleError::new(format!("{shown} does not exist")));
            }
            (_, false) if !self.create => {
                return Err(ModuleError::new(format!(
                    "Destination {shown} does not exist"
                )));
            }
            (Some(password), is_there) if self.present => {
                if let Some(hash) = line
                    && verifies(host, hash, password)?
                {
                    (None, format!("{name} already present"))
                } else {
                    let hash = self.hash(host, password)?;
                    let text = with(&file.text, name, Some(&hash));
                    let msg = match is_there {
                        true => format!("Add/update {name}"),
                        false if self.check => format!("Create {shown}"),
                        false => format!("Created {shown} and added {name}"),
                    };
                    (Some(text), msg)
                }
            }
            _ if line.is_none() => (None, format!("{name} not present")),
            _ => (Some(with(&file.text, name, None)), format!("Remove {name}")),
        };
        let missing = match (file.there.is_none(), self.path.parent()) {
            (true, Some(folder)) => missing_folders(host, folder)?,
            _ => Vec::new(),
        };
        Ok(Found {
            wanted: self.attributes.resolve(host)?,
            file,
            text,
            msg,
            missing,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let edited = found.text.clone().map(|text| Edited {
            heading: Heading::File,
            text,
            backup: false,
            validate: None,
        });
        let folders = found.missing.iter().map(|path| Change::CreateDirectory {
            path: path.clone(),
            mode: 0o755,
        });
        let file = found.file.changes(edited, &found.wanted);
        folders.chain(file).collect()
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        Ok(Report {
            msg: found.file.message(&found.msg, &found.wanted),
            values: values(json!({"path": self.path.to_string_lossy()})),
            ..Report::default()
        })
    }
}

impl Htpasswd {
    fn hash(&self, host: &dyn Host, password: &str) -> Result<String, ModuleError> {
        Ok(match self.scheme.as_str() {
            "plaintext" => password.to_owned(),
            "ldap_sha1" => format!(
                "{{SHA}}{}",
                base64(&sha1::Sha1::digest(password.as_bytes()))
            ),
            "md5_crypt" => md5_crypt("$1$", password, &salt(host)?),
            "bcrypt" => bcrypt::hash(password, BCRYPT_COST)
                .map_err(|error| ModuleError::new(format!("bcrypt: {error}")))?,
            "sha256_crypt" => sha_crypt(
                host,
                "5",
                password,
                &format!("rounds=535000${}", salt(host)?),
            )?,
            "sha512_crypt" => sha_crypt(
                host,
                "6",
                password,
                &format!("rounds=656000${}", salt(host)?),
            )?,
            _ => md5_crypt("$apr1$", password, &salt(host)?),
        })
    }
}

/// The hash in the line of a user.
fn entry<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(user, _)| *user == name).map(|(_, hash)| hash)
}

fn with(text: &str, name: &str, hash: Option<&str>) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut hash = hash;
    for line in text.lines() {
        match line.split_once(':') {
            Some((user, _)) if user == name => {
                lines.extend(hash.take().map(|hash| format!("{name}:{hash}")));
            }
            _ => lines.push(line.to_owned()),
        }
    }
    lines.extend(hash.map(|hash| format!("{name}:{hash}")));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// Whether a password is the one of a hash, which says itself how it was made.
fn verifies(host: &dyn Host, hash: &str, password: &str) -> Result<bool, ModuleError> {
    let after = |start: &str| hash.strip_prefix(start);
    let sha1 = || base64(&sha1::Sha1::digest(password.as_bytes()));
    let is_bcrypt = ["$2a$", "$2b$", "$2y$"]
        .iter()
        .any(|start| hash.starts_with(start));
    let (salt, is_sha) = match (after("$5$"), after("$6$")) {
        (Some(rest), _) => (rest.rsplit_once('$'), Some("5")),
        (_, Some(rest)) => (rest.rsplit_once('$'), Some("6")),
        _ => (None, None),
    };
    if let (Some((salt, _)), Some(kind)) = (salt, is_sha) {
        return Ok(sha_crypt(host, kind, password, salt)? == hash);
    }
    for start in ["$apr1$", "$1$"] {
        if let Some((salt, _)) = after(start).and_then(|rest| rest.split_once('$')) {
            return Ok(md5_crypt(start, password, salt) == hash);
        }
    }
    Ok(match after("{SHA}") {
        Some(digest) => digest == sha1(),
        None if is_bcrypt => bcrypt::verify(password, hash).unwrap_or(false),
        None => hash == password,
    })
}

/// SHA-256 (`5`) or SHA-512 (`6`) as in crypt(3), by the host's `openssl`; a salt may begin with the rounds.
fn sha_crypt(
    host: &dyn Host,
    kind: &str,
    password: &str,
    salt: &str,
) -> Result<String, ModuleError> {
    programs::required(host, "openssl")?;
    let kind = format!("-{kind}");
    let command = Command {
        stdin: Some(format!("{password}\n")),
        ..programs::plain(["openssl", "passwd", &kind, "-salt", salt, "-stdin"])
    };
    let said = programs::checked(host, &command)?;
    Ok(said.stdout.trim().to_owned())
}

/// Eight random letters.
fn salt(host: &dyn Host) -> Result<String, ModuleError> {
    let mut bytes = [0; 8];
    let mut random = host.open(Path::new("/dev/urandom"))?;
    let read = random.read_exact(&mut bytes);
    read.map_err(|error| ModuleError::new(format!("/dev/urandom: {error}")))?;
    Ok(bytes.iter().map(|byte| letter(u32::from(*byte))).collect())
}

fn letter(value: u32) -> char {
    const LETTERS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    char::from(LETTERS[(value & 63) as usize])
}

/// MD5 as in crypt(3), a thousand times around; `start` names the variant.
fn md5_crypt(start: &str, password: &str, salt: &str) -> String {
    let (word, salt) = (password.as_bytes(), salt.get(..8).unwrap_or(salt));
    let inner = Md5::new()
        .chain_update(word)
        .chain_update(salt)
        .chain_update(word)
        .finalize();
    let mut digest = Md5::new();
    digest.update(word);
    digest.update(start);
    digest.update(salt);
    let mut left = word.len();
    while left > 0 {
        digest.update(&inner[..left.min(16)]);
        left = left.saturating_sub(16);
    }
    let mut bits = word.len();
    while bits > 0 {
        let first = word.first().copied().unwrap_or(0);
        digest.update([if bits & 1 == 1 { 0 } else { first }]);
        bits >>= 1;
    }
    let mut result = digest.finalize();
    for round in 0..1000 {
        let mut digest = Md5::new();
        let odd = round & 1 == 1;
        if odd {
            digest.update(word);
        } else {
            digest.update(result);
        }
        if round % 3 != 0 {
            digest.update(salt);
        }
        if round % 7 != 0 {
            digest.update(word);
        }
        if odd {
            digest.update(result);
        } else {
            digest.update(word);
        }
        result = digest.finalize();
    }
    format!("{start}{salt}${}", letters(&result))
}

/// The order in which crypt(3) writes the bytes.
fn letters(bytes: &[u8]) -> String {
    let byte = |at: usize| u32::from(bytes[at]);
    let groups = [(0, 6, 12), (1, 7, 13), (2, 8, 14), (3, 9, 15), (4, 10, 5)];
    let mut text = String::new();
    let mut put = |mut value: u32, count: usize| {
        for _ in 0..count {
            text.push(letter(value));
            value >>= 6;
        }
    };
    for (a, b, c) in groups {
        put(byte(a) << 16 | byte(b) << 8 | byte(c), 4);
    }
    put(byte(11), 2);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_kept_as_apache_keeps_them() {
        // What `openssl passwd -apr1 -salt abcdefgh secret` and `-1` print.
        assert_eq!(
            md5_crypt("$apr1$", "secret", "abcdefgh"),
            "$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/"
        );
        let check = |hash: &str, password: &str, expected| {
            let host = crate::host::Model::empty();
            assert_eq!(verifies(&host, hash, password), Ok(expected), "{hash}");
        };
        check(
            &md5_crypt("$1$", "other words", "12345678"),
            "other words",
            true,
        );
        check("$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/", "wrong", false);
        // What Debian's crypt(3) makes of it.
        let hash = "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW";
        check(hash, "secret", true);
        check(hash, "wrong", false);
        check("$2y$rubbish", "secret", false);
    }

    #[test]
    fn a_users_line_is_replaced_added_or_gone() {
        assert_eq!(with("a:1\nb:2\n", "a", Some("3")), "a:3\nb:2\n");
        assert_eq!(with("a:1\n", "c", Some("3")), "a:1\nc:3\n");
        assert_eq!(with("a:1\nb:2\n", "a", None), "b:2\n");
    }
}
