//! Methods of Python's texts, lists and mappings.

use minijinja::{Error, ErrorKind, State, Value, value::ValueKind};

use crate::{
    calls, changing,
    filters::{mapping, tuple},
    python,
};

/// Calls a method that the value itself does not have.
pub(crate) fn call(
    state: &mut State<'_, '_>,
    value: &Value,
    method: &str,
    arguments: &[Value],
) -> Result<Value, Error> {
    if value.is_undefined() {
        return Err(Error::from(ErrorKind::UndefinedError));
    }
    if arguments.iter().any(calls::is_undefined) {
        return Ok(Value::UNDEFINED);
    }
    if let Some(changed) = changing::call(value, method, arguments) {
        return changed;
    }
    let own = match value.kind() {
        ValueKind::String => text_method(value.as_str().unwrap_or_default(), method, arguments),
        ValueKind::Map => mapping_method(value, method, arguments),
        ValueKind::Seq | ValueKind::Iterable => list_method(value, method, arguments),
        _ => None,
    };
    match own {
        Some(result) => result,
        None if method == "format" && value.as_str().is_some_and(is_too_wide) => Err(Error::new(
            ErrorKind::InvalidOperation,
            "the format makes a text that is too long",
        )),
        None => {
            minijinja_contrib::pycompat::unknown_method_callback(state, value, method, arguments)
        }
    }
}

/// True if a format such as `{:>10}` pads to more than anybody reads, which would take all memory.
fn is_too_wide(format: &str) -> bool {
    let replaced = format.split('{').skip(1);
    let mut specs = replaced.filter_map(|part| part.split('}').next()?.split_once(':'));
    specs.any(|(_, spec)| {
        let mut numbers = spec.split(|c: char| !c.is_ascii_digit());
        numbers.any(|digits| digits.trim_start_matches('0').len() > 6)
    })
}

fn text_method(text: &str, method: &str, arguments: &[Value]) -> Option<Result<Value, Error>> {
    let argument = |at: usize| {
        arguments
            .get(at)
            .and_then(|value| value.as_str().map(str::to_owned))
    };
    let width = || {
        arguments
            .first()
            .and_then(Value::as_usize)
            .unwrap_or_default()
    };
    let fill = || {
        argument(1)
            .and_then(|text| text.chars().next())
            .unwrap_or(' ')
    };
    Some(Ok(match method {
        "zfill" => Value::from(zero_filled(text, width())),
        "ljust" => Value::from(format!("{text}{}", padding(text, width(), fill()))),
        "rjust" => Value::from(format!("{}{text}", padding(text, width(), fill()))),
        "center" => Value::from(centered(text, width(), fill())),
        "expandtabs" => Value::from(without_tabs(text, arguments.first().map_or(8, |_| width()))),
        "removeprefix" => {
            let prefix = argument(0)?;
            Value::from(text.strip_prefix(prefix.as_str()).unwrap_or(text))
        }
        "removesuffix" => {
            let suffix = argument(0)?;
            Value::from(text.strip_suffix(suffix.as_str()).unwrap_or(text))
        }
        "casefold" => Value::from(text.to_lowercase()),
        "swapcase" => Value::from(text.chars().flat_map(swapped).collect::<String>()),
        "title" => Value::from(titled(text)),
        "partition" => parts(text, text.find(argument(0)?.as_str()), &argument(0)?, true),
        "rpartition" => parts(
            text,
            text.rfind(argument(0)?.as_str()),
            &argument(0)?,
            false,
        ),
        "rsplit" => split_from_right(text, argument(0).as_deref(), arguments.get(1)),
        "index" => return Some(index_of_text(text, &argument(0)?)),
        "encode" | "decode" => Value::from(text),
        _ => return None,
    }))
}

fn swapped(character: char) -> Vec<char> {
    match character.is_uppercase() {
        true => character.to_lowercase().collect(),
        false => character.to_uppercase().collect(),
    }
}

/// Each run of letters with a capital.
fn titled(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut begins = true;
    for character in text.chars() {
        match begins {
            true => out.extend(character.to_uppercase()),
            false => out.extend(character.to_lowercase()),
        }
        begins = !character.is_alphabetic();
    }
    out
}

fn padding(text: &str, width: usize, fill: char) -> String {
    let missing = width.min(1 << 20).saturating_sub(text.chars().count());
    std::iter::repeat_n(fill, missing).collect()
}

/// Where the fill cannot be halved, the rest goes where Python puts it.
fn centered(text: &str, width: usize, fill: char) -> String {
    let fills: Vec<char> = padding(text, width, fill).chars().collect();
    let left = fills.len() / 2 + (fills.len() & width & 1);
    let (left, right) = fills.split_at(left);
    left.iter()
        .chain(&text.chars().collect::<Vec<_>>())
        .chain(right)
        .collect()
}

