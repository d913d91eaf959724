//! The filters of `community.general` that people use: `json_query`, `dict_kv`, `from_csv`, `random_mac`, units of
//! time; and of `ansible.builtin` those for Windows paths and XML.

use minijinja::{
    Environment, Error, State, Value,
    value::{Kwargs, ValueKind},
};
use serde_json::{Map, Value as Json};

use super::{collections::Chance, option, refuse};
use crate::{convert, python};

pub(super) fn register(environment: &mut Environment<'static>) {
    for collection in ["", "community.general."] {
        let name = |short: &str| format!("{collection}{short}");
        environment.add_filter(name("json_query"), json_query);
        environment.add_filter(name("dict_kv"), |value: &Value, key: String| {
            Value::from_pairs([(key.as_str(), value.clone())])
        });
        environment.add_filter(name("dict"), dict);
        environment.add_filter(name("from_csv"), from_csv);
        environment.add_filter(name("random_mac"), random_mac);
        environment.add_filter(
            name("to_time_unit"),
            |value: &Value, unit: Option<String>, options: Kwargs| {
                to_time_unit(value, &unit.unwrap_or_else(|| "ms".to_owned()), &options)
            },
        );
        for (filter, unit) in [
            ("to_milliseconds", "ms"),
            ("to_seconds", "s"),
            ("to_minutes", "min"),
            ("to_hours", "h"),
            ("to_days", "d"),
            ("to_weeks", "w"),
            ("to_months", "mo"),
            ("to_years", "y"),
        ] {
            environment.add_filter(name(filter), move |value: &Value, options: Kwargs| {
                to_time_unit(value, unit, &options)
            });
        }
    }
    super::add(environment, "win_basename", |path: &str| {
        split_windows(path).1.to_owned()
    });
    super::add(environment, "win_dirname", |path: &str| {
        split_windows(path).0.to_owned()
    });
    super::add(environment, "win_splitdrive", |path: &str| {
        let drive = path
            .get(..2)
            .filter(|drive| drive.ends_with(':'))
            .unwrap_or_default();
        vec![drive.to_owned(), path[drive.len()..].to_owned()]
    });
    super::add(environment, "xmlattr", xmlattr);
}

/// JMESPath, in which texts of names with quotes are as users write them in Ansible.
fn json_query(value: &Value, query: &str) -> Result<Value, Error> {
    let expression = match jmespath::compile(query) {
        Ok(expression) => expression,
        Err(error) => {
            return refuse(format!(
                "JMESPathError in json_query filter plugin:\n{error}"
            ));
        }
    };
    let json = convert::to_json(value)?;
    let data = match jmespath::Variable::from_json(&json.to_string()) {
        Ok(data) => data,
        Err(error) => return refuse(error),
    };
    match expression.search(data) {
        Ok(found) => {
            let text = found.to_string();
            let json: Json = serde_json::from_str(&text).unwrap_or(Json::String(text));
            Ok(convert::from_json(&json))
        }
        Err(error) => refuse(format!(
            "JMESPathError in json_query filter plugin:\n{error}"
        )),
    }
}

/// Pairs as a mapping.
fn dict(value: &Value) -> Result<Value, Error> {
    let mut pairs = Vec::new();
    for pair in value.try_iter()? {
        let pair: Vec<Value> = pair.try_iter()?.collect();
        match <[Value; 2]>::try_from(pair) {
            Ok([key, value]) => pairs.push((key, value)),
            Err(_) => return refuse("dict needs a list of pairs"),
        }
    }
    Ok(Value::from_pairs(pairs))
}

/// Rows as mappings by the names in the first line, or by `fieldnames`.
fn from_csv(text: &str, options: Kwargs) -> Result<Value, Error> {
    let delimiter = option::<String>(&options, "delimiter")?;
    let names = option::<Vec<String>>(&options, "fieldnames")?;
    let skip = option::<bool>(&options, "skipinitialspace")?.unwrap_or(false);
    let dialect = option::<String>(&options, "dialect")?.unwrap_or_else(|| "excel".to_owned());
    // Rows of another length are told apart by this; Python keeps what is too much under no name.
    option::<bool>(&options, "strict")?;
    options.assert_all_used()?;
    let usual = match dialect.as_str() {
        "excel" | "unix" => ',',
        "excel-tab" => '\t',
        other => {
            return refuse(format!(
                "Dialect '{other}' is not supported by your version of python."
            ));
        }
    };
    let delimiter = delimiter
        .and_then(|text| text.chars().next())
        .unwrap_or(usual);
    let mut rows = rows(text, delimiter, skip).into_iter();
    let names = match names {
        Some(names) => names,
        None => rows.next().unwrap_or_default(),
    };
    let maps = rows.map(|row| {
        let pairs = names.iter().enumerate().map(|(at, name)| {
            let value = row
                .get(at)
                .map_or(Json::Null, |text| Json::from(text.as_str()));
            (name.clone(), value)
        });
        Json::Object(pairs.collect::<Map<_, _>>())
    });
    Ok(convert::from_json(&maps.collect()))
}

/// The fields of each line that is not empty; quotes as RFC 4180 has them.
pub(crate) fn rows(text: &str, delimiter: char, skip_blanks: bool) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let (mut row, mut field, mut quoted, mut fresh) = (Vec::new(), String::new(), false, true);
    let mut characters = text.chars().peekable();
    while let Some(one) = characters.next() {
        match one {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if fresh => quoted = true,
            one if quoted => field.push(one),
            ' ' if fresh && skip_blanks => continue,
            '\r' if characters.peek() == Some(&'\n') => continue,
            '\n' => {
                row.push(std::mem::take(&mut field));
                if row != [""] {
                    rows.push(std::mem::take(&mut row));
                }
                row.clear();
                fresh = true;
                continue;
            }
            one if one == delimiter => {
                row.push(std::mem::take(&mut field));
                fresh = true;
                continue;
            }
            one => field.push(one),
        }
        fresh = false;
    }
    if !field.is_empty() || !row.is_empty() {
        row.push(field);
        rows.push(row);
    }
    rows
}

