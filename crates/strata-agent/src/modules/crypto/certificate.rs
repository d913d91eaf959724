//! `x509_certificate`: a certificate, signed by its own key or by an authority of ours.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    KEPT, Kept, KeySource, Scratch, There, after, content, existing, extensions, made, openssl,
};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, FileContent, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(in crate::modules) struct X509Certificate {
    kept: Kept,
    wish: Wish,
    return_content: bool,
}

/// A certificate as it shall be.
pub(super) struct Wish {
    key: KeySource,
    request: Option<Text>,
    authority: Option<(Text, KeySource)>,
    digest: String,
    not_before: String,
    not_after: String,
    subject_identifier: String,
    authority_identifier: bool,
    ignores_times: bool,
    pub(super) force: bool,
}

/// A text in a file, or as it is.
#[derive(Debug, Clone)]
struct Text {
    path: Option<String>,
    content: Option<String>,
}

/// The file, and a certificate as it shall be.
pub(in crate::modules) struct Found {
    there: There,
    new: String,
    is_due: bool,
}

const IDENTIFIERS: &[&str] = &["create_if_not_provided", "always_create", "never_create"];

/// What every certificate is made of.
pub(super) const CERTIFICATE: &[Field] = &[
    Field::str("csr_content"),
    Field::path("csr_path"),
    Field::bool("ignore_timestamps", true),
    Field::str("ownca_content"),
    Field::bool("ownca_create_authority_key_identifier", true),
    Field::str("ownca_create_subject_key_identifier")
        .choices(IDENTIFIERS)
        .default("create_if_not_provided"),
    Field::str("ownca_digest").default("sha256"),
    Field::str("ownca_not_after").default("+3650d"),
    Field::str("ownca_not_before").default("+0s"),
    Field::path("ownca_path"),
    Field::str("ownca_privatekey_content"),
    Field::str("ownca_privatekey_passphrase"),
    Field::path("ownca_privatekey_path"),
    Field::int("ownca_version").choices(&["3"]).default("3"),
    Field::str("privatekey_content"),
    Field::str("privatekey_passphrase"),
    Field::path("privatekey_path"),
    Field::str("selfsigned_create_subject_key_identifier")
        .choices(IDENTIFIERS)
        .default("create_if_not_provided"),
    Field::str("selfsigned_digest").default("sha256"),
    Field::str("selfsigned_not_after")
        .alias(&["selfsigned_notAfter"])
        .default("+3650d"),
    Field::str("selfsigned_not_before")
        .alias(&["selfsigned_notBefore"])
        .default("+0s"),
    Field::int("selfsigned_version")
        .choices(&["3"])
        .default("3"),
];

/// Each of these may be in a file, or in the task.
pub(super) const EXCLUSIVE: &[&[&str]] = &[
    &["csr_path", "csr_content"],
    &["privatekey_path", "privatekey_content"],
    &["ownca_path", "ownca_content"],
    &["ownca_privatekey_path", "ownca_privatekey_content"],
];

