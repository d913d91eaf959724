//! Keys as OpenSSH spells them (RFC 4253, PROTOCOL.key).

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use md5::Md5;
use sha2::{Digest, Sha256};

use super::{
    der::with_sign,
    key::{Curve, Ecdsa, Ed25519, PrivateKey, PublicKey, Rsa},
    pem,
};
use crate::digests::hex;

const MAGIC: &[u8] = b"openssh-key-v1\0";

impl Curve {
    fn ssh_name(self) -> &'static str {
        match self {
            Curve::P256 => "nistp256",
            Curve::P384 => "nistp384",
            Curve::P521 => "nistp521",
        }
    }
}

fn string(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let bytes = bytes.as_ref();
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), bytes].concat()
}

/// A number: without bytes if it is zero.
fn number(bytes: &[u8]) -> Vec<u8> {
    match bytes.iter().all(|byte| *byte == 0) {
        true => string([]),
        false => string(with_sign(bytes)),
    }
}

/// A key's type and its public part.
fn blob(key: &PublicKey) -> (String, Vec<u8>) {
    let (name, fields) = match key {
        PublicKey::Rsa { n, e } => ("ssh-rsa".to_owned(), [number(e), number(n)].concat()),
        PublicKey::Ecdsa { curve, point } => {
            let name = format!("ecdsa-sha2-{}", curve.ssh_name());
            (name, [string(curve.ssh_name()), string(point)].concat())
        }
        PublicKey::Ed25519 { public } => ("ssh-ed25519".to_owned(), string(public)),
    };
    let blob = [string(&name), fields].concat();
    (name, blob)
}

/// The line for `authorized_keys`, with a line break.
pub(super) fn authorized_key(key: &PublicKey) -> String {
    let (name, blob) = blob(key);
    format!("{name} {}\n", STANDARD.encode(blob))
}

/// The fingerprint that older programs show.
pub(super) fn fingerprint_md5(key: &PublicKey) -> String {
    let digest = Md5::digest(blob(key).1);
    digest
        .iter()
        .map(|byte| hex(&[*byte]))
        .collect::<Vec<_>>()
        .join(":")
}

/// The fingerprint that `ssh-keygen -l` shows.
pub(super) fn fingerprint_sha256(key: &PublicKey) -> String {
    format!(
        "SHA256:{}",
        STANDARD_NO_PAD.encode(Sha256::digest(blob(key).1))
    )
}

/// The private key without a passphrase; `check` is any number.
pub(super) fn private_key(key: &PrivateKey, check: u32) -> String {
    let (name, public) = blob(&key.public());
    let fields = match key {
        PrivateKey::Rsa(Rsa {
            n,
            e,
            d,
            p,
            q,
            qinv,
            ..
        }) => [n, e, d, qinv, p, q].map(|part| number(part)).concat(),
        PrivateKey::Ecdsa(Ecdsa {
            curve,
            secret,
            point,
        }) => [string(curve.ssh_name()), string(point), number(secret)].concat(),
        PrivateKey::Ed25519(Ed25519 { seed, public }) => {
            [string(public), string([seed.as_slice(), public].concat())].concat()
        }
    };
    let check = check.to_be_bytes();
    let mut private = [&check[..], &check, &string(name), &fields, &string("")].concat();
    // Padded to the cipher's block, which is 8 bytes for none.
    private.extend((1..=7).take((8 - private.len() % 8) % 8));
    let parts = [
        MAGIC.to_vec(),
        string("none"),
        string("none"),
        string(""),
        1_u32.to_be_bytes().to_vec(),
        string(public),
        string(private),
    ];
    pem::encode("OPENSSH PRIVATE KEY", &parts.concat())
}

/// Reads a private key without a passphrase.
pub(super) fn parse_private_key(bytes: &[u8]) -> Option<PrivateKey> {
    let mut outer = Reader(bytes.strip_prefix(MAGIC)?);
    let plain = outer.string()? == b"none" && outer.string()? == b"none";
    outer.string()?;
    let one = outer.number()? == 1;
    outer.string()?;
    let mut inner = Reader(outer.string()?);
    let same = inner.number()? == inner.number()?;
    if !plain || !one || !same {
        return None;
    }
    match inner.string()? {
        b"ssh-rsa" => {
            let mut next = || inner.string().map(<[u8]>::to_vec);
            let (n, e, d, qinv, p, q) = (next()?, next()?, next()?, next()?, next()?, next()?);
            Rsa::of(n, e, d, p, q, qinv).map(PrivateKey::Rsa)
        }
        b"ssh-ed25519" => {
            let public = inner.string()?.to_vec();
            let seed = inner.string()?.get(..32)?.to_vec();
            Some(PrivateKey::Ed25519(Ed25519 { seed, public }))
        }
        name => {
            let curve = [Curve::P256, Curve::P384, Curve::P521];
            let is = |curve: &Curve| {
                name.strip_prefix(b"ecdsa-sha2-") == Some(curve.ssh_name().as_bytes())
            };
            let curve = curve.into_iter().find(is)?;
            inner.string()?;
            let point = inner.string()?.to_vec();
            let secret = curve.padded(inner.string()?)?;
            Some(PrivateKey::Ecdsa(Ecdsa {
                curve,
                secret,
                point,
            }))
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn number(&mut self) -> Option<u32> {
        let (bytes, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*bytes))
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        let length = self.number()? as usize;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }
}
