//! `openssl_publickey`: the public half of a private key.

use serde_json::json;

use super::{KEPT, Kept, KeySource, There, content, fingerprint, made, openssl};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, FileContent, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::modules::programs;
use crate::protocol::Task;

pub(in crate::modules) struct OpensslPublickey {
    kept: Kept,
    key: KeySource,
    is_openssh: bool,
    force: bool,
    return_content: bool,
}

/// The file, the private key, and its public half.
pub(in crate::modules) struct Found {
    there: There,
    private: String,
    public: String,
    is_due: bool,
}

impl Module for OpensslPublickey {
    const SPEC: Spec = Spec::new(
        "community.crypto.openssl_publickey",
        &[
            Field::path("path").required(),
            Field::str("format")
                .choices(&["OpenSSH", "PEM"])
                .default("PEM"),
            Field::str("privatekey_content"),
            Field::str("privatekey_passphrase"),
            Field::path("privatekey_path"),
        ],
    )
    .with(KEPT)
    .with_file_attributes()
    .exclusive(&[&["privatekey_path", "privatekey_content"]]);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<OpensslPublickey, ModuleError> {
        let key = KeySource::read(arguments, "");
        let kept = Kept::read(arguments, 0o644)?;
        if kept.present && !key.is_given() {
            return Err(ModuleError::new(
                "state is present but any of the following are missing: privatekey_path, \
                 privatekey_content",
            ));
        }
        Ok(OpensslPublickey {
            kept,
            key,
            is_openssh: arguments.text("format") == "OpenSSH",
            force: arguments.bool("force"),
            return_content: arguments.bool("return_content"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let mut found = Found {
            there: self.kept.observe(host)?,
            private: String::new(),
            public: String::new(),
            is_due: false,
        };
        if !self.kept.present {
            return Ok(found);
        }
        found.private = self.key.load(host)?;
        let command = openssl(&["pkey", "-pubout"], None, Some(&found.private));
        found.public = made(host, &command, "The public key cannot be derived")?;
        if self.is_openssh {
            let argv = ["ssh-keygen", "-i", "-m", "PKCS8", "-f", "/dev/stdin"];
            let mut command = programs::plain(argv);
            command.stdin = Some(found.public);
            found.public = programs::checked(host, &command)?
                .stdout
                .trim_end()
                .to_owned();
        }
        let plain = |text: &str| {
            text.split_whitespace()
                .take(2)
                .collect::<Vec<_>>()
                .join(" ")
        };
        let same = |there: &String| match self.is_openssh {
            true => plain(there) == plain(&found.public),
            false => there.trim() == found.public.trim(),
        };
        found.is_due = self.force || !found.there.text.as_ref().is_some_and(same);
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let new = found
            .is_due
            .then(|| FileContent::Bytes(found.public.clone().into_bytes()));
        self.kept.changes(&found.there, new)
    }

    fn report(&self, host: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let format = if self.is_openssh { "OpenSSH" } else { "PEM" };
        let mut report = values(json!({
            "privatekey": self.key.path.as_ref().map(|path| path.to_string_lossy()),
            "filename": self.kept.name(), "format": format,
        }));
        if self.kept.present {
            report.insert("fingerprint".to_owned(), fingerprint(host, &found.private)?);
            let public = Some(found.public.clone());
            content(&mut report, "publickey", self.return_content, public);
        }
        Ok(Report::of(report))
    }
}
