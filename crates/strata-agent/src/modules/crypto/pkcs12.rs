//! `openssl_pkcs12`: a key with its certificates in one file, or taken out of one.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::{KEPT, Kept, KeySource, Scratch, There, existing, made, openssl};
use crate::arguments::{Arguments, Field, Spec};
use crate::base64::encode as base64;
use crate::change::{Change, FileContent, Outcome};
use crate::host::Host;
use crate::mode::Mode;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(in crate::modules) struct OpensslPkcs12 {
    kept: Kept,
    key: KeySource,
    /// The file that is taken apart.
    source: Option<PathBuf>,
    certificate: Option<(Option<PathBuf>, Option<String>)>,
    others: Vec<PathBuf>,
    other_contents: Vec<String>,
    name: Option<String>,
    passphrase: Option<String>,
    iterations: Option<i64>,
    of_mac: Option<i64>,
    is_old: bool,
    force: bool,
    return_content: bool,
    check: bool,
}

/// The file, and what takes its place.
pub(in crate::modules) struct Found {
    there: There,
    new: Option<Vec<u8>>,
}

impl Module for OpensslPkcs12 {
    const SPEC: Spec = Spec::new(
        "community.crypto.openssl_pkcs12",
        &[
            Field::path("path").required(),
            Field::str("action")
                .choices(&["export", "parse"])
                .default("export"),
            Field::str("certificate_content"),
            Field::path("certificate_path"),
            Field::str("encryption_level")
                .choices(&["auto", "compatibility2022"])
                .default("auto"),
            Field::str("friendly_name").alias(&["name"]),
            Field::int("iter_size"),
            Field::int("maciter_size"),
            Field::list("other_certificates").alias(&["ca_certificates"]),
            Field::list("other_certificates_content"),
            Field::bool("other_certificates_parse_all", false),
            Field::str("passphrase"),
            Field::str("privatekey_content"),
            Field::str("privatekey_passphrase"),
            Field::path("privatekey_path"),
            Field::path("src"),
        ],
    )
    .with(KEPT)
    .with_file_attributes()
    .exclusive(&[
        &["privatekey_path", "privatekey_content"],
        &["certificate_path", "certificate_content"],
        &["other_certificates", "other_certificates_content"],
    ]);
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<OpensslPkcs12, ModuleError> {
        let mut kept = Kept::read(arguments, 0o400)?;
        if kept.attributes.mode.is_none() {
            kept.attributes.mode = Some(Mode::read(&json!("0400"))?);
        }
        let parses = arguments.text("action") == "parse";
        let source = arguments.path("src").filter(|_| parses);
        if parses && source.is_none() {
            return Err(ModuleError::new(
                "action is parse but all of the following are missing: src",
            ));
        }
        let certificate = (
            arguments.path("certificate_path"),
            arguments.string("certificate_content"),
        );
        let others = arguments.list("other_certificates").unwrap_or_default();
        Ok(OpensslPkcs12 {
            kept,
            key: KeySource::read(arguments, ""),
            source,
            certificate: (certificate != (None, None)).then_some(certificate),
            others: others.into_iter().map(PathBuf::from).collect(),
            other_contents: arguments
                .list("other_certificates_content")
                .unwrap_or_default(),
            name: arguments.string("friendly_name"),
            passphrase: arguments.string("passphrase"),
            iterations: arguments.int("iter_size"),
            of_mac: arguments.int("maciter_size"),
            is_old: arguments.text("encryption_level") == "compatibility2022",
            force: arguments.bool("force"),
            return_content: arguments.bool("return_content"),
            check: task.check,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let there = self.kept.observe(host)?;
        if !self.kept.present {
            return Ok(Found { there, new: None });
        }
        let old = match &there.found {
            Some(_) => Some(host.read(&self.kept.path)?),
            None => None,
        };
        if self.name.is_none() && self.source.is_none() && !self.check {
            return Err(ModuleError::new("Friendly_name is required"));
        }
        let new = match &self.source {
            Some(source) => self.parse(host, &source.to_string_lossy())?.into_bytes(),
            None => self.export(host)?,
        };
        let same = match &old {
            _ if self.force => false,
            None => false,
            Some(old) if self.source.is_some() => *old == new,
            Some(_) => self.is_same(host, &new)?,
        };
        Ok(Found {
            there,
            new: (!same).then_some(new),
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let new = found.new.clone().map(FileContent::Hidden);
        self.kept.changes(&found.there, new)
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let mut report = values(json!({
            "filename": self.kept.name(),
            "privatekey_path": self.key.path.as_ref().map(|path| path.to_string_lossy()),
        }));
        if self.kept.present
            && !outcome.check
            && let Some(Mode::Absolute(bits)) = &self.kept.attributes.mode
        {
            report.insert("mode".to_owned(), crate::mode::four_digits(*bits).into());
        }
        if self.kept.present && self.return_content && !outcome.check {
            let bytes = match &found.new {
                Some(new) => new.clone(),
                None => host.read(&self.kept.path)?,
            };
            report.insert("pkcs12".to_owned(), base64(&bytes).into());
        }
        Ok(Report::of(report))
    }
}

impl OpensslPkcs12 {
    /// What is in a file, in PEM and in a fixed order.
    fn parse(&self, host: &dyn Host, path: &str) -> Result<String, ModuleError> {
        let words = [
            "pkcs12",
            "-in",
            path,
            "-nodes",
            "-passin",
            "env:STRATA_PASSPHRASE",
        ];
        let passphrase = Some(self.passphrase.as_deref().unwrap_or(""));
        let said = made(
            host,
            &openssl(&words, passphrase, None),
            "The file cannot be read",
        )?;
        let mut text = String::new();
        let mut is_inside = false;
        for line in said.lines() {
            is_inside |= line.starts_with("-----BEGIN");
            if is_inside {
                text.push_str(&format!("{line}\n"));
            }
            is_inside &= !line.starts_with("-----END");
        }
        Ok(text)
    }

    fn export(&self, host: &dyn Host) -> Result<Vec<u8>, ModuleError> {
        let scratch = Scratch::new(host)?;
        let mut words: Vec<String> = ["pkcs12", "-export"].map(str::to_owned).to_vec();
        let mut add = |more: &[&str]| words.extend(more.iter().map(|word| (*word).to_owned()));
        match self.key.is_given() {
            true => add(&["-inkey", &scratch.put(host, "key", &self.key.load(host)?)?]),
            false => add(&["-nokeys"]),
        }
        let mut others = self.other_contents.clone();
        for path in &self.others {
            others.push(existing(host, path, "certificate")?);
        }
        match &self.certificate {
            Some((path, content)) => {
                let text = match (content, path) {
                    (Some(content), _) => content.clone(),
                    (None, path) => {
                        existing(host, &path.clone().unwrap_or_default(), "certificate")?
                    }
                };
                add(&["-in", &scratch.put(host, "certificate", &text)?]);
                if !others.is_empty() {
                    add(&[
                        "-certfile",
                        &scratch.put(host, "others", &others.join("\n"))?,
                    ]);
                }
            }
            None => add(&["-in", &scratch.put(host, "others", &others.join("\n"))?]),
        }
        if let Some(name) = &self.name {
            add(&["-name", name]);
        }
        if let Some(count) = self.iterations {
            add(&["-iter", &count.to_string()]);
        }
        if self.of_mac == Some(1) {
            add(&["-nomaciter"]);
        }
        if self.is_old {
            add(&[
                "-certpbe",
                "PBE-SHA1-3DES",
                "-keypbe",
                "PBE-SHA1-3DES",
                "-macalg",
                "sha1",
            ]);
        }
        let to = scratch.path("out");
        add(&["-out", &to, "-passout", "env:STRATA_PASSPHRASE"]);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let passphrase = Some(self.passphrase.as_deref().unwrap_or(""));
        made(
            host,
            &openssl(&words, passphrase, None),
            "The file cannot be made",
        )?;
        Ok(host.read(to.as_ref())?)
    }

    /// Whether the file has the same in it as one that is just made.
    fn is_same(&self, host: &dyn Host, new: &[u8]) -> Result<bool, ModuleError> {
        let scratch = Scratch::new(host)?;
        let path = scratch.path("new");
        host.write(path.as_ref(), &mut &*new, private())?;
        let there = self.kept.path.to_string_lossy();
        let Ok(old) = self.parse(host, &there) else {
            return Ok(false);
        };
        Ok(old == self.parse(host, &path)?
            && self.named(host, &there)? == self.named(host, &path)?)
    }

    /// The friendly name in a file.
    fn named(&self, host: &dyn Host, path: &str) -> Result<Value, ModuleError> {
        let words = [
            "pkcs12",
            "-in",
            path,
            "-nokeys",
            "-clcerts",
            "-passin",
            "env:STRATA_PASSPHRASE",
        ];
        let passphrase = Some(self.passphrase.as_deref().unwrap_or(""));
        let said = made(
            host,
            &openssl(&words, passphrase, None),
            "The file cannot be read",
        )?;
        Ok(json!(super::after(&said, "friendlyName:")))
    }
}

fn private() -> crate::host::Permissions {
    crate::host::Permissions {
        mode: Some(0o600),
        ..Default::default()
    }
}
