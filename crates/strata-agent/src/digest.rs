//! Names of contents: sha256 as we use it, sha1 and others as modules return or take them.

use std::io::{self, Read};

use sha2::Digest;

/// Writes bytes in lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let pairs = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    pairs
        .map(|digit| DIGITS[usize::from(digit)] as char)
        .collect()
}

/// The sha256 of bytes in memory.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&sha2::Sha256::digest(bytes))
}

/// The sha1 of bytes in memory.
pub fn sha1(bytes: &[u8]) -> String {
    hex(&sha1::Sha1::digest(bytes))
}

/// The md5 of bytes in memory.
pub fn md5(bytes: &[u8]) -> String {
    hex(&md5::Md5::digest(bytes))
}

/// The digest of a stream by an algorithm's name as Ansible spells it; `None` for a name that is
/// not known.
pub fn of_stream(algorithm: &str, input: &mut dyn Read) -> io::Result<Option<String>> {
    match algorithm {
        "md5" => run::<md5::Md5>(input).map(Some),
        "sha1" => run::<sha1::Sha1>(input).map(Some),
        "sha224" => run::<sha2::Sha224>(input).map(Some),
        "sha256" => run::<sha2::Sha256>(input).map(Some),
        "sha384" => run::<sha2::Sha384>(input).map(Some),
        "sha512" => run::<sha2::Sha512>(input).map(Some),
        _ => Ok(None),
    }
}

fn run<D: Digest>(input: &mut dyn Read) -> io::Result<String> {
    let mut digest = D::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match input.read(&mut buffer)? {
            0 => return Ok(hex(&digest.finalize())),
            count => digest.update(&buffer[..count]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_coreutils() {
        let check = |name, expected: &str| {
            assert_eq!(
                of_stream(name, &mut &b"abc"[..]).unwrap().as_deref(),
                Some(expected)
            );
        };
        check("md5", "900150983cd24fb0d6963f7d28e17f72");
        check("sha1", "a9993e364706816aba3e25717850c26c9cd0d89d");
        check(
            "sha256",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        );
        assert_eq!(of_stream("crc32", &mut &b"abc"[..]).unwrap(), None);
    }
}
