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
    parse(text, |key| COMMAND_OPTIONS.contains(&key))
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
    for quote in ['"', '\''] {
        let inner = value
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote));
        if let Some(inner) = inner {
            return inner.replace(&format!("\\{quote}"), &quote.to_string());
        }
    }
    value.to_owned()
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
    fn templates_hold_words_together() {
        let arguments = key_values("src={{ a | default('x y') }} dest='/b c' mode=0644");
        assert_eq!(
            Json::Object(arguments),
            json!({"src": "{{ a | default('x y') }}", "dest": "/b c", "mode": "0644"})
        );
    }
}
