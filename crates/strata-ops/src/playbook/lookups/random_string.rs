//! `community.general.random_string`: characters by chance, so many of each kind.

use super::{Options, text};
use crate::playbook::random;

pub(super) const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// The options that there are.
const KNOWN: &[&str] = &[
    "length",
    "upper",
    "lower",
    "numbers",
    "special",
    "min_lower",
    "min_upper",
    "min_numeric",
    "min_special",
    "override_special",
    "override_all",
    "ignore_similar_chars",
    "similar_chars",
    "base64",
];

pub(super) fn random_string(options: &Options) -> Result<String, String> {
    if let Some(unknown) = options.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        return Err(format!(
            "the lookup `random_string` has no option `{unknown}`"
        ));
    }
    let given = |name: &str| options.get(name).filter(|value| !value.is_null()).map(text);
    let flag = |name: &str, usual: bool| {
        let words = ["true", "yes", "on", "1"];
        given(name).map_or(usual, |said| words.contains(&said.to_lowercase().as_str()))
    };
    let number = |name: &str, usual: usize| match given(name) {
        None => Ok(usual),
        Some(said) => said.parse().map_err(|_| {
            format!(
                "the option `{name}` of the lookup `random_string` must be a number, not `{said}`"
            )
        }),
    };
    if flag("base64", false) {
        return Err("the option `base64` of the lookup `random_string` is not supported by Strata; use the filter `b64encode`".to_owned());
    }
    let special = options
        .get("override_special")
        .map_or(PUNCTUATION.to_owned(), text);
    let similar = if flag("ignore_similar_chars", false) {
        options
            .get("similar_chars")
            .map_or("il1LoO0".to_owned(), text)
    } else {
        String::new()
    };
    let clean =
        |set: &str| -> Vec<char> { set.chars().filter(|one| !similar.contains(*one)).collect() };
    let kinds = [
        ("lower", clean("abcdefghijklmnopqrstuvwxyz"), "min_lower"),
        ("upper", clean("ABCDEFGHIJKLMNOPQRSTUVWXYZ"), "min_upper"),
        ("numbers", clean("0123456789"), "min_numeric"),
        ("special", clean(&special), "min_special"),
    ];
    let length = number("length", 8)?;
    let mut all: Vec<char> = kinds
        .iter()
        .filter(|(name, ..)| flag(name, true))
        .flat_map(|(_, set, _)| set.clone())
        .collect();
    let mut made = String::new();
    if let Some(only) = options.get("override_all") {
        all = clean(&text(only));
    } else {
        for (_, set, least) in &kinds {
            made.push_str(
                &random::text(number(least, 0)?, set).map_err(|error| error.to_string())?,
            );
        }
    }
    if all.is_empty() {
        return Err("Available characters cannot be None, please change constraints".to_owned());
    }
    let rest = length.saturating_sub(made.chars().count());
    made.push_str(&random::text(rest, &all).map_err(|error| error.to_string())?);
    shuffled(&made)
}

fn shuffled(made: &str) -> Result<String, String> {
    let mut characters: Vec<char> = made.chars().collect();
    for at in (1..characters.len()).rev() {
        let mut bytes = [0; 8];
        random::fill(&mut bytes).map_err(|error| error.to_string())?;
        let other = u64::from_le_bytes(bytes) % (at as u64 + 1);
        characters.swap(at, other as usize);
    }
    Ok(characters.into_iter().collect())
}
