//! Private keys: making, reading, spelling and using them.

use aws_lc_rs::{
    encoding::{AsBigEndian, AsDer},
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{
        ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING,
        ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair,
        KeyPair, RSA_PKCS1_SHA256,
    },
};
use strata_core::Diagnostics;
use yasna::{ASN1Error, ASN1ErrorKind, ASN1Result, Tag, models::ObjectIdentifier};

use super::{
    der::{bits, context, integer, null, octets, oid, sequence},
    pem, ssh,
};
use crate::failure::failed;

/// A private key.
pub(super) enum PrivateKey {
    Rsa(Rsa),
    Ecdsa(Ecdsa),
    Ed25519(Ed25519),
}

/// The numbers of an RSA key, as PKCS #1 names them; big endian.
pub(super) struct Rsa {
    pub(super) n: Vec<u8>,
    pub(super) e: Vec<u8>,
    pub(super) d: Vec<u8>,
    pub(super) p: Vec<u8>,
    pub(super) q: Vec<u8>,
    pub(super) dp: Vec<u8>,
    pub(super) dq: Vec<u8>,
    pub(super) qinv: Vec<u8>,
}

/// A key on a curve.
pub(super) struct Ecdsa {
    pub(super) curve: Curve,
    pub(super) secret: Vec<u8>,
    /// The public point, uncompressed.
    pub(super) point: Vec<u8>,
}

/// An Ed25519 key.
pub(super) struct Ed25519 {
    pub(super) seed: Vec<u8>,
    pub(super) public: Vec<u8>,
}

/// The public part of a key.
pub(super) enum PublicKey {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    Ecdsa { curve: Curve, point: Vec<u8> },
    Ed25519 { public: Vec<u8> },
}

/// A curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

const RSA: &[u64] = &[1, 2, 840, 113549, 1, 1, 1];
const EC: &[u64] = &[1, 2, 840, 10045, 2, 1];
const ED25519: &[u64] = &[1, 3, 101, 112];

impl Curve {
    fn oid(self) -> &'static [u64] {
        match self {
            Curve::P256 => &[1, 2, 840, 10045, 3, 1, 7],
            Curve::P384 => &[1, 3, 132, 0, 34],
            Curve::P521 => &[1, 3, 132, 0, 35],
        }
    }

    fn of(parts: &[u64]) -> Option<Self> {
        [Curve::P256, Curve::P384, Curve::P521]
            .into_iter()
            .find(|curve| curve.oid() == parts)
    }

    fn bytes(self) -> usize {
        match self {
            Curve::P256 => 32,
            Curve::P384 => 48,
            Curve::P521 => 66,
        }
    }

    /// A secret number in as many bytes as the curve's have.
    pub(super) fn padded(self, secret: &[u8]) -> Option<Vec<u8>> {
        let from = secret.iter().position(|byte| *byte != 0)?;
        let secret = &secret[from..];
        let mut padded = vec![0; self.bytes().checked_sub(secret.len())?];
        padded.extend(secret);
        Some(padded)
    }

    fn signing(self) -> &'static EcdsaSigningAlgorithm {
        match self {
            Curve::P256 => &ECDSA_P256_SHA256_ASN1_SIGNING,
            Curve::P384 => &ECDSA_P384_SHA384_ASN1_SIGNING,
            Curve::P521 => &ECDSA_P521_SHA512_ASN1_SIGNING,
        }
    }
}

fn not_made() -> Diagnostics {
    failed(
        "Unable to generate Key from configuration",
        "The key could not be made.",
    )
}

fn not_used() -> Diagnostics {
    failed(
        "Unable to use the private key",
        "The key is broken, or of a size that is not supported: RSA needs 2048 to 8192 bits.",
    )
}

impl PrivateKey {
    /// Makes an RSA key.
    pub(super) fn rsa(bits: i64) -> Result<Self, Diagnostics> {
        let size = match bits {
            2048 => KeySize::Rsa2048,
            3072 => KeySize::Rsa3072,
            4096 => KeySize::Rsa4096,
            8192 => KeySize::Rsa8192,
            _ => {
                let detail = "RSA keys can be made of 2048, 3072, 4096 or 8192 bits.";
                return Err(failed("Unsupported `rsa_bits`", detail));
            }
        };
        let made = RsaKeyPair::generate(size).map_err(|_| not_made())?;
        let pkcs8 = made.as_der().map_err(|_| not_made())?;
        pkcs8_key(pkcs8.as_ref()).ok_or_else(not_made)
    }

