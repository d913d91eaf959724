//! `openssh_keypair`: a pair of keys for ssh, made by `ssh-keygen`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::{Kept, Scratch, There};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, FileContent, FileWrite, Outcome};
use crate::host::{Host, Permissions};
use crate::module::{Module, ModuleError, Report, values};
use crate::modules::programs;
use crate::protocol::Task;
use crate::system::{Command, Dialogue, Question};

pub(in crate::modules) struct OpensshKeypair {
    kept: Kept,
    kind: String,
    size: Option<i64>,
    comment: Option<String>,
    passphrase: Option<String>,
    format: String,
    regenerate: String,
    check: bool,
}

/// The pair as it is, and what becomes of it.
pub(in crate::modules) struct Found {
    there: There,
    public: Option<String>,
    new: Option<Pair>,
    new_public: Option<String>,
}

#[derive(Default)]
struct Pair {
    private: String,
    public: String,
}

impl Module for OpensshKeypair {
    const SPEC: Spec = Spec::new(
        "community.crypto.openssh_keypair",
        &[
            Field::path("path").required(),
            Field::str("backend")
                .choices(&["auto", "cryptography", "opensshbin"])
                .default("auto"),
            Field::str("comment"),
            Field::bool("force", false),
            Field::str("passphrase"),
            Field::str("private_key_format")
                .choices(&["auto", "pkcs1", "pkcs8", "ssh"])
                .default("auto"),
            Field::str("regenerate")
                .choices(&[
                    "never",
                    "fail",
                    "partial_idempotence",
                    "full_idempotence",
                    "always",
                ])
                .default("partial_idempotence"),
            Field::int("size"),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::str("type")
                .choices(&["rsa", "dsa", "rsa1", "ecdsa", "ed25519"])
                .default("rsa"),
            Field::fixed("backup", "false"),
        ],
    )
    .with_file_attributes();
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<OpensshKeypair, ModuleError> {
        let mut kept = Kept::read(arguments, 0o600)?;
        if kept.attributes.mode.is_none() {
            kept.attributes.mode = Some(crate::mode::Mode::read(&json!("0600"))?);
        }
        let kind = arguments.text("type");
        let size = arguments.int("size").or(match kind.as_str() {
            "rsa" | "rsa1" => Some(4096),
            "dsa" => Some(1024),
            "ecdsa" => Some(256),
            _ => None,
        });
        Ok(OpensshKeypair {
            kept,
            size: size.filter(|_| kind != "ed25519"),
            kind,
            comment: arguments.string("comment"),
            passphrase: arguments.string("passphrase"),
            format: arguments.text("private_key_format"),
            regenerate: match arguments.bool("force") {
                true => "always".to_owned(),
                false => arguments.text("regenerate"),
            },
            check: task.check,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let mut found = Found {
            there: self.kept.observe(host)?,
            public: host.read_text(&self.public_path()),
            new: None,
            new_public: None,
        };
        if !self.kept.present {
            return Ok(found);
        }
        programs::required(host, "ssh-keygen")?;
        let due = match &found.there.text {
            None => true,
            Some(_) => self.is_due(host)?,
        };
        if due {
            found.new = Some(match self.check {
                true => Pair::default(),
                false => self.generate(host)?,
            });
            return Ok(found);
        }
        if let Some(public) = self.derived(host, found.public.as_deref())? {
            found.new_public = Some(public);
        }
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let new = found.new.as_ref();
        let private = new.map(|pair| FileContent::Hidden(pair.private.clone().into_bytes()));
        let mut changes = self.kept.changes(&found.there, private);
        let public = new.map(|pair| &pair.public).or(found.new_public.as_ref());
        if let Some(public) = public {
            changes.push(Change::Write(FileWrite {
                permissions: Permissions {
                    mode: Some(0o644),
                    ..Permissions::default()
                },
                ..FileWrite::new(self.public_path(), public.clone().into_bytes())
            }));
        } else if !self.kept.present && found.public.is_some() {
            changes.push(Change::Remove {
                path: self.public_path(),
            });
        }
        changes
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let mut report = values(json!({
            "size": self.size.or((self.kind == "ed25519").then_some(256)), "type": self.kind, "filename": self.kept.name(),
            "comment": commented(found.public.as_deref()),
        }));
        let public = match (&found.new, &found.new_public) {
            (Some(_), _) | (_, Some(_)) if outcome.check => None,
            (Some(pair), _) => Some(pair.public.clone()),
            (None, Some(public)) => Some(public.clone()),
            (None, None) => found.public.clone(),
        };
        if let Some(public) = public.filter(|_| self.kept.present) {
            let words: Vec<&str> = public.split_whitespace().collect();
            let plain = words.iter().take(2).copied().collect::<Vec<_>>().join(" ");
            report.insert("public_key".to_owned(), plain.into());
            report.insert(
                "comment".to_owned(),
                words.get(2..).unwrap_or_default().join(" ").into(),
            );
            let said = self.listed(host, Some(&public))?;
            report.insert("fingerprint".to_owned(), said.map(|said| said.1).into());
        } else {
            report.insert("fingerprint".to_owned(), Value::from(""));
            report.insert("public_key".to_owned(), Value::from(""));
        }
        Ok(Report::of(report))
    }
}

impl OpensshKeypair {
    fn public_path(&self) -> PathBuf {
        PathBuf::from(format!("{}.pub", self.kept.path.display()))
    }

    /// Size, fingerprint and type of the key that is there, or of a public one.
    fn listed(
        &self,
        host: &dyn Host,
        public: Option<&str>,
    ) -> Result<Option<(i64, String, String)>, ModuleError> {
        let path = self.kept.path.to_string_lossy();
        let file = if public.is_some() {
            "/dev/stdin"
        } else {
            &*path
        };
        let mut command = programs::plain(["ssh-keygen", "-l", "-f", file]);
        command.stdin = public.map(str::to_owned);
        let said = host.run(&command)?;
        let words: Vec<&str> = said.stdout.split_whitespace().collect();
        let [size, print, .., kind] = words[..] else {
            return Ok(None);
        };
        let kind = kind.trim_matches(['(', ')']).to_lowercase();
        Ok(size.parse().ok().map(|size| (size, print.to_owned(), kind)))
    }

    /// Whether the pair has to be made anew.
    fn is_due(&self, host: &dyn Host) -> Result<bool, ModuleError> {
        let mode = self.regenerate.as_str();
        if mode == "always" || mode == "never" {
            return Ok(mode == "always");
        }
        let is_readable = self.unlocked(host)?.is_some();
        let listed = self.listed(host, None)?;
        let fits = listed.is_some_and(|(size, _, kind)| {
            kind == self.kind && self.size.is_none_or(|wanted| wanted == size)
        });
        match mode {
            "full_idempotence" => Ok(!is_readable || !fits),
            _ if !is_readable => Err(ModuleError::new(
                "Unable to read the key. The key is protected with a passphrase or broken. Will \
                 not proceed. To force regeneration, call the module with `generate` set to \
                 `full_idempotence` or `always`, or with `force=true`.",
            )),
            "fail" if !fits => Err(ModuleError::new(
                "Key has wrong type and/or size. Will not proceed. To force regeneration, call \
                 the module with `generate` set to `partial_idempotence`, `full_idempotence` or \
                 `always`, or with `force=true`.",
            )),
            _ => Ok(!fits),
        }
    }

    /// The public key that belongs to the private one, without comment.
    fn unlocked(&self, host: &dyn Host) -> Result<Option<String>, ModuleError> {
        let path = self.kept.path.to_string_lossy().into_owned();
        // Asked for on a terminal: an argument would be for every user to see.
        let mut command = programs::plain(["ssh-keygen", "-y", "-f", &path]);
        command.timeout = Some(Duration::from_secs(30));
        let said = match &self.passphrase {
            Some(passphrase) => host.converse(&command, &asked(passphrase))?,
            // Without a terminal nobody is asked.
            None => host.run(&Command {
                argv: ["ssh-keygen", "-y", "-P", "", "-f", &path]
                    .map(str::to_owned)
                    .to_vec(),
                ..command
            })?,
        };
        let key = said.stdout.lines().find(|line| line.contains(" AAAA"));
        Ok(key.filter(|_| said.status == 0).map(|key| {
            let words: Vec<&str> = key.split_whitespace().take(2).collect();
            words.join(" ")
        }))
    }

    /// The public file as it shall be, where it is not.
    fn derived(
        &self,
        host: &dyn Host,
        public: Option<&str>,
    ) -> Result<Option<String>, ModuleError> {
        if self.regenerate == "never" && public.is_some() && self.comment.is_none() {
            return Ok(None);
        }
        let Some(key) = self.unlocked(host)? else {
            return Ok(None);
        };
        let there: Vec<&str> = public.unwrap_or_default().split_whitespace().collect();
        let comment_there = there.get(2..).unwrap_or_default().join(" ");
        let same = there.iter().take(2).copied().collect::<Vec<_>>().join(" ") == key;
        let comment = self
            .comment
            .clone()
            .unwrap_or_else(|| comment_there.clone());
        let line = format!("{key} {comment}").trim_end().to_owned();
        Ok((!same || comment != comment_there).then(|| format!("{line}\n")))
    }

    fn generate(&self, host: &dyn Host) -> Result<Pair, ModuleError> {
        let scratch = Scratch::new(host)?;
        let path = scratch.path("key");
        let mut argv = vec!["ssh-keygen", "-q", "-t", &self.kind, "-f", &path];
        let size = self.size.map(|size| size.to_string());
        if let Some(size) = &size {
            argv.extend(["-b", size]);
        }
        if let Some(comment) = &self.comment {
            argv.extend(["-C", comment]);
        }
        match self.format.as_str() {
            "pkcs1" => argv.extend(["-m", "PEM"]),
            "pkcs8" => argv.extend(["-m", "PKCS8"]),
            _ => {}
        }
        let said = match &self.passphrase {
            None => {
                argv.extend(["-N", ""]);
                host.run(&programs::plain(argv))?
            }
            Some(passphrase) => {
                let mut command = programs::plain(argv);
                command.timeout = Some(Duration::from_secs(60));
                host.converse(&command, &asked(passphrase))?
            }
        };
        if said.status != 0 {
            return Err(programs::failed(&said));
        }
        Ok(Pair {
            private: text(host, Path::new(&path))?,
            public: text(host, Path::new(&format!("{path}.pub")))?,
        })
    }
}

/// The comment of a public key.
fn commented(public: Option<&str>) -> String {
    let words: Vec<&str> = public.unwrap_or_default().split_whitespace().collect();
    words.get(2..).unwrap_or_default().join(" ")
}

/// Answers each question for the passphrase.
fn asked(passphrase: &str) -> Dialogue {
    let question = Question {
        pattern: "(?i)passphrase[^\\n]*: ?$".to_owned(),
        answers: vec![passphrase.to_owned()],
        repeats: true,
    };
    Dialogue {
        questions: vec![question],
        echo: false,
    }
}

fn text(host: &dyn Host, path: &Path) -> Result<String, ModuleError> {
    Ok(String::from_utf8_lossy(&host.read(path)?).into_owned())
}
