//! Values to JSON.

use serde_json::Value as Json;
use strata_core::{AttributePath, Number, PathStep, Type, Value};

use super::ty::type_to_json;

/// Writes a value of a type as compact JSON text; marks are left out, unknown values become null.
pub fn encode(value: &Value, ty: &Type) -> String {
    let mut out = String::new();
    write(value, ty, &mut out);
    out
}

fn write(value: &Value, ty: &Type, out: &mut String) {
    let value = value.unmarked();
    match value {
        Value::Null(_) | Value::Unknown(_) => out.push_str("null"),
        value if *ty == Type::Dynamic => {
            let ty = value.ty();
            out.push_str("{\"value\":");
            write(value, &ty, out);
            out.push_str(",\"type\":");
            out.push_str(&type_to_json(&ty).to_string());
            out.push('}');
        }
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        // JSON has no word for it; as text it reads back.
        Value::Number(number) if number.is_infinite() => out.push_str(&format!("\"{number}\"")),
        Value::Number(number) => out.push_str(&number.to_string()),
        Value::String(text) => write_string(text, out),
        Value::List(element, items) | Value::Set(element, items) => {
            let element = ty.element().unwrap_or(element);
            write_all(items.iter().map(|item| (item, element)), out);
        }
        Value::Tuple(items) => {
            let types: &[Type] = match ty {
                Type::Tuple(types) => types,
                _ => &[],
            };
            let ty = |at| types.get(at).unwrap_or(&Type::Dynamic);
            write_all(
                items.iter().enumerate().map(|(at, item)| (item, ty(at))),
                out,
            );
        }
        Value::Map(_, entries) | Value::Object(entries) => {
            let ty = |name: &str| {
                ty.element()
                    .or_else(|| ty.attribute(name))
                    .unwrap_or(&Type::Dynamic)
            };
            out.push('{');
            for (at, (name, item)) in entries.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_string(name, out);
                out.push(':');
                write(item, ty(name), out);
            }
            out.push('}');
        }
        Value::Marked(..) => unreachable!("an unmarked value is not marked"),
    }
}

fn write_all<'v>(items: impl Iterator<Item = (&'v Value, &'v Type)>, out: &mut String) {
    out.push('[');
    for (at, (item, ty)) in items.enumerate() {
        if at > 0 {
            out.push(',');
        }
        write(item, ty, out);
    }
    out.push(']');
}

fn write_string(text: &str, out: &mut String) {
    out.push_str(&Json::from(text).to_string());
}

/// A value as other programs take it: no types, unknown values are null, numbers are floats where they do not fit 64 bits.
pub fn plain(value: &Value) -> Json {
    shown(value, &|number| Json::from(number.to_f64()))
}

/// A value as plans and outputs show it: as [`plain`], but no digit is lost in the text that [`exact_text`] makes of it.
pub fn exact(value: &Value) -> Json {
    shown(value, &|number| match number.is_infinite() {
        true => Json::from(number.to_f64()),
        false => Json::from(format!("{DIGITS}{number}")),
    })
}

fn shown(value: &Value, large: &dyn Fn(&Number) -> Json) -> Json {
    match value.unmarked() {
        Value::Bool(truth) => Json::Bool(*truth),
        Value::Number(number) => match number.as_i64() {
            Some(int) => Json::from(int),
            None => large(number),
        },
        Value::String(text) => Json::from(&**text),
        Value::List(_, items) | Value::Set(_, items) | Value::Tuple(items) => {
            items.iter().map(|item| shown(item, large)).collect()
        }
        Value::Map(_, entries) | Value::Object(entries) => {
            let entry =
                |(name, item): (&strata_core::Text, &Value)| (name.to_string(), shown(item, large));
            Json::Object(entries.iter().map(entry).collect())
        }
        Value::Null(_) | Value::Unknown(_) | Value::Marked(..) => Json::Null,
    }
}

/// What stands before the digits of a number that JSON values would round. No text begins so: it has a zero byte.
const DIGITS: &str = "\0number ";

/// The text of JSON that was made of [`exact`] values.
pub fn exact_text(json: &Json, indented: bool) -> String {
    let text = match indented {
        true => format!("{json:#}"),
        false => json.to_string(),
    };
    let begin = Json::from(DIGITS).to_string();
    let begin = begin.trim_end_matches('"');
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find(begin) {
        let (before, found) = rest.split_at(at);
        let (digits, after) = found[begin.len()..].split_once('"').unwrap_or_default();
        let is_number = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
        // Inside of a text the quote has a backslash before it.
        if before.ends_with('\\') || digits.is_empty() || !digits.chars().all(is_number) {
            let (same, next) = rest.split_at(at + begin.len());
            out.push_str(same);
            rest = next;
            continue;
        }
        out.push_str(before);
        out.push_str(digits);
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Where a value is unknown; a set with unknown parts counts as unknown as a whole.
pub fn unknown_paths(value: &Value) -> Vec<AttributePath> {
    let mut found = Vec::new();
    collect_unknown(value, &AttributePath::root(), &mut found);
    found
}

fn collect_unknown(value: &Value, path: &AttributePath, found: &mut Vec<AttributePath>) {
    let value = value.unmarked();
    match value {
        Value::Unknown(_) => found.push(path.clone()),
        Value::Set(..) if !value.is_wholly_known() => found.push(path.clone()),
        Value::Set(..) => {}
        value => value
            .children()
            .for_each(|(step, child)| collect_unknown(child, &path.then(step), found)),
    }
}

/// Puts unknown values back to where [`unknown_paths`] found them.
pub fn with_unknown(value: &Value, paths: &[AttributePath]) -> Value {
    let put = |value: Value, path: &AttributePath| put_unknown(&value, &path.0);
    paths.iter().fold(value.clone(), put)
}

fn put_unknown(value: &Value, path: &[PathStep]) -> Value {
    match path.split_first() {
        None => Value::unknown(value.ty()),
        Some((step, rest)) => value.map_children(|at, child| match at == *step {
            true => put_unknown(child, rest),
            false => child.clone(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Value {
        Value::Number(text.parse().expect("a number"))
    }

    #[test]
    fn digits_beyond_64_bits_stay() {
        let value = Value::tuple(vec![
            number("123456789012345678901234567890"),
            number("-0.10000000000000000000000001"),
            number("18446744073709551615"),
            number("7"),
        ]);
        let text = exact_text(&exact(&value), false);
        let digits =
            "[123456789012345678901234567890,-0.10000000000000000000000001,18446744073709551615,7]";
        assert_eq!(text, digits);
    }

    #[test]
    fn texts_that_look_like_such_numbers_stay_texts() {
        for text in [
            "x\"\0number 1",
            "\0number x",
            "\0number ",
            "\\\"\0number 1\"",
        ] {
            let json = exact(&Value::from(text));
            assert_eq!(exact_text(&json, false), json.to_string());
        }
    }
}
