//! Checks signatures of Amazon's version 4, worked out anew from what was sent.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::{Asked, KEY_ID, SECRET};

/// The code of S3 for what is wrong with the signature.
pub(super) fn check(asked: &Asked) -> Result<(), &'static str> {
    let header = asked.headers.get("authorization").ok_or("AccessDenied")?;
    let part = |name: &str| {
        let after = header.split(&format!("{name}=")).nth(1)?;
        after.split([',', ' ']).next()
    };
    let credential = part("Credential").ok_or("AuthorizationHeaderMalformed")?;
    let (id, scope) = credential
        .split_once('/')
        .ok_or("AuthorizationHeaderMalformed")?;
    if id != KEY_ID {
        return Err("InvalidAccessKeyId");
    }
    let names = part("SignedHeaders").ok_or("AuthorizationHeaderMalformed")?;
    let hash = asked
        .headers
        .get("x-amz-content-sha256")
        .ok_or("MissingSecurityHeader")?;
    if *hash != hex(&Sha256::digest(&asked.body)) && hash != "UNSIGNED-PAYLOAD" {
        return Err("XAmzContentSHA256Mismatch");
    }
    let time = asked
        .headers
        .get("x-amz-date")
        .ok_or("MissingSecurityHeader")?;
    let canonical = hex(&Sha256::digest(canonical(asked, names, hash)));
    let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{canonical}");
    let first = format!("AWS4{SECRET}").into_bytes();
    let key = scope.split('/').fold(first, |key, step| hmac(&key, step));
    match part("Signature") == Some(&hex(&hmac(&key, &to_sign))) {
        true => Ok(()),
        false => Err("SignatureDoesNotMatch"),
    }
}

fn canonical(asked: &Asked, names: &str, hash: &str) -> String {
    let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
    let mut pairs: Vec<_> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(pair)
        .collect();
    pairs.sort();
    let mut text = format!("{}\n{path}\n{}\n", asked.method, pairs.join("&"));
    for name in names.split(';') {
        let value = asked.headers.get(name).map_or("", String::as_str);
        text += &format!("{name}:{value}\n");
    }
    text + &format!("\n{names}\n{hash}")
}

/// A pair without value has an empty one where it is signed.
fn pair(pair: &str) -> String {
    match pair.contains('=') {
        true => pair.to_owned(),
        false => format!("{pair}="),
    }
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length will do");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Undoes the escaping of addresses.
pub(super) fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = after.get(..2).and_then(|two| str::from_utf8(two).ok());
        match escaped.and_then(|two| u8::from_str_radix(two, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
