//! `ini`: values of files as Python's `configparser` reads them, and of properties.

use std::sync::Arc;

use minijinja::{Error, Value};

use super::{
    Options,
    files::{find, read},
    refuse,
};
use crate::{
    python,
    python_regex::{self, Flags},
    run::Run,
};

const KNOWN: &[&str] = &[
    "section",
    "file",
    "default",
    "type",
    "re",
    "case_sensitive",
    "allow_no_value",
    "allow_none",
    "interpolation",
    "encoding",
];

/// How often a value may name another one on its way.
const DEEPEST: usize = 10;

/// `ini('KEY', section='S', file='F')`: the value, or all whose keys match with `re`.
pub(super) fn ini(
    run: &Arc<Run>,
    term: &Value,
    options: &Options<'_>,
) -> Result<Vec<Value>, Error> {
    options.only(KNOWN)?;
    let term = python::text(term);
    let mut words = term.split_whitespace();
    // Options may stand behind the key, in the same text.
    let wanted = words.next().unwrap_or_default();
    let inline: Vec<(&str, &str)> = words.filter_map(|word| word.split_once('=')).collect();
    let option = |name: &str| {
        let own = inline.iter().find(|(known, _)| *known == name);
        let own = own.map(|(_, value)| (*value).to_owned());
        own.or(options.text(name))
    };
    let flag = |name: &str, usual: bool| {
        option(name).map_or(usual, |said| {
            ["true", "yes", "on", "1"].contains(&said.to_ascii_lowercase().as_str())
        })
    };
    let properties = match option("type").as_deref() {
        None | Some("ini") => false,
        Some("properties") => true,
        Some(other) => {
            return Err(refuse(format!(
                "`type` is `ini` or `properties`, not `{other}`"
            )));
        }
    };
    let file = option("file").unwrap_or_else(|| "ansible.ini".to_owned());
    let text = read(run, &find(run, "files", &file)?)?;
    let is_exact = flag("case_sensitive", false);
    let named = option("section").unwrap_or_else(|| "global".to_owned());
    let section = if properties { PROPERTIES } else { &named };
    let mut parsed = Parsed::read(&text, properties, is_exact);
    parsed.resolves = flag("interpolation", true);
    if flag("re", false) {
        let pattern = python_regex::compile(&format!("^(?:{wanted})"), Flags::default())?;
        let mut found = Vec::new();
        for (key, value) in parsed.entries(section) {
            if pattern.start(key)?.is_some() {
                found.push(Value::from(parsed.resolved(section, value, 0)?));
            }
        }
        return Ok(found);
    }
    let key = if is_exact {
        wanted.to_owned()
    } else {
        wanted.to_lowercase()
    };
    match parsed.get(section, &key) {
        Some(value) => Ok(vec![Value::from(parsed.resolved(section, value, 0)?)]),
        None => Ok(vec![
            option("default").map_or_else(|| Value::from(""), Value::from),
        ]),
    }
}

/// The section that properties are taken for.
const PROPERTIES: &str = "java_properties";

/// The section whose values are those of all.
const DEFAULT: &str = "DEFAULT";

struct Parsed {
    /// Sections, keys and values in their order.
    entries: Vec<(String, String, String)>,
    /// Whether values may name others: `%(other)s`.
    resolves: bool,
}

impl Parsed {
    fn read(text: &str, properties: bool, is_exact: bool) -> Self {
        let mut entries: Vec<(String, String, String)> = Vec::new();
        let mut section = if properties {
            PROPERTIES.to_owned()
        } else {
            String::new()
        };
        for line in text.lines() {
            let bare = line.trim();
            if bare.is_empty() || bare.starts_with(['#', ';']) {
                continue;
            }
            let goes_on = line.starts_with([' ', '\t']);
            if let (true, Some((_, _, value))) = (goes_on, entries.last_mut()) {
                value.push('\n');
                value.push_str(bare);
                continue;
            }
            let name = bare.strip_prefix('[').and_then(|rest| rest.split_once(']'));
            if let (Some((name, _)), false) = (name, properties) {
                name.clone_into(&mut section);
                continue;
            }
            let (key, value) = bare.split_once(['=', ':']).unwrap_or((bare, ""));
            let key = key.trim();
            let key = if is_exact {
                key.to_owned()
            } else {
                key.to_lowercase()
            };
            entries.retain(|(at, known, _)| !(*at == section && *known == key));
            entries.push((section.clone(), key, value.trim().to_owned()));
        }
        Self {
            entries,
            resolves: true,
        }
    }

