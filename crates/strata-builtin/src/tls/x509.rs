//! Certificates and requests (RFC 5280, RFC 2986), with the extensions in the order in which Go writes them.

use jiff::{Timestamp, tz::TimeZone};
use sha1::{Digest, Sha1};
use strata_core::Diagnostics;

use super::{
    der::{bits, context, context_bytes, integer, octets, oid, sequence, tagged, yes},
    key::PrivateKey,
};

/// What goes into a certificate.
pub(super) struct Certificate {
    pub(super) serial: Vec<u8>,
    /// The distinguished names, in DER.
    pub(super) issuer: Vec<u8>,
    pub(super) subject: Vec<u8>,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    /// `SubjectPublicKeyInfo`, in DER.
    pub(super) public_key: Vec<u8>,
    pub(super) extensions: Vec<Vec<u8>>,
}

/// The uses that are a bit of the key usage extension, each with its bit.
const KEY_USAGES: [(&str, u8); 9] = [
    ("digital_signature", 0),
    ("content_commitment", 1),
    ("key_encipherment", 2),
    ("data_encipherment", 3),
    ("key_agreement", 4),
    ("cert_signing", 5),
    ("crl_signing", 6),
    ("encipher_only", 7),
    ("decipher_only", 8),
];

/// The uses that have a name of their own in the extended key usage extension.
const EXTENDED_KEY_USAGES: [(&str, &[u64]); 14] = [
    ("any_extended", &[2, 5, 29, 37, 0]),
    ("server_auth", &[1, 3, 6, 1, 5, 5, 7, 3, 1]),
    ("client_auth", &[1, 3, 6, 1, 5, 5, 7, 3, 2]),
    ("code_signing", &[1, 3, 6, 1, 5, 5, 7, 3, 3]),
    ("email_protection", &[1, 3, 6, 1, 5, 5, 7, 3, 4]),
    ("ipsec_end_system", &[1, 3, 6, 1, 5, 5, 7, 3, 5]),
    ("ipsec_tunnel", &[1, 3, 6, 1, 5, 5, 7, 3, 6]),
    ("ipsec_user", &[1, 3, 6, 1, 5, 5, 7, 3, 7]),
    ("timestamping", &[1, 3, 6, 1, 5, 5, 7, 3, 8]),
    ("ocsp_signing", &[1, 3, 6, 1, 5, 5, 7, 3, 9]),
    (
        "microsoft_server_gated_crypto",
        &[1, 3, 6, 1, 4, 1, 311, 10, 3, 3],
    ),
    (
        "netscape_server_gated_crypto",
        &[2, 16, 840, 1, 113730, 4, 1],
    ),
    (
        "microsoft_commercial_code_signing",
        &[1, 3, 6, 1, 4, 1, 311, 2, 1, 22],
    ),
    (
        "microsoft_kernel_code_signing",
        &[1, 3, 6, 1, 4, 1, 311, 61, 1, 1],
    ),
];

/// The extensions of a certificate by the last number of their name: all begin with 2.5.29.
#[derive(Clone, Copy)]
#[repr(u64)]
pub(super) enum Extension {
    SubjectKeyId = 14,
    KeyUsage = 15,
    AlternativeNames = 17,
    BasicConstraints = 19,
    NameConstraints = 30,
    AuthorityKeyId = 35,
    ExtendedKeyUsage = 37,
}

/// An extension; `content` is in DER.
pub(super) fn extension(kind: Extension, critical: bool, content: &[u8]) -> Vec<u8> {
    let mut parts = vec![oid(&[2, 5, 29, kind as u64])];
    if critical {
        parts.push(yes());
    }
    parts.push(octets(content));
    sequence(&parts)
}

/// The extensions that say what a key may be used for; none for what is not asked for.
pub(super) fn usages(uses: &[String]) -> Vec<Vec<u8>> {
    let is_asked = |name: &str| uses.iter().any(|wanted| wanted == name);
    let set: Vec<u8> = KEY_USAGES
        .iter()
        .filter(|(name, _)| is_asked(name))
        .map(|(_, bit)| *bit)
        .collect();
    let names = EXTENDED_KEY_USAGES.iter();
    let extended: Vec<Vec<u8>> = names
        .filter(|(name, _)| is_asked(name))
        .map(|(_, name)| oid(name))
        .collect();
    let mut extensions = Vec::new();
    if !set.is_empty() {
        extensions.push(extension(Extension::KeyUsage, true, &named_bits(&set)));
    }
    if !extended.is_empty() {
        extensions.push(extension(
            Extension::ExtendedKeyUsage,
            false,
            &sequence(&extended),
        ));
    }
    extensions
}

