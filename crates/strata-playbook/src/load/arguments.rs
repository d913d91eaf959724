//! Arguments written as text: `src=a dest=b`, `echo hi creates=/x`.

use serde_json::Value as Json;

use crate::play::JsonMap;

/// Options that stand among the words of a command; everything else belongs to the command.
const COMMAND_OPTIONS: &[&str] = &[
    "chdir",
    "creates",
    "executable",
    "expand_argument_vars",
    "removes",
    "stdin",
    "stdin_add_newline",
    "strip_empty_ends",
];

/// Takes `key=value` words apart; words without `=` become `_raw_params`.
pub(super) fn key_values(text: &str) -> JsonMap {
    parse(text, |_| true)
}

/// Takes the options out of a command; the rest becomes `_raw_params`.
pub(super) fn command(text: &str) -> JsonMap {
    let mut arguments = parse(text, |key| COMMAND_OPTIONS.contains(&key));
    // A text of several lines keeps its end, as in Ansible.
    if let Some(Json::String(raw)) = arguments.get_mut("_raw_params")
        && let Some(bare) = text.strip_suffix('\n')
        && bare.ends_with(raw.as_str())
    {
        raw.push('\n');
    }
    arguments
}

fn parse(text: &str, is_option: impl Fn(&str) -> bool) -> JsonMap {
    let mut arguments = JsonMap::new();
    let mut raw = String::new();
    for (blank, word) in words(text) {
        let option = word
            .split_once('=')
            .filter(|(key, _)| is_name(key) && is_option(key));
        match option {
            Some((key, value)) => {
                arguments.insert(key.to_owned(), Json::String(unquoted(value)));
            }
            None => {
                if !raw.is_empty() {
                    raw.push_str(blank);
                }
                raw.push_str(word);
            }
        }
    }
    if !raw.is_empty() {
        arguments.insert("_raw_params".to_owned(), Json::String(raw));
    }
    arguments
}

fn is_name(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn unquoted(value: &str) -> String {
    let value = unescaped(value);
    for quote in ['"', '\''] {
        let inner = value
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote));
        if let Some(inner) = inner {
            return inner.to_owned();
        }
    }
    value
}

/// Turns `\n`, `\t`, `\x41`, `\u00e9` and the like into what they stand for, quoted or not, as Ansible does.
fn unescaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let escape = &rest[at + 1..];
        let (character, length) = escaped(escape).unwrap_or(('\\', 0));
        text.push(character);
        rest = &escape[length..];
    }
    text.push_str(rest);
    text
}

/// The character that an escape behind its backslash stands for, and the bytes it takes.
fn escaped(escape: &str) -> Option<(char, usize)> {
    let first = escape.chars().next()?;
    let plain = match first {
        '\\' | '\'' | '"' => first,
        'a' => '\x07',
        'b' => '\x08',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        'x' => return code(escape.get(1..3)?, 16, 3),
        'u' => return code(escape.get(1..5)?, 16, 5),
        'U' => return code(escape.get(1..9)?, 16, 9),
        '0'..='7' => {
            let digits = escape
                .bytes()
                .take(3)
                .take_while(u8::is_ascii_digit)
                .count();
            return code(&escape[..digits], 8, digits);
        }
        _ => return None,
    };
    Some((plain, 1))
}

fn code(digits: &str, radix: u32, length: usize) -> Option<(char, usize)> {
    let code = u32::from_str_radix(digits, radix).ok()?;
    Some((char::from_u32(code)?, length))
}

/// Words with the blanks before them. Quotes and templates hold words together.
fn words(text: &str) -> Vec<(&str, &str)> {
    let mut words = Vec::new();
    let mut blank_start = 0;
    let mut word_start = None;
    let mut quote = None;
    let mut templates = 0_usize;
    let mut escaped = false;
    let mut previous = '\0';
    for (at, character) in text.char_indices() {
        if character.is_whitespace() && quote.is_none() && templates == 0 {
            if let Some(start) = word_start.take() {
                words.push((&text[blank_start..start], &text[start..at]));
                blank_start = at;
            }
            previous = character;
            continue;
        }
        word_start.get_or_insert(at);
        match character {
            _ if escaped => {}
            '{' | '%' | '#' if previous == '{' => templates += 1,
            '}' if matches!(previous, '}' | '%' | '#') => templates = templates.saturating_sub(1),
            '\'' | '"' if quote == Some(character) => quote = None,
            '\'' | '"' if quote.is_none() && templates == 0 => quote = Some(character),
            _ => {}
        }
        escaped = character == '\\' && !escaped;
        // A pair of braces is used up, so that three in a row do not count twice.
        previous = if previous == character && matches!(character, '{' | '}') {
            '\0'
        } else {
            character
        };
    }
    if let Some(start) = word_start {
        words.push((&text[blank_start..start], &text[start..]));
    }
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn commands_keep_their_text_and_give_up_options() {
        let arguments = command(r#"echo "a  b"   x=1 creates=/tmp/x chdir="/a b""#);
        assert_eq!(
            Json::Object(arguments),
            json!({"creates": "/tmp/x", "chdir": "/a b", "_raw_params": r#"echo "a  b"   x=1"#})
        );
    }

    #[test]
    fn escapes_in_values_are_decoded() {
        let arguments = key_values(r#"content="a\n\x41\u00e9 \"q\" \d" tab=x\ty"#);
        assert_eq!(
            Json::Object(arguments),
            json!({"content": "a\nAé \"q\" \\d", "tab": "x\ty"})
        );
    }

    #[test]
    fn templates_hold_words_together() {
        let arguments = key_values("src={{ a | default('x y') }} dest='/b c' mode=0644");
        assert_eq!(
            Json::Object(arguments),
            json!({"src": "{{ a | default('x y') }}", "dest": "/b c", "mode": "0644"})
        );
    }
}
