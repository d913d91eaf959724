//! `x509_certificate_info`: what a certificate says.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::certificate::{number, relative};
use super::{after, digests, existing, extensions, made, openssl, unwrapped};
use crate::arguments::{Arguments, Field, FieldKind, Spec, text};
use crate::base64::encode as base64;
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(in crate::modules) struct X509CertificateInfo {
    path: Option<PathBuf>,
    content: Option<String>,
    valid_at: Map<String, Value>,
}

impl Module for X509CertificateInfo {
    const SPEC: Spec = Spec::new(
        "community.crypto.x509_certificate_info",
        &[
            Field::path("path"),
            Field::str("content"),
            Field::fixed("name_encoding", "ignore"),
            Field::str("select_crypto_backend")
                .choices(&["auto", "cryptography"])
                .default("auto"),
            Field::new("valid_at", FieldKind::Dict),
        ],
    )
    .exclusive(&[&["path", "content"]])
    .one_of(&[&["path", "content"]]);
    type Current = Map<String, Value>;

    fn new(arguments: &Arguments, _task: &Task) -> Result<X509CertificateInfo, ModuleError> {
        let valid_at = arguments.raw("valid_at").and_then(Value::as_object);
        Ok(X509CertificateInfo {
            path: arguments.path("path"),
            content: arguments.string("content"),
            valid_at: valid_at.cloned().unwrap_or_default(),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Map<String, Value>, ModuleError> {
        let text = match (&self.content, &self.path) {
            (Some(content), _) => content.clone(),
            (None, path) => file(host, &path.clone().unwrap_or_default())?,
        };
        self.describe(host, &text)
    }

    fn decide(&self, _: &Map<String, Value>) -> Vec<Change> {
        Vec::new()
    }

    fn report(
        &self,
        _: &dyn Host,
        found: &Map<String, Value>,
        _: &Outcome,
    ) -> Result<Report, ModuleError> {
        Ok(Report::of(found.clone()))
    }
}

impl X509CertificateInfo {
    fn describe(&self, host: &dyn Host, text: &str) -> Result<Map<String, Value>, ModuleError> {
        let words = [
            "x509",
            "-noout",
            "-text",
            "-pubkey",
            "-serial",
            "-dates",
            "-dateopt",
            "iso_8601",
            "-subject",
            "-issuer",
            "-nameopt",
            "lname,sep_multiline,utf8,-esc_msb",
        ];
        let command = openssl(&words, None, Some(text));
        let said = made(host, &command, "The certificate cannot be read")?;
        let time = |start: &str| {
            after(&said, start)
                .unwrap_or_default()
                .replace(['-', ':', ' '], "")
        };
        let (start, end) = (time("notBefore="), time("notAfter="));
        let now = moment(host.now() as i64);
        let (subject, issuer) = (names(&said, "subject="), names(&said, "issuer="));
        let map = |pairs: &[(String, String)]| -> Map<String, Value> {
            pairs
                .iter()
                .map(|(name, value)| (name.clone(), value.clone().into()))
                .collect()
        };
        let key = said
            .lines()
            .skip_while(|line| !line.starts_with("-----BEGIN PUBLIC"));
        let mut public = String::new();
        for line in key {
            public.push_str(&format!("{line}\n"));
            if line.starts_with("-----END") {
                break;
            }
        }
        let kind = after(&said, "Public Key Algorithm:").unwrap_or_default();
        let digits = after(&said, "serial=").unwrap_or_default();
        let mut valid = Map::new();
        for (name, given) in &self.valid_at {
            let given = text_of_time(host, given)?;
            valid.insert(name.clone(), (start <= given && given <= end).into());
        }
        let mut all = values(json!({
            "expired": end < now, "not_before": start, "not_after": end,
            "subject": map(&subject), "issuer": map(&issuer),
            "subject_ordered": subject, "issuer_ordered": issuer,
            "serial_number": number(digits),
            "version": after(&said, "Version:").and_then(|text| text.split(' ').next()?.parse::<u8>().ok()),
            "signature_algorithm": after(&said, "Signature Algorithm:"),
            "public_key": public, "public_key_type": key_type(kind),
            "public_key_data": key_data(&said, key_type(kind)),
            "public_key_fingerprints": digests(&unwrapped(&public)),
            "fingerprints": digests(&unwrapped(text)),
            "valid_at": valid,
        }));
        all.extend(of_extensions(&said));
        Ok(all)
    }
}

/// A certificate in a file, which may hold the bytes themselves instead of PEM.
fn file(host: &dyn Host, path: &Path) -> Result<String, ModuleError> {
    let text = existing(host, path, "certificate")?;
    if text.contains("-----BEGIN") {
        return Ok(text);
    }
    let inside = base64(&host.read(path)?);
    // Longer lines are no PEM.
    let lines = inside.as_bytes().chunks(64).map(String::from_utf8_lossy);
    let lines: Vec<_> = lines.collect();
    Ok(format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    ))
}

fn moment(seconds: i64) -> String {
    let time = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    time.strftime("%Y%m%d%H%M%SZ").to_string()
}

fn text_of_time(host: &dyn Host, given: &Value) -> Result<String, ModuleError> {
    let given = text(given).unwrap_or_default();
    match relative(&given) {
        Some(seconds) => Ok(moment((host.now() as i64).saturating_add(seconds))),
        None if given.len() == 15 && given.ends_with('Z') => Ok(given),
        None => Err(ModuleError::new(format!(
            "\"{given}\" is neither a time nor a time from now"
        ))),
    }
}

/// The parts of a name, in order.
fn names(said: &str, start: &str) -> Vec<(String, String)> {
    let lines = said.lines().skip_while(|line| !line.starts_with(start));
    let parts = lines.skip(1).take_while(|line| line.starts_with("    "));
    let pairs = parts.filter_map(|line| line.trim().split_once('='));
    pairs
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

fn key_type(algorithm: &str) -> &str {
    match algorithm {
        "rsaEncryption" => "RSA",
        "id-ecPublicKey" => "ECC",
        "dsaEncryption" => "DSA",
        "ED25519" => "Ed25519",
        "ED448" => "Ed448",
        other => other,
    }
}

/// The numbers of a public key; the large ones as texts, as they are beyond what JSON is read as.
fn key_data(said: &str, kind: &str) -> Value {
    let size = || {
        let line = after(said, "Public-Key: (")?;
        line.split(' ').next()?.parse::<i64>().ok()
    };
    match kind {
        "RSA" => {
            let exponent = after(said, "Exponent: ");
            let exponent = exponent.and_then(|text| text.split(' ').next()?.parse::<i64>().ok());
            json!({"size": size(), "exponent": exponent, "modulus": number(&hexadecimal(said, "Modulus:"))})
        }
        "ECC" => {
            let curve = after(said, "ASN1 OID: ").map(|curve| match curve.trim() {
                "prime256v1" => "secp256r1",
                "prime192v1" => "secp192r1",
                curve => curve,
            });
            let point = hexadecimal(said, "pub:");
            let half = point.len().saturating_sub(2) / 2;
            let part = |from: usize| point.get(from..from + half).map(number);
            json!({"curve": curve, "exponent_size": size(), "x": part(2), "y": part(2 + half)})
        }
        _ => json!({}),
    }
}

/// The digits of the lines that follow a heading, without their colons.
fn hexadecimal(said: &str, heading: &str) -> String {
    let lines = said.lines().skip_while(|line| line.trim() != heading);
    let is_digits = |line: &&str| {
        let line = line.trim();
        !line.is_empty() && line.chars().all(|c| c == ':' || c.is_ascii_hexdigit())
    };
    let lines = lines.skip(1).take_while(is_digits);
    lines
        .flat_map(|line| line.trim().chars().filter(|c| *c != ':'))
        .collect()
}

/// An alternative name as Ansible's module shows it.
fn shown(name: &str) -> String {
    let Some(address) = name.strip_prefix("IP Address:") else {
        return name.to_owned();
    };
    let parsed = address.parse::<std::net::Ipv6Addr>();
    match parsed {
        Ok(address) => format!("IP:{address}"),
        Err(_) => format!("IP:{address}"),
    }
}

fn of_extensions(said: &str) -> Map<String, Value> {
    let all = extensions(said);
    let mut values = Map::new();
    for (name, key) in [
        ("Key Usage", "key_usage"),
        ("Extended Key Usage", "extended_key_usage"),
        ("Basic Constraints", "basic_constraints"),
        ("Subject Alternative Name", "subject_alt_name"),
    ] {
        let lines = all.get(name);
        let critical =
            lines.is_some_and(|lines| lines[..].first().is_some_and(|line| line == "critical"));
        let entries = lines.map(|lines| {
            let lines = lines.iter().filter(|line| *line != "critical");
            let entries = lines.flat_map(|line| line.split(", "));
            let mut entries: Vec<String> = entries.map(shown).collect();
            if key.ends_with("usage") {
                entries.sort();
            }
            entries
        });
        values.insert(key.to_owned(), json!(entries));
        values.insert(format!("{key}_critical"), critical.into());
    }
    let identifier = |name: &str| {
        let line = all.get(name).and_then(|lines| lines.last().cloned());
        line.map(|line| line.trim_start_matches("keyid:").to_lowercase())
    };
    values.insert(
        "subject_key_identifier".to_owned(),
        identifier("Subject Key Identifier").into(),
    );
    values.insert(
        "authority_key_identifier".to_owned(),
        identifier("Authority Key Identifier").into(),
    );
    let staple = all
        .get("TLS Feature")
        .map(|lines| lines.iter().any(|line| line.contains("status_request")));
    values.insert("ocsp_must_staple".to_owned(), staple.into());
    let feature = all.get("TLS Feature").and_then(|lines| lines.first());
    let is_critical = feature.is_some_and(|line| line == "critical");
    values.insert("ocsp_must_staple_critical".to_owned(), is_critical.into());
    let link = |word: &str| {
        let lines = all
            .get("Authority Information Access")
            .cloned()
            .unwrap_or_default();
        let found = lines
            .iter()
            .find_map(|line| line.strip_prefix(word).map(str::to_owned));
        found.map(|rest| rest.trim_start_matches("URI:").to_owned())
    };
    values.insert("ocsp_uri".to_owned(), link("OCSP - ").into());
    values.insert("issuer_uri".to_owned(), link("CA Issuers - ").into());
    values
}
