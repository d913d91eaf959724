//! Base64, as keys, salts and contents are written.

/// The bytes that a text stands for; white space counts for nothing, and anything else that is not
/// base64 makes it none.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    let digits = text.bytes().filter(|c| !c.is_ascii_whitespace());
    for digit in digits.take_while(|c| *c != b'=') {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count & 0xff) as u8);
        }
    }
    Some(bytes)
}

/// Writes bytes in one line, with `=` at the end where it needs them.
pub fn encode(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * at) & 63) as usize] as char;
            text.push(if at <= chunk.len() { letter } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back() {
        let check =
            |text: &str, expected: &[u8]| assert_eq!(decode(text).as_deref(), Some(expected));
        check("", b"");
        check("YQ==", b"a");
        check("YWI=", b"ab");
        check("YW\nJj", b"abc");
        check("//79", &[255, 254, 253]);
        assert_eq!(decode("a*b"), None);
    }

    #[test]
    fn bytes_are_written_as_the_rfc_shows() {
        let check = |bytes: &[u8], expected| assert_eq!(encode(bytes), expected);
        check(b"", "");
        check(b"f", "Zg==");
        check(b"fo", "Zm8=");
        check(b"foo", "Zm9v");
        check(b"foob", "Zm9vYg==");
        check(&[0xff, 0xfe, 0xfd], "//79");
    }
}
