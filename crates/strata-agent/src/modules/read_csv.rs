//! `read_csv`: the rows of a file with separated values, as a list or by a column.
//!
//! As `community.general.read_csv` 11.4, which reads as Python's `csv` does: a row that is too short has nulls, what is too
//! much in one stands under `null`, and empty lines are no rows.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct ReadCsv {
    path: PathBuf,
    key: Option<String>,
    fieldnames: Option<Vec<String>>,
    unique: bool,
    dialect: Dialect,
}

/// How fields are told apart.
#[derive(Debug, Clone, Copy)]
struct Dialect {
    delimiter: char,
    skips_space: bool,
    is_strict: bool,
}

/// The rows, as the task returns them.
pub(super) struct Found(Map<String, Value>);

impl Module for ReadCsv {
    const SPEC: Spec = Spec::new(
        "community.general.read_csv",
        &[
            Field::path("path").alias(&["filename"]).required(),
            Field::str("dialect").default("excel"),
            Field::str("key"),
            Field::list("fieldnames"),
            Field::bool("unique", true),
            Field::str("delimiter"),
            Field::maybe("skipinitialspace"),
            Field::maybe("strict"),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<ReadCsv, ModuleError> {
        let name = arguments.text("dialect");
        let usual = match name.as_str() {
            "excel" | "unix" => ',',
            "excel-tab" => '\t',
            name => {
                return Err(ModuleError::new(format!(
                    "Dialect '{name}' is not supported by your version of python."
                )));
            }
        };
        let delimiter = match arguments.string("delimiter") {
            None => usual,
            Some(given) => one_character(&given)?,
        };
        Ok(ReadCsv {
            path: arguments.path("path").unwrap_or_default(),
            key: arguments.filled("key"),
            fieldnames: arguments.list("fieldnames"),
            unique: arguments.bool("unique"),
            dialect: Dialect {
                delimiter,
                skips_space: arguments.bool("skipinitialspace"),
                is_strict: arguments.bool("strict"),
            },
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let bytes = host.read(&self.path).map_err(|error| {
            let failure = ModuleError::from(error);
            ModuleError {
                msg: format!("Unable to open file: {}", failure.msg),
                ..failure
            }
        })?;
        let text = String::from_utf8_lossy(&bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        self.rows(text).map(Found)
    }

    fn decide(&self, _: &Found) -> Vec<Change> {
        Vec::new()
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        Ok(Report::of(found.0.clone()))
    }
}

fn one_character(given: &str) -> Result<char, ModuleError> {
    let mut characters = given.chars();
    match (characters.next(), characters.next()) {
        (Some(delimiter), None) => Ok(delimiter),
        _ => Err(ModuleError::new(
            "Unable to create custom dialect: \"delimiter\" must be a 1-character string",
        )),
    }
}

impl ReadCsv {
    /// Rows by their names: in a list, or in a map by the key.
    fn rows(&self, text: &str) -> Result<Map<String, Value>, ModuleError> {
        let records = self.dialect.records(text)?;
        let mut records = records.into_iter();
        let names = match &self.fieldnames {
            Some(names) => names.clone(),
            None => records.next().unwrap_or_default(),
        };
        if let Some(key) = self.key.as_ref().filter(|key| !names.contains(key)) {
            let names = names.join(", ");
            return Err(ModuleError::new(format!(
                "Key '{key}' was not found in the CSV header fields: {names}"
            )));
        }
        let (mut list, mut map) = (Vec::new(), Map::new());
        for record in records.filter(|record| !record.is_empty()) {
            let row = row(&names, record);
            let Some(key) = &self.key else {
                list.push(row);
                continue;
            };
            let value = row[key].as_str().unwrap_or("null").to_owned();
            if self.unique && map.contains_key(&value) {
                return Err(ModuleError::new(format!(
                    "Key '{key}' is not unique for value '{value}'"
                )));
            }
            map.insert(value, row);
        }
        Ok(values(json!({"dict": map, "list": list})))
    }
}

fn row(names: &[String], record: Vec<String>) -> Value {
    let mut row = Map::new();
    let mut fields = record.into_iter();
    for name in names {
        row.insert(name.clone(), fields.next().map_or(Value::Null, Value::from));
    }
    let rest: Vec<String> = fields.collect();
    if !rest.is_empty() {
        row.insert("null".to_owned(), rest.into());
    }
    Value::Object(row)
}

impl Dialect {
    /// Splits a text into records of fields; an empty line is a record without any.
    fn records(self, text: &str) -> Result<Vec<Vec<String>>, ModuleError> {
        let mut records = Vec::new();
        let mut rest = text.chars().peekable();
        while rest.peek().is_some() {
            let mut record = Vec::new();
            loop {
                let (field, end) = self.field(&mut rest, record.is_empty())?;
                record.extend(field);
                match end {
                    End::Field => {}
                    End::Record => break,
                }
            }
            records.push(record);
        }
        Ok(records)
    }

    /// Reads one field with what ends it; none where the line is empty.
    fn field(
        self,
        rest: &mut std::iter::Peekable<std::str::Chars<'_>>,
        is_first: bool,
    ) -> Result<(Option<String>, End), ModuleError> {
        let fail = |why: &str| ModuleError::new(format!("Unable to process file: {why}"));
        let mut field = String::new();
        while self.skips_space && rest.next_if_eq(&' ').is_some() {}
        let is_quoted = rest.next_if_eq(&'"').is_some();
        let mut is_inside = is_quoted;
        loop {
            let Some(c) = rest.next() else {
                if is_inside && self.is_strict {
                    return Err(fail("unexpected end of data"));
                }
                break;
            };
            match c {
                '"' if is_inside => {
                    if rest.next_if_eq(&'"').is_some() {
                        field.push('"');
                        continue;
                    }
                    is_inside = false;
                    let ends = |next: &char| *next == self.delimiter || matches!(next, '\n' | '\r');
                    if self.is_strict && rest.peek().is_some_and(|next| !ends(next)) {
                        let delimiter = self.delimiter;
                        return Err(fail(&format!("'{delimiter}' expected after '\"'")));
                    }
                }
                c if is_inside => field.push(c),
                c if c == self.delimiter => return Ok((Some(field), End::Field)),
                '\n' => break,
                '\r' => {
                    rest.next_if_eq(&'\n');
                    break;
                }
                c => field.push(c),
            }
        }
        let is_nothing = is_first && field.is_empty() && !is_quoted;
        Ok(((!is_nothing).then_some(field), End::Record))
    }
}

/// What comes after a field.
enum End {
    Field,
    Record,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&[&str]]) {
        let dialect = Dialect {
            delimiter: ',',
            skips_space: false,
            is_strict: false,
        };
        assert_eq!(dialect.records(text).unwrap(), expected, "{text:?}");
    }

    #[test]
    fn quotes_hold_delimiters_and_lines() {
        check(
            "a,b\n1,\"x, \"\"y\"\"\nz\"\n",
            &[&["a", "b"], &["1", "x, \"y\"\nz"]],
        );
        check(
            "a,\n\n\"\"\r\nb\"c,d",
            &[&["a", ""], &[], &[""], &["b\"c", "d"]],
        );
        check("\"a\"b,c", &[&["ab", "c"]]);
        check("\"open\nend", &[&["open\nend"]]);
    }
}