    /// Makes a key on a curve.
    pub(super) fn ecdsa(curve: Curve) -> Result<Self, Diagnostics> {
        let made = EcdsaKeyPair::generate(curve.signing()).map_err(|_| not_made())?;
        let secret = made.private_key().as_be_bytes().map_err(|_| not_made())?;
        Ok(Self::Ecdsa(Ecdsa {
            curve,
            secret: curve.padded(secret.as_ref()).ok_or_else(not_made)?,
            point: made.public_key().as_ref().to_vec(),
        }))
    }

    /// Makes an Ed25519 key.
    pub(super) fn ed25519() -> Result<Self, Diagnostics> {
        let mut seed = vec![0; 32];
        aws_lc_rs::rand::fill(&mut seed).map_err(|_| not_made())?;
        Self::of_seed(seed).ok_or_else(not_made)
    }

    fn of_seed(seed: Vec<u8>) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).ok()?;
        let public = pair.public_key().as_ref().to_vec();
        Some(Self::Ed25519(Ed25519 { seed, public }))
    }

    /// Reads a key in PEM: PKCS #1, SEC 1, PKCS #8 or OpenSSH's own, without a passphrase.
    pub(super) fn parse(text: &str) -> Result<Self, Diagnostics> {
        let wrong = || {
            failed(
                "Failed to parse the private key",
                "The text is not a private key in PEM without a passphrase, or is of a kind that is not supported.",
            )
        };
        let blocks = pem::decode(text);
        let key = blocks
            .iter()
            .find_map(|(label, bytes)| match label.as_str() {
                "RSA PRIVATE KEY" => pkcs1_key(bytes),
                "EC PRIVATE KEY" => sec1_key(bytes, None),
                "PRIVATE KEY" => pkcs8_key(bytes),
                "OPENSSH PRIVATE KEY" => ssh::parse_private_key(bytes),
                _ => None,
            });
        key.ok_or_else(wrong)
    }

    /// The name that configuration has for its algorithm.
    pub(super) fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RSA",
            Self::Ecdsa(_) => "ECDSA",
            Self::Ed25519(_) => "ED25519",
        }
    }

    /// Sets the attribute of this name to its algorithm, or refuses what is written there, as was asked for before 4.0.
    pub(super) fn settle_algorithm(
        &self,
        name: &str,
        given: &mut String,
    ) -> Result<(), Diagnostics> {
        let own = self.algorithm();
        if !given.is_empty() && given != own {
            let summary = format!("`{name}` is not the algorithm of the key");
            let detail = format!(
                "The key is one of `{own}`, and `{given}` is written. Leave the argument out."
            );
            return Err(failed(summary, detail));
        }
        own.clone_into(given);
        Ok(())
    }

    /// The key in PEM, in the form that is usual for its algorithm.
    pub(super) fn pem(&self) -> String {
        match self {
            Self::Rsa(key) => pem::encode("RSA PRIVATE KEY", &key.pkcs1()),
            Self::Ecdsa(key) => pem::encode("EC PRIVATE KEY", &key.sec1(true)),
            Self::Ed25519(_) => self.pem_pkcs8(),
        }
    }

    /// The key in PEM, in PKCS #8.
    pub(super) fn pem_pkcs8(&self) -> String {
        let (algorithm, key) = match self {
            Self::Rsa(key) => (rsa_algorithm(), key.pkcs1()),
            Self::Ecdsa(key) => (ec_algorithm(key.curve), key.sec1(false)),
            Self::Ed25519(key) => (sequence(&[oid(ED25519)]), octets(&key.seed)),
        };
        pem::encode(
            "PRIVATE KEY",
            &sequence(&[integer(&[0]), algorithm, octets(&key)]),
        )
    }

    /// The public part.
    pub(super) fn public(&self) -> PublicKey {
        match self {
            Self::Rsa(key) => PublicKey::Rsa {
                n: key.n.clone(),
                e: key.e.clone(),
            },
            Self::Ecdsa(key) => PublicKey::Ecdsa {
                curve: key.curve,
                point: key.point.clone(),
            },
            Self::Ed25519(key) => PublicKey::Ed25519 {
                public: key.public.clone(),
            },
        }
    }

    /// The algorithm's identifier and the signature over a message, with the digest that Go takes for the key.
    pub(super) fn sign(&self, message: &[u8]) -> Result<(Vec<u8>, Vec<u8>), Diagnostics> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(key) => {
                let pair = RsaKeyPair::from_der(&key.pkcs1()).map_err(|_| not_used())?;
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map_err(|_| not_used())?;
                Ok((
                    sequence(&[oid(&[1, 2, 840, 113549, 1, 1, 11]), null()]),
                    signature,
                ))
            }
            Self::Ecdsa(key) => {
                let pair = EcdsaKeyPair::from_private_key_and_public_key(
                    key.curve.signing(),
                    &key.secret,
                    &key.point,
                );
                let signature = pair
                    .map_err(|_| not_used())?
                    .sign(&random, message)
                    .map_err(|_| not_used())?;
                let last = match key.curve {
                    Curve::P256 => 2,
                    Curve::P384 => 3,
                    Curve::P521 => 4,
                };
                Ok((
                    sequence(&[oid(&[1, 2, 840, 10045, 4, 3, last])]),
                    signature.as_ref().to_vec(),
                ))
            }
            Self::Ed25519(key) => {
                let pair = Ed25519KeyPair::from_seed_and_public_key(&key.seed, &key.public)
                    .map_err(|_| not_used())?;
                Ok((
                    sequence(&[oid(ED25519)]),
                    pair.sign(message).as_ref().to_vec(),
                ))
            }
        }
    }
}

