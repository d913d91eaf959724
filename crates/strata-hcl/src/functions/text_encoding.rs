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
}

fn encoding(name: &str) -> Result<Encoding, FunctionError> {
    Ok(match name.to_ascii_lowercase().as_str() {
        "utf-8" => Encoding::Utf8,
        "utf-16" => Encoding::Utf16,
        "utf-16be" => Encoding::Utf16Big,
        "utf-16le" => Encoding::Utf16Little,
        "iso-8859-1" | "iso_8859-1" | "latin1" => Encoding::Latin1,
        _ => {
            let message = format!(
                "{name:?} is not a supported IANA encoding name or alias in this Terraform version"
            );
            return Err(FunctionError::argument(1, message));
        }
    })
}

fn encode(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let source = text(given, 0);
    let units = |mark: Option<u16>| mark.into_iter().chain(source.encode_utf16());
    let bytes: Vec<u8> = match encoding(text(given, 1))? {
        Encoding::Utf8 => source.as_bytes().to_vec(),
        Encoding::Utf16 => units(Some(0xfeff)).flat_map(u16::to_be_bytes).collect(),
        Encoding::Utf16Big => units(None).flat_map(u16::to_be_bytes).collect(),
        Encoding::Utf16Little => units(None).flat_map(u16::to_le_bytes).collect(),
        Encoding::Latin1 => {
            let bytes: Result<Vec<u8>, _> = source.chars().map(u8::try_from).collect();
            bytes.map_err(|_| {
                FunctionError::argument(0, "a character has no place in this encoding")
            })?
        }
    };
    Ok(Value::from(STANDARD.encode(bytes)))
}

fn decode(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let encoding = encoding(text(given, 1))?;
    let compact = text(given, 0).replace(['\n', '\r'], "");
    let bytes = STANDARD
        .decode(compact)
        .map_err(|_| FunctionError::argument(0, "it is no base64"))?;
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
    };
    decoded
        .map(Value::from)
        .ok_or_else(|| FunctionError::argument(0, "it is no text in this encoding"))
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, []) = bytes.as_chunks::<2>() else {
        return None;
    };
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .collect::<Result<String, _>>()
        .ok()
}
