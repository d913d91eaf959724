//! `postgresql_ping`: whether a server answers, and which one it is.
//!
//! As `community.postgresql.postgresql_ping` 4.

use serde_json::{Value, json};

use super::{LOGIN, Server};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(in crate::modules) struct PostgresqlPing {
    server: Server,
    database: String,
}

impl Module for PostgresqlPing {
    const SPEC: Spec = Spec::new(
        "community.postgresql.postgresql_ping",
        &[Field::str("login_db").alias(&["db"])],
    )
    .with(LOGIN);
    /// What the server says of itself, or why it cannot be asked.
    type Current = Result<String, String>;

    fn new(arguments: &Arguments, _task: &Task) -> Result<PostgresqlPing, ModuleError> {
        let database = arguments.filled("login_db");
        Ok(PostgresqlPing {
            server: Server::read(arguments)?,
            database: database.unwrap_or_else(|| arguments.text("login_user")),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Self::Current, ModuleError> {
        match self.server.rows(host, &self.database, "SELECT version()") {
            Ok(rows) => Ok(Ok(rows.into_iter().flatten().next().unwrap_or_default())),
            Err(error) => match error.msg.strip_prefix("unable to connect to database: ") {
                Some(why) => Ok(Err(why.trim_start_matches("psql: error: ").to_owned())),
                None => Err(error),
            },
        }
    }

    fn decide(&self, _: &Self::Current) -> Vec<Change> {
        Vec::new()
    }

    fn report(
        &self,
        _: &dyn Host,
        said: &Self::Current,
        _: &Outcome,
    ) -> Result<Report, ModuleError> {
        let version = said.as_ref().ok().and_then(|raw| version(raw));
        let why = said.as_ref().err().cloned().unwrap_or_default();
        Ok(Report::of(values(json!({
            "is_available": version.is_some(),
            "server_version": version.unwrap_or_else(|| json!({})),
            "conn_err_msg": why,
        }))))
    }
}

/// `PostgreSQL 15.8 (Debian …) …` in parts.
fn version(raw: &str) -> Option<Value> {
    let full = raw.split_whitespace().nth(1)?;
    let mut numbers = full.split('.').map_while(|part| {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u64>().ok()
    });
    let (major, minor, patch) = (numbers.next()?, numbers.next(), numbers.next());
    let mut version = values(json!({"raw": raw, "full": full, "major": major, "minor": minor}));
    if let Some(patch) = patch {
        version.insert("patch".to_owned(), patch.into());
    }
    Some(version.into())
}