/// True if there is a use of this name.
pub(super) fn is_use(name: &str) -> bool {
    KEY_USAGES.iter().any(|(known, _)| *known == name)
        || EXTENDED_KEY_USAGES.iter().any(|(known, _)| *known == name)
}

/// A bit string that ends with its last bit set.
fn named_bits(set: &[u8]) -> Vec<u8> {
    let last = set.iter().max().copied().unwrap_or(0);
    let mut bytes = vec![0_u8; usize::from(last / 8) + 1];
    for bit in set {
        bytes[usize::from(bit / 8)] |= 0x80 >> (bit % 8);
    }
    tagged(0x03, &[&[7 - last % 8], bytes.as_slice()].concat())
}

/// The extension that says whether this is an authority, and how long its chains may be.
pub(super) fn basic_constraints(is_authority: bool, max_path_length: Option<u32>) -> Vec<u8> {
    let mut parts = Vec::new();
    if is_authority {
        parts.push(yes());
        parts.extend(max_path_length.map(|length| integer(&length.to_be_bytes())));
    }
    extension(Extension::BasicConstraints, true, &sequence(&parts))
}

/// The id of a key: the SHA-1 of the bits of its `SubjectPublicKeyInfo`.
pub(super) fn key_id(public_key: &[u8]) -> Vec<u8> {
    let bits = yasna::parse_der(public_key, |reader| {
        reader.read_sequence(|reader| {
            reader.next().read_der()?;
            Ok(reader.next().read_bitvec_bytes()?.0)
        })
    });
    Sha1::digest(bits.unwrap_or_default()).to_vec()
}

/// The extension with a key's id.
pub(super) fn subject_key_id(id: &[u8]) -> Vec<u8> {
    extension(Extension::SubjectKeyId, false, &octets(id))
}

/// The extension with the id of the key that signs.
pub(super) fn authority_key_id(id: &[u8]) -> Vec<u8> {
    extension(
        Extension::AuthorityKeyId,
        false,
        &sequence(&[context_bytes(0, id)]),
    )
}

/// A certificate in DER, signed.
pub(super) fn certificate(
    certificate: &Certificate,
    key: &PrivateKey,
) -> Result<Vec<u8>, Diagnostics> {
    signed(key, |algorithm| {
        sequence(&[
            context(0, &integer(&[2])),
            integer(&certificate.serial),
            algorithm.to_vec(),
            certificate.issuer.clone(),
            sequence(&[time(certificate.not_before), time(certificate.not_after)]),
            certificate.subject.clone(),
            certificate.public_key.clone(),
            context(3, &sequence(&certificate.extensions)),
        ])
    })
}

/// A request in DER, signed.
pub(super) fn request(
    subject: Vec<u8>,
    names: Option<Vec<u8>>,
    key: &PrivateKey,
) -> Result<Vec<u8>, Diagnostics> {
    let wanted = names.map(|names| {
        let extensions = sequence(&[extension(Extension::AlternativeNames, false, &names)]);
        sequence(&[
            oid(&[1, 2, 840, 113549, 1, 9, 14]),
            super::der::set_of_one(&extensions),
        ])
    });
    let attributes = context(0, &wanted.unwrap_or_default());
    signed(key, |_| {
        sequence(&[integer(&[0]), subject, key.public().info(), attributes])
    })
}

/// Content, the algorithm and the signature over the content.
fn signed(
    key: &PrivateKey,
    content: impl FnOnce(&[u8]) -> Vec<u8>,
) -> Result<Vec<u8>, Diagnostics> {
    // The algorithm stands inside what is signed too; which it is does not depend on the message.
    let (algorithm, _) = key.sign(&[])?;
    let content = content(&algorithm);
    let (_, signature) = key.sign(&content)?;
    Ok(sequence(&[content, algorithm, bits(&signature)]))
}

/// A time: with two digits of the year up to 2049, with four from then on.
fn time(at: Timestamp) -> Vec<u8> {
    let year = at.to_zoned(TimeZone::UTC).year();
    match (1950..2050).contains(&year) {
        true => tagged(0x17, at.strftime("%y%m%d%H%M%SZ").to_string().as_bytes()),
        false => tagged(0x18, at.strftime("%Y%m%d%H%M%SZ").to_string().as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_usage_ends_with_its_last_bit() {
        assert_eq!(named_bits(&[0, 2]), [3, 2, 5, 0xa0]);
        assert_eq!(named_bits(&[8]), [3, 3, 7, 0, 0x80]);
    }

    #[test]
    fn years_from_2050_have_four_digits() {
        let at = |text: &str| time(text.parse().unwrap());
        assert_eq!(at("2049-12-31T23:59:59Z"), tagged(0x17, b"491231235959Z"));
        assert_eq!(at("2050-01-01T00:00:00Z"), tagged(0x18, b"20500101000000Z"));
    }
}