impl Module for X509Certificate {
    const SPEC: Spec = Spec::new(
        "community.crypto.x509_certificate",
        &[
            Field::path("path").required(),
            Field::str("provider").choices(&["acme", "ownca", "selfsigned"]),
            Field::unsupported("acme_accountkey_path"),
            Field::unsupported("acme_chain"),
            Field::unsupported("acme_challenge_path"),
            Field::fixed(
                "acme_directory",
                "https://acme-v02.api.letsencrypt.org/directory",
            ),
        ],
    )
    .with(KEPT)
    .and(CERTIFICATE)
    .with_file_attributes()
    .exclusive(EXCLUSIVE);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<X509Certificate, ModuleError> {
        let kept = Kept::read(arguments, 0o644)?;
        let provider = arguments.string("provider");
        if provider.as_deref() == Some("acme") {
            return Err(ModuleError::new(
                "`provider: acme` of `community.crypto.x509_certificate` is not supported by \
                 Strata yet",
            ));
        }
        if kept.present && provider.is_none() {
            return Err(ModuleError::new(
                "state is present but all of the following are missing: provider",
            ));
        }
        Ok(X509Certificate {
            kept,
            wish: Wish::read(arguments, provider.as_deref() == Some("ownca"))?,
            return_content: arguments.bool("return_content"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let mut found = Found {
            there: self.kept.observe(host)?,
            new: String::new(),
            is_due: false,
        };
        if self.kept.present {
            found.new = self.wish.generate(host)?;
            let fits = match &found.there.text {
                Some(text) => self.wish.fits(host, text, &found.new)?,
                None => false,
            };
            found.is_due = self.wish.force || !fits;
        }
        Ok(found)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let new = found
            .is_due
            .then(|| FileContent::Bytes(found.new.clone().into_bytes()));
        self.kept.changes(&found.there, new)
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let mut report = self.wish.described();
        report.insert("filename".to_owned(), self.kept.name());
        if !self.kept.present {
            return Ok(Report::of(report));
        }
        let text = match found.is_due {
            true => found.new.clone(),
            false => found.there.text.clone().unwrap_or_default(),
        };
        if !(outcome.check && found.is_due) {
            report.extend(times(host, &text)?);
        }
        content(&mut report, "certificate", self.return_content, Some(text));
        Ok(Report::of(report))
    }
}

impl Text {
    fn read(arguments: &Arguments, prefix: &str) -> Option<Text> {
        let path = arguments.string(&format!("{prefix}_path"));
        let content = arguments.string(&format!("{prefix}_content"));
        (path.is_some() || content.is_some()).then_some(Text { path, content })
    }

    fn load(&self, host: &dyn Host, what: &str) -> Result<String, ModuleError> {
        match (&self.content, &self.path) {
            (Some(content), _) => Ok(content.clone()),
            (None, path) => existing(host, path.as_deref().unwrap_or_default().as_ref(), what),
        }
    }
}

fn authority(arguments: &Arguments) -> Result<(Text, KeySource), ModuleError> {
    let certificate = Text::read(arguments, "ownca").ok_or_else(|| {
        ModuleError::new(
            "One of ownca_path and ownca_content must be specified for the ownca provider.",
        )
    })?;
    let key = KeySource::read(arguments, "ownca_");
    match key.is_given() {
        true => Ok((certificate, key)),
        false => Err(ModuleError::new(
            "One of ownca_privatekey_path and ownca_privatekey_content must be specified for the \
             ownca provider.",
        )),
    }
}

impl Wish {
    /// Signed by an authority of ours, or by the key itself.
    pub(super) fn read(arguments: &Arguments, by_authority: bool) -> Result<Wish, ModuleError> {
        let prefix = if by_authority { "ownca" } else { "selfsigned" };
        let text = |name: &str| arguments.text(&format!("{prefix}_{name}"));
        let identifies = arguments.bool("ownca_create_authority_key_identifier");
        Ok(Wish {
            key: KeySource::read(arguments, ""),
            request: Text::read(arguments, "csr"),
            authority: match by_authority {
                true => Some(authority(arguments)?),
                false => None,
            },
            digest: text("digest"),
            not_before: text("not_before"),
            not_after: text("not_after"),
            subject_identifier: text("create_subject_key_identifier"),
            authority_identifier: by_authority && identifies,
            ignores_times: arguments.bool("ignore_timestamps"),
            force: arguments.bool("force"),
        })
    }

    /// The files that it is made of.
    pub(super) fn described(&self) -> Map<String, Value> {
        let shown = |source: &KeySource| {
            let path = source.path.as_ref();
            path.map(|path| path.to_string_lossy().into_owned())
        };
        let request = self.request.as_ref().and_then(|text| text.path.clone());
        let mut report = values(json!({"privatekey": shown(&self.key), "csr": request}));
        if let Some((certificate, key)) = &self.authority {
            report.insert("ca_cert".to_owned(), certificate.path.clone().into());
            report.insert("ca_privatekey".to_owned(), shown(key).into());
        }
        report
    }

    /// Signs what is asked for, in a folder of our own.
    pub(super) fn generate(&self, host: &dyn Host) -> Result<String, ModuleError> {
        let scratch = Scratch::new(host)?;
        let request = self.request(host, &scratch)?;
        let provided = made(
            host,
            &openssl(&["req", "-noout", "-text"], None, Some(&request)),
            "The request cannot be read",
        )?;
        let request = scratch.put(host, "request", &request)?;
        scratch.put(host, "index", "")?;
        let config = self.config(&scratch, &extensions(&provided));
        let config = scratch.put(host, "config", &config)?;
        let (start, end) = (
            self.time(host, &self.not_before)?,
            self.time(host, &self.not_after)?,
        );
        let digest = self.digest.as_str();
        let mut words = vec![
            "ca",
            "-batch",
            "-notext",
            "-utf8",
            "-preserveDN",
            "-config",
            &config,
        ];
        words.extend(["-in", &request, "-rand_serial", "-md", digest]);
        words.extend(["-startdate", &start, "-enddate", &end, "-extensions", "ext"]);
        let (key, certificate);
        if let Some((own, of_own)) = &self.authority {
            key = scratch.put(host, "key", &of_own.load(host)?)?;
            certificate = scratch.put(host, "authority", &own.load(host, "CA certificate")?)?;
            words.extend(["-cert", &certificate]);
        } else {
            key = scratch.put(host, "key", &self.key.load(host)?)?;
            words.push("-selfsign");
        }
        words.extend(["-keyfile", &key]);
        let said = made(
            host,
            &openssl(&words, None, None),
            "The certificate cannot be made",
        )?;
        let at = said.find("-----BEGIN CERTIFICATE-----");
        let at = at.ok_or_else(|| ModuleError::new("openssl made no certificate"))?;
        Ok(said[at..].to_owned())
    }

    /// The request that is given, or one without a name for the private key.
    fn request(&self, host: &dyn Host, scratch: &Scratch) -> Result<String, ModuleError> {
        if let Some(request) = &self.request {
            return request.load(host, "certificate signing request");
        }
        if self.authority.is_some() {
            return Err(ModuleError::new(
                "csr_path or csr_content is required for provider \"ownca\"",
            ));
        }
        if !self.key.is_given() {
            return Err(ModuleError::new(
                "One of privatekey_path and privatekey_content must be specified for provider \
                 \"selfsigned\"",
            ));
        }
        let key = scratch.put(host, "requester", &self.key.load(host)?)?;
        let config = "[req]\nprompt = no\ndistinguished_name = dn\n[dn]\n";
        let config = scratch.put(host, "nameless", config)?;
        let words = [
            "req", "-new", "-config", &config, "-subj", "/", "-key", &key,
        ];
        made(
            host,
            &openssl(&words, None, None),
            "The request cannot be made",
        )
    }

    fn config(&self, scratch: &Scratch, provided: &BTreeMap<String, Vec<String>>) -> String {
        let (index, folder) = (scratch.path("index"), scratch.path(""));
        let mut text = format!(
            "[ca]\ndefault_ca = own\n[own]\ndatabase = {index}\nnew_certs_dir = {folder}\n\
             unique_subject = no\nrand_serial = yes\npolicy = any\ncopy_extensions = copyall\n[any]\n\
             countryName = optional\nstateOrProvinceName = optional\nlocalityName = optional\n\
             organizationName = optional\norganizationalUnitName = optional\n\
             commonName = optional\nemailAddress = optional\n[ext]\n"
        );
        let has = |name: &str| provided.contains_key(name);
        let creates = match self.subject_identifier.as_str() {
            "never_create" => false,
            "always_create" => true,
            _ => !has("Subject Key Identifier"),
        };
        text.push_str(match creates {
            true => "subjectKeyIdentifier = hash\n",
            false => "subjectKeyIdentifier = none\n",
        });
        let by_authority = self.authority_identifier && !has("Authority Key Identifier");
        text.push_str(match by_authority {
            true => "authorityKeyIdentifier = keyid\n",
            false => "authorityKeyIdentifier = none\n",
        });
        text
    }

    /// A time as it is given (`20301231235959Z`), or so long from now (`+52w3d`).
    fn time(&self, host: &dyn Host, given: &str) -> Result<String, ModuleError> {
        let now = host.now() as i64;
        let wrong =
            || ModuleError::new(format!("\"{given}\" is neither a time nor a time from now"));
        let at = match relative(given) {
            Some(seconds) => now.checked_add(seconds).ok_or_else(wrong)?,
            None if given.ends_with('Z') && given.len() == 15 => return Ok(given.to_owned()),
            None => return Err(wrong()),
        };
        let at = jiff::Timestamp::from_second(at).map_err(|_| wrong())?;
        Ok(at.strftime("%Y%m%d%H%M%SZ").to_string())
    }

    /// Whether a certificate says what a new one would, and is signed as it.
    pub(super) fn fits(&self, host: &dyn Host, old: &str, new: &str) -> Result<bool, ModuleError> {
        let (Some(is), Some(shall)) = (essence(host, old)?, essence(host, new)?) else {
            return Ok(false);
        };
        if is.said != shall.said || !self.is_signed(host, old)? {
            return Ok(false);
        }
        let is_absolute = |given: &str| relative(given).is_none();
        let times = [
            (&self.not_before, &is.not_before, &shall.not_before),
            (&self.not_after, &is.not_after, &shall.not_after),
        ];
        let mut times = times.iter();
        Ok(
            self.ignores_times
                || times.all(|(given, is, shall)| !is_absolute(given) || is == shall),
        )
    }

    fn is_signed(&self, host: &dyn Host, certificate: &str) -> Result<bool, ModuleError> {
        let scratch = Scratch::new(host)?;
        let by = match &self.authority {
            Some((own, _)) => own.load(host, "CA certificate")?,
            None => certificate.to_owned(),
        };
        let by = scratch.put(host, "by", &by)?;
        let words = ["verify", "-partial_chain", "-no_check_time", "-CAfile", &by];
        let said = host.run(&openssl(&words, None, Some(certificate)))?;
        // The signature alone counts: what the certificate is good for is not asked here.
        Ok(said.status == 0 || !said.stderr.contains("signature failure"))
    }
}

/// Seconds from now for `+1w2d3h4m5s`.
pub(super) fn relative(given: &str) -> Option<i64> {
    let (sign, mut rest) = match given.as_bytes().first()? {
        b'+' => (1, &given[1..]),
        b'-' => (-1, &given[1..]),
        _ => return None,
    };
    let mut total: i64 = 0;
    while !rest.is_empty() {
        let at = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..at].parse().ok()?;
        let unit = match rest[at..].chars().next()? {
            'w' | 'W' => 604_800,
            'd' | 'D' => 86_400,
            'h' | 'H' => 3_600,
            'm' | 'M' => 60,
            's' | 'S' => 1,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[at + 1..];
    }
    Some(sign * total)
}

/// What is compared of a certificate.
struct Essence {
    said: (String, String, String, BTreeMap<String, Vec<String>>),
    not_before: String,
    not_after: String,
}

fn essence(host: &dyn Host, certificate: &str) -> Result<Option<Essence>, ModuleError> {
    let words = [
        "x509", "-noout", "-text", "-pubkey", "-subject", "-issuer", "-dates", "-nameopt",
        "RFC2253",
    ];
    let said = host.run(&openssl(&words, None, Some(certificate)))?;
    if said.status != 0 {
        return Ok(None);
    }
    let field = |start: &str| after(&said.stdout, start).unwrap_or_default().to_owned();
    let key = said
        .stdout
        .lines()
        .skip_while(|line| !line.starts_with("-----BEGIN PUBLIC"));
    let key = key
        .take_while(|line| !line.starts_with("-----END"))
        .collect();
    Ok(Some(Essence {
        said: (
            field("subject="),
            field("issuer="),
            key,
            extensions(&said.stdout),
        ),
        not_before: field("notBefore="),
        not_after: field("notAfter="),
    }))
}

/// When a certificate is good, and its number.
pub(super) fn times(host: &dyn Host, certificate: &str) -> Result<Map<String, Value>, ModuleError> {
    let words = [
        "x509", "-noout", "-serial", "-dates", "-dateopt", "iso_8601",
    ];
    let said = made(
        host,
        &openssl(&words, None, Some(certificate)),
        "The certificate cannot be read",
    )?;
    let time = |start: &str| {
        let text = after(&said, start).unwrap_or_default();
        text.replace(['-', ':', ' '], "")
    };
    let digits = after(&said, "serial=").unwrap_or_default();
    Ok(values(json!({
        "notBefore": time("notBefore="), "notAfter": time("notAfter="),
        "serial_number": number(digits),
    })))
}

/// A number of up to twenty bytes, as JSON can hold it: exact to 64 bits, else as its digits.
pub(super) fn number(digits: &str) -> Value {
    match u64::from_str_radix(digits, 16) {
        Ok(number) => number.into(),
        Err(_) => decimal(digits).into(),
    }
}

/// The decimal digits of a hexadecimal number of any length.
fn decimal(digits: &str) -> String {
    let mut decimal: Vec<u32> = vec![0];
    for digit in digits.chars().filter_map(|c| c.to_digit(16)) {
        let mut carry = digit;
        for place in &mut decimal {
            let value = *place * 16 + carry;
            *place = value % 10;
            carry = value / 10;
        }
        while carry > 0 {
            decimal.push(carry % 10);
            carry /= 10;
        }
    }
    decimal.iter().rev().map(u32::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_from_now_have_units() {
        assert_eq!(relative("+3650d"), Some(315_360_000));
        assert_eq!(
            relative("-1w2d3h4m5s"),
            Some(-(604_800 + 172_800 + 10_800 + 240 + 5))
        );
        assert_eq!(relative("20300101000000Z"), None);
        assert_eq!(relative("+3x"), None);
    }

    #[test]
    fn long_numbers_keep_their_digits() {
        assert_eq!(number("FF"), json!(255));
        assert_eq!(decimal("FFFFFFFFFFFFFFFFFF"), "4722366482869645213695");
    }
}
