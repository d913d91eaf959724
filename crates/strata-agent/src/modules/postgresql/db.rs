//! `postgresql_db`: a database is there with its owner and limits, or is not.

use serde_json::json;

use super::dump::Dump;
use super::{LOGIN, Server, literal, name};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::modules::programs;
use crate::protocol::Task;
use crate::system::Command;

pub(in crate::modules) struct PostgresqlDb {
    server: Server,
    database: String,
    maintenance: String,
    present: bool,
    state: String,
    new_name: Option<String>,
    dump: Option<Dump>,
    force: bool,
    owner: Option<String>,
    template: Option<String>,
    encoding: Option<String>,
    collate: Option<String>,
    ctype: Option<String>,
    icu: Option<String>,
    provider: Option<String>,
    limit: Option<String>,
    tablespace: Option<String>,
    comment: Option<String>,
}

/// The database as it is.
pub(in crate::modules) struct Found {
    database: Option<Database>,
    /// Where a file is written or read.
    command: Option<Command>,
}

struct Database {
    owner: String,
    encoding: String,
    collate: String,
    ctype: String,
    icu: String,
    provider: String,
    limit: String,
    tablespace: String,
    comment: String,
}

impl Module for PostgresqlDb {
    const SPEC: Spec = Spec::new(
        "community.postgresql.postgresql_db",
        &[
            Field::str("name").alias(&["db"]).required(),
            Field::str("owner"),
            Field::str("template"),
            Field::str("encoding"),
            Field::str("lc_collate"),
            Field::str("lc_ctype"),
            Field::str("conn_limit"),
            Field::str("tablespace"),
            Field::str("comment"),
            Field::str("maintenance_db").default("postgres"),
            Field::bool("force", false),
            Field::str("state")
                .choices(&["absent", "dump", "present", "rename", "restore"])
                .default("present"),
            Field::str("icu_locale"),
            Field::str("locale_provider"),
            Field::path("target"),
            Field::str("target_opts").default(""),
            Field::str("dump_extra_args").default(""),
        ],
    )
    .with(LOGIN);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<PostgresqlDb, ModuleError> {
        let state = arguments.text("state");
        let needs_target = !matches!(state.as_str(), "present" | "absent");
        if needs_target && arguments.path("target").is_none() {
            return Err(ModuleError::new(match state.as_str() {
                "rename" => {
                    "The \"target\" option must be defined when the \"rename\" option is used."
                        .to_owned()
                }
                state => format!("with state={state} target is required"),
            }));
        }
        let given = |name: &str| arguments.string(name).filter(|text| !text.is_empty());
        Ok(PostgresqlDb {
            server: Server::read(arguments)?,
            database: arguments.text("name"),
            maintenance: arguments.text("maintenance_db"),
            present: state == "present",
            dump: Dump::read(arguments)?,
            new_name: arguments.string("target").filter(|_| state == "rename"),
            state,
            force: arguments.bool("force"),
            owner: given("owner"),
            template: given("template"),
            encoding: given("encoding"),
            collate: given("lc_collate"),
            ctype: given("lc_ctype"),
            icu: given("icu_locale"),
            provider: given("locale_provider"),
            limit: given("conn_limit"),
            tablespace: given("tablespace"),
            comment: arguments.string("comment"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let sql = format!(
            "SELECT pg_get_userbyid(d.datdba), pg_encoding_to_char(d.encoding), d.datcollate, \
             d.datctype, d.datconnlimit, t.spcname, \
             coalesce(shobj_description(d.oid, 'pg_database'), '') \
             FROM pg_database d JOIN pg_tablespace t ON t.oid = d.dattablespace \
             WHERE d.datname = {}",
            literal(&self.database)
        );
        let rows = self.server.rows(host, &self.maintenance, &sql)?;
        let asked = self.icu.is_some() || self.provider.is_some();
        let (icu, provider) = match asked {
            true => self.locale(host)?,
            false => (String::new(), String::new()),
        };
        let found = rows.into_iter().next().and_then(|row| {
            let mut fields = row.into_iter();
            Some(Database {
                icu,
                provider,
                owner: fields.next()?,
                encoding: fields.next()?,
                collate: fields.next()?,
                ctype: fields.next()?,
                limit: fields.next()?,
                tablespace: fields.next()?,
                comment: fields.next().unwrap_or_default(),
            })
        });
        if let (Some(there), true) = (&found, self.present) {
            self.refuse_other(there)?;
        }
        let command = match (self.state.as_str(), &self.dump) {
            ("dump", Some(dump)) if found.is_some() => {
                Some(dump.dump(host, &self.server, &self.database)?)
            }
            ("dump", _) => {
                return Err(ModuleError::new(format!(
                    "Cannot dump database {}: it does not exist",
                    self.database
                )));
            }
            ("restore", Some(dump)) => Some(dump.restore(host, &self.server, &self.database)?),
            _ => None,
        };
        if self.new_name.is_some() {
            self.check_rename(host, found.is_some())?;
        }
        Ok(Found {
            database: found,
            command,
        })
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let statements = self.statements(found).into_iter();
        let run = statements.map(|sql| self.server.statement(&self.maintenance, &sql));
        run.chain(found.command.clone())
            .map(programs::change)
            .collect()
    }

    fn report(
        &self,
        _: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let mut executed = self.statements(found);
        let command = found
            .command
            .as_ref()
            .map(|command| command.argv[4..].join(" "));
        executed.extend(command.clone());
        let mut report = values(json!({"db": self.database, "executed_commands": executed}));
        if let Some(output) = outcome.outputs.last().filter(|_| found.command.is_some()) {
            report.extend(values(programs::results(output)));
            report.insert("cmd".to_owned(), json!(command));
        }
        Ok(Report::of(report))
    }
}

impl PostgresqlDb {
    /// The locale of ICU and who provides locales; servers before version 15 know neither.
    fn locale(&self, host: &dyn Host) -> Result<(String, String), ModuleError> {
        // Version 17 has another name for it; a row as JSON has whichever there is.
        let sql = format!(
            "SELECT coalesce(d->>'datlocale', d->>'daticulocale', ''), coalesce(d->>'datlocprovider', '') \
             FROM (SELECT to_jsonb(p) FROM pg_database p WHERE datname = {}) AS t(d)",
            literal(&self.database)
        );
        let rows = self.server.rows(host, &self.maintenance, &sql)?;
        let row = rows.into_iter().next().unwrap_or_default();
        let provider = match row.get(1).map(String::as_str) {
            Some("c") => "libc",
            Some("i") => "icu",
            _ => "",
        };
        Ok((
            row.first().cloned().unwrap_or_default(),
            provider.to_owned(),
        ))
    }

    /// What cannot be changed once a database is there.
    fn refuse_other(&self, there: &Database) -> Result<(), ModuleError> {
        let fixed = [
            (
                "database encoding",
                "encoding",
                &self.encoding,
                &there.encoding,
            ),
            ("LC_COLLATE", "LC_COLLATE", &self.collate, &there.collate),
            ("LC_CTYPE", "LC_CTYPE", &self.ctype, &there.ctype),
            ("ICU_LOCALE", "ICU_LOCALE", &self.icu, &there.icu),
            (
                "LOCALE_PROVIDER",
                "LOCALE_PROVIDER",
                &self.provider,
                &there.provider,
            ),
        ];
        for (what, short, wanted, now) in fixed {
            let same = |wanted: &String| {
                let plain = |text: &str| text.to_lowercase().replace('-', "");
                wanted == now || (short == "encoding" && plain(wanted) == plain(now))
            };
            if wanted.as_ref().is_some_and(|wanted| !same(wanted)) {
                return Err(ModuleError::new(format!(
                    "Changing {what} is not supported. Current {short}: {now}"
                )));
            }
        }
        Ok(())
    }

    /// Fails where neither name, or both, are those of databases.
    fn check_rename(&self, host: &dyn Host, is_there: bool) -> Result<(), ModuleError> {
        let target = self.new_name.as_deref().unwrap_or_default();
        let sql = format!(
            "SELECT 1 FROM pg_database WHERE datname = {}",
            literal(target)
        );
        let taken = !self.server.rows(host, &self.maintenance, &sql)?.is_empty();
        match (is_there, taken) {
            (true, true) => Err(ModuleError::new(format!(
                "Both the source and the target databases exist: {}, {target}",
                self.database
            ))),
            (false, false) => Err(ModuleError::new(format!(
                "The source and the target databases do not exist: {}, {target}",
                self.database
            ))),
            _ => Ok(()),
        }
    }

    fn statements(&self, found: &Found) -> Vec<String> {
        let database = name(&self.database);
        if let Some(target) = &self.new_name {
            let there = found.database.iter();
            let target = name(target);
            return there
                .map(|_| format!("ALTER DATABASE {database} RENAME TO {target}"))
                .collect();
        }
        match (&found.database, self.present || self.state == "restore") {
            _ if self.state == "dump" => Vec::new(),
            (None, false) => Vec::new(),
            (Some(_), false) => {
                let force = if self.force { " WITH (FORCE)" } else { "" };
                vec![format!("DROP DATABASE {database}{force}")]
            }
            (None, true) => self.creation(&database),
            (Some(there), true) => self.alterations(&database, there),
        }
    }

    fn creation(&self, database: &str) -> Vec<String> {
        let mut sql = format!("CREATE DATABASE {database}");
        let mut add = |word: &str, value: Option<String>| {
            if let Some(value) = value {
                sql.push_str(&format!(" {word} {value}"));
            }
        };
        add("OWNER", self.owner.as_deref().map(name));
        add("TEMPLATE", self.template.as_deref().map(name));
        add("ENCODING", self.encoding.as_deref().map(literal));
        add("LC_COLLATE", self.collate.as_deref().map(literal));
        add("LC_CTYPE", self.ctype.as_deref().map(literal));
        add("ICU_LOCALE", self.icu.as_deref().map(literal));
        add("LOCALE_PROVIDER", self.provider.as_deref().map(literal));
        add("TABLESPACE", self.tablespace.as_deref().map(name));
        add("CONNECTION LIMIT", self.limit.as_deref().map(number));
        let comment = self.comment.iter().filter(|text| !text.is_empty());
        let comment = comment.map(|text| comment_on(database, text));
        std::iter::once(sql).chain(comment).collect()
    }

    fn alterations(&self, database: &str, there: &Database) -> Vec<String> {
        let mut statements = Vec::new();
        let differs =
            |wanted: &Option<String>, now: &String| wanted.clone().filter(|wanted| wanted != now);
        if let Some(owner) = differs(&self.owner, &there.owner) {
            statements.push(format!(
                "ALTER DATABASE {database} OWNER TO {}",
                name(&owner)
            ));
        }
        if let Some(limit) = differs(&self.limit, &there.limit) {
            let limit = number(&limit);
            statements.push(format!(
                "ALTER DATABASE {database} CONNECTION LIMIT {limit}"
            ));
        }
        if let Some(space) = differs(&self.tablespace, &there.tablespace) {
            let space = name(&space);
            statements.push(format!("ALTER DATABASE {database} SET TABLESPACE {space}"));
        }
        if let Some(comment) = differs(&self.comment, &there.comment) {
            statements.push(comment_on(database, &comment));
        }
        statements
    }
}

fn comment_on(database: &str, text: &str) -> String {
    format!("COMMENT ON DATABASE {database} IS {}", literal(text))
}

/// A number, and nothing else that could be a statement.
fn number(text: &str) -> String {
    text.trim().parse::<i64>().unwrap_or(-1).to_string()
}
