//! `postgresql_query`: statements with their results.
//!
//! All of them are one transaction, which a check rolls back. `psql` describes each statement
//! before it runs it, so that numbers come back as numbers.

use serde_json::{Map, Value, json};

use super::{LOGIN, Server, literal, name};
use crate::arguments::{Arguments, Field, FieldKind, Spec, text};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::modules::programs;
use crate::protocol::Task;
use crate::system::{Command, Output};

pub(in crate::modules) struct PostgresqlQuery {
    server: Server,
    database: String,
    given: Vec<String>,
    queries: Vec<String>,
    search_path: Option<Vec<String>>,
    encoding: Option<String>,
    autocommit: bool,
    check: bool,
}

/// Stands between what belongs together in the output.
const MARK: &str = "--strata-part--";
/// Stands for NULL.
const NULL: &str = "--strata-null--";

impl Module for PostgresqlQuery {
    const SPEC: Spec = Spec::new(
        "community.postgresql.postgresql_query",
        &[
            Field::new("query", FieldKind::Raw),
            Field::str("login_db").alias(&["db"]),
            Field::new("positional_args", FieldKind::Raw),
            Field::new("named_args", FieldKind::Dict),
            Field::bool("autocommit", false),
            Field::str("encoding"),
            Field::list("search_path"),
        ],
    )
    .with(LOGIN)
    .exclusive(&[&["positional_args", "named_args"]]);
    /// What was said in a check.
    type Current = Option<Output>;

