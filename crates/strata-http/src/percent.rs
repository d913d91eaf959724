//! Percent-encoding of names in paths, queries and forms.

use std::fmt::Write;

/// Percent-encodes all but the unreserved characters of RFC 3986, section 2.3.
pub fn encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                into.push(byte as char);
            }
            byte => write!(into, "%{byte:02X}").expect("writing to a string cannot fail"),
        }
    }
}

/// Undoes percent-encoding; `plus` says that `+` stands for a space, as in forms.
///
/// What is no valid code stays as it is; what is no UTF-8 becomes replacement characters.
#[must_use]
pub fn decode(text: &str, plus: bool) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = text
            .get(at + 1..at + 3)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], hex) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                at += 2;
            }
            (b'+', _) if plus => decoded.push(b' '),
            (byte, _) => decoded.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_encoded_is_decoded() {
        let mut text = String::new();
        encode("a/b c~ü", &mut text);
        assert_eq!(text, "a%2Fb%20c~%C3%BC");
        assert_eq!(decode(&text, false), "a/b c~ü");
    }

    #[test]
    fn what_is_no_code_stays() {
        assert_eq!(decode("a+b%zz%", true), "a b%zz%");
        assert_eq!(decode("a+b", false), "a+b");
    }
}
