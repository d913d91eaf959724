//! Names with `*`, `?` and `[...]`, as shells and Ansible's patterns have them.

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
}
