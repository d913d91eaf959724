//! Passwords as PostgreSQL keeps them: `SCRAM-SHA-256$<iterations>:<salt>$<stored>:<server>`.

use sha2::Digest;

use crate::base64;

/// Whether a kept password is that of a plain one; none where it is not kept this way.
pub(super) fn is_kept(kept: &str, password: &str) -> Option<bool> {
    let rest = kept.strip_prefix("SCRAM-SHA-256$")?;
    let (head, keys) = rest.split_once('$')?;
    let (iterations, salt) = head.split_once(':')?;
    let (_, server_key) = keys.split_once(':')?;
    let iterations: u32 = iterations
        .parse()
        .ok()
        .filter(|count| *count <= 1_000_000)?;
    let salted = pbkdf2(password.as_bytes(), &base64::decode(salt)?, iterations);
    Some(hmac(&salted, b"Server Key")[..] == base64::decode(server_key)?[..])
}

/// One block of PBKDF2 (RFC 8018, 5.2), which is all that a key of this size needs.
fn pbkdf2(password: &[u8], salt: &[u8], iterations: u32) -> [u8; 32] {
    let mut first = salt.to_vec();
    first.extend_from_slice(&1_u32.to_be_bytes());
    let mut block = hmac(password, &first);
    let mut sum = block;
    for _ in 1..iterations {
        block = hmac(password, &block);
        for (byte, more) in sum.iter_mut().zip(block) {
            *byte ^= more;
        }
    }
    sum
}

/// HMAC (RFC 2104) with SHA-256.
fn hmac(key: &[u8], text: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; 64];
    if key.len() > 64 {
        block[..32].copy_from_slice(&sha2::Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let padded = |with: u8| block.map(|byte| byte ^ with);
    let inner = sha2::Sha256::new().chain_update(padded(0x36));
    let inner = inner.chain_update(text).finalize();
    let outer = sha2::Sha256::new().chain_update(padded(0x5c));
    outer.chain_update(inner).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7677: user `user`, password `pencil`.
    #[test]
    fn a_kept_password_is_recognised() {
        let kept = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
        assert_eq!(is_kept(kept, "pencil"), Some(true));
        assert_eq!(is_kept(kept, "pen"), Some(false));
        assert_eq!(is_kept("md5abc", "x"), None);
    }
}
