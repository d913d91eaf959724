//! Filters over texts: `comment`, `indent`, `center`, `truncate`, `urlencode`, `format`.

use minijinja::{
    Environment, Error, Value,
    value::{Kwargs, Rest, ValueKind, ValueOrKwargs, from_args},
};

use super::{add, option, refuse};
use crate::{operators::type_name, python, python_format::percent_format};

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "comment", comment);
    add(environment, "indent", indent);
    add(environment, "truncate", truncate);
    add(environment, "wordcount", |value: &Value| {
        let is_letter = |c: char| c.is_alphanumeric() || c == '_';
        let text = given(value)?;
        let words = text
            .split(|c| !is_letter(c))
            .filter(|word| !word.is_empty());
        Ok::<_, Error>(words.count())
    });
    add(environment, "center", center);
    add(environment, "capitalize", capitalize);
    add(environment, "lower", |value: &Value| lowered(value));
    add(environment, "upper", |value: &Value| uppered(value));
    add(environment, "title", title);
    add(environment, "trim", trim);
    add(environment, "replace", replace);
    add(environment, "format", format);
    add(environment, "escape", escape);
    add(environment, "e", escape);
    add(environment, "forceescape", escape);
    // Nothing is escaped that would have to be marked.
    add(environment, "safe", given);
    add(environment, "urlencode", urlencode);
    add(environment, "urldecode", |value: String| {
        percent_decoded(&value)
    });
    add(environment, "pprint", |value: &Value| python::repr(value));
}

fn given(value: &Value) -> Result<String, Error> {
    if value.is_undefined() {
        return Err(Error::from(minijinja::ErrorKind::UndefinedError));
    }
    Ok(python::text(value))
}

fn lowered(value: &Value) -> Result<String, Error> {
    Ok(given(value)?.to_lowercase())
}

fn uppered(value: &Value) -> Result<String, Error> {
    Ok(given(value)?.to_uppercase())
}

/// Each word with a capital, as Jinja divides words: at blanks, dashes and opening brackets.
fn title(value: &Value) -> Result<String, Error> {
    let text = given(value)?;
    let mut out = String::with_capacity(text.len());
    let mut begins = true;
    for character in text.chars() {
        match begins {
            true => out.extend(character.to_uppercase()),
            false => out.extend(character.to_lowercase()),
        }
        begins = character.is_whitespace() || "-({[<".contains(character);
    }
    Ok(out)
}

fn capitalize(value: &Value) -> Result<String, Error> {
    let text = given(value)?;
    let mut characters = text.chars();
    Ok(match characters.next() {
        Some(first) => first
            .to_uppercase()
            .chain(characters.as_str().to_lowercase().chars())
            .collect(),
        None => text,
    })
}

fn trim(value: &Value, characters: Option<String>) -> Result<String, Error> {
    let text = given(value)?;
    Ok(match characters {
        Some(characters) => text.trim_matches(|c| characters.contains(c)).to_owned(),
        None => text.trim().to_owned(),
    })
}

fn replace(value: &Value, old: &Value, new: &Value, count: Option<usize>) -> Result<String, Error> {
    let (text, old, new) = (given(value)?, given(old)?, given(new)?);
    Ok(match count {
        Some(count) => text.replacen(&old, &new, count),
        None => text.replace(&old, &new),
    })
}

/// The delimiters of a comment style: what begins each line, what comes before all and after all.
fn comment_style(style: &str) -> Result<(&'static str, &'static str, &'static str), Error> {
    Ok(match style {
        "plain" => ("# ", "", ""),
        "erlang" => ("% ", "", ""),
        "c" => ("// ", "", ""),
        "cblock" => (" * ", "/*", " */"),
        "xml" => (" - ", "<!--", "-->"),
        _ => return refuse(format!("`{style}` is no comment style")),
    })
}

/// `text | comment('c', decoration='// ')`.
fn comment(value: &str, style: Option<String>, options: Kwargs) -> Result<String, Error> {
    let style = style.unwrap_or_else(|| "plain".to_owned());
    let (usual, beginning, end) = comment_style(&style)?;
    let text = |name: &str, usual: &str| -> Result<String, Error> {
        Ok(if options.has(name) {
            options.get::<String>(name)?
        } else {
            usual.to_owned()
        })
    };
    let decoration = text("decoration", usual)?;
    let beginning = text("beginning", beginning)?;
    let end = text("end", end)?;
    let newline = text("newline", "\n")?;
    let prefix = text("prefix", decoration.trim_end())?;
    let postfix = text("postfix", decoration.trim_end())?;
    let prefix_count = option::<usize>(&options, "prefix_count")?
        .unwrap_or(1)
        .min(1000);
    let postfix_count = option::<usize>(&options, "postfix_count")?
        .unwrap_or(1)
        .min(1000);
    options.assert_all_used()?;
    let mut out = String::new();
    if !beginning.is_empty() {
        out += &beginning;
        out += &newline;
    }
    // No prefix makes no line, while no postfix makes an empty one.
    if !prefix.is_empty() {
        let ended = match prefix == newline {
            true => newline.clone(),
            false => format!("{prefix}{newline}"),
        };
        out += &ended.repeat(prefix_count);
    }
    // Blanks at line ends are not wanted where nothing else is in the line.
    let body = value.replace(&newline, &format!("{newline}{decoration}"));
    let bare = format!("{}{newline}", decoration.trim_end());
    out += &format!("{decoration}{body}").replace(&format!("{decoration}{newline}"), &bare);
    for _ in 0..postfix_count {
        out += &newline;
        out += &postfix;
    }
    if !end.is_empty() {
        out += &newline;
        out += &end;
    }
    Ok(out)
}

