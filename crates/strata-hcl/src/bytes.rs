//! Files whose comments are in another encoding than UTF-8, such as Latin-1 or Shift JIS.
//!
//! Terraform reads such files, and `terraform fmt` leaves the bytes as they are. Here each byte that is no part of
//! a character is a letter from the last private area of Unicode while the file is worked on.

use crate::format::in_comments_before_code;

/// The letter that byte 0 would be.
const FIRST: u32 = 0x10_F000;

/// The text of a file in native syntax. Fails with the place of the first byte that is no part of a character and
/// stands outside of comments.
pub fn decode(bytes: &[u8]) -> Result<String, usize> {
    let first = match str::from_utf8(bytes) {
        Ok(text) => return Ok(text.to_owned()),
        Err(error) => error.valid_up_to(),
    };
    let mut text = String::with_capacity(bytes.len());
    let (mut at, mut places) = (0, Vec::new());
    for chunk in bytes.utf8_chunks() {
        if chunk.valid().chars().any(|c| byte_of(c).is_some()) {
            return Err(first);
        }
        text.push_str(chunk.valid());
        at += chunk.valid().len();
        for byte in chunk.invalid() {
            places.push(at);
            text.extend(char::from_u32(FIRST + u32::from(*byte)));
            at += 1;
        }
    }
    match in_comments_before_code(&text, |c| byte_of(c).is_some()) {
        None => Ok(text),
        Some(before) => Err(places.get(before).copied().unwrap_or(first)),
    }
}

/// The bytes of a text that [`decode`] made of something else than UTF-8, or that was made of such a text.
pub fn encode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match byte_of(c) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

/// The byte that a letter stands for.
fn byte_of(c: char) -> Option<u8> {
    u8::try_from(u32::from(c).checked_sub(FIRST)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_other_encodings_may_stand_in_comments() {
        for file in [
            &b"# caf\xe9\na = 1\n"[..],
            b"a = 1 // \x83\x65\x83X\x83g\n/* \xff */\n",
            "# café\n".as_bytes(),
        ] {
            let text = decode(file).expect("its comments may be so");
            assert_eq!(encode(&text), file);
        }
    }

    #[test]
    fn elsewhere_they_are_a_mistake() {
        for (file, at) in [
            (&b"a = \"caf\xe9\"\n"[..], 8),
            (b"# \xe9\n\xe9 = 1\n", 4),
            (b"a = \xff\n", 4),
        ] {
            assert_eq!(decode(file), Err(at));
        }
    }
}
