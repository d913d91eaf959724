//! Text: parts, case, space. What users see as one character counts as one.

use strata_core::{Type, Value};
use unicode_segmentation::UnicodeSegmentation;

use super::{
    Context, Function, FunctionError, Given, Kind, Parameter, Result_, Returns, items, later,
    strings, text, whole,
};

const STR: Parameter = Parameter::new("str", Kind::String);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "chomp",
        &[STR],
        Returns::String,
        "Takes line breaks off the end.",
        chomp,
    ),
    Function::new(
        "endswith",
        &[STR, Parameter::new("suffix", Kind::String)],
        Returns::Bool,
        "Tells whether a text ends with another.",
        |given, _| Ok(Value::Bool(text(given, 0).ends_with(text(given, 1)))),
    ),
    Function::new(
        "indent",
        &[Parameter::new("spaces", Kind::Number), STR],
        Returns::String,
        "Indents all lines but the first.",
        indent,
    ),
    Function::new(
        "join",
        &[Parameter::new("separator", Kind::String)],
        Returns::String,
        "Joins the elements of lists with a separator.",
        join,
    )
    .variadic(Parameter::new("lists", Kind::ListOfString)),
    Function::new(
        "lower",
        &[STR],
        Returns::String,
        "Makes all letters small.",
        |given, _| {
            Ok(Value::from(each_char(text(given, 0), |c| match c {
                // The only letter whose small one is two characters elsewhere.
                'İ' => 'i',
                c => single(c, c.to_lowercase()),
            })))
        },
    ),
    Function::new(
        "split",
        &[Parameter::new("separator", Kind::String), STR],
        Returns::ListOfString,
        "Splits a text at each separator.",
        split,
    ),
    Function::new(
        "startswith",
        &[STR.open(), Parameter::new("prefix", Kind::String)],
        Returns::Bool,
        "Tells whether a text begins with another.",
        starts_with,
    ),
    Function::new(
        "strcontains",
        &[STR, Parameter::new("substr", Kind::String)],
        Returns::Bool,
        "Tells whether a text contains another.",
        |given, _| Ok(Value::Bool(text(given, 0).contains(text(given, 1)))),
    ),
    Function::new(
        "strrev",
        &[STR],
        Returns::String,
        "Turns the order of characters around.",
        |given, _| {
            Ok(Value::from(
                text(given, 0).graphemes(true).rev().collect::<String>(),
            ))
        },
    ),
    Function::new(
        "substr",
        &[
            STR,
            Parameter::new("offset", Kind::Number),
            Parameter::new("length", Kind::Number),
        ],
        Returns::String,
        "Takes a part of a text by offset and length.",
        substr,
    ),
    Function::new(
        "title",
        &[STR],
        Returns::String,
        "Makes the first letter of each word great.",
        title,
    ),
    Function::new(
        "trim",
        &[STR, Parameter::new("cutset", Kind::String)],
        Returns::String,
        "Takes any of some characters off both ends.",
        |given, _| {
            let cut: Vec<char> = text(given, 1).chars().collect();
            Ok(Value::from(text(given, 0).trim_matches(cut.as_slice())))
        },
    ),
    Function::new(
        "trimprefix",
        &[STR, Parameter::new("prefix", Kind::String)],
        Returns::String,
        "Takes a text off the beginning, if it is there.",
        |given, _| {
            let whole = text(given, 0);
            Ok(Value::from(
                whole.strip_prefix(text(given, 1)).unwrap_or(whole),
            ))
        },
    ),
    Function::new(
        "trimspace",
        &[STR],
        Returns::String,
        "Takes space off both ends.",
        |given, _| Ok(Value::from(text(given, 0).trim())),
    ),
    Function::new(
        "trimsuffix",
        &[STR, Parameter::new("suffix", Kind::String)],
        Returns::String,
        "Takes a text off the end, if it is there.",
        |given, _| {
            let whole = text(given, 0);
            Ok(Value::from(
                whole.strip_suffix(text(given, 1)).unwrap_or(whole),
            ))
        },
    ),
    Function::new(
        "upper",
        &[STR],
        Returns::String,
        "Makes all letters great.",
        |given, _| {
            Ok(Value::from(each_char(text(given, 0), |c| {
                single(c, c.to_uppercase())
            })))
        },
    ),
];

