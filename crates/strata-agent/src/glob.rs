//! File name patterns, as the shell has them: `*`, `?` and `[…]` within one name.

use std::path::{Component, Path, PathBuf};

use regex::Regex;

use crate::host::{Host, HostError, Kind};

/// All paths that a pattern means, sorted.
pub(crate) fn expand(host: &dyn Host, pattern: &Path) -> Result<Vec<PathBuf>, HostError> {
    let mut found = vec![PathBuf::from("/")];
    for component in pattern.components() {
        let Component::Normal(name) = component else {
            continue;
        };
        let name = name.to_string_lossy();
        let mut next = Vec::new();
        for folder in found {
            next.extend(step(host, &folder, &name)?);
        }
        found = next;
    }
    Ok(found)
}

fn step(host: &dyn Host, folder: &Path, name: &str) -> Result<Vec<PathBuf>, HostError> {
    if !name.contains(['*', '?', '[']) {
        let path = folder.join(name);
        let there = host.metadata(&path)?.is_some();
        return Ok(if there { vec![path] } else { Vec::new() });
    }
    let is_folder = host
        .metadata_followed(folder)?
        .is_some_and(|found| found.kind == Kind::Directory);
    let Some(pattern) = compile(name).filter(|_| is_folder) else {
        return Ok(Vec::new());
    };
    let hidden = name.starts_with('.');
    let names = host.list(folder)?.into_iter();
    let matching =
        names.filter(|name| (hidden || !name.starts_with('.')) && pattern.is_match(name));
    Ok(matching.map(|name| folder.join(name)).collect())
}

/// A pattern for one name as a regular expression; `None` for one that no name can match.
pub(crate) fn compile(pattern: &str) -> Option<Regex> {
    let mut expression = String::from("^(?s:");
    let mut rest = pattern.chars();
    while let Some(c) = rest.next() {
        match c {
            '*' => expression.push_str(".*"),
            '?' => expression.push('.'),
            '[' => match split_set(rest.as_str()) {
                Some((set, after)) => {
                    expression.push_str(&set);
                    rest = after.chars();
                }
                None => expression.push_str("\\["),
            },
            c => expression.push_str(&regex::escape(&c.to_string())),
        }
    }
    Regex::new(&format!("{expression})$")).ok()
}

/// The set that begins after a `[`, and what follows its `]`. A `]` that comes first is part of it.
fn split_set(text: &str) -> Option<(String, &str)> {
    let (not, inner) = match text.strip_prefix('!') {
        Some(inner) => ("^", inner),
        None => ("", text),
    };
    let first = inner.chars().next()?.len_utf8();
    let end = first + inner[first..].find(']')?;
    let set = inner[..end]
        .replace('\\', "\\\\")
        .replace('[', "\\[")
        .replace(']', "\\]");
    Some((format!("[{not}{set}]"), &inner[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        let check = |pattern: &str, name: &str, expected| {
            assert_eq!(
                compile(pattern).unwrap().is_match(name),
                expected,
                "{pattern} {name}"
            );
        };
        check("*.conf", "a.conf", true);
        check("*.conf", "a.conf.bak", false);
        check("a?c", "abc", true);
        check("[ab]c", "bc", true);
        check("[!ab]c", "bc", false);
        check("[ab", "[ab", true);
        check("a.c", "abc", false);
        check("[é]x", "éx", true);
    }

    #[test]
    fn a_pattern_may_stand_in_the_middle() {
        let model = crate::host::Model::empty();
        model.file("/etc/a/x.conf", "");
        model.file("/etc/b/x.conf", "");
        model.file("/etc/.c/x.conf", "");
        let found = expand(&model, Path::new("/etc/*/x.conf")).unwrap();
        assert_eq!(
            found,
            [Path::new("/etc/a/x.conf"), Path::new("/etc/b/x.conf")]
        );
    }
}
