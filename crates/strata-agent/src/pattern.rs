//! Python's regular expressions, as far as a linear-time matcher can serve them.
//!
//! Look-around and back references inside a pattern are refused by name; everything else that
//! playbooks use is the same or is rewritten here.

use regex::Regex;

use crate::module::ModuleError;

/// Compiles a pattern that a task gave under an argument's name.
pub(crate) fn compile(argument: &str, pattern: &str) -> Result<Regex, ModuleError> {
    // Python's name for the very end of the text.
    let rewritten = pattern.replace(r"\Z", r"\z");
    Regex::new(&rewritten).map_err(|error| {
        let reason = reason(pattern, &error);
        ModuleError::new(format!("{argument}: the pattern `{pattern}` {reason}"))
    })
}

fn reason(pattern: &str, error: &regex::Error) -> String {
    let unsupported = [
        ("(?=", "look-ahead"),
        ("(?!", "look-ahead"),
        ("(?<=", "look-behind"),
        ("(?<!", "look-behind"),
        ("(?P=", "a back reference"),
        ("(?(", "a conditional"),
    ];
    if let Some((_, name)) = unsupported
        .iter()
        .find(|(start, _)| pattern.contains(start))
    {
        return format!("uses {name}, which Strata does not support");
    }
    let text = error.to_string();
    if text.contains("backreferences") {
        return "uses a back reference, which Strata does not support".to_owned();
    }
    format!(
        "is not a regular expression: {}",
        text.lines().last().unwrap_or_default().trim()
    )
}

/// Fills `\1`, `\g<1>` and `\g<name>` of a replacement from a match, as Python's `expand` does.
pub(crate) fn expand(captures: &regex::Captures<'_>, template: &str) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let (value, length) = escape(captures, rest);
        text.push_str(&value);
        rest = &rest[length..];
    }
    text + rest
}

/// What stands for an escape, and how many bytes after the backslash it takes.
fn escape(captures: &regex::Captures<'_>, rest: &str) -> (String, usize) {
    let group =
        |found: Option<regex::Match<'_>>| found.map_or("", |found| found.as_str()).to_owned();
    if let Some((name, _)) = rest
        .strip_prefix("g<")
        .and_then(|rest| rest.split_once('>'))
    {
        let found = match name.parse() {
            Ok(number) => captures.get(number),
            Err(_) => captures.name(name),
        };
        return (group(found), name.len() + 3);
    }
    let digits = rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
    if let Ok(number) = rest[..digits].parse() {
        return (group(captures.get(number)), digits);
    }
    match rest.chars().next() {
        Some('n') => ("\n".to_owned(), 1),
        Some('t') => ("\t".to_owned(), 1),
        Some('r') => ("\r".to_owned(), 1),
        Some('\\') => ("\\".to_owned(), 1),
        Some(other) => (format!("\\{other}"), other.len_utf8()),
        None => ("\\".to_owned(), 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacements_are_filled_as_python_does() {
        let pattern = compile("regexp", r"^(?P<key>\w+)=(\d+)\Z").unwrap();
        let captures = pattern.captures("port=80").unwrap();
        let check = |template, expected| assert_eq!(expand(&captures, template), expected);
        check(r"\1:\2", "port:80");
        check(r"\g<key> \g<2>0", "port 800");
        check(r"a\tb\\c\.d", "a\tb\\c\\.d");
    }

    #[test]
    fn what_is_not_supported_is_named() {
        let check = |pattern, expected: &str| {
            let error = compile("regexp", pattern).unwrap_err().msg;
            assert!(error.contains(expected), "{error}");
        };
        check(
            "^(?!#)a",
            "`^(?!#)a` uses look-ahead, which Strata does not support",
        );
        check(r"(a)\1", "a back reference");
        check("(a", "is not a regular expression");
    }
}
