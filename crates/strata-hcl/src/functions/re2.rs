//! Patterns as Terraform reads them, in the words of the library that runs them here.
//!
//! Terraform has the syntax of RE2. `regex` has nearly the same, but its classes nest and know set operations, its `\d`,
//! `\w` and `\s` are all of Unicode, some escapes are missing, and two groups cannot have one name. So what differs is
//! written otherwise.

use std::{iter::Peekable, str::Chars};

use super::re2_syntax::group_name;

const DIGITS: &str = "0-9";
const SPACES: &str = r"\t\n\f\r ";
const WORDS: &str = "0-9A-Za-z_";

/// How far is looked ahead: no repetition and no name of a class is longer.
const LONGEST: usize = 24;

/// The same for names of groups.
const LONGEST_NAME: usize = 256;

/// Writes a pattern of RE2 as one of `regex`. What neither knows stays as it is, and is refused there.
pub(super) fn translated(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut names = Vec::new();
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => escape(&mut rest, &mut out),
            '[' => class(&mut rest, &mut out),
            '{' if !is_repetition(rest.clone()) => out.push_str(r"\{"),
            '(' => group(&mut rest, &mut names, &mut out),
            c => out.push(c),
        }
    }
    out
}

/// Reads what begins a group, with its name if it has one.
fn group(rest: &mut Peekable<Chars<'_>>, names: &mut Vec<String>, out: &mut String) {
    out.push('(');
    let ahead: String = rest.clone().take(LONGEST_NAME).collect();
    let ahead = format!("({ahead}");
    let Some((name, _)) = group_name(&ahead).and_then(|named| named.split_once('>')) else {
        return;
    };
    let same = names.iter().filter(|other| *other == name).count();
    out.push_str(
        &match (same, name.starts_with(|c: char| c.is_ascii_digit())) {
            (0, false) => format!("?P<{name}>"),
            _ => format!("?P<_{same}.{name}>"),
        },
    );
    // The bracket that is put before is no part of the rest.
    let begin = ahead.len() - group_name(&ahead).map_or(0, str::len) - 1;
    rest.nth(begin + name.chars().count());
    names.push(name.to_owned());
}

/// The name of a group as it was written, of the one that [`translated`] gave it.
pub(super) fn written(name: &str) -> &str {
    // No name that RE2 takes has a dot in it.
    name.split_once('.').map_or(name, |(_, written)| written)
}

