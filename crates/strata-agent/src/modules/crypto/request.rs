//! `openssl_csr`: a request for a certificate.

use serde_json::{Map, Value, json};

use super::{KEPT, Kept, KeySource, Scratch, There, content, extensions, made, openssl};
use crate::arguments::{Arguments, Field, FieldKind, Spec, text};
use crate::change::{Change, FileContent, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(in crate::modules) struct OpensslCsr {
    kept: Kept,
    wish: Wish,
    force: bool,
    return_content: bool,
}

/// What a request shall say.
pub(super) struct Wish {
    key: KeySource,
    subject: Vec<(String, String)>,
    names: Vec<String>,
    /// Name, whether it is critical, value as the configuration of `openssl` has it.
    extensions: Vec<(&'static str, bool, String)>,
    digest: String,
    shown: Map<String, Value>,
}

/// The file, and a request as it shall be.
pub(in crate::modules) struct Found {
    there: There,
    new: String,
    is_due: bool,
}

const SUBJECT: &[(&str, &str)] = &[
    ("country_name", "C"),
    ("state_or_province_name", "ST"),
    ("locality_name", "L"),
    ("organization_name", "O"),
    ("organizational_unit_name", "OU"),
    ("common_name", "CN"),
    ("email_address", "emailAddress"),
];

/// What a request says, as arguments.
pub(super) const REQUEST: &[Field] = &[
    Field::unsupported("authority_cert_issuer"),
    Field::unsupported("authority_cert_serial_number"),
    Field::str("authority_key_identifier"),
    Field::list("basic_constraints").alias(&["basicConstraints"]),
    Field::bool("basic_constraints_critical", false).alias(&["basicConstraints_critical"]),
    Field::str("common_name").alias(&["CN", "commonName"]),
    Field::str("country_name").alias(&["C", "countryName"]),
    Field::bool("create_subject_key_identifier", false),
    Field::unsupported("crl_distribution_points"),
    Field::str("digest").default("sha256"),
    Field::str("email_address").alias(&["E", "emailAddress"]),
    Field::list("extended_key_usage").alias(&["extKeyUsage", "extendedKeyUsage"]),
    Field::bool("extended_key_usage_critical", false)
        .alias(&["extKeyUsage_critical", "extendedKeyUsage_critical"]),
    Field::list("key_usage").alias(&["keyUsage"]),
    Field::bool("key_usage_critical", false).alias(&["keyUsage_critical"]),
    Field::str("locality_name").alias(&["L", "localityName"]),
    Field::bool("name_constraints_critical", false),
    Field::list("name_constraints_excluded"),
    Field::list("name_constraints_permitted"),
    Field::bool("ocsp_must_staple", false).alias(&["ocspMustStaple"]),
    Field::bool("ocsp_must_staple_critical", false).alias(&["ocspMustStaple_critical"]),
    Field::str("organization_name").alias(&["O", "organizationName"]),
    Field::str("organizational_unit_name").alias(&["OU", "organizationalUnitName"]),
    Field::str("privatekey_content"),
    Field::str("privatekey_passphrase"),
    Field::path("privatekey_path"),
    Field::str("state_or_province_name").alias(&["ST", "stateOrProvinceName"]),
    Field::new("subject", FieldKind::Dict),
    Field::list("subject_alt_name").alias(&["subjectAltName"]),
    Field::bool("subject_alt_name_critical", false).alias(&["subjectAltName_critical"]),
    Field::str("subject_key_identifier"),
    Field::new("subject_ordered", FieldKind::Raw),
    Field::bool("use_common_name_for_san", true).alias(&["useCommonNameForSAN"]),
    Field::int("version").choices(&["1"]).default("1"),
];

impl Module for OpensslCsr {
    const SPEC: Spec = Spec::new(
        "community.crypto.openssl_csr",
        &[Field::path("path").required()],
    )
    .with(REQUEST)
    .and(KEPT)
    .with_file_attributes()
    .exclusive(&[
        &["privatekey_path", "privatekey_content"],
        &["subject", "subject_ordered"],
    ]);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<OpensslCsr, ModuleError> {
        let wish = Wish::read(arguments)?;
        let kept = Kept::read(arguments, 0o644)?;
        if kept.present && !wish.key.is_given() {
            return Err(ModuleError::new(
                "state is present but any of the following are missing: privatekey_path, \
                 privatekey_content",
            ));
        }
        Ok(OpensslCsr {
            kept,
            wish,
            force: arguments.bool("force"),
            return_content: arguments.bool("return_content"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let there = self.kept.observe(host)?;
        let (mut new, mut is_due) = (String::new(), false);
        if self.kept.present {
            new = self.wish.generate(host)?;
            let same = match &there.text {
                Some(text) => is_same(host, text, &new)?,
                None => false,
            };
            is_due = self.force || !same;
        }
        Ok(Found { there, new, is_due })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let new = found
            .is_due
            .then(|| FileContent::Bytes(found.new.clone().into_bytes()));
        self.kept.changes(&found.there, new)
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let mut report = self.wish.described();
        report.insert("filename".to_owned(), self.kept.name());
        let text = match found.is_due {
            true => Some(found.new.clone()),
            false => found.there.text.clone(),
        };
        content(
            &mut report,
            "csr",
            self.return_content && self.kept.present,
            text,
        );
        Ok(Report::of(report))
    }
}

impl Wish {
    pub(super) fn read(arguments: &Arguments) -> Result<Wish, ModuleError> {
        let subject = subject(arguments);
        let names = names(arguments, &subject);
        Ok(Wish {
            key: KeySource::read(arguments, ""),
            extensions: wanted(arguments)?,
            digest: arguments.text("digest"),
            shown: shown(arguments, &subject, &names),
            subject,
            names,
        })
    }

    /// What was asked for, as the modules return it.
    pub(super) fn described(&self) -> Map<String, Value> {
        let key = self.key.path.as_ref().map(|path| path.to_string_lossy());
        let mut described = values(json!({"privatekey": key}));
        described.extend(self.shown.clone());
        described
    }

    /// Makes the request.
    pub(super) fn generate(&self, host: &dyn Host) -> Result<String, ModuleError> {
        let scratch = Scratch::new(host)?;
        let key = scratch.put(host, "key", &self.key.load(host)?)?;
        let config = scratch.put(host, "config", &self.config())?;
        let digest = format!("-{}", self.digest);
        let mut words = vec!["req", "-new", "-utf8", "-config", &config];
        words.extend(["-key", &key, &digest]);
        if self.subject.is_empty() {
            words.extend(["-subj", "/"]);
        }
        made(
            host,
            &openssl(&words, None, None),
            "The request cannot be made",
        )
    }

    /// The request in the words of a configuration.
    fn config(&self) -> String {
        let mut text =
            "[req]\nprompt = no\nstring_mask = utf8only\ndistinguished_name = dn\n".to_owned();
        let has_extensions = !self.extensions.is_empty() || !self.names.is_empty();
        if has_extensions {
            text.push_str("req_extensions = ext\n");
        }
        text.push_str("[dn]\n");
        for (at, (name, value)) in self.subject.iter().enumerate() {
            text.push_str(&format!("{at}.{name} = {}\n", escaped(value)));
        }
        if has_extensions {
            text.push_str("[ext]\n");
        }
        for (name, critical, value) in &self.extensions {
            let critical = if *critical { "critical," } else { "" };
            text.push_str(&format!("{name} = {critical}{value}\n"));
        }
        if !self.names.is_empty() {
            let critical = self.shown.get("san_critical") == Some(&Value::Bool(true));
            let critical = if critical { "critical," } else { "" };
            text.push_str(&format!("subjectAltName = {critical}@names\n[names]\n"));
        }
        for (at, name) in self.names.iter().enumerate() {
            let (kind, value) = name.split_once(':').unwrap_or(("DNS", name));
            text.push_str(&format!("{kind}.{at} = {}\n", escaped(value)));
        }
        text
    }
}

/// A value that the configuration's reader takes as it is.
fn escaped(value: &str) -> String {
    let mut escaped = String::new();
    for c in value.chars().filter(|c| !matches!(c, '\n' | '\r')) {
        if matches!(c, '\\' | '$' | '#' | '"' | '\'') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

fn subject(arguments: &Arguments) -> Vec<(String, String)> {
    let mut subject: Vec<(String, String)> = Vec::new();
    let plain = SUBJECT.iter().filter_map(|(argument, name)| {
        let value = arguments.string(argument)?;
        Some(((*name).to_owned(), value))
    });
    subject.extend(plain);
    let mut add = |map: &Map<String, Value>| {
        for (name, value) in map {
            let values: Vec<String> = match value {
                Value::Array(values) => values.iter().filter_map(text).collect(),
                value => text(value).into_iter().collect(),
            };
            subject.extend(values.into_iter().map(|value| (name.clone(), value)));
        }
    };
    if let Some(map) = arguments.raw("subject").and_then(Value::as_object) {
        add(map);
    }
    let ordered = arguments.raw("subject_ordered").and_then(Value::as_array);
    for map in ordered.into_iter().flatten().filter_map(Value::as_object) {
        add(map);
    }
    subject
}

/// The names that the request is for: those given, or else the common name.
fn names(arguments: &Arguments, subject: &[(String, String)]) -> Vec<String> {
    if let Some(names) = arguments.list("subject_alt_name") {
        return names;
    }
    let common = subject
        .iter()
        .find(|(name, _)| matches!(name.as_str(), "CN" | "commonName"));
    let common = common.filter(|_| arguments.bool("use_common_name_for_san"));
    common
        .map(|(_, value)| format!("DNS:{value}"))
        .into_iter()
        .collect()
}

fn shown(
    arguments: &Arguments,
    subject: &[(String, String)],
    names: &[String],
) -> Map<String, Value> {
    let pairs: Vec<Value> = subject
        .iter()
        .map(|(name, value)| json!([name, value]))
        .collect();
    let list = |name: &str| json!(arguments.list(name));
    values(json!({
        "subject": pairs,
        "subjectAltName": if names.is_empty() { Value::Null } else { json!(names) },
        "keyUsage": list("key_usage"),
        "extendedKeyUsage": list("extended_key_usage"),
        "basicConstraints": list("basic_constraints"),
        "ocspMustStaple": arguments.bool("ocsp_must_staple"),
        "name_constraints_permitted": arguments.list("name_constraints_permitted").unwrap_or_default(),
        "name_constraints_excluded": arguments.list("name_constraints_excluded").unwrap_or_default(),
        "san_critical": arguments.bool("subject_alt_name_critical"),
    }))
}

/// The extensions beside the names, in a configuration's words.
fn wanted(arguments: &Arguments) -> Result<Vec<(&'static str, bool, String)>, ModuleError> {
    let mut all = Vec::new();
    for (argument, critical, name) in [
        ("key_usage", "key_usage_critical", "keyUsage"),
        (
            "extended_key_usage",
            "extended_key_usage_critical",
            "extendedKeyUsage",
        ),
        (
            "basic_constraints",
            "basic_constraints_critical",
            "basicConstraints",
        ),
    ] {
        if let Some(words) = arguments.list(argument).filter(|words| !words.is_empty()) {
            let words = words.join(",").replace("pathLenConstraint", "pathlen");
            all.push((name, arguments.bool(critical), words));
        }
    }
    let mut constraints = Vec::new();
    for (argument, word) in [
        ("name_constraints_permitted", "permitted"),
        ("name_constraints_excluded", "excluded"),
    ] {
        let names = arguments.list(argument).unwrap_or_default();
        constraints.extend(names.iter().map(|name| format!("{word};{name}")));
    }
    if !constraints.is_empty() {
        let critical = arguments.bool("name_constraints_critical");
        all.push(("nameConstraints", critical, constraints.join(",")));
    }
    if arguments.bool("ocsp_must_staple") {
        let critical = arguments.bool("ocsp_must_staple_critical");
        all.push(("tlsfeature", critical, "status_request".to_owned()));
    }
    let own = arguments.string("subject_key_identifier");
    match own {
        Some(digits) => all.push(("subjectKeyIdentifier", false, digits.replace(':', ""))),
        None if arguments.bool("create_subject_key_identifier") => {
            all.push(("subjectKeyIdentifier", false, "hash".to_owned()));
        }
        None => {}
    }
    if let Some(digits) = arguments.string("authority_key_identifier") {
        all.push(("authorityKeyIdentifier", false, authority(&digits)?));
    }
    Ok(all)
}

/// The identifier of an authority's key as the bytes of its extension: `openssl` has no word for it.
fn authority(digits: &str) -> Result<String, ModuleError> {
    let digits = digits.replace(':', "");
    let count = digits.len() / 2;
    let is_hex = digits.bytes().all(|c| c.is_ascii_hexdigit()) && digits.len().is_multiple_of(2);
    if !is_hex || count == 0 || count > 120 {
        return Err(ModuleError::new(
            "Cannot parse authority_key_identifier: it must be pairs of hexadecimal digits",
        ));
    }
    Ok(format!("DER:30{:02x}80{count:02x}{digits}", count + 2))
}

/// Whether two requests ask for the same with the same key.
pub(super) fn is_same(host: &dyn Host, old: &str, new: &str) -> Result<bool, ModuleError> {
    Ok(match (essence(host, old)?, essence(host, new)?) {
        (Some(old), Some(new)) => old == new,
        _ => false,
    })
}

type Essence = (
    Vec<String>,
    String,
    std::collections::BTreeMap<String, Vec<String>>,
);

/// What a request says: its subject, in no order, its key, its extensions. `None` for no request.
fn essence(host: &dyn Host, request: &str) -> Result<Option<Essence>, ModuleError> {
    let words = [
        "req",
        "-noout",
        "-text",
        "-pubkey",
        "-subject",
        "-verify",
        "-nameopt",
        "multiline,utf8,-esc_msb",
    ];
    let said = host.run(&openssl(&words, None, Some(request)))?;
    if said.status != 0 {
        return Ok(None);
    }
    let lines = said
        .stdout
        .lines()
        .skip_while(|line| !line.starts_with("subject="));
    let subject = lines.skip(1).take_while(|line| line.starts_with("    "));
    let mut subject: Vec<String> = subject.map(|line| line.trim().to_owned()).collect();
    subject.sort();
    let key = said
        .stdout
        .lines()
        .skip_while(|line| !line.starts_with("-----BEGIN PUBLIC"));
    let key = key
        .take_while(|line| !line.starts_with("-----END"))
        .collect();
    Ok(Some((subject, key, extensions(&said.stdout))))
}
