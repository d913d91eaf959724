//! The passwords of a run, and what was decrypted with them.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use super::{Envelope, VaultError};

/// A password with its id.
#[derive(Clone, PartialEq, Eq)]
pub struct Password {
    /// Its id; [`DEFAULT_ID`](super::DEFAULT_ID) if it was given none.
    pub id: String,
    /// The password.
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The password is for nobody to see.
        f.debug_struct("Password").field("id", &self.id).finish()
    }
}

/// The passwords of a run. Remembers what it decrypted, so that it can be hidden in what users see.
#[derive(Debug, Default)]
pub struct Secrets {
    passwords: Vec<Password>,
    /// Whether only a password of the text's own id is tried.
    match_ids: bool,
    revealed: Mutex<BTreeSet<String>>,
}

/// Texts out of encrypted files are hidden from this length on: shorter ones are words like `true` or `root`.
const HIDDEN_FROM_FILES: usize = 8;

impl Secrets {
    /// Takes passwords in the order in which they are tried.
    pub fn new(passwords: Vec<Password>, match_ids: bool) -> Self {
        Self {
            passwords,
            match_ids,
            revealed: Mutex::default(),
        }
    }

    /// The passwords.
    pub fn passwords(&self) -> &[Password] {
        &self.passwords
    }

    /// Decrypts a text without remembering it, and says which password fitted.
    ///
    /// A password of the text's own id is tried first, then all others in their order.
    pub fn open(&self, text: &[u8]) -> Result<(Vec<u8>, &Password), VaultError> {
        let envelope = Envelope::parse(text)?;
        if self.passwords.is_empty() {
            return Err(VaultError::NoSecrets);
        }
        let own = |password: &&Password| envelope.id.as_ref() == Some(&password.id);
        let (first, rest): (Vec<&Password>, Vec<&Password>) = self.passwords.iter().partition(own);
        let rest = rest
            .into_iter()
            .filter(|_| !self.match_ids || envelope.id.is_none());
        for password in first.into_iter().chain(rest) {
            match envelope.open(&password.bytes) {
                Err(VaultError::WrongPassword) => {}
                done => return Ok((done?, password)),
            }
        }
        Err(VaultError::WrongPassword)
    }

    /// Decrypts a value that stands in a file (`!vault`).
    pub fn value(&self, text: &str) -> Result<String, VaultError> {
        let (bytes, _) = self.open(text.as_bytes())?;
        let text = String::from_utf8(bytes).map_err(|_| VaultError::Damaged("it is not text"))?;
        self.remember([text.trim().to_owned()]);
        Ok(text)
    }

    /// Decrypts a whole file.
    pub fn file(&self, bytes: &[u8]) -> Result<Vec<u8>, VaultError> {
        let (bytes, _) = self.open(bytes)?;
        if let Ok(text) = str::from_utf8(&bytes) {
            self.reveal(text);
        }
        Ok(bytes)
    }

    /// Remembers the values of a file that something else decrypted.
    pub fn reveal(&self, text: &str) {
        let values = text.lines().map(value_on).map(str::to_owned);
        self.remember(values.filter(|value| value.len() >= HIDDEN_FROM_FILES));
    }

    /// The texts that were decrypted so far.
    pub fn revealed(&self) -> Vec<String> {
        let revealed = self.revealed.lock();
        let revealed = revealed.unwrap_or_else(PoisonError::into_inner);
        revealed.iter().cloned().collect()
    }

    fn remember(&self, texts: impl IntoIterator<Item = String>) {
        let revealed = self.revealed.lock();
        revealed
            .unwrap_or_else(PoisonError::into_inner)
            .extend(texts);
    }
}

/// The value on a line of YAML, without key, dash and quotes; the whole line where there is none.
fn value_on(line: &str) -> &str {
    let line = line.trim().trim_start_matches("- ");
    let value = line
        .split_once(": ")
        .map_or(line, |(_, value)| value)
        .trim();
    let unquoted = ['"', '\''].iter().find_map(|quote| {
        value
            .strip_prefix(*quote)
            .and_then(|rest| rest.strip_suffix(*quote))
    });
    let value = unquoted.unwrap_or(value);
    // A key alone says nothing, and neither does a template.
    if value.ends_with(':') || value.contains("{{") || value.starts_with('#') {
        ""
    } else {
        value
    }
}
