//! `b64encode`, `b64decode`, `quote`, `urlsplit`.

use base64::{
    Engine as _,
    engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD},
};
use minijinja::{Environment, Error, Value, value::Kwargs};

use super::{add, option, refuse};
use crate::python;

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "b64encode", b64encode);
    add(environment, "b64decode", b64decode);
    add(environment, "quote", quote);
    add(environment, "urlsplit", urlsplit);
}

fn given(value: &Value) -> Result<String, Error> {
    if value.is_undefined() {
        return Err(Error::from(minijinja::ErrorKind::UndefinedError));
    }
    Ok(python::text(value))
}

fn utf8_only(options: &Kwargs) -> Result<(), Error> {
    match option::<String>(options, "encoding")?.as_deref() {
        None | Some("utf-8" | "utf8" | "UTF-8") => options.assert_all_used(),
        Some(other) => refuse(format!(
            "the encoding `{other}` is not supported, only utf-8"
        )),
    }
}

fn b64encode(value: &Value, options: Kwargs) -> Result<String, Error> {
    utf8_only(&options)?;
    Ok(STANDARD.encode(given(value)?))
}

/// Without padding, and with whatever the last digit says beyond the last byte.
const STANDARD_NO_PAD: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(base64::engine::DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

fn b64decode(value: &Value, options: Kwargs) -> Result<String, Error> {
    utf8_only(&options)?;
    // As Python: what is no digit is left out, and what comes after the end is not read.
    let given = given(value)?;
    let is_digit = |c: &char| c.is_ascii_alphanumeric() || "+/=".contains(*c);
    let text: String = given.chars().filter(is_digit).collect();
    let digits = text.find('=').unwrap_or(text.len());
    let padding = text[digits..].bytes().take_while(|byte| *byte == b'=');
    let whole = digits.next_multiple_of(4);
    if digits + padding.count() < whole {
        return refuse("the text is not base64: its padding is missing");
    }
    match STANDARD_NO_PAD.decode(&text[..digits]) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) => refuse(format!("the text is not base64: {error}")),
    }
}

/// As a POSIX shell needs it.
pub(super) fn quote(value: &Value) -> Result<String, Error> {
    let text = match value.is_none() {
        true => String::new(),
        false => python::output(&Value::from(given(value)?)),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if text.is_empty() {
        return Ok("''".to_owned());
    }
    if text.chars().all(plain) {
        return Ok(text);
    }
    Ok(format!("'{}'", text.replace('\'', "'\"'\"'")))
}

/// The parts of an address; one of them when named.
fn urlsplit(value: &str, part: Option<String>) -> Result<Value, Error> {
    let value = value
        .trim_start_matches(|c: char| c <= ' ')
        .replace(['\t', '\r', '\n'], "");
    let (rest, fragment) = value.split_once('#').unwrap_or((&value, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let is_scheme = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    };
    let (scheme, rest) = match rest.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (scheme, rest),
        _ => ("", rest),
    };
    let (netloc, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    let scheme = &scheme.to_ascii_lowercase();
    let (user, host) = match netloc.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, netloc),
    };
    let (username, password) = match user.map(|user| user.split_once(':').unwrap_or((user, ""))) {
        Some((name, password)) => (Some(name), (!password.is_empty()).then_some(password)),
        None => (None, None),
    };
    let (hostname, port) = host_and_port(host);
    let text = |text: &str| Value::from(text);
    let optional = |text: Option<&str>| text.map_or_else(|| Value::from(()), Value::from);
    let parts = [
        ("fragment", text(fragment)),
        ("hostname", optional(hostname.as_deref())),
        ("netloc", text(netloc)),
        ("password", optional(password)),
        ("path", text(path)),
        ("port", port.map_or_else(|| Value::from(()), Value::from)),
        ("query", text(query)),
        ("scheme", text(scheme)),
        ("username", optional(username)),
    ];
    match part {
        None => Ok(Value::from_pairs(parts)),
        Some(name) => match parts.into_iter().find(|(key, _)| *key == name) {
            Some((_, value)) => Ok(value),
            None => refuse(format!("`{name}` is no part of an address")),
        },
    }
}

fn host_and_port(host: &str) -> (Option<String>, Option<u16>) {
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => (address, rest.strip_prefix(':')),
        None => match host.rsplit_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (host, None),
        },
    };
    let name = (!name.is_empty()).then(|| name.to_lowercase());
    (name, port.and_then(|port| port.parse().ok()))
}
