//! `postgresql_db`: a database is there with its owner and limits, or is not.

use serde_json::json;

use super::{LOGIN, Server, literal, name};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::modules::programs;
use crate::protocol::Task;

pub(in crate::modules) struct PostgresqlDb {
    server: Server,
    database: String,
    maintenance: String,
    present: bool,
    force: bool,
    owner: Option<String>,
    template: Option<String>,
    encoding: Option<String>,
    collate: Option<String>,
    ctype: Option<String>,
    limit: Option<String>,
    tablespace: Option<String>,
    comment: Option<String>,
}

/// The database as it is.
pub(in crate::modules) struct Found(Option<Database>);

struct Database {
    owner: String,
    encoding: String,
    collate: String,
    ctype: String,
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
            Field::unsupported("icu_locale"),
            Field::unsupported("locale_provider"),
            Field::unsupported("target"),
            Field::unsupported("target_opts"),
            Field::unsupported("dump_extra_args"),
        ],
    )
    .with(LOGIN);
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<PostgresqlDb, ModuleError> {
        let state = arguments.text("state");
        if !matches!(state.as_str(), "present" | "absent") {
            return Err(ModuleError::new(format!(
                "`state: {state}` of `postgresql_db` is not supported by Strata yet"
            )));
        }
        let given = |name: &str| arguments.string(name).filter(|text| !text.is_empty());
        Ok(PostgresqlDb {
            server: Server::read(arguments),
            database: arguments.text("name"),
            maintenance: arguments.text("maintenance_db"),
            present: state == "present",
            force: arguments.bool("force"),
            owner: given("owner"),
            template: given("template"),
            encoding: given("encoding"),
            collate: given("lc_collate"),
            ctype: given("lc_ctype"),
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
        let found = rows.into_iter().next().and_then(|row| {
            let mut fields = row.into_iter();
            Some(Database {
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
        Ok(Found(found))
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        let statements = self.statements(found).into_iter();
        let run = statements.map(|sql| self.server.statement(&self.maintenance, &sql));
        run.map(programs::change).collect()
    }

    fn report(&self, _: &dyn Host, found: &Found, _: &Outcome) -> Result<Report, ModuleError> {
        Ok(Report::of(values(json!({
            "db": self.database, "executed_commands": self.statements(found),
        }))))
    }
}

impl PostgresqlDb {
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

    fn statements(&self, found: &Found) -> Vec<String> {
        let database = name(&self.database);
        match (&found.0, self.present) {
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