    fn new(arguments: &Arguments, task: &Task) -> Result<PostgresqlQuery, ModuleError> {
        let given = match arguments.raw("query") {
            Some(Value::String(query)) => vec![query.clone()],
            Some(Value::Array(queries)) => queries.iter().filter_map(text).collect(),
            _ => {
                return Err(ModuleError::new(
                    "query argument must be of type string or list",
                ));
            }
        };
        let autocommit = arguments.bool("autocommit");
        if autocommit && task.check {
            return Err(ModuleError::new(
                "Using autocommit is mutually exclusive with check_mode",
            ));
        }
        let queries = given.iter().map(|query| filled(query, arguments));
        let queries = queries.collect::<Result<_, _>>()?;
        Ok(PostgresqlQuery {
            server: Server::read(arguments)?,
            database: arguments
                .string("login_db")
                .unwrap_or_else(|| arguments.text("login_user")),
            given,
            queries,
            search_path: arguments.list("search_path"),
            encoding: arguments.string("encoding"),
            autocommit,
            check: task.check,
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Option<Output>, ModuleError> {
        programs::required(host, "psql")?;
        match self.check {
            true => Ok(Some(host.run(&self.command())?)),
            false => Ok(None),
        }
    }

    fn decide(&self, _: &Option<Output>) -> Vec<Change> {
        vec![Change::Run {
            command: self.command(),
            may_fail: true,
        }]
    }

    fn report(
        &self,
        _: &dyn Host,
        checked: &Option<Output>,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let Some(said) = checked.as_ref().or(outcome.outputs.first()) else {
            return Ok(Report::default());
        };
        if said.status != 0 {
            let why = said.stderr.trim();
            let failure = match why.contains("ERROR:") {
                true => format!("Cannot execute SQL: {why}, query list: {:?}", self.given),
                false => format!("unable to connect to database: {why}"),
            };
            return Err(ModuleError {
                kept: !self.autocommit,
                ..ModuleError::new(failure)
            });
        }
        let answers: Vec<Answer> = self.answers(&said.stdout);
        let last = answers.last();
        let rows: u64 = answers.iter().map(|answer| answer.count).sum();
        Ok(Report {
            changed: Some(answers.iter().any(Answer::changes)),
            ..Report::of(values(json!({
                "query": self.queries.last(),
                "query_list": self.given,
                "statusmessage": last.map(|answer| &answer.status),
                "query_result": last.map(|answer| &answer.rows),
                "query_all_results": answers.iter().map(|answer| &answer.rows).collect::<Vec<_>>(),
                "rowcount": rows,
            })))
        })
    }
}

impl PostgresqlQuery {
    fn command(&self) -> Command {
        let mut script = format!("\\pset null {NULL}\n\\pset format csv\n\\set QUIET on\n");
        if let Some(encoding) = &self.encoding {
            script.push_str(&format!("SET client_encoding TO {};\n", literal(encoding)));
        }
        if let Some(path) = &self.search_path {
            let path: Vec<String> = path.iter().map(|part| name(part.trim())).collect();
            script.push_str(&format!("SET search_path TO {};\n", path.join(", ")));
        }
        if !self.autocommit {
            script.push_str("BEGIN;\n");
        }
        for query in &self.queries {
            let query = query.trim().trim_end_matches(';');
            script.push_str(&format!(
                "\\echo {MARK}\n{query}\n\\gdesc\n\\echo {MARK}\n\\set QUIET off\n{query}\n;\n\
                 \\set QUIET on\n"
            ));
        }
        if !self.autocommit {
            script.push_str(if self.check {
                "ROLLBACK;\n"
            } else {
                "COMMIT;\n"
            });
        }
        let mut command = self.server.statement(&self.database, "");
        let kept =
            |word: &String| !matches!(word.as_str(), "--tuples-only" | "--no-align" | "--quiet");
        command.argv.retain(kept);
        let before = command.stdin.take().unwrap_or_default();
        let role = before.trim_end().trim_end_matches(';');
        let role = if role.is_empty() {
            String::new()
        } else {
            format!("{role};\n")
        };
        command.stdin = Some(format!("\\set QUIET on\n{role}{script}"));
        command
    }

    fn answers(&self, said: &str) -> Vec<Answer> {
        let parts: Vec<&str> = said.split(&format!("{MARK}\n")).skip(1).collect();
        let pairs = parts.chunks(2);
        pairs
            .map(|pair| Answer::read(pair[0], pair.get(1).copied().unwrap_or("")))
            .collect()
    }
}

/// What one statement gave.
struct Answer {
    status: String,
    rows: Value,
    count: u64,
}

impl Answer {
    fn read(described: &str, said: &str) -> Answer {
        let types: Vec<Vec<String>> = table(described).into_iter().skip(1).collect();
        let has_rows = types.first().is_some_and(|row| row.len() == 2);
        if !has_rows {
            let status = said
                .lines()
                .next_back()
                .unwrap_or_default()
                .trim()
                .to_owned();
            let count = status
                .split(' ')
                .next_back()
                .and_then(|word| word.parse().ok());
            return Answer {
                status,
                rows: json!({}),
                count: count.unwrap_or(0),
            };
        }
        let mut lines = table(said);
        // A statement that changes rows and gives them back says so after them.
        let is_tag = |row: &Vec<String>| {
            let start = row[0].split(' ').next().unwrap_or_default();
            row.len() == 1 && matches!(start, "INSERT" | "UPDATE" | "DELETE" | "MERGE")
        };
        let tag = lines.pop_if(|row| is_tag(row)).map(|row| row[0].clone());
        let rows = lines.into_iter().skip(1).map(|row| {
            let pairs = row
                .iter()
                .zip(&types)
                .map(|(value, kind)| (kind[0].clone(), typed(value, &kind[1])));
            Value::Object(pairs.collect::<Map<_, _>>())
        });
        let rows: Vec<Value> = rows.collect();
        let count = rows.len() as u64;
        Answer {
            status: tag.unwrap_or_else(|| format!("SELECT {count}")),
            rows: if rows.is_empty() {
                json!({})
            } else {
                json!(rows)
            },
            count,
        }
    }

    fn changes(&self) -> bool {
        let words: Vec<&str> = self.status.split(' ').collect();
        match words[0] {
            "SELECT" | "SHOW" | "" => false,
            "UPDATE" | "INSERT" | "DELETE" => words.last() != Some(&"0"),
            _ => true,
        }
    }
}

fn typed(value: &str, kind: &str) -> Value {
    let number = |value: &str| {
        serde_json::from_str::<Value>(value)
            .ok()
            .filter(Value::is_number)
    };
    let parsed = match kind {
        _ if value == NULL => Some(Value::Null),
        "smallint" | "integer" | "bigint" | "oid" | "real" | "double precision" => number(value),
        kind if kind.starts_with("numeric") => {
            value.parse::<f64>().ok().map(|number| json!(number))
        }
        "boolean" => Some(json!(value == "t")),
        "json" | "jsonb" => serde_json::from_str(value).ok(),
        _ => None,
    };
    parsed.unwrap_or_else(|| value.into())
}

/// The rows of a text as `psql` writes CSV.
fn table(text: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let (mut row, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                field.push('"');
                characters.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            c => field.push(c),
        }
    }
    rows
}

/// A statement with its values in it: `%s` in order, `%(name)s` by name.
fn filled(query: &str, arguments: &Arguments) -> Result<String, ModuleError> {
    let positional = arguments.raw("positional_args").and_then(Value::as_array);
    let named = arguments.raw("named_args").and_then(Value::as_object);
    if positional.is_none_or(Vec::is_empty) && named.is_none_or(Map::is_empty) {
        return Ok(query.to_owned());
    }
    let wrong = |why: &str| ModuleError::new(format!("Cannot execute SQL '{query}': {why}"));
    let mut next = positional.into_iter().flatten();
    let mut text = String::new();
    let mut rest = query;
    while let Some((before, after)) = rest.split_once('%') {
        text.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            text.push('%');
            rest = after;
        } else if let Some(after) = after.strip_prefix('s') {
            let value = next.next().ok_or_else(|| wrong("not enough arguments"))?;
            text.push_str(&of_value(value));
            rest = after;
        } else if let Some((key, after)) = after
            .strip_prefix('(')
            .and_then(|after| after.split_once(")s"))
        {
            let value = named.and_then(|named| named.get(key));
            text.push_str(&of_value(value.ok_or_else(|| wrong(key))?));
            rest = after;
        } else {
            return Err(wrong("unsupported format character"));
        }
    }
    Ok(text + rest)
}

fn of_value(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(of_value).collect();
            let plain = items
                .iter()
                .map(|item| item.trim().trim_matches('\'').to_owned());
            literal(&format!("{{{}}}", plain.collect::<Vec<_>>().join(",")))
        }
        Value::String(text) => literal(text),
        map => literal(&map.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_with_their_types() {
        let answer = Answer::read(
            "Column,Type\nid,integer\nname,text\nok,boolean\n",
            &format!("id,name,ok\n1,\"a, \"\"b\"\"\",t\n2,{NULL},f\n"),
        );
        let rows = json!([{"id": 1, "name": "a, \"b\"", "ok": true}, {"id": 2, "name": null, "ok": false}]);
        assert_eq!((answer.rows, answer.status.as_str()), (rows, "SELECT 2"));
        let answer = Answer::read(
            "The command has no result, or the result has no columns.\n",
            "INSERT 0 3\n",
        );
        assert_eq!((answer.count, answer.changes()), (3, true));
    }
}
