//! Hashes, and names made of them.

use base64::{Engine, engine::general_purpose::STANDARD};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use strata_core::{Type, Value};

use super::{Context, Function, FunctionError, Given, Kind, Parameter, Result_, Returns, text};
use crate::functions::md5::md5;

const STR: Parameter = Parameter::new("str", Kind::String);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "base64sha256",
        &[STR],
        Returns::String,
        "Gives the SHA-256 of a text as base64.",
        |given, _| Ok(Value::from(STANDARD.encode(Sha256::digest(text(given, 0))))),
    ),
    Function::new(
        "base64sha512",
        &[STR],
        Returns::String,
        "Gives the SHA-512 of a text as base64.",
        |given, _| Ok(Value::from(STANDARD.encode(Sha512::digest(text(given, 0))))),
    ),
    Function::new(
        "md5",
        &[STR],
        Returns::String,
        "Gives the MD5 of a text.",
        |given, _| Ok(Value::from(hex(&md5(text(given, 0).as_bytes())))),
    ),
    Function::new(
        "sha1",
        &[STR],
        Returns::String,
        "Gives the SHA-1 of a text.",
        |given, _| Ok(Value::from(hex(&Sha1::digest(text(given, 0))))),
    ),
    Function::new(
        "sha256",
        &[STR],
        Returns::String,
        "Gives the SHA-256 of a text.",
        |given, _| Ok(Value::from(hex(&Sha256::digest(text(given, 0))))),
    ),
    Function::new(
        "sha512",
        &[STR],
        Returns::String,
        "Gives the SHA-512 of a text.",
        |given, _| Ok(Value::from(hex(&Sha512::digest(text(given, 0))))),
    ),
    Function::new(
        "uuid",
        &[],
        Returns::String,
        "Gives a new random UUID; unknown while planning.",
        uuid,
    ),
    Function::new(
        "uuidv5",
        &[
            Parameter::new("namespace", Kind::String),
            Parameter::new("name", Kind::String),
        ],
        Returns::String,
        "Gives the UUID of a name in a namespace.",
        uuidv5,
    ),
];

/// Small hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn uuid(_: Given<'_>, context: &Context<'_>) -> Result_ {
    let Some(chance) = context.scope.environment().chance else {
        return Ok(Value::unknown(Type::String));
    };
    let mut bytes = [0; 16];
    chance.random(&mut bytes);
    Ok(Value::from(
        uuid::Builder::from_random_bytes(bytes)
            .into_uuid()
            .to_string(),
    ))
}

fn uuidv5(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let namespace = match text(given, 0) {
        "dns" => uuid::Uuid::NAMESPACE_DNS,
        "url" => uuid::Uuid::NAMESPACE_URL,
        "oid" => uuid::Uuid::NAMESPACE_OID,
        "x500" => uuid::Uuid::NAMESPACE_X500,
        other => uuid::Uuid::parse_str(other).map_err(|error| {
            let why = match other.len() {
                36 => error.to_string(),
                length => format!("invalid UUID length: {length}"),
            };
            let message = format!("uuidv5() doesn't support namespace {other} ({why})");
            FunctionError::argument(0, message)
        })?,
    };
    let mut hasher = Sha1::new();
    hasher.update(namespace.as_bytes());
    hasher.update(text(given, 1));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hasher.finalize()[..16]);
    Ok(Value::from(
        uuid::Builder::from_sha1_bytes(bytes)
            .into_uuid()
            .to_string(),
    ))
}
