//! `postgresql_schema`: a schema of a database is there with its owner and comment, or is not.
//!
//! As `community.postgresql.postgresql_schema` 4.

use serde_json::json;

use super::{LOGIN, Server, literal, name};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::modules::programs;
use crate::protocol::Task;

pub(in crate::modules) struct PostgresqlSchema {
    server: Server,
    schema: String,
    owner: Option<String>,
    database: String,
    cascade: bool,
    present: bool,
    comment: Option<String>,
}

/// The owner, and whether the comment is the wanted one.
pub(in crate::modules) struct There {
    owner: String,
    is_told: bool,
}

impl Module for PostgresqlSchema {
    const SPEC: Spec = Spec::new(
        "community.postgresql.postgresql_schema",
        &[
            Field::str("schema").alias(&["name"]).required(),
            Field::str("owner").default(""),
            Field::str("login_db")
                .alias(&["db", "database"])
                .default("postgres"),
            Field::bool("cascade_drop", false),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::str("comment"),
        ],
    )
    .with(LOGIN);
    type Current = Option<There>;

    fn new(arguments: &Arguments, _task: &Task) -> Result<PostgresqlSchema, ModuleError> {
        Ok(PostgresqlSchema {
            server: Server::read(arguments)?,
            schema: arguments.text("schema"),
            owner: arguments.filled("owner"),
            database: arguments.text("login_db"),
            cascade: arguments.bool("cascade_drop"),
            present: arguments.text("state") == "present",
            comment: arguments.string("comment"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Option<There>, ModuleError> {
        let comment = literal(self.comment.as_deref().unwrap_or_default());
        let sql = format!(
            "SELECT pg_get_userbyid(nspowner), \
             coalesce(obj_description(oid, 'pg_namespace'), '') = {comment} \
             FROM pg_namespace WHERE nspname = {}",
            literal(&self.schema)
        );
        let rows = self.server.rows(host, &self.database, &sql)?;
        let row = rows.into_iter().next();
        Ok(row.map(|row| {
            let mut fields = row.into_iter();
            There {
                owner: fields.next().unwrap_or_default(),
                is_told: fields.next().as_deref() == Some("t"),
            }
        }))
    }

    fn decide(&self, there: &Option<There>) -> Vec<Change> {
        let statements = self.statements(there.as_ref()).into_iter();
        let run = statements.map(|sql| self.server.statement(&self.database, &sql));
        let attempt = |command| programs::attempt(command, "Database query failed: {stderr}");
        run.map(attempt).collect()
    }

    fn report(
        &self,
        _: &dyn Host,
        there: &Option<There>,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let mut report = values(json!({"schema": self.schema}));
        if !outcome.check {
            let statements = self.statements(there.as_ref());
            report.insert("queries".to_owned(), json!(statements));
        }
        Ok(Report::of(report))
    }
}

impl PostgresqlSchema {
    fn statements(&self, there: Option<&There>) -> Vec<String> {
        let schema = name(&self.schema);
        let owner = self.owner.as_deref();
        let mut statements = Vec::new();
        match (there, self.present) {
            (None, false) => {}
            (Some(_), false) => {
                let cascade = if self.cascade { " CASCADE" } else { "" };
                statements.push(format!("DROP SCHEMA {schema}{cascade}"));
            }
            (None, true) => {
                let owner = owner.map(|owner| format!(" AUTHORIZATION {}", name(owner)));
                statements.push(format!(
                    "CREATE SCHEMA {schema}{}",
                    owner.unwrap_or_default()
                ));
            }
            (Some(there), true) => {
                let owner = owner.filter(|owner| *owner != there.owner);
                statements.extend(
                    owner.map(|owner| format!("ALTER SCHEMA {schema} OWNER TO {}", name(owner))),
                );
            }
        }
        let is_told = there.is_some_and(|there| there.is_told);
        if let Some(comment) = self.comment.as_ref().filter(|_| self.present && !is_told) {
            let comment = literal(comment);
            statements.push(format!(
                "COMMENT ON SCHEMA {schema} IS {}",
                comment.trim_start()
            ));
        }
        statements
    }
}
