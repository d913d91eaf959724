//! Reading certificates and requests: names and numbers as Go writes them.

use strata_provider::Schema;
use x509_parser::{
    certificate::X509Certificate,
    extensions::{GeneralName, ParsedExtension},
    oid_registry::Oid,
    prelude::FromDer,
    public_key::PublicKey,
    x509::{X509Name, X509Version},
};

use super::pem;
use crate::{decimal::decimal, digests::sha1};

/// One certificate.
#[derive(Clone, Default, Schema)]
pub(crate) struct CertificateFacts {
    /// Who signed it.
    issuer: String,
    /// Who it is about.
    subject: String,
    /// Whether it is an authority's.
    is_ca: bool,
    /// The version of its form.
    version: i64,
    /// Its serial number, in decimal.
    serial_number: String,
    /// The algorithm of the key in it.
    public_key_algorithm: String,
    /// The algorithm of its signature.
    signature_algorithm: String,
    /// When it begins.
    not_before: String,
    /// When it ends.
    not_after: String,
    /// The SHA-1 of the certificate in hexadecimal.
    sha1_fingerprint: String,
    /// The SHA-1 of its public key in hexadecimal.
    public_key_fingerprint_sha1: String,
    /// The certificate in PEM.
    cert_pem: String,
}

/// Reads a certificate in DER.
pub(super) fn facts(der: &[u8]) -> Option<CertificateFacts> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let time = |seconds: i64| {
        let at = jiff::Timestamp::from_second(seconds).ok()?;
        Some(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    };
    Some(CertificateFacts {
        issuer: name(certificate.issuer()),
        subject: name(certificate.subject()),
        is_ca: certificate.is_ca(),
        version: match certificate.version() {
            X509Version(version) => i64::from(version) + 1,
        },
        serial_number: decimal(certificate.raw_serial()),
        public_key_algorithm: match certificate.public_key().parsed() {
            Ok(PublicKey::RSA(_)) => "RSA",
            Ok(PublicKey::EC(_)) => "ECDSA",
            Ok(PublicKey::DSA(_)) => "DSA",
            _ if certificate.public_key().algorithm.algorithm.to_id_string() == "1.3.101.112" => {
                "Ed25519"
            }
            _ => "Unknown",
        }
        .to_owned(),
        signature_algorithm: signature(&certificate.signature_algorithm.algorithm).to_owned(),
        not_before: time(certificate.validity().not_before.timestamp())?,
        not_after: time(certificate.validity().not_after.timestamp())?,
        sha1_fingerprint: sha1(der),
        public_key_fingerprint_sha1: sha1(certificate.public_key().raw),
        cert_pem: pem::encode("CERTIFICATE", der),
    })
}