/// Fills a prefix such as `52:54:00` up to a whole hardware address.
fn random_mac(state: &State<'_, '_>, prefix: &str, options: Kwargs) -> Result<Value, Error> {
    let seed = option::<Value>(&options, "seed")?;
    options.assert_all_used()?;
    let prefix = prefix.to_lowercase();
    let parts: Vec<&str> = prefix.split(':').collect();
    let good = parts
        .iter()
        .all(|part| part.len() == 2 && part.chars().all(|one| one.is_ascii_hexdigit()));
    if !good || parts.len() > 5 {
        return refuse(format!(
            "Invalid value ({prefix}) for random_mac: not hexa byte"
        ));
    }
    let number = 0x10_0000_0000 + Chance::new(state, seed.as_ref())?.below(0xf0_0000_0000);
    let digits = format!("{number:x}");
    let more = (parts.len()..6).map(|at| {
        let from = 2 * (at - parts.len());
        digits[from..from + 2].to_owned()
    });
    let all: Vec<String> = parts
        .iter()
        .map(|part| (*part).to_owned())
        .chain(more)
        .collect();
    Ok(Value::from(all.join(":")))
}

/// Seconds of each unit, by all its names.
const UNITS: &[(&[&str], f64)] = &[
    (
        &[
            "ms",
            "msec",
            "msecs",
            "msecond",
            "mseconds",
            "millisecond",
            "milliseconds",
        ],
        0.001,
    ),
    (&["s", "sec", "secs", "second", "seconds"], 1.0),
    (&["m", "min", "mins", "minute", "minutes"], 60.0),
    (&["h", "hour", "hours"], 3600.0),
    (&["d", "day", "days"], 86_400.0),
    (&["w", "week", "weeks"], 604_800.0),
    (&["mo", "month", "months"], 2_592_000.0),
    (&["y", "year", "years"], 31_536_000.0),
];

fn seconds_of(unit: &str, options: &Kwargs) -> Result<f64, Error> {
    let unit = unit.to_lowercase();
    for (long, days) in [("year", &UNITS[7]), ("month", &UNITS[6])] {
        if days.0.contains(&unit.as_str())
            && let Some(own) = option::<f64>(options, long)?
        {
            return Ok(own * 86_400.0);
        }
    }
    match UNITS
        .iter()
        .find(|(names, _)| names.contains(&unit.as_str()))
    {
        Some((_, seconds)) => Ok(*seconds),
        None => refuse(format!(
            "to_time_unit() can not convert to the following unit: {unit}"
        )),
    }
}

/// `'1 h 30 m' | to_time_unit('min')`, without a unit in the text milliseconds.
fn to_time_unit(value: &Value, unit: &str, options: &Kwargs) -> Result<Value, Error> {
    let text = match value.kind() {
        ValueKind::Number => {
            return Ok(Value::from(
                0.001 * f64::try_from(value.clone())? / seconds_of(unit, options)?,
            ));
        }
        _ => python::text(value),
    };
    let mut seconds = 0.0;
    for word in text.split_whitespace() {
        let end = word
            .find(|one: char| !one.is_ascii_digit() && !matches!(one, '.' | '-' | '+'))
            .unwrap_or(word.len());
        let (amount, own) = word.split_at(end);
        match amount.parse::<f64>() {
            Ok(amount) => {
                seconds += amount * seconds_of(if own.is_empty() { "ms" } else { own }, options)?
            }
            Err(_) => {
                return refuse(format!(
                    "to_time_unit() can not interpret following string: {text}"
                ));
            }
        }
    }
    let wanted = seconds / seconds_of(unit, options)?;
    // As Python rounds away what the division of binary numbers leaves.
    Ok(Value::from((wanted * 1e12).round() / 1e12))
}

fn split_windows(path: &str) -> (&str, &str) {
    match path.rfind(['\\', '/']) {
        Some(at) => {
            let head = path[..at].trim_end_matches(['\\', '/']);
            let head = if head.is_empty() || head.ends_with(':') {
                &path[..=at]
            } else {
                head
            };
            (head, &path[at + 1..])
        }
        None => ("", path),
    }
}

/// Attributes for XML and HTML, each with a blank before it.
fn xmlattr(value: &Value, autospace: Option<bool>) -> Result<Value, Error> {
    let mut text = Vec::new();
    for (key, found) in super::mapping::pairs(value)? {
        if found.is_none() || found.is_undefined() {
            continue;
        }
        let key = python::text(&key);
        if key
            .chars()
            .any(|one| one.is_whitespace() || matches!(one, '/' | '>' | '='))
        {
            return refuse(format!("Invalid character in attribute name: '{key}'"));
        }
        text.push(format!(
            "{}=\"{}\"",
            escaped(&key),
            escaped(&python::text(&found))
        ));
    }
    let joined = text.join(" ");
    let blank = autospace.unwrap_or(true) && !joined.is_empty();
    Ok(Value::from(if blank {
        format!(" {joined}")
    } else {
        joined
    }))
}

fn escaped(text: &str) -> String {
    let pairs = [
        ("&", "&amp;"),
        (">", "&gt;"),
        ("<", "&lt;"),
        ("'", "&#39;"),
        ("\"", "&#34;"),
    ];
    pairs
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}