    /// The entries of a section, with those of all sections that it does not have itself.
    fn entries(&self, section: &str) -> Vec<(&str, &str)> {
        let of = |name: &str| {
            let own = self.entries.iter().filter(move |(at, ..)| *at == name);
            own.map(|(_, key, value)| (key.as_str(), value.as_str()))
                .collect::<Vec<_>>()
        };
        let own = of(section);
        let usual = of(DEFAULT).into_iter();
        let usual = usual.filter(|(key, _)| !own.iter().any(|(known, _)| known == key));
        usual.chain(own.iter().copied()).collect()
    }

    fn get(&self, section: &str, key: &str) -> Option<&str> {
        // A section that is not there has nothing of what all have either.
        self.entries.iter().find(|(at, ..)| at == section)?;
        let found = self.entries(section).into_iter();
        found
            .rev()
            .find(|(known, _)| *known == key)
            .map(|(_, value)| value)
    }

    /// The value with those that it names.
    fn resolved(&self, section: &str, value: &str, depth: usize) -> Result<String, Error> {
        if !self.resolves || !value.contains('%') {
            return Ok(value.to_owned());
        }
        if depth > DEEPEST {
            return Err(refuse(format!("the value `{value}` names itself")));
        }
        let mut whole = String::new();
        let mut rest = value;
        while let Some((before, after)) = rest.split_once('%') {
            whole.push_str(before);
            if let Some(after) = after.strip_prefix('%') {
                whole.push('%');
                rest = after;
                continue;
            }
            let named = after
                .strip_prefix('(')
                .and_then(|after| after.split_once(")s"));
            let Some((name, after)) = named else {
                return Err(refuse(format!(
                    "'%' must be followed by '%' or '(', found: '%{after}'"
                )));
            };
            let Some(other) = self.get(section, &name.to_lowercase()) else {
                return Err(refuse(format!(
                    "`{value}` names `{name}`, which is not there"
                )));
            };
            whole.push_str(&self.resolved(section, other, depth + 1)?);
            rest = after;
        }
        whole.push_str(rest);
        Ok(whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_configparser_reads_them() {
        let text = "[DEFAULT]\nbase = /srv\n; no\n[s]\nValue1 = a = b\nvalue2: %(base)s/x\nlong = one\n  two\nhalf = 50%%\nloop = %(loop)s\n[t]\nvalue1 = other\n";
        let parsed = Parsed::read(text, false, false);
        let get = |section: &str, key: &str| {
            let value = parsed.get(section, key)?;
            Some(
                parsed
                    .resolved(section, value, 0)
                    .map_err(|error| error.to_string()),
            )
        };
        let good = |text: &str| Some(Ok(text.to_owned()));
        assert_eq!(get("s", "value1"), good("a = b"));
        assert_eq!(get("s", "value2"), good("/srv/x"));
        assert_eq!(get("s", "long"), good("one\ntwo"));
        assert_eq!(get("s", "half"), good("50%"));
        assert_eq!(get("t", "base"), good("/srv"));
        assert!(get("s", "loop").unwrap().is_err());
        assert_eq!(get("none", "base"), None);
        let properties = Parsed::read("user.name = ann\nkey=[x]\n", true, true);
        assert_eq!(properties.get(PROPERTIES, "user.name"), Some("ann"));
        assert_eq!(properties.get(PROPERTIES, "key"), Some("[x]"));
    }
}
