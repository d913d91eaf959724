//! The encodings in which text files are read and written, by Python's names.
//!
//! A file that says to be UTF-8 and is not all of it can be edited all the same: each byte that is no text stands as a
//! private character while the text is worked on, and is the same byte again afterwards (Python's `surrogateescape`).

use crate::arguments::Arguments;
use crate::module::ModuleError;

/// One of the encodings that files of hosts are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum Encoding {
    #[default]
    Utf8,
    /// With a mark of three bytes before the text.
    Utf8Marked,
    Ascii,
    Latin1,
    /// ISO 8859-15, which has the euro.
    Latin9,
    Windows1252,
    /// With a mark of the order of bytes; little-endian where we write it.
    Utf16,
    Utf16LittleEndian,
    Utf16BigEndian,
}

/// Bytes that are no text: 0x80 is the first of 128 characters that nobody uses.
const FIRST_ESCAPE: u32 = 0x10_FF00;

/// What windows-1252 has from 0x80 on, zero where it has nothing.
const WINDOWS: [u16; 32] = [
    0x20AC, 0, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039,
    0x0152, 0, 0x017D, 0, 0, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC,
    0x2122, 0x0161, 0x203A, 0x0153, 0, 0x017E, 0x0178,
];

/// Where ISO 8859-15 is not ISO 8859-1.
const NINTH: [(u8, u16); 8] = [
    (0xA4, 0x20AC),
    (0xA6, 0x0160),
    (0xA8, 0x0161),
    (0xB4, 0x017D),
    (0xB8, 0x017E),
    (0xBC, 0x0152),
    (0xBD, 0x0153),
    (0xBE, 0x0178),
];

/// The encoding that an argument names; UTF-8 where it is not given.
pub fn read(arguments: &Arguments, argument: &str) -> Result<Encoding, ModuleError> {
    let Some(name) = arguments.filled(argument) else {
        return Ok(Encoding::Utf8);
    };
    Encoding::named(&name)
        .ok_or_else(|| ModuleError::new(format!("`{argument}: {name}` is not supported by Strata")))
}

impl Encoding {
    /// Finds one by any of the names that Python knows it by.
    pub fn named(name: &str) -> Option<Encoding> {
        let name = name.trim().to_lowercase().replace(['_', ' '], "-");
        Some(match name.as_str() {
            "utf-8" | "utf8" | "utf" | "u8" | "cp65001" => Encoding::Utf8,
            "utf-8-sig" | "utf8-sig" => Encoding::Utf8Marked,
            "ascii" | "us-ascii" | "646" => Encoding::Ascii,
            "latin-1" | "latin1" | "latin" | "l1" | "iso-8859-1" | "iso8859-1" | "8859"
            | "cp819" => Encoding::Latin1,
            "iso-8859-15" | "iso8859-15" | "latin-9" | "latin9" | "l9" => Encoding::Latin9,
            "cp1252" | "windows-1252" | "1252" => Encoding::Windows1252,
            "utf-16" | "utf16" | "u16" => Encoding::Utf16,
            "utf-16-le" | "utf-16le" | "utf16-le" => Encoding::Utf16LittleEndian,
            "utf-16-be" | "utf-16be" | "utf16-be" => Encoding::Utf16BigEndian,
            _ => return None,
        })
    }

