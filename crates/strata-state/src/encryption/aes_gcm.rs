//! AES-GCM: the nonce of 12 bytes, the text, the tag of 16 bytes.

use aws_lc_rs::aead::{
    AES_128_GCM, AES_192_GCM, AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey,
};

fn key(bytes: &[u8]) -> Result<LessSafeKey, String> {
    let algorithm = match bytes.len() {
        16 => &AES_128_GCM,
        24 => &AES_192_GCM,
        32 => &AES_256_GCM,
        length => {
            return Err(format!(
                "AES-GCM takes keys of 16, 24 or 32 bytes, not of {length}"
            ));
        }
    };
    let key = UnboundKey::new(algorithm, bytes).map_err(|_| "the key is not taken".to_owned())?;
    Ok(LessSafeKey::new(key))
}

/// Encrypts under a nonce that is new each time.
pub(super) fn seal(bytes: &[u8], aad: &[u8], plain: &[u8]) -> Result<Vec<u8>, String> {
    let mut nonce = [0; NONCE_LEN];
    aws_lc_rs::rand::fill(&mut nonce).map_err(|_| "the system gives no random numbers")?;
    let mut text = plain.to_vec();
    key(bytes)?
        .seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(aad),
            &mut text,
        )
        .map_err(|_| "it is too long to be encrypted".to_owned())?;
    Ok([&nonce[..], &text].concat())
}

/// Decrypts what [`seal`] gave.
pub(super) fn unseal(bytes: &[u8], aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, String> {
    let (nonce, text) = sealed
        .split_first_chunk::<NONCE_LEN>()
        .ok_or("the encrypted data are cut off")?;
    let mut text = text.to_vec();
    let plain = key(bytes)?
        .open_in_place(
            Nonce::assume_unique_for_key(*nonce),
            Aad::from(aad),
            &mut text,
        )
        .map_err(|_| "the key is another one, or the data were changed".to_owned())?;
    Ok(plain.to_vec())
}
