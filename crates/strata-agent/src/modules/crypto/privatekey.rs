//! `openssl_privatekey`: a private key of a type and size.

use serde_json::{Value, json};

use super::{KEPT, Kept, There, content, fingerprint, made, openssl};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, FileContent, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(in crate::modules) struct OpensslPrivatekey {
    kept: Kept,
    kind: String,
    size: i64,
    curve: Option<String>,
    passphrase: Option<String>,
    format: String,
    converts: bool,
    regenerate: String,
    return_content: bool,
    check: bool,
}

/// The key as it is, and the one that takes its place.
pub(in crate::modules) struct Found {
    there: There,
    new: Option<String>,
}

/// What `openssl` tells of a key.
struct Key {
    kind: &'static str,
    size: i64,
    curve: Option<String>,
}

const CURVES: &[&str] = &[
    "secp224r1",
    "secp256k1",
    "secp256r1",
    "secp384r1",
    "secp521r1",
    "secp192r1",
    "brainpoolP256r1",
    "brainpoolP384r1",
    "brainpoolP512r1",
    "sect163k1",
    "sect163r2",
    "sect233k1",
    "sect233r1",
    "sect283k1",
    "sect283r1",
    "sect409k1",
    "sect409r1",
    "sect571k1",
    "sect571r1",
];

impl Module for OpensslPrivatekey {
    const SPEC: Spec = Spec::new(
        "community.crypto.openssl_privatekey",
        &[
            Field::path("path").required(),
            Field::str("cipher").default("auto"),
            Field::str("curve").choices(CURVES),
            Field::str("format")
                .choices(&["pkcs1", "pkcs8", "auto", "auto_ignore"])
                .default("auto_ignore"),
            Field::str("format_mismatch")
                .choices(&["regenerate", "convert"])
                .default("regenerate"),
            Field::str("passphrase"),
            Field::str("regenerate")
                .choices(&[
                    "never",
                    "fail",
                    "partial_idempotence",
                    "full_idempotence",
                    "always",
                ])
                .default("full_idempotence"),
            Field::int("size").default("4096"),
            Field::str("type")
                .choices(&["DSA", "ECC", "Ed25519", "Ed448", "RSA", "X25519", "X448"])
                .default("RSA"),
        ],
    )
    .with(KEPT)
    .with_file_attributes();
    type Current = Found;

