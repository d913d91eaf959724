//! What Jinja takes in a tag and our parser does not: blanks of Unicode between the words, such as the one that some
//! keyboards write, and a colon at the end of what begins a block, as in Python (`{% if x: %}`).

use super::{literal_length, tag_length};

/// What begins a block.
const OPENING: &[&str] = &[
    "autoescape",
    "block",
    "call",
    "elif",
    "else",
    "filter",
    "for",
    "if",
    "macro",
    "set",
];

/// The source with plain tags; none if it has no others. Texts around and in quotes stay as they are.
pub(super) fn plain(source: &str) -> Option<String> {
    let is_odd = |character: char| !character.is_ascii() && character.is_whitespace();
    let mut ends = source.match_indices("%}");
    if !source.contains(is_odd) && !ends.any(|(end, _)| before_colon(&source[..end]).is_some()) {
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
            true => {
                replaced(tag, &mut out);
                without_colon(start, &mut out);
            }
            false => out.push_str(tag),
        }
        let (literal, after) = after.split_at(literal_length(&out[start..], after));
        out.push_str(literal);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

/// What stands before a colon at the end of a tag, whose own end is not part of it.
fn before_colon(tag: &str) -> Option<&str> {
    let tag = tag.strip_suffix(['-', '+']).unwrap_or(tag);
    tag.trim_end().strip_suffix(':')
}

/// Takes the colon out of a tag that begins a block, which is the end of what is written.
fn without_colon(start: usize, out: &mut String) {
    let tag = &out[start..];
    let Some(inside) = tag
        .strip_prefix("{%")
        .and_then(|tag| tag.strip_suffix("%}"))
    else {
        return;
    };
    let words = inside.trim_start_matches(['-', '+']).trim_start();
    let word = words.split(|c: char| !c.is_alphanumeric()).next();
    if let Some(kept) = before_colon(inside)
        && word
            .is_some_and(|word| OPENING.contains(&word) && !(word == "set" && kept.contains('=')))
    {
        let colon = start + 2 + kept.len();
        out.replace_range(colon..=colon, " ");
    }
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
    fn a_colon_at_the_end_of_what_begins_a_block_is_left_out() {
        let colons =
            "{% if a: %}:{%- elif b : -%}{% else: +%}{% for x in l[1:]:%}{% endfor %}{% endif %}";
        let none =
            "{% if a  %}:{%- elif b   -%}{% else  +%}{% for x in l[1:] %}{% endfor %}{% endif %}";
        assert_eq!(plain(colons).as_deref(), Some(none));
        assert_eq!(plain("{% if a[1:] %}{{ ':' }}{% endif %}"), None);
        let others = "{% raw %}{% if a: %}{% endraw %}{% set a = b: %}{% with a = b: %}";
        assert_eq!(plain(others).as_deref(), Some(others));
    }

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
