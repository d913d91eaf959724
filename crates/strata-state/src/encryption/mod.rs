//! Encryption of states and plans, in the envelope of OpenTofu 1.7 and later.
//!
//! A text is encrypted by a [`Method`] with a key that a [`KeyProvider`] gives. The envelope is JSON: what the key
//! provider needs to give the key again (`meta`), the encrypted text, and in clear the serial and the lineage of a
//! state. It was written from what OpenTofu publishes of its state encryption.

mod aes_gcm;
mod external;
mod pbkdf2;

use std::{collections::BTreeMap, fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde::{Deserialize, Serialize};

use crate::StateError;
pub use external::External;
pub use pbkdf2::{HashFunction, Pbkdf2, Secret};

/// The version of the envelope.
const VERSION: &str = "v0";

/// How a state or a plan is encrypted, and what it may be encrypted with where it is read.
#[derive(Clone, Debug)]
pub struct Encryption {
    /// The first encrypts; all of them are tried where something is read.
    methods: Vec<Method>,
}

/// One way to encrypt.
#[derive(Clone, Debug)]
pub enum Method {
    /// Not at all.
    Unencrypted,
    /// AES in Galois counter mode.
    AesGcm {
        /// Gives the key.
        keys: Arc<KeyProvider>,
        /// Data that is authenticated with the text.
        aad: Vec<u8>,
    },
}

/// Gives keys.
pub struct KeyProvider {
    /// Under which name its data stand in the envelope, such as `key_provider.pbkdf2.mine`.
    pub name: String,
    /// How it comes to the keys.
    pub source: KeySource,
}

/// How keys come about.
pub enum KeySource {
    /// Out of a passphrase.
    Pbkdf2(Box<Pbkdf2>),
    /// By a program.
    External(External),
}

/// What key providers need to give keys again, by their names.
type Metas = BTreeMap<String, Vec<u8>>;

/// A key to encrypt with, and what is needed to have it again.
#[derive(Clone)]
struct Made {
    key: Arc<[u8]>,
    metas: Metas,
}

impl fmt::Debug for KeyProvider {
    /// Without what is secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl KeyProvider {
    fn make(&self) -> Result<Made, String> {
        match &self.source {
            KeySource::Pbkdf2(source) => source.make(&self.name),
            KeySource::External(source) => source.make(&self.name),
        }
    }

    fn again(&self, metas: &Metas) -> Result<Arc<[u8]>, String> {
        let meta = metas.get(&self.name).ok_or_else(|| {
            format!(
                "the envelope says nothing of the key provider `{}`",
                self.name
            )
        })?;
        match &self.source {
            KeySource::Pbkdf2(source) => source.again(meta, metas),
            KeySource::External(source) => source.again(meta),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    serial: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lineage: Option<String>,
    #[serde(default)]
    meta: BTreeMap<String, String>,
    #[serde(default)]
    encrypted_data: String,
    #[serde(default)]
    encryption_version: String,
}

/// What of a state stands in clear.
#[derive(Deserialize)]
struct InClear {
    serial: Option<u64>,
    lineage: Option<String>,
}

impl Encryption {
    /// Takes the methods: the first encrypts. If it is `enforced`, that must not be none.
    pub fn new(methods: Vec<Method>, enforced: bool) -> Result<Self, String> {
        match methods.first() {
            None => Err("There is no method to encrypt with.".to_owned()),
            Some(Method::Unencrypted) if enforced => Err(
                "Unable to use `unencrypted` method since the `enforced` flag is set.".to_owned(),
            ),
            Some(_) => Ok(Self { methods }),
        }
    }

    /// Encrypts a plan, or a state of which serial and lineage stay in clear.
    pub fn encrypt(&self, plain: &[u8]) -> Result<Vec<u8>, StateError> {
        match self.methods.first() {
            Some(Method::AesGcm { keys, aad }) => {
                seal(plain, keys, aad).map_err(StateError::Encryption)
            }
            _ => Ok(plain.to_vec()),
        }
    }

    /// Decrypts what a method of this wrote, or takes what was never encrypted if that is one of them.
    pub fn decrypt(&self, bytes: &[u8]) -> Result<Vec<u8>, StateError> {
        let Some(envelope) = envelope(bytes) else {
            let may_be = |method: &Method| matches!(method, Method::Unencrypted);
            return match self.methods.iter().any(may_be) {
                true => Ok(bytes.to_vec()),
                false => Err(StateError::Encryption(
                    "encountered unencrypted payload without unencrypted method configured: a `fallback` with \
                     `method.unencrypted` lets it be read once, to be encrypted."
                        .to_owned(),
                )),
            };
        };
        self.open(&envelope).map_err(StateError::Encryption)
    }

    fn open(&self, envelope: &Envelope) -> Result<Vec<u8>, String> {
        if envelope.encryption_version != VERSION {
            let version = &envelope.encryption_version;
            return Err(format!(
                "invalid encrypted payload version: {version} != {VERSION}"
            ));
        }
        let sealed = BASE64
            .decode(&envelope.encrypted_data)
            .map_err(|_| "the encrypted data are not base64".to_owned())?;
        let mut wrong = Vec::new();
        for method in &self.methods {
            if let Method::AesGcm { keys, aad } = method {
                match unseal(envelope, &sealed, keys, aad) {
                    Ok(plain) => return Ok(plain),
                    Err(why) => wrong.push(format!("{}: {why}", keys.name)),
                }
            }
        }
        match wrong.is_empty() {
            true => Err("it is encrypted, and no method is configured that decrypts it".to_owned()),
            false => Err(format!(
                "decryption failed for all provided methods: {}",
                wrong.join("; ")
            )),
        }
    }
}

/// True if this is an encrypted text.
pub fn is_encrypted(bytes: &[u8]) -> bool {
    envelope(bytes).is_some()
}

/// The envelope; none if the text is not encrypted.
fn envelope(bytes: &[u8]) -> Option<Envelope> {
    let envelope: Envelope = serde_json::from_slice(bytes).ok()?;
    (!envelope.encryption_version.is_empty()).then_some(envelope)
}

fn seal(plain: &[u8], keys: &KeyProvider, aad: &[u8]) -> Result<Vec<u8>, String> {
    let made = keys.make()?;
    let sealed = aes_gcm::seal(&made.key, aad, plain)?;
    let state: Option<InClear> = serde_json::from_slice(plain).ok();
    let envelope = Envelope {
        serial: state.as_ref().and_then(|state| state.serial),
        lineage: state.and_then(|state| state.lineage),
        meta: made
            .metas
            .into_iter()
            .map(|(name, meta)| (name, BASE64.encode(meta)))
            .collect(),
        encrypted_data: BASE64.encode(sealed),
        encryption_version: VERSION.to_owned(),
    };
    serde_json::to_vec(&envelope).map_err(|error| error.to_string())
}

fn unseal(
    envelope: &Envelope,
    sealed: &[u8],
    keys: &KeyProvider,
    aad: &[u8],
) -> Result<Vec<u8>, String> {
    let decoded = envelope.meta.iter().map(|(name, meta)| {
        let meta = BASE64
            .decode(meta)
            .map_err(|_| "what the envelope says of keys is not base64")?;
        Ok::<_, &str>((name.clone(), meta))
    });
    let metas: Metas = decoded.collect::<Result<_, _>>()?;
    aes_gcm::unseal(&keys.again(&metas)?, aad, sealed)
}
