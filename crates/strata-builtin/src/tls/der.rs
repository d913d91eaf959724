//! Writing ASN.1 in DER: values inside out, as bytes. Reading is yasna's.

/// A value with a tag.
pub(super) fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    let length = content.len().to_be_bytes();
    let length = &length[content.len().leading_zeros() as usize / 8..];
    match content.len() {
        0..=127 => bytes.push(content.len() as u8),
        _ => {
            bytes.push(0x80 | length.len() as u8);
            bytes.extend(length);
        }
    }
    bytes.extend(content);
    bytes
}

/// `SEQUENCE`.
pub(super) fn sequence(items: &[Vec<u8>]) -> Vec<u8> {
    tagged(0x30, &items.concat())
}

/// `SET` of one.
pub(super) fn set_of_one(item: &[u8]) -> Vec<u8> {
    tagged(0x31, item)
}

/// A value of this number in its context, made of others.
pub(super) fn context(number: u8, content: &[u8]) -> Vec<u8> {
    tagged(0xa0 | number, content)
}

/// A value of this number in its context, made of bytes.
pub(super) fn context_bytes(number: u8, content: &[u8]) -> Vec<u8> {
    tagged(0x80 | number, content)
}

/// `INTEGER`, of the bytes of a number that is not negative.
pub(super) fn integer(bytes: &[u8]) -> Vec<u8> {
    tagged(0x02, &with_sign(bytes))
}

/// The bytes of a number without needless zeros, but one where the first bit would make it negative.
pub(super) fn with_sign(bytes: &[u8]) -> Vec<u8> {
    let from = bytes
        .iter()
        .position(|byte| *byte != 0)
        .unwrap_or(bytes.len());
    let bytes = &bytes[from..];
    match bytes.first() {
        Some(first) if first & 0x80 == 0 => bytes.to_vec(),
        _ => [&[0], bytes].concat(),
    }
}

/// `OCTET STRING`.
pub(super) fn octets(bytes: &[u8]) -> Vec<u8> {
    tagged(0x04, bytes)
}

/// `BIT STRING` of whole bytes.
pub(super) fn bits(bytes: &[u8]) -> Vec<u8> {
    tagged(0x03, &[&[0], bytes].concat())
}

/// `BOOLEAN` that is true.
pub(super) fn yes() -> Vec<u8> {
    tagged(0x01, &[0xff])
}

/// `NULL`.
pub(super) fn null() -> Vec<u8> {
    tagged(0x05, &[])
}

/// `OBJECT IDENTIFIER`.
pub(super) fn oid(parts: &[u64]) -> Vec<u8> {
    let mut content = Vec::new();
    let (first, rest) = parts.split_at(parts.len().min(2));
    let first = first.iter().fold(0, |sum, part| sum * 40 + part);
    for part in std::iter::once(&first).chain(rest) {
        let mut digits = vec![(part & 0x7f) as u8];
        let mut part = part >> 7;
        while part > 0 {
            digits.push(0x80 | (part & 0x7f) as u8);
            part >>= 7;
        }
        content.extend(digits.iter().rev());
    }
    tagged(0x06, &content)
}

/// Text: a `PrintableString` if it can be one, else a `UTF8String`.
pub(super) fn text(text: &str) -> Vec<u8> {
    let printable = |c: char| c.is_ascii_alphanumeric() || " '()+,-./:=?".contains(c);
    tagged(
        if text.chars().all(printable) {
            0x13
        } else {
            0x0c
        },
        text.as_bytes(),
    )
}

/// `IA5String`.
pub(super) fn ascii(text: &str) -> Vec<u8> {
    tagged(0x16, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_as_the_standard_has_them() {
        assert_eq!(
            oid(&[1, 2, 840, 113549]),
            [0x06, 6, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d]
        );
        assert_eq!(oid(&[2, 5, 29, 37, 0]), [0x06, 4, 0x55, 29, 37, 0]);
        assert_eq!(integer(&[0, 0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(integer(&[0]), [2, 1, 0]);
        assert_eq!(octets(&[7; 200])[..3], [4, 0x81, 200]);
        assert_eq!(octets(&[7; 300])[..4], [4, 0x82, 1, 44]);
        assert_eq!((text("a b")[0], text("a_b")[0]), (0x13, 0x0c));
    }
}
