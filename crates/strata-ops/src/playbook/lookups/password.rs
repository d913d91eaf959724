//! `password`: made once, kept in a file, and hashed where that is asked for.

use std::{
    fs,
    io::{ErrorKind, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde_json::Value as Json;
use strata_jinja::PasswordHash;

use super::{Options, here, random_string::PUNCTUATION, text};
use crate::playbook::random;

/// `password('FILE length=8 chars=ascii_letters,digits')`: the password in the file, made if it is not there; with
/// `encrypt` its hash, by a salt that is kept beside it.
pub(super) fn password(folder: &Path, term: &str, options: &Options) -> Result<String, String> {
    let (path, mut own) = split_options(term);
    for (name, value) in options {
        own.insert(name.clone(), value.clone());
    }
    let known = ["length", "chars", "seed", "encrypt", "ident"];
    if let Some(unknown) = own.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("the lookup `password` has no option `{unknown}`"));
    }
    let option = |name: &str| own.get(name).filter(|value| !value.is_null()).map(text);
    let length = option("length").map_or(Ok(20), |length| length.parse::<usize>());
    let length = length.map_err(|_| "`length` needs a number".to_owned())?;
    let characters = characters(own.get("chars"));
    let make = || match option("seed") {
        Some(seed) => Ok(strata_jinja::seeded_text(&seed, length, &characters)),
        None => random::text(length, &characters).map_err(|error| error.to_string()),
    };
    let scheme = option("encrypt").filter(|name| !name.is_empty());
    let scheme = scheme.map(|name| PasswordHash::named(&name)).transpose()?;
    let place = (path != "/dev/null").then(|| here(folder).join(&path));
    // Hosts that ask for it at the same time get the same one.
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let unusable = |path: &Path, error: &std::io::Error| format!("`{}`: {error}", path.display());
    let kept = match place.as_ref().map(|path| (path, fs::read_to_string(path))) {
        Some((_, Ok(text))) => Some(text),
        Some((path, Err(error))) if error.kind() != ErrorKind::NotFound => {
            return Err(unusable(path, &error));
        }
        _ => None,
    };
    let mut entry = match &kept {
        Some(text) => Kept::read(text),
        None => Kept {
            password: make()?,
            ..Kept::default()
        },
    };
    let is_whole = entry.complete(scheme, option("ident"))?;
    if let (Some(path), false) = (&place, kept.is_some() && is_whole) {
        keep(path, &entry.to_string()).map_err(|error| unusable(path, &error))?;
    }
    match (scheme, &entry.salt) {
        (Some(scheme), Some(salt)) => {
            scheme.of(&entry.password, salt, None, entry.ident.as_deref())
        }
        _ => Ok(entry.password),
    }
}

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What the file of a password holds.
#[derive(Default)]
struct Kept {
    password: String,
    salt: Option<String>,
    ident: Option<String>,
}

impl Kept {
    fn read(text: &str) -> Self {
        let line = text.trim_end();
        let Some((password, rest)) = line.rsplit_once(" salt=") else {
            return Self {
                password: line.to_owned(),
                ..Self::default()
            };
        };
        let (salt, ident) = match rest.rsplit_once(" ident=") {
            Some((salt, ident)) => (salt, Some(ident.to_owned())),
            None => (rest, None),
        };
        Self {
            password: password.to_owned(),
            salt: Some(salt.to_owned()),
            ident,
        }
    }

    /// Adds what a hash needs; gives false if something was missing.
    fn complete(
        &mut self,
        scheme: Option<PasswordHash>,
        ident: Option<String>,
    ) -> Result<bool, String> {
        match (&self.ident, ident) {
            (Some(stored), Some(given)) if *stored != given => {
                return Err(format!(
                    "The ident parameter provided ({stored}) does not match the stored one ({given})."
                ));
            }
            (None, given) if scheme.is_some() => self.ident = given,
            _ => {}
        }
        let Some(scheme) = scheme else {
            return Ok(true);
        };
        let mut is_whole = true;
        if self.salt.is_none() {
            let letters: Vec<char> = characters(Some(&"ascii_letters,digits,./".into()));
            let salt = random::text(scheme.salt_size(), &letters);
            self.salt = Some(salt.map_err(|error| error.to_string())?);
            is_whole = false;
        }
        if let (None, Some(usual)) = (&self.ident, scheme.usual_ident()) {
            self.ident = Some(usual.to_owned());
            is_whole = false;
        }
        Ok(is_whole)
    }
}

impl std::fmt::Display for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.password)?;
        if let Some(salt) = &self.salt {
            write!(f, " salt={salt}")?;
        }
        match &self.ident {
            Some(ident) if self.salt.is_some() => write!(f, " ident={ident}"),
            _ => Ok(()),
        }
    }
}

/// Writes a password for its owner alone; beside and renamed, so that nobody reads half of it.
fn keep(path: &Path, password: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).create(folder)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = PathBuf::from(name);
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)?;
    writeln!(file, "{password}")?;
    fs::rename(&new, path)
}

fn split_options(term: &str) -> (String, Options) {
    let mut path = Vec::new();
    let mut options = Options::new();
    for word in term.split_whitespace() {
        match word.split_once('=') {
            Some((name, value)) if !path.is_empty() => {
                options.insert(name.to_owned(), value.into());
            }
            _ => path.push(word),
        }
    }
    (path.join(" "), options)
}

/// Letters, digits and `.,:-_`, or what is asked for: names of Python's `string`, or the characters themselves.
fn characters(wanted: Option<&Json>) -> Vec<char> {
    let names: Vec<String> = match wanted {
        Some(Json::Array(items)) => items.iter().map(text).collect(),
        Some(value) if !value.is_null() => {
            let value = text(value);
            let comma = value.contains(",,").then(|| ",".to_owned());
            let names = value.replace(",,", ",");
            names
                .split(',')
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .chain(comma)
                .collect()
        }
        _ => ["ascii_letters", "digits", ".,:-_"]
            .map(str::to_owned)
            .to_vec(),
    };
    let lower = || 'a'..='z';
    let upper = || 'A'..='Z';
    names
        .iter()
        .flat_map(|name| match name.as_str() {
            "ascii_letters" => lower().chain(upper()).collect::<Vec<char>>(),
            "ascii_lowercase" => lower().collect(),
            "ascii_uppercase" => upper().collect(),
            "digits" => ('0'..='9').collect(),
            "hexdigits" => "0123456789abcdefABCDEF".chars().collect(),
            "octdigits" => ('0'..='7').collect(),
            "punctuation" => PUNCTUATION.chars().collect(),
            own => own.chars().collect(),
        })
        .collect()
}
