//! Reading base64, as keys and salts are written.

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
}