/// `text | indent(4, first=true, blank=true)`.
fn indent(
    value: &str,
    width: Option<Value>,
    first: Option<bool>,
    blank: Option<bool>,
    options: Kwargs,
) -> Result<String, Error> {
    let width = option::<Value>(&options, "width")?.or(width);
    let first = option::<bool>(&options, "first")?
        .or(first)
        .unwrap_or(false);
    let blank = option::<bool>(&options, "blank")?
        .or(blank)
        .unwrap_or(false);
    options.assert_all_used()?;
    let margin = match &width {
        Some(width) => match width.as_str() {
            Some(text) => text.to_owned(),
            None => " ".repeat(width.as_usize().unwrap_or(4).min(10_000)),
        },
        None => "    ".to_owned(),
    };
    let text = format!("{value}\n");
    let mut lines: Vec<&str> = text.split('\n').collect();
    lines.pop();
    let mut out = Vec::with_capacity(lines.len());
    for (at, line) in lines.iter().enumerate() {
        let indented = if at == 0 {
            first
        } else {
            blank || !line.is_empty()
        };
        out.push(if indented {
            format!("{margin}{line}")
        } else {
            (*line).to_owned()
        });
    }
    Ok(out.join("\n"))
}

/// `text | truncate(255, killwords, end, leeway)`; a short list is left as it is.
fn truncate(value: &Value, arguments: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let arguments = arguments.into_values();
    let (length, killwords, end, leeway, options) = from_args::<(
        Option<usize>,
        Option<bool>,
        Option<String>,
        Option<usize>,
        Kwargs,
    )>(&arguments)?;
    let length = option::<usize>(&options, "length")?
        .or(length)
        .unwrap_or(255);
    let killwords = option::<bool>(&options, "killwords")?
        .or(killwords)
        .unwrap_or(false);
    let end = option::<String>(&options, "end")?
        .or(end)
        .unwrap_or_else(|| "...".to_owned());
    let leeway = option::<usize>(&options, "leeway")?.or(leeway).unwrap_or(5);
    options.assert_all_used()?;
    if length < end.chars().count() {
        return refuse(format!(
            "expected length >= {}, got {length}",
            end.chars().count()
        ));
    }
    let text = given(value)?;
    let own_length = match value.kind() {
        ValueKind::Seq | ValueKind::Map => value.len().unwrap_or_default(),
        _ => text.chars().count(),
    };
    if own_length <= length + leeway {
        return Ok(value.clone());
    }
    if value.as_str().is_none() {
        return refuse(format!("a {} cannot be cut", type_name(value)));
    }
    let kept: String = text
        .chars()
        .take(length.saturating_sub(end.chars().count()))
        .collect();
    let kept = match kept.rsplit_once(' ') {
        Some((words, _)) if !killwords => words.to_owned(),
        _ => kept,
    };
    Ok(Value::from(kept + &end))
}

fn center(value: &Value, width: Option<usize>) -> Result<String, Error> {
    let text = given(value)?;
    let missing = width
        .unwrap_or(80)
        .min(1 << 16)
        .saturating_sub(text.chars().count());
    let left = missing / 2 + (missing & width.unwrap_or(80) & 1);
    Ok(format!(
        "{}{text}{}",
        " ".repeat(left),
        " ".repeat(missing - left)
    ))
}

fn escape(value: &Value) -> Result<String, Error> {
    Ok(given(value)?
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&#34;")
        .replace('\'', "&#39;"))
}

/// Percent-encodes all but letters, digits and a few marks.
pub(super) fn percent_encoded(text: &str, safe: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric()
            || b"_.-~".contains(&byte)
            || safe.as_bytes().contains(&byte);
        if plain {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = text
            .get(at + 1..at + 3)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], code) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
            }
            (byte, _) => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The two items of each item.
fn pairs_of(value: &Value) -> Result<Vec<(Value, Value)>, Error> {
    let mut pairs = Vec::new();
    for item in value.try_iter()? {
        let both: Vec<Value> = item.try_iter()?.collect();
        match <[Value; 2]>::try_from(both) {
            Ok([key, value]) => pairs.push((key, value)),
            Err(_) => return refuse("a list for urlencode must be one of pairs"),
        }
    }
    Ok(pairs)
}

/// A text for an address; of a mapping or of pairs what follows its `?`.
fn urlencode(value: &Value) -> Result<String, Error> {
    let pairs = match value.kind() {
        ValueKind::Map => super::mapping::pairs(value)?,
        ValueKind::Seq | ValueKind::Iterable => pairs_of(value)?,
        _ => return Ok(percent_encoded(&given(value)?, "/")),
    };
    let encode = |value: &Value| percent_encoded(&python::text(value), "").replace("%20", "+");
    Ok(pairs
        .iter()
        .map(|(key, value)| format!("{}={}", encode(key), encode(value)))
        .collect::<Vec<_>>()
        .join("&"))
}

/// `'%s-%d' | format(a, b)`.
fn format(pattern: String, arguments: Rest<Value>) -> Result<String, Error> {
    match arguments.as_slice() {
        [only] if only.is_kwargs() => percent_format(&pattern, only),
        _ => percent_format(
            &pattern,
            &Value::from(minijinja::value::Tuple::from(arguments.to_vec())),
        ),
    }
}
