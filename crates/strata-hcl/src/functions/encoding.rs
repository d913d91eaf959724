//! Texts that carry other texts: base64, URLs, CSV.

use std::io::{Read as _, Write as _};

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, GzBuilder, read::MultiGzDecoder};
use strata_core::{Type, Value};

use super::{Context, Function, FunctionError, Given, Kind, Parameter, Result_, Returns, text};

const STR: Parameter = Parameter::new("str", Kind::String);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "base64decode",
        &[STR],
        Returns::String,
        "Reads base64 of UTF-8 text.",
        base64decode,
    ),
    Function::new(
        "base64encode",
        &[STR],
        Returns::String,
        "Writes text as base64.",
        |given, _| Ok(Value::from(STANDARD.encode(text(given, 0)))),
    ),
    Function::new(
        "base64gunzip",
        &[STR],
        Returns::String,
        "Reads base64 of text compressed with gzip (OpenTofu).",
        gunzip,
    ),
    Function::new(
        "base64gzip",
        &[STR],
        Returns::String,
        "Compresses text with gzip and writes that as base64.",
        gzip,
    ),
    Function::new(
        "csvdecode",
        &[STR],
        Returns::Dynamic,
        "Reads CSV with a line of column names.",
        csvdecode,
    ),
    Function::new(
        "urldecode",
        &[STR],
        Returns::String,
        "Reads text as a URL's query has it (OpenTofu).",
        urldecode,
    ),
    Function::new(
        "urlencode",
        &[STR],
        Returns::String,
        "Writes text as a URL's query has it.",
        urlencode,
    ),
];

fn base64decode(given: Given<'_>, _: &Context<'_>) -> Result_ {
    // Line breaks in base64 are passed over, as Terraform does.
    let compact: String = text(given, 0)
        .chars()
        .filter(|c| !matches!(c, '\n' | '\r'))
        .collect();
    let bytes = STANDARD.decode(compact).map_err(|_| {
        let message = format!("failed to decode base64 data {:?}", text(given, 0));
        FunctionError::argument(0, message)
    })?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Value::from(text)),
        Err(_) => Err(FunctionError::argument(
            0,
            "the result of decoding the provided string is not valid UTF-8",
        )),
    }
}

fn gzip(given: Given<'_>, _: &Context<'_>) -> Result_ {
    // 255 is "unknown" for the operating system, so that the result is the same everywhere.
    let mut encoder = GzBuilder::new()
        .operating_system(255)
        .write(Vec::new(), Compression::default());
    let written = encoder
        .write_all(text(given, 0).as_bytes())
        .and_then(|()| encoder.finish());
    let bytes = written.map_err(|error| FunctionError::new(error.to_string()))?;
    Ok(Value::from(STANDARD.encode(bytes)))
}

/// What a small text may unpack to at most, in bytes.
const MAX_UNPACKED: u64 = 256 << 20;

fn gunzip(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let bytes = STANDARD
        .decode(text(given, 0))
        .map_err(|_| FunctionError::argument(0, "failed to decode base64 data"))?;
    let mut out = Vec::new();
    let mut unpacked = MultiGzDecoder::new(bytes.as_slice()).take(MAX_UNPACKED + 1);
    unpacked
        .read_to_end(&mut out)
        .map_err(|error| FunctionError::argument(0, format!("failed to unpack gzip: {error}")))?;
    if out.len() as u64 > MAX_UNPACKED {
        return Err(FunctionError::argument(
            0,
            "it unpacks to more than 256 MiB",
        ));
    }
    match String::from_utf8(out) {
        Ok(text) => Ok(Value::from(text)),
        Err(_) => Err(FunctionError::argument(
            0,
            "the unpacked bytes are not UTF-8 text",
        )),
    }
}

fn urldecode(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let mut bytes = Vec::new();
    let mut rest = text(given, 0).bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (Some(high), Some(low)) = (digit(), digit()) else {
                    return Err(FunctionError::argument(
                        0,
                        "`%` must be followed by two hexadecimal digits",
                    ));
                };
                bytes.push((high * 16 + low) as u8);
            }
            byte => bytes.push(byte),
        }
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Value::from(text)),
        Err(_) => Err(FunctionError::argument(
            0,
            "the decoded bytes are not UTF-8 text",
        )),
    }
}

fn urlencode(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let mut out = String::new();
    for byte in text(given, 0).bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte))
            }
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    Ok(Value::from(out))
}

fn csvdecode(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let mut rows = csv_rows(text(given, 0))
        .map_err(|message| FunctionError::argument(0, message))?
        .into_iter();
    let Some(header) = rows.next() else {
        return Err(FunctionError::argument(0, "missing header line"));
    };
    for (at, name) in header.iter().enumerate() {
        if header[..at].contains(name) {
            return Err(FunctionError::argument(
                0,
                format!("duplicate column name {name:?}"),
            ));
        }
    }
    let ty = Type::object(header.iter().map(|name| (name.as_str(), Type::String)));
    let mut objects = Vec::new();
    for (at, row) in rows.enumerate() {
        if row.len() != header.len() {
            let line = at + 2;
            let message = format!("CSV parse error on line {line}: wrong number of fields");
            return Err(FunctionError::argument(0, message));
        }
        let fields = header.iter().zip(row);
        objects.push(Value::object(
            fields.map(|(name, field)| (name.as_str(), Value::from(field))),
        ));
    }
    Ok(Value::list(ty, objects))
}

/// Splits CSV as RFC 4180 has it; lines without anything do not count.
fn csv_rows(text: &str) -> Result<Vec<Vec<String>>, String> {
    let mut rows = Vec::new();
    let mut row = Vec::new();
    let mut field = String::new();
    let mut chars = text.chars().peekable();
    let mut begun = false;
    while let Some(c) = chars.next() {
        match c {
            '"' if field.is_empty() => {
                begun = true;
                quoted_field(&mut chars, &mut field)?;
            }
            ',' => {
                begun = true;
                row.push(std::mem::take(&mut field));
            }
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' => {
                if begun || !field.is_empty() {
                    row.push(std::mem::take(&mut field));
                    rows.push(std::mem::take(&mut row));
                }
                begun = false;
            }
            '"' => return Err("a bare quote stands in a field that is not quoted".to_owned()),
            c => field.push(c),
        }
    }
    if begun || !field.is_empty() {
        row.push(field);
        rows.push(row);
    }
    Ok(rows)
}

fn quoted_field(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    field: &mut String,
) -> Result<(), String> {
    loop {
        match chars.next() {
            Some('"') if chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            Some('"') => {
                return match chars.peek() {
                    None | Some(',' | '\n' | '\r') => Ok(()),
                    Some(_) => Err("extraneous or missing quote in a quoted field".to_owned()),
                };
            }
            Some(c) => field.push(c),
            None => return Err("a quoted field does not end".to_owned()),
        }
    }
}
