//! `vault` and `unvault`: texts encrypted with a password that the template names.

use minijinja::{Environment, Error, State, Value, value::Kwargs};

use super::{add, option, refuse};
use crate::run::Run;

/// The id that Ansible writes where none is given.
const ID: &str = "filter_default";

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "vault", vault);
    add(environment, "unvault", unvault);
}

/// `text | vault(password, salt='…', vault_id='…')`.
fn vault(
    state: &mut State<'_, '_>,
    value: &Value,
    password: &Value,
    salt: Option<String>,
    options: Kwargs,
) -> Result<String, Error> {
    let text = text(value, "Can only vault strings")?;
    let password = text_of_password(password)?;
    let salt = option::<Option<String>>(&options, "salt")?
        .flatten()
        .or(salt);
    let id = option::<String>(&options, "vault_id")?;
    if option::<bool>(&options, "wrap_object")? == Some(true) {
        return refuse("the filter `vault` with `wrap_object` is not supported by Strata");
    }
    options.assert_all_used()?;
    let id = id.as_deref().unwrap_or(ID);
    let run = Run::of(state)?;
    let sealed = run
        .templar
        .surroundings
        .seal(text, password, salt.as_deref(), id);
    sealed.map_or_else(|| refuse("nobody here can encrypt"), Ok)
}

/// `text | unvault(password)`; what is not encrypted stays as it is.
fn unvault(
    state: &mut State<'_, '_>,
    value: &Value,
    password: &Value,
    id: Option<String>,
    options: Kwargs,
) -> Result<String, Error> {
    // The password fits or not, whatever the text calls it.
    let (_, _) = (id, option::<String>(&options, "vault_id")?);
    options.assert_all_used()?;
    let text = text(value, "Vault should be in the form of a string")?;
    let password = text_of_password(password)?;
    if !text.trim_start().starts_with("$ANSIBLE_VAULT;") {
        return Ok(text.to_owned());
    }
    let run = Run::of(state)?;
    match run.templar.surroundings.unseal(text, password) {
        Some(Ok(text)) => Ok(text),
        Some(Err(why)) => refuse(format!("Unable to decrypt: {why}")),
        None => refuse("nobody here can decrypt"),
    }
}

fn text<'a>(value: &'a Value, what: &str) -> Result<&'a str, Error> {
    if value.is_undefined() {
        return Err(Error::from(minijinja::ErrorKind::UndefinedError));
    }
    match value.as_str() {
        Some(text) => Ok(text),
        None => refuse(format!("{what}, instead we got {}", value.kind())),
    }
}

fn text_of_password(value: &Value) -> Result<&str, Error> {
    text(value, "Secret passed is required to be a string")
}