/// Changes each letter for one, as Terraform does; those that would become several stay.
fn each_char(text: &str, change: impl Fn(char) -> char) -> String {
    text.chars().map(change).collect()
}

fn single(before: char, mut after: impl ExactSizeIterator<Item = char>) -> char {
    if after.len() == 1 {
        after.next().unwrap_or(before)
    } else {
        before
    }
}

/// Of a text that is not known, what it will begin with may tell already.
fn starts_with(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let wanted = text(given, 1);
    let Some(Value::Unknown(unknown)) = given.first() else {
        return Ok(Value::Bool(text(given, 0).starts_with(wanted)));
    };
    let told = unknown.prefix.as_deref().unwrap_or_default();
    Ok(match (told.starts_with(wanted), wanted.starts_with(told)) {
        (true, _) => Value::Bool(true),
        (_, false) => Value::Bool(false),
        _ => later(Type::Bool),
    })
}

fn chomp(given: Given<'_>, _: &Context<'_>) -> Result_ {
    Ok(Value::from(text(given, 0).trim_end_matches(['\n', '\r'])))
}

fn indent(given: Given<'_>, _: &Context<'_>) -> Result_ {
    // Terraform does not say which argument it was.
    let spaces = whole(given, 0).map_err(|error| FunctionError::new(error.message));
    let spaces = usize::try_from(spaces?)
        .ok()
        .filter(|spaces| *spaces <= 100_000)
        .ok_or_else(|| FunctionError::argument(0, "a number from 0 to 100000 is required"))?;
    let line = format!("\n{}", " ".repeat(spaces));
    Ok(Value::from(text(given, 1).replace('\n', &line)))
}

fn join(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let mut parts = Vec::new();
    if given.len() < 2 {
        return Err(FunctionError::new("at least one list is required"));
    }
    for at in 1..given.len() {
        for (index, item) in items(given, at).iter().enumerate() {
            let Some(part) = item.as_str() else {
                return Err(FunctionError::argument(
                    at,
                    format!("element {index} is null; cannot concatenate null values"),
                ));
            };
            parts.push(part);
        }
    }
    Ok(Value::from(parts.join(text(given, 0))))
}

fn split(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let (separator, whole) = (text(given, 0), text(given, 1));
    if separator.is_empty() {
        return Ok(strings(whole.chars().map(|c| Value::from(c.to_string()))));
    }
    // One byte is found much faster than a text.
    Ok(match separator.as_bytes() {
        [byte] => strings(whole.split(char::from(*byte))),
        _ => strings(whole.split(separator)),
    })
}

fn substr(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let (offset, length) = (whole(given, 1)?, whole(given, 2)?);
    let characters: Vec<&str> = text(given, 0).graphemes(true).collect();
    let count = characters.len() as i64;
    let start = if offset < 0 {
        (count + offset).max(0)
    } else {
        offset.min(count)
    };
    let end = match length {
        length if length < 0 => count,
        length => start.saturating_add(length).min(count),
    };
    Ok(Value::from(
        characters[start as usize..end as usize].concat(),
    ))
}

fn title(given: Given<'_>, _: &Context<'_>) -> Result_ {
    let mut before = ' ';
    let upper = |c: char| {
        let separated = is_separator(before);
        before = c;
        if separated {
            single(c, c.to_uppercase())
        } else {
            c
        }
    };
    Ok(Value::from(
        text(given, 0).chars().map(upper).collect::<String>(),
    ))
}

fn is_separator(c: char) -> bool {
    if c.is_ascii() {
        !(c.is_ascii_alphanumeric() || c == '_')
    } else {
        !c.is_alphanumeric() && c.is_whitespace()
    }
}
