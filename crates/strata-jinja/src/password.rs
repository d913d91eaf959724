//! Hashes of passwords as ansible-core 2.19 makes them: `password_hash`, `vars_prompt` and the lookup `password`.
//!
//! Where nobody names rounds there are as many as Ansible has, so that a hash with a salt of its own is the same.

use crate::{md5_crypt, sha_crypt};

/// The most that the SHA hashes can be gone around.
const MOST_ROUNDS: u32 = 999_999_999;

/// The letters of a salt in bcrypt's base64, each for its place.
const BCRYPT_LETTERS: &[u8; 64] =
    b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A way of hashing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordHash {
    /// `$2b$`, or the `ident` that is asked for.
    Bcrypt,
    /// `$1$`, for systems that know no other.
    Md5,
    /// `$5$`.
    Sha256,
    /// `$6$`.
    Sha512,
}

impl PasswordHash {
    /// The way of a name, as `hashtype` or `encrypt` have it.
    pub fn named(name: &str) -> Result<Self, String> {
        match name {
            "blowfish" | "bcrypt" => Ok(Self::Bcrypt),
            "md5" | "md5_crypt" => Ok(Self::Md5),
            "sha256" | "sha256_crypt" => Ok(Self::Sha256),
            "sha512" | "sha512_crypt" => Ok(Self::Sha512),
            other => Err(format!(
                "the password hash `{other}` is not supported by Strata, only sha512, sha256, bcrypt and md5"
            )),
        }
    }

    /// How long a salt is that nobody chose.
    pub fn salt_size(self) -> usize {
        match self {
            Self::Bcrypt => 22,
            Self::Md5 => 8,
            Self::Sha256 | Self::Sha512 => 16,
        }
    }

    /// The `ident` that is written down where none is named.
    pub fn usual_ident(self) -> Option<&'static str> {
        (self == Self::Bcrypt).then_some("2b")
    }

    /// The hash as `/etc/shadow` has it. `ident` counts for bcrypt alone.
    pub fn of(
        self,
        password: &str,
        salt: &str,
        rounds: Option<u32>,
        ident: Option<&str>,
    ) -> Result<String, String> {
        if password.contains('\0') {
            return Err("a password that is hashed cannot hold a zero byte".to_owned());
        }
        match self {
            Self::Bcrypt => bcrypt(password, salt, rounds.unwrap_or(12), ident.unwrap_or("2b")),
            Self::Md5 => md5(password, salt, rounds),
            Self::Sha256 => sha(
                sha_crypt::Kind::Sha256,
                password,
                salt,
                rounds.unwrap_or(535_000),
            ),
            Self::Sha512 => sha(
                sha_crypt::Kind::Sha512,
                password,
                salt,
                rounds.unwrap_or(656_000),
            ),
        }
    }
}

fn md5(password: &str, salt: &str, rounds: Option<u32>) -> Result<String, String> {
    if !is_salt(salt, 8) {
        return Err("a salt of md5 must be 1 to 8 letters, digits, `.` or `/`".to_owned());
    }
    match rounds {
        Some(_) => Err("md5 has no rounds to choose".to_owned()),
        None => Ok(md5_crypt::crypt(password.as_bytes(), salt)),
    }
}

fn is_salt(text: &str, most: usize) -> bool {
    let known = |byte: u8| sha_crypt::ALPHABET.contains(&byte);
    (1..=most).contains(&text.len()) && text.bytes().all(known)
}

fn sha(kind: sha_crypt::Kind, password: &str, salt: &str, rounds: u32) -> Result<String, String> {
    if !is_salt(salt, 16) {
        return Err("the salt must be 1 to 16 letters, digits, `.` or `/`".to_owned());
    }
    if !(1000..=MOST_ROUNDS).contains(&rounds) {
        return Err(format!(
            "there must be 1000 to {MOST_ROUNDS} rounds, not {rounds}"
        ));
    }
    Ok(sha_crypt::crypt(kind, password.as_bytes(), salt, rounds))
}

