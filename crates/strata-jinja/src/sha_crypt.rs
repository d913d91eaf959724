//! Password hashes of the `$5$` and `$6$` kinds, after Ulrich Drepper's specification "Unix crypt using SHA-256 and SHA-512".

use sha2::{Digest, Sha256, Sha512};

/// The letters of salts and hashes.
pub(crate) const ALPHABET: &[u8; 64] =
    b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The rounds that are written down only if there are others.
const USUAL_ROUNDS: u32 = 5000;

/// Which hash is used.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Sha256,
    Sha512,
}

impl Kind {
    fn digest(self, parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Sha256 => digest_of::<Sha256>(parts),
            Self::Sha512 => digest_of::<Sha512>(parts),
        }
    }
}

fn digest_of<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
    let mut digest = D::new();
    parts.iter().for_each(|part| digest.update(part));
    digest.finalize().to_vec()
}

/// The hash as `/etc/shadow` has it.
pub(crate) fn crypt(kind: Kind, password: &[u8], salt: &str, rounds: u32) -> String {
    let hash = hash(kind, password, salt.as_bytes(), rounds);
    let mark = if kind == Kind::Sha512 { "$6$" } else { "$5$" };
    let named = match rounds {
        USUAL_ROUNDS => String::new(),
        rounds => format!("rounds={rounds}$"),
    };
    format!("{mark}{named}{salt}${}", encoded(kind, &hash))
}

/// The first `length` bytes of a digest repeated without end.
fn stretched(digest: &[u8], length: usize) -> Vec<u8> {
    digest.iter().copied().cycle().take(length).collect()
}

fn hash(kind: Kind, password: &[u8], salt: &[u8], rounds: u32) -> Vec<u8> {
    let b = kind.digest(&[password, salt, password]);
    let mut first = [password, salt, &stretched(&b, password.len())].concat();
    let mut bits = password.len();
    while bits > 0 {
        first.extend(if bits & 1 == 1 {
            b.as_slice()
        } else {
            password
        });
        bits >>= 1;
    }
    let a = kind.digest(&[&first]);
    let dp = kind.digest(&[&password.repeat(password.len())]);
    let p = stretched(&dp, password.len());
    let ds = kind.digest(&[&salt.repeat(16 + usize::from(a[0]))]);
    let s = stretched(&ds, salt.len());
    (0..rounds).fold(a, |previous, round| {
        let odd = round & 1 == 1;
        let nothing: &[u8] = &[];
        kind.digest(&[
            if odd { &p } else { &previous },
            if round % 3 == 0 { nothing } else { &s },
            if round % 7 == 0 { nothing } else { &p },
            if odd { &previous } else { &p },
        ])
    })
}

/// The hash in letters, in the order of bytes that the specification lists.
fn encoded(kind: Kind, hash: &[u8]) -> String {
    let mut out = String::new();
    let byte = |at: usize| u32::from(hash[at]);
    let mut push = |value: u32, letters: usize| {
        for at in 0..letters {
            out.push(char::from(ALPHABET[(value >> (6 * at) & 0x3f) as usize]));
        }
    };
    match kind {
        Kind::Sha512 => {
            let mut order = [0, 21, 42];
            for _ in 0..21 {
                push(
                    byte(order[0]) << 16 | byte(order[1]) << 8 | byte(order[2]),
                    4,
                );
                order = [order[1] + 1, order[2] + 1, order[0] + 1];
            }
            push(byte(63), 2);
        }
        Kind::Sha256 => {
            let mut order = [0, 10, 20];
            for _ in 0..10 {
                push(
                    byte(order[0]) << 16 | byte(order[1]) << 8 | byte(order[2]),
                    4,
                );
                order = [order[2] + 1, order[0] + 1, order[1] + 1];
            }
            push(byte(31) << 8 | byte(30), 3);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_of_the_specification() {
        assert_eq!(
            crypt(Kind::Sha512, b"Hello world!", "saltstring", 5000),
            "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"
        );
        assert_eq!(
            crypt(Kind::Sha256, b"Hello world!", "saltstring", 5000),
            "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"
        );
    }
}
