//! `rsadecrypt`: RSA with PKCS#1 v1.5 padding.
//!
//! Keys come as PEM in the forms PKCS#1, PKCS#8 and OpenSSH, without passphrase, as `crypto/rsa` of Go takes them.
//! The arithmetic is a big integer library's and takes a time that depends on the key: fit for a program that its
//! user runs, not for a server that strangers can measure.

use base64::{Engine, engine::general_purpose::STANDARD};
use dashu_int::{UBig, fast_div::ConstDivisor, ops::BitTest};
use strata_core::Value;

use super::{Context, Function, FunctionError, Given, Kind, Parameter, Result_, Returns, text};

/// The largest modulus, in bits: far above any key in use.
const MAX_BITS: usize = 16_384;

pub(super) const FUNCTIONS: &[Function] = &[Function::new(
    "rsadecrypt",
    &[
        Parameter::new("ciphertext", Kind::String),
        Parameter::new("privatekey", Kind::String),
    ],
    Returns::String,
    "Decrypts base64 text with an RSA key.",
    rsadecrypt,
)];

/// What decrypting needs of a key.
struct Key {
    modulus: UBig,
    exponent: UBig,
}

fn rsadecrypt(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let (input, pem) = (text(given, 0), text(given, 1));
    let compact: String = input
        .chars()
        .filter(|c| !matches!(c, '\n' | '\r'))
        .collect();
    let secret = STANDARD.decode(compact).map_err(|_| {
        let message =
            format!("failed to decode input {input:?}: cipher text must be base64-encoded");
        FunctionError::argument(0, message)
    })?;
    let key = key(pem)
        .map_err(|message| FunctionError::argument(1, format!("invalid private key: {message}")))?;
    let plain = decrypt(&key, &secret)
        .ok_or_else(|| FunctionError::new("failed to decrypt: crypto/rsa: decryption error"))?;
    match String::from_utf8(plain) {
        Ok(plain) => Ok(Value::from(plain)),
        Err(_) => Err(FunctionError::new("the decrypted bytes are not UTF-8 text")),
    }
}

fn decrypt(key: &Key, secret: &[u8]) -> Option<Vec<u8>> {
    let length = key.modulus.bit_len().div_ceil(8);
    let number = UBig::from_be_bytes(secret);
    if secret.len() != length || number >= key.modulus {
        return None;
    }
    let ring = ConstDivisor::new(key.modulus.clone());
    let padded = ring
        .reduce(number)
        .pow(&key.exponent)
        .residue()
        .to_be_bytes();
    // The first byte of the padding is zero, so the number has one byte less: 2, eight or more of noise, 0, the text.
    let ([2, rest @ ..], true) = (&*padded, padded.len() + 1 == length) else {
        return None;
    };
    let end = rest.iter().position(|byte| *byte == 0)?;
    (end >= 8).then(|| rest[end + 1..].to_vec())
}

fn key(pem: &str) -> Result<Key, String> {
    let none = || "ssh: no key found".to_owned();
    let (_, rest) = pem.split_once("-----BEGIN ").ok_or_else(none)?;
    let (kind, rest) = rest.split_once("-----").ok_or_else(none)?;
    let (body, _) = rest.split_once("-----END ").ok_or_else(none)?;
    if body.contains("ENCRYPTED") || kind == "ENCRYPTED PRIVATE KEY" {
        return Err("ssh: this private key is passphrase protected".to_owned());
    }
    let compact: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    let bytes = STANDARD.decode(compact).map_err(|_| none())?;
    let parsed = match kind {
        "RSA PRIVATE KEY" => pkcs1(&bytes),
        "PRIVATE KEY" => pkcs8(&bytes),
        "OPENSSH PRIVATE KEY" => openssh(&bytes)?,
        other => return Err(format!("ssh: unsupported key type {other:?}")),
    };
    let key = parsed.ok_or("asn1: structure error: the key cannot be read")?;
    match key.modulus.bit_len() {
        // An even modulus is no product of two large primes, and nothing could be computed with it.
        0..=MAX_BITS if key.modulus.bit(0) => Ok(key),
        _ => Err("crypto/rsa: the modulus is not that of a key".to_owned()),
    }
}

/// Takes one element off DER: its tag and what it holds.
fn element<'a>(der: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..0x80 => (usize::from(first), rest),
        _ => {
            let count = usize::from(first & 0x7f);
            let (digits, rest) = rest.split_at_checked(count)?;
            if count > 4 {
                return None;
            }
            let length = digits
                .iter()
                .fold(0, |sum, digit| sum << 8 | usize::from(*digit));
            (length, rest)
        }
    };
    let (content, rest) = rest.split_at_checked(length)?;
    *der = rest;
    Some((tag, content))
}

fn tagged<'a>(der: &mut &'a [u8], wanted: u8) -> Option<&'a [u8]> {
    let (tag, content) = element(der)?;
    (tag == wanted).then_some(content)
}

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// RFC 8017, A.1.2: version, modulus, public exponent, private exponent, and more.
fn pkcs1(mut der: &[u8]) -> Option<Key> {
    let mut fields = tagged(&mut der, SEQUENCE)?;
    tagged(&mut fields, INTEGER)?;
    let modulus = tagged(&mut fields, INTEGER)?;
    tagged(&mut fields, INTEGER)?;
    let exponent = tagged(&mut fields, INTEGER)?;
    Some(Key {
        modulus: UBig::from_be_bytes(modulus),
        exponent: UBig::from_be_bytes(exponent),
    })
}

/// RFC 5208: version, algorithm, and a PKCS#1 key in octets.
fn pkcs8(mut der: &[u8]) -> Option<Key> {
    let mut fields = tagged(&mut der, SEQUENCE)?;
    tagged(&mut fields, INTEGER)?;
    tagged(&mut fields, SEQUENCE)?;
    pkcs1(tagged(&mut fields, OCTETS)?)
}

/// The file `PROTOCOL.key` of OpenSSH; none if it cannot be read.
fn openssh(bytes: &[u8]) -> Result<Option<Key>, String> {
    let Some(mut rest) = bytes.strip_prefix(b"openssh-key-v1\0") else {
        return Ok(None);
    };
    if field(&mut rest).is_some_and(|cipher| cipher != b"none") {
        return Err("ssh: this private key is passphrase protected".to_owned());
    }
    Ok(openssh_fields(rest))
}

fn openssh_fields(mut rest: &[u8]) -> Option<Key> {
    // The key derivation and its options, then the number of keys and the public one.
    field(&mut rest)?;
    field(&mut rest)?;
    rest = rest.get(4..)?;
    field(&mut rest)?;
    let mut private = field(&mut rest)?.get(8..)?;
    if field(&mut private)? != b"ssh-rsa" {
        return None;
    }
    let modulus = field(&mut private)?;
    field(&mut private)?;
    let exponent = field(&mut private)?;
    Some(Key {
        modulus: UBig::from_be_bytes(modulus),
        exponent: UBig::from_be_bytes(exponent),
    })
}

/// Takes off a field with its length before it.
fn field<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_at_checked(4)?;
    let length = u32::from_be_bytes(length.try_into().ok()?);
    let (content, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
    *bytes = rest;
    Some(content)
}
