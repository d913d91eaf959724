//! Backslashes in the expressions of a play.
//!
//! In a YAML file `"{{ x | regex_replace('\d') }}"` must reach the filter with its backslash, so Ansible
//! doubles those in literals between `{{` and `}}`. Template files and conditions are left alone.

use std::borrow::Cow;

/// Doubles the backslashes in literals between `{{` and `}}`.
pub(crate) fn backslashes(template: &str) -> Cow<'_, str> {
    if !template.contains('\\') {
        return Cow::Borrowed(template);
    }
    let mut out = String::with_capacity(template.len() + 8);
    let mut rest = template;
    while let Some(begin) = rest.find('{') {
        let (before, opening) = rest.split_at(begin);
        out.push_str(before);
        rest = if opening.starts_with("{{") {
            let length = expression_length(opening);
            escape_literals(&opening[..length], &mut out);
            &opening[length..]
        } else if opening.starts_with("{%") {
            copy_statement(opening, &mut out)
        } else if opening.starts_with("{#") {
            let length = opening.find("#}").map_or(opening.len(), |at| at + 2);
            out.push_str(&opening[..length]);
            &opening[length..]
        } else {
            out.push('{');
            &opening[1..]
        };
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Copies a statement; a raw block is copied whole.
fn copy_statement<'a>(opening: &'a str, out: &mut String) -> &'a str {
    let mut length = opening.find("%}").map_or(opening.len(), |at| at + 2);
    let inside = opening[2..length]
        .trim_start_matches(['-', '+'])
        .trim_start();
    if inside.starts_with("raw") {
        length = opening.find("endraw").map_or(opening.len(), |at| at + 6);
    }
    out.push_str(&opening[..length]);
    &opening[length..]
}

/// How long an expression is, with its delimiters; quotes and brackets in it are respected.
pub(crate) fn expression_length(opening: &str) -> usize {
    let mut quote = None;
    let mut braces = 0_usize;
    let mut characters = opening.char_indices().skip(2).peekable();
    while let Some((at, character)) = characters.next() {
        match (quote, character) {
            (Some(_), '\\') => {
                characters.next();
            }
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '{') => braces += 1,
            (None, '}') if braces > 0 => braces -= 1,
            (None, '}') if opening[at..].starts_with("}}") => return at + 2,
            (None, _) => {}
        }
    }
    opening.len()
}

fn escape_literals(expression: &str, out: &mut String) {
    let mut quote = None;
    let mut characters = expression.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(_), '\\') => {
                out.push_str("\\\\");
                match characters.next() {
                    Some(next @ ('\'' | '"' | '\\')) => {
                        out.push('\\');
                        out.push(next);
                    }
                    Some(next) => out.push(next),
                    None => {}
                }
                continue;
            }
            (Some(open), _) if open == character => quote = None,
            (None, '\'' | '"') => quote = Some(character),
            _ => {}
        }
        out.push(character);
    }
}

/// Marks the literals of an expression that hold templates, so that they are rendered.
///
/// Ansible still allows `when: "{{ x }}" == 'y'`, though it warns.
pub(crate) fn render_literals<'a>(expression: &'a str, filter: &str) -> Cow<'a, str> {
    if !expression.contains("{{") {
        return Cow::Borrowed(expression);
    }
    let mut out = String::new();
    let mut characters = expression.char_indices();
    let mut copied = 0;
    while let Some((begin, quote)) = characters.next() {
        if !matches!(quote, '\'' | '"') {
            continue;
        }
        while let Some((at, character)) = characters.next() {
            if character == '\\' {
                characters.next();
            } else if character == quote {
                let literal = &expression[begin..=at];
                if literal.contains("{{") {
                    out.push_str(&expression[copied..begin]);
                    out.push_str(&format!("({literal} | {filter})"));
                    copied = at + 1;
                }
                break;
            }
        }
    }
    out.push_str(&expression[copied..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_literals_in_expressions_are_escaped() {
        assert_eq!(
            backslashes(r"a\n {{ '\d' ~ {'a': '}}\n'} }} {% set x = '\n' %}"),
            r"a\n {{ '\\d' ~ {'a': '}}\\n'} }} {% set x = '\n' %}"
        );
        assert_eq!(
            render_literals("a == '{{ b }}' and c == 'd'", "r"),
            "a == ('{{ b }}' | r) and c == 'd'"
        );
        assert_eq!(backslashes(r"{{ 'it\'s' }}"), r"{{ 'it\\\'s' }}");
    }
}
