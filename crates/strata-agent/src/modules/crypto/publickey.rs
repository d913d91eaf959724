//! `openssl_publickey`: the public half of a private key.

use serde_json::json;

use super::{KEPT, Kept, KeySource, There, content, fingerprint, made, openssl, unwrapped};
use crate::arguments::{Arguments, Field, Spec};
use crate::base64::encode as base64;
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
        if let Some(path) = &self.key.path
            && host.metadata_followed(path)?.is_none()
        {
            let shown = path.display();
            return Err(ModuleError::new(format!(
                "The private key {shown} does not exist"
            )));
        }
        found.private = self.key.load(host)?;
        let command = openssl(&["pkey", "-pubout"], None, Some(&found.private));
        found.public = made(host, &command, "The public key cannot be derived")?;
        if self.is_openssh {
            found.public = openssh(host, found.public)?;
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

/// A public key in the form of ssh.
fn openssh(host: &dyn Host, public: String) -> Result<String, ModuleError> {
    // The head of an Ed25519 key in DER (RFC 8410), of which `ssh-keygen` reads none.
    const HEAD: &[u8] = &[
        0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
    ];
    let bytes = unwrapped(&public);
    if let Some(key) = bytes.strip_prefix(HEAD) {
        let name = b"ssh-ed25519";
        let parts = [&[0, 0, 0, 11][..], name, &[0, 0, 0, 32], key];
        return Ok(format!("ssh-ed25519 {}", base64(&parts.concat())));
    }
    let argv = ["ssh-keygen", "-i", "-m", "PKCS8", "-f", "/dev/stdin"];
    let mut command = programs::plain(argv);
    command.stdin = Some(public);
    let said = programs::checked(host, &command)?;
    Ok(said.stdout.trim_end().to_owned())
}
