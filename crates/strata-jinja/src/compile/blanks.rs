//! Blanks of Unicode between the words of a tag, such as the one that some keyboards write: Jinja takes them for
//! blanks, our parser only those of ASCII.

use super::{literal_length, tag_length};

/// The source with plain blanks in its tags; none if it has no others. Texts around and in quotes stay as they are.
pub(super) fn plain(source: &str) -> Option<String> {
    let is_odd = |character: char| !character.is_ascii() && character.is_whitespace();
    if !source.contains(is_odd) {
        return None;
    }
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(begin) = rest.find('{') {
        let (before, opening) = rest.split_at(begin);
        out.push_str(before);
        let length = tag_length(opening);
        let (tag, after) = opening.split_at(length);
        let start = out.len();
        match tag.starts_with("{{") || tag.starts_with("{%") {
            true => replaced(tag, &mut out),
            false => out.push_str(tag),
        }
        let (literal, after) = after.split_at(literal_length(&out[start..], after));
        out.push_str(literal);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

fn replaced(tag: &str, out: &mut String) {
    let mut quote = None;
    let mut escaped = false;
    for character in tag.chars() {
        match quote {
            Some(open) => {
                if character == open && !escaped {
                    quote = None;
                }
                escaped = character == '\\' && !escaped;
            }
            None if matches!(character, '"' | '\'') => quote = Some(character),
            None if !character.is_ascii() && character.is_whitespace() => {
                out.push(' ');
                continue;
            }
            None => {}
        }
        out.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_blanks_become_plain_in_tags_alone() {
        let odd = "a\u{a0}{{\u{a0}b ~ '\u{a0}'\u{2003}}}{% if\u{a0}c %}{#\u{a0}#}{% raw %}{{\u{a0}}}{% endraw %}";
        let plain_one =
            "a\u{a0}{{ b ~ '\u{a0}' }}{% if c %}{#\u{a0}#}{% raw %}{{\u{a0}}}{% endraw %}";
        assert_eq!(plain(odd).as_deref(), Some(plain_one));
        assert_eq!(plain("{{ a }} é {"), None);
        assert_eq!(plain("{\u{a0}{{").as_deref(), Some("{\u{a0}{{"));
    }
}