    /// The text of some bytes; none where they are no such text.
    pub fn decode(self, bytes: &[u8]) -> Option<String> {
        match self {
            Encoding::Utf8 => escaped(bytes),
            Encoding::Utf8Marked => escaped(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)),
            Encoding::Utf16 => match bytes {
                [0xFE, 0xFF, rest @ ..] => wide(rest, u16::from_be_bytes),
                [0xFF, 0xFE, rest @ ..] => wide(rest, u16::from_le_bytes),
                bytes => wide(bytes, u16::from_le_bytes),
            },
            Encoding::Utf16LittleEndian => wide(bytes, u16::from_le_bytes),
            Encoding::Utf16BigEndian => wide(bytes, u16::from_be_bytes),
            _ => bytes.iter().map(|byte| self.character(*byte)).collect(),
        }
    }

    /// The bytes of a text; none where the encoding lacks a character of it.
    pub fn encode(self, text: &str) -> Option<Vec<u8>> {
        let units = || text.encode_utf16();
        Some(match self {
            Encoding::Utf8 => unescaped(text),
            Encoding::Utf8Marked => [b"\xEF\xBB\xBF".to_vec(), unescaped(text)].concat(),
            Encoding::Utf16 => {
                let marked = std::iter::once(0xFEFF).chain(units());
                marked.flat_map(u16::to_le_bytes).collect()
            }
            Encoding::Utf16LittleEndian => units().flat_map(u16::to_le_bytes).collect(),
            Encoding::Utf16BigEndian => units().flat_map(u16::to_be_bytes).collect(),
            _ => return text.chars().map(|c| self.byte(c)).collect(),
        })
    }

    /// The character of one byte, where each byte is one.
    fn character(self, byte: u8) -> Option<char> {
        let other = match self {
            Encoding::Ascii if byte >= 0x80 => return None,
            Encoding::Windows1252 if (0x80..0xA0).contains(&byte) => {
                Some(WINDOWS[usize::from(byte) - 0x80]).filter(|code| *code != 0)?
            }
            Encoding::Latin9 => {
                let different = NINTH.iter().find(|(at, _)| *at == byte);
                different.map_or(u16::from(byte), |(_, code)| *code)
            }
            _ => u16::from(byte),
        };
        char::from_u32(u32::from(other))
    }

    fn byte(self, character: char) -> Option<u8> {
        // Most characters are at their own place.
        let own = u8::try_from(u32::from(character)).ok();
        let is_own = |byte: &u8| self.character(*byte) == Some(character);
        own.filter(is_own).or_else(|| (0x80..=0xFF).find(is_own))
    }
}

fn wide(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
    String::from_utf16(&units).ok().filter(|_| rest.is_empty())
}

/// UTF-8 with each other byte as a private character; none where such a character is there already.
fn escaped(bytes: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        if chunk.valid().chars().any(|c| escape(c).is_some()) {
            return None;
        }
        text.push_str(chunk.valid());
        let private = chunk.invalid().iter();
        text.extend(
            private.filter_map(|byte| char::from_u32(FIRST_ESCAPE + u32::from(*byte) - 0x80)),
        );
    }
    Some(text)
}

/// The byte that a private character stands for.
fn escape(character: char) -> Option<u8> {
    let offset = u32::from(character).checked_sub(FIRST_ESCAPE)?;
    u8::try_from(offset).ok()?.checked_add(0x80)
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        match escape(character) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, bytes: &[u8], text: &str) {
        let encoding = Encoding::named(name).unwrap();
        assert_eq!(encoding.decode(bytes).as_deref(), Some(text), "{name}");
        assert_eq!(encoding.encode(text).as_deref(), Some(bytes), "{name}");
    }

    #[test]
    fn texts_are_the_bytes_that_python_makes_of_them() {
        check("UTF_8", "aü€".as_bytes(), "aü€");
        check("utf-8-sig", b"\xEF\xBB\xBFa", "a");
        check("latin-1", b"a\xFC\x80", "aü\u{80}");
        check("iso-8859-15", b"\xA4\xFC", "€ü");
        check("cp1252", b"\x80\x93a\xFC", "€“aü");
        check("utf-16", b"\xFF\xFEa\0\xAC\x20", "a€");
        check("utf-16-be", b"\0a\x20\xAC", "a€");
        check("utf-16-le", b"=\xD8\0\xDE", "😀");
    }

    #[test]
    fn what_an_encoding_lacks_is_told() {
        assert_eq!(Encoding::Latin1.encode("€"), None);
        assert_eq!(Encoding::Ascii.decode(b"\x80"), None);
        assert_eq!(Encoding::Windows1252.decode(b"\x81"), None);
        assert_eq!(Encoding::Utf16LittleEndian.decode(b"abc"), None);
        assert_eq!(Encoding::named("klingon"), None);
    }

    #[test]
    fn bytes_that_are_no_text_stay_as_they_are() {
        let bytes = b"a\xFC\n\xC3\xBC\xFF\x80\xE2\x82";
        let text = Encoding::Utf8.decode(bytes).unwrap();
        assert!(text.contains("ü") && text.chars().count() == 8, "{text:?}");
        assert_eq!(Encoding::Utf8.encode(&text).unwrap(), bytes);
        assert_eq!(Encoding::Utf8.decode("\u{10FF01}".as_bytes()), None);
    }
}