/// A signature's algorithm as Go names it.
fn signature(algorithm: &Oid<'_>) -> &'static str {
    match algorithm.to_id_string().as_str() {
        "1.2.840.113549.1.1.4" => "MD5-RSA",
        "1.2.840.113549.1.1.5" => "SHA1-RSA",
        "1.2.840.113549.1.1.11" => "SHA256-RSA",
        "1.2.840.113549.1.1.12" => "SHA384-RSA",
        "1.2.840.113549.1.1.13" => "SHA512-RSA",
        "1.2.840.113549.1.1.10" => "SHA256-RSAPSS",
        "1.2.840.10045.4.1" => "ECDSA-SHA1",
        "1.2.840.10045.4.3.2" => "ECDSA-SHA256",
        "1.2.840.10045.4.3.3" => "ECDSA-SHA384",
        "1.2.840.10045.4.3.4" => "ECDSA-SHA512",
        "1.3.101.112" => "Ed25519",
        _ => "0",
    }
}

/// A name as Go writes it: the last part first, with `+` within a part and `,` between.
fn name(name: &X509Name<'_>) -> String {
    let mut parts: Vec<String> = name
        .iter_rdn()
        .map(|part| {
            let values = part.iter().map(|attribute| {
                let kind = attribute.attr_type().to_id_string();
                let value = attribute.as_str().unwrap_or_default();
                format!("{}={}", short(&kind), escaped(value))
            });
            values.collect::<Vec<_>>().join("+")
        })
        .collect();
    parts.reverse();
    parts.join(",")
}

/// The short name of a part of a name, where it has one.
fn short(kind: &str) -> &str {
    match kind {
        "2.5.4.6" => "C",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.3" => "CN",
        "2.5.4.5" => "SERIALNUMBER",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "STREET",
        "2.5.4.17" => "POSTALCODE",
        other => other,
    }
}

fn escaped(value: &str) -> String {
    let last = value.chars().count().saturating_sub(1);
    let mut text = String::new();
    for (at, c) in value.chars().enumerate() {
        let edge = (at == 0 && (c == ' ' || c == '#')) || (at == last && c == ' ');
        if edge || ",+\"\\<>;".contains(c) {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

/// A request, read: what it asks to be certified.
pub(super) struct Request {
    /// The distinguished name, in DER.
    pub(super) subject: Vec<u8>,
    /// `SubjectPublicKeyInfo`, in DER.
    pub(super) public_key: Vec<u8>,
    pub(super) dns_names: Vec<String>,
    pub(super) ip_addresses: Vec<String>,
    pub(super) uris: Vec<String>,
}

/// Reads a request in DER whose signature is right; none else.
pub(super) fn request(der: &[u8]) -> Option<Request> {
    use x509_parser::certification_request::X509CertificationRequest;
    let (_, request) = X509CertificationRequest::from_der(der).ok()?;
    request.verify_signature().ok()?;
    let info = &request.certification_request_info;
    let mut read = Request {
        subject: info.subject.as_raw().to_vec(),
        public_key: info.subject_pki.raw.to_vec(),
        dns_names: Vec::new(),
        ip_addresses: Vec::new(),
        uris: Vec::new(),
    };
    for extension in request.requested_extensions().into_iter().flatten() {
        if let ParsedExtension::SubjectAlternativeName(names) = extension {
            names.general_names.iter().for_each(|name| read.add(name));
        }
    }
    Some(read)
}

impl Request {
    fn add(&mut self, name: &GeneralName<'_>) {
        match name {
            GeneralName::DNSName(name) => self.dns_names.push((*name).to_owned()),
            GeneralName::URI(uri) => self.uris.push((*uri).to_owned()),
            GeneralName::IPAddress(bytes) => {
                let v4 = <[u8; 4]>::try_from(*bytes).map(std::net::IpAddr::from);
                let v6 = <[u8; 16]>::try_from(*bytes).map(std::net::IpAddr::from);
                self.ip_addresses
                    .extend(v4.or(v6).ok().map(|address| address.to_string()));
            }
            _ => {}
        }
    }
}

/// A signer, read: who it is and which key it has.
pub(super) struct Signer {
    /// The distinguished name, in DER.
    pub(super) subject: Vec<u8>,
    /// `SubjectPublicKeyInfo`, in DER.
    pub(super) public_key: Vec<u8>,
    pub(super) key_id: Option<Vec<u8>>,
}

/// Reads a signer's certificate in DER.
pub(super) fn signer(der: &[u8]) -> Option<Signer> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let key_id =
        certificate
            .extensions()
            .iter()
            .find_map(|extension| match extension.parsed_extension() {
                ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
                _ => None,
            });
    Some(Signer {
        subject: certificate.subject().as_raw().to_vec(),
        public_key: certificate.public_key().raw.to_vec(),
        key_id,
    })
}

/// The content of the first block of a kind in PEM.
pub(super) fn block(text: &str, labels: &[&str]) -> Option<Vec<u8>> {
    let blocks = pem::decode(text).into_iter();
    blocks
        .into_iter()
        .find(|(label, _)| labels.contains(&label.as_str()))
        .map(|(_, bytes)| bytes)
}