impl PublicKey {
    /// `SubjectPublicKeyInfo`.
    pub(super) fn info(&self) -> Vec<u8> {
        let algorithm = match self {
            Self::Rsa { .. } => rsa_algorithm(),
            Self::Ecdsa { curve, .. } => ec_algorithm(*curve),
            Self::Ed25519 { .. } => sequence(&[oid(ED25519)]),
        };
        sequence(&[algorithm, bits(&self.bits())])
    }

    /// What is in the bit string of [`PublicKey::info`].
    fn bits(&self) -> Vec<u8> {
        match self {
            Self::Rsa { n, e } => sequence(&[integer(n), integer(e)]),
            Self::Ecdsa { point, .. } => point.clone(),
            Self::Ed25519 { public } => public.clone(),
        }
    }

    /// The key in PEM.
    pub(super) fn pem(&self) -> String {
        pem::encode("PUBLIC KEY", &self.info())
    }
}

impl Rsa {
    /// Works out what OpenSSH leaves out of a key; none if the numbers are no key.
    pub(super) fn of(
        n: Vec<u8>,
        e: Vec<u8>,
        d: Vec<u8>,
        p: Vec<u8>,
        q: Vec<u8>,
        qinv: Vec<u8>,
    ) -> Option<Self> {
        let (dp, dq) = (remainder(&d, &p)?, remainder(&d, &q)?);
        Some(Self {
            n,
            e,
            d,
            p,
            q,
            dp,
            dq,
            qinv,
        })
    }

    fn pkcs1(&self) -> Vec<u8> {
        let numbers = [
            &self.n, &self.e, &self.d, &self.p, &self.q, &self.dp, &self.dq, &self.qinv,
        ];
        let numbers = numbers.into_iter().map(|number| integer(number));
        sequence(&[vec![integer(&[0])], numbers.collect()].concat())
    }
}

/// What is left of a secret exponent after division by a prime less one, bit by bit.
fn remainder(number: &[u8], prime: &[u8]) -> Option<Vec<u8>> {
    let mut divisor = prime.to_vec();
    let last = divisor.last_mut()?;
    // Primes of a key are odd: to take one away needs no borrowing.
    *last = last.checked_sub(1).filter(|last| last % 2 == 0)?;
    if divisor.iter().all(|byte| *byte == 0) || number.len() > 2048 {
        return None;
    }
    let mut left = vec![0_u8; divisor.len() + 1];
    divisor.insert(0, 0);
    for byte in number {
        for bit in (0..8).rev() {
            double(&mut left, (byte >> bit) & 1);
            if left >= divisor {
                subtract(&mut left, &divisor);
            }
        }
    }
    Some(left)
}

fn double(number: &mut [u8], mut carry: u8) {
    for byte in number.iter_mut().rev() {
        let top = *byte >> 7;
        *byte = (*byte << 1) | carry;
        carry = top;
    }
}

fn subtract(number: &mut [u8], other: &[u8]) {
    let mut borrow = 0_i16;
    for (byte, other) in number.iter_mut().zip(other).rev() {
        let difference = i16::from(*byte) - i16::from(*other) - borrow;
        borrow = i16::from(difference < 0);
        *byte = difference.rem_euclid(256) as u8;
    }
}

impl Ecdsa {
    /// The key in SEC 1; inside PKCS #8 the curve stands outside.
    fn sec1(&self, with_curve: bool) -> Vec<u8> {
        let mut parts = vec![integer(&[1]), octets(&self.secret)];
        if with_curve {
            parts.push(context(0, &oid(self.curve.oid())));
        }
        parts.push(context(1, &bits(&self.point)));
        sequence(&parts)
    }
}

fn rsa_algorithm() -> Vec<u8> {
    sequence(&[oid(RSA), null()])
}

fn ec_algorithm(curve: Curve) -> Vec<u8> {
    sequence(&[oid(EC), oid(curve.oid())])
}

