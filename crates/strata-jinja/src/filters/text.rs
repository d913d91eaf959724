//! Filters over texts: `comment`, `indent`, `center`, `truncate`, `wordwrap`, `urlencode`, `format`.

use minijinja::{
    Environment, Error, Value,
    value::{Kwargs, Rest, ValueKind, ValueOrKwargs, from_args},
};

use super::{add, option, refuse};
use crate::{python, python_format::percent_format};

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "comment", comment);
    add(environment, "indent", indent);
    add(environment, "truncate", truncate);
    add(environment, "wordwrap", wordwrap);
    add(environment, "wordcount", |value: &Value| {
        python::text(value).split_whitespace().count()
    });
    add(environment, "center", center);
    add(environment, "capitalize", capitalize);
    add(environment, "lower", |value: &Value| lowered(value));
    add(environment, "upper", |value: &Value| uppered(value));
    add(environment, "trim", trim);
    add(environment, "replace", replace);
    add(environment, "format", format);
    add(environment, "escape", escape);
    add(environment, "e", escape);
    add(environment, "forceescape", escape);
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
fn comment(value: String, style: Option<String>, options: Kwargs) -> Result<String, Error> {
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
    value: &Value,
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
    let text = given(value)? + "\n";
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

fn truncate(value: &Value, arguments: Rest<ValueOrKwargs>) -> Result<String, Error> {
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
    if text.chars().count() <= length + leeway {
        return Ok(text);
    }
    let kept: String = text
        .chars()
        .take(length.saturating_sub(end.chars().count()))
        .collect();
    let kept = match kept.rsplit_once(' ') {
        Some((words, _)) if !killwords => words.to_owned(),
        _ => kept,
    };
    Ok(kept + &end)
}

fn wordwrap(value: &Value, width: Option<usize>, options: Kwargs) -> Result<String, Error> {
    let width = option::<usize>(&options, "width")?
        .or(width)
        .unwrap_or(79)
        .max(1);
    let separator = option::<String>(&options, "wrapstring")?.unwrap_or_else(|| "\n".to_owned());
    let long = option::<bool>(&options, "break_long_words")?.unwrap_or(true);
    options.assert_all_used()?;
    let text = given(value)?;
    let lines: Vec<String> = text
        .lines()
        .map(|line| wrapped(line, width, long, &separator))
        .collect();
    Ok(lines.join(&separator))
}

fn wrapped(line: &str, width: usize, break_long: bool, separator: &str) -> String {
    let mut lines: Vec<String> = vec![String::new()];
    for word in line.split_whitespace() {
        let mut word = word.to_owned();
        loop {
            let current = lines.last_mut().expect("there is always a line");
            let used = current.chars().count();
            let gap = usize::from(used > 0);
            if used + gap + word.chars().count() <= width || used == 0 && !break_long {
                if gap == 1 {
                    current.push(' ');
                }
                current.push_str(&word);
                break;
            }
            if used == 0 {
                let head: String = word.chars().take(width).collect();
                word = word.chars().skip(width).collect();
                *current = head;
            }
            lines.push(String::new());
        }
    }
    lines.join(separator)
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

fn urlencode(value: &Value) -> Result<String, Error> {
    if value.kind() != ValueKind::Map {
        return Ok(percent_encoded(&given(value)?, "/"));
    }
    let pairs = super::mapping::pairs(value)?;
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