    fn new(arguments: &Arguments, task: &Task) -> Result<OpensslPrivatekey, ModuleError> {
        let kind = arguments.text("type");
        let curve = arguments.string("curve");
        if kind == "ECC" && curve.is_none() {
            return Err(ModuleError::new(
                "type is ECC but all of the following are missing: curve",
            ));
        }
        // Which cipher is the best is for `openssl` to say, as for the library of Ansible's module.
        if arguments.text("cipher") != "auto" && arguments.string("passphrase").is_some() {
            return Err(ModuleError::new(
                "Cryptography backend can only use \"auto\" for cipher option.",
            ));
        }
        let mut kept = Kept::read(arguments, 0o600)?;
        // A key is nobody else's, also where nobody said so.
        let mode = kept.attributes.mode.take();
        kept.attributes.mode = Some(match mode {
            Some(mode) => mode,
            None => crate::mode::Mode::read(&json!("0600"))?,
        });
        Ok(OpensslPrivatekey {
            kept,
            kind,
            size: arguments.int("size").unwrap_or(4096),
            curve,
            passphrase: arguments.string("passphrase"),
            format: arguments.text("format"),
            converts: arguments.text("format_mismatch") == "convert",
            regenerate: match arguments.bool("force") {
                true => "always".to_owned(),
                false => arguments.text("regenerate"),
            },
            return_content: arguments.bool("return_content"),
            check: task.check,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let there = self.kept.observe(host)?;
        let mut found = Found { there, new: None };
        if !self.kept.present {
            return Ok(found);
        }
        let due = match &found.there.text {
            None => true,
            Some(text) => self.is_due(host, text)?,
        };
        if due {
            found.new = Some(match self.check {
                true => String::new(),
                false => self.generate(host)?,
            });
        } else if let Some(text) = &found.there.text
            && self.format_differs(text)
        {
            let plain = self.plain(host, text)?;
            found.new = Some(match self.converts {
                true => self.wrap(host, &plain)?,
                false if self.check => String::new(),
                false => self.generate(host)?,
            });
        }
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let new = found.new.clone().map(String::into_bytes);
        self.kept
            .changes(&found.there, new.map(FileContent::Hidden))
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let mut report = values(json!({
            "type": self.kind, "filename": self.kept.name(), "size": self.size,
        }));
        if self.kind == "ECC" {
            report.insert("curve".to_owned(), json!(self.curve));
        }
        let text = match (&found.new, outcome.check) {
            (Some(_), true) => None,
            (Some(new), false) => Some(new.clone()),
            (None, _) => found.there.text.clone(),
        };
        if self.kept.present {
            if let Some(text) = &text {
                let plain = self.plain(host, text)?;
                report.insert("fingerprint".to_owned(), fingerprint(host, &plain)?);
            }
            content(&mut report, "privatekey", self.return_content, text);
        }
        Ok(Report::of(report))
    }
}

impl OpensslPrivatekey {
    /// Whether the key that is there has to make way.
    fn is_due(&self, host: &dyn Host, text: &str) -> Result<bool, ModuleError> {
        let mode = self.regenerate.as_str();
        if mode == "always" {
            return Ok(true);
        }
        if mode == "never" {
            return Ok(false);
        }
        let is_encrypted = text.contains("ENCRYPTED");
        let plain = match is_encrypted == self.passphrase.is_some() {
            true => self.plain(host, text).ok(),
            false => None,
        };
        let Some(plain) = plain else {
            return match mode {
                "full_idempotence" => Ok(true),
                _ => Err(ModuleError::new(
                    "Unable to read the key. The key is protected with a another passphrase / no \
                     passphrase or broken. Will not proceed. To force regeneration, call the \
                     module with `generate` set to `full_idempotence` or `always`, or with \
                     `force=true`.",
                )),
            };
        };
        let fits = describe(host, &plain)?.is_some_and(|key| self.fits(&key));
        match mode {
            "fail" if !fits => Err(ModuleError::new(
                "Key has wrong type and/or size. Will not proceed. To force regeneration, call \
                 the module with `generate` set to `partial_idempotence`, `full_idempotence` or \
                 `always`, or with `force=true`.",
            )),
            _ => Ok(!fits),
        }
    }

    fn fits(&self, key: &Key) -> bool {
        key.kind == self.kind
            && match self.kind.as_str() {
                "RSA" | "DSA" => key.size == self.size,
                "ECC" => key.curve.as_deref() == self.curve.as_deref().map(known_as),
                _ => true,
            }
    }

    fn format_differs(&self, text: &str) -> bool {
        let is_pkcs8 =
            text.contains("BEGIN PRIVATE KEY") || text.contains("BEGIN ENCRYPTED PRIVATE");
        match self.format.as_str() {
            "pkcs8" => !is_pkcs8,
            "pkcs1" => is_pkcs8,
            "auto" => is_pkcs8 == self.is_traditional(),
            _ => false,
        }
    }

    /// Whether the key is written in the form of its own type.
    fn is_traditional(&self) -> bool {
        matches!(self.kind.as_str(), "RSA" | "DSA" | "ECC")
            && matches!(self.format.as_str(), "auto" | "auto_ignore" | "pkcs1")
    }

    fn plain(&self, host: &dyn Host, text: &str) -> Result<String, ModuleError> {
        let words = ["pkey", "-passin", "env:STRATA_PASSPHRASE"];
        let command = openssl(&words, self.passphrase.as_deref(), Some(text));
        made(host, &command, "The key cannot be read")
    }

    fn generate(&self, host: &dyn Host) -> Result<String, ModuleError> {
        let size = self.size;
        let what = "The key cannot be generated";
        let run =
            |words: &[&str], input: Option<&str>| made(host, &openssl(words, None, input), what);
        let plain = match self.kind.as_str() {
            "RSA" => {
                let bits = format!("rsa_keygen_bits:{size}");
                run(
                    &["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", &bits],
                    None,
                )
                .or_else(|_| run(&["genpkey", "-algorithm", "RSA", "-pkeyopt", &bits], None))?
            }
            "DSA" => {
                let parameters = run(&["dsaparam", &size.to_string()], None)?;
                run(&["gendsa", "/dev/stdin"], Some(&parameters))?
            }
            "ECC" => {
                let curve = known_as(self.curve.as_deref().unwrap_or_default());
                let curve = format!("ec_paramgen_curve:{curve}");
                run(&["genpkey", "-algorithm", "EC", "-pkeyopt", &curve], None)?
            }
            kind => run(&["genpkey", "-algorithm", kind], None)?,
        };
        self.wrap(host, &plain)
    }

    /// A key in the wanted form, with the passphrase.
    fn wrap(&self, host: &dyn Host, plain: &str) -> Result<String, ModuleError> {
        let mut words = vec!["pkey"];
        if self.is_traditional() {
            words.push("-traditional");
        }
        if self.passphrase.is_some() {
            words.extend(["-aes256", "-passout", "env:STRATA_PASSPHRASE"]);
        }
        let command = openssl(&words, self.passphrase.as_deref(), Some(plain));
        made(host, &command, "The key cannot be written")
    }
}

/// The name of a curve as `openssl` has it.
fn known_as(curve: &str) -> &str {
    match curve {
        "secp256r1" => "prime256v1",
        "secp192r1" => "prime192v1",
        curve => curve,
    }
}

fn describe(host: &dyn Host, plain: &str) -> Result<Option<Key>, ModuleError> {
    let command = openssl(&["pkey", "-noout", "-text"], None, Some(plain));
    let said = made(host, &command, "The key cannot be read")?;
    Ok(parse(&said))
}

fn parse(said: &str) -> Option<Key> {
    let first = said.lines().next()?;
    let curve = super::after(said, "ASN1 OID:").map(str::to_owned);
    let size = first
        .split_once('(')
        .and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok());
    let edwards = [
        ("ED25519", "Ed25519", 256),
        ("ED448", "Ed448", 448),
        ("X25519", "X25519", 256),
        ("X448", "X448", 448),
    ];
    for (start, kind, size) in edwards {
        if first.to_uppercase().starts_with(start) {
            return Some(Key {
                kind,
                size,
                curve: None,
            });
        }
    }
    let kind = match () {
        () if curve.is_some() => "ECC",
        () if said.contains("modulus:") => "RSA",
        () => "DSA",
    };
    Some(Key {
        kind,
        size: size?,
        curve,
    })
}

impl From<&Key> for Value {
    fn from(key: &Key) -> Value {
        json!({"type": key.kind, "size": key.size, "curve": key.curve})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_told_by_what_openssl_prints() {
        let check = |said: &str, expected: Value| {
            assert_eq!(Value::from(&parse(said).unwrap()), expected);
        };
        check(
            "Private-Key: (2048 bit, 2 primes)\nmodulus:\n    00:aa\n",
            json!({"type": "RSA", "size": 2048, "curve": null}),
        );
        check(
            "Private-Key: (256 bit)\npriv:\n    aa\nASN1 OID: prime256v1\nNIST CURVE: P-256\n",
            json!({"type": "ECC", "size": 256, "curve": "prime256v1"}),
        );
        check(
            "ED25519 Private-Key:\npriv:\n",
            json!({"type": "Ed25519", "size": 256, "curve": null}),
        );
    }
}
