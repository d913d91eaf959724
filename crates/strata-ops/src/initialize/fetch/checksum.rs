//! `?checksum=`: what an archive must hash to, as go-getter reads it: `sha256:HEX`, or the digest alone.

use std::{fs::File, io, io::Seek};

use sha2::{Digest, Sha256, Sha512};

use super::Failure;

/// What an archive must hash to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Checksum {
    algorithm: Algorithm,
    digest: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Sha256,
    Sha512,
}

impl Checksum {
    /// Reads the argument; without a name the length tells.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let (name, digest) = text.split_once(':').unwrap_or(("", text));
        let algorithm = match (name, digest.len()) {
            ("sha256", 64) | ("", 64) => Algorithm::Sha256,
            ("sha512", 128) | ("", 128) => Algorithm::Sha512,
            _ => return Err(unknown(text)),
        };
        if !digest.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(unknown(text));
        }
        Ok(Self {
            algorithm,
            digest: digest.to_ascii_lowercase(),
        })
    }

    /// Compares with a file, and goes back to its beginning.
    pub(super) fn verify(&self, file: &mut File) -> Result<(), Failure> {
        let found = match self.algorithm {
            Algorithm::Sha256 => hash::<Sha256>(file),
            Algorithm::Sha512 => hash::<Sha512>(file),
        };
        let found = found.map_err(|error| Failure::io("the archive cannot be read", &error))?;
        match found == self.digest {
            true => Ok(()),
            false => Err(Failure::new(format!(
                "The archive is not the one that was asked for: its checksum is {found}, not {}.",
                self.digest
            ))),
        }
    }
}

fn unknown(text: &str) -> Failure {
    Failure::new(format!(
        "`{text}` is no checksum that Strata can check: SHA-256 and SHA-512 in hexadecimal, as `sha256:…`."
    ))
}

fn hash<D: Digest>(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    io::Read::read_to_end(file, &mut bytes)?;
    file.rewind()?;
    let digest = D::digest(&bytes);
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn an_archive_must_be_the_one_that_was_asked_for() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"abc").unwrap();
        file.rewind().unwrap();
        let right = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        for text in [right.to_owned(), format!("sha256:{}", right.to_uppercase())] {
            Checksum::parse(&text).unwrap().verify(&mut file).unwrap();
        }
        let wrong = Checksum::parse(&right.replace('b', "c")).unwrap();
        assert!(wrong.verify(&mut file).unwrap_err().detail.contains(right));
    }

    #[test]
    fn what_cannot_be_checked_is_refused() {
        for text in [
            "",
            "md5:d41d8cd98f00b204e9800998ecf8427e",
            "sha256:12",
            "file:./sums",
        ] {
            assert!(Checksum::parse(text).is_err(), "{text}");
        }
    }
}
