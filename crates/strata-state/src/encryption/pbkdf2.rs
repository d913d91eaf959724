//! The key provider `pbkdf2`: a key out of a passphrase and a salt that is new for each run.

use std::{
    collections::BTreeMap,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA256, PBKDF2_HMAC_SHA512};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde::{Deserialize, Serialize};

use super::{KeyProvider, Made, Metas};

/// The fewest iterations that OpenTofu takes.
const FEWEST: u32 = 200_000;

/// The most iterations that are carried out for a file of others: minutes of work.
const MOST: u32 = 100_000_000;

/// The longest key and salt of a file of others.
const LONGEST: usize = 1024;

/// The hash function of the key derivation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HashFunction {
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// What a key is made of.
pub enum Secret {
    /// A passphrase.
    Passphrase(String),
    /// The key of another key provider (`chain`).
    Chain(Arc<KeyProvider>),
}

/// A passphrase, and how a key is made of it.
pub struct Pbkdf2 {
    secret: Secret,
    key_length: usize,
    iterations: u32,
    hash_function: HashFunction,
    salt_length: usize,
    /// Keys that were made: deriving one takes a while, on purpose.
    known: Mutex<BTreeMap<Vec<u8>, Arc<[u8]>>>,
    /// The key of this run.
    own: Mutex<Option<Made>>,
}

/// What stands in the envelope.
#[derive(Serialize, Deserialize)]
struct Meta {
    salt: String,
    iterations: u32,
    hash_function: HashFunction,
    key_length: usize,
}

impl Pbkdf2 {
    /// Takes what the block says; what is too weak is refused as OpenTofu does.
    pub fn new(
        secret: Secret,
        key_length: Option<u64>,
        iterations: Option<u64>,
        hash_function: Option<&str>,
        salt_length: Option<u64>,
    ) -> Result<Self, String> {
        if let Secret::Passphrase(passphrase) = &secret
            && passphrase.chars().count() < 16
        {
            return Err("passphrase is too short (minimum 16 characters)".to_owned());
        }
        let length = |given: Option<u64>, name: &str| match given.unwrap_or(32) {
            length @ 1..=1024 => Ok(length as usize),
            _ => Err(format!(
                "the {name} must be larger than zero and at most {LONGEST}"
            )),
        };
        let iterations = iterations.unwrap_or(600_000);
        let fits = |iterations: &u32| (FEWEST..=MOST).contains(iterations);
        Ok(Self {
            secret,
            key_length: length(key_length, "key_length")?,
            iterations: u32::try_from(iterations).ok().filter(fits).ok_or_else(|| {
                format!("the number of iterations is dangerously low (<{FEWEST}), or too high")
            })?,
            hash_function: match hash_function.unwrap_or("sha512") {
                "sha256" => HashFunction::Sha256,
                "sha512" => HashFunction::Sha512,
                other => {
                    return Err(format!(
                        "the hash function `{other}` is not there, only sha256 and sha512"
                    ));
                }
            },
            salt_length: length(salt_length, "salt_length")?,
            known: Mutex::default(),
            own: Mutex::default(),
        })
    }

    /// The key that this run encrypts with.
    pub(super) fn make(&self, name: &str) -> Result<Made, String> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = &*own {
            return Ok(made.clone());
        }
        let mut salt = vec![0; self.salt_length];
        aws_lc_rs::rand::fill(&mut salt).map_err(|_| "the system gives no random numbers")?;
        let meta = Meta {
            salt: BASE64.encode(salt),
            iterations: self.iterations,
            hash_function: self.hash_function,
            key_length: self.key_length,
        };
        let meta = serde_json::to_vec(&meta).map_err(|error| error.to_string())?;
        let (key, mut metas) = match &self.secret {
            Secret::Passphrase(passphrase) => (derive(&meta, passphrase.as_bytes())?, Metas::new()),
            Secret::Chain(provider) => {
                let made = provider.make()?;
                (derive(&meta, &made.key)?, made.metas)
            }
        };
        self.known().insert(meta.clone(), key.clone().into());
        metas.insert(name.to_owned(), meta);
        let made = Made {
            key: key.into(),
            metas,
        };
        *own = Some(made.clone());
        Ok(made)
    }

    /// The key that something was encrypted with.
    pub(super) fn again(&self, meta: &[u8], metas: &Metas) -> Result<Arc<[u8]>, String> {
        if let Some(key) = self.known().get(meta) {
            return Ok(key.clone());
        }
        let key: Arc<[u8]> = match &self.secret {
            Secret::Passphrase(passphrase) => derive(meta, passphrase.as_bytes())?.into(),
            Secret::Chain(provider) => derive(meta, &provider.again(metas)?)?.into(),
        };
        self.known().insert(meta.to_vec(), key.clone());
        Ok(key)
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<Vec<u8>, Arc<[u8]>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn derive(meta: &[u8], secret: &[u8]) -> Result<Vec<u8>, String> {
    let meta: Meta = serde_json::from_slice(meta)
        .map_err(|error| format!("what the envelope says of it cannot be read: {error}"))?;
    let salt = BASE64
        .decode(&meta.salt)
        .map_err(|_| "the salt is not base64")?;
    let iterations = NonZeroU32::new(meta.iterations).filter(|many| many.get() <= MOST);
    let (Some(iterations), 1..=LONGEST) = (iterations, meta.key_length) else {
        return Err("the envelope asks for too many iterations or too long a key".to_owned());
    };
    let algorithm = match meta.hash_function {
        HashFunction::Sha256 => PBKDF2_HMAC_SHA256,
        HashFunction::Sha512 => PBKDF2_HMAC_SHA512,
    };
    let mut key = vec![0; meta.key_length];
    pbkdf2::derive(algorithm, iterations, &salt, secret, &mut key);
    Ok(key)
}
