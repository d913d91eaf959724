//! The looks of JSON text, without touching what it says.

/// Takes out all blanks between tokens.
pub(crate) fn compact(text: &str) -> String {
    let mut compact = String::with_capacity(text.len());
    // States are large: what stands between blanks is taken over in one piece.
    let (mut quoted, mut escaped, mut start) = (false, false, 0);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            blank if !quoted && blank.is_ascii_whitespace() => {
                compact.push_str(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    compact.push_str(&text[start..]);
    compact
}

/// Lays out compact text as state files have it: two blanks a level, empty ones on one line.
pub(crate) fn indent(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = 0;
    let mut opened = false;
    scan(text, |c, quoted| {
        let closes = !quoted && matches!(c, '}' | ']');
        if closes {
            depth -= 1;
        }
        if opened != closes {
            break_line(&mut out, depth);
        }
        opened = !quoted && matches!(c, '{' | '[');
        if opened {
            depth += 1;
        }
        out.push(c);
        match c {
            ',' if !quoted => break_line(&mut out, depth),
            ':' if !quoted => out.push(' '),
            _ => {}
        }
    });
    out.push('\n');
    out
}

fn break_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

/// Goes over each character and says whether it belongs to a string.
fn scan(text: &str, mut each: impl FnMut(char, bool)) {
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars() {
        let was_quoted = quoted;
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => {}
        }
        each(c, quoted || was_quoted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_changes_nothing_but_blanks() {
        let text = r#"{"a":[1,{"b c":"x: {\" , "}],"d":{},"e":[],"f":"\\"}"#;
        let pretty = indent(text);
        assert_eq!(
            pretty,
            "{\n  \"a\": [\n    1,\n    {\n      \"b c\": \"x: {\\\" , \"\n    }\n  ],\n  \"d\": {},\n  \"e\": [],\n  \"f\": \"\\\\\"\n}\n"
        );
        assert_eq!(compact(&pretty), text);
    }
}
