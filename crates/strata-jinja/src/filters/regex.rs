//! `regex_replace`, `regex_search`, `regex_findall`, `regex_escape`.

use minijinja::{
    Environment, Error, Value,
    value::{Kwargs, Rest, ValueOrKwargs, from_args},
};

use super::{add, option, refuse, tuple};
use crate::{
    python,
    python_regex::{self, Flags},
};

pub(super) fn register(environment: &mut Environment<'static>) {
    add(environment, "regex_replace", replace);
    add(environment, "regex_search", search);
    add(environment, "regex_findall", find_all);
    add(environment, "regex_escape", escape);
}

fn flags(options: &Kwargs) -> Result<Flags, Error> {
    Ok(Flags {
        ignore_case: option::<bool>(options, "ignorecase")?.unwrap_or(false),
        multi_line: option::<bool>(options, "multiline")?.unwrap_or(false),
        dot_all: false,
    })
}

fn given(value: &Value) -> Result<String, Error> {
    if value.is_undefined() {
        return Err(Error::from(minijinja::ErrorKind::UndefinedError));
    }
    Ok(python::text(value))
}

fn replace(
    value: &Value,
    pattern: Option<String>,
    replacement: Option<String>,
    ignore_case: Option<bool>,
    options: Kwargs,
) -> Result<String, Error> {
    let pattern = option::<String>(&options, "pattern")?
        .or(pattern)
        .unwrap_or_default();
    let replacement = option::<String>(&options, "replacement")?
        .or(replacement)
        .unwrap_or_default();
    let count = option::<usize>(&options, "count")?.unwrap_or(0);
    let mandatory = option::<usize>(&options, "mandatory_count")?.unwrap_or(0);
    let named = flags(&options)?;
    options.assert_all_used()?;
    let flags = Flags {
        ignore_case: named.ignore_case || ignore_case == Some(true),
        multi_line: named.multi_line,
        dot_all: false,
    };
    let text = given(value)?;
    let regex = python_regex::compile(&pattern, flags)?;
    let expand =
        |captures: &python_regex::Captures<'_>| python_regex::expand(&replacement, captures);
    let (replaced, done) = regex.replace(&text, count, expand)?;
    if done < mandatory {
        return refuse(format!("`{pattern}` matched {done} times, not {mandatory}"));
    }
    Ok(replaced)
}

/// Without groups the match; with groups (`'\\1'`, `'\\g<name>'`) a list of them.
fn search(value: &Value, pattern: String, arguments: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    let arguments = arguments.into_values();
    let (groups, options) = from_args::<(&[Value], Kwargs)>(&arguments)?;
    let regex = python_regex::compile(&pattern, flags(&options)?)?;
    options.assert_all_used()?;
    let text = given(value)?;
    let Some(found) = regex.captures(&text)? else {
        return Ok(Value::from(()));
    };
    if groups.is_empty() {
        let whole = found.get(0).map_or("", |whole| whole.as_str());
        return Ok(Value::from(whole));
    }
    let mut texts = Vec::new();
    for group in groups {
        let name = python::text(group);
        let capture = match group_name(&name)? {
            Group::Number(number) if number < found.len() => found.get(number),
            Group::Name(name) if regex.has_group(name) => found.name(name),
            _ => return refuse(format!("`{pattern}` has no group `{name}`")),
        };
        texts.push(capture.map_or(Value::from(()), |capture| Value::from(capture.as_str())));
    }
    Ok(Value::from(texts))
}

enum Group<'a> {
    Number(usize),
    Name(&'a str),
}

/// `\\1` or `\\g<name>`.
fn group_name(text: &str) -> Result<Group<'_>, Error> {
    let name = text
        .strip_prefix("\\g<")
        .and_then(|rest| rest.split_once('>'));
    let number = text.strip_prefix('\\').and_then(|rest| rest.parse().ok());
    match (name, number) {
        (Some((name, _)), _) => Ok(Group::Name(name)),
        (_, Some(number)) => Ok(Group::Number(number)),
        _ => refuse(format!(
            "`{text}` does not name a group; write `\\\\1` or `\\\\g<name>`"
        )),
    }
}

fn find_all(
    value: &Value,
    pattern: String,
    multi_line: Option<bool>,
    ignore_case: Option<bool>,
    options: Kwargs,
) -> Result<Vec<Value>, Error> {
    let mut flags = flags(&options)?;
    options.assert_all_used()?;
    flags.multi_line |= multi_line == Some(true);
    flags.ignore_case |= ignore_case == Some(true);
    let regex = python_regex::compile(&pattern, flags)?;
    let text = given(value)?;
    let group = |captures: &python_regex::Captures<'_>, at: usize| {
        Value::from(captures.get(at).map_or("", |found| found.as_str()))
    };
    let found = regex.all(&text)?;
    let groups = found.iter().map(|found| match found.len() {
        1 => group(found, 0),
        2 => group(found, 1),
        count => tuple((1..count).map(|at| group(found, at)).collect()),
    });
    Ok(groups.collect())
}

fn escape(value: &Value, kind: Option<String>, options: Kwargs) -> Result<String, Error> {
    let kind = option::<String>(&options, "re_type")?
        .or(kind)
        .unwrap_or_else(|| "python".to_owned());
    options.assert_all_used()?;
    let special: &dyn Fn(char) -> bool = match kind.as_str() {
        "python" => &|c| r"()[]{}?*+-|^$\.&~# ".contains(c) || "\t\n\r\u{b}\u{c}".contains(c),
        "posix_basic" => &|c| r"[].^$*\".contains(c),
        other => return refuse(format!("`{other}` is no kind of regular expression")),
    };
    let mut out = String::new();
    for character in given(value)?.chars() {
        if special(character) {
            out.push('\\');
        }
        out.push(character);
    }
    Ok(out)
}
