//! Text in other encodings than UTF-8, as base64.

use base64::{Engine, engine::general_purpose::STANDARD};
use strata_core::Value;

use super::{Context, Function, FunctionError, Given, Kind, Parameter, Result_, Returns, text};

const ENCODING: Parameter = Parameter::new("encoding", Kind::String);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "textdecodebase64",
        &[Parameter::new("source", Kind::String), ENCODING],
        Returns::String,
        "Reads base64 of text in an encoding.",
        decode,
    ),
    Function::new(
        "textencodebase64",
        &[Parameter::new("string", Kind::String), ENCODING],
        Returns::String,
        "Writes text in an encoding, as base64.",
        encode,
    ),
];

#[derive(Clone, Copy)]
enum Encoding {
    Utf8,
    /// With a byte order mark, the high byte first.
    Utf16,
    Utf16Big,
    Utf16Little,
    Latin1,
    Ascii,
    /// One of those that browsers have, too.
    Other(&'static encoding_rs::Encoding),
}

/// The names that IANA gives encodings which the library has under the same label.
const OTHERS: [&str; 33] = [
    "big5",
    "euc-jp",
    "euc-kr",
    "gb18030",
    "gbk",
    "ibm866",
    "iso-2022-jp",
    "iso-8859-2",
    "iso-8859-3",
    "iso-8859-4",
    "iso-8859-5",
    "iso-8859-6",
    "iso-8859-7",
    "iso-8859-8",
    "iso-8859-10",
    "iso-8859-13",
    "iso-8859-14",
    "iso-8859-15",
    "iso-8859-16",
    "koi8-r",
    "koi8-u",
    "macintosh",
    "shift_jis",
    "windows-874",
    "windows-1250",
    "windows-1251",
    "windows-1252",
    "windows-1253",
    "windows-1254",
    "windows-1255",
    "windows-1256",
    "windows-1257",
    "windows-1258",
];

fn encoding(name: &str) -> Result<Encoding, FunctionError> {
    let lower = name.to_ascii_lowercase();
    let known = OTHERS.contains(&lower.as_str());
    if let Some(other) = encoding_rs::Encoding::for_label(lower.as_bytes()).filter(|_| known) {
        return Ok(Encoding::Other(other));
    }
    Ok(match lower.as_str() {
        "utf-8" => Encoding::Utf8,
        "utf-16" => Encoding::Utf16,
        "utf-16be" => Encoding::Utf16Big,
        "utf-16le" => Encoding::Utf16Little,
        "iso-8859-1" | "iso_8859-1" | "iso_8859-1:1987" | "latin1" | "l1" | "csisolatin1" => {
            Encoding::Latin1
        }
        "us-ascii" | "iso646-us" | "csascii" => Encoding::Ascii,
        _ => {
            let message = format!(
                "{name:?} is not a supported IANA encoding name or alias in this Terraform version"
            );
            return Err(FunctionError::argument(1, message));
        }
    })
}

impl Encoding {
    /// The name that IANA gives it.
    fn name(self) -> &'static str {
        match self {
            Encoding::Utf8 => "UTF-8",
            Encoding::Utf16 => "UTF-16",
            Encoding::Utf16Big => "UTF-16BE",
            Encoding::Utf16Little => "UTF-16LE",
            Encoding::Latin1 => "ISO_8859-1:1987",
            Encoding::Ascii => "US-ASCII",
            Encoding::Other(other) => other.name(),
        }
    }
}

fn encode(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let source = text(given, 0);
    let units = |mark: Option<u16>| mark.into_iter().chain(source.encode_utf16());
    let encoding = encoding(text(given, 1))?;
    let bytes: Vec<u8> = match encoding {
        Encoding::Utf8 => source.as_bytes().to_vec(),
        Encoding::Utf16 => units(Some(0xfeff)).flat_map(u16::to_be_bytes).collect(),
        Encoding::Utf16Big => units(None).flat_map(u16::to_be_bytes).collect(),
        Encoding::Utf16Little => units(None).flat_map(u16::to_le_bytes).collect(),
        Encoding::Latin1 => {
            let bytes: Option<Vec<u8>> = source.chars().map(|c| u8::try_from(c).ok()).collect();
            bytes.ok_or_else(|| no_place(encoding))?
        }
        Encoding::Ascii if source.is_ascii() => source.as_bytes().to_vec(),
        Encoding::Ascii => return Err(no_place(encoding)),
        Encoding::Other(other) => match other.encode(source) {
            (bytes, _, false) => bytes.into_owned(),
            _ => return Err(no_place(encoding)),
        },
    };
    Ok(Value::from(STANDARD.encode(bytes)))
}

fn no_place(encoding: Encoding) -> FunctionError {
    let name = encoding.name();
    let message =
        format!("the given string contains characters that cannot be represented in {name}");
    FunctionError::argument(0, message)
}

fn decode(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let encoding = encoding(text(given, 1))?;
    let compact = text(given, 0).replace(['\n', '\r'], "");
    let bytes = STANDARD.decode(compact).map_err(|error| {
        let at = match error {
            base64::DecodeError::InvalidByte(at, _) => at,
            _ => 0,
        };
        // The words, and their mistake, are Terraform's.
        let message = format!("the given value is has an invalid base64 symbol at offset {at}");
        FunctionError::argument(0, message)
    })?;
    let decoded = match encoding {
        Encoding::Utf8 => String::from_utf8(bytes).ok(),
        Encoding::Utf16 => match bytes.as_slice() {
            [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
            [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
            bytes => utf16(bytes, u16::from_be_bytes),
        },
        Encoding::Utf16Big => utf16(&bytes, u16::from_be_bytes),
        Encoding::Utf16Little => utf16(&bytes, u16::from_le_bytes),
        Encoding::Latin1 => Some(bytes.into_iter().map(char::from).collect()),
        Encoding::Ascii => String::from_utf8(bytes).ok().filter(|text| text.is_ascii()),
        Encoding::Other(other) => other
            .decode_without_bom_handling_and_without_replacement(&bytes)
            .map(std::borrow::Cow::into_owned),
    };
    decoded.map(Value::from).ok_or_else(|| {
        let name = encoding.name();
        let message = format!("the given string contains symbols that are not defined for {name}");
        FunctionError::argument(0, message)
    })
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, []) = bytes.as_chunks::<2>() else {
        return None;
    };
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .collect::<Result<String, _>>()
        .ok()
}
