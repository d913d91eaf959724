//! `mysql_variables`: a variable of a MySQL or MariaDB server has a value, now, after the next start, or both.
//!
//! As `community.mysql.mysql_variables` 3.16, which does nothing in check mode; ours tells what it would set.

use serde_json::json;

use super::{Client, LOGIN, Server, literal, name};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::modules::programs;
use crate::protocol::Task;

pub(in crate::modules) struct MysqlVariables {
    server: Server,
    variable: String,
    value: Option<Typed>,
    mode: Mode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Global,
    Persist,
    PersistOnly,
}

/// A value: a number where it reads as one.
#[derive(Debug, Clone, PartialEq)]
enum Typed {
    Int(i64),
    Float(f64),
    Text(String),
}

/// What there is to say, or to set.
pub(in crate::modules) struct Found {
    msg: String,
    query: Option<(Client, Typed)>,
}

impl Module for MysqlVariables {
    const SPEC: Spec = Spec::new(
        "community.mysql.mysql_variables",
        &[
            Field::str("variable").required(),
            Field::str("value"),
            Field::str("mode")
                .choices(&["global", "persist", "persist_only"])
                .default("global"),
        ],
    )
    .with(LOGIN);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<MysqlVariables, ModuleError> {
        let variable = arguments.text("variable");
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        if variable.is_empty() || !variable.chars().all(fits) {
            return Err(ModuleError::new(format!(
                "invalid variable name \"{variable}\""
            )));
        }
        Ok(MysqlVariables {
            server: Server::read(arguments),
            variable,
            value: arguments.string("value").map(|value| Typed::read(&value)),
            mode: match arguments.text("mode").as_str() {
                "persist" => Mode::Persist,
                "persist_only" => Mode::PersistOnly,
                _ => Mode::Global,
            },
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let client = self.server.connect(host)?;
        let show = "SHOW VARIABLES WHERE Variable_name =";
        let rows = client.rows(host, &format!("{show} {}", literal(&self.variable)))?;
        let now = match &rows[..] {
            [row] => row.get(1).cloned().unwrap_or_default(),
            _ => {
                let variable = &self.variable;
                return Err(ModuleError::new(format!(
                    "Variable not available \"{variable}\""
                )));
            }
        };
        let Some(wanted) = &self.value else {
            return Ok(Found::nothing(now));
        };
        let kept = match self.mode {
            Mode::Global => None,
            _ => self.kept(host, &client)?,
        };
        let actual = Typed::read(&now);
        let wanted = wanted.as_switch(&actual);
        let is_kept = kept.as_ref() == Some(&wanted);
        let done = match self.mode {
            Mode::Global if wanted == actual => "Variable is already set to requested value.",
            Mode::Persist if wanted == actual && is_kept => {
                "Variable is already set to requested value globallyand stored into mysqld-auto.cnf file."
            }
            Mode::PersistOnly if is_kept => {
                "Variable is already stored into mysqld-auto.cnf with requested value."
            }
            _ => "",
        };
        if !done.is_empty() {
            return Ok(Found::nothing(done));
        }
        let before = match self.mode {
            Mode::PersistOnly => kept.map_or("False".to_owned(), |kept| kept.shown()),
            _ => actual.shown(),
        };
        Ok(Found {
            msg: format!("Variable change succeeded prev_value={before}"),
            query: Some((client, wanted)),
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let Some((client, value)) = &found.query else {
            return Vec::new();
        };
        let value = match value {
            Typed::Text(text) => literal(text),
            number => number.shown(),
        };
        let sql = format!("{}{value}", self.set());
        vec![programs::change(client.statement(&sql))]
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let query = found.query.as_ref();
        let report = match query.map(|(_, value)| format!("{}{}", self.set(), value.shown())) {
            Some(query) => values(json!({"queries": [query]})),
            None => values(json!({})),
        };
        Ok(Report {
            msg: found.msg.clone(),
            ..Report::of(report)
        })
    }
}

impl Found {
    fn nothing(msg: impl Into<String>) -> Found {
        Found {
            msg: msg.into(),
            query: None,
        }
    }
}

impl MysqlVariables {
    /// The statement up to the value.
    fn set(&self) -> String {
        let mode = match self.mode {
            Mode::Global => "GLOBAL",
            Mode::Persist => "PERSIST",
            Mode::PersistOnly => "PERSIST_ONLY",
        };
        let parts: Vec<String> = self.variable.split('.').map(name).collect();
        format!("SET {mode} {} = ", parts.join("."))
    }

    /// The value that the server takes at its next start.
    fn kept(&self, host: &dyn Host, client: &Client) -> Result<Option<Typed>, ModuleError> {
        let select = "SELECT VARIABLE_VALUE FROM performance_schema.persisted_variables WHERE VARIABLE_NAME =";
        let sql = format!("{select} {}", literal(&self.variable));
        let rows = client.rows(host, &sql).map_err(|error| {
            let is_old = error.msg.contains("persisted_variables' doesn't exist");
            match is_old {
                true => ModuleError::new("Server version must be 8.0 or greater."),
                false => error,
            }
        })?;
        Ok(rows
            .into_iter()
            .flatten()
            .next()
            .map(|value| Typed::read(&value)))
    }
}

impl Typed {
    fn read(text: &str) -> Typed {
        let text = text.trim();
        match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(number), _) => Typed::Int(number),
            (_, Ok(number)) if number.is_finite() => Typed::Float(number),
            _ => Typed::Text(text.to_owned()),
        }
    }

    /// A switch as the server tells it, where it is one.
    fn as_switch(&self, actual: &Typed) -> Typed {
        let is_switch = matches!(actual, Typed::Text(text) if text == "ON" || text == "OFF");
        let word = match self {
            Typed::Int(1) => "ON",
            Typed::Int(0) => "OFF",
            Typed::Text(text) if text == "on" => "ON",
            Typed::Text(text) if text == "off" => "OFF",
            _ => return self.clone(),
        };
        match is_switch {
            true => Typed::Text(word.to_owned()),
            false => self.clone(),
        }
    }

    fn shown(&self) -> String {
        match self {
            Typed::Int(number) => number.to_string(),
            Typed::Float(number) if number.fract() == 0.0 => format!("{number:.1}"),
            Typed::Float(number) => number.to_string(),
            Typed::Text(text) => text.clone(),
        }
    }
}