fn without_tabs(text: &str, size: usize) -> String {
    let size = size.min(1 << 10);
    let mut out = String::new();
    let mut column = 0;
    for character in text.chars() {
        match character {
            '\t' if size > 0 => {
                let blanks = size - column % size;
                out.extend(std::iter::repeat_n(' ', blanks));
                column += blanks;
            }
            '\t' => {}
            other => {
                column = if matches!(other, '\n' | '\r') {
                    0
                } else {
                    column + 1
                };
                out.push(other);
            }
        }
    }
    out
}

fn zero_filled(text: &str, width: usize) -> String {
    let zeros = padding(text, width, '0');
    match text.strip_prefix(['-', '+']) {
        Some(digits) => format!("{}{zeros}{digits}", &text[..1]),
        None => format!("{zeros}{text}"),
    }
}

fn parts(text: &str, at: Option<usize>, separator: &str, first: bool) -> Value {
    let (a, b, c) = match at {
        Some(at) => (&text[..at], separator, &text[at + separator.len()..]),
        None if first => (text, "", ""),
        None => ("", "", text),
    };
    tuple([a, b, c].map(Value::from).to_vec())
}

fn split_from_right(text: &str, separator: Option<&str>, limit: Option<&Value>) -> Value {
    let limit = limit.and_then(Value::as_i64).filter(|limit| *limit >= 0);
    let count = limit.map_or(usize::MAX, |limit| limit as usize + 1);
    let mut pieces: Vec<&str> = match separator {
        Some(separator) => text.rsplitn(count, separator).collect(),
        None => text.split_whitespace().rev().collect(),
    };
    pieces.reverse();
    Value::from(pieces.into_iter().map(Value::from).collect::<Vec<_>>())
}

fn index_of_text(text: &str, part: &str) -> Result<Value, Error> {
    match text.find(part) {
        Some(at) => Ok(Value::from(text[..at].chars().count())),
        None => Err(Error::new(
            ErrorKind::InvalidOperation,
            "substring not found",
        )),
    }
}

fn mapping_method(
    value: &Value,
    method: &str,
    arguments: &[Value],
) -> Option<Result<Value, Error>> {
    match method {
        "update" | "pop" | "setdefault" | "clear" | "popitem" => Some(Err(changing(method))),
        "copy" => Some(Ok(value.clone())),
        "items" if arguments.is_empty() => Some(mapping::items_of(value)),
        "keys" if arguments.is_empty() => {
            let keys = value.try_iter().map(Iterator::collect::<Vec<_>>);
            Some(keys.map(Value::from))
        }
        "get" => {
            let key = arguments.first()?;
            let found = value.get_item(key).unwrap_or_default();
            let fallback = || arguments.get(1).cloned().unwrap_or_else(|| Value::from(()));
            Some(Ok(if found.is_undefined() {
                fallback()
            } else {
                found
            }))
        }
        _ => None,
    }
}

fn list_method(value: &Value, method: &str, arguments: &[Value]) -> Option<Result<Value, Error>> {
    match method {
        "append" | "extend" | "insert" | "remove" | "pop" | "sort" | "reverse" | "clear" => {
            Some(Err(changing(method)))
        }
        "copy" => Some(Ok(value.clone())),
        "index" => {
            let wanted = arguments.first()?;
            let at = value.try_iter().ok()?.position(|item| item == *wanted);
            Some(at.map(Value::from).ok_or_else(|| {
                let wanted = python::repr(wanted);
                Error::new(
                    ErrorKind::InvalidOperation,
                    format!("{wanted} is not in list"),
                )
            }))
        }
        _ => None,
    }
}

fn changing(method: &str) -> Error {
    Error::new(
        ErrorKind::InvalidOperation,
        format!(
            "`.{method}()` changes its value in place, and this one cannot be changed: give it a name by `set` first"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_laid_out_as_python_does() {
        assert_eq!(centered("text", 8, '*'), "**text**");
        assert_eq!(centered("ab", 5, ' '), "  ab ");
        assert_eq!(centered("abc", 4, ' '), "abc ");
        assert_eq!(without_tabs("a\tb\n\tc", 4), "a   b\n    c");
    }

    #[test]
    fn formats_that_pad_without_end_are_refused() {
        for wide in ["{:>999999999}", "{0:10000000d}", "a {x:*^99999999} b"] {
            assert!(is_too_wide(wide), "{wide}");
        }
        for usual in ["{}", "{:>10}", "{0:08d}", "{:,}", "1234567890 {}"] {
            assert!(!is_too_wide(usual), "{usual}");
        }
    }
}
