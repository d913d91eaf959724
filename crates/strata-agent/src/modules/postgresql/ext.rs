//! `postgresql_ext`: an extension of a database.

use serde_json::json;

use super::{LOGIN, Server, literal, name};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::modules::programs;
use crate::protocol::Task;

pub(in crate::modules) struct PostgresqlExt {
    server: Server,
    extension: String,
    database: String,
    schema: Option<String>,
    present: bool,
    cascade: bool,
    version: Option<String>,
    comment: Option<String>,
}

/// The version that is installed, and the one that is the newest to be had.
pub(in crate::modules) struct Found {
    installed: Option<String>,
    newest: Option<String>,
    comment: String,
}

impl Module for PostgresqlExt {
    const SPEC: Spec = Spec::new(
        "community.postgresql.postgresql_ext",
        &[
            Field::str("name").alias(&["ext"]).required(),
            Field::str("login_db").alias(&["db"]).required(),
            Field::str("schema"),
            Field::str("state")
                .choices(&["absent", "present"])
                .default("present"),
            Field::bool("cascade", false),
            Field::str("version"),
            Field::str("comment"),
        ],
    )
    .with(LOGIN);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<PostgresqlExt, ModuleError> {
        Ok(PostgresqlExt {
            server: Server::read(arguments)?,
            extension: arguments.text("name"),
            database: arguments.text("login_db"),
            schema: arguments.string("schema"),
            present: arguments.text("state") == "present",
            cascade: arguments.bool("cascade"),
            version: arguments.string("version"),
            comment: arguments.string("comment"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let sql = format!(
            "SELECT coalesce(installed_version, ''), default_version, \
             coalesce((SELECT obj_description(oid, 'pg_extension') FROM pg_extension \
             WHERE extname = {0}), '') FROM pg_available_extensions WHERE name = {0}",
            literal(&self.extension)
        );
        let rows = self.server.rows(host, &self.database, &sql)?;
        let row = rows.into_iter().next();
        if row.is_none() && self.present {
            let extension = &self.extension;
            return Err(ModuleError::new(format!(
                "Extension {extension} is not available"
            )));
        }
        let mut fields = row.unwrap_or_default().into_iter();
        let installed = fields.next().filter(|version| !version.is_empty());
        Ok(Found {
            installed,
            newest: fields.next(),
            comment: fields.next().unwrap_or_default(),
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let statements = self.statements(found).into_iter();
        let run = statements.map(|sql| self.server.statement(&self.database, &sql));
        run.map(programs::change).collect()
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        let before = found.installed.clone().unwrap_or_default();
        Ok(Report::of(values(json!({
            "db": self.database, "ext": self.extension, "queries": self.statements(found),
            "prev_version": before,
        }))))
    }
}

impl PostgresqlExt {
    fn statements(&self, found: &Found) -> Vec<String> {
        let extension = name(&self.extension);
        let cascade = if self.cascade { " CASCADE" } else { "" };
        let wanted = match self.version.as_deref() {
            Some("latest") => found.newest.clone(),
            version => version.map(str::to_owned),
        };
        let statement = match (&found.installed, self.present) {
            (None, false) => None,
            (Some(_), false) => Some(format!("DROP EXTENSION {extension}{cascade}")),
            (None, true) => {
                let schema = self
                    .schema
                    .as_deref()
                    .map(|schema| format!(" WITH SCHEMA {}", name(schema)));
                let version = wanted.map(|version| format!(" VERSION {}", literal(&version)));
                let (schema, version) = (schema.unwrap_or_default(), version.unwrap_or_default());
                Some(format!(
                    "CREATE EXTENSION {extension}{schema}{version}{cascade}"
                ))
            }
            (Some(now), true) => wanted.filter(|wanted| wanted != now).map(|wanted| {
                let wanted = literal(&wanted);
                format!("ALTER EXTENSION {extension} UPDATE TO {wanted}")
            }),
        };
        // What an extension is made with says its control file; that is not known before.
        let comment = self
            .comment
            .as_ref()
            .filter(|text| self.present && (found.installed.is_none() || **text != found.comment));
        let comment =
            comment.map(|text| format!("COMMENT ON EXTENSION {extension} IS {}", literal(text)));
        statement.into_iter().chain(comment).collect()
    }
}
