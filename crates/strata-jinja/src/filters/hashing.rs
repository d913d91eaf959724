//! `hash`, `checksum`, `password_hash`, `to_uuid`.

use minijinja::{
    Environment, Error, State, Value,
    value::{Kwargs, Rest, ValueOrKwargs, from_args},
};
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::{add, option, refuse};
use crate::{PasswordHash, digest, operators::type_name, python, run::Run, sha_crypt};

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "hash", hash);
    add(environment, "checksum", |value: &Value| hash(value, None));
    add(environment, "sha1", |value: &Value| {
        hash(value, Some("sha1".to_owned()))
    });
    add(environment, "md5", |value: &Value| {
        hash(value, Some("md5".to_owned()))
    });
    add(environment, "password_hash", password_hash);
    add(environment, "to_uuid", to_uuid);
}

fn given(value: &Value) -> Result<String, Error> {
    if value.is_undefined() {
        return Err(Error::from(minijinja::ErrorKind::UndefinedError));
    }
    Ok(python::text(value))
}

fn hash(value: &Value, kind: Option<String>) -> Result<String, Error> {
    let text = given(value)?;
    let bytes = text.as_bytes();
    Ok(match kind.as_deref().unwrap_or("sha1") {
        "sha1" => digest::hex(&digest::sha1(bytes)),
        "md5" => digest::hex(&digest::md5(bytes)),
        "sha224" => digest::hex(&Sha224::digest(bytes)),
        "sha256" => digest::hex(&Sha256::digest(bytes)),
        "sha384" => digest::hex(&Sha384::digest(bytes)),
        "sha512" => digest::hex(&Sha512::digest(bytes)),
        other => return refuse(format!("the hash `{other}` is not supported")),
    })
}

/// `password | password_hash('sha512', salt, salt_size, rounds, ident)`.
fn password_hash(
    state: &mut State<'_, '_>,
    value: &Value,
    arguments: Rest<ValueOrKwargs>,
) -> Result<String, Error> {
    let arguments = arguments.into_values();
    let (plain, options) = from_args::<(&[Value], Kwargs)>(&arguments)?;
    let given_as = |name: &str, at: usize| -> Result<Option<Value>, Error> {
        let named = option::<Value>(&options, name)?;
        let said = named.or_else(|| plain.get(at).cloned());
        Ok(said.filter(|said| !said.is_none()))
    };
    let kind = given_as("hashtype", 0)?.map(|kind| python::text(&kind));
    let salt = given_as("salt", 1)?.map(|salt| python::text(&salt));
    let size = given_as("salt_size", 2)?.map(usize::try_from).transpose()?;
    let rounds = given_as("rounds", 3)?.map(u32::try_from).transpose()?;
    let ident = given_as("ident", 4)?.map(|ident| python::text(&ident));
    options.assert_all_used()?;
    let kind = PasswordHash::named(kind.as_deref().unwrap_or("sha512")).or_else(refuse)?;
    let salt = match salt.filter(|salt| !salt.is_empty()) {
        Some(salt) => salt,
        None => random_salt(state, size.unwrap_or(kind.salt_size()))?,
    };
    let secret = given(value)?;
    // What is no text, such as a password that nobody gave, is none.
    if value.as_str().is_none() {
        return refuse(format!(
            "secret must be unicode or bytes, not {}",
            type_name(value)
        ));
    }
    let hashed = kind.of(&secret, &salt, rounds, ident.as_deref());
    hashed.or_else(refuse)
}

fn random_salt(state: &State<'_, '_>, size: usize) -> Result<String, Error> {
    let run = Run::of(state)?;
    let letter = || {
        let chance = run.templar.surroundings.random() >> 16;
        char::from(sha_crypt::ALPHABET[(chance % 64) as usize])
    };
    Ok((0..size.min(64)).map(|_| letter()).collect())
}

/// The namespace in which Ansible makes UUIDs.
const NAMESPACE: [u8; 16] = [
    0x36, 0x1e, 0x6d, 0x51, 0xfa, 0xec, 0x44, 0x4a, 0x90, 0x79, 0x34, 0x13, 0x86, 0xda, 0x8e, 0x2e,
];

fn to_uuid(value: &Value, namespace: Option<String>) -> Result<String, Error> {
    let space = match namespace {
        None => NAMESPACE,
        Some(text) => match parse_uuid(&text) {
            Some(space) => space,
            None => return refuse(format!("`{text}` is no UUID")),
        },
    };
    let mut hash = digest::sha1(&[space.as_slice(), given(value)?.as_bytes()].concat());
    hash[6] = hash[6] & 0x0f | 0x50;
    hash[8] = hash[8] & 0x3f | 0x80;
    let hex = digest::hex(&hash[..16]);
    Ok([
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-"))
}

fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let hex: String = text.chars().filter(|character| *character != '-').collect();
    if hex.len() != 32 || !hex.is_ascii() {
        return None;
    }
    let mut bytes = [0; 16];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).ok()?;
    }
    Some(bytes)
}
