//! Patterns that RE2 refuses and `regex` would take: repetitions of repetitions, more than 1000 of them, flags, names of
//! classes and of groups that RE2 does not know. The messages are those of Go's library, which Terraform shows.

/// The most that a repetition may ask for.
const MOST: u32 = 1000;

/// The names of classes, `[[:alpha:]]`.
const CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

/// Why RE2 refuses a pattern; none where it takes it, or where `regex` refuses it, too.
pub(super) fn refusal(pattern: &str) -> Option<String> {
    let mut at = 0;
    // Where the repetition begins that has just ended.
    let mut repeated: Option<usize> = None;
    while let Some(c) = pattern[at..].chars().next() {
        let rest = &pattern[at..];
        let mut repeats = None;
        let length = match c {
            '\\' => escape(rest),
            '[' => match class(rest) {
                Ok(length) => length,
                Err(name) => return Some(format!("invalid character class range in {name}")),
            },
            '(' => match group(rest) {
                Ok(length) => length,
                Err(why) => return Some(why),
            },
            '*' | '+' | '?' => {
                repeats = Some(at);
                lazily(rest, 1)
            }
            '{' => match counts(rest) {
                None => 1,
                Some((length, low, high)) => {
                    let is_too_much =
                        low > MOST || high.is_some_and(|high| high > MOST || low > high);
                    if is_too_much {
                        return Some(format!("invalid repeat count in {}", &rest[..length]));
                    }
                    repeats = Some(at);
                    lazily(rest, length)
                }
            },
            c => c.len_utf8(),
        };
        if let (Some(_), Some(first)) = (repeats, repeated) {
            let nested = &pattern[first..at + length];
            return Some(format!("invalid nested repetition operator in {nested}"));
        }
        repeated = repeats;
        at += length;
    }
    None
}

/// The length of a repetition with the question mark that may follow.
fn lazily(rest: &str, length: usize) -> usize {
    match rest[length..].starts_with('?') {
        true => length + 1,
        false => length,
    }
}

fn escape(rest: &str) -> usize {
    if rest.starts_with("\\Q") {
        return rest.find("\\E").map_or(rest.len(), |end| end + 2);
    }
    let escaped = rest[1..].chars().next();
    1 + escaped.map_or(0, char::len_utf8)
}

/// The length of a class, or a name in it that is not known.
fn class(rest: &str) -> Result<usize, &str> {
    let mut at = 1 + usize::from(rest[1..].starts_with('^'));
    at += usize::from(rest[at..].starts_with(']'));
    while let Some(c) = rest[at..].chars().next() {
        let inside = &rest[at..];
        at += match c {
            ']' => return Ok(at + 1),
            '\\' => escape(inside),
            '[' if inside.starts_with("[:") => match inside[2..].find(":]") {
                None => 1,
                Some(length) => {
                    let (name, end) = (&inside[2..2 + length], length + 4);
                    if !CLASSES.contains(&name.trim_start_matches('^')) {
                        return Err(&inside[..end]);
                    }
                    end
                }
            },
            c => c.len_utf8(),
        };
    }
    Ok(at)
}

/// The length of what begins a group, or why it is none.
fn group(rest: &str) -> Result<usize, String> {
    let Some(flags) = rest.strip_prefix("(?") else {
        return Ok(1);
    };
    if let Some(named) = group_name(rest) {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        return match named.split_once('>') {
            Some((name, _)) if !name.is_empty() && name.chars().all(is_word) => Ok(2),
            Some((name, _)) => {
                let length = rest.len() - named.len() + name.len() + 1;
                Err(format!("invalid named capture in {}", &rest[..length]))
            }
            None => Err(format!("invalid named capture in {rest}")),
        };
    }
    if flags.starts_with(['P', '<', '=', '!', '>', '#']) {
        return Ok(2);
    }
    for (at, c) in flags.char_indices() {
        match c {
            'i' | 'm' | 's' | 'U' | '-' => {}
            ':' | ')' => return Ok(2 + at),
            c => {
                let flags = &rest[..2 + at + c.len_utf8()];
                return Err(format!("invalid or unsupported Perl syntax in {flags}"));
            }
        }
    }
    Ok(rest.len())
}

/// What follows `(?P<` or `(?<`, if that begins a group with a name.
pub(super) fn group_name(rest: &str) -> Option<&str> {
    let named = rest
        .strip_prefix("(?P<")
        .or_else(|| rest.strip_prefix("(?<"))?;
    (!named.starts_with(['=', '!'])).then_some(named)
}

/// The length of `{2}`, `{2,}` or `{2,3}`, and its numbers; none for any other brace.
fn counts(rest: &str) -> Option<(usize, u32, Option<u32>)> {
    let end = rest.find('}')?;
    let inside = &rest[1..end];
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // What does not fit is too much in any case.
        is_number.then(|| text.parse().unwrap_or(u32::MAX))
    };
    let (low, high) = match inside.split_once(',') {
        None => (number(inside)?, None),
        Some((low, "")) => (number(low)?, None),
        Some((low, high)) => (number(low)?, Some(number(high)?)),
    };
    Some((end + 1, low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_re2_does_not_know_is_refused_in_its_words() {
        for (pattern, expected) in [
            ("a**", "invalid nested repetition operator in **"),
            ("a+?+", "invalid nested repetition operator in +?+"),
            ("x{2}{3}", "invalid nested repetition operator in {2}{3}"),
            ("a{1001}", "invalid repeat count in {1001}"),
            ("a{3,2}", "invalid repeat count in {3,2}"),
            ("a{99999999999}", "invalid repeat count in {99999999999}"),
            ("(?x)a", "invalid or unsupported Perl syntax in (?x"),
            ("(?ix:a)", "invalid or unsupported Perl syntax in (?ix"),
            ("(?P<a.b>c)", "invalid named capture in (?P<a.b>"),
            ("a(?<>b)", "invalid named capture in (?<>"),
            ("(?P<n", "invalid named capture in (?P<n"),
            ("[[:nope:]]", "invalid character class range in [:nope:]"),
            ("[[:]:]", "invalid character class range in [:]:]"),
        ] {
            assert_eq!(refusal(pattern).as_deref(), Some(expected), "{pattern}");
        }
    }

    #[test]
    fn what_re2_takes_is_not_refused() {
        for pattern in [
            "a*?b+?c??",
            "(a*)*",
            r"a\**",
            r"\Q**\E",
            "[*+?]+",
            "[]*]*",
            "a{,2}*",
            "{x}+",
            "(?i:a)+",
            "(?s)a.*",
            "(?P<n>a)+",
            "(?<1n>a)(?<1n>b)",
            "[[:^alpha:][:digit:]]{1000}",
            "[[:]_]",
            "a|b*",
            "",
            r"\",
            "[",
            "é*ü+",
            r"\é*",
        ] {
            assert_eq!(refusal(pattern), None, "{pattern}");
        }
    }
}
