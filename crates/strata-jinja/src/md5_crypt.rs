//! Password hashes of the `$1$` kind, as crypt(3) of BSD has them: for systems that know no other.

use crate::{digest::md5, sha_crypt::ALPHABET};

/// How often the hash goes around; there is no other number.
const ROUNDS: usize = 1000;

/// The bytes in the order in which they are written, three together.
const ORDER: [[usize; 3]; 5] = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]];

/// The hash as `/etc/shadow` has it; of the salt there are 8 letters at most.
pub(crate) fn crypt(password: &[u8], salt: &str) -> String {
    let hash = (0..ROUNDS).fold(first(password, salt.as_bytes()), |hash, round| {
        let odd = round % 2 == 1;
        let mut message = if odd { password } else { &hash[..] }.to_vec();
        if round % 3 != 0 {
            message.extend(salt.as_bytes());
        }
        if round % 7 != 0 {
            message.extend(password);
        }
        message.extend(if odd { &hash[..] } else { password });
        md5(&message)
    });
    format!("$1${salt}${}", written(&hash))
}

/// What the rounds begin with.
fn first(password: &[u8], salt: &[u8]) -> [u8; 16] {
    let inner = md5(&[password, salt, password].concat());
    let mut message = [password, b"$1$", salt].concat();
    message.extend(inner.iter().cycle().take(password.len()));
    let mut bits = password.len();
    while bits > 0 {
        message.push(if bits % 2 == 1 { 0 } else { password[0] });
        bits /= 2;
    }
    md5(&message)
}

fn written(hash: &[u8; 16]) -> String {
    let letters = |value: usize, count: usize| {
        (0..count).map(move |at| char::from(ALPHABET[value >> (6 * at) & 63]))
    };
    let byte = |at: usize| usize::from(hash[at]);
    let groups = ORDER.iter();
    let groups = groups.map(|[a, b, c]| byte(*a) << 16 | byte(*b) << 8 | byte(*c));
    let groups = groups.flat_map(|value| letters(value, 4));
    groups.chain(letters(byte(11), 2)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What passlib 1.7.4 gives.
    #[test]
    fn hashes_are_those_of_passlib() {
        let of = |password: &str, salt: &str| crypt(password.as_bytes(), salt);
        assert_eq!(
            of("secret", "saltsalt"),
            "$1$saltsalt$9xy1btjgzLYfb7hivXtC//"
        );
        assert_eq!(
            of("a longer password with words", "ab"),
            "$1$ab$GUCNZ2Uu3nfWyX6G9g2a1/"
        );
    }
}