/// True for what follows the opening brace of `{2}`, `{2,}` and `{2,3}`; any other brace is itself.
fn is_repetition(rest: Peekable<Chars<'_>>) -> bool {
    let rest: String = rest.take(LONGEST).collect();
    let Some((inside, _)) = rest.split_once('}') else {
        return false;
    };
    let (low, high) = inside.split_once(',').unwrap_or((inside, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !low.is_empty() && is_number(low) && is_number(high)
}

fn escape(rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    let Some(c) = rest.next() else {
        out.push('\\');
        return;
    };
    match c {
        'Q' => quoted(rest, out),
        'b' => out.push_str(r"(?-u:\b)"),
        'p' | 'P' | 'x' => out.push_str(&with_name(c, rest)),
        c => match set(c) {
            Some((inside, negated)) => bracketed(inside, negated, out),
            None => out.push_str(&character(c, rest)),
        },
    }
}

/// The characters of `\d`, `\w`, `\s` and their opposites.
fn set(c: char) -> Option<(&'static str, bool)> {
    let inside = match c.to_ascii_lowercase() {
        'd' => DIGITS,
        's' => SPACES,
        'w' => WORDS,
        _ => return None,
    };
    Some((inside, c.is_ascii_uppercase()))
}

fn bracketed(inside: &str, negated: bool, out: &mut String) {
    out.push_str(if negated { "[^" } else { "[" });
    out.push_str(inside);
    out.push(']');
}

/// Text between `\Q` and `\E` is itself.
fn quoted(rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    while let Some(c) = rest.next() {
        if c == '\\' && rest.next_if_eq(&'E').is_some() {
            return;
        }
        out.push_str(&itself(c));
    }
}

/// `\p{Greek}`, `\pL`, `\x41` or `\x{1F600}`, as it stands.
fn with_name(c: char, rest: &mut Peekable<Chars<'_>>) -> String {
    let mut name = format!(r"\{c}");
    if rest.peek() == Some(&'{') {
        while let Some(c) = rest.next_if(|c| *c != '}') {
            name.push(c);
        }
        name.extend(rest.next());
    } else {
        let digits = if c == 'x' { 2 } else { 1 };
        name.extend(rest.by_ref().take(digits));
    }
    name
}

/// What an escape stands for, outside of classes and in them.
fn character(c: char, rest: &mut Peekable<Chars<'_>>) -> String {
    match c {
        '0'..='7' => {
            let mut code = c.to_digit(8).unwrap_or_default();
            let mut digits = 1;
            while digits < 3 {
                let Some(digit) = rest.next_if(|next| next.is_digit(8)) else {
                    break;
                };
                code = code * 8 + digit.to_digit(8).unwrap_or_default();
                digits += 1;
            }
            // One digit alone would refer to a group, which there is not.
            match digits > 1 || c == '0' {
                true => format!(r"\x{{{code:x}}}"),
                false => format!(r"\{c}"),
            }
        }
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => itself(c),
        c => format!(r"\{c}"),
    }
}

fn itself(c: char) -> String {
    match c {
        // Not special outside of classes, where `escape` leaves them.
        '&' | '~' | '-' | '[' | ']' | '^' => format!(r"\{c}"),
        c => regex::escape(c.encode_utf8(&mut [0; 4])),
    }
}

/// Reads from after `[` to after the `]` that closes it.
fn class(rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    out.push('[');
    if rest.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    let mut is_first = true;
    while let Some(c) = rest.next() {
        match c {
            ']' if !is_first => {
                out.push(']');
                return;
            }
            '[' if rest.peek() == Some(&':') => named(rest, out),
            c => member(c, rest, out),
        }
        is_first = false;
    }
}

/// Reads the rest of `[:alpha:]`, or takes the bracket for itself. The colon of its beginning is not that of its end.
fn named(rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    let ahead: String = rest.clone().take(LONGEST).collect();
    let name = ahead.get(1..).and_then(|inside| inside.find(":]"));
    let name = name.map(|length| &ahead[..length + 3]);
    let name = name.filter(|name| {
        name.bytes()
            .all(|byte| byte.is_ascii_lowercase() || b":^]".contains(&byte))
    });
    let Some(name) = name else {
        out.push_str(r"\[");
        return;
    };
    out.push('[');
    out.push_str(name);
    rest.nth(name.len() - 1);
}

/// Reads one character of a class, or a range of them.
fn member(c: char, rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    let Some(low) = one(c, rest, out) else {
        return;
    };
    out.push_str(&low);
    let mut ahead = rest.clone();
    if ahead.next() != Some('-') || ahead.peek().is_none_or(|next| *next == ']') {
        return;
    }
    rest.next();
    if let Some(c) = rest.next() {
        out.push('-');
        if let Some(high) = one(c, rest, out) {
            out.push_str(&high);
        }
    }
}

/// One character of a class; none for an escape that stands for several, which is written.
fn one(c: char, rest: &mut Peekable<Chars<'_>>, out: &mut String) -> Option<String> {
    if c != '\\' {
        return Some(itself(c));
    }
    let escaped = rest.next()?;
    if let Some((inside, negated)) = set(escaped) {
        bracketed(inside, negated, out);
        return None;
    }
    if matches!(escaped, 'p' | 'P' | 'x') {
        return Some(with_name(escaped, rest));
    }
    Some(character(escaped, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        regex::Regex::new(&translated(pattern))
            .unwrap()
            .is_match(text)
    }

    #[test]
    fn digits_words_and_spaces_are_those_of_ascii() {
        for (pattern, text, expected) in [
            (r"^\d$", "7", true),
            (r"^\d$", "٣", false),
            (r"^\w$", "é", false),
            (r"^\W$", "é", true),
            (r"^\s$", "\u{a0}", false),
            (r"^[\d_]+$", "4_2", true),
            (r"^[^\D]$", "4", true),
            (r"x\b", "xé", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn classes_neither_nest_nor_calculate() {
        for (pattern, text, expected) in [
            ("^[[a]$", "[", true),
            ("^[[:]_]$", "[_]", true),
            ("^[a&&b]+$", "a&b", true),
            ("^[a~~b]+$", "~", true),
            ("^[]a]+$", "]a", true),
            ("^[^]a]+$", "b", true),
            ("^[+--]+$", ",", true),
            ("^[a-]+$", "-a", true),
            ("^[[:alpha:]-]+$", "a-b", true),
            ("^[[:^alpha:]]$", "1", true),
            (r"^[\[\]]+$", "[]", true),
            (r"^[\p{Greek}\x41-\x{43}]+$", "αB", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn braces_escapes_and_quotes_are_those_of_re2() {
        for (pattern, text, expected) in [
            ("^a{,2}$", "a{,2}", true),
            ("^{x}$", "{x}", true),
            ("^a{2}$", "aa", true),
            (r"^\Qa.b\E+$", "a.bb", true),
            (r"^\<a\>$", "<a>", true),
            (r"^\101\/\_$", "A/_", true),
            (r"^\P{L}\pN\x{1F600}$", "-1😀", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn several_groups_may_have_one_name() {
        let pattern = translated("(?P<y>a)(?<y>b)(?P<1>(c))(d)");
        let pattern = regex::Regex::new(&pattern).unwrap();
        let names: Vec<_> = pattern.capture_names().skip(1).collect();
        let names = names.into_iter().map(|name| name.map(written));
        let expected = [Some("y"), Some("y"), Some("1"), None, None];
        assert!(names.eq(expected), "{pattern}");
        assert!(pattern.is_match("abcd"));
    }

    #[test]
    fn what_is_mistaken_is_refused_and_never_hangs() {
        for pattern in [
            "[",
            "[a",
            "[[:alpha:",
            r"\",
            r"[\",
            r"\1",
            "a{2",
            "(?=a)",
            r"[\p{",
        ] {
            let compiled = regex::Regex::new(&translated(pattern));
            assert_eq!(compiled.is_err(), pattern != "a{2", "{pattern}");
        }
    }
}