fn pkcs1_key(der: &[u8]) -> Option<PrivateKey> {
    let key = yasna::parse_der(der, |reader| {
        reader.read_sequence(|reader| {
            reader.next().read_u8()?;
            let mut number = || Ok(reader.next().read_bigint_bytes()?.0);
            Ok(Rsa {
                n: number()?,
                e: number()?,
                d: number()?,
                p: number()?,
                q: number()?,
                dp: number()?,
                dq: number()?,
                qinv: number()?,
            })
        })
    });
    key.ok().map(PrivateKey::Rsa)
}

fn sec1_key(der: &[u8], curve: Option<Curve>) -> Option<PrivateKey> {
    let read = yasna::parse_der(der, |reader| {
        reader.read_sequence(|reader| {
            reader.next().read_u8()?;
            let secret = reader.next().read_bytes()?;
            let own = reader.read_optional(|reader| {
                reader.read_tagged(Tag::context(0), |reader| reader.read_oid())
            })?;
            reader.read_optional(|reader| {
                reader.read_tagged(Tag::context(1), |reader| reader.read_bitvec_bytes())
            })?;
            Ok((secret, own))
        })
    });
    let (secret, own) = read.ok()?;
    let curve = own.and_then(|own| Curve::of(own.components())).or(curve)?;
    // The public point may be missing: it is worked out anew.
    let whole = sequence(&[
        integer(&[1]),
        octets(&curve.padded(&secret)?),
        context(0, &oid(curve.oid())),
    ]);
    let pair = EcdsaKeyPair::from_private_key_der(curve.signing(), &whole).ok()?;
    Some(PrivateKey::Ecdsa(Ecdsa {
        curve,
        secret: curve.padded(&secret)?,
        point: pair.public_key().as_ref().to_vec(),
    }))
}

fn pkcs8_key(der: &[u8]) -> Option<PrivateKey> {
    let read = yasna::parse_der(der, |reader| {
        reader.read_sequence(|reader| {
            reader.next().read_u8()?;
            let algorithm = reader.next().read_sequence(algorithm)?;
            let key = reader.next().read_bytes()?;
            // Attributes and, in version 2, the public key may follow.
            while reader.read_optional(|reader| reader.read_der())?.is_some() {}
            Ok((algorithm, key))
        })
    });
    let ((algorithm, curve), key) = read.ok()?;
    match algorithm.components().as_slice() {
        RSA => pkcs1_key(&key),
        EC => sec1_key(&key, curve.and_then(|curve| Curve::of(curve.components()))),
        ED25519 => PrivateKey::of_seed(yasna::parse_der(&key, |reader| reader.read_bytes()).ok()?),
        _ => None,
    }
}

fn algorithm(
    reader: &mut yasna::BERReaderSeq<'_, '_>,
) -> ASN1Result<(ObjectIdentifier, Option<ObjectIdentifier>)> {
    let name = reader.next().read_oid()?;
    let parameters = reader.read_optional(|reader| reader.read_der())?;
    let curve = parameters.and_then(|der| yasna::parse_der(&der, |reader| reader.read_oid()).ok());
    match name.components().is_empty() {
        true => Err(ASN1Error::new(ASN1ErrorKind::Invalid)),
        false => Ok((name, curve)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_from_every_spelling() {
        let keys = [
            PrivateKey::rsa(2048).unwrap(),
            PrivateKey::ecdsa(Curve::P256).unwrap(),
            PrivateKey::ecdsa(Curve::P384).unwrap(),
            PrivateKey::ecdsa(Curve::P521).unwrap(),
            PrivateKey::ed25519().unwrap(),
        ];
        for key in keys {
            for text in [key.pem(), key.pem_pkcs8(), ssh::private_key(&key, 7)] {
                let read = PrivateKey::parse(&text).unwrap();
                assert_eq!(read.pem_pkcs8(), key.pem_pkcs8(), "{}", key.algorithm());
                assert!(read.sign(b"message").is_ok());
            }
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in [
            "",
            "x",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        ] {
            assert!(PrivateKey::parse(text).is_err());
        }
        let sizes = [0, 1024, 2047, 16384];
        assert!(sizes.into_iter().all(|bits| PrivateKey::rsa(bits).is_err()));
    }

    #[test]
    fn a_remainder_is_what_division_leaves() {
        // 0x1234567 modulo (0x101 - 1) and modulo (0xffff - 1).
        assert_eq!(
            remainder(&[1, 0x23, 0x45, 0x67], &[1, 1]).unwrap(),
            [0, 0, 0x67]
        );
        assert_eq!(
            remainder(&[1, 0x23, 0x45, 0x67], &[0xff, 0xff]).unwrap(),
            [0, 0x47, 0xad]
        );
    }
}
