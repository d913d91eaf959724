//! The cipher: AES-256 in counter mode, its keys derived from a password, a check sum over what it gives.

use aes::Aes256;
use ctr::{
    Ctr128BE,
    cipher::{KeyIvInit, StreamCipher},
};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::VaultError;

/// How often the password is hashed.
const ROUNDS: u32 = 10_000;

/// The block of the padding, in bytes.
const BLOCK: usize = 16;

/// The two keys and the first counter of a password and a salt.
struct Keys {
    cipher: [u8; 32],
    check: [u8; 32],
    counter: [u8; 16],
}

fn derive(password: &[u8], salt: &[u8]) -> Keys {
    let mut derived = [0; 80];
    pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, ROUNDS, &mut derived);
    let part = |from: usize| -> [u8; 32] {
        let mut part = [0; 32];
        part.copy_from_slice(&derived[from..from + 32]);
        part
    };
    let mut counter = [0; 16];
    counter.copy_from_slice(&derived[64..]);
    Keys {
        cipher: part(0),
        check: part(32),
        counter,
    }
}

fn check_sum(key: &[u8; 32]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("a key of any length is good")
}

/// What a text becomes: the check sum and the encrypted bytes.
pub(super) fn encrypt(text: &[u8], password: &[u8], salt: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let keys = derive(password, salt);
    let padding = BLOCK - text.len() % BLOCK;
    let mut bytes = text.to_vec();
    bytes.resize(text.len() + padding, padding as u8);
    Ctr128BE::<Aes256>::new(&keys.cipher.into(), &keys.counter.into()).apply_keystream(&mut bytes);
    let mut sum = check_sum(&keys.check);
    sum.update(&bytes);
    (sum.finalize().into_bytes().to_vec(), bytes)
}

/// The text again; [`VaultError::WrongPassword`] if the check sum says no.
pub(super) fn decrypt(
    bytes: &[u8],
    sum: &[u8],
    password: &[u8],
    salt: &[u8],
) -> Result<Vec<u8>, VaultError> {
    let keys = derive(password, salt);
    let mut expected = check_sum(&keys.check);
    expected.update(bytes);
    expected
        .verify_slice(sum)
        .map_err(|_| VaultError::WrongPassword)?;
    let mut text = bytes.to_vec();
    Ctr128BE::<Aes256>::new(&keys.cipher.into(), &keys.counter.into()).apply_keystream(&mut text);
    let padding = usize::from(*text.last().ok_or(VaultError::Damaged("it is empty"))?);
    if padding == 0 || padding > BLOCK || padding > text.len() {
        return Err(VaultError::Damaged("its padding is wrong"));
    }
    text.truncate(text.len() - padding);
    Ok(text)
}
