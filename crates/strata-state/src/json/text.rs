//! The looks of JSON text, without touching what it says.

/// Takes out all blanks between tokens.
pub(crate) fn compact(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut compact = String::with_capacity(text.len());
    // States are large: what stands between blanks is taken over in one piece.
    let (mut start, mut at) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = end_of_string(bytes, at),
            blank if blank.is_ascii_whitespace() => {
                compact.push_str(&text[start..at]);
                let is_other = |byte: &u8| !byte.is_ascii_whitespace();
                let blanks = bytes[at..].iter().position(is_other);
                at = blanks.map_or(bytes.len(), |blanks| at + blanks);
                start = at;
            }
            _ => at += 1,
        }
    }
    compact.push_str(&text[start..]);
    compact
}

/// Lays out compact text as state files have it: two blanks a level, empty ones on one line.
pub(crate) fn indent(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len() * 2);
    let (mut depth, mut at) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        let end = match byte {
            b'"' => end_of_string(bytes, at),
            b'{' | b'[' if matches!(bytes.get(at + 1), Some(b'}' | b']')) => at + 2,
            b'{' | b'[' | b'}' | b']' | b',' | b':' => at + 1,
            _ => end_of_word(bytes, at),
        };
        if matches!(byte, b'}' | b']') {
            depth -= 1;
            break_line(&mut out, depth);
        }
        out.push_str(&text[at..end]);
        match byte {
            b'{' | b'[' if end == at + 1 => {
                depth += 1;
                break_line(&mut out, depth);
            }
            b',' => break_line(&mut out, depth),
            b':' => out.push(' '),
            _ => {}
        }
        at = end;
    }
    out.push('\n');
    out
}

/// Where a string that begins at `start` is over.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut escaped = false;
    let ends = |byte: &u8| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    };
    let found = bytes[start + 1..].iter().position(ends);
    found.map_or(bytes.len(), |at| start + at + 2)
}

/// Where a number, `true`, `false` or `null` is over.
fn end_of_word(bytes: &[u8], start: usize) -> usize {
    let ends = |byte: &u8| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']' | b',' | b':');
    let found = bytes[start..].iter().position(ends);
    found.map_or(bytes.len(), |at| start + at)
}

fn break_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
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