fn bcrypt(password: &str, salt: &str, rounds: u32, ident: &str) -> Result<String, String> {
    if !(4..=31).contains(&rounds) {
        return Err(format!("bcrypt has 4 to 31 rounds, not {rounds}"));
    }
    if !["2a", "2b", "2y"].contains(&ident) {
        return Err(format!(
            "the `ident` of bcrypt is 2a, 2b or 2y, not `{ident}`"
        ));
    }
    let salt = bcrypt_salt(salt)
        .ok_or("a salt of bcrypt must be 22 letters, digits, `.` or `/`".to_owned())?;
    let parts =
        bcrypt::hash_with_salt(password, rounds, salt).map_err(|error| error.to_string())?;
    // The variants differ in name alone where no byte is lost.
    let hash = parts.format_for_version(bcrypt::Version::TwoB);
    Ok(format!("${ident}{}", &hash[3..]))
}

/// The 16 bytes of 22 letters; what the last has beyond them does not count.
fn bcrypt_salt(text: &str) -> Option<[u8; 16]> {
    if text.len() != 22 {
        return None;
    }
    let mut bits: u32 = 0;
    let mut count = 0;
    let mut bytes = Vec::with_capacity(16);
    for letter in text.bytes() {
        let value = BCRYPT_LETTERS.iter().position(|known| *known == letter)?;
        bits = bits << 6 | u32::try_from(value).ok()?;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the filter of ansible-core 2.19.14 with passlib 1.7.4 gave.
    #[test]
    fn hashes_are_those_of_ansible() {
        let check = |kind: PasswordHash, salt: &str, rounds, ident, expected: &str| {
            assert_eq!(
                kind.of("secret", salt, rounds, ident).as_deref(),
                Ok(expected)
            );
        };
        let (sha256, sha512, bcrypt) = (
            PasswordHash::Sha256,
            PasswordHash::Sha512,
            PasswordHash::Bcrypt,
        );
        check(
            sha512,
            "saltsalt",
            Some(5000),
            None,
            "$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1",
        );
        check(
            sha512,
            "saltsalt",
            None,
            None,
            "$6$rounds=656000$saltsalt$Vg7us3Hcq8rplCTNjwvGRwObM2xyfDZZ.XP2YLQ.ii85wAq/psu28uEfoMveNszsQWMgkWRxbZm2mBBlNn3.J0",
        );
        check(
            sha256,
            "saltsalt",
            Some(1000),
            None,
            "$5$rounds=1000$saltsalt$eKLZU9t9OoPWrqOQsoTIKG0aYkZ5rGOoOQhiIvoSWX2",
        );
        check(
            bcrypt,
            "abcdefghijklmnopqrstuv",
            Some(4),
            None,
            "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
        );
        check(
            bcrypt,
            "abcdefghijklmnopqrstuv",
            Some(5),
            Some("2y"),
            "$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a",
        );
    }

    #[test]
    fn what_ansible_refuses_is_refused() {
        assert!(PasswordHash::named("des_crypt").is_err());
        let of = |kind: PasswordHash, salt: &str, rounds, ident| kind.of("x", salt, rounds, ident);
        assert!(of(PasswordHash::Sha512, "", None, None).is_err());
        assert!(of(PasswordHash::Sha512, "seventeen-letters", None, None).is_err());
        assert!(of(PasswordHash::Sha512, "salt", Some(999), None).is_err());
        assert!(of(PasswordHash::Bcrypt, "short", Some(4), None).is_err());
        assert!(
            of(
                PasswordHash::Bcrypt,
                "abcdefghijklmnopqrstuv",
                Some(3),
                None
            )
            .is_err()
        );
        assert!(
            of(
                PasswordHash::Bcrypt,
                "abcdefghijklmnopqrstuv",
                Some(4),
                Some("3")
            )
            .is_err()
        );
    }
}
