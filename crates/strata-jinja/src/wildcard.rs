//! Names with `*`, `?` and `[...]`, as shells and Ansible's patterns have them.

use std::path::Path;

use strata_core::files::{EntryKind, Files};

/// True if the name fits the pattern.
pub fn matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    // Where to go on when the text after a star does not fit: the star may take one more character.
    let mut retry = None;
    while n < name.len() {
        if pattern.get(p) == Some(&'*') {
            retry = Some((p, n));
            p += 1;
        } else if let Some(length) = one(&pattern[p..], name[n]) {
            p += length;
            n += 1;
        } else if let Some((star, taken)) = retry {
            retry = Some((star, taken + 1));
            (p, n) = (star + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|character| *character == '*')
}

/// The same for names of files: those that begin with a dot only fit a pattern that does.
pub(crate) fn matches_file(pattern: &str, name: &str) -> bool {
    (pattern.starts_with('.') || !name.starts_with('.')) && matches(pattern, name)
}

/// The files that fit a pattern in any part of a path, sorted; as Python's `glob`.
pub(crate) fn files(tree: &dyn Files, pattern: &str) -> Vec<String> {
    let begin = if pattern.starts_with('/') { "/" } else { "" };
    let mut found = vec![begin.to_owned()];
    let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty()).collect();
    for part in parts {
        let is_plain = !part.contains(['*', '?', '[']);
        found = found
            .iter()
            .flat_map(|folder| {
                let names = match is_plain {
                    true => vec![part.to_owned()],
                    false => fitting(tree, folder, part),
                };
                names
                    .into_iter()
                    .map(move |name| format!("{folder}{name}/"))
            })
            .collect();
    }
    let paths = found.iter().map(|path| path.trim_end_matches('/'));
    paths
        .filter(|path| tree.kind(Path::new(path)) == Some(EntryKind::File))
        .map(str::to_owned)
        .collect()
}

fn fitting(tree: &dyn Files, folder: &str, pattern: &str) -> Vec<String> {
    let folder = if folder.is_empty() { "." } else { folder };
    let entries = tree.list(Path::new(folder)).unwrap_or_default();
    let names = entries.into_iter().map(|entry| entry.name);
    names.filter(|name| matches_file(pattern, name)).collect()
}

/// How much of the pattern one character uses up; none if it does not fit.
fn one(pattern: &[char], character: char) -> Option<usize> {
    match pattern.first()? {
        '?' => Some(1),
        '[' => match class(pattern, character) {
            Some((length, true)) => Some(length),
            Some((_, false)) => None,
            None => (character == '[').then_some(1),
        },
        plain => (*plain == character).then_some(1),
    }
}

fn class(pattern: &[char], character: char) -> Option<(usize, bool)> {
    let negated = matches!(pattern.get(1), Some('!' | '^'));
    let begin = if negated { 2 } else { 1 };
    let end = begin + 1 + pattern.get(begin + 1..)?.iter().position(|c| *c == ']')?;
    let mut found = false;
    let mut at = begin;
    while at < end {
        if at + 2 < end && pattern[at + 1] == '-' {
            found |= (pattern[at]..=pattern[at + 2]).contains(&character);
            at += 3;
        } else {
            found |= pattern[at] == character;
            at += 1;
        }
    }
    Some((end + 1, found != negated))
}

#[cfg(test)]
mod tests {
    use strata_core::files::MemoryFiles;

    use super::*;

    #[test]
    fn stars_questions_and_classes() {
        for (pattern, name, fits) in [
            ("web*", "web01", true),
            ("*a*b", "xaxxb", true),
            ("w?b", "web", true),
            ("web[0-2]", "web1", true),
            ("web[!0-2]", "web1", false),
            ("*", "", true),
            ("a*", "b", false),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn files_are_found_by_patterns_in_any_part() {
        let names = [
            "a/x.conf",
            "a/.y.conf",
            "b/z.conf",
            "b/c/w.conf",
            "top.conf",
        ];
        let tree = MemoryFiles::new(names.map(|name| (name, "")));
        assert_eq!(files(&tree, "*/*.conf"), ["a/x.conf", "b/z.conf"]);
        assert_eq!(files(&tree, "a/.*"), ["a/.y.conf"]);
        assert_eq!(files(&tree, "b/*"), ["b/z.conf"]);
        assert_eq!(files(&tree, "top.conf"), ["top.conf"]);
        assert_eq!(files(&tree, "gone/*"), [""; 0]);
    }
}
