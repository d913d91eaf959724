//! Splitting a command line into words as a POSIX shell does, without running one.

/// Splits at white space outside quotes; `Err` tells which quote is open.
pub(crate) fn split(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = line.chars();
    while let Some(c) = characters.next() {
        match c {
            ' ' | '\t' | '\n' | '\r' => words.extend(word.take()),
            '\\' => match characters.next() {
                Some(next) => word.get_or_insert_default().push(next),
                None => return Err("No escaped character".to_owned()),
            },
            '\'' | '"' => quoted(c, &mut characters, word.get_or_insert_default())?,
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn quoted(
    quote: char,
    characters: &mut std::str::Chars<'_>,
    word: &mut String,
) -> Result<(), String> {
    while let Some(c) = characters.next() {
        match c {
            c if c == quote => return Ok(()),
            '\\' if quote == '"' => match characters.next() {
                Some(next @ ('"' | '\\')) => word.push(next),
                Some(next) => word.extend(['\\', next]),
                None => break,
            },
            c => word.push(c),
        }
    }
    Err("No closing quotation".to_owned())
}

/// A word as a POSIX shell reads it back.
pub(crate) fn quote(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r#"'"'"'"#)),
    }
}

/// The lines of a text as Python's `splitlines` takes it apart.
pub(crate) fn lines(text: &str) -> Vec<&str> {
    let ends = |letter: char| matches!(letter, '\n'..='\r' | '\u{1c}'..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(ends) {
        lines.push(&rest[..at]);
        let end = match rest[at..].starts_with("\r\n") {
            true => 2,
            false => rest[at..].chars().next().map_or(1, char::len_utf8),
        };
        rest = &rest[at + end..];
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_only_where_a_shell_would_divide_them() {
        assert_eq!(quote("/usr/bin/make"), "/usr/bin/make");
        assert_eq!(quote("a b"), "'a b'");
        assert_eq!(quote("it's"), r#"'it'"'"'s'"#);
        assert_eq!(quote(""), "''");
    }

    #[test]
    fn words_are_split_as_a_shell_splits_them() {
        let check = |line: &str, expected: &[&str]| assert_eq!(split(line).unwrap(), expected);
        check("a  b\tc", &["a", "b", "c"]);
        check(
            r#"echo "a b" 'c "d"' e\ f "#,
            &["echo", "a b", "c \"d\"", "e f"],
        );
        check(r#"x"y"z ''"#, &["xyz", ""]);
        check(r#""\$a \" \\""#, &["\\$a \" \\"]);
        assert_eq!(split("echo 'a").unwrap_err(), "No closing quotation");
    }

    #[test]
    fn lines_end_where_they_do_in_python() {
        assert_eq!(lines("a\r\nb\rc\u{2028}\n"), ["a", "b", "c", ""]);
        assert_eq!(lines("10 %\r20 %\r\r\n"), ["10 %", "20 %", ""]);
        assert!(lines("").is_empty());
    }
}
